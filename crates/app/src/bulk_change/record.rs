//! What a bulk change does to one record: the same as the operation of one record does, by the same function.

use lotse_domain::actor::ActorInput;
use lotse_domain::bulk_change::{
    BulkChange, BulkOrder, BulkOutcome, BulkRow, BulkTarget, adjusted_tags, outcome_of,
};
use lotse_domain::company::CompanyInput;
use lotse_domain::consultation::ConsultationInput;
use lotse_domain::contact::ContactInput;
use lotse_domain::entity::ReasonInput;
use lotse_domain::error::Violation;
use lotse_domain::id::TagId;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::patch::MergePatch;
use lotse_domain::referral::ReferralInput;
use lotse_domain::tag::TagReference;
use lotse_domain::task::TaskInput;
use lotse_domain::{Error, Result};
use lotse_persistence::bulk_change::with_versions;
use serde::Serialize;
use uuid::Uuid;

use crate::{Writing, actor, company, consultation, contact, referral, tag, task};

/// Changes a record, or tells what would come of it: then all is taken back.
///
/// # Errors
/// What says nothing of the record.
pub(super) fn attempt(
    tx: &mut Writing,
    bulk: &BulkChange,
    row: &BulkRow,
    keep: bool,
) -> Result<(BulkOutcome, Vec<Violation>)> {
    let Some(seen) = row.record_version else { return Ok((BulkOutcome::NotFound, Vec::new())) };
    // A record that says all of it already gets no other version.
    let done = tx.part(
        |tx| change(tx, bulk.target, &bulk.change, row.record_id, seen),
        |changed| keep && *changed,
    );
    outcome_of(done)
}

/// Answers whether it changed something.
fn change(
    tx: &mut Writing,
    target: BulkTarget,
    order: &BulkOrder,
    id: Uuid,
    seen: i64,
) -> Result<bool> {
    match order {
        BulkOrder::Update { patch } => update(tx, target, id, seen, patch),
        BulkOrder::Assign { owner_id } => {
            let patch = MergePatch::of_field("owner_id", owner_id.to_string());
            update(tx, target, id, seen, &patch)
        }
        BulkOrder::Tag { add, remove } => retag(tx, target, id, seen, (add, remove)),
        BulkOrder::Archive { reason } => archive(tx, target, id, seen, reason),
    }
}

fn update(
    tx: &mut Writing,
    target: BulkTarget,
    id: Uuid,
    seen: i64,
    patch: &MergePatch,
) -> Result<bool> {
    match target {
        BulkTarget::Companies => {
            let (old, new) = company::change_in(tx, id.into(), seen, patch)?;
            differ(&CompanyInput::from(&old), &CompanyInput::from(&new))
        }
        BulkTarget::Actors => {
            let (old, new) = actor::change_in(tx, id.into(), seen, patch)?;
            differ(&ActorInput::from(&old), &ActorInput::from(&new))
        }
        BulkTarget::Contacts => {
            let (old, new) = contact::change_in(tx, id.into(), seen, patch)?;
            differ(&ContactInput::from(&old), &ContactInput::from(&new))
        }
        BulkTarget::Consultations => {
            let (old, new) = consultation::change_in(tx, id.into(), seen, patch)?;
            differ(&ConsultationInput::from(&old), &ConsultationInput::from(&new))
        }
        BulkTarget::Tasks => {
            let (old, new) = task::change_in(tx, id.into(), seen, patch)?;
            differ(&TaskInput::from(&old), &TaskInput::from(&new))
        }
        BulkTarget::Referrals => {
            let (old, new) = referral::change_in(tx, id.into(), seen, patch)?;
            differ(&ReferralInput::from(&old), &ReferralInput::from(&new))
        }
    }
}

/// By what can be told of a record: what is derived follows from it.
fn differ<C: Serialize>(old: &C, new: &C) -> Result<bool> {
    let json =
        |input: &C| serde_json::to_value(input).map_err(|error| Error::Internal(error.into()));
    Ok(json(old)? != json(new)?)
}

fn retag(
    tx: &mut Writing,
    target: BulkTarget,
    id: Uuid,
    seen: i64,
    (add, remove): (&[TagId], &[TagId]),
) -> Result<bool> {
    let wanted = |before: &[TagReference]| adjusted_tags(before, add, remove);
    let (before, tags) = match target {
        BulkTarget::Companies => {
            tag::tag_organisation(tx, OrganisationKind::Company, id.into(), wanted)?
        }
        BulkTarget::Actors => {
            tag::tag_organisation(tx, OrganisationKind::Actor, id.into(), wanted)?
        }
        BulkTarget::Consultations => tag::tag_consultation(tx, id.into(), wanted)?,
        BulkTarget::Contacts | BulkTarget::Tasks | BulkTarget::Referrals => {
            return Err(Error::internal("records without tags are to be tagged"));
        }
    };
    // Tags have no version, so nobody compared that of the record, which is held by now.
    let scope = tx.scope();
    let current = with_versions(tx.conn, &scope, target, &[id])?;
    match current.first().and_then(|record| record.version) {
        Some(current) if current != seen => Err(Error::Stale { current }),
        _ => Ok(before != tags),
    }
}

fn archive(
    tx: &mut Writing,
    target: BulkTarget,
    id: Uuid,
    seen: i64,
    reason: &str,
) -> Result<bool> {
    let input = ReasonInput { reason: reason.to_owned() };
    match target {
        BulkTarget::Companies => company::archive_in(tx, id.into(), seen, &input).map(drop)?,
        BulkTarget::Actors => actor::archive_in(tx, id.into(), seen, &input).map(drop)?,
        BulkTarget::Contacts => contact::archive_in(tx, id.into(), seen, &input).map(drop)?,
        BulkTarget::Consultations | BulkTarget::Tasks | BulkTarget::Referrals => {
            return Err(Error::internal("records that are not archived are to be"));
        }
    }
    Ok(true)
}
