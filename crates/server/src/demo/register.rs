//! Companies, actors and their contacts.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use lotse_domain::Result;
use lotse_domain::actor::{Actor, ActorInput, ActorType};
use lotse_domain::code::Code;
use lotse_domain::company::{Company, CompanyInput, CompanyStatus, HeardOfUs, LegalForm};
use lotse_domain::contact::{Contact, ContactInput, LegalBasis, Purpose, PurposeBasis};
use lotse_domain::district::District;
use lotse_domain::entity::Reference;
use lotse_domain::establishment::{Establishment, EstablishmentInput};
use lotse_domain::id::{DistrictId, OrganisationId};
use lotse_domain::industry::{Classification, IndustryInput};
use lotse_domain::name::fold;
use lotse_domain::organisation::{Address, OrganisationKind, OrganisationReference, Origin};
use lotse_domain::site::Site;
use lotse_domain::size_class::{SizeBasis, SizeClass, SizeInput};

use super::people::Staff;
use super::words::{
    FIRST_NAMES, FUNCTIONS, LAST_NAMES, NAME_ENDS, NAME_MIDDLES, NAME_STARTS, STREETS, TOWNS,
    TRADES,
};
use super::{Maker, at, date};

/// Site, companies, actors.
const CLIENTS: [(&str, usize, usize); 3] =
    [("Frankfurt am Main", 640, 105), ("Wetzlar", 370, 75), ("Kassel", 350, 70)];

const FORMS: [(LegalForm, u32); 8] = [
    (LegalForm::Gmbh, 52),
    (LegalForm::GmbhCoKg, 16),
    (LegalForm::SoleProprietorship, 8),
    (LegalForm::Ek, 5),
    (LegalForm::Ag, 4),
    (LegalForm::Ggmbh, 8),
    (LegalForm::Ev, 4),
    (LegalForm::Ug, 3),
];

const CLASSES: [(SizeClass, u32); 5] = [
    (SizeClass::Micro, 20),
    (SizeClass::Small, 35),
    (SizeClass::Medium, 29),
    (SizeClass::Large, 12),
    (SizeClass::Unknown, 4),
];

const ACTOR_TYPES: [(ActorType, u32); 14] = [
    (ActorType::ImmigrationAuthority, 14),
    (ActorType::EmployerService, 14),
    (ActorType::JobCentre, 8),
    (ActorType::ChamberIndustry, 7),
    (ActorType::ChamberCrafts, 6),
    (ActorType::RecognitionBody, 5),
    (ActorType::Municipality, 12),
    (ActorType::EmployersAssociation, 6),
    (ActorType::TradeUnion, 3),
    (ActorType::WelcomeCentre, 4),
    (ActorType::EducationProvider, 10),
    (ActorType::MigrantOrganisation, 6),
    (ActorType::IqProject, 8),
    (ActorType::PlacementAgency, 4),
];

/// An organisation that a site advises.
pub struct Client {
    pub organisation: OrganisationReference,
    pub district: Option<DistrictId>,
    pub site: usize,
    pub contacts: Vec<Reference>,
    pub establishment: Option<usize>,
}

pub struct Register {
    pub companies: Vec<Company>,
    pub establishments: Vec<Establishment>,
    pub actors: Vec<Actor>,
    pub contacts: Vec<Contact>,
    pub clients: Vec<Client>,
}

pub fn make(maker: &mut Maker, staff: &Staff) -> Result<Register> {
    let mut register = Register {
        companies: Vec::new(),
        establishments: Vec::new(),
        actors: Vec::new(),
        contacts: Vec::new(),
        clients: Vec::new(),
    };
    let mut names = HashSet::new();
    let now = at(date("2019-01-02")?, 9, 0);
    for (site_name, companies, actors) in CLIENTS {
        let Some(index) = maker.network.sites.iter().position(|site| site.name == site_name) else {
            continue;
        };
        let site = &maker.network.sites[index];
        debug_assert!(!staff.at_site(site).is_empty());
        let districts = covered(maker, site);
        for _ in 0..companies {
            company(maker, &mut register, &mut names, now, index, &districts)?;
        }
        for _ in 0..actors {
            actor(maker, &mut register, &mut names, now, index, &districts)?;
        }
    }
    Ok(register)
}

/// The districts that a site covers, with weights: cities have more companies.
pub fn covered<'a>(maker: &Maker<'a>, site: &Site) -> Vec<(&'a District, u32)> {
    let covers = |district: &District| {
        maker
            .network
            .coverages
            .iter()
            .any(|c| c.site.id == site.id.0 && c.district.id == district.id.0)
    };
    maker
        .network
        .districts
        .iter()
        .filter(|district| covers(district))
        .filter(|district| district.valid_from.to_string().as_str() < "2020")
        .map(|district| {
            let weight = match district.key.as_str() {
                "06412" => 9,
                "06411" | "06414" | "06532" | "06531" | "06611" => 5,
                _ => 2,
            };
            (district, weight)
        })
        .collect()
}

fn unique_name(
    maker: &mut Maker,
    names: &mut HashSet<String>,
    mut make: impl FnMut(&mut Maker) -> Result<String>,
) -> Result<String> {
    loop {
        let name = make(maker)?;
        if names.insert(fold(&name)) {
            return Ok(name);
        }
    }
}

fn invented(maker: &mut Maker) -> Result<String> {
    let (start, middle, end) =
        (maker.pick(&NAME_STARTS)?, maker.pick(&NAME_MIDDLES)?, maker.pick(&NAME_ENDS)?);
    Ok(format!("{start}{middle}{end}"))
}

fn address(maker: &mut Maker, district: &District) -> Result<Address> {
    let town = match district.kind {
        lotse_domain::district::DistrictKind::City => district.name.clone(),
        lotse_domain::district::DistrictKind::County => (*maker.pick(&TOWNS)?).to_owned(),
    };
    Ok(Address {
        street: Some(format!("{} {}", maker.pick(&STREETS)?, maker.between(1, 120))),
        postcode: Some(format!("{}", maker.between(34000, 36999))),
        city: Some(town),
        country: None,
    })
}

fn company(
    maker: &mut Maker,
    register: &mut Register,
    names: &mut HashSet<String>,
    now: DateTime<Utc>,
    site: usize,
    districts: &[(&District, u32)],
) -> Result<()> {
    let trades: Vec<((&str, &str), u32)> =
        TRADES.iter().map(|(trade, code, weight)| ((*trade, *code), *weight)).collect();
    let (trade, code) = maker.weighted(&trades)?;
    let form = maker.weighted(&FORMS)?;
    let name = unique_name(maker, names, |maker| {
        let form = lotse_domain::code_list::label_de(LegalForm::SET, form.code());
        let suffix = if form.contains("unternehmen") { String::new() } else { format!(" {form}") };
        Ok(format!("{} {trade}{suffix}", invented(maker)?))
    })?;
    let district = maker.weighted(districts)?;
    let figures = size(maker)?;
    // Some records come without an industry: a gap that a report will show.
    let industry = if maker.chance(0.96) {
        Some(IndustryInput { classification: Classification::Wz2008, code: code.to_owned() })
    } else {
        None
    };
    let input = CompanyInput {
        website: Some(format!("https://{}.example", fold(&name).replace(' ', "-"))),
        name,
        legal_form: Some(form),
        register_number: None,
        vat_id: None,
        address: address(maker, district)?,
        district_id: Some(district.id),
        industry,
        size: figures,
        foreign_staff_experience: maker.maybe(0.8, 0.45),
        collective_agreement: maker.maybe(0.6, 0.35),
        heard_of_us: Some(*maker.pick(&HeardOfUs::all())?),
        status: if maker.chance(0.9) { CompanyStatus::Active } else { CompanyStatus::Dormant },
    };
    let district_reference = Reference::new(district.id, &district.name);
    let company = Company {
        origin: Origin::Synthetic,
        ..Company::new(maker.id(now), now, &input, Some(district_reference))?
    };
    let reference = OrganisationReference {
        id: company.id.into(),
        name: company.name.clone(),
        kind: OrganisationKind::Company,
    };
    let establishment = if maker.chance(0.12) {
        let there = maker.weighted(districts)?;
        let input = EstablishmentInput {
            name: format!("Niederlassung {}", there.name),
            address: address(maker, there)?,
            district_id: Some(there.id),
        };
        let new = Establishment::new(
            maker.id(now),
            now,
            &input,
            Reference::new(company.id, &company.name),
            Some(Reference::new(there.id, &there.name)),
        )?;
        register.establishments.push(new);
        Some(register.establishments.len() - 1)
    } else {
        None
    };
    register.companies.push(company);
    client(maker, register, now, site, reference, Some(district.id), establishment, 0.65)
}

fn size(maker: &mut Maker) -> Result<Option<SizeInput>> {
    let (least, most) = match maker.weighted(&CLASSES)? {
        SizeClass::Micro => (1, 9),
        SizeClass::Small => (10, 49),
        SizeClass::Medium => (50, 249),
        SizeClass::Large => (250, 3000),
        SizeClass::Unknown => return Ok(None),
    };
    let staff = maker.between(least, most);
    // With money as well for about half; the turnover fits the class.
    let turnover = maker.chance(0.55).then(|| i64::from(staff) * 150_000);
    Ok(Some(SizeInput {
        staff: Some(f64::from(staff)),
        turnover_eur: turnover,
        balance_eur: turnover.filter(|_| maker.chance(0.5)).map(|turnover| turnover / 2),
        publicly_owned: maker.chance(0.02),
        reference_year: Some(maker.between(2018, 2021)),
        basis: Some(maker.weighted(&[
            (SizeBasis::SelfDeclared, 7),
            (SizeBasis::Estimated, 2),
            (SizeBasis::Verified, 1),
        ])?),
    }))
}

fn actor(
    maker: &mut Maker,
    register: &mut Register,
    names: &mut HashSet<String>,
    now: DateTime<Utc>,
    site: usize,
    districts: &[(&District, u32)],
) -> Result<()> {
    let actor_type = maker.weighted(&ACTOR_TYPES)?;
    let name = unique_name(maker, names, |maker| {
        let label = lotse_domain::code_list::label_de(ActorType::SET, actor_type.code());
        Ok(format!("{label} {}", invented(maker)?))
    })?;
    let district = maker.weighted(districts)?;
    let input = ActorInput {
        name,
        actor_type,
        website: None,
        address: address(maker, district)?,
        district_id: Some(district.id),
    };
    let district_reference = Reference::new(district.id, &district.name);
    let actor = Actor {
        origin: Origin::Synthetic,
        ..Actor::new(maker.id(now), now, &input, Some(district_reference))?
    };
    let reference = OrganisationReference {
        id: actor.id.into(),
        name: actor.name.clone(),
        kind: OrganisationKind::Actor,
    };
    register.actors.push(actor);
    client(maker, register, now, site, reference, Some(district.id), None, 0.5)
}

#[expect(clippy::too_many_arguments, reason = "what a client is made of, in one private place")]
fn client(
    maker: &mut Maker,
    register: &mut Register,
    now: DateTime<Utc>,
    site: usize,
    organisation: OrganisationReference,
    district: Option<DistrictId>,
    establishment: Option<usize>,
    with_contact: f64,
) -> Result<()> {
    let mut contacts = Vec::new();
    if maker.chance(with_contact) {
        let carrier = maker.network.sites[site].carrier.clone();
        let contact = contact(maker, now, &organisation, carrier)?;
        contacts.push(Reference::new(contact.id, &contact.name));
        register.contacts.push(contact);
    }
    register.clients.push(Client { organisation, district, site, contacts, establishment });
    Ok(())
}

fn contact(
    maker: &mut Maker,
    now: DateTime<Utc>,
    organisation: &OrganisationReference,
    carrier: Reference,
) -> Result<Contact> {
    let name = format!("{} {}", maker.pick(&FIRST_NAMES)?, maker.pick(&LAST_NAMES)?);
    let OrganisationId(organisation_id) = organisation.id;
    let input = ContactInput {
        email: Some(format!(
            "{}@{}.example",
            fold(&name).replace(' ', "."),
            organisation_id.simple()
        )),
        name,
        function: Some((*maker.pick(&FUNCTIONS)?).to_owned()),
        phone: Some(format!("+49 69 000{:04}", maker.between(0, 9999))),
        mobile: None,
        language: Some("de".to_owned()),
        purposes: vec![PurposeBasis {
            purpose: Purpose::Consultation,
            legal_basis: LegalBasis::PublicTask,
        }],
        valid_until: None,
    };
    Contact::new(maker.id(now), now, &input, organisation.clone(), carrier)
}
