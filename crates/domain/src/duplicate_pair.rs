//! Two organisations of one kind that may be the same (Dublettenverdacht), found by the server itself with the rule
//! that entries are checked by. Somebody merges them, or says that they are two; the latter is remembered.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::codes;
use crate::duplicate::{DuplicateReason, Likeness};
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{DuplicatePairId, OrganisationId, UserId};
use crate::organisation::OrganisationKind;

codes! {
    /// Whether somebody has to look at a pair.
    "duplicate_state" DuplicateState {
        Open,
        /// Somebody said that they are two.
        Dismissed,
        /// There is nothing to look at: they do not look alike any more, or less than the settings ask for, or
        /// one of both is archived, as one is that was merged.
        Settled,
    }
}

/// That two are not the same, as somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    pub at: DateTime<Utc>,
    pub by_id: UserId,
    pub reason: String,
    /// What spoke for the pair then.
    pub reasons: Vec<DuplicateReason>,
}

/// What is on record of a pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairRecord {
    pub id: DuplicatePairId,
    pub kind: OrganisationKind,
    /// The one with the lower id: it was entered first.
    pub first_id: OrganisationId,
    pub second_id: OrganisationId,
    /// 0 when they do not look alike any more.
    pub score: f64,
    pub reasons: Vec<DuplicateReason>,
    pub dismissed: Option<Dismissal>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The two in the order in which a pair has them.
#[must_use]
pub fn in_order(one: OrganisationId, other: OrganisationId) -> (OrganisationId, OrganisationId) {
    (one.min(other), one.max(other))
}

impl PairRecord {
    #[must_use]
    pub fn found(
        id: DuplicatePairId,
        now: DateTime<Utc>,
        kind: OrganisationKind,
        (first_id, second_id): (OrganisationId, OrganisationId),
        likeness: &Likeness,
    ) -> Self {
        Self {
            id,
            kind,
            first_id,
            second_id,
            score: likeness.score,
            reasons: likeness.reasons.clone(),
            dismissed: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// The pair after both were compared anew; none when nothing is different. A dismissal ends when they agree in
    /// something in which they did not when it was said.
    #[must_use]
    pub fn compared(&self, now: DateTime<Utc>, likeness: Option<&Likeness>) -> Option<Self> {
        let score = likeness.map_or(0.0, |likeness| likeness.score);
        let reasons = likeness.map(|likeness| likeness.reasons.clone()).unwrap_or_default();
        let holds = |dismissal: &Dismissal| {
            let is_known = |reason: &DuplicateReason| {
                *reason == DuplicateReason::SimilarName || dismissal.reasons.contains(reason)
            };
            reasons.iter().all(is_known)
        };
        let dismissed = self.dismissed.clone().filter(holds);
        let new = Self { score, reasons, dismissed, ..self.clone() };
        (new != *self).then(|| Self { version: self.version + 1, updated_at: now, ..new })
    }

    #[must_use]
    pub fn dismissed(&self, now: DateTime<Utc>, by: UserId, reason: String) -> Self {
        let reasons = self.reasons.clone();
        Self {
            dismissed: Some(Dismissal { at: now, by_id: by, reason, reasons }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// # Errors
    /// `Conflict` when it is not dismissed.
    pub fn restored(&self, now: DateTime<Utc>) -> Result<Self> {
        if self.dismissed.is_none() {
            return Err(Error::conflict("not_dismissed", "The pair is not dismissed."));
        }
        let version = self.version + 1;
        Ok(Self { dismissed: None, version, updated_at: now, ..self.clone() })
    }

    /// The other one of the pair.
    #[must_use]
    pub fn other_than(&self, one: OrganisationId) -> OrganisationId {
        if self.first_id == one { self.second_id } else { self.first_id }
    }
}

/// One of both, with what tells whether they are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DuplicateSide {
    pub id: OrganisationId,
    #[schema(example = "Musterwerk GmbH")]
    pub name: String,
    #[schema(required)]
    pub postcode: Option<String>,
    #[schema(required)]
    pub city: Option<String>,
    #[schema(required)]
    pub register_number: Option<String>,
    #[schema(required)]
    pub vat_id: Option<String>,
    #[schema(required)]
    pub website: Option<String>,
    pub archived: bool,
    /// Of the organisation, for `If-Match` of a merge.
    pub version: i64,
}

/// When, by whom and why it was said that two are not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DuplicateDismissed {
    pub at: DateTime<Utc>,
    pub by: Reference,
    #[schema(example = "Two companies of one family")]
    pub reason: String,
    /// What spoke for the pair then. It is open again when they agree in anything else but a similar name.
    pub reasons: Vec<DuplicateReason>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DuplicatePair {
    pub id: DuplicatePairId,
    pub kind: OrganisationKind,
    /// The one that was entered first.
    pub first: DuplicateSide,
    pub second: DuplicateSide,
    pub state: DuplicateState,
    /// How likely they are the same, by all that is known; 0 when they do not look alike any more.
    #[schema(minimum = 0, maximum = 1, example = 0.83)]
    pub score: f64,
    /// What speaks for it, the strongest first.
    #[schema(example = json!(["same_domain", "similar_name"]))]
    pub reasons: Vec<DuplicateReason>,
    #[schema(required)]
    pub dismissed: Option<DuplicateDismissed>,
    pub version: i64,
    /// When it was found.
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl DuplicatePair {
    /// `dismissed_by` is who dismissed it; pairs are looked at from the score `queue_from` on.
    #[must_use]
    pub fn new(
        record: PairRecord,
        first: DuplicateSide,
        second: DuplicateSide,
        dismissed_by: Option<Reference>,
        queue_from: f64,
    ) -> Self {
        let dismissed = record.dismissed.zip(dismissed_by).map(|(dismissal, by)| {
            let Dismissal { at, reason, reasons, .. } = dismissal;
            DuplicateDismissed { at, by, reason, reasons }
        });
        let state = if first.archived || second.archived || record.score < queue_from {
            DuplicateState::Settled
        } else if dismissed.is_some() {
            DuplicateState::Dismissed
        } else {
            DuplicateState::Open
        };
        Self {
            id: record.id,
            kind: record.kind,
            first,
            second,
            state,
            score: record.score,
            reasons: record.reasons,
            dismissed,
            version: record.version,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }

    /// # Errors
    /// `Conflict` when it is not open.
    pub fn check_may_be_dismissed(&self) -> Result<()> {
        match self.state {
            DuplicateState::Open => Ok(()),
            DuplicateState::Dismissed => {
                Err(Error::conflict("dismissed", "The pair was dismissed already."))
            }
            DuplicateState::Settled => Err(Error::conflict(
                "settled",
                "There is nothing to dismiss: the two do not look alike, or one of them is archived.",
            )),
        }
    }
}

impl Entity for PairRecord {
    const KIND: EntityKind = EntityKind::DuplicatePair;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}

impl Entity for DuplicatePair {
    const KIND: EntityKind = EntityKind::DuplicatePair;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DuplicateFilter {
    /// Companies, or actors; both unless told.
    pub kind: Option<OrganisationKind>,
    /// `open` unless told.
    pub state: Option<DuplicateState>,
    /// Only from this score on, 0 to 1.
    #[param(minimum = 0, maximum = 1, example = 0.9)]
    pub min_score: Option<f64>,
    /// Pairs with this company or actor.
    pub organisation_id: Option<OrganisationId>,
}

impl DuplicateFilter {
    /// # Errors
    /// `Malformed` when the score is out of bounds.
    pub fn check(&self) -> Result<()> {
        match self.min_score {
            Some(score) if !(0.0..=1.0).contains(&score) => {
                Err(Error::malformed_query("min_score", "out_of_range", "must be between 0 and 1"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DuplicateReason::{SameDomain, SameName, SameVatId, SimilarName};
    use super::*;

    fn likeness(score: f64, reasons: &[DuplicateReason]) -> Likeness {
        Likeness { similarity: 0.7, score, reasons: reasons.to_vec() }
    }

    fn now() -> DateTime<Utc> {
        "2026-03-16T09:00:00Z".parse().unwrap()
    }

    fn found(score: f64, reasons: &[DuplicateReason]) -> PairRecord {
        let id = |n| OrganisationId(Uuid::from_u128(n));
        PairRecord::found(
            DuplicatePairId(Uuid::from_u128(9)),
            now(),
            OrganisationKind::Company,
            in_order(id(2), id(1)),
            &likeness(score, reasons),
        )
    }

    fn dismissed(reasons: &[DuplicateReason]) -> PairRecord {
        let by = UserId(Uuid::from_u128(5));
        found(0.9, reasons).dismissed(now(), by, "Two".to_owned())
    }

    #[test]
    fn a_dismissal_holds_until_they_agree_in_something_new() {
        for (then, later, holds) in [
            (&[SimilarName][..], &[SimilarName][..], true),
            (&[SimilarName], &[], true),
            (&[SameDomain], &[SimilarName, SameDomain], true),
            (&[SameVatId, SameName], &[SameName], true),
            (&[SimilarName], &[SameName], false),
            (&[SimilarName], &[SameDomain, SimilarName], false),
            (&[SameName], &[SameVatId, SameName], false),
        ] {
            let pair = dismissed(then);
            let new = pair.compared(now(), Some(&likeness(0.8, later))).unwrap();
            assert_eq!(new.dismissed.is_some(), holds, "{then:?} {later:?}");
            assert_eq!(new.version, 3);
        }
    }

    #[test]
    fn what_is_as_it_was_is_no_change() {
        let pair = dismissed(&[SameName]);
        assert_eq!(pair.compared(now(), Some(&likeness(0.9, &[SameName]))), None);
        let apart = pair.compared(now(), None).unwrap();
        assert_eq!((apart.score, apart.reasons.len()), (0.0, 0));
        assert!(apart.dismissed.is_some(), "what was said is remembered");
        assert_eq!(apart.compared(now(), None), None);
        let again = apart.compared(now(), Some(&likeness(0.9, &[SameName]))).unwrap();
        assert!(again.dismissed.is_some());
    }

    #[test]
    fn only_what_is_dismissed_can_be_restored() {
        let pair = dismissed(&[SameName]);
        let back = pair.restored(now()).unwrap();
        assert!(back.dismissed.is_none() && back.version == 3);
        assert!(back.restored(now()).is_err());
    }

    #[test]
    fn a_score_to_begin_with_is_between_none_and_all() {
        let with = |min_score| DuplicateFilter { min_score, ..DuplicateFilter::default() };
        assert!(with(None).check().is_ok() && with(Some(1.0)).check().is_ok());
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(with(Some(wrong)).check().is_err());
        }
    }
}
