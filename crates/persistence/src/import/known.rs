//! Which records the rows of a file mean, and what their cells name.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::consultation::ConsultationStatus;
use lotse_domain::event::EventStatus;
use lotse_domain::id::{OrganisationId, UserId};
use lotse_domain::import::key::MatchKey;
use lotse_domain::import::named::Named;
use lotse_domain::name::fold;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::policy::Scope;
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::carrier_of;
use crate::district;
use crate::error::DbResult;
use crate::schema::{
    company_profiles, consultation_advisers, consultations, contacts, events, organisations, sites,
    topics, user_assignments, users,
};
use crate::sql_types::Key;
use crate::statement::is_named;

/// What cells may name: districts and topics, and of the own carrier sites and who works or worked for it.
///
/// # Errors
/// When the database cannot be read.
pub fn named(conn: &mut Conn, scope: &Scope) -> Result<Named> {
    let mut named = Named::default();
    named.add_districts(&district::all(conn)?);
    let labels: Vec<(String, String, String)> =
        topics::table.select((topics::code, topics::label_de, topics::label_en)).load(conn).db()?;
    for (code, label_de, label_en) in &labels {
        named.add_topic(code, [label_de, label_en]);
    }
    let Some(carrier) = carrier_of(scope) else { return Ok(named) };
    let own: Vec<(Key, String)> = sites::table
        .filter(sites::carrier_id.eq(carrier))
        .select((sites::id, sites::name))
        .load(conn)
        .db()?;
    for (id, name) in &own {
        named.add_site(id.0, name);
    }
    let assigned = user_assignments::table
        .filter(user_assignments::carrier_id.eq(Some(carrier)))
        .select(user_assignments::user_id);
    let people: Vec<(Key, String, String)> = users::table
        .filter(users::id.eq_any(assigned))
        .select((users::id, users::name, users::email))
        .load(conn)
        .db()?;
    for (id, name, email) in &people {
        named.add_user(id.0, name, email);
    }
    Ok(named)
}

/// Organisations that are not archived, by the keys that rows have; of one kind, or of both.
///
/// # Errors
/// When the database cannot be read.
pub fn organisations(
    conn: &mut Conn,
    kind: Option<OrganisationKind>,
    keys: &[MatchKey],
) -> Result<HashMap<MatchKey, Vec<OrganisationId>>> {
    let mut ids = Vec::new();
    let mut register_numbers = Vec::new();
    let mut vat_ids = Vec::new();
    let mut names = Vec::new();
    for key in keys {
        match key {
            MatchKey::Id(id) => ids.push(Key(*id)),
            MatchKey::RegisterNumber(number) => register_numbers.push(number.as_str()),
            MatchKey::VatId(vat_id) => vat_ids.push(vat_id.as_str()),
            MatchKey::NameAndTown { name, .. } | MatchKey::Name(name) => names.push(name.as_str()),
            MatchKey::Email(_) | MatchKey::TitleAndDay { .. } | MatchKey::AdviserAndDay { .. } => {}
        }
    }
    let kinds = kind.map_or_else(OrganisationKind::all, |kind| vec![kind]);
    let kinds: Vec<_> = kinds.into_iter().map(OrganisationKind::code).collect();
    let mut found: HashMap<MatchKey, Vec<OrganisationId>> = HashMap::new();
    let mut add = |key: MatchKey, id: Key| {
        let known = found.entry(key).or_default();
        if !known.contains(&OrganisationId(id.0)) {
            known.push(OrganisationId(id.0));
        }
    };
    if !ids.is_empty() {
        let rows: Vec<Key> = on_backend!(&mut *conn, c => organisations::table
            .filter(among(organisations::id, &ids))
            .filter(organisations::kind.eq_any(kinds.iter().copied()))
            .filter(organisations::archived_at.is_null())
            .select(organisations::id)
            .load(c))
        .db()?;
        for id in rows {
            add(MatchKey::Id(id.0), id);
        }
    }
    if !register_numbers.is_empty() {
        let rows: Vec<(Key, Option<String>)> = on_backend!(&mut *conn, c => organisations::table
            .inner_join(company_profiles::table)
            .filter(company_profiles::register_number.eq_any(register_numbers.iter().copied()))
            .filter(organisations::archived_at.is_null())
            .select((organisations::id, company_profiles::register_number))
            .load(c))
        .db()?;
        for (id, number) in rows {
            add(MatchKey::RegisterNumber(number.unwrap_or_default()), id);
        }
    }
    if !vat_ids.is_empty() {
        let rows: Vec<(Key, Option<String>)> = on_backend!(&mut *conn, c => organisations::table
            .inner_join(company_profiles::table)
            .filter(company_profiles::vat_id.eq_any(vat_ids.iter().copied()))
            .filter(organisations::archived_at.is_null())
            .select((organisations::id, company_profiles::vat_id))
            .load(c))
        .db()?;
        for (id, vat_id) in rows {
            add(MatchKey::VatId(vat_id.unwrap_or_default()), id);
        }
    }
    if !names.is_empty() {
        let rows: Vec<(Key, String, Option<String>)> =
            on_backend!(&mut *conn, c => organisations::table
                .filter(organisations::name_key.eq_any(names.iter().copied()))
                .filter(organisations::kind.eq_any(kinds.iter().copied()))
                .filter(organisations::archived_at.is_null())
                .select((organisations::id, organisations::name_key, organisations::city))
                .load(c))
            .db()?;
        for (id, name, city) in rows {
            if let Some(city) = city {
                add(MatchKey::NameAndTown { name: name.clone(), town: fold(&city) }, id);
            }
            add(MatchKey::Name(name), id);
        }
    }
    Ok(found)
}

/// Contacts of an organisation in the scope that are not archived, by name or e-mail address.
///
/// # Errors
/// When the database cannot be read.
pub fn contacts(
    conn: &mut Conn,
    scope: &Scope,
    organisation: OrganisationId,
    key: &MatchKey,
) -> Result<Vec<Uuid>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let rows: Vec<(Key, String, Option<String>)> = contacts::table
        .filter(contacts::organisation_id.eq(Key(organisation.0)))
        .filter(contacts::carrier_id.eq(carrier))
        .filter(contacts::archived_at.is_null())
        .order(contacts::id)
        .select((contacts::id, contacts::name_key, contacts::email))
        .load(conn)
        .db()?;
    let is_meant = |name: &String, email: Option<&String>| match key {
        MatchKey::Name(told) => name == told,
        MatchKey::Email(told) => email.is_some_and(|email| email.to_lowercase() == *told),
        _ => false,
    };
    let meant = rows.into_iter().filter(|(_, name, email)| is_meant(name, email.as_ref()));
    Ok(meant.map(|(id, ..)| id.0).collect())
}

/// Events in the scope with a title, beginning on a day, that were not voided.
///
/// # Errors
/// When the database cannot be read.
pub fn events(conn: &mut Conn, scope: &Scope, title: &str, day: NaiveDate) -> Result<Vec<Uuid>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let rows: Vec<(Key, String)> = events::table
        .filter(events::carrier_id.eq(carrier))
        .filter(events::starts_on.eq(day))
        .filter(events::status.ne(EventStatus::Voided.code()))
        .order(events::id)
        .select((events::id, events::title))
        .load(conn)
        .db()?;
    Ok(rows.into_iter().filter(|(_, known)| fold(known) == title).map(|(id, _)| id.0).collect())
}

/// Consultations with an organisation in the scope, led by somebody on a day, that were not voided.
///
/// # Errors
/// When the database cannot be read.
pub fn consultations(
    conn: &mut Conn,
    scope: &Scope,
    organisation: OrganisationId,
    adviser: UserId,
    day: NaiveDate,
) -> Result<Vec<Uuid>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let rows: Vec<Key> = consultations::table
        .inner_join(consultation_advisers::table)
        .filter(consultations::organisation_id.eq(Some(Key(organisation.0))))
        .filter(consultations::carrier_id.eq(carrier))
        .filter(consultations::held_on.eq(day))
        .filter(consultations::status.ne(ConsultationStatus::Voided.code()))
        .filter(consultation_advisers::user_id.eq(Key(adviser.0)))
        .filter(consultation_advisers::position.eq(0))
        .order(consultations::id)
        .select(consultations::id)
        .load(conn)
        .db()?;
    Ok(rows.into_iter().map(|id| id.0).collect())
}

/// Whether others have built on an event: somebody takes part in it, or a record names it.
///
/// # Errors
/// When the database cannot be read.
pub fn is_event_used(conn: &mut Conn, id: Uuid) -> Result<bool> {
    let places = ["event_participations", "consultations", "tasks", "attachments"];
    is_named(conn, Key(id), places.into_iter().map(|table| (table, "event_id")))
}

/// Whether others have built on a consultation.
///
/// # Errors
/// When the database cannot be read.
pub fn is_consultation_used(conn: &mut Conn, id: Uuid) -> Result<bool> {
    let places = ["tasks", "referrals", "attachments", "corrections"];
    is_named(conn, Key(id), places.into_iter().map(|table| (table, "consultation_id")))
}
