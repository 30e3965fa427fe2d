//! `docs/programme.md` shows the 100 days on a line and a worked example. Its drawings and tables are made
//! here, from the template that ships and by the engine that plans, so they cannot say anything else than
//! the program does. Run with `UPDATE_PROGRAMME=1` to write them anew.

use std::fmt::Write;
use std::path::PathBuf;

use super::drawing::{Drawing, short};
use super::*;
use crate::code::Code;
use crate::code_list::label_en;
use crate::plan::schedule::{Explanation, Schedule};
use crate::plan::{StepDoneInput, steps_of};
use crate::programme_template::{DEFAULT_ACCOMPANIMENT, ProgrammeTemplateInput, newest};

/// Works holidays from Monday before to Friday after Easter 2026.
const PAUSE: (&str, &str) = ("2026-03-30", "2026-04-10");

/// What was done before.
const DONE: [(&str, &str); 6] = [
    ("kick_off", "2026-03-02"),
    ("vacancy_profile", "2026-03-09"),
    ("readiness_check", "2026-03-11"),
    ("pathway_options", "2026-03-19"),
    ("roadmap", "2026-03-23"),
    ("roadmap_signed_off", "2026-03-26"),
];

fn template() -> &'static ProgrammeTemplateInput {
    &newest(DEFAULT_ACCOMPANIMENT).unwrap().input
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// Compares with the file, or writes it.
fn reviewed(name: &str, content: &str) {
    let path = docs(name);
    if std::env::var_os("UPDATE_PROGRAMME").is_some() {
        std::fs::write(&path, content).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(content == committed, "docs/{name} is not current: run with UPDATE_PROGRAMME=1");
}

/// The run of the example: as it begins on 2 March 2026 in Hesse, and with the pause when six steps are done.
fn example(phases: &[Phase]) -> (Vec<Step>, Vec<Step>) {
    let undated = steps_of(&template().phases);
    let begun = plan("2026-03-02", phases, &undated).begun();
    let done = DONE.into_iter().fold(begun.clone(), |steps, (code, on)| {
        let input = StepDoneInput { done_on: Some(day(on)), note: None };
        let (plan, today) = (plan("2026-03-02", phases, &steps), day("2026-03-27"));
        plan.with_done(code, DateTime::default(), today, None, &actor(), &input).unwrap()
    });
    let replanned = paused(&plan("2026-03-02", phases, &done)).replanned();
    (begun, replanned)
}

fn paused<'a>(plan: &Plan<'a>) -> Plan<'a> {
    let pause = (day(PAUSE.0), day(PAUSE.1));
    Plan { calendar: Calendar::new(FederalState::Hesse, [pause]), ..plan.clone() }
}

fn phases() -> Vec<Phase> {
    template().phases.iter().map(Phase::from).collect()
}

#[test]
fn the_drawings_are_current() {
    let phases = phases();
    let (begun, replanned) = example(&phases);
    let before = plan("2026-03-02", &phases, &begun);
    let drawing = Drawing {
        title: "The 100 days, begun on Monday, 2 March 2026",
        plan: &before,
        before: None,
        pause: None,
    };
    reviewed("programme.svg", &drawing.svg());
    let drawing = Drawing {
        title: "The same run with a pause over Easter",
        plan: &paused(&plan("2026-03-02", &phases, &replanned)),
        before: Some(&before),
        pause: Some((day(PAUSE.0), day(PAUSE.1))),
    };
    reviewed("programme-pause.svg", &drawing.svg());
}

#[test]
fn the_tables_are_current() {
    let committed = std::fs::read_to_string(docs("programme.md")).unwrap_or_default();
    let current = with_section(&committed, "template", &template_table());
    let current = with_section(&current, "example", &example_table());
    reviewed("programme.md", &current);
}

/// The text with what stands between the two marks of a section replaced.
fn with_section(text: &str, name: &str, table: &str) -> String {
    let (begin, end) =
        (format!("<!-- {name}: made by a test -->\n"), format!("<!-- {name}: end -->\n"));
    let (head, rest) = text.split_once(&begin).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    format!("{head}{begin}{table}{end}{tail}")
}

fn template_table() -> String {
    let mut table = "| phase | step | who | due |\n| --- | --- | --- | --- |\n".to_owned();
    for phase in &template().phases {
        let days = format!("{}–{}", phase.from_day.unwrap(), phase.to_day.unwrap());
        let mut name = format!("**{}** ({}), days {days}", phase.label_en, phase.label_de);
        for step in &phase.steps {
            let optional = if step.mandatory { "" } else { " *(not mandatory)*" };
            let owner = label_en(StepOwner::SET, step.owner.code());
            writeln!(
                table,
                "| {name} | {}{optional} | {owner} | {} |",
                step.title_en,
                due(step.due.as_ref().unwrap(), phase.from_day.unwrap())
            )
            .unwrap();
            name.clear();
        }
    }
    table
}

/// The rule of a due date in words.
fn due(rule: &DueRule, first_day: u32) -> String {
    let from = match rule.anchor {
        DueAnchor::Start => 1,
        DueAnchor::PhaseStart => first_day,
        DueAnchor::Step => {
            let unit = label_en(DueUnit::SET, rule.unit.code());
            return format!(
                "{} {} after `{}`",
                rule.offset,
                unit.to_lowercase(),
                rule.step.as_deref().unwrap()
            );
        }
    };
    assert_eq!(rule.unit, DueUnit::CalendarDays, "a day of the programme");
    format!("day {}", from + rule.offset)
}

fn example_table() -> String {
    let phases = phases();
    let (begun, replanned) = example(&phases);
    let before = plan("2026-03-02", &phases, &begun);
    let after = paused(&plan("2026-03-02", &phases, &replanned));
    let (first, second) = (Schedule::of(&before), Schedule::of(&after));
    let mut table =
        "| step | first planned | with the pause | why |\n| --- | --- | --- | --- |\n".to_owned();
    for (at, step) in replanned.iter().enumerate() {
        let first_on = before.steps[at].planned_on.unwrap();
        let (on, why) = if let Some(done) = &step.done {
            (format!("done {}", short(done.on)), "done before: it stays".to_owned())
        } else {
            let explanation = after.explanation(&second, at).unwrap();
            let rolled = rolled(&explanation).map(|rolled| format!(", then {rolled}"));
            let on = short(step.planned_on.unwrap());
            let why =
                format!("{} paused days{}", explanation.paused_days, rolled.unwrap_or_default());
            (format!("**{on}**"), why)
        };
        let from = rolled(&before.explanation(&first, at).unwrap());
        let from = from.map(|rolled| format!(" ({rolled})")).unwrap_or_default();
        writeln!(
            table,
            "| {} | {}{from} | {on} | {why} |",
            step.definition.title_en,
            short(first_on)
        )
        .unwrap();
    }
    let (old, new) = (before.planned_end().unwrap(), after.planned_end().unwrap());
    let why = format!("{} paused days", (new - old).num_days());
    writeln!(table, "| *Last day (day 100)* | {} | **{}** | {why} |", short(old), short(new))
        .unwrap();
    table
}

/// What a date moved from.
fn rolled(explanation: &Explanation) -> Option<String> {
    let from = explanation.rolled_from?;
    let holiday = explanation.holiday.as_ref().map(|holiday| format!(", {}", holiday.name_en));
    Some(format!("on from {}{}", short(from), holiday.unwrap_or_default()))
}
