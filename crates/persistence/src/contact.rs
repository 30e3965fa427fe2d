use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::contact::{Contact, ContactFilter};
use lotse_domain::entity::Reference;
use lotse_domain::id::{ContactId, OrganisationId};
use lotse_domain::name::fold;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::participation::ContactFacts;
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{archived, carrier_of, code};
use crate::error::{DbResult, one_row};
use crate::schema::{carriers, contacts, organisations};
use crate::search;
use crate::sql_types::{At, Document, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = contacts, treat_none_as_null = true)]
struct Row {
    id: Key,
    organisation_id: Key,
    carrier_id: Key,
    name: String,
    name_key: String,
    function: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    language: Option<String>,
    purposes: Document,
    valid_until: Option<NaiveDate>,
    archived_at: Option<At>,
    archive_reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

fn row(contact: &Contact) -> Result<Row> {
    Ok(Row {
        id: Key(contact.id.0),
        organisation_id: Key(contact.organisation.id.0),
        carrier_id: Key(contact.carrier.id),
        name: contact.name.clone(),
        name_key: fold(&contact.name),
        function: contact.function.clone(),
        email: contact.email.clone(),
        phone: contact.phone.clone(),
        mobile: contact.mobile.clone(),
        language: contact.language.clone(),
        purposes: serde_json::to_value(&contact.purposes)
            .map(Document)
            .map_err(|error| Error::Internal(error.into()))?,
        valid_until: contact.valid_until,
        archived_at: contact.archived.as_ref().map(|archived| At(archived.at)),
        archive_reason: contact.archived.as_ref().map(|archived| archived.reason.clone()),
        version: contact.version,
        created_at: At(contact.created_at),
        updated_at: At(contact.updated_at),
    })
}

type Found = (Row, String, String, String);

fn entity((row, organisation_name, organisation_kind, carrier_name): Found) -> Result<Contact> {
    Ok(Contact {
        id: ContactId(row.id.0),
        organisation: OrganisationReference {
            id: OrganisationId(row.organisation_id.0),
            name: organisation_name,
            kind: code(&organisation_kind)?,
        },
        carrier: Reference { id: row.carrier_id.0, name: carrier_name },
        name: row.name,
        function: row.function,
        email: row.email,
        phone: row.phone,
        mobile: row.mobile,
        language: row.language,
        purposes: serde_json::from_value(row.purposes.0)
            .map_err(|error| Error::Internal(error.into()))?,
        valid_until: row.valid_until,
        archived: archived(row.archived_at, row.archive_reason),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such contact in the scope.
pub fn find(conn: &mut Conn, scope: &Scope, id: ContactId) -> Result<Contact> {
    let carrier = carrier_of(scope).ok_or(Error::NotFound("contact"))?;
    let found: Option<Found> = contacts::table
        .inner_join(organisations::table)
        .inner_join(carriers::table)
        .filter(contacts::id.eq(Key(id.0)))
        .filter(contacts::carrier_id.eq(carrier))
        .select((contacts::all_columns, organisations::name, organisations::kind, carriers::name))
        .first(conn)
        .optional()
        .db()?;
    found.map(entity).transpose()?.ok_or(Error::NotFound("contact"))
}

/// Those of an organisation, by name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    scope: &Scope,
    organisation: OrganisationId,
    filter: &ContactFilter,
    paging: &Paging,
) -> Result<Page<Contact>> {
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query = contacts::table
            .inner_join(organisations::table)
            .inner_join(carriers::table)
            .filter(contacts::organisation_id.eq(Key(organisation.0)))
            .filter(contacts::carrier_id.eq(carrier))
            .into_boxed();
        if !filter.archived.unwrap_or(false) {
            query = query.filter(contacts::archived_at.is_null());
        }
        query
    };
    let mut query = matching();
    if let Some(after) = &paging.after {
        query = query.filter(
            contacts::name_key
                .gt(&after.key)
                .or(contacts::name_key.eq(&after.key).and(contacts::id.gt(Key(after.id)))),
        );
    }
    let found: Vec<Found> = query
        .order((contacts::name_key, contacts::id))
        .limit(paging.fetch())
        .select((contacts::all_columns, organisations::name, organisations::kind, carriers::name))
        .load(conn)
        .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let contacts = found.into_iter().map(entity).collect::<Result<_>>()?;
    paging.page(contacts, total, key)
}

fn key(contact: &Contact) -> (String, Uuid) {
    (fold(&contact.name), contact.id.0)
}

/// Those of the ids that are contacts of the organisation in the scope.
///
/// # Errors
/// When the database cannot be read.
pub fn of_organisation(
    conn: &mut Conn,
    scope: &Scope,
    organisation: OrganisationId,
    ids: &[ContactId],
) -> Result<Vec<Reference>> {
    let Some(carrier) = carrier_of(scope).filter(|_| !ids.is_empty()) else {
        return Ok(Vec::new());
    };
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let found: Vec<(Key, String)> = on_backend!(conn, c => contacts::table
        .filter(among(contacts::id, &ids))
        .filter(contacts::organisation_id.eq(Key(organisation.0)))
        .filter(contacts::carrier_id.eq(carrier))
        .select((contacts::id, contacts::name))
        .load(c))
    .db()?;
    Ok(found.into_iter().map(|(id, name)| Reference { id: id.0, name }).collect())
}

/// The one of this name at the organisation in the scope that is not archived; the first recorded
/// where there are several.
///
/// # Errors
/// When the database cannot be read.
pub fn of_name(
    conn: &mut Conn,
    scope: &Scope,
    organisation: OrganisationId,
    name: &str,
) -> Result<Option<ContactId>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(None) };
    let found: Option<Key> = contacts::table
        .filter(contacts::organisation_id.eq(Key(organisation.0)))
        .filter(contacts::carrier_id.eq(carrier))
        .filter(contacts::name_key.eq(fold(name)))
        .filter(contacts::archived_at.is_null())
        .order(contacts::id)
        .select(contacts::id)
        .first(conn)
        .optional()
        .db()?;
    Ok(found.map(|id| ContactId(id.0)))
}

/// Those of the ids that are contacts in the scope, of whatever organisation.
///
/// # Errors
/// When the database cannot be read.
pub fn facts_among(conn: &mut Conn, scope: &Scope, ids: &[ContactId]) -> Result<Vec<ContactFacts>> {
    let Some(carrier) = carrier_of(scope).filter(|_| !ids.is_empty()) else {
        return Ok(Vec::new());
    };
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let found: Vec<(Key, String, Key)> = on_backend!(conn, c => contacts::table
        .filter(among(contacts::id, &ids))
        .filter(contacts::carrier_id.eq(carrier))
        .select((contacts::id, contacts::name, contacts::organisation_id))
        .load(c))
    .db()?;
    Ok(found
        .into_iter()
        .map(|(id, name, organisation)| ContactFacts {
            reference: Reference { id: id.0, name },
            organisation_id: OrganisationId(organisation.0),
        })
        .collect())
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, contact: &Contact) -> Result<()> {
    diesel::insert_into(contacts::table).values(row(contact)?).execute(conn).db()?;
    search::enter(conn, &contact.into(), Some(Key(contact.carrier.id)))
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, contact: &Contact) -> Result<()> {
    let changed = diesel::update(contacts::table.find(Key(contact.id.0)))
        .filter(contacts::version.eq(contact.version - 1))
        .set(row(contact)?)
        .execute(conn)
        .db()?;
    one_row(changed, contact.version)?;
    search::keep(conn, &contact.into(), Some(Key(contact.carrier.id)))
}
