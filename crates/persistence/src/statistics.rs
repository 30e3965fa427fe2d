//! The figures of a funding period.
//!
//! The dimensions and the window of a question vary, so the statement is put together from fixed
//! pieces; values are always bound. Months, classes and so on come from the view
//! `consultation_facts`.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use lotse_domain::Result;
use lotse_domain::actor::ActorType;
use lotse_domain::code::Code;
use lotse_domain::code_list::label_en;
use lotse_domain::consultation::{Channel, ConsultationKind};
use lotse_domain::industry;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::policy::Scope;
use lotse_domain::size_class::SizeClass;
use lotse_domain::statistics::{Dimension, Figures, Group, GroupValue, StatisticsQuery, TopicsAs};
use lotse_domain::{country, occupation};

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
    let rows = rows(conn, scope, query, &[])?;
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
            let values = [(row.code_1, row.label_1), (row.code_2, row.label_2)];
            let key: BTreeMap<_, _> = query
                .group_by
                .iter()
                .zip(values)
                .map(|(dimension, (code, label))| (*dimension, value(*dimension, code, label)))
                .collect();
            Group { key, figures }
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

/// Where a dimension's code and label come from, the column of the view that they need, and the join
/// that brings them.
struct Source {
    column: Option<&'static str>,
    code: &'static str,
    label: &'static str,
    join: &'static str,
}

fn source(dimension: Dimension, topics: TopicsAs, backend: Backend) -> Source {
    let plain = |column, code| Source { column: Some(column), code, label: code, join: "" };
    // Ids in the form that the API gives them.
    let id = |postgres, sqlite| if backend == Backend::Postgres { postgres } else { sqlite };
    match dimension {
        Dimension::Site => Source {
            column: Some("site_id"),
            code: id("CAST(f.site_id AS text)", "lower(hex(f.site_id))"),
            label: "s.name",
            join: "JOIN sites s ON s.id = f.site_id",
        },
        Dimension::Carrier => Source {
            column: Some("carrier_id"),
            code: id("CAST(f.carrier_id AS text)", "lower(hex(f.carrier_id))"),
            label: "k.name",
            join: "JOIN carriers k ON k.id = f.carrier_id",
        },
        Dimension::District => Source {
            column: Some("district_id"),
            code: "d.\"key\"",
            label: "d.name",
            join: "LEFT JOIN districts d ON d.id = f.district_id",
        },
        Dimension::Topic => Source {
            column: None,
            code: "t.code",
            label: "t.label_en",
            join: match topics {
                TopicsAs::Recorded => {
                    "JOIN consultation_topics ct ON ct.consultation_id = f.id \
                     JOIN topics t ON t.id = ct.topic_id"
                }
                // Once, also where a topic and what replaced it are both recorded: one that was replaced
                // is left out when the record has the one of today, or another before it that became it.
                TopicsAs::Current => {
                    "JOIN consultation_topics ct ON ct.consultation_id = f.id \
                     JOIN topics_today n ON n.topic_id = ct.topic_id AND ( \
                         n.current_id = ct.topic_id OR NOT EXISTS ( \
                             SELECT 1 \
                             FROM consultation_topics e \
                             JOIN topics_today en ON en.topic_id = e.topic_id \
                             WHERE e.consultation_id = ct.consultation_id \
                                 AND en.current_id = n.current_id \
                                 AND (e.topic_id = n.current_id OR e.position < ct.position) \
                         ) \
                     ) \
                     JOIN topics t ON t.id = n.current_id"
                }
            },
        },
        Dimension::Country => Source {
            column: None,
            code: "cc.code",
            label: "cc.code",
            join: "LEFT JOIN consultation_countries cc ON cc.consultation_id = f.id",
        },
        // The table has each beginning of a code once, also where several occupations have it.
        Dimension::Occupation => Source {
            column: None,
            code: "co.code",
            label: "co.code",
            join: "LEFT JOIN consultation_occupations co \
                       ON co.consultation_id = f.id AND length(co.code) = 2",
        },
        Dimension::Month => plain("month", "f.month"),
        Dimension::Quarter => plain("quarter", "f.quarter"),
        Dimension::Year => plain("year", "f.year"),
        // Both are there for the figures anyway.
        Dimension::Kind => Source { column: None, ..plain("kind", "f.kind") },
        Dimension::Channel => plain("channel", "f.channel"),
        Dimension::SizeClass => plain("size_class", "f.size_class"),
        Dimension::Section => plain("section", "f.section"),
        Dimension::OrganisationKind => {
            Source { column: None, ..plain("organisation_kind", "f.organisation_kind") }
        }
        Dimension::ActorType => plain("actor_type", "f.actor_type"),
    }
}

/// The value of a dimension with the label that people read.
fn value(dimension: Dimension, code: Option<String>, label: Option<String>) -> GroupValue {
    let Some(code) = code else {
        return GroupValue { code: None, label: "not given".to_owned() };
    };
    let label = match dimension {
        Dimension::Kind => label_en(ConsultationKind::SET, &code).to_owned(),
        Dimension::Channel => label_en(Channel::SET, &code).to_owned(),
        Dimension::SizeClass => label_en(SizeClass::SET, &code).to_owned(),
        Dimension::OrganisationKind => label_en(OrganisationKind::SET, &code).to_owned(),
        Dimension::ActorType => label_en(ActorType::SET, &code).to_owned(),
        Dimension::Country => country::find(&code).map_or(code.clone(), |c| c.label_en.clone()),
        Dimension::Occupation => {
            occupation::group(&code).map_or(code.clone(), |group| group.title_en.clone())
        }
        Dimension::Section => industry::section_label(&code).unwrap_or_else(|| code.clone()),
        _ => label.unwrap_or_else(|| code.clone()),
    };
    let code = match dimension {
        Dimension::Site | Dimension::Carrier => {
            uuid::Uuid::parse_str(&code).map_or(code, |id| id.to_string())
        }
        _ => code,
    };
    GroupValue { code: Some(code), label }
}

fn rows(
    conn: &mut Conn,
    scope: &Scope,
    query: &StatisticsQuery,
    group_by: &[Dimension],
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

/// Rule 3: firsts are numbered over the whole period and the scope, before the window cuts. What is
/// short or anonymous is numbered apart and never a first.
fn statement(backend: Backend, scoped: bool, group_by: &[Dimension], topics: TopicsAs) -> String {
    let sources: Vec<Source> =
        group_by.iter().map(|dimension| source(*dimension, topics, backend)).collect();
    let column = |index: usize, part: fn(&Source) -> &'static str| {
        sources.get(index).map_or("CAST(NULL AS TEXT)", part)
    };
    let joins: String = sources.iter().map(|source| source.join).collect::<Vec<_>>().join("\n");
    // Only what is asked for goes through the sorting.
    let mut columns = String::new();
    for column in sources.iter().filter_map(|source| source.column) {
        columns.push_str(", ");
        columns.push_str(column);
    }
    let grouping = if sources.is_empty() { "" } else { "GROUP BY 1, 2, 3, 4" };
    // `$4` would be a name in SQLite, numbered by where it first occurs; `?4` is a number.
    let p = if backend == Backend::Postgres { "$" } else { "?" };
    let carrier = if scoped { format!("AND carrier_id = {p}4") } else { String::new() };
    format!(
        "WITH numbered AS (
            SELECT id, organisation_id, organisation_kind, held_on, minutes, preparation_minutes,
                short{columns},
                row_number() OVER (
                    PARTITION BY organisation_id, short ORDER BY held_on, starts_at, id
                ) AS nth
            FROM consultation_facts
            WHERE funding_period_id = {p}1 {carrier}
        ),
        f AS (
            SELECT numbered.*, CASE
                WHEN short THEN 'short_information'
                WHEN organisation_id IS NULL THEN 'anonymous'
                WHEN nth = 1 THEN 'first'
                ELSE 'follow_up'
            END AS kind
            FROM numbered
            WHERE held_on BETWEEN {p}2 AND {p}3
        ),
        topics_today AS (SELECT topic_id, current_id FROM current_topics)
        SELECT
            {code_1} AS code_1, {label_1} AS label_1, {code_2} AS code_2, {label_2} AS label_2,
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
        {grouping}
        ORDER BY 2 NULLS LAST, 1, 4 NULLS LAST, 3",
        code_1 = column(0, |source| source.code),
        label_1 = column(0, |source| source.label),
        code_2 = column(1, |source| source.code),
        label_2 = column(1, |source| source.label),
    )
}
