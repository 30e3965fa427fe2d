//! A small OpenID Connect provider: discovery, keys, token endpoint, user info. Who logs in and what the
//! ID token says, the test decides.

use std::collections::HashMap;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{AUTHORIZATION, LOCATION};
use actix_web::web::{Data, Form};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lotse_server::config::Config;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::client::body;

pub const CLIENT: &str = "lotse";
pub const REDIRECT: &str = "http://localhost/sso";

/// How the token endpoint behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// 503.
    Down,
    /// To itself, elsewhere.
    Redirecting,
    /// More than anybody wants to read.
    Endless,
    /// HTML, as a proxy in between sends it.
    Garbled,
}

#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    algorithm: Algorithm,
    pub id: String,
}

impl SigningKey {
    pub fn new(algorithm: Algorithm, id: &str) -> Self {
        let key = match algorithm {
            Algorithm::RS256 => {
                let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der = AsDer::<Pkcs8V1Der>::as_der(&pair).unwrap();
                EncodingKey::from_rsa_pem(pem(der.as_ref()).as_bytes()).unwrap()
            }
            Algorithm::ES256 => {
                let random = aws_lc_rs::rand::SystemRandom::new();
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
                EncodingKey::from_ec_der(der.unwrap().as_ref())
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().unwrap();
                EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref())
            }
            other => panic!("no keys for {other:?}"),
        };
        Self { key, algorithm, id: id.to_owned() }
    }

    pub fn public(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(claims, |_| ())
    }

    /// The same with another header.
    pub fn sign_with(&self, claims: &Value, change: impl FnOnce(&mut Header)) -> String {
        let mut header = Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) };
        change(&mut header);
        encode(&header, claims, &self.key).unwrap()
    }
}

fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

struct Grant {
    challenge: String,
    id_token: String,
    user_info: Value,
}

struct Inner {
    issuer: String,
    claimed_issuer: String,
    secret: String,
    auth_methods: Vec<&'static str>,
    key: SigningKey,
    mood: Mood,
    grants: HashMap<String, Grant>,
    /// By access token.
    user_infos: HashMap<String, Value>,
    codes: usize,
    keys_fetched: usize,
}

type Shared = Arc<Mutex<Inner>>;

pub struct TestProvider {
    inner: Shared,
    server: Option<(ServerHandle, JoinHandle<()>)>,
}

impl TestProvider {
    pub fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            issuer: String::new(),
            claimed_issuer: String::new(),
            secret: "a secret: 100% of it".to_owned(),
            auth_methods: vec!["client_secret_basic", "client_secret_post"],
            key: SigningKey::new(Algorithm::RS256, "first"),
            mood: Mood::Well,
            grants: HashMap::new(),
            user_infos: HashMap::new(),
            codes: 0,
            keys_fetched: 0,
        }));
        let (send, receive) = mpsc::channel();
        let shared = Data::from(Arc::clone(&inner));
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(shared.clone())
                        .route("/realm/.well-known/openid-configuration", web::get().to(discovery))
                        .route("/realm/keys", web::get().to(keys))
                        .route("/realm/token", web::post().to(token))
                        .route("/realm/user", web::get().to(user_info))
                })
                .workers(1)
                .bind("127.0.0.1:0")
                .unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                send.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = receive.recv_timeout(Duration::from_secs(10)).unwrap();
        let provider = Self { inner, server: Some((handle, thread)) };
        let issuer = format!("http://{address}/realm");
        provider.inner().issuer.clone_from(&issuer);
        provider.inner().claimed_issuer = issuer;
        provider
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub fn issuer(&self) -> String {
        self.inner().issuer.clone()
    }

    /// The settings of an installation that takes its log-ins from here.
    pub fn set_up(&self, config: &mut Config) {
        let inner = self.inner();
        config.oidc_issuer.clone_from(&inner.issuer);
        config.oidc_client_id = CLIENT.to_owned();
        config.oidc_client_secret.clone_from(&inner.secret);
        config.oidc_redirect_url = REDIRECT.to_owned();
    }

    /// How clients show who they are. An empty secret: not at all.
    pub fn knows_clients_by(&self, secret: &str, auth_methods: &[&'static str]) {
        self.inner().secret = secret.to_owned();
        self.inner().auth_methods = auth_methods.to_vec();
    }

    pub fn calls_itself(&self, issuer: &str) {
        self.inner().claimed_issuer = issuer.to_owned();
    }

    pub fn is(&self, mood: Mood) {
        self.inner().mood = mood;
    }

    pub fn signs_with(&self, key: SigningKey) {
        self.inner().key = key;
    }

    pub fn key(&self) -> SigningKey {
        self.inner().key.clone()
    }

    pub fn keys_fetched(&self) -> usize {
        self.inner().keys_fetched
    }

    /// The user logs in on the page that the browser was sent to. Answers state and code as they come
    /// back; the ID token says what it should, and `claims`.
    pub fn log_in(&self, authorization_url: &str, now: i64, claims: &Value) -> (String, String) {
        let key = self.key();
        self.log_in_signed(authorization_url, now, claims, |claims| key.sign(claims))
    }

    /// The same with an ID token made in another way.
    pub fn log_in_signed(
        &self,
        authorization_url: &str,
        now: i64,
        claims: &Value,
        sign: impl FnOnce(&Value) -> String,
    ) -> (String, String) {
        let (asked, standard) = self.asked(authorization_url, now);
        let claims = body(&standard, claims);
        self.grant(&asked, sign(&claims), json!({"sub": claims["sub"]}))
    }

    /// An ID token of little; the rest is told when asked for with the access token.
    pub fn log_in_tersely(
        &self,
        authorization_url: &str,
        now: i64,
        claims: &Value,
        user_info: &Value,
    ) -> (String, String) {
        let (asked, standard) = self.asked(authorization_url, now);
        let claims = body(&standard, claims);
        let id_token = self.key().sign(&claims);
        self.grant(&asked, id_token, body(&json!({"sub": claims["sub"]}), user_info))
    }

    /// What the browser was sent with, and the claims that answer it.
    fn asked(&self, authorization_url: &str, now: i64) -> (HashMap<String, String>, Value) {
        let url = Url::parse(authorization_url).unwrap();
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert!(authorization_url.starts_with(&format!("{}/page?kind=employees&", self.issuer())));
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["redirect_uri"], REDIRECT);
        assert_eq!(asked["scope"], "openid email profile");
        assert_eq!(asked["code_challenge_method"], "S256");
        let claims = json!({
            "iss": self.issuer(), "aud": CLIENT, "sub": "subject-1", "nonce": asked["nonce"],
            "iat": now, "exp": now + 300,
        });
        (asked, claims)
    }

    fn grant(
        &self,
        asked: &HashMap<String, String>,
        id_token: String,
        user_info: Value,
    ) -> (String, String) {
        let mut inner = self.inner();
        inner.codes += 1;
        let code = format!("code-{}", inner.codes);
        let challenge = asked["code_challenge"].clone();
        inner.grants.insert(code.clone(), Grant { challenge, id_token, user_info });
        (asked["state"].clone(), code)
    }
}

impl Drop for TestProvider {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.server.take() {
            drop(handle.stop(false));
            let _ = thread.join();
        }
    }
}

async fn discovery(shared: Data<Mutex<Inner>>) -> HttpResponse {
    let inner = shared.lock().unwrap();
    let issuer = &inner.issuer;
    HttpResponse::Ok().json(json!({
        "issuer": inner.claimed_issuer,
        "authorization_endpoint": format!("{issuer}/page?kind=employees"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/user"),
        // It would take anything, so that refusing is up to the client.
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA", "HS256", "none"],
        "token_endpoint_auth_methods_supported": inner.auth_methods,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
    }))
}

async fn keys(shared: Data<Mutex<Inner>>) -> HttpResponse {
    let mut inner = shared.lock().unwrap();
    inner.keys_fetched += 1;
    // Beside it one that no client knows what to do with, and one that is for something else.
    let encryption =
        json!({"kty": "RSA", "use": "enc", "kid": inner.key.id, "n": "AQAB", "e": "AQAB"});
    let unknown = json!({"kty": "OKP", "crv": "Ed448", "kid": "odd", "x": "AA"});
    HttpResponse::Ok().json(json!({"keys": [unknown, encryption, inner.key.public()]}))
}

async fn token(
    shared: Data<Mutex<Inner>>,
    request: HttpRequest,
    form: Form<HashMap<String, String>>,
) -> HttpResponse {
    let mut inner = shared.lock().unwrap();
    match inner.mood {
        Mood::Well => {}
        Mood::Down => return HttpResponse::ServiceUnavailable().finish(),
        Mood::Redirecting => {
            let elsewhere = format!("{}/user", inner.issuer);
            return HttpResponse::TemporaryRedirect().insert_header((LOCATION, elsewhere)).finish();
        }
        Mood::Endless => return HttpResponse::Ok().body(" ".repeat(2 * 1024 * 1024)),
        Mood::Garbled => return HttpResponse::Ok().body("<html>"),
    }
    let refused = |error: &str| HttpResponse::BadRequest().json(json!({"error": error}));
    let sent = |name: &str| form.get(name).map(String::as_str);
    let basic = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap());
    let by_basic = basic.is_some_and(|value| {
        let form: String = url::form_urlencoded::byte_serialize(inner.secret.as_bytes()).collect();
        value == format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{form}")))
    });
    let by_post = sent("client_id") == Some(CLIENT) && basic.is_none();
    let known = match inner.auth_methods[0] {
        "client_secret_basic" => by_basic && sent("client_secret").is_none(),
        "client_secret_post" => by_post && sent("client_secret") == Some(&inner.secret),
        _ => by_post && sent("client_secret").is_none(),
    };
    if !known {
        return HttpResponse::Unauthorized().json(json!({"error": "invalid_client"}));
    }
    if sent("grant_type") != Some("authorization_code") || sent("redirect_uri") != Some(REDIRECT) {
        return refused("invalid_request");
    }
    let code = sent("code").unwrap_or_default();
    let Some(grant) = inner.grants.remove(code) else { return refused("invalid_grant") };
    let verifier = sent("code_verifier").unwrap_or_default();
    assert!((43..=128).contains(&verifier.len()));
    if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != grant.challenge {
        return refused("invalid_grant");
    }
    let access_token = format!("access-{code}");
    inner.user_infos.insert(access_token.clone(), grant.user_info);
    HttpResponse::Ok().json(json!({
        "access_token": access_token, "token_type": "Bearer", "id_token": grant.id_token,
    }))
}

async fn user_info(shared: Data<Mutex<Inner>>, request: HttpRequest) -> HttpResponse {
    let inner = shared.lock().unwrap();
    let token = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match inner.user_infos.get(token) {
        Some(about) => HttpResponse::Ok().json(about),
        None => HttpResponse::Unauthorized().finish(),
    }
}
