//! The client of an OpenID Connect provider (`OpenID` Connect Core 1.0): discovery, keys, the code flow
//! with PKCE (RFC 7636), ID tokens. It is the only place that makes requests of its own.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use lotse_app::Clock;
use lotse_app::sso::{Begun, Taken};
use lotse_domain::sso::Identity;
use lotse_domain::{Error, Result};
use reqwest::{RequestBuilder, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

const CONNECT: Duration = Duration::from_secs(3);
const TOTAL: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 1024 * 1024;
/// How long the provider's metadata and keys are taken as they are.
const KNOWN_FOR: TimeDelta = TimeDelta::hours(1);
/// For an unknown key the keys are fetched again, but not more often than this.
const KEYS_PAUSE: TimeDelta = TimeDelta::seconds(10);
/// The provider's clock may differ by this much.
const LEEWAY_SECONDS: f64 = 60.0;

/// Where the provider is and what this installation is to it.
#[derive(Clone)]
pub struct OidcSettings {
    pub issuer: String,
    pub client_id: String,
    /// Empty for a public client.
    pub client_secret: String,
    pub scopes: String,
    pub redirect_url: String,
    /// The claim with the groups; none when nobody asks for them.
    pub groups_claim: Option<String>,
}

/// Why there is no identity.
#[derive(Debug)]
pub enum Failure {
    /// The provider refused, or what it gave does not hold. The reason is for the log.
    Refused(String),
    /// It does not answer, or not as a provider does.
    Unavailable(Box<dyn StdError + Send + Sync>),
}

impl Failure {
    fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }

    fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable(reason.into().into())
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

pub struct Provider {
    settings: OidcSettings,
    client: reqwest::Client,
    clock: Clock,
    known: Mutex<Option<Arc<Known>>>,
}

struct Known {
    metadata: Metadata,
    keys: JwkSet,
    metadata_at: DateTime<Utc>,
    keys_at: DateTime<Utc>,
}

/// What is read of the discovery document (`OpenID` Connect Discovery 1.0).
#[derive(Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default = "rs256")]
    id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default = "secret_basic")]
    token_endpoint_auth_methods_supported: Vec<String>,
}

// What holds when the document does not say.
fn rs256() -> Vec<String> {
    vec!["RS256".to_owned()]
}

fn secret_basic() -> Vec<String> {
    vec!["client_secret_basic".to_owned()]
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct OauthError {
    error: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    // One or several.
    aud: Value,
    azp: Option<String>,
    // NumericDate (RFC 7519) may have a fraction.
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// Whether an address is safe to send secrets to: `https`, or this machine.
#[must_use]
pub fn is_safe_address(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    (url.scheme() == "https" || url.scheme() == "http" && here)
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

impl Provider {
    /// # Errors
    /// When the system has no certificates to check the provider's with.
    pub fn new(settings: OidcSettings, clock: Clock) -> Result<Self> {
        let mut client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            // An address that the provider did not name in its metadata gets no secrets.
            .redirect(reqwest::redirect::Policy::none())
            // Log-ins are rare, and each worker has a runtime of its own that a connection is tied to.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("lotse/", env!("CARGO_PKG_VERSION")));
        if settings.issuer.starts_with("http://") {
            // On this machine: there is no certificate to check, nor need there be any to check with.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            Error::internal(format!("cannot check the certificate of oidc_issuer: {cause}"))
        })?;
        Ok(Self { settings, client, clock, known: Mutex::default() })
    }

    /// The page of the provider at which log-ins go on.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn authorization_endpoint(&self) -> Result<Url, Failure> {
        let known = self.known().await?;
        Url::parse(&known.metadata.authorization_endpoint)
            .map_err(|error| Failure::Unavailable(error.into()))
    }

    /// That page for one log-in.
    pub fn authorization_url(&self, mut endpoint: Url, begun: &Begun) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier.as_bytes()));
        endpoint
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect_url)
            .append_pair("scope", &self.settings.scopes)
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        endpoint.into()
    }

    /// Whom the provider gave a code for. `issuer` is the one that the browser was sent back with: an
    /// answer of another provider is not taken to this one (RFC 9207).
    ///
    /// # Errors
    /// `Refused` when the code or the ID token does not hold, `Unavailable`.
    pub async fn identity(
        &self,
        code: &str,
        issuer: Option<&str>,
        taken: &Taken,
    ) -> Result<Identity, Failure> {
        if issuer.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(Failure::refused("the answer is of another issuer"));
        }
        let answer = self.exchange(code, &taken.verifier).await?;
        let claims = self.checked(&answer.id_token, &taken.nonce).await?;
        let mut about = claims.more;
        // An address and whether it was verified come from one place, or they may not be of each other.
        let has_email = about.contains_key("email") && about.contains_key("email_verified");
        if !has_email {
            about.remove("email");
            about.remove("email_verified");
        }
        let claim = self.settings.groups_claim.as_ref();
        if !has_email || claim.is_some_and(|claim| !about.contains_key(claim)) {
            // Many providers put little into the ID token when there is an access token to ask with.
            for (name, value) in self.user_info(&claims.sub, answer.access_token).await? {
                about.entry(name).or_insert(value);
            }
        }
        let text = |name: &str| about.get(name).and_then(Value::as_str);
        // Some providers send it as text.
        let verified = match about.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(verified)) => verified == "true",
            _ => false,
        };
        Identity::new(
            &self.settings.issuer,
            &claims.sub,
            text("email").filter(|_| verified),
            text("name").or_else(|| text("preferred_username")),
            groups(claim.and_then(|claim| about.get(claim))),
        )
        .ok_or_else(|| Failure::refused("the subject is empty or too long"))
    }

    /// Metadata and keys, fetched when they are not known or old. Two workers may both fetch them:
    /// that does no harm, and nobody waits for a lock.
    async fn known(&self) -> Result<Arc<Known>, Failure> {
        let now = self.clock.now();
        if let Some(known) = self.remembered().filter(|known| now < known.metadata_at + KNOWN_FOR) {
            return Ok(known);
        }
        let issuer = &self.settings.issuer;
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = json(&self.fetch_ok(self.client.get(address)).await?)?;
        if metadata.issuer != *issuer {
            return Err(Failure::unavailable(format!(
                "the provider calls itself {:?}, not as oidc_issuer does",
                metadata.issuer
            )));
        }
        let addresses = [
            Some(&metadata.authorization_endpoint),
            Some(&metadata.token_endpoint),
            Some(&metadata.jwks_uri),
            metadata.userinfo_endpoint.as_ref(),
        ];
        if let Some(unsafe_one) = addresses.into_iter().flatten().find(|a| !is_safe_address(a)) {
            return Err(Failure::unavailable(format!("the provider names {unsafe_one:?}")));
        }
        let keys = self.fetch_keys(&metadata).await?;
        Ok(self.remember(Known { metadata, keys, metadata_at: now, keys_at: now }))
    }

    fn remembered(&self) -> Option<Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        known
    }

    async fn fetch_keys(&self, metadata: &Metadata) -> Result<JwkSet, Failure> {
        json(&self.fetch_ok(self.client.get(&metadata.jwks_uri)).await?)
    }

    async fn exchange(&self, code: &str, verifier: &str) -> Result<TokenAnswer, Failure> {
        let OidcSettings { client_id, client_secret, redirect_url, .. } = &self.settings;
        let metadata = &self.known().await?.metadata;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_url),
            ("code_verifier", verifier),
        ];
        let mut request = self.client.post(&metadata.token_endpoint);
        let takes = |method: &str| {
            metadata.token_endpoint_auth_methods_supported.iter().any(|taken| taken == method)
        };
        if client_secret.is_empty() {
            form.push(("client_id", client_id));
        } else if takes("client_secret_post") && !takes("client_secret_basic") {
            form.push(("client_id", client_id));
            form.push(("client_secret", client_secret));
        } else {
            // RFC 6749 section 2.3.1: encoded as in a form first.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let (name, password): (String, String) = (encoded(client_id), encoded(client_secret));
            request = request.basic_auth(name, Some(password));
        }
        let (status, body) = self.fetch(request.form(&form)).await?;
        if status.is_success() {
            return json(&body);
        }
        match serde_json::from_slice::<OauthError>(&body) {
            // A code that was made up, used or given to somebody else; or a wrong client secret.
            Ok(OauthError { error }) if matches!(status.as_u16(), 400 | 401 | 403) => {
                let error: String = error.chars().filter(char::is_ascii_graphic).take(64).collect();
                Err(Failure::Refused(format!("the token endpoint says {error}")))
            }
            _ => Err(Failure::unavailable(format!("the token endpoint answers {status}"))),
        }
    }

    /// What the provider says of the subject of an ID token (section 5.3).
    async fn user_info(
        &self,
        subject: &str,
        access_token: Option<String>,
    ) -> Result<Map<String, Value>, Failure> {
        let known = self.known().await?;
        let (Some(endpoint), Some(token)) = (&known.metadata.userinfo_endpoint, access_token)
        else {
            return Ok(Map::new());
        };
        let about: Map<String, Value> =
            json(&self.fetch_ok(self.client.get(endpoint).bearer_auth(token)).await?)?;
        if about.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(Failure::refused("the user info is of somebody else"));
        }
        Ok(about)
    }

    /// The claims of an ID token that holds (section 3.1.3.7).
    async fn checked(&self, token: &str, nonce: &str) -> Result<Claims, Failure> {
        let settings = &self.settings;
        let header =
            decode_header(token).map_err(|_| Failure::refused("the ID token is malformed"))?;
        let known = self.known().await?;
        let supported = &known.metadata.id_token_signing_alg_values_supported;
        if header.crit.is_some() {
            return Err(Failure::refused("the ID token asks for an extension (crit)"));
        }
        if !is_asymmetric(header.alg) || !supported.contains(&format!("{:?}", header.alg)) {
            return Err(Failure::refused("the ID token is signed in a way that is not taken"));
        }
        let key = self.key(&known, &header).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.client_id]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        // Times are compared with the clock of the app, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = decode::<Claims>(token, &key, &validation)
            .map_err(|error| match error.kind() {
                // It would quote a claim.
                ErrorKind::Json(_) => Failure::refused("the claims have another shape"),
                _ => Failure::Refused(format!("the ID token does not hold: {error}")),
            })?
            .claims;

        let for_us = claims.azp.as_ref().is_none_or(|party| *party == settings.client_id);
        let shared = claims.aud.as_array().is_some_and(|all| all.len() > 1);
        if !for_us || shared && claims.azp.is_none() {
            return Err(Failure::refused("the ID token is for another client"));
        }
        if claims.nonce.as_deref() != Some(nonce) {
            return Err(Failure::refused("the ID token is of another log-in"));
        }
        #[expect(clippy::cast_precision_loss, reason = "exact for some hundred million years")]
        let now = self.clock.now().timestamp() as f64;
        if now >= claims.exp + LEEWAY_SECONDS {
            return Err(Failure::refused("the ID token has expired"));
        }
        let begins = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        if now + LEEWAY_SECONDS < begins {
            return Err(Failure::refused("the ID token is from the future"));
        }
        Ok(claims)
    }

    async fn key(&self, known: &Known, header: &Header) -> Result<DecodingKey, Failure> {
        if let Some(key) = key_in(&known.keys, header) {
            return Ok(key);
        }
        // The provider may have changed its keys since.
        let now = self.clock.now();
        if now >= known.keys_at + KEYS_PAUSE {
            let metadata = known.metadata.clone();
            let keys = self.fetch_keys(&metadata).await?;
            let metadata_at = known.metadata_at;
            let known = self.remember(Known { metadata, keys, metadata_at, keys_at: now });
            if let Some(key) = key_in(&known.keys, header) {
                return Ok(key);
            }
        }
        Err(Failure::refused("the ID token is signed with an unknown key"))
    }

    async fn fetch(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failure> {
        let mut response = request.header(header::ACCEPT, "application/json").send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::unavailable("the provider's answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status(), body))
    }

    async fn fetch_ok(&self, request: RequestBuilder) -> Result<Vec<u8>, Failure> {
        match self.fetch(request).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => Err(Failure::unavailable(format!("the provider answers {status}"))),
        }
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    // The error would quote the body, which may be a token.
    serde_json::from_slice(body)
        .map_err(|_| Failure::unavailable("the provider's answer has another shape"))
}

/// A key that is public must not be taken for a secret, and no signature at all is none.
fn is_asymmetric(algorithm: Algorithm) -> bool {
    !matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

/// The key that a token names, or the only one of its kind.
fn key_in(keys: &JwkSet, header: &Header) -> Option<DecodingKey> {
    let fits = |jwk: &&Jwk| {
        let common = &jwk.common;
        (header.kid.is_none() || common.key_id == header.kid)
            && common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
            && common.key_algorithm.is_none_or(|of| of == header.alg.into())
    };
    let mut fitting = keys.keys.iter().filter(fits).filter_map(|jwk| {
        DecodingKey::from_jwk(jwk).ok().filter(|key| key.family() == header.alg.family())
    });
    let key = fitting.next()?;
    (header.kid.is_some() || fitting.next().is_none()).then_some(key)
}

fn groups(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(all)) => {
            all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_safe_address;

    #[test]
    fn only_https_and_this_machine_are_safe() {
        for safe in [
            "https://login.example/realms/lotse",
            "http://localhost:8081/realms/lotse",
            "http://127.0.0.1:1",
            "http://[::1]:1/",
        ] {
            assert!(is_safe_address(safe), "{safe}");
        }
        for other in [
            "http://login.example/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://localhost@login.example/",
            "https://user:secret@login.example/",
            "https://login.example/#x",
            "ftp://localhost/",
            "login.example",
            "",
        ] {
            assert!(!is_safe_address(other), "{other}");
        }
    }
}
