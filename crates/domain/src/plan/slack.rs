//! Slack (Puffer): by how much a step could move without the end of the plan moving.

use chrono::{Days, NaiveDate};

use super::{Plan, Step};
use crate::due_rule::DueRule;

/// The latest day of every step with which the plan still ends when it should: backwards from the end, over
/// the steps whose dates run from it and those that wait for it.
pub(super) fn latest_days(plan: &Plan) -> Vec<Option<NaiveDate>> {
    let end = plan.planned_end();
    let mut latest = vec![None; plan.steps.len()];
    let mut begun = vec![false; plan.steps.len()];
    for at in 0..plan.steps.len() {
        find(plan, end, at, &mut latest, &mut begun);
    }
    latest
}

fn find(
    plan: &Plan,
    end: Option<NaiveDate>,
    at: usize,
    latest: &mut [Option<NaiveDate>],
    begun: &mut [bool],
) {
    if begun[at] {
        return;
    }
    begun[at] = true;
    let step = &plan.steps[at];
    let mut bound = end.filter(|_| !step.definition.after_end);
    for (later, other) in plan.steps.iter().enumerate().filter(|(_, other)| other.is_open()) {
        let waits = plan.waits_for(other).contains(&step.definition.code);
        let rule = runs_from(other, step);
        if !waits && rule.is_none() {
            continue;
        }
        find(plan, end, later, latest, begun);
        let Some(last) = latest[later] else { continue };
        let by_rule = rule.and_then(|rule| latest_anchor(plan, rule, last));
        for limit in [waits.then_some(last), by_rule].into_iter().flatten() {
            bound = Some(bound.map_or(limit, |bound| bound.min(limit)));
        }
    }
    latest[at] = bound;
}

/// The rule by which a step moves with another one.
fn runs_from<'a>(step: &'a Step, anchor: &Step) -> Option<&'a DueRule> {
    let rule = step.definition.due.as_ref().filter(|_| step.moves())?;
    (rule.step.as_ref() == Some(&anchor.definition.code)).then_some(rule)
}

/// The last day from which a period ends by `last`.
fn latest_anchor(plan: &Plan, rule: &DueRule, last: NaiveDate) -> Option<NaiveDate> {
    let from = last.checked_sub_days(Days::new(rule.least_days().into()))?;
    let days = std::iter::successors(Some(from), NaiveDate::pred_opt);
    // Pauses and holidays stretch a period, but not by more than its own length and three years of pauses.
    days.take(2000).find(|day| rule.due(*day, &plan.calendar).on <= last)
}

impl Plan<'_> {
    /// Days, pauses left out, from the day that a step is planned for to the latest one.
    pub(super) fn slack_days(&self, step: &Step, latest: Option<NaiveDate>) -> Option<i64> {
        let (due, latest) = (step.due_on()?, latest?);
        let counted = |from: NaiveDate, to| self.calendar.counted_days(from + Days::new(1), to);
        Some(if latest >= due { counted(due, latest) } else { -counted(latest, due) })
    }
}
