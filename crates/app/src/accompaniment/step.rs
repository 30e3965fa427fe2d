//! Milestones: what is recorded of the steps.

use lotse_domain::Result;
use lotse_domain::accompaniment::Accompaniment;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::AccompanimentId;
use lotse_domain::plan::{Step, StepDoneInput, StepOverrideInput};

use super::{changed_by, get};
use crate::{App, Caller};

/// All of them, in their order.
///
/// # Errors
/// `NotFound`, also for another carrier's.
pub fn steps(app: &App, caller: &Caller, id: AccompanimentId) -> Result<Vec<Step>> {
    Ok(get(app, caller, id)?.steps)
}

/// # Errors
/// As [`super::change`]; `NotFound` when there is no such step; `Conflict` when another one comes first.
pub fn complete_step(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    code: &str,
    seen: i64,
    input: &StepDoneInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| {
        old.with_step_done(code, tx.now, tx.today(), &tx.actor, input)
    })
}

/// # Errors
/// As [`super::change`]; `NotFound` when there is no such step.
pub fn waive_step(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    code: &str,
    seen: i64,
    input: &ReasonInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| {
        old.with_step_waived(code, tx.now, tx.today(), &tx.actor, &input.checked()?)
    })
}

/// Takes back that a step was done or waived.
///
/// # Errors
/// As [`super::change`]; `NotFound` when there is no such step; `Conflict` when a later one was done.
pub fn reopen_step(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    code: &str,
    seen: i64,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.with_step_reopened(code, tx.now, tx.today()))
}

/// Gives a step another date than its rule does.
///
/// # Errors
/// As [`super::change`]; `NotFound` when there is no such step.
pub fn override_step(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    code: &str,
    seen: i64,
    input: &StepOverrideInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| {
        old.with_step_overridden(code, tx.now, tx.today(), &tx.actor, input)
    })
}

/// # Errors
/// As [`super::change`]; `NotFound` when there is no such step; `Conflict` when it has no override.
pub fn clear_override(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    code: &str,
    seen: i64,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.without_step_override(code, tx.now, tx.today()))
}
