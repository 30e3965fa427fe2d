//! Suspected pairs of duplicates, and which version of each organisation was compared with the others.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use lotse_domain::code::Code;
use lotse_domain::duplicate::RULE;
use lotse_domain::duplicate_pair::{
    Dismissal, DuplicateFilter, DuplicatePair, DuplicateSide, DuplicateState, PairRecord,
};
use lotse_domain::id::{DuplicatePairId, OrganisationId, UserId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::search::Found;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::among::among;
use crate::connection::{Backend, Conn};
use crate::convert::{code, document, of_document};
use crate::duplicate_settings::{self, hundredths, score};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::{
    company_profiles, duplicate_checks, duplicate_pair_rows, duplicate_pairs, organisations,
};
use crate::sql_types::{At, Document, Key};
use crate::{duplicate, search};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = duplicate_pairs)]
struct Row {
    id: Key,
    kind: String,
    first_organisation_id: Key,
    second_organisation_id: Key,
    score: i32,
    reasons: Document,
    dismissed_at: Option<At>,
    dismissed_by: Option<Key>,
    dismiss_reason: Option<String>,
    dismissed_reasons: Option<Document>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl Row {
    fn of(pair: &PairRecord) -> Result<Self> {
        let dismissal = pair.dismissed.as_ref();
        let of_dismissal = dismissal.map(|dismissal| document(&dismissal.reasons)).transpose()?;
        Ok(Self {
            id: Key(pair.id.0),
            kind: pair.kind.code().to_owned(),
            first_organisation_id: Key(pair.first_id.0),
            second_organisation_id: Key(pair.second_id.0),
            score: hundredths(pair.score),
            reasons: document(&pair.reasons)?,
            dismissed_at: dismissal.map(|dismissal| At(dismissal.at)),
            dismissed_by: dismissal.map(|dismissal| Key(dismissal.by_id.0)),
            dismiss_reason: dismissal.map(|dismissal| dismissal.reason.clone()),
            dismissed_reasons: of_dismissal,
            version: pair.version,
            created_at: At(pair.created_at),
            updated_at: At(pair.updated_at),
        })
    }

    fn record(self) -> Result<PairRecord> {
        let dismissed = match (self.dismissed_at, self.dismissed_by, self.dismiss_reason) {
            (Some(at), Some(by), Some(reason)) => Some(Dismissal {
                at: at.0,
                by_id: UserId(by.0),
                reason,
                reasons: self.dismissed_reasons.map(of_document).transpose()?.unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(PairRecord {
            id: DuplicatePairId(self.id.0),
            kind: code(&self.kind)?,
            first_id: OrganisationId(self.first_organisation_id.0),
            second_id: OrganisationId(self.second_organisation_id.0),
            score: score(self.score),
            reasons: of_document(self.reasons)?,
            dismissed,
            version: self.version,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}

/// The likeliest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    filter: &DuplicateFilter,
    paging: &Paging,
) -> Result<Page<DuplicatePair>> {
    use duplicate_pair_rows as pairs;

    let queue_from = duplicate_settings::find(conn)?.queue_from;
    let matching = || {
        let mut query = pairs::table.into_boxed();
        query = match filter.state.unwrap_or(DuplicateState::Open) {
            DuplicateState::Open => query
                .filter(pairs::score.ge(hundredths(queue_from)))
                .filter(pairs::archived.eq(false))
                .filter(pairs::dismissed_at.is_null()),
            DuplicateState::Dismissed => query
                .filter(pairs::score.ge(hundredths(queue_from)))
                .filter(pairs::archived.eq(false))
                .filter(pairs::dismissed_at.is_not_null()),
            DuplicateState::Settled => {
                query.filter(pairs::score.lt(hundredths(queue_from)).or(pairs::archived.eq(true)))
            }
        };
        if let Some(kind) = filter.kind {
            query = query.filter(pairs::kind.eq(kind.code()));
        }
        if let Some(least) = filter.min_score {
            // In hundredths too, so what lies between two of them asks for the higher one.
            query =
                query.filter(pairs::score.ge(hundredths(((least * 100.0) - 1e-9).ceil() / 100.0)));
        }
        if let Some(OrganisationId(id)) = filter.organisation_id {
            query = query.filter(
                pairs::first_organisation_id
                    .eq(Key(id))
                    .or(pairs::second_organisation_id.eq(Key(id))),
            );
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        let score: i32 = after.parse()?;
        page = page
            .filter(pairs::score.le(score))
            .filter(pairs::score.lt(score).or(pairs::id.gt(Key(after.id))));
    }
    let page = page.order((pairs::score.desc(), pairs::id)).select(columns());
    let rows: Vec<Row> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let records: Vec<PairRecord> = rows.into_iter().map(Row::record).collect::<Result<_>>()?;
    let shown = shown(conn, names, records, queue_from)?;
    paging.page(shown, total, |pair| (hundredths(pair.score).to_string(), pair.id.0))
}

type Columns = (
    duplicate_pair_rows::id,
    duplicate_pair_rows::kind,
    duplicate_pair_rows::first_organisation_id,
    duplicate_pair_rows::second_organisation_id,
    duplicate_pair_rows::score,
    duplicate_pair_rows::reasons,
    duplicate_pair_rows::dismissed_at,
    duplicate_pair_rows::dismissed_by,
    duplicate_pair_rows::dismiss_reason,
    duplicate_pair_rows::dismissed_reasons,
    duplicate_pair_rows::version,
    duplicate_pair_rows::created_at,
    duplicate_pair_rows::updated_at,
);

fn columns() -> Columns {
    use duplicate_pair_rows as pairs;
    (
        pairs::id,
        pairs::kind,
        pairs::first_organisation_id,
        pairs::second_organisation_id,
        pairs::score,
        pairs::reasons,
        pairs::dismissed_at,
        pairs::dismissed_by,
        pairs::dismiss_reason,
        pairs::dismissed_reasons,
        pairs::version,
        pairs::created_at,
        pairs::updated_at,
    )
}

/// # Errors
/// `NotFound`.
pub fn find(conn: &mut Conn, id: DuplicatePairId) -> Result<PairRecord> {
    let row: Option<Row> = duplicate_pairs::table
        .find(Key(id.0))
        .select(Row::as_select())
        .first(conn)
        .optional()
        .db()?;
    row.map(Row::record).transpose()?.ok_or(Error::NotFound("duplicate"))
}

/// The pair with both organisations as they are now.
///
/// # Errors
/// When the database cannot be read.
pub fn with_sides(conn: &mut Conn, names: &Names, record: PairRecord) -> Result<DuplicatePair> {
    let queue_from = duplicate_settings::find(conn)?.queue_from;
    let shown = shown(conn, names, vec![record], queue_from)?.pop();
    shown.ok_or_else(|| Error::internal("a pair without its organisations"))
}

fn shown(
    conn: &mut Conn,
    names: &Names,
    records: Vec<PairRecord>,
    queue_from: f64,
) -> Result<Vec<DuplicatePair>> {
    let ids: Vec<Key> =
        records.iter().flat_map(|pair| [Key(pair.first_id.0), Key(pair.second_id.0)]).collect();
    let sides = sides(conn, &ids)?;
    let side = |id: OrganisationId| {
        sides.get(&id).cloned().ok_or_else(|| Error::internal("a pair without its organisations"))
    };
    records
        .into_iter()
        .map(|record| {
            let (one, other) = (side(record.first_id)?, side(record.second_id)?);
            let dismissal = record.dismissed.as_ref();
            let by =
                dismissal.map(|dismissal| names.reference(Key(dismissal.by_id.0))).transpose()?;
            Ok(DuplicatePair::new(record, one, other, by, queue_from))
        })
        .collect()
}

fn sides(conn: &mut Conn, ids: &[Key]) -> Result<HashMap<OrganisationId, DuplicateSide>> {
    type Side = (
        Key,
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<At>,
        i64,
    );
    let rows: Vec<Side> = on_backend!(conn, c => organisations::table
        .left_join(company_profiles::table)
        .filter(among(organisations::id, ids))
        .select((
            organisations::id,
            organisations::name,
            organisations::postcode,
            organisations::city,
            company_profiles::register_number.nullable(),
            company_profiles::vat_id.nullable(),
            organisations::website,
            organisations::archived_at,
            organisations::version,
        ))
        .load(c))
    .db()?;
    let side =
        |(id, name, postcode, city, register_number, vat_id, website, archived, version): Side| {
            let id = OrganisationId(id.0);
            let archived = archived.is_some();
            let side = DuplicateSide {
                id,
                name,
                postcode,
                city,
                register_number,
                vat_id,
                website,
                archived,
                version,
            };
            (id, side)
        };
    Ok(rows.into_iter().map(side).collect())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, pair: &PairRecord) -> Result<()> {
    let new = Row::of(pair)?;
    let changed = diesel::update(duplicate_pairs::table.find(new.id))
        .filter(duplicate_pairs::version.eq(pair.version - 1))
        .set((
            duplicate_pairs::score.eq(new.score),
            duplicate_pairs::reasons.eq(new.reasons),
            duplicate_pairs::dismissed_at.eq(new.dismissed_at),
            duplicate_pairs::dismissed_by.eq(new.dismissed_by),
            duplicate_pairs::dismiss_reason.eq(new.dismiss_reason),
            duplicate_pairs::dismissed_reasons.eq(new.dismissed_reasons),
            duplicate_pairs::version.eq(new.version),
            duplicate_pairs::updated_at.eq(new.updated_at),
        ))
        .execute(conn)
        .db()?;
    one_row(changed, pair.version)
}

/// # Errors
/// When the database cannot be written.
pub fn insert_all(conn: &mut Conn, pairs: &[PairRecord]) -> Result<()> {
    let rows: Vec<Row> = pairs.iter().map(Row::of).collect::<Result<_>>()?;
    on_backend!(conn, c => diesel::insert_into(duplicate_pairs::table).values(&rows).execute(c))
        .db()?;
    Ok(())
}

/// The first organisations after one, by id, that were not compared as they are now, each with its version.
///
/// # Errors
/// When the database cannot be read.
pub fn due(
    conn: &mut Conn,
    after: Option<OrganisationId>,
    most: i64,
) -> Result<Vec<(OrganisationId, i64)>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows: Vec<(Key, i64)> = organisations::table
        .left_join(duplicate_checks::table)
        .filter(organisations::id.gt(Key(after)))
        .filter(
            duplicate_checks::organisation_id
                .is_null()
                .or(duplicate_checks::version.ne(organisations::version))
                .or(duplicate_checks::rule.ne(RULE)),
        )
        .order(organisations::id)
        .limit(most)
        .select((organisations::id, organisations::version))
        .load(conn)
        .db()?;
    Ok(rows.into_iter().map(|(id, version)| (OrganisationId(id.0), version)).collect())
}

/// Those of the ids with what they are recognised by.
///
/// # Errors
/// When the database cannot be read.
pub fn organisations(conn: &mut Conn, ids: &[OrganisationId]) -> Result<Vec<Found>> {
    search::organisations(conn, &keys(ids))
}

/// Those that are not archived and may be the same, itself among them. On PostgreSQL it must run in a transaction.
///
/// # Errors
/// When the database cannot be read.
pub fn candidates(conn: &mut Conn, of: &Found) -> Result<Vec<OrganisationId>> {
    let ids = duplicate::candidates(conn, of)?;
    Ok(ids.into_iter().map(|id| OrganisationId(id.0)).collect())
}

/// All pairs that any of the organisations is in.
///
/// # Errors
/// When the database cannot be read.
pub fn of_organisations(conn: &mut Conn, ids: &[OrganisationId]) -> Result<Vec<PairRecord>> {
    let ids = keys(ids);
    let rows: Vec<Row> = on_backend!(conn, c => duplicate_pairs::table
        .filter(
            among(duplicate_pairs::first_organisation_id, &ids)
                .or(among(duplicate_pairs::second_organisation_id, &ids)),
        )
        .order(duplicate_pairs::id)
        .select(Row::as_select())
        .load(c))
    .db()?;
    rows.into_iter().map(Row::record).collect()
}

/// The versions that the organisations have.
///
/// # Errors
/// When the database cannot be read.
pub fn versions(conn: &mut Conn, ids: &[OrganisationId]) -> Result<HashMap<OrganisationId, i64>> {
    let ids = keys(ids);
    let rows: Vec<(Key, i64)> = on_backend!(conn, c => organisations::table
        .filter(among(organisations::id, &ids))
        .select((organisations::id, organisations::version))
        .load(c))
    .db()?;
    Ok(rows.into_iter().map(|(id, version)| (OrganisationId(id.0), version)).collect())
}

/// Has other servers that keep what they compared wait until the end of the transaction, and holds the organisations
/// as a foreign key does, before the pairs: a merge holds them first too, so none waits for the other. The only
/// writer to SQLite holds everything.
///
/// # Errors
/// When the database cannot be read.
pub fn hold(conn: &mut Conn, ids: &[OrganisationId]) -> Result<()> {
    const LOCK: i64 = 0x_6475_706c;
    if conn.backend() == Backend::Postgres {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<BigInt, _>(LOCK)
            .execute(conn)
            .db()?;
    }
    crate::organisation::hold_to_name(conn, ids)
}

/// Notes that these were compared in these versions.
///
/// # Errors
/// When the database cannot be written.
pub fn note_compared(conn: &mut Conn, compared: &[(OrganisationId, i64)]) -> Result<()> {
    let ids: Vec<OrganisationId> = compared.iter().map(|(id, _)| *id).collect();
    let ids = keys(&ids);
    on_backend!(conn, c => diesel::delete(
        duplicate_checks::table.filter(among(duplicate_checks::organisation_id, &ids)),
    )
    .execute(c))
    .db()?;
    let rows: Vec<_> = compared
        .iter()
        .map(|(id, version)| {
            (
                duplicate_checks::organisation_id.eq(Key(id.0)),
                duplicate_checks::version.eq(*version),
                duplicate_checks::rule.eq(RULE),
            )
        })
        .collect();
    on_backend!(conn, c => diesel::insert_into(duplicate_checks::table).values(&rows).execute(c))
        .db()?;
    Ok(())
}

fn keys(ids: &[OrganisationId]) -> Vec<Key> {
    ids.iter().map(|id| Key(id.0)).collect()
}
