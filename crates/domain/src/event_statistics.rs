//! The figures of events in a funding period. `docs/counting.md` explains the rules; their version is that
//! of all figures.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::code::codes;
use crate::entity::Reference;
use crate::error::Result;
use crate::funding_period::FundingPeriod;
use crate::id::FundingPeriodId;
use crate::statistics::{
    Condition, FigureScope, GroupValue, TopicsAs, Window, conditions, dimensions,
};

mod explanation;
mod sheets;
pub use explanation::{
    CountedAtEvent, EventExplanation, EventExplanationParams, EventExplanationQuery,
};

codes! {
    /// What figures of events can be grouped by.
    "event_dimension" EventDimension {
        Kind, Series,
        /// The host.
        Site,
        Carrier, District, Topic, Month, Quarter, Year,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventStatisticsParams {
    pub funding_period_id: FundingPeriodId,
    /// Earliest first day of an event; the period's first day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Latest first day of an event; the period's last day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// Up to three dimensions, comma-separated: `kind`, `series`, `site` (the host), `carrier`, `district`,
    /// `topic`, `month`, `quarter`, `year`.
    #[param(example = "kind,year")]
    pub group_by: Option<String>,
    /// Only events that have these values: `dimension:code`, comma-separated, or `none` for no value. Of
    /// one dimension any of its values, of several dimensions all.
    #[param(example = "kind:round_table,kind:conference")]
    pub filter: Option<String>,
    /// Which topic an event counts for: the one on the record, or what replaced it since.
    #[param(inline)]
    #[serde(default)]
    pub topics: TopicsAs,
}

/// What to count.
#[derive(Clone, Debug)]
pub struct EventStatisticsQuery {
    pub funding_period_id: FundingPeriodId,
    pub window: Window,
    pub group_by: Vec<EventDimension>,
    pub conditions: Vec<Condition<EventDimension>>,
    pub topics: TopicsAs,
}

impl EventStatisticsParams {
    /// # Errors
    /// `Malformed` for unknown, repeated or too many dimensions; `Invalid` when the window is upside down
    /// or leaves the period.
    pub fn query(&self, period: &FundingPeriod) -> Result<EventStatisticsQuery> {
        let window = Window::of(period, self.from, self.to)?;
        let group_by = dimensions(self.group_by.as_deref())?;
        Ok(EventStatisticsQuery {
            funding_period_id: period.id,
            window,
            group_by,
            conditions: conditions("filter", self.filter.as_deref())?,
            topics: self.topics,
        })
    }
}

/// The figures of one group, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventFigures {
    /// Events that were held, each once.
    pub events: i64,
    /// Heads of participants that were there; speakers and staff are not among them.
    pub participations: i64,
    /// Of these, of companies.
    pub of_companies: i64,
    /// Of these, of actors.
    pub of_actors: i64,
    /// Of these, of no organisation that is known.
    pub unnamed: i64,
    /// Distinct companies and actors of which somebody was there.
    pub organisations: i64,
    pub companies: i64,
    pub actors: i64,
}

impl EventFigures {
    /// Names and values in the order of the documentation.
    #[must_use]
    pub fn columns(&self) -> [(&'static str, i64); 8] {
        [
            ("events", self.events),
            ("participations", self.participations),
            ("of_companies", self.of_companies),
            ("of_actors", self.of_actors),
            ("unnamed", self.unnamed),
            ("organisations", self.organisations),
            ("companies", self.companies),
            ("actors", self.actors),
        ]
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventGroup {
    /// The value of each dimension asked for.
    #[schema(example = json!({"kind": {"code": "round_table", "label": "Round table"}}))]
    pub key: BTreeMap<EventDimension, GroupValue>,
    #[serde(flatten)]
    pub figures: EventFigures,
    /// Where the records behind these figures are: a URI template (RFC 6570) that wants the name of one.
    #[schema(
        example = "/api/v1/statistics/events/explain?funding_period_id=01890000-0000-7000-8000-000000000302&group=kind:round_table{&figure}"
    )]
    pub explanation: String,
}

impl EventGroup {
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
pub struct EventStatistics {
    pub period: Reference,
    pub window: Window,
    #[schema(example = "2026.4")]
    pub rules_version: String,
    pub scope: FigureScope,
    /// The dimensions in the order asked for.
    pub group_by: Vec<EventDimension>,
    /// What the events were filtered by.
    pub filter: Vec<Condition<EventDimension>>,
    pub totals: EventFigures,
    /// As of groups, for the totals.
    pub explanation: String,
    pub groups: Vec<EventGroup>,
    /// Per column: whether the rows of this grouping may be summed to the total.
    #[schema(example = json!({"events": true, "organisations": false}))]
    pub additive: BTreeMap<String, bool>,
}

/// Per column: whether the rows of this grouping add up to the total.
///
/// - Topics and districts are multiple answers (rule 4): an event stands in the row of each.
/// - An organisation may take part in several events and is counted in each row that has one of them.
#[must_use]
pub fn additive(group_by: &[EventDimension]) -> BTreeMap<String, bool> {
    let single_answer = !group_by
        .iter()
        .any(|dimension| matches!(dimension, EventDimension::Topic | EventDimension::District));
    EventFigures::default()
        .columns()
        .into_iter()
        .map(|(column, _)| {
            let distinct = matches!(column, "organisations" | "companies" | "actors");
            // Without a grouping there is nothing that could be summed wrongly.
            (column.to_owned(), group_by.is_empty() || (single_answer && !distinct))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_adds_up() {
        let adds_up = |group_by: &[EventDimension], column: &str| additive(group_by)[column];
        assert!(adds_up(&[EventDimension::Kind, EventDimension::Year], "participations"));
        assert!(!adds_up(&[EventDimension::Kind], "organisations"));
        assert!(!adds_up(&[EventDimension::District], "events"));
        assert!(!adds_up(&[EventDimension::Kind, EventDimension::Topic], "unnamed"));
        assert!(adds_up(&[], "companies"));
    }
}
