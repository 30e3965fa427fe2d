//! The audit log as a whole.

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use serde_json::json;

use crate::harness::{BWHW, PASSWORD, POSTGRES, SQLITE, VSB, both, send, snapshot};

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
        let log = officer.get("/audit-log?action=created").await.expect(200);
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
        let seen = admin.get("/audit-log?action=created").await.expect(200);
        assert_eq!(seen.items()[0]["changes"], json!(null));
        assert!(!seen.text.contains("Im Vertrauen gesagt."));
        assert!(seen.items()[1]["changes"].is_array());

        for (query, count) in [
            (format!("entity_id={company}"), 1),
            ("request_id=audit-test-1".to_owned(), 1),
            ("entity_kind=consultation&action=created".to_owned(), 1),
            ("action=voided".to_owned(), 0),
            (format!("entity_id={company}&changed=false"), 0),
            (format!("carrier_id={VSB}"), 0),
            (format!("carrier_id={BWHW}"), 1),
            (
                format!(
                    "user_id={}&from=2026-03-16&to=2026-03-16&action=created",
                    adviser.id().await
                ),
                1,
            ),
            (format!("user_id={}&from=2026-03-17&action=created", adviser.id().await), 1),
            (format!("user_id={}&to=2026-03-15", adviser.id().await), 0),
        ] {
            let found = officer.get(&format!("/audit-log?total=true&{query}")).await.expect(200);
            assert_eq!(found.items().len(), count, "{query}");
            assert_eq!(found.body["total"], count, "{query}");
        }
        officer.get("/audit-log?action=looked_at").await.problem(400, "malformed_query");

        // Page by page, nothing twice and nothing lost.
        let whole = officer.get("/audit-log?limit=200&action=created").await.expect(200);
        let mut ids = Vec::new();
        let mut path = "/audit-log?limit=3&action=created".to_owned();
        loop {
            let page = officer.get(&path).await.expect(200);
            ids.extend(page.items().iter().map(|entry| entry["id"].clone()));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/audit-log?limit=3&action=created&cursor={cursor}");
        }
        let all: Vec<_> = whole.items().iter().map(|entry| entry["id"].clone()).collect();
        assert_eq!(ids, all);
        assert!(all.len() > 6);
    });
}

#[test]
fn the_database_refuses_to_change_what_was_noted() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        adviser.company("Protokoll GmbH", &json!({})).await;
        let mut conn = app.connect();
        let before = snapshot(&app, &mut conn);
        let truncate = match app.backend {
            POSTGRES => Some("TRUNCATE audit_log"),
            // SQLite has no such statement.
            SQLITE => None,
        };
        let attempts = ["UPDATE audit_log SET action = 'read'", "DELETE FROM audit_log"];
        for attempt in attempts.into_iter().chain(truncate) {
            let error = diesel::sql_query(attempt).execute(&mut conn).unwrap_err().to_string();
            assert!(error.contains("audit_log_is_append_only"), "{attempt}: {error}");
        }
        assert_eq!(snapshot(&app, &mut conn), before);
    });
}

#[test]
fn log_ins_and_what_became_of_them_are_noted() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let adviser = app.log_in("adviser").await;
        let id = adviser.id().await;
        let log_in = async |email: &str, password: &str| {
            let body = json!({"email": email, "password": password});
            let request = app.anonymous().request(reqwest::Method::POST, "/auth/login");
            send(request.header("X-Request-Id", "log-in-under-test").json(&body)).await
        };
        log_in("adviser@test.example", "my secret typed wrong").await.expect(401);
        log_in("typed-the-password-here", "x").await.expect(401);
        let tokens = log_in("adviser@test.example", PASSWORD).await.expect(200).body;
        let refresh = json!({"refresh_token": tokens["refresh_token"]});
        app.anonymous().post("/auth/refresh", &refresh).await.expect(200);
        app.anonymous().post("/auth/refresh", &refresh).await.expect(401);
        adviser.post("/auth/logout", &json!({})).await.expect(204);
        let path = format!("/users/{id}");
        admin.patch(&path, 1, &json!({"status": "suspended"})).await.expect(200);
        log_in("adviser@test.example", PASSWORD).await.expect(401);

        let log = admin.get(&format!("/audit-log?entity_id={id}")).await.expect(200);
        let told: Vec<_> = log
            .items()
            .iter()
            .map(|entry| (entry["action"].as_str().unwrap(), entry["detail"].as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("log_in_refused", Some("suspended")),
                ("changed", None),
                ("logged_out", None),
                ("token_reused", None),
                ("logged_in", None),
                ("log_in_refused", Some("wrong_password")),
                ("logged_in", None),
                ("created", None),
            ]
        );
        let by = |place: usize| log.items()[place]["by"]["id"].clone();
        assert_eq!((by(0), by(2), by(4)), (json!(null), json!(id), json!(id)));
        assert_eq!(log.items()[4]["request_id"], "log-in-under-test");
        assert!(log.items()[4]["session_id"].is_string());
        // What was typed is nowhere: it may be the password, in the wrong field too.
        let refused = admin.get("/audit-log?action=log_in_refused").await.expect(200);
        assert_eq!(refused.items()[1]["detail"], "unknown_user");
        assert_eq!(refused.items()[1]["entity_id"], json!(null));
        assert!(!refused.text.contains("secret") && !refused.text.contains("typed"));
        // The history of the user tells of changes only.
        let history = admin.get(&format!("{path}/history")).await.expect(200);
        assert_eq!(history.items().len(), 2);
    });
}

#[test]
fn who_reads_personal_data_or_is_refused_is_noted() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Protokoll GmbH", &json!({})).await;
        let company = company["id"].as_str().unwrap();
        let contacts = format!("/companies/{company}/contacts");
        let contact = json!({"name": "Cora Probstadt"});
        let contact = adviser.post(&contacts, &contact).await.expect(201).id();
        let input = app.consultation(&adviser, &json!({"organisation_id": company})).await;
        let consultation = adviser.post("/consultations", &input).await.expect(201).id();

        let (other, coordinator) = (app.log_in("other").await, app.log_in("coordinator").await);
        adviser.get(&contacts).await.expect(200);
        adviser.get(&format!("/contacts/{contact}")).await.expect(200);
        adviser.get(&format!("/contacts/{contact}/history")).await.expect(200);
        adviser.get("/consultations").await.expect(200);
        adviser.get(&format!("/consultations/{consultation}")).await.expect(200);
        // A legal entity is no person, and what was not shown was not read.
        adviser.get(&format!("/companies/{company}")).await.expect(200);
        let trader = adviser.company("Cora Probstadt", &json!({"legal_form": "freelance"})).await;
        let trader = trader["id"].as_str().unwrap();
        adviser.get(&format!("/companies/{trader}")).await.expect(200);
        other.get(&format!("/contacts/{contact}")).await.expect(404);
        coordinator.get("/consultations").await.expect(403);
        coordinator.post("/carriers", &json!({"code": "X", "name": "Y"})).await.expect(403);

        let officer = app.log_in("data.protection").await;
        let log = async |query: &str| {
            let found = officer.get(&format!("/audit-log?{query}")).await.expect(200);
            let told = found.items().iter().map(|entry| {
                (entry["detail"].as_str().unwrap().to_owned(), entry["entity_id"].clone())
            });
            told.collect::<Vec<_>>()
        };
        let user = |id: String| format!("user_id={id}");
        let expected: Vec<_> = [
            ("read_register", json!(trader)),
            ("read_consultations", json!(consultation)),
            ("read_consultations", json!(null)),
            ("read_contacts", json!(contact)),
            ("read_contacts", json!(contact)),
            ("read_contacts", json!(company)),
        ]
        .map(|(detail, id)| (detail.to_owned(), id))
        .into();
        let read = log(&format!("action=read&{}", user(adviser.id().await))).await;
        assert_eq!(read, expected);
        assert_eq!(log(&format!("action=read&{}", user(other.id().await))).await, []);
        let refused = log(&format!("action=refused&{}", user(coordinator.id().await))).await;
        assert_eq!(refused[0].0, "change_network");
        assert_eq!(refused[1].0, "read_consultations");
        // The history of a record tells of changes only; who asked what is in the log itself.
        let history = adviser.get(&format!("/contacts/{contact}/history")).await.expect(200);
        assert_eq!(history.items().len(), 1);
        let own = log(&format!("action=read&{}", user(officer.id().await))).await;
        assert!(own.len() >= 3 && own.iter().all(|(detail, _)| detail == "read_audit_log"));
    });
}
