//! What stands behind a figure of referrals: the records that were counted, those that were not, and the rule.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ReferralFigure, ReferralStatisticsQuery};
use crate::entity::Reference;
use crate::error::Result;
use crate::funding_period::FundingPeriod;
use crate::id::FundingPeriodId;
use crate::organisation::OrganisationReference;
use crate::statistics::{FigureScope, LeftOut, LeftOutCount, Rule, Window, conditions};

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReferralExplanationParams {
    pub funding_period_id: FundingPeriodId,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// As of the figures.
    pub filter: Option<String>,
    /// The group that the figure is of: `dimension:code`, comma-separated; none for the totals.
    #[param(example = "actor_type:job_centre,year:2024")]
    pub group: Option<String>,
    /// The column.
    #[param(inline)]
    pub figure: ReferralFigure,
    /// The records that were left out for this reason, instead of those that were counted.
    #[param(inline)]
    pub left_out: Option<LeftOut>,
}

/// What to explain.
#[derive(Clone, Debug)]
pub struct ReferralExplanationQuery {
    /// With the conditions of the filter and of the group: a referral must meet both.
    pub asked: ReferralStatisticsQuery,
    pub figure: ReferralFigure,
    pub left_out: Option<LeftOut>,
}

impl ReferralExplanationParams {
    /// # Errors
    /// `Malformed` for what names no condition; `Invalid` when the window is upside down or leaves the
    /// period.
    pub fn query(&self, period: &FundingPeriod) -> Result<ReferralExplanationQuery> {
        let mut all = conditions("filter", self.filter.as_deref())?;
        all.extend(conditions("group", self.group.as_deref())?);
        let asked = ReferralStatisticsQuery {
            period: Window::whole(period),
            window: Window::of(period, self.from, self.to)?,
            group_by: Vec::new(),
            conditions: all,
        };
        Ok(ReferralExplanationQuery { asked, figure: self.figure, left_out: self.left_out })
    }
}

/// One record behind a figure: a referral, or an organisation where these are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedReferral {
    /// Of the referral or the organisation.
    pub id: Uuid,
    /// Of an organisation, of the earliest referral.
    pub referred_on: NaiveDate,
    /// Who was referred.
    pub organisation: OrganisationReference,
    /// To whom. Null for an organisation.
    #[schema(required)]
    pub actor: Option<Reference>,
    /// How much of the figure it is: 1.
    pub value: i64,
    /// How many referrals it stands for.
    pub referrals: i64,
}

/// What stands behind a figure of referrals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferralExplanation {
    pub figure: ReferralFigure,
    pub rule: Rule,
    pub period: Reference,
    pub window: Window,
    pub scope: FigureScope,
    /// The figure: what the `value` of all items adds up to. Only with `total=true`.
    #[schema(required)]
    pub value: Option<i64>,
    /// How many items there are. Only with `total=true`.
    #[schema(required)]
    pub records: Option<i64>,
    /// Referrals of the period and the scope that meet the conditions and are not in the figure, by reason.
    /// Only with `total=true`.
    #[schema(required)]
    pub left_out: Option<Vec<LeftOutCount>>,
    /// Whether the caller reads figures and no records, so that there are no items.
    pub records_withheld: bool,
    pub items: Vec<CountedReferral>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
