//! Reports: frozen figures, what changed since, and their files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use diesel::RunQueryDsl;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{
    Answer, KASSEL, PERIOD_2026, Session, TestApp, WETZLAR, body, both, redacted, send,
};

pub fn input(more: &Value) -> Value {
    let input = json!({"funding_period_id": PERIOD_2026, "title": "Sachbericht 2026"});
    body(&input, more)
}

pub async fn draft(manager: &Session, more: &Value) -> Value {
    manager.post("/reports", &input(more)).await.expect(201).body
}

fn path(report: &Value) -> String {
    format!("/reports/{}", report["id"].as_str().unwrap())
}

pub async fn act(session: &Session, report: &Value, what: &str, body: &Value) -> Answer {
    let version = format!("\"{}\"", report["version"]);
    session.post_with(&format!("{}/{what}", path(report)), &[("If-Match", &version)], body).await
}

pub async fn content(session: &Session, report: &Value) -> Value {
    session.get(&format!("{}/content", path(report))).await.expect(200).body
}

pub async fn submitted(manager: &Session, more: &Value) -> Value {
    let report = draft(manager, more).await;
    let seen = content(manager, &report).await;
    act(manager, &report, "submit", &json!({"sha256": seen["sha256"]})).await.expect(200).body
}

/// Some records of the first quarter, and what they are.
async fn records(app: &TestApp, adviser: &Session, site: &str) -> Vec<Value> {
    let bakery = adviser.company("Bäckerei Muster", &json!({"size": {"staff": 8}})).await;
    let chamber = adviser.actor("Musterkammer", "chamber_industry").await;
    let mut made = Vec::new();
    for more in [
        json!({"organisation_id": bakery["id"], "held_on": "2026-01-12", "starts_at": "10:00"}),
        json!({"organisation_id": bakery["id"], "held_on": "2026-01-12", "site_id": site,
            "topics": ["blue_card", "language"], "countries": ["MA", "IN"]}),
        json!({"organisation_id": bakery["id"], "held_on": "2026-02-02", "minutes": 5}),
        json!({"organisation_id": chamber["id"], "held_on": "2026-02-03",
            "occupations": [{"code": "26302"}, {"code": "26303"}]}),
        json!({"organisation_id": null, "held_on": "2026-03-02"}),
    ] {
        let input = app.consultation(adviser, &more).await;
        made.push(adviser.post("/consultations", &input).await.expect(201).body);
    }
    let event = app
        .event(
            adviser,
            &json!({"starts_on": "2026-03-10",
        "ends_on": "2026-03-10", "status": "held"}),
        )
        .await;
    let event = adviser.post("/events", &event).await.expect(201).body;
    let under = format!("/events/{}", event["id"].as_str().unwrap());
    let attendance = json!({"participations": [{"organisation_id": bakery["id"], "headcount": 3}]});
    adviser.post(&format!("{under}/attendance"), &attendance).await.expect(200);
    made
}

#[test]
fn what_was_seen_is_frozen_and_stays() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let made = records(&app, &adviser, WETZLAR).await;
        crate::target::create(&manager, &json!({"value": 8})).await;
        let report = draft(&manager, &json!({"to": "2026-12-31"})).await;
        insta::assert_snapshot!("report", redacted(&report));
        let seen = content(&manager, &report).await;
        let totals = &seen["content"]["consultations"][0]["rows"][0];
        assert_eq!(
            (&totals["consultations"], &totals["organisations"], &totals["short_information"]),
            (&json!(4), &json!(2), &json!(1))
        );
        let indicators = seen["content"]["indicators"].as_array().unwrap();
        let of = |code: &str| {
            indicators.iter().find(|it| it["indicator"]["code"] == code).unwrap().clone()
        };
        assert_eq!(of("eeco19")["value"], 1);
        let target = &of("consultations")["targets"][0];
        assert_eq!((&target["actual"], &target["per_mille"]), (&json!(4), &json!(500)));

        // Somebody logs meanwhile: what would be frozen is not what was seen.
        let late =
            json!({"organisation_id": made[0]["organisation"]["id"], "held_on": "2026-03-03"});
        let late = app.consultation(&adviser, &late).await;
        let late = adviser.post("/consultations", &late).await.expect(201).body;
        let stale = json!({"sha256": seen["sha256"]});
        act(&manager, &report, "submit", &stale).await.problem(409, "figures_changed");
        let seen = content(&manager, &report).await;
        let report = act(&manager, &report, "submit", &json!({"sha256": seen["sha256"]}))
            .await
            .expect(200)
            .body;
        assert_eq!(report["status"], "submitted");
        assert_eq!(report["sha256"], seen["sha256"]);
        assert_eq!(report["records"], 7, "six consultations and an event");
        let intact = manager.get(&format!("{}/verification", path(&report))).await.expect(200).body;
        assert_eq!(intact["intact"], true);
        assert_eq!(intact["recomputed_sha256"], seen["sha256"]);
        let none = manager.get(&format!("{}/differences", path(&report))).await.expect(200).body;
        assert_eq!((&none["records"], &none["figures"]), (&json!(0), &json!([])));

        app.advance(TimeDelta::minutes(1));
        // Later entries move the figures of today and no byte of the report.
        let void = format!("/consultations/{}/void", made[0]["id"].as_str().unwrap());
        let reason = json!({"reason": "Doppelt"});
        adviser.post_with(&void, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let longer = format!("/consultations/{}", made[1]["id"].as_str().unwrap());
        adviser.patch(&longer, 1, &json!({"minutes": 90})).await.expect(200);
        let added = json!({"organisation_id": null, "held_on": "2026-03-04"});
        let added = app.consultation(&adviser, &added).await;
        let added = adviser.post("/consultations", &added).await.expect(201).body;
        assert_eq!(content(&manager, &report).await["content"], seen["content"]);
        let intact = manager.get(&format!("{}/verification", path(&report))).await.expect(200).body;
        assert_eq!(intact["intact"], true);
        let found =
            manager.get(&format!("{}/differences?limit=2", path(&report))).await.expect(200);
        let figures: Vec<(&Value, i64)> = found.body["figures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                let by = it["today"].as_i64().unwrap() - it["reported"].as_i64().unwrap();
                (&it["figure"], by)
            })
            .collect();
        // One voided, one anonymous added: as many consultations, one follow-up less.
        let minutes = 45 + made[1]["minutes"].as_i64().map_or(0, |minutes| 90 - minutes) - 45;
        assert_eq!(
            figures,
            [
                (&json!("follow_up_consultations"), -1),
                (&json!("anonymous_consultations"), 1),
                (&json!("minutes"), minutes)
            ]
        );
        let mut items = found.body["items"].as_array().unwrap().clone();
        let next = found.body["next_cursor"].as_str().unwrap();
        let rest =
            manager.get(&format!("{}/differences?limit=2&cursor={next}", path(&report))).await;
        items.extend(rest.expect(200).body["items"].as_array().unwrap().clone());
        let kinds: Vec<(&Value, &Value, usize)> = items
            .iter()
            .map(|it| (&it["id"], &it["kind"], it["entries"].as_array().unwrap().len()))
            .collect();
        assert_eq!(
            kinds,
            [
                (&made[0]["id"], &json!("removed"), 1),
                (&made[1]["id"], &json!("changed"), 1),
                (&added["id"], &json!("added"), 1)
            ]
        );
        assert_eq!(items[1]["fields"][0]["field"], "minutes");
        assert_eq!(items[1]["fields"][0]["today"], 90);
        assert_eq!(items[0]["entries"][0]["action"], "voided");
        assert!(items.iter().all(|it| it["id"] != late["id"]));
    });
}

/// A draft of the window says what the figures say, which another program counts.
pub async fn says_what_the_figures_say(session: &Session, period: &str, from: &str, to: &str) {
    let window = json!({"funding_period_id": period, "from": from, "to": to});
    let report = draft(session, &window).await;
    let seen = content(session, &report).await;
    let asked = format!("funding_period_id={period}&from={from}&to={to}");
    for table in seen["content"]["consultations"].as_array().unwrap() {
        let by = group_by(table);
        let path = format!("/statistics?{asked}&group_by={}", by.join(","));
        let figures = session.get(&path).await.expect(200).body;
        let mut expected: Vec<Value> = if by.is_empty() {
            vec![body(&figures["totals"], &json!({"codes": []}))]
        } else {
            let row = |group: &Value| {
                let codes: Vec<&Value> = by.iter().map(|d| &group["key"][d]["code"]).collect();
                body(group, &json!({"codes": codes}))
            };
            figures["groups"].as_array().unwrap().iter().map(row).collect()
        };
        // Nothing has no row, not even in total.
        expected.retain(|row| row["consultations"] != 0 || row["short_information"] != 0);
        for row in &mut expected {
            let row = row.as_object_mut().unwrap();
            row.remove("key");
            row.remove("explanation");
        }
        let mut rows = table["rows"].as_array().unwrap().clone();
        rows.sort_by_key(Value::to_string);
        expected.sort_by_key(Value::to_string);
        assert_eq!(rows, expected, "{by:?}");
    }
    for table in seen["content"]["events"].as_array().unwrap() {
        let by = group_by(table);
        let path = format!("/statistics/events?{asked}&group_by={}", by.join(","));
        let events = session.get(&path).await.expect(200).body;
        for row in table["rows"].as_array().unwrap() {
            let group = events["groups"].as_array().unwrap().iter().find(|group| {
                by.iter()
                    .zip(row["codes"].as_array().unwrap())
                    .all(|(d, code)| group["key"][d]["code"] == *code)
            });
            let figures = if by.is_empty() { &events["totals"] } else { group.unwrap() };
            for figure in ["events", "participations", "unnamed", "organisations", "companies"] {
                assert_eq!(row[figure], figures[figure], "{figure} by {by:?}");
            }
        }
        if !by.is_empty() {
            let count = events["groups"].as_array().unwrap().len();
            assert_eq!(table["rows"].as_array().unwrap().len(), count, "{by:?}");
        }
    }
    let values = session.get(&format!("/indicators/values?{asked}")).await.expect(200).body;
    assert_eq!(values_of(&seen["content"]["indicators"]), values_of(&values["values"]));
}

fn group_by(table: &Value) -> Vec<&str> {
    table["group_by"].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect()
}

fn values_of(indicators: &Value) -> Vec<(&Value, &Value)> {
    let indicators = indicators.as_array().unwrap().iter();
    indicators.map(|it| (&it["indicator"]["code"], &it["value"])).collect()
}

#[test]
fn the_tables_of_a_report_are_the_figures() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        records(&app, &adviser, WETZLAR).await;
        let (other, coordinator) = (app.log_in("other").await, app.log_in("coordinator").await);
        records(&app, &other, KASSEL).await;
        let events = format!("/statistics/events?funding_period_id={PERIOD_2026}");
        for session in [&manager, &coordinator] {
            let counted = session.get(&events).await.expect(200).body;
            assert!(counted["totals"]["participations"].as_i64() > Some(0), "{counted}");
            says_what_the_figures_say(session, PERIOD_2026, "2026-01-12", "2026-03-10").await;
        }
    });
}

#[test]
fn a_correction_takes_the_place_of_a_report() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let report = submitted(&manager, &json!({})).await;
        let accepted = act(&manager, &report, "accept", &json!({"note": "Bescheid"})).await;
        let accepted = accepted.expect(200).body;
        assert_eq!(accepted["status"], "accepted");
        act(&manager, &accepted, "accept", &json!({})).await.problem(409, "wrong_state");
        manager
            .patch(&path(&accepted), 3, &json!({"title": "Neu"}))
            .await
            .problem(409, "wrong_state");
        let corrects = json!({"predecessor_id": report["id"], "title": "Korrektur"});
        let first = draft(&manager, &corrects).await;
        assert_eq!(first["window"], report["window"]);
        for (more, pointer) in
            [(json!({"from": "2026-02-01"}), "/from"), (json!({"to": "2026-06-30"}), "/to")]
        {
            let other = input(&body(&corrects, &more));
            manager.post("/reports", &other).await.violates(pointer, "another_window");
            manager.patch(&path(&first), 1, &more).await.violates(pointer, "another_window");
        }
        let second = draft(&manager, &corrects).await;
        assert_eq!(first["predecessor"]["name"], "Sachbericht 2026");
        let seen = content(&manager, &first).await;
        let sha256 = json!({"sha256": seen["sha256"]});
        act(&manager, &first, "submit", &sha256).await.expect(200);
        let old = manager.get(&path(&report)).await.expect(200).body;
        assert_eq!(old["status"], "superseded");
        act(&manager, &second, "submit", &sha256).await.problem(409, "wrong_state");
        manager.post("/reports", &input(&corrects)).await.violates("/predecessor_id", "unknown");
        let given_up = act(&manager, &second, "archive", &json!({"reason": "Überholt"})).await;
        given_up.expect(200);
        let list = manager.get("/reports?total=true").await.expect(200);
        assert_eq!(list.body["total"], 2);
        assert_eq!(list.items()[0]["title"], "Korrektur");
        let all = manager.get("/reports?archived=true&total=true").await.expect(200);
        assert_eq!(all.body["total"], 3);
    });
}

#[test]
fn reports_are_the_carriers_or_the_networks() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let (other, coordinator) =
            (app.log_in("other.manager").await, app.log_in("coordinator").await);
        let report = submitted(&manager, &json!({})).await;
        let network = submitted(&coordinator, &json!({})).await;
        assert_eq!(
            (&network["carrier"], &report["carrier"]["name"].is_string()),
            (&json!(null), &true)
        );
        for what in ["", "/content", "/verification", "/differences", "/history"] {
            adviser.get(&format!("{}{what}", path(&report))).await.expect(200);
            for (session, report) in
                [(&other, &report), (&coordinator, &report), (&manager, &network)]
            {
                session.get(&format!("{}{what}", path(report))).await.problem(404, "not_found");
            }
        }
        adviser.post("/reports", &input(&json!({}))).await.problem(403, "forbidden");
        // The coordinator reads figures and no records, here too.
        let late = app.consultation(&adviser, &json!({"organisation_id": null})).await;
        adviser.post("/consultations", &late).await.expect(201);
        let path_of = |report: &Value| format!("{}/differences", path(report));
        let seen = coordinator.get(&path_of(&network)).await.expect(200).body;
        assert_eq!((&seen["records"], &seen["items"]), (&json!(1), &json!([])));
        assert_eq!(seen["figures"][0]["figure"], "consultations");
        let seen = manager.get(&path_of(&report)).await.expect(200).body;
        assert_eq!(seen["items"].as_array().unwrap().len(), 1);
        act(&other, &report, "accept", &json!({})).await.problem(404, "not_found");
        let window = json!({"from": "2025-12-31"});
        manager.post("/reports", &input(&window)).await.violates("from", "outside_period");
    });
}

#[test]
fn a_report_is_a_file_in_german_and_english() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        records(&app, &adviser, WETZLAR).await;
        let report = submitted(&manager, &json!({})).await;
        let fetch = async |query: &str| {
            let path = format!("{}/content?{query}", path(&report));
            let answer = manager.request(reqwest::Method::GET, &path).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
            (kind, answer.bytes().await.unwrap())
        };
        let (kind, csv) = fetch("format=csv&form=german&bom=true").await;
        assert_eq!(kind, "text/csv; charset=utf-8; header=present");
        let csv = String::from_utf8(csv.to_vec()).unwrap();
        assert!(csv.starts_with("\u{feff}Tabelle;Zeile;Spalte;Wert\r\n"), "{csv}");
        assert!(csv.contains("Beratungen nach Standort;Wetzlar;Beratungen;1\r\n"), "{csv}");
        let shown = format!("{}/content?format=html", path(&report));
        let shown = manager.request(reqwest::Method::GET, &shown).send().await.unwrap();
        let policy = shown.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let text = shown.text().await.unwrap();
        let style = text.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
        let (kind, page) = fetch("format=html&language=en").await;
        assert_eq!(kind, "text/html; charset=utf-8");
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.contains("Consultations by Site") && page.contains("<html lang=\"en\">"));
        let (_, xlsx) = fetch("format=xlsx").await;
        let (_, again) = fetch("format=xlsx").await;
        assert_eq!(xlsx, again, "the same figures are the same file");
        let (sheets, first, wetzlar) = read(&xlsx);
        assert_eq!(sheets[..3], ["1 Bericht", "2 Indikatoren", "3 Regeln"]);
        assert_eq!(first, ["Angabe", "Wert"]);
        assert_eq!(wetzlar, Some(1.0));
        send(
            manager.request(reqwest::Method::GET, &format!("{}/content?format=pdf", path(&report))),
        )
        .await
        .problem(400, "malformed_query");
    });
}

#[test]
fn differences_tell_of_events_and_of_what_was_filled_in() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let unknown = adviser.company("Unbekannt GmbH", &json!({})).await;
        let advised = json!({"organisation_id": unknown["id"], "held_on": "2026-01-12",
            "starts_at": "09:30:15"});
        let advised = app.consultation(&adviser, &advised).await;
        let advised = adviser.post("/consultations", &advised).await.expect(201).body;
        let on = json!({"starts_on": "2026-03-10", "ends_on": "2026-03-10", "status": "held"});
        let mut events = Vec::new();
        for _ in 0..2 {
            let event = app.event(&adviser, &on).await;
            let event = adviser.post("/events", &event).await.expect(201).body;
            let under = format!("/events/{}/participations", event["id"].as_str().unwrap());
            let four = json!({"headcount": 4, "status": "attended", "note": "Vier vom Amt"});
            adviser.post(&under, &four).await.expect(201);
            events.push(event);
        }
        let report = submitted(&manager, &json!({})).await;
        app.advance(TimeDelta::minutes(1));

        let size = json!({"size": {"staff": 8}});
        let company = format!("/companies/{}", unknown["id"].as_str().unwrap());
        adviser.patch(&company, 1, &size).await.expect(200);
        let under = format!("/events/{}/participations", events[0]["id"].as_str().unwrap());
        let more = json!({"headcount": 3, "status": "walk_in", "organisation_id": unknown["id"],
            "note": "Mit Frau Probst"});
        adviser.post(&under, &more).await.expect(201);
        let void = format!("/events/{}/void", events[1]["id"].as_str().unwrap());
        let reason = json!({"reason": "Doppelt"});
        adviser.post_with(&void, &[("If-Match", "\"1\"")], &reason).await.expect(200);

        let found = manager.get(&format!("{}/differences", path(&report))).await.expect(200).body;
        assert_eq!((&found["figures"], &found["records"]), (&json!([]), &json!(3)));
        let by = |list: &str| -> Vec<(String, i64)> {
            let items = found[list].as_array().unwrap().iter();
            items
                .map(|it| {
                    let name = it["figure"].as_str().or(it["indicator"]["code"].as_str());
                    let by = it["today"].as_i64().unwrap() - it["reported"].as_i64().unwrap();
                    (name.unwrap().to_owned(), by)
                })
                .collect()
        };
        let figures = by("event_figures");
        assert!(figures.contains(&("events".to_owned(), -1)), "{figures:?}");
        assert!(figures.contains(&("participations".to_owned(), -1)), "{figures:?}");
        let indicators = by("indicators");
        assert!(indicators.contains(&("eeco19".to_owned(), 1)), "{indicators:?}");
        let item = |id: &Value| {
            let items = found["items"].as_array().unwrap();
            items.iter().find(|it| it["id"] == *id).unwrap().clone()
        };
        // The class on record was filled in from the company, whose history says so.
        let changed = item(&advised["id"]);
        assert_eq!(
            (&changed["record"], &changed["kind"]),
            (&json!("consultation"), &json!("changed"))
        );
        assert_eq!(changed["fields"][0]["field"], "size_class");
        assert_eq!(changed["entries"][0]["changes"][0]["field"], "size");
        let grown = item(&events[0]["id"]);
        assert_eq!((&grown["record"], &grown["kind"]), (&json!("event"), &json!("changed")));
        assert_eq!(grown["title"], events[0]["title"]);
        assert_eq!(grown["fields"][0]["field"], "heads");
        assert_eq!(grown["entries"].as_array().unwrap().len(), 1);
        assert!(!grown.to_string().contains("Probst"), "{grown}");
        assert_eq!(item(&events[1]["id"])["kind"], "removed");
    });
}

#[test]
fn a_report_is_submitted_once() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let report = draft(&manager, &json!({"to": "2026-03-31"})).await;
        let sha256 = json!({"sha256": content(&manager, &report).await["sha256"]});
        let submit = || act(&manager, &report, "submit", &sha256);
        let (one, two) = tokio::join!(submit(), submit());
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "{} {}", one.body, two.body);
        let intact = manager.get(&format!("{}/verification", path(&report))).await.expect(200).body;
        assert_eq!(intact["intact"], true);
        // Nothing is put to it, and what says what was frozen does not change.
        let mut conn = app.connect();
        for change in [
            "UPDATE reports SET sha256 = 'f', title = title",
            "UPDATE reports SET to_on = '2026-04-30'",
            "UPDATE reports SET status = 'draft', submitted_at = NULL",
            "DELETE FROM reports",
            "INSERT INTO report_contents SELECT report_id, basis, content FROM report_contents",
        ] {
            let refused = diesel::sql_query(change).execute(&mut conn).unwrap_err().to_string();
            assert!(refused.contains("reports_are_frozen"), "{change}: {refused}");
        }
    });
}

/// Names of the sheets, header of the first, and the consultations of Wetzlar, as another program reads them.
fn read(xlsx: &[u8]) -> (Vec<String>, Vec<String>, Option<f64>) {
    use calamine::{Data, DataType, Reader, Xlsx};

    let mut workbook: Xlsx<_> = Xlsx::new(std::io::Cursor::new(xlsx)).unwrap();
    let names = workbook.sheet_names();
    let first = workbook.worksheet_range(&names[0]).unwrap();
    let header = first.rows().next().unwrap().iter().map(ToString::to_string).collect();
    let by_site = names.iter().find(|name| name.contains("nach Standort")).unwrap();
    let by_site = workbook.worksheet_range(by_site).unwrap();
    let row = by_site.rows().find(|row| row[0] == Data::String("Wetzlar".to_owned())).unwrap();
    (names, header, row[1].get_float())
}

/// Names of the sheets, as another program reads them.
pub fn sheets(xlsx: &[u8]) -> Vec<String> {
    use calamine::{Reader, Xlsx};

    let workbook: Xlsx<_> = Xlsx::new(std::io::Cursor::new(xlsx)).unwrap();
    workbook.sheet_names()
}
