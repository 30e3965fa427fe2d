//! Whether a funding period can be closed: what is missing or contradictory, where, whose it is, and which
//! figures each gap would change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::{Code, codes};
use crate::code_list::{label_de, label_en};
use crate::entity::Reference;
use crate::funding_period::FundingPeriodStatus;
use crate::statistics::FigureScope;

codes! {
    "readiness_gap" ReadinessGap {
        /// Held consultations of companies whose size class was not known.
        WithoutSizeClass,
        /// Held consultations of companies without an industry.
        WithoutIndustry,
        /// Held consultations of organisations without a district.
        WithoutDistrict,
        /// Consultations led by somebody who has no site today.
        AdviserWithoutSite,
        /// Events whose day has passed and that are neither held nor cancelled.
        EventStillPlanned,
        /// Held events of which nobody's attendance was recorded.
        EventWithoutAttendance,
        /// Accompaniments that started in the period and are under way.
        AccompanimentWithoutEnd,
        /// Tasks about consultations of the period that are open.
        FollowUpOpen,
    }
}

impl ReadinessGap {
    /// The figures, dimensions and indicators that closing it would change.
    #[must_use]
    pub fn changes(self) -> &'static [&'static str] {
        match self {
            Self::WithoutSizeClass => &[
                "size_class",
                "first_size_class",
                "eeco19",
                "large_companies",
                "companies_without_class",
            ],
            Self::WithoutIndustry => &["section"],
            Self::WithoutDistrict => &["district"],
            Self::AdviserWithoutSite | Self::FollowUpOpen => &[],
            Self::EventStillPlanned => &["events", "round_tables", "conferences"],
            Self::EventWithoutAttendance => &["participations", "events.organisations"],
            Self::AccompanimentWithoutEnd => &[
                "completed",
                "completed_on_time",
                "ended_early",
                "hires",
                "accompaniments_completed",
            ],
        }
    }
}

/// How many gaps of a kind there are at a site, of an adviser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadinessCount {
    pub site: Reference,
    /// Who leads the consultation or the accompaniment, owns the task, or recorded the event.
    pub adviser: Reference,
    pub count: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadinessItem {
    pub gap: ReadinessGap,
    pub label_de: String,
    pub label_en: String,
    pub count: i64,
    /// Figures, dimensions and indicators that closing the gap would change; none for what only wants doing.
    #[schema(example = json!(["size_class", "first_size_class", "eeco19"]))]
    pub changes: Vec<String>,
    /// By site and adviser.
    pub counts: Vec<ReadinessCount>,
}

impl ReadinessItem {
    #[must_use]
    pub fn new(gap: ReadinessGap, counts: Vec<ReadinessCount>) -> Self {
        Self {
            gap,
            label_de: label_de(ReadinessGap::SET, gap.code()).to_owned(),
            label_en: label_en(ReadinessGap::SET, gap.code()).to_owned(),
            count: counts.iter().map(|it| it.count).sum(),
            changes: gap.changes().iter().map(|it| (*it).to_owned()).collect(),
            counts,
        }
    }
}

/// Whether a period can be closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    pub period: Reference,
    pub status: FundingPeriodStatus,
    pub scope: FigureScope,
    /// Whether nothing is missing that a figure depends on.
    pub ready: bool,
    /// Every kind of gap, also those of which there are none.
    pub items: Vec<ReadinessItem>,
}
