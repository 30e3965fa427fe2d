//! `/imports`: files that become records, and how they are taken back.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::rt::time::timeout;
use actix_web::web::{Data, Json, Payload};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use futures_util::StreamExt;
use lotse_app::{App, Caller, Request, import, session};
use lotse_domain::Error;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::ImportId;
use lotse_domain::import::field::{ImportField, import_fields};
use lotse_domain::import::file::MOST_BYTES;
use lotse_domain::import::{
    ArrivedFile, DryRun, Import, ImportFilter, ImportFormat, ImportInput, ImportRow,
    ImportRowFilter, ImportSettings, PlannedRow,
};
use lotse_domain::job::Job;
use lotse_domain::page::{Page, PageParams};
use sha2::{Digest, Sha256};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::attachment::FileContent;
use crate::extract::{
    Change, ListQuery, LoggedIn, PathId, VersionedCommand, idempotency_key, parameters,
};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, NoFilter, Nothing};
use crate::problem::Problem;
use crate::respond::{Answer, Created, Fresh, Listed};
use crate::state::State;
use crate::written::{ToClient, written};

/// What the column of reasons in the file of refused rows is called. No field is.
const REASONS: &str = "import_errors";

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(fields)
        .service(list)
        .service(upload)
        .service(get)
        .service(confirm)
        .service(preview)
        .service(dry_run)
        .service(run)
        .service(rows)
        .service(refused)
        .service(undo)
        .service(history);
}

/// The fields that columns can be imported into, and the headers that they are known by; all of them in one page.
#[utoipa::path(
    tag = "Imports", operation_id = "list_import_fields",
    responses((status = 200, description = "All fields", body = Page<ImportField>))
)]
#[get("/import-fields")]
async fn fields(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<Json<Page<ImportField>>> {
    // Not secret, but like everything else for those who are logged in.
    state.run(move |app| session::me(app, &caller)).await?;
    Ok(Json(Page { items: import_fields(), next_cursor: None, total: None }))
}

/// Imports of the own carrier, the latest first.
#[utoipa::path(
    tag = "Imports", operation_id = "list_imports", params(PageParams, ImportFilter),
    responses((status = 200, description = "One page", body = Page<Import>))
)]
#[get("/imports")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<ImportFilter>,
) -> Answer<Listed<Import>> {
    state
        .list(query, move |app, query| import::list(app, &caller, &query.filter, &query.paging))
        .await
}

/// Takes a file in and tells what it seems to mean: the body is the file, `Content-Type` its type. Nothing is
/// imported yet.
#[utoipa::path(
    tag = "Imports", operation_id = "upload_import", params(ImportInput, IdempotencyHeader),
    request_body(content(
        (FileContent = "text/csv"),
        (FileContent = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )),
    responses((status = 201, description = "The import, as a draft", body = Import))
)]
#[post("/imports")]
async fn upload(
    state: Data<State>,
    request: HttpRequest,
    LoggedIn(caller): LoggedIn,
    payload: Payload,
) -> Answer<Created<Import>> {
    let asking = caller.clone();
    state.run(move |app| import::check_may_upload(app, &asking)).await?;
    let input: ImportInput = parameters(&request)?;
    let format = format(&request)?;
    let bytes = taken(payload, state.body_timeout).await?;
    if bytes.is_empty() {
        return Err(Error::invalid("", "empty", "the file must not be empty").into());
    }
    let told = format!("{:?}\0{}\0{:?}", input.target, input.name, input.profile_id);
    let stands_for = [told.as_bytes(), &Sha256::digest(&bytes)].concat();
    let idempotency = idempotency_key(&request, &stands_for)?;
    let caller = Caller { idempotency, ..caller };
    let file = ArrivedFile { format, bytes };
    let new = state.run(move |app| import::upload(app, &caller, &input, &file)).await?;
    Ok(Created(new))
}

fn format(request: &HttpRequest) -> Result<ImportFormat, Problem> {
    let told = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let told = told.unwrap_or_default().to_ascii_lowercase();
    let is_packed = request.headers().contains_key(CONTENT_ENCODING);
    match told.split(';').next().unwrap_or_default().trim() {
        "text/csv" if !is_packed => Ok(ImportFormat::Csv),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" if !is_packed => {
            Ok(ImportFormat::Xlsx)
        }
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body has another type",
            "Send a file as text/csv or as \
             application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, without \
             Content-Encoding.",
        )),
    }
}

/// Who is silent for `silence` is cut off, not who is slow.
async fn taken(mut payload: Payload, silence: Duration) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    loop {
        let chunk = match timeout(silence, payload.next()).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(_))) => {
                return Err(Problem::malformed(
                    "incomplete_body",
                    "The body broke off before its end.",
                ));
            }
            Ok(None) => return Ok(bytes),
            Err(_) => return Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)),
        };
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(Problem::larger_than(MOST_BYTES as u64));
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// One import: what the file seems to mean or was confirmed to, and how many rows came to what.
#[utoipa::path(
    tag = "Imports", operation_id = "get_import", params(IdPath),
    responses((status = 200, description = "The import", body = Import))
)]
#[get("/imports/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ImportId>,
) -> Answer<Fresh<Import>> {
    let found = state.run(move |app| import::get(app, &caller, id)).await?;
    Ok(Fresh(found))
}

/// Confirms what the file means (JSON Merge Patch): `{}` confirms what is proposed. What the file leaves open is null
/// in the proposal and is to be said.
#[utoipa::path(
    tag = "Imports", operation_id = "confirm_import", params(IdPath, IfMatchHeader),
    request_body(content = ImportSettings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The import as it is now", body = Import))
)]
#[patch("/imports/{id}")]
async fn confirm(
    state: Data<State>,
    PathId(id): PathId<ImportId>,
    request: Change,
) -> Answer<Fresh<Import>> {
    let confirmed = state
        .run(move |app| import::confirm(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Fresh(confirmed))
}

/// What would come of each row as the register is now, with all that is wrong. It changes nothing.
#[utoipa::path(
    tag = "Imports", operation_id = "preview_import", params(IdPath, PageParams),
    responses((status = 200, description = "One page, in the order of the file", body = Page<PlannedRow>))
)]
#[get("/imports/{id}/preview")]
async fn preview(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ImportId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<PlannedRow>> {
    state.list(query, move |app, query| import::preview(app, &caller, id, &query.paging)).await
}

/// What would come of the whole file as the register is now: how many rows come to what, and each kind of error with
/// its column and how often it is there. It changes nothing.
#[utoipa::path(
    tag = "Imports", operation_id = "dry_run_import", params(IdPath),
    responses((status = 200, description = "What would come of it", body = DryRun))
)]
#[get("/imports/{id}/dry-run")]
async fn dry_run(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ImportId>,
) -> Answer<Json<DryRun>> {
    Ok(Json(state.run(move |app| import::dry_run(app, &caller, id)).await?))
}

/// Queues the job that imports the file. The same file with the same settings is imported once: then the job is the
/// one that did it.
#[utoipa::path(
    tag = "Imports", operation_id = "run_import", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = Nothing,
    responses((status = 200, description = "The job", body = Job))
)]
#[post("/imports/{id}/run")]
async fn run(
    state: Data<State>,
    PathId(id): PathId<ImportId>,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Job>> {
    let job = state.run(move |app| import::start(app, &command.caller, id, command.seen)).await?;
    Ok(Fresh(job))
}

/// What came of each row.
#[utoipa::path(
    tag = "Imports", operation_id = "list_import_rows", params(IdPath, PageParams, ImportRowFilter),
    responses((status = 200, description = "One page, in the order of the file", body = Page<ImportRow>))
)]
#[get("/imports/{id}/rows")]
async fn rows(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ImportId>,
    query: ListQuery<ImportRowFilter>,
) -> Answer<Listed<ImportRow>> {
    state
        .list(query, move |app, query| import::rows(app, &caller, id, &query.filter, &query.paging))
        .await
}

/// The rows that were refused as they stood in the file, with a column that says why: to be mended and uploaded
/// again. CSV in UTF-8 with a byte order mark, by semicolons.
#[utoipa::path(
    tag = "Imports", operation_id = "get_refused_rows", params(IdPath),
    responses((status = 200, description = "The file", body = FileContent, content_type = "text/csv"))
)]
#[get("/imports/{id}/refused")]
async fn refused(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ImportId>,
) -> Answer<HttpResponse> {
    let asking = caller.clone();
    let header = state.run(move |app| import::header(app, &asking, id)).await?;
    let request = Request::default();
    let waiting = request.while_waiting();
    let app = state.app.for_request(request);
    let body = written(waiting, move |to| write_refused(&app, &caller, id, header, to));
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"refused.csv\""))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .streaming(body))
}

/// Cells are written as they came: the file is the one of who asks for it, and is to be read again.
fn write_refused(
    app: &App,
    caller: &Caller,
    id: ImportId,
    mut header: Vec<String>,
    to: &mut ToClient,
) -> std::io::Result<()> {
    use std::io::Write;

    to.write_all("\u{feff}".as_bytes())?;
    let mut csv =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).delimiter(b';').from_writer(to);
    let width = header.len();
    // A file that was handed back before has them already.
    let old_reasons = header.iter().position(|name| name == REASONS);
    if let Some(place) = old_reasons {
        header.remove(place);
    }
    header.push(REASONS.to_owned());
    csv.write_record(&header)?;
    let mut after = 0;
    loop {
        let page = import::refused(app, caller, id, after)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        let Some(last) = page.last() else { break };
        after = last.number;
        for row in page {
            let mut cells = row.cells;
            cells.resize(width, String::new());
            if let Some(place) = old_reasons {
                cells.remove(place);
            }
            let reasons: Vec<_> = row
                .errors
                .into_iter()
                .map(|error| match error.column {
                    Some(column) => format!("{column}: {}", error.message),
                    None => error.message,
                })
                .collect();
            cells.push(reasons.join(" | "));
            csv.write_record(&cells)?;
        }
    }
    csv.flush()
}

/// Queues the job that takes the import back: what it created is archived, what it updated says again what it said
/// before. Records that were changed since or are in use stay, and the rows say so.
#[utoipa::path(
    tag = "Imports", operation_id = "undo_import", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = Nothing,
    responses((status = 200, description = "The job", body = Job))
)]
#[post("/imports/{id}/undo")]
async fn undo(
    state: Data<State>,
    PathId(id): PathId<ImportId>,
    command: VersionedCommand<Nothing>,
) -> Answer<Fresh<Job>> {
    let job =
        state.run(move |app| import::take_back(app, &command.caller, id, command.seen)).await?;
    Ok(Fresh(job))
}

/// Who did what with the import, and when.
#[utoipa::path(
    tag = "Imports", operation_id = "list_import_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/imports/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ImportId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| import::history(app, &caller, id, &query.paging)).await
}
