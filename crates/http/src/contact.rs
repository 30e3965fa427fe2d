//! `/contacts`: persons at companies and actors (Ansprechpersonen), of the own carrier.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::contact;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::contact::{Contact, ContactInput};
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::ContactId;
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Found, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(get).service(change).service(archive).service(history);
}

/// One contact.
#[utoipa::path(
    tag = "Register", operation_id = "get_contact", params(IdPath),
    responses((status = 200, description = "The contact", body = Contact))
)]
#[get("/contacts/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ContactId>,
) -> Answer<Fresh<Contact>> {
    let found = state.run(move |app| contact::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes a contact (JSON Merge Patch).
#[utoipa::path(
    tag = "Register", operation_id = "change_contact", params(IdPath, IfMatchHeader),
    request_body(content = ContactInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The contact as it is now", body = Contact))
)]
#[patch("/contacts/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ContactId>,
    request: Change,
) -> Answer<Found<Contact>> {
    let changed = state
        .run(move |app| contact::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Archives a contact with a reason. It stays readable and no longer changes.
#[utoipa::path(
    tag = "Register", operation_id = "archive_contact", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The contact as it is now", body = Contact))
)]
#[post("/contacts/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<ContactId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Contact>> {
    let archived = state
        .run(move |app| contact::archive(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(archived))
}

/// Who changed the contact, when, from what to what.
#[utoipa::path(
    tag = "Register", operation_id = "list_contact_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/contacts/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ContactId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| contact::history(app, &caller, id, &query.paging)).await
}
