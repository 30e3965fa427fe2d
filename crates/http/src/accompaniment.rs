//! `/accompaniments`: companies accompanied for 100 days (Begleitungen), of the own carrier.

use actix_web::web::{Data, Json};
use actix_web::{get, patch, post};
use lotse_app::accompaniment;
use lotse_domain::accompaniment::{
    Accompaniment, AccompanimentFilter, AccompanimentInput, AgreeInput, Board, BoardFilter,
    CompleteInput, EndInput, RejectInput, StartInput,
};
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::AccompanimentId;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, Parameters, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Fresh, Listed};
use crate::state::State;

mod agreement;
mod dates;
mod milestone;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(board)
        .service(get)
        .service(change)
        .service(agree)
        .service(reject)
        .service(start)
        .service(dates::pause)
        .service(dates::resume)
        .service(dates::replan)
        .service(complete)
        .service(end)
        .service(history)
        .configure(agreement::routes)
        .configure(milestone::routes);
}

/// Accompaniments of the own carrier, requested last first unless sorted otherwise.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "list_accompaniments",
    params(PageParams, AccompanimentFilter),
    responses((status = 200, description = "One page", body = Page<Accompaniment>))
)]
#[get("/accompaniments")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<AccompanimentFilter>,
) -> Answer<Listed<Accompaniment>> {
    state
        .list(query, move |app, query| {
            accompaniment::list(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// Records that a company asks to be accompanied. A company has one accompaniment at a time, with whichever
/// carrier.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "request_accompaniment", params(IdempotencyHeader),
    request_body = AccompanimentInput,
    responses((status = 201, description = "Recorded", body = Accompaniment))
)]
#[post("/accompaniments")]
async fn create(
    state: Data<State>,
    command: Command<AccompanimentInput>,
) -> Answer<Created<Accompaniment>> {
    let new =
        state.run(move |app| accompaniment::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// What is under way, by the phase that it is in: day, traffic light, next step. All of it in one answer.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "get_accompaniment_board", params(BoardFilter),
    responses((status = 200, description = "The board", body = Board))
)]
#[get("/accompaniments/board")]
async fn board(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    Parameters(filter): Parameters<BoardFilter>,
) -> Answer<Json<Board>> {
    let board = state.run(move |app| accompaniment::board(app, &caller, &filter)).await?;
    Ok(Json(board))
}

/// One accompaniment, with what is derived of it today.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "get_accompaniment", params(IdPath),
    responses((status = 200, description = "The accompaniment", body = Accompaniment))
)]
#[get("/accompaniments/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AccompanimentId>,
) -> Answer<Fresh<Accompaniment>> {
    let found = state.run(move |app| accompaniment::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes an accompaniment that is not over (JSON Merge Patch): lead and stand-in, who recorded it, and
/// managers do. After the start the template stays.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "change_accompaniment", params(IdPath, IfMatchHeader),
    request_body(content = AccompanimentInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[patch("/accompaniments/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    request: Change,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Agrees to a request, with the goals as far as there are any.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "agree_accompaniment",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = AgreeInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/agree")]
async fn agree(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<AgreeInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| accompaniment::agree(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Fresh(changed))
}

/// Rejects a request with a reason.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "reject_accompaniment",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = RejectInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/reject")]
async fn reject(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<RejectInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::reject(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Starts what was agreed: day 1, and every step gets its date.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "start_accompaniment",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = StartInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/start")]
async fn start(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<StartInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| accompaniment::start(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Fresh(changed))
}

/// Completes it with its outcome. Mandatory steps are done or waived before, and goals measured.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "complete_accompaniment",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = CompleteInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/complete")]
async fn complete(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<CompleteInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::complete(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Ends it before its time, with the reason.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "end_accompaniment",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = EndInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/end")]
async fn end(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    command: VersionedCommand<EndInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| accompaniment::end(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Fresh(changed))
}

/// Who changed the accompaniment, when, from what to what.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "list_accompaniment_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/accompaniments/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AccompanimentId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| accompaniment::history(app, &caller, id, &query.paging))
        .await
}
