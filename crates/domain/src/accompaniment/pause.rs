//! Pauses (Unterbrechungen): days that do not count. Open steps move with them.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Accompaniment, AccompanimentOperation};
use crate::calendar::{check_year, happened_on};
use crate::check::Checks;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::plan::{Difference, Plan, ReplanInput, ReplanPreview, Step};
use crate::policy::{Actor, Role};

/// How many days ago a pause may have begun that others than managers record.
const BACKDATED_DAYS: u64 = 7;

/// Days that do not count. Pauses may overlap: a day is paused once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pause {
    pub from: NaiveDate,
    /// Last day. It lies before `from` when the pause was taken back before it began.
    pub until: NaiveDate,
    pub reason: String,
    pub by: Reference,
    pub at: DateTime<Utc>,
    #[schema(required)]
    pub resumed: Option<Resumed>,
}

/// A pause that was cut short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resumed {
    /// First day that counts again.
    pub on: NaiveDate,
    /// Until when it was to last.
    pub planned_until: NaiveDate,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

impl Pause {
    /// Ends it before `on`, which is the first day that counts again. Until when it was to last stays what was
    /// first agreed.
    pub(super) fn cut(&mut self, on: NaiveDate, by: Reference, at: DateTime<Utc>) {
        let planned_until =
            self.resumed.as_ref().map_or(self.until, |resumed| resumed.planned_until);
        self.resumed = Some(Resumed { on, planned_until, by, at });
        self.until = on.pred_opt().unwrap_or(on);
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "from": "2026-07-20", "until": "2026-08-07", "reason": "Works holidays"
}))]
pub struct PauseInput {
    /// First day: today unless told; after the kick-off and the last step that was done, and not after the
    /// planned end. A pause that began more than 7 days ago is recorded by managers only.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day. All pauses together last as long as the template allows at most.
    #[serde(deserialize_with = "crate::time::date")]
    pub until: NaiveDate,
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"resumed_on": "2026-08-03"}))]
pub struct ResumeInput {
    /// First day that counts again: today unless told, or a day before it that is in the pause.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub resumed_on: Option<NaiveDate>,
    /// Takes back a pause that is to come instead: its number in `pauses`, the first being 1.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub pause: Option<usize>,
}

/// What a pause, given or taken back, would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PausePreview {
    /// The version that it was computed from.
    pub version: i64,
    /// All paused days, those of other pauses among them.
    pub paused_days: i64,
    #[schema(required)]
    pub planned_end_from: Option<NaiveDate>,
    #[schema(required)]
    pub planned_end_to: Option<NaiveDate>,
    /// The open steps that move: those that the pause gives another date. What re-planning would change for
    /// other reasons stays.
    pub differences: Vec<Difference>,
}

impl Accompaniment {
    /// # Errors
    /// `Invalid` with everything that is wrong, also when all pauses together would last too long;
    /// `Conflict` when it is not under way.
    pub fn paused(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &PauseInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::Pause, today)?;
        let plan = self.planned()?;
        let mut checks = Checks::new();
        let from = input.from.unwrap_or(today);
        check_year(&mut checks, "/from", from);
        check_year(&mut checks, "/until", input.until);
        self.check_first_day(&mut checks, actor, from, today, plan.date_of_day(1));
        if let Some(end) = plan.planned_end() {
            let message = &format!("must not be after the planned end, {end}");
            checks.require(from <= end, "/from", "after_end", message);
        }
        checks.require(
            input.until >= from,
            "/until",
            "before_start",
            "must not be before the first day",
        );
        let reason = checks.line("/reason", &input.reason, 500);
        let pause = Pause {
            from,
            until: input.until,
            reason,
            by: actor.reference(),
            at: now,
            resumed: None,
        };
        let mut pauses = self.pauses.clone();
        pauses.push(pause);
        let paused = Self { pauses, ..self.next(now) };
        let (before, days) =
            (self.calendar().all_paused_days(), paused.calendar().all_paused_days());
        if days > i64::from(self.max_pause_days) {
            let most = self.max_pause_days;
            checks.fail(
                "/until",
                "pauses_too_long",
                format!("must keep all pauses within {most} days; they take {before}, it would be {days}"),
            );
        }
        checks.finish()?;
        Ok(paused.moved_from(self))
    }

    /// A pause gives open steps other dates, so one that began in the past would unmake what was late by then.
    fn check_first_day(
        &self,
        checks: &mut Checks,
        actor: &Actor,
        from: NaiveDate,
        today: NaiveDate,
        kick_off: NaiveDate,
    ) {
        const POINTER: &str = "/from";
        let last_done = self.steps.iter().filter_map(|step| Some(step.done.as_ref()?.on)).max();
        let earliest = today - Days::new(BACKDATED_DAYS);
        if from <= kick_off {
            let message = format!("must be after the kick-off, {kick_off}");
            checks.fail(POINTER, "before_start", message);
        } else if let Some(last_done) = last_done.filter(|last_done| from <= *last_done) {
            let message =
                format!("must be after {last_done}: a step was done then, so it was no pause");
            checks.fail(POINTER, "before_last_step", message);
        } else if actor.role != Role::Manager && from < earliest {
            let message = format!("must not be before {earliest}; a manager can record it");
            checks.fail(POINTER, "too_far_back", message);
        }
    }

    /// Ends the pause, or takes back the one that is named and is to come.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when there is no pause.
    pub fn resumed(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &ResumeInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::Resume, today)?;
        let mut resumed = self.next(now);
        let mut checks = Checks::new();
        let by = actor.reference();
        if let Some(number) = input.pause {
            let at = self.pause_ahead(&mut checks, number, input, today);
            checks.finish()?;
            if let Some(pause) = at.and_then(|at| resumed.pauses.get_mut(at)) {
                pause.cut(pause.from, by, now);
            }
        } else {
            let on = self.back_on(&mut checks, input, today)?;
            checks.finish()?;
            // Those that began in the meantime are over with it; what is to come was not asked about.
            let over = |pause: &&mut Pause| pause.until >= on && pause.from <= today;
            for pause in resumed.pauses.iter_mut().filter(over) {
                pause.cut(on, by.clone(), now);
            }
        }
        Ok(resumed.moved_from(self))
    }

    /// The first day that counts again after the pause that is running.
    fn back_on(
        &self,
        checks: &mut Checks,
        input: &ResumeInput,
        today: NaiveDate,
    ) -> Result<NaiveDate> {
        checks.require(
            self.calendar().is_paused(today),
            "/pause",
            "missing",
            "must name the pause to come that is taken back: none is running",
        );
        let start = self.planned()?.start;
        let on = happened_on(checks, "/resumed_on", input.resumed_on, today, Some(start));
        checks.require(
            on >= today || self.calendar().counted_days(on, today) == 0,
            "/resumed_on",
            "not_paused",
            "must be today or a day before it, from which on all days are paused",
        );
        Ok(on)
    }

    /// Where the pause stands that is named and is to come.
    fn pause_ahead(
        &self,
        checks: &mut Checks,
        number: usize,
        input: &ResumeInput,
        today: NaiveDate,
    ) -> Option<usize> {
        const POINTER: &str = "/pause";
        checks.require(
            input.resumed_on.is_none(),
            "/resumed_on",
            "not_settable",
            "must be absent: a pause that is to come is taken back whole",
        );
        let at = number.checked_sub(1);
        let Some(pause) = at.and_then(|at| self.pauses.get(at)) else {
            checks.fail(POINTER, "unknown", "must be the number of a pause, the first being 1");
            return None;
        };
        let is_ahead = pause.from > today && pause.until >= pause.from;
        checks.require(is_ahead, POINTER, "not_ahead", "must be a pause that is to come");
        at
    }

    /// What re-planning would do; of a completed one, to the steps that lie after its end.
    ///
    /// # Errors
    /// `Conflict` when it is neither under way nor completed.
    pub fn replan_preview(&self, today: NaiveDate) -> Result<ReplanPreview> {
        self.check_allows(AccompanimentOperation::Replan, today)?;
        self.planned()?.preview(self.id.0, self.version, self.moment())
    }

    /// Does what the preview showed.
    ///
    /// # Errors
    /// As [`Self::replan_preview`]; `Conflict` when the token is that of another preview, or when nothing
    /// would change.
    pub fn replanned(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        input: &ReplanInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::Replan, today)?;
        let plan = self.planned()?;
        let steps = plan.replanned_as_seen(self.id.0, self.version, self.moment(), input)?;
        Ok(Self { steps, ..self.next(now) })
    }

    /// What a pause, given or taken back, does to the dates: `to` is the accompaniment with it.
    #[must_use]
    pub fn preview_of(&self, to: &Self) -> PausePreview {
        let unmoved = Self { steps: self.steps.clone(), ..to.clone() };
        let end = |run: &Self| run.plan().and_then(|plan| plan.planned_end());
        PausePreview {
            version: self.version,
            paused_days: to.calendar().all_paused_days(),
            planned_end_from: end(self),
            planned_end_to: end(to),
            differences: unmoved
                .plan()
                .map(|plan| plan.calendar_differences(&self.calendar()))
                .unwrap_or_default(),
        }
    }

    /// The plan of one that is under way.
    pub(super) fn planned(&self) -> Result<Plan<'_>> {
        self.plan()
            .ok_or_else(|| Error::internal("an accompaniment is under way and did not start"))
    }

    /// With the dates that its pauses give, which were others before.
    fn moved_from(self, before: &Self) -> Self {
        let moved = self.plan().map(|plan| plan.moved_by_calendar(&before.calendar()));
        let steps: Vec<Step> = moved.unwrap_or_default();
        Self { steps, ..self }
    }
}
