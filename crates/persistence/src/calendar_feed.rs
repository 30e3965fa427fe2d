//! Secret addresses of calendars, and the events that a calendar shows.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::calendar_feed::{CalendarEvent, CalendarFeed};
use lotse_domain::id::{CarrierId, UserId};
use lotse_domain::policy::{Role, Scope};

use crate::connection::Conn;
use crate::convert::{carrier_of, code};
use crate::error::DbResult;
use crate::names::Generation;
use crate::schema::{calendar_feeds, event_staff, events, installation, user_assignments, users};
use crate::sql_types::{At, Key};

/// Calendar programs ask every few minutes; writing each of that down would make reading write.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::hours(1);

/// Whose calendar a secret opens.
#[derive(Clone, Debug)]
pub struct Holder {
    pub user: UserId,
    pub role: Role,
    pub carrier: Option<CarrierId>,
    pub generation: Generation,
    last_used_at: Option<DateTime<Utc>>,
}

impl Holder {
    /// Whether it is time to note that the address is in use.
    #[must_use]
    pub fn use_is_due(&self, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_none_or(|at| at + USE_NOTED_EVERY <= now)
    }

    #[must_use]
    pub fn scope(&self) -> Scope {
        self.carrier.map_or(Scope::Nothing, Scope::Carrier)
    }
}

/// The holder of a secret, unless suspended or without a role of today.
///
/// # Errors
/// When the database cannot be read.
pub fn holder(conn: &mut Conn, secret_hash: &[u8], today: NaiveDate) -> Result<Option<Holder>> {
    type Found = (Key, String, Option<Key>, Option<At>, i64);
    let found: Option<Found> = calendar_feeds::table
        .inner_join(users::table)
        .inner_join(user_assignments::table.on(user_assignments::user_id.eq(users::id)))
        // It has one row.
        .inner_join(installation::table.on(installation::only_row.eq(1)))
        .filter(calendar_feeds::secret_hash.eq(secret_hash))
        .filter(users::status.eq("active"))
        .filter(user_assignments::valid_from.le(today))
        .filter(user_assignments::valid_to.is_null().or(user_assignments::valid_to.ge(today)))
        .select((
            users::id,
            user_assignments::role,
            user_assignments::carrier_id,
            calendar_feeds::last_used_at,
            installation::names_generation,
        ))
        .first(conn)
        .optional()
        .db()?;
    let Some((user, role, carrier, last_used_at, generation)) = found else { return Ok(None) };
    Ok(Some(Holder {
        user: UserId(user.0),
        role: code(&role)?,
        carrier: carrier.map(|id| CarrierId(id.0)),
        generation: Generation(generation),
        last_used_at: last_used_at.map(|at| at.0),
    }))
}

/// # Errors
/// When the database cannot be read.
pub fn find(conn: &mut Conn, user: UserId) -> Result<Option<CalendarFeed>> {
    let found: Option<(At, Option<At>)> = calendar_feeds::table
        .find(Key(user.0))
        .select((calendar_feeds::created_at, calendar_feeds::last_used_at))
        .first(conn)
        .optional()
        .db()?;
    Ok(found.map(|(created_at, last_used_at)| CalendarFeed {
        created_at: created_at.0,
        last_used_at: last_used_at.map(|at| at.0),
    }))
}

/// Gives a user an address in place of the one before.
///
/// # Errors
/// When the database cannot be written.
pub fn set(conn: &mut Conn, user: UserId, secret_hash: &[u8], now: DateTime<Utc>) -> Result<()> {
    let columns = (
        calendar_feeds::secret_hash.eq(secret_hash),
        calendar_feeds::created_at.eq(At(now)),
        calendar_feeds::last_used_at.eq(None::<At>),
    );
    on_backend!(conn, c => diesel::insert_into(calendar_feeds::table)
        .values((calendar_feeds::user_id.eq(Key(user.0)), columns))
        .on_conflict(calendar_feeds::user_id)
        .do_update()
        .set(columns)
        .execute(c))
    .db()?;
    Ok(())
}

/// False when there was none.
///
/// # Errors
/// When the database cannot be written.
pub fn remove(conn: &mut Conn, user: UserId) -> Result<bool> {
    let removed = diesel::delete(calendar_feeds::table.find(Key(user.0))).execute(conn).db()?;
    Ok(removed == 1)
}

/// Notes that an address is in use.
///
/// # Errors
/// When the database cannot be written.
pub fn note_use(conn: &mut Conn, secret_hash: &[u8], now: DateTime<Utc>) -> Result<()> {
    diesel::update(calendar_feeds::table.filter(calendar_feeds::secret_hash.eq(secret_hash)))
        .set(calendar_feeds::last_used_at.eq(Some(At(now))))
        .execute(conn)
        .db()?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct Seen {
    id: Key,
    title: String,
    place: Option<String>,
    online_url: Option<String>,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    starts_at: Option<NaiveTime>,
    ends_at: Option<NaiveTime>,
    status: String,
    version: i64,
    updated_at: At,
}

/// Events of the scope that a user is responsible for and that are not taken back, if a day of them lies
/// between the dates, the first ones first.
///
/// # Errors
/// When the database cannot be read.
pub fn events(
    conn: &mut Conn,
    scope: &Scope,
    user: UserId,
    from: NaiveDate,
    to: NaiveDate,
    most: i64,
) -> Result<Vec<CalendarEvent>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let rows: Vec<Seen> = events::table
        .inner_join(event_staff::table)
        .filter(event_staff::user_id.eq(Key(user.0)))
        .filter(events::carrier_id.eq(carrier))
        .filter(events::voided_at.is_null())
        .filter(events::ends_on.ge(from))
        .filter(events::starts_on.le(to))
        .order((events::starts_on, events::id))
        .limit(most)
        .select(Seen::as_select())
        .load(conn)
        .db()?;
    let events = rows.into_iter().map(|row| CalendarEvent {
        id: row.id.0,
        title: row.title,
        place: row.place,
        online_url: row.online_url,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        times: row.starts_at.zip(row.ends_at),
        cancelled: row.status == "cancelled",
        version: row.version,
        updated_at: row.updated_at.0,
    });
    Ok(events.collect())
}
