//! `/tasks`: follow-ups and what else is to be done (Wiedervorlagen, Aufgaben), of the own carrier.

use actix_web::web::{Data, Json};
use actix_web::{get, patch, post};
use lotse_app::task;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::TaskId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::task::{
    ReassignInput, Reassigned, Task, TaskCompleteInput, TaskFilter, TaskInput,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter, Nothing};
use crate::respond::{Answer, Created, Found, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(reassign)
        .service(get)
        .service(change)
        .service(complete)
        .service(cancel)
        .service(reopen)
        .service(history);
}

/// Tasks of the own carrier, those due first unless sorted otherwise.
#[utoipa::path(
    tag = "Tasks", operation_id = "list_tasks", params(PageParams, TaskFilter),
    responses((status = 200, description = "One page", body = Page<Task>))
)]
#[get("/tasks")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<TaskFilter>,
) -> Answer<Listed<Task>> {
    state
        .list(query, move |app, query| task::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Records a task.
#[utoipa::path(
    tag = "Tasks", operation_id = "create_task", params(IdempotencyHeader), request_body = TaskInput,
    responses((status = 201, description = "Recorded", body = Task))
)]
#[post("/tasks")]
async fn create(state: Data<State>, command: Command<TaskInput>) -> Answer<Created<Task>> {
    let new = state.run(move |app| task::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// Gives the open tasks and referrals of somebody who leaves to somebody else, all or none. For managers.
#[utoipa::path(
    tag = "Tasks", operation_id = "reassign_tasks", params(IdempotencyHeader),
    request_body = ReassignInput,
    responses((status = 200, description = "What went to somebody else", body = Reassigned))
)]
#[post("/tasks/reassign")]
async fn reassign(state: Data<State>, command: Command<ReassignInput>) -> Answer<Json<Reassigned>> {
    let done = state.run(move |app| task::reassign(app, &command.caller, &command.body)).await?;
    Ok(Json(done))
}

/// One task.
#[utoipa::path(
    tag = "Tasks", operation_id = "get_task", params(IdPath),
    responses((status = 200, description = "The task", body = Task))
)]
#[get("/tasks/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<TaskId>,
) -> Answer<Fresh<Task>> {
    let found = state.run(move |app| task::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes an open task (JSON Merge Patch): owner and stand-in, who recorded it, and managers do.
#[utoipa::path(
    tag = "Tasks", operation_id = "change_task", params(IdPath, IfMatchHeader),
    request_body(content = TaskInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The task as it is now", body = Task))
)]
#[patch("/tasks/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<TaskId>,
    request: Change,
) -> Answer<Found<Task>> {
    let changed = state
        .run(move |app| task::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Ticks a task off. Everybody who advises for the carrier may.
#[utoipa::path(
    tag = "Tasks", operation_id = "complete_task", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = TaskCompleteInput,
    responses((status = 200, description = "The task as it is now", body = Task))
)]
#[post("/tasks/{id}/complete")]
async fn complete(
    state: Data<State>,
    PathId(id): PathId<TaskId>,
    command: VersionedCommand<TaskCompleteInput>,
) -> Answer<Found<Task>> {
    let completed = state
        .run(move |app| task::complete(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(completed))
}

/// Cancels a task with a reason.
#[utoipa::path(
    tag = "Tasks", operation_id = "cancel_task", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The task as it is now", body = Task))
)]
#[post("/tasks/{id}/cancel")]
async fn cancel(
    state: Data<State>,
    PathId(id): PathId<TaskId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Task>> {
    let cancelled = state
        .run(move |app| task::cancel(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(cancelled))
}

/// Opens a task again that was done or cancelled.
#[utoipa::path(
    tag = "Tasks", operation_id = "reopen_task", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = Nothing,
    responses((status = 200, description = "The task as it is now", body = Task))
)]
#[post("/tasks/{id}/reopen")]
async fn reopen(
    state: Data<State>,
    PathId(id): PathId<TaskId>,
    request: VersionedCommand<Nothing>,
) -> Answer<Found<Task>> {
    let reopened =
        state.run(move |app| task::reopen(app, &request.caller, id, request.seen)).await?;
    Ok(Found(reopened))
}

/// Who changed the task, when, from what to what.
#[utoipa::path(
    tag = "Tasks", operation_id = "list_task_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/tasks/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<TaskId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| task::history(app, &caller, id, &query.paging)).await
}
