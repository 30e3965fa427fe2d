//! `/referrals`: organisations sent on to network actors (Verweisungen), of the own carrier.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::referral;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::ReferralId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::referral::{
    Referral, ReferralAnswerInput, ReferralCloseInput, ReferralFilter, ReferralInput,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(answer)
        .service(close)
        .service(withdraw)
        .service(history);
}

/// Referrals of the own carrier, the latest first unless sorted otherwise.
#[utoipa::path(
    tag = "Referrals", operation_id = "list_referrals", params(PageParams, ReferralFilter),
    responses((status = 200, description = "One page", body = Page<Referral>))
)]
#[get("/referrals")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<ReferralFilter>,
) -> Answer<Listed<Referral>> {
    state
        .list(query, move |app, query| referral::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Records a referral.
#[utoipa::path(
    tag = "Referrals", operation_id = "create_referral", params(IdempotencyHeader),
    request_body = ReferralInput,
    responses((status = 201, description = "Recorded", body = Referral))
)]
#[post("/referrals")]
async fn create(state: Data<State>, command: Command<ReferralInput>) -> Answer<Created<Referral>> {
    let new = state.run(move |app| referral::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One referral.
#[utoipa::path(
    tag = "Referrals", operation_id = "get_referral", params(IdPath),
    responses((status = 200, description = "The referral", body = Referral))
)]
#[get("/referrals/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ReferralId>,
) -> Answer<Fresh<Referral>> {
    let found = state.run(move |app| referral::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes an open referral (JSON Merge Patch): its owner, who recorded it, and managers do.
#[utoipa::path(
    tag = "Referrals", operation_id = "change_referral", params(IdPath, IfMatchHeader),
    request_body(content = ReferralInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The referral as it is now", body = Referral))
)]
#[patch("/referrals/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ReferralId>,
    request: Change,
) -> Answer<Found<Referral>> {
    let changed = state
        .run(move |app| referral::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Records what the actor answered. Everybody who advises for the carrier may.
#[utoipa::path(
    tag = "Referrals", operation_id = "answer_referral",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReferralAnswerInput,
    responses((status = 200, description = "The referral as it is now", body = Referral))
)]
#[post("/referrals/{id}/answer")]
async fn answer(
    state: Data<State>,
    PathId(id): PathId<ReferralId>,
    command: VersionedCommand<ReferralAnswerInput>,
) -> Answer<Found<Referral>> {
    let answered = state
        .run(move |app| referral::answer(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(answered))
}

/// Records what came of a referral, also when no answer ever came. Everybody who advises for the carrier
/// may.
#[utoipa::path(
    tag = "Referrals", operation_id = "close_referral",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReferralCloseInput,
    responses((status = 200, description = "The referral as it is now", body = Referral))
)]
#[post("/referrals/{id}/close")]
async fn close(
    state: Data<State>,
    PathId(id): PathId<ReferralId>,
    command: VersionedCommand<ReferralCloseInput>,
) -> Answer<Found<Referral>> {
    let closed = state
        .run(move |app| referral::close(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(closed))
}

/// Takes a referral back with a reason, as long as it is not closed.
#[utoipa::path(
    tag = "Referrals", operation_id = "withdraw_referral",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The referral as it is now", body = Referral))
)]
#[post("/referrals/{id}/withdraw")]
async fn withdraw(
    state: Data<State>,
    PathId(id): PathId<ReferralId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Referral>> {
    let withdrawn = state
        .run(move |app| referral::withdraw(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(withdrawn))
}

/// Who changed the referral, when, from what to what.
#[utoipa::path(
    tag = "Referrals", operation_id = "list_referral_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/referrals/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ReferralId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| referral::history(app, &caller, id, &query.paging)).await
}
