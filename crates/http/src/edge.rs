//! The edge of the server: request ids, problem bodies, security headers, one log line a request.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};

use crate::openapi;
use crate::problem::Problem;
use crate::rate_limit;
use crate::state::State;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names a request in answers and in the log.
#[derive(Clone)]
struct RequestId(String);

/// The id that the request was given.
pub fn request_id(request: &impl HttpMessage) -> String {
    request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.clone())
}

/// Around everything: names the request, turns errors into problem details, logs.
pub async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = new_request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let https = request
        .app_data::<web::Data<State>>()
        .is_some_and(|state| state.public_url.starts_with("https://"));
    let path_is_docs = request.path().starts_with("/docs");
    // The route, not the path: paths hold ids, queries hold names.
    let method = request.method().clone();

    // Errors of handlers and extractors are responses by now; the router needs the only handle on the
    // request, so none is kept back for others.
    let response = match too_many(&request) {
        Some(problem) => request.into_response(problem.respond(&id)),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let mut response = with_problem_body(response, &id);
    log(&response, &method, &route, &id, started);

    let limits = rate_limit::told(response.request());
    let headers = response.headers_mut();
    for (name, value) in limits.into_iter().flatten() {
        headers.insert(name, value);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    secure(headers, path_is_docs, https);
    Ok(response)
}

/// Counts a request to the API for the address that it comes from.
fn too_many(request: &ServiceRequest) -> Option<Problem> {
    // As the router sees it: `/%61pi` is `/api` to it.
    let path = request.match_info().as_str();
    let state = request.app_data::<web::Data<State>>().filter(|_| path.starts_with("/api/"))?;
    let peer = request.peer_addr().map(|peer| peer.ip());
    state.limits.count_address(request, peer, path).err()
}

/// The client's id where it sent a sound one, so that its log and ours can be joined.
fn new_request_id(request: &ServiceRequest) -> String {
    let sent = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match sent {
        Some(id)
            if (8..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            id.to_owned()
        }
        _ => request
            .app_data::<web::Data<State>>()
            .map_or_else(String::new, |state| state.app.new_id::<uuid::Uuid>().to_string()),
    }
}

/// Every error leaves as a problem document that names the request.
fn with_problem_body(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let problem_response = match response.response().error() {
        Some(error) => match error.as_error::<Problem>() {
            Some(problem) => {
                if let Some(cause) = &problem.cause {
                    let chain = chain(cause.as_ref());
                    tracing::error!(
                        request_id = id,
                        status = problem.status.as_u16(),
                        cause = chain
                    );
                }
                let mut answer = problem.respond(id);
                let uri = response.request().uri().path_and_query();
                if let (Some(moved), Some(asked)) = (&problem.moved, uri)
                    && let Ok(location) = HeaderValue::from_str(&moved.location(asked.as_str()))
                {
                    answer.headers_mut().insert(LOCATION, location);
                }
                answer
            }
            None => Problem::of_status(response.status()).respond(id),
        },
        // Made by hand, but not by us: actix answers some of its errors so.
        None if response.status().is_client_error() || response.status().is_server_error() => {
            let ours = response.headers().get("content-type").is_some();
            if ours {
                return response;
            }
            Problem::of_status(response.status()).respond(id)
        }
        None => return response,
    };
    response.into_response(problem_response)
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn log(
    response: &ServiceResponse<BoxBody>,
    method: &Method,
    route: &str,
    id: &str,
    started: Instant,
) {
    let status = response.status().as_u16();
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    if response.status().is_server_error() {
        tracing::warn!(request_id = id, %method, route, status, milliseconds, "answered");
    } else {
        tracing::debug!(request_id = id, %method, route, status, milliseconds, "answered");
    }
}

fn secure(headers: &mut HeaderMap, path_is_docs: bool, https: bool) {
    // The viewer styles itself inline; the API serves nothing that a browser should run.
    let policy = if path_is_docs {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         frame-ancestors 'none'"
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    };
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(CACHE_CONTROL) {
        // Private, and asked for again each time; `ETag` makes that cheap.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    if https {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
}

/// 405 where the path exists with other methods, else 404.
pub async fn no_such_route(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let allowed = openapi::methods_of(request.path());
    if allowed.is_empty() {
        return Err(Problem::of_status(StatusCode::NOT_FOUND));
    }
    let allow = allowed.join(", ");
    Err(Problem {
        allow: Some(allow.clone()),
        ..Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            format!("This resource answers to {allow}."),
        )
    })
}
