use lotse_domain::Result;
use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::entity::{ReasonInput, Reference, check_version};
use lotse_domain::id::SavedViewId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::saved_view::{SavedView, SavedViewFilter, SavedViewInput};
use lotse_persistence::{audit, saved_view, tag};

use crate::{App, Caller, Writing};

/// The caller's own and those shared in the carrier.
///
/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &SavedViewFilter,
    paging: &Paging,
) -> Result<Page<SavedView>> {
    app.read(caller, Action::ReadSavedViews, |tx| {
        let (scope, user) = (tx.scope(), tx.actor.user_id);
        saved_view::list(tx.conn, &tx.names, &scope, user, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's and for others' private ones.
pub fn get(app: &App, caller: &Caller, id: SavedViewId) -> Result<SavedView> {
    app.read(caller, Action::ReadSavedViews, |tx| {
        let (scope, user) = (tx.scope(), tx.actor.user_id);
        saved_view::find(tx.conn, &tx.names, &scope, user, id)
    })
}

/// # Errors
/// As [`get`].
pub fn history(
    app: &App,
    caller: &Caller,
    id: SavedViewId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadSavedViews, |tx| {
        let (scope, user) = (tx.scope(), tx.actor.user_id);
        saved_view::find(tx.conn, &tx.names, &scope, user, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the caller has another of this name.
pub fn create(app: &App, caller: &Caller, input: &SavedViewInput) -> Result<SavedView> {
    app.write(caller, Action::ChangeSavedViews, |tx| {
        let carrier = tx.actor.own_carrier()?;
        let carrier = Reference::new(carrier.id, &carrier.name);
        let known = tag_is_known(tx, input)?;
        let owner = tx.actor.reference();
        let new = SavedView::new(tx.new_id(), tx.now, input, owner, carrier, known)?;
        saved_view::insert(tx.conn, &new)?;
        tx.created(&new.without_query())?;
        Ok(new)
    })
}

/// # Errors
/// As [`get`]; `Forbidden` for colleagues who find it; `Stale`, `Invalid`; `Conflict` when it is
/// archived or the owner has another of this name.
pub fn change(
    app: &App,
    caller: &Caller,
    id: SavedViewId,
    seen: i64,
    patch: &MergePatch,
) -> Result<SavedView> {
    app.write(caller, Action::ChangeSavedViews, |tx| {
        let old = changeable(tx, id, seen)?;
        let input: SavedViewInput = patch.apply(&SavedViewInput::from(&old))?;
        let known = tag_is_known(tx, &input)?;
        let new = old.changed(tx.now, &input, known)?;
        saved_view::update(tx.conn, &new)?;
        tx.changed(&old.without_query(), &new.without_query())?;
        Ok(new)
    })
}

/// # Errors
/// As [`change`].
pub fn archive(
    app: &App,
    caller: &Caller,
    id: SavedViewId,
    seen: i64,
    input: &ReasonInput,
) -> Result<SavedView> {
    app.write(caller, Action::ChangeSavedViews, |tx| {
        let old = changeable(tx, id, seen)?;
        let new = old.archived(tx.now, input.checked()?)?;
        saved_view::update(tx.conn, &new)?;
        tx.audit(AuditAction::Archived, Some(&old.without_query()), &new.without_query())?;
        Ok(new)
    })
}

/// The view, if the caller may change it as it stands.
fn changeable(tx: &mut Writing, id: SavedViewId, seen: i64) -> Result<SavedView> {
    let (scope, user) = (tx.scope(), tx.actor.user_id);
    let old = saved_view::find(tx.conn, &tx.names, &scope, user, id)?;
    check_version(&old, seen)?;
    old.check_may_change(&tx.actor)?;
    Ok(old)
}

/// A tag is the one thing in a filter that belongs to a carrier.
fn tag_is_known(tx: &mut Writing, input: &SavedViewInput) -> Result<bool> {
    let Some(id) = input.tag_id() else { return Ok(true) };
    let scope = tx.scope();
    Ok(!tag::with_ids(tx.conn, &tx.names, &scope, &[id])?.is_empty())
}
