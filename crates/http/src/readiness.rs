//! `/funding-periods/{id}/readiness`: whether a period can be closed.

use actix_web::get;
use actix_web::web::{Data, Json};
use lotse_app::readiness;
use lotse_domain::id::FundingPeriodId;
use lotse_domain::readiness::Readiness;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{LoggedIn, PathId};
use crate::openapi::IdPath;
use crate::respond::Answer;
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(get);
}

/// What is missing or contradictory in a period, by site and adviser, and which figures each gap would change:
/// what to mend before it is closed. Of the own carrier, for the coordinator of all.
#[utoipa::path(
    tag = "Figures", operation_id = "get_period_readiness", params(IdPath),
    responses((status = 200, description = "The gaps", body = Readiness))
)]
#[get("/funding-periods/{id}/readiness")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<FundingPeriodId>,
) -> Answer<Json<Readiness>> {
    let readiness = state.run(move |app| readiness::get(app, &caller, id)).await?;
    Ok(Json(readiness))
}
