//! Consultation (Beratung): what was said to whom, when, where, by whom and about what.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::codes;
use crate::country::Country;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{
    AccompanimentId, CarrierId, ConsultationId, ContactId, DistrictId, EstablishmentId, EventId,
    FundingPeriodId, OrganisationId, RecruitmentCaseId, SiteId, TagId, UserId,
};
use crate::industry::Classification;
use crate::occupation::{Occupation, OccupationInput};
use crate::organisation::OrganisationReference;
use crate::policy::{Actor, Role};
use crate::report::TouchedFigures;
use crate::size_class::SizeClass;

mod note_warning;
mod rules;
pub use note_warning::{NoteWarning, note_warnings};
pub(crate) use rules::kept_district;
pub use rules::{Context, MAX_NAMED, Named, OrganisationFacts};

pub const MAX_MINUTES: i32 = 24 * 60;

codes! {
    "channel" Channel { InPerson, OnSite, Phone, Video, Email, EventStand }
}

codes! {
    "consultation_status" ConsultationStatus {
        Held, Cancelled, NoShow,
        /// Taken back with a reason; set by `POST …/void` only.
        Voided,
    }
}

codes! {
    /// Derived from the other records of the funding period, never typed.
    "consultation_kind" ConsultationKind {
        /// Below the period's minimum minutes: shown, but outside the headline.
        ShortInformation,
        /// The earliest countable consultation of the organisation in the period.
        First,
        /// Every later one.
        FollowUp,
        /// Without an organisation: counts as a consultation, never as an organisation.
        Anonymous,
    }
}

codes! {
    "outcome" Outcome {
        Clarified, FollowUpAgreed, CaseOpened, ProgrammeEnrolled, Referred, NotFeasible, Withdrawn,
    }
}

/// What is known of somebody who stays anonymous.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"district_id": "01890000-0000-7000-8000-000006412000", "size_class": "small"}))]
pub struct AnonymousInput {
    pub district_id: Option<DistrictId>,
    /// Goes with `section`.
    pub classification: Option<Classification>,
    /// Section letter of the classification.
    #[schema(pattern = "^[A-V]$")]
    pub section: Option<String>,
    pub size_class: Option<SizeClass>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "organisation_id": "01890000-0000-7000-8000-0000000a0001",
    "site_id": "01890000-0000-7000-8000-000000000201",
    "held_on": "2026-03-12",
    "minutes": 45,
    "channel": "video",
    "adviser_ids": ["01890000-0000-7000-8000-0000000b0001"],
    "topics": ["blue_card", "fast_track"],
    "occupations": [{"code": "26302", "workers": 2}],
    "countries": ["MA"],
    "notes": "Two vacancies for electronics technicians; fast track explained.",
    "outcome": "follow_up_agreed"
}))]
pub struct ConsultationInput {
    /// Whom it was held with; null for an anonymous consultation.
    pub organisation_id: Option<OrganisationId>,
    /// The establishment of the company that it was about.
    pub establishment_id: Option<EstablishmentId>,
    /// A site of the own carrier.
    pub site_id: SiteId,
    /// Date in the network's time zone; not in the future, in an open funding period.
    #[serde(deserialize_with = "crate::time::date")]
    pub held_on: NaiveDate,
    /// Start, `HH:MM:SS` in the network's time zone; orders consultations of one day.
    #[schema(value_type = Option<String>, example = "09:30:00")]
    pub starts_at: Option<NaiveTime>,
    #[schema(minimum = 1, maximum = 1440)]
    pub minutes: i32,
    /// Minutes of preparation and follow-up work; figures have them apart from `minutes`.
    #[schema(minimum = 0, maximum = 1440)]
    pub preparation_minutes: Option<i32>,
    pub channel: Channel,
    /// `held`, `cancelled` or `no_show`.
    #[serde(default = "held")]
    pub status: ConsultationStatus,
    /// 1 to 20 advisers of the site's carrier; the first one leads.
    #[schema(min_items = 1, max_items = 20)]
    pub adviser_ids: Vec<UserId>,
    /// 1 to 20 codes of topics valid on the date; the first one is primary.
    #[schema(min_items = 1, max_items = 20)]
    pub topics: Vec<String>,
    /// Whom of the organisation it was held with, at most 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub contact_ids: Vec<ContactId>,
    /// What workers the company seeks, at most 20 occupations.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub occupations: Vec<OccupationInput>,
    /// Apprentices sought.
    #[schema(minimum = 1, maximum = 10_000)]
    pub apprentices: Option<i32>,
    /// Countries of origin, at most 20: ISO 3166-1 alpha-2, and `XK` for Kosovo.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["MA", "XK"]))]
    pub countries: Vec<String>,
    /// What was said, without names of candidates. Up to 10,000 characters. `note_warnings` of the
    /// answer tells what looks like personal data of a candidate.
    #[schema(max_length = 10_000)]
    pub notes: Option<String>,
    pub outcome: Option<Outcome>,
    /// For anonymous consultations only.
    pub anonymous: Option<AnonymousInput>,
    /// The event of the own carrier that it was held at. Attendance by itself is no consultation.
    pub event_id: Option<EventId>,
    /// The accompaniment that it belongs to: one of the organisation by the own carrier.
    pub accompaniment_id: Option<AccompanimentId>,
    /// The recruitment case that it is about: one of the organisation by the own carrier, and of the
    /// accompaniment where that is named too.
    pub recruitment_case_id: Option<RecruitmentCaseId>,
}

fn held() -> ConsultationStatus {
    ConsultationStatus::Held
}

/// A topic in a consultation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicReference {
    #[schema(example = "blue_card")]
    pub code: String,
    pub label_de: String,
    pub label_en: String,
}

/// Why, when and by whom a consultation was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Voided {
    pub at: DateTime<Utc>,
    pub by: Reference,
    pub reason: String,
}

/// A consultation in another record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsultationReference {
    pub id: ConsultationId,
    pub held_on: NaiveDate,
    /// Null for an anonymous consultation.
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
}

impl From<&Consultation> for ConsultationReference {
    fn from(consultation: &Consultation) -> Self {
        Self {
            id: consultation.id,
            held_on: consultation.held_on,
            organisation: consultation.organisation.clone(),
        }
    }
}

// Corrections keep it as JSON, so a field that is added needs a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consultation {
    pub id: ConsultationId,
    /// Null for an anonymous consultation.
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    #[schema(required)]
    pub establishment: Option<Reference>,
    pub carrier: Reference,
    pub site: Reference,
    pub funding_period: Reference,
    /// District as of the date of the consultation: the establishment's, else the organisation's, as it was when
    /// the place was recorded. A change of something else leaves it.
    #[schema(required)]
    pub district: Option<Reference>,
    pub held_on: NaiveDate,
    #[schema(required, value_type = Option<String>, example = "09:30:00")]
    pub starts_at: Option<NaiveTime>,
    pub minutes: i32,
    #[schema(required)]
    pub preparation_minutes: Option<i32>,
    pub channel: Channel,
    pub status: ConsultationStatus,
    /// Derived; null for what does not count (cancelled, no-show, voided).
    #[schema(required)]
    pub kind: Option<ConsultationKind>,
    pub advisers: Vec<Reference>,
    pub topics: Vec<TopicReference>,
    pub contacts: Vec<Reference>,
    pub occupations: Vec<Occupation>,
    #[schema(required)]
    pub apprentices: Option<i32>,
    pub countries: Vec<Country>,
    #[schema(required)]
    pub notes: Option<String>,
    /// What in the notes looks like personal data of a candidate, who has no place there, as of when they were
    /// written. Empty for notes from before there were warnings.
    pub note_warnings: Vec<NoteWarning>,
    #[schema(required)]
    pub outcome: Option<Outcome>,
    #[schema(required)]
    pub anonymous: Option<AnonymousInput>,
    /// Id and title.
    #[schema(required)]
    pub event: Option<Reference>,
    #[schema(required)]
    pub accompaniment: Option<Reference>,
    /// Id, and the candidate reference with the vacancy.
    #[schema(required)]
    pub recruitment_case: Option<Reference>,
    #[schema(required)]
    pub voided: Option<Voided>,
    /// What logging, changing or voiding it did to the figures of a closing period. Only in the answer to that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<TouchedFigures>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ConsultationFilter {
    pub organisation_id: Option<OrganisationId>,
    pub site_id: Option<SiteId>,
    /// Any adviser, not only the lead.
    pub adviser_id: Option<UserId>,
    pub district_id: Option<DistrictId>,
    /// Code of a topic, primary or not.
    pub topic: Option<String>,
    pub channel: Option<Channel>,
    pub status: Option<ConsultationStatus>,
    /// An occupation sought: a code of the `KldB` 2010, or its first digits.
    #[param(example = "26")]
    #[serde(default, deserialize_with = "crate::occupation::filter_code")]
    pub occupation: Option<String>,
    /// A country of origin.
    #[param(example = "MA")]
    #[serde(default, deserialize_with = "crate::country::filter_code")]
    pub country: Option<String>,
    /// Whether the notes look as if they held personal data of a candidate. They are looked at when a record is
    /// logged or changed: of notes from before there were warnings, none is known.
    pub note_warnings: Option<bool>,
    pub event_id: Option<EventId>,
    pub accompaniment_id: Option<AccompanimentId>,
    pub recruitment_case_id: Option<RecruitmentCaseId>,
    /// A tag that the own carrier gave.
    pub tag_id: Option<TagId>,
    pub funding_period_id: Option<FundingPeriodId>,
    /// First date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// Text in the notes; case, umlauts, accents and punctuation do not matter.
    pub q: Option<String>,
    /// `held_on`, `-held_on` (the default), `created_at` or `-created_at`.
    #[param(inline)]
    pub sort: Option<ConsultationSort>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ConsultationSort {
    #[serde(rename = "held_on")]
    HeldOn,
    #[default]
    #[serde(rename = "-held_on")]
    HeldOnDescending,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

impl ConsultationSort {
    /// The value that a list in this order is sorted by, as its cursor keeps it.
    #[must_use]
    pub fn key(self, consultation: &Consultation) -> String {
        match self {
            Self::HeldOn | Self::HeldOnDescending => consultation.held_on.to_string(),
            Self::CreatedAt | Self::CreatedAtDescending => consultation.created_at.to_rfc3339(),
        }
    }
}

impl Consultation {
    /// Logs a consultation. `context` holds what the input names, as far as it exists.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong; `Conflict` when the funding period takes no entries.
    pub fn new(
        id: ConsultationId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ConsultationInput,
        context: &Context,
    ) -> Result<Self> {
        let new = Self::checked(id, now, actor, input, context)?;
        if let Some(period) = &context.period {
            period.accepts_entries_of(actor.role)?;
        }
        Ok(new)
    }

    /// What would be logged if its period took entries.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub(crate) fn checked(
        id: ConsultationId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ConsultationInput,
        context: &Context,
    ) -> Result<Self> {
        let checked = rules::check(actor, input, context)?;
        Ok(Self {
            id,
            organisation: checked.organisation,
            establishment: checked.establishment,
            carrier: checked.carrier,
            site: checked.site,
            funding_period: checked.funding_period,
            district: checked.district,
            held_on: input.held_on,
            starts_at: input.starts_at,
            minutes: input.minutes,
            preparation_minutes: input.preparation_minutes,
            channel: input.channel,
            status: input.status,
            kind: None,
            advisers: checked.advisers,
            topics: checked.topics,
            contacts: checked.contacts,
            occupations: checked.occupations,
            apprentices: input.apprentices,
            countries: checked.countries,
            note_warnings: checked.notes.as_deref().map(note_warnings).unwrap_or_default(),
            notes: checked.notes,
            outcome: input.outcome,
            anonymous: input.anonymous.clone(),
            event: checked.event,
            accompaniment: checked.accompaniment,
            recruitment_case: checked.recruitment_case,
            voided: None,
            touches: Vec::new(),
            recorded_by: actor.reference(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is voided.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ConsultationInput,
        context: &Context,
    ) -> Result<Self> {
        self.check_not_voided()?;
        let new = Self::new(self.id, now, actor, input, context)?;
        Ok(Self {
            district: rules::kept_district(self, input, new.district, &context.districts),
            version: self.version + 1,
            created_at: self.created_at,
            recorded_by: self.recorded_by.clone(),
            ..new
        })
    }

    /// # Errors
    /// `Conflict` when it is voided already.
    pub fn voided(&self, now: DateTime<Utc>, actor: &Actor, reason: String) -> Result<Self> {
        self.check_not_voided()?;
        Ok(Self {
            status: ConsultationStatus::Voided,
            kind: None,
            voided: Some(Voided { at: now, by: actor.reference(), reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    /// As it is recorded: the kind is derived from other records and no change of this one.
    #[must_use]
    pub fn without_kind(&self) -> Self {
        Self { kind: None, ..self.clone() }
    }

    /// Advisers change what they recorded or advised in; managers everything of their carrier.
    ///
    /// # Errors
    /// `Forbidden` for a colleague who was not part of it.
    pub fn check_may_change(&self, actor: &Actor) -> Result<()> {
        let involved = self.recorded_by.id == actor.user_id.0
            || self.advisers.iter().any(|adviser| adviser.id == actor.user_id.0);
        if actor.role == Role::Manager || involved {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "Only the advisers of a consultation, who recorded it, and managers change it."
                    .to_owned(),
            ))
        }
    }

    /// # Errors
    /// `Conflict` when it is voided.
    pub fn check_not_voided(&self) -> Result<()> {
        match &self.voided {
            None => Ok(()),
            Some(voided) => Err(Error::conflict(
                "voided",
                format!("The consultation was voided on {}.", crate::time::local_date(voided.at)),
            )),
        }
    }
}

impl From<&Consultation> for ConsultationInput {
    fn from(consultation: &Consultation) -> Self {
        let ids = |references: &[Reference]| references.iter().map(|r| r.id).collect::<Vec<_>>();
        Self {
            organisation_id: consultation.organisation.as_ref().map(|o| o.id),
            establishment_id: consultation.establishment.as_ref().map(|e| e.id.into()),
            site_id: consultation.site.id.into(),
            held_on: consultation.held_on,
            starts_at: consultation.starts_at,
            minutes: consultation.minutes,
            preparation_minutes: consultation.preparation_minutes,
            channel: consultation.channel,
            status: consultation.status,
            adviser_ids: ids(&consultation.advisers).into_iter().map(UserId).collect(),
            topics: consultation.topics.iter().map(|topic| topic.code.clone()).collect(),
            contact_ids: ids(&consultation.contacts).into_iter().map(ContactId).collect(),
            occupations: consultation.occupations.iter().map(OccupationInput::from).collect(),
            apprentices: consultation.apprentices,
            countries: consultation.countries.iter().map(|c| c.code.clone()).collect(),
            notes: consultation.notes.clone(),
            outcome: consultation.outcome,
            anonymous: consultation.anonymous.clone(),
            event_id: consultation.event.as_ref().map(|event| event.id.into()),
            accompaniment_id: consultation.accompaniment.as_ref().map(|run| run.id.into()),
            recruitment_case_id: consultation.recruitment_case.as_ref().map(|case| case.id.into()),
        }
    }
}

impl Entity for Consultation {
    const KIND: EntityKind = EntityKind::Consultation;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn carrier(&self) -> Option<CarrierId> {
        Some(CarrierId(self.carrier.id))
    }
}
