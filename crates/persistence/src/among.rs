//! `column IN (ids)` with the ids as one bound value, so that the statement stays the same however many
//! there are: it is prepared once and kept. Diesel's `eq_any` binds them one by one on SQLite, which
//! would parse and plan a statement anew for every list.

use diesel::QueryResult;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, Bool, Text};
use diesel::sqlite::Sqlite;

use crate::sql_types::{Id, Key};

/// Whether an id column holds one of several ids.
#[derive(Clone, Debug)]
pub struct Among<C> {
    column: C,
    ids: Vec<Key>,
    /// The ids as a JSON array of hexadecimal strings.
    json: String,
}

/// `column IN (ids)`
pub fn among<C: Expression>(column: C, ids: &[Key]) -> Among<C> {
    let hex: Vec<_> = ids.iter().map(|id| format!("\"{}\"", id.0.simple())).collect();
    Among { column, ids: ids.to_vec(), json: format!("[{}]", hex.join(",")) }
}

impl<C: Expression> Expression for Among<C> {
    type SqlType = Bool;
}

impl<C: AppearsOnTable<QS>, QS> AppearsOnTable<QS> for Among<C> where Self: Expression {}

impl<C: SelectableExpression<QS>, QS> SelectableExpression<QS> for Among<C> where
    Self: AppearsOnTable<QS>
{
}

impl<C> ValidGrouping<()> for Among<C> {
    type IsAggregate = is_aggregate::No;
}

impl<C: QueryId> QueryId for Among<C> {
    type QueryId = Among<C::QueryId>;

    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Among<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<Array<Id>, Vec<Key>>(&self.ids)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Among<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT unhex(value) FROM json_each(");
        out.push_bind_param::<Text, String>(&self.json)?;
        out.push_sql("))");
        Ok(())
    }
}
