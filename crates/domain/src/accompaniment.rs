//! Accompaniment (Begleitung): the programme by which a carrier accompanies a company for 100 days, from the
//! request to the end, with goals, pauses and steps.
//!
//! Stored are facts: requested, agreed, started, paused, completed. The status is derived from them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::calendar::{Calendar, FederalState};
use crate::code::codes;
use crate::consultation::{NoteWarning, note_warnings};
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{
    AccompanimentId, CarrierId, CompanyId, FundingPeriodId, ProgrammeTemplateId, SiteId, UserId,
};
use crate::lead::Leads;
use crate::plan::{Horizon, Moment, Phase, Plan, PlanState, Step, steps_of};
use crate::policy::Actor;
use crate::programme_template::TemplateReference;

mod board;
mod goal;
mod hand_over;
mod life;
mod operation;
mod pause;
mod rules;
mod step;
#[cfg(test)]
pub(crate) mod tests;
pub use board::{Board, BoardFilter, BoardMaker, BoardPhase, BoardRow};
pub use goal::{
    Goal, GoalAchievement, GoalInput, GoalMeasureInput, GoalResult, GoalsInput, MAX_GOALS,
    MeasureGoalsInput,
};
pub use hand_over::{HandOver, HandOverInput};
pub use life::{
    AgreeInput, Agreed, CompleteInput, Completed, EndInput, Ended, RejectInput, Rejected,
    StartContext, StartInput,
};
pub use operation::{AccompanimentOperation, allows};
pub use pause::{Pause, PauseInput, PausePreview, ResumeInput, Resumed};
pub use rules::Context;
pub(crate) use rules::{checked_company, checked_site};

codes! {
    /// Requested → agreed (or rejected) → active ⇄ paused → completed or ended early. Derived.
    "accompaniment_status" AccompanimentStatus {
        Requested, Agreed, Rejected, Active,
        /// Today lies in a pause.
        Paused,
        Completed, EndedEarly,
    }
}

codes! {
    "accompaniment_outcome" AccompanimentOutcome { Achieved, Partly, NotAchieved }
}

codes! {
    /// Why an accompaniment ended before its time.
    "early_end" EarlyEnd {
        VacancyFilled, NoCapacity, Unreachable, Insolvency, NotEligible, Withdrew,
        /// The funded project is over.
        ProjectEnd,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "company_id": "01890000-0000-7000-8000-0000000a0001",
    "site_id": "01890000-0000-7000-8000-000000000201",
    "requested_on": "2026-03-02",
    "deputy_id": "01890000-0000-7000-8000-0000000b0002",
    "notes": "Seeks two electronics technicians."
}))]
pub struct AccompanimentInput {
    /// It cannot change.
    pub company_id: CompanyId,
    /// A site of the own carrier. The public holidays of its federal state hold.
    pub site_id: SiteId,
    /// A published template; the published version of the 100 days unless told. It cannot change after the
    /// start.
    pub template_id: Option<ProgrammeTemplateId>,
    /// Today unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub requested_on: Option<NaiveDate>,
    /// Who leads: a user who advises for the own carrier today; the caller unless told. Later on it changes by
    /// hand-over.
    pub lead_id: Option<UserId>,
    /// Who stands in for the lead.
    pub deputy_id: Option<UserId>,
    /// Without names of candidates. `note_warnings` of the answer tells what looks like personal data of one.
    #[schema(max_length = 10_000)]
    pub notes: Option<String>,
}

/// What is derived of an accompaniment on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccompanimentState {
    pub status: AccompanimentStatus,
    /// N of "day N of 100"; it stands still in pauses and when the accompaniment is over. Null before the start.
    #[schema(required)]
    pub day: Option<i64>,
    /// The start, the days of the programme and the paused days.
    #[schema(required)]
    pub planned_end_on: Option<NaiveDate>,
    /// Last day of the pause that today lies in.
    #[schema(required)]
    pub paused_until: Option<NaiveDate>,
    pub paused_days: i64,
    /// Null before the start.
    #[schema(required)]
    pub plan: Option<PlanState>,
    /// What can be done with it now.
    pub allowed: Vec<AccompanimentOperation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accompaniment {
    pub id: AccompanimentId,
    pub carrier: Reference,
    pub company: Reference,
    pub site: Reference,
    pub federal_state: FederalState,
    pub template: TemplateReference,
    pub duration_days: u32,
    pub max_pause_days: u32,
    pub lead: Reference,
    #[schema(required)]
    pub deputy: Option<Reference>,
    /// To whom the lead is to pass, until that is accepted.
    #[schema(required)]
    pub hand_over: Option<HandOver>,
    #[schema(required)]
    pub notes: Option<String>,
    /// What in the notes looks like personal data of a candidate, who has no place there.
    pub note_warnings: Vec<NoteWarning>,
    pub requested_on: NaiveDate,
    #[schema(required)]
    pub agreed: Option<Agreed>,
    #[schema(required)]
    pub rejected: Option<Rejected>,
    /// Day 1, the kick-off.
    #[schema(required)]
    pub started_on: Option<NaiveDate>,
    /// The one that it started in.
    #[schema(required)]
    pub funding_period: Option<Reference>,
    pub pauses: Vec<Pause>,
    /// The agreement on goals (Zielvereinbarung).
    pub goals: Vec<Goal>,
    #[schema(required)]
    pub completed: Option<Completed>,
    #[schema(required)]
    pub ended: Option<Ended>,
    pub phases: Vec<Phase>,
    /// Without dates before the start.
    pub steps: Vec<Step>,
    /// Derived. It is in every answer and in no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = AccompanimentState)]
    pub state: Option<AccompanimentState>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AccompanimentFilter {
    pub company_id: Option<CompanyId>,
    pub site_id: Option<SiteId>,
    pub lead_id: Option<UserId>,
    /// Those that the caller leads or stands in for.
    pub mine: Option<bool>,
    /// As of today.
    pub status: Option<AccompanimentStatus>,
    /// Code of the template.
    pub template: Option<String>,
    /// The one that it started in.
    pub funding_period_id: Option<FundingPeriodId>,
    /// First day of start.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub started_from: Option<NaiveDate>,
    /// Last day of start.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub started_to: Option<NaiveDate>,
    /// Started by this day and not over before it.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub active_on: Option<NaiveDate>,
    /// `requested_on`, `-requested_on` (the default), `created_at` or `-created_at`.
    #[param(inline)]
    pub sort: Option<AccompanimentSort>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum AccompanimentSort {
    #[serde(rename = "requested_on")]
    RequestedOn,
    #[default]
    #[serde(rename = "-requested_on")]
    RequestedOnDescending,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

impl AccompanimentSort {
    /// The value that a list in this order is sorted by, as its cursor keeps it.
    #[must_use]
    pub fn key(self, accompaniment: &Accompaniment) -> String {
        match self {
            Self::RequestedOn | Self::RequestedOnDescending => {
                accompaniment.requested_on.to_string()
            }
            Self::CreatedAt | Self::CreatedAtDescending => accompaniment.created_at.to_rfc3339(),
        }
    }
}

impl Accompaniment {
    /// A request.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong; `Conflict` when the company has an open accompaniment.
    pub fn new(
        id: AccompanimentId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &AccompanimentInput,
        context: &Context,
    ) -> Result<Self> {
        let named = rules::check(actor, input, context, None)?;
        if context.has_open_run {
            return Err(Error::conflict(
                "open_accompaniment",
                "The company is being accompanied: one at a time.",
            ));
        }
        Ok(Self {
            id,
            carrier: named.carrier,
            company: named.company,
            site: named.site,
            federal_state: named.federal_state,
            phases: named.template.phases.iter().map(Phase::from).collect(),
            steps: steps_of(&named.template.phases),
            template: named.template.reference(),
            duration_days: named.template.duration_days.unwrap_or_default(),
            max_pause_days: named.template.max_pause_days.unwrap_or_default(),
            lead: named.lead,
            deputy: named.deputy,
            hand_over: None,
            note_warnings: named.notes.as_deref().map(note_warnings).unwrap_or_default(),
            notes: named.notes,
            requested_on: named.requested_on,
            agreed: None,
            rejected: None,
            started_on: None,
            funding_period: None,
            pauses: Vec::new(),
            goals: Vec::new(),
            completed: None,
            ended: None,
            state: None,
            recorded_by: actor.reference(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// What it names and keeps is not looked at again. After the start the template stays, and with it the
    /// steps; the site changes without another federal state.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong; `Conflict` when it is over.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &AccompanimentInput,
        context: &Context,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::Change, context.today)?;
        let named = rules::check(actor, input, context, Some(self))?;
        let mut new = Self {
            site: named.site,
            deputy: named.deputy,
            note_warnings: named.notes.as_deref().map(note_warnings).unwrap_or_default(),
            notes: named.notes,
            requested_on: named.requested_on,
            ..self.next(now)
        };
        if self.started_on.is_none() {
            new.federal_state = named.federal_state;
            new.phases = named.template.phases.iter().map(Phase::from).collect();
            new.steps = steps_of(&named.template.phases);
            new.template = named.template.reference();
            new.duration_days = named.template.duration_days.unwrap_or_default();
            new.max_pause_days = named.template.max_pause_days.unwrap_or_default();
        }
        Ok(new)
    }

    /// The plan, from the start on.
    #[must_use]
    pub fn plan(&self) -> Option<Plan<'_>> {
        Some(Plan {
            start: self.started_on?,
            horizon: Horizon::Days(self.duration_days),
            calendar: self.calendar(),
            phases: &self.phases,
            steps: &self.steps,
        })
    }

    #[must_use]
    pub fn calendar(&self) -> Calendar {
        let pauses = self.pauses.iter().map(|pause| (pause.from, pause.until));
        Calendar::new(self.federal_state, pauses)
    }

    #[must_use]
    pub fn status(&self, today: NaiveDate) -> AccompanimentStatus {
        if self.rejected.is_some() {
            AccompanimentStatus::Rejected
        } else if self.ended.is_some() {
            AccompanimentStatus::EndedEarly
        } else if self.completed.is_some() {
            AccompanimentStatus::Completed
        } else if self.started_on.is_some() {
            if self.calendar().is_paused(today) {
                AccompanimentStatus::Paused
            } else {
                AccompanimentStatus::Active
            }
        } else if self.agreed.is_some() {
            AccompanimentStatus::Agreed
        } else {
            AccompanimentStatus::Requested
        }
    }

    /// Whether the company has this one going, so that it gets no other.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.rejected.is_none() && self.ended.is_none() && self.completed.is_none()
    }

    /// When it was over.
    #[must_use]
    pub fn over_on(&self) -> Option<NaiveDate> {
        let completed = self.completed.as_ref().map(|completed| completed.on);
        completed.or(self.ended.as_ref().map(|ended| ended.on))
    }

    /// Whether it was under way on a day, paused or not.
    #[must_use]
    pub fn was_active_on(&self, date: NaiveDate) -> bool {
        self.started_on.is_some_and(|start| start <= date)
            && self.over_on().is_none_or(|over| date <= over)
    }

    /// Whether it was completed by its planned end; none when it was not completed.
    #[must_use]
    pub fn was_on_time(&self) -> Option<bool> {
        let completed = self.completed.as_ref()?;
        Some(completed.on <= self.plan()?.planned_end()?)
    }

    fn moment(&self) -> Moment {
        if self.ended.is_some() {
            Moment::Over
        } else if self.completed.is_some() {
            Moment::Completed
        } else {
            Moment::Open
        }
    }

    /// As an answer shows it: with what is derived of it and of its steps.
    #[must_use]
    pub fn shown(&self, today: NaiveDate) -> Self {
        let mut steps = match self.plan() {
            Some(plan) => plan.steps_on(today, self.moment()),
            None => self.undated().steps_on(today, Moment::Over),
        };
        if self.started_on.is_none() {
            for state in steps.iter_mut().filter_map(|step| step.state.as_mut()) {
                state.limit_on = None;
                state.provisional = false;
            }
        }
        Self { steps, state: Some(self.state_on(today)), ..self.clone() }
    }

    /// The steps in their order; dates that come of it mean nothing.
    fn undated(&self) -> Plan<'_> {
        Plan {
            start: self.requested_on,
            horizon: Horizon::Target(None),
            calendar: self.calendar(),
            phases: &self.phases,
            steps: &self.steps,
        }
    }

    /// As it is recorded: without what is derived.
    #[must_use]
    pub fn as_recorded(&self) -> Self {
        let steps = self.steps.iter().map(|step| Step { state: None, ..step.clone() }).collect();
        Self { steps, state: None, ..self.clone() }
    }

    #[must_use]
    pub fn state_on(&self, today: NaiveDate) -> AccompanimentState {
        let plan = self.plan();
        let as_of = self.over_on().map_or(today, |over| over.min(today));
        let status = self.status(today);
        AccompanimentState {
            status,
            day: plan.as_ref().map(|plan| plan.day(as_of)),
            planned_end_on: plan.as_ref().and_then(Plan::planned_end),
            paused_until: self
                .calendar()
                .pause_over(today)
                .filter(|_| status == AccompanimentStatus::Paused),
            // What was over in a pause was not paused any more.
            paused_days: match self.over_on() {
                Some(over) => self.calendar().paused_days(NaiveDate::MIN, over),
                None => self.calendar().all_paused_days(),
            },
            plan: plan.map(|plan| plan.state(today, self.moment())),
            allowed: self.allowed(today),
        }
    }

    /// # Errors
    /// `Forbidden` for those who do not look after it.
    pub fn check_may_change(&self, actor: &Actor) -> Result<()> {
        self.leads().check_may_change(actor, "an accompaniment")
    }

    fn leads(&self) -> Leads<'_> {
        Leads { lead: &self.lead, deputy: self.deputy.as_ref(), recorded_by: &self.recorded_by }
    }

    /// The day that it stands at among other records of the company: that of its start, or of the request.
    #[must_use]
    pub fn stands_on(&self) -> NaiveDate {
        self.started_on.unwrap_or(self.requested_on)
    }

    fn next(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.as_recorded() }
    }

    #[must_use]
    pub fn reference(&self) -> Reference {
        reference(self.id, &self.company.name, self.stands_on())
    }
}

/// What the rules of other records need to know of an accompaniment.
#[derive(Clone, Debug)]
pub struct NamedAccompaniment {
    pub reference: Reference,
    pub company_id: CompanyId,
}

/// An accompaniment in another record: the company, and the day that it stands at.
#[must_use]
pub fn reference(id: AccompanimentId, company: &str, stands_on: NaiveDate) -> Reference {
    Reference::new(id, format!("{company}, {stands_on}"))
}

impl From<&Accompaniment> for AccompanimentInput {
    fn from(accompaniment: &Accompaniment) -> Self {
        Self {
            company_id: CompanyId(accompaniment.company.id),
            site_id: accompaniment.site.id.into(),
            template_id: Some(accompaniment.template.id),
            requested_on: Some(accompaniment.requested_on),
            lead_id: Some(accompaniment.lead.id.into()),
            deputy_id: accompaniment.deputy.as_ref().map(|deputy| deputy.id.into()),
            notes: accompaniment.notes.clone(),
        }
    }
}

impl Entity for Accompaniment {
    const KIND: EntityKind = EntityKind::Accompaniment;

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
