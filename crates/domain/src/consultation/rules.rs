//! The rules that a consultation is logged and changed by.

use chrono::{NaiveDate, Timelike};

use super::{Consultation, ConsultationInput, ConsultationStatus, MAX_MINUTES, TopicReference};
use crate::accompaniment::NamedAccompaniment;
use crate::check::Checks;
use crate::country::{self, Country};
use crate::district::{self, District};
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::establishment::Establishment;
use crate::event::NamedEvent;
use crate::funding_period::FundingPeriod;
use crate::id::{CarrierId, DistrictId};
use crate::industry;
use crate::occupation::{MAX_WORKERS, Occupation};
use crate::organisation::OrganisationReference;
use crate::policy::Actor;
use crate::recruitment_case::NamedRecruitmentCase;
use crate::site::Site;
use crate::topic::Topic;

/// How many of a kind a consultation names.
pub const MAX_NAMED: usize = 20;

/// What an input names, as far as it exists and the caller may know of it.
#[derive(Debug)]
pub struct Context {
    pub today: NaiveDate,
    pub site: Option<Site>,
    /// The period that the date lies in.
    pub period: Option<FundingPeriod>,
    pub organisation: Option<OrganisationFacts>,
    pub establishment: Option<Establishment>,
    /// Users who advise for the site's carrier on the date.
    pub advisers: Vec<Reference>,
    pub topics: Vec<Topic>,
    /// Contacts of the organisation that belong to the caller's carrier.
    pub contacts: Vec<Reference>,
    /// An event of the caller's carrier.
    pub event: Option<NamedEvent>,
    /// An accompaniment by the caller's carrier.
    pub accompaniment: Option<NamedAccompaniment>,
    /// A recruitment case of the caller's carrier.
    pub recruitment_case: Option<NamedRecruitmentCase>,
    pub districts: Vec<District>,
}

impl Context {
    /// What a record names already was in order when it was named, whatever became of it since.
    #[must_use]
    pub fn keeping(mut self, before: &Consultation) -> Self {
        if let (Some(organisation), Some(kept)) = (&mut self.organisation, &before.organisation) {
            organisation.archived &= organisation.reference.id != kept.id;
        }
        if let (Some(event), Some(kept)) = (&mut self.event, &before.event) {
            event.voided &= event.reference.id != kept.id;
        }
        self
    }
}

/// What the rules need to know of an organisation.
#[derive(Clone, Debug)]
pub struct OrganisationFacts {
    pub reference: OrganisationReference,
    pub district_id: Option<DistrictId>,
    pub archived: bool,
}

/// What was named, in the order of the input.
#[derive(Debug)]
pub struct Named {
    pub organisation: Option<OrganisationReference>,
    pub establishment: Option<Reference>,
    pub carrier: Reference,
    pub site: Reference,
    pub funding_period: Reference,
    pub district: Option<Reference>,
    pub advisers: Vec<Reference>,
    pub topics: Vec<TopicReference>,
    pub contacts: Vec<Reference>,
    pub occupations: Vec<Occupation>,
    pub countries: Vec<Country>,
    pub event: Option<Reference>,
    pub accompaniment: Option<Reference>,
    pub recruitment_case: Option<Reference>,
    pub notes: Option<String>,
}

/// All rules but whether the period takes entries, which a correction leaves out.
pub fn check(actor: &Actor, input: &ConsultationInput, context: &Context) -> Result<Named> {
    let mut checks = Checks::new();
    checks.range("/minutes", input.minutes, 1, MAX_MINUTES);
    checks.range("/preparation_minutes", input.preparation_minutes.unwrap_or(0), 0, MAX_MINUTES);
    checks.range("/apprentices", input.apprentices.unwrap_or(1), 1, MAX_WORKERS);
    // Neither fractions nor a leap second, which chrono reads: PostgreSQL would store another time.
    checks.require(
        input.starts_at.is_none_or(|time| time.nanosecond() == 0),
        "/starts_at",
        "not_a_time",
        "must be a time of day in whole seconds",
    );
    checks.require(
        input.status != ConsultationStatus::Voided,
        "/status",
        "not_settable",
        "must be held, cancelled or no_show; to take a record back, POST to …/void",
    );
    checks.require(
        input.held_on <= context.today,
        "/held_on",
        "in_the_future",
        &format!("must not be after today, {}", context.today),
    );
    checks.require(
        context.period.is_some() || input.held_on > context.today,
        "/held_on",
        "outside_funding_periods",
        "must lie in a funding period",
    );
    let notes = checks.optional_prose("/notes", input.notes.as_deref(), 10_000);
    check_site(&mut checks, actor, input, context.site.as_ref());
    check_organisation(&mut checks, input, context);
    let advisers = checks.named("/adviser_ids", &input.adviser_ids, (1, MAX_NAMED), |id| {
        context.advisers.iter().find(|adviser| adviser.id == id.0).cloned().ok_or((
            "not_an_adviser",
            "must be a user who advises for the site's carrier on that date",
        ))
    });
    let topics = checks.named("/topics", &input.topics, (1, MAX_NAMED), |code| {
        match context.topics.iter().find(|topic| topic.code == *code) {
            None => Err(("unknown", "must be the code of a topic, see GET /api/v1/topics")),
            Some(topic) if !topic.valid_on(input.held_on) => {
                Err(("not_valid_on_date", "must be a topic valid on the date of the consultation"))
            }
            Some(topic) => Ok(TopicReference {
                code: topic.code.clone(),
                label_de: topic.label_de.clone(),
                label_en: topic.label_en.clone(),
            }),
        }
    });
    let contacts = checks.named("/contact_ids", &input.contact_ids, (0, MAX_NAMED), |id| {
        context
            .contacts
            .iter()
            .find(|contact| contact.id == id.0)
            .cloned()
            .ok_or(("unknown", "must be a contact of the organisation"))
    });
    let countries = checks.named("/countries", &input.countries, (0, MAX_NAMED), |code| {
        country::find(code)
            .cloned()
            .ok_or(("not_a_country", "must be an ISO 3166-1 alpha-2 code such as MA, or XK"))
    });
    if input.event_id.is_some() {
        match &context.event {
            None => checks.fail("/event_id", "unknown", "must be an event of your carrier"),
            Some(event) => {
                checks.require(!event.voided, "/event_id", "voided", "must not be voided");
            }
        }
    }
    if input.accompaniment_id.is_some() {
        let company = context.accompaniment.as_ref().map(|named| named.company_id.into());
        checks.require(
            company.is_some() && company == input.organisation_id,
            "/accompaniment_id",
            "unknown",
            "must be an accompaniment of the organisation by your carrier",
        );
    }
    check_recruitment_case(&mut checks, input, context);
    let occupations = occupations(&mut checks, input);
    let district = district_on_date(&mut checks, input, context);
    checks.finish()?;

    // Both were required above: a missing one has already been answered.
    let (Some(site), Some(period)) = (&context.site, &context.period) else {
        return Err(Error::internal("a consultation without site or period passed the rules"));
    };
    Ok(Named {
        organisation: context.organisation.as_ref().map(|o| o.reference.clone()),
        establishment: context.establishment.as_ref().map(|e| Reference::new(e.id, &e.name)),
        carrier: site.carrier.clone(),
        site: Reference::new(site.id, &site.name),
        funding_period: Reference::new(period.id, &period.name),
        district,
        advisers,
        topics,
        contacts,
        occupations,
        countries,
        event: context.event.as_ref().map(|event| event.reference.clone()),
        accompaniment: context.accompaniment.as_ref().map(|named| named.reference.clone()),
        recruitment_case: context.recruitment_case.as_ref().map(|named| named.reference.clone()),
        notes,
    })
}

fn check_recruitment_case(checks: &mut Checks, input: &ConsultationInput, context: &Context) {
    const POINTER: &str = "/recruitment_case_id";
    if input.recruitment_case_id.is_none() {
        return;
    }
    let case = context.recruitment_case.as_ref();
    let of_company = case.filter(|case| Some(case.company_id.into()) == input.organisation_id);
    match of_company {
        None => checks.fail(
            POINTER,
            "unknown",
            "must be a recruitment case of the organisation by your carrier",
        ),
        Some(case) => {
            let run = case.accompaniment_id.zip(input.accompaniment_id);
            checks.require(
                run.is_none_or(|(of_case, named)| of_case == named),
                POINTER,
                "another_accompaniment",
                "must not belong to another accompaniment than accompaniment_id",
            );
        }
    }
}

/// The same code may come twice with different levels, but not as a whole.
fn occupations(checks: &mut Checks, input: &ConsultationInput) -> Vec<Occupation> {
    let all = &input.occupations;
    checks.require(all.len() <= MAX_NAMED, "/occupations", "too_many", "must name at most 20");
    let mut found: Vec<Occupation> = Vec::new();
    for (index, occupation) in all.iter().enumerate().take(MAX_NAMED) {
        match Occupation::new(occupation) {
            Ok(new) => {
                checks.require(
                    !found.iter().any(|o| o.code == new.code && o.skill_level == new.skill_level),
                    &format!("/occupations/{index}"),
                    "repeated",
                    "must be named once",
                );
                found.push(new);
            }
            Err((field, code, message)) => {
                checks.fail(format!("/occupations/{index}/{field}"), code, message);
            }
        }
    }
    found
}

fn check_site(checks: &mut Checks, actor: &Actor, input: &ConsultationInput, site: Option<&Site>) {
    let own = |site: &Site| {
        actor.carrier.as_ref().is_some_and(|own| own.id == CarrierId(site.carrier.id))
    };
    match site {
        None => checks.fail("/site_id", "unknown", "must be a site, see GET /api/v1/sites"),
        Some(site) if !own(site) => {
            checks.fail("/site_id", "site_of_another_carrier", "must be a site of your carrier");
        }
        Some(site) => checks.require(
            site.open_on(input.held_on),
            "/site_id",
            "not_open_on_date",
            "must be a site that was open on the date of the consultation",
        ),
    }
}

fn check_organisation(checks: &mut Checks, input: &ConsultationInput, context: &Context) {
    if input.organisation_id.is_some() {
        match &context.organisation {
            None => checks.fail("/organisation_id", "unknown", "must be a company or an actor"),
            Some(organisation) => checks.require(
                !organisation.archived,
                "/organisation_id",
                "archived",
                "must not be archived",
            ),
        }
        checks.require(
            input.anonymous.is_none(),
            "/anonymous",
            "not_anonymous",
            "must be absent when an organisation is named",
        );
    }
    if input.establishment_id.is_some() {
        let fits = match (&context.establishment, input.organisation_id) {
            (Some(establishment), Some(organisation)) => establishment.company.id == organisation.0,
            _ => false,
        };
        checks.require(
            fits,
            "/establishment_id",
            "unknown",
            "must be an establishment of the organisation",
        );
    }
    if let Some(anonymous) = &input.anonymous {
        let known = match (anonymous.classification, &anonymous.section) {
            (None, None) => true,
            (Some(classification), Some(letter)) => {
                industry::section(classification, letter).is_some()
            }
            _ => false,
        };
        checks.require(
            known,
            "/anonymous/section",
            "not_a_section",
            "must be a section letter of the classification that is named with it",
        );
    }
}

/// Rule 5: the establishment's district, else the organisation's, as of the service date.
fn district_on_date(
    checks: &mut Checks,
    input: &ConsultationInput,
    context: &Context,
) -> Option<Reference> {
    let anonymous = input.anonymous.as_ref().and_then(|anonymous| anonymous.district_id);
    let district_id = context
        .establishment
        .as_ref()
        .and_then(|establishment| establishment.district.as_ref())
        .map(|district| DistrictId(district.id))
        .or_else(|| context.organisation.as_ref().and_then(|o| o.district_id))
        .or(anonymous)?;
    let found = district::on_date(&context.districts, district_id, input.held_on);
    checks.require(
        found.is_some() || anonymous.is_none(),
        "/anonymous/district_id",
        "unknown",
        "must be a district that existed on the date of the consultation",
    );
    found.map(|district| Reference::new(district.id, &district.name))
}

/// The district of a record that was one already. It was right on the day that it was recorded, and an
/// organisation may have moved since: it stays, unless the input names another place to take it from, or
/// there was none. On another date it is what that district was then.
pub fn kept_district(
    before: &Consultation,
    input: &ConsultationInput,
    read: Option<Reference>,
    districts: &[District],
) -> Option<Reference> {
    let was = ConsultationInput::from(before);
    let of_anonymous =
        |input: &ConsultationInput| input.anonymous.as_ref().and_then(|it| it.district_id);
    let same_place = (was.organisation_id, was.establishment_id, of_anonymous(&was))
        == (input.organisation_id, input.establishment_id, of_anonymous(input));
    let Some(recorded) = before.district.as_ref().filter(|_| same_place) else { return read };
    if was.held_on == input.held_on {
        return Some(recorded.clone());
    }
    district::on_date(districts, DistrictId(recorded.id), input.held_on)
        .map(|district| Reference::new(district.id, &district.name))
        .or(read)
}
