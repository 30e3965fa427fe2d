//! The records of a bulk change, and what came of them.

use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::bulk_change::{BulkOutcome, BulkRow, BulkRowFilter, SelectedRecord};
use lotse_domain::code::Code;
use lotse_domain::error::Violation;
use lotse_domain::id::BulkChangeId;
use lotse_domain::page::{Page, Paging};

use crate::connection::Conn;
use crate::convert::{document, of_document, optional_code};
use crate::error::DbResult;
use crate::page::first;
use crate::schema::bulk_change_rows;
use crate::sql_types::{Document, Key};

#[derive(Queryable, Insertable)]
#[diesel(table_name = bulk_change_rows)]
struct Row {
    bulk_change_id: Key,
    number: i64,
    record_id: Key,
    record_version: Option<i64>,
    outcome: Option<String>,
    errors: Document,
}

fn entity(row: Row) -> Result<BulkRow> {
    Ok(BulkRow {
        number: row.number,
        record_id: row.record_id.0,
        record_version: row.record_version,
        outcome: optional_code(row.outcome.as_deref())?,
        errors: of_document(row.errors)?,
    })
}

pub(super) fn insert_all(
    conn: &mut Conn,
    bulk: BulkChangeId,
    records: &[SelectedRecord],
) -> Result<()> {
    // PostgreSQL binds 65,535 values in one statement.
    const BATCH: usize = 1000;
    let none = document::<Vec<Violation>>(&Vec::new())?;
    let rows: Vec<Row> = (1_i64..)
        .zip(records)
        .map(|(number, record)| Row {
            bulk_change_id: Key(bulk.0),
            number,
            record_id: Key(record.id),
            record_version: record.version,
            outcome: None,
            errors: none.clone(),
        })
        .collect();
    for rows in rows.chunks(BATCH) {
        on_backend!(&mut *conn, c => diesel::insert_into(bulk_change_rows::table)
            .values(rows)
            .execute(c))
        .db()?;
    }
    Ok(())
}

/// In the order of the selection.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    bulk: BulkChangeId,
    filter: &BulkRowFilter,
    paging: &Paging,
) -> Result<Page<BulkRow>> {
    let matching = || {
        let mut query = bulk_change_rows::table
            .filter(bulk_change_rows::bulk_change_id.eq(Key(bulk.0)))
            .into_boxed();
        if let Some(outcome) = filter.outcome {
            query = query.filter(bulk_change_rows::outcome.eq(Some(outcome.code())));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(bulk_change_rows::number.gt(after.parse::<i64>()?));
    }
    let page = page.order(bulk_change_rows::number).select(bulk_change_rows::all_columns);
    let rows: Vec<Row> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(entity).collect::<Result<_>>()?;
    paging.page(found, total, |row: &BulkRow| (row.number.to_string(), bulk.0))
}

/// The next records, after one of them, that nothing came of yet.
///
/// # Errors
/// When the database cannot be read.
pub fn waiting(conn: &mut Conn, bulk: BulkChangeId, after: i64, most: i64) -> Result<Vec<BulkRow>> {
    let rows: Vec<Row> = bulk_change_rows::table
        .filter(bulk_change_rows::bulk_change_id.eq(Key(bulk.0)))
        .filter(bulk_change_rows::outcome.is_null())
        .filter(bulk_change_rows::number.gt(after))
        .order(bulk_change_rows::number)
        .limit(most)
        .load(conn)
        .db()?;
    rows.into_iter().map(entity).collect()
}

/// How many something came of.
///
/// # Errors
/// When the database cannot be read.
pub fn count_done(conn: &mut Conn, bulk: BulkChangeId) -> Result<i64> {
    bulk_change_rows::table
        .filter(bulk_change_rows::bulk_change_id.eq(Key(bulk.0)))
        .filter(bulk_change_rows::outcome.is_not_null())
        .count()
        .get_result(conn)
        .db()
}

/// # Errors
/// When the database cannot be written.
pub fn set_outcome(
    conn: &mut Conn,
    bulk: BulkChangeId,
    number: i64,
    outcome: BulkOutcome,
    errors: &[Violation],
) -> Result<()> {
    diesel::update(bulk_change_rows::table.find((Key(bulk.0), number)))
        .set((
            bulk_change_rows::outcome.eq(Some(outcome.code())),
            bulk_change_rows::errors.eq(document(&errors)?),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}
