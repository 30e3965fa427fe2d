//! What holds for every endpoint: problem documents for bad input, conditions, keys, headers.

use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use serde_json::{Value, json};

use crate::harness::{Answer, BWHW, FRANKFURT, Session, both, send};

async fn raw(
    session: &Session,
    method: Method,
    path: &str,
    content_type: &str,
    body: Vec<u8>,
) -> Answer {
    let request = session.request(method, path).header(CONTENT_TYPE, content_type).body(body);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
}

#[test]
fn bad_input_gets_a_problem_that_names_the_place() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let json = "application/json";
        let post = async |body: &str| {
            raw(&adviser, Method::POST, "/companies", json, body.as_bytes().to_vec()).await
        };
        post("{\"name\": ").await.problem(400, "malformed_json");
        post("").await.problem(400, "malformed_json");
        post("{\"name\": \"A\"} {}").await.problem(400, "malformed_json");
        post("{\"name\": \"A\\u0000B\"}").await.problem(400, "malformed_json");
        raw(&adviser, Method::POST, "/companies", json, vec![0xff, 0xfe])
            .await
            .problem(400, "malformed_json");
        post("[]").await.violates("", "wrong_type");
        post(" [\"A\", \"gmbh\"]").await.violates("", "wrong_type");
        post(&"[".repeat(100_000)).await.violates("", "wrong_type");
        post("{}").await.violates("/name", "missing");
        post("{\"name\": 7}").await.violates("/name", "wrong_type");
        post("{\"name\": \"A\", \"nmae\": \"B\"}").await.violates("/nmae", "unknown_field");
        post("{\"name\": \"A\", \"version\": 9}").await.violates("/version", "unknown_field");
        post("{\"name\": \"A\", \"size\": {\"staff\": \"many\"}}")
            .await
            .violates("/size/staff", "wrong_type");
        post("{\"name\": \"A\", \"legal_form\": \"ltd\"}")
            .await
            .violates("/legal_form", "wrong_type");
        post(&json!({"name": "x".repeat(201)}).to_string()).await.violates("/name", "too_long");
        post("{\"name\": \"A\\u0007\"}").await.violates("/name", "control_character");
        post("{\"name\": \"&!?\"}").await.violates("/name", "no_letters");
        post("{\"name\": \"A\", \"industry\": {\"classification\": \"wz2025\", \"code\": \"45\"}}")
            .await
            .violates("/industry/code", "not_an_industry");
        post(&json!({"name": "A", "district_id": FRANKFURT}).to_string())
            .await
            .violates("/district_id", "unknown");
        let several = json!({"name": " ", "website": "nowhere", "vat_id": "1", "size": {"staff": -1},
            "address": {"postcode": "123", "country": "Germany"}});
        let several = post(&several.to_string()).await.problem(422, "invalid");
        let mut pointers: Vec<_> = several.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["pointer"].as_str().unwrap().to_owned())
            .collect();
        pointers.sort();
        pointers.dedup();
        assert_eq!(pointers, ["/address/country", "/name", "/size/staff", "/vat_id", "/website"]);
        let date = json!({"site_id": FRANKFURT, "held_on": "2026-02-31", "minutes": 1, "channel": "phone",
            "adviser_ids": [], "topics": []});
        adviser.post("/consultations", &date).await.violates("/held_on", "wrong_type");

        raw(&adviser, Method::POST, "/companies", "text/plain", b"{}".to_vec())
            .await
            .problem(415, "unsupported_media_type");
        let large = json!({"name": "x".repeat(20 * 1024 * 1024)}).to_string().into_bytes();
        raw(&adviser, Method::POST, "/companies", json, large).await.problem(413, "too_large");
        assert!(
            adviser.get("/companies").await.expect(200).items().is_empty(),
            "nothing was written"
        );
    });
}

#[test]
fn bad_paths_queries_and_methods() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        adviser.get("/nothing").await.problem(404, "not_found");
        adviser.get("/companies/not-a-uuid").await.problem(400, "malformed_path");
        adviser
            .get("/companies/01890000-0000-7000-8000-0000000fffff")
            .await
            .problem(404, "not_found");
        let answer =
            raw(&adviser, Method::DELETE, "/companies", "application/json", Vec::new()).await;
        assert_eq!(answer.problem(405, "method_not_allowed").header("allow"), "GET, POST");
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=ten", "limit"),
            ("cursor=junk", "cursor"),
            ("colour=red", "colour"),
            ("archived=perhaps", "archived"),
            ("district_id=7", "district_id"),
        ] {
            let answer =
                adviser.get(&format!("/companies?{query}")).await.problem(400, "malformed_query");
            let errors = answer.body["errors"].as_array();
            let named = errors.is_some_and(|errors| errors.iter().any(|e| e["pointer"] == name));
            assert!(named, "{query}: {}", answer.text);
        }
        adviser.get("/companies?q=%00").await.problem(400, "malformed_query");
        adviser.get("/consultations?from=2026-02-31").await.problem(400, "malformed_query");
        adviser.get("/consultations?sort=minutes").await.problem(400, "malformed_query");
        adviser.get("/companies?q=a&q=b").await.problem(400, "malformed_query");
    });
}

#[test]
fn a_log_in_is_asked_for_first() {
    both(async |app| {
        let nobody = app.anonymous();
        let answer = nobody.get("/companies").await.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"lotse\"");
        raw(&nobody, Method::POST, "/companies", "application/json", b"{".to_vec())
            .await
            .problem(401, "unauthenticated");
        raw(&nobody, Method::GET, "/companies/junk", "application/json", Vec::new())
            .await
            .problem(401, "unauthenticated");
    });
}

#[test]
fn conditions_guard_changes_and_save_reads() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Bedingt GmbH", &json!({})).await;
        let path = format!("/companies/{}", company["id"].as_str().unwrap());
        let patch = async |condition: Option<&str>| {
            let mut request = adviser
                .request(Method::PATCH, &path)
                .header(CONTENT_TYPE, "application/merge-patch+json")
                .body("{\"status\": \"dormant\"}");
            if let Some(condition) = condition {
                request = request.header(IF_MATCH, condition);
            }
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await.unwrap();
            Answer { status, headers, body: serde_json::from_str(&text).unwrap(), text }
        };
        patch(None).await.problem(428, "if_match_required");
        patch(Some("3")).await.problem(400, "malformed_header");
        patch(Some("*")).await.problem(400, "malformed_header");
        patch(Some("\"2\"")).await.problem(412, "stale");
        patch(Some("\"1\"")).await.expect(200);
        patch(Some("\"1\"")).await.problem(412, "stale");

        let archive = format!("{path}/archive");
        let reason = json!({"reason": "x"});
        adviser.post(&archive, &reason).await.problem(428, "if_match_required");
        adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.problem(412, "stale");

        let known = adviser
            .request(Method::GET, &path)
            .header(IF_NONE_MATCH, "\"2\"")
            .send()
            .await
            .unwrap();
        assert_eq!(known.status(), 304);
        assert_eq!(known.headers()["etag"], "\"2\"");
        assert!(known.text().await.unwrap().is_empty());
        let old = adviser
            .request(Method::GET, &path)
            .header(IF_NONE_MATCH, "\"1\"")
            .send()
            .await
            .unwrap();
        assert_eq!(old.status(), 200);

        let whole = raw(&adviser, Method::PATCH, &path, "application/xml", b"<x/>".to_vec()).await;
        whole.problem(415, "unsupported_media_type");
        adviser.patch(&path, 2, &json!(["name"])).await.violates("", "wrong_type");
        adviser.patch(&path, 2, &json!({"name": null})).await.violates("/name", "missing");
        let deep = format!("{{\"name\": {}", "[".repeat(100_000)).into_bytes();
        let request = adviser
            .request(Method::PATCH, &path)
            .header(IF_MATCH, "\"2\"")
            .header(CONTENT_TYPE, "application/merge-patch+json")
            .body(deep);
        assert_eq!(request.send().await.unwrap().status(), 400);
        adviser.patch(&path, 2, &json!({"nmae": "x"})).await.violates("/nmae", "unknown_field");
        adviser.patch(&path, 2, &json!({"id": "x"})).await.violates("/id", "unknown_field");
    });
}

#[test]
fn a_key_makes_a_repeated_request_safe() {
    const ANYWAY: &str = "/companies?create_anyway=true";
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let colleague = app.log_in("colleague").await;
        let company = json!({"name": "Einmal GmbH"});
        let key = [("Idempotency-Key", "a-key")];
        let first = adviser.post_with("/companies", &key, &company).await.expect(201);
        let again = adviser.post_with("/companies", &key, &company).await.expect(201);
        assert_eq!(again.body, first.body);
        for header in ["location", "etag"] {
            assert_eq!(again.header(header), first.header(header));
        }
        // Another body, another path: another request.
        let other = json!({"name": "Zweimal GmbH"});
        adviser.post_with("/companies", &key, &other).await.problem(422, "idempotency_key_reused");
        let actor = json!({"name": "Einmal GmbH", "actor_type": "other"});
        adviser.post_with("/actors", &key, &actor).await.problem(422, "idempotency_key_reused");
        // Keys are the caller's own.
        let theirs = colleague.post_with(ANYWAY, &key, &company).await.expect(201);
        assert_ne!(theirs.id(), first.id());

        // A refused request changed nothing; with the fault mended the key still works.
        let key = [("Idempotency-Key", "another-key")];
        adviser.post_with("/companies", &key, &json!({"name": ""})).await.problem(422, "invalid");
        let mended =
            adviser.post_with("/companies", &key, &json!({"name": "Gut"})).await.expect(201);

        // An action answers as the first time, although the version has moved on.
        let archive = format!("/companies/{}/archive", mended.id());
        let headers = [("Idempotency-Key", "third-key"), ("If-Match", "\"1\"")];
        let reason = json!({"reason": "Closed"});
        let archived = adviser.post_with(&archive, &headers, &reason).await.expect(200);
        let again = adviser.post_with(&archive, &headers, &reason).await.expect(200);
        assert_eq!(again.body, archived.body);

        // Forgotten after 24 hours.
        app.advance(chrono::TimeDelta::hours(25));
        let adviser = app.log_in("adviser").await;
        let late = [("Idempotency-Key", "a-key")];
        let later = adviser.post_with(ANYWAY, &late, &company).await.expect(201);
        assert_ne!(later.id(), first.id());
        for wrong in ["", "with space", &"x".repeat(256)] {
            adviser
                .post_with("/companies", &[("Idempotency-Key", wrong)], &company)
                .await
                .problem(400, "malformed_header");
        }
    });
}

#[test]
fn answers_carry_ids_and_security_headers() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let answer = adviser.get("/me").await.expect(200);
        assert!(uuid::Uuid::parse_str(answer.header("x-request-id")).is_ok());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        let named = |id: &'static str| {
            adviser.request(Method::GET, "/me").header("X-Request-Id", id).send()
        };
        assert_eq!(named("client-0815").await.unwrap().headers()["x-request-id"], "client-0815");
        let injected = named("<script>alert(1)</script>").await.unwrap();
        assert!(
            uuid::Uuid::parse_str(injected.headers()["x-request-id"].to_str().unwrap()).is_ok()
        );

        let compressed = adviser
            .request(Method::GET, "/topics")
            .header(ACCEPT_ENCODING, "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(compressed.headers()["content-encoding"], "gzip");
    });
}

#[test]
fn an_answer_is_never_taken_for_an_older_one() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let works = adviser.company("Werk GmbH", &json!({})).await;
        let (id, office) =
            (&works["id"], adviser.actor("Amt Musterstadt", "immigration_authority").await);
        let new = async |path: &str, body: &Value| {
            let new = adviser.post(path, body).await.expect(201);
            new.header("location").trim_start_matches("/api/v1").to_owned()
        };
        let input = app.consultation(&adviser, &json!({"organisation_id": id})).await;
        let consultation = new("/consultations", &input).await;
        let of = consultation.rsplit('/').next().unwrap();
        let event = new("/events", &app.event(&adviser, &json!({})).await).await;
        let under = format!("/companies/{}", id.as_str().unwrap());
        let task = json!({"title": "Rückruf", "due_on": "2026-04-01", "consultation_id": of});
        let referral = json!({"organisation_id": id, "actor_id": office["id"], "reason": "Visum",
            "referred_on": "2026-03-02"});
        let wrong = json!({"organisation_id": id});
        let wrong = crate::correction::record(&app, &adviser, &wrong).await;
        let correction =
            json!({"kind": "void", "consultation_id": wrong["id"], "reason": "Doppelt"});
        let records = [
            consultation.clone(),
            new("/tasks", &task).await,
            new("/referrals", &referral).await,
            new("/corrections", &correction).await,
            new(&format!("{event}/participations"), &json!({"organisation_id": id})).await,
            new(&format!("{under}/contacts"), &json!({"name": "Cora Probstadt"})).await,
            new(&format!("{under}/establishments"), &json!({"name": "Werk Süd"})).await,
        ];
        let known = async |session: &Session, path: &str, tag: &str| {
            send(session.request(Method::GET, path).header(IF_NONE_MATCH, tag)).await.expect(200)
        };
        let mut tags = Vec::new();
        for path in &records {
            let answer = adviser.get(path).await.expect(200);
            assert!(answer.text.contains("Werk GmbH"), "{path}");
            tags.push(answer.header("etag").to_owned());
        }
        adviser.patch(&under, 1, &json!({"name": "Werk AG"})).await.expect(200);
        for (path, tag) in records.iter().zip(&tags) {
            let answer = known(&adviser, path, tag).await;
            assert!(answer.text.contains("Werk AG"), "{path}");
            assert_eq!(answer.header("etag"), tag, "what If-Match takes is the version");
        }
        // What a task shows of its consultation.
        let other = adviser.company("Andere GmbH", &json!({})).await;
        let corrected = json!({"organisation_id": other["id"]});
        adviser.patch(&consultation, 1, &corrected).await.expect(200);
        assert!(known(&adviser, &records[1], &tags[1]).await.text.contains("Andere GmbH"));

        // What somebody is today.
        let user = format!("/users/{}", adviser.id().await);
        let tag = admin.get(&user).await.expect(200).header("etag").to_owned();
        let moved = json!({"role": "manager", "carrier_id": BWHW, "valid_from": "2026-03-16"});
        admin.post(&format!("{user}/assignments"), &moved).await.expect(201);
        assert_eq!(known(&admin, &user, &tag).await.body["assignment"]["role"], "manager");
    });
}
