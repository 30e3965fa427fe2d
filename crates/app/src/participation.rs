use lotse_domain::Result;
use lotse_domain::audit::{AuditAction, HistoryEntry, Subject};
use lotse_domain::code::Code;
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::event::Event;
use lotse_domain::id::{ContactId, EventId, OrganisationId, ParticipationId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::participation::{
    AttendanceInput, Context, MAX_ENTRIES, Participation, ParticipationFilter, ParticipationInput,
    ParticipationStatus, record,
};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_persistence::{audit, contact, event, organisation, participation};

use crate::event::check_period_of;
use crate::{App, Caller, Writing};

/// Those of one event.
///
/// # Errors
/// `NotFound`, also for another carrier's event.
pub fn list(
    app: &App,
    caller: &Caller,
    id: EventId,
    filter: &ParticipationFilter,
    paging: &Paging,
) -> Result<Page<Participation>> {
    app.read(caller, Action::ReadParticipations, |tx| {
        let scope = tx.scope();
        let event = event::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&event));
        participation::list(tx.conn, &tx.names, &scope, id, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: ParticipationId) -> Result<Participation> {
    app.read(caller, Action::ReadParticipations, |tx| {
        let scope = tx.scope();
        let found = participation::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: ParticipationId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadParticipations, |tx| {
        let scope = tx.scope();
        let found = participation::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// Puts somebody on the list of an event. Everybody of the carrier may, since anybody answers the phone; that
/// somebody was there say those who may change the event.
///
/// # Errors
/// `NotFound`, also for another carrier's event; `Invalid`; `Forbidden`; `Conflict` when the event is voided or
/// cancelled, its funding period takes no entries, or the contact or organisation is on the list already.
pub fn register(
    app: &App,
    caller: &Caller,
    id: EventId,
    input: &ParticipationInput,
) -> Result<Participation> {
    app.write(caller, Action::ChangeParticipations, |tx| {
        let scope = tx.scope();
        let event = event::hold(tx.conn, &tx.names, &scope, id)?;
        check_period_of(tx, &event)?;
        let context = context(tx, input.organisation_id.as_slice(), input.contact_id.as_slice())?;
        let new = Participation::new(tx.new_id(), tx.now, &tx.actor, input, &event, &context)?;
        participation::insert_all(tx.conn, std::slice::from_ref(&new))?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues who have
/// nothing to do with it; `Conflict` as [`register`] and when it is voided.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ParticipationId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Participation> {
    app.write(caller, Action::ChangeParticipations, |tx| {
        let (old, event) = changeable(tx, id, seen)?;
        let input: ParticipationInput = patch.apply(&ParticipationInput::from(&old))?;
        let context = context(tx, input.organisation_id.as_slice(), input.contact_id.as_slice())?;
        let new = old.changed(tx.now, &tx.actor, &input, &event, &context)?;
        participation::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// Takes a participation back. It stays readable and no longer counts.
///
/// # Errors
/// As [`change`].
pub fn void(
    app: &App,
    caller: &Caller,
    id: ParticipationId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Participation> {
    app.write(caller, Action::ChangeParticipations, |tx| {
        let (old, _) = changeable(tx, id, seen)?;
        let new = old.voided(tx.now, &tx.actor, input.checked()?)?;
        participation::update(tx.conn, &new)?;
        tx.audit(AuditAction::Voided, Some(&old), &new)?;
        Ok(new)
    })
}

/// Records who was there, all of it or nothing, and answers the event with what it counts then.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Invalid` with everything that is wrong; `Forbidden` for
/// colleagues who have nothing to do with the event; `Conflict` when it is voided, cancelled or to come,
/// or its funding period takes no entries.
pub fn record_attendance(
    app: &App,
    caller: &Caller,
    id: EventId,
    input: &AttendanceInput,
) -> Result<Event> {
    app.write(caller, Action::ChangeParticipations, |tx| {
        let scope = tx.scope();
        let event = event::hold(tx.conn, &tx.names, &scope, id)?;
        event.check_may_change(&tx.actor)?;
        check_period_of(tx, &event)?;
        let listed = participation::of_event(tx.conn, &tx.names, &scope, id)?;
        let entries = || input.participations.iter().take(MAX_ENTRIES);
        let organisations: Vec<_> = entries().filter_map(|entry| entry.organisation_id).collect();
        let contacts: Vec<_> = entries().filter_map(|entry| entry.contact_id).collect();
        let context = context(tx, &organisations, &contacts)?;
        let recorded = record(tx.now, &tx.actor, input, &event, &listed, &context, || tx.new_id())?;
        write(tx, &recorded.changed, &recorded.new)?;
        event::find(tx.conn, &tx.names, &scope, id)
    })
}

/// A statement for each status that many came to have, and one for each of the few of which more changed.
fn write(
    tx: &mut Writing,
    changed: &[(Participation, Participation)],
    new: &[Participation],
) -> Result<()> {
    let only_status = |(old, new): &&(Participation, Participation)| {
        old.headcount == new.headcount && old.note == new.note
    };
    for status in ParticipationStatus::all() {
        let ids: Vec<_> = changed
            .iter()
            .filter(only_status)
            .filter(|(_, new)| new.status == status)
            .map(|(_, new)| new.id)
            .collect();
        if !ids.is_empty() {
            participation::set_status(tx.conn, &ids, status, tx.now)?;
        }
    }
    for (_, new) in changed.iter().filter(|change| !only_status(change)) {
        participation::update(tx.conn, new)?;
    }
    participation::insert_all(tx.conn, new)?;
    for (old, new) in changed {
        tx.changed(old, new)?;
    }
    new.iter().try_for_each(|new| tx.created(new))
}

/// The participation with its event, if the caller may change it as it stands.
fn changeable(tx: &mut Writing, id: ParticipationId, seen: i64) -> Result<(Participation, Event)> {
    let scope = tx.scope();
    let of = participation::find(tx.conn, &tx.names, &scope, id)?.event.id;
    let event = event::hold(tx.conn, &tx.names, &scope, EventId(of))?;
    // Read again: it may have changed until the event was held.
    let old = participation::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    old.check_may_change(&tx.actor, &event)?;
    check_period_of(tx, &event)?;
    Ok((old, event))
}

/// What inputs name, as far as it exists in the caller's scope.
fn context(
    tx: &mut Writing,
    organisations: &[OrganisationId],
    contacts: &[ContactId],
) -> Result<Context> {
    let scope = tx.scope();
    Ok(Context {
        today: tx.today(),
        organisations: organisation::facts_to_name_among(tx.conn, organisations)?,
        contacts: contact::facts_among(tx.conn, &scope, contacts)?,
    })
}
