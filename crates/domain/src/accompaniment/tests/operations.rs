use super::*;

pub(super) const TODAY: &str = "2026-06-05";

/// One in every state, on [`TODAY`].
pub(super) fn in_every_state() -> Vec<(&'static str, Accompaniment)> {
    let today = day(TODAY);
    let reject = RejectInput { rejected_on: None, reason: "keine Stelle".to_owned() };
    let paused =
        |from, until| active().paused(now(), today, &actor(), &pause(from, until)).unwrap();
    vec![
        ("requested", requested()),
        ("agreed", agreed()),
        ("rejected", requested().rejected(now(), today, &actor(), &reject).unwrap()),
        ("active", active()),
        ("active+pause", paused("2026-06-08", "2026-06-12")),
        ("paused", paused("2026-06-01", "2026-06-12")),
        ("completed", settled().completed(now(), today, &actor(), &complete()).unwrap()),
        ("ended_early", active().ended(now(), today, &actor(), &end()).unwrap()),
    ]
}

/// The table as a text file, so that a change shows in a review. Run with `UPDATE_OPERATIONS=1` to write it
/// anew.
#[test]
fn the_reviewed_table_is_the_table() {
    use std::fmt::Write;

    let states = in_every_state();
    let mut table = format!("{:<18}", "");
    for (name, _) in &states {
        write!(table, " {name:<13}").unwrap();
    }
    for operation in AccompanimentOperation::all() {
        table = format!("{}\n{:<18}", table.trim_end(), operation.code());
        for (_, run) in &states {
            let allowed = run.allowed(day(TODAY)).contains(&operation);
            write!(table, " {:<13}", if allowed { "yes" } else { "-" }).unwrap();
        }
    }
    table = format!("{}\n", table.trim_end());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/accompaniment/operations.txt");
    if std::env::var_os("UPDATE_OPERATIONS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    assert_eq!(table, include_str!("../operations.txt"));
}

fn attempt(run: &Accompaniment, operation: AccompanimentOperation) -> Result<Accompaniment> {
    use AccompanimentOperation as Operation;
    let (today, now, actor) = (day(TODAY), now(), actor());
    // Open in all that are under way, and after the end, so that a completed one may still do it.
    let code = "follow_up";
    let overriding = StepOverrideInput { on: day("2026-09-10"), reason: "Urlaub".to_owned() };
    match operation {
        Operation::Change => run.changed(now, &actor, &run.into(), &context(TODAY)),
        Operation::Agree => run.agreed(now, today, &actor, &AgreeInput::default()),
        Operation::Reject => {
            let input = RejectInput { rejected_on: None, reason: "x".to_owned() };
            run.rejected(now, today, &actor, &input)
        }
        Operation::Start => {
            let context = start_context(today, Some(period(FundingPeriodStatus::Open)));
            run.started(now, &actor, &StartInput::default(), &context)
        }
        Operation::SetGoals => run.with_goals(now, today, &GoalsInput { goals: Vec::new() }),
        Operation::MeasureGoals => {
            let results = vec![GoalMeasureInput {
                number: 1,
                achievement: GoalAchievement::Partly,
                note: None,
            }];
            run.with_goals_measured(now, today, &actor, &MeasureGoalsInput { results })
        }
        Operation::Pause => run.paused(now, today, &actor, &pause("2026-06-05", "2026-06-08")),
        Operation::Resume => {
            let ahead = run.status(today) == AccompanimentStatus::Active;
            let input = ResumeInput { pause: ahead.then_some(1), resumed_on: None };
            run.resumed(now, today, &actor, &input)
        }
        Operation::Replan => {
            let token = run.replan_preview(today)?.token;
            run.replanned(now, today, &ReplanInput { token })
        }
        Operation::DoStep => {
            run.with_step_done(code, now, today, &actor, &StepDoneInput::default())
        }
        Operation::WaiveStep => run.with_step_waived(code, now, today, &actor, "x"),
        Operation::ReopenStep => run.with_step_reopened(code, now, today),
        Operation::OverrideStep => run.with_step_overridden(code, now, today, &actor, &overriding),
        Operation::ClearOverride => run.without_step_override(code, now, today),
        Operation::HandOver => {
            let input = HandOverInput { to_id: Uuid::from_u128(OTHER).into(), note: None };
            run.handed_over(now, today, &actor, &input, &people())
        }
        Operation::AcceptHandOver => run.hand_over_accepted(now, today, &actor),
        Operation::DeclineHandOver => run.hand_over_declined(now, today, &actor),
        Operation::Complete => run.completed(now, today, &actor, &complete()),
        Operation::End => run.ended(now, today, &actor, &end()),
    }
}

/// What of the records of [`in_every_state`] is in the way of what their state allows.
fn in_the_way(operation: AccompanimentOperation) -> Option<&'static str> {
    use AccompanimentOperation as Operation;
    match operation {
        Operation::Replan => Some("nothing_to_replan"),
        Operation::DoStep => Some("step_waits"),
        Operation::ReopenStep => Some("step_open"),
        Operation::ClearOverride => Some("not_overridden"),
        Operation::AcceptHandOver | Operation::DeclineHandOver => Some("no_hand_over"),
        Operation::Complete => Some("steps_open"),
        _ => None,
    }
}

#[test]
fn every_operation_in_every_state_is_done_or_refused_with_what_is_possible() {
    for (name, run) in in_every_state() {
        let allowed = run.allowed(day(TODAY));
        for operation in AccompanimentOperation::all() {
            let result = attempt(&run, operation);
            let place = format!("{} when {name}: {result:?}", operation.code());
            match &result {
                Ok(new) => {
                    assert!(allowed.contains(&operation), "{place}");
                    assert_eq!(new.version, run.version + 1, "{place}");
                    assert_eq!(new.as_recorded(), *new, "nothing derived is kept: {place}");
                }
                Err(Error::Conflict { code: "wrong_state", detail }) => {
                    assert!(!allowed.contains(&operation), "{place}");
                    let possible = detail.rsplit("possible now: ").next().unwrap();
                    let possible = possible.trim_end_matches('.');
                    let codes: Vec<&str> = allowed.iter().map(|allowed| allowed.code()).collect();
                    let expected =
                        if codes.is_empty() { "nothing".to_owned() } else { codes.join(", ") };
                    assert_eq!(possible, expected, "{place}");
                }
                Err(Error::Conflict { code, .. }) => {
                    assert!(allowed.contains(&operation), "{place}");
                    assert_eq!(Some(*code), in_the_way(operation), "{place}");
                }
                Err(other) => panic!("{other}: {place}"),
            }
        }
    }
}
