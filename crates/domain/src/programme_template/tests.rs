use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};

use super::*;
use crate::calendar::{Calendar, FederalState};
use crate::plan::{Horizon, Moment, Phase, Plan, Step, steps_of};

fn short() -> Value {
    json!({
        "use": "accompaniment", "code": "short_programme",
        "label_de": "Kurzbegleitung", "label_en": "Short programme",
        "duration_days": 30, "max_pause_days": 14,
        "phases": [
            {
                "code": "first", "label_de": "Erste", "label_en": "First",
                "from_day": 1, "to_day": 10, "gate": true,
                "steps": [
                    step("a", &json!({"anchor": "start", "offset": 0, "unit": "calendar_days"})),
                    step("b", &json!({"anchor": "step", "step": "a", "offset": 1, "unit": "weeks"})),
                ]
            },
            {
                "code": "second", "label_de": "Zweite", "label_en": "Second",
                "from_day": 11, "to_day": 30,
                "steps": [
                    step("c", &json!({"anchor": "phase_start", "offset": 5, "unit": "working_days"})),
                    step("d", &json!({"anchor": "step", "step": "c", "offset": 3, "unit": "calendar_days"})),
                ]
            }
        ]
    })
}

fn step(name: &str, due: &Value) -> Value {
    json!({
        "code": format!("step_{name}"), "title_de": name, "title_en": name,
        "owner": "company", "mandatory": true, "limit": "own", "due": due_of(due)
    })
}

/// Codes have two letters at least.
fn due_of(due: &Value) -> Value {
    let mut due = due.clone();
    if let Some(step) = due["step"].as_str() {
        due["step"] = json!(format!("step_{step}"));
    }
    due
}

fn template(input: &Value, context: &Context) -> Result<ProgrammeTemplate> {
    let input: ProgrammeTemplateInput = serde_json::from_value(input.clone()).unwrap();
    ProgrammeTemplate::new(Uuid::nil().into(), DateTime::default(), &input, context)
}

/// Pointers and codes of what is wrong.
fn faults(change: impl Fn(&mut Value)) -> Vec<(String, String)> {
    let mut input = short();
    change(&mut input);
    match template(&input, &Context::default()) {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(errors)) => {
            errors.into_iter().map(|error| (error.pointer, error.code)).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

fn fault(pointer: &str, code: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), code.to_owned())]
}

#[test]
fn a_fault_is_told_with_its_place() {
    let first = |at: usize, change: &dyn Fn(&mut Value)| {
        faults(|input| change(&mut input["phases"][0]["steps"][at]))
    };
    let second = |at: usize, change: &dyn Fn(&mut Value)| {
        faults(|input| change(&mut input["phases"][1]["steps"][at]))
    };
    assert_eq!(faults(|_| ()), []);
    assert_eq!(
        first(1, &|step| step["due"]["step"] = json!("nothing")),
        fault("/phases/0/steps/1/due/step", "unknown")
    );
    assert_eq!(
        first(1, &|step| step["due"]["step"] = json!("step_b")),
        fault("/phases/0/steps/1/due/step", "itself")
    );
    assert_eq!(
        first(1, &|step| step["due"] = json!({"anchor": "step", "offset": 1, "unit": "weeks"})),
        fault("/phases/0/steps/1/due/step", "missing")
    );
    assert_eq!(
        first(0, &|step| step["due"]["step"] = json!("step_b")),
        fault("/phases/0/steps/0/due/step", "not_anchored_on_a_step")
    );
    assert_eq!(
        first(0, &|step| step["due"] = Value::Null),
        fault("/phases/0/steps/0/due", "missing")
    );
    assert_eq!(
        first(0, &|step| step["code"] = json!("Step A")),
        [
            ("/phases/0/steps/0/code".to_owned(), "not_a_code".to_owned()),
            ("/phases/0/steps/1/due/step".to_owned(), "unknown".to_owned()),
        ]
    );
    assert_eq!(
        second(0, &|step| step["code"] = json!("step_b")).first().unwrap(),
        &("/phases/1/steps/0/code".to_owned(), "repeated".to_owned())
    );
    assert_eq!(
        second(1, &|step| step["after"] = json!(["step_a", "step_a"])),
        fault("/phases/1/steps/1/after/1", "repeated")
    );
    assert_eq!(
        second(0, &|step| step["due"]["offset"] = json!(1001)),
        fault("/phases/1/steps/0/due/offset", "out_of_range")
    );
    assert_eq!(
        faults(|input| input["phases"][1]["from_day"] = json!(10)),
        fault("/phases/1/from_day", "overlaps")
    );
    assert_eq!(
        faults(|input| input["phases"][1]["to_day"] = json!(31)),
        fault("/phases/1/to_day", "out_of_range")
    );
    assert_eq!(
        faults(|input| input["procedure"] = json!("regular")),
        fault("/procedure", "not_settable")
    );
    assert_eq!(
        faults(|input| input["duration_days"] = Value::Null),
        fault("/duration_days", "missing")
    );
}

#[test]
fn a_cycle_is_named_where_it_closes() {
    // By anchors.
    assert_eq!(
        faults(|input| {
            let rule = json!({"anchor": "step", "step": "step_b", "offset": 1, "unit": "weeks"});
            input["phases"][0]["steps"][0]["due"] = rule;
        }),
        fault("/phases/0/steps/1/due/step", "cycle")
    );
    // By an anchor and an order together.
    assert_eq!(
        faults(|input| input["phases"][1]["steps"][0]["after"] = json!(["step_d"])),
        fault("/phases/1/steps/1/due/step", "cycle")
    );
    // By the gate, which would wait for what waits for it.
    let found = faults(|input| input["phases"][0]["steps"][0]["after"] = json!(["step_c"]));
    assert!(found.contains(&("/phases/0/gate".to_owned(), "cycle".to_owned())), "{found:?}");
    // What is not mandatory holds no gate.
    assert_eq!(
        faults(|input| {
            let first = &mut input["phases"][0]["steps"][1];
            first["after"] = json!(["step_c"]);
            first["mandatory"] = json!(false);
        }),
        []
    );
}

#[test]
fn a_step_lies_within_the_duration() {
    let with_offset = |phase: usize, step: usize, offset: u32| {
        faults(|input| input["phases"][phase]["steps"][step]["due"]["offset"] = json!(offset))
    };
    // Day 1 and 29 days are day 30; b is a week after a.
    assert_eq!(with_offset(0, 0, 22), []);
    assert_eq!(with_offset(0, 0, 23), fault("/phases/0/steps/1/due", "outside_duration"));
    assert_eq!(
        with_offset(0, 0, 30),
        [
            ("/phases/0/steps/0/due".to_owned(), "outside_duration".to_owned()),
            ("/phases/0/steps/1/due".to_owned(), "outside_duration".to_owned()),
        ]
    );
    // Five working days are five days when they begin on a Monday: 11 + 5 + 14 is day 30.
    assert_eq!(with_offset(1, 1, 14), []);
    assert_eq!(with_offset(1, 1, 15), fault("/phases/1/steps/1/due", "outside_duration"));
    // What lies after the end by its nature may; nothing before the end leans on it.
    let after_end = |code: &str| {
        let code = code.to_owned();
        faults(move |input| {
            let steps = &mut input["phases"][1]["steps"];
            steps[1]["after_end"] = json!(true);
            steps[1]["due"]["offset"] = json!(90);
            steps[0]["after"] = json!([code.as_str()]);
        })
    };
    assert_eq!(after_end("step_b"), []);
    assert!(
        after_end("step_d")
            .contains(&("/phases/1/steps/0/after/0".to_owned(), "after_end".to_owned()))
    );
}

#[test]
fn versions_are_frozen_when_published() {
    let actor = crate::event::tests::actor();
    let now = DateTime::default();
    let draft = template(&short(), &Context::default()).unwrap();
    assert_eq!((draft.version_number, draft.status), (1, TemplateStatus::Draft));
    let input = ProgrammeTemplateInput::from(&draft);
    let longer = ProgrammeTemplateInput { duration_days: Some(40), ..input.clone() };
    assert_eq!(draft.changed(now, &longer).unwrap().duration_days, Some(40));
    let renamed = ProgrammeTemplateInput { code: "another".to_owned(), ..input.clone() };
    assert!(matches!(draft.changed(now, &renamed), Err(Error::Invalid(_))));
    let refused = |result: Result<ProgrammeTemplate>| {
        matches!(result, Err(Error::Conflict { code: "wrong_state", .. }))
    };
    assert!(refused(draft.retired(now, &actor)));

    let published = draft.published(now, &actor).unwrap();
    assert!(refused(published.changed(now, &longer)));
    assert!(refused(published.published(now, &actor)));
    let retired = published.retired(now, &actor).unwrap();
    assert!(refused(retired.retired(now, &actor)));
    assert!(refused(retired.published(now, &actor)));
    assert_eq!(retired.version, 3);

    // One draft at a time, and the next number.
    let context = Context {
        latest: 1,
        used_for: Some(TemplateUse::Accompaniment),
        draft: Some(draft.reference()),
    };
    let second = template(&short(), &context);
    assert!(matches!(second, Err(Error::Conflict { code: "draft_exists", .. })));
    let second = template(&short(), &Context { draft: None, ..context }).unwrap();
    assert_eq!(second.version_number, 2);
}

fn shipped_before(version: &Shipped) -> Option<&'static Shipped> {
    let before = shipped().iter().take_while(|shipped| shipped.id != version.id);
    before.filter(|shipped| shipped.input.code == version.input.code).last()
}

#[test]
fn a_new_version_takes_the_place_of_the_one_that_shipped_before() {
    use TemplateStatus::{Draft, Published, Retired};
    let new = newest("fast_track").unwrap();
    let old = shipped_before(new).unwrap();
    let version = |id, version_number, status| KnownVersion { id, version_number, status };
    let own = || ProgrammeTemplateId(Uuid::from_u128(9));
    let add = |there: &[KnownVersion]| {
        let addition = new.addition(there, DateTime::default()).unwrap()?;
        let template = addition.template;
        let by_program =
            |event: &Option<TemplateEvent>| event.as_ref().map(|event| event.by.is_none());
        assert_eq!(by_program(&template.published), Some(true));
        assert_eq!(by_program(&template.retired), (template.status == Retired).then_some(true));
        Some((template.version_number, template.status, addition.replaces))
    };
    assert_eq!(add(&[]), Some((1, Published, None)));
    assert_eq!(add(&[version(old.id, 1, Published)]), Some((2, Published, Some(old.id))));
    assert_eq!(add(&[version(old.id, 1, Retired), version(new.id, 2, Published)]), None);
    // A draft of theirs keeps its number, and nothing begins by it.
    let drafted = [version(old.id, 1, Published), version(own(), 2, Draft)];
    assert_eq!(add(&drafted), Some((3, Published, Some(old.id))));
    // What they published, or wanted none of, stays so.
    let theirs = [version(old.id, 1, Retired), version(own(), 2, Published)];
    assert_eq!(add(&theirs), Some((3, Retired, None)));
    assert_eq!(add(&[version(old.id, 1, Retired)]), Some((2, Retired, None)));
}

#[test]
fn the_shipped_templates_keep_the_rules() {
    let codes: Vec<&str> = shipped().iter().map(|shipped| shipped.input.code.as_str()).collect();
    assert_eq!(
        codes,
        [DEFAULT_ACCOMPANIMENT, "fast_track", "regular_visa", "fast_track", "regular_visa"]
    );
    for shipped in shipped() {
        let made = shipped.published(DateTime::default()).unwrap();
        // Nothing is normalised away: what is exported is what was imported.
        assert_eq!(ProgrammeTemplateInput::from(&made), shipped.input);
        assert_eq!(made.version_number, shipped.version_number);
        let before = shipped_before(shipped).map(|before| before.version_number);
        assert_eq!(before.unwrap_or_default() + 1, shipped.version_number);
        assert_eq!(made.id.to_string()[..34], *"01890000-0000-7000-8000-0000000006");
    }
    let fast_track = &newest("fast_track").unwrap().input;
    assert!(fast_track.purposes.contains(&"blue_card".to_owned()));
    assert!(!fast_track.purposes.contains(&"opportunity_card".to_owned()));
}

fn steps_from(template: &ProgrammeTemplateInput, start: NaiveDate) -> (Vec<Phase>, Vec<Step>) {
    let phases: Vec<Phase> = template.phases.iter().map(Phase::from).collect();
    let steps = steps_of(&template.phases);
    let plan = Plan {
        start,
        horizon: template.duration_days.map_or(Horizon::Target(None), Horizon::Days),
        calendar: Calendar::new(FederalState::Hesse, []),
        phases: &phases,
        steps: &steps,
    };
    let steps = plan.begun();
    (phases, steps)
}

/// Whatever day it starts on, the programme of 100 days ends on day 100 and the follow-up after it.
#[test]
fn the_hundred_days_are_enough() {
    let template = &newest(DEFAULT_ACCOMPANIMENT).unwrap().input;
    let first: NaiveDate = "2019-01-01".parse().unwrap();
    for start in first.iter_days().take(14 * 365) {
        let (phases, steps) = steps_from(template, start);
        let plan = Plan {
            start,
            horizon: Horizon::Days(100),
            calendar: Calendar::new(FederalState::Hesse, []),
            phases: &phases,
            steps: &steps,
        };
        let state = plan.state(start, Moment::Open);
        assert_eq!(state.track_reasons, [], "{start}");
        let follow_up = steps.iter().find(|step| step.definition.after_end).unwrap();
        assert!(follow_up.planned_on >= Some(plan.date_of_day(190)), "{start}");
    }
}

/// The statutory and usual limits of the fast track alone, all of them used up.
#[test]
fn the_fast_track_takes_longer_than_a_hundred_days() {
    let start: NaiveDate = "2026-03-02".parse().unwrap();
    let (_, steps) = steps_from(&newest("fast_track").unwrap().input, start);
    let on = |code: &str| {
        steps.iter().find(|step| step.definition.code == code).unwrap().planned_on.unwrap()
    };
    assert!((on("visa_decision") - on("recognition_filed")).num_days() > 110);
    assert_eq!(on("advice_notice"), on("work_start"));
    let never = steps.iter().filter(|step| step.planned_on.is_none());
    let never: Vec<_> = never.map(|step| step.definition.code.as_str()).collect();
    assert_eq!(never, ["early_end", "early_end_reported"]);
}
