//! Districts (Kreise und kreisfreie Städte) with validity, and which site covers which when.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{CoverageId, DistrictId, SiteId};
use crate::time::covers;

mod candidate;
pub use candidate::{
    Counted, DistrictCandidate, DistrictCandidates, PostcodeParams, postcodes_near,
};

codes! {
    /// Kreisfreie Stadt or Landkreis.
    "district_kind" DistrictKind { City, County }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "06440", "name": "Wetteraukreis", "kind": "county", "region": "Darmstadt",
    "valid_from": "2019-01-01"
}))]
pub struct DistrictInput {
    /// Five-digit official key (Kreisschlüssel).
    #[schema(pattern = "^[0-9]{5}$")]
    pub key: String,
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    pub kind: DistrictKind,
    /// Regierungsbezirk.
    #[schema(min_length = 1, max_length = 100)]
    pub region: String,
    #[serde(deserialize_with = "crate::time::date")]
    pub valid_from: NaiveDate,
    /// Last day on which the district exists with this key; null while it does.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub valid_to: Option<NaiveDate>,
    /// The district that this one was part of before `valid_from`.
    pub split_from_id: Option<DistrictId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct District {
    pub id: DistrictId,
    pub key: String,
    pub name: String,
    pub kind: DistrictKind,
    pub region: String,
    pub valid_from: NaiveDate,
    #[schema(required)]
    pub valid_to: Option<NaiveDate>,
    #[schema(required)]
    pub split_from_id: Option<DistrictId>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DistrictFilter {
    /// Only districts that exist on this date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub on: Option<NaiveDate>,
    /// Five-digit official key.
    pub key: Option<String>,
}

impl District {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(id: DistrictId, now: DateTime<Utc>, input: &DistrictInput) -> Result<Self> {
        let mut checks = Checks::new();
        checks.require(
            input.key.len() == 5 && input.key.bytes().all(|b| b.is_ascii_digit()),
            "/key",
            "not_a_district_key",
            "must be a five-digit district key",
        );
        checks.require(
            input.split_from_id != Some(id),
            "/split_from_id",
            "self_reference",
            "must be another district",
        );
        let district = Self {
            id,
            key: input.key.clone(),
            name: checks.line("/name", &input.name, 100),
            kind: input.kind,
            region: checks.line("/region", &input.region, 100),
            valid_from: input.valid_from,
            valid_to: input.valid_to,
            split_from_id: input.split_from_id,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.validity(district.valid_from, district.valid_to);
        checks.finish()?;
        Ok(district)
    }

    /// # Errors
    /// As [`Self::new`].
    pub fn changed(&self, now: DateTime<Utc>, input: &DistrictInput) -> Result<Self> {
        let new = Self::new(self.id, now, input)?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }
}

/// The district that a place belonged to on a date, given the one it belongs to now: what is
/// Hanau (06415) from 2026 was part of the Main-Kinzig-Kreis (06435) before.
#[must_use]
pub fn on_date(all: &[District], id: DistrictId, date: NaiveDate) -> Option<&District> {
    let mut wanted = id;
    // A chain of splits is short; the bound keeps a cycle in the data from hanging us.
    for _ in 0..8 {
        let district = all.iter().find(|district| district.id == wanted)?;
        if covers(district.valid_from, district.valid_to, date) {
            return Some(district);
        }
        wanted = district.split_from_id.filter(|_| date < district.valid_from)?;
    }
    None
}

impl From<&District> for DistrictInput {
    fn from(district: &District) -> Self {
        Self {
            key: district.key.clone(),
            name: district.name.clone(),
            kind: district.kind,
            region: district.region.clone(),
            valid_from: district.valid_from,
            valid_to: district.valid_to,
            split_from_id: district.split_from_id,
        }
    }
}

impl Entity for District {
    const KIND: EntityKind = EntityKind::District;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "district_id": "01890000-0000-7000-8000-000006440000",
    "site_id": "01890000-0000-7000-8000-000000000202",
    "valid_from": "2019-01-01"
}))]
pub struct CoverageInput {
    pub district_id: DistrictId,
    pub site_id: SiteId,
    #[serde(deserialize_with = "crate::time::date")]
    pub valid_from: NaiveDate,
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub valid_to: Option<NaiveDate>,
}

/// A site covers a district for a time. Several sites may share one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    pub id: CoverageId,
    pub district: Reference,
    pub site: Reference,
    pub valid_from: NaiveDate,
    #[schema(required)]
    pub valid_to: Option<NaiveDate>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CoverageFilter {
    pub district_id: Option<DistrictId>,
    pub site_id: Option<SiteId>,
    /// Only what holds on this date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub on: Option<NaiveDate>,
}

impl Coverage {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: CoverageId,
        now: DateTime<Utc>,
        input: &CoverageInput,
        district: Reference,
        site: Reference,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        checks.validity(input.valid_from, input.valid_to);
        checks.finish()?;
        Ok(Self {
            id,
            district,
            site,
            valid_from: input.valid_from,
            valid_to: input.valid_to,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// `Invalid` when the validity is upside down, or when it would cover another district or be
    /// done by another site: that is another coverage.
    pub fn changed(&self, now: DateTime<Utc>, input: &CoverageInput) -> Result<Self> {
        if input.district_id.0 != self.district.id || input.site_id.0 != self.site.id {
            return Err(Error::invalid(
                "",
                "immutable",
                "district and site cannot change; end this coverage and add another",
            ));
        }
        let new = Self::new(self.id, now, input, self.district.clone(), self.site.clone())?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }
}

impl From<&Coverage> for CoverageInput {
    fn from(coverage: &Coverage) -> Self {
        Self {
            district_id: DistrictId(coverage.district.id),
            site_id: SiteId(coverage.site.id),
            valid_from: coverage.valid_from,
            valid_to: coverage.valid_to,
        }
    }
}

impl Entity for Coverage {
    const KIND: EntityKind = EntityKind::Coverage;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn district(number: u128, from: &str, split_from: Option<u128>) -> District {
        let input = DistrictInput {
            key: "06435".to_owned(),
            name: "A".to_owned(),
            kind: DistrictKind::City,
            region: "Darmstadt".to_owned(),
            valid_from: from.parse().unwrap(),
            valid_to: None,
            split_from_id: split_from.map(|n| DistrictId(Uuid::from_u128(n))),
        };
        District::new(DistrictId(Uuid::from_u128(number)), DateTime::UNIX_EPOCH, &input).unwrap()
    }

    #[test]
    fn a_record_keeps_the_district_of_its_date() {
        let all = [district(1, "2019-01-01", None), district(2, "2026-01-01", Some(1))];
        let id = |n| DistrictId(Uuid::from_u128(n));
        let on = |n, date: &str| on_date(&all, id(n), date.parse().unwrap()).map(|d| d.id);
        assert_eq!(on(2, "2026-01-01"), Some(id(2)));
        assert_eq!(on(2, "2025-12-31"), Some(id(1)));
        assert_eq!(on(1, "2025-12-31"), Some(id(1)));
        assert_eq!(on(1, "2018-12-31"), None);
    }
}
