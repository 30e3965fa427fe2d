//! From which scores on the check for duplicates asks and shows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::{Uuid, uuid};

use crate::check::Checks;
use crate::duplicate::SIMILAR;
use crate::entity::{Entity, EntityKind};
use crate::error::Result;

/// An installation has one, so its id is no secret and never changes.
pub const ID: Uuid = uuid!("01890000-0000-7000-8000-00000000dd01");

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ask_from": 0.6, "queue_from": 0.7}))]
pub struct DuplicateSettingsInput {
    /// Who enters an organisation is asked about others with this score or more, 0.6 to 1 in hundredths.
    #[schema(minimum = 0.6, maximum = 1)]
    pub ask_from: f64,
    /// Suspected pairs are shown from this score on, 0.6 to 1 in hundredths.
    #[schema(minimum = 0.6, maximum = 1)]
    pub queue_from: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DuplicateSettings {
    /// Who enters an organisation is asked about others with this score or more.
    #[schema(minimum = 0.6, maximum = 1, example = 0.6)]
    pub ask_from: f64,
    /// Suspected pairs are shown from this score on.
    #[schema(minimum = 0.6, maximum = 1, example = 0.6)]
    pub queue_from: f64,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

impl DuplicateSettings {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn changed(&self, now: DateTime<Utc>, input: &DuplicateSettingsInput) -> Result<Self> {
        let mut checks = Checks::new();
        for (pointer, score) in [("/ask_from", input.ask_from), ("/queue_from", input.queue_from)] {
            checks.range(pointer, score, SIMILAR, 1.0);
            // Scores are rounded, so what lies between two of them says the same as the next one.
            checks.require(
                (score * 100.0 - (score * 100.0).round()).abs() < 1e-9,
                pointer,
                "not_in_hundredths",
                "must have two decimals at most",
            );
        }
        checks.finish()?;
        Ok(Self {
            ask_from: input.ask_from,
            queue_from: input.queue_from,
            version: self.version + 1,
            updated_at: now,
        })
    }
}

impl From<&DuplicateSettings> for DuplicateSettingsInput {
    fn from(settings: &DuplicateSettings) -> Self {
        Self { ask_from: settings.ask_from, queue_from: settings.queue_from }
    }
}

impl Entity for DuplicateSettings {
    const KIND: EntityKind = EntityKind::DuplicateSettings;

    fn id(&self) -> Uuid {
        ID
    }

    fn version(&self) -> i64 {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_lies_where_scores_are() {
        let now = "2026-03-16T09:00:00Z".parse().unwrap();
        let settings =
            DuplicateSettings { ask_from: 0.6, queue_from: 0.6, version: 1, updated_at: now };
        let with = |ask_from, queue_from| {
            settings.changed(now, &DuplicateSettingsInput { ask_from, queue_from })
        };
        assert_eq!(with(0.7, 1.0).unwrap().version, 2);
        for right in 60..=100 {
            assert!(with(f64::from(right) / 100.0, 0.6).is_ok(), "{right}");
        }
        for wrong in [0.59, 1.01, 0.605, f64::NAN] {
            assert!(with(wrong, 0.6).is_err() && with(0.6, wrong).is_err(), "{wrong}");
        }
    }
}
