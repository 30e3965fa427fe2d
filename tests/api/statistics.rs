//! The figures of consultations: what they name, their forms, and what moves them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{FRANKFURT, PERIOD_2023, PERIOD_2026, both};

#[test]
fn empty_groups_are_zero_and_the_window_before_stands_beside() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Null GmbH", &json!({})).await;
        for held_on in ["2024-02-05", "2024-05-06", "2024-05-07"] {
            let more = json!({"organisation_id": company["id"], "held_on": held_on});
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.expect(201);
        }
        let ask = async |more: &str| {
            let path = format!("/statistics?funding_period_id={PERIOD_2023}{more}");
            adviser.get(&path).await.expect(200).body
        };
        let window = "&from=2024-04-01&to=2024-06-30";
        let shown = ask(&format!("{window}&group_by=site,month&zeros=true&previous=true")).await;
        let groups: Vec<Value> = shown["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| {
                let label = |dimension: &str| group["key"][dimension]["label"].clone();
                json!([label("site"), label("month"), group["consultations"]])
            })
            .collect();
        assert_eq!(
            json!(groups),
            json!([
                ["Frankfurt am Main", "2024-04", 0],
                ["Frankfurt am Main", "2024-05", 2],
                ["Frankfurt am Main", "2024-06", 0],
                ["Wetzlar", "2024-04", 0],
                ["Wetzlar", "2024-05", 0],
                ["Wetzlar", "2024-06", 0],
            ])
        );
        assert_eq!(shown["previous"]["window"], json!({"from": "2024-01-01", "to": "2024-03-31"}));
        assert_eq!(shown["previous"]["totals"]["consultations"], 1);
        assert_eq!(shown["totals"]["new_organisations"], 0, "it was new the quarter before");
        let none = ask(&format!("{window}&filter=topic:none&group_by=site")).await;
        assert_eq!((&none["totals"]["consultations"], &none["groups"]), (&json!(0), &json!([])));
        let whole = ask("&previous=true").await;
        assert_eq!(whole["previous"]["period"]["name"], "2019–2022");
        let too_many = "&group_by=district,actor_type,topic&zeros=true";
        let path = format!("/statistics?funding_period_id={PERIOD_2023}{too_many}");
        adviser.get(&path).await.violates("zeros", "too_many_groups");
        let countries = ask("&group_by=country,channel&zeros=true").await;
        assert_eq!(countries["groups"].as_array().unwrap().len(), 1, "only what there is");
    });
}

#[test]
fn classes_are_those_of_the_day_that_was_recorded() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Wachs GmbH", &json!({})).await;
        let id = company["id"].as_str().unwrap().to_owned();
        let log = async |held_on: &str| {
            let input = json!({"organisation_id": id, "held_on": held_on});
            let input = app.consultation(&adviser, &input).await;
            adviser.post("/consultations", &input).await.expect(201)
        };
        let counted = async |dimension: &str| {
            let path = format!("/statistics?funding_period_id={PERIOD_2026}&group_by={dimension}");
            let answer = adviser.get(&path).await.expect(200).body;
            let group = |group: &Value| {
                let code = group["key"][dimension]["code"].as_str().unwrap_or("none").to_owned();
                (code, group["consultations"].as_i64().unwrap())
            };
            answer["groups"].as_array().unwrap().iter().map(group).collect::<BTreeMap<_, _>>()
        };
        let expected = |groups: &[(&str, i64)]| -> BTreeMap<String, i64> {
            groups.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect()
        };
        log("2026-02-02").await;
        assert_eq!(counted("size_class").await, expected(&[("unknown", 1)]));
        // What was not known is filled; what changes later is not what it was.
        let path = format!("/companies/{id}");
        let staff = |staff: i64| json!({"size": {"staff": staff}});
        let now = adviser.patch(&path, 1, &staff(5)).await.expect(200).body;
        assert_eq!(counted("size_class").await, expected(&[("micro", 1)]));
        let version = now["version"].as_i64().unwrap();
        let industry =
            json!({"size": {"staff": 60}, "industry": {"classification": "wz2008", "code": "25"}});
        adviser.patch(&path, version, &industry).await.expect(200);
        assert_eq!(counted("section").await, expected(&[("wz2008:C", 1)]));
        log("2026-03-02").await;
        assert_eq!(counted("size_class").await, expected(&[("medium", 1), ("micro", 1)]));
        assert_eq!(counted("first_size_class").await, expected(&[("micro", 2)]));
        // An earlier one becomes the first, with the class of the day that it was recorded on.
        log("2026-01-12").await;
        assert_eq!(counted("first_size_class").await, expected(&[("medium", 3)]));
    });
}

#[test]
fn figures_name_their_rules_window_and_scope() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let path = format!(
            "/statistics?funding_period_id={PERIOD_2023}&group_by=site,quarter&from=2024-01-01"
        );
        let answer = manager.get(&path).await.expect(200);
        insta::assert_snapshot!("statistics", crate::harness::redacted(&answer.body));
        let network = app.log_in("coordinator").await.get(&path).await.expect(200);
        assert_eq!(network.body["scope"], json!({"kind": "network", "carrier": null}));
        app.log_in("admin").await.get(&path).await.problem(403, "forbidden");
    });
}

#[test]
fn a_question_that_makes_no_sense_is_refused() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let ask = async |more: &str| {
            manager.get(&format!("/statistics?funding_period_id={PERIOD_2023}{more}")).await
        };
        for more in [
            "&group_by=site,year,topic,kind",
            "&filter=colour:red",
            "&filter=site",
            "&filter=site:here",
            "&group_by=adviser",
            "&group_by=site,site",
            "&colour=red",
            "&from=soon",
        ] {
            ask(more).await.problem(400, "malformed_query");
        }
        ask("&from=2022-12-31").await.violates("from", "outside_period");
        ask("&to=2026-01-01").await.violates("to", "outside_period");
        ask("&from=2024-02-01&to=2024-01-01").await.violates("to", "before_start");
        manager.get("/statistics").await.problem(400, "malformed_query");
        let unknown = format!("/statistics?funding_period_id={FRANKFURT}");
        manager.get(&unknown).await.problem(404, "not_found");
    });
}

#[test]
fn a_cancelled_backdated_or_voided_record_moves_the_figures_of_an_open_period() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let company = adviser.company("Zähl GmbH", &json!({})).await;
        let figures = async || {
            let path = format!(
                "/statistics?funding_period_id={PERIOD_2023}&from=2024-01-01&to=2024-12-31"
            );
            let totals = manager.get(&path).await.expect(200).body["totals"].clone();
            (totals["consultations"].clone(), totals["new_organisations"].clone())
        };
        let log = async |held_on: &str| {
            let more = json!({"organisation_id": company["id"], "held_on": held_on});
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.expect(201).id()
        };
        log("2024-05-06").await;
        assert_eq!(figures().await, (json!(1), json!(1)));
        let earlier = log("2023-05-06").await;
        assert_eq!(figures().await, (json!(1), json!(0)), "the first is now in 2023");
        let void = format!("/consultations/{earlier}/void");
        let reason = json!({"reason": "Twice"});
        adviser.post_with(&void, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        assert_eq!(figures().await, (json!(1), json!(1)));
    });
}

#[test]
fn figures_follow_a_topic_that_was_replaced_when_asked() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let company = adviser.company("Zähl GmbH", &json!({})).await;
        let log = async |topics: Value| {
            let more = json!({"organisation_id": company["id"], "topics": topics});
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.expect(201)
        };
        for topics in [
            json!(["language"]),
            json!(["language", "onboarding"]),
            json!(["onboarding", "language"]),
            json!(["language", "qualification"]),
            json!(["qualification", "language", "onboarding"]),
        ] {
            log(topics).await;
        }

        let topics = admin.get("/topics?limit=200").await.expect(200);
        let of =
            |code: &str| topics.items().iter().find(|topic| topic["code"] == code).unwrap().clone();
        let (language, onboarding) = (of("language"), of("onboarding"));
        let path = |topic: &Value| format!("/topics/{}", topic["id"].as_str().unwrap());
        let replaced = json!({"replaced_by_id": onboarding["id"], "valid_to": "2026-03-15"});
        admin.patch(&path(&language), 1, &replaced).await.expect(200);
        let replaced = json!({"replaced_by_id": language["id"], "valid_to": "2026-03-15"});
        admin.patch(&path(&of("qualification")), 1, &replaced).await.expect(200);
        let back = json!({"replaced_by_id": language["id"]});
        admin.patch(&path(&onboarding), 1, &back).await.violates("/replaced_by_id", "circle");

        let counted = async |topics: &str| {
            let path = format!(
                "/statistics?funding_period_id={PERIOD_2026}&group_by=topic&topics={topics}"
            );
            let answer = adviser.get(&path).await.expect(200).body;
            let count = |group: &Value| {
                let code = group["key"]["topic"]["code"].as_str().unwrap().to_owned();
                (code, group["consultations"].as_i64().unwrap())
            };
            answer["groups"].as_array().unwrap().iter().map(count).collect::<BTreeMap<_, _>>()
        };
        let expected = |groups: &[(&str, i64)]| -> BTreeMap<String, i64> {
            groups.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect()
        };
        let recorded = [("language", 5), ("onboarding", 3), ("qualification", 2)];
        assert_eq!(counted("recorded").await, expected(&recorded));
        assert_eq!(counted("current").await, expected(&[("onboarding", 5)]), "each once");

        // Today it is not on offer; the record of yesterday keeps it and can be changed.
        let more = json!({"topics": ["language"], "held_on": "2026-03-16"});
        let input = app.consultation(&adviser, &more).await;
        adviser.post("/consultations", &input).await.violates("/topics/0", "not_valid_on_date");
    });
}
