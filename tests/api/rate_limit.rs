//! Rate limits, per address, account and API key.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::api_key::key;
use crate::harness::{Answer, Session, both_with, send};

async fn from(session: &Session, address: &str) -> Answer {
    send(session.request(Method::GET, "/carriers").header("X-Forwarded-For", address)).await
}

#[test]
fn an_account_and_a_key_have_their_share_each() {
    let limits = |config: &mut lotse_server::config::Config| {
        config.requests_per_account = 6;
        config.requests_per_api_key = 3;
    };
    both_with(limits, async |app| {
        let manager = app.log_in("manager").await;
        let (_, website) = key(&app, &manager, &["read_network"]).await;
        let colleague = app.log_in("adviser").await;
        for left in (0..5).rev() {
            let answer = manager.get("/carriers").await.expect(200);
            let expected = format!("\"account\";r={left};t={}", (6 - left) * 10);
            assert_eq!(answer.header("ratelimit"), expected);
            assert_eq!(answer.header("ratelimit-policy"), "\"account\";q=6;w=60");
        }
        let refused = manager.get("/carriers").await.problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "10");
        assert_eq!(refused.header("ratelimit"), "\"account\";r=0;t=60");
        // Another session of the same user shares, other users do not.
        let again = app.log_in("manager").await;
        again.post("/companies", &json!({"name": "Too many"})).await.problem(429, "rate_limited");
        colleague.get("/carriers").await.expect(200);

        for _ in 0..3 {
            website.get("/carriers").await.expect(200);
        }
        website.get("/carriers").await.problem(429, "rate_limited");
        app.advance(TimeDelta::seconds(10));
        manager.get("/carriers").await.expect(200);
        manager.get("/carriers").await.problem(429, "rate_limited");
        website.get("/carriers").await.problem(429, "rate_limited");
        app.advance(TimeDelta::seconds(10));
        website.get("/carriers").await.expect(200);
    });
}

#[test]
fn an_address_has_its_share_and_less_of_it_to_log_in() {
    let limits = |config: &mut lotse_server::config::Config| {
        config.requests_per_address = 10;
        config.log_ins_per_address = 3;
    };
    both_with(limits, async |app| {
        let adviser = app.log_in("adviser").await;
        let refresh = json!({"refresh_token": "made up"});
        for _ in 0..2 {
            app.anonymous().post("/auth/refresh", &refresh).await.problem(401, "unauthenticated");
        }
        // However it is written.
        let url = format!("{}/%61pi/v1/%61uth/refr%65sh", app.base);
        send(app.client().post(url).json(&refresh)).await.problem(429, "rate_limited");
        let refused = app.anonymous().post("/auth/refresh", &refresh).await;
        let refused = refused.problem(429, "rate_limited");
        assert_eq!(refused.header("ratelimit"), "\"address\";r=5;t=30, \"log_in\";r=0;t=60");
        adviser.get("/carriers").await.expect(200);
        // Without a log-in too, and whatever the client says of itself.
        for place in 0..4 {
            from(&app.anonymous(), &format!("192.0.2.{place}"))
                .await
                .problem(401, "unauthenticated");
        }
        from(&adviser, "192.0.2.9").await.problem(429, "rate_limited");
        // The orchestrator is not kept from looking.
        let health = app.client().get(format!("{}/health/live", app.base));
        assert_eq!(health.send().await.unwrap().status(), 200);
    });
}

#[test]
fn behind_a_trusted_proxy_the_address_is_the_clients() {
    let limits = |config: &mut lotse_server::config::Config| {
        config.requests_per_address = 2;
        config.trusted_proxies = "127.0.0.1, 10.0.0.0/8".to_owned();
    };
    both_with(limits, async |app| {
        let adviser = app.log_in("adviser").await;
        for _ in 0..2 {
            from(&adviser, "203.0.113.1").await.expect(200);
        }
        from(&adviser, "203.0.113.1").await.problem(429, "rate_limited");
        from(&adviser, "192.0.2.66, 203.0.113.1, 10.1.2.3").await.problem(429, "rate_limited");
        from(&adviser, "203.0.113.2").await.expect(200);
        // One subscriber is one network of IPv6.
        from(&adviser, "2001:db8::1").await.expect(200);
        from(&adviser, "2001:db8::2").await.expect(200);
        from(&adviser, "2001:db8::3").await.problem(429, "rate_limited");
    });
}
