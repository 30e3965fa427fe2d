//! Organisations and contacts with all that they are found by.

use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::id::OrganisationId;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::search::{Found, SearchKind};

use super::Entry;
use crate::among::among;
use crate::connection::Conn;
use crate::convert::code;
use crate::error::DbResult;
use crate::schema::{carriers, company_profiles, contacts, organisations, search_entries};
use crate::sql_types::{At, Key};

/// How many are derived at once; PostgreSQL binds 65,535 values in one statement.
const BATCH: usize = 1000;

#[derive(Queryable)]
struct OrganisationRow {
    id: Key,
    kind: String,
    name: String,
    city: Option<String>,
    postcode: Option<String>,
    website: Option<String>,
    register_number: Option<String>,
    vat_id: Option<String>,
    archived_at: Option<At>,
}

impl OrganisationRow {
    fn found(self) -> Result<Found> {
        Ok(Found {
            id: self.id.0,
            kind: code(&self.kind)?,
            name: self.name,
            city: self.city,
            postcode: self.postcode,
            organisation: None,
            register_number: self.register_number,
            vat_id: self.vat_id,
            website: self.website,
            email: None,
            phones: Vec::new(),
            tags: Vec::new(),
            archived: self.archived_at.is_some(),
        })
    }
}

#[derive(Queryable)]
struct ContactRow {
    id: Key,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    archived_at: Option<At>,
    organisation_id: Key,
    organisation_name: String,
    organisation_kind: String,
    city: Option<String>,
}

impl ContactRow {
    fn found(self) -> Result<Found> {
        Ok(Found {
            id: self.id.0,
            kind: SearchKind::Contact,
            name: self.name,
            city: self.city,
            postcode: None,
            organisation: Some(OrganisationReference {
                id: OrganisationId(self.organisation_id.0),
                name: self.organisation_name,
                kind: code(&self.organisation_kind)?,
            }),
            register_number: None,
            vat_id: None,
            website: None,
            email: self.email,
            phones: self.phone.into_iter().chain(self.mobile).collect(),
            tags: Vec::new(),
            archived: self.archived_at.is_some(),
        })
    }
}

/// Those of the ids that are organisations, without tags.
pub(crate) fn organisations(conn: &mut Conn, ids: &[Key]) -> Result<Vec<Found>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<OrganisationRow> = on_backend!(conn, c => organisations::table
        .left_join(company_profiles::table)
        .filter(among(organisations::id, ids))
        .select((
            organisations::id,
            organisations::kind,
            organisations::name,
            organisations::city,
            organisations::postcode,
            organisations::website,
            company_profiles::register_number.nullable(),
            company_profiles::vat_id.nullable(),
            organisations::archived_at,
        ))
        .load(c))
    .db()?;
    rows.into_iter().map(OrganisationRow::found).collect()
}

/// Those of the carrier.
pub(super) fn contacts(conn: &mut Conn, carrier: Key, ids: &[Key]) -> Result<Vec<Found>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<ContactRow> = on_backend!(conn, c => contacts::table
        .inner_join(organisations::table)
        .filter(among(contacts::id, ids))
        .filter(contacts::carrier_id.eq(carrier))
        .select((
            contacts::id,
            contacts::name,
            contacts::email,
            contacts::phone,
            contacts::mobile,
            contacts::archived_at,
            organisations::id,
            organisations::name,
            organisations::kind,
            organisations::city,
        ))
        .load(c))
    .db()?;
    rows.into_iter().map(ContactRow::found).collect()
}

/// Derives the entries of all records anew.
pub(crate) fn derive(conn: &mut Conn) -> Result<()> {
    diesel::delete(search_entries::table).execute(conn).db()?;
    let ids: Vec<Key> = organisations::table.select(organisations::id).load(conn).db()?;
    for batch in ids.chunks(BATCH) {
        let found = organisations(conn, batch)?;
        insert(conn, &found, None)?;
    }
    let carriers: Vec<Key> = carriers::table.select(carriers::id).load(conn).db()?;
    for carrier in carriers {
        let of_carrier = contacts::table.filter(contacts::carrier_id.eq(carrier));
        let ids: Vec<Key> = of_carrier.select(contacts::id).load(conn).db()?;
        for batch in ids.chunks(BATCH) {
            let found = contacts(conn, carrier, batch)?;
            insert(conn, &found, Some(carrier))?;
        }
    }
    Ok(())
}

fn insert(conn: &mut Conn, found: &[Found], carrier: Option<Key>) -> Result<()> {
    let entries: Vec<Entry> = found.iter().map(|one| Entry::of(one, carrier)).collect();
    on_backend!(conn, c => diesel::insert_into(search_entries::table).values(&entries).execute(c))
        .db()?;
    Ok(())
}
