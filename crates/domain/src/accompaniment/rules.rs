//! Who can be accompanied by whom.

use chrono::NaiveDate;

use super::{Accompaniment, AccompanimentInput};
use crate::calendar::{FederalState, check_year};
use crate::check::Checks;
use crate::consultation::OrganisationFacts;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::lead;
use crate::organisation::OrganisationKind;
use crate::policy::{Actor, CarrierRef};
use crate::programme_template::{ProgrammeTemplate, TemplateStatus, TemplateUse};
use crate::site::Site;

/// What an input names, as far as it exists and the caller may know of it.
#[derive(Debug)]
pub struct Context {
    pub today: NaiveDate,
    pub company: Option<OrganisationFacts>,
    pub site: Option<Site>,
    /// Those of the users who can be given work of the carrier today.
    pub people: Vec<Reference>,
    /// The one that is named, else the published version of the 100 days.
    pub template: Option<ProgrammeTemplate>,
    /// Whether the company has another open accompaniment, of any carrier.
    pub has_open_run: bool,
}

#[derive(Debug)]
pub(super) struct Named<'a> {
    pub carrier: Reference,
    pub company: Reference,
    pub site: Reference,
    pub federal_state: FederalState,
    pub template: &'a ProgrammeTemplate,
    pub lead: Reference,
    pub deputy: Option<Reference>,
    pub notes: Option<String>,
    pub requested_on: NaiveDate,
}

/// `before` is the accompaniment as it is, when it is changed.
pub(super) fn check<'a>(
    actor: &Actor,
    input: &AccompanimentInput,
    context: &'a Context,
    before: Option<&Accompaniment>,
) -> Result<Named<'a>> {
    let carrier = actor.own_carrier()?;
    let mut checks = Checks::new();
    let notes = checks.optional_prose("/notes", input.notes.as_deref(), 10_000);
    let company = company(&mut checks, input, context, before);
    let kept = before.map(|before| &before.site);
    let site = checked_site(&mut checks, carrier, context.site.as_ref(), context.today, kept);
    let moved = before.filter(|before| before.site.id != input.site_id.0);
    if let Some(before) = moved.filter(|before| before.started_on.is_some()) {
        checks.require(
            site.is_none_or(|site| site.federal_state == before.federal_state),
            "/site_id",
            "another_federal_state",
            "must be in the same federal state: its holidays gave the dates of the steps",
        );
    }
    let kept = before.map(|before| before.lead.id);
    checks.require(
        kept.is_none() || input.lead_id.is_none_or(|id| kept == Some(id.0)),
        "/lead_id",
        "immutable",
        "cannot change; hand the accompaniment over",
    );
    let (lead, deputy) = lead::checked(
        &mut checks,
        actor,
        (input.lead_id, input.deputy_id),
        &context.people,
        before.map(Accompaniment::leads),
    );
    let template = template(&mut checks, context, before);
    let requested_on =
        input.requested_on.or(before.map(|before| before.requested_on)).unwrap_or(context.today);
    check_year(&mut checks, "/requested_on", requested_on);
    checks.require(
        requested_on <= context.today,
        "/requested_on",
        "in_the_future",
        &format!("must not be after today, {}", context.today),
    );
    let next = before.and_then(|before| {
        let agreed = before.agreed.as_ref().map(|agreed| agreed.on);
        agreed.into_iter().chain(before.started_on).min()
    });
    if let Some(next) = next {
        let message = &format!("must not be after {next}, when it was agreed or began");
        checks.require(requested_on <= next, "/requested_on", "after_agreement", message);
    }
    checks.finish()?;
    let (Some(company), Some(site), Some(lead), Some(template)) = (company, site, lead, template)
    else {
        return Err(Error::internal("an accompaniment without what it needs passed the rules"));
    };
    Ok(Named {
        carrier: Reference::new(carrier.id, &carrier.name),
        company,
        site: Reference::new(site.id, &site.name),
        federal_state: site.federal_state,
        template,
        lead,
        deputy,
        notes,
        requested_on,
    })
}

fn company(
    checks: &mut Checks,
    input: &AccompanimentInput,
    context: &Context,
    before: Option<&Accompaniment>,
) -> Option<Reference> {
    const POINTER: &str = "/company_id";
    if let Some(before) = before {
        checks.require(
            before.company.id == input.company_id.0,
            POINTER,
            "immutable",
            "cannot change; request another accompaniment",
        );
        return Some(before.company.clone());
    }
    checked_company(checks, POINTER, context.company.as_ref())
}

/// A company that a record can be about.
pub(crate) fn checked_company(
    checks: &mut Checks,
    pointer: &str,
    found: Option<&OrganisationFacts>,
) -> Option<Reference> {
    let found = found.filter(|found| found.reference.kind == OrganisationKind::Company);
    match found {
        None => checks.fail(pointer, "unknown", "must be a company"),
        Some(found) => {
            checks.require(!found.archived, pointer, "archived", "must not be archived");
        }
    }
    found.map(|found| Reference::new(found.reference.id, &found.reference.name))
}

/// A site of the carrier that is open today, or the one that it was.
pub(crate) fn checked_site<'a>(
    checks: &mut Checks,
    carrier: &CarrierRef,
    found: Option<&'a Site>,
    today: NaiveDate,
    kept: Option<&Reference>,
) -> Option<&'a Site> {
    const POINTER: &str = "/site_id";
    let Some(site) = found else {
        checks.fail(POINTER, "unknown", "must be a site, see GET /api/v1/sites");
        return None;
    };
    let is_kept = kept.is_some_and(|kept| kept.id == site.id.0);
    if site.carrier.id != carrier.id.0 {
        checks.fail(POINTER, "site_of_another_carrier", "must be a site of your carrier");
    } else if !is_kept && !site.open_on(today) {
        checks.fail(POINTER, "not_open_on_date", "must be a site that is open today");
    }
    Some(site)
}

fn template<'a>(
    checks: &mut Checks,
    context: &'a Context,
    before: Option<&Accompaniment>,
) -> Option<&'a ProgrammeTemplate> {
    const POINTER: &str = "/template_id";
    let found = context.template.as_ref();
    let found = found.filter(|found| found.used_for == TemplateUse::Accompaniment);
    let Some(found) = found else {
        checks.fail(POINTER, "unknown", "must be a template of accompaniments");
        return None;
    };
    let kept = before.filter(|before| before.template.id == found.id);
    checks.require(
        kept.is_some() || found.status == TemplateStatus::Published,
        POINTER,
        "not_published",
        "must be a published version",
    );
    checks.require(
        kept.is_some() || before.is_none_or(|before| before.started_on.is_none()),
        POINTER,
        "immutable",
        "cannot change after the start",
    );
    Some(found)
}
