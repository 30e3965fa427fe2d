//! Power cut: the process is killed in the middle of writes. What was acknowledged is there, and
//! nothing is there by half.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lotse_app::{App, Clock};
use lotse_server::serve;
use serde_json::json;

use crate::harness::{Session, both};

const DATABASE: &str = "TEST_SERVER_DATABASE";
const KEY: &str = "TEST_SERVER_KEY";

/// Not a test of its own: the process that is killed. It does nothing unless started as such.
#[test]
fn server_process() {
    let (Ok(url), Ok(key)) = (std::env::var(DATABASE), std::env::var(KEY)) else { return };
    let config = crate::harness::config(&url, key.into());
    let clock = Clock::mock("2026-03-16T09:00:00Z".parse().unwrap());
    let app = App::new(serve::database(&config).unwrap(), clock.clone());
    actix_web::rt::System::new().block_on(async {
        let store = serve::store(&config).unwrap();
        let listening = serve::listen(&config, app, store, clock).unwrap();
        println!("LISTENING http://{}", listening.address);
        listening.server.await.unwrap();
    });
}

/// A server in a process of its own; the tests' settings, the given database and key.
pub fn start(database_url: &str, key: &std::path::Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::server_process", "--nocapture"])
        .env(DATABASE, database_url)
        .env(KEY, key)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let base = loop {
        let line = lines.next().expect("the server says where it listens").unwrap();
        if let Some((_, base)) = line.split_once("LISTENING ") {
            break base.trim().to_owned();
        }
    };
    // Keeps the pipe open as long as the server writes to it.
    std::thread::spawn(move || lines.for_each(drop));
    (child, base)
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    both(async |app| {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        let here = app.log_in("adviser").await;
        let input = app.consultation(&here, &json!({"topics": ["blue_card", "fast_track"]})).await;

        let mut acknowledged = Vec::new();
        for round in 0..3 {
            let (mut server, base) = start(&app.database_url, &key);
            let client = reqwest::Client::new();
            let nobody = Session::new(client.clone(), base.clone(), None);
            let log_in = json!({
                "email": "adviser@test.example", "password": "correct horse battery staple"
            });
            let tokens = nobody.post("/auth/login", &log_in).await.expect(200).body;
            let token = tokens["access_token"].as_str().unwrap().to_owned();
            let session = Session::new(client, base, Some(token));

            let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
            let mut writers = Vec::new();
            for _ in 0..8 {
                let (session, input, send) = (session.clone(), input.clone(), send.clone());
                writers.push(tokio::spawn(async move {
                    loop {
                        let request = session
                            .request(reqwest::Method::POST, "/consultations")
                            .json(&input)
                            .send();
                        let Ok(response) = request.await else { return };
                        if response.status() != 201 {
                            return;
                        }
                        let Ok(text) = response.text().await else { return };
                        let Ok(body) = serde_json::from_str::<serde_json::Value>(&text) else {
                            return;
                        };
                        send.send(body["id"].as_str().unwrap().to_owned()).unwrap();
                    }
                }));
            }
            drop(send);
            tokio::time::sleep(Duration::from_millis(400 + 150 * round)).await;
            server.kill().unwrap();
            server.wait().unwrap();
            for writer in writers {
                writer.await.unwrap();
            }
            while let Some(id) = receive.recv().await {
                acknowledged.push(id);
            }
        }
        assert!(acknowledged.len() > 30, "only {} were written", acknowledged.len());

        // Our own server, on the same database, finds every one of them, and each is whole.
        let all = app.log_in("adviser").await;
        for id in &acknowledged {
            all.get(&format!("/consultations/{id}")).await.expect(200);
        }
        let mut path = "/consultations?limit=200&total=true".to_owned();
        let mut seen = 0;
        loop {
            let page = all.get(&path).await.expect(200);
            for consultation in page.items() {
                seen += 1;
                assert_eq!(consultation["topics"].as_array().unwrap().len(), 2);
                assert_eq!(consultation["advisers"].as_array().unwrap().len(), 1);
                let id = consultation["id"].as_str().unwrap();
                let history = all.get(&format!("/consultations/{id}/history")).await.expect(200);
                assert_eq!(history.items().len(), 1, "no record without its audit entry");
            }
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/consultations?limit=200&total=true&cursor={cursor}");
        }
        assert!(seen >= acknowledged.len());
    });
}
