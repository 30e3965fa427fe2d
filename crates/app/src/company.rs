use lotse_domain::Result;
use lotse_domain::audit::{AuditAction, HistoryEntry, Subject};
use lotse_domain::company::{Company, CompanyFilter, CompanyInput};
use lotse_domain::duplicate::CreateParams;
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::CompanyId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::search::Found;
use lotse_persistence::{audit, company};

use crate::district::named_district;
use crate::{App, Caller, Reading, Writing, district_gap, duplicate};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &CompanyFilter,
    paging: &Paging,
) -> Result<Page<Company>> {
    app.read(caller, Action::ReadRegister, |tx| {
        let scope = tx.scope();
        company::list(tx.conn, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: CompanyId) -> Result<Company> {
    app.read(caller, Action::ReadRegister, |tx| shown(tx, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: CompanyId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadRegister, |tx| {
        // One that was merged keeps its own.
        let found = company::find_even_merged(tx.conn, id)?;
        note_person(tx, &found);
        audit::history(tx.conn, id.0, paging)
    })
}

fn shown(tx: &mut Reading, id: CompanyId) -> Result<Company> {
    let found = company::find(tx.conn, id)?;
    note_person(tx, &found);
    Ok(found)
}

fn note_person(tx: &mut Reading, found: &Company) {
    if found.is_a_person() {
        tx.about_a_person(Subject::of(found));
    }
}

/// # Errors
/// `Invalid`; `PossibleDuplicate` with those that it may be, unless the caller insists.
pub fn create(
    app: &App,
    caller: &Caller,
    params: &CreateParams,
    input: &CompanyInput,
) -> Result<Company> {
    app.write(caller, Action::ChangeRegister, |tx| {
        let new = made(tx, input)?;
        if !params.create_anyway.unwrap_or(false) {
            duplicate::guard(tx, &Found::from(&new))?;
        }
        enter(tx, new)
    })
}

pub(crate) fn add(tx: &mut Writing, input: &CompanyInput) -> Result<Company> {
    let new = made(tx, input)?;
    enter(tx, new)
}

fn made(tx: &mut Writing, input: &CompanyInput) -> Result<Company> {
    let district = named_district(tx.conn, "/district_id", input.district_id)?;
    Company::new(tx.new_id(), tx.now, input, district)
}

fn enter(tx: &mut Writing, new: Company) -> Result<Company> {
    company::insert(tx.conn, &new)?;
    tx.created(&new)?;
    Ok(new)
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is archived.
pub fn change(
    app: &App,
    caller: &Caller,
    id: CompanyId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Company> {
    app.write(caller, Action::ChangeRegister, |tx| Ok(change_in(tx, id, seen, patch)?.1))
}

/// Answers the company before and after.
///
/// # Errors
/// As [`change`].
pub(crate) fn change_in(
    tx: &mut Writing,
    id: CompanyId,
    seen: i64,
    patch: &MergePatch,
) -> Result<(Company, Company)> {
    let old = company::find(tx.conn, id)?;
    check_version(&old, seen)?;
    let input: CompanyInput = patch.apply(&CompanyInput::from(&old))?;
    let district = named_district(tx.conn, "/district_id", input.district_id)?;
    let new = old.changed(tx.now, &input, district)?;
    company::update(tx.conn, &new)?;
    tx.changed(&old, &new)?;
    if old.district.is_none() && new.district.is_some() {
        district_gap::close(tx, id.into(), new.district.as_ref())?;
    }
    Ok((old, new))
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is archived already.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: CompanyId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Company> {
    app.write(caller, Action::ChangeRegister, |tx| archive_in(tx, id, seen, input))
}

/// # Errors
/// As [`archive`].
pub(crate) fn archive_in(
    tx: &mut Writing,
    id: CompanyId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Company> {
    let old = company::find(tx.conn, id)?;
    check_version(&old, seen)?;
    let new = old.archived(tx.now, input.checked()?)?;
    company::update(tx.conn, &new)?;
    tx.audit(AuditAction::Archived, Some(&old), &new)?;
    Ok(new)
}
