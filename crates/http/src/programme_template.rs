//! `/programme-templates`: what accompaniments and recruitment cases are planned by (Vorlagen).

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::programme_template;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::ProgrammeTemplateId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::programme_template::{
    ProgrammeTemplate, ProgrammeTemplateFilter, ProgrammeTemplateInput,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
use crate::openapi::{
    IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter, Nothing,
};
use crate::respond::{Answer, Created, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(publish)
        .service(retire)
        .service(history);
}

/// Templates in all their versions, by code unless sorted otherwise.
#[utoipa::path(
    tag = "Programme templates", operation_id = "list_programme_templates",
    params(PageParams, ProgrammeTemplateFilter),
    responses((status = 200, description = "One page", body = Page<ProgrammeTemplate>))
)]
#[get("/programme-templates")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<ProgrammeTemplateFilter>,
) -> Answer<Listed<ProgrammeTemplate>> {
    state
        .list(query, move |app, query| {
            programme_template::list(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// Creates a draft: the first version of a new code, or the next one of a code that there is. What is
/// exported elsewhere is imported here.
#[utoipa::path(
    tag = "Programme templates", operation_id = "create_programme_template",
    params(IdempotencyHeader), request_body = ProgrammeTemplateInput,
    responses((status = 201, description = "Created", body = ProgrammeTemplate))
)]
#[post("/programme-templates")]
async fn create(
    state: Data<State>,
    command: Command<ProgrammeTemplateInput>,
) -> Answer<Created<ProgrammeTemplate>> {
    let new = state
        .run(move |app| programme_template::create(app, &command.caller, &command.body))
        .await?;
    Ok(Created(new))
}

/// One version of a template, whole.
#[utoipa::path(
    tag = "Programme templates", operation_id = "get_programme_template",
    params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The template", body = ProgrammeTemplate))
)]
#[get("/programme-templates/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ProgrammeTemplateId>,
) -> Answer<Found<ProgrammeTemplate>> {
    let found = state.run(move |app| programme_template::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a draft (JSON Merge Patch). Its phases are replaced as a whole.
#[utoipa::path(
    tag = "Programme templates", operation_id = "change_programme_template",
    params(IdPath, IfMatchHeader),
    request_body(content = ProgrammeTemplateInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The template as it is now", body = ProgrammeTemplate))
)]
#[patch("/programme-templates/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ProgrammeTemplateId>,
    request: Change,
) -> Answer<Found<ProgrammeTemplate>> {
    let changed = state
        .run(move |app| {
            programme_template::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Publishes a draft: from now on it is frozen, and runs begin by it. The version published before is
/// retired.
#[utoipa::path(
    tag = "Programme templates", operation_id = "publish_programme_template",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The template as it is now", body = ProgrammeTemplate))
)]
#[post("/programme-templates/{id}/publish")]
async fn publish(
    state: Data<State>,
    PathId(id): PathId<ProgrammeTemplateId>,
    request: VersionedCommand<Nothing>,
) -> Answer<Found<ProgrammeTemplate>> {
    let published = state
        .run(move |app| programme_template::publish(app, &request.caller, id, request.seen))
        .await?;
    Ok(Found(published))
}

/// Retires a published version: runs go on by it, none begins.
#[utoipa::path(
    tag = "Programme templates", operation_id = "retire_programme_template",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The template as it is now", body = ProgrammeTemplate))
)]
#[post("/programme-templates/{id}/retire")]
async fn retire(
    state: Data<State>,
    PathId(id): PathId<ProgrammeTemplateId>,
    request: VersionedCommand<Nothing>,
) -> Answer<Found<ProgrammeTemplate>> {
    let retired = state
        .run(move |app| programme_template::retire(app, &request.caller, id, request.seen))
        .await?;
    Ok(Found(retired))
}

/// Who changed the template, when, from what to what.
#[utoipa::path(
    tag = "Programme templates", operation_id = "list_programme_template_history",
    params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/programme-templates/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ProgrammeTemplateId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| programme_template::history(app, &caller, id, &query.paging))
        .await
}
