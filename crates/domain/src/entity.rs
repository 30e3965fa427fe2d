//! What every resource has: an id, a version, a kind, and references to others.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::code::codes;
use crate::error::{Error, Result};
use crate::id::CarrierId;

codes! {
    /// The kinds of record that have a history.
    "entity_kind" EntityKind {
        Accompaniment, Actor, ApiKey, Assignment, Attachment, BulkChange, Carrier, Company, Consultation, Contact,
        Correction, Coverage, District, DuplicatePair, DuplicateSettings, Establishment, Event, EventSeries,
        FundingPeriod, Import, ImportProfile, Indicator, Job, Merge,
        Participation, ProgrammeTemplate, RecruitmentCase, Referral, Report, SavedView, Site, Tag, Target, Task, Topic,
        User,
    }
}

impl EntityKind {
    /// The collection under `/api/v1` that holds records of this kind.
    #[must_use]
    pub fn collection(self) -> &'static str {
        match self {
            Self::Accompaniment => "accompaniments",
            Self::Actor => "actors",
            Self::ApiKey => "api-keys",
            Self::Assignment => "assignments",
            Self::Attachment => "attachments",
            Self::BulkChange => "bulk-changes",
            Self::Carrier => "carriers",
            Self::Company => "companies",
            Self::Consultation => "consultations",
            Self::Contact => "contacts",
            Self::Correction => "corrections",
            Self::Coverage => "coverages",
            Self::District => "districts",
            Self::DuplicatePair => "duplicates",
            Self::DuplicateSettings => "duplicate-settings",
            Self::Establishment => "establishments",
            Self::Event => "events",
            Self::EventSeries => "event-series",
            Self::FundingPeriod => "funding-periods",
            Self::Import => "imports",
            Self::ImportProfile => "import-profiles",
            Self::Indicator => "indicators",
            Self::Merge => "merges",
            Self::Job => "jobs",
            Self::Participation => "participations",
            Self::ProgrammeTemplate => "programme-templates",
            Self::RecruitmentCase => "recruitment-cases",
            Self::Report => "reports",
            Self::SavedView => "saved-views",
            Self::Site => "sites",
            Self::Tag => "tags",
            Self::Target => "targets",
            Self::Topic => "topics",
            Self::User => "users",
            Self::Task => "tasks",
            Self::Referral => "referrals",
        }
    }
}

/// A resource of the API.
pub trait Entity: Serialize {
    const KIND: EntityKind;

    fn id(&self) -> Uuid;
    fn version(&self) -> i64;

    /// The carrier whose record it is; none where the network shares it.
    fn carrier(&self) -> Option<CarrierId> {
        None
    }
}

/// The version that the caller saw and means to change.
///
/// # Errors
/// `Stale` when the record has moved on.
pub fn check_version(entity: &impl Entity, seen: i64) -> Result<()> {
    if entity.version() == seen { Ok(()) } else { Err(Error::Stale { current: entity.version() }) }
}

/// Another record: its id, and its name so that a client can show it without a second call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    pub id: Uuid,
    #[schema(example = "Frankfurt am Main")]
    pub name: String,
}

impl Reference {
    pub fn new(id: impl Into<Uuid>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into() }
    }
}

/// Why and when a record was archived. Nothing vanishes: an archived record is left out of lists
/// unless asked for, and stays readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Archived {
    pub at: chrono::DateTime<chrono::Utc>,
    #[schema(example = "Ceased trading")]
    pub reason: String,
}

/// The body of the actions that need a reason (archive, void).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Entered twice"}))]
pub struct ReasonInput {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

impl ReasonInput {
    /// # Errors
    /// `Invalid` when the reason is blank or too long.
    pub fn checked(&self) -> Result<String> {
        let mut checks = crate::check::Checks::new();
        let reason = checks.line("/reason", &self.reason, 500);
        checks.finish()?;
        Ok(reason)
    }
}
