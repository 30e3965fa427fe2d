//! The audit log: written with every change, read as history of a record and as a whole.

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use lotse_domain::audit::{AuditAction, AuditEntry, AuditFilter, FieldChange, HistoryEntry};
use lotse_domain::code::Code;
use lotse_domain::entity::EntityKind;
use lotse_domain::id::{AuditId, CarrierId, SessionId, UserId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::time::start_of;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::connection::Conn;
use crate::convert::{code, reference};
use crate::error::DbResult;
use crate::names::Names;
use crate::page::first;
use crate::schema::{audit_log, users};
use crate::sql_types::{At, Document, Key};

/// One entry to write.
#[derive(Debug)]
pub struct Entry<'a> {
    pub id: AuditId,
    pub at: DateTime<Utc>,
    /// None for the operator at the console.
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    /// The prefix of the secret that it was done with.
    pub api_key: Option<&'a str>,
    pub request_id: &'a str,
    pub action: AuditAction,
    pub kind: EntityKind,
    pub entity_id: Uuid,
    pub entity_version: i64,
    pub carrier: Option<CarrierId>,
    pub changes: Vec<FieldChange>,
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, entry: &Entry) -> Result<()> {
    let changes =
        serde_json::to_value(&entry.changes).map_err(|error| Error::Internal(error.into()))?;
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::id.eq(Key(entry.id.0)),
            audit_log::at.eq(At(entry.at)),
            audit_log::user_id.eq(entry.user.map(|id| Key(id.0))),
            audit_log::session_id.eq(entry.session.map(|id| Key(id.0))),
            audit_log::api_key.eq(entry.api_key),
            audit_log::request_id.eq(entry.request_id),
            audit_log::action.eq(entry.action.code()),
            audit_log::entity_kind.eq(entry.kind.code()),
            audit_log::entity_id.eq(Key(entry.entity_id)),
            audit_log::entity_version.eq(entry.entity_version),
            audit_log::carrier_id.eq(entry.carrier.map(|id| Key(id.0))),
            audit_log::changes.eq(Document(changes)),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}

/// The log, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    filter: &AuditFilter,
    paging: &Paging,
) -> Result<Page<AuditEntry>> {
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = audit_log)]
    struct Found {
        id: Key,
        at: At,
        user_id: Option<Key>,
        session_id: Option<Key>,
        api_key: Option<String>,
        request_id: String,
        action: String,
        entity_kind: String,
        entity_id: Key,
        entity_version: i64,
        carrier_id: Option<Key>,
        changes: Document,
    }

    let matching = || {
        let mut query = audit_log::table.into_boxed();
        if let Some(user) = filter.user_id {
            query = query.filter(audit_log::user_id.eq(Some(Key(user.0))));
        }
        if let Some(action) = filter.action {
            query = query.filter(audit_log::action.eq(action.code()));
        }
        if let Some(kind) = filter.entity_kind {
            query = query.filter(audit_log::entity_kind.eq(kind.code()));
        }
        if let Some(id) = filter.entity_id {
            query = query.filter(audit_log::entity_id.eq(Key(id)));
        }
        if let Some(carrier) = filter.carrier_id {
            query = query.filter(audit_log::carrier_id.eq(Some(Key(carrier.0))));
        }
        if let Some(request) = &filter.request_id {
            query = query.filter(audit_log::request_id.eq(request));
        }
        if let Some(from) = filter.from {
            query = query.filter(audit_log::at.ge(At(start_of(from))));
        }
        if let Some(after) = filter.to.and_then(|to| to.succ_opt()) {
            query = query.filter(audit_log::at.lt(At(start_of(after))));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        let at: DateTime<Utc> = after.parse()?;
        page = page
            .filter(audit_log::at.le(At(at)))
            .filter(audit_log::at.lt(At(at)).or(audit_log::id.lt(Key(after.id))));
    }
    let page = page.order((audit_log::at.desc(), audit_log::id.desc()));
    let rows: Vec<Found> = first(paging, page.select(Found::as_select())).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let entries = rows
        .into_iter()
        .map(|found| {
            Ok(AuditEntry {
                id: AuditId(found.id.0),
                at: found.at.0,
                action: code(&found.action)?,
                by: found.user_id.map(|id| names.reference(id)).transpose()?,
                session_id: found.session_id.map(|id| SessionId(id.0)),
                api_key: found.api_key,
                request_id: found.request_id,
                entity_kind: code(&found.entity_kind)?,
                entity_id: found.entity_id.0,
                entity_version: found.entity_version,
                carrier: found.carrier_id.map(|id| names.reference(id)).transpose()?,
                changes: Some(changes(found.changes)?),
            })
        })
        .collect::<Result<_>>()?;
    paging.page(entries, total, |entry: &AuditEntry| {
        (entry.at.to_rfc3339_opts(SecondsFormat::Micros, true), entry.id.0)
    })
}

fn changes(stored: Document) -> Result<Vec<FieldChange>> {
    serde_json::from_value(stored.0).map_err(|error| Error::Internal(error.into()))
}

/// The history of one record, the latest first. The caller has read the record: its scope was
/// checked there.
///
/// # Errors
/// When the database cannot be read.
pub fn history(conn: &mut Conn, entity_id: Uuid, paging: &Paging) -> Result<Page<HistoryEntry>> {
    #[derive(Queryable)]
    struct Found {
        id: Key,
        at: At,
        action: String,
        user_id: Option<Key>,
        user_name: Option<String>,
        entity_version: i64,
        changes: Document,
    }

    let mut query = audit_log::table
        .left_join(users::table)
        .filter(audit_log::entity_id.eq(Key(entity_id)))
        .into_boxed();
    if let Some(after) = &paging.after {
        query = query.filter(audit_log::id.lt(Key(after.id)));
    }
    let rows: Vec<Found> = query
        .order(audit_log::id.desc())
        .limit(paging.fetch())
        .select((
            audit_log::id,
            audit_log::at,
            audit_log::action,
            audit_log::user_id,
            users::name.nullable(),
            audit_log::entity_version,
            audit_log::changes,
        ))
        .load(conn)
        .db()?;
    let total = if paging.total {
        let all = audit_log::table.filter(audit_log::entity_id.eq(Key(entity_id)));
        Some(all.count().get_result(conn).db()?)
    } else {
        None
    };
    let entries = rows
        .into_iter()
        .map(|found| {
            Ok(HistoryEntry {
                id: AuditId(found.id.0),
                at: found.at.0,
                action: code(&found.action)?,
                by: reference(found.user_id, found.user_name),
                version: found.entity_version,
                changes: changes(found.changes)?,
            })
        })
        .collect::<Result<_>>()?;
    paging.page(entries, total, |entry: &HistoryEntry| (String::new(), entry.id.0))
}
