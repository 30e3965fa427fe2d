//! What moves dates: re-planning and pauses. What it would do can be shown first.

use actix_web::body::BoxBody;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder, post};
use lotse_app::accompaniment;
use lotse_domain::Error;
use lotse_domain::accompaniment::{Accompaniment, PauseInput, PausePreview, ResumeInput};
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
pub struct PreviewQuery {
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

/// What a pause, given or taken back, would do, or the accompaniment that came of it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Paused {
    Preview(PausePreview),
    Done(Box<Accompaniment>),
}

impl Responder for Paused {
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
    params(IdPath, PreviewQuery, IfMatchHeader, IdempotencyHeader), request_body = ReplanBody,
    responses((
        status = 200, description = "The preview, or the accompaniment as it is now",
        body = Replanned
    ))
)]
#[post("/accompaniments/{id}/replan")]
pub async fn replan(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    Parameters(query): Parameters<PreviewQuery>,
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

/// Pauses it from a day to a day: those do not count, and open steps move with them. With `preview=true` it
/// answers how they would, and writes nothing.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "pause_accompaniment",
    params(IdPath, PreviewQuery, IfMatchHeader, IdempotencyHeader), request_body = PauseInput,
    responses((
        status = 200, description = "The preview, or the accompaniment as it is now", body = Paused
    ))
)]
#[post("/accompaniments/{id}/pause")]
pub async fn pause(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    Parameters(query): Parameters<PreviewQuery>,
    command: VersionedCommand<PauseInput>,
) -> Answer<Paused> {
    let VersionedCommand { caller, seen, body } = command;
    if query.preview {
        let preview =
            state.run(move |app| accompaniment::pause_preview(app, &caller, id, seen, &body));
        return Ok(Paused::Preview(preview.await?));
    }
    let done = state.run(move |app| accompaniment::pause(app, &caller, id, seen, &body)).await?;
    Ok(Paused::Done(Box::new(done)))
}

/// Ends the pause before its time, or takes back one that is to come. Open steps move back. With
/// `preview=true` it answers how they would, and writes nothing.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "resume_accompaniment",
    params(IdPath, PreviewQuery, IfMatchHeader, IdempotencyHeader), request_body = ResumeInput,
    responses((
        status = 200, description = "The preview, or the accompaniment as it is now", body = Paused
    ))
)]
#[post("/accompaniments/{id}/resume")]
pub async fn resume(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    Parameters(query): Parameters<PreviewQuery>,
    command: VersionedCommand<ResumeInput>,
) -> Answer<Paused> {
    let VersionedCommand { caller, seen, body } = command;
    if query.preview {
        let preview =
            state.run(move |app| accompaniment::resume_preview(app, &caller, id, seen, &body));
        return Ok(Paused::Preview(preview.await?));
    }
    let done = state.run(move |app| accompaniment::resume(app, &caller, id, seen, &body)).await?;
    Ok(Paused::Done(Box::new(done)))
}
