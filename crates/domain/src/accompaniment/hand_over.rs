//! Hand-over (Übergabe): the lead passes to somebody else when that one accepts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Accompaniment, AccompanimentOperation};
use crate::check::Checks;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::id::UserId;
use crate::policy::{Actor, Role};
use crate::task;

/// To whom the lead is to pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandOver {
    pub to: Reference,
    #[schema(required)]
    pub note: Option<String>,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "to_id": "01890000-0000-7000-8000-0000000b0002",
    "note": "Parental leave from May on."
}))]
pub struct HandOverInput {
    /// A user who advises for the own carrier today.
    pub to_id: UserId,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

impl Accompaniment {
    /// Proposes it; one that was proposed before is replaced. `people` are those of the users who can be
    /// given work of the carrier today.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when it is over.
    pub fn handed_over(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &HandOverInput,
        people: &[Reference],
    ) -> Result<Self> {
        const POINTER: &str = "/to_id";
        self.check_allows(AccompanimentOperation::HandOver, today)?;
        let mut checks = Checks::new();
        let to = task::person(&mut checks, POINTER, input.to_id, people, None);
        checks.require(
            self.lead.id != input.to_id.0,
            POINTER,
            "same_user",
            "must be somebody else than the lead",
        );
        // Who proposes himself and accepts has asked nobody.
        checks.require(
            input.to_id != actor.user_id
                || actor.role == Role::Manager
                || self.lead.id == actor.user_id.0,
            POINTER,
            "own_proposal",
            "must be somebody else: the lead or a manager proposes you",
        );
        let note = checks.optional_prose("/note", input.note.as_deref(), 2000);
        checks.finish()?;
        let to = to.ok_or_else(|| Error::internal("a hand-over to nobody passed the rules"))?;
        let hand_over = HandOver { to, note, by: actor.reference(), at: now };
        Ok(Self { hand_over: Some(hand_over), ..self.next(now) })
    }

    /// # Errors
    /// `Forbidden` for others than the one it is to pass to; `Conflict` when nothing was proposed.
    pub fn hand_over_accepted(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::AcceptHandOver, today)?;
        let hand_over = self.proposed()?;
        if hand_over.to.id != actor.user_id.0 {
            return Err(Error::Forbidden(format!("Only {} can accept.", hand_over.to.name)));
        }
        let lead = hand_over.to.clone();
        // Nobody stands in for himself.
        let deputy = self.deputy.clone().filter(|deputy| deputy.id != lead.id);
        Ok(Self { lead, deputy, hand_over: None, ..self.next(now) })
    }

    /// By whom it was to pass to, or by those who may change the accompaniment.
    ///
    /// # Errors
    /// `Forbidden` for others; `Conflict` when nothing was proposed.
    pub fn hand_over_declined(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::DeclineHandOver, today)?;
        if self.proposed()?.to.id != actor.user_id.0 {
            self.check_may_change(actor)?;
        }
        Ok(Self { hand_over: None, ..self.next(now) })
    }

    fn proposed(&self) -> Result<&HandOver> {
        self.hand_over.as_ref().ok_or_else(|| {
            Error::conflict("no_hand_over", "No hand-over was proposed; possible: hand_over.")
        })
    }
}
