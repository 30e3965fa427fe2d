//! Users, and their role, carrier and site over time.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::{Code, codes};
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{AssignmentId, CarrierId, SiteId, UserId};
use crate::policy::Role;
use crate::time::covers;

codes! {
    "user_status" UserStatus {
        Active,
        /// Cannot log in; running sessions are over at once.
        Suspended,
    }
}

/// What of a user can be changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@demo.example", "name": "Ada Musterfeld", "status": "active"}))]
pub struct UserInput {
    /// Log-in name, unique regardless of case.
    #[schema(format = Email, max_length = 254)]
    pub email: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[serde(default = "active")]
    pub status: UserStatus,
}

fn active() -> UserStatus {
    UserStatus::Active
}

/// The body that creates a user.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "ada@demo.example", "name": "Ada Musterfeld", "password": "correct horse battery staple",
    "assignment": {
        "role": "adviser",
        "carrier_id": "01890000-0000-7000-8000-000000000101",
        "site_id": "01890000-0000-7000-8000-000000000201",
        "valid_from": "2026-01-01"
    }
}))]
pub struct NewUserInput {
    #[schema(format = Email, max_length = 254)]
    pub email: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The first password, 12 characters or more. Without one the user sets it with an invitation.
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    pub password: Option<String>,
    pub assignment: AssignmentInput,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub status: UserStatus,
    /// What the user is today; null between assignments.
    #[schema(required)]
    pub assignment: Option<Assignment>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UserFilter {
    /// Role today.
    pub role: Option<Role>,
    /// Carrier today.
    pub carrier_id: Option<CarrierId>,
    pub status: Option<UserStatus>,
}

impl User {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(id: UserId, now: DateTime<Utc>, input: &UserInput) -> Result<Self> {
        let mut checks = Checks::new();
        let user = Self {
            id,
            email: checks.email("/email", &input.email),
            name: checks.line("/name", &input.name, 200),
            status: input.status,
            assignment: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.finish()?;
        Ok(user)
    }

    /// # Errors
    /// As [`Self::new`].
    pub fn changed(&self, now: DateTime<Utc>, input: &UserInput) -> Result<Self> {
        let new = Self::new(self.id, now, input)?;
        Ok(Self {
            version: self.version + 1,
            created_at: self.created_at,
            assignment: self.assignment.clone(),
            ..new
        })
    }
}

impl From<&User> for UserInput {
    fn from(user: &User) -> Self {
        Self { email: user.email.clone(), name: user.name.clone(), status: user.status }
    }
}

impl Entity for User {
    const KIND: EntityKind = EntityKind::User;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "role": "adviser",
    "carrier_id": "01890000-0000-7000-8000-000000000101",
    "site_id": "01890000-0000-7000-8000-000000000201",
    "valid_from": "2026-01-01"
}))]
pub struct AssignmentInput {
    pub role: Role,
    /// Required for advisers and managers, absent for the other roles.
    pub carrier_id: Option<CarrierId>,
    /// Home site, one of the carrier's; optional.
    pub site_id: Option<SiteId>,
    /// First day. An assignment that runs then is ended the day before.
    #[serde(deserialize_with = "crate::time::date")]
    pub valid_from: NaiveDate,
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub valid_to: Option<NaiveDate>,
}

/// What a user is in the network for a time. Assignments of one user do not overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    pub id: AssignmentId,
    pub user_id: UserId,
    pub role: Role,
    #[schema(required)]
    pub carrier: Option<Reference>,
    #[schema(required)]
    pub site: Option<Reference>,
    pub valid_from: NaiveDate,
    #[schema(required)]
    pub valid_to: Option<NaiveDate>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Assignment {
    /// `carrier` and `site` are what the input names; the site comes with its carrier's id.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: AssignmentId,
        user_id: UserId,
        now: DateTime<Utc>,
        input: &AssignmentInput,
        carrier: Option<Reference>,
        site: Option<(Reference, CarrierId)>,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        checks.validity(input.valid_from, input.valid_to);
        checks.require(
            input.role.is_of_people(),
            "/role",
            "role_of_keys",
            "is the role of API keys, which users do not have",
        );
        checks.require(
            input.role.has_carrier() == carrier.is_some(),
            "/carrier_id",
            "carrier_and_role",
            if input.role.has_carrier() {
                "is required for this role"
            } else {
                "must be absent for this role: it does not work for one carrier"
            },
        );
        if let Some((_, of)) = &site {
            checks.require(
                carrier.as_ref().is_some_and(|carrier| carrier.id == of.0),
                "/site_id",
                "site_of_another_carrier",
                "must be a site of the carrier",
            );
        }
        checks.finish()?;
        Ok(Self {
            id,
            user_id,
            role: input.role,
            carrier,
            site: site.map(|(site, _)| site),
            valid_from: input.valid_from,
            valid_to: input.valid_to,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// The assignments that must end, because a new one begins; each on the day before.
    ///
    /// # Errors
    /// `Conflict` when the new one begins before an existing one: what was, stays.
    pub fn ended_by(existing: &[Self], new: &Self, now: DateTime<Utc>) -> Result<Vec<Self>> {
        let mut ended = Vec::new();
        for old in existing {
            if covers(new.valid_from, new.valid_to, old.valid_from) {
                return Err(Error::conflict(
                    "assignment_overlaps",
                    format!(
                        "The user is {} from {} on; a new assignment must begin later.",
                        old.role.code(),
                        old.valid_from
                    ),
                ));
            }
            if covers(old.valid_from, old.valid_to, new.valid_from) {
                ended.push(Self {
                    valid_to: new.valid_from.checked_sub_days(Days::new(1)),
                    version: old.version + 1,
                    updated_at: now,
                    ..old.clone()
                });
            }
        }
        Ok(ended)
    }

    /// The last day of an assignment that begins on a date: the day before the next one that is
    /// planned, if there is one.
    #[must_use]
    pub fn last_day_before_next(existing: &[Self], begins: NaiveDate) -> Option<NaiveDate> {
        let later = existing.iter().map(|other| other.valid_from).filter(|from| *from > begins);
        later.min().and_then(|next| next.checked_sub_days(Days::new(1)))
    }

    /// This one with what `new` says, in its place: what began today cannot end yesterday. What it was
    /// before is in the history.
    #[must_use]
    pub fn replaced_by(&self, new: Self) -> Self {
        let version = self.version + 1;
        Self { id: self.id, version, created_at: self.created_at, ..new }
    }
}

impl Entity for Assignment {
    const KIND: EntityKind = EntityKind::Assignment;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}
