//! The first answer to each POST with an `Idempotency-Key`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::id::UserId;
use lotse_domain::{Error, Result};
use serde_json::Value;

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::idempotency_keys;
use crate::sql_types::{At, Document, Key};

/// What is known of a key.
#[derive(Debug, PartialEq)]
pub enum Claim {
    /// It is new, and ours until the transaction ends.
    Ours,
    /// It was used for the same request, with this answer.
    Answered(Value),
}

/// Claims a key. A concurrent request with the same key waits here until this transaction ends.
/// Keys from before `expired` count as new.
///
/// # Errors
/// `IdempotencyMismatch` when the key was used for another request.
pub fn claim(
    conn: &mut Conn,
    caller: UserId,
    key: &str,
    fingerprint: &[u8],
    now: DateTime<Utc>,
    expired: DateTime<Utc>,
) -> Result<Claim> {
    let expired_one = idempotency_keys::table
        .filter(idempotency_keys::caller_id.eq(Key(caller.0)))
        .filter(idempotency_keys::key.eq(key))
        .filter(idempotency_keys::created_at.lt(At(expired)));
    diesel::delete(expired_one).execute(conn).db()?;
    let inserted = on_backend!(conn, c => diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::caller_id.eq(Key(caller.0)),
            idempotency_keys::key.eq(key),
            idempotency_keys::fingerprint.eq(fingerprint),
            idempotency_keys::created_at.eq(At(now)),
        ))
        .on_conflict_do_nothing()
        .execute(c))
    .db()?;
    if inserted == 1 {
        return Ok(Claim::Ours);
    }
    let (first_fingerprint, answer): (Vec<u8>, Option<Document>) = idempotency_keys::table
        .find((Key(caller.0), key))
        .select((idempotency_keys::fingerprint, idempotency_keys::answer))
        .first(conn)
        .db()?;
    if first_fingerprint != fingerprint {
        return Err(Error::IdempotencyMismatch);
    }
    // A key without an answer never commits: claim and answer share a transaction.
    answer
        .map(|answer| Claim::Answered(answer.0))
        .ok_or_else(|| Error::internal("an idempotency key without an answer was committed"))
}

/// # Errors
/// When the database cannot be written.
pub fn answer(conn: &mut Conn, caller: UserId, key: &str, answer: &Value) -> Result<()> {
    diesel::update(idempotency_keys::table.find((Key(caller.0), key)))
        .set(idempotency_keys::answer.eq(Some(Document(answer.clone()))))
        .execute(conn)
        .db()?;
    Ok(())
}
