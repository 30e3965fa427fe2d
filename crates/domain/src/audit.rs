//! Who changed, read or was refused what, when, from what to what.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::codes;
use crate::entity::{Entity, EntityKind, Reference};
use crate::id::{AuditId, CarrierId, SessionId, UserId};
use crate::policy::Role;

codes! {
    "audit_action" AuditAction {
        Created, Changed, Archived, Voided,
        /// A carrier set its tags of a company, an actor or a consultation, which itself did not change.
        Tagged,
        /// An organisation took another one in, or was taken in, or a record names the survivor since.
        Merged,
        /// A merge was undone, and the record is what it was or names what it named.
        Unmerged,
        /// A user's password was set; what it is, is nowhere.
        PasswordSet,
        /// Somebody made a user a link to set the password with.
        Invited,
        /// A user can log in as somebody at the provider of single sign-on.
        IdentityLinked,
        /// All sessions of a user were ended by somebody else.
        SessionsEnded,
        SecondFactorSet, SecondFactorRemoved, RecoveryCodesSet,
        /// A user got a secret address for calendar programs; the one before is over.
        CalendarFeedSet, CalendarFeedRemoved,
        /// A key was let in by somebody who may do what it opens.
        Approved,
        /// A key got another secret; what it is, is nowhere.
        Rotated,
        /// A key is over before its time.
        Revoked,
        /// What follows changed no record.
        LoggedIn, LoggedOut, LogInRefused,
        /// A refresh token came a second time: somebody else has it. The session ended.
        TokenReused,
        /// Somebody known asked for what he may not do.
        Refused,
        /// Personal data was read.
        Read,
    }
}

/// One field of a record, before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    #[schema(example = "minutes")]
    pub field: String,
    #[schema(required, example = json!(30))]
    pub old: Value,
    #[schema(required, example = json!(45))]
    pub new: Value,
}

/// One step in the history of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    pub id: AuditId,
    pub at: DateTime<Utc>,
    pub action: AuditAction,
    /// Who did it; null for the operator of the installation at its console, for what single sign-on brought,
    /// and for what the server found by itself.
    #[schema(required)]
    pub by: Option<Reference>,
    /// The version that came of it.
    pub version: i64,
    pub changes: Vec<FieldChange>,
}

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: DateTime<Utc>,
    pub action: AuditAction,
    /// Who did it; null for the operator of the installation at its console, for what single sign-on brought,
    /// and for what the server found by itself.
    #[schema(required)]
    pub by: Option<Reference>,
    /// The session that it was done in; null for an API key.
    #[schema(required)]
    pub session_id: Option<SessionId>,
    /// How the secret of the API key begins that it was done with; null for a session.
    #[schema(required, example = "lotse_k7fqmw3x")]
    pub api_key: Option<String>,
    /// The request, as `X-Request-Id` and the server's log name it; `console` for the operator, `housekeeping` for
    /// the server itself.
    pub request_id: String,
    /// What kind of record it was about; null where it was about none, or about several.
    #[schema(required)]
    pub entity_kind: Option<EntityKind>,
    #[schema(required)]
    pub entity_id: Option<Uuid>,
    /// The version that came of it; null where nothing changed.
    #[schema(required)]
    pub entity_version: Option<i64>,
    /// What was refused or read (a permission, or `calendar_feed`), or why a log-in was refused.
    #[schema(required, example = "read_contacts")]
    pub detail: Option<String>,
    /// Whose record it is; null where the network shares it.
    #[schema(required)]
    pub carrier: Option<Reference>,
    /// Null where the reader may know that a carrier's record was changed, but not what it says.
    #[schema(required)]
    pub changes: Option<Vec<FieldChange>>,
}

impl AuditEntry {
    /// The entry as a role may see it: who administers does not read what was said.
    #[must_use]
    pub fn seen_by(self, role: Role) -> Self {
        let hidden = role != Role::DataProtection && self.carrier.is_some();
        Self { changes: self.changes.filter(|_| !hidden), ..self }
    }
}

/// A record that something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    pub kind: EntityKind,
    pub id: Uuid,
    pub carrier: Option<CarrierId>,
}

impl Subject {
    pub fn of<E: Entity>(entity: &E) -> Self {
        Self { kind: E::KIND, id: entity.id(), carrier: entity.carrier() }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditFilter {
    /// Who did it.
    pub user_id: Option<UserId>,
    pub action: Option<AuditAction>,
    pub entity_kind: Option<EntityKind>,
    /// One record.
    pub entity_id: Option<Uuid>,
    /// Whose records.
    pub carrier_id: Option<CarrierId>,
    pub request_id: Option<String>,
    /// Only what changed a record, or only what did not.
    pub changed: Option<bool>,
    /// First day, in the network's zone.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day, in the network's zone.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
}

/// What differs between two states of a record, field by field. Book-keeping is left out. Of a list of steps
/// each is told apart by its code, so that a history shows which one was done and not all of them again.
#[must_use]
pub fn changes(old: &Value, new: &Value) -> Vec<FieldChange> {
    // The last three are derived: the heads that an event counts, how a plan stands on a day, and where a
    // correction no longer holds.
    const NOT_CONTENT: [&str; 7] =
        ["id", "version", "created_at", "updated_at", "participations", "state", "overtaken"];
    let Some(fields) = new.as_object() else { return Vec::new() };
    fields
        .iter()
        .filter(|(field, _)| !NOT_CONTENT.contains(&field.as_str()))
        .flat_map(|(field, new)| {
            let old = old.get(field).cloned().unwrap_or(Value::Null);
            match (field.as_str(), old.as_array(), new.as_array()) {
                ("steps", Some(old), Some(new)) if !old.is_empty() => changed_steps(old, new),
                _ if old == *new => Vec::new(),
                _ => vec![FieldChange { field: field.clone(), old, new: new.clone() }],
            }
        })
        .collect()
}

fn changed_steps(old: &[Value], new: &[Value]) -> Vec<FieldChange> {
    let find = |steps: &[Value], code: &Value| {
        steps.iter().find(|step| step["code"] == *code).cloned().unwrap_or(Value::Null)
    };
    let whole = |code: &Value, old: Value, new: Value| FieldChange {
        field: format!("steps/{}", code.as_str().unwrap_or_default()),
        old,
        new,
    };
    let of_new = new.iter().flat_map(|step| {
        let code = &step["code"];
        let before = find(old, code);
        if before.is_null() {
            return vec![whole(code, before, step.clone())];
        }
        changes(&before, step)
            .into_iter()
            .map(|change| FieldChange {
                field: format!("steps/{}/{}", code.as_str().unwrap_or_default(), change.field),
                ..change
            })
            .collect()
    });
    let gone = old.iter().filter(|step| find(new, &step["code"]).is_null());
    let gone = gone.map(|step| whole(&step["code"], step.clone(), Value::Null));
    of_new.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_content_that_differs() {
        let old = json!({"id": 1, "version": 1, "minutes": 30, "notes": null, "site": {"id": 1}});
        let new = json!({"id": 1, "version": 2, "minutes": 45, "notes": null, "site": {"id": 1}});
        let all = changes(&old, &new);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].field.as_str(), &all[0].new), ("minutes", &json!(45)));
        assert_eq!(changes(&Value::Null, &new).len(), 2, "created: what is not null");
    }

    #[test]
    fn a_step_is_told_by_its_code() {
        let step = |code: &str, done: Value| json!({"code": code, "done": done, "state": done});
        let old = json!({"steps": [step("a", Value::Null), step("b", Value::Null)]});
        let new =
            json!({"steps": [step("a", json!({"on": "2026-03-02"})), step("c", Value::Null)]});
        let told = |old: &Value, new: &Value| {
            changes(old, new).into_iter().map(|change| change.field).collect::<Vec<_>>()
        };
        assert_eq!(told(&old, &new), ["steps/a/done", "steps/c", "steps/b"]);
        assert_eq!(told(&old, &old), [] as [&str; 0]);
        assert_eq!(told(&json!({"steps": []}), &new), ["steps"], "all of them are new");
    }
}
