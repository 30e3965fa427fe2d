//! Company (Unternehmen): master data shared in the network.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{CompanyId, DistrictId, TagId};
use crate::industry::{Classification, Industry, IndustryInput};
use crate::organisation::{Address, OrganisationSort, Origin, checked_website};
use crate::size_class::{Size, SizeClass, SizeInput};

codes! {
    /// Rechtsform.
    "legal_form" LegalForm {
        SoleProprietorship, Ek, Gbr, Ohg, Kg, GmbhCoKg, Ug, Gmbh, Ggmbh, Ag, Se, Eg, Ev,
        Foundation, PublicBody, Freelance, Other,
    }
}

impl LegalForm {
    /// Whether the company is a person, so that its name and address are personal data.
    #[must_use]
    pub fn is_a_person(self) -> bool {
        matches!(self, Self::SoleProprietorship | Self::Ek | Self::Freelance)
    }
}

codes! {
    "company_status" CompanyStatus { Prospect, Active, Dormant, DoNotContact }
}

codes! {
    /// How a company heard of the service.
    "heard_of_us" HeardOfUs {
        EmployerService, Chamber, Authority, IqProject, Event, Internet, SocialMedia, Press,
        Recommendation, ColdApproach, Returning, Other,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Musterwerk Metallbau GmbH",
    "legal_form": "gmbh",
    "register_number": "HRB 00000 Frankfurt am Main",
    "website": "https://musterwerk.example",
    "address": {"street": "Musterweg 1", "postcode": "60311", "city": "Frankfurt am Main"},
    "district_id": "01890000-0000-7000-8000-000006412000",
    "industry": {"classification": "wz2008", "code": "25.61"},
    "size": {"staff": 42, "turnover_eur": 8_000_000, "reference_year": 2024, "basis": "self_declared"},
    "collective_agreement": true,
    "heard_of_us": "chamber"
}))]
pub struct CompanyInput {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    pub legal_form: Option<LegalForm>,
    /// Commercial, co-operative or society register, with its court.
    #[schema(max_length = 100)]
    pub register_number: Option<String>,
    /// Umsatzsteuer-Identifikationsnummer, country code first.
    #[schema(max_length = 20)]
    pub vat_id: Option<String>,
    #[schema(max_length = 200)]
    pub website: Option<String>,
    #[serde(default)]
    pub address: Address,
    /// District of the seat.
    pub district_id: Option<DistrictId>,
    pub industry: Option<IndustryInput>,
    pub size: Option<SizeInput>,
    /// Whether the company has employed people from abroad.
    pub foreign_staff_experience: Option<bool>,
    /// Whether a collective agreement (Tarifvertrag) applies.
    pub collective_agreement: Option<bool>,
    pub heard_of_us: Option<HeardOfUs>,
    #[serde(default = "active")]
    pub status: CompanyStatus,
}

fn active() -> CompanyStatus {
    CompanyStatus::Active
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Company {
    pub id: CompanyId,
    pub name: String,
    #[schema(required)]
    pub legal_form: Option<LegalForm>,
    #[schema(required)]
    pub register_number: Option<String>,
    #[schema(required)]
    pub vat_id: Option<String>,
    #[schema(required)]
    pub website: Option<String>,
    pub address: Address,
    #[schema(required)]
    pub district: Option<Reference>,
    #[schema(required)]
    pub industry: Option<Industry>,
    /// The figures, the EU size class derived from them, and why.
    #[schema(required)]
    pub size: Option<Size>,
    #[schema(required)]
    pub foreign_staff_experience: Option<bool>,
    #[schema(required)]
    pub collective_agreement: Option<bool>,
    #[schema(required)]
    pub heard_of_us: Option<HeardOfUs>,
    pub status: CompanyStatus,
    pub origin: Origin,
    #[schema(required)]
    pub archived: Option<Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CompanyFilter {
    /// Part of the name; case, umlauts, accents and punctuation do not matter.
    #[param(example = "muller")]
    pub q: Option<String>,
    pub district_id: Option<DistrictId>,
    pub status: Option<CompanyStatus>,
    pub size_class: Option<SizeClass>,
    pub classification: Option<Classification>,
    /// Section letter; goes with `classification`.
    pub section: Option<String>,
    /// A tag that the own carrier gave.
    pub tag_id: Option<TagId>,
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
    /// `name` (the default), `-name` or `-updated_at`.
    #[param(inline)]
    pub sort: Option<OrganisationSort>,
}

impl Company {
    /// `district` is the one that the input names.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: CompanyId,
        now: DateTime<Utc>,
        input: &CompanyInput,
        district: Option<Reference>,
    ) -> Result<Self> {
        Self::checked(id, now, input, district, None)
    }

    /// `known` is the VAT id that is on record.
    fn checked(
        id: CompanyId,
        now: DateTime<Utc>,
        input: &CompanyInput,
        district: Option<Reference>,
        known: Option<&str>,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        if let Some(size) = &input.size {
            size.check(&mut checks);
        }
        let company = Self {
            id,
            name: checks.line("/name", &input.name, 200),
            legal_form: input.legal_form,
            register_number: checks.optional_line(
                "/register_number",
                input.register_number.as_deref(),
                100,
            ),
            vat_id: checked_vat_id(&mut checks, input.vat_id.as_deref(), known),
            website: checked_website(&mut checks, input.website.as_deref()),
            address: input.address.checked(&mut checks),
            district,
            industry: input.industry.as_ref().and_then(|industry| industry.checked(&mut checks)),
            size: input.size.as_ref().map(crate::size_class::derive),
            foreign_staff_experience: input.foreign_staff_experience,
            collective_agreement: input.collective_agreement,
            heard_of_us: input.heard_of_us,
            status: input.status,
            origin: Origin::Entered,
            archived: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        // A name of punctuation alone could never be found again.
        checks.require(
            company.name.is_empty() || !crate::name::fold(&company.name).is_empty(),
            "/name",
            "no_letters",
            "must have letters or digits",
        );
        checks.finish()?;
        Ok(company)
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is archived.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        input: &CompanyInput,
        district: Option<Reference>,
    ) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        let new = Self::checked(self.id, now, input, district, self.vat_id.as_deref())?;
        Ok(Self {
            version: self.version + 1,
            created_at: self.created_at,
            origin: self.origin,
            ..new
        })
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

/// # Errors
/// `Conflict` when the record is archived: it no longer changes.
pub fn check_not_archived(archived: Option<&Archived>) -> Result<()> {
    match archived {
        None => Ok(()),
        Some(archived) => Err(Error::conflict(
            "archived",
            format!("The record was archived on {}.", crate::time::local_date(archived.at)),
        )),
    }
}

fn checked_vat_id(
    checks: &mut Checks,
    vat_id: Option<&str>,
    known: Option<&str>,
) -> Option<String> {
    let vat_id: String = checks
        .optional_line("/vat_id", vat_id, 20)?
        .split_whitespace()
        .collect::<String>()
        .to_uppercase();
    let is_formed = (4..=14).contains(&vat_id.len())
        && vat_id.bytes().take(2).all(|b| b.is_ascii_uppercase())
        && vat_id.bytes().all(|b| b.is_ascii_alphanumeric());
    checks.require(
        is_formed,
        "/vat_id",
        "not_a_vat_id",
        "must be a VAT id with its country code, such as DE123456788",
    );
    // What is on record from before check digits were looked at must not be in the way of other changes.
    checks.require(
        !is_formed || known == Some(vat_id.as_str()) || crate::vat_id::fits(&vat_id) != Some(false),
        "/vat_id",
        "wrong_check_digits",
        "must have the length and the check digits of its country; look for a typing error",
    );
    Some(vat_id)
}

impl Company {
    /// Whether it is a person (sole trader, freelancer).
    #[must_use]
    pub fn is_a_person(&self) -> bool {
        self.legal_form.is_some_and(LegalForm::is_a_person)
    }
}

impl From<&Company> for CompanyInput {
    fn from(company: &Company) -> Self {
        Self {
            name: company.name.clone(),
            legal_form: company.legal_form,
            register_number: company.register_number.clone(),
            vat_id: company.vat_id.clone(),
            website: company.website.clone(),
            address: company.address.clone(),
            district_id: company.district.as_ref().map(|district| district.id.into()),
            industry: company.industry.as_ref().map(Into::into),
            size: company.size.as_ref().map(Into::into),
            foreign_staff_experience: company.foreign_staff_experience,
            collective_agreement: company.collective_agreement,
            heard_of_us: company.heard_of_us,
            status: company.status,
        }
    }
}

impl Entity for Company {
    const KIND: EntityKind = EntityKind::Company;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_vat_id_that_is_new_is_checked_for_its_digits() {
        let now = "2026-03-16T09:00:00Z".parse().unwrap();
        let input = |vat_id: &str| -> CompanyInput {
            serde_json::from_value(json!({"name": "A", "vat_id": vat_id})).unwrap()
        };
        let new = |vat_id: &str| Company::new(CompanyId(Uuid::nil()), now, &input(vat_id), None);
        let company = new("de 123 456 788").unwrap();
        assert_eq!(company.vat_id.as_deref(), Some("DE123456788"));
        assert!(new("DE123456789").is_err() && new("DE12345678").is_err());
        assert!(new("CHE123456788").is_ok(), "no rule is known");

        let stored = Company { vat_id: Some("DE123456789".to_owned()), ..company };
        let renamed = CompanyInput { name: "B".to_owned(), ..CompanyInput::from(&stored) };
        assert_eq!(stored.changed(now, &renamed, None).unwrap().vat_id, stored.vat_id);
        assert!(stored.changed(now, &input("DE123456780"), None).is_err());
        assert!(stored.changed(now, &input("DE123456788"), None).is_ok());
    }
}
