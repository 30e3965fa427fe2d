//! Imports: what a person does with one. The jobs behind it are in `run` and `undo`; `plan` does what is to be done
//! for rows, for them and for those who look first, and `target` what differs between kinds of records.

use lotse_domain::audit::{HistoryEntry, Subject};
use lotse_domain::entity::{Reference, check_version};
use lotse_domain::id::ImportId;
use lotse_domain::import::{
    ArrivedFile, DryRun, Import, ImportFilter, ImportInput, ImportRow, ImportRowFilter,
    ImportSettings, Meaning, PlannedRow, file,
};
use lotse_domain::job::{Job, JobKind};
use lotse_domain::page::{After, Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::import::row::{self, RefusedRow};
use lotse_persistence::{audit, import, job};

use crate::{App, Caller, Reading, Writing, import_profile};

mod plan;
pub(crate) mod run;
mod target;
pub(crate) mod undo;
use plan::{BATCH, Plan, batches};
use target::check_may;

/// Those of the own carrier, the latest first.
///
/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ImportFilter,
    paging: &Paging,
) -> Result<Page<Import>> {
    app.read(caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        import::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: ImportId) -> Result<Import> {
    app.read(caller, Action::ReadImports, |tx| found(tx, id))
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: ImportId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadImports, |tx| {
        found(tx, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

fn found(tx: &mut Reading, id: ImportId) -> Result<Import> {
    let scope = tx.scope();
    let found = import::find(tx.conn, &tx.names, &scope, id)?;
    tx.about(Subject::of(&found));
    Ok(found)
}

/// Whether the caller may upload a file, before it is sent. [`upload`] looks again.
///
/// # Errors
/// What the policy says.
pub fn check_may_upload(app: &App, caller: &Caller) -> Result<()> {
    app.read(caller, Action::ChangeImports, |tx| tx.actor.own_carrier().map(drop))
}

/// Takes a file in and tells what it seems to mean. Nothing is imported yet.
///
/// # Errors
/// `Invalid` when there is no table in the file.
pub fn upload(
    app: &App,
    caller: &Caller,
    input: &ImportInput,
    file: &ArrivedFile,
) -> Result<Import> {
    // Others can write while the file is read. What is wrong with it is told to who sends it for the first time.
    let read = app
        .read(caller, Action::ChangeImports, |tx| import_profile::named(tx, input))
        .and_then(|profile| Meaning::proposed(input, file, profile.as_ref()));
    let meaning = match read {
        Ok(meaning) => Ok(meaning),
        Err(Error::Invalid(violations)) => Err(violations),
        Err(other) => return Err(other),
    };
    app.write(caller, Action::ChangeImports, |tx| {
        let meaning = meaning.clone().map_err(Error::Invalid)?;
        let carrier = tx.actor.own_carrier()?;
        let carrier = Reference::new(carrier.id, &carrier.name);
        let recorded_by = tx.actor.reference();
        let id = tx.new_id();
        let new = Import::new(id, tx.now, input, file, carrier, recorded_by, meaning)?;
        import::insert(tx.conn, &new, &file.bytes)?;
        tx.created(&new.without_samples())?;
        Ok(new)
    })
}

/// Confirms what the file means: an empty patch confirms what is proposed.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it was started.
pub fn confirm(
    app: &App,
    caller: &Caller,
    id: ImportId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Import> {
    let read = app.read_whole(caller, Action::ChangeImports, |tx| {
        let scope = tx.scope();
        let import = import::find(tx.conn, &tx.names, &scope, id)?;
        // Whoever saw another version is told below.
        if import.version != seen {
            return Ok(None);
        }
        let bytes = import::content(tx.conn, &import)?;
        Ok(Some((import, bytes)))
    })?;
    // Others can write while the file is read.
    let meaning = match read {
        Some((import, bytes)) => {
            let settings: ImportSettings = patch.apply(&import.settings)?;
            Some(Meaning::told(&import, settings, &bytes)?)
        }
        None => None,
    };
    app.write(caller, Action::ChangeImports, |tx| {
        let old = seen_as(tx, id, seen)?;
        let Some(meaning) = meaning.clone() else {
            return Err(Error::Stale { current: old.version });
        };
        let new = old.confirmed(tx.now, meaning)?;
        import::update(tx.conn, &new)?;
        tx.changed(&old.without_samples(), &new.without_samples())?;
        Ok(new)
    })
}

fn seen_as(tx: &mut Writing, id: ImportId, seen: i64) -> Result<Import> {
    let scope = tx.scope();
    let old = import::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

/// What would come of the rows, in the order of the file. Nothing is left of it.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Invalid` when the settings do not fit the file.
pub fn preview(
    app: &App,
    caller: &Caller,
    id: ImportId,
    paging: &Paging,
) -> Result<Page<PlannedRow>> {
    let after = paging.after.as_ref().map(After::parse::<i64>).transpose()?;
    let wanted = usize::try_from(paging.fetch()).unwrap_or_default();
    let (import, bytes) = file_of(app, caller, id)?;
    let table = file::read(&bytes, import.format, &import.settings.form)?;
    let rows = table
        .rows
        .filter(|row| !matches!(row, Ok(row) if Some(row.number) <= after))
        .take(wanted)
        .collect::<Result<Vec<_>>>()?;
    let planned = app.write(caller, Action::ChangeImports, |tx| {
        Plan::new(tx, &import, &table.header)?.rehearse(tx, &rows)
    })?;
    paging.page(planned, None, |row: &PlannedRow| (row.number.to_string(), id.0))
}

/// What would come of all of the file, batch by batch. Nothing is left of it.
///
/// # Errors
/// As [`preview`].
pub fn dry_run(app: &App, caller: &Caller, id: ImportId) -> Result<DryRun> {
    let (import, bytes) = file_of(app, caller, id)?;
    let table = file::read(&bytes, import.format, &import.settings.form)?;
    let mut told = DryRun::default();
    for rows in batches(table.rows, BATCH) {
        let rows = rows?;
        if app.database.is_given_up() {
            return Err(Error::TimedOut);
        }
        let planned = app.write(caller, Action::ChangeImports, |tx| {
            Plan::new(tx, &import, &table.header)?.rehearse(tx, &rows)
        })?;
        for row in &planned {
            told.add(row);
        }
    }
    Ok(told)
}

fn file_of(app: &App, caller: &Caller, id: ImportId) -> Result<(Import, Vec<u8>)> {
    app.read_whole(caller, Action::ReadImports, |tx| {
        let import = found(tx, id)?;
        let bytes = import::content(tx.conn, &import)?;
        Ok((import, bytes))
    })
}

/// Queues the job that does it. The same file with the same settings is not imported twice: the job is that of the
/// first time.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`; `Conflict` when it was started, nobody confirmed what it means, or
/// the same was begun and neither done nor taken back.
pub fn start(app: &App, caller: &Caller, id: ImportId, seen: i64) -> Result<Job> {
    app.write(caller, Action::ChangeImports, |tx| {
        let old = seen_as(tx, id, seen)?;
        check_may(&tx.actor, old.target)?;
        old.check_confirmed()?;
        old.check_file_kept()?;
        let fingerprint = old.settings.fingerprint(old.target, old.sha256)?;
        let scope = tx.scope();
        if let Some(same) = import::job_of_the_same(tx.conn, &scope, &fingerprint)? {
            let same = job::find(tx.conn, &tx.names, &scope, same)?;
            let import = import::find(tx.conn, &tx.names, &scope, ImportId(same.subject_id))?;
            import.check_holds(&same)?;
            return Ok(same);
        }
        let queued = crate::job::queue(tx, JobKind::Import, id.0)?;
        let new = old.started(tx.now, queued.id)?;
        import::update(tx.conn, &new)?;
        import::set_fingerprint(tx.conn, id, Some(fingerprint))?;
        tx.changed(&old.without_samples(), &new.without_samples())?;
        Ok(queued)
    })
}

/// Queues the job that takes the import back.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`; `Conflict` when nothing is left to take back, or the import is
/// still under way.
pub fn take_back(app: &App, caller: &Caller, id: ImportId, seen: i64) -> Result<Job> {
    app.write(caller, Action::ChangeImports, |tx| {
        let old = seen_as(tx, id, seen)?;
        check_may(&tx.actor, old.target)?;
        let queued = crate::job::queue(tx, JobKind::ImportUndo, id.0)?;
        let new = old.undo_started(tx.now, queued.id)?;
        import::update(tx.conn, &new)?;
        tx.changed(&old.without_samples(), &new.without_samples())?;
        Ok(queued)
    })
}

/// A job that stopped goes on, unless what it did is being taken back.
pub(crate) fn check_may_go_on(tx: &mut Writing, job: &Job) -> Result<()> {
    let scope = tx.scope();
    let import = import::find(tx.conn, &tx.names, &scope, ImportId(job.subject_id))?;
    check_may(&tx.actor, import.target)?;
    import.check_goes_on(job.id)
}

/// What came of the rows, in the order of the file.
///
/// # Errors
/// `NotFound`, also for another carrier's.
pub fn rows(
    app: &App,
    caller: &Caller,
    id: ImportId,
    filter: &ImportRowFilter,
    paging: &Paging,
) -> Result<Page<ImportRow>> {
    app.read(caller, Action::ReadImports, |tx| {
        found(tx, id)?;
        row::list(tx.conn, id, filter, paging)
    })
}

/// The header of the file, for the rows that were refused.
///
/// # Errors
/// `NotFound`, also for another carrier's.
pub fn header(app: &App, caller: &Caller, id: ImportId) -> Result<Vec<String>> {
    let import = get(app, caller, id)?;
    import.check_file_kept()?;
    Ok(import.detected.columns.into_iter().map(|column| column.header).collect())
}

/// The next rows that were refused, after one of them.
///
/// # Errors
/// `NotFound`, also for another carrier's.
pub fn refused(app: &App, caller: &Caller, id: ImportId, after: i64) -> Result<Vec<RefusedRow>> {
    const MOST: i64 = 200;
    app.read(caller, Action::ReadImports, |tx| {
        found(tx, id)?;
        row::refused(tx.conn, id, after, MOST)
    })
}
