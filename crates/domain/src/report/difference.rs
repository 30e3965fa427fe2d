//! What a report would say otherwise today, and which later entries are the reason.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Fact, ReportContent};
use crate::audit::HistoryEntry;
use crate::code::{Code, codes};
use crate::event_statistics::EventFigures;
use crate::id::FundingPeriodId;
use crate::indicator::{EventFigure, IndicatorReference};
use crate::organisation::OrganisationReference;
use crate::statistics::{Figure, Figures};

codes! {
    "report_difference" DifferenceKind {
        /// It counts today and was not frozen: entered later, or changed so that it counts.
        Added,
        /// It was frozen and does not count today: voided, cancelled, or moved to another period.
        Removed,
        /// It was frozen with other facts.
        Changed,
    }
}

/// A figure of the totals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FigureDifference {
    pub figure: Figure,
    pub reported: i64,
    pub today: i64,
}

/// A fact that is another one today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedField {
    #[schema(example = "minutes")]
    pub field: String,
    #[schema(value_type = Object)]
    pub reported: Value,
    #[schema(value_type = Object)]
    pub today: Value,
}

/// A figure of the totals of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventFigureDifference {
    pub figure: EventFigure,
    pub reported: i64,
    pub today: i64,
}

/// The value of an indicator by the rule that was frozen. Those of accompaniments come from plans and are not
/// counted anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndicatorDifference {
    pub indicator: IndicatorReference,
    pub reported: i64,
    pub today: i64,
}

codes! {
    /// What makes a difference.
    "report_record" ReportRecord { Consultation, Event }
}

/// A consultation or an event that makes a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportDifference {
    pub record: ReportRecord,
    pub id: Uuid,
    pub kind: DifferenceKind,
    /// When it was held, or began.
    pub held_on: NaiveDate,
    /// Of a consultation, if it was not anonymous.
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    /// Of an event.
    #[schema(required)]
    pub title: Option<String>,
    /// Of one that was frozen with other facts.
    pub fields: Vec<ChangedField>,
    /// What became of it since the report was submitted, the latest first; of its company or actor too where
    /// a class on record was filled in, of the funding period where its minimum minutes matter, and of the
    /// participations of an event.
    pub entries: Vec<HistoryEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportDifferences {
    /// Those totals of consultations that would differ.
    pub figures: Vec<FigureDifference>,
    /// Those totals of events that would differ.
    pub event_figures: Vec<EventFigureDifference>,
    /// Those indicators that would differ.
    pub indicators: Vec<IndicatorDifference>,
    /// How many records make a difference.
    pub records: i64,
    pub items: Vec<ReportDifference>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// Of two contents, what was reported and what would be today.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    pub reported: &'a ReportContent,
    pub today: &'a ReportContent,
}

impl Compared<'_> {
    #[must_use]
    pub fn figures(self) -> Vec<FigureDifference> {
        let totals = |content: &ReportContent| -> Figures {
            let rows = content.consultations.first().map(|table| &table.rows);
            rows.and_then(|rows| rows.first()).map(|row| row.figures).unwrap_or_default()
        };
        let (reported, today) = (totals(self.reported), totals(self.today));
        let all = Figure::all().into_iter().map(|figure| FigureDifference {
            figure,
            reported: figure.of(&reported),
            today: figure.of(&today),
        });
        all.filter(|it| it.reported != it.today).collect()
    }

    #[must_use]
    pub fn event_figures(self) -> Vec<EventFigureDifference> {
        let totals = |content: &ReportContent| -> EventFigures {
            let rows = content.events.first().map(|table| &table.rows);
            rows.and_then(|rows| rows.first()).map(|row| row.figures).unwrap_or_default()
        };
        let (reported, today) = (totals(self.reported), totals(self.today));
        let all = EventFigure::all().into_iter().map(|figure| EventFigureDifference {
            figure,
            reported: figure.of(&reported),
            today: figure.of(&today),
        });
        all.filter(|it| it.reported != it.today).collect()
    }

    #[must_use]
    pub fn indicators(self) -> Vec<IndicatorDifference> {
        let today = |code: &str| {
            let found = self.today.indicators.iter().find(|it| it.indicator.code == code);
            found.map_or(0, |it| it.value)
        };
        let all = self.reported.indicators.iter().map(|it| IndicatorDifference {
            today: today(&it.indicator.code),
            reported: it.value,
            indicator: it.indicator.clone(),
        });
        all.filter(|it| it.reported != it.today).collect()
    }
}

/// What of a record counts otherwise. Its version alone makes no difference.
#[must_use]
pub fn changed(reported: &impl Serialize, today: &impl Serialize) -> Vec<ChangedField> {
    let today = fields(today);
    fields(reported)
        .into_iter()
        .filter(|(field, _)| field != "version")
        .filter_map(|(field, reported)| {
            let today = today.get(&field).cloned().unwrap_or(Value::Null);
            (reported != today).then_some(ChangedField { field, reported, today })
        })
        .collect()
}

fn fields(fact: &impl Serialize) -> serde_json::Map<String, Value> {
    match serde_json::to_value(fact) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}

/// The records besides a consultation whose history is the reason for what changed of it.
#[must_use]
pub fn also_answerable(
    changed: &[ChangedField],
    today: &Fact,
    period: FundingPeriodId,
) -> Vec<Uuid> {
    const FILLED_IN: [&str; 4] = ["size_class", "section", "actor_type", "organisation_kind"];
    let any = |fields: &[&str]| changed.iter().any(|it| fields.contains(&it.field.as_str()));
    let organisation = today.organisation.filter(|_| any(&FILLED_IN));
    organisation.into_iter().chain(any(&["short"]).then_some(period.0)).collect()
}
