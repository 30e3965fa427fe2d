use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::*;
use crate::accompaniment::tests::{active, actor, company, day, people, period, published, site};
use crate::code::Code;
use crate::error::Error;
use crate::establishment::Establishment;
use crate::funding_period::FundingPeriodStatus;
use crate::plan::{Lateness, StepDoneInput, StepOverrideInput, StepState, TrackReasonCode};

fn now() -> DateTime<Utc> {
    "2026-03-16T09:00:00Z".parse().unwrap()
}

fn context(template: usize) -> Context {
    Context {
        today: day("2026-03-02"),
        company: Some(company()),
        establishment: None,
        accompaniment: None,
        site: Some(site()),
        people: people(),
        template: Some(published(template)),
        period: Some(period(FundingPeriodStatus::Open)),
        old_period: None,
    }
}

fn input(template: usize) -> RecruitmentCaseInput {
    RecruitmentCaseInput {
        company_id: Uuid::from_u128(20).into(),
        establishment_id: None,
        accompaniment_id: None,
        site_id: Uuid::from_u128(2).into(),
        template_id: published(template).id,
        vacancy: "Elektroniker:in".to_owned(),
        occupation: OccupationInput { code: "26302".to_owned(), skill_level: None, workers: None },
        candidate_reference: "K-2026-014".to_owned(),
        country: Some("MA".to_owned()),
        purpose: "skilled_vocational".to_owned(),
        opened_on: None,
        target_on: None,
        lead_id: None,
        deputy_id: None,
        notes: None,
    }
}

fn open(input: &RecruitmentCaseInput, context: &Context) -> Result<RecruitmentCase> {
    RecruitmentCase::new(Uuid::from_u128(60).into(), now(), &actor(), input, context)
}

fn fast_track() -> RecruitmentCase {
    open(&input(1), &context(1)).unwrap()
}

fn faults<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, String)> {
    match result {
        Err(Error::Invalid(errors)) => {
            errors.into_iter().map(|error| (error.pointer, error.code)).collect()
        }
        other => panic!("not invalid but {other:?}"),
    }
}

fn fault(pointer: &str, code: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), code.to_owned())]
}

fn conflict<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, String) {
    match result {
        Err(Error::Conflict { code, detail }) => (code, detail),
        other => panic!("no conflict but {other:?}"),
    }
}

fn done(case: &RecruitmentCase, steps: &[(&str, &str)]) -> RecruitmentCase {
    steps.iter().fold(case.clone(), |case, (code, on)| {
        let input = StepDoneInput { done_on: Some(day(on)), note: None };
        case.with_step_done(code, now(), day("2027-06-01"), &actor(), &input).unwrap()
    })
}

fn planned(case: &RecruitmentCase, code: &str) -> NaiveDate {
    case.plan().step(code).unwrap().planned_on.unwrap()
}

fn state(case: &RecruitmentCase, code: &str, today: &str) -> StepState {
    let shown = case.shown(day(today));
    shown.plan().step(code).unwrap().state.clone().unwrap()
}

/// Up to the recognition decision, which is due two months after the complete file of 30 April.
fn with_complete_file() -> RecruitmentCase {
    done(
        &fast_track(),
        &[
            ("power_of_attorney", "2026-03-09"),
            ("agreement", "2026-03-20"),
            ("recognition_filed", "2026-03-24"),
            ("completeness_notice", "2026-04-07"),
            ("file_complete", "2026-04-30"),
        ],
    )
}

#[test]
fn the_fast_track_is_open_to_some_purposes() {
    let try_purpose = |template: usize, purpose: &str| {
        let input = RecruitmentCaseInput { purpose: purpose.to_owned(), ..input(template) };
        open(&input, &context(template))
    };
    for purpose in [
        "vocational_training",
        "adaptation_measure",
        "recognition_partnership",
        "skilled_vocational",
        "skilled_academic",
        "highly_qualified",
        "blue_card",
        "other_employment",
        "professional_experience",
    ] {
        assert!(try_purpose(1, purpose).is_ok(), "{purpose}");
    }
    for purpose in ["opportunity_card", "western_balkans", "seasonal_work", "care_assistants"] {
        assert_eq!(faults(try_purpose(1, purpose)), fault("/purpose", "not_open_to_purpose"));
        assert!(try_purpose(2, purpose).is_ok(), "{purpose}");
    }
    assert_eq!(faults(try_purpose(1, "tourism")), fault("/purpose", "unknown"));
    assert_eq!(fast_track().procedure, RecruitmentProcedure::FastTrack);
}

#[test]
fn a_case_names_what_is_wrong() {
    let wrong = |change: &dyn Fn(&mut RecruitmentCaseInput)| {
        let mut input = input(1);
        change(&mut input);
        faults(open(&input, &context(1)))
    };
    for reference in ["", "K", "Amina-1", "AMINA", "K 14", "K-2026-014-TOO-LONG-1"] {
        assert_eq!(
            wrong(&|input| input.candidate_reference = reference.to_owned()),
            fault("/candidate_reference", "not_a_pseudonym"),
            "{reference}"
        );
    }
    assert_eq!(
        wrong(&|input| input.candidate_reference = "AB1234567".to_owned()),
        fault("/candidate_reference", "passport_number")
    );
    assert_eq!(
        wrong(&|input| input.occupation.workers = Some(1)),
        fault("/occupation/workers", "not_settable")
    );
    assert_eq!(
        wrong(&|input| input.occupation.code = "99".to_owned()),
        fault("/occupation/code", "not_an_occupation")
    );
    assert_eq!(
        wrong(&|input| input.country = Some("ZZ".to_owned())),
        fault("/country", "not_a_country")
    );
    assert_eq!(
        wrong(&|input| input.opened_on = Some(day("2026-03-03"))),
        fault("/opened_on", "in_the_future")
    );
    assert_eq!(
        wrong(&|input| input.target_on = Some(day("2026-03-01"))),
        fault("/target_on", "before_start")
    );
    // Of another company, and of a programme that is over.
    assert_eq!(
        wrong(&|input| input.accompaniment_id = Some(active().id)),
        fault("/accompaniment_id", "unknown")
    );
    assert_eq!(
        wrong(&|input| input.establishment_id = Some(Uuid::from_u128(8).into())),
        fault("/establishment_id", "unknown")
    );
    let all = wrong(&|input| {
        input.vacancy = " ".to_owned();
        input.purpose = "opportunity_card".to_owned();
    });
    assert_eq!(all.len(), 2);
    let no_template = Context { template: Some(published(0)), ..context(1) };
    assert!(faults(open(&input(1), &no_template)).contains(&fault("/template_id", "unknown")[0]));
}

#[test]
fn a_case_belongs_to_a_run_and_a_place_of_the_company() {
    let establishment = Establishment {
        id: Uuid::from_u128(8).into(),
        company: Reference::new(Uuid::from_u128(20), "Muster GmbH"),
        name: "Werk Gießen".to_owned(),
        address: crate::organisation::Address::default(),
        district: None,
        archived: None,
        version: 1,
        created_at: now(),
        updated_at: now(),
    };
    let input = RecruitmentCaseInput {
        establishment_id: Some(establishment.id),
        accompaniment_id: Some(active().id),
        ..input(1)
    };
    let context =
        Context { establishment: Some(establishment), accompaniment: Some(active()), ..context(1) };
    let case = open(&input, &context).unwrap();
    assert_eq!(case.accompaniment.as_ref().unwrap().name, "Muster GmbH, 2026-03-02");
    assert_eq!(case.establishment.as_ref().unwrap().name, "Werk Gießen");
    // What it names it keeps, whatever became of it.
    let later = Context { establishment: None, accompaniment: None, people: Vec::new(), ..context };
    let same = case.changed(now(), &actor(), &(&case).into(), &later).unwrap();
    assert_eq!((same.version, &same.steps), (2, &case.steps));
    let other = RecruitmentCaseInput { template_id: published(2).id, ..(&case).into() };
    assert_eq!(
        faults(case.changed(now(), &actor(), &other, &later)),
        fault("/template_id", "immutable")
    );
}

#[test]
fn a_case_is_opened_in_a_period_that_takes_entries() {
    let closed = || Some(period(FundingPeriodStatus::Closed));
    let into = |period, old_period| Context { period, old_period, ..context(1) };
    assert_eq!(
        faults(open(&input(1), &into(None, None))),
        fault("/opened_on", "outside_funding_periods")
    );
    assert_eq!(conflict(open(&input(1), &into(closed(), None))).0, "funding_period_not_open");
    let case = fast_track();
    let earlier = |on| RecruitmentCaseInput { opened_on: Some(day(on)), ..(&case).into() };
    let change = |on, context| case.changed(now(), &actor(), &earlier(on), &context);
    let refused = change("2026-02-27", into(closed(), context(1).period));
    assert_eq!(conflict(refused).0, "funding_period_not_open");
    let refused = change("2026-02-27", into(context(1).period, closed()));
    assert_eq!(conflict(refused).0, "funding_period_not_open");
    // Of a closed period all else is changed: no figure leans on it.
    assert!(change("2026-03-02", into(closed(), None)).is_ok());
}

#[test]
fn deadlines_follow_what_happened() {
    let case = fast_track();
    assert_eq!(planned(&case, "power_of_attorney"), day("2026-03-16"));
    assert_eq!(planned(&case, "agreement"), day("2026-03-30"), "a forecast");
    assert!(state(&case, "agreement", "2026-03-02").provisional);
    let case = done(&case, &[("power_of_attorney", "2026-03-20")]);
    // Two weeks on is Good Friday, and Easter Monday is a holiday too.
    assert_eq!(planned(&case, "agreement"), day("2026-04-07"));
    assert!(!state(&case, "agreement", "2026-03-20").provisional);
    assert_eq!(case.steps[1].baseline_on, Some(day("2026-03-30")), "never moves");

    let case = with_complete_file();
    // § 188 (2): two months after 30 April.
    assert_eq!(planned(&case, "recognition_decision"), day("2026-06-30"));
    let back = case.with_step_reopened("file_complete", now()).unwrap();
    assert!(state(&back, "recognition_decision", "2026-05-01").provisional);
    assert_ne!(planned(&back, "recognition_decision"), day("2026-06-30"));
}

#[test]
fn breached_late_and_overdue_are_told_apart() {
    let case = with_complete_file();
    // The law says "should".
    let decision = |today| state(&case, "recognition_decision", today);
    assert_eq!(decision("2026-06-30").lateness, None);
    assert_eq!(decision("2026-07-02").lateness, Some(Lateness::Late));
    assert_eq!(decision("2026-07-02").days_late, Some(2));
    // The law says by when: the employer is invited within three weekdays, Saturdays among them.
    let case = done(&case, &[("recognition_decision", "2026-07-02")]);
    let invited = |today| state(&case, "employer_invited", today);
    assert_eq!(invited("2026-07-06").lateness, None);
    assert_eq!(invited("2026-07-07").lateness, Some(Lateness::Breached));
    assert_eq!(state(&case, "recognition_decision", "2026-08-01").lateness, Some(Lateness::Late));
    let reasons = case.state_on(day("2026-07-08")).plan.track_reasons;
    assert_eq!(reasons[0].code, TrackReasonCode::LimitBreached);
    // The centre planned it so.
    let own = fast_track();
    assert_eq!(state(&own, "power_of_attorney", "2026-03-17").lateness, Some(Lateness::Overdue));
    // Moving one's own date does not move the law.
    let input = StepOverrideInput { on: day("2026-08-01"), reason: "Sommerpause".to_owned() };
    let moved = case.with_step_overridden("employer_invited", now(), &actor(), &input).unwrap();
    let state = state(&moved, "employer_invited", "2026-07-08");
    assert_eq!((state.lateness, state.due_on), (Some(Lateness::Breached), Some(input.on)));
    assert_eq!(planned(&moved, "consent_requested"), day("2026-08-10"), "runs from it");
    let cleared = moved.without_step_override("employer_invited", now()).unwrap();
    assert_eq!(planned(&cleared, "consent_requested"), planned(&case, "consent_requested"));
}

/// Where no recognition is needed there is no decision, so nothing that the law counts from it.
#[test]
fn without_recognition_no_limit_runs_from_its_decision() {
    let waived = |case: RecruitmentCase, codes: &[&str]| {
        codes.iter().fold(case, |case, code| {
            case.with_step_waived(code, now(), &actor(), "Schon anerkannt").unwrap()
        })
    };
    let recognition =
        ["recognition_filed", "completeness_notice", "file_complete", "recognition_decision"];
    let case = waived(fast_track(), &recognition);
    // The chain hangs on the agreement, which is a forecast yet: so is the invitation.
    let invited = state(&case, "employer_invited", "2026-12-01");
    assert!(invited.provisional);
    assert_eq!((invited.limit_on, invited.lateness), (None, None));
    let case = done(&case, &[("power_of_attorney", "2026-03-09"), ("agreement", "2026-03-20")]);
    // From the agreement on it is the own plan: overdue, and never breached.
    let invited = state(&case, "employer_invited", "2026-03-24");
    assert_eq!((invited.due_on, invited.limit_on), (Some(day("2026-03-24")), None));
    assert_eq!((invited.provisional, invited.lateness), (false, None));
    assert_eq!(state(&case, "employer_invited", "2026-03-25").lateness, Some(Lateness::Overdue));
    // What runs from the invitation has its own limit again once that was sent.
    let case = done(&case, &[("employer_invited", "2026-03-24")]);
    assert_eq!(state(&case, "consent_requested", "2026-03-24").limit_on, Some(day("2026-03-31")));
    assert_eq!(state(&case, "consent_requested", "2026-04-01").lateness, Some(Lateness::Late));

    let regular = open(&input(2), &context(2)).unwrap();
    let recognition =
        ["recognition_filed", "receipt_confirmed", "file_complete", "recognition_decision"];
    let case = waived(regular, &recognition);
    // A week from the opening of the case, which is where the recognition would have run from.
    let requested = state(&case, "visa_appointment_requested", "2026-03-10");
    assert_eq!((requested.due_on, requested.limit_on), (Some(day("2026-03-09")), None));
    assert_eq!((requested.provisional, requested.lateness), (false, Some(Lateness::Overdue)));
    let statutory = case.steps.iter().filter(|step| step.definition.code == "recognition_decision");
    assert!(statutory.clone().count() == 1 && statutory.clone().all(|step| !step.is_open()));
    let reasons = case.state_on(day("2027-03-01")).plan.track_reasons;
    assert!(reasons.iter().all(|reason| reason.code != TrackReasonCode::LimitBreached));
}

/// Recorded in whatever order, a deadline that was kept was kept.
#[test]
fn the_order_of_recording_does_not_matter() {
    let mut case = with_complete_file();
    for step in &mut case.steps {
        Arc::make_mut(&mut step.definition).after.clear();
    }
    let facts = [("recognition_decision", "2026-05-11"), ("employer_invited", "2026-05-15")];
    let in_order = done(&case, &facts);
    let reversed = done(&case, &[facts[1], facts[0]]);
    for case in [&in_order, &reversed] {
        // Ascension Day does not count: Tuesday, Wednesday, Friday.
        let invited = state(case, "employer_invited", "2026-06-01");
        assert_eq!((invited.limit_on, invited.lateness), (Some(day("2026-05-15")), None));
    }
}

#[test]
fn an_early_end_is_reported_within_four_weeks() {
    let mut case = fast_track();
    for code in case.plan().holding_up().into_iter().map(str::to_owned).collect::<Vec<_>>() {
        if code != "entry" && code != "work_start" && code != "advice_notice" {
            case = case.with_step_waived(&code, now(), &actor(), "x").unwrap();
        }
    }
    let case = done(&case, &[("entry", "2026-09-01"), ("work_start", "2026-09-07")]);
    // By the first day of work.
    assert_eq!(state(&case, "advice_notice", "2026-09-07").lateness, None);
    assert_eq!(state(&case, "advice_notice", "2026-09-08").lateness, Some(Lateness::Breached));
    assert_eq!(state(&case, "early_end_reported", "2026-12-01").due_on, None);
    let case = done(&case, &[("early_end", "2026-12-01")]);
    assert_eq!(state(&case, "early_end_reported", "2026-12-01").limit_on, Some(day("2026-12-29")));
    assert_eq!(state(&case, "early_end_reported", "2026-12-30").lateness, Some(Lateness::Breached));
}

/// § 45c: what is due on the first day of work cannot wait until that has come.
#[test]
fn the_notice_is_awaited_by_the_day_on_which_work_is_to_begin() {
    let mut case = fast_track();
    let awaited = |case: &RecruitmentCase| {
        let at = case.steps.iter().position(|step| step.definition.code == "advice_notice");
        case.awaited_on()[at.unwrap()]
    };
    for code in case.plan().holding_up().into_iter().map(str::to_owned).collect::<Vec<_>>() {
        if !["entry", "work_start", "advice_notice"].contains(&code.as_str()) {
            case = case.with_step_waived(&code, now(), &actor(), "x").unwrap();
        }
    }
    // Entry runs from the opening of the case, all before it being waived; the first day of work is a forecast.
    assert!(state(&case, "advice_notice", "2026-09-01").provisional);
    assert_eq!(awaited(&case), None);
    // The contract names the day.
    let first = StepOverrideInput { on: day("2026-10-01"), reason: "Vertrag".to_owned() };
    let agreed = case.with_step_overridden("work_start", now(), &actor(), &first).unwrap();
    assert_eq!(awaited(&agreed), Some(day("2026-10-01")));
    // Or it is planned from the entry, which has happened.
    let entered = done(&case, &[("entry", "2026-09-01")]);
    assert_eq!(planned(&entered, "work_start"), day("2026-09-15"));
    let notice = state(&entered, "advice_notice", "2026-09-16");
    assert_eq!((notice.due_on, notice.provisional), (Some(day("2026-09-15")), false));
    assert_eq!(awaited(&entered), Some(day("2026-09-15")));
    // The law is breached when somebody works without it, and not before.
    assert_eq!(notice.lateness, Some(Lateness::Overdue));
    let works = done(&entered, &[("work_start", "2026-09-10")]);
    assert_eq!(state(&works, "advice_notice", "2026-09-11").lateness, Some(Lateness::Breached));
    // What comes after its anchor waits for it, also on the same day.
    assert!(state(&agreed, "early_end", "2026-09-01").due_on.is_none());
    let appointment = fast_track();
    let set =
        appointment.with_step_overridden("visa_appointment", now(), &actor(), &first).unwrap();
    assert!(state(&set, "visa_application_complete", "2026-12-01").provisional);
}

fn close(outcome: RecruitmentOutcome) -> RecruitmentCloseInput {
    RecruitmentCloseInput { closed_on: None, outcome, note: None }
}

#[test]
fn a_case_that_ends_well_has_all_its_steps() {
    let case = fast_track();
    let today = day("2026-04-01");
    let (code, detail) =
        conflict(case.closed(now(), today, &actor(), &close(RecruitmentOutcome::WorkStarted)));
    assert_eq!(code, "steps_open");
    assert!(detail.contains("visa_decision") && !detail.contains("early_end"), "{detail}");
    let closed = case.closed(now(), today, &actor(), &close(RecruitmentOutcome::Refused)).unwrap();
    let shown = closed.shown(day("2027-01-01"));
    assert_eq!(shown.state.as_ref().unwrap().plan.track_reasons, [], "nobody waits any more");
    assert!(shown.steps.iter().all(|step| step.state.as_ref().unwrap().lateness.is_none()));
    let early = RecruitmentCloseInput {
        closed_on: Some(day("2026-03-01")),
        ..close(RecruitmentOutcome::Other)
    };
    assert_eq!(
        faults(case.closed(now(), today, &actor(), &early)),
        fault("/closed_on", "before_start")
    );
}

fn at_work() -> RecruitmentCase {
    let mut case = fast_track();
    for code in case.plan().holding_up().into_iter().map(str::to_owned).collect::<Vec<_>>() {
        if code != "work_start" {
            case = case.with_step_waived(&code, now(), &actor(), "x").unwrap();
        }
    }
    done(&case, &[("work_start", "2026-03-09")])
}

/// § 4a (5): the duty to report goes on while somebody works there.
#[test]
fn an_early_end_is_reported_after_the_case_was_closed() {
    let today = day("2026-04-01");
    let close = |outcome| at_work().closed(now(), today, &actor(), &close(outcome)).unwrap();
    let case = close(RecruitmentOutcome::WorkStarted);
    assert_eq!(case.state_on(day("2026-12-01")).plan.track_reasons, []);
    let input = StepDoneInput { done_on: Some(day("2026-11-30")), note: None };
    let do_step = |case: &RecruitmentCase, code| {
        case.with_step_done(code, now(), day("2026-12-01"), &actor(), &input)
    };
    assert_eq!(conflict(do_step(&case, "residence_title")).0, "step_closed");
    let ended = do_step(&case, "early_end").unwrap();
    assert!(ended.closed.is_some());
    let at = ended.steps.iter().position(|step| step.definition.code == "early_end_reported");
    assert_eq!(ended.awaited_on()[at.unwrap()], Some(day("2026-12-28")));
    assert_eq!(
        state(&ended, "early_end_reported", "2026-12-29").lateness,
        Some(Lateness::Breached)
    );
    assert!(ended.awaited_on().iter().flatten().count() == 1, "nothing else is awaited");
    assert!(do_step(&ended, "early_end_reported").is_ok());
    let other = close(RecruitmentOutcome::Other);
    assert_eq!(conflict(do_step(&other, "early_end")).0, "wrong_state");
}

/// Does it, with what has to be there for it: a step that is done, or has another date.
fn attempt(case: &RecruitmentCase, operation: RecruitmentCaseOperation) -> Result<RecruitmentCase> {
    use RecruitmentCaseOperation as Operation;
    // Not mandatory, and after the end, so that one that is closed may still do it.
    let code = "early_end";
    let today = day("2026-04-01");
    let overriding = StepOverrideInput { on: day("2026-05-01"), reason: "x".to_owned() };
    let waive = |case: &RecruitmentCase| case.with_step_waived(code, now(), &actor(), "x");
    let set =
        |case: &RecruitmentCase| case.with_step_overridden(code, now(), &actor(), &overriding);
    match operation {
        Operation::Change => case.changed(now(), &actor(), &case.into(), &context(1)),
        Operation::DoStep => {
            let code = if case.closed.is_some() { code } else { "power_of_attorney" };
            case.with_step_done(code, now(), today, &actor(), &StepDoneInput::default())
        }
        Operation::WaiveStep => waive(case),
        Operation::ReopenStep => {
            waive(case).unwrap_or(case.clone()).with_step_reopened(code, now())
        }
        Operation::OverrideStep => set(case),
        Operation::ClearOverride => {
            set(case).unwrap_or(case.clone()).without_step_override(code, now())
        }
        Operation::Close => case.closed(now(), today, &actor(), &close(RecruitmentOutcome::Other)),
        Operation::Reopen => case.reopened(now()),
    }
}

#[test]
fn a_case_is_not_closed_before_its_last_step() {
    let early = |on| RecruitmentCloseInput {
        closed_on: Some(day(on)),
        ..close(RecruitmentOutcome::WorkStarted)
    };
    let try_close = |on| at_work().closed(now(), day("2026-04-01"), &actor(), &early(on));
    assert_eq!(faults(try_close("2026-03-08")), fault("/closed_on", "before_start"));
    assert!(try_close("2026-03-09").is_ok());
}

/// The table as a text file, so that a change shows in a review, and that each operation keeps to it. Run with
/// `UPDATE_OPERATIONS=1` to write it anew.
#[test]
fn every_operation_in_every_state_is_done_or_refused_with_what_is_possible() {
    use RecruitmentCaseOperation as Operation;
    use std::fmt::Write;

    let today = day("2026-04-01");
    let closed = |outcome| at_work().closed(now(), today, &actor(), &close(outcome)).unwrap();
    let states = [
        ("open", fast_track()),
        ("closed", closed(RecruitmentOutcome::Other)),
        ("work_started", closed(RecruitmentOutcome::WorkStarted)),
    ];
    let mut table = format!("{:<15}", "");
    for (name, _) in &states {
        write!(table, " {name:<13}").unwrap();
    }
    for operation in Operation::all() {
        table = format!("{}\n{:<15}", table.trim_end(), operation.code());
        for (name, case) in &states {
            let is_allowed = case.allowed().contains(&operation);
            let place = format!("{} when {name}", operation.code());
            match attempt(case, operation) {
                Ok(new) => {
                    // It needed something of the record first.
                    assert!(is_allowed && new.version > case.version, "{place}");
                }
                Err(Error::Conflict { code: "wrong_state", detail }) => {
                    assert!(!is_allowed, "{place}: {detail}");
                    let codes: Vec<_> = case.allowed().into_iter().map(Code::code).collect();
                    assert!(detail.ends_with(&format!("possible now: {}.", codes.join(", "))));
                }
                Err(other) => panic!("{place}: {other}"),
            }
            write!(table, " {:<13}", if is_allowed { "yes" } else { "-" }).unwrap();
        }
    }
    table = format!("{}\n", table.trim_end());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/recruitment_case/operations.txt");
    if std::env::var_os("UPDATE_OPERATIONS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    assert_eq!(table, include_str!("operations.txt"));
}
