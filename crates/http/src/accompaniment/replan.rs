//! Re-planning: what it would do is shown first, and exactly that is done.

use actix_web::body::BoxBody;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder, post};
use lotse_app::accompaniment;
use lotse_domain::Error;
use lotse_domain::accompaniment::Accompaniment;
use lotse_domain::id::AccompanimentId;
use lotse_domain::plan::{ReplanInput, ReplanPreview};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Parameters, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader};
use crate::respond::{Answer, Fresh};
use crate::state::State;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReplanQuery {
    /// Whether to show what it would do and write nothing.
    #[serde(default)]
    preview: bool,
}

/// `{}` for a preview, its token to do what it showed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "6pJqCzRzHV8mMmd0fH8d0o9cYAbxDgPd3x0mM2b4a1M"}))]
pub struct ReplanBody {
    #[serde(default)]
    token: Option<String>,
}

/// What re-planning would do, or the accompaniment that came of it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Replanned {
    Preview(ReplanPreview),
    Done(Box<Accompaniment>),
}

impl Responder for Replanned {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Preview(preview) => Json(preview).respond_to(request).map_into_boxed_body(),
            Self::Done(run) => Fresh(*run).respond_to(request),
        }
    }
}

/// Gives open steps the dates of today's facts; done, waived and overridden ones stay. With `preview=true` it
/// answers the differences step by step and a token, and writes nothing; with that token exactly what was
/// shown is done.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "replan_accompaniment",
    params(IdPath, ReplanQuery, IfMatchHeader, IdempotencyHeader), request_body = ReplanBody,
    responses((
        status = 200, description = "The preview, or the accompaniment as it is now",
        body = Replanned
    ))
)]
#[post("/accompaniments/{id}/replan")]
pub async fn replan(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    Parameters(query): Parameters<ReplanQuery>,
    command: VersionedCommand<ReplanBody>,
) -> Answer<Replanned> {
    let VersionedCommand { caller, seen, body } = command;
    if query.preview {
        let preview =
            state.run(move |app| accompaniment::replan_preview(app, &caller, id, seen)).await?;
        return Ok(Replanned::Preview(preview));
    }
    let missing = || Error::invalid("/token", "missing", "must be the token of a preview");
    let input = ReplanInput { token: body.token.ok_or_else(missing)? };
    let done = state.run(move |app| accompaniment::replan(app, &caller, id, seen, &input)).await?;
    Ok(Replanned::Done(Box::new(done)))
}
