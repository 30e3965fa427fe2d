//! `/districts` and `/coverages`: Kreise, and which site covers which, when.

use actix_web::web::{Data, Json};
use actix_web::{get, patch, post};
use lotse_app::district;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::district::{
    Coverage, CoverageFilter, CoverageInput, District, DistrictCandidates, DistrictFilter,
    DistrictInput, PostcodeParams,
};
use lotse_domain::id::{CoverageId, DistrictId};
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, Parameters, PathId};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    // Before that of one district, whose id it is not.
    config.service(candidates);
    config.service(list).service(create).service(get).service(change).service(history);
    config
        .service(list_coverages)
        .service(create_coverage)
        .service(get_coverage)
        .service(change_coverage)
        .service(coverage_history);
}

/// Districts (Kreise und kreisfreie Städte), by key.
#[utoipa::path(
    tag = "Network", operation_id = "list_districts", params(PageParams, DistrictFilter),
    responses((status = 200, description = "One page", body = Page<District>))
)]
#[get("/districts")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<DistrictFilter>,
) -> Answer<Listed<District>> {
    state
        .list(query, move |app, query| district::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// In which districts an address with a postcode may be, by the addresses of the register: for entry, where the
/// district is often left out.
#[utoipa::path(
    tag = "Network", operation_id = "list_district_candidates", params(PostcodeParams),
    responses((status = 200, description = "The candidates", body = DistrictCandidates))
)]
#[get("/districts/candidates")]
async fn candidates(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    Parameters(params): Parameters<PostcodeParams>,
) -> Answer<Json<DistrictCandidates>> {
    let found = state.run(move |app| district::candidates(app, &caller, &params)).await?;
    Ok(Json(found))
}

/// Adds a district.
#[utoipa::path(
    tag = "Network", operation_id = "create_district", params(IdempotencyHeader), request_body = DistrictInput,
    responses((status = 201, description = "Created", body = District))
)]
#[post("/districts")]
async fn create(state: Data<State>, command: Command<DistrictInput>) -> Answer<Created<District>> {
    let new = state.run(move |app| district::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One district.
#[utoipa::path(
    tag = "Network", operation_id = "get_district", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The district", body = District))
)]
#[get("/districts/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<DistrictId>,
) -> Answer<Found<District>> {
    let found = state.run(move |app| district::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a district (JSON Merge Patch).
#[utoipa::path(
    tag = "Network", operation_id = "change_district", params(IdPath, IfMatchHeader),
    request_body(content = DistrictInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The district as it is now", body = District))
)]
#[patch("/districts/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<DistrictId>,
    request: Change,
) -> Answer<Found<District>> {
    let changed = state
        .run(move |app| district::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Who changed the district, when, from what to what.
#[utoipa::path(
    tag = "Network", operation_id = "list_district_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/districts/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<DistrictId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| district::history(app, &caller, id, &query.paging)).await
}

/// Which site covers which district, when.
#[utoipa::path(
    tag = "Network", operation_id = "list_coverages", params(PageParams, CoverageFilter),
    responses((status = 200, description = "One page", body = Page<Coverage>))
)]
#[get("/coverages")]
async fn list_coverages(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<CoverageFilter>,
) -> Answer<Listed<Coverage>> {
    state
        .list(query, move |app, query| {
            district::list_coverages(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// Lets a site cover a district from a date on.
#[utoipa::path(
    tag = "Network", operation_id = "create_coverage", params(IdempotencyHeader), request_body = CoverageInput,
    responses((status = 201, description = "Created", body = Coverage))
)]
#[post("/coverages")]
async fn create_coverage(
    state: Data<State>,
    command: Command<CoverageInput>,
) -> Answer<Created<Coverage>> {
    let new = state
        .run(move |app| district::create_coverage(app, &command.caller, &command.body))
        .await?;
    Ok(Created(new))
}

/// One coverage.
#[utoipa::path(
    tag = "Network", operation_id = "get_coverage", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The coverage", body = Coverage))
)]
#[get("/coverages/{id}")]
async fn get_coverage(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CoverageId>,
) -> Answer<Found<Coverage>> {
    let found = state.run(move |app| district::get_coverage(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a coverage (JSON Merge Patch).
#[utoipa::path(
    tag = "Network", operation_id = "change_coverage", params(IdPath, IfMatchHeader),
    request_body(content = CoverageInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The coverage as it is now", body = Coverage))
)]
#[patch("/coverages/{id}")]
async fn change_coverage(
    state: Data<State>,
    PathId(id): PathId<CoverageId>,
    request: Change,
) -> Answer<Found<Coverage>> {
    let changed = state
        .run(move |app| {
            district::change_coverage(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Who changed the coverage, when, from what to what.
#[utoipa::path(
    tag = "Network", operation_id = "list_coverage_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/coverages/{id}/history")]
async fn coverage_history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CoverageId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| district::coverage_history(app, &caller, id, &query.paging))
        .await
}
