//! Establishment (Betriebsstätte): a place of employment of a company with its own district, since
//! the immigration authority there is competent.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::check::Checks;
use crate::company::check_not_archived;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::Result;
use crate::id::{DistrictId, EstablishmentId};
use crate::organisation::Address;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Werk Gießen",
    "address": {"street": "Probestraße 2", "postcode": "35390", "city": "Gießen"},
    "district_id": "01890000-0000-7000-8000-000006531000"
}))]
pub struct EstablishmentInput {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[serde(default)]
    pub address: Address,
    pub district_id: Option<DistrictId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Establishment {
    pub id: EstablishmentId,
    pub company: Reference,
    pub name: String,
    pub address: Address,
    #[schema(required)]
    pub district: Option<Reference>,
    #[schema(required)]
    pub archived: Option<Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Establishment {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: EstablishmentId,
        now: DateTime<Utc>,
        input: &EstablishmentInput,
        company: Reference,
        district: Option<Reference>,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let establishment = Self {
            id,
            company,
            name: checks.line("/name", &input.name, 200),
            address: input.address.checked(&mut checks),
            district,
            archived: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.finish()?;
        Ok(establishment)
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is archived.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        input: &EstablishmentInput,
        district: Option<Reference>,
    ) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        let new = Self::new(self.id, now, input, self.company.clone(), district)?;
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

impl From<&Establishment> for EstablishmentInput {
    fn from(establishment: &Establishment) -> Self {
        Self {
            name: establishment.name.clone(),
            address: establishment.address.clone(),
            district_id: establishment.district.as_ref().map(|district| district.id.into()),
        }
    }
}

impl Entity for Establishment {
    const KIND: EntityKind = EntityKind::Establishment;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}
