//! The records behind a figure of events, and those that were left out.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::event_statistics::{CountedAtEvent, EventExplanationQuery};
use lotse_domain::id::OrganisationId;
use lotse_domain::indicator::{EventFigure, IndicatorUnit};
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::statistics::LeftOut;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::connection::{Backend, Conn};
use crate::convert::code;
use crate::sql_types::{Id, Key};
use crate::statement::Statement;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Date)]
    held_on: NaiveDate,
    #[diesel(sql_type = Nullable<Id>)]
    event_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    event_title: Option<String>,
    #[diesel(sql_type = Nullable<Id>)]
    organisation_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    organisation_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    organisation_kind: Option<String>,
    #[diesel(sql_type = BigInt)]
    value: i64,
    #[diesel(sql_type = BigInt)]
    records: i64,
}

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = BigInt)]
    records: i64,
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Reason {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = BigInt)]
    records: i64,
}

const EVENTS: &str = "event_records f";
const PARTICIPATIONS: &str = "event_records f \
     JOIN event_participations a ON a.event_id = f.id \
     LEFT JOIN organisations o ON o.id = a.organisation_id";

/// A page of the records that were counted, or of those that were left out for the reason asked for: events
/// and participations by day, organisations by id.
///
/// # Errors
/// `Malformed` for conditions that make no sense; when the database cannot be read.
pub fn counted(
    conn: &mut Conn,
    scope: &Scope,
    query: &EventExplanationQuery,
    paging: &Paging,
) -> Result<Page<CountedAtEvent>> {
    let mut statement = Statement::new(conn.backend());
    let Some(wanted) = wanted(&mut statement, scope, query)? else {
        return paging.page(Vec::new(), None, key);
    };
    let no_id = match conn.backend() {
        Backend::Postgres => "CAST(NULL AS uuid)",
        Backend::Sqlite => "NULL",
    };
    let limit = paging.fetch();
    let unit = query.figure.unit();
    let sql = if unit == IndicatorUnit::Organisations && query.left_out.is_none() {
        let after = match &paging.after {
            Some(after) => format!("AND a.organisation_id > {}", statement.id(Key(after.id))),
            None => String::new(),
        };
        format!(
            "SELECT a.organisation_id AS id, min(f.starts_on) AS held_on, {no_id} AS event_id,
                CAST(NULL AS TEXT) AS event_title, a.organisation_id, o.name AS organisation_name,
                o.kind AS organisation_kind, CAST(1 AS BIGINT) AS value, count(*) AS records
            FROM {PARTICIPATIONS}
            WHERE {wanted} {after}
            GROUP BY a.organisation_id, o.name, o.kind
            ORDER BY a.organisation_id
            LIMIT {limit}"
        )
    } else {
        let (from, id) = match unit {
            IndicatorUnit::Events => (EVENTS, "f.id"),
            _ => (PARTICIPATIONS, "a.id"),
        };
        let organisation = match unit {
            IndicatorUnit::Events => format!(
                "{no_id} AS organisation_id, CAST(NULL AS TEXT) AS organisation_name,
                CAST(NULL AS TEXT) AS organisation_kind"
            ),
            _ => "a.organisation_id, o.name AS organisation_name, o.kind AS organisation_kind"
                .to_owned(),
        };
        let after = match &paging.after {
            Some(after) => {
                let on = statement.date(after.parse()?);
                let after = statement.id(Key(after.id));
                format!("AND f.starts_on >= {on} AND (f.starts_on > {on} OR {id} > {after})")
            }
            None => String::new(),
        };
        format!(
            "SELECT {id} AS id, f.starts_on AS held_on, f.id AS event_id, f.title AS event_title,
                {organisation}, CAST({value} AS BIGINT) AS value, CAST(1 AS BIGINT) AS records
            FROM {from}
            WHERE {wanted} {after}
            ORDER BY f.starts_on, {id}
            LIMIT {limit}",
            value = value(query),
        )
    };
    let rows: Vec<Row> = statement.load(conn, sql)?;
    let items = rows.into_iter().map(entity).collect::<Result<_>>()?;
    paging.page(items, None, key)
}

fn key(item: &CountedAtEvent) -> (String, Uuid) {
    (item.held_on.to_string(), item.id)
}

fn entity(row: Row) -> Result<CountedAtEvent> {
    let organisation = match (row.organisation_id, row.organisation_name, row.organisation_kind) {
        (Some(id), Some(name), Some(kind)) => {
            Some(OrganisationReference { id: OrganisationId(id.0), name, kind: code(&kind)? })
        }
        _ => None,
    };
    let event = row.event_id.zip(row.event_title);
    Ok(CountedAtEvent {
        id: row.id.0,
        held_on: row.held_on,
        event: event.map(|(id, name)| Reference { id: id.0, name }),
        organisation,
        value: row.value,
        records: row.records,
    })
}

/// How many records were counted, and the figure that they make.
///
/// # Errors
/// As [`counted`].
pub fn summed(conn: &mut Conn, scope: &Scope, query: &EventExplanationQuery) -> Result<(i64, i64)> {
    let mut statement = Statement::new(conn.backend());
    let query = EventExplanationQuery { left_out: None, ..query.clone() };
    let Some(wanted) = wanted(&mut statement, scope, &query)? else { return Ok((0, 0)) };
    let (from, records, value) = match query.figure.unit() {
        IndicatorUnit::Events => (EVENTS, "count(*)", "count(*)"),
        IndicatorUnit::Organisations => {
            let distinct = "count(DISTINCT a.organisation_id)";
            (PARTICIPATIONS, distinct, distinct)
        }
        _ => (PARTICIPATIONS, "count(*)", "CAST(coalesce(sum(a.headcount), 0) AS BIGINT)"),
    };
    let sql = format!("SELECT {records} AS records, {value} AS value FROM {from} WHERE {wanted}");
    let sums: Vec<Sums> = statement.load(conn, sql)?;
    let sums = sums.first().ok_or_else(|| Error::internal("a sum has no row"))?;
    Ok((sums.records, sums.value))
}

/// How many events or participations of the period and the scope meet the conditions and are not in the
/// figure.
///
/// # Errors
/// As [`counted`].
pub fn left_out(
    conn: &mut Conn,
    scope: &Scope,
    query: &EventExplanationQuery,
) -> Result<Vec<(LeftOut, i64)>> {
    let mut statement = Statement::new(conn.backend());
    let Some(all) = super::of_scope(&mut statement, scope, &query.asked)? else {
        return Ok(Vec::new());
    };
    let reason = reason(&mut statement, query);
    let from = match query.figure.unit() {
        IndicatorUnit::Events => EVENTS,
        _ => PARTICIPATIONS,
    };
    let sql = format!(
        "SELECT reason, count(*) AS records
        FROM (SELECT {reason} AS reason FROM {from} WHERE {all}) r
        WHERE reason IS NOT NULL
        GROUP BY reason",
        all = all.join(" AND "),
    );
    let rows: Vec<Reason> = statement.load(conn, sql)?;
    let mut counts = rows
        .into_iter()
        .map(|row| Ok((code(&row.reason)?, row.records)))
        .collect::<Result<Vec<(LeftOut, i64)>>>()?;
    counts.sort_unstable();
    Ok(counts)
}

fn value(query: &EventExplanationQuery) -> &'static str {
    match query.figure.unit() {
        IndicatorUnit::Participations if query.left_out.is_none() => "a.headcount",
        _ => "1",
    }
}

/// What a record must be to be asked for. None when the scope has none.
fn wanted(
    statement: &mut Statement,
    scope: &Scope,
    query: &EventExplanationQuery,
) -> Result<Option<String>> {
    let Some(mut wanted) = super::of_scope(statement, scope, &query.asked)? else {
        return Ok(None);
    };
    let reason = reason(statement, query);
    wanted.push(match query.left_out {
        None => format!("({reason}) IS NULL"),
        Some(left_out) => format!("({reason}) = {}", statement.text(left_out.code())),
    });
    Ok(Some(wanted.join(" AND ")))
}

/// Why a record is not in the figure; null when it is. Of several reasons the first in the order of [`LeftOut`].
fn reason(statement: &mut Statement, query: &EventExplanationQuery) -> String {
    let (from, to) =
        (statement.date(query.asked.window.from), statement.date(query.asked.window.to));
    let of_kind = |kind: &str| {
        format!(
            "WHEN a.organisation_id IS NULL THEN 'anonymous' WHEN o.kind <> '{kind}' THEN 'other_kind'"
        )
    };
    let of_figure = match query.figure {
        EventFigure::Events | EventFigure::Participations => String::new(),
        EventFigure::OfCompanies | EventFigure::Companies => of_kind("company"),
        EventFigure::OfActors | EventFigure::Actors => of_kind("actor"),
        EventFigure::Unnamed => "WHEN a.organisation_id IS NOT NULL THEN 'named'".to_owned(),
        EventFigure::Organisations => "WHEN a.organisation_id IS NULL THEN 'anonymous'".to_owned(),
    };
    let of_participation = match query.figure.unit() {
        IndicatorUnit::Events => "",
        _ => {
            "WHEN a.status = 'voided' THEN 'participation_voided' \
             WHEN a.status NOT IN ('attended', 'walk_in') THEN 'not_there' \
             WHEN a.\"role\" <> 'participant' THEN 'not_participant'"
        }
    };
    format!(
        "CASE WHEN f.status <> 'held' THEN f.status \
         WHEN f.starts_on NOT BETWEEN {from} AND {to} THEN 'outside_window' \
         {of_participation} {of_figure} END"
    )
}
