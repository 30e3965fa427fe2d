//! How many rows name an organisation, before it is merged.

use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Nullable};
use lotse_domain::Result;
use lotse_domain::id::OrganisationId;
use lotse_domain::merge::{MergeCount, MergeReference};

use super::place::{RECORDS, Records};
use crate::connection::{Backend, Conn};
use crate::names::Names;
use crate::sql_types::{Id, Key};
use crate::statement::Statement;

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Nullable<Id>)]
    carrier_id: Option<Key>,
    #[diesel(sql_type = BigInt)]
    moves: i64,
    #[diesel(sql_type = BigInt)]
    collapses: i64,
    #[diesel(sql_type = BigInt)]
    stays: i64,
}

/// Rows by carrier: `from` names the rows `t`, `other` stands for who is merged.
fn counted(
    conn: &mut Conn,
    (survivor, other): (OrganisationId, OrganisationId),
    carrier: &str,
    from: &str,
    collapses: Option<&str>,
    stays: Option<&str>,
) -> Result<Vec<Counted>> {
    let mut statement = Statement::new(conn.backend());
    let survivor = statement.id(Key(survivor.0));
    let other = statement.id(Key(other.0));
    let named = |condition: Option<&str>| {
        condition.unwrap_or("1 = 0").replace("{survivor}", &survivor).replace("{other}", &other)
    };
    let (collapses, stays) = (named(collapses), named(stays));
    let from = named(Some(from));
    // PostgreSQL wants to know the type of a value even where it is not looked at.
    let sql = format!(
        "SELECT carrier_id, \
            CAST(SUM(CASE WHEN collapses OR stays THEN 0 ELSE 1 END) AS BIGINT) AS moves, \
            CAST(SUM(CASE WHEN collapses THEN 1 ELSE 0 END) AS BIGINT) AS collapses, \
            CAST(SUM(CASE WHEN stays THEN 1 ELSE 0 END) AS BIGINT) AS stays \
        FROM ( \
            SELECT {carrier} AS carrier_id, ({collapses}) AS collapses, ({stays}) AS stays \
            FROM {from} AND {survivor} <> {other} \
        ) s \
        GROUP BY carrier_id ORDER BY carrier_id"
    );
    statement.load(conn, sql)
}

const OF_EVENT: &str = "JOIN events e ON e.id = t.event_id WHERE t.organisation_id = {other}";

/// What names `other`, by reference and carrier.
///
/// # Errors
/// When the database cannot be read.
pub fn counts(
    conn: &mut Conn,
    names: &Names,
    survivor: OrganisationId,
    other: OrganisationId,
) -> Result<Vec<MergeCount>> {
    let pair = (survivor, other);
    let mut all = Vec::new();
    let mut add = |reference: MergeReference, rows: Vec<Counted>| -> Result<()> {
        for row in rows {
            let carrier = row.carrier_id.map(|id| names.reference(id)).transpose()?;
            let Counted { moves, collapses, stays, .. } = row;
            all.push(MergeCount { reference, carrier, moves, collapses, stays });
        }
        Ok(())
    };
    for place in &RECORDS {
        let Records { table, column, of_carrier, .. } = place;
        let carrier = if *of_carrier { "t.carrier_id" } else { "CAST(NULL AS uuid)" };
        let from = format!("{table} t WHERE t.{column} = {{other}}");
        let rows = counted(conn, pair, carrier, &from, place.collapses, place.stays)?;
        add(place.reference, rows)?;
    }
    let organisers = format!("event_organisers t {OF_EVENT}");
    let rows = counted(conn, pair, "e.carrier_id", &organisers, Some(ORGANISES_TOO), None)?;
    add(MergeReference::Organiser, rows)?;
    let speakers = format!("event_speakers t {OF_EVENT}");
    add(MergeReference::Speaker, counted(conn, pair, "e.carrier_id", &speakers, None, None)?)?;
    let tags = "organisation_tags t WHERE t.organisation_id = {other}";
    add(MergeReference::Tag, counted(conn, pair, "t.carrier_id", tags, Some(TAGGED_TOO), None)?)?;
    let views = format!("saved_views t WHERE {}", view_of(conn.backend(), "{other}"));
    add(MergeReference::SavedView, counted(conn, pair, "t.carrier_id", &views, None, None)?)?;
    let files = "attachments t WHERE t.voided_at IS NULL AND ( \
            EXISTS (SELECT 1 FROM consultations c \
                WHERE c.id = t.consultation_id AND c.organisation_id = {other}) \
            OR EXISTS (SELECT 1 FROM accompaniments a \
                WHERE a.id = t.accompaniment_id AND a.company_id = {other}))";
    add(MergeReference::Attachment, counted(conn, pair, "t.carrier_id", files, None, None)?)?;
    Ok(all)
}

/// The survivor organises the event of the row `t` as well.
pub(super) const ORGANISES_TOO: &str = "EXISTS (SELECT 1 FROM event_organisers x \
    WHERE x.event_id = t.event_id AND x.organisation_id = {survivor})";

/// The survivor has the tag of the row `t` as well.
pub(super) const TAGGED_TOO: &str = "EXISTS (SELECT 1 FROM organisation_tags x \
    WHERE x.carrier_id = t.carrier_id AND x.tag_id = t.tag_id AND x.organisation_id = {survivor})";

/// The view `t` shows the consultations of an organisation.
pub(super) fn view_of(backend: Backend, organisation: &str) -> String {
    match backend {
        Backend::Postgres => {
            format!("lower(t.filter ->> 'organisation_id') = CAST({organisation} AS text)")
        }
        Backend::Sqlite => format!(
            "replace(lower(json_extract(t.filter, '$.organisation_id')), '-', '') \
                = lower(hex({organisation}))"
        ),
    }
}

/// Which of the two is being accompanied.
///
/// # Errors
/// When the database cannot be read.
pub fn accompanied(conn: &mut Conn, organisations: [OrganisationId; 2]) -> Result<[bool; 2]> {
    let [one, two] = organisations;
    Ok([
        crate::accompaniment::has_open(conn, one.0.into())?,
        crate::accompaniment::has_open(conn, two.0.into())?,
    ])
}
