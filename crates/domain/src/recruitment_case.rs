//! Recruitment case (Rekrutierungsfall): the checklist by which one vacancy is filled with one candidate from
//! abroad. Its deadlines run from what happened, so they move as soon as that is recorded.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::calendar::{Calendar, FederalState};
use crate::consultation::{NoteWarning, note_warnings};
use crate::country::Country;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::Result;
use crate::id::{
    AccompanimentId, CarrierId, CompanyId, EstablishmentId, ProgrammeTemplateId, RecruitmentCaseId,
    SiteId, UserId,
};
use crate::lead::Leads;
use crate::occupation::{Occupation, OccupationInput};
use crate::plan::{Horizon, Moment, Phase, Plan, PlanState, Step, steps_of};
use crate::policy::Actor;
use crate::programme_template::{RecruitmentProcedure, ResidencePurpose, TemplateReference};

mod operation;
mod rules;
mod step;
#[cfg(test)]
mod tests;
pub use operation::{
    RecruitmentCaseOperation, RecruitmentCaseStatus, RecruitmentCloseInput, RecruitmentClosed,
    RecruitmentOutcome, allows,
};
pub use rules::Context;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "company_id": "01890000-0000-7000-8000-0000000a0001",
    "site_id": "01890000-0000-7000-8000-000000000201",
    "template_id": "01890000-0000-7000-8000-000000000604",
    "vacancy": "Elektroniker:in für Betriebstechnik",
    "occupation": {"code": "26302"},
    "candidate_reference": "K-2026-014",
    "country": "MA",
    "purpose": "skilled_vocational",
    "opened_on": "2026-03-02",
    "target_on": "2026-10-01"
}))]
pub struct RecruitmentCaseInput {
    /// It cannot change.
    pub company_id: CompanyId,
    /// Where the work is to be: the immigration authority there is competent.
    pub establishment_id: Option<EstablishmentId>,
    /// The accompaniment of the company that the case belongs to.
    pub accompaniment_id: Option<AccompanimentId>,
    /// A site of the own carrier. The public holidays of its federal state hold.
    pub site_id: SiteId,
    /// A published template of recruitment cases; it gives the procedure and cannot change.
    pub template_id: ProgrammeTemplateId,
    #[schema(min_length = 1, max_length = 200)]
    pub vacancy: String,
    /// Without a number of workers: it is one.
    pub occupation: OccupationInput,
    /// A pseudonym: 2 to 20 capital letters, digits and hyphens, with a digit. No name, no passport number.
    #[schema(pattern = "^[A-Z0-9-]{2,20}$")]
    pub candidate_reference: String,
    /// Country of origin: ISO 3166-1 alpha-2, and `XK` for Kosovo.
    pub country: Option<String>,
    /// Code of the purpose of residence; the procedure must be open to it.
    pub purpose: String,
    /// Today unless told, in an open funding period. Steps that run from the start run from here.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub opened_on: Option<NaiveDate>,
    /// When the work is to begin.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub target_on: Option<NaiveDate>,
    /// Who leads: a user who advises for the own carrier today; the caller unless told.
    pub lead_id: Option<UserId>,
    /// Who stands in for the lead.
    pub deputy_id: Option<UserId>,
    /// Without names of candidates. `note_warnings` of the answer tells what looks like personal data of one.
    #[schema(max_length = 10_000)]
    pub notes: Option<String>,
}

/// What is derived of a case on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecruitmentCaseState {
    pub status: RecruitmentCaseStatus,
    pub plan: PlanState,
    /// What can be done with it now.
    pub allowed: Vec<RecruitmentCaseOperation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecruitmentCase {
    pub id: RecruitmentCaseId,
    pub carrier: Reference,
    pub company: Reference,
    #[schema(required)]
    pub establishment: Option<Reference>,
    #[schema(required)]
    pub accompaniment: Option<Reference>,
    pub site: Reference,
    pub federal_state: FederalState,
    pub template: TemplateReference,
    pub procedure: RecruitmentProcedure,
    pub vacancy: String,
    pub occupation: Occupation,
    #[schema(example = "K-2026-014")]
    pub candidate_reference: String,
    #[schema(required)]
    pub country: Option<Country>,
    pub purpose: ResidencePurpose,
    pub opened_on: NaiveDate,
    #[schema(required)]
    pub target_on: Option<NaiveDate>,
    pub lead: Reference,
    #[schema(required)]
    pub deputy: Option<Reference>,
    #[schema(required)]
    pub notes: Option<String>,
    /// What in the notes looks like personal data of a candidate, who has no place there.
    pub note_warnings: Vec<NoteWarning>,
    #[schema(required)]
    pub closed: Option<RecruitmentClosed>,
    pub phases: Vec<Phase>,
    pub steps: Vec<Step>,
    /// Derived. It is in every answer and in no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = RecruitmentCaseState)]
    pub state: Option<RecruitmentCaseState>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RecruitmentCaseFilter {
    pub company_id: Option<CompanyId>,
    pub accompaniment_id: Option<AccompanimentId>,
    pub site_id: Option<SiteId>,
    pub lead_id: Option<UserId>,
    /// Those that the caller leads or stands in for.
    pub mine: Option<bool>,
    pub status: Option<RecruitmentCaseStatus>,
    pub outcome: Option<RecruitmentOutcome>,
    pub procedure: Option<RecruitmentProcedure>,
    /// Code of a purpose of residence.
    pub purpose: Option<String>,
    /// A code of the `KldB` 2010, or its first digits.
    #[param(example = "26")]
    pub occupation: Option<String>,
    pub candidate_reference: Option<String>,
    /// First day of opening.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day of opening.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// `opened_on`, `-opened_on` (the default), `created_at` or `-created_at`.
    #[param(inline)]
    pub sort: Option<RecruitmentCaseSort>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum RecruitmentCaseSort {
    #[serde(rename = "opened_on")]
    OpenedOn,
    #[default]
    #[serde(rename = "-opened_on")]
    OpenedOnDescending,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

impl RecruitmentCaseSort {
    /// The value that a list in this order is sorted by, as its cursor keeps it.
    #[must_use]
    pub fn key(self, case: &RecruitmentCase) -> String {
        match self {
            Self::OpenedOn | Self::OpenedOnDescending => case.opened_on.to_string(),
            Self::CreatedAt | Self::CreatedAtDescending => case.created_at.to_rfc3339(),
        }
    }
}

impl RecruitmentCase {
    /// Opens a case and plans its steps.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong, also when the procedure is not open to the purpose; `Conflict`
    /// when the funding period takes no entries.
    pub fn new(
        id: RecruitmentCaseId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &RecruitmentCaseInput,
        context: &Context,
    ) -> Result<Self> {
        let case = Self::checked(id, now, actor, input, context, None)?;
        let steps = case.plan().begun();
        Ok(Self { steps, ..case })
    }

    /// What it names and keeps is not looked at again. Open steps move with the day of opening and the
    /// holidays.
    ///
    /// # Errors
    /// As [`Self::new`], also for the period that it was opened in so far; `Conflict` when it is closed.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &RecruitmentCaseInput,
        context: &Context,
    ) -> Result<Self> {
        self.check_allows(RecruitmentCaseOperation::Change)?;
        let new = Self::checked(self.id, now, actor, input, context, Some(self))?;
        let new = Self {
            steps: self.as_recorded().steps,
            version: self.version + 1,
            created_at: self.created_at,
            recorded_by: self.recorded_by.clone(),
            ..new
        };
        let steps = new.plan().replanned();
        Ok(Self { steps, ..new })
    }

    fn checked(
        id: RecruitmentCaseId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &RecruitmentCaseInput,
        context: &Context,
        before: Option<&Self>,
    ) -> Result<Self> {
        let named = rules::check(actor, input, context, before)?;
        Ok(Self {
            id,
            carrier: named.carrier,
            company: named.company,
            establishment: named.establishment,
            accompaniment: named.accompaniment,
            site: named.site,
            federal_state: named.federal_state,
            template: named.template.reference(),
            procedure: named.procedure,
            vacancy: named.vacancy,
            occupation: named.occupation,
            candidate_reference: input.candidate_reference.clone(),
            country: named.country,
            purpose: named.purpose,
            opened_on: named.opened_on,
            target_on: input.target_on,
            lead: named.lead,
            deputy: named.deputy,
            note_warnings: named.notes.as_deref().map(note_warnings).unwrap_or_default(),
            notes: named.notes,
            closed: None,
            phases: named.template.phases.iter().map(Phase::from).collect(),
            steps: steps_of(&named.template.phases),
            state: None,
            recorded_by: actor.reference(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    #[must_use]
    pub fn plan(&self) -> Plan<'_> {
        Plan {
            start: self.opened_on,
            horizon: Horizon::Target(self.target_on),
            calendar: Calendar::new(self.federal_state, []),
            phases: &self.phases,
            steps: &self.steps,
        }
    }

    #[must_use]
    pub fn status(&self) -> RecruitmentCaseStatus {
        match self.closed {
            None => RecruitmentCaseStatus::Open,
            Some(_) => RecruitmentCaseStatus::Closed,
        }
    }

    fn moment(&self) -> Moment {
        match &self.closed {
            None => Moment::Open,
            // The employer has duties while the work goes on.
            Some(closed) if closed.outcome == RecruitmentOutcome::WorkStarted => Moment::Completed,
            Some(_) => Moment::Over,
        }
    }

    /// As an answer shows it: with what is derived of it and of its steps.
    #[must_use]
    pub fn shown(&self, today: NaiveDate) -> Self {
        let steps = self.plan().steps_on(today, self.moment());
        Self { steps, state: Some(self.state_on(today)), ..self.clone() }
    }

    /// As it is recorded: without what is derived.
    #[must_use]
    pub fn as_recorded(&self) -> Self {
        let steps = self.steps.iter().map(|step| Step { state: None, ..step.clone() }).collect();
        Self { steps, state: None, ..self.clone() }
    }

    #[must_use]
    pub fn state_on(&self, today: NaiveDate) -> RecruitmentCaseState {
        RecruitmentCaseState {
            status: self.status(),
            plan: self.plan().state(today, self.moment()),
            allowed: self.allowed(),
        }
    }

    /// By when each step is to be done, in their order; none for what nobody waits for and for forecasts.
    #[must_use]
    pub fn awaited_on(&self) -> Vec<Option<NaiveDate>> {
        self.plan().awaited_on(self.moment())
    }

    /// # Errors
    /// `Forbidden` for those who do not look after it.
    pub fn check_may_change(&self, actor: &Actor) -> Result<()> {
        self.leads().check_may_change(actor, "a recruitment case")
    }

    fn leads(&self) -> Leads<'_> {
        Leads { lead: &self.lead, deputy: self.deputy.as_ref(), recorded_by: &self.recorded_by }
    }

    fn next(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.as_recorded() }
    }
}

/// What the rules of other records need to know of a case.
#[derive(Clone, Debug)]
pub struct NamedRecruitmentCase {
    pub reference: Reference,
    pub company_id: CompanyId,
    pub accompaniment_id: Option<AccompanimentId>,
}

/// A case in another record.
#[must_use]
pub fn reference(id: RecruitmentCaseId, candidate: &str, vacancy: &str) -> Reference {
    Reference::new(id, format!("{candidate}, {vacancy}"))
}

impl From<&RecruitmentCase> for RecruitmentCaseInput {
    fn from(case: &RecruitmentCase) -> Self {
        Self {
            company_id: CompanyId(case.company.id),
            establishment_id: case.establishment.as_ref().map(|found| found.id.into()),
            accompaniment_id: case.accompaniment.as_ref().map(|found| found.id.into()),
            site_id: case.site.id.into(),
            template_id: case.template.id,
            vacancy: case.vacancy.clone(),
            occupation: OccupationInput::from(&case.occupation),
            candidate_reference: case.candidate_reference.clone(),
            country: case.country.as_ref().map(|country| country.code.clone()),
            purpose: case.purpose.code.clone(),
            opened_on: Some(case.opened_on),
            target_on: case.target_on,
            lead_id: Some(case.lead.id.into()),
            deputy_id: case.deputy.as_ref().map(|deputy| deputy.id.into()),
            notes: case.notes.clone(),
        }
    }
}

impl Entity for RecruitmentCase {
    const KIND: EntityKind = EntityKind::RecruitmentCase;

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
