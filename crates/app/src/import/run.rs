//! The job that imports a file, batch by batch. What came of a row is committed with what was done for it, so a job
//! that was interrupted goes on behind the last row that something came of.

use lotse_domain::Result;
use lotse_domain::id::ImportId;
use lotse_domain::import::file::{self, Row};
use lotse_domain::import::{ImportCounts, ImportOutcome, ImportRow};
use lotse_domain::policy::Action;
use lotse_persistence::import;
use lotse_persistence::import::row::{self, Kept};

use super::plan::{BATCH, Came, Plan, batches};
use crate::job::{Halt, Running};
use crate::{App, Writing};

pub(crate) fn work(app: &App, job: &Running) -> Result<Halt> {
    let caller = job.caller();
    let id = ImportId(job.subject);
    let (import, bytes, last, mut done) = app.read_whole(&caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        let import = import::find(tx.conn, &tx.names, &scope, id)?;
        let bytes = import::content(tx.conn, &import)?;
        let (last, done) = row::progress(tx.conn, id)?;
        Ok((import, bytes, last, done))
    })?;
    let read = || file::read(&bytes, import.format, &import.settings.form);
    // All of it is read before anything is done: a file that is broken further below is refused as a whole.
    let mut total = 0_i64;
    for row in read()?.rows {
        row?;
        total += 1;
    }
    let table = read()?;
    let header = table.header;
    let rows = table.rows.filter(|row| !matches!(row, Ok(row) if row.number <= last));
    for rows in batches(rows, BATCH) {
        let rows = rows?;
        if job.is_stopping() {
            return Ok(Halt::Stopped);
        }
        done += i64::try_from(rows.len()).unwrap_or_default();
        let cancelled = app.write(&caller, Action::ChangeImports, |tx| {
            if job.advance(tx, done, total)? {
                return Ok(true);
            }
            let plan = Plan::new(tx, &import, &header)?;
            let came = plan.carry_out(tx, &rows)?;
            keep(tx, id, &rows, came)?;
            Ok(false)
        })?;
        if cancelled {
            return Ok(Halt::Cancelled);
        }
    }
    app.write(&caller, Action::ChangeImports, |tx| {
        let scope = tx.scope();
        let old = import::find(tx.conn, &tx.names, &scope, id)?;
        job.end(tx)?;
        let new = old.done(tx.now);
        import::update(tx.conn, &new)?;
        tx.changed(&old.without_samples(), &new.without_samples())
    })?;
    Ok(Halt::Done)
}

fn keep(tx: &mut Writing, id: ImportId, rows: &[Row], came: Vec<Came>) -> Result<()> {
    let mut counts = ImportCounts::default();
    let mut kept = Vec::with_capacity(rows.len());
    for (came, row) in came.into_iter().zip(rows) {
        counts.add(came.outcome);
        let cells = || row.cells.iter().map(|cell| cell.text.clone()).collect();
        kept.push(Kept {
            cells: (came.outcome == ImportOutcome::Refused).then(cells),
            old: came.old,
            row: ImportRow {
                number: row.number,
                outcome: came.outcome,
                record_id: came.record_id,
                record_version: came.version,
                errors: came.errors,
                undone: None,
            },
        });
    }
    row::insert_all(tx.conn, id, kept)?;
    import::add_counts(tx.conn, id, &counts)
}
