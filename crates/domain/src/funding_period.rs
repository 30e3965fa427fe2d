//! Funding period (Förderzeitraum): the window that figures are reported for.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::check::Checks;
use crate::code::{Code, codes};
use crate::entity::{Entity, EntityKind};
use crate::error::{Error, Result};
use crate::id::FundingPeriodId;
use crate::policy::Role;
use crate::time::covers;

codes! {
    /// Planned → open → closing → closed.
    "funding_period_status" FundingPeriodStatus {
        /// Not begun: nothing is recorded.
        Planned,
        /// Everybody records and corrects.
        Open,
        /// Only managers record and correct, while the figures are made up.
        Closing,
        /// Nobody changes anything; corrections are entered beside the records.
        Closed,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "2026–2028",
    "service_name": "IQ Servicestelle Fachkräfteeinwanderung",
    "starts_on": "2026-01-01", "ends_on": "2028-12-31",
    "minimum_minutes": 15, "status": "open"
}))]
pub struct FundingPeriodInput {
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What the service is called in this period.
    #[schema(min_length = 1, max_length = 200)]
    pub service_name: String,
    #[serde(deserialize_with = "crate::time::date")]
    pub starts_on: NaiveDate,
    /// Last day. Periods do not overlap.
    #[serde(deserialize_with = "crate::time::date")]
    pub ends_on: NaiveDate,
    /// Consultations below this many minutes are short information: shown, but outside the headline.
    #[schema(minimum = 1, maximum = 480)]
    pub minimum_minutes: i32,
    pub status: FundingPeriodStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FundingPeriod {
    pub id: FundingPeriodId,
    pub name: String,
    pub service_name: String,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub minimum_minutes: i32,
    pub status: FundingPeriodStatus,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl FundingPeriod {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: FundingPeriodId,
        now: DateTime<Utc>,
        input: &FundingPeriodInput,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let period = Self {
            id,
            name: checks.line("/name", &input.name, 100),
            service_name: checks.line("/service_name", &input.service_name, 200),
            starts_on: input.starts_on,
            ends_on: input.ends_on,
            minimum_minutes: input.minimum_minutes,
            status: input.status,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.range("/minimum_minutes", input.minimum_minutes, 1, 480);
        checks.require(
            input.ends_on >= input.starts_on,
            "/ends_on",
            "before_start",
            "must not be before starts_on",
        );
        checks.finish()?;
        Ok(period)
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when what the figures of a closed period lean on would change: it
    /// is opened first, which stands in its history.
    pub fn changed(&self, now: DateTime<Utc>, input: &FundingPeriodInput) -> Result<Self> {
        let new = Self::new(self.id, now, input)?;
        let figures_lean_on =
            |period: &Self| (period.starts_on, period.ends_on, period.minimum_minutes);
        if self.status == FundingPeriodStatus::Closed
            && figures_lean_on(self) != figures_lean_on(&new)
        {
            return Err(Error::conflict(
                "funding_period_closed",
                format!("The funding period {} is closed; its dates and minutes stay.", self.name),
            ));
        }
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

    #[must_use]
    pub fn contains(&self, date: NaiveDate) -> bool {
        covers(self.starts_on, Some(self.ends_on), date)
    }

    /// Whether a user of this role may record or correct in this period.
    ///
    /// # Errors
    /// `Conflict` that names the period and its status.
    pub fn accepts_entries_of(&self, role: Role) -> Result<()> {
        let accepted = match self.status {
            FundingPeriodStatus::Open => true,
            FundingPeriodStatus::Closing => role == Role::Manager,
            FundingPeriodStatus::Planned | FundingPeriodStatus::Closed => false,
        };
        if accepted {
            return Ok(());
        }
        Err(Error::conflict(
            "funding_period_not_open",
            format!(
                "The funding period {} is {}; {}.",
                self.name,
                self.status.code(),
                if self.status == FundingPeriodStatus::Closing {
                    "only managers record in it"
                } else {
                    "nothing is recorded in it"
                }
            ),
        ))
    }

    /// Whether what is wrong in this period is told by corrections, since nobody changes its records.
    ///
    /// # Errors
    /// `Conflict` that names the period, its status and what to do instead.
    pub fn takes_corrections(&self) -> Result<()> {
        let instead = match self.status {
            FundingPeriodStatus::Planned => "nothing is recorded in it yet",
            FundingPeriodStatus::Open => "change or log the record itself",
            FundingPeriodStatus::Closing => "managers change or log the record itself",
            FundingPeriodStatus::Closed => return Ok(()),
        };
        Err(Error::conflict(
            "funding_period_not_closed",
            format!("The funding period {} is {}; {instead}.", self.name, self.status.code()),
        ))
    }
}

impl From<&FundingPeriod> for FundingPeriodInput {
    fn from(period: &FundingPeriod) -> Self {
        Self {
            name: period.name.clone(),
            service_name: period.service_name.clone(),
            starts_on: period.starts_on,
            ends_on: period.ends_on,
            minimum_minutes: period.minimum_minutes,
            status: period.status,
        }
    }
}

impl Entity for FundingPeriod {
    const KIND: EntityKind = EntityKind::FundingPeriod;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}
