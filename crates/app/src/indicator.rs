use lotse_domain::Result;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::check_version;
use lotse_domain::id::IndicatorId;
use lotse_domain::indicator::{Indicator, IndicatorFilter, IndicatorInput};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_persistence::{audit, indicator};

use crate::{App, Caller, Writing};

mod value;
pub(crate) use value::{Asked, Counts, View, also};
pub use value::{explain, trial, values};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &IndicatorFilter,
    paging: &Paging,
) -> Result<Page<Indicator>> {
    app.read(caller, Action::ReadIndicators, |tx| {
        indicator::list(tx.conn, &tx.names, filter, paging)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: IndicatorId) -> Result<Indicator> {
    app.read(caller, Action::ReadIndicators, |tx| indicator::find(tx.conn, &tx.names, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: IndicatorId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadIndicators, |tx| {
        indicator::find(tx.conn, &tx.names, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// A draft, the next version of its code.
///
/// # Errors
/// `Invalid` with everything that is wrong; `Conflict` when there is a draft of that code.
pub fn create(app: &App, caller: &Caller, input: &IndicatorInput) -> Result<Indicator> {
    app.write(caller, Action::ChangeIndicators, |tx| {
        let context = indicator::context(tx.conn, &input.code)?;
        let new = Indicator::new(tx.new_id(), tx.now, input, &context)?;
        indicator::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is no draft.
pub fn change(
    app: &App,
    caller: &Caller,
    id: IndicatorId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Indicator> {
    app.write(caller, Action::ChangeIndicators, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.changed(tx.now, &patch.apply(&IndicatorInput::from(&old))?)?;
        keep(tx, &old, new)
    })
}

/// Activates a draft: figures are made by it from now on. The version that was active is retired.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is no draft.
pub fn activate(app: &App, caller: &Caller, id: IndicatorId, seen: i64) -> Result<Indicator> {
    app.write(caller, Action::ChangeIndicators, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.activated(tx.now, &tx.actor)?;
        if let Some(before) = indicator::active(tx.conn, &tx.names, &old.code)? {
            let retired = before.retired(tx.now, &tx.actor)?;
            keep(tx, &before, retired)?;
        }
        keep(tx, &old, new)
    })
}

/// # Errors
/// `NotFound`, `Stale`; `Conflict` when it is not active.
pub fn retire(app: &App, caller: &Caller, id: IndicatorId, seen: i64) -> Result<Indicator> {
    app.write(caller, Action::ChangeIndicators, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.retired(tx.now, &tx.actor)?;
        keep(tx, &old, new)
    })
}

fn as_seen(tx: &mut Writing, id: IndicatorId, seen: i64) -> Result<Indicator> {
    let old = indicator::find(tx.conn, &tx.names, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

fn keep(tx: &mut Writing, old: &Indicator, new: Indicator) -> Result<Indicator> {
    indicator::update(tx.conn, &new)?;
    tx.changed(old, &new)?;
    Ok(new)
}
