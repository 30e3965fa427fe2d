//! From the request to the end: agreed, rejected, started, completed, ended early.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::goal::{self, Goal, GoalInput};
use super::{Accompaniment, AccompanimentOperation, AccompanimentOutcome, EarlyEnd};
use crate::calendar::happened_on;
use crate::check::Checks;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::funding_period::FundingPeriod;
use crate::policy::Actor;
use crate::programme_template::TemplateStatus;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agreed {
    pub on: NaiveDate,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rejected {
    pub on: NaiveDate,
    pub reason: String,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Completed {
    pub on: NaiveDate,
    pub outcome: AccompanimentOutcome,
    #[schema(required)]
    pub note: Option<String>,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    pub on: NaiveDate,
    pub reason: EarlyEnd,
    #[schema(required)]
    pub note: Option<String>,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "agreed_on": "2026-03-05",
    "goals": [{"title": "Two vacancies filled", "measure": "Contracts signed"}]
}))]
pub struct AgreeInput {
    /// Today unless told; not before the request.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub agreed_on: Option<NaiveDate>,
    /// The agreement on goals (Zielvereinbarung), as far as there is one; at most 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub goals: Vec<GoalInput>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "No vacancy at present"}))]
pub struct RejectInput {
    /// Today unless told; not before the request.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub rejected_on: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"started_on": "2026-03-09"}))]
pub struct StartInput {
    /// The kick-off, day 1: today unless told; not before it was agreed, in an open funding period.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub started_on: Option<NaiveDate>,
}

/// What the start depends on.
#[derive(Clone, Debug)]
pub struct StartContext {
    pub today: NaiveDate,
    /// The period that the first day lies in.
    pub period: Option<FundingPeriod>,
    /// Of the version of the template that it was requested by.
    pub template: TemplateStatus,
    /// The last day of the accompaniment that the company had before, by whichever carrier.
    pub before: Option<NaiveDate>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "achieved"}))]
pub struct CompleteInput {
    /// Today unless told; not before the last step was done.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub completed_on: Option<NaiveDate>,
    pub outcome: AccompanimentOutcome,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "vacancy_filled", "note": "Found somebody in the region."}))]
pub struct EndInput {
    /// Today unless told; not before it was agreed or began, nor before the last step was done.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub ended_on: Option<NaiveDate>,
    pub reason: EarlyEnd,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

impl Accompaniment {
    /// # Errors
    /// `Invalid`; `Conflict` when it is not requested.
    pub fn agreed(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &AgreeInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::Agree, today)?;
        let mut checks = Checks::new();
        let on =
            happened_on(&mut checks, "/agreed_on", input.agreed_on, today, Some(self.requested_on));
        let goals: Vec<Goal> = goal::checked(&mut checks, &input.goals);
        checks.finish()?;
        let agreed = Agreed { on, by: actor.reference(), at: now };
        Ok(Self { agreed: Some(agreed), goals, ..self.next(now) })
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it is not requested.
    pub fn rejected(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &RejectInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::Reject, today)?;
        let mut checks = Checks::new();
        let on = happened_on(
            &mut checks,
            "/rejected_on",
            input.rejected_on,
            today,
            Some(self.requested_on),
        );
        let reason = checks.line("/reason", &input.reason, 500);
        checks.finish()?;
        let rejected = Rejected { on, reason, by: actor.reference(), at: now };
        Ok(Self { rejected: Some(rejected), hand_over: None, ..self.next(now) })
    }

    /// Day 1: the steps get their dates.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when it is not agreed, its template was retired, or the funding period takes no
    /// entries.
    pub fn started(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &StartInput,
        context: &StartContext,
    ) -> Result<Self> {
        const POINTER: &str = "/started_on";
        self.check_allows(AccompanimentOperation::Start, context.today)?;
        let mut checks = Checks::new();
        let agreed_on = self.agreed.as_ref().map_or(self.requested_on, |agreed| agreed.on);
        let on =
            happened_on(&mut checks, POINTER, input.started_on, context.today, Some(agreed_on));
        checks.require(
            context.period.is_some(),
            POINTER,
            "outside_funding_periods",
            "must lie in a funding period",
        );
        // Whose it was is not told.
        checks.require(
            context.before.is_none_or(|before| on > before),
            POINTER,
            "accompanied_then",
            "must be after the end of the accompaniment that the company had before",
        );
        checks.finish()?;
        if context.template == TemplateStatus::Retired {
            return Err(Error::conflict(
                "template_retired",
                "None begins by this version of the template any more; name the published one in template_id.",
            ));
        }
        let Some(period) = &context.period else {
            return Err(Error::internal("a start without a funding period passed the rules"));
        };
        period.accepts_entries_of(actor.role)?;
        let begun = Self {
            started_on: Some(on),
            funding_period: Some(Reference::new(period.id, &period.name)),
            ..self.next(now)
        };
        let steps = begun.plan().map(|plan| plan.begun()).unwrap_or_default();
        Ok(Self { steps, ..begun })
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it is not active, a mandatory step is open or a goal was not measured.
    pub fn completed(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &CompleteInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::Complete, today)?;
        let open = self.undated().holding_up().join(", ");
        if !open.is_empty() {
            return Err(Error::conflict(
                "steps_open",
                format!("Mandatory steps are to be done or waived first: {open}."),
            ));
        }
        let unmeasured: Vec<String> = self
            .goals
            .iter()
            .filter(|goal| goal.result.is_none())
            .map(|goal| goal.number.to_string())
            .collect();
        if !unmeasured.is_empty() {
            return Err(Error::conflict(
                "goals_not_measured",
                format!("Goals are to be measured first: {}.", unmeasured.join(", ")),
            ));
        }
        let last = self.undated().last_done_on();
        let earliest = last.max(self.started_on).unwrap_or(self.requested_on);
        let mut checks = Checks::new();
        let on =
            happened_on(&mut checks, "/completed_on", input.completed_on, today, Some(earliest));
        let note = checks.optional_prose("/note", input.note.as_deref(), 2000);
        checks.finish()?;
        let outcome = input.outcome;
        let completed = Completed { on, outcome, note, by: actor.reference(), at: now };
        Ok(Self { completed: Some(completed), ..self.next(now) })
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it was not agreed or is over.
    pub fn ended(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &EndInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::End, today)?;
        let agreed_on = self.agreed.as_ref().map(|agreed| agreed.on);
        let began = self.started_on.or(agreed_on).unwrap_or(self.requested_on);
        let earliest = self.undated().last_done_on().map_or(began, |last| last.max(began));
        let mut checks = Checks::new();
        let on = happened_on(&mut checks, "/ended_on", input.ended_on, today, Some(earliest));
        let note = checks.optional_prose("/note", input.note.as_deref(), 2000);
        checks.finish()?;
        let ended = Ended { on, reason: input.reason, note, by: actor.reference(), at: now };
        Ok(Self { ended: Some(ended), hand_over: None, ..self.next(now) })
    }
}
