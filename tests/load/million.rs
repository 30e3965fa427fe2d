//! Multiplies the demonstration data of a database until it holds a million consultations, or as many as
//! told, with a hundred thousand organisations:
//!
//! ```text
//! cargo run --release -p lotse-tests --example million -- sqlite://data/lotse.db [consultations]
//! ```
//!
//! For measuring only: the copies do not pass the rules one by one, and the server must not run.

use std::collections::HashMap;
use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, SqliteConnection};
use lotse_persistence::{Backend, Conn};

const ORGANISATIONS: i64 = 100_000;

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

struct Multiplier {
    conn: Conn,
    began: Instant,
}

impl Multiplier {
    fn open(url: &str) -> Self {
        let conn = match url.strip_prefix("sqlite://") {
            Some(path) => Conn::Sqlite(SqliteConnection::establish(path).unwrap()),
            None => Conn::Postgres(PgConnection::establish(url).unwrap()),
        };
        Self { conn, began: Instant::now() }
    }

    fn sqlite(&self) -> bool {
        self.conn.backend() == Backend::Sqlite
    }

    fn run(&mut self, what: &str, sql: &str) {
        match &mut self.conn {
            Conn::Sqlite(conn) => conn.batch_execute(sql),
            Conn::Postgres(conn) => conn.batch_execute(sql),
        }
        .unwrap_or_else(|error| panic!("{what}: {error}\n{sql}"));
        eprintln!("{:>6.1} s  {what}", self.began.elapsed().as_secs_f64());
    }

    fn number(&mut self, sql: &str) -> i64 {
        diesel::sql_query(sql).get_result::<Number>(&mut self.conn).unwrap().number
    }

    fn columns(&mut self, table: &str) -> Vec<String> {
        let sql = if self.sqlite() {
            format!("SELECT name FROM pragma_table_info('{table}')")
        } else {
            format!(
                "SELECT column_name::text AS name FROM information_schema.columns \
                 WHERE table_name = '{table}' AND table_schema = current_schema()"
            )
        };
        let names: Vec<Name> = diesel::sql_query(sql).load(&mut self.conn).unwrap();
        names.into_iter().map(|column| column.name).collect()
    }

    /// Ids of the copies of the rows of a table: `{table}_copies (old, k, new)`.
    fn new_ids(&mut self, table: &str, copies: i64) {
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
    fn copy(&mut self, table: &str, of: &str, key: &str, other: &[(&str, &str)]) {
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

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("name the database: sqlite://path or postgres://…");
    let wanted: i64 = arguments.next().map_or(1_000_000, |n| n.parse().expect("a number"));
    let mut m = Multiplier::open(&url);
    let organisations = m.number("SELECT count(*) AS number FROM organisations");
    let consultations = m.number("SELECT count(*) AS number FROM consultations");
    let organisation_copies = (ORGANISATIONS / organisations - 1).max(1);
    let copies = (wanted / consultations - 1).max(1);
    m.run("begin", "BEGIN");
    m.new_ids("organisations", organisation_copies);
    let named = [
        ("name", "t.name || ' ' || m.k"),
        ("name_key", "t.name_key || ' ' || m.k"),
        ("search_text", "t.search_text || ' ' || m.k"),
    ];
    m.copy("organisations", "organisations", "id", &named);
    m.copy("company_profiles", "organisations", "organisation_id", &[]);

    // Within the period and before today, so that every copy could have been held.
    let held_on = if m.sqlite() {
        "min(date(t.held_on, '+' || (m.k * 11 % 90) || ' days'), \
         (SELECT p.ends_on FROM funding_periods p WHERE p.id = t.funding_period_id), date('now'))"
    } else {
        "LEAST(t.held_on + (m.k * 11 % 90)::int, \
         (SELECT p.ends_on FROM funding_periods p WHERE p.id = t.funding_period_id), current_date)"
    };
    let copy_of = |column: &str| {
        format!(
            "(SELECT c.new FROM organisations_copies c WHERE c.old = t.{column} \
             AND c.k = (m.k - 1) % {organisation_copies} + 1)"
        )
    };
    let same_consultation = "(SELECT c.new FROM consultations_copies c \
         WHERE c.old = t.consultation_id AND c.k = m.k)";
    let organisation = copy_of("organisation_id");
    m.new_ids("consultations", copies);
    let other = [
        ("organisation_id", organisation.as_str()),
        ("establishment_id", "NULL"),
        ("event_id", "NULL"),
        ("held_on", held_on),
    ];
    m.copy("consultations", "consultations", "id", &other);
    m.copy("consultation_advisers", "consultations", "consultation_id", &[]);
    m.copy("consultation_topics", "consultations", "consultation_id", &[]);
    for table in ["tasks", "referrals"] {
        m.new_ids(table, copies);
        let other =
            [("organisation_id", organisation.as_str()), ("consultation_id", same_consultation)];
        m.copy(table, table, "id", &other);
    }
    m.run(
        "last contacts",
        "DELETE FROM last_contacts; \
         INSERT INTO last_contacts (carrier_id, organisation_id, held_on, consultation_id, adviser_id) \
         SELECT r.carrier_id, r.organisation_id, r.held_on, r.id, a.user_id FROM ( \
             SELECT c.carrier_id, c.organisation_id, c.held_on, c.id, row_number() OVER ( \
                 PARTITION BY c.carrier_id, c.organisation_id ORDER BY c.held_on DESC, c.id DESC \
             ) AS place FROM consultations c WHERE c.organisation_id IS NOT NULL AND c.status = 'held' \
         ) r JOIN consultation_advisers a ON a.consultation_id = r.id AND a.position = 0 \
         WHERE r.place = 1",
    );
    m.run("commit", "COMMIT");
    m.run("analyse", if m.sqlite() { "ANALYZE" } else { "VACUUM ANALYZE" });
    for table in ["organisations", "consultations", "tasks", "referrals"] {
        let rows = m.number(&format!("SELECT count(*) AS number FROM {table}"));
        eprintln!("{table}: {rows}");
    }
}
