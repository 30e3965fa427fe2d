use lotse_domain::Result;
use lotse_domain::audit::{AuditAction, FieldChange, HistoryEntry, Subject};
use lotse_domain::check::Checks;
use lotse_domain::entity::{ReasonInput, Reference, check_version};
use lotse_domain::id::{ConsultationId, OrganisationId, TagId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::tag::{
    MAX_TAGS, Tag, TagFilter, TagInput, TagReference, Tags, TagsInput, checked_tags,
};
use lotse_persistence::{audit, consultation, organisation, tag};
use serde_json::json;

use crate::{App, Caller, Writing};

/// # Errors
/// What the policy says.
pub fn list(app: &App, caller: &Caller, filter: &TagFilter, paging: &Paging) -> Result<Page<Tag>> {
    app.read(caller, Action::ReadTags, |tx| {
        let scope = tx.scope();
        tag::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: TagId) -> Result<Tag> {
    app.read(caller, Action::ReadTags, |tx| {
        let scope = tx.scope();
        tag::find(tx.conn, &tx.names, &scope, id)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: TagId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadTags, |tx| {
        let scope = tx.scope();
        tag::find(tx.conn, &tx.names, &scope, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the name is taken.
pub fn create(app: &App, caller: &Caller, input: &TagInput) -> Result<Tag> {
    app.write(caller, Action::ChangeTags, |tx| {
        let carrier = tx.actor.own_carrier()?;
        let carrier = Reference::new(carrier.id, &carrier.name);
        let new = Tag::new(tx.new_id(), tx.now, input, carrier)?;
        tag::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is archived or the
/// name is taken.
pub fn change(app: &App, caller: &Caller, id: TagId, seen: i64, patch: &MergePatch) -> Result<Tag> {
    app.write(caller, Action::ChangeTags, |tx| {
        let scope = tx.scope();
        let old = tag::find(tx.conn, &tx.names, &scope, id)?;
        check_version(&old, seen)?;
        let new = old.changed(tx.now, &patch.apply(&TagInput::from(&old))?)?;
        tag::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is archived already.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: TagId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Tag> {
    app.write(caller, Action::ChangeTags, |tx| {
        let scope = tx.scope();
        let old = tag::find(tx.conn, &tx.names, &scope, id)?;
        check_version(&old, seen)?;
        let new = old.archived(tx.now, input.checked()?)?;
        tag::update(tx.conn, &new)?;
        tx.audit(AuditAction::Archived, Some(&old), &new)?;
        Ok(new)
    })
}

/// The own carrier's tags of a company or actor.
///
/// # Errors
/// `NotFound` when there is no such company or actor.
pub fn of_organisation(
    app: &App,
    caller: &Caller,
    kind: OrganisationKind,
    id: OrganisationId,
) -> Result<Tags> {
    app.read(caller, Action::ReadTags, |tx| {
        organisation::reference_of(tx.conn, id, kind)?;
        let scope = tx.scope();
        Ok(Tags { tags: tag::of_organisation(tx.conn, &scope, id)? })
    })
}

/// Replaces the own carrier's tags of a company or actor. Archived ones can be tagged too: that changes
/// nothing of the record itself.
///
/// # Errors
/// `NotFound` when there is no such company or actor; `Invalid`.
pub fn set_of_organisation(
    app: &App,
    caller: &Caller,
    kind: OrganisationKind,
    id: OrganisationId,
    input: &TagsInput,
) -> Result<Tags> {
    app.write(caller, Action::ChangeTags, |tx| {
        let (_, tags) = tag_organisation(tx, kind, id, |_| input.clone())?;
        Ok(Tags { tags })
    })
}

/// `wanted` tells the tags that it is to have after those that it has. Answers both.
///
/// # Errors
/// As [`set_of_organisation`].
pub(crate) fn tag_organisation(
    tx: &mut Writing,
    kind: OrganisationKind,
    id: OrganisationId,
    wanted: impl FnOnce(&[TagReference]) -> TagsInput,
) -> Result<(Vec<TagReference>, Vec<TagReference>)> {
    organisation::reference_of(tx.conn, id, kind)?;
    tag::hold_organisation(tx.conn, id)?;
    // It may have been merged before it was held.
    organisation::reference_of(tx.conn, id, kind)?;
    let (scope, carrier) = (tx.scope(), tx.actor.own_carrier()?.id);
    let before = tag::of_organisation(tx.conn, &scope, id)?;
    let tags = named(tx, &wanted(&before), &before)?;
    if tags != before {
        tag::set_of_organisation(tx.conn, &scope, id, &tags)?;
        // Of the carrier and without a version: the organisation's history, which the network
        // shares, says nothing of it.
        let subject = Subject { kind: kind.into(), id: id.0, carrier: Some(carrier) };
        tx.note_changes(AuditAction::Tagged, subject, None, vec![change_of(&before, &tags)]);
    }
    Ok((before, tags))
}

/// The tags of a consultation.
///
/// # Errors
/// `NotFound`, also for another carrier's.
pub fn of_consultation(app: &App, caller: &Caller, id: ConsultationId) -> Result<Tags> {
    app.read(caller, Action::ReadTags, |tx| {
        let scope = tx.scope();
        consultation::find(tx.conn, &tx.names, &scope, id)?;
        Ok(Tags { tags: tag::of_consultation(tx.conn, &scope, id)? })
    })
}

/// Replaces the tags of a consultation. Everybody of the carrier sorts by them, so whose it is does not
/// matter, nor whether it is voided or its funding period closed: the record itself does not change.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Invalid`.
pub fn set_of_consultation(
    app: &App,
    caller: &Caller,
    id: ConsultationId,
    input: &TagsInput,
) -> Result<Tags> {
    app.write(caller, Action::ChangeTags, |tx| {
        let (_, tags) = tag_consultation(tx, id, |_| input.clone())?;
        Ok(Tags { tags })
    })
}

/// As [`tag_organisation`].
///
/// # Errors
/// As [`set_of_consultation`].
pub(crate) fn tag_consultation(
    tx: &mut Writing,
    id: ConsultationId,
    wanted: impl FnOnce(&[TagReference]) -> TagsInput,
) -> Result<(Vec<TagReference>, Vec<TagReference>)> {
    let scope = tx.scope();
    let found = consultation::hold(tx.conn, &tx.names, &scope, id)?;
    let before = tag::of_consultation(tx.conn, &scope, id)?;
    let tags = named(tx, &wanted(&before), &before)?;
    if tags != before {
        tag::set_of_consultation(tx.conn, &scope, id, &tags)?;
        let subject = Subject::of(&found);
        tx.note_changes(AuditAction::Tagged, subject, None, vec![change_of(&before, &tags)]);
    }
    Ok((before, tags))
}

/// The tags that an input names. Those before are not looked at again.
fn named(
    tx: &mut Writing,
    input: &TagsInput,
    before: &[TagReference],
) -> Result<Vec<TagReference>> {
    let scope = tx.scope();
    // As many as the rules look at.
    let named = input.tag_ids.get(..MAX_TAGS).unwrap_or(&input.tag_ids);
    let known = tag::with_ids(tx.conn, &tx.names, &scope, named)?;
    let mut checks = Checks::new();
    let tags = checked_tags(&mut checks, &input.tag_ids, &known, before);
    checks.finish()?;
    Ok(tags)
}

fn change_of(before: &[TagReference], tags: &[TagReference]) -> FieldChange {
    FieldChange { field: "tags".to_owned(), old: references(before), new: references(tags) }
}

fn references(tags: &[TagReference]) -> serde_json::Value {
    tags.iter().map(|tag| json!({"id": tag.id, "name": tag.name})).collect()
}
