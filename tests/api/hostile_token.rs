//! Forged access tokens: signed with the right key, so that each fails by the one thing that is wrong,
//! or with keys that the token itself offers.

use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::harness::{Session, TestApp, body, both};

/// Header and claims of an access token.
fn parts(session: &Session) -> (Value, Value) {
    let token = session.token.as_deref().unwrap();
    let part = |number: usize| {
        let part = token.split('.').nth(number).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    (part(0), part(1))
}

fn signing_input(header: &Value, claims: &Value) -> String {
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encoded(header), encoded(claims))
}

/// Signed with Ed25519, whatever the header says.
fn signed(pem: &str, header: &Value, claims: &Value) -> String {
    let input = signing_input(header, claims);
    let key = EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    let signature = crypto::sign(input.as_bytes(), &key, Algorithm::EdDSA).unwrap();
    format!("{input}.{signature}")
}

async fn refused(app: &TestApp, token: &str, why: &str) {
    let answer = app.with_token(token).get("/me").await;
    assert_eq!(answer.status, 401, "{why}: {}", answer.text);
    let answer = answer.problem(401, "unauthenticated");
    assert!(answer.header("www-authenticate").starts_with("Bearer"), "{why}");
}

async fn accepted(app: &TestApp, token: &str) {
    app.with_token(token).get("/me").await.expect(200);
}

#[test]
fn a_token_names_the_key_and_no_other_algorithm() {
    both(async |app| {
        let (header, claims) = parts(&app.log_in("adviser").await);
        let pem = app.key_pem();
        // What is refused below is refused for its header alone.
        accepted(&app, &signed(&pem, &header, &claims)).await;
        for kid in [
            json!(null),
            json!(""),
            json!("unknown"),
            json!(7),
            json!([header["kid"]]),
            json!("../../../../dev/null"),
            json!("/proc/self/environ"),
            json!("' OR '1'='1"),
            json!("x' UNION SELECT 'secret' --"),
            json!(format!("{}\u{0}", header["kid"].as_str().unwrap())),
            json!("k".repeat(6000)),
        ] {
            let header = body(&header, &json!({"kid": kid}));
            refused(&app, &signed(&pem, &header, &claims), &format!("kid {kid}")).await;
        }
        let mut without = header.clone();
        without.as_object_mut().unwrap().remove("kid");
        refused(&app, &signed(&pem, &without, &claims), "no kid").await;

        for alg in
            ["none", "NONE", "None", "nOnE", "", "HS256", "RS256", "ES256", "eddsa", "EdDSA "]
        {
            let header = body(&header, &json!({"alg": alg}));
            refused(&app, &signed(&pem, &header, &claims), &format!("alg {alg:?}")).await;
            let unsigned = format!("{}.", signing_input(&header, &claims));
            refused(&app, &unsigned, &format!("alg {alg:?} unsigned")).await;
        }
        for alg in [json!(null), json!(["EdDSA"]), json!({"alg": "EdDSA"})] {
            let header = body(&header, &json!({"alg": alg}));
            refused(&app, &signed(&pem, &header, &claims), &format!("alg {alg}")).await;
        }
    });
}

#[test]
fn the_public_key_is_no_shared_secret() {
    both(async |app| {
        use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding};

        let (header, claims) = parts(&app.log_in("adviser").await);
        let public = ed25519_dalek::SigningKey::from_pkcs8_pem(&app.key_pem()).unwrap();
        let public = public.verifying_key();
        let pem = public.to_public_key_pem(LineEnding::LF).unwrap();
        let hmac = body(&header, &json!({"alg": "HS256"}));
        // Every form in which somebody may have come by it.
        for secret in [
            public.as_bytes().to_vec(),
            pem.clone().into_bytes(),
            pem.trim_end().as_bytes().to_vec(),
            public.to_public_key_der().unwrap().as_bytes().to_vec(),
            URL_SAFE_NO_PAD.encode(public).into_bytes(),
            header["kid"].as_str().unwrap().as_bytes().to_vec(),
            Vec::new(),
        ] {
            let input = signing_input(&hmac, &claims);
            let key = EncodingKey::from_secret(&secret);
            let signature = crypto::sign(input.as_bytes(), &key, Algorithm::HS256).unwrap();
            refused(&app, &format!("{input}.{signature}"), "a symmetric signature").await;
        }
    });
}

#[test]
fn every_claim_is_needed_and_compared() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let colleague = app.log_in("colleague").await;
        let ((header, claims), (_, theirs)) = (parts(&adviser), parts(&colleague));
        let pem = app.key_pem();
        accepted(&app, &signed(&pem, &header, &claims)).await;
        for claim in ["iss", "aud", "sub", "sid", "iat", "nbf", "exp"] {
            let mut without = claims.clone();
            without.as_object_mut().unwrap().remove(claim).unwrap();
            refused(&app, &signed(&pem, &header, &without), &format!("no {claim}")).await;
            let null = body(&claims, &json!({claim: null}));
            refused(&app, &signed(&pem, &header, &null), &format!("{claim} null")).await;
        }
        let now = app.clock.now().timestamp();
        for wrong in [
            json!({"iss": "http://elsewhere.test"}),
            json!({"iss": "http://lotse.test/"}),
            json!({"iss": "http://lotse.test.elsewhere.test"}),
            json!({"iss": ""}),
            json!({"aud": "another-api"}),
            json!({"aud": ""}),
            json!({"exp": now}),
            json!({"exp": now - 1}),
            json!({"exp": -1}),
            json!({"exp": i64::MIN}),
            json!({"exp": "9999999999"}),
            json!({"exp": 1e300}),
            json!({"nbf": now + 31}),
            json!({"nbf": i64::MAX}),
            // A session that there is not, and one that is somebody else's.
            json!({"sid": "01890000-0000-7000-8000-0000000fffff"}),
            json!({"sid": "' OR '1'='1"}),
            json!({"sid": theirs["sid"]}),
            json!({"sub": theirs["sub"]}),
            json!({"sub": "01890000-0000-7000-8000-0000000fffff"}),
        ] {
            let claims = body(&claims, &wrong);
            refused(&app, &signed(&pem, &header, &claims), &wrong.to_string()).await;
        }
    });
}

#[test]
fn keys_that_a_token_brings_along_are_ignored() {
    both(async |app| {
        let (header, claims) = parts(&app.log_in("adviser").await);
        let stranger = lotse_http::SigningKey::generate().unwrap();
        let public = {
            use ed25519_dalek::pkcs8::DecodePrivateKey;
            let key = ed25519_dalek::SigningKey::from_pkcs8_pem(stranger.pem()).unwrap();
            URL_SAFE_NO_PAD.encode(key.verifying_key())
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        for offered in [
            json!({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": public, "use": "sig",
                "alg": "EdDSA", "kid": header["kid"]}}),
            json!({"jku": url}),
            json!({"x5u": url}),
            json!({"x5c": [public]}),
        ] {
            let header = body(&header, &offered);
            let theirs = signed(stranger.pem(), &header, &claims);
            refused(&app, &theirs, &offered.to_string()).await;
            // Nor is it looked at beside our own key.
            accepted(&app, &signed(&app.key_pem(), &header, &claims)).await;
        }
        let contacted = listener.accept();
        assert!(contacted.is_err(), "no key is fetched from where a token says");
    });
}
