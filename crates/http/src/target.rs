//! `/targets`: what carriers are to reach of indicators (Soll), and how far they are.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::target;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::TargetId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::target::{Target, TargetFilter, TargetInput};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Fresh, Listed};
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

/// Targets of the own carrier, for the coordinator those of all carriers, each with actual, per cent,
/// forecast and needed pace. What counts is the records of its carrier.
#[utoipa::path(
    tag = "Targets", operation_id = "list_targets", params(PageParams, TargetFilter),
    responses((status = 200, description = "One page", body = Page<Target>))
)]
#[get("/targets")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<TargetFilter>,
) -> Answer<Listed<Target>> {
    state
        .list(query, move |app, query| target::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Sets a target: one for each indicator, time and place.
#[utoipa::path(
    tag = "Targets", operation_id = "create_target", params(IdempotencyHeader),
    request_body = TargetInput,
    responses((status = 201, description = "Created", body = Target))
)]
#[post("/targets")]
async fn create(state: Data<State>, command: Command<TargetInput>) -> Answer<Created<Target>> {
    let new = state.run(move |app| target::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One target with how far it is.
#[utoipa::path(
    tag = "Targets", operation_id = "get_target", params(IdPath),
    responses((status = 200, description = "The target", body = Target))
)]
#[get("/targets/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<TargetId>,
) -> Answer<Fresh<Target>> {
    let found = state.run(move |app| target::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes value and note of a target (JSON Merge Patch), until its period is closed.
#[utoipa::path(
    tag = "Targets", operation_id = "change_target", params(IdPath, IfMatchHeader),
    request_body(content = TargetInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The target as it is now", body = Target))
)]
#[patch("/targets/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<TargetId>,
    request: Change,
) -> Answer<Fresh<Target>> {
    let changed = state
        .run(move |app| target::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Fresh(changed))
}

/// Archives a target with a reason. Another one can take its place.
#[utoipa::path(
    tag = "Targets", operation_id = "archive_target",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The target as it is now", body = Target))
)]
#[post("/targets/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<TargetId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Fresh<Target>> {
    let archived = state
        .run(move |app| target::archive(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Fresh(archived))
}

/// Who changed the target, when, from what to what.
#[utoipa::path(
    tag = "Targets", operation_id = "list_target_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/targets/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<TargetId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| target::history(app, &caller, id, &query.paging)).await
}
