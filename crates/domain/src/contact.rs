//! Contact (Ansprechperson): a person at an organisation. Unlike the organisation's master data it
//! belongs to the carrier that recorded it, which is its controller under the GDPR.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::company::check_not_archived;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::Result;
use crate::id::{CarrierId, ContactId};
use crate::organisation::OrganisationReference;

const MAX_PURPOSES: usize = 10;

codes! {
    /// What a person's data is used for.
    "purpose" Purpose { Consultation, Reporting, Newsletter, Invitations, Sharing }
}

codes! {
    /// Legal basis of Art. 6 (1) GDPR.
    "legal_basis" LegalBasis {
        /// Art. 6 (1) (a).
        Consent,
        /// Art. 6 (1) (b).
        Contract,
        /// Art. 6 (1) (c).
        LegalObligation,
        /// Art. 6 (1) (e).
        PublicTask,
        /// Art. 6 (1) (f).
        LegitimateInterest,
    }
}

/// On which basis the data is used for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurposeBasis {
    pub purpose: Purpose,
    pub legal_basis: LegalBasis,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Cora Probstadt", "function": "Personalleitung", "email": "cora@musterwerk.example",
    "phone": "+49 69 000000", "language": "de",
    "purposes": [{"purpose": "consultation", "legal_basis": "public_task"}],
    "valid_until": null
}))]
pub struct ContactInput {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(max_length = 200)]
    pub function: Option<String>,
    #[schema(format = Email, max_length = 254)]
    pub email: Option<String>,
    #[schema(max_length = 50)]
    pub phone: Option<String>,
    #[schema(max_length = 50)]
    pub mobile: Option<String>,
    /// ISO 639-1, such as `de`.
    #[schema(pattern = "^[a-z]{2}$")]
    pub language: Option<String>,
    /// Legal basis for each purpose.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub purposes: Vec<PurposeBasis>,
    /// Last day on which the person is known to be the contact.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub valid_until: Option<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    pub id: ContactId,
    pub organisation: OrganisationReference,
    pub carrier: Reference,
    pub name: String,
    #[schema(required)]
    pub function: Option<String>,
    #[schema(required)]
    pub email: Option<String>,
    #[schema(required)]
    pub phone: Option<String>,
    #[schema(required)]
    pub mobile: Option<String>,
    #[schema(required)]
    pub language: Option<String>,
    pub purposes: Vec<PurposeBasis>,
    #[schema(required)]
    pub valid_until: Option<NaiveDate>,
    #[schema(required)]
    pub archived: Option<Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ContactFilter {
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
}

impl Contact {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: ContactId,
        now: DateTime<Utc>,
        input: &ContactInput,
        organisation: OrganisationReference,
        carrier: Reference,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let email = input
            .email
            .as_deref()
            .filter(|email| !email.trim().is_empty())
            .map(|email| checks.email("/email", email));
        let language = checks.optional_line("/language", input.language.as_deref(), 2);
        if let Some(language) = &language {
            checks.require(
                language.len() == 2 && language.bytes().all(|b| b.is_ascii_lowercase()),
                "/language",
                "not_a_language",
                "must be an ISO 639-1 code such as de",
            );
        }
        checks.require(
            input.purposes.len() <= MAX_PURPOSES,
            "/purposes",
            "too_many",
            "must name at most 10",
        );
        for (index, purpose) in input.purposes.iter().enumerate().take(MAX_PURPOSES) {
            let repeated = input.purposes[..index].iter().any(|p| p.purpose == purpose.purpose);
            checks.require(
                !repeated,
                &format!("/purposes/{index}/purpose"),
                "repeated",
                "must name each purpose once",
            );
        }
        let contact = Self {
            id,
            organisation,
            carrier,
            name: checks.line("/name", &input.name, 200),
            function: checks.optional_line("/function", input.function.as_deref(), 200),
            email,
            phone: checks.optional_line("/phone", input.phone.as_deref(), 50),
            mobile: checks.optional_line("/mobile", input.mobile.as_deref(), 50),
            language,
            purposes: input.purposes.clone(),
            valid_until: input.valid_until,
            archived: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.finish()?;
        Ok(contact)
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is archived.
    pub fn changed(&self, now: DateTime<Utc>, input: &ContactInput) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        let new = Self::new(self.id, now, input, self.organisation.clone(), self.carrier.clone())?;
        Ok(Self { version: self.version + 1, created_at: self.created_at, ..new })
    }

    /// # Errors
    /// `Conflict` when it is archived already.
    pub fn archived(&self, now: DateTime<Utc>, reason: String) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        Ok(Self {
            archived: Some(Archived { at: now, reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }
}

impl From<&Contact> for ContactInput {
    fn from(contact: &Contact) -> Self {
        Self {
            name: contact.name.clone(),
            function: contact.function.clone(),
            email: contact.email.clone(),
            phone: contact.phone.clone(),
            mobile: contact.mobile.clone(),
            language: contact.language.clone(),
            purposes: contact.purposes.clone(),
            valid_until: contact.valid_until,
        }
    }
}

impl Entity for Contact {
    const KIND: EntityKind = EntityKind::Contact;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn carrier(&self) -> Option<CarrierId> {
        Some(CarrierId(self.carrier.id))
    }
}
