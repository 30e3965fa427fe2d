//! `/tags`: what a carrier sorts its records by (Schlagwörter), and its tags of companies, actors and
//! consultations.

use actix_web::web::{Data, Json};
use actix_web::{get, patch, post, put};
use lotse_app::tag;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::{ActorId, CompanyId, ConsultationId, TagId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::tag::{Tag, TagFilter, TagInput, Tags, TagsInput};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, PublicBody, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(archive)
        .service(history)
        .service(of_company)
        .service(set_of_company)
        .service(of_actor)
        .service(set_of_actor)
        .service(of_consultation)
        .service(set_of_consultation);
}

/// Tags of the own carrier, by name.
#[utoipa::path(
    tag = "Tags and views", operation_id = "list_tags", params(PageParams, TagFilter),
    responses((status = 200, description = "One page", body = Page<Tag>))
)]
#[get("/tags")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<TagFilter>,
) -> Answer<Listed<Tag>> {
    state.list(query, move |app, query| tag::list(app, &caller, &query.filter, &query.paging)).await
}

/// Adds a tag to the own carrier's.
#[utoipa::path(
    tag = "Tags and views", operation_id = "create_tag", params(IdempotencyHeader),
    request_body = TagInput,
    responses((status = 201, description = "Created", body = Tag))
)]
#[post("/tags")]
async fn create(state: Data<State>, command: Command<TagInput>) -> Answer<Created<Tag>> {
    let new = state.run(move |app| tag::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One tag.
#[utoipa::path(
    tag = "Tags and views", operation_id = "get_tag", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The tag", body = Tag))
)]
#[get("/tags/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<TagId>,
) -> Answer<Found<Tag>> {
    let found = state.run(move |app| tag::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a tag (JSON Merge Patch).
#[utoipa::path(
    tag = "Tags and views", operation_id = "change_tag", params(IdPath, IfMatchHeader),
    request_body(content = TagInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The tag as it is now", body = Tag))
)]
#[patch("/tags/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<TagId>,
    request: Change,
) -> Answer<Found<Tag>> {
    let changed = state
        .run(move |app| tag::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// Archives a tag with a reason. It stays on what has it and is set on nothing more.
#[utoipa::path(
    tag = "Tags and views", operation_id = "archive_tag",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The tag as it is now", body = Tag))
)]
#[post("/tags/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<TagId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Tag>> {
    let archived = state
        .run(move |app| tag::archive(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(archived))
}

/// Who changed the tag, when, from what to what.
#[utoipa::path(
    tag = "Tags and views", operation_id = "list_tag_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/tags/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<TagId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| tag::history(app, &caller, id, &query.paging)).await
}

/// The own carrier's tags of a company.
#[utoipa::path(
    tag = "Tags and views", operation_id = "get_company_tags", params(IdPath),
    responses((status = 200, description = "The tags, by name", body = Tags))
)]
#[get("/companies/{id}/tags")]
async fn of_company(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
) -> Answer<Json<Tags>> {
    let kind = OrganisationKind::Company;
    let tags = state.run(move |app| tag::of_organisation(app, &caller, kind, id.into())).await?;
    Ok(Json(tags))
}

/// Gives a company these tags of the own carrier in place of those before. The company itself, which the
/// network shares, does not change.
#[utoipa::path(
    tag = "Tags and views", operation_id = "set_company_tags", params(IdPath),
    request_body = TagsInput,
    responses((status = 200, description = "The tags as they are now", body = Tags))
)]
#[put("/companies/{id}/tags")]
async fn set_of_company(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
    PublicBody(input): PublicBody<TagsInput>,
) -> Answer<Json<Tags>> {
    let kind = OrganisationKind::Company;
    let tags = state
        .run(move |app| tag::set_of_organisation(app, &caller, kind, id.into(), &input))
        .await?;
    Ok(Json(tags))
}

/// The own carrier's tags of an actor.
#[utoipa::path(
    tag = "Tags and views", operation_id = "get_actor_tags", params(IdPath),
    responses((status = 200, description = "The tags, by name", body = Tags))
)]
#[get("/actors/{id}/tags")]
async fn of_actor(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ActorId>,
) -> Answer<Json<Tags>> {
    let kind = OrganisationKind::Actor;
    let tags = state.run(move |app| tag::of_organisation(app, &caller, kind, id.into())).await?;
    Ok(Json(tags))
}

/// Gives an actor these tags of the own carrier in place of those before. The actor itself, which the
/// network shares, does not change.
#[utoipa::path(
    tag = "Tags and views", operation_id = "set_actor_tags", params(IdPath),
    request_body = TagsInput,
    responses((status = 200, description = "The tags as they are now", body = Tags))
)]
#[put("/actors/{id}/tags")]
async fn set_of_actor(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ActorId>,
    PublicBody(input): PublicBody<TagsInput>,
) -> Answer<Json<Tags>> {
    let kind = OrganisationKind::Actor;
    let tags = state
        .run(move |app| tag::set_of_organisation(app, &caller, kind, id.into(), &input))
        .await?;
    Ok(Json(tags))
}

/// The tags of a consultation.
#[utoipa::path(
    tag = "Tags and views", operation_id = "get_consultation_tags", params(IdPath),
    responses((status = 200, description = "The tags, by name", body = Tags))
)]
#[get("/consultations/{id}/tags")]
async fn of_consultation(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ConsultationId>,
) -> Answer<Json<Tags>> {
    let tags = state.run(move |app| tag::of_consultation(app, &caller, id)).await?;
    Ok(Json(tags))
}

/// Gives a consultation these tags in place of those before. Everybody of the carrier may; the
/// consultation itself does not change.
#[utoipa::path(
    tag = "Tags and views", operation_id = "set_consultation_tags", params(IdPath),
    request_body = TagsInput,
    responses((status = 200, description = "The tags as they are now", body = Tags))
)]
#[put("/consultations/{id}/tags")]
async fn set_of_consultation(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ConsultationId>,
    PublicBody(input): PublicBody<TagsInput>,
) -> Answer<Json<Tags>> {
    let tags = state.run(move |app| tag::set_of_consultation(app, &caller, id, &input)).await?;
    Ok(Json(tags))
}
