//! `/consultations`: what was said to whom (Beratungen), of the own carrier.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::consultation;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::consultation::{Consultation, ConsultationFilter, ConsultationInput};
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::ConsultationId;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list).service(log).service(get).service(change).service(void).service(history);
}

/// Consultations of the own carrier, the latest first unless sorted otherwise.
#[utoipa::path(
    tag = "Consultations", operation_id = "list_consultations", params(PageParams, ConsultationFilter),
    responses((status = 200, description = "One page", body = Page<Consultation>))
)]
#[get("/consultations")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<ConsultationFilter>,
) -> Answer<Listed<Consultation>> {
    state
        .list(query, move |app, query| {
            consultation::list(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// Logs a consultation.
#[utoipa::path(
    tag = "Consultations", operation_id = "log_consultation", params(IdempotencyHeader), request_body = ConsultationInput,
    responses((status = 201, description = "Logged", body = Consultation))
)]
#[post("/consultations")]
async fn log(
    state: Data<State>,
    command: Command<ConsultationInput>,
) -> Answer<Created<Consultation>> {
    let new = state.run(move |app| consultation::log(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One consultation.
#[utoipa::path(
    tag = "Consultations", operation_id = "get_consultation", params(IdPath),
    responses((status = 200, description = "The consultation", body = Consultation))
)]
#[get("/consultations/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ConsultationId>,
) -> Answer<Fresh<Consultation>> {
    let found = state.run(move |app| consultation::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes a consultation (JSON Merge Patch).
#[utoipa::path(
    tag = "Consultations", operation_id = "change_consultation", params(IdPath, IfMatchHeader),
    request_body(content = ConsultationInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The consultation as it is now", body = Consultation))
)]
#[patch("/consultations/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ConsultationId>,
    request: Change,
) -> Answer<Found<Consultation>> {
    let changed = state
        .run(move |app| {
            consultation::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Takes a consultation back with a reason. It stays readable and no longer counts.
#[utoipa::path(
    tag = "Consultations", operation_id = "void_consultation", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The consultation as it is now", body = Consultation))
)]
#[post("/consultations/{id}/void")]
async fn void(
    state: Data<State>,
    PathId(id): PathId<ConsultationId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Consultation>> {
    let voided = state
        .run(move |app| consultation::void(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(voided))
}

/// Who changed the consultation, when, from what to what.
#[utoipa::path(
    tag = "Consultations", operation_id = "list_consultation_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/consultations/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ConsultationId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| consultation::history(app, &caller, id, &query.paging))
        .await
}
