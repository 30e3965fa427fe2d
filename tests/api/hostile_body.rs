//! Bodies that nobody means well with: each is answered with a problem, in the same connection where the
//! body was read, and the server goes on.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::harness::{PASSWORD, Raw, both, send};
use crate::hostile_http::{healthy, request, sound};

const MEBIBYTE: usize = 1024 * 1024;

/// What is sent, and what is answered.
struct Case {
    what: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

fn case(what: &'static str, body: impl Into<Vec<u8>>, status: u16, code: &'static str) -> Case {
    Case { what, headers: Vec::new(), body: body.into(), status, code }
}

fn typed(
    what: &'static str,
    headers: &[(&'static str, &'static str)],
    body: impl Into<Vec<u8>>,
    status: u16,
    code: &'static str,
) -> Case {
    Case { headers: headers.to_vec(), ..case(what, body, status, code) }
}

/// A company with one field more, and this value in it.
fn with(field: &str, value: &str) -> String {
    format!("{{\"name\": \"A\", \"{field}\": {value}}}")
}

fn cases() -> Vec<Case> {
    // `{"name": "Gezippt GmbH"}`: unpacked, it would be in order.
    let zipped: [u8; 44] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 75, 204, 77, 85, 178, 82, 80, 114, 79, 173,
        202, 44, 40, 40, 81, 112, 207, 77, 242, 80, 170, 5, 0, 185, 91, 109, 154, 24, 0, 0, 0,
    ];
    let good = "{\"name\": \"Gut GmbH\"}";
    let long = |length: usize| format!("{{\"name\": \"{}\"}}", "x".repeat(length));
    let (json, invalid, malformed) = ("application/json", "invalid", "malformed_json");
    vec![
        case("nested lists", "[".repeat(100_000), 422, invalid),
        case("nested objects", "{\"a\":".repeat(100_000), 422, invalid),
        case("nested below a field", with("name2", &"[".repeat(100_000)), 422, invalid),
        case("nested below a text", "{\"name\": ".to_owned() + &"[".repeat(100_000), 422, invalid),
        case("a list for an object", with("size", &"[".repeat(100_000)), 422, invalid),
        case("just too large", vec![b' '; MEBIBYTE + 1], 413, "too_large"),
        case("just not too large", long(MEBIBYTE - 12), 422, invalid),
        case("a long text", long(1_000_000), 422, invalid),
        case("invalid UTF-8", b"{\"name\": \"\xc3\x28\"}".to_vec(), 400, malformed),
        case("half a surrogate", "{\"name\": \"\\ud800\"}", 400, malformed),
        case("a byte order mark", "\u{feff}{\"name\": \"A\"}", 400, malformed),
        case("UTF-16", good.bytes().flat_map(|b| [b, 0]).collect::<Vec<_>>(), 400, malformed),
        case("a field twice", "{\"name\": \"A\", \"name\": \"B\"}", 422, invalid),
        case("a NUL escape", "{\"name\": \"A\\u0000\"}", 400, malformed),
        case("a NUL escape in a name", "{\"name\": \"A\", \"a\\u0000\": 1}", 400, malformed),
        case("a NUL", "{\"name\": \"A\0\"}", 400, malformed),
        case("beyond 64 bits", with("size", "{\"staff\": 9223372036854775808}"), 422, invalid),
        case("beyond 32 bits", with("size", "{\"staff\": 2147483648}"), 422, invalid),
        case(
            "far beyond",
            with("size", &format!("{{\"staff\": {}}}", "9".repeat(5000))),
            400,
            malformed,
        ),
        case("beyond a double", with("size", "{\"staff\": 1e400}"), 400, malformed),
        case("not a number", with("size", "{\"staff\": NaN}"), 400, malformed),
        case("an empty body", "", 400, malformed),
        case("null", "null", 422, invalid),
        case("a text", "\"name\"", 422, invalid),
        case("a comment", "{\"name\": \"A\" /* */}", 400, malformed),
        typed("packed", &[("Content-Encoding", "gzip")], zipped, 415, "unsupported_media_type"),
        typed(
            "packed twice",
            &[("Content-Encoding", "gzip, gzip")],
            zipped,
            415,
            "unsupported_media_type",
        ),
        typed(
            "packed otherwise",
            &[("Content-Encoding", "br")],
            good,
            415,
            "unsupported_media_type",
        ),
        case("packed, and not said so", zipped, 400, malformed),
        typed(
            "a form",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            good,
            415,
            "unsupported_media_type",
        ),
        typed(
            "a part",
            &[("Content-Type", "multipart/form-data; boundary=x")],
            good,
            415,
            "unsupported_media_type",
        ),
        typed(
            "a near miss",
            &[("Content-Type", "application/jsonp")],
            good,
            415,
            "unsupported_media_type",
        ),
        typed("no type", &[("Content-Type", "")], good, 415, "unsupported_media_type"),
        typed(
            "another charset",
            &[("Content-Type", "application/json; charset=utf-16")],
            "\u{0}{\u{0}}",
            400,
            malformed,
        ),
        typed(
            "in pieces",
            &[("Content-Type", json), ("Transfer-Encoding", "chunked")],
            vec![b' '; MEBIBYTE + 1],
            413,
            "too_large",
        ),
    ]
}

/// Sent as it is with its length, or in chunks.
fn post(path: &str, method: &str, bearer: &str, case: &Case) -> Vec<u8> {
    let length = case.body.len().to_string();
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let mut headers: Vec<(&str, &[u8])> = vec![
        ("Authorization", bearer.as_bytes()),
        ("If-Match", b"\"1\""),
        ("Content-Type", kind.as_bytes()),
    ];
    headers.extend(case.headers.iter().map(|(name, value)| (*name, value.as_bytes())));
    if !case.headers.iter().any(|(name, _)| *name == "Transfer-Encoding") {
        headers.push(("Content-Length", length.as_bytes()));
        return request(method, path, &headers, &case.body);
    }
    let mut chunked = Vec::new();
    for chunk in case.body.chunks(64 * 1024) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    request(method, path, &headers, &chunked)
}

#[test]
fn bodies_that_are_not_meant_well_get_a_problem_and_the_connection_goes_on() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Leib GmbH", &json!({})).await;
        let bearer = format!("Bearer {}", adviser.token.as_deref().unwrap());
        let change = format!("/companies/{}", company["id"].as_str().unwrap());
        let me = request("GET", "/me", &[("Authorization", bearer.as_bytes())], b"");
        for (method, path) in [("POST", "/companies"), ("PATCH", change.as_str())] {
            let mut raw = Raw::connect(&app.base);
            for case in cases() {
                // A change is read as JSON first and compared with the record then.
                let (status, code) = match (method, case.what) {
                    (
                        "PATCH",
                        "nested objects"
                        | "nested below a field"
                        | "nested below a text"
                        | "a list for an object",
                    ) => (400, "malformed_json"),
                    _ => (case.status, case.code),
                };
                raw.send(&post(path, method, &bearer, &case));
                let what = format!("{method}: {}", case.what);
                let answer = raw.answer().expect(&what);
                sound(&answer, &what);
                assert_eq!(answer.status, status, "{what}: {}", answer.text);
                assert!(answer.text.len() < 10_000, "{what}: {} bytes", answer.text.len());
                let closes = answer.header("connection") == "close";
                answer.problem(status, code);
                // What was refused unread ends the connection, and says so; all else goes on.
                if closes {
                    assert!(matches!(status, 413 | 415), "{what} closed the connection");
                    raw.expect_end();
                    raw = Raw::connect(&app.base);
                } else {
                    raw.send(&me);
                    raw.answer().expect(&what).expect(200);
                }
            }
        }
        let all = adviser.get("/companies").await.expect(200);
        assert_eq!(all.items(), std::slice::from_ref(&company), "nothing was written");
        healthy(&app, &adviser).await;
    });
}

#[test]
fn lists_of_any_length_are_answered_briefly() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Länge GmbH", &json!({})).await;
        let input = app.consultation(&adviser, &json!({"organisation_id": company["id"]})).await;
        let ids: Vec<_> = (0..20_000_u128).map(|n| uuid::Uuid::from_u128(n).to_string()).collect();
        let contacts = format!("/companies/{}/contacts", company["id"].as_str().unwrap());
        let event = app.event(&adviser, &json!({})).await;
        let held = adviser.post("/events", &event).await.expect(201).id();
        let attendance = format!("/events/{held}/attendance");
        for (path, input, field, value, pointer) in [
            ("/consultations", input.clone(), "adviser_ids", json!(ids), "/adviser_ids"),
            ("/consultations", input.clone(), "contact_ids", json!(ids), "/contact_ids"),
            ("/consultations", input.clone(), "topics", json!(vec!["language"; 60_000]), "/topics"),
            ("/consultations", input.clone(), "topics", json!(ids), "/topics"),
            ("/events", event.clone(), "site_ids", json!(ids), "/site_ids"),
            ("/events", event.clone(), "staff_ids", json!(ids), "/staff_ids"),
            ("/events", event.clone(), "organiser_ids", json!(ids), "/organiser_ids"),
            ("/events", event.clone(), "district_ids", json!(ids), "/district_ids"),
            ("/events", event.clone(), "topics", json!(ids), "/topics"),
            ("/events", event.clone(), "speakers", json!(vec![json!({}); 20_000]), "/speakers"),
            (
                &attendance,
                json!({}),
                "participations",
                json!(vec![json!({"organisation_id": held}); 15_000]),
                "/participations",
            ),
            (
                &contacts,
                json!({"name": "Cora Probstadt"}),
                "purposes",
                json!(vec![json!({"purpose": "consultation", "legal_basis": "consent"}); 15_000]),
                "/purposes",
            ),
        ] {
            let mut input = input;
            input[field] = value;
            let answer = adviser.post(path, &input).await;
            assert!(answer.text.len() < 20_000, "{field}: {} bytes", answer.text.len());
            answer.violates(pointer, "too_many");
        }
        // A million elements do not fit into a body, whatever they are.
        let million = format!("{{\"adviser_ids\": [{}1]}}", "1,".repeat(1_000_000));
        let request = adviser.request(Method::POST, "/consultations");
        let request = request.header(CONTENT_TYPE, "application/json").body(million);
        send(request).await.problem(413, "too_large");
        assert!(adviser.get("/consultations").await.expect(200).items().is_empty());
        healthy(&app, &adviser).await;
    });
}

#[test]
fn long_secrets_are_refused_without_trying_them() {
    both(async |app| {
        let long = "x".repeat(1_000_000);
        let log_in = async |email: &str, password: &str| {
            let credentials = json!({"email": email, "password": password});
            app.anonymous().post("/auth/login", &credentials).await
        };
        log_in(&long, "short").await.problem(401, "unauthenticated");
        log_in("adviser@test.example", &long).await.problem(401, "unauthenticated");
        let refresh = json!({"refresh_token": long});
        app.anonymous().post("/auth/refresh", &refresh).await.problem(401, "unauthenticated");
        let invitation = json!({"token": long, "password": "sieben Lotsen auf dem Main"});
        app.anonymous().post("/auth/invitation", &invitation).await.problem(401, "unauthenticated");
        let adviser = app.log_in("adviser").await;
        let change = json!({"current_password": PASSWORD, "new_password": long});
        let change = adviser.request(Method::PUT, "/me/password").json(&change);
        send(change).await.violates("/new_password", "too_long");
        healthy(&app, &adviser).await;
    });
}
