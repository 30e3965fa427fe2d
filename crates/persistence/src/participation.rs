use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::consultation::Voided;
use lotse_domain::entity::Reference;
use lotse_domain::id::{EventId, OrganisationId, ParticipationId};
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::participation::{Participation, ParticipationFilter, ParticipationStatus};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, reference};
use crate::error::{DbResult, one_row};
use crate::merge;
use crate::names::Names;
use crate::page::first;
use crate::schema::{contacts, event_participations, events, organisations};
use crate::sql_types::{At, Key};

/// How many rows one statement inserts at most: PostgreSQL binds 65,535 values.
const BATCH: usize = 1000;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = event_participations, treat_none_as_null = true)]
struct Row {
    id: Key,
    event_id: Key,
    carrier_id: Key,
    organisation_id: Option<Key>,
    contact_id: Option<Key>,
    headcount: i32,
    role: String,
    status: String,
    note: Option<String>,
    voided_at: Option<At>,
    voided_by: Option<Key>,
    void_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Participation> for Row {
    fn from(participation: &Participation) -> Self {
        let voided = participation.voided.as_ref();
        Self {
            id: Key(participation.id.0),
            event_id: Key(participation.event.id),
            carrier_id: Key(participation.carrier.id),
            organisation_id: participation.organisation.as_ref().map(|o| Key(o.id.0)),
            contact_id: participation.contact.as_ref().map(|contact| Key(contact.id)),
            headcount: participation.headcount,
            role: participation.role.code().to_owned(),
            status: participation.status.code().to_owned(),
            note: participation.note.clone(),
            voided_at: voided.map(|voided| At(voided.at)),
            voided_by: voided.map(|voided| Key(voided.by.id)),
            void_reason: voided.map(|voided| voided.reason.clone()),
            recorded_by: Key(participation.recorded_by.id),
            version: participation.version,
            created_at: At(participation.created_at),
            updated_at: At(participation.updated_at),
        }
    }
}

/// The row with the event's title, the organisation's name and kind, and the contact's name.
type Found = (Row, String, Option<String>, Option<String>, Option<String>);

fn entity(
    (row, title, organisation_name, organisation_kind, contact_name): Found,
    names: &Names,
) -> Result<Participation> {
    let organisation = match (row.organisation_id, organisation_name) {
        (Some(id), Some(name)) => Some(OrganisationReference {
            id: OrganisationId(id.0),
            name,
            kind: code(organisation_kind.as_deref().unwrap_or_default())?,
        }),
        _ => None,
    };
    let voided = match (row.voided_at, row.voided_by) {
        (Some(at), Some(by)) => Some(Voided {
            at: at.0,
            by: names.reference(by)?,
            reason: row.void_reason.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(Participation {
        id: ParticipationId(row.id.0),
        event: Reference { id: row.event_id.0, name: title },
        carrier: names.reference(row.carrier_id)?,
        organisation,
        contact: reference(row.contact_id, contact_name),
        headcount: row.headcount,
        role: code(&row.role)?,
        status: code(&row.status)?,
        note: row.note,
        voided,
        recorded_by: names.reference(row.recorded_by)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such participation in the scope.
pub fn find(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    id: ParticipationId,
) -> Result<Participation> {
    let not_found = Error::NotFound("participation");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let found: Option<Found> = event_participations::table
        .inner_join(events::table)
        .left_join(organisations::table)
        .left_join(contacts::table)
        .filter(event_participations::id.eq(Key(id.0)))
        .filter(event_participations::carrier_id.eq(carrier))
        .select((
            Row::as_select(),
            events::title,
            organisations::name.nullable(),
            organisations::kind.nullable(),
            contacts::name.nullable(),
        ))
        .first(conn)
        .optional()
        .db()?;
    found.map(|found| entity(found, names)).transpose()?.ok_or(not_found)
}

/// Those of an event, in the order of registration.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    event: EventId,
    filter: &ParticipationFilter,
    paging: &Paging,
) -> Result<Page<Participation>> {
    let key = |participation: &Participation| (String::new(), participation.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let organisation = merge::current(conn, filter.organisation_id)?;
    let matching = || {
        let mut query = event_participations::table
            .inner_join(events::table)
            .left_join(organisations::table)
            .left_join(contacts::table)
            .filter(event_participations::event_id.eq(Key(event.0)))
            .filter(event_participations::carrier_id.eq(carrier))
            .into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(event_participations::status.eq(status.code()));
        }
        if let Some(role) = filter.role {
            query = query.filter(event_participations::role.eq(role.code()));
        }
        if let Some(organisation) = organisation {
            query =
                query.filter(event_participations::organisation_id.eq(Some(Key(organisation.0))));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(event_participations::id.gt(Key(after.id)));
    }
    let page = page.order(event_participations::id).select((
        Row::as_select(),
        events::title,
        organisations::name.nullable(),
        organisations::kind.nullable(),
        contacts::name.nullable(),
    ));
    let rows: Vec<Found> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let participations = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(participations, total, key)
}

/// All of an event that are not voided, for recording its attendance.
///
/// # Errors
/// When the database cannot be read.
pub fn of_event(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    event: EventId,
) -> Result<Vec<Participation>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let rows: Vec<Found> = event_participations::table
        .inner_join(events::table)
        .left_join(organisations::table)
        .left_join(contacts::table)
        .filter(event_participations::event_id.eq(Key(event.0)))
        .filter(event_participations::carrier_id.eq(carrier))
        .filter(event_participations::status.ne(ParticipationStatus::Voided.code()))
        .order(event_participations::id)
        .select((
            Row::as_select(),
            events::title,
            organisations::name.nullable(),
            organisations::kind.nullable(),
            contacts::name.nullable(),
        ))
        .load(conn)
        .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// Whether of anybody, in whatever role, it is recorded that they were at an event or stayed away.
///
/// # Errors
/// When the database cannot be read.
pub fn has_attendance(conn: &mut Conn, event: EventId) -> Result<bool> {
    let attendance = ParticipationStatus::all().into_iter().filter(|status| status.is_attendance());
    let attendance: Vec<&str> = attendance.map(Code::code).collect();
    let found: Option<Key> = event_participations::table
        .filter(event_participations::event_id.eq(Key(event.0)))
        .filter(event_participations::status.eq_any(attendance))
        .select(event_participations::id)
        .first(conn)
        .optional()
        .db()?;
    Ok(found.is_some())
}

/// Ids of all of some events, voided ones too, with the event of each.
///
/// # Errors
/// When the database cannot be read.
pub fn ids_of_events(conn: &mut Conn, scope: &Scope, events: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>> {
    if *scope == Scope::Nothing {
        return Ok(Vec::new());
    }
    let ids: Vec<Key> = events.iter().map(|id| Key(*id)).collect();
    let mut query = event_participations::table
        .select((event_participations::event_id, event_participations::id))
        .into_boxed();
    if let Scope::Carrier(carrier) = scope {
        query = query.filter(event_participations::carrier_id.eq(Key(carrier.0)));
    }
    let found: Vec<(Key, Key)> =
        query.filter(event_participations::event_id.eq_any(ids)).load(conn).db()?;
    Ok(found.into_iter().map(|(event, id)| (event.0, id.0)).collect())
}

/// Those of an organisation in several events that are not voided.
///
/// # Errors
/// When the database cannot be read.
pub fn of_organisation(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    organisation: OrganisationId,
    events: &[EventId],
) -> Result<Vec<(EventId, Participation)>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let ids: Vec<Key> = events.iter().map(|id| Key(id.0)).collect();
    let rows: Vec<Found> = on_backend!(conn, c => event_participations::table
        .inner_join(events::table)
        .left_join(organisations::table)
        .left_join(contacts::table)
        .filter(among(event_participations::event_id, &ids))
        .filter(event_participations::organisation_id.eq(Some(Key(organisation.0))))
        .filter(event_participations::carrier_id.eq(carrier))
        .filter(event_participations::status.ne(ParticipationStatus::Voided.code()))
        .order(event_participations::id)
        .select((
            Row::as_select(),
            events::title,
            organisations::name.nullable(),
            organisations::kind.nullable(),
            contacts::name.nullable(),
        ))
        .load(c))
    .db()?;
    rows.into_iter().map(|row| Ok((EventId(row.0.event_id.0), entity(row, names)?))).collect()
}

/// # Errors
/// `Conflict` when the contact or the organisation takes part already.
pub fn insert_all(conn: &mut Conn, participations: &[Participation]) -> Result<()> {
    for batch in participations.chunks(BATCH) {
        let rows: Vec<Row> = batch.iter().map(Row::from).collect();
        on_backend!(conn, c =>
            diesel::insert_into(event_participations::table).values(&rows).execute(c))
        .db()?;
    }
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the contact or the organisation takes
/// part already.
pub fn update(conn: &mut Conn, participation: &Participation) -> Result<()> {
    let changed = diesel::update(event_participations::table.find(Key(participation.id.0)))
        .filter(event_participations::version.eq(participation.version - 1))
        .set(Row::from(participation))
        .execute(conn)
        .db()?;
    one_row(changed, participation.version)
}

/// Gives many the same status and the next version. The event is held, so none has another one since.
///
/// # Errors
/// When the database cannot be written.
pub fn set_status(
    conn: &mut Conn,
    ids: &[ParticipationId],
    status: ParticipationStatus,
    now: DateTime<Utc>,
) -> Result<()> {
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    on_backend!(conn, c => diesel::update(event_participations::table)
        .filter(among(event_participations::id, &ids))
        .set((
            event_participations::status.eq(status.code()),
            event_participations::version.eq(event_participations::version + 1),
            event_participations::updated_at.eq(At(now)),
        ))
        .execute(c))
    .db()?;
    Ok(())
}
