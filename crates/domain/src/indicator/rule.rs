//! The rule of an indicator: which records, and what of them is counted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actor::ActorType;
use crate::check::Checks;
use crate::code::{Code, codes};
use crate::consultation::{Channel, ConsultationKind};
use crate::event::EventKind;
use crate::event_statistics::{EventDimension, EventFigures};
use crate::organisation::OrganisationKind;
use crate::programme_statistics::ProgrammeFigures;
use crate::size_class::SizeClass;
use crate::statistics::{Condition, Dimension, Figure, Figures, Unit};
use crate::{country, industry, occupation};

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
                check_conditions(checks, conditions, is_value);
                checks.require(
                    settings.len() <= MAX_CONDITIONS,
                    "/rule/settings",
                    "too_many",
                    "must be at most 10",
                );
                for (at, setting) in settings.iter().enumerate() {
                    checks.require(
                        conditions.iter().any(|it| it.dimension == setting.dimension),
                        &format!("/rule/settings/{at}/dimension"),
                        "without_condition",
                        "must be the dimension of one of the conditions",
                    );
                    let pointer = format!("/rule/settings/{at}/codes");
                    let codes: Vec<Option<&str>> =
                        setting.codes.iter().map(|code| Some(code.as_str())).collect();
                    check_codes(checks, &pointer, &codes, |code| is_value(setting.dimension, code));
                }
            }
            Self::Events { conditions, .. } => {
                check_conditions(checks, conditions, is_value_of_events);
            }
            Self::Programmes { .. } => {}
        }
    }
}

fn check_conditions<D: Code + PartialEq + Copy>(
    checks: &mut Checks,
    conditions: &[Condition<D>],
    is_value: fn(D, &str) -> bool,
) {
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
        let codes: Vec<Option<&str>> = condition.codes.iter().map(Option::as_deref).collect();
        let pointer = format!("{pointer}/codes");
        check_codes(checks, &pointer, &codes, |code| is_value(condition.dimension, code));
    }
}

fn check_codes(
    checks: &mut Checks,
    pointer: &str,
    codes: &[Option<&str>],
    is_value: impl Fn(&str) -> bool,
) {
    checks.require(
        (1..=MAX_CODES).contains(&codes.len()),
        pointer,
        "out_of_range",
        "must be 1 to 100",
    );
    checks.require(
        codes.iter().all(|code| code.is_none_or(&is_value)),
        pointer,
        "not_a_code",
        "must be codes as groups of figures have them, or null for no value",
    );
}

/// Whether groups of figures can have the code. Topics, districts and what has an id are in the database; what
/// they look like is told here.
fn is_value(dimension: Dimension, code: &str) -> bool {
    match dimension {
        Dimension::Site | Dimension::Carrier => is_id(code),
        Dimension::District => is_district_key(code),
        Dimension::Month => is_month(code),
        Dimension::Quarter => is_quarter(code),
        Dimension::Year => is_year(code),
        Dimension::Kind => ConsultationKind::from_code(code).is_some(),
        Dimension::Channel => Channel::from_code(code).is_some(),
        Dimension::Topic => is_word(code),
        Dimension::SizeClass | Dimension::FirstSizeClass => SizeClass::from_code(code).is_some(),
        Dimension::Section => industry::section_of(code).is_some(),
        Dimension::OrganisationKind => OrganisationKind::from_code(code).is_some(),
        Dimension::ActorType | Dimension::FirstActorType => ActorType::from_code(code).is_some(),
        Dimension::Country => country::find(code).is_some(),
        Dimension::Occupation => code.len() == 2 && occupation::group(code).is_some(),
    }
}

fn is_value_of_events(dimension: EventDimension, code: &str) -> bool {
    match dimension {
        EventDimension::Kind => EventKind::from_code(code).is_some(),
        EventDimension::Series | EventDimension::Site | EventDimension::Carrier => is_id(code),
        EventDimension::District => is_district_key(code),
        EventDimension::Topic => is_word(code),
        EventDimension::Month => is_month(code),
        EventDimension::Quarter => is_quarter(code),
        EventDimension::Year => is_year(code),
    }
}

/// In the one form that records are compared by.
fn is_id(code: &str) -> bool {
    code.parse::<Uuid>().is_ok_and(|id| id.to_string() == code)
}

fn is_district_key(code: &str) -> bool {
    code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_year(code: &str) -> bool {
    code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_quarter(code: &str) -> bool {
    code.split_once("-Q")
        .is_some_and(|(year, quarter)| is_year(year) && matches!(quarter, "1" | "2" | "3" | "4"))
}

fn is_month(code: &str) -> bool {
    code.split_once('-').is_some_and(|(year, month)| {
        let number = month.parse::<u32>().unwrap_or_default();
        is_year(year) && month.len() == 2 && (1..=12).contains(&number)
    })
}

fn is_word(code: &str) -> bool {
    (1..=100).contains(&code.len())
        && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
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
