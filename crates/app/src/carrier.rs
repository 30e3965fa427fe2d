use lotse_domain::Result;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::carrier::{Carrier, CarrierInput};
use lotse_domain::entity::check_version;
use lotse_domain::id::CarrierId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_persistence::{audit, carrier};

use crate::{App, Caller};

/// # Errors
/// What the policy says.
pub fn list(app: &App, caller: &Caller, paging: &Paging) -> Result<Page<Carrier>> {
    app.read(caller, Action::ReadNetwork, |tx| carrier::list(tx.conn, paging))
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: CarrierId) -> Result<Carrier> {
    app.read(caller, Action::ReadNetwork, |tx| carrier::find(tx.conn, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: CarrierId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadNetwork, |tx| {
        carrier::find(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the code is taken.
pub fn create(app: &App, caller: &Caller, input: &CarrierInput) -> Result<Carrier> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let new = Carrier::new(tx.new_id(), tx.now, input)?;
        carrier::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when the code is taken.
pub fn change(
    app: &App,
    caller: &Caller,
    id: CarrierId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Carrier> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let old = carrier::find(tx.conn, id)?;
        check_version(&old, seen)?;
        let new = old.changed(tx.now, &patch.apply(&CarrierInput::from(&old))?)?;
        carrier::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}
