//! Imports: a file of somebody else's becomes records. What the file means is told by a person before anything is
//! done, each row keeps what came of it, and all of it can be taken back.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::attachment::ContentHash;
use crate::check::Checks;
use crate::code::codes;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{CarrierId, ImportId, ImportProfileId, JobId};
use crate::job::{Job, JobStatus};

pub mod field;
pub mod file;
pub mod key;
pub mod layout;
mod meaning;
pub mod named;
mod outcome;
mod settings;

pub use meaning::Meaning;
pub use outcome::{
    DryRun, ImportCounts, ImportRow, ImportRowFilter, PlannedRow, RepeatedError, RowError,
};
pub use settings::{
    Column, DateForm, Delimiter, Detected, FileForm, FixedValue, ImportSettings, MappedColumn,
    MatchRule, NumberForm, OnMatch, OnNew, TextEncoding,
};

/// How long a file is kept after the last change.
pub const FILE_KEPT: TimeDelta = TimeDelta::days(30);

codes! {
    /// What the rows of a file become.
    "import_target" ImportTarget { Companies, Actors, Contacts, Consultations, Events }
}

codes! {
    "import_format" ImportFormat { Csv, Xlsx }
}

codes! {
    "import_status" ImportStatus {
        /// Nothing was done yet.
        Draft,
        Started, Done, UndoStarted, Undone,
    }
}

codes! {
    /// What came of a row, or would come of it.
    "import_outcome" ImportOutcome {
        Created, Updated,
        /// The record says all of it already.
        Unchanged,
        /// By the rules of the import.
        Skipped,
        Refused,
    }
}

codes! {
    /// What became of a row when the import was taken back.
    "import_undo_outcome" ImportUndoOutcome {
        TakenBack,
        /// Somebody changed the record since.
        ChangedSince,
        /// Other records refer to the one that was created.
        InUse,
        /// A rule forbids it.
        Refused,
    }
}

/// The query of an upload; the body is the file.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportInput {
    pub target: ImportTarget,
    /// Name of the file.
    #[param(min_length = 1, max_length = 200, example = "firmen.csv")]
    pub name: String,
    /// Settings of files of this kind, for what the file itself leaves open.
    pub profile_id: Option<ImportProfileId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Import {
    pub id: ImportId,
    pub carrier: Reference,
    pub recorded_by: Reference,
    pub target: ImportTarget,
    #[schema(example = "firmen.csv")]
    pub name: String,
    pub format: ImportFormat,
    pub bytes: i64,
    #[schema(value_type = String)]
    pub sha256: ContentHash,
    pub detected: Detected,
    /// What the file seems to mean, until a person says so.
    pub settings: ImportSettings,
    /// Whether a person did.
    pub confirmed: bool,
    pub status: ImportStatus,
    #[schema(required)]
    pub run_job_id: Option<JobId>,
    #[schema(required)]
    pub undo_job_id: Option<JobId>,
    /// When the file was removed, with the samples and the cells of refused rows: 30 days after the last change.
    /// What came of it can still be taken back.
    #[schema(required)]
    pub file_removed_at: Option<DateTime<Utc>>,
    pub counts: ImportCounts,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportFilter {
    pub target: Option<ImportTarget>,
    pub status: Option<ImportStatus>,
}

/// A file that has arrived.
#[derive(Debug)]
pub struct ArrivedFile {
    pub format: ImportFormat,
    pub bytes: Vec<u8>,
}

impl Import {
    /// # Errors
    /// `Invalid` when the name is.
    pub fn new(
        id: ImportId,
        now: DateTime<Utc>,
        input: &ImportInput,
        file: &ArrivedFile,
        carrier: Reference,
        recorded_by: Reference,
        meaning: Meaning,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let name = checks.line("name", &input.name, 200);
        checks.finish()?;
        let bytes =
            i64::try_from(file.bytes.len()).map_err(|error| Error::Internal(error.into()))?;
        Ok(Self {
            id,
            carrier,
            recorded_by,
            target: input.target,
            name,
            format: file.format,
            bytes,
            sha256: ContentHash(Sha256::digest(&file.bytes).into()),
            settings: meaning.settings,
            detected: meaning.detected,
            confirmed: false,
            status: ImportStatus::Draft,
            run_job_id: None,
            undo_job_id: None,
            file_removed_at: None,
            counts: ImportCounts::default(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// For the history, which is kept for longer than the file: what stands in its cells may be about people.
    #[must_use]
    pub fn without_samples(&self) -> Self {
        Self { detected: self.detected.without_samples(), ..self.clone() }
    }

    /// # Errors
    /// `Conflict` when its time was over.
    pub fn check_file_kept(&self) -> Result<()> {
        if self.file_removed_at.is_none() {
            return Ok(());
        }
        let detail = "The file was removed 30 days after the last change; upload it again.";
        Err(Error::conflict("file_removed", detail))
    }

    fn touched(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    /// With what a person says that the file means.
    ///
    /// # Errors
    /// `Conflict` when it was started.
    pub fn confirmed(&self, now: DateTime<Utc>, meaning: Meaning) -> Result<Self> {
        self.check_draft()?;
        let Meaning { settings, detected } = meaning;
        Ok(Self { settings, detected, confirmed: true, ..self.touched(now) })
    }

    fn check_draft(&self) -> Result<()> {
        if self.status == ImportStatus::Draft {
            Ok(())
        } else {
            Err(Error::conflict("import_started", "The import was started already."))
        }
    }

    /// # Errors
    /// `Conflict` when it was started already, or nobody confirmed what the file means.
    pub fn started(&self, now: DateTime<Utc>, job: JobId) -> Result<Self> {
        self.check_draft()?;
        self.check_confirmed()?;
        Ok(Self { status: ImportStatus::Started, run_job_id: Some(job), ..self.touched(now) })
    }

    /// # Errors
    /// `Conflict` when nobody did.
    pub fn check_confirmed(&self) -> Result<()> {
        if self.confirmed {
            return Ok(());
        }
        Err(Error::conflict(
            "import_not_confirmed",
            "Confirm what the file means first: PATCH the settings of the import.",
        ))
    }

    /// Whether what its job did stands, so that the same file need not be imported again.
    ///
    /// # Errors
    /// `Conflict` when it stopped half-way, or was taken back and not all of it could be.
    pub fn check_holds(&self, job: &Job) -> Result<()> {
        let id = self.id;
        let detail = match (self.status, job.status) {
            (ImportStatus::UndoStarted, _) => format!("is being taken back: import {id}"),
            (ImportStatus::Undone, _) => format!(
                "was taken back but for some records, see the rows of import {id}; leave those out of the file"
            ),
            (_, JobStatus::Failed | JobStatus::Cancelled) => format!(
                "was begun and stopped: try job {} again, or take import {id} back first",
                job.id
            ),
            _ => return Ok(()),
        };
        Err(Error::conflict(
            "same_import",
            format!("The same file with the same settings {detail}."),
        ))
    }

    #[must_use]
    pub fn done(&self, now: DateTime<Utc>) -> Self {
        Self { status: ImportStatus::Done, ..self.touched(now) }
    }

    /// Also of one that ended before its time.
    ///
    /// # Errors
    /// `Conflict` when there is nothing to take back.
    pub fn undo_started(&self, now: DateTime<Utc>, job: JobId) -> Result<Self> {
        match self.status {
            ImportStatus::Started | ImportStatus::Done => Ok(Self {
                status: ImportStatus::UndoStarted,
                undo_job_id: Some(job),
                ..self.touched(now)
            }),
            ImportStatus::Draft => {
                Err(Error::conflict("import_not_started", "The import did nothing yet."))
            }
            ImportStatus::UndoStarted | ImportStatus::Undone => {
                Err(Error::conflict("import_undone", "The import is taken back already."))
            }
        }
    }

    /// Whether a job of it that stopped may go on.
    ///
    /// # Errors
    /// `Conflict` when the import is being taken back, and the job is the one that imported.
    pub fn check_goes_on(&self, job: JobId) -> Result<()> {
        let undoing = matches!(self.status, ImportStatus::UndoStarted | ImportStatus::Undone);
        if undoing && self.undo_job_id != Some(job) {
            return Err(Error::conflict("import_undone", "The import is being taken back."));
        }
        Ok(())
    }

    #[must_use]
    pub fn undone(&self, now: DateTime<Utc>) -> Self {
        Self { status: ImportStatus::Undone, ..self.touched(now) }
    }
}

impl Entity for Import {
    const KIND: EntityKind = EntityKind::Import;

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

#[cfg(test)]
mod tests;
