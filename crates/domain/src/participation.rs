//! Participation (Teilnahme) in an event: somebody of an organisation, or a headcount where names are
//! unknown.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::consultation::{OrganisationFacts, Voided};
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::{CarrierId, ContactId, OrganisationId, ParticipationId};
use crate::organisation::OrganisationReference;
use crate::policy::Actor;
use crate::time::local_date;

mod attendance;
pub use attendance::{AttendanceEntry, AttendanceInput, MAX_ENTRIES, Recorded, record};

/// How many heads one participation stands for at most.
pub const MAX_HEADS: i32 = 10_000;

codes! {
    /// Figures count participants; speakers and staff are listed so that they get a badge.
    "participation_role" ParticipationRole { Participant, Speaker, Staff }
}

codes! {
    "participation_status" ParticipationStatus {
        Registered,
        /// Said beforehand that they do not come.
        Withdrawn,
        Attended, NoShow,
        /// Was there without having registered.
        WalkIn,
        /// Taken back with a reason; set by `POST …/void` only.
        Voided,
    }
}

impl ParticipationStatus {
    /// Whether it says what happened at the event.
    #[must_use]
    pub fn is_attendance(self) -> bool {
        matches!(self, Self::Attended | Self::NoShow | Self::WalkIn)
    }

    #[must_use]
    pub fn was_there(self) -> bool {
        matches!(self, Self::Attended | Self::WalkIn)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "organisation_id": "01890000-0000-7000-8000-0000000a0001", "headcount": 3, "status": "registered"
}))]
pub struct ParticipationInput {
    /// Null for people of whom nothing is known but how many they are.
    pub organisation_id: Option<OrganisationId>,
    /// A contact of the organisation. Each takes part in an event once.
    pub contact_id: Option<ContactId>,
    /// 1 with a contact. Without one, an organisation has one headcount for each role.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub headcount: i32,
    #[serde(default = "participant")]
    pub role: ParticipationRole,
    /// Everything but `voided`; `attended`, `no_show` and `walk_in` not before the event's first day, and by
    /// those who may change the event.
    #[serde(default = "registered")]
    pub status: ParticipationStatus,
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

fn one() -> i32 {
    1
}

fn participant() -> ParticipationRole {
    ParticipationRole::Participant
}

fn registered() -> ParticipationStatus {
    ParticipationStatus::Registered
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Participation {
    pub id: ParticipationId,
    /// Named by its title.
    pub event: Reference,
    pub carrier: Reference,
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    #[schema(required)]
    pub contact: Option<Reference>,
    pub headcount: i32,
    pub role: ParticipationRole,
    pub status: ParticipationStatus,
    #[schema(required)]
    pub note: Option<String>,
    #[schema(required)]
    pub voided: Option<Voided>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ParticipationFilter {
    pub status: Option<ParticipationStatus>,
    pub role: Option<ParticipationRole>,
    pub organisation_id: Option<OrganisationId>,
}

/// A contact with the organisation that it belongs to.
#[derive(Clone, Debug)]
pub struct ContactFacts {
    pub reference: Reference,
    pub organisation_id: OrganisationId,
}

/// What inputs name, as far as it exists and the caller may know of it.
#[derive(Debug)]
pub struct Context {
    pub today: NaiveDate,
    pub organisations: Vec<OrganisationFacts>,
    /// Contacts of the caller's carrier.
    pub contacts: Vec<ContactFacts>,
}

impl Context {
    fn organisation(&self, id: OrganisationId) -> Option<&OrganisationFacts> {
        self.organisations.iter().find(|facts| facts.reference.id == id)
    }

    fn contact(&self, id: ContactId, organisation: OrganisationId) -> Option<&ContactFacts> {
        self.contacts
            .iter()
            .find(|facts| facts.reference.id == id.0 && facts.organisation_id == organisation)
    }
}

impl Participation {
    /// # Errors
    /// `Invalid` with everything that is wrong; `Conflict` when the event is voided or cancelled;
    /// `Forbidden` when it says what happened and the actor may not change the event.
    pub fn new(
        id: ParticipationId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ParticipationInput,
        event: &Event,
        context: &Context,
    ) -> Result<Self> {
        Self::checked(id, now, actor, input, event, context, None)
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is voided.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ParticipationInput,
        event: &Event,
        context: &Context,
    ) -> Result<Self> {
        self.check_not_voided()?;
        let new = Self::checked(self.id, now, actor, input, event, context, Some(self))?;
        Ok(Self {
            version: self.version + 1,
            created_at: self.created_at,
            recorded_by: self.recorded_by.clone(),
            ..new
        })
    }

    fn checked(
        id: ParticipationId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ParticipationInput,
        event: &Event,
        context: &Context,
        old: Option<&Self>,
    ) -> Result<Self> {
        event.check_takes_place()?;
        if input.status.is_attendance() {
            event.check_may_change(actor)?;
        }
        let mut checks = Checks::new();
        let named = old.and_then(|old| old.organisation.as_ref()).map(|known| known.id);
        let organisation = input
            .organisation_id
            .and_then(|id| organisation(&mut checks, "/organisation_id", id, context, named));
        let contact = input
            .contact_id
            .and_then(|id| contact(&mut checks, "/contact_id", id, input.organisation_id, context));
        check_headcount(&mut checks, "/headcount", input.headcount, input.contact_id.is_some());
        checks.require(
            input.status != ParticipationStatus::Voided,
            "/status",
            "not_settable",
            "must not be voided; to take a participation back, POST to …/void",
        );
        checks.require(
            !input.status.is_attendance() || event.starts_on <= context.today,
            "/status",
            "in_the_future",
            "must be registered or withdrawn before the event's first day",
        );
        let note = checks.optional_prose("/note", input.note.as_deref(), 500);
        checks.finish()?;
        Ok(Self {
            id,
            event: event.reference(),
            carrier: event.carrier.clone(),
            organisation,
            contact,
            headcount: input.headcount,
            role: input.role,
            status: input.status,
            note,
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
            status: ParticipationStatus::Voided,
            voided: Some(Voided { at: now, by: actor.reference(), reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    /// Who registered somebody may correct it, besides those who may change the event. What happened there
    /// is for the latter alone: figures count it.
    ///
    /// # Errors
    /// `Forbidden` for a colleague who has nothing to do with it.
    pub fn check_may_change(&self, actor: &Actor, event: &Event) -> Result<()> {
        let registered_it = self.recorded_by.id == actor.user_id.0;
        if registered_it && !self.status.is_attendance() {
            Ok(())
        } else {
            event.check_may_change(actor)
        }
    }

    fn check_not_voided(&self) -> Result<()> {
        match &self.voided {
            None => Ok(()),
            Some(voided) => Err(Error::conflict(
                "voided",
                format!("The participation was voided on {}.", local_date(voided.at)),
            )),
        }
    }
}

/// `named` is an organisation that may have been archived since it was named.
fn organisation(
    checks: &mut Checks,
    pointer: &str,
    id: OrganisationId,
    context: &Context,
    named: Option<OrganisationId>,
) -> Option<OrganisationReference> {
    let Some(facts) = context.organisation(id) else {
        checks.fail(pointer, "unknown", "must be a company or an actor");
        return None;
    };
    checks.require(
        !facts.archived || named == Some(id),
        pointer,
        "archived",
        "must not be archived",
    );
    Some(facts.reference.clone())
}

fn contact(
    checks: &mut Checks,
    pointer: &str,
    id: ContactId,
    organisation: Option<OrganisationId>,
    context: &Context,
) -> Option<Reference> {
    let found = organisation.and_then(|organisation| context.contact(id, organisation));
    checks.require(found.is_some(), pointer, "unknown", "must be a contact of the organisation");
    found.map(|facts| facts.reference.clone())
}

fn check_headcount(checks: &mut Checks, pointer: &str, headcount: i32, of_contact: bool) {
    checks.range(pointer, headcount, 1, MAX_HEADS);
    checks.require(
        !of_contact || headcount == 1,
        pointer,
        "not_one",
        "must be 1 where a contact is named",
    );
}

impl From<&Participation> for ParticipationInput {
    fn from(participation: &Participation) -> Self {
        Self {
            organisation_id: participation.organisation.as_ref().map(|o| o.id),
            contact_id: participation.contact.as_ref().map(|contact| contact.id.into()),
            headcount: participation.headcount,
            role: participation.role,
            status: participation.status,
            note: participation.note.clone(),
        }
    }
}

impl Entity for Participation {
    const KIND: EntityKind = EntityKind::Participation;

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
