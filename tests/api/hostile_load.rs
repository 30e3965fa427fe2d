//! Clients that hold on to the server without asking for anything: slow ones and idle ones.

use std::io::Write;
use std::process::{Child, Command};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::durability;
use crate::harness::{PASSWORD, Raw, SQLITE, Session, TestApp, body, run_on, send};

/// Sends the rest byte by byte until it is sent or the server hangs up.
fn drip(raw: &Raw, rest: Vec<u8>) {
    let mut stream = raw.sender();
    std::thread::spawn(move || {
        for byte in rest {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}

/// The body of a company that takes minutes to arrive.
fn long_body() -> Vec<u8> {
    json!({"name": "Langsam GmbH", "website": "x".repeat(2000)}).to_string().into_bytes()
}

/// Three clients that never come to an end.
fn slow_clients(app: &TestApp, token: &str) -> [Raw; 3] {
    let head = format!(
        "POST /api/v1/companies HTTP/1.1\r\nHost: lotse.test\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\n"
    );
    let mut headers = Raw::connect(&app.base);
    headers.send(head.as_bytes());
    drip(&headers, [b"X-Filler: ".to_vec(), vec![b'x'; 5000]].concat());

    let mut counted = Raw::connect(&app.base);
    counted.send(format!("{head}Content-Length: {}\r\n\r\n", long_body().len()).as_bytes());
    drip(&counted, long_body());

    let mut chunked = Raw::connect(&app.base);
    chunked.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
    let chunks = long_body().into_iter().flat_map(|byte| [b"1\r\n", &[byte][..], b"\r\n"].concat());
    drip(&chunked, chunks.collect());
    [headers, counted, chunked]
}

#[test]
fn slow_clients_are_cut_off_and_others_are_answered_meanwhile() {
    // The database is not asked for what never arrives.
    run_on(SQLITE, async |app| {
        let adviser = app.log_in("adviser").await;
        let slow = slow_clients(&app, adviser.token.as_deref().unwrap());
        let waiting = std::thread::spawn(move || {
            let [mut headers, mut counted, mut chunked] = slow;
            let counted_answer = counted.answer().expect("an answer to the slow body");
            let chunked_answer = chunked.answer().expect("an answer to the slow chunks");
            // What is not even a request gets a bare answer.
            let headers_answer = headers.answer().expect("an answer to the slow headers");
            headers.expect_end();
            counted.expect_end();
            (headers_answer, counted_answer, chunked_answer)
        });
        let mut answered = 0;
        while !waiting.is_finished() {
            adviser.get("/me").await.expect(200);
            answered += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (headers, counted, chunked) = waiting.join().unwrap();
        assert!(answered > 10, "others were answered {answered} times only");
        assert_eq!((headers.status, headers.text.as_str()), (408, ""));
        assert_eq!(counted.header("connection"), "close");
        counted.problem(408, "timeout");
        chunked.problem(408, "timeout");
        assert!(adviser.get("/companies").await.expect(200).items().is_empty());
    });
}

/// Ends with the test, also with one that fails.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many files this process may have open. Asked of a shell, which has the same limit.
fn open_files() -> usize {
    let limit = Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
    let limit = String::from_utf8(limit.stdout).unwrap();
    limit.trim().parse().unwrap_or(usize::MAX)
}

/// Memory of a process in kB, where the system tells.
fn resident_kilobytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn five_thousand_idle_connections_keep_nobody_out() {
    const WANTED: usize = 5000;
    // Connections are the same before either database. The server is a process of its own, with files
    // and memory of its own.
    run_on(SQLITE, async |app| {
        // The rest is for the tests beside this one.
        let connections = WANTED.min(open_files().saturating_sub(1000));
        if connections < WANTED {
            // Past the capture of a test that succeeds.
            writeln!(
                std::io::stderr(),
                "*** ulimit -n allows {connections} of {WANTED} idle connections ***"
            )
            .unwrap();
        }
        assert!(connections > 0, "ulimit -n allows no idle connections beside the other tests");

        let folder = tempfile::tempdir().unwrap();
        let (server, base) = durability::start(&app.database_url, &folder.path().join("key.pem"));
        let server = Server(server);
        let nobody = Session::new(reqwest::Client::new(), base.clone(), None);
        let log_in = json!({"email": "adviser@test.example", "password": PASSWORD});
        let tokens = nobody.post("/auth/login", &log_in).await.expect(200).body;
        let token = tokens["access_token"].as_str().unwrap();
        let adviser = Session::new(reqwest::Client::new(), base.clone(), Some(token.to_owned()));
        adviser.get("/me").await.expect(200);

        let before = resident_kilobytes(server.0.id());
        let ask = b"GET /health/live HTTP/1.1\r\nHost: lotse.test\r\n\r\n";
        let mut idle = Vec::new();
        for number in 0..connections {
            let mut raw = Raw::connect(&base);
            raw.send(ask);
            let answer = raw.answer().unwrap_or_else(|| panic!("connection {number} was refused"));
            assert_eq!(answer.status, 200);
            idle.push(raw);
        }
        let after = resident_kilobytes(server.0.id());

        // Who comes now is served, on a connection of its own.
        let late = Session::new(reqwest::Client::new(), base.clone(), Some(token.to_owned()));
        let input =
            body(&app.consultation(&late, &json!({})).await, &json!({"notes": "Trotz allem"}));
        for _ in 0..10 {
            late.post("/consultations", &input).await.expect(201);
        }
        assert_eq!(late.get("/consultations?total=true").await.expect(200).body["total"], 10);
        send(late.request(Method::POST, "/auth/logout")).await.expect(204);

        // They were idle, not gone.
        for number in [0, connections / 2, connections - 1] {
            idle[number].send(ask);
            assert_eq!(idle[number].answer().expect("still open").status, 200);
        }
        match (before, after) {
            (Some(before), Some(after)) => {
                let each = after.saturating_sub(before) / connections as u64;
                eprintln!("{each} kB for each idle connection");
                assert!(each < 64, "{each} kB for each idle connection");
            }
            _ => writeln!(std::io::stderr(), "*** no /proc: memory was not measured ***").unwrap(),
        }
        drop(idle);
        adviser.get("/me").await.problem(401, "unauthenticated");
        nobody.post("/auth/login", &log_in).await.expect(200);
    });
}
