//! Follow-up and other tasks (Wiedervorlage, Aufgabe): what somebody of a carrier has to do by a day.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::{Code, codes};
use crate::consultation::{Consultation, ConsultationReference, OrganisationFacts};
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::event::NamedEvent;
use crate::id::{CarrierId, ConsultationId, EventId, OrganisationId, TaskId, UserId};
use crate::organisation::OrganisationReference;
use crate::policy::{Actor, Role};

mod reassign;
pub use reassign::{ReassignInput, Reassigned};

codes! {
    "task_priority" TaskPriority { Low, Normal, High }
}

codes! {
    "task_status" TaskStatus { Open, Done, Cancelled }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "title": "Ask whether the authority answered",
    "due_on": "2026-04-01",
    "priority": "high"
}))]
pub struct TaskInput {
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    #[schema(max_length = 5000)]
    pub notes: Option<String>,
    /// Date in the network's time zone.
    #[serde(deserialize_with = "crate::time::date")]
    pub due_on: NaiveDate,
    /// Who does it: a user who advises for the own carrier today. The caller unless told.
    pub owner_id: Option<UserId>,
    /// Who stands in for the owner.
    pub deputy_id: Option<UserId>,
    #[serde(default = "normal")]
    pub priority: TaskPriority,
    /// What it is about. At most one of the three is named.
    pub consultation_id: Option<ConsultationId>,
    pub organisation_id: Option<OrganisationId>,
    pub event_id: Option<EventId>,
}

fn normal() -> TaskPriority {
    TaskPriority::Normal
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"result": "The authority has everything it needs."}))]
pub struct TaskCompleteInput {
    /// What came of it.
    #[schema(max_length = 2000)]
    pub result: Option<String>,
}

impl TaskCompleteInput {
    /// # Errors
    /// `Invalid` when the result is too long.
    pub fn checked(&self) -> Result<Option<String>> {
        let mut checks = Checks::new();
        let result = checks.optional_prose("/result", self.result.as_deref(), 2000);
        checks.finish()?;
        Ok(result)
    }
}

/// When and by whom a task was done, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskDone {
    pub at: DateTime<Utc>,
    pub by: Reference,
    #[schema(required)]
    pub result: Option<String>,
}

/// When, by whom and why a task was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskCancelled {
    pub at: DateTime<Utc>,
    pub by: Reference,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    pub id: TaskId,
    pub carrier: Reference,
    pub title: String,
    #[schema(required)]
    pub notes: Option<String>,
    pub due_on: NaiveDate,
    pub owner: Reference,
    #[schema(required)]
    pub deputy: Option<Reference>,
    pub priority: TaskPriority,
    #[schema(required)]
    pub consultation: Option<ConsultationReference>,
    /// The one that it is about, also through the consultation.
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    #[schema(required)]
    pub event: Option<Reference>,
    pub status: TaskStatus,
    #[schema(required)]
    pub done: Option<TaskDone>,
    #[schema(required)]
    pub cancelled: Option<TaskCancelled>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TaskFilter {
    pub owner_id: Option<UserId>,
    /// Those that the caller owns or stands in for.
    pub mine: Option<bool>,
    pub status: Option<TaskStatus>,
    pub priority: Option<TaskPriority>,
    pub consultation_id: Option<ConsultationId>,
    /// Also through the consultation that a task is about.
    pub organisation_id: Option<OrganisationId>,
    pub event_id: Option<EventId>,
    /// First due date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub due_from: Option<NaiveDate>,
    /// Last due date.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub due_to: Option<NaiveDate>,
    /// Open ones that were due before today.
    pub overdue: Option<bool>,
    /// Text in title and notes; case, umlauts, accents and punctuation do not matter.
    pub q: Option<String>,
    /// `due_on` (the default), `-due_on`, `created_at` or `-created_at`.
    #[param(inline)]
    pub sort: Option<TaskSort>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TaskSort {
    #[default]
    #[serde(rename = "due_on")]
    DueOn,
    #[serde(rename = "-due_on")]
    DueOnDescending,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
}

impl TaskSort {
    /// The value that a list in this order is sorted by, as its cursor keeps it.
    #[must_use]
    pub fn key(self, task: &Task) -> String {
        match self {
            Self::DueOn | Self::DueOnDescending => task.due_on.to_string(),
            Self::CreatedAt | Self::CreatedAtDescending => task.created_at.to_rfc3339(),
        }
    }
}

/// What an input names, as far as it exists and the caller may know of it.
#[derive(Debug, Default)]
pub struct Context {
    /// Those of the users who can be given work of the carrier today.
    pub people: Vec<Reference>,
    pub consultation: Option<Consultation>,
    pub organisation: Option<OrganisationFacts>,
    pub event: Option<NamedEvent>,
}

pub(crate) const NOT_AN_ADVISER: (&str, &str) =
    ("not_an_adviser", "must be a user who advises for your carrier today");

impl Task {
    /// # Errors
    /// `Invalid` with everything that is wrong; `Forbidden` for a caller without a carrier.
    pub fn new(
        id: TaskId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &TaskInput,
        context: &Context,
    ) -> Result<Self> {
        Self::checked(id, now, actor, input, context, None)
    }

    /// What a task names and keeps is not looked at again: an owner who left, a consultation that was
    /// taken back since.
    ///
    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is not open.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &TaskInput,
        context: &Context,
    ) -> Result<Self> {
        self.check_open()?;
        let new = Self::checked(self.id, now, actor, input, context, Some(self))?;
        Ok(Self {
            version: self.version + 1,
            created_at: self.created_at,
            recorded_by: self.recorded_by.clone(),
            ..new
        })
    }

    fn checked(
        id: TaskId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &TaskInput,
        context: &Context,
        before: Option<&Self>,
    ) -> Result<Self> {
        let carrier = actor.own_carrier()?;
        let mut checks = Checks::new();
        let title = checks.line("/title", &input.title, 200);
        let notes = checks.optional_prose("/notes", input.notes.as_deref(), 5000);
        let owner_id = input.owner_id.unwrap_or(actor.user_id);
        let kept = before.map(|task| &task.owner);
        let owner = person(&mut checks, "/owner_id", owner_id, &context.people, kept);
        let kept = before.and_then(|task| task.deputy.as_ref());
        let deputy = input
            .deputy_id
            .and_then(|id| person(&mut checks, "/deputy_id", id, &context.people, kept));
        checks.require(
            input.deputy_id != Some(owner_id),
            "/deputy_id",
            "same_user",
            "must be somebody else than the owner",
        );
        let subjects = [
            ("/consultation_id", input.consultation_id.is_some()),
            ("/organisation_id", input.organisation_id.is_some()),
            ("/event_id", input.event_id.is_some()),
        ];
        for (pointer, _) in subjects.into_iter().filter(|(_, named)| *named).skip(1) {
            checks.fail(pointer, "several_subjects", "must be absent when another one is named");
        }
        let consultation = about_consultation(&mut checks, input, context, before);
        let organisation = about_organisation(&mut checks, input, context, before);
        let event = about_event(&mut checks, input, context, before);
        checks.finish()?;
        let owner = owner.ok_or_else(|| Error::internal("a task without an owner"))?;
        let of_consultation = consultation.as_ref().and_then(|c| c.organisation.clone());
        Ok(Self {
            id,
            carrier: Reference::new(carrier.id, &carrier.name),
            title,
            notes,
            due_on: input.due_on,
            owner,
            deputy,
            priority: input.priority,
            consultation,
            organisation: organisation.or(of_consultation),
            event,
            status: TaskStatus::Open,
            done: None,
            cancelled: None,
            recorded_by: actor.reference(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// `Conflict` when it is not open.
    pub fn completed(
        &self,
        now: DateTime<Utc>,
        actor: &Actor,
        result: Option<String>,
    ) -> Result<Self> {
        self.check_open()?;
        let done = TaskDone { at: now, by: actor.reference(), result };
        Ok(Self { status: TaskStatus::Done, done: Some(done), ..self.next(now) })
    }

    /// # Errors
    /// `Conflict` when it is not open.
    pub fn cancelled(&self, now: DateTime<Utc>, actor: &Actor, reason: String) -> Result<Self> {
        self.check_open()?;
        let cancelled = TaskCancelled { at: now, by: actor.reference(), reason };
        Ok(Self { status: TaskStatus::Cancelled, cancelled: Some(cancelled), ..self.next(now) })
    }

    /// # Errors
    /// `Conflict` when it is open.
    pub fn reopened(&self, now: DateTime<Utc>) -> Result<Self> {
        if self.status == TaskStatus::Open {
            return Err(Error::conflict("already_open", "The task is open."));
        }
        Ok(Self { status: TaskStatus::Open, done: None, cancelled: None, ..self.next(now) })
    }

    fn next(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    /// Owner and stand-in, who recorded it, and managers change a task. To complete one is for everybody
    /// of the carrier: whoever took the call ticks it off.
    ///
    /// # Errors
    /// `Forbidden` for others.
    pub fn check_may_change(&self, actor: &Actor) -> Result<()> {
        let involved = [Some(&self.owner), self.deputy.as_ref(), Some(&self.recorded_by)]
            .into_iter()
            .flatten()
            .any(|person| person.id == actor.user_id.0);
        if actor.role == Role::Manager || involved {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "Only owner and stand-in of a task, who recorded it, and managers change it."
                    .to_owned(),
            ))
        }
    }

    /// As [`Self::check_may_change`]; who ticked a task off may also take that back.
    ///
    /// # Errors
    /// `Forbidden` for others.
    pub fn check_may_reopen(&self, actor: &Actor) -> Result<()> {
        match &self.done {
            Some(done) if done.by.id == actor.user_id.0 => Ok(()),
            _ => self.check_may_change(actor),
        }
    }

    fn check_open(&self) -> Result<()> {
        if self.status == TaskStatus::Open {
            return Ok(());
        }
        Err(Error::conflict("not_open", format!("The task is {}.", self.status.code())))
    }
}

/// Somebody who can be given work, or who had it before.
pub(crate) fn person(
    checks: &mut Checks,
    pointer: &str,
    id: UserId,
    people: &[Reference],
    before: Option<&Reference>,
) -> Option<Reference> {
    let found = before.into_iter().chain(people).find(|person| person.id == id.0);
    if found.is_none() {
        checks.fail(pointer, NOT_AN_ADVISER.0, NOT_AN_ADVISER.1);
    }
    found.cloned()
}

fn about_consultation(
    checks: &mut Checks,
    input: &TaskInput,
    context: &Context,
    before: Option<&Task>,
) -> Option<ConsultationReference> {
    let id = input.consultation_id?;
    let kept = before.and_then(|task| task.consultation.as_ref()).filter(|kept| kept.id == id);
    if let Some(kept) = kept {
        return Some(kept.clone());
    }
    consultation(checks, context.consultation.as_ref())
}

/// A consultation that a record can be about.
pub(crate) fn consultation(
    checks: &mut Checks,
    found: Option<&Consultation>,
) -> Option<ConsultationReference> {
    match found {
        None => checks.fail("/consultation_id", "unknown", "must be a consultation"),
        Some(found) => {
            let voided = found.voided.is_some();
            checks.require(!voided, "/consultation_id", "voided", "must not be voided");
        }
    }
    found.map(ConsultationReference::from)
}

fn about_organisation(
    checks: &mut Checks,
    input: &TaskInput,
    context: &Context,
    before: Option<&Task>,
) -> Option<OrganisationReference> {
    let id = input.organisation_id?;
    let kept = before.and_then(|task| task.organisation.as_ref()).filter(|kept| kept.id == id);
    if let Some(kept) = kept {
        return Some(kept.clone());
    }
    organisation(checks, "/organisation_id", context.organisation.as_ref())
}

/// An organisation that a record can be about.
pub(crate) fn organisation(
    checks: &mut Checks,
    pointer: &str,
    found: Option<&OrganisationFacts>,
) -> Option<OrganisationReference> {
    match found {
        None => checks.fail(pointer, "unknown", "must be a company or an actor"),
        Some(found) => {
            checks.require(!found.archived, pointer, "archived", "must not be archived");
        }
    }
    found.map(|found| found.reference.clone())
}

fn about_event(
    checks: &mut Checks,
    input: &TaskInput,
    context: &Context,
    before: Option<&Task>,
) -> Option<Reference> {
    let id = input.event_id?;
    let kept = before.and_then(|task| task.event.as_ref()).filter(|kept| kept.id == id.0);
    if let Some(kept) = kept {
        return Some(kept.clone());
    }
    match &context.event {
        None => checks.fail("/event_id", "unknown", "must be an event"),
        Some(found) => {
            checks.require(!found.voided, "/event_id", "voided", "must not be voided");
        }
    }
    context.event.as_ref().map(|found| found.reference.clone())
}

impl From<&Task> for TaskInput {
    fn from(task: &Task) -> Self {
        let through_consultation = task.consultation.is_some();
        Self {
            title: task.title.clone(),
            notes: task.notes.clone(),
            due_on: task.due_on,
            owner_id: Some(task.owner.id.into()),
            deputy_id: task.deputy.as_ref().map(|deputy| deputy.id.into()),
            priority: task.priority,
            consultation_id: task.consultation.as_ref().map(|consultation| consultation.id),
            organisation_id: task
                .organisation
                .as_ref()
                .filter(|_| !through_consultation)
                .map(|organisation| organisation.id),
            event_id: task.event.as_ref().map(|event| event.id.into()),
        }
    }
}

impl Entity for Task {
    const KIND: EntityKind = EntityKind::Task;

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
