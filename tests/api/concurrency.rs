//! The double click, the stale tab, many at once.

use std::collections::HashSet;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::harness::{PERIOD_2026, POSTGRES, both, lines};

#[test]
fn two_hundred_requests_with_one_key_log_one_consultation() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let input = app.consultation(&adviser, &json!({"notes": "Einmal"})).await;
        let mut waiting = Vec::new();
        for _ in 0..200 {
            let (session, input) = (adviser.clone(), input.clone());
            waiting.push(tokio::spawn(async move {
                let key = [("Idempotency-Key", "double-click")];
                session.post_with("/consultations", &key, &input).await
            }));
        }
        let mut ids = HashSet::new();
        for answer in waiting {
            ids.insert(answer.await.unwrap().expect(201).id());
        }
        assert_eq!(ids.len(), 1);
        let all = adviser.get("/consultations?total=true").await.expect(200);
        assert_eq!(all.body["total"], 1);
    });
}

#[test]
fn of_two_changes_to_one_version_one_wins() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let input = app.consultation(&adviser, &json!({})).await;
        let logged = adviser.post("/consultations", &input).await.expect(201);
        let path = format!("/consultations/{}", logged.id());
        for version in 1..=10 {
            let change = |minutes: i64| {
                let (session, path) = (adviser.clone(), path.clone());
                tokio::spawn(async move {
                    session.patch(&path, version, &json!({"minutes": minutes})).await.status
                })
            };
            let (one, two) = (change(100 + version), change(200 + version));
            let mut statuses = [one.await.unwrap(), two.await.unwrap()];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412]);
        }
        assert_eq!(adviser.get(&path).await.expect(200).body["version"], 11);
        let history = adviser.get(&format!("{path}/history?total=true")).await.expect(200);
        assert_eq!(history.body["total"], 11, "no refused change left a trace");
    });
}

#[test]
fn many_write_at_once_and_nothing_is_lost() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let input = app.consultation(&adviser, &json!({})).await;
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let (session, input) = (adviser.clone(), input.clone());
            waiting.push(tokio::spawn(async move {
                for _ in 0..5 {
                    session.post("/consultations", &input).await.expect(201);
                }
            }));
        }
        for answer in waiting {
            answer.await.unwrap();
        }
        let all = adviser.get("/consultations?total=true").await.expect(200);
        assert_eq!(all.body["total"], 100);
    });
}

#[test]
fn a_period_does_not_shrink_under_what_is_being_entered() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let event = app.event(&adviser, &json!({})).await;
        adviser.post("/events", &event).await.expect(201);
        let consultation = app.consultation(&adviser, &json!({})).await;
        adviser.post("/consultations", &consultation).await.expect(201);
        let period = format!("/funding-periods/{PERIOD_2026}");
        for (entry, code) in [
            (
                "UPDATE events SET starts_on = '2028-12-31', ends_on = '2028-12-31'",
                "events_outside",
            ),
            ("UPDATE consultations SET held_on = '2028-12-31'", "consultations_outside"),
        ] {
            // Another server, between its look at the period and its commit.
            let mut other = app.connect();
            let begin = match app.backend {
                POSTGRES => "BEGIN; SELECT id FROM funding_periods FOR SHARE",
                _ => "BEGIN IMMEDIATE",
            };
            other.batch_execute(&format!("{begin}; {entry}")).unwrap();
            let (admin, period) = (admin.clone(), period.clone());
            let shrinking = tokio::spawn(async move {
                admin.patch(&period, 1, &json!({"ends_on": "2028-12-30"})).await
            });
            tokio::time::sleep(Duration::from_millis(500)).await;
            other.batch_execute("COMMIT").unwrap();
            shrinking.await.unwrap().problem(409, code);
        }
    });
}

/// A consultation tells its tasks that it is another organisation's: also those that are being written.
#[test]
fn a_task_is_about_the_organisation_of_its_consultation() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (one, two) = (
            adviser.company("A GmbH", &json!({})).await,
            adviser.company("B GmbH", &json!({})).await,
        );
        let of_one = app.consultation(&adviser, &json!({"organisation_id": one["id"]})).await;
        let of_one = adviser.post("/consultations", &of_one).await.expect(201).id();
        let about_it = json!({"consultation_id": of_one});
        let task = crate::task::create(&adviser, &about_it).await;
        let id = |text: &str| match app.backend {
            POSTGRES => format!("'{text}'"),
            _ => format!("x'{}'", text.replace('-', "")),
        };
        let (consultation, two) = (id(&of_one), id(two["id"].as_str().unwrap()));
        // Another server, that gives the consultation to the other organisation.
        let mut other = app.connect();
        let begin = if app.backend == POSTGRES { "BEGIN" } else { "BEGIN IMMEDIATE" };
        other
            .batch_execute(&format!(
                "{begin}; UPDATE consultations SET organisation_id = {two} WHERE id = {consultation}; \
                 UPDATE tasks SET about_organisation_id = {two} WHERE consultation_id = {consultation}"
            ))
            .unwrap();
        let (session, path) = (adviser.clone(), crate::task::path(&task));
        let renamed = tokio::spawn(async move {
            session.patch(&path, 1, &json!({"title": "Nachfassen"})).await.expect(200);
        });
        let session = adviser.clone();
        let created = tokio::spawn(async move { crate::task::create(&session, &about_it).await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        other.batch_execute("COMMIT").unwrap();
        renamed.await.unwrap();
        created.await.unwrap();
        let wrong = "SELECT t.title AS line FROM tasks t \
            JOIN consultations c ON c.id = t.consultation_id \
            WHERE t.about_organisation_id IS DISTINCT FROM c.organisation_id";
        assert_eq!(lines(&mut app.connect(), wrong), Vec::<String>::new());
    });
}
