//! The search: what each organisation and contact is found by, kept beside them, and the candidates for what
//! was typed. Which of them are hits is decided by one rule (`lotse_domain::search`).

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::connection::SimpleConnection;
use diesel::dsl::{AsExprOf, sql};
use diesel::expression::{SqlLiteral, UncheckedBind};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Float, Nullable, Text};
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::duplicate::match_key;
use lotse_domain::policy::Scope;
use lotse_domain::search::{Found, LEAST_INSIDE, Query, SearchKind, part};

use crate::among::among;
use crate::connection::{Backend, Conn};
use crate::convert::{carrier_of, contains};
use crate::error::DbResult;
use crate::schema::{organisation_tags, search_entries, tags};
use crate::sql_types::{Id, Key};

mod record;

pub(crate) use record::{derive, organisations};

/// How many candidates are looked at: those whose names begin with what was typed, then those whose names
/// contain it, then the others, each by name, so that both databases look at the same.
const MOST: i64 = 100;

/// Of those that are written similarly, in the order of each database.
const MOST_SIMILAR: i64 = 200;

/// How many of a carrier's tags are looked at, and how many of those that fit.
const MOST_TAGS: i64 = 1000;
const MOST_MEANT: usize = 5;

/// Less than what the rule asks for, so that nothing is missed by rounding.
const LEAST_SIMILARITY: &str = "SET LOCAL pg_trgm.word_similarity_threshold = 0.3";

/// What is searched, and for whom.
#[derive(Debug)]
pub struct Search<'a> {
    pub scope: &'a Scope,
    pub query: &'a Query,
    /// All that the caller may read when none.
    pub kind: Option<SearchKind>,
    pub contacts: bool,
    pub tags: bool,
    pub archived: bool,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = search_entries, treat_none_as_null = true)]
struct Entry {
    id: Key,
    kind: String,
    carrier_id: Option<Key>,
    archived: bool,
    name_key: String,
    match_key: Option<String>,
    content: String,
}

impl Entry {
    fn of(found: &Found, carrier: Option<Key>) -> Self {
        Self {
            id: Key(found.id),
            kind: found.kind.code().to_owned(),
            carrier_id: carrier,
            archived: found.archived,
            name_key: found.name_key(),
            match_key: (found.kind != SearchKind::Contact).then(|| match_key(&found.name)),
            content: found.content(),
        }
    }
}

/// Keeps what a new record is found by.
pub(crate) fn enter(conn: &mut Conn, found: &Found, carrier: Option<Key>) -> Result<()> {
    let entry = Entry::of(found, carrier);
    diesel::insert_into(search_entries::table).values(&entry).execute(conn).db()?;
    Ok(())
}

/// Keeps what a changed record is found by.
pub(crate) fn keep(conn: &mut Conn, found: &Found, carrier: Option<Key>) -> Result<()> {
    let entry = Entry::of(found, carrier);
    let known =
        diesel::update(search_entries::table.find(entry.id)).set(&entry).execute(conn).db()?;
    if known == 0 { enter(conn, found, carrier) } else { Ok(()) }
}

type Candidates = Vec<(Key, String)>;

/// Those that have all that was typed, in one of the ways to read it.
///
/// # Errors
/// When the database cannot be read.
pub fn containing(conn: &mut Conn, search: &Search) -> Result<Vec<Found>> {
    let mut candidates = Vec::new();
    for parts in search.query.readings() {
        candidates.extend(with_parts(conn, search, &parts, None)?);
    }
    for (tag, rest) in meant_tags(conn, search)? {
        candidates.extend(with_parts(conn, search, &rest, Some(tag))?);
    }
    records(conn, search, candidates)
}

/// The first organisations that are found by this text and are not archived.
pub(crate) fn organisations_with(conn: &mut Conn, part: &str, most: i64) -> Result<Vec<Key>> {
    let mut query = search_entries::table
        .filter(search_entries::carrier_id.is_null())
        .filter(search_entries::archived.eq(false))
        .filter(search_entries::content.like(contains(part)))
        .into_boxed();
    if conn.backend() == Backend::Sqlite {
        query = query.filter(indexed(quoted(part)));
    }
    query
        .order((search_entries::name_key, search_entries::id))
        .limit(most)
        .select(search_entries::id)
        .load(conn)
        .db()
}

/// Those whose words are similar to the ones that were typed. On PostgreSQL it must run in a transaction of
/// its own, since it sets what counts as similar there.
///
/// # Errors
/// When the database cannot be read.
pub fn similar(conn: &mut Conn, search: &Search) -> Result<Vec<Found>> {
    if !search.query.may_be_misspelt() {
        return Ok(Vec::new());
    }
    let candidates = match conn.backend() {
        Backend::Postgres => similar_in_postgres(conn, search)?,
        Backend::Sqlite => similar_in_sqlite(conn, search)?,
    };
    records(conn, search, candidates)
}

type Entries<'a> = search_entries::BoxedQuery<'a, crate::connection::MultiBackend>;

/// Entries that the caller may find.
fn entries<'a>(search: &Search) -> Entries<'a> {
    let mut entries = search_entries::table.into_boxed();
    entries = match carrier_of(search.scope).filter(|_| search.contacts) {
        Some(carrier) => entries.filter(
            search_entries::carrier_id.is_null().or(search_entries::carrier_id.eq(Some(carrier))),
        ),
        None => entries.filter(search_entries::carrier_id.is_null()),
    };
    if let Some(kind) = search.kind {
        entries = entries.filter(search_entries::kind.eq(kind.code()));
    }
    if !search.archived {
        entries = entries.filter(search_entries::archived.eq(false));
    }
    entries
}

/// The first of those that have all the parts, and the tag where one is meant.
fn with_parts(
    conn: &mut Conn,
    search: &Search,
    parts: &[String],
    tag: Option<Key>,
) -> Result<Candidates> {
    let mut query = entries(search);
    // A trigram index knows no shorter ones.
    let long: Vec<String> = parts
        .iter()
        .filter(|part| part.chars().count() >= LEAST_INSIDE)
        .map(|part| quoted(part))
        .collect();
    if conn.backend() == Backend::Sqlite && !long.is_empty() {
        query = query.filter(indexed(long.join(" AND ")));
    }
    for part in parts {
        query = query.filter(search_entries::content.like(contains(part)));
    }
    if let Some(tag) = tag {
        let tagged = organisation_tags::table
            .filter(organisation_tags::carrier_id.nullable().eq(carrier_of(search.scope)))
            .filter(organisation_tags::tag_id.eq(tag))
            .select(organisation_tags::organisation_id);
        query = query.filter(search_entries::id.eq_any(tagged));
    }
    let key = search.query.key();
    query
        .order((
            search_entries::name_key.like(format!("{key}%")).desc(),
            search_entries::name_key.like(contains(&key)).desc(),
            search_entries::name_key,
            search_entries::id,
        ))
        .limit(MOST)
        .select((search_entries::id, search_entries::kind))
        .load(conn)
        .db()
}

type Indexed = SqlLiteral<Bool, UncheckedBind<SqlLiteral<Bool>, AsExprOf<String, Text>>>;

/// What SQLite's index has for a full-text query.
fn indexed(phrase: String) -> Indexed {
    sql::<Bool>(
        "search_entries.search_id IN (SELECT rowid FROM search_index WHERE search_index MATCH ",
    )
    .bind::<Text, _>(phrase)
    .sql(")")
}

/// Own tags that words of the search may mean, each with what else must be there.
fn meant_tags(conn: &mut Conn, search: &Search) -> Result<Vec<(Key, Vec<String>)>> {
    let Some(carrier) = carrier_of(search.scope).filter(|_| search.tags) else {
        return Ok(Vec::new());
    };
    let own: Vec<(Key, String)> = tags::table
        .filter(tags::carrier_id.eq(carrier))
        .filter(tags::archived_at.is_null())
        .order((tags::name_key, tags::id))
        .limit(MOST_TAGS)
        .select((tags::id, tags::name))
        .load(conn)
        .db()?;
    let (meant, rest) = search.query.tagged(&own);
    Ok(meant.into_iter().take(MOST_MEANT).map(|tag| (tag, rest.clone())).collect())
}

fn similar_in_postgres(conn: &mut Conn, search: &Search) -> Result<Candidates> {
    conn.batch_execute(LEAST_SIMILARITY).db()?;
    let mut query = entries(search);
    for word in &search.query.words {
        if word.chars().count() > LEAST_INSIDE {
            let word = sql::<Bool>("").bind::<Text, _>(word.clone());
            query = query.filter(word.sql(" <% search_entries.content"));
        } else {
            query = query.filter(search_entries::content.like(contains(&part(word))));
        }
    }
    query
        .order((
            sql::<Float>("word_similarity(")
                .bind::<Text, _>(search.query.key())
                .sql(", search_entries.content) DESC"),
            search_entries::id,
        ))
        .limit(MOST_SIMILAR)
        .select((search_entries::id, search_entries::kind))
        .load(conn)
        .db()
}

#[derive(QueryableByName)]
struct Similar {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// Those that have most of the trigrams; by their full-text rank it takes three times as long, and ten times
/// when each of the entries is looked up before they are counted.
fn similar_in_sqlite(conn: &mut Conn, search: &Search) -> Result<Candidates> {
    let carrier = carrier_of(search.scope).filter(|_| search.contacts);
    let found: Vec<Similar> = diesel::sql_query(
        "WITH alike AS MATERIALIZED (
             SELECT s.rowid AS search_id, count(*) AS shared
             FROM json_each(?) gram CROSS JOIN search_index s ON s.search_index MATCH gram.value
             GROUP BY s.rowid ORDER BY count(*) DESC, s.rowid LIMIT 1000
         )
         SELECT e.id, e.kind
         FROM alike CROSS JOIN search_entries e ON e.search_id = alike.search_id
         WHERE (e.carrier_id IS NULL OR e.carrier_id = ?)
             AND (? IS NULL OR e.kind = ?)
             AND (? OR NOT e.archived)
         ORDER BY alike.shared DESC, alike.search_id LIMIT 200",
    )
    .bind::<Text, _>(json(search.query.words.iter().flat_map(|word| trigrams(word))))
    .bind::<Nullable<Id>, _>(carrier)
    .bind::<Nullable<Text>, _>(search.kind.map(Code::code))
    .bind::<Nullable<Text>, _>(search.kind.map(Code::code))
    .bind::<Bool, _>(search.archived)
    .load(conn)
    .db()?;
    Ok(found.into_iter().map(|row| (row.id, row.kind)).collect())
}

/// The trigrams of a word as SQLite's index has them, its beginning and its end included.
pub(crate) fn trigrams(word: &str) -> BTreeSet<String> {
    let letters: Vec<char> = format!(" {word} ").chars().collect();
    letters.windows(3).map(|three| quoted(&String::from_iter(three))).collect()
}

/// Full-text queries as one bound value.
pub(crate) fn json(queries: impl IntoIterator<Item = String>) -> String {
    serde_json::Value::from_iter(queries).to_string()
}

/// Folded text holds letters, digits and spaces only, so quoting is enough.
fn quoted(folded: &str) -> String {
    format!("\"{folded}\"")
}

/// The candidates with all that they are found by.
fn records(conn: &mut Conn, search: &Search, candidates: Candidates) -> Result<Vec<Found>> {
    let (mut shared, mut contacts) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for (id, kind) in candidates {
        if seen.insert(id) {
            let is_contact = kind == SearchKind::Contact.code();
            if is_contact { contacts.push(id) } else { shared.push(id) }
        }
    }
    let mut found = organisations(conn, &shared)?;
    if let Some(carrier) = carrier_of(search.scope) {
        if search.contacts {
            found.extend(record::contacts(conn, carrier, &contacts)?);
        }
        if search.tags {
            let mut tags = own_tags(conn, carrier, &shared)?;
            for one in &mut found {
                one.tags = tags.remove(&Key(one.id)).unwrap_or_default();
            }
        }
    }
    Ok(found)
}

fn own_tags(conn: &mut Conn, carrier: Key, ids: &[Key]) -> Result<HashMap<Key, Vec<String>>> {
    let rows: Vec<(Key, String)> = on_backend!(conn, c => organisation_tags::table
        .inner_join(tags::table)
        .filter(organisation_tags::carrier_id.eq(carrier))
        .filter(among(organisation_tags::organisation_id, ids))
        .filter(tags::archived_at.is_null())
        .select((organisation_tags::organisation_id, tags::name))
        .load(c))
    .db()?;
    let mut tags: HashMap<Key, Vec<String>> = HashMap::new();
    for (organisation, tag) in rows {
        tags.entry(organisation).or_default().push(tag);
    }
    Ok(tags)
}
