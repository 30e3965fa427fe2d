//! Access tokens: JWT (RFC 7519) signed with EdDSA (RFC 8037). A token proves which session of whom it
//! was given for and nothing else; whether the session still holds, and is that user's, is looked up
//! with every request.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use lotse_app::Clock;
use lotse_domain::id::{SessionId, UserId};
use lotse_domain::session::ACCESS_TOKEN_SECONDS;
use lotse_domain::{Error, Result};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const AUDIENCE: &str = "lotse-api";
/// Clocks of several servers may differ by this much.
const LEEWAY_SECONDS: i64 = 30;
/// Tokens whose signature was checked; some 400 bytes each.
const REMEMBERED: usize = 10_000;

/// The private key in PKCS#8 PEM.
pub struct SigningKey(String);

impl SigningKey {
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self> {
        let key = ed25519_dalek::SigningKey::from_bytes(&rand::random());
        key.to_pkcs8_pem(LineEnding::LF)
            .map(|pem| Self(pem.to_string()))
            .map_err(|error| Error::internal(error.to_string()))
    }

    #[must_use]
    pub fn from_pem(pem: String) -> Self {
        Self(pem)
    }

    #[must_use]
    pub fn pem(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Signs and checks access tokens.
pub struct Keys {
    clock: Clock,
    issuer: String,
    key_id: String,
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    /// A client sends the same token for a quarter of an hour; its signature is checked once. What is
    /// remembered is the token itself, not its hash, so another token can never pass for it.
    checked: Cache<String, (UserId, SessionId, i64, i64)>,
}

impl Keys {
    /// `issuer` is the public address of the installation.
    ///
    /// # Errors
    /// When the key is not an Ed25519 private key in PKCS#8 PEM.
    pub fn new(key: &SigningKey, issuer: &str, clock: Clock) -> Result<Self> {
        let wrong =
            |_| Error::internal("the signing key must be an Ed25519 private key in PKCS#8 PEM");
        let public = ed25519_dalek::SigningKey::from_pkcs8_pem(key.pem())
            .map_err(wrong)?
            .verifying_key()
            .to_bytes();
        let internal = |error: jsonwebtoken::errors::Error| Error::Internal(error.into());
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "nbf", "sub"]);
        // Times are compared with the clock of the app, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self {
            clock,
            issuer: issuer.to_owned(),
            key_id: URL_SAFE_NO_PAD.encode(&Sha256::digest(public)[..12]),
            signing: EncodingKey::from_ed_pem(key.pem().as_bytes()).map_err(internal)?,
            checking: DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(public))
                .map_err(internal)?,
            validation,
            checked: Cache::new(REMEMBERED),
        })
    }

    /// # Errors
    /// When the token cannot be signed.
    pub fn sign(&self, user: UserId, session: SessionId) -> Result<String> {
        let now = self.clock.now().timestamp();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            iat: now,
            nbf: now,
            exp: now + ACCESS_TOKEN_SECONDS,
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, &self.signing).map_err(|error| Error::Internal(error.into()))
    }

    /// The user and the session that a token was given for.
    ///
    /// # Errors
    /// `Unauthenticated` when it is not ours or its time is over.
    pub fn check(&self, token: &str) -> Result<(UserId, SessionId)> {
        const REFUSED: Error = Error::Unauthenticated("The access token does not hold.");
        let (user, session, nbf, exp) = if let Some(checked) = self.checked.get(token) {
            checked
        } else {
            let decoded =
                decode::<Claims>(token, &self.checking, &self.validation).map_err(|_| REFUSED)?;
            if decoded.header.kid.as_deref() != Some(&self.key_id) {
                return Err(REFUSED);
            }
            let claims = decoded.claims;
            let checked = (claims.sub, claims.sid, claims.nbf, claims.exp);
            self.checked.insert(token.to_owned(), checked);
            checked
        };
        let now = self.clock.now().timestamp();
        if now >= exp {
            return Err(Error::Unauthenticated("The access token has expired."));
        }
        if now + LEEWAY_SECONDS < nbf {
            return Err(REFUSED);
        }
        Ok((user, session))
    }
}
