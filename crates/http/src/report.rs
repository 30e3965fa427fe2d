//! `/reports`: figures that are frozen when they are submitted (Berichte).

use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get, patch, post};
use lotse_app::report;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::ReportId;
use lotse_domain::page::{Page, PageParams};
use lotse_domain::report::{
    Report, ReportAcceptInput, ReportDifferences, ReportFigures, ReportFilter, ReportInput,
    ReportSubmitInput, ReportVerification,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{
    Change, Command, ListQuery, LoggedIn, PageQuery, Parameters, PathId, VersionedCommand,
};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter};
use crate::respond::{Answer, Created, Found, Fresh, Listed};
use crate::sheet::{File, FileFormat, FileParams};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list)
        .service(create)
        .service(get)
        .service(change)
        .service(content)
        .service(submit)
        .service(accept)
        .service(archive)
        .service(verify)
        .service(differences)
        .service(history);
}

/// Reports of the own carrier, for the coordinator those of the network, the latest first.
#[utoipa::path(
    tag = "Reports", operation_id = "list_reports", params(PageParams, ReportFilter),
    responses((status = 200, description = "One page", body = Page<Report>))
)]
#[get("/reports")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<ReportFilter>,
) -> Answer<Listed<Report>> {
    state
        .list(query, move |app, query| report::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Drafts a report of a window: of the own carrier, or of the network for the coordinator.
#[utoipa::path(
    tag = "Reports", operation_id = "draft_report", params(IdempotencyHeader),
    request_body = ReportInput,
    responses((status = 201, description = "Created", body = Report))
)]
#[post("/reports")]
async fn create(state: Data<State>, command: Command<ReportInput>) -> Answer<Created<Report>> {
    let new = state.run(move |app| report::create(app, &command.caller, &command.body)).await?;
    Ok(Created(new))
}

/// One report, without its figures.
#[utoipa::path(
    tag = "Reports", operation_id = "get_report", params(IdPath),
    responses((status = 200, description = "The report", body = Report))
)]
#[get("/reports/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ReportId>,
) -> Answer<Fresh<Report>> {
    let found = state.run(move |app| report::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Changes a draft (JSON Merge Patch).
#[utoipa::path(
    tag = "Reports", operation_id = "change_report", params(IdPath, IfMatchHeader),
    request_body(content = ReportInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The report as it is now", body = Report))
)]
#[patch("/reports/{id}")]
async fn change(
    state: Data<State>,
    PathId(id): PathId<ReportId>,
    request: Change,
) -> Answer<Found<Report>> {
    let changed = state
        .run(move |app| report::change(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(changed))
}

/// What the report says: the figures of a draft as of now, else as they were frozen; as JSON, CSV, XLSX or a
/// page to print, in German or English. `sha256` is of the content in its canonical form (RFC 8785).
#[utoipa::path(
    tag = "Reports", operation_id = "get_report_content", params(IdPath, FileParams),
    responses((
        status = 200, description = "The figures",
        content(
            (ReportFigures = "application/json"), (String = "text/csv"), (String = "text/html"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        )
    ))
)]
#[get("/reports/{id}/content")]
async fn content(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ReportId>,
    Parameters(params): Parameters<FileParams>,
) -> Answer<HttpResponse> {
    let figures = state.run(move |app| report::figures(app, &caller, id)).await?;
    if params.format.unwrap_or_default() == FileFormat::Json {
        return Ok(HttpResponse::Ok().json(figures));
    }
    let report = &figures.report;
    let file = File {
        name: &format!("report-{}", report.id),
        title: &report.title,
        sheets: &figures.sheets(params.language),
        at: report.submitted.as_ref().map_or(report.updated_at, |event| event.at),
    };
    Ok(file.answer(params)?)
}

/// Submits a draft: the content that was read, named by its `sha256`, is frozen with all that it was counted
/// from. When the figures are others by now, 409 `figures_changed`. A report that this one corrects is
/// superseded.
#[utoipa::path(
    tag = "Reports", operation_id = "submit_report",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReportSubmitInput,
    responses((status = 200, description = "The report as it is now", body = Report))
)]
#[post("/reports/{id}/submit")]
async fn submit(
    state: Data<State>,
    PathId(id): PathId<ReportId>,
    command: VersionedCommand<ReportSubmitInput>,
) -> Answer<Found<Report>> {
    let submitted = state
        .run(move |app| report::submit(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(submitted))
}

/// Records that the funder accepted a submitted report.
#[utoipa::path(
    tag = "Reports", operation_id = "accept_report",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReportAcceptInput,
    responses((status = 200, description = "The report as it is now", body = Report))
)]
#[post("/reports/{id}/accept")]
async fn accept(
    state: Data<State>,
    PathId(id): PathId<ReportId>,
    command: VersionedCommand<ReportAcceptInput>,
) -> Answer<Found<Report>> {
    let accepted = state
        .run(move |app| report::accept(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(accepted))
}

/// Gives a draft up, with a reason.
#[utoipa::path(
    tag = "Reports", operation_id = "archive_report",
    params(IdPath, IfMatchHeader, IdempotencyHeader), request_body = ReasonInput,
    responses((status = 200, description = "The report as it is now", body = Report))
)]
#[post("/reports/{id}/archive")]
async fn archive(
    state: Data<State>,
    PathId(id): PathId<ReportId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Report>> {
    let archived = state
        .run(move |app| report::archive(app, &command.caller, id, command.seen, &command.body))
        .await?;
    Ok(Found(archived))
}

/// Counts the frozen facts anew and compares: `intact` tells whether they still give the same bytes.
#[utoipa::path(
    tag = "Reports", operation_id = "verify_report", params(IdPath),
    responses((status = 200, description = "The three hashes", body = ReportVerification))
)]
#[get("/reports/{id}/verification")]
async fn verify(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ReportId>,
) -> Answer<Json<ReportVerification>> {
    let verification = state.run(move |app| report::verify(app, &caller, id)).await?;
    Ok(Json(verification))
}

/// What the report would say otherwise today: the totals that differ, and the consultations that make the
/// difference, with what became of each since.
#[utoipa::path(
    tag = "Reports", operation_id = "list_report_differences", params(IdPath, PageParams),
    responses((status = 200, description = "One page", body = ReportDifferences))
)]
#[get("/reports/{id}/differences")]
async fn differences(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ReportId>,
    query: PageQuery<NoFilter>,
) -> Answer<Json<ReportDifferences>> {
    let differences =
        state.run(move |app| report::differences(app, &caller, id, &query.paging)).await?;
    Ok(Json(differences))
}

/// Who changed the report, when, from what to what.
#[utoipa::path(
    tag = "Reports", operation_id = "list_report_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/reports/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ReportId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| report::history(app, &caller, id, &query.paging)).await
}
