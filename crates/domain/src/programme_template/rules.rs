//! The rules that a template keeps, so that every run by it has dates and comes to an end.

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    ProgrammeTemplateInput, TemplateDocument, TemplatePhase, TemplateReference, TemplateStep,
    TemplateUse, purpose,
};
use crate::check::Checks;
use crate::due_rule::DueAnchor;
use crate::error::Result;

/// The longest accompaniment, two years.
pub const MAX_DAYS: u32 = 730;
pub const MAX_PHASES: usize = 20;
/// Steps of a template in all.
pub const MAX_STEPS: usize = 100;
const MAX_NAMED: usize = 20;
const MAX_PURPOSES: usize = 50;

/// What there is of the code already.
#[derive(Debug, Default)]
pub struct Context {
    /// The highest version number; 0 when there is none.
    pub latest: i32,
    /// What the other versions are used for.
    pub used_for: Option<TemplateUse>,
    pub draft: Option<TemplateReference>,
}

/// Where a step stands in the input.
#[derive(Clone, Copy)]
struct Place<'a> {
    phase: usize,
    step: usize,
    definition: &'a TemplateStep,
}

impl Place<'_> {
    fn pointer(self) -> String {
        format!("/phases/{}/steps/{}", self.phase, self.step)
    }
}

/// # Errors
/// `Invalid` with everything that is wrong.
pub fn check(input: &ProgrammeTemplateInput, context: &Context) -> Result<ProgrammeTemplateInput> {
    let mut checks = Checks::new();
    check_code(&mut checks, "/code", &input.code);
    checks.require(
        context.used_for.is_none_or(|used_for| used_for == input.used_for),
        "/use",
        "immutable",
        "must be that of the other versions of this code",
    );
    let label_de = checks.line("/label_de", &input.label_de, 200);
    let label_en = checks.line("/label_en", &input.label_en, 200);
    match input.used_for {
        TemplateUse::Accompaniment => check_accompaniment(&mut checks, input),
        TemplateUse::RecruitmentCase => check_recruitment_case(&mut checks, input),
    }
    checks.require(!input.phases.is_empty(), "/phases", "too_few", "must have at least one");
    checks.require(
        input.phases.len() <= MAX_PHASES,
        "/phases",
        "too_many",
        "must have at most 20 phases",
    );
    let phases: Vec<TemplatePhase> = input
        .phases
        .iter()
        .enumerate()
        .map(|(index, phase)| checked_phase(&mut checks, index, phase, input.used_for))
        .collect();
    let places: Vec<Place> = places(&input.phases);
    checks.require(!places.is_empty(), "/phases", "no_steps", "must have at least one step");
    checks.require(
        places.len() <= MAX_STEPS,
        "/phases",
        "too_many",
        "must have at most 100 steps in all",
    );
    // The rest compares steps with each other.
    if places.len() <= MAX_STEPS {
        check_unique(&mut checks, &input.phases, &places);
        check_references(&mut checks, &places);
        check_cycles(&mut checks, input, &places);
        check_duration(&mut checks, input, &places);
    }
    checks.finish()?;
    Ok(ProgrammeTemplateInput {
        used_for: input.used_for,
        code: input.code.clone(),
        label_de,
        label_en,
        duration_days: input.duration_days,
        max_pause_days: input.max_pause_days,
        procedure: input.procedure,
        purposes: input.purposes.clone(),
        phases,
    })
}

fn check_code(checks: &mut Checks, pointer: &str, code: &str) {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    checks.require(
        (2..=50).contains(&code.len())
            && code.starts_with(|c: char| c.is_ascii_lowercase())
            && code.chars().all(letters),
        pointer,
        "not_a_code",
        "must be 2 to 50 lower-case letters, digits and _, beginning with a letter",
    );
}

fn check_accompaniment(checks: &mut Checks, input: &ProgrammeTemplateInput) {
    match input.duration_days {
        None => checks.fail("/duration_days", "missing", "is required for an accompaniment"),
        Some(days) => checks.range("/duration_days", days, 1, MAX_DAYS),
    }
    match input.max_pause_days {
        None => checks.fail("/max_pause_days", "missing", "is required for an accompaniment"),
        Some(days) => checks.range("/max_pause_days", days, 0, MAX_DAYS),
    }
    let only_cases = "must be absent: it is of recruitment cases";
    checks.require(input.procedure.is_none(), "/procedure", "not_settable", only_cases);
    checks.require(input.purposes.is_empty(), "/purposes", "not_settable", only_cases);
    let mut last = 0;
    for (index, phase) in input.phases.iter().enumerate() {
        let pointer = format!("/phases/{index}");
        let (Some(from), Some(to)) = (phase.from_day, phase.to_day) else {
            for (field, day) in [("from_day", phase.from_day), ("to_day", phase.to_day)] {
                if day.is_none() {
                    let message = "is required for an accompaniment";
                    checks.fail(format!("{pointer}/{field}"), "missing", message);
                }
            }
            continue;
        };
        if from <= last {
            let message = format!("must be after day {last}: phases follow each other");
            checks.fail(format!("{pointer}/from_day"), "overlaps", message);
        }
        let end = input.duration_days.unwrap_or(MAX_DAYS);
        if to < from || to > end {
            let message = format!("must be between {from} and {end}, the last day");
            checks.fail(format!("{pointer}/to_day"), "out_of_range", message);
        }
        last = to.max(last);
    }
}

fn check_recruitment_case(checks: &mut Checks, input: &ProgrammeTemplateInput) {
    checks.require(
        input.procedure.is_some(),
        "/procedure",
        "missing",
        "is required for recruitment cases",
    );
    checks.named("/purposes", &input.purposes, (1, MAX_PURPOSES), |code| {
        purpose(code).ok_or(("unknown", "must be a code of the list residence_purpose"))
    });
    let only_accompaniments = "must be absent: it is of accompaniments";
    for (pointer, value) in
        [("/duration_days", input.duration_days), ("/max_pause_days", input.max_pause_days)]
    {
        checks.require(value.is_none(), pointer, "not_settable", only_accompaniments);
    }
    for (index, phase) in input.phases.iter().enumerate() {
        for (field, day) in [("from_day", phase.from_day), ("to_day", phase.to_day)] {
            let pointer = format!("/phases/{index}/{field}");
            checks.require(day.is_none(), &pointer, "not_settable", only_accompaniments);
        }
    }
}

fn checked_phase(
    checks: &mut Checks,
    index: usize,
    phase: &TemplatePhase,
    used_for: TemplateUse,
) -> TemplatePhase {
    let pointer = format!("/phases/{index}");
    check_code(checks, &format!("{pointer}/code"), &phase.code);
    let steps = phase.steps.iter().enumerate();
    TemplatePhase {
        label_de: checks.line(&format!("{pointer}/label_de"), &phase.label_de, 200),
        label_en: checks.line(&format!("{pointer}/label_en"), &phase.label_en, 200),
        steps: steps
            .map(|(at, step)| {
                Arc::new(checked_step(checks, &format!("{pointer}/steps/{at}"), step, used_for))
            })
            .collect(),
        ..phase.clone()
    }
}

fn checked_step(
    checks: &mut Checks,
    pointer: &str,
    step: &TemplateStep,
    used_for: TemplateUse,
) -> TemplateStep {
    let of_accompaniment = used_for == TemplateUse::Accompaniment;
    let at = |field: &str| format!("{pointer}/{field}");
    check_code(checks, &at("code"), &step.code);
    match &step.due {
        Some(rule) => rule.check(checks, &at("due"), of_accompaniment),
        None => checks.require(
            !step.mandatory,
            &at("due"),
            "missing",
            "is required for a mandatory step",
        ),
    }
    let documents = checked_documents(checks, &at("documents"), &step.documents);
    TemplateStep {
        title_de: checks.line(&at("title_de"), &step.title_de, 200),
        title_en: checks.line(&at("title_en"), &step.title_en, 200),
        hint_de: checks.optional_prose(&at("hint_de"), step.hint_de.as_deref(), 1000),
        hint_en: checks.optional_prose(&at("hint_en"), step.hint_en.as_deref(), 1000),
        legal_basis: checks.optional_line(&at("legal_basis"), step.legal_basis.as_deref(), 100),
        documents,
        ..step.clone()
    }
}

fn checked_documents(
    checks: &mut Checks,
    pointer: &str,
    documents: &[TemplateDocument],
) -> Vec<TemplateDocument> {
    let message = &format!("must name at most {MAX_NAMED}");
    checks.require(documents.len() <= MAX_NAMED, pointer, "too_many", message);
    let documents = documents.iter().take(MAX_NAMED).enumerate();
    documents
        .map(|(at, document)| TemplateDocument {
            label_de: checks.line(&format!("{pointer}/{at}/label_de"), &document.label_de, 200),
            label_en: checks.line(&format!("{pointer}/{at}/label_en"), &document.label_en, 200),
        })
        .collect()
}

fn places(phases: &[TemplatePhase]) -> Vec<Place<'_>> {
    let phases = phases.iter().enumerate();
    phases
        .flat_map(|(phase, of)| {
            let steps = of.steps.iter().enumerate();
            steps.map(move |(step, definition)| Place { phase, step, definition })
        })
        .collect()
}

fn check_unique(checks: &mut Checks, phases: &[TemplatePhase], places: &[Place]) {
    let phases = phases.iter().enumerate();
    let phases = phases.map(|(at, phase)| (format!("/phases/{at}/code"), phase.code.as_str()));
    let steps = places
        .iter()
        .map(|place| (format!("{}/code", place.pointer()), place.definition.code.as_str()));
    for codes in [phases.collect::<Vec<_>>(), steps.collect()] {
        let mut first = HashMap::new();
        for (pointer, code) in codes {
            if let Some(first) = first.get(code) {
                let message = format!("must be another code than that at {first}");
                checks.fail(pointer, "repeated", message);
            } else {
                first.insert(code, pointer);
            }
        }
    }
}

fn find<'a>(places: &'a [Place], code: &str) -> Option<usize> {
    places.iter().position(|place: &Place<'a>| place.definition.code == code)
}

/// Every step that is named exists, is another one, and does not lie behind the end.
fn check_references(checks: &mut Checks, places: &[Place]) {
    for place in places {
        let step = place.definition;
        let known = |code: &str| match find(places, code) {
            None => Err(("unknown", "must be the code of a step of this template")),
            Some(_) if code == step.code => Err(("itself", "must be another step")),
            Some(at) => Ok(places[at].definition),
        };
        if let Some(rule) = &step.due
            && rule.anchor == DueAnchor::Step
            && let Some(code) = &rule.step
            && let Err((fault, message)) = known(code)
        {
            checks.fail(format!("{}/due/step", place.pointer()), fault, message);
        }
        let pointer = format!("{}/after", place.pointer());
        checks.named(&pointer, &step.after, (0, MAX_NAMED), |code| {
            let before = known(code)?;
            if before.after_end && !step.after_end {
                let message = "must not lie after the end: the run could never end";
                return Err(("after_end", message));
            }
            Ok(before)
        });
    }
}

/// Which steps a step leans on, and where that is said: its dates on its anchor's, its turn on what it is to
/// be done after, and on the mandatory steps of earlier phases with a gate.
fn edges(input: &ProgrammeTemplateInput, places: &[Place], from: usize) -> Vec<(usize, String)> {
    let place = places[from];
    let anchor = place.definition.due.as_ref().filter(|rule| rule.anchor == DueAnchor::Step);
    let anchor = anchor
        .and_then(|rule| find(places, rule.step.as_deref()?))
        .map(|to| (to, format!("{}/due/step", place.pointer())));
    let after = place.definition.after.iter().enumerate().filter_map(|(at, code)| {
        Some((find(places, code)?, format!("{}/after/{at}", place.pointer())))
    });
    let gated = places.iter().enumerate().filter(|(_, other)| {
        other.phase < place.phase
            && input.phases[other.phase].gate
            && other.definition.mandatory
            && !other.definition.after_end
    });
    let gated = gated.map(|(to, other)| (to, format!("/phases/{}/gate", other.phase)));
    anchor.into_iter().chain(after).chain(gated).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    OnTheWay,
    Done,
}

/// Names each cycle once, at the place that closes it.
fn check_cycles(checks: &mut Checks, input: &ProgrammeTemplateInput, places: &[Place]) {
    let mut visits = vec![Visit::Not; places.len()];
    for at in 0..places.len() {
        visit(checks, input, places, at, &mut visits, &mut Vec::new());
    }
}

fn visit(
    checks: &mut Checks,
    input: &ProgrammeTemplateInput,
    places: &[Place],
    at: usize,
    visits: &mut [Visit],
    way: &mut Vec<usize>,
) {
    if visits[at] != Visit::Not {
        return;
    }
    visits[at] = Visit::OnTheWay;
    way.push(at);
    for (to, pointer) in edges(input, places, at) {
        // A step that names itself was told so.
        if visits[to] == Visit::OnTheWay && to != at {
            let start = way.iter().position(|step| *step == to).unwrap_or_default();
            let cycle = way[start..].iter().chain([&to]);
            let codes: Vec<_> = cycle.map(|step| places[*step].definition.code.as_str()).collect();
            let message = format!("must not close a cycle: {}", codes.join(" → "));
            checks.fail(pointer, "cycle", message);
        }
        visit(checks, input, places, to, visits, way);
    }
    way.pop();
    visits[at] = Visit::Done;
}

/// A step lies outside the duration when it falls behind the last day whatever day the run starts on.
fn check_duration(checks: &mut Checks, input: &ProgrammeTemplateInput, places: &[Place]) {
    let Some(duration) = input.duration_days.filter(|days| (1..=MAX_DAYS).contains(days)) else {
        return;
    };
    for (at, place) in places.iter().enumerate().filter(|(_, place)| !place.definition.after_end) {
        let day = least_day(input, places, at, &mut vec![false; places.len()]);
        if let Some(day) = day.filter(|day| *day > duration) {
            checks.fail(
                format!("{}/due", place.pointer()),
                "outside_duration",
                format!(
                    "must not be after day {duration}, the last one; is day {day} at the least"
                ),
            );
        }
    }
}

/// The earliest day of the programme that a step can be planned for.
fn least_day(
    input: &ProgrammeTemplateInput,
    places: &[Place],
    at: usize,
    begun: &mut [bool],
) -> Option<u32> {
    // Cycles are told of elsewhere.
    if std::mem::replace(&mut begun[at], true) {
        return None;
    }
    let rule = places[at].definition.due.as_ref()?;
    let anchor = match rule.anchor {
        DueAnchor::Start => 1,
        DueAnchor::PhaseStart => input.phases[places[at].phase].from_day?,
        DueAnchor::Step => least_day(input, places, find(places, rule.step.as_deref()?)?, begun)?,
    };
    // What is out of range is told of elsewhere too.
    (rule.offset <= rule.unit.most()).then(|| anchor + rule.least_days())
}
