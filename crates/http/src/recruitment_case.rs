//! `/recruitment-cases`: checklists by which a vacancy is filled from abroad (Rekrutierungsfälle), of the own
//! carrier.

use actix_web::web::{Data, Json};
use actix_web::{get, patch, post};
use lotse_app::recruitment_case;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::RecruitmentCaseId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::plan::{Step, StepDoneInput, StepOverrideInput};
use lotse_domain::recruitment_case::{
    RecruitmentCase, RecruitmentCaseFilter, RecruitmentCaseInput, RecruitmentCloseInput,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, Command, ListQuery, LoggedIn, PathCode, PathId, VersionedCommand};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter, Nothing, StepPath};
use crate::respond::{Answer, Created, Fresh, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(open)
        .service(get)
        .service(change)
        .service(close)
        .service(reopen)
        .service(steps)
        .service(complete_step)
        .service(waive_step)
        .service(reopen_step)
        .service(override_step)
        .service(clear_override)
        .service(history);
}

/// Recruitment cases of the own carrier, the latest opened first unless sorted otherwise.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "list_recruitment_cases",
    params(PageParams, RecruitmentCaseFilter),
    responses((status = 200, description = "One page", body = Page<RecruitmentCase>))
)]
#[get("/recruitment-cases")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<RecruitmentCaseFilter>,
) -> Answer<Listed<RecruitmentCase>> {
    state
        .list(query, move |app, query| {
            recruitment_case::list(app, &caller, &query.filter, &query.paging)
        })
        .await
}

/// Opens a case and plans its steps by a published checklist.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "open_recruitment_case", params(IdempotencyHeader),
    request_body = RecruitmentCaseInput,
    responses((status = 201, description = "Opened", body = RecruitmentCase))
)]
#[post("/recruitment-cases")]
async fn open(
    state: Data<State>,
    command: Command<RecruitmentCaseInput>,
) -> Answer<Created<RecruitmentCase>> {
    let new =
        state.run(move |app| recruitment_case::open(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One case with its steps and what is derived of them today.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "get_recruitment_case", params(IdPath),
    responses((status = 200, description = "The case", body = RecruitmentCase))
)]
#[get("/recruitment-cases/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<RecruitmentCaseId>,
) -> Answer<Fresh<RecruitmentCase>> {
    let found = state.run(move |app| recruitment_case::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes an open case (JSON Merge Patch): lead and stand-in, who recorded it, and managers do.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "change_recruitment_case", params(IdPath, IfMatchHeader),
    request_body(content = RecruitmentCaseInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The case as it is now", body = RecruitmentCase))
)]
#[patch("/recruitment-cases/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<RecruitmentCaseId>,
    request: Change,
) -> Answer<Fresh<RecruitmentCase>> {
    let changed = state
        .run(move |app| {
            recruitment_case::change(app, &request.caller, id, request.seen, &request.patch)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Closes a case with what came of it.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "close_recruitment_case",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = RecruitmentCloseInput,
    responses((status = 200, description = "The case as it is now", body = RecruitmentCase))
)]
#[post("/recruitment-cases/{id}/close")]
async fn close(
    state: Data<State>,
    PathId(id): PathId<RecruitmentCaseId>,
    command: VersionedCommand<RecruitmentCloseInput>,
) -> Answer<Fresh<RecruitmentCase>> {
    let closed = state
        .run(move |app| {
            recruitment_case::close(app, &command.caller, id, command.seen, &command.body)
        })
        .await?;
    Ok(Fresh(closed))
}

/// Takes back that a case was closed.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "reopen_recruitment_case",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The case as it is now", body = RecruitmentCase))
)]
#[post("/recruitment-cases/{id}/reopen")]
async fn reopen(
    state: Data<State>,
    PathId(id): PathId<RecruitmentCaseId>,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<RecruitmentCase>> {
    let reopened = state
        .run(move |app| recruitment_case::reopen(app, &command.caller, id, command.seen))
        .await?;
    Ok(Fresh(reopened))
}

/// The steps with their dates and what is derived of each today; all of them in one page.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "list_recruitment_case_steps", params(IdPath),
    responses((status = 200, description = "All steps, in their order", body = Page<Step>))
)]
#[get("/recruitment-cases/{id}/steps")]
async fn steps(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<RecruitmentCaseId>,
) -> Answer<Json<Page<Step>>> {
    let items = state.run(move |app| recruitment_case::steps(app, &caller, id)).await?;
    Ok(Json(Page { items, next_cursor: None, total: None }))
}

/// Records that a step was done. What runs from it moves at once.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "complete_recruitment_case_step",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = StepDoneInput,
    responses((status = 200, description = "The case as it is now", body = RecruitmentCase))
)]
#[post("/recruitment-cases/{id}/steps/{code}/complete")]
async fn complete_step(
    state: Data<State>,
    PathId(id): PathId<RecruitmentCaseId>,
    PathCode(code): PathCode,
    command: VersionedCommand<StepDoneInput>,
) -> Answer<Fresh<RecruitmentCase>> {
    let changed = state
        .run(move |app| {
            recruitment_case::complete_step(
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
    tag = "Recruitment cases", operation_id = "waive_recruitment_case_step",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The case as it is now", body = RecruitmentCase))
)]
#[post("/recruitment-cases/{id}/steps/{code}/waive")]
async fn waive_step(
    state: Data<State>,
    PathId(id): PathId<RecruitmentCaseId>,
    PathCode(code): PathCode,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Fresh<RecruitmentCase>> {
    let changed = state
        .run(move |app| {
            recruitment_case::waive_step(
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

/// Takes back that a step was done or waived.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "reopen_recruitment_case_step",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The case as it is now", body = RecruitmentCase))
)]
#[post("/recruitment-cases/{id}/steps/{code}/reopen")]
async fn reopen_step(
    state: Data<State>,
    PathId(id): PathId<RecruitmentCaseId>,
    PathCode(code): PathCode,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<RecruitmentCase>> {
    let changed = state
        .run(move |app| {
            recruitment_case::reopen_step(app, &command.caller, id, &code, command.seen)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Gives a step another date than its rule does. Limits of the law stay where they are.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "override_recruitment_case_step",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = StepOverrideInput,
    responses((status = 200, description = "The case as it is now", body = RecruitmentCase))
)]
#[post("/recruitment-cases/{id}/steps/{code}/override")]
async fn override_step(
    state: Data<State>,
    PathId(id): PathId<RecruitmentCaseId>,
    PathCode(code): PathCode,
    command: VersionedCommand<StepOverrideInput>,
) -> Answer<Fresh<RecruitmentCase>> {
    let changed = state
        .run(move |app| {
            recruitment_case::override_step(
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

/// Gives a step the date of its rule again.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "clear_recruitment_case_step_override",
    params(IdPath, StepPath, IfMatchHeader, IdempotencyHeader), request_body = Nothing,
    responses((status = 200, description = "The case as it is now", body = RecruitmentCase))
)]
#[post("/recruitment-cases/{id}/steps/{code}/clear-override")]
async fn clear_override(
    state: Data<State>,
    PathId(id): PathId<RecruitmentCaseId>,
    PathCode(code): PathCode,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<RecruitmentCase>> {
    let changed = state
        .run(move |app| {
            recruitment_case::clear_override(app, &command.caller, id, &code, command.seen)
        })
        .await?;
    Ok(Fresh(changed))
}

/// Who changed the case, when, from what to what.
#[utoipa::path(
    tag = "Recruitment cases", operation_id = "list_recruitment_case_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/recruitment-cases/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<RecruitmentCaseId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| recruitment_case::history(app, &caller, id, &query.paging))
        .await
}
