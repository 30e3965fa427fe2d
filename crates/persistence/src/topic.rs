use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::id::TopicId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::topic::{Topic, TopicFilter};
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::code;
use crate::error::{DbResult, one_row};
use crate::schema::topics;
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = topics, treat_none_as_null = true)]
struct Row {
    id: Key,
    code: String,
    topic_group: String,
    legal_basis: Option<String>,
    label_de: String,
    label_en: String,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    replaced_by_id: Option<Key>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Topic> for Row {
    fn from(topic: &Topic) -> Self {
        Self {
            id: Key(topic.id.0),
            code: topic.code.clone(),
            topic_group: topic.group.code().to_owned(),
            legal_basis: topic.legal_basis.clone(),
            label_de: topic.label_de.clone(),
            label_en: topic.label_en.clone(),
            valid_from: topic.valid_from,
            valid_to: topic.valid_to,
            replaced_by_id: topic.replaced_by_id.map(|id| Key(id.0)),
            version: topic.version,
            created_at: At(topic.created_at),
            updated_at: At(topic.updated_at),
        }
    }
}

fn entity(row: Row) -> Result<Topic> {
    Ok(Topic {
        id: TopicId(row.id.0),
        code: row.code,
        group: code(&row.topic_group)?,
        legal_basis: row.legal_basis,
        label_de: row.label_de,
        label_en: row.label_en,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        replaced_by_id: row.replaced_by_id.map(|id| TopicId(id.0)),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such topic.
pub fn find(conn: &mut Conn, id: TopicId) -> Result<Topic> {
    let row: Option<Row> = topics::table.find(Key(id.0)).first(conn).optional().db()?;
    row.map(entity).transpose()?.ok_or(Error::NotFound("topic"))
}

/// Those of the codes that exist.
///
/// # Errors
/// When the database cannot be read.
pub fn with_codes(conn: &mut Conn, codes: &[String]) -> Result<Vec<Topic>> {
    let rows: Vec<Row> =
        on_backend!(conn, c => topics::table.filter(topics::code.eq_any(codes)).load(c)).db()?;
    rows.into_iter().map(entity).collect()
}

/// By code.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn, filter: &TopicFilter, paging: &Paging) -> Result<Page<Topic>> {
    let matching = || {
        let mut query = topics::table.into_boxed();
        if let Some(group) = filter.group {
            query = query.filter(topics::topic_group.eq(group.code()));
        }
        if let Some(on) = filter.on {
            query = query
                .filter(topics::valid_from.le(on))
                .filter(topics::valid_to.is_null().or(topics::valid_to.ge(on)));
        }
        query
    };
    let mut query = matching();
    if let Some(after) = &paging.after {
        query = query.filter(topics::code.gt(&after.key));
    }
    let rows: Vec<Row> = query.order(topics::code).limit(paging.fetch()).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let topics = rows.into_iter().map(entity).collect::<Result<_>>()?;
    paging.page(topics, total, |topic: &Topic| (topic.code.clone(), topic.id.0))
}

/// Has others who say what replaces a topic wait until this transaction ends: chains go over many topics.
/// Those who log with a topic do not wait.
///
/// # Errors
/// When the database cannot be read.
pub fn hold_chains(conn: &mut Conn) -> Result<()> {
    if let Conn::Postgres(conn) = conn {
        let all = topics::table.select(topics::id).order(topics::id);
        all.for_no_key_update().load::<Key>(conn).db()?;
    }
    Ok(())
}

/// # Errors
/// `Conflict` when the code is taken.
pub fn insert(conn: &mut Conn, topic: &Topic) -> Result<()> {
    diesel::insert_into(topics::table).values(Row::from(topic)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, topic: &Topic) -> Result<()> {
    let changed = diesel::update(topics::table.find(Key(topic.id.0)))
        .filter(topics::version.eq(topic.version - 1))
        .set(Row::from(topic))
        .execute(conn)
        .db()?;
    one_row(changed, topic.version)
}
