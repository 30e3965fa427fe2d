//! The figures of a funding period.
//!
//! The dimensions and the window of a question vary, so the statement is put together from fixed
//! pieces; values are always bound. Months, classes and so on come from the view
//! `consultation_facts`.

use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::policy::Scope;
use lotse_domain::statistics::{Dimension, Figures, Group, StatisticsQuery};

use crate::connection::Conn;
use crate::error::DbResult;
use crate::limit::still_wanted;
use crate::schema::organisations;
use crate::sql_types::Key;
use crate::statement::Statement;

mod codes;
pub(crate) mod dimension;
mod explanation;
mod records;
mod tally;
mod totals;
mod values;
use codes::Codes;
pub use explanation::{counted, left_out, records_of, summed};
use tally::Tally;
pub use values::values;

/// The figures of all records in the window and scope.
///
/// # Errors
/// When the database cannot be read.
pub fn totals(conn: &mut Conn, scope: &Scope, query: &StatisticsQuery) -> Result<Figures> {
    if query.conditions.is_empty() {
        return totals::of(conn, scope, query);
    }
    let query = StatisticsQuery { group_by: Vec::new(), ..query.clone() };
    Ok(by(conn, scope, &query, &[])?.0)
}

/// The same, and the figures of each group that has any.
///
/// # Errors
/// When the database cannot be read.
pub fn totals_and_groups(
    conn: &mut Conn,
    scope: &Scope,
    query: &StatisticsQuery,
) -> Result<(Figures, Vec<Group>)> {
    if query.group_by.is_empty() {
        return Ok((totals(conn, scope, query)?, Vec::new()));
    }
    let (totals, groups) = by(conn, scope, query, &[&query.group_by])?;
    Ok((totals, groups.into_iter().next().unwrap_or_default()))
}

/// The totals and several groupings in one go, each by some of the dimensions that the question groups by.
///
/// # Errors
/// When the database cannot be read.
pub fn by(
    conn: &mut Conn,
    scope: &Scope,
    query: &StatisticsQuery,
    groupings: &[&[Dimension]],
) -> Result<(Figures, Vec<Vec<Group>>)> {
    let mut codes = Vec::new();
    for dimension in &query.group_by {
        codes.push(Codes::of(conn, *dimension, query.topics)?);
    }
    let actors: Vec<Key> = organisations::table
        .filter(organisations::kind.eq(OrganisationKind::Actor.code()))
        .select(organisations::id)
        .load(conn)
        .db()?;
    let actors = actors.into_iter().map(|id| id.0).collect();
    let mut tally = Tally::new(query, codes, groupings, actors);
    records::each(conn, scope, query, |record| tally.add(record))?;
    tally.counted()
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
