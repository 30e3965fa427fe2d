//! Imports of actors, contacts, consultations and events.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Session, TestApp, both, send, snapshot};
use crate::import::{act, work};

async fn upload(session: &Session, target: &str, file: &str) -> Answer {
    let path = format!("/imports?target={target}&name=liste.csv");
    let request = session.request(Method::POST, &path).header("Content-Type", "text/csv");
    send(request.body(file.to_owned())).await
}

/// The id of the import, confirmed with the settings as proposed but for `settings`.
async fn confirmed(session: &Session, target: &str, file: &str, settings: &Value) -> String {
    let id = upload(session, target, file).await.expect(201).id();
    session.patch(&format!("/imports/{id}"), 1, settings).await.expect(200).id()
}

async fn run(app: &TestApp, session: &Session, id: &str) -> Value {
    act(session, &format!("/imports/{id}/run"), &json!(2)).await.expect(200);
    work(app);
    session.get(&format!("/imports/{id}")).await.expect(200).body
}

async fn undo(app: &TestApp, session: &Session, import: &Value) -> Value {
    let id = import["id"].as_str().unwrap();
    let path = format!("/imports/{id}/undo");
    act(session, &path, &import["version"]).await.expect(200);
    work(app);
    session.get(&format!("/imports/{id}")).await.expect(200).body
}

async fn rows(session: &Session, import: &Value) -> Vec<Value> {
    let path = format!("/imports/{}/rows", import["id"].as_str().unwrap());
    session.get(&path).await.expect(200).items().clone()
}

fn outcomes(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

#[test]
fn contacts_come_to_the_organisations_that_their_rows_name() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let at = |city: &str| json!({"address": {"city": city}});
        let company = adviser.company("Muster Bau GmbH", &at("Hanau")).await;
        adviser.company("Muster Bau GmbH", &at("Kassel")).await;
        adviser.actor("Kammer Musterstadt", "chamber_crafts").await;
        let file = "Firma;Ort;Ansprechperson;E-Mail;Telefon\n\
            muster-bau gmbh;Hanau;Cora Probstadt;cora@muster.example;0661 1\n\
            Muster Bau GmbH;;Otto Unklar;otto@muster.example;\n\
            Gibt es nicht GmbH;Hanau;Nora Niemand;;\n\
            Kammer Musterstadt;;Karl Kammer;karl@kammer.example;\n";
        let id = confirmed(&adviser, "contacts", file, &json!({})).await;
        let import = run(&app, &adviser, &id).await;
        let came = rows(&adviser, &import).await;
        assert_eq!(outcomes(&came), ["created", "refused", "refused", "created"]);
        let told =
            |row: &Value| (row["errors"][0]["column"].clone(), row["errors"][0]["code"].clone());
        assert_eq!(told(&came[1]), (json!("Firma"), json!("ambiguous")));
        assert_eq!(told(&came[2]), (json!("Firma"), json!("unknown")));
        let of_company = format!("/companies/{}/contacts", company["id"].as_str().unwrap());
        let contacts = adviser.get(&of_company).await.expect(200);
        assert_eq!(contacts.items()[0]["email"], "cora@muster.example");

        // By the e-mail address it is the same person; somebody else may share the mailbox.
        let file = "Firma;Ort;Ansprechperson;E-Mail;Telefon\n\
            Muster Bau GmbH;Hanau;CORA PROBSTADT;CORA@muster.example;0661 2\n\
            Muster Bau GmbH;Hanau;Bernd Neumann;cora@muster.example;0661 3\n";
        let id = confirmed(&adviser, "contacts", file, &json!({})).await;
        let again = run(&app, &adviser, &id).await;
        let came = rows(&adviser, &again).await;
        assert_eq!(outcomes(&came), ["updated", "refused"]);
        assert_eq!(came[1]["errors"][0]["code"], "another_person");
        let changed = adviser.get(&of_company).await.expect(200);
        assert_eq!(changed.items().len(), 1);
        assert_eq!(changed.items()[0]["phone"], "0661 2");

        undo(&app, &adviser, &again).await;
        assert_eq!(adviser.get(&of_company).await.expect(200).items()[0]["phone"], "0661 1");
        // The version that the first import left is two changes old.
        let undone = undo(&app, &adviser, &import).await;
        let left: Vec<_> = rows(&adviser, &undone).await;
        assert_eq!(left[0]["undone"], "changed_since");
        assert_eq!(left[3]["undone"], "taken_back");
        // Another carrier sees nothing of it.
        let other = app.log_in("other").await;
        assert!(other.get(&of_company).await.expect(200).items().is_empty());
    });
}

#[test]
fn consultations_are_logged_by_their_rules_and_counted() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let me = adviser.get("/me").await.expect(200).body;
        let email = me["email"].as_str().unwrap();
        let there = json!({"address": {"city": "Hanau"}, "vat_id": "DE136695976"});
        adviser.company("Muster Bau GmbH", &there).await;
        let file = format!(
            "Datum;USt-IdNr.;Beraterin;Dauer;Themen;Bemerkung\n\
             02.03.2026;DE 136695976;{email};45;Blaue Karte EU;Zwei Stellen\n\
             13.03.2026;DE 136695976;{email};30;blue_card | fast_track;\n\
             31.12.2026;DE 136695976;{email};30;blue_card;\n\
             13.03.2026;DE 136695976;niemand@nirgends.example;30;blue_card;\n\
             14.03.2026;;{email};30;blue_card;\n"
        );
        let fixed = json!({"fixed": [
            {"field": "site_id", "value": me["site"]["name"]},
            {"field": "channel", "value": "Telefon"},
        ]});
        let id = confirmed(&adviser, "consultations", &file, &fixed).await;
        let mut conn = app.connect();
        let before = snapshot(&app, &mut conn);
        let dry = adviser.get(&format!("/imports/{id}/dry-run")).await.expect(200).body;
        adviser.get(&format!("/imports/{id}/preview")).await.expect(200);
        assert!(before == snapshot(&app, &mut conn), "looking changed something");
        assert_eq!((&dry["counts"]["created"], &dry["counts"]["refused"]), (&json!(3), &json!(2)));

        let import = run(&app, &adviser, &id).await;
        assert_eq!(import["counts"], dry["counts"]);
        let came = rows(&adviser, &import).await;
        let told =
            |row: &Value| (row["errors"][0]["column"].clone(), row["errors"][0]["code"].clone());
        assert_eq!(told(&came[2]), (json!("Datum"), json!("in_the_future")));
        assert_eq!(told(&came[3]), (json!("Beraterin"), json!("unknown_user")));
        let list = adviser.get("/consultations?sort=held_on").await.expect(200);
        let kinds: Vec<_> = list.items().iter().map(|it| it["kind"].clone()).collect();
        // The last row names nobody.
        assert_eq!(kinds, ["first", "follow_up", "anonymous"]);
        assert_eq!(list.items()[1]["topics"][1]["code"], "fast_track");

        // Twice with one company on one day: only who says so has them taken for the same.
        let same = json!({"match_by": ["adviser_and_day"], "fixed": fixed["fixed"]});
        let again = file.replace(";45;", ";50;");
        let id = confirmed(&adviser, "consultations", &again, &same).await;
        let changed = run(&app, &adviser, &id).await;
        let counts = &changed["counts"];
        assert_eq!((&counts["updated"], &counts["unchanged"]), (&json!(1), &json!(1)), "{counts}");
        assert_eq!(counts["created"], 1, "{counts}");

        undo(&app, &adviser, &changed).await;
        let list = adviser.get("/consultations?sort=held_on").await.expect(200);
        assert_eq!(list.items()[0]["minutes"], 45);
        let first = rows(&adviser, &undo(&app, &adviser, &import).await).await;
        assert_eq!(
            (&first[0]["undone"], &first[1]["undone"]),
            (&json!("changed_since"), &json!("taken_back"))
        );
    });
}

#[test]
fn events_and_actors_come_from_files_too() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let me = adviser.get("/me").await.expect(200).body;
        let file = "Akteur;Art;PLZ;Ort;Kreis\n\
            Welcome Center Musterstadt;Welcome Center;35390;Gießen;Gießen\n\
            Ohne Art;;;;\n";
        let id = confirmed(&adviser, "actors", file, &json!({})).await;
        let import = run(&app, &adviser, &id).await;
        assert_eq!(outcomes(&rows(&adviser, &import).await), ["created", "refused"]);
        undo(&app, &adviser, &import).await;
        assert!(adviser.get("/actors").await.expect(200).items().is_empty());

        let file = "Titel;Art;Datum;Uhrzeit;Uhrzeit Ende;Ort;Standort;Themen\n\
            Runder Tisch Pflege;Runder Tisch;02.03.2026;14:00;16:30;Rathaus;SITE;blue_card\n\
            Ohne Standort;Runder Tisch;13.03.2026;;;;;\n";
        let file = file.replace("SITE", me["site"]["name"].as_str().unwrap());
        let id = confirmed(&adviser, "events", &file, &json!({})).await;
        let import = run(&app, &adviser, &id).await;
        assert_eq!(outcomes(&rows(&adviser, &import).await), ["created", "refused"]);
        let events = adviser.get("/events").await.expect(200);
        assert_eq!(events.items()[0]["starts_at"], "14:00:00");

        // Somebody takes part, so the event stays.
        let event = events.items()[0]["id"].as_str().unwrap();
        let guests = format!("/events/{event}/participations");
        adviser.post(&guests, &json!({"headcount": 4})).await.expect(201);
        let first = undo(&app, &adviser, &import).await;
        assert_eq!(rows(&adviser, &first).await[0]["undone"], "in_use");
        // What stayed is not imported a second time.
        let same = confirmed(&adviser, "events", &file, &json!({})).await;
        act(&adviser, &format!("/imports/{same}/run"), &json!(2)).await.problem(409, "same_import");

        let moved = file.replace("Rathaus", "Stadthalle");
        let id = confirmed(&adviser, "events", &moved, &json!({})).await;
        let import = run(&app, &adviser, &id).await;
        assert_eq!(outcomes(&rows(&adviser, &import).await), ["updated", "refused"]);
        undo(&app, &adviser, &import).await;
        assert_eq!(adviser.get("/events").await.expect(200).items()[0]["place"], "Rathaus");
    });
}

#[test]
fn own_exports_come_in_again_and_change_nothing() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Muster Bau GmbH", &json!({})).await;
        let under = format!("/companies/{}/contacts", company["id"].as_str().unwrap());
        let contact = json!({
            "name": "Cora Probstadt", "valid_until": "2027-01-31",
            "purposes": [{"purpose": "consultation", "legal_basis": "public_task"}],
        });
        let contact = adviser.post(&under, &contact).await.expect(201).id();
        adviser.actor("Kammer Musterstadt", "chamber_crafts").await;
        let more = json!({
            "organisation_id": company["id"], "contact_ids": [contact],
            "occupations": [{"code": "26302", "workers": 2}], "countries": ["MA", "XK"],
            "starts_at": "09:30:00", "notes": "Eine Zeile; \"und\"\nnoch eine", "outcome": "clarified",
        });
        let input = app.consultation(&adviser, &more).await;
        adviser.post("/consultations", &input).await.expect(201);
        let more = json!({
            "starts_at": "14:00:00", "ends_at": "17:00:00", "topics": ["blue_card"],
            "organiser_ids": [company["id"]],
            "district_ids": [crate::harness::district("06412")],
        });
        let input = app.event(&adviser, &more).await;
        adviser.post("/events", &input).await.expect(201);
        for (target, list) in [
            ("actors", "/actors"),
            ("contacts", under.as_str()),
            ("consultations", "/consultations"),
            ("events", "/events"),
        ] {
            let before = adviser.get(list).await.expect(200).body;
            let export = format!("{list}?format=csv&lossless=true");
            let export = send(adviser.request(Method::GET, &export)).await.text;
            let id = confirmed(&adviser, target, &export, &json!({})).await;
            let import = run(&app, &adviser, &id).await;
            let rows = rows(&adviser, &import).await;
            assert_eq!(import["counts"]["unchanged"], 1, "{target} {rows:?}");
            assert_eq!(adviser.get(list).await.expect(200).body, before);
        }
    });
}

#[test]
fn a_file_is_taken_in_by_who_may_enter_its_records() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        // A rule of another kind of record, and a field.
        let id = upload(&adviser, "contacts", "Name;Firma\nA;B\n").await.expect(201).id();
        let path = format!("/imports/{id}");
        let wrong = json!({"match_by": ["register_number"]});
        adviser.patch(&path, 1, &wrong).await.violates("/match_by/0", "of_another_target");
        let wrong = json!({"fixed": [{"field": "minutes", "value": "45"}]});
        adviser.patch(&path, 1, &wrong).await.violates("/fixed/0/field", "unknown");
        // The file of one carrier is nobody else's.
        app.log_in("other").await.get(&path).await.problem(404, "not_found");
    });
}
