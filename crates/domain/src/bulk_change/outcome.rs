//! What came of records, and what would come of them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::BulkOutcome;
use crate::error::{Error, Result, Violation};
use crate::merge;

/// How many records came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkCounts {
    pub changed: i64,
    pub unchanged: i64,
    pub changed_since: i64,
    pub refused: i64,
    pub not_found: i64,
}

impl BulkCounts {
    pub fn add(&mut self, outcome: BulkOutcome) {
        match outcome {
            BulkOutcome::Changed => self.changed += 1,
            BulkOutcome::Unchanged => self.unchanged += 1,
            BulkOutcome::ChangedSince => self.changed_since += 1,
            BulkOutcome::Refused => self.refused += 1,
            BulkOutcome::NotFound => self.not_found += 1,
        }
    }
}

/// One of the records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkRow {
    /// Its place in the selection, from 1 on.
    pub number: i64,
    pub record_id: Uuid,
    /// The version that it had when it was selected; null where there was no such record for the caller.
    #[schema(required)]
    pub record_version: Option<i64>,
    /// Null until something came of it.
    #[schema(required)]
    pub outcome: Option<BulkOutcome>,
    /// Why it was refused. A pointer leads into the command that changes one such record.
    pub errors: Vec<Violation>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BulkRowFilter {
    pub outcome: Option<BulkOutcome>,
}

/// Why records were refused in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkRepeatedError {
    pub error: Violation,
    pub rows: i64,
    pub first_row: i64,
}

/// What would come of all records that nothing came of yet. Nothing was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkDryRun {
    pub counts: BulkCounts,
    pub errors: Vec<BulkRepeatedError>,
}

impl BulkDryRun {
    /// More kinds of error than this are no longer told apart; the preview has them row by row.
    const MOST_ERRORS: usize = 200;

    pub fn add(&mut self, row: &BulkRow) {
        if let Some(outcome) = row.outcome {
            self.counts.add(outcome);
        }
        for error in &row.errors {
            if let Some(known) = self.errors.iter_mut().find(|known| known.error == *error) {
                known.rows += 1;
            } else if self.errors.len() < Self::MOST_ERRORS {
                let error = error.clone();
                self.errors.push(BulkRepeatedError { error, rows: 1, first_row: row.number });
            }
        }
    }
}

/// What the change of one record came to; `true` when it changed something.
///
/// # Errors
/// What says nothing of the record: the whole is tried again then, or fails.
pub fn outcome_of(result: Result<bool>) -> Result<(BulkOutcome, Vec<Violation>)> {
    let refused = |code: &str, message: String| {
        let error = Violation { pointer: String::new(), code: code.to_owned(), message };
        Ok((BulkOutcome::Refused, vec![error]))
    };
    match result {
        Ok(true) => Ok((BulkOutcome::Changed, Vec::new())),
        Ok(false) => Ok((BulkOutcome::Unchanged, Vec::new())),
        Err(Error::NotFound(_)) => Ok((BulkOutcome::NotFound, Vec::new())),
        Err(Error::Stale { .. }) => Ok((BulkOutcome::ChangedSince, Vec::new())),
        Err(Error::Merged { into, .. }) => outcome_of(Err(merge::refusal(&into))),
        Err(Error::Invalid(errors)) => Ok((BulkOutcome::Refused, errors)),
        Err(Error::Conflict { code, detail }) => refused(code, detail),
        Err(Error::Forbidden(detail)) => refused("forbidden", detail),
        Err(other) => Err(other),
    }
}
