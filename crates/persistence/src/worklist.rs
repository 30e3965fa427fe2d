//! What waits for somebody: organisations with gaps that a report would show or not advised for long, and
//! steps of plans.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date};
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::consultation::ConsultationStatus;
use lotse_domain::funding_period::FundingPeriodStatus;
use lotse_domain::id::OrganisationId;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::policy::Scope;
use lotse_domain::user::UserStatus;
use lotse_domain::worklist::{Advised, Gap, Whose, WorklistGap, WorklistQuery};
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code};
use crate::error::DbResult;
use crate::names::Names;
use crate::schema::{
    advised_organisations, consultations, funding_periods, organisations_with_open_tasks,
    user_assignments, users,
};
use crate::sql_types::{Id, Key};

mod milestones;
pub use milestones::{count_milestones, milestones};

#[derive(Queryable, Selectable)]
#[diesel(table_name = advised_organisations)]
struct Seen {
    organisation_id: Key,
    held_on: NaiveDate,
    adviser_id: Key,
    name: String,
    kind: String,
    lacks_industry: bool,
    lacks_size_class: bool,
    lacks_district: bool,
}

type Query<'a> = advised_organisations::BoxedQuery<'a, <Conn as diesel::Connection>::Backend>;

/// Those that the carrier advised in a period that is not closed.
fn advised(carrier: Key, query: &WorklistQuery) -> Option<Query<'static>> {
    // Where every period is closed, nothing is left to do for any.
    let open_from = query.open_from?;
    let mut selected = advised_organisations::table
        .filter(advised_organisations::carrier_id.eq(carrier))
        // Lets the index leave out what cannot be.
        .filter(advised_organisations::held_on.ge(open_from))
        .filter(advised_organisations::is_reported)
        .filter(advised_organisations::archived_at.is_null())
        .into_boxed();
    if let Whose::User(user) = query.whose {
        let theirs = advised_organisations::adviser_id.eq(Key(user.0));
        selected = if query.left_behind {
            let here = user_assignments::table
                .inner_join(users::table)
                .filter(users::status.eq(UserStatus::Active.code()))
                .filter(user_assignments::carrier_id.eq(Some(carrier)))
                .filter(user_assignments::valid_from.le(query.today))
                .filter(
                    user_assignments::valid_to
                        .is_null()
                        .or(user_assignments::valid_to.ge(query.today)),
                )
                .select(user_assignments::user_id);
            selected.filter(theirs.or(advised_organisations::adviser_id.ne_all(here)))
        } else {
            selected.filter(theirs)
        };
    }
    Some(selected)
}

/// How many there are, with gaps and without a consultation for long.
#[derive(Clone, Copy, Debug, Default, Queryable)]
pub struct Counts {
    pub gaps: i64,
    pub quiet: i64,
}

/// Both in one pass: with everybody's it goes over all organisations of the running periods.
///
/// # Errors
/// When the database cannot be read.
pub fn counts(conn: &mut Conn, scope: &Scope, query: &WorklistQuery) -> Result<Counts> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Counts::default()) };
    let Some(selected) = advised(carrier, query) else { return Ok(Counts::default()) };
    selected
        .select((
            sql::<BigInt>(
                "count(CASE WHEN lacks_industry OR lacks_size_class OR lacks_district THEN 1 END)",
            ),
            sql::<BigInt>("count(CASE WHEN is_contacted AND held_on < ")
                .bind::<Date, _>(query.quiet_before)
                .sql(
                    " AND organisation_id NOT IN (SELECT p.organisation_id \
                     FROM organisations_with_open_tasks p WHERE p.carrier_id = ",
                )
                .bind::<Id, _>(carrier)
                .sql(") THEN 1 END)"),
        ))
        .first(conn)
        .db()
}

/// By their latest consultation, the earliest first.
///
/// # Errors
/// When the database cannot be read.
pub fn gaps(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &WorklistQuery,
    after: Option<(NaiveDate, Uuid)>,
    most: i64,
) -> Result<Vec<Advised>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let Some(selected) = advised(carrier, query) else { return Ok(Vec::new()) };
    let with_gaps = selected.filter(
        advised_organisations::lacks_industry
            .or(advised_organisations::lacks_size_class)
            .or(advised_organisations::lacks_district),
    );
    let rows = page(conn, with_gaps, after, most)?;
    let ids: Vec<Key> = rows.iter().map(|row| row.organisation_id).collect();
    let not_closed = funding_periods::table
        .filter(funding_periods::status.ne(FundingPeriodStatus::Closed.code()))
        .select(funding_periods::id);
    let held: Vec<(Option<Key>, i64)> = on_backend!(conn, c => consultations::table
        .filter(among(consultations::organisation_id.assume_not_null(), &ids))
        .filter(consultations::carrier_id.eq(carrier))
        .filter(consultations::status.eq(ConsultationStatus::Held.code()))
        .filter(consultations::funding_period_id.eq_any(not_closed))
        .group_by(consultations::organisation_id)
        .select((consultations::organisation_id, diesel::dsl::count_star()))
        .load(c))
    .db()?;
    let held: HashMap<Option<Key>, i64> = held.into_iter().collect();
    rows.into_iter()
        .map(|row| {
            let missing = [
                (row.lacks_industry, Gap::Industry),
                (row.lacks_size_class, Gap::SizeClass),
                (row.lacks_district, Gap::District),
            ];
            let gap = WorklistGap {
                missing: missing.into_iter().filter(|(lacks, _)| *lacks).map(|(_, g)| g).collect(),
                consultations: held.get(&Some(row.organisation_id)).copied().unwrap_or(0),
            };
            entity(row, Some(gap), names)
        })
        .collect()
}

/// By their latest consultation, the earliest first.
///
/// # Errors
/// When the database cannot be read.
pub fn quiet(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &WorklistQuery,
    after: Option<(NaiveDate, Uuid)>,
    most: i64,
) -> Result<Vec<Advised>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let Some(selected) = advised(carrier, query) else { return Ok(Vec::new()) };
    let planned = organisations_with_open_tasks::table
        .filter(organisations_with_open_tasks::carrier_id.eq(carrier))
        .select(organisations_with_open_tasks::organisation_id);
    let not_for_long = selected
        .filter(advised_organisations::held_on.lt(query.quiet_before))
        .filter(advised_organisations::is_contacted)
        .filter(advised_organisations::organisation_id.ne_all(planned));
    let rows = page(conn, not_for_long, after, most)?;
    rows.into_iter().map(|row| entity(row, None, names)).collect()
}

fn page(
    conn: &mut Conn,
    mut selected: Query<'static>,
    after: Option<(NaiveDate, Uuid)>,
    most: i64,
) -> Result<Vec<Seen>> {
    if let Some((on, id)) = after {
        selected = selected.filter(advised_organisations::held_on.ge(on)).filter(
            advised_organisations::held_on
                .gt(on)
                .or(advised_organisations::organisation_id.gt(Key(id))),
        );
    }
    selected
        .order((advised_organisations::held_on, advised_organisations::organisation_id))
        .limit(most)
        .select(Seen::as_select())
        .load(conn)
        .db()
}

fn entity(row: Seen, gap: Option<WorklistGap>, names: &Names) -> Result<Advised> {
    Ok(Advised {
        organisation: OrganisationReference {
            id: OrganisationId(row.organisation_id.0),
            name: row.name,
            kind: code(&row.kind)?,
        },
        held_on: row.held_on,
        adviser: names.reference(row.adviser_id)?,
        gap,
    })
}
