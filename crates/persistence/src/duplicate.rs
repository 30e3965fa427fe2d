//! Organisations that a name may mean. Each database finds some with its own index; which of them are
//! shown is decided by one rule (`lotse_domain::duplicate`).

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use lotse_domain::Result;
use lotse_domain::duplicate::{
    Candidate, Namesake, candidates, match_key, own_domain, register_number,
};
use lotse_domain::id::{DistrictId, OrganisationId};
use lotse_domain::name::fold;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::search::Found;

use crate::connection::{Backend, Conn};
use crate::convert::code;
use crate::error::DbResult;
use crate::schema::{company_profiles, organisations};
use crate::search;
use crate::sql_types::{Id, Key};

/// How many have an identifier that is looked at: a register number stands at many courts.
const MOST: i64 = 200;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    city: Option<String>,
}

/// Has whoever else is about to add this name wait until the end of the transaction, so that two who
/// enter a company at once do not both find none. SQLite has one writer anyway.
///
/// # Errors
/// When the database cannot be read.
pub fn hold(conn: &mut Conn, name: &str) -> Result<()> {
    hold_key(conn, &match_key(name))
}

/// The same for all that an entry may be recognised by.
///
/// # Errors
/// When the database cannot be read.
pub fn hold_all(conn: &mut Conn, entered: &Found) -> Result<()> {
    let mut keys = vec![match_key(&entered.name)];
    keys.extend(entered.vat_id.as_ref().map(|vat_id| format!("vat_id {vat_id}")));
    keys.extend(register_number(entered).map(|number| format!("register_number {number}")));
    keys.extend(own_domain(entered).map(|domain| format!("domain {domain}")));
    // Ascending, so that two who do this at once do not wait for each other.
    keys.sort_unstable();
    keys.iter().try_for_each(|key| hold_key(conn, key))
}

fn hold_key(conn: &mut Conn, key: &str) -> Result<()> {
    if conn.backend() == Backend::Postgres {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(key)
            .execute(conn)
            .db()?;
    }
    Ok(())
}

/// Those that are not archived and may be what is entered, by name or identifiers, the likeliest first.
///
/// # Errors
/// When the database cannot be read.
pub fn same_as(conn: &mut Conn, entered: &Found) -> Result<Vec<Candidate>> {
    let mut ids: Vec<Key> = of_name(conn, &entered.name)?
        .into_iter()
        .map(|namesake| Key(namesake.organisation.id.0))
        .collect();
    let similar = similarly_named(conn, &match_key(&entered.name))?;
    ids.extend(similar.into_iter().map(|(organisation, _)| Key(organisation.id.0)));
    if let Some(vat_id) = &entered.vat_id {
        let others: Vec<Key> = organisations::table
            .inner_join(company_profiles::table)
            .filter(company_profiles::vat_id.eq(vat_id))
            .filter(organisations::archived_at.is_null())
            .order(organisations::id)
            .limit(MOST)
            .select(organisations::id)
            .load(conn)
            .db()?;
        ids.extend(others);
    }
    if let Some(number) = register_number(entered) {
        ids.extend(search::organisations_with(conn, &number, MOST)?);
    }
    if let Some(domain) = own_domain(entered) {
        ids.extend(search::organisations_with(conn, &format!(" {domain} "), MOST)?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(lotse_domain::duplicate::same_as(entered, search::organisations(conn, &ids)?))
}

/// Those of exactly this name but for case, umlauts, accents and punctuation; two at most, since it
/// matters only whether there is one.
///
/// # Errors
/// When the database cannot be read.
pub fn of_name(conn: &mut Conn, name: &str) -> Result<Vec<Namesake>> {
    type Columns = (Key, String, String, Option<String>, Option<Key>);
    let found: Vec<Columns> = organisations::table
        .filter(organisations::name_key.eq(fold(name)))
        .filter(organisations::archived_at.is_null())
        .order(organisations::id)
        .limit(2)
        .select((
            organisations::id,
            organisations::name,
            organisations::kind,
            organisations::city,
            organisations::district_id,
        ))
        .load(conn)
        .db()?;
    let namesake = |(id, name, kind, city, district): Columns| {
        let id = OrganisationId(id.0);
        let organisation = OrganisationReference { id, name, kind: code(&kind)? };
        Ok(Namesake { organisation, city, district_id: district.map(|id| DistrictId(id.0)) })
    };
    found.into_iter().map(namesake).collect()
}

/// Those of a similar name that are not archived, the likeliest first.
///
/// # Errors
/// When the database cannot be read.
pub fn similar(conn: &mut Conn, name: &str) -> Result<Vec<Candidate>> {
    Ok(candidates(name, similarly_named(conn, &match_key(name))?))
}

fn similarly_named(
    conn: &mut Conn,
    key: &str,
) -> Result<Vec<(OrganisationReference, Option<String>)>> {
    if key.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<Row> = match conn.backend() {
        // `<%`: the key is similar to a part of the text, which may go on with a legal form.
        Backend::Postgres => diesel::sql_query(
            "SELECT id, name, kind, city FROM organisations
             WHERE $1 <% search_text AND archived_at IS NULL
             ORDER BY word_similarity($1, search_text) DESC, id LIMIT 50",
        )
        .bind::<Text, _>(key)
        .load(conn)
        .db()?,
        Backend::Sqlite => diesel::sql_query(
            "SELECT o.id, o.name, o.kind, o.city
             FROM (
                 SELECT rowid FROM organisation_search WHERE organisation_search MATCH ?
                 ORDER BY rank LIMIT 50
             ) s
             JOIN organisations o ON o.search_id = s.rowid
             WHERE o.archived_at IS NULL",
        )
        .bind::<Text, _>(any_trigram(key))
        .load(conn)
        .db()?,
    };
    found
        .into_iter()
        .map(|row| {
            let id = OrganisationId(row.id.0);
            let kind = code(&row.kind)?;
            Ok((OrganisationReference { id, name: row.name, kind }, row.city))
        })
        .collect()
}

/// A full-text query for names that have a trigram of the key. The key holds letters, digits and
/// spaces only, so quoting is enough.
fn any_trigram(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    if letters.len() < 3 {
        return format!("\"{key}\"");
    }
    let trigrams: Vec<String> = letters
        .windows(3)
        .map(|three| format!("\"{}\"", three.iter().collect::<String>()))
        .collect();
    trigrams.join(" OR ")
}
