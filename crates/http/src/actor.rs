//! `/actors`: authorities, chambers and others of the network (Akteure).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::{actor, consultation, contact};
use lotse_domain::actor::{Actor, ActorFilter, ActorInput};
use lotse_domain::audit::HistoryEntry;
use lotse_domain::consultation::{Consultation, ConsultationFilter};
use lotse_domain::contact::{Contact, ContactFilter, ContactInput};
use lotse_domain::duplicate::CreateParams;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::ActorId;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::timeline::{TimelineEntry, TimelineFilter};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, Parameters, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

const KIND: OrganisationKind = OrganisationKind::Actor;

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

/// Network actors (Akteure), by name unless sorted otherwise.
#[utoipa::path(
    tag = "Register", operation_id = "list_actors", params(PageParams, ActorFilter),
    responses((status = 200, description = "One page", body = Page<Actor>))
)]
#[get("/actors")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<ActorFilter>,
) -> Answer<Listed<Actor>> {
    state
        .list(query, move |app, query| actor::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Adds an actor to the register of the network.
///
/// Where organisations of the same or a similar name are there, or of the same register number, VAT id or web
/// domain, the answer is 409 `possible_duplicate` with `candidates`, unless the client insists. An API key needs
/// `read_register` for that, or insists.
#[utoipa::path(
    tag = "Register", operation_id = "create_actor", params(CreateParams, IdempotencyHeader),
    request_body = ActorInput, responses((status = 201, description = "Created", body = Actor))
)]
#[post("/actors")]
async fn create(
    state: Data<State>,
    command: Command<ActorInput>,
    Parameters(params): Parameters<CreateParams>,
) -> Answer<Created<Actor>> {
    let new =
        state.run(move |app| actor::create(app, &command.caller, &params, &command.body)).await?;
    Ok(Created(new))
}

/// One actor.
#[utoipa::path(
    tag = "Register", operation_id = "get_actor", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The actor", body = Actor))
)]
#[get("/actors/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ActorId>,
) -> Answer<Found<Actor>> {
    let found = state.run(move |app| actor::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes an actor (JSON Merge Patch).
#[utoipa::path(
    tag = "Register", operation_id = "change_actor", params(IdPath, IfMatchHeader),
    request_body(content = ActorInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The actor as it is now", body = Actor))
)]
#[patch("/actors/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ActorId>,
    request: Change,
) -> Answer<Found<Actor>> {
    let changed = state
        .run(move |app| actor::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Who changed the actor, when, from what to what.
#[utoipa::path(
    tag = "Register", operation_id = "list_actor_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/actors/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ActorId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| actor::history(app, &caller, id, &query.paging)).await
}

/// Archives an actor with a reason. It stays readable and no longer changes.
#[utoipa::path(
    tag = "Register", operation_id = "archive_actor", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The actor as it is now", body = Actor))
)]
#[post("/actors/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<ActorId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Actor>> {
    let archived = state
        .run(move |app| actor::archive(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(archived))
}

/// Contacts (Ansprechpersonen) of an actor that the own carrier recorded, by name.
#[utoipa::path(
    tag = "Register", operation_id = "list_actor_contacts",
    params(IdPath, PageParams, ContactFilter),
    responses((status = 200, description = "One page", body = Page<Contact>))
)]
#[get("/actors/{id}/contacts")]
async fn list_contacts(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ActorId>,
    query: ListQuery<ContactFilter>,
) -> Answer<Listed<Contact>> {
    state
        .list(query, move |app, query| {
            contact::list(app, &caller, KIND, id.into(), &query.filter, &query.paging)
        })
        .await
}

/// Adds a contact (Ansprechperson) to an actor. It belongs to the own carrier.
#[utoipa::path(
    tag = "Register", operation_id = "create_actor_contact", params(IdPath, IdempotencyHeader),
    request_body = ContactInput,
    responses((status = 201, description = "Created", body = Contact))
)]
#[post("/actors/{id}/contacts")]
async fn create_contact(
    state: Data<State>,
    PathId(id): PathId<ActorId>,
    command: Command<ContactInput>,
) -> Answer<Created<Contact>> {
    let new = state
        .run(move |app| contact::create(app, &command.caller, KIND, id.into(), &command.body))
        .await?;
    Ok(Created(new))
}

/// Consultations of the own carrier with an actor, the latest first.
#[utoipa::path(
    tag = "Consultations", operation_id = "list_actor_consultations",
    params(IdPath, PageParams, ConsultationFilter),
    responses((status = 200, description = "One page", body = Page<Consultation>))
)]
#[get("/actors/{id}/consultations")]
async fn list_consultations(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ActorId>,
    query: ListQuery<ConsultationFilter>,
) -> Answer<Listed<Consultation>> {
    state
        .list(query, move |app, query| {
            consultation::list_of(app, &caller, KIND, id.into(), &query.filter, &query.paging)
        })
        .await
}

/// All that the own carrier has done with an actor and planned, and what became of its entry in the register, by
/// day, the latest first.
///
/// What a caller may not read by itself is left out. A task stands at the day that it is due, an event at its
/// first day.
#[utoipa::path(
    tag = "Register", operation_id = "get_actor_timeline",
    params(IdPath, PageParams, TimelineFilter),
    responses((status = 200, description = "One page", body = Page<TimelineEntry>))
)]
#[get("/actors/{id}/timeline")]
async fn timeline(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ActorId>,
    query: ListQuery<TimelineFilter>,
) -> Answer<Listed<TimelineEntry>> {
    state
        .list(query, move |app, query| {
            lotse_app::timeline::of(app, &caller, KIND, id.into(), &query.filter, &query.paging)
        })
        .await
}
