//! The dates of a plan: first planning, and re-planning with the difference shown first.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Moment, Plan, Step, StepName};
use crate::calendar::{Calendar, HolidayName};
use crate::code::codes;
use crate::due_rule::{Due, DueAnchor, DueRule, DueUnit};
use crate::error::{Error, Result};
use crate::programme_template::LimitKind;

codes! {
    /// What gives a step another date than it has.
    "replan_cause" ReplanCause {
        /// The step that it runs from was done on another day than planned.
        AnchorDone,
        /// The step that it runs from was waived, so it runs from what that one ran from.
        AnchorWaived,
        /// The step that it runs from is planned for another day.
        AnchorMoved,
        /// Other days are paused, or holidays, than when it was planned.
        Calendar,
    }
}

/// How a date came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    pub anchor: DueAnchor,
    /// The step that it runs from.
    #[schema(required)]
    pub step: Option<StepName>,
    /// What it runs from.
    pub anchor_on: NaiveDate,
    pub offset: u32,
    pub unit: DueUnit,
    /// Paused days that were left out. With the anchor `phase_start` also those before the phase, which
    /// moved its first day.
    pub paused_days: i64,
    /// The weekend day or holiday that it moved from to the next working day.
    #[schema(required)]
    pub rolled_from: Option<NaiveDate>,
    /// Null for a weekend.
    #[schema(required)]
    pub holiday: Option<HolidayName>,
    /// Whether the step that it runs from has not been done, so that it is a forecast.
    pub provisional: bool,
}

/// One step that re-planning gives another date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    pub step: StepName,
    #[schema(required)]
    pub from: Option<NaiveDate>,
    /// Null when what it runs from has no date any more.
    #[schema(required)]
    pub to: Option<NaiveDate>,
    /// Calendar days from the one to the other.
    #[schema(required)]
    pub days: Option<i64>,
    pub cause: ReplanCause,
    /// How the new date came about.
    #[schema(required)]
    pub because: Option<Explanation>,
}

/// What re-planning would do, step by step, and the token that does exactly that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplanPreview {
    /// The version that it was computed from.
    pub version: i64,
    pub differences: Vec<Difference>,
    pub token: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "6pJqCzRzHV8mMmd0fH8d0o9cYAbxDgPd3x0mM2b4a1M"}))]
pub struct ReplanInput {
    /// That of the preview.
    pub token: String,
}

/// A date by its rule.
#[derive(Clone, Debug)]
pub(super) struct ByRule {
    pub due: Due,
    pub anchor_on: NaiveDate,
    /// What it runs from happened, so that a limit runs.
    pub happened: bool,
    /// It is a forecast, which nobody is late by.
    pub provisional: bool,
    /// Where a limit ends that the law or what is usual sets. A limit runs from an event; where that was
    /// waived there will be none, and the date is one's own plan.
    pub limit_on: Option<NaiveDate>,
}

/// What a period runs from.
struct Origin {
    on: NaiveDate,
    happened: bool,
    provisional: bool,
    waived: bool,
}

/// The dates that the rules of all steps give, from what was recorded. Those of steps that do not move are
/// here too: it is what the law says of them, whatever was planned.
pub(super) struct Schedule<'a> {
    plan: &'a Plan<'a>,
    /// By the position of the step.
    found: Vec<Option<ByRule>>,
}

impl<'a> Schedule<'a> {
    pub fn of(plan: &'a Plan<'a>) -> Self {
        let mut schedule = Self { plan, found: vec![None; plan.steps.len()] };
        let mut begun = vec![false; plan.steps.len()];
        for at in 0..plan.steps.len() {
            schedule.find(at, &mut begun);
        }
        schedule
    }

    pub fn by_rule(&self, at: usize) -> Option<&ByRule> {
        self.found.get(at)?.as_ref()
    }

    /// The day that a step has, or gets by re-planning.
    pub fn on(&self, at: usize) -> Option<NaiveDate> {
        let step = self.plan.steps.get(at)?;
        if step.moves() { self.by_rule(at).map(|found| found.due.on) } else { step.due_on() }
    }

    fn find(&mut self, at: usize, begun: &mut [bool]) {
        // A template with a cycle is refused; if there is one all the same, its steps have no date.
        if begun[at] {
            return;
        }
        begun[at] = true;
        let plan = self.plan;
        let step = &plan.steps[at];
        let found = step.definition.due.as_ref().and_then(|rule| {
            let origin = self.origin(step, rule, begun)?;
            let due = rule.due(origin.on, &plan.calendar);
            let is_limit = step.definition.limit != LimitKind::Own && !origin.waived;
            // The law knows nothing of the pauses of a programme.
            let limit_on =
                is_limit.then(|| rule.due(origin.on, &plan.calendar.without_pauses()).on);
            Some(ByRule {
                limit_on,
                due,
                anchor_on: origin.on,
                happened: origin.happened,
                provisional: origin.provisional,
            })
        });
        self.found[at] = found;
    }

    /// Whether the day of an open step is no mere forecast: somebody set it, or it runs from what happened.
    fn is_settled(&self, at: usize) -> bool {
        self.plan.steps[at].overridden.is_some()
            || self.by_rule(at).is_some_and(|found| !found.provisional)
    }

    fn origin(&mut self, step: &Step, rule: &DueRule, begun: &mut [bool]) -> Option<Origin> {
        let plan = self.plan;
        let fixed = |on| Origin { on, happened: true, provisional: false, waived: false };
        Some(match rule.anchor {
            DueAnchor::Start => fixed(plan.start),
            DueAnchor::PhaseStart => {
                let phase = plan.phases.get(plan.phase_index(step)?)?;
                fixed(plan.date_of_day(phase.from_day?))
            }
            DueAnchor::Step => {
                let anchor = plan.position(rule.step.as_deref()?)?;
                self.find(anchor, begun);
                let other = &plan.steps[anchor];
                match (&other.done, &other.waived) {
                    (Some(done), _) => fixed(done.on),
                    // It takes no time: what it was to run from is what counts.
                    (None, Some(_)) => {
                        let passed_on = self.by_rule(anchor)?;
                        let (on, happened) = (passed_on.anchor_on, passed_on.happened);
                        Origin { on, happened, provisional: !happened, waived: true }
                    }
                    (None, None) => Origin {
                        on: self.on(anchor)?,
                        happened: false,
                        provisional: !(by_the_day_of(step, other) && self.is_settled(anchor)),
                        waived: false,
                    },
                }
            }
        })
    }
}

/// Whether a step is to be done by the very day of another one and need not come after it: then nobody can
/// wait for that one to be done, as with a notice that is due on the first day of work.
fn by_the_day_of(step: &Step, anchor: &Step) -> bool {
    step.definition.due.as_ref().is_some_and(|rule| rule.offset == 0)
        && !step.definition.after.contains(&anchor.definition.code)
}

impl Plan<'_> {
    /// The steps as they are first planned.
    #[must_use]
    pub fn begun(&self) -> Vec<Step> {
        let planned = self.replanned();
        planned.into_iter().map(|step| Step { baseline_on: step.planned_on, ..step }).collect()
    }

    /// The steps with the dates of today's facts. Done, waived and overridden ones stay as they are.
    #[must_use]
    pub fn replanned(&self) -> Vec<Step> {
        let moving: Vec<usize> =
            (0..self.steps.len()).filter(|at| self.steps[*at].moves()).collect();
        self.dated(&Schedule::of(self), &moving)
    }

    /// What re-planning would change of what is awaited, in the order of the steps.
    #[must_use]
    pub fn differences(&self, moment: Moment) -> Vec<Difference> {
        let schedule = Schedule::of(self);
        self.differences_of(&schedule, &self.outdated(&schedule, moment))
    }

    /// Places of the awaited steps that are planned for another day than their rules give.
    pub(super) fn outdated(&self, schedule: &Schedule, moment: Moment) -> Vec<usize> {
        let outdated = |at: usize| {
            let step = &self.steps[at];
            moment.awaits(step) && step.moves() && schedule.on(at) != step.planned_on
        };
        (0..self.steps.len()).filter(|at| outdated(*at)).collect()
    }

    /// With the dates that their rules give to some of the steps.
    fn dated(&self, schedule: &Schedule, places: &[usize]) -> Vec<Step> {
        let mut steps = self.steps.to_vec();
        for at in places {
            steps[*at].planned_on = schedule.on(*at);
        }
        steps
    }

    /// With the date that its rule gives a step, which nobody has moved with the others for some time.
    pub(super) fn with_dated(&self, code: &str) -> Vec<Step> {
        let at = self.position(code).filter(|at| self.steps[*at].moves());
        self.dated(&Schedule::of(self), at.as_slice())
    }

    fn differences_of(&self, schedule: &Schedule, places: &[usize]) -> Vec<Difference> {
        places
            .iter()
            .map(|at| {
                let step = &self.steps[*at];
                let (from, to) = (step.planned_on, schedule.on(*at));
                Difference {
                    step: step.name(),
                    from,
                    to,
                    days: from.zip(to).map(|(from, to)| (to - from).num_days()),
                    cause: self.cause(schedule, step),
                    because: self.explanation(schedule, *at),
                }
            })
            .collect()
    }

    /// Places of the steps that have another date by their rules than with the calendar of before, and are not
    /// planned for it. What is outdated for another reason is left to re-planning, where somebody decides.
    fn moved_since(&self, schedule: &Schedule, before: &Calendar) -> Vec<usize> {
        let plan_before = Plan { calendar: before.clone(), ..self.clone() };
        let schedule_before = Schedule::of(&plan_before);
        (0..self.steps.len())
            .filter(|at| self.steps[*at].moves())
            .filter(|at| schedule.on(*at) != schedule_before.on(*at))
            .filter(|at| schedule.on(*at) != self.steps[*at].planned_on)
            .collect()
    }

    /// The steps after other days are paused than before: those move that the pauses move.
    #[must_use]
    pub fn moved_by_calendar(&self, before: &Calendar) -> Vec<Step> {
        let schedule = Schedule::of(self);
        self.dated(&schedule, &self.moved_since(&schedule, before))
    }

    /// What [`Self::moved_by_calendar`] changes, in the order of the steps.
    #[must_use]
    pub fn calendar_differences(&self, before: &Calendar) -> Vec<Difference> {
        let schedule = Schedule::of(self);
        self.differences_of(&schedule, &self.moved_since(&schedule, before))
    }

    fn cause(&self, schedule: &Schedule, step: &Step) -> ReplanCause {
        let anchor = step.definition.due.as_ref().and_then(|rule| rule.step.as_deref());
        let Some(at) = anchor.and_then(|code| self.position(code)) else {
            return ReplanCause::Calendar;
        };
        let anchor = &self.steps[at];
        match &anchor.done {
            Some(done) if Some(done.on) != anchor.due_on() => ReplanCause::AnchorDone,
            None if anchor.waived.is_some() => ReplanCause::AnchorWaived,
            None if anchor.overridden.is_some() || schedule.on(at) != anchor.planned_on => {
                ReplanCause::AnchorMoved
            }
            // It was done when it was due, or is where it was; or it was done on another day and that was
            // taken back.
            _ if self.calendar.all_paused_days() > 0 => ReplanCause::Calendar,
            _ => ReplanCause::AnchorMoved,
        }
    }

    /// How the date of a step by its rule comes about.
    pub(super) fn explanation(&self, schedule: &Schedule, at: usize) -> Option<Explanation> {
        let rule = self.steps.get(at)?.definition.due.as_ref()?;
        let found = schedule.by_rule(at)?;
        let step = rule.step.as_deref().and_then(|code| self.position(code));
        let paused_days = match rule.anchor {
            DueAnchor::PhaseStart => self.calendar.paused_days(self.start, found.due.on),
            DueAnchor::Start | DueAnchor::Step => found.due.paused_days,
        };
        Some(Explanation {
            anchor: rule.anchor,
            step: step.map(|at| self.steps[at].name()),
            anchor_on: found.anchor_on,
            offset: rule.offset,
            unit: rule.unit,
            paused_days,
            rolled_from: found.due.rolled_from,
            holiday: found.due.holiday.clone(),
            provisional: found.provisional,
        })
    }

    /// # Errors
    /// `Internal` when the differences cannot be written as JSON.
    pub fn preview(&self, run: Uuid, version: i64, moment: Moment) -> Result<ReplanPreview> {
        let differences = self.differences(moment);
        let json = serde_json::to_vec(&(run, version, &differences))
            .map_err(|error| Error::Internal(error.into()))?;
        let token = URL_SAFE_NO_PAD.encode(Sha256::digest(json));
        Ok(ReplanPreview { version, differences, token })
    }

    /// Does what the preview showed.
    ///
    /// # Errors
    /// `Conflict` when the token is that of another preview, or nothing would change.
    pub fn replanned_as_seen(
        &self,
        run: Uuid,
        version: i64,
        moment: Moment,
        input: &ReplanInput,
    ) -> Result<Vec<Step>> {
        let preview = self.preview(run, version, moment)?;
        if preview.token != input.token {
            return Err(Error::conflict(
                "another_preview",
                "Re-planning would do something else than that preview showed; ask for a new one.",
            ));
        }
        if preview.differences.is_empty() {
            return Err(Error::conflict("nothing_to_replan", "All dates are right as they are."));
        }
        let schedule = Schedule::of(self);
        Ok(self.dated(&schedule, &self.outdated(&schedule, moment)))
    }
}
