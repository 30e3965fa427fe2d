//! The timeline of an organisation: every record at its day, page by page, and nobody else's.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::api_key::key;
use crate::harness::{Session, TestApp, both, redacted};

/// What stands on a timeline, entry by entry: day and kind and id.
fn places(entries: &[Value]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    entries.iter().map(|e| (text(&e["on"]), text(&e["kind"]), text(&e["id"]))).collect()
}

/// All pages of a list, each of `limit` items.
async fn pages(session: &Session, path: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let and = if path.contains('?') { '&' } else { '?' };
        let page = session.get(&format!("{path}{and}limit={limit}{cursor}")).await.expect(200);
        assert!(page.items().len() <= limit);
        all.extend(page.items().iter().cloned());
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// A company that everything happened with.
async fn busy_company(app: &TestApp) -> String {
    let adviser = &app.log_in("adviser").await;
    let company = adviser.company("Verlauf GmbH", &json!({})).await["id"].clone();
    let actor = adviser.actor("Kammer", "chamber_industry").await["id"].clone();
    let mut last = Value::Null;
    for day in ["2026-01-12", "2026-03-02", "2026-03-02", "2026-03-16"] {
        let more = json!({"organisation_id": company, "held_on": day});
        let input = app.consultation(adviser, &more).await;
        last = adviser.post("/consultations", &input).await.expect(201).body;
    }
    for (about, due) in [("organisation_id", "2026-03-02"), ("consultation_id", "2026-04-01")] {
        let id = if about == "organisation_id" { &company } else { &last["id"] };
        crate::task::create(adviser, &json!({about: id, "due_on": due})).await;
    }
    let referral =
        json!({"organisation_id": company, "actor_id": actor, "referred_on": "2026-03-02"});
    crate::referral::create(adviser, &referral).await;
    for (day, more) in [
        ("2026-03-02", json!({})),
        ("2026-05-04", json!({"organiser_ids": [company]})),
        ("2026-03-03", json!({"speakers": [{"organisation_id": company}]})),
    ] {
        let event = app.event(adviser, &json!({"starts_on": day, "title": day})).await;
        let event = crate::harness::body(&event, &more);
        let event = adviser.post("/events", &event).await.expect(201).id();
        if day == "2026-03-02" {
            let under = format!("/events/{event}/participations");
            let heads = json!({"organisation_id": company, "headcount": 3});
            adviser.post(&under, &heads).await.expect(201);
        }
    }
    // The day after, when the log-in is over.
    app.advance(TimeDelta::days(1));
    let adviser = app.log_in("adviser").await;
    let id = company.as_str().unwrap().to_owned();
    adviser
        .patch(&format!("/companies/{id}"), 1, &json!({"website": "https://verlauf.example"}))
        .await
        .expect(200);
    id
}

#[test]
fn everything_stands_at_its_day() {
    both(async |app| {
        let company = busy_company(&app).await;
        let adviser = app.log_in("adviser").await;
        let path = format!("/companies/{company}/timeline");
        let whole = adviser.get(&format!("{path}?limit=200&total=true")).await.expect(200);
        let kinds: Vec<(String, String)> =
            places(whole.items()).into_iter().map(|(on, kind, _)| (on, kind)).collect();
        let of = |on: &str, kind: &str| kinds.iter().filter(|(o, k)| o == on && k == kind).count();
        assert_eq!(kinds.len(), 12, "{kinds:?}");
        assert_eq!(whole.body["total"], 12);
        assert_eq!(kinds[0], ("2026-05-04".to_owned(), "event".to_owned()));
        assert_eq!(of("2026-03-02", "consultation"), 2);
        assert_eq!(of("2026-03-02", "task"), 1);
        assert_eq!(of("2026-03-02", "referral"), 1);
        assert_eq!(of("2026-03-02", "event"), 1);
        assert_eq!(of("2026-04-01", "task"), 1, "also through the consultation");
        assert_eq!((of("2026-03-16", "change"), of("2026-03-17", "change")), (1, 1));
        let change = whole.items().iter().find(|entry| entry["on"] == "2026-03-17").unwrap();
        assert_eq!(change["change"]["changes"][0]["field"], "website");
        let event = whole.items().iter().find(|entry| entry["event"]["title"] == "2026-03-02");
        insta::assert_snapshot!("timeline_event", redacted(event.unwrap()));
        let (organised, spoken) =
            (&whole.items()[0]["event"], |entry: &&Value| entry["on"] == "2026-03-03");
        let spoken = &whole.items().iter().find(spoken).unwrap()["event"];
        assert_eq!((&organised["organises"], &organised["speaks"]), (&json!(true), &json!(false)));
        assert_eq!((&spoken["organises"], &spoken["speaks"]), (&json!(false), &json!(true)));
        for entry in whole.items() {
            let kind = entry["kind"].as_str().unwrap();
            for other in ["consultation", "event", "referral", "task", "change"] {
                assert_eq!(entry[other].is_object(), other == kind, "{entry}");
            }
        }

        // However it is paged, it is the same list, and its order is that of day and id.
        let mut sorted = places(whole.items());
        sorted.sort_by(|a, b| (&b.0, &b.2).cmp(&(&a.0, &a.2)));
        assert_eq!(places(whole.items()), sorted);
        for limit in [1, 2, 3, 5, 11, 12] {
            assert_eq!(pages(&adviser, &path, limit).await, *whole.items(), "pages of {limit}");
        }
        for (from, to) in [
            ("2026-03-02", "2026-03-02"),
            ("2026-03-17", "2026-04-30"),
            ("2026-01-01", "2026-03-16"),
        ] {
            let window = pages(&adviser, &format!("{path}?from={from}&to={to}"), 2).await;
            let inside = whole
                .items()
                .iter()
                .filter(|entry| (from..=to).contains(&entry["on"].as_str().unwrap()));
            assert_eq!(window, inside.cloned().collect::<Vec<_>>(), "{from} to {to}");
        }
        let some = pages(&adviser, &format!("{path}?kinds=task,event"), 2).await;
        assert_eq!(some.len(), 5);
        assert!(some.iter().all(|entry| entry["kind"] == "task" || entry["kind"] == "event"));
    });
}

#[test]
fn an_actor_has_one_too() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Entsandt GmbH", &json!({})).await["id"].clone();
        let office = adviser.actor("Ausländerbehörde", "immigration_authority").await["id"].clone();
        let chamber = adviser.actor("Kammer", "chamber_crafts").await["id"].clone();
        for (whom, to) in [(&company, &office), (&office, &chamber), (&company, &chamber)] {
            let referral = json!({"organisation_id": whom, "actor_id": to});
            crate::referral::create(&adviser, &referral).await;
        }
        let path = format!("/actors/{}/timeline?kinds=referral", office.as_str().unwrap());
        let all = adviser.get(&format!("{path}&total=true")).await.expect(200);
        assert_eq!(all.body["total"], 2, "referred, and referred to");
        assert_eq!(pages(&adviser, &path, 1).await, *all.items());
    });
}

#[test]
fn everybody_sees_the_own_carriers() {
    both(async |app| {
        let company = busy_company(&app).await;
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let path = format!("/companies/{company}/timeline");
        let seen = other.get(&path).await.expect(200);
        assert!(seen.items().iter().all(|entry| entry["kind"] == "change"), "{}", seen.text);
        assert_eq!(seen.items().len(), 2, "the register is shared");

        // A key sees what its other scopes let it see.
        let manager = app.log_in("manager").await;
        let (_, only) = key(&app, &manager, &["read_timeline", "read_tasks"]).await;
        let seen = only.get(&path).await.expect(200);
        assert_eq!(seen.items().len(), 2);
        assert!(seen.items().iter().all(|entry| entry["kind"] == "task"));
        only.get(&format!("{path}?kinds=task,consultation")).await.problem(403, "forbidden");
        let (_, without) = key(&app, &manager, &["read_tasks"]).await;
        without.get(&path).await.problem(403, "forbidden");

        adviser.get(&format!("{path}?kinds=visit")).await.problem(400, "malformed_query");
        adviser.get(&format!("/actors/{company}/timeline")).await.problem(404, "not_found");
        let nowhere = format!("/companies/{}/timeline", crate::hostile::NOWHERE);
        adviser.get(&nowhere).await.problem(404, "not_found");
        let page = adviser.get(&format!("{path}?limit=2")).await.expect(200);
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let another = format!("{path}?kinds=task&cursor={cursor}");
        adviser.get(&another).await.problem(400, "malformed_query");

        // Who reads it stands in the audit log.
        app.app.flush_access_log();
        let log = app.log_in("data.protection").await;
        let reads = format!("/audit-log?action=read&entity_id={company}");
        let reads = log.get(&reads).await.expect(200);
        assert!(
            reads.items().iter().any(|entry| entry["detail"] == "read_timeline"),
            "{}",
            reads.text
        );
    });
}
