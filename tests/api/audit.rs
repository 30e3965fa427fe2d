//! The audit log as a whole.

use chrono::TimeDelta;
use serde_json::json;

use crate::harness::{BWHW, VSB, both};

#[test]
fn the_audit_log_tells_who_changed_what() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Protokoll GmbH", &json!({})).await;
        let company = company["id"].as_str().unwrap();
        app.advance(TimeDelta::days(1));
        let adviser = app.log_in("adviser").await;
        let input = json!({"organisation_id": company, "notes": "Im Vertrauen gesagt."});
        let input = app.consultation(&adviser, &input).await;
        let new = adviser.request(reqwest::Method::POST, "/consultations");
        let new = new.header("X-Request-Id", "audit-test-1").json(&input).send().await.unwrap();
        assert_eq!(new.status(), 201);

        let officer = app.log_in("data.protection").await;
        let log = officer.get("/audit-log").await.expect(200);
        let entry = &log.items()[0];
        assert_eq!(entry["entity_kind"], "consultation");
        assert_eq!(entry["action"], "created");
        assert_eq!(entry["request_id"], "audit-test-1");
        assert_eq!(entry["by"]["id"], adviser.id().await);
        assert_eq!(entry["carrier"]["id"], BWHW);
        assert!(entry["session_id"].is_string());
        assert!(log.text.contains("Im Vertrauen gesagt."));
        assert_eq!(log.items()[1]["entity_id"], company);

        // Who administers sees that it was changed, not what was said.
        let admin = app.log_in("admin").await;
        let seen = admin.get("/audit-log").await.expect(200);
        assert_eq!(seen.items()[0]["changes"], json!(null));
        assert!(!seen.text.contains("Im Vertrauen gesagt."));
        assert!(seen.items()[1]["changes"].is_array());

        for (query, count) in [
            (format!("entity_id={company}"), 1),
            ("request_id=audit-test-1".to_owned(), 1),
            ("entity_kind=consultation&action=created".to_owned(), 1),
            ("action=voided".to_owned(), 0),
            (format!("carrier_id={VSB}"), 0),
            (format!("carrier_id={BWHW}"), 1),
            (format!("user_id={}&from=2026-03-16&to=2026-03-16", adviser.id().await), 1),
            (format!("user_id={}&from=2026-03-17", adviser.id().await), 1),
            (format!("user_id={}&to=2026-03-15", adviser.id().await), 0),
        ] {
            let found = officer.get(&format!("/audit-log?total=true&{query}")).await.expect(200);
            assert_eq!(found.items().len(), count, "{query}");
            assert_eq!(found.body["total"], count, "{query}");
        }
        officer.get("/audit-log?action=looked_at").await.problem(400, "malformed_query");

        // Page by page, nothing twice and nothing lost.
        let whole = officer.get("/audit-log?limit=200").await.expect(200);
        let mut ids = Vec::new();
        let mut path = "/audit-log?limit=3".to_owned();
        loop {
            let page = officer.get(&path).await.expect(200);
            ids.extend(page.items().iter().map(|entry| entry["id"].clone()));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/audit-log?limit=3&cursor={cursor}");
        }
        let all: Vec<_> = whole.items().iter().map(|entry| entry["id"].clone()).collect();
        assert_eq!(ids, all);
        assert!(all.len() > 6);
    });
}
