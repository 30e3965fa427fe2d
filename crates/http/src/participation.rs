//! `/events/{id}/participations`, `/events/{id}/attendance` and `/participations`: who takes part in the
//! events of the own carrier (Teilnahmen).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::participation;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::event::Event;
use lotse_domain::id::{EventId, ParticipationId};
use lotse_domain::page::{Page, PageParams};
use lotse_domain::participation::{
    AttendanceInput, Participation, ParticipationFilter, ParticipationInput,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(register)
        .service(record_attendance)
        .service(get)
        .service(change)
        .service(void)
        .service(history);
}

/// Who takes part in an event, in the order of registration.
#[utoipa::path(
    tag = "Events", operation_id = "list_participations", params(IdPath, PageParams, ParticipationFilter),
    responses((status = 200, description = "One page", body = Page<Participation>))
)]
#[get("/events/{id}/participations")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EventId>,
    query: ListQuery<ParticipationFilter>,
) -> Answer<Listed<Participation>> {
    state
        .list(query, move |app, query| {
            participation::list(app, &caller, id, &query.filter, &query.paging)
        })
        .await
}

/// Puts a contact, or a headcount of an organisation or of unknown people, on the list of an event.
#[utoipa::path(
    tag = "Events", operation_id = "register_participation", params(IdPath, IdempotencyHeader),
    request_body = ParticipationInput,
    responses((status = 201, description = "On the list", body = Participation))
)]
#[post("/events/{id}/participations")]
async fn register(
    state: Data<State>,
    PathId(id): PathId<EventId>,
    command: Command<ParticipationInput>,
) -> Answer<Created<Participation>> {
    let new = state
        .run(move |app| participation::register(app, &command.caller, id, &command.body))
        .await?;
    Ok(Created(new))
}

/// Records who was there, all of it or nothing.
///
/// Those on the list become `attended`, `no_show` or `withdrawn`; who came besides is a walk-in, or
/// `attended` when the contact or organisation is on the list already. The same list may be sent again:
/// what says nothing new changes nothing.
#[utoipa::path(
    tag = "Events", operation_id = "record_attendance", params(IdPath, IdempotencyHeader),
    request_body = AttendanceInput,
    responses((status = 200, description = "The event with what it counts now", body = Event))
)]
#[post("/events/{id}/attendance")]
async fn record_attendance(
    state: Data<State>,
    PathId(id): PathId<EventId>,
    command: Command<AttendanceInput>,
) -> Answer<Fresh<Event>> {
    let event = state
        .run(move |app| participation::record_attendance(app, &command.caller, id, &command.body))
        .await?;
    Ok(Fresh(event))
}

/// One participation.
#[utoipa::path(
    tag = "Events", operation_id = "get_participation", params(IdPath),
    responses((status = 200, description = "The participation", body = Participation))
)]
#[get("/participations/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ParticipationId>,
) -> Answer<Fresh<Participation>> {
    let found = state.run(move |app| participation::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes a participation (JSON Merge Patch).
#[utoipa::path(
    tag = "Events", operation_id = "change_participation", params(IdPath, IfMatchHeader),
    request_body(content = ParticipationInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The participation as it is now", body = Participation))
)]
#[patch("/participations/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ParticipationId>,
    request: Change,
) -> Answer<Found<Participation>> {
    let changed = state
        .run(move |app| {
            participation::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Takes a participation back with a reason. It stays readable and no longer counts.
#[utoipa::path(
    tag = "Events", operation_id = "void_participation", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The participation as it is now", body = Participation))
)]
#[post("/participations/{id}/void")]
async fn void(
    state: Data<State>,
    PathId(id): PathId<ParticipationId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Participation>> {
    let voided = state
        .run(move |app| participation::void(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(voided))
}

/// Who changed the participation, when, from what to what.
#[utoipa::path(
    tag = "Events", operation_id = "list_participation_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/participations/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ParticipationId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| participation::history(app, &caller, id, &query.paging))
        .await
}
