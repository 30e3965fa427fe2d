//! Whatever names an organisation in the database is known to the merge: a table that is added and not told
//! there fails here.

use std::collections::BTreeSet;

use lotse_persistence::Conn;
use lotse_persistence::merge::{JSON_COLUMNS, PLACES, Treatment};

use crate::harness::{Backend, TestApp, both, lines};

fn is_postgres(app: &TestApp) -> bool {
    app.backend == Backend::Postgres
}

/// `table.column` of every foreign key to organisations, or to companies, which have the same ids.
pub fn foreign_keys(app: &TestApp, conn: &mut Conn) -> BTreeSet<String> {
    let query = if is_postgres(app) {
        "SELECT c.conrelid::regclass::text || '.' || a.attname AS line FROM pg_constraint c \
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey) \
         WHERE c.contype = 'f' \
            AND c.confrelid IN ('organisations'::regclass, 'company_profiles'::regclass)"
    } else {
        "SELECT m.name || '.' || f.\"from\" AS line \
         FROM sqlite_master m, pragma_foreign_key_list(m.name) f \
         WHERE m.type = 'table' AND f.\"table\" IN ('organisations', 'company_profiles')"
    };
    lines(conn, query).into_iter().collect()
}

/// `table.column` of all tables.
fn columns(app: &TestApp, conn: &mut Conn, json: bool) -> BTreeSet<String> {
    let query = if is_postgres(app) {
        let json = if json { "AND c.data_type = 'jsonb'" } else { "" };
        format!(
            "SELECT c.table_name || '.' || c.column_name AS line FROM information_schema.columns c \
             JOIN pg_tables t ON t.tablename = c.table_name AND t.schemaname = 'public' \
             WHERE c.table_schema = 'public' {json}"
        )
    } else {
        "SELECT m.name || '.' || c.name AS line FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
            .to_owned()
    };
    lines(conn, &query).into_iter().collect()
}

fn known(foreign_key: bool) -> BTreeSet<String> {
    let places = PLACES.iter().filter(|place| place.foreign_key == foreign_key);
    places.map(|place| format!("{}.{}", place.table, place.column)).collect()
}

#[test]
fn every_foreign_key_to_an_organisation_is_known() {
    both(async |app| {
        let found = foreign_keys(&app, &mut app.connect());
        assert!(found.len() > 10, "{found:?}");
        assert_eq!(found, known(true));
    });
}

#[test]
fn every_id_of_an_organisation_without_a_foreign_key_is_known() {
    both(async |app| {
        let all = columns(&app, &mut app.connect(), false);
        let named: BTreeSet<String> = all
            .into_iter()
            .filter(|column| {
                let name = column.split('.').next_back().unwrap();
                let of = ["organisation", "company", "actor", "survivor", "merged"];
                name.ends_with("_id") && of.iter().any(|it| name.contains(it))
            })
            .collect();
        let known: BTreeSet<String> = known(true).union(&known(false)).cloned().collect();
        assert_eq!(named, known);
    });
}

/// JSON can hold ids that no constraint checks. SQLite keeps it as text like any other.
#[test]
fn every_column_of_json_is_looked_at() {
    both(async |app| {
        let known: BTreeSet<String> =
            JSON_COLUMNS.iter().map(|(table, column, _)| format!("{table}.{column}")).collect();
        let found = columns(&app, &mut app.connect(), is_postgres(&app));
        if is_postgres(&app) {
            assert_eq!(found, known);
        } else {
            assert!(known.is_subset(&found), "{:?}", known.difference(&found));
        }
    });
}

#[test]
fn what_moves_is_one_reference_each() {
    let mut seen = BTreeSet::new();
    for place in PLACES {
        if let Treatment::Moves(reference) = place.treatment {
            assert!(seen.insert(reference), "{reference:?} twice");
        }
    }
    assert_eq!(seen.len(), 12);
}
