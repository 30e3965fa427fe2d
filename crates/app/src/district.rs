use lotse_domain::audit::HistoryEntry;
use lotse_domain::district::{
    Coverage, CoverageFilter, CoverageInput, District, DistrictCandidates, DistrictFilter,
    DistrictInput, PostcodeParams, postcodes_near,
};
use lotse_domain::entity::{Reference, check_version};
use lotse_domain::id::{CoverageId, DistrictId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::{Conn, audit, district};

use crate::site::named_site;
use crate::{App, Caller};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &DistrictFilter,
    paging: &Paging,
) -> Result<Page<District>> {
    app.read(caller, Action::ReadNetwork, |tx| district::list(tx.conn, filter, paging))
}

/// In which districts an address with the postcode may be.
///
/// # Errors
/// `Malformed` when it is no postcode.
pub fn candidates(
    app: &App,
    caller: &Caller,
    params: &PostcodeParams,
) -> Result<DistrictCandidates> {
    app.read(caller, Action::ReadRegister, |tx| {
        let postcode = params.checked()?;
        let districts = district::all_on(tx.conn, tx.today())?;
        DistrictCandidates::new(postcode, &districts, |digits| {
            let (from, to) = postcodes_near(postcode, digits);
            district::with_postcodes(tx.conn, &from, &to)
        })
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: DistrictId) -> Result<District> {
    app.read(caller, Action::ReadNetwork, |tx| district::find(tx.conn, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: DistrictId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadNetwork, |tx| {
        district::find(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the key is taken.
pub fn create(app: &App, caller: &Caller, input: &DistrictInput) -> Result<District> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        named_district(tx.conn, "/split_from_id", input.split_from_id)?;
        let new = District::new(tx.new_id(), tx.now, input)?;
        district::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when the key is taken.
pub fn change(
    app: &App,
    caller: &Caller,
    id: DistrictId,
    seen: i64,
    patch: &MergePatch,
) -> Result<District> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let old = district::find(tx.conn, id)?;
        check_version(&old, seen)?;
        let input: DistrictInput = patch.apply(&DistrictInput::from(&old))?;
        named_district(tx.conn, "/split_from_id", input.split_from_id)?;
        let new = old.changed(tx.now, &input)?;
        district::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// # Errors
/// What the policy says.
pub fn list_coverages(
    app: &App,
    caller: &Caller,
    filter: &CoverageFilter,
    paging: &Paging,
) -> Result<Page<Coverage>> {
    app.read(caller, Action::ReadNetwork, |tx| district::list_coverages(tx.conn, filter, paging))
}

/// # Errors
/// `NotFound`.
pub fn get_coverage(app: &App, caller: &Caller, id: CoverageId) -> Result<Coverage> {
    app.read(caller, Action::ReadNetwork, |tx| district::find_coverage(tx.conn, id))
}

/// # Errors
/// `NotFound`.
pub fn coverage_history(
    app: &App,
    caller: &Caller,
    id: CoverageId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadNetwork, |tx| {
        district::find_coverage(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the site covers the district from that date on already.
pub fn create_coverage(app: &App, caller: &Caller, input: &CoverageInput) -> Result<Coverage> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let site = named_site(tx.conn, "/site_id", input.site_id)?;
        let site = Reference::new(site.id, site.name);
        let district = named_district(tx.conn, "/district_id", Some(input.district_id))?
            .ok_or(Error::NotFound("district"))?;
        let new = Coverage::new(tx.new_id(), tx.now, input, district, site)?;
        district::insert_coverage(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`.
pub fn change_coverage(
    app: &App,
    caller: &Caller,
    id: CoverageId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Coverage> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let old = district::find_coverage(tx.conn, id)?;
        check_version(&old, seen)?;
        let new = old.changed(tx.now, &patch.apply(&CoverageInput::from(&old))?)?;
        district::update_coverage(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// The district that an input names, if it names one.
pub(crate) fn named_district(
    conn: &mut Conn,
    pointer: &str,
    id: Option<DistrictId>,
) -> Result<Option<Reference>> {
    let Some(id) = id else { return Ok(None) };
    match district::find(conn, id) {
        Ok(district) => Ok(Some(Reference::new(district.id, district.name))),
        Err(Error::NotFound(_)) => Err(Error::invalid(
            pointer,
            "unknown",
            "must be the id of a district, see GET /api/v1/districts",
        )),
        Err(error) => Err(error),
    }
}
