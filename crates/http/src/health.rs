//! `/health`: for orchestrators. Outside `/api/v1`, without a log-in.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use lotse_app::housekeeping;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(live).service(ready);
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "ready")]
    status: &'static str,
}

fn health(mut response: actix_web::HttpResponseBuilder, status: &'static str) -> HttpResponse {
    response
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(Health { status })
}

/// Whether the process runs.
#[utoipa::path(
    tag = "Health", operation_id = "get_liveness", security(()),
    responses((status = 200, description = "It runs", body = Health))
)]
#[get("/health/live")]
async fn live() -> HttpResponse {
    health(HttpResponse::Ok(), "live")
}

/// Whether requests can be served: the database answers and has every migration.
#[utoipa::path(
    tag = "Health", operation_id = "get_readiness", security(()),
    responses(
        (status = 200, description = "Ready", body = Health),
        (status = 503, description = "Not ready", body = Health)
    )
)]
#[get("/health/ready")]
async fn ready(state: Data<State>) -> HttpResponse {
    match state.run(housekeeping::is_ready).await {
        Ok(true) => health(HttpResponse::Ok(), "ready"),
        Ok(false) => health(HttpResponse::ServiceUnavailable(), "migrations are missing"),
        Err(problem) => {
            tracing::warn!(%problem, "not ready");
            health(HttpResponse::ServiceUnavailable(), "the database does not answer")
        }
    }
}
