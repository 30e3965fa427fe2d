//! What can be done with an accompaniment, and when: the one table of operation × state. A test prints it to
//! `crates/domain/src/accompaniment/operations.txt`, which is reviewed.

use chrono::NaiveDate;

use super::{Accompaniment, AccompanimentStatus};
use crate::code::{Code, codes};
use crate::error::{Error, Result};

codes! {
    "accompaniment_operation" AccompanimentOperation {
        Change, Agree, Reject, Start, SetGoals, MeasureGoals, Pause, Resume, Replan,
        /// Records that a step was done.
        DoStep,
        WaiveStep,
        /// Takes back that a step was done or waived.
        ReopenStep,
        OverrideStep, ClearOverride, HandOver, AcceptHandOver,
        /// By whom it was to pass to, or taken back by who proposed it.
        DeclineHandOver,
        Complete, End,
    }
}

/// The table. `pause_ahead` tells whether a pause is to come.
#[must_use]
pub fn allows(
    status: AccompanimentStatus,
    pause_ahead: bool,
    operation: AccompanimentOperation,
) -> bool {
    use AccompanimentOperation as Operation;
    use AccompanimentStatus::{Active, Agreed, Completed, Paused, Requested};
    let under_way = matches!(status, Active | Paused);
    match operation {
        Operation::Change => under_way || matches!(status, Requested | Agreed),
        Operation::Agree | Operation::Reject => status == Requested,
        Operation::Start => status == Agreed,
        Operation::SetGoals | Operation::End => under_way || status == Agreed,
        Operation::MeasureGoals | Operation::Pause => under_way,
        Operation::Resume => status == Paused || (status == Active && pause_ahead),
        // Of a completed one, those that lie after its end.
        Operation::Replan
        | Operation::DoStep
        | Operation::WaiveStep
        | Operation::ReopenStep
        | Operation::OverrideStep
        | Operation::ClearOverride => under_way || status == Completed,
        Operation::HandOver | Operation::AcceptHandOver | Operation::DeclineHandOver => {
            under_way || matches!(status, Requested | Agreed | Completed)
        }
        Operation::Complete => status == Active,
    }
}

impl Accompaniment {
    /// What can be done with it on a day.
    #[must_use]
    pub fn allowed(&self, today: NaiveDate) -> Vec<AccompanimentOperation> {
        let (status, pause_ahead) = (self.status(today), self.calendar().is_pause_after(today));
        let allowed = AccompanimentOperation::all().into_iter();
        allowed.filter(|operation| allows(status, pause_ahead, *operation)).collect()
    }

    /// # Errors
    /// `Conflict` that names what can be done instead.
    pub(super) fn check_allows(
        &self,
        operation: AccompanimentOperation,
        today: NaiveDate,
    ) -> Result<()> {
        let allowed = self.allowed(today);
        if allowed.contains(&operation) {
            return Ok(());
        }
        let allowed: Vec<&str> = allowed.into_iter().map(Code::code).collect();
        let possible = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        Err(Error::conflict(
            "wrong_state",
            format!(
                "The accompaniment is {}, so {} is not possible; possible now: {possible}.",
                self.status(today).code(),
                operation.code()
            ),
        ))
    }
}
