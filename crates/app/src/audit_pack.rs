//! What goes into an audit pack. The contents of attachments are put to it by `lotse-http`, which moves bytes.

use chrono::DateTime;
use lotse_domain::Result;
use lotse_domain::attachment::AttachedTo;
use lotse_domain::audit::Subject;
use lotse_domain::audit_pack::{AuditPack, AuditPackParams, PackedRecord, attached, part_of};
use lotse_domain::code::Code;
use lotse_domain::contact::ContactFilter;
use lotse_domain::entity::Reference;
use lotse_domain::event::{Event, EventFilter};
use lotse_domain::id::{AccompanimentId, ActorId, CompanyId, EventId, OrganisationId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, PageParams, Paging};
use lotse_domain::policy::Action;
use lotse_domain::timeline::{TimelineEntry, TimelineEvent, TimelineFilter, TimelineKind};
use lotse_persistence::{
    accompaniment, actor, attachment, audit, company, contact, establishment, event, organisation,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::timeline::entries_of;
use crate::{App, Caller, Reading};

/// All that the caller's carrier has on record of a company or an actor.
///
/// # Errors
/// `NotFound` when there is no such company or actor; `Forbidden`.
pub fn of_organisation(
    app: &App,
    caller: &Caller,
    kind: OrganisationKind,
    id: OrganisationId,
    params: AuditPackParams,
) -> Result<AuditPack> {
    app.read_whole(caller, Action::ExportAuditPack, |tx| {
        let found = organisation::reference_of(tx.conn, id, kind)?;
        tx.about(Subject { kind: kind.into(), id: id.0, carrier: None });
        let subject = Reference::new(found.id, &found.name);
        pack(tx, subject, (kind, id), params, None)
    })
}

/// The part of it that belongs to an accompaniment.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Forbidden`.
pub fn of_accompaniment(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    params: AuditPackParams,
) -> Result<AuditPack> {
    app.read_whole(caller, Action::ExportAuditPack, |tx| {
        let scope = tx.scope();
        let found = accompaniment::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        let company = OrganisationId(found.company.id);
        let about = (OrganisationKind::Company, company);
        pack(tx, found.reference(), about, params, Some(id))
    })
}

/// `run` leaves out what does not belong to that accompaniment.
fn pack(
    tx: &mut Reading,
    subject: Reference,
    (kind, id): (OrganisationKind, OrganisationId),
    params: AuditPackParams,
    run: Option<AccompanimentId>,
) -> Result<AuditPack> {
    let carrier = tx.actor.own_carrier()?;
    let carrier = Reference::new(carrier.id, &carrier.name);
    let register = register(tx, kind, id)?;
    let filter = TimelineFilter { kinds: None, from: params.from, to: params.to };
    let mut entries = Vec::new();
    for part in TimelineKind::all() {
        // What became of the entry in the register stands there.
        if part != TimelineKind::Change {
            entries.extend(every(|paging| entries_of(tx, part, kind, id, &filter, paging))?);
        }
    }
    if let Some(run) = run {
        let events = events_of(tx, run, &filter)?;
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        entries = part_of(run, &ids, entries);
        // Also those that nobody of the company takes part in.
        let others =
            events.into_iter().filter(|event| entries.iter().all(|it| it.id != event.id.0));
        let others: Vec<_> = others.map(TimelineEntry::event).collect();
        entries.extend(others);
    }
    entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.position()));
    let attached: Vec<AttachedTo> = entries.iter().filter_map(attached).collect();
    let attachments = attachment::of_records(tx.conn, &tx.names, &attached)?;
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
    let mut histories = audit::history_after(tx.conn, &ids, DateTime::UNIX_EPOCH)?;
    let records = entries
        .into_iter()
        .map(|entry| {
            let history = histories.remove(&entry.id).unwrap_or_default();
            PackedRecord { entry, history }
        })
        .collect();
    Ok(AuditPack {
        made_at: tx.now,
        made_by: tx.actor.reference(),
        carrier,
        subject,
        params,
        register,
        records,
        attachments,
    })
}

/// All pages of a list.
fn every<T>(mut page: impl FnMut(&Paging) -> Result<Page<T>>) -> Result<Vec<T>> {
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let paging = Paging::new(&PageParams { limit: Some(200), cursor, total: None }, &())?;
        let found = page(&paging)?;
        items.extend(found.items);
        cursor = found.next_cursor;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

fn register(tx: &mut Reading, kind: OrganisationKind, id: OrganisationId) -> Result<Value> {
    let scope = tx.scope();
    let (organisation, establishments) = match kind {
        OrganisationKind::Company => {
            let company = CompanyId(id.0);
            let found = json!(company::find(tx.conn, company)?);
            let works = every(|paging| establishment::list(tx.conn, company, paging))?;
            (found, json!(works))
        }
        OrganisationKind::Actor => (json!(actor::find(tx.conn, ActorId(id.0))?), json!([])),
    };
    let contacts =
        every(|paging| contact::list(tx.conn, &scope, id, &ContactFilter::default(), paging))?;
    Ok(json!({
        "organisation": organisation,
        "establishments": establishments,
        "contacts": contacts,
        "history": every(|paging| audit::history(tx.conn, id.0, paging))?,
    }))
}

/// The events of an accompaniment, with nobody of the company.
fn events_of(
    tx: &mut Reading,
    run: AccompanimentId,
    filter: &TimelineFilter,
) -> Result<Vec<TimelineEvent>> {
    let scope = tx.scope();
    let (from, to) = (filter.from, filter.to);
    let filter = EventFilter { accompaniment_id: Some(run), from, to, ..EventFilter::default() };
    let found = every(|paging| event::list(tx.conn, &tx.names, &scope, &filter, paging))?;
    let bare = |event: Event| TimelineEvent {
        id: event.id,
        title: event.title,
        kind: event.kind,
        starts_on: event.starts_on,
        ends_on: event.ends_on,
        status: event.status,
        organises: false,
        speaks: false,
        participations: Vec::new(),
    };
    Ok(found.into_iter().map(bare).collect())
}
