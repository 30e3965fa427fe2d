//! What is recorded of the steps of a case. The dates of the open steps follow at once.

use chrono::{DateTime, NaiveDate, Utc};

use super::{RecruitmentCase, RecruitmentCaseOperation};
use crate::error::Result;
use crate::plan::{Step, StepDoneInput, StepOverrideInput};
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
        self.check_allows(RecruitmentCaseOperation::DoStep)?;
        let steps = self.plan().with_done(code, now, today, None, actor, input)?;
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
        self.check_allows(RecruitmentCaseOperation::WaiveStep)?;
        let steps = self.plan().with_waived(code, now, actor, reason)?;
        Ok(self.with_steps(now, steps))
    }

    /// Takes back that a step was done or waived.
    ///
    /// # Errors
    /// As [`Self::with_step_waived`]; `Conflict` when a step that comes after it was done.
    pub fn with_step_reopened(&self, code: &str, now: DateTime<Utc>) -> Result<Self> {
        self.check_allows(RecruitmentCaseOperation::ReopenStep)?;
        let steps = self.plan().with_reopened(code)?;
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
        self.check_allows(RecruitmentCaseOperation::OverrideStep)?;
        let steps = self.plan().with_override(code, now, actor, input)?;
        Ok(self.with_steps(now, steps))
    }

    /// # Errors
    /// As [`Self::with_step_waived`]; `Conflict` when it has no override.
    pub fn without_step_override(&self, code: &str, now: DateTime<Utc>) -> Result<Self> {
        self.check_allows(RecruitmentCaseOperation::ClearOverride)?;
        let steps = self.plan().without_override(code)?;
        Ok(self.with_steps(now, steps))
    }

    fn with_steps(&self, now: DateTime<Utc>, steps: Vec<Step>) -> Self {
        let recorded = Self { steps, ..self.clone() }.next(now);
        let steps = recorded.plan().replanned();
        Self { steps, ..recorded }
    }
}
