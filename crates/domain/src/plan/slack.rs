//! Slack (Puffer): by how much a step could move without the end of the plan moving.

use chrono::{Days, NaiveDate};

use super::{Plan, Step};
use crate::due_rule::DueRule;

/// The latest day of every step with which the plan still ends when it should: backwards from the end, over
/// the steps whose dates run from it and those that wait for it.
pub(super) fn latest_days(plan: &Plan) -> Vec<Option<NaiveDate>> {
    let mut backwards = Backwards {
        plan,
        end: plan.planned_end(),
        bound: bound(plan),
        latest: vec![None; plan.steps.len()],
        begun: vec![false; plan.steps.len()],
    };
    for at in 0..plan.steps.len() {
        backwards.find(at);
    }
    backwards.latest
}

/// What bounds the day of a step: an open one that comes after it.
struct Bound<'a> {
    later: usize,
    /// It waits until the step is done.
    waits: bool,
    /// Its date runs from the step, by this rule.
    rule: Option<&'a DueRule>,
}

/// What bounds each of the steps.
fn bound<'a>(plan: &Plan<'a>) -> Vec<Vec<Bound<'a>>> {
    let mut bound: Vec<Vec<Bound>> = plan.steps.iter().map(|_| Vec::new()).collect();
    for (later, step) in plan.steps.iter().enumerate().filter(|(_, step)| step.is_open()) {
        let anchor = anchor(plan, step);
        let rule = step.definition.due.as_ref();
        for at in plan.places_waited_for(step) {
            bound[at].push(Bound { later, waits: true, rule: rule.filter(|_| anchor == Some(at)) });
        }
        if let Some(at) = anchor.filter(|at| bound[*at].last().is_none_or(|it| it.later != later)) {
            bound[at].push(Bound { later, waits: false, rule });
        }
    }
    bound
}

/// The step that a step moves with. One that was waived takes no time: what it was to run from counts.
fn anchor(plan: &Plan, step: &Step) -> Option<usize> {
    let mut step = Some(step).filter(|step| step.moves());
    // More links than steps would be a cycle.
    for _ in plan.steps {
        let code = step?.definition.due.as_ref()?.step.as_deref()?;
        let at = plan.position(code)?;
        step = plan.steps.get(at);
        if step.is_some_and(|step| step.waived.is_none() || step.done.is_some()) {
            return Some(at);
        }
    }
    None
}

struct Backwards<'a> {
    plan: &'a Plan<'a>,
    end: Option<NaiveDate>,
    bound: Vec<Vec<Bound<'a>>>,
    latest: Vec<Option<NaiveDate>>,
    begun: Vec<bool>,
}

impl Backwards<'_> {
    fn find(&mut self, at: usize) {
        if std::mem::replace(&mut self.begun[at], true) {
            return;
        }
        let plan = self.plan;
        let mut limits = Vec::new();
        limits.extend(self.end.filter(|_| !plan.steps[at].definition.after_end));
        for Bound { later, waits, rule } in std::mem::take(&mut self.bound[at]) {
            self.find(later);
            let Some(last) = self.latest[later] else { continue };
            limits.extend(waits.then_some(last));
            limits.extend(rule.and_then(|rule| latest_anchor(plan, rule, last)));
        }
        self.latest[at] = limits.into_iter().min();
    }
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
