//! The job that takes an import back, the last row first. A record that somebody changed since keeps what it says.

use lotse_domain::audit::AuditAction;
use lotse_domain::company::CompanyInput;
use lotse_domain::id::{CompanyId, ImportId};
use lotse_domain::import::{Import, ImportUndoOutcome};
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::import::company::is_in_use;
use lotse_persistence::import::row::{self, ToUndo};
use lotse_persistence::{company, import};

use super::plan::BATCH;
use crate::district::named_district;
use crate::job::{Halt, Running};
use crate::{App, Writing};

pub(crate) fn work(app: &App, job: &Running) -> Result<Halt> {
    let caller = job.caller();
    let id = ImportId(job.subject);
    let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let (import, total) = app.read_whole(&caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        let import = import::find(tx.conn, &tx.names, &scope, id)?;
        Ok((import, row::count_to_undo(tx.conn, id)?))
    })?;
    let mut done = 0;
    loop {
        if job.is_stopping() {
            return Ok(Halt::Stopped);
        }
        let piece = app.write(&caller, Action::ChangeImports, |tx| {
            tx.actor.may(Action::ChangeRegister)?;
            let rows = row::to_undo(tx.conn, id, most)?;
            let undone = i64::try_from(rows.len()).unwrap_or_default();
            if job.advance(tx, done + undone, total)? {
                return Ok(None);
            }
            for row in &rows {
                let (outcome, version) = take_back(tx, &import, row)?;
                row::set_undone(tx.conn, id, row, outcome, version)?;
            }
            if rows.is_empty() {
                finish(tx, job, id)?;
            }
            Ok(Some(undone))
        })?;
        match piece {
            None => return Ok(Halt::Cancelled),
            Some(0) => return Ok(Halt::Done),
            Some(undone) => done += undone,
        }
    }
}

fn finish(tx: &mut Writing, job: &Running, id: ImportId) -> Result<()> {
    let scope = tx.scope();
    let old = import::find(tx.conn, &tx.names, &scope, id)?;
    job.end(tx)?;
    let new = old.undone(tx.now);
    import::update(tx.conn, &new)?;
    tx.changed(&old.without_samples(), &new.without_samples())
}

/// Answers the version of the record too, where it was taken back.
fn take_back(
    tx: &mut Writing,
    import: &Import,
    row: &ToUndo,
) -> Result<(ImportUndoOutcome, Option<i64>)> {
    let id = CompanyId(row.record_id);
    let current = match company::find(tx.conn, id) {
        Ok(current) => current,
        // It went into another company, which has all that it said.
        Err(Error::NotFound(_) | Error::Merged { .. }) => {
            return Ok((ImportUndoOutcome::Refused, None));
        }
        Err(error) => return Err(error),
    };
    if current.version != row.record_version {
        return Ok((ImportUndoOutcome::ChangedSince, None));
    }
    let (action, taken_back) = match &row.old {
        Some(old) => {
            let input: CompanyInput = serde_json::from_value(old.clone())
                .map_err(|error| Error::Internal(error.into()))?;
            let back = named_district(tx.conn, "/district_id", input.district_id)
                .and_then(|district| current.changed(tx.now, &input, district));
            (AuditAction::Changed, back)
        }
        None if is_in_use(tx.conn, id)? => return Ok((ImportUndoOutcome::InUse, None)),
        None => {
            let reason = format!("Taken back: import of {}", import.name);
            (AuditAction::Archived, current.archived(tx.now, reason))
        }
    };
    let new = match taken_back {
        Ok(new) => new,
        // A rule that came since, or it is archived.
        Err(Error::Invalid(_) | Error::Conflict { .. }) => {
            return Ok((ImportUndoOutcome::Refused, None));
        }
        Err(error) => return Err(error),
    };
    company::update(tx.conn, &new)?;
    tx.audit(action, Some(&current), &new)?;
    Ok((ImportUndoOutcome::TakenBack, Some(new.version)))
}
