//! Worklist (Arbeitsliste): what waits for somebody, with what matters most on top.

use std::str::FromStr;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::entity::Reference;
use crate::error::Result;
use crate::id::UserId;
use crate::organisation::OrganisationReference;
use crate::policy::{Action, Actor, Role};
use crate::programme_template::StepOwner;
use crate::referral::Referral;
use crate::task::{Task, TaskPriority};

/// How many days ahead tasks are on the list, unless told.
pub const DAYS_AHEAD: u32 = 7;

/// The longest times that can be asked for.
const MAX_DAYS_AHEAD: u32 = 366;
const MAX_QUIET_DAYS: u32 = 3660;

codes! {
    /// In the order of the list.
    "worklist_kind" WorklistKind {
        /// A step of an accompaniment or a recruitment case that was to be done before today.
        OverdueMilestone,
        /// Of high priority first.
        OverdueTask,
        /// A step of an accompaniment or a recruitment case, today or in the days ahead.
        DueMilestone,
        /// Today or in the days ahead; of high priority first.
        DueTask,
        /// Whose answer is due today or was before.
        UnansweredReferral,
        /// Advised in a period that is not closed, and something is missing that its report needs.
        Gap,
        /// Advised in a period that is not closed, and not since some time.
        QuietOrganisation,
    }
}

impl WorklistKind {
    /// What a caller must be allowed to do to see entries of this kind.
    #[must_use]
    pub fn permission(self) -> Action {
        match self {
            Self::OverdueMilestone | Self::DueMilestone => Action::ReadAccompaniments,
            Self::OverdueTask | Self::DueTask => Action::ReadTasks,
            Self::UnansweredReferral => Action::ReadReferrals,
            Self::Gap | Self::QuietOrganisation => Action::ReadConsultations,
        }
    }
}

codes! {
    /// What figures are grouped by and an organisation does not have: `district`, when consultations with it have
    /// none.
    "worklist_gap" Gap { Industry, SizeClass, District }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WorklistFilter {
    pub kind: Option<WorklistKind>,
    /// Whose list: the caller's own unless told. Another user's is part of everybody's, to stand in for somebody
    /// who is away.
    pub user_id: Option<UserId>,
    /// Everybody's of the carrier; what an API key reads unless told.
    pub everybody: Option<bool>,
    /// Tasks and milestones due this many days ahead, 0 to 366.
    #[param(minimum = 0, maximum = 366, default = 7)]
    pub days_ahead: Option<u32>,
    /// Days without a consultation after which an organisation is on the list, 1 to 3660; as the
    /// installation is set unless told (`quiet_days`, 180).
    #[param(minimum = 1, maximum = 3660)]
    pub quiet_days: Option<u32>,
}

/// Whose entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Everybody,
    User(UserId),
}

/// What the list is asked for, as dates.
#[derive(Clone, Copy, Debug)]
pub struct WorklistQuery {
    pub whose: Whose,
    /// Also organisations whose last adviser works for the carrier no more: nobody else has them on a list.
    pub left_behind: bool,
    pub today: NaiveDate,
    /// The last day of tasks and milestones ahead.
    pub ahead: NaiveDate,
    /// Organisations whose latest consultation was before this day are quiet.
    pub quiet_before: NaiveDate,
    /// Where the earliest period begins that is not closed.
    pub open_from: Option<NaiveDate>,
}

impl WorklistFilter {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn query(
        &self,
        actor: &Actor,
        today: NaiveDate,
        quiet_days: u32,
        open_from: Option<NaiveDate>,
    ) -> Result<WorklistQuery> {
        let ahead = self.days_ahead.unwrap_or(DAYS_AHEAD);
        let quiet = self.quiet_days.unwrap_or(quiet_days);
        let mut checks = Checks::new();
        checks.require(
            ahead <= MAX_DAYS_AHEAD,
            "days_ahead",
            "out_of_range",
            "must be between 0 and 366",
        );
        checks.require(
            (1..=MAX_QUIET_DAYS).contains(&quiet),
            "quiet_days",
            "out_of_range",
            "must be between 1 and 3660",
        );
        checks.require(
            self.user_id.is_none() || self.everybody != Some(true),
            "everybody",
            "several_users",
            "must be absent when user_id is given",
        );
        checks.finish()?;
        let everybody = self.everybody.unwrap_or(actor.role == Role::Integration);
        let whose = match self.user_id {
            Some(user) => Whose::User(user),
            None if everybody => Whose::Everybody,
            None => Whose::User(actor.user_id),
        };
        let own = whose == Whose::User(actor.user_id);
        Ok(WorklistQuery {
            whose,
            left_behind: own && actor.role == Role::Manager,
            today,
            ahead: today.checked_add_days(Days::new(ahead.into())).unwrap_or(NaiveDate::MAX),
            quiet_before: today.checked_sub_days(Days::new(quiet.into())).unwrap_or(NaiveDate::MIN),
            open_from,
        })
    }
}

/// Part of the list, in its order. Within one, the earliest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    OverdueMilestones,
    OverdueHigh,
    Overdue,
    DueMilestones,
    DueHigh,
    Due,
    Unanswered,
    Gaps,
    Quiet,
}

impl Section {
    pub const ALL: [Self; 9] = [
        Self::OverdueMilestones,
        Self::OverdueHigh,
        Self::Overdue,
        Self::DueMilestones,
        Self::DueHigh,
        Self::Due,
        Self::Unanswered,
        Self::Gaps,
        Self::Quiet,
    ];

    #[must_use]
    pub fn kind(self) -> WorklistKind {
        match self {
            Self::OverdueMilestones => WorklistKind::OverdueMilestone,
            Self::DueMilestones => WorklistKind::DueMilestone,
            Self::OverdueHigh | Self::Overdue => WorklistKind::OverdueTask,
            Self::DueHigh | Self::Due => WorklistKind::DueTask,
            Self::Unanswered => WorklistKind::UnansweredReferral,
            Self::Gaps => WorklistKind::Gap,
            Self::Quiet => WorklistKind::QuietOrganisation,
        }
    }
}

/// Where in the list an entry stands: a cursor keeps it as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub section: Section,
    pub on: NaiveDate,
    /// Which one of a record that several entries are of: of a plan, the position of the step.
    pub position: i32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.section as usize, self.on, self.position)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let mut parts = text.splitn(3, ' ');
        let mut part = || parts.next().ok_or(());
        let (section, on, position) = (part()?, part()?, part()?);
        let section: usize = section.parse().map_err(|_| ())?;
        let section = *Section::ALL.get(section).ok_or(())?;
        // As it was written, so that a forged one cannot name a day that no database knows.
        let day: NaiveDate = on.parse().map_err(|_| ())?;
        let position = position.parse().map_err(|_| ())?;
        if on.len() == 10 { Ok(Self { section, on: day, position }) } else { Err(()) }
    }
}

/// An organisation that something is missing of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorklistGap {
    pub missing: Vec<Gap>,
    /// How many held consultations in periods that are not closed it takes along.
    pub consultations: i64,
}

codes! {
    "milestone_of" MilestoneOf { Accompaniment, RecruitmentCase }
}

/// A step of an accompaniment or a recruitment case that somebody is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Milestone {
    /// What the entry's `id` is of.
    pub of: MilestoneOf,
    /// The pseudonym of the candidate, to tell cases of one company apart; null for an accompaniment.
    #[schema(required, example = "K-2026-014")]
    pub candidate_reference: Option<String>,
    #[schema(example = "midterm_review")]
    pub code: String,
    pub title_de: String,
    pub title_en: String,
    pub owner: StepOwner,
    pub mandatory: bool,
    /// Its place in the plan, from 0.
    pub position: i32,
}

/// A milestone with the accompaniment or the case that it is of.
#[derive(Clone, Debug)]
pub struct Awaited {
    pub record: Uuid,
    pub on: NaiveDate,
    pub company: OrganisationReference,
    pub lead: Reference,
    pub milestone: Milestone,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorklistEntry {
    pub kind: WorklistKind,
    /// When the task, the step or the answer is due; of an organisation, when it was advised last.
    pub on: NaiveDate,
    /// Days from then until today; negative for what lies ahead.
    pub days: i64,
    /// Of the task, the accompaniment, the recruitment case, the referral or the organisation.
    pub id: Uuid,
    /// What it is about; null for a task about none.
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    /// Whose it is: the owner, the lead, or the leading adviser of the latest consultation.
    pub user: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milestone: Option<Milestone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<Referral>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<WorklistGap>,
}

/// Something about an organisation, with its latest consultation.
#[derive(Clone, Debug)]
pub struct Advised {
    pub organisation: OrganisationReference,
    pub held_on: NaiveDate,
    pub adviser: Reference,
    pub gap: Option<WorklistGap>,
}

impl WorklistEntry {
    #[must_use]
    pub fn task(kind: WorklistKind, today: NaiveDate, task: Task) -> Self {
        Self {
            kind,
            on: task.due_on,
            days: (today - task.due_on).num_days(),
            id: task.id.0,
            organisation: task.organisation.clone(),
            user: task.owner.clone(),
            task: Some(task),
            milestone: None,
            referral: None,
            gap: None,
        }
    }

    #[must_use]
    pub fn milestone(kind: WorklistKind, today: NaiveDate, awaited: Awaited) -> Self {
        Self {
            kind,
            on: awaited.on,
            days: (today - awaited.on).num_days(),
            id: awaited.record,
            organisation: Some(awaited.company),
            user: awaited.lead,
            task: None,
            milestone: Some(awaited.milestone),
            referral: None,
            gap: None,
        }
    }

    #[must_use]
    pub fn place(&self) -> Place {
        let high = self.task.as_ref().is_some_and(|task| task.priority == TaskPriority::High);
        let section = match self.kind {
            WorklistKind::OverdueMilestone => Section::OverdueMilestones,
            WorklistKind::DueMilestone => Section::DueMilestones,
            WorklistKind::OverdueTask if high => Section::OverdueHigh,
            WorklistKind::OverdueTask => Section::Overdue,
            WorklistKind::DueTask if high => Section::DueHigh,
            WorklistKind::DueTask => Section::Due,
            WorklistKind::UnansweredReferral => Section::Unanswered,
            WorklistKind::Gap => Section::Gaps,
            WorklistKind::QuietOrganisation => Section::Quiet,
        };
        let position = self.milestone.as_ref().map_or(0, |milestone| milestone.position);
        Place { section, on: self.on, position }
    }

    #[must_use]
    pub fn referral(today: NaiveDate, referral: Referral) -> Self {
        Self {
            kind: WorklistKind::UnansweredReferral,
            on: referral.answer_due_on,
            days: (today - referral.answer_due_on).num_days(),
            id: referral.id.0,
            organisation: Some(referral.organisation.clone()),
            user: referral.owner.clone(),
            task: None,
            milestone: None,
            referral: Some(referral),
            gap: None,
        }
    }

    #[must_use]
    pub fn organisation(kind: WorklistKind, today: NaiveDate, advised: Advised) -> Self {
        Self {
            kind,
            on: advised.held_on,
            days: (today - advised.held_on).num_days(),
            id: advised.organisation.id.0,
            organisation: Some(advised.organisation),
            user: advised.adviser,
            task: None,
            milestone: None,
            referral: None,
            gap: advised.gap,
        }
    }
}

/// How many entries of a kind there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorklistCount {
    pub kind: WorklistKind,
    pub count: i64,
}

/// A page of the list, with how much there is of each kind in all.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Worklist {
    /// Of every kind that the caller may see, also of those that the filter leaves out. On the first page only;
    /// null with a cursor, since it would be counted anew with every page.
    #[schema(required)]
    pub counts: Option<Vec<WorklistCount>>,
    pub items: Vec<WorklistEntry>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_as_text() {
        let on = "2026-03-16".parse().unwrap();
        let place = Place { section: Section::Gaps, on, position: 7 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for forged in [
            "",
            "5",
            "5 2026-03-16",
            "9 2026-03-16 0",
            "x 2026-03-16 0",
            "5 +12026-03-16 0",
            "5 2026-3-16 0",
            "-1 2026-03-16 0",
            "5 2026-03-16 x",
        ] {
            assert_eq!(forged.parse::<Place>(), Err(()), "{forged}");
        }
    }
}
