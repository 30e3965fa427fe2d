//! Log-ins that go on at the provider of single sign-on, and who users are there.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::id::UserId;

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::{identities, sso_flows, users};
use crate::sql_types::{At, Key};

/// # Errors
/// When the database cannot be written.
pub fn insert_flow(
    conn: &mut Conn,
    state_hash: &[u8],
    flow_hash: &[u8],
    verifier: &str,
    nonce: &str,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(sso_flows::table)
        .values((
            sso_flows::state_hash.eq(state_hash),
            sso_flows::flow_hash.eq(flow_hash),
            sso_flows::verifier.eq(verifier),
            sso_flows::nonce.eq(nonce),
            sso_flows::expires_at.eq(At(expires_at)),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Uses a log-in up and answers its verifier and nonce. None when there is none that holds for this
/// browser, or it was used before: of two requests, one wins.
///
/// # Errors
/// When the database cannot be written.
pub fn take_flow(
    conn: &mut Conn,
    state_hash: &[u8],
    flow_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<(String, String)>> {
    let found: Option<(String, String)> = sso_flows::table
        .filter(sso_flows::state_hash.eq(state_hash))
        .filter(sso_flows::flow_hash.eq(flow_hash))
        .filter(sso_flows::expires_at.gt(At(now)))
        .select((sso_flows::verifier, sso_flows::nonce))
        .first(conn)
        .optional()
        .db()?;
    let used = diesel::delete(
        sso_flows::table
            .filter(sso_flows::state_hash.eq(state_hash))
            .filter(sso_flows::flow_hash.eq(flow_hash)),
    )
    .execute(conn)
    .db()?;
    Ok(found.filter(|_| used == 1))
}

/// The user who is this at the provider.
///
/// # Errors
/// When the database cannot be read.
pub fn user_of(conn: &mut Conn, issuer: &str, subject: &str) -> Result<Option<UserId>> {
    let user: Option<Key> = identities::table
        .filter(identities::issuer.eq(issuer))
        .filter(identities::subject.eq(subject))
        .select(identities::user_id)
        .first(conn)
        .optional()
        .db()?;
    Ok(user.map(|id| UserId(id.0)))
}

/// False when this identity was linked in the meantime.
///
/// # Errors
/// When the database cannot be written.
pub fn link(
    conn: &mut Conn,
    issuer: &str,
    subject: &str,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let row = (
        identities::issuer.eq(issuer),
        identities::subject.eq(subject),
        identities::user_id.eq(Key(user.0)),
        identities::created_at.eq(At(now)),
    );
    let linked = on_backend!(conn, c => diesel::insert_into(identities::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .db()?;
    Ok(linked == 1)
}

/// Holds a user on PostgreSQL until the transaction ends, so that two log-ins at once do not both
/// change the role, and none passes a suspension.
///
/// # Errors
/// When the database cannot be read.
pub fn hold_user(conn: &mut Conn, user: UserId) -> Result<()> {
    if let Conn::Postgres(conn) = conn {
        users::table
            .find(Key(user.0))
            .select(users::id)
            .for_update()
            .first::<Key>(conn)
            .optional()
            .db()?;
    }
    Ok(())
}
