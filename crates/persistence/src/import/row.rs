//! What came of the rows of an import.

use diesel::dsl::max;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::id::ImportId;
use lotse_domain::import::{
    ImportOutcome, ImportRow, ImportRowFilter, ImportUndoOutcome, RowError,
};
use lotse_domain::page::{Page, Paging};
use lotse_domain::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::connection::Conn;
use crate::convert::{code, document, of_document, optional_code};
use crate::error::DbResult;
use crate::page::first;
use crate::schema::import_rows;
use crate::sql_types::{Document, Key};

#[derive(Queryable, Insertable)]
#[diesel(table_name = import_rows)]
struct Row {
    import_id: Key,
    number: i64,
    outcome: String,
    record_id: Option<Key>,
    record_version: Option<i64>,
    old: Option<Document>,
    cells: Option<Document>,
    errors: Document,
    undone: Option<String>,
}

fn entity(row: Row) -> Result<ImportRow> {
    Ok(ImportRow {
        number: row.number,
        outcome: code(&row.outcome)?,
        record_id: row.record_id.map(|id| id.0),
        record_version: row.record_version,
        errors: of_document(row.errors)?,
        undone: optional_code(row.undone.as_deref())?,
    })
}

/// What is kept of a row.
#[derive(Debug)]
pub struct Kept {
    pub row: ImportRow,
    /// The command form of the record before it was updated.
    pub old: Option<Value>,
    /// Of a row that was refused.
    pub cells: Option<Vec<String>>,
}

/// # Errors
/// When the database cannot be written; a row is kept once.
pub fn insert_all(conn: &mut Conn, import: ImportId, kept: Vec<Kept>) -> Result<()> {
    let row = |kept: Kept| -> Result<Row> {
        Ok(Row {
            import_id: Key(import.0),
            number: kept.row.number,
            outcome: kept.row.outcome.code().to_owned(),
            record_id: kept.row.record_id.map(Key),
            record_version: kept.row.record_version,
            old: kept.old.map(Document),
            cells: kept.cells.map(|cells| document(&cells)).transpose()?,
            errors: document(&kept.row.errors)?,
            undone: kept.row.undone.map(|undone| undone.code().to_owned()),
        })
    };
    let rows: Vec<Row> = kept.into_iter().map(row).collect::<Result<_>>()?;
    on_backend!(conn, c => diesel::insert_into(import_rows::table).values(&rows).execute(c))
        .db()?;
    Ok(())
}

/// The last row that something came of, and how many there are.
///
/// # Errors
/// When the database cannot be read.
pub fn progress(conn: &mut Conn, import: ImportId) -> Result<(i64, i64)> {
    let of = || import_rows::table.filter(import_rows::import_id.eq(Key(import.0)));
    let last: Option<i64> = of().select(max(import_rows::number)).first(conn).db()?;
    let rows = of().count().get_result(conn).db()?;
    Ok((last.unwrap_or(0), rows))
}

/// In the order of the file.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    import: ImportId,
    filter: &ImportRowFilter,
    paging: &Paging,
) -> Result<Page<ImportRow>> {
    let matching = || {
        let mut query =
            import_rows::table.filter(import_rows::import_id.eq(Key(import.0))).into_boxed();
        if let Some(outcome) = filter.outcome {
            query = query.filter(import_rows::outcome.eq(outcome.code()));
        }
        if let Some(undone) = filter.undone {
            query = query.filter(import_rows::undone.eq(Some(undone.code())));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(import_rows::number.gt(after.parse::<i64>()?));
    }
    let page = page.order(import_rows::number).select(import_rows::all_columns);
    let rows: Vec<Row> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(entity).collect::<Result<_>>()?;
    paging.page(found, total, |row: &ImportRow| (row.number.to_string(), import.0))
}

/// A row that was refused, as it stood in the file.
#[derive(Clone, Debug, Serialize)]
pub struct RefusedRow {
    pub number: i64,
    pub cells: Vec<String>,
    pub errors: Vec<RowError>,
}

/// The next rows that were refused, after one of them.
///
/// # Errors
/// When the database cannot be read.
pub fn refused(
    conn: &mut Conn,
    import: ImportId,
    after: i64,
    most: i64,
) -> Result<Vec<RefusedRow>> {
    let rows: Vec<(i64, Option<Document>, Document)> = import_rows::table
        .filter(import_rows::import_id.eq(Key(import.0)))
        .filter(import_rows::outcome.eq(ImportOutcome::Refused.code()))
        .filter(import_rows::number.gt(after))
        .order(import_rows::number)
        .limit(most)
        .select((import_rows::number, import_rows::cells, import_rows::errors))
        .load(conn)
        .db()?;
    rows.into_iter()
        .map(|(number, cells, errors)| {
            let cells = cells.map(of_document).transpose()?.unwrap_or_default();
            Ok(RefusedRow { number, cells, errors: of_document(errors)? })
        })
        .collect()
}

/// A row that changed something which was not taken back yet.
#[derive(Debug)]
pub struct ToUndo {
    pub number: i64,
    pub record_id: Uuid,
    pub record_version: i64,
    /// None of a record that was created.
    pub old: Option<Value>,
}

/// The last ones first: what came later is taken back earlier.
///
/// # Errors
/// When the database cannot be read.
pub fn to_undo(conn: &mut Conn, import: ImportId, most: i64) -> Result<Vec<ToUndo>> {
    type Found = (i64, Option<Key>, Option<i64>, Option<Document>);
    let rows: Vec<Found> = waiting(import)
        .order(import_rows::number.desc())
        .limit(most)
        .select((
            import_rows::number,
            import_rows::record_id,
            import_rows::record_version,
            import_rows::old,
        ))
        .load(conn)
        .db()?;
    rows.into_iter()
        .map(|(number, record_id, record_version, old)| {
            let missing = || Error::internal("a row that changed a record does not name it");
            Ok(ToUndo {
                number,
                record_id: record_id.ok_or_else(missing)?.0,
                record_version: record_version.ok_or_else(missing)?,
                old: old.map(|old| old.0),
            })
        })
        .collect()
}

/// How many changed something which was not taken back yet.
///
/// # Errors
/// When the database cannot be read.
pub fn count_to_undo(conn: &mut Conn, import: ImportId) -> Result<i64> {
    waiting(import).count().get_result(conn).db()
}

/// Whether something that was created or updated was not taken back.
///
/// # Errors
/// When the database cannot be read.
pub fn any_left(conn: &mut Conn, import: ImportId) -> Result<bool> {
    let left = import_rows::table
        .filter(import_rows::import_id.eq(Key(import.0)))
        .filter(
            import_rows::undone
                .is_not_null()
                .and(import_rows::undone.ne(Some(ImportUndoOutcome::TakenBack.code()))),
        )
        .limit(1)
        .count();
    Ok(left.get_result::<i64>(conn).db()? > 0)
}

type Waiting<'a> = import_rows::BoxedQuery<'a, crate::connection::MultiBackend>;

fn waiting<'a>(import: ImportId) -> Waiting<'a> {
    let changed = [ImportOutcome::Created.code(), ImportOutcome::Updated.code()];
    import_rows::table
        .filter(import_rows::import_id.eq(Key(import.0)))
        .filter(import_rows::outcome.eq(changed[0]).or(import_rows::outcome.eq(changed[1])))
        .filter(import_rows::undone.is_null())
        .into_boxed()
}

/// Notes what became of a row.
///
/// # Errors
/// When the database cannot be written.
pub fn set_undone(
    conn: &mut Conn,
    import: ImportId,
    number: i64,
    undone: ImportUndoOutcome,
) -> Result<()> {
    diesel::update(import_rows::table.find((Key(import.0), number)))
        .set(import_rows::undone.eq(Some(undone.code())))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Raises the versions that the rows of a record are taken back from, as far as that was not done yet.
///
/// # Errors
/// When the database cannot be written.
pub fn shift_versions(conn: &mut Conn, import: ImportId, record: Uuid, by: i64) -> Result<()> {
    diesel::update(
        import_rows::table
            .filter(import_rows::import_id.eq(Key(import.0)))
            .filter(import_rows::record_id.eq(Some(Key(record))))
            .filter(import_rows::undone.is_null()),
    )
    .set(import_rows::record_version.eq(import_rows::record_version + by))
    .execute(conn)
    .db()?;
    Ok(())
}
