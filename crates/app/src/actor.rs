use lotse_domain::Result;
use lotse_domain::actor::{Actor, ActorFilter, ActorInput};
use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::duplicate::CreateParams;
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::ActorId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::search::Found;
use lotse_persistence::{actor, audit};

use crate::district::named_district;
use crate::{App, Caller, Writing, district_gap, duplicate};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ActorFilter,
    paging: &Paging,
) -> Result<Page<Actor>> {
    app.read(caller, Action::ReadRegister, |tx| {
        let scope = tx.scope();
        actor::list(tx.conn, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: ActorId) -> Result<Actor> {
    app.read(caller, Action::ReadRegister, |tx| actor::find(tx.conn, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: ActorId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadRegister, |tx| {
        // One that was merged keeps its own.
        actor::find_even_merged(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `PossibleDuplicate` with those that it may be, unless the caller insists.
pub fn create(
    app: &App,
    caller: &Caller,
    params: &CreateParams,
    input: &ActorInput,
) -> Result<Actor> {
    app.write(caller, Action::ChangeRegister, |tx| {
        let new = made(tx, input)?;
        if !params.create_anyway.unwrap_or(false) {
            duplicate::guard(tx, &Found::from(&new))?;
        }
        enter(tx, new)
    })
}

pub(crate) fn add(tx: &mut Writing, input: &ActorInput) -> Result<Actor> {
    let new = made(tx, input)?;
    enter(tx, new)
}

fn made(tx: &mut Writing, input: &ActorInput) -> Result<Actor> {
    let district = named_district(tx.conn, "/district_id", input.district_id)?;
    Actor::new(tx.new_id(), tx.now, input, district)
}

fn enter(tx: &mut Writing, new: Actor) -> Result<Actor> {
    actor::insert(tx.conn, &new)?;
    tx.created(&new)?;
    Ok(new)
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is archived.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ActorId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Actor> {
    app.write(caller, Action::ChangeRegister, |tx| Ok(change_in(tx, id, seen, patch)?.1))
}

/// Answers the actor before and after.
///
/// # Errors
/// As [`change`].
pub(crate) fn change_in(
    tx: &mut Writing,
    id: ActorId,
    seen: i64,
    patch: &MergePatch,
) -> Result<(Actor, Actor)> {
    let old = actor::find(tx.conn, id)?;
    check_version(&old, seen)?;
    let input: ActorInput = patch.apply(&ActorInput::from(&old))?;
    let district = named_district(tx.conn, "/district_id", input.district_id)?;
    let new = old.changed(tx.now, &input, district)?;
    actor::update(tx.conn, &new)?;
    tx.changed(&old, &new)?;
    if old.district.is_none() && new.district.is_some() {
        district_gap::close(tx, id.into(), new.district.as_ref())?;
    }
    Ok((old, new))
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is archived already.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: ActorId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Actor> {
    app.write(caller, Action::ChangeRegister, |tx| archive_in(tx, id, seen, input))
}

/// # Errors
/// As [`archive`].
pub(crate) fn archive_in(
    tx: &mut Writing,
    id: ActorId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Actor> {
    let old = actor::find(tx.conn, id)?;
    check_version(&old, seen)?;
    let new = old.archived(tx.now, input.checked()?)?;
    actor::update(tx.conn, &new)?;
    tx.audit(AuditAction::Archived, Some(&old), &new)?;
    Ok(new)
}
