//! Which companies the rows of a file mean, for many rows at once.

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::select;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::id::CompanyId;
use lotse_domain::import::company::MatchKey;
use lotse_domain::name::fold;
use lotse_domain::organisation::OrganisationKind;

use crate::among::among;
use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::{
    accompaniments, company_profiles, consultations, contacts, establishments,
    event_participations, organisations, recruitment_cases,
};
use crate::sql_types::Key;

/// Those that are not archived, by the keys that rows have.
///
/// # Errors
/// When the database cannot be read.
pub fn matching(conn: &mut Conn, keys: &[MatchKey]) -> Result<HashMap<MatchKey, Vec<CompanyId>>> {
    let mut ids = Vec::new();
    let mut register_numbers = Vec::new();
    let mut vat_ids = Vec::new();
    let mut names = Vec::new();
    for key in keys {
        match key {
            MatchKey::Id(id) => ids.push(Key(*id)),
            MatchKey::RegisterNumber(number) => register_numbers.push(number.as_str()),
            MatchKey::VatId(vat_id) => vat_ids.push(vat_id.as_str()),
            MatchKey::NameAndTown { name, .. } => names.push(name.as_str()),
        }
    }
    let mut found: HashMap<MatchKey, Vec<CompanyId>> = HashMap::new();
    let mut add = |key: MatchKey, id: Key| {
        let known = found.entry(key).or_default();
        if !known.contains(&CompanyId(id.0)) {
            known.push(CompanyId(id.0));
        }
    };
    if !ids.is_empty() {
        let rows: Vec<Key> = on_backend!(&mut *conn, c => organisations::table
            .filter(among(organisations::id, &ids))
            .filter(organisations::kind.eq(OrganisationKind::Company.code()))
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
                .filter(organisations::kind.eq(OrganisationKind::Company.code()))
                .filter(organisations::archived_at.is_null())
                .select((organisations::id, organisations::name_key, organisations::city))
                .load(c))
            .db()?;
        for (id, name, city) in rows {
            if let Some(city) = city {
                add(MatchKey::NameAndTown { name, town: fold(&city) }, id);
            }
        }
    }
    Ok(found)
}

/// Whether records refer to a company: then somebody works with it, and its creation is not taken back.
///
/// # Errors
/// When the database cannot be read.
pub fn is_in_use(conn: &mut Conn, id: CompanyId) -> Result<bool> {
    let id = Key(id.0);
    let contacts = contacts::table.filter(contacts::organisation_id.eq(id));
    let establishments = establishments::table.filter(establishments::company_id.eq(id));
    let consultations = consultations::table.filter(consultations::organisation_id.eq(Some(id)));
    let accompaniments = accompaniments::table.filter(accompaniments::company_id.eq(id));
    let cases = recruitment_cases::table.filter(recruitment_cases::company_id.eq(id));
    let participations =
        event_participations::table.filter(event_participations::organisation_id.eq(Some(id)));
    Ok(select(exists(contacts)).get_result(conn).db()?
        || select(exists(establishments)).get_result(conn).db()?
        || select(exists(consultations)).get_result(conn).db()?
        || select(exists(accompaniments)).get_result(conn).db()?
        || select(exists(cases)).get_result(conn).db()?
        || select(exists(participations)).get_result(conn).db()?)
}
