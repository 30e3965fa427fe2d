//! What a use case does inside a transaction to write in: ids and dates, audit, and parts that can be taken back.

use chrono::{DateTime, NaiveDate, Utc};
use lotse_domain::audit::{AuditAction, FieldChange, Subject};
use lotse_domain::entity::Entity;
use lotse_domain::id::AuditId;
use lotse_domain::policy::Scope;
use lotse_domain::time::local_date;
use lotse_domain::{Error, Result};
use lotse_persistence::{audit, begin_part, end_part};
use serde_json::Value;
use uuid::Uuid;

use super::{App, Writing};
use crate::access_log::Who;

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

    #[must_use]
    pub fn referral_answer_days(&self) -> u32 {
        self.app.referral_answer_days
    }

    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn created<E: Entity>(&mut self, new: &E) -> Result<()> {
        self.audit(AuditAction::Created, None, new)
    }

    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn changed<E: Entity>(&mut self, old: &E, new: &E) -> Result<()> {
        self.audit(AuditAction::Changed, Some(old), new)
    }

    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn audit<E: Entity>(
        &mut self,
        action: AuditAction,
        old: Option<&E>,
        new: &E,
    ) -> Result<()> {
        let entry = entry(self.app, self.now, self.request_id, action, old, new)?;
        self.entries.push(entry);
        Ok(())
    }

    /// What happened to a record without changing it.
    pub fn note(&mut self, action: AuditAction, subject: Subject) {
        let note = note(self.app, self.now, self.request_id, action, subject);
        self.entries.push(note);
    }

    /// What was changed about a record, where it is not at hand as a whole. `version` is the one that came of
    /// it; none where the record itself did not change.
    pub fn note_changes(
        &mut self,
        action: AuditAction,
        subject: Subject,
        version: Option<i64>,
        changes: Vec<FieldChange>,
    ) {
        let note = note(self.app, self.now, self.request_id, action, subject);
        self.entries.push(audit::Entry { version, changes, ..note });
    }

    /// Does a part of the work, which `keeps` decides on: otherwise all of it is taken back, as it is when it fails.
    ///
    /// # Errors
    /// What `work` answers.
    pub fn part<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T>,
        keeps: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        begin_part(self.conn)?;
        let before = self.entries.len();
        let result = work(self);
        let keep = result.as_ref().is_ok_and(keeps);
        if !keep {
            self.entries.truncate(before);
        }
        let ended = end_part(self.conn, keep);
        if let (Err(error), Err(_)) = (&result, &ended) {
            tracing::warn!(%error, "a part of a transaction failed and could not be taken back");
        }
        // The transaction must not go on with what is left of it.
        ended?;
        result
    }

    /// Writes what the audit log is to say. Once for all of the transaction: an import would ask the database for
    /// each row otherwise.
    pub(super) fn write_entries(&mut self) -> Result<()> {
        // PostgreSQL binds 65,535 values in one statement.
        const BATCH: usize = 1000;
        let Who { user, session, api_key } = Who::of(&self.actor);
        let (user, api_key) = (Some(user), api_key.as_deref());
        while !self.entries.is_empty() {
            let batch: Vec<_> = self
                .entries
                .drain(..self.entries.len().min(BATCH))
                .map(|entry| audit::Entry { user, session, api_key, ..entry })
                .collect();
            audit::insert_all(self.conn, &batch)?;
        }
        Ok(())
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
        version: Some(new.version()),
        changes: lotse_domain::audit::changes(&old, &json(new)?),
        ..note(app, now, request_id, action, Subject::of(new))
    })
}

/// An audit entry of nobody yet, for what changed nothing.
pub(crate) fn note<'a>(
    app: &App,
    now: DateTime<Utc>,
    request_id: &'a str,
    action: AuditAction,
    subject: Subject,
) -> audit::Entry<'a> {
    audit::Entry {
        id: app.new_id::<AuditId>(),
        at: now,
        user: None,
        session: None,
        api_key: None,
        request_id,
        action,
        subject: Some(subject),
        version: None,
        detail: None,
        changes: Vec::new(),
    }
}
