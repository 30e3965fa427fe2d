//! `/indicators`: named figures by rules that have versions (Indikatoren).

use actix_web::web::{Data, Json};
use actix_web::{get, patch, post};
use lotse_app::indicator;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::IndicatorId;
use lotse_domain::indicator::{
    Indicator, IndicatorFilter, IndicatorInput, IndicatorTrial, IndicatorTrialParams,
    IndicatorValues, IndicatorValuesParams,
};
use lotse_domain::page::{Page, PageParams};
use lotse_domain::statistics::Explanation;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{
    Change, Command, ListQuery, LoggedIn, PageQuery, Parameters, PathId, VersionedCommand,
};
use crate::openapi::{
    IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter, Nothing,
};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(values)
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(activate)
        .service(retire)
        .service(history)
        .service(trial)
        .service(explain);
}

/// Indicators in all their versions, by code, the latest version first.
#[utoipa::path(
    tag = "Indicators", operation_id = "list_indicators",
    params(PageParams, IndicatorFilter),
    responses((status = 200, description = "One page", body = Page<Indicator>))
)]
#[get("/indicators")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<IndicatorFilter>,
) -> Answer<Listed<Indicator>> {
    state
        .list(query, move |app, query| indicator::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Creates a draft: the first version of a new code, or the next one of a code that there is.
#[utoipa::path(
    tag = "Indicators", operation_id = "create_indicator",
    params(IdempotencyHeader), request_body = IndicatorInput,
    responses((status = 201, description = "Created", body = Indicator))
)]
#[post("/indicators")]
async fn create(
    state: Data<State>,
    command: Command<IndicatorInput>,
) -> Answer<Created<Indicator>> {
    let new = state.run(move |app| indicator::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One version of an indicator.
#[utoipa::path(
    tag = "Indicators", operation_id = "get_indicator",
    params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The indicator", body = Indicator))
)]
#[get("/indicators/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<IndicatorId>,
) -> Answer<Found<Indicator>> {
    let found = state.run(move |app| indicator::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a draft (JSON Merge Patch). Its conditions are replaced as a whole.
#[utoipa::path(
    tag = "Indicators", operation_id = "change_indicator",
    params(IdPath, IfMatchHeader),
    request_body(content = IndicatorInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The indicator as it is now", body = Indicator))
)]
#[patch("/indicators/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<IndicatorId>,
    request: Change,
) -> Answer<Found<Indicator>> {
    let changed = state
        .run(move |app| indicator::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Activates a draft: from now on it is frozen, and figures are made by it. The version that was active is
/// retired.
#[utoipa::path(
    tag = "Indicators", operation_id = "activate_indicator",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The indicator as it is now", body = Indicator))
)]
#[post("/indicators/{id}/activate")]
async fn activate(
    state: Data<State>,
    PathId(id): PathId<IndicatorId>,
    request: VersionedCommand<Nothing>,
) -> Answer<Found<Indicator>> {
    let activated =
        state.run(move |app| indicator::activate(app, &request.caller, id, request.seen)).await?;
    Ok(Found(activated))
}

/// Retires an active version: no figure is made by it any more.
#[utoipa::path(
    tag = "Indicators", operation_id = "retire_indicator",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The indicator as it is now", body = Indicator))
)]
#[post("/indicators/{id}/retire")]
async fn retire(
    state: Data<State>,
    PathId(id): PathId<IndicatorId>,
    request: VersionedCommand<Nothing>,
) -> Answer<Found<Indicator>> {
    let retired =
        state.run(move |app| indicator::retire(app, &request.caller, id, request.seen)).await?;
    Ok(Found(retired))
}

/// Who changed the indicator, when, from what to what.
#[utoipa::path(
    tag = "Indicators", operation_id = "list_indicator_history",
    params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/indicators/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<IndicatorId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| indicator::history(app, &caller, id, &query.paging)).await
}

/// What all active indicators say of a window, in the caller's scope.
#[utoipa::path(
    tag = "Indicators", operation_id = "get_indicator_values", params(IndicatorValuesParams),
    responses((status = 200, description = "The values", body = IndicatorValues))
)]
#[get("/indicators/values")]
async fn values(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    Parameters(params): Parameters<IndicatorValuesParams>,
) -> Answer<Json<IndicatorValues>> {
    let values = state.run(move |app| indicator::values(app, &caller, &params)).await?;
    Ok(Json(values))
}

/// What a period's figures would be by this version beside the active one, and which records would come or
/// go. Nothing is written.
#[utoipa::path(
    tag = "Indicators", operation_id = "try_indicator", params(IdPath, IndicatorTrialParams),
    responses((status = 200, description = "Both values and the difference", body = IndicatorTrial))
)]
#[get("/indicators/{id}/trial")]
async fn trial(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<IndicatorId>,
    Parameters(params): Parameters<IndicatorTrialParams>,
) -> Answer<Json<IndicatorTrial>> {
    let trial = state.run(move |app| indicator::trial(app, &caller, id, &params)).await?;
    Ok(Json(trial))
}

/// The records behind the value of an indicator of consultations, as `explain_figure` answers them.
#[utoipa::path(
    tag = "Indicators", operation_id = "explain_indicator",
    params(IdPath, PageParams, IndicatorValuesParams),
    responses((status = 200, description = "One page", body = Explanation))
)]
#[get("/indicators/{id}/explain")]
async fn explain(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<IndicatorId>,
    query: PageQuery<IndicatorValuesParams>,
) -> Answer<Json<Explanation>> {
    let explanation = state
        .run(move |app| indicator::explain(app, &caller, id, &query.filter, &query.paging))
        .await?;
    Ok(Json(explanation))
}
