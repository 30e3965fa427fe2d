use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::company::{Company, CompanyFilter};
use lotse_domain::id::CompanyId;
use lotse_domain::industry::Industry;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::size_class::{self, Size, SizeClass, SizeInput};
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{archived, code, optional_code, reference};
use crate::error::DbResult;
use crate::merge;
use crate::organisation::{self, Common, Selection, in_order};
use crate::schema::{company_profiles, districts, organisations};
use crate::search;
use crate::sql_types::Key;

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = company_profiles, treat_none_as_null = true)]
struct Profile {
    organisation_id: Key,
    legal_form: Option<String>,
    register_number: Option<String>,
    vat_id: Option<String>,
    classification: Option<String>,
    industry_code: Option<String>,
    section: Option<String>,
    staff: Option<f64>,
    turnover_eur: Option<i64>,
    balance_eur: Option<i64>,
    publicly_owned: bool,
    reference_year: Option<i32>,
    size_basis: Option<String>,
    size_class: String,
    foreign_staff_experience: Option<bool>,
    collective_agreement: Option<bool>,
    heard_of_us: Option<String>,
    status: String,
}

fn rows(company: &Company) -> (organisation::Row, Profile) {
    let common = Common {
        id: company.id.0,
        kind: OrganisationKind::Company,
        name: &company.name,
        actor_type: None,
        website: company.website.as_ref(),
        address: &company.address,
        district: company.district.as_ref(),
        origin: company.origin,
        archived: company.archived.as_ref(),
        version: company.version,
        created_at: company.created_at,
        updated_at: company.updated_at,
    };
    let size = company.size.as_ref();
    let industry = company.industry.as_ref();
    let profile = Profile {
        organisation_id: Key(company.id.0),
        legal_form: company.legal_form.map(|form| form.code().to_owned()),
        register_number: company.register_number.clone(),
        vat_id: company.vat_id.clone(),
        classification: industry.map(|industry| industry.classification.code().to_owned()),
        industry_code: industry.map(|industry| industry.code.clone()),
        section: industry.map(|industry| industry.section.clone()),
        staff: size.and_then(|size| size.staff),
        turnover_eur: size.and_then(|size| size.turnover_eur),
        balance_eur: size.and_then(|size| size.balance_eur),
        publicly_owned: size.is_some_and(|size| size.publicly_owned),
        reference_year: size.and_then(|size| size.reference_year),
        size_basis: size.and_then(|size| size.basis).map(|basis| basis.code().to_owned()),
        size_class: size.map_or(SizeClass::Unknown, |size| size.class).code().to_owned(),
        foreign_staff_experience: company.foreign_staff_experience,
        collective_agreement: company.collective_agreement,
        heard_of_us: company.heard_of_us.map(|heard| heard.code().to_owned()),
        status: company.status.code().to_owned(),
    };
    (common.into(), profile)
}

type Found = (organisation::Row, Profile, Option<String>);

fn entity((row, profile, district_name): Found) -> Result<Company> {
    let address = row.address();
    Ok(Company {
        id: CompanyId(row.id.0),
        name: row.name,
        legal_form: optional_code(profile.legal_form.as_deref())?,
        size: size(&profile)?,
        industry: industry(&profile)?,
        register_number: profile.register_number,
        vat_id: profile.vat_id,
        website: row.website,
        address,
        district: reference(row.district_id, district_name),
        foreign_staff_experience: profile.foreign_staff_experience,
        collective_agreement: profile.collective_agreement,
        heard_of_us: optional_code(profile.heard_of_us.as_deref())?,
        status: code(&profile.status)?,
        origin: code(&row.origin)?,
        archived: archived(row.archived_at, row.archive_reason),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// None when nothing about the size is known.
fn size(profile: &Profile) -> Result<Option<Size>> {
    let input = SizeInput {
        staff: profile.staff,
        turnover_eur: profile.turnover_eur,
        balance_eur: profile.balance_eur,
        publicly_owned: profile.publicly_owned,
        reference_year: profile.reference_year,
        basis: optional_code(profile.size_basis.as_deref())?,
    };
    let nothing = SizeInput {
        staff: None,
        turnover_eur: None,
        balance_eur: None,
        publicly_owned: false,
        reference_year: None,
        basis: None,
    };
    Ok((input != nothing).then(|| size_class::derive(&input)))
}

fn industry(profile: &Profile) -> Result<Option<Industry>> {
    let (Some(classification), Some(industry_code)) =
        (&profile.classification, &profile.industry_code)
    else {
        return Ok(None);
    };
    Industry::lookup(code(classification)?, industry_code).map(Some).ok_or_else(|| {
        Error::internal("an industry code in the database is not in the classification")
    })
}

/// # Errors
/// `NotFound` when there is no such company; `Merged` when it was.
pub fn find(conn: &mut Conn, id: CompanyId) -> Result<Company> {
    let found = find_even_merged(conn, id)?;
    merge::check_is_not_merged(conn, id.into(), found.archived.is_some())?;
    Ok(found)
}

/// # Errors
/// `NotFound` when there is no such company.
pub fn find_even_merged(conn: &mut Conn, id: CompanyId) -> Result<Company> {
    let found: Option<Found> = organisations::table
        .inner_join(company_profiles::table)
        .left_join(districts::table)
        .filter(organisations::id.eq(Key(id.0)))
        .select((
            organisations::all_columns,
            company_profiles::all_columns,
            districts::name.nullable(),
        ))
        .first(conn)
        .optional()
        .db()?;
    found.map(entity).transpose()?.ok_or(Error::NotFound("company"))
}

/// By name unless sorted otherwise.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    scope: &Scope,
    filter: &CompanyFilter,
    paging: &Paging,
) -> Result<Page<Company>> {
    let sort = filter.sort.unwrap_or_default();
    let selection = Selection {
        q: filter.q.as_deref(),
        kind: Some(OrganisationKind::Company),
        district: filter.district_id,
        company_status: filter.status.map(Code::code),
        size_class: filter.size_class.map(Code::code),
        classification: filter.classification.map(Code::code),
        section: filter.section.as_deref(),
        tag: filter.tag_id,
        archived: filter.archived.unwrap_or(false),
        sort,
        ..Selection::default()
    };
    let (ids, total) = organisation::select(conn, scope, &selection, paging)?;
    let found: Vec<Found> = on_backend!(conn, c => organisations::table
        .inner_join(company_profiles::table)
        .left_join(districts::table)
        .filter(among(organisations::id, &ids))
        .select((
            organisations::all_columns,
            company_profiles::all_columns,
            districts::name.nullable(),
        ))
        .load(c))
    .db()?;
    let companies =
        found.into_iter().map(|found| Ok((found.0.id, entity(found)?))).collect::<Result<_>>()?;
    paging.page(in_order(&ids, companies), total, |company| {
        (sort.key(&company.name, company.updated_at), company.id.0)
    })
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, company: &Company) -> Result<()> {
    let (row, profile) = rows(company);
    organisation::insert(conn, &row)?;
    diesel::insert_into(company_profiles::table).values(profile).execute(conn).db()?;
    search::enter(conn, &company.into(), None)
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, company: &Company) -> Result<()> {
    let (row, profile) = rows(company);
    organisation::update(conn, &row)?;
    diesel::update(company_profiles::table.find(Key(company.id.0)))
        .set(profile)
        .execute(conn)
        .db()?;
    search::keep(conn, &company.into(), None)
}
