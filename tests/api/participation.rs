//! Registrations and attendance.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::{Answer, Session, TestApp, both, redacted};
use crate::hostile::{NOWHERE, changes};

/// An event of the session, two weeks ago unless told.
async fn event(app: &TestApp, session: &Session, more: &Value) -> String {
    let input = app.event(session, more).await;
    format!("/events/{}", session.post("/events", &input).await.expect(201).id())
}

async fn register(session: &Session, event: &str, input: &Value) -> Value {
    session.post(&format!("{event}/participations"), input).await.expect(201).body
}

async fn act(session: &Session, path: &str, version: i64) -> Answer {
    let version = format!("\"{version}\"");
    session.post_with(path, &[("If-Match", &version)], &json!({"reason": "Doppelt"})).await
}

async fn company(session: &Session, name: &str) -> String {
    session.company(name, &json!({})).await["id"].as_str().unwrap().to_owned()
}

async fn contact(session: &Session, company: &str) -> String {
    let contact = json!({"name": "Cora Probstadt"});
    session.post(&format!("/companies/{company}/contacts"), &contact).await.expect(201).id()
}

async fn counts(session: &Session, event: &str) -> Value {
    session.get(event).await.expect(200).body["participations"].clone()
}

fn path(participation: &Value) -> String {
    format!("/participations/{}", participation["id"].as_str().unwrap())
}

#[test]
fn people_are_registered_and_counted() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let event = event(&app, &adviser, &json!({"starts_on": "2026-04-20"})).await;
        let under = format!("{event}/participations");
        let works = company(&adviser, "Werk GmbH").await;
        let cora = contact(&adviser, &works).await;
        let input = json!({"organisation_id": works, "contact_id": cora, "note": "Vegan"});
        let new = adviser.post(&under, &input).await.expect(201);
        insta::assert_snapshot!("participation", redacted(&new.body));
        assert_eq!(new.header("location"), format!("/api/v1{}", path(&new.body)));
        assert_eq!(adviser.get(&path(&new.body)).await.expect(200).body, new.body);
        let heads = json!({"organisation_id": works, "headcount": 3});
        let heads = register(&adviser, &event, &heads).await;
        let unknown = register(&adviser, &event, &json!({"headcount": 12})).await;
        let speaker = json!({"organisation_id": works, "role": "speaker", "headcount": 2});
        register(&adviser, &event, &speaker).await;
        let listed = adviser.get(&format!("{under}?total=true")).await.expect(200);
        assert_eq!((listed.items().len(), &listed.body["total"]), (4, &json!(4)));
        assert_eq!(listed.items()[0], new.body);
        for (filter, found) in [
            ("role=speaker".to_owned(), 1),
            ("status=withdrawn".to_owned(), 0),
            (format!("organisation_id={works}&role=participant"), 2),
        ] {
            let page = adviser.get(&format!("{under}?{filter}")).await.expect(200);
            assert_eq!(page.items().len(), found, "{filter}");
        }
        let first = adviser.get(&format!("{under}?limit=3")).await.expect(200);
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let rest = adviser.get(&format!("{under}?limit=3&cursor={cursor}")).await.expect(200);
        assert_eq!(rest.items(), &listed.items()[3..]);
        let none = json!({"registered": 16, "attended": 0, "no_show": 0, "organisations": 0});
        assert_eq!(counts(&adviser, &event).await, none, "speakers are no participants");

        // An answer is never taken for an older one: registrations leave the event's version as it is.
        let tag = adviser.get(&event).await.expect(200).header("etag").to_owned();
        let fewer = json!({"headcount": 1});
        adviser.patch(&path(&heads), 1, &fewer).await.expect(200);
        let request =
            adviser.request(reqwest::Method::GET, &event).header("If-None-Match", tag.as_str());
        assert_eq!(crate::harness::send(request).await.expect(200).header("etag"), tag);

        act(&adviser, &format!("{}/void", path(&unknown)), 1).await.expect(200);
        adviser.patch(&path(&unknown), 2, &fewer).await.problem(409, "voided");
        act(&adviser, &format!("{}/void", path(&unknown)), 2).await.problem(409, "voided");
        assert_eq!(counts(&adviser, &event).await["registered"], 2);
        let history = adviser.get(&format!("{}/history", path(&heads))).await.expect(200);
        assert_eq!(history.items()[0]["changes"][0]["field"], "headcount");
    });
}

#[test]
fn each_rule_by_itself() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let soon = event(&app, &adviser, &json!({"starts_on": "2026-04-20"})).await;
        let (works, another) =
            (company(&adviser, "Werk GmbH").await, company(&adviser, "Andere GmbH").await);
        let cora = contact(&adviser, &works).await;
        let theirs = contact(&other, &works).await;
        let gone = company(&adviser, "Weg GmbH").await;
        act(&adviser, &format!("/companies/{gone}/archive"), 1).await.expect(200);
        let before = changes(&app).await;
        for (input, pointer, code) in [
            (json!({"organisation_id": NOWHERE}), "/organisation_id", "unknown"),
            (json!({"organisation_id": gone}), "/organisation_id", "archived"),
            (json!({"contact_id": cora}), "/contact_id", "unknown"),
            (json!({"organisation_id": another, "contact_id": cora}), "/contact_id", "unknown"),
            (json!({"organisation_id": works, "contact_id": theirs}), "/contact_id", "unknown"),
            (
                json!({"organisation_id": works, "contact_id": cora, "headcount": 2}),
                "/headcount",
                "not_one",
            ),
            (json!({"headcount": 0}), "/headcount", "out_of_range"),
            (json!({"headcount": 10_001}), "/headcount", "out_of_range"),
            (json!({"status": "voided"}), "/status", "not_settable"),
            (json!({"status": "attended"}), "/status", "in_the_future"),
            (json!({"status": "walk_in"}), "/status", "in_the_future"),
            (json!({"note": "x".repeat(501)}), "/note", "too_long"),
            (json!({"role": "guest"}), "/role", "wrong_type"),
        ] {
            let under = format!("{soon}/participations");
            adviser.post(&under, &input).await.violates(pointer, code);
        }
        assert_eq!(changes(&app).await, before, "nothing was changed");

        // Once each, until it is taken back.
        let with_contact = json!({"organisation_id": works, "contact_id": cora});
        let heads = json!({"organisation_id": works, "headcount": 3});
        let under = format!("{soon}/participations");
        let first = register(&adviser, &soon, &with_contact).await;
        let second = register(&adviser, &soon, &heads).await;
        adviser.post(&under, &with_contact).await.problem(409, "contact_takes_part");
        adviser.post(&under, &heads).await.problem(409, "organisation_takes_part");
        let without = json!({"contact_id": null});
        adviser.patch(&path(&first), 1, &without).await.problem(409, "organisation_takes_part");
        act(&adviser, &format!("{}/void", path(&first)), 1).await.expect(200);
        register(&adviser, &soon, &with_contact).await;
        let staff = json!({"organisation_id": works, "role": "staff"});
        register(&adviser, &soon, &staff).await;
        act(&adviser, &format!("/companies/{works}/archive"), 1).await.expect(200);
        let fewer = json!({"headcount": 2});
        adviser.patch(&path(&second), 1, &fewer).await.expect(200);

        // Nobody takes part in what does not take place.
        adviser.patch(&soon, 1, &json!({"status": "cancelled"})).await.expect(200);
        adviser.post(&under, &json!({})).await.problem(409, "event_cancelled");
        adviser.patch(&path(&second), 2, &heads).await.problem(409, "event_cancelled");
        act(&adviser, &format!("{soon}/void"), 2).await.expect(200);
        adviser.post(&under, &json!({})).await.problem(409, "voided");
    });
}

#[test]
fn everybody_registers_and_those_responsible_change() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (theirs, manager) = (app.log_in("other.manager").await, app.log_in("manager").await);
        let event = event(&app, &adviser, &json!({})).await;
        let ours = register(&adviser, &event, &json!({})).await;
        let by_phone = register(&colleague, &event, &json!({"headcount": 2})).await;
        let more = json!({"headcount": 3});
        colleague.patch(&path(&by_phone), 1, &more).await.expect(200);
        colleague.patch(&path(&ours), 1, &more).await.problem(403, "forbidden");
        act(&colleague, &format!("{}/void", path(&ours)), 1).await.problem(403, "forbidden");
        let attendance = format!("{event}/attendance");
        let all = json!({"participations": [], "others": "no_show"});
        colleague.post(&attendance, &all).await.problem(403, "forbidden");
        // Who was there is counted, so it is not for everybody to say, nor to take back.
        let under = format!("{event}/participations");
        for status in ["walk_in", "attended", "no_show"] {
            let there = json!({"headcount": 500, "status": status});
            colleague.post(&under, &there).await.problem(403, "forbidden");
            colleague.patch(&path(&by_phone), 2, &there).await.problem(403, "forbidden");
        }
        let by_phone_too = register(&colleague, &event, &json!({"headcount": 4})).await;
        let there = json!({"status": "attended"});
        adviser.patch(&path(&by_phone_too), 1, &there).await.expect(200);
        colleague.patch(&path(&by_phone_too), 2, &more).await.problem(403, "forbidden");
        let not_there = json!({"status": "registered"});
        colleague.patch(&path(&by_phone_too), 2, &not_there).await.problem(403, "forbidden");
        let void_it = format!("{}/void", path(&by_phone_too));
        act(&colleague, &void_it, 2).await.problem(403, "forbidden");
        adviser.post(&under, &json!({"status": "walk_in"})).await.expect(201);
        assert_eq!(counts(&adviser, &event).await["attended"], 5);

        adviser.patch(&path(&by_phone), 2, &more).await.expect(200);
        manager.patch(&path(&ours), 1, &more).await.expect(200);
        adviser.patch(&path(&ours), 1, &more).await.problem(412, "stale");

        for answer in [
            theirs.get(&under).await,
            theirs.post(&under, &json!({})).await,
            theirs.post(&attendance, &all).await,
            theirs.get(&path(&ours)).await,
            theirs.patch(&path(&ours), 2, &more).await,
            act(&theirs, &format!("{}/void", path(&ours)), 2).await,
            theirs.get(&format!("{}/history", path(&ours))).await,
        ] {
            answer.problem(404, "not_found");
        }
        for user in ["coordinator", "admin", "data.protection"] {
            app.log_in(user).await.get(&under).await.problem(403, "forbidden");
        }
    });
}

#[test]
fn attendance_is_recorded_at_once() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let event = event(&app, &adviser, &json!({"status": "held"})).await;
        let (one, two, three) = (
            company(&adviser, "Eins GmbH").await,
            company(&adviser, "Zwei GmbH").await,
            company(&adviser, "Drei GmbH").await,
        );
        let (cora, finn) = (contact(&adviser, &one).await, contact(&adviser, &two).await);
        let of_cora = json!({"organisation_id": one, "contact_id": cora});
        let of_cora = register(&adviser, &event, &of_cora).await;
        let heads = json!({"organisation_id": two, "headcount": 5, "note": "Bus"});
        let heads = register(&adviser, &event, &heads).await;
        let later = register(&adviser, &event, &json!({"headcount": 4})).await;
        let gave_up = register(&adviser, &event, &json!({"headcount": 2})).await;
        let came_after_all = json!({"organisation_id": three, "status": "withdrawn"});
        let came_after_all = register(&adviser, &event, &came_after_all).await;
        let walk_in = json!({"organisation_id": two, "contact_id": finn, "note": "Spontan"});
        let list = json!({
            "participations": [
                {"participation_id": of_cora["id"], "status": "attended"},
                {"participation_id": gave_up["id"], "status": "withdrawn"},
                {"organisation_id": two, "headcount": 3},
                walk_in,
                {"organisation_id": three},
                {"organisation_id": one, "role": "speaker"}
            ],
            "others": "no_show"
        });
        let attendance = format!("{event}/attendance");
        let before = changes(&app).await.as_i64().unwrap();
        let key = [("Idempotency-Key", "the-list")];
        let answer = adviser.post_with(&attendance, &key, &list).await.expect(200);
        let expected = json!({"registered": 0, "attended": 6, "no_show": 4, "organisations": 3});
        assert_eq!(answer.body["participations"], expected);
        assert_eq!(answer.body, adviser.get(&event).await.expect(200).body);
        assert_eq!(answer.body["version"], 1, "the event itself is as it was");
        let listed = adviser.get(&format!("{event}/participations")).await.expect(200).body;
        let of = |id: &Value| {
            let items = listed["items"].as_array().unwrap();
            let found = items.iter().find(|item| item["id"] == *id).unwrap();
            (found["status"].as_str().unwrap(), found["headcount"].as_i64().unwrap())
        };
        assert_eq!(of(&of_cora["id"]), ("attended", 1));
        assert_eq!(of(&heads["id"]), ("attended", 3), "fewer came than were registered");
        assert_eq!(of(&later["id"]), ("no_show", 4));
        assert_eq!(of(&gave_up["id"]), ("withdrawn", 2));
        assert_eq!(of(&came_after_all["id"]), ("attended", 1));
        let walk_ins = adviser.get(&format!("{event}/participations?status=walk_in")).await;
        assert_eq!(walk_ins.expect(200).items().len(), 2);
        assert_eq!(changes(&app).await, before + 7, "each that changed");
        let history = adviser.get(&format!("{}/history", path(&later))).await.expect(200);
        insta::assert_snapshot!("attendance_history", redacted(&history.items()[0]));
        assert_eq!(adviser.get(&path(&heads)).await.expect(200).body["note"], "Bus");

        // Sent twice, with the key and without: the same, and nothing changes.
        let again = adviser.post_with(&attendance, &key, &list).await.expect(200);
        assert_eq!(again.body, answer.body);
        let again = adviser.post(&attendance, &list).await.expect(200);
        assert_eq!(again.body, answer.body);
        assert_eq!(changes(&app).await, before + 7, "and left no trace");
        // A correction is taken.
        let corrected = json!({"participations": [{"participation_id": later["id"],
            "status": "attended", "headcount": 2}]});
        let corrected = adviser.post(&attendance, &corrected).await.expect(200);
        let expected = json!({"registered": 0, "attended": 8, "no_show": 0, "organisations": 3});
        assert_eq!(corrected.body["participations"], expected);
    });
}

#[test]
fn what_happened_is_neither_cancelled_nor_to_come() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        // Also where nobody counts as a participant.
        for role in ["participant", "speaker", "staff"] {
            for status in ["attended", "walk_in", "no_show"] {
                let event = event(&app, &adviser, &json!({"status": "held"})).await;
                let there = json!({"role": role, "status": status});
                let one = register(&adviser, &event, &there).await;
                for change in [json!({"status": "cancelled"}), json!({"starts_on": "2026-04-01"})] {
                    let change = crate::harness::body(&json!({"status": "planned"}), &change);
                    adviser.patch(&event, 1, &change).await.problem(409, "attendance_recorded");
                }
                act(&adviser, &format!("{}/void", path(&one)), 1).await.expect(200);
                adviser.patch(&event, 1, &json!({"status": "cancelled"})).await.expect(200);
            }
        }
    });
}

#[test]
fn a_list_with_faults_changes_nothing() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let here = event(&app, &adviser, &json!({})).await;
        let elsewhere = event(&app, &adviser, &json!({})).await;
        let works = company(&adviser, "Werk GmbH").await;
        let (cora, theirs) = (contact(&adviser, &works).await, contact(&other, &works).await);
        let of_cora = json!({"organisation_id": works, "contact_id": cora});
        let ours = register(&adviser, &here, &of_cora).await["id"].clone();
        let not_here = register(&adviser, &elsewhere, &json!({})).await["id"].clone();
        let before = changes(&app).await;
        let attendance = format!("{here}/attendance");
        let attended = |id: &Value| json!({"participation_id": id, "status": "attended"});
        let faults = json!({
            "participations": [
                attended(&ours),
                attended(&not_here),
                {"participation_id": ours},
                {"participation_id": ours, "status": "walk_in"},
                {"participation_id": ours, "status": "attended", "headcount": 2, "role": "staff"},
                {"organisation_id": works, "contact_id": cora, "role": "speaker"},
                {"organisation_id": works, "contact_id": theirs},
                {"organisation_id": NOWHERE},
                {"organisation_id": works, "participation_id": ours},
                {},
                {"organisation_id": works, "headcount": 0, "status": "attended"},
                {"organisation_id": works},
                {"organisation_id": works}
            ],
            "others": "attended"
        });
        let answer = adviser.post(&attendance, &faults).await.problem(422, "invalid");
        insta::assert_snapshot!("attendance_faults", redacted(&answer.body["errors"]));
        let many = json!({"participations": vec![json!({}); 501]});
        adviser.post(&attendance, &many).await.violates("/participations", "too_many");
        assert_eq!(changes(&app).await, before, "nothing was changed");

        let soon = event(&app, &adviser, &json!({"starts_on": "2026-03-17"})).await;
        let empty = json!({"participations": []});
        let soon = format!("{soon}/attendance");
        adviser.post(&soon, &empty).await.problem(409, "event_in_the_future");
        adviser.patch(&elsewhere, 1, &json!({"status": "cancelled"})).await.expect(200);
        let off = format!("{elsewhere}/attendance");
        adviser.post(&off, &empty).await.problem(409, "event_cancelled");
        act(&adviser, &format!("{here}/void"), 1).await.expect(200);
        adviser.post(&attendance, &empty).await.problem(409, "voided");
    });
}

#[test]
fn many_are_recorded_in_one_go() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let event = event(&app, &adviser, &json!({})).await;
        let mut entries = Vec::new();
        for number in 0..60 {
            let works = company(&adviser, &format!("Werk {number}")).await;
            entries.push(json!({"organisation_id": works, "headcount": 2}));
        }
        let list = json!({"participations": entries});
        let attendance = format!("{event}/attendance");
        let answer = adviser.post(&attendance, &list).await.expect(200);
        assert_eq!(answer.body["participations"]["attended"], 120);
        assert_eq!(answer.body["participations"]["organisations"], 60);
    });
}

#[test]
fn two_who_record_at_once_record_each_once() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let event = event(&app, &adviser, &json!({})).await;
        let works = company(&adviser, "Werk GmbH").await;
        let cora = contact(&adviser, &works).await;
        let list = json!({"participations": [
            {"organisation_id": works, "contact_id": cora}, {"organisation_id": works, "headcount": 7}
        ]});
        let attendance = format!("{event}/attendance");
        let mut waiting = Vec::new();
        for session in [&adviser, &manager].repeat(5) {
            let (session, path, list) = (session.clone(), attendance.clone(), list.clone());
            waiting.push(tokio::spawn(async move { session.post(&path, &list).await }));
        }
        for answer in waiting {
            let answer = answer.await.unwrap().expect(200);
            assert_eq!(answer.body["participations"]["attended"], 8);
        }
        let listed = adviser.get(&format!("{event}/participations")).await.expect(200);
        assert_eq!(listed.items().len(), 2);

        // A double click registers once.
        let mut waiting = Vec::new();
        for _ in 0..10 {
            let (session, path) = (adviser.clone(), format!("{event}/participations"));
            waiting.push(tokio::spawn(async move {
                let key = [("Idempotency-Key", "double-click")];
                session.post_with(&path, &key, &json!({"headcount": 2})).await
            }));
        }
        let mut ids = HashSet::new();
        for answer in waiting {
            ids.insert(answer.await.unwrap().expect(201).id());
        }
        assert_eq!(ids.len(), 1);
    });
}
