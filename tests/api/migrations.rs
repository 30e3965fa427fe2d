//! The same steps under the same names on both databases, each with a working down.

use diesel::Connection;
use diesel::connection::SimpleConnection;
use lotse_persistence::migrations;
use serde_json::json;

use crate::harness::{POSTGRES, both};

#[test]
fn both_folders_hold_the_same_steps() {
    let names = |folder: &str| {
        let path = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> =
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn every_step_goes_down_and_up_again() {
    both(async |app| {
        let mut conn = app.connect();
        let steps = migrations::status(&mut conn).unwrap();
        assert!(!steps.is_empty() && steps.iter().all(|step| step.applied), "{steps:?}");
        assert!(migrations::is_current(&mut conn).unwrap());

        migrations::redo(&mut conn).unwrap();
        assert!(migrations::is_current(&mut conn).unwrap());

        migrations::revert_all(&mut conn).unwrap();
        let steps = migrations::status(&mut conn).unwrap();
        assert!(steps.iter().all(|step| !step.applied), "{steps:?}");
        assert_eq!(migrations::run(&mut conn).unwrap().len(), steps.len());
        assert!(migrations::run(&mut conn).unwrap().is_empty(), "a second run has nothing to do");
    });
}

#[test]
fn a_server_without_its_migrations_is_not_ready() {
    both(async |app| {
        let ready = async || {
            let url = format!("{}/health/ready", app.base);
            app.client().get(url).send().await.unwrap().status().as_u16()
        };
        assert_eq!(ready().await, 200);
        migrations::revert_all(&mut app.connect()).unwrap();
        assert_eq!(ready().await, 503);
        let live = app.client().get(format!("{}/health/live", app.base)).send().await.unwrap();
        assert_eq!(live.status(), 200);
    });
}

#[test]
fn series_of_events_keep_their_events_while_their_names_are_freed() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let series = json!({"name": "Fachtag"});
            let series = adviser.post("/event-series", &series).await.expect(201).id();
            let event = app.event(&adviser, &json!({"series_id": series})).await;
            let event = adviser.post("/events", &event).await.expect(201).body;
            seen.push(format!("/events/{}", event["id"].as_str().unwrap()));
            let archive = format!("/event-series/{series}/archive");
            let reason = json!({"reason": "Ersetzt"});
            adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        }
        let folder = if app.backend == POSTGRES { "postgres" } else { "sqlite" };
        let mut conn = app.connect();
        if app.backend != POSTGRES {
            conn.batch_execute("PRAGMA foreign_keys = ON").unwrap();
        }
        for step in ["down", "up"] {
            let path = format!(
                "{}/../migrations/{folder}/2026-01-01-000024_event_series_names/{step}.sql",
                env!("CARGO_MANIFEST_DIR")
            );
            let sql = std::fs::read_to_string(path).unwrap();
            conn.transaction(|conn| conn.batch_execute(&sql)).unwrap();
            for path in &seen {
                assert_eq!(adviser.get(path).await.expect(200).body["series"]["name"], "Fachtag");
            }
        }
    });
}
