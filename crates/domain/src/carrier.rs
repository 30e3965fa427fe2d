//! Carrier (Träger): the body that runs sites and is the controller of what they record.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::check::Checks;
use crate::entity::{Entity, EntityKind};
use crate::error::Result;
use crate::id::CarrierId;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "BWHW", "name": "Bildungswerk der Hessischen Wirtschaft", "chambers_are_public": false
}))]
pub struct CarrierInput {
    /// Short name, unique in the network.
    #[schema(min_length = 1, max_length = 20)]
    pub code: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Whether chambers count as public administration in indicators that ask for it (EECO18), as agreed
    /// with the funder.
    #[serde(default)]
    pub chambers_are_public: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Carrier {
    pub id: CarrierId,
    pub code: String,
    pub name: String,
    pub chambers_are_public: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Carrier {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(id: CarrierId, now: DateTime<Utc>, input: &CarrierInput) -> Result<Self> {
        let mut checks = Checks::new();
        let carrier = Self {
            id,
            code: checks.line("/code", &input.code, 20),
            name: checks.line("/name", &input.name, 200),
            chambers_are_public: input.chambers_are_public,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.finish()?;
        Ok(carrier)
    }

    /// # Errors
    /// As [`Self::new`].
    pub fn changed(&self, now: DateTime<Utc>, input: &CarrierInput) -> Result<Self> {
        let new = Self::new(self.id, now, input)?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }
}

impl From<&Carrier> for CarrierInput {
    fn from(carrier: &Carrier) -> Self {
        Self {
            code: carrier.code.clone(),
            name: carrier.name.clone(),
            chambers_are_public: carrier.chambers_are_public,
        }
    }
}

impl Entity for Carrier {
    const KIND: EntityKind = EntityKind::Carrier;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}
