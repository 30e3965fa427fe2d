//! A client in a browser: tokens in cookies, forged requests from other pages, other origins.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, both, both_with, send};

const OURS: &str = "http://lotse.test";

/// The cookies as a browser would send them, by name.
async fn cookies(app: &TestApp) -> (String, String) {
    let body = json!({
        "email": "adviser@test.example", "password": "correct horse battery staple",
        "cookies": true,
    });
    with(app, Method::POST, "/auth/login", &[], Some(&body)).await.problem(403, "cross_site");
    let answer = with(app, Method::POST, "/auth/login", &[("Origin", OURS)], Some(&body)).await;
    let answer = answer.expect(200);
    assert_eq!(
        (&answer.body["access_token"], &answer.body["refresh_token"]),
        (&Value::Null, &Value::Null)
    );
    set_cookies(&answer)
}

fn set_cookies(answer: &Answer) -> (String, String) {
    let set: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(set.len(), 2, "{set:?}");
    for cookie in &set {
        for attribute in ["HttpOnly", "Secure", "SameSite=Strict"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert!(set[0].starts_with("__Host-lotse_access=") && set[0].contains("Path=/;"), "{}", set[0]);
    assert!(set[1].contains("Path=/api/v1/auth;"), "{}", set[1]);
    let pair = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
    (pair(set[0]), pair(set[1]))
}

async fn with(
    app: &TestApp,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let mut request = app.anonymous().request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    send(request).await
}

#[test]
fn tokens_in_cookies_work_like_those_in_the_body() {
    both(async |app| {
        let (access, refresh) = cookies(&app).await;
        let me = with(&app, Method::GET, "/me", &[("Cookie", &access)], None).await.expect(200);
        assert_eq!(me.body["role"], "adviser");
        let company = json!({"name": "Muster GmbH"});
        let headers = [("Cookie", access.as_str()), ("Origin", OURS)];
        with(&app, Method::POST, "/companies", &headers, Some(&company)).await.expect(201);

        let headers = [("Cookie", refresh.as_str()), ("Origin", OURS)];
        let renewed = with(&app, Method::POST, "/auth/refresh", &headers, Some(&json!({}))).await;
        let (access, refresh) = set_cookies(&renewed.expect(200));
        // A token in the header goes before the cookie, a bad one too.
        let headers = [("Cookie", access.as_str()), ("Authorization", "Bearer junk")];
        with(&app, Method::GET, "/me", &headers, None).await.problem(401, "unauthenticated");
        let headers = [("Cookie", access.as_str()), ("Authorization", "Basic YTpi")];
        with(&app, Method::GET, "/me", &headers, None).await.problem(401, "unauthenticated");

        let headers = [("Cookie", access.as_str()), ("Origin", OURS)];
        let over = with(&app, Method::POST, "/auth/logout", &headers, None).await.expect(204);
        let taken: Vec<_> = over.headers.get_all("set-cookie").iter().collect();
        assert!(
            taken.iter().all(|cookie| cookie.to_str().unwrap().contains("Max-Age=0")),
            "{taken:?}"
        );
        with(&app, Method::GET, "/me", &headers, None).await.problem(401, "unauthenticated");
        let headers = [("Cookie", refresh.as_str()), ("Origin", OURS)];
        with(&app, Method::POST, "/auth/refresh", &headers, Some(&json!({})))
            .await
            .problem(401, "unauthenticated");
        let nothing = with(&app, Method::POST, "/auth/refresh", &[], Some(&json!({}))).await;
        nothing.violates("/refresh_token", "required");
    });
}

#[test]
fn pages_of_others_change_nothing() {
    both(async |app| {
        let (access, refresh) = cookies(&app).await;
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Muster GmbH", &json!({})).await;
        let path = format!("/companies/{}", company["id"].as_str().unwrap());
        let forged: [&[(&str, &str)]; 6] = [
            &[],
            &[("Origin", "https://evil.example")],
            &[("Origin", "null")],
            &[("Origin", "http://lotse.test.evil.example")],
            &[("Origin", "https://lotse.test"), ("Sec-Fetch-Site", "same-origin")],
            &[("Sec-Fetch-Site", "same-site"), ("Referer", "http://lotse.test/")],
        ];
        for headers in forged {
            let with_cookie = |cookie: &str| {
                let mut all = vec![("Cookie".to_owned(), cookie.to_owned())];
                all.extend(headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
                all
            };
            let attempts = [
                (Method::POST, "/companies", &access, json!({"name": "Forged"})),
                (Method::PATCH, path.as_str(), &access, json!({"name": "Forged"})),
                (
                    Method::DELETE,
                    "/me/sessions/01890000-0000-7000-8000-0000000fffff",
                    &access,
                    json!({}),
                ),
                (Method::POST, "/auth/logout", &access, json!({})),
                (Method::POST, "/auth/refresh", &refresh, json!({})),
            ];
            for (method, path, cookie, body) in attempts {
                let mut request = app.anonymous().request(method, path).header("If-Match", "\"1\"");
                for (name, value) in with_cookie(cookie) {
                    request = request.header(name, value);
                }
                send(request.json(&body)).await.problem(403, "cross_site");
            }
        }
        // Nothing happened, and the session is as good as before.
        assert_eq!(adviser.get(&path).await.expect(200).body, company);
        assert_eq!(adviser.get("/companies?total=true").await.expect(200).body["total"], 1);
        with(&app, Method::GET, "/me", &[("Cookie", &access)], None).await.expect(200);
        // What a browser says of a page of ours that it sends no origin for.
        let headers = [("Cookie", refresh.as_str()), ("Sec-Fetch-Site", "same-origin")];
        with(&app, Method::POST, "/auth/refresh", &headers, Some(&json!({}))).await.expect(200);
    });
}

#[test]
fn other_origins_are_let_in_by_name_only() {
    const APP: &str = "https://app.lotse.test";
    let named = |config: &mut lotse_server::config::Config| {
        config.cors_origins = format!("{APP}, https://other.lotse.test");
    };
    both_with(named, async |app| {
        let preflight = |origin: &str| {
            app.anonymous()
                .request(Method::OPTIONS, "/companies")
                .header("Origin", origin.to_owned())
                .header("Access-Control-Request-Method", "POST")
                .header(
                    "Access-Control-Request-Headers",
                    "authorization,content-type,idempotency-key",
                )
        };
        let allowed = send(preflight(APP)).await;
        assert_eq!(allowed.status, 200, "{}", allowed.text);
        assert_eq!(allowed.header("access-control-allow-origin"), APP);
        assert_eq!(allowed.header("access-control-allow-credentials"), "true");
        let refused = send(preflight("https://evil.example")).await;
        assert_eq!(refused.header("access-control-allow-origin"), "");

        // Errors can be read there too.
        let headers = [("Origin", APP)];
        let answer =
            with(&app, Method::GET, "/me", &headers, None).await.problem(401, "unauthenticated");
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert!(answer.header("access-control-expose-headers").contains("x-request-id"));
        let headers = [("Origin", "https://evil.example")];
        let answer = with(&app, Method::GET, "/me", &headers, None).await;
        assert_eq!(answer.header("access-control-allow-origin"), "");

        let (access, _) = cookies(&app).await;
        let headers = [("Cookie", access.as_str()), ("Origin", APP)];
        let company = json!({"name": "Muster GmbH"});
        with(&app, Method::POST, "/companies", &headers, Some(&company)).await.expect(201);
    });
}

#[test]
fn without_a_setting_no_other_origin_is_let_in() {
    both(async |app| {
        let headers = [("Origin", "https://app.lotse.test")];
        let answer = with(&app, Method::GET, "/me", &headers, None).await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
    });
}
