use std::collections::HashMap;

use chrono::{NaiveDate, NaiveTime};
use diesel::dsl::exists as exists_one;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use lotse_domain::accompaniment;
use lotse_domain::code::Code;
use lotse_domain::consultation::{
    AnonymousInput, Consultation, ConsultationKind, TopicReference, Voided,
};
use lotse_domain::country::{self, Country};
use lotse_domain::entity::Reference;
use lotse_domain::id::{
    AccompanimentId, ConsultationId, DistrictId, OrganisationId, RecruitmentCaseId,
};
use lotse_domain::name::fold;
use lotse_domain::occupation::{Occupation, OccupationInput};
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::policy::Scope;
use lotse_domain::recruitment_case;
use lotse_domain::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, optional_code, reference};
use crate::error::{DbResult, one_row};
use crate::last_contact;
use crate::names::Names;
use crate::schema::{
    consultation_advisers, consultation_contacts, consultation_lists, consultation_rows,
    consultation_topics, consultations, topics,
};
use crate::sql_types::{At, Document, Id, Key};
use crate::task;

mod list;
pub use list::list;

/// As it is written.
#[derive(Insertable, AsChangeset)]
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
    preparation_minutes: Option<i32>,
    channel: String,
    status: String,
    apprentices: Option<i32>,
    countries: Option<Document>,
    occupations: Option<Document>,
    outcome: Option<String>,
    notes: Option<String>,
    note_warnings: Option<Document>,
    search_text: Option<String>,
    is_anonymous_profile: bool,
    anonymous_classification: Option<String>,
    anonymous_section: Option<String>,
    anonymous_size_class: Option<String>,
    event_id: Option<Key>,
    accompaniment_id: Option<Key>,
    recruitment_case_id: Option<Key>,
    voided_at: Option<At>,
    voided_by: Option<Key>,
    void_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// As it is read: with its kind and what it shows of organisations.
#[derive(Queryable, Selectable)]
#[diesel(table_name = consultation_rows)]
struct Seen {
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
    preparation_minutes: Option<i32>,
    channel: String,
    status: String,
    apprentices: Option<i32>,
    countries: Option<Document>,
    occupations: Option<Document>,
    outcome: Option<String>,
    notes: Option<String>,
    note_warnings: Option<Document>,
    is_anonymous_profile: bool,
    anonymous_classification: Option<String>,
    anonymous_section: Option<String>,
    anonymous_size_class: Option<String>,
    event_id: Option<Key>,
    accompaniment_id: Option<Key>,
    recruitment_case_id: Option<Key>,
    voided_at: Option<At>,
    voided_by: Option<Key>,
    void_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
    kind: Option<String>,
    organisation_name: Option<String>,
    organisation_kind: Option<String>,
    establishment_name: Option<String>,
    event_title: Option<String>,
    accompaniment_on: Option<NaiveDate>,
    case_reference: Option<String>,
    case_vacancy: Option<String>,
}

impl Row {
    fn new(c: &Consultation) -> Result<Self> {
        let anonymous = c.anonymous.as_ref();
        Ok(Self {
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
            preparation_minutes: c.preparation_minutes,
            channel: c.channel.code().to_owned(),
            status: c.status.code().to_owned(),
            apprentices: c.apprentices,
            countries: document(c.countries.iter().map(|country| &country.code).collect())?,
            occupations: document(c.occupations.iter().map(OccupationInput::from).collect())?,
            outcome: c.outcome.map(|outcome| outcome.code().to_owned()),
            notes: c.notes.clone(),
            note_warnings: document(c.note_warnings.iter().collect())?,
            search_text: c.notes.as_deref().map(fold),
            is_anonymous_profile: anonymous.is_some(),
            anonymous_classification: anonymous
                .and_then(|a| a.classification)
                .map(|classification| classification.code().to_owned()),
            anonymous_section: anonymous.and_then(|a| a.section.clone()),
            anonymous_size_class: anonymous
                .and_then(|a| a.size_class)
                .map(|class| class.code().to_owned()),
            event_id: c.event.as_ref().map(|event| Key(event.id)),
            accompaniment_id: c.accompaniment.as_ref().map(|run| Key(run.id)),
            recruitment_case_id: c.recruitment_case.as_ref().map(|case| Key(case.id)),
            voided_at: c.voided.as_ref().map(|voided| At(voided.at)),
            voided_by: c.voided.as_ref().map(|voided| Key(voided.by.id)),
            void_reason: c.voided.as_ref().map(|voided| voided.reason.clone()),
            recorded_by: Key(c.recorded_by.id),
            version: c.version,
            created_at: At(c.created_at),
            updated_at: At(c.updated_at),
        })
    }
}

/// A list as JSON; null where there is nothing in it, as with most.
fn document<T: Serialize>(list: Vec<T>) -> Result<Option<Document>> {
    if list.is_empty() {
        return Ok(None);
    }
    serde_json::to_value(list)
        .map(|json| Some(Document(json)))
        .map_err(|error| Error::Internal(error.into()))
}

fn list_of<T: DeserializeOwned>(document: Option<Document>) -> Result<Vec<T>> {
    document.map_or(Ok(Vec::new()), |json| {
        serde_json::from_value(json.0).map_err(|error| Error::Internal(error.into()))
    })
}

/// Countries as they are shown. The codes were checked on their way in.
fn countries(document: Option<Document>) -> Result<Vec<Country>> {
    let codes: Vec<String> = list_of(document)?;
    let unknown = |code: &str| Error::internal(format!("unknown country in the database: {code}"));
    codes.iter().map(|code| country::find(code).cloned().ok_or_else(|| unknown(code))).collect()
}

fn occupations(document: Option<Document>) -> Result<Vec<Occupation>> {
    let inputs: Vec<OccupationInput> = list_of(document)?;
    let wrong = |code: &str| Error::internal(format!("unknown occupation in the database: {code}"));
    inputs.iter().map(|input| Occupation::new(input).map_err(|_| wrong(&input.code))).collect()
}

/// The lists of a consultation, in their order.
#[derive(Default)]
struct Lists {
    advisers: Vec<Reference>,
    topics: Vec<TopicReference>,
    contacts: Vec<Reference>,
}

fn entity(seen: Seen, lists: Lists, names: &Names) -> Result<Consultation> {
    let organisation = match (seen.organisation_id, seen.organisation_name) {
        (Some(id), Some(name)) => Some(OrganisationReference {
            id: OrganisationId(id.0),
            name,
            kind: code(seen.organisation_kind.as_deref().unwrap_or_default())?,
        }),
        _ => None,
    };
    let accompaniment = match (seen.accompaniment_id, seen.accompaniment_on, &organisation) {
        (Some(id), Some(on), Some(company)) => {
            Some(accompaniment::reference(AccompanimentId(id.0), &company.name, on))
        }
        _ => None,
    };
    let recruitment_case = match (seen.recruitment_case_id, seen.case_reference, seen.case_vacancy)
    {
        (Some(id), Some(candidate), Some(vacancy)) => {
            Some(recruitment_case::reference(RecruitmentCaseId(id.0), &candidate, &vacancy))
        }
        _ => None,
    };
    let anonymous = if seen.is_anonymous_profile {
        Some(AnonymousInput {
            district_id: seen.district_id.map(|id| DistrictId(id.0)),
            classification: optional_code(seen.anonymous_classification.as_deref())?,
            section: seen.anonymous_section,
            size_class: optional_code(seen.anonymous_size_class.as_deref())?,
        })
    } else {
        None
    };
    let voided = match (seen.voided_at, seen.voided_by) {
        (Some(at), Some(by)) => Some(Voided {
            at: at.0,
            by: names.reference(by)?,
            reason: seen.void_reason.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(Consultation {
        id: ConsultationId(seen.id.0),
        organisation,
        establishment: reference(seen.establishment_id, seen.establishment_name),
        carrier: names.reference(seen.carrier_id)?,
        site: names.reference(seen.site_id)?,
        funding_period: names.reference(seen.funding_period_id)?,
        district: seen.district_id.map(|id| names.reference(id)).transpose()?,
        held_on: seen.held_on,
        starts_at: seen.starts_at,
        minutes: seen.minutes,
        preparation_minutes: seen.preparation_minutes,
        channel: code(&seen.channel)?,
        status: code(&seen.status)?,
        kind: optional_code(seen.kind.as_deref())?,
        advisers: lists.advisers,
        topics: lists.topics,
        contacts: lists.contacts,
        occupations: occupations(seen.occupations)?,
        apprentices: seen.apprentices,
        countries: countries(seen.countries)?,
        notes: seen.notes,
        note_warnings: list_of(seen.note_warnings)?,
        outcome: optional_code(seen.outcome.as_deref())?,
        anonymous,
        event: reference(seen.event_id, seen.event_title),
        accompaniment,
        recruitment_case,
        voided,
        touches: Vec::new(),
        recorded_by: names.reference(seen.recorded_by)?,
        version: seen.version,
        created_at: seen.created_at.0,
        updated_at: seen.updated_at.0,
    })
}

/// The rows as entities, with their lists, which are one query for all of them.
fn entities(conn: &mut Conn, rows: Vec<Seen>, names: &Names) -> Result<Vec<Consultation>> {
    let ids: Vec<Key> = rows.iter().map(|row| row.id).collect();
    let mut entries: Vec<(Key, i32, String, Key, Option<String>)> =
        on_backend!(conn, c => consultation_lists::table
            .filter(among(consultation_lists::consultation_id, &ids))
            .load(c))
        .db()?;
    entries.sort_unstable_by_key(|(_, position, ..)| *position);
    let mut lists: HashMap<Key, Lists> = HashMap::with_capacity(ids.len());
    for (consultation, _, list, id, name) in entries {
        let lists = lists.entry(consultation).or_default();
        match (list.as_str(), name) {
            ("adviser", _) => lists.advisers.push(names.reference(id)?),
            ("topic", _) => lists.topics.push(names.topic(id)?),
            (_, Some(name)) => lists.contacts.push(Reference { id: id.0, name }),
            (list, None) => return Err(Error::internal(format!("an entry of {list} has no name"))),
        }
    }
    rows.into_iter()
        .map(|row| {
            let lists = lists.remove(&row.id).unwrap_or_default();
            entity(row, lists, names)
        })
        .collect()
}

/// # Errors
/// `NotFound` when there is no such consultation in the scope.
pub fn find(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    id: ConsultationId,
) -> Result<Consultation> {
    let not_found = Error::NotFound("consultation");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let found: Option<Seen> = consultation_rows::table
        .filter(consultation_rows::id.eq(Key(id.0)))
        .filter(consultation_rows::carrier_id.eq(carrier))
        .select(Seen::as_select())
        .first(conn)
        .optional()
        .db()?;
    entities(conn, found.into_iter().collect(), names)?.pop().ok_or(not_found)
}

/// The consultation, held until the transaction ends: it and what is said of it are changed by one at a
/// time.
///
/// # Errors
/// As [`find`].
pub fn hold(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    id: ConsultationId,
) -> Result<Consultation> {
    // The only writer to SQLite holds everything.
    if let (Conn::Postgres(conn), Some(carrier)) = (&mut *conn, carrier_of(scope)) {
        // No key is changed: records that only refer to the consultation need not wait.
        let _: Option<Key> = consultations::table
            .filter(consultations::id.eq(Key(id.0)))
            .filter(consultations::carrier_id.eq(carrier))
            .select(consultations::id)
            .for_no_key_update()
            .first(conn)
            .optional()
            .db()?;
    }
    find(conn, names, scope, id)
}

/// The consultation as somebody else's transaction leaves it, unchanged until this one ends: what is kept of
/// it elsewhere is kept with every change of it.
///
/// # Errors
/// As [`find`].
pub fn hold_shared(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    id: ConsultationId,
) -> Result<Consultation> {
    // The only writer to SQLite holds everything.
    if let (Conn::Postgres(conn), Some(carrier)) = (&mut *conn, carrier_of(scope)) {
        let _: Option<Key> = consultations::table
            .filter(consultations::id.eq(Key(id.0)))
            .filter(consultations::carrier_id.eq(carrier))
            .select(consultations::id)
            .for_share()
            .first(conn)
            .optional()
            .db()?;
    }
    find(conn, names, scope, id)
}

/// The versions that some of the carrier have.
///
/// # Errors
/// When the database cannot be read.
pub fn versions(
    conn: &mut Conn,
    scope: &Scope,
    ids: &[ConsultationId],
) -> Result<HashMap<ConsultationId, i64>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(HashMap::new()) };
    let keys: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let found: Vec<(Key, i64)> = on_backend!(conn, c => consultations::table
        .filter(among(consultations::id, &keys))
        .filter(consultations::carrier_id.eq(carrier))
        .select((consultations::id, consultations::version))
        .load(c))
    .db()?;
    Ok(found.into_iter().map(|(id, version)| (ConsultationId(id.0), version)).collect())
}

/// Whether there is one with this id, in whatever scope.
///
/// # Errors
/// When the database cannot be read.
pub fn exists(conn: &mut Conn, id: ConsultationId) -> Result<bool> {
    diesel::select(exists_one(consultations::table.find(Key(id.0)))).get_result(conn).db()
}

/// What the consultation is among those of its organisation, period and carrier.
///
/// # Errors
/// When the database cannot be read.
pub fn kind(conn: &mut Conn, id: ConsultationId) -> Result<Option<ConsultationKind>> {
    let kind: Option<String> = consultation_rows::table
        .filter(consultation_rows::id.eq(Key(id.0)))
        .select(consultation_rows::kind)
        .first(conn)
        .db()?;
    optional_code(kind.as_deref())
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, consultation: &Consultation) -> Result<()> {
    diesel::insert_into(consultations::table).values(Row::new(consultation)?).execute(conn).db()?;
    insert_lists(conn, consultation)?;
    last_contact::added(conn, consultation)
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, old: &Consultation, consultation: &Consultation) -> Result<()> {
    let changed = diesel::update(consultations::table.find(Key(consultation.id.0)))
        .filter(consultations::version.eq(consultation.version - 1))
        .set(Row::new(consultation)?)
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
    insert_lists(conn, consultation)?;
    if old.organisation != consultation.organisation {
        task::follow_organisation(conn, consultation)?;
    }
    last_contact::changed(conn, old, consultation)
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
