//! Saved views: a list with its filter and order under a name, own or shared.

use serde_json::{Value, json};

use crate::harness::{Answer, Session, body, both};
use crate::tag::tag;

async fn view(session: &Session, name: &str, more: &Value) -> Answer {
    let input = body(&json!({"name": name, "list": "companies"}), more);
    session.post("/saved-views", &input).await
}

async fn listed(session: &Session, query: &str) -> Vec<String> {
    let answer = session.get(&format!("/saved-views?{query}")).await.expect(200);
    answer.items().iter().map(|view| view["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_view_asks_its_list() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (near, far) = (json!({"size": {"staff": 500}}), json!({"size": {"staff": 5}}));
        let company = adviser.company("Groß & Söhne", &near).await;
        adviser.company("Groß ohne Söhne", &far).await;
        let seen = tag(&adviser, "Gesehen").await;
        let tags = format!("/companies/{}/tags", company["id"].as_str().unwrap());
        let input = json!({"tag_ids": [seen["id"]]});
        crate::harness::send(adviser.request(reqwest::Method::PUT, &tags).json(&input))
            .await
            .expect(200);
        let filter = json!({"filter": {"q": "groß & söhne", "size_class": "large",
            "archived": true, "tag_id": seen["id"]}, "sort": "-updated_at"});
        let new = view(&adviser, "Große", &filter).await.expect(201);
        assert_eq!(
            (&new.body["shared"], &new.body["sort"]),
            (&json!(false), &json!("-updated_at"))
        );
        assert_eq!(new.body["filter"], filter["filter"]);
        let found =
            adviser.get(&format!("/companies?{}", new.body["query"].as_str().unwrap())).await;
        assert_eq!(found.expect(200).items()[0]["name"], "Groß & Söhne");

        // A patch merges into the filter.
        let path = format!("/saved-views/{}", new.id());
        let fewer = json!({"filter": {"q": null, "status": null, "archived": null}, "sort": null});
        let changed = adviser.patch(&path, 1, &fewer).await.expect(200).body;
        let tag_id = seen["id"].as_str().unwrap();
        assert_eq!(changed["query"], format!("size_class=large&tag_id={tag_id}"));
        let history = adviser.get(&format!("{path}/history")).await.expect(200);
        let fields: Vec<_> =
            history.items()[0]["changes"].as_array().unwrap().iter().map(|c| &c["field"]).collect();
        assert_eq!(fields, ["filter", "sort"], "what is derived is no change");

        let topics =
            json!({"list": "consultations", "filter": {"topic": "blue_card"}, "sort": "held_on"});
        let of_consultations = view(&adviser, "Große", &topics).await.expect(201).body;
        assert_eq!(of_consultations["query"], "topic=blue_card&sort=held_on");
        let of_actors = json!({"list": "actors", "filter": {"actor_type": "other"}});
        view(&adviser, "Sonstige", &of_actors).await.expect(201);
        assert_eq!(listed(&adviser, "list=companies").await, ["Große"]);
        assert_eq!(listed(&adviser, "").await, ["Große", "Große", "Sonstige"]);
        assert_eq!(listed(&adviser, "list=actors&limit=1").await, ["Sonstige"]);
    });
}

#[test]
fn what_the_list_does_not_take_is_not_saved() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let theirs = tag(&other, "Fremd").await;
        for (more, pointer, code) in [
            (json!({"filter": {"colour": "red"}}), "/filter/colour", "unknown_field"),
            (json!({"filter": {"size_class": "huge"}}), "/filter/size_class", "wrong_type"),
            (json!({"filter": {"district_id": "x"}}), "/filter/district_id", "wrong_type"),
            (json!({"filter": {"cursor": "x"}}), "/filter/cursor", "unknown_field"),
            (json!({"filter": {"sort": "name"}}), "/filter/sort", "unknown_field"),
            (json!({"filter": {"q": "a\tb"}}), "/filter/q", "control_character"),
            (json!({"filter": {"q": "x".repeat(4001)}}), "/filter", "too_long"),
            (json!({"filter": {"q": {"a": 1}}}), "/filter/q", "wrong_type"),
            (json!({"filter": {"tag_id": theirs["id"]}}), "/filter/tag_id", "unknown"),
            (json!({"sort": "held_on"}), "/sort", "wrong_type"),
            (json!({"list": "users"}), "/list", "wrong_type"),
            (json!({"name": " "}), "/name", "empty"),
            (json!({"filter": []}), "/filter", "wrong_type"),
        ] {
            view(&adviser, "Ansicht", &more).await.violates(pointer, code);
        }
        let path = format!("/saved-views/{}", view(&adviser, "Ansicht", &json!({})).await.id());
        let moved = json!({"list": "actors"});
        adviser.patch(&path, 1, &moved).await.violates("/list", "immutable");
        let strange = json!({"filter": {"held_on": null}});
        adviser.patch(&path, 1, &strange).await.violates("/filter/held_on", "unknown_field");
    });
}

#[test]
fn own_ones_are_private_and_shared_ones_are_the_managers_too() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, other) = (app.log_in("manager").await, app.log_in("other.manager").await);
        let own = view(&adviser, "Meine", &json!({})).await.expect(201);
        let shared = view(&adviser, "Unsere", &json!({"shared": true})).await.expect(201);
        let own_path = format!("/saved-views/{}", own.id());
        let shared_path = format!("/saved-views/{}", shared.id());
        assert_eq!(shared.body["owner"]["name"], "Test adviser");
        assert_eq!(listed(&adviser, "").await, ["Meine", "Unsere"]);
        assert_eq!(listed(&colleague, "").await, ["Unsere"]);
        assert_eq!(listed(&manager, "total=true").await, ["Unsere"]);
        assert!(listed(&other, "").await.is_empty());

        let change = json!({"name": "Anders"});
        let reason = json!({"reason": "Überholt"});
        for (who, path) in [(&colleague, &own_path), (&manager, &own_path), (&other, &shared_path)]
        {
            who.get(path).await.problem(404, "not_found");
            who.get(&format!("{path}/history")).await.problem(404, "not_found");
            who.patch(path, 1, &change).await.problem(404, "not_found");
            who.post_with(&format!("{path}/archive"), &[("If-Match", "\"1\"")], &reason)
                .await
                .problem(404, "not_found");
        }
        colleague.get(&shared_path).await.expect(200);
        colleague.patch(&shared_path, 1, &change).await.problem(403, "forbidden");
        manager.patch(&shared_path, 1, &change).await.expect(200);
        adviser.patch(&shared_path, 2, &json!({"shared": false})).await.expect(200);
        manager.patch(&shared_path, 3, &change).await.problem(404, "not_found");

        // The name is the owner's, list by list; archived it is free.
        view(&adviser, "MEINE", &json!({})).await.problem(409, "saved_view_name_taken");
        view(&colleague, "Meine", &json!({})).await.expect(201);
        let archive = format!("{own_path}/archive");
        adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        adviser.patch(&own_path, 2, &change).await.problem(409, "archived");
        view(&adviser, "Meine", &json!({})).await.expect(201);
        assert_eq!(listed(&adviser, "archived=true").await, ["Anders", "Meine", "Meine"]);
    });
}

#[test]
fn companies_and_actors_come_in_every_order() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let mut first = None;
        for name in ["Ähre", "Delta", "Beta", "Gamma", "Delta"] {
            let made = adviser.company(name, &json!({})).await;
            first.get_or_insert(made["id"].as_str().unwrap().to_owned());
            adviser.actor(name, "other").await;
            app.advance(chrono::TimeDelta::seconds(1));
        }
        let path = format!("/companies/{}", first.unwrap());
        adviser.patch(&path, 1, &json!({"website": "aehre.example"})).await.expect(200);
        for (list, sort, names) in [
            ("companies", "name", ["Ähre", "Beta", "Delta", "Delta", "Gamma"]),
            ("companies", "-name", ["Gamma", "Delta", "Delta", "Beta", "Ähre"]),
            ("companies", "-updated_at", ["Ähre", "Delta", "Gamma", "Beta", "Delta"]),
            ("actors", "-updated_at", ["Delta", "Gamma", "Beta", "Delta", "Ähre"]),
            ("actors", "-name", ["Gamma", "Delta", "Delta", "Beta", "Ähre"]),
        ] {
            let (mut url, mut ids, mut found) =
                (format!("/{list}?sort={sort}&limit=2"), Vec::new(), Vec::new());
            loop {
                let page = adviser.get(&url).await.expect(200);
                for item in page.items() {
                    ids.push(item["id"].clone());
                    found.push(item["name"].as_str().unwrap().to_owned());
                }
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                url = format!("/{list}?sort={sort}&limit=2&cursor={cursor}");
            }
            assert_eq!(found, names, "{list} by {sort}");
            ids.sort_by_key(Value::to_string);
            ids.dedup();
            assert_eq!(ids.len(), 5, "none twice");
        }
        let page = adviser.get("/companies?sort=name&limit=1").await.expect(200);
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let other = adviser.get(&format!("/companies?sort=-name&cursor={cursor}")).await;
        other.problem(400, "malformed_query");
        adviser.get("/companies?sort=size").await.problem(400, "malformed_query");
    });
}
