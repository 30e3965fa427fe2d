//! Errors as problem details (RFC 9457): the one mapping from what went wrong to status and body.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use lotse_domain::Error;
use lotse_domain::duplicate::Candidate;
use lotse_domain::error::Violation;
use lotse_domain::organisation::OrganisationReference;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:lotse:problem:invalid",
    "title": "A rule is broken",
    "status": 422,
    "detail": "The input breaks a rule.",
    "code": "invalid",
    "request_id": "01890000-0000-7000-8000-000000000001",
    "errors": [{"pointer": "/minutes", "code": "out_of_range", "message": "must be between 1 and 1440"}]
}))]
pub struct ProblemBody<'a> {
    /// `urn:lotse:problem:` and the code.
    pub r#type: String,
    /// What kind of problem it is.
    pub title: &'a str,
    pub status: u16,
    /// What happened this time.
    pub detail: &'a str,
    /// What kind of problem it is, for programs.
    pub code: &'a str,
    /// Names this request in the log of the server.
    pub request_id: &'a str,
    /// What is wrong with the input, one by one.
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    pub errors: &'a [Violation],
    /// What is there already and may be meant, the likeliest first (`possible_duplicate`).
    #[serde(skip_serializing_if = "<[Candidate]>::is_empty")]
    pub candidates: &'a [Candidate],
}

/// An error on its way out. The request id is added at the edge.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    pub title: &'static str,
    pub detail: String,
    pub errors: Vec<Violation>,
    pub candidates: Vec<Candidate>,
    pub retry_after_seconds: Option<i64>,
    pub allow: Option<String>,
    /// What was asked for leads there.
    pub moved: Option<Moved>,
    /// For the log only.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Where an organisation that was merged leads.
#[derive(Clone, Debug)]
pub struct Moved {
    pub from: Uuid,
    pub to: OrganisationReference,
}

impl Moved {
    /// The path that was asked for, of the survivor; the survivor where the path names another record.
    pub fn location(&self, path_and_query: &str) -> String {
        let (path, query) =
            path_and_query.split_once('?').map_or((path_and_query, None), |it| (it.0, Some(it.1)));
        let is_it = |segment: &str| segment.parse::<Uuid>().is_ok_and(|id| id == self.from);
        if !path.split('/').any(is_it) {
            return lotse_domain::merge::path_of(&self.to);
        }
        let to = self.to.id.to_string();
        let segments: Vec<&str> =
            path.split('/').map(|segment| if is_it(segment) { &to } else { segment }).collect();
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", segments.join("/"))
    }
}

impl Problem {
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            candidates: Vec::new(),
            retry_after_seconds: None,
            allow: None,
            moved: None,
            cause: None,
        }
    }

    /// The request cannot be understood.
    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, "The request is malformed", detail)
    }

    pub fn with_errors(self, errors: Vec<Violation>) -> Self {
        Self { errors, ..self }
    }

    /// For what actix answers by itself.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => {
                Self::new(status, "not_found", "Not found", "There is no such resource.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(),
            StatusCode::REQUEST_TIMEOUT => {
                Self::new(status, "timeout", "Too slow", "The request took too long to arrive.")
            }
            status if status.is_client_error() => Self::new(
                status,
                "malformed",
                "The request is malformed",
                "The request is not valid HTTP.",
            ),
            _ => Self::from(Error::internal(format!("answered {status}"))),
        }
    }

    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The body is too large",
            "The body may have at most 1 MiB.",
        )
    }

    /// An attachment of more bytes than it may have.
    pub fn larger_than(most_bytes: u64) -> Self {
        Self {
            detail: format!("The file may have at most {most_bytes} bytes."),
            ..Self::too_large()
        }
    }

    /// A part was asked for that a content of so many bytes does not have.
    pub fn no_such_range(bytes: u64) -> Self {
        Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "no_such_range",
            "There is no such part",
            format!("The file has {bytes} bytes."),
        )
    }

    pub fn rate_limited(retry_after_seconds: i64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "Too many requests",
                format!("Try again in {retry_after_seconds} seconds."),
            )
        }
    }

    pub fn respond(&self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"lotse\""));
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((ALLOW, allow.as_str()));
        }
        let body = ProblemBody {
            r#type: format!("urn:lotse:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
            candidates: &self.candidates,
        };
        response.body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        // The edge answers in its stead, with the request id.
        self.respond("")
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Unauthenticated(_) => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Log in first", detail)
            }
            Error::SecondFactor(_) => {
                Self::new(StatusCode::UNAUTHORIZED, "second_factor", "A code is needed", detail)
            }
            Error::SecondFactorMissing => Self::new(
                StatusCode::FORBIDDEN,
                "second_factor_missing",
                "Set up a second factor",
                detail,
            ),
            Error::Forbidden(_) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
            }
            Error::NotFound(_) => {
                Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
            }
            Error::Merged { old, into } => Self {
                moved: Some(Moved { from: old, to: into }),
                // It is asked for again each time (`Cache-Control`), since a merge can be undone.
                ..Self::new(StatusCode::PERMANENT_REDIRECT, "merged", "It was merged", detail)
            },
            Error::Conflict { code, .. } => {
                Self::new(StatusCode::CONFLICT, code, "It does not fit what is stored", detail)
            }
            Error::PossibleDuplicate { candidates, .. } => Self {
                candidates,
                ..Self::new(
                    StatusCode::CONFLICT,
                    "possible_duplicate",
                    "Perhaps it is there already",
                    detail,
                )
            },
            Error::Stale { .. } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "Changed in the meantime",
                detail,
            ),
            Error::Malformed { code, errors, .. } => {
                Self::malformed(code, detail).with_errors(errors)
            }
            Error::Invalid(errors) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A rule is broken", detail)
                    .with_errors(errors)
            }
            Error::IdempotencyMismatch => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The Idempotency-Key was used before",
                detail,
            ),
            Error::TooManyAttempts { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too_many_attempts",
                    "Too many attempts",
                    format!("{detail} Try again in {retry_after_seconds} seconds."),
                )
            },
            Error::Busy(cause) => Self {
                retry_after_seconds: Some(1),
                cause: Some(cause),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "busy",
                    "The database is busy",
                    "Nothing was changed. Try again in a moment.",
                )
            },
            Error::TimedOut => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "took_too_long",
                "The answer took too long",
                "Nothing was changed. Ask for less at once: a shorter window, or fewer groupings.",
            ),
            Error::ProviderUnavailable(cause) => Self {
                cause: Some(cause),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "provider_unavailable",
                    "Single sign-on is not available",
                    detail,
                )
            },
            Error::StoreUnavailable(cause) => Self {
                retry_after_seconds: Some(1),
                cause: Some(cause),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "store_unavailable",
                    "The store of attachments is not available",
                    detail,
                )
            },
            Error::Internal(cause) => Self {
                cause: Some(cause),
                ..Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "Something went wrong",
                    "The server's log has more under the request id.",
                )
            },
        }
    }
}
