//! Indicators: their versions, their values, and what a new version would change.

use serde_json::{Value, json};

use crate::accompaniment::begun;
use crate::harness::{
    Answer, BWHW, FRANKFURT, PERIOD_2026, Session, WETZLAR, body, both, redacted,
};

pub fn input(code: &str) -> Value {
    json!({
        "code": code, "label_de": "Blaue Karte", "label_en": "Blue Card",
        "text_de": "Beratungen zur Blauen Karte.", "text_en": "Consultations about the Blue Card.",
        "rule": {
            "subject": "consultations", "figure": "consultations",
            "conditions": [{"dimension": "topic", "codes": ["blue_card"]}]
        }
    })
}

pub async fn draft(admin: &Session, code: &str) -> Value {
    admin.post("/indicators", &input(code)).await.expect(201).body
}

pub async fn act(session: &Session, indicator: &Value, what: &str) -> Answer {
    let version = format!("\"{}\"", indicator["version"]);
    let path = format!("/indicators/{}/{what}", indicator["id"].as_str().unwrap());
    session.post_with(&path, &[("If-Match", &version)], &json!({})).await
}

async fn value(session: &Session, code: &str, more: &str) -> Value {
    let path = format!("/indicators/values?funding_period_id={PERIOD_2026}{more}");
    let values = session.get(&path).await.expect(200).body;
    let values = values["values"].as_array().unwrap();
    let found = values.iter().find(|value| value["indicator"]["code"] == code).unwrap();
    found["value"].clone()
}

#[test]
fn a_version_is_tried_then_activated_and_the_one_before_retired() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let company = adviser.company("Zähl GmbH", &json!({})).await;
        for topics in [json!(["blue_card"]), json!(["fast_track"]), json!(["language"])] {
            let more = json!({"organisation_id": company["id"], "topics": topics});
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.expect(201);
        }
        adviser.post("/indicators", &input("blue")).await.problem(403, "forbidden");
        let first = draft(&admin, "blue").await;
        insta::assert_snapshot!("indicator", redacted(&first));
        admin.post("/indicators", &input("blue")).await.problem(409, "draft_exists");
        let active = act(&admin, &first, "activate").await.expect(200).body;
        act(&admin, &active, "activate").await.problem(409, "not_a_draft");
        assert_eq!(value(&adviser, "blue", "").await, 1);

        let wider = json!({"rule": {
            "subject": "consultations", "figure": "consultations",
            "conditions": [{"dimension": "topic", "codes": ["blue_card", "fast_track"]}]
        }});
        let second =
            admin.post("/indicators", &body(&input("blue"), &wider)).await.expect(201).body;
        assert_eq!(second["version_number"], 2);
        let path = format!(
            "/indicators/{}/trial?funding_period_id={PERIOD_2026}",
            second["id"].as_str().unwrap()
        );
        let trial = adviser.get(&path).await.expect(200).body;
        assert_eq!((&trial["value"], &trial["active_value"]), (&json!(2), &json!(1)));
        assert_eq!(
            (&trial["difference"], &trial["gained"], &trial["lost"]),
            (&json!(1), &json!(1), &json!(0))
        );
        assert_eq!(trial["gained_records"][0]["name"], "Zähl GmbH");
        let coordinator = app.log_in("coordinator").await;
        let trial = coordinator.get(&path).await.expect(200).body;
        assert_eq!((&trial["difference"], &trial["gained"]), (&json!(1), &json!(null)));
        // Who activates it sees the counts of all carriers, and no records.
        let by_admin = admin.get(&path).await.expect(200).body;
        assert_eq!((&by_admin["difference"], &by_admin["gained_records"]), (&json!(1), &json!([])));
        assert_eq!(by_admin["scope"]["kind"], "network");
        assert_eq!(value(&adviser, "blue", "").await, 1, "a trial changes nothing");

        act(&admin, &second, "activate").await.expect(200);
        assert_eq!(value(&adviser, "blue", "").await, 2);
        let versions = admin.get("/indicators?code=blue").await.expect(200);
        let states: Vec<&Value> = versions.items().iter().map(|it| &it["status"]).collect();
        assert_eq!(states, ["active", "retired"]);
        let label = json!({"label_de": "Anders"});
        let at = format!("/indicators/{}", second["id"].as_str().unwrap());
        admin.patch(&at, 2, &label).await.problem(409, "not_a_draft");
        let read = admin.get(&format!("{at}/history")).await.expect(200);
        assert_eq!(read.items().len(), 2);
    });
}

#[test]
fn codes_of_a_rule_are_those_that_figures_have() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        for (dimension, code) in [
            ("site", "frankfurt"),
            // Another form of an id that there may be.
            ("site", "01890000-0000-7000-8000-00000000ABCD"),
            ("size_class", "mikro"),
            ("quarter", "2026-Q5"),
            ("month", "2026-13"),
            ("district", "6414"),
            ("section", "C"),
            ("occupation", "263"),
            ("country", "ma"),
            ("kind", "First"),
        ] {
            let rule = json!({"rule": {
                "subject": "consultations", "figure": "consultations",
                "conditions": [{"dimension": dimension, "codes": [code]}]
            }});
            let refused = admin.post("/indicators", &body(&input("wrong"), &rule)).await;
            refused.violates("/rule/conditions/0/codes", "not_a_code");
        }
        let rule = json!({"rule": {
            "subject": "consultations", "figure": "organisations",
            "conditions": [{"dimension": "actor_type", "codes": ["job_centre"]}],
            "settings": [{"setting": "chambers_are_public", "dimension": "actor_type",
                "codes": ["chamber"]}]
        }});
        let refused = admin.post("/indicators", &body(&input("wrong"), &rule)).await;
        refused.violates("/rule/settings/0/codes", "not_a_code");
    });
}

#[test]
fn the_funders_indicators_count_by_the_first_support() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let log = async |id: &Value, held_on: &str, site: &str| {
            let more = json!({"organisation_id": id, "held_on": held_on, "site_id": site});
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.expect(201);
        };
        let small = adviser.company("Klein GmbH", &json!({"size": {"staff": 20}})).await;
        log(&small["id"], "2026-02-02", FRANKFURT).await;
        // It grows: it stays what it was when it was first supported.
        let path = format!("/companies/{}", small["id"].as_str().unwrap());
        adviser.patch(&path, 1, &json!({"size": {"staff": 900}})).await.expect(200);
        log(&small["id"], "2026-03-02", WETZLAR).await;
        let large = adviser.company("Groß AG", &json!({"size": {"staff": 900}})).await;
        log(&large["id"], "2026-02-03", FRANKFURT).await;
        let unknown = adviser.company("Unbekannt GmbH", &json!({})).await;
        log(&unknown["id"], "2026-02-03", FRANKFURT).await;
        for actor_type in ["job_centre", "chamber_industry", "trade_union"] {
            let actor = adviser.actor(&format!("Akteur {actor_type}"), actor_type).await;
            log(&actor["id"], "2026-02-04", FRANKFURT).await;
        }
        for (code, expected) in [
            ("eeco18", 1),
            ("eeco19", 1),
            ("large_companies", 1),
            ("companies_without_class", 1),
            ("companies_advised", 3),
            ("organisations_advised", 6),
            ("consultations", 7),
            ("round_tables", 0),
            ("accompaniments_started", 0),
        ] {
            assert_eq!(value(&adviser, code, "").await, expected, "{code}");
        }
        let at_wetzlar = format!("&site_id={WETZLAR}");
        assert_eq!(value(&adviser, "eeco19", &at_wetzlar).await, 1, "small at its first support");
        assert_eq!(value(&adviser, "eeco19", "&from=2026-03-01").await, 1);
        assert_eq!(value(&adviser, "large_companies", "&from=2026-03-01").await, 0);

        // Whether chambers are public is agreed with the carrier's funder.
        let carrier = format!("/carriers/{BWHW}");
        let public = json!({"chambers_are_public": true});
        admin.patch(&carrier, 1, &public).await.expect(200);
        let coordinator = app.log_in("coordinator").await;
        for session in [&adviser, &coordinator] {
            assert_eq!(value(session, "eeco18", "").await, 2);
        }
        let other = app.log_in("other").await;
        assert_eq!(value(&other, "eeco18", "").await, 0);
        let list = admin.get("/indicators?code=eeco18").await.expect(200);
        let path = format!(
            "/indicators/{}/explain?funding_period_id={PERIOD_2026}&total=true",
            list.items()[0]["id"].as_str().unwrap()
        );
        let explained = adviser.get(&path).await.expect(200).body;
        assert_eq!((&explained["value"], &explained["records"]), (&json!(2), &json!(2)));
        let names: Vec<&Value> = explained["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["organisation"]["name"])
            .collect();
        assert_eq!(names, ["Akteur job_centre", "Akteur chamber_industry"]);
        assert_eq!(explained["indicator"]["code"], "eeco18");
        assert_eq!(explained["indicator"]["version_number"], 1);

        // Each value leads to its records, also those of events and accompaniments.
        let event = json!({"status": "held", "starts_on": "2026-03-02", "ends_on": "2026-03-02"});
        let event = app.event(&adviser, &event).await;
        adviser.post("/events", &event).await.expect(201);
        begun(&adviser, "Lauf GmbH", None, &json!({})).await;
        for (question, at_least) in [("", 9), ("&from=2026-02-01", 1), (at_wetzlar.as_str(), 1)] {
            let values = format!("/indicators/values?funding_period_id={PERIOD_2026}{question}");
            let values = adviser.get(&values).await.expect(200).body;
            let mut some = 0;
            for value in values["values"].as_array().unwrap() {
                let explanation = value["explanation"].as_str().unwrap();
                let path = format!("{}&total=true", explanation.strip_prefix("/api/v1").unwrap());
                let explained = adviser.get(&path).await.expect(200).body;
                assert_eq!(explained["value"], value["value"], "{path}");
                some += i32::from(value["value"] != 0);
            }
            assert!(some >= at_least, "{question}: {some} values are not 0");
        }
    });
}

#[test]
fn a_rule_that_makes_no_sense_is_refused() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let with = |rule: Value| body(&input("wrong"), &json!({"rule": rule}));
        let topic = json!({"dimension": "topic", "codes": ["blue_card"]});
        for (rule, pointer, code) in [
            (
                json!({"subject": "consultations", "figure": "minutes", "conditions": [topic, topic]}),
                "/rule/conditions/1/dimension",
                "repeated",
            ),
            (
                json!({"subject": "events", "figure": "events",
                    "conditions": [{"dimension": "kind", "codes": []}]}),
                "/rule/conditions/0/codes",
                "out_of_range",
            ),
            (
                json!({"subject": "events", "figure": "events",
                    "conditions": [{"dimension": "kind", "codes": ["a b"]}]}),
                "/rule/conditions/0/codes",
                "not_a_code",
            ),
            (
                json!({"subject": "consultations", "figure": "actors", "settings": [{
                    "setting": "chambers_are_public", "dimension": "actor_type", "codes": ["x"]
                }]}),
                "/rule/settings/0/dimension",
                "without_condition",
            ),
        ] {
            let refused = admin.post("/indicators", &with(rule)).await;
            refused.violates(pointer, code);
        }
        let weather = with(json!({"subject": "weather", "figure": "rain"}));
        admin.post("/indicators", &weather).await.problem(422, "invalid");
        admin.post("/indicators", &input("Wrong Code")).await.violates("/code", "not_a_code");
    });
}
