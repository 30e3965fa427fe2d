//! Sessions, refresh tokens and failed log-ins.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::entity::Reference;
use lotse_domain::id::{CarrierId, SessionId, UserId};
use lotse_domain::policy::{Actor, CarrierRef, Login, Role};
use lotse_domain::session::OpenSession;

use crate::connection::Conn;
use crate::convert::code;
use crate::error::DbResult;
use crate::names::{Generation, Names};
use crate::schema::{
    installation, login_attempts, refresh_tokens, sessions, user_assignments, users,
};
use crate::sql_types::{At, Key};

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    LoggedOut,
    TokenReused,
    Suspended,
    PasswordChanged,
    /// By its user, from another session.
    EndedElsewhere,
    EndedByAdmin,
}

impl EndReason {
    fn code(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::TokenReused => "token_reused",
            Self::Suspended => "suspended",
            Self::PasswordChanged => "password_changed",
            Self::EndedElsewhere => "ended_elsewhere",
            Self::EndedByAdmin => "ended_by_admin",
        }
    }
}

/// The user behind a session, with role and carrier of today.
#[derive(Queryable)]
pub struct Holder {
    user_id: Key,
    name: String,
    email: String,
    role: String,
    carrier_id: Option<Key>,
    site_id: Option<Key>,
    strong: bool,
    names_generation: i64,
}

impl Holder {
    #[must_use]
    pub fn user(&self) -> UserId {
        UserId(self.user_id.0)
    }

    /// Which names are the right ones.
    #[must_use]
    pub fn generation(&self) -> Generation {
        Generation(self.names_generation)
    }

    /// `needs_second_factor` are the roles for which a password is not enough.
    ///
    /// # Errors
    /// `Busy` when the names are older than the assignment.
    pub fn actor(
        self,
        session: SessionId,
        names: &Names,
        needs_second_factor: &[Role],
    ) -> Result<Actor> {
        let role = code(&self.role)?;
        let restricted = !self.strong && needs_second_factor.contains(&role);
        let carrier = self.carrier_id.map(|id| names.reference(id)).transpose()?;
        Ok(Actor {
            user_id: self.user(),
            role,
            carrier: carrier.map(|Reference { id, name }| CarrierRef { id: CarrierId(id), name }),
            site: self.site_id.map(|id| names.reference(id)).transpose()?,
            name: self.name,
            login: Login::Session { id: session, email: self.email, restricted },
        })
    }
}

/// Who holds a session that is neither over nor of a suspended user. One indexed query: every request
/// makes it.
///
/// # Errors
/// When the database cannot be read.
pub fn holder(
    conn: &mut Conn,
    session: SessionId,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<Option<Holder>> {
    sessions::table
        .inner_join(users::table)
        .inner_join(user_assignments::table.on(user_assignments::user_id.eq(users::id)))
        // It has one row.
        .inner_join(installation::table.on(installation::only_row.eq(1)))
        .filter(sessions::id.eq(Key(session.0)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(now)))
        .filter(users::status.eq("active"))
        .filter(user_assignments::valid_from.le(today))
        .filter(user_assignments::valid_to.is_null().or(user_assignments::valid_to.ge(today)))
        .select((
            users::id,
            users::name,
            users::email,
            user_assignments::role,
            user_assignments::carrier_id,
            user_assignments::site_id,
            sessions::strong,
            installation::names_generation,
        ))
        .first(conn)
        .optional()
        .db()
}

/// `strong`: the log-in was more than a password.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(
    conn: &mut Conn,
    session: SessionId,
    user: UserId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    client: Option<&str>,
    strong: bool,
) -> Result<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(Key(session.0)),
            sessions::user_id.eq(Key(user.0)),
            sessions::created_at.eq(At(now)),
            sessions::expires_at.eq(At(expires_at)),
            sessions::client.eq(client),
            sessions::strong.eq(strong),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Notes that more than a password was shown in a session.
///
/// # Errors
/// When the database cannot be written.
pub fn strengthen(conn: &mut Conn, session: SessionId) -> Result<()> {
    diesel::update(sessions::table.find(Key(session.0)))
        .set(sessions::strong.eq(true))
        .execute(conn)
        .db()?;
    Ok(())
}

/// # Errors
/// When the database cannot be written.
pub fn end(
    conn: &mut Conn,
    session: SessionId,
    now: DateTime<Utc>,
    reason: EndReason,
) -> Result<()> {
    diesel::update(sessions::table.find(Key(session.0)))
        .filter(sessions::ended_at.is_null())
        .set((sessions::ended_at.eq(Some(At(now))), sessions::end_reason.eq(Some(reason.code()))))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Ends every session of a user. Answers how many there were.
///
/// # Errors
/// When the database cannot be written.
pub fn end_all(
    conn: &mut Conn,
    user: UserId,
    now: DateTime<Utc>,
    reason: EndReason,
) -> Result<usize> {
    diesel::update(sessions::table)
        .filter(sessions::user_id.eq(Key(user.0)))
        .filter(sessions::ended_at.is_null())
        .set((sessions::ended_at.eq(Some(At(now))), sessions::end_reason.eq(Some(reason.code()))))
        .execute(conn)
        .db()
}

/// Ends the sessions of a user but for one.
///
/// # Errors
/// When the database cannot be written.
pub fn end_others(
    conn: &mut Conn,
    user: UserId,
    kept: SessionId,
    now: DateTime<Utc>,
    reason: EndReason,
) -> Result<()> {
    diesel::update(sessions::table)
        .filter(sessions::user_id.eq(Key(user.0)))
        .filter(sessions::id.ne(Key(kept.0)))
        .filter(sessions::ended_at.is_null())
        .set((sessions::ended_at.eq(Some(At(now))), sessions::end_reason.eq(Some(reason.code()))))
        .execute(conn)
        .db()?;
    Ok(())
}

/// The sessions of a user that are not over, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn open(
    conn: &mut Conn,
    user: UserId,
    current: SessionId,
    now: DateTime<Utc>,
) -> Result<Vec<OpenSession>> {
    type Found = (Key, At, At, Option<String>, Option<At>);
    let found: Vec<Found> = sessions::table
        .left_join(refresh_tokens::table)
        .filter(sessions::user_id.eq(Key(user.0)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(now)))
        // One token of each is unused: the one issued last.
        .filter(refresh_tokens::used_at.is_null())
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .select((
            sessions::id,
            sessions::created_at,
            sessions::expires_at,
            sessions::client,
            refresh_tokens::issued_at.nullable(),
        ))
        .load(conn)
        .db()?;
    let sessions =
        found.into_iter().map(|(id, created_at, expires_at, client, issued_at)| OpenSession {
            id: SessionId(id.0),
            created_at: created_at.0,
            expires_at: expires_at.0,
            refreshed_at: issued_at.map_or(created_at.0, |at| at.0),
            client,
            current: id.0 == current.0,
        });
    Ok(sessions.collect())
}

/// # Errors
/// When the database cannot be written.
pub fn insert_token(
    conn: &mut Conn,
    token_hash: &[u8],
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(token_hash),
            refresh_tokens::session_id.eq(Key(session.0)),
            refresh_tokens::issued_at.eq(At(now)),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

/// The session that a refresh token was issued for, and its user.
///
/// # Errors
/// When the database cannot be read.
pub fn of_token(conn: &mut Conn, token_hash: &[u8]) -> Result<Option<(SessionId, UserId)>> {
    let found: Option<(Key, Key)> = refresh_tokens::table
        .inner_join(sessions::table)
        .filter(refresh_tokens::token_hash.eq(token_hash))
        .select((sessions::id, sessions::user_id))
        .first(conn)
        .optional()
        .db()?;
    Ok(found.map(|(session, user)| (SessionId(session.0), UserId(user.0))))
}

/// Uses a refresh token up. False when it was used before: of two requests with one token, one wins.
///
/// # Errors
/// When the database cannot be written.
pub fn use_token(conn: &mut Conn, token_hash: &[u8], now: DateTime<Utc>) -> Result<bool> {
    let used = diesel::update(refresh_tokens::table)
        .filter(refresh_tokens::token_hash.eq(token_hash))
        .filter(refresh_tokens::used_at.is_null())
        .set(refresh_tokens::used_at.eq(Some(At(now))))
        .execute(conn)
        .db()?;
    Ok(used == 1)
}

/// Failed attempts in a row for an account, and until when it is held.
///
/// # Errors
/// When the database cannot be read.
pub fn attempts(
    conn: &mut Conn,
    account_hash: &[u8],
) -> Result<Option<(i32, Option<DateTime<Utc>>)>> {
    let of_account = login_attempts::table
        .filter(login_attempts::account_hash.eq(account_hash))
        .select((login_attempts::failures, login_attempts::blocked_until));
    // Two attempts at once must not both count from the same number.
    let found: Option<(i32, Option<At>)> = match conn {
        Conn::Postgres(conn) => of_account.for_update().first(conn),
        Conn::Sqlite(conn) => of_account.first(conn),
    }
    .optional()
    .db()?;
    Ok(found.map(|(failures, blocked_until)| (failures, blocked_until.map(|at| at.0))))
}

/// # Errors
/// When the database cannot be written.
pub fn set_attempts(
    conn: &mut Conn,
    account_hash: &[u8],
    failures: i32,
    blocked_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    let columns = (
        login_attempts::failures.eq(failures),
        login_attempts::blocked_until.eq(blocked_until.map(At)),
        login_attempts::updated_at.eq(At(now)),
    );
    on_backend!(conn, c => diesel::insert_into(login_attempts::table)
        .values((login_attempts::account_hash.eq(account_hash), columns))
        .on_conflict(login_attempts::account_hash)
        .do_update()
        .set(columns)
        .execute(c))
    .db()?;
    Ok(())
}

/// # Errors
/// When the database cannot be written.
pub fn clear_attempts(conn: &mut Conn, account_hash: &[u8]) -> Result<()> {
    diesel::delete(login_attempts::table.filter(login_attempts::account_hash.eq(account_hash)))
        .execute(conn)
        .db()?;
    Ok(())
}
