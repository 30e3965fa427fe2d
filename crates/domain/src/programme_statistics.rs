//! The figures of accompaniments and recruitment cases in a funding period. `docs/counting.md` explains the
//! rules; their version is that of all figures.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::accompaniment::{Accompaniment, AccompanimentOutcome, EarlyEnd, GoalAchievement};
use crate::check::Checks;
use crate::code::{Code, codes};
use crate::entity::Reference;
use crate::error::{Error, Result, Violation};
use crate::funding_period::FundingPeriod;
use crate::id::FundingPeriodId;
use crate::programme_template::{RecruitmentProcedure, TemplateReference};
use crate::recruitment_case::RecruitmentOutcome;
use crate::size_class::SizeClass;
use crate::statistics::{Condition, FigureScope, GroupValue, Window, conditions, dimensions};

mod column;
mod count;
mod explanation;
mod sheets;
pub use column::{Column, ProgrammeColumn};
pub use count::{figures, groups, matching};
pub use explanation::{
    CountedProgramme, Explained, NotBegun, ProgrammeExplanation, ProgrammeExplanationParams,
    ProgrammeExplanationQuery, ProgrammeRecords, explained,
};

codes! {
    /// What figures of accompaniments and recruitment cases can be grouped by.
    "programme_dimension" ProgrammeDimension {
        Site, Carrier,
        /// A version of one.
        Template,
        SizeClass, Section, Quarter, Year,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeStatisticsParams {
    pub funding_period_id: FundingPeriodId,
    /// First day on which an accompaniment started or a case was opened; the period's first day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last such day; the period's last day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// The day that `active` and the steps that were due are told for: today unless told, as far as it lies in
    /// the window. Not before `from`.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub on: Option<NaiveDate>,
    /// Up to three dimensions, comma-separated: `site`, `carrier`, `template` (a version of one), `size_class`,
    /// `section`, `quarter`, `year`.
    #[param(example = "site,year")]
    pub group_by: Option<String>,
    /// Only accompaniments and cases that have these values: `dimension:code`, comma-separated, or `none` for
    /// no value. Of one dimension any of its values, of several dimensions all.
    #[param(example = "template:hundred_days:1,size_class:micro,size_class:small")]
    pub filter: Option<String>,
}

/// What to count.
#[derive(Clone, Debug)]
pub struct ProgrammeStatisticsQuery {
    pub funding_period_id: FundingPeriodId,
    pub window: Window,
    pub on: NaiveDate,
    pub group_by: Vec<ProgrammeDimension>,
    pub conditions: Vec<Condition<ProgrammeDimension>>,
}

impl ProgrammeStatisticsParams {
    /// # Errors
    /// `Malformed` for unknown, repeated or too many dimensions and for what is no condition; `Invalid` when
    /// the window is upside down or leaves the period, or the day is before it.
    pub fn query(
        &self,
        period: &FundingPeriod,
        today: NaiveDate,
    ) -> Result<ProgrammeStatisticsQuery> {
        let window = Window::of(period, self.from, self.to)?;
        let on = self.on.unwrap_or_else(|| today.clamp(window.from, window.to));
        let mut checks = Checks::new();
        checks.require(on >= window.from, "on", "before_start", "must not be before from");
        checks.finish()?;
        Ok(ProgrammeStatisticsQuery {
            funding_period_id: period.id,
            window,
            on,
            group_by: dimensions(self.group_by.as_deref())?,
            conditions: programme_conditions("filter", self.filter.as_deref())?,
        })
    }
}

/// The conditions that a parameter names, with ids as groups have them.
///
/// # Errors
/// `Malformed` for what names no condition, and for a site or a carrier that is no id.
pub fn programme_conditions(
    parameter: &str,
    words: Option<&str>,
) -> Result<Vec<Condition<ProgrammeDimension>>> {
    let mut found = conditions(parameter, words)?;
    for condition in &mut found {
        if !matches!(condition.dimension, ProgrammeDimension::Site | ProgrammeDimension::Carrier) {
            continue;
        }
        for code in condition.codes.iter_mut().flatten() {
            let id = Uuid::parse_str(code).map_err(|_| Error::Malformed {
                code: "malformed_query",
                detail: format!("{code:?} is not the id of a site or carrier."),
                errors: vec![Violation {
                    pointer: parameter.to_owned(),
                    code: "not_an_id".to_owned(),
                    message: "must name sites and carriers by id".to_owned(),
                }],
            })?;
            *code = id.to_string();
        }
    }
    Ok(found)
}

/// How long a phase took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PhaseFigures {
    /// The version of the template that has the phase. Left out in reports that were frozen before rules
    /// 2026.4: there phases of the same code were one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateReference>,
    #[schema(example = "needs_analysis")]
    pub code: String,
    pub label_de: String,
    pub label_en: String,
    /// Accompaniments that are through with it.
    pub accompaniments: usize,
    /// Median of the days that it took them, pauses left out.
    #[schema(example = 11.5)]
    pub median_days: f64,
}

/// Cases by one procedure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaseFigures {
    pub opened: i64,
    /// Of these, closed.
    pub closed: i64,
    /// Of these, by what came of them.
    pub closed_by_outcome: BTreeMap<RecruitmentOutcome, i64>,
}

/// The figures of one group, or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgrammeFigures {
    /// Accompaniments that started, each in the period of its kick-off.
    pub started: i64,
    /// Of these, under way on the day asked for, paused or not.
    pub active: i64,
    pub completed: i64,
    pub completed_by_outcome: BTreeMap<AccompanimentOutcome, i64>,
    /// Completed by the planned end.
    pub completed_on_time: i64,
    pub ended_early: i64,
    pub ended_by_reason: BTreeMap<EarlyEnd, i64>,
    /// Mandatory steps whose date, other than a forecast, has come by the day asked for.
    pub steps_due: i64,
    /// Of these, done by their date.
    pub steps_on_time: i64,
    /// Share of these in per cent, to one decimal. Null when none was due.
    #[schema(required)]
    pub on_time_percent: Option<f64>,
    /// Goals with a result.
    pub goals_measured: i64,
    pub goals_by_achievement: BTreeMap<GoalAchievement, i64>,
    /// Cases that belong to these accompaniments and ended with work.
    pub hires: i64,
    pub phases: Vec<PhaseFigures>,
    /// Recruitment cases that were opened in the window, with an accompaniment or without.
    pub cases: BTreeMap<RecruitmentProcedure, CaseFigures>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgrammeGroup {
    /// The value of each dimension asked for.
    #[schema(example = json!({"year": {"code": "2024", "label": "2024"}}))]
    pub key: BTreeMap<ProgrammeDimension, GroupValue>,
    #[serde(flatten)]
    pub figures: ProgrammeFigures,
    /// Where the records behind these figures are: a URI template (RFC 6570) that wants the name of one, and
    /// which part of it where it has parts.
    #[schema(
        example = "/api/v1/statistics/programmes/explain?funding_period_id=01890000-0000-7000-8000-000000000302&on=2026-03-16&group=year:2026{&figure,of}"
    )]
    pub explanation: String,
}

impl ProgrammeGroup {
    /// As a question names it.
    #[must_use]
    pub fn conditions(&self) -> String {
        let words = self.key.iter().map(|(dimension, value)| {
            Condition { dimension: *dimension, codes: vec![value.code.clone()] }.words()
        });
        words.collect::<Vec<_>>().join(",")
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgrammeStatistics {
    pub period: Reference,
    pub window: Window,
    pub on: NaiveDate,
    #[schema(example = "2026.4")]
    pub rules_version: String,
    pub scope: FigureScope,
    /// The dimensions in the order asked for.
    pub group_by: Vec<ProgrammeDimension>,
    /// What the records were filtered by.
    pub filter: Vec<Condition<ProgrammeDimension>>,
    pub totals: ProgrammeFigures,
    /// As of groups, for the totals.
    pub explanation: String,
    pub groups: Vec<ProgrammeGroup>,
    /// Per column: whether the rows of this grouping may be summed to the total.
    #[schema(example = json!({"started": true, "on_time_percent": false}))]
    pub additive: BTreeMap<String, bool>,
}

/// What figures of a company's records are grouped by, as recorded now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyFacts {
    pub size_class: Option<SizeClass>,
    /// Edition and section, such as `wz2008:C`.
    pub section: Option<String>,
}

/// An accompaniment that started in the window.
#[derive(Clone, Debug)]
pub struct CountedRun {
    pub run: Accompaniment,
    pub company: CompanyFacts,
    /// Cases that belong to it and ended with work.
    pub hires: i64,
}

/// A case that was opened in the window.
#[derive(Clone, Debug)]
pub struct CountedCase {
    pub id: Uuid,
    pub carrier: Reference,
    pub site: Reference,
    pub template: TemplateReference,
    pub company: Reference,
    pub facts: CompanyFacts,
    pub opened_on: NaiveDate,
    pub procedure: RecruitmentProcedure,
    pub outcome: Option<RecruitmentOutcome>,
}

/// Per column: whether the rows of this grouping add up to the total. Every record stands in one row, so counts
/// do; shares and medians do not.
#[must_use]
pub fn additive(group_by: &[ProgrammeDimension]) -> BTreeMap<String, bool> {
    const COLUMNS: [&str; 15] = [
        "started",
        "active",
        "completed",
        "completed_by_outcome",
        "completed_on_time",
        "ended_early",
        "ended_by_reason",
        "steps_due",
        "steps_on_time",
        "on_time_percent",
        "goals_measured",
        "goals_by_achievement",
        "hires",
        "phases",
        "cases",
    ];
    let of = |column: &str| group_by.is_empty() || !matches!(column, "on_time_percent" | "phases");
    COLUMNS.into_iter().map(|column| (column.to_owned(), of(column))).collect()
}

/// What a record is grouped by.
struct Place<'a> {
    carrier: &'a Reference,
    site: &'a Reference,
    template: &'a TemplateReference,
    company: &'a CompanyFacts,
    on: NaiveDate,
}

impl Place<'_> {
    fn meets(&self, conditions: &[Condition<ProgrammeDimension>]) -> bool {
        let value = |dimension| self.value(dimension).code;
        conditions.iter().all(|wanted| wanted.holds(value(wanted.dimension).as_deref()))
    }

    fn value(&self, dimension: ProgrammeDimension) -> GroupValue {
        let named = |record: &Reference| {
            Some(GroupValue::named(record.id.to_string(), record.name.clone()))
        };
        let found = match dimension {
            ProgrammeDimension::Site => named(self.site),
            ProgrammeDimension::Carrier => named(self.carrier),
            ProgrammeDimension::Template => {
                let number = self.template.version_number;
                Some(GroupValue::new(
                    format!("{}:{number}", self.template.code),
                    format!("{}, Version {number}", self.template.label_de),
                    format!("{}, version {number}", self.template.label_en),
                ))
            }
            ProgrammeDimension::SizeClass => self
                .company
                .size_class
                .map(|class| GroupValue::of_set(SizeClass::SET, class.code().to_owned())),
            ProgrammeDimension::Section => self.company.section.clone().map(GroupValue::section),
            ProgrammeDimension::Quarter => {
                let quarter = format!("{}-Q{}", self.on.year(), self.on.month0() / 3 + 1);
                Some(GroupValue::named(quarter.clone(), quarter))
            }
            ProgrammeDimension::Year => {
                let year = self.on.year().to_string();
                Some(GroupValue::named(year.clone(), year))
            }
        };
        found.unwrap_or_else(GroupValue::none)
    }
}
