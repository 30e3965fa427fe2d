//! `…/audit-pack`: all that the own carrier has on record of a company, an actor or an accompaniment as one ZIP
//! (Prüfpaket). It is written while it is sent, so it takes as much memory as one chunk.

use std::fmt::Write as _;
use std::io::{self, Write};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{Datelike, Timelike};
use futures_util::StreamExt;
use lotse_app::audit_pack;
use lotse_domain::attachment::{Attachment, ContentHash};
use lotse_domain::audit_pack::{
    AuditPack, AuditPackParams, NotPacked, PackedFile, attachment_path, json,
};
use lotse_domain::id::{AccompanimentId, ActorId, CompanyId};
use lotse_domain::organisation::OrganisationKind;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use utoipa_actix_web::service_config::ServiceConfig;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::attachment::FileContent;
use crate::extract::{LoggedIn, Parameters, PathId};
use crate::openapi::IdPath;
use crate::respond::Answer;
use crate::sheet::File;
use crate::state::State;
use crate::store::Store;
use crate::written::{ToClient, written};

pub fn routes(config: &mut ServiceConfig) {
    config.service(of_company).service(of_actor).service(of_accompaniment);
}

/// All that the own carrier has on record of a company, for the funder's check on site: records with their
/// histories, attendance, attachments, an overview, a manifest and checksums.
#[utoipa::path(
    tag = "Audit packs", operation_id = "get_company_audit_pack", params(IdPath, AuditPackParams),
    responses((status = 200, description = "A ZIP file", body = FileContent, content_type = "application/zip"))
)]
#[get("/companies/{id}/audit-pack")]
async fn of_company(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<CompanyId>,
    Parameters(params): Parameters<AuditPackParams>,
) -> Answer<HttpResponse> {
    let kind = OrganisationKind::Company;
    let pack = state
        .run(move |app| audit_pack::of_organisation(app, &caller, kind, id.into(), params))
        .await?;
    Ok(send(&state, pack))
}

/// The same of an actor.
#[utoipa::path(
    tag = "Audit packs", operation_id = "get_actor_audit_pack", params(IdPath, AuditPackParams),
    responses((status = 200, description = "A ZIP file", body = FileContent, content_type = "application/zip"))
)]
#[get("/actors/{id}/audit-pack")]
async fn of_actor(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<ActorId>,
    Parameters(params): Parameters<AuditPackParams>,
) -> Answer<HttpResponse> {
    let kind = OrganisationKind::Actor;
    let pack = state
        .run(move |app| audit_pack::of_organisation(app, &caller, kind, id.into(), params))
        .await?;
    Ok(send(&state, pack))
}

/// What belongs to one accompaniment: itself, its consultations, cases and events, and what was attached.
#[utoipa::path(
    tag = "Audit packs", operation_id = "get_accompaniment_audit_pack", params(IdPath, AuditPackParams),
    responses((status = 200, description = "A ZIP file", body = FileContent, content_type = "application/zip"))
)]
#[get("/accompaniments/{id}/audit-pack")]
async fn of_accompaniment(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    PathId(id): PathId<AccompanimentId>,
    Parameters(params): Parameters<AuditPackParams>,
) -> Answer<HttpResponse> {
    let pack = state.run(move |app| audit_pack::of_accompaniment(app, &caller, id, params)).await?;
    Ok(send(&state, pack))
}

fn send(state: &State, pack: AuditPack) -> HttpResponse {
    let name = format!("attachment; filename=\"{}.zip\"", pack.file_name());
    let store = state.attachments.store.clone();
    let handle = Handle::current();
    let body = written((), move |to| write(&pack, &store, &handle, to));
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/zip"))
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((CONTENT_ENCODING, "identity"))
        .streaming(body)
}

/// A ZIP under way, with what is in it so far.
struct Packing<'a> {
    zip: ZipWriter<StreamWriter<&'a mut ToClient>>,
    options: SimpleFileOptions,
    files: Vec<PackedFile>,
}

impl Packing<'_> {
    fn begin(&mut self, path: &str, compression: CompressionMethod) -> io::Result<()> {
        let options = self.options.compression_method(compression);
        self.zip.start_file(path, options).map_err(io::Error::other)
    }

    fn add(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        self.begin(path, CompressionMethod::Deflated)?;
        self.zip.write_all(content)?;
        self.done(path, content.len() as u64, ContentHash(Sha256::digest(content).into()));
        Ok(())
    }

    fn done(&mut self, path: &str, bytes: u64, sha256: ContentHash) {
        self.files.push(PackedFile { path: path.to_owned(), bytes, sha256 });
    }
}

fn write(pack: &AuditPack, store: &Store, handle: &Handle, to: &mut ToClient) -> io::Result<()> {
    let other = |error: lotse_domain::Error| io::Error::other(error.to_string());
    let mut packing = Packing {
        zip: ZipWriter::new_stream(to),
        options: SimpleFileOptions::default().last_modified_time(made_at(pack)),
        files: Vec::new(),
    };
    for (path, content) in pack.documents().map_err(other)? {
        packing.add(&path, &content)?;
    }
    let mut not_packed = Vec::new();
    for attachment in &pack.attachments {
        if let Some(reason) = content(&mut packing, store, handle, attachment)? {
            let name = attachment.name.clone();
            not_packed.push(NotPacked { attachment: attachment.id.0, name, reason });
        }
    }
    let sheets = pack.sheets(&not_packed);
    let overview =
        File { name: "overview", title: &pack.subject.name, sheets: &sheets, at: pack.made_at };
    packing.add("overview.xlsx", &overview.xlsx().map_err(io::Error::other)?)?;
    let manifest = json(&pack.manifest(&packing.files, &not_packed)).map_err(other)?;
    packing.add("manifest.json", &manifest)?;
    let mut sums = String::new();
    for file in &packing.files {
        // Writing to a string does not fail.
        let _ = writeln!(sums, "{}  {}", file.sha256, file.path);
    }
    packing.add("SHA256SUMS", sums.as_bytes())?;
    packing.zip.finish().map_err(io::Error::other)?.into_inner().flush()
}

/// In the network's zone, to two seconds: a ZIP knows no other time.
fn made_at(pack: &AuditPack) -> DateTime {
    let local = lotse_domain::time::local(pack.made_at);
    let two = |number: u32| u8::try_from(number).unwrap_or_default();
    DateTime::from_date_and_time(
        u16::try_from(local.year()).unwrap_or_default(),
        two(local.month()),
        two(local.day()),
        two(local.hour()),
        two(local.minute()),
        two(local.second()),
    )
    .unwrap_or_default()
}

/// The content of an attachment; what is wrong when it is not the one that was recorded.
fn content(
    packing: &mut Packing,
    store: &Store,
    handle: &Handle,
    attachment: &Attachment,
) -> io::Result<Option<&'static str>> {
    let length = u64::try_from(attachment.bytes).unwrap_or_default();
    let found = handle.block_on(store.read(attachment.id, 0..length));
    let Some(mut chunks) = found.map_err(|error| io::Error::other(error.to_string()))? else {
        return Ok(Some("missing"));
    };
    let path = attachment_path(attachment);
    // Most types are compressed already.
    packing.begin(&path, CompressionMethod::Stored)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
    while let Some(chunk) = handle.block_on(chunks.next()) {
        let chunk = chunk?;
        hash.update(&chunk);
        bytes += chunk.len() as u64;
        packing.zip.write_all(&chunk)?;
    }
    let sha256 = ContentHash(hash.finalize().into());
    packing.done(&path, bytes, sha256);
    Ok((sha256 != attachment.sha256).then_some("altered"))
}
