use lotse_domain::Result;
use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::company::check_not_archived;
use lotse_domain::entity::{ReasonInput, Reference, check_version};
use lotse_domain::establishment::{Establishment, EstablishmentInput};
use lotse_domain::id::{CompanyId, EstablishmentId, OrganisationId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_persistence::{audit, company, establishment, organisation};

use crate::district::named_district;
use crate::district_gap;
use crate::{App, Caller};

/// # Errors
/// `NotFound` when there is no such company.
pub fn list(
    app: &App,
    caller: &Caller,
    company: CompanyId,
    paging: &Paging,
) -> Result<Page<Establishment>> {
    app.read(caller, Action::ReadRegister, |tx| {
        company::find(tx.conn, company)?;
        establishment::list(tx.conn, company, paging)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: EstablishmentId) -> Result<Establishment> {
    app.read(caller, Action::ReadRegister, |tx| establishment::find(tx.conn, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: EstablishmentId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadRegister, |tx| {
        establishment::find(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `NotFound` when there is no such company; `Invalid`; `Conflict` when the company is archived.
pub fn create(
    app: &App,
    caller: &Caller,
    company: CompanyId,
    input: &EstablishmentInput,
) -> Result<Establishment> {
    app.write(caller, Action::ChangeRegister, |tx| {
        organisation::hold_to_name(tx.conn, &[company.into()])?;
        let company = company::find(tx.conn, company)?;
        check_not_archived(company.archived.as_ref())?;
        let company = Reference::new(company.id, company.name);
        let district = named_district(tx.conn, "/district_id", input.district_id)?;
        let new = Establishment::new(tx.new_id(), tx.now, input, company, district)?;
        establishment::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is archived.
pub fn change(
    app: &App,
    caller: &Caller,
    id: EstablishmentId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Establishment> {
    app.write(caller, Action::ChangeRegister, |tx| {
        let old = establishment::find(tx.conn, id)?;
        check_version(&old, seen)?;
        let input: EstablishmentInput = patch.apply(&EstablishmentInput::from(&old))?;
        let district = named_district(tx.conn, "/district_id", input.district_id)?;
        let new = old.changed(tx.now, &input, district)?;
        establishment::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        if old.district.is_none() && new.district.is_some() {
            district_gap::close(tx, OrganisationId(new.company.id), None)?;
        }
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is archived already.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: EstablishmentId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Establishment> {
    app.write(caller, Action::ChangeRegister, |tx| {
        let old = establishment::find(tx.conn, id)?;
        check_version(&old, seen)?;
        let new = old.archived(tx.now, input.checked()?)?;
        establishment::update(tx.conn, &new)?;
        tx.audit(AuditAction::Archived, Some(&old), &new)?;
        Ok(new)
    })
}
