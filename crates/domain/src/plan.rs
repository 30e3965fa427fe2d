//! Plans: the steps of an accompaniment or a recruitment case with their dates. One engine serves both.
//!
//! Stored of a step are the day it was first planned for, the day it is planned for, and what somebody
//! recorded: another date, done, waived. All else is derived: lateness, progress, day N of 100.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calendar::Calendar;
use crate::programme_template::TemplatePhase;

mod schedule;
mod slack;
mod state;
mod step;
#[cfg(test)]
mod tests;
pub use schedule::{Difference, Explanation, ReplanCause, ReplanInput, ReplanPreview};
pub use state::{Moment, NextStep, PlanState, Progress, Track, TrackReason, TrackReasonCode};
pub use step::{
    Lateness, Step, StepDone, StepDoneInput, StepName, StepOverride, StepOverrideInput, StepState,
    StepStatus, StepWaived, steps_of,
};

use chrono::NaiveDate;

/// A phase of a run, without its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Phase {
    #[schema(example = "needs_analysis")]
    pub code: String,
    pub label_de: String,
    pub label_en: String,
    #[schema(required)]
    pub from_day: Option<u32>,
    #[schema(required)]
    pub to_day: Option<u32>,
    pub gate: bool,
}

impl From<&TemplatePhase> for Phase {
    fn from(phase: &TemplatePhase) -> Self {
        Self {
            code: phase.code.clone(),
            label_de: phase.label_de.clone(),
            label_en: phase.label_en.clone(),
            from_day: phase.from_day,
            to_day: phase.to_day,
            gate: phase.gate,
        }
    }
}

/// Until when a plan is to be through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// So many days, the first among them and pauses left out.
    Days(u32),
    /// A date that was wished for, if any.
    Target(Option<NaiveDate>),
}

/// Steps and what their dates are computed from.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// Day 1.
    pub start: NaiveDate,
    pub horizon: Horizon,
    pub calendar: Calendar,
    pub phases: &'a [Phase],
    pub steps: &'a [Step],
}

impl Plan<'_> {
    /// The date of day N of the programme.
    #[must_use]
    pub fn date_of_day(&self, day: u32) -> NaiveDate {
        self.calendar.day_after(self.start, day.saturating_sub(1))
    }

    /// The last day of the programme, or the date that the case is to be through by.
    #[must_use]
    pub fn planned_end(&self) -> Option<NaiveDate> {
        match self.horizon {
            Horizon::Days(days) => Some(self.date_of_day(days)),
            Horizon::Target(date) => date,
        }
    }

    /// N of "day N of 100": days since the start, that one among them and pauses left out.
    #[must_use]
    pub fn day(&self, on: NaiveDate) -> i64 {
        self.calendar.counted_days(self.start, on)
    }

    fn phase_index(&self, step: &Step) -> Option<usize> {
        self.phases.iter().position(|phase| phase.code == step.phase)
    }

    fn position(&self, code: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.definition.code == code)
    }
}
