//! Site (Standort): where a carrier advises.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::calendar::FederalState;
use crate::check::Checks;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::Result;
use crate::id::{CarrierId, SiteId};
use crate::time::covers;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "carrier_id": "01890000-0000-7000-8000-000000000101",
    "name": "Frankfurt am Main",
    "valid_from": "2019-01-01"
}))]
pub struct SiteInput {
    pub carrier_id: CarrierId,
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    #[serde(deserialize_with = "crate::time::date")]
    pub valid_from: NaiveDate,
    /// Last day of work at this site; null while it is open.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub valid_to: Option<NaiveDate>,
    /// Its public holidays hold for what is planned at the site.
    #[serde(default = "hesse")]
    #[schema(default = "hesse")]
    pub federal_state: FederalState,
}

fn hesse() -> FederalState {
    FederalState::Hesse
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Site {
    pub id: SiteId,
    pub carrier: Reference,
    pub name: String,
    pub valid_from: NaiveDate,
    #[schema(required)]
    pub valid_to: Option<NaiveDate>,
    pub federal_state: FederalState,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SiteFilter {
    pub carrier_id: Option<CarrierId>,
    /// Only sites open on this date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub on: Option<NaiveDate>,
}

impl Site {
    /// `carrier` is the one that the input names.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: SiteId,
        now: DateTime<Utc>,
        input: &SiteInput,
        carrier: Reference,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let site = Self {
            id,
            carrier,
            name: checks.line("/name", &input.name, 100),
            valid_from: input.valid_from,
            valid_to: input.valid_to,
            federal_state: input.federal_state,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.validity(site.valid_from, site.valid_to);
        checks.finish()?;
        Ok(site)
    }

    /// # Errors
    /// As [`Self::new`]; also `Invalid` when the site would change carrier, because the records of
    /// a site belong to its carrier.
    pub fn changed(&self, now: DateTime<Utc>, input: &SiteInput) -> Result<Self> {
        let mut checks = Checks::new();
        checks.require(
            input.carrier_id.0 == self.carrier.id,
            "/carrier_id",
            "immutable",
            "cannot change; close this site and open another",
        );
        checks.finish()?;
        let new = Self::new(self.id, now, input, self.carrier.clone())?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

    #[must_use]
    pub fn open_on(&self, date: NaiveDate) -> bool {
        covers(self.valid_from, self.valid_to, date)
    }
}

impl From<&Site> for SiteInput {
    fn from(site: &Site) -> Self {
        Self {
            carrier_id: CarrierId(site.carrier.id),
            name: site.name.clone(),
            valid_from: site.valid_from,
            valid_to: site.valid_to,
            federal_state: site.federal_state,
        }
    }
}

impl Entity for Site {
    const KIND: EntityKind = EntityKind::Site;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}
