//! What stands behind a figure of accompaniments or recruitment cases. What a record brings to a figure is the
//! figure of the record alone, so that all together bring the figure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::count::{figures, place_of_case, place_of_run, steps_due};
use super::{
    CompanyFacts, CountedCase, CountedRun, Place, ProgrammeColumn, ProgrammeFigures,
    ProgrammeStatisticsParams, ProgrammeStatisticsQuery, programme_conditions,
};
use crate::accompaniment::{AccompanimentOutcome, EarlyEnd, GoalAchievement};
use crate::code::Code;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::funding_period::FundingPeriod;
use crate::id::FundingPeriodId;
use crate::plan::StepName;
use crate::programme_template::{RecruitmentProcedure, TemplateReference};
use crate::recruitment_case::RecruitmentOutcome;
use crate::statistics::{FigureScope, LeftOut, LeftOutCount, Rule, Window};

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeExplanationParams {
    pub funding_period_id: FundingPeriodId,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub on: Option<NaiveDate>,
    /// As of the figures.
    pub filter: Option<String>,
    /// The group that the figure is of: `dimension:code`, comma-separated; none for the totals.
    #[param(example = "template:hundred_days:1,year:2024")]
    pub group: Option<String>,
    /// The column. `on_time_percent` is a share of two others and cannot be asked for.
    #[param(inline)]
    pub figure: ProgrammeColumn,
    /// A part of the figure: the outcome of `completed`, the reason of `ended_early`, the achievement of
    /// `goals_measured`; of `phases` template, version and phase, which must be told; of `cases_opened` the
    /// procedure, of `cases_closed` the procedure, or procedure and outcome.
    #[param(example = "fast_track:work_started")]
    pub of: Option<String>,
    /// The records that were left out for this reason, instead of those that were counted.
    #[param(inline)]
    pub left_out: Option<LeftOut>,
}

/// A part of a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Outcome(AccompanimentOutcome),
    Reason(EarlyEnd),
    Achievement(GoalAchievement),
    /// Code and version of the template, code of the phase.
    Phase(String, i32, String),
    Cases(RecruitmentProcedure, Option<RecruitmentOutcome>),
}

/// What to explain.
#[derive(Clone, Debug)]
pub struct ProgrammeExplanationQuery {
    /// With the conditions of the filter and of the group: a record must meet both.
    pub asked: ProgrammeStatisticsQuery,
    pub figure: ProgrammeColumn,
    part: Part,
    pub left_out: Option<LeftOut>,
}

impl ProgrammeExplanationParams {
    /// # Errors
    /// `Malformed` for what names no condition or no part of the figure; `Invalid` as for the figures.
    pub fn query(
        &self,
        period: &FundingPeriod,
        today: NaiveDate,
    ) -> Result<ProgrammeExplanationQuery> {
        let figures = ProgrammeStatisticsParams {
            funding_period_id: self.funding_period_id,
            from: self.from,
            to: self.to,
            on: self.on,
            group_by: None,
            filter: self.filter.clone(),
        };
        let mut asked = figures.query(period, today)?;
        asked.conditions.extend(programme_conditions("group", self.group.as_deref())?);
        Ok(ProgrammeExplanationQuery {
            asked,
            figure: self.figure,
            part: self.part()?,
            left_out: self.left_out,
        })
    }

    fn part(&self) -> Result<Part> {
        if self.figure == ProgrammeColumn::OnTimePercent {
            return Err(Error::malformed_query(
                "figure",
                "a_share",
                "is the share of steps_on_time in steps_due; ask for these",
            ));
        }
        let Some(of) = self.of.as_deref() else {
            return match self.figure {
                ProgrammeColumn::Phases => Err(Error::malformed_query(
                    "of",
                    "missing",
                    "must name template, version and phase",
                )),
                _ => Ok(Part::Whole),
            };
        };
        let found = match self.figure {
            ProgrammeColumn::Completed => AccompanimentOutcome::from_code(of).map(Part::Outcome),
            ProgrammeColumn::EndedEarly => EarlyEnd::from_code(of).map(Part::Reason),
            ProgrammeColumn::GoalsMeasured => GoalAchievement::from_code(of).map(Part::Achievement),
            ProgrammeColumn::Phases => phase(of),
            ProgrammeColumn::CasesOpened => {
                RecruitmentProcedure::from_code(of).map(|procedure| Part::Cases(procedure, None))
            }
            ProgrammeColumn::CasesClosed => closed(of),
            _ => None,
        };
        found.ok_or_else(|| {
            Error::malformed_query("of", "unknown_part", "must be a part of the figure")
        })
    }
}

fn phase(of: &str) -> Option<Part> {
    let (template, rest) = of.split_once(':')?;
    let (version, code) = rest.split_once(':')?;
    Some(Part::Phase(template.to_owned(), version.parse().ok()?, code.to_owned()))
}

fn closed(of: &str) -> Option<Part> {
    let (procedure, outcome) = match of.split_once(':') {
        Some((procedure, outcome)) => (procedure, Some(RecruitmentOutcome::from_code(outcome)?)),
        None => (of, None),
    };
    Some(Part::Cases(RecruitmentProcedure::from_code(procedure)?, outcome))
}

impl ProgrammeExplanationQuery {
    /// Whether recruitment cases are counted, and not accompaniments.
    #[must_use]
    pub fn is_of_cases(&self) -> bool {
        matches!(self.figure, ProgrammeColumn::CasesOpened | ProgrammeColumn::CasesClosed)
    }

    fn value(&self, figures: &ProgrammeFigures) -> i64 {
        let of_procedures = |procedure: Option<RecruitmentProcedure>| {
            let all = figures.cases.iter();
            all.filter(move |(it, _)| procedure.is_none_or(|wanted| wanted == **it))
                .map(|(_, cases)| cases)
        };
        let of = |found: Option<&i64>| found.copied().unwrap_or_default();
        match (self.figure, &self.part) {
            (ProgrammeColumn::Started, _) => figures.started,
            (ProgrammeColumn::Active, _) => figures.active,
            (ProgrammeColumn::Completed, Part::Outcome(outcome)) => {
                of(figures.completed_by_outcome.get(outcome))
            }
            (ProgrammeColumn::Completed, _) => figures.completed,
            (ProgrammeColumn::CompletedOnTime, _) => figures.completed_on_time,
            (ProgrammeColumn::EndedEarly, Part::Reason(reason)) => {
                of(figures.ended_by_reason.get(reason))
            }
            (ProgrammeColumn::EndedEarly, _) => figures.ended_early,
            (ProgrammeColumn::StepsDue, _) => figures.steps_due,
            (ProgrammeColumn::StepsOnTime, _) => figures.steps_on_time,
            (ProgrammeColumn::GoalsMeasured, Part::Achievement(achievement)) => {
                of(figures.goals_by_achievement.get(achievement))
            }
            (ProgrammeColumn::GoalsMeasured, _) => figures.goals_measured,
            (ProgrammeColumn::Hires, _) => figures.hires,
            (ProgrammeColumn::Phases, _) => i64::from(self.days(figures).is_some()),
            (ProgrammeColumn::CasesOpened, Part::Cases(procedure, _)) => {
                of_procedures(Some(*procedure)).map(|cases| cases.opened).sum()
            }
            (ProgrammeColumn::CasesOpened, _) => of_procedures(None).map(|it| it.opened).sum(),
            (ProgrammeColumn::CasesClosed, Part::Cases(procedure, Some(outcome))) => {
                of_procedures(Some(*procedure))
                    .map(|it| of(it.closed_by_outcome.get(outcome)))
                    .sum()
            }
            (ProgrammeColumn::CasesClosed, Part::Cases(procedure, None)) => {
                of_procedures(Some(*procedure)).map(|it| it.closed).sum()
            }
            (ProgrammeColumn::CasesClosed, _) => of_procedures(None).map(|it| it.closed).sum(),
            (ProgrammeColumn::OnTimePercent, _) => 0,
        }
    }

    /// What the phase took the one accompaniment of these figures.
    fn days(&self, figures: &ProgrammeFigures) -> Option<f64> {
        let Part::Phase(template, version, code) = &self.part else { return None };
        let found = figures.phases.iter().find(|phase| {
            let of = phase.template.as_ref();
            of.is_some_and(|of| of.code == *template && of.version_number == *version)
                && phase.code == *code
        });
        found.map(|phase| phase.median_days)
    }

    /// Why a run brings nothing.
    fn reason(&self, counted: &CountedRun, figures: &ProgrammeFigures) -> LeftOut {
        match self.figure {
            ProgrammeColumn::Active => LeftOut::NotUnderWay,
            ProgrammeColumn::Completed if figures.completed == 1 => LeftOut::OtherOutcome,
            ProgrammeColumn::CompletedOnTime if figures.completed == 1 => LeftOut::NotOnTime,
            ProgrammeColumn::Completed | ProgrammeColumn::CompletedOnTime => LeftOut::NotCompleted,
            ProgrammeColumn::EndedEarly if figures.ended_early == 1 => LeftOut::OtherOutcome,
            ProgrammeColumn::EndedEarly => LeftOut::NotEnded,
            ProgrammeColumn::StepsOnTime if figures.steps_due > 0 => LeftOut::NotOnTime,
            ProgrammeColumn::GoalsMeasured if figures.goals_measured > 0 => LeftOut::OtherOutcome,
            ProgrammeColumn::GoalsMeasured => LeftOut::NoGoal,
            ProgrammeColumn::Hires => LeftOut::NoHire,
            ProgrammeColumn::Phases => match &self.part {
                Part::Phase(template, version, _)
                    if counted.run.template.code != *template
                        || counted.run.template.version_number != *version =>
                {
                    LeftOut::OtherTemplate
                }
                _ => LeftOut::NotThrough,
            },
            _ => LeftOut::NoStepDue,
        }
    }

    fn reason_of_case(&self, case: &CountedCase) -> LeftOut {
        match &self.part {
            Part::Cases(procedure, _) if case.procedure != *procedure => LeftOut::OtherProcedure,
            _ if case.outcome.is_none() => LeftOut::NotClosed,
            _ => LeftOut::OtherOutcome,
        }
    }
}

/// What was asked for and never began. It has its place by the day on which it was asked for.
#[derive(Clone, Debug)]
pub struct NotBegun {
    pub id: Uuid,
    pub carrier: Reference,
    pub site: Reference,
    pub template: TemplateReference,
    pub company: Reference,
    pub facts: CompanyFacts,
    pub requested_on: NaiveDate,
    pub rejected: bool,
}

/// One record behind a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CountedProgramme {
    /// Of the accompaniment or the recruitment case.
    pub id: Uuid,
    /// When it started or was opened; of what never began, when it was asked for.
    pub on: NaiveDate,
    pub company: Reference,
    pub site: Reference,
    pub template: TemplateReference,
    /// How much of the figure it is.
    pub value: i64,
    /// The steps, where these are counted.
    pub steps: Vec<StepName>,
    /// How many days the phase took, where that is asked for.
    #[schema(required)]
    pub days: Option<f64>,
}

/// A record of the period and the scope that meets the conditions, and why it is not in the figure.
type Looked = (CountedProgramme, Option<LeftOut>);

/// What stands behind a figure of accompaniments or recruitment cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgrammeExplanation {
    pub figure: ProgrammeColumn,
    /// The part of it that was asked for.
    #[schema(required)]
    pub of: Option<String>,
    pub rule: Rule,
    pub period: Reference,
    pub window: Window,
    pub on: NaiveDate,
    pub scope: FigureScope,
    /// The figure: what the `value` of all items adds up to; of `phases`, how many the median is of. Only with
    /// `total=true`.
    #[schema(required)]
    pub value: Option<i64>,
    /// How many items there are. Only with `total=true`.
    #[schema(required)]
    pub records: Option<i64>,
    /// Accompaniments or cases of the period and the scope that meet the conditions and are not in the figure,
    /// by reason. Only with `total=true`.
    #[schema(required)]
    pub left_out: Option<Vec<LeftOutCount>>,
    /// Whether the caller reads figures and no records, so that there are no items.
    pub records_withheld: bool,
    pub items: Vec<CountedProgramme>,
    /// Asks for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// All records of a period that an explanation looks at.
#[derive(Clone, Debug, Default)]
pub struct ProgrammeRecords {
    pub runs: Vec<CountedRun>,
    pub not_begun: Vec<NotBegun>,
    pub cases: Vec<CountedCase>,
}

/// What was counted, and what was not with its reason, by day and id.
#[must_use]
pub fn explained(query: &ProgrammeExplanationQuery, records: &ProgrammeRecords) -> Explained {
    let conditions = &query.asked.conditions;
    let mut looked: Vec<Looked> = Vec::new();
    if query.is_of_cases() {
        let cases = records.cases.iter();
        let cases = cases.filter(|case| place_of_case(case).meets(conditions));
        looked.extend(cases.map(|case| look_at_case(query, case)));
    } else {
        let runs = records.runs.iter().filter(|run| place_of_run(run).meets(conditions));
        looked.extend(runs.map(|run| look_at_run(query, run)));
        let not_begun = records.not_begun.iter().filter(|it| place_of(it).meets(conditions));
        looked.extend(not_begun.map(look_at_not_begun));
    }
    looked.sort_by_key(|(record, _)| (record.on, record.id));
    let mut found = Explained::default();
    for (record, left_out) in looked {
        match left_out {
            None => {
                found.value += record.value;
                found.records += 1;
            }
            Some(reason) => *found.left_out.entry(reason).or_default() += 1,
        }
        if left_out == query.left_out {
            found.items.push(record);
        }
    }
    found
}

/// An explanation that is not cut to a page yet.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    pub value: i64,
    pub records: i64,
    pub left_out: BTreeMap<LeftOut, i64>,
    /// What was counted, or left out for the reason asked for.
    pub items: Vec<CountedProgramme>,
}

fn look_at_run(query: &ProgrammeExplanationQuery, counted: &CountedRun) -> Looked {
    let (run, on) = (&counted.run, query.asked.on);
    let alone = figures(&[counted], &[], on);
    let started_on = run.started_on.unwrap_or(run.requested_on);
    let value = query.value(&alone);
    let left_out = if !query.asked.window.contains(started_on) {
        Some(LeftOut::OutsideWindow)
    } else if value == 0 {
        Some(query.reason(counted, &alone))
    } else {
        None
    };
    let steps = match query.figure {
        _ if left_out.is_some() => Vec::new(),
        ProgrammeColumn::StepsDue => steps_due(run, on),
        ProgrammeColumn::StepsOnTime => {
            steps_due(run, on).into_iter().filter(|step| super::count::is_on_time(step)).collect()
        }
        _ => Vec::new(),
    };
    let record = CountedProgramme {
        id: run.id.0,
        on: started_on,
        company: run.company.clone(),
        site: run.site.clone(),
        template: run.template.clone(),
        value: if left_out.is_some() { 1 } else { value },
        steps: steps.into_iter().map(crate::plan::Step::name).collect(),
        days: if left_out.is_some() { None } else { query.days(&alone) },
    };
    (record, left_out)
}

fn look_at_not_begun(found: &NotBegun) -> Looked {
    let reason = if found.rejected { LeftOut::Rejected } else { LeftOut::NotBegun };
    let record = CountedProgramme {
        id: found.id,
        on: found.requested_on,
        company: found.company.clone(),
        site: found.site.clone(),
        template: found.template.clone(),
        value: 1,
        steps: Vec::new(),
        days: None,
    };
    (record, Some(reason))
}

fn look_at_case(query: &ProgrammeExplanationQuery, case: &CountedCase) -> Looked {
    let alone = figures(&[], &[case], query.asked.on);
    let left_out = if !query.asked.window.contains(case.opened_on) {
        Some(LeftOut::OutsideWindow)
    } else if query.value(&alone) == 0 {
        Some(query.reason_of_case(case))
    } else {
        None
    };
    let record = CountedProgramme {
        id: case.id,
        on: case.opened_on,
        company: case.company.clone(),
        site: case.site.clone(),
        template: case.template.clone(),
        value: 1,
        steps: Vec::new(),
        days: None,
    };
    (record, left_out)
}

fn place_of(found: &NotBegun) -> Place<'_> {
    Place {
        carrier: &found.carrier,
        site: &found.site,
        template: &found.template,
        company: &found.facts,
        on: found.requested_on,
    }
}
