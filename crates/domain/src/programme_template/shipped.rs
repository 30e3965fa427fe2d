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

/// A version of a template, with the id that it has everywhere.
#[derive(Clone, Debug)]
pub struct Shipped {
    pub id: ProgrammeTemplateId,
    pub version_number: i32,
    pub input: ProgrammeTemplateInput,
}

/// A version that an installation has.
#[derive(Clone, Copy, Debug)]
pub struct KnownVersion {
    pub id: ProgrammeTemplateId,
    pub version_number: i32,
    pub status: TemplateStatus,
}

/// What a version that ships adds to an installation.
#[derive(Debug)]
pub struct Addition {
    pub template: ProgrammeTemplate,
    /// The version that is to be retired for it.
    pub replaces: Option<ProgrammeTemplateId>,
}

impl Shipped {
    /// Published with the program.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule; a test says that it does not.
    pub fn published(&self, at: DateTime<Utc>) -> Result<ProgrammeTemplate> {
        let context = Context { latest: self.version_number - 1, ..Context::default() };
        let draft = ProgrammeTemplate::new(self.id, at, &self.input, &context)?;
        let published = Some(TemplateEvent { at, by: None });
        Ok(ProgrammeTemplate { status: TemplateStatus::Published, published, ..draft })
    }

    /// What is to be done in an installation that has these versions of its code; nothing when it is among
    /// them. It takes the place of the version that shipped before it. Where runs begin by a version that
    /// somebody published, or by none because somebody retired it, that stays, and this one is there to be
    /// looked at and copied.
    ///
    /// # Errors
    /// As [`Self::published`].
    pub fn addition(&self, there: &[KnownVersion], at: DateTime<Utc>) -> Result<Option<Addition>> {
        if there.iter().any(|version| version.id == self.id) {
            return Ok(None);
        }
        let published = there.iter().find(|version| version.status == TemplateStatus::Published);
        let replaces = published
            .map(|version| version.id)
            .filter(|id| shipped().iter().any(|shipped| shipped.id == *id));
        let latest = there.iter().map(|version| version.version_number).max().unwrap_or_default();
        let mut template = Self { version_number: latest + 1, ..self.clone() }.published(at)?;
        if !there.is_empty() && replaces.is_none() {
            template.status = TemplateStatus::Retired;
            template.retired = Some(TemplateEvent { at, by: None });
        }
        Ok(Some(Addition { template, replaces }))
    }
}

/// A version stays as it was shipped: installations have it, and runs go on by it. What is corrected is
/// another version, behind the one that it replaces.
const FILES: [(u128, i32, &str); 5] = [
    (
        0x0189_0000_0000_7000_8000_0000_0000_0601,
        1,
        include_str!("../../data/templates/hundred_days.json"),
    ),
    (
        0x0189_0000_0000_7000_8000_0000_0000_0602,
        1,
        include_str!("../../data/templates/fast_track.json"),
    ),
    (
        0x0189_0000_0000_7000_8000_0000_0000_0603,
        1,
        include_str!("../../data/templates/regular_visa.json"),
    ),
    (
        0x0189_0000_0000_7000_8000_0000_0000_0604,
        2,
        include_str!("../../data/templates/fast_track_2.json"),
    ),
    (
        0x0189_0000_0000_7000_8000_0000_0000_0605,
        2,
        include_str!("../../data/templates/regular_visa_2.json"),
    ),
];

static SHIPPED: LazyLock<Vec<Shipped>> = LazyLock::new(|| {
    FILES
        .into_iter()
        .map(|(id, version_number, json)| Shipped {
            id: Uuid::from_u128(id).into(),
            version_number,
            input: serde_json::from_str(json).expect(
                "the templates shipped with the program are well-formed; a test reads them",
            ),
        })
        .collect()
});

/// All versions, each behind the one that it replaces.
#[must_use]
pub fn shipped() -> &'static [Shipped] {
    &SHIPPED
}

/// The newest version of a code.
#[must_use]
pub fn newest(code: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().rev().find(|shipped| shipped.input.code == code)
}
