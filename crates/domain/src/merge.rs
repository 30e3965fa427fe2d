//! Merge (Zusammenführung) of two organisations of one kind that are the same: one survives, all that names
//! the other one names the survivor from then on, and a ledger keeps what was moved, so that it can be undone.
//!
//! The register is shared in the network, and a merge moves records of every carrier that has any. It is for
//! managers, who answer for the records of a carrier, and not for advisers, whose mistake would be everybody's.
//! Administrators do not read the register and could not tell which of two values is right. Any manager may
//! undo it, whoever merged: the records of the own carrier may be among those that moved.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::{Code, codes};
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{MergeId, OrganisationId};
use crate::organisation::{OrganisationKind, OrganisationReference};
use crate::policy::Scope;

mod field;
mod preview;
#[cfg(test)]
mod tests;

pub use field::{MergeChoice, MergeField, MergeSide, MergedField, Registered, changed_back};
pub use preview::{MergeFieldPreview, MergeObstacle, MergeObstacleCode, MergePreview, Merging};

codes! {
    /// What names an organisation and moves with it.
    "merge_reference" MergeReference {
        Consultation, Contact, Establishment, Accompaniment, RecruitmentCase, Task,
        /// It was referred.
        Referral,
        /// Somebody was referred to it.
        ReferralTo,
        Participation,
        /// It organised an event together with the carrier.
        Organiser,
        Speaker, Tag,
        /// A view of the consultations of this one.
        SavedView,
        /// Files of consultations and accompaniments, which go with their records.
        Attachment,
        /// A class or the district of a consultation, where it was not known before.
        Filled,
        /// A field of the organisation itself.
        Field,
    }
}

/// How many rows of a carrier name the organisation in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeCount {
    pub reference: MergeReference,
    /// Whose records; null where the network shares them.
    #[schema(required)]
    pub carrier: Option<Reference>,
    /// They name the survivor afterwards.
    pub moves: i64,
    /// The survivor has the same already (the tag, a headcount at the event): the ledger keeps them.
    pub collapses: i64,
    /// They stay with the merged one: it was referred to the survivor, or the other way round.
    pub stays: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "other_id": "01890000-0000-7000-8000-0000000a0002",
    "choices": [{"field": "vat_id", "from": "other"}],
    "reason": "Entered twice",
    "token": "6pJqCzRzHV8mMmd0fH8d0o9cYAbxDgPd3x0mM2b4a1M"
}))]
pub struct MergeInput {
    /// The organisation that is merged into the one in the path.
    pub other_id: OrganisationId,
    /// Whose values are kept. Where nothing is chosen, the survivor's; where it has none, the other one's.
    #[serde(default)]
    pub choices: Vec<MergeChoice>,
    #[schema(max_length = 500)]
    pub reason: Option<String>,
    /// That of the preview, which names both records as they were seen. Not needed for a preview.
    pub token: Option<String>,
}

codes! {
    /// Why a row could not be separated, or not wholly.
    "merge_remainder" MergeRemainderReason {
        /// It names another organisation by now, and goes on doing so.
        BelongsElsewhere,
        /// It was removed since.
        Gone,
        /// It was changed since, so the newer value stays.
        ChangedSince,
        /// It stays where it is and names a record that went to the other one.
        NamesTheOther,
    }
}

/// What undoing a merge left as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeRemainder {
    pub reference: MergeReference,
    pub reason: MergeRemainderReason,
    /// The record; null for another carrier's.
    #[schema(required)]
    pub record_id: Option<Uuid>,
    /// Whose record; null where the network shares it.
    #[schema(required)]
    pub carrier: Option<Reference>,
    /// Of the organisation itself, or of the record where only one field of it is meant.
    #[schema(required, example = "website")]
    pub field: Option<String>,
}

/// When, by whom and why a merge was undone, and what could not be separated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeUndone {
    pub at: DateTime<Utc>,
    pub by: Reference,
    pub reason: String,
    pub remainders: Vec<MergeRemainder>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Merge {
    pub id: MergeId,
    pub survivor: OrganisationReference,
    /// An archived record that leads to the survivor, until the merge is undone.
    pub merged: OrganisationReference,
    #[schema(required)]
    pub reason: Option<String>,
    /// Fields in which the two differed.
    pub fields: Vec<MergedField>,
    /// What moved, by reference and carrier.
    pub moved: Vec<MergeCount>,
    pub merged_by: Reference,
    #[schema(required)]
    pub undone: Option<MergeUndone>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MergeFilter {
    pub kind: Option<OrganisationKind>,
    /// Only those that were undone, or only those that hold.
    pub undone: Option<bool>,
}

impl Merge {
    #[must_use]
    pub fn kind(&self) -> OrganisationKind {
        self.survivor.kind
    }

    /// # Errors
    /// `Conflict` when it was undone already, or `later` has to be undone before: the latest merge that
    /// either of the two has been in since.
    pub fn check_may_be_undone(&self, later: Option<&Self>) -> Result<()> {
        if let Some(undone) = &self.undone {
            let on = crate::time::local_date(undone.at);
            return Err(Error::conflict("undone", format!("The merge was undone on {on}.")));
        }
        if let Some(later) = later {
            return Err(Error::conflict(
                "merged_since",
                format!(
                    "{} was merged into {} since. Undo that first: POST /api/v1/merges/{}/undo.",
                    later.merged.name, later.survivor.name, later.id
                ),
            ));
        }
        Ok(())
    }

    #[must_use]
    pub fn undone(
        &self,
        now: DateTime<Utc>,
        by: Reference,
        reason: String,
        remainders: Vec<MergeRemainder>,
    ) -> Self {
        Self {
            undone: Some(MergeUndone { at: now, by, reason, remainders }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// As a caller may see it: ids of other carriers' records are theirs.
    #[must_use]
    pub fn seen_by(mut self, scope: &Scope) -> Self {
        let remainders = self.undone.as_mut().map(|undone| undone.remainders.iter_mut());
        for remainder in remainders.into_iter().flatten() {
            let own = |of: &Reference| *scope == Scope::Carrier(of.id.into());
            if !remainder.carrier.as_ref().is_none_or(own) {
                remainder.record_id = None;
            }
        }
        self
    }
}

impl Entity for Merge {
    const KIND: EntityKind = EntityKind::Merge;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// # Errors
/// `Invalid` when it is too long.
pub fn checked_reason(reason: Option<&str>) -> Result<Option<String>> {
    let mut checks = Checks::new();
    let reason = checks.optional_line("/reason", reason, 500);
    checks.finish()?;
    Ok(reason)
}

/// What a value of a record says in the ledger.
///
/// # Errors
/// `Internal` when it cannot be written as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| Error::Internal(error.into()))
}

/// Where somebody goes on who asks for an organisation that was merged.
#[must_use]
pub fn path_of(organisation: &OrganisationReference) -> String {
    let collection = EntityKind::from(organisation.kind).collection();
    format!("/api/v1/{collection}/{}", organisation.id)
}

/// What is told to who would write to an organisation that was merged.
#[must_use]
pub fn refusal(into: &OrganisationReference) -> Error {
    Error::conflict(
        "merged",
        format!("The {} was merged into {}: {}.", into.kind.code(), into.name, path_of(into)),
    )
}
