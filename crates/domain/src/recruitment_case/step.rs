//! What is recorded of the steps of a case. The dates of the open steps follow at once.

use chrono::{DateTime, NaiveDate, Utc};

use super::{RecruitmentCase, RecruitmentCaseOperation};
use crate::error::{Error, Result};
use crate::plan::{Plan, Step, StepDoneInput, StepOverrideInput};
use crate::policy::Actor;

impl RecruitmentCase {
    /// A step may have been done before the case was opened.
    ///
    /// # Errors
    /// `NotFound`; `Invalid`; `Conflict` when the case or the step does not allow it, or another step comes
    /// first.
    pub fn with_step_done(
        &self,
        code: &str,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &StepDoneInput,
    ) -> Result<Self> {
        let plan = self.plan_for(RecruitmentCaseOperation::DoStep, code)?;
        let steps = plan.with_done(code, now, today, None, actor, input)?;
        Ok(self.with_steps(now, steps))
    }

    /// `reason` was checked.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the case or the step does not allow it.
    pub fn with_step_waived(
        &self,
        code: &str,
        now: DateTime<Utc>,
        actor: &Actor,
        reason: &str,
    ) -> Result<Self> {
        let plan = self.plan_for(RecruitmentCaseOperation::WaiveStep, code)?;
        let steps = plan.with_waived(code, now, actor, reason)?;
        Ok(self.with_steps(now, steps))
    }

    /// Takes back that a step was done or waived.
    ///
    /// # Errors
    /// As [`Self::with_step_waived`]; `Conflict` when a step that comes after it was done.
    pub fn with_step_reopened(&self, code: &str, now: DateTime<Utc>) -> Result<Self> {
        let plan = self.plan_for(RecruitmentCaseOperation::ReopenStep, code)?;
        let steps = plan.with_reopened(code)?;
        Ok(self.with_steps(now, steps))
    }

    /// # Errors
    /// As [`Self::with_step_waived`]; `Invalid`.
    pub fn with_step_overridden(
        &self,
        code: &str,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &StepOverrideInput,
    ) -> Result<Self> {
        let plan = self.plan_for(RecruitmentCaseOperation::OverrideStep, code)?;
        let steps = plan.with_override(code, now, actor, input)?;
        Ok(self.with_steps(now, steps))
    }

    /// # Errors
    /// As [`Self::with_step_waived`]; `Conflict` when it has no override.
    pub fn without_step_override(&self, code: &str, now: DateTime<Utc>) -> Result<Self> {
        let plan = self.plan_for(RecruitmentCaseOperation::ClearOverride, code)?;
        let steps = plan.without_override(code)?;
        Ok(self.with_steps(now, steps))
    }

    fn plan_for(&self, operation: RecruitmentCaseOperation, code: &str) -> Result<Plan<'_>> {
        self.check_allows(operation)?;
        let plan = self.plan();
        let step = plan.step(code)?;
        if self.closed.is_some() && !step.definition.after_end {
            return Err(Error::conflict(
                "step_closed",
                format!("The case is closed, and {code} lies before its end."),
            ));
        }
        Ok(plan)
    }

    fn with_steps(&self, now: DateTime<Utc>, steps: Vec<Step>) -> Self {
        let recorded = Self { steps, ..self.clone() }.next(now);
        let steps = recorded.plan().replanned();
        Self { steps, ..recorded }
    }
}
