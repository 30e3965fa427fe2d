//! `/import-profiles`: what files of one kind mean, under a name.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use lotse_app::import_profile;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::ImportProfileId;
use lotse_domain::import_profile::{ImportProfile, ImportProfileFilter, ImportProfileInput};
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathId, VersionedCommand};
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
        .service(history);
}

/// Import profiles of the own carrier, by name.
#[utoipa::path(
    tag = "Imports", operation_id = "list_import_profiles", params(PageParams, ImportProfileFilter),
    responses((status = 200, description = "One page", body = Page<ImportProfile>))
)]
#[get("/import-profiles")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<ImportProfileFilter>,
) -> Answer<Listed<ImportProfile>> {
    state
        .list(query, move |app, query| {
            import_profile::list(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// Keeps under a name what files of one kind mean.
#[utoipa::path(
    tag = "Imports", operation_id = "create_import_profile", params(IdempotencyHeader),
    request_body = ImportProfileInput,
    responses((status = 201, description = "Created", body = ImportProfile))
)]
#[post("/import-profiles")]
async fn create(
    state: Data<State>,
    command: Command<ImportProfileInput>,
) -> Answer<Created<ImportProfile>> {
    let new =
        state.run(move |app| import_profile::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One profile.
#[utoipa::path(
    tag = "Imports", operation_id = "get_import_profile", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The profile", body = ImportProfile))
)]
#[get("/import-profiles/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ImportProfileId>,
) -> Answer<Found<ImportProfile>> {
    let found = state.run(move |app| import_profile::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Changes a profile (JSON Merge Patch). Imports that were made with it stay as they are.
#[utoipa::path(
    tag = "Imports", operation_id = "change_import_profile", params(IdPath, IfMatchHeader),
    request_body(content = ImportProfileInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The profile as it is now", body = ImportProfile))
)]
#[patch("/import-profiles/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ImportProfileId>,
    request: Change,
) -> Answer<Found<ImportProfile>> {
    let changed = state
        .run(move |app| {
            import_profile::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Archives a profile with a reason. Its name is free again.
#[utoipa::path(
    tag = "Imports", operation_id = "archive_import_profile",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The profile as it is now", body = ImportProfile))
)]
#[post("/import-profiles/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<ImportProfileId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<ImportProfile>> {
    let archived = state
        .run(move |app| {
            import_profile::archive(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Found(archived))
}

/// Who changed the profile, when, from what to what.
#[utoipa::path(
    tag = "Imports", operation_id = "list_import_profile_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/import-profiles/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ImportProfileId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| import_profile::history(app, &caller, id, &query.paging))
        .await
}
