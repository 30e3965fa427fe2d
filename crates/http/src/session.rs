//! `/auth` and `/me`: log-in, tokens, the own account.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue, USER_AGENT};
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use lotse_app::session::{self, Opened};
use lotse_domain::Error;
use lotse_domain::id::SessionId;
use lotse_domain::page::Page;
use lotse_domain::session::{
    ACCESS_TOKEN_SECONDS, LoginInput, Me, OpenSession, PasswordInput, RefreshInput, Tokens,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::cookie;
use crate::edge::request_id;
use crate::extract::{LoggedIn, PathId, PublicBody};
use crate::openapi::IdPath;
use crate::respond::{Answer, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(log_in)
        .service(refresh)
        .service(log_out)
        .service(change_password)
        .service(me)
        .service(own_sessions)
        .service(end_own_session);
}

/// Logs in. An unknown user and a wrong password get the same answer in the same time; after
/// several failures the account is held for a growing while. A client in a browser asks for `cookies`.
#[utoipa::path(
    tag = "Session", operation_id = "log_in", request_body = LoginInput, security(()),
    responses((status = 200, description = "Logged in", body = Tokens))
)]
#[post("/auth/login")]
async fn log_in(
    state: Data<State>,
    request: HttpRequest,
    PublicBody(input): PublicBody<LoginInput>,
) -> Answer<HttpResponse> {
    state.check_local_login()?;
    let client = client(&request);
    let cookies = input.cookies;
    if cookies {
        // Another page must not log a browser in either: what is entered then would be somebody else's.
        cookie::check_origin(&request, &state)?;
    }
    let id = request_id(&request);
    let opened = state.run(move |app| session::log_in(app, &input, client.as_deref(), &id)).await?;
    tokens(&state, &opened, cookies)
}

/// Exchanges a refresh token for new tokens. Each works once: using an old one again ends the
/// session.
#[utoipa::path(
    tag = "Session", operation_id = "refresh_session", request_body = RefreshInput, security(()),
    responses((status = 200, description = "New tokens", body = Tokens))
)]
#[post("/auth/refresh")]
async fn refresh(
    state: Data<State>,
    request: HttpRequest,
    PublicBody(input): PublicBody<RefreshInput>,
) -> Answer<HttpResponse> {
    let (token, cookies) = match (input.refresh_token, cookie::refresh_token(&request)) {
        (Some(token), _) => (token, false),
        (None, Some(token)) => {
            cookie::check_origin(&request, &state)?;
            (token, true)
        }
        (None, None) => {
            let missing = "is required where there is no cookie";
            return Err(Error::invalid("/refresh_token", "required", missing).into());
        }
    };
    let id = request_id(&request);
    let opened = state.run(move |app| session::refresh(app, &token, &id)).await?;
    tokens(&state, &opened, cookies)
}

/// Logs out: the session and all its tokens are over.
#[utoipa::path(
    tag = "Session", operation_id = "log_out",
    responses((status = 204, description = "Logged out"))
)]
#[post("/auth/logout")]
async fn log_out(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<HttpResponse> {
    state.run(move |app| session::log_out(app, &caller)).await?;
    let mut response = HttpResponse::NoContent();
    for cookie in cookie::none() {
        response.cookie(cookie);
    }
    Ok(response.finish())
}

/// The own account: name, role, carrier, site.
#[utoipa::path(
    tag = "Session", operation_id = "get_me",
    responses((status = 200, description = "The caller", body = Me))
)]
#[get("/me")]
async fn me(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<Json<Me>> {
    let me = state.run(move |app| session::me(app, &caller)).await?;
    Ok(Json(me))
}

/// Changes the own password. The other sessions are over then.
#[utoipa::path(
    tag = "Session", operation_id = "change_password", request_body = PasswordInput,
    responses((status = 204, description = "Changed"))
)]
#[put("/me/password")]
async fn change_password(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PublicBody(input): PublicBody<PasswordInput>,
) -> Answer<HttpResponse> {
    state.run(move |app| session::change_password(app, &caller, &input)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The own sessions that are not over, the latest first; all of them on one page.
#[utoipa::path(
    tag = "Session", operation_id = "list_own_sessions",
    responses((status = 200, description = "All of them", body = Page<OpenSession>))
)]
#[get("/me/sessions")]
async fn own_sessions(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
) -> Answer<Listed<OpenSession>> {
    state.page(move |app| session::own(app, &caller)).await
}

/// Ends one of the own sessions, as log-out does with the current one.
#[utoipa::path(
    tag = "Session", operation_id = "end_own_session", params(IdPath),
    responses((status = 204, description = "Over"))
)]
#[delete("/me/sessions/{id}")]
async fn end_own_session(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<SessionId>,
) -> Answer<HttpResponse> {
    state.run(move |app| session::end_own(app, &caller, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the client calls itself, as far as it is fit to be shown.
pub(crate) fn client(request: &HttpRequest) -> Option<String> {
    let name = request.headers().get(USER_AGENT)?.to_str().ok()?;
    let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    (!name.is_empty()).then_some(name)
}

pub(crate) fn tokens(state: &State, opened: &Opened, in_cookies: bool) -> Answer<HttpResponse> {
    let access_token = state.keys.sign(opened.user, opened.session)?;
    let mut response = HttpResponse::Ok();
    // RFC 6749 section 5.1: tokens are not cached.
    response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    if in_cookies {
        for cookie in cookie::of(&access_token, &opened.refresh_token) {
            response.cookie(cookie);
        }
    }
    Ok(response.json(Tokens {
        access_token: (!in_cookies).then_some(access_token),
        token_type: if in_cookies { "Cookie" } else { "Bearer" }.to_owned(),
        expires_in: ACCESS_TOKEN_SECONDS,
        refresh_token: (!in_cookies).then(|| opened.refresh_token.clone()),
    }))
}
