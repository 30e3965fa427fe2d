//! Logging, reading, changing, voiding consultations.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::harness::{
    BWHW, FRANKFURT, KASSEL, PERIOD_2023, PERIOD_2026, Session, TestApp, body, both, district,
    redacted,
};

async fn log(app: &TestApp, session: &Session, more: &Value) -> Value {
    let input = app.consultation(session, more).await;
    session.post("/consultations", &input).await.expect(201).body
}

fn path(consultation: &Value) -> String {
    format!("/consultations/{}", consultation["id"].as_str().unwrap())
}

#[test]
fn an_adviser_logs_a_consultation() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let colleague = app.log_in("colleague").await.id().await;
        let district_id = json!({"district_id": district("06412")});
        let company = adviser.company("Beraten GmbH", &district_id).await;
        let id = company["id"].as_str().unwrap();
        let works = json!({"name": "Werk", "district_id": district("06440")});
        let works =
            adviser.post(&format!("/companies/{id}/establishments"), &works).await.expect(201);
        let contact = json!({"name": "Cora Probstadt"});
        let contact =
            adviser.post(&format!("/companies/{id}/contacts"), &contact).await.expect(201);
        let input = app
            .consultation(
                &adviser,
                &json!({
                    "organisation_id": id,
                    "establishment_id": works.id(),
                    "contact_ids": [contact.id()],
                    "starts_at": "09:30:00",
                    "adviser_ids": [adviser.id().await, colleague],
                    "topics": ["fast_track", "blue_card"],
                    "preparation_minutes": 20,
                    "occupations": [
                        {"code": "26302", "workers": 2},
                        {"code": "81", "skill_level": "expert"}
                    ],
                    "apprentices": 3,
                    "countries": ["XK", "MA"],
                    "notes": "Zwei Stellen.\nMit Zeilenumbruch.",
                    "outcome": "follow_up_agreed"
                }),
            )
            .await;
        let new = adviser.post("/consultations", &input).await.expect(201);
        insta::assert_snapshot!("consultation", redacted(&new.body));
        assert_eq!(new.header("location"), format!("/api/v1{}", path(&new.body)));
        let read = adviser.get(&path(&new.body)).await.expect(200);
        assert_eq!(read.body, new.body, "what is answered is what is stored");
        let listed = adviser.get("/consultations").await.expect(200);
        assert_eq!(listed.items()[0], new.body);
        let of_company = adviser.get(&format!("/companies/{id}/consultations")).await.expect(200);
        assert_eq!(of_company.items()[0], new.body);
        let another = adviser.company("Andere GmbH", &json!({})).await;
        let nothing = format!("/companies/{}/consultations", another["id"].as_str().unwrap());
        assert!(adviser.get(&nothing).await.expect(200).items().is_empty());
    });
}

#[test]
fn lists_are_filtered_by_what_is_sought_and_from_where() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let electric = log(
            &app,
            &adviser,
            &json!({"occupations": [{"code": "43"}, {"code": "26302"}], "countries": ["IN", "MA"]}),
        )
        .await;
        let nursing = log(&app, &adviser, &json!({"occupations": [{"code": "81302"}]})).await;
        let none = log(&app, &adviser, &json!({})).await;
        for (filter, expected) in [
            ("occupation=26", vec![&electric]),
            ("occupation=26302", vec![&electric]),
            ("occupation=2630", vec![&electric]),
            ("occupation=81302", vec![&nursing]),
            ("occupation=2", vec![&electric]),
            ("occupation=6", vec![]),
            ("occupation=26301", vec![]),
            ("country=MA", vec![&electric]),
            ("country=XK", vec![]),
            ("country=IN&occupation=43", vec![&electric]),
            ("country=IN&occupation=81", vec![]),
            ("note_warnings=true", vec![]),
            ("sort=created_at", vec![&electric, &nursing, &none]),
        ] {
            let list =
                adviser.get(&format!("/consultations?{filter}&total=true")).await.expect(200);
            assert_eq!(list.items().iter().collect::<Vec<_>>(), expected, "{filter}");
            assert_eq!(list.body["total"], expected.len(), "{filter}");
        }
        for (parameter, value) in [
            ("country", "ma"),
            ("country", "M"),
            ("country", "ZZ"),
            ("country", ""),
            ("occupation", "2a"),
            ("occupation", "%25"),
            ("occupation", "00"),
            ("occupation", "263021"),
            ("occupation", ""),
        ] {
            let refused = adviser.get(&format!("/consultations?{parameter}={value}")).await;
            let refused = refused.problem(400, "malformed_query");
            assert_eq!(refused.body["errors"][0]["pointer"], parameter, "{parameter}={value}");
        }
        let found = async |filter: &str| {
            let list = adviser.get(&format!("/consultations?{filter}")).await.expect(200);
            list.items().len()
        };
        let others = json!({"occupations": [{"code": "26"}, {"code": "26", "skill_level": "expert"}],
            "countries": ["MA", "XK"]});
        adviser.patch(&path(&electric), 1, &others).await.expect(200);
        assert_eq!((found("country=IN").await, found("country=XK").await), (0, 1));
        assert_eq!((found("occupation=43").await, found("occupation=26").await), (0, 1));
        assert_eq!(found("occupation=263").await, 0);
        let nothing = json!({"occupations": [], "countries": [], "apprentices": null});
        let changed = adviser.patch(&path(&electric), 2, &nothing).await.expect(200);
        assert_eq!(changed.body["occupations"], json!([]));
        assert_eq!((found("country=MA").await, found("occupation=26").await), (0, 0));
    });
}

#[test]
fn notes_that_look_like_a_candidates_data_are_warned_of_and_kept() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let notes = json!({"notes": "Kandidat geb. 12.03.1991, Reisepass AB1234567."});
        let new = log(&app, &adviser, &notes).await;
        assert_eq!(new["note_warnings"], json!(["passport_number", "date_of_birth"]));
        assert_eq!(new["notes"], notes["notes"]);
        let found = adviser.get("/consultations?note_warnings=true").await.expect(200);
        assert_eq!(found.items(), std::slice::from_ref(&new));

        let mended = adviser.patch(&path(&new), 1, &json!({"notes": "Ein Kandidat."})).await;
        assert_eq!(mended.expect(200).body["note_warnings"], json!([]));
        assert!(
            adviser.get("/consultations?note_warnings=true").await.expect(200).items().is_empty()
        );
    });
}

#[test]
fn the_rules_are_all_told_at_once() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let other = app.log_in("other").await.id().await;
        let input = app
            .consultation(
                &adviser,
                &json!({
                    "minutes": 0, "held_on": "2026-03-17", "adviser_ids": [other], "topics": ["nonsense"],
                    "organisation_id": FRANKFURT, "site_id": KASSEL, "notes": "a\u{7}b"
                }),
            )
            .await;
        let answer = adviser.post("/consultations", &input).await.problem(422, "invalid");
        insta::assert_snapshot!("consultation_faults", redacted(&answer.body["errors"]));
        assert!(adviser.get("/consultations").await.expect(200).items().is_empty());
    });
}

#[test]
fn each_rule_by_itself() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let me = adviser.id().await;
        let admin = app.log_in("admin").await.id().await;
        for (more, pointer, code) in [
            (json!({"minutes": 1441}), "/minutes", "out_of_range"),
            (json!({"preparation_minutes": -1}), "/preparation_minutes", "out_of_range"),
            (json!({"apprentices": 0}), "/apprentices", "out_of_range"),
            (json!({"countries": ["DE", "Marokko"]}), "/countries/1", "not_a_country"),
            (json!({"countries": ["MA", "MA"]}), "/countries/1", "repeated"),
            (json!({"countries": vec!["MA"; 21]}), "/countries", "too_many"),
            (json!({"occupations": [{"code": "99"}]}), "/occupations/0/code", "not_an_occupation"),
            (
                json!({"occupations": [{"code": "26302", "skill_level": "helper"}]}),
                "/occupations/0/skill_level",
                "contradicts_code",
            ),
            (
                json!({"occupations": [{"code": "26", "workers": 0}]}),
                "/occupations/0/workers",
                "out_of_range",
            ),
            (
                json!({"occupations": [{"code": "26"}, {"code": "26"}]}),
                "/occupations/1",
                "repeated",
            ),
            (json!({"held_on": "2018-12-31"}), "/held_on", "outside_funding_periods"),
            (json!({"held_on": "2026-03-17"}), "/held_on", "in_the_future"),
            (json!({"topics": []}), "/topics", "too_few"),
            (json!({"topics": ["blue_card", "blue_card"]}), "/topics/1", "repeated"),
            (
                json!({"held_on": "2024-05-31", "topics": ["opportunity_card"]}),
                "/topics/0",
                "not_valid_on_date",
            ),
            (json!({"adviser_ids": []}), "/adviser_ids", "too_few"),
            (json!({"adviser_ids": [me, admin]}), "/adviser_ids/1", "not_an_adviser"),
            (json!({"adviser_ids": vec![me.clone(); 21]}), "/adviser_ids", "too_many"),
            (json!({"site_id": KASSEL}), "/site_id", "site_of_another_carrier"),
            (json!({"site_id": district("06412")}), "/site_id", "unknown"),
            (json!({"status": "voided"}), "/status", "not_settable"),
            (json!({"notes": "x".repeat(10_001)}), "/notes", "too_long"),
            (json!({"establishment_id": me}), "/establishment_id", "unknown"),
            (json!({"contact_ids": [me]}), "/contact_ids/0", "unknown"),
            (json!({"anonymous": {"section": "C"}}), "/anonymous/section", "not_a_section"),
            (json!({"anonymous": {"district_id": me}}), "/anonymous/district_id", "unknown"),
        ] {
            let input = app.consultation(&adviser, &more).await;
            adviser.post("/consultations", &input).await.violates(pointer, code);
        }
        let closed = app.consultation(&adviser, &json!({"held_on": "2022-05-05"})).await;
        adviser.post("/consultations", &closed).await.problem(409, "funding_period_not_open");
        assert!(adviser.get("/consultations").await.expect(200).items().is_empty());
    });
}

#[test]
fn a_closing_period_is_for_managers() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let before = log(&app, &adviser, &json!({"held_on": "2025-06-02"})).await;
        let closing = json!({"status": "closing"});
        admin.patch(&format!("/funding-periods/{PERIOD_2023}"), 1, &closing).await.expect(200);
        let input = app.consultation(&adviser, &json!({"held_on": "2025-06-03"})).await;
        adviser.post("/consultations", &input).await.problem(409, "funding_period_not_open");
        let change = json!({"minutes": 60});
        adviser.patch(&path(&before), 1, &change).await.problem(409, "funding_period_not_open");
        manager.patch(&path(&before), 1, &change).await.expect(200);
        log(&app, &manager, &json!({"held_on": "2025-06-03"})).await;
        let closed = json!({"status": "closed"});
        admin.patch(&format!("/funding-periods/{PERIOD_2023}"), 2, &closed).await.expect(200);
        // Nor does a record leave a closed period.
        let leave = json!({"held_on": "2026-01-05"});
        manager.patch(&path(&before), 2, &leave).await.problem(409, "funding_period_not_open");
    });
}

#[test]
fn kinds_are_derived_and_a_backdated_entry_changes_them() {
    both(async |app| {
        let (adviser, theirs) = (app.log_in("adviser").await, app.log_in("other").await);
        let company = adviser.company("Erst GmbH", &json!({})).await;
        let with = |more: Value| body(&json!({"organisation_id": company["id"]}), &more);
        let later = log(&app, &adviser, &with(json!({"held_on": "2026-02-10"}))).await;
        assert_eq!(later["kind"], "first");
        let short =
            log(&app, &adviser, &with(json!({"held_on": "2026-01-05", "minutes": 14}))).await;
        assert_eq!(short["kind"], "short_information");
        let missed =
            log(&app, &adviser, &with(json!({"held_on": "2026-01-06", "status": "no_show"}))).await;
        assert_eq!(missed["kind"], json!(null));
        let anonymous = log(&app, &adviser, &json!({})).await;
        assert_eq!(anonymous["kind"], "anonymous");
        let kind = async |consultation: &Value| {
            adviser.get(&path(consultation)).await.expect(200).body["kind"].clone()
        };
        assert_eq!(kind(&later).await, "first", "neither short nor missed counts");

        // What another carrier recorded is not for our eyes, not even so.
        let elsewhere = log(&app, &theirs, &with(json!({"held_on": "2026-01-02"}))).await;
        assert_eq!(
            (elsewhere["kind"].clone(), kind(&later).await),
            (json!("first"), json!("first"))
        );

        // Backdated, and on one day the start decides; without a start it comes last.
        let backdated = log(&app, &adviser, &with(json!({"held_on": "2026-01-20"}))).await;
        assert_eq!(
            (kind(&backdated).await, kind(&later).await),
            (json!("first"), json!("follow_up"))
        );
        let earlier = with(json!({"held_on": "2026-01-20", "starts_at": "16:00:00"}));
        let earlier = log(&app, &adviser, &earlier).await;
        assert_eq!(
            (kind(&earlier).await, kind(&backdated).await),
            (json!("first"), json!("follow_up"))
        );

        // A period of its own has a first of its own.
        let before = log(&app, &adviser, &with(json!({"held_on": "2025-12-30"}))).await;
        assert_eq!((kind(&before).await, kind(&earlier).await), (json!("first"), json!("first")));

        let void = format!("{}/void", path(&earlier));
        adviser
            .post_with(&void, &[("If-Match", "\"1\"")], &json!({"reason": "Twice"}))
            .await
            .expect(200);
        assert_eq!((kind(&earlier).await, kind(&backdated).await), (json!(null), json!("first")));
    });
}

#[test]
fn a_consultation_keeps_the_district_of_its_date() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let hanau =
            adviser.company("Hanauer Firma", &json!({"district_id": district("06415")})).await;
        let key = async |held_on: &str| {
            let more = json!({"organisation_id": hanau["id"], "held_on": held_on});
            log(&app, &adviser, &more).await["district"]["name"].clone()
        };
        assert_eq!(key("2026-01-02").await, "Hanau");
        assert_eq!(key("2025-12-31").await, "Main-Kinzig-Kreis");
        // Moving the company later does not move what was.
        let listed = adviser.get("/consultations?sort=held_on").await.expect(200);
        let moved = json!({"district_id": district("06412")});
        let company = format!("/companies/{}", hanau["id"].as_str().unwrap());
        adviser.patch(&company, 1, &moved).await.expect(200);
        let after = adviser.get("/consultations?sort=held_on").await.expect(200);
        assert_eq!(after.items()[0]["district"], listed.items()[0]["district"]);
        // Nor does a change of something else, or of the date alone: that is the same place on another day.
        let change = async |record: &Value, change: Value| {
            let version = record["version"].as_i64().unwrap();
            adviser.patch(&path(record), version, &change).await.expect(200).body
        };
        let noted = change(&after.items()[1], json!({"notes": "Tippfehler"})).await;
        assert_eq!(noted["district"]["name"], "Hanau");
        let earlier = change(&noted, json!({"held_on": "2025-12-30"})).await;
        assert_eq!(earlier["district"]["name"], "Main-Kinzig-Kreis");
        // Another place is as it is now.
        let works = json!({"name": "Werk", "district_id": district("06440")});
        let works = adviser.post(&format!("{company}/establishments"), &works).await.expect(201);
        let of_works = change(&earlier, json!({"establishment_id": works.id()})).await;
        assert_eq!(of_works["district"]["name"], "Wetteraukreis");
        let of_it = change(&of_works, json!({"establishment_id": null})).await;
        assert_eq!(of_it["district"]["name"], "Frankfurt am Main");
        let anonymous = json!({"anonymous": {"district_id": district("06415")}});
        let anonymous = log(&app, &adviser, &anonymous).await;
        let earlier = change(&anonymous, json!({"held_on": "2025-12-01"})).await;
        assert_eq!(earlier["district"]["name"], "Main-Kinzig-Kreis");
        let elsewhere = json!({"anonymous": {"district_id": district("06440")}});
        assert_eq!(change(&earlier, elsewhere).await["district"]["name"], "Wetteraukreis");
    });
}

#[test]
fn advisers_change_their_own_and_managers_all_of_the_carrier() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let colleague = app.log_in("colleague").await;
        let manager = app.log_in("manager").await;
        let theirs = app.log_in("other.manager").await;
        let logged = log(&app, &adviser, &json!({"notes": "Vertraulich"})).await;
        let one = path(&logged);

        // A colleague reads it; another carrier does not know of it.
        colleague.get(&one).await.expect(200);
        let change = json!({"minutes": 50});
        colleague.patch(&one, 1, &change).await.problem(403, "forbidden");
        let void = format!("{one}/void");
        let reason = json!({"reason": "Mine"});
        colleague
            .post_with(&void, &[("If-Match", "\"1\"")], &reason)
            .await
            .problem(403, "forbidden");
        theirs.get(&one).await.problem(404, "not_found");
        theirs.get(&format!("{one}/history")).await.problem(404, "not_found");
        theirs.patch(&one, 1, &change).await.problem(404, "not_found");
        theirs.post_with(&void, &[("If-Match", "\"1\"")], &reason).await.problem(404, "not_found");
        let listed = theirs.get("/consultations?q=vertraulich&total=true").await.expect(200);
        assert_eq!(listed.body["total"], 0);
        for user in ["coordinator", "admin", "data.protection"] {
            app.log_in(user).await.get(&one).await.problem(403, "forbidden");
        }
        assert_eq!(adviser.get(&one).await.expect(200).body, logged, "nothing was changed");

        // A co-adviser changes it, and so does the manager.
        let joint = json!({"adviser_ids": [adviser.id().await, colleague.id().await]});
        adviser.patch(&one, 1, &joint).await.expect(200);
        colleague.patch(&one, 2, &json!({"minutes": 50, "notes": null})).await.expect(200);
        let voided = manager
            .post_with(&void, &[("If-Match", "\"3\"")], &json!({"reason": "Entered twice"}))
            .await
            .expect(200);
        insta::assert_snapshot!("voided", redacted(&voided.body["voided"]));
        assert_eq!(voided.body["status"], "voided");
        adviser.patch(&one, 4, &change).await.problem(409, "voided");
        manager.post_with(&void, &[("If-Match", "\"4\"")], &reason).await.problem(409, "voided");
        let history = adviser.get(&format!("{one}/history")).await.expect(200);
        insta::assert_snapshot!("consultation_history", redacted(&history.body));
    });
}

#[test]
fn lists_filter_by_everything() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let company =
            adviser.company("Filter GmbH", &json!({"district_id": district("06440")})).await;
        let id = company["id"].as_str().unwrap();
        log(&app, &adviser, &json!({"held_on": "2025-11-03", "channel": "video", "topics": ["training", "language"]})).await;
        log(
            &app,
            &adviser,
            &json!({"organisation_id": id, "held_on": "2026-01-12", "notes": "Müller ruft zurück"}),
        )
        .await;
        log(&app, &colleague, &json!({"held_on": "2026-02-02", "status": "cancelled"})).await;
        let (me, them) = (adviser.id().await, colleague.id().await);
        let wetteraukreis = district("06440");
        for (filter, dates) in [
            (String::new(), &["2026-02-02", "2026-01-12", "2025-11-03"][..]),
            ("sort=held_on".to_owned(), &["2025-11-03", "2026-01-12", "2026-02-02"]),
            ("sort=created_at".to_owned(), &["2025-11-03", "2026-01-12", "2026-02-02"]),
            ("sort=-created_at&limit=2".to_owned(), &["2026-02-02", "2026-01-12"]),
            (format!("organisation_id={id}"), &["2026-01-12"]),
            (format!("site_id={FRANKFURT}"), &["2026-01-12", "2025-11-03"]),
            (format!("adviser_id={me}"), &["2026-01-12", "2025-11-03"]),
            (format!("adviser_id={them}"), &["2026-02-02"]),
            (format!("district_id={wetteraukreis}"), &["2026-01-12"]),
            ("topic=language".to_owned(), &["2025-11-03"]),
            ("topic=blue_card&status=held".to_owned(), &["2026-01-12"]),
            ("channel=video".to_owned(), &["2025-11-03"]),
            (format!("funding_period_id={PERIOD_2023}"), &["2025-11-03"]),
            ("from=2026-01-12&to=2026-02-01".to_owned(), &["2026-01-12"]),
            ("q=MUELLER%20ruft".to_owned(), &["2026-01-12"]),
            ("status=no_show".to_owned(), &[]),
        ] {
            let found = adviser.get(&format!("/consultations?{filter}")).await.expect(200);
            let found: Vec<_> =
                found.items().iter().map(|c| c["held_on"].as_str().unwrap()).collect();
            assert_eq!(found, dates, "{filter}");
        }
    });
}

#[test]
fn every_order_pages_without_gaps_or_doubles() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        // Several on one day, so that the id settles ties.
        for number in 0..11 {
            let held_on = format!("2026-01-{:02}", 5 + number / 3);
            log(&app, &adviser, &json!({"held_on": held_on})).await;
            if number % 4 == 0 {
                app.advance(chrono::TimeDelta::seconds(1));
            }
        }
        for sort in ["held_on", "-held_on", "created_at", "-created_at"] {
            let whole = adviser.get(&format!("/consultations?sort={sort}")).await.expect(200);
            let mut paged = Vec::new();
            let mut cursor = String::new();
            loop {
                let url = format!("/consultations?sort={sort}&limit=2{cursor}");
                let page = adviser.get(&url).await.expect(200);
                paged.extend(page.items().clone());
                match page.body["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(&paged, whole.items(), "{sort}");
        }
    });
}

/// The names of sites, advisers, topics … are kept in memory; none may outlive a change, by whichever
/// server.
#[test]
fn a_changed_name_shows_at_once() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let admin = app.log_in("admin").await;
        let me = adviser.id().await;
        let input = json!({"topics": ["blue_card"]});
        let new = log(&app, &adviser, &input).await;
        let blue_card = admin.get("/topics?limit=200").await.expect(200);
        let blue_card =
            blue_card.items().iter().find(|topic| topic["code"] == "blue_card").unwrap();
        let blue_card = blue_card["id"].as_str().unwrap();
        for (path, change) in [
            (format!("/users/{me}"), json!({"name": "Neu Name"})),
            (format!("/sites/{FRANKFURT}"), json!({"name": "Neu Standort"})),
            (format!("/carriers/{BWHW}"), json!({"name": "Neu Träger"})),
            (format!("/funding-periods/{PERIOD_2026}"), json!({"name": "Neu Zeitraum"})),
            (format!("/topics/{blue_card}"), json!({"label_de": "Neu Thema"})),
        ] {
            let version = admin.get(&path).await.expect(200).body["version"].as_i64().unwrap();
            admin.patch(&path, version, &change).await.expect(200);
        }
        let read = adviser.get(&path(&new)).await.expect(200).body;
        assert_eq!(read["advisers"][0]["name"], "Neu Name");
        assert_eq!(read["recorded_by"]["name"], "Neu Name");
        assert_eq!(read["site"]["name"], "Neu Standort");
        assert_eq!(read["carrier"]["name"], "Neu Träger");
        assert_eq!(read["funding_period"]["name"], "Neu Zeitraum");
        assert_eq!(read["topics"][0]["label_de"], "Neu Thema");

        // Another server on the same database.
        app.connect()
            .batch_execute("UPDATE sites SET name = 'Woanders' WHERE name = 'Neu Standort'")
            .unwrap();
        let listed = adviser.get("/consultations").await.expect(200);
        assert_eq!(listed.items()[0]["site"]["name"], "Woanders");

        // One that is added can be shown by the next request.
        let topic = json!({"code": "brand_new", "group": "other", "label_de": "Ganz neu",
            "label_en": "Brand new", "valid_from": "2026-01-01"});
        admin.post("/topics", &topic).await.expect(201);
        let new = log(&app, &adviser, &json!({"topics": ["brand_new"]})).await;
        let read = adviser.get(&path(&new)).await.expect(200).body;
        assert_eq!(read["topics"][0]["label_en"], "Brand new");
    });
}

#[test]
fn a_consultation_names_the_event_that_it_was_held_at() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let mut events = Vec::new();
        for session in [&adviser, &other] {
            let event = app.event(session, &json!({"title": "Runder Tisch Pflege"})).await;
            events.push(session.post("/events", &event).await.expect(201).id());
        }
        let at_event = json!({"event_id": events[0], "channel": "event_stand"});
        let new = log(&app, &adviser, &at_event).await;
        assert_eq!(new["event"], json!({"id": events[0], "name": "Runder Tisch Pflege"}));
        log(&app, &adviser, &json!({})).await;
        let list = format!("/consultations?event_id={}", events[0]);
        assert_eq!(adviser.get(&list).await.expect(200).items(), std::slice::from_ref(&new));

        let of_another = app.consultation(&adviser, &json!({"event_id": events[1]})).await;
        adviser.post("/consultations", &of_another).await.violates("/event_id", "unknown");
        let changed = adviser.patch(&path(&new), 1, &json!({"event_id": null})).await.expect(200);
        assert_eq!(changed.body["event"], json!(null));

        let kept = log(&app, &adviser, &at_event).await;
        let void = format!("/events/{}/void", events[0]);
        let first = [("If-Match", "\"1\"")];
        adviser.post_with(&void, &first, &json!({"reason": "Twice"})).await.expect(200);
        let voided = app.consultation(&adviser, &json!({"event_id": events[0]})).await;
        adviser.post("/consultations", &voided).await.violates("/event_id", "voided");
        // What names it already keeps it, and nothing comes back to it.
        let notes = json!({"notes": "Nachgetragen"});
        let noted = adviser.patch(&path(&kept), 1, &notes).await.expect(200).body;
        assert_eq!((&noted["notes"], &noted["event"]), (&notes["notes"], &kept["event"]));
        let back = json!({"event_id": events[0]});
        adviser.patch(&path(&new), 2, &back).await.violates("/event_id", "voided");
    });
}

#[test]
fn a_consultation_changes_whatever_became_of_what_it_names() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Vergangen GmbH", &json!({})).await;
        let id = company["id"].as_str().unwrap();
        let contact = json!({"name": "Cora Probstadt"});
        let contacts = format!("/companies/{id}/contacts");
        let contact = adviser.post(&contacts, &contact).await.expect(201).id();
        let more = json!({"organisation_id": id, "contact_ids": [contact]});
        let logged = log(&app, &adviser, &more).await;
        let anonymous = log(&app, &adviser, &json!({})).await;
        let (first, reason) = ([("If-Match", "\"1\"")], json!({"reason": "Insolvent"}));
        for record in [format!("/contacts/{contact}"), format!("/companies/{id}")] {
            let archive = format!("{record}/archive");
            adviser.post_with(&archive, &first, &reason).await.expect(200);
        }
        let changed = adviser.patch(&path(&logged), 1, &json!({"notes": "Ende"})).await.expect(200);
        assert_eq!(changed.body["contacts"], logged["contacts"]);
        let named = json!({"organisation_id": id});
        adviser.patch(&path(&anonymous), 1, &named).await.violates("/organisation_id", "archived");
    });
}
