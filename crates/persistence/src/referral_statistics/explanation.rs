//! The records behind a figure of referrals, and those that were left out.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::id::OrganisationId;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::referral_statistics::{
    CountedReferral, ReferralExplanationQuery, ReferralFigure,
};
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
    referred_on: NaiveDate,
    #[diesel(sql_type = Id)]
    organisation_id: Key,
    #[diesel(sql_type = Text)]
    organisation_name: String,
    #[diesel(sql_type = Text)]
    organisation_kind: String,
    #[diesel(sql_type = Nullable<Id>)]
    actor_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    actor_name: Option<String>,
    #[diesel(sql_type = BigInt)]
    referrals: i64,
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = BigInt)]
    records: i64,
}

#[derive(QueryableByName)]
struct Reason {
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = BigInt)]
    records: i64,
}

/// A page of the records that were counted, or of those that were left out for the reason asked for: referrals
/// by day, organisations by id.
///
/// # Errors
/// `Malformed` for conditions that make no sense; when the database cannot be read.
pub fn counted(
    conn: &mut Conn,
    scope: &Scope,
    query: &ReferralExplanationQuery,
    paging: &Paging,
) -> Result<Page<CountedReferral>> {
    let mut statement = Statement::new(conn.backend());
    let Some(wanted) = wanted(&mut statement, scope, query)? else {
        return paging.page(Vec::new(), None, key);
    };
    let limit = paging.fetch();
    let sql = if query.figure.is_distinct() && query.left_out.is_none() {
        let no_id = match conn.backend() {
            Backend::Postgres => "CAST(NULL AS uuid)",
            Backend::Sqlite => "NULL",
        };
        let after = match &paging.after {
            Some(after) => format!("AND f.organisation_id > {}", statement.id(Key(after.id))),
            None => String::new(),
        };
        format!(
            "SELECT f.organisation_id AS id, min(f.referred_on) AS referred_on, f.organisation_id,
                o.name AS organisation_name, o.kind AS organisation_kind, {no_id} AS actor_id,
                CAST(NULL AS TEXT) AS actor_name, count(*) AS referrals
            FROM referral_facts f JOIN organisations o ON o.id = f.organisation_id
            WHERE {wanted} {after}
            GROUP BY f.organisation_id, o.name, o.kind
            ORDER BY f.organisation_id
            LIMIT {limit}"
        )
    } else {
        let after = match &paging.after {
            Some(after) => {
                let on = statement.date(after.parse()?);
                let id = statement.id(Key(after.id));
                format!("AND f.referred_on >= {on} AND (f.referred_on > {on} OR f.id > {id})")
            }
            None => String::new(),
        };
        format!(
            "SELECT f.id, f.referred_on, f.organisation_id, o.name AS organisation_name,
                o.kind AS organisation_kind, f.actor_id, a.name AS actor_name,
                CAST(1 AS BIGINT) AS referrals
            FROM referral_facts f
            JOIN organisations o ON o.id = f.organisation_id
            JOIN organisations a ON a.id = f.actor_id
            WHERE {wanted} {after}
            ORDER BY f.referred_on, f.id
            LIMIT {limit}"
        )
    };
    let rows: Vec<Row> = statement.load(conn, sql)?;
    let items = rows.into_iter().map(entity).collect::<Result<_>>()?;
    paging.page(items, None, key)
}

fn key(item: &CountedReferral) -> (String, Uuid) {
    (item.referred_on.to_string(), item.id)
}

fn entity(row: Row) -> Result<CountedReferral> {
    let actor = row.actor_id.zip(row.actor_name);
    Ok(CountedReferral {
        id: row.id.0,
        referred_on: row.referred_on,
        organisation: OrganisationReference {
            id: OrganisationId(row.organisation_id.0),
            name: row.organisation_name,
            kind: code(&row.organisation_kind)?,
        },
        actor: actor.map(|(id, name)| Reference { id: id.0, name }),
        value: 1,
        referrals: row.referrals,
    })
}

/// How many records were counted, which is the figure.
///
/// # Errors
/// As [`counted`].
pub fn summed(conn: &mut Conn, scope: &Scope, query: &ReferralExplanationQuery) -> Result<i64> {
    let mut statement = Statement::new(conn.backend());
    let query = ReferralExplanationQuery { left_out: None, ..query.clone() };
    let Some(wanted) = wanted(&mut statement, scope, &query)? else { return Ok(0) };
    let count =
        if query.figure.is_distinct() { "count(DISTINCT f.organisation_id)" } else { "count(*)" };
    let sql = format!("SELECT {count} AS records FROM referral_facts f WHERE {wanted}");
    let sums: Vec<Sum> = statement.load(conn, sql)?;
    let sum = sums.first().ok_or_else(|| Error::internal("a sum has no row"))?;
    Ok(sum.records)
}

/// How many referrals of the period and the scope meet the conditions and are not in the figure.
///
/// # Errors
/// As [`counted`].
pub fn left_out(
    conn: &mut Conn,
    scope: &Scope,
    query: &ReferralExplanationQuery,
) -> Result<Vec<(LeftOut, i64)>> {
    let mut statement = Statement::new(conn.backend());
    let Some(all) = super::of_scope(&mut statement, scope, &query.asked, query.asked.period)?
    else {
        return Ok(Vec::new());
    };
    let reason = reason(&mut statement, query);
    let sql = format!(
        "SELECT reason, count(*) AS records
        FROM (SELECT {reason} AS reason FROM referral_facts f WHERE {all}) r
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

/// What a record must be to be asked for. None when the scope has none.
fn wanted(
    statement: &mut Statement,
    scope: &Scope,
    query: &ReferralExplanationQuery,
) -> Result<Option<String>> {
    let Some(mut wanted) = super::of_scope(statement, scope, &query.asked, query.asked.period)?
    else {
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
fn reason(statement: &mut Statement, query: &ReferralExplanationQuery) -> String {
    let (from, to) =
        (statement.date(query.asked.window.from), statement.date(query.asked.window.to));
    let of_figure = match query.figure {
        ReferralFigure::Made | ReferralFigure::Organisations => "",
        ReferralFigure::Open => "WHEN f.answer <> 'open' THEN 'other_outcome'",
        ReferralFigure::Accepted => "WHEN f.answer <> 'accepted' THEN 'other_outcome'",
        ReferralFigure::Declined => "WHEN f.answer <> 'declined' THEN 'other_outcome'",
        ReferralFigure::ClosedUnanswered => {
            "WHEN f.answer <> 'closed_unanswered' THEN 'other_outcome'"
        }
        ReferralFigure::Closed => "WHEN f.closed_on IS NULL THEN 'not_closed'",
        ReferralFigure::Companies => "WHEN f.organisation_kind <> 'company' THEN 'other_kind'",
        ReferralFigure::Actors => "WHEN f.organisation_kind <> 'actor' THEN 'other_kind'",
    };
    format!(
        "CASE WHEN f.answer = 'withdrawn' THEN 'withdrawn' \
         WHEN f.referred_on NOT BETWEEN {from} AND {to} THEN 'outside_window' {of_figure} END"
    )
}
