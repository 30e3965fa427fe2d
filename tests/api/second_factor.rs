//! The second factor: an authenticator app beside the password.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::Totp;

use crate::harness::{Answer, Session, TestApp, both, both_with, send};

const RIGHT: &str = "correct horse battery staple";

async fn put(session: &Session, path: &str, body: &Value) -> Answer {
    send(session.request(Method::PUT, path).json(body)).await
}

async fn log_in(app: &TestApp, user: &str, code: Option<&str>) -> Answer {
    let email = format!("{user}@test.example");
    let body = json!({"email": email, "password": RIGHT, "code": code});
    app.anonymous().post("/auth/login", &body).await
}

/// An authenticator app.
struct Phone(Totp);

impl Phone {
    fn code(&self, app: &TestApp) -> String {
        let now = u64::try_from(app.clock.now().timestamp()).unwrap();
        self.0.generate(now).to_string()
    }
}

/// Sets a second factor up, and answers the recovery codes.
async fn enable(app: &TestApp, session: &Session) -> (Phone, Vec<String>) {
    let started = put(session, "/me/second-factor", &json!({"password": RIGHT})).await.expect(200);
    assert_eq!(started.header("cache-control"), "no-store");
    let phone = Phone(Totp::from_url(started.body["url"].as_str().unwrap()).unwrap());
    assert_eq!(started.body["secret"], phone.0.secret().to_base32());
    let code = json!({"code": phone.code(app)});
    let confirmed = put(session, "/me/second-factor/confirmation", &code).await.expect(200);
    let codes = confirmed.body["codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    (phone, codes)
}

#[test]
fn log_in_asks_for_a_code_once_one_was_shown() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let other = app.log_in("adviser").await;
        let body = json!({"password": "wrong"});
        let refused = put(&adviser, "/me/second-factor", &body).await;
        refused.violates("/password", "wrong_password");
        let early = json!({"code": "000000"});
        put(&adviser, "/me/second-factor/confirmation", &early)
            .await
            .problem(409, "second_factor_not_started");
        // Started and not confirmed, nothing has changed.
        put(&adviser, "/me/second-factor", &json!({"password": RIGHT})).await.expect(200);
        put(&adviser, "/me/second-factor/confirmation", &early)
            .await
            .violates("/code", "wrong_code");
        log_in(&app, "adviser", None).await.expect(200);

        let (phone, recovery) = enable(&app, &adviser).await;
        assert_eq!(recovery.len(), 10);
        let state = adviser.get("/me/second-factor").await.expect(200).body;
        assert_eq!((&state["enabled"], &state["required"]), (&json!(true), &json!(false)));
        // Whoever was in by the password alone is out.
        other.get("/me").await.problem(401, "unauthenticated");
        put(&adviser, "/me/second-factor", &json!({"password": RIGHT}))
            .await
            .problem(409, "second_factor_enabled");

        log_in(&app, "adviser", None).await.problem(401, "second_factor");
        // The code that confirmed it was used; the next one is good once.
        let code = phone.code(&app);
        log_in(&app, "adviser", Some(&code)).await.problem(401, "second_factor");
        app.advance(TimeDelta::seconds(30));
        let code = phone.code(&app);
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        log_in(&app, "adviser", Some(&spaced)).await.expect(200);
        log_in(&app, "adviser", Some(&code)).await.problem(401, "second_factor");
        log_in(&app, "adviser", Some("")).await.problem(401, "second_factor");
        // A wrong password does not tell whether there is a second factor.
        let body = json!({"email": "adviser@test.example", "password": "wrong", "code": code});
        app.anonymous().post("/auth/login", &body).await.problem(401, "unauthenticated");
    });
}

#[test]
fn codes_are_not_tried_through() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        enable(&app, &adviser).await;
        for _ in 0..5 {
            log_in(&app, "adviser", Some("123123")).await.problem(401, "second_factor");
        }
        log_in(&app, "adviser", Some("123123")).await.problem(429, "too_many_attempts");
    });
}

#[test]
fn a_recovery_code_stands_in_once() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (_, codes) = enable(&app, &adviser).await;
        let typed = codes[3].to_uppercase().replace('-', " ");
        let tokens = log_in(&app, "adviser", Some(&typed)).await.expect(200).body;
        log_in(&app, "adviser", Some(&codes[3])).await.problem(401, "second_factor");
        let session = app.with_token(tokens["access_token"].as_str().unwrap());
        let state = session.get("/me/second-factor").await.expect(200).body;
        assert_eq!(state["recovery_codes_left"], 9);

        let own = json!({"password": RIGHT});
        let new = put(&session, "/me/second-factor/recovery-codes", &own).await.expect(200);
        log_in(&app, "adviser", Some(&codes[4])).await.problem(401, "second_factor");
        log_in(&app, "adviser", new.body["codes"][0].as_str()).await.expect(200);

        put(&session, "/me/second-factor/removal", &json!({"password": "wrong"}))
            .await
            .violates("/password", "wrong_password");
        put(&session, "/me/second-factor/removal", &own).await.expect(204);
        put(&session, "/me/second-factor/removal", &own).await.problem(409, "no_second_factor");
        log_in(&app, "adviser", None).await.expect(200);
        let admin = app.log_in("admin").await;
        let history =
            admin.get(&format!("/users/{}/history", session.id().await)).await.expect(200);
        let actions: Vec<_> = history.items().iter().map(|entry| entry["action"].clone()).collect();
        assert_eq!(
            actions[..3],
            ["second_factor_removed", "recovery_codes_set", "second_factor_set"]
        );
    });
}

#[test]
fn where_the_role_must_have_one_nothing_else_goes_before() {
    let roles = |config: &mut lotse_server::config::Config| {
        config.second_factor_roles = "manager, admin".to_owned();
    };
    both_with(roles, async |app| {
        let manager = app.log_in("manager").await;
        let me = manager.get("/me").await.expect(200).body;
        assert_eq!(me["permissions"], json!(["read_own_account", "manage_own_account"]));
        manager.get("/companies").await.problem(403, "second_factor_missing");
        let company = json!({"name": "Too early"});
        manager.post("/companies", &company).await.problem(403, "second_factor_missing");
        // Others go on as before.
        let adviser = app.log_in("adviser").await;
        assert_eq!(adviser.get("/companies?total=true").await.expect(200).body["total"], 0);

        let (phone, _) = enable(&app, &manager).await;
        manager.get("/companies").await.expect(200);
        let own = json!({"password": RIGHT});
        put(&manager, "/me/second-factor/removal", &own)
            .await
            .problem(409, "second_factor_required");
        app.advance(TimeDelta::seconds(30));
        let tokens = log_in(&app, "manager", Some(&phone.code(&app))).await.expect(200).body;
        let session = app.with_token(tokens["access_token"].as_str().unwrap());
        session.get("/companies").await.expect(200);
    });
}

#[test]
fn a_lost_phone_is_replaced_by_an_admin() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        enable(&app, &adviser).await;
        let path = format!("/users/{}/second-factor", adviser.id().await);
        for user in ["manager", "colleague", "data.protection"] {
            let session = app.log_in(user).await;
            send(session.request(Method::DELETE, &path)).await.problem(403, "forbidden");
        }
        let admin = app.log_in("admin").await;
        send(admin.request(Method::DELETE, &path)).await.expect(204);
        adviser.get("/me").await.problem(401, "unauthenticated");
        send(admin.request(Method::DELETE, &path)).await.expect(204);
        log_in(&app, "adviser", None).await.expect(200);
    });
}
