use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::prelude::*;
use lotse_domain::accompaniment::{
    Accompaniment, Agreed, Completed, Ended, HandOver, NamedAccompaniment, Rejected, reference,
};
use lotse_domain::code::Code;
use lotse_domain::consultation::note_warnings;
use lotse_domain::entity::Reference;
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{AccompanimentId, CompanyId};
use lotse_domain::plan::{Phase, steps_of};
use lotse_domain::policy::Scope;
use lotse_domain::programme_template::ProgrammeTemplate;
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, optional_code};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::schema::{accompaniments, organisations};
use crate::sql_types::{At, Key};

mod list;
mod parts;
pub(crate) use list::started_in;
pub use list::{each, list, of_organisation, of_user, under_way};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = accompaniments, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    company_id: Key,
    site_id: Key,
    federal_state: String,
    template_id: Key,
    lead_id: Key,
    deputy_id: Option<Key>,
    hand_over_to: Option<Key>,
    hand_over_note: Option<String>,
    hand_over_by: Option<Key>,
    hand_over_at: Option<At>,
    notes: Option<String>,
    requested_on: NaiveDate,
    agreed_on: Option<NaiveDate>,
    agreed_by: Option<Key>,
    agreed_at: Option<At>,
    rejected_on: Option<NaiveDate>,
    reject_reason: Option<String>,
    rejected_by: Option<Key>,
    rejected_at: Option<At>,
    started_on: Option<NaiveDate>,
    funding_period_id: Option<Key>,
    completed_on: Option<NaiveDate>,
    outcome: Option<String>,
    completion_note: Option<String>,
    completed_by: Option<Key>,
    completed_at: Option<At>,
    ended_on: Option<NaiveDate>,
    end_reason: Option<String>,
    end_note: Option<String>,
    ended_by: Option<Key>,
    ended_at: Option<At>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// A row with the name of the company.
type Seen = (Row, String);

impl From<&Accompaniment> for Row {
    fn from(run: &Accompaniment) -> Self {
        let (hand_over, agreed) = (run.hand_over.as_ref(), run.agreed.as_ref());
        let (rejected, completed) = (run.rejected.as_ref(), run.completed.as_ref());
        let ended = run.ended.as_ref();
        Self {
            id: Key(run.id.0),
            carrier_id: Key(run.carrier.id),
            company_id: Key(run.company.id),
            site_id: Key(run.site.id),
            federal_state: run.federal_state.code().to_owned(),
            template_id: Key(run.template.id.0),
            lead_id: Key(run.lead.id),
            deputy_id: run.deputy.as_ref().map(|deputy| Key(deputy.id)),
            hand_over_to: hand_over.map(|it| Key(it.to.id)),
            hand_over_note: hand_over.and_then(|it| it.note.clone()),
            hand_over_by: hand_over.map(|it| Key(it.by.id)),
            hand_over_at: hand_over.map(|it| At(it.at)),
            notes: run.notes.clone(),
            requested_on: run.requested_on,
            agreed_on: agreed.map(|it| it.on),
            agreed_by: agreed.map(|it| Key(it.by.id)),
            agreed_at: agreed.map(|it| At(it.at)),
            rejected_on: rejected.map(|it| it.on),
            reject_reason: rejected.map(|it| it.reason.clone()),
            rejected_by: rejected.map(|it| Key(it.by.id)),
            rejected_at: rejected.map(|it| At(it.at)),
            started_on: run.started_on,
            funding_period_id: run.funding_period.as_ref().map(|period| Key(period.id)),
            completed_on: completed.map(|it| it.on),
            outcome: completed.map(|it| it.outcome.code().to_owned()),
            completion_note: completed.and_then(|it| it.note.clone()),
            completed_by: completed.map(|it| Key(it.by.id)),
            completed_at: completed.map(|it| At(it.at)),
            ended_on: ended.map(|it| it.on),
            end_reason: ended.map(|it| it.reason.code().to_owned()),
            end_note: ended.and_then(|it| it.note.clone()),
            ended_by: ended.map(|it| Key(it.by.id)),
            ended_at: ended.map(|it| At(it.at)),
            recorded_by: Key(run.recorded_by.id),
            version: run.version,
            created_at: At(run.created_at),
            updated_at: At(run.updated_at),
        }
    }
}

/// The run as far as its row tells it: pauses, goals and what is recorded of the steps come on top.
fn entity(
    (row, company_name): Seen,
    template: &ProgrammeTemplate,
    names: &Names,
) -> Result<Accompaniment> {
    Ok(Accompaniment {
        id: AccompanimentId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        company: Reference { id: row.company_id.0, name: company_name },
        site: names.reference(row.site_id)?,
        federal_state: code(&row.federal_state)?,
        template: template.reference(),
        duration_days: template.duration_days.unwrap_or_default(),
        max_pause_days: template.max_pause_days.unwrap_or_default(),
        lead: names.reference(row.lead_id)?,
        deputy: row.deputy_id.map(|id| names.reference(id)).transpose()?,
        hand_over: match (row.hand_over_to, row.hand_over_by, row.hand_over_at) {
            (Some(to), Some(by), Some(at)) => Some(HandOver {
                to: names.reference(to)?,
                note: row.hand_over_note,
                by: names.reference(by)?,
                at: at.0,
            }),
            _ => None,
        },
        note_warnings: row.notes.as_deref().map(note_warnings).unwrap_or_default(),
        notes: row.notes,
        requested_on: row.requested_on,
        agreed: match (row.agreed_on, row.agreed_by, row.agreed_at) {
            (Some(on), Some(by), Some(at)) => {
                Some(Agreed { on, by: names.reference(by)?, at: at.0 })
            }
            _ => None,
        },
        rejected: match (row.rejected_on, row.rejected_by, row.rejected_at) {
            (Some(on), Some(by), Some(at)) => {
                let reason = row.reject_reason.unwrap_or_default();
                Some(Rejected { on, reason, by: names.reference(by)?, at: at.0 })
            }
            _ => None,
        },
        started_on: row.started_on,
        funding_period: row.funding_period_id.map(|id| names.reference(id)).transpose()?,
        pauses: Vec::new(),
        goals: Vec::new(),
        completed: match (
            row.completed_on,
            optional_code(row.outcome.as_deref())?,
            row.completed_by,
            row.completed_at,
        ) {
            (Some(on), Some(outcome), Some(by), Some(at)) => {
                let (note, by) = (row.completion_note, names.reference(by)?);
                Some(Completed { on, outcome, note, by, at: at.0 })
            }
            _ => None,
        },
        ended: match (
            row.ended_on,
            optional_code(row.end_reason.as_deref())?,
            row.ended_by,
            row.ended_at,
        ) {
            (Some(on), Some(reason), Some(by), Some(at)) => {
                let (note, by) = (row.end_note, names.reference(by)?);
                Some(Ended { on, reason, note, by, at: at.0 })
            }
            _ => None,
        },
        phases: template.phases.iter().map(Phase::from).collect(),
        steps: steps_of(&template.phases),
        state: None,
        recorded_by: names.reference(row.recorded_by)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such accompaniment in the scope.
pub fn find(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    id: AccompanimentId,
) -> Result<Accompaniment> {
    let not_found = Error::NotFound("accompaniment");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let found: Option<Seen> = accompaniments::table
        .inner_join(organisations::table)
        .filter(accompaniments::id.eq(Key(id.0)))
        .filter(accompaniments::carrier_id.eq(carrier))
        .select((accompaniments::all_columns, organisations::name))
        .first(conn)
        .optional()
        .db()?;
    parts::entities(conn, names, found.into_iter().collect())?.pop().ok_or(not_found)
}

/// What other records need to know of one in the scope.
///
/// # Errors
/// When the database cannot be read.
pub fn named(
    conn: &mut Conn,
    scope: &Scope,
    id: AccompanimentId,
) -> Result<Option<NamedAccompaniment>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(None) };
    let own = accompaniments::table
        .find(Key(id.0))
        .filter(accompaniments::carrier_id.eq(carrier))
        .select(accompaniments::id);
    let found: Option<Key> = own.first(conn).optional().db()?;
    Ok(named_among(conn, found.as_slice())?.into_values().next())
}

/// As [`named`], for records that name them and are in the scope themselves.
pub(crate) fn named_among(
    conn: &mut Conn,
    ids: &[Key],
) -> Result<HashMap<Key, NamedAccompaniment>> {
    type Found = (Key, Key, String, NaiveDate, Option<NaiveDate>);
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<Found> = on_backend!(conn, c => accompaniments::table
        .inner_join(organisations::table)
        .filter(among(accompaniments::id, ids))
        .select((
            accompaniments::id,
            accompaniments::company_id,
            organisations::name,
            accompaniments::requested_on,
            accompaniments::started_on,
        ))
        .load(c))
    .db()?;
    let named = found.into_iter().map(|(id, company, name, requested_on, started_on)| {
        let stands_on = started_on.unwrap_or(requested_on);
        let reference = reference(AccompanimentId(id.0), &name, stands_on);
        (id, NamedAccompaniment { reference, company_id: CompanyId(company.0) })
    });
    Ok(named.collect())
}

/// Whether a company is being accompanied, by whichever carrier.
///
/// # Errors
/// When the database cannot be read.
pub fn has_open(conn: &mut Conn, company: CompanyId) -> Result<bool> {
    let open = accompaniments::table
        .filter(accompaniments::company_id.eq(Key(company.0)))
        .filter(accompaniments::rejected_on.is_null())
        .filter(accompaniments::completed_on.is_null())
        .filter(accompaniments::ended_on.is_null());
    diesel::select(exists(open)).get_result(conn).db()
}

/// The last day on which a company was accompanied, by whichever carrier, of those that are over.
///
/// # Errors
/// When the database cannot be read.
pub fn last_end(conn: &mut Conn, company: CompanyId) -> Result<Option<NaiveDate>> {
    let ends: Vec<(Option<NaiveDate>, Option<NaiveDate>)> = accompaniments::table
        .filter(accompaniments::company_id.eq(Key(company.0)))
        .filter(accompaniments::started_on.is_not_null())
        .select((accompaniments::completed_on, accompaniments::ended_on))
        .load(conn)
        .db()?;
    Ok(ends.into_iter().filter_map(|(completed, ended)| completed.or(ended)).max())
}

/// Whether accompaniments that started in the period started outside the dates that it is to have.
///
/// # Errors
/// When the database cannot be read.
pub fn any_outside(conn: &mut Conn, period: &FundingPeriod) -> Result<bool> {
    let outside = accompaniments::table
        .filter(accompaniments::funding_period_id.eq(Some(Key(period.id.0))))
        .filter(
            accompaniments::started_on
                .lt(period.starts_on)
                .or(accompaniments::started_on.gt(period.ends_on)),
        );
    diesel::select(exists(outside)).get_result(conn).db()
}

/// # Errors
/// `Conflict` when the company is being accompanied.
pub fn insert(conn: &mut Conn, run: &Accompaniment) -> Result<()> {
    diesel::insert_into(accompaniments::table).values(Row::from(run)).execute(conn).db()?;
    parts::insert(conn, run)
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, run: &Accompaniment) -> Result<()> {
    let changed = diesel::update(accompaniments::table.find(Key(run.id.0)))
        .filter(accompaniments::version.eq(run.version - 1))
        .set(Row::from(run))
        .execute(conn)
        .db()?;
    one_row(changed, run.version)?;
    parts::remove(conn, run.id)?;
    parts::insert(conn, run)
}
