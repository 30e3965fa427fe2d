//! Log-in, tokens, log-out, suspension.

use chrono::TimeDelta;
use serde_json::json;

use crate::harness::{Answer, BWHW, Session, TestApp, both, send};

const RIGHT: &str = "correct horse battery staple";

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.anonymous().post("/auth/login", &json!({"email": email, "password": password})).await
}

#[test]
fn a_log_in_opens_what_the_role_allows() {
    both(async |app| {
        let answer = log_in(&app, " Adviser@Test.Example ", RIGHT).await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["expires_in"], 900);
        let session = app.with_token(answer.body["access_token"].as_str().unwrap());
        let me = session.get("/me").await.expect(200).body;
        assert_eq!(me["role"], "adviser");
        assert_eq!(me["carrier"]["id"], crate::harness::BWHW);
        assert_eq!(me["synthetic_data"], false);
    });
}

#[test]
fn unknown_user_wrong_password_and_suspended_user_get_one_answer() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let colleague = app.log_in("colleague").await.id().await;
        let suspended = json!({"status": "suspended"});
        admin.patch(&format!("/users/{colleague}"), 1, &suspended).await.expect(200);

        let mut details = Vec::new();
        for (email, password) in [
            ("nobody@test.example", RIGHT),
            ("adviser@test.example", "wrong horse battery staple"),
            ("colleague@test.example", RIGHT),
        ] {
            let answer = log_in(&app, email, password).await.problem(401, "unauthenticated");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            details.push(answer.body["detail"].clone());
        }
        assert!(details.iter().all(|detail| *detail == details[0]), "{details:?}");
    });
}

#[test]
fn failed_attempts_hold_the_account_for_a_growing_while() {
    both(async |app| {
        // The same for an account that does not exist.
        for email in ["adviser@test.example", "nobody@test.example"] {
            for _ in 0..5 {
                log_in(&app, email, "wrong").await.problem(401, "unauthenticated");
            }
            let held = log_in(&app, email, RIGHT).await.problem(429, "too_many_attempts");
            let seconds: i64 = held.header("retry-after").parse().unwrap();
            assert!((1..=3).contains(&seconds), "{seconds}");
            app.advance(TimeDelta::seconds(seconds));
            log_in(&app, email, "wrong").await.problem(401, "unauthenticated");
            let longer = log_in(&app, email, RIGHT).await.problem(429, "too_many_attempts");
            assert!(longer.header("retry-after").parse::<i64>().unwrap() > seconds);
        }
        app.advance(TimeDelta::minutes(15));
        log_in(&app, "adviser@test.example", RIGHT).await.expect(200);
        // A success forgets the failures.
        for _ in 0..4 {
            log_in(&app, "adviser@test.example", "wrong").await.problem(401, "unauthenticated");
        }
        log_in(&app, "adviser@test.example", RIGHT).await.expect(200);
    });
}

#[test]
fn refresh_tokens_rotate_and_reuse_ends_the_session() {
    both(async |app| {
        let first = log_in(&app, "adviser@test.example", RIGHT).await.expect(200).body;
        let refresh = async |token: &serde_json::Value| {
            app.anonymous().post("/auth/refresh", &json!({"refresh_token": token})).await
        };
        let second = refresh(&first["refresh_token"]).await.expect(200).body;
        let session = app.with_token(second["access_token"].as_str().unwrap());
        session.get("/me").await.expect(200);

        // Somebody uses the old one: both are out.
        refresh(&first["refresh_token"]).await.problem(401, "unauthenticated");
        session.get("/me").await.problem(401, "unauthenticated");
        refresh(&second["refresh_token"]).await.problem(401, "unauthenticated");
        refresh(&json!("made up")).await.problem(401, "unauthenticated");
    });
}

#[test]
fn tokens_and_sessions_expire() {
    both(async |app| {
        let tokens = log_in(&app, "adviser@test.example", RIGHT).await.expect(200).body;
        let session = app.with_token(tokens["access_token"].as_str().unwrap());
        app.advance(TimeDelta::seconds(899));
        session.get("/me").await.expect(200);
        app.advance(TimeDelta::seconds(1));
        session.get("/me").await.problem(401, "unauthenticated");

        // A session ends twelve hours after the log-in, however often it is refreshed.
        let mut token = tokens["refresh_token"].clone();
        for _ in 0..11 {
            app.advance(TimeDelta::hours(1));
            let answer =
                app.anonymous().post("/auth/refresh", &json!({"refresh_token": token})).await;
            token = answer.expect(200).body["refresh_token"].clone();
        }
        app.advance(TimeDelta::hours(1));
        app.anonymous()
            .post("/auth/refresh", &json!({"refresh_token": token}))
            .await
            .problem(401, "unauthenticated");
    });
}

#[test]
fn log_out_ends_the_session_at_once() {
    both(async |app| {
        let tokens = log_in(&app, "adviser@test.example", RIGHT).await.expect(200).body;
        let session = app.with_token(tokens["access_token"].as_str().unwrap());
        let other = app.log_in("adviser").await;
        session.post("/auth/logout", &json!({})).await.expect(204);
        session.get("/me").await.problem(401, "unauthenticated");
        session.post("/auth/logout", &json!({})).await.problem(401, "unauthenticated");
        app.anonymous()
            .post("/auth/refresh", &json!({"refresh_token": tokens["refresh_token"]}))
            .await
            .problem(401, "unauthenticated");
        other.get("/me").await.expect(200);
    });
}

#[test]
fn a_suspended_user_is_out_on_the_next_request() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let adviser = app.log_in("adviser").await;
        let id = adviser.id().await;
        let path = format!("/users/{id}");
        admin.patch(&path, 1, &json!({"status": "suspended"})).await.expect(200);
        adviser.get("/me").await.problem(401, "unauthenticated");
        adviser.get("/companies").await.problem(401, "unauthenticated");
        let company = json!({"name": "Too late"});
        adviser.post("/companies", &company).await.problem(401, "unauthenticated");

        // Let in again, the old session stays over.
        admin.patch(&path, 2, &json!({"status": "active"})).await.expect(200);
        adviser.get("/me").await.problem(401, "unauthenticated");
        app.log_in("adviser").await.get("/me").await.expect(200);
    });
}

#[test]
fn forged_tokens_are_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

    both(async |app| {
        let good = app.log_in("adviser").await.token.unwrap();
        let parts: Vec<&str> = good.split('.').collect();
        let decoded = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&decoded).unwrap();
        let header: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
        let text = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());

        let mut tokens = vec![
            String::new(),
            "junk".to_owned(),
            format!("{good}x"),
            // alg: none, with and without the signature.
            format!("{}.{}.", text(&json!({"alg": "none", "typ": "JWT"})), parts[1]),
            format!("{}.{}.{}", text(&json!({"alg": "none"})), parts[1], parts[2]),
            // The payload changed under the signature.
            format!("{}.{}.{}", parts[0], text(&json!({"sid": claims["sid"]})), parts[2]),
        ];
        // Signed with another key, under our key's id.
        let stranger = lotse_http::SigningKey::generate().unwrap();
        let key = EncodingKey::from_ed_pem(stranger.pem().as_bytes()).unwrap();
        let kid = header["kid"].as_str().map(str::to_owned);
        let eddsa = Header { kid: kid.clone(), ..Header::new(Algorithm::EdDSA) };
        tokens.push(encode(&eddsa, &claims, &key).unwrap());
        // A symmetric signature over the public key's id.
        let hmac = Header { kid, ..Header::new(Algorithm::HS256) };
        tokens.push(encode(&hmac, &claims, &EncodingKey::from_secret(b"lotse")).unwrap());
        for token in tokens {
            app.with_token(&token).get("/me").await.problem(401, "unauthenticated");
        }
        app.with_token(&good).get("/me").await.expect(200);
    });
}

#[test]
fn tokens_of_another_installation_are_refused() {
    use lotse_app::Clock;
    use lotse_domain::id::{SessionId, UserId};

    both(async |app| {
        let session = app.log_in("adviser").await;
        let me = session.id().await;
        // Ours: the same key, issuer and audience make a token that is accepted …
        let folder = std::path::Path::new(app.database_url.trim_start_matches("sqlite://"));
        let Ok(pem) = std::fs::read_to_string(folder.with_file_name("key.pem")) else {
            // … on SQLite, where key and database share a folder; the check is the same code.
            return;
        };
        let key = lotse_http::SigningKey::from_pem(pem);
        let Clock::Mock(_) = app.clock else { unreachable!() };
        let sid = {
            use base64::Engine;
            let part = session.token.as_deref().unwrap().split('.').nth(1).unwrap();
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
            let claims: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            claims["sid"].as_str().unwrap().parse::<uuid::Uuid>().unwrap()
        };
        let token = |issuer: &str| {
            let keys = lotse_http::Keys::new(&key, issuer, app.clock.clone()).unwrap();
            keys.sign(UserId(me.parse().unwrap()), SessionId(sid)).unwrap()
        };
        app.with_token(&token("http://lotse.test")).get("/me").await.expect(200);
        // … and another issuer's with the very same key is not.
        app.with_token(&token("http://elsewhere.test"))
            .get("/me")
            .await
            .problem(401, "unauthenticated");
    });
}

#[test]
fn own_sessions_are_listed_and_ended() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        app.advance(TimeDelta::minutes(1));
        let elsewhere = app.anonymous().request(reqwest::Method::POST, "/auth/login");
        let elsewhere = elsewhere
            .header("User-Agent", "Somewhere/1.0")
            .json(&json!({"email": "adviser@test.example", "password": RIGHT}))
            .send()
            .await
            .unwrap();
        let elsewhere: serde_json::Value = elsewhere.json().await.unwrap();
        let elsewhere = app.with_token(elsewhere["access_token"].as_str().unwrap());

        let listed = adviser.get("/me/sessions").await.expect(200);
        let items = listed.items();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0]["client"], "Somewhere/1.0");
        assert_eq!(items[0]["current"], false);
        assert_eq!(items[1]["current"], true);
        let end = async |session: &Session, id: &str| {
            send(session.request(reqwest::Method::DELETE, &format!("/me/sessions/{id}"))).await
        };
        let id = items[0]["id"].as_str().unwrap();
        // Somebody else's session does not exist for others.
        let colleague = app.log_in("colleague").await;
        end(&colleague, id).await.problem(404, "not_found");
        elsewhere.get("/me").await.expect(200);
        end(&adviser, id).await.expect(204);
        elsewhere.get("/me").await.problem(401, "unauthenticated");
        end(&adviser, id).await.problem(404, "not_found");
        end(&adviser, items[1]["id"].as_str().unwrap()).await.expect(204);
        adviser.get("/me").await.problem(401, "unauthenticated");
    });
}

#[test]
fn a_changed_password_ends_the_other_sessions() {
    const NEW: &str = "sieben Lotsen auf dem Main";
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let other = app.log_in("adviser").await;
        let change = async |current: &str, new: &str| {
            let body = json!({"current_password": current, "new_password": new});
            send(adviser.request(reqwest::Method::PUT, "/me/password").json(&body)).await
        };
        change(RIGHT, "zu kurz").await.violates("/new_password", "too_short");
        change(RIGHT, "passwort12345").await.violates("/new_password", "easy_to_guess");
        change("wrong", NEW).await.violates("/current_password", "wrong_password");
        other.get("/me").await.expect(200);
        change(RIGHT, NEW).await.expect(204);
        adviser.get("/me").await.expect(200);
        other.get("/me").await.problem(401, "unauthenticated");
        log_in(&app, "adviser@test.example", RIGHT).await.problem(401, "unauthenticated");
        log_in(&app, "adviser@test.example", NEW).await.expect(200);

        let admin = app.log_in("admin").await;
        let history = format!("/users/{}/history", adviser.id().await);
        let history = admin.get(&history).await.expect(200);
        assert_eq!(history.items()[0]["action"], "password_set");
        assert!(!history.text.contains(NEW) && !history.text.contains("argon2"));

        // Who found an open session does not get to try passwords.
        for _ in 0..5 {
            change("wrong", NEW).await.violates("/current_password", "wrong_password");
        }
        change(NEW, RIGHT).await.problem(429, "too_many_attempts");
    });
}

#[test]
fn an_admin_logs_a_user_out_everywhere() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let sessions = [app.log_in("adviser").await, app.log_in("adviser").await];
        let id = sessions[0].id().await;
        let path = format!("/users/{id}/sessions");
        for user in ["manager", "coordinator", "data.protection", "adviser"] {
            let session = app.log_in(user).await;
            send(session.request(reqwest::Method::DELETE, &path)).await.problem(403, "forbidden");
        }
        sessions[0].get("/me").await.expect(200);
        send(admin.request(reqwest::Method::DELETE, &path)).await.expect(204);
        for session in &sessions {
            session.get("/me").await.problem(401, "unauthenticated");
        }
        app.log_in("adviser").await.get("/me").await.expect(200);
        let history = admin.get(&format!("/users/{id}/history")).await.expect(200);
        assert_eq!(history.items()[0]["action"], "sessions_ended");
    });
}

#[test]
fn somebody_is_left_to_administer() {
    both(async |app| {
        let one = app.log_in("admin").await;
        let two = app.log_in("admin.2").await;
        let (first, second) = (one.id().await, two.id().await);
        let role = json!({"role": "data_protection", "valid_from": "2026-03-16"});
        one.post(&format!("/users/{first}/assignments"), &role).await.problem(409, "own_account");
        // Both suspend the other at once: one is too late.
        let suspend = json!({"status": "suspended"});
        let (a, b) = (format!("/users/{second}"), format!("/users/{first}"));
        let (a, b) = tokio::join!(one.patch(&a, 1, &suspend), two.patch(&b, 1, &suspend));
        let statuses = [a.status, b.status];
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().any(|status| matches!(status, 401 | 409)), "{statuses:?}");
    });
    both(async |app| {
        let one = app.log_in("admin").await;
        let two = app.log_in("admin.2").await;
        let (first, second) = (one.id().await, two.id().await);
        let role = json!({"role": "data_protection", "valid_from": "2026-03-16"});
        let suspend = json!({"status": "suspended"});
        let (a, b) = (format!("/users/{second}/assignments"), format!("/users/{first}"));
        let (a, b) = tokio::join!(one.post(&a, &role), two.patch(&b, 1, &suspend));
        let statuses = [a.status, b.status];
        assert!(
            matches!(statuses, [201, 401 | 403 | 409] | [401 | 403 | 409, 200]),
            "one takes away what the other is: {statuses:?}"
        );
    });
}

#[test]
fn an_invited_user_sets_the_password_once() {
    const CHOSEN: &str = "sieben Lotsen auf dem Main";
    both(async |app| {
        let admin = app.log_in("admin").await;
        let new = json!({
            "email": "invited@test.example", "name": "Ina Neufeld",
            "assignment": {"role": "adviser", "carrier_id": BWHW, "valid_from": "2026-01-01"}
        });
        let user = admin.post("/users", &new).await.expect(201).id();
        for password in ["", "!", RIGHT] {
            let refused = log_in(&app, "invited@test.example", password).await;
            refused.problem(401, "unauthenticated");
        }
        let invite = async |session: &Session| {
            let path = format!("/users/{user}/invitation");
            send(session.request(reqwest::Method::PUT, &path)).await
        };
        let take = async |token: &str, password: &str| {
            let body = json!({"token": token, "password": password});
            app.anonymous().post("/auth/invitation", &body).await
        };
        invite(&app.log_in("manager").await).await.problem(403, "forbidden");
        let first = invite(&admin).await.expect(200).body;
        let second = invite(&admin).await.expect(200);
        assert_eq!(second.header("cache-control"), "no-store");
        let token = second.body["token"].as_str().unwrap();
        assert_eq!(second.body["url"], format!("http://lotse.test/invitation#{token}"));
        assert_eq!(second.body["expires_at"], "2026-03-19T09:00:00Z");
        // The first no longer holds; a weak password does not use the second up.
        let replaced = first["token"].as_str().unwrap();
        take(replaced, CHOSEN).await.problem(401, "unauthenticated");
        take(token, "neufeldneufeld").await.violates("/password", "easy_to_guess");
        let (a, b) = tokio::join!(take(token, CHOSEN), take(token, CHOSEN));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 401], "of two at once, one sets it");
        let session = log_in(&app, "invited@test.example", CHOSEN).await.expect(200).body;
        let session = app.with_token(session["access_token"].as_str().unwrap());

        let history = admin.get(&format!("/users/{user}/history")).await.expect(200);
        assert_eq!(history.items()[0]["action"], "password_set");
        assert_eq!(history.items()[0]["by"]["name"], "Ina Neufeld");
        assert!(!history.text.contains(token) && !history.text.contains(CHOSEN));

        // For a lost password: the old one holds until the link is used, the sessions end with it.
        let lost = invite(&admin).await.expect(200).body;
        session.get("/me").await.expect(200);
        take(lost["token"].as_str().unwrap(), RIGHT).await.expect(204);
        session.get("/me").await.problem(401, "unauthenticated");
        log_in(&app, "invited@test.example", RIGHT).await.expect(200);
    });
}

#[test]
fn an_invitation_ends_by_time_and_with_what_it_is_for() {
    const CHOSEN: &str = "sieben Lotsen auf dem Main";
    both(async |app| {
        let admin = app.log_in("admin").await;
        let adviser = app.log_in("adviser").await;
        let user = adviser.id().await;
        let invite = async |session: &Session| {
            let path = format!("/users/{user}/invitation");
            send(session.request(reqwest::Method::PUT, &path)).await
        };
        let take = async |invitation: &Answer| {
            let body = json!({"token": invitation.body["token"], "password": CHOSEN});
            app.anonymous().post("/auth/invitation", &body).await
        };
        // Whoever changed the password does not want it set by an old link.
        let invitation = invite(&admin).await.expect(200);
        let change =
            json!({"current_password": RIGHT, "new_password": "vier Lotsen auf der Fulda"});
        let change = adviser.request(reqwest::Method::PUT, "/me/password").json(&change);
        send(change).await.expect(204);
        take(&invitation).await.problem(401, "unauthenticated");

        let invitation = invite(&admin).await.expect(200);
        let suspend = json!({"status": "suspended"});
        admin.patch(&format!("/users/{user}"), 1, &suspend).await.expect(200);
        take(&invitation).await.problem(401, "unauthenticated");
        invite(&admin).await.problem(409, "suspended");
        let again = json!({"status": "active"});
        admin.patch(&format!("/users/{user}"), 2, &again).await.expect(200);
        take(&invitation).await.problem(401, "unauthenticated");

        let invitation = invite(&admin).await.expect(200);
        app.advance(TimeDelta::hours(72));
        take(&invitation).await.problem(401, "unauthenticated");
        log_in(&app, "adviser@test.example", CHOSEN).await.problem(401, "unauthenticated");
    });
}
