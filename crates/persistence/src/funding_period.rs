use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::funding_period::{FundingPeriod, FundingPeriodStatus};
use lotse_domain::id::FundingPeriodId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::code;
use crate::error::{DbResult, one_row};
use crate::schema::{consultations, funding_periods};
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = funding_periods)]
struct Row {
    id: Key,
    name: String,
    service_name: String,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    minimum_minutes: i32,
    status: String,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&FundingPeriod> for Row {
    fn from(period: &FundingPeriod) -> Self {
        Self {
            id: Key(period.id.0),
            name: period.name.clone(),
            service_name: period.service_name.clone(),
            starts_on: period.starts_on,
            ends_on: period.ends_on,
            minimum_minutes: period.minimum_minutes,
            status: period.status.code().to_owned(),
            version: period.version,
            created_at: At(period.created_at),
            updated_at: At(period.updated_at),
        }
    }
}

fn entity(row: Row) -> Result<FundingPeriod> {
    Ok(FundingPeriod {
        id: FundingPeriodId(row.id.0),
        name: row.name,
        service_name: row.service_name,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        minimum_minutes: row.minimum_minutes,
        status: code(&row.status)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such period.
pub fn find(conn: &mut Conn, id: FundingPeriodId) -> Result<FundingPeriod> {
    let row: Option<Row> = funding_periods::table.find(Key(id.0)).first(conn).optional().db()?;
    row.map(entity).transpose()?.ok_or(Error::NotFound("funding period"))
}

/// The period, held until the transaction ends: entries that are under way in it come first and are seen
/// then, others wait and find it as it was left.
///
/// # Errors
/// As [`find`].
pub fn hold(conn: &mut Conn, id: FundingPeriodId) -> Result<FundingPeriod> {
    let found = funding_periods::table.find(Key(id.0));
    let row: Option<Row> = match conn {
        Conn::Postgres(conn) => found.for_no_key_update().first(conn).optional().db()?,
        // The only writer holds everything.
        Conn::Sqlite(conn) => found.first(conn).optional().db()?,
    };
    row.map(entity).transpose()?.ok_or(Error::NotFound("funding period"))
}

/// The period that a date lies in, held as it is until the transaction ends: nobody closes it while
/// a consultation is being logged into it.
///
/// # Errors
/// When the database cannot be read.
pub fn hold_for_entry(conn: &mut Conn, date: NaiveDate) -> Result<Option<FundingPeriod>> {
    let containing = funding_periods::table
        .filter(funding_periods::starts_on.le(date))
        .filter(funding_periods::ends_on.ge(date));
    let row: Option<Row> = match conn {
        Conn::Postgres(conn) => containing.for_share().first(conn).optional().db()?,
        // The only writer holds everything.
        Conn::Sqlite(conn) => containing.first(conn).optional().db()?,
    };
    row.map(entity).transpose()
}

/// The period that a date lies in.
///
/// # Errors
/// When the database cannot be read.
pub fn on_date(conn: &mut Conn, date: NaiveDate) -> Result<Option<FundingPeriod>> {
    let row: Option<Row> = funding_periods::table
        .filter(funding_periods::starts_on.le(date))
        .filter(funding_periods::ends_on.ge(date))
        .first(conn)
        .optional()
        .db()?;
    row.map(entity).transpose()
}

/// Where the earliest period begins that is not closed.
///
/// # Errors
/// When the database cannot be read.
pub fn not_closed_from(conn: &mut Conn) -> Result<Option<NaiveDate>> {
    funding_periods::table
        .filter(funding_periods::status.ne(FundingPeriodStatus::Closed.code()))
        .order(funding_periods::starts_on)
        .select(funding_periods::starts_on)
        .first(conn)
        .optional()
        .db()
}

/// Whether consultations recorded in the period lie outside the dates that it is to have.
///
/// # Errors
/// When the database cannot be read.
pub fn has_consultations_outside(conn: &mut Conn, period: &FundingPeriod) -> Result<bool> {
    let outside: Option<Key> = consultations::table
        .filter(consultations::funding_period_id.eq(Key(period.id.0)))
        .filter(
            consultations::held_on
                .lt(period.starts_on)
                .or(consultations::held_on.gt(period.ends_on)),
        )
        .select(consultations::id)
        .first(conn)
        .optional()
        .db()?;
    Ok(outside.is_some())
}

/// By start.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn, paging: &Paging) -> Result<Page<FundingPeriod>> {
    let mut query = funding_periods::table.into_boxed();
    if let Some(after) = &paging.after {
        query = query.filter(funding_periods::starts_on.gt(after.parse::<NaiveDate>()?));
    }
    let rows: Vec<Row> =
        query.order(funding_periods::starts_on).limit(paging.fetch()).load(conn).db()?;
    let total = if paging.total {
        Some(funding_periods::table.count().get_result(conn).db()?)
    } else {
        None
    };
    let periods = rows.into_iter().map(entity).collect::<Result<_>>()?;
    paging
        .page(periods, total, |period: &FundingPeriod| (period.starts_on.to_string(), period.id.0))
}

/// # Errors
/// `Conflict` when the name is taken or the dates overlap.
pub fn insert(conn: &mut Conn, period: &FundingPeriod) -> Result<()> {
    diesel::insert_into(funding_periods::table).values(Row::from(period)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the name is taken or the dates
/// overlap.
pub fn update(conn: &mut Conn, period: &FundingPeriod) -> Result<()> {
    let changed = diesel::update(funding_periods::table.find(Key(period.id.0)))
        .filter(funding_periods::version.eq(period.version - 1))
        .set(Row::from(period))
        .execute(conn)
        .db()?;
    one_row(changed, period.version)
}
