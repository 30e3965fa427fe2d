//! What requests leave in the database, noted by triggers: to tell whether one changed something,
//! without reading all that there is.

use diesel::RunQueryDsl;
use lotse_persistence::Conn;

use super::snapshot::{lines, tables};
use super::{POSTGRES, TestApp};

/// Has every change of a row noted from now on; without what the audit log says of requests that
/// changed nothing.
pub fn watch(app: &TestApp, conn: &mut Conn) {
    let mut statements = Vec::new();
    let tables = tables(app, conn);
    statements.push("CREATE TABLE traces (what TEXT NOT NULL)".to_owned());
    if app.backend == POSTGRES {
        statements.push(
            "CREATE FUNCTION note_trace() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN INSERT INTO traces VALUES (TG_OP || '' '' || TG_TABLE_NAME); RETURN NULL; END'"
                .to_owned(),
        );
    }
    for table in tables {
        for operation in ["INSERT", "UPDATE", "DELETE"] {
            let row = if operation == "DELETE" { "OLD" } else { "NEW" };
            let when = if table == "audit_log" {
                format!("WHEN ({row}.entity_version IS NOT NULL)")
            } else {
                String::new()
            };
            let head = format!(
                "CREATE TRIGGER trace_{table}_{operation} AFTER {operation} ON {table} \
                 FOR EACH ROW {when}"
            );
            statements.push(if app.backend == POSTGRES {
                format!("{head} EXECUTE FUNCTION note_trace()")
            } else {
                format!("{head} BEGIN INSERT INTO traces VALUES ('{operation} {table}'); END")
            });
        }
    }
    for statement in statements {
        diesel::sql_query(statement).execute(conn).unwrap();
    }
}

/// What has changed since the last call.
pub fn traces(conn: &mut Conn) -> Vec<String> {
    lines(conn, "DELETE FROM traces RETURNING what AS line")
}
