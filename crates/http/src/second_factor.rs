//! `/me/second-factor`: codes of an authenticator app at log-in.

use actix_web::web::{Data, Json};
use actix_web::{CustomizeResponder, HttpResponse, delete, get, put};
use lotse_app::second_factor;
use lotse_domain::id::UserId;
use lotse_domain::second_factor::{
    CodeInput, OwnPasswordInput, RecoveryCodes, SecondFactor, SecondFactorSecret,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{LoggedIn, PathId, PublicBody};
use crate::openapi::IdPath;
use crate::respond::{Answer, not_stored};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(get)
        .service(start)
        .service(confirm)
        .service(renew_codes)
        .service(remove)
        .service(reset);
}

/// Where the own second factor stands.
#[utoipa::path(
    tag = "Session", operation_id = "get_second_factor",
    responses((status = 200, description = "The second factor", body = SecondFactor))
)]
#[get("/me/second-factor")]
async fn get(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<Json<SecondFactor>> {
    let found = state.run(move |app| second_factor::get(app, &caller)).await?;
    Ok(Json(found))
}

/// Makes a secret for an authenticator app (TOTP, RFC 6238). It counts once a first code of it came to
/// `/me/second-factor/confirmation`.
#[utoipa::path(
    tag = "Session", operation_id = "start_second_factor", request_body = OwnPasswordInput,
    responses((status = 200, description = "Shown once", body = SecondFactorSecret))
)]
#[put("/me/second-factor")]
async fn start(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PublicBody(input): PublicBody<OwnPasswordInput>,
) -> Answer<CustomizeResponder<Json<SecondFactorSecret>>> {
    let secret = state.run(move |app| second_factor::start(app, &caller, &input)).await?;
    Ok(not_stored(Json(secret)))
}

/// Enables the second factor with a first code. The other sessions are over then.
#[utoipa::path(
    tag = "Session", operation_id = "confirm_second_factor", request_body = CodeInput,
    responses((status = 200, description = "Recovery codes, shown once", body = RecoveryCodes))
)]
#[put("/me/second-factor/confirmation")]
async fn confirm(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PublicBody(input): PublicBody<CodeInput>,
) -> Answer<CustomizeResponder<Json<RecoveryCodes>>> {
    let codes = state.run(move |app| second_factor::confirm(app, &caller, &input)).await?;
    Ok(not_stored(Json(codes)))
}

/// Makes recovery codes in place of those before.
#[utoipa::path(
    tag = "Session", operation_id = "renew_recovery_codes", request_body = OwnPasswordInput,
    responses((status = 200, description = "Shown once", body = RecoveryCodes))
)]
#[put("/me/second-factor/recovery-codes")]
async fn renew_codes(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PublicBody(input): PublicBody<OwnPasswordInput>,
) -> Answer<CustomizeResponder<Json<RecoveryCodes>>> {
    let codes = state.run(move |app| second_factor::renew_codes(app, &caller, &input)).await?;
    Ok(not_stored(Json(codes)))
}

/// Removes the own second factor, unless the role must have one. It takes the password, so it is not a
/// DELETE, whose body proxies may drop.
#[utoipa::path(
    tag = "Session", operation_id = "remove_second_factor", request_body = OwnPasswordInput,
    responses((status = 204, description = "Removed"))
)]
#[put("/me/second-factor/removal")]
async fn remove(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PublicBody(input): PublicBody<OwnPasswordInput>,
) -> Answer<HttpResponse> {
    state.run(move |app| second_factor::remove(app, &caller, &input)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Removes the second factor of a user who lost it, and ends the user's sessions.
#[utoipa::path(
    tag = "Network", operation_id = "reset_second_factor", params(IdPath),
    responses((status = 204, description = "Removed"))
)]
#[delete("/users/{id}/second-factor")]
async fn reset(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<UserId>,
) -> Answer<HttpResponse> {
    state.run(move |app| second_factor::reset(app, &caller, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
