//! What came of rows, and what would come of them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ImportOutcome, ImportUndoOutcome};

/// How many rows came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportCounts {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub skipped: i64,
    pub refused: i64,
}

impl ImportCounts {
    pub fn add(&mut self, outcome: ImportOutcome) {
        match outcome {
            ImportOutcome::Created => self.created += 1,
            ImportOutcome::Updated => self.updated += 1,
            ImportOutcome::Unchanged => self.unchanged += 1,
            ImportOutcome::Skipped => self.skipped += 1,
            ImportOutcome::Refused => self.refused += 1,
        }
    }
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowError {
    /// The header of the column; null for what is wrong with the row as a whole.
    #[schema(required, example = "PLZ")]
    pub column: Option<String>,
    #[schema(example = "not_a_postcode")]
    pub code: String,
    #[schema(example = "must have five digits in Germany")]
    pub message: String,
}

/// What came of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportRow {
    /// Its line in the table; the header is the first.
    pub number: i64,
    pub outcome: ImportOutcome,
    #[schema(required)]
    pub record_id: Option<Uuid>,
    /// The version of the record that came of it.
    #[schema(required)]
    pub record_version: Option<i64>,
    pub errors: Vec<RowError>,
    #[schema(required)]
    pub undone: Option<ImportUndoOutcome>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportRowFilter {
    pub outcome: Option<ImportOutcome>,
    pub undone: Option<ImportUndoOutcome>,
}

/// What would come of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedRow {
    pub number: i64,
    pub outcome: ImportOutcome,
    /// The record that is there.
    #[schema(required)]
    pub record_id: Option<Uuid>,
    pub cells: Vec<String>,
    pub errors: Vec<RowError>,
}

/// What is wrong in the same way in one or more rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepeatedError {
    pub error: RowError,
    pub rows: i64,
    pub first_row: i64,
}

/// What would come of the whole file. Nothing was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    pub counts: ImportCounts,
    pub errors: Vec<RepeatedError>,
}

impl DryRun {
    /// More kinds of error than this are no longer told apart; the preview has them row by row.
    const MOST_ERRORS: usize = 200;

    pub fn add(&mut self, row: &PlannedRow) {
        self.counts.add(row.outcome);
        for error in &row.errors {
            if let Some(known) = self.errors.iter_mut().find(|known| known.error == *error) {
                known.rows += 1;
            } else if self.errors.len() < Self::MOST_ERRORS {
                let error = error.clone();
                self.errors.push(RepeatedError { error, rows: 1, first_row: row.number });
            }
        }
    }
}
