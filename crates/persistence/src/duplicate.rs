//! Organisations that may be the one that is entered. Each database finds with its own index those whose
//! names have as many trigrams in common as the rule asks for; which of them are shown is decided by the rule
//! (`lotse_domain::duplicate`).

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use lotse_domain::Result;
use lotse_domain::duplicate::{
    Candidate, Namesake, are_similar, match_key, own_domain, register_number,
};
use lotse_domain::id::{DistrictId, OrganisationId};
use lotse_domain::name::fold;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::search::Found;

use crate::connection::{Backend, Conn};
use crate::convert::code;
use crate::error::DbResult;
use crate::schema::{company_profiles, organisations, search_entries};
use crate::search;
use crate::sql_types::{Id, Key};

/// How many of the same name, or with an identifier, are looked at: a register number stands at many courts.
const MOST: i64 = 200;

/// Less than what the rule asks for after rounding, so that nothing is missed.
const LEAST_SIMILARITY: &str = "0.59";

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Text)]
    match_key: String,
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
    let ids = candidates(conn, entered)?;
    Ok(lotse_domain::duplicate::same_as(entered, search::organisations(conn, &ids)?))
}

/// The ids of those that are not archived and may be it, itself among them when it is on record. On PostgreSQL it
/// must run in a transaction, since it sets what counts as similar there.
pub(crate) fn candidates(conn: &mut Conn, entered: &Found) -> Result<Vec<Key>> {
    let mut ids = named_alike(conn, &match_key(&entered.name))?;
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
        ids.extend(search::organisations_with(conn, &format!(" {number} "), MOST)?);
    }
    if let Some(domain) = own_domain(entered) {
        ids.extend(search::organisations_with(conn, &format!(" {domain} "), MOST)?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
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
    same_as(conn, &Found::named(name))
}

/// Those of the same or a similar name but for legal form and spelling.
fn named_alike(conn: &mut Conn, key: &str) -> Result<Vec<Key>> {
    if key.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<Key> = search_entries::table
        .filter(search_entries::match_key.eq(key))
        .filter(search_entries::archived.eq(false))
        .order(search_entries::id)
        .limit(MOST)
        .select(search_entries::id)
        .load(conn)
        .db()?;
    let similar: Vec<Named> = match conn.backend() {
        Backend::Postgres => {
            let least = format!("SET LOCAL pg_trgm.similarity_threshold = {LEAST_SIMILARITY}");
            conn.batch_execute(&least).db()?;
            diesel::sql_query(
                "SELECT id, match_key FROM search_entries WHERE match_key % $1 AND NOT archived
                 ORDER BY similarity(match_key, $1) DESC, id LIMIT 200",
            )
            .bind::<Text, _>(key)
            .load(conn)
            .db()?
        }
        Backend::Sqlite => similar_in_sqlite(conn, key)?,
    };
    // Most of what SQLite finds is not, and need not be read.
    let similar = similar.into_iter().filter(|named| are_similar(key, &named.match_key));
    ids.extend(similar.map(|named| named.id));
    Ok(ids)
}

/// What is similar enough has so many of the trigrams that it must have one of the others' rest, whichever
/// they are: so the frequent ones, which take the time, need not be looked up. Asking for one more and for
/// two of them leaves few that are not similar.
fn similar_in_sqlite(conn: &mut Conn, key: &str) -> Result<Vec<Named>> {
    let words: BTreeSet<&str> = key.split(' ').collect();
    let grams: BTreeSet<String> = words.iter().flat_map(|word| search::trigrams(word)).collect();
    // The rule counts the first letter of each word as one more, which the index does not have.
    let starts: BTreeSet<char> = words.iter().filter_map(|word| word.chars().next()).collect();
    let needed = needed(grams.len() + starts.len()).saturating_sub(starts.len()).max(1);
    let asked = needed.min(2);
    let rare = grams.len() + asked - needed.min(grams.len());
    diesel::sql_query(
        "WITH grams AS (
             SELECT g.value AS gram, (
                 SELECT count(*) FROM (
                     SELECT 1 FROM match_index WHERE match_index MATCH g.value LIMIT 4000
                 )
             ) AS frequency
             FROM json_each(?) g
         ), rare AS MATERIALIZED (
             SELECT gram FROM grams ORDER BY frequency, gram LIMIT ?
         ), alike AS MATERIALIZED (
             SELECT m.rowid AS search_id
             FROM rare CROSS JOIN match_index m ON m.match_index MATCH rare.gram
             GROUP BY m.rowid HAVING count(*) >= ?
             ORDER BY count(*) DESC, m.rowid LIMIT 500
         )
         SELECT e.id, e.match_key FROM alike CROSS JOIN search_entries e ON e.search_id = alike.search_id
         WHERE NOT e.archived",
    )
    .bind::<Text, _>(search::json(grams))
    .bind::<Integer, _>(number(rare))
    .bind::<Integer, _>(number(asked))
    .load(conn)
    .db()
}

/// How many of a name's trigrams a similar one has at least.
fn needed(trigrams: usize) -> usize {
    (trigrams * 59).div_ceil(100)
}

/// A name has some hundreds of trigrams.
fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
