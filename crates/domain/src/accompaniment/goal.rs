//! Goals: agreed with the company (Zielvereinbarung), measured at the end.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Accompaniment, AccompanimentOperation};
use crate::check::Checks;
use crate::code::codes;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::policy::Actor;

pub const MAX_GOALS: usize = 20;

codes! {
    "goal_achievement" GoalAchievement { Achieved, Partly, NotAchieved }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Two vacancies filled", "measure": "Contracts signed"}))]
pub struct GoalInput {
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// How it is told whether it was reached.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub measure: Option<String>,
}

/// What was reached of a goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalResult {
    pub achievement: GoalAchievement,
    #[schema(required)]
    pub note: Option<String>,
    pub by: Reference,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Goal {
    /// From 1 on.
    pub number: u32,
    pub title: String,
    #[schema(required)]
    pub measure: Option<String>,
    #[schema(required)]
    pub result: Option<GoalResult>,
}

/// Replaces the goals that were agreed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"goals": [{"title": "Two vacancies filled", "measure": "Contracts signed"}]}))]
pub struct GoalsInput {
    #[schema(max_items = 20)]
    pub goals: Vec<GoalInput>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalMeasureInput {
    /// Number of the goal.
    pub number: u32,
    pub achievement: GoalAchievement,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"results": [{"number": 1, "achievement": "partly", "note": "One of two."}]}))]
pub struct MeasureGoalsInput {
    #[schema(min_items = 1, max_items = 20)]
    pub results: Vec<GoalMeasureInput>,
}

pub(super) fn checked(checks: &mut Checks, goals: &[GoalInput]) -> Vec<Goal> {
    let message = &format!("must be at most {MAX_GOALS}");
    checks.require(goals.len() <= MAX_GOALS, "/goals", "too_many", message);
    (1..)
        .zip(goals.iter().take(MAX_GOALS))
        .enumerate()
        .map(|(at, (number, goal))| {
            let pointer = format!("/goals/{at}");
            let measure = goal.measure.as_deref();
            Goal {
                number,
                title: checks.line(&format!("{pointer}/title"), &goal.title, 200),
                measure: checks.optional_line(&format!("{pointer}/measure"), measure, 500),
                result: None,
            }
        })
        .collect()
}

impl Accompaniment {
    /// A goal that stays as it is keeps its result.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when it is not agreed or is over.
    pub fn with_goals(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        input: &GoalsInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::SetGoals, today)?;
        let mut checks = Checks::new();
        let mut goals = checked(&mut checks, &input.goals);
        checks.finish()?;
        for goal in &mut goals {
            let same = |old: &&Goal| (&old.title, &old.measure) == (&goal.title, &goal.measure);
            goal.result = self.goals.iter().find(same).and_then(|old| old.result.clone());
        }
        Ok(Self { goals, ..self.next(now) })
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it is not under way, or no goals were agreed.
    pub fn with_goals_measured(
        &self,
        now: DateTime<Utc>,
        today: NaiveDate,
        actor: &Actor,
        input: &MeasureGoalsInput,
    ) -> Result<Self> {
        self.check_allows(AccompanimentOperation::MeasureGoals, today)?;
        if self.goals.is_empty() {
            return Err(Error::conflict("no_goals", "No goals were agreed; possible: set_goals."));
        }
        let mut checks = Checks::new();
        let mut goals = self.goals.clone();
        let mut seen = HashSet::new();
        checks.require(!input.results.is_empty(), "/results", "too_few", "must be one at least");
        for (at, measured) in input.results.iter().enumerate() {
            let pointer = format!("/results/{at}/number");
            checks.require(
                seen.insert(measured.number),
                &pointer,
                "repeated",
                "must be named once",
            );
            let note_pointer = format!("/results/{at}/note");
            let note = checks.optional_prose(&note_pointer, measured.note.as_deref(), 2000);
            match goals.iter_mut().find(|goal| goal.number == measured.number) {
                None => checks.fail(pointer, "unknown", "must be the number of a goal"),
                Some(goal) => {
                    goal.result = Some(GoalResult {
                        achievement: measured.achievement,
                        note,
                        by: actor.reference(),
                        at: now,
                    });
                }
            }
        }
        checks.finish()?;
        Ok(Self { goals, ..self.next(now) })
    }
}
