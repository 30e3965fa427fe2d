//! Steps (Schritte) of a plan, and what is recorded of them.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Plan;
use crate::calendar::{check_year, happened_on};
use crate::check::Checks;
use crate::code::codes;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::policy::Actor;
use crate::programme_template::{LimitKind, TemplatePhase, TemplateStep};

codes! {
    "step_status" StepStatus {
        /// Another step, or a gate, comes first.
        Waiting,
        Open, Done, Waived,
    }
}

codes! {
    /// What it means that a date has passed.
    "lateness" Lateness {
        /// Of a statutory limit.
        Breached,
        /// Of what the law says "should" to, and of what is usual.
        Late,
        /// Of the own plan.
        Overdue,
    }
}

/// Another date than the computed one. Re-planning leaves it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepOverride {
    pub on: NaiveDate,
    pub reason: String,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepDone {
    pub on: NaiveDate,
    #[schema(required)]
    pub note: Option<String>,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepWaived {
    pub reason: String,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

/// What is derived of a step on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepState {
    pub status: StepStatus,
    /// The day that it is planned for: the override, else `planned_on`.
    #[schema(required)]
    pub due_on: Option<NaiveDate>,
    /// Where a statutory or usual limit ends by its rule, whatever was planned or overridden. Null where what
    /// it would run from was waived: then there is no such limit, and the date is the own plan.
    #[schema(required)]
    pub limit_on: Option<NaiveDate>,
    /// Whether the step that the date runs from has not been done, so that it is a forecast. What is to be done
    /// by the very day of another step is none once that one has a date that somebody set or that runs from
    /// what happened.
    pub provisional: bool,
    /// Of a step that is open or was done after its date; never of a forecast.
    #[schema(required)]
    pub lateness: Option<Lateness>,
    /// Calendar days after the date.
    #[schema(required)]
    pub days_late: Option<i64>,
    /// Codes of the steps that come first and are open.
    pub waits_for: Vec<String>,
    /// By how many days, pauses left out, the step could move without the end of the plan moving. Negative
    /// when the end cannot be kept; null for what has no date, and where the plan has no end.
    #[schema(required)]
    pub slack_days: Option<i64>,
}

/// A step of a run: what the template says of it, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    #[serde(flatten)]
    #[schema(value_type = TemplateStep)]
    pub definition: Arc<TemplateStep>,
    /// Code of the phase.
    pub phase: String,
    /// The day that it was first planned for. It never moves.
    #[schema(required)]
    pub baseline_on: Option<NaiveDate>,
    /// The day that it is planned for by its rule, as of the last planning.
    #[schema(required)]
    pub planned_on: Option<NaiveDate>,
    #[serde(rename = "override")]
    #[schema(required)]
    pub overridden: Option<StepOverride>,
    #[schema(required)]
    pub done: Option<StepDone>,
    #[schema(required)]
    pub waived: Option<StepWaived>,
    /// Derived. It is in every answer and in no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = StepState)]
    pub state: Option<StepState>,
}

/// A step in another record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepName {
    #[schema(example = "midterm_review")]
    pub code: String,
    pub title_de: String,
    pub title_en: String,
}

impl Step {
    #[must_use]
    pub fn name(&self) -> StepName {
        StepName {
            code: self.definition.code.clone(),
            title_de: self.definition.title_de.clone(),
            title_en: self.definition.title_en.clone(),
        }
    }

    /// Neither done nor waived.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.done.is_none() && self.waived.is_none()
    }

    /// The day that it is planned for: the override, else the computed one.
    #[must_use]
    pub fn due_on(&self) -> Option<NaiveDate> {
        self.overridden.as_ref().map(|overridden| overridden.on).or(self.planned_on)
    }

    /// Whether re-planning may give it another date.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.is_open() && self.overridden.is_none()
    }

    /// Whether a run cannot be completed before it is done or waived.
    #[must_use]
    pub fn holds_up(&self) -> bool {
        self.definition.mandatory && !self.definition.after_end && self.is_open()
    }

    /// What it means that the date of its limit has passed.
    pub(super) fn lateness_of_limit(&self) -> Lateness {
        match self.definition.limit {
            LimitKind::Statutory => Lateness::Breached,
            LimitKind::Usual => Lateness::Late,
            LimitKind::Own => Lateness::Overdue,
        }
    }
}

/// The steps of a template, none with a date yet.
#[must_use]
pub fn steps_of(phases: &[TemplatePhase]) -> Vec<Step> {
    let steps = phases.iter().flat_map(|phase| phase.steps.iter().map(move |step| (phase, step)));
    steps
        .map(|(phase, step)| Step {
            definition: Arc::clone(step),
            phase: phase.code.clone(),
            baseline_on: None,
            planned_on: None,
            overridden: None,
            done: None,
            waived: None,
            state: None,
        })
        .collect()
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"done_on": "2026-03-12", "note": "Protocol signed by both sides."}))]
pub struct StepDoneInput {
    /// Today unless told; not in the future, nor before the steps that come first.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub done_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"on": "2026-04-20", "reason": "The managing director is away until then."}))]
pub struct StepOverrideInput {
    /// Not before the start of the run.
    #[serde(deserialize_with = "crate::time::date")]
    pub on: NaiveDate,
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

impl Plan<'_> {
    /// Codes of what is open and comes before a step: what it is to be done after, and the mandatory steps
    /// of earlier phases with a gate.
    pub(super) fn waits_for(&self, step: &Step) -> Vec<String> {
        let places = self.places_waited_for(step);
        places.map(|at| self.steps[at].definition.code.clone()).collect()
    }

    /// Places of what a step waits for.
    pub(super) fn places_waited_for(&self, step: &Step) -> impl Iterator<Item = usize> {
        self.places_before(step).filter(|at| self.steps[*at].is_open())
    }

    /// Places of what comes before a step, open or not.
    fn places_before(&self, step: &Step) -> impl Iterator<Item = usize> {
        let phase = self.phase_index(step);
        let comes_before = move |other: &Step| {
            step.definition.after.contains(&other.definition.code) || self.gates(other, phase)
        };
        (0..self.steps.len()).filter(move |at| comes_before(&self.steps[*at]))
    }

    /// Whether a step waits for any, which spares naming them. `gate` is [`Self::first_gate`].
    pub(super) fn waits(&self, step: &Step, gate: Option<usize>) -> bool {
        gate.is_some_and(|gate| self.phase_index(step).is_some_and(|phase| gate < phase))
            || step.definition.after.iter().any(|code| self.step(code).is_ok_and(Step::is_open))
    }

    /// The first phase with a gate in which a mandatory step is open.
    pub(super) fn first_gate(&self) -> Option<usize> {
        self.phases.iter().position(|phase| {
            let of_phase = |step: &&Step| step.phase == phase.code;
            phase.gate && self.steps.iter().filter(of_phase).any(Step::holds_up)
        })
    }

    /// The day on which the last step before the end was done. Nothing is over before it.
    #[must_use]
    pub fn last_done_on(&self) -> Option<NaiveDate> {
        let steps = self.steps.iter().filter(|step| !step.definition.after_end);
        steps.filter_map(|step| Some(step.done.as_ref()?.on)).max()
    }

    /// Whether a step is a mandatory one of an earlier phase with a gate.
    fn gates(&self, step: &Step, later_phase: Option<usize>) -> bool {
        let definition = &step.definition;
        if !definition.mandatory || definition.after_end {
            return false;
        }
        let phase = self.phase_index(step);
        let gate = phase.and_then(|at| self.phases.get(at)).is_some_and(|phase| phase.gate);
        gate && phase < later_phase
    }

    /// # Errors
    /// `NotFound`; `Conflict` when it is done or waived or something else comes first; `Invalid`.
    /// `earliest` is the first day that it can have been done on.
    pub fn with_done(
        &self,
        code: &str,
        now: DateTime<Utc>,
        today: NaiveDate,
        earliest: Option<NaiveDate>,
        actor: &Actor,
        input: &StepDoneInput,
    ) -> Result<Vec<Step>> {
        let step = self.open_step(code)?;
        let waits_for = self.waits_for(step);
        if !waits_for.is_empty() {
            return Err(Error::conflict(
                "step_waits",
                format!("{code} comes after {}: done or waived first.", waits_for.join(", ")),
            ));
        }
        let mut checks = Checks::new();
        let before =
            self.places_before(step).filter_map(|at| Some(self.steps[at].done.as_ref()?.on));
        let earliest = before.chain(earliest).max();
        let on = happened_on(&mut checks, "/done_on", input.done_on, today, earliest);
        let note = checks.optional_prose("/note", input.note.as_deref(), 2000);
        checks.finish()?;
        let done = StepDone { on, note, by: actor.reference(), at: now };
        Ok(self.with(code, |step| step.done = Some(done.clone())))
    }

    /// # Errors
    /// `NotFound`; `Conflict` when it is done or waived.
    pub fn with_waived(
        &self,
        code: &str,
        now: DateTime<Utc>,
        actor: &Actor,
        reason: &str,
    ) -> Result<Vec<Step>> {
        self.open_step(code)?;
        let waived = StepWaived { reason: reason.to_owned(), by: actor.reference(), at: now };
        Ok(self.with(code, |step| step.waived = Some(waived.clone())))
    }

    /// Takes back that a step was done or waived. It gets the date that its rule gives today.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is open, or a step that comes after it was done.
    pub fn with_reopened(&self, code: &str) -> Result<Vec<Step>> {
        let step = self.step(code)?;
        if step.is_open() {
            return Err(Error::conflict("step_open", format!("{code} is open.")));
        }
        let reopened = self.with(code, |step| {
            step.done = None;
            step.waived = None;
        });
        let plan = Plan { steps: &reopened, ..self.clone() };
        let done = reopened.iter().filter(|other| other.done.is_some());
        let after: Vec<&str> = done
            .filter(|other| plan.waits_for(other).iter().any(|waited_for| waited_for == code))
            .map(|other| other.definition.code.as_str())
            .collect();
        if !after.is_empty() {
            return Err(Error::conflict(
                "later_step_done",
                format!("What comes after {code} was done: {}.", after.join(", ")),
            ));
        }
        Ok(plan.with_dated(code))
    }

    /// # Errors
    /// `NotFound`; `Conflict` when it is done or waived; `Invalid`.
    pub fn with_override(
        &self,
        code: &str,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &StepOverrideInput,
    ) -> Result<Vec<Step>> {
        self.open_step(code)?;
        let mut checks = Checks::new();
        check_year(&mut checks, "/on", input.on);
        checks.require(
            input.on >= self.start,
            "/on",
            "before_start",
            &format!("must not be before the start, {}", self.start),
        );
        let reason = checks.line("/reason", &input.reason, 500);
        checks.finish()?;
        let overridden = StepOverride { on: input.on, reason, by: actor.reference(), at: now };
        Ok(self.with(code, |step| step.overridden = Some(overridden.clone())))
    }

    /// The step gets the date that its rule gives today: pauses have passed it by meanwhile.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is done or waived, or has no override.
    pub fn without_override(&self, code: &str) -> Result<Vec<Step>> {
        if self.open_step(code)?.overridden.is_none() {
            return Err(Error::conflict("not_overridden", format!("{code} has its own date.")));
        }
        let cleared = self.with(code, |step| step.overridden = None);
        Ok(Plan { steps: &cleared, ..self.clone() }.with_dated(code))
    }

    /// # Errors
    /// `NotFound`.
    pub fn step(&self, code: &str) -> Result<&Step> {
        let found = self.steps.iter().find(|step| step.definition.code == code);
        found.ok_or(Error::NotFound("step"))
    }

    fn open_step(&self, code: &str) -> Result<&Step> {
        let step = self.step(code)?;
        let closed = match (&step.done, &step.waived) {
            (Some(done), _) => format!("was done on {}", done.on),
            (None, Some(_)) => "was waived".to_owned(),
            (None, None) => return Ok(step),
        };
        Err(Error::conflict(
            "step_not_open",
            format!("{code} {closed}; possible now: reopen_step."),
        ))
    }

    fn with(&self, code: &str, change: impl Fn(&mut Step)) -> Vec<Step> {
        let mut steps = self.steps.to_vec();
        for step in steps.iter_mut().filter(|step| step.definition.code == code) {
            change(step);
        }
        steps
    }
}
