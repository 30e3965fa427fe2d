//! API keys: how other systems work for a carrier, with a part of what its people may do.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::{Code, codes};
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{ApiKeyId, CarrierId, UserId};
use crate::policy::{Action, Actor, CarrierRef, Role, allows};

/// What every secret begins with, so that programs that look for leaked secrets find it.
pub const SECRET_PREFIX: &str = "lotse_";
/// A key that nobody renews ends within a year.
pub const LONGEST_DAYS: u64 = 366;
/// How long the secret before stays good, unless told: time to put the new one in place.
pub const OVERLAP_HOURS: i64 = 24;

codes! {
    "api_key_status" ApiKeyStatus {
        /// Made by somebody who may not do what it opens; a manager of the carrier has to approve.
        Waiting,
        Active,
        Expired,
        Revoked,
    }
}

/// What of a key can be changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Website of the centre",
    "carrier_id": "01890000-0000-7000-8000-000000000101",
    "scopes": ["read_register", "log_consultation"],
    "expires_on": "2026-12-31"
}))]
pub struct ApiKeyInput {
    /// The system that uses it. It stands as author in what the key records.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Whom it works for. It stays.
    pub carrier_id: CarrierId,
    /// What it may do: names of permissions that the role integration can have.
    #[schema(min_items = 1)]
    pub scopes: Vec<Action>,
    /// Last day, at most a year ahead.
    pub expires_on: NaiveDate,
}

/// The body that makes a key's next secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_hours": 24}))]
pub struct RotateInput {
    /// How long the secrets before stay good: 0 to 168 hours, 24 unless told.
    #[schema(minimum = 0, maximum = 168, default = 24)]
    #[serde(default = "overlap_hours")]
    pub overlap_hours: i64,
}

fn overlap_hours() -> i64 {
    OVERLAP_HOURS
}

impl RotateInput {
    /// # Errors
    /// `Invalid` when the overlap is out of bounds.
    pub fn check(&self) -> Result<()> {
        let mut checks = Checks::new();
        checks.range("/overlap_hours", self.overlap_hours, 0, 168);
        checks.finish()
    }
}

/// A secret of a key, as far as it can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeySecret {
    /// How the secret begins; enough to recognise it.
    #[schema(example = "lotse_k7fqmw3x")]
    pub prefix: String,
    pub created_at: DateTime<Utc>,
    /// When it ends before the key does, because a newer one replaced it.
    #[schema(required)]
    pub expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    #[schema(required)]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Who let a key in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub carrier: Reference,
    pub scopes: Vec<Action>,
    /// Last day.
    pub expires_on: NaiveDate,
    pub status: ApiKeyStatus,
    pub created_by: Reference,
    #[schema(required)]
    pub approved: Option<Approval>,
    #[schema(required)]
    pub revoked: Option<Archived>,
    /// Those that are good, the latest first.
    pub secrets: Vec<ApiKeySecret>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A key with its new secret.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyWithSecret {
    #[serde(flatten)]
    pub key: ApiKey,
    /// Goes into `Authorization: Bearer …`. Shown this once; null while the key waits for approval,
    /// and when a request is answered again under its `Idempotency-Key`.
    #[schema(required, example = "lotse_k7fqmw3x_Tm90IGEgcmVhbCBzZWNyZXQsIGp1c3QgYW4gZXhhbXBsZQ")]
    pub secret: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyFilter {
    pub carrier_id: Option<CarrierId>,
}

impl ApiKey {
    /// Who may do all that the key opens lets it in by making it; otherwise it waits for somebody who
    /// may: nobody grants more than he holds.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: ApiKeyId,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        carrier: &CarrierRef,
        input: &ApiKeyInput,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let name = checks.line("/name", &input.name, 200);
        checks.require(!input.scopes.is_empty(), "/scopes", "empty", "must not be empty");
        for (place, scope) in input.scopes.iter().enumerate() {
            let pointer = format!("/scopes/{place}");
            if *scope == Action::ReadOwnAccount || !allows(Role::Integration, *scope) {
                checks.fail(pointer, "not_for_keys", "cannot be given to a key");
            } else if input.scopes[..place].contains(scope) {
                checks.fail(pointer, "twice", "must not be named twice");
            }
        }
        check_end(&mut checks, today, input.expires_on);
        checks.finish()?;
        let approved = actor
            .holds_for(carrier.id, &input.scopes)
            .then(|| Approval { by: actor.reference(), at: now });
        Ok(Self {
            id,
            name,
            carrier: Reference::new(carrier.id, &carrier.name),
            scopes: input.scopes.clone(),
            expires_on: input.expires_on,
            status: if approved.is_some() { ApiKeyStatus::Active } else { ApiKeyStatus::Waiting },
            created_by: actor.reference(),
            approved,
            revoked: None,
            secrets: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// Everybody who manages the key may narrow it; to widen it takes who may do all that it opens.
    ///
    /// # Errors
    /// `Conflict` when it is revoked; `Forbidden` when the caller would grant more than he holds; as
    /// [`Self::new`].
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &ApiKeyInput,
    ) -> Result<Self> {
        self.check_not_revoked()?;
        if input.carrier_id.0 != self.carrier.id {
            return Err(Error::invalid("/carrier_id", "cannot_change", "cannot be changed"));
        }
        let carrier =
            CarrierRef { id: CarrierId(self.carrier.id), name: self.carrier.name.clone() };
        // The end of a key that expired stays what it was while something else is changed.
        let checked_from =
            if input.expires_on == self.expires_on { today.min(self.expires_on) } else { today };
        let new = Self::new(self.id, now, checked_from, actor, &carrier, input)?;
        let wider = new.expires_on > self.expires_on
            || new.scopes.iter().any(|scope| !self.scopes.contains(scope));
        if wider && self.approved.is_some() {
            self.check_holds(actor, &new.scopes)?;
        }
        let new = Self {
            created_by: self.created_by.clone(),
            approved: self.approved.clone(),
            secrets: self.secrets.clone(),
            version: self.version + 1,
            created_at: self.created_at,
            ..new
        };
        Ok(Self { status: new.status_on(today), ..new })
    }

    /// # Errors
    /// `Conflict` when it does not wait for approval; `Forbidden` when the caller may not do himself
    /// what the key opens.
    pub fn approved(&self, now: DateTime<Utc>, today: NaiveDate, actor: &Actor) -> Result<Self> {
        self.check_not_revoked()?;
        if self.approved.is_some() {
            return Err(Error::conflict("already_approved", "The key was approved before."));
        }
        self.check_holds(actor, &self.scopes)?;
        let approved = Some(Approval { by: actor.reference(), at: now });
        let new = Self { approved, version: self.version + 1, updated_at: now, ..self.clone() };
        Ok(Self { status: new.status_on(today), ..new })
    }

    /// The key before it gets another secret. Who sees a secret can do what it opens, so it takes
    /// somebody who may.
    ///
    /// # Errors
    /// `Conflict` when the key does not hold; `Forbidden` when the caller may not do himself what it
    /// opens.
    pub fn rotated(&self, now: DateTime<Utc>, actor: &Actor) -> Result<Self> {
        if self.status != ApiKeyStatus::Active {
            let detail = format!("The key is {}.", self.status.code());
            return Err(Error::conflict("key_not_active", detail));
        }
        self.check_holds(actor, &self.scopes)?;
        Ok(Self { version: self.version + 1, updated_at: now, ..self.clone() })
    }

    /// # Errors
    /// `Conflict` when it was revoked before.
    pub fn revoked(&self, now: DateTime<Utc>, reason: String) -> Result<Self> {
        self.check_not_revoked()?;
        Ok(Self {
            revoked: Some(Archived { at: now, reason }),
            status: ApiKeyStatus::Revoked,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    /// What it is on a date; `status` says it for the moment that the key was read.
    #[must_use]
    pub fn status_on(&self, today: NaiveDate) -> ApiKeyStatus {
        if self.revoked.is_some() {
            ApiKeyStatus::Revoked
        } else if self.expires_on < today {
            ApiKeyStatus::Expired
        } else if self.approved.is_none() {
            ApiKeyStatus::Waiting
        } else {
            ApiKeyStatus::Active
        }
    }

    fn check_holds(&self, actor: &Actor, scopes: &[Action]) -> Result<()> {
        if actor.holds_for(CarrierId(self.carrier.id), scopes) {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "Only who may do for the carrier what the key opens can do this: a manager of it."
                    .to_owned(),
            ))
        }
    }

    fn check_not_revoked(&self) -> Result<()> {
        match self.revoked {
            None => Ok(()),
            Some(_) => Err(Error::conflict("revoked", "The key was revoked.")),
        }
    }
}

fn check_end(checks: &mut Checks, today: NaiveDate, expires_on: NaiveDate) {
    let latest = today.checked_add_days(Days::new(LONGEST_DAYS)).unwrap_or(today);
    checks.range("/expires_on", expires_on, today, latest);
}

impl From<&ApiKey> for ApiKeyInput {
    fn from(key: &ApiKey) -> Self {
        Self {
            name: key.name.clone(),
            carrier_id: CarrierId(key.carrier.id),
            scopes: key.scopes.clone(),
            expires_on: key.expires_on,
        }
    }
}

impl From<ApiKeyId> for UserId {
    /// What a key records, it records under its own id.
    fn from(id: ApiKeyId) -> Self {
        Self(id.0)
    }
}

impl Entity for ApiKey {
    const KIND: EntityKind = EntityKind::ApiKey;

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

impl Entity for ApiKeyWithSecret {
    const KIND: EntityKind = EntityKind::ApiKey;

    fn id(&self) -> Uuid {
        self.key.id.0
    }

    fn version(&self) -> i64 {
        self.key.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SessionId;
    use crate::policy::Login;

    fn actor(role: Role, carrier: Option<u128>) -> Actor {
        Actor {
            login: Login::Session {
                id: SessionId(Uuid::from_u128(1)),
                email: "somebody@demo.example".to_owned(),
                restricted: false,
            },
            user_id: UserId(Uuid::from_u128(2)),
            name: "Somebody".to_owned(),
            role,
            carrier: carrier.map(|id| CarrierRef {
                id: CarrierId(Uuid::from_u128(id)),
                name: "Carrier".to_owned(),
            }),
            site: None,
        }
    }

    fn key(actor: &Actor, scopes: &[Action], days: u64) -> Result<ApiKey> {
        let today: NaiveDate = "2026-03-16".parse().unwrap();
        let carrier = CarrierId(Uuid::from_u128(7));
        let input = ApiKeyInput {
            name: "Website".to_owned(),
            carrier_id: carrier,
            scopes: scopes.to_vec(),
            expires_on: today + Days::new(days),
        };
        let carrier = CarrierRef { id: carrier, name: "Carrier".to_owned() };
        let id = ApiKeyId(Uuid::from_u128(3));
        ApiKey::new(id, DateTime::default(), today, actor, &carrier, &input)
    }

    #[test]
    fn nobody_grants_more_than_he_holds() {
        let scopes = [Action::ReadConsultations, Action::LogConsultation];
        let manager = actor(Role::Manager, Some(7));
        let admin = actor(Role::Admin, None);
        let stranger = actor(Role::Manager, Some(8));
        assert_eq!(key(&manager, &scopes, 1).unwrap().status, ApiKeyStatus::Active);
        for other in [&admin, &stranger] {
            let waiting = key(other, &scopes, 1).unwrap();
            assert_eq!(waiting.status, ApiKeyStatus::Waiting);
            let today = waiting.expires_on;
            assert!(waiting.approved(DateTime::default(), today, other).is_err());
            let approved = waiting.approved(DateTime::default(), today, &manager).unwrap();
            assert_eq!(approved.status, ApiKeyStatus::Active);
            assert!(approved.rotated(DateTime::default(), other).is_err());
        }
    }

    #[test]
    fn a_key_gets_only_what_keys_can_have() {
        let manager = actor(Role::Manager, Some(7));
        for action in Action::all() {
            let made = key(&manager, &[action], 1).is_ok();
            let own = action == Action::ReadOwnAccount;
            assert_eq!(made, allows(Role::Integration, action) && !own, "{action:?}");
        }
        assert!(key(&manager, &[], 1).is_err());
        assert!(key(&manager, &[Action::ReadRegister, Action::ReadRegister], 1).is_err());
        assert!(key(&manager, &[Action::ReadRegister], LONGEST_DAYS).is_ok());
        assert!(key(&manager, &[Action::ReadRegister], LONGEST_DAYS + 1).is_err());
    }

    #[test]
    fn an_admin_narrows_a_key_and_does_not_widen_it() {
        let manager = actor(Role::Manager, Some(7));
        let admin = actor(Role::Admin, None);
        let old = key(&manager, &[Action::ReadRegister, Action::ReadContacts], 10).unwrap();
        let today: NaiveDate = "2026-03-16".parse().unwrap();
        let change = |actor: &Actor, scopes: &[Action], days: u64| {
            let input = ApiKeyInput {
                scopes: scopes.to_vec(),
                expires_on: today + Days::new(days),
                ..ApiKeyInput::from(&old)
            };
            old.changed(DateTime::default(), today, actor, &input)
        };
        assert!(change(&admin, &[Action::ReadRegister], 5).is_ok());
        assert!(change(&admin, &[Action::ReadRegister], 11).is_err());
        assert!(change(&admin, &[Action::ReadRegister, Action::ReadConsultations], 5).is_err());
        assert!(change(&manager, &[Action::ReadConsultations], 11).is_ok());
    }
}
