use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::calendar::FederalState;
use crate::due_rule::{DueAnchor, DueRule, DueUnit};
use crate::error::Error;
use crate::policy::Actor;
use crate::programme_template::{LimitKind, StepOwner, TemplateStep};

mod document;
mod drawing;
mod oracle;
mod random;
mod slack;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn actor() -> Actor {
    crate::event::tests::actor()
}

fn definition(code: &str, due: impl Into<Option<DueRule>>) -> TemplateStep {
    TemplateStep {
        code: code.to_owned(),
        title_de: code.to_uppercase(),
        title_en: code.to_uppercase(),
        hint_de: None,
        hint_en: None,
        owner: StepOwner::LeadAdviser,
        mandatory: true,
        after_end: false,
        due: due.into(),
        after: Vec::new(),
        limit: LimitKind::Own,
        legal_basis: None,
        documents: Vec::new(),
    }
}

fn rule(anchor: DueAnchor, step: Option<&str>, offset: u32, unit: DueUnit) -> DueRule {
    DueRule { anchor, step: step.map(str::to_owned), offset, unit, roll: true }
}

fn from_start(days: u32) -> DueRule {
    rule(DueAnchor::Start, None, days, DueUnit::CalendarDays)
}

fn from_step(step: &str, offset: u32, unit: DueUnit) -> DueRule {
    rule(DueAnchor::Step, Some(step), offset, unit)
}

fn step(definition: TemplateStep, phase: &str) -> Step {
    Step {
        definition: Arc::new(definition),
        phase: phase.to_owned(),
        baseline_on: None,
        planned_on: None,
        overridden: None,
        done: None,
        waived: None,
        state: None,
    }
}

fn done(on: NaiveDate) -> StepDone {
    StepDone { on, note: None, by: actor().reference(), at: DateTime::default() }
}

fn overridden(on: NaiveDate) -> StepOverride {
    let reason = "away".to_owned();
    StepOverride { on, reason, by: actor().reference(), at: DateTime::default() }
}

fn waived() -> StepWaived {
    StepWaived { reason: "x".to_owned(), by: actor().reference(), at: DateTime::default() }
}

fn phase(code: &str, days: (u32, u32), gate: bool) -> Phase {
    Phase {
        code: code.to_owned(),
        label_de: code.to_owned(),
        label_en: code.to_owned(),
        from_day: Some(days.0),
        to_day: Some(days.1),
        gate,
    }
}

fn plan<'a>(start: &str, phases: &'a [Phase], steps: &'a [Step]) -> Plan<'a> {
    Plan {
        start: day(start),
        horizon: Horizon::Days(100),
        calendar: Calendar::new(FederalState::Hesse, []),
        phases,
        steps,
    }
}

fn starts() -> impl Strategy<Value = NaiveDate> {
    let edges: Vec<NaiveDate> = [
        // Leap days, ends of months and of years, and the holidays around Easter at both ends of the years.
        "2020-02-28",
        "2020-02-29",
        "2024-02-29",
        "2024-01-31",
        "2028-02-29",
        "2028-03-01",
        "2021-01-31",
        "2023-10-31",
        "2019-12-23",
        "2020-12-31",
        "2026-12-24",
        "2027-12-30",
        "2032-12-31",
        "2019-04-17",
        "2019-04-18",
        "2030-04-19",
        "2024-03-28",
        "2027-03-25",
        "2032-03-24",
        "2032-03-26",
        "2026-05-13",
        "2019-06-19",
    ]
    .iter()
    .map(|date| day(date))
    .collect();
    prop_oneof![
        1 => prop::sample::select(edges),
        2 => (0..5113_u64).prop_map(|days| day("2019-01-01") + Days::new(days)),
    ]
}

// What a person would look up.

#[test]
fn periods_end_as_the_civil_code_has_it() {
    let due = |anchor: &str, offset, unit| {
        let rule = rule(DueAnchor::Start, None, offset, unit);
        rule.due(day(anchor), &Calendar::new(FederalState::Hesse, [])).on.to_string()
    };
    // § 188 (2): the same weekday; § 193: Good Friday 2026 moves over Easter Monday.
    assert_eq!(due("2026-03-02", 2, DueUnit::Weeks), "2026-03-16");
    assert_eq!(due("2026-03-20", 2, DueUnit::Weeks), "2026-04-07");
    // § 188 (3): no 31 February, no 30 February.
    assert_eq!(due("2024-01-31", 1, DueUnit::Months), "2024-02-29");
    assert_eq!(due("2022-11-30", 3, DueUnit::Months), "2023-02-28");
    assert_eq!(due("2020-02-29", 12, DueUnit::Months), "2021-03-01", "28 February is a Sunday");
    // The day before Christmas, three working days.
    assert_eq!(due("2026-12-23", 3, DueUnit::WorkingDays), "2026-12-29");
    // Weekdays are Monday to Saturday: Friday, Saturday, Monday; and what ends on a Saturday ends on Monday.
    assert_eq!(due("2026-07-02", 3, DueUnit::Weekdays), "2026-07-06");
    assert_eq!(due("2026-07-08", 3, DueUnit::Weekdays), "2026-07-13");
    // Good Friday and Easter Monday do not count: Saturday, Tuesday, Wednesday.
    assert_eq!(due("2026-04-02", 3, DueUnit::Weekdays), "2026-04-08");
    // § 187 (1): the day itself is not counted.
    assert_eq!(due("2026-05-12", 1, DueUnit::CalendarDays), "2026-05-13");
    assert_eq!(due("2026-05-13", 1, DueUnit::CalendarDays), "2026-05-15", "Ascension Day");
}

#[test]
fn a_date_that_moved_names_the_holiday() {
    let rule = rule(DueAnchor::Start, None, 1, DueUnit::CalendarDays);
    let due = rule.due(day("2026-05-13"), &Calendar::new(FederalState::Hesse, []));
    assert_eq!(due.rolled_from, Some(day("2026-05-14")));
    assert_eq!(due.holiday.unwrap().name_de, "Christi Himmelfahrt");
    // Corpus Christi is none in Lower Saxony.
    let lower_saxony = Calendar::new(FederalState::LowerSaxony, []);
    assert_eq!(rule.due(day("2026-06-03"), &lower_saxony).on, day("2026-06-04"));
}

fn small_plan() -> (Vec<Phase>, Vec<Step>) {
    let phases = vec![phase("first", (1, 20), true), phase("second", (21, 100), false)];
    let mut middle = definition("middle", from_step("begin", 10, DueUnit::CalendarDays));
    middle.after = vec!["begin".to_owned()];
    let mut extra = definition("extra", from_start(5));
    extra.mandatory = false;
    let last =
        definition("last", Some(rule(DueAnchor::PhaseStart, None, 30, DueUnit::CalendarDays)));
    let mut follow_up = definition("follow_up", from_start(189));
    follow_up.after_end = true;
    let steps = vec![
        step(definition("begin", from_start(0)), "first"),
        step(middle, "first"),
        step(extra, "first"),
        step(last, "second"),
        step(follow_up, "second"),
    ];
    let steps = plan("2026-03-02", &phases, &steps).begun();
    (phases, steps)
}

fn with(steps: &[Step], code: &str, change: impl Fn(&mut Step)) -> Vec<Step> {
    let mut steps = steps.to_vec();
    steps.iter_mut().filter(|step| step.definition.code == code).for_each(change);
    steps
}

fn conflict<T: std::fmt::Debug>(result: crate::Result<T>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        other => panic!("no conflict but {other:?}"),
    }
}

#[test]
fn what_comes_first_is_done_first() {
    let (phases, steps) = small_plan();
    let today = day("2026-03-20");
    let now = DateTime::default();
    let try_done = |steps: &[Step], code: &str, on: &str| {
        let input = StepDoneInput { done_on: Some(day(on)), note: None };
        let plan = plan("2026-03-02", &phases, steps);
        plan.with_done(code, now, today, Some(plan.start), &actor(), &input)
    };
    // By order, and by the gate of the first phase.
    assert_eq!(conflict(try_done(&steps, "middle", "2026-03-10")), "step_waits");
    assert_eq!(conflict(try_done(&steps, "last", "2026-03-10")), "step_waits");
    let steps = try_done(&steps, "begin", "2026-03-05").unwrap();
    assert!(matches!(try_done(&steps, "middle", "2026-03-04"), Err(Error::Invalid(_))));
    assert!(matches!(try_done(&steps, "middle", "2026-03-21"), Err(Error::Invalid(_))));
    assert!(matches!(try_done(&steps, "extra", "2026-03-01"), Err(Error::Invalid(_))));
    assert!(matches!(try_done(&steps, "nothing", "2026-03-05"), Err(Error::NotFound(_))));
    let steps = try_done(&steps, "middle", "2026-03-05").unwrap();
    assert_eq!(conflict(try_done(&steps, "middle", "2026-03-05")), "step_not_open");
    // Not before the gate was passed either.
    assert!(matches!(try_done(&steps, "last", "2026-03-04"), Err(Error::Invalid(_))));
    // What is not mandatory holds no gate.
    let steps = try_done(&steps, "last", "2026-03-20").unwrap();
    let reopen = |code| plan("2026-03-02", &phases, &steps).with_reopened(code);
    assert_eq!(conflict(reopen("begin")), "later_step_done");
    assert_eq!(conflict(reopen("middle")), "later_step_done");
    assert_eq!(conflict(reopen("extra")), "step_open");
    assert!(reopen("last").is_ok());
}

#[test]
fn only_what_was_seen_is_done() {
    let (phases, steps) = small_plan();
    let run = Uuid::from_u128(1);
    let late = with(&steps, "begin", |step| step.done = Some(done(day("2026-03-09"))));
    let plan_of = |steps| plan("2026-03-02", &phases, steps);
    let preview = plan_of(&late).preview(run, 4, Moment::Open).unwrap();
    let [difference] = &preview.differences[..] else { panic!("{preview:?}") };
    assert_eq!(difference.step.code, "middle");
    assert_eq!(difference.cause, ReplanCause::AnchorDone);
    assert_eq!(
        (difference.from, difference.to),
        (Some(day("2026-03-12")), Some(day("2026-03-19")))
    );
    assert_eq!(difference.days, Some(7));

    let token = ReplanInput { token: preview.token.clone() };
    let applied = plan_of(&late).replanned_as_seen(run, 4, Moment::Open, &token).unwrap();
    assert_eq!(applied[1].planned_on, Some(day("2026-03-19")));
    assert_eq!(applied[1].baseline_on, Some(day("2026-03-12")), "never moves");
    // Another version, another run, other facts.
    let stale = |plan: &Plan, run, version| {
        conflict(plan.replanned_as_seen(run, version, Moment::Open, &token))
    };
    assert_eq!(stale(&plan_of(&late), run, 5), "another_preview");
    assert_eq!(stale(&plan_of(&late), Uuid::from_u128(2), 4), "another_preview");
    let later = with(&steps, "begin", |step| step.done = Some(done(day("2026-03-10"))));
    assert_eq!(stale(&plan_of(&later), run, 4), "another_preview");
    let token = ReplanInput { token: plan_of(&steps).preview(run, 4, Moment::Open).unwrap().token };
    assert_eq!(
        conflict(plan_of(&steps).replanned_as_seen(run, 4, Moment::Open, &token)),
        "nothing_to_replan"
    );
}

#[test]
fn a_difference_tells_what_moved_the_step() {
    let (phases, steps) = small_plan();
    let cause = |steps: &[Step], pauses: &[(&str, &str)], code: &str| {
        let pauses = pauses.iter().map(|(from, until)| (day(from), day(until)));
        let calendar = Calendar::new(FederalState::Hesse, pauses);
        let plan = Plan { calendar, ..plan("2026-03-02", &phases, steps) };
        let found =
            plan.differences(Moment::Open).into_iter().find(|found| found.step.code == code);
        found.map(|found| (found.cause, found.because.unwrap().paused_days))
    };
    let pause = [("2026-03-03", "2026-03-06")];
    assert_eq!(cause(&steps, &pause, "last"), Some((ReplanCause::Calendar, 4)));
    assert_eq!(cause(&steps, &pause, "middle"), Some((ReplanCause::Calendar, 4)));
    assert_eq!(cause(&steps, &pause, "begin"), None);
    let moved = with(&steps, "begin", |step| step.overridden = Some(overridden(day("2026-03-16"))));
    assert_eq!(cause(&moved, &[], "middle"), Some((ReplanCause::AnchorMoved, 0)));
    let late = with(&steps, "begin", |step| step.done = Some(done(day("2026-03-09"))));
    assert_eq!(cause(&late, &[], "middle"), Some((ReplanCause::AnchorDone, 0)));
}

#[test]
fn the_traffic_light_and_its_reasons() {
    let (phases, steps) = small_plan();
    let state = |steps: &[Step], today: &str| {
        plan("2026-03-02", &phases, steps).state(day(today), Moment::Open)
    };
    let codes = |state: &PlanState| {
        state.track_reasons.iter().map(|reason| reason.code).collect::<Vec<_>>()
    };
    let first = state(&steps, "2026-03-02");
    assert_eq!((first.track, codes(&first)), (Track::OnTrack, vec![]));
    assert_eq!(first.next_step.unwrap().step.code, "begin");

    let begun = with(&steps, "begin", |step| step.done = Some(done(day("2026-03-02"))));
    let second = state(&begun, "2026-03-10");
    // 7 March is a Saturday, so the extra was due on Monday 9 March.
    assert_eq!(codes(&second), [TrackReasonCode::OptionalOverdue]);
    assert_eq!(second.track, Track::AtRisk);
    assert_eq!(second.progress, Progress { done: 1, waived: 0, of: 3, percent: 33 });

    let third = state(&begun, "2026-03-13");
    assert_eq!(
        codes(&third),
        [TrackReasonCode::MandatoryOverdue, TrackReasonCode::OptionalOverdue]
    );
    assert_eq!(third.track, Track::OffTrack);

    let late = with(&begun, "begin", |step| step.done = Some(done(day("2026-03-04"))));
    assert_eq!(codes(&state(&late, "2026-03-05")), [TrackReasonCode::DatesOutdated]);
    let far = with(&begun, "last", |step| step.overridden = Some(overridden(day("2026-07-01"))));
    assert_eq!(codes(&state(&far, "2026-03-05")), [TrackReasonCode::PlannedPastEnd]);
    let after = state(&begun, "2026-06-10");
    assert!(codes(&after).contains(&TrackReasonCode::EndPassed), "day 100 was 9 June");
}

#[test]
fn kinds_of_limits_are_told_apart() {
    let phases = vec![phase("only", (1, 100), false)];
    for (limit, lateness, reason) in [
        (LimitKind::Statutory, Lateness::Breached, TrackReasonCode::LimitBreached),
        (LimitKind::Usual, Lateness::Late, TrackReasonCode::LimitLate),
        (LimitKind::Own, Lateness::Overdue, TrackReasonCode::MandatoryOverdue),
    ] {
        let limited = TemplateStep { limit, ..definition("only", from_start(7)) };
        let steps = plan("2026-03-02", &phases, &[step(limited, "only")]).begun();
        let plan = plan("2026-03-02", &phases, &steps);
        let at = |today| plan.steps_on(day(today), Moment::Open)[0].state.clone().unwrap();
        assert_eq!(at("2026-03-09").lateness, None, "the last day is in time");
        assert_eq!(
            (at("2026-03-10").lateness, at("2026-03-10").days_late),
            (Some(lateness), Some(1))
        );
        let state = plan.state(day("2026-03-10"), Moment::Open);
        assert_eq!(state.track_reasons[0].code, reason);
        // What is over waits for nobody.
        let over = plan.steps_on(day("2026-03-10"), Moment::Over)[0].state.clone().unwrap();
        assert_eq!((over.lateness, over.slack_days), (None, None));
        // An override moves the own plan and no law.
        let moved =
            with(&steps, "only", |step| step.overridden = Some(overridden(day("2026-03-20"))));
        let moved = Plan { steps: &moved, ..plan.clone() };
        let state = moved.steps_on(day("2026-03-12"), Moment::Open)[0].state.clone().unwrap();
        assert_eq!(state.lateness.is_none(), limit == LimitKind::Own);
        assert_eq!(state.due_on, Some(day("2026-03-20")));
    }
}

#[test]
fn a_pause_stretches_the_plan_and_no_limit() {
    let phases = vec![phase("only", (1, 100), false)];
    let limited = TemplateStep {
        limit: LimitKind::Statutory,
        ..definition("limited", from_step("begin", 7, DueUnit::CalendarDays))
    };
    let steps = [step(definition("begin", from_start(0)), "only"), step(limited, "only")];
    let steps = plan("2026-03-02", &phases, &steps).begun();
    let steps = with(&steps, "begin", |step| step.done = Some(done(day("2026-03-02"))));
    let calendar = Calendar::new(FederalState::Hesse, [(day("2026-03-04"), day("2026-03-10"))]);
    let steps =
        Plan { calendar: calendar.clone(), ..plan("2026-03-02", &phases, &steps) }.replanned();
    let plan = Plan { calendar, ..plan("2026-03-02", &phases, &steps) };
    let state = plan.steps_on(day("2026-03-10"), Moment::Open)[1].state.clone().unwrap();
    assert_eq!((state.due_on, state.limit_on), (Some(day("2026-03-16")), Some(day("2026-03-09"))));
    assert_eq!(state.lateness, Some(Lateness::Breached));
    assert_eq!(plan.awaited_on(Moment::Open)[1], Some(day("2026-03-09")));
}

#[test]
fn what_has_no_date_gets_one_when_its_anchor_happens() {
    let phases = vec![phase("only", (1, 100), false)];
    let event = TemplateStep { mandatory: false, ..definition("event", None) };
    let report = definition("report", from_step("event", 4, DueUnit::Weeks));
    let steps = [step(event, "only"), step(report, "only")];
    let steps = plan("2026-03-02", &phases, &steps).begun();
    assert_eq!((steps[0].planned_on, steps[1].planned_on), (None, None));
    let happened = with(&steps, "event", |step| step.done = Some(done(day("2026-04-01"))));
    let plan_of = |steps| plan("2026-03-02", &phases, steps);
    assert_eq!(plan_of(&happened).replanned()[1].planned_on, Some(day("2026-04-29")));
    let back = with(&plan_of(&happened).replanned(), "event", |step| step.done = None);
    let difference = &plan_of(&back).differences(Moment::Open)[0];
    assert_eq!((difference.to, difference.days), (None, None));
}

#[test]
fn a_pause_shifts_what_is_to_come_and_leaves_what_is_late() {
    let (phases, steps) = small_plan();
    let pauses = [(day("2026-03-16"), day("2026-03-20"))];
    let plan = Plan {
        calendar: Calendar::new(FederalState::Hesse, pauses),
        ..plan("2026-03-02", &phases, &steps)
    };
    let replanned = plan.replanned();
    let on = |code: &str| {
        replanned.iter().find(|step| step.definition.code == code).unwrap().planned_on.unwrap()
    };
    assert_eq!(on("middle"), day("2026-03-12"), "before the pause");
    // Day 51 was 21 April, a Tuesday; five days on is a Sunday.
    assert_eq!(on("last"), day("2026-04-27"));
    assert_eq!(plan.planned_end(), Some(day("2026-06-09") + TimeDelta::days(5)));
    assert_eq!(plan.day(day("2026-03-15")), 14);
    assert_eq!(plan.day(day("2026-03-18")), 14);
    assert_eq!(plan.day(day("2026-03-21")), 15);
    assert_eq!(plan.day(day("2026-03-01")), 0);
}
