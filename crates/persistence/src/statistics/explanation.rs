//! The records behind a figure, and those that were left out. The statement is another one than that of the
//! figures: it looks up whether a record is a first instead of numbering all, so that a page costs a page.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use lotse_domain::code::Code;
use lotse_domain::id::OrganisationId;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::statistics::{Counted, Dimension, ExplanationQuery, Figure, LeftOut, Unit};
use lotse_domain::{Error, Result};
use uuid::Uuid;

use super::dimension;
use crate::connection::{Backend, Conn};
use crate::convert::{code, optional_code};
use crate::limit::still_wanted;
use crate::names::Names;
use crate::sql_types::{Id, Key};
use crate::statement::Statement;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Date)]
    held_on: NaiveDate,
    #[diesel(sql_type = Nullable<Id>)]
    organisation_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    organisation_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    organisation_kind: Option<String>,
    #[diesel(sql_type = Nullable<Id>)]
    site_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<String>,
    #[diesel(sql_type = BigInt)]
    value: i64,
    #[diesel(sql_type = BigInt)]
    consultations: i64,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
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

/// The question in pieces of SQL.
struct Question {
    /// `WITH f AS …`: all records of the period and the scope.
    f: String,
    /// Whether it is held; always, where records that were left out are asked for.
    held: &'static str,
    /// Whether a record is asked for besides.
    wanted: String,
    /// What each brings to the figure.
    value: &'static str,
    by_organisation: bool,
}

/// A page of the records that were counted, or of those that were left out for the reason asked for:
/// consultations by day, organisations by id.
///
/// # Errors
/// `Malformed` for conditions that make no sense; when the database cannot be read.
pub fn counted(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &ExplanationQuery,
    paging: &Paging,
) -> Result<Page<Counted>> {
    let mut statement = Statement::new(conn.backend());
    let Some(q) = question(&mut statement, scope, query, true)? else {
        return paging.page(Vec::new(), None, key);
    };
    let Question { f, held, wanted, value, by_organisation } = q;
    let limit = paging.fetch();
    let sql = if by_organisation {
        let after = match &paging.after {
            Some(after) => format!("AND f.organisation_id > {}", statement.id(Key(after.id))),
            None => String::new(),
        };
        format!(
            "{f}
            SELECT f.organisation_id AS id, min(f.held_on) AS held_on, f.organisation_id,
                max(o.name) AS organisation_name, max(o.kind) AS organisation_kind,
                NULL AS site_id, NULL AS kind,
                CAST(1 AS BIGINT) AS value, count(*) AS consultations
            FROM f JOIN organisations o ON o.id = f.organisation_id
            WHERE {held} AND {wanted} {after}
            GROUP BY f.organisation_id
            ORDER BY f.organisation_id
            LIMIT {limit}"
        )
    } else {
        let after = match &paging.after {
            Some(after) => {
                let on = statement.date(after.parse()?);
                let id = statement.id(Key(after.id));
                format!("AND f.held_on >= {on} AND (f.held_on > {on} OR f.id > {id})")
            }
            None => String::new(),
        };
        format!(
            "{f}
            SELECT f.id, f.held_on, f.organisation_id, o.name AS organisation_name,
                o.kind AS organisation_kind, f.site_id, f.kind,
                CAST({value} AS BIGINT) AS value, CAST(1 AS BIGINT) AS consultations
            FROM f LEFT JOIN organisations o ON o.id = f.organisation_id
            WHERE {held} AND {wanted} {after}
            ORDER BY f.held_on, f.id
            LIMIT {limit}"
        )
    };
    let sql = match conn.backend() {
        // An untyped NULL is text there.
        Backend::Postgres => sql.replace("NULL AS site_id", "NULL::uuid AS site_id"),
        Backend::Sqlite => sql,
    };
    let rows: Vec<Row> = statement.load(conn, sql)?;
    let items = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(items, None, key)
}

fn key(item: &Counted) -> (String, Uuid) {
    (item.held_on.to_string(), item.id)
}

fn entity(row: Row, names: &Names) -> Result<Counted> {
    let organisation = match (row.organisation_id, row.organisation_name, row.organisation_kind) {
        (Some(id), Some(name), Some(kind)) => {
            Some(OrganisationReference { id: OrganisationId(id.0), name, kind: code(&kind)? })
        }
        _ => None,
    };
    Ok(Counted {
        id: row.id.0,
        held_on: row.held_on,
        organisation,
        site: row.site_id.map(|id| names.reference(id)).transpose()?,
        kind: optional_code(row.kind.as_deref())?,
        value: row.value,
        consultations: row.consultations,
    })
}

/// All records that were counted, with the name of their organisation: to compare two rules.
///
/// # Errors
/// As [`counted`].
pub fn records_of(
    conn: &mut Conn,
    scope: &Scope,
    query: &ExplanationQuery,
) -> Result<HashMap<Uuid, Option<String>>> {
    let mut statement = Statement::new(conn.backend());
    let Some(Question { f, held, wanted, by_organisation, .. }) =
        question(&mut statement, scope, query, false)?
    else {
        return Ok(HashMap::new());
    };
    let id = if by_organisation { "f.organisation_id" } else { "f.id" };
    let sql = format!(
        "{f}
        SELECT DISTINCT {id} AS id, o.name
        FROM f LEFT JOIN organisations o ON o.id = f.organisation_id
        WHERE {held} AND {wanted}"
    );
    let rows: Vec<Named> = statement.load(conn, sql)?;
    Ok(rows.into_iter().map(|row| (row.id.0, row.name)).collect())
}

/// How many records were counted, and the figure that they make.
///
/// # Errors
/// As [`counted`].
pub fn summed(conn: &mut Conn, scope: &Scope, query: &ExplanationQuery) -> Result<(i64, i64)> {
    let mut statement = Statement::new(conn.backend());
    let Some(Question { f, held, wanted, value, by_organisation }) =
        question(&mut statement, scope, query, false)?
    else {
        return Ok((0, 0));
    };
    let (records, value) = if by_organisation {
        ("count(DISTINCT f.organisation_id)", "count(DISTINCT f.organisation_id)".to_owned())
    } else {
        ("count(*)", format!("CAST(coalesce(sum({value}), 0) AS BIGINT)"))
    };
    let sql = format!(
        "{f} SELECT {records} AS records, {value} AS value FROM f WHERE {held} AND {wanted}"
    );
    let sums: Vec<Sums> = statement.load(conn, sql)?;
    let sums = sums.first().ok_or_else(|| Error::internal("a sum has no row"))?;
    Ok((sums.records, sums.value))
}

/// How many consultations of the period and the scope meet the conditions and are not in the figure.
///
/// # Errors
/// As [`counted`].
pub fn left_out(
    conn: &mut Conn,
    scope: &Scope,
    query: &ExplanationQuery,
) -> Result<Vec<(LeftOut, i64)>> {
    let mut statement = Statement::new(conn.backend());
    let Some(f) = records(&mut statement, scope, query) else { return Ok(Vec::new()) };
    let conditions = conditions(&mut statement, query)?;
    let reason = reason(&mut statement, query);
    let sql = format!(
        "{f}
        SELECT reason, count(*) AS records
        FROM (SELECT {reason} AS reason FROM f WHERE {conditions}) r
        WHERE reason IS NOT NULL
        GROUP BY reason"
    );
    let rows: Vec<Reason> = statement.load(conn, sql)?;
    let mut counts = rows
        .into_iter()
        .map(|row| Ok((code(&row.reason)?, row.records)))
        .collect::<Result<Vec<(LeftOut, i64)>>>()?;
    counts.sort_unstable();
    Ok(counts)
}

/// `listed` when a page of records is asked for, which lie by organisation or by day.
fn question(
    statement: &mut Statement,
    scope: &Scope,
    query: &ExplanationQuery,
    listed: bool,
) -> Result<Option<Question>> {
    let Some(f) = records(statement, scope, query) else { return Ok(None) };
    let by_organisation = query.left_out.is_none() && query.figure.unit() == Unit::Organisations;
    // On SQLite a `+` keeps an index from being used for a condition. A page by day goes through one by day; all
    // else through that of the figures, which is by organisation and has all that is read. The other way round it
    // would sort, or look up each record in the table.
    let (held, held_on) = match statement.backend() {
        Backend::Postgres => ("f.status = 'held'", "f.held_on"),
        Backend::Sqlite if listed && !by_organisation => ("+f.status = 'held'", "f.held_on"),
        Backend::Sqlite => ("f.status = 'held'", "+f.held_on"),
    };
    let conditions = conditions(statement, query)?;
    let value = match query.figure {
        _ if query.left_out.is_some() => "1",
        Figure::Minutes => "f.minutes",
        Figure::PreparationMinutes => "f.preparation_minutes",
        _ => "1",
    };
    let asked = match query.left_out {
        None => {
            let (from, to) = (statement.date(query.window.from), statement.date(query.window.to));
            let counted = match query.figure {
                Figure::Consultations | Figure::Minutes => "NOT f.short",
                // What brings nothing is not shown.
                Figure::PreparationMinutes => "NOT f.short AND f.preparation_minutes > 0",
                Figure::ShortInformation => "f.short",
                Figure::AnonymousConsultations => "NOT f.short AND f.organisation_id IS NULL",
                Figure::FirstConsultations | Figure::NewOrganisations => "f.kind = 'first'",
                Figure::FollowUpConsultations => "f.kind = 'follow_up'",
                Figure::Organisations => "NOT f.short AND f.organisation_id IS NOT NULL",
                Figure::Companies => "NOT f.short AND f.organisation_kind = 'company'",
                Figure::Actors => "NOT f.short AND f.organisation_kind = 'actor'",
            };
            format!("{held_on} BETWEEN {from} AND {to} AND {counted}")
        }
        Some(left_out) => {
            let wanted = statement.text(left_out.code());
            format!("{} = {wanted}", reason(statement, query))
        }
    };
    Ok(Some(Question {
        f,
        held: if query.left_out.is_none() { held } else { "1 = 1" },
        wanted: format!("{asked} AND {conditions}"),
        value,
        by_organisation,
    }))
}

fn conditions(statement: &mut Statement, query: &ExplanationQuery) -> Result<String> {
    let mut wanted = vec!["1 = 1".to_owned()];
    wanted.extend(dimension::conditions(statement, &query.conditions, &query.also, query.topics)?);
    Ok(wanted.join(" AND "))
}

/// Why a record is not in the figure; null when it is. Of several reasons the first in the order of
/// [`LeftOut`].
fn reason(statement: &mut Statement, query: &ExplanationQuery) -> String {
    let (from, to) = (statement.date(query.window.from), statement.date(query.window.to));
    let of_figure = match query.figure {
        Figure::ShortInformation => "WHEN NOT f.short THEN 'long_enough'",
        Figure::Consultations | Figure::Minutes => "WHEN f.short THEN 'short'",
        Figure::PreparationMinutes => {
            "WHEN f.short THEN 'short' WHEN f.preparation_minutes = 0 THEN 'without_preparation'"
        }
        Figure::AnonymousConsultations => {
            "WHEN f.short THEN 'short' WHEN f.organisation_id IS NOT NULL THEN 'named'"
        }
        Figure::Organisations => {
            "WHEN f.short THEN 'short' WHEN f.organisation_id IS NULL THEN 'anonymous'"
        }
        Figure::FirstConsultations | Figure::NewOrganisations => {
            "WHEN f.short THEN 'short' WHEN f.organisation_id IS NULL THEN 'anonymous' \
             WHEN f.kind <> 'first' THEN 'not_first'"
        }
        Figure::FollowUpConsultations => {
            "WHEN f.short THEN 'short' WHEN f.organisation_id IS NULL THEN 'anonymous' \
             WHEN f.kind = 'first' THEN 'first'"
        }
        Figure::Companies => {
            "WHEN f.short THEN 'short' WHEN f.organisation_id IS NULL THEN 'anonymous' \
             WHEN f.organisation_kind <> 'company' THEN 'other_kind'"
        }
        Figure::Actors => {
            "WHEN f.short THEN 'short' WHEN f.organisation_id IS NULL THEN 'anonymous' \
             WHEN f.organisation_kind <> 'actor' THEN 'other_kind'"
        }
    };
    format!(
        "CASE WHEN f.status <> 'held' THEN f.status \
         WHEN f.held_on NOT BETWEEN {from} AND {to} THEN 'outside_window' {of_figure} END"
    )
}

/// `f`: all records of the period and the scope, held or not, with their kind. None when the scope has none.
fn records(statement: &mut Statement, scope: &Scope, query: &ExplanationQuery) -> Option<String> {
    let period = statement.id(Key(query.funding_period_id.0));
    let (of_scope, same_scope) = match scope {
        Scope::Nothing => return None,
        Scope::Network => (String::new(), ""),
        Scope::Carrier(carrier) => {
            let of = format!("AND c.carrier_id = {}", statement.id(Key(carrier.0)));
            (of, "AND e.carrier_id = c.carrier_id")
        }
    };
    let noon = match statement.backend() {
        Backend::Postgres => "TIME '24:00'",
        Backend::Sqlite => "'24:00'",
    };
    let wanted = still_wanted(statement.backend(), "c.minutes");
    let mut firsts = String::new();
    for (dimension, column) in
        [(Dimension::FirstSizeClass, "size_class"), (Dimension::FirstActorType, "actor_type")]
    {
        if query.conditions.iter().any(|condition| condition.dimension == dimension) {
            firsts = format!(
                "{firsts}, CASE WHEN c.organisation_id IS NULL THEN c.{column} ELSE (
                    SELECT e.{column} FROM consultation_facts e
                    WHERE e.organisation_id = c.organisation_id AND e.status = 'held'
                        AND e.funding_period_id = c.funding_period_id {same_scope}
                        AND e.short = c.short
                    ORDER BY e.held_on, e.starts_at, e.id LIMIT 1
                ) END AS first_{column}"
            );
        }
    }
    Some(format!(
        "WITH f AS (
            SELECT c.*{firsts}, CASE
                WHEN c.status <> 'held' THEN NULL
                WHEN c.short THEN 'short_information'
                WHEN c.organisation_id IS NULL THEN 'anonymous'
                WHEN EXISTS (
                    SELECT 1 FROM consultations e
                    WHERE e.organisation_id = c.organisation_id
                        AND e.funding_period_id = c.funding_period_id {same_scope}
                        AND e.status = 'held' AND e.minutes >= c.minimum_minutes
                        AND e.held_on <= c.held_on
                        AND (e.held_on, coalesce(e.starts_at, {noon}), e.id)
                            < (c.held_on, c.starts_at, c.id)
                ) THEN 'follow_up'
                ELSE 'first'
            END AS kind
            FROM consultation_facts c
            WHERE c.funding_period_id = {period} {of_scope} {wanted}
        )"
    ))
}
