//! Programme template (Vorlage): the phases and steps that an accompaniment or a recruitment case is
//! planned by. Published versions never change, so a run keeps what it started with.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::{Code, codes};
use crate::due_rule::DueRule;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::ProgrammeTemplateId;
use crate::policy::Actor;

mod purpose;
mod rules;
mod shipped;
pub use purpose::{ResidencePurpose, purpose, purposes};
pub use rules::{Context, MAX_DAYS, MAX_PHASES, MAX_STEPS};
pub use shipped::{Addition, DEFAULT_ACCOMPANIMENT, KnownVersion, Shipped, newest, shipped};

codes! {
    "template_use" TemplateUse {
        /// The accompaniment of a company (Begleitung) over a fixed number of days.
        Accompaniment,
        /// The checklist of one recruitment from abroad.
        RecruitmentCase,
    }
}

codes! {
    /// Draft → published → retired.
    "template_status" TemplateStatus {
        /// Can be changed; nothing runs by it.
        Draft,
        /// Frozen; runs begin by it.
        Published,
        /// Runs go on by it, none begins.
        Retired,
    }
}

codes! {
    "recruitment_procedure" RecruitmentProcedure {
        /// Beschleunigtes Fachkräfteverfahren, § 81a of the residence act.
        FastTrack,
        /// Reguläres Visumverfahren.
        Regular,
    }
}

codes! {
    /// Who takes a step.
    "step_owner" StepOwner {
        LeadAdviser,
        Company,
        /// Ausländerbehörde.
        Authority,
        /// Bundesagentur für Arbeit.
        EmploymentAgency,
        /// Auslandsvertretung.
        Mission,
        /// Anerkennungsstelle.
        RecognitionBody,
        Candidate,
        Other,
    }
}

codes! {
    /// What a due date rests on, and so what passing it means.
    "limit_kind" LimitKind {
        /// The law sets it: passed, it is breached.
        Statutory,
        /// The law says "should", or it is what is usual: passed, it is late.
        Usual,
        /// The centre planned it so: passed, it is overdue.
        Own,
    }
}

/// A document that a step is expected to bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateDocument {
    #[schema(min_length = 1, max_length = 200, example = "Vollmacht des Arbeitgebers")]
    pub label_de: String,
    #[schema(min_length = 1, max_length = 200, example = "Power of attorney of the employer")]
    pub label_en: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateStep {
    /// Lower-case words joined by `_`, unique in the template.
    #[schema(pattern = "^[a-z][a-z0-9_]{1,49}$", example = "midterm_review")]
    pub code: String,
    #[schema(min_length = 1, max_length = 200)]
    pub title_de: String,
    #[schema(min_length = 1, max_length = 200)]
    pub title_en: String,
    /// What to mind.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub hint_de: Option<String>,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub hint_en: Option<String>,
    pub owner: StepOwner,
    /// Whether a run cannot be completed while it is open.
    pub mandatory: bool,
    /// Whether it lies after the end, which it then does not hold up: of an accompaniment, or of a recruitment
    /// case that was closed because the work has begun.
    #[serde(default)]
    pub after_end: bool,
    /// Null for what has no date of its own, such as an event that may never happen.
    #[serde(default)]
    pub due: Option<DueRule>,
    /// Codes of the steps that must be done or waived before.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub after: Vec<String>,
    pub limit: LimitKind,
    /// Paragraph of the law that the due date rests on.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub legal_basis: Option<String>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub documents: Vec<TemplateDocument>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplatePhase {
    /// Lower-case words joined by `_`, unique in the template.
    #[schema(pattern = "^[a-z][a-z0-9_]{1,49}$", example = "needs_analysis")]
    pub code: String,
    #[schema(min_length = 1, max_length = 200)]
    pub label_de: String,
    #[schema(min_length = 1, max_length = 200)]
    pub label_en: String,
    /// First day of the programme that belongs to it; for accompaniments only.
    #[serde(default)]
    pub from_day: Option<u32>,
    /// Last day.
    #[serde(default)]
    pub to_day: Option<u32>,
    /// Whether steps of later phases wait until all mandatory ones of this phase are done or waived.
    #[serde(default)]
    pub gate: bool,
    // Shared with the runs that follow the template.
    #[schema(max_items = 50, value_type = Vec<TemplateStep>)]
    pub steps: Vec<Arc<TemplateStep>>,
}

/// Creates a draft. It is also the form that templates are exported and imported in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "use": "accompaniment",
    "code": "short_programme",
    "label_de": "Kurzbegleitung",
    "label_en": "Short programme",
    "duration_days": 30,
    "max_pause_days": 14,
    "phases": [{
        "code": "plan", "label_de": "Planung", "label_en": "Plan",
        "from_day": 1, "to_day": 30, "gate": false,
        "steps": [{
            "code": "kick_off", "title_de": "Auftaktgespräch", "title_en": "Kick-off",
            "owner": "lead_adviser", "mandatory": true, "limit": "own",
            "due": {"anchor": "start", "offset": 0, "unit": "calendar_days", "roll": false}
        }, {
            "code": "roadmap", "title_de": "Fahrplan", "title_en": "Roadmap",
            "owner": "company", "mandatory": true, "limit": "own", "after": ["kick_off"],
            "due": {"anchor": "step", "step": "kick_off", "offset": 10, "unit": "working_days"}
        }]
    }]
}))]
pub struct ProgrammeTemplateInput {
    #[serde(rename = "use")]
    pub used_for: TemplateUse,
    /// Lower-case words joined by `_`; all versions of a template share it.
    #[schema(pattern = "^[a-z][a-z0-9_]{1,49}$", example = "hundred_days")]
    pub code: String,
    #[schema(min_length = 1, max_length = 200)]
    pub label_de: String,
    #[schema(min_length = 1, max_length = 200)]
    pub label_en: String,
    /// Days that an accompaniment lasts, its first day among them, pauses left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 730)]
    pub duration_days: Option<u32>,
    /// Days that an accompaniment may be paused for, all pauses together.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 730)]
    pub max_pause_days: Option<u32>,
    /// Of recruitment cases.
    #[serde(default)]
    pub procedure: Option<RecruitmentProcedure>,
    /// Of recruitment cases: codes of the purposes of residence that the procedure is open to.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub purposes: Vec<String>,
    #[schema(min_items = 1, max_items = 20)]
    pub phases: Vec<TemplatePhase>,
}

/// When and by whom a version was published or retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateEvent {
    pub at: DateTime<Utc>,
    /// Null for what ships with the program.
    #[schema(required)]
    pub by: Option<Reference>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgrammeTemplate {
    pub id: ProgrammeTemplateId,
    #[serde(rename = "use")]
    pub used_for: TemplateUse,
    #[schema(example = "hundred_days")]
    pub code: String,
    /// 1 for the first version of a template.
    pub version_number: i32,
    pub status: TemplateStatus,
    pub label_de: String,
    pub label_en: String,
    #[schema(required)]
    pub duration_days: Option<u32>,
    #[schema(required)]
    pub max_pause_days: Option<u32>,
    #[schema(required)]
    pub procedure: Option<RecruitmentProcedure>,
    pub purposes: Vec<String>,
    pub phases: Vec<TemplatePhase>,
    #[schema(required)]
    pub published: Option<TemplateEvent>,
    #[schema(required)]
    pub retired: Option<TemplateEvent>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A version of a template in another record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateReference {
    pub id: ProgrammeTemplateId,
    #[schema(example = "hundred_days")]
    pub code: String,
    pub version_number: i32,
    pub label_de: String,
    pub label_en: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeTemplateFilter {
    #[serde(rename = "use")]
    #[param(rename = "use")]
    pub used_for: Option<TemplateUse>,
    /// All versions of one template.
    pub code: Option<String>,
    pub status: Option<TemplateStatus>,
    pub procedure: Option<RecruitmentProcedure>,
    /// `code` (the default), `-code`, `created_at` or `-created_at`.
    #[param(inline)]
    pub sort: Option<ProgrammeTemplateSort>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ProgrammeTemplateSort {
    #[default]
    #[serde(rename = "code")]
    Code,
    #[serde(rename = "-code")]
    CodeDescending,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

impl ProgrammeTemplateSort {
    /// The value that a list in this order is sorted by, as its cursor keeps it.
    #[must_use]
    pub fn key(self, template: &ProgrammeTemplate) -> String {
        match self {
            Self::Code | Self::CodeDescending => template.code.clone(),
            Self::CreatedAt | Self::CreatedAtDescending => template.created_at.to_rfc3339(),
        }
    }
}

impl ProgrammeTemplate {
    /// A draft, the next version of its code. `context` holds what there is of that code.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong; `Conflict` when there is a draft of that code.
    pub fn new(
        id: ProgrammeTemplateId,
        now: DateTime<Utc>,
        input: &ProgrammeTemplateInput,
        context: &Context,
    ) -> Result<Self> {
        let checked = rules::check(input, context)?;
        if let Some(draft) = &context.draft {
            return Err(Error::conflict(
                "draft_exists",
                format!(
                    "Version {} of {} is a draft; change or publish that one.",
                    draft.version_number, draft.code
                ),
            ));
        }
        Ok(Self {
            id,
            used_for: checked.used_for,
            code: checked.code,
            version_number: context.latest + 1,
            status: TemplateStatus::Draft,
            label_de: checked.label_de,
            label_en: checked.label_en,
            duration_days: checked.duration_days,
            max_pause_days: checked.max_pause_days,
            procedure: checked.procedure,
            purposes: checked.purposes,
            phases: checked.phases,
            published: None,
            retired: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// `Invalid` with everything that is wrong, also when the code would change; `Conflict` when it is no
    /// draft.
    pub fn changed(&self, now: DateTime<Utc>, input: &ProgrammeTemplateInput) -> Result<Self> {
        self.check_status(&[TemplateStatus::Draft])?;
        if input.code != self.code {
            return Err(Error::invalid("/code", "immutable", "cannot change; create another one"));
        }
        // Of a code with one version, nothing leans on the use yet.
        let used_for = (self.version_number > 1).then_some(self.used_for);
        let context = Context { latest: self.version_number - 1, used_for, draft: None };
        let new = Self::new(self.id, now, input, &context)?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

    /// Frozen from now on. The version published before is to be retired along with it.
    ///
    /// # Errors
    /// `Conflict` when it is no draft; `Invalid` with everything that is wrong.
    pub fn published(&self, now: DateTime<Utc>, actor: &Actor) -> Result<Self> {
        self.check_status(&[TemplateStatus::Draft])?;
        // It was checked when it was stored, perhaps by an older version of the program.
        self.changed(now, &self.into())?;
        let published = TemplateEvent { at: now, by: Some(actor.reference()) };
        Ok(Self { status: TemplateStatus::Published, published: Some(published), ..self.next(now) })
    }

    /// # Errors
    /// `Conflict` when it is not published.
    pub fn retired(&self, now: DateTime<Utc>, actor: &Actor) -> Result<Self> {
        self.check_status(&[TemplateStatus::Published])?;
        let retired = TemplateEvent { at: now, by: Some(actor.reference()) };
        Ok(Self { status: TemplateStatus::Retired, retired: Some(retired), ..self.next(now) })
    }

    fn next(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    fn check_status(&self, right: &[TemplateStatus]) -> Result<()> {
        if right.contains(&self.status) {
            return Ok(());
        }
        let possible = match self.status {
            TemplateStatus::Draft => "change or publish it",
            TemplateStatus::Published => "retire it, or create the next version",
            TemplateStatus::Retired => "create the next version",
        };
        Err(Error::conflict(
            "wrong_state",
            format!(
                "Version {} of {} is {}; possible now: {possible}.",
                self.version_number,
                self.code,
                self.status.code()
            ),
        ))
    }

    #[must_use]
    pub fn reference(&self) -> TemplateReference {
        TemplateReference {
            id: self.id,
            code: self.code.clone(),
            version_number: self.version_number,
            label_de: self.label_de.clone(),
            label_en: self.label_en.clone(),
        }
    }
}

impl From<&ProgrammeTemplate> for ProgrammeTemplateInput {
    fn from(template: &ProgrammeTemplate) -> Self {
        Self {
            used_for: template.used_for,
            code: template.code.clone(),
            label_de: template.label_de.clone(),
            label_en: template.label_en.clone(),
            duration_days: template.duration_days,
            max_pause_days: template.max_pause_days,
            procedure: template.procedure,
            purposes: template.purposes.clone(),
            phases: template.phases.clone(),
        }
    }
}

impl Entity for ProgrammeTemplate {
    const KIND: EntityKind = EntityKind::ProgrammeTemplate;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}

#[cfg(test)]
mod tests;
