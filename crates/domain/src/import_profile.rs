//! Import profiles: what files of one kind mean, under a name, for the whole carrier.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::company::check_not_archived;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::Result;
use crate::id::{CarrierId, ImportProfileId};
use crate::import::{ImportSettings, ImportTarget};
use crate::name::fold;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Liste der Kammer", "target": "companies",
    "settings": {
        "form": {"encoding": "windows1252", "delimiter": "semicolon", "number_form": "german"},
        "columns": [{"header": "Firma", "field": "name"}, {"header": "Ort", "field": "address.city"}],
        "match_by": ["register_number", "name_and_town"], "on_match": "update", "on_new": "create"
    }
}))]
pub struct ImportProfileInput {
    /// Unique in the carrier, whatever its case, umlauts, accents and punctuation.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// It stays.
    pub target: ImportTarget,
    pub settings: ImportSettings,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportProfile {
    pub id: ImportProfileId,
    pub carrier: Reference,
    pub recorded_by: Reference,
    pub name: String,
    pub target: ImportTarget,
    pub settings: ImportSettings,
    #[schema(required)]
    pub archived: Option<Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportProfileFilter {
    pub target: Option<ImportTarget>,
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
}

impl ImportProfile {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: ImportProfileId,
        now: DateTime<Utc>,
        input: &ImportProfileInput,
        carrier: Reference,
        recorded_by: Reference,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let name = checks.line("/name", &input.name, 100);
        checks.require(
            name.is_empty() || !fold(&name).is_empty(),
            "/name",
            "no_letters",
            "must have letters or digits",
        );
        checks.part("/settings", input.settings.check(input.target, None))?;
        checks.finish()?;
        Ok(Self {
            id,
            carrier,
            recorded_by,
            name,
            target: input.target,
            settings: input.settings.clone(),
            archived: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it is archived.
    pub fn changed(&self, now: DateTime<Utc>, input: &ImportProfileInput) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        let mut checks = Checks::new();
        checks.require(input.target == self.target, "/target", "fixed", "stays what it is");
        checks.finish()?;
        let (carrier, recorded_by) = (self.carrier.clone(), self.recorded_by.clone());
        let new = Self::new(self.id, now, input, carrier, recorded_by)?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

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
}

impl From<&ImportProfile> for ImportProfileInput {
    fn from(profile: &ImportProfile) -> Self {
        Self {
            name: profile.name.clone(),
            target: profile.target,
            settings: profile.settings.clone(),
        }
    }
}

impl Entity for ImportProfile {
    const KIND: EntityKind = EntityKind::ImportProfile;

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
