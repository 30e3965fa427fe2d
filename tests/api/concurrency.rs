//! The double click, the stale tab, many at once.

use std::collections::HashSet;

use serde_json::json;

use crate::harness::both;

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
