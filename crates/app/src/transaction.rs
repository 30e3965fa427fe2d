//! The way to the database: log-in, permission, scope, transaction, audit, retry.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use lotse_domain::audit::{AuditAction, Subject};
use lotse_domain::code::Code;
use lotse_domain::entity::EntityKind;
use lotse_domain::id::{JobId, SessionId, UserId};
use lotse_domain::policy::{Action, Actor, Role, Scope};
use lotse_domain::time::local_date;
use lotse_domain::{Error, Result};
use lotse_persistence::names::{Generation, Names, NamesInMemory};
use lotse_persistence::{Conn, Database, Request, api_key, audit, job, session};
use rand::RngExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::access_log::{AccessLog, Event, Who};
use crate::accompaniment::Places;
use crate::clock::Clock;
use crate::idempotency::{self, IdempotencyKey};
use crate::password::Hasher;
use crate::session::hash_of;

mod writing;
pub(crate) use writing::{entry, note};

/// How often a piece of work is tried when the database could not serialise it.
const TRIES: u32 = 5;

/// What an app that is told nothing takes.
const REFERRAL_ANSWER_DAYS: u32 = 14;
const QUIET_DAYS: u32 = 180;

/// The use cases with what they work on. Cloning shares it.
#[derive(Clone)]
pub struct App {
    pub(crate) database: Database,
    pub(crate) hasher: Arc<Hasher>,
    clock: Clock,
    second_factor_roles: Arc<[Role]>,
    referral_answer_days: u32,
    quiet_days: u32,
    access_log: AccessLog,
    names: NamesInMemory,
    pub(crate) places: Places,
    ids: Arc<Mutex<ContextV7>>,
}

/// Who asks, as far as the request proves it. Whether it still holds is looked up in the transaction
/// of the work.
#[derive(Clone, Debug)]
pub struct Caller {
    pub shown: Shown,
    pub request_id: String,
    pub idempotency: Option<IdempotencyKey>,
}

/// What a request shows of who sends it.
#[derive(Clone, Debug)]
pub enum Shown {
    /// The session behind a valid access token, and whose it was.
    Session { user: UserId, id: SessionId },
    /// SHA-256 of the secret of an API key.
    ApiKey(Vec<u8>),
    /// A job that this server runs, and the lease that it holds it by.
    Job { id: JobId, lease: Uuid },
}

impl Shown {
    /// By the secret of an API key.
    #[must_use]
    pub fn api_key(secret: &str) -> Self {
        Self::ApiKey(hash_of(secret))
    }
}

/// A caller whose log-in holds.
struct Authorised {
    actor: Actor,
    names: Arc<Names>,
    /// The secret whose use is to be noted.
    used: Option<Vec<u8>>,
}

/// A caller whose log-in and permission were checked, and a connection to read with.
pub struct Reading<'a> {
    pub conn: &'a mut Conn,
    pub actor: Actor,
    pub names: Arc<Names>,
    pub now: DateTime<Utc>,
    subject: Option<Subject>,
    /// What is noted of the read when it shows personal data.
    action: Action,
    personal: bool,
}

impl Reading<'_> {
    /// Says which record is read, for the audit log.
    pub fn about(&mut self, subject: Subject) {
        self.subject = Some(subject);
    }

    /// Says that more is shown than the action of the read says, which the caller may see: personal data.
    pub fn shows(&mut self, action: Action) {
        self.action = action;
        self.personal = true;
    }

    /// Says that the record that is read is of a person, where others of its kind are not.
    pub fn about_a_person(&mut self, subject: Subject) {
        self.subject = Some(subject);
        self.personal = true;
    }

    #[must_use]
    pub fn scope(&self) -> Scope {
        self.actor.scope()
    }

    #[must_use]
    pub fn today(&self) -> NaiveDate {
        local_date(self.now)
    }
}

/// A caller whose log-in and permission were checked, inside a transaction to write in.
pub struct Writing<'a> {
    pub conn: &'a mut Conn,
    pub actor: Actor,
    pub names: Arc<Names>,
    pub now: DateTime<Utc>,
    app: &'a App,
    request_id: &'a str,
    /// What the audit log is to say, written at the end.
    entries: Vec<audit::Entry<'a>>,
}

impl App {
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            access_log: AccessLog::new(database.clone()),
            database,
            hasher: Arc::new(Hasher::default()),
            clock,
            second_factor_roles: Arc::new([]),
            referral_answer_days: REFERRAL_ANSWER_DAYS,
            quiet_days: QUIET_DAYS,
            names: NamesInMemory::default(),
            places: Places::default(),
            ids: Arc::new(Mutex::new(ContextV7::new())),
        }
    }

    /// For users of these roles a password is not enough.
    #[must_use]
    pub fn with_second_factor_for(self, roles: &[Role]) -> Self {
        Self { second_factor_roles: roles.into(), ..self }
    }

    /// How long actors have to answer a referral, unless told.
    #[must_use]
    pub fn with_referral_answer_days(self, days: u32) -> Self {
        Self { referral_answer_days: days, ..self }
    }

    /// After how many days without a consultation an organisation is on the worklist, unless told.
    #[must_use]
    pub fn with_quiet_days(self, days: u32) -> Self {
        Self { quiet_days: days, ..self }
    }

    pub(crate) fn quiet_days(&self) -> u32 {
        self.quiet_days
    }

    /// The names that a request shows, as of a generation.
    pub(crate) fn names_of(&self, generation: Generation, conn: &mut Conn) -> Result<Arc<Names>> {
        self.names.of(generation, conn)
    }

    pub(crate) fn requires_second_factor(&self, role: Role) -> bool {
        self.second_factor_roles.contains(&role)
    }

    /// The same for one request: reading ends when nobody waits for its answer.
    #[must_use]
    pub fn for_request(&self, request: Request) -> Self {
        Self { database: self.database.for_request(request), ..self.clone() }
    }

    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A `UUIDv7` (RFC 9562); those of one process ascend.
    pub fn new_id<I: From<Uuid>>(&self) -> I {
        let now = self.now();
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&*ids, seconds, now.timestamp_subsec_nanos())).into()
    }

    /// Single reads of what the caller may see.
    ///
    /// # Errors
    /// `Unauthenticated`, `Forbidden`, or what `work` answers.
    pub fn read<T>(
        &self,
        caller: &Caller,
        action: Action,
        work: impl FnMut(&mut Reading) -> Result<T>,
    ) -> Result<T> {
        self.reading(caller, action, false, work)
    }

    /// Several reads of one state, for records whose parts are read one after the other: somebody may
    /// change them in between.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_whole<T>(
        &self,
        caller: &Caller,
        action: Action,
        work: impl FnMut(&mut Reading) -> Result<T>,
    ) -> Result<T> {
        self.reading(caller, action, true, work)
    }

    fn reading<T>(
        &self,
        caller: &Caller,
        action: Action,
        whole: bool,
        mut work: impl FnMut(&mut Reading) -> Result<T>,
    ) -> Result<T> {
        let mut who = None;
        let result = retrying(|| {
            let read = |conn: &mut Conn| {
                let now = self.now();
                let Authorised { actor, names, used } = self.authorised(conn, caller, now)?;
                who = Some(Who::of(&actor));
                actor.may(action)?;
                let personal = action.shows_personal_data();
                let mut reading =
                    Reading { conn, actor, names, now, subject: None, action, personal };
                let answer = work(&mut reading)?;
                let shown = reading.personal.then_some(reading.action);
                Ok((answer, reading.subject, shown, used))
            };
            if whole { self.database.read_whole(read) } else { self.database.read(read) }
        });
        match result {
            Ok((answer, subject, shown, used)) => {
                if let Some(shown) = shown {
                    self.note_event(AuditAction::Read, who, caller, subject, shown);
                }
                self.note_use(used);
                Ok(answer)
            }
            Err(error) => Err(self.noted(error, who, caller, action)),
        }
    }

    /// Several reads of one state, from the replica where there is one: figures and exports.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn figures<T>(
        &self,
        caller: &Caller,
        action: Action,
        mut work: impl FnMut(&mut Reading) -> Result<T>,
    ) -> Result<T> {
        let mut who = None;
        let result = retrying(|| {
            // The log-in is checked on the primary: a replica may lag behind a suspension.
            let now = self.now();
            let Authorised { actor, names, used } =
                self.database.read(|conn| self.authorised(conn, caller, now))?;
            who = Some(Who::of(&actor));
            actor.may(action)?;
            let answer = self.database.snapshot(|conn| {
                let (actor, names) = (actor.clone(), Arc::clone(&names));
                let personal = false;
                work(&mut Reading { conn, actor, names, now, subject: None, action, personal })
            })?;
            Ok((answer, used))
        });
        match result {
            Ok((answer, used)) => {
                self.note_use(used);
                Ok(answer)
            }
            Err(error) => Err(self.noted(error, who, caller, action)),
        }
    }

    /// One transaction that changes something. With an `Idempotency-Key` a repeated request is
    /// answered from the first one's result.
    ///
    /// # Errors
    /// `Unauthenticated`, `Forbidden`, `IdempotencyMismatch`, or what `work` answers; nothing is
    /// written then.
    pub fn write<T: Serialize + DeserializeOwned>(
        &self,
        caller: &Caller,
        action: Action,
        mut work: impl FnMut(&mut Writing) -> Result<T>,
    ) -> Result<T> {
        let mut who = None;
        let result = retrying(|| {
            self.database.write(|conn| {
                let now = self.now();
                let Authorised { actor, names, used } = self.authorised(conn, caller, now)?;
                who = Some(Who::of(&actor));
                actor.may(action)?;
                if let Some(secret) = used {
                    api_key::note_use(conn, &secret, now)?;
                }
                let user = actor.user_id;
                if let Some(key) = &caller.idempotency
                    && let Some(answer) = idempotency::replay(conn, user, key, now)?
                {
                    return Ok(answer);
                }
                let request_id = &caller.request_id;
                let entries = Vec::new();
                let mut tx = Writing { conn, actor, names, now, app: self, request_id, entries };
                let answer = work(&mut tx)?;
                tx.write_entries()?;
                if let Some(key) = &caller.idempotency {
                    idempotency::keep(conn, user, key, &answer)?;
                }
                Ok(answer)
            })
        });
        let refused = |error| match error {
            // Who reads is led on; what is written belongs where the writer sees it.
            Error::Merged { into, .. } => lotse_domain::merge::refusal(&into),
            other => other,
        };
        result.map_err(|error| self.noted(refused(error), who, caller, action))
    }

    /// Waits until the audit log holds what was read and refused up to now.
    pub fn flush_access_log(&self) {
        self.access_log.flush();
    }

    fn note_event(
        &self,
        event: AuditAction,
        who: Option<Who>,
        caller: &Caller,
        subject: Option<Subject>,
        action: Action,
    ) {
        self.access_log.note(Event {
            id: self.new_id(),
            at: self.now(),
            who,
            request_id: caller.request_id.clone(),
            action: event,
            subject,
            detail: action.code(),
        });
    }

    /// The error, of which the audit log hears when somebody known may not do what he asked for.
    fn noted(&self, error: Error, who: Option<Who>, caller: &Caller, action: Action) -> Error {
        if matches!(error, Error::Forbidden(_) | Error::SecondFactorMissing) {
            self.note_event(AuditAction::Refused, who, caller, None, action);
        }
        error
    }

    /// Notes that somebody did not get in.
    pub(crate) fn note_refused_log_in(
        &self,
        user: Option<UserId>,
        request_id: &str,
        reason: &'static str,
    ) {
        self.access_log.note(Event {
            id: self.new_id(),
            at: self.now(),
            who: None,
            request_id: request_id.to_owned(),
            action: AuditAction::LogInRefused,
            subject: user.map(subject_of),
            detail: reason,
        });
    }

    /// Notes that the calendar of a user was read by its secret address.
    pub(crate) fn note_calendar_read(&self, user: UserId, request_id: &str) {
        self.access_log.note(Event {
            id: self.new_id(),
            at: self.now(),
            who: Some(Who { user, session: None, api_key: None }),
            request_id: request_id.to_owned(),
            action: AuditAction::Read,
            subject: Some(subject_of(user)),
            detail: "calendar_feed",
        });
    }

    fn authorised(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<Authorised> {
        let today = local_date(now);
        let (actor, names, used) = match &caller.shown {
            Shown::Session { user, id } => {
                let holder = session::holder(conn, *id, now, today)?
                    .filter(|holder| holder.user() == *user)
                    .ok_or(Error::Unauthenticated("The session is over. Log in again."))?;
                let names = self.names.of(holder.generation(), conn)?;
                (holder.actor(*id, &names, &self.second_factor_roles)?, names, None)
            }
            Shown::ApiKey(secret) => {
                let holder = api_key::holder(conn, secret, now, today)?
                    .ok_or(Error::Unauthenticated("The API key does not hold."))?;
                let names = self.names.of(holder.generation(), conn)?;
                let used = holder.use_is_due(now).then(|| secret.clone());
                (holder.actor(&names)?, names, used)
            }
            Shown::Job { id, lease } => {
                let holder = job::holder(conn, *id, *lease, today)?.ok_or(
                    Error::Unauthenticated("Nobody who may do it stands behind the job any more."),
                )?;
                let names = self.names.of(holder.generation(), conn)?;
                (holder.actor(&names)?, names, None)
            }
        };
        Ok(Authorised { actor, names, used })
    }

    /// Notes after a read that a secret is in use. When that fails, the next request does it.
    fn note_use(&self, secret: Option<Vec<u8>>) {
        let Some(secret) = secret else { return };
        let now = self.now();
        let noted = self.database.write(|conn| api_key::note_use(conn, &secret, now));
        if let Err(error) = noted {
            tracing::warn!(%error, "the use of an API key was not noted");
        }
    }
}

/// A user, for the audit log.
pub(crate) fn subject_of(user: UserId) -> Subject {
    Subject { kind: EntityKind::User, id: user.0, carrier: None }
}

/// Tries again when the database was busy, after a short and growing pause of random length, so
/// that those who collided do not collide again.
pub(crate) fn retrying<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    let mut tried = 1;
    loop {
        match work() {
            Err(Error::Busy(error)) if tried < TRIES => {
                tracing::warn!(%error, tried, "database busy, trying again");
                let longest = 5_u64 << tried;
                let pause = rand::rng().random_range(1..=longest);
                std::thread::sleep(Duration::from_millis(pause));
                tried += 1;
            }
            result => return result,
        }
    }
}
