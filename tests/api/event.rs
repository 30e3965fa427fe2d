//! Series of events and events: recording, reading, changing, voiding.

use serde_json::{Value, json};

use crate::harness::{
    Answer, BWHW, FRANKFURT, KASSEL, PERIOD_2023, PERIOD_2026, Session, TestApp, WETZLAR, body,
    both, district, redacted,
};
use crate::hostile::NOWHERE;

async fn create(app: &TestApp, session: &Session, more: &Value) -> Value {
    let input = app.event(session, more).await;
    session.post("/events", &input).await.expect(201).body
}

fn path(event: &Value) -> String {
    format!("/events/{}", event["id"].as_str().unwrap())
}

async fn act(session: &Session, path: &str, version: i64, reason: &str) -> Answer {
    let version = format!("\"{version}\"");
    session.post_with(path, &[("If-Match", &version)], &json!({"reason": reason})).await
}

#[test]
fn an_adviser_plans_an_event_and_holds_it() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let colleague = app.log_in("colleague").await.id().await;
        let office = adviser.actor("Ausländerbehörde Musterstadt", "immigration_authority").await;
        let works = adviser.company("Werk GmbH", &json!({})).await;
        let series = json!({"name": "Runder Tisch Wetterau", "description": "Zweimal im Jahr"});
        let series = adviser.post("/event-series", &series).await.expect(201);
        let input = app
            .event(
                &adviser,
                &json!({
                    "title": "  Runder Tisch Wetterau  ",
                    "series_id": series.id(),
                    "starts_on": "2026-03-10", "ends_on": "2026-03-11",
                    "starts_at": "09:00:00", "ends_at": "08:00:00",
                    "place": "Kreishaus", "online": true, "online_url": "https://treffen.example/1",
                    "site_ids": [WETZLAR, FRANKFURT],
                    "staff_ids": [adviser.id().await, colleague],
                    "organiser_ids": [office["id"]],
                    "speakers": [
                        {"organisation_id": office["id"], "role": "Leitung"},
                        {"name": "Cora Probstadt", "organisation_id": works["id"]},
                        {"name": "Finn Exempelmann"}
                    ],
                    "topics": ["fast_track", "blue_card"],
                    "district_ids": [district("06440"), district("06412")],
                    "description": "Programm", "notes": "Intern"
                }),
            )
            .await;
        let new = adviser.post("/events", &input).await.expect(201);
        insta::assert_snapshot!("event", redacted(&new.body));
        assert_eq!(new.header("location"), format!("/api/v1{}", path(&new.body)));
        let read = adviser.get(&path(&new.body)).await.expect(200);
        assert_eq!(read.body, new.body, "what is answered is what is stored");
        let listed = adviser.get("/events").await.expect(200);
        assert_eq!(listed.items()[0], new.body);

        let held = json!({"status": "held", "speakers": [], "online": false, "online_url": null});
        let held = adviser.patch(&path(&new.body), 1, &held).await.expect(200).body;
        assert_eq!((&held["status"], &held["version"]), (&json!("held"), &json!(2)));
        assert_eq!(adviser.get(&path(&held)).await.expect(200).body, held);
        let history = adviser.get(&format!("{}/history", path(&held))).await.expect(200);
        insta::assert_snapshot!("event_history", redacted(&history.items()[0]));
        let fields: Vec<_> = history.items()[1]["changes"].as_array().unwrap().iter().collect();
        assert!(fields.iter().all(|change| change["field"] != "participations"), "not recorded");

        // A day as it is, and an event of one day moves as a whole.
        let day = create(&app, &adviser, &json!({})).await;
        assert_eq!((&day["ends_on"], &day["status"]), (&json!("2026-03-02"), &json!("planned")));
        let moved = adviser.patch(&path(&day), 1, &json!({"starts_on": "2026-04-01"})).await;
        assert_eq!(moved.expect(200).body["ends_on"], "2026-04-01");
        let two = json!({"ends_on": "2026-04-02"});
        assert_eq!(adviser.patch(&path(&day), 2, &two).await.expect(200).body["version"], 3);
        let before = json!({"starts_on": "2026-04-03"});
        adviser.patch(&path(&day), 3, &before).await.violates("/ends_on", "before_start");
    });
}

#[test]
fn the_rules_are_all_told_at_once() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let input = json!({
            "kind": "round_table", "title": " ", "starts_on": "2026-03-17", "ends_on": "2026-03-16",
            "starts_at": "10:00:00", "online_url": "nowhere", "site_ids": [], "status": "held",
            "speakers": [{"role": "Gast"}], "topics": ["nonsense"], "series_id": NOWHERE
        });
        let answer = adviser.post("/events", &input).await.problem(422, "invalid");
        insta::assert_snapshot!("event_faults", redacted(&answer.body["errors"]));
        assert!(adviser.get("/events").await.expect(200).items().is_empty());
    });
}

#[test]
fn each_rule_by_itself() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let me = adviser.id().await;
        let admin = app.log_in("admin").await.id().await;
        let other = app.log_in("other").await;
        let theirs = json!({"name": "Ihre Reihe"});
        let theirs = other.post("/event-series", &theirs).await.expect(201).id();
        let gone = adviser.company("Weg GmbH", &json!({})).await;
        let gone = gone["id"].as_str().unwrap();
        act(&adviser, &format!("/companies/{gone}/archive"), 1, "Zu").await.expect(200);
        let ended = adviser.post("/event-series", &json!({"name": "Aus"})).await.expect(201).id();
        act(&adviser, &format!("/event-series/{ended}/archive"), 1, "Aus").await.expect(200);
        let one_day = json!({"starts_at": "10:00:00", "ends_at": "10:00:00"});
        for (more, pointer, code) in [
            (json!({"title": "x".repeat(201)}), "/title", "too_long"),
            (json!({"starts_on": "2018-12-31"}), "/starts_on", "outside_funding_periods"),
            (json!({"ends_on": "2026-03-01"}), "/ends_on", "before_start"),
            (one_day, "/ends_at", "before_start"),
            (json!({"ends_at": "10:00:00"}), "/starts_at", "missing"),
            (json!({"starts_at": "10:00:00.5", "ends_at": "11:00:00"}), "/starts_at", "not_a_time"),
            (json!({"starts_on": "2026-03-17", "status": "held"}), "/status", "in_the_future"),
            (json!({"status": "voided"}), "/status", "not_settable"),
            (json!({"online_url": "https://x.example"}), "/online_url", "not_online"),
            (
                json!({"online": true, "online_url": "javascript:alert(1)"}),
                "/online_url",
                "not_a_url",
            ),
            (json!({"series_id": theirs}), "/series_id", "unknown"),
            (json!({"series_id": ended}), "/series_id", "archived"),
            (json!({"site_ids": []}), "/site_ids", "too_few"),
            (json!({"site_ids": [FRANKFURT, FRANKFURT]}), "/site_ids/1", "repeated"),
            (json!({"site_ids": [FRANKFURT, KASSEL]}), "/site_ids/1", "site_of_another_carrier"),
            (json!({"site_ids": [BWHW]}), "/site_ids/0", "unknown"),
            (json!({"staff_ids": [me, admin]}), "/staff_ids/1", "not_an_adviser"),
            (json!({"staff_ids": [other.id().await]}), "/staff_ids/0", "not_an_adviser"),
            (json!({"staff_ids": vec![me.clone(); 21]}), "/staff_ids", "too_many"),
            (json!({"organiser_ids": [FRANKFURT]}), "/organiser_ids/0", "unknown"),
            (json!({"organiser_ids": [gone]}), "/organiser_ids/0", "archived"),
            (
                json!({"speakers": [{"organisation_id": gone}]}),
                "/speakers/0/organisation_id",
                "archived",
            ),
            (
                json!({"speakers": [{"organisation_id": me}]}),
                "/speakers/0/organisation_id",
                "unknown",
            ),
            (json!({"speakers": [{"name": " "}]}), "/speakers/0", "nobody"),
            (json!({"speakers": vec![json!({"name": "A"}); 51]}), "/speakers", "too_many"),
            (
                json!({"starts_on": "2024-05-31", "topics": ["opportunity_card"]}),
                "/topics/0",
                "not_valid_on_date",
            ),
            (
                json!({"starts_on": "2025-12-31", "district_ids": [district("06415")]}),
                "/district_ids/0",
                "not_valid_on_date",
            ),
            (json!({"district_ids": [me]}), "/district_ids/0", "unknown"),
            (json!({"description": "x".repeat(10_001)}), "/description", "too_long"),
            (json!({"notes": "a\u{7}"}), "/notes", "control_character"),
        ] {
            let input = app.event(&adviser, &more).await;
            adviser.post("/events", &input).await.violates(pointer, code);
        }
        assert!(adviser.get("/events").await.expect(200).items().is_empty());
    });
}

#[test]
fn what_was_archived_since_may_stay() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let host = adviser.company("Gastgeber GmbH", &json!({})).await;
        let host = host["id"].as_str().unwrap();
        let series = adviser.post("/event-series", &json!({"name": "Reihe"})).await.expect(201);
        let more = json!({
            "series_id": series.id(), "organiser_ids": [host],
            "speakers": [{"organisation_id": host}]
        });
        let event = create(&app, &adviser, &more).await;
        act(&adviser, &format!("/companies/{host}/archive"), 1, "Zu").await.expect(200);
        act(&adviser, &format!("/event-series/{}/archive", series.id()), 1, "Aus")
            .await
            .expect(200);
        let held = adviser.patch(&path(&event), 1, &json!({"status": "held"})).await.expect(200);
        assert_eq!(held.body["organisers"][0]["id"], host);
        // Once gone, it does not come back.
        adviser.patch(&path(&event), 2, &json!({"organiser_ids": []})).await.expect(200);
        adviser
            .patch(&path(&event), 3, &json!({"organiser_ids": [host]}))
            .await
            .violates("/organiser_ids/0", "archived");
    });
}

#[test]
fn periods_take_entries_as_they_stand() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let period = json!({
            "name": "2029", "service_name": "IQ", "starts_on": "2029-01-01",
            "ends_on": "2029-12-31", "minimum_minutes": 15, "status": "planned"
        });
        let period = admin.post("/funding-periods", &period).await.expect(201).id();
        let planned = create(&app, &adviser, &json!({"starts_on": "2029-02-01"})).await;
        assert_eq!(planned["funding_period"]["id"], period.as_str());
        let cancelled = json!({"status": "cancelled"});
        adviser.patch(&path(&planned), 1, &cancelled).await.expect(200);
        act(&adviser, &format!("{}/void", path(&planned)), 2, "Doch nicht").await.expect(200);

        let before = create(&app, &adviser, &json!({"starts_on": "2025-06-02"})).await;
        let change = json!({"title": "Anders"});
        let set = async |version: i64, status: &str| {
            let path = format!("/funding-periods/{PERIOD_2023}");
            admin.patch(&path, version, &json!({"status": status})).await.expect(200);
        };
        // What was held lies in a period that is open.
        set(1, "planned").await;
        let held = app.event(&adviser, &json!({"starts_on": "2025-06-02", "status": "held"})).await;
        adviser.post("/events", &held).await.problem(409, "funding_period_not_open");
        let (guests, nobody) = (json!({"headcount": 2}), json!({"participations": []}));
        let under = format!("{}/participations", path(&before));
        set(2, "closing").await;
        adviser.post("/events", &held).await.problem(409, "funding_period_not_open");
        adviser.patch(&path(&before), 1, &change).await.problem(409, "funding_period_not_open");
        adviser.post(&under, &guests).await.problem(409, "funding_period_not_open");
        manager.patch(&path(&before), 1, &change).await.expect(200);
        let guests_of = manager.post(&under, &guests).await.expect(201).id();
        set(3, "closed").await;
        // Nor does an event leave a closed period.
        let leave = json!({"starts_on": "2026-01-05"});
        let attendance = format!("{}/attendance", path(&before));
        let participation = format!("/participations/{guests_of}");
        for answer in [
            manager.patch(&path(&before), 2, &leave).await,
            manager.post(&under, &guests).await,
            manager.post(&attendance, &nobody).await,
            manager.patch(&participation, 1, &json!({"headcount": 3})).await,
            act(&manager, &format!("{participation}/void"), 1, "Weg").await,
            act(&manager, &format!("{}/void", path(&before)), 2, "Weg").await,
        ] {
            answer.problem(409, "funding_period_not_open");
        }
        // A period keeps its events.
        let held = create(&app, &adviser, &json!({"starts_on": "2028-12-30"})).await;
        let shorter = json!({"ends_on": "2028-12-29"});
        let path_2026 = format!("/funding-periods/{PERIOD_2026}");
        admin.patch(&path_2026, 1, &shorter).await.problem(409, "events_outside");
        assert_eq!(held["funding_period"]["id"], PERIOD_2026);
    });
}

#[test]
fn those_who_have_to_do_with_an_event_change_it() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let colleague = app.log_in("colleague").await;
        let manager = app.log_in("manager").await;
        let theirs = app.log_in("other.manager").await;
        let event = create(&app, &adviser, &json!({"title": "Vertraulich"})).await;
        let one = path(&event);
        colleague.get(&one).await.expect(200);
        let change = json!({"title": "Anders"});
        colleague.patch(&one, 1, &change).await.problem(403, "forbidden");
        let void = format!("{one}/void");
        act(&colleague, &void, 1, "Meins").await.problem(403, "forbidden");
        theirs.get(&one).await.problem(404, "not_found");
        theirs.get(&format!("{one}/history")).await.problem(404, "not_found");
        theirs.patch(&one, 1, &change).await.problem(404, "not_found");
        act(&theirs, &void, 1, "Ihrs").await.problem(404, "not_found");
        assert_eq!(theirs.get("/events?total=true").await.expect(200).body["total"], 0);
        for user in ["coordinator", "admin", "data.protection"] {
            app.log_in(user).await.get(&one).await.problem(403, "forbidden");
        }
        assert_eq!(adviser.get(&one).await.expect(200).body, event, "nothing was changed");

        let joint = json!({"staff_ids": [colleague.id().await]});
        manager.patch(&one, 1, &joint).await.expect(200);
        colleague.patch(&one, 2, &change).await.expect(200);
        adviser.patch(&one, 2, &change).await.problem(412, "stale");
        let voided = act(&manager, &void, 3, "Doppelt").await.expect(200);
        assert_eq!(voided.body["voided"]["reason"], "Doppelt");
        adviser.patch(&one, 4, &change).await.problem(409, "voided");
        act(&adviser, &void, 4, "Noch mal").await.problem(409, "voided");
    });
}

#[test]
fn lists_filter_by_everything() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let me = adviser.id().await;
        let name = async |name: &str| {
            adviser.company(name, &json!({})).await["id"].as_str().unwrap().to_owned()
        };
        let (organiser, speaker, guest) =
            (name("Gastgeber").await, name("Redner").await, name("Gast").await);
        let series = adviser.post("/event-series", &json!({"name": "Reihe"})).await.expect(201);
        create(
            &app,
            &adviser,
            &json!({
                "title": "Fachtag: Müller & Söhne", "kind": "conference", "starts_on": "2025-11-03",
                "series_id": series.id(), "topics": ["language", "training"], "status": "held",
                "staff_ids": [me], "organiser_ids": [organiser]
            }),
        )
        .await;
        let second = json!({
            "starts_on": "2026-01-12", "site_ids": [FRANKFURT, WETZLAR],
            "district_ids": [district("06440")], "speakers": [{"organisation_id": speaker}]
        });
        let second = create(&app, &adviser, &second).await;
        let under = format!("{}/participations", path(&second));
        let guests = json!({"organisation_id": guest, "headcount": 2});
        adviser.post(&under, &guests).await.expect(201);
        create(&app, &colleague, &json!({"starts_on": "2026-05-04", "status": "cancelled"})).await;
        for (filter, dates) in [
            (String::new(), &["2026-05-04", "2026-01-12", "2025-11-03"][..]),
            ("sort=starts_on".to_owned(), &["2025-11-03", "2026-01-12", "2026-05-04"]),
            ("sort=-starts_on&limit=2".to_owned(), &["2026-05-04", "2026-01-12"]),
            ("kind=conference".to_owned(), &["2025-11-03"]),
            ("status=cancelled".to_owned(), &["2026-05-04"]),
            (format!("site_id={WETZLAR}"), &["2026-05-04", "2026-01-12"]),
            (format!("series_id={}", series.id()), &["2025-11-03"]),
            ("topic=training".to_owned(), &["2025-11-03"]),
            (format!("district_id={}", district("06440")), &["2026-01-12"]),
            (format!("organisation_id={organiser}"), &["2025-11-03"]),
            (format!("organisation_id={speaker}"), &["2026-01-12"]),
            (format!("organisation_id={guest}"), &["2026-01-12"]),
            (format!("organisation_id={NOWHERE}"), &[]),
            (format!("staff_id={me}"), &["2025-11-03"]),
            (format!("funding_period_id={PERIOD_2023}"), &["2025-11-03"]),
            ("from=2025-11-04&to=2026-05-03".to_owned(), &["2026-01-12"]),
            ("q=muller".to_owned(), &["2025-11-03"]),
            ("q=S%C3%B6hne%20fachtag".to_owned(), &["2025-11-03"]),
        ] {
            let page = adviser.get(&format!("/events?{filter}")).await.expect(200);
            let found: Vec<_> = page.items().iter().map(|e| e["starts_on"].clone()).collect();
            assert_eq!(found, dates, "{filter}");
        }
        // Page by page, both ways round.
        for sort in ["starts_on", "-starts_on"] {
            let whole = adviser.get(&format!("/events?sort={sort}&total=true")).await.expect(200);
            assert_eq!(whole.body["total"], 3);
            let mut found = Vec::new();
            let mut next = format!("/events?sort={sort}&limit=1");
            loop {
                let page = adviser.get(&next).await.expect(200);
                found.extend(page.items().clone());
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                next = format!("/events?sort={sort}&limit=1&cursor={cursor}");
            }
            assert_eq!(&found, whole.items());
        }
        let counts = &adviser.get("/events?kind=round_table&status=planned").await.expect(200).body
            ["items"][0]["participations"];
        assert_eq!(counts["registered"], 2);
        adviser.get("/events?sort=title").await.problem(400, "malformed_query");
    });
}

#[test]
fn a_series_has_one_name_and_an_end() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let series = json!({"name": "Fachtag Müller"});
        let new = adviser.post("/event-series", &series).await.expect(201);
        let one = format!("/event-series/{}", new.id());
        assert_eq!(new.header("location"), format!("/api/v1{one}"));
        insta::assert_snapshot!("event_series", redacted(&new.body));
        let same = json!({"name": "fachtag  mueller!"});
        adviser.post("/event-series", &same).await.problem(409, "event_series_name_taken");
        adviser.post("/event-series", &json!({"name": "!"})).await.violates("/name", "no_letters");
        // Another carrier's names are its own, and so are its series.
        let theirs = other.post("/event-series", &series).await.expect(201).id();
        other.get(&one).await.problem(404, "not_found");
        other.get(&format!("{one}/history")).await.problem(404, "not_found");
        other.patch(&one, 1, &same).await.problem(404, "not_found");
        act(&other, &format!("{one}/archive"), 1, "x").await.problem(404, "not_found");
        assert_eq!(other.get("/event-series").await.expect(200).items()[0]["id"], theirs.as_str());

        let another = adviser.post("/event-series", &json!({"name": "Anders"})).await.expect(201);
        let another = format!("/event-series/{}", another.id());
        adviser.patch(&another, 1, &same).await.problem(409, "event_series_name_taken");
        let names = async |query: &str| {
            let list = adviser.get(&format!("/event-series?{query}")).await.expect(200);
            list.items().iter().map(|s| s["name"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("").await, ["Anders", "Fachtag Müller"]);
        let described = json!({"description": "Einmal im Jahr"});
        adviser.patch(&one, 1, &described).await.expect(200);
        act(&adviser, &format!("{one}/archive"), 2, "Ersetzt").await.expect(200);
        adviser.patch(&one, 3, &described).await.problem(409, "archived");
        act(&adviser, &format!("{one}/archive"), 3, "Noch mal").await.problem(409, "archived");
        assert_eq!(names("").await, ["Anders"]);
        assert_eq!(names("archived=true&limit=1").await, ["Anders"]);
        assert_eq!(names("archived=true").await, ["Anders", "Fachtag Müller"]);

        // Its name is free again, and of one name there may be many then.
        for round in 0..2 {
            let next = adviser.post("/event-series", &series).await.expect(201);
            adviser.post("/event-series", &same).await.problem(409, "event_series_name_taken");
            let next = format!("/event-series/{}", next.id());
            if round == 0 {
                act(&adviser, &format!("{next}/archive"), 1, "Ersetzt").await.expect(200);
            }
        }
        let (mut seen, mut path) = (Vec::new(), "/event-series?archived=true&limit=1".to_owned());
        loop {
            let page = adviser.get(&path).await.expect(200);
            seen.extend(page.items().iter().map(|s| s["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/event-series?archived=true&limit=1&cursor={cursor}");
        }
        assert_eq!(seen.len(), 4, "none is skipped or told twice: {seen:?}");
        assert_eq!(seen.iter().collect::<std::collections::HashSet<_>>().len(), 4);

        let history = adviser.get(&format!("{one}/history")).await.expect(200);
        let actions: Vec<_> = history.items().iter().map(|e| e["action"].clone()).collect();
        assert_eq!(actions, ["archived", "changed", "created"]);
    });
}

#[test]
fn a_double_click_records_one_event_and_of_two_changes_one_wins() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let input = app.event(&adviser, &json!({})).await;
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let (session, input) = (adviser.clone(), input.clone());
            waiting.push(tokio::spawn(async move {
                session.post_with("/events", &[("Idempotency-Key", "once")], &input).await
            }));
        }
        let mut ids = Vec::new();
        for answer in waiting {
            ids.push(answer.await.unwrap().expect(201).id());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        let path = format!("/events/{}", ids[0]);
        for version in 1..=5 {
            let change = |title: &str| {
                let (session, path) = (adviser.clone(), path.clone());
                let change = body(&json!({}), &json!({"title": title}));
                tokio::spawn(async move { session.patch(&path, version, &change).await.status })
            };
            let (one, two) = (change("Eins"), change("Zwei"));
            let mut statuses = [one.await.unwrap(), two.await.unwrap()];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 412]);
        }
    });
}
