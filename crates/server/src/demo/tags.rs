//! Tags of each carrier on whom it advises and what was said, and a few saved views.

use lotse_app::demo::Tagged;
use lotse_domain::consultation::Consultation;
use lotse_domain::entity::Reference;
use lotse_domain::id::{CarrierId, ConsultationId, OrganisationId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::saved_view::{SavedView, SavedViewInput, SavedViewList};
use lotse_domain::tag::{Tag, TagInput, TagReference};
use lotse_domain::{Error, Result};
use serde_json::json;

use super::people::Staff;
use super::register::Register;
use super::{Maker, at, date};

const CARE: &str = "Pflege";
/// Name, colour, how many of the companies have it.
const OF_COMPANIES: [(&str, &str, f64); 4] = [
    (CARE, "#2e7d32", 0.12),
    ("Handwerk", "#ef6c00", 0.15),
    ("Schlüsselkunde", "#c62828", 0.04),
    ("Nachfassen", "#6a1b9a", 0.08),
];
const OF_ACTORS: (&str, &str, f64) = ("Enger Partner", "#1565c0", 0.4);
const OF_CONSULTATIONS: [(&str, &str, f64); 2] =
    [("Gutes Beispiel", "#00838f", 0.02), ("Für den Sachbericht", "#4527a0", 0.03)];

pub struct Sorted {
    pub tags: Vec<Tag>,
    pub tagged: Vec<Tagged<OrganisationId>>,
    pub tagged_consultations: Vec<Tagged<ConsultationId>>,
    pub saved_views: Vec<SavedView>,
}

pub fn make(
    maker: &mut Maker,
    staff: &Staff,
    register: &Register,
    consultations: &[Consultation],
) -> Result<Sorted> {
    let now = at(date("2019-01-03")?, 9, 0);
    let mut tags: Vec<Tag> = Vec::new();
    let carriers: Vec<Reference> =
        maker.network.sites.iter().map(|site| site.carrier.clone()).collect();
    for (place, carrier) in carriers.iter().enumerate() {
        if carriers[..place].contains(carrier) {
            continue;
        }
        let all = OF_COMPANIES.into_iter().chain([OF_ACTORS]).chain(OF_CONSULTATIONS);
        for (name, colour, _) in all {
            let input = TagInput { name: name.to_owned(), colour: Some(colour.to_owned()) };
            tags.push(Tag::new(maker.id(now), now, &input, carrier.clone())?);
        }
    }
    let mut tagged = Vec::new();
    for client in &register.clients {
        let carrier = &carriers[client.site];
        let of_kind = match client.organisation.kind {
            OrganisationKind::Company => &OF_COMPANIES[..],
            OrganisationKind::Actor => &[OF_ACTORS],
        };
        let set = some_of(maker, &tags, carrier, of_kind);
        if !set.is_empty() {
            let (carrier, record) = (CarrierId(carrier.id), client.organisation.id);
            tagged.push(Tagged { carrier, record, tags: set });
        }
    }
    let mut tagged_consultations = Vec::new();
    for consultation in consultations.iter().filter(|c| c.voided.is_none()) {
        let set = some_of(maker, &tags, &consultation.carrier, &OF_CONSULTATIONS);
        if !set.is_empty() {
            let (carrier, record) = (CarrierId(consultation.carrier.id), consultation.id);
            tagged_consultations.push(Tagged { carrier, record, tags: set });
        }
    }
    let saved_views = saved_views(maker, staff, &tags)?;
    Ok(Sorted { tags, tagged, tagged_consultations, saved_views })
}

/// The carrier's tags of these names, each with its probability.
fn some_of(
    maker: &mut Maker,
    tags: &[Tag],
    carrier: &Reference,
    names: &[(&str, &str, f64)],
) -> Vec<TagReference> {
    let mut set = Vec::new();
    for (name, _, probability) in names {
        let tag = tags.iter().find(|tag| tag.carrier == *carrier && tag.name == *name);
        if maker.chance(*probability) {
            set.extend(tag.map(Tag::reference));
        }
    }
    set
}

fn saved_views(maker: &mut Maker, staff: &Staff, tags: &[Tag]) -> Result<Vec<SavedView>> {
    let now = at(date("2019-01-03")?, 10, 0);
    let frankfurt = maker.network.districts.iter().find(|district| district.key == "06412");
    let frankfurt = frankfurt.ok_or_else(|| Error::internal("no district 06412"))?.id;
    let mut views = Vec::new();
    for (login, name, list, sort, shared) in [
        ("adviser", "Große in Frankfurt", SavedViewList::Companies, None, false),
        ("adviser", "Pflegebetriebe", SavedViewList::Companies, Some("-updated_at"), true),
        ("manager", "Im Betrieb", SavedViewList::Consultations, Some("-held_on"), false),
    ] {
        let email = format!("{login}@demo.example");
        let owner = staff.users.iter().find(|user| user.email == email);
        let assignment =
            owner.and_then(|owner| staff.assignments.iter().find(|of| of.user_id == owner.id));
        let (Some(owner), Some(carrier)) = (owner, assignment.and_then(|of| of.carrier.clone()))
        else {
            return Err(Error::internal(format!("{email} works for no carrier")));
        };
        let care = tags.iter().find(|tag| tag.carrier == carrier && tag.name == CARE);
        let filter = match name {
            "Große in Frankfurt" => json!({"district_id": frankfurt, "size_class": "large"}),
            "Pflegebetriebe" => json!({"tag_id": care.map(|tag| tag.id)}),
            _ => json!({"channel": "on_site"}),
        };
        let input = SavedViewInput {
            name: name.to_owned(),
            list,
            filter: filter.as_object().cloned().unwrap_or_default(),
            sort: sort.map(str::to_owned),
            shared,
        };
        let owner = Reference::new(owner.id, &owner.name);
        views.push(SavedView::new(maker.id(now), now, &input, owner, carrier, true)?);
    }
    Ok(views)
}
