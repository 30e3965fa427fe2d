//! Audit packs: one ZIP for the funder's check on site, read by another program than the one that writes it.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::accompaniment::begun;
use crate::attachment::{PDF, pdf};
use crate::harness::{Session, TestApp, both};

/// The files of a pack by path.
async fn unpacked(session: &Session, path: &str) -> HashMap<String, Vec<u8>> {
    let answer = session.request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "application/zip");
    assert_eq!(answer.headers()["cache-control"], "private, no-store");
    let mut zip = zip::ZipArchive::new(Cursor::new(answer.bytes().await.unwrap())).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut file = zip.by_index(at).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

fn document(files: &HashMap<String, Vec<u8>>, path: &str) -> Value {
    let content = files.get(path).unwrap_or_else(|| panic!("no {path} in {:?}", files.keys()));
    serde_json::from_slice(content).unwrap()
}

/// Every file has the checksum that is told of it, and every file is told of.
fn assert_checksums(files: &HashMap<String, Vec<u8>>) {
    let sums = String::from_utf8(files["SHA256SUMS"].clone()).unwrap();
    let told: HashMap<&str, &str> = sums
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(sum, at)| (at, sum))
        .collect();
    for (path, content) in files.iter().filter(|(path, _)| *path != "SHA256SUMS") {
        let sum = lotse_domain::attachment::ContentHash(Sha256::digest(content).into()).to_string();
        assert_eq!(told[path.as_str()], sum, "{path}");
    }
    assert_eq!(told.len(), files.len() - 1);
    let manifest = document(files, "manifest.json");
    let listed = manifest["files"].as_array().unwrap();
    // All but itself and the checksums.
    assert_eq!(listed.len(), files.len() - 2);
    for file in listed {
        let path = file["path"].as_str().unwrap();
        assert_eq!(told[path], file["sha256"], "{path}");
        assert_eq!(files[path].len() as u64, file["bytes"], "{path}");
    }
}

struct Records {
    company: Value,
    run: Value,
    of_run: Value,
    other: Value,
    event: String,
    attachment: String,
}

async fn records(app: &TestApp, adviser: &Session) -> Records {
    let run = begun(adviser, "Geprüft GmbH", Some("2026-03-02"), &json!({})).await;
    let company = run["company"]["id"].clone();
    let log = async |more: Value| {
        let input = app.consultation(adviser, &more).await;
        adviser.post("/consultations", &input).await.expect(201).body
    };
    let of_run = log(json!({"organisation_id": company, "accompaniment_id": run["id"],
        "held_on": "2026-03-05", "notes": "Zwei Stellen"}))
    .await;
    let other = log(json!({"organisation_id": company, "held_on": "2026-01-12"})).await;
    let path = format!("/consultations/{}", of_run["id"].as_str().unwrap());
    adviser.patch(&path, 1, &json!({"minutes": 50})).await.expect(200);
    let attachment = pdf(adviser, &path).await.expect(201).id();
    let held = json!({"starts_on": "2026-03-10", "ends_on": "2026-03-10", "status": "held"});
    let event = app.event(adviser, &held).await;
    let event = adviser.post("/events", &event).await.expect(201).id();
    let attended = json!({"organisation_id": company, "headcount": 2, "status": "attended"});
    let others = adviser.company("Fremd AG", &json!({})).await;
    let of_others = json!({"organisation_id": others["id"], "headcount": 7, "status": "attended"});
    for participation in [attended, of_others] {
        let under = format!("/events/{event}/participations");
        adviser.post(&under, &participation).await.expect(201);
    }
    Records { company, run, of_run, other, event, attachment }
}

#[test]
fn a_pack_has_all_of_a_company_and_nothing_of_others() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let made = records(&app, &adviser).await;
        let path = format!("/companies/{}/audit-pack", made.company.as_str().unwrap());
        let files = unpacked(&manager, &path).await;
        assert_checksums(&files);
        let manifest = document(&files, "manifest.json");
        assert_eq!(manifest["subject"]["name"], "Geprüft GmbH");
        assert_eq!((&manifest["records"], &manifest["attachments"]), (&json!(4), &json!(1)));
        assert_eq!(manifest["not_packed"], json!([]));
        let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
        let of_run = format!("records/consultation/2026-03-05_{}.json", id(&made.of_run));
        let consultation = document(&files, &of_run);
        assert_eq!(consultation["record"]["minutes"], 50);
        assert_eq!(consultation["history"][0]["changes"][0]["field"], "minutes");
        assert_eq!(consultation["history"][1]["action"], "created");
        document(&files, &format!("records/consultation/2026-01-12_{}.json", id(&made.other)));
        document(&files, &format!("records/accompaniment/2026-03-02_{}.json", id(&made.run)));
        let event = document(&files, &format!("records/event/2026-03-10_{}.json", made.event));
        assert_eq!(event["record"]["participations"][0]["headcount"], 2);
        assert!(
            !files
                .values()
                .any(|content| { String::from_utf8_lossy(content).contains("Fremd AG") })
        );
        let attached = files.iter().find(|(path, _)| path.contains(&made.attachment)).unwrap();
        assert_eq!(attached.1, PDF);
        let register = document(&files, "register.json");
        assert_eq!(register["organisation"]["name"], "Geprüft GmbH");
        let sheets = crate::report::sheets(&files["overview.xlsx"]);
        assert_eq!(sheets, ["1 Prüfpaket", "2 Verlauf", "3 Teilnahmen", "4 Anhänge"]);

        // A part of it, in English.
        let part = format!("{path}?from=2026-03-01&to=2026-03-09&language=en");
        let part = unpacked(&manager, &part).await;
        assert_checksums(&part);
        assert_eq!(document(&part, "manifest.json")["records"], 2);
        assert_eq!(crate::report::sheets(&part["overview.xlsx"])[1], "2 Timeline");

        adviser.get(&path).await.problem(403, "forbidden");
        let elsewhere = unpacked(&app.log_in("other.manager").await, &path).await;
        assert_eq!(document(&elsewhere, "manifest.json")["records"], 0);
        manager.get(&format!("{path}?from=yesterday")).await.problem(400, "malformed_query");
        let actor = format!("/actors/{}/audit-pack", made.company.as_str().unwrap());
        manager.get(&actor).await.problem(404, "not_found");
        // Who took all of that with him stands in the audit log.
        app.app.flush_access_log();
        let data_protection = app.log_in("data.protection").await;
        let read = data_protection.get("/audit-log?action=read&limit=200").await.expect(200);
        let noted = read
            .items()
            .iter()
            .any(|it| it["detail"] == "export_audit_pack" && it["entity_id"] == made.company);
        assert!(noted, "{}", read.body);
    });
}

#[test]
fn the_pack_of_an_accompaniment_is_its_part() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let made = records(&app, &adviser).await;
        let run = made.run["id"].as_str().unwrap();
        let event = format!("/events/{}", made.event);
        adviser.patch(&event, 1, &json!({"accompaniment_id": run})).await.expect(200);
        let inside = json!({"starts_on": "2026-03-11", "ends_on": "2026-03-11",
            "accompaniment_id": run});
        let inside = app.event(&adviser, &inside).await;
        let inside = adviser.post("/events", &inside).await.expect(201).id();
        let path = format!("/accompaniments/{run}/audit-pack");
        let files = unpacked(&manager, &path).await;
        assert_checksums(&files);
        let records: Vec<&String> =
            files.keys().filter(|path| path.starts_with("records/")).collect();
        assert_eq!(records.len(), 4, "{records:?}");
        // Also one that nobody of the company takes part in.
        document(&files, &format!("records/event/2026-03-11_{inside}.json"));
        assert!(records.iter().all(|path| !path.contains(made.other["id"].as_str().unwrap())));
        app.log_in("other.manager").await.get(&path).await.problem(404, "not_found");

        // What is lost is told, and the rest is packed.
        std::fs::remove_file(app.attachments().join(&made.attachment)).unwrap();
        let files = unpacked(&manager, &path).await;
        assert_checksums(&files);
        let manifest = document(&files, "manifest.json");
        assert_eq!(manifest["not_packed"][0]["attachment"], json!(made.attachment));
        assert_eq!(manifest["not_packed"][0]["reason"], "missing");
        assert_eq!(manifest["attachments"], 0);
    });
}
