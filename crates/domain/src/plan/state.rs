//! What is derived of a plan on a day: status of the steps, progress, whether it is on track, what is next.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schedule::Schedule;
use super::slack::latest_days;
use super::{Lateness, Plan, Step, StepName, StepState, StepStatus};
use crate::code::codes;
use crate::programme_template::StepOwner;

codes! {
    /// The traffic light (Ampel): green, amber, red.
    "track" Track { OnTrack, AtRisk, OffTrack }
}

codes! {
    "track_reason" TrackReasonCode {
        /// Off track: a statutory limit has passed.
        LimitBreached,
        /// Off track: a mandatory step was to be done by now.
        MandatoryOverdue,
        /// Off track: the last day has passed.
        EndPassed,
        /// Off track: a mandatory step has a date after the last day.
        PlannedPastEnd,
        /// At risk: a usual limit has passed.
        LimitLate,
        /// At risk: a step that is not mandatory was to be done by now.
        OptionalOverdue,
        /// At risk: re-planning would give a step another date.
        DatesOutdated,
    }
}

impl TrackReasonCode {
    #[must_use]
    pub fn track(self) -> Track {
        match self {
            Self::LimitBreached
            | Self::MandatoryOverdue
            | Self::EndPassed
            | Self::PlannedPastEnd => Track::OffTrack,
            Self::LimitLate | Self::OptionalOverdue | Self::DatesOutdated => Track::AtRisk,
        }
    }
}

/// Why a plan is not on track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackReason {
    pub code: TrackReasonCode,
    #[schema(required)]
    pub step: Option<StepName>,
    /// The date that has passed, or lies too late.
    #[schema(required)]
    pub date: Option<NaiveDate>,
}

/// Progress by the mandatory steps up to the end of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    pub done: usize,
    pub waived: usize,
    pub of: usize,
    /// Done and waived of all, rounded down.
    pub percent: usize,
}

/// The step to take next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextStep {
    #[serde(flatten)]
    pub step: StepName,
    pub owner: StepOwner,
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
    #[schema(required)]
    pub lateness: Option<Lateness>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanState {
    pub progress: Progress,
    pub track: Track,
    /// The worst first; empty when it is on track.
    pub track_reasons: Vec<TrackReason>,
    #[schema(required)]
    pub next_step: Option<NextStep>,
    /// How many steps re-planning would give another date.
    pub steps_to_replan: usize,
}

/// When a plan is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It is being worked on.
    Open,
    /// It is through; what lies after its end goes on.
    Completed,
    /// It is over, and nobody waits for anything.
    Over,
}

impl Moment {
    /// Whether anybody is still to do the step.
    #[must_use]
    pub fn awaits(self, step: &Step) -> bool {
        step.is_open()
            && match self {
                Self::Open => true,
                Self::Completed => step.definition.after_end,
                Self::Over => false,
            }
    }
}

/// That a date has passed.
struct Late {
    lateness: Lateness,
    date: NaiveDate,
    days: i64,
}

impl Plan<'_> {
    /// The steps with what is derived of each on a day.
    #[must_use]
    pub fn steps_on(&self, today: NaiveDate, moment: Moment) -> Vec<Step> {
        let schedule = Schedule::of(self);
        let latest = latest_days(self);
        let mut steps = self.steps.to_vec();
        for (at, step) in steps.iter_mut().enumerate() {
            let state = self.step_state(&schedule, at, today, moment);
            let slack_days = self
                .slack_days(step, latest.get(at).copied().flatten())
                .filter(|_| moment.awaits(step));
            step.state = Some(StepState { slack_days, ..state });
        }
        steps
    }

    /// All but the slack, which lists do not show.
    fn step_state(
        &self,
        schedule: &Schedule,
        at: usize,
        today: NaiveDate,
        moment: Moment,
    ) -> StepState {
        let step = &self.steps[at];
        let by_rule = schedule.by_rule(at);
        let rule_is_provisional = by_rule.is_some_and(|found| found.provisional);
        let limit_on = by_rule.and_then(|found| found.limit_on);
        let waits_for = if step.is_open() { self.waits_for(step) } else { Vec::new() };
        let late = self.late(schedule, at, today, moment);
        let status = match (&step.done, &step.waived) {
            (Some(_), _) => StepStatus::Done,
            (None, Some(_)) => StepStatus::Waived,
            (None, None) if waits_for.is_empty() => StepStatus::Open,
            (None, None) => StepStatus::Waiting,
        };
        StepState {
            status,
            due_on: step.due_on(),
            limit_on,
            provisional: rule_is_provisional && step.moves(),
            lateness: late.as_ref().map(|late| late.lateness),
            days_late: late.map(|late| late.days),
            waits_for,
            slack_days: None,
        }
    }

    /// None for a step that is not late.
    fn late(
        &self,
        schedule: &Schedule,
        at: usize,
        today: NaiveDate,
        moment: Moment,
    ) -> Option<Late> {
        let step = &self.steps[at];
        let until = match &step.done {
            Some(done) => done.on,
            None => Some(today).filter(|_| moment.awaits(step))?,
        };
        let (date, lateness) = self.binding_date(schedule, at)?;
        let days = (until - date).num_days();
        (days > 0).then_some(Late { lateness, date, days })
    }

    /// The date that a step can be late for and what it means to be; none where it is a forecast.
    fn binding_date(&self, schedule: &Schedule, at: usize) -> Option<(NaiveDate, Lateness)> {
        let step = &self.steps[at];
        let by_rule = schedule.by_rule(at);
        // What the law says, an override does not change. It says nothing before what it counts from has
        // happened; until then the own plan holds.
        let limit_on = by_rule.filter(|found| found.happened).and_then(|found| found.limit_on);
        if let Some(limit_on) = limit_on {
            return Some((limit_on, step.lateness_of_limit()));
        }
        let is_forecast =
            by_rule.is_some_and(|found| found.provisional) && step.overridden.is_none();
        Some((step.due_on().filter(|_| !is_forecast)?, Lateness::Overdue))
    }

    /// Whether the date of each step is a forecast, which nobody is late by, in their order.
    #[must_use]
    pub fn forecasts(&self) -> Vec<bool> {
        let schedule = Schedule::of(self);
        let is_forecast = |(at, step): (usize, &Step)| {
            step.overridden.is_none() && schedule.by_rule(at).is_some_and(|found| found.provisional)
        };
        self.steps.iter().enumerate().map(is_forecast).collect()
    }

    /// By when each step is to be done, in their order; none for what nobody waits for and for forecasts.
    #[must_use]
    pub fn awaited_on(&self, moment: Moment) -> Vec<Option<NaiveDate>> {
        let schedule = Schedule::of(self);
        let awaited = |at: usize| {
            Some(self.binding_date(&schedule, at).filter(|_| moment.awaits(&self.steps[at]))?.0)
        };
        (0..self.steps.len()).map(awaited).collect()
    }

    #[must_use]
    pub fn state(&self, today: NaiveDate, moment: Moment) -> PlanState {
        let schedule = Schedule::of(self);
        let awaited: Vec<usize> =
            (0..self.steps.len()).filter(|at| moment.awaits(&self.steps[*at])).collect();
        let steps_to_replan = self.outdated(&schedule, moment).len();
        let late: Vec<(usize, Late)> = awaited
            .iter()
            .filter_map(|at| Some((*at, self.late(&schedule, *at, today, moment)?)))
            .collect();
        let mut track_reasons = self.late_steps(&late);
        track_reasons.extend(self.past_the_end(&schedule, &awaited, today, moment));
        if steps_to_replan > 0 {
            let code = TrackReasonCode::DatesOutdated;
            track_reasons.push(TrackReason { code, step: None, date: None });
        }
        track_reasons.sort_by_key(|reason| std::cmp::Reverse(reason.code.track()));
        let worst = track_reasons.iter().map(|reason| reason.code.track()).max();
        PlanState {
            progress: self.progress(),
            track: worst.unwrap_or(Track::OnTrack),
            track_reasons,
            next_step: self.next_step(&awaited, &late),
            steps_to_replan,
        }
    }

    fn late_steps(&self, late: &[(usize, Late)]) -> Vec<TrackReason> {
        let reason = |(at, late): &(usize, Late)| {
            let step = &self.steps[*at];
            let code = match late.lateness {
                Lateness::Breached => TrackReasonCode::LimitBreached,
                Lateness::Late => TrackReasonCode::LimitLate,
                Lateness::Overdue if step.definition.mandatory => TrackReasonCode::MandatoryOverdue,
                Lateness::Overdue => TrackReasonCode::OptionalOverdue,
            };
            TrackReason { code, step: Some(step.name()), date: Some(late.date) }
        };
        late.iter().map(reason).collect()
    }

    fn past_the_end(
        &self,
        schedule: &Schedule,
        awaited: &[usize],
        today: NaiveDate,
        moment: Moment,
    ) -> Vec<TrackReason> {
        let Some(end) = self.planned_end().filter(|_| moment == Moment::Open) else {
            return Vec::new();
        };
        let mut reasons = Vec::new();
        if today > end {
            let code = TrackReasonCode::EndPassed;
            reasons.push(TrackReason { code, step: None, date: Some(end) });
        }
        for at in awaited.iter().filter(|at| self.steps[**at].holds_up()) {
            if let Some(on) = schedule.on(*at).filter(|on| *on > end) {
                let code = TrackReasonCode::PlannedPastEnd;
                let step = Some(self.steps[*at].name());
                reasons.push(TrackReason { code, step, date: Some(on) });
            }
        }
        reasons
    }

    fn progress(&self) -> Progress {
        let mandatory = || {
            let of_plan = |step: &&Step| step.definition.mandatory && !step.definition.after_end;
            self.steps.iter().filter(of_plan)
        };
        let of = mandatory().count();
        let done = mandatory().filter(|step| step.done.is_some()).count();
        let waived = mandatory().filter(|step| step.waived.is_some()).count();
        let percent = ((done + waived) * 100).checked_div(of).unwrap_or(100);
        Progress { done, waived, of, percent }
    }

    /// Of those that nothing stands before, the one that is due first; in the order of the template where
    /// several are.
    fn next_step(&self, awaited: &[usize], late: &[(usize, Late)]) -> Option<NextStep> {
        let gate = self.first_gate();
        let next = *awaited.iter().min_by_key(|at| {
            let step = &self.steps[**at];
            let due = step.due_on();
            (self.waits(step, gate), due.is_none(), due, **at)
        })?;
        let step = &self.steps[next];
        let late = late.iter().find(|(at, _)| *at == next);
        Some(NextStep {
            step: step.name(),
            owner: step.definition.owner,
            due_on: step.due_on(),
            lateness: late.map(|(_, late)| late.lateness),
        })
    }
}

impl<'a> Plan<'a> {
    /// Codes of the mandatory steps that are open, so that the run cannot be completed.
    #[must_use]
    pub fn holding_up(&self) -> Vec<&'a str> {
        let open = self.steps.iter().filter(|step| step.holds_up());
        open.map(|step| step.definition.code.as_str()).collect()
    }
}
