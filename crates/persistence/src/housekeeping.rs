//! What is deleted when its time is over. None of it is a record.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::Result;

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::{
    idempotency_keys, invitations, login_attempts, refresh_tokens, sessions, sso_flows,
};
use crate::sql_types::At;

/// Answers how many rows went.
///
/// # Errors
/// When the database cannot be written.
pub fn delete_expired(
    conn: &mut Conn,
    now: DateTime<Utc>,
    keys_before: DateTime<Utc>,
    sessions_before: DateTime<Utc>,
) -> Result<usize> {
    let keys = diesel::delete(
        idempotency_keys::table.filter(idempotency_keys::created_at.lt(At(keys_before))),
    )
    .execute(conn)
    .db()?;
    let over =
        sessions::table.filter(sessions::expires_at.lt(At(sessions_before))).select(sessions::id);
    let tokens =
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(over)))
            .execute(conn)
            .db()?;
    let sessions =
        diesel::delete(sessions::table.filter(sessions::expires_at.lt(At(sessions_before))))
            .execute(conn)
            .db()?;
    let attempts = diesel::delete(
        login_attempts::table.filter(login_attempts::updated_at.lt(At(keys_before))),
    )
    .execute(conn)
    .db()?;
    let invitations =
        diesel::delete(invitations::table.filter(invitations::expires_at.lt(At(sessions_before))))
            .execute(conn)
            .db()?;
    let flows = diesel::delete(sso_flows::table.filter(sso_flows::expires_at.le(At(now))))
        .execute(conn)
        .db()?;
    Ok(keys + tokens + sessions + attempts + invitations + flows)
}
