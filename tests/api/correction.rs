//! Corrections: what stands beside the records of a closed funding period, and what it leaves alone.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::harness::{
    Answer, BWHW, PERIOD_2019, PERIOD_2023, PERIOD_2026, Session, TestApp, body, both, district,
    redacted,
};
use crate::hostile::NOWHERE;

/// A consultation of 5 May 2022 unless told. Its period is closed, so it is opened for the moment.
pub async fn record(app: &TestApp, session: &Session, more: &Value) -> Value {
    let admin = app.log_in("admin").await;
    set_status(&admin, PERIOD_2019, "open").await;
    let input = missing(app, session, more).await;
    let logged = session.post("/consultations", &input).await.expect(201).body;
    set_status(&admin, PERIOD_2019, "closed").await;
    logged
}

/// The body of a consultation that a closed period could have.
pub async fn missing(app: &TestApp, session: &Session, more: &Value) -> Value {
    app.consultation(session, &body(&json!({"held_on": "2022-05-05"}), more)).await
}

async fn set_status(admin: &Session, period: &str, status: &str) {
    let path = format!("/funding-periods/{period}");
    let version = admin.get(&path).await.expect(200).body["version"].as_i64().unwrap();
    admin.patch(&path, version, &json!({"status": status})).await.expect(200);
}

async fn enter(session: &Session, correction: &Value) -> Answer {
    session.post("/corrections", &body(&json!({"reason": "Stand auf Papier"}), correction)).await
}

async fn change(session: &Session, record: &Value, changes: Value) -> Answer {
    let change = json!({"kind": "change", "consultation_id": record["id"], "changes": changes});
    enter(session, &change).await
}

async fn void(session: &Session, record: &Value) -> Answer {
    enter(session, &json!({"kind": "void", "consultation_id": record["id"]})).await
}

pub async fn add(session: &Session, consultation: &Value) -> Answer {
    enter(session, &json!({"kind": "add", "consultation": consultation})).await
}

fn path(correction: &Value) -> String {
    format!("/corrections/{}", correction["id"].as_str().unwrap())
}

async fn withdraw(session: &Session, correction: &Value) -> Answer {
    let version = format!("\"{}\"", correction["version"]);
    let path = format!("{}/withdraw", path(correction));
    session.post_with(&path, &[("If-Match", &version)], &json!({"reason": "Irrtum"})).await
}

async fn read(session: &Session, record: &Value) -> Value {
    let path = format!("/consultations/{}", record["id"].as_str().unwrap());
    session.get(&path).await.expect(200).body
}

fn fields(correction: &Value) -> Vec<&str> {
    let differences = correction["differences"].as_array().unwrap();
    differences.iter().map(|difference| difference["field"].as_str().unwrap()).collect()
}

#[test]
fn a_change_stands_beside_the_record() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let company = adviser.company("Richtig GmbH", &json!({})).await;
        let of_it = json!({"organisation_id": company["id"], "notes": "Fünf Stellen."});
        let record = record(&app, &adviser, &of_it).await;
        let changes = json!({"minutes": 60, "notes": null, "topics": ["blue_card", "fast_track"],
            "adviser_ids": [adviser.id().await, colleague.id().await]});
        let new = change(&adviser, &record, changes).await.expect(201);
        insta::assert_snapshot!("correction", redacted(&new.body));
        assert_eq!(new.header("location"), format!("/api/v1{}", path(&new.body)));
        let seen = adviser.get(&path(&new.body)).await.expect(200);
        assert_eq!(seen.body, new.body, "what is answered is what is stored");
        assert_eq!(colleague.get("/corrections").await.expect(200).items()[0], new.body);
        assert_eq!(read(&adviser, &record).await, record, "the record stays as it was");

        let withdrawn = withdraw(&adviser, &new.body).await.expect(200);
        assert_eq!(withdrawn.header("etag"), "\"2\"");
        assert_eq!(withdrawn.body["withdrawn"]["reason"], "Irrtum");
        assert_eq!(adviser.get(&path(&new.body)).await.expect(200).body, withdrawn.body);
        let history = adviser.get(&format!("{}/history", path(&new.body))).await.expect(200);
        let actions: Vec<_> = history.items().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(actions, ["changed", "created"]);
        insta::assert_snapshot!("correction_withdrawn", redacted(&history.items()[0]));
    });
}

#[test]
fn a_record_should_not_be_there_or_is_missing() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = record(&app, &adviser, &json!({})).await;
        let voided = void(&adviser, &record).await.expect(201).body;
        insta::assert_snapshot!("correction_void", redacted(&voided));
        assert_eq!(read(&adviser, &record).await, record);

        let missing = missing(&app, &adviser, &json!({"minutes": 25})).await;
        let added = add(&adviser, &missing).await.expect(201).body;
        insta::assert_snapshot!("correction_added", redacted(&added));
        assert_eq!(adviser.get(&path(&added)).await.expect(200).body, added);
        let all = adviser.get("/consultations?total=true").await.expect(200);
        assert_eq!(all.items(), &[record], "nothing was logged");
        let none = format!("/consultations/{}", added["id"].as_str().unwrap());
        adviser.get(&none).await.problem(404, "not_found");
        withdraw(&adviser, &added).await.expect(200);
    });
}

#[test]
fn each_rule_of_a_correction_by_itself() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let of_others = record(&app, &other, &json!({})).await;
        let record = record(&app, &adviser, &json!({})).await;
        let missing = missing(&app, &adviser, &json!({})).await;
        let (id, minutes) = (&record["id"], json!({"minutes": 60}));
        let a_change = json!({"kind": "change", "consultation_id": id, "changes": minutes});
        let a_void = json!({"kind": "void", "consultation_id": id});
        let an_add = json!({"kind": "add", "consultation": missing});
        for (good, more, pointer, code) in [
            (&a_change, json!({"kind": "delete"}), "/kind", "wrong_type"),
            (&a_change, json!({"consultation_id": null}), "/consultation_id", "missing"),
            (&a_change, json!({"consultation_id": NOWHERE}), "/consultation_id", "unknown"),
            (&a_change, json!({"consultation_id": of_others["id"]}), "/consultation_id", "unknown"),
            (&a_change, json!({"changes": null}), "/changes", "missing"),
            (&a_change, json!({"changes": [minutes]}), "/changes", "wrong_type"),
            (&a_change, json!({"changes": 7}), "/changes", "wrong_type"),
            (&a_change, json!({"consultation": missing}), "/consultation", "of_another_kind"),
            (&a_change, json!({"reason": " "}), "/reason", "empty"),
            (&a_change, json!({"reason": "x".repeat(501)}), "/reason", "too_long"),
            (&a_void, json!({"consultation_id": null}), "/consultation_id", "missing"),
            (&a_void, json!({"consultation_id": of_others["id"]}), "/consultation_id", "unknown"),
            (&a_void, json!({"changes": {}}), "/changes", "of_another_kind"),
            (&a_void, json!({"consultation": missing}), "/consultation", "of_another_kind"),
            (&a_void, json!({"reason": ""}), "/reason", "empty"),
            (&an_add, json!({"consultation": null}), "/consultation", "missing"),
            (&an_add, json!({"consultation": []}), "/consultation", "wrong_type"),
            (&an_add, json!({"consultation_id": id}), "/consultation_id", "of_another_kind"),
            (&an_add, json!({"changes": minutes}), "/changes", "of_another_kind"),
            (&an_add, json!({"reason": "\u{7}"}), "/reason", "control_character"),
        ] {
            enter(&adviser, &body(good, &more)).await.violates(pointer, code);
        }
        // What a consultation must be like, it must be like as corrected or added.
        for (field, value, pointer, code) in [
            ("minutes", json!(0), "/minutes", "out_of_range"),
            ("minutes", json!("x"), "/minutes", "wrong_type"),
            ("status", json!("voided"), "/status", "not_settable"),
            ("topics", json!([]), "/topics", "too_few"),
            ("topics", json!(["opportunity_card"]), "/topics/0", "not_valid_on_date"),
            ("adviser_ids", json!([other.id().await]), "/adviser_ids/0", "not_an_adviser"),
            ("organisation_id", json!(NOWHERE), "/organisation_id", "unknown"),
            ("event_id", json!(NOWHERE), "/event_id", "unknown"),
            ("held_on", json!("2018-12-31"), "/held_on", "outside_funding_periods"),
            ("held_on", json!("2022-02-30"), "/held_on", "wrong_type"),
            ("nmae", json!("x"), "/nmae", "unknown_field"),
            ("kind", json!(null), "/kind", "unknown_field"),
        ] {
            let one = json!({field: value});
            let pointed = |part: &str| format!("/{part}{pointer}");
            let changed = change(&adviser, &record, one.clone()).await;
            changed.violates(&pointed("changes"), code);
            let added = add(&adviser, &body(&missing, &one)).await;
            added.violates(&pointed("consultation"), code);
        }
        let cleared = change(&adviser, &record, json!({"minutes": null})).await;
        cleared.violates("/changes/minutes", "missing");
        for nothing in [json!({}), json!({"minutes": 45}), json!({"notes": "  "})] {
            change(&adviser, &record, nothing).await.violates("/changes", "changes_nothing");
        }
        // All of it is told at once.
        let two = json!({"minutes": 0, "held_on": "2026-01-05"});
        let faults = change(&adviser, &record, two).await;
        let faults = faults.violates("/changes/held_on", "not_in_a_closed_period");
        faults.violates("/changes/minutes", "out_of_range");
        let all = adviser.get("/corrections?total=true").await.expect(200);
        assert_eq!(all.body["total"], 0);
        assert_eq!(read(&adviser, &record).await, record);
    });
}

#[test]
fn only_a_closed_period_is_corrected() {
    both(async |app| {
        let (admin, manager) = (app.log_in("admin").await, app.log_in("manager").await);
        let input = app.consultation(&manager, &json!({"held_on": "2025-06-02"})).await;
        let recorded = manager.post("/consultations", &input).await.expect(201).body;
        for (status, what) in [
            ("open", "open; change or log the record itself"),
            ("closing", "closing; managers change or log the record itself"),
            ("planned", "planned; nothing is recorded in it yet"),
        ] {
            set_status(&admin, PERIOD_2023, status).await;
            for answer in [
                change(&manager, &recorded, json!({"minutes": 60})).await,
                void(&manager, &recorded).await,
                add(&manager, &input).await,
            ] {
                let refused = answer.problem(409, "funding_period_not_closed");
                let detail = format!("The funding period 2023–2025 is {what}.");
                assert_eq!(refused.body["detail"], json!(detail));
            }
        }
        set_status(&admin, PERIOD_2023, "closed").await;
        let minutes = change(&manager, &recorded, json!({"minutes": 60})).await.expect(201).body;
        add(&manager, &input).await.expect(201);
        // From one closed period into another, but not into one where it would be logged.
        let moved = change(&manager, &recorded, json!({"held_on": "2022-12-30"})).await.expect(201);
        assert_eq!(fields(&moved.body), ["funding_period", "held_on"]);
        assert_eq!(moved.body["funding_period"]["id"], PERIOD_2023, "that of the record");
        assert_eq!(moved.body["moved_to"]["id"], PERIOD_2019);
        assert_eq!(minutes["moved_to"], json!(null));
        for (period, found) in [(PERIOD_2019, 1), (PERIOD_2023, 3), (PERIOD_2026, 0)] {
            let listed = format!("/corrections?total=true&funding_period_id={period}");
            let listed = manager.get(&listed).await.expect(200);
            assert_eq!((listed.items().len(), &listed.body["total"]), (found, &json!(found)));
        }
        let left = change(&manager, &recorded, json!({"held_on": "2026-01-02"})).await;
        left.violates("/changes/held_on", "not_in_a_closed_period");
        // What was entered stays, and may be taken back, when the period is opened again.
        set_status(&admin, PERIOD_2023, "open").await;
        withdraw(&manager, &moved.body).await.expect(200);
        withdraw(&manager, &minutes).await.expect(200);
    });
}

#[test]
fn corrections_of_a_record_build_on_each_other() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = record(&app, &adviser, &json!({})).await;
        let first = change(&adviser, &record, json!({"minutes": 60})).await.expect(201).body;
        let second = json!({"minutes": 90, "channel": "video"});
        let second = change(&adviser, &record, second).await.expect(201).body;
        assert_eq!(
            second["differences"],
            json!([
                {"field": "channel", "old": "phone", "new": "video"},
                {"field": "minutes", "old": 60, "new": 90}
            ])
        );
        let repeated = change(&adviser, &record, json!({"minutes": 90})).await;
        repeated.violates("/changes", "changes_nothing");
        let refused = withdraw(&adviser, &first).await.problem(409, "corrected_since");
        assert!(refused.body["detail"].as_str().unwrap().contains("withdraw that first"));
        let second = withdraw(&adviser, &second).await.expect(200).body;
        withdraw(&adviser, &second).await.problem(409, "withdrawn");
        // As if the second had not been.
        let third = change(&adviser, &record, json!({"minutes": 90})).await.expect(201).body;
        assert_eq!(third["differences"], json!([{"field": "minutes", "old": 60, "new": 90}]));
        assert_eq!(third["corrected"]["channel"], "phone");

        let voided = void(&adviser, &record).await.expect(201).body;
        for refused in
            [change(&adviser, &record, json!({"minutes": 5})).await, void(&adviser, &record).await]
        {
            refused.problem(409, "voided_by_correction");
        }
        withdraw(&adviser, &third).await.problem(409, "corrected_since");
        withdraw(&adviser, &voided).await.expect(200);
        change(&adviser, &record, json!({"minutes": 5})).await.expect(201);
        void(&adviser, &record).await.expect(201);

        let of_it = format!("/corrections?consultation_id={}", record["id"].as_str().unwrap());
        let effective = adviser.get(&format!("{of_it}&withdrawn=false&sort=created_at")).await;
        let kinds: Vec<_> =
            effective.expect(200).items().iter().map(|c| c["kind"].clone()).collect();
        assert_eq!(kinds, ["change", "change", "change", "void"]);
    });
}

#[test]
fn a_record_that_changed_or_was_voided_meanwhile() {
    both(async |app| {
        let (admin, adviser) = (app.log_in("admin").await, app.log_in("adviser").await);
        let record = record(&app, &adviser, &json!({})).await;
        let sixty = change(&adviser, &record, json!({"minutes": 60})).await.expect(201).body;
        set_status(&admin, PERIOD_2019, "open").await;
        let one = format!("/consultations/{}", record["id"].as_str().unwrap());
        adviser.patch(&one, 1, &json!({"channel": "video"})).await.expect(200);
        set_status(&admin, PERIOD_2019, "closed").await;
        // On top of the record as it is now.
        let overtaken = async |correction: &Value| {
            let one = adviser.get(&path(correction)).await.expect(200).body;
            let all = adviser.get("/corrections").await.expect(200);
            let listed = all.items().iter().find(|listed| listed["id"] == correction["id"]);
            assert_eq!(listed.unwrap(), &one);
            one["overtaken"].clone()
        };
        assert_eq!(overtaken(&sixty).await, json!([]), "another field was changed");
        let next = change(&adviser, &record, json!({"outcome": "clarified"})).await.expect(201);
        assert_eq!(fields(&next.body), ["outcome"]);
        let corrected = &next.body["corrected"];
        assert_eq!((&corrected["channel"], &corrected["minutes"]), (&json!("video"), &json!(60)));

        // What was corrected is said otherwise by the record itself since.
        set_status(&admin, PERIOD_2019, "open").await;
        adviser.patch(&one, 2, &json!({"minutes": 50})).await.expect(200);
        set_status(&admin, PERIOD_2019, "closed").await;
        assert_eq!(overtaken(&sixty).await, json!(["minutes"]));
        assert_eq!(overtaken(&next.body).await, json!([]));
        let last = change(&adviser, &record, json!({"starts_at": "10:00:00"})).await.expect(201);
        assert_eq!(last.body["corrected"]["minutes"], 50, "nothing older overrides it");
        assert_eq!(
            (&last.body["record_version"], &sixty["record_version"]),
            (&json!(3), &json!(1))
        );

        set_status(&admin, PERIOD_2019, "open").await;
        let seen = [("If-Match", "\"3\"")];
        let reason = json!({"reason": "Doppelt"});
        adviser.post_with(&format!("{one}/void"), &seen, &reason).await.expect(200);
        set_status(&admin, PERIOD_2019, "closed").await;
        change(&adviser, &record, json!({"minutes": 5})).await.problem(409, "voided");
        void(&adviser, &record).await.problem(409, "voided");
    });
}

#[test]
fn what_a_record_keeps_is_not_looked_at_again() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let place = json!({"district_id": district("06440")});
        let company = adviser.company("Früher GmbH", &place).await;
        let one = format!("/companies/{}", company["id"].as_str().unwrap());
        let event = app.event(&adviser, &json!({"starts_on": "2022-05-05"})).await;
        let admin = app.log_in("admin").await;
        set_status(&admin, PERIOD_2019, "open").await;
        let event = adviser.post("/events", &event).await.expect(201).id();
        let of_it = json!({"organisation_id": company["id"], "event_id": event});
        let record = record(&app, &adviser, &of_it).await;
        set_status(&admin, PERIOD_2019, "open").await;
        let reason = json!({"reason": "x"});
        let first = [("If-Match", "\"1\"")];
        let void_event = format!("/events/{event}/void");
        adviser.post_with(&void_event, &first, &reason).await.expect(200);
        set_status(&admin, PERIOD_2019, "closed").await;
        // The company moved and ceased trading since.
        let moved = json!({"district_id": district("06412")});
        adviser.patch(&one, 1, &moved).await.expect(200);
        let archive = format!("{one}/archive");
        adviser.post_with(&archive, &[("If-Match", "\"2\"")], &reason).await.expect(200);
        let minutes = change(&adviser, &record, json!({"minutes": 60})).await.expect(201).body;
        assert_eq!(fields(&minutes), ["minutes"]);
        assert_eq!(minutes["corrected"]["district"]["name"], "Wetteraukreis");
        let earlier = change(&adviser, &record, json!({"held_on": "2022-05-04"})).await.expect(201);
        assert_eq!(fields(&earlier.body), ["held_on"]);
        // What it is to name, it must be able to name.
        let another = adviser.company("Andere GmbH", &moved).await;
        let another = json!({"organisation_id": another["id"]});
        let other = change(&adviser, &record, another).await.expect(201).body;
        assert_eq!(fields(&other), ["district", "organisation"]);
        let back = change(&adviser, &record, json!({"organisation_id": company["id"]})).await;
        back.violates("/changes/organisation_id", "archived");
    });
}

#[test]
fn what_is_only_called_otherwise_is_no_difference() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let named = adviser.company("Alt GmbH", &json!({})).await;
        let record = record(&app, &adviser, &json!({"notes": "Sie ist schwanger."})).await;
        assert_eq!(record["note_warnings"], json!(["health"]));
        // As from before there were warnings.
        let forget = "UPDATE consultations SET note_warnings = NULL";
        app.connect().batch_execute(forget).unwrap();
        let of_it = json!({"organisation_id": named["id"]});
        let of_it = change(&adviser, &record, of_it).await.expect(201).body;
        assert_eq!(fields(&of_it), ["organisation"]);
        let one = format!("/companies/{}", named["id"].as_str().unwrap());
        adviser.patch(&one, 1, &json!({"name": "Neu GmbH"})).await.expect(200);
        change(&adviser, &record, json!({})).await.violates("/changes", "changes_nothing");
        let minutes = change(&adviser, &record, json!({"minutes": 60})).await.expect(201).body;
        assert_eq!(fields(&minutes), ["minutes"]);
    });
}

#[test]
fn who_may_change_a_record_corrects_it() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, theirs) = (app.log_in("manager").await, app.log_in("other.manager").await);
        let record = record(&app, &adviser, &json!({"notes": "Vertraulich"})).await;
        let minutes = json!({"minutes": 60});
        change(&colleague, &record, minutes.clone()).await.problem(403, "forbidden");
        void(&colleague, &record).await.problem(403, "forbidden");
        let unknown = change(&theirs, &record, minutes.clone()).await;
        unknown.violates("/consultation_id", "unknown");
        for user in ["coordinator", "admin", "data.protection"] {
            let session = app.log_in(user).await;
            change(&session, &record, minutes.clone()).await.problem(403, "forbidden");
            session.get("/corrections").await.problem(403, "forbidden");
        }

        let new = change(&adviser, &record, minutes).await.expect(201).body;
        let one = path(&new);
        assert_eq!(colleague.get(&one).await.expect(200).body, new);
        withdraw(&colleague, &new).await.problem(403, "forbidden");
        theirs.get(&one).await.problem(404, "not_found");
        theirs.get(&format!("{one}/history")).await.problem(404, "not_found");
        withdraw(&theirs, &new).await.problem(404, "not_found");
        for filter in [
            String::new(),
            format!("&consultation_id={}", record["id"].as_str().unwrap()),
            format!("&funding_period_id={PERIOD_2019}&kind=change&withdrawn=false"),
        ] {
            let seen = theirs.get(&format!("/corrections?total=true{filter}")).await.expect(200);
            assert_eq!((seen.items().len(), &seen.body["total"]), (0, &json!(0)), "{filter}");
        }
        let stale = json!({"id": new["id"], "version": 7});
        withdraw(&adviser, &stale).await.problem(412, "stale");
        let withdraw_path = format!("{one}/withdraw");
        let reason = json!({"reason": "x"});
        adviser.post(&withdraw_path, &reason).await.problem(428, "if_match_required");
        let blank = json!({"reason": " "});
        let blank = adviser.post_with(&withdraw_path, &[("If-Match", "\"1\"")], &blank).await;
        blank.violates("/reason", "empty");
        withdraw(&manager, &new).await.expect(200);

        // Who advised in it, and the manager, correct what somebody else recorded. Who advises according
        // to a correction only does not.
        let joint = json!({"adviser_ids": [adviser.id().await, colleague.id().await]});
        let joint = change(&manager, &record, joint).await.expect(201).body;
        change(&colleague, &record, json!({"minutes": 50})).await.problem(403, "forbidden");
        withdraw(&adviser, &joint).await.problem(403, "forbidden");
        // Everybody adds what he could have logged.
        let theirs_too = missing(&app, &colleague, &json!({})).await;
        let added = add(&colleague, &theirs_too).await.expect(201).body;
        assert_eq!(added["carrier"]["id"], BWHW);
        let elsewhere = missing(&app, &theirs, &json!({})).await;
        let elsewhere = add(&colleague, &elsewhere).await;
        elsewhere.violates("/consultation/site_id", "site_of_another_carrier");
    });
}

#[test]
fn a_key_corrects_as_far_as_its_scopes_go() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let record = record(&app, &adviser, &json!({})).await;
        let missing = missing(&app, &adviser, &json!({})).await;
        let logs = crate::api_key::key(&app, &manager, &["log_consultation"]).await.1;
        add(&logs, &missing).await.expect(201);
        change(&logs, &record, json!({"minutes": 60})).await.problem(403, "forbidden");
        logs.get("/corrections").await.problem(403, "forbidden");
        let reads = crate::api_key::key(&app, &manager, &["read_consultations"]).await.1;
        assert_eq!(reads.get("/corrections").await.expect(200).items().len(), 1);
        add(&reads, &missing).await.problem(403, "forbidden");
    });
}

#[test]
fn no_figure_moves() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let coordinator = app.log_in("coordinator").await;
        let company = adviser.company("Zahlen GmbH", &json!({})).await;
        let of_it = json!({"organisation_id": company["id"]});
        let first = record(&app, &adviser, &of_it).await;
        let second = record(&app, &adviser, &of_it).await;
        let figures = async || {
            let mut all = Vec::new();
            for session in [&manager, &coordinator] {
                for grouping in ["", "&group_by=topic,kind", "&group_by=site,month"] {
                    let path = format!("/statistics?funding_period_id={PERIOD_2019}{grouping}");
                    all.push(session.get(&path).await.expect(200).body);
                }
            }
            all
        };
        let before = figures().await;
        assert_eq!(before[0]["totals"]["consultations"], 2);
        let another = adviser.company("Neue GmbH", &json!({})).await;
        let missing = missing(&app, &adviser, &json!({"organisation_id": another["id"]})).await;
        add(&adviser, &missing).await.expect(201);
        void(&adviser, &first).await.expect(201);
        let short = json!({"minutes": 5, "topics": ["language"], "held_on": "2021-03-01"});
        let short = change(&adviser, &second, short).await.expect(201).body;
        assert_eq!(figures().await, before);
        withdraw(&adviser, &short).await.expect(200);
        assert_eq!(figures().await, before);
        for record in [&first, &second] {
            assert_eq!(read(&adviser, record).await["version"], 1);
        }
    });
}

#[test]
fn lists_of_corrections_filter_by_everything() {
    both(async |app| {
        let (admin, adviser) = (app.log_in("admin").await, app.log_in("adviser").await);
        let before = app.consultation(&adviser, &json!({"held_on": "2025-06-02"})).await;
        adviser.post("/consultations", &before).await.expect(201);
        set_status(&admin, PERIOD_2023, "closed").await;
        let record = record(&app, &adviser, &json!({})).await;
        let named = |reason: &str, more: Value| body(&json!({"reason": reason}), &more);
        let of_it = json!({"kind": "change", "consultation_id": record["id"]});
        let a = body(&of_it, &json!({"changes": {"minutes": 60}}));
        enter(&adviser, &named("a", a)).await.expect(201);
        let b = body(&of_it, &json!({"changes": {"minutes": 70}}));
        let b = enter(&adviser, &named("b", b)).await.expect(201).body;
        withdraw(&adviser, &b).await.expect(200);
        // The next day, by an hour, in Berlin.
        app.advance(chrono::TimeDelta::hours(14) + chrono::TimeDelta::minutes(30));
        let adviser = app.log_in("adviser").await;
        let c = json!({"kind": "void", "consultation_id": record["id"]});
        enter(&adviser, &named("c", c)).await.expect(201);
        let d = json!({"kind": "add", "consultation": before});
        enter(&adviser, &named("d", d)).await.expect(201);
        for (filter, reasons) in [
            (String::new(), "dcba"),
            ("sort=created_at".to_owned(), "abcd"),
            (format!("funding_period_id={PERIOD_2019}"), "cba"),
            (format!("funding_period_id={PERIOD_2023}"), "d"),
            (format!("funding_period_id={PERIOD_2026}"), ""),
            (format!("consultation_id={}", record["id"].as_str().unwrap()), "cba"),
            (format!("consultation_id={NOWHERE}"), ""),
            ("kind=change".to_owned(), "ba"),
            ("kind=void".to_owned(), "c"),
            ("kind=add".to_owned(), "d"),
            ("withdrawn=true".to_owned(), "b"),
            ("withdrawn=false&kind=change".to_owned(), "a"),
            ("from=2026-03-17".to_owned(), "dc"),
            ("to=2026-03-16".to_owned(), "ba"),
        ] {
            let listed =
                adviser.get(&format!("/corrections?total=true&{filter}")).await.expect(200);
            let found: String =
                listed.items().iter().map(|c| c["reason"].as_str().unwrap()).collect();
            assert_eq!(found, reasons, "{filter}");
            assert_eq!(listed.body["total"], reasons.len(), "{filter}");
        }
        for (sort, reasons) in [("created_at", "abcd"), ("-created_at", "dcba")] {
            let mut found = String::new();
            let mut next = format!("/corrections?sort={sort}&limit=1");
            loop {
                let page = adviser.get(&next).await.expect(200);
                found.extend(page.items().iter().map(|c| c["reason"].as_str().unwrap()));
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                next = format!("/corrections?sort={sort}&limit=1&cursor={cursor}");
            }
            assert_eq!(found, reasons, "{sort}");
        }
    });
}

#[test]
fn corrections_of_one_record_come_one_after_the_other() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        for _ in 0..5 {
            let record = record(&app, &adviser, &json!({})).await;
            let (one, two) = tokio::join!(
                change(&adviser, &record, json!({"minutes": 60})),
                change(&adviser, &record, json!({"channel": "video"}))
            );
            let (one, two) = (one.expect(201).body, two.expect(201).body);
            let has_both = |c: &Value| {
                let corrected = &c["corrected"];
                corrected["minutes"] == 60 && corrected["channel"] == "video"
            };
            assert!(has_both(&one) != has_both(&two), "the later one builds on the other");
            let (changed, voided) = tokio::join!(
                change(&adviser, &record, json!({"outcome": "clarified"})),
                void(&adviser, &record)
            );
            let voided = voided.expect(201).body;
            if changed.status != 201 {
                changed.problem(409, "voided_by_correction");
            }
            // Of what was entered at once, the void is the last.
            change(&adviser, &record, json!({"minutes": 5}))
                .await
                .problem(409, "voided_by_correction");
            let (voided, late) = tokio::join!(
                withdraw(&adviser, &voided),
                change(&adviser, &record, json!({"minutes": 5}))
            );
            voided.expect(200);
            if late.status != 201 {
                late.problem(409, "voided_by_correction");
            }
        }
    });
}

#[test]
fn of_two_that_void_or_withdraw_one_does() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = record(&app, &adviser, &json!({})).await;
        let key = [("Idempotency-Key", "double-click")];
        let input = json!({"kind": "change", "consultation_id": record["id"],
            "changes": {"minutes": 60}, "reason": "Einmal"});
        let (one, two) = tokio::join!(
            adviser.post_with("/corrections", &key, &input),
            adviser.post_with("/corrections", &key, &input)
        );
        assert_eq!(one.expect(201).body, two.expect(201).body);
        let other = body(&input, &json!({"reason": "Zweimal"}));
        let reused = adviser.post_with("/corrections", &key, &other).await;
        reused.problem(422, "idempotency_key_reused");
        let all = adviser.get("/corrections?total=true").await.expect(200);
        assert_eq!(all.body["total"], 1);

        let (one, two) = tokio::join!(void(&adviser, &record), void(&adviser, &record));
        let (done, refused) = if one.status == 201 { (one, two) } else { (two, one) };
        let voided = done.expect(201).body;
        refused.problem(409, "voided_by_correction");
        let (one, two) = tokio::join!(withdraw(&adviser, &voided), withdraw(&adviser, &voided));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    });
}

#[test]
fn a_period_is_opened_before_or_after_a_correction() {
    both(async |app| {
        let (admin, adviser) = (app.log_in("admin").await, app.log_in("adviser").await);
        let record = record(&app, &adviser, &json!({})).await;
        for minutes in 61..=65 {
            let (corrected, ()) = tokio::join!(
                change(&adviser, &record, json!({"minutes": minutes})),
                set_status(&admin, PERIOD_2019, "open")
            );
            if corrected.status != 201 {
                corrected.problem(409, "funding_period_not_closed");
            }
            set_status(&admin, PERIOD_2019, "closed").await;
        }
        assert_eq!(read(&adviser, &record).await, record);
    });
}
