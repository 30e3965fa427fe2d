//! The templates that ship with the program: the accompaniment of 100 days and the two checklists of
//! recruitment. They are files in the form that templates are imported in.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Context, ProgrammeTemplate, ProgrammeTemplateInput, TemplateEvent, TemplateStatus};
use crate::error::Result;
use crate::id::ProgrammeTemplateId;

/// Code of the template that an accompaniment follows unless told.
pub const DEFAULT_ACCOMPANIMENT: &str = "hundred_days";

/// A template with the id of its first version.
#[derive(Clone, Debug)]
pub struct Shipped {
    pub id: ProgrammeTemplateId,
    pub input: ProgrammeTemplateInput,
}

impl Shipped {
    /// The first version, published with the program.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule; a test says that it does not.
    pub fn published(&self, at: DateTime<Utc>) -> Result<ProgrammeTemplate> {
        let draft = ProgrammeTemplate::new(self.id, at, &self.input, &Context::default())?;
        let published = Some(TemplateEvent { at, by: None });
        Ok(ProgrammeTemplate { status: TemplateStatus::Published, published, ..draft })
    }
}

const FILES: [(u128, &str); 3] = [
    (
        0x0189_0000_0000_7000_8000_0000_0000_0601,
        include_str!("../../data/templates/hundred_days.json"),
    ),
    (
        0x0189_0000_0000_7000_8000_0000_0000_0602,
        include_str!("../../data/templates/fast_track.json"),
    ),
    (
        0x0189_0000_0000_7000_8000_0000_0000_0603,
        include_str!("../../data/templates/regular_visa.json"),
    ),
];

static SHIPPED: LazyLock<Vec<Shipped>> = LazyLock::new(|| {
    FILES
        .into_iter()
        .map(|(id, json)| Shipped {
            id: Uuid::from_u128(id).into(),
            input: serde_json::from_str(json).expect(
                "the templates shipped with the program are well-formed; a test reads them",
            ),
        })
        .collect()
});

#[must_use]
pub fn shipped() -> &'static [Shipped] {
    &SHIPPED
}
