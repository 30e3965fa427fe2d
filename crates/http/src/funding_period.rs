//! `/funding-periods`: the windows that figures are reported for (Förderzeiträume).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::funding_period;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::funding_period::{FundingPeriod, FundingPeriodInput};
use lotse_domain::id::FundingPeriodId;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(get).service(change).service(history);
}

/// Funding periods (Förderzeiträume), by start.
#[utoipa::path(
    tag = "Network", operation_id = "list_funding_periods", params(PageParams),
    responses((status = 200, description = "One page", body = Page<FundingPeriod>))
)]
#[get("/funding-periods")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<FundingPeriod>> {
    state.list(query, move |app, query| funding_period::list(app, &caller, &query.paging)).await
}

/// Adds a funding period. Periods do not overlap.
#[utoipa::path(
    tag = "Network", operation_id = "create_funding_period", params(IdempotencyHeader), request_body = FundingPeriodInput,
    responses((status = 201, description = "Created", body = FundingPeriod))
)]
#[post("/funding-periods")]
async fn create(
    state: Data<State>,
    command: Command<FundingPeriodInput>,
) -> Answer<Created<FundingPeriod>> {
    let new =
        state.run(move |app| funding_period::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One funding period.
#[utoipa::path(
    tag = "Network", operation_id = "get_funding_period", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The funding period", body = FundingPeriod))
)]
#[get("/funding-periods/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<FundingPeriodId>,
) -> Answer<Found<FundingPeriod>> {
    let found = state.run(move |app| funding_period::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a funding period (JSON Merge Patch).
#[utoipa::path(
    tag = "Network", operation_id = "change_funding_period", params(IdPath, IfMatchHeader),
    request_body(content = FundingPeriodInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The funding period as it is now", body = FundingPeriod))
)]
#[patch("/funding-periods/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<FundingPeriodId>,
    request: Change,
) -> Answer<Found<FundingPeriod>> {
    let changed = state
        .run(move |app| {
            funding_period::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Who changed the funding period, when, from what to what.
#[utoipa::path(
    tag = "Network", operation_id = "list_funding_period_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/funding-periods/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<FundingPeriodId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| funding_period::history(app, &caller, id, &query.paging))
        .await
}
