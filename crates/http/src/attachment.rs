//! `/attachments`: files of consultations, events and accompaniments (Anhänge), of the own carrier.
//!
//! A file is sent as it is, as the body of a POST with its `Content-Type`: so it is streamed, by any
//! client, and there is no second format around it to be parsed.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
    Range as RangeHeader,
};
use actix_web::rt::time::{Instant, timeout};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use futures_util::StreamExt;
use lotse_app::{Caller, attachment};
use lotse_domain::Error;
use lotse_domain::attachment::{
    AttachedTo, Attachment, AttachmentFilter, AttachmentInput, ContentHash, Inspection, MediaType,
    ReceivedFile,
};
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::ReasonInput;
use lotse_domain::id::{AccompanimentId, AttachmentId, ConsultationId, EventId};
use lotse_domain::page::{Page, PageParams};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{
    Change, ListQuery, LoggedIn, PathId, VersionedCommand, idempotency_key, parameters,
};
use crate::openapi::{IdPath, IdempotencyHeader, IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::problem::Problem;
use crate::respond::{Answer, Created, Found, Listed, is_known};
use crate::state::State;
use crate::store::{Store, Upload};

/// Nothing that is still sending after this long will ever end.
const LONGEST_UPLOAD: Duration = Duration::from_hours(1);

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_of_consultation)
        .service(add_to_consultation)
        .service(list_of_event)
        .service(add_to_event)
        .service(list_of_accompaniment)
        .service(add_to_accompaniment)
        .service(get)
        .service(rename)
        .service(content)
        .service(void)
        .service(history);
}

/// What is attached, and what of it.
pub struct Attachments {
    pub store: Store,
    /// As many bytes an attachment may have.
    pub most_bytes: u64,
    pub media_types: Vec<MediaType>,
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary, examples(json!("%PDF-1.7 …")))]
#[expect(dead_code, reason = "read by the derive only; the bytes are streamed")]
pub struct FileContent(Vec<u8>);

/// Attachments of a consultation, in the order in which they came.
#[utoipa::path(
    tag = "Attachments", operation_id = "list_consultation_attachments",
    params(IdPath, PageParams, AttachmentFilter),
    responses((status = 200, description = "One page", body = Page<Attachment>))
)]
#[get("/consultations/{id}/attachments")]
async fn list_of_consultation(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ConsultationId>,
    query: ListQuery<AttachmentFilter>,
) -> Answer<Listed<Attachment>> {
    let list = move |app: &_, query: &ListQuery<AttachmentFilter>| {
        attachment::list(app, &caller, id.into(), &query.filter, &query.paging)
    };
    state.list(query, list).await
}

/// Attaches a file to a consultation: the body is the file, `Content-Type` its type.
#[utoipa::path(
    tag = "Attachments", operation_id = "attach_to_consultation",
    params(IdPath, AttachmentInput, IdempotencyHeader),
    request_body(content(
        (FileContent = "application/pdf"), (FileContent = "image/png"), (FileContent = "image/jpeg"),
        (FileContent = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (FileContent = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (FileContent = "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        (FileContent = "application/vnd.oasis.opendocument.text"),
        (FileContent = "application/vnd.oasis.opendocument.spreadsheet"),
        (FileContent = "application/vnd.oasis.opendocument.presentation"),
        (FileContent = "text/plain"), (FileContent = "text/csv"),
    )),
    responses((status = 201, description = "Attached", body = Attachment))
)]
#[post("/consultations/{id}/attachments")]
async fn add_to_consultation(
    state: Data<State>,
    request: HttpRequest,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ConsultationId>,
    payload: Payload,
) -> Answer<Created<Attachment>> {
    receive(&state, &request, caller, id.into(), payload).await
}

/// Attachments of an event, in the order in which they came.
#[utoipa::path(
    tag = "Attachments", operation_id = "list_event_attachments",
    params(IdPath, PageParams, AttachmentFilter),
    responses((status = 200, description = "One page", body = Page<Attachment>))
)]
#[get("/events/{id}/attachments")]
async fn list_of_event(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EventId>,
    query: ListQuery<AttachmentFilter>,
) -> Answer<Listed<Attachment>> {
    let list = move |app: &_, query: &ListQuery<AttachmentFilter>| {
        attachment::list(app, &caller, id.into(), &query.filter, &query.paging)
    };
    state.list(query, list).await
}

/// Attaches a file to an event: the body is the file, `Content-Type` its type.
#[utoipa::path(
    tag = "Attachments", operation_id = "attach_to_event",
    params(IdPath, AttachmentInput, IdempotencyHeader),
    request_body(content(
        (FileContent = "application/pdf"), (FileContent = "image/png"), (FileContent = "image/jpeg"),
        (FileContent = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (FileContent = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (FileContent = "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        (FileContent = "application/vnd.oasis.opendocument.text"),
        (FileContent = "application/vnd.oasis.opendocument.spreadsheet"),
        (FileContent = "application/vnd.oasis.opendocument.presentation"),
        (FileContent = "text/plain"), (FileContent = "text/csv"),
    )),
    responses((status = 201, description = "Attached", body = Attachment))
)]
#[post("/events/{id}/attachments")]
async fn add_to_event(
    state: Data<State>,
    request: HttpRequest,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<EventId>,
    payload: Payload,
) -> Answer<Created<Attachment>> {
    receive(&state, &request, caller, id.into(), payload).await
}

/// Attachments of an accompaniment, in the order in which they came.
#[utoipa::path(
    tag = "Attachments", operation_id = "list_accompaniment_attachments",
    params(IdPath, PageParams, AttachmentFilter),
    responses((status = 200, description = "One page", body = Page<Attachment>))
)]
#[get("/accompaniments/{id}/attachments")]
async fn list_of_accompaniment(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AccompanimentId>,
    query: ListQuery<AttachmentFilter>,
) -> Answer<Listed<Attachment>> {
    let list = move |app: &_, query: &ListQuery<AttachmentFilter>| {
        attachment::list(app, &caller, id.into(), &query.filter, &query.paging)
    };
    state.list(query, list).await
}

/// Attaches a file to an accompaniment: the body is the file, `Content-Type` its type.
#[utoipa::path(
    tag = "Attachments", operation_id = "attach_to_accompaniment",
    params(IdPath, AttachmentInput, IdempotencyHeader),
    request_body(content(
        (FileContent = "application/pdf"), (FileContent = "image/png"), (FileContent = "image/jpeg"),
        (FileContent = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (FileContent = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (FileContent = "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        (FileContent = "application/vnd.oasis.opendocument.text"),
        (FileContent = "application/vnd.oasis.opendocument.spreadsheet"),
        (FileContent = "application/vnd.oasis.opendocument.presentation"),
        (FileContent = "text/plain"), (FileContent = "text/csv"),
    )),
    responses((status = 201, description = "Attached", body = Attachment))
)]
#[post("/accompaniments/{id}/attachments")]
async fn add_to_accompaniment(
    state: Data<State>,
    request: HttpRequest,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AccompanimentId>,
    payload: Payload,
) -> Answer<Created<Attachment>> {
    receive(&state, &request, caller, id.into(), payload).await
}

/// What is known of one attachment; the file itself is below `/content`.
#[utoipa::path(
    tag = "Attachments", operation_id = "get_attachment", params(IdPath, IfNoneMatchHeader),
    responses((status = 200, description = "The attachment", body = Attachment))
)]
#[get("/attachments/{id}")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AttachmentId>,
) -> Answer<Found<Attachment>> {
    let found = state.run(move |app| attachment::get(app, &caller, id)).await?;
    Ok(Found(found))
}

/// Gives an attachment another name (JSON Merge Patch). Its content stays.
#[utoipa::path(
    tag = "Attachments", operation_id = "rename_attachment", params(IdPath, IfMatchHeader),
    request_body(content = AttachmentInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The attachment as it is now", body = Attachment))
)]
#[patch("/attachments/{id}")]
async fn rename(
    state: Data<State>,
    PathId(id): PathId<AttachmentId>,
    request: Change,
) -> Answer<Found<Attachment>> {
    let renamed = state
        .run(move |app| attachment::rename(app, &request.caller, id, request.seen, &request.patch))
        .await?;
    Ok(Found(renamed))
}

/// The file, to be saved and not shown. `ETag` is its SHA-256; a part of it is asked for with `Range`.
#[utoipa::path(
    tag = "Attachments", operation_id = "get_attachment_content", params(IdPath, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The file, of its own type", body = FileContent, content_type = "application/octet-stream"),
        (status = 206, description = "The part asked for", body = FileContent, content_type = "application/octet-stream"),
        (status = 416, description = "It has no such part")
    )
)]
#[get("/attachments/{id}/content")]
async fn content(
    state: Data<State>,
    request: HttpRequest,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AttachmentId>,
) -> Answer<HttpResponse> {
    let asking = caller.clone();
    let found = state.run(move |app| attachment::get_with_content(app, &asking, id)).await?;
    if let Some(response) = send(&state.attachments.store, &request, &found).await? {
        return Ok(response);
    }
    // Voided since it was looked at, or lost.
    state.run(move |app| attachment::get_with_content(app, &caller, id)).await?;
    Err(Error::internal("the content of an attachment is missing").into())
}

/// Takes an attachment back with a reason. Its content is removed for good; what it was stays readable.
#[utoipa::path(
    tag = "Attachments", operation_id = "void_attachment", params(IdPath, IfMatchHeader, IdempotencyHeader),
    request_body = ReasonInput,
    responses((status = 200, description = "The attachment as it is now", body = Attachment))
)]
#[post("/attachments/{id}/void")]
async fn void(
    state: Data<State>,
    PathId(id): PathId<AttachmentId>,
    command: VersionedCommand<ReasonInput>,
) -> Answer<Found<Attachment>> {
    let state = state.into_inner();
    // On its own: who hangs up in between does not keep the content from being removed.
    let work = async move {
        let voided = state
            .run(move |app| attachment::void(app, &command.caller, id, command.seen, &command.body))
            .await?;
        // When this fails, housekeeping finds it.
        if let Err(error) = state.attachments.store.remove(id).await {
            tracing::warn!(%error, "the content of a voided attachment was not removed yet");
        }
        Ok(Found(voided))
    };
    finished(work).await
}

/// Who changed the attachment, when, from what to what.
#[utoipa::path(
    tag = "Attachments", operation_id = "list_attachment_history", params(IdPath, PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/attachments/{id}/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AttachmentId>,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state.list(query, move |app, query| attachment::history(app, &caller, id, &query.paging)).await
}

/// Takes a file in: whether it may come, the bytes into the store, then the row. Whatever goes wrong,
/// there is no row without its content, and no content stays without its row.
async fn receive(
    state: &Data<State>,
    request: &HttpRequest,
    caller: Caller,
    to: AttachedTo,
    payload: Payload,
) -> Answer<Created<Attachment>> {
    // Whether there is one; what it stands for is known when all is there.
    let idempotency = idempotency_key(request, &[])?;
    let asking = Caller { idempotency, ..caller.clone() };
    state.run(move |app| attachment::check_may_add(app, &asking, to)).await?;
    let input: AttachmentInput = parameters(request)?;
    let media_type = media_type(request, &state.attachments.media_types)?;
    let name = input.checked(media_type)?;
    let most = state.attachments.most_bytes;
    check_announced(request, most)?;

    let id: AttachmentId = state.app.new_id();
    let mut upload = state.attachments.store.begin(id);
    let taken = take(payload, &mut upload, media_type, most, state.body_timeout).await;
    let (bytes, sha256) = match taken {
        Ok(taken) => taken,
        Err(problem) => {
            upload.abort().await;
            return Err(problem);
        }
    };
    let told = format!("{sha256}\0{}\0{name}", media_type.name());
    let idempotency = idempotency_key(request, told.as_bytes())?;
    let caller = Caller { idempotency, ..caller };
    let file = ReceivedFile { id, name, media_type, bytes, sha256 };
    let state = Data::clone(state).into_inner();
    finished(async move {
        let store = &state.attachments.store;
        if let Err(error) = upload.finish().await {
            store.doubt(id, state.app.now());
            return Err(error.into());
        }
        let added = state.run(move |app| attachment::add(app, &caller, to, &file)).await;
        match &added {
            Ok(attachment) if attachment.id == id => {}
            // The database failed and may hold the row after all.
            Err(problem) if !problem.status.is_client_error() => store.doubt(id, state.app.now()),
            // Refused, or done before under this key.
            Ok(_) | Err(_) => {
                if let Err(error) = store.remove(id).await {
                    tracing::warn!(%error, "a content without an attachment was not removed yet");
                    store.doubt(id, state.app.now());
                }
            }
        }
        Ok(Created(added?))
    })
    .await
}

/// The work, which goes on to its end when the client hangs up meanwhile.
async fn finished<T: 'static>(work: impl Future<Output = Answer<T>> + 'static) -> Answer<T> {
    match actix_web::rt::spawn(work).await {
        Ok(answer) => answer,
        Err(panicked) => Err(Error::Internal(panicked.into()).into()),
    }
}

/// Streams the body into the store. Who is silent for `silence` is cut off, not who is slow.
async fn take(
    mut payload: Payload,
    upload: &mut Upload,
    media_type: MediaType,
    most: u64,
    silence: Duration,
) -> Result<(i64, ContentHash), Problem> {
    let begun = Instant::now();
    let mut inspection = Inspection::new(media_type);
    let mut hash = Sha256::new();
    let mut bytes: u64 = 0;
    loop {
        let left = LONGEST_UPLOAD.saturating_sub(begun.elapsed());
        let chunk = match timeout(silence.min(left), payload.next()).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(_))) => {
                return Err(Problem::malformed(
                    "incomplete_body",
                    "The body broke off before its end.",
                ));
            }
            Ok(None) => break,
            Err(_) => return Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)),
        };
        bytes += chunk.len() as u64;
        if bytes > most {
            return Err(Problem::larger_than(most));
        }
        hash.update(&chunk);
        inspection.feed(&chunk);
        upload.write(&chunk).await?;
    }
    if bytes == 0 {
        return Err(Error::invalid("", "empty", "the file must not be empty").into());
    }
    if !inspection.holds() {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content_of_another_type",
            "The content is of another type",
            format!(
                "The content is not {}, which Content-Type says, or not the whole of it. Documents \
                 with macros are not taken; text must be UTF-8, and neither markup nor a script.",
                media_type.name()
            ),
        ));
    }
    let bytes = i64::try_from(bytes).map_err(|error| Error::Internal(error.into()))?;
    Ok((bytes, ContentHash(hash.finalize().into())))
}

/// The type that the client says the file has, if it is taken here.
fn media_type(request: &HttpRequest, taken: &[MediaType]) -> Result<MediaType, Problem> {
    let unsupported = |detail: String| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body has another type",
            detail,
        )
    };
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(unsupported("Send the file without Content-Encoding.".to_owned()));
    }
    let told = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let told = told.unwrap_or_default().to_ascii_lowercase();
    let (name, parameters) = told.split_once(';').unwrap_or((&told, ""));
    let found = MediaType::from_name(name.trim()).filter(|found| taken.contains(found));
    let Some(found) = found else {
        let names: Vec<_> = taken.iter().map(|media_type| media_type.name()).collect();
        return Err(unsupported(format!(
            "Send the file with its own Content-Type, one of {}.",
            names.join(", ")
        )));
    };
    let charset = parameters.split(';').find_map(|p| p.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| charset.trim_matches('"') != "utf-8") {
        return Err(unsupported("Send text in UTF-8.".to_owned()));
    }
    Ok(found)
}

fn check_announced(request: &HttpRequest, most: u64) -> Result<(), Problem> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > most) {
        return Err(Problem::larger_than(most));
    }
    Ok(())
}

/// Answers with the file. No browser shows it in the name of this installation: it is to be saved, of
/// exactly this type, and if something opens it anyway, in a sandbox. None when the store has no content.
async fn send(
    store: &Store,
    request: &HttpRequest,
    attachment: &Attachment,
) -> Answer<Option<HttpResponse>> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let etag = format!("\"{}\"", attachment.sha256);
    let known = is_known(request, &etag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, etag.as_str()))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    if known {
        return Ok(Some(response.finish()));
    }
    let whole = u64::try_from(attachment.bytes).map_err(|error| Error::Internal(error.into()))?;
    // A part of what the client has a part of, or all of it.
    let same = header(IF_RANGE).is_none_or(|known| known == etag);
    let range = match header(RANGE).filter(|_| same).and_then(|range| range.parse().ok()) {
        Some(RangeHeader::Bytes(parts)) if parts.len() == 1 => {
            let Some((first, last)) = parts[0].to_satisfiable_range(whole) else {
                return Err(Problem::no_such_range(whole));
            };
            response.status(StatusCode::PARTIAL_CONTENT);
            response.insert_header((CONTENT_RANGE, format!("bytes {first}-{last}/{whole}")));
            first..last + 1
        }
        _ => 0..whole,
    };
    let length = range.end - range.start;
    let Some(bytes) = store.read(attachment.id, range).await? else { return Ok(None) };
    let charset = if attachment.media_type.is_text() { "; charset=utf-8" } else { "" };
    response
        .insert_header((CONTENT_TYPE, format!("{}{charset}", attachment.media_type.name())))
        .insert_header((CONTENT_DISPOSITION, disposition(&attachment.name)))
        .insert_header((ACCEPT_RANGES, "bytes"))
        // As it is: its hash is in `ETag`, and most types are compressed already.
        .insert_header((CONTENT_ENCODING, "identity"));
    Ok(Some(response.body(SizedStream::new(length, bytes))))
}

/// `attachment` with the name (RFC 6266): for old clients in letters, digits and little else, for the
/// others in full (RFC 8187).
fn disposition(name: &str) -> String {
    use std::fmt::Write;

    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " .-_()".contains(c) { c } else { '_' })
        .collect();
    let mut full = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~".contains(&byte) {
            full.push(char::from(byte));
        } else {
            let _ = write!(full, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        assert_eq!(
            disposition("Übersicht \"neu\"; a=b.pdf"),
            "attachment; filename=\"_bersicht _neu__ a_b.pdf\"; \
             filename*=UTF-8''%C3%9Cbersicht%20%22neu%22%3B%20a%3Db.pdf"
        );
        assert!(!disposition("a\r\nSet-Cookie: x").contains(['\r', '\n']));
    }
}
