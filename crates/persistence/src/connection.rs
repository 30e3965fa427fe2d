//! Connections: one enum over both databases, a pool for reading and one for writing.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::R2D2Connection;
use diesel::{Connection as _, PgConnection, SqliteConnection};
use lotse_domain::{Error, Result};

use crate::error::DbResult;
use crate::limit::{Limit, Request};

/// A connection to one of the two databases. Queries are written once for both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Repeats an expression for each concrete connection, for what diesel cannot say over both at
/// once: batch inserts, `ON CONFLICT`, comparison with an array.
macro_rules! on_backend {
    ($conn:expr, $c:ident => $expression:expr) => {
        match $conn {
            $crate::connection::Conn::Postgres($c) => $expression,
            $crate::connection::Conn::Sqlite($c) => $expression,
        }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Conn {
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self {
            Self::Postgres(_) => Backend::Postgres,
            Self::Sqlite(_) => Backend::Sqlite,
        }
    }
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Writes. SQLite takes the write lock at once: a transaction that reads first and writes later
    /// would fail when another one wrote in between.
    Write,
    /// Several reads that see one state.
    Snapshot,
}

/// Where the data is and how many connections there are to it.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite://path` or `postgres://…`.
    pub url: String,
    /// A streaming replica (PostgreSQL) that figures are read from.
    pub replica_url: Option<String>,
    /// Connections for reading (SQLite) or in all (PostgreSQL).
    pub pool_size: u32,
    /// How long a request waits for a connection.
    pub wait: Duration,
    /// How long a statement may take on PostgreSQL; on SQLite, what a request reads.
    pub most: Duration,
}

/// The pools. Cloning shares them.
#[derive(Clone)]
pub struct Database {
    backend: Backend,
    readers: r2d2::Pool<Manager>,
    writers: r2d2::Pool<Manager>,
    figures: r2d2::Pool<Manager>,
    most: Duration,
    /// For whom is read.
    request: Option<Request>,
}

impl Database {
    /// Opens the database; the first connection is made at once.
    ///
    /// # Errors
    /// `Internal` when the address is not understood or the database cannot be reached.
    pub fn open(options: &Options) -> Result<Self> {
        let pool = |url: &str, access: Access, size: u32| {
            let manager = Manager { target: Target::parse(url)?, access, most: options.most };
            r2d2::Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(options.wait)
                .test_on_check_out(true)
                .build(manager)
                .map_err(|error| Error::Internal(error.into()))
        };
        let url = &options.url;
        let (backend, writers, readers) = match Target::parse(url)? {
            // The writer comes first: it creates the file.
            Target::Sqlite(_) => {
                let writer = pool(url, Access::Write, 1)?;
                // Reading SQLite is work for this machine's cores: more connections than that keep
                // memory busy, not the cores.
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                let most = u32::try_from(cores * 2).unwrap_or(u32::MAX);
                let readers = pool(url, Access::Read, options.pool_size.min(most))?;
                (Backend::Sqlite, writer, readers)
            }
            Target::Postgres(_) => {
                let both = pool(url, Access::Write, options.pool_size)?;
                (Backend::Postgres, both.clone(), both)
            }
        };
        let figures = match &options.replica_url {
            Some(replica) => pool(replica, Access::Read, options.pool_size)?,
            None => readers.clone(),
        };
        let (most, request) = (options.most, None);
        Ok(Self { backend, readers, writers, figures, most, request })
    }

    /// The same for one request: reading ends when nobody waits for its answer. Writing goes through.
    #[must_use]
    pub fn for_request(&self, request: Request) -> Self {
        Self { request: Some(request), ..self.clone() }
    }

    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Whether nobody waits for the answer any more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.request.as_ref().is_some_and(Request::is_given_up)
    }

    /// Single reads. On PostgreSQL there is no transaction around them: at `READ COMMITTED` every
    /// statement sees a state of its own anyway, and two round trips are saved. On SQLite one costs
    /// less than a lock for every statement, and gives one state.
    ///
    /// # Errors
    /// What `work` answers; `Busy` when no connection is free.
    pub fn read<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        match self.backend {
            Backend::Postgres => self.limited(&self.readers, work),
            Backend::Sqlite => self.read_whole(work),
        }
    }

    /// Several reads of one state, for records whose parts are read one after the other.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_whole<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        self.limited(&self.readers, |conn| transaction(conn, Mode::Snapshot, work))
    }

    /// Several reads of one state, from the replica where there is one.
    ///
    /// # Errors
    /// What `work` answers; `Busy` when no connection is free.
    pub fn snapshot<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        self.limited(&self.figures, |conn| transaction(conn, Mode::Snapshot, work))
    }

    fn limited<T>(
        &self,
        pool: &r2d2::Pool<Manager>,
        work: impl FnOnce(&mut Conn) -> Result<T>,
    ) -> Result<T> {
        if self.is_given_up() {
            return Err(Error::TimedOut);
        }
        let mut held = match checked_out(pool) {
            Err(Error::Busy(_)) if self.is_given_up() => return Err(Error::TimedOut),
            held => held?,
        };
        let Held { conn, limit, .. } = &mut *held;
        let running = limit.begin(self.request.as_ref(), self.most);
        let mut result = if self.is_given_up() { Err(Error::TimedOut) } else { work(conn) };
        if let Err(Error::Internal(error)) = &result
            && running.is_over()
        {
            tracing::warn!(%error, "reading was ended");
            result = Err(Error::TimedOut);
        }
        drop(running);
        returned(&mut held, result)
    }

    /// One transaction: all of it or nothing.
    ///
    /// # Errors
    /// What `work` answers, after the transaction was rolled back; `Busy` when no connection is
    /// free.
    pub fn write<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        with(&self.writers, |conn| transaction(conn, Mode::Write, work))
    }

    /// The writing connection outside a transaction, for migrations.
    ///
    /// # Errors
    /// What `work` answers; `Busy` when no connection is free.
    pub fn maintain<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        with(&self.writers, work)
    }
}

fn with<T>(pool: &r2d2::Pool<Manager>, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    let mut held = checked_out(pool)?;
    let result = work(&mut held.conn);
    returned(&mut held, result)
}

fn checked_out(pool: &r2d2::Pool<Manager>) -> Result<r2d2::PooledConnection<Manager>> {
    pool.get().map_err(|error| Error::Busy(error.into()))
}

fn returned<T>(held: &mut Held, result: Result<T>) -> Result<T> {
    held.last_used = Instant::now();
    // The work may have failed because the connection did; the next one gets another.
    held.suspect = matches!(result, Err(Error::Busy(_) | Error::Internal(_) | Error::TimedOut));
    result
}

pub(crate) fn transaction<T>(
    conn: &mut Conn,
    mode: Mode,
    work: impl FnOnce(&mut Conn) -> Result<T>,
) -> Result<T> {
    match (&mut *conn, mode) {
        (Conn::Sqlite(inner), Mode::Write) => {
            AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE").db()?;
        }
        (Conn::Postgres(inner), Mode::Snapshot) => {
            // Figures sort and group more than fits in the memory that is the default for it.
            let begin =
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL work_mem = '32MB'";
            AnsiTransactionManager::begin_transaction_sql(inner, begin).db()?;
        }
        _ => <Conn as diesel::Connection>::TransactionManager::begin_transaction(conn).db()?,
    }
    match work(conn) {
        Ok(value) => {
            <Conn as diesel::Connection>::TransactionManager::commit_transaction(conn).db()?;
            Ok(value)
        }
        Err(error) => {
            let rolled_back =
                <Conn as diesel::Connection>::TransactionManager::rollback_transaction(conn);
            if let Err(rollback) = rolled_back {
                // The database ends the transaction with the connection, which is given up.
                tracing::warn!(error = %rollback, "rollback failed");
            }
            Err(error)
        }
    }
}

/// Begins a part of a transaction that can be taken back by itself.
///
/// # Errors
/// When the database cannot be reached.
pub fn begin_part(conn: &mut Conn) -> Result<()> {
    <Conn as diesel::Connection>::TransactionManager::begin_transaction(conn).db()
}

/// Ends the part that was begun last: what it did stays, or is taken back.
///
/// # Errors
/// When the database cannot be reached.
pub fn end_part(conn: &mut Conn, keep: bool) -> Result<()> {
    if keep {
        <Conn as diesel::Connection>::TransactionManager::commit_transaction(conn).db()
    } else {
        <Conn as diesel::Connection>::TransactionManager::rollback_transaction(conn).db()
    }
}

#[derive(Clone, Debug)]
enum Target {
    Sqlite(String),
    Postgres(String),
}

impl Target {
    fn parse(url: &str) -> Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            Ok(Self::Sqlite(path.to_owned()))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(url.to_owned()))
        } else {
            Err(Error::internal("DATABASE_URL must be sqlite://path or postgres://…"))
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Makes connections for a pool.
#[derive(Clone, Debug)]
struct Manager {
    target: Target,
    access: Access,
    most: Duration,
}

/// A pooled connection and what is known of its health.
struct Held {
    conn: Conn,
    limit: Limit,
    last_used: Instant,
    suspect: bool,
}

/// A connection used this recently is taken to be alive, which saves a round trip per request.
const FRESH: Duration = Duration::from_secs(2);

impl r2d2::ManageConnection for Manager {
    type Connection = Held;
    // The pool shows it to the operator, with its cause.
    type Error = std::io::Error;

    fn connect(&self) -> std::io::Result<Held> {
        let opened = match &self.target {
            Target::Sqlite(path) => open_sqlite(path, self.access),
            Target::Postgres(url) => open_postgres(url, self.most),
        };
        let (conn, limit) = opened.map_err(std::io::Error::other)?;
        Ok(Held { conn, limit, last_used: Instant::now(), suspect: false })
    }

    fn is_valid(&self, held: &mut Held) -> std::io::Result<()> {
        if held.last_used.elapsed() < FRESH {
            Ok(())
        } else {
            held.conn.ping().map_err(std::io::Error::other)
        }
    }

    fn has_broken(&self, held: &mut Held) -> bool {
        // A panic in the middle of a transaction leaves it open.
        std::thread::panicking()
            || held.conn.is_broken()
            || (held.suspect && held.conn.ping().is_err())
    }
}

type Opened<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn open_sqlite(path: &str, access: Access) -> Opened<(Conn, Limit)> {
    create_private(Path::new(path)).map_err(|error| format!("cannot create {path}: {error}"))?;
    let mut conn = SqliteConnection::establish(path)
        .map_err(|error| format!("cannot open {path}: {error}"))?;
    // FULL: what was acknowledged survives a power cut, not only a crash of the program.
    conn.batch_execute(
        "PRAGMA busy_timeout = 10000;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -2048;",
    )?;
    if access == Access::Read {
        conn.batch_execute("PRAGMA query_only = ON")?;
    }
    let limit = Limit::of_sqlite(&mut conn)?;
    Ok((Conn::Sqlite(conn), limit))
}

/// Makes the file, with its folder, readable by the owner only: it holds personal data. SQLite gives the
/// files beside it the same permissions.
fn create_private(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn open_postgres(url: &str, most: Duration) -> Opened<(Conn, Limit)> {
    let mut conn = PgConnection::establish(url)?;
    // PostgreSQL's default for `random_page_cost` is that of a disk that has to seek: on small tables it
    // would rather read all of them than follow an index.
    conn.batch_execute(
        "SET TIME ZONE 'UTC';
         SET random_page_cost = 1.1;
         SET idle_in_transaction_session_timeout = '60s';
         SET application_name = 'lotse'",
    )?;
    let limit = Limit::of_postgres(&mut conn, url, most)?;
    Ok((Conn::Postgres(conn), limit))
}
