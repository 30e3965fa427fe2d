//! Referral (Verweisung): an organisation is sent on to a network actor, who takes it up or does not.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::{Code, codes};
use crate::consultation::ConsultationReference;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{ActorId, CarrierId, ConsultationId, OrganisationId, ReferralId, UserId};
use crate::organisation::OrganisationReference;
use crate::policy::{Actor, Role};
use crate::task;

mod rules;
pub use rules::Context;
use rules::{not_in_the_future, receiver, referred};

codes! {
    /// Derived from what was recorded.
    "referral_status" ReferralStatus {
        /// Waits for the actor's answer.
        Open,
        Accepted, Declined,
        /// It is known what came of it.
        Closed,
        Withdrawn,
    }
}

codes! {
    "referral_answer" ReferralAnswer { Accepted, Declined }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "consultation_id": "01890000-0000-7000-8000-0000000c0001",
    "actor_id": "01890000-0000-7000-8000-0000000a0002",
    "reason": "Recognition of a foreign nursing qualification",
    "consent_on": "2026-03-12",
    "note": "Two candidates; documents are complete."
}))]
pub struct ReferralInput {
    /// Where it was agreed.
    pub consultation_id: Option<ConsultationId>,
    /// Who is referred. That of the consultation unless told, and the same.
    pub organisation_id: Option<OrganisationId>,
    /// To whom: a network actor.
    pub actor_id: ActorId,
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// When the organisation agreed that its data is passed on. A hand-over note about somebody whose
    /// company is a person needs it.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub consent_on: Option<NaiveDate>,
    /// The hand-over note (Übergabenotiz): what the actor is told.
    #[schema(max_length = 5000)]
    pub note: Option<String>,
    /// Today unless told; not in the future.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub referred_on: Option<NaiveDate>,
    /// Who looks after it: a user who advises for the own carrier today. The caller unless told.
    pub owner_id: Option<UserId>,
    /// When the actor should have answered. Some days after `referred_on` unless told (setting
    /// `referral_answer_days`).
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub answer_due_on: Option<NaiveDate>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"answer": "accepted", "note": "First appointment next week."}))]
pub struct ReferralAnswerInput {
    pub answer: ReferralAnswer,
    /// Today unless told; not in the future.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub answered_on: Option<NaiveDate>,
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"result": "Full recognition after an adaptation course."}))]
pub struct ReferralCloseInput {
    /// What came of it. Also when no answer ever came.
    #[schema(min_length = 1, max_length = 2000)]
    pub result: String,
    /// Today unless told; not in the future.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub closed_on: Option<NaiveDate>,
}

/// What the actor answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferralAnswered {
    pub answer: ReferralAnswer,
    pub on: NaiveDate,
    /// Who recorded it.
    pub by: Reference,
    #[schema(required)]
    pub note: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferralClosed {
    pub on: NaiveDate,
    /// Who recorded it.
    pub by: Reference,
    pub result: String,
}

/// Why, when and by whom a referral was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferralWithdrawn {
    pub at: DateTime<Utc>,
    pub by: Reference,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Referral {
    pub id: ReferralId,
    pub carrier: Reference,
    #[schema(required)]
    pub consultation: Option<ConsultationReference>,
    pub organisation: OrganisationReference,
    pub actor: Reference,
    pub reason: String,
    #[schema(required)]
    pub consent_on: Option<NaiveDate>,
    #[schema(required)]
    pub note: Option<String>,
    pub referred_on: NaiveDate,
    pub answer_due_on: NaiveDate,
    pub owner: Reference,
    pub status: ReferralStatus,
    #[schema(required)]
    pub answered: Option<ReferralAnswered>,
    #[schema(required)]
    pub closed: Option<ReferralClosed>,
    #[schema(required)]
    pub withdrawn: Option<ReferralWithdrawn>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReferralFilter {
    pub consultation_id: Option<ConsultationId>,
    /// Who was referred.
    pub organisation_id: Option<OrganisationId>,
    /// To whom.
    pub actor_id: Option<ActorId>,
    pub owner_id: Option<UserId>,
    pub status: Option<ReferralStatus>,
    /// Open ones whose answer was due on this date or before.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub unanswered_on: Option<NaiveDate>,
    /// First date of referral.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last date of referral.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// `referred_on`, `-referred_on` (the default) or `answer_due_on`.
    #[param(inline)]
    pub sort: Option<ReferralSort>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ReferralSort {
    #[serde(rename = "referred_on")]
    ReferredOn,
    #[default]
    #[serde(rename = "-referred_on")]
    ReferredOnDescending,
    #[serde(rename = "answer_due_on")]
    AnswerDueOn,
}

impl ReferralSort {
    /// The value that a list in this order is sorted by, as its cursor keeps it.
    #[must_use]
    pub fn key(self, referral: &Referral) -> String {
        match self {
            Self::ReferredOn | Self::ReferredOnDescending => referral.referred_on.to_string(),
            Self::AnswerDueOn => referral.answer_due_on.to_string(),
        }
    }
}

impl Referral {
    /// # Errors
    /// `Invalid` with everything that is wrong; `Forbidden` for a caller without a carrier.
    pub fn new(
        id: ReferralId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ReferralInput,
        context: &Context,
    ) -> Result<Self> {
        Self::checked(id, now, actor, input, context, None)
    }

    /// What a referral names and keeps is not looked at again: an owner who left, an actor that was
    /// archived since.
    ///
    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is not open.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ReferralInput,
        context: &Context,
    ) -> Result<Self> {
        self.check_status(&[ReferralStatus::Open])?;
        let new = Self::checked(self.id, now, actor, input, context, Some(self))?;
        Ok(Self {
            version: self.version + 1,
            created_at: self.created_at,
            recorded_by: self.recorded_by.clone(),
            ..new
        })
    }

    fn checked(
        id: ReferralId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ReferralInput,
        context: &Context,
        before: Option<&Self>,
    ) -> Result<Self> {
        let carrier = actor.own_carrier()?;
        let mut checks = Checks::new();
        let reason = checks.line("/reason", &input.reason, 500);
        let note = checks.optional_prose("/note", input.note.as_deref(), 5000);
        let referred_on = input.referred_on.unwrap_or(context.today);
        not_in_the_future(&mut checks, "/referred_on", referred_on, context.today);
        let usual = referred_on.checked_add_days(Days::new(context.answer_days.into()));
        let answer_due_on = input.answer_due_on.or(usual).unwrap_or(referred_on);
        checks.require(
            answer_due_on >= referred_on,
            "/answer_due_on",
            "before_start",
            "must not be before referred_on",
        );
        if let Some(consent_on) = input.consent_on {
            not_in_the_future(&mut checks, "/consent_on", consent_on, context.today);
        }
        checks.require(
            input.consent_on.is_some() || note.is_none() || !context.is_a_person,
            "/consent_on",
            "consent_needed",
            "must say when the organisation agreed: it is a person, and the note is passed on",
        );
        let owner_id = input.owner_id.unwrap_or(actor.user_id);
        let kept = before.map(|referral| &referral.owner);
        let owner = task::person(&mut checks, "/owner_id", owner_id, &context.people, kept);
        let consultation = match input.consultation_id {
            None => None,
            Some(id) => before
                .and_then(|referral| referral.consultation.clone())
                .filter(|kept| kept.id == id)
                .or_else(|| task::consultation(&mut checks, context.consultation.as_ref())),
        };
        let organisation = referred(&mut checks, input, context, before);
        let receiver = receiver(&mut checks, input, context, before);
        checks.finish()?;
        let (Some(owner), Some(organisation), Some(receiver)) = (owner, organisation, receiver)
        else {
            return Err(Error::internal("a referral without owner, organisation or actor"));
        };
        Ok(Self {
            id,
            carrier: Reference::new(carrier.id, &carrier.name),
            consultation,
            organisation,
            actor: receiver,
            reason,
            consent_on: input.consent_on,
            note,
            referred_on,
            answer_due_on,
            owner,
            status: ReferralStatus::Open,
            answered: None,
            closed: None,
            withdrawn: None,
            recorded_by: actor.reference(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it is not open.
    pub fn answered(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &ReferralAnswerInput,
    ) -> Result<Self> {
        self.check_status(&[ReferralStatus::Open])?;
        let mut checks = Checks::new();
        let on = input.answered_on.unwrap_or(today);
        not_in_the_future(&mut checks, "/answered_on", on, today);
        self.not_before(&mut checks, "/answered_on", on);
        let note = checks.optional_prose("/note", input.note.as_deref(), 2000);
        checks.finish()?;
        let answered = ReferralAnswered { answer: input.answer, on, by: actor.reference(), note };
        Ok(Self { answered: Some(answered), ..self.clone() }.next(now))
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it is closed or withdrawn.
    pub fn closed(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &ReferralCloseInput,
    ) -> Result<Self> {
        self.check_status(&NOT_OVER)?;
        let mut checks = Checks::new();
        let on = input.closed_on.unwrap_or(today);
        not_in_the_future(&mut checks, "/closed_on", on, today);
        self.not_before(&mut checks, "/closed_on", on);
        let result = checks.optional_prose("/result", Some(&input.result), 2000);
        checks.require(result.is_some(), "/result", "empty", "must not be empty");
        checks.finish()?;
        let result = result.unwrap_or_default();
        let closed = ReferralClosed { on, by: actor.reference(), result };
        Ok(Self { closed: Some(closed), ..self.clone() }.next(now))
    }

    /// # Errors
    /// `Conflict` when it is closed or withdrawn.
    pub fn withdrawn(&self, now: DateTime<Utc>, actor: &Actor, reason: String) -> Result<Self> {
        self.check_status(&NOT_OVER)?;
        let withdrawn = ReferralWithdrawn { at: now, by: actor.reference(), reason };
        Ok(Self { withdrawn: Some(withdrawn), ..self.clone() }.next(now))
    }

    #[must_use]
    pub fn handed_over(&self, now: DateTime<Utc>, to: &Reference) -> Self {
        Self { owner: to.clone(), ..self.clone() }.next(now)
    }

    fn next(self, now: DateTime<Utc>) -> Self {
        let status = status(
            self.answered.as_ref().map(|answered| answered.answer),
            self.closed.is_some(),
            self.withdrawn.is_some(),
        );
        Self { status, version: self.version + 1, updated_at: now, ..self }
    }

    /// The owner, who recorded it, and managers change a referral. Answers and results are recorded by
    /// everybody of the carrier: by whoever heard of them.
    ///
    /// # Errors
    /// `Forbidden` for others.
    pub fn check_may_change(&self, actor: &Actor) -> Result<()> {
        let involved = self.owner.id == actor.user_id.0 || self.recorded_by.id == actor.user_id.0;
        if actor.role == Role::Manager || involved {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "Only the owner of a referral, who recorded it, and managers change it.".to_owned(),
            ))
        }
    }

    fn check_status(&self, right: &[ReferralStatus]) -> Result<()> {
        if right.contains(&self.status) {
            return Ok(());
        }
        Err(Error::conflict("wrong_state", format!("The referral is {}.", self.status.code())))
    }

    fn not_before(&self, checks: &mut Checks, pointer: &str, on: NaiveDate) {
        let answered_on = self.answered.as_ref().map(|answered| answered.on);
        let earliest = answered_on.unwrap_or(self.referred_on);
        checks.require(
            on >= earliest,
            pointer,
            "before_start",
            &format!("must not be before {earliest}"),
        );
    }
}

const NOT_OVER: [ReferralStatus; 3] =
    [ReferralStatus::Open, ReferralStatus::Accepted, ReferralStatus::Declined];

/// What is recorded last decides.
#[must_use]
pub fn status(answer: Option<ReferralAnswer>, closed: bool, withdrawn: bool) -> ReferralStatus {
    match (answer, closed, withdrawn) {
        (_, _, true) => ReferralStatus::Withdrawn,
        (_, true, _) => ReferralStatus::Closed,
        (Some(ReferralAnswer::Accepted), ..) => ReferralStatus::Accepted,
        (Some(ReferralAnswer::Declined), ..) => ReferralStatus::Declined,
        (None, ..) => ReferralStatus::Open,
    }
}

impl From<&Referral> for ReferralInput {
    fn from(referral: &Referral) -> Self {
        Self {
            consultation_id: referral.consultation.as_ref().map(|consultation| consultation.id),
            organisation_id: Some(referral.organisation.id),
            actor_id: ActorId(referral.actor.id),
            reason: referral.reason.clone(),
            consent_on: referral.consent_on,
            note: referral.note.clone(),
            referred_on: Some(referral.referred_on),
            owner_id: Some(referral.owner.id.into()),
            answer_due_on: Some(referral.answer_due_on),
        }
    }
}

impl Entity for Referral {
    const KIND: EntityKind = EntityKind::Referral;

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
