//! How long a read may take, and for whom: a statement that takes too long ends, and so does one whose answer
//! nobody waits for any more.
//!
//! PostgreSQL ends statements by itself (`statement_timeout`) and on request (`pg_cancel_backend`). SQLite has
//! an interrupt that diesel does not open, so statements that go through many records ask now and then
//! ([`still_wanted`]): the function fails when the answer is not wanted, and the statement with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::{Bool, Integer};
use diesel::sqlite::Sqlite;
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use crate::connection::Backend;

/// A condition more for statements that go through many records. It holds; it is asked for one record in a
/// thousand, so that it costs little. `of` is a number of the record: without one SQLite would ask once, in a
/// loop further out.
pub(crate) fn still_wanted(backend: Backend, of: &str) -> String {
    match backend {
        Backend::Sqlite => format!("AND (random() & 1023 <> 0 OR lotse_still_wanted({of}))"),
        Backend::Postgres => String::new(),
    }
}

/// Who is nearly done when the client goes is left alone: it would take a connection to say so.
const PATIENCE: Duration = Duration::from_millis(100);

/// Whether somebody waits for the answer to a request. Clones are of the same request.
#[derive(Clone, Default)]
pub struct Request(Arc<Inner>);

#[derive(Default)]
struct Inner {
    given_up: AtomicBool,
    /// The session that works for it right now. Held while that is told to stop, so that it cannot work for
    /// another request by then.
    running: Mutex<Option<Session>>,
}

/// A session of PostgreSQL that can be told to end its statement.
#[derive(Clone, PartialEq, Eq)]
struct Session {
    url: Arc<str>,
    pid: i32,
}

impl Request {
    /// Nobody waits any more: what reads for it ends.
    pub fn give_up(&self) {
        self.0.given_up.store(true, Ordering::Release);
        if self.running().is_some() {
            let request = self.clone();
            let stopping = std::thread::Builder::new().spawn(move || request.stop());
            if let Err(error) = stopping {
                not_ended(&error);
            }
        }
    }

    /// Gives up when it is dropped. That does nothing after the answer.
    #[must_use]
    pub fn while_waiting(&self) -> Waiting {
        Waiting(self.clone())
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.0.given_up.load(Ordering::Acquire)
    }

    fn running(&self) -> MutexGuard<'_, Option<Session>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until the work has ended: between two statements the database ignores that one is to end.
    fn stop(&self) {
        std::thread::sleep(PATIENCE);
        let Some(session) = self.running().clone() else { return };
        let mut conn = match PgConnection::establish(&session.url) {
            Ok(conn) => conn,
            Err(error) => return not_ended(&error),
        };
        loop {
            let running = self.running();
            if running.as_ref() != Some(&session) {
                return;
            }
            let cancel = format!("SELECT pg_cancel_backend({})", session.pid);
            let cancelled = conn.batch_execute(&cancel);
            drop(running);
            if let Err(error) = cancelled {
                return not_ended(&error);
            }
            std::thread::sleep(PATIENCE);
        }
    }
}

/// It ends when its time is over.
fn not_ended(error: &dyn std::error::Error) {
    tracing::warn!(%error, "a statement that nobody waits for was not ended");
}

/// See [`Request::while_waiting`].
pub struct Waiting(Request);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

/// What ends the statements of one connection.
#[derive(Default)]
pub(crate) struct Limit {
    session: Option<Session>,
    /// What the function of SQLite looks at.
    asked: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    until: Option<Instant>,
    request: Option<Request>,
}

impl Limit {
    /// # Errors
    /// When the connection does not work.
    pub fn of_sqlite(conn: &mut SqliteConnection) -> QueryResult<Self> {
        let asked: Arc<Mutex<Asked>> = Arc::default();
        let seen = Arc::clone(&asked);
        lotse_still_wanted_utils::register_nondeterministic_impl(conn, move |_: i32| {
            let asked = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let late = asked.until.is_some_and(|until| until <= Instant::now());
            let given_up = asked.request.as_ref().is_some_and(Request::is_given_up);
            StillWanted(!late && !given_up)
        })?;
        Ok(Self { session: None, asked })
    }

    /// # Errors
    /// When the connection does not work.
    pub fn of_postgres(conn: &mut PgConnection, url: &str, most: Duration) -> QueryResult<Self> {
        conn.batch_execute(&format!("SET statement_timeout = {}", most.as_millis()))?;
        let pid: Pid = diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(conn)?;
        Ok(Self { session: Some(Session { url: url.into(), pid: pid.pid }), asked: Arc::default() })
    }

    /// What is done until [`Running`] is dropped is done for this request, and for no longer than that.
    pub fn begin(&self, request: Option<&Request>, most: Duration) -> Running<'_> {
        if let (Some(request), Some(session)) = (request, &self.session) {
            *request.running() = Some(session.clone());
        }
        let until = Instant::now().checked_add(most);
        *self.asked() = Asked { until, request: request.cloned() };
        Running(self)
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Limit::begin`].
pub(crate) struct Running<'a>(&'a Limit);

impl Running<'_> {
    /// Whether what went wrong may have gone wrong because of the limit.
    pub fn is_over(&self) -> bool {
        let asked = self.0.asked();
        asked.until.is_some_and(|until| until <= Instant::now())
            || asked.request.as_ref().is_some_and(Request::is_given_up)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Asked { request, .. } = std::mem::take(&mut *self.0.asked());
        if let Some(request) = request {
            *request.running() = None;
        }
    }
}

#[derive(QueryableByName)]
struct Pid {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn lotse_still_wanted(of: Integer) -> Bool;
}

#[derive(Debug)]
struct StillWanted(bool);

impl ToSql<Bool, Sqlite> for StillWanted {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> diesel::serialize::Result {
        if !self.0 {
            return Err("the statement took too long, or nobody waits for it".into());
        }
        out.set_value(1);
        Ok(IsNull::No)
    }
}
