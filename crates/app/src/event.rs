use lotse_domain::audit::{AuditAction, HistoryEntry, Subject};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::event::{
    Context, Event, EventFilter, EventInput, MAX_NAMED, MAX_SPEAKERS, check_period,
};
use lotse_domain::id::{EventId, OrganisationId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::{
    accompaniment, audit, district, event, event_series, funding_period, organisation,
    participation, site, topic, user,
};

use crate::{App, Caller, Writing};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &EventFilter,
    paging: &Paging,
) -> Result<Page<Event>> {
    app.read(caller, Action::ReadEvents, |tx| {
        let scope = tx.scope();
        event::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: EventId) -> Result<Event> {
    app.read(caller, Action::ReadEvents, |tx| {
        let scope = tx.scope();
        let found = event::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: EventId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadEvents, |tx| {
        let scope = tx.scope();
        let found = event::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid` with everything that is wrong; `Conflict` when the funding period takes no entries.
pub fn create(app: &App, caller: &Caller, input: &EventInput) -> Result<Event> {
    app.write(caller, Action::ChangeEvents, |tx| add(tx, input))
}

/// # Errors
/// As [`create`].
pub(crate) fn add(tx: &mut Writing, input: &EventInput) -> Result<Event> {
    let context = context(tx, input)?;
    let new = Event::new(tx.new_id(), tx.now, &tx.actor, input, &context)?;
    event::insert(tx.conn, &new)?;
    tx.created(&new)?;
    Ok(new)
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues who have
/// nothing to do with it; `Conflict` when it is voided, contradicts the attendance recorded, or a funding
/// period takes no entries.
pub fn change(
    app: &App,
    caller: &Caller,
    id: EventId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Event> {
    app.write(caller, Action::ChangeEvents, |tx| Ok(change_in(tx, id, seen, patch)?.1))
}

/// Answers the event before and after.
///
/// # Errors
/// As [`change`].
pub(crate) fn change_in(
    tx: &mut Writing,
    id: EventId,
    seen: i64,
    patch: &MergePatch,
) -> Result<(Event, Event)> {
    let old = changeable(tx, id, seen)?;
    let input: EventInput = patch.apply(&EventInput::from(&old))?;
    let context = context(tx, &input)?;
    let attended = participation::has_attendance(tx.conn, id)?;
    let new = old.changed(tx.now, &tx.actor, &input, &context, attended)?;
    event::update(tx.conn, &new)?;
    tx.changed(&old, &new)?;
    Ok((old, new))
}

/// Takes an event back. It stays readable with its participations, and no longer counts.
///
/// # Errors
/// As [`change`].
pub fn void(
    app: &App,
    caller: &Caller,
    id: EventId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Event> {
    app.write(caller, Action::ChangeEvents, |tx| void_in(tx, id, seen, input))
}

/// # Errors
/// As [`void`].
pub(crate) fn void_in(
    tx: &mut Writing,
    id: EventId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Event> {
    let old = changeable(tx, id, seen)?;
    let new = old.voided(tx.now, &tx.actor, input.checked()?)?;
    event::update(tx.conn, &new)?;
    tx.audit(AuditAction::Voided, Some(&old), &new)?;
    Ok(new)
}

/// The event, if the caller may change it as it stands.
fn changeable(tx: &mut Writing, id: EventId, seen: i64) -> Result<Event> {
    let scope = tx.scope();
    let old = event::hold(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    old.check_may_change(&tx.actor)?;
    // What leaves a period counts as an entry in it.
    check_period_of(tx, &old)?;
    Ok(old)
}

/// Whether the period that an event is in takes entries about it.
pub(crate) fn check_period_of(tx: &mut Writing, event: &Event) -> Result<()> {
    match funding_period::hold_for_entry(tx.conn, event.starts_on)? {
        Some(period) => check_period(&period, event.status, tx.actor.role),
        None => Ok(()),
    }
}

/// What an input names, as far as it exists in the caller's scope.
fn context(tx: &mut Writing, input: &EventInput) -> Result<Context> {
    let scope = tx.scope();
    let carrier = tx.actor.own_carrier()?.id;
    let series = match input.series_id {
        Some(id) => match event_series::find(tx.conn, &tx.names, &scope, id) {
            Ok(series) => Some(series),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let accompaniment = match input.accompaniment_id {
        Some(id) => accompaniment::named(tx.conn, &scope, id)?,
        None => None,
    };
    let speakers = first(&input.speakers, MAX_SPEAKERS);
    let organisations: Vec<OrganisationId> = first(&input.organiser_ids, MAX_NAMED)
        .iter()
        .copied()
        .chain(speakers.iter().filter_map(|speaker| speaker.organisation_id))
        .collect();
    Ok(Context {
        today: tx.today(),
        period: funding_period::hold_for_entry(tx.conn, input.starts_on)?,
        series,
        accompaniment,
        sites: site::with_ids(tx.conn, first(&input.site_ids, MAX_NAMED))?,
        staff: user::advisers_on(
            tx.conn,
            first(&input.staff_ids, MAX_NAMED),
            carrier,
            input.starts_on,
        )?,
        organisations: organisation::facts_to_name_among(tx.conn, &organisations)?,
        topics: topic::with_codes(tx.conn, first(&input.topics, MAX_NAMED))?,
        districts: district::all(tx.conn)?,
    })
}

/// As many as the rules look at. More are refused and not worth a look.
fn first<T>(named: &[T], most: usize) -> &[T] {
    named.get(..most).unwrap_or(named)
}
