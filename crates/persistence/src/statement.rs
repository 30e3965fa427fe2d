//! A statement that is put together from fixed pieces; values are always bound.

use chrono::NaiveDate;
use diesel::connection::DefaultLoadingMode;
use diesel::deserialize::QueryableByName;
use diesel::pg::{Pg, PgRowByRowLoadingMode};
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Date, HasSqlType, Text};
use diesel::sqlite::Sqlite;
use lotse_domain::Result;

use crate::connection::{Backend, Conn};
use crate::error::DbResult;
use crate::sql_types::{At, Id, Instant, Key};

enum Value {
    Id(Key),
    Date(NaiveDate),
    Instant(At),
    Text(String),
}

/// The values of a statement, in the order of their places.
pub(crate) struct Statement {
    backend: Backend,
    values: Vec<Value>,
}

type DbBackend = <Conn as diesel::Connection>::Backend;
type Bound<DB> = BoxedSqlQuery<'static, DB, SqlQuery>;

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Whether a row of any of these tables names an id in the column that stands beside it.
///
/// # Errors
/// When the database cannot be read.
pub fn is_named<'a>(
    conn: &mut Conn,
    id: Key,
    places: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<bool> {
    let mut statement = Statement::new(conn.backend());
    let id = statement.id(id);
    let named: Vec<String> = places
        .map(|(table, column)| format!("EXISTS (SELECT 1 FROM {table} WHERE {column} = {id})"))
        .collect();
    let sql =
        format!("SELECT CAST(CASE WHEN {} THEN 1 ELSE 0 END AS BIGINT) AS n", named.join(" OR "));
    let rows: Vec<Named> = statement.load(conn, sql)?;
    Ok(rows.iter().any(|row| row.n == 1))
}

impl Statement {
    pub fn new(backend: Backend) -> Self {
        Self { backend, values: Vec::new() }
    }

    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The place of a new value.
    fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        // `$4` would be a name in SQLite, numbered by where it first occurs; `?4` is a number.
        let mark = if self.backend == Backend::Postgres { '$' } else { '?' };
        format!("{mark}{}", self.values.len())
    }

    pub fn id(&mut self, id: Key) -> String {
        self.place(Value::Id(id))
    }

    pub fn date(&mut self, date: NaiveDate) -> String {
        self.place(Value::Date(date))
    }

    pub fn instant(&mut self, at: At) -> String {
        self.place(Value::Instant(at))
    }

    pub fn text(&mut self, text: &str) -> String {
        self.place(Value::Text(text.to_owned()))
    }

    pub fn load<R>(self, conn: &mut Conn, sql: String) -> Result<Vec<R>>
    where
        R: QueryableByName<DbBackend> + 'static,
    {
        self.bound::<DbBackend>(sql).load(conn).db()
    }

    /// Row by row, however many there are. PostgreSQL's client would have all in memory first.
    pub fn each<R>(
        self,
        conn: &mut Conn,
        sql: String,
        mut each: impl FnMut(R) -> Result<()>,
    ) -> Result<()>
    where
        R: QueryableByName<Pg> + QueryableByName<Sqlite> + 'static,
    {
        match conn {
            Conn::Postgres(conn) => {
                let query = self.bound::<Pg>(sql);
                for row in query.load_iter::<R, PgRowByRowLoadingMode>(conn).db()? {
                    each(row.db()?)?;
                }
            }
            Conn::Sqlite(conn) => {
                let query = self.bound::<Sqlite>(sql);
                for row in query.load_iter::<R, DefaultLoadingMode>(conn).db()? {
                    each(row.db()?)?;
                }
            }
        }
        Ok(())
    }

    /// How many rows it changed.
    pub fn execute(self, conn: &mut Conn, sql: String) -> Result<usize> {
        self.bound::<DbBackend>(sql).execute(conn).db()
    }

    fn bound<DB>(self, sql: String) -> Bound<DB>
    where
        DB: diesel::backend::Backend
            + HasSqlType<Id>
            + HasSqlType<Date>
            + HasSqlType<Instant>
            + HasSqlType<Text>
            + 'static,
        Key: ToSql<Id, DB>,
        NaiveDate: ToSql<Date, DB>,
        At: ToSql<Instant, DB>,
        String: ToSql<Text, DB>,
    {
        let mut query = diesel::sql_query(sql).into_boxed::<DB>();
        for value in self.values {
            query = match value {
                Value::Id(id) => query.bind::<Id, _>(id),
                Value::Date(date) => query.bind::<Date, _>(date),
                Value::Instant(at) => query.bind::<Instant, _>(at),
                Value::Text(text) => query.bind::<Text, _>(text),
            };
        }
        query
    }
}
