use diesel::prelude::*;
use lotse_domain::id::{ConsultationId, OrganisationId, TagId};
use lotse_domain::name::fold;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::tag::{Tag, TagFilter, TagReference};
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{archived, carrier_of};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::{consultation_tags, organisation_tags, organisations, tags};
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = tags, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    name: String,
    name_key: String,
    colour: Option<String>,
    archived_at: Option<At>,
    archive_reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Tag> for Row {
    fn from(tag: &Tag) -> Self {
        Self {
            id: Key(tag.id.0),
            carrier_id: Key(tag.carrier.id),
            name: tag.name.clone(),
            name_key: fold(&tag.name),
            colour: tag.colour.clone(),
            archived_at: tag.archived.as_ref().map(|archived| At(archived.at)),
            archive_reason: tag.archived.as_ref().map(|archived| archived.reason.clone()),
            version: tag.version,
            created_at: At(tag.created_at),
            updated_at: At(tag.updated_at),
        }
    }
}

fn entity(row: Row, names: &Names) -> Result<Tag> {
    Ok(Tag {
        id: TagId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        name: row.name,
        colour: row.colour,
        archived: archived(row.archived_at, row.archive_reason),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such tag in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: TagId) -> Result<Tag> {
    with_ids(conn, names, scope, &[id])?.pop().ok_or(Error::NotFound("tag"))
}

/// Those of the ids that are tags in the scope.
///
/// # Errors
/// When the database cannot be read.
pub fn with_ids(conn: &mut Conn, names: &Names, scope: &Scope, ids: &[TagId]) -> Result<Vec<Tag>> {
    let Some(carrier) = carrier_of(scope).filter(|_| !ids.is_empty()) else {
        return Ok(Vec::new());
    };
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let rows: Vec<Row> = on_backend!(conn, c => tags::table
        .filter(among(tags::id, &ids))
        .filter(tags::carrier_id.eq(carrier))
        .load(c))
    .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// By name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &TagFilter,
    paging: &Paging,
) -> Result<Page<Tag>> {
    let key = |tag: &Tag| (fold(&tag.name), tag.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query = tags::table.filter(tags::carrier_id.eq(carrier)).into_boxed();
        if !filter.archived.unwrap_or(false) {
            query = query.filter(tags::archived_at.is_null());
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page
            .filter(tags::name_key.ge(&after.key))
            .filter(tags::name_key.gt(&after.key).or(tags::id.gt(Key(after.id))));
    }
    let rows: Vec<Row> =
        first(paging, page.order((tags::name_key, tags::id)).select(tags::all_columns))
            .load(conn)
            .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, key)
}

/// # Errors
/// `Conflict` when the name is taken.
pub fn insert(conn: &mut Conn, tag: &Tag) -> Result<()> {
    diesel::insert_into(tags::table).values(Row::from(tag)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the name is taken.
pub fn update(conn: &mut Conn, tag: &Tag) -> Result<()> {
    let changed = diesel::update(tags::table.find(Key(tag.id.0)))
        .filter(tags::version.eq(tag.version - 1))
        .set(Row::from(tag))
        .execute(conn)
        .db()?;
    one_row(changed, tag.version)
}

/// The tags that the scope's carrier gave an organisation, by name.
///
/// # Errors
/// When the database cannot be read.
pub fn of_organisation(
    conn: &mut Conn,
    scope: &Scope,
    organisation: OrganisationId,
) -> Result<Vec<TagReference>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let found: Vec<(Key, String, Option<String>)> = organisation_tags::table
        .inner_join(tags::table)
        .filter(organisation_tags::carrier_id.eq(carrier))
        .filter(organisation_tags::organisation_id.eq(Key(organisation.0)))
        .order((tags::name_key, tags::id))
        .select((tags::id, tags::name, tags::colour))
        .load(conn)
        .db()?;
    Ok(found.into_iter().map(reference).collect())
}

/// The tags that the scope's carrier gave a consultation, by name.
///
/// # Errors
/// When the database cannot be read.
pub fn of_consultation(
    conn: &mut Conn,
    scope: &Scope,
    consultation: ConsultationId,
) -> Result<Vec<TagReference>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let found: Vec<(Key, String, Option<String>)> = consultation_tags::table
        .inner_join(tags::table)
        .filter(consultation_tags::carrier_id.eq(carrier))
        .filter(consultation_tags::consultation_id.eq(Key(consultation.0)))
        .order((tags::name_key, tags::id))
        .select((tags::id, tags::name, tags::colour))
        .load(conn)
        .db()?;
    Ok(found.into_iter().map(reference).collect())
}

fn reference((id, name, colour): (Key, String, Option<String>)) -> TagReference {
    TagReference { id: TagId(id.0), name, colour }
}

/// Has others who set tags of the organisation wait until this transaction ends: the set has no version.
///
/// # Errors
/// When the database cannot be read.
pub fn hold_organisation(conn: &mut Conn, organisation: OrganisationId) -> Result<()> {
    match conn {
        Conn::Postgres(conn) => {
            // Not against those who refer to the organisation.
            let held: Option<Key> = organisations::table
                .find(Key(organisation.0))
                .select(organisations::id)
                .for_no_key_update()
                .first(conn)
                .optional()
                .db()?;
            held.map(drop).ok_or(Error::NotFound("organisation"))
        }
        // The only writer holds everything.
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Gives an organisation these tags of the scope's carrier in place of those before.
///
/// # Errors
/// When the database cannot be written.
pub fn set_of_organisation(
    conn: &mut Conn,
    scope: &Scope,
    organisation: OrganisationId,
    tags: &[TagReference],
) -> Result<()> {
    let Some(carrier) = carrier_of(scope) else { return Err(Error::NotFound("tag")) };
    let organisation = Key(organisation.0);
    diesel::delete(
        organisation_tags::table
            .filter(organisation_tags::carrier_id.eq(carrier))
            .filter(organisation_tags::organisation_id.eq(organisation)),
    )
    .execute(conn)
    .db()?;
    for tag in tags {
        diesel::insert_into(organisation_tags::table)
            .values((
                organisation_tags::carrier_id.eq(carrier),
                organisation_tags::organisation_id.eq(organisation),
                organisation_tags::tag_id.eq(Key(tag.id.0)),
            ))
            .execute(conn)
            .db()?;
    }
    Ok(())
}

/// Gives a consultation these tags of the scope's carrier in place of those before.
///
/// # Errors
/// When the database cannot be written.
pub fn set_of_consultation(
    conn: &mut Conn,
    scope: &Scope,
    consultation: ConsultationId,
    tags: &[TagReference],
) -> Result<()> {
    let Some(carrier) = carrier_of(scope) else { return Err(Error::NotFound("tag")) };
    let consultation = Key(consultation.0);
    diesel::delete(
        consultation_tags::table
            .filter(consultation_tags::carrier_id.eq(carrier))
            .filter(consultation_tags::consultation_id.eq(consultation)),
    )
    .execute(conn)
    .db()?;
    for tag in tags {
        diesel::insert_into(consultation_tags::table)
            .values((
                consultation_tags::carrier_id.eq(carrier),
                consultation_tags::consultation_id.eq(consultation),
                consultation_tags::tag_id.eq(Key(tag.id.0)),
            ))
            .execute(conn)
            .db()?;
    }
    Ok(())
}
