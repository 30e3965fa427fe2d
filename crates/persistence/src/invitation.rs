//! Invitations to set a password.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::id::UserId;

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::invitations;
use crate::sql_types::{At, Key};

/// Replaces those that the user has.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(
    conn: &mut Conn,
    token_hash: &[u8],
    user: UserId,
    invited_by: UserId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    withdraw(conn, user)?;
    diesel::insert_into(invitations::table)
        .values((
            invitations::token_hash.eq(token_hash),
            invitations::user_id.eq(Key(user.0)),
            invitations::invited_by.eq(Key(invited_by.0)),
            invitations::created_at.eq(At(now)),
            invitations::expires_at.eq(At(expires_at)),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

/// # Errors
/// When the database cannot be written.
pub fn withdraw(conn: &mut Conn, user: UserId) -> Result<()> {
    diesel::delete(invitations::table.filter(invitations::user_id.eq(Key(user.0))))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Whom an invitation is for that holds.
///
/// # Errors
/// When the database cannot be read.
pub fn invited(conn: &mut Conn, token_hash: &[u8], now: DateTime<Utc>) -> Result<Option<UserId>> {
    let user: Option<Key> = invitations::table
        .filter(invitations::token_hash.eq(token_hash))
        .filter(invitations::expires_at.gt(At(now)))
        .select(invitations::user_id)
        .first(conn)
        .optional()
        .db()?;
    Ok(user.map(|id| UserId(id.0)))
}

/// Uses an invitation up. False when it was used before: of two requests with one token, one wins.
///
/// # Errors
/// When the database cannot be written.
pub fn use_up(conn: &mut Conn, token_hash: &[u8]) -> Result<bool> {
    let used = diesel::delete(invitations::table.filter(invitations::token_hash.eq(token_hash)))
        .execute(conn)
        .db()?;
    Ok(used == 1)
}
