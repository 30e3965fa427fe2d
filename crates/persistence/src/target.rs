use diesel::prelude::*;
use lotse_domain::id::{CarrierId, FundingPeriodId, TargetId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::target::{Target, TargetFilter};
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::archived;
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::targets;
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = targets, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    funding_period_id: Key,
    indicator: String,
    year: Option<i32>,
    quarter: Option<i32>,
    site_id: Option<Key>,
    value: i64,
    note: Option<String>,
    archived_at: Option<At>,
    archive_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Target> for Row {
    fn from(target: &Target) -> Self {
        Self {
            id: Key(target.id.0),
            carrier_id: Key(target.carrier.id),
            funding_period_id: Key(target.funding_period.id),
            indicator: target.indicator_code.clone(),
            year: target.year,
            quarter: target.quarter,
            site_id: target.site.as_ref().map(|site| Key(site.id)),
            value: target.value,
            note: target.note.clone(),
            archived_at: target.archived.as_ref().map(|archived| At(archived.at)),
            archive_reason: target.archived.as_ref().map(|archived| archived.reason.clone()),
            recorded_by: Key(target.recorded_by.id),
            version: target.version,
            created_at: At(target.created_at),
            updated_at: At(target.updated_at),
        }
    }
}

/// Without what is derived.
fn entity(row: Row, names: &Names) -> Result<Target> {
    Ok(Target {
        id: TargetId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        funding_period: names.reference(row.funding_period_id)?,
        indicator: None,
        indicator_code: row.indicator,
        year: row.year,
        quarter: row.quarter,
        site: row.site_id.map(|id| names.reference(id)).transpose()?,
        value: row.value,
        note: row.note,
        archived: archived(row.archived_at, row.archive_reason),
        progress: None,
        recorded_by: names.reference(row.recorded_by)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

type Query<'a> = targets::BoxedQuery<'a, <Conn as diesel::Connection>::Backend>;

/// Those of the scope: the network sees those of all carriers.
fn visible(scope: &Scope) -> Query<'static> {
    let all = targets::table.into_boxed();
    match scope {
        Scope::Nothing => all.filter(targets::version.lt(0)),
        Scope::Network => all,
        Scope::Carrier(CarrierId(id)) => all.filter(targets::carrier_id.eq(Key(*id))),
    }
}

/// # Errors
/// `NotFound` when there is no such target in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: TargetId) -> Result<Target> {
    let row: Option<Row> =
        visible(scope).filter(targets::id.eq(Key(id.0))).first(conn).optional().db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(Error::NotFound("target"))
}

/// In the order in which they were set.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &TargetFilter,
    paging: &Paging,
) -> Result<Page<Target>> {
    let key = |target: &Target| (String::new(), target.id.0);
    let matching = || {
        let mut query = visible(scope);
        if let Some(period) = filter.funding_period_id {
            query = query.filter(targets::funding_period_id.eq(Key(period.0)));
        }
        if let Some(indicator) = &filter.indicator {
            query = query.filter(targets::indicator.eq(indicator));
        }
        if let Some(year) = filter.year {
            query = query.filter(targets::year.eq(Some(year)));
        }
        if let Some(site) = filter.site_id {
            query = query.filter(targets::site_id.eq(Some(Key(site.0))));
        }
        if filter.archived != Some(true) {
            query = query.filter(targets::archived_at.is_null());
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(targets::id.gt(Key(after.id)));
    }
    let page = page.order(targets::id);
    let rows: Vec<Row> = first(paging, page.select(targets::all_columns)).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, key)
}

/// All of a period that are in force.
///
/// # Errors
/// When the database cannot be read.
pub fn of_period(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    period: FundingPeriodId,
) -> Result<Vec<Target>> {
    let rows: Vec<Row> = visible(scope)
        .filter(targets::funding_period_id.eq(Key(period.0)))
        .filter(targets::archived_at.is_null())
        .order(targets::id)
        .load(conn)
        .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// The years and quarters that targets of a period are of, of all carriers.
///
/// # Errors
/// When the database cannot be read.
pub fn times_of_period(
    conn: &mut Conn,
    period: FundingPeriodId,
) -> Result<Vec<(Option<i32>, Option<i32>)>> {
    targets::table
        .filter(targets::funding_period_id.eq(Key(period.0)))
        .filter(targets::archived_at.is_null())
        .select((targets::year, targets::quarter))
        .distinct()
        .load(conn)
        .db()
}

/// # Errors
/// `Conflict` when there is one of the same indicator, time and place.
pub fn insert(conn: &mut Conn, target: &Target) -> Result<()> {
    diesel::insert_into(targets::table).values(Row::from(target)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, target: &Target) -> Result<()> {
    let changed = diesel::update(targets::table.find(Key(target.id.0)))
        .filter(targets::version.eq(target.version - 1))
        .set(Row::from(target))
        .execute(conn)
        .db()?;
    one_row(changed, target.version)
}
