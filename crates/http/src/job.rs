//! `/jobs`: work that takes longer than a request (Aufträge), of the own carrier.

use actix_web::web::Data;
use actix_web::{get, post};
use lotse_app::job;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::JobId;
use lotse_domain::job::{Job, JobFilter};
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter, Nothing};
use crate::respond::{Answer, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(get).service(cancel).service(retry).service(history);
}

/// Jobs of the own carrier, the latest first.
#[utoipa::path(
    tag = "Imports", operation_id = "list_jobs", params(PageParams, JobFilter),
    responses((status = 200, description = "One page", body = Page<Job>))
)]
#[get("/jobs")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<JobFilter>,
) -> Answer<Listed<Job>> {
    state.list(query, move |app, query| job::list(app, &caller, &query.filter, &query.paging)).await
}

/// One job, and how far it is. Its version changes with its status, not with each piece of work.
#[utoipa::path(
    tag = "Imports", operation_id = "get_job", params(IdPath),
    responses((status = 200, description = "The job", body = Job))
)]
#[get("/jobs/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<JobId>,
) -> Answer<Fresh<Job>> {
    let found = state.run(move |app| job::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Cancels a job: at once while it waits, before its next piece of work while it runs. What was done stays.
#[utoipa::path(
    tag = "Imports", operation_id = "cancel_job", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = Nothing,
    responses((status = 200, description = "The job as it is now", body = Job))
)]
#[post("/jobs/{id}/cancel")]
async fn cancel(
    state: Data<State>,
    PathId(id): PathId<JobId>,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Job>> {
    let cancelled =
        state.run(move |app| job::cancel(app, &command.caller, id, command.seen)).await?;
    Ok(Fresh(cancelled))
}

/// Queues a job again that failed or was cancelled. It goes on where it stopped.
#[utoipa::path(
    tag = "Imports", operation_id = "retry_job", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = Nothing,
    responses((status = 200, description = "The job as it is now", body = Job))
)]
#[post("/jobs/{id}/retry")]
async fn retry(
    state: Data<State>,
    PathId(id): PathId<JobId>,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Job>> {
    let queued = state.run(move |app| job::retry(app, &command.caller, id, command.seen)).await?;
    Ok(Fresh(queued))
}

/// Who asked for the job, cancelled it and queued it again, and when.
#[utoipa::path(
    tag = "Imports", operation_id = "list_job_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/jobs/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<JobId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| job::history(app, &caller, id, &query.paging)).await
}
