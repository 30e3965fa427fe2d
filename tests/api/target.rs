//! Targets: setting them, how far they are, and who may.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{
    FRANKFURT, KASSEL, PERIOD_2019, PERIOD_2026, Session, WETZLAR, body, both, redacted,
};

pub fn input(more: &Value) -> Value {
    let input = json!({
        "funding_period_id": PERIOD_2026, "indicator": "consultations", "year": 2026, "value": 40
    });
    body(&input, more)
}

pub async fn create(manager: &Session, more: &Value) -> Value {
    manager.post("/targets", &input(more)).await.expect(201).body
}

fn path(target: &Value) -> String {
    format!("/targets/{}", target["id"].as_str().unwrap())
}

#[test]
fn a_target_tells_how_far_it_is() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let company = adviser.company("Ziel GmbH", &json!({})).await;
        for held_on in ["2026-01-12", "2026-02-02", "2026-03-02", "2026-03-09"] {
            let more = json!({"organisation_id": company["id"], "held_on": held_on});
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.expect(201);
        }
        let target = create(&manager, &json!({"note": "Zuwendungsbescheid"})).await;
        assert_eq!(target["indicator"]["code"], "consultations");
        let read = adviser.get(&path(&target)).await.expect(200).body;
        // Until 15 March 2026 there are 51 working days of 253; 4 × 253 / 51 = 19.8.
        insta::assert_snapshot!("target", redacted(&read));
        let quarter =
            create(&manager, &json!({"quarter": 1, "value": 4, "site_id": FRANKFURT})).await;
        let second = create(&manager, &json!({"quarter": 2})).await;
        let distinct = json!({"indicator": "organisations_advised", "year": null, "value": 2});
        create(&manager, &distinct).await;
        let list = adviser.get(&format!("/targets?funding_period_id={PERIOD_2026}")).await;
        let outlook: Vec<(Value, Value)> = list
            .expect(200)
            .items()
            .iter()
            .map(|it| (it["progress"]["actual"].clone(), it["progress"]["outlook"].clone()))
            .collect();
        let expected = [(4, "off_track"), (4, "reached"), (0, "not_begun"), (1, "on_track")];
        let expected: Vec<(Value, Value)> =
            expected.into_iter().map(|(actual, outlook)| (json!(actual), json!(outlook))).collect();
        assert_eq!(outlook, expected);
        app.advance(TimeDelta::days(120));
        let manager = app.log_in("manager").await;
        let missed = manager.get(&path(&second)).await.expect(200).body;
        assert_eq!(missed["progress"]["outlook"], "missed");
        let reached = manager.get(&path(&quarter)).await.expect(200).body;
        assert_eq!(reached["progress"]["percent"], 100.0);
        // The coordinator sees those of all carriers, each with the figures of its own.
        let coordinator = app.log_in("coordinator").await;
        let all = coordinator.get("/targets?total=true").await.expect(200);
        assert_eq!(all.body["total"], 4);
        let same = coordinator.get(&path(&quarter)).await.expect(200).body;
        assert_eq!(same["progress"], reached["progress"]);
    });
}

#[test]
fn a_target_is_one_for_each_indicator_time_and_place() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let (other, coordinator) =
            (app.log_in("other.manager").await, app.log_in("coordinator").await);
        let target = create(&manager, &json!({})).await;
        manager.post("/targets", &input(&json!({}))).await.problem(409, "target_exists");
        create(&manager, &json!({"site_id": FRANKFURT})).await;
        create(&other, &json!({})).await;
        for (more, pointer, code) in [
            (json!({"indicator": "none_such"}), "/indicator", "unknown"),
            (json!({"site_id": KASSEL}), "/site_id", "unknown"),
            (json!({"year": 2025}), "/year", "outside_period"),
            (json!({"year": null, "quarter": 1}), "/quarter", "without_year"),
            (json!({"quarter": 5}), "/quarter", "out_of_range"),
            (json!({"value": 0}), "/value", "out_of_range"),
        ] {
            manager.post("/targets", &input(&more)).await.violates(pointer, code);
        }
        let closed = json!({"funding_period_id": PERIOD_2019, "year": 2020});
        manager.post("/targets", &input(&closed)).await.problem(409, "funding_period_closed");
        for session in [&adviser, &coordinator] {
            session.post("/targets", &input(&json!({}))).await.problem(403, "forbidden");
        }
        other.get(&path(&target)).await.problem(404, "not_found");
        other.patch(&path(&target), 1, &json!({"value": 3})).await.problem(404, "not_found");

        let changed =
            manager.patch(&path(&target), 1, &json!({"value": 50})).await.expect(200).body;
        assert_eq!((&changed["value"], &changed["version"]), (&json!(50), &json!(2)));
        manager.patch(&path(&target), 1, &json!({"value": 60})).await.problem(412, "stale");
        let moved = json!({"year": 2027});
        manager.patch(&path(&target), 2, &moved).await.violates("/year", "immutable");
        let archive = format!("{}/archive", path(&target));
        let reason = json!({"reason": "Neuer Bescheid"});
        manager.post_with(&archive, &[("If-Match", "\"2\"")], &reason).await.expect(200);
        manager.patch(&path(&target), 3, &json!({"value": 60})).await.problem(409, "archived");
        create(&manager, &json!({"value": 60})).await;
        // What is agreed for a time stays in the period; what was given up is in nobody's way.
        let late = create(&manager, &json!({"year": 2028, "quarter": 4})).await;
        let admin = app.log_in("admin").await;
        let period = format!("/funding-periods/{PERIOD_2026}");
        let shorter = json!({"ends_on": "2028-06-30"});
        let version = admin.get(&period).await.body["version"].as_i64().unwrap();
        admin.patch(&period, version, &shorter).await.problem(409, "targets_outside");
        let given_up = format!("{}/archive", path(&late));
        manager.post_with(&given_up, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let period = admin.patch(&period, version, &shorter).await.expect(200).body;
        let all = manager.get("/targets?archived=true").await.expect(200);
        let gone = all.items().iter().find(|it| it["id"] == late["id"]).unwrap();
        assert_eq!(gone["progress"], json!(null));
        // Nobody gives one up when the period is closed.
        let of_period = format!("/funding-periods/{PERIOD_2026}");
        let mut version = period["version"].as_i64().unwrap();
        for status in ["closing", "closed"] {
            let next = json!({"status": status});
            let changed = admin.patch(&of_period, version, &next).await.expect(200).body;
            version = changed["version"].as_i64().unwrap();
        }
        let kept = manager.get("/targets").await.expect(200).items()[0].clone();
        let give_up = format!("{}/archive", path(&kept));
        let seen = format!("\"{}\"", kept["version"]);
        let refused = manager.post_with(&give_up, &[("If-Match", &seen)], &reason).await;
        refused.problem(409, "funding_period_closed");
        let history = adviser.get(&format!("{}/history", path(&target))).await.expect(200);
        assert_eq!(history.items().len(), 3);
        assert_eq!(history.items()[1]["changes"][0]["field"], "value");
    });
}

#[test]
fn targets_stand_beside_the_figures_that_they_are_for() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let company = adviser.company("Ziel GmbH", &json!({})).await;
        for (held_on, site) in [("2026-01-12", FRANKFURT), ("2026-02-02", WETZLAR)] {
            let more =
                json!({"organisation_id": company["id"], "held_on": held_on, "site_id": site});
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.expect(201);
        }
        let whole = json!({"year": null, "value": 1});
        let at = |site: &str, year: Value| json!({"site_id": site, "year": year, "value": 3});
        let quarter = json!({"quarter": 1, "value": 4});
        for more in [
            whole,
            json!({"value": 2}),
            at(FRANKFURT, json!(null)),
            at(WETZLAR, json!(2026)),
            quarter,
        ] {
            create(&manager, &more).await;
        }
        let other = app.log_in("other.manager").await;
        create(&other, &json!({"year": null, "value": 9})).await;
        let coordinator = app.log_in("coordinator").await;
        let beside = async |session: &Session, question: &str| -> Vec<(i64, i64)> {
            let path =
                format!("/statistics?funding_period_id={PERIOD_2026}&targets=true{question}");
            let found = session.get(&path).await.expect(200).body;
            let number = |value: &Value| value.as_i64().unwrap();
            let targets = found["targets"].as_array().unwrap().iter();
            targets.map(|it| (number(&it["value"]), number(&it["progress"]["actual"]))).collect()
        };
        for (question, expected) in [
            ("", vec![(1, 2)]),
            ("&from=2026-01-01&to=2026-12-31", vec![(2, 2)]),
            ("&group_by=site", vec![(1, 2), (3, 1)]),
            ("&group_by=year", vec![(1, 2), (2, 2)]),
            ("&group_by=quarter", vec![(1, 2), (4, 2)]),
            ("&group_by=site,year", vec![(1, 2), (3, 1)]),
            // Of rows that targets are not set for those of the totals.
            ("&group_by=site,channel", vec![(1, 2)]),
            // The year's is for a part of the window that no row shows.
            ("&from=2026-02-01&group_by=year", vec![]),
        ] {
            assert_eq!(beside(&adviser, question).await, expected, "{question}");
        }
        // Figures of all carriers have none; their rows have.
        assert_eq!(beside(&coordinator, "").await, []);
        assert_eq!(beside(&coordinator, "&group_by=carrier").await, [(1, 2), (9, 0)]);

        let path = format!("/statistics?funding_period_id={PERIOD_2026}");
        assert_eq!(adviser.get(&path).await.expect(200).body["targets"], json!(null));
        let filtered = format!("{path}&targets=true&filter=channel:phone");
        adviser.get(&filtered).await.problem(400, "malformed_query");
        let page = adviser.get(&format!("{path}&targets=true&format=html")).await.expect(200);
        assert!(page.text.contains("<h2>Soll und Ist</h2>"));
    });
}
