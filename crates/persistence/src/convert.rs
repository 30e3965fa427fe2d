//! What rows share on their way to entities.

use crate::sql_types::{At, Document, Key};
use lotse_domain::code::Code;
use lotse_domain::entity::{Archived, Reference};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A code column as its enum. The database checks the codes too, so an unknown one means that the
/// schema is newer than the program.
pub fn code<C: Code>(code: &str) -> Result<C> {
    C::from_code(code)
        .ok_or_else(|| Error::internal(format!("unknown {} in the database: {code}", C::SET)))
}

pub fn optional_code<C: Code>(column: Option<&str>) -> Result<Option<C>> {
    column.map(code).transpose()
}

pub fn reference(id: Option<Key>, name: Option<String>) -> Option<Reference> {
    Some(Reference { id: id?.0, name: name? })
}

pub fn archived(at: Option<At>, reason: Option<String>) -> Option<Archived> {
    Some(Archived { at: at?.0, reason: reason? })
}

/// A pattern that matches text containing `folded`, which has neither `%` nor `_`.
pub fn contains(folded: &str) -> String {
    format!("%{folded}%")
}

/// The carrier whose records a scope holds. Figures over the network hold none.
pub fn carrier_of(scope: &Scope) -> Option<Key> {
    match scope {
        Scope::Carrier(carrier) => Some(Key(carrier.0)),
        Scope::Network | Scope::Nothing => None,
    }
}

/// As JSON in a row.
pub fn document<T: Serialize + ?Sized>(value: &T) -> Result<Document> {
    serde_json::to_value(value).map(Document).map_err(|error| Error::Internal(error.into()))
}

pub fn of_document<T: DeserializeOwned>(document: Document) -> Result<T> {
    serde_json::from_value(document.0).map_err(|error| Error::Internal(error.into()))
}
