use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use lotse_domain::code::Code;
use lotse_domain::consultation::{
    AnonymousInput, Consultation, ConsultationFilter, ConsultationKind, ConsultationSort,
    TopicReference, Voided,
};
use lotse_domain::entity::Reference;
use lotse_domain::id::{ConsultationId, DistrictId, OrganisationId};
use lotse_domain::name::fold;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, contains, optional_code, reference};
use crate::error::{DbResult, one_row};
use crate::schema::{
    consultation_advisers, consultation_contacts, consultation_details, consultation_topics,
    consultations, contacts, topics, users,
};
use crate::sql_types::{At, Id, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = consultations, treat_none_as_null = true)]
struct Row {
    id: Key,
    organisation_id: Option<Key>,
    establishment_id: Option<Key>,
    carrier_id: Key,
    site_id: Key,
    funding_period_id: Key,
    district_id: Option<Key>,
    held_on: NaiveDate,
    starts_at: Option<NaiveTime>,
    minutes: i32,
    channel: String,
    status: String,
    outcome: Option<String>,
    notes: Option<String>,
    search_text: Option<String>,
    is_anonymous_profile: bool,
    anonymous_classification: Option<String>,
    anonymous_section: Option<String>,
    anonymous_size_class: Option<String>,
    voided_at: Option<At>,
    voided_by: Option<Key>,
    void_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// What the row shows of other records; from the view.
#[derive(Queryable)]
struct Details {
    consultation_id: Key,
    kind: Option<String>,
    organisation_name: Option<String>,
    organisation_kind: Option<String>,
    establishment_name: Option<String>,
    carrier_name: String,
    site_name: String,
    funding_period_name: String,
    district_name: Option<String>,
    recorder_name: String,
    voider_name: Option<String>,
}

impl From<&Consultation> for Row {
    fn from(c: &Consultation) -> Self {
        let anonymous = c.anonymous.as_ref();
        Self {
            id: Key(c.id.0),
            organisation_id: c.organisation.as_ref().map(|organisation| Key(organisation.id.0)),
            establishment_id: c.establishment.as_ref().map(|establishment| Key(establishment.id)),
            carrier_id: Key(c.carrier.id),
            site_id: Key(c.site.id),
            funding_period_id: Key(c.funding_period.id),
            district_id: c.district.as_ref().map(|district| Key(district.id)),
            held_on: c.held_on,
            starts_at: c.starts_at,
            minutes: c.minutes,
            channel: c.channel.code().to_owned(),
            status: c.status.code().to_owned(),
            outcome: c.outcome.map(|outcome| outcome.code().to_owned()),
            notes: c.notes.clone(),
            search_text: c.notes.as_deref().map(fold),
            is_anonymous_profile: anonymous.is_some(),
            anonymous_classification: anonymous
                .and_then(|a| a.classification)
                .map(|classification| classification.code().to_owned()),
            anonymous_section: anonymous.and_then(|a| a.section.clone()),
            anonymous_size_class: anonymous
                .and_then(|a| a.size_class)
                .map(|class| class.code().to_owned()),
            voided_at: c.voided.as_ref().map(|voided| At(voided.at)),
            voided_by: c.voided.as_ref().map(|voided| Key(voided.by.id)),
            void_reason: c.voided.as_ref().map(|voided| voided.reason.clone()),
            recorded_by: Key(c.recorded_by.id),
            version: c.version,
            created_at: At(c.created_at),
            updated_at: At(c.updated_at),
        }
    }
}

/// The lists of a consultation, in their order.
#[derive(Default)]
struct Lists {
    advisers: Vec<Reference>,
    topics: Vec<TopicReference>,
    contacts: Vec<Reference>,
}

fn entity(row: Row, details: Details, lists: Lists) -> Result<Consultation> {
    let organisation = match (row.organisation_id, details.organisation_name) {
        (Some(id), Some(name)) => Some(OrganisationReference {
            id: OrganisationId(id.0),
            name,
            kind: code(details.organisation_kind.as_deref().unwrap_or_default())?,
        }),
        _ => None,
    };
    let anonymous = if row.is_anonymous_profile {
        Some(AnonymousInput {
            district_id: row.district_id.map(|id| DistrictId(id.0)),
            classification: optional_code(row.anonymous_classification.as_deref())?,
            section: row.anonymous_section,
            size_class: optional_code(row.anonymous_size_class.as_deref())?,
        })
    } else {
        None
    };
    let voided = match (row.voided_at, reference(row.voided_by, details.voider_name)) {
        (Some(at), Some(by)) => {
            Some(Voided { at: at.0, by, reason: row.void_reason.unwrap_or_default() })
        }
        _ => None,
    };
    Ok(Consultation {
        id: ConsultationId(row.id.0),
        organisation,
        establishment: reference(row.establishment_id, details.establishment_name),
        carrier: Reference { id: row.carrier_id.0, name: details.carrier_name },
        site: Reference { id: row.site_id.0, name: details.site_name },
        funding_period: Reference {
            id: row.funding_period_id.0,
            name: details.funding_period_name,
        },
        district: reference(row.district_id, details.district_name),
        held_on: row.held_on,
        starts_at: row.starts_at,
        minutes: row.minutes,
        channel: code(&row.channel)?,
        status: code(&row.status)?,
        kind: optional_code(details.kind.as_deref())?,
        advisers: lists.advisers,
        topics: lists.topics,
        contacts: lists.contacts,
        notes: row.notes,
        outcome: optional_code(row.outcome.as_deref())?,
        anonymous,
        voided,
        recorded_by: Reference { id: row.recorded_by.0, name: details.recorder_name },
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// What several consultations show of other records.
fn details(conn: &mut Conn, ids: &[Key]) -> Result<HashMap<Key, Details>> {
    let details: Vec<Details> = on_backend!(conn, c => consultation_details::table
        .filter(among(consultation_details::consultation_id, ids))
        .load(c))
    .db()?;
    Ok(details.into_iter().map(|details| (details.consultation_id, details)).collect())
}

/// The lists of several consultations, in one query each.
fn lists(conn: &mut Conn, ids: &[Key]) -> Result<HashMap<Key, Lists>> {
    let mut lists: HashMap<Key, Lists> = HashMap::with_capacity(ids.len());
    let advisers: Vec<(Key, Key, String)> = on_backend!(conn, c => consultation_advisers::table
            .inner_join(users::table)
            .filter(among(consultation_advisers::consultation_id, ids))
            .order((consultation_advisers::consultation_id, consultation_advisers::position))
            .select((consultation_advisers::consultation_id, users::id, users::name))
            .load(c))
    .db()?;
    for (consultation, id, name) in advisers {
        lists.entry(consultation).or_default().advisers.push(Reference { id: id.0, name });
    }
    let topics: Vec<(Key, String, String, String)> =
        on_backend!(conn, c => consultation_topics::table
            .inner_join(topics::table)
            .filter(among(consultation_topics::consultation_id, ids))
            .order((consultation_topics::consultation_id, consultation_topics::position))
            .select((
                consultation_topics::consultation_id,
                topics::code,
                topics::label_de,
                topics::label_en,
            ))
            .load(c))
        .db()?;
    for (consultation, code, label_de, label_en) in topics {
        let topic = TopicReference { code, label_de, label_en };
        lists.entry(consultation).or_default().topics.push(topic);
    }
    let contacts: Vec<(Key, Key, String)> = on_backend!(conn, c => consultation_contacts::table
            .inner_join(contacts::table)
            .filter(among(consultation_contacts::consultation_id, ids))
            .order((consultation_contacts::consultation_id, consultation_contacts::position))
            .select((consultation_contacts::consultation_id, contacts::id, contacts::name))
            .load(c))
    .db()?;
    for (consultation, id, name) in contacts {
        lists.entry(consultation).or_default().contacts.push(Reference { id: id.0, name });
    }
    Ok(lists)
}

/// # Errors
/// `NotFound` when there is no such consultation in the scope.
pub fn find(conn: &mut Conn, scope: &Scope, id: ConsultationId) -> Result<Consultation> {
    let not_found = Error::NotFound("consultation");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let found: Option<(Row, Details)> = consultations::table
        .inner_join(consultation_details::table)
        .filter(consultations::id.eq(Key(id.0)))
        .filter(consultations::carrier_id.eq(carrier))
        .select((consultations::all_columns, consultation_details::all_columns))
        .first(conn)
        .optional()
        .db()?;
    let Some((row, details)) = found else { return Err(not_found) };
    let lists = lists(conn, &[row.id])?.remove(&row.id).unwrap_or_default();
    entity(row, details, lists)
}

/// What the consultation is among those of its organisation, period and carrier.
///
/// # Errors
/// When the database cannot be read.
pub fn kind(conn: &mut Conn, id: ConsultationId) -> Result<Option<ConsultationKind>> {
    let kind: Option<String> = consultation_details::table
        .filter(consultation_details::consultation_id.eq(Key(id.0)))
        .select(consultation_details::kind)
        .first(conn)
        .db()?;
    optional_code(kind.as_deref())
}

/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    scope: &Scope,
    filter: &ConsultationFilter,
    paging: &Paging,
) -> Result<Page<Consultation>> {
    let sort = filter.sort.unwrap_or_default();
    let key = |consultation: &Consultation| (sort.key(consultation), consultation.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query =
            consultations::table.filter(consultations::carrier_id.eq(carrier)).into_boxed();
        if let Some(organisation) = filter.organisation_id {
            query = query.filter(consultations::organisation_id.eq(Some(Key(organisation.0))));
        }
        if let Some(site) = filter.site_id {
            query = query.filter(consultations::site_id.eq(Key(site.0)));
        }
        if let Some(adviser) = filter.adviser_id {
            let advised = consultation_advisers::table
                .filter(consultation_advisers::user_id.eq(Key(adviser.0)))
                .select(consultation_advisers::consultation_id);
            query = query.filter(consultations::id.eq_any(advised));
        }
        if let Some(district) = filter.district_id {
            query = query.filter(consultations::district_id.eq(Some(Key(district.0))));
        }
        if let Some(topic) = &filter.topic {
            let about = consultation_topics::table
                .inner_join(topics::table)
                .filter(topics::code.eq(topic))
                .select(consultation_topics::consultation_id);
            query = query.filter(consultations::id.eq_any(about));
        }
        if let Some(channel) = filter.channel {
            query = query.filter(consultations::channel.eq(channel.code()));
        }
        if let Some(status) = filter.status {
            query = query.filter(consultations::status.eq(status.code()));
        }
        if let Some(period) = filter.funding_period_id {
            query = query.filter(consultations::funding_period_id.eq(Key(period.0)));
        }
        if let Some(from) = filter.from {
            query = query.filter(consultations::held_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(consultations::held_on.le(to));
        }
        if let Some(typed) = &filter.q {
            for word in fold(typed).split(' ') {
                query = query.filter(consultations::search_text.like(contains(word)));
            }
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        match sort {
            ConsultationSort::HeldOn => {
                let held_on: NaiveDate = after.parse()?;
                page = page.filter(consultations::held_on.ge(held_on)).filter(
                    consultations::held_on.gt(held_on).or(consultations::id.gt(Key(after.id))),
                );
            }
            ConsultationSort::HeldOnDescending => {
                let held_on: NaiveDate = after.parse()?;
                page = page.filter(consultations::held_on.le(held_on)).filter(
                    consultations::held_on.lt(held_on).or(consultations::id.lt(Key(after.id))),
                );
            }
            ConsultationSort::CreatedAt => {
                let at: DateTime<Utc> = after.parse()?;
                page = page.filter(consultations::created_at.ge(At(at))).filter(
                    consultations::created_at.gt(At(at)).or(consultations::id.gt(Key(after.id))),
                );
            }
            ConsultationSort::CreatedAtDescending => {
                let at: DateTime<Utc> = after.parse()?;
                page = page.filter(consultations::created_at.le(At(at))).filter(
                    consultations::created_at.lt(At(at)).or(consultations::id.lt(Key(after.id))),
                );
            }
        }
    }
    page = match sort {
        ConsultationSort::HeldOn => page.order((consultations::held_on, consultations::id)),
        ConsultationSort::HeldOnDescending => {
            page.order((consultations::held_on.desc(), consultations::id.desc()))
        }
        ConsultationSort::CreatedAt => page.order((consultations::created_at, consultations::id)),
        ConsultationSort::CreatedAtDescending => {
            page.order((consultations::created_at.desc(), consultations::id.desc()))
        }
    };
    // The rows first, then what they show of other records. In one statement PostgreSQL, which plans
    // without knowing the limit, would join everything before it takes a page.
    let rows: Vec<Row> = page.limit(paging.fetch()).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let ids: Vec<Key> = rows.iter().map(|row| row.id).collect();
    let mut details = details(conn, &ids)?;
    let mut lists = lists(conn, &ids)?;
    let consultations = rows
        .into_iter()
        .map(|row| {
            let details = details.remove(&row.id).ok_or(Error::NotFound("consultation"))?;
            let lists = lists.remove(&row.id).unwrap_or_default();
            entity(row, details, lists)
        })
        .collect::<Result<_>>()?;
    paging.page(consultations, total, key)
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, consultation: &Consultation) -> Result<()> {
    diesel::insert_into(consultations::table).values(Row::from(consultation)).execute(conn).db()?;
    insert_lists(conn, consultation)
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, consultation: &Consultation) -> Result<()> {
    let changed = diesel::update(consultations::table.find(Key(consultation.id.0)))
        .filter(consultations::version.eq(consultation.version - 1))
        .set(Row::from(consultation))
        .execute(conn)
        .db()?;
    one_row(changed, consultation.version)?;
    let id = Key(consultation.id.0);
    diesel::delete(
        consultation_advisers::table.filter(consultation_advisers::consultation_id.eq(id)),
    )
    .execute(conn)
    .db()?;
    diesel::delete(consultation_topics::table.filter(consultation_topics::consultation_id.eq(id)))
        .execute(conn)
        .db()?;
    diesel::delete(
        consultation_contacts::table.filter(consultation_contacts::consultation_id.eq(id)),
    )
    .execute(conn)
    .db()?;
    insert_lists(conn, consultation)
}

/// One statement a row: they are few, and a prepared statement beats parsing a batch of varying
/// length.
fn insert_lists(conn: &mut Conn, consultation: &Consultation) -> Result<()> {
    let id = Key(consultation.id.0);
    for (adviser, position) in consultation.advisers.iter().zip(0_i32..) {
        diesel::insert_into(consultation_advisers::table)
            .values((
                consultation_advisers::consultation_id.eq(id),
                consultation_advisers::user_id.eq(Key(adviser.id)),
                consultation_advisers::position.eq(position),
            ))
            .execute(conn)
            .db()?;
    }
    for (topic, position) in consultation.topics.iter().zip(0_i32..) {
        // One round trip: the id is looked up by the statement itself.
        let of_code = topics::table.filter(topics::code.eq(&topic.code)).select((
            id.into_sql::<Id>(),
            topics::id,
            position.into_sql::<Integer>(),
        ));
        diesel::insert_into(consultation_topics::table)
            .values(of_code)
            .into_columns((
                consultation_topics::consultation_id,
                consultation_topics::topic_id,
                consultation_topics::position,
            ))
            .execute(conn)
            .db()?;
    }
    for (contact, position) in consultation.contacts.iter().zip(0_i32..) {
        diesel::insert_into(consultation_contacts::table)
            .values((
                consultation_contacts::consultation_id.eq(id),
                consultation_contacts::contact_id.eq(Key(contact.id)),
                consultation_contacts::position.eq(position),
            ))
            .execute(conn)
            .db()?;
    }
    Ok(())
}
