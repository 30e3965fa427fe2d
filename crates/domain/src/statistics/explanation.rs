//! What stands behind a figure: the records that were counted, those that were not, and the rule.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{AlsoAt, Condition, Dimension, FigureScope, TopicsAs, Window, conditions};
use crate::code::{Code, codes};
use crate::code_list::{label_de, label_en};
use crate::consultation::ConsultationKind;
use crate::entity::Reference;
use crate::error::Result;
use crate::funding_period::FundingPeriod;
use crate::id::FundingPeriodId;
use crate::indicator::IndicatorReference;
use crate::organisation::OrganisationReference;

codes! {
    /// The columns of the figures of consultations.
    "figure" Figure {
        Consultations, FirstConsultations, FollowUpConsultations, ShortInformation,
        AnonymousConsultations, Organisations, Companies, Actors, NewOrganisations, Minutes,
        PreparationMinutes,
    }
}

codes! {
    /// What a figure counts.
    "figure_unit" Unit { Consultations, Organisations, Minutes }
}

codes! {
    /// Why a record is not in a figure. Of several reasons that a kind of record has, the first in this order.
    "left_out" LeftOut {
        /// Of an event that is still planned.
        Planned,
        Cancelled, NoShow, Voided,
        /// Of a referral.
        Withdrawn,
        /// Of an accompaniment that was asked for.
        Rejected,
        NotBegun,
        /// In the period, but not in the window.
        OutsideWindow,
        /// Below the minimum minutes of the period.
        Short,
        /// Long enough to be a consultation.
        LongEnough,
        /// Without an organisation.
        Anonymous,
        /// With an organisation.
        Named,
        /// A later one of its organisation.
        NotFirst,
        /// The first of its organisation.
        First,
        /// Of an organisation of the other kind.
        OtherKind,
        /// Nobody recorded minutes of preparation.
        WithoutPreparation,
        /// Of a participation that was recorded by mistake.
        ParticipationVoided,
        /// Registered, withdrawn or not come.
        NotThere,
        /// Speakers and staff.
        NotParticipant,
        /// Of a programme template, or a version of one, that is not asked for.
        OtherTemplate,
        OtherProcedure,
        /// On the day asked for.
        NotUnderWay,
        NotCompleted,
        /// Not ended before its time.
        NotEnded,
        NotClosed,
        /// With another outcome, or for another reason, than asked for.
        OtherOutcome,
        NoStepDue,
        NotOnTime,
        NoGoal, NoHire,
        /// With the phase.
        NotThrough,
        /// Outside the caller's scope. How many there are is not told.
        OtherCarriers,
    }
}

impl Figure {
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Organisations | Self::Companies | Self::Actors | Self::NewOrganisations => {
                Unit::Organisations
            }
            Self::Minutes | Self::PreparationMinutes => Unit::Minutes,
            _ => Unit::Consultations,
        }
    }

    /// The rule in words.
    #[must_use]
    pub fn rule(self) -> Rule {
        let (text_de, text_en) = match self {
            Self::Consultations => (
                "Durchgeführte Beratungen ab der Mindestdauer des Förderzeitraums, jede einmal.",
                "Held consultations of at least the period's minimum minutes, each once.",
            ),
            Self::FirstConsultations => (
                "Davon die früheste ihrer Organisation im Förderzeitraum (nach Datum, Beginn, Kennung).",
                "Of these the earliest of its organisation in the period (by date, start, id).",
            ),
            Self::FollowUpConsultations => (
                "Davon jede spätere ihrer Organisation im Förderzeitraum.",
                "Of these every later one of its organisation in the period.",
            ),
            Self::ShortInformation => (
                "Durchgeführt, aber kürzer als die Mindestdauer; nicht unter den Beratungen.",
                "Held, but shorter than the minimum minutes; not among the consultations.",
            ),
            Self::AnonymousConsultations => (
                "Beratungen ohne Organisation; sie zählen nie als Organisation.",
                "Consultations without an organisation; they never count as one.",
            ),
            Self::Organisations => (
                "Unternehmen und Akteure mit mindestens einer Beratung, jede Organisation einmal.",
                "Companies and actors with at least one consultation, each organisation once.",
            ),
            Self::Companies => (
                "Unternehmen mit mindestens einer Beratung, jedes einmal.",
                "Companies with at least one consultation, each once.",
            ),
            Self::Actors => (
                "Akteure mit mindestens einer Beratung, jeder einmal.",
                "Actors with at least one consultation, each once.",
            ),
            Self::NewOrganisations => (
                "Organisationen, deren erste Beratung des Förderzeitraums hier liegt.",
                "Organisations whose first consultation of the period is among these.",
            ),
            Self::Minutes => (
                "Minuten der Beratungen; gemeinsame Beratung zählt einmal.",
                "Minutes of the consultations; joint advice counts once.",
            ),
            Self::PreparationMinutes => (
                "Minuten der Vor- und Nachbereitung der Beratungen.",
                "Minutes of preparation and follow-up work of the consultations.",
            ),
        };
        Rule::of_today(text_de, text_en)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExplanationParams {
    pub funding_period_id: FundingPeriodId,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// As of the figures.
    pub filter: Option<String>,
    /// As of the figures.
    #[param(inline)]
    #[serde(default)]
    pub topics: TopicsAs,
    /// The group that the figure is of: `dimension:code`, comma-separated; none for the totals.
    #[param(example = "site:01890000-0000-7000-8000-000000000201,quarter:2021-Q3")]
    pub group: Option<String>,
    /// The column.
    #[param(inline)]
    pub figure: Figure,
    /// The records that were left out for this reason, instead of those that were counted.
    #[param(inline)]
    pub left_out: Option<LeftOut>,
}

/// What to explain.
#[derive(Clone, Debug)]
pub struct ExplanationQuery {
    pub funding_period_id: FundingPeriodId,
    pub window: Window,
    /// Those of the filter and those of the group: a record must meet both.
    pub conditions: Vec<Condition<Dimension>>,
    pub also: Vec<AlsoAt>,
    pub topics: TopicsAs,
    pub figure: Figure,
    pub left_out: Option<LeftOut>,
}

impl ExplanationParams {
    /// # Errors
    /// `Malformed` for what names no condition; `Invalid` when the window is upside down or leaves the
    /// period.
    pub fn query(&self, period: &FundingPeriod) -> Result<ExplanationQuery> {
        let mut all = conditions("filter", self.filter.as_deref())?;
        all.extend(conditions("group", self.group.as_deref())?);
        Ok(ExplanationQuery {
            funding_period_id: period.id,
            window: Window::of(period, self.from, self.to)?,
            conditions: all,
            also: Vec::new(),
            topics: self.topics,
            figure: self.figure,
            left_out: self.left_out,
        })
    }
}

/// A rule of counting in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    #[schema(example = "2026.4")]
    pub version: String,
    pub text_de: String,
    pub text_en: String,
}

impl Rule {
    /// One of the version in force.
    pub(crate) fn of_today(text_de: &str, text_en: &str) -> Self {
        Self {
            version: super::RULES_VERSION.to_owned(),
            text_de: text_de.to_owned(),
            text_en: text_en.to_owned(),
        }
    }
}

/// One record behind a figure: a consultation, or an organisation where these are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// Of the consultation or the organisation.
    pub id: Uuid,
    /// When it was held; of an organisation, the earliest of the consultations that it is counted for.
    pub held_on: NaiveDate,
    /// Null for an anonymous consultation.
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    /// Null for an organisation.
    #[schema(required)]
    pub site: Option<Reference>,
    /// Null for an organisation, and for a consultation that was not held.
    #[schema(required)]
    pub kind: Option<ConsultationKind>,
    /// How much of the figure it is: 1, or its minutes.
    pub value: i64,
    /// How many consultations it stands for: 1, or those of the organisation.
    pub consultations: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOutCount {
    pub reason: LeftOut,
    pub label_de: String,
    pub label_en: String,
    /// Null where it is not told.
    #[schema(required)]
    pub count: Option<i64>,
}

impl LeftOutCount {
    #[must_use]
    pub fn new(reason: LeftOut, count: Option<i64>) -> Self {
        Self {
            reason,
            label_de: label_de(LeftOut::SET, reason.code()).to_owned(),
            label_en: label_en(LeftOut::SET, reason.code()).to_owned(),
            count,
        }
    }
}

/// What stands behind a figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    pub figure: Figure,
    /// The indicator whose value is explained, by version; null for a figure.
    #[schema(required)]
    pub indicator: Option<IndicatorReference>,
    pub unit: Unit,
    pub rule: Rule,
    pub period: Reference,
    pub window: Window,
    pub scope: FigureScope,
    /// The figure: what the `value` of all items adds up to. Only with `total=true`.
    #[schema(required)]
    pub value: Option<i64>,
    /// How many items there are. Only with `total=true`.
    #[schema(required)]
    pub records: Option<i64>,
    /// Consultations of the period and the scope that meet the conditions and are not in the figure, by
    /// reason. Only with `total=true`.
    #[schema(required)]
    pub left_out: Option<Vec<LeftOutCount>>,
    /// Whether the caller reads figures and no records, so that there are no items.
    pub records_withheld: bool,
    pub items: Vec<Counted>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
