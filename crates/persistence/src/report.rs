use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::id::{CarrierId, FundingPeriodId, ReportId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::report::{Report, ReportEvent, ReportFilter, ReportStatus};
use lotse_domain::statistics::Window;
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::{archived, code, reference};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::reports;
use crate::sql_types::{At, Key};

mod facts;
mod frozen;
mod label;
pub use facts::{each_fact, events, facts_around, facts_of, titles_of};
pub use frozen::{Frozen, each_frozen, freeze, frozen, frozen_among, frozen_events, put_facts};
pub use label::labels;

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = reports, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Option<Key>,
    funding_period_id: Key,
    from_on: NaiveDate,
    to_on: NaiveDate,
    title: String,
    note: Option<String>,
    status: String,
    predecessor_id: Option<Key>,
    submitted_at: Option<At>,
    submitted_by: Option<Key>,
    submission_note: Option<String>,
    accepted_at: Option<At>,
    accepted_by: Option<Key>,
    acceptance_note: Option<String>,
    sha256: Option<String>,
    records: Option<i64>,
    archived_at: Option<At>,
    archive_reason: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Report> for Row {
    fn from(report: &Report) -> Self {
        let at = |event: &Option<ReportEvent>| event.as_ref().map(|event| At(event.at));
        let by = |event: &Option<ReportEvent>| event.as_ref().map(|event| Key(event.by.id));
        let note = |event: &Option<ReportEvent>| event.as_ref().and_then(|it| it.note.clone());
        Self {
            id: Key(report.id.0),
            carrier_id: report.carrier.as_ref().map(|carrier| Key(carrier.id)),
            funding_period_id: Key(report.funding_period.id),
            from_on: report.window.from,
            to_on: report.window.to,
            title: report.title.clone(),
            note: report.note.clone(),
            status: report.status.code().to_owned(),
            predecessor_id: report.predecessor.as_ref().map(|before| Key(before.id)),
            submitted_at: at(&report.submitted),
            submitted_by: by(&report.submitted),
            submission_note: note(&report.submitted),
            accepted_at: at(&report.accepted),
            accepted_by: by(&report.accepted),
            acceptance_note: note(&report.accepted),
            sha256: report.sha256.clone(),
            records: report.records,
            archived_at: report.archived.as_ref().map(|archived| At(archived.at)),
            archive_reason: report.archived.as_ref().map(|archived| archived.reason.clone()),
            recorded_by: Key(report.recorded_by.id),
            version: report.version,
            created_at: At(report.created_at),
            updated_at: At(report.updated_at),
        }
    }
}

/// A row with the title of the report that it corrects.
type Seen = (Row, Option<String>);

fn entity((row, predecessor): Seen, names: &Names) -> Result<Report> {
    let event = |at: Option<At>, by: Option<Key>, note: Option<String>| match (at, by) {
        (Some(at), Some(by)) => {
            Ok::<_, Error>(Some(ReportEvent { at: at.0, by: names.reference(by)?, note }))
        }
        _ => Ok(None),
    };
    Ok(Report {
        id: ReportId(row.id.0),
        carrier: row.carrier_id.map(|id| names.reference(id)).transpose()?,
        funding_period: names.reference(row.funding_period_id)?,
        window: Window { from: row.from_on, to: row.to_on },
        title: row.title,
        note: row.note,
        status: code(&row.status)?,
        predecessor: reference(row.predecessor_id, predecessor),
        submitted: event(row.submitted_at, row.submitted_by, row.submission_note)?,
        accepted: event(row.accepted_at, row.accepted_by, row.acceptance_note)?,
        sha256: row.sha256,
        records: row.records,
        archived: archived(row.archived_at, row.archive_reason),
        recorded_by: names.reference(row.recorded_by)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

diesel::alias!(reports as corrected: Corrected);

#[diesel::dsl::auto_type(no_type_alias)]
fn with_predecessor() -> _ {
    reports::table.left_join(
        corrected.on(reports::predecessor_id.eq(corrected.field(reports::id).nullable())),
    )
}

/// # Errors
/// `NotFound` when there is no such report in the scope. That of the network is for who sees the network.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: ReportId) -> Result<Report> {
    let mut query = with_predecessor().filter(reports::id.eq(Key(id.0))).into_boxed();
    match scope {
        Scope::Nothing => return Err(Error::NotFound("report")),
        Scope::Network => query = query.filter(reports::carrier_id.is_null()),
        Scope::Carrier(carrier) => {
            query = query.filter(reports::carrier_id.eq(Some(Key(carrier.0))));
        }
    }
    let row: Option<Seen> = query
        .select((reports::all_columns, corrected.field(reports::title).nullable()))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(Error::NotFound("report"))
}

/// The latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &ReportFilter,
    paging: &Paging,
) -> Result<Page<Report>> {
    let key = |report: &Report| (String::new(), report.id.0);
    if *scope == Scope::Nothing {
        return paging.page(Vec::new(), None, key);
    }
    let matching = || {
        let mut query = with_predecessor().into_boxed();
        query = match scope {
            Scope::Carrier(carrier) => query.filter(reports::carrier_id.eq(Some(Key(carrier.0)))),
            _ => query.filter(reports::carrier_id.is_null()),
        };
        if let Some(period) = filter.funding_period_id {
            query = query.filter(reports::funding_period_id.eq(Key(period.0)));
        }
        if let Some(status) = filter.status {
            query = query.filter(reports::status.eq(status.code()));
        }
        if filter.archived != Some(true) {
            query = query.filter(reports::archived_at.is_null());
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(reports::id.lt(Key(after.id)));
    }
    let page = page
        .order(reports::id.desc())
        .select((reports::all_columns, corrected.field(reports::title).nullable()));
    let rows: Vec<Seen> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, key)
}

/// The submitted and accepted ones of a period that no correction took the place of.
///
/// # Errors
/// When the database cannot be read.
pub fn standing(
    conn: &mut Conn,
    names: &Names,
    carrier: CarrierId,
    period: FundingPeriodId,
) -> Result<Vec<Report>> {
    let standing = [ReportStatus::Submitted.code(), ReportStatus::Accepted.code()];
    let rows: Vec<Seen> = with_predecessor()
        .filter(reports::carrier_id.eq(Some(Key(carrier.0))))
        .filter(reports::funding_period_id.eq(Key(period.0)))
        .filter(reports::status.eq(standing[0]).or(reports::status.eq(standing[1])))
        .order(reports::id)
        .select((reports::all_columns, corrected.field(reports::title).nullable()))
        .load(conn)
        .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, report: &Report) -> Result<()> {
    diesel::insert_into(reports::table).values(Row::from(report)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when another correction of the same report was
/// submitted.
pub fn update(conn: &mut Conn, report: &Report) -> Result<()> {
    let changed = diesel::update(reports::table.find(Key(report.id.0)))
        .filter(reports::version.eq(report.version - 1))
        .set(Row::from(report))
        .execute(conn)
        .db()?;
    one_row(changed, report.version)
}
