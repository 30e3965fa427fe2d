//! Tags (Schlagwörter): how a carrier sorts companies, actors and consultations for itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::company::check_not_archived;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::Result;
use crate::id::{CarrierId, TagId};
use crate::name::fold;

/// How many tags a record can have.
pub const MAX_TAGS: usize = 20;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Pflege", "colour": "#2e7d32"}))]
pub struct TagInput {
    /// Unique in the carrier, whatever its case, umlauts, accents and punctuation.
    #[schema(min_length = 1, max_length = 50)]
    pub name: String,
    /// What a client shows it in.
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$")]
    pub colour: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tag {
    pub id: TagId,
    pub carrier: Reference,
    pub name: String,
    #[schema(required, example = "#2e7d32")]
    pub colour: Option<String>,
    #[schema(required)]
    pub archived: Option<Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A tag on a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TagReference {
    pub id: TagId,
    #[schema(example = "Pflege")]
    pub name: String,
    #[schema(required, example = "#2e7d32")]
    pub colour: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TagFilter {
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
}

/// The tags that a record is to have, in place of those before.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tag_ids": ["01890000-0000-7000-8000-0000000c0001"]}))]
pub struct TagsInput {
    /// At most 20, each once.
    #[schema(max_items = 20)]
    pub tag_ids: Vec<TagId>,
}

/// The own carrier's tags of a company, an actor or a consultation, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tags {
    pub tags: Vec<TagReference>,
}

impl Tag {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: TagId,
        now: DateTime<Utc>,
        input: &TagInput,
        carrier: Reference,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let name = checks.line("/name", &input.name, 50);
        checks.require(
            name.is_empty() || !fold(&name).is_empty(),
            "/name",
            "no_letters",
            "must have letters or digits",
        );
        let colour = input.colour.as_ref().map(|colour| colour.to_ascii_lowercase());
        checks.require(
            colour.as_deref().is_none_or(is_colour),
            "/colour",
            "not_a_colour",
            "must be # and six hexadecimal digits, such as #2e7d32",
        );
        checks.finish()?;
        Ok(Self {
            id,
            carrier,
            name,
            colour,
            archived: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is archived.
    pub fn changed(&self, now: DateTime<Utc>, input: &TagInput) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        let new = Self::new(self.id, now, input, self.carrier.clone())?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

    /// It stays on what has it and is set on nothing more.
    ///
    /// # Errors
    /// `Conflict` when it is archived already.
    pub fn archived(&self, now: DateTime<Utc>, reason: String) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        Ok(Self {
            archived: Some(Archived { at: now, reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    #[must_use]
    pub fn reference(&self) -> TagReference {
        TagReference { id: self.id, name: self.name.clone(), colour: self.colour.clone() }
    }
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The tags that the ids name. `known` are those of them that the own carrier has, `before` those on the
/// record so far: an archived one can stay, and is not set anew.
pub fn checked_tags(
    checks: &mut Checks,
    tag_ids: &[TagId],
    known: &[Tag],
    before: &[TagReference],
) -> Vec<TagReference> {
    checks.require(tag_ids.len() <= MAX_TAGS, "/tag_ids", "too_many", "must name at most 20");
    let mut tags = Vec::new();
    for (place, id) in tag_ids.iter().enumerate().take(MAX_TAGS) {
        let pointer = format!("/tag_ids/{place}");
        if tag_ids[..place].contains(id) {
            checks.fail(pointer, "repeated", "must name each tag once");
            continue;
        }
        let Some(tag) = known.iter().find(|tag| tag.id == *id) else {
            checks.fail(pointer, "unknown", "there is no such tag");
            continue;
        };
        if tag.archived.is_some() && !before.iter().any(|set| set.id == *id) {
            checks.fail(pointer, "archived", "is archived");
        }
        tags.push(tag.reference());
    }
    tags.sort_by_cached_key(|tag| (fold(&tag.name), tag.id));
    tags
}

impl From<&Tag> for TagInput {
    fn from(tag: &Tag) -> Self {
        Self { name: tag.name.clone(), colour: tag.colour.clone() }
    }
}

impl Entity for Tag {
    const KIND: EntityKind = EntityKind::Tag;

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
    use crate::error::Error;

    fn tag(number: u128, name: &str) -> Tag {
        let input = TagInput { name: name.to_owned(), colour: None };
        let carrier = Reference::new(Uuid::nil(), "Träger");
        Tag::new(TagId(Uuid::from_u128(number)), DateTime::UNIX_EPOCH, &input, carrier).unwrap()
    }

    fn violations(ids: &[u128], known: &[Tag], before: &[TagReference]) -> Vec<(String, String)> {
        let mut checks = Checks::new();
        let ids: Vec<_> = ids.iter().map(|id| TagId(Uuid::from_u128(*id))).collect();
        checked_tags(&mut checks, &ids, known, before);
        match checks.finish() {
            Err(Error::Invalid(found)) => found.into_iter().map(|v| (v.pointer, v.code)).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_wrong_tag_is_named() {
        let old = tag(2, "Alt").archived(DateTime::UNIX_EPOCH, "x".to_owned()).unwrap();
        let known = [tag(1, "Pflege"), old.clone()];
        let named = |place: usize, code: &str| (format!("/tag_ids/{place}"), code.to_owned());
        assert_eq!(
            violations(&[1, 1, 3, 2], &known, &[]),
            [named(1, "repeated"), named(2, "unknown"), named(3, "archived")]
        );
        assert!(violations(&[2, 1], &known, &[old.reference()]).is_empty(), "it can stay");
        let many: Vec<u128> = (0..21).collect();
        let all: Vec<_> = many.iter().map(|n| tag(*n, &format!("T{n}"))).collect();
        assert_eq!(violations(&many, &all, &[]), [("/tag_ids".to_owned(), "too_many".to_owned())]);
    }

    #[test]
    fn colours_are_six_digits() {
        for (colour, right) in [
            ("#2E7d32", true),
            ("#2e7d3", false),
            ("2e7d32", false),
            ("#2e7d3g", false),
            ("", false),
        ] {
            let input = TagInput { name: "x".to_owned(), colour: Some(colour.to_owned()) };
            let carrier = Reference::new(Uuid::nil(), "Träger");
            let made = Tag::new(TagId(Uuid::nil()), DateTime::UNIX_EPOCH, &input, carrier);
            assert_eq!(made.is_ok(), right, "{colour}");
        }
    }
}
