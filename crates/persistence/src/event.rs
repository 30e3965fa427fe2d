use std::collections::HashMap;

use chrono::{NaiveDate, NaiveTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use lotse_domain::code::Code;
use lotse_domain::consultation::{TopicReference, Voided};
use lotse_domain::entity::Reference;
use lotse_domain::event::{
    Event, EventFilter, EventSort, NamedEvent, ParticipationCounts, Speaker,
};
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{EventId, OrganisationId};
use lotse_domain::name::{fold, search_text};
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::accompaniment;
use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, contains, reference};
use crate::error::{DbResult, one_row};
use crate::merge;
use crate::names::Names;
use crate::page::first;
use crate::schema::{
    event_districts, event_lists, event_organisers, event_participations, event_series,
    event_sites, event_speakers, event_staff, event_topics, events, topics,
};
use crate::sql_types::{At, Id, Key};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = events, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    funding_period_id: Key,
    series_id: Option<Key>,
    kind: String,
    title: String,
    search_text: String,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    starts_at: Option<NaiveTime>,
    ends_at: Option<NaiveTime>,
    place: Option<String>,
    is_online: bool,
    online_url: Option<String>,
    description: Option<String>,
    notes: Option<String>,
    status: String,
    voided_at: Option<At>,
    voided_by: Option<Key>,
    void_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
    accompaniment_id: Option<Key>,
}

impl From<&Event> for Row {
    fn from(event: &Event) -> Self {
        Self {
            id: Key(event.id.0),
            carrier_id: Key(event.carrier.id),
            funding_period_id: Key(event.funding_period.id),
            series_id: event.series.as_ref().map(|series| Key(series.id)),
            kind: event.kind.code().to_owned(),
            title: event.title.clone(),
            search_text: search_text(&event.title),
            starts_on: event.starts_on,
            ends_on: event.ends_on,
            starts_at: event.starts_at,
            ends_at: event.ends_at,
            place: event.place.clone(),
            is_online: event.online,
            online_url: event.online_url.clone(),
            description: event.description.clone(),
            notes: event.notes.clone(),
            status: event.status.code().to_owned(),
            voided_at: event.voided.as_ref().map(|voided| At(voided.at)),
            voided_by: event.voided.as_ref().map(|voided| Key(voided.by.id)),
            void_reason: event.voided.as_ref().map(|voided| voided.reason.clone()),
            recorded_by: Key(event.recorded_by.id),
            version: event.version,
            created_at: At(event.created_at),
            updated_at: At(event.updated_at),
            accompaniment_id: event.accompaniment.as_ref().map(|run| Key(run.id)),
        }
    }
}

/// The row with the name of its series.
type Found = (Row, Option<String>);

/// The lists of an event, in their order.
#[derive(Default)]
struct Lists {
    sites: Vec<Reference>,
    staff: Vec<Reference>,
    organisers: Vec<OrganisationReference>,
    speakers: Vec<Speaker>,
    topics: Vec<TopicReference>,
    districts: Vec<Reference>,
}

/// Without the accompaniment, which is looked up for all of them.
fn entity(
    (row, series_name): Found,
    lists: Lists,
    participations: ParticipationCounts,
    names: &Names,
) -> Result<Event> {
    let voided = match (row.voided_at, row.voided_by) {
        (Some(at), Some(by)) => Some(Voided {
            at: at.0,
            by: names.reference(by)?,
            reason: row.void_reason.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(Event {
        id: EventId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        funding_period: names.reference(row.funding_period_id)?,
        series: reference(row.series_id, series_name),
        accompaniment: None,
        kind: code(&row.kind)?,
        title: row.title,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        place: row.place,
        online: row.is_online,
        online_url: row.online_url,
        sites: lists.sites,
        staff: lists.staff,
        organisers: lists.organisers,
        speakers: lists.speakers,
        topics: lists.topics,
        districts: lists.districts,
        description: row.description,
        notes: row.notes,
        status: code(&row.status)?,
        participations,
        voided,
        recorded_by: names.reference(row.recorded_by)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// The rows as entities, with their lists and counts, which are one query each for all of them.
fn entities(conn: &mut Conn, rows: Vec<Found>, names: &Names) -> Result<Vec<Event>> {
    let ids: Vec<Key> = rows.iter().map(|(row, _)| row.id).collect();
    let mut lists = lists(conn, &ids, names)?;
    let counts = counts(conn, &ids)?;
    let runs: Vec<Key> = rows.iter().filter_map(|(row, _)| row.accompaniment_id).collect();
    let runs = accompaniment::named_among(conn, &runs)?;
    rows.into_iter()
        .map(|row| {
            let lists = lists.remove(&row.0.id).unwrap_or_default();
            let counts = counts.get(&row.0.id).copied().unwrap_or_default();
            let run = row.0.accompaniment_id.and_then(|id| runs.get(&id));
            let event = entity(row, lists, counts, names)?;
            Ok(Event { accompaniment: run.map(|named| named.reference.clone()), ..event })
        })
        .collect()
}

#[derive(Queryable)]
struct Entry {
    event_id: Key,
    position: i32,
    list: String,
    entry_id: Option<Key>,
    organisation_name: Option<String>,
    organisation_kind: Option<String>,
    name: Option<String>,
    role: Option<String>,
}

impl Entry {
    fn id(&self) -> Result<Key> {
        self.entry_id.ok_or_else(|| Error::internal(format!("an entry of {} has no id", self.list)))
    }

    fn organisation(&self) -> Result<Option<OrganisationReference>> {
        let (Some(id), Some(name), Some(kind)) =
            (self.entry_id, &self.organisation_name, &self.organisation_kind)
        else {
            return Ok(None);
        };
        Ok(Some(OrganisationReference {
            id: OrganisationId(id.0),
            name: name.clone(),
            kind: code(kind)?,
        }))
    }
}

fn lists(conn: &mut Conn, ids: &[Key], names: &Names) -> Result<HashMap<Key, Lists>> {
    let mut entries: Vec<Entry> = on_backend!(conn, c => event_lists::table
        .filter(among(event_lists::event_id, ids))
        .load(c))
    .db()?;
    entries.sort_unstable_by_key(|entry| entry.position);
    let mut all: HashMap<Key, Lists> = HashMap::with_capacity(ids.len());
    for entry in entries {
        let lists = all.entry(entry.event_id).or_default();
        match entry.list.as_str() {
            "site" => lists.sites.push(names.reference(entry.id()?)?),
            "staff" => lists.staff.push(names.reference(entry.id()?)?),
            "topic" => lists.topics.push(names.topic(entry.id()?)?),
            "district" => lists.districts.push(names.reference(entry.id()?)?),
            "organiser" => lists.organisers.extend(entry.organisation()?),
            _ => lists.speakers.push(Speaker {
                organisation: entry.organisation()?,
                name: entry.name,
                role: entry.role,
            }),
        }
    }
    Ok(all)
}

fn counts(conn: &mut Conn, ids: &[Key]) -> Result<HashMap<Key, ParticipationCounts>> {
    const REGISTERED: &str = "coalesce(sum(headcount) FILTER (WHERE status = 'registered'), 0)";
    const ATTENDED: &str =
        "coalesce(sum(headcount) FILTER (WHERE status IN ('attended', 'walk_in')), 0)";
    const NO_SHOW: &str = "coalesce(sum(headcount) FILTER (WHERE status = 'no_show'), 0)";
    const ORGANISATIONS: &str =
        "count(DISTINCT organisation_id) FILTER (WHERE status IN ('attended', 'walk_in'))";
    let rows: Vec<(Key, i64, i64, i64, i64)> = on_backend!(conn, c => event_participations::table
        .filter(among(event_participations::event_id, ids))
        .filter(event_participations::role.eq("participant"))
        .group_by(event_participations::event_id)
        .select((
            event_participations::event_id,
            sql::<BigInt>(REGISTERED),
            sql::<BigInt>(ATTENDED),
            sql::<BigInt>(NO_SHOW),
            sql::<BigInt>(ORGANISATIONS),
        ))
        .load(c))
    .db()?;
    Ok(rows
        .into_iter()
        .map(|(id, registered, attended, no_show, organisations)| {
            (id, ParticipationCounts { registered, attended, no_show, organisations })
        })
        .collect())
}

/// # Errors
/// `NotFound` when there is no such event in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: EventId) -> Result<Event> {
    let not_found = Error::NotFound("event");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let found: Option<Found> = events::table
        .left_join(event_series::table)
        .filter(events::id.eq(Key(id.0)))
        .filter(events::carrier_id.eq(carrier))
        .select((Row::as_select(), event_series::name.nullable()))
        .first(conn)
        .optional()
        .db()?;
    entities(conn, found.into_iter().collect(), names)?.pop().ok_or(not_found)
}

/// The event, held until the transaction ends: it and its participations are changed by one at a time,
/// so that what is registered twice at once is found the second time, and nobody voids an event while
/// attendance is recorded.
///
/// # Errors
/// As [`find`].
pub fn hold(conn: &mut Conn, names: &Names, scope: &Scope, id: EventId) -> Result<Event> {
    // The only writer to SQLite holds everything.
    if let (Conn::Postgres(conn), Some(carrier)) = (&mut *conn, carrier_of(scope)) {
        // No key is changed: records that only refer to the event need not wait.
        let _: Option<Key> = events::table
            .filter(events::id.eq(Key(id.0)))
            .filter(events::carrier_id.eq(carrier))
            .select(events::id)
            .for_no_key_update()
            .first(conn)
            .optional()
            .db()?;
    }
    find(conn, names, scope, id)
}

/// An event of the scope, as far as the rules of what names one need to know it.
///
/// # Errors
/// When the database cannot be read.
pub fn named(conn: &mut Conn, scope: &Scope, id: EventId) -> Result<Option<NamedEvent>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(None) };
    let found: Option<(String, Option<At>)> = events::table
        .filter(events::id.eq(Key(id.0)))
        .filter(events::carrier_id.eq(carrier))
        .select((events::title, events::voided_at))
        .first(conn)
        .optional()
        .db()?;
    Ok(found.map(|(title, voided_at)| NamedEvent {
        reference: Reference::new(id, title),
        voided: voided_at.is_some(),
    }))
}

/// Whether events recorded in the period begin outside the dates that it is to have.
///
/// # Errors
/// When the database cannot be read.
pub fn any_outside(conn: &mut Conn, period: &FundingPeriod) -> Result<bool> {
    let outside: Option<Key> = events::table
        .filter(events::funding_period_id.eq(Key(period.id.0)))
        .filter(events::starts_on.lt(period.starts_on).or(events::starts_on.gt(period.ends_on)))
        .select(events::id)
        .first(conn)
        .optional()
        .db()?;
    Ok(outside.is_some())
}

/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &EventFilter,
    paging: &Paging,
) -> Result<Page<Event>> {
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let organisation = merge::current(conn, filter.organisation_id)?;
    let matching = || {
        let mut query = events::table
            .left_join(event_series::table)
            .filter(events::carrier_id.eq(carrier))
            .into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(events::kind.eq(kind.code()));
        }
        if let Some(status) = filter.status {
            query = query.filter(events::status.eq(status.code()));
        }
        if let Some(site) = filter.site_id {
            let at = event_sites::table
                .filter(event_sites::site_id.eq(Key(site.0)))
                .select(event_sites::event_id);
            query = query.filter(events::id.eq_any(at));
        }
        if let Some(series) = filter.series_id {
            query = query.filter(events::series_id.eq(Some(Key(series.0))));
        }
        if let Some(run) = filter.accompaniment_id {
            query = query.filter(events::accompaniment_id.eq(Some(Key(run.0))));
        }
        if let Some(topic) = &filter.topic {
            let about = event_topics::table
                .inner_join(topics::table)
                .filter(topics::code.eq(topic))
                .select(event_topics::event_id);
            query = query.filter(events::id.eq_any(about));
        }
        if let Some(district) = filter.district_id {
            let addressed = event_districts::table
                .filter(event_districts::district_id.eq(Key(district.0)))
                .select(event_districts::event_id);
            query = query.filter(events::id.eq_any(addressed));
        }
        if let Some(organisation) = organisation {
            let organisation = Key(organisation.0);
            let organised = event_organisers::table
                .filter(event_organisers::organisation_id.eq(organisation))
                .select(event_organisers::event_id);
            let spoken = event_speakers::table
                .filter(event_speakers::organisation_id.eq(Some(organisation)))
                .select(event_speakers::event_id);
            let taken_part = event_participations::table
                .filter(event_participations::organisation_id.eq(Some(organisation)))
                .filter(event_participations::voided_at.is_null())
                .select(event_participations::event_id);
            query = query.filter(
                events::id
                    .eq_any(organised)
                    .or(events::id.eq_any(spoken))
                    .or(events::id.eq_any(taken_part)),
            );
        }
        if let Some(user) = filter.staff_id {
            let responsible = event_staff::table
                .filter(event_staff::user_id.eq(Key(user.0)))
                .select(event_staff::event_id);
            query = query.filter(events::id.eq_any(responsible));
        }
        if let Some(period) = filter.funding_period_id {
            query = query.filter(events::funding_period_id.eq(Key(period.0)));
        }
        if let Some(from) = filter.from {
            query = query.filter(events::starts_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(events::starts_on.le(to));
        }
        if let Some(typed) = &filter.q {
            for word in fold(typed).split(' ') {
                query = query.filter(events::search_text.like(contains(word)));
            }
        }
        query
    };
    let sort = filter.sort.unwrap_or_default();
    let mut page = matching();
    if let Some(after) = &paging.after {
        let starts_on: NaiveDate = after.parse()?;
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        page = match sort {
            EventSort::StartsOn => page
                .filter(events::starts_on.ge(starts_on))
                .filter(events::starts_on.gt(starts_on).or(events::id.gt(Key(after.id)))),
            EventSort::StartsOnDescending => page
                .filter(events::starts_on.le(starts_on))
                .filter(events::starts_on.lt(starts_on).or(events::id.lt(Key(after.id)))),
        };
    }
    page = match sort {
        EventSort::StartsOn => page.order((events::starts_on, events::id)),
        EventSort::StartsOnDescending => page.order((events::starts_on.desc(), events::id.desc())),
    };
    let rows: Vec<Found> =
        first(paging, page.select((Row::as_select(), event_series::name.nullable())))
            .load(conn)
            .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    paging.page(entities(conn, rows, names)?, total, key)
}

fn key(event: &Event) -> (String, Uuid) {
    (event.starts_on.to_string(), event.id.0)
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, event: &Event) -> Result<()> {
    diesel::insert_into(events::table).values(Row::from(event)).execute(conn).db()?;
    insert_lists(conn, event)
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, event: &Event) -> Result<()> {
    let changed = diesel::update(events::table.find(Key(event.id.0)))
        .filter(events::version.eq(event.version - 1))
        .set(Row::from(event))
        .execute(conn)
        .db()?;
    one_row(changed, event.version)?;
    delete_lists(conn, event.id)?;
    insert_lists(conn, event)
}

fn delete_lists(conn: &mut Conn, id: EventId) -> Result<()> {
    let id = Key(id.0);
    diesel::delete(event_sites::table.filter(event_sites::event_id.eq(id))).execute(conn).db()?;
    diesel::delete(event_staff::table.filter(event_staff::event_id.eq(id))).execute(conn).db()?;
    diesel::delete(event_topics::table.filter(event_topics::event_id.eq(id))).execute(conn).db()?;
    diesel::delete(event_districts::table.filter(event_districts::event_id.eq(id)))
        .execute(conn)
        .db()?;
    diesel::delete(event_organisers::table.filter(event_organisers::event_id.eq(id)))
        .execute(conn)
        .db()?;
    diesel::delete(event_speakers::table.filter(event_speakers::event_id.eq(id)))
        .execute(conn)
        .db()?;
    Ok(())
}

/// One statement a row: they are few, and a prepared statement beats parsing a batch of varying
/// length.
fn insert_lists(conn: &mut Conn, event: &Event) -> Result<()> {
    let id = Key(event.id.0);
    for (site, position) in event.sites.iter().zip(0_i32..) {
        diesel::insert_into(event_sites::table)
            .values((
                event_sites::event_id.eq(id),
                event_sites::position.eq(position),
                event_sites::site_id.eq(Key(site.id)),
            ))
            .execute(conn)
            .db()?;
    }
    for (user, position) in event.staff.iter().zip(0_i32..) {
        diesel::insert_into(event_staff::table)
            .values((
                event_staff::event_id.eq(id),
                event_staff::position.eq(position),
                event_staff::user_id.eq(Key(user.id)),
            ))
            .execute(conn)
            .db()?;
    }
    for (topic, position) in event.topics.iter().zip(0_i32..) {
        // One round trip: the id is looked up by the statement itself.
        let of_code = topics::table.filter(topics::code.eq(&topic.code)).select((
            id.into_sql::<Id>(),
            position.into_sql::<Integer>(),
            topics::id,
        ));
        diesel::insert_into(event_topics::table)
            .values(of_code)
            .into_columns((event_topics::event_id, event_topics::position, event_topics::topic_id))
            .execute(conn)
            .db()?;
    }
    for (district, position) in event.districts.iter().zip(0_i32..) {
        diesel::insert_into(event_districts::table)
            .values((
                event_districts::event_id.eq(id),
                event_districts::position.eq(position),
                event_districts::district_id.eq(Key(district.id)),
            ))
            .execute(conn)
            .db()?;
    }
    for (organiser, position) in event.organisers.iter().zip(0_i32..) {
        diesel::insert_into(event_organisers::table)
            .values((
                event_organisers::event_id.eq(id),
                event_organisers::position.eq(position),
                event_organisers::organisation_id.eq(Key(organiser.id.0)),
            ))
            .execute(conn)
            .db()?;
    }
    for (speaker, position) in event.speakers.iter().zip(0_i32..) {
        diesel::insert_into(event_speakers::table)
            .values((
                event_speakers::event_id.eq(id),
                event_speakers::position.eq(position),
                event_speakers::organisation_id
                    .eq(speaker.organisation.as_ref().map(|organisation| Key(organisation.id.0))),
                event_speakers::name.eq(speaker.name.as_ref()),
                event_speakers::role.eq(speaker.role.as_ref()),
            ))
            .execute(conn)
            .db()?;
    }
    Ok(())
}
