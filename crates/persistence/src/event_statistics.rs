//! The figures of events in a funding period.
//!
//! As in `statistics`, the statement is put together from fixed pieces; values are always bound. Months
//! and the host come from the view `event_facts`.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::event::EventKind;
use lotse_domain::event_statistics::{
    EventDimension, EventFigures, EventGroup, EventStatisticsQuery,
};
use lotse_domain::policy::Scope;
use lotse_domain::statistics::{Condition, GroupValue, TopicsAs};

use crate::connection::{Backend, Conn};
use crate::grouping::{Codes, Grouping, Labels, Source, id_as_text};
use crate::sql_types::Key;
use crate::statement::Statement;
use crate::statistics::dimension::{among, among_ids};

mod explanation;
pub use explanation::{counted, left_out, summed};

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    codes: Codes,
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
            let key = row.codes.key(&query.group_by, value);
            EventGroup { key, figures, explanation: String::new() }
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

fn source(dimension: EventDimension, topics: TopicsAs, backend: Backend) -> Source {
    let plain = |code| Source { code, label: code, label_de: None, join: "" };
    // Ids in the form that the API gives them.
    let id = |postgres, sqlite| if backend == Backend::Postgres { postgres } else { sqlite };
    match dimension {
        EventDimension::Site => Source {
            code: id("CAST(f.site_id AS text)", "lower(hex(f.site_id))"),
            label: "s.name",
            label_de: None,
            join: "JOIN sites s ON s.id = f.site_id",
        },
        EventDimension::Carrier => Source {
            code: id("CAST(f.carrier_id AS text)", "lower(hex(f.carrier_id))"),
            label: "k.name",
            label_de: None,
            join: "JOIN carriers k ON k.id = f.carrier_id",
        },
        EventDimension::Series => Source {
            // `hex` of null is the empty text.
            code: id("CAST(v.id AS text)", "nullif(lower(hex(v.id)), '')"),
            label: "v.name",
            label_de: None,
            join: "LEFT JOIN event_series v ON v.id = f.series_id",
        },
        EventDimension::District => Source {
            code: "d.\"key\"",
            label: "d.name",
            label_de: None,
            join: "LEFT JOIN event_districts ed ON ed.event_id = f.id \
                   LEFT JOIN districts d ON d.id = ed.district_id",
        },
        EventDimension::Topic => Source {
            code: "t.code",
            label: "t.label_en",
            label_de: Some("t.label_de"),
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

/// The value of a dimension with the labels that people read.
fn value(dimension: EventDimension, code: String, labels: Labels) -> GroupValue {
    match dimension {
        EventDimension::Kind => GroupValue::of_set(EventKind::SET, code),
        EventDimension::Site | EventDimension::Carrier | EventDimension::Series => {
            labels.of(id_as_text(code))
        }
        _ => labels.of(code),
    }
}

fn rows(
    conn: &mut Conn,
    scope: &Scope,
    query: &EventStatisticsQuery,
    group_by: &[EventDimension],
) -> Result<Vec<Row>> {
    let mut statement = Statement::new(conn.backend());
    let Some(mut wanted) = of_scope(&mut statement, scope, query)? else { return Ok(Vec::new()) };
    wanted.push(format!("f.starts_on >= {}", statement.date(query.window.from)));
    wanted.push(format!("f.starts_on <= {}", statement.date(query.window.to)));
    let sql = figures_of(conn.backend(), group_by, query.topics, &wanted.join(" AND "));
    statement.load(conn, sql)
}

/// What an event must meet to be of the period and the scope and to meet the conditions, as SQL over `f`. None
/// when the scope has none.
fn of_scope(
    statement: &mut Statement,
    scope: &Scope,
    query: &EventStatisticsQuery,
) -> Result<Option<Vec<String>>> {
    let period = statement.id(Key(query.funding_period_id.0));
    let mut wanted = vec![format!("f.funding_period_id = {period}")];
    match scope {
        Scope::Nothing => return Ok(None),
        Scope::Network => (),
        Scope::Carrier(carrier) => {
            wanted.push(format!("f.carrier_id = {}", statement.id(Key(carrier.0))));
        }
    }
    for asked in &query.conditions {
        wanted.push(condition(statement, asked, query.topics)?);
    }
    Ok(Some(wanted))
}

/// What an event must meet to be counted, as SQL over `f`.
fn condition(
    statement: &mut Statement,
    condition: &Condition<EventDimension>,
    topics: TopicsAs,
) -> Result<String> {
    let codes: Vec<&str> = condition.codes.iter().flatten().map(String::as_str).collect();
    let or_none = condition.codes.contains(&None);
    let several = |table: &str, any: String| {
        let none = format!("NOT EXISTS (SELECT 1 FROM {table} x WHERE x.event_id = f.id) OR ");
        format!("({}EXISTS ({any}))", if or_none { none.as_str() } else { "" })
    };
    Ok(match condition.dimension {
        EventDimension::Site => among_ids(statement, "f.site_id", &codes)?,
        EventDimension::Carrier => among_ids(statement, "f.carrier_id", &codes)?,
        EventDimension::Series => {
            let wanted = among_ids(statement, "f.series_id", &codes)?;
            if or_none { format!("(f.series_id IS NULL OR {wanted})") } else { wanted }
        }
        EventDimension::District => {
            let wanted = among(statement, "d.\"key\"", &codes);
            several(
                "event_districts",
                format!(
                    "SELECT 1 FROM event_districts x JOIN districts d ON d.id = x.district_id \
                     WHERE x.event_id = f.id AND {wanted}"
                ),
            )
        }
        EventDimension::Topic => {
            let wanted = among(statement, "t.code", &codes);
            let topic = match topics {
                TopicsAs::Recorded => "x.topic_id",
                TopicsAs::Current => {
                    "(SELECT n.current_id FROM current_topics n WHERE n.topic_id = x.topic_id)"
                }
            };
            several(
                "event_topics",
                format!(
                    "SELECT 1 FROM event_topics x JOIN topics t ON t.id = {topic} \
                     WHERE x.event_id = f.id AND {wanted}"
                ),
            )
        }
        EventDimension::Kind => among(statement, "f.kind", &codes),
        EventDimension::Month => among(statement, "f.month", &codes),
        EventDimension::Quarter => among(statement, "f.quarter", &codes),
        EventDimension::Year => among(statement, "f.year", &codes),
    })
}

/// Rule 11. A participation stands once beside its event, and once more for each topic or district, of
/// which a group has one; so heads can be summed.
fn figures_of(
    backend: Backend,
    group_by: &[EventDimension],
    topics: TopicsAs,
    wanted: &str,
) -> String {
    let sources = group_by.iter().map(|dimension| source(*dimension, topics, backend));
    let Grouping { columns, joins, group_by, order_by } = Grouping::of(sources);
    format!(
        "SELECT
            {columns},
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
        WHERE {wanted}
        {group_by}
        {order_by}"
    )
}
