//! What logging into a closing period tells of the figures that it touches.

use serde_json::{Value, json};

use crate::harness::{PERIOD_2026, Session, WETZLAR, both};
use crate::report::submitted;

async fn closing(admin: &Session) {
    let period = format!("/funding-periods/{PERIOD_2026}");
    admin.patch(&period, 1, &json!({"status": "closing"})).await.expect(200);
}

/// The differences of the indicators, by code.
fn indicators(touched: &Value) -> Value {
    let indicators = touched["indicators"].as_array().unwrap().iter();
    indicators
        .map(|it| (it["indicator"]["code"].as_str().unwrap().to_owned(), it["difference"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn what_is_logged_into_a_closing_period_says_what_it_touches() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let micro = json!({"size": {"staff": 8}});
        let company = adviser.company("Muster GmbH", &micro).await;
        let of = |more: Value| {
            crate::harness::body(&json!({"organisation_id": company["id"], "minutes": 30}), &more)
        };
        let input = app.consultation(&adviser, &of(json!({"held_on": "2026-02-10"}))).await;
        let first = adviser.post("/consultations", &input).await.expect(201).body;
        assert_eq!(first.get("touches"), None, "the period is open");
        let quarter = submitted(&manager, &json!({"to": "2026-03-31"})).await;
        submitted(&manager, &json!({"to": "2026-01-15", "title": "Erste Tage"})).await;
        closing(&admin).await;

        // An earlier one: what was the first is a later one now.
        let earlier = of(json!({"held_on": "2026-01-20", "minutes": 45}));
        let input = app.consultation(&manager, &earlier).await;
        let key = [("Idempotency-Key", "touch-1")];
        let logged = manager.post_with("/consultations", &key, &input).await.expect(201).body;
        let touched = &logged["touches"][0];
        assert_eq!(logged["touches"].as_array().unwrap().len(), 1);
        assert_eq!(touched["funding_period"]["id"], PERIOD_2026);
        let figures = json!({"consultations": 1, "follow_up_consultations": 1, "minutes": 45});
        assert_eq!(touched["figures"], figures);
        assert_eq!(touched["dimensions"], json!(["kind"]), "the later one is no first any more");
        assert_eq!(indicators(touched)["consultations"], 1);
        assert_eq!(indicators(touched).get("organisations_advised"), None);
        let reports: Vec<&Value> =
            touched["reports"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        assert_eq!(reports, [&quarter["id"]], "the other ends before it");
        // The same again says the same.
        let again = manager.post_with("/consultations", &key, &input).await.expect(201).body;
        assert_eq!(again["touches"], logged["touches"]);

        // A company that had none: an organisation more, and one of EECO19.
        let newcomer = manager.company("Neu GmbH", &micro).await;
        let more = json!({"organisation_id": newcomer["id"], "minutes": 20});
        let input = app.consultation(&manager, &more).await;
        let new = manager.post("/consultations", &input).await.expect(201).body;
        let figures = &new["touches"][0]["figures"];
        assert_eq!((&figures["organisations"], &figures["companies"]), (&json!(1), &json!(1)));
        assert_eq!(indicators(&new["touches"][0])["eeco19"], 1);

        // Elsewhere, as many: no figure of all changes, and the report does.
        let path = format!("/consultations/{}", logged["id"].as_str().unwrap());
        let moved = manager.patch(&path, 1, &json!({"site_id": WETZLAR})).await.expect(200).body;
        let touched = &moved["touches"][0];
        assert_eq!((&touched["figures"], &touched["dimensions"]), (&json!({}), &json!(["site"])));
        assert_eq!(touched["reports"][0]["id"], quarter["id"]);
        let noted =
            manager.patch(&path, 2, &json!({"notes": "Nachgetragen."})).await.expect(200).body;
        assert_eq!(noted.get("touches"), None, "nothing that is counted");
        let read = manager.get(&path).await.expect(200).body;
        assert_eq!(read.get("touches"), None);

        // Of the same day, later than the other: at another site another one is the first.
        let same_day = of(json!({"held_on": "2026-01-20", "starts_at": "16:00:00", "minutes": 20}));
        let input = app.consultation(&manager, &same_day).await;
        let other = manager.post("/consultations", &input).await.expect(201).body;
        let other = format!("/consultations/{}", other["id"].as_str().unwrap());
        let earlier = json!({"starts_at": "08:00:00"});
        manager.patch(&path, 3, &json!({"starts_at": "09:00:00"})).await.expect(200);
        let moved = manager.patch(&other, 1, &earlier).await.expect(200).body;
        let touched = &moved["touches"][0];
        assert_eq!((&touched["figures"], &touched["dimensions"]), (&json!({}), &json!(["kind"])));
        assert_eq!(touched["reports"][0]["id"], quarter["id"], "it has firsts by site");
        // What does not count touches nothing, whatever changes in it.
        let missed = of(json!({"held_on": "2026-01-21", "status": "no_show"}));
        let input = app.consultation(&manager, &missed).await;
        let missed = manager.post("/consultations", &input).await.expect(201).body;
        assert_eq!(missed.get("touches"), None);
        let missed = format!("/consultations/{}", missed["id"].as_str().unwrap());
        let video = manager.patch(&missed, 1, &json!({"channel": "phone"})).await.expect(200).body;
        assert_eq!(video.get("touches"), None);
        let came = manager.patch(&missed, 2, &json!({"status": "held"})).await.expect(200).body;
        assert_eq!(came["touches"][0]["figures"]["consultations"], 1);

        let void = format!("{path}/void");
        let reason = json!({"reason": "Doppelt"});
        let voided =
            manager.post_with(&void, &[("If-Match", "\"4\"")], &reason).await.expect(200).body;
        let figures = json!({"consultations": -1, "follow_up_consultations": -1, "minutes": -45});
        assert_eq!(voided["touches"][0]["figures"], figures);
        // What it did to figures is no part of the record, so it is not in its history either.
        let history = manager.get(&format!("{path}/history")).await.expect(200);
        assert!(!history.text.contains("touches"), "{}", history.text);
        let audit = adviser.get(&format!("{path}/history")).await.expect(200);
        assert_eq!(audit.items().len(), 5);
    });
}

#[test]
fn the_quick_log_tells_it_too() {
    both(async |app| {
        let (admin, manager) = (app.log_in("admin").await, app.log_in("manager").await);
        closing(&admin).await;
        let adviser = app.log_in("adviser").await.id().await;
        let site =
            app.log_in("adviser").await.get("/me").await.expect(200).body["site"]["id"].clone();
        let input = json!({
            "organisation": {"name": "Schnell GmbH", "create": true}, "held_on": "2026-03-02",
            "minutes": 25, "channel": "phone", "topics": ["blue_card"], "site_id": site,
            "adviser_ids": [adviser]
        });
        let logged = manager.post("/quick-log", &input).await.expect(201).body;
        let figures = &logged["consultation"]["touches"][0]["figures"];
        assert_eq!((&figures["new_organisations"], &figures["minutes"]), (&json!(1), &json!(25)));
    });
}
