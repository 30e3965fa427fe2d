use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::id::ImportProfileId;
use lotse_domain::import_profile::{ImportProfile, ImportProfileFilter};
use lotse_domain::name::fold;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::{archived, carrier_of, code, document, of_document};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::import_profiles;
use crate::sql_types::{At, Document, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = import_profiles, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    recorded_by: Key,
    name: String,
    name_key: String,
    target: String,
    settings: Document,
    archived_at: Option<At>,
    archive_reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

fn row(profile: &ImportProfile) -> Result<Row> {
    Ok(Row {
        id: Key(profile.id.0),
        carrier_id: Key(profile.carrier.id),
        recorded_by: Key(profile.recorded_by.id),
        name: profile.name.clone(),
        name_key: fold(&profile.name),
        target: profile.target.code().to_owned(),
        settings: document(&profile.settings)?,
        archived_at: profile.archived.as_ref().map(|archived| At(archived.at)),
        archive_reason: profile.archived.as_ref().map(|archived| archived.reason.clone()),
        version: profile.version,
        created_at: At(profile.created_at),
        updated_at: At(profile.updated_at),
    })
}

fn entity(row: Row, names: &Names) -> Result<ImportProfile> {
    Ok(ImportProfile {
        id: ImportProfileId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        recorded_by: names.reference(row.recorded_by)?,
        name: row.name,
        target: code(&row.target)?,
        settings: of_document(row.settings)?,
        archived: archived(row.archived_at, row.archive_reason),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such profile in the scope.
pub fn find(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    id: ImportProfileId,
) -> Result<ImportProfile> {
    let not_found = Error::NotFound("import profile");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let row: Option<Row> = import_profiles::table
        .find(Key(id.0))
        .filter(import_profiles::carrier_id.eq(carrier))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(not_found)
}

/// By name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &ImportProfileFilter,
    paging: &Paging,
) -> Result<Page<ImportProfile>> {
    let key = |profile: &ImportProfile| (fold(&profile.name), profile.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query =
            import_profiles::table.filter(import_profiles::carrier_id.eq(carrier)).into_boxed();
        if let Some(target) = filter.target {
            query = query.filter(import_profiles::target.eq(target.code()));
        }
        if !filter.archived.unwrap_or(false) {
            query = query.filter(import_profiles::archived_at.is_null());
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(import_profiles::name_key.ge(&after.key)).filter(
            import_profiles::name_key.gt(&after.key).or(import_profiles::id.gt(Key(after.id))),
        );
    }
    let page = page.order((import_profiles::name_key, import_profiles::id));
    let page = page.select(import_profiles::all_columns);
    let rows: Vec<Row> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, key)
}

/// # Errors
/// `Conflict` when the carrier has another of this name.
pub fn insert(conn: &mut Conn, profile: &ImportProfile) -> Result<()> {
    diesel::insert_into(import_profiles::table).values(row(profile)?).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the carrier has another of this name.
pub fn update(conn: &mut Conn, profile: &ImportProfile) -> Result<()> {
    let changed = diesel::update(import_profiles::table.find(Key(profile.id.0)))
        .filter(import_profiles::version.eq(profile.version - 1))
        .set(row(profile)?)
        .execute(conn)
        .db()?;
    one_row(changed, profile.version)
}
