use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::{Reference, check_version};
use lotse_domain::id::{CarrierId, SiteId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::site::{Site, SiteFilter, SiteInput};
use lotse_domain::{Error, Result};
use lotse_persistence::{Conn, audit, carrier, site};

use crate::{App, Caller};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &SiteFilter,
    paging: &Paging,
) -> Result<Page<Site>> {
    app.read(caller, Action::ReadNetwork, |tx| site::list(tx.conn, filter, paging))
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: SiteId) -> Result<Site> {
    app.read(caller, Action::ReadNetwork, |tx| site::find(tx.conn, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: SiteId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadNetwork, |tx| {
        site::find(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the name is taken.
pub fn create(app: &App, caller: &Caller, input: &SiteInput) -> Result<Site> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let carrier = named_carrier(tx.conn, "/carrier_id", input.carrier_id)?;
        let new = Site::new(tx.new_id(), tx.now, input, carrier)?;
        site::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when the name is taken.
pub fn change(
    app: &App,
    caller: &Caller,
    id: SiteId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Site> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let old = site::find(tx.conn, id)?;
        check_version(&old, seen)?;
        let new = old.changed(tx.now, &patch.apply(&SiteInput::from(&old))?)?;
        site::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// The carrier that an input names.
pub(crate) fn named_carrier(conn: &mut Conn, pointer: &str, id: CarrierId) -> Result<Reference> {
    match carrier::find(conn, id) {
        Ok(carrier) => Ok(Reference::new(carrier.id, carrier.name)),
        Err(Error::NotFound(_)) => Err(Error::invalid(pointer, "unknown", "must be a carrier")),
        Err(error) => Err(error),
    }
}

/// The site that an input names.
pub(crate) fn named_site(conn: &mut Conn, pointer: &str, id: SiteId) -> Result<Site> {
    match site::find(conn, id) {
        Err(Error::NotFound(_)) => Err(Error::invalid(pointer, "unknown", "must be a site")),
        result => result,
    }
}
