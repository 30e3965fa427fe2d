//! Migrations: the same steps under the same names for both databases.

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use lotse_domain::{Error, Result};

use crate::connection::{Backend, Conn, Mode, transaction};
use crate::error::DbResult;
use crate::{indicator, last_contact, programme_template, search, task};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// One step and whether it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    pub applied: bool,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Applies what is not applied yet, adds the data that ships with the program, and answers the names of the
/// steps. What this program keeps beside the records is derived anew when there were any: a server of a
/// version that did not keep it may have written meanwhile.
///
/// # Errors
/// `Internal` when a step fails; the steps before it stay applied.
pub fn run(conn: &mut Conn) -> Result<Vec<String>> {
    locked(conn, |conn| {
        let missing = status(conn)?.into_iter().filter(|step| !step.applied);
        let names: Vec<String> = missing.map(|step| step.name).collect();
        on_backend!(conn, c => c.run_pending_migrations(source(c)).map(drop)).map_err(internal)?;
        if !names.is_empty() {
            derive(conn)?;
        }
        programme_template::ship(conn)?;
        indicator::ship(conn)?;
        Ok(names)
    })
}

/// Takes the last step back and applies it again.
///
/// # Errors
/// `Internal` when its down or its up fails.
pub fn redo(conn: &mut Conn) -> Result<String> {
    locked(conn, |conn| {
        let version = on_backend!(conn, c => {
            let version = c.revert_last_migration(source(c)).map_err(internal)?;
            let version = version.to_string();
            c.run_pending_migrations(source(c)).map_err(internal)?;
            version
        });
        derive(conn)?;
        programme_template::ship(conn)?;
        indicator::ship(conn)?;
        Ok(version)
    })
}

fn derive(conn: &mut Conn) -> Result<()> {
    transaction(conn, Mode::Write, |conn| {
        if conn.backend() == Backend::Postgres {
            // Nobody writes between the look at the records and what is kept of them. SQLite has one writer.
            conn.batch_execute(
                "LOCK TABLE consultations, contacts, organisations, tasks \
                 IN SHARE ROW EXCLUSIVE MODE",
            )
            .db()?;
        }
        last_contact::derive(conn)?;
        task::derive_organisations(conn)?;
        search::derive(conn)
    })
}

/// Takes back the steps after one.
///
/// # Errors
/// `Internal` when a down fails.
pub fn revert_after(conn: &mut Conn, name: &str) -> Result<()> {
    let after = |step: &Step| step.applied && step.name.as_str() > name;
    let steps = status(conn)?.into_iter().filter(after).count();
    locked(conn, |conn| {
        for _ in 0..steps {
            on_backend!(conn, c => c.revert_last_migration(source(c)).map(drop))
                .map_err(internal)?;
        }
        Ok(())
    })
}

/// Takes every step back.
///
/// # Errors
/// `Internal` when a down fails.
pub fn revert_all(conn: &mut Conn) -> Result<()> {
    locked(conn, |conn| {
        on_backend!(conn, c => c.revert_all_migrations(source(c)).map(drop)).map_err(internal)
    })
}

/// All steps in order.
///
/// # Errors
/// `Internal` when the database cannot be read.
pub fn status(conn: &mut Conn) -> Result<Vec<Step>> {
    on_backend!(conn, c => {
        let applied: Vec<MigrationVersion> = c.applied_migrations().map_err(internal)?;
        steps(c).map(|all| {
            all.into_iter()
                .map(|(name, version)| Step { name, applied: applied.contains(&version) })
                .collect()
        })
    })
}

/// Whether every step is applied.
///
/// # Errors
/// `Internal` when the database cannot be read.
pub fn is_current(conn: &mut Conn) -> Result<bool> {
    on_backend!(conn, c => c.has_pending_migration(source(c)))
        .map(|pending| !pending)
        .map_err(internal)
}

/// Several servers may start at once: on PostgreSQL one migrates and the others wait. SQLite has
/// one writer at a time anyway.
fn locked<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    const LOCK: i64 = 0x_6c6f_7473;
    if conn.backend() == Backend::Sqlite {
        return work(conn);
    }
    let limit: Setting =
        diesel::sql_query("SELECT current_setting('statement_timeout') AS setting")
            .get_result(conn)
            .db()?;
    conn.batch_execute(&format!("SET statement_timeout = 0; SELECT pg_advisory_lock({LOCK})"))
        .db()?;
    let result = work(conn);
    conn.batch_execute(&format!(
        "SELECT pg_advisory_unlock({LOCK}); SET statement_timeout = '{}'",
        limit.setting
    ))
    .db()?;
    result
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    setting: String,
}

/// The steps for the kind of connection.
trait Source {
    fn source(&self) -> EmbeddedMigrations;
}

impl Source for diesel::SqliteConnection {
    fn source(&self) -> EmbeddedMigrations {
        SQLITE
    }
}

impl Source for diesel::PgConnection {
    fn source(&self) -> EmbeddedMigrations {
        POSTGRES
    }
}

fn source(conn: &impl Source) -> EmbeddedMigrations {
    conn.source()
}

fn steps<C>(conn: &C) -> Result<Vec<(String, MigrationVersion<'static>)>>
where
    C: Source + diesel::Connection,
{
    let mut steps: Vec<Box<dyn Migration<C::Backend>>> =
        MigrationSource::<C::Backend>::migrations(&source(conn)).map_err(internal)?;
    steps.sort_by_key(|step| step.name().version().as_owned());
    Ok(steps
        .iter()
        .map(|step| (step.name().to_string(), step.name().version().as_owned()))
        .collect())
}

fn internal(error: Failure) -> Error {
    Error::Internal(error)
}
