//! Slack against trying it out.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Chain {
    start: NaiveDate,
    /// Of the steps after the first: which one it runs from or waits for, by how much, and how; and whether it
    /// was waived.
    links: Vec<(prop::sample::Index, u32, bool, bool, bool)>,
    pauses: Vec<(u32, u32)>,
}

fn chain() -> impl Strategy<Value = Chain> {
    let waived = prop::bool::weighted(0.25);
    let link = (any::<prop::sample::Index>(), 0..9_u32, any::<bool>(), any::<bool>(), waived);
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
        for (at, (pick, offset, waits, working, _)) in self.links.iter().enumerate() {
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

    fn with_waived(&self, mut steps: Vec<Step>) -> Vec<Step> {
        for ((.., waived), step) in
            self.links.iter().zip(&mut steps[1..]).filter(|(link, _)| link.4)
        {
            let (reason, by) = ("By phone".to_owned(), actor().reference());
            step.waived = waived.then_some(StepWaived { reason, by, at: DateTime::default() });
        }
        steps
    }
}

/// When everything is done as soon as it may and not before it is planned, the days on which that is. What
/// was waived takes no time and holds nothing up.
fn forecast(plan: &Plan, held_up: usize, until: NaiveDate) -> Vec<NaiveDate> {
    // The days that later steps run from.
    let mut days: Vec<NaiveDate> = Vec::new();
    let mut done = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let day_of = |code: &str| days[plan.position(code).unwrap()];
        let rule = step.definition.due.as_ref().unwrap();
        let from = rule.step.as_deref().map_or(plan.start, day_of);
        if step.waived.is_some() {
            days.push(from);
            continue;
        }
        let due = rule.due(from, &plan.calendar).on;
        let after = step.definition.after.iter();
        let after = after.filter(|code| plan.step(code).unwrap().waived.is_none());
        let due = after.map(|code| day_of(code)).max().map_or(due, |after| after.max(due));
        days.push(if at == held_up { until } else { due });
        done.extend(days.last());
    }
    done
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
        let steps = chain.with_waived(plan.begun());
        let steps = Plan { steps: &steps, ..plan.clone() }.replanned();
        let plan = Plan { steps: &steps, ..plan };
        let at = pick.index(steps.len());
        prop_assume!(steps[at].waived.is_none());
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
