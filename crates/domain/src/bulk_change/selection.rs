//! Which records are changed.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{BulkChangeInput, BulkTarget};
use crate::actor::ActorFilter;
use crate::check::{Checks, shape_violation};
use crate::company::CompanyFilter;
use crate::consultation::ConsultationFilter;
use crate::error::{Error, Result};
use crate::referral::ReferralFilter;
use crate::task::TaskFilter;

/// More is for several bulk changes: all of one are written down in one transaction.
pub const MOST_RECORDS: usize = 10_000;

/// The records as the input names them.
#[derive(Clone, Debug)]
pub enum BulkSelection {
    Ids(Vec<Uuid>),
    Companies(CompanyFilter),
    Actors(ActorFilter),
    Consultations(ConsultationFilter),
    Tasks(TaskFilter),
    Referrals(ReferralFilter),
}

/// A record with the version that it had; none where there is no such record for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectedRecord {
    pub id: Uuid,
    pub version: Option<i64>,
}

impl BulkSelection {
    pub(super) fn of(input: &BulkChangeInput) -> Result<Self> {
        match (&input.ids, &input.filter) {
            (Some(ids), None) => {
                let mut checks = Checks::new();
                let ids = checks.named("/ids", ids, (1, MOST_RECORDS), |id| Ok(*id));
                checks.finish()?;
                Ok(Self::Ids(ids))
            }
            (None, Some(filter)) => {
                let read = match input.target {
                    BulkTarget::Companies => typed(filter).map(Self::Companies),
                    BulkTarget::Actors => typed(filter).map(Self::Actors),
                    BulkTarget::Consultations => typed(filter).map(Self::Consultations),
                    BulkTarget::Tasks => typed(filter).map(Self::Tasks),
                    BulkTarget::Referrals => typed(filter).map(Self::Referrals),
                    BulkTarget::Contacts => {
                        Err(Error::invalid("", "ids_only", "contacts are named by their ids"))
                    }
                };
                read.map_err(|error| error.below("/filter"))
            }
            (None, None) => {
                Err(Error::invalid("/ids", "missing", "name the records by ids or by a filter"))
            }
            (Some(_), Some(_)) => {
                Err(Error::invalid("/filter", "ids_too", "must be absent when ids are named"))
            }
        }
    }

    /// # Errors
    /// `Invalid` when there are more records than one bulk change takes.
    pub fn check_number(found: usize) -> Result<()> {
        if found <= MOST_RECORDS {
            return Ok(());
        }
        Err(Error::invalid("/filter", "too_many", "must not match more than 10000 records"))
    }
}

/// As the list itself reads it.
fn typed<F: DeserializeOwned>(filter: &Map<String, Value>) -> Result<F> {
    serde_path_to_error::deserialize(Value::Object(filter.clone()))
        .map_err(|error| Error::Invalid(vec![shape_violation(error.path(), error.inner())]))
}
