//! The records that figures are counted from, in the order of an index, which is by organisation: the database sorts
//! nothing, and nothing is kept here but the records of one organisation.

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Bool, Date, Integer, Nullable};
use lotse_domain::Result;
use lotse_domain::policy::Scope;
use lotse_domain::statistics::{Dimension, StatisticsQuery};

use super::dimension::{cell, conditions};
use super::of_scope;
use crate::connection::{Backend, Conn};
use crate::sql_types::{Cell, Day, Id, Key};
use crate::statement::Statement;

/// A held consultation up to the end of the window.
#[derive(QueryableByName)]
pub(super) struct Record {
    #[diesel(sql_type = Nullable<Id>)]
    pub organisation_id: Option<Key>,
    #[diesel(sql_type = Date)]
    pub held_on: Day,
    /// In both databases bytes that are in the order of time; none is last.
    #[diesel(sql_type = Binary)]
    pub starts_at: Cell,
    #[diesel(sql_type = Id)]
    pub id: Key,
    #[diesel(sql_type = Bool)]
    pub short: bool,
    /// Whether it meets the conditions that a record meets by itself.
    #[diesel(sql_type = Bool)]
    pub wanted: bool,
    #[diesel(sql_type = Integer)]
    pub minutes: i32,
    #[diesel(sql_type = Integer)]
    pub preparation_minutes: i32,
    /// What the codes come from, by dimension.
    #[diesel(sql_type = Nullable<Binary>)]
    pub cell_1: Option<Cell>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub cell_2: Option<Cell>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub cell_3: Option<Cell>,
    /// For the conditions on what the organisation was at its first support.
    #[diesel(sql_type = Nullable<Binary>)]
    pub size_class: Option<Cell>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub actor_type: Option<Cell>,
    #[diesel(sql_type = Nullable<Id>)]
    pub carrier_id: Option<Key>,
}

/// What of an organisation's other records a condition on it depends on.
pub(super) fn by_the_others(dimension: Dimension) -> bool {
    matches!(dimension, Dimension::Kind | Dimension::FirstSizeClass | Dimension::FirstActorType)
}

/// Hands over the records of the period and the scope, those of an organisation one after the other.
///
/// # Errors
/// `Malformed` for conditions that make no sense; when the database cannot be read; what `each` answers.
pub(super) fn each(
    conn: &mut Conn,
    scope: &Scope,
    query: &StatisticsQuery,
    each: impl FnMut(Record) -> Result<()>,
) -> Result<()> {
    let backend = conn.backend();
    let mut statement = Statement::new(backend);
    let period = statement.id(Key(query.funding_period_id.0));
    // Told the last day, SQLite would go by day and sort.
    let until = match backend {
        Backend::Sqlite => format!("+f.held_on <= {}", statement.date(query.window.to)),
        Backend::Postgres => format!("f.held_on <= {}", statement.date(query.window.to)),
    };
    let Some(of_scope) = of_scope(&mut statement, scope) else { return Ok(()) };
    let by_itself: Vec<_> =
        query.conditions.iter().filter(|it| !by_the_others(it.dimension)).cloned().collect();
    let mut wanted = conditions(&mut statement, &by_itself, &query.also, query.topics)?;
    wanted.push("1 = 1".to_owned());
    let of =
        |at: usize| query.group_by.get(at).and_then(|dimension| cell(*dimension)).unwrap_or("NULL");
    let asked = |dimension| query.conditions.iter().any(|it| it.dimension == dimension);
    let where_asked = |asked: bool, column| if asked { column } else { "NULL" };
    let sql = format!(
        "SELECT f.organisation_id, f.held_on, f.starts_at, f.id, f.short,
            coalesce({wanted}, FALSE) AS wanted, f.minutes, f.preparation_minutes,
            {} AS cell_1, {} AS cell_2, {} AS cell_3,
            {size_class} AS size_class, {actor_type} AS actor_type, {carrier} AS carrier_id
        FROM consultation_facts f
        WHERE f.funding_period_id = {period} AND f.status = 'held' AND {until} {of_scope}
        ORDER BY f.organisation_id",
        of(0),
        of(1),
        of(2),
        wanted = wanted.join(" AND "),
        size_class = where_asked(asked(Dimension::FirstSizeClass), "f.size_class"),
        actor_type = where_asked(asked(Dimension::FirstActorType), "f.actor_type"),
        carrier = where_asked(!query.also.is_empty(), "f.carrier_id"),
    );
    statement.each(conn, sql, each)
}
