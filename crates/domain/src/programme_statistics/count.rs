//! Counting, rule 12: a run belongs to the period that it started in.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{
    CaseFigures, CountedCase, CountedRun, PhaseFigures, Place, ProgrammeDimension,
    ProgrammeFigures, ProgrammeGroup, ProgrammeStatisticsQuery,
};
use crate::accompaniment::Accompaniment;
use crate::code::Code;
use crate::plan::{Phase, Step};
use crate::programme_template::TemplateReference;
use crate::statistics::GroupValue;

/// Of the runs and cases of a window, those that meet the conditions.
#[must_use]
pub fn matching(
    query: &ProgrammeStatisticsQuery,
    mut runs: Vec<CountedRun>,
    mut cases: Vec<CountedCase>,
) -> (Vec<CountedRun>, Vec<CountedCase>) {
    runs.retain(|run| place_of_run(run).meets(&query.conditions));
    cases.retain(|case| place_of_case(case).meets(&query.conditions));
    (runs, cases)
}

/// The figures of runs and cases, on a day.
#[must_use]
pub fn figures(runs: &[&CountedRun], cases: &[&CountedCase], on: NaiveDate) -> ProgrammeFigures {
    let mut figures = ProgrammeFigures {
        completed_by_outcome: zeros(),
        ended_by_reason: zeros(),
        goals_by_achievement: zeros(),
        cases: Code::all()
            .into_iter()
            .map(|procedure| {
                (procedure, CaseFigures { closed_by_outcome: zeros(), ..CaseFigures::default() })
            })
            .collect(),
        ..ProgrammeFigures::default()
    };
    for counted in runs {
        count_run(&mut figures, counted, on);
    }
    for counted in cases {
        count_case(&mut figures, counted);
    }
    figures.on_time_percent = percent(figures.steps_on_time, figures.steps_due);
    figures.phases = phases(runs);
    figures
}

/// The figures of each group that has any, in the order of their labels; what has no value comes last.
#[must_use]
pub fn groups(
    runs: &[CountedRun],
    cases: &[CountedCase],
    on: NaiveDate,
    group_by: &[ProgrammeDimension],
) -> Vec<ProgrammeGroup> {
    /// What has no value comes last; label, code, German label.
    type Values = Vec<(bool, String, Option<String>, String)>;
    type Members<'a> = (Vec<&'a CountedRun>, Vec<&'a CountedCase>);
    if group_by.is_empty() {
        return Vec::new();
    }
    let mut members: BTreeMap<Values, Members> = BTreeMap::new();
    let key = |place: &Place| {
        let values = group_by.iter().map(|dimension| place.value(*dimension));
        values
            .map(|value| (value.code.is_none(), value.label, value.code, value.label_de))
            .collect::<Vec<_>>()
    };
    for run in runs {
        members.entry(key(&place_of_run(run))).or_default().0.push(run);
    }
    for case in cases {
        members.entry(key(&place_of_case(case))).or_default().1.push(case);
    }
    members
        .into_iter()
        .map(|(key, (runs, cases))| {
            let values = key.into_iter().map(|(_, label, code, label_de)| GroupValue {
                code,
                label,
                label_de,
            });
            ProgrammeGroup {
                key: group_by.iter().copied().zip(values).collect(),
                figures: figures(&runs, &cases, on),
                explanation: String::new(),
            }
        })
        .collect()
}

pub(super) fn place_of_run(counted: &CountedRun) -> Place<'_> {
    Place {
        carrier: &counted.run.carrier,
        site: &counted.run.site,
        template: &counted.run.template,
        company: &counted.company,
        on: counted.run.started_on.unwrap_or(counted.run.requested_on),
    }
}

pub(super) fn place_of_case(counted: &CountedCase) -> Place<'_> {
    Place {
        carrier: &counted.carrier,
        site: &counted.site,
        template: &counted.template,
        company: &counted.facts,
        on: counted.opened_on,
    }
}

fn zeros<C: Code + Ord>() -> BTreeMap<C, i64> {
    C::all().into_iter().map(|code| (code, 0)).collect()
}

fn count_run(figures: &mut ProgrammeFigures, counted: &CountedRun, on: NaiveDate) {
    let run = &counted.run;
    figures.started += 1;
    figures.active += i64::from(run.was_active_on(on));
    if let Some(completed) = &run.completed {
        figures.completed += 1;
        *figures.completed_by_outcome.entry(completed.outcome).or_default() += 1;
        figures.completed_on_time += i64::from(run.was_on_time() == Some(true));
    }
    if let Some(ended) = &run.ended {
        figures.ended_early += 1;
        *figures.ended_by_reason.entry(ended.reason).or_default() += 1;
    }
    for step in steps_due(run, on) {
        figures.steps_due += 1;
        figures.steps_on_time += i64::from(is_on_time(step));
    }
    for result in run.goals.iter().filter_map(|goal| goal.result.as_ref()) {
        figures.goals_measured += 1;
        *figures.goals_by_achievement.entry(result.achievement).or_default() += 1;
    }
    figures.hires += counted.hires;
}

/// The steps whose date has come. A forecast is no date to be late for: it moves until the step that it runs
/// from is done.
pub(super) fn steps_due(run: &Accompaniment, on: NaiveDate) -> Vec<&Step> {
    let Some(plan) = run.plan() else { return Vec::new() };
    let steps = run.steps.iter().zip(plan.forecasts());
    let due = steps.filter(|(step, is_forecast)| !is_forecast && is_due(run, step, on));
    due.map(|(step, _)| step).collect()
}

/// Done by its date.
pub(super) fn is_on_time(step: &Step) -> bool {
    let by = step.due_on();
    step.done.as_ref().is_some_and(|done| by.is_some_and(|by| done.on <= by))
}

/// A mandatory step before the end, not waived, whose date has come. What was open when the run was over is
/// due only if its date had come by then.
fn is_due(run: &Accompaniment, step: &Step, on: NaiveDate) -> bool {
    let definition = &step.definition;
    let awaited =
        step.done.is_some() || run.over_on().is_none_or(|over| step.due_on() <= Some(over));
    definition.mandatory
        && !definition.after_end
        && step.waived.is_none()
        && step.due_on().is_some_and(|due| due <= on)
        && awaited
}

fn count_case(figures: &mut ProgrammeFigures, counted: &CountedCase) {
    let cases = figures.cases.entry(counted.procedure).or_default();
    cases.opened += 1;
    if let Some(outcome) = counted.outcome {
        cases.closed += 1;
        *cases.closed_by_outcome.entry(outcome).or_default() += 1;
    }
}

/// To one decimal, half up.
fn percent(part: i64, of: i64) -> Option<f64> {
    let thousandths = (2000 * part + of).checked_div(2 * of)?;
    i32::try_from(thousandths).ok().map(|thousandths| f64::from(thousandths) / 10.0)
}

/// Those of each template in its order: two templates may have phases of the same code that are not the same.
fn phases(runs: &[&CountedRun]) -> Vec<PhaseFigures> {
    let mut found: Vec<(&TemplateReference, &Phase, Vec<i64>)> = Vec::new();
    for counted in runs {
        let template = &counted.run.template;
        for (phase, days) in days_in_phases(&counted.run) {
            let same = found
                .iter_mut()
                .find(|(of, known, _)| of.id == template.id && known.code == phase.code);
            match same {
                Some((.., all)) => all.push(days),
                None => found.push((template, phase, vec![days])),
            }
        }
    }
    found.sort_by_key(|(of, phase, _)| (&of.code, of.version_number, phase.from_day, &phase.code));
    found
        .into_iter()
        .map(|(template, phase, days)| PhaseFigures {
            template: Some(template.clone()),
            code: phase.code.clone(),
            label_de: phase.label_de.clone(),
            label_en: phase.label_en.clone(),
            accompaniments: days.len(),
            median_days: median(days),
        })
        .collect()
}

/// A phase ends on the day on which its last mandatory step was done, and begins when the one before it ended.
/// The first one that is not through ends the count.
fn days_in_phases(run: &Accompaniment) -> Vec<(&Phase, i64)> {
    let Some(plan) = run.plan() else { return Vec::new() };
    let mut reached = 0;
    let mut found = Vec::new();
    for phase in &run.phases {
        let of_phase = |step: &&Step| {
            step.phase == phase.code && step.definition.mandatory && !step.definition.after_end
        };
        if run.steps.iter().filter(of_phase).any(Step::is_open) {
            break;
        }
        let done = run.steps.iter().filter(of_phase).filter_map(|step| step.done.as_ref());
        // One whose mandatory steps were all waived took no time that could be told.
        if let Some(last) = done.map(|done| done.on).max() {
            let day = plan.day(last).max(reached);
            found.push((phase, day - reached));
            reached = day;
        }
    }
    found
}

fn median(mut days: Vec<i64>) -> f64 {
    days.sort_unstable();
    let (low, high) = (days.len().saturating_sub(1) / 2, days.len() / 2);
    let twice = days.get(low).zip(days.get(high)).map_or(0, |(low, high)| low + high);
    f64::from(i32::try_from(twice).unwrap_or(i32::MAX)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_shares() {
        let median = |days: &[i64]| format!("{:.1}", median(days.to_vec()));
        assert_eq!(median(&[7]), "7.0");
        assert_eq!(median(&[9, 1, 4]), "4.0");
        assert_eq!(median(&[9, 1, 4, 5]), "4.5");
        let percent = |part, of| percent(part, of).map(|it| format!("{it:.1}"));
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(2, 3).as_deref(), Some("66.7"));
        assert_eq!(percent(1, 16).as_deref(), Some("6.3"), "half up");
        assert_eq!(percent(5, 5).as_deref(), Some("100.0"));
    }
}
