//! The figures of events in a funding period.
//!
//! As in `statistics`, the statement is put together from fixed pieces; values are always bound. Months
//! and the host come from the view `event_facts`.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::code_list::label_en;
use lotse_domain::event::EventKind;
use lotse_domain::event_statistics::{
    EventDimension, EventFigures, EventGroup, EventStatisticsQuery,
};
use lotse_domain::policy::Scope;
use lotse_domain::statistics::{GroupValue, TopicsAs};

use crate::connection::{Backend, Conn};
use crate::error::DbResult;
use crate::sql_types::{Id, Key};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    code_1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code_2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_2: Option<String>,
    #[diesel(sql_type = BigInt)]
    events: i64,
    #[diesel(sql_type = BigInt)]
    participations: i64,
    #[diesel(sql_type = BigInt)]
    of_companies: i64,
    #[diesel(sql_type = BigInt)]
    of_actors: i64,
    #[diesel(sql_type = BigInt)]
    unnamed: i64,
    #[diesel(sql_type = BigInt)]
    organisations: i64,
    #[diesel(sql_type = BigInt)]
    companies: i64,
    #[diesel(sql_type = BigInt)]
    actors: i64,
}

/// The figures of all events in the window and scope.
///
/// # Errors
/// When the database cannot be read.
pub fn totals(
    conn: &mut Conn,
    scope: &Scope,
    query: &EventStatisticsQuery,
) -> Result<EventFigures> {
    let rows = rows(conn, scope, query, &[])?;
    Ok(rows.first().map(figures).unwrap_or_default())
}

/// The figures of each group that has any.
///
/// # Errors
/// When the database cannot be read.
pub fn groups(
    conn: &mut Conn,
    scope: &Scope,
    query: &EventStatisticsQuery,
) -> Result<Vec<EventGroup>> {
    if query.group_by.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows(conn, scope, query, &query.group_by)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let figures = figures(&row);
            let values = [(row.code_1, row.label_1), (row.code_2, row.label_2)];
            let key: BTreeMap<_, _> = query
                .group_by
                .iter()
                .zip(values)
                .map(|(dimension, (code, label))| (*dimension, value(*dimension, code, label)))
                .collect();
            EventGroup { key, figures }
        })
        .collect())
}

fn figures(row: &Row) -> EventFigures {
    EventFigures {
        events: row.events,
        participations: row.participations,
        of_companies: row.of_companies,
        of_actors: row.of_actors,
        unnamed: row.unnamed,
        organisations: row.organisations,
        companies: row.companies,
        actors: row.actors,
    }
}

/// Where a dimension's code and label come from, and the join that brings them.
struct Source {
    code: &'static str,
    label: &'static str,
    join: &'static str,
}

fn source(dimension: EventDimension, topics: TopicsAs, backend: Backend) -> Source {
    let plain = |code| Source { code, label: code, join: "" };
    // Ids in the form that the API gives them.
    let id = |postgres, sqlite| if backend == Backend::Postgres { postgres } else { sqlite };
    match dimension {
        EventDimension::Site => Source {
            code: id("CAST(f.site_id AS text)", "lower(hex(f.site_id))"),
            label: "s.name",
            join: "JOIN sites s ON s.id = f.site_id",
        },
        EventDimension::Carrier => Source {
            code: id("CAST(f.carrier_id AS text)", "lower(hex(f.carrier_id))"),
            label: "k.name",
            join: "JOIN carriers k ON k.id = f.carrier_id",
        },
        EventDimension::Series => Source {
            // `hex` of null is the empty text.
            code: id("CAST(v.id AS text)", "nullif(lower(hex(v.id)), '')"),
            label: "v.name",
            join: "LEFT JOIN event_series v ON v.id = f.series_id",
        },
        EventDimension::District => Source {
            code: "d.\"key\"",
            label: "d.name",
            join: "LEFT JOIN event_districts ed ON ed.event_id = f.id \
                   LEFT JOIN districts d ON d.id = ed.district_id",
        },
        EventDimension::Topic => Source {
            code: "t.code",
            label: "t.label_en",
            join: match topics {
                TopicsAs::Recorded => {
                    "LEFT JOIN event_topics et ON et.event_id = f.id \
                     LEFT JOIN topics t ON t.id = et.topic_id"
                }
                // Once, also where a topic and what replaced it are both recorded.
                TopicsAs::Current => {
                    "LEFT JOIN (SELECT DISTINCT et.event_id, c.current_id \
                         FROM event_topics et \
                         JOIN current_topics c ON c.topic_id = et.topic_id) et \
                         ON et.event_id = f.id \
                     LEFT JOIN topics t ON t.id = et.current_id"
                }
            },
        },
        EventDimension::Kind => plain("f.kind"),
        EventDimension::Month => plain("f.month"),
        EventDimension::Quarter => plain("f.quarter"),
        EventDimension::Year => plain("f.year"),
    }
}

/// The value of a dimension with the label that people read.
fn value(dimension: EventDimension, code: Option<String>, label: Option<String>) -> GroupValue {
    let Some(code) = code else {
        return GroupValue { code: None, label: "not given".to_owned() };
    };
    let label = match dimension {
        EventDimension::Kind => label_en(EventKind::SET, &code).to_owned(),
        _ => label.unwrap_or_else(|| code.clone()),
    };
    let code = match dimension {
        EventDimension::Site | EventDimension::Carrier | EventDimension::Series => {
            uuid::Uuid::parse_str(&code).map_or(code, |id| id.to_string())
        }
        _ => code,
    };
    GroupValue { code: Some(code), label }
}

fn rows(
    conn: &mut Conn,
    scope: &Scope,
    query: &EventStatisticsQuery,
    group_by: &[EventDimension],
) -> Result<Vec<Row>> {
    let carrier = match scope {
        Scope::Nothing => return Ok(Vec::new()),
        Scope::Network => None,
        Scope::Carrier(carrier) => Some(carrier.0),
    };
    let sql = statement(conn.backend(), carrier.is_some(), group_by, query.topics);
    let bound = diesel::sql_query(sql)
        .bind::<Id, _>(Key(query.funding_period_id.0))
        .bind::<Date, _>(query.window.from)
        .bind::<Date, _>(query.window.to);
    // The last parameter exists only in a scoped statement.
    match carrier {
        Some(carrier) => bound.bind::<Id, _>(Key(carrier)).load(conn).db(),
        None => bound.load(conn).db(),
    }
}

/// Rule 11. A participation stands once beside its event, and once more for each topic or district, of
/// which a group has one; so heads can be summed.
fn statement(
    backend: Backend,
    scoped: bool,
    group_by: &[EventDimension],
    topics: TopicsAs,
) -> String {
    let sources: Vec<Source> =
        group_by.iter().map(|dimension| source(*dimension, topics, backend)).collect();
    let column = |index: usize, part: fn(&Source) -> &'static str| {
        sources.get(index).map_or("CAST(NULL AS TEXT)", part)
    };
    let joins: String = sources.iter().map(|source| source.join).collect::<Vec<_>>().join("\n");
    let grouping = if sources.is_empty() { "" } else { "GROUP BY 1, 2, 3, 4" };
    // `$4` would be a name in SQLite, numbered by where it first occurs; `?4` is a number.
    let p = if backend == Backend::Postgres { "$" } else { "?" };
    let carrier = if scoped { format!("AND f.carrier_id = {p}4") } else { String::new() };
    format!(
        "SELECT
            {code_1} AS code_1, {label_1} AS label_1, {code_2} AS code_2, {label_2} AS label_2,
            count(DISTINCT f.id) AS events,
            coalesce(sum(a.headcount), 0) AS participations,
            coalesce(sum(a.headcount) FILTER (WHERE o.kind = 'company'), 0) AS of_companies,
            coalesce(sum(a.headcount) FILTER (WHERE o.kind = 'actor'), 0) AS of_actors,
            coalesce(sum(a.headcount) FILTER (WHERE a.organisation_id IS NULL), 0) AS unnamed,
            count(DISTINCT a.organisation_id) AS organisations,
            count(DISTINCT a.organisation_id) FILTER (WHERE o.kind = 'company') AS companies,
            count(DISTINCT a.organisation_id) FILTER (WHERE o.kind = 'actor') AS actors
        FROM event_facts f
        LEFT JOIN event_participations a ON a.event_id = f.id
            AND a.status IN ('attended', 'walk_in') AND a.\"role\" = 'participant'
        LEFT JOIN organisations o ON o.id = a.organisation_id
        {joins}
        WHERE f.funding_period_id = {p}1 AND f.starts_on BETWEEN {p}2 AND {p}3 {carrier}
        {grouping}
        ORDER BY 2 NULLS LAST, 1, 4 NULLS LAST, 3",
        code_1 = column(0, |source| source.code),
        label_1 = column(0, |source| source.label),
        code_2 = column(1, |source| source.code),
        label_2 = column(1, |source| source.label),
    )
}
