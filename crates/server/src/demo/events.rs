//! Events: round tables (Runde Tische) and conferences (Fachtage) in series, with who organised them, who
//! spoke and who came. The numbers of 2019–2022 are those that the centres reported.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use lotse_domain::consultation::OrganisationFacts;
use lotse_domain::district::District;
use lotse_domain::entity::Reference;
use lotse_domain::event::{Context, Event, EventInput, EventKind, EventStatus, SpeakerInput};
use lotse_domain::event_series::{EventSeries, EventSeriesInput};
use lotse_domain::funding_period::{FundingPeriod, FundingPeriodStatus};
use lotse_domain::id::ContactId;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::participation::{
    self, ContactFacts, Participation, ParticipationInput, ParticipationRole, ParticipationStatus,
};
use lotse_domain::policy::Actor;
use lotse_domain::{Error, Result};

use super::people::Staff;
use super::register::{Client, Register, covered};
use super::words::{SPEAKER_ROLES, THEMES};
use super::{Maker, at, date};

/// Site, series of round tables, round tables of 2019–2022.
const ROUND_TABLES: [(&str, usize, usize); 3] =
    [("Frankfurt am Main", 6, 21), ("Wetzlar", 4, 14), ("Kassel", 3, 9)];

/// Site and day of the conferences.
const CONFERENCES: [(&str, &str); 4] = [
    ("Frankfurt am Main", "2019-11-06"),
    ("Frankfurt am Main", "2021-10-13"),
    ("Wetzlar", "2022-09-21"),
    ("Kassel", "2021-06-16"),
];

/// Site, kind, day and status of what there is of 2026.
const LATELY: [(&str, EventKind, &str, EventStatus); 6] = [
    ("Frankfurt am Main", EventKind::RoundTable, "2026-02-10", EventStatus::Held),
    ("Wetzlar", EventKind::Information, "2026-03-05", EventStatus::Held),
    ("Frankfurt am Main", EventKind::RoundTable, "2026-10-06", EventStatus::Planned),
    ("Wetzlar", EventKind::Training, "2026-10-15", EventStatus::Cancelled),
    ("Wetzlar", EventKind::Conference, "2026-11-18", EventStatus::Planned),
    ("Kassel", EventKind::RoundTable, "2026-09-29", EventStatus::Planned),
];

const TOPICS: [&str; 8] = [
    "pathway_check",
    "vocational",
    "blue_card",
    "adaptation_measure",
    "fast_track",
    "regulated",
    "language",
    "onboarding",
];

#[derive(Default)]
pub struct Events {
    pub series: Vec<EventSeries>,
    pub events: Vec<Event>,
    pub participations: Vec<Participation>,
}

/// What an event is made from.
struct Draft<'a> {
    site: usize,
    kind: EventKind,
    starts_on: NaiveDate,
    status: EventStatus,
    series: Option<&'a EventSeries>,
    districts: Vec<&'a District>,
}

pub fn make(maker: &mut Maker, staff: &Staff, register: &Register) -> Result<Events> {
    let mut made = Events::default();
    for (name, count, tables) in ROUND_TABLES {
        let Some(site) = position(maker, name) else { continue };
        let mut districts: Vec<&District> = covered(maker, &maker.network.sites[site])
            .into_iter()
            .map(|(district, _)| district)
            .collect();
        districts.truncate(count);
        let mut series = Vec::new();
        for district in &districts {
            let name = format!("Runder Tisch Fachkräfteeinwanderung {}", district.name);
            series.push(new_series(maker, site, name)?);
        }
        for table in 0..tables {
            let of = table % series.len();
            let draft = Draft {
                site,
                kind: EventKind::RoundTable,
                starts_on: spread(maker, table, tables)?,
                status: EventStatus::Held,
                series: Some(&series[of]),
                districts: vec![districts[of]],
            };
            event(maker, staff, register, &mut made, &draft)?;
        }
        made.series.append(&mut series);
    }
    let mut conferences: Vec<EventSeries> = Vec::new();
    for (name, day) in CONFERENCES {
        let Some(site) = position(maker, name) else { continue };
        let carrier = maker.network.sites[site].carrier.id;
        let known = conferences.iter().position(|series| series.carrier.id == carrier);
        let of = known.unwrap_or(conferences.len());
        if known.is_none() {
            let name = "Fachtag Arbeit und Einwanderung".into();
            conferences.push(new_series(maker, site, name)?);
        }
        let draft = Draft {
            site,
            kind: EventKind::Conference,
            starts_on: date(day)?,
            status: EventStatus::Held,
            series: Some(&conferences[of]),
            districts: Vec::new(),
        };
        event(maker, staff, register, &mut made, &draft)?;
    }
    made.series.append(&mut conferences);
    for (name, kind, day, status) in LATELY {
        let Some(site) = position(maker, name) else { continue };
        let starts_on = date(day)?;
        let draft = Draft { site, kind, starts_on, status, series: None, districts: Vec::new() };
        event(maker, staff, register, &mut made, &draft)?;
    }
    Ok(made)
}

fn position(maker: &Maker, name: &str) -> Option<usize> {
    maker.network.sites.iter().position(|site| site.name == name)
}

fn new_series(maker: &mut Maker, site: usize, name: String) -> Result<EventSeries> {
    let now = at(date("2019-01-15")?, 9, 0);
    let carrier = maker.network.sites[site].carrier.clone();
    let input = EventSeriesInput { name, description: None };
    EventSeries::new(maker.id(now), now, &input, carrier)
}

/// One of several working days that lie evenly between spring 2019 and autumn 2022.
fn spread(maker: &mut Maker, index: usize, count: usize) -> Result<NaiveDate> {
    let (first, last) = (date("2019-03-04")?, date("2022-11-25")?);
    let days = u64::try_from((last - first).num_days()).unwrap_or_default();
    let part = days / u64::try_from(count).unwrap_or(1).max(1);
    let within = u64::try_from(maker.between(0, 20)).unwrap_or_default();
    let offset = u64::try_from(index).unwrap_or_default() * part + within;
    let mut day = first + Days::new(offset);
    while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
        day = day + Days::new(1);
    }
    Ok(day)
}

/// From the first lockdown until summer 2021 one met on screens.
fn is_online(on: NaiveDate) -> Result<bool> {
    Ok((date("2020-03-16")?..date("2021-07-01")?).contains(&on))
}

fn event(
    maker: &mut Maker,
    staff: &Staff,
    register: &Register,
    made: &mut Events,
    draft: &Draft,
) -> Result<()> {
    let all = staff.at_site(&maker.network.sites[draft.site]);
    let lead = maker.pick(&all)?.clone();
    let clients: Vec<&Client> =
        register.clients.iter().filter(|client| client.site == draft.site).collect();
    let actors: Vec<&Client> = clients
        .iter()
        .copied()
        .filter(|client| client.organisation.kind == OrganisationKind::Actor)
        .collect();
    let organisers = some(maker, &actors, 2)?;
    let speakers = some(maker, &actors, if draft.kind == EventKind::Conference { 6 } else { 2 })?;
    let input = input(maker, draft, &lead, &organisers, &speakers)?;
    let facts = |client: &&Client| OrganisationFacts {
        reference: client.organisation.clone(),
        district_id: client.district,
        archived: false,
    };
    let context = Context {
        today: date("2026-03-31")?,
        period: Some(period(maker, draft.starts_on)?),
        series: draft.series.cloned(),
        accompaniment: None,
        sites: maker.network.sites.clone(),
        staff: vec![lead.reference()],
        organisations: organisers.iter().chain(&speakers).map(facts).collect(),
        topics: maker.network.topics.clone(),
        districts: maker.network.districts.clone(),
    };
    // Held ones were recorded the day after, the others well before.
    let recorded = if draft.status == EventStatus::Held {
        at(draft.starts_on + Days::new(1), 9, 30)
    } else {
        at(date("2026-01-20")?, 9, 30)
    };
    let new = Event::new(maker.id(recorded), recorded, &lead, &input, &context)?;
    if draft.status != EventStatus::Cancelled {
        participations(maker, made, &new, &lead, &clients, &speakers)?;
    }
    made.events.push(new);
    Ok(())
}

fn input(
    maker: &mut Maker,
    draft: &Draft,
    lead: &Actor,
    organisers: &[&Client],
    speakers: &[&Client],
) -> Result<EventInput> {
    let theme = *maker.pick(&THEMES)?;
    let title = match (draft.series, draft.kind) {
        (Some(series), _) => format!("{}: {theme}", series.name),
        (None, EventKind::RoundTable) => format!("Runder Tisch: {theme}"),
        (None, _) => theme.to_owned(),
    };
    let online = is_online(draft.starts_on)?;
    let (from, to) = if draft.kind == EventKind::Conference { (9, 16) } else { (14, 17) };
    let mut topics: Vec<String> = Vec::new();
    for _ in 0..maker.between(1, 3) {
        let topic = *maker.pick(&TOPICS)?;
        if !topics.iter().any(|known| known == topic) {
            topics.push(topic.to_owned());
        }
    }
    let mut named = Vec::new();
    for speaker in speakers {
        named.push(SpeakerInput {
            organisation_id: Some(speaker.organisation.id),
            name: None,
            role: Some((*maker.pick(&SPEAKER_ROLES)?).to_owned()),
        });
    }
    Ok(EventInput {
        kind: draft.kind,
        title,
        accompaniment_id: None,
        series_id: draft.series.map(|series| series.id),
        starts_on: draft.starts_on,
        ends_on: None,
        starts_at: NaiveTime::from_hms_opt(from, 0, 0),
        ends_at: NaiveTime::from_hms_opt(to, 0, 0),
        place: (!online).then(|| "Haus der Beispiele, Großer Saal".to_owned()),
        online,
        online_url: online.then(|| "https://konferenz.example/runder-tisch".to_owned()),
        site_ids: vec![maker.network.sites[draft.site].id],
        staff_ids: vec![lead.user_id],
        organiser_ids: organisers.iter().map(|organiser| organiser.organisation.id).collect(),
        speakers: named,
        topics,
        district_ids: draft.districts.iter().map(|district| district.id).collect(),
        description: None,
        notes: None,
        status: draft.status,
    })
}

/// The period as it was while the records came in: open.
pub fn period(maker: &Maker, on: NaiveDate) -> Result<FundingPeriod> {
    let found = maker.network.periods.iter().find(|period| period.contains(on));
    let found = found.ok_or_else(|| Error::internal(format!("no funding period on {on}")))?;
    Ok(FundingPeriod { status: FundingPeriodStatus::Open, ..found.clone() })
}

/// Some of the clients, none twice.
fn some<'a>(maker: &mut Maker, clients: &[&'a Client], count: usize) -> Result<Vec<&'a Client>> {
    let mut some: Vec<&Client> = Vec::new();
    while some.len() < count.min(clients.len()) {
        let client = *maker.pick(clients)?;
        if !some.iter().any(|known| known.organisation.id == client.organisation.id) {
            some.push(client);
        }
    }
    Ok(some)
}

/// Contacts where there are, headcounts elsewhere; speakers, and at conferences guests nobody knows.
fn participations(
    maker: &mut Maker,
    made: &mut Events,
    event: &Event,
    lead: &Actor,
    clients: &[&Client],
    speakers: &[&Client],
) -> Result<()> {
    let held = event.status == EventStatus::Held;
    let large = event.kind == EventKind::Conference;
    let count = if large { maker.between(70, 110) } else { maker.between(12, 26) };
    let guests = some(maker, clients, usize::try_from(count).unwrap_or_default())?;
    let mut add = |maker: &mut Maker, client: Option<&Client>, input: ParticipationInput| {
        let context = participation::Context {
            today: event.starts_on,
            organisations: client
                .iter()
                .map(|client| OrganisationFacts {
                    reference: client.organisation.clone(),
                    district_id: client.district,
                    archived: false,
                })
                .collect(),
            contacts: client.iter().flat_map(|client| contacts(client)).collect(),
        };
        let now = event.created_at;
        let new = Participation::new(maker.id(now), now, lead, &input, event, &context)?;
        made.participations.push(new);
        Ok::<(), Error>(())
    };
    for client in guests {
        let status = if held {
            maker.weighted(&[
                (ParticipationStatus::Attended, 76),
                (ParticipationStatus::WalkIn, 9),
                (ParticipationStatus::NoShow, 10),
                (ParticipationStatus::Withdrawn, 5),
            ])?
        } else {
            ParticipationStatus::Registered
        };
        let contact = client.contacts.first();
        let headcount = if contact.is_some() { 1 } else { maker.between(1, 3) };
        let input = ParticipationInput {
            organisation_id: Some(client.organisation.id),
            contact_id: contact.map(|contact| ContactId(contact.id)),
            headcount,
            role: ParticipationRole::Participant,
            status,
            note: None,
        };
        add(maker, Some(client), input)?;
    }
    let there = if held { ParticipationStatus::Attended } else { ParticipationStatus::Registered };
    for client in speakers {
        let input = ParticipationInput {
            organisation_id: Some(client.organisation.id),
            contact_id: None,
            headcount: 1,
            role: ParticipationRole::Speaker,
            status: there,
            note: None,
        };
        add(maker, Some(client), input)?;
    }
    if large && held {
        let input = ParticipationInput {
            organisation_id: None,
            contact_id: None,
            headcount: maker.between(8, 25),
            role: ParticipationRole::Participant,
            status: ParticipationStatus::WalkIn,
            note: Some("Gezählt am Eingang".to_owned()),
        };
        add(maker, None, input)?;
    }
    Ok(())
}

fn contacts(client: &Client) -> Vec<ContactFacts> {
    let facts = |reference: &Reference| ContactFacts {
        reference: reference.clone(),
        organisation_id: client.organisation.id,
    };
    client.contacts.iter().map(facts).collect()
}
