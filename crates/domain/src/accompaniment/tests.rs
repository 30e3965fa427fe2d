use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use uuid::Uuid;

use super::*;
use crate::calendar::FederalState;
use crate::code::Code;
use crate::consultation::OrganisationFacts;
use crate::due_rule::DueAnchor;
use crate::funding_period::{FundingPeriod, FundingPeriodStatus};
use crate::id::OrganisationId;
use crate::organisation::{OrganisationKind, OrganisationReference};
use crate::plan::{
    Progress, ReplanInput, StepDoneInput, StepOverrideInput, StepStatus, Track, TrackReasonCode,
};
use crate::policy::Role;
use crate::programme_template::{ProgrammeTemplate, TemplateStatus, newest};
use crate::site::Site;

mod operations;
mod random;
use operations::{TODAY, in_every_state};

const LEAD: u128 = 3;
const DEPUTY: u128 = 31;
const OTHER: u128 = 32;

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-03-16T09:00:00Z".parse().unwrap()
}

pub fn actor() -> Actor {
    crate::event::tests::actor()
}

fn user(id: u128) -> Actor {
    Actor { user_id: Uuid::from_u128(id).into(), name: format!("User {id}"), ..actor() }
}

/// The newest version of the programme, the fast track or the regular procedure.
pub fn published(at: usize) -> ProgrammeTemplate {
    newest(["hundred_days", "fast_track", "regular_visa"][at]).unwrap().published(now()).unwrap()
}

pub fn company() -> OrganisationFacts {
    OrganisationFacts {
        reference: OrganisationReference {
            id: OrganisationId(Uuid::from_u128(20)),
            name: "Muster GmbH".to_owned(),
            kind: OrganisationKind::Company,
        },
        district_id: None,
        archived: false,
    }
}

pub fn site() -> Site {
    Site {
        id: Uuid::from_u128(2).into(),
        carrier: Reference::new(Uuid::from_u128(1), "BWHW"),
        name: "Frankfurt am Main".to_owned(),
        valid_from: day("2019-01-01"),
        valid_to: None,
        federal_state: FederalState::Hesse,
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

pub fn people() -> Vec<Reference> {
    [LEAD, DEPUTY, OTHER].map(|id| Reference::new(Uuid::from_u128(id), format!("User {id}"))).into()
}

fn context(today: &str) -> Context {
    Context {
        today: day(today),
        company: Some(company()),
        site: Some(site()),
        people: people(),
        template: Some(published(0)),
        has_open_run: false,
    }
}

fn input() -> AccompanimentInput {
    AccompanimentInput {
        company_id: Uuid::from_u128(20).into(),
        site_id: Uuid::from_u128(2).into(),
        template_id: None,
        requested_on: Some(day("2026-02-20")),
        lead_id: None,
        deputy_id: Some(Uuid::from_u128(DEPUTY).into()),
        notes: None,
    }
}

pub fn period(status: FundingPeriodStatus) -> FundingPeriod {
    FundingPeriod {
        id: Uuid::from_u128(4).into(),
        name: "2026–2028".to_owned(),
        service_name: "IQ".to_owned(),
        starts_on: day("2026-01-01"),
        ends_on: day("2028-12-31"),
        minimum_minutes: 15,
        status,
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

fn requested() -> Accompaniment {
    let id = Uuid::from_u128(50).into();
    Accompaniment::new(id, now(), &actor(), &input(), &context("2026-03-02")).unwrap()
}

fn agreed() -> Accompaniment {
    let input = AgreeInput {
        agreed_on: Some(day("2026-02-27")),
        goals: vec![GoalInput { title: "Zwei Stellen besetzt".to_owned(), measure: None }],
    };
    requested().agreed(now(), day("2026-03-02"), &actor(), &input).unwrap()
}

pub fn start_context(today: NaiveDate, period: Option<FundingPeriod>) -> StartContext {
    StartContext { today, period, template: TemplateStatus::Published, before: None }
}

/// Since Monday 2 March 2026; day 100 is 9 June.
pub fn active() -> Accompaniment {
    let input = StartInput { started_on: Some(day("2026-03-02")) };
    let context = start_context(day("2026-03-02"), Some(period(FundingPeriodStatus::Open)));
    agreed().started(now(), &actor(), &input, &context).unwrap()
}

fn pause(from: &str, until: &str) -> PauseInput {
    PauseInput { from: Some(day(from)), until: day(until), reason: "Betriebsferien".to_owned() }
}

fn settled() -> Accompaniment {
    let run = active();
    let mandatory: Vec<String> =
        run.planned().unwrap().holding_up().into_iter().map(str::to_owned).collect();
    let today = day("2026-06-05");
    let run = mandatory.iter().fold(run, |run, code| {
        run.with_step_waived(code, now(), today, &actor(), "nicht nötig").unwrap()
    });
    let results =
        vec![GoalMeasureInput { number: 1, achievement: GoalAchievement::Achieved, note: None }];
    run.with_goals_measured(now(), today, &actor(), &MeasureGoalsInput { results }).unwrap()
}

fn complete() -> CompleteInput {
    CompleteInput { completed_on: None, outcome: AccompanimentOutcome::Achieved, note: None }
}

fn end() -> EndInput {
    EndInput { ended_on: None, reason: EarlyEnd::VacancyFilled, note: None }
}

fn conflict<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, String) {
    match result {
        Err(Error::Conflict { code, detail }) => (code, detail),
        other => panic!("no conflict but {other:?}"),
    }
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

#[test]
fn a_request_names_what_is_wrong() {
    let id = Uuid::from_u128(50).into();
    let new = |input: &AccompanimentInput, context: &Context| {
        Accompaniment::new(id, now(), &actor(), input, context)
    };
    let fine = || context("2026-03-02");
    let wrong = AccompanimentInput {
        lead_id: Some(Uuid::from_u128(99).into()),
        deputy_id: Some(Uuid::from_u128(99).into()),
        requested_on: Some(day("2026-03-03")),
        ..input()
    };
    let nothing = Context { company: None, site: None, template: None, ..fine() };
    let told = faults(new(&wrong, &nothing));
    for expected in [
        ("/company_id", "unknown"),
        ("/site_id", "unknown"),
        ("/lead_id", "not_an_adviser"),
        ("/deputy_id", "same_user"),
        ("/template_id", "unknown"),
        ("/requested_on", "in_the_future"),
    ] {
        assert!(told.contains(&(expected.0.to_owned(), expected.1.to_owned())), "{told:?}");
    }
    let mut actor_of_network = company();
    actor_of_network.reference.kind = OrganisationKind::Actor;
    let context = Context { company: Some(actor_of_network), ..fine() };
    assert_eq!(faults(new(&input(), &context)), fault("/company_id", "unknown"));
    let context = Context { template: Some(published(1)), ..fine() };
    assert_eq!(faults(new(&input(), &context)), fault("/template_id", "unknown"));
    let retired = published(0).retired(now(), &actor()).unwrap();
    assert_eq!(retired.status, TemplateStatus::Retired);
    let context = Context { template: Some(retired), ..fine() };
    assert_eq!(faults(new(&input(), &context)), fault("/template_id", "not_published"));
    let context = Context { has_open_run: true, ..fine() };
    assert_eq!(conflict(new(&input(), &context)).0, "open_accompaniment");
}

#[test]
fn a_change_keeps_what_the_start_fixed() {
    let run = active();
    let change = |change: &dyn Fn(&mut AccompanimentInput), context: &Context| {
        let mut input = AccompanimentInput::from(&run);
        change(&mut input);
        run.changed(now(), &actor(), &input, context)
    };
    // The same template is kept although it was retired, and people although they left.
    let retired = published(0).retired(now(), &actor()).unwrap();
    let later = Context { template: Some(retired), people: Vec::new(), ..context("2026-04-01") };
    let changed = change(&|input| input.notes = Some("Neu".to_owned()), &later).unwrap();
    assert_eq!((changed.notes.as_deref(), changed.steps), (Some("Neu"), run.steps.clone()));
    let other = Context { template: Some(published(0)), ..context("2026-04-01") };
    let lead = Some(UserId(Uuid::from_u128(OTHER)));
    assert_eq!(
        faults(change(&|input| input.lead_id = lead, &other)),
        fault("/lead_id", "immutable")
    );
    let company_id = CompanyId(Uuid::from_u128(21));
    assert_eq!(
        faults(change(&|input| input.company_id = company_id, &other)),
        fault("/company_id", "immutable")
    );
    let requested_on = Some(day("2026-02-28"));
    assert_eq!(
        faults(change(&|input| input.requested_on = requested_on, &other)),
        fault("/requested_on", "after_agreement")
    );
    let mut another = published(0);
    another.id = Uuid::from_u128(77).into();
    let template_id = Some(another.id);
    let context = Context { template: Some(another), ..other };
    assert_eq!(
        faults(change(&|input| input.template_id = template_id, &context)),
        fault("/template_id", "immutable")
    );
    let elsewhere =
        Site { id: Uuid::from_u128(3).into(), federal_state: FederalState::LowerSaxony, ..site() };
    let site_id = elsewhere.id;
    let context = Context { site: Some(elsewhere), template: Some(published(0)), ..context };
    assert_eq!(
        faults(change(&|input| input.site_id = site_id, &context)),
        fault("/site_id", "another_federal_state")
    );
    // The site itself was corrected: the run keeps the holidays that it was planned by.
    let corrected = Site { federal_state: FederalState::LowerSaxony, ..site() };
    let context = Context { site: Some(corrected), ..context };
    let kept = change(&|_| (), &context).unwrap();
    assert_eq!(kept.federal_state, FederalState::Hesse);
}

#[test]
fn the_start_fixes_the_dates() {
    let run = active();
    let on = |code: &str| {
        let step = run.steps.iter().find(|step| step.definition.code == code).unwrap();
        assert_eq!(step.baseline_on, step.planned_on);
        step.planned_on.unwrap().to_string()
    };
    assert_eq!(on("kick_off"), "2026-03-02");
    assert_eq!(on("vacancy_profile"), "2026-03-09");
    assert_eq!(on("readiness_check"), "2026-03-11");
    assert_eq!(on("midterm_review"), "2026-04-20");
    assert_eq!(on("closing_report"), "2026-06-05");
    // Day 190 is 7 September.
    assert_eq!(on("follow_up"), "2026-09-07");
    let state = run.state_on(day("2026-04-07"));
    assert_eq!((state.day, state.planned_end_on), (Some(37), Some(day("2026-06-09"))));

    let start = |on: &str, status| {
        let input = StartInput { started_on: Some(day(on)) };
        let context = start_context(day("2026-03-10"), Some(period(status)));
        agreed().started(now(), &actor(), &input, &context)
    };
    let before = start("2026-02-26", FundingPeriodStatus::Open);
    assert_eq!(faults(before), fault("/started_on", "before_start"));
    let ahead = start("2026-03-11", FundingPeriodStatus::Open);
    assert_eq!(faults(ahead), fault("/started_on", "in_the_future"));
    conflict(start("2026-03-09", FundingPeriodStatus::Closed));
    let context = start_context(day("2026-03-10"), None);
    let outside = agreed().started(now(), &actor(), &StartInput::default(), &context);
    let open = start_context(day("2026-03-10"), Some(period(FundingPeriodStatus::Open)));
    let retired = StartContext { template: TemplateStatus::Retired, ..open.clone() };
    conflict(agreed().started(now(), &actor(), &StartInput::default(), &retired));
    let before = StartContext { before: Some(day("2026-03-10")), ..open };
    let twice = agreed().started(now(), &actor(), &StartInput::default(), &before);
    assert_eq!(faults(twice), fault("/started_on", "accompanied_then"));
    assert_eq!(faults(outside), fault("/started_on", "outside_funding_periods"));
    // Nothing has a date before.
    let shown = agreed().shown(day("2026-03-10"));
    assert!(shown.steps.iter().all(|step| step.planned_on.is_none()));
    assert!(shown.steps.iter().all(|step| step.state.as_ref().unwrap().due_on.is_none()));
    assert_eq!(shown.state.unwrap().plan, None);
}

#[test]
fn pauses_last_sixty_days_together_and_count_once() {
    let today = day("2026-03-16");
    let try_pause = |run: &Accompaniment, from: &str, until: &str| {
        run.paused(now(), today, &actor(), &pause(from, until))
    };
    let run = active();
    assert_eq!(faults(try_pause(&run, "2026-03-02", "2026-03-05")), fault("/from", "before_start"));
    assert_eq!(
        faults(try_pause(&run, "2026-03-20", "2026-03-19")),
        fault("/until", "before_start")
    );
    assert_eq!(faults(try_pause(&run, "2026-06-10", "2026-06-11")), fault("/from", "after_end"));
    assert_eq!(
        faults(try_pause(&run, "2026-03-16", "2026-05-15")),
        fault("/until", "pauses_too_long")
    );
    let run = try_pause(&run, "2026-03-16", "2026-05-14").unwrap();
    assert_eq!(run.state_on(today).paused_days, 60);
    assert_eq!(run.status(today), AccompanimentStatus::Paused);
    assert_eq!(run.status(day("2026-05-15")), AccompanimentStatus::Active, "it ends by itself");
    assert_eq!(run.state_on(today).paused_until, Some(day("2026-05-14")));
    assert_eq!(run.state_on(today).planned_end_on, Some(day("2026-08-08")));
    // Over the same days another one takes nothing.
    let run = try_pause(&run, "2026-04-01", "2026-05-01").unwrap();
    assert_eq!(run.calendar().all_paused_days(), 60);
    assert_eq!(
        faults(try_pause(&run, "2026-05-10", "2026-05-15")),
        fault("/until", "pauses_too_long")
    );

    // What was late by then stays late.
    let profile = StepDoneInput { done_on: Some(day("2026-03-12")), note: None };
    let busy = active().with_step_done("kick_off", now(), today, &actor(), &profile).unwrap();
    let back_to = |from| try_pause(&busy, from, "2026-03-20");
    assert_eq!(faults(back_to("2026-03-12")), fault("/from", "before_last_step"));
    assert!(back_to("2026-03-13").is_ok());
    assert_eq!(
        faults(try_pause(&active(), "2026-03-08", "2026-03-20")),
        fault("/from", "too_far_back")
    );
    assert!(try_pause(&active(), "2026-03-09", "2026-03-20").is_ok());
    let manager = Actor { role: Role::Manager, ..actor() };
    let input = pause("2026-03-08", "2026-03-20");
    assert!(active().paused(now(), today, &manager, &input).is_ok());

    // Early: yesterday was the last day, also of the one inside.
    let back = day("2026-04-11");
    let resumed = run.resumed(now(), back, &actor(), &ResumeInput::default()).unwrap();
    assert_eq!(resumed.status(back), AccompanimentStatus::Active);
    assert_eq!(resumed.calendar().all_paused_days(), 26);
    assert!(resumed.pauses.iter().all(|pause| pause.until == day("2026-04-10")));
    assert_eq!(resumed.pauses[0].resumed.as_ref().unwrap().planned_until, day("2026-05-14"));
    assert_eq!(resumed.state_on(back).day, Some(15));
    // The steps came back with it.
    assert!(!run.preview_of(&resumed).differences.is_empty());
    assert!(resumed.planned().unwrap().differences(Moment::Open).is_empty());
    let earlier = ResumeInput { resumed_on: Some(day("2026-03-15")), pause: None };
    let result = run.resumed(now(), back, &actor(), &earlier);
    assert_eq!(faults(result), fault("/resumed_on", "not_paused"));

    // What is outdated for another reason stays as it was told to the company.
    let late = StepDoneInput { done_on: Some(day("2026-03-05")), note: None };
    let late = active().with_step_done("kick_off", now(), today, &actor(), &late).unwrap();
    let outdated = |run: &Accompaniment| {
        let differences = run.planned().unwrap().differences(Moment::Open);
        differences.into_iter().map(|it| it.step.code).collect::<Vec<_>>()
    };
    assert_eq!(outdated(&late), ["vacancy_profile"]);
    let paused = try_pause(&late, "2026-03-23", "2026-03-27").unwrap();
    assert_eq!(outdated(&paused), ["vacancy_profile"]);
    let shown = late.preview_of(&paused).differences;
    assert!(shown.iter().all(|difference| difference.step.code != "vacancy_profile"));
    let moved = late.steps.iter().zip(&paused.steps).filter(|(old, new)| old != new);
    assert_eq!(moved.count(), shown.len());

    // What is to come is taken back.
    let ahead = try_pause(&active(), "2026-04-01", "2026-04-10").unwrap();
    let named = |pause, resumed_on| ResumeInput { pause: Some(pause), resumed_on };
    let resume = |run: &Accompaniment, input| run.resumed(now(), today, &actor(), &input);
    assert_eq!(faults(resume(&ahead, ResumeInput::default())), fault("/pause", "missing"));
    assert_eq!(faults(resume(&ahead, named(2, None))), fault("/pause", "unknown"));
    assert_eq!(faults(resume(&ahead, named(0, None))), fault("/pause", "unknown"));
    assert_eq!(faults(resume(&ahead, named(1, Some(today)))), fault("/resumed_on", "not_settable"));
    let without = resume(&ahead, named(1, None)).unwrap();
    assert_eq!(without.calendar().all_paused_days(), 0);
    assert_eq!(without.steps, active().steps);
    // Whoever comes back from one keeps the other, and what was cut keeps what was agreed first.
    let both = try_pause(&ahead, "2026-03-16", "2026-03-20").unwrap();
    assert_eq!(faults(resume(&both, named(2, None))), fault("/pause", "not_ahead"));
    let back = resume(&both, ResumeInput::default()).unwrap();
    assert_eq!(back.calendar().all_paused_days(), 10);
    assert_eq!((&back.pauses[0], back.pauses[1].until), (&both.pauses[0], day("2026-03-15")));
    let wholly = resume(&back, named(1, None)).unwrap();
    assert_eq!(faults(resume(&both, named(3, None))), fault("/pause", "unknown"));
    assert_eq!(wholly.pauses[0].resumed.as_ref().unwrap().planned_until, day("2026-04-10"));
    let mut twice = both.clone();
    twice.pauses[1].cut(day("2026-03-19"), actor().reference(), now());
    let twice = resume(&twice, ResumeInput::default()).unwrap();
    assert_eq!(twice.pauses[1].resumed.as_ref().unwrap().planned_until, day("2026-03-20"));
}

#[test]
fn nothing_ends_before_the_last_step_and_pauses_end_with_it() {
    let today = day("2026-03-18");
    let kick_off = StepDoneInput { done_on: Some(day("2026-03-12")), note: None };
    let run = active().with_step_done("kick_off", now(), today, &actor(), &kick_off).unwrap();
    let run = run.paused(now(), today, &actor(), &pause("2026-03-16", "2026-03-27")).unwrap();
    assert_eq!(run.state_on(today).paused_days, 12);
    let on = |on| EndInput { ended_on: Some(day(on)), ..end() };
    let ended = |on_day| run.ended(now(), today, &actor(), &on(on_day));
    assert_eq!(faults(ended("2026-03-11")), fault("/ended_on", "before_start"));
    assert_eq!(ended("2026-03-18").unwrap().state_on(today).paused_days, 3);
}

#[test]
fn completion_needs_every_mandatory_step_and_every_goal() {
    let today = day(TODAY);
    let (code, detail) = conflict(active().completed(now(), today, &actor(), &complete()));
    assert_eq!(code, "steps_open");
    assert!(detail.contains("kick_off") && !detail.contains("follow_up"), "{detail}");
    let mut run = settled();
    run.goals[0].result = None;
    assert_eq!(
        conflict(run.completed(now(), today, &actor(), &complete())).0,
        "goals_not_measured"
    );

    let run = settled().completed(now(), today, &actor(), &complete()).unwrap();
    assert_eq!(run.status(day("2027-01-01")), AccompanimentStatus::Completed);
    assert_eq!(run.was_on_time(), Some(true));
    assert_eq!(run.state_on(day("2027-01-01")).day, Some(96), "the counter stands still");
    assert!(run.was_active_on(today) && !run.was_active_on(today + Days::new(1)));
    // The follow-up is still to be done, and nothing else.
    let state = run.state_on(day("2026-09-08")).plan.unwrap();
    assert_eq!(state.next_step.as_ref().unwrap().step.code, "follow_up");
    assert_eq!(state.track_reasons[0].code, TrackReasonCode::OptionalOverdue);
    assert_eq!(state.progress, Progress { done: 0, waived: 14, of: 14, percent: 100 });
    let done = |code, on: &str| {
        let input = StepDoneInput { done_on: Some(day(on)), note: None };
        run.with_step_done(code, now(), day("2026-09-08"), &actor(), &input)
    };
    assert_eq!(conflict(done("adverts", "2026-09-07")).0, "step_closed");
    assert!(done("follow_up", "2026-09-07").is_ok());
    assert_eq!(conflict(run.with_step_reopened("adverts", now(), today)).0, "step_closed");
    // It cannot have been over before the last step.
    let run = active();
    let done = StepDoneInput { done_on: Some(day("2026-04-01")), note: None };
    let mut run = run.with_step_done("kick_off", now(), today, &actor(), &done).unwrap();
    for step in &mut run.steps {
        Arc::make_mut(&mut step.definition).mandatory = false;
    }
    run.goals.clear();
    let input = CompleteInput { completed_on: Some(day("2026-03-31")), ..complete() };
    assert_eq!(
        faults(run.completed(now(), today, &actor(), &input)),
        fault("/completed_on", "before_start")
    );
}

#[test]
fn the_lead_passes_when_it_is_accepted() {
    let today = day(TODAY);
    let run = active();
    let propose = |to: u128| {
        let input = HandOverInput { to_id: Uuid::from_u128(to).into(), note: None };
        run.handed_over(now(), today, &actor(), &input, &people())
    };
    assert_eq!(faults(propose(LEAD)), fault("/to_id", "same_user"));
    assert_eq!(faults(propose(99)), fault("/to_id", "not_an_adviser"));
    let proposed = propose(DEPUTY).unwrap();
    assert_eq!(proposed.lead, run.lead, "until it is accepted");
    let by = |id| proposed.hand_over_accepted(now(), today, &user(id));
    assert!(matches!(by(LEAD), Err(Error::Forbidden(_))));
    assert!(matches!(by(OTHER), Err(Error::Forbidden(_))));
    let accepted = by(DEPUTY).unwrap();
    assert_eq!(accepted.lead.id, Uuid::from_u128(DEPUTY));
    assert_eq!((accepted.deputy, accepted.hand_over), (None, None));
    assert!(matches!(
        proposed.hand_over_declined(now(), today, &user(OTHER)),
        Err(Error::Forbidden(_))
    ));
    for id in [LEAD, DEPUTY] {
        let declined = proposed.hand_over_declined(now(), today, &user(id)).unwrap();
        assert_eq!((declined.lead, declined.hand_over), (run.lead.clone(), None));
    }
    assert_eq!(conflict(run.hand_over_accepted(now(), today, &actor())).0, "no_hand_over");
}

#[test]
fn those_who_have_to_do_with_it_change_it() {
    let mut run = active();
    run.recorded_by = Reference::new(Uuid::from_u128(33), "User 33");
    for id in [LEAD, DEPUTY, 33] {
        assert!(run.check_may_change(&user(id)).is_ok(), "{id}");
    }
    assert!(matches!(run.check_may_change(&user(OTHER)), Err(Error::Forbidden(_))));
    assert!(run.check_may_change(&Actor { role: Role::Manager, ..user(OTHER) }).is_ok());
}

#[test]
fn goals_keep_their_result_while_they_stay() {
    let today = day(TODAY);
    let run = settled();
    let goal = |title: &str| GoalInput { title: title.to_owned(), measure: None };
    let input = GoalsInput { goals: vec![goal("Neu"), goal("Zwei Stellen besetzt")] };
    let run = run.with_goals(now(), today, &input).unwrap();
    assert_eq!(
        run.goals.iter().map(|goal| (goal.number, goal.result.is_some())).collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
    let result =
        |number| GoalMeasureInput { number, achievement: GoalAchievement::Partly, note: None };
    let measure =
        |results| run.with_goals_measured(now(), today, &actor(), &MeasureGoalsInput { results });
    assert_eq!(faults(measure(vec![result(3)])), fault("/results/0/number", "unknown"));
    let twice = vec![result(1), result(1)];
    assert_eq!(faults(measure(twice)), fault("/results/1/number", "repeated"));
    assert!(measure(vec![result(1)]).unwrap().goals.iter().all(|goal| goal.result.is_some()));
    let many = GoalsInput { goals: vec![goal("x"); 21] };
    assert_eq!(faults(run.with_goals(now(), today, &many)), fault("/goals", "too_many"));
    let blank = GoalsInput { goals: vec![goal("a"), goal(" ")] };
    assert_eq!(faults(run.with_goals(now(), today, &blank)), fault("/goals/1/title", "empty"));
}

#[test]
fn the_board_shows_what_is_under_way() {
    let row = active().board_row(day("2026-03-12")).unwrap();
    assert_eq!((row.day, row.duration_days, row.track), (11, 100, Track::OffTrack));
    assert_eq!(row.next_step.unwrap().step.code, "kick_off");
    for (name, run) in in_every_state() {
        let shown = run.board_row(day(TODAY)).is_some();
        assert_eq!(shown, name.starts_with("active") || name == "paused", "{name}");
    }
}

#[test]
fn an_answer_shows_what_is_derived_and_a_record_does_not() {
    let run = active();
    let shown = run.shown(day("2026-03-02"));
    assert_eq!(shown.as_recorded(), run);
    let json = serde_json::to_value(&shown).unwrap();
    assert_eq!(json["steps"][0]["code"], "kick_off");
    assert_eq!(json["steps"][0]["phase"], "needs_analysis");
    assert_eq!(json["steps"][0]["override"], serde_json::Value::Null);
    assert_eq!(json["steps"][0]["state"]["status"], "open");
    assert_eq!(json["state"]["status"], "active");
    assert_eq!(serde_json::from_value::<Accompaniment>(json).unwrap(), shown);
    assert_eq!(serde_json::to_value(&run).unwrap().get("state"), None);
    let states: Vec<_> =
        shown.steps.iter().map(|step| step.state.as_ref().unwrap().status).collect();
    assert_eq!(states[0], StepStatus::Open);
    assert_eq!(states[1], StepStatus::Waiting);
}

#[test]
fn what_stood_still_in_a_pause_comes_back_with_the_date_of_today() {
    let today = day("2026-03-13");
    let plain = StepOverrideInput { on: day("2026-05-04"), reason: "Away".to_owned() };
    let moved = active().with_step_overridden("midterm_review", now(), today, &actor(), &plain);
    let moved = moved.unwrap();
    let waived =
        moved.with_step_waived("candidate_pathways", now(), today, &actor(), "Not needed").unwrap();
    let paused = waived.paused(now(), today, &actor(), &pause("2026-03-16", "2026-03-27")).unwrap();
    let planned = |run: &Accompaniment, code: &str| {
        run.steps.iter().find(|step| step.definition.code == code).unwrap().planned_on
    };
    // Nobody moved them with the others.
    for code in ["midterm_review", "candidate_pathways"] {
        assert_eq!(planned(&paused, code), planned(&active(), code), "{code}");
    }
    let all_moved = active().paused(now(), today, &actor(), &pause("2026-03-16", "2026-03-27"));
    let all_moved = all_moved.unwrap();
    let cleared = paused.without_step_override("midterm_review", now(), today).unwrap();
    let reopened = cleared.with_step_reopened("candidate_pathways", now(), today).unwrap();
    for code in ["midterm_review", "candidate_pathways"] {
        assert_ne!(planned(&all_moved, code), planned(&active(), code), "{code}");
        assert_eq!(planned(&reopened, code), planned(&all_moved, code), "{code}");
    }
    assert_eq!(reopened.planned().unwrap().differences(Moment::Open), vec![]);
}

#[test]
fn what_lies_after_the_end_is_replanned_when_it_is_completed() {
    let today = day("2026-06-01");
    let mut run = active();
    for step in &mut run.steps {
        let after_end = step.definition.after_end;
        // One that runs from the kick-off, which was late.
        let definition = Arc::make_mut(&mut step.definition);
        if let Some(due) = definition.due.as_mut().filter(|_| after_end) {
            due.anchor = DueAnchor::Step;
            due.step = Some("kick_off".to_owned());
        }
    }
    run.goals.clear();
    let codes = run.planned().unwrap().holding_up().into_iter().map(str::to_owned);
    for code in codes.collect::<Vec<_>>() {
        run = if code == "kick_off" {
            let late = StepDoneInput { done_on: Some(day("2026-03-05")), note: None };
            run.with_step_done(&code, now(), today, &actor(), &late).unwrap()
        } else {
            run.with_step_waived(&code, now(), today, &actor(), "By phone").unwrap()
        };
    }
    let input =
        CompleteInput { outcome: AccompanimentOutcome::Achieved, completed_on: None, note: None };
    let done = run.completed(now(), today, &actor(), &input).unwrap();
    let preview = done.replan_preview(today).unwrap();
    let codes: Vec<_> = preview.differences.iter().map(|it| it.step.code.as_str()).collect();
    assert_eq!(codes, ["follow_up"]);
    assert_eq!(done.state_on(today).plan.unwrap().steps_to_replan, 1);
    let token = ReplanInput { token: preview.token };
    let replanned = done.replanned(now(), today, &token).unwrap();
    let moved = done.steps.iter().zip(&replanned.steps).filter(|(old, new)| old != new);
    assert_eq!(moved.count(), 1);
    assert_eq!(replanned.state_on(today).plan.unwrap().steps_to_replan, 0);
}
