//! The way to the database: log-in, permission, scope, transaction, audit, retry.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use lotse_domain::audit::AuditAction;
use lotse_domain::entity::Entity;
use lotse_domain::id::{AuditId, SessionId, UserId};
use lotse_domain::policy::{Action, Actor, Scope};
use lotse_domain::time::local_date;
use lotse_domain::{Error, Result};
use lotse_persistence::names::{Names, NamesInMemory};
use lotse_persistence::{Conn, Database, audit, session};
use rand::RngExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::clock::Clock;
use crate::idempotency::{self, IdempotencyKey};
use crate::password::Hasher;

/// How often a piece of work is tried when the database could not serialise it.
const TRIES: u32 = 5;

/// The use cases with what they work on. Cloning shares it.
#[derive(Clone)]
pub struct App {
    pub(crate) database: Database,
    pub(crate) hasher: Arc<Hasher>,
    clock: Clock,
    names: NamesInMemory,
    ids: Arc<Mutex<ContextV7>>,
}

/// Who asks, as far as the request proves it: the session behind a valid access token, and whose it
/// was. Whether it still holds is looked up in the transaction of the work.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user: UserId,
    pub session: SessionId,
    pub request_id: String,
    pub idempotency: Option<IdempotencyKey>,
}

/// A caller whose log-in and permission were checked, and a connection to read with.
pub struct Reading<'a> {
    pub conn: &'a mut Conn,
    pub actor: Actor,
    pub names: Arc<Names>,
    pub now: DateTime<Utc>,
}

impl Reading<'_> {
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
}

impl Writing<'_> {
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.actor.scope()
    }

    #[must_use]
    pub fn today(&self) -> NaiveDate {
        local_date(self.now)
    }

    pub fn new_id<I: From<Uuid>>(&self) -> I {
        self.app.new_id()
    }

    /// # Errors
    /// When the entry cannot be written.
    pub fn created<E: Entity>(&mut self, new: &E) -> Result<()> {
        self.audit(AuditAction::Created, None, new)
    }

    /// # Errors
    /// When the entry cannot be written.
    pub fn changed<E: Entity>(&mut self, old: &E, new: &E) -> Result<()> {
        self.audit(AuditAction::Changed, Some(old), new)
    }

    /// # Errors
    /// When the entry cannot be written.
    pub fn audit<E: Entity>(
        &mut self,
        action: AuditAction,
        old: Option<&E>,
        new: &E,
    ) -> Result<()> {
        let entry = entry(self.app, self.now, self.request_id, action, old, new)?;
        let entry = audit::Entry {
            user: Some(self.actor.user_id),
            session: Some(self.actor.session_id),
            ..entry
        };
        audit::insert(self.conn, &entry)
    }
}

/// An audit entry of nobody yet.
pub(crate) fn entry<'a, E: Entity>(
    app: &App,
    now: DateTime<Utc>,
    request_id: &'a str,
    action: AuditAction,
    old: Option<&E>,
    new: &E,
) -> Result<audit::Entry<'a>> {
    let json =
        |entity: &E| serde_json::to_value(entity).map_err(|error| Error::Internal(error.into()));
    let old = old.map(json).transpose()?.unwrap_or(Value::Null);
    Ok(audit::Entry {
        id: app.new_id::<AuditId>(),
        at: now,
        user: None,
        session: None,
        request_id,
        action,
        kind: E::KIND,
        entity_id: new.id(),
        entity_version: new.version(),
        carrier: new.carrier(),
        changes: lotse_domain::audit::changes(&old, &json(new)?),
    })
}

impl App {
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            hasher: Arc::new(Hasher::default()),
            clock,
            names: NamesInMemory::default(),
            ids: Arc::new(Mutex::new(ContextV7::new())),
        }
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
        mut work: impl FnMut(&mut Reading) -> Result<T>,
    ) -> Result<T> {
        retrying(|| {
            self.database.read(|conn| {
                let now = self.now();
                let (actor, names) = self.authorised(conn, caller, action, now)?;
                work(&mut Reading { conn, actor, names, now })
            })
        })
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
        retrying(|| {
            // The log-in is checked on the primary: a replica may lag behind a suspension.
            let now = self.now();
            let (actor, names) =
                self.database.read(|conn| self.authorised(conn, caller, action, now))?;
            self.database.snapshot(|conn| {
                let (actor, names) = (actor.clone(), Arc::clone(&names));
                work(&mut Reading { conn, actor, names, now })
            })
        })
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
        retrying(|| {
            self.database.write(|conn| {
                let now = self.now();
                let (actor, names) = self.authorised(conn, caller, action, now)?;
                let user = actor.user_id;
                if let Some(key) = &caller.idempotency
                    && let Some(answer) = idempotency::replay(conn, user, key, now)?
                {
                    return Ok(answer);
                }
                let request_id = &caller.request_id;
                let answer = work(&mut Writing { conn, actor, names, now, app: self, request_id })?;
                if let Some(key) = &caller.idempotency {
                    idempotency::keep(conn, user, key, &answer)?;
                }
                Ok(answer)
            })
        })
    }

    fn authorised(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        action: Action,
        now: DateTime<Utc>,
    ) -> Result<(Actor, Arc<Names>)> {
        let holder = session::holder(conn, caller.session, now, local_date(now))?
            .filter(|holder| holder.user() == caller.user)
            .ok_or(Error::Unauthenticated("The session is over. Log in again."))?;
        let names = self.names.of(holder.generation(), conn)?;
        let actor = holder.actor(caller.session, &names)?;
        actor.may(action)?;
        Ok((actor, names))
    }
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
