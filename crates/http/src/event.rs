//! `/events`: round tables, conferences and the rest (Veranstaltungen), of the own carrier.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::event;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::event::{Event, EventFilter, EventInput};
use lotse_domain::id::EventId;
use lotse_domain::page::{Page, PageParams};
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
        .service(void)
        .service(history);
}

/// Events of the own carrier, the latest first unless sorted otherwise.
#[utoipa::path(
    tag = "Events", operation_id = "list_events", params(PageParams, EventFilter),
    responses((status = 200, description = "One page", body = Page<Event>))
)]
#[get("/events")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<EventFilter>,
) -> Answer<Listed<Event>> {
    state
        .list(query, move |app, query| event::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Records an event, planned or held.
#[utoipa::path(
    tag = "Events", operation_id = "create_event", params(IdempotencyHeader), request_body = EventInput,
    responses((status = 201, description = "Recorded", body = Event))
)]
#[post("/events")]
async fn create(state: Data<State>, command: Command<EventInput>) -> Answer<Created<Event>> {
    let new = state.run(move |app| event::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One event with how many take part.
#[utoipa::path(
    tag = "Events", operation_id = "get_event", params(IdPath),
    responses((status = 200, description = "The event", body = Event))
)]
#[get("/events/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EventId>,
) -> Answer<Fresh<Event>> {
    let found = state.run(move |app| event::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes an event (JSON Merge Patch).
#[utoipa::path(
    tag = "Events", operation_id = "change_event", params(IdPath, IfMatchHeader),
    request_body(content = EventInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The event as it is now", body = Event))
)]
#[patch("/events/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<EventId>,
    request: Change,
) -> Answer<Fresh<Event>> {
    let changed = state
        .run(move |app| event::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Fresh(changed))
}

/// Takes an event back with a reason. It stays readable with its participations, and no longer counts.
#[utoipa::path(
    tag = "Events", operation_id = "void_event", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The event as it is now", body = Event))
)]
#[post("/events/{id}/void")]
async fn void(
    state: Data<State>,
    PathId(id): PathId<EventId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Fresh<Event>> {
    let voided = state
        .run(move |app| event::void(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Fresh(voided))
}

/// Who changed the event, when, from what to what. Participations have histories of their own.
#[utoipa::path(
    tag = "Events", operation_id = "list_event_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/events/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EventId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| event::history(app, &caller, id, &query.paging)).await
}
