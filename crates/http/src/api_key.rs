//! `/api-keys`: how other systems work with the API.

use actix_web::web::Data;
use actix_web::{CustomizeResponder, get, patch, post};
use lotse_app::api_key;
use lotse_domain::api_key::{ApiKey, ApiKeyFilter, ApiKeyInput, ApiKeyWithSecret, RotateInput};
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::ApiKeyId;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter, Nothing};
use crate::respond::{Answer, Created, Found, Fresh, Listed, not_stored};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(history)
        .service(approve)
        .service(rotate)
        .service(revoke);
}

/// API keys, the latest first: to managers those of their carrier, to administrators all.
#[utoipa::path(
    tag = "API keys", operation_id = "list_api_keys", params(PageParams, ApiKeyFilter),
    responses((status = 200, description = "One page", body = Page<ApiKey>))
)]
#[get("/api-keys")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<ApiKeyFilter>,
) -> Answer<Listed<ApiKey>> {
    state
        .list(query, move |app, query| api_key::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Makes a key. A manager's holds at once and comes with its secret; an administrator's waits until a
/// manager of the carrier approves it.
#[utoipa::path(
    tag = "API keys", operation_id = "create_api_key", params(IdempotencyHeader),
    request_body = ApiKeyInput,
    responses((status = 201, description = "Created", body = ApiKeyWithSecret))
)]
#[post("/api-keys")]
async fn create(
    state: Data<State>,
    command: Command<ApiKeyInput>,
) -> Answer<CustomizeResponder<Created<ApiKeyWithSecret>>> {
    let new = state.run(move |app| api_key::create(app, &command.caller, &command.body)).await?;
    Ok(not_stored(Created(new)))
}

/// One key. Its secrets are shown as far as they can be recognised.
#[utoipa::path(
    tag = "API keys", operation_id = "get_api_key", params(IdPath),
    responses((status = 200, description = "The key", body = ApiKey))
)]
#[get("/api-keys/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ApiKeyId>,
) -> Answer<Fresh<ApiKey>> {
    let found = state.run(move |app| api_key::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes a key (JSON Merge Patch). Scopes are taken away by whoever manages the key; to add some, or
/// to let it hold longer, takes who may do for the carrier what it opens.
#[utoipa::path(
    tag = "API keys", operation_id = "change_api_key", params(IdPath, IfMatchHeader),
    request_body(content = ApiKeyInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The key as it is now", body = ApiKey))
)]
#[patch("/api-keys/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ApiKeyId>,
    request: Change,
) -> Answer<Found<ApiKey>> {
    let changed = state
        .run(move |app| api_key::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Who changed the key, when, from what to what.
#[utoipa::path(
    tag = "API keys", operation_id = "list_api_key_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/api-keys/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ApiKeyId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| api_key::history(app, &caller, id, &query.paging)).await
}

/// Lets in a key that waits, and shows its secret: to somebody who may do himself what it opens.
#[utoipa::path(
    tag = "API keys", operation_id = "approve_api_key",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The key as it is now", body = ApiKeyWithSecret))
)]
#[post("/api-keys/{id}/approve")]
async fn approve(
    state: Data<State>,
    PathId(id): PathId<ApiKeyId>,
    request: VersionedCommand<Nothing>,
) -> Answer<CustomizeResponder<Found<ApiKeyWithSecret>>> {
    let approved =
        state.run(move |app| api_key::approve(app, &request.caller, id, request.seen)).await?;
    Ok(not_stored(Found(approved)))
}

/// Makes the key's next secret. Those before stay good for `overlap_hours`, so that the other system
/// can be told the new one without a gap.
#[utoipa::path(
    tag = "API keys", operation_id = "rotate_api_key",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = RotateInput,
    responses((status = 200, description = "The key as it is now", body = ApiKeyWithSecret))
)]
#[post("/api-keys/{id}/rotate")]
async fn rotate(
    state: Data<State>,
    PathId(id): PathId<ApiKeyId>,
    request: VersionedCommand<RotateInput>,
) -> Answer<CustomizeResponder<Found<ApiKeyWithSecret>>> {
    let rotated = state
        .run(move |app| api_key::rotate(app, &request.caller, id, request.seen, &request.body))
        .await?;
    Ok(not_stored(Found(rotated)))
}

/// Ends the key at once, for good.
#[utoipa::path(
    tag = "API keys", operation_id = "revoke_api_key",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The key as it is now", body = ApiKey))
)]
#[post("/api-keys/{id}/revoke")]
async fn revoke(
    state: Data<State>,
    PathId(id): PathId<ApiKeyId>,
    request: VersionedCommand<ReasonInput>,
) -> Answer<Found<ApiKey>> {
    let revoked = state
        .run(move |app| api_key::revoke(app, &request.caller, id, request.seen, &request.body))
        .await?;
    Ok(Found(revoked))
}
