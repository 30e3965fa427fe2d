//! Changing one accompaniment never touches another: random operations on one of many, and all that does
//! not mention it is byte for byte as it was.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::accompaniment::{act, begun, path, request};
use crate::harness::{TestApp, both, snapshot};

const OPERATIONS: usize = 60;

/// What is tried: below the path of the run, with a body. Much of it is refused, which is to leave a trace
/// nowhere at all.
fn operation(steps: Vec<String>) -> impl Strategy<Value = (String, Value)> {
    let day = (0_u32..28).prop_map(|day| format!("2026-03-{:02}", day + 1));
    let step = proptest::sample::select(steps);
    let of_step = (step, day.clone(), 0..6).prop_map(|(code, day, what)| {
        let (what, body) = match what {
            0 => ("waive", json!({"reason": "Entbehrlich"})),
            1 => ("reopen", json!({})),
            2 => ("override", json!({"on": day, "reason": "Termin"})),
            3 => ("clear-override", json!({})),
            _ => ("complete", json!({"done_on": day})),
        };
        (format!("milestones/{code}/{what}"), body)
    });
    let of_run = (day.clone(), day, 0..5).prop_map(|(from, until, what)| {
        let (what, body) = match what {
            0 => ("pause", json!({"from": from, "until": until, "reason": "Ferien"})),
            1 => ("resume", json!({})),
            2 => ("goals", json!({"goals": [{"title": from}, {"title": until}]})),
            3 => ("goals/measure", json!({"results": [{"number": 1, "achievement": "partly"}]})),
            _ => ("replan", json!({})),
        };
        (what.to_owned(), body)
    });
    prop_oneof![8 => of_step, 3 => of_run]
}

/// The rows that do not mention the run.
fn others(app: &TestApp, run: &Value) -> BTreeMap<String, Vec<String>> {
    let id = run["id"].as_str().unwrap();
    let bytes = id.replace('-', "").to_uppercase();
    let mut tables = snapshot(app, &mut app.connect());
    for rows in tables.values_mut() {
        rows.retain(|row| !row.contains(id) && !row.contains(&bytes));
    }
    tables
}

#[test]
fn what_is_done_to_one_run_is_done_to_no_other() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let mut run = Value::Null;
        for number in 0..6 {
            let day = format!("2026-03-{:02}", 2 + number);
            let one = begun(&adviser, &format!("Lauf {number}"), Some(&day), &json!({})).await;
            let goals = json!({"goals": [{"title": "Ziel"}]});
            let one = act(&adviser, &one, "goals", &goals).await.expect(200).body;
            let pause = json!({"from": "2026-03-20", "until": "2026-04-06", "reason": "Ostern"});
            let one = act(&adviser, &one, "pause", &pause).await.expect(200).body;
            run = if number == 3 { one } else { run };
        }
        request(&adviser, "Nur gefragt", &json!({})).await;
        let steps = run["steps"].as_array().unwrap().iter();
        let steps = steps.map(|step| step["code"].as_str().unwrap().to_owned()).collect();
        let operation = operation(steps);
        let mut runner = TestRunner::deterministic();
        let before = others(&app, &run);
        assert!(before["accompaniment_steps"].len() > 80 && before["accompaniments"].len() == 6);
        let mut worked = 0;
        for _ in 0..OPERATIONS {
            let (what, mut body) = operation.new_tree(&mut runner).unwrap().current();
            if what == "replan" {
                let preview = act(&adviser, &run, "replan?preview=true", &json!({})).await;
                body = json!({"token": preview.body["token"]});
            }
            let answer = act(&adviser, &run, &what, &body).await;
            assert!(matches!(answer.status, 200 | 409 | 422), "{what}: {}", answer.text);
            if answer.status == 200 {
                worked += 1;
                run = answer.body;
            }
            let read = adviser.get(&path(&run)).await.expect(200).body;
            assert_eq!(read, run, "{what}: what is answered is what is stored");
        }
        act(&adviser, &run, "end", &json!({"reason": "withdrew"})).await.expect(200);
        assert!(worked > OPERATIONS / 4, "only {worked} worked");
        assert_eq!(others(&app, &run), before);
    });
}
