//! The board (Übersicht): what is under way, by phase, at a glance.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Accompaniment, AccompanimentStatus};
use crate::entity::Reference;
use crate::id::{AccompanimentId, SiteId, UserId};
use crate::plan::{NextStep, Phase, Progress, Track, TrackReason};

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BoardFilter {
    pub site_id: Option<SiteId>,
    pub lead_id: Option<UserId>,
    /// Those that the caller leads or stands in for.
    pub mine: Option<bool>,
    pub track: Option<Track>,
}

/// What is under way on a day, by the phase that it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Board {
    pub on: NaiveDate,
    /// In the order of the programme; those in which nothing is are left out.
    pub phases: Vec<BoardPhase>,
}

/// A phase with the accompaniments that are in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardPhase {
    #[schema(example = "needs_analysis")]
    pub code: String,
    pub label_de: String,
    pub label_en: String,
    /// The furthest first.
    pub accompaniments: Vec<BoardRow>,
}

/// An accompaniment that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardRow {
    pub id: AccompanimentId,
    pub company: Reference,
    pub site: Reference,
    pub lead: Reference,
    #[schema(required)]
    pub deputy: Option<Reference>,
    pub status: AccompanimentStatus,
    pub started_on: NaiveDate,
    /// N of "day N of 100".
    pub day: i64,
    pub duration_days: u32,
    #[schema(required)]
    pub planned_end_on: Option<NaiveDate>,
    #[schema(required)]
    pub paused_until: Option<NaiveDate>,
    pub progress: Progress,
    pub track: Track,
    pub track_reasons: Vec<TrackReason>,
    #[schema(required)]
    pub next_step: Option<NextStep>,
    pub version: i64,
}

/// Puts runs on a board, one after the other.
#[derive(Debug)]
pub struct BoardMaker {
    on: NaiveDate,
    track: Option<Track>,
    /// By the first day of a phase, so that phases of several templates stand in one order.
    phases: BTreeMap<(Option<u32>, String), BoardPhase>,
}

impl BoardMaker {
    /// `track` leaves out what stands otherwise.
    #[must_use]
    pub fn new(on: NaiveDate, track: Option<Track>) -> Self {
        Self { on, track, phases: BTreeMap::new() }
    }

    /// Leaves out what is not under way.
    pub fn add(&mut self, run: &Accompaniment) {
        let Some(row) = run.board_row(self.on) else { return };
        let Some(phase) = run.phase_on_day(row.day) else { return };
        if self.track.is_none_or(|track| track == row.track) {
            let key = (phase.from_day, phase.code.clone());
            self.phases.entry(key).or_insert_with(|| phase.into()).accompaniments.push(row);
        }
    }

    #[must_use]
    pub fn board(self) -> Board {
        let mut phases: Vec<BoardPhase> = self.phases.into_values().collect();
        for phase in &mut phases {
            phase.accompaniments.sort_by_key(|row| (Reverse(row.day), row.id));
        }
        Board { on: self.on, phases }
    }
}

/// Without accompaniments.
impl From<&Phase> for BoardPhase {
    fn from(phase: &Phase) -> Self {
        Self {
            code: phase.code.clone(),
            label_de: phase.label_de.clone(),
            label_en: phase.label_en.clone(),
            accompaniments: Vec::new(),
        }
    }
}

impl Accompaniment {
    /// The phase that a day of the programme lies in; the last one after its end.
    fn phase_on_day(&self, day: i64) -> Option<&Phase> {
        let begun = |phase: &&Phase| phase.from_day.is_some_and(|from| i64::from(from) <= day);
        self.phases.iter().rfind(begun).or(self.phases.first())
    }

    /// None when it is not under way.
    #[must_use]
    pub fn board_row(&self, today: NaiveDate) -> Option<BoardRow> {
        let state = self.state_on(today);
        let plan = state.plan.filter(|_| self.is_open())?;
        Some(BoardRow {
            id: self.id,
            company: self.company.clone(),
            site: self.site.clone(),
            lead: self.lead.clone(),
            deputy: self.deputy.clone(),
            status: state.status,
            started_on: self.started_on?,
            day: state.day?,
            duration_days: self.duration_days,
            planned_end_on: state.planned_end_on,
            paused_until: state.paused_until,
            progress: plan.progress,
            track: plan.track,
            track_reasons: plan.track_reasons,
            next_step: plan.next_step,
            version: self.version,
        })
    }
}
