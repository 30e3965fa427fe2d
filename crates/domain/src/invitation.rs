//! Invitations: one-time tokens with which users set their password themselves.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long an invitation holds: over a weekend.
pub const INVITATION_HOURS: i64 = 72;

/// What an administrator hands to the user. Shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// Goes into `POST /auth/invitation`.
    pub token: String,
    /// The link to hand on, when the installation names the page that takes invitations.
    #[schema(required)]
    pub url: Option<String>,
    pub expires_at: DateTime<Utc>,
}

/// The body that takes an invitation.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "Tm90IGEgcmVhbCB0b2tlbiwganVzdCBhbiBleGFtcGxl", "password": "correct horse battery staple"
}))]
pub struct InvitationInput {
    pub token: String,
    /// 12 characters or more, and not one that programs try first.
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    pub password: String,
}
