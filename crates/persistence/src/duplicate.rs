//! Organisations that a name may mean. Each database finds some with its own index; which of them are
//! shown is decided by one rule (`lotse_domain::duplicate`).

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use lotse_domain::Result;
use lotse_domain::duplicate::{Candidate, Namesake, candidates, match_key};
use lotse_domain::id::{DistrictId, OrganisationId};
use lotse_domain::name::fold;
use lotse_domain::organisation::OrganisationReference;

use crate::connection::{Backend, Conn};
use crate::convert::code;
use crate::error::DbResult;
use crate::schema::organisations;
use crate::sql_types::{Id, Key};

#[derive(QueryableByName)]
struct Found {
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
    if conn.backend() == Backend::Postgres {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(match_key(name))
            .execute(conn)
            .db()?;
    }
    Ok(())
}

/// Those of exactly this name but for case, umlauts, accents and punctuation; two at most, since it
/// matters only whether there is one.
///
/// # Errors
/// When the database cannot be read.
pub fn of_name(conn: &mut Conn, name: &str) -> Result<Vec<Namesake>> {
    type Row = (Key, String, String, Option<String>, Option<Key>);
    let found: Vec<Row> = organisations::table
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
    let namesake = |(id, name, kind, city, district): Row| {
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
    let key = match_key(name);
    if key.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<Found> = match conn.backend() {
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
        .bind::<Text, _>(any_trigram(&key))
        .load(conn)
        .db()?,
    };
    let found = found
        .into_iter()
        .map(|row| {
            let id = OrganisationId(row.id.0);
            let kind = code(&row.kind)?;
            Ok((OrganisationReference { id, name: row.name, kind }, row.city))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(candidates(name, found))
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
