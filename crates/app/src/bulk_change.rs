//! Bulk changes: what a person does with one. The job behind it is in `run`; `record` does to one record what is asked
//! for, for the job and for those who look first.

use lotse_domain::audit::{HistoryEntry, Subject};
use lotse_domain::bulk_change::{
    BulkChange, BulkChangeFilter, BulkChangeInput, BulkDryRun, BulkOrderInput, BulkRow,
    BulkRowFilter, KnownForOrder,
};
use lotse_domain::entity::{Reference, check_version};
use lotse_domain::id::BulkChangeId;
use lotse_domain::job::{Job, JobKind};
use lotse_domain::page::{After, Page, Paging};
use lotse_domain::policy::Action;
use lotse_domain::tag::MAX_TAGS;
use lotse_domain::{Error, Result};
use lotse_persistence::bulk_change::row;
use lotse_persistence::{audit, bulk_change, tag, user};

use crate::{App, Caller, Reading, Writing};

mod record;
pub(crate) mod run;
mod select;

/// How many records are changed in one transaction. Others who write wait for it.
const BATCH: i64 = 100;

/// Those of the own carrier, the latest first.
///
/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &BulkChangeFilter,
    paging: &Paging,
) -> Result<Page<BulkChange>> {
    app.read(caller, Action::ReadBulkChanges, |tx| {
        let scope = tx.scope();
        bulk_change::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: BulkChangeId) -> Result<BulkChange> {
    app.read(caller, Action::ReadBulkChanges, |tx| found(tx, id))
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: BulkChangeId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadBulkChanges, |tx| {
        found(tx, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

fn found(tx: &mut Reading, id: BulkChangeId) -> Result<BulkChange> {
    let scope = tx.scope();
    let found = bulk_change::find(tx.conn, &tx.names, &scope, id)?;
    tx.about(Subject::of(&found));
    Ok(found)
}

/// Writes down which records are to be changed, with the versions that they have. Nothing is changed yet.
///
/// # Errors
/// `Invalid` with everything that is wrong; `Forbidden` for who may not do the same to one such record.
pub fn create(app: &App, caller: &Caller, input: &BulkChangeInput) -> Result<BulkChange> {
    app.write(caller, Action::ChangeBulkChanges, |tx| {
        input.target.check_may(input.change.kind, &tx.actor)?;
        let (selection, order) = input.checked(&known(tx, &input.change)?)?;
        let records = select::records(tx, input.target, &selection)?;
        let selected =
            i64::try_from(records.len()).map_err(|error| Error::Internal(error.into()))?;
        let carrier = tx.actor.own_carrier()?;
        let whose = (Reference::new(carrier.id, &carrier.name), tx.actor.reference());
        let new = BulkChange::new(tx.new_id(), tx.now, input, order, selected, whose);
        bulk_change::insert(tx.conn, &new, &records)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// What a change names, as far as it exists for the caller.
fn known(tx: &mut Writing, input: &BulkOrderInput) -> Result<KnownForOrder> {
    let (scope, carrier, today) = (tx.scope(), tx.actor.own_carrier()?.id, tx.today());
    // As many as the rules look at.
    let named: Vec<_> = input
        .add
        .iter()
        .take(MAX_TAGS)
        .chain(input.remove.iter().take(MAX_TAGS))
        .copied()
        .collect();
    let tags = tag::with_ids(tx.conn, &tx.names, &scope, &named)?;
    let owner = match input.owner_id {
        Some(id) => !user::available_on(tx.conn, &[id], carrier, today)?.is_empty(),
        None => false,
    };
    Ok(KnownForOrder { tags, owner })
}

/// What would come of the records that nothing came of yet, in the order of the selection.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Forbidden` for who may not do the same to one such record.
pub fn preview(
    app: &App,
    caller: &Caller,
    id: BulkChangeId,
    paging: &Paging,
) -> Result<Page<BulkRow>> {
    let bulk = get(app, caller, id)?;
    let after = paging.after.as_ref().map(After::parse::<i64>).transpose()?;
    let rows = rehearsed(app, caller, &bulk, after.unwrap_or(0), paging.fetch())?;
    paging.page(rows, None, |row: &BulkRow| (row.number.to_string(), id.0))
}

/// What would come of all records that nothing came of yet.
///
/// # Errors
/// As [`preview`]; `TimedOut` when nobody waits for the answer any more.
pub fn dry_run(app: &App, caller: &Caller, id: BulkChangeId) -> Result<BulkDryRun> {
    let bulk = get(app, caller, id)?;
    let mut told = BulkDryRun::default();
    let mut after = 0;
    loop {
        if app.database.is_given_up() {
            return Err(Error::TimedOut);
        }
        let rows = rehearsed(app, caller, &bulk, after, BATCH)?;
        let Some(last) = rows.last() else { return Ok(told) };
        after = last.number;
        for row in &rows {
            told.add(row);
        }
    }
}

/// Changes each of the next records as the job would and takes it back at once: so the verdict is that of the rules
/// themselves, and of the database.
fn rehearsed(
    app: &App,
    caller: &Caller,
    bulk: &BulkChange,
    after: i64,
    most: i64,
) -> Result<Vec<BulkRow>> {
    app.write(caller, Action::ReadBulkChanges, |tx| {
        bulk.check_may(&tx.actor)?;
        let mut rows = row::waiting(tx.conn, bulk.id, after, most)?;
        for row in &mut rows {
            let (outcome, errors) = record::attempt(tx, bulk, row, false)?;
            row.outcome = Some(outcome);
            row.errors = errors;
        }
        Ok(rows)
    })
}

/// Queues the job that does it.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`; `Conflict` when it was started already; `Forbidden` for who may
/// not do the same to one such record.
pub fn start(app: &App, caller: &Caller, id: BulkChangeId, seen: i64) -> Result<Job> {
    app.write(caller, Action::ChangeBulkChanges, |tx| {
        let scope = tx.scope();
        let old = bulk_change::find(tx.conn, &tx.names, &scope, id)?;
        check_version(&old, seen)?;
        old.check_may(&tx.actor)?;
        let queued = crate::job::queue(tx, JobKind::Bulk, id.0)?;
        let new = old.started(tx.now, queued.id)?;
        bulk_change::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(queued)
    })
}

/// Whether the caller may have a job that stopped go on.
pub(crate) fn check_may_go_on(tx: &mut Writing, job: &Job) -> Result<()> {
    let scope = tx.scope();
    let id = BulkChangeId(job.subject_id);
    bulk_change::find(tx.conn, &tx.names, &scope, id)?.check_may(&tx.actor)
}

/// The records, and what came of them, in the order of the selection.
///
/// # Errors
/// `NotFound`, also for another carrier's.
pub fn rows(
    app: &App,
    caller: &Caller,
    id: BulkChangeId,
    filter: &BulkRowFilter,
    paging: &Paging,
) -> Result<Page<BulkRow>> {
    app.read(caller, Action::ReadBulkChanges, |tx| {
        found(tx, id)?;
        row::list(tx.conn, id, filter, paging)
    })
}
