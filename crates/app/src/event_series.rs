use lotse_domain::Result;
use lotse_domain::audit::{AuditAction, HistoryEntry, Subject};
use lotse_domain::entity::{ReasonInput, Reference, check_version};
use lotse_domain::event_series::{EventSeries, EventSeriesFilter, EventSeriesInput};
use lotse_domain::id::EventSeriesId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_persistence::{audit, event_series};

use crate::{App, Caller};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &EventSeriesFilter,
    paging: &Paging,
) -> Result<Page<EventSeries>> {
    app.read(caller, Action::ReadEvents, |tx| {
        let scope = tx.scope();
        event_series::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: EventSeriesId) -> Result<EventSeries> {
    app.read(caller, Action::ReadEvents, |tx| {
        let scope = tx.scope();
        let found = event_series::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: EventSeriesId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadEvents, |tx| {
        let scope = tx.scope();
        let found = event_series::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the name is taken.
pub fn create(app: &App, caller: &Caller, input: &EventSeriesInput) -> Result<EventSeries> {
    app.write(caller, Action::ChangeEvents, |tx| {
        let carrier = tx.actor.own_carrier()?;
        let carrier = Reference::new(carrier.id, &carrier.name);
        let new = EventSeries::new(tx.new_id(), tx.now, input, carrier)?;
        event_series::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is archived or the
/// name is taken.
pub fn change(
    app: &App,
    caller: &Caller,
    id: EventSeriesId,
    seen: i64,
    patch: &MergePatch,
) -> Result<EventSeries> {
    app.write(caller, Action::ChangeEvents, |tx| {
        let scope = tx.scope();
        let old = event_series::find(tx.conn, &tx.names, &scope, id)?;
        check_version(&old, seen)?;
        let new = old.changed(tx.now, &patch.apply(&EventSeriesInput::from(&old))?)?;
        event_series::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// No further event is put into it; those that are stay.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is archived already.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: EventSeriesId,
    seen: i64,
    input: &ReasonInput,
) -> Result<EventSeries> {
    app.write(caller, Action::ChangeEvents, |tx| {
        let scope = tx.scope();
        let old = event_series::find(tx.conn, &tx.names, &scope, id)?;
        check_version(&old, seen)?;
        let new = old.archived(tx.now, input.checked()?)?;
        event_series::update(tx.conn, &new)?;
        tx.audit(AuditAction::Archived, Some(&old), &new)?;
        Ok(new)
    })
}
