//! Values of indicators, and what a new version would change.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{IndicatorReference, IndicatorUnit, Window};
use crate::entity::Reference;
use crate::id::{FundingPeriodId, SiteId};
use crate::statistics::FigureScope;

/// How many records a trial shows that come or go; it counts them all.
pub const MAX_SHOWN: usize = 200;

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IndicatorValuesParams {
    pub funding_period_id: FundingPeriodId,
    /// First day; the period's first day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day; the period's last day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// Only what belongs to this site; of events the host.
    pub site_id: Option<SiteId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndicatorValue {
    pub indicator: IndicatorReference,
    pub unit: IndicatorUnit,
    pub additive: bool,
    pub value: i64,
}

/// The values of all active indicators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndicatorValues {
    pub period: Reference,
    pub window: Window,
    pub scope: FigureScope,
    #[schema(example = "2026.4")]
    pub rules_version: String,
    pub values: Vec<IndicatorValue>,
}

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IndicatorTrialParams {
    /// A period to try it on, also a closed one: nothing is written.
    pub funding_period_id: FundingPeriodId,
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
}

/// An organisation or a consultation that one version counts and the other does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrialRecord {
    pub id: Uuid,
    /// Null for an anonymous consultation.
    #[schema(required)]
    pub name: Option<String>,
}

/// What an indicator would say by this version, beside the active one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndicatorTrial {
    pub period: Reference,
    pub window: Window,
    pub scope: FigureScope,
    pub tried: IndicatorReference,
    pub value: i64,
    /// Null when no version is active.
    #[schema(required)]
    pub active: Option<IndicatorReference>,
    #[schema(required)]
    pub active_value: Option<i64>,
    /// `value` less `active_value`.
    #[schema(required)]
    pub difference: Option<i64>,
    /// How many records this version counts and the active one does not; null where their subjects or units
    /// differ, and for events, accompaniments and cases.
    #[schema(required)]
    pub gained: Option<i64>,
    #[schema(required)]
    pub lost: Option<i64>,
    /// Up to 200 of each.
    pub gained_records: Vec<TrialRecord>,
    pub lost_records: Vec<TrialRecord>,
}
