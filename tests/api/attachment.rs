//! Attachments: files of consultations and events, from the first byte to `lotse check`.

use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use clap::Parser;
use diesel::connection::SimpleConnection;
use lotse_server::attachments::{Fault, check, sweep};
use lotse_server::serve;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{
    Answer, BWHW, PERIOD_2023, PERIOD_2026, POSTGRES, Raw, SQLITE, Session, TestApp, VSB, both,
    both_with, run_on, send,
};
use crate::hostile::{NOWHERE, changes};

pub const PDF: &[u8] = b"%PDF-1.7\nProtokoll\n%%EOF\n";

/// Attaches a file below the path of a record.
async fn attach(
    session: &Session,
    record: &str,
    name: &str,
    media_type: &str,
    file: &[u8],
) -> Answer {
    attach_with(session, record, name, media_type, file, "").await
}

async fn attach_with(
    session: &Session,
    record: &str,
    name: &str,
    media_type: &str,
    file: &[u8],
    key: &str,
) -> Answer {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let path = format!("{record}/attachments?name={name}");
    let mut request =
        session.request(Method::POST, &path).header("Content-Type", media_type).body(file.to_vec());
    if !key.is_empty() {
        request = request.header("Idempotency-Key", key);
    }
    send(request).await
}

pub async fn pdf(session: &Session, record: &str) -> Answer {
    attach(session, record, "Protokoll.pdf", "application/pdf", PDF).await
}

async fn log(app: &TestApp, session: &Session) -> String {
    let input = app.consultation(session, &json!({})).await;
    format!("/consultations/{}", session.post("/consultations", &input).await.expect(201).id())
}

/// An event of a carrier, with somebody responsible.
pub fn event(app: &TestApp, carrier: &str, recorded_by: &str, staff: &str) -> String {
    let id: uuid::Uuid = app.app.new_id();
    let blob = |id: &str| match app.backend {
        POSTGRES => format!("'{id}'"),
        _ => format!("X'{}'", id.replace('-', "")),
    };
    let event = blob(&id.to_string());
    let sql = format!(
        "INSERT INTO events (id, carrier_id, funding_period_id, kind, title, search_text, starts_on,
             ends_on, is_online, status, recorded_by, version, created_at, updated_at)
         VALUES ({event}, {}, {}, 'conference', 'Tagung', 'tagung', '2026-03-02', '2026-03-02', {},
             'held', {}, 1, '2026-03-16T09:00:00.000000Z', '2026-03-16T09:00:00.000000Z');
         INSERT INTO event_staff (event_id, position, user_id) VALUES ({event}, 0, {});",
        blob(carrier),
        blob(PERIOD_2026),
        if app.backend == POSTGRES { "false" } else { "0" },
        blob(recorded_by),
        blob(staff),
    );
    app.connect().batch_execute(&sql).unwrap();
    id.to_string()
}

/// The files in the store.
fn objects(app: &TestApp) -> Vec<String> {
    let files = std::fs::read_dir(app.attachments()).unwrap();
    let mut names: Vec<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until the store is empty: what a client left is cleaned up after it has gone.
async fn expect_empty(app: &TestApp) {
    for _ in 0..100 {
        if objects(app).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("left behind: {:?}", objects(app));
}

async fn void(session: &Session, id: &str, version: i64) -> Answer {
    let path = format!("/attachments/{id}/void");
    let version = format!("\"{version}\"");
    session.post_with(&path, &[("If-Match", &version)], &json!({"reason": "Falsche Datei"})).await
}

#[test]
fn a_file_comes_goes_and_leaves_a_trace() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let name = "Protokoll vom 12. März.pdf";
        let new = attach(&adviser, &record, name, "application/pdf", PDF).await.expect(201);
        let id = new.id();
        let path = format!("/attachments/{id}");
        assert_eq!(new.header("location"), format!("/api/v1{path}"));
        let mut hash = String::new();
        for byte in Sha256::digest(PDF) {
            write!(hash, "{byte:02x}").unwrap();
        }
        for (field, value) in [
            ("name", json!(name)),
            ("media_type", json!("application/pdf")),
            ("bytes", json!(PDF.len())),
            ("sha256", json!(hash)),
            ("voided", Value::Null),
            ("version", json!(1)),
        ] {
            assert_eq!(new.body[field], value, "{field}");
        }
        assert_eq!(
            format!(
                "/{}s/{}",
                new.body["record"]["kind"].as_str().unwrap(),
                new.body["record"]["id"].as_str().unwrap()
            ),
            record
        );
        assert_eq!(new.body["recorded_by"]["name"], "Test adviser");
        assert_eq!(adviser.get(&path).await.expect(200).body, new.body);
        let list = format!("{record}/attachments");
        assert_eq!(
            adviser.get(&list).await.expect(200).items()[..],
            *std::slice::from_ref(&new.body)
        );
        assert_eq!(objects(&app), std::slice::from_ref(&id), "under its id, whatever its name");

        // The file: to be saved, of this type, by nobody's cache.
        let content = format!("{path}/content");
        let file = adviser.get(&content).await.expect(200);
        assert_eq!(file.text.as_bytes(), PDF);
        let etag = format!("\"{hash}\"");
        for (header, value) in [
            ("content-type", "application/pdf"),
            ("content-length", &PDF.len().to_string()),
            (
                "content-disposition",
                "attachment; filename=\"Protokoll vom 12. M_rz.pdf\"; \
                filename*=UTF-8''Protokoll%20vom%2012.%20M%C3%A4rz.pdf",
            ),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("cache-control", "private, no-store"),
            ("etag", &etag),
        ] {
            assert_eq!(file.header(header), value, "{header}");
        }
        let get = |header: &'static str, value: &str| {
            send(adviser.request(Method::GET, &content).header(header, value))
        };
        for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}")] {
            assert_eq!(get("If-None-Match", &known).await.expect(304).text, "", "{known}");
        }
        assert_eq!(get("Accept-Encoding", "gzip, br").await.expect(200).text.as_bytes(), PDF);
        let part = get("Range", "bytes=0-7").await.expect(206);
        assert_eq!((part.text.as_str(), part.header("content-length")), ("%PDF-1.7", "8"));
        assert_eq!(part.header("content-range"), format!("bytes 0-7/{}", PDF.len()));
        assert_eq!(get("Range", "bytes=-6").await.expect(206).text, "%%EOF\n");
        get("Range", "bytes=1000-").await.problem(416, "no_such_range");
        assert_eq!(get("Range", "lines=1").await.expect(200).text.as_bytes(), PDF);

        let renamed = json!({"name": "Protokoll.pdf"});
        adviser.patch(&path, 7, &renamed).await.problem(412, "stale");
        adviser.patch(&path, 1, &renamed).await.expect(200);
        let page = json!({"name": "Protokoll.html"});
        adviser.patch(&path, 2, &page).await.violates("/name", "wrong_ending");

        // Taken back: the content is gone, what it was is not.
        let blank = json!({"reason": " "});
        let void_path = format!("{path}/void");
        adviser
            .post_with(&void_path, &[("If-Match", "\"2\"")], &blank)
            .await
            .violates("/reason", "empty");
        let voided = void(&adviser, &id, 2).await.expect(200).body;
        assert_eq!(voided["voided"]["by"]["name"], "Test adviser");
        assert_eq!((&voided["bytes"], &voided["sha256"]), (&json!(PDF.len()), &json!(hash)));
        assert!(objects(&app).is_empty());
        adviser.get(&content).await.problem(404, "not_found");
        void(&adviser, &id, 3).await.problem(409, "voided");
        adviser.patch(&path, 3, &renamed).await.problem(409, "voided");
        assert!(adviser.get(&list).await.expect(200).items().is_empty());
        let all = adviser.get(&format!("{list}?voided=true&total=true")).await.expect(200);
        assert_eq!((&all.items()[0], &all.body["total"]), (&voided, &json!(1)));
        let history = adviser.get(&format!("{path}/history")).await.expect(200);
        let actions: Vec<_> = history.items().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(actions, ["voided", "changed", "created"]);

        // Who opened it stands in the audit log.
        let officer = app.log_in("data.protection").await;
        app.app.flush_access_log();
        let read = officer.get(&format!("/audit-log?entity_id={id}&action=read")).await.expect(200);
        assert!(read.items().len() > 5);
        assert_eq!(read.items()[0]["detail"], "read_attachments");
    });
}

#[test]
fn a_list_of_attachments_pages_in_the_order_in_which_they_came() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        for number in 0..5 {
            let name = format!("{}.txt", 9 - number);
            attach(&adviser, &record, &name, "text/plain; charset=UTF-8", b"x").await.expect(201);
        }
        let (mut path, mut names) = (format!("{record}/attachments?limit=2"), Vec::new());
        loop {
            let page = adviser.get(&path).await.expect(200);
            names.extend(page.items().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("{record}/attachments?limit=2&cursor={cursor}");
        }
        assert_eq!(names, ["9.txt", "8.txt", "7.txt", "6.txt", "5.txt"]);
    });
}

#[test]
fn only_what_it_says_it_is_is_taken() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let before = changes(&app).await;
        let lies = "content_of_another_type";
        let unknown = "unsupported_media_type";
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let html = b"<!doctype html><script>alert(1)</script>";
        for (name, media_type, file, code) in [
            ("a.pdf", "application/pdf", &html[..], lies),
            ("a.pdf", "application/pdf", b"MZ\x90\0%PDF-1.7", lies),
            ("a.png", "image/png", PDF, lies),
            ("a.docx", docx, b"PK\x03\x04 not an archive", lies),
            ("a.docx", docx, PDF, lies),
            ("a.txt", "text/plain", html, lies),
            ("a.txt", "text/plain", b"Gr\xfc\xdfe", lies),
            ("a.csv", "text/csv", b"a\0b", lies),
            ("a.txt", "text/plain; charset=iso-8859-1", b"a", unknown),
            ("a.html", "text/html", html, unknown),
            ("a.svg", "image/svg+xml", b"<svg/>", unknown),
            ("a.exe", "application/octet-stream", b"MZ", unknown),
            ("a.zip", "application/zip", b"PK\x03\x04", unknown),
            ("a.pdf", "", PDF, unknown),
        ] {
            let answer = attach(&adviser, &record, name, media_type, file).await;
            answer.problem(415, code);
        }
        let path = format!("{record}/attachments?name=a.txt");
        let zipped = adviser.request(Method::POST, &path).header("Content-Encoding", "gzip");
        let zipped = zipped.header("Content-Type", "text/plain").body("x");
        send(zipped).await.problem(415, unknown);
        attach(&adviser, &record, "a.txt", "text/plain", b"").await.violates("", "empty");

        for (name, code) in [
            ("../../etc/passwd", "folder"),
            ("..\\start.pdf", "folder"),
            ("/tmp/a.pdf", "folder"),
            ("a\u{202e}fdp.pdf", "changes_direction"),
            ("a.html", "wrong_ending"),
            ("a.pdf\u{200f}", "changes_direction"),
            (".pdf", "wrong_ending"),
            ("", "empty"),
        ] {
            let answer = attach(&adviser, &record, name, "application/pdf", PDF).await;
            answer.violates("/name", code);
        }
        let long = format!("{}.pdf", "x".repeat(197));
        attach(&adviser, &record, &long, "application/pdf", PDF)
            .await
            .violates("/name", "too_long");
        for query in ["", "?name=a%00.pdf", "?name=a%0A.pdf", "?name=a.pdf&kind=x"] {
            let request = adviser.request(Method::POST, &format!("{record}/attachments{query}"));
            let request = request.header("Content-Type", "application/pdf").body(PDF);
            let answer = send(request).await;
            assert!(matches!(answer.status, 400 | 422), "{query}: {}", answer.text);
        }
        assert!(objects(&app).is_empty());
        assert!(adviser.get(&format!("{record}/attachments")).await.expect(200).items().is_empty());
        assert_eq!(changes(&app).await, before, "nothing was changed");
    });
}

#[test]
fn settings_bound_what_is_taken() {
    let small = |config: &mut lotse_server::config::Config| {
        config.attachment_bytes = 1000;
        config.attachment_types = "txt".to_owned();
    };
    both_with(small, async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        attach(&adviser, &record, "a.txt", "text/plain", &[b'x'; 1000]).await.expect(201);
        let larger = attach(&adviser, &record, "b.txt", "text/plain", &[b'x'; 1001]).await;
        larger.problem(413, "too_large");
        pdf(&adviser, &record).await.problem(415, "unsupported_media_type");

        // Nobody says how much is to come.
        let mut raw = Raw::connect(&app.base);
        raw.send(head(&adviser, &record, "c.txt", "Transfer-Encoding: chunked").as_bytes());
        for _ in 0..3 {
            raw.send(format!("190\r\n{}\r\n", "x".repeat(0x190)).as_bytes());
        }
        raw.answer().expect("an answer").problem(413, "too_large");
        assert_eq!(objects(&app).len(), 1);
    });
}

/// The head of a request that attaches a text, to be sent by hand.
fn head(session: &Session, record: &str, name: &str, more: &str) -> String {
    let token = session.token.as_deref().unwrap();
    format!(
        "POST /api/v1{record}/attachments?name={name} HTTP/1.1\r\nHost: lotse.test\r\n\
         Authorization: Bearer {token}\r\nContent-Type: text/plain\r\n{more}\r\n\r\n"
    )
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let half = vec![b'x'; 1024 * 1024];
        // With a length that never comes, and in chunks without a last one.
        for framing in ["Content-Length: 2097152", "Transfer-Encoding: chunked"] {
            let mut raw = Raw::connect(&app.base);
            raw.send(head(&adviser, &record, "halb.txt", framing).as_bytes());
            if framing.contains("chunked") {
                raw.send(b"100000\r\n");
            }
            raw.send(&half);
            // Until some of it has arrived in the store.
            while objects(&app).is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(objects(&app)[0].contains('#'), "not yet under its name: {:?}", objects(&app));
            drop(raw);
            expect_empty(&app).await;
        }
        let list = adviser.get(&format!("{record}/attachments?voided=true")).await.expect(200);
        assert!(list.items().is_empty());
    });
}

#[test]
fn who_is_slow_gets_through_and_who_is_silent_does_not() {
    // The database is not asked while bytes come.
    let backend = SQLITE;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = TestApp::start_with(backend, |config| config.body_seconds = 2);
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let slow = head(&adviser, &record, "langsam.txt", "Content-Length: 10");
        let mut raw = Raw::connect(&app.base);
        raw.send(slow.as_bytes());
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(500));
            assert!(raw.send(b"x"));
        }
        raw.answer().expect("an answer").expect(201);

        let mut raw = Raw::connect(&app.base);
        raw.send(slow.as_bytes());
        raw.send(b"xxx");
        raw.answer().expect("an answer").problem(408, "timeout");
        assert_eq!(objects(&app).len(), 1);
    });
}

#[test]
fn whose_record_it_is_and_nobody_else() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, other) = (app.log_in("manager").await, app.log_in("other.manager").await);
        let record = log(&app, &adviser).await;
        let id = pdf(&adviser, &record).await.expect(201).id();
        let path = format!("/attachments/{id}");
        let rename = json!({"name": "Anders.pdf"});

        // A colleague reads it.
        let content = format!("{path}/content");
        assert_eq!(colleague.get(&content).await.expect(200).text.as_bytes(), PDF);
        pdf(&colleague, &record).await.problem(403, "forbidden");
        colleague.patch(&path, 1, &rename).await.problem(403, "forbidden");
        void(&colleague, &id, 1).await.problem(403, "forbidden");
        // Another carrier does not know of it, whatever is asked.
        for list in [&record, &format!("/consultations/{NOWHERE}")] {
            other.get(&format!("{list}/attachments")).await.problem(404, "not_found");
            pdf(&other, list).await.problem(404, "not_found");
        }
        for below in ["", "/content", "/history"] {
            other.get(&format!("{path}{below}")).await.problem(404, "not_found");
            app.anonymous().get(&format!("{path}{below}")).await.problem(401, "unauthenticated");
        }
        other.patch(&path, 1, &rename).await.problem(404, "not_found");
        void(&other, &id, 1).await.problem(404, "not_found");
        pdf(&app.anonymous(), &record).await.problem(401, "unauthenticated");
        for user in ["coordinator", "admin", "data.protection"] {
            let user = app.log_in(user).await;
            user.get(&content).await.problem(403, "forbidden");
            pdf(&user, &record).await.problem(403, "forbidden");
        }
        pdf(&adviser, &format!("/events{}", &record["/consultations".len()..]))
            .await
            .problem(404, "not_found");
        assert_eq!(objects(&app), std::slice::from_ref(&id));

        // Evidence comes late; to what is voided comes none, but what should not be there can go.
        let admin = app.log_in("admin").await;
        let period = format!("/funding-periods/{PERIOD_2023}");
        let input = app.consultation(&adviser, &json!({"held_on": "2025-06-02"})).await;
        let late = adviser.post("/consultations", &input).await.expect(201).id();
        let late = format!("/consultations/{late}");
        admin.patch(&period, 1, &json!({"status": "closing"})).await.expect(200);
        admin.patch(&period, 2, &json!({"status": "closed"})).await.expect(200);
        pdf(&adviser, &late).await.expect(201);
        manager.patch(&path, 1, &rename).await.expect(200);
        let reason = json!({"reason": "Doppelt"});
        let void_record = format!("{record}/void");
        adviser.post_with(&void_record, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        pdf(&adviser, &record).await.problem(409, "voided");
        adviser.patch(&path, 2, &rename).await.problem(409, "voided");
        adviser.get(&content).await.expect(200);
        void(&manager, &id, 2).await.expect(200);
    });
}

#[test]
fn events_have_attachments_too() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, other) = (app.log_in("manager").await, app.log_in("other").await);
        let id = event(&app, BWHW, &manager.id().await, &adviser.id().await);
        let record = format!("/events/{id}");
        let new = pdf(&adviser, &record).await.expect(201).body;
        assert_eq!(new["record"], json!({"kind": "event", "id": id}));
        pdf(&manager, &record).await.expect(201);
        pdf(&colleague, &record).await.problem(403, "forbidden");
        pdf(&other, &record).await.problem(404, "not_found");
        other.get(&format!("{record}/attachments")).await.problem(404, "not_found");
        let list = colleague.get(&format!("{record}/attachments?total=true")).await.expect(200);
        assert_eq!(list.body["total"], 2);
        let theirs = event(&app, VSB, &other.id().await, &other.id().await);
        pdf(&adviser, &format!("/events/{theirs}")).await.problem(404, "not_found");
        let voided = "UPDATE events SET status = 'voided', voided_at = created_at,
            voided_by = recorded_by, void_reason = 'x'";
        app.connect().batch_execute(voided).unwrap();
        pdf(&adviser, &record).await.problem(409, "voided");
    });
}

#[test]
fn a_repeated_upload_is_one() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let send_key = async |key: &str, name: &str, file: &[u8]| {
            attach_with(&adviser, &record, name, "application/pdf", file, key).await
        };
        let first = send_key("one", "a.pdf", PDF).await.expect(201);
        let again = send_key("one", "a.pdf", PDF).await.expect(201);
        assert_eq!(again.body, first.body);
        assert_eq!(objects(&app), [first.id()]);
        for (name, file) in [("a.pdf", &b"%PDF-1.4"[..]), ("b.pdf", PDF)] {
            send_key("one", name, file).await.problem(422, "idempotency_key_reused");
        }
        send_key("one two", "a.pdf", PDF).await.problem(400, "malformed_header");

        // An impatient finger.
        for round in 0..5 {
            let key = format!("round-{round}");
            let mut waiting = Vec::new();
            for _ in 0..4 {
                let (session, record, key) = (adviser.clone(), record.clone(), key.clone());
                waiting.push(tokio::spawn(async move {
                    let file = [PDF, key.as_bytes()].concat();
                    attach_with(&session, &record, "a.pdf", "application/pdf", &file, &key).await
                }));
            }
            let mut ids = Vec::new();
            for answer in waiting {
                ids.push(answer.await.unwrap().expect(201).id());
            }
            ids.dedup();
            assert_eq!(ids.len(), 1, "{ids:?}");
            assert_eq!(objects(&app).len(), round + 2);
        }
        // Without a key they are two.
        pdf(&adviser, &record).await.expect(201);
        pdf(&adviser, &record).await.expect(201);
        let list = adviser.get(&format!("{record}/attachments?total=true")).await.expect(200);
        assert_eq!(list.body["total"], 8);
    });
}

#[test]
fn a_record_has_fifty_and_no_more() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        for _ in 0..48 {
            attach(&adviser, &record, "a.txt", "text/plain", b"x").await.expect(201);
        }
        let mut waiting = Vec::new();
        for _ in 0..6 {
            let (session, record) = (adviser.clone(), record.clone());
            waiting.push(tokio::spawn(async move {
                attach(&session, &record, "a.txt", "text/plain", b"x").await
            }));
        }
        let mut added = 0;
        for answer in waiting {
            let answer = answer.await.unwrap();
            match answer.status {
                201 => added += 1,
                _ => drop(answer.problem(409, "too_many_attachments")),
            }
        }
        assert_eq!((added, objects(&app).len()), (2, 50));
        // One taken back makes room.
        let list = adviser.get(&format!("{record}/attachments?limit=1")).await.expect(200);
        void(&adviser, list.items()[0]["id"].as_str().unwrap(), 1).await.expect(200);
        let with_key = async |key: &str| {
            attach_with(&adviser, &record, "a.txt", "text/plain", b"x", key).await
        };
        let last = with_key("last").await.expect(201);

        // Its answer was lost: it is told again, also when the record was voided since.
        assert_eq!(with_key("last").await.expect(201).body, last.body);
        with_key("more").await.problem(409, "too_many_attachments");
        let reason = json!({"reason": "Doppelt"});
        let void_record = format!("{record}/void");
        adviser.post_with(&void_record, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        assert_eq!(with_key("last").await.expect(201).body, last.body);
        with_key("more").await.problem(409, "voided");
        assert_eq!(objects(&app).len(), 50);
    });
}

#[test]
fn a_content_that_goes_while_it_is_asked_for_is_not_found() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        for _ in 0..20 {
            let id = pdf(&adviser, &record).await.expect(201).id();
            let content = format!("/attachments/{id}/content");
            let mut waiting = Vec::new();
            for _ in 0..8 {
                let (session, content) = (adviser.clone(), content.clone());
                waiting.push(tokio::spawn(async move {
                    loop {
                        let answer = session.get(&content).await;
                        if answer.status != 200 {
                            return answer;
                        }
                        assert_eq!(answer.text.as_bytes(), PDF);
                    }
                }));
            }
            void(&adviser, &id, 1).await.expect(200);
            for answer in waiting {
                answer.await.unwrap().problem(404, "not_found");
            }
        }
    });
}

#[test]
fn a_large_file_comes_back_as_it_went() {
    run_on(SQLITE, async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let most = 20 * 1024 * 1024;
        let line = "Zeile mit Umlauten: äöü\n";
        let mut file = line.repeat(most / line.len()).into_bytes();
        file.resize(most, b'.');
        let new = attach(&adviser, &record, "a.txt", "text/plain", &file).await.expect(201);
        let content = format!("/attachments/{}/content", new.id());
        let back = adviser.get(&content).await.expect(200);
        assert!(back.text.as_bytes() == file);
        assert_eq!(back.header("content-type"), "text/plain; charset=utf-8");
    });
}

/// Not a test of its own: the program, when it is started as such.
#[test]
fn check_process() {
    let Ok(file) = std::env::var("TEST_CHECK_SETTINGS") else { return };
    let command = ["lotse", "--config", &file, "check", "--contents"];
    let done = lotse_server::cli::run(lotse_server::cli::Cli::parse_from(command));
    std::process::exit(i32::from(done.is_err()));
}

#[test]
fn what_the_store_lacks_or_has_besides_is_told() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(pdf(&adviser, &record).await.expect(201).id());
        }
        let folder = app.attachments();
        let settings = folder.with_file_name("check.toml");
        let text = format!(
            "database_url = {:?}\nattachments = {:?}\n",
            app.database_url,
            folder.to_str().unwrap()
        );
        std::fs::write(&settings, text).unwrap();
        let run = || {
            let program = std::env::current_exe().unwrap();
            let done = Command::new(program)
                .args(["--exact", "attachment::check_process", "--nocapture"])
                .env("TEST_CHECK_SETTINGS", &settings)
                .output()
                .unwrap();
            (done.status.code(), String::from_utf8(done.stdout).unwrap())
        };
        let (code, told) = run();
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("4 attachments, 0 faults"), "{told}");

        std::fs::remove_file(folder.join(&ids[0])).unwrap();
        std::fs::write(folder.join(&ids[1]), "short").unwrap();
        let mut other = PDF.to_vec();
        other[10] = b'!';
        std::fs::write(folder.join(&ids[2]), other).unwrap();
        std::fs::write(folder.join(NOWHERE), "x").unwrap();
        std::fs::write(folder.join("notes.txt"), "x").unwrap();
        std::fs::write(folder.join(format!("{NOWHERE}#1")), "half").unwrap();
        let (code, told) = run();
        assert_eq!(code, Some(1), "{told}");
        for line in [
            format!("{}: the content is missing", ids[0]),
            format!("{}: the content has 5 bytes and should have {}", ids[1], PDF.len()),
            format!("{}: the content has another SHA-256", ids[2]),
            format!("{NOWHERE}: belongs to no attachment"),
            "notes.txt: belongs to no attachment".to_owned(),
            "4 attachments, 5 faults".to_owned(),
        ] {
            assert!(told.contains(&line), "{line}: {told}");
        }
        adviser.get(&format!("/attachments/{}/content", ids[0])).await.problem(500, "internal");

        // Housekeeping removes what a power cut left half written; never what it does not know.
        let store = lotse_http::Store::open(folder.to_str().unwrap()).unwrap();
        let all = check(&app.app, &store, false, &mut |_| ()).await.unwrap();
        assert_eq!(all.faults, 4, "the sizes alone");
        let ago = chrono::TimeDelta::days(1);
        let written = std::fs::metadata(folder.join(NOWHERE)).unwrap().modified().unwrap();
        let written = chrono::DateTime::<chrono::Utc>::from(written);
        assert_eq!(sweep(&app.app, &store, written - ago).await.unwrap(), 0, "too young");
        assert_eq!(sweep(&app.app, &store, written + ago).await.unwrap(), 1);
        let mut left = ids[1..].to_vec();
        left.extend([NOWHERE.to_owned(), "notes.txt".to_owned()]);
        left.sort();
        assert_eq!(objects(&app), left);

        // What could not be removed when it was voided goes as soon as it is seen.
        void(&adviser, &ids[3], 1).await.expect(200);
        std::fs::write(folder.join(&ids[3]), PDF).unwrap();
        let (_, told) = run();
        assert!(told.contains("is voided and its content still there"), "{told}");
        let now = app.app.now();
        assert_eq!(sweep(&app.app, &store, now + chrono::TimeDelta::days(8)).await.unwrap(), 0);
        assert_eq!(sweep(&app.app, &store, now).await.unwrap(), 1);
        // One that cannot be looked at keeps none of the others.
        for id in &ids[1..3] {
            void(&adviser, id, 1).await.expect(200);
        }
        let endless = folder.join(&ids[1]);
        std::os::unix::fs::symlink(&endless, &endless).unwrap();
        std::fs::write(folder.join(&ids[2]), PDF).unwrap();
        assert_eq!(sweep(&app.app, &store, now).await.unwrap(), 1);
        assert!(!folder.join(&ids[2]).exists());
    });
}

#[test]
fn what_another_database_attached_stays() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let id = pdf(&adviser, &record).await.expect(201).id();
        let written = std::fs::metadata(app.attachments().join(&id)).unwrap().modified().unwrap();
        let later = chrono::DateTime::<chrono::Utc>::from(written) + chrono::TimeDelta::days(400);

        // A demonstration in the same folder, an older backup: both know nothing of the attachment.
        let other = TestApp::start(app.backend);
        let store = lotse_http::Store::open(app.attachments().to_str().unwrap()).unwrap();
        assert_eq!(sweep(&other.app, &store, later).await.unwrap(), 0);
        let mut told = Vec::new();
        let mut tell = |fault: &Fault| told.push(fault.to_string());
        check(&other.app, &store, false, &mut tell).await.unwrap();
        assert_eq!(told, [format!("{id}: belongs to no attachment")]);
        let content = format!("/attachments/{id}/content");
        assert_eq!(adviser.get(&content).await.expect(200).text.as_bytes(), PDF);
    });
}

#[test]
fn an_upload_of_which_the_database_says_nothing_is_looked_at_again() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let known = pdf(&adviser, &record).await.expect(201).id();
        app.app.flush_access_log();
        app.connect().batch_execute("ALTER TABLE audit_log RENAME TO away").unwrap();
        pdf(&adviser, &record).await.problem(500, "internal");
        app.connect().batch_execute("ALTER TABLE away RENAME TO audit_log").unwrap();
        assert_eq!(objects(&app).len(), 2);
        // The row may be there after all.
        let now = app.app.now();
        app.store.doubt(lotse_domain::id::AttachmentId(known.parse().unwrap()), now);

        assert_eq!(sweep(&app.app, &app.store, now).await.unwrap(), 0, "it may be under way");
        let later = now + chrono::TimeDelta::seconds(1);
        assert_eq!(sweep(&app.app, &app.store, later).await.unwrap(), 1);
        assert_eq!(objects(&app), [known]);
        assert!(app.store.in_doubt_since(later).is_empty());
    });
}

#[test]
fn a_store_that_fails_changes_nothing() {
    run_on(SQLITE, async |app| {
        let adviser = app.log_in("adviser").await;
        let record = log(&app, &adviser).await;
        let before = changes(&app).await;
        std::fs::remove_dir_all(app.attachments()).unwrap();
        std::fs::write(app.attachments(), "no folder any more").unwrap();
        pdf(&adviser, &record).await.problem(503, "store_unavailable");
        assert!(adviser.get(&format!("{record}/attachments")).await.expect(200).items().is_empty());
        assert_eq!(changes(&app).await, before);
        assert!(serve::store(&crate::harness::config("", app.attachments().join("key"))).is_err());
    });
}
