//! JSON Merge Patch (RFC 7396) on commands: an absent field leaves, null clears.
//!
//! A change is merged into the command form of the entity as it is, and the result is checked like
//! a new command. So create and change share one type and one set of rules.

use std::fmt;

use serde::de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::check::shape_violation;
use crate::error::{Error, Result};

/// The body of a PATCH, or a part of another body: an object with the fields to change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MergePatch(Value);

impl MergePatch {
    /// Gives one field this value.
    #[must_use]
    pub fn of_field(name: &str, value: impl Into<Value>) -> Self {
        Self(Value::Object(Map::from_iter([(name.to_owned(), value.into())])))
    }

    /// Whether it names no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.as_object().is_none_or(Map::is_empty)
    }

    /// Whether it clears the field at this place.
    #[must_use]
    pub fn clears(&self, pointer: &str) -> bool {
        self.0.pointer(pointer).is_some_and(Value::is_null)
    }

    /// # Errors
    /// `Invalid` with the place when the result does not have the shape of the command.
    pub fn apply<C: Serialize + DeserializeOwned>(&self, current: &C) -> Result<C> {
        let mut merged =
            serde_json::to_value(current).map_err(|error| Error::Internal(error.into()))?;
        // The merge would skip it, since there is nothing to clear.
        if let Some(pointer) = unknown_null(&self.0, &merged) {
            return Err(Error::invalid(pointer, "unknown_field", "unknown field"));
        }
        json_patch::merge(&mut merged, &self.0);
        shaped(merged)
    }
}

/// A command that is not the body of a request.
///
/// # Errors
/// `Invalid` with the place when it does not have the shape of the command.
pub fn shaped<C: DeserializeOwned>(command: Value) -> Result<C> {
    serde_path_to_error::deserialize(command)
        .map_err(|error| Error::Invalid(vec![shape_violation(error.path(), error.inner())]))
}

/// An object: anything else would replace the whole record.
impl<'de> Deserialize<'de> for MergePatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let Unambiguous(patch) = Unambiguous::deserialize(deserializer)?;
        if patch.is_object() {
            Ok(Self(patch))
        } else {
            Err(de::Error::custom("must be an object with the fields to change"))
        }
    }
}

/// Where a patch clears a field that the command does not have.
fn unknown_null(patch: &Value, current: &Value) -> Option<String> {
    let current = current.as_object()?;
    patch.as_object()?.iter().find_map(|(name, value)| {
        let below = match current.get(name) {
            Some(current) => unknown_null(value, current)?,
            None if value.is_null() => String::new(),
            None => return None,
        };
        Some(format!("/{}{below}", name.replace('~', "~0").replace('/', "~1")))
    })
}

/// Any JSON in which no object names a field twice: readers differ in which of the two holds. A command
/// refuses that by its derived `Deserialize`, `serde_json::Value` takes the last.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(UnambiguousVisitor).map(Self)
    }
}

struct UnambiguousVisitor;

impl<'de> Visitor<'de> for UnambiguousVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> std::result::Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unambiguous(value))) = fields.next_entry::<String, _>()? {
            if object.contains_key(&name) {
                return Err(de::Error::custom(format!("duplicate field `{name}`")));
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}
