//! The figures of referrals in a funding period, as in `statistics` over the view `referral_facts`.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use lotse_domain::Result;
use lotse_domain::actor::ActorType;
use lotse_domain::code::Code;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::policy::Scope;
use lotse_domain::referral_statistics::{
    ReferralAnswered, ReferralDimension, ReferralFigures, ReferralGroup, ReferralStatisticsQuery,
};
use lotse_domain::statistics::{Condition, GroupValue, Window};

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
    made: i64,
    #[diesel(sql_type = BigInt)]
    open: i64,
    #[diesel(sql_type = BigInt)]
    accepted: i64,
    #[diesel(sql_type = BigInt)]
    declined: i64,
    #[diesel(sql_type = BigInt)]
    closed_unanswered: i64,
    #[diesel(sql_type = BigInt)]
    closed: i64,
    #[diesel(sql_type = BigInt)]
    organisations: i64,
    #[diesel(sql_type = BigInt)]
    companies: i64,
    #[diesel(sql_type = BigInt)]
    actors: i64,
}

/// The figures of all referrals in the window and scope.
///
/// # Errors
/// When the database cannot be read.
pub fn totals(
    conn: &mut Conn,
    scope: &Scope,
    query: &ReferralStatisticsQuery,
) -> Result<ReferralFigures> {
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
    query: &ReferralStatisticsQuery,
) -> Result<Vec<ReferralGroup>> {
    if query.group_by.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows(conn, scope, query, &query.group_by)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let figures = figures(&row);
            let key = row.codes.key(&query.group_by, value);
            ReferralGroup { key, figures, explanation: String::new() }
        })
        .collect())
}

fn figures(row: &Row) -> ReferralFigures {
    ReferralFigures {
        made: row.made,
        open: row.open,
        accepted: row.accepted,
        declined: row.declined,
        closed_unanswered: row.closed_unanswered,
        closed: row.closed,
        organisations: row.organisations,
        companies: row.companies,
        actors: row.actors,
    }
}

fn source(dimension: ReferralDimension, backend: Backend) -> Source {
    let plain = |code| Source { code, label: code, label_de: None, join: "" };
    // Ids in the form that the API gives them; `hex` of null is the empty text.
    let id = |postgres, sqlite| if backend == Backend::Postgres { postgres } else { sqlite };
    match dimension {
        ReferralDimension::Site => Source {
            code: id("CAST(f.site_id AS text)", "nullif(lower(hex(f.site_id)), '')"),
            label: "s.name",
            label_de: None,
            join: "LEFT JOIN sites s ON s.id = f.site_id",
        },
        ReferralDimension::Carrier => Source {
            code: id("CAST(f.carrier_id AS text)", "lower(hex(f.carrier_id))"),
            label: "k.name",
            label_de: None,
            join: "JOIN carriers k ON k.id = f.carrier_id",
        },
        ReferralDimension::Actor => Source {
            code: id("CAST(f.actor_id AS text)", "lower(hex(f.actor_id))"),
            label: "a.name",
            label_de: None,
            join: "JOIN organisations a ON a.id = f.actor_id",
        },
        ReferralDimension::ActorType => plain("f.actor_type"),
        ReferralDimension::OrganisationKind => plain("f.organisation_kind"),
        ReferralDimension::Answer => plain("f.answer"),
        ReferralDimension::Month => plain("f.month"),
        ReferralDimension::Quarter => plain("f.quarter"),
        ReferralDimension::Year => plain("f.year"),
    }
}

/// The value of a dimension with the labels that people read.
fn value(dimension: ReferralDimension, code: String, labels: Labels) -> GroupValue {
    match dimension {
        ReferralDimension::ActorType => GroupValue::of_set(ActorType::SET, code),
        ReferralDimension::OrganisationKind => GroupValue::of_set(OrganisationKind::SET, code),
        ReferralDimension::Answer => GroupValue::of_set(ReferralAnswered::SET, code),
        ReferralDimension::Site | ReferralDimension::Carrier | ReferralDimension::Actor => {
            labels.of(id_as_text(code))
        }
        _ => labels.of(code),
    }
}

fn rows(
    conn: &mut Conn,
    scope: &Scope,
    query: &ReferralStatisticsQuery,
    group_by: &[ReferralDimension],
) -> Result<Vec<Row>> {
    let mut statement = Statement::new(conn.backend());
    let Some(mut wanted) = of_scope(&mut statement, scope, query, query.window)? else {
        return Ok(Vec::new());
    };
    wanted.push("f.answer <> 'withdrawn'".to_owned());
    let sql = figures_of(conn.backend(), group_by, &wanted.join(" AND "));
    statement.load(conn, sql)
}

/// What a referral must meet to be of the days and the scope and to meet the conditions, as SQL over `f`. None
/// when the scope has none.
fn of_scope(
    statement: &mut Statement,
    scope: &Scope,
    query: &ReferralStatisticsQuery,
    days: Window,
) -> Result<Option<Vec<String>>> {
    let mut wanted = vec![
        format!("f.referred_on >= {}", statement.date(days.from)),
        format!("f.referred_on <= {}", statement.date(days.to)),
    ];
    match scope {
        Scope::Nothing => return Ok(None),
        Scope::Network => (),
        Scope::Carrier(carrier) => {
            wanted.push(format!("f.carrier_id = {}", statement.id(Key(carrier.0))));
        }
    }
    for asked in &query.conditions {
        wanted.push(condition(statement, asked)?);
    }
    Ok(Some(wanted))
}

fn condition(
    statement: &mut Statement,
    condition: &Condition<ReferralDimension>,
) -> Result<String> {
    let codes: Vec<&str> = condition.codes.iter().flatten().map(String::as_str).collect();
    let or_none = condition.codes.contains(&None);
    Ok(match condition.dimension {
        ReferralDimension::Site => {
            let wanted = among_ids(statement, "f.site_id", &codes)?;
            if or_none { format!("(f.site_id IS NULL OR {wanted})") } else { wanted }
        }
        ReferralDimension::Carrier => among_ids(statement, "f.carrier_id", &codes)?,
        ReferralDimension::Actor => among_ids(statement, "f.actor_id", &codes)?,
        dimension => {
            // Of these the code is a column of `f`, and never null.
            let column = source(dimension, statement.backend()).code;
            among(statement, column, &codes)
        }
    })
}

fn figures_of(backend: Backend, group_by: &[ReferralDimension], wanted: &str) -> String {
    let sources = group_by.iter().map(|dimension| source(*dimension, backend));
    let Grouping { columns, joins, group_by, order_by } = Grouping::of(sources);
    format!(
        "SELECT
            {columns},
            count(*) AS made,
            count(*) FILTER (WHERE f.answer = 'open') AS open,
            count(*) FILTER (WHERE f.answer = 'accepted') AS accepted,
            count(*) FILTER (WHERE f.answer = 'declined') AS declined,
            count(*) FILTER (WHERE f.answer = 'closed_unanswered') AS closed_unanswered,
            count(*) FILTER (WHERE f.closed_on IS NOT NULL) AS closed,
            count(DISTINCT f.organisation_id) AS organisations,
            count(DISTINCT f.organisation_id) FILTER (WHERE f.organisation_kind = 'company')
                AS companies,
            count(DISTINCT f.organisation_id) FILTER (WHERE f.organisation_kind = 'actor')
                AS actors
        FROM referral_facts f
        {joins}
        WHERE {wanted}
        {group_by}
        {order_by}"
    )
}
