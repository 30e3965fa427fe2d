//! Carriers, sites, districts, coverage, funding periods, topics, users.

use serde_json::json;

use crate::harness::{
    BWHW, FRANKFURT, KASSEL, PERIOD_2019, PERIOD_2026, VSB, WETZLAR, both, district, redacted,
};

#[test]
fn reference_data_comes_with_the_migrations() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        for (list, count) in [
            ("carriers", 2),
            ("sites", 3),
            ("districts", 27),
            ("funding-periods", 3),
            ("topics", 31),
        ] {
            let answer = adviser.get(&format!("/{list}?limit=200&total=true")).await.expect(200);
            assert_eq!(answer.items().len(), count, "{list}");
            assert_eq!(answer.body["total"], count, "{list}");
        }
        let periods = adviser.get("/funding-periods").await.expect(200);
        insta::assert_snapshot!("funding_periods", redacted(&periods.body));
        let topic =
            adviser.get("/topics?group=residence&on=2024-05-31&limit=200").await.expect(200);
        assert!(topic.items().iter().all(|topic| topic["code"] != "opportunity_card"));
        let topic =
            adviser.get("/topics?group=residence&on=2024-06-01&limit=200").await.expect(200);
        assert!(topic.items().iter().any(|topic| topic["code"] == "opportunity_card"));
        let lists = adviser.get("/code-lists").await.expect(200);
        assert!(lists.items().iter().any(|list| list["set"] == "channel"));
    });
}

#[test]
fn hanau_is_a_district_of_its_own_from_2026_on() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let keys = async |on: &str| -> Vec<String> {
            let answer = adviser.get(&format!("/districts?on={on}&limit=200")).await.expect(200);
            answer.items().iter().map(|d| d["key"].as_str().unwrap().to_owned()).collect()
        };
        assert!(!keys("2025-12-31").await.contains(&"06415".to_owned()));
        assert!(keys("2026-01-01").await.contains(&"06415".to_owned()));

        let admin = app.log_in("admin").await;
        let path = format!("/districts/{}", district("06415"));
        admin.patch(&path, 1, &json!({"kind": "county"})).await.expect(200);
        let history = admin.get(&format!("{path}/history")).await.expect(200);
        let change = json!([{"field": "kind", "old": "city", "new": "county"}]);
        assert_eq!(history.items()[0]["changes"], change);
    });
}

#[test]
fn coverage_is_dated_and_may_be_shared() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let marburg = district("06534");
        let of_marburg = format!("/coverages?district_id={marburg}&on=2026-03-16");
        let shared = admin.get(&of_marburg).await.expect(200);
        let sites: Vec<_> = shared.items().iter().map(|c| c["site"]["id"].clone()).collect();
        assert_eq!(sites, [json!(WETZLAR), json!(KASSEL)]);

        let id = shared.items()[0]["id"].as_str().unwrap().to_owned();
        let end = json!({"valid_to": "2026-02-28"});
        admin.patch(&format!("/coverages/{id}"), 1, &end).await.expect(200);
        assert_eq!(admin.get(&of_marburg).await.expect(200).items().len(), 1);
        let again = json!({
            "district_id": marburg, "site_id": FRANKFURT, "valid_from": "2026-03-01"
        });
        admin.post("/coverages", &again).await.expect(201);
        admin.post("/coverages", &again).await.problem(409, "coverage_exists");
        let other = json!({"site_id": KASSEL});
        admin.patch(&format!("/coverages/{id}"), 2, &other).await.violates("", "immutable");
    });
}

#[test]
fn admins_change_the_network_and_it_has_a_history() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let carrier = json!({"code": "ABC", "name": "Another Carrier"});
        let new = admin.post("/carriers", &carrier).await.expect(201);
        assert_eq!(new.header("location"), format!("/api/v1/carriers/{}", new.id()));
        assert_eq!(new.header("etag"), "\"1\"");
        let path = format!("/carriers/{}", new.id());
        let renamed = json!({"name": "Renamed"});
        let changed = admin.patch(&path, 1, &renamed).await.expect(200);
        assert_eq!(
            (&changed.body["name"], &changed.body["code"]),
            (&json!("Renamed"), &json!("ABC"))
        );
        assert_eq!(changed.header("etag"), "\"2\"");
        let history = admin.get(&format!("{path}/history")).await.expect(200);
        insta::assert_snapshot!("carrier_history", redacted(&history.body));
        admin.post("/carriers", &carrier).await.problem(409, "carrier_code_taken");
        app.log_in("manager").await.patch(&path, 2, &renamed).await.problem(403, "forbidden");
    });
}

#[test]
fn periods_do_not_overlap() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let mut period = json!({
            "name": "2029–2031", "service_name": "IQ Servicestelle", "starts_on": "2028-12-31",
            "ends_on": "2031-12-31", "minimum_minutes": 15, "status": "planned"
        });
        admin.post("/funding-periods", &period).await.problem(409, "funding_periods_overlap");
        period["starts_on"] = json!("2029-01-01");
        let new = admin.post("/funding-periods", &period).await.expect(201);
        let earlier = json!({"starts_on": "2028-06-01"});
        admin
            .patch(&format!("/funding-periods/{}", new.id()), 1, &earlier)
            .await
            .problem(409, "funding_periods_overlap");
        // What the figures of a closed period lean on stays; and no record falls out of an open one.
        let closed = format!("/funding-periods/{PERIOD_2019}");
        let more = json!({"minimum_minutes": 30});
        admin.patch(&closed, 1, &more).await.problem(409, "funding_period_closed");
        let shorter = json!({"ends_on": "2021-12-31"});
        admin.patch(&closed, 1, &shorter).await.problem(409, "funding_period_closed");
        let adviser = app.log_in("adviser").await;
        let input = app.consultation(&adviser, &json!({"held_on": "2026-01-07"})).await;
        adviser.post("/consultations", &input).await.expect(201);
        let current = format!("/funding-periods/{PERIOD_2026}");
        let later = json!({"starts_on": "2026-02-01"});
        admin.patch(&current, 1, &later).await.problem(409, "consultations_outside");
        period["ends_on"] = json!("2028-12-31");
        admin.post("/funding-periods", &period).await.violates("/ends_on", "before_start");
        let path = format!("/funding-periods/{PERIOD_2026}");
        let wrong = json!({"minimum_minutes": 0, "name": "  "});
        let answer =
            admin.patch(&path, 1, &wrong).await.violates("/minimum_minutes", "out_of_range");
        answer.violates("/name", "empty");
    });
}

#[test]
fn sites_and_topics_keep_what_records_lean_on() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let moved = json!({"carrier_id": VSB});
        admin
            .patch(&format!("/sites/{FRANKFURT}"), 1, &moved)
            .await
            .violates("/carrier_id", "immutable");
        let site = json!({"carrier_id": FRANKFURT, "name": "X", "valid_from": "2026-01-01"});
        admin.post("/sites", &site).await.violates("/carrier_id", "unknown");
        let topics = admin.get("/topics?limit=1").await.expect(200);
        let path = format!("/topics/{}", topics.items()[0]["id"].as_str().unwrap());
        admin.patch(&path, 1, &json!({"code": "other_code"})).await.violates("/code", "immutable");
        let topic = json!({
            "code": "Blue Card", "group": "residence", "label_de": "x", "label_en": "x",
            "valid_from": "2026-01-01"
        });
        admin.post("/topics", &topic).await.violates("/code", "not_a_code");
    });
}

#[test]
fn users_have_roles_over_time() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let new = json!({
            "email": "New@Test.example", "name": "Nora Neumuster",
            "password": "a long enough password",
            "assignment": {
                "role": "adviser", "carrier_id": BWHW, "site_id": WETZLAR, "valid_from": "2026-01-01"
            }
        });
        let user = admin.post("/users", &new).await.expect(201);
        assert_eq!(user.body["email"], "new@test.example");
        assert_eq!(user.body["assignment"]["site"]["name"], "Wetzlar");
        assert!(!user.text.contains("password"), "no password or hash in an answer");
        admin.post("/users", &new).await.problem(409, "email_taken");

        let path = format!("/users/{}/assignments", user.id());
        let moved = json!({"role": "manager", "carrier_id": VSB, "site_id": KASSEL, "valid_from": "2026-03-01"});
        admin.post(&path, &moved).await.expect(201);
        let all = admin.get(&path).await.expect(200);
        let spans: Vec<_> = all
            .items()
            .iter()
            .map(|a| (a["role"].clone(), a["valid_from"].clone(), a["valid_to"].clone()))
            .collect();
        assert_eq!(
            spans,
            [
                (json!("manager"), json!("2026-03-01"), json!(null)),
                (json!("adviser"), json!("2026-01-01"), json!("2026-02-28")),
            ]
        );
        // What was, stays: an assignment does not begin before one that has begun.
        let earlier = json!({"role": "admin", "valid_from": "2025-12-01"});
        admin.post(&path, &earlier).await.problem(409, "assignment_overlaps");

        let wrong = json!({"role": "manager", "carrier_id": VSB, "site_id": FRANKFURT, "valid_from": "2026-04-01"});
        admin.post(&path, &wrong).await.violates("/site_id", "site_of_another_carrier");
        let wrong = json!({"role": "adviser", "valid_from": "2026-04-01"});
        admin.post(&path, &wrong).await.violates("/carrier_id", "carrier_and_role");

        let managers =
            admin.get(&format!("/users?role=manager&carrier_id={VSB}")).await.expect(200);
        assert_eq!(managers.items().len(), 2);
        let mut weak = new.clone();
        weak["password"] = json!("short");
        weak["email"] = json!("weak@test.example");
        admin.post("/users", &weak).await.violates("/password", "too_short");
        admin.get("/users?limit=200").await.expect(200);
        let me = admin.id().await;
        let suspend = json!({"status": "suspended"});
        admin.patch(&format!("/users/{me}"), 1, &suspend).await.problem(409, "own_account");
    });
}

#[test]
fn of_two_topics_that_replace_each_other_at_once_one_does() {
    both(async |app| {
        let (admin, second) = (app.log_in("admin").await, app.log_in("admin.2").await);
        for round in 0..10 {
            let mut topics = Vec::new();
            for name in ["one", "two"] {
                let topic = json!({"code": format!("{name}_{round}"), "group": "other",
                    "label_de": "x", "label_en": "x", "valid_from": "2026-01-01"});
                topics.push(admin.post("/topics", &topic).await.expect(201).id());
            }
            let (one, two) = (format!("/topics/{}", topics[0]), format!("/topics/{}", topics[1]));
            let (by_two, by_one) =
                (json!({"replaced_by_id": topics[1]}), json!({"replaced_by_id": topics[0]}));
            let (first, other) =
                tokio::join!(admin.patch(&one, 1, &by_two), second.patch(&two, 1, &by_one));
            let (won, lost) = if first.status == 200 { (first, other) } else { (other, first) };
            won.expect(200);
            lost.violates("/replaced_by_id", "circle");
        }
    });
}
