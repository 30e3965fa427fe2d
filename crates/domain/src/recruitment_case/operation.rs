//! What can be done with a recruitment case, and when; closing it. A test prints the table to
//! `crates/domain/src/recruitment_case/operations.txt`, which is reviewed.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RecruitmentCase;
use crate::calendar::happened_on;
use crate::check::Checks;
use crate::code::{Code, codes};
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::plan::Moment;
use crate::policy::Actor;

codes! {
    "recruitment_case_status" RecruitmentCaseStatus { Open, Closed }
}

codes! {
    "recruitment_outcome" RecruitmentOutcome {
        /// The candidate works at the company.
        WorkStarted,
        /// Recognition, consent or visa were refused.
        Refused,
        CandidateWithdrew, CompanyWithdrew,
        /// The vacancy was filled with somebody else.
        FilledOtherwise,
        Other,
    }
}

codes! {
    "recruitment_case_operation" RecruitmentCaseOperation {
        Change,
        /// Records that a step was done.
        DoStep,
        WaiveStep,
        /// Takes back that a step was done or waived.
        ReopenStep,
        OverrideStep, ClearOverride, Close,
        /// Takes back that it was closed.
        Reopen,
    }
}

/// The table. `work_started` tells whether it was closed with that outcome.
#[must_use]
pub fn allows(
    status: RecruitmentCaseStatus,
    work_started: bool,
    operation: RecruitmentCaseOperation,
) -> bool {
    use RecruitmentCaseOperation as Operation;
    let open = status == RecruitmentCaseStatus::Open;
    match operation {
        Operation::Change | Operation::Close => open,
        // Of one that is closed, those that lie after its end.
        Operation::DoStep
        | Operation::WaiveStep
        | Operation::ReopenStep
        | Operation::OverrideStep
        | Operation::ClearOverride => open || work_started,
        Operation::Reopen => !open,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecruitmentClosed {
    pub on: NaiveDate,
    pub outcome: RecruitmentOutcome,
    #[schema(required)]
    pub note: Option<String>,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "work_started"}))]
pub struct RecruitmentCloseInput {
    /// Today unless told; not before it was opened, nor before the last step was done.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub closed_on: Option<NaiveDate>,
    /// `work_started` needs every mandatory step done or waived.
    pub outcome: RecruitmentOutcome,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

impl RecruitmentCase {
    /// What can be done with it.
    #[must_use]
    pub fn allowed(&self) -> Vec<RecruitmentCaseOperation> {
        let work_started = self.moment() == Moment::Completed;
        let all = RecruitmentCaseOperation::all().into_iter();
        all.filter(|operation| allows(self.status(), work_started, *operation)).collect()
    }

    /// # Errors
    /// `Conflict` that names what can be done instead.
    pub(super) fn check_allows(&self, operation: RecruitmentCaseOperation) -> Result<()> {
        let allowed = self.allowed();
        if allowed.contains(&operation) {
            return Ok(());
        }
        let allowed: Vec<&str> = allowed.into_iter().map(Code::code).collect();
        Err(Error::conflict(
            "wrong_state",
            format!(
                "The case is {}, so {} is not possible; possible now: {}.",
                self.status().code(),
                operation.code(),
                allowed.join(", ")
            ),
        ))
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it is closed, or is to end well and a mandatory step is open.
    pub fn closed(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &RecruitmentCloseInput,
    ) -> Result<Self> {
        self.check_allows(RecruitmentCaseOperation::Close)?;
        let open = self.plan().holding_up().join(", ");
        if input.outcome == RecruitmentOutcome::WorkStarted && !open.is_empty() {
            return Err(Error::conflict(
                "steps_open",
                format!("Mandatory steps are to be done or waived first: {open}."),
            ));
        }
        let mut checks = Checks::new();
        let last = self.plan().last_done_on();
        // A step may have been done before the case was opened.
        let earliest = last.map_or(self.opened_on, |last| last.max(self.opened_on));
        let on = happened_on(&mut checks, "/closed_on", input.closed_on, today, Some(earliest));
        let note = checks.optional_prose("/note", input.note.as_deref(), 2000);
        checks.finish()?;
        let outcome = input.outcome;
        let closed = RecruitmentClosed { on, outcome, note, by: actor.reference(), at: now };
        Ok(Self { closed: Some(closed), ..self.next(now) })
    }

    /// # Errors
    /// `Conflict` when it is open.
    pub fn reopened(&self, now: DateTime<Utc>) -> Result<Self> {
        self.check_allows(RecruitmentCaseOperation::Reopen)?;
        Ok(Self { closed: None, ..self.next(now) })
    }
}
