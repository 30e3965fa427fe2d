//! `/bulk-changes`: one change of many records (Sammeländerungen).

use actix_web::web::{Data, Json};
use actix_web::{get, post};
use lotse_app::bulk_change;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::bulk_change::{
    BulkChange, BulkChangeFilter, BulkChangeInput, BulkDryRun, BulkRow, BulkRowFilter,
};
use lotse_domain::id::BulkChangeId;
use lotse_domain::job::Job;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter, Nothing};
use crate::respond::{Answer, Created, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(preview)
        .service(dry_run)
        .service(run)
        .service(rows)
        .service(history);
}

/// Bulk changes of the own carrier, the latest first.
#[utoipa::path(
    tag = "Bulk changes", operation_id = "list_bulk_changes", params(PageParams, BulkChangeFilter),
    responses((status = 200, description = "One page", body = Page<BulkChange>))
)]
#[get("/bulk-changes")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<BulkChangeFilter>,
) -> Answer<Listed<BulkChange>> {
    state
        .list(query, move |app, query| {
            bulk_change::list(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// Writes down what is to be done to which records, each with the version that it has now. Nothing is changed yet.
#[utoipa::path(
    tag = "Bulk changes", operation_id = "create_bulk_change", params(IdempotencyHeader),
    request_body = BulkChangeInput,
    responses((status = 201, description = "The bulk change, as a draft", body = BulkChange))
)]
#[post("/bulk-changes")]
async fn create(
    state: Data<State>,
    command: Command<BulkChangeInput>,
) -> Answer<Created<BulkChange>> {
    let new =
        state.run(move |app| bulk_change::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One bulk change, and how many records came to what.
#[utoipa::path(
    tag = "Bulk changes", operation_id = "get_bulk_change", params(IdPath),
    responses((status = 200, description = "The bulk change", body = BulkChange))
)]
#[get("/bulk-changes/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<BulkChangeId>,
) -> Answer<Fresh<BulkChange>> {
    let found = state.run(move |app| bulk_change::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// What would come of each record that nothing came of yet. It changes nothing.
#[utoipa::path(
    tag = "Bulk changes", operation_id = "preview_bulk_change", params(IdPath, PageParams),
    responses((status = 200, description = "One page, in the order of the selection", body = Page<BulkRow>))
)]
#[get("/bulk-changes/{id}/preview")]
async fn preview(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<BulkChangeId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<BulkRow>> {
    state.list(query, move |app, query| bulk_change::preview(app, &caller, id, &query.paging)).await
}

/// What would come of all records that nothing came of yet: how many come to what, and each kind of error with how
/// often it is there. It changes nothing.
#[utoipa::path(
    tag = "Bulk changes", operation_id = "dry_run_bulk_change", params(IdPath),
    responses((status = 200, description = "What would come of it", body = BulkDryRun))
)]
#[get("/bulk-changes/{id}/dry-run")]
async fn dry_run(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<BulkChangeId>,
) -> Answer<Json<BulkDryRun>> {
    Ok(Json(state.run(move |app| bulk_change::dry_run(app, &caller, id)).await?))
}

/// Queues the job that changes the records, as the caller and by the rules that hold for each of them. One that has
/// another version than when it was selected is left alone.
#[utoipa::path(
    tag = "Bulk changes", operation_id = "run_bulk_change",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The job", body = Job))
)]
#[post("/bulk-changes/{id}/run")]
async fn run(
    state: Data<State>,
    PathId(id): PathId<BulkChangeId>,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Job>> {
    let job =
        state.run(move |app| bulk_change::start(app, &command.caller, id, command.seen)).await?;
    Ok(Fresh(job))
}

/// The records, and what came of each.
#[utoipa::path(
    tag = "Bulk changes", operation_id = "list_bulk_change_rows",
    params(IdPath, PageParams, BulkRowFilter),
    responses((status = 200, description = "One page, in the order of the selection", body = Page<BulkRow>))
)]
#[get("/bulk-changes/{id}/rows")]
async fn rows(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<BulkChangeId>,
    query: ListQuery<BulkRowFilter>,
) -> Answer<Listed<BulkRow>> {
    state
        .list(query, move |app, query| {
            bulk_change::rows(app, &caller, id, &query.filter, &query.paging)
        })
        .await
}

/// Who did what with the bulk change, and when.
#[utoipa::path(
    tag = "Bulk changes", operation_id = "list_bulk_change_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/bulk-changes/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<BulkChangeId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| bulk_change::history(app, &caller, id, &query.paging)).await
}
