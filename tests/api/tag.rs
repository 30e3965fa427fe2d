//! Tags of a carrier, and its tags of companies, actors and consultations.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, PERIOD_2026, Session, both, send};
use crate::hostile::NOWHERE;

pub async fn tag(session: &Session, name: &str) -> Value {
    session.post("/tags", &json!({"name": name})).await.expect(201).body
}

async fn put(session: &Session, path: &str, ids: &[&Value]) -> Answer {
    send(session.request(Method::PUT, path).json(&json!({"tag_ids": ids}))).await
}

fn names(answer: &Answer, list: &str) -> Vec<String> {
    let items = answer.body[list].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn tags_belong_to_their_carrier() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let other = app.log_in("other").await;
        let input = json!({"name": " Pflege ", "colour": "#2E7D32"});
        let new = adviser.post("/tags", &input).await.expect(201);
        assert_eq!((&new.body["name"], &new.body["colour"]), (&json!("Pflege"), &json!("#2e7d32")));
        let path = format!("/tags/{}", new.id());
        assert_eq!(colleague.get(&path).await.expect(200).body, new.body);

        // Whatever its case, and free for another carrier.
        let same = json!({"name": "PFLEGE"});
        colleague.post("/tags", &same).await.problem(409, "tag_name_taken");
        other.post("/tags", &same).await.expect(201);
        other.get(&path).await.problem(404, "not_found");
        other.get(&format!("{path}/history")).await.problem(404, "not_found");
        other.patch(&path, 1, &json!({"name": "Meins"})).await.problem(404, "not_found");
        assert_eq!(names(&other.get("/tags").await.expect(200), "items"), ["PFLEGE"]);

        for (input, pointer, code) in [
            (json!({"name": ""}), "/name", "empty"),
            (json!({"name": "x".repeat(51)}), "/name", "too_long"),
            (json!({"name": "?!"}), "/name", "no_letters"),
            (json!({"name": "a\u{7}"}), "/name", "control_character"),
            (json!({"name": "A", "colour": "red"}), "/colour", "not_a_colour"),
            (json!({"name": "A", "color": "#000000"}), "/color", "unknown_field"),
        ] {
            adviser.post("/tags", &input).await.violates(pointer, code);
        }
        colleague
            .patch(&path, 1, &json!({"name": "Pflegeberufe", "colour": null}))
            .await
            .expect(200);
        adviser.patch(&path, 1, &json!({"name": "Zu spät"})).await.problem(412, "stale");
        let history = adviser.get(&format!("{path}/history")).await.expect(200);
        let renamed = json!({"field": "name", "old": "Pflege", "new": "Pflegeberufe"});
        assert!(history.items()[0]["changes"].as_array().unwrap().contains(&renamed));

        // Archived, its name is free again.
        let archive = format!("{path}/archive");
        let reason = json!({"reason": "Doppelt"});
        adviser.post_with(&archive, &[("If-Match", "\"2\"")], &reason).await.expect(200);
        adviser
            .post_with(&archive, &[("If-Match", "\"3\"")], &reason)
            .await
            .problem(409, "archived");
        adviser.patch(&path, 3, &json!({"name": "Neu"})).await.problem(409, "archived");
        assert!(names(&adviser.get("/tags").await.expect(200), "items").is_empty());
        tag(&adviser, "Pflegeberufe").await;
        let all = adviser.get("/tags?archived=true&total=true").await.expect(200);
        assert_eq!(all.body["total"], 2);
    });
}

#[test]
fn two_of_a_name_at_once_are_one() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        for round in 0..5 {
            let input = json!({"name": format!("Runde {round}")});
            let (one, two) =
                tokio::join!(adviser.post("/tags", &input), colleague.post("/tags", &input));
            let (won, lost) = if one.status == 201 { (one, two) } else { (two, one) };
            won.expect(201);
            lost.problem(409, "tag_name_taken");
        }
    });
}

#[test]
fn a_list_of_tags_pages_by_name() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        for name in ["Zoll", "Ärzte", "bau", "Älteste", "Bahn"] {
            tag(&adviser, name).await;
        }
        let whole = names(&adviser.get("/tags").await.expect(200), "items");
        assert_eq!(whole, ["Älteste", "Ärzte", "Bahn", "bau", "Zoll"]);
        let (mut path, mut paged) = ("/tags?limit=2".to_owned(), Vec::new());
        loop {
            let page = adviser.get(&path).await.expect(200);
            paged.extend(names(&page, "items"));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/tags?limit=2&cursor={cursor}");
        }
        assert_eq!(paged, whole);
    });
}

#[test]
fn organisations_are_tagged_by_each_carrier_for_itself() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let company = adviser.company("Klinik am See gGmbH", &json!({})).await;
        let company = company["id"].as_str().unwrap();
        let actor = adviser.actor("IHK Muster", "chamber_industry").await;
        let actor = actor["id"].as_str().unwrap();
        let (care, large) = (tag(&adviser, "Pflege").await, tag(&adviser, "Groß").await);
        let theirs = tag(&other, "Kunde").await;
        let (care, large, theirs) = (&care["id"], &large["id"], &theirs["id"]);
        let tags = format!("/companies/{company}/tags");

        let set = put(&adviser, &tags, &[care, large]).await.expect(200);
        assert_eq!(names(&set, "tags"), ["Groß", "Pflege"]);
        assert_eq!(adviser.get(&tags).await.expect(200).body, set.body);
        put(&adviser, &format!("/actors/{actor}/tags"), &[care]).await.expect(200);
        put(&other, &tags, &[theirs]).await.expect(200);
        assert_eq!(names(&other.get(&tags).await.expect(200), "tags"), ["Kunde"]);
        assert_eq!(adviser.get(&tags).await.expect(200).body, set.body, "ours are ours");

        // Of the record itself nothing has changed, for nobody.
        let path = format!("/companies/{company}");
        assert_eq!(adviser.get(&path).await.expect(200).body["version"], 1);
        assert_eq!(other.get(&format!("{path}/history")).await.expect(200).items().len(), 1);

        let unknown = json!(NOWHERE);
        for (ids, pointer, code) in [
            (vec![theirs], "/tag_ids/0", "unknown"),
            (vec![care, &unknown], "/tag_ids/1", "unknown"),
            (vec![care, care], "/tag_ids/1", "repeated"),
        ] {
            put(&adviser, &tags, &ids).await.violates(pointer, code);
        }
        put(&adviser, &tags, &[care; 21]).await.violates("/tag_ids", "too_many");
        put(&adviser, &format!("/actors/{company}/tags"), &[care]).await.problem(404, "not_found");
        put(&adviser, &format!("/companies/{NOWHERE}/tags"), &[care])
            .await
            .problem(404, "not_found");

        // Lists by tag: within the own carrier.
        let care = care.as_str().unwrap();
        let found = async |session: &Session, list: &str| {
            let path = format!("/{list}?tag_id={care}&total=true");
            let answer = session.get(&path).await.expect(200);
            assert_eq!(answer.body["total"], answer.items().len());
            names(&answer, "items")
        };
        assert_eq!(found(&adviser, "companies").await, ["Klinik am See gGmbH"]);
        assert_eq!(found(&adviser, "actors").await, ["IHK Muster"]);
        assert_eq!(found(&adviser, "organisations").await, ["IHK Muster", "Klinik am See gGmbH"]);
        for list in ["companies", "actors", "organisations"] {
            assert!(found(&other, list).await.is_empty(), "{list}");
        }

        // An archived tag stays where it is and is set on nothing more.
        let archive = format!("/tags/{care}/archive");
        let reason = json!({"reason": "Zu weit"});
        adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let care = json!(care);
        put(&adviser, &tags, &[&care]).await.expect(200);
        let second = adviser.company("Andere GmbH", &json!({})).await;
        let second = format!("/companies/{}/tags", second["id"].as_str().unwrap());
        put(&adviser, &second, &[&care]).await.violates("/tag_ids/0", "archived");

        // None again. Who did what stands in the audit log, from old to new.
        put(&adviser, &tags, &[]).await.expect(200);
        put(&adviser, &tags, &[]).await.expect(200);
        let officer = app.log_in("data.protection").await;
        let log = format!("/audit-log?entity_id={company}&action=tagged");
        let entries = officer.get(&log).await.expect(200);
        let ours: Vec<_> =
            entries.items().iter().filter(|entry| entry["by"]["name"] == "Test adviser").collect();
        assert_eq!(ours.len(), 3, "what changes nothing is no entry");
        let change = &ours[2]["changes"][0];
        assert_eq!((&change["field"], &change["old"]), (&json!("tags"), &json!([])));
        assert_eq!(change["new"][0]["name"], "Groß");
        assert_eq!(ours[0]["changes"][0]["old"][0]["name"], "Pflege");
        // An administrator learns that, not what.
        let entries = app.log_in("admin").await.get(&log).await.expect(200);
        assert_eq!((entries.items().len(), &entries.items()[0]["changes"]), (4, &json!(null)));
    });
}

#[test]
fn consultations_are_tagged_by_everybody_of_the_carrier() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let other = app.log_in("other").await;
        let (example, report) = (tag(&adviser, "Beispiel").await, tag(&adviser, "Bericht").await);
        let theirs = tag(&other, "Beispiel").await;
        let (example, report, theirs) = (&example["id"], &report["id"], &theirs["id"]);
        let input = app.consultation(&adviser, &json!({"held_on": "2026-01-12"})).await;
        let first = adviser.post("/consultations", &input).await.expect(201);
        let input = app.consultation(&adviser, &json!({"held_on": "2026-01-13"})).await;
        let second = adviser.post("/consultations", &input).await.expect(201);
        let path = format!("/consultations/{}", first.id());
        let tags = format!("{path}/tags");

        // Also by who was not part of it: it changes nothing of the record.
        let set = put(&colleague, &tags, &[report, example]).await.expect(200);
        assert_eq!(names(&set, "tags"), ["Beispiel", "Bericht"]);
        assert_eq!(adviser.get(&tags).await.expect(200).body, set.body);
        assert_eq!(adviser.get(&path).await.expect(200).body, first.body);
        let history = adviser.get(&format!("{path}/history")).await.expect(200);
        assert_eq!(history.items().len(), 1);

        other.get(&tags).await.problem(404, "not_found");
        put(&other, &tags, &[theirs]).await.problem(404, "not_found");
        put(&adviser, &format!("/consultations/{NOWHERE}/tags"), &[])
            .await
            .problem(404, "not_found");
        let unknown = json!(NOWHERE);
        for (ids, pointer, code) in [
            (vec![theirs], "/tag_ids/0", "unknown"),
            (vec![example, &unknown], "/tag_ids/1", "unknown"),
            (vec![example, example], "/tag_ids/1", "repeated"),
        ] {
            put(&adviser, &tags, &ids).await.violates(pointer, code);
        }
        put(&adviser, &tags, &[example; 21]).await.violates("/tag_ids", "too_many");

        // The list by tag, alone and with other filters, in both orders and page by page.
        let second_tags = format!("/consultations/{}/tags", second.id());
        put(&adviser, &second_tags, &[example]).await.expect(200);
        let found = async |session: &Session, tag: &Value, more: &str| {
            let tag = tag.as_str().unwrap();
            let path = format!("/consultations?tag_id={tag}&total=true{more}");
            let answer = session.get(&path).await.expect(200);
            let days = answer.items().iter().map(|item| item["held_on"].as_str().unwrap());
            (answer.body["total"].as_i64().unwrap(), days.map(str::to_owned).collect::<Vec<_>>())
        };
        let (one, two) = ("2026-01-12".to_owned(), "2026-01-13".to_owned());
        assert_eq!(found(&adviser, example, "").await, (2, vec![two.clone(), one.clone()]));
        let sorted = found(&adviser, example, "&sort=held_on&limit=1").await;
        assert_eq!(sorted, (2, vec![one.clone()]));
        assert_eq!(found(&adviser, report, "").await, (1, vec![one.clone()]));
        assert_eq!(found(&adviser, example, "&from=2026-01-13").await, (1, vec![two]));
        assert_eq!(found(&other, example, "").await, (0, vec![]));
        assert_eq!(found(&adviser, theirs, "").await, (0, vec![]));
        let bad = adviser.get("/consultations?tag_id=x").await.problem(400, "malformed_query");
        assert_eq!(bad.body["errors"][0]["pointer"], "tag_id");
        let view = |tag: &Value| json!({"name": "Beispiele", "list": "consultations", "filter": {"tag_id": tag}});
        adviser.post("/saved-views", &view(theirs)).await.violates("/filter/tag_id", "unknown");
        let view = adviser.post("/saved-views", &view(report)).await.expect(201);
        let path = format!("/consultations?{}", view.body["query"].as_str().unwrap());
        assert_eq!(adviser.get(&path).await.expect(200).items(), std::slice::from_ref(&first.body));

        // What is voided or of a closed period is sorted like all else; an archived tag stays.
        let void = format!("/consultations/{}/void", second.id());
        let reason = json!({"reason": "Doppelt"});
        adviser.post_with(&void, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let period = format!("/funding-periods/{PERIOD_2026}");
        app.log_in("admin").await.patch(&period, 1, &json!({"status": "closed"})).await.expect(200);
        put(&adviser, &second_tags, &[report]).await.expect(200);
        let archive = format!("/tags/{}/archive", example.as_str().unwrap());
        adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        put(&adviser, &tags, &[example]).await.expect(200);
        put(&adviser, &tags, &[example]).await.expect(200);
        put(&adviser, &second_tags, &[example]).await.violates("/tag_ids/0", "archived");

        let officer = app.log_in("data.protection").await;
        let log = format!("/audit-log?entity_id={}&action=tagged", first.id());
        let entries = officer.get(&log).await.expect(200);
        assert_eq!(entries.items().len(), 2, "what changes nothing is no entry");
        assert_eq!(entries.items()[1]["by"]["name"], "Test colleague");
        let change = &entries.items()[0]["changes"][0];
        assert_eq!(
            (&change["field"], &change["new"][0]["name"]),
            (&json!("tags"), &json!("Beispiel"))
        );
        assert_eq!(change["old"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn of_many_who_tag_at_once_the_last_one_counts() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Begehrt AG", &json!({})).await;
        let path = format!("/companies/{}/tags", company["id"].as_str().unwrap());
        let input = app.consultation(&adviser, &json!({})).await;
        let consultation = adviser.post("/consultations", &input).await.expect(201).id();
        let mut tags = Vec::new();
        for name in ["A", "B", "C", "D"] {
            tags.push(tag(&adviser, name).await["id"].clone());
        }
        let under_consultation = format!("/consultations/{consultation}/tags");
        for round in 0..10 {
            let path = if round % 2 == 0 { &path } else { &under_consultation };
            let mut waiting = Vec::new();
            for place in 0..4 {
                let (session, path) = (adviser.clone(), path.clone());
                let ids = [tags[place].clone(), tags[(place + 1) % 4].clone()];
                waiting.push(tokio::spawn(async move {
                    put(&session, &path, &[&ids[0], &ids[1]]).await.expect(200).body
                }));
            }
            let mut answers = Vec::new();
            for answer in waiting {
                answers.push(answer.await.unwrap());
            }
            let now = adviser.get(path).await.expect(200).body;
            assert!(answers.contains(&now), "one of them, not a mixture: {now}");
        }
    });
}
