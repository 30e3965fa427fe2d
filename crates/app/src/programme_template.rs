use lotse_domain::Result;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::check_version;
use lotse_domain::id::ProgrammeTemplateId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::programme_template::{
    ProgrammeTemplate, ProgrammeTemplateFilter, ProgrammeTemplateInput,
};
use lotse_persistence::{audit, programme_template};

use crate::{App, Caller, Writing};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ProgrammeTemplateFilter,
    paging: &Paging,
) -> Result<Page<ProgrammeTemplate>> {
    app.read(caller, Action::ReadProgrammeTemplates, |tx| {
        programme_template::list(tx.conn, &tx.names, filter, paging)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: ProgrammeTemplateId) -> Result<ProgrammeTemplate> {
    app.read(caller, Action::ReadProgrammeTemplates, |tx| {
        programme_template::find(tx.conn, &tx.names, id)
    })
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: ProgrammeTemplateId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadProgrammeTemplates, |tx| {
        programme_template::find(tx.conn, &tx.names, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// A draft, the next version of its code.
///
/// # Errors
/// `Invalid` with everything that is wrong; `Conflict` when there is a draft of that code.
pub fn create(
    app: &App,
    caller: &Caller,
    input: &ProgrammeTemplateInput,
) -> Result<ProgrammeTemplate> {
    app.write(caller, Action::ChangeProgrammeTemplates, |tx| {
        let context = programme_template::context(tx.conn, &tx.names, &input.code)?;
        let new = ProgrammeTemplate::new(tx.new_id(), tx.now, input, &context)?;
        programme_template::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is no draft.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ProgrammeTemplateId,
    seen: i64,
    patch: &MergePatch,
) -> Result<ProgrammeTemplate> {
    app.write(caller, Action::ChangeProgrammeTemplates, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.changed(tx.now, &patch.apply(&ProgrammeTemplateInput::from(&old))?)?;
        keep(tx, &old, new)
    })
}

/// Publishes a draft. The version published before is retired: runs go on by it, none begins.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is no draft.
pub fn publish(
    app: &App,
    caller: &Caller,
    id: ProgrammeTemplateId,
    seen: i64,
) -> Result<ProgrammeTemplate> {
    app.write(caller, Action::ChangeProgrammeTemplates, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.published(tx.now, &tx.actor)?;
        if let Some(before) = programme_template::published(tx.conn, &tx.names, &old.code)? {
            let retired = before.retired(tx.now, &tx.actor)?;
            keep(tx, &before, retired)?;
        }
        keep(tx, &old, new)
    })
}

/// # Errors
/// `NotFound`, `Stale`; `Conflict` when it is not published.
pub fn retire(
    app: &App,
    caller: &Caller,
    id: ProgrammeTemplateId,
    seen: i64,
) -> Result<ProgrammeTemplate> {
    app.write(caller, Action::ChangeProgrammeTemplates, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.retired(tx.now, &tx.actor)?;
        keep(tx, &old, new)
    })
}

fn as_seen(tx: &mut Writing, id: ProgrammeTemplateId, seen: i64) -> Result<ProgrammeTemplate> {
    let old = programme_template::find(tx.conn, &tx.names, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

fn keep(
    tx: &mut Writing,
    old: &ProgrammeTemplate,
    new: ProgrammeTemplate,
) -> Result<ProgrammeTemplate> {
    programme_template::update(tx.conn, &new)?;
    tx.changed(old, &new)?;
    Ok(new)
}
