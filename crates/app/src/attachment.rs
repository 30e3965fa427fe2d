//! What the database says of attachments. Their bytes are moved by `lotse-http`, which is asynchronous:
//! no transaction waits for a network or a disk.

use chrono::{DateTime, Utc};
use lotse_domain::attachment::{
    AttachedTo, Attachment, AttachmentFilter, AttachmentInput, ReceivedFile,
};
use lotse_domain::audit::{AuditAction, HistoryEntry, Subject};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::AttachmentId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::attachment::{self, Expected};
use lotse_persistence::audit;
use uuid::Uuid;

use crate::{App, Caller, Writing};

/// Those of a consultation or event, in the order in which they came.
///
/// # Errors
/// `NotFound` when there is no such record, also for another carrier's.
pub fn list(
    app: &App,
    caller: &Caller,
    to: AttachedTo,
    filter: &AttachmentFilter,
    paging: &Paging,
) -> Result<Page<Attachment>> {
    app.read(caller, Action::ReadAttachments, |tx| {
        let scope = tx.scope();
        let record = attachment::record(tx.conn, &tx.names, &scope, to)?;
        let carrier = Some(record.carrier.id.into());
        tx.about(Subject { kind: to.kind.into(), id: to.id, carrier });
        attachment::list(tx.conn, &tx.names, to, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: AttachmentId) -> Result<Attachment> {
    app.read(caller, Action::ReadAttachments, |tx| {
        let scope = tx.scope();
        let found = attachment::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found)
    })
}

/// The attachment, if it has its content.
///
/// # Errors
/// `NotFound`, also for another carrier's and for one that is voided.
pub fn get_with_content(app: &App, caller: &Caller, id: AttachmentId) -> Result<Attachment> {
    app.read(caller, Action::ReadAttachments, |tx| {
        let scope = tx.scope();
        let found = attachment::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        if found.voided.is_some() { Err(Error::NotFound("content any more")) } else { Ok(found) }
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: AttachmentId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadAttachments, |tx| {
        let scope = tx.scope();
        let found = attachment::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// Whether the caller may attach something, before it is sent. [`add`] looks again.
///
/// # Errors
/// As [`add`]. With an `Idempotency-Key` not for what may have come of the first request: that the record
/// has as many as it can have is no reason to refuse the last one a second time.
pub fn check_may_add(app: &App, caller: &Caller, to: AttachedTo) -> Result<()> {
    app.read(caller, Action::ChangeAttachments, |tx| {
        let scope = tx.scope();
        let record = attachment::record(tx.conn, &tx.names, &scope, to)?;
        match caller.idempotency {
            Some(_) => record.check_may_change(&tx.actor),
            None => record.check_takes_another(&tx.actor),
        }
    })
}

/// Adds a file that is in the store already, under its id.
///
/// # Errors
/// `NotFound` when there is no such record, also for another carrier's; `Forbidden` for colleagues who
/// were not part of it; `Conflict` when it is voided or has as many as it can have.
pub fn add(app: &App, caller: &Caller, to: AttachedTo, file: &ReceivedFile) -> Result<Attachment> {
    app.write(caller, Action::ChangeAttachments, |tx| {
        let scope = tx.scope();
        attachment::record(tx.conn, &tx.names, &scope, to)?;
        attachment::hold_record(tx.conn, to)?;
        let record = attachment::record(tx.conn, &tx.names, &scope, to)?;
        let new = Attachment::new(tx.now, &tx.actor, &record, file)?;
        attachment::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// Gives it another name.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues who were not
/// part of the record; `Conflict` when it or its record is voided.
pub fn rename(
    app: &App,
    caller: &Caller,
    id: AttachmentId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Attachment> {
    app.write(caller, Action::ChangeAttachments, |tx| {
        let old = seen_as(tx, id, seen)?;
        let scope = tx.scope();
        let record = attachment::record(tx.conn, &tx.names, &scope, old.record)?;
        record.check_may_change(&tx.actor)?;
        let new = old.renamed(tx.now, &record, &patch.apply(&AttachmentInput::from(&old))?)?;
        attachment::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// Takes an attachment back. What it was stays readable; who calls this removes its content.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues who were not
/// part of the record; `Conflict` when it is voided already.
pub fn void(
    app: &App,
    caller: &Caller,
    id: AttachmentId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Attachment> {
    app.write(caller, Action::ChangeAttachments, |tx| {
        let old = seen_as(tx, id, seen)?;
        let scope = tx.scope();
        attachment::record(tx.conn, &tx.names, &scope, old.record)?.check_may_change(&tx.actor)?;
        let new = old.voided(tx.now, &tx.actor, input.checked()?)?;
        attachment::update(tx.conn, &new)?;
        tx.audit(AuditAction::Voided, Some(&old), &new)?;
        Ok(new)
    })
}

fn seen_as(tx: &mut Writing, id: AttachmentId, seen: i64) -> Result<Attachment> {
    let scope = tx.scope();
    let old = attachment::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

/// What the store is to hold under these ids; nothing under those that are left out. For the operator
/// and for housekeeping.
///
/// # Errors
/// When the database cannot be read.
pub fn expected_of(app: &App, ids: &[AttachmentId]) -> Result<Vec<Expected>> {
    app.database.read(|conn| attachment::expected_of(conn, ids))
}

/// Those that were voided since an instant. For housekeeping.
///
/// # Errors
/// When the database cannot be read.
pub fn voided_since(app: &App, since: DateTime<Utc>) -> Result<Vec<AttachmentId>> {
    app.database.read(|conn| attachment::voided_since(conn, since))
}

/// The next of all attachments after an id, none when there are no more. For the operator.
///
/// # Errors
/// When the database cannot be read.
pub fn expected_after(app: &App, after: Option<AttachmentId>) -> Result<Vec<Expected>> {
    const MOST: i64 = 1000;
    let after = after.unwrap_or(AttachmentId(Uuid::nil()));
    app.database.read(|conn| attachment::expected_after(conn, after, MOST))
}
