//! The totals of all records of a window, without a filter. They need no numbering of firsts: the first of an
//! organisation lies in the window when its earliest day does. At a million consultations that takes a third of
//! the time.

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use lotse_domain::Result;
use lotse_domain::policy::Scope;
use lotse_domain::statistics::{Figures, StatisticsQuery};

use super::of_scope;
use crate::connection::Conn;
use crate::sql_types::Key;
use crate::statement::Statement;

#[derive(QueryableByName)]
struct Row {
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
    minutes: i64,
    #[diesel(sql_type = BigInt)]
    preparation_minutes: i64,
}

/// # Errors
/// When the database cannot be read.
pub(super) fn of(conn: &mut Conn, scope: &Scope, query: &StatisticsQuery) -> Result<Figures> {
    let mut statement = Statement::new(conn.backend());
    let Some(sql) = sql(&mut statement, scope, query) else { return Ok(Figures::default()) };
    let rows: Vec<Row> = statement.load(conn, sql)?;
    Ok(rows.first().map(figures).unwrap_or_default())
}

/// An organisation is either a company or an actor and has one first, so these are not counted by themselves:
/// each count of distinct organisations takes a tenth of the time, or a sorting.
fn figures(row: &Row) -> Figures {
    Figures {
        consultations: row.consultations,
        first_consultations: row.first_consultations,
        follow_up_consultations: row.follow_up_consultations,
        short_information: row.short_information,
        anonymous_consultations: row.anonymous_consultations,
        organisations: row.organisations,
        companies: row.companies,
        actors: row.organisations - row.companies,
        new_organisations: row.first_consultations,
        minutes: row.minutes,
        preparation_minutes: row.preparation_minutes,
    }
}

/// The statement; none when the scope has nothing.
fn sql(statement: &mut Statement, scope: &Scope, query: &StatisticsQuery) -> Option<String> {
    let period = statement.id(Key(query.funding_period_id.0));
    let (from, to) = (statement.date(query.window.from), statement.date(query.window.to));
    let of_scope = of_scope(statement, scope)?;
    let within = format!("held_on BETWEEN {from} AND {to}");
    Some(format!(
        "WITH organisations_advised AS (
            SELECT
                organisation_id,
                max(organisation_kind) AS kind,
                count(*) FILTER (WHERE NOT short AND {within}) AS held,
                count(*) FILTER (WHERE short AND {within}) AS short,
                min(held_on) FILTER (WHERE NOT short) AS first_on,
                sum(minutes) FILTER (WHERE NOT short AND {within}) AS minutes,
                sum(preparation_minutes) FILTER (WHERE NOT short AND {within})
                    AS preparation_minutes
            FROM consultation_facts
            WHERE funding_period_id = {period} AND status = 'held' {of_scope}
            GROUP BY organisation_id
        ),
        summed AS (
            SELECT
                CAST(coalesce(sum(held), 0) AS BIGINT) AS consultations,
                CAST(coalesce(sum(held) FILTER (WHERE organisation_id IS NULL), 0) AS BIGINT)
                    AS anonymous_consultations,
                count(*) FILTER (
                    WHERE organisation_id IS NOT NULL AND first_on BETWEEN {from} AND {to}
                ) AS firsts,
                CAST(coalesce(sum(short), 0) AS BIGINT) AS short_information,
                count(organisation_id) FILTER (WHERE held > 0) AS organisations,
                count(*) FILTER (WHERE held > 0 AND kind = 'company') AS companies,
                CAST(coalesce(sum(minutes), 0) AS BIGINT) AS minutes,
                CAST(coalesce(sum(preparation_minutes), 0) AS BIGINT) AS preparation_minutes
            FROM organisations_advised
        )
        SELECT
            consultations, firsts AS first_consultations,
            consultations - anonymous_consultations - firsts AS follow_up_consultations,
            short_information, anonymous_consultations, organisations, companies,
            minutes, preparation_minutes
        FROM summed"
    ))
}
