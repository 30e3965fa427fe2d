//! Bulk changes. Their records and what came of them are in `row`.

use std::collections::HashMap;

use diesel::prelude::*;
use lotse_domain::bulk_change::{
    BulkChange, BulkChangeFilter, BulkCounts, BulkTarget, SelectedRecord,
};
use lotse_domain::code::Code;
use lotse_domain::id::{BulkChangeId, JobId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};
use serde_json::Value;
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, document, of_document};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::{bulk_changes, consultations, contacts, organisations, referrals, tasks};
use crate::sql_types::{At, Document, Key};

pub mod row;

#[derive(Queryable, Insertable)]
#[diesel(table_name = bulk_changes)]
struct Row {
    id: Key,
    carrier_id: Key,
    recorded_by: Key,
    target: String,
    filter: Option<Document>,
    change: Document,
    status: String,
    job_id: Option<Key>,
    selected: i64,
    changed: i64,
    unchanged: i64,
    changed_since: i64,
    refused: i64,
    not_found: i64,
    version: i64,
    created_at: At,
    updated_at: At,
}

fn entity(row: Row, names: &Names) -> Result<BulkChange> {
    Ok(BulkChange {
        id: BulkChangeId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        recorded_by: names.reference(row.recorded_by)?,
        target: code(&row.target)?,
        filter: row.filter.map(of_document).transpose()?,
        change: of_document(row.change)?,
        status: code(&row.status)?,
        job_id: row.job_id.map(|id| JobId(id.0)),
        selected: row.selected,
        counts: BulkCounts {
            changed: row.changed,
            unchanged: row.unchanged,
            changed_since: row.changed_since,
            refused: row.refused,
            not_found: row.not_found,
        },
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such bulk change in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: BulkChangeId) -> Result<BulkChange> {
    let not_found = Error::NotFound("bulk change");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let row: Option<Row> = bulk_changes::table
        .find(Key(id.0))
        .filter(bulk_changes::carrier_id.eq(carrier))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(not_found)
}

/// The latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &BulkChangeFilter,
    paging: &Paging,
) -> Result<Page<BulkChange>> {
    let key = |bulk: &BulkChange| (String::new(), bulk.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query =
            bulk_changes::table.filter(bulk_changes::carrier_id.eq(carrier)).into_boxed();
        if let Some(target) = filter.target {
            query = query.filter(bulk_changes::target.eq(target.code()));
        }
        if let Some(status) = filter.status {
            query = query.filter(bulk_changes::status.eq(status.code()));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(bulk_changes::id.lt(Key(after.id)));
    }
    let page = page.order(bulk_changes::id.desc()).select(bulk_changes::all_columns);
    let rows: Vec<Row> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, key)
}

/// With its records.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, bulk: &BulkChange, records: &[SelectedRecord]) -> Result<()> {
    let row = Row {
        id: Key(bulk.id.0),
        carrier_id: Key(bulk.carrier.id),
        recorded_by: Key(bulk.recorded_by.id),
        target: bulk.target.code().to_owned(),
        filter: bulk.filter.clone().map(|filter| Document(Value::Object(filter))),
        change: document(&bulk.change)?,
        status: bulk.status.code().to_owned(),
        job_id: None,
        selected: bulk.selected,
        changed: 0,
        unchanged: 0,
        changed_since: 0,
        refused: 0,
        not_found: 0,
        version: bulk.version,
        created_at: At(bulk.created_at),
        updated_at: At(bulk.updated_at),
    };
    diesel::insert_into(bulk_changes::table).values(row).execute(conn).db()?;
    row::insert_all(conn, bulk.id, records)
}

/// Without the counts, which [`add_counts`] keeps.
///
/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, bulk: &BulkChange) -> Result<()> {
    let changed = diesel::update(bulk_changes::table.find(Key(bulk.id.0)))
        .filter(bulk_changes::version.eq(bulk.version - 1))
        .set((
            bulk_changes::status.eq(bulk.status.code()),
            bulk_changes::job_id.eq(bulk.job_id.map(|id| Key(id.0))),
            bulk_changes::version.eq(bulk.version),
            bulk_changes::updated_at.eq(At(bulk.updated_at)),
        ))
        .execute(conn)
        .db()?;
    one_row(changed, bulk.version)
}

/// # Errors
/// When the database cannot be written.
pub fn add_counts(conn: &mut Conn, id: BulkChangeId, more: &BulkCounts) -> Result<()> {
    diesel::update(bulk_changes::table.find(Key(id.0)))
        .set((
            bulk_changes::changed.eq(bulk_changes::changed + more.changed),
            bulk_changes::unchanged.eq(bulk_changes::unchanged + more.unchanged),
            bulk_changes::changed_since.eq(bulk_changes::changed_since + more.changed_since),
            bulk_changes::refused.eq(bulk_changes::refused + more.refused),
            bulk_changes::not_found.eq(bulk_changes::not_found + more.not_found),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

/// The records that ids name, with the versions of those that there are in the scope.
///
/// # Errors
/// When the database cannot be read.
pub fn with_versions(
    conn: &mut Conn,
    scope: &Scope,
    target: BulkTarget,
    ids: &[Uuid],
) -> Result<Vec<SelectedRecord>> {
    let keys: Vec<Key> = ids.iter().map(|id| Key(*id)).collect();
    let found = versions(conn, scope, target, &keys)?;
    let versions: HashMap<Key, i64> = found.into_iter().collect();
    let record = |id: &Uuid| SelectedRecord { id: *id, version: versions.get(&Key(*id)).copied() };
    Ok(ids.iter().map(record).collect())
}

fn versions(
    conn: &mut Conn,
    scope: &Scope,
    target: BulkTarget,
    ids: &[Key],
) -> Result<Vec<(Key, i64)>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    match target {
        BulkTarget::Companies => of_organisations(conn, OrganisationKind::Company, ids),
        BulkTarget::Actors => of_organisations(conn, OrganisationKind::Actor, ids),
        BulkTarget::Contacts => on_backend!(conn, c => contacts::table
            .filter(among(contacts::id, ids))
            .filter(contacts::carrier_id.eq(carrier))
            .select((contacts::id, contacts::version))
            .load(c))
        .db(),
        BulkTarget::Consultations => on_backend!(conn, c => consultations::table
            .filter(among(consultations::id, ids))
            .filter(consultations::carrier_id.eq(carrier))
            .select((consultations::id, consultations::version))
            .load(c))
        .db(),
        BulkTarget::Tasks => on_backend!(conn, c => tasks::table
            .filter(among(tasks::id, ids))
            .filter(tasks::carrier_id.eq(carrier))
            .select((tasks::id, tasks::version))
            .load(c))
        .db(),
        BulkTarget::Referrals => on_backend!(conn, c => referrals::table
            .filter(among(referrals::id, ids))
            .filter(referrals::carrier_id.eq(carrier))
            .select((referrals::id, referrals::version))
            .load(c))
        .db(),
    }
}

/// The network shares them.
fn of_organisations(
    conn: &mut Conn,
    kind: OrganisationKind,
    ids: &[Key],
) -> Result<Vec<(Key, i64)>> {
    on_backend!(conn, c => organisations::table
        .filter(among(organisations::id, ids))
        .filter(organisations::kind.eq(kind.code()))
        .select((organisations::id, organisations::version))
        .load(c))
    .db()
}
