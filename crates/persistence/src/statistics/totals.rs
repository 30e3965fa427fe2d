//! The totals of all records of a window, without a filter. They need no numbering of firsts: the first of an
//! organisation lies in the window when its earliest day does. At a million consultations that takes a third of
//! the time.

use lotse_domain::policy::Scope;
use lotse_domain::statistics::StatisticsQuery;

use super::of_scope;
use crate::grouping::Grouping;
use crate::sql_types::Key;
use crate::statement::Statement;

/// The statement; none when the scope has nothing.
pub(super) fn sql(
    statement: &mut Statement,
    scope: &Scope,
    query: &StatisticsQuery,
) -> Option<String> {
    let period = statement.id(Key(query.funding_period_id.0));
    let (from, to) = (statement.date(query.window.from), statement.date(query.window.to));
    let of_scope = of_scope(statement, scope)?;
    let Grouping { columns, .. } = Grouping::of([]);
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
                count(*) FILTER (WHERE held > 0 AND kind = 'actor') AS actors,
                CAST(coalesce(sum(minutes), 0) AS BIGINT) AS minutes,
                CAST(coalesce(sum(preparation_minutes), 0) AS BIGINT) AS preparation_minutes
            FROM organisations_advised
        )
        SELECT
            {columns}, consultations, firsts AS first_consultations,
            consultations - anonymous_consultations - firsts AS follow_up_consultations,
            short_information, anonymous_consultations, organisations, companies, actors,
            firsts AS new_organisations, minutes, preparation_minutes
        FROM summed"
    ))
}
