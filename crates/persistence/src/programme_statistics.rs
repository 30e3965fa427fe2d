//! What the figures of accompaniments and recruitment cases are counted from. They are a few thousand at most,
//! and days, medians and what was due come from the engine of plans, so they are read whole and counted in the
//! domain.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::dsl::count_star;
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::policy::Scope;
use lotse_domain::programme_statistics::{
    CompanyFacts, CountedCase, CountedRun, NotBegun, ProgrammeStatisticsQuery,
};
use lotse_domain::programme_template::TemplateReference;
use lotse_domain::recruitment_case::RecruitmentOutcome;
use lotse_domain::statistics::Window;

use crate::accompaniment;
use crate::among::among;
use crate::connection::Conn;
use crate::convert::{code, optional_code};
use crate::error::DbResult;
use crate::names::Names;
use crate::schema::{
    accompaniments, company_profiles, organisations, programme_templates, recruitment_cases,
};
use crate::sql_types::Key;

/// Those that started in the window.
///
/// # Errors
/// When the database cannot be read.
pub fn runs(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &ProgrammeStatisticsQuery,
) -> Result<Vec<CountedRun>> {
    let runs =
        accompaniment::started_in(conn, names, scope, query.funding_period_id, query.window)?;
    let companies: Vec<Key> = runs.iter().map(|run| Key(run.company.id)).collect();
    let mut companies = companies_facts(conn, companies)?;
    let ids: Vec<Key> = runs.iter().map(|run| Key(run.id.0)).collect();
    let hires = hires(conn, &ids)?;
    let counted = runs.into_iter().map(|run| CountedRun {
        company: companies.entry(Key(run.company.id)).or_default().clone(),
        hires: hires.get(&Key(run.id.0)).copied().unwrap_or_default(),
        run,
    });
    Ok(counted.collect())
}

/// Those that were opened in the window.
///
/// # Errors
/// When the database cannot be read.
pub fn cases(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &ProgrammeStatisticsQuery,
) -> Result<Vec<CountedCase>> {
    type Found = (Key, Key, Key, (Key, String), NaiveDate, Option<String>, Template);
    let by = programme_templates::id.eq(recruitment_cases::template_id);
    let mut opened = recruitment_cases::table
        .inner_join(programme_templates::table.on(by))
        .inner_join(organisations::table.on(organisations::id.eq(recruitment_cases::company_id)))
        .filter(recruitment_cases::opened_on.between(query.window.from, query.window.to))
        .select((
            recruitment_cases::id,
            recruitment_cases::carrier_id,
            recruitment_cases::site_id,
            (organisations::id, organisations::name),
            recruitment_cases::opened_on,
            recruitment_cases::outcome,
            (
                programme_templates::id,
                programme_templates::code,
                programme_templates::version_number,
                programme_templates::label_de,
                programme_templates::label_en,
                programme_templates::procedure,
            ),
        ))
        .into_boxed();
    match scope {
        Scope::Nothing => return Ok(Vec::new()),
        Scope::Network => (),
        Scope::Carrier(carrier) => {
            opened = opened.filter(recruitment_cases::carrier_id.eq(Key(carrier.0)));
        }
    }
    let found: Vec<Found> = opened.load(conn).db()?;
    let mut companies = companies_facts(conn, found.iter().map(|row| row.3.0).collect())?;
    found
        .into_iter()
        .map(|(case, carrier, site, company, opened_on, outcome, template)| {
            let (template, procedure) = template_reference(template);
            let (company, company_name) = company;
            Ok(CountedCase {
                id: case.0,
                carrier: names.reference(carrier)?,
                site: names.reference(site)?,
                template,
                company: Reference { id: company.0, name: company_name },
                facts: companies.entry(company).or_default().clone(),
                opened_on,
                procedure: code(procedure.as_deref().unwrap_or_default())?,
                outcome: optional_code(outcome.as_deref())?,
            })
        })
        .collect()
}

/// With the procedure.
type Template = (Key, String, i32, String, String, Option<String>);

fn template_reference(template: Template) -> (TemplateReference, Option<String>) {
    let (id, code, version_number, label_de, label_en, procedure) = template;
    (TemplateReference { id: id.0.into(), code, version_number, label_de, label_en }, procedure)
}

/// Accompaniments that were asked for in the period and never began.
///
/// # Errors
/// When the database cannot be read.
pub fn not_begun(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    asked: Window,
) -> Result<Vec<NotBegun>> {
    type Found = (Key, Key, Key, (Key, String), NaiveDate, Option<NaiveDate>, Template);
    let by = programme_templates::id.eq(accompaniments::template_id);
    let mut requested = accompaniments::table
        .inner_join(programme_templates::table.on(by))
        .inner_join(organisations::table.on(organisations::id.eq(accompaniments::company_id)))
        .filter(accompaniments::started_on.is_null())
        .filter(accompaniments::requested_on.between(asked.from, asked.to))
        .select((
            accompaniments::id,
            accompaniments::carrier_id,
            accompaniments::site_id,
            (organisations::id, organisations::name),
            accompaniments::requested_on,
            accompaniments::rejected_on,
            (
                programme_templates::id,
                programme_templates::code,
                programme_templates::version_number,
                programme_templates::label_de,
                programme_templates::label_en,
                programme_templates::procedure,
            ),
        ))
        .into_boxed();
    match scope {
        Scope::Nothing => return Ok(Vec::new()),
        Scope::Network => (),
        Scope::Carrier(carrier) => {
            requested = requested.filter(accompaniments::carrier_id.eq(Key(carrier.0)));
        }
    }
    let found: Vec<Found> = requested.load(conn).db()?;
    let mut companies = companies_facts(conn, found.iter().map(|row| row.3.0).collect())?;
    found
        .into_iter()
        .map(|(id, carrier, site, company, requested_on, rejected_on, template)| {
            let (company, company_name) = company;
            Ok(NotBegun {
                id: id.0,
                carrier: names.reference(carrier)?,
                site: names.reference(site)?,
                template: template_reference(template).0,
                company: Reference { id: company.0, name: company_name },
                facts: companies.entry(company).or_default().clone(),
                requested_on,
                rejected: rejected_on.is_some(),
            })
        })
        .collect()
}

fn companies_facts(conn: &mut Conn, mut ids: Vec<Key>) -> Result<HashMap<Key, CompanyFacts>> {
    type Found = (Key, String, Option<String>, Option<String>);
    ids.sort_unstable();
    ids.dedup();
    let found: Vec<Found> = on_backend!(conn, c => company_profiles::table
        .filter(among(company_profiles::organisation_id, &ids))
        .select((
            company_profiles::organisation_id,
            company_profiles::size_class,
            company_profiles::classification,
            company_profiles::section,
        ))
        .load(c))
    .db()?;
    found
        .into_iter()
        .map(|(id, size_class, classification, section)| {
            let section =
                classification.zip(section).map(|(edition, it)| format!("{edition}:{it}"));
            Ok((id, CompanyFacts { size_class: Some(code(&size_class)?), section }))
        })
        .collect()
}

/// How many cases of each run ended with work, whenever they were opened.
fn hires(conn: &mut Conn, runs: &[Key]) -> Result<HashMap<Key, i64>> {
    let found: Vec<(Option<Key>, i64)> = on_backend!(conn, c => recruitment_cases::table
        .filter(among(recruitment_cases::accompaniment_id.assume_not_null(), runs))
        .filter(recruitment_cases::outcome.eq(Some(RecruitmentOutcome::WorkStarted.code())))
        .group_by(recruitment_cases::accompaniment_id)
        .select((recruitment_cases::accompaniment_id, count_star()))
        .load(c))
    .db()?;
    Ok(found.into_iter().filter_map(|(run, count)| Some((run?, count))).collect())
}
