use chrono::TimeDelta;
use lotse_domain::api_key::{
    ApiKey, ApiKeyFilter, ApiKeyInput, ApiKeyWithSecret, RotateInput, SECRET_PREFIX,
};
use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::{ApiKeyId, CarrierId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::{Action, Actor, CarrierRef, Role};
use lotse_domain::{Error, Result};
use lotse_persistence::{api_key, audit};
use rand::RngExt;

use crate::session::{hash_of, new_token};
use crate::site::named_carrier;
use crate::{App, Caller, Writing};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ApiKeyFilter,
    paging: &Paging,
) -> Result<Page<ApiKey>> {
    app.read(caller, Action::ManageApiKeys, |tx| {
        let (of, today) = (managed(&tx.actor)?, tx.today());
        api_key::list(tx.conn, &tx.names, of, filter, tx.now, today, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: ApiKeyId) -> Result<ApiKey> {
    app.read(caller, Action::ManageApiKeys, |tx| {
        let (of, today) = (managed(&tx.actor)?, tx.today());
        api_key::find(tx.conn, &tx.names, of, id, tx.now, today)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: ApiKeyId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ManageApiKeys, |tx| {
        let (of, today) = (managed(&tx.actor)?, tx.today());
        api_key::find(tx.conn, &tx.names, of, id, tx.now, today)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// Makes a key, with its secret when the caller may let it in.
///
/// # Errors
/// `Invalid`; `Forbidden` for the key of another carrier.
pub fn create(app: &App, caller: &Caller, input: &ApiKeyInput) -> Result<ApiKeyWithSecret> {
    let secret = Secret::new();
    let key = app.write(caller, Action::ManageApiKeys, |tx| {
        let today = tx.today();
        if managed(&tx.actor)?.is_some_and(|own| own != input.carrier_id) {
            let message = "must be your carrier";
            return Err(Error::invalid("/carrier_id", "another_carrier", message));
        }
        let carrier = named_carrier(tx.conn, "/carrier_id", input.carrier_id)?;
        let carrier = CarrierRef { id: CarrierId(carrier.id), name: carrier.name };
        let new = ApiKey::new(tx.new_id(), tx.now, today, &tx.actor, &carrier, input)?;
        api_key::insert(tx.conn, &new)?;
        tx.created(&new)?;
        if new.approved.is_none() {
            return Ok(new);
        }
        secret.give_to(tx, &new, 0)
    })?;
    Ok(secret.with(key))
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Forbidden` when the caller would grant more than he holds;
/// `Conflict` when it is revoked.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ApiKeyId,
    seen: i64,
    patch: &MergePatch,
) -> Result<ApiKey> {
    app.write(caller, Action::ManageApiKeys, |tx| {
        let old = changeable(tx, id, seen)?;
        let input: ApiKeyInput = patch.apply(&ApiKeyInput::from(&old))?;
        let new = old.changed(tx.now, tx.today(), &tx.actor, &input)?;
        api_key::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// Lets in a key that waits, and gives it its secret.
///
/// # Errors
/// `NotFound`, `Stale`; `Forbidden` when the caller may not do what it opens; `Conflict` when it does
/// not wait.
pub fn approve(app: &App, caller: &Caller, id: ApiKeyId, seen: i64) -> Result<ApiKeyWithSecret> {
    let secret = Secret::new();
    let key = app.write(caller, Action::ManageApiKeys, |tx| {
        let old = changeable(tx, id, seen)?;
        let new = old.approved(tx.now, tx.today(), &tx.actor)?;
        api_key::update(tx.conn, &new)?;
        tx.audit(AuditAction::Approved, Some(&old), &new)?;
        secret.give_to(tx, &new, 0)
    })?;
    Ok(secret.with(key))
}

/// Gives a key another secret. Those before stay good for a while, so that the other system can be
/// told the new one without a gap.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Forbidden` when the caller may not do what it opens; `Conflict`
/// when it does not hold.
pub fn rotate(
    app: &App,
    caller: &Caller,
    id: ApiKeyId,
    seen: i64,
    input: &RotateInput,
) -> Result<ApiKeyWithSecret> {
    input.check()?;
    let secret = Secret::new();
    let key = app.write(caller, Action::ManageApiKeys, |tx| {
        let old = changeable(tx, id, seen)?;
        let rotated = old.rotated(tx.now, &tx.actor)?;
        api_key::update(tx.conn, &rotated)?;
        let new = secret.give_to(tx, &rotated, input.overlap_hours)?;
        tx.audit(AuditAction::Rotated, Some(&old), &new)?;
        Ok(new)
    })?;
    Ok(secret.with(key))
}

/// Ends a key at once.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it was revoked before.
pub fn revoke(
    app: &App,
    caller: &Caller,
    id: ApiKeyId,
    seen: i64,
    input: &ReasonInput,
) -> Result<ApiKey> {
    app.write(caller, Action::ManageApiKeys, |tx| {
        let old = changeable(tx, id, seen)?;
        let new = old.revoked(tx.now, input.checked()?)?;
        api_key::update(tx.conn, &new)?;
        tx.audit(AuditAction::Revoked, Some(&old), &new)?;
        Ok(new)
    })
}

fn changeable(tx: &mut Writing, id: ApiKeyId, seen: i64) -> Result<ApiKey> {
    let (of, today) = (managed(&tx.actor)?, tx.today());
    let old = api_key::find(tx.conn, &tx.names, of, id, tx.now, today)?;
    check_version(&old, seen)?;
    Ok(old)
}

/// The carrier whose keys the actor manages; none for those of all.
fn managed(actor: &Actor) -> Result<Option<CarrierId>> {
    match actor.role {
        Role::Admin => Ok(None),
        _ => Ok(Some(actor.own_carrier()?.id)),
    }
}

/// A secret that no key has yet.
struct Secret {
    text: String,
    prefix: String,
}

impl Secret {
    fn new() -> Self {
        const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut random = rand::rng();
        let letter = |_| char::from(LETTERS[random.random_range(0..LETTERS.len())]);
        let prefix = format!("{SECRET_PREFIX}{}", (0..8).map(letter).collect::<String>());
        Self { text: format!("{prefix}_{}", new_token()), prefix }
    }

    /// The key as it is with this secret.
    fn give_to(&self, tx: &mut Writing, key: &ApiKey, overlap_hours: i64) -> Result<ApiKey> {
        let others_end = tx.now + TimeDelta::hours(overlap_hours);
        let hash = hash_of(&self.text);
        api_key::add_secret(tx.conn, key.id, &hash, &self.prefix, tx.now, others_end)?;
        let today = tx.today();
        api_key::find(tx.conn, &tx.names, None, key.id, tx.now, today)
    }

    /// What is answered. The answer that is kept for the `Idempotency-Key` has no secret; a request
    /// that is answered from there did not get this one, and there is no other to show.
    fn with(self, key: ApiKey) -> ApiKeyWithSecret {
        let given = key.secrets.iter().any(|secret| secret.prefix == self.prefix);
        ApiKeyWithSecret { key, secret: given.then_some(self.text) }
    }
}
