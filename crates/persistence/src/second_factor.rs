//! Secrets of authenticator apps, and recovery codes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::id::UserId;

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::{recovery_codes, second_factors};
use crate::sql_types::{At, Key};

pub struct Stored {
    pub secret: Vec<u8>,
    /// Null until the user showed a first code.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// # Errors
/// When the database cannot be read.
pub fn find(conn: &mut Conn, user: UserId) -> Result<Option<Stored>> {
    let found: Option<(Vec<u8>, Option<At>)> = second_factors::table
        .find(Key(user.0))
        .select((second_factors::secret, second_factors::confirmed_at))
        .first(conn)
        .optional()
        .db()?;
    Ok(found.map(|(secret, at)| Stored { secret, confirmed_at: at.map(|at| at.0) }))
}

/// Keeps a secret that the user has yet to show a code of, in place of any other.
///
/// # Errors
/// When the database cannot be written.
pub fn start(conn: &mut Conn, user: UserId, secret: &[u8], now: DateTime<Utc>) -> Result<()> {
    remove(conn, user)?;
    diesel::insert_into(second_factors::table)
        .values((
            second_factors::user_id.eq(Key(user.0)),
            second_factors::secret.eq(secret),
            second_factors::created_at.eq(At(now)),
            second_factors::last_step.eq(0),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

/// # Errors
/// When the database cannot be written.
pub fn confirm(conn: &mut Conn, user: UserId, now: DateTime<Utc>) -> Result<()> {
    diesel::update(second_factors::table.find(Key(user.0)))
        .set(second_factors::confirmed_at.eq(Some(At(now))))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Uses the code of a time step up. False when it, or a later one, was used before: of two log-ins
/// with one code, one wins.
///
/// # Errors
/// When the database cannot be written.
pub fn use_step(conn: &mut Conn, user: UserId, step: i64) -> Result<bool> {
    let used = diesel::update(second_factors::table.find(Key(user.0)))
        .filter(second_factors::last_step.lt(step))
        .set(second_factors::last_step.eq(step))
        .execute(conn)
        .db()?;
    Ok(used == 1)
}

/// # Errors
/// When the database cannot be written.
pub fn remove(conn: &mut Conn, user: UserId) -> Result<()> {
    remove_codes(conn, user)?;
    diesel::delete(second_factors::table.find(Key(user.0))).execute(conn).db()?;
    Ok(())
}

/// Gives a user recovery codes in place of those before.
///
/// # Errors
/// When the database cannot be written.
pub fn set_codes(conn: &mut Conn, user: UserId, hashes: &[Vec<u8>]) -> Result<()> {
    remove_codes(conn, user)?;
    for hash in hashes {
        diesel::insert_into(recovery_codes::table)
            .values((recovery_codes::user_id.eq(Key(user.0)), recovery_codes::code_hash.eq(hash)))
            .execute(conn)
            .db()?;
    }
    Ok(())
}

/// Uses a recovery code up. False when it is none, or was used before.
///
/// # Errors
/// When the database cannot be written.
pub fn use_code(conn: &mut Conn, user: UserId, hash: &[u8], now: DateTime<Utc>) -> Result<bool> {
    let used = diesel::update(recovery_codes::table.find((Key(user.0), hash)))
        .filter(recovery_codes::used_at.is_null())
        .set(recovery_codes::used_at.eq(Some(At(now))))
        .execute(conn)
        .db()?;
    Ok(used == 1)
}

/// # Errors
/// When the database cannot be read.
pub fn codes_left(conn: &mut Conn, user: UserId) -> Result<i64> {
    recovery_codes::table
        .filter(recovery_codes::user_id.eq(Key(user.0)))
        .filter(recovery_codes::used_at.is_null())
        .count()
        .get_result(conn)
        .db()
}

fn remove_codes(conn: &mut Conn, user: UserId) -> Result<()> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(Key(user.0))))
        .execute(conn)
        .db()?;
    Ok(())
}
