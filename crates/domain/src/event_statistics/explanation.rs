//! What stands behind a figure of events: the records that were counted, those that were not, and the rule.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{EventDimension, EventStatisticsQuery};
use crate::entity::Reference;
use crate::error::Result;
use crate::funding_period::FundingPeriod;
use crate::id::FundingPeriodId;
use crate::indicator::{EventFigure, IndicatorUnit};
use crate::organisation::OrganisationReference;
use crate::statistics::{FigureScope, LeftOut, LeftOutCount, Rule, TopicsAs, Window, conditions};

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventExplanationParams {
    pub funding_period_id: FundingPeriodId,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// As of the figures.
    pub filter: Option<String>,
    /// As of the figures.
    #[param(inline)]
    #[serde(default)]
    pub topics: TopicsAs,
    /// The group that the figure is of: `dimension:code`, comma-separated; none for the totals.
    #[param(example = "kind:round_table,quarter:2021-Q3")]
    pub group: Option<String>,
    /// The column.
    #[param(inline)]
    pub figure: EventFigure,
    /// The records that were left out for this reason, instead of those that were counted.
    #[param(inline)]
    pub left_out: Option<LeftOut>,
}

/// What to explain.
#[derive(Clone, Debug)]
pub struct EventExplanationQuery {
    /// With the conditions of the filter and of the group: an event must meet both.
    pub asked: EventStatisticsQuery,
    pub figure: EventFigure,
    pub left_out: Option<LeftOut>,
}

impl EventExplanationParams {
    /// # Errors
    /// `Malformed` for what names no condition; `Invalid` when the window is upside down or leaves the
    /// period.
    pub fn query(&self, period: &FundingPeriod) -> Result<EventExplanationQuery> {
        let mut all = conditions::<EventDimension>("filter", self.filter.as_deref())?;
        all.extend(conditions("group", self.group.as_deref())?);
        let asked = EventStatisticsQuery {
            funding_period_id: period.id,
            window: Window::of(period, self.from, self.to)?,
            group_by: Vec::new(),
            conditions: all,
            topics: self.topics,
        };
        Ok(EventExplanationQuery { asked, figure: self.figure, left_out: self.left_out })
    }
}

impl EventFigure {
    /// What is counted: events, heads of participations, or organisations.
    #[must_use]
    pub fn unit(self) -> IndicatorUnit {
        match self {
            Self::Events => IndicatorUnit::Events,
            Self::Participations | Self::OfCompanies | Self::OfActors | Self::Unnamed => {
                IndicatorUnit::Participations
            }
            Self::Organisations | Self::Companies | Self::Actors => IndicatorUnit::Organisations,
        }
    }
}

/// One record behind a figure: an event, a participation, or an organisation where these are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedAtEvent {
    /// Of the event, the participation or the organisation.
    pub id: Uuid,
    /// First day of the event; of an organisation, of the earliest that it is counted for.
    pub held_on: NaiveDate,
    /// Id and title. Null for an organisation.
    #[schema(required)]
    pub event: Option<Reference>,
    /// Null for an event, and for people of no organisation that is known.
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    /// How much of the figure it is: 1, or the heads of a participation.
    pub value: i64,
    /// How many records it stands for: 1, or the participations of the organisation.
    pub records: i64,
}

/// What stands behind a figure of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventExplanation {
    pub figure: EventFigure,
    pub unit: IndicatorUnit,
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
    /// Events, or participations where these or their organisations are counted, of the period and the scope
    /// that meet the conditions and are not in the figure, by reason. Only with `total=true`.
    #[schema(required)]
    pub left_out: Option<Vec<LeftOutCount>>,
    /// Whether the caller reads figures and no records, so that there are no items.
    pub records_withheld: bool,
    pub items: Vec<CountedAtEvent>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
