//! `/saved-views`: lists with filter and order under a name (gespeicherte Ansichten).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::saved_view;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::SavedViewId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::saved_view::{SavedView, SavedViewFilter, SavedViewInput};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(archive)
        .service(history);
}

/// The own views and those shared in the carrier, by name.
#[utoipa::path(
    tag = "Tags and views", operation_id = "list_saved_views", params(PageParams, SavedViewFilter),
    responses((status = 200, description = "One page", body = Page<SavedView>))
)]
#[get("/saved-views")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<SavedViewFilter>,
) -> Answer<Listed<SavedView>> {
    state
        .list(query, move |app, query| saved_view::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Saves a list with its filter and order. The caller owns it.
#[utoipa::path(
    tag = "Tags and views", operation_id = "create_saved_view", params(IdempotencyHeader),
    request_body = SavedViewInput,
    responses((status = 201, description = "Created", body = SavedView))
)]
#[post("/saved-views")]
async fn create(
    state: Data<State>,
    command: Command<SavedViewInput>,
) -> Answer<Created<SavedView>> {
    let new = state.run(move |app| saved_view::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One view.
#[utoipa::path(
    tag = "Tags and views", operation_id = "get_saved_view", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The view", body = SavedView))
)]
#[get("/saved-views/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<SavedViewId>,
) -> Answer<Found<SavedView>> {
    let found = state.run(move |app| saved_view::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a view (JSON Merge Patch): its owner, or a manager when it is shared.
#[utoipa::path(
    tag = "Tags and views", operation_id = "change_saved_view", params(IdPath, IfMatchHeader),
    request_body(content = SavedViewInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The view as it is now", body = SavedView))
)]
#[patch("/saved-views/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<SavedViewId>,
    request: Change,
) -> Answer<Found<SavedView>> {
    let changed = state
        .run(move |app| saved_view::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Archives a view with a reason: its owner, or a manager when it is shared.
#[utoipa::path(
    tag = "Tags and views", operation_id = "archive_saved_view",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The view as it is now", body = SavedView))
)]
#[post("/saved-views/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<SavedViewId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<SavedView>> {
    let archived = state
        .run(move |app| saved_view::archive(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(archived))
}

/// Who changed the view, when, from what to what.
#[utoipa::path(
    tag = "Tags and views", operation_id = "list_saved_view_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/saved-views/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<SavedViewId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| saved_view::history(app, &caller, id, &query.paging)).await
}
