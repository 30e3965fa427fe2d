//! `/organisations/{id}/merges` and `/merges`: two organisations of one kind made one, and told apart again.

use actix_web::body::BoxBody;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder, get, post};
use lotse_app::merge;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::{MergeId, OrganisationId};
use lotse_domain::merge::{Merge, MergeFilter, MergeInput, MergePreview};
use lotse_domain::page::{Page, PageParams};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{ListQuery, LoggedIn, Parameters, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(list_of)
        .service(merge_into)
        .service(get)
        .service(undo)
        .service(history);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct MergeQuery {
    /// Whether to show what it would do and write nothing.
    #[serde(default)]
    preview: bool,
}

/// What merging would do, or the merge.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum MergedOrShown {
    Preview(Box<MergePreview>),
    Done(Box<Merge>),
}

impl Responder for MergedOrShown {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Preview(preview) => Json(preview).respond_to(request).map_into_boxed_body(),
            Self::Done(merge) => Created(*merge).respond_to(request),
        }
    }
}

/// Merges of companies and of actors in the network, the latest first.
#[utoipa::path(
    tag = "Register", operation_id = "list_merges", params(PageParams, MergeFilter),
    responses((status = 200, description = "One page", body = Page<Merge>))
)]
#[get("/merges")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<MergeFilter>,
) -> Answer<Listed<Merge>> {
    state
        .list(query, move |app, query| merge::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Merges that a company or an actor survived, and those that it was merged in, the latest first.
#[utoipa::path(
    tag = "Register", operation_id = "list_organisation_merges",
    params(IdPath, PageParams, MergeFilter),
    responses((status = 200, description = "One page", body = Page<Merge>))
)]
#[get("/organisations/{id}/merges")]
async fn list_of(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<OrganisationId>,
    query: ListQuery<MergeFilter>,
) -> Answer<Listed<Merge>> {
    state
        .list(query, move |app, query| {
            merge::list_of(app, &caller, id, &query.filter, &query.paging)
        })
        .await
}

/// Merges another company or actor into this one, the survivor: all that names the other one names the
/// survivor afterwards, whichever carrier's it is. `If-Match` names the survivor as it was seen.
///
/// With `preview=true` it answers both records field by field, how many records would move, and a token, and
/// writes nothing; the merge takes that token, which stands for both records and for what moves.
#[utoipa::path(
    tag = "Register", operation_id = "merge_organisations",
    params(IdPath, MergeQuery, IfMatchHeader, IdempotencyHeader), request_body = MergeInput,
    responses(
        (status = 200, description = "The preview", body = MergePreview),
        (status = 201, description = "Merged", body = Merge)
    )
)]
#[post("/organisations/{id}/merges")]
async fn merge_into(
    state: Data<State>,
    PathId(id): PathId<OrganisationId>,
    Parameters(query): Parameters<MergeQuery>,
    command: VersionedCommand<MergeInput>,
) -> Answer<MergedOrShown> {
    let VersionedCommand { caller, seen, body } = command;
    if query.preview {
        let preview = state.run(move |app| merge::preview(app, &caller, id, seen, &body)).await?;
        return Ok(MergedOrShown::Preview(Box::new(preview)));
    }
    let merge = state.run(move |app| merge::merge(app, &caller, id, seen, &body)).await?;
    Ok(MergedOrShown::Done(Box::new(merge)))
}

/// One merge.
#[utoipa::path(
    tag = "Register", operation_id = "get_merge", params(IdPath),
    responses((status = 200, description = "The merge", body = Merge))
)]
#[get("/merges/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<MergeId>,
) -> Answer<Fresh<Merge>> {
    let found = state.run(move |app| merge::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Undoes a merge: what it moved goes back, as it is by now; what came to the survivor since stays there. What
/// could not be separated is in `undone.remainders`. The latest merge that the survivor was in is undone first.
#[utoipa::path(
    tag = "Register", operation_id = "undo_merge",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The merge as it is now", body = Merge))
)]
#[post("/merges/{id}/undo")]
async fn undo(
    state: Data<State>,
    PathId(id): PathId<MergeId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Merge>> {
    let undone = state
        .run(move |app| merge::undo(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(undone))
}

/// Who merged and who undid it, when.
#[utoipa::path(
    tag = "Register", operation_id = "list_merge_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/merges/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<MergeId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| merge::history(app, &caller, id, &query.paging)).await
}
