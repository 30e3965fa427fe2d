//! `/auth` and `/me`: log-in, tokens, the own account.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, post};
use lotse_app::session::{self, Opened};
use lotse_domain::session::{ACCESS_TOKEN_SECONDS, LoginInput, Me, RefreshInput, Tokens};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{LoggedIn, PublicBody};
use crate::respond::Answer;
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(log_in).service(refresh).service(log_out).service(me);
}

/// Logs in. An unknown user and a wrong password get the same answer in the same time; after
/// several failures the account is held for a growing while.
#[utoipa::path(
    tag = "Session", operation_id = "log_in", request_body = LoginInput, security(()),
    responses((status = 200, description = "Logged in", body = Tokens))
)]
#[post("/auth/login")]
async fn log_in(
    state: Data<State>,
    PublicBody(input): PublicBody<LoginInput>,
) -> Answer<HttpResponse> {
    let opened = state.run(move |app| session::log_in(app, &input)).await?;
    tokens(&state, opened)
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
    PublicBody(input): PublicBody<RefreshInput>,
) -> Answer<HttpResponse> {
    let opened = state.run(move |app| session::refresh(app, &input)).await?;
    tokens(&state, opened)
}

/// Logs out: the session and all its tokens are over.
#[utoipa::path(
    tag = "Session", operation_id = "log_out",
    responses((status = 204, description = "Logged out"))
)]
#[post("/auth/logout")]
async fn log_out(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<HttpResponse> {
    state.run(move |app| session::log_out(app, &caller)).await?;
    Ok(HttpResponse::NoContent().finish())
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

fn tokens(state: &State, opened: Opened) -> Answer<HttpResponse> {
    let tokens = Tokens {
        access_token: state.keys.sign(opened.user, opened.session)?,
        token_type: "Bearer".to_owned(),
        expires_in: ACCESS_TOKEN_SECONDS,
        refresh_token: opened.refresh_token,
    };
    // RFC 6749 section 5.1: tokens are not cached.
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(tokens))
}
