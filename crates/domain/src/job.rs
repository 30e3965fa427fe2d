//! Jobs (Aufträge): work that takes longer than a request. A runner in the server does it piece by piece, on behalf
//! of who asked for it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::codes;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{CarrierId, JobId};

/// As long a runner holds a job without a sign of life. A piece of work takes a second or so.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);

/// A job that ends its runner, or the whole server, is not tried for ever.
pub const MOST_ATTEMPTS: i32 = 5;

codes! {
    "job_kind" JobKind { Import, ImportUndo, Bulk }
}

codes! {
    "job_status" JobStatus { Queued, Running, Done, Failed, Cancelled }
}

impl JobKind {
    /// The kind of record that it works on.
    #[must_use]
    pub fn subject_kind(self) -> EntityKind {
        match self {
            Self::Import | Self::ImportUndo => EntityKind::Import,
            Self::Bulk => EntityKind::BulkChange,
        }
    }
}

impl JobStatus {
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub status: JobStatus,
    pub carrier: Reference,
    /// On whose behalf it runs: what this person may not do any more, the job does not.
    pub requested_by: Reference,
    pub subject_kind: EntityKind,
    pub subject_id: Uuid,
    /// How many of its pieces are done.
    pub done: i64,
    /// Of how many; null until they were counted.
    #[schema(required)]
    pub total: Option<i64>,
    /// It ends before its next piece.
    pub cancel_requested: bool,
    /// How often a runner took it up.
    pub attempts: i32,
    /// Why it failed.
    #[schema(required)]
    pub problem: Option<String>,
    #[schema(required)]
    pub started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    pub ended_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct JobFilter {
    pub kind: Option<JobKind>,
    pub status: Option<JobStatus>,
    /// The record that it works on.
    pub subject_id: Option<Uuid>,
}

impl Job {
    #[must_use]
    pub fn new(
        id: JobId,
        now: DateTime<Utc>,
        kind: JobKind,
        subject_id: Uuid,
        carrier: Reference,
        requested_by: Reference,
    ) -> Self {
        Self {
            id,
            kind,
            status: JobStatus::Queued,
            carrier,
            requested_by,
            subject_kind: kind.subject_kind(),
            subject_id,
            done: 0,
            total: None,
            cancel_requested: false,
            attempts: 0,
            problem: None,
            started_at: None,
            ended_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Cancelled at once when nobody works on it, otherwise before the next piece. What was done stays done.
    ///
    /// # Errors
    /// `Conflict` when it is over.
    pub fn cancelled(&self, now: DateTime<Utc>) -> Result<Self> {
        let changed = Self { version: self.version + 1, updated_at: now, ..self.clone() };
        match self.status {
            JobStatus::Queued => {
                Ok(Self { status: JobStatus::Cancelled, ended_at: Some(now), ..changed })
            }
            JobStatus::Running => Ok(Self { cancel_requested: true, ..changed }),
            JobStatus::Done | JobStatus::Failed | JobStatus::Cancelled => {
                Err(Error::conflict("job_is_over", "The job is over; nothing is left to cancel."))
            }
        }
    }

    /// Queued again. It goes on where it stopped.
    ///
    /// # Errors
    /// `Conflict` unless it failed or was cancelled.
    pub fn retried(&self, now: DateTime<Utc>, by: Reference) -> Result<Self> {
        if !matches!(self.status, JobStatus::Failed | JobStatus::Cancelled) {
            return Err(Error::conflict(
                "job_not_stopped",
                "Only a job that failed or was cancelled can be tried again.",
            ));
        }
        Ok(Self {
            status: JobStatus::Queued,
            // What is done from now on is done by who had it go on, as far as that person may.
            requested_by: by,
            cancel_requested: false,
            attempts: 0,
            problem: None,
            ended_at: None,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }
}

/// How long to wait after a failure that may pass: longer each time.
#[must_use]
pub fn pause_after(attempts: i32) -> TimeDelta {
    TimeDelta::seconds(5 << attempts.clamp(0, 6))
}

impl Entity for Job {
    const KIND: EntityKind = EntityKind::Job;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn carrier(&self) -> Option<CarrierId> {
        Some(CarrierId(self.carrier.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Reference {
        Reference::new(Uuid::nil(), "somebody")
    }

    fn job(status: JobStatus) -> Job {
        let (id, now) = (JobId(Uuid::nil()), DateTime::UNIX_EPOCH);
        let new = Job::new(id, now, JobKind::Import, Uuid::nil(), somebody(), somebody());
        Job { status, ..new }
    }

    #[test]
    fn what_is_over_cannot_be_cancelled_and_what_is_not_cannot_be_tried_again() {
        use JobStatus::{Cancelled, Done, Failed, Queued, Running};
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(job(Queued).cancelled(now).unwrap().status, Cancelled);
        let running = job(Running).cancelled(now).unwrap();
        assert!(running.cancel_requested && running.status == Running);
        for over in [Done, Failed, Cancelled] {
            assert!(job(over).cancelled(now).is_err());
        }
        for going in [Queued, Running, Done] {
            assert!(job(going).retried(now, somebody()).is_err());
        }
        assert_eq!(job(Failed).retried(now, somebody()).unwrap().status, Queued);
        assert_eq!(job(Cancelled).retried(now, somebody()).unwrap().attempts, 0);
    }
}
