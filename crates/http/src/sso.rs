//! `/auth/sso`: log-in at an OpenID Connect provider.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder, get, post};
use lotse_app::sso;
use lotse_domain::Error;
use lotse_domain::session::Tokens;
use lotse_domain::sso::{GroupRoles, LogInMethods, REFUSED, SsoCallbackInput, SsoFlow};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::cookie;
use crate::edge::request_id;
use crate::extract::PublicBody;
use crate::oidc::{Failure, Provider};
use crate::problem::{Problem, ProblemBody};
use crate::respond::{Answer, not_stored};
use crate::session::{client, tokens};
use crate::state::State;

/// Single sign-on as it is set up.
pub struct Sso {
    pub provider: Provider,
    pub roles: GroupRoles,
}

pub fn routes(config: &mut ServiceConfig) {
    config.service(methods).service(begin).service(finish);
}

/// How to log in here, for a page that offers it.
#[utoipa::path(
    tag = "Session", operation_id = "get_log_in_methods", security(()),
    responses((status = 200, description = "What is switched on", body = LogInMethods))
)]
#[get("/auth/methods")]
async fn methods(state: Data<State>) -> Json<LogInMethods> {
    Json(LogInMethods { password: state.local_login, sso: state.sso.is_some() })
}

/// Begins a log-in with single sign-on. Keep `flow`, send the browser to `authorization_url`; the
/// provider sends it back to the page that is set up there, within ten minutes.
#[utoipa::path(
    tag = "Session", operation_id = "begin_sso", security(()),
    responses(
        (status = 200, description = "Begun", body = SsoFlow),
        (status = 404, description = "Single sign-on is not set up (`sso_off`)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "The provider cannot be reached (`provider_unavailable`), or the \
            database is busy", body = ProblemBody, content_type = "application/problem+json")
    )
)]
#[post("/auth/sso")]
async fn begin(state: Data<State>, request: HttpRequest) -> Answer<impl Responder> {
    let sso = state.sso()?;
    let endpoint = sso.provider.authorization_endpoint().await;
    let endpoint = match endpoint {
        Ok(endpoint) => endpoint,
        Err(failure) => return Err(failed(&state, &request, failure).await),
    };
    let begun = state.run(sso::begin).await?;
    let authorization_url = sso.provider.authorization_url(endpoint, &begun);
    Ok(not_stored(Json(SsoFlow { authorization_url, flow: begun.flow })))
}

/// Finishes a log-in with single sign-on: takes what the provider sent the browser back with and opens
/// a session. Whatever it answers, the log-in is used up; begin another one.
#[utoipa::path(
    tag = "Session", operation_id = "finish_sso", request_body = SsoCallbackInput, security(()),
    responses(
        (status = 200, description = "Logged in", body = Tokens),
        (status = 404, description = "Single sign-on is not set up (`sso_off`)", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The last administrator would become something else",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The provider cannot be reached (`provider_unavailable`), or the \
            database is busy", body = ProblemBody, content_type = "application/problem+json")
    )
)]
#[post("/auth/sso/callback")]
async fn finish(
    state: Data<State>,
    request: HttpRequest,
    PublicBody(input): PublicBody<SsoCallbackInput>,
) -> Answer<HttpResponse> {
    let sso = state.sso()?;
    let (id, cookies) = (request_id(&request), input.cookies);
    if cookies {
        cookie::check_origin(&request, &state)?;
    }
    let (input, taken) = state
        .run(move |app| {
            let taken = sso::take(app, &id, &input)?;
            Ok((input, taken))
        })
        .await?;
    let identity = sso.provider.identity(&input.code, input.iss.as_deref(), &taken).await;
    let identity = match identity {
        Ok(identity) => identity,
        Err(failure) => return Err(failed(&state, &request, failure).await),
    };
    let (id, client, roles) = (request_id(&request), client(&request), sso.roles.clone());
    let opened =
        state.run(move |app| sso::log_in(app, &id, &identity, &roles, client.as_deref())).await?;
    tokens(&state, &opened, cookies)
}

/// The reason goes into the log, for the operator.
async fn failed(state: &State, request: &HttpRequest, failure: Failure) -> Problem {
    match failure {
        Failure::Refused(reason) => {
            let id = request_id(request);
            tracing::info!(request_id = id, reason, "single sign-on refused");
            let refused = state.run(move |app| sso::refuse::<()>(app, &id)).await;
            refused.err().unwrap_or_else(|| Error::Unauthenticated(REFUSED).into())
        }
        Failure::Unavailable(cause) => Error::ProviderUnavailable(cause).into(),
    }
}

impl State {
    fn sso(&self) -> Answer<&Sso> {
        self.sso.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "sso_off",
                "Not found",
                "Single sign-on is not set up at this installation.",
            )
        })
    }

    /// Refuses what has to do with passwords where single sign-on is the only way in.
    pub(crate) fn check_local_login(&self) -> Answer<()> {
        if self.local_login {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "local_login_off",
            "Not allowed",
            "Passwords are switched off at this installation. Log in with single sign-on.",
        ))
    }
}
