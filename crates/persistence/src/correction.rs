use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::consultation::ConsultationReference;
use lotse_domain::correction::{Correction, CorrectionFilter, CorrectionSort, CorrectionWithdrawn};
use lotse_domain::id::{ConsultationId, CorrectionId, OrganisationId};
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::time::start_of;
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::{carrier_of, code, document};
use crate::error::{DbResult, one_row};
use crate::merge;
use crate::names::Names;
use crate::page::first;
use crate::schema::{consultations, corrections, organisations};
use crate::sql_types::{At, Document, Key};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = corrections)]
struct Row {
    id: Key,
    carrier_id: Key,
    funding_period_id: Key,
    moved_to_id: Option<Key>,
    kind: String,
    consultation_id: Option<Key>,
    position: Option<i32>,
    differences: Document,
    corrected: Option<Document>,
    record_version: Option<i64>,
    reason: String,
    withdrawn_at: Option<At>,
    withdrawn_by: Option<Key>,
    withdraw_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// With what it shows of the consultation: its date, and id, name and kind of its organisation.
type Found = (Row, Option<NaiveDate>, Option<Key>, Option<String>, Option<String>);

fn row(correction: &Correction, position: Option<i32>) -> Result<Row> {
    let withdrawn = correction.withdrawn.as_ref();
    Ok(Row {
        id: Key(correction.id.0),
        carrier_id: Key(correction.carrier.id),
        funding_period_id: Key(correction.funding_period.id),
        moved_to_id: correction.moved_to.as_ref().map(|period| Key(period.id)),
        kind: correction.kind.code().to_owned(),
        consultation_id: correction.consultation.as_ref().map(|of| Key(of.id.0)),
        position,
        differences: document(&correction.differences)?,
        corrected: correction.corrected.as_ref().map(document).transpose()?,
        record_version: correction.record_version,
        reason: correction.reason.clone(),
        withdrawn_at: withdrawn.map(|withdrawn| At(withdrawn.at)),
        withdrawn_by: withdrawn.map(|withdrawn| Key(withdrawn.by.id)),
        withdraw_reason: withdrawn.map(|withdrawn| withdrawn.reason.clone()),
        recorded_by: Key(correction.recorded_by.id),
        version: correction.version,
        created_at: At(correction.created_at),
        updated_at: At(correction.updated_at),
    })
}

fn entity(found: Found, names: &Names) -> Result<Correction> {
    let (row, held_on, organisation_id, organisation_name, organisation_kind) = found;
    let organisation = match (organisation_id, organisation_name, organisation_kind) {
        (Some(id), Some(name), Some(kind)) => {
            Some(OrganisationReference { id: OrganisationId(id.0), name, kind: code(&kind)? })
        }
        _ => None,
    };
    let consultation = match (row.consultation_id, held_on) {
        (Some(id), Some(held_on)) => {
            Some(ConsultationReference { id: ConsultationId(id.0), held_on, organisation })
        }
        _ => None,
    };
    let withdrawn = match (row.withdrawn_at, row.withdrawn_by, row.withdraw_reason) {
        (Some(at), Some(by), Some(reason)) => {
            Some(CorrectionWithdrawn { at: at.0, by: names.reference(by)?, reason })
        }
        _ => None,
    };
    let unreadable = |error: serde_json::Error| Error::Internal(error.into());
    let corrected = row.corrected.map(|corrected| serde_json::from_value(corrected.0));
    Ok(Correction {
        id: CorrectionId(row.id.0),
        kind: code(&row.kind)?,
        carrier: names.reference(row.carrier_id)?,
        funding_period: names.reference(row.funding_period_id)?,
        moved_to: row.moved_to_id.map(|id| names.reference(id)).transpose()?,
        consultation,
        differences: serde_json::from_value(row.differences.0).map_err(unreadable)?,
        corrected: corrected.transpose().map_err(unreadable)?,
        record_version: row.record_version,
        overtaken: Vec::new(),
        reason: row.reason,
        recorded_by: names.reference(row.recorded_by)?,
        withdrawn,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_carrier(carrier: Key) -> _ {
    corrections::table
        .left_join(consultations::table.left_join(organisations::table))
        .filter(corrections::carrier_id.eq(carrier))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn shown() -> _ {
    let row: diesel::dsl::AsSelect<Row, crate::connection::MultiBackend> = Row::as_select();
    (
        row,
        consultations::held_on.nullable(),
        organisations::id.nullable(),
        organisations::name.nullable(),
        organisations::kind.nullable(),
    )
}

/// # Errors
/// `NotFound` when there is no such correction in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: CorrectionId) -> Result<Correction> {
    let carrier = carrier_of(scope).ok_or(Error::NotFound("correction"))?;
    let found: Option<Found> = of_carrier(carrier)
        .filter(corrections::id.eq(Key(id.0)))
        .select(shown())
        .first(conn)
        .optional()
        .db()?;
    let mut correction = entity(found.ok_or(Error::NotFound("correction"))?, names)?;
    resolved(conn, std::slice::from_mut(&mut correction))?;
    Ok(correction)
}

/// A correction says what was so at its entry, and is held against its record as that is now. Where it names
/// an organisation that was merged since, it means the survivor, as the record does.
fn resolved(conn: &mut Conn, corrections: &mut [Correction]) -> Result<()> {
    fn named(correction: &mut Correction) -> Vec<&mut serde_json::Value> {
        let differences = correction.differences.iter_mut();
        differences
            .filter(|difference| difference.field == "organisation")
            .flat_map(|difference| [&mut difference.old, &mut difference.new])
            .collect()
    }
    let id_of = |value: &serde_json::Value| -> Option<OrganisationId> {
        serde_json::from_value(value.get("id")?.clone()).ok()
    };
    let mut ids: Vec<OrganisationId> = Vec::new();
    for correction in corrections.iter_mut() {
        ids.extend(named(correction).into_iter().filter_map(|value| id_of(value)));
        let corrected = correction.corrected.iter().filter_map(|it| it.organisation.as_ref());
        ids.extend(corrected.map(|organisation| organisation.id));
    }
    let survivors = merge::survivors_of(conn, ids)?;
    if survivors.is_empty() {
        return Ok(());
    }
    for correction in corrections {
        for value in named(correction) {
            if let Some(survivor) = id_of(value).and_then(|id| survivors.get(&id)) {
                *value = document(survivor)?.0;
            }
        }
        let corrected = correction.corrected.iter_mut().filter_map(|it| it.organisation.as_mut());
        for organisation in corrected {
            if let Some(survivor) = survivors.get(&organisation.id) {
                *organisation = survivor.clone();
            }
        }
    }
    Ok(())
}

/// Those of a consultation that were not withdrawn, in the order of entry.
///
/// # Errors
/// When the database cannot be read.
pub fn effective(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    of: ConsultationId,
) -> Result<Vec<Correction>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let found: Vec<Found> = of_carrier(carrier)
        .filter(corrections::consultation_id.eq(Some(Key(of.0))))
        .filter(corrections::withdrawn_at.is_null())
        .order(corrections::position)
        .select(shown())
        .load(conn)
        .db()?;
    let mut corrections: Vec<Correction> =
        found.into_iter().map(|found| entity(found, names)).collect::<Result<_>>()?;
    resolved(conn, &mut corrections)?;
    Ok(corrections)
}

/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &CorrectionFilter,
    paging: &Paging,
) -> Result<Page<Correction>> {
    let key = |correction: &Correction| (correction.created_at.to_rfc3339(), correction.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query = of_carrier(carrier).into_boxed();
        if let Some(period) = filter.funding_period_id {
            let moved_there = corrections::moved_to_id.eq(Some(Key(period.0))).assume_not_null();
            query = query.filter(corrections::funding_period_id.eq(Key(period.0)).or(moved_there));
        }
        if let Some(consultation) = filter.consultation_id {
            query = query.filter(corrections::consultation_id.eq(Some(Key(consultation.0))));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(corrections::kind.eq(kind.code()));
        }
        query = match filter.withdrawn {
            Some(true) => query.filter(corrections::withdrawn_at.is_not_null()),
            Some(false) => query.filter(corrections::withdrawn_at.is_null()),
            None => query,
        };
        if let Some(from) = filter.from {
            query = query.filter(corrections::created_at.ge(At(start_of(from))));
        }
        if let Some(after) = filter.to.and_then(|to| to.succ_opt()) {
            query = query.filter(corrections::created_at.lt(At(start_of(after))));
        }
        query
    };
    let sort = filter.sort.unwrap_or_default();
    let mut page = matching();
    if let Some(after) = &paging.after {
        let (at, id): (DateTime<Utc>, Key) = (after.parse()?, Key(after.id));
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        page = match sort {
            CorrectionSort::CreatedAt => page
                .filter(corrections::created_at.ge(At(at)))
                .filter(corrections::created_at.gt(At(at)).or(corrections::id.gt(id))),
            CorrectionSort::CreatedAtDescending => page
                .filter(corrections::created_at.le(At(at)))
                .filter(corrections::created_at.lt(At(at)).or(corrections::id.lt(id))),
        };
    }
    page = match sort {
        CorrectionSort::CreatedAt => page.order((corrections::created_at, corrections::id)),
        CorrectionSort::CreatedAtDescending => {
            page.order((corrections::created_at.desc(), corrections::id.desc()))
        }
    };
    let found: Vec<Found> = first(paging, page.select(shown())).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let mut corrections: Vec<Correction> =
        found.into_iter().map(|found| entity(found, names)).collect::<Result<_>>()?;
    resolved(conn, &mut corrections)?;
    paging.page(corrections, total, key)
}

/// Writes a new one. The caller holds the consultation, so that no other gets the same position.
///
/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, correction: &Correction) -> Result<()> {
    let position = match &correction.consultation {
        Some(of) => {
            let last: Option<i32> = corrections::table
                .filter(corrections::consultation_id.eq(Some(Key(of.id.0))))
                .select(max(corrections::position))
                .first(conn)
                .db()?;
            Some(last.map_or(0, |last| last + 1))
        }
        None => None,
    };
    diesel::insert_into(corrections::table)
        .values(row(correction, position)?)
        .execute(conn)
        .db()?;
    Ok(())
}

/// Writes that one was withdrawn. Nothing else of it ever changes.
///
/// # Errors
/// `Stale` when somebody else was faster.
pub fn withdraw(conn: &mut Conn, correction: &Correction) -> Result<()> {
    let withdrawn = correction.withdrawn.as_ref();
    let changed = diesel::update(corrections::table.find(Key(correction.id.0)))
        .filter(corrections::version.eq(correction.version - 1))
        .set((
            corrections::withdrawn_at.eq(withdrawn.map(|withdrawn| At(withdrawn.at))),
            corrections::withdrawn_by.eq(withdrawn.map(|withdrawn| Key(withdrawn.by.id))),
            corrections::withdraw_reason.eq(withdrawn.map(|withdrawn| &withdrawn.reason)),
            corrections::version.eq(correction.version),
            corrections::updated_at.eq(At(correction.updated_at)),
        ))
        .execute(conn)
        .db()?;
    one_row(changed, correction.version)
}
