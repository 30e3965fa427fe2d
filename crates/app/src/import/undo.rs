//! The job that takes an import back, the last row first. A record that somebody changed since keeps what it says.

use lotse_domain::entity::ReasonInput;
use lotse_domain::id::ImportId;
use lotse_domain::import::{Import, ImportUndoOutcome};
use lotse_domain::patch::shaped;
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::import;
use lotse_persistence::import::row::{self, ToUndo};
use uuid::Uuid;

use super::plan::BATCH;
use super::target::{self, check_may};
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
            check_may(&tx.actor, import.target)?;
            let mut rows = row::to_undo(tx.conn, id, most)?;
            let undone = i64::try_from(rows.len()).unwrap_or_default();
            if job.advance(tx, done + undone, total)? {
                return Ok(None);
            }
            let mut left = rows.as_mut_slice();
            while let Some((row, earlier)) = left.split_first_mut() {
                let (outcome, version) = take_back(tx, &import, row)?;
                row::set_undone(tx.conn, id, row.number, outcome)?;
                if let Some(version) = version {
                    let by = version + 1 - row.record_version;
                    follow(tx, id, row.record_id, by, earlier)?;
                }
                left = earlier;
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
    // What was taken back may come again; what stayed would be there twice.
    if !row::any_left(tx.conn, id)? {
        import::set_fingerprint(tx.conn, id, None)?;
    }
    tx.changed(&old.without_samples(), &new.without_samples())
}

/// Taking a row back made another version of its record. Earlier rows that changed it too are taken back from there
/// on: as far behind as they were, so that a change of somebody in between is still seen.
fn follow(
    tx: &mut Writing,
    import: ImportId,
    record: Uuid,
    by: i64,
    earlier: &mut [ToUndo],
) -> Result<()> {
    row::shift_versions(tx.conn, import, record, by)?;
    for one in earlier.iter_mut().filter(|one| one.record_id == record) {
        one.record_version += by;
    }
    Ok(())
}

/// Answers the version of the record too, where it was taken back.
fn take_back(
    tx: &mut Writing,
    import: &Import,
    row: &ToUndo,
) -> Result<(ImportUndoOutcome, Option<i64>)> {
    let (target, id, seen) = (import.target, row.record_id, row.record_version);
    let take_back = |tx: &mut Writing| {
        let version = match &row.old {
            Some(old) => {
                let patch = shaped(old.clone())?;
                Some(target::revise(tx, target, id, Some(seen), &patch)?.version)
            }
            None if target::is_in_use(tx, target, id)? => None,
            None => {
                let reason = format!("Taken back: import of {}", import.name);
                Some(target::remove(tx, target, id, seen, &ReasonInput { reason })?)
            }
        };
        Ok(version)
    };
    match tx.part(take_back, |_| true) {
        Ok(Some(version)) => Ok((ImportUndoOutcome::TakenBack, Some(version))),
        Ok(None) => Ok((ImportUndoOutcome::InUse, None)),
        Err(Error::Stale { .. }) => Ok((ImportUndoOutcome::ChangedSince, None)),
        // It was merged, a rule came since, or the person may not change it any more.
        Err(
            Error::NotFound(_)
            | Error::Merged { .. }
            | Error::Invalid(_)
            | Error::Conflict { .. }
            | Error::Forbidden(_),
        ) => Ok((ImportUndoOutcome::Refused, None)),
        Err(error) => Err(error),
    }
}
