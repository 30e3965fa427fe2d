//! Report (Bericht): the figures of a window, frozen when they are submitted. What is entered later goes to a
//! list of differences and to a correction report, never silently into it (rule 13).

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::funding_period::FundingPeriod;
use crate::id::{CarrierId, FundingPeriodId, ReportId};
use crate::policy::{Actor, Scope};
use crate::statistics::Window;

mod content;
mod count;
mod difference;
mod fact;
mod sheets;
mod touched;
pub use content::{
    Basis, BasisIndicator, BasisTarget, EVENT_TABLES, Labels, Making, ReportContent,
    ReportEventRow, ReportEventTable, ReportIndicator, ReportLabel, ReportPeriod, ReportRow,
    ReportTable, ReportTarget, TABLES, as_far_as, canonical, hash, questions,
};
pub use count::Question;
pub use difference::{
    ChangedField, Compared, DifferenceKind, EventFigureDifference, FigureDifference,
    IndicatorDifference, ReportDifference, ReportDifferences, ReportRecord, also_answerable,
    changed,
};
pub use fact::{EventFact, Fact, Heads};
pub use touched::{AskedIndicator, Closing, TouchedFigures, TouchedIndicator};

codes! {
    /// Draft → submitted → accepted; a submitted or accepted one is superseded by its correction.
    "report_status" ReportStatus {
        /// Its figures are those of now.
        Draft,
        /// Frozen and handed in.
        Submitted,
        /// The funder accepted it.
        Accepted,
        /// A correction report took its place.
        Superseded,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "funding_period_id": "01890000-0000-7000-8000-000000000303",
    "from": "2026-01-01", "to": "2026-06-30", "title": "Sachbericht 1. Halbjahr 2026"
}))]
pub struct ReportInput {
    pub funding_period_id: FundingPeriodId,
    /// First day; the period's first day unless told, and that of the predecessor where there is one.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day, likewise.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    #[schema(max_length = 5000)]
    pub note: Option<String>,
    /// The submitted or accepted report of the same period and scope that this one corrects. It cannot
    /// change.
    pub predecessor_id: Option<ReportId>,
}

/// That a report was submitted or accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportEvent {
    pub at: DateTime<Utc>,
    pub by: Reference,
    #[schema(required)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    pub id: ReportId,
    /// Null for a report of the whole network.
    #[schema(required)]
    pub carrier: Option<Reference>,
    pub funding_period: Reference,
    pub window: Window,
    pub title: String,
    #[schema(required)]
    pub note: Option<String>,
    pub status: ReportStatus,
    /// The report that this one corrects.
    #[schema(required)]
    pub predecessor: Option<Reference>,
    #[schema(required)]
    pub submitted: Option<ReportEvent>,
    #[schema(required)]
    pub accepted: Option<ReportEvent>,
    /// Of the frozen content, in its canonical form.
    #[schema(
        required,
        example = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )]
    pub sha256: Option<String>,
    /// How many records were frozen with it.
    #[schema(required)]
    pub records: Option<i64>,
    /// A draft that was given up.
    #[schema(required)]
    pub archived: Option<Archived>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReportFilter {
    pub funding_period_id: Option<FundingPeriodId>,
    pub status: Option<ReportStatus>,
    /// Also drafts that were given up.
    pub archived: Option<bool>,
}

/// The content that was seen is what is frozen.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
}))]
pub struct ReportSubmitInput {
    /// That of the content that was read last.
    pub sha256: String,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "Letter of 14 September 2026"}))]
pub struct ReportAcceptInput {
    #[serde(default)]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// The content with its hash: of a draft as of now, else as it was frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportFigures {
    pub report: Report,
    pub sha256: String,
    pub content: ReportContent,
}

/// Whether the frozen facts still give the frozen content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportVerification {
    /// As it was submitted.
    pub sha256: String,
    /// Of the content as it is kept.
    pub stored_sha256: String,
    /// Of the content counted anew from the frozen facts, as far as the frozen one goes: a later version of
    /// the program may count more.
    pub recomputed_sha256: String,
    pub intact: bool,
}

/// What a report names.
#[derive(Clone, Debug)]
pub struct Context {
    pub period: Option<FundingPeriod>,
    /// As the caller may see it.
    pub predecessor: Option<Report>,
}

impl Report {
    /// # Errors
    /// `Invalid` with everything that is wrong; `Forbidden` for who has no figures.
    pub fn new(
        id: ReportId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ReportInput,
        context: &Context,
    ) -> Result<Self> {
        let carrier = if actor.scope() == Scope::Network {
            None
        } else {
            let carrier = actor.own_carrier()?;
            Some(Reference::new(carrier.id, &carrier.name))
        };
        let mut checks = Checks::new();
        let title = checks.line("/title", &input.title, 200);
        let note = checks.optional_prose("/note", input.note.as_deref(), 5000);
        checks.require(
            context.period.is_some(),
            "/funding_period_id",
            "unknown",
            "must be one that there is",
        );
        let corrects = context.predecessor.as_ref().is_some_and(|before| {
            matches!(before.status, ReportStatus::Submitted | ReportStatus::Accepted)
                && before.funding_period.id == input.funding_period_id.0
                && before.carrier == carrier
        });
        checks.require(
            input.predecessor_id.is_none() || corrects,
            "/predecessor_id",
            "unknown",
            "must be a submitted or accepted report of the same period and scope",
        );
        checks.finish()?;
        let period = context.period.as_ref().ok_or_else(|| Error::internal("checked above"))?;
        let corrected = context.predecessor.as_ref().map(|before| before.window);
        let (from, to) = (corrected.map(|it| it.from), corrected.map(|it| it.to));
        let window = Window::of(period, input.from.or(from), input.to.or(to))?;
        // What takes its place says something of all that it said something of.
        let mut checks = Checks::new();
        for (same, pointer) in [
            (from.is_none_or(|from| from == window.from), "/from"),
            (to.is_none_or(|to| to == window.to), "/to"),
        ] {
            let message = "must be that of the report that is corrected";
            checks.require(same, pointer, "another_window", message);
        }
        checks.finish()?;
        Ok(Self {
            id,
            carrier,
            funding_period: Reference::new(period.id, &period.name),
            window,
            title,
            note,
            status: ReportStatus::Draft,
            predecessor: context
                .predecessor
                .as_ref()
                .map(|before| Reference::new(before.id, &before.title)),
            submitted: None,
            accepted: None,
            sha256: None,
            records: None,
            archived: None,
            recorded_by: actor.reference(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is no draft.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ReportInput,
        context: &Context,
    ) -> Result<Self> {
        self.check_is_draft()?;
        let new = Self::new(self.id, now, actor, input, context)?;
        let mut checks = Checks::new();
        let same =
            new.predecessor.as_ref().map(|it| it.id) == self.predecessor.as_ref().map(|it| it.id);
        checks.require(same, "/predecessor_id", "immutable", "cannot change");
        checks.finish()?;
        Ok(Self {
            version: self.version + 1,
            created_at: self.created_at,
            recorded_by: self.recorded_by.clone(),
            ..new
        })
    }

    /// Freezes the content: `sha256` and `records` are of it.
    ///
    /// # Errors
    /// `Conflict` when it is no draft, or the content is not the one that was seen.
    pub fn submitted(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ReportSubmitInput,
        sha256: String,
        records: i64,
    ) -> Result<Self> {
        self.check_is_draft()?;
        let mut checks = Checks::new();
        let note = checks.optional_line("/note", input.note.as_deref(), 500);
        checks.finish()?;
        if input.sha256 != sha256 {
            return Err(Error::conflict(
                "figures_changed",
                "The figures are not those that were read any more; read the content again.",
            ));
        }
        Ok(Self {
            status: ReportStatus::Submitted,
            submitted: Some(ReportEvent { at: now, by: actor.reference(), note }),
            sha256: Some(sha256),
            records: Some(records),
            ..self.next(now)
        })
    }

    /// # Errors
    /// `Conflict` when it is not submitted.
    pub fn accepted(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &ReportAcceptInput,
    ) -> Result<Self> {
        self.check_is(&[ReportStatus::Submitted])?;
        let mut checks = Checks::new();
        let note = checks.optional_line("/note", input.note.as_deref(), 500);
        checks.finish()?;
        let accepted = Some(ReportEvent { at: now, by: actor.reference(), note });
        Ok(Self { status: ReportStatus::Accepted, accepted, ..self.next(now) })
    }

    /// Its correction was submitted.
    ///
    /// # Errors
    /// `Conflict` when it is neither submitted nor accepted: another correction was faster.
    pub fn superseded(&self, now: DateTime<Utc>) -> Result<Self> {
        self.check_is(&[ReportStatus::Submitted, ReportStatus::Accepted])?;
        Ok(Self { status: ReportStatus::Superseded, ..self.next(now) })
    }

    /// Gives a draft up.
    ///
    /// # Errors
    /// `Conflict` when it is no draft.
    pub fn archived(&self, now: DateTime<Utc>, reason: String) -> Result<Self> {
        self.check_is_draft()?;
        Ok(Self { archived: Some(Archived { at: now, reason }), ..self.next(now) })
    }

    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.status != ReportStatus::Draft
    }

    fn check_is_draft(&self) -> Result<()> {
        if self.archived.is_some() {
            return Err(Error::conflict("archived", "The report was given up."));
        }
        self.check_is(&[ReportStatus::Draft])
    }

    /// # Errors
    /// `Conflict` that names the status.
    pub fn check_is(&self, wanted: &[ReportStatus]) -> Result<()> {
        use crate::code::Code;

        if wanted.contains(&self.status) {
            return Ok(());
        }
        Err(Error::conflict("wrong_state", format!("The report is {}.", self.status.code())))
    }

    fn next(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}

impl From<&Report> for ReportInput {
    fn from(report: &Report) -> Self {
        Self {
            funding_period_id: report.funding_period.id.into(),
            from: Some(report.window.from),
            to: Some(report.window.to),
            title: report.title.clone(),
            note: report.note.clone(),
            predecessor_id: report.predecessor.as_ref().map(|before| before.id.into()),
        }
    }
}

impl Entity for Report {
    const KIND: EntityKind = EntityKind::Report;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn carrier(&self) -> Option<CarrierId> {
        self.carrier.as_ref().map(|carrier| CarrierId(carrier.id))
    }
}
