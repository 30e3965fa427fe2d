//! Imports with their files. What came of their rows is in `row`, which records rows mean in `known`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::attachment::ContentHash;
use lotse_domain::code::Code;
use lotse_domain::id::{ImportId, JobId};
use lotse_domain::import::{Detected, Import, ImportCounts, ImportFilter};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::{carrier_of, code, document, of_document};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::{import_chunks, import_rows, imports};
use crate::sql_types::{At, Document, Key};

pub mod known;
pub mod row;

/// A part of a file in a row. A value of many megabytes would be copied as a whole on its way.
const CHUNK: usize = 256 * 1024;

#[derive(Queryable, Insertable)]
#[diesel(table_name = imports)]
struct Row {
    id: Key,
    carrier_id: Key,
    recorded_by: Key,
    target: String,
    name: String,
    format: String,
    bytes: i64,
    sha256: Vec<u8>,
    detected: Document,
    settings: Document,
    confirmed: bool,
    status: String,
    fingerprint: Option<Vec<u8>>,
    run_job_id: Option<Key>,
    undo_job_id: Option<Key>,
    file_removed_at: Option<At>,
    created: i64,
    updated: i64,
    unchanged: i64,
    skipped: i64,
    refused: i64,
    version: i64,
    created_at: At,
    updated_at: At,
}

fn entity(row: Row, names: &Names) -> Result<Import> {
    let sha256 = <[u8; 32]>::try_from(row.sha256)
        .map_err(|_| Error::internal("a SHA-256 has not 32 bytes"))?;
    Ok(Import {
        id: ImportId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        recorded_by: names.reference(row.recorded_by)?,
        target: code(&row.target)?,
        name: row.name,
        format: code(&row.format)?,
        bytes: row.bytes,
        sha256: ContentHash(sha256),
        detected: of_document(row.detected)?,
        settings: of_document(row.settings)?,
        confirmed: row.confirmed,
        status: code(&row.status)?,
        run_job_id: row.run_job_id.map(|id| JobId(id.0)),
        undo_job_id: row.undo_job_id.map(|id| JobId(id.0)),
        file_removed_at: row.file_removed_at.map(|at| at.0),
        counts: ImportCounts {
            created: row.created,
            updated: row.updated,
            unchanged: row.unchanged,
            skipped: row.skipped,
            refused: row.refused,
        },
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such import in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: ImportId) -> Result<Import> {
    let not_found = Error::NotFound("import");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let row: Option<Row> = imports::table
        .find(Key(id.0))
        .filter(imports::carrier_id.eq(carrier))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(not_found)
}

/// The latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &ImportFilter,
    paging: &Paging,
) -> Result<Page<Import>> {
    let key = |import: &Import| (String::new(), import.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query = imports::table.filter(imports::carrier_id.eq(carrier)).into_boxed();
        if let Some(target) = filter.target {
            query = query.filter(imports::target.eq(target.code()));
        }
        if let Some(status) = filter.status {
            query = query.filter(imports::status.eq(status.code()));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(imports::id.lt(Key(after.id)));
    }
    let page = page.order(imports::id.desc()).select(imports::all_columns);
    let rows: Vec<Row> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, key)
}

/// With its file.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, import: &Import, bytes: &[u8]) -> Result<()> {
    let row = Row {
        id: Key(import.id.0),
        carrier_id: Key(import.carrier.id),
        recorded_by: Key(import.recorded_by.id),
        target: import.target.code().to_owned(),
        name: import.name.clone(),
        format: import.format.code().to_owned(),
        bytes: import.bytes,
        sha256: import.sha256.0.to_vec(),
        detected: document(&import.detected)?,
        settings: document(&import.settings)?,
        confirmed: import.confirmed,
        status: import.status.code().to_owned(),
        fingerprint: None,
        run_job_id: None,
        undo_job_id: None,
        file_removed_at: None,
        created: 0,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        refused: 0,
        version: import.version,
        created_at: At(import.created_at),
        updated_at: At(import.updated_at),
    };
    diesel::insert_into(imports::table).values(row).execute(conn).db()?;
    for (number, chunk) in (0_i64..).zip(bytes.chunks(CHUNK)) {
        diesel::insert_into(import_chunks::table)
            .values((
                import_chunks::import_id.eq(Key(import.id.0)),
                import_chunks::number.eq(number),
                import_chunks::content.eq(chunk),
            ))
            .execute(conn)
            .db()?;
    }
    Ok(())
}

/// Without the counts, which [`add_counts`] keeps.
///
/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, import: &Import) -> Result<()> {
    let changed = diesel::update(imports::table.find(Key(import.id.0)))
        .filter(imports::version.eq(import.version - 1))
        .set((
            imports::detected.eq(document(&import.detected)?),
            imports::settings.eq(document(&import.settings)?),
            imports::confirmed.eq(import.confirmed),
            imports::status.eq(import.status.code()),
            imports::run_job_id.eq(import.run_job_id.map(|id| Key(id.0))),
            imports::undo_job_id.eq(import.undo_job_id.map(|id| Key(id.0))),
            imports::version.eq(import.version),
            imports::updated_at.eq(At(import.updated_at)),
        ))
        .execute(conn)
        .db()?;
    one_row(changed, import.version)
}

/// # Errors
/// When the database cannot be written.
pub fn add_counts(conn: &mut Conn, id: ImportId, more: &ImportCounts) -> Result<()> {
    diesel::update(imports::table.find(Key(id.0)))
        .set((
            imports::created.eq(imports::created + more.created),
            imports::updated.eq(imports::updated + more.updated),
            imports::unchanged.eq(imports::unchanged + more.unchanged),
            imports::skipped.eq(imports::skipped + more.skipped),
            imports::refused.eq(imports::refused + more.refused),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Notes what the import is, so that the same one does not work twice; none once it is taken back.
///
/// # Errors
/// `Conflict` when the same one was started at the same time.
pub fn set_fingerprint(conn: &mut Conn, id: ImportId, fingerprint: Option<[u8; 32]>) -> Result<()> {
    diesel::update(imports::table.find(Key(id.0)))
        .set(imports::fingerprint.eq(fingerprint.map(|hash| hash.to_vec())))
        .execute(conn)
        .db()?;
    Ok(())
}

/// The job of the import of the carrier that did the same, if its work holds.
///
/// # Errors
/// When the database cannot be read.
pub fn job_of_the_same(
    conn: &mut Conn,
    scope: &Scope,
    fingerprint: &[u8; 32],
) -> Result<Option<JobId>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(None) };
    let job: Option<Option<Key>> = imports::table
        .filter(imports::carrier_id.eq(carrier))
        .filter(imports::fingerprint.eq(Some(fingerprint.to_vec())))
        .select(imports::run_job_id)
        .first(conn)
        .optional()
        .db()?;
    Ok(job.flatten().map(|id| JobId(id.0)))
}

/// The file of an import, whose scope was checked.
///
/// # Errors
/// `Conflict` when its time was over; `Internal` when a part of it is missing.
pub fn content(conn: &mut Conn, import: &Import) -> Result<Vec<u8>> {
    import.check_file_kept()?;
    let chunks: Vec<Vec<u8>> = import_chunks::table
        .filter(import_chunks::import_id.eq(Key(import.id.0)))
        .order(import_chunks::number)
        .select(import_chunks::content)
        .load(conn)
        .db()?;
    let bytes = chunks.concat();
    if i64::try_from(bytes.len()) != Ok(import.bytes) {
        return Err(Error::internal("a part of the file of an import is missing"));
    }
    Ok(bytes)
}

/// Removes files that nobody touched since, with all that stood in their cells; what came of their rows stays.
/// Answers how many.
///
/// # Errors
/// When the database cannot be written.
pub fn remove_files(conn: &mut Conn, now: DateTime<Utc>, before: DateTime<Utc>) -> Result<usize> {
    let over: Vec<(Key, Document)> = imports::table
        .filter(imports::file_removed_at.is_null())
        .filter(imports::updated_at.lt(At(before)))
        .select((imports::id, imports::detected))
        .load(conn)
        .db()?;
    for (id, detected) in &over {
        let detected: Detected = of_document(detected.clone())?;
        diesel::delete(import_chunks::table.filter(import_chunks::import_id.eq(*id)))
            .execute(conn)
            .db()?;
        diesel::update(import_rows::table.filter(import_rows::import_id.eq(*id)))
            .set(import_rows::cells.eq(None::<Document>))
            .execute(conn)
            .db()?;
        diesel::update(imports::table.find(*id))
            .set((
                imports::file_removed_at.eq(Some(At(now))),
                imports::detected.eq(document(&detected.without_samples())?),
                imports::version.eq(imports::version + 1),
            ))
            .execute(conn)
            .db()?;
    }
    Ok(over.len())
}
