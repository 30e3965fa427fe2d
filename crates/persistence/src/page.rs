//! `LIMIT` as a number in the statement. With a bound one, PostgreSQL either plans a prepared
//! statement without knowing how few rows are wanted, or plans it anew with every request.

use diesel::QueryResult;
use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use lotse_domain::page::Paging;

/// The numbers of rows that statements ask for; more would be more statements to keep prepared.
const STEPS: [i64; 5] = [11, 26, 51, 101, 201];

/// A query for the first rows.
#[derive(Clone, Debug)]
pub struct First<Q> {
    query: Q,
    rows: i64,
}

/// The rows of a page and at least one more, if there are. The query must not have a limit.
pub fn first<Q: Query>(paging: &Paging, query: Q) -> First<Q> {
    let wanted = paging.fetch();
    let rows = STEPS.into_iter().find(|step| *step >= wanted).unwrap_or(wanted);
    First { query, rows }
}

impl<Q: Query> Query for First<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for First<Q> {}

impl<Q> QueryId for First<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for First<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_sql(&self.rows.to_string());
        Ok(())
    }
}
