//! `/duplicates`: pairs of companies, or of actors, that may be the same.

use actix_web::web::Data;
use actix_web::{get, post};
use lotse_app::duplicate_pair;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::duplicate_pair::{DuplicateFilter, DuplicatePair};
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::DuplicatePairId;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter, Nothing};
use crate::respond::{Answer, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(get).service(dismiss).service(restore).service(history);
}

/// Pairs of companies and pairs of actors that may be the same, the likeliest first; those to be checked unless
/// `state` says otherwise. The server finds them by itself, within minutes after an organisation was added or
/// changed.
#[utoipa::path(
    tag = "Register", operation_id = "list_duplicates", params(PageParams, DuplicateFilter),
    responses((status = 200, description = "One page", body = Page<DuplicatePair>))
)]
#[get("/duplicates")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<DuplicateFilter>,
) -> Answer<Listed<DuplicatePair>> {
    state
        .list(query, move |app, query| {
            duplicate_pair::list(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// One pair with both organisations as they are now.
#[utoipa::path(
    tag = "Register", operation_id = "get_duplicate", params(IdPath),
    responses((status = 200, description = "The pair", body = DuplicatePair))
)]
#[get("/duplicates/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<DuplicatePairId>,
) -> Answer<Fresh<DuplicatePair>> {
    let found = state.run(move |app| duplicate_pair::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Says that the two are not the same. It is remembered: the pair is open again only when they agree in something
/// that they did not agree in before (register number, VAT id, web domain, name), or when it is restored.
#[utoipa::path(
    tag = "Register", operation_id = "dismiss_duplicate",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The pair as it is now", body = DuplicatePair))
)]
#[post("/duplicates/{id}/dismiss")]
async fn dismiss(
    state: Data<State>,
    PathId(id): PathId<DuplicatePairId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Fresh<DuplicatePair>> {
    let dismissed = state
        .run(move |app| {
            duplicate_pair::dismiss(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Fresh(dismissed))
}

/// Takes back that they are not the same.
#[utoipa::path(
    tag = "Register", operation_id = "restore_duplicate",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The pair as it is now", body = DuplicatePair))
)]
#[post("/duplicates/{id}/restore")]
async fn restore(
    state: Data<State>,
    PathId(id): PathId<DuplicatePairId>,
    request: VersionedCommand<Nothing>,
) -> Answer<Fresh<DuplicatePair>> {
    let restored = state
        .run(move |app| duplicate_pair::restore(app, &request.caller, id, request.seen))
        .await?;
    Ok(Fresh(restored))
}

/// Who dismissed and restored the pair, and what was different when it was compared anew. When it was found is in the
/// pair.
#[utoipa::path(
    tag = "Register", operation_id = "list_duplicate_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/duplicates/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<DuplicatePairId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| duplicate_pair::history(app, &caller, id, &query.paging))
        .await
}
