//! Invitations to set a password: made for `/users`, taken at `/auth`.

use actix_web::web::{Data, Json};
use actix_web::{CustomizeResponder, HttpRequest, HttpResponse, post, put};
use lotse_app::invitation;
use lotse_domain::id::UserId;
use lotse_domain::invitation::{Invitation, InvitationInput};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::edge::request_id;
use crate::extract::{LoggedIn, PathId, PublicBody};
use crate::openapi::IdPath;
use crate::respond::{Answer, not_stored};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(invite).service(take);
}

/// Makes a link with which the user sets a password, the first or a new one. It works once, for three
/// days, and the one before no longer does.
#[utoipa::path(
    tag = "Network", operation_id = "invite_user", params(IdPath),
    responses((status = 200, description = "Shown once", body = Invitation))
)]
#[put("/users/{id}/invitation")]
async fn invite(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<UserId>,
) -> Answer<CustomizeResponder<Json<Invitation>>> {
    let (token, expires_at) = state.run(move |app| invitation::invite(app, &caller, id)).await?;
    let page = Some(&state.invitation_url).filter(|page| !page.is_empty());
    let url = page.map(|page| format!("{page}{token}"));
    Ok(not_stored(Json(Invitation { token, url, expires_at })))
}

/// Sets the password of an invited user. Log in with it then.
#[utoipa::path(
    tag = "Session", operation_id = "take_invitation", request_body = InvitationInput, security(()),
    responses((status = 204, description = "The password is set"))
)]
#[post("/auth/invitation")]
async fn take(
    state: Data<State>,
    request: HttpRequest,
    PublicBody(input): PublicBody<InvitationInput>,
) -> Answer<HttpResponse> {
    state.check_local_login()?;
    let id = request_id(&request);
    state.run(move |app| invitation::take(app, &id, &input)).await?;
    Ok(HttpResponse::NoContent().finish())
}
