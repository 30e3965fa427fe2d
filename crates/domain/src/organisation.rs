//! What companies and actors have in common: both are organisations in one register.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::check::Checks;
use crate::code::codes;
use crate::entity::{EntityKind, Reference};
use crate::id::{DistrictId, OrganisationId, TagId};
use crate::name::fold;

codes! {
    "organisation_kind" OrganisationKind {
        /// Unternehmen.
        Company,
        /// Network actor (Akteur): authority, chamber, association …
        Actor,
    }
}

impl From<OrganisationKind> for EntityKind {
    fn from(kind: OrganisationKind) -> Self {
        match kind {
            OrganisationKind::Company => Self::Company,
            OrganisationKind::Actor => Self::Actor,
        }
    }
}

codes! {
    /// Where a record comes from.
    "origin" Origin {
        Entered,
        /// Made up for demonstration; nobody in it exists.
        Synthetic,
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"street": "Musterweg 1", "postcode": "60311", "city": "Frankfurt am Main", "country": "DE"}))]
pub struct Address {
    #[schema(max_length = 200)]
    pub street: Option<String>,
    /// Five digits in Germany.
    #[schema(max_length = 10)]
    pub postcode: Option<String>,
    #[schema(max_length = 100)]
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2, `DE` unless told.
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: Option<String>,
}

impl Address {
    pub fn checked(&self, checks: &mut Checks) -> Self {
        let country = checks
            .optional_line("/address/country", self.country.as_deref(), 2)
            .unwrap_or_else(|| "DE".to_owned());
        checks.require(
            country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()),
            "/address/country",
            "not_a_country",
            "must be an ISO 3166-1 alpha-2 code such as DE",
        );
        let postcode = checks.optional_line("/address/postcode", self.postcode.as_deref(), 10);
        if let (Some(postcode), "DE") = (&postcode, country.as_str()) {
            checks.require(
                postcode.len() == 5 && postcode.bytes().all(|b| b.is_ascii_digit()),
                "/address/postcode",
                "not_a_postcode",
                "must have five digits in Germany",
            );
        }
        Self {
            street: checks.optional_line("/address/street", self.street.as_deref(), 200),
            postcode,
            city: checks.optional_line("/address/city", self.city.as_deref(), 100),
            country: Some(country),
        }
    }
}

/// A web address as people give it: with or without `https://`, kept with it.
pub fn checked_website(checks: &mut Checks, website: Option<&str>) -> Option<String> {
    let website = checks.optional_line("/website", website, 200)?;
    let (scheme, rest) = website.split_once("://").unwrap_or(("https", &website));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    checks.require(
        matches!(scheme, "http" | "https")
            && host.contains('.')
            && !website.chars().any(char::is_whitespace),
        "/website",
        "not_a_website",
        "must be a web address such as https://firma.example",
    );
    Some(format!("{scheme}://{rest}"))
}

/// The order of companies and of actors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OrganisationSort {
    #[default]
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "-updated_at")]
    UpdatedAtDescending,
}

impl OrganisationSort {
    /// The value that a list in this order is sorted by, as its cursor keeps it.
    #[must_use]
    pub fn key(self, name: &str, updated_at: DateTime<Utc>) -> String {
        match self {
            Self::Name | Self::NameDescending => fold(name),
            Self::UpdatedAtDescending => updated_at.to_rfc3339(),
        }
    }
}

/// A hit of the search over companies and actors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganisationHit {
    pub id: OrganisationId,
    pub kind: OrganisationKind,
    pub name: String,
    #[schema(required)]
    pub city: Option<String>,
    #[schema(required)]
    pub district: Option<Reference>,
    pub archived: bool,
    pub updated_at: DateTime<Utc>,
}

/// An organisation in another record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganisationReference {
    pub id: OrganisationId,
    pub name: String,
    pub kind: OrganisationKind,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OrganisationFilter {
    /// Part of the name; case, umlauts, accents and punctuation do not matter.
    #[param(example = "muller")]
    pub q: Option<String>,
    pub kind: Option<OrganisationKind>,
    pub district_id: Option<DistrictId>,
    /// A tag that the own carrier gave.
    pub tag_id: Option<TagId>,
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
}
