//! `/corrections`: what records of closed funding periods should have said (Korrektureinträge), of the own
//! carrier.

use actix_web::web::Data;
use actix_web::{get, post};
use lotse_app::correction;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::correction::{Correction, CorrectionFilter, CorrectionInput};
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::CorrectionId;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(enter).service(get).service(withdraw).service(history);
}

/// Corrections of the own carrier, the latest first unless sorted otherwise.
#[utoipa::path(
    tag = "Corrections", operation_id = "list_corrections", params(PageParams, CorrectionFilter),
    responses((status = 200, description = "One page", body = Page<Correction>))
)]
#[get("/corrections")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<CorrectionFilter>,
) -> Answer<Listed<Correction>> {
    state
        .list(query, move |app, query| correction::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Enters a correction against a closed funding period.
///
/// Neither the record nor a figure changes: what differs stands beside them. `change` says what a record
/// should read like, on top of its corrections before; `void`, that it should not be there; `add`, that one
/// is missing. Who may change a record in an open period corrects it in a closed one: its advisers, who
/// recorded it, and managers. In a period that is not closed the record itself is changed, and here the
/// answer is 409.
#[utoipa::path(
    tag = "Corrections", operation_id = "enter_correction", params(IdempotencyHeader),
    request_body = CorrectionInput,
    responses((status = 201, description = "Entered", body = Correction))
)]
#[post("/corrections")]
async fn enter(
    state: Data<State>,
    command: Command<CorrectionInput>,
) -> Answer<Created<Correction>> {
    let new = state.run(move |app| correction::enter(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One correction.
#[utoipa::path(
    tag = "Corrections", operation_id = "get_correction", params(IdPath),
    responses((status = 200, description = "The correction", body = Correction))
)]
#[get("/corrections/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CorrectionId>,
) -> Answer<Fresh<Correction>> {
    let found = state.run(move |app| correction::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Takes a correction back with a reason: who recorded it and managers do.
///
/// Of several of one record the last one goes first, since each says what it says on top of those before.
#[utoipa::path(
    tag = "Corrections", operation_id = "withdraw_correction",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The correction as it is now", body = Correction))
)]
#[post("/corrections/{id}/withdraw")]
async fn withdraw(
    state: Data<State>,
    PathId(id): PathId<CorrectionId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Correction>> {
    let withdrawn = state
        .run(move |app| correction::withdraw(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(withdrawn))
}

/// Who entered and withdrew the correction, when.
#[utoipa::path(
    tag = "Corrections", operation_id = "list_correction_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/corrections/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CorrectionId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| correction::history(app, &caller, id, &query.paging)).await
}
