//! `/event-series`: series of events (Veranstaltungsreihen), of the own carrier.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::event_series;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::event_series::{EventSeries, EventSeriesFilter, EventSeriesInput};
use lotse_domain::id::EventSeriesId;
use lotse_domain::page::{Page, PageParams};
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

/// Series of events of the own carrier, by name.
#[utoipa::path(
    tag = "Events", operation_id = "list_event_series", params(PageParams, EventSeriesFilter),
    responses((status = 200, description = "One page", body = Page<EventSeries>))
)]
#[get("/event-series")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<EventSeriesFilter>,
) -> Answer<Listed<EventSeries>> {
    state
        .list(query, move |app, query| {
            event_series::list(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// Adds a series of events.
#[utoipa::path(
    tag = "Events", operation_id = "create_event_series", params(IdempotencyHeader), request_body = EventSeriesInput,
    responses((status = 201, description = "Added", body = EventSeries))
)]
#[post("/event-series")]
async fn create(
    state: Data<State>,
    command: Command<EventSeriesInput>,
) -> Answer<Created<EventSeries>> {
    let new =
        state.run(move |app| event_series::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One series of events.
#[utoipa::path(
    tag = "Events", operation_id = "get_event_series", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The series", body = EventSeries))
)]
#[get("/event-series/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EventSeriesId>,
) -> Answer<Found<EventSeries>> {
    let found = state.run(move |app| event_series::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a series of events (JSON Merge Patch).
#[utoipa::path(
    tag = "Events", operation_id = "change_event_series", params(IdPath, IfMatchHeader),
    request_body(content = EventSeriesInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The series as it is now", body = EventSeries))
)]
#[patch("/event-series/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<EventSeriesId>,
    request: Change,
) -> Answer<Found<EventSeries>> {
    let changed = state
        .run(move |app| {
            event_series::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Archives a series with a reason. No further event is put into it; those that are stay.
#[utoipa::path(
    tag = "Events", operation_id = "archive_event_series", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The series as it is now", body = EventSeries))
)]
#[post("/event-series/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<EventSeriesId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<EventSeries>> {
    let archived = state
        .run(move |app| {
            event_series::archive(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Found(archived))
}

/// Who changed the series, when, from what to what.
#[utoipa::path(
    tag = "Events", operation_id = "list_event_series_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/event-series/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EventSeriesId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| event_series::history(app, &caller, id, &query.paging))
        .await
}
