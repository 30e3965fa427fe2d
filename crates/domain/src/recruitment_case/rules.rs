//! What a recruitment case can be about, and which procedure is open to which purpose.

use chrono::NaiveDate;

use super::{RecruitmentCase, RecruitmentCaseInput};
use crate::accompaniment::{Accompaniment, checked_company, checked_site};
use crate::calendar::{FederalState, check_year};
use crate::check::Checks;
use crate::code::Code;
use crate::code_list::label_en;
use crate::consultation::{NoteWarning, OrganisationFacts, note_warnings};
use crate::country::{self, Country};
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::establishment::Establishment;
use crate::funding_period::FundingPeriod;
use crate::lead;
use crate::occupation::Occupation;
use crate::policy::Actor;
use crate::programme_template::{
    ProgrammeTemplate, RecruitmentProcedure, ResidencePurpose, TemplateStatus, TemplateUse, purpose,
};
use crate::site::Site;

/// What an input names, as far as it exists and the caller may know of it.
#[derive(Debug)]
pub struct Context {
    pub today: NaiveDate,
    pub company: Option<OrganisationFacts>,
    pub establishment: Option<Establishment>,
    /// One of the own carrier.
    pub accompaniment: Option<Accompaniment>,
    pub site: Option<Site>,
    /// Those of the users who can be given work of the carrier today.
    pub people: Vec<Reference>,
    pub template: Option<ProgrammeTemplate>,
    /// The period that the day of opening lies in.
    pub period: Option<FundingPeriod>,
    /// That of the day on which the case was opened so far, when the day changes.
    pub old_period: Option<FundingPeriod>,
}

#[derive(Debug)]
pub(super) struct Named<'a> {
    pub carrier: Reference,
    pub company: Reference,
    pub establishment: Option<Reference>,
    pub accompaniment: Option<Reference>,
    pub site: Reference,
    pub federal_state: FederalState,
    pub template: &'a ProgrammeTemplate,
    pub procedure: RecruitmentProcedure,
    pub vacancy: String,
    pub occupation: Occupation,
    pub country: Option<Country>,
    pub purpose: ResidencePurpose,
    pub opened_on: NaiveDate,
    pub lead: Reference,
    pub deputy: Option<Reference>,
    pub notes: Option<String>,
}

/// `before` is the case as it is, when it is changed.
pub(super) fn check<'a>(
    actor: &Actor,
    input: &RecruitmentCaseInput,
    context: &'a Context,
    before: Option<&RecruitmentCase>,
) -> Result<Named<'a>> {
    let carrier = actor.own_carrier()?;
    let mut checks = Checks::new();
    let vacancy = checks.line("/vacancy", &input.vacancy, 200);
    let notes = checks.optional_prose("/notes", input.notes.as_deref(), 10_000);
    let company = company(&mut checks, input, context, before);
    let establishment = establishment(&mut checks, input, context, before);
    let accompaniment = accompaniment(&mut checks, input, context, before);
    let kept = before.map(|before| &before.site);
    let site = checked_site(&mut checks, carrier, context.site.as_ref(), context.today, kept);
    let occupation = occupation(&mut checks, input);
    check_candidate_reference(&mut checks, &input.candidate_reference);
    let country = country(&mut checks, input);
    let template = template(&mut checks, input, context, before);
    let purpose = checked_purpose(&mut checks, input, template);
    let opened_on =
        input.opened_on.or(before.map(|before| before.opened_on)).unwrap_or(context.today);
    check_year(&mut checks, "/opened_on", opened_on);
    checks.require(
        opened_on <= context.today,
        "/opened_on",
        "in_the_future",
        &format!("must not be after today, {}", context.today),
    );
    // The figures of a period lean on when its cases were opened. What keeps its day is left alone.
    let moves = before.is_none_or(|before| before.opened_on != opened_on);
    checks.require(
        !moves || context.period.is_some(),
        "/opened_on",
        "outside_funding_periods",
        "must lie in a funding period",
    );
    if let Some(target_on) = input.target_on {
        check_year(&mut checks, "/target_on", target_on);
        checks.require(
            target_on >= opened_on,
            "/target_on",
            "before_start",
            "must not be before opened_on",
        );
    }
    let (lead, deputy) = lead::checked(
        &mut checks,
        actor,
        (input.lead_id, input.deputy_id),
        &context.people,
        before.map(RecruitmentCase::leads),
    );
    checks.finish()?;
    for period in [&context.period, &context.old_period].into_iter().flatten().filter(|_| moves) {
        period.accepts_entries_of(actor.role)?;
    }
    let (Some(company), Some(site), Some(template), Some(occupation), Some(purpose), Some(lead)) =
        (company, site, template, occupation, purpose, lead)
    else {
        return Err(Error::internal("a recruitment case without what it needs passed the rules"));
    };
    let procedure = template
        .procedure
        .ok_or_else(|| Error::internal("a template of recruitment cases without a procedure"))?;
    Ok(Named {
        carrier: Reference::new(carrier.id, &carrier.name),
        company,
        establishment,
        accompaniment,
        site: Reference::new(site.id, &site.name),
        federal_state: site.federal_state,
        template,
        procedure,
        vacancy,
        occupation,
        country,
        purpose,
        opened_on,
        lead,
        deputy,
        notes,
    })
}

fn company(
    checks: &mut Checks,
    input: &RecruitmentCaseInput,
    context: &Context,
    before: Option<&RecruitmentCase>,
) -> Option<Reference> {
    const POINTER: &str = "/company_id";
    if let Some(before) = before {
        let same = before.company.id == input.company_id.0;
        checks.require(same, POINTER, "immutable", "cannot change; open another case");
        return Some(before.company.clone());
    }
    checked_company(checks, POINTER, context.company.as_ref())
}

fn establishment(
    checks: &mut Checks,
    input: &RecruitmentCaseInput,
    context: &Context,
    before: Option<&RecruitmentCase>,
) -> Option<Reference> {
    const POINTER: &str = "/establishment_id";
    let id = input.establishment_id?;
    let kept = before.and_then(|before| before.establishment.as_ref());
    if let Some(kept) = kept.filter(|kept| kept.id == id.0) {
        return Some(kept.clone());
    }
    let found = context.establishment.as_ref();
    let Some(found) = found.filter(|found| found.company.id == input.company_id.0) else {
        checks.fail(POINTER, "unknown", "must be an establishment of the company");
        return None;
    };
    checks.require(found.archived.is_none(), POINTER, "archived", "must not be archived");
    Some(Reference::new(found.id, &found.name))
}

fn accompaniment(
    checks: &mut Checks,
    input: &RecruitmentCaseInput,
    context: &Context,
    before: Option<&RecruitmentCase>,
) -> Option<Reference> {
    const POINTER: &str = "/accompaniment_id";
    let id = input.accompaniment_id?;
    let kept = before.and_then(|before| before.accompaniment.as_ref());
    if let Some(kept) = kept.filter(|kept| kept.id == id.0) {
        return Some(kept.clone());
    }
    let found = context.accompaniment.as_ref();
    let Some(found) = found.filter(|found| found.company.id == input.company_id.0) else {
        checks.fail(POINTER, "unknown", "must be an accompaniment of the company");
        return None;
    };
    checks.require(found.is_open(), POINTER, "not_open", "must not be rejected or over");
    Some(found.reference())
}

fn occupation(checks: &mut Checks, input: &RecruitmentCaseInput) -> Option<Occupation> {
    checks.require(
        input.occupation.workers.is_none(),
        "/occupation/workers",
        "not_settable",
        "must be absent: a case is about one worker",
    );
    Occupation::new(&input.occupation)
        .map_err(|(field, code, message)| {
            checks.fail(format!("/occupation/{field}"), code, message);
        })
        .ok()
}

/// Nothing that names somebody outside the carrier's own list: a digit keeps names out, and what looks like a
/// passport number is none of ours.
fn check_candidate_reference(checks: &mut Checks, reference: &str) {
    const POINTER: &str = "/candidate_reference";
    let letters = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    checks.require(
        (2..=20).contains(&reference.len())
            && reference.chars().all(letters)
            && reference.chars().any(|c| c.is_ascii_digit()),
        POINTER,
        "not_a_pseudonym",
        "must be 2 to 20 capital letters, digits and hyphens, with a digit, such as K-2026-014",
    );
    checks.require(
        !note_warnings(reference).contains(&NoteWarning::PassportNumber),
        POINTER,
        "passport_number",
        "must not be the number of a passport",
    );
}

fn country(checks: &mut Checks, input: &RecruitmentCaseInput) -> Option<Country> {
    let code = input.country.as_deref()?;
    let found = country::find(code);
    checks.require(
        found.is_some(),
        "/country",
        "not_a_country",
        "must be an ISO 3166-1 alpha-2 code such as MA, or XK",
    );
    found.cloned()
}

fn template<'a>(
    checks: &mut Checks,
    input: &RecruitmentCaseInput,
    context: &'a Context,
    before: Option<&RecruitmentCase>,
) -> Option<&'a ProgrammeTemplate> {
    const POINTER: &str = "/template_id";
    if before.is_some_and(|before| before.template.id != input.template_id) {
        checks.fail(POINTER, "immutable", "cannot change; open another case");
        return None;
    }
    let found = context.template.as_ref();
    let Some(found) = found.filter(|found| found.used_for == TemplateUse::RecruitmentCase) else {
        checks.fail(POINTER, "unknown", "must be a template of recruitment cases");
        return None;
    };
    checks.require(
        before.is_some() || found.status == TemplateStatus::Published,
        POINTER,
        "not_published",
        "must be a published version",
    );
    Some(found)
}

fn checked_purpose(
    checks: &mut Checks,
    input: &RecruitmentCaseInput,
    template: Option<&ProgrammeTemplate>,
) -> Option<ResidencePurpose> {
    const POINTER: &str = "/purpose";
    let Some(found) = purpose(&input.purpose) else {
        checks.fail(POINTER, "unknown", "must be a code of the list residence_purpose");
        return None;
    };
    if let Some(template) = template.filter(|template| !template.purposes.contains(&found.code)) {
        let procedure = template
            .procedure
            .map_or("procedure", |procedure| label_en(RecruitmentProcedure::SET, procedure.code()));
        let message = format!(
            "must be a purpose that the procedure is open to: {procedure} is open to {}",
            template.purposes.join(", ")
        );
        checks.fail(POINTER, "not_open_to_purpose", message);
    }
    Some(found.clone())
}
