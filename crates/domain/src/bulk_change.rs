//! Bulk changes (Sammeländerungen): one change of many records. Which records is fixed when it is made, each is
//! changed by the rules that hold for it one by one, and each keeps what came of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::codes;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{BulkChangeId, CarrierId, JobId};
use crate::policy::{Action, Actor};

mod order;
mod outcome;
mod selection;
#[cfg(test)]
mod tests;

pub use order::{BulkOrder, BulkOrderInput, KnownForOrder, adjusted_tags};
pub use outcome::{BulkCounts, BulkDryRun, BulkRepeatedError, BulkRow, BulkRowFilter, outcome_of};
pub use selection::{BulkSelection, MOST_RECORDS, SelectedRecord};

codes! {
    /// What kind of record is changed.
    "bulk_target" BulkTarget { Companies, Actors, Contacts, Consultations, Tasks, Referrals }
}

codes! {
    "bulk_kind" BulkKind {
        /// Fields, as PATCH of one record does it.
        Update,
        /// Tags are added and removed.
        Tag,
        /// Somebody else is to do it.
        Assign,
        Archive,
    }
}

codes! {
    "bulk_change_status" BulkChangeStatus {
        /// Nothing was done yet.
        Draft,
        Started, Done,
    }
}

codes! {
    /// What came of a record, or would come of it.
    "bulk_outcome" BulkOutcome {
        Changed,
        /// It is so already.
        Unchanged,
        /// It has another version than when it was selected, and was left alone.
        ChangedSince,
        /// By the rules that hold for it.
        Refused,
        /// There is no such record for the caller.
        NotFound,
    }
}

impl BulkTarget {
    /// Whether the same can be done to one such record.
    #[must_use]
    pub fn takes(self, kind: BulkKind) -> bool {
        match kind {
            BulkKind::Update => true,
            BulkKind::Tag => matches!(self, Self::Companies | Self::Actors | Self::Consultations),
            BulkKind::Assign => matches!(self, Self::Tasks | Self::Referrals),
            BulkKind::Archive => matches!(self, Self::Companies | Self::Actors | Self::Contacts),
        }
    }

    /// Whether the actor may see such records and do this to them.
    ///
    /// # Errors
    /// `Forbidden`, `SecondFactorMissing`.
    pub fn check_may(self, kind: BulkKind, actor: &Actor) -> Result<()> {
        let (read, change) = match self {
            Self::Companies | Self::Actors => (Action::ReadRegister, Action::ChangeRegister),
            Self::Contacts => (Action::ReadContacts, Action::ChangeContacts),
            Self::Consultations => (Action::ReadConsultations, Action::ChangeConsultation),
            Self::Tasks => (Action::ReadTasks, Action::ChangeTasks),
            Self::Referrals => (Action::ReadReferrals, Action::ChangeReferrals),
        };
        actor.may(read)?;
        actor.may(if kind == BulkKind::Tag { Action::ChangeTags } else { change })
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "target": "companies", "filter": {"size_class": "large", "status": "prospect"},
    "change": {"kind": "update", "patch": {"status": "active"}}
}))]
pub struct BulkChangeInput {
    pub target: BulkTarget,
    /// The records by their ids, at most 10,000, each once; or else `filter`.
    #[schema(max_items = 10_000)]
    pub ids: Option<Vec<Uuid>>,
    /// Query parameters of the list of such records, without those of pages: all that it shows, at most 10,000.
    /// Contacts have no list of their own, so they are named by their ids.
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Map<String, Value>>,
    pub change: BulkOrderInput,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkChange {
    pub id: BulkChangeId,
    pub carrier: Reference,
    pub recorded_by: Reference,
    pub target: BulkTarget,
    /// By which the records were selected; null when they were named by their ids.
    #[schema(required, value_type = Option<Object>, example = json!({"size_class": "large"}))]
    pub filter: Option<Map<String, Value>>,
    pub change: BulkOrder,
    pub status: BulkChangeStatus,
    #[schema(required)]
    pub job_id: Option<JobId>,
    /// How many records were selected.
    pub selected: i64,
    /// What came of them.
    pub counts: BulkCounts,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BulkChangeFilter {
    pub target: Option<BulkTarget>,
    pub status: Option<BulkChangeStatus>,
}

impl BulkChangeInput {
    /// What is to be done to which records. `known` is what the change names, as far as it exists for the caller.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn checked(&self, known: &KnownForOrder) -> Result<(BulkSelection, BulkOrder)> {
        let mut checks = crate::check::Checks::new();
        let selection = checks.part("", BulkSelection::of(self))?;
        let order = checks.part("/change", self.change.checked(self.target, known))?;
        checks.finish()?;
        selection.zip(order).ok_or_else(|| Error::internal("a bulk change passed the rules"))
    }
}

impl BulkChange {
    /// Of so many records.
    #[must_use]
    pub fn new(
        id: BulkChangeId,
        now: DateTime<Utc>,
        input: &BulkChangeInput,
        order: BulkOrder,
        selected: i64,
        (carrier, recorded_by): (Reference, Reference),
    ) -> Self {
        Self {
            id,
            carrier,
            recorded_by,
            target: input.target,
            filter: input.filter.clone(),
            change: order,
            status: BulkChangeStatus::Draft,
            job_id: None,
            selected,
            counts: BulkCounts::default(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// # Errors
    /// `Forbidden` for who may not do to one such record what this does to many.
    pub fn check_may(&self, actor: &Actor) -> Result<()> {
        self.target.check_may(self.change.kind(), actor)
    }

    fn touched(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    /// # Errors
    /// `Conflict` when it was started already.
    pub fn started(&self, now: DateTime<Utc>, job: JobId) -> Result<Self> {
        if self.status != BulkChangeStatus::Draft {
            return Err(Error::conflict(
                "bulk_change_started",
                "The bulk change was started already.",
            ));
        }
        Ok(Self { status: BulkChangeStatus::Started, job_id: Some(job), ..self.touched(now) })
    }

    #[must_use]
    pub fn done(&self, now: DateTime<Utc>) -> Self {
        Self { status: BulkChangeStatus::Done, ..self.touched(now) }
    }
}

impl Entity for BulkChange {
    const KIND: EntityKind = EntityKind::BulkChange;

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
