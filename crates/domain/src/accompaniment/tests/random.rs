use chrono::{Days, TimeDelta};
use proptest::prelude::*;

use super::*;

/// What somebody tries, and on which day after the start.
#[derive(Clone, Debug)]
enum Attempt {
    Pause(i64, i64),
    Resume,
    Do(prop::sample::Index, i64),
    Waive(prop::sample::Index),
    Reopen(prop::sample::Index),
    Override(prop::sample::Index, u64),
    Clear(prop::sample::Index),
    Replan,
    Complete,
}

fn attempts() -> impl Strategy<Value = Vec<(u64, Attempt)>> {
    let index = any::<prop::sample::Index>;
    let one = prop_oneof![
        (-20..20_i64, 0..40_i64).prop_map(|(from, more)| Attempt::Pause(from, more)),
        Just(Attempt::Resume),
        (index(), -20..2_i64).prop_map(|(step, on)| Attempt::Do(step, on)),
        index().prop_map(Attempt::Waive),
        index().prop_map(Attempt::Reopen),
        (index(), 0..200_u64).prop_map(|(step, on)| Attempt::Override(step, on)),
        index().prop_map(Attempt::Clear),
        Just(Attempt::Replan),
        Just(Attempt::Complete),
    ];
    prop::collection::vec((0..12_u64, one), 1..25)
}

proptest! {
    /// Whatever is tried one after the other: what was fixed stays fixed, and a pause moves what it moves by the
    /// rules and nothing else.
    #[test]
    fn what_is_recorded_stays_true(attempts in attempts()) {
        let mut run = active();
        let start = run.started_on.unwrap();
        let baseline: Vec<_> = run.steps.iter().map(|step| step.baseline_on).collect();
        let mut today = start;
        for (later, attempt) in attempts {
            today = today + Days::new(later);
            let code = |index: prop::sample::Index| {
                run.steps[index.index(run.steps.len())].definition.code.clone()
            };
            let on = |days: i64| today + TimeDelta::days(days);
            let before = run.clone();
            let pausing = matches!(attempt, Attempt::Pause(..) | Attempt::Resume);
            let replanning = matches!(attempt, Attempt::Replan);
            let result = match attempt {
                Attempt::Pause(from, more) => {
                    let input = PauseInput {
                        from: Some(on(from)), until: on(from + more), reason: "x".to_owned(),
                    };
                    run.paused(now(), today, &actor(), &input)
                }
                Attempt::Resume => run.resumed(now(), today, &actor(), &ResumeInput::default()),
                Attempt::Do(step, days) => {
                    let input = StepDoneInput { done_on: Some(on(days)), note: None };
                    run.with_step_done(&code(step), now(), today, &actor(), &input)
                }
                Attempt::Waive(step) => run.with_step_waived(&code(step), now(), today, &actor(), "x"),
                Attempt::Reopen(step) => run.with_step_reopened(&code(step), now(), today),
                Attempt::Override(step, days) => {
                    let input = StepOverrideInput { on: start + Days::new(days), reason: "x".to_owned() };
                    run.with_step_overridden(&code(step), now(), today, &actor(), &input)
                }
                Attempt::Clear(step) => run.without_step_override(&code(step), now(), today),
                Attempt::Replan => run.replan_preview(today).and_then(|preview| {
                    run.replanned(now(), today, &ReplanInput { token: preview.token })
                }),
                Attempt::Complete => run.completed(now(), today, &actor(), &complete()),
            };
            let Ok(new) = result else { continue };
            run = new;
            prop_assert_eq!(
                run.steps.iter().map(|step| step.baseline_on).collect::<Vec<_>>(), baseline.clone()
            );
            prop_assert!(run.calendar().all_paused_days() <= 60);
            for (old, new) in before.steps.iter().zip(&run.steps) {
                // What was reopened, or lost its override, has the date that its rule gives.
                let comes_back = !old.moves() && new.moves();
                if comes_back {
                    let by_rule = run.planned().unwrap().replanned();
                    let code = &new.definition.code;
                    let by_rule = by_rule.iter().find(|step| step.definition.code == *code).unwrap();
                    prop_assert_eq!(by_rule.planned_on, new.planned_on);
                } else if !old.moves() || (!pausing && !replanning) {
                    prop_assert_eq!(old.planned_on, new.planned_on);
                }
                if let (Some(was), Some(is)) = (&old.done, &new.done) {
                    prop_assert_eq!(was, is);
                }
            }
            if replanning {
                prop_assert_eq!(run.planned().unwrap().differences(run.moment()), vec![]);
            }
            for pause in run.pauses.iter().skip(before.pauses.len()) {
                prop_assert!(pause.from >= today - Days::new(7));
                let done = run.steps.iter().filter_map(|step| step.done.as_ref());
                prop_assert!(done.clone().all(|done| done.on < pause.from));
            }
            if pausing {
                // Those moved that the pause moves, to where it moves them, and the preview showed just that.
                let replanned = |run: &Accompaniment| run.planned().unwrap().replanned();
                let unmoved = Accompaniment { steps: before.steps.clone(), ..run.clone() };
                let by_rule = replanned(&before).into_iter().zip(replanned(&unmoved));
                let mut shown = Vec::new();
                for ((was, is), (old, new)) in by_rule.zip(before.steps.iter().zip(&run.steps)) {
                    let moves = old.moves() && was.planned_on != is.planned_on;
                    let expected = if moves { is.planned_on } else { old.planned_on };
                    prop_assert_eq!(new.planned_on, expected);
                    if new.planned_on != old.planned_on {
                        shown.push((new.definition.code.clone(), old.planned_on, new.planned_on));
                    }
                }
                let preview = before.preview_of(&run).differences.into_iter();
                prop_assert_eq!(preview.map(|it| (it.step.code, it.from, it.to)).collect::<Vec<_>>(), shown);
            }
            if run.completed.is_some() {
                prop_assert_eq!(run.undated().holding_up(), Vec::<&str>::new());
            }
            // Nothing was done before what comes first.
            for step in run.steps.iter().filter(|step| step.done.is_some()) {
                for first in &step.definition.after {
                    let first = run.planned().unwrap().step(first).unwrap().clone();
                    prop_assert!(!first.is_open());
                    if let Some(done) = first.done {
                        prop_assert!(done.on <= step.done.as_ref().unwrap().on);
                    }
                }
            }
            // Nor before a gate was passed.
            let place = |step: &Step| run.phases.iter().position(|it| it.code == step.phase).unwrap();
            let settled = run.steps.iter().filter(|it| it.definition.mandatory);
            for gate in settled.filter(|it| !it.definition.after_end && run.phases[place(it)].gate) {
                for later in run.steps.iter().filter(|it| place(it) > place(gate)) {
                    if let (Some(first), Some(then)) = (&gate.done, &later.done) {
                        prop_assert!(first.on <= then.on);
                    }
                }
            }
            // What is shown agrees with itself.
            let shown = run.shown(today);
            let state = shown.state.unwrap();
            let plan = state.plan.unwrap();
            prop_assert_eq!(plan.track_reasons.is_empty(), plan.track == Track::OnTrack);
            prop_assert!(plan.progress.done + plan.progress.waived <= plan.progress.of);
            prop_assert!(state.day >= Some(0));
        }
    }
}
