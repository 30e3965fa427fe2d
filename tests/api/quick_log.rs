//! The call that has just ended, in one request.

use serde_json::{Value, json};

use crate::api_key::key;
use crate::harness::{PERIOD_2026, Session, body, both, district, redacted};

const CLIENT_ID: &str = "019ce000-0000-7000-8000-0000000c0001";

fn call(more: &Value) -> Value {
    let call = json!({"minutes": 20, "channel": "phone", "topics": ["fast_track"]});
    body(&call, more)
}

async fn names(session: &Session, list: &str) -> Vec<String> {
    let list = session.get(list).await.expect(200);
    list.items().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn one_request_adds_what_is_not_there_yet() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let chamber = adviser.actor("Musterkammer", "chamber_crafts").await;
        let input = call(&json!({
            "id": CLIENT_ID,
            "organisation": {
                "name": "Musterwerk Metallbau GmbH", "legal_form": "gmbh",
                "address": {"city": "Hanau"}, "size": {"staff": 42}
            },
            "contacts": [{"name": "Cora Probstadt", "phone": "+49 69 000000"}],
            "occupations": [{"code": "26302", "workers": 2}],
            "countries": ["MA"],
            "follow_ups": [{"title": "Checkliste senden", "due_on": "2026-03-20"}],
            "referrals": [{"actor_id": chamber["id"], "reason": "Anerkennung"}],
            "notes": "Zwei Stellen."
        }));
        let logged = adviser.post("/quick-log", &input).await.expect(201);
        insta::assert_snapshot!("quick_log", redacted(&logged.body));
        let path = format!("/consultations/{CLIENT_ID}");
        assert_eq!(logged.header("location"), format!("/api/v1{path}"));
        assert_eq!(adviser.get(&path).await.expect(200).body, logged.body["consultation"]);

        let tasks = adviser.get(&format!("/tasks?consultation_id={CLIENT_ID}")).await.expect(200);
        assert_eq!(*tasks.items(), logged.body["follow_ups"].as_array().unwrap()[..]);
        let list = format!("/referrals?consultation_id={CLIENT_ID}");
        let referrals = adviser.get(&list).await.expect(200);
        assert_eq!(*referrals.items(), logged.body["referrals"].as_array().unwrap()[..]);

        // The next call: what is there is found, however it is typed.
        let again = call(&json!({
            "organisation": {"name": "MUSTERWERK  Metallbau GmbH"},
            "contacts": [{"name": "cora probstadt"}, {"name": "Dario Beispiel"}]
        }));
        let second = adviser.post("/quick-log", &again).await.expect(201).body;
        assert_eq!(second["organisation_created"], false);
        let (first, second) = (&logged.body["consultation"], &second["consultation"]);
        assert_eq!(second["organisation"], first["organisation"]);
        assert_eq!(second["contacts"][0], first["contacts"][0]);
        assert_eq!(second["kind"], "follow_up");
        assert_eq!(names(&adviser, "/companies").await, ["Musterwerk Metallbau GmbH"]);
        let contacts =
            format!("/companies/{}/contacts", first["organisation"]["id"].as_str().unwrap());
        assert_eq!(names(&adviser, &contacts).await, ["Cora Probstadt", "Dario Beispiel"]);
    });
}

#[test]
fn nobody_and_an_actor_are_logged_as_quickly() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let anonymous = adviser.post("/quick-log", &call(&json!({}))).await.expect(201).body;
        assert_eq!(anonymous["consultation"]["kind"], "anonymous");
        let actor =
            json!({"name": "Musterkammer", "kind": "actor", "actor_type": "chamber_crafts"});
        let logged = adviser.post("/quick-log", &call(&json!({"organisation": actor}))).await;
        let logged = logged.expect(201).body;
        assert_eq!(logged["consultation"]["organisation"]["kind"], "actor");
        assert_eq!(names(&adviser, "/actors").await, ["Musterkammer"]);
    });
}

#[test]
fn a_name_that_may_be_another_ones_is_asked_about() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let there = adviser.company("Müller Elektrotechnik GmbH", &json!({})).await;
        adviser.company("Bäckerei Huber", &json!({})).await;
        let log = async |organisation: Value| {
            adviser.post("/quick-log", &call(&json!({"organisation": organisation}))).await
        };
        for typed in [
            "Mueller Elektrotechnik",
            "Müller Elektrotechnik AG",
            "Müler Elektrotechnik",
            "Elektrotechnik Müller",
        ] {
            let refused = log(json!({"name": typed})).await.problem(409, "possible_duplicate");
            let candidates = refused.body["candidates"].as_array().unwrap();
            assert_eq!(candidates.len(), 1, "{typed}: {candidates:?}");
            assert_eq!(candidates[0]["organisation"]["id"], there["id"], "{typed}");
            assert!(candidates[0]["similarity"].as_f64().unwrap() >= 0.6);
        }
        assert!(adviser.get("/consultations").await.expect(200).items().is_empty());
        assert_eq!(names(&adviser, "/companies").await.len(), 2);

        let insisted = json!({"name": "Müller Elektrotechnik GmbH", "create": true});
        let created = log(insisted).await.expect(201).body;
        assert_eq!(created["organisation_created"], true);
        assert_ne!(created["consultation"]["organisation"]["id"], there["id"]);
        // Now the name alone does not say which.
        let which = log(json!({"name": "Müller Elektrotechnik GmbH"})).await;
        let which = which.problem(409, "possible_duplicate");
        assert_eq!(which.body["candidates"].as_array().unwrap().len(), 2);
        let chosen = log(json!({"id": there["id"]})).await.expect(201).body;
        assert_eq!(chosen["consultation"]["organisation"]["id"], there["id"]);
    });
}

#[test]
fn the_one_of_a_name_is_not_taken_for_what_it_is_not() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let hotel = json!({"address": {"city": "Frankfurt am Main"},
            "district_id": district("06412")});
        let hotel = adviser.company("Hotel zur Post", &hotel).await;
        let chamber = adviser.company("IHK Musterstadt", &json!({})).await;
        let log = async |organisation: Value| {
            adviser.post("/quick-log", &call(&json!({"organisation": organisation}))).await
        };
        let actor = json!({"kind": "actor", "actor_type": "chamber_industry"});
        for (told, meant) in [
            (body(&json!({"name": "IHK Musterstadt"}), &actor), &chamber),
            (json!({"name": "Hotel zur Post", "address": {"city": "Kassel"}}), &hotel),
            (json!({"name": "Hotel zur Post", "district_id": district("06611")}), &hotel),
        ] {
            let refused = log(told.clone()).await.problem(409, "possible_duplicate");
            let candidates = refused.body["candidates"].as_array().unwrap();
            assert_eq!(candidates.len(), 1, "{told}");
            assert_eq!(candidates[0]["organisation"]["id"], meant["id"], "{told}");
            let insisted = log(body(&told, &json!({"create": true}))).await.expect(201).body;
            assert_ne!(insisted["consultation"]["organisation"]["id"], meant["id"]);
            // One of a name again, so that the next one is looked at alone.
            let id = insisted["consultation"]["organisation"]["id"].as_str().unwrap();
            let kind = if told["kind"] == "actor" { "actors" } else { "companies" };
            let archive = format!("/{kind}/{id}/archive");
            let reason = json!({"reason": "Test"});
            adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        }
        for (told, meant) in [
            (json!({"name": "IHK Musterstadt"}), &chamber),
            (json!({"name": "IHK Musterstadt", "address": {"city": "Hanau"}}), &chamber),
            (json!({"name": "Hotel zur Post", "address": {"city": "FRANKFURT am Main"}}), &hotel),
            (json!({"name": "Hotel zur Post", "district_id": district("06412")}), &hotel),
        ] {
            let logged = log(told.clone()).await.expect(201).body;
            assert_eq!(logged["consultation"]["organisation"]["id"], meant["id"], "{told}");
        }
    });
}

#[test]
fn an_offline_queue_sends_twice_and_counts_once() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let input = call(&json!({"id": CLIENT_ID, "organisation": {"name": "Funkloch GmbH"}}));
        let mut waiting = Vec::new();
        for _ in 0..8 {
            let (adviser, input) = (adviser.clone(), input.clone());
            waiting.push(tokio::spawn(async move { adviser.post("/quick-log", &input).await }));
        }
        let mut created = 0;
        for answer in waiting {
            let answer = answer.await.unwrap();
            assert_eq!(answer.body["consultation"]["id"], CLIENT_ID, "{}", answer.text);
            assert_eq!(answer.body["repeated"], answer.status == 200);
            created += i32::from(answer.status == 201);
        }
        assert_eq!(created, 1);
        assert_eq!(names(&adviser, "/companies").await, ["Funkloch GmbH"]);
        let path = format!("/statistics?funding_period_id={PERIOD_2026}");
        let totals = adviser.get(&path).await.expect(200).body["totals"].clone();
        assert_eq!(totals["consultations"], 1);

        // Somebody else's record, in the own carrier and in another one.
        for user in ["colleague", "other"] {
            let somebody = app.log_in(user).await;
            somebody.post("/quick-log", &input).await.problem(409, "id_taken");
        }
    });
}

#[test]
fn two_who_enter_a_company_at_once_enter_one() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let colleague = app.log_in("colleague").await;
        let input = call(&json!({"organisation": {"name": "Gleichzeitig GmbH"}}));
        let mut waiting = Vec::new();
        for session in [&adviser, &colleague, &adviser, &colleague] {
            let (session, input) = (session.clone(), input.clone());
            waiting.push(tokio::spawn(async move { session.post("/quick-log", &input).await }));
        }
        for answer in waiting {
            answer.await.unwrap().expect(201);
        }
        assert_eq!(names(&adviser, "/companies").await, ["Gleichzeitig GmbH"]);
    });
}

#[test]
fn all_of_it_or_nothing() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let organisation = json!({"name": "Halb GmbH"});
        let contacts = json!([{"name": "Cora Probstadt"}]);
        for (more, pointer, code) in [
            (json!({"topics": ["nonsense"]}), "/topics/0", "unknown"),
            (json!({"minutes": 0}), "/minutes", "out_of_range"),
            (json!({"held_on": "2026-03-17"}), "/held_on", "in_the_future"),
            (json!({"establishment_id": CLIENT_ID}), "/establishment_id", "unknown"),
            (
                json!({"contacts": [{"name": "A", "email": "nowhere"}]}),
                "/contacts/0/email",
                "not_an_email",
            ),
            (json!({"contacts": [{"id": CLIENT_ID}]}), "/contacts/0/id", "unknown"),
            (json!({"contacts": [{}]}), "/contacts/0", "id_or_name"),
            (json!({"contacts": vec![json!({"name": "A"}); 6]}), "/contacts", "too_many"),
            (json!({"organisation": {}}), "/organisation", "id_or_name"),
            (json!({"organisation": {"id": CLIENT_ID}}), "/organisation/id", "unknown"),
            (
                json!({"organisation": {"id": CLIENT_ID, "name": "A"}}),
                "/organisation",
                "id_or_name",
            ),
            (json!({"organisation": {"name": " "}}), "/organisation/name", "empty"),
            (
                json!({"organisation": {"name": "A", "kind": "actor"}}),
                "/organisation/actor_type",
                "goes_with_actors",
            ),
            (
                json!({"organisation": {"name": "A", "address": {"postcode": "1"}}}),
                "/organisation/address/postcode",
                "not_a_postcode",
            ),
            (
                json!({"organisation": {"name": "A", "district_id": CLIENT_ID}}),
                "/organisation/district_id",
                "unknown",
            ),
            (json!({"organisation": null}), "/contacts", "anonymous"),
            (json!({"event_id": CLIENT_ID}), "/event_id", "unknown"),
            (
                json!({"follow_ups": [{"title": "A", "due_on": "2026-03-20"}, {"title": " ", "due_on": "2026-03-20"}]}),
                "/follow_ups/1/title",
                "empty",
            ),
            (
                json!({"follow_ups": [{"title": "A", "due_on": "2026-03-20", "owner_id": CLIENT_ID}]}),
                "/follow_ups/0/owner_id",
                "not_an_adviser",
            ),
            (
                json!({"follow_ups": [{"title": "A", "due_on": "2026-03-20", "event_id": CLIENT_ID}]}),
                "/follow_ups/0",
                "names_another",
            ),
            (
                json!({"referrals": [{"actor_id": CLIENT_ID, "reason": "A"}]}),
                "/referrals/0/actor_id",
                "unknown",
            ),
            (json!({"id": "01890000-0000-0000-0000-000000000000"}), "/id", "not_a_client_id"),
        ] {
            let whole = call(&json!({"organisation": organisation, "contacts": contacts}));
            let input = body(&whole, &more);
            adviser.post("/quick-log", &input).await.violates(pointer, code);
        }
        for list in ["/companies", "/actors", "/consultations", "/tasks", "/referrals"] {
            assert!(adviser.get(list).await.expect(200).items().is_empty(), "{list}");
        }
        let closed = call(&json!({"organisation": organisation, "held_on": "2022-05-05"}));
        adviser.post("/quick-log", &closed).await.problem(409, "funding_period_not_open");
        assert!(adviser.get("/companies").await.expect(200).items().is_empty());
    });
}

#[test]
fn a_key_finds_and_adds_only_what_its_scopes_open() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let adviser = app.log_in("adviser").await;
        let me = adviser.get("/me").await.expect(200).body;
        let with = async |scopes: &[&str]| key(&app, &manager, scopes).await.1;
        let logs = with(&["log_consultation"]).await;
        logs.post("/quick-log", &call(&json!({}))).await.violates("/site_id", "missing");
        let there = json!({"site_id": me["site"]["id"], "adviser_ids": [me["id"]]});
        let naming = |more: &Value| body(&call(&there), more);
        let (new, alike) = (json!({"name": "Neu GmbH"}), json!({"name": "Neu AG"}));

        // Whether there is one, or one like it, is not for a key that only logs.
        let named = naming(&json!({"organisation": new}));
        let refused = logs.post("/quick-log", &named).await.problem(403, "forbidden");
        let insisting = naming(&json!({"organisation": {"name": "Neu GmbH", "create": true}}));
        logs.post("/quick-log", &insisting).await.problem(403, "forbidden");
        assert!(adviser.get("/companies").await.expect(200).items().is_empty());
        let company = adviser.company("Neu GmbH", &json!({})).await;
        for organisation in [&new, &alike] {
            let input = naming(&json!({"organisation": organisation}));
            let again = logs.post("/quick-log", &input).await.problem(403, "forbidden");
            assert_eq!(again.body["detail"], refused.body["detail"]);
        }
        let by_id = json!({"id": company["id"]});
        let input = naming(&json!({"organisation": by_id}));
        logs.post("/quick-log", &input).await.expect(201);
        let reads = with(&["log_consultation", "read_register"]).await;
        reads.post("/quick-log", &named).await.expect(201);
        let input = naming(&json!({"organisation": alike}));
        reads.post("/quick-log", &input).await.problem(409, "possible_duplicate");

        let contacts = format!("/companies/{}/contacts", company["id"].as_str().unwrap());
        let contact = adviser.post(&contacts, &json!({"name": "Cora Probstadt"})).await.expect(201);
        let cora = json!({"organisation": by_id, "contacts": [{"name": "cora probstadt"}]});
        reads.post("/quick-log", &naming(&cora)).await.problem(403, "forbidden");
        let reads = with(&["log_consultation", "read_contacts"]).await;
        let logged = reads.post("/quick-log", &naming(&cora)).await.expect(201).body;
        assert_eq!(logged["consultation"]["contacts"][0]["id"], contact.id().as_str());
        let dario = json!({"organisation": by_id, "contacts": [{"name": "Dario Beispiel"}]});
        reads.post("/quick-log", &naming(&dario)).await.problem(403, "forbidden");
    });
}
