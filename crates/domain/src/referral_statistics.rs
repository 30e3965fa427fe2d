//! The figures of referrals in a funding period. `docs/counting.md` explains the rules; their version is that of
//! all figures.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::code::{Code, codes};
use crate::entity::Reference;
use crate::error::Result;
use crate::funding_period::FundingPeriod;
use crate::id::FundingPeriodId;
use crate::statistics::{Condition, FigureScope, GroupValue, Window, conditions, dimensions};

mod explanation;
mod sheets;
pub use explanation::{
    CountedReferral, ReferralExplanation, ReferralExplanationParams, ReferralExplanationQuery,
};

codes! {
    /// What figures of referrals can be grouped by.
    "referral_dimension" ReferralDimension {
        /// Of the consultation that the referral came of.
        Site,
        Carrier,
        /// To whom.
        Actor,
        ActorType,
        /// Who was referred.
        OrganisationKind,
        Answer, Month, Quarter, Year,
    }
}

codes! {
    /// The columns of the figures of referrals.
    "referral_figure" ReferralFigure {
        Made, Open, Accepted, Declined, ClosedUnanswered, Closed, Organisations, Companies, Actors,
    }
}

codes! {
    /// What the actor answered, as figures tell it.
    "referral_answered" ReferralAnswered { Open, Accepted, Declined, ClosedUnanswered }
}

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReferralStatisticsParams {
    pub funding_period_id: FundingPeriodId,
    /// First day of referral; the period's first day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day of referral; the period's last day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// Up to three dimensions, comma-separated: `site` (of the consultation), `carrier`, `actor`, `actor_type`,
    /// `organisation_kind`, `answer`, `month`, `quarter`, `year`.
    #[param(example = "actor_type,year")]
    pub group_by: Option<String>,
    /// Only referrals that have these values: `dimension:code`, comma-separated, or `none` for no value. Of
    /// one dimension any of its values, of several dimensions all.
    #[param(example = "actor_type:job_centre,answer:accepted")]
    pub filter: Option<String>,
}

/// What to count.
#[derive(Clone, Debug)]
pub struct ReferralStatisticsQuery {
    /// Of which what was left out is told too.
    pub period: Window,
    pub window: Window,
    pub group_by: Vec<ReferralDimension>,
    pub conditions: Vec<Condition<ReferralDimension>>,
}

impl ReferralStatisticsParams {
    /// # Errors
    /// `Malformed` for unknown, repeated or too many dimensions; `Invalid` when the window is upside down
    /// or leaves the period.
    pub fn query(&self, period: &FundingPeriod) -> Result<ReferralStatisticsQuery> {
        Ok(ReferralStatisticsQuery {
            period: Window::whole(period),
            window: Window::of(period, self.from, self.to)?,
            group_by: dimensions(self.group_by.as_deref())?,
            conditions: conditions("filter", self.filter.as_deref())?,
        })
    }
}

/// The figures of one group, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferralFigures {
    /// Referrals that were made and not withdrawn, each once.
    pub made: i64,
    /// Of these, those that wait for the actor's answer.
    pub open: i64,
    /// Of these, accepted by the actor, whatever came of it.
    pub accepted: i64,
    /// Of these, declined by the actor.
    pub declined: i64,
    /// Of these, closed without an answer.
    pub closed_unanswered: i64,
    /// Of these, those of which it is known what came of it, answered or not.
    pub closed: i64,
    /// Distinct companies and actors that were referred.
    pub organisations: i64,
    pub companies: i64,
    pub actors: i64,
}

impl ReferralFigure {
    #[must_use]
    pub fn of(self, figures: &ReferralFigures) -> i64 {
        match self {
            Self::Made => figures.made,
            Self::Open => figures.open,
            Self::Accepted => figures.accepted,
            Self::Declined => figures.declined,
            Self::ClosedUnanswered => figures.closed_unanswered,
            Self::Closed => figures.closed,
            Self::Organisations => figures.organisations,
            Self::Companies => figures.companies,
            Self::Actors => figures.actors,
        }
    }

    /// Whether organisations are counted, and not referrals.
    #[must_use]
    pub fn is_distinct(self) -> bool {
        matches!(self, Self::Organisations | Self::Companies | Self::Actors)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferralGroup {
    /// The value of each dimension asked for.
    #[schema(example = json!({"actor_type": {"code": "job_centre", "label": "Job centre"}}))]
    pub key: BTreeMap<ReferralDimension, GroupValue>,
    #[serde(flatten)]
    pub figures: ReferralFigures,
    /// Where the records behind these figures are: a URI template (RFC 6570) that wants the name of one.
    #[schema(
        example = "/api/v1/statistics/referrals/explain?funding_period_id=01890000-0000-7000-8000-000000000302&group=actor_type:job_centre{&figure}"
    )]
    pub explanation: String,
}

impl ReferralGroup {
    /// As a question names it.
    #[must_use]
    pub fn conditions(&self) -> String {
        let words = self.key.iter().map(|(dimension, value)| {
            Condition { dimension: *dimension, codes: vec![value.code.clone()] }.words()
        });
        words.collect::<Vec<_>>().join(",")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferralStatistics {
    pub period: Reference,
    pub window: Window,
    #[schema(example = "2026.4")]
    pub rules_version: String,
    pub scope: FigureScope,
    /// The dimensions in the order asked for.
    pub group_by: Vec<ReferralDimension>,
    /// What the referrals were filtered by.
    pub filter: Vec<Condition<ReferralDimension>>,
    pub totals: ReferralFigures,
    /// As of groups, for the totals.
    pub explanation: String,
    pub groups: Vec<ReferralGroup>,
    /// Per column: whether the rows of this grouping may be summed to the total.
    #[schema(example = json!({"made": true, "organisations": false}))]
    pub additive: BTreeMap<String, bool>,
}

/// Per column: whether the rows of this grouping add up to the total. A referral has one value of each
/// dimension; an organisation may be referred several times and is counted in each row, unless rows are by its
/// kind.
#[must_use]
pub fn additive(group_by: &[ReferralDimension]) -> BTreeMap<String, bool> {
    let by_kind = group_by.iter().all(|it| *it == ReferralDimension::OrganisationKind);
    let adds_up =
        |figure: ReferralFigure| (figure.code().to_owned(), by_kind || !figure.is_distinct());
    ReferralFigure::all().into_iter().map(adds_up).collect()
}
