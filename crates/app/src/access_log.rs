//! What stands in the audit log and changes no record: who read personal data, who was refused what. It
//! is written aside, many at a time, so that reading does not wait for writing; a power cut may lose
//! what was read in the second before it, a stop of the server loses nothing.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lotse_domain::audit::{AuditAction, Subject};
use lotse_domain::id::{AuditId, SessionId, UserId};
use lotse_domain::policy::{Actor, Login};
use lotse_persistence::{Database, audit};

use crate::transaction::retrying;

/// When so many wait, whoever brings another one waits too: nothing is left out.
const WAITING: usize = 10_000;
/// What one statement takes, and what is not waited for any longer.
const AT_ONCE: usize = 500;
/// How long an entry waits for others: each transaction waits for the disk.
const GATHERED: Duration = Duration::from_millis(300);

/// Who did something.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub user: UserId,
    pub session: Option<SessionId>,
    pub api_key: Option<String>,
}

impl Who {
    pub fn of(actor: &Actor) -> Self {
        let (session, api_key) = match &actor.login {
            Login::Session { id, .. } => (Some(*id), None),
            Login::ApiKey { prefix, .. } => (None, Some(prefix.clone())),
            Login::Job => (None, None),
        };
        Self { user: actor.user_id, session, api_key }
    }
}

#[derive(Debug)]
pub(crate) struct Event {
    pub id: AuditId,
    pub at: DateTime<Utc>,
    /// None where nobody is known: a log-in that was refused.
    pub who: Option<Who>,
    pub request_id: String,
    pub action: AuditAction,
    pub subject: Option<Subject>,
    pub detail: &'static str,
}

#[derive(Clone)]
pub(crate) struct AccessLog(Arc<Writer>);

struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Told to the thread.
    brought: Condvar,
    /// Told to those who wait.
    written: Condvar,
}

#[derive(Default)]
struct State {
    events: Vec<Event>,
    brought: u64,
    written: u64,
    /// Somebody waits for what was brought.
    urgent: bool,
    /// The last app went, or the thread did.
    over: bool,
}

impl AccessLog {
    pub fn new(database: Database) -> Self {
        let queue = Arc::new(Queue::default());
        let of_thread = Arc::clone(&queue);
        let thread = std::thread::spawn(move || of_thread.write_all(&database));
        Self(Arc::new(Writer { queue, thread: Some(thread) }))
    }

    pub fn note(&self, event: Event) {
        let queue = &self.0.queue;
        let mut state = queue.wait_while(&queue.written, |state| state.events.len() >= WAITING);
        if state.over {
            tracing::error!("the thread that writes the access log is gone");
            return;
        }
        state.events.push(event);
        state.brought += 1;
        // Not for each: it would wake the thread as often as there are requests.
        if matches!(state.events.len(), 1 | AT_ONCE) {
            queue.brought.notify_one();
        }
    }

    /// Waits until what was noted before is written.
    pub fn flush(&self) {
        let queue = &self.0.queue;
        let upto = {
            let mut state = queue.lock();
            state.urgent = true;
            state.brought
        };
        queue.brought.notify_one();
        drop(queue.wait_while(&queue.written, |state| state.written < upto));
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the signal until the condition ends, or everything does.
    fn wait_while(
        &self,
        signal: &Condvar,
        condition: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let waited = signal.wait_while(self.lock(), |state| !state.over && condition(state));
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.lock().over = true;
        self.brought.notify_all();
        self.written.notify_all();
    }

    fn write_all(&self, database: &Database) {
        // Whoever waits is let go, should the thread panic.
        let _end = End(self);
        loop {
            let state = self.wait_while(&self.brought, |state| state.events.is_empty());
            let gathering =
                |state: &mut State| !state.over && !state.urgent && state.events.len() < AT_ONCE;
            let gathered = self.brought.wait_timeout_while(state, GATHERED, gathering);
            let (mut state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            if state.over && state.events.is_empty() {
                return;
            }
            let events = std::mem::take(&mut state.events);
            state.urgent = false;
            drop(state);
            write(database, &events);
            self.lock().written += events.len() as u64;
            self.written.notify_all();
        }
    }
}

struct End<'a>(&'a Queue);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for Writer {
    /// With everything written and the database let go.
    fn drop(&mut self) {
        self.queue.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(database: &Database, events: &[Event]) {
    for events in events.chunks(AT_ONCE) {
        let entries: Vec<_> = events.iter().map(entry).collect();
        let written = retrying(|| database.write(|conn| audit::insert_all(conn, &entries)));
        if let Err(error) = written {
            tracing::error!(%error, lost = entries.len(), "the access log cannot be written");
        }
    }
}

fn entry(event: &Event) -> audit::Entry<'_> {
    let who = event.who.as_ref();
    audit::Entry {
        id: event.id,
        at: event.at,
        user: who.map(|who| who.user),
        session: who.and_then(|who| who.session),
        api_key: who.and_then(|who| who.api_key.as_deref()),
        request_id: &event.request_id,
        action: event.action,
        subject: event.subject,
        version: None,
        detail: Some(event.detail),
        changes: Vec::new(),
    }
}
