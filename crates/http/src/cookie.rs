//! Tokens in cookies, for a client in a browser: scripts cannot read them, so what gets into a page
//! cannot carry them off. Browsers send cookies by themselves, so requests that change something must
//! show that they come from a page of ours.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, ORIGIN};
use lotse_domain::session::{ACCESS_TOKEN_SECONDS, SESSION_HOURS};

use crate::problem::Problem;
use crate::state::State;

/// The prefix has browsers refuse it from anybody but this host, over TLS (RFC 6265bis).
const ACCESS: &str = "__Host-lotse_access";
const REFRESH: &str = "__Secure-lotse_refresh";
/// Only where it is used up.
const REFRESH_PATH: &str = "/api/v1/auth";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The cookies of a session.
pub fn of(access_token: &str, refresh_token: &str) -> [Cookie<'static>; 2] {
    let access = cookie(ACCESS, access_token.to_owned(), "/");
    let refresh = cookie(REFRESH, refresh_token.to_owned(), REFRESH_PATH);
    [(access, Duration::seconds(ACCESS_TOKEN_SECONDS)), (refresh, Duration::hours(SESSION_HOURS))]
        .map(|(mut cookie, age)| {
            cookie.set_max_age(age);
            cookie
        })
}

/// What takes them back.
pub fn none() -> [Cookie<'static>; 2] {
    [cookie(ACCESS, String::new(), "/"), cookie(REFRESH, String::new(), REFRESH_PATH)].map(
        |mut cookie| {
            cookie.make_removal();
            cookie
        },
    )
}

fn cookie(name: &'static str, value: String, path: &'static str) -> Cookie<'static> {
    Cookie::build(name, value)
        .path(path)
        .http_only(true)
        .secure(true)
        // Only requests from pages of the same site carry it.
        .same_site(SameSite::Strict)
        .finish()
}

pub fn access_token(request: &HttpRequest) -> Option<String> {
    request.cookie(ACCESS).map(|cookie| cookie.value().to_owned())
}

pub fn refresh_token(request: &HttpRequest) -> Option<String> {
    request.cookie(REFRESH).map(|cookie| cookie.value().to_owned())
}

/// That a request with cookies comes from a page that is allowed to send it (cross-site request
/// forgery). Browsers say so in headers that no page can set; `SameSite` alone lets in other hosts of
/// the same domain.
///
/// # Errors
/// 403 when it changes something and does not.
pub fn check_origin(request: &HttpRequest, state: &State) -> Result<(), Problem> {
    if request.method().is_safe() {
        return Ok(());
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let ours = match header(ORIGIN) {
        Some(origin) => {
            origin == origin_of(&state.public_url)
                || state.cors_origins.iter().any(|allowed| allowed == origin)
        }
        None => header(SEC_FETCH_SITE) == Some("same-origin"),
    };
    if ours {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "From another site",
        "A request with cookies that changes something must come from a page of this installation.",
    ))
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin_of("https://lotse.example"), "https://lotse.example");
        assert_eq!(origin_of("https://lotse.example:8443/app"), "https://lotse.example:8443");
    }
}
