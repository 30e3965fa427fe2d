//! What is to be done to each of the records.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{BulkKind, BulkTarget};
use crate::actor::ActorInput;
use crate::check::Checks;
use crate::company::CompanyInput;
use crate::consultation::ConsultationInput;
use crate::contact::ContactInput;
use crate::entity::ReasonInput;
use crate::error::{Error, Result};
use crate::id::{TagId, UserId};
use crate::patch::MergePatch;
use crate::referral::ReferralInput;
use crate::tag::{MAX_TAGS, Tag, TagReference, TagsInput};
use crate::task::{NOT_AN_ADVISER, TaskInput};

/// The change, with what belongs to its kind and nothing else.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "tag", "add": ["01890000-0000-7000-8000-0000000c0001"]}))]
pub struct BulkOrderInput {
    pub kind: BulkKind,
    /// Of `update`: a JSON Merge Patch, as PATCH of one such record takes it.
    #[schema(value_type = Option<Object>, example = json!({"status": "active"}))]
    pub patch: Option<MergePatch>,
    /// Of `tag`: tags of the own carrier that each record is to have too, at most 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub add: Vec<TagId>,
    /// Of `tag`: tags of the own carrier that none is to have, at most 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub remove: Vec<TagId>,
    /// Of `assign`: who does it from now on, a user who advises for the own carrier today.
    pub owner_id: Option<UserId>,
    /// Of `archive`: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

/// A change that is in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BulkOrder {
    Update {
        #[schema(value_type = Object, example = json!({"status": "active"}))]
        patch: MergePatch,
    },
    Tag {
        add: Vec<TagId>,
        remove: Vec<TagId>,
    },
    Assign {
        owner_id: UserId,
    },
    Archive {
        reason: String,
    },
}

/// What a change names, as far as it exists for the caller.
#[derive(Debug, Default)]
pub struct KnownForOrder {
    pub tags: Vec<Tag>,
    /// Whether the one who is to do it can be given work today.
    pub owner: bool,
}

impl BulkOrder {
    #[must_use]
    pub fn kind(&self) -> BulkKind {
        match self {
            Self::Update { .. } => BulkKind::Update,
            Self::Tag { .. } => BulkKind::Tag,
            Self::Assign { .. } => BulkKind::Assign,
            Self::Archive { .. } => BulkKind::Archive,
        }
    }
}

impl BulkOrderInput {
    pub(super) fn checked(&self, target: BulkTarget, known: &KnownForOrder) -> Result<BulkOrder> {
        let mut checks = Checks::new();
        checks.require(
            target.takes(self.kind),
            "/kind",
            "not_of_this_target",
            "cannot be done to one such record",
        );
        for (pointer, kind, given) in [
            ("/patch", BulkKind::Update, self.patch.is_some()),
            ("/add", BulkKind::Tag, !self.add.is_empty()),
            ("/remove", BulkKind::Tag, !self.remove.is_empty()),
            ("/owner_id", BulkKind::Assign, self.owner_id.is_some()),
            ("/reason", BulkKind::Archive, self.reason.is_some()),
        ] {
            let belongs = !given || kind == self.kind;
            checks.require(belongs, pointer, "not_of_this_kind", "belongs to another kind");
        }
        let order = match self.kind {
            BulkKind::Update => self.update(&mut checks, target)?,
            BulkKind::Tag => Some(self.tag(&mut checks, &known.tags)),
            BulkKind::Assign => self.assign(&mut checks, known.owner),
            BulkKind::Archive => {
                let reason = ReasonInput { reason: self.reason.clone().unwrap_or_default() };
                let reason = checks.part("", reason.checked())?;
                reason.map(|reason| BulkOrder::Archive { reason })
            }
        };
        checks.finish()?;
        order.ok_or_else(|| Error::internal("a change without its content passed the rules"))
    }

    fn update(&self, checks: &mut Checks, target: BulkTarget) -> Result<Option<BulkOrder>> {
        let Some(patch) = &self.patch else {
            checks.fail("/patch", "missing", "is required");
            return Ok(None);
        };
        checks.require(!patch.is_empty(), "/patch", "empty", "must name a field to change");
        checks.part("/patch", check_shape(target, patch))?;
        Ok(Some(BulkOrder::Update { patch: patch.clone() }))
    }

    fn tag(&self, checks: &mut Checks, known: &[Tag]) -> BulkOrder {
        let find = |id: &TagId| known.iter().find(|tag| tag.id == *id);
        let add = checks.named("/add", &self.add, (0, MAX_TAGS), |id| match find(id) {
            None => Err(("unknown", "there is no such tag")),
            Some(tag) if tag.archived.is_some() => Err(("archived", "is archived")),
            Some(tag) => Ok(tag.id),
        });
        let remove = checks.named("/remove", &self.remove, (0, MAX_TAGS), |id| {
            if self.add.contains(id) {
                return Err(("added_too", "must not be added too"));
            }
            find(id).map(|tag| tag.id).ok_or(("unknown", "there is no such tag"))
        });
        let names_none = self.add.is_empty() && self.remove.is_empty();
        checks.require(!names_none, "/add", "missing", "name a tag to add or to remove");
        BulkOrder::Tag { add, remove }
    }

    fn assign(&self, checks: &mut Checks, owner_is_known: bool) -> Option<BulkOrder> {
        let Some(owner_id) = self.owner_id else {
            checks.fail("/owner_id", "missing", "is required");
            return None;
        };
        checks.require(owner_is_known, "/owner_id", NOT_AN_ADVISER.0, NOT_AN_ADVISER.1);
        Some(BulkOrder::Assign { owner_id })
    }
}

/// The tags that a record is to have, after those that it has.
#[must_use]
pub fn adjusted_tags(before: &[TagReference], add: &[TagId], remove: &[TagId]) -> TagsInput {
    let mut tag_ids: Vec<TagId> = before.iter().map(|tag| tag.id).collect();
    tag_ids.retain(|id| !remove.contains(id));
    let new = add.iter().filter(|id| !before.iter().any(|tag| tag.id == **id));
    tag_ids.extend(new);
    TagsInput { tag_ids }
}

/// What is wrong with a patch whatever the record says. The rest is told for each record.
fn check_shape(target: BulkTarget, patch: &MergePatch) -> Result<()> {
    let fits = match target {
        BulkTarget::Companies => applied_to::<CompanyInput>(patch, json!({"name": "-"})),
        BulkTarget::Actors => {
            applied_to::<ActorInput>(patch, json!({"name": "-", "actor_type": "other"}))
        }
        BulkTarget::Contacts => applied_to::<ContactInput>(patch, json!({"name": "-"})),
        BulkTarget::Consultations => applied_to::<ConsultationInput>(
            patch,
            json!({
                "site_id": Uuid::nil(), "held_on": "2026-01-01", "minutes": 1,
                "channel": "phone", "adviser_ids": [], "topics": []
            }),
        ),
        BulkTarget::Tasks => {
            applied_to::<TaskInput>(patch, json!({"title": "-", "due_on": "2026-01-01"}))
        }
        BulkTarget::Referrals => {
            applied_to::<ReferralInput>(patch, json!({"actor_id": Uuid::nil(), "reason": "-"}))
        }
    };
    match fits {
        // A part of an object that the record may have and the least command has not.
        Err(Error::Invalid(errors))
            if errors.iter().all(|it| it.code == "missing" && !patch.clears(&it.pointer)) =>
        {
            Ok(())
        }
        other => other,
    }
}

fn applied_to<C: Serialize + DeserializeOwned>(patch: &MergePatch, least: Value) -> Result<()> {
    let least: C = serde_json::from_value(least).map_err(|error| Error::Internal(error.into()))?;
    patch.apply(&least).map(drop)
}
