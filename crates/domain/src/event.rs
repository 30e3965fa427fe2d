//! Event (Veranstaltung) of a carrier: a round table (Runder Tisch), a conference (Fachtag) and the rest.
//! Who takes part is a record of its own, see `participation`.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::codes;
use crate::consultation::{TopicReference, Voided};
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::funding_period::{FundingPeriod, FundingPeriodStatus};
use crate::id::{
    AccompanimentId, CarrierId, DistrictId, EventId, EventSeriesId, FundingPeriodId,
    OrganisationId, SiteId, UserId,
};
use crate::organisation::OrganisationReference;
use crate::policy::{Actor, Role};
use crate::time::local_date;

mod rules;
#[cfg(test)]
pub(crate) use rules::tests;
pub use rules::{Context, MAX_DISTRICTS, MAX_NAMED, MAX_SPEAKERS};

codes! {
    "event_kind" EventKind {
        /// Runder Tisch.
        RoundTable,
        /// Fachtag.
        Conference,
        Information, Training, NetworkMeeting,
    }
}

codes! {
    "event_status" EventStatus {
        Planned, Held, Cancelled,
        /// Taken back with a reason; set by `POST …/void` only.
        Voided,
    }
}

/// Somebody who speaks: an organisation, a name, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeakerInput {
    pub organisation_id: Option<OrganisationId>,
    #[schema(max_length = 200)]
    pub name: Option<String>,
    /// What the speaker is or speaks about.
    #[schema(max_length = 200)]
    pub role: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "round_table",
    "title": "Runder Tisch Fachkräfteeinwanderung",
    "starts_on": "2026-05-12",
    "starts_at": "14:00:00",
    "ends_at": "17:00:00",
    "place": "Kreishaus, Musterstadt",
    "site_ids": ["01890000-0000-7000-8000-000000000201"],
    "staff_ids": ["01890000-0000-7000-8000-0000000b0001"],
    "organiser_ids": ["01890000-0000-7000-8000-0000000a0001"],
    "speakers": [{
        "organisation_id": "01890000-0000-7000-8000-0000000a0001",
        "name": "Cora Probstadt",
        "role": "Leitung Ausländerbehörde"
    }],
    "topics": ["fast_track"],
    "district_ids": ["01890000-0000-7000-8000-000006412000"],
    "status": "planned"
}))]
pub struct EventInput {
    pub kind: EventKind,
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// A series of the own carrier.
    pub series_id: Option<EventSeriesId>,
    /// The accompaniment by the own carrier that it belongs to.
    pub accompaniment_id: Option<AccompanimentId>,
    /// First day, in a funding period; says which one the event belongs to.
    #[serde(deserialize_with = "crate::time::date")]
    pub starts_on: NaiveDate,
    /// Last day; the first one unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub ends_on: Option<NaiveDate>,
    /// `HH:MM:SS` in the network's time zone. Start and end go together; without them it is all day.
    #[schema(value_type = Option<String>, example = "14:00:00")]
    pub starts_at: Option<NaiveTime>,
    #[schema(value_type = Option<String>, example = "17:00:00")]
    pub ends_at: Option<NaiveTime>,
    #[schema(max_length = 200)]
    pub place: Option<String>,
    /// Whether one can take part online, alone or besides a place.
    #[serde(default)]
    pub online: bool,
    /// `http` or `https`; for online events.
    #[schema(max_length = 500)]
    pub online_url: Option<String>,
    /// 1 to 20 sites of the own carrier, open on the first day; the first one is the host.
    #[schema(min_items = 1, max_items = 20)]
    pub site_ids: Vec<SiteId>,
    /// Who is responsible: up to 20 users who advise for the carrier on the first day.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub staff_ids: Vec<UserId>,
    /// Up to 20 companies and actors that organise it together with the carrier.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub organiser_ids: Vec<OrganisationId>,
    /// Up to 50.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub speakers: Vec<SpeakerInput>,
    /// Up to 20 codes of topics valid on the first day.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub topics: Vec<String>,
    /// Up to 30 districts that are addressed and existed on the first day.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub district_ids: Vec<DistrictId>,
    /// What participants may read. Up to 10,000 characters.
    #[schema(max_length = 10_000)]
    pub description: Option<String>,
    /// What stays in the carrier. Up to 10,000 characters.
    #[schema(max_length = 10_000)]
    pub notes: Option<String>,
    /// `planned`, `held` (not before its first day) or `cancelled`.
    #[serde(default = "planned")]
    pub status: EventStatus,
}

fn planned() -> EventStatus {
    EventStatus::Planned
}

/// Somebody who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Speaker {
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    #[schema(required)]
    pub name: Option<String>,
    #[schema(required)]
    pub role: Option<String>,
}

/// Heads of participants; staff and speakers are not among them. Derived from the participations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParticipationCounts {
    /// Registered, and what became of it is not known yet.
    pub registered: i64,
    /// Were there, registered before or not.
    pub attended: i64,
    /// Registered and did not come.
    pub no_show: i64,
    /// Distinct companies and actors that were there.
    pub organisations: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub id: EventId,
    pub carrier: Reference,
    pub funding_period: Reference,
    #[schema(required)]
    pub series: Option<Reference>,
    #[schema(required)]
    pub accompaniment: Option<Reference>,
    pub kind: EventKind,
    pub title: String,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    #[schema(required, value_type = Option<String>, example = "14:00:00")]
    pub starts_at: Option<NaiveTime>,
    #[schema(required, value_type = Option<String>, example = "17:00:00")]
    pub ends_at: Option<NaiveTime>,
    #[schema(required)]
    pub place: Option<String>,
    pub online: bool,
    #[schema(required)]
    pub online_url: Option<String>,
    /// The first one is the host.
    pub sites: Vec<Reference>,
    pub staff: Vec<Reference>,
    pub organisers: Vec<OrganisationReference>,
    pub speakers: Vec<Speaker>,
    pub topics: Vec<TopicReference>,
    pub districts: Vec<Reference>,
    #[schema(required)]
    pub description: Option<String>,
    #[schema(required)]
    pub notes: Option<String>,
    pub status: EventStatus,
    pub participations: ParticipationCounts,
    #[schema(required)]
    pub voided: Option<Voided>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What the rules of a record that names an event need to know of it.
#[derive(Clone, Debug)]
pub struct NamedEvent {
    pub reference: Reference,
    pub voided: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventFilter {
    pub kind: Option<EventKind>,
    pub status: Option<EventStatus>,
    /// Any site, not only the host.
    pub site_id: Option<SiteId>,
    pub series_id: Option<EventSeriesId>,
    pub accompaniment_id: Option<AccompanimentId>,
    /// Code of a topic.
    pub topic: Option<String>,
    /// A district that is addressed.
    pub district_id: Option<DistrictId>,
    /// Organises, speaks or takes part, whatever became of the registration.
    pub organisation_id: Option<OrganisationId>,
    pub staff_id: Option<UserId>,
    pub funding_period_id: Option<FundingPeriodId>,
    /// Earliest first day.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Latest first day.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// Text in the title; case, umlauts, accents and punctuation do not matter.
    pub q: Option<String>,
    /// `starts_on` or `-starts_on` (the default).
    #[param(inline)]
    pub sort: Option<EventSort>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum EventSort {
    #[serde(rename = "starts_on")]
    StartsOn,
    #[default]
    #[serde(rename = "-starts_on")]
    StartsOnDescending,
}

impl Event {
    /// Records an event. `context` holds what the input names, as far as it exists.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong; `Conflict` when the funding period takes no entries.
    pub fn new(
        id: EventId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &EventInput,
        context: &Context,
    ) -> Result<Self> {
        Self::checked(id, now, actor, input, context, None)
    }

    /// `attended` is whether anybody, in whatever role, is known to have been there or to have stayed away.
    ///
    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is voided, and when it was attended and would lie in the future
    /// or be cancelled.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &EventInput,
        context: &Context,
        attended: bool,
    ) -> Result<Self> {
        self.check_not_voided()?;
        let new = Self::checked(self.id, now, actor, input, context, Some(self))?;
        if attended && (new.status == EventStatus::Cancelled || new.starts_on > context.today) {
            return Err(Error::conflict(
                "attendance_recorded",
                "Attendance was recorded, so the event was neither cancelled nor is it to come.",
            ));
        }
        Ok(Self {
            version: self.version + 1,
            created_at: self.created_at,
            recorded_by: self.recorded_by.clone(),
            participations: self.participations,
            ..new
        })
    }

    fn checked(
        id: EventId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &EventInput,
        context: &Context,
        old: Option<&Self>,
    ) -> Result<Self> {
        let checked = rules::check(actor, input, context, old)?;
        Ok(Self {
            id,
            carrier: checked.carrier,
            funding_period: checked.funding_period,
            series: checked.series,
            accompaniment: checked.accompaniment,
            kind: input.kind,
            title: checked.title,
            starts_on: input.starts_on,
            ends_on: input.ends_on.unwrap_or(input.starts_on),
            starts_at: input.starts_at,
            ends_at: input.ends_at,
            place: checked.place,
            online: input.online,
            online_url: checked.online_url,
            sites: checked.sites,
            staff: checked.staff,
            organisers: checked.organisers,
            speakers: checked.speakers,
            topics: checked.topics,
            districts: checked.districts,
            description: checked.description,
            notes: checked.notes,
            status: input.status,
            participations: ParticipationCounts::default(),
            voided: None,
            recorded_by: actor.reference(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// `Conflict` when it is voided already.
    pub fn voided(&self, now: DateTime<Utc>, actor: &Actor, reason: String) -> Result<Self> {
        self.check_not_voided()?;
        Ok(Self {
            status: EventStatus::Voided,
            voided: Some(Voided { at: now, by: actor.reference(), reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    /// Those responsible for it and who recorded it change it; managers everything of their carrier.
    ///
    /// # Errors
    /// `Forbidden` for a colleague who has nothing to do with it.
    pub fn check_may_change(&self, actor: &Actor) -> Result<()> {
        let involved = self.recorded_by.id == actor.user_id.0
            || self.staff.iter().any(|user| user.id == actor.user_id.0);
        if actor.role == Role::Manager || involved {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "Only the staff of an event, who recorded it, and managers change it.".to_owned(),
            ))
        }
    }

    /// # Errors
    /// `Conflict` when nobody takes part in it: it is voided or cancelled.
    pub fn check_takes_place(&self) -> Result<()> {
        self.check_not_voided()?;
        if self.status == EventStatus::Cancelled {
            return Err(Error::conflict("event_cancelled", "The event was cancelled."));
        }
        Ok(())
    }

    fn check_not_voided(&self) -> Result<()> {
        match &self.voided {
            None => Ok(()),
            Some(voided) => Err(Error::conflict(
                "voided",
                format!("The event was voided on {}.", local_date(voided.at)),
            )),
        }
    }

    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference::new(self.id, &self.title)
    }
}

/// Whether a user of this role may record or correct an event in a period. What is only planned may lie
/// in a period that has not been opened yet.
///
/// # Errors
/// `Conflict` that names the period and its status.
pub fn check_period(period: &FundingPeriod, status: EventStatus, role: Role) -> Result<()> {
    if period.status == FundingPeriodStatus::Planned && status != EventStatus::Held {
        return Ok(());
    }
    period.accepts_entries_of(role)
}

impl From<&Event> for EventInput {
    fn from(event: &Event) -> Self {
        Self {
            kind: event.kind,
            title: event.title.clone(),
            series_id: event.series.as_ref().map(|series| series.id.into()),
            accompaniment_id: event.accompaniment.as_ref().map(|run| run.id.into()),
            starts_on: event.starts_on,
            // So that an event of one day moves when its first day does.
            ends_on: Some(event.ends_on).filter(|ends_on| *ends_on != event.starts_on),
            starts_at: event.starts_at,
            ends_at: event.ends_at,
            place: event.place.clone(),
            online: event.online,
            online_url: event.online_url.clone(),
            site_ids: event.sites.iter().map(|site| site.id.into()).collect(),
            staff_ids: event.staff.iter().map(|user| user.id.into()).collect(),
            organiser_ids: event.organisers.iter().map(|organiser| organiser.id).collect(),
            speakers: event.speakers.iter().map(SpeakerInput::from).collect(),
            topics: event.topics.iter().map(|topic| topic.code.clone()).collect(),
            district_ids: event.districts.iter().map(|district| district.id.into()).collect(),
            description: event.description.clone(),
            notes: event.notes.clone(),
            status: event.status,
        }
    }
}

impl From<&Speaker> for SpeakerInput {
    fn from(speaker: &Speaker) -> Self {
        Self {
            organisation_id: speaker.organisation.as_ref().map(|organisation| organisation.id),
            name: speaker.name.clone(),
            role: speaker.role.clone(),
        }
    }
}

impl Entity for Event {
    const KIND: EntityKind = EntityKind::Event;

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
