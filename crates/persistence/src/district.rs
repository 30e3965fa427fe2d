use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::district::{Counted, Coverage, CoverageFilter, District, DistrictFilter};
use lotse_domain::entity::Reference;
use lotse_domain::id::{CoverageId, DistrictId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::code;
use crate::error::{DbResult, one_row};
use crate::schema::{district_coverages, districts, establishments, organisations, sites};
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = districts, treat_none_as_null = true)]
struct Row {
    id: Key,
    key: String,
    name: String,
    kind: String,
    region: String,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    split_from_id: Option<Key>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&District> for Row {
    fn from(district: &District) -> Self {
        Self {
            id: Key(district.id.0),
            key: district.key.clone(),
            name: district.name.clone(),
            kind: district.kind.code().to_owned(),
            region: district.region.clone(),
            valid_from: district.valid_from,
            valid_to: district.valid_to,
            split_from_id: district.split_from_id.map(|id| Key(id.0)),
            version: district.version,
            created_at: At(district.created_at),
            updated_at: At(district.updated_at),
        }
    }
}

fn entity(row: Row) -> Result<District> {
    Ok(District {
        id: DistrictId(row.id.0),
        key: row.key,
        name: row.name,
        kind: code(&row.kind)?,
        region: row.region,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        split_from_id: row.split_from_id.map(|id| DistrictId(id.0)),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such district.
pub fn find(conn: &mut Conn, id: DistrictId) -> Result<District> {
    let row: Option<Row> = districts::table.find(Key(id.0)).first(conn).optional().db()?;
    row.map(entity).transpose()?.ok_or(Error::NotFound("district"))
}

/// All of them: some dozens.
///
/// # Errors
/// When the database cannot be read.
pub fn all(conn: &mut Conn) -> Result<Vec<District>> {
    let rows: Vec<Row> = districts::table.load(conn).db()?;
    rows.into_iter().map(entity).collect()
}

/// By key, then by id.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn, filter: &DistrictFilter, paging: &Paging) -> Result<Page<District>> {
    let matching = || {
        let mut query = districts::table.into_boxed();
        if let Some(key) = &filter.key {
            query = query.filter(districts::key.eq(key));
        }
        if let Some(on) = filter.on {
            query = query
                .filter(districts::valid_from.le(on))
                .filter(districts::valid_to.is_null().or(districts::valid_to.ge(on)));
        }
        query
    };
    let mut query = matching();
    if let Some(after) = &paging.after {
        query = query.filter(
            districts::key
                .gt(&after.key)
                .or(districts::key.eq(&after.key).and(districts::id.gt(Key(after.id)))),
        );
    }
    let rows: Vec<Row> =
        query.order((districts::key, districts::id)).limit(paging.fetch()).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let districts = rows.into_iter().map(entity).collect::<Result<_>>()?;
    paging.page(districts, total, |district: &District| (district.key.clone(), district.id.0))
}

/// # Errors
/// `Conflict` when the key is taken.
pub fn insert(conn: &mut Conn, district: &District) -> Result<()> {
    diesel::insert_into(districts::table).values(Row::from(district)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the key is taken.
pub fn update(conn: &mut Conn, district: &District) -> Result<()> {
    let changed = diesel::update(districts::table.find(Key(district.id.0)))
        .filter(districts::version.eq(district.version - 1))
        .set(Row::from(district))
        .execute(conn)
        .db()?;
    one_row(changed, district.version)
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = district_coverages, treat_none_as_null = true)]
struct CoverageRow {
    id: Key,
    district_id: Key,
    site_id: Key,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Coverage> for CoverageRow {
    fn from(coverage: &Coverage) -> Self {
        Self {
            id: Key(coverage.id.0),
            district_id: Key(coverage.district.id),
            site_id: Key(coverage.site.id),
            valid_from: coverage.valid_from,
            valid_to: coverage.valid_to,
            version: coverage.version,
            created_at: At(coverage.created_at),
            updated_at: At(coverage.updated_at),
        }
    }
}

fn coverage_entity((row, district_name, site_name): (CoverageRow, String, String)) -> Coverage {
    Coverage {
        id: CoverageId(row.id.0),
        district: Reference { id: row.district_id.0, name: district_name },
        site: Reference { id: row.site_id.0, name: site_name },
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    }
}

/// # Errors
/// `NotFound` when there is no such coverage.
pub fn find_coverage(conn: &mut Conn, id: CoverageId) -> Result<Coverage> {
    let row = district_coverages::table
        .inner_join(districts::table)
        .inner_join(sites::table)
        .filter(district_coverages::id.eq(Key(id.0)))
        .select((district_coverages::all_columns, districts::name, sites::name))
        .first(conn)
        .optional()
        .db()?;
    row.map(coverage_entity).ok_or(Error::NotFound("coverage"))
}

/// In the order of recording.
///
/// # Errors
/// When the database cannot be read.
pub fn list_coverages(
    conn: &mut Conn,
    filter: &CoverageFilter,
    paging: &Paging,
) -> Result<Page<Coverage>> {
    let matching = || {
        let mut query = district_coverages::table
            .inner_join(districts::table)
            .inner_join(sites::table)
            .into_boxed();
        if let Some(district) = filter.district_id {
            query = query.filter(district_coverages::district_id.eq(Key(district.0)));
        }
        if let Some(site) = filter.site_id {
            query = query.filter(district_coverages::site_id.eq(Key(site.0)));
        }
        if let Some(on) = filter.on {
            query = query.filter(district_coverages::valid_from.le(on)).filter(
                district_coverages::valid_to.is_null().or(district_coverages::valid_to.ge(on)),
            );
        }
        query
    };
    let mut query = matching();
    if let Some(after) = &paging.after {
        query = query.filter(district_coverages::id.gt(Key(after.id)));
    }
    let rows = query
        .select((district_coverages::all_columns, districts::name, sites::name))
        .order(district_coverages::id)
        .limit(paging.fetch())
        .load(conn)
        .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let coverages = rows.into_iter().map(coverage_entity).collect();
    paging.page(coverages, total, |coverage: &Coverage| (String::new(), coverage.id.0))
}

/// # Errors
/// `Conflict` when the site covers the district from that date on already.
pub fn insert_coverage(conn: &mut Conn, coverage: &Coverage) -> Result<()> {
    diesel::insert_into(district_coverages::table)
        .values(CoverageRow::from(coverage))
        .execute(conn)
        .db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update_coverage(conn: &mut Conn, coverage: &Coverage) -> Result<()> {
    let changed = diesel::update(district_coverages::table.find(Key(coverage.id.0)))
        .filter(district_coverages::version.eq(coverage.version - 1))
        .set(CoverageRow::from(coverage))
        .execute(conn)
        .db()?;
    one_row(changed, coverage.version)
}

/// Addresses of companies, actors and establishments with postcodes from one to another, by their district.
///
/// # Errors
/// When the database cannot be read.
pub fn with_postcodes(conn: &mut Conn, from: &str, to: &str) -> Result<Counted> {
    let of_organisations: Vec<(Key, i64)> = organisations::table
        .filter(organisations::postcode.between(from, to))
        .filter(organisations::country.eq("DE"))
        .filter(organisations::archived_at.is_null())
        .filter(organisations::district_id.is_not_null())
        .group_by(organisations::district_id)
        .select((organisations::district_id.assume_not_null(), count_star()))
        .load(conn)
        .db()?;
    let of_establishments: Vec<(Key, i64)> = establishments::table
        .filter(establishments::postcode.between(from, to))
        .filter(establishments::country.eq("DE"))
        .filter(establishments::archived_at.is_null())
        .filter(establishments::district_id.is_not_null())
        .group_by(establishments::district_id)
        .select((establishments::district_id.assume_not_null(), count_star()))
        .load(conn)
        .db()?;
    let mut counted = Counted::new();
    for (district, addresses) in of_organisations.into_iter().chain(of_establishments) {
        *counted.entry(DistrictId(district.0)).or_default() += addresses;
    }
    Ok(counted)
}

/// All that exist on a day.
///
/// # Errors
/// When the database cannot be read.
pub fn all_on(conn: &mut Conn, day: NaiveDate) -> Result<Vec<District>> {
    let rows: Vec<Row> = districts::table
        .filter(districts::valid_from.le(day))
        .filter(districts::valid_to.is_null().or(districts::valid_to.ge(day)))
        .load(conn)
        .db()?;
    rows.into_iter().map(entity).collect()
}
