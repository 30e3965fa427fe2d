//! What handlers take: the log-in, ids from the path, lists' parameters, bodies.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, IF_MATCH,
};
use actix_web::rt::time::timeout;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;
use lotse_app::{Caller, IdempotencyKey, Shown};
use lotse_domain::Error;
use lotse_domain::api_key::SECRET_PREFIX;
use lotse_domain::check::shape_violation;
use lotse_domain::error::Violation;
use lotse_domain::page::{PageParams, Paging};
use lotse_domain::patch::MergePatch;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::cookie;
use crate::edge::request_id;
use crate::export::{Export, ExportParams};
use crate::problem::Problem;
use crate::sheet::FileParams;
use crate::state::State;

const MAX_BODY: usize = 1024 * 1024;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

type Later<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// A request with a valid access token, in `Authorization` or a cookie, or with what looks like the
/// secret of an API key.
pub struct LoggedIn(pub Caller);

impl FromRequest for LoggedIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map(Self))
    }
}

fn caller(request: &HttpRequest) -> Result<Caller, Problem> {
    const MISSING: Error = Error::Unauthenticated("Send an access token: Authorization: Bearer …");
    let state = request
        .app_data::<web::Data<State>>()
        .ok_or_else(|| Error::internal("the application has no state"))?;
    let shown = if let Some(value) = request.headers().get(AUTHORIZATION) {
        let token = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(MISSING)?;
        if token.starts_with(SECRET_PREFIX) {
            Shown::api_key(token)
        } else {
            let (user, id) = state.keys.check(token)?;
            Shown::Session { user, id }
        }
    } else {
        let token = cookie::access_token(request).ok_or(MISSING)?;
        let (user, id) = state.keys.check(&token)?;
        cookie::check_origin(request, state)?;
        Shown::Session { user, id }
    };
    state.limits.count_caller(request, &shown)?;
    Ok(Caller { shown, request_id: request_id(request), idempotency: None })
}

/// An id from the path.
pub struct PathId<I>(pub I);

impl<I: From<Uuid>> FromRequest for PathId<I> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().query("id").parse::<Uuid>();
        ready(
            id.map(|id| Self(id.into())).map_err(|_| {
                Problem::malformed("malformed_path", "The id in the path is not a UUID.")
            }),
        )
    }
}

/// A code from the path. Whether there is one is for the record to say.
pub struct PathCode(pub String);

impl FromRequest for PathCode {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.match_info().query("code").to_owned())))
    }
}

/// Typed query parameters, without those of lists.
pub struct Parameters<F>(pub F);

/// The query parameters, for handlers that look at other things first.
pub fn parameters<F: DeserializeOwned>(request: &HttpRequest) -> Result<F, Problem> {
    pairs(request).and_then(|pairs| typed(&pairs))
}

impl<F: DeserializeOwned> FromRequest for Parameters<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameters(request).map(Self))
    }
}

/// The filters and the page of a list, or that it is wanted as a file.
pub struct ListQuery<F> {
    pub filter: F,
    pub paging: Paging,
    /// With the name of the file, without extension.
    pub export: Option<(Export, String)>,
}

impl<F: DeserializeOwned + Serialize> FromRequest for ListQuery<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(list_query(request))
    }
}

fn list_query<F: DeserializeOwned + Serialize>(
    request: &HttpRequest,
) -> Result<ListQuery<F>, Problem> {
    let (file, rest): (Vec<_>, Vec<_>) = pairs(request)?
        .into_iter()
        .partition(|(name, _)| matches!(name.as_str(), "format" | "form" | "bom" | "lossless"));
    let (page, filter) = page_and_filter::<F>(&rest)?;
    // A cursor belongs to one list with one filter and order.
    let list = (request.path(), &filter);
    let Some(export) = typed::<ExportParams>(&file)?.wanted(&page)? else {
        let paging = Paging::new(&page, &list)?;
        return Ok(ListQuery { filter, paging, export: None });
    };
    let paging = Paging::of_all(&list)?;
    let name = request.path().rsplit('/').next().unwrap_or_default().to_owned();
    Ok(ListQuery { filter, paging, export: Some((export, name)) })
}

/// The filters and the page of what is no list of records, but has pages.
pub struct PageQuery<F> {
    pub filter: F,
    pub paging: Paging,
}

impl<F: DeserializeOwned + Serialize> FromRequest for PageQuery<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(page_query(request))
    }
}

fn page_query<F: DeserializeOwned + Serialize>(
    request: &HttpRequest,
) -> Result<PageQuery<F>, Problem> {
    let (page, filter) = page_and_filter::<F>(&pairs(request)?)?;
    let paging = Paging::new(&page, &(request.path(), &filter))?;
    Ok(PageQuery { filter, paging })
}

fn page_and_filter<F: DeserializeOwned>(
    pairs: &[(String, String)],
) -> Result<(PageParams, F), Problem> {
    let (page, filter): (Vec<_>, Vec<_>) = pairs
        .iter()
        .cloned()
        .partition(|(name, _)| matches!(name.as_str(), "limit" | "cursor" | "total"));
    Ok((typed(&page)?, typed(&filter)?))
}

/// A question, and the file that its answer is wanted as.
pub struct FileQuery<F> {
    pub question: F,
    pub file: FileParams,
}

impl<F: DeserializeOwned> FromRequest for FileQuery<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(file_query(request))
    }
}

fn file_query<F: DeserializeOwned>(request: &HttpRequest) -> Result<FileQuery<F>, Problem> {
    let (file, question): (Vec<_>, Vec<_>) = pairs(request)?
        .into_iter()
        .partition(|(name, _)| matches!(name.as_str(), "format" | "language" | "form" | "bom"));
    Ok(FileQuery { question: typed(&question)?, file: typed(&file)? })
}

fn pairs(request: &HttpRequest) -> Result<Vec<(String, String)>, Problem> {
    let malformed = |message: &str| {
        Problem::malformed("malformed_query", format!("The query string {message}."))
    };
    let pairs: Vec<(String, String)> = serde_html_form::from_str(request.query_string())
        .map_err(|_| malformed("is not form-encoded"))?;
    if pairs.iter().any(|(_, value)| value.chars().any(char::is_control)) {
        return Err(malformed("has control characters"));
    }
    Ok(pairs)
}

fn typed<F: DeserializeOwned>(pairs: &[(String, String)]) -> Result<F, Problem> {
    let encoded = serde_html_form::to_string(pairs)
        .map_err(|error| Problem::from(Error::Internal(error.into())))?;
    let deserializer = serde_html_form::Deserializer::from_bytes(encoded.as_bytes());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let violation = shape_violation(error.path(), error.inner());
        let violation = Violation {
            pointer: violation.pointer.trim_start_matches('/').to_owned(),
            ..violation
        };
        Problem::malformed("malformed_query", "A query parameter is unknown or has a wrong value.")
            .with_errors(vec![violation])
    })
}

/// A JSON body alone: from nobody in particular (log-in, refresh), or beside [`LoggedIn`] where sending it
/// twice does no more than once, so that it takes no `Idempotency-Key`.
pub struct PublicBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for PublicBody<T> {
    type Error = Problem;
    type Future = Later<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_content(request, &["application/json"]);
        let (payload, limit) = (payload.take(), body_timeout(request));
        Box::pin(async move {
            checked?;
            parse(&read(payload, limit).await?).map(Self)
        })
    }
}

/// A POST that creates or does something: the caller, with its `Idempotency-Key`, and the body.
pub struct Command<T> {
    pub caller: Caller,
    pub body: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for Command<T> {
    type Error = Problem;
    type Future = Later<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = caller(request);
        let checked = check_content(request, &["application/json"]);
        let (payload, limit) = (payload.take(), body_timeout(request));
        let request = request.clone();
        Box::pin(async move {
            let caller = caller?;
            checked?;
            let bytes = read(payload, limit).await?;
            let idempotency = idempotency_key(&request, &bytes)?;
            Ok(Self { caller: Caller { idempotency, ..caller }, body: parse(&bytes)? })
        })
    }
}

/// A [`Command`] on a record as the caller saw it: `If-Match` names the version.
pub struct VersionedCommand<T> {
    pub caller: Caller,
    pub seen: i64,
    pub body: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for VersionedCommand<T> {
    type Error = Problem;
    type Future = Later<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let command = Command::<T>::from_request(request, payload);
        let seen = if_match(request);
        Box::pin(async move {
            let Command { caller, body } = command.await?;
            Ok(Self { caller, seen: seen?, body })
        })
    }
}

/// A PATCH: JSON Merge Patch on a record as the caller saw it.
pub struct Change {
    pub caller: Caller,
    pub seen: i64,
    pub patch: MergePatch,
}

impl FromRequest for Change {
    type Error = Problem;
    type Future = Later<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = caller(request);
        let checked = check_content(request, &["application/merge-patch+json", "application/json"]);
        let seen = if_match(request);
        let (payload, limit) = (payload.take(), body_timeout(request));
        Box::pin(async move {
            let caller = caller?;
            checked?;
            let seen = seen?;
            let patch = parse(&read(payload, limit).await?)?;
            Ok(Self { caller, seen, patch })
        })
    }
}

fn check_content(request: &HttpRequest, accepted: &[&str]) -> Result<(), Problem> {
    let unsupported = |detail: String| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body has another type",
            detail,
        )
    };
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    let is_accepted = |sent: String| accepted.contains(&sent.as_str());
    if content_type.is_none_or(|sent| !is_accepted(sent)) {
        return Err(unsupported(format!("Send Content-Type: {}.", accepted[0])));
    }
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(unsupported("Send the body without Content-Encoding.".to_owned()));
    }
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(Problem::too_large());
    }
    Ok(())
}

fn body_timeout(request: &HttpRequest) -> Duration {
    request.app_data::<web::Data<State>>().map_or(Duration::ZERO, |state| state.body_timeout)
}

/// The time is for the whole body: who sends a byte now and then does not get more of it.
async fn read(mut payload: Payload, limit: Duration) -> Result<Vec<u8>, Problem> {
    let whole = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| {
                Problem::malformed("incomplete_body", "The body broke off before its end.")
            })?;
            if bytes.len() + chunk.len() > MAX_BODY {
                return Err(Problem::too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    timeout(limit, whole)
        .await
        .unwrap_or_else(|_| Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)))
}

/// 400 for what is not JSON, 422 for JSON of another shape.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |detail: String| Problem::malformed("malformed_json", detail);
    // PostgreSQL text cannot hold it, and nobody means it.
    if bytes.windows(6).any(|window| window == b"\\u0000") {
        return Err(malformed("The body has a NUL character.".to_owned()));
    }
    // serde would take an array for a struct, its fields in order; nobody documents that.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Error::invalid("", "wrong_type", "must be an object").into());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let inner = error.inner();
        if inner.is_data() {
            let violation = shape_violation(error.path(), inner);
            Problem::from(Error::Invalid(vec![violation]))
        } else {
            malformed(format!(
                "The body is not valid JSON at line {} column {}.",
                inner.line(),
                inner.column()
            ))
        }
    })?;
    deserializer
        .end()
        .map_err(|_| malformed("The body goes on after the JSON value.".to_owned()))?;
    Ok(parsed)
}

/// The version that the caller saw: a strong `ETag` as we give it.
fn if_match(request: &HttpRequest) -> Result<i64, Problem> {
    let Some(value) = request.headers().get(IF_MATCH) else {
        return Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "if_match_required",
            "Say which version you mean",
            "Send If-Match with the ETag of the record as you saw it.",
        ));
    };
    value
        .to_str()
        .ok()
        .and_then(|value| value.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok())
        .ok_or_else(|| {
            Problem::malformed(
                "malformed_header",
                "If-Match must be one ETag of this API, such as \"3\".",
            )
        })
}

/// The key of a request with this body, or with what stands for it.
pub fn idempotency_key(
    request: &HttpRequest,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = request.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value
        .to_str()
        .ok()
        .map(|key| key.trim().trim_matches('"'))
        .filter(|key| (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()))
        .ok_or_else(|| {
            Problem::malformed(
                "malformed_header",
                "Idempotency-Key must have 1 to 255 printable characters without spaces.",
            )
        })?;
    let mut fingerprint = Sha256::new();
    fingerprint.update(request.method().as_str());
    fingerprint.update([0]);
    fingerprint.update(request.path());
    fingerprint.update([0]);
    if let Some(version) = request.headers().get(IF_MATCH) {
        fingerprint.update(version.as_bytes());
    }
    fingerprint.update([0]);
    fingerprint.update(body);
    Ok(Some(IdempotencyKey { key: key.to_owned(), fingerprint: fingerprint.finalize().into() }))
}
