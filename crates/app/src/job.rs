//! Jobs, and the thread of the server that runs them one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::TimeDelta;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::{Reference, check_version};
use lotse_domain::id::JobId;
use lotse_domain::job::{Job, JobFilter, JobKind, JobStatus, LEASE, MOST_ATTEMPTS, pause_after};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::job::Taken;
use lotse_persistence::{audit, job};
use uuid::Uuid;

use crate::transaction::retrying;
use crate::{App, Caller, Shown, Writing, bulk_change, import};

/// How long nobody looks whether there is something to do.
const IDLE: Duration = Duration::from_secs(1);
/// How long after the database failed.
const FAILED: Duration = Duration::from_secs(10);

/// Those of the own carrier, the latest first.
///
/// # Errors
/// What the policy says.
pub fn list(app: &App, caller: &Caller, filter: &JobFilter, paging: &Paging) -> Result<Page<Job>> {
    app.read(caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        job::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: JobId) -> Result<Job> {
    app.read(caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        job::find(tx.conn, &tx.names, &scope, id)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: JobId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadImports, |tx| {
        let scope = tx.scope();
        job::find(tx.conn, &tx.names, &scope, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`; `Conflict` when it is over.
pub fn cancel(app: &App, caller: &Caller, id: JobId, seen: i64) -> Result<Job> {
    app.write(caller, Action::ChangeImports, |tx| {
        let old = seen_as(tx, id, seen)?;
        let new = old.cancelled(tx.now)?;
        job::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`; `Forbidden` for who may not do the same; `Conflict` unless it
/// failed or was cancelled, or when another job works on the record.
pub fn retry(app: &App, caller: &Caller, id: JobId, seen: i64) -> Result<Job> {
    app.write(caller, Action::ChangeImports, |tx| {
        let old = seen_as(tx, id, seen)?;
        match old.kind {
            JobKind::Import | JobKind::ImportUndo => import::check_may_go_on(tx, &old)?,
            JobKind::Bulk => bulk_change::check_may_go_on(tx, &old)?,
        }
        let new = old.retried(tx.now, tx.actor.reference())?;
        job::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

fn seen_as(tx: &mut Writing, id: JobId, seen: i64) -> Result<Job> {
    let scope = tx.scope();
    let old = job::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

/// Queues a job for the caller.
pub(crate) fn queue(tx: &mut Writing, kind: JobKind, subject: Uuid) -> Result<Job> {
    let carrier = tx.actor.own_carrier()?;
    let carrier = Reference::new(carrier.id, &carrier.name);
    let requested_by = tx.actor.reference();
    let new = Job::new(tx.new_id(), tx.now, kind, subject, carrier, requested_by);
    job::insert(tx.conn, &new)?;
    tx.created(&new)?;
    Ok(new)
}

/// A job under way, for the work that it consists of.
pub(crate) struct Running<'a> {
    pub subject: Uuid,
    held: (JobId, Uuid),
    stop: &'a AtomicBool,
}

/// How the work of a job came to a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Everything is done.
    Done,
    /// Somebody cancelled it.
    Cancelled,
    /// The server stops; another one goes on.
    Stopped,
}

impl Running<'_> {
    /// As whom the work is done: the policy holds for it as for a request.
    pub fn caller(&self) -> Caller {
        let (id, lease) = self.held;
        let request_id = format!("job-{id}");
        Caller { shown: Shown::Job { id, lease }, request_id, idempotency: None }
    }

    /// To be called first in the transaction of each piece of work: it holds the job, so that a piece which another
    /// runner has taken over is not committed. Answers whether the job was cancelled.
    pub fn advance(&self, tx: &mut Writing, done: i64, total: i64) -> Result<bool> {
        job::advance(tx.conn, self.held, tx.now, tx.now + LEASE, (done, Some(total)))
    }

    /// To be called in the transaction of the last piece.
    pub fn end(&self, tx: &mut Writing) -> Result<()> {
        job::end(tx.conn, self.held, tx.now, JobStatus::Done, None)
    }

    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Runs the job that is due longest, as far as it goes. Answers whether there was one.
///
/// # Errors
/// When the database cannot be reached.
pub fn run_next(app: &App, stop: &AtomicBool) -> Result<bool> {
    let lease: Uuid = app.new_id();
    let taken = retrying(|| {
        app.database.write(|conn| {
            let now = app.now();
            job::take(conn, now, lease, now + LEASE)
        })
    })?;
    let Some(taken) = taken else { return Ok(false) };
    if taken.attempts > MOST_ATTEMPTS {
        end(
            app,
            &taken,
            JobStatus::Failed,
            Some("It was tried too often without coming to an end."),
        )?;
        return Ok(true);
    }
    let running = Running { subject: taken.subject_id, held: (taken.id, lease), stop };
    let work = AssertUnwindSafe(|| match taken.kind {
        JobKind::Import => import::run::work(app, &running),
        JobKind::ImportUndo => import::undo::work(app, &running),
        JobKind::Bulk => bulk_change::run::work(app, &running),
    });
    match catch_unwind(work) {
        // It ended with its last piece.
        Ok(Ok(Halt::Done)) => {}
        Ok(Ok(Halt::Cancelled)) => end(app, &taken, JobStatus::Cancelled, None)?,
        Ok(Ok(Halt::Stopped)) => release(app, &taken, TimeDelta::zero(), taken.attempts - 1)?,
        Ok(Err(Error::Conflict { code: "job_taken_over", .. })) => {
            tracing::warn!(job = %taken.id, "another server has taken over a job");
        }
        Ok(Err(error @ (Error::Busy(_) | Error::TimedOut))) => {
            tracing::warn!(job = %taken.id, %error, "a job waits for the database");
            release(app, &taken, pause_after(taken.attempts), taken.attempts)?;
        }
        Ok(Err(Error::Internal(error))) => {
            tracing::error!(job = %taken.id, %error, "a job failed");
            end(
                app,
                &taken,
                JobStatus::Failed,
                Some("An internal error; the log of the server has it."),
            )?;
        }
        Ok(Err(error)) => end(app, &taken, JobStatus::Failed, Some(&told(&error)))?,
        Err(_) => {
            tracing::error!(job = %taken.id, "a job panicked");
            release(app, &taken, pause_after(taken.attempts), taken.attempts)?;
        }
    }
    Ok(true)
}

/// For whoever asked for the job.
fn told(error: &Error) -> String {
    let Error::Invalid(violations) = error else { return error.to_string() };
    let each: Vec<_> = violations
        .iter()
        .map(|it| format!("{} {}", it.pointer, it.message).trim().to_owned())
        .collect();
    each.join("; ")
}

fn end(app: &App, taken: &Taken, status: JobStatus, problem: Option<&str>) -> Result<()> {
    let held = (taken.id, taken.lease);
    let ended =
        retrying(|| app.database.write(|conn| job::end(conn, held, app.now(), status, problem)));
    match ended {
        // Whoever has it now ends it.
        Err(Error::Conflict { .. }) => Ok(()),
        other => other,
    }
}

fn release(app: &App, taken: &Taken, pause: TimeDelta, attempts: i32) -> Result<()> {
    let held = (taken.id, taken.lease);
    retrying(|| {
        app.database.write(|conn| {
            let now = app.now();
            job::release(conn, held, now, now + pause, attempts)
        })
    })
}

/// The thread that runs jobs. When it is dropped, the job under way ends with its piece and waits for another runner.
pub struct Runner {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    #[must_use]
    pub fn start(app: App) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !of_thread.load(Ordering::Relaxed) {
                match run_next(&app, &of_thread) {
                    Ok(true) => {}
                    Ok(false) => std::thread::park_timeout(IDLE),
                    Err(error) => {
                        tracing::warn!(%error, "jobs cannot be run");
                        std::thread::park_timeout(FAILED);
                    }
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
