//! What is missing before a period can be closed.

use serde_json::{Value, json};

use crate::accompaniment::begun;
use crate::harness::{PERIOD_2026, Session, WETZLAR, both, district};

async fn gaps(session: &Session) -> Vec<(String, i64)> {
    let path = format!("/funding-periods/{PERIOD_2026}/readiness");
    let readiness = session.get(&path).await.expect(200).body;
    let item =
        |item: &Value| (item["gap"].as_str().unwrap().to_owned(), item["count"].as_i64().unwrap());
    let items = readiness["items"].as_array().unwrap();
    let some = items.iter().map(item).filter(|(_, count)| *count > 0);
    some.collect()
}

#[test]
fn gaps_are_counted_where_they_are_and_closed_by_what_is_missing() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        assert_eq!(gaps(&manager).await, []);
        let company = adviser.company("Lücke GmbH", &json!({"district_id": null})).await;
        for site in [None, Some(WETZLAR)] {
            let mut more = json!({"organisation_id": company["id"]});
            if let Some(site) = site {
                more["site_id"] = json!(site);
            }
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.expect(201);
        }
        begun(&adviser, "Lauf GmbH", None, &json!({})).await;
        let event = app
            .event(
                &adviser,
                &json!({"starts_on": "2026-03-10", "ends_on": "2026-03-10",
            "status": "planned"}),
            )
            .await;
        adviser.post("/events", &event).await.expect(201);
        let expected = [
            ("without_size_class", 2),
            ("without_industry", 2),
            ("without_district", 2),
            ("event_still_planned", 1),
            ("accompaniment_without_end", 1),
        ];
        let expected: Vec<(String, i64)> =
            expected.into_iter().map(|(gap, count)| (gap.to_owned(), count)).collect();
        assert_eq!(gaps(&manager).await, expected);
        let path = format!("/funding-periods/{PERIOD_2026}/readiness");
        let found = manager.get(&path).await.expect(200).body;
        assert_eq!(found["ready"], false);
        let sites: Vec<&Value> = found["items"][0]["counts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|count| &count["site"]["name"])
            .collect();
        assert_eq!(sites, ["Frankfurt am Main", "Wetzlar"]);
        assert_eq!(found["items"][0]["changes"][2], "eeco19");
        let other = app.log_in("other.manager").await;
        assert_eq!(gaps(&other).await, []);
        for whole in ["coordinator", "admin"] {
            assert_eq!(gaps(&app.log_in(whole).await).await, expected, "{whole}");
        }

        let path = format!("/companies/{}", company["id"].as_str().unwrap());
        let known = json!({
            "size": {"staff": 5}, "industry": {"classification": "wz2008", "code": "25"}
        });
        adviser.patch(&path, 1, &known).await.expect(200);
        assert_eq!(gaps(&manager).await[0], ("without_district".to_owned(), 2));
    });
}

#[test]
fn what_only_wants_doing_is_told_too() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let whole = json!({
            "size": {"staff": 5}, "industry": {"classification": "wz2008", "code": "25"},
            "district_id": district("06412")
        });
        let company = adviser.company("Rest GmbH", &whole).await;
        let input = app.consultation(&adviser, &json!({"organisation_id": company["id"]})).await;
        let logged = adviser.post("/consultations", &input).await.expect(201).body;
        let task = json!({
            "title": "Checkliste schicken", "due_on": "2026-04-01",
            "consultation_id": logged["id"]
        });
        let task = adviser.post("/tasks", &task).await.expect(201).body;
        let held = json!({"status": "held", "starts_on": "2026-03-02", "ends_on": "2026-03-02"});
        let event = app.event(&adviser, &held).await;
        let event = adviser.post("/events", &event).await.expect(201).body;
        let gap = |gap: &str, count: i64| (gap.to_owned(), count);
        assert_eq!(
            gaps(&manager).await,
            [gap("event_without_attendance", 1), gap("follow_up_open", 1)]
        );

        // Whoever leads a consultation and works at no site today.
        let admin = app.log_in("admin").await;
        let assignments = format!("/users/{}/assignments", adviser.id().await);
        let carrier = manager.get("/me").await.expect(200).body["carrier"]["id"].clone();
        let nowhere = json!({"role": "adviser", "carrier_id": carrier, "valid_from": "2026-03-16"});
        admin.post(&assignments, &nowhere).await.expect(201);
        let expected = [
            gap("adviser_without_site", 1),
            gap("event_without_attendance", 1),
            gap("follow_up_open", 1),
        ];
        assert_eq!(gaps(&manager).await, expected);

        let attendance = format!("/events/{}/attendance", event["id"].as_str().unwrap());
        let there = json!({"participations": [{"organisation_id": company["id"], "headcount": 1}]});
        manager.post(&attendance, &there).await.expect(200);
        let done = format!("/tasks/{}/complete", task["id"].as_str().unwrap());
        manager.post_with(&done, &[("If-Match", "\"1\"")], &json!({})).await.expect(200);
        assert_eq!(gaps(&manager).await, [gap("adviser_without_site", 1)]);
        let path = format!("/funding-periods/{PERIOD_2026}/readiness");
        let ready = manager.get(&path).await.expect(200).body;
        assert_eq!(ready["ready"], true, "it changes no figure");
    });
}
