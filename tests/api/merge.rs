//! Two organisations made one: what is seen before, what moves, and where the old one leads.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::accompaniment;
use crate::harness::{Answer, Backend, Session, TestApp, body, both, district, lines, send};
use crate::recruitment_case;
use crate::tag::tag;

pub fn id(record: &Value) -> &str {
    record["id"].as_str().unwrap()
}

fn seen(record: &Value) -> String {
    format!("\"{}\"", record["version"])
}

/// What merging `other` into `survivor` would do.
pub async fn preview(session: &Session, survivor: &Value, other: &Value, more: &Value) -> Answer {
    let path = format!("/organisations/{}/merges?preview=true", id(survivor));
    let input = body(&json!({"other_id": other["id"]}), more);
    session.post_with(&path, &[("If-Match", &seen(survivor))], &input).await
}

/// Merges as a preview just showed.
pub async fn merge(session: &Session, survivor: &Value, other: &Value, more: &Value) -> Answer {
    let token = preview(session, survivor, other, &json!({})).await.body["token"].clone();
    let input = body(&json!({"other_id": other["id"], "token": token}), more);
    let path = format!("/organisations/{}/merges", id(survivor));
    session.post_with(&path, &[("If-Match", &seen(survivor))], &input).await
}

pub async fn merged(session: &Session, survivor: &Value, other: &Value, more: &Value) -> Value {
    merge(session, survivor, other, more).await.expect(201).body
}

pub async fn undo(session: &Session, merge: &Value) -> Answer {
    let path = format!("/merges/{}/undo", id(merge));
    let reason = json!({"reason": "Nicht dieselben"});
    session.post_with(&path, &[("If-Match", &seen(merge))], &reason).await
}

/// The record as it is now.
pub async fn now(session: &Session, record: &Value) -> Value {
    let list = if record["actor_type"].is_null() { "companies" } else { "actors" };
    session.get(&format!("/{list}/{}", id(record))).await.expect(200).body
}

pub async fn consultation(app: &TestApp, session: &Session, of: &Value, more: &Value) -> Value {
    let more = body(&json!({"organisation_id": of["id"]}), more);
    let input = app.consultation(session, &more).await;
    session.post("/consultations", &input).await.expect(201).body
}

pub async fn contact(session: &Session, of: &Value, name: &str) -> Value {
    let path = format!("/companies/{}/contacts", id(of));
    session.post(&path, &json!({"name": name})).await.expect(201).body
}

pub async fn set_tags(session: &Session, of: &Value, tags: &[&Value]) {
    let ids: Vec<&Value> = tags.iter().map(|tag| &tag["id"]).collect();
    let path = format!("/companies/{}/tags", id(of));
    send(session.request(Method::PUT, &path).json(&json!({"tag_ids": ids}))).await.expect(200);
}

/// An answer as it comes, not followed to where it leads.
async fn straight(app: &TestApp, session: &Session, path: &str) -> (u16, String) {
    let client =
        reqwest::Client::builder().tls_certs_only([]).redirect(Policy::none()).build().unwrap();
    let unfollowed = Session::new(client, app.base.clone(), session.token.clone());
    let answer = unfollowed.get(path).await;
    (answer.status, answer.header("location").to_owned())
}

fn count<'a>(counts: &'a Value, reference: &str) -> Vec<&'a Value> {
    let counts = counts.as_array().unwrap().iter();
    counts.filter(|count| count["reference"] == reference).collect()
}

#[test]
fn a_merge_is_seen_before_it_is_done() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let manager = app.log_in("manager").await;
        let mine = json!({"website": "muster.example", "vat_id": "DE100000008"});
        let survivor = adviser.company("Muster GmbH", &mine).await;
        let theirs = json!({"vat_id": "DE200000005", "district_id": district("06412"),
            "size": {"staff": 12}});
        let double = other.company("Muster", &theirs).await;
        let reached = contact(&other, &double, "Cora Probstadt").await;
        for (session, minutes) in [(&adviser, 30), (&other, 40), (&other, 50)] {
            consultation(&app, session, &double, &json!({"minutes": minutes})).await;
        }
        let site = json!({"name": "Werk Süd"});
        let works = format!("/companies/{}/establishments", id(&double));
        other.post(&works, &site).await.expect(201);

        let before = crate::hostile::changes(&app).await;
        let shown = preview(&manager, &survivor, &double, &json!({})).await.expect(200).body;
        let again = preview(&manager, &survivor, &double, &json!({})).await.expect(200).body;
        assert_eq!(again["token"], shown["token"]);
        assert_eq!(crate::hostile::changes(&app).await, before, "nothing was written");
        let field = |name: &str| {
            let fields = shown["fields"].as_array().unwrap().iter();
            fields.clone().find(|field| field["field"] == name).unwrap()
        };
        let of = |name: &str| (field(name)["kept"].clone(), field(name)["differs"].clone());
        assert_eq!(of("name"), (json!("survivor"), json!(true)));
        assert_eq!(of("website"), (json!("survivor"), json!(true)));
        assert_eq!(of("district"), (json!("other"), json!(true)));
        assert_eq!(of("size"), (json!("other"), json!(true)));
        assert_eq!(of("heard_of_us"), (json!("survivor"), json!(false)));
        assert_eq!(field("vat_id")["value"], "DE100000008");
        let moves = |reference: &str| -> Vec<(Value, Value)> {
            let counts = count(&shown["references"], reference);
            counts.iter().map(|it| (it["carrier"]["name"].clone(), it["moves"].clone())).collect()
        };
        let mut consultations: Vec<i64> =
            moves("consultation").iter().map(|(_, moves)| moves.as_i64().unwrap()).collect();
        consultations.sort_unstable();
        assert_eq!(consultations, [1, 2], "by carrier");
        assert_eq!(moves("contact").len(), 1);
        assert_eq!(moves("establishment"), [(Value::Null, json!(1))]);
        assert!(!shown.to_string().contains(id(&reached)), "none of another carrier's records");

        // Who may, what must be named, and what must still be so.
        preview(&adviser, &survivor, &double, &json!({})).await.problem(403, "forbidden");
        merge(&adviser, &survivor, &double, &json!({})).await.problem(403, "forbidden");
        let path = format!("/organisations/{}/merges", id(&survivor));
        let input = json!({"other_id": double["id"], "token": shown["token"]});
        manager.post(&path, &input).await.problem(428, "if_match_required");
        let stale = [("If-Match", "\"7\"")];
        manager.post_with(&path, &stale, &input).await.problem(412, "stale");
        let first = [("If-Match", "\"1\"")];
        let none = json!({"other_id": double["id"]});
        manager.post_with(&path, &first, &none).await.violates("/token", "missing");
        let more = consultation(&app, &other, &double, &json!({})).await;
        manager.post_with(&path, &first, &input).await.problem(409, "another_preview");
        let patch = json!({"status": "dormant"});
        let token = preview(&manager, &survivor, &double, &json!({})).await.body["token"].clone();
        other.patch(&format!("/companies/{}", id(&double)), 1, &patch).await.expect(200);
        let input = body(&input, &json!({"token": token}));
        manager.post_with(&path, &first, &input).await.problem(409, "another_preview");

        let choices = json!({"choices": [
            {"field": "vat_id", "from": "other"}, {"field": "website", "from": "survivor"},
            {"field": "status", "from": "other"}
        ], "reason": "Doppelt erfasst"});
        let done = merge(&manager, &survivor, &double, &choices).await.expect(201);
        assert_eq!(done.header("location"), format!("/api/v1/merges/{}", done.id()));
        let kept = now(&adviser, &survivor).await;
        assert_eq!((&kept["vat_id"], &kept["status"]), (&json!("DE200000005"), &json!("dormant")));
        assert_eq!(kept["website"], "https://muster.example");
        assert_eq!(
            (&kept["district"]["id"], &kept["size"]["staff"]),
            (&json!(district("06412")), &json!(12.0))
        );
        assert_eq!(kept["version"], 2);
        let moved = other.get(&format!("/consultations/{}", id(&more))).await.expect(200).body;
        assert_eq!(moved["organisation"]["id"], survivor["id"]);
        assert_eq!(moved["version"], 2);

        // It is in the lists of merges, in the histories and on the timeline.
        let listed = adviser.get(&format!("{path}?total=true")).await.expect(200);
        assert_eq!((&listed.body["total"], &listed.items()[0]), (&json!(1), &done.body));
        let old = format!("/organisations/{}/merges", id(&double));
        assert_eq!(adviser.get(&old).await.expect(200).items(), listed.items());
        let all = adviser.get("/merges?kind=company&undone=false").await.expect(200);
        assert_eq!(all.items(), listed.items());
        assert!(adviser.get("/merges?kind=actor").await.expect(200).items().is_empty());
        let history = |of: &Value| format!("/companies/{}/history", id(of));
        for (of, field) in [(&survivor, "merged"), (&double, "merged_into")] {
            let history = adviser.get(&history(of)).await.expect(200);
            let entry = &history.items()[0];
            assert_eq!(entry["action"], "merged");
            let named = entry["changes"].as_array().unwrap().iter().any(|it| it["field"] == field);
            assert!(named, "{entry}");
        }
        let timeline = format!("/companies/{}/timeline?kinds=change", id(&survivor));
        let timeline = adviser.get(&timeline).await.expect(200);
        assert_eq!(timeline.items()[0]["change"]["action"], "merged");
        let history = format!("/consultations/{}/history", id(&more));
        let history = other.get(&history).await.expect(200);
        assert_eq!(history.items()[0]["action"], "merged");
        let made = adviser.get(&format!("/merges/{}/history", done.id())).await.expect(200);
        assert_eq!(made.items().len(), 1);
    });
}

#[test]
fn an_old_id_leads_to_the_survivor() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let last = adviser.company("C GmbH", &json!({})).await;
        let middle = adviser.company("B GmbH", &json!({})).await;
        let first = adviser.company("A GmbH", &json!({})).await;
        contact(&adviser, &first, "Cora Probstadt").await;
        let held = consultation(&app, &adviser, &first, &json!({})).await;
        let actor = adviser.actor("Kammer Musterstadt", "chamber_crafts").await;
        let task = json!({"title": "x", "due_on": "2026-04-01", "organisation_id": first["id"]});
        adviser.post("/tasks", &task).await.expect(201);
        let referral =
            json!({"consultation_id": held["id"], "actor_id": actor["id"], "reason": "x"});
        adviser.post("/referrals", &referral).await.expect(201);
        let event = app.event(&adviser, &json!({})).await;
        let event = adviser.post("/events", &event).await.expect(201);
        let participations = format!("/events/{}/participations", event.id());
        let takes_part = json!({"organisation_id": first["id"], "headcount": 2});
        adviser.post(&participations, &takes_part).await.expect(201);
        accompaniment::request(&adviser, "Begleitet GmbH", &json!({"company_id": first["id"]}))
            .await;
        recruitment_case::open(&adviser, &json!({"company_id": first["id"]})).await;
        merged(&manager, &middle, &first, &json!({})).await;
        let old = format!("/companies/{}", id(&first));
        let to = |of: &Value, rest: &str| (308, format!("/api/v1/companies/{}{rest}", id(of)));
        assert_eq!(straight(&app, &adviser, &old).await, to(&middle, ""));
        let middle = now(&adviser, &middle).await;
        let second = merged(&manager, &last, &middle, &json!({})).await;
        assert_eq!(straight(&app, &adviser, &old).await, to(&last, ""));
        for rest in [
            "/contacts?limit=5&total=true",
            "/consultations",
            "/timeline",
            "/establishments",
            "/tags",
        ] {
            assert_eq!(straight(&app, &adviser, &format!("{old}{rest}")).await, to(&last, rest));
        }
        // A client that follows finds what it asked for.
        assert_eq!(adviser.get(&old).await.expect(200).body["id"], last["id"]);
        let contacts = adviser.get(&format!("{old}/contacts")).await.expect(200);
        assert_eq!(contacts.items().len(), 1);
        app.anonymous().get(&old).await.problem(401, "unauthenticated");
        // So does one that asks a list for it.
        for list in
            ["consultations", "tasks", "referrals", "events", "accompaniments", "recruitment-cases"]
        {
            let field = match list {
                "accompaniments" | "recruitment-cases" => "company_id",
                _ => "organisation_id",
            };
            let found = async |of: &Value| {
                let path = format!("/{list}?{field}={}&total=true", id(of));
                adviser.get(&path).await.expect(200).body["total"].clone()
            };
            assert_eq!((found(&first).await, found(&last).await), (json!(1), json!(1)), "{list}");
        }
        let at_event = format!("{participations}?organisation_id={}", id(&first));
        assert_eq!(adviser.get(&at_event).await.expect(200).items().len(), 1);
        let them = app.log_in("colleague").await.id().await;
        let over = json!({"from_user_id": adviser.id().await, "to_user_id": them,
            "organisation_id": first["id"]});
        let over = manager.post("/tasks/reassign", &over).await.expect(200).body;
        assert_eq!((&over["tasks"], &over["referrals"]), (&json!(1), &json!(1)));

        // Nothing is written to it, nor with it.
        let refused = |answer: Answer| {
            let answer = answer.problem(409, "merged");
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains("C GmbH") && detail.contains(id(&last)), "{detail}");
        };
        refused(adviser.patch(&old, 2, &json!({"status": "active"})).await);
        let reason = json!({"reason": "x"});
        let version = [("If-Match", "\"2\"")];
        refused(adviser.post_with(&format!("{old}/archive"), &version, &reason).await);
        let person = json!({"name": "Neu"});
        refused(adviser.post(&format!("{old}/contacts"), &person).await);
        refused(adviser.post(&format!("{old}/establishments"), &person).await);
        let tags = adviser.request(Method::PUT, &format!("{old}/tags"));
        refused(send(tags.json(&json!({"tag_ids": []}))).await);
        let of_it = json!({"organisation_id": first["id"]});
        let input = app.consultation(&adviser, &of_it).await;
        refused(adviser.post("/consultations", &input).await);
        let task = json!({"title": "x", "due_on": "2026-04-01", "organisation_id": first["id"]});
        refused(adviser.post("/tasks", &task).await);
        let quick = json!({"minutes": 20, "channel": "phone", "topics": ["fast_track"],
            "organisation": {"id": first["id"]}});
        refused(adviser.post("/quick-log", &quick).await);
        refused(preview(&manager, &body(&first, &json!({"version": 2})), &last, &json!({})).await);
        refused(preview(&manager, &now(&adviser, &last).await, &first, &json!({})).await);

        // It is not in the register any more, unless asked for.
        let listed = async |query: &str| {
            adviser.get(&format!("/companies{query}")).await.expect(200).items().len()
        };
        assert_eq!((listed("").await, listed("?archived=true").await), (3, 5));

        // Not for ever: a merge can be undone.
        undo(&manager, &second).await.expect(200);
        assert_eq!(straight(&app, &adviser, &old).await, to(&middle, ""));
        let back = format!("/companies/{}", id(&middle));
        assert_eq!(straight(&app, &adviser, &back).await.0, 200);
    });
}

#[test]
fn what_cannot_be_one_is_refused() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let company = adviser.company("A GmbH", &json!({})).await;
        let actor = adviser.actor("Kammer", "other").await;
        let refused = |answer: Answer, code: &str| answer.violates("/other_id", code);
        refused(preview(&manager, &company, &actor, &json!({})).await, "of_another_kind");
        refused(preview(&manager, &company, &company, &json!({})).await, "same_organisation");
        let nowhere = json!({"id": crate::hostile::NOWHERE});
        refused(preview(&manager, &company, &nowhere, &json!({})).await, "unknown");
        let gone = json!({"id": crate::hostile::NOWHERE, "version": 1});
        preview(&manager, &gone, &company, &json!({})).await.problem(404, "not_found");
        let choice = json!({"choices": [{"field": "actor_type", "from": "other"}]});
        let second = adviser.company("B GmbH", &json!({})).await;
        preview(&manager, &company, &second, &choice)
            .await
            .violates("/choices/0/field", "not_a_field");

        // What is archived does not change.
        let path = format!("/companies/{}/archive", id(&second));
        let reason = json!({"reason": "Geschlossen"});
        let second = adviser.post_with(&path, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let shown = preview(&manager, &company, &second.body, &json!({})).await.expect(200).body;
        assert_eq!(shown["obstacles"][0]["code"], "archived");
        merge(&manager, &company, &second.body, &json!({})).await.problem(409, "archived");

        // One programme at a time.
        let one = accompaniment::request(&adviser, "Lauf Eins GmbH", &json!({})).await;
        let two = accompaniment::request(&adviser, "Lauf Zwei GmbH", &json!({})).await;
        let (survivor, other) =
            (now(&adviser, &one["company"]).await, now(&adviser, &two["company"]).await);
        let shown = preview(&manager, &survivor, &other, &json!({})).await.expect(200).body;
        assert_eq!(shown["obstacles"][0]["code"], "open_accompaniments");
        merge(&manager, &survivor, &other, &json!({})).await.problem(409, "open_accompaniments");
        accompaniment::act(&adviser, &two, "reject", &json!({"reason": "Doppelt"}))
            .await
            .expect(200);
        let done = merged(&manager, &survivor, &other, &json!({})).await;
        assert_eq!(count(&done["moved"], "accompaniment")[0]["moves"], 1);
        let path = accompaniment::path(&two);
        assert_eq!(adviser.get(&path).await.expect(200).body["company"]["id"], survivor["id"]);
    });
}

#[test]
fn what_both_have_collapses_and_is_kept() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let survivor = adviser.company("A GmbH", &json!({})).await;
        let double = adviser.company("A", &json!({})).await;
        let (fair, care) = (tag(&adviser, "Messe").await, tag(&adviser, "Pflege").await);
        set_tags(&adviser, &survivor, &[&fair]).await;
        set_tags(&adviser, &double, &[&fair, &care]).await;
        let lists = json!({
            "organiser_ids": [survivor["id"], double["id"]],
            "speakers": [{"organisation_id": double["id"], "name": "Cora Probstadt"}],
        });
        let event = app.event(&adviser, &lists).await;
        let event = format!("/events/{}", adviser.post("/events", &event).await.expect(201).id());
        let take_part = async |of: &Value, heads: i64| {
            let input = json!({"organisation_id": of["id"], "headcount": heads});
            adviser.post(&format!("{event}/participations"), &input).await.expect(201).body
        };
        take_part(&survivor, 2).await;
        let doubled = take_part(&double, 3).await;
        let view = json!({"name": "Beratungen von A", "list": "consultations",
            "filter": {"organisation_id": double["id"]}});
        let view = adviser.post("/saved-views", &view).await.expect(201).body;

        let shown = preview(&manager, &survivor, &double, &json!({})).await.expect(200).body;
        let of = |reference: &str| {
            let it = count(&shown["references"], reference)[0];
            (it["moves"].as_i64().unwrap(), it["collapses"].as_i64().unwrap())
        };
        assert_eq!(of("tag"), (1, 1));
        assert_eq!(of("organiser"), (0, 1));
        assert_eq!(of("speaker"), (1, 0));
        assert_eq!(of("participation"), (0, 1));
        assert_eq!(of("saved_view"), (1, 0));

        let done = merged(&manager, &survivor, &double, &json!({})).await;
        let tags = async |of: &Value| {
            let answer = adviser.get(&format!("/companies/{}/tags", id(of))).await.expect(200);
            let tags = answer.body["tags"].as_array().unwrap().clone();
            tags.iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(tags(&survivor).await, ["Messe", "Pflege"]);
        let held = adviser.get(&event).await.expect(200).body;
        assert_eq!(held["organisers"].as_array().unwrap().len(), 1);
        assert_eq!(held["speakers"][0]["organisation"]["id"], survivor["id"]);
        let voided = format!("/participations/{}", id(&doubled));
        let voided_now = adviser.get(&voided).await.expect(200).body;
        assert_eq!(
            (&voided_now["status"], &voided_now["headcount"]),
            (&json!("voided"), &json!(3))
        );
        let view_path = format!("/saved-views/{}", id(&view));
        let of_view = async || {
            let view = adviser.get(&view_path).await.expect(200).body;
            view["filter"]["organisation_id"].clone()
        };
        assert_eq!(of_view().await, survivor["id"]);
        let ledger = "SELECT reference || ' ' || column_name AS line FROM organisation_merge_rows \
            WHERE kept IS NOT NULL AND reference <> 'speaker' ORDER BY 1";
        assert_eq!(
            lines(&mut app.connect(), ledger),
            ["organiser organisation_id", "participation organisation_id", "tag organisation_id"]
        );

        let undone = undo(&manager, &done).await.expect(200).body;
        assert_eq!(undone["undone"]["remainders"], json!([]));
        assert_eq!(tags(&survivor).await, ["Messe"]);
        assert_eq!(tags(&double).await, ["Messe", "Pflege"]);
        let held = adviser.get(&event).await.expect(200).body;
        assert_eq!(held["organisers"].as_array().unwrap().len(), 2);
        let again = adviser.get(&voided).await.expect(200).body;
        assert_eq!(again["status"], "registered");
        assert_eq!(again["organisation"]["id"], double["id"]);
        assert_eq!(of_view().await, double["id"]);
    });
}

#[test]
fn nobody_is_referred_to_itself() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let survivor = adviser.actor("Amt Musterstadt", "immigration_authority").await;
        let double = adviser.actor("Ausländerbehörde", "immigration_authority").await;
        let other = adviser.actor("Musterkammer", "other").await;
        let refer = async |of: &Value, to: &Value| {
            let names = json!({"organisation_id": of["id"], "actor_id": to["id"]});
            crate::referral::create(&adviser, &names).await
        };
        let between = refer(&double, &survivor).await;
        let (of_it, to_it) = (refer(&double, &other).await, refer(&other, &double).await);
        let done = merged(&manager, &survivor, &double, &json!({})).await;
        let of = |reference: &str| {
            let it = count(&done["moved"], reference)[0];
            (it["moves"].as_i64().unwrap(), it["stays"].as_i64().unwrap())
        };
        assert_eq!((of("referral"), of("referral_to")), ((1, 1), (1, 0)));
        let now = async |referral: &Value| {
            let path = format!("/referrals/{}", id(referral));
            let found = adviser.get(&path).await.expect(200).body;
            (found["organisation"]["id"].clone(), found["actor"]["id"].clone())
        };
        let [survivor_id, double_id, other_id] =
            [&survivor, &double, &other].map(|it| it["id"].clone());
        assert_eq!(now(&between).await, (double_id.clone(), survivor_id.clone()));
        assert_eq!(now(&of_it).await, (survivor_id.clone(), other_id.clone()));
        assert_eq!(now(&to_it).await, (other_id.clone(), survivor_id.clone()));
        undo(&manager, &done).await.expect(200);
        assert_eq!(now(&between).await, (double_id.clone(), survivor_id));
        assert_eq!(now(&of_it).await, (double_id.clone(), other_id.clone()));
        assert_eq!(now(&to_it).await, (other_id, double_id));
    });
}

#[test]
fn nobody_names_one_while_it_is_merged() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        for round in 0..5 {
            let survivor = adviser.company(&format!("A{round} GmbH"), &json!({})).await;
            let double = adviser.company(&format!("A{round}"), &json!({})).await;
            let input = app.consultation(&adviser, &json!({"organisation_id": double["id"]})).await;
            let mut waiting = Vec::new();
            for _ in 0..8 {
                let (adviser, input) = (adviser.clone(), input.clone());
                waiting.push(tokio::spawn(async move {
                    adviser.post("/consultations", &input).await.status
                }));
            }
            // Each that comes in between makes another preview.
            loop {
                let answer = merge(&manager, &survivor, &double, &json!({})).await;
                if answer.status == 201 {
                    break;
                }
                answer.problem(409, "another_preview");
            }
            let mut logged = 0;
            for status in waiting {
                match status.await.unwrap() {
                    201 => logged += 1,
                    other => assert_eq!(other, 409),
                }
            }
            let path = format!("/consultations?organisation_id={}", id(&survivor));
            assert_eq!(adviser.get(&path).await.expect(200).items().len(), logged);
            let names = "SELECT DISTINCT o.name AS line FROM consultations c \
                JOIN organisations o ON o.id = c.organisation_id";
            let named = lines(&mut app.connect(), names);
            assert!(!named.contains(&format!("A{round}")), "{named:?}");
        }
    });
}

/// The order that no chance brings about: it is looked at before the merge is there, and named after.
#[test]
fn who_names_one_waits_for_its_merge() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let survivor = adviser.company("A GmbH", &json!({})).await;
        let double = adviser.company("A", &json!({})).await;
        let input = app.consultation(&adviser, &json!({"organisation_id": double["id"]})).await;
        let literal = |id: &str| match app.backend {
            Backend::Postgres => format!("'{id}'"),
            Backend::Sqlite => format!("x'{}'", id.replace('-', "")),
        };
        let (begin, held) = match app.backend {
            Backend::Postgres => ("BEGIN", "FOR UPDATE"),
            Backend::Sqlite => ("BEGIN IMMEDIATE", ""),
        };
        let (from, to) = (literal(id(&double)), literal(id(&survivor)));
        let at = "'2026-03-16T09:00:00.000000Z'";
        let mut conn = app.connect();
        conn.batch_execute(&format!(
            "{begin};
             SELECT 1 FROM organisations WHERE id = {from} {held};
             INSERT INTO organisation_merges
                 (id, kind, survivor_id, merged_id, fields, moved, merged_by, version, created_at, updated_at)
             SELECT id, 'company', {to}, {from}, '[]', '[]', id, 1, {at}, {at}
             FROM users WHERE email = 'manager@test.example';
             UPDATE organisations SET archived_at = {at}, archive_reason = 'Merged', version = 2
             WHERE id = {from};"
        ))
        .unwrap();
        let waiting = tokio::spawn(async move { adviser.post("/consultations", &input).await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!waiting.is_finished(), "it waits");
        conn.batch_execute("COMMIT").unwrap();
        waiting.await.unwrap().problem(409, "merged");
    });
}

#[test]
fn a_repeated_merge_is_one_merge() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let survivor = adviser.company("A GmbH", &json!({})).await;
        let double = adviser.company("A", &json!({})).await;
        let token = preview(&manager, &survivor, &double, &json!({})).await.body["token"].clone();
        let input = json!({"other_id": double["id"], "token": token});
        let path = format!("/organisations/{}/merges", id(&survivor));
        let headers = [("If-Match", "\"1\""), ("Idempotency-Key", "merge-once")];
        let first = manager.post_with(&path, &headers, &input).await.expect(201);
        let again = manager.post_with(&path, &headers, &input).await.expect(201);
        assert_eq!(again.body, first.body);
        let merges = adviser.get("/merges?total=true").await.expect(200);
        assert_eq!(merges.body["total"], 1);
    });
}

/// The search and the guard against duplicates go by what the register has.
#[test]
fn what_was_merged_is_found_no_more() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let found = async || {
            let hits = adviser.get("/search?q=zwillingswerk").await.expect(200).body;
            let hits = hits["items"].as_array().unwrap().clone();
            let mut hits: Vec<_> = hits.iter().map(|hit| hit["id"].clone()).collect();
            hits.sort_by_key(ToString::to_string);
            hits
        };
        let survivor = adviser.company("Zwillingswerk GmbH", &json!({})).await;
        let double = adviser.company("Zwillingswerk KG", &json!({})).await;
        let person = contact(&adviser, &double, "Cora Zwillingswerk").await;
        let before = found().await;
        assert_eq!(before.len(), 3);
        let merge = merged(&manager, &survivor, &double, &json!({})).await;
        let hits = found().await;
        assert!(hits.len() == 2 && !hits.contains(&double["id"]), "{hits:?}");
        let people = adviser.get("/search?q=zwillingswerk&kind=contact").await.expect(200).body;
        assert_eq!(people["items"][0]["id"], person["id"]);
        assert_eq!(people["items"][0]["organisation"]["id"], survivor["id"]);
        let again = json!({"name": "Zwillingswerk AG"});
        let refused = adviser.post("/companies", &again).await;
        let refused = refused.problem(409, "possible_duplicate");
        let candidates = refused.body["candidates"].as_array().unwrap();
        assert_eq!(candidates.len(), 1);
        assert_eq!(candidates[0]["organisation"]["id"], survivor["id"]);
        undo(&manager, &merge).await.expect(200);
        assert_eq!(found().await, before);
    });
}
