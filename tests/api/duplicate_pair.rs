//! Suspected pairs of duplicates: found by the server itself, dismissed and remembered, gone when there is nothing to
//! look at any more.

use lotse_app::duplicate_pair::{compare_all, compare_next};
use lotse_domain::id::OrganisationId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Session, TestApp, both};
use crate::merge::{id, merged, now, undo};

/// Two companies of the name, as a pair that was found. Nothing else is compared.
pub async fn found(app: &TestApp, session: &Session, name: &str) -> Value {
    let one = session.company(&format!("{name} Dublette GmbH"), &json!({})).await;
    session.company(&format!("{name} Dublette"), &json!({})).await;
    let before = id(&one).parse::<Uuid>().unwrap().as_u128() - 1;
    let after = OrganisationId(Uuid::from_u128(before));
    assert_eq!(compare_next(&app.app, Some(after)).unwrap().unwrap().organisations, 2);
    let list = session.get(&format!("/duplicates?organisation_id={}", id(&one))).await.expect(200);
    assert_eq!(list.items().len(), 1, "{}", list.text);
    list.items()[0].clone()
}

pub async fn act(session: &Session, pair: &Value, what: &str) -> Answer {
    let path = format!("/duplicates/{}/{what}", id(pair));
    let input = match what {
        "dismiss" => json!({"reason": "Zwei Betriebe einer Familie"}),
        _ => json!({}),
    };
    session.post_with(&path, &[("If-Match", &format!("\"{}\"", pair["version"]))], &input).await
}

async fn pair(session: &Session, pair: &Value) -> Value {
    session.get(&format!("/duplicates/{}", id(pair))).await.expect(200).body
}

/// Names of the pairs in a list, with score and reasons.
async fn pairs(session: &Session, query: &str) -> Vec<(String, String, f64, Value)> {
    let list = session.get(&format!("/duplicates?{query}")).await.expect(200);
    let name = |side: &Value| side["name"].as_str().unwrap().to_owned();
    let shown = list.items().iter().map(|pair| {
        let score = pair["score"].as_f64().unwrap();
        (name(&pair["first"]), name(&pair["second"]), score, pair["reasons"].clone())
    });
    shown.collect()
}

async fn change(session: &Session, record: &Value, patch: Value) {
    let current = now(session, record).await;
    let path = format!("/companies/{}", id(record));
    session.patch(&path, current["version"].as_i64().unwrap(), &patch).await.expect(200);
}

fn compared(app: &TestApp) -> usize {
    compare_all(&app.app).unwrap()
}

#[test]
fn pairs_are_found_by_all_that_tells_them() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        assert_eq!(compared(&app), 0);
        let site = json!({"website": "https://www.musterwerk.example", "vat_id": "DE100000008",
            "address": {"postcode": "63450", "city": "Hanau"}});
        adviser.company("Musterwerk Metallbau GmbH", &site).await;
        adviser.company("Musterwerk Metalbau", &json!({"website": "musterwerk.example"})).await;
        adviser.company("Beispiel AG", &json!({"vat_id": "DE100000008"})).await;
        adviser.company("Ganz anders KG", &json!({})).await;
        // An actor is no company, whatever it is called.
        adviser.actor("Musterwerk Metallbau", "other").await;
        adviser.actor("Musterkammer", "other").await;
        adviser.actor("Musterkamer", "other").await;
        assert_eq!(compared(&app), 7);
        assert_eq!(compared(&app), 0, "what did not change is not looked at again");

        let all = pairs(&manager, "").await;
        let shown: Vec<_> =
            all.iter().map(|(a, b, score, _)| (a.as_str(), b.as_str(), *score)).collect();
        assert_eq!(
            shown[..2],
            [
                ("Musterwerk Metallbau GmbH", "Beispiel AG", 1.0),
                ("Musterwerk Metallbau GmbH", "Musterwerk Metalbau", 0.9),
            ]
        );
        assert_eq!((shown[2].0, shown[2].1), ("Musterkammer", "Musterkamer"));
        assert_eq!(all[0].3, json!(["same_vat_id"]));
        assert_eq!(all[1].3, json!(["same_domain", "similar_name"]));
        assert_eq!(all.len(), 3);

        assert_eq!(pairs(&adviser, "kind=actor").await, all[2..]);
        assert_eq!(pairs(&adviser, "min_score=0.9").await, all[..2]);
        assert_eq!(pairs(&adviser, "min_score=0.901").await, all[..1]);
        assert!(pairs(&adviser, "state=dismissed").await.is_empty());
        let counted = manager.get("/duplicates?total=true&limit=1").await.expect(200);
        assert_eq!(counted.body["total"], 3);
        let mut paged = Vec::new();
        let mut query = "limit=1".to_owned();
        loop {
            let page = manager.get(&format!("/duplicates?{query}")).await.expect(200);
            paged.extend(page.items().iter().map(|pair| pair["score"].as_f64().unwrap()));
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            query = format!("limit=1&cursor={next}");
        }
        assert_eq!(paged, all.iter().map(|pair| pair.2).collect::<Vec<_>>());
        let file = manager.get("/duplicates?format=csv").await.expect(200);
        assert!(file.text.starts_with("id,kind,first.id,first.name"), "{}", file.text);
        assert_eq!(file.text.lines().count(), 4);
        let one = &manager.get("/duplicates").await.expect(200).items()[0].clone();
        assert_eq!((&one["first"]["city"], &one["first"]["version"]), (&json!("Hanau"), &json!(1)));

        for query in ["min_score=2", "min_score=NaN", "state=merged", "kind=contact"] {
            manager.get(&format!("/duplicates?{query}")).await.problem(400, "malformed_query");
        }
        for user in ["coordinator", "admin", "data.protection"] {
            app.log_in(user).await.get("/duplicates").await.problem(403, "forbidden");
        }
    });
}

#[test]
fn a_pair_goes_when_one_changes_or_is_archived() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let open = async || pairs(&adviser, "").await.len();
        let pair_of = found(&app, &adviser, "Bauhof").await;
        let (one, two) = (&pair_of["first"], &pair_of["second"]);
        change(&adviser, two, json!({"name": "Gärtnerei Grün"})).await;
        assert_eq!(open().await, 1, "not compared yet");
        assert_eq!(compared(&app), 1);
        assert_eq!(open().await, 0);
        let settled = pair(&adviser, &pair_of).await;
        assert_eq!((&settled["state"], &settled["score"]), (&json!("settled"), &json!(0.0)));
        assert_eq!((&settled["version"], &settled["reasons"]), (&json!(2), &json!([])));
        assert_eq!(pairs(&adviser, "state=settled").await.len(), 1);

        change(&adviser, one, json!({"name": "Grün Gärtnerei"})).await;
        compared(&app);
        assert_eq!(open().await, 1, "the same pair again");
        assert_eq!(pair(&adviser, &pair_of).await["state"], "open");

        // Two differing VAT ids: they are two.
        change(&adviser, one, json!({"vat_id": "DE100000008"})).await;
        change(&adviser, two, json!({"vat_id": "DE200000005"})).await;
        compared(&app);
        assert_eq!(open().await, 0);
        change(&adviser, two, json!({"vat_id": null})).await;
        compared(&app);
        assert_eq!(open().await, 1);

        let archive = format!("/companies/{}/archive", id(two));
        let version = format!("\"{}\"", now(&adviser, two).await["version"]);
        let reason = json!({"reason": "Geschlossen"});
        adviser.post_with(&archive, &[("If-Match", &version)], &reason).await.expect(200);
        assert_eq!(open().await, 0, "at once");
        compared(&app);
        let gone = pair(&adviser, &pair_of).await;
        assert_eq!(
            (&gone["state"], &gone["second"]["archived"]),
            (&json!("settled"), &json!(true))
        );
        let manager = app.log_in("manager").await;
        act(&manager, &gone, "dismiss").await.problem(409, "settled");
        let history = format!("/duplicates/{}/history", id(&pair_of));
        let history = adviser.get(&history).await.expect(200);
        let by_nobody = history.items().iter().all(|entry| entry["by"].is_null());
        assert!(by_nobody && history.items().len() == 4, "{}", history.text);
    });
}

#[test]
fn a_dismissed_pair_is_remembered() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let pair_of = found(&app, &adviser, "Kirchmeier").await;
        let two = &pair_of["second"];
        change(&adviser, two, json!({"name": "Kirchmaier Dublette"})).await;
        compared(&app);
        let before = pair(&adviser, &pair_of).await;
        assert_eq!(before["reasons"], json!(["similar_name"]));

        act(&adviser, &before, "dismiss").await.problem(403, "forbidden");
        act(&manager, &pair_of, "dismiss").await.problem(412, "stale");
        act(&manager, &before, "restore").await.problem(409, "not_dismissed");
        let path = format!("/duplicates/{}/dismiss", id(&pair_of));
        let first = [("If-Match", "\"2\"")];
        manager.post(&path, &json!({"reason": "Zwei"})).await.problem(428, "if_match_required");
        manager
            .post_with(&path, &first, &json!({"reason": " "}))
            .await
            .violates("/reason", "empty");
        let dismissed = act(&manager, &before, "dismiss").await.expect(200).body;
        assert_eq!(dismissed["state"], "dismissed");
        assert_eq!(dismissed["dismissed"]["by"]["name"], "Test manager");
        assert_eq!(dismissed["dismissed"]["reasons"], json!(["similar_name"]));
        act(&manager, &dismissed, "dismiss").await.problem(409, "dismissed");
        assert!(pairs(&manager, "").await.is_empty());
        assert_eq!(pairs(&manager, "state=dismissed").await.len(), 1);

        // What says no more than before does not bring it back.
        change(&adviser, two, json!({"name": "Kirchmeyer Dublette"})).await;
        assert_eq!(compared(&app), 1);
        assert!(pairs(&manager, "").await.is_empty());
        change(&adviser, two, json!({"name": "Ganz anders"})).await;
        compared(&app);
        change(&adviser, two, json!({"name": "Kirchmaier Dublette"})).await;
        compared(&app);
        assert_eq!(pair(&adviser, &pair_of).await["state"], "dismissed");

        // Restored by hand, and dismissed by the manager of another carrier.
        let restored =
            act(&manager, &pair(&adviser, &pair_of).await, "restore").await.expect(200).body;
        assert_eq!((&restored["state"], &restored["dismissed"]), (&json!("open"), &Value::Null));
        let other = app.log_in("other.manager").await;
        act(&other, &restored, "dismiss").await.expect(200);

        // The same VAT id is new.
        for side in [&pair_of["first"], two] {
            change(&adviser, side, json!({"vat_id": "DE100000008"})).await;
        }
        compared(&app);
        let again = pair(&adviser, &pair_of).await;
        assert_eq!((&again["state"], &again["dismissed"]), (&json!("open"), &Value::Null));
        assert_eq!(again["reasons"], json!(["same_vat_id", "similar_name"]));
        let history = format!("/duplicates/{}/history", id(&pair_of));
        let history = manager.get(&history).await.expect(200);
        let latest = &history.items()[0];
        assert!(latest["by"].is_null(), "{latest}");
        let fields = latest["changes"].as_array().unwrap().iter();
        assert!(fields.clone().any(|change| change["field"] == "dismissed"), "{latest}");
        let people = history.items().iter().filter(|entry| !entry["by"].is_null()).count();
        assert_eq!(people, 3);
    });
}

#[test]
fn a_merge_settles_a_pair_and_undoing_it_brings_it_back() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let one = adviser.company("Hofgut Dublette GmbH", &json!({})).await;
        let two = adviser.company("Hofgut Dublette", &json!({})).await;
        let three = adviser.company("Hofgut Dublete", &json!({"website": "hofgut.example"})).await;
        assert_eq!(compared(&app), 3);
        assert_eq!(pairs(&manager, "").await.len(), 3);
        let of_both = format!("/duplicates?organisation_id={}", id(&two));
        let dismissed = manager.get(&of_both).await.expect(200).items().clone();
        let apart = dismissed.iter().find(|pair| pair["first"]["id"] == two["id"]).unwrap();
        act(&manager, apart, "dismiss").await.expect(200);

        let done = merged(&manager, &one, &two, &json!({})).await;
        assert_eq!(pairs(&manager, "").await.len(), 1, "at once");
        compared(&app);
        let left = pairs(&manager, "").await;
        assert_eq!((left.len(), left[0].1.as_str()), (1, "Hofgut Dublete"));
        assert!(pairs(&manager, "state=dismissed").await.is_empty());

        undo(&manager, &done).await.expect(200);
        assert_eq!(compared(&app), 2, "both are looked at anew");
        assert_eq!(pairs(&manager, "").await.len(), 2);
        assert_eq!(pairs(&manager, "state=dismissed").await.len(), 1, "what was said still holds");

        // From the pair to the preview of a merge.
        let list =
            manager.get(&format!("/duplicates?organisation_id={}", id(&three))).await.expect(200);
        let pair = &list.items()[0];
        let path = format!("/organisations/{}/merges?preview=true", id(&pair["first"]));
        let seen = format!("\"{}\"", pair["first"]["version"]);
        let other = json!({"other_id": pair["second"]["id"]});
        manager.post_with(&path, &[("If-Match", &seen)], &other).await.expect(200);
    });
}

#[test]
fn an_administrator_sets_from_which_scores_it_asks_and_shows() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let path = "/duplicate-settings";
        let settings = adviser.get(path).await.expect(200).body;
        assert_eq!((&settings["ask_from"], &settings["queue_from"]), (&json!(0.6), &json!(0.6)));
        found(&app, &adviser, "Steinbruch").await;
        adviser.company("Steinbruch Dublete", &json!({})).await;
        compared(&app);
        assert_eq!(pairs(&adviser, "").await.len(), 3);

        app.log_in("manager").await.patch(path, 1, &json!({})).await.problem(403, "forbidden");
        for (field, value) in [("ask_from", 0.5), ("queue_from", 1.2), ("queue_from", 0.755)] {
            let answer = admin.patch(path, 1, &json!({field: value})).await;
            answer.problem(422, "invalid");
        }
        let stricter = json!({"ask_from": 1, "queue_from": 0.95});
        let changed = admin.patch(path, 1, &stricter).await.expect(200);
        assert_eq!(changed.header("etag"), "\"2\"");
        admin.patch(path, 1, &stricter).await.problem(412, "stale");
        assert_eq!(pairs(&adviser, "").await.len(), 1, "at once");
        assert_eq!(pairs(&adviser, "min_score=0.6").await.len(), 1);
        assert_eq!(pairs(&adviser, "state=settled").await.len(), 2);

        let misspelt = json!({"name": "Steinbruch Dublettte"});
        adviser.post("/companies", &misspelt).await.expect(201);
        let same = json!({"name": "Steinbruch Dublette AG"});
        adviser.post("/companies", &same).await.problem(409, "possible_duplicate");
        admin.patch(path, 2, &json!({"ask_from": 0.6, "queue_from": 0.6})).await.expect(200);
        adviser.post("/companies", &json!({"name": "Steinbruch Dubleette"})).await.expect(409);
        assert_eq!(pairs(&adviser, "").await.len(), 3, "found before");

        let history = admin.get("/duplicate-settings/history").await.expect(200);
        assert_eq!(history.items().len(), 2);
        assert_eq!(history.items()[1]["changes"][0]["field"], "ask_from");
    });
}
