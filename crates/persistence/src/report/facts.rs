//! The facts that a report is counted from, as the records are now.

use std::collections::{BTreeSet, HashMap};

use chrono::{NaiveDate, NaiveTime};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::policy::Scope;
use lotse_domain::report::{EventFact, Fact, Heads};
use lotse_domain::statistics::Window;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::among::among;
use crate::connection::{Backend, Conn};
use crate::convert::{code, optional_code};
use crate::error::DbResult;
use crate::limit::still_wanted;
use crate::schema::{
    consultation_countries, consultation_occupations, consultation_topics, districts,
    event_districts, event_participations, event_topics, events, organisations, topics,
};
use crate::sql_types::{Id, Key};
use crate::statement::Statement;

/// How many are in memory at a time.
const CHUNK: usize = 5_000;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<Id>)]
    organisation_id: Option<Key>,
    #[diesel(sql_type = Nullable<Text>)]
    organisation_kind: Option<String>,
    #[diesel(sql_type = Id)]
    carrier_id: Key,
    #[diesel(sql_type = Id)]
    site_id: Key,
    #[diesel(sql_type = Nullable<Text>)]
    district: Option<String>,
    #[diesel(sql_type = Date)]
    held_on: NaiveDate,
    /// `24:00`, with seconds or without, for none.
    #[diesel(sql_type = Text)]
    starts_at: String,
    #[diesel(sql_type = BigInt)]
    minutes: i64,
    #[diesel(sql_type = BigInt)]
    preparation_minutes: i64,
    #[diesel(sql_type = Bool)]
    short: bool,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Nullable<Text>)]
    size_class: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    section: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    actor_type: Option<String>,
}

/// The held consultations of a period and a scope up to a day, sorted by organisation (none first), day, start (none last)
/// and id. They go by in chunks, however many there are.
///
/// # Errors
/// When the database cannot be read; what `each` answers.
pub fn each_fact(
    conn: &mut Conn,
    scope: &Scope,
    period: &FundingPeriod,
    until: NaiveDate,
    mut each: impl FnMut(&mut Conn, Fact) -> Result<()>,
) -> Result<()> {
    for named in [false, true] {
        let mut after: Option<Row> = None;
        loop {
            let rows = chunk(conn, scope, period, until, named, after.as_ref())?;
            let ids: Vec<Key> = rows.iter().map(|row| row.id).collect();
            let mut lists = Lists::of(conn, &ids)?;
            let full = rows.len() == CHUNK;
            after = None;
            for row in rows {
                each(conn, fact(&row, &mut lists)?)?;
                after = Some(row);
            }
            if !full {
                break;
            }
        }
    }
    Ok(())
}

fn chunk(
    conn: &mut Conn,
    scope: &Scope,
    period: &FundingPeriod,
    until: NaiveDate,
    named: bool,
    after: Option<&Row>,
) -> Result<Vec<Row>> {
    let mut statement = Statement::new(conn.backend());
    let Some(mut wanted) = held(&mut statement, scope, period) else { return Ok(Vec::new()) };
    wanted.push(format!("f.held_on <= {}", statement.date(until)));
    wanted.push(format!("f.organisation_id IS {}", if named { "NOT NULL" } else { "NULL" }));
    let time = if statement.backend() == Backend::Postgres { "::time" } else { "" };
    if let Some(row) = after {
        let mut place = Vec::new();
        if let Some(organisation) = row.organisation_id {
            place.push(("f.organisation_id", statement.id(organisation)));
        }
        place.push(("f.held_on", statement.date(row.held_on)));
        place.push(("f.starts_at", format!("{}{time}", statement.text(&row.starts_at))));
        place.push(("f.id", statement.id(row.id)));
        let (columns, values): (Vec<_>, Vec<_>) = place.into_iter().unzip();
        wanted.push(format!("({}) > ({})", columns.join(", "), values.join(", ")));
    }
    load(conn, statement, &wanted, &format!("LIMIT {CHUNK}"))
}

/// The facts of some consultations, as far as they are held and in the period and the scope.
///
/// # Errors
/// When the database cannot be read.
pub fn facts_of(
    conn: &mut Conn,
    scope: &Scope,
    period: &FundingPeriod,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Fact>> {
    let mut statement = Statement::new(conn.backend());
    let Some(mut wanted) = held(&mut statement, scope, period) else { return Ok(HashMap::new()) };
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = ids.iter().map(|id| statement.id(Key(*id))).collect();
    wanted.push(format!("f.id IN ({})", places.join(", ")));
    let rows = load(conn, statement, &wanted, "")?;
    let keys: Vec<Key> = rows.iter().map(|row| row.id).collect();
    let mut lists = Lists::of(conn, &keys)?;
    rows.iter().map(|row| Ok((row.id.0, fact(row, &mut lists)?))).collect()
}

/// The facts of a consultation and of all others of some organisations, sorted as those of a report.
///
/// # Errors
/// When the database cannot be read.
pub fn facts_around(
    conn: &mut Conn,
    scope: &Scope,
    period: &FundingPeriod,
    consultation: Uuid,
    organisations: &BTreeSet<Uuid>,
) -> Result<Vec<Fact>> {
    let mut facts = Vec::new();
    for organisation in [None].into_iter().chain(organisations.iter().copied().map(Some)) {
        let mut statement = Statement::new(conn.backend());
        let Some(mut wanted) = held(&mut statement, scope, period) else { return Ok(facts) };
        match organisation {
            None => {
                wanted.push(format!("f.id = {}", statement.id(Key(consultation))));
                wanted.push("f.organisation_id IS NULL".to_owned());
            }
            Some(id) => wanted.push(format!("f.organisation_id = {}", statement.id(Key(id)))),
        }
        let rows = load(conn, statement, &wanted, "")?;
        let keys: Vec<Key> = rows.iter().map(|row| row.id).collect();
        let mut lists = Lists::of(conn, &keys)?;
        for row in rows {
            facts.push(fact(&row, &mut lists)?);
        }
    }
    Ok(facts)
}

/// What is held in a period and a scope, as SQL over `f`; none when the scope has nothing.
fn held(statement: &mut Statement, scope: &Scope, period: &FundingPeriod) -> Option<Vec<String>> {
    let still_wanted = still_wanted(statement.backend(), "f.minutes");
    let mut wanted = vec![
        format!("f.funding_period_id = {}", statement.id(Key(period.id.0))),
        format!("f.status = 'held' {still_wanted}"),
    ];
    match scope {
        Scope::Nothing => return None,
        Scope::Network => {}
        Scope::Carrier(carrier) => {
            wanted.push(format!("f.carrier_id = {}", statement.id(Key(carrier.0))));
        }
    }
    Some(wanted)
}

fn load(conn: &mut Conn, statement: Statement, wanted: &[String], limit: &str) -> Result<Vec<Row>> {
    let text = match statement.backend() {
        Backend::Postgres => "to_char(f.starts_at, 'HH24:MI:SS')",
        Backend::Sqlite => "f.starts_at",
    };
    let sql = format!(
        "SELECT f.id, c.version, f.organisation_id, f.organisation_kind, f.carrier_id, f.site_id,
            d.\"key\" AS district, f.held_on, {text} AS starts_at,
            CAST(f.minutes AS BIGINT) AS minutes,
            CAST(f.preparation_minutes AS BIGINT) AS preparation_minutes,
            f.short, f.channel, f.size_class, f.section, f.actor_type
        FROM consultation_facts f
        JOIN consultations c ON c.id = f.id
        LEFT JOIN districts d ON d.id = f.district_id
        WHERE {}
        ORDER BY f.organisation_id, f.held_on, f.starts_at, f.id
        {limit}",
        wanted.join(" AND ")
    );
    statement.load(conn, sql)
}

/// What a consultation has several of.
struct Lists {
    topics: HashMap<Key, BTreeSet<String>>,
    countries: HashMap<Key, BTreeSet<String>>,
    occupations: HashMap<Key, BTreeSet<String>>,
}

impl Lists {
    fn of(conn: &mut Conn, ids: &[Key]) -> Result<Self> {
        let topics: Vec<(Key, String)> = on_backend!(conn, c => consultation_topics::table
            .inner_join(topics::table.on(topics::id.eq(consultation_topics::topic_id)))
            .filter(among(consultation_topics::consultation_id, ids))
            .select((consultation_topics::consultation_id, topics::code))
            .load(c))
        .db()?;
        let countries: Vec<(Key, String)> = on_backend!(conn, c => consultation_countries::table
            .filter(among(consultation_countries::consultation_id, ids))
            .select((consultation_countries::consultation_id, consultation_countries::code))
            .load(c))
        .db()?;
        let occupations: Vec<(Key, String)> =
            on_backend!(conn, c => consultation_occupations::table
            .filter(among(consultation_occupations::consultation_id, ids))
            .select((consultation_occupations::consultation_id, consultation_occupations::code))
            .load(c))
            .db()?;
        // The table has each beginning of a code; main groups have two digits.
        let groups = occupations.into_iter().filter(|(_, code)| code.len() == 2);
        Ok(Self {
            topics: by_record(topics),
            countries: by_record(countries),
            occupations: by_record(groups),
        })
    }
}

fn by_record(codes: impl IntoIterator<Item = (Key, String)>) -> HashMap<Key, BTreeSet<String>> {
    let mut by_record: HashMap<Key, BTreeSet<String>> = HashMap::new();
    for (id, code) in codes {
        by_record.entry(id).or_default().insert(code);
    }
    by_record
}

fn fact(row: &Row, lists: &mut Lists) -> Result<Fact> {
    let starts_at = if row.starts_at.starts_with("24:00") {
        None
    } else {
        let parsed: chrono::ParseResult<NaiveTime> = row.starts_at.parse();
        Some(parsed.map_err(|error| Error::Internal(error.into()))?)
    };
    Ok(Fact {
        id: row.id.0,
        version: row.version,
        organisation: row.organisation_id.map(|id| id.0),
        organisation_kind: optional_code(row.organisation_kind.as_deref())?,
        carrier: row.carrier_id.0,
        site: row.site_id.0,
        district: row.district.clone(),
        held_on: row.held_on,
        starts_at,
        minutes: row.minutes,
        preparation_minutes: row.preparation_minutes,
        short: row.short,
        channel: code(&row.channel)?,
        size_class: row.size_class.clone(),
        section: row.section.clone(),
        actor_type: row.actor_type.clone(),
        topics: lists.topics.remove(&row.id).unwrap_or_default(),
        countries: lists.countries.remove(&row.id).unwrap_or_default(),
        occupations: lists.occupations.remove(&row.id).unwrap_or_default(),
    })
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Id>)]
    series_id: Option<Key>,
    #[diesel(sql_type = Id)]
    carrier_id: Key,
    #[diesel(sql_type = Id)]
    site_id: Key,
    #[diesel(sql_type = Date)]
    starts_on: NaiveDate,
}

/// The events of a window that were held: a few hundred a period.
///
/// # Errors
/// When the database cannot be read.
pub fn events(
    conn: &mut Conn,
    scope: &Scope,
    period: &FundingPeriod,
    window: Window,
) -> Result<Vec<EventFact>> {
    type Part = (Key, Option<Key>, Option<String>, i32);

    let mut statement = Statement::new(conn.backend());
    let of_period = statement.id(Key(period.id.0));
    let (from, to) = (statement.date(window.from), statement.date(window.to));
    let carrier = match scope {
        Scope::Nothing => return Ok(Vec::new()),
        Scope::Network => String::new(),
        Scope::Carrier(carrier) => {
            format!("AND f.carrier_id = {}", statement.id(Key(carrier.0)))
        }
    };
    let sql = format!(
        "SELECT f.id, e.version, f.kind, f.series_id, f.carrier_id, f.site_id, f.starts_on
        FROM event_facts f JOIN events e ON e.id = f.id
        WHERE f.funding_period_id = {of_period} AND f.starts_on BETWEEN {from} AND {to} {carrier}
        ORDER BY f.id"
    );
    let rows: Vec<EventRow> = statement.load(conn, sql)?;
    let ids: Vec<Key> = rows.iter().map(|row| row.id).collect();
    let of_districts: Vec<(Key, String)> = on_backend!(conn, c => event_districts::table
        .inner_join(districts::table.on(districts::id.eq(event_districts::district_id)))
        .filter(among(event_districts::event_id, &ids))
        .select((event_districts::event_id, districts::key))
        .load(c))
    .db()?;
    let of_topics: Vec<(Key, String)> = on_backend!(conn, c => event_topics::table
        .inner_join(topics::table.on(topics::id.eq(event_topics::topic_id)))
        .filter(among(event_topics::event_id, &ids))
        .select((event_topics::event_id, topics::code))
        .load(c))
    .db()?;
    let parts: Vec<Part> = on_backend!(conn, c => event_participations::table
        .left_join(organisations::table.on(
            event_participations::organisation_id.eq(organisations::id.nullable()),
        ))
        .filter(among(event_participations::event_id, &ids))
        .filter(event_participations::role.eq("participant"))
        .filter(
            event_participations::status
                .eq("attended")
                .or(event_participations::status.eq("walk_in")),
        )
        .select((
            event_participations::event_id,
            event_participations::organisation_id,
            organisations::kind.nullable(),
            event_participations::headcount,
        ))
        .load(c))
    .db()?;
    let (mut of_districts, mut of_topics) = (by_record(of_districts), by_record(of_topics));
    let mut heads: HashMap<Key, Vec<Heads>> = HashMap::new();
    for (event, organisation, kind, count) in parts {
        heads.entry(event).or_default().push(Heads {
            organisation: organisation.map(|id| id.0),
            organisation_kind: optional_code(kind.as_deref())?,
            heads: i64::from(count),
        });
    }
    rows.into_iter()
        .map(|row| {
            let mut heads = heads.remove(&row.id).unwrap_or_default();
            heads.sort_unstable();
            Ok(EventFact {
                id: row.id.0,
                version: row.version,
                kind: code(&row.kind)?,
                series: row.series_id.map(|id| id.0),
                carrier: row.carrier_id.0,
                site: row.site_id.0,
                starts_on: row.starts_on,
                districts: of_districts.remove(&row.id).unwrap_or_default(),
                topics: of_topics.remove(&row.id).unwrap_or_default(),
                heads,
            })
        })
        .collect()
}

/// Titles of events, by id.
///
/// # Errors
/// When the database cannot be read.
pub fn titles_of(conn: &mut Conn, scope: &Scope, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    if *scope == Scope::Nothing {
        return Ok(HashMap::new());
    }
    let keys: Vec<Key> = ids.iter().map(|id| Key(*id)).collect();
    let mut query = events::table.select((events::id, events::title)).into_boxed();
    if let Scope::Carrier(carrier) = scope {
        query = query.filter(events::carrier_id.eq(Key(carrier.0)));
    }
    let found: Vec<(Key, String)> = query.filter(events::id.eq_any(keys)).load(conn).db()?;
    Ok(found.into_iter().map(|(id, title)| (id.0, title)).collect())
}
