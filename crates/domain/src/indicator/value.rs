//! Values of indicators, and what a new version would change.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Indicator, IndicatorReference, IndicatorRule, IndicatorUnit, Window};
use crate::code::Code;
use crate::entity::Reference;
use crate::id::{FundingPeriodId, SiteId};
use crate::statistics::{Condition, FigureScope};

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
    /// Where the records behind the value are.
    #[schema(
        example = "/api/v1/statistics/events/explain?funding_period_id=01890000-0000-7000-8000-000000000302&filter=kind:round_table&figure=events"
    )]
    pub explanation: String,
}

impl IndicatorValue {
    /// What an indicator says, with the address of the records behind it: of consultations its own, since its
    /// rule may have settings that no filter has; else that of the figure.
    #[must_use]
    pub fn new(of: &Indicator, asked: &IndicatorValuesParams, value: i64) -> Self {
        // Codes, ids and dates stand in an address as they are.
        let mut question = format!("?funding_period_id={}", asked.funding_period_id);
        for (name, day) in [("from", asked.from), ("to", asked.to)] {
            question.extend(day.map(|day| format!("&{name}={day}")));
        }
        let at_site = asked.site_id.map(|site| format!("site:{site}"));
        let filter = |words: Vec<String>| {
            if words.is_empty() { String::new() } else { format!("&filter={}", words.join(",")) }
        };
        let explanation = match &of.rule {
            IndicatorRule::Consultations { .. } => {
                let site = asked.site_id.map(|site| format!("&site_id={site}"));
                format!("/indicators/{}/explain{question}{}", of.id, site.unwrap_or_default())
            }
            IndicatorRule::Events { figure, conditions } => {
                let words = conditions.iter().map(Condition::words).chain(at_site).collect();
                format!(
                    "/statistics/events/explain{question}{}&figure={}",
                    filter(words),
                    figure.code()
                )
            }
            IndicatorRule::Programmes { figure } => format!(
                "/statistics/programmes/explain{question}{}&figure={}",
                filter(at_site.into_iter().collect()),
                figure.code()
            ),
        };
        Self {
            indicator: of.reference(),
            unit: of.unit,
            additive: of.additive,
            value,
            explanation: format!("/api/v1{explanation}"),
        }
    }
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
