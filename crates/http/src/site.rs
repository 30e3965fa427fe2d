//! `/sites`: where carriers advise (Standorte).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::site;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::SiteId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::site::{Site, SiteFilter, SiteInput};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(get).service(change).service(history);
}

/// Sites (Standorte), by name.
#[utoipa::path(
    tag = "Network", operation_id = "list_sites", params(PageParams, SiteFilter),
    responses((status = 200, description = "One page", body = Page<Site>))
)]
#[get("/sites")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<SiteFilter>,
) -> Answer<Listed<Site>> {
    state
        .list(query, move |app, query| site::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Adds a site.
#[utoipa::path(
    tag = "Network", operation_id = "create_site", params(IdempotencyHeader), request_body = SiteInput,
    responses((status = 201, description = "Created", body = Site))
)]
#[post("/sites")]
async fn create(state: Data<State>, command: Command<SiteInput>) -> Answer<Created<Site>> {
    let new = state.run(move |app| site::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One site.
#[utoipa::path(
    tag = "Network", operation_id = "get_site", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The site", body = Site))
)]
#[get("/sites/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<SiteId>,
) -> Answer<Found<Site>> {
    let found = state.run(move |app| site::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a site (JSON Merge Patch).
#[utoipa::path(
    tag = "Network", operation_id = "change_site", params(IdPath, IfMatchHeader),
    request_body(content = SiteInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The site as it is now", body = Site))
)]
#[patch("/sites/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<SiteId>,
    request: Change,
) -> Answer<Found<Site>> {
    let changed = state
        .run(move |app| site::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Who changed the site, when, from what to what.
#[utoipa::path(
    tag = "Network", operation_id = "list_site_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/sites/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<SiteId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| site::history(app, &caller, id, &query.paging)).await
}
