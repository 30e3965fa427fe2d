//! What was frozen with a report: its basis, its content, and the facts that it was counted from.

use std::collections::HashMap;

use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::id::ReportId;
use lotse_domain::report::{Basis, EventFact, Fact};
use serde::Serialize;
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{document, of_document};
use crate::error::DbResult;
use crate::schema::{report_contents, report_facts};
use crate::sql_types::{Document, Key};

const CONSULTATION: &str = "consultation";
const EVENT: &str = "event";
const CHUNK: i64 = 5_000;

/// What a frozen report rests on, and what it says in its canonical form.
#[derive(Clone, Debug)]
pub struct Frozen {
    pub basis: Basis,
    pub content: String,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = report_contents)]
struct ContentRow {
    report_id: Key,
    basis: Document,
    content: String,
}

#[derive(Insertable)]
#[diesel(table_name = report_facts)]
struct FactRow {
    report_id: Key,
    kind: String,
    position: i64,
    record_id: Key,
    facts: Document,
}

/// Keeps basis, content and events. The facts of consultations are put one by one.
///
/// # Errors
/// When the database cannot be written.
pub fn freeze(
    conn: &mut Conn,
    report: ReportId,
    frozen: &Frozen,
    events: &[EventFact],
) -> Result<()> {
    let content = ContentRow {
        report_id: Key(report.0),
        basis: document(&frozen.basis)?,
        content: frozen.content.clone(),
    };
    diesel::insert_into(report_contents::table).values(content).execute(conn).db()?;
    let rows =
        (0..).zip(events).map(|(position, event)| row(report, EVENT, position, event.id, event));
    insert(conn, &rows.collect::<Result<Vec<_>>>()?)
}

/// Keeps some facts, the first at `position`. They come in the order that they are counted in.
///
/// # Errors
/// When the database cannot be written.
pub fn put_facts(conn: &mut Conn, report: ReportId, position: i64, facts: &[Fact]) -> Result<()> {
    let rows = (position..)
        .zip(facts)
        .map(|(position, fact)| row(report, CONSULTATION, position, fact.id, fact));
    insert(conn, &rows.collect::<Result<Vec<_>>>()?)
}

fn row(
    report: ReportId,
    kind: &str,
    position: i64,
    record: Uuid,
    facts: &impl Serialize,
) -> Result<FactRow> {
    Ok(FactRow {
        report_id: Key(report.0),
        kind: kind.to_owned(),
        position,
        record_id: Key(record),
        facts: document(facts)?,
    })
}

fn insert(conn: &mut Conn, rows: &[FactRow]) -> Result<()> {
    on_backend!(conn, c => diesel::insert_into(report_facts::table).values(rows).execute(c))
        .db()?;
    Ok(())
}

/// # Errors
/// `Internal` when the report was not frozen.
pub fn frozen(conn: &mut Conn, report: ReportId) -> Result<Frozen> {
    let row: ContentRow = report_contents::table.find(Key(report.0)).first(conn).db()?;
    Ok(Frozen { basis: of_document(row.basis)?, content: row.content })
}

/// The facts of consultations in the order that they were counted in, in chunks.
///
/// # Errors
/// When the database cannot be read; what `each` answers.
pub fn each_frozen(
    conn: &mut Conn,
    report: ReportId,
    mut each: impl FnMut(Fact) -> Result<()>,
) -> Result<()> {
    let mut from = 0_i64;
    loop {
        let rows: Vec<(i64, Document)> = report_facts::table
            .filter(report_facts::report_id.eq(Key(report.0)))
            .filter(report_facts::kind.eq(CONSULTATION))
            .filter(report_facts::position.ge(from))
            .order(report_facts::position)
            .limit(CHUNK)
            .select((report_facts::position, report_facts::facts))
            .load(conn)
            .db()?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        from = last + 1;
        for (_, facts) in rows {
            each(of_document(facts)?)?;
        }
    }
}

/// # Errors
/// When the database cannot be read.
pub fn frozen_events(conn: &mut Conn, report: ReportId) -> Result<Vec<EventFact>> {
    let rows: Vec<Document> = report_facts::table
        .filter(report_facts::report_id.eq(Key(report.0)))
        .filter(report_facts::kind.eq(EVENT))
        .order(report_facts::position)
        .select(report_facts::facts)
        .load(conn)
        .db()?;
    rows.into_iter().map(of_document).collect()
}

/// The facts of some records, by id.
///
/// # Errors
/// When the database cannot be read.
pub fn frozen_among(
    conn: &mut Conn,
    report: ReportId,
    records: &[Uuid],
) -> Result<HashMap<Uuid, Fact>> {
    let records: Vec<Key> = records.iter().map(|id| Key(*id)).collect();
    let rows: Vec<Document> = on_backend!(conn, c => report_facts::table
        .filter(report_facts::report_id.eq(Key(report.0)))
        .filter(report_facts::kind.eq(CONSULTATION))
        .filter(among(report_facts::record_id, &records))
        .select(report_facts::facts)
        .load(c))
    .db()?;
    rows.into_iter()
        .map(|facts| {
            let fact: Fact = of_document(facts)?;
            Ok((fact.id, fact))
        })
        .collect()
}
