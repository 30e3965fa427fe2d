//! JSON Merge Patch (RFC 7396) on commands: an absent field leaves, null clears.
//!
//! A change is merged into the command form of the entity as it is, and the result is checked like
//! a new command. So create and change share one type and one set of rules.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::check::shape_violation;
use crate::error::{Error, Result};

/// The body of a PATCH: an object with the fields to change.
#[derive(Clone, Debug)]
pub struct MergePatch(Value);

impl MergePatch {
    /// # Errors
    /// `Invalid` when the patch is not an object: that would replace the whole record.
    pub fn new(patch: Value) -> Result<Self> {
        if patch.is_object() {
            Ok(Self(patch))
        } else {
            Err(Error::invalid("", "wrong_type", "must be an object with the fields to change"))
        }
    }

    /// # Errors
    /// `Invalid` with the place when the result does not have the shape of the command.
    pub fn apply<C: Serialize + DeserializeOwned>(&self, current: &C) -> Result<C> {
        let mut merged =
            serde_json::to_value(current).map_err(|error| Error::Internal(error.into()))?;
        json_patch::merge(&mut merged, &self.0);
        serde_path_to_error::deserialize(merged)
            .map_err(|error| Error::Invalid(vec![shape_violation(error.path(), error.inner())]))
    }
}
