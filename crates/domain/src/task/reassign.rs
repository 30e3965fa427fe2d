//! All that somebody has to do, to somebody else.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NOT_AN_ADVISER, Task};
use crate::check::Checks;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::id::{OrganisationId, UserId};

/// The body that gives what somebody has to do to somebody else.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "from_user_id": "01890000-0000-7000-8000-0000000b0001",
    "to_user_id": "01890000-0000-7000-8000-0000000b0002",
    "due_from": "2026-04-01"
}))]
pub struct ReassignInput {
    /// Who leaves, or is away: somebody who works or worked for the own carrier.
    pub from_user_id: UserId,
    /// Who takes over: a user who advises for the own carrier today.
    pub to_user_id: UserId,
    /// Only what is due from this date on.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub due_from: Option<NaiveDate>,
    /// Only what is due up to this date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub due_to: Option<NaiveDate>,
    /// Only what is about this organisation.
    pub organisation_id: Option<OrganisationId>,
}

impl ReassignInput {
    /// Who takes over. `from` and `to` are those of the named users who work or worked for the carrier,
    /// and who can be given work of it today.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn checked(&self, from: Option<&Reference>, to: Option<Reference>) -> Result<Reference> {
        let mut checks = Checks::new();
        checks.require(
            from.is_some(),
            "/from_user_id",
            "unknown",
            "must be a user who works or worked for your carrier",
        );
        checks.require(
            self.from_user_id != self.to_user_id,
            "/to_user_id",
            "same_user",
            "must be another user",
        );
        if to.is_none() {
            checks.fail("/to_user_id", NOT_AN_ADVISER.0, NOT_AN_ADVISER.1);
        }
        checks.require(
            self.due_from.is_none_or(|from| self.due_to.is_none_or(|to| from <= to)),
            "/due_to",
            "before_start",
            "must not be before due_from",
        );
        checks.finish()?;
        to.ok_or_else(|| Error::internal("nobody to take over passed the rules"))
    }
}

/// What went to somebody else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reassigned {
    /// How many records changed in all.
    pub reassigned: u32,
    /// Tasks with another owner now.
    pub tasks: u32,
    /// Tasks with another stand-in, or none, now.
    pub stand_ins: u32,
    /// Referrals with another owner now.
    pub referrals: u32,
}

impl Task {
    /// What is `from`'s is `to`'s: as owner, as stand-in. Nobody stands in for himself.
    #[must_use]
    pub fn handed_over(&self, now: DateTime<Utc>, from: UserId, to: &Reference) -> Self {
        let is = |person: &Reference| person.id == from.0;
        let owner = if is(&self.owner) { to.clone() } else { self.owner.clone() };
        let deputy = self.deputy.as_ref().map(|deputy| if is(deputy) { to } else { deputy });
        let deputy = deputy.filter(|deputy| deputy.id != owner.id).cloned();
        Self { owner, deputy, ..self.next(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TaskId;
    use crate::task::{TaskPriority, TaskStatus};
    use uuid::Uuid;

    fn person(n: u128) -> Reference {
        Reference::new(Uuid::from_u128(n), format!("Person {n}"))
    }

    fn task(owner: u128, deputy: Option<u128>) -> Task {
        Task {
            id: TaskId(Uuid::nil()),
            carrier: person(9),
            title: "Rückruf".to_owned(),
            notes: None,
            due_on: NaiveDate::default(),
            owner: person(owner),
            deputy: deputy.map(person),
            priority: TaskPriority::Normal,
            consultation: None,
            organisation: None,
            event: None,
            status: TaskStatus::Open,
            done: None,
            cancelled: None,
            recorded_by: person(owner),
            version: 1,
            created_at: DateTime::default(),
            updated_at: DateTime::default(),
        }
    }

    /// Every way in which three people can have a task between them.
    #[test]
    fn who_hands_over_is_out_and_nobody_stands_in_for_himself() {
        for owner in 1..=3 {
            for deputy in
                [None, Some(1), Some(2), Some(3)].into_iter().filter(|d| *d != Some(owner))
            {
                let new = task(owner, deputy).handed_over(
                    DateTime::default(),
                    UserId(Uuid::from_u128(1)),
                    &person(2),
                );
                let swapped = |n: u128| if n == 1 { 2 } else { n };
                let expected = deputy.map(swapped).filter(|deputy| *deputy != swapped(owner));
                assert_eq!(new.owner, person(swapped(owner)), "{owner} {deputy:?}");
                assert_eq!(new.deputy, expected.map(person), "{owner} {deputy:?}");
                assert_eq!(new.version, 2);
            }
        }
    }
}
