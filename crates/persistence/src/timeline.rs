use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::id::{EventId, OrganisationId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::participation::Participation;
use lotse_domain::policy::Scope;
use lotse_domain::timeline::{TimelineEvent, TimelineFilter, first_id_of, ids_after};

use crate::among::among;
use crate::audit;
use crate::connection::Conn;
use crate::convert::{carrier_of, code};
use crate::error::DbResult;
use crate::names::Names;
use crate::page::first;
use crate::participation;
use crate::schema::{events, organisation_events};
use crate::sql_types::Key;

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct Seen {
    id: Key,
    title: String,
    kind: String,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    status: String,
}

/// Events of the scope that an organisation has to do with, by their first day, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn events(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    organisation: OrganisationId,
    filter: &TimelineFilter,
    paging: &Paging,
) -> Result<Page<TimelineEvent>> {
    let key = |event: &TimelineEvent| (event.starts_on.to_string(), event.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let of_it = organisation_events::table
            .filter(organisation_events::organisation_id.eq(Key(organisation.0)))
            .select(organisation_events::event_id);
        let mut query = events::table
            .filter(events::carrier_id.eq(carrier))
            .filter(events::id.eq_any(of_it))
            .into_boxed();
        if let Some(from) = filter.from {
            query = query.filter(events::starts_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(events::starts_on.le(to));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        let on: NaiveDate = after.parse()?;
        page = page
            .filter(events::starts_on.le(on))
            .filter(events::starts_on.lt(on).or(events::id.lt(Key(after.id))));
    }
    let page = page.order((events::starts_on.desc(), events::id.desc()));
    let rows: Vec<Seen> = first(paging, page.select(Seen::as_select())).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    paging.page(with_parts(conn, names, scope, organisation, rows)?, total, key)
}

/// What the organisation has to do with each of the events: two queries for all of them.
fn with_parts(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    organisation: OrganisationId,
    rows: Vec<Seen>,
) -> Result<Vec<TimelineEvent>> {
    let keys: Vec<Key> = rows.iter().map(|row| row.id).collect();
    let parts: Vec<(Key, String)> = on_backend!(conn, c => organisation_events::table
        .filter(organisation_events::organisation_id.eq(Key(organisation.0)))
        .filter(among(organisation_events::event_id, &keys))
        .filter(organisation_events::part.ne("participant"))
        .select((organisation_events::event_id, organisation_events::part))
        .load(c))
    .db()?;
    let ids: Vec<EventId> = keys.iter().map(|key| EventId(key.0)).collect();
    let mut taking_part: HashMap<EventId, Vec<Participation>> = HashMap::new();
    for (event, participation) in
        participation::of_organisation(conn, names, scope, organisation, &ids)?
    {
        taking_part.entry(event).or_default().push(participation);
    }
    let has = |event: Key, part: &str| parts.iter().any(|(of, p)| *of == event && p == part);
    rows.into_iter()
        .map(|row| {
            let id = EventId(row.id.0);
            Ok(TimelineEvent {
                id,
                title: row.title,
                kind: code(&row.kind)?,
                starts_on: row.starts_on,
                ends_on: row.ends_on,
                status: code(&row.status)?,
                organises: has(row.id, "organiser"),
                speaks: has(row.id, "speaker"),
                participations: taking_part.remove(&id).unwrap_or_default(),
            })
        })
        .collect()
}

/// What became of the entry of an organisation, by day, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn changes(
    conn: &mut Conn,
    organisation: OrganisationId,
    filter: &TimelineFilter,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    let after = match &paging.after {
        Some(after) => Some(ids_after(after.parse()?, after.id)),
        None => None,
    };
    let end = filter.to.and_then(|to| to.succ_opt()).map(first_id_of);
    let start = filter.from.map(first_id_of);
    audit::history_between(conn, organisation.0, start, after, end, paging)
}
