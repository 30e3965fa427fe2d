//! Log-in, tokens and the caller's own account.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zxcvbn::{Score, zxcvbn};

use crate::check::Checks;
use crate::entity::Reference;
use crate::error::Result;
use crate::id::{SessionId, UserId};
use crate::policy::{Action, Role};

/// How long an access token holds. Short, because it is only a proof of the session's id.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;
/// A session ends this long after log-in, however often it is refreshed.
pub const SESSION_HOURS: i64 = 12;
/// Failed attempts that are free. A person mistypes; a program goes on.
pub const FREE_ATTEMPTS: i32 = 5;
/// The longest that an account is held after failed attempts.
pub const MAX_BACK_OFF_SECONDS: i64 = 15 * 60;

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "adviser@demo.example", "password": "correct horse battery staple"}))]
pub struct LoginInput {
    #[schema(format = Email, max_length = 254)]
    pub email: String,
    #[schema(format = Password, max_length = 1024)]
    pub password: String,
    /// Code of the authenticator app, or a recovery code, where the user has a second factor.
    pub code: Option<String>,
    /// Whether the tokens come in cookies that scripts cannot read, instead of in the body.
    #[serde(default)]
    #[schema(default = false)]
    pub cookies: bool,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "Tm90IGEgcmVhbCB0b2tlbiwganVzdCBhbiBleGFtcGxl"}))]
pub struct RefreshInput {
    /// The refresh token of the last answer; absent when it is in a cookie. It works once; using an
    /// old one ends the session.
    pub refresh_token: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "current_password": "correct horse battery staple",
    "new_password": "an even longer one that nobody knows"
}))]
pub struct PasswordInput {
    #[schema(format = Password, max_length = 1024)]
    pub current_password: String,
    /// 12 characters or more, and not one that programs try first.
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    pub new_password: String,
}

/// A session of the caller that is not over.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenSession {
    pub id: SessionId,
    /// When it was logged in.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When its tokens were last renewed.
    pub refreshed_at: DateTime<Utc>,
    /// What the client called itself at log-in (`User-Agent`).
    #[schema(required, example = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")]
    pub client: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// What a log-in answers.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// JWT (RFC 7519) signed with `EdDSA`; goes into `Authorization: Bearer …`. Null when it is in a
    /// cookie.
    #[schema(required)]
    pub access_token: Option<String>,
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Opaque; exchanges for new tokens at `/auth/refresh`. Null when it is in a cookie.
    #[schema(required)]
    pub refresh_token: Option<String>,
}

/// Who the caller is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Of a user or an API key.
    pub id: UserId,
    pub name: String,
    /// Null for an API key.
    #[schema(required, format = Email)]
    pub email: Option<String>,
    pub role: Role,
    /// What the caller may do, so that a client shows no more than that.
    pub permissions: Vec<Action>,
    /// Null for roles that do not work for one carrier.
    #[schema(required)]
    pub carrier: Option<Reference>,
    #[schema(required)]
    pub site: Option<Reference>,
    /// True when the installation holds made-up demonstration data.
    pub synthetic_data: bool,
}

/// Seconds that an account is held after so many failed attempts in a row.
#[must_use]
pub fn back_off_seconds(failures: i32) -> i64 {
    match failures - FREE_ATTEMPTS {
        i32::MIN..=-1 => 0,
        over @ 0..=9 => (1_i64 << over).saturating_mul(2).min(MAX_BACK_OFF_SECONDS),
        _ => MAX_BACK_OFF_SECONDS,
    }
}

/// A password that can be set: length matters and that nobody guesses it, composition rules do not
/// (NIST SP 800-63B). It is looked up in lists of common passwords, names and words, also with a
/// digit at the end, `@` for `a`, or put together from several; `known` is what anybody knows of the
/// user.
///
/// # Errors
/// `Invalid` when it is too short, too long, or easy to guess.
pub fn check_password(pointer: &str, password: &str, known: &[&str]) -> Result<()> {
    let mut checks = Checks::new();
    let length = password.chars().count();
    checks.require(length >= 12, pointer, "too_short", "must have at least 12 characters");
    checks.require(password.len() <= 1024, pointer, "too_long", "must have at most 1024 bytes");
    if length >= 12 {
        let known: Vec<&str> = known.iter().flat_map(|text| text.split(['@', '.', ' '])).collect();
        // Three of four: some 10^8 guesses or more.
        let guessed = zxcvbn(password, &known).score() < Score::Three;
        checks.require(
            !guessed,
            pointer,
            "easy_to_guess",
            "is a common password, a name or a pattern, or close to one",
        );
    }
    checks.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_guessed() {
        let check = |password: &str| {
            check_password("/password", password, &["Ada Musterlotsin", "ada@demo.example"]).is_ok()
        };
        assert!(check("correct horse battery staple"));
        assert!(check("k7fqm-w3xpe-h2rcd"));
        for guessed in [
            "short",
            "passwordpassword",
            "P@ssw0rd12345",
            "qwertzuiopü1",
            "123456789012",
            "adamusterlotsin",
            "aaaaaaaaaaaaaaaa",
            "MusterlotsinAda1",
        ] {
            assert!(!check(guessed), "{guessed}");
        }
    }

    #[test]
    fn the_back_off_grows_and_is_bounded() {
        assert_eq!(back_off_seconds(0), 0);
        assert_eq!(back_off_seconds(4), 0);
        assert_eq!(back_off_seconds(5), 2);
        assert_eq!(back_off_seconds(8), 16);
        assert_eq!(back_off_seconds(1000), MAX_BACK_OFF_SECONDS);
        assert!((0..100).all(|n| back_off_seconds(n) <= back_off_seconds(n + 1)));
    }
}
