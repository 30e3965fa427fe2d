//! The fields of two organisations, and whose are kept.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::json;
use crate::actor::{Actor, ActorInput};
use crate::check::Checks;
use crate::code::{Code, codes};
use crate::company::{Company, CompanyInput};
use crate::entity::{Archived, Entity, Reference};
use crate::error::{Error, Result};
use crate::id::OrganisationId;
use crate::organisation::{OrganisationKind, OrganisationReference};

codes! {
    /// A field, as companies or actors have it.
    "merge_field" MergeField {
        Name, ActorType, LegalForm, RegisterNumber, VatId, Website, Address, District, Industry, Size,
        ForeignStaffExperience, CollectiveAgreement, HeardOfUs, Status,
    }
}

codes! {
    "merge_side" MergeSide { Survivor, Other }
}

/// Whose value of a field is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeChoice {
    pub field: MergeField,
    pub from: MergeSide,
}

/// A field in which the two differed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergedField {
    pub field: MergeField,
    #[schema(required, example = json!("https://musterwerk.example"))]
    pub survivor: Value,
    #[schema(required, example = json!(null))]
    pub other: Value,
    pub kept: MergeSide,
}

/// A company or an actor of the register.
#[derive(Clone, Debug)]
pub enum Registered {
    Company(Box<Company>),
    Actor(Box<Actor>),
}

impl Registered {
    #[must_use]
    pub fn reference(&self) -> OrganisationReference {
        let (id, name, kind) = match self {
            Self::Company(it) => (it.id.into(), &it.name, OrganisationKind::Company),
            Self::Actor(it) => (it.id.into(), &it.name, OrganisationKind::Actor),
        };
        OrganisationReference { id, name: name.clone(), kind }
    }

    #[must_use]
    pub fn id(&self) -> OrganisationId {
        self.reference().id
    }

    #[must_use]
    pub fn version(&self) -> i64 {
        match self {
            Self::Company(it) => it.version(),
            Self::Actor(it) => it.version(),
        }
    }

    #[must_use]
    pub fn archived(&self) -> Option<&Archived> {
        match self {
            Self::Company(it) => it.archived.as_ref(),
            Self::Actor(it) => it.archived.as_ref(),
        }
    }

    #[must_use]
    pub fn district(&self) -> Option<&Reference> {
        match self {
            Self::Company(it) => it.district.as_ref(),
            Self::Actor(it) => it.district.as_ref(),
        }
    }

    #[must_use]
    pub fn is_a_person(&self) -> bool {
        matches!(self, Self::Company(it) if it.is_a_person())
    }

    /// As the register shows it.
    ///
    /// # Errors
    /// `Internal` when it cannot be written as JSON.
    pub fn shown(&self) -> Result<Value> {
        match self {
            Self::Company(it) => json(it),
            Self::Actor(it) => json(it),
        }
    }

    /// As somebody would enter it.
    fn entered(&self) -> Result<Value> {
        match self {
            Self::Company(it) => json(&CompanyInput::from(&**it)),
            Self::Actor(it) => json(&ActorInput::from(&**it)),
        }
    }

    /// The fields of the two, whose is kept of each. Both are of one kind.
    ///
    /// # Errors
    /// `Invalid` when a choice is about a field that the kind does not have, or the second about one field.
    pub fn fields(&self, other: &Self, choices: &[MergeChoice]) -> Result<Vec<MergedField>> {
        let (mine, theirs) = (self.shown()?, other.shown()?);
        let has = |field: MergeField| mine.get(field.code()).is_some();
        let mut checks = Checks::new();
        for (index, choice) in choices.iter().enumerate() {
            let pointer = format!("/choices/{index}/field");
            let earlier = choices.iter().take(index).any(|it| it.field == choice.field);
            checks.require(!earlier, &pointer, "duplicate", "must be chosen once");
            checks.require(
                has(choice.field),
                &pointer,
                "not_a_field",
                "must be a field of the kind of organisation",
            );
        }
        checks.finish()?;
        let fields = MergeField::all().into_iter().filter(|field| has(*field)).map(|field| {
            let (survivor, other) = (mine[field.code()].clone(), theirs[field.code()].clone());
            let chosen = choices.iter().find(|choice| choice.field == field);
            let by_itself = if says_nothing(&survivor) && !says_nothing(&other) {
                MergeSide::Other
            } else {
                MergeSide::Survivor
            };
            let kept = chosen.map_or(by_itself, |choice| choice.from);
            MergedField { field, survivor, other, kept }
        });
        Ok(fields.collect())
    }

    fn entered_with(&self, other: &Self, fields: &[MergedField]) -> Result<Value> {
        let (mut entered, theirs) = (self.entered()?, other.entered()?);
        for field in fields.iter().filter(|field| field.kept == MergeSide::Other) {
            let name = entered_name(field.field);
            entered[name] = theirs[name].clone();
        }
        Ok(entered)
    }

    /// The survivor with what is kept of the other one.
    ///
    /// # Errors
    /// `Invalid` when a value that is kept is out of order by today's rules.
    pub fn merged_with(
        &self,
        now: DateTime<Utc>,
        other: &Self,
        fields: &[MergedField],
    ) -> Result<Self> {
        let from_other =
            |it: &MergedField| it.field == MergeField::District && it.kept == MergeSide::Other;
        let place = if fields.iter().any(from_other) { other } else { self };
        self.with(now, self.entered_with(other, fields)?, place.district().cloned())
    }

    fn with(
        &self,
        now: DateTime<Utc>,
        entered: Value,
        district: Option<Reference>,
    ) -> Result<Self> {
        Ok(match self {
            Self::Company(it) => {
                // What was archived since is given its values back and stays archived.
                let input: CompanyInput = read(entered)?;
                // No value is a new one: a VAT id from before its digits were looked at is taken over too.
                let vat_id = input.vat_id.clone();
                let open = Company { archived: None, vat_id, ..(**it).clone() };
                let new = open.changed(now, &input, district)?;
                Self::Company(Box::new(Company { archived: it.archived.clone(), ..new }))
            }
            Self::Actor(it) => {
                let open = Actor { archived: None, ..(**it).clone() };
                let new = open.changed(now, &read::<ActorInput>(entered)?, district)?;
                Self::Actor(Box::new(Actor { archived: it.archived.clone(), ..new }))
            }
        })
    }

    /// As it stays behind when it is merged.
    ///
    /// # Errors
    /// `Conflict` when it is archived.
    pub fn left_behind(&self, now: DateTime<Utc>, survivor: &str) -> Result<Self> {
        let reason = format!("Merged into {survivor}");
        Ok(match self {
            Self::Company(it) => Self::Company(Box::new(it.archived(now, reason)?)),
            Self::Actor(it) => Self::Actor(Box::new(it.archived(now, reason)?)),
        })
    }

    /// As it was before it was merged.
    #[must_use]
    pub fn brought_back(&self, now: DateTime<Utc>) -> Self {
        match self {
            Self::Company(it) => Self::Company(Box::new(Company {
                archived: None,
                version: it.version + 1,
                updated_at: now,
                ..(**it).clone()
            })),
            Self::Actor(it) => Self::Actor(Box::new(Actor {
                archived: None,
                version: it.version + 1,
                updated_at: now,
                ..(**it).clone()
            })),
        }
    }
}

/// The survivor with the values that it had before a merge took others, and the fields that were changed since
/// and keep what is newer.
///
/// # Errors
/// `Invalid` when an old value is out of order by today's rules.
pub fn changed_back(
    survivor: &Registered,
    now: DateTime<Utc>,
    fields: &[MergedField],
) -> Result<(Registered, Vec<MergeField>)> {
    let shown = survivor.shown()?;
    let mut entered = survivor.entered()?;
    let mut newer = Vec::new();
    let mut place = survivor.district().cloned();
    for taken in fields.iter().filter(|field| field.kept == MergeSide::Other) {
        if said(&shown[taken.field.code()]) != said(&taken.other) {
            newer.push(taken.field);
            continue;
        }
        if taken.field == MergeField::District {
            place = read(taken.survivor.clone())?;
        }
        entered[entered_name(taken.field)] = as_entered(taken.field, &taken.survivor);
    }
    Ok((survivor.with(now, entered, place)?, newer))
}

/// What a value says, whatever the record that it names is called today.
fn said(value: &Value) -> &Value {
    value.get("id").unwrap_or(value)
}

/// The name of the field in an input.
fn entered_name(field: MergeField) -> &'static str {
    match field {
        MergeField::District => "district_id",
        other => other.code(),
    }
}

/// A value that the register showed, as somebody would enter it.
fn as_entered(field: MergeField, shown: &Value) -> Value {
    const SIZE: [&str; 6] =
        ["staff", "turnover_eur", "balance_eur", "publicly_owned", "reference_year", "basis"];
    let only = |names: &[&str]| -> Value {
        let fields = shown.as_object().into_iter().flatten();
        let fields = fields.filter(|(name, _)| names.contains(&name.as_str()));
        Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    match field {
        _ if shown.is_null() => Value::Null,
        MergeField::District => shown["id"].clone(),
        MergeField::Industry => only(&["classification", "code"]),
        MergeField::Size => only(&SIZE),
        _ => shown.clone(),
    }
}

/// Whether a field was left empty. The country of an address is filled in by itself.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) if fields.contains_key("street") => {
            fields.iter().all(|(name, value)| name == "country" || value.is_null())
        }
        _ => false,
    }
}

fn read<C: DeserializeOwned>(entered: Value) -> Result<C> {
    serde_json::from_value(entered).map_err(|error| Error::Internal(error.into()))
}
