//! Merges of organisations: their record, and where a merged organisation leads.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::id::{ActorId, CompanyId, MergeId, OrganisationId};
use lotse_domain::merge::{Merge, MergeFilter, MergeUndone, Registered};
use lotse_domain::organisation::{OrganisationKind, OrganisationReference};
use lotse_domain::page::{Page, Paging};
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{code, document, of_document};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::{funding_periods, organisation_merges, organisations};
use crate::sql_types::{At, Document, Key};
use crate::statement;
use crate::{actor, company};

mod count;
mod gap;
mod ledger;
mod place;
mod separate;

pub use count::{accompanied, counts};
pub use gap::{Gap, fill_classes, gaps, note_filled};
pub use ledger::{Between, Touched, move_rows};
pub use place::{JSON_COLUMNS, PLACES, Place, Treatment};
pub use separate::{Separated, separate};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = organisation_merges)]
struct Row {
    id: Key,
    kind: String,
    survivor_id: Key,
    merged_id: Key,
    reason: Option<String>,
    fields: Document,
    moved: Document,
    merged_by: Key,
    undone_at: Option<At>,
    undone_by: Option<Key>,
    undo_reason: Option<String>,
    remainders: Option<Document>,
    version: i64,
    created_at: At,
    updated_at: At,
}

fn row(merge: &Merge) -> Result<Row> {
    let undone = merge.undone.as_ref();
    Ok(Row {
        id: Key(merge.id.0),
        kind: merge.kind().code().to_owned(),
        survivor_id: Key(merge.survivor.id.0),
        merged_id: Key(merge.merged.id.0),
        reason: merge.reason.clone(),
        fields: document(&merge.fields)?,
        moved: document(&merge.moved)?,
        merged_by: Key(merge.merged_by.id),
        undone_at: undone.map(|undone| At(undone.at)),
        undone_by: undone.map(|undone| Key(undone.by.id)),
        undo_reason: undone.map(|undone| undone.reason.clone()),
        remainders: undone.map(|undone| document(&undone.remainders)).transpose()?,
        version: merge.version,
        created_at: At(merge.created_at),
        updated_at: At(merge.updated_at),
    })
}

/// The entities of rows, with the names that their organisations have today: one query for all.
fn entities(conn: &mut Conn, names: &Names, rows: Vec<Row>) -> Result<Vec<Merge>> {
    let ids: Vec<Key> = rows.iter().flat_map(|row| [row.survivor_id, row.merged_id]).collect();
    let called: Vec<(Key, String)> = on_backend!(conn, c => organisations::table
        .filter(among(organisations::id, &ids))
        .select((organisations::id, organisations::name))
        .load(c))
    .db()?;
    let called: HashMap<Key, String> = called.into_iter().collect();
    rows.into_iter()
        .map(|row| {
            let kind: OrganisationKind = code(&row.kind)?;
            let reference = |id: Key| OrganisationReference {
                id: OrganisationId(id.0),
                name: called.get(&id).cloned().unwrap_or_default(),
                kind,
            };
            let undone = match (row.undone_at, row.undone_by, row.undo_reason, row.remainders) {
                (Some(at), Some(by), Some(reason), Some(remainders)) => Some(MergeUndone {
                    at: at.0,
                    by: names.reference(by)?,
                    reason,
                    remainders: of_document(remainders)?,
                }),
                _ => None,
            };
            Ok(Merge {
                id: MergeId(row.id.0),
                survivor: reference(row.survivor_id),
                merged: reference(row.merged_id),
                reason: row.reason,
                fields: of_document(row.fields)?,
                moved: of_document(row.moved)?,
                merged_by: names.reference(row.merged_by)?,
                undone,
                version: row.version,
                created_at: row.created_at.0,
                updated_at: row.updated_at.0,
            })
        })
        .collect()
}

/// # Errors
/// `NotFound` when there is no such merge.
pub fn find(conn: &mut Conn, names: &Names, id: MergeId) -> Result<Merge> {
    let found: Option<Row> = organisation_merges::table
        .find(Key(id.0))
        .select(Row::as_select())
        .first(conn)
        .optional()
        .db()?;
    entities(conn, names, found.into_iter().collect())?.pop().ok_or(Error::NotFound("merge"))
}

/// The latest first; of one organisation those that it survived and those that it was merged in.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    of: Option<OrganisationId>,
    filter: &MergeFilter,
    paging: &Paging,
) -> Result<Page<Merge>> {
    let matching = || {
        let mut query = organisation_merges::table.into_boxed();
        if let Some(of) = of {
            let either = organisation_merges::survivor_id
                .eq(Key(of.0))
                .or(organisation_merges::merged_id.eq(Key(of.0)));
            query = query.filter(either);
        }
        if let Some(kind) = filter.kind {
            query = query.filter(organisation_merges::kind.eq(kind.code()));
        }
        match filter.undone {
            Some(true) => query.filter(organisation_merges::undone_at.is_not_null()),
            Some(false) => query.filter(organisation_merges::undone_at.is_null()),
            None => query,
        }
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        let at: DateTime<Utc> = after.parse()?;
        page = page.filter(organisation_merges::created_at.le(At(at))).filter(
            organisation_merges::created_at
                .lt(At(at))
                .or(organisation_merges::id.lt(Key(after.id))),
        );
    }
    let page = page.order((organisation_merges::created_at.desc(), organisation_merges::id.desc()));
    let rows: Vec<Row> = first(paging, page.select(Row::as_select())).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let merges = entities(conn, names, rows)?;
    paging.page(merges, total, |merge| (merge.created_at.to_rfc3339(), merge.id.0))
}

/// The latest merge that holds and that either side of this one has been in since. As the other side is
/// archived, that is the survivor.
///
/// # Errors
/// When the database cannot be read.
pub fn latest_since(conn: &mut Conn, names: &Names, merge: &Merge) -> Result<Option<Merge>> {
    let survivor = Key(merge.survivor.id.0);
    let later = organisation_merges::created_at.gt(At(merge.created_at)).or(
        organisation_merges::created_at
            .eq(At(merge.created_at))
            .and(organisation_merges::id.gt(Key(merge.id.0))),
    );
    let found: Option<Row> = organisation_merges::table
        .filter(organisation_merges::undone_at.is_null())
        .filter(later)
        .filter(
            organisation_merges::survivor_id
                .eq(survivor)
                .or(organisation_merges::merged_id.eq(survivor)),
        )
        .order((organisation_merges::created_at.desc(), organisation_merges::id.desc()))
        .select(Row::as_select())
        .first(conn)
        .optional()
        .db()?;
    Ok(entities(conn, names, found.into_iter().collect())?.pop())
}

/// Where an organisation leads that was merged, also through several merges.
///
/// # Errors
/// When the database cannot be read.
pub fn leads_to(conn: &mut Conn, id: OrganisationId) -> Result<Option<OrganisationReference>> {
    let mut last: Option<Key> = None;
    loop {
        let from = last.unwrap_or(Key(id.0));
        // What is merged is archived and takes nothing in, so this comes to an end.
        let next: Option<Key> = organisation_merges::table
            .filter(organisation_merges::merged_id.eq(from))
            .filter(organisation_merges::undone_at.is_null())
            .select(organisation_merges::survivor_id)
            .first(conn)
            .optional()
            .db()?;
        match next {
            Some(next) => last = Some(next),
            None => break,
        }
    }
    let Some(last) = last else { return Ok(None) };
    let (name, kind): (String, String) = organisations::table
        .filter(organisations::id.eq(last))
        .select((organisations::name, organisations::kind))
        .first(conn)
        .db()?;
    Ok(Some(OrganisationReference { id: OrganisationId(last.0), name, kind: code(&kind)? }))
}

/// The organisation that a list, or a handing over, is asked for, by an id from before it was merged too.
///
/// # Errors
/// When the database cannot be read.
pub fn current(
    conn: &mut Conn,
    asked: Option<impl Into<OrganisationId>>,
) -> Result<Option<OrganisationId>> {
    let Some(asked) = asked.map(Into::into) else { return Ok(None) };
    Ok(Some(leads_to(conn, asked)?.map_or(asked, |survivor| survivor.id)))
}

/// Those of the organisations that were merged, each with where it leads.
///
/// # Errors
/// When the database cannot be read.
pub(crate) fn survivors_of(
    conn: &mut Conn,
    ids: Vec<OrganisationId>,
) -> Result<HashMap<OrganisationId, OrganisationReference>> {
    let mut keys: Vec<Key> = ids.into_iter().map(|id| Key(id.0)).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let merged: Vec<Key> = on_backend!(conn, c => organisation_merges::table
        .filter(among(organisation_merges::merged_id, &keys))
        .filter(organisation_merges::undone_at.is_null())
        .select(organisation_merges::merged_id)
        .load(c))
    .db()?;
    let mut survivors = HashMap::new();
    for Key(id) in merged {
        if let Some(survivor) = leads_to(conn, id.into())? {
            survivors.insert(id.into(), survivor);
        }
    }
    Ok(survivors)
}

/// Whether other records name an organisation: those that a merge would move.
///
/// # Errors
/// When the database cannot be read.
pub fn is_named(conn: &mut Conn, id: OrganisationId) -> Result<bool> {
    let places = PLACES.iter().filter(|place| matches!(place.treatment, Treatment::Moves(_)));
    statement::is_named(conn, Key(id.0), places.map(|place| (place.table, place.column)))
}

/// # Errors
/// `Merged` when it was; only what is archived can have been.
pub(crate) fn check_is_not_merged(
    conn: &mut Conn,
    id: OrganisationId,
    archived: bool,
) -> Result<()> {
    if archived && let Some(into) = leads_to(conn, id)? {
        return Err(Error::Merged { old: id.0, into });
    }
    Ok(())
}

/// The record of the register, also of one that was merged.
///
/// # Errors
/// `NotFound` when there is no such company or actor.
pub fn registered(conn: &mut Conn, id: OrganisationId) -> Result<Registered> {
    match company::find_even_merged(conn, CompanyId(id.0)) {
        Ok(found) => Ok(Registered::Company(Box::new(found))),
        Err(Error::NotFound(_)) => actor::find_even_merged(conn, ActorId(id.0))
            .map(|found| Registered::Actor(Box::new(found)))
            .map_err(|error| match error {
                Error::NotFound(_) => Error::NotFound("organisation"),
                other => other,
            }),
        Err(error) => Err(error),
    }
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update_registered(conn: &mut Conn, new: &Registered) -> Result<()> {
    match new {
        Registered::Company(it) => company::update(conn, it),
        Registered::Actor(it) => actor::update(conn, it),
    }
}

/// Holds both against everybody who would name or change them, and the funding periods against a report that
/// freezes what is about to move, until the transaction ends. SQLite's only writer holds everything.
///
/// # Errors
/// When the database cannot be read.
pub fn hold(conn: &mut Conn, organisations: [OrganisationId; 2]) -> Result<()> {
    if let Conn::Postgres(conn) = conn {
        let periods = funding_periods::table.order(funding_periods::id).select(funding_periods::id);
        let _: Vec<Key> = periods.for_share().load(conn).db()?;
        let ids = organisations.map(|id| Key(id.0));
        // Ascending, so that two who do this at once do not wait for each other.
        let held = organisations::table
            .filter(organisations::id.eq_any(ids))
            .order(organisations::id)
            .select(organisations::id);
        let _: Vec<Key> = held.for_update().load(conn).db()?;
    }
    Ok(())
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, merge: &Merge) -> Result<()> {
    diesel::insert_into(organisation_merges::table).values(row(merge)?).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, merge: &Merge) -> Result<()> {
    let new = row(merge)?;
    let changed = diesel::update(organisation_merges::table.find(new.id))
        .filter(organisation_merges::version.eq(merge.version - 1))
        .set((
            organisation_merges::undone_at.eq(new.undone_at),
            organisation_merges::undone_by.eq(new.undone_by),
            organisation_merges::undo_reason.eq(new.undo_reason),
            organisation_merges::remainders.eq(new.remainders),
            organisation_merges::version.eq(merge.version),
            organisation_merges::updated_at.eq(At(merge.updated_at)),
        ))
        .execute(conn)
        .db()?;
    one_row(changed, merge.version)
}
