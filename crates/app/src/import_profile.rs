use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::entity::{ReasonInput, Reference, check_version};
use lotse_domain::id::ImportProfileId;
use lotse_domain::import::{ImportInput, ImportSettings};
use lotse_domain::import_profile::{ImportProfile, ImportProfileFilter, ImportProfileInput};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::{audit, import_profile};

use crate::{App, Caller, Reading, Writing};

/// Those of the own carrier, by name.
///
/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ImportProfileFilter,
    paging: &Paging,
) -> Result<Page<ImportProfile>> {
    app.read(caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        import_profile::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: ImportProfileId) -> Result<ImportProfile> {
    app.read(caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        import_profile::find(tx.conn, &tx.names, &scope, id)
    })
}

/// # Errors
/// As [`get`].
pub fn history(
    app: &App,
    caller: &Caller,
    id: ImportProfileId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        import_profile::find(tx.conn, &tx.names, &scope, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the carrier has another of this name.
pub fn create(app: &App, caller: &Caller, input: &ImportProfileInput) -> Result<ImportProfile> {
    app.write(caller, Action::ChangeImports, |tx| {
        let carrier = tx.actor.own_carrier()?;
        let carrier = Reference::new(carrier.id, &carrier.name);
        let recorded_by = tx.actor.reference();
        let new = ImportProfile::new(tx.new_id(), tx.now, input, carrier, recorded_by)?;
        import_profile::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// As [`get`]; `Stale`, `Invalid`; `Conflict` when it is archived or the carrier has another of this name.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ImportProfileId,
    seen: i64,
    patch: &MergePatch,
) -> Result<ImportProfile> {
    app.write(caller, Action::ChangeImports, |tx| {
        let old = seen_as(tx, id, seen)?;
        let input: ImportProfileInput = patch.apply(&ImportProfileInput::from(&old))?;
        let new = old.changed(tx.now, &input)?;
        import_profile::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// # Errors
/// As [`get`]; `Stale`, `Invalid`; `Conflict` when it is archived already.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: ImportProfileId,
    seen: i64,
    input: &ReasonInput,
) -> Result<ImportProfile> {
    app.write(caller, Action::ChangeImports, |tx| {
        let old = seen_as(tx, id, seen)?;
        let new = old.archived(tx.now, input.checked()?)?;
        import_profile::update(tx.conn, &new)?;
        tx.audit(AuditAction::Archived, Some(&old), &new)?;
        Ok(new)
    })
}

fn seen_as(tx: &mut Writing, id: ImportProfileId, seen: i64) -> Result<ImportProfile> {
    let scope = tx.scope();
    let old = import_profile::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

/// The settings of the profile that an upload names.
pub(crate) fn named(tx: &mut Reading, input: &ImportInput) -> Result<Option<ImportSettings>> {
    let Some(id) = input.profile_id else { return Ok(None) };
    let unknown = || {
        Error::invalid(
            "profile_id",
            "unknown",
            "must be the id of a profile, see GET /import-profiles",
        )
    };
    let scope = tx.scope();
    match import_profile::find(tx.conn, &tx.names, &scope, id) {
        Ok(found) if found.archived.is_none() && found.target == input.target => {
            Ok(Some(found.settings))
        }
        Ok(_) | Err(Error::NotFound(_)) => Err(unknown()),
        Err(error) => Err(error),
    }
}
