//! What is recorded of the steps of an accompaniment. Their dates do not move by it: that is re-planning,
//! with the difference shown first.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Accompaniment, AccompanimentOperation};
use crate::error::{Error, Result};
use crate::plan::{Plan, Step, StepDoneInput, StepOverrideInput};
use crate::policy::Actor;

impl Accompaniment {
    /// Whether anybody is still to do a step.
    #[must_use]
    pub fn awaits(&self, step: &Step) -> bool {
        self.started_on.is_some() && self.moment().awaits(step)
    }

    /// By when each step is to be done, in their order; none for what nobody waits for and for forecasts.
    #[must_use]
    pub fn awaited_on(&self) -> Vec<Option<NaiveDate>> {
        match self.plan() {
            Some(plan) => plan.awaited_on(self.moment()),
            None => vec![None; self.steps.len()],
        }
    }

    /// # Errors
    /// `NotFound`; `Invalid`; `Conflict` when the accompaniment or the step does not allow it, or another
    /// step comes first.
    pub fn with_step_done(
        &self,
        code: &str,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &StepDoneInput,
    ) -> Result<Self> {
        let plan = self.plan_for(AccompanimentOperation::DoStep, code, today)?;
        let steps = plan.with_done(code, now, today, Some(plan.start), actor, input)?;
        Ok(self.with_steps(now, steps))
    }

    /// `reason` was checked.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the accompaniment or the step does not allow it.
    pub fn with_step_waived(
        &self,
        code: &str,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        reason: &str,
    ) -> Result<Self> {
        let plan = self.plan_for(AccompanimentOperation::WaiveStep, code, today)?;
        let steps = plan.with_waived(code, now, actor, reason)?;
        Ok(self.with_steps(now, steps))
    }

    /// Takes back that a step was done or waived.
    ///
    /// # Errors
    /// As [`Self::with_step_waived`]; `Conflict` when a step that comes after it was done.
    pub fn with_step_reopened(
        &self,
        code: &str,
        now: DateTime<Utc>,
        today: NaiveDate,
    ) -> Result<Self> {
        let plan = self.plan_for(AccompanimentOperation::ReopenStep, code, today)?;
        let steps = plan.with_reopened(code)?;
        Ok(self.with_steps(now, steps))
    }

    /// # Errors
    /// As [`Self::with_step_waived`]; `Invalid`.
    pub fn with_step_overridden(
        &self,
        code: &str,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &StepOverrideInput,
    ) -> Result<Self> {
        let plan = self.plan_for(AccompanimentOperation::OverrideStep, code, today)?;
        let steps = plan.with_override(code, now, actor, input)?;
        Ok(self.with_steps(now, steps))
    }

    /// # Errors
    /// As [`Self::with_step_waived`]; `Conflict` when it has no override.
    pub fn without_step_override(
        &self,
        code: &str,
        now: DateTime<Utc>,
        today: NaiveDate,
    ) -> Result<Self> {
        let plan = self.plan_for(AccompanimentOperation::ClearOverride, code, today)?;
        let steps = plan.without_override(code)?;
        Ok(self.with_steps(now, steps))
    }

    fn plan_for(
        &self,
        operation: AccompanimentOperation,
        code: &str,
        today: NaiveDate,
    ) -> Result<Plan<'_>> {
        self.check_allows(operation, today)?;
        let plan = self.planned()?;
        let step = plan.step(code)?;
        if self.completed.is_some() && !step.definition.after_end {
            return Err(Error::conflict(
                "step_closed",
                format!("The accompaniment is completed, and {code} lies before its end."),
            ));
        }
        Ok(plan)
    }

    fn with_steps(&self, now: DateTime<Utc>, steps: Vec<Step>) -> Self {
        Self { steps, ..self.clone() }.next(now)
    }
}
