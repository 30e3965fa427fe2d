//! Indicator (Indikator): a named figure by a rule that has versions. A funder's definition changes, and a
//! report must name the one that it was made by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::IndicatorId;
use crate::policy::Actor;
use crate::statistics::Window;

mod rule;
mod shipped;
mod value;
pub use rule::{
    CarrierSetting, EventFigure, IndicatorRule, IndicatorSetting, IndicatorUnit, ProgrammeFigure,
};
pub use shipped::{Shipped, shipped};
pub use value::{
    IndicatorTrial, IndicatorTrialParams, IndicatorValue, IndicatorValues, IndicatorValuesParams,
    MAX_SHOWN, TrialRecord,
};

codes! {
    /// Draft → active → retired.
    "indicator_status" IndicatorStatus {
        /// Can be changed and tried; nothing is reported by it.
        Draft,
        /// Frozen; figures are made by it.
        Active,
        /// Replaced by a later version, or given up. What was reported by it names it.
        Retired,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "round_tables",
    "label_de": "Runde Tische", "label_en": "Round tables",
    "text_de": "Durchgeführte Runde Tische.", "text_en": "Round tables that were held.",
    "rule": {
        "subject": "events", "figure": "events",
        "conditions": [{"dimension": "kind", "codes": ["round_table"]}]
    }
}))]
pub struct IndicatorInput {
    /// Lower-case words joined by `_`; all versions of an indicator share it.
    #[schema(pattern = "^[a-z][a-z0-9_]{1,49}$", example = "eeco19")]
    pub code: String,
    #[schema(min_length = 1, max_length = 200)]
    pub label_de: String,
    #[schema(min_length = 1, max_length = 200)]
    pub label_en: String,
    /// The rule in words.
    #[schema(min_length = 1, max_length = 2000)]
    pub text_de: String,
    #[schema(min_length = 1, max_length = 2000)]
    pub text_en: String,
    /// Where the definition comes from: a regulation, a guideline, a grant notice.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub source: Option<String>,
    pub rule: IndicatorRule,
}

/// When and by whom a version was activated or retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndicatorEvent {
    pub at: DateTime<Utc>,
    /// Null for what ships with the program.
    #[schema(required)]
    pub by: Option<Reference>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Indicator {
    pub id: IndicatorId,
    #[schema(example = "eeco19")]
    pub code: String,
    /// 1 for the first version.
    pub version_number: i32,
    pub status: IndicatorStatus,
    pub label_de: String,
    pub label_en: String,
    pub text_de: String,
    pub text_en: String,
    #[schema(required)]
    pub source: Option<String>,
    pub rule: IndicatorRule,
    /// What it counts.
    pub unit: IndicatorUnit,
    /// What is counted once: a field of the records.
    #[schema(example = "organisation_id")]
    pub distinct_key: String,
    /// The date that decides whether a record lies in a window.
    #[schema(example = "held_on")]
    pub date_field: String,
    /// Whether the values of windows that follow each other may be summed.
    pub additive: bool,
    #[schema(required)]
    pub activated: Option<IndicatorEvent>,
    #[schema(required)]
    pub retired: Option<IndicatorEvent>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A version of an indicator in another record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndicatorReference {
    pub id: IndicatorId,
    pub code: String,
    pub version_number: i32,
    pub label_de: String,
    pub label_en: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IndicatorFilter {
    /// All versions of one indicator.
    pub code: Option<String>,
    pub status: Option<IndicatorStatus>,
}

/// What there is of a code.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub latest: i32,
    /// The version number of the draft.
    pub draft: Option<i32>,
}

impl Indicator {
    /// A draft, the next version of its code.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong; `Conflict` when there is a draft of that code.
    pub fn new(
        id: IndicatorId,
        now: DateTime<Utc>,
        input: &IndicatorInput,
        context: &Context,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        checks.require(
            is_code(&input.code),
            "/code",
            "not_a_code",
            "must be lower-case words joined by _, up to 50 characters",
        );
        let label_de = checks.line("/label_de", &input.label_de, 200);
        let label_en = checks.line("/label_en", &input.label_en, 200);
        let text_de = checks.line("/text_de", &input.text_de, 2000);
        let text_en = checks.line("/text_en", &input.text_en, 2000);
        let source = checks.optional_line("/source", input.source.as_deref(), 300);
        input.rule.check(&mut checks);
        checks.finish()?;
        if let Some(draft) = context.draft {
            return Err(Error::conflict(
                "draft_exists",
                format!(
                    "Version {draft} of {} is a draft; change or activate that one.",
                    input.code
                ),
            ));
        }
        Ok(Self {
            id,
            code: input.code.clone(),
            version_number: context.latest + 1,
            status: IndicatorStatus::Draft,
            label_de,
            label_en,
            text_de,
            text_en,
            source,
            unit: input.rule.unit(),
            distinct_key: input.rule.distinct_key().to_owned(),
            date_field: input.rule.date_field().to_owned(),
            additive: input.rule.is_additive(),
            rule: input.rule.clone(),
            activated: None,
            retired: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is no draft.
    pub fn changed(&self, now: DateTime<Utc>, input: &IndicatorInput) -> Result<Self> {
        self.check_is(IndicatorStatus::Draft)?;
        let latest = self.version_number - 1;
        let new = Self::new(self.id, now, input, &Context { latest, draft: None })?;
        let mut checks = Checks::new();
        checks.require(new.code == self.code, "/code", "immutable", "cannot change");
        checks.finish()?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

    /// # Errors
    /// `Conflict` when it is no draft.
    pub fn activated(&self, now: DateTime<Utc>, actor: &Actor) -> Result<Self> {
        self.check_is(IndicatorStatus::Draft)?;
        let activated = Some(IndicatorEvent { at: now, by: Some(actor.reference()) });
        Ok(Self { status: IndicatorStatus::Active, activated, ..self.next(now) })
    }

    /// # Errors
    /// `Conflict` when it is not active.
    pub fn retired(&self, now: DateTime<Utc>, actor: &Actor) -> Result<Self> {
        self.check_is(IndicatorStatus::Active)?;
        let retired = Some(IndicatorEvent { at: now, by: Some(actor.reference()) });
        Ok(Self { status: IndicatorStatus::Retired, retired, ..self.next(now) })
    }

    #[must_use]
    pub fn reference(&self) -> IndicatorReference {
        IndicatorReference {
            id: self.id,
            code: self.code.clone(),
            version_number: self.version_number,
            label_de: self.label_de.clone(),
            label_en: self.label_en.clone(),
        }
    }

    fn check_is(&self, status: IndicatorStatus) -> Result<()> {
        if self.status == status {
            return Ok(());
        }
        let (code, message) = match status {
            IndicatorStatus::Draft => (
                "not_a_draft",
                "it is frozen; create the next version with a POST of the same code",
            ),
            _ => ("not_active", "only what is active is retired"),
        };
        Err(Error::conflict(
            code,
            format!("Version {} of {}: {message}.", self.version_number, self.code),
        ))
    }

    fn next(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}

/// Lower-case words joined by `_`.
fn is_code(code: &str) -> bool {
    (2..=50).contains(&code.len())
        && code.starts_with(|c: char| c.is_ascii_lowercase())
        && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl From<&Indicator> for IndicatorInput {
    fn from(indicator: &Indicator) -> Self {
        Self {
            code: indicator.code.clone(),
            label_de: indicator.label_de.clone(),
            label_en: indicator.label_en.clone(),
            text_de: indicator.text_de.clone(),
            text_en: indicator.text_en.clone(),
            source: indicator.source.clone(),
            rule: indicator.rule.clone(),
        }
    }
}

impl Entity for Indicator {
    const KIND: EntityKind = EntityKind::Indicator;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}
