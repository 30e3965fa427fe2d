use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::calendar::FederalState;
use crate::due_rule::{DueAnchor, DueRule, DueUnit};
use crate::error::Error;
use crate::policy::Actor;
use crate::programme_template::{LimitKind, StepOwner, TemplateStep};

mod oracle;
use oracle::Period;

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
        definition,
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

// Random plans against the oracle.

const PHASE_DAYS: [(u32, u32); 3] = [(1, 10), (11, 40), (41, 100)];

/// What became of a step.
#[derive(Clone, Debug)]
enum Fate {
    Open,
    Done(u32),
    Waived,
    /// To so many days after the start.
    Overridden(u32),
}

#[derive(Clone, Debug)]
struct RandomStep {
    /// Where it stands in the chain of anchors; its code.
    rank: usize,
    phase: usize,
    anchor: DueAnchor,
    /// Picks the step of the anchor among those of lower rank.
    pick: prop::sample::Index,
    offset: u32,
    unit: DueUnit,
    roll: bool,
    fate: Fate,
}

#[derive(Clone, Debug)]
struct RandomPlan {
    start: NaiveDate,
    steps: Vec<RandomStep>,
    /// First day after the start, and length less one.
    pauses: Vec<(u32, u32)>,
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

fn random_step(rank: usize) -> impl Strategy<Value = RandomStep> {
    let anchor = prop_oneof![
        2 => Just(DueAnchor::Start),
        1 => Just(DueAnchor::PhaseStart),
        4 => Just(DueAnchor::Step),
    ];
    let period = prop_oneof![
        (0..60_u32).prop_map(|n| (n, DueUnit::CalendarDays)),
        (0..25_u32).prop_map(|n| (n, DueUnit::WorkingDays)),
        (0..9_u32).prop_map(|n| (n, DueUnit::Weeks)),
        (0..14_u32).prop_map(|n| (n, DueUnit::Months)),
    ];
    let fate = prop_oneof![
        5 => Just(Fate::Open),
        2 => (0..120_u32).prop_map(Fate::Done),
        1 => Just(Fate::Waived),
        1 => (0..120_u32).prop_map(Fate::Overridden),
    ];
    (0..3_usize, anchor, any::<prop::sample::Index>(), period, any::<bool>(), fate).prop_map(
        move |(phase, anchor, pick, (offset, unit), roll, fate)| RandomStep {
            rank,
            phase,
            anchor: if rank == 0 && anchor == DueAnchor::Step { DueAnchor::Start } else { anchor },
            pick,
            offset,
            unit,
            roll,
            fate,
        },
    )
}

fn random_plan() -> impl Strategy<Value = RandomPlan> {
    let steps = (1..7_usize).prop_flat_map(|count| {
        // A template may name a step before the one that it runs from.
        (0..count).map(random_step).collect::<Vec<_>>().prop_shuffle()
    });
    let pauses = prop::collection::vec((1..150_u32, 0..45_u32), 0..4);
    (starts(), steps, pauses).prop_map(|(start, steps, pauses)| RandomPlan { start, steps, pauses })
}

impl RandomPlan {
    fn phases() -> Vec<Phase> {
        let days = PHASE_DAYS.iter().enumerate();
        days.map(|(at, days)| phase(&format!("phase_{at}"), *days, false)).collect()
    }

    fn code(rank: usize) -> String {
        format!("step_{rank}")
    }

    fn steps(&self) -> Vec<Step> {
        self.steps
            .iter()
            .map(|random| {
                let anchor = Self::code(random.pick.index(random.rank.max(1)));
                let due = DueRule {
                    anchor: random.anchor,
                    step: (random.anchor == DueAnchor::Step).then_some(anchor),
                    offset: random.offset,
                    unit: random.unit,
                    roll: random.roll,
                };
                let definition = definition(&Self::code(random.rank), Some(due));
                step(definition, &format!("phase_{}", random.phase))
            })
            .collect()
    }

    fn on(&self, days: u32) -> NaiveDate {
        self.start + Days::new(days.into())
    }

    fn pauses(&self) -> Vec<(NaiveDate, NaiveDate)> {
        self.pauses.iter().map(|(from, more)| (self.on(*from), self.on(from + more))).collect()
    }

    fn with_fates(&self, mut steps: Vec<Step>) -> Vec<Step> {
        for (step, random) in steps.iter_mut().zip(&self.steps) {
            match random.fate {
                Fate::Open => {}
                Fate::Done(days) => step.done = Some(done(self.on(days))),
                Fate::Waived => step.waived = Some(waived()),
                Fate::Overridden(days) => step.overridden = Some(overridden(self.on(days))),
            }
        }
        steps
    }

    fn plan<'a>(
        &self,
        phases: &'a [Phase],
        steps: &'a [Step],
        pauses: &[(NaiveDate, NaiveDate)],
    ) -> Plan<'a> {
        Plan {
            start: self.start,
            horizon: Horizon::Days(100),
            calendar: Calendar::new(FederalState::Hesse, pauses.iter().copied()),
            phases,
            steps,
        }
    }

    /// The days that the steps get, by rank. `before` are those that they had, when it is not the first
    /// planning and the fates hold.
    fn expected(
        &self,
        days: &oracle::Days,
        before: Option<&BTreeMap<usize, oracle::Day>>,
    ) -> BTreeMap<usize, oracle::Day> {
        let start = as_day(self.start);
        let mut planned = BTreeMap::new();
        // What a step that runs from this one counts from.
        let mut counts_from = BTreeMap::new();
        let mut by_rank: Vec<&RandomStep> = self.steps.iter().collect();
        by_rank.sort_by_key(|random| random.rank);
        for random in by_rank {
            let anchor = match random.anchor {
                DueAnchor::Start => start,
                DueAnchor::PhaseStart => days.day_number(start, PHASE_DAYS[random.phase].0),
                DueAnchor::Step => counts_from[&random.pick.index(random.rank)],
            };
            let period = match random.unit {
                DueUnit::CalendarDays => Period::Days(random.offset),
                DueUnit::WorkingDays => Period::WorkingDays(random.offset),
                DueUnit::Weeks => Period::Weeks(random.offset),
                DueUnit::Months => Period::Months(random.offset),
            };
            let rank = random.rank;
            let by_rule = days.due(anchor, period, random.roll);
            let (stays, from) = match (&random.fate, before) {
                (_, None) | (Fate::Open, _) => (by_rule, by_rule),
                (Fate::Done(days), Some(before)) => (before[&rank], oracle::later(start, *days)),
                (Fate::Waived, Some(before)) => (before[&rank], before[&rank]),
                (Fate::Overridden(days), Some(before)) => {
                    (before[&rank], oracle::later(start, *days))
                }
            };
            planned.insert(rank, stays);
            counts_from.insert(rank, from);
        }
        planned
    }

    fn paused(&self) -> oracle::Days {
        let mut days = oracle::Days::default();
        for (from, more) in &self.pauses {
            let from = oracle::later(as_day(self.start), *from);
            days.paused.extend((0..=*more).map(|more| oracle::later(from, more)));
        }
        days
    }
}

fn as_day(date: NaiveDate) -> oracle::Day {
    (date.year(), date.month(), date.day())
}

fn planned(random: &RandomPlan, steps: &[Step]) -> BTreeMap<usize, oracle::Day> {
    let steps = random.steps.iter().zip(steps);
    steps.map(|(random, step)| (random.rank, as_day(step.planned_on.unwrap()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// First planning, then what happened, then re-planning: every date is the oracle's.
    #[test]
    fn every_date_is_that_of_a_count_day_by_day(random in random_plan()) {
        let phases = RandomPlan::phases();
        let steps = random.steps();
        let begun = random.plan(&phases, &steps, &[]).begun();
        let at_first = random.expected(&oracle::Days::default(), None);
        prop_assert_eq!(planned(&random, &begun), at_first.clone());
        for step in &begun {
            prop_assert_eq!(step.baseline_on, step.planned_on);
        }

        let steps = random.with_fates(begun);
        let pauses = random.pauses();
        let plan = random.plan(&phases, &steps, &pauses);
        let differences = plan.differences();
        let replanned = plan.replanned();
        let expected = random.expected(&random.paused(), Some(&at_first));
        prop_assert_eq!(planned(&random, &replanned), expected);

        // Exactly the differences that were shown, and nothing else of any step.
        let moved: BTreeMap<_, _> = differences.into_iter().map(|difference| {
            (difference.step.code.clone(), difference)
        }).collect();
        for (old, new) in steps.iter().zip(&replanned) {
            let unmoved = Step { planned_on: old.planned_on, ..new.clone() };
            prop_assert_eq!(&unmoved, old);
            match moved.get(&old.definition.code) {
                None => prop_assert_eq!(new, old),
                Some(difference) => {
                    prop_assert!(old.moves());
                    prop_assert_eq!(difference.from, old.planned_on);
                    prop_assert_eq!(difference.to, new.planned_on);
                    prop_assert_ne!(old.planned_on, new.planned_on);
                    // The reason that is given leads to the date by itself.
                    let because = difference.because.as_ref().unwrap();
                    let rule = old.definition.due.as_ref().unwrap();
                    let due = rule.due(because.anchor_on, &plan.calendar);
                    prop_assert_eq!(Some(due.on), new.planned_on);
                    let from = match rule.anchor {
                        DueAnchor::PhaseStart => plan.start,
                        _ => because.anchor_on,
                    };
                    let paused = plan.calendar.paused_days(from, due.on);
                    prop_assert_eq!(because.paused_days, paused);
                    if let Some(from) = because.rolled_from {
                        prop_assert!(!plan.calendar.is_working_day(from));
                    }
                }
            }
        }
        // Once is enough.
        let again = random.plan(&phases, &replanned, &pauses);
        prop_assert_eq!(again.differences(), vec![]);
    }

    /// Day N of 100, counted and dated, and the last day.
    #[test]
    fn days_of_a_programme_are_those_that_are_not_paused(random in random_plan(), n in 1..=200_u32) {
        let pauses = random.pauses();
        let plan = random.plan(&[], &[], &pauses);
        let days = random.paused();
        let start = as_day(random.start);
        prop_assert_eq!(as_day(plan.date_of_day(n)), days.day_number(start, n));
        prop_assert_eq!(plan.day(plan.date_of_day(n)), i64::from(n));
        let end = plan.planned_end().unwrap();
        prop_assert_eq!(as_day(end), days.day_number(start, 100));
        // Start + 99 calendar days + the paused days before it, each counted once.
        let paused = days.paused.iter().filter(|paused| **paused < as_day(end)).count();
        prop_assert_eq!((end - plan.start).num_days(), 99 + i64::try_from(paused).unwrap());
    }

    /// A limit of the law runs from what happened, whatever was planned or overridden.
    #[test]
    fn a_limit_is_that_of_its_rule(random in random_plan()) {
        let phases = RandomPlan::phases();
        let steps = random.steps();
        let steps = random.plan(&phases, &steps, &[]).begun();
        let mut steps = random.with_fates(steps);
        for step in &mut steps {
            step.definition.limit = LimitKind::Statutory;
        }
        let plan = random.plan(&phases, &steps, &random.pauses());
        let today = random.on(70);
        for step in plan.steps_on(today, Moment::Open) {
            let rule = step.definition.due.clone().unwrap();
            let state = step.state.clone().unwrap();
            let anchor = rule.step.as_deref().map(|code| plan.step(code).unwrap());
            let from = match (rule.anchor, anchor) {
                (DueAnchor::Start, _) => random.start,
                (DueAnchor::PhaseStart, _) => {
                    let at = phases.iter().position(|phase| phase.code == step.phase).unwrap();
                    plan.date_of_day(PHASE_DAYS[at].0)
                }
                (DueAnchor::Step, Some(Step { done: Some(done), .. })) => done.on,
                // A forecast is neither late nor breached.
                (DueAnchor::Step, Some(Step { waived: None, .. })) => {
                    prop_assert_eq!((state.lateness, state.days_late), (None, None));
                    continue;
                }
                (DueAnchor::Step, anchor) => anchor.unwrap().due_on().unwrap(),
            };
            let limit = rule.due(from, &plan.calendar).on;
            prop_assert_eq!(state.limit_on, Some(limit));
            let until = match (&step.done, &step.waived) {
                (Some(done), _) => Some(done.on),
                (None, Some(_)) => None,
                (None, None) => Some(today),
            };
            let late = until.filter(|until| *until > limit).map(|until| (until - limit).num_days());
            prop_assert_eq!(state.days_late, late);
            prop_assert_eq!(state.lateness, late.map(|_| Lateness::Breached));
        }
    }
}

// Slack against trying it out.

#[derive(Clone, Debug)]
struct Chain {
    start: NaiveDate,
    /// Of the steps after the first: which one it runs from or waits for, by how much, and how.
    links: Vec<(prop::sample::Index, u32, bool, bool)>,
    pauses: Vec<(u32, u32)>,
}

fn chain() -> impl Strategy<Value = Chain> {
    let link = (any::<prop::sample::Index>(), 0..9_u32, any::<bool>(), any::<bool>());
    let pauses = prop::collection::vec((1..90_u32, 0..10_u32), 0..3);
    (starts(), prop::collection::vec(link, 1..5), pauses).prop_map(|(start, links, pauses)| Chain {
        start,
        links,
        pauses,
    })
}

impl Chain {
    fn steps(&self) -> Vec<Step> {
        let mut steps = vec![step(definition("step_0", from_start(8)), "phase")];
        for (at, (pick, offset, waits, working)) in self.links.iter().enumerate() {
            let before = format!("step_{}", pick.index(at + 1));
            let unit = if *working { DueUnit::WorkingDays } else { DueUnit::CalendarDays };
            let mut definition = if *waits {
                definition(&format!("step_{}", at + 1), from_start(20 + 10 * offset))
            } else {
                definition(&format!("step_{}", at + 1), from_step(&before, *offset, unit))
            };
            definition.after.extend(waits.then_some(before));
            steps.push(step(definition, "phase"));
        }
        steps
    }
}

/// When everything is done as soon as it may and not before it is planned, the days on which that is.
fn forecast(plan: &Plan, held_up: usize, until: NaiveDate) -> Vec<NaiveDate> {
    let mut days: Vec<NaiveDate> = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let day_of = |code: &str| days[plan.position(code).unwrap()];
        let rule = step.definition.due.as_ref().unwrap();
        let from = rule.step.as_deref().map_or(plan.start, day_of);
        let due = rule.due(from, &plan.calendar).on;
        let after = step.definition.after.iter().map(|code| day_of(code)).max();
        let due = after.map_or(due, |after| after.max(due));
        days.push(if at == held_up { until } else { due });
    }
    days
}

proptest! {
    #[test]
    fn slack_is_what_a_step_can_move_by(chain in chain(), pick in any::<prop::sample::Index>()) {
        let on = |days: u32| chain.start + Days::new(days.into());
        let pauses = chain.pauses.iter().map(|(from, more)| (on(*from), on(from + more)));
        let phases = [phase("phase", (1, 100), false)];
        let steps = chain.steps();
        let plan = Plan {
            start: chain.start,
            horizon: Horizon::Days(100),
            calendar: Calendar::new(FederalState::Hesse, pauses),
            phases: &phases,
            steps: &steps,
        };
        let steps = plan.begun();
        let plan = Plan { steps: &steps, ..plan };
        let at = pick.index(steps.len());
        let due = steps[at].planned_on.unwrap();
        let end = plan.planned_end().unwrap();
        let in_time = |until| forecast(&plan, at, until).iter().all(|day| *day <= end);
        // Where the plan cannot be kept anyway, or a step waits for one that is planned after it, there is
        // nothing to try out.
        prop_assume!(in_time(due));
        let possible: Vec<NaiveDate> =
            due.iter_days().take_while(|day| *day <= end).filter(|day| in_time(*day)).collect();
        let slack = plan.steps_on(chain.start, Moment::Open)[at].state.clone().unwrap().slack_days;
        let last = *possible.last().unwrap();
        prop_assert_eq!(slack, Some(plan.calendar.counted_days(due, last) - plan.calendar.counted_days(due, due)));
        // And it can be anything up to that.
        prop_assert_eq!(i64::try_from(possible.len()).unwrap(), (last - due).num_days() + 1);
    }
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
    let preview = plan_of(&late).preview(run, 4).unwrap();
    let [difference] = &preview.differences[..] else { panic!("{preview:?}") };
    assert_eq!(difference.step.code, "middle");
    assert_eq!(difference.cause, ReplanCause::AnchorDone);
    assert_eq!(
        (difference.from, difference.to),
        (Some(day("2026-03-12")), Some(day("2026-03-19")))
    );
    assert_eq!(difference.days, Some(7));

    let token = ReplanInput { token: preview.token.clone() };
    let applied = plan_of(&late).replanned_as_seen(run, 4, &token).unwrap();
    assert_eq!(applied[1].planned_on, Some(day("2026-03-19")));
    assert_eq!(applied[1].baseline_on, Some(day("2026-03-12")), "never moves");
    // Another version, another run, other facts.
    let stale = |plan: &Plan, run, version| conflict(plan.replanned_as_seen(run, version, &token));
    assert_eq!(stale(&plan_of(&late), run, 5), "another_preview");
    assert_eq!(stale(&plan_of(&late), Uuid::from_u128(2), 4), "another_preview");
    let later = with(&steps, "begin", |step| step.done = Some(done(day("2026-03-10"))));
    assert_eq!(stale(&plan_of(&later), run, 4), "another_preview");
    let token = ReplanInput { token: plan_of(&steps).preview(run, 4).unwrap().token };
    assert_eq!(conflict(plan_of(&steps).replanned_as_seen(run, 4, &token)), "nothing_to_replan");
}

#[test]
fn a_difference_tells_what_moved_the_step() {
    let (phases, steps) = small_plan();
    let cause = |steps: &[Step], pauses: &[(&str, &str)], code: &str| {
        let pauses = pauses.iter().map(|(from, until)| (day(from), day(until)));
        let calendar = Calendar::new(FederalState::Hesse, pauses);
        let plan = Plan { calendar, ..plan("2026-03-02", &phases, steps) };
        let found = plan.differences().into_iter().find(|found| found.step.code == code);
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
    let difference = &plan_of(&back).differences()[0];
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
