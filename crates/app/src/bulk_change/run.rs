//! The job that changes the records, batch by batch. What came of a record is committed with what was done to it, so a
//! job that was interrupted goes on with those that nothing came of yet.

use lotse_domain::Result;
use lotse_domain::bulk_change::{BulkChange, BulkCounts};
use lotse_domain::id::BulkChangeId;
use lotse_domain::policy::Action;
use lotse_persistence::bulk_change;
use lotse_persistence::bulk_change::row;

use super::{BATCH, record};
use crate::job::{Halt, Running};
use crate::{App, Writing};

pub(crate) fn work(app: &App, job: &Running) -> Result<Halt> {
    let caller = job.caller();
    let id = BulkChangeId(job.subject);
    let (bulk, mut done) = app.read_whole(&caller, Action::ReadBulkChanges, |tx| {
        let scope = tx.scope();
        let bulk = bulk_change::find(tx.conn, &tx.names, &scope, id)?;
        Ok((bulk, row::count_done(tx.conn, id)?))
    })?;
    loop {
        if job.is_stopping() {
            return Ok(Halt::Stopped);
        }
        let piece = app.write(&caller, Action::ChangeBulkChanges, |tx| {
            bulk.check_may(&tx.actor)?;
            let rows = row::waiting(tx.conn, id, 0, BATCH)?;
            let taken = i64::try_from(rows.len()).unwrap_or_default();
            if job.advance(tx, done + taken, bulk.selected)? {
                return Ok(None);
            }
            let mut counts = BulkCounts::default();
            for row in &rows {
                let (outcome, errors) = record::attempt(tx, &bulk, row, true)?;
                row::set_outcome(tx.conn, id, row.number, outcome, &errors)?;
                counts.add(outcome);
            }
            bulk_change::add_counts(tx.conn, id, &counts)?;
            if rows.is_empty() {
                finish(tx, job, &bulk)?;
            }
            Ok(Some(taken))
        })?;
        match piece {
            None => return Ok(Halt::Cancelled),
            Some(0) => return Ok(Halt::Done),
            Some(taken) => done += taken,
        }
    }
}

fn finish(tx: &mut Writing, job: &Running, bulk: &BulkChange) -> Result<()> {
    let scope = tx.scope();
    let old = bulk_change::find(tx.conn, &tx.names, &scope, bulk.id)?;
    job.end(tx)?;
    let new = old.done(tx.now);
    bulk_change::update(tx.conn, &new)?;
    tx.changed(&old, &new)
}
