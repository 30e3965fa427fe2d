//! Copies rows of a database within it, on both databases: the copies do not pass the rules one by one.

use std::collections::HashMap;
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, SqliteConnection};
use lotse_persistence::{Backend, Conn};

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub struct Multiplier {
    conn: Conn,
    began: Instant,
}

impl Multiplier {
    pub fn open(url: &str) -> Self {
        let conn = match url.strip_prefix("sqlite://") {
            Some(path) => Conn::Sqlite(SqliteConnection::establish(path).unwrap()),
            None => Conn::Postgres(PgConnection::establish(url).unwrap()),
        };
        Self { conn, began: Instant::now() }
    }

    pub fn sqlite(&self) -> bool {
        self.conn.backend() == Backend::Sqlite
    }

    pub fn run(&mut self, what: &str, sql: &str) {
        match &mut self.conn {
            Conn::Sqlite(conn) => conn.batch_execute(sql),
            Conn::Postgres(conn) => conn.batch_execute(sql),
        }
        .unwrap_or_else(|error| panic!("{what}: {error}\n{sql}"));
        eprintln!("{:>6.1} s  {what}", self.began.elapsed().as_secs_f64());
    }

    pub fn number(&mut self, sql: &str) -> i64 {
        diesel::sql_query(sql).get_result::<Number>(&mut self.conn).unwrap().number
    }

    fn columns(&mut self, table: &str) -> Vec<String> {
        let sql = if self.sqlite() {
            format!("SELECT name FROM pragma_table_info('{table}')")
        } else {
            format!(
                "SELECT column_name::text AS name FROM information_schema.columns \
                 WHERE table_name = '{table}' AND table_schema = current_schema() \
                 AND is_generated = 'NEVER'"
            )
        };
        let names: Vec<Name> = diesel::sql_query(sql).load(&mut self.conn).unwrap();
        names.into_iter().map(|column| column.name).collect()
    }

    /// Ids of the copies of the rows of a table: `{table}_copies (old, k, new)`.
    pub fn new_ids(&mut self, table: &str, copies: i64) {
        let id = if self.sqlite() { "randomblob(16)" } else { "gen_random_uuid()" };
        let sql = format!(
            "CREATE TEMP TABLE {table}_copies AS \
             WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {copies}) \
             SELECT t.id AS old, n.k AS k, {id} AS new FROM {table} t CROSS JOIN n; \
             CREATE INDEX {table}_copies_old ON {table}_copies (old, k);"
        );
        self.run(&format!("ids of {table}"), &sql);
    }

    /// Copies of the rows of a table, as often as there are copies of what `key` refers to.
    pub fn copy(&mut self, table: &str, of: &str, key: &str, other: &[(&str, &str)]) {
        let mut other: HashMap<&str, &str> = other.iter().copied().collect();
        other.insert(key, "m.new");
        // What SQLite counts by itself.
        let columns: Vec<String> =
            self.columns(table).into_iter().filter(|column| column != "search_id").collect();
        let quoted: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
        let values: Vec<String> = columns
            .iter()
            .map(|column| match other.get(column.as_str()) {
                Some(value) => (*value).to_owned(),
                None => format!("t.\"{column}\""),
            })
            .collect();
        let sql = format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {of}_copies m JOIN {table} t ON t.{key} = m.old",
            quoted.join(", "),
            values.join(", "),
        );
        self.run(table, &sql);
    }
}
