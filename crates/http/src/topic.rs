//! `/topics`: what consultations are about (Themen).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::topic;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::TopicId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::topic::{Topic, TopicFilter, TopicInput};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(create).service(get).service(change).service(history);
}

/// Topics of consultation (Themen), by code.
#[utoipa::path(
    tag = "Network", operation_id = "list_topics", params(PageParams, TopicFilter),
    responses((status = 200, description = "One page", body = Page<Topic>))
)]
#[get("/topics")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<TopicFilter>,
) -> Answer<Listed<Topic>> {
    state
        .list(query, move |app, query| topic::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Adds a topic.
#[utoipa::path(
    tag = "Network", operation_id = "create_topic", params(IdempotencyHeader), request_body = TopicInput,
    responses((status = 201, description = "Created", body = Topic))
)]
#[post("/topics")]
async fn create(state: Data<State>, command: Command<TopicInput>) -> Answer<Created<Topic>> {
    let new = state.run(move |app| topic::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One topic.
#[utoipa::path(
    tag = "Network", operation_id = "get_topic", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The topic", body = Topic))
)]
#[get("/topics/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<TopicId>,
) -> Answer<Found<Topic>> {
    let found = state.run(move |app| topic::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a topic (JSON Merge Patch).
#[utoipa::path(
    tag = "Network", operation_id = "change_topic", params(IdPath, IfMatchHeader),
    request_body(content = TopicInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The topic as it is now", body = Topic))
)]
#[patch("/topics/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<TopicId>,
    request: Change,
) -> Answer<Found<Topic>> {
    let changed = state
        .run(move |app| topic::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Who changed the topic, when, from what to what.
#[utoipa::path(
    tag = "Network", operation_id = "list_topic_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/topics/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<TopicId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| topic::history(app, &caller, id, &query.paging)).await
}
