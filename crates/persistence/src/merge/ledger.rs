//! What a merge moves, row by row. Each statement that changes rows has the ledger say which, so that what is
//! written down and what is done cannot differ.

use chrono::{DateTime, Utc};
use diesel::deserialize::QueryableByName;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::entity::{EntityKind, Reference};
use lotse_domain::id::{CarrierId, MergeId, OrganisationId, UserId};
use lotse_domain::merge::MergeReference;
use serde_json::{Value, json};
use uuid::Uuid;

use super::count::{ORGANISES_TOO, TAGGED_TOO, view_of};
use super::place::{RECORDS, Records};
use crate::connection::{Backend, Conn};
use crate::error::DbResult;
use crate::last_contact;
use crate::schema::organisation_merge_rows;
use crate::sql_types::{At, Document, Id, Key};
use crate::statement::Statement;

/// A merge on its way through the tables, there or back.
#[derive(Clone, Copy, Debug)]
pub struct Between {
    pub merge: MergeId,
    pub survivor: OrganisationId,
    pub other: OrganisationId,
    pub now: DateTime<Utc>,
    pub by: UserId,
}

/// A record that names the other of the two than before.
#[derive(Clone, Debug)]
pub struct Touched {
    pub kind: EntityKind,
    pub id: Uuid,
    pub carrier: Option<CarrierId>,
    /// The version that came of it.
    pub version: i64,
    /// What is changed of it.
    pub field: &'static str,
    /// What was filled in while the two were one, and is not known any more.
    pub known: Option<Reference>,
}

/// A statement of a merge, with the places of the values that it takes. SQLite takes none that has no place, so
/// each is bound when it is asked for.
pub(super) struct Marks<'a> {
    pub statement: Statement,
    between: &'a Between,
    reference: MergeReference,
}

impl Marks<'_> {
    pub fn survivor(&mut self) -> String {
        self.statement.id(Key(self.between.survivor.0))
    }

    pub fn other(&mut self) -> String {
        self.statement.id(Key(self.between.other.0))
    }

    pub fn now(&mut self) -> String {
        self.statement.instant(At(self.between.now))
    }

    /// `SELECT row_id …` of the entries of the reference.
    pub fn noted(&mut self) -> String {
        let merge = self.statement.id(Key(self.between.merge.0));
        let code = self.statement.text(self.reference.code());
        format!(
            "SELECT row_id FROM organisation_merge_rows WHERE merge_id = {merge} AND reference = {code}"
        )
    }
}

impl Between {
    pub(super) fn marks(&self, conn: &Conn, reference: MergeReference) -> Marks<'_> {
        Marks { statement: Statement::new(conn.backend()), between: self, reference }
    }
}

#[derive(Insertable)]
#[diesel(table_name = organisation_merge_rows)]
struct Row {
    merge_id: Key,
    position: i32,
    reference: &'static str,
    table_name: &'static str,
    row_id: Key,
    row_position: Option<i32>,
    carrier_id: Option<Key>,
    column_name: &'static str,
    old_value: Option<Document>,
    new_value: Option<Document>,
    kept: Option<Document>,
}

/// One entry of the ledger.
pub(super) struct Entry {
    pub row: Key,
    pub position: Option<i32>,
    pub carrier: Option<Key>,
    pub column: &'static str,
    pub old: Value,
    pub new: Value,
    pub kept: Option<Value>,
}

impl Entry {
    /// Of a row that named the other one and names the survivor.
    fn of(between: &Between, row: Key, carrier: Option<Key>, column: &'static str) -> Self {
        Self {
            row,
            position: None,
            carrier,
            column,
            old: json!(between.other),
            new: json!(between.survivor),
            kept: None,
        }
    }
}

pub(super) fn write(
    conn: &mut Conn,
    between: &Between,
    reference: MergeReference,
    table: &'static str,
    entries: Vec<Entry>,
) -> Result<()> {
    // PostgreSQL binds 65,535 values in one statement, SQLite 32,766.
    const BATCH: usize = 1000;
    let last: Option<i32> = organisation_merge_rows::table
        .filter(organisation_merge_rows::merge_id.eq(Key(between.merge.0)))
        .select(max(organisation_merge_rows::position))
        .first(conn)
        .db()?;
    let document = |value: Value| (!value.is_null()).then_some(Document(value));
    let first = last.map_or(0, |last| last + 1);
    let rows: Vec<Row> = entries
        .into_iter()
        .zip(first..)
        .map(|(entry, position)| Row {
            merge_id: Key(between.merge.0),
            position,
            reference: reference.code(),
            table_name: table,
            row_id: entry.row,
            row_position: entry.position,
            carrier_id: entry.carrier,
            column_name: entry.column,
            old_value: document(entry.old),
            new_value: document(entry.new),
            kept: entry.kept.map(Document),
        })
        .collect();
    for batch in rows.chunks(BATCH) {
        on_backend!(conn, c => diesel::insert_into(organisation_merge_rows::table)
            .values(batch)
            .execute(c))
        .db()?;
    }
    Ok(())
}

/// What names the other one names the survivor afterwards. The records that changed, and a version came of it.
///
/// # Errors
/// When the database cannot be written.
pub fn move_rows(conn: &mut Conn, between: &Between) -> Result<Vec<Touched>> {
    let mut touched = Vec::new();
    for place in &RECORDS {
        touched.extend(move_records(conn, between, place)?);
    }
    touched.extend(move_organisers(conn, between)?);
    touched.extend(move_speakers(conn, between)?);
    move_tags(conn, between)?;
    touched.extend(move_views(conn, between)?);
    derive(conn, between)?;
    Ok(touched)
}

/// Holds the rows of `of` until the transaction ends. The only writer to SQLite holds everything.
fn held(backend: Backend, of: &str) -> String {
    match backend {
        Backend::Postgres => format!("FOR NO KEY UPDATE OF {of}"),
        Backend::Sqlite => String::new(),
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Nullable<Id>)]
    carrier_id: Option<Key>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Bool)]
    collapses: bool,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

fn move_records(conn: &mut Conn, between: &Between, place: &Records) -> Result<Vec<Touched>> {
    let Records { table, column, reference, .. } = *place;
    let mut marks = between.marks(conn, reference);
    let (survivor, other) = (marks.survivor(), marks.other());
    let named =
        |condition: Option<&str>| condition.unwrap_or("1 = 0").replace("{survivor}", &survivor);
    let (collapses, stays) = (named(place.collapses), named(place.stays));
    let carrier = if place.of_carrier { "t.carrier_id" } else { "CAST(NULL AS uuid)" };
    let status = if place.collapses.is_some() { "t.status" } else { "CAST(NULL AS text)" };
    let held = held(conn.backend(), "t");
    let sql = format!(
        "SELECT t.id, {carrier} AS carrier_id, t.version, ({collapses}) AS collapses, \
            {status} AS status \
        FROM {table} t WHERE t.{column} = {other} AND NOT ({stays}) ORDER BY t.id {held}"
    );
    let found: Vec<Found> = marks.statement.load(conn, sql)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let entries = found.iter().map(|row| Entry {
        kept: row.collapses.then(|| json!({"status": row.status})),
        ..Entry::of(between, row.id, row.carrier_id, column)
    });
    write(conn, between, reference, table, entries.collect())?;

    let mut marks = between.marks(conn, reference);
    let (survivor, other, noted) = (marks.survivor(), marks.other(), marks.noted());
    let now = marks.now();
    let sql = format!(
        "UPDATE {table} SET {column} = {survivor}, version = version + 1, updated_at = {now} \
        WHERE {column} = {other} AND id IN ({noted} AND kept IS NULL)"
    );
    marks.statement.execute(conn, sql)?;
    if place.collapses.is_some() {
        // Beside the survivor's it is voided, with everything that it says.
        let mut marks = between.marks(conn, reference);
        let (survivor, other, noted) = (marks.survivor(), marks.other(), marks.noted());
        let now = marks.now();
        let by = marks.statement.id(Key(between.by.0));
        let reason = marks.statement.text(VOID_REASON);
        let sql = format!(
            "UPDATE {table} SET {column} = {survivor}, status = 'voided', voided_at = {now}, \
                voided_by = {by}, void_reason = {reason}, version = version + 1, updated_at = {now} \
            WHERE {column} = {other} AND id IN ({noted} AND kept IS NOT NULL)"
        );
        marks.statement.execute(conn, sql)?;
    }
    let touched = found.into_iter().map(|row| Touched {
        kind: place.kind,
        id: row.id.0,
        carrier: row.carrier_id.map(|id| CarrierId(id.0)),
        version: row.version + 1,
        field: place.field,
        known: None,
    });
    Ok(touched.collect())
}

const VOID_REASON: &str = "The organisations were merged, and each had one.";

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Integer)]
    position: i32,
    #[diesel(sql_type = Id)]
    carrier_id: Key,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Bool)]
    collapses: bool,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

fn move_organisers(conn: &mut Conn, between: &Between) -> Result<Vec<Touched>> {
    const TABLE: &str = "event_organisers";
    let reference = MergeReference::Organiser;
    let mut marks = between.marks(conn, reference);
    let (survivor, other) = (marks.survivor(), marks.other());
    let (collapses, held) =
        (ORGANISES_TOO.replace("{survivor}", &survivor), held(conn.backend(), "e"));
    let sql = format!(
        "SELECT e.id, t.position, e.carrier_id, e.version, ({collapses}) AS collapses, \
            CAST(NULL AS text) AS name \
        FROM event_organisers t JOIN events e ON e.id = t.event_id \
        WHERE t.organisation_id = {other} ORDER BY e.id {held}"
    );
    let found: Vec<Listed> = marks.statement.load(conn, sql)?;
    let entries = found.iter().map(|row| Entry {
        position: Some(row.position),
        kept: row.collapses.then(|| json!({"position": row.position})),
        ..Entry::of(between, row.id, Some(row.carrier_id), "organisation_id")
    });
    write(conn, between, reference, TABLE, entries.collect())?;

    let mut marks = between.marks(conn, reference);
    let (other, noted) = (marks.other(), marks.noted());
    let sql = format!(
        "DELETE FROM event_organisers \
        WHERE organisation_id = {other} AND event_id IN ({noted} AND kept IS NOT NULL)"
    );
    marks.statement.execute(conn, sql)?;
    name_survivor(conn, between, reference, TABLE)?;
    touch_events(conn, between, reference, found, "organisers")
}

fn move_speakers(conn: &mut Conn, between: &Between) -> Result<Vec<Touched>> {
    const TABLE: &str = "event_speakers";
    let reference = MergeReference::Speaker;
    let mut marks = between.marks(conn, reference);
    let other = marks.other();
    let held = held(conn.backend(), "e");
    let sql = format!(
        "SELECT e.id, t.position, e.carrier_id, e.version, (1 = 0) AS collapses, t.name \
        FROM event_speakers t JOIN events e ON e.id = t.event_id \
        WHERE t.organisation_id = {other} ORDER BY e.id, t.position {held}"
    );
    let found: Vec<Listed> = marks.statement.load(conn, sql)?;
    let entries = found.iter().map(|row| Entry {
        position: Some(row.position),
        // Tells the row from others when the list was changed.
        kept: Some(json!({"name": row.name})),
        ..Entry::of(between, row.id, Some(row.carrier_id), "organisation_id")
    });
    write(conn, between, reference, TABLE, entries.collect())?;
    name_survivor(conn, between, reference, TABLE)?;
    touch_events(conn, between, reference, found, "speakers")
}

fn name_survivor(
    conn: &mut Conn,
    between: &Between,
    reference: MergeReference,
    table: &str,
) -> Result<()> {
    let mut marks = between.marks(conn, reference);
    let (survivor, other) = (marks.survivor(), marks.other());
    let sql =
        format!("UPDATE {table} SET organisation_id = {survivor} WHERE organisation_id = {other}");
    marks.statement.execute(conn, sql)?;
    Ok(())
}

/// A list is a part of its event, which is another version with it.
fn touch_events(
    conn: &mut Conn,
    between: &Between,
    reference: MergeReference,
    mut found: Vec<Listed>,
    field: &'static str,
) -> Result<Vec<Touched>> {
    found.dedup_by_key(|row| row.id);
    let mut marks = between.marks(conn, reference);
    let noted = marks.noted();
    let now = marks.now();
    let sql = format!(
        "UPDATE events SET version = version + 1, updated_at = {now} WHERE id IN ({noted})"
    );
    marks.statement.execute(conn, sql)?;
    let touched = found.into_iter().map(|row| Touched {
        kind: EntityKind::Event,
        id: row.id.0,
        carrier: Some(CarrierId(row.carrier_id.0)),
        version: row.version + 1,
        field,
        known: None,
    });
    Ok(touched.collect())
}

fn move_tags(conn: &mut Conn, between: &Between) -> Result<()> {
    #[derive(QueryableByName)]
    struct Tagged {
        #[diesel(sql_type = Id)]
        id: Key,
        #[diesel(sql_type = Id)]
        carrier_id: Key,
        #[diesel(sql_type = Bool)]
        collapses: bool,
    }
    const TABLE: &str = "organisation_tags";
    let reference = MergeReference::Tag;
    let mut marks = between.marks(conn, reference);
    let (survivor, other) = (marks.survivor(), marks.other());
    let collapses = TAGGED_TOO.replace("{survivor}", &survivor);
    let sql = format!(
        "SELECT t.tag_id AS id, t.carrier_id, ({collapses}) AS collapses \
        FROM organisation_tags t WHERE t.organisation_id = {other} ORDER BY t.tag_id"
    );
    let found: Vec<Tagged> = marks.statement.load(conn, sql)?;
    let entries = found.iter().map(|row| Entry {
        kept: row.collapses.then(|| json!({"carrier_id": row.carrier_id.0, "tag_id": row.id.0})),
        ..Entry::of(between, row.id, Some(row.carrier_id), "organisation_id")
    });
    write(conn, between, reference, TABLE, entries.collect())?;
    let mut marks = between.marks(conn, reference);
    let (other, noted) = (marks.other(), marks.noted());
    let sql = format!(
        "DELETE FROM organisation_tags \
        WHERE organisation_id = {other} AND tag_id IN ({noted} AND kept IS NOT NULL)"
    );
    marks.statement.execute(conn, sql)?;
    name_survivor(conn, between, reference, TABLE)
}

/// Views of the consultations of one organisation, which name it in their filter.
fn move_views(conn: &mut Conn, between: &Between) -> Result<Vec<Touched>> {
    let reference = MergeReference::SavedView;
    let mut marks = between.marks(conn, reference);
    let other = marks.other();
    let (of_it, held) = (view_of(conn.backend(), &other), held(conn.backend(), "t"));
    let sql = format!(
        "SELECT t.id, t.carrier_id, t.version, (1 = 0) AS collapses, CAST(NULL AS text) AS status \
        FROM saved_views t WHERE {of_it} ORDER BY t.id {held}"
    );
    let found: Vec<Found> = marks.statement.load(conn, sql)?;
    let entries =
        found.iter().map(|row| Entry::of(between, row.id, row.carrier_id, "filter")).collect();
    write(conn, between, reference, "saved_views", entries)?;
    show_consultations_of(conn, between, between.survivor)?;
    let touched = found.into_iter().map(|row| Touched {
        kind: EntityKind::SavedView,
        id: row.id.0,
        carrier: row.carrier_id.map(|id| CarrierId(id.0)),
        version: row.version + 1,
        field: "filter",
        known: None,
    });
    Ok(touched.collect())
}

/// Has the views that the ledger names, as far as they are of one of the two, show the consultations of `to`.
pub(super) fn show_consultations_of(
    conn: &mut Conn,
    between: &Between,
    to: OrganisationId,
) -> Result<()> {
    let mut marks = between.marks(conn, MergeReference::SavedView);
    let (survivor, other, noted) = (marks.survivor(), marks.other(), marks.noted());
    let from = if to == between.survivor { other } else { survivor };
    let of_it = view_of(conn.backend(), &from);
    let (now, id) = (marks.now(), marks.statement.text(&to.0.to_string()));
    let filter = match conn.backend() {
        Backend::Postgres => {
            format!("jsonb_set(filter, '{{organisation_id}}', to_jsonb(CAST({id} AS text)))")
        }
        Backend::Sqlite => format!("json_set(filter, '$.organisation_id', {id})"),
    };
    let sql = format!(
        "UPDATE saved_views AS t SET filter = {filter}, version = version + 1, updated_at = {now} \
        WHERE {of_it} AND t.id IN ({noted})"
    );
    marks.statement.execute(conn, sql)?;
    Ok(())
}

/// Puts right what is kept beside the records of both.
pub(super) fn derive(conn: &mut Conn, between: &Between) -> Result<()> {
    #[derive(QueryableByName)]
    struct Carrier {
        #[diesel(sql_type = Id)]
        id: Key,
    }
    let mut marks = between.marks(conn, MergeReference::Consultation);
    let (survivor, other) = (marks.survivor(), marks.other());
    let sql = format!(
        "SELECT carrier_id AS id FROM consultations WHERE organisation_id IN ({survivor}, {other}) \
        UNION SELECT carrier_id FROM last_contacts WHERE organisation_id IN ({survivor}, {other}) \
        ORDER BY 1"
    );
    let carriers: Vec<Carrier> = marks.statement.load(conn, sql)?;
    let mut both = [Key(between.survivor.0), Key(between.other.0)];
    both.sort_unstable();
    for carrier in carriers {
        for organisation in both {
            last_contact::find_anew(conn, carrier.id, organisation)?;
        }
    }
    let mut marks = between.marks(conn, MergeReference::Task);
    let (survivor, other) = (marks.survivor(), marks.other());
    let sql = format!(
        "UPDATE tasks SET about_organisation_id = coalesce(organisation_id, \
            (SELECT c.organisation_id FROM consultations c WHERE c.id = tasks.consultation_id)) \
        WHERE about_organisation_id IN ({survivor}, {other})"
    );
    marks.statement.execute(conn, sql)?;
    Ok(())
}
