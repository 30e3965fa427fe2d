//! The board: what is under way, by phase.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::accompaniment::{act, begun, path, request};
use crate::harness::{Answer, FRANKFURT, Session, WETZLAR, both, redacted};

/// Phase, company and day of each row.
fn rows(board: &Answer) -> Vec<(String, String, i64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let phases = board.body["phases"].as_array().unwrap();
    phases
        .iter()
        .flat_map(|phase| {
            let rows = phase["accompaniments"].as_array().unwrap();
            rows.iter().map(|row| {
                (text(&phase["code"]), text(&row["company"]["name"]), row["day"].as_i64().unwrap())
            })
        })
        .collect()
}

#[test]
fn the_board_shows_what_is_under_way_by_phase() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let me = adviser.id().await;
        begun(&adviser, "Späte GmbH", Some("2025-12-20"), &json!({})).await;
        begun(&adviser, "Frühe GmbH", Some("2026-03-12"), &json!({})).await;
        let deputy = json!({"deputy_id": me});
        begun(&colleague, "Mittlere GmbH", Some("2026-02-02"), &deputy).await;
        let paused = begun(&colleague, "Pausierte GmbH", Some("2026-03-05"), &json!({})).await;
        let pause = json!({"from": "2026-03-12", "until": "2026-03-20", "reason": "Umzug"});
        act(&colleague, &paused, "pause", &pause).await.expect(200);
        request(&adviser, "Wartende GmbH", &json!({})).await;
        let over = begun(&adviser, "Beendete GmbH", None, &json!({})).await;
        act(&adviser, &over, "end", &json!({"reason": "withdrew"})).await.expect(200);

        let board = adviser.get("/accompaniments/board").await.expect(200);
        let expected = |rows: &[(&str, &str, i64)]| {
            let row = |(phase, company, day): &(&str, &str, i64)| {
                ((*phase).to_owned(), (*company).to_owned(), *day)
            };
            rows.iter().map(row).collect::<Vec<_>>()
        };
        let all = [
            ("needs_analysis", "Pausierte GmbH", 7),
            ("needs_analysis", "Frühe GmbH", 5),
            ("recruiting", "Mittlere GmbH", 43),
            ("onboarding", "Späte GmbH", 87),
        ];
        assert_eq!(rows(&board), expected(&all));
        insta::assert_snapshot!("board", redacted(&board.body["phases"][0]));
        let filtered = async |query: &str| {
            rows(&adviser.get(&format!("/accompaniments/board?{query}")).await.expect(200))
        };
        assert_eq!(filtered("mine=true").await, expected(&all[1..]));
        assert_eq!(filtered(&format!("lead_id={me}")).await, expected(&[all[1], all[3]]));
        assert_eq!(filtered(&format!("site_id={WETZLAR}")).await, expected(&[all[0], all[2]]));
        let nobody = format!("site_id={FRANKFURT}&mine=true&track=at_risk");
        assert_eq!(filtered(&nobody).await, expected(&[]));
        assert_eq!(filtered("track=off_track").await.len(), 4);
        adviser.get("/accompaniments/board?phase=x").await.problem(400, "malformed_query");
        let other = app.log_in("other").await;
        assert_eq!(rows(&other.get("/accompaniments/board").await.expect(200)), []);
    });
}

/// Compares each row with the record that it is about.
async fn assert_board_says_what_records_say(adviser: &Session, moment: &str) {
    let board = adviser.get("/accompaniments/board").await.expect(200).body;
    let phases = board["phases"].as_array().unwrap();
    let rows: Vec<&Value> =
        phases.iter().flat_map(|phase| phase["accompaniments"].as_array().unwrap()).collect();
    assert_eq!(rows.len(), 2, "{moment}");
    for row in rows {
        let run = adviser.get(&path(row)).await.expect(200).body;
        let (state, plan) = (&run["state"], &run["state"]["plan"]);
        for (of_row, of_run) in [
            ("company", &run["company"]),
            ("site", &run["site"]),
            ("lead", &run["lead"]),
            ("deputy", &run["deputy"]),
            ("status", &state["status"]),
            ("day", &state["day"]),
            ("planned_end_on", &state["planned_end_on"]),
            ("paused_until", &state["paused_until"]),
            ("progress", &plan["progress"]),
            ("track", &plan["track"]),
            ("track_reasons", &plan["track_reasons"]),
            ("next_step", &plan["next_step"]),
            ("version", &run["version"]),
        ] {
            assert_eq!(&row[of_row], of_run, "{of_row}, {moment}");
        }
    }
}

/// Also when it was looked at before: what is derived is kept in memory.
#[test]
fn a_board_says_what_the_records_say() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let one = begun(&adviser, "Eins GmbH", Some("2026-03-16"), &json!({})).await;
        begun(&adviser, "Zwei GmbH", Some("2026-02-16"), &json!({})).await;
        assert_board_says_what_records_say(&adviser, "begun").await;
        app.advance(TimeDelta::days(20));
        let adviser = app.log_in("adviser").await;
        assert_board_says_what_records_say(&adviser, "twenty days later").await;
        let done = json!({"done_on": "2026-03-17"});
        let one = act(&adviser, &one, "milestones/kick_off/complete", &done).await.expect(200).body;
        assert_board_says_what_records_say(&adviser, "a step was done").await;
        let pause = json!({"from": "2026-04-05", "until": "2026-04-30", "reason": "Umzug"});
        act(&adviser, &one, "pause", &pause).await.expect(200);
        assert_board_says_what_records_say(&adviser, "paused").await;
        let company = format!("/companies/{}", one["company"]["id"].as_str().unwrap());
        let version = adviser.get(&company).await.expect(200).body["version"].as_i64().unwrap();
        let renamed = json!({"name": "Eins und Söhne GmbH"});
        adviser.patch(&company, version, &renamed).await.expect(200);
        assert_board_says_what_records_say(&adviser, "the company was renamed").await;
    });
}
