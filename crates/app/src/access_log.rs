//! What stands in the audit log and changes no record: who read personal data, who was refused what. It
//! is written aside, many at a time, so that reading does not wait for writing; a power cut may lose
//! what was read in the second before it, a stop of the server loses nothing.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};
use lotse_domain::audit::{AuditAction, Subject};
use lotse_domain::id::{AuditId, SessionId, UserId};
use lotse_domain::policy::{Actor, Login};
use lotse_persistence::{Database, audit};

use crate::transaction::retrying;

/// When so many wait, whoever brings another one waits too: nothing is left out.
const WAITING: usize = 10_000;
/// What one transaction takes.
const AT_ONCE: usize = 500;

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

enum Message {
    Event(Event),
    /// To be answered when everything before it is written.
    Flush(SyncSender<()>),
}

#[derive(Clone)]
pub(crate) struct AccessLog(Arc<Writer>);

struct Writer {
    /// Taken when the last app goes, which ends the thread.
    messages: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl AccessLog {
    pub fn new(database: Database) -> Self {
        let (messages, receive) = sync_channel(WAITING);
        let thread = std::thread::spawn(move || write_all(&database, &receive));
        Self(Arc::new(Writer { messages: Some(messages), thread: Some(thread) }))
    }

    pub fn note(&self, event: Event) {
        self.send(Message::Event(event));
    }

    /// Waits until what was noted before is written.
    pub fn flush(&self) {
        let (send, receive) = sync_channel(1);
        self.send(Message::Flush(send));
        // An error says that the thread is gone, which was told.
        let _ = receive.recv();
    }

    fn send(&self, message: Message) {
        let sent = self.0.messages.as_ref().map(|messages| messages.send(message));
        if !matches!(sent, Some(Ok(()))) {
            tracing::error!("the thread that writes the access log is gone");
        }
    }
}

impl Drop for Writer {
    /// With everything written and the database let go.
    fn drop(&mut self) {
        self.messages = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(database: &Database, messages: &Receiver<Message>) {
    while let Ok(first) = messages.recv() {
        let (mut events, mut waiting) = (Vec::new(), Vec::new());
        for message in std::iter::once(first).chain(messages.try_iter()).take(AT_ONCE) {
            match message {
                Message::Event(event) => events.push(event),
                Message::Flush(done) => waiting.push(done),
            }
        }
        if !events.is_empty() {
            let entries: Vec<_> = events.iter().map(entry).collect();
            let written = retrying(|| database.write(|conn| audit::insert_all(conn, &entries)));
            if let Err(error) = written {
                tracing::error!(%error, lost = entries.len(), "the access log cannot be written");
            }
        }
        for done in waiting {
            // Nobody waits any more when the request was given up.
            let _ = done.send(());
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
