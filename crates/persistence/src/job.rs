//! The queue of jobs. Who runs one holds its lease: every piece of work renews it in its own transaction, so that two
//! runners never both commit.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::id::{CarrierId, JobId, UserId};
use lotse_domain::job::{Job, JobFilter, JobKind, JobStatus};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::{Actor, CarrierRef, Login, Scope};
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::connection::Conn;
use crate::convert::{carrier_of, code};
use crate::error::{DbResult, one_row};
use crate::names::{Generation, Names};
use crate::page::first;
use crate::schema::{installation, jobs, user_assignments, users};
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable)]
#[diesel(table_name = jobs)]
struct Row {
    id: Key,
    kind: String,
    status: String,
    carrier_id: Key,
    requested_by: Key,
    subject_id: Key,
    done: i64,
    total: Option<i64>,
    cancel_requested: bool,
    attempts: i32,
    problem: Option<String>,
    lease: Option<Key>,
    leased_until: Option<At>,
    due_at: At,
    started_at: Option<At>,
    ended_at: Option<At>,
    version: i64,
    created_at: At,
    updated_at: At,
}

fn entity(row: Row, names: &Names) -> Result<Job> {
    let kind: JobKind = code(&row.kind)?;
    Ok(Job {
        id: JobId(row.id.0),
        kind,
        status: code(&row.status)?,
        carrier: names.reference(row.carrier_id)?,
        requested_by: names.reference(row.requested_by)?,
        subject_kind: kind.subject_kind(),
        subject_id: row.subject_id.0,
        done: row.done,
        total: row.total,
        cancel_requested: row.cancel_requested,
        attempts: row.attempts,
        problem: row.problem,
        started_at: row.started_at.map(|at| at.0),
        ended_at: row.ended_at.map(|at| at.0),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such job in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: JobId) -> Result<Job> {
    let not_found = Error::NotFound("job");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let row: Option<Row> = jobs::table
        .find(Key(id.0))
        .filter(jobs::carrier_id.eq(carrier))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(not_found)
}

/// The latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &JobFilter,
    paging: &Paging,
) -> Result<Page<Job>> {
    let key = |job: &Job| (String::new(), job.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query = jobs::table.filter(jobs::carrier_id.eq(carrier)).into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(jobs::kind.eq(kind.code()));
        }
        if let Some(status) = filter.status {
            query = query.filter(jobs::status.eq(status.code()));
        }
        if let Some(subject) = filter.subject_id {
            query = query.filter(jobs::subject_id.eq(Key(subject)));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(jobs::id.lt(Key(after.id)));
    }
    let page = page.order(jobs::id.desc()).select(jobs::all_columns);
    let rows: Vec<Row> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, key)
}

/// # Errors
/// `Conflict` when another job works on the record.
pub fn insert(conn: &mut Conn, job: &Job) -> Result<()> {
    let row = Row {
        id: Key(job.id.0),
        kind: job.kind.code().to_owned(),
        status: job.status.code().to_owned(),
        carrier_id: Key(job.carrier.id),
        requested_by: Key(job.requested_by.id),
        subject_id: Key(job.subject_id),
        done: job.done,
        total: job.total,
        cancel_requested: job.cancel_requested,
        attempts: job.attempts,
        problem: job.problem.clone(),
        lease: None,
        leased_until: None,
        due_at: At(job.created_at),
        started_at: None,
        ended_at: None,
        version: job.version,
        created_at: At(job.created_at),
        updated_at: At(job.updated_at),
    };
    diesel::insert_into(jobs::table).values(row).execute(conn).db()?;
    Ok(())
}

/// Writes what people change of a job: that it is cancelled, or queued again.
///
/// # Errors
/// `Stale` when it went on meanwhile; `Conflict` when another job works on the record.
pub fn update(conn: &mut Conn, job: &Job) -> Result<()> {
    let changed = diesel::update(jobs::table.find(Key(job.id.0)))
        .filter(jobs::version.eq(job.version - 1))
        .set((
            jobs::status.eq(job.status.code()),
            jobs::requested_by.eq(Key(job.requested_by.id)),
            jobs::cancel_requested.eq(job.cancel_requested),
            jobs::attempts.eq(job.attempts),
            jobs::problem.eq(&job.problem),
            jobs::due_at.eq(At(job.updated_at)),
            jobs::ended_at.eq(job.ended_at.map(At)),
            jobs::version.eq(job.version),
            jobs::updated_at.eq(At(job.updated_at)),
        ))
        .execute(conn)
        .db()?;
    one_row(changed, job.version)
}

/// A job that a runner took up.
#[derive(Clone, Debug)]
pub struct Taken {
    pub id: JobId,
    pub kind: JobKind,
    pub subject_id: Uuid,
    pub attempts: i32,
    pub lease: Uuid,
}

/// Takes up the job that is due longest: one that waits, or one whose runner gave no sign of life. Several servers
/// take different ones: on PostgreSQL a row that another one is taking is passed over, on SQLite there is one
/// writer.
///
/// # Errors
/// When the database cannot be written.
pub fn take(
    conn: &mut Conn,
    now: DateTime<Utc>,
    lease: Uuid,
    until: DateTime<Utc>,
) -> Result<Option<Taken>> {
    type Found = (Key, String, Key, i32, Option<At>);
    let due = jobs::table
        .filter(
            jobs::status
                .eq(JobStatus::Queued.code())
                .and(jobs::due_at.le(At(now)))
                .or(jobs::status.eq(JobStatus::Running.code()).and(jobs::leased_until.lt(At(now)))),
        )
        .order((jobs::due_at, jobs::id))
        .select((jobs::id, jobs::kind, jobs::subject_id, jobs::attempts, jobs::started_at));
    let found: Option<Found> = match &mut *conn {
        Conn::Postgres(conn) => due.for_update().skip_locked().first(conn),
        Conn::Sqlite(conn) => due.first(conn),
    }
    .optional()
    .db()?;
    let Some((id, kind, subject, attempts, started_at)) = found else { return Ok(None) };
    let attempts = attempts + 1;
    diesel::update(jobs::table.find(id))
        .set((
            jobs::status.eq(JobStatus::Running.code()),
            jobs::lease.eq(Some(Key(lease))),
            jobs::leased_until.eq(Some(At(until))),
            jobs::attempts.eq(attempts),
            jobs::started_at.eq(started_at.or(Some(At(now)))),
            jobs::version.eq(jobs::version + 1),
            jobs::updated_at.eq(At(now)),
        ))
        .execute(conn)
        .db()?;
    let (id, subject_id) = (JobId(id.0), subject.0);
    Ok(Some(Taken { id, kind: code(&kind)?, subject_id, attempts, lease }))
}

/// Notes that a piece is done, and holds the job for another while. Answers whether the job was cancelled: then the
/// piece is not to be done, and nothing was noted.
///
/// # Errors
/// `Conflict` when somebody else has the job: nothing of the piece may be committed then.
pub fn advance(
    conn: &mut Conn,
    (id, lease): (JobId, Uuid),
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    (done, total): (i64, Option<i64>),
) -> Result<bool> {
    let changed = diesel::update(jobs::table.find(Key(id.0)))
        .filter(jobs::lease.eq(Some(Key(lease))))
        .filter(jobs::cancel_requested.eq(false))
        .set((
            jobs::done.eq(done),
            jobs::total.eq(total),
            jobs::leased_until.eq(Some(At(until))),
            jobs::updated_at.eq(At(now)),
        ))
        .execute(conn)
        .db()?;
    if changed == 1 {
        return Ok(false);
    }
    let held: Option<bool> = jobs::table
        .find(Key(id.0))
        .filter(jobs::lease.eq(Some(Key(lease))))
        .select(jobs::cancel_requested)
        .first(conn)
        .optional()
        .db()?;
    held.ok_or_else(lost)
}

/// The job is over.
///
/// # Errors
/// `Conflict` when somebody else has the job.
pub fn end(
    conn: &mut Conn,
    (id, lease): (JobId, Uuid),
    now: DateTime<Utc>,
    status: JobStatus,
    problem: Option<&str>,
) -> Result<()> {
    let changed = diesel::update(jobs::table.find(Key(id.0)))
        .filter(jobs::lease.eq(Some(Key(lease))))
        .set((
            jobs::status.eq(status.code()),
            jobs::problem.eq(problem),
            jobs::lease.eq(None::<Key>),
            jobs::leased_until.eq(None::<At>),
            jobs::ended_at.eq(Some(At(now))),
            jobs::version.eq(jobs::version + 1),
            jobs::updated_at.eq(At(now)),
        ))
        .execute(conn)
        .db()?;
    if changed == 0 { Err(lost()) } else { Ok(()) }
}

/// Gives a job back, for whoever takes it up from an instant on. `attempts` are those that count.
///
/// # Errors
/// When the database cannot be written.
pub fn release(
    conn: &mut Conn,
    (id, lease): (JobId, Uuid),
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
    attempts: i32,
) -> Result<()> {
    diesel::update(jobs::table.find(Key(id.0)))
        .filter(jobs::lease.eq(Some(Key(lease))))
        .set((
            jobs::status.eq(JobStatus::Queued.code()),
            jobs::lease.eq(None::<Key>),
            jobs::leased_until.eq(None::<At>),
            jobs::due_at.eq(At(due_at)),
            jobs::attempts.eq(attempts),
            jobs::version.eq(jobs::version + 1),
            jobs::updated_at.eq(At(now)),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

fn lost() -> Error {
    Error::conflict("job_taken_over", "Another server has taken over the job.")
}

/// The person on whose behalf a job runs, with the role of today.
#[derive(Queryable)]
pub struct Holder {
    user_id: Key,
    name: String,
    role: String,
    carrier_id: Key,
    site_id: Option<Key>,
    names_generation: i64,
}

impl Holder {
    #[must_use]
    pub fn generation(&self) -> Generation {
        Generation(self.names_generation)
    }

    /// # Errors
    /// `Busy` when the names are older than the assignment.
    pub fn actor(self, names: &Names) -> Result<Actor> {
        let Reference { id, name } = names.reference(self.carrier_id)?;
        Ok(Actor {
            login: Login::Job,
            user_id: UserId(self.user_id.0),
            name: self.name,
            role: code(&self.role)?,
            carrier: Some(CarrierRef { id: CarrierId(id), name }),
            site: self.site_id.map(|id| names.reference(id)).transpose()?,
        })
    }
}

/// Who stands behind a job that a runner holds. None when the runner lost it, and for people who were suspended or
/// left the carrier of the job: then it ends.
///
/// # Errors
/// When the database cannot be read.
pub fn holder(conn: &mut Conn, id: JobId, lease: Uuid, today: NaiveDate) -> Result<Option<Holder>> {
    jobs::table
        .inner_join(users::table)
        .inner_join(user_assignments::table.on(user_assignments::user_id.eq(users::id)))
        // It has one row.
        .inner_join(installation::table.on(installation::only_row.eq(1)))
        .filter(jobs::id.eq(Key(id.0)))
        .filter(jobs::lease.eq(Some(Key(lease))))
        .filter(users::status.eq("active"))
        .filter(user_assignments::valid_from.le(today))
        .filter(user_assignments::valid_to.is_null().or(user_assignments::valid_to.ge(today)))
        .filter(user_assignments::carrier_id.eq(jobs::carrier_id.nullable()))
        .select((
            users::id,
            users::name,
            user_assignments::role,
            jobs::carrier_id,
            user_assignments::site_id,
            installation::names_generation,
        ))
        .first(conn)
        .optional()
        .db()
}
