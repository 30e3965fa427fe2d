//! Imports, the jobs behind them, and how they are taken back.

use std::sync::atomic::AtomicBool;

use chrono::TimeDelta;
use lotse_app::job::run_next;
use lotse_domain::Error;
use lotse_domain::job::LEASE;
use lotse_persistence::job;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Session, TestApp, both, lines, send};

const CSV: &str = "text/csv";

const COMPANIES: &str = "Firma;PLZ;Ort;Rechtsform;Mitarbeiter;Bemerkung\n\
    Müller Bau GmbH;60311;Frankfurt am Main;GmbH;42,5;alt\n\
    Beispiel Pflege gGmbH;35576;Wetzlar;gGmbH;7;\n\
    Ohne Postleitzahl GmbH;6031;Hanau;GmbH;viele;\n";

pub async fn upload(session: &Session, file: &[u8]) -> Answer {
    let path = "/imports?target=companies&name=firmen.csv";
    let request = session.request(Method::POST, path).header("Content-Type", CSV);
    send(request.body(file.to_vec())).await
}

pub async fn act(session: &Session, path: &str, version: &Value) -> Answer {
    let version = format!("\"{version}\"");
    session.post_with(path, &[("If-Match", version.as_str())], &json!({})).await
}

/// All that waits is done.
pub fn work(app: &TestApp) {
    while run_next(&app.app, &AtomicBool::new(false)).unwrap() {}
}

/// Uploaded, and confirmed as proposed.
pub async fn confirmed(session: &Session, file: &[u8]) -> String {
    let id = upload(session, file).await.expect(201).id();
    session.patch(&format!("/imports/{id}"), 1, &json!({})).await.expect(200).id()
}

/// Uploaded, confirmed as proposed, and queued; answers import and job.
pub async fn started(session: &Session, file: &[u8]) -> (String, Value) {
    let id = confirmed(session, file).await;
    let job = act(session, &format!("/imports/{id}/run"), &json!(2)).await.expect(200).body;
    (id, job)
}

/// The body of a profile that is in order.
pub fn profile(name: &str) -> Value {
    json!({
        "name": name, "target": "companies",
        "settings": {
            "form": {"encoding": "utf8", "delimiter": "semicolon"},
            "columns": [
                {"header": "Firma", "field": "name"},
                {"header": "Sitz der Firma", "field": "address.city"},
            ],
            "match_by": ["name_and_town"], "on_match": "skip", "on_new": "create"
        }
    })
}

async fn names(session: &Session) -> Vec<String> {
    let companies = session.get("/companies?limit=200").await.expect(200);
    let name = |company: &Value| company["name"].as_str().unwrap().to_owned();
    companies.items().iter().map(name).collect()
}

#[test]
fn a_file_becomes_companies_and_every_row_says_what_came_of_it() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let draft = upload(&adviser, COMPANIES.as_bytes()).await.expect(201).body;
        assert_eq!(draft["detected"]["form"]["encoding"], "utf8");
        assert_eq!(draft["detected"]["form"]["delimiter"], "semicolon");
        assert_eq!(draft["detected"]["form"]["number_form"], "german");
        assert_eq!(draft["settings"]["columns"][0], json!({"header": "Firma", "field": "name"}));
        let path = format!("/imports/{}", draft["id"].as_str().unwrap());

        let dry = adviser.get(&format!("{path}/dry-run")).await.expect(200).body;
        assert_eq!((&dry["counts"]["created"], &dry["counts"]["refused"]), (&json!(2), &json!(1)));
        let preview = adviser.get(&format!("{path}/preview")).await.expect(200);
        assert_eq!(preview.items()[2]["errors"][0]["column"], "Mitarbeiter");
        assert!(names(&adviser).await.is_empty());

        act(&adviser, &format!("{path}/run"), &json!(1)).await.problem(409, "import_not_confirmed");
        adviser.patch(&path, 1, &json!({})).await.expect(200);
        let job = act(&adviser, &format!("{path}/run"), &json!(2)).await.expect(200);
        assert_eq!(job.body["status"], "queued");
        work(&app);
        let job = adviser.get(&format!("/jobs/{}", job.id())).await.expect(200).body;
        assert_eq!(
            (&job["status"], &job["done"], &job["total"]),
            (&json!("done"), &json!(3), &json!(3))
        );
        assert_eq!(names(&adviser).await, ["Beispiel Pflege gGmbH", "Müller Bau GmbH"]);

        let rows = adviser.get(&format!("{path}/rows")).await.expect(200);
        let outcomes: Vec<_> = rows.items().iter().map(|row| row["outcome"].clone()).collect();
        assert_eq!(outcomes, ["created", "created", "refused"]);
        let refused = send(adviser.request(Method::GET, &format!("{path}/refused"))).await;
        assert!(refused.text.contains("import_errors"), "{}", refused.text);
        // Handed back twice it has one column of reasons.
        let (id, _) = started(&adviser, refused.text.as_bytes()).await;
        work(&app);
        let again = send(adviser.request(Method::GET, &format!("/imports/{id}/refused"))).await;
        assert_eq!(again.text, refused.text);
        assert!(refused.text.contains("Ohne Postleitzahl GmbH;6031;Hanau"), "{}", refused.text);
    });
}

#[test]
fn the_same_file_twice_does_nothing_and_comes_again_once_it_is_taken_back() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (first, job) = started(&adviser, COMPANIES.as_bytes()).await;
        work(&app);
        let (_, again) = started(&adviser, COMPANIES.as_bytes()).await;
        assert_eq!(again["id"], job["id"]);
        work(&app);
        assert_eq!(names(&adviser).await.len(), 2);

        let path = format!("/imports/{first}");
        let done = adviser.get(&path).await.expect(200).body;
        act(&adviser, &format!("{path}/undo"), &done["version"]).await.expect(200);
        work(&app);
        assert_eq!(adviser.get(&path).await.expect(200).body["status"], "undone");
        assert!(names(&adviser).await.is_empty());

        let (_, later) = started(&adviser, COMPANIES.as_bytes()).await;
        assert_ne!(later["id"], job["id"]);
        work(&app);
        assert_eq!(names(&adviser).await.len(), 2);
    });
}

#[test]
fn rows_of_one_record_are_taken_back_one_after_the_other() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        // More rows than are taken back at once lie between the first ones and the last one.
        let row = |n: usize| match n {
            1..=3 | 204 => format!("Zwirbel GmbH;Hanau;zwirbel{n}.example\n"),
            _ => format!("Firma {n} GmbH;Hanau;\n"),
        };
        let file: String =
            std::iter::once("Firma;Ort;Webseite\n".to_owned()).chain((1..=204).map(row)).collect();
        let (id, _) = started(&adviser, file.as_bytes()).await;
        work(&app);
        let path = format!("/imports/{id}");
        let rows = adviser.get(&format!("{path}/rows")).await.expect(200);
        let company = format!("/companies/{}", rows.items()[0]["record_id"].as_str().unwrap());
        assert_eq!(adviser.get(&company).await.expect(200).body["version"], 4);

        let import = adviser.get(&path).await.expect(200).body;
        act(&adviser, &format!("{path}/undo"), &import["version"]).await.expect(200);
        work(&app);
        let rows = adviser.get(&format!("{path}/rows?limit=200")).await.expect(200);
        assert!(rows.items().iter().all(|row| row["undone"] == "taken_back"), "{}", rows.text);
        let gone = adviser.get(&company).await.expect(200).body;
        assert_eq!(
            (&gone["website"], gone["archived"].is_null()),
            (&json!("https://zwirbel1.example"), false)
        );
        assert!(names(&adviser).await.is_empty());
    });
}

#[test]
fn somebody_in_between_keeps_what_he_changed() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let file = "Firma;Ort;Webseite\n\
            Zwirbel GmbH;Hanau;zwirbel1.example\n\
            Zwirbel GmbH;Hanau;zwirbel2.example\n";
        let (id, _) = started(&adviser, file.as_bytes()).await;
        work(&app);
        let path = format!("/imports/{id}");
        let rows = adviser.get(&format!("{path}/rows")).await.expect(200);
        let company = format!("/companies/{}", rows.items()[0]["record_id"].as_str().unwrap());
        adviser.patch(&company, 2, &json!({"status": "dormant"})).await.expect(200);
        let import = adviser.get(&path).await.expect(200).body;
        act(&adviser, &format!("{path}/undo"), &import["version"]).await.expect(200);
        work(&app);
        let rows = adviser.get(&format!("{path}/rows")).await.expect(200);
        let undone: Vec<_> = rows.items().iter().map(|row| row["undone"].clone()).collect();
        assert_eq!(undone, ["changed_since", "changed_since"]);
        let kept = adviser.get(&company).await.expect(200).body;
        assert_eq!((&kept["status"], &kept["version"]), (&json!("dormant"), &json!(3)));
    });
}

#[test]
fn refused_rows_leave_no_trace_beside_those_that_are_kept() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        adviser.company("Gleich GmbH", &json!({"address": {"city": "Hanau"}})).await;
        let file = "Firma;PLZ;Ort\nA GmbH;60311;Frankfurt\nB GmbH;6031;Hanau\nGleich GmbH;;Hanau\n\
            C GmbH;34117;Kassel\n";
        let (_, job) = started(&adviser, file.as_bytes()).await;
        work(&app);
        let noted = format!(
            "SELECT o.name AS line FROM audit_log a JOIN organisations o ON o.id = a.entity_id \
             WHERE a.request_id = 'job-{}' AND a.action = 'created' ORDER BY a.id",
            job["id"].as_str().unwrap()
        );
        assert_eq!(lines(&mut app.connect(), &noted), ["A GmbH", "C GmbH"]);
        let all = "SELECT action AS line FROM audit_log WHERE entity_kind = 'company'";
        assert_eq!(lines(&mut app.connect(), all).len(), 3);
    });
}

#[test]
fn what_was_changed_since_is_not_taken_back() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let there =
            adviser.company("Müller Bau", &json!({"address": {"city": "Frankfurt am Main"}})).await;
        let file = "Firma;Ort;Webseite\n\
            Müller-Bau;Frankfurt am Main;mueller.example\n\
            Neu GmbH;Hanau;neu.example\n\
            Auch neu GmbH;Hanau;auch.example\n";
        let (id, _) = started(&adviser, file.as_bytes()).await;
        work(&app);
        let path = format!("/companies/{}", there["id"].as_str().unwrap());
        assert_eq!(adviser.get(&path).await.expect(200).body["website"], "https://mueller.example");
        let rows = adviser.get(&format!("/imports/{id}/rows")).await.expect(200);
        let new = format!("/companies/{}", rows.items()[1]["record_id"].as_str().unwrap());
        adviser.patch(&new, 1, &json!({"status": "dormant"})).await.expect(200);

        let import = adviser.get(&format!("/imports/{id}")).await.expect(200).body;
        act(&adviser, &format!("/imports/{id}/undo"), &import["version"]).await.expect(200);
        work(&app);
        let back = adviser.get(&path).await.expect(200).body;
        assert_eq!((&back["name"], &back["website"]), (&there["name"], &Value::Null));
        let rows = adviser.get(&format!("/imports/{id}/rows")).await.expect(200);
        let undone: Vec<_> = rows.items().iter().map(|row| row["undone"].clone()).collect();
        assert_eq!(undone, ["taken_back", "changed_since", "taken_back"]);
    });
}

#[test]
fn a_job_goes_on_with_another_runner_and_can_be_cancelled() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (_, job) = started(&adviser, COMPANIES.as_bytes()).await;
        let path = format!("/jobs/{}", job["id"].as_str().unwrap());
        // A server that stops gives the job back.
        assert!(run_next(&app.app, &AtomicBool::new(true)).unwrap());
        let waiting = adviser.get(&path).await.expect(200).body;
        assert_eq!((&waiting["status"], &waiting["attempts"]), (&json!("queued"), &json!(0)));

        let cancelled = act(&adviser, &format!("{path}/cancel"), &waiting["version"]).await;
        assert_eq!(cancelled.expect(200).body["status"], "cancelled");
        work(&app);
        assert!(names(&adviser).await.is_empty());
        let over = adviser.get(&path).await.expect(200).body;
        act(&adviser, &format!("{path}/cancel"), &over["version"])
            .await
            .problem(409, "job_is_over");
        act(&adviser, &format!("{path}/retry"), &over["version"]).await.expect(200);
        app.advance(TimeDelta::seconds(1));
        work(&app);
        assert_eq!(names(&adviser).await.len(), 2);

        let other = app.log_in("other").await;
        other.get(&path).await.problem(404, "not_found");
    });
}

#[test]
fn a_server_that_died_loses_its_job_and_commits_nothing_of_it() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (import, queued) = started(&adviser, COMPANIES.as_bytes()).await;
        let path = format!("/jobs/{}", queued["id"].as_str().unwrap());
        let mut conn = app.connect();
        let (now, lease) = (app.app.now(), Uuid::from_u128(1));
        let taken = job::take(&mut conn, now, lease, now + LEASE).unwrap().unwrap();
        work(&app);
        assert_eq!(adviser.get(&path).await.expect(200).body["status"], "running");

        app.advance(LEASE + TimeDelta::seconds(1));
        work(&app);
        let over = adviser.get(&path).await.expect(200).body;
        assert_eq!((&over["status"], &over["attempts"]), (&json!("done"), &json!(2)));
        let held = (taken.id, lease);
        let late =
            job::advance(&mut conn, held, app.app.now(), app.app.now() + LEASE, (3, Some(3)));
        assert!(matches!(late, Err(Error::Conflict { code: "job_taken_over", .. })), "{late:?}");
        let import = adviser.get(&format!("/imports/{import}")).await.expect(200).body;
        assert_eq!(import["counts"]["created"], 2);
        assert_eq!(names(&adviser).await.len(), 2);
    });
}

#[test]
fn an_own_export_comes_in_again_and_changes_nothing() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let more = json!({
            "legal_form": "gmbh",
            "register_number": "HRB 00000 Frankfurt am Main",
            "address": {"street": "Musterweg 1", "postcode": "60311", "city": "Frankfurt am Main"},
            "district_id": crate::harness::district("06412"),
            "industry": {"classification": "wz2008", "code": "25.61"},
            "size": {"staff": 42.5, "reference_year": 2024, "basis": "self_declared"},
            "collective_agreement": true,
        });
        let there = adviser.company("Musterwerk Metallbau GmbH", &more).await;
        let export = "/companies?format=csv&lossless=true";
        let export = send(adviser.request(Method::GET, export)).await.text;
        let (id, _) = started(&adviser, export.as_bytes()).await;
        work(&app);
        let import = adviser.get(&format!("/imports/{id}")).await.expect(200).body;
        assert_eq!(import["counts"]["unchanged"], 1, "{import}");
        let path = format!("/companies/{}", there["id"].as_str().unwrap());
        assert_eq!(adviser.get(&path).await.expect(200).body, there);
    });
}

#[test]
fn a_profile_says_what_files_of_one_kind_mean() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let kept = adviser.post("/import-profiles", &profile("Kammer")).await.expect(201);
        adviser
            .post("/import-profiles", &profile("KAMMER"))
            .await
            .problem(409, "import_profile_name_taken");
        let path = format!("/imports?target=companies&name=firmen.csv&profile_id={}", kept.id());
        let file = "Firma;Sitz der Firma\nMuster GmbH;Hanau\n";
        let with_profile = |session: &Session| {
            let request = session.request(Method::POST, &path).header("Content-Type", CSV);
            send(request.body(file))
        };
        let draft = with_profile(&adviser).await.expect(201).body;
        assert_eq!(draft["settings"]["columns"], profile("")["settings"]["columns"]);
        assert_eq!(draft["settings"]["on_match"], "skip");
        assert_eq!(draft["confirmed"], false);
        // Sent again it is answered as the first time, whatever became of the profile since.
        let again = async || {
            let request = adviser.request(Method::POST, &path).header("Content-Type", CSV);
            send(request.header("Idempotency-Key", "upload").body(file)).await
        };
        let first = again().await.expect(201).body;
        adviser
            .post_with(
                &format!("/import-profiles/{}/archive", kept.id()),
                &[("If-Match", "\"1\"")],
                &json!({"reason": "x"}),
            )
            .await
            .expect(200);
        assert_eq!(again().await.expect(201).body, first);
        with_profile(&adviser).await.violates("profile_id", "unknown");
        // It is the carrier's.
        let other = app.log_in("other").await;
        with_profile(&other).await.violates("profile_id", "unknown");
        other.get(&format!("/import-profiles/{}", kept.id())).await.problem(404, "not_found");
    });
}

#[test]
fn who_may_not_import_is_told_so_before_the_file_is_read() {
    both(async |app| {
        let coordinator = app.log_in("coordinator").await;
        upload(&coordinator, b"").await.problem(403, "forbidden");
        let adviser = app.log_in("adviser").await;
        upload(&adviser, b"").await.violates("", "empty");
    });
}

#[test]
fn a_file_is_removed_after_its_time_and_can_still_be_taken_back() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (id, _) = started(&adviser, COMPANIES.as_bytes()).await;
        work(&app);
        app.advance(TimeDelta::days(31));
        lotse_app::housekeeping::run(&app.app).unwrap();
        let adviser = app.log_in("adviser").await;
        let path = format!("/imports/{id}");
        let import = adviser.get(&path).await.expect(200).body;
        assert!(import["file_removed_at"].is_string(), "{import}");
        assert_eq!(import["detected"]["columns"][0]["samples"], json!([]));
        for of in ["preview", "dry-run", "refused"] {
            adviser.get(&format!("{path}/{of}")).await.problem(409, "file_removed");
        }
        act(&adviser, &format!("{path}/undo"), &import["version"]).await.expect(200);
        work(&app);
        assert!(names(&adviser).await.is_empty());
    });
}

#[test]
fn a_job_goes_on_for_who_has_it_go_on() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let adviser = app.log_in("adviser").await;
        let (import, job) = started(&manager, COMPANIES.as_bytes()).await;
        let path = format!("/jobs/{}", job["id"].as_str().unwrap());
        let cancelled = act(&adviser, &format!("{path}/cancel"), &job["version"]).await;
        let version = cancelled.expect(200).body["version"].clone();
        // The same file is neither done nor to be done again.
        let same = confirmed(&adviser, COMPANIES.as_bytes()).await;
        act(&adviser, &format!("/imports/{same}/run"), &json!(2)).await.problem(409, "same_import");
        let retried = act(&adviser, &format!("{path}/retry"), &version).await.expect(200).body;
        assert_eq!(retried["requested_by"]["id"], adviser.id().await.as_str());
        app.advance(TimeDelta::seconds(1));
        work(&app);
        let import = adviser.get(&format!("/imports/{import}")).await.expect(200).body;
        assert_eq!(import["status"], "done");
    });
}
