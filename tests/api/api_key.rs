//! API keys: how other systems get in, and how they stay in their place.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, BWHW, Session, TestApp, VSB, body, both, send};

/// What a key of BWHW is asked for with.
pub fn wish(scopes: &[&str]) -> Value {
    json!({
        "name": "Website", "carrier_id": BWHW, "scopes": scopes, "expires_on": "2026-12-31",
    })
}

/// The key as it was made, and somebody who uses it.
pub async fn key(app: &TestApp, manager: &Session, scopes: &[&str]) -> (Value, Session) {
    let made = manager.post("/api-keys", &wish(scopes)).await.expect(201);
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    (made.body, app.with_token(&secret))
}

async fn act(session: &Session, key: &Value, action: &str, version: i64, body: &Value) -> Answer {
    let path = format!("/api-keys/{}/{action}", key["id"].as_str().unwrap());
    session.post_with(&path, &[("If-Match", &format!("\"{version}\""))], body).await
}

#[test]
fn a_key_does_what_it_names_for_its_carrier() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let scopes = ["read_register", "change_register", "log_consultation", "read_consultations"];
        let made = manager.post("/api-keys", &wish(&scopes)).await.expect(201);
        assert_eq!(made.header("cache-control"), "no-store");
        assert_eq!(made.body["status"], "active");
        let secret = made.body["secret"].as_str().unwrap();
        let prefix = made.body["secrets"][0]["prefix"].as_str().unwrap();
        assert!(secret.starts_with(prefix) && secret.len() > prefix.len() + 40, "{secret}");

        let website = app.with_token(secret);
        let me = website.get("/me").await.expect(200).body;
        assert_eq!((&me["role"], &me["email"]), (&json!("integration"), &Value::Null));
        assert_eq!(me["carrier"]["id"], BWHW);
        assert_eq!(me["permissions"].as_array().unwrap().len(), scopes.len() + 1);

        let company = website.company("Muster GmbH", &json!({})).await;
        let adviser = app.log_in("adviser").await;
        let input = app.consultation(&adviser, &json!({"organisation_id": company["id"]})).await;
        let logged = website.post("/consultations", &input).await.expect(201).body;
        assert_eq!(logged["recorded_by"]["name"], "Website");
        // What others recorded in the carrier it reads; what it may not, it may not.
        let path = format!("/consultations/{}", logged["id"].as_str().unwrap());
        website.get(&path).await.expect(200);
        website.get("/statistics").await.problem(400, "malformed_query");
        website.get("/users").await.problem(403, "forbidden");
        website.patch(&path, 1, &json!({"minutes": 50})).await.problem(403, "forbidden");
        app.log_in("other").await.get(&path).await.problem(404, "not_found");
        let audit = app.log_in("data.protection").await;
        let entry = audit.get("/audit-log?entity_kind=consultation").await.expect(200);
        assert_eq!(entry.items()[0]["by"]["name"], "Website");
        assert_eq!(entry.items()[0]["api_key"], prefix);
        assert_eq!(entry.items()[0]["session_id"], Value::Null);

        // It is no user of the network.
        let users = app.log_in("admin").await.get("/users?limit=200").await.expect(200);
        assert!(users.items().iter().all(|user| user["name"] != "Website"));
        let login = json!({"email": format!("{}@api-key.invalid", made.id()), "password": "!"});
        app.anonymous().post("/auth/login", &login).await.problem(401, "unauthenticated");
    });
}

#[test]
fn a_key_sees_its_carrier_only() {
    both(async |app| {
        let other = app.log_in("other").await;
        let input = app.consultation(&other, &json!({})).await;
        let theirs = other.post("/consultations", &input).await.expect(201).id();
        let manager = app.log_in("manager").await;
        let scopes = ["read_consultations", "change_consultation", "read_statistics"];
        let (_, website) = key(&app, &manager, &scopes).await;
        let path = format!("/consultations/{theirs}");
        website.get(&path).await.problem(404, "not_found");
        website.patch(&path, 1, &json!({"minutes": 5})).await.problem(404, "not_found");
        let list = website.get("/consultations?total=true").await.expect(200);
        assert_eq!(list.body["total"], 0);
        let figures = website
            .get(&format!("/statistics?funding_period_id={}", crate::harness::PERIOD_2026))
            .await
            .expect(200);
        assert_eq!(figures.body["totals"]["consultations"], 0);
    });
}

#[test]
fn nobody_grants_more_than_he_holds() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let manager = app.log_in("manager").await;
        let other = app.log_in("other.manager").await;
        let asked = admin.post("/api-keys", &wish(&["read_consultations"])).await.expect(201).body;
        assert_eq!((&asked["status"], &asked["secret"]), (&json!("waiting"), &Value::Null));
        let path = format!("/api-keys/{}", asked["id"].as_str().unwrap());

        act(&admin, &asked, "approve", 1, &json!({})).await.problem(403, "forbidden");
        act(&other, &asked, "approve", 1, &json!({})).await.problem(404, "not_found");
        other.get(&path).await.problem(404, "not_found");
        let approved = act(&manager, &asked, "approve", 1, &json!({})).await.expect(200);
        assert_eq!(approved.body["approved"]["by"]["name"], "Test manager");
        let website = app.with_token(approved.body["secret"].as_str().unwrap());
        website.get("/consultations").await.expect(200);
        act(&manager, &asked, "approve", 2, &json!({})).await.problem(409, "already_approved");

        // Who may not do what the key opens, neither widens it nor sees a secret of it.
        act(&admin, &asked, "rotate", 2, &json!({})).await.problem(403, "forbidden");
        let wider = json!({"scopes": ["read_consultations", "read_register"]});
        admin.patch(&path, 2, &wider).await.problem(403, "forbidden");
        let longer = json!({"expires_on": "2027-01-31"});
        admin.patch(&path, 2, &longer).await.problem(403, "forbidden");
        manager.patch(&path, 2, &wider).await.expect(200);
        let narrower = json!({"scopes": ["read_register"], "expires_on": "2026-06-30"});
        admin.patch(&path, 3, &narrower).await.expect(200);
        website.get("/consultations").await.problem(403, "forbidden");
        website.get("/companies").await.expect(200);

        // A manager's keys are of the own carrier.
        let elsewhere = body(&wish(&["read_register"]), &json!({"carrier_id": VSB}));
        manager.post("/api-keys", &elsewhere).await.violates("/carrier_id", "another_carrier");
        let to_vsb = json!({"carrier_id": VSB});
        manager.patch(&path, 4, &to_vsb).await.violates("/carrier_id", "cannot_change");
        for user in ["adviser", "coordinator", "data.protection"] {
            let session = app.log_in(user).await;
            session.get("/api-keys").await.problem(403, "forbidden");
            session.post("/api-keys", &wish(&["read_register"])).await.problem(403, "forbidden");
        }
    });
}

#[test]
fn a_key_never_makes_keys_or_users() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        for scope in [
            "manage_api_keys",
            "change_users",
            "change_network",
            "manage_own_account",
            "read_own_account",
            "read_audit_log",
        ] {
            let answer = manager.post("/api-keys", &wish(&["read_network", scope])).await;
            answer.violates("/scopes/1", "not_for_keys");
        }
        manager.post("/api-keys", &wish(&["root"])).await.expect(422);
        let (made, website) = key(&app, &manager, &["read_network", "change_register"]).await;
        website.post("/api-keys", &wish(&["read_network"])).await.problem(403, "forbidden");
        act(&website, &made, "rotate", 1, &json!({})).await.problem(403, "forbidden");
        website.get("/me/sessions").await.problem(403, "forbidden");
        website.post("/auth/logout", &json!({})).await.problem(403, "forbidden");
        let password = json!({
            "current_password": "!", "new_password": "sieben Lotsen auf dem Main"
        });
        send(website.request(Method::PUT, "/me/password").json(&password))
            .await
            .problem(403, "forbidden");
        // Nor does a user get the role of keys.
        let user = json!({
            "email": "robot@test.example", "name": "Robot",
            "assignment": {"role": "integration", "carrier_id": BWHW, "valid_from": "2026-03-01"},
        });
        let admin = app.log_in("admin").await;
        admin.post("/users", &user).await.violates("/assignment/role", "role_of_keys");
    });
}

#[test]
fn a_revoked_or_expired_key_is_out_on_the_next_request() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let (made, website) = key(&app, &manager, &["read_network"]).await;
        website.get("/carriers").await.expect(200);
        let reason = json!({"reason": "Found in a public repository"});
        let admin = app.log_in("admin").await;
        act(&admin, &made, "revoke", 1, &reason).await.expect(200);
        website.get("/carriers").await.problem(401, "unauthenticated");
        website.get("/me").await.problem(401, "unauthenticated");
        act(&manager, &made, "revoke", 2, &reason).await.problem(409, "revoked");
        act(&manager, &made, "rotate", 2, &json!({})).await.problem(409, "key_not_active");
        let path = format!("/api-keys/{}", made["id"].as_str().unwrap());
        assert_eq!(manager.get(&path).await.expect(200).body["status"], "revoked");
        let history = manager.get(&format!("{path}/history")).await.expect(200);
        assert_eq!(history.items()[0]["action"], "revoked");
        assert!(!history.text.contains(website.token.as_deref().unwrap()));

        let short = body(&wish(&["read_network"]), &json!({"expires_on": "2026-03-16"}));
        let made = manager.post("/api-keys", &short).await.expect(201);
        let website = app.with_token(made.body["secret"].as_str().unwrap());
        // The last day is a day in Berlin.
        app.advance(TimeDelta::minutes(13 * 60 + 59));
        website.get("/carriers").await.expect(200);
        app.advance(TimeDelta::minutes(1));
        website.get("/carriers").await.problem(401, "unauthenticated");
        let manager = app.log_in("manager").await;
        let path = format!("/api-keys/{}", made.id());
        assert_eq!(manager.get(&path).await.expect(200).body["status"], "expired");
    });
}

#[test]
fn secrets_rotate_with_an_overlap() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let (made, old) = key(&app, &manager, &["read_network"]).await;
        let rotated =
            act(&manager, &made, "rotate", 1, &json!({"overlap_hours": 2})).await.expect(200);
        let new = app.with_token(rotated.body["secret"].as_str().unwrap());
        assert_eq!(rotated.body["secrets"].as_array().unwrap().len(), 2);
        for secret in [&old, &new] {
            secret.get("/carriers").await.expect(200);
        }
        app.advance(TimeDelta::hours(2));
        old.get("/carriers").await.problem(401, "unauthenticated");
        new.get("/carriers").await.expect(200);
        // A secret that leaked is replaced without one.
        let manager = app.log_in("manager").await;
        let rotated =
            act(&manager, &made, "rotate", 2, &json!({"overlap_hours": 0})).await.expect(200);
        new.get("/carriers").await.problem(401, "unauthenticated");
        let last = app.with_token(rotated.body["secret"].as_str().unwrap());
        last.get("/carriers").await.expect(200);
        let path = format!("/api-keys/{}", made["id"].as_str().unwrap());
        let secrets = manager.get(&path).await.expect(200).body["secrets"].clone();
        assert_eq!(secrets.as_array().unwrap().len(), 1, "{secrets}");
        assert_eq!(secrets[0]["last_used_at"], "2026-03-16T11:00:00Z");
        act(&manager, &made, "rotate", 3, &json!({"overlap_hours": 169}))
            .await
            .violates("/overlap_hours", "out_of_range");
    });
}

#[test]
fn a_secret_is_shown_once_and_stored_nowhere() {
    use diesel::RunQueryDsl;
    use diesel::sql_types::BigInt;

    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }

    both(async |app| {
        let manager = app.log_in("manager").await;
        let again = [("Idempotency-Key", "key-1")];
        let first = manager.post_with("/api-keys", &again, &wish(&["read_network"])).await;
        let first = first.expect(201);
        let second = manager.post_with("/api-keys", &again, &wish(&["read_network"])).await;
        let second = second.expect(201);
        assert_eq!(first.id(), second.id());
        assert!(first.body["secret"].is_string());
        assert_eq!(second.body["secret"], Value::Null);

        let secret = first.body["secret"].as_str().unwrap().rsplit_once('_').unwrap().1;
        let tables = ["api_keys", "api_key_secrets", "idempotency_keys", "audit_log", "users"];
        for table in tables {
            let text = match app.backend {
                crate::harness::POSTGRES => {
                    format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{secret}%'")
                }
                crate::harness::SQLITE => {
                    let column = match table {
                        "api_key_secrets" => "prefix",
                        "idempotency_keys" => "answer",
                        "audit_log" => "changes",
                        "users" => "email",
                        _ => "scopes",
                    };
                    format!(
                        "SELECT count(*) AS count FROM {table} WHERE {column} LIKE '%{secret}%'"
                    )
                }
            };
            let found: Count = diesel::sql_query(text).get_result(&mut app.connect()).unwrap();
            assert_eq!(found.count, 0, "{table}");
        }
    });
}

#[test]
fn what_looks_like_a_secret_and_is_none_is_refused() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let (_, website) = key(&app, &manager, &["read_network"]).await;
        let good = website.token.unwrap();
        let (prefix, _) = good.rsplit_once('_').unwrap();
        let long = format!("lotse_{}", "a".repeat(4000));
        for secret in ["lotse_", prefix, &format!("{good}x"), &good[..good.len() - 1], &long] {
            app.with_token(secret).get("/carriers").await.problem(401, "unauthenticated");
        }
        app.with_token(&good).get("/carriers").await.expect(200);
    });
}
