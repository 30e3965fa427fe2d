use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::consultation::note_warnings;
use lotse_domain::country;
use lotse_domain::entity::Reference;
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{
    AccompanimentId, CompanyId, ProgrammeTemplateId, RecruitmentCaseId, UserId,
};
use lotse_domain::occupation::{Occupation, OccupationInput};
use lotse_domain::page::{Page, Paging};
use lotse_domain::plan::{Phase, steps_of};
use lotse_domain::policy::Scope;
use lotse_domain::programme_template::{ProgrammeTemplate, purpose};
use lotse_domain::recruitment_case::{
    NamedRecruitmentCase, RecruitmentCase, RecruitmentCaseFilter, RecruitmentCaseSort,
    RecruitmentCaseStatus, RecruitmentClosed, reference as case_reference,
};
use lotse_domain::{Error, Result};

use crate::accompaniment;
use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, optional_code, reference};
use crate::error::{DbResult, one_row};
use crate::merge;
use crate::names::Names;
use crate::page::first;
use crate::programme_template;
use crate::schema::{
    establishments, organisations, programme_templates, recruitment_case_steps, recruitment_cases,
};
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = recruitment_cases, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    company_id: Key,
    establishment_id: Option<Key>,
    accompaniment_id: Option<Key>,
    site_id: Key,
    federal_state: String,
    template_id: Key,
    vacancy: String,
    occupation_code: String,
    skill_level: Option<String>,
    candidate_reference: String,
    country: Option<String>,
    purpose: String,
    opened_on: NaiveDate,
    target_on: Option<NaiveDate>,
    lead_id: Key,
    deputy_id: Option<Key>,
    notes: Option<String>,
    closed_on: Option<NaiveDate>,
    outcome: Option<String>,
    closing_note: Option<String>,
    closed_by: Option<Key>,
    closed_at: Option<At>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&RecruitmentCase> for Row {
    fn from(case: &RecruitmentCase) -> Self {
        let key = |reference: &Option<Reference>| reference.as_ref().map(|found| Key(found.id));
        let closed = case.closed.as_ref();
        let skill_level = case.occupation.skill_level;
        Self {
            id: Key(case.id.0),
            carrier_id: Key(case.carrier.id),
            company_id: Key(case.company.id),
            establishment_id: key(&case.establishment),
            accompaniment_id: key(&case.accompaniment),
            site_id: Key(case.site.id),
            federal_state: case.federal_state.code().to_owned(),
            template_id: Key(case.template.id.0),
            vacancy: case.vacancy.clone(),
            occupation_code: case.occupation.code.clone(),
            skill_level: skill_level.map(|level| level.code().to_owned()),
            candidate_reference: case.candidate_reference.clone(),
            country: case.country.as_ref().map(|country| country.code.clone()),
            purpose: case.purpose.code.clone(),
            opened_on: case.opened_on,
            target_on: case.target_on,
            lead_id: Key(case.lead.id),
            deputy_id: key(&case.deputy),
            notes: case.notes.clone(),
            closed_on: closed.map(|closed| closed.on),
            outcome: closed.map(|closed| closed.outcome.code().to_owned()),
            closing_note: closed.and_then(|closed| closed.note.clone()),
            closed_by: closed.map(|closed| Key(closed.by.id)),
            closed_at: closed.map(|closed| At(closed.at)),
            recorded_by: Key(case.recorded_by.id),
            version: case.version,
            created_at: At(case.created_at),
            updated_at: At(case.updated_at),
        }
    }
}

step_row!(StepRow, recruitment_case_steps, recruitment_case_id);

/// A row with the names of the company and the establishment.
type Seen = (Row, String, Option<String>);

#[diesel::dsl::auto_type(no_type_alias)]
fn with_names() -> _ {
    recruitment_cases::table
        .inner_join(organisations::table.on(organisations::id.eq(recruitment_cases::company_id)))
        .left_join(
            establishments::table
                .on(recruitment_cases::establishment_id.eq(establishments::id.nullable())),
        )
}

/// The cases behind rows, whole and in the order of the rows.
fn entities(conn: &mut Conn, names: &Names, rows: Vec<Seen>) -> Result<Vec<RecruitmentCase>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut used: Vec<_> =
        rows.iter().map(|(row, ..)| ProgrammeTemplateId(row.template_id.0)).collect();
    used.sort_unstable();
    used.dedup();
    let templates = programme_template::with_ids(conn, names, &used)?;
    let runs: Vec<Key> = rows.iter().filter_map(|(row, ..)| row.accompaniment_id).collect();
    let runs = accompaniment::named_among(conn, &runs)?;
    let places: HashMap<Key, usize> = rows.iter().map(|(row, ..)| row.id).zip(0..).collect();
    let ids: Vec<Key> = rows.iter().map(|(row, ..)| row.id).collect();
    let mut cases: Vec<RecruitmentCase> = rows
        .into_iter()
        .map(|seen| {
            let template = templates.iter().find(|template| template.id.0 == seen.0.template_id.0);
            let template = template
                .ok_or_else(|| Error::internal("the template of a recruitment case is missing"))?;
            let run = seen.0.accompaniment_id.and_then(|id| runs.get(&id));
            entity(seen, template, run.map(|run| run.reference.clone()), names)
        })
        .collect::<Result<_>>()?;
    let steps: Vec<StepRow> = on_backend!(conn, c => recruitment_case_steps::table
        .filter(among(recruitment_case_steps::recruitment_case_id, &ids))
        .load(c))
    .db()?;
    for row in steps {
        let case = &mut cases[places[&row.recruitment_case_id]];
        row.put(&mut case.steps, names)?;
    }
    Ok(cases)
}

/// The case as far as its row tells it: what is recorded of the steps comes on top.
fn entity(
    (row, company, establishment): Seen,
    template: &ProgrammeTemplate,
    accompaniment: Option<Reference>,
    names: &Names,
) -> Result<RecruitmentCase> {
    let procedure = template
        .procedure
        .ok_or_else(|| Error::internal("a template of recruitment cases without a procedure"))?;
    let occupation = Occupation::new(&OccupationInput {
        code: row.occupation_code,
        skill_level: optional_code(row.skill_level.as_deref())?,
        workers: None,
    })
    .map_err(|(_, _, message)| Error::internal(format!("the occupation of a case {message}")))?;
    let purpose = purpose(&row.purpose)
        .ok_or_else(|| Error::internal(format!("unknown purpose of residence: {}", row.purpose)))?;
    let closed = match (row.closed_on, row.closed_by, row.closed_at) {
        (Some(on), Some(by), Some(at)) => Some(RecruitmentClosed {
            on,
            outcome: code(row.outcome.as_deref().unwrap_or_default())?,
            note: row.closing_note,
            by: names.reference(by)?,
            at: at.0,
        }),
        _ => None,
    };
    Ok(RecruitmentCase {
        id: RecruitmentCaseId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        company: Reference::new(CompanyId(row.company_id.0), company),
        establishment: reference(row.establishment_id, establishment),
        accompaniment,
        site: names.reference(row.site_id)?,
        federal_state: code(&row.federal_state)?,
        template: template.reference(),
        procedure,
        vacancy: row.vacancy,
        occupation,
        candidate_reference: row.candidate_reference,
        country: row.country.as_deref().and_then(country::find).cloned(),
        purpose: purpose.clone(),
        opened_on: row.opened_on,
        target_on: row.target_on,
        lead: names.reference(row.lead_id)?,
        deputy: row.deputy_id.map(|id| names.reference(id)).transpose()?,
        note_warnings: row.notes.as_deref().map(note_warnings).unwrap_or_default(),
        notes: row.notes,
        closed,
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
/// `NotFound` when there is no such case in the scope.
pub fn find(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    id: RecruitmentCaseId,
) -> Result<RecruitmentCase> {
    let not_found = Error::NotFound("recruitment case");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let found: Option<Seen> = with_names()
        .filter(recruitment_cases::id.eq(Key(id.0)))
        .filter(recruitment_cases::carrier_id.eq(carrier))
        .select((
            recruitment_cases::all_columns,
            organisations::name,
            establishments::name.nullable(),
        ))
        .first(conn)
        .optional()
        .db()?;
    entities(conn, names, found.into_iter().collect())?.pop().ok_or(not_found)
}

/// What other records need to know of one in the scope.
///
/// # Errors
/// When the database cannot be read.
pub fn named(
    conn: &mut Conn,
    scope: &Scope,
    id: RecruitmentCaseId,
) -> Result<Option<NamedRecruitmentCase>> {
    type Found = (Key, Option<Key>, String, String);
    let Some(carrier) = carrier_of(scope) else { return Ok(None) };
    let found: Option<Found> = recruitment_cases::table
        .find(Key(id.0))
        .filter(recruitment_cases::carrier_id.eq(carrier))
        .select((
            recruitment_cases::company_id,
            recruitment_cases::accompaniment_id,
            recruitment_cases::candidate_reference,
            recruitment_cases::vacancy,
        ))
        .first(conn)
        .optional()
        .db()?;
    Ok(found.map(|(company, run, candidate, vacancy)| NamedRecruitmentCase {
        reference: case_reference(id, &candidate, &vacancy),
        company_id: CompanyId(company.0),
        accompaniment_id: run.map(|run| AccompanimentId(run.0)),
    }))
}

/// `user` is the caller that a filter may speak of.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &RecruitmentCaseFilter,
    user: UserId,
    paging: &Paging,
) -> Result<Page<RecruitmentCase>> {
    let sort = filter.sort.unwrap_or_default();
    let key = |case: &RecruitmentCase| (sort.key(case), case.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let company = merge::current(conn, filter.company_id)?;
    let matching = || {
        let mut query = with_names().filter(recruitment_cases::carrier_id.eq(carrier)).into_boxed();
        if let Some(company) = company {
            query = query.filter(recruitment_cases::company_id.eq(Key(company.0)));
        }
        if let Some(run) = filter.accompaniment_id {
            query = query.filter(recruitment_cases::accompaniment_id.eq(Some(Key(run.0))));
        }
        if let Some(site) = filter.site_id {
            query = query.filter(recruitment_cases::site_id.eq(Key(site.0)));
        }
        if let Some(lead) = filter.lead_id {
            query = query.filter(recruitment_cases::lead_id.eq(Key(lead.0)));
        }
        if filter.mine == Some(true) {
            query = query.filter(leads(Key(user.0)));
        }
        query = match filter.status {
            None => query,
            Some(RecruitmentCaseStatus::Open) => {
                query.filter(recruitment_cases::closed_on.is_null())
            }
            Some(RecruitmentCaseStatus::Closed) => {
                query.filter(recruitment_cases::closed_on.is_not_null())
            }
        };
        if let Some(outcome) = filter.outcome {
            query = query.filter(recruitment_cases::outcome.eq(Some(outcome.code())));
        }
        if let Some(procedure) = filter.procedure {
            let of_procedure = programme_templates::table
                .filter(programme_templates::procedure.eq(procedure.code()))
                .select(programme_templates::id);
            query = query.filter(recruitment_cases::template_id.eq_any(of_procedure));
        }
        if let Some(purpose) = &filter.purpose {
            query = query.filter(recruitment_cases::purpose.eq(purpose));
        }
        if let Some(digits) = &filter.occupation {
            // The colon follows the digits: every code that begins with these.
            query = query
                .filter(recruitment_cases::occupation_code.ge(digits))
                .filter(recruitment_cases::occupation_code.lt(format!("{digits}:")));
        }
        if let Some(reference) = &filter.candidate_reference {
            query = query.filter(recruitment_cases::candidate_reference.eq(reference));
        }
        if let Some(from) = filter.from {
            query = query.filter(recruitment_cases::opened_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(recruitment_cases::opened_on.le(to));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        let id = Key(after.id);
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        page = match sort {
            RecruitmentCaseSort::OpenedOn => {
                let on: NaiveDate = after.parse()?;
                page.filter(recruitment_cases::opened_on.ge(on))
                    .filter(recruitment_cases::opened_on.gt(on).or(recruitment_cases::id.gt(id)))
            }
            RecruitmentCaseSort::OpenedOnDescending => {
                let on: NaiveDate = after.parse()?;
                page.filter(recruitment_cases::opened_on.le(on))
                    .filter(recruitment_cases::opened_on.lt(on).or(recruitment_cases::id.lt(id)))
            }
            RecruitmentCaseSort::CreatedAt => {
                let at = At(after.parse::<DateTime<Utc>>()?);
                page.filter(recruitment_cases::created_at.ge(at))
                    .filter(recruitment_cases::created_at.gt(at).or(recruitment_cases::id.gt(id)))
            }
            RecruitmentCaseSort::CreatedAtDescending => {
                let at = At(after.parse::<DateTime<Utc>>()?);
                page.filter(recruitment_cases::created_at.le(at))
                    .filter(recruitment_cases::created_at.lt(at).or(recruitment_cases::id.lt(id)))
            }
        };
    }
    page = match sort {
        RecruitmentCaseSort::OpenedOn => {
            page.order((recruitment_cases::opened_on, recruitment_cases::id))
        }
        RecruitmentCaseSort::OpenedOnDescending => {
            page.order((recruitment_cases::opened_on.desc(), recruitment_cases::id.desc()))
        }
        RecruitmentCaseSort::CreatedAt => {
            page.order((recruitment_cases::created_at, recruitment_cases::id))
        }
        RecruitmentCaseSort::CreatedAtDescending => {
            page.order((recruitment_cases::created_at.desc(), recruitment_cases::id.desc()))
        }
    };
    let rows: Vec<Seen> = first(
        paging,
        page.select((
            recruitment_cases::all_columns,
            organisations::name,
            establishments::name.nullable(),
        )),
    )
    .load(conn)
    .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    paging.page(entities(conn, names, rows)?, total, key)
}

/// Those that a user leads or stands in for.
#[diesel::dsl::auto_type(no_type_alias)]
fn leads(user: Key) -> _ {
    recruitment_cases::lead_id.eq(user).or(recruitment_cases::deputy_id.assume_not_null().eq(user))
}

/// Open ones that a user leads or stands in for.
///
/// # Errors
/// When the database cannot be read.
pub fn of_user(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    user: UserId,
) -> Result<Vec<RecruitmentCase>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let rows: Vec<Seen> = with_names()
        .filter(recruitment_cases::carrier_id.eq(carrier))
        .filter(leads(Key(user.0)))
        .filter(recruitment_cases::closed_on.is_null())
        .order(recruitment_cases::id)
        .select((
            recruitment_cases::all_columns,
            organisations::name,
            establishments::name.nullable(),
        ))
        .load(conn)
        .db()?;
    entities(conn, names, rows)
}

/// Whether cases that were opened in a period as it is lie outside it as it is to be. They name no period: the
/// day of opening says which one.
///
/// # Errors
/// When the database cannot be read.
pub fn any_outside(conn: &mut Conn, old: &FundingPeriod, new: &FundingPeriod) -> Result<bool> {
    let outside = recruitment_cases::table
        .filter(recruitment_cases::opened_on.between(old.starts_on, old.ends_on))
        .filter(
            recruitment_cases::opened_on
                .lt(new.starts_on)
                .or(recruitment_cases::opened_on.gt(new.ends_on)),
        );
    diesel::select(exists(outside)).get_result(conn).db()
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, case: &RecruitmentCase) -> Result<()> {
    diesel::insert_into(recruitment_cases::table).values(Row::from(case)).execute(conn).db()?;
    insert_steps(conn, case)
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, case: &RecruitmentCase) -> Result<()> {
    let changed = diesel::update(recruitment_cases::table.find(Key(case.id.0)))
        .filter(recruitment_cases::version.eq(case.version - 1))
        .set(Row::from(case))
        .execute(conn)
        .db()?;
    one_row(changed, case.version)?;
    diesel::delete(recruitment_case_steps::table)
        .filter(recruitment_case_steps::recruitment_case_id.eq(Key(case.id.0)))
        .execute(conn)
        .db()?;
    insert_steps(conn, case)
}

fn insert_steps(conn: &mut Conn, case: &RecruitmentCase) -> Result<()> {
    let steps = StepRow::of(Key(case.id.0), &case.steps, &case.awaited_on());
    on_backend!(conn, c => diesel::insert_into(recruitment_case_steps::table)
        .values(&steps)
        .execute(c))
    .db()?;
    Ok(())
}
