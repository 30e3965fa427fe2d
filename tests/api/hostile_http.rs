//! Headers and query strings that nobody means well with: each is answered as a fault of the client,
//! forges nothing, and the server goes on.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, Raw, Session, TestApp, both, district, send};

/// A request as bytes, with these headers and no others. Of several with one name the last is sent, so
/// that a test puts one in place of another.
pub fn request(method: &str, path: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} /api/v1{path} HTTP/1.1\r\nHost: lotse.test\r\n").into_bytes();
    for (index, (name, value)) in headers.iter().enumerate() {
        if headers[index + 1..].iter().any(|(later, _)| later == name) {
            continue;
        }
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

pub async fn healthy(app: &TestApp, session: &Session) {
    let ready = app.client().get(format!("{}/health/ready", app.base)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    session.get("/me").await.expect(200);
}

/// The answer is a client's fault or less, and every header in it is one that the server made.
#[track_caller]
pub fn sound(answer: &Answer, what: &str) {
    assert!((200..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
    assert!(answer.headers.get("x-injected").is_none(), "{what}: {:?}", answer.headers);
    let id = answer.header("x-request-id");
    let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    assert!((8..=64).contains(&id.len()) && id.bytes().all(fine), "{what}: {id:?}");
    if answer.status >= 400 {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
        assert_eq!(answer.body["request_id"], id, "{what}");
    }
}

#[test]
fn headers_are_never_echoed_and_break_nothing() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Kopfzeilen GmbH", &json!({})).await;
        let path = format!("/companies/{}/archive", company["id"].as_str().unwrap());
        let bearer = format!("Bearer {}", adviser.token.as_deref().unwrap());
        // In order but for the reason, so that a header can only make it worse.
        let body = b"{\"reason\": \" \"}";
        let length = body.len().to_string();
        let (long, too_long) = ("x".repeat(60_000), "x".repeat(200_000));
        let values: [&[u8]; 15] = [
            b"one\r\nX-Injected: yes",
            b"one\nX-Injected: yes",
            b"one\rX-Injected: yes",
            b"one\0two",
            b"one\x7ftwo\x1b[31m",
            b"%0d%0aX-Injected:%20yes",
            b"\\r\\nX-Injected: yes",
            "Größe".as_bytes(),
            b"\xff\xfe\xc3",
            b"",
            b"\t \t",
            b"\"",
            &[b'x'; 300],
            long.as_bytes(),
            too_long.as_bytes(),
        ];
        let (mut answered, mut hung_up) = (0, 0);
        for name in
            ["X-Request-Id", "If-Match", "Idempotency-Key", "User-Agent", "Authorization", "Cookie"]
        {
            for value in values {
                let headers: [(&str, &[u8]); 6] = [
                    ("Authorization", bearer.as_bytes()),
                    ("Content-Type", b"application/json"),
                    ("Content-Length", length.as_bytes()),
                    ("If-Match", b"\"1\""),
                    ("Idempotency-Key", b"a-key"),
                    (name, value),
                ];
                let what = format!("{name}: {}", value[..value.len().min(40)].escape_ascii());
                let mut raw = Raw::connect(&app.base);
                raw.send(&request("POST", &path, &headers, body));
                let answer = raw.answer().expect(&what);
                if answer.header("x-request-id").is_empty() {
                    // Not HTTP: it never reaches the API, and the connection is over.
                    assert!(matches!(answer.status, 400 | 431), "{what}: {}", answer.status);
                    assert!(answer.text.is_empty() && answer.headers.get("x-injected").is_none());
                    raw.expect_end();
                    hung_up += 1;
                } else {
                    sound(&answer, &what);
                    assert!(answer.status >= 400, "{what}: {}", answer.text);
                    let sent = String::from_utf8_lossy(value);
                    assert_ne!(answer.header("x-request-id"), sent, "{what}");
                    answered += 1;
                }
            }
        }
        assert!(answered > 30 && hung_up > 10, "{answered} answered, {hung_up} hung up");
        assert_eq!(adviser.get(&path.replace("/archive", "")).await.expect(200).body, company);
        healthy(&app, &adviser).await;
    });
}

#[test]
fn what_a_client_calls_itself_is_kept_without_control_characters() {
    both(async |app| {
        let credentials = json!({"email": "adviser@test.example", "password": PASSWORD});
        for name in [
            &b"Some\tthing/1.0"[..],
            b"<script>alert(1)</script>",
            "Größe".as_bytes(),
            &[b'x'; 5000],
        ] {
            let log_in = app.anonymous().request(Method::POST, "/auth/login").json(&credentials);
            send(log_in.header(USER_AGENT, name)).await.expect(200);
        }
        let sessions = app.log_in("adviser").await.get("/me/sessions").await.expect(200);
        let mut names: Vec<_> =
            sessions.items().iter().filter_map(|session| session["client"].as_str()).collect();
        names.sort_unstable();
        let cut = "x".repeat(200);
        assert_eq!(names, ["<script>alert(1)</script>", "Something/1.0", &cut]);
    });
}

/// A record for each path of a list that is below one.
async fn targets(app: &TestApp) -> [(&'static str, String); 2] {
    let adviser = app.log_in("adviser").await;
    let company = adviser.company("Listen GmbH", &json!({})).await["id"].clone();
    let actor = adviser.actor("Listenkammer", "other").await["id"].clone();
    [
        ("/companies/", company.as_str().unwrap().to_owned()),
        ("/actors/", actor.as_str().unwrap().to_owned()),
    ]
}

#[test]
fn no_query_string_is_the_servers_fault() {
    both(async |app| {
        let targets = targets(&app).await;
        let (adviser, officer) = (app.log_in("adviser").await, app.log_in("data.protection").await);
        let mut tried = 0;
        for (path, item) in lotse_http::document()["paths"].as_object().unwrap() {
            let parameters = item["get"]["parameters"].as_array().into_iter().flatten();
            let parameters = parameters.filter(|parameter| parameter["in"] == "query");
            let Some(path) = path.strip_prefix("/api/v1") else { continue };
            let id = targets.iter().find(|(start, _)| path.starts_with(start));
            let path = path.replace("{id}", id.map_or(crate::harness::BWHW, |(_, id)| id));
            for parameter in parameters {
                let name = parameter["name"].as_str().unwrap();
                for value in [
                    "%00",
                    "%0d%0aX-Injected:%20yes",
                    "%ff%fe",
                    "%",
                    "",
                    "'%20OR%20'1'='1",
                    "x'%3B%20DROP%20TABLE%20users%3B--",
                    "%25_%5c%22%5b*",
                    "-1",
                    "9223372036854775808",
                    "1e400",
                    "-262143-01-01",
                    "%2B262142-12-31",
                    "%2B262143-12-31",
                    "0000-01-01",
                    "9999-12-31",
                    "00000000-0000-0000-0000-000000000000",
                    "%F0%9F%92%A9%E2%80%AE%CC%81",
                ] {
                    let mut query = format!("{name}={value}");
                    if path == "/statistics" && name != "funding_period_id" {
                        write!(query, "&funding_period_id={}", crate::harness::PERIOD_2026)
                            .unwrap();
                    }
                    let session = if path == "/audit-log" { &officer } else { &adviser };
                    let answer = session.get(&format!("{path}?total=true&{query}")).await;
                    sound(&answer, &format!("{path}?{query}"));
                    tried += 1;
                }
            }
        }
        assert!(tried > 1000, "only {tried} were tried");

        // Bytes that a client would have encoded, and more than anybody types.
        let bearer = format!("Bearer {}", adviser.token.as_deref().unwrap());
        let long = [&b"/companies?q="[..], "x".repeat(30_000).as_bytes()].concat();
        for target in [
            &b"/companies?q=Gr\xc3\xb6\xc3\x9fe"[..],
            b"/companies?q=\xff\xfe",
            b"/companies?q=<a>\"`{}|\\^",
            b"/companies?q=a&q=b&q[]=c&&&=",
            b"/companies?????",
            b"/companies/%2e%2e/%2e%2e/me",
            b"/companies/..%2f..%2fme",
            b"/companies/%00",
            b"//companies",
            &long,
        ] {
            let mut raw = Raw::connect(&app.base);
            let head = [b"GET /api/v1", target, b" HTTP/1.1\r\nHost: lotse.test\r\n"].concat();
            raw.send(&[&head, &b"Authorization: "[..], bearer.as_bytes(), b"\r\n\r\n"].concat());
            let what = target[..target.len().min(60)].escape_ascii().to_string();
            let answer = raw.answer().expect(&what);
            if answer.header("x-request-id").is_empty() {
                assert_eq!(answer.status, 400, "{what}");
            } else {
                sound(&answer, &what);
            }
        }
        healthy(&app, &adviser).await;
    });
}

#[test]
fn a_forged_cursor_is_the_clients_fault() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        for number in 0..3 {
            adviser.company(&format!("Zeiger {number}"), &json!({})).await;
            let input = app.consultation(&adviser, &json!({})).await;
            adviser.post("/consultations", &input).await.expect(201);
        }
        let admin = app.log_in("admin").await;
        for (session, list) in [
            (&adviser, "/companies?"),
            (&adviser, "/organisations?q=zeiger&"),
            (&adviser, "/consultations?"),
            (&adviser, "/consultations?sort=created_at&"),
            (&adviser, "/users?"),
            (&adviser, "/topics?"),
            (&adviser, "/districts?"),
            (&adviser, "/funding-periods?"),
            (&admin, "/audit-log?"),
        ] {
            let page = session.get(&format!("{list}limit=1")).await.expect(200);
            let cursor = page.body["next_cursor"].as_str().expect(list);
            let real: Value =
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
            for key in [
                "",
                "\u{0}",
                "a\u{0}b",
                "' OR '1'='1",
                "-262143-01-01",
                "+262142-12-31",
                "9999999999-01-01",
                "+262142-12-31T23:59:59Z",
                "-262143-01-01T00:00:00Z",
                "1e400",
                "9223372036854775808",
                "\u{10ffff}",
            ] {
                let mut forged = real.clone();
                forged[1]["key"] = json!(key);
                let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
                let answer = session.get(&format!("{list}limit=1&cursor={forged}")).await;
                sound(&answer, &format!("{list} {key:?}"));
                assert!(matches!(answer.status, 200 | 400), "{list} {key:?}: {}", answer.text);
            }
        }
        healthy(&app, &adviser).await;
    });
}

#[test]
fn dates_at_the_end_of_time_are_the_clients_fault() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let user = adviser.id().await;
        for date in ["-262143-01-01", "-9999-01-01", "0000-01-01", "+10000-01-01", "+262142-12-31"]
        {
            for (session, path, input) in [
                (
                    &adviser,
                    "/consultations",
                    app.consultation(&adviser, &json!({"held_on": date})).await,
                ),
                (
                    &admin,
                    "/sites",
                    json!({"carrier_id": crate::harness::BWHW, "name": date, "valid_from": date}),
                ),
                (
                    &admin,
                    "/districts",
                    json!({"key": "06999", "kind": "county", "name": "X", "region": "Kassel",
                        "valid_from": date, "valid_to": date}),
                ),
                (
                    &admin,
                    "/coverages",
                    json!({"district_id": district("06412"), "site_id": crate::harness::KASSEL,
                        "valid_from": date}),
                ),
                (
                    &admin,
                    "/funding-periods",
                    json!({"name": date, "service_name": "X", "starts_on": date, "ends_on": date,
                        "minimum_minutes": 15, "status": "planned"}),
                ),
                (
                    &admin,
                    "/topics",
                    json!({"code": "new_topic", "group": "other", "label_de": "x", "label_en": "x",
                        "valid_from": date}),
                ),
                (
                    &admin,
                    &format!("/users/{user}/assignments"),
                    json!({"role": "adviser", "carrier_id": crate::harness::BWHW, "valid_from": date}),
                ),
            ] {
                let answer = session.post(path, &input).await;
                sound(&answer, &format!("{path} {date}"));
                if answer.status == 201 {
                    session.get(&format!("{path}?limit=200")).await.expect(200);
                }
            }
        }
        // Times that chrono reads and PostgreSQL stores as others, and some that nobody reads.
        for (time, code) in [
            ("23:59:60", "not_a_time"),
            ("23:59:60.999999999", "not_a_time"),
            ("09:30:00.123456789", "not_a_time"),
            ("24:00:00", "wrong_type"),
            ("23:59:61", "wrong_type"),
            ("-01:00:00", "wrong_type"),
        ] {
            let input = app.consultation(&adviser, &json!({"starts_at": time})).await;
            adviser.post("/consultations", &input).await.violates("/starts_at", code);
        }
        healthy(&app, &adviser).await;
    });
}

#[test]
fn a_method_that_a_path_does_not_have_is_told_which_it_has() {
    both(async |app| {
        for (path, item) in lotse_http::document()["paths"].as_object().unwrap() {
            let Some(path) = path.strip_prefix("/api/v1") else { continue };
            let target = path.replace("{id}", crate::harness::BWHW);
            let brew = app.anonymous().request(Method::from_bytes(b"BREW").unwrap(), &target);
            let answer = send(brew).await.problem(405, "method_not_allowed");
            let mut allowed: Vec<_> = answer.header("allow").split(", ").collect();
            allowed.sort_unstable();
            let mut methods: Vec<_> =
                item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            methods.sort_unstable();
            assert_eq!(allowed, methods, "{path}");
        }
    });
}
