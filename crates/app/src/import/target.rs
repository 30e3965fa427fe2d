//! What rows become: records of each kind, by the use cases of requests.

use lotse_domain::actor::ActorInput;
use lotse_domain::company::CompanyInput;
use lotse_domain::consultation::ConsultationInput;
use lotse_domain::contact::ContactInput;
use lotse_domain::entity::ReasonInput;
use lotse_domain::event::EventInput;
use lotse_domain::id::OrganisationId;
use lotse_domain::import::ImportTarget;
use lotse_domain::patch::{MergePatch, shaped};
use lotse_domain::policy::{Action, Actor};
use lotse_domain::{Error, Result};
use lotse_persistence::import::known;
use lotse_persistence::{actor, company, consultation, contact, event, merge};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::Writing;

/// Whether somebody may enter and change records of a kind.
pub(super) fn check_may(who: &Actor, target: ImportTarget) -> Result<()> {
    let actions: &[Action] = match target {
        ImportTarget::Companies | ImportTarget::Actors => &[Action::ChangeRegister],
        ImportTarget::Contacts => &[Action::ChangeContacts],
        ImportTarget::Consultations => &[Action::LogConsultation, Action::ChangeConsultation],
        ImportTarget::Events => &[Action::ChangeEvents],
    };
    actions.iter().try_for_each(|action| who.may(*action))
}

/// A record that a row made: its id and version.
pub(super) type Made = (Uuid, i64);

/// `organisation` is the one that the row names for a contact.
pub(super) fn create(
    tx: &mut Writing,
    target: ImportTarget,
    organisation: Option<OrganisationId>,
    values: Value,
) -> Result<Made> {
    match target {
        ImportTarget::Companies => {
            let new = crate::company::add(tx, &shaped(values)?)?;
            Ok((new.id.0, new.version))
        }
        ImportTarget::Actors => {
            let new = crate::actor::add(tx, &shaped(values)?)?;
            Ok((new.id.0, new.version))
        }
        ImportTarget::Contacts => {
            let Some(organisation) = organisation else {
                let message = "is required: name the company or actor of the contact";
                return Err(Error::invalid("/organisation_id", "missing", message));
            };
            let new = crate::contact::add_to(tx, organisation, &shaped(values)?)?;
            Ok((new.id.0, new.version))
        }
        ImportTarget::Consultations => {
            let id = tx.new_id();
            let new = crate::consultation::add(tx, id, &shaped(values)?)?;
            Ok((new.id.0, new.version))
        }
        ImportTarget::Events => {
            let new = crate::event::add(tx, &shaped(values)?)?;
            Ok((new.id.0, new.version))
        }
    }
}

/// A record that a row changed.
pub(super) struct Revised {
    /// The command of the record as it was.
    pub old: Value,
    /// Whether it says the same afterwards.
    pub same: bool,
    pub version: i64,
}

fn revised<I: Serialize>(old: I, new: I, version: i64) -> Result<Revised> {
    let value =
        |input: I| serde_json::to_value(input).map_err(|error| Error::Internal(error.into()));
    let (old, new) = (value(old)?, value(new)?);
    Ok(Revised { same: old == new, old, version })
}

/// `seen` is the version that is changed; the current one unless told.
pub(super) fn revise(
    tx: &mut Writing,
    target: ImportTarget,
    id: Uuid,
    seen: Option<i64>,
    patch: &MergePatch,
) -> Result<Revised> {
    let seen = match seen {
        Some(seen) => seen,
        None => version(tx, target, id)?,
    };
    match target {
        ImportTarget::Companies => {
            let (old, new) = crate::company::change_in(tx, id.into(), seen, patch)?;
            revised(CompanyInput::from(&old), CompanyInput::from(&new), new.version)
        }
        ImportTarget::Actors => {
            let (old, new) = crate::actor::change_in(tx, id.into(), seen, patch)?;
            revised(ActorInput::from(&old), ActorInput::from(&new), new.version)
        }
        ImportTarget::Contacts => {
            let (old, new) = crate::contact::change_in(tx, id.into(), seen, patch)?;
            revised(ContactInput::from(&old), ContactInput::from(&new), new.version)
        }
        ImportTarget::Consultations => {
            let (old, new) = crate::consultation::change_in(tx, id.into(), seen, patch)?;
            revised(ConsultationInput::from(&old), ConsultationInput::from(&new), new.version)
        }
        ImportTarget::Events => {
            let (old, new) = crate::event::change_in(tx, id.into(), seen, patch)?;
            revised(EventInput::from(&old), EventInput::from(&new), new.version)
        }
    }
}

fn version(tx: &mut Writing, target: ImportTarget, id: Uuid) -> Result<i64> {
    let scope = tx.scope();
    match target {
        ImportTarget::Companies => Ok(company::find(tx.conn, id.into())?.version),
        ImportTarget::Actors => Ok(actor::find(tx.conn, id.into())?.version),
        ImportTarget::Contacts => Ok(contact::find(tx.conn, &scope, id.into())?.version),
        ImportTarget::Consultations => {
            Ok(consultation::find(tx.conn, &tx.names, &scope, id.into())?.version)
        }
        ImportTarget::Events => Ok(event::find(tx.conn, &tx.names, &scope, id.into())?.version),
    }
}

/// Whether other records build on one that was created, so that it stays.
pub(super) fn is_in_use(tx: &mut Writing, target: ImportTarget, id: Uuid) -> Result<bool> {
    match target {
        ImportTarget::Companies | ImportTarget::Actors => {
            merge::is_named(tx.conn, OrganisationId(id))
        }
        ImportTarget::Consultations => known::is_consultation_used(tx.conn, id),
        ImportTarget::Events => known::is_event_used(tx.conn, id),
        // Archived they stay where they are named.
        ImportTarget::Contacts => Ok(false),
    }
}

/// Archives or voids a record that was created, and answers its version. Nothing vanishes.
pub(super) fn remove(
    tx: &mut Writing,
    target: ImportTarget,
    id: Uuid,
    seen: i64,
    reason: &ReasonInput,
) -> Result<i64> {
    match target {
        ImportTarget::Companies => {
            Ok(crate::company::archive_in(tx, id.into(), seen, reason)?.version)
        }
        ImportTarget::Actors => Ok(crate::actor::archive_in(tx, id.into(), seen, reason)?.version),
        ImportTarget::Contacts => {
            Ok(crate::contact::archive_in(tx, id.into(), seen, reason)?.version)
        }
        ImportTarget::Consultations => {
            Ok(crate::consultation::void_in(tx, id.into(), seen, reason)?.version)
        }
        ImportTarget::Events => Ok(crate::event::void_in(tx, id.into(), seen, reason)?.version),
    }
}
