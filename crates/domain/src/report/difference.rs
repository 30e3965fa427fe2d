//! What a report would say otherwise today, and which later entries are the reason.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Fact;
use crate::audit::HistoryEntry;
use crate::code::codes;
use crate::organisation::OrganisationReference;
use crate::statistics::Figure;

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

/// A consultation that makes a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportDifference {
    pub id: Uuid,
    pub kind: DifferenceKind,
    pub held_on: NaiveDate,
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    /// Of one that was frozen with other facts.
    pub fields: Vec<ChangedField>,
    /// What became of it since the report was submitted, the latest first.
    pub entries: Vec<HistoryEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportDifferences {
    /// Those totals of consultations that would differ.
    pub figures: Vec<FigureDifference>,
    /// How many records make a difference.
    pub records: i64,
    pub items: Vec<ReportDifference>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// What of a record counts otherwise. Its version alone makes no difference.
#[must_use]
pub fn changed(reported: &Fact, today: &Fact) -> Vec<ChangedField> {
    let fields = |fact: &Fact| match serde_json::to_value(fact) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
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
