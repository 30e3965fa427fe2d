//! The second factor of a log-in: codes of an authenticator app (TOTP, RFC 6238), and recovery codes
//! for the day that the phone is gone.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Totp};
use utoipa::ToSchema;

use crate::error::{Error, Result};

/// 160 bits, as RFC 4226 recommends.
pub const SECRET_BYTES: usize = 20;
pub const RECOVERY_CODES: usize = 10;
/// 80 bits: nobody guesses one, also not with the hashes at hand.
pub const RECOVERY_CODE_BYTES: usize = 10;

/// Where the caller's second factor stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecondFactor {
    /// Whether log-in asks for a code.
    pub enabled: bool,
    /// Whether the caller's role must have one.
    pub required: bool,
    /// Since when it is enabled.
    #[schema(required)]
    pub since: Option<DateTime<Utc>>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: i64,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "correct horse battery staple"}))]
pub struct OwnPasswordInput {
    /// The current password: who found an open session does not get to change the log-in.
    #[schema(format = Password, max_length = 1024)]
    pub password: String,
}

/// What an authenticator app takes. Shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SecondFactorSecret {
    /// Base32, to type in.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub secret: String,
    /// The same to show as a QR code.
    #[schema(
        example = "otpauth://totp/Lotse:ada%40demo.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Lotse"
    )]
    pub url: String,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "492039"}))]
pub struct CodeInput {
    /// The six digits that the app shows.
    pub code: String,
}

/// Shown once. Each stands in for a code of the app, once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    #[schema(example = json!(["k7fq-mw3x-pe2h-rcd9"]))]
    pub codes: Vec<String>,
}

/// The secret as an app takes it.
///
/// # Errors
/// When the log-in name cannot be part of an address.
pub fn for_app(secret: &[u8], account: &str) -> Result<SecondFactorSecret> {
    let totp = totp(secret, account)?;
    let url = totp.to_url().map_err(|error| Error::Internal(error.into()))?;
    Ok(SecondFactorSecret { secret: totp.secret().to_base32(), url })
}

/// The time step that a code is of: now, or the one before or after, for clocks that differ. A code is
/// good once, so the caller keeps the step and takes none that is not later.
///
/// # Errors
/// When the stored secret is none.
pub fn step_of(secret: &[u8], code: &str, now: DateTime<Utc>) -> Result<Option<i64>> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let step = totp(secret, "account")?.check(&code, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn totp(secret: &[u8], account: &str) -> Result<Totp> {
    // What apps take without asking: SHA-1, six digits, thirty seconds.
    Builder::new()
        .with_secret(secret)
        .with_account_name(account)
        .with_issuer(Some("Lotse"))
        .build()
        .map_err(|error| Error::Internal(error.into()))
}

/// A recovery code to write down: `xxxx-xxxx-xxxx-xxxx`.
#[must_use]
pub fn recovery_code(random: [u8; RECOVERY_CODE_BYTES]) -> String {
    // Without letters and digits that are mistaken for one another.
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let bits = random.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let letters: Vec<char> =
        (0..16).map(|place| char::from(LETTERS[(bits >> (place * 5)) as usize & 31])).collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// A recovery code as somebody types it.
#[must_use]
pub fn typed_recovery_code(code: &str) -> String {
    let letters: Vec<char> =
        code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, the last six of its eight digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")]
        {
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            assert_eq!(step_of(secret, code, now).unwrap(), Some(seconds / 30));
            let spaced = format!("{} {}", &code[..3], &code[3..]);
            assert!(step_of(secret, &spaced, now).unwrap().is_some());
            let late = DateTime::from_timestamp(seconds + 60, 0).unwrap();
            assert_eq!(step_of(secret, code, late).unwrap(), None);
        }
        for junk in ["", "1", "28708", "2870821", "ääääää", "-87082"] {
            assert_eq!(step_of(secret, junk, DateTime::default()).unwrap(), None, "{junk}");
        }
    }

    #[test]
    fn an_app_gets_an_address() {
        let secret = for_app(b"12345678901234567890", "ada@demo.example").unwrap();
        assert_eq!(secret.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(secret.url.starts_with("otpauth://totp/Lotse:ada%40demo"), "{}", secret.url);
    }

    #[test]
    fn a_recovery_code_is_found_however_it_is_typed() {
        let code = recovery_code([7, 1, 255, 30, 8, 99, 0, 170, 5, 61]);
        assert_eq!(code.len(), 19);
        assert_eq!(typed_recovery_code(&code.to_uppercase().replace('-', " ")), code);
        assert_eq!(typed_recovery_code(&code), code);
        assert_ne!(recovery_code([7, 1, 255, 30, 8, 99, 0, 170, 5, 62]), code);
    }
}
