//! `Idempotency-Key`: a POST that is sent twice is done once.
//!
//! The key is claimed in the transaction of the work, so that key, data and answer are stored
//! together or not at all, and a concurrent duplicate waits and then finds the answer. Only
//! successes are kept: a refused request changed nothing and may be sent again.

use chrono::{DateTime, TimeDelta, Utc};
use lotse_domain::id::UserId;
use lotse_domain::{Error, Result};
use lotse_persistence::Conn;
use lotse_persistence::idempotency::{self, Claim};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long a key is remembered.
pub(crate) const KEPT: TimeDelta = TimeDelta::hours(24);

/// The key of a request, with what the request was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    /// SHA-256 of method, path and body.
    pub fingerprint: [u8; 32],
}

/// The answer of the first request with this key; none when this is the first.
pub(crate) fn replay<T: DeserializeOwned>(
    conn: &mut Conn,
    user: UserId,
    key: &IdempotencyKey,
    now: DateTime<Utc>,
) -> Result<Option<T>> {
    match idempotency::claim(conn, user, &key.key, &key.fingerprint, now, now - KEPT)? {
        Claim::Ours => Ok(None),
        Claim::Answered(answer) => {
            serde_json::from_value(answer).map(Some).map_err(|error| Error::Internal(error.into()))
        }
    }
}

pub(crate) fn keep(
    conn: &mut Conn,
    user: UserId,
    key: &IdempotencyKey,
    answer: &impl Serialize,
) -> Result<()> {
    let answer = serde_json::to_value(answer).map_err(|error| Error::Internal(error.into()))?;
    idempotency::answer(conn, user, &key.key, &answer)
}
