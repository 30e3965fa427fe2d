//! The rules that an event is recorded and changed by.

use chrono::{NaiveDate, Timelike};

use super::{Event, EventInput, EventStatus, Speaker, SpeakerInput, check_period};
use crate::accompaniment::NamedAccompaniment;
use crate::check::Checks;
use crate::consultation::{OrganisationFacts, TopicReference};
use crate::district::District;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::event_series::EventSeries;
use crate::funding_period::FundingPeriod;
use crate::id::OrganisationId;
use crate::organisation::OrganisationReference;
use crate::policy::Actor;
use crate::site::Site;
use crate::time::covers;
use crate::topic::Topic;

/// How many sites, users, organisers and topics an event names of each.
pub const MAX_NAMED: usize = 20;
/// More than districts of Hesse.
pub const MAX_DISTRICTS: usize = 30;
pub const MAX_SPEAKERS: usize = 50;

/// What an input names, as far as it exists and the caller may know of it.
#[derive(Debug)]
pub struct Context {
    pub today: NaiveDate,
    /// The period that the first day lies in.
    pub period: Option<FundingPeriod>,
    /// The series, if it is one of the own carrier.
    pub series: Option<EventSeries>,
    /// The accompaniment, if it is by the own carrier.
    pub accompaniment: Option<NamedAccompaniment>,
    pub sites: Vec<Site>,
    /// Users who advise for the own carrier on the first day.
    pub staff: Vec<Reference>,
    /// Organisers and organisations of speakers.
    pub organisations: Vec<OrganisationFacts>,
    pub topics: Vec<Topic>,
    pub districts: Vec<District>,
}

/// What was named, in the order of the input.
#[derive(Debug)]
pub struct Named {
    pub carrier: Reference,
    pub funding_period: Reference,
    pub series: Option<Reference>,
    pub accompaniment: Option<Reference>,
    pub title: String,
    pub place: Option<String>,
    pub online_url: Option<String>,
    pub sites: Vec<Reference>,
    pub staff: Vec<Reference>,
    pub organisers: Vec<OrganisationReference>,
    pub speakers: Vec<Speaker>,
    pub topics: Vec<TopicReference>,
    pub districts: Vec<Reference>,
    pub description: Option<String>,
    pub notes: Option<String>,
}

type Found<T> = Result<T, (&'static str, &'static str)>;

/// `old` is the event as it is, when it is changed: what it names already it may go on naming, although
/// that was archived since.
pub fn check(
    actor: &Actor,
    input: &EventInput,
    context: &Context,
    old: Option<&Event>,
) -> Result<Named> {
    let own = actor.own_carrier()?;
    let mut checks = Checks::new();
    let title = checks.line("/title", &input.title, 200);
    let place = checks.optional_line("/place", input.place.as_deref(), 200);
    let online_url = checked_url(&mut checks, input);
    let description = checks.optional_prose("/description", input.description.as_deref(), 10_000);
    let notes = checks.optional_prose("/notes", input.notes.as_deref(), 10_000);
    check_dates(&mut checks, input, context);
    check_status(&mut checks, input, context);
    let series = series(&mut checks, input, context, old);
    let accompaniment = context.accompaniment.as_ref().map(|named| named.reference.clone());
    checks.require(
        input.accompaniment_id.is_none() || accompaniment.is_some(),
        "/accompaniment_id",
        "unknown",
        "must be an accompaniment by your carrier",
    );
    let sites = checks.named("/site_ids", &input.site_ids, (1, MAX_NAMED), |id| {
        match context.sites.iter().find(|site| site.id == *id) {
            None => Err(("unknown", "must be a site, see GET /api/v1/sites")),
            Some(site) if site.carrier.id != own.id.0 => {
                Err(("site_of_another_carrier", "must be a site of your carrier"))
            }
            Some(site) if !site.open_on(input.starts_on) => {
                Err(("not_open_on_date", "must be a site that is open on the first day"))
            }
            Some(site) => Ok(Reference::new(site.id, &site.name)),
        }
    });
    let staff = checks.named("/staff_ids", &input.staff_ids, (0, MAX_NAMED), |id| {
        context.staff.iter().find(|user| user.id == id.0).cloned().ok_or((
            "not_an_adviser",
            "must be a user who advises for your carrier on the first day",
        ))
    });
    let organisers = checks.named("/organiser_ids", &input.organiser_ids, (0, MAX_NAMED), |id| {
        let named = old.is_some_and(|old| old.organisers.iter().any(|known| known.id == *id));
        organisation(context, *id, named)
    });
    let speakers = speakers(&mut checks, input, context, old);
    let topics = checks.named("/topics", &input.topics, (0, MAX_NAMED), |code| {
        match context.topics.iter().find(|topic| topic.code == *code) {
            None => Err(("unknown", "must be the code of a topic, see GET /api/v1/topics")),
            Some(topic) if !topic.valid_on(input.starts_on) => {
                Err(("not_valid_on_date", "must be a topic valid on the first day"))
            }
            Some(topic) => Ok(TopicReference {
                code: topic.code.clone(),
                label_de: topic.label_de.clone(),
                label_en: topic.label_en.clone(),
            }),
        }
    });
    let districts =
        checks.named("/district_ids", &input.district_ids, (0, MAX_DISTRICTS), |id| match context
            .districts
            .iter()
            .find(|district| district.id == *id)
        {
            None => Err(("unknown", "must be a district, see GET /api/v1/districts")),
            Some(district) if !covers(district.valid_from, district.valid_to, input.starts_on) => {
                Err(("not_valid_on_date", "must be a district that exists on the first day"))
            }
            Some(district) => Ok(Reference::new(district.id, &district.name)),
        });
    checks.finish()?;

    // Required above: a missing one has already been answered.
    let Some(period) = &context.period else {
        return Err(Error::internal("an event without a period passed the rules"));
    };
    check_period(period, input.status, actor.role)?;
    Ok(Named {
        carrier: Reference::new(own.id, &own.name),
        funding_period: Reference::new(period.id, &period.name),
        series,
        accompaniment,
        title,
        place,
        online_url,
        sites,
        staff,
        organisers,
        speakers,
        topics,
        districts,
        description,
        notes,
    })
}

fn check_dates(checks: &mut Checks, input: &EventInput, context: &Context) {
    checks.require(
        context.period.is_some(),
        "/starts_on",
        "outside_funding_periods",
        "must lie in a funding period",
    );
    let ends_on = input.ends_on.unwrap_or(input.starts_on);
    checks.require(
        ends_on >= input.starts_on,
        "/ends_on",
        "before_start",
        "must not be before starts_on",
    );
    for (pointer, time) in [("/starts_at", input.starts_at), ("/ends_at", input.ends_at)] {
        // Neither fractions nor a leap second, which chrono reads: PostgreSQL would store another time.
        checks.require(
            time.is_none_or(|time| time.nanosecond() == 0),
            pointer,
            "not_a_time",
            "must be a time of day in whole seconds",
        );
    }
    match (input.starts_at, input.ends_at) {
        (Some(_), None) => checks.fail("/ends_at", "missing", "is required with starts_at"),
        (None, Some(_)) => checks.fail("/starts_at", "missing", "is required with ends_at"),
        (Some(starts_at), Some(ends_at)) => checks.require(
            ends_on > input.starts_on || ends_at > starts_at,
            "/ends_at",
            "before_start",
            "must be after starts_at on an event of one day",
        ),
        (None, None) => (),
    }
}

fn check_status(checks: &mut Checks, input: &EventInput, context: &Context) {
    checks.require(
        input.status != EventStatus::Voided,
        "/status",
        "not_settable",
        "must be planned, held or cancelled; to take an event back, POST to …/void",
    );
    checks.require(
        input.status != EventStatus::Held || input.starts_on <= context.today,
        "/status",
        "in_the_future",
        &format!("must not be held before its first day; today is {}", context.today),
    );
}

fn checked_url(checks: &mut Checks, input: &EventInput) -> Option<String> {
    let url = checks.optional_line("/online_url", input.online_url.as_deref(), 500)?;
    checks.require(input.online, "/online_url", "not_online", "must be absent unless online");
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .unwrap_or_default();
    checks.require(
        !host.is_empty() && !url.chars().any(char::is_whitespace),
        "/online_url",
        "not_a_url",
        "must be a web address such as https://meeting.example/room",
    );
    Some(url)
}

fn series(
    checks: &mut Checks,
    input: &EventInput,
    context: &Context,
    old: Option<&Event>,
) -> Option<Reference> {
    let id = input.series_id?;
    let Some(series) = context.series.as_ref().filter(|series| series.id == id) else {
        checks.fail("/series_id", "unknown", "must be a series of your carrier");
        return None;
    };
    let named = old.and_then(|old| old.series.as_ref()).is_some_and(|known| known.id == id.0);
    checks.require(
        named || series.archived.is_none(),
        "/series_id",
        "archived",
        "must not be archived",
    );
    Some(Reference::new(series.id, &series.name))
}

fn organisation(
    context: &Context,
    id: OrganisationId,
    named: bool,
) -> Found<OrganisationReference> {
    match context.organisations.iter().find(|facts| facts.reference.id == id) {
        None => Err(("unknown", "must be a company or an actor")),
        Some(facts) if facts.archived && !named => Err(("archived", "must not be archived")),
        Some(facts) => Ok(facts.reference.clone()),
    }
}

fn speakers(
    checks: &mut Checks,
    input: &EventInput,
    context: &Context,
    old: Option<&Event>,
) -> Vec<Speaker> {
    checks.require(
        input.speakers.len() <= MAX_SPEAKERS,
        "/speakers",
        "too_many",
        "must name at most 50",
    );
    let mut speakers = Vec::new();
    for (index, speaker) in input.speakers.iter().enumerate().take(MAX_SPEAKERS) {
        speakers.push(checked_speaker(
            checks,
            &format!("/speakers/{index}"),
            speaker,
            context,
            old,
        ));
    }
    speakers
}

fn checked_speaker(
    checks: &mut Checks,
    pointer: &str,
    input: &SpeakerInput,
    context: &Context,
    old: Option<&Event>,
) -> Speaker {
    let named = |id: OrganisationId| {
        let speaks = |speaker: &Speaker| speaker.organisation.as_ref().is_some_and(|o| o.id == id);
        old.is_some_and(|old| old.speakers.iter().any(speaks))
    };
    let organisation = input.organisation_id.and_then(|id| {
        let found = organisation(context, id, named(id));
        found
            .map_err(|(code, message)| {
                checks.fail(format!("{pointer}/organisation_id"), code, message);
            })
            .ok()
    });
    let name = checks.optional_line(&format!("{pointer}/name"), input.name.as_deref(), 200);
    let role = checks.optional_line(&format!("{pointer}/role"), input.role.as_deref(), 200);
    checks.require(
        input.organisation_id.is_some() || name.is_some(),
        pointer,
        "nobody",
        "must have an organisation_id or a name",
    );
    Speaker { organisation, name, role }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::{DateTime, NaiveTime, Utc};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::calendar::FederalState;
    use crate::event::EventKind;
    use crate::funding_period::FundingPeriodStatus;
    use crate::id::{CarrierId, SessionId, SiteId};
    use crate::policy::{CarrierRef, Login, Role};

    const CARRIER: Uuid = Uuid::from_u128(1);
    const SITE: Uuid = Uuid::from_u128(2);

    pub fn now() -> DateTime<Utc> {
        "2026-03-16T09:00:00Z".parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    pub fn actor() -> Actor {
        Actor {
            login: Login::Session {
                id: SessionId(Uuid::nil()),
                email: "adviser@test.example".to_owned(),
                restricted: false,
            },
            user_id: Uuid::from_u128(3).into(),
            name: "Test adviser".to_owned(),
            role: Role::Adviser,
            carrier: Some(CarrierRef { id: CarrierId(CARRIER), name: "BWHW".to_owned() }),
            site: None,
        }
    }

    fn input() -> EventInput {
        EventInput {
            kind: EventKind::RoundTable,
            title: "Runder Tisch".to_owned(),
            series_id: None,
            accompaniment_id: None,
            starts_on: day("2026-03-02"),
            ends_on: None,
            starts_at: None,
            ends_at: None,
            place: None,
            online: false,
            online_url: None,
            site_ids: vec![SiteId(SITE)],
            staff_ids: Vec::new(),
            organiser_ids: Vec::new(),
            speakers: Vec::new(),
            topics: Vec::new(),
            district_ids: Vec::new(),
            description: None,
            notes: None,
            status: EventStatus::Planned,
        }
    }

    fn context(status: FundingPeriodStatus) -> Context {
        let period = FundingPeriod {
            id: Uuid::from_u128(4).into(),
            name: "2026–2028".to_owned(),
            service_name: "IQ".to_owned(),
            starts_on: day("2026-01-01"),
            ends_on: day("2028-12-31"),
            minimum_minutes: 15,
            status,
            version: 1,
            created_at: now(),
            updated_at: now(),
        };
        let site = Site {
            id: SiteId(SITE),
            carrier: Reference::new(CARRIER, "BWHW"),
            name: "Frankfurt am Main".to_owned(),
            valid_from: day("2019-01-01"),
            valid_to: None,
            federal_state: FederalState::Hesse,
            version: 1,
            created_at: now(),
            updated_at: now(),
        };
        Context {
            today: day("2026-03-16"),
            period: Some(period),
            series: None,
            accompaniment: None,
            sites: vec![site],
            staff: Vec::new(),
            organisations: Vec::new(),
            topics: Vec::new(),
            districts: Vec::new(),
        }
    }

    /// An event two weeks ago.
    pub fn event() -> Event {
        let context = context(FundingPeriodStatus::Open);
        Event::new(Uuid::from_u128(5).into(), now(), &actor(), &input(), &context).unwrap()
    }

    #[test]
    fn a_period_takes_what_suits_its_status() {
        use EventStatus::{Cancelled, Held, Planned};
        for (period, role, taken) in [
            (FundingPeriodStatus::Planned, Role::Adviser, &[Planned, Cancelled][..]),
            (FundingPeriodStatus::Planned, Role::Manager, &[Planned, Cancelled]),
            (FundingPeriodStatus::Open, Role::Adviser, &[Planned, Held, Cancelled]),
            (FundingPeriodStatus::Closing, Role::Adviser, &[]),
            (FundingPeriodStatus::Closing, Role::Manager, &[Planned, Held, Cancelled]),
            (FundingPeriodStatus::Closed, Role::Manager, &[]),
        ] {
            for status in [Planned, Held, Cancelled] {
                let context = context(period);
                let actor = Actor { role, ..actor() };
                let input = EventInput { status, ..input() };
                let id = Uuid::from_u128(6).into();
                let made = Event::new(id, now(), &actor, &input, &context);
                assert_eq!(made.is_ok(), taken.contains(&status), "{period:?} {role:?} {status:?}");
            }
        }
    }

    proptest! {
        /// An event ends after it starts, whether that is told by days or by times of day.
        #[test]
        fn an_event_ends_after_it_starts(
            (days, starts, ends) in (-2..3_i64, 0..24_u32, proptest::option::of(0..24_u32))
        ) {
            let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0);
            let input = EventInput {
                ends_on: Some(day("2026-03-02") + chrono::TimeDelta::days(days)),
                starts_at: at(starts),
                ends_at: ends.and_then(at),
                ..input()
            };
            let context = context(FundingPeriodStatus::Open);
            let made = Event::new(Uuid::from_u128(6).into(), now(), &actor(), &input, &context);
            let minutes = ends.map(|ends| days * 1440 + (i64::from(ends) - i64::from(starts)) * 60);
            let expected = days >= 0 && minutes.is_some_and(|minutes| days > 0 || minutes > 0);
            prop_assert_eq!(made.is_ok(), expected);
        }
    }
}
