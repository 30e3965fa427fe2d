//! The figures of a funding period.
//!
//! The dimensions and the window of a question vary, so the statement is put together from fixed
//! pieces; values are always bound. Months, classes and so on come from the view
//! `consultation_facts`.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use lotse_domain::Result;
use lotse_domain::policy::Scope;
use lotse_domain::statistics::{Dimension, Figures, Group, StatisticsQuery, TopicsAs};

use crate::connection::{Backend, Conn};
use crate::grouping::{Codes, Grouping};
use crate::limit::still_wanted;
use crate::sql_types::Key;
use crate::statement::Statement;

pub(crate) mod dimension;
mod explanation;
mod totals;
mod values;
pub use explanation::{counted, left_out, records_of, summed};
pub use values::values;

use dimension::{conditions, source, value};

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    codes: Codes,
    #[diesel(sql_type = BigInt)]
    consultations: i64,
    #[diesel(sql_type = BigInt)]
    first_consultations: i64,
    #[diesel(sql_type = BigInt)]
    follow_up_consultations: i64,
    #[diesel(sql_type = BigInt)]
    short_information: i64,
    #[diesel(sql_type = BigInt)]
    anonymous_consultations: i64,
    #[diesel(sql_type = BigInt)]
    organisations: i64,
    #[diesel(sql_type = BigInt)]
    companies: i64,
    #[diesel(sql_type = BigInt)]
    actors: i64,
    #[diesel(sql_type = BigInt)]
    new_organisations: i64,
    #[diesel(sql_type = BigInt)]
    minutes: i64,
    #[diesel(sql_type = BigInt)]
    preparation_minutes: i64,
}

/// The figures of all records in the window and scope.
///
/// # Errors
/// When the database cannot be read.
pub fn totals(conn: &mut Conn, scope: &Scope, query: &StatisticsQuery) -> Result<Figures> {
    let rows: Vec<Row> = if query.conditions.is_empty() {
        let mut statement = Statement::new(conn.backend());
        let Some(sql) = totals::sql(&mut statement, scope, query) else {
            return Ok(Figures::default());
        };
        statement.load(conn, sql)?
    } else {
        rows(conn, scope, query, &[])?
    };
    Ok(rows.first().map(figures).unwrap_or_default())
}

/// The figures of each group that has any.
///
/// # Errors
/// When the database cannot be read.
pub fn groups(conn: &mut Conn, scope: &Scope, query: &StatisticsQuery) -> Result<Vec<Group>> {
    if query.group_by.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows(conn, scope, query, &query.group_by)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let figures = figures(&row);
            let key = row.codes.key(&query.group_by, value);
            Group { key, figures, explanation: String::new() }
        })
        .collect())
}

fn figures(row: &Row) -> Figures {
    Figures {
        consultations: row.consultations,
        first_consultations: row.first_consultations,
        follow_up_consultations: row.follow_up_consultations,
        short_information: row.short_information,
        anonymous_consultations: row.anonymous_consultations,
        organisations: row.organisations,
        companies: row.companies,
        actors: row.actors,
        new_organisations: row.new_organisations,
        minutes: row.minutes,
        preparation_minutes: row.preparation_minutes,
    }
}

fn rows(
    conn: &mut Conn,
    scope: &Scope,
    query: &StatisticsQuery,
    group_by: &[Dimension],
) -> Result<Vec<Row>> {
    let mut statement = Statement::new(conn.backend());
    let columns = columns(query, group_by, conn.backend());
    let Some(f) = counted_records(&mut statement, scope, query, &columns) else {
        return Ok(Vec::new());
    };
    let conditions = conditions(&mut statement, &query.conditions, &query.also, query.topics)?;
    let sql = figures_of(&f, group_by, &conditions, query.topics, conn.backend());
    statement.load(conn, sql)
}

/// The columns of the view that a question needs beyond those that are there anyway: only what is asked
/// for goes through the sorting.
fn columns(query: &StatisticsQuery, group_by: &[Dimension], backend: Backend) -> Vec<&'static str> {
    let asked = query.conditions.iter().map(|condition| condition.dimension);
    // What counts at some carriers is told by the carrier.
    let carrier = (!query.also.is_empty()).then_some(Dimension::Carrier);
    let mut columns: Vec<&'static str> = group_by
        .iter()
        .copied()
        .chain(asked)
        .chain(carrier)
        .filter_map(|dimension| source(dimension, query.topics, backend).column)
        .collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// `f`: the held records of the window with their kind. None when the scope has none.
///
/// Rule 3: firsts are numbered over the whole period and the scope, before the window cuts. What is
/// short or anonymous is numbered apart and never a first.
fn counted_records(
    statement: &mut Statement,
    scope: &Scope,
    query: &StatisticsQuery,
    columns: &[&str],
) -> Option<String> {
    let period = statement.id(Key(query.funding_period_id.0));
    let (from, to) = (statement.date(query.window.from), statement.date(query.window.to));
    let of_scope = of_scope(statement, scope)?;
    let columns: String = columns.iter().flat_map(|column| [", ", column]).collect();
    Some(format!(
        "WITH numbered AS (
            SELECT id, organisation_id, organisation_kind, held_on, minutes, preparation_minutes,
                short{columns},
                row_number() OVER (
                    PARTITION BY organisation_id, short ORDER BY held_on, starts_at, id
                ) AS nth
            FROM consultation_facts
            WHERE funding_period_id = {period} AND status = 'held' {of_scope}
        ),
        f AS (
            SELECT numbered.*, CASE
                WHEN short THEN 'short_information'
                WHEN organisation_id IS NULL THEN 'anonymous'
                WHEN nth = 1 THEN 'first'
                ELSE 'follow_up'
            END AS kind
            FROM numbered
            WHERE held_on BETWEEN {from} AND {to}
        ),
        topics_today AS (SELECT topic_id, current_id FROM current_topics)"
    ))
}

/// The records of the scope, and that the answer is still wanted; none when the scope has nothing.
fn of_scope(statement: &mut Statement, scope: &Scope) -> Option<String> {
    let wanted = still_wanted(statement.backend(), "minutes");
    match scope {
        Scope::Nothing => None,
        Scope::Network => Some(wanted),
        Scope::Carrier(carrier) => {
            let carrier = statement.id(Key(carrier.0));
            Some(format!("AND carrier_id = {carrier} {wanted}"))
        }
    }
}

fn figures_of(
    f: &str,
    group_by: &[Dimension],
    conditions: &[String],
    topics: TopicsAs,
    backend: Backend,
) -> String {
    let sources = group_by.iter().map(|dimension| source(*dimension, topics, backend).of);
    let Grouping { columns, joins, group_by, order_by } = Grouping::of(sources);
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", conditions.join(" AND "))
    };
    format!(
        "{f}
        SELECT
            {columns},
            count(*) FILTER (WHERE NOT f.short) AS consultations,
            count(*) FILTER (WHERE f.kind = 'first') AS first_consultations,
            count(*) FILTER (WHERE f.kind = 'follow_up') AS follow_up_consultations,
            count(*) FILTER (WHERE f.short) AS short_information,
            count(*) FILTER (WHERE f.kind = 'anonymous') AS anonymous_consultations,
            count(DISTINCT f.organisation_id) FILTER (WHERE NOT f.short) AS organisations,
            count(DISTINCT f.organisation_id)
                FILTER (WHERE NOT f.short AND f.organisation_kind = 'company') AS companies,
            count(DISTINCT f.organisation_id)
                FILTER (WHERE NOT f.short AND f.organisation_kind = 'actor') AS actors,
            count(DISTINCT f.organisation_id) FILTER (WHERE f.kind = 'first') AS new_organisations,
            coalesce(sum(f.minutes) FILTER (WHERE NOT f.short), 0) AS minutes,
            coalesce(sum(f.preparation_minutes) FILTER (WHERE NOT f.short), 0)
                AS preparation_minutes
        FROM f
        {joins}
        {filter}
        {group_by}
        {order_by}"
    )
}
