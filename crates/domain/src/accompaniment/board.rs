//! The board (Übersicht): what is under way, at a glance.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Accompaniment, AccompanimentStatus};
use crate::entity::Reference;
use crate::id::{AccompanimentId, SiteId, UserId};
use crate::plan::{NextStep, Progress, Track, TrackReason};

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

impl Accompaniment {
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
