use diesel::prelude::*;
use lotse_domain::event_series::{EventSeries, EventSeriesFilter};
use lotse_domain::id::EventSeriesId;
use lotse_domain::name::fold;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::connection::Conn;
use crate::convert::{archived, carrier_of};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::schema::event_series;
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = event_series, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    name: String,
    name_key: String,
    description: Option<String>,
    archived_at: Option<At>,
    archive_reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&EventSeries> for Row {
    fn from(series: &EventSeries) -> Self {
        Self {
            id: Key(series.id.0),
            carrier_id: Key(series.carrier.id),
            name: series.name.clone(),
            name_key: fold(&series.name),
            description: series.description.clone(),
            archived_at: series.archived.as_ref().map(|archived| At(archived.at)),
            archive_reason: series.archived.as_ref().map(|archived| archived.reason.clone()),
            version: series.version,
            created_at: At(series.created_at),
            updated_at: At(series.updated_at),
        }
    }
}

fn entity(row: Row, names: &Names) -> Result<EventSeries> {
    Ok(EventSeries {
        id: EventSeriesId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        name: row.name,
        description: row.description,
        archived: archived(row.archived_at, row.archive_reason),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such series in the scope.
pub fn find(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    id: EventSeriesId,
) -> Result<EventSeries> {
    let not_found = Error::NotFound("series of events");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let row: Option<Row> = event_series::table
        .filter(event_series::id.eq(Key(id.0)))
        .filter(event_series::carrier_id.eq(carrier))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(not_found)
}

/// By name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &EventSeriesFilter,
    paging: &Paging,
) -> Result<Page<EventSeries>> {
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query =
            event_series::table.filter(event_series::carrier_id.eq(carrier)).into_boxed();
        if !filter.archived.unwrap_or(false) {
            query = query.filter(event_series::archived_at.is_null());
        }
        query
    };
    let mut query = matching();
    if let Some(after) = &paging.after {
        // `name_key ≥ key` lets the index find the place; the second part settles ties.
        query = query
            .filter(event_series::name_key.ge(&after.key))
            .filter(event_series::name_key.gt(&after.key).or(event_series::id.gt(Key(after.id))));
    }
    let query = query.order((event_series::name_key, event_series::id));
    let rows: Vec<Row> = query.limit(paging.fetch()).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let series = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(series, total, key)
}

fn key(series: &EventSeries) -> (String, Uuid) {
    (fold(&series.name), series.id.0)
}

/// # Errors
/// `Conflict` when the name is taken.
pub fn insert(conn: &mut Conn, series: &EventSeries) -> Result<()> {
    diesel::insert_into(event_series::table).values(Row::from(series)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the name is taken.
pub fn update(conn: &mut Conn, series: &EventSeries) -> Result<()> {
    let changed = diesel::update(event_series::table.find(Key(series.id.0)))
        .filter(event_series::version.eq(series.version - 1))
        .set(Row::from(series))
        .execute(conn)
        .db()?;
    one_row(changed, series.version)
}
