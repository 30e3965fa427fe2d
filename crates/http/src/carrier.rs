//! `/carriers`: the bodies that run sites (Träger).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::carrier;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::carrier::{Carrier, CarrierInput};
use lotse_domain::id::CarrierId;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(get).service(change).service(history);
}

/// Carriers (Träger), by code.
#[utoipa::path(
    tag = "Network", operation_id = "list_carriers", params(PageParams),
    responses((status = 200, description = "One page", body = Page<Carrier>))
)]
#[get("/carriers")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<Carrier>> {
    state.list(query, move |app, query| carrier::list(app, &caller, &query.paging)).await
}

/// Adds a carrier.
#[utoipa::path(
    tag = "Network", operation_id = "create_carrier", params(IdempotencyHeader), request_body = CarrierInput,
    responses((status = 201, description = "Created", body = Carrier))
)]
#[post("/carriers")]
async fn create(state: Data<State>, command: Command<CarrierInput>) -> Answer<Created<Carrier>> {
    let new = state.run(move |app| carrier::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One carrier.
#[utoipa::path(
    tag = "Network", operation_id = "get_carrier", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The carrier", body = Carrier))
)]
#[get("/carriers/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CarrierId>,
) -> Answer<Found<Carrier>> {
    let found = state.run(move |app| carrier::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a carrier (JSON Merge Patch).
#[utoipa::path(
    tag = "Network", operation_id = "change_carrier", params(IdPath, IfMatchHeader),
    request_body(content = CarrierInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The carrier as it is now", body = Carrier))
)]
#[patch("/carriers/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<CarrierId>,
    request: Change,
) -> Answer<Found<Carrier>> {
    let changed = state
        .run(move |app| carrier::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Who changed the carrier, when, from what to what.
#[utoipa::path(
    tag = "Network", operation_id = "list_carrier_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/carriers/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CarrierId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| carrier::history(app, &caller, id, &query.paging)).await
}
