//! Series of events (Veranstaltungsreihe): what brings a carrier's round tables or conferences together
//! under one name.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::company::check_not_archived;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::Result;
use crate::id::{CarrierId, EventSeriesId};
use crate::name::fold;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Runder Tisch Lahn-Dill-Kreis",
    "description": "Twice a year with the immigration authority and the employment agency."
}))]
pub struct EventSeriesInput {
    /// Unique within the carrier; case, umlauts, accents and punctuation make no difference.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(max_length = 5000)]
    pub description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventSeries {
    pub id: EventSeriesId,
    pub carrier: Reference,
    pub name: String,
    #[schema(required)]
    pub description: Option<String>,
    #[schema(required)]
    pub archived: Option<Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventSeriesFilter {
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
}

impl EventSeries {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: EventSeriesId,
        now: DateTime<Utc>,
        input: &EventSeriesInput,
        carrier: Reference,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let name = checks.line("/name", &input.name, 200);
        checks.require(
            name.is_empty() || !fold(&name).is_empty(),
            "/name",
            "no_letters",
            "must have letters or digits",
        );
        let description = checks.optional_prose("/description", input.description.as_deref(), 5000);
        checks.finish()?;
        Ok(Self {
            id,
            carrier,
            name,
            description,
            archived: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is archived.
    pub fn changed(&self, now: DateTime<Utc>, input: &EventSeriesInput) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        let new = Self::new(self.id, now, input, self.carrier.clone())?;
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

impl From<&EventSeries> for EventSeriesInput {
    fn from(series: &EventSeries) -> Self {
        Self { name: series.name.clone(), description: series.description.clone() }
    }
}

impl Entity for EventSeries {
    const KIND: EntityKind = EntityKind::EventSeries;

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
