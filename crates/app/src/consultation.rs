use lotse_domain::audit::{AuditAction, HistoryEntry, Subject};
use lotse_domain::consultation::{
    Consultation, ConsultationFilter, ConsultationInput, Context, MAX_NAMED,
};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{CarrierId, ConsultationId, OrganisationId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::{
    accompaniment, audit, consultation, contact, district, establishment, event, funding_period,
    organisation, recruitment_case, site, topic, user,
};

use crate::touched::Before;
use crate::{App, Caller, Writing};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ConsultationFilter,
    paging: &Paging,
) -> Result<Page<Consultation>> {
    app.read(caller, Action::ReadConsultations, |tx| {
        let scope = tx.scope();
        consultation::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// Those of one company or actor.
///
/// # Errors
/// `NotFound` when there is no such company or actor.
pub fn list_of(
    app: &App,
    caller: &Caller,
    kind: OrganisationKind,
    organisation: OrganisationId,
    filter: &ConsultationFilter,
    paging: &Paging,
) -> Result<Page<Consultation>> {
    app.read(caller, Action::ReadConsultations, |tx| {
        organisation::reference_of(tx.conn, organisation, kind)?;
        tx.about(Subject { kind: kind.into(), id: organisation.0, carrier: None });
        let scope = tx.scope();
        let of_it = ConsultationFilter { organisation_id: Some(organisation), ..filter.clone() };
        consultation::list(tx.conn, &tx.names, &scope, &of_it, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: ConsultationId) -> Result<Consultation> {
    app.read(caller, Action::ReadConsultations, |tx| {
        let scope = tx.scope();
        let found = consultation::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: ConsultationId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadConsultations, |tx| {
        let scope = tx.scope();
        let found = consultation::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid` with everything that is wrong; `Conflict` when the funding period takes no entries.
pub fn log(app: &App, caller: &Caller, input: &ConsultationInput) -> Result<Consultation> {
    app.write(caller, Action::LogConsultation, |tx| {
        let id = tx.new_id();
        add(tx, id, input)
    })
}

pub(crate) fn add(
    tx: &mut Writing,
    id: ConsultationId,
    input: &ConsultationInput,
) -> Result<Consultation> {
    let context = context(tx, input)?;
    let mut new = Consultation::new(id, tx.now, &tx.actor, input, &context)?;
    let before = Before::of(tx, None, &new, [context.period])?;
    consultation::insert(tx.conn, &new)?;
    tx.created(&new)?;
    new.kind = consultation::kind(tx.conn, new.id)?;
    new.touches = before.touched(tx)?;
    Ok(new)
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues who were
/// not part of it; `Conflict` when it is voided or a funding period takes no entries.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ConsultationId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Consultation> {
    app.write(caller, Action::ChangeConsultation, |tx| Ok(change_in(tx, id, seen, patch)?.1))
}

/// Answers the consultation before and after.
///
/// # Errors
/// As [`change`].
pub(crate) fn change_in(
    tx: &mut Writing,
    id: ConsultationId,
    seen: i64,
    patch: &MergePatch,
) -> Result<(Consultation, Consultation)> {
    let (old, period) = changeable(tx, id, seen)?;
    let input: ConsultationInput = patch.apply(&ConsultationInput::from(&old))?;
    let context = context(tx, &input)?.keeping(&old);
    let mut new = old.changed(tx.now, &tx.actor, &input, &context)?;
    let before = Before::of(tx, Some(&old), &new, [period, context.period])?;
    consultation::update(tx.conn, &old, &new)?;
    tx.changed(&old.without_kind(), &new)?;
    new.kind = consultation::kind(tx.conn, new.id)?;
    new.touches = before.touched(tx)?;
    Ok((old, new))
}

/// Takes a consultation back. It stays readable and no longer counts.
///
/// # Errors
/// As [`change`].
pub fn void(
    app: &App,
    caller: &Caller,
    id: ConsultationId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Consultation> {
    app.write(caller, Action::ChangeConsultation, |tx| void_in(tx, id, seen, input))
}

/// # Errors
/// As [`void`].
pub(crate) fn void_in(
    tx: &mut Writing,
    id: ConsultationId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Consultation> {
    let (old, period) = changeable(tx, id, seen)?;
    let mut new = old.voided(tx.now, &tx.actor, input.checked()?)?;
    let before = Before::of(tx, Some(&old), &new, [period])?;
    consultation::update(tx.conn, &old, &new)?;
    tx.audit(AuditAction::Voided, Some(&old.without_kind()), &new)?;
    new.touches = before.touched(tx)?;
    Ok(new)
}

/// The consultation with its period, if the caller may change it as it stands.
fn changeable(
    tx: &mut Writing,
    id: ConsultationId,
    seen: i64,
) -> Result<(Consultation, Option<FundingPeriod>)> {
    let scope = tx.scope();
    let old = consultation::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    old.check_may_change(&tx.actor)?;
    // What leaves a period counts as an entry in it.
    let period = funding_period::hold_for_entry(tx.conn, old.held_on)?;
    if let Some(period) = &period {
        period.accepts_entries_of(tx.actor.role)?;
    }
    Ok((old, period))
}

/// What an input names, as far as it exists in the caller's scope.
pub(crate) fn context(tx: &mut Writing, input: &ConsultationInput) -> Result<Context> {
    let scope = tx.scope();
    let site = none_if_missing(site::find(tx.conn, input.site_id))?;
    let carrier = site.as_ref().map(|site| CarrierId(site.carrier.id));
    let advisers = match carrier {
        Some(carrier) => {
            user::advisers_on(tx.conn, first(&input.adviser_ids), carrier, input.held_on)?
        }
        None => Vec::new(),
    };
    let organisation = match input.organisation_id {
        Some(id) => organisation::facts_to_name(tx.conn, id)?,
        None => None,
    };
    let establishment = match input.establishment_id {
        Some(id) => none_if_missing(establishment::find(tx.conn, id))?,
        None => None,
    };
    let contacts = match input.organisation_id {
        Some(id) => contact::of_organisation(tx.conn, &scope, id, first(&input.contact_ids))?,
        None => Vec::new(),
    };
    let event = match input.event_id {
        Some(id) => event::named(tx.conn, &scope, id)?,
        None => None,
    };
    let accompaniment = match input.accompaniment_id {
        Some(id) => accompaniment::named(tx.conn, &scope, id)?,
        None => None,
    };
    let recruitment_case = match input.recruitment_case_id {
        Some(id) => recruitment_case::named(tx.conn, &scope, id)?,
        None => None,
    };
    Ok(Context {
        today: tx.today(),
        site,
        period: funding_period::hold_for_entry(tx.conn, input.held_on)?,
        organisation,
        establishment,
        advisers,
        topics: topic::with_codes(tx.conn, first(&input.topics))?,
        contacts,
        event,
        accompaniment,
        recruitment_case,
        districts: district::all(tx.conn)?,
    })
}

/// As many as the rules look at. More are refused and not worth a look; SQLite takes some thousands
/// in one statement.
fn first<T>(named: &[T]) -> &[T] {
    named.get(..MAX_NAMED).unwrap_or(named)
}

pub(crate) fn none_if_missing<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
