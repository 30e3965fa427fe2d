//! What consultations do not say of their organisation, and the two know together.

use diesel::deserialize::QueryableByName;
use diesel::sql_types::{Nullable, Text};
use lotse_domain::Result;
use lotse_domain::merge::MergeReference;
use serde_json::json;

use super::ledger::{Between, Entry, write};
use crate::connection::Conn;
use crate::sql_types::{Id, Key};
use crate::statement::Statement;

/// What a consultation does not say of its organisation: it may be filled in when the two are one.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Gap {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Id)]
    carrier_id: Key,
    #[diesel(sql_type = Nullable<Text>)]
    size_class: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    section: Option<String>,
    #[diesel(sql_type = Nullable<Id>)]
    district_id: Option<Key>,
}

const GAP: &str = "SELECT id, carrier_id, size_class, section, district_id FROM consultations";

/// Consultations of both that lack something, as they are.
///
/// # Errors
/// When the database cannot be read.
pub fn gaps(conn: &mut Conn, between: &Between) -> Result<Vec<Gap>> {
    let mut marks = between.marks(conn, MergeReference::Filled);
    let (survivor, other) = (marks.survivor(), marks.other());
    let sql = format!(
        "{GAP} WHERE organisation_id IN ({survivor}, {other}) AND (district_id IS NULL OR \
            actor_type IS NULL AND (section IS NULL OR coalesce(size_class, 'unknown') = 'unknown')) \
        ORDER BY id"
    );
    marks.statement.load(conn, sql)
}

/// Fills in what the survivor is, where it was not known and the period is not closed: as when the company
/// itself becomes known.
///
/// # Errors
/// When the database cannot be written.
pub fn fill_classes(conn: &mut Conn, between: &Between) -> Result<()> {
    let mut marks = between.marks(conn, MergeReference::Filled);
    let survivor = marks.survivor();
    let sql = format!(
        "UPDATE consultations SET \
            size_class = CASE WHEN coalesce(consultations.size_class, 'unknown') = 'unknown' \
                THEN p.size_class ELSE consultations.size_class END, \
            section = coalesce(consultations.section, p.classification || ':' || p.section) \
        FROM company_profiles p \
        WHERE consultations.organisation_id = {survivor} AND p.organisation_id = {survivor} \
            AND (coalesce(consultations.size_class, 'unknown') = 'unknown' \
                OR consultations.section IS NULL) \
            AND consultations.funding_period_id IN \
                (SELECT f.id FROM funding_periods f WHERE f.status <> 'closed')"
    );
    marks.statement.execute(conn, sql)?;
    Ok(())
}

/// Notes what was filled in since.
///
/// # Errors
/// When the database cannot be written.
pub fn note_filled(conn: &mut Conn, between: &Between, before: &[Gap]) -> Result<()> {
    const BATCH: usize = 500;
    let mut entries = Vec::new();
    for batch in before.chunks(BATCH) {
        let mut statement = Statement::new(conn.backend());
        let ids: Vec<String> = batch.iter().map(|gap| statement.id(gap.id)).collect();
        let sql = format!("{GAP} WHERE id IN ({}) ORDER BY id", ids.join(", "));
        let after: Vec<Gap> = statement.load(conn, sql)?;
        for (was, is) in batch.iter().zip(after) {
            let fields = [
                ("size_class", json!(was.size_class), json!(is.size_class)),
                ("section", json!(was.section), json!(is.section)),
                (
                    "district_id",
                    json!(was.district_id.map(|id| id.0)),
                    json!(is.district_id.map(|id| id.0)),
                ),
            ];
            for (column, old, new) in fields.into_iter().filter(|(_, old, new)| old != new) {
                entries.push(Entry {
                    row: is.id,
                    position: None,
                    carrier: Some(is.carrier_id),
                    column,
                    old,
                    new,
                    kept: None,
                });
            }
        }
    }
    write(conn, between, MergeReference::Filled, "consultations", entries)
}
