//! The audit log: written with every change, read as history of a record and as a whole.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use lotse_domain::audit::{
    AuditAction, AuditEntry, AuditFilter, FieldChange, HistoryEntry, Subject,
};
use lotse_domain::code::Code;
use lotse_domain::id::{AuditId, SessionId, UserId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::time::start_of;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{code, optional_code, reference};
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
    /// None for the operator at the console, and where nobody is known.
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    /// The prefix of the secret that it was done with.
    pub api_key: Option<&'a str>,
    pub request_id: &'a str,
    pub action: AuditAction,
    pub subject: Option<Subject>,
    /// None where nothing changed.
    pub version: Option<i64>,
    pub detail: Option<&'a str>,
    pub changes: Vec<FieldChange>,
}

#[derive(Insertable)]
#[diesel(table_name = audit_log)]
struct NewRow<'a> {
    id: Key,
    at: At,
    user_id: Option<Key>,
    session_id: Option<Key>,
    api_key: Option<&'a str>,
    request_id: &'a str,
    action: &'static str,
    entity_kind: Option<&'static str>,
    entity_id: Option<Key>,
    entity_version: Option<i64>,
    carrier_id: Option<Key>,
    detail: Option<&'a str>,
    changes: Document,
}

impl<'a> TryFrom<&'a Entry<'_>> for NewRow<'a> {
    type Error = Error;

    fn try_from(entry: &'a Entry) -> Result<Self> {
        let changes =
            serde_json::to_value(&entry.changes).map_err(|error| Error::Internal(error.into()))?;
        Ok(Self {
            id: Key(entry.id.0),
            at: At(entry.at),
            user_id: entry.user.map(|id| Key(id.0)),
            session_id: entry.session.map(|id| Key(id.0)),
            api_key: entry.api_key,
            request_id: entry.request_id,
            action: entry.action.code(),
            entity_kind: entry.subject.map(|subject| subject.kind.code()),
            entity_id: entry.subject.map(|subject| Key(subject.id)),
            entity_version: entry.version,
            carrier_id: entry.subject.and_then(|subject| subject.carrier).map(|id| Key(id.0)),
            detail: entry.detail,
            changes: Document(changes),
        })
    }
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, entry: &Entry) -> Result<()> {
    diesel::insert_into(audit_log::table).values(NewRow::try_from(entry)?).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// When the database cannot be written.
pub fn insert_all(conn: &mut Conn, entries: &[Entry]) -> Result<()> {
    // Most changes have one. For that the statement stays prepared.
    if let [one] = entries {
        return insert(conn, one);
    }
    let rows: Vec<NewRow> = entries.iter().map(NewRow::try_from).collect::<Result<_>>()?;
    on_backend!(conn, c => diesel::insert_into(audit_log::table).values(&rows).execute(c)).db()?;
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
        entity_kind: Option<String>,
        entity_id: Option<Key>,
        entity_version: Option<i64>,
        carrier_id: Option<Key>,
        detail: Option<String>,
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
            query = query.filter(audit_log::entity_kind.eq(Some(kind.code())));
        }
        if let Some(id) = filter.entity_id {
            query = query.filter(audit_log::entity_id.eq(Some(Key(id))));
        }
        if let Some(carrier) = filter.carrier_id {
            query = query.filter(audit_log::carrier_id.eq(Some(Key(carrier.0))));
        }
        if let Some(request) = &filter.request_id {
            query = query.filter(audit_log::request_id.eq(request));
        }
        query = match filter.changed {
            Some(true) => query.filter(audit_log::entity_version.is_not_null()),
            Some(false) => query.filter(audit_log::entity_version.is_null()),
            None => query,
        };
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
                entity_kind: optional_code(found.entity_kind.as_deref())?,
                entity_id: found.entity_id.map(|id| id.0),
                entity_version: found.entity_version,
                detail: found.detail,
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
    let below = paging.after.as_ref().map(|after| after.id);
    history_between(conn, entity_id, None, below, None, paging)
}

/// What became of some records after a moment, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn history_after(
    conn: &mut Conn,
    records: &[Uuid],
    after: DateTime<Utc>,
) -> Result<HashMap<Uuid, Vec<HistoryEntry>>> {
    type Found = (Key, At, String, Option<Key>, Option<String>, Option<i64>, Document, Option<Key>);
    let keys: Vec<Key> = records.iter().map(|id| Key(*id)).collect();
    let rows: Vec<Found> = on_backend!(conn, c => audit_log::table
        .left_join(users::table)
        .filter(among(audit_log::entity_id.assume_not_null(), &keys))
        .filter(audit_log::entity_version.is_not_null())
        .filter(audit_log::at.gt(At(after)))
        .order(audit_log::id.desc())
        .select((
            audit_log::id,
            audit_log::at,
            audit_log::action,
            audit_log::user_id,
            users::name.nullable(),
            audit_log::entity_version,
            audit_log::changes,
            audit_log::entity_id,
        ))
        .load(c))
    .db()?;
    let mut entries: HashMap<Uuid, Vec<HistoryEntry>> = HashMap::new();
    for (id, at, action, user_id, user_name, version, changes, entity) in rows {
        let Some(entity) = entity else { continue };
        entries.entry(entity.0).or_default().push(HistoryEntry {
            id: AuditId(id.0),
            at: at.0,
            action: code(&action)?,
            by: reference(user_id, user_name),
            version: version.unwrap_or_default(),
            changes: self::changes(changes)?,
        });
    }
    Ok(entries)
}

/// The part of a history whose ids lie from `first` on and below `end`; of it the page below `after`. The
/// log of a record is in the order of its ids.
///
/// # Errors
/// When the database cannot be read.
pub fn history_between(
    conn: &mut Conn,
    entity_id: Uuid,
    first: Option<Uuid>,
    after: Option<Uuid>,
    end: Option<Uuid>,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
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

    // What changed nothing, such as who read it, is no part of it.
    let matching = || {
        let mut query = audit_log::table
            .left_join(users::table)
            .filter(audit_log::entity_id.eq(Some(Key(entity_id))))
            .filter(audit_log::entity_version.is_not_null())
            .into_boxed();
        if let Some(first) = first {
            query = query.filter(audit_log::id.ge(Key(first)));
        }
        if let Some(end) = end {
            query = query.filter(audit_log::id.lt(Key(end)));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = after {
        page = page.filter(audit_log::id.lt(Key(after)));
    }
    let rows: Vec<Found> = page
        .order(audit_log::id.desc())
        .limit(paging.fetch())
        .select((
            audit_log::id,
            audit_log::at,
            audit_log::action,
            audit_log::user_id,
            users::name.nullable(),
            audit_log::entity_version.assume_not_null(),
            audit_log::changes,
        ))
        .load(conn)
        .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
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
