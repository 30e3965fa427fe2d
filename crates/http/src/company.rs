//! `/companies`: the register of companies (Unternehmen), shared in the network.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::{company, consultation, contact};
use lotse_domain::audit::HistoryEntry;
use lotse_domain::company::{Company, CompanyFilter, CompanyInput};
use lotse_domain::consultation::{Consultation, ConsultationFilter};
use lotse_domain::contact::{Contact, ContactFilter, ContactInput};
use lotse_domain::duplicate::CreateParams;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::CompanyId;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::timeline::{TimelineEntry, TimelineFilter};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, Parameters, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

const KIND: OrganisationKind = OrganisationKind::Company;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(archive)
        .service(history)
        .service(list_contacts)
        .service(create_contact)
        .service(list_consultations)
        .service(timeline);
}

/// Companies (Unternehmen), by name unless sorted otherwise.
#[utoipa::path(
    tag = "Register", operation_id = "list_companies", params(PageParams, CompanyFilter),
    responses((status = 200, description = "One page", body = Page<Company>))
)]
#[get("/companies")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<CompanyFilter>,
) -> Answer<Listed<Company>> {
    state
        .list(query, move |app, query| company::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Adds a company to the register of the network.
///
/// Where organisations of the same or a similar name are there, or of the same register number, VAT id or web
/// domain, the answer is 409 `possible_duplicate` with `candidates`, unless the client insists. An API key needs
/// `read_register` for that, or insists.
#[utoipa::path(
    tag = "Register", operation_id = "create_company", params(CreateParams, IdempotencyHeader),
    request_body = CompanyInput, responses((status = 201, description = "Created", body = Company))
)]
#[post("/companies")]
async fn create(
    state: Data<State>,
    command: Command<CompanyInput>,
    Parameters(params): Parameters<CreateParams>,
) -> Answer<Created<Company>> {
    let new =
        state.run(move |app| company::create(app, &command.caller, &params, &command.body)).await?;
    Ok(Created(new))
}

/// One company.
#[utoipa::path(
    tag = "Register", operation_id = "get_company", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The company", body = Company))
)]
#[get("/companies/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
) -> Answer<Found<Company>> {
    let found = state.run(move |app| company::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a company (JSON Merge Patch).
#[utoipa::path(
    tag = "Register", operation_id = "change_company", params(IdPath, IfMatchHeader),
    request_body(content = CompanyInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The company as it is now", body = Company))
)]
#[patch("/companies/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<CompanyId>,
    request: Change,
) -> Answer<Found<Company>> {
    let changed = state
        .run(move |app| company::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Who changed the company, when, from what to what.
#[utoipa::path(
    tag = "Register", operation_id = "list_company_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/companies/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| company::history(app, &caller, id, &query.paging)).await
}

/// Archives a company with a reason. It stays readable and no longer changes.
#[utoipa::path(
    tag = "Register", operation_id = "archive_company", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The company as it is now", body = Company))
)]
#[post("/companies/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<CompanyId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Company>> {
    let archived = state
        .run(move |app| company::archive(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(archived))
}

/// Contacts (Ansprechpersonen) of a company that the own carrier recorded, by name.
#[utoipa::path(
    tag = "Register", operation_id = "list_company_contacts",
    params(IdPath, PageParams, ContactFilter),
    responses((status = 200, description = "One page", body = Page<Contact>))
)]
#[get("/companies/{id}/contacts")]
async fn list_contacts(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
    query: ListQuery<ContactFilter>,
) -> Answer<Listed<Contact>> {
    state
        .list(query, move |app, query| {
            contact::list(app, &caller, KIND, id.into(), &query.filter, &query.paging)
        })
        .await
}

/// Adds a contact (Ansprechperson) to a company. It belongs to the own carrier.
#[utoipa::path(
    tag = "Register", operation_id = "create_company_contact", params(IdPath, IdempotencyHeader),
    request_body = ContactInput,
    responses((status = 201, description = "Created", body = Contact))
)]
#[post("/companies/{id}/contacts")]
async fn create_contact(
    state: Data<State>,
    PathId(id): PathId<CompanyId>,
    command: Command<ContactInput>,
) -> Answer<Created<Contact>> {
    let new = state
        .run(move |app| contact::create(app, &command.caller, KIND, id.into(), &command.body))
        .await?;
    Ok(Created(new))
}

/// Consultations of the own carrier with a company, the latest first.
#[utoipa::path(
    tag = "Consultations", operation_id = "list_company_consultations",
    params(IdPath, PageParams, ConsultationFilter),
    responses((status = 200, description = "One page", body = Page<Consultation>))
)]
#[get("/companies/{id}/consultations")]
async fn list_consultations(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
    query: ListQuery<ConsultationFilter>,
) -> Answer<Listed<Consultation>> {
    state
        .list(query, move |app, query| {
            consultation::list_of(app, &caller, KIND, id.into(), &query.filter, &query.paging)
        })
        .await
}

/// All that the own carrier has done with a company and planned, and what became of its entry in the register, by
/// day, the latest first.
///
/// What a caller may not read by itself is left out. A task stands at the day that it is due, an event at its
/// first day.
#[utoipa::path(
    tag = "Register", operation_id = "get_company_timeline",
    params(IdPath, PageParams, TimelineFilter),
    responses((status = 200, description = "One page", body = Page<TimelineEntry>))
)]
#[get("/companies/{id}/timeline")]
async fn timeline(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
    query: ListQuery<TimelineFilter>,
) -> Answer<Listed<TimelineEntry>> {
    state
        .list(query, move |app, query| {
            lotse_app::timeline::of(app, &caller, KIND, id.into(), &query.filter, &query.paging)
        })
        .await
}
