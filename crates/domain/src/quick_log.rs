//! Quick log (Schnellerfassung): the call that has just ended, in one request. What is not told is what
//! it mostly is: today, the caller's site, the caller.

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actor::{ActorInput, ActorType};
use crate::check::Checks;
use crate::company::{CompanyInput, CompanyStatus, LegalForm};
use crate::consultation::{
    AnonymousInput, Channel, Consultation, ConsultationInput, ConsultationStatus, Outcome,
};
use crate::contact::ContactInput;
use crate::duplicate::Namesake;
use crate::error::{Error, Result};
use crate::id::{
    AccompanimentId, ConsultationId, ContactId, DistrictId, EstablishmentId, EventId,
    OrganisationId, RecruitmentCaseId, SiteId, UserId,
};
use crate::industry::IndustryInput;
use crate::name::fold;
use crate::occupation::OccupationInput;
use crate::organisation::{Address, OrganisationKind};
use crate::policy::Actor;
use crate::referral::{Referral, ReferralInput};
use crate::size_class::SizeInput;
use crate::task::{Task, TaskInput};

/// How many contacts come with a quick log.
pub const MAX_CONTACTS: usize = 5;

/// How many follow-ups, and how many referrals.
pub const MAX_FOLLOW_UPS: usize = 10;

/// An organisation by its id, or by its name.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Musterwerk Metallbau GmbH", "address": {"city": "Hanau"}}))]
pub struct QuickOrganisation {
    /// Whatever else is named here is for a new one only.
    pub id: Option<OrganisationId>,
    /// The one of this name is taken, unless it is of another kind, city or district than is told here.
    /// Where there is none, it is added; where others have this name or a similar one, the answer is 409
    /// with the candidates, unless `create` is true.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Add it although there are others of the same or a similar name.
    #[serde(default)]
    pub create: bool,
    /// What to add: a company unless told.
    pub kind: Option<OrganisationKind>,
    /// Of an actor.
    pub actor_type: Option<ActorType>,
    #[serde(default)]
    pub address: Address,
    pub district_id: Option<DistrictId>,
    /// Of a company.
    pub legal_form: Option<LegalForm>,
    /// Of a company.
    pub industry: Option<IndustryInput>,
    /// Of a company.
    pub size: Option<SizeInput>,
}

/// A contact by its id, or by its name: the one of this name at the organisation, else a new one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Cora Probstadt", "phone": "+49 69 000000"}))]
pub struct QuickContact {
    pub id: Option<ContactId>,
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[schema(max_length = 200)]
    pub function: Option<String>,
    #[schema(format = Email, max_length = 254)]
    pub email: Option<String>,
    #[schema(max_length = 50)]
    pub phone: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "id": "01890000-0000-7000-8000-0000000c0001",
    "organisation": {"name": "Musterwerk Metallbau GmbH", "address": {"city": "Hanau"}},
    "contacts": [{"name": "Cora Probstadt", "phone": "+49 69 000000"}],
    "minutes": 25,
    "channel": "phone",
    "topics": ["fast_track"],
    "occupations": [{"code": "26302", "workers": 2}],
    "follow_ups": [{"title": "Send the checklist for the fast track", "due_on": "2026-03-20"}],
    "notes": "Two electronics technicians from Morocco; fast track explained."
}))]
pub struct QuickLogInput {
    /// Id of the consultation, made by the client (a UUID of version 4 or 7), so that an offline queue
    /// can send it again: a record that the caller has logged under this id is answered as it is.
    pub id: Option<ConsultationId>,
    /// Null for an anonymous consultation.
    pub organisation: Option<QuickOrganisation>,
    pub establishment_id: Option<EstablishmentId>,
    /// At most 5.
    #[serde(default)]
    #[schema(max_items = 5)]
    pub contacts: Vec<QuickContact>,
    /// The caller's site unless told.
    pub site_id: Option<SiteId>,
    /// Today unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub held_on: Option<NaiveDate>,
    #[schema(value_type = Option<String>, example = "09:30:00")]
    pub starts_at: Option<NaiveTime>,
    #[schema(minimum = 1, maximum = 1440)]
    pub minutes: i32,
    #[schema(minimum = 0, maximum = 1440)]
    pub preparation_minutes: Option<i32>,
    pub channel: Channel,
    /// The caller unless told.
    #[schema(max_items = 20)]
    pub adviser_ids: Option<Vec<UserId>>,
    #[schema(min_items = 1, max_items = 20)]
    pub topics: Vec<String>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub occupations: Vec<OccupationInput>,
    #[schema(minimum = 1, maximum = 10_000)]
    pub apprentices: Option<i32>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub countries: Vec<String>,
    #[schema(max_length = 10_000)]
    pub notes: Option<String>,
    pub outcome: Option<Outcome>,
    /// For anonymous consultations only.
    pub anonymous: Option<AnonymousInput>,
    /// The event of the own carrier that it was held at.
    pub event_id: Option<EventId>,
    /// The accompaniment of the organisation that it belongs to.
    pub accompaniment_id: Option<AccompanimentId>,
    /// The recruitment case of the organisation that it is about.
    pub recruitment_case_id: Option<RecruitmentCaseId>,
    /// What was promised (Wiedervorlagen), at most 10. They are about the consultation, so they name
    /// nothing else.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub follow_ups: Vec<TaskInput>,
    /// To whom the organisation was sent on, at most 10; they name neither consultation nor organisation.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub referrals: Vec<ReferralInput>,
}

/// What one request has logged.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuickLogged {
    pub consultation: Consultation,
    pub follow_ups: Vec<Task>,
    pub referrals: Vec<Referral>,
    /// Whether the organisation is new in the register.
    pub organisation_created: bool,
    /// Whether it had been logged before under the same id. Nothing was changed then, and what goes with
    /// it is found at `/tasks` and `/referrals`.
    pub repeated: bool,
}

impl QuickLogInput {
    /// What is wrong with the request before anything is looked up.
    ///
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn check(&self) -> Result<()> {
        let mut checks = Checks::new();
        checks.require(
            self.id.is_none_or(|id| matches!(id.0.get_version_num(), 4 | 7)),
            "/id",
            "not_a_client_id",
            "must be a UUID of version 4 or 7",
        );
        if let Some(organisation) = &self.organisation {
            checks.require(
                organisation.id.is_some() != organisation.name.is_some(),
                "/organisation",
                "id_or_name",
                "must have either an id or a name",
            );
            let kind = organisation.kind.unwrap_or(OrganisationKind::Company);
            checks.require(
                organisation.name.is_none()
                    || (kind == OrganisationKind::Actor) == organisation.actor_type.is_some(),
                "/organisation/actor_type",
                "goes_with_actors",
                "must be given for an actor, and for an actor only",
            );
        }
        checks.require(
            self.contacts.len() <= MAX_CONTACTS,
            "/contacts",
            "too_many",
            "must name at most 5",
        );
        checks.require(
            self.contacts.is_empty() || self.organisation.is_some(),
            "/contacts",
            "anonymous",
            "must be empty when no organisation is named",
        );
        for (index, contact) in self.contacts.iter().enumerate() {
            checks.require(
                contact.id.is_some() != contact.name.is_some(),
                &format!("/contacts/{index}"),
                "id_or_name",
                "must have either an id or a name",
            );
        }
        checks.require(
            self.follow_ups.len() <= MAX_FOLLOW_UPS,
            "/follow_ups",
            "too_many",
            "must be at most 10",
        );
        for (index, task) in self.follow_ups.iter().enumerate() {
            let about_it = task.consultation_id.is_none()
                && task.organisation_id.is_none()
                && task.event_id.is_none();
            let pointer = format!("/follow_ups/{index}");
            checks.require(about_it, &pointer, "names_another", "must not say what it is about");
        }
        checks.require(
            self.referrals.len() <= MAX_FOLLOW_UPS,
            "/referrals",
            "too_many",
            "must be at most 10",
        );
        for (index, referral) in self.referrals.iter().enumerate() {
            let about_it = referral.consultation_id.is_none() && referral.organisation_id.is_none();
            let pointer = format!("/referrals/{index}");
            checks.require(about_it, &pointer, "names_another", "must not say what it is about");
        }
        checks.finish()
    }

    /// The consultation that is meant, with the organisation and the contacts that were found or added.
    ///
    /// # Errors
    /// `Invalid` when the site is not told and the caller has none.
    pub fn consultation(
        &self,
        actor: &Actor,
        today: NaiveDate,
        organisation: Option<OrganisationId>,
        contacts: Vec<ContactId>,
    ) -> Result<ConsultationInput> {
        let own_site = actor.site.as_ref().map(|site| SiteId(site.id));
        let site_id = self.site_id.or(own_site).ok_or_else(|| {
            Error::invalid("/site_id", "missing", "is required, since you work at no site")
        })?;
        Ok(ConsultationInput {
            organisation_id: organisation,
            establishment_id: self.establishment_id,
            site_id,
            held_on: self.held_on.unwrap_or(today),
            starts_at: self.starts_at,
            minutes: self.minutes,
            preparation_minutes: self.preparation_minutes,
            channel: self.channel,
            status: ConsultationStatus::Held,
            adviser_ids: self.adviser_ids.clone().unwrap_or_else(|| vec![actor.user_id]),
            topics: self.topics.clone(),
            contact_ids: contacts,
            occupations: self.occupations.clone(),
            apprentices: self.apprentices,
            countries: self.countries.clone(),
            notes: self.notes.clone(),
            outcome: self.outcome,
            anonymous: self.anonymous.clone(),
            event_id: self.event_id,
            accompaniment_id: self.accompaniment_id,
            recruitment_case_id: self.recruitment_case_id,
        })
    }
}

impl QuickOrganisation {
    /// Whether it was told to be what the one of its name is not. What either leaves open contradicts
    /// nothing.
    #[must_use]
    pub fn contradicts(&self, found: &Namesake) -> bool {
        let differs = |told: Option<&str>, known: Option<&str>| match (told, known) {
            (Some(told), Some(known)) => fold(told) != fold(known),
            _ => false,
        };
        self.kind.is_some_and(|kind| kind != found.organisation.kind)
            || differs(self.address.city.as_deref(), found.city.as_deref())
            || self.district_id.is_some_and(|told| found.district_id.is_some_and(|d| d != told))
    }

    /// The company to add.
    #[must_use]
    pub fn company(&self, name: &str) -> CompanyInput {
        CompanyInput {
            name: name.to_owned(),
            legal_form: self.legal_form,
            register_number: None,
            vat_id: None,
            website: None,
            address: self.address.clone(),
            district_id: self.district_id,
            industry: self.industry.clone(),
            size: self.size.clone(),
            foreign_staff_experience: None,
            collective_agreement: None,
            heard_of_us: None,
            status: CompanyStatus::Active,
        }
    }

    /// The actor to add.
    #[must_use]
    pub fn actor(&self, name: &str, actor_type: ActorType) -> ActorInput {
        ActorInput {
            name: name.to_owned(),
            actor_type,
            website: None,
            address: self.address.clone(),
            district_id: self.district_id,
        }
    }
}

impl QuickContact {
    /// The contact to add.
    #[must_use]
    pub fn contact(&self, name: &str) -> ContactInput {
        ContactInput {
            name: name.to_owned(),
            function: self.function.clone(),
            email: self.email.clone(),
            phone: self.phone.clone(),
            mobile: None,
            language: None,
            purposes: Vec::new(),
            valid_until: None,
        }
    }
}

/// A violation of the consultation, told in the fields of the quick log. `contacts` are the places in it of
/// those that the consultation names: who came twice there is named once.
#[must_use]
pub fn in_own_fields(error: Error, contacts: &[usize]) -> Error {
    let Error::Invalid(mut errors) = error else { return error };
    for violation in &mut errors {
        if violation.pointer == "/organisation_id" {
            violation.pointer = "/organisation/id".to_owned();
        } else if let Some(rest) = violation.pointer.strip_prefix("/contact_ids") {
            let named = rest.trim_start_matches('/').parse().ok();
            let place = named.and_then(|place: usize| contacts.get(place));
            violation.pointer =
                place.map_or("/contacts".to_owned(), |place| format!("/contacts/{place}"));
        }
    }
    Error::Invalid(errors)
}

/// The refusal of an id that names another record.
#[must_use]
pub fn id_taken(id: Uuid) -> Error {
    Error::conflict("id_taken", format!("Another consultation has the id {id}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organisation::OrganisationReference;

    #[test]
    fn what_is_wrong_with_a_contact_is_told_where_it_stands() {
        let told = |pointer: &str| match in_own_fields(Error::invalid(pointer, "x", "y"), &[0, 2]) {
            Error::Invalid(errors) => errors[0].pointer.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told("/contact_ids/0"), "/contacts/0");
        assert_eq!(told("/contact_ids/1"), "/contacts/2", "the second one is the first again");
        assert_eq!(told("/contact_ids"), "/contacts");
        assert_eq!(told("/organisation_id"), "/organisation/id");
        assert_eq!(told("/minutes"), "/minutes");
    }

    #[test]
    fn a_name_alone_does_not_make_it_the_same() {
        let district = |number| DistrictId(Uuid::from_u128(number));
        let organisation = OrganisationReference {
            id: OrganisationId(Uuid::nil()),
            name: "Hotel zur Post".to_owned(),
            kind: OrganisationKind::Company,
        };
        let city = Some("Frankfurt (Main)".to_owned());
        let found = Namesake { organisation, city, district_id: Some(district(1)) };
        let unplaced = Namesake { city: None, district_id: None, ..found.clone() };
        let contradicts = |told: serde_json::Value| {
            let told: QuickOrganisation = serde_json::from_value(told).unwrap();
            (told.contradicts(&found), told.contradicts(&unplaced))
        };
        for (told, placed, unplaced) in [
            (serde_json::json!({}), false, false),
            (serde_json::json!({"kind": "company"}), false, false),
            (serde_json::json!({"kind": "actor"}), true, true),
            (serde_json::json!({"address": {"city": "frankfurt main"}}), false, false),
            (serde_json::json!({"address": {"city": "Kassel"}}), true, false),
            (serde_json::json!({"district_id": district(1)}), false, false),
            (serde_json::json!({"district_id": district(2)}), true, false),
        ] {
            assert_eq!(contradicts(told.clone()), (placed, unplaced), "{told}");
        }
    }
}
