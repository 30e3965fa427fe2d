//! The job that imports a file, batch by batch. What came of a row is committed with what was done for it, so a job
//! that was interrupted goes on behind the last row that something came of.

use lotse_domain::audit::AuditAction;
use lotse_domain::company::{Company, CompanyInput};
use lotse_domain::id::ImportId;
use lotse_domain::import::company::Step;
use lotse_domain::import::file::{self, Row};
use lotse_domain::import::{ImportCounts, ImportRow};
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::import::row::{self, Kept};
use lotse_persistence::{company, import};

use super::plan::{BATCH, Plan, batches};
use crate::job::{Halt, Running};
use crate::{App, Writing, district_gap};

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
            tx.actor.may(Action::ChangeRegister)?;
            if job.advance(tx, done, total)? {
                return Ok(true);
            }
            let plan = Plan::new(tx.conn, &import, &header)?;
            let steps = plan.rows(tx.conn, tx.now, &rows, &mut || app.new_id())?;
            apply(tx, id, &rows, steps)?;
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

fn apply(tx: &mut Writing, id: ImportId, rows: &[Row], steps: Vec<Step>) -> Result<()> {
    let mut counts = ImportCounts::default();
    let mut kept = Vec::with_capacity(rows.len());
    let mut audited: Vec<(AuditAction, Option<Company>, Company)> = Vec::new();
    for (step, row) in steps.into_iter().zip(rows) {
        let outcome = step.outcome();
        counts.add(outcome);
        let mut result = Kept {
            row: ImportRow {
                number: row.number,
                outcome,
                record_id: None,
                record_version: None,
                errors: Vec::new(),
                undone: None,
            },
            old: None,
            cells: None,
        };
        match step {
            Step::Create(new) => {
                company::insert(tx.conn, &new)?;
                result.row.record_id = Some(new.id.0);
                result.row.record_version = Some(new.version);
                audited.push((AuditAction::Created, None, *new));
            }
            Step::Update { old, new } => {
                company::update(tx.conn, &new)?;
                if old.district.is_none() && new.district.is_some() {
                    district_gap::close(tx, new.id.into(), new.district.as_ref())?;
                }
                result.row.record_id = Some(new.id.0);
                result.row.record_version = Some(new.version);
                let before = serde_json::to_value(CompanyInput::from(&*old))
                    .map_err(|error| Error::Internal(error.into()))?;
                result.old = Some(before);
                audited.push((AuditAction::Changed, Some(*old), *new));
            }
            Step::Unchanged(record) => result.row.record_id = Some(record.0),
            Step::Skip(record) => result.row.record_id = record.map(|record| record.0),
            Step::Refuse(errors) => {
                result.row.errors = errors;
                result.cells = Some(row.cells.iter().map(|cell| cell.text.clone()).collect());
            }
        }
        kept.push(result);
    }
    tx.audit_all(audited.iter().map(|(action, old, new)| (*action, old.as_ref(), new)))?;
    row::insert_all(tx.conn, id, kept)?;
    import::add_counts(tx.conn, id, &counts)
}
