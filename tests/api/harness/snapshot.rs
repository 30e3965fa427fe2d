//! What the database holds, to tell whether something changed it.

use std::collections::BTreeMap;

use diesel::RunQueryDsl;
use diesel::sql_types::{Nullable, Text};
use lotse_persistence::Conn;

use super::{POSTGRES, TestApp};

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

/// Every row of every table, by table; without what the audit log says of requests that changed
/// nothing.
pub fn snapshot(app: &TestApp, conn: &mut Conn) -> BTreeMap<String, Vec<String>> {
    tables(app, conn)
        .into_iter()
        .map(|table| {
            let content = if app.backend == POSTGRES {
                format!("SELECT t::text AS line FROM {table} t")
            } else {
                let columns = format!("SELECT name AS line FROM pragma_table_info('{table}')");
                let columns = lines(conn, &columns);
                let quoted: Vec<_> =
                    columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
                format!("SELECT {} AS line FROM {table}", quoted.join(" || ',' || "))
            };
            let content = match table.as_str() {
                "audit_log" => format!("{content} WHERE entity_version IS NOT NULL"),
                _ => content,
            };
            let mut rows = lines(conn, &content);
            rows.sort();
            (table, rows)
        })
        .collect()
}

/// The tables that hold records.
pub fn tables(app: &TestApp, conn: &mut Conn) -> Vec<String> {
    let query = match app.backend {
        POSTGRES => "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'",
        // Not the shadow tables of the search, which holds what others do.
        _ => {
            "SELECT name AS line FROM pragma_table_list \
             WHERE type = 'table' AND schema = 'main' AND name NOT LIKE 'sqlite_%'"
        }
    };
    lines(conn, query)
}

/// What a query answers in its one column, `line`.
pub fn lines(conn: &mut Conn, query: &str) -> Vec<String> {
    let lines: Vec<Line> = diesel::sql_query(query).load(conn).unwrap();
    lines.into_iter().filter_map(|line| line.line).collect()
}
