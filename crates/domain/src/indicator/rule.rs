//! The rule of an indicator: which records, and what of them is counted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::check::Checks;
use crate::code::{Code, codes};
use crate::event_statistics::{EventDimension, EventFigures};
use crate::programme_statistics::ProgrammeFigures;
use crate::statistics::{Condition, Dimension, Figure, Figures, Unit};

const MAX_CONDITIONS: usize = 10;
const MAX_CODES: usize = 100;

codes! {
    /// The columns of the figures of events.
    "event_figure" EventFigure {
        Events, Participations, OfCompanies, OfActors, Unnamed, Organisations, Companies, Actors,
    }
}

codes! {
    /// Columns of the figures of accompaniments and recruitment cases.
    "programme_figure" ProgrammeFigure {
        Started, Completed, CompletedOnTime, EndedEarly, Hires, CasesOpened,
    }
}

codes! {
    "indicator_unit" IndicatorUnit {
        Consultations, Organisations, Minutes, Events, Participations, Accompaniments,
        RecruitmentCases,
    }
}

codes! {
    /// What a carrier (Träger) has agreed with its funder and the program cannot know.
    "carrier_setting" CarrierSetting {
        /// Chambers count as public administration.
        ChambersArePublic,
    }
}

/// What a rule counts besides, for the records of carriers that have the setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndicatorSetting {
    pub setting: CarrierSetting,
    /// One of the dimensions of the conditions.
    pub dimension: Dimension,
    /// These count too.
    pub codes: Vec<String>,
}

/// Which records, and what of them is counted. All conditions must hold; of one any of its codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "subject", rename_all = "snake_case", deny_unknown_fields)]
pub enum IndicatorRule {
    Consultations {
        figure: Figure,
        #[serde(default)]
        #[schema(max_items = 10)]
        conditions: Vec<Condition<Dimension>>,
        #[serde(default)]
        settings: Vec<IndicatorSetting>,
    },
    Events {
        figure: EventFigure,
        #[serde(default)]
        #[schema(max_items = 10)]
        conditions: Vec<Condition<EventDimension>>,
    },
    Programmes {
        figure: ProgrammeFigure,
    },
}

impl IndicatorRule {
    #[must_use]
    pub fn unit(&self) -> IndicatorUnit {
        match self {
            Self::Consultations { figure, .. } => match figure.unit() {
                Unit::Consultations => IndicatorUnit::Consultations,
                Unit::Organisations => IndicatorUnit::Organisations,
                Unit::Minutes => IndicatorUnit::Minutes,
            },
            Self::Events { figure, .. } => match figure {
                EventFigure::Events => IndicatorUnit::Events,
                EventFigure::Participations
                | EventFigure::OfCompanies
                | EventFigure::OfActors
                | EventFigure::Unnamed => IndicatorUnit::Participations,
                EventFigure::Organisations | EventFigure::Companies | EventFigure::Actors => {
                    IndicatorUnit::Organisations
                }
            },
            Self::Programmes { figure } => match figure {
                ProgrammeFigure::Hires | ProgrammeFigure::CasesOpened => {
                    IndicatorUnit::RecruitmentCases
                }
                _ => IndicatorUnit::Accompaniments,
            },
        }
    }

    #[must_use]
    pub fn distinct_key(&self) -> &'static str {
        match self.unit() {
            IndicatorUnit::Organisations => "organisation_id",
            _ => "id",
        }
    }

    #[must_use]
    pub fn date_field(&self) -> &'static str {
        match self {
            Self::Consultations { .. } => "held_on",
            Self::Events { .. } => "starts_on",
            Self::Programmes { figure: ProgrammeFigure::CasesOpened } => "opened_on",
            Self::Programmes { .. } => "started_on",
        }
    }

    /// Whether windows may be summed: an organisation is advised in several, and new in one.
    #[must_use]
    pub fn is_additive(&self) -> bool {
        self.unit() != IndicatorUnit::Organisations
            || matches!(self, Self::Consultations { figure: Figure::NewOrganisations, .. })
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        match self {
            Self::Consultations { conditions, settings, .. } => {
                check_conditions(checks, conditions);
                for (at, setting) in settings.iter().enumerate() {
                    checks.require(
                        conditions.iter().any(|it| it.dimension == setting.dimension),
                        &format!("/rule/settings/{at}/dimension"),
                        "without_condition",
                        "must be the dimension of one of the conditions",
                    );
                }
            }
            Self::Events { conditions, .. } => check_conditions(checks, conditions),
            Self::Programmes { .. } => {}
        }
    }
}

fn check_conditions<D: Code + PartialEq>(checks: &mut Checks, conditions: &[Condition<D>]) {
    checks.require(
        conditions.len() <= MAX_CONDITIONS,
        "/rule/conditions",
        "too_many",
        "must be at most 10",
    );
    for (at, condition) in conditions.iter().enumerate().take(MAX_CONDITIONS) {
        let pointer = format!("/rule/conditions/{at}");
        let before = &conditions[..at];
        checks.require(
            before.iter().all(|other| other.dimension != condition.dimension),
            &format!("{pointer}/dimension"),
            "repeated",
            "must not be that of another condition; give it all codes",
        );
        checks.require(
            (1..=MAX_CODES).contains(&condition.codes.len()),
            &format!("{pointer}/codes"),
            "out_of_range",
            "must be 1 to 100",
        );
        let is_word = |code: &Option<String>| {
            code.as_ref().is_none_or(|code| {
                (1..=100).contains(&code.len())
                    && code.chars().all(|c| c.is_ascii_alphanumeric() || "_-:.".contains(c))
            })
        };
        checks.require(
            condition.codes.iter().all(is_word),
            &format!("{pointer}/codes"),
            "not_a_code",
            "must be codes as groups of figures have them, or null for no value",
        );
    }
}

impl Figure {
    #[must_use]
    pub fn of(self, figures: &Figures) -> i64 {
        match self {
            Self::Consultations => figures.consultations,
            Self::FirstConsultations => figures.first_consultations,
            Self::FollowUpConsultations => figures.follow_up_consultations,
            Self::ShortInformation => figures.short_information,
            Self::AnonymousConsultations => figures.anonymous_consultations,
            Self::Organisations => figures.organisations,
            Self::Companies => figures.companies,
            Self::Actors => figures.actors,
            Self::NewOrganisations => figures.new_organisations,
            Self::Minutes => figures.minutes,
            Self::PreparationMinutes => figures.preparation_minutes,
        }
    }
}

impl EventFigure {
    #[must_use]
    pub fn of(self, figures: &EventFigures) -> i64 {
        match self {
            Self::Events => figures.events,
            Self::Participations => figures.participations,
            Self::OfCompanies => figures.of_companies,
            Self::OfActors => figures.of_actors,
            Self::Unnamed => figures.unnamed,
            Self::Organisations => figures.organisations,
            Self::Companies => figures.companies,
            Self::Actors => figures.actors,
        }
    }
}

impl ProgrammeFigure {
    #[must_use]
    pub fn of(self, figures: &ProgrammeFigures) -> i64 {
        match self {
            Self::Started => figures.started,
            Self::Completed => figures.completed,
            Self::CompletedOnTime => figures.completed_on_time,
            Self::EndedEarly => figures.ended_early,
            Self::Hires => figures.hires,
            Self::CasesOpened => figures.cases.values().map(|cases| cases.opened).sum(),
        }
    }
}
