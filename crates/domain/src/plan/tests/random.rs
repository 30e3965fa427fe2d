//! Random plans against the oracle.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, Days, NaiveDate};
use proptest::prelude::*;

use super::oracle::{self, Period};
use super::*;

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

fn random_step(rank: usize) -> impl Strategy<Value = RandomStep> {
    let anchor = prop_oneof![
        2 => Just(DueAnchor::Start),
        1 => Just(DueAnchor::PhaseStart),
        4 => Just(DueAnchor::Step),
    ];
    let period = prop_oneof![
        (0..60_u32).prop_map(|n| (n, DueUnit::CalendarDays)),
        Just((0, DueUnit::CalendarDays)),
        (0..25_u32).prop_map(|n| (n, DueUnit::WorkingDays)),
        (0..25_u32).prop_map(|n| (n, DueUnit::Weekdays)),
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
                DueUnit::Weekdays => Period::Weekdays(random.offset),
                DueUnit::WorkingDays => Period::WorkingDays(random.offset),
                DueUnit::Weeks => Period::Weeks(random.offset),
                DueUnit::Months => Period::Months(random.offset),
            };
            let rank = random.rank;
            let by_rule = days.due(anchor, period, random.roll);
            let (stays, from) = match (&random.fate, before) {
                (_, None) | (Fate::Open, _) => (by_rule, by_rule),
                (Fate::Done(days), Some(before)) => (before[&rank], oracle::later(start, *days)),
                (Fate::Waived, Some(before)) => (before[&rank], anchor),
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
        let differences = plan.differences(Moment::Open);
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
        prop_assert_eq!(again.differences(Moment::Open), vec![]);
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

    /// Whether a step waits can be told without naming what for.
    #[test]
    fn a_step_waits_when_something_can_be_named(
        gates in proptest::collection::vec(any::<bool>(), 4),
        steps in proptest::collection::vec(
            (0..5_usize, any::<bool>(), any::<bool>(), any::<bool>(), 0..12_usize), 1..12,
        ),
    ) {
        let start: NaiveDate = "2026-03-02".parse().unwrap();
        let phase = |(at, gate): (usize, &bool)| Phase {
            code: format!("phase_{at}"),
            label_de: String::new(),
            label_en: String::new(),
            from_day: None,
            to_day: None,
            gate: *gate,
        };
        let phases: Vec<Phase> = gates.iter().enumerate().map(phase).collect();
        let code = |at: usize| format!("step_{at}");
        // One phase more than there are, for steps whose phase is none.
        let steps: Vec<Step> = steps
            .iter()
            .enumerate()
            .map(|(at, (phase, mandatory, after_end, is_done, after))| {
                let after = Some(*after).filter(|after| *after != at).map(code);
                let after: Vec<String> = after.into_iter().collect();
                let (mandatory, after_end) = (*mandatory, *after_end);
                let definition =
                    TemplateStep { mandatory, after_end, after, ..definition(&code(at), None) };
                let mut step = step(definition, &format!("phase_{phase}"));
                step.done = is_done.then(|| done(start));
                step
            })
            .collect();
        let plan = Plan {
            start,
            horizon: Horizon::Days(100),
            calendar: Calendar::new(FederalState::Hesse, []),
            phases: &phases,
            steps: &steps,
        };
        for step in &steps {
            prop_assert_eq!(plan.waits(step, plan.first_gate()), !plan.waits_for(step).is_empty());
        }
    }

    /// A limit of the law runs from what happened, whatever was planned or overridden; from what was waived
    /// runs none, and the date is the own plan.
    #[test]
    fn a_limit_is_that_of_its_rule(random in random_plan()) {
        let phases = RandomPlan::phases();
        let steps = random.steps();
        let steps = random.plan(&phases, &steps, &[]).begun();
        let mut steps = random.with_fates(steps);
        for step in &mut steps {
            Arc::make_mut(&mut step.definition).limit = LimitKind::Statutory;
        }
        let plan = random.plan(&phases, &steps, &random.pauses());
        let today = random.on(70);
        for step in plan.steps_on(today, Moment::Open) {
            let state = step.state.clone().unwrap();
            let limit = limit(&random, &plan, &step);
            let binding = match limit {
                Limit::On(limit) => {
                    prop_assert_eq!(state.limit_on, Some(limit));
                    Some(limit)
                }
                // What did not happen yet gives no limit, and a forecast is neither late nor overdue.
                Limit::Forecast { provisional } | Limit::None { provisional } => {
                    let open = matches!(limit, Limit::Forecast { .. });
                    prop_assert!(open || state.limit_on.is_none());
                    prop_assert_eq!(state.provisional, provisional && step.moves());
                    step.due_on().filter(|_| !provisional || step.overridden.is_some())
                }
            };
            let until = match (&step.done, &step.waived) {
                (Some(done), _) => Some(done.on),
                (None, Some(_)) => None,
                (None, None) => Some(today),
            };
            let late = until.zip(binding).map(|(until, date)| (until - date).num_days());
            let late = late.filter(|days| *days > 0);
            prop_assert_eq!(state.days_late, late);
            let lateness =
                if matches!(limit, Limit::On(_)) { Lateness::Breached } else { Lateness::Overdue };
            prop_assert_eq!(state.lateness, late.map(|_| lateness));
        }
    }
}

/// What becomes of the limit of a step.
#[derive(Clone, Copy)]
enum Limit {
    On(NaiveDate),
    /// Its anchor is open.
    Forecast {
        provisional: bool,
    },
    /// Its anchor was waived.
    None {
        provisional: bool,
    },
}

fn limit(random: &RandomPlan, plan: &Plan, step: &Step) -> Limit {
    let rule = step.definition.due.clone().unwrap();
    let from = match rule.anchor {
        DueAnchor::Start => random.start,
        DueAnchor::PhaseStart => {
            let at = plan.phases.iter().position(|phase| phase.code == step.phase).unwrap();
            plan.date_of_day(PHASE_DAYS[at].0)
        }
        DueAnchor::Step => match plan.step(rule.step.as_deref().unwrap()).unwrap() {
            Step { done: Some(done), .. } => done.on,
            anchor @ Step { waived: Some(_), .. } => {
                // Whether anything happened that the chain of what was waived hangs on.
                let happened = match limit(random, plan, anchor) {
                    Limit::On(_) => true,
                    Limit::Forecast { .. } => false,
                    Limit::None { provisional } => !provisional,
                };
                return Limit::None { provisional: !happened };
            }
            anchor => {
                // By the very day of the other one, which is settled when somebody set it or when it runs
                // from what happened.
                let settled = anchor.overridden.is_some()
                    || match limit(random, plan, anchor) {
                        Limit::On(_) => true,
                        Limit::Forecast { provisional } | Limit::None { provisional } => {
                            !provisional
                        }
                    };
                return Limit::Forecast { provisional: rule.offset > 0 || !settled };
            }
        },
    };
    Limit::On(rule.due(from, &Calendar::new(FederalState::Hesse, [])).on)
}
