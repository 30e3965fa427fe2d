//! Adds companies that are made up until a database has a hundred thousand organisations, or as many as told:
//!
//! ```text
//! cargo run --release -p lotse-tests --example register -- sqlite://data/lotse.db [organisations]
//! ```
//!
//! The database must be there, and the server must not run.

mod made_up;

use chrono::Utc;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::{PgConnection, SqliteConnection};
use lotse_domain::company::Company;
use lotse_domain::id::CompanyId;
use lotse_persistence::{Conn, company};
use made_up::Register;
use uuid::Uuid;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("name the database: sqlite://path or postgres://…");
    let wanted: i64 = arguments.next().map_or(100_000, |n| n.parse().expect("a number"));
    let (mut conn, analyse) = match url.strip_prefix("sqlite://") {
        Some(path) => (Conn::Sqlite(SqliteConnection::establish(path).unwrap()), "ANALYZE"),
        None => (Conn::Postgres(PgConnection::establish(&url).unwrap()), "VACUUM ANALYZE"),
    };
    let there = diesel::sql_query("SELECT count(*) AS count FROM organisations");
    let there: Count = there.get_result(&mut conn).unwrap();
    let mut register = Register::new(1);
    conn.batch_execute("BEGIN").unwrap();
    for _ in there.count..wanted {
        #[expect(clippy::disallowed_methods, reason = "a program of its own, for measuring")]
        let (id, now) = (CompanyId(Uuid::now_v7()), Utc::now());
        let new = Company::new(id, now, &register.company().input(), None).unwrap();
        company::insert(&mut conn, &new).unwrap();
    }
    conn.batch_execute("COMMIT").unwrap();
    conn.batch_execute(analyse).unwrap();
}
