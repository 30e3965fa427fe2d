//! `/accompaniments/{id}/milestones`: the steps, and what becomes of them.

use actix_web::web::{Data, Json};
use actix_web::{get, post};
use lotse_app::accompaniment;
use lotse_domain::accompaniment::Accompaniment;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::AccompanimentId;
use lotse_domain::page::Page;
use lotse_domain::plan::{Step, StepDoneInput, StepOverrideInput};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{LoggedIn, PathCode, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, Nothing, StepPath};
use crate::respond::{Answer, Fresh};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(complete)
        .service(waive)
        .service(reopen)
        .service(set_date)
        .service(clear_date);
}

/// The steps with their dates and what is derived of each today; all of them in one page.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "list_milestones", params(IdPath),
    responses((status = 200, description = "All steps, in their order", body = Page<Step>))
)]
#[get("/accompaniments/{id}/milestones")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AccompanimentId>,
) -> Answer<Json<Page<Step>>> {
    let items = state.run(move |app| accompaniment::steps(app, &caller, id)).await?;
    Ok(Json(Page { items, next_cursor: None, total: None }))
}

/// Records that a step was done. What it comes after is done or waived before.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "complete_milestone",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = StepDoneInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/milestones/{code}/complete")]
async fn complete(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    PathCode(code): PathCode,
    command: VersionedCommand<StepDoneInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::complete_step(
                app,
                &command.caller,
                id,
                &code,
                command.seen,
                &command.body,
            )
        })
        .await?;
    Ok(Fresh(changed))
}

/// Waives a step with a reason.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "waive_milestone",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/milestones/{code}/waive")]
async fn waive(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    PathCode(code): PathCode,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::waive_step(app, &command.caller, id, &code, command.seen, &command.body)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Takes back that a step was done or waived.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "reopen_milestone",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/milestones/{code}/reopen")]
async fn reopen(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    PathCode(code): PathCode,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| accompaniment::reopen_step(app, &command.caller, id, &code, command.seen))
        .await?;
    Ok(Fresh(changed))
}

/// Gives a step another date than its rule, with a reason. Re-planning leaves it alone.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "override_milestone",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = StepOverrideInput,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/milestones/{code}/override")]
async fn set_date(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    PathCode(code): PathCode,
    command: VersionedCommand<StepOverrideInput>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::override_step(
                app,
                &command.caller,
                id,
                &code,
                command.seen,
                &command.body,
            )
        })
        .await?;
    Ok(Fresh(changed))
}

/// Gives a step back to its rule.
#[utoipa::path(
    tag = "Accompaniments", operation_id = "clear_milestone_override",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The accompaniment as it is now", body = Accompaniment))
)]
#[post("/accompaniments/{id}/milestones/{code}/clear-override")]
async fn clear_date(
    state: Data<State>,
    PathId(id): PathId<AccompanimentId>,
    PathCode(code): PathCode,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Accompaniment>> {
    let changed = state
        .run(move |app| {
            accompaniment::clear_override(app, &command.caller, id, &code, command.seen)
        })
        .await?;
    Ok(Fresh(changed))
}
