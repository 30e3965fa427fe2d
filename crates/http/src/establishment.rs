//! `/establishments`: places of employment of companies (Betriebsstätten).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::establishment;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::establishment::{Establishment, EstablishmentInput};
use lotse_domain::id::{CompanyId, EstablishmentId};
use lotse_domain::page::{Page, PageParams};
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
        .service(archive)
        .service(history);
}

/// Establishments (Betriebsstätten) of a company, by name.
#[utoipa::path(
    tag = "Register", operation_id = "list_company_establishments", params(IdPath, PageParams),
    responses((status = 200, description = "One page", body = Page<Establishment>))
)]
#[get("/companies/{id}/establishments")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<Establishment>> {
    state.list(query, move |app, query| establishment::list(app, &caller, id, &query.paging)).await
}

/// Adds an establishment (Betriebsstätte) to a company.
#[utoipa::path(
    tag = "Register", operation_id = "create_company_establishment",
    params(IdPath, IdempotencyHeader), request_body = EstablishmentInput,
    responses((status = 201, description = "Created", body = Establishment))
)]
#[post("/companies/{id}/establishments")]
async fn create(
    state: Data<State>,
    PathId(id): PathId<CompanyId>,
    command: Command<EstablishmentInput>,
) -> Answer<Created<Establishment>> {
    let new = state
        .run(move |app| establishment::create(app, &command.caller, id, &command.body))
        .await?;
    Ok(Created(new))
}

/// One establishment.
#[utoipa::path(
    tag = "Register", operation_id = "get_establishment", params(IdPath),
    responses((status = 200, description = "The establishment", body = Establishment))
)]
#[get("/establishments/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EstablishmentId>,
) -> Answer<Fresh<Establishment>> {
    let found = state.run(move |app| establishment::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes an establishment (JSON Merge Patch).
#[utoipa::path(
    tag = "Register", operation_id = "change_establishment", params(IdPath, IfMatchHeader),
    request_body(content = EstablishmentInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The establishment as it is now", body = Establishment))
)]
#[patch("/establishments/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<EstablishmentId>,
    request: Change,
) -> Answer<Found<Establishment>> {
    let changed = state
        .run(move |app| {
            establishment::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Archives an establishment with a reason. It stays readable and no longer changes.
#[utoipa::path(
    tag = "Register", operation_id = "archive_establishment", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The establishment as it is now", body = Establishment))
)]
#[post("/establishments/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<EstablishmentId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Establishment>> {
    let archived = state
        .run(move |app| {
            establishment::archive(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Found(archived))
}

/// Who changed the establishment, when, from what to what.
#[utoipa::path(
    tag = "Register", operation_id = "list_establishment_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/establishments/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EstablishmentId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| establishment::history(app, &caller, id, &query.paging))
        .await
}
