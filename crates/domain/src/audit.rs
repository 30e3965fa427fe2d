//! History: who changed what, when, from what to what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::code::codes;
use crate::entity::Reference;
use crate::id::AuditId;

codes! {
    "audit_action" AuditAction {
        Created, Changed, Archived, Voided,
        /// A user's password was set; what it is, is nowhere.
        PasswordSet,
        /// Somebody made a user a link to set the password with.
        Invited,
        /// All sessions of a user were ended by somebody else.
        SessionsEnded,
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
    /// Who did it; null for the operator of the installation at its console.
    #[schema(required)]
    pub by: Option<Reference>,
    /// The version that came of it.
    pub version: i64,
    pub changes: Vec<FieldChange>,
}

/// What differs between two states of a record, field by field. Book-keeping is left out.
#[must_use]
pub fn changes(old: &Value, new: &Value) -> Vec<FieldChange> {
    const NOT_CONTENT: [&str; 4] = ["id", "version", "created_at", "updated_at"];
    let Some(fields) = new.as_object() else { return Vec::new() };
    fields
        .iter()
        .filter(|(field, _)| !NOT_CONTENT.contains(&field.as_str()))
        .filter_map(|(field, new)| {
            let old = old.get(field).cloned().unwrap_or(Value::Null);
            (old != *new).then(|| FieldChange { field: field.clone(), old, new: new.clone() })
        })
        .collect()
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
}
