//! Topics of consultation (Themen), valid by date and replaced over time.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::entity::{Entity, EntityKind};
use crate::error::Result;
use crate::id::TopicId;
use crate::time::covers;

codes! {
    "topic_group" TopicGroup {
        Residence, Procedure, Recognition, Recruiting, QualificationIntegration, Other,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "blue_card", "group": "residence", "legal_basis": "§ 18g AufenthG",
    "label_de": "Blaue Karte EU", "label_en": "EU Blue Card", "valid_from": "2019-01-01"
}))]
pub struct TopicInput {
    /// Lower-case words joined by `_`, unique. It stays with every record, so it never changes.
    #[schema(pattern = "^[a-z][a-z0-9_]{1,49}$")]
    pub code: String,
    pub group: TopicGroup,
    /// Paragraph of the law, where there is one.
    #[schema(max_length = 100)]
    pub legal_basis: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    pub label_de: String,
    #[schema(min_length = 1, max_length = 200)]
    pub label_en: String,
    #[serde(deserialize_with = "crate::time::date")]
    pub valid_from: NaiveDate,
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub valid_to: Option<NaiveDate>,
    /// The topic that takes its place afterwards.
    pub replaced_by_id: Option<TopicId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Topic {
    pub id: TopicId,
    pub code: String,
    pub group: TopicGroup,
    #[schema(required)]
    pub legal_basis: Option<String>,
    pub label_de: String,
    pub label_en: String,
    pub valid_from: NaiveDate,
    #[schema(required)]
    pub valid_to: Option<NaiveDate>,
    #[schema(required)]
    pub replaced_by_id: Option<TopicId>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TopicFilter {
    pub group: Option<TopicGroup>,
    /// Only topics valid on this date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub on: Option<NaiveDate>,
}

impl Topic {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(id: TopicId, now: DateTime<Utc>, input: &TopicInput) -> Result<Self> {
        let mut checks = Checks::new();
        let mut bytes = input.code.bytes();
        checks.require(
            (2..=50).contains(&input.code.len())
                && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
                && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
            "/code",
            "not_a_code",
            "must be 2 to 50 lower-case letters, digits and underscores, starting with a letter",
        );
        checks.require(
            input.replaced_by_id != Some(id),
            "/replaced_by_id",
            "self_reference",
            "must be another topic",
        );
        let topic = Self {
            id,
            code: input.code.clone(),
            group: input.group,
            legal_basis: checks.optional_line("/legal_basis", input.legal_basis.as_deref(), 100),
            label_de: checks.line("/label_de", &input.label_de, 200),
            label_en: checks.line("/label_en", &input.label_en, 200),
            valid_from: input.valid_from,
            valid_to: input.valid_to,
            replaced_by_id: input.replaced_by_id,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.validity(topic.valid_from, topic.valid_to);
        checks.finish()?;
        Ok(topic)
    }

    /// # Errors
    /// As [`Self::new`]; also when the code would change.
    pub fn changed(&self, now: DateTime<Utc>, input: &TopicInput) -> Result<Self> {
        let mut checks = Checks::new();
        checks.require(
            input.code == self.code,
            "/code",
            "immutable",
            "cannot change; add a topic and name it in replaced_by_id",
        );
        checks.finish()?;
        let new = Self::new(self.id, now, input)?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

    #[must_use]
    pub fn valid_on(&self, date: NaiveDate) -> bool {
        covers(self.valid_from, self.valid_to, date)
    }
}

impl From<&Topic> for TopicInput {
    fn from(topic: &Topic) -> Self {
        Self {
            code: topic.code.clone(),
            group: topic.group,
            legal_basis: topic.legal_basis.clone(),
            label_de: topic.label_de.clone(),
            label_en: topic.label_en.clone(),
            valid_from: topic.valid_from,
            valid_to: topic.valid_to,
            replaced_by_id: topic.replaced_by_id,
        }
    }
}

impl Entity for Topic {
    const KIND: EntityKind = EntityKind::Topic;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}
