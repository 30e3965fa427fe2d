//! Single sign-on, with a small provider of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lotse_server::config::Config;
use serde_json::{Value, json};

use crate::harness::{
    Answer, BWHW, FRANKFURT, Mood, Session, SigningKey, TestApp, TestProvider, VSB, both,
    both_with, send,
};

const REFUSED: &str = "The log-in with single sign-on was refused.";
const ROLES: &str = "lotse-admins=admin; lotse-managers=manager@BWHW; lotse-advisers=adviser@bwhw; \
                     vsb=adviser@VSB; lotse-coordinators=coordinator";

/// Makes an ID token of claims.
type Sign<'a> = Box<dyn Fn(&Value) -> String + 'a>;

fn with_roles(provider: &TestProvider) -> impl Fn(&mut Config) {
    |config| {
        provider.set_up(config);
        config.oidc_roles = ROLES.to_owned();
    }
}

/// What the provider says of a test user whose address it has checked.
fn verified(user: &str) -> Value {
    json!({"sub": format!("subject of {user}"), "email": format!("{user}@test.example"),
        "email_verified": true})
}

fn of_groups(user: &str, groups: &[&str]) -> Value {
    crate::harness::body(&verified(user), &json!({"groups": groups}))
}

async fn begin(app: &TestApp) -> Value {
    app.anonymous().post("/auth/sso", &json!({})).await.expect(200).body
}

fn url(begun: &Value) -> &str {
    begun["authorization_url"].as_str().unwrap()
}

fn now(app: &TestApp) -> i64 {
    app.clock.now().timestamp()
}

async fn finish(app: &TestApp, begun: &Value, (state, code): (String, String)) -> Answer {
    let input = json!({"state": state, "code": code, "flow": begun["flow"]});
    app.anonymous().post("/auth/sso/callback", &input).await
}

/// The whole way, with an ID token that says these claims.
async fn log_in(app: &TestApp, provider: &TestProvider, claims: &Value) -> Answer {
    let begun = begin(app).await;
    let back = provider.log_in(url(&begun), now(app), claims);
    finish(app, &begun, back).await
}

fn session(app: &TestApp, tokens: &Answer) -> Session {
    app.with_token(tokens.body["access_token"].as_str().unwrap())
}

#[track_caller]
fn is_refused(answer: Answer) {
    let answer = answer.problem(401, "unauthenticated");
    assert_eq!(answer.body["detail"], REFUSED);
}

async fn assignments(app: &TestApp, user: &str) -> Vec<Value> {
    let admin = app.log_in("admin").await;
    admin.get(&format!("/users/{user}/assignments")).await.expect(200).items().clone()
}

#[test]
fn a_user_who_is_known_by_the_address_logs_in() {
    let provider = TestProvider::start();
    both_with(
        |config| provider.set_up(config),
        async |app| {
            let methods = app.anonymous().get("/auth/methods").await.expect(200).body;
            assert_eq!(methods, json!({"password": true, "sso": true}));
            let claims = verified("adviser");
            let tokens = log_in(&app, &provider, &claims).await.expect(200);
            assert_eq!(tokens.header("cache-control"), "no-store");
            assert_eq!(tokens.body["expires_in"], 900);
            let adviser = session(&app, &tokens);
            let me = adviser.get("/me").await.expect(200).body;
            assert_eq!((&me["role"], &me["carrier"]["id"]), (&json!("adviser"), &json!(BWHW)));

            // By the subject from now on, whatever becomes of the address.
            let other = json!({"sub": claims["sub"], "email": "new@test.example"});
            log_in(&app, &provider, &other).await.expect(200);
            is_refused(log_in(&app, &provider, &verified("nobody")).await);

            let admin = app.log_in("admin").await;
            let id = me["id"].as_str().unwrap();
            let history = admin.get(&format!("/users/{id}/history")).await.expect(200);
            assert_eq!(history.items().len(), 2, "created and linked once");
            let linked = &history.items()[0];
            assert_eq!(
                (&linked["action"], &linked["by"]),
                (&json!("identity_linked"), &json!(null))
            );
            assert_eq!(linked["changes"][0]["new"]["issuer"], provider.issuer());
            let noted = admin.get(&format!("/audit-log?action=logged_in&user_id={id}")).await;
            let noted = noted.expect(200);
            assert_eq!(noted.items().len(), 2);
            assert!(noted.items().iter().all(|entry| entry["detail"] == "single_sign_on"));
            let refused = admin.get("/audit-log?action=log_in_refused").await.expect(200);
            assert_eq!(refused.items()[0]["detail"], "unknown_user");

            // A session like any other.
            let refresh = json!({"refresh_token": tokens.body["refresh_token"]});
            let tokens = app.anonymous().post("/auth/refresh", &refresh).await.expect(200);
            let adviser = session(&app, &tokens);
            assert_eq!(adviser.get("/me/sessions").await.expect(200).items().len(), 2);
            adviser.post("/auth/logout", &json!({})).await.expect(204);
            adviser.get("/me").await.problem(401, "unauthenticated");
        },
    );
}

#[test]
fn an_id_token_that_does_not_hold_opens_nothing() {
    let provider = TestProvider::start();
    both_with(
        |config| provider.set_up(config),
        async |app| {
            let claims = verified("adviser");
            let with = |more: Value| crate::harness::body(&claims, &more);
            let now = now(&app);
            for wrong in [
                json!({"nonce": "of another log-in"}),
                json!({"nonce": null}),
                json!({"aud": "somebody-else"}),
                json!({"aud": ["somebody-else"]}),
                json!({"aud": []}),
                json!({"aud": null}),
                json!({"aud": ["lotse", "somebody-else"]}),
                json!({"aud": ["lotse", "somebody-else"], "azp": "somebody-else"}),
                json!({"azp": "somebody-else"}),
                json!({"iss": "https://login.example/realm"}),
                json!({"iss": format!("{}/", provider.issuer())}),
                json!({"iss": null}),
                json!({"exp": now - 60}),
                json!({"exp": null}),
                json!({"exp": "soon"}),
                json!({"iat": now + 61}),
                json!({"iat": null}),
                json!({"nbf": now + 61}),
                json!({"sub": ""}),
                json!({"sub": null}),
                json!({"sub": "a".repeat(256)}),
            ] {
                let answer = log_in(&app, &provider, &with(wrong.clone())).await;
                assert_eq!(answer.status, 401, "{wrong}: {}", answer.text);
                is_refused(answer);
            }
            // What differs by no more than clocks do, and what is for us among others, holds.
            for right in [
                json!({"exp": now - 59, "iat": now - 359}),
                json!({"iat": now + 59, "nbf": now + 59}),
                json!({"aud": ["lotse"]}),
                json!({"aud": ["lotse", "somebody-else"], "azp": "lotse"}),
            ] {
                log_in(&app, &provider, &with(right)).await.expect(200);
            }
        },
    );
}

#[test]
fn a_signature_must_be_the_providers() {
    fn unsigned(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(header), part(claims))
    }
    let provider = TestProvider::start();
    let key = provider.key();
    let public = serde_json::to_value(key.public()).unwrap();
    let secrets = [
        public.to_string().into_bytes(),
        public["n"].as_str().unwrap().as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(public["n"].as_str().unwrap()).unwrap(),
    ];
    let mut forgeries: Vec<(&str, Sign)> = vec![
        ("none", Box::new(|claims| format!("{}.", unsigned(&json!({"alg": "none"}), claims)))),
        (
            "none, signed",
            Box::new(|claims| {
                let signed = key.sign(claims);
                let (_, signature) = signed.rsplit_once('.').unwrap();
                format!("{}.{signature}", unsigned(&json!({"alg": "none", "kid": key.id}), claims))
            }),
        ),
        (
            "no signature",
            Box::new(|claims| {
                format!("{}.", unsigned(&json!({"alg": "RS256", "kid": key.id}), claims))
            }),
        ),
        (
            "other claims under a good signature",
            Box::new(|claims| {
                let other = key.sign(&json!({"sub": "somebody"}));
                let (header, signature) =
                    (other.split('.').next().unwrap(), other.rsplit('.').next().unwrap());
                format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))
            }),
        ),
        (
            "a key of one's own under the known id",
            Box::new(|claims| SigningKey::new(Algorithm::RS256, &key.id).sign(claims)),
        ),
        (
            "a key of another kind under the known id",
            Box::new(|claims| SigningKey::new(Algorithm::EdDSA, &key.id).sign(claims)),
        ),
        (
            "an unknown key",
            Box::new(|claims| SigningKey::new(Algorithm::RS256, "unknown").sign(claims)),
        ),
        (
            "the key of the encryption",
            Box::new(|claims| SigningKey::new(Algorithm::ES256, "odd").sign(claims)),
        ),
        (
            "a key that the token brings along",
            Box::new(|claims| {
                let own = SigningKey::new(Algorithm::RS256, "own");
                own.sign_with(claims, |header| header.jwk = Some(own.public()))
            }),
        ),
        (
            "an extension that must be understood",
            Box::new(|claims| {
                key.sign_with(claims, |header| header.crit = Some(vec!["b64".to_owned()]))
            }),
        ),
        ("no token", Box::new(|_| "a.b.c".to_owned())),
        ("nothing", Box::new(|_| String::new())),
    ];
    for secret in secrets {
        let id = key.id.clone();
        forgeries.push((
            "the public key as a secret",
            Box::new(move |claims| {
                let header = Header { kid: Some(id.clone()), ..Header::new(Algorithm::HS256) };
                encode(&header, claims, &EncodingKey::from_secret(&secret)).unwrap()
            }),
        ));
    }
    both_with(
        |config| provider.set_up(config),
        async |app| {
            for (forgery, sign) in &forgeries {
                let begun = begin(&app).await;
                let claims = verified("admin");
                let back = provider.log_in_signed(url(&begun), now(&app), &claims, sign);
                let answer = finish(&app, &begun, back).await;
                assert_eq!(answer.status, 401, "{forgery}: {}", answer.text);
                is_refused(answer);
            }
            // The only key that fits needs no name.
            let begun = begin(&app).await;
            let back =
                provider.log_in_signed(url(&begun), now(&app), &verified("admin"), |claims| {
                    key.sign_with(claims, |header| header.kid = None)
                });
            finish(&app, &begun, back).await.expect(200);
        },
    );
}

#[test]
fn keys_may_change_and_are_not_fetched_for_every_token() {
    let provider = TestProvider::start();
    both_with(
        |config| provider.set_up(config),
        async |app| {
            provider.signs_with(SigningKey::new(Algorithm::RS256, "first"));
            let fetched = provider.keys_fetched();
            for _ in 0..3 {
                log_in(&app, &provider, &verified("adviser")).await.expect(200);
            }
            assert_eq!(provider.keys_fetched() - fetched, 1);

            // Too soon to look again.
            provider.signs_with(SigningKey::new(Algorithm::ES256, "second"));
            is_refused(log_in(&app, &provider, &verified("adviser")).await);
            assert_eq!(provider.keys_fetched() - fetched, 1);
            app.advance(TimeDelta::seconds(10));
            log_in(&app, &provider, &verified("adviser")).await.expect(200);
            assert_eq!(provider.keys_fetched() - fetched, 2);

            // Unknown keys make nobody ask again and again.
            app.advance(TimeDelta::seconds(10));
            let own = SigningKey::new(Algorithm::EdDSA, "third");
            for _ in 0..3 {
                let begun = begin(&app).await;
                let sign = |claims: &Value| own.sign(claims);
                let claims = verified("adviser");
                let back = provider.log_in_signed(url(&begun), now(&app), &claims, sign);
                is_refused(finish(&app, &begun, back).await);
            }
            assert_eq!(provider.keys_fetched() - fetched, 3);
            app.advance(TimeDelta::seconds(10));
            provider.signs_with(own);
            log_in(&app, &provider, &verified("adviser")).await.expect(200);

            // After an hour all is read anew.
            app.advance(TimeDelta::hours(1));
            log_in(&app, &provider, &verified("adviser")).await.expect(200);
            assert_eq!(provider.keys_fetched() - fetched, 5);
        },
    );
}

#[test]
fn a_log_in_works_once_in_the_browser_that_began_it() {
    let provider = TestProvider::start();
    both_with(
        |config| provider.set_up(config),
        async |app| {
            let claims = verified("adviser");
            let mine = begin(&app).await;
            let others = begin(&app).await;
            assert_ne!(mine["flow"], others["flow"]);
            assert!(!url(&mine).contains(mine["flow"].as_str().unwrap()));

            // Somebody who is led to the page of the answer has begun nothing, or something else.
            let back = provider.log_in(url(&others), now(&app), &claims);
            is_refused(finish(&app, &mine, back.clone()).await);
            is_refused(finish(&app, &json!({"flow": ""}), back.clone()).await);
            finish(&app, &others, back.clone()).await.expect(200);
            is_refused(finish(&app, &others, back.clone()).await);

            // The code of one log-in in another: the verifier is not its own, nor is the nonce.
            let (_, code) = provider.log_in(url(&begin(&app).await), now(&app), &claims);
            let (state, _) = provider.log_in(url(&mine), now(&app), &claims);
            is_refused(finish(&app, &mine, (state, code)).await);
            // A code that was used.
            let again = begin(&app).await;
            let (state, _) = provider.log_in(url(&again), now(&app), &claims);
            is_refused(finish(&app, &again, (state, back.1)).await);
            // A state that was made up.
            let begun = begin(&app).await;
            let (_, code) = provider.log_in(url(&begun), now(&app), &claims);
            is_refused(finish(&app, &begun, ("made up".to_owned(), code)).await);

            // Of two at once, one.
            let begun = begin(&app).await;
            let back = provider.log_in(url(&begun), now(&app), &claims);
            let (a, b) =
                tokio::join!(finish(&app, &begun, back.clone()), finish(&app, &begun, back));
            let mut statuses = [a.status, b.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 401]);

            // The answer of another provider is not taken to this one (RFC 9207).
            for (issuer, status) in
                [("https://login.example".to_owned(), 401), (provider.issuer(), 200)]
            {
                let begun = begin(&app).await;
                let (state, code) = provider.log_in(url(&begun), now(&app), &claims);
                let input =
                    json!({"state": state, "code": code, "flow": begun["flow"], "iss": issuer});
                app.anonymous().post("/auth/sso/callback", &input).await.expect(status);
            }

            let late = begin(&app).await;
            app.advance(TimeDelta::minutes(10));
            let back = provider.log_in(url(&late), now(&app), &claims);
            is_refused(finish(&app, &late, back).await);
            assert!(lotse_app::housekeeping::run(&app.app).unwrap() >= 1);
        },
    );
}

#[test]
fn a_provider_that_fails_is_told_apart_from_a_refusal() {
    let provider = TestProvider::start();
    both_with(
        |config| provider.set_up(config),
        async |app| {
            for mood in [Mood::Down, Mood::Redirecting, Mood::Endless, Mood::Garbled] {
                let begun = begin(&app).await;
                let back = provider.log_in(url(&begun), now(&app), &verified("adviser"));
                provider.is(mood);
                let answer = finish(&app, &begun, back).await;
                provider.is(Mood::Well);
                let answer = answer.problem(503, "provider_unavailable");
                assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
            }
            log_in(&app, &provider, &verified("adviser")).await.expect(200);
        },
    );
    let nowhere = |config: &mut Config| {
        provider.set_up(config);
        config.oidc_issuer = "http://127.0.0.1:1/realm".to_owned();
    };
    both_with(nowhere, async |app| {
        let answer = app.anonymous().post("/auth/sso", &json!({})).await;
        answer.problem(503, "provider_unavailable");
        app.log_in("adviser").await.get("/me").await.expect(200);
    });
    // Another issuer than the one that was set up, however alike.
    provider.calls_itself(&format!("{}/", provider.issuer()));
    both_with(
        |config| provider.set_up(config),
        async |app| {
            let answer = app.anonymous().post("/auth/sso", &json!({})).await;
            answer.problem(503, "provider_unavailable");
        },
    );
}

#[test]
fn an_address_that_is_only_claimed_opens_nobodys_account() {
    let provider = TestProvider::start();
    both_with(with_roles(&provider), async |app| {
        for claimed in [
            json!({"email_verified": false}),
            json!({"email_verified": "false"}),
            json!({"email_verified": null}),
            json!({"email_verified": 1}),
            json!({"email": null}),
            json!({"email": "admin@test.example\u{0}"}),
            json!({"email": ["admin@test.example"]}),
        ] {
            let claims = crate::harness::body(&of_groups("admin", &["lotse-advisers"]), &claimed);
            is_refused(log_in(&app, &provider, &claims).await);
            // Nor is it taken for later.
            let claims = crate::harness::body(&of_groups("later", &["lotse-advisers"]), &claimed);
            is_refused(log_in(&app, &provider, &claims).await);
        }
        let admin = app.log_in("admin").await;
        assert_eq!(admin.get("/me").await.expect(200).body["role"], "admin");
        assert_eq!(admin.get("/users?total=true").await.expect(200).body["total"], 9);
    });
}

#[test]
fn who_is_in_a_group_becomes_a_user() {
    let provider = TestProvider::start();
    both_with(with_roles(&provider), async |app| {
        let claims = crate::harness::body(
            &of_groups("Ina.Neufeld", &["everybody", "lotse-advisers"]),
            &json!({"name": "Ina Neufeld"}),
        );
        // Two browsers at once make one user.
        let (a, b) =
            tokio::join!(log_in(&app, &provider, &claims), log_in(&app, &provider, &claims));
        let ina = session(&app, &a.expect(200));
        let again = session(&app, &b.expect(200));
        let me = ina.get("/me").await.expect(200).body;
        assert_eq!(again.get("/me").await.expect(200).body["id"], me["id"]);
        assert_eq!((&me["name"], &me["role"]), (&json!("Ina Neufeld"), &json!("adviser")));
        assert_eq!((&me["carrier"]["id"], &me["site"]), (&json!(BWHW), &json!(null)));
        assert_eq!(me["email"], "ina.neufeld@test.example");

        // There is no password, and nobody did it.
        let password = json!({"email": "ina.neufeld@test.example", "password": ""});
        app.anonymous().post("/auth/login", &password).await.problem(401, "unauthenticated");
        let admin = app.log_in("admin").await;
        let id = me["id"].as_str().unwrap();
        let history = admin.get(&format!("/users/{id}/history")).await.expect(200);
        let steps: Vec<&Value> = history.items().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(steps, ["identity_linked", "created"]);
        assert!(history.items().iter().all(|entry| entry["by"].is_null()));
        let assigned = assignments(&app, id).await;
        assert_eq!(assigned[0]["valid_from"], "2026-03-16");
        assert_eq!(assigned[0]["valid_to"], json!(null));

        // The first in the order of the setting wins; without one of them nobody gets in.
        let both = of_groups("both", &["lotse-advisers", "lotse-managers"]);
        let both = session(&app, &log_in(&app, &provider, &both).await.expect(200));
        let me = both.get("/me").await.expect(200).body;
        assert_eq!((&me["role"], &me["name"]), (&json!("manager"), &json!("both@test.example")));
        for groups in [
            json!([]),
            json!(null),
            json!(["/lotse-advisers"]),
            json!([["lotse-advisers"]]),
            json!({"lotse-advisers": true}),
        ] {
            let claims = crate::harness::body(&verified("outsider"), &json!({"groups": groups}));
            is_refused(log_in(&app, &provider, &claims).await);
        }
        let one = crate::harness::body(&verified("one"), &json!({"groups": "lotse-coordinators"}));
        log_in(&app, &provider, &one).await.expect(200);
    });
}

#[test]
fn a_suspended_user_stays_out() {
    let provider = TestProvider::start();
    both_with(with_roles(&provider), async |app| {
        let admin = app.log_in("admin").await;
        let suspend = async |user: &Session, status: &str| {
            let id = user.id().await;
            let version = admin.get(&format!("/users/{id}")).await.body["version"].as_i64();
            let change = json!({"status": status});
            admin.patch(&format!("/users/{id}"), version.unwrap(), &change).await.expect(200);
            id
        };
        // Who is known by the subject, and who would be by the address.
        let claims = of_groups("adviser", &["lotse-advisers"]);
        let adviser = session(&app, &log_in(&app, &provider, &claims).await.expect(200));
        suspend(&adviser, "suspended").await;
        adviser.get("/me").await.problem(401, "unauthenticated");
        is_refused(log_in(&app, &provider, &claims).await);
        let colleague = suspend(&app.log_in("colleague").await, "suspended").await;
        let claims = of_groups("colleague", &["lotse-managers"]);
        is_refused(log_in(&app, &provider, &claims).await);
        let history = admin.get(&format!("/users/{colleague}/history")).await.expect(200);
        assert_eq!(history.items()[0]["action"], "changed", "not linked");
        assert_eq!(assignments(&app, &colleague).await.len(), 1, "still what it was");
    });
}

#[test]
fn the_role_follows_the_groups() {
    let provider = TestProvider::start();
    both_with(with_roles(&provider), async |app| {
        let role = async |groups: &[&str]| {
            let tokens = log_in(&app, &provider, &of_groups("adviser", groups)).await.expect(200);
            session(&app, &tokens).get("/me").await.expect(200).body
        };
        let me = role(&["lotse-advisers"]).await;
        let id = me["id"].as_str().unwrap().to_owned();
        assert_eq!(me["site"]["id"], FRANKFURT);
        assert_eq!(assignments(&app, &id).await.len(), 1, "what fits is left alone");

        // Another role at the same carrier keeps the site.
        let me = role(&["lotse-managers"]).await;
        assert_eq!((&me["role"], &me["site"]["id"]), (&json!("manager"), &json!(FRANKFURT)));
        let all = assignments(&app, &id).await;
        assert_eq!(all.len(), 2);
        assert_eq!(all[0]["valid_from"], "2026-03-16");
        assert_eq!(all[1]["valid_to"], "2026-03-15");

        // What began today is replaced, with its history.
        let me = role(&["vsb"]).await;
        assert_eq!((&me["carrier"]["id"], &me["site"]), (&json!(VSB), &json!(null)));
        let replaced = assignments(&app, &id).await;
        assert_eq!((replaced.len(), &replaced[0]["version"]), (2, &json!(2)));
        assert_eq!((&replaced[0]["id"], &replaced[1]), (&all[0]["id"], &all[1]));
        let assignment = replaced[0]["id"].as_str().unwrap();
        let auditor = app.log_in("data.protection").await;
        let log = auditor.get(&format!("/audit-log?entity_id={assignment}")).await.expect(200);
        let steps: Vec<&Value> = log.items().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(steps, ["changed", "created"]);

        // What is planned is left to begin, and then the groups are looked at again.
        let admin = app.log_in("admin").await;
        let planned = json!({"role": "coordinator", "valid_from": "2026-04-01"});
        admin.post(&format!("/users/{id}/assignments"), &planned).await.expect(201);
        app.advance(TimeDelta::days(1));
        assert_eq!(role(&["lotse-advisers"]).await["role"], "adviser");
        let all = assignments(&app, &id).await;
        let days: Vec<_> = all.iter().map(|a| (&a["valid_from"], &a["valid_to"])).collect();
        assert_eq!(days[0], (&json!("2026-04-01"), &json!(null)));
        assert_eq!(days[1], (&json!("2026-03-17"), &json!("2026-03-31")));
        assert_eq!(days[2], (&json!("2026-03-16"), &json!("2026-03-16")));
        app.advance(TimeDelta::days(20));
        assert_eq!(role(&["lotse-coordinators"]).await["role"], "coordinator");
        assert_eq!(assignments(&app, &id).await.len(), 4, "as planned");
        // Two browsers at once change it once.
        let claims = of_groups("adviser", &["lotse-advisers"]);
        let (a, b) =
            tokio::join!(log_in(&app, &provider, &claims), log_in(&app, &provider, &claims));
        assert_eq!((a.status, b.status), (200, 200));
        assert_eq!(assignments(&app, &id).await.len(), 5);
    });
}

#[test]
fn without_a_group_a_user_is_out() {
    let provider = TestProvider::start();
    both_with(with_roles(&provider), async |app| {
        let claims = of_groups("adviser", &["lotse-advisers"]);
        let adviser = session(&app, &log_in(&app, &provider, &claims).await.expect(200));
        let id = adviser.id().await;
        // Of somebody else who claims the same address, nothing comes.
        let other = json!({"sub": "somebody else", "email": "adviser@test.example",
            "email_verified": true, "groups": []});
        is_refused(log_in(&app, &provider, &other).await);
        adviser.get("/me").await.expect(200);
        for _ in 0..2 {
            is_refused(log_in(&app, &provider, &of_groups("adviser", &["others"])).await);
        }
        adviser.get("/me").await.problem(401, "unauthenticated");
        let admin = app.log_in("admin").await;
        let history = admin.get(&format!("/users/{id}/history")).await.expect(200);
        let steps: Vec<&Value> = history.items().iter().map(|entry| &entry["action"]).collect();
        assert_eq!(steps, ["sessions_ended", "identity_linked", "created"]);
        log_in(&app, &provider, &claims).await.expect(200);
    });
}

#[test]
fn the_last_admin_stays_one() {
    let provider = TestProvider::start();
    both_with(with_roles(&provider), async |app| {
        let second = of_groups("admin.2", &["lotse-advisers"]);
        log_in(&app, &provider, &second).await.expect(200);
        let first = of_groups("admin", &["lotse-advisers"]);
        log_in(&app, &provider, &first).await.problem(409, "last_admin");
        let admin = app.log_in("admin").await;
        assert_eq!(admin.get("/me").await.expect(200).body["role"], "admin");
        let second = of_groups("admin.2", &["lotse-admins"]);
        log_in(&app, &provider, &second).await.expect(200);
        log_in(&app, &provider, &first).await.expect(200);
        assert_eq!(admin.get("/me").await.expect(200).body["role"], "adviser");
    });
}

#[test]
fn a_carrier_that_does_not_exist_is_the_operators_mistake() {
    let provider = TestProvider::start();
    let wrong = |config: &mut Config| {
        provider.set_up(config);
        config.oidc_roles = "lotse-advisers=adviser@NOBODY".to_owned();
    };
    both_with(wrong, async |app| {
        let claims = of_groups("new", &["lotse-advisers"]);
        log_in(&app, &provider, &claims).await.problem(500, "internal");
        let admin = app.log_in("admin").await;
        assert_eq!(admin.get("/users?total=true").await.expect(200).body["total"], 9);
    });
}

#[test]
fn passwords_can_be_switched_off() {
    let provider = TestProvider::start();
    let off = |config: &mut Config| {
        with_roles(&provider)(config);
        config.local_login = false;
    };
    both_with(off, async |app| {
        let methods = app.anonymous().get("/auth/methods").await.expect(200).body;
        assert_eq!(methods, json!({"password": false, "sso": true}));
        let right = json!({"email": "admin@test.example", "password": crate::harness::PASSWORD});
        app.anonymous().post("/auth/login", &right).await.problem(403, "local_login_off");
        let claims = of_groups("admin", &["lotse-admins"]);
        let admin = session(&app, &log_in(&app, &provider, &claims).await.expect(200));
        let adviser = of_groups("adviser", &["lotse-advisers"]);
        let adviser = session(&app, &log_in(&app, &provider, &adviser).await.expect(200));
        let path = format!("/users/{}/invitation", adviser.id().await);
        let invitation = send(admin.request(reqwest::Method::PUT, &path)).await.expect(200);
        let take = json!({"token": invitation.body["token"], "password": "sieben Lotsen am Main"});
        app.anonymous().post("/auth/invitation", &take).await.problem(403, "local_login_off");
        // At the console they can still be set, for when they are switched on again.
        lotse_app::operator::set_password(&app.app, "admin@test.example", "sieben Lotsen am Main")
            .unwrap();
    });
}

#[test]
fn without_a_provider_there_is_no_single_sign_on() {
    both(async |app| {
        let methods = app.anonymous().get("/auth/methods").await.expect(200).body;
        assert_eq!(methods, json!({"password": true, "sso": false}));
        app.anonymous().post("/auth/sso", &json!({})).await.problem(404, "sso_off");
        let input = json!({"state": "a", "code": "b", "flow": "c"});
        app.anonymous().post("/auth/sso/callback", &input).await.problem(404, "sso_off");
    });
}

#[test]
fn the_client_shows_itself_as_the_provider_wants() {
    for (secret, methods) in [
        ("a secret: 100% of it", vec!["client_secret_basic", "client_secret_post"]),
        ("a secret: 100% of it", vec!["client_secret_post", "private_key_jwt"]),
        ("", vec!["none"]),
    ] {
        let provider = TestProvider::start();
        provider.knows_clients_by(secret, &methods);
        both_with(
            |config| provider.set_up(config),
            async |app| {
                log_in(&app, &provider, &verified("adviser")).await.expect(200);
            },
        );
        let wrong = |config: &mut Config| {
            provider.set_up(config);
            config.oidc_client_secret = "another".to_owned();
        };
        both_with(wrong, async |app| {
            is_refused(log_in(&app, &provider, &verified("adviser")).await);
        });
    }
}

#[test]
fn what_the_id_token_leaves_out_is_asked_for() {
    let provider = TestProvider::start();
    both_with(with_roles(&provider), async |app| {
        let log_in = async |claims: Value, about: Value| {
            let begun = begin(&app).await;
            let back = provider.log_in_tersely(url(&begun), now(&app), &claims, &about);
            finish(&app, &begun, back).await
        };
        let about = json!({"email": "adviser@test.example", "email_verified": true,
            "groups": ["lotse-managers"]});
        let swapped = json!({"sub": "somebody else"});
        is_refused(log_in(json!({}), crate::harness::body(&about, &swapped)).await);
        // That one address was verified says nothing of another.
        let claimed = json!({"email": "admin@test.example"});
        is_refused(log_in(claimed, json!({"email_verified": true})).await);
        let claimed = json!({"email": "admin@test.example"});
        let tokens = log_in(claimed, about).await.expect(200);
        let me = session(&app, &tokens).get("/me").await.expect(200).body;
        assert_eq!(
            (&me["role"], &me["email"]),
            (&json!("manager"), &json!("adviser@test.example"))
        );
    });
}

#[test]
fn a_browser_gets_its_tokens_in_cookies() {
    let provider = TestProvider::start();
    both_with(
        |config| provider.set_up(config),
        async |app| {
            let begun = begin(&app).await;
            let (state, code) = provider.log_in(url(&begun), now(&app), &verified("adviser"));
            let input =
                json!({"state": state, "code": code, "flow": begun["flow"], "cookies": true});
            let anonymous = app.anonymous();
            // A page of another site neither logs the browser in nor uses the log-in up.
            let elsewhere = [("Origin", "https://elsewhere.example")];
            let forged = anonymous.post_with("/auth/sso/callback", &elsewhere, &input).await;
            forged.problem(403, "cross_site");
            let here = [("Origin", "http://lotse.test")];
            let tokens = anonymous.post_with("/auth/sso/callback", &here, &input).await.expect(200);
            assert_eq!(tokens.body["access_token"], json!(null));
            assert!(tokens.header("set-cookie").starts_with("__Host-lotse_access="));
        },
    );
}

#[test]
fn the_second_factor_is_the_providers_business() {
    let provider = TestProvider::start();
    let strict = |config: &mut Config| {
        provider.set_up(config);
        config.second_factor_roles = "admin".to_owned();
    };
    both_with(strict, async |app| {
        let with_password = app.log_in("admin").await;
        with_password.get("/users").await.problem(403, "second_factor_missing");
        let tokens = log_in(&app, &provider, &verified("admin")).await.expect(200);
        session(&app, &tokens).get("/users").await.expect(200);
    });
}
