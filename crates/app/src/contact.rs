use lotse_domain::audit::{AuditAction, HistoryEntry, Subject};
use lotse_domain::contact::{Contact, ContactFilter, ContactInput};
use lotse_domain::entity::{ReasonInput, Reference, check_version};
use lotse_domain::id::{ContactId, OrganisationId};
use lotse_domain::organisation::{OrganisationKind, OrganisationReference};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::{audit, contact, organisation};

use crate::{App, Caller, Writing};

/// Those of a company or actor that the caller's carrier recorded.
///
/// # Errors
/// `NotFound` when there is no such company or actor.
pub fn list(
    app: &App,
    caller: &Caller,
    kind: OrganisationKind,
    organisation: OrganisationId,
    filter: &ContactFilter,
    paging: &Paging,
) -> Result<Page<Contact>> {
    app.read(caller, Action::ReadContacts, |tx| {
        organisation::reference_of(tx.conn, organisation, kind)?;
        tx.about(Subject { kind: kind.into(), id: organisation.0, carrier: None });
        let scope = tx.scope();
        contact::list(tx.conn, &scope, organisation, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: ContactId) -> Result<Contact> {
    app.read(caller, Action::ReadContacts, |tx| {
        let scope = tx.scope();
        let found = contact::find(tx.conn, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: ContactId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadContacts, |tx| {
        let scope = tx.scope();
        let found = contact::find(tx.conn, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `NotFound` when there is no such company or actor; `Invalid`; `Conflict` when it is archived.
pub fn create(
    app: &App,
    caller: &Caller,
    kind: OrganisationKind,
    organisation: OrganisationId,
    input: &ContactInput,
) -> Result<Contact> {
    app.write(caller, Action::ChangeContacts, |tx| {
        organisation::hold_to_name(tx.conn, &[organisation])?;
        organisation::reference_of(tx.conn, organisation, kind)?;
        add_to(tx, organisation, input)
    })
}

/// For organisations of both kinds.
///
/// # Errors
/// As [`create`].
pub(crate) fn add_to(
    tx: &mut Writing,
    organisation: OrganisationId,
    input: &ContactInput,
) -> Result<Contact> {
    let facts = organisation::facts_to_name(tx.conn, organisation)?;
    let facts = facts.ok_or(Error::NotFound("organisation"))?;
    if facts.archived {
        return Err(Error::conflict("archived", "The organisation is archived."));
    }
    add(tx, facts.reference, input)
}

pub(crate) fn add(
    tx: &mut Writing,
    organisation: OrganisationReference,
    input: &ContactInput,
) -> Result<Contact> {
    let carrier = tx.actor.own_carrier()?;
    let carrier = Reference::new(carrier.id, &carrier.name);
    let new = Contact::new(tx.new_id(), tx.now, input, organisation, carrier)?;
    contact::insert(tx.conn, &new)?;
    tx.created(&new)?;
    Ok(new)
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is archived.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ContactId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Contact> {
    app.write(caller, Action::ChangeContacts, |tx| Ok(change_in(tx, id, seen, patch)?.1))
}

/// Answers the contact before and after.
///
/// # Errors
/// As [`change`].
pub(crate) fn change_in(
    tx: &mut Writing,
    id: ContactId,
    seen: i64,
    patch: &MergePatch,
) -> Result<(Contact, Contact)> {
    let scope = tx.scope();
    let old = contact::find(tx.conn, &scope, id)?;
    check_version(&old, seen)?;
    let new = old.changed(tx.now, &patch.apply(&ContactInput::from(&old))?)?;
    contact::update(tx.conn, &new)?;
    tx.changed(&old, &new)?;
    Ok((old, new))
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is archived
/// already.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: ContactId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Contact> {
    app.write(caller, Action::ChangeContacts, |tx| archive_in(tx, id, seen, input))
}

/// # Errors
/// As [`archive`].
pub(crate) fn archive_in(
    tx: &mut Writing,
    id: ContactId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Contact> {
    let scope = tx.scope();
    let old = contact::find(tx.conn, &scope, id)?;
    check_version(&old, seen)?;
    let new = old.archived(tx.now, input.checked()?)?;
    contact::update(tx.conn, &new)?;
    tx.audit(AuditAction::Archived, Some(&old), &new)?;
    Ok(new)
}
