//! The one error type. `lotse-http` maps it to problem details (RFC 9457) in one place.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use uuid::Uuid;

use crate::duplicate::Candidate;
use crate::organisation::OrganisationReference;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing that is wrong with the input: where, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into the request body, or the name of a query parameter.
    #[schema(example = "/minutes")]
    pub pointer: String,
    /// What kind of fault it is, for programs.
    #[schema(example = "out_of_range")]
    pub code: String,
    /// What is wrong and what would be right, for people.
    #[schema(example = "must be between 1 and 1440")]
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is logged in, or the log-in is over.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The password is right, and a code is needed besides.
    #[error("{0}")]
    SecondFactor(&'static str),
    /// The caller is known and may do this only after a log-in with a second factor.
    #[error("Your role must have a second factor. Set it up at /me/second-factor.")]
    SecondFactorMissing,
    /// The caller is known and may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// It does not exist, or lies outside the caller's scope: the two are not told apart.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// It was merged into another organisation. Who reads is led there, who writes is refused.
    #[error("It was merged into {}.", into.name)]
    Merged { old: Uuid, into: OrganisationReference },
    /// The request itself is fine and does not fit what is stored.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    /// What was to be added is perhaps there already.
    #[error("{detail}")]
    PossibleDuplicate { detail: String, candidates: Vec<Candidate> },
    /// The version named in `If-Match` is not the current one.
    #[error("The record was changed in the meantime; its version is now {current}.")]
    Stale { current: i64 },
    /// The request cannot be understood (query parameters, cursors).
    #[error("{detail}")]
    Malformed { code: &'static str, detail: String, errors: Vec<Violation> },
    /// The request is understood and breaks a rule.
    #[error("The input breaks a rule.")]
    Invalid(Vec<Violation>),
    /// An `Idempotency-Key` came again with another request.
    #[error("This Idempotency-Key was used for a different request.")]
    IdempotencyMismatch,
    /// Too many failed attempts.
    #[error("Too many failed attempts.")]
    TooManyAttempts { retry_after_seconds: i64 },
    /// The database could not serialise the work; the same work may go through when tried again.
    #[error("The database is busy.")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than the server allows, or nobody waits for the answer any more. Nothing was changed.
    #[error("It took longer than the server allows.")]
    TimedOut,
    /// The provider of single sign-on does not answer, or not as it should.
    #[error("The provider of single sign-on cannot be reached.")]
    ProviderUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store of attachments does not answer, or not as it should.
    #[error("The store of attachments cannot be reached.")]
    StoreUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else. The message stays in the log; the caller sees the request id only.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    #[must_use]
    pub fn invalid(pointer: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation {
            pointer: pointer.into(),
            code: code.to_owned(),
            message: message.into(),
        }])
    }

    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// A query parameter that makes no sense; `message` goes on where its name ends.
    #[must_use]
    pub fn malformed_query(parameter: &str, code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::Malformed {
            code: "malformed_query",
            detail: format!("The query parameter {parameter} {message}."),
            errors: vec![Violation {
                pointer: parameter.to_owned(),
                code: code.to_owned(),
                message,
            }],
        }
    }

    /// What is wrong with a part of the input, as told of the whole: `pointer` leads to the part.
    #[must_use]
    pub fn below(self, pointer: &str) -> Self {
        match self {
            Self::Invalid(mut errors) => {
                for error in &mut errors {
                    error.pointer.insert_str(0, pointer);
                }
                Self::Invalid(errors)
            }
            other => other,
        }
    }

    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into().into())
    }
}
