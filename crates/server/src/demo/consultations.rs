//! Consultations: repeat and joint advice, anonymous calls, short information, cancellations, voided
//! and backdated records.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use lotse_domain::consultation::{
    AnonymousInput, Channel, Consultation, ConsultationInput, ConsultationStatus, Context,
    OrganisationFacts, Outcome,
};
use lotse_domain::entity::Reference;
use lotse_domain::funding_period::{FundingPeriod, FundingPeriodStatus};
use lotse_domain::occupation::OccupationInput;
use lotse_domain::policy::Actor;
use lotse_domain::size_class::SizeClass;
use lotse_domain::{Error, Result};

use super::people::Staff;
use super::register::{Client, Register};
use super::words::{CONCERNS, NEXT_STEPS};
use super::{Maker, at, date};

/// How many anonymous calls there were a site in 2019–2022.
const ANONYMOUS: [u32; 3] = [110, 60, 50];

const TOPICS: [(&str, u32); 29] = [
    ("pathway_check", 14),
    ("vocational", 12),
    ("academic", 6),
    ("blue_card", 6),
    ("adaptation_measure", 8),
    ("experience", 3),
    ("western_balkans", 9),
    ("training", 6),
    ("care_and_drivers", 4),
    ("seasonal", 1),
    ("already_here", 4),
    ("fast_track", 14),
    ("regular_visa", 6),
    ("employment_agency_consent", 5),
    ("employer_duties", 3),
    ("family_reunification", 3),
    ("settlement", 1),
    ("non_regulated", 7),
    ("regulated", 9),
    ("degree_evaluation", 3),
    ("abroad", 6),
    ("europe", 3),
    ("domestic", 2),
    ("fair_recruitment", 1),
    ("qualification", 6),
    ("language", 7),
    ("onboarding", 5),
    ("housing_and_funding", 4),
    ("other", 1),
];

/// Occupations that the centre is asked for, by the `KldB` 2010.
pub const OCCUPATIONS: [(&str, u32); 10] = [
    ("81302", 12),
    ("82102", 9),
    ("26302", 8),
    ("24422", 6),
    ("34212", 6),
    ("32102", 5),
    ("52122", 7),
    ("63302", 6),
    ("43414", 8),
    ("29302", 4),
];

pub const COUNTRIES: [(&str, u32); 10] = [
    ("IN", 10),
    ("MA", 8),
    ("TN", 6),
    ("XK", 8),
    ("BA", 7),
    ("AL", 6),
    ("TR", 7),
    ("PH", 8),
    ("BR", 3),
    ("VN", 5),
];

const OUTCOMES: [(Outcome, u32); 6] = [
    (Outcome::Clarified, 42),
    (Outcome::FollowUpAgreed, 31),
    (Outcome::Referred, 14),
    (Outcome::CaseOpened, 6),
    (Outcome::NotFeasible, 5),
    (Outcome::Withdrawn, 2),
];

/// How many times an organisation was advised, with weights.
const TIMES: [(u32, u32); 8] =
    [(1, 30), (2, 22), (3, 15), (4, 11), (5, 8), (7, 7), (10, 5), (16, 2)];

pub fn make(maker: &mut Maker, staff: &Staff, register: &Register) -> Result<Vec<Consultation>> {
    let mut all = Vec::new();
    let first = period(maker, "2019-06-01")?;
    let second = period(maker, "2023-06-01")?;
    for client in &register.clients {
        for _ in 0..maker.weighted(&TIMES)? {
            let held_on = workday(maker, first.starts_on, first.ends_on)?;
            all.push(consultation(maker, staff, register, &first, held_on, Some(client))?);
        }
        // 2023–2025 has just begun: some come back in its first weeks.
        if maker.chance(0.22) {
            let held_on = workday(maker, second.starts_on, date("2023-03-31")?)?;
            all.push(consultation(maker, staff, register, &second, held_on, Some(client))?);
        }
    }
    // Some organisations were advised at a site of another carrier too.
    for client in register.clients.iter().step_by(40) {
        let elsewhere = Client {
            organisation: client.organisation.clone(),
            district: client.district,
            site: (client.site + 1) % maker.network.sites.len(),
            contacts: Vec::new(),
            establishment: None,
        };
        let held_on = workday(maker, first.starts_on, first.ends_on)?;
        all.push(consultation(maker, staff, register, &first, held_on, Some(&elsewhere))?);
    }
    for (site, calls) in ANONYMOUS.into_iter().enumerate().take(maker.network.sites.len()) {
        let nobody = register.clients.iter().find(|client| client.site == site);
        let Some(nobody) = nobody else { continue };
        for _ in 0..calls {
            let held_on = workday(maker, first.starts_on, first.ends_on)?;
            all.push(anonymous(maker, staff, &first, held_on, nobody)?);
        }
    }
    // Some come back later, up to the day that the demonstration is as of. Last, so that what was there
    // before stays as it is.
    let third = period(maker, "2026-06-01")?;
    for client in &register.clients {
        if maker.chance(0.3) {
            let held_on = workday(maker, date("2023-04-03")?, second.ends_on)?;
            all.push(consultation(maker, staff, register, &second, held_on, Some(client))?);
        }
        if maker.chance(0.15) {
            let held_on = workday(maker, third.starts_on, date("2026-10-30")?)?;
            all.push(consultation(maker, staff, register, &third, held_on, Some(client))?);
        }
    }
    // In the order of recording, as they would have come about.
    all.sort_by_key(|consultation| consultation.created_at);
    Ok(all)
}

/// The period as it was while the records came in: open.
fn period(maker: &Maker, on: &str) -> Result<FundingPeriod> {
    let on = date(on)?;
    let found = maker.network.periods.iter().find(|period| period.contains(on));
    let found = found.ok_or_else(|| Error::internal(format!("no funding period on {on}")))?;
    Ok(FundingPeriod { status: FundingPeriodStatus::Open, ..found.clone() })
}

/// Fewer in the first weeks of the pandemic than before and after.
fn workday(maker: &mut Maker, from: NaiveDate, to: NaiveDate) -> Result<NaiveDate> {
    let lockdown = date("2020-03-16")?..date("2020-05-31")?;
    let days = i32::try_from((to - from).num_days()).unwrap_or_default();
    loop {
        let offset = u64::try_from(maker.between(0, days)).unwrap_or_default();
        let day = from.checked_add_days(Days::new(offset)).unwrap_or(from);
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        if !weekend && (!lockdown.contains(&day) || maker.chance(0.4)) {
            return Ok(day);
        }
    }
}

fn channel(maker: &mut Maker, on: NaiveDate) -> Result<Channel> {
    let before = [
        (Channel::Phone, 40),
        (Channel::InPerson, 20),
        (Channel::OnSite, 18),
        (Channel::Email, 15),
        (Channel::Video, 2),
        (Channel::EventStand, 5),
    ];
    let since = [
        (Channel::Phone, 38),
        (Channel::Video, 26),
        (Channel::Email, 18),
        (Channel::OnSite, 9),
        (Channel::InPerson, 7),
        (Channel::EventStand, 2),
    ];
    maker.weighted(if on < date("2020-03-16")? { &before } else { &since })
}

fn minutes(maker: &mut Maker, channel: Channel) -> Result<i32> {
    if maker.chance(0.08) {
        return maker.weighted(&[(5, 1), (10, 2)]);
    }
    let usual = match channel {
        Channel::Phone => [(15, 3), (20, 4), (30, 5), (45, 2)],
        Channel::Email => [(15, 5), (20, 3), (30, 3), (45, 1)],
        Channel::EventStand => [(15, 4), (20, 3), (25, 2), (30, 1)],
        Channel::InPerson | Channel::Video => [(30, 2), (45, 4), (60, 5), (90, 2)],
        Channel::OnSite => [(60, 3), (90, 5), (120, 4), (180, 1)],
    };
    maker.weighted(&usual)
}

fn topics(maker: &mut Maker) -> Result<Vec<String>> {
    let count = maker.weighted(&[(1, 4), (2, 4), (3, 2)])?;
    let mut topics: Vec<String> = Vec::new();
    while topics.len() < count {
        let topic = maker.weighted(&TOPICS)?;
        if !topics.iter().any(|known| known == topic) {
            topics.push(topic.to_owned());
        }
    }
    Ok(topics)
}

/// What workers are sought, in about half of the consultations.
fn occupations(maker: &mut Maker) -> Result<Vec<OccupationInput>> {
    let count = maker.weighted(&[(0, 5), (1, 4), (2, 1)])?;
    let mut sought: Vec<OccupationInput> = Vec::new();
    while sought.len() < count {
        let code = maker.weighted(&OCCUPATIONS)?;
        if !sought.iter().any(|known| known.code == code) {
            let workers = maker.chance(0.8).then(|| maker.between(1, 6));
            sought.push(OccupationInput { code: code.to_owned(), skill_level: None, workers });
        }
    }
    Ok(sought)
}

fn countries(maker: &mut Maker) -> Result<Vec<String>> {
    let count = maker.weighted(&[(0, 5), (1, 4), (2, 1)])?;
    let mut named: Vec<String> = Vec::new();
    while named.len() < count {
        let country = maker.weighted(&COUNTRIES)?;
        if !named.iter().any(|known| known == country) {
            named.push(country.to_owned());
        }
    }
    Ok(named)
}

fn consultation(
    maker: &mut Maker,
    staff: &Staff,
    register: &Register,
    period: &FundingPeriod,
    held_on: NaiveDate,
    client: Option<&Client>,
) -> Result<Consultation> {
    let client = client.ok_or_else(|| Error::internal("no client"))?;
    let advisers = advisers(maker, staff, client.site)?;
    let establishment = client
        .establishment
        .filter(|_| maker.chance(0.5))
        .and_then(|index| register.establishments.get(index).cloned());
    let mut input = input(maker, client.site, held_on, &advisers)?;
    input.organisation_id = Some(client.organisation.id);
    input.establishment_id = establishment.as_ref().map(|establishment| establishment.id);
    input.contact_ids = client.contacts.iter().map(|contact| contact.id.into()).collect();
    input.status = maker.weighted(&[
        (ConsultationStatus::Held, 970),
        (ConsultationStatus::Cancelled, 20),
        (ConsultationStatus::NoShow, 10),
    ])?;
    let mut context = context(maker, client.site, period, &advisers);
    context.organisation = Some(OrganisationFacts {
        reference: client.organisation.clone(),
        district_id: client.district,
        archived: false,
    });
    context.establishment = establishment;
    context.contacts.clone_from(&client.contacts);
    finish(maker, &advisers, &input, &context)
}

fn anonymous(
    maker: &mut Maker,
    staff: &Staff,
    period: &FundingPeriod,
    held_on: NaiveDate,
    like: &Client,
) -> Result<Consultation> {
    let advisers = advisers(maker, staff, like.site)?;
    let mut input = input(maker, like.site, held_on, &advisers[..1])?;
    input.channel = Channel::Phone;
    input.anonymous = maker.chance(0.6).then_some(AnonymousInput {
        district_id: like.district,
        classification: None,
        section: None,
        size_class: Some(SizeClass::Small),
    });
    let context = context(maker, like.site, period, &advisers);
    finish(maker, &advisers, &input, &context)
}

/// One adviser of the site, or two for joint advice.
fn advisers(maker: &mut Maker, staff: &Staff, site: usize) -> Result<Vec<Actor>> {
    let all = staff.at_site(&maker.network.sites[site]);
    let lead = maker.pick(&all)?.clone();
    let mut advisers = vec![lead];
    if maker.chance(0.08) {
        let second = maker.pick(&all)?.clone();
        if second.user_id != advisers[0].user_id {
            advisers.push(second);
        }
    }
    Ok(advisers)
}

fn input(
    maker: &mut Maker,
    site: usize,
    held_on: NaiveDate,
    advisers: &[Actor],
) -> Result<ConsultationInput> {
    let channel = channel(maker, held_on)?;
    let hour = u32::try_from(maker.between(8, 16)).unwrap_or(9);
    let quarter = u32::try_from(maker.between(0, 3)).unwrap_or(0) * 15;
    let starts_at =
        if maker.chance(0.7) { NaiveTime::from_hms_opt(hour, quarter, 0) } else { None };
    let notes = format!("{} {}", maker.pick(&CONCERNS)?, maker.pick(&NEXT_STEPS)?);
    Ok(ConsultationInput {
        organisation_id: None,
        establishment_id: None,
        site_id: maker.network.sites[site].id,
        held_on,
        starts_at,
        minutes: minutes(maker, channel)?,
        preparation_minutes: maker.weighted(&[(None, 6), (Some(10), 2), (Some(20), 1)])?,
        channel,
        status: ConsultationStatus::Held,
        adviser_ids: advisers.iter().map(|adviser| adviser.user_id).collect(),
        topics: topics(maker)?,
        contact_ids: Vec::new(),
        occupations: occupations(maker)?,
        apprentices: maker.chance(0.05).then(|| maker.between(1, 4)),
        countries: countries(maker)?,
        notes: maker.chance(0.85).then_some(notes),
        outcome: Some(maker.weighted(&OUTCOMES)?),
        anonymous: None,
        event_id: None,
        accompaniment_id: None,
        recruitment_case_id: None,
    })
}

fn context(maker: &Maker, site: usize, period: &FundingPeriod, advisers: &[Actor]) -> Context {
    Context {
        today: period.ends_on,
        site: maker.network.sites.get(site).cloned(),
        period: Some(period.clone()),
        organisation: None,
        establishment: None,
        advisers: advisers
            .iter()
            .map(|adviser| Reference::new(adviser.user_id, &adviser.name))
            .collect(),
        topics: maker.network.topics.clone(),
        contacts: Vec::new(),
        event: None,
        accompaniment: None,
        recruitment_case: None,
        districts: maker.network.districts.clone(),
    }
}

/// Recorded on the day or soon after, some much later; a few are taken back.
fn finish(
    maker: &mut Maker,
    advisers: &[Actor],
    input: &ConsultationInput,
    context: &Context,
) -> Result<Consultation> {
    let later = if maker.chance(0.05) { maker.between(20, 120) } else { maker.between(0, 3) };
    let day = input
        .held_on
        .checked_add_days(Days::new(u64::try_from(later).unwrap_or_default()))
        .unwrap_or(input.held_on);
    let hour = u32::try_from(maker.between(8, 17)).unwrap_or(8);
    let minute = u32::try_from(maker.between(0, 59)).unwrap_or(0);
    let recorded = at(day, hour, minute);
    let lead = advisers.first().ok_or_else(|| Error::internal("no adviser"))?;
    let new = Consultation::new(maker.id(recorded), recorded, lead, input, context)?;
    if maker.chance(0.015) {
        let taken_back = recorded + chrono::TimeDelta::hours(1);
        return new.voided(taken_back, lead, "Doppelt erfasst".to_owned());
    }
    Ok(new)
}
