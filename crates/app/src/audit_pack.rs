//! What goes into an audit pack. The contents of attachments are put to it by `lotse-http`, which moves bytes.

use lotse_domain::Result;
use lotse_domain::attachment::{Attachment, AttachmentFilter};
use lotse_domain::audit::{HistoryEntry, Subject};
use lotse_domain::audit_pack::{AuditPack, AuditPackParams, PackedEvent, PackedRecord};
use lotse_domain::code::Code;
use lotse_domain::contact::ContactFilter;
use lotse_domain::entity::Reference;
use lotse_domain::event::EventFilter;
use lotse_domain::id::{AccompanimentId, ActorId, CompanyId, EventId, OrganisationId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, PageParams, Paging};
use lotse_domain::policy::Action;
use lotse_domain::timeline::{TimelineFilter, TimelineKind};
use lotse_persistence::{
    accompaniment, actor, attachment, audit, company, contact, establishment, event, organisation,
    participation,
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
    let of_run = run.map(|run| events_of_run(tx, run)).transpose()?;
    let filter = TimelineFilter { kinds: None, from: params.from, to: params.to };
    let mut records = Vec::new();
    for part in TimelineKind::all() {
        // What became of the entry in the register stands there.
        if part == TimelineKind::Change {
            continue;
        }
        let found = every(|paging| entries_of(tx, part, kind, id, &filter, paging))?;
        for entry in found {
            let history = history(tx, entry.id)?;
            records.push(PackedRecord::new(&entry, history)?);
        }
    }
    if let (Some(run), Some(events)) = (run, &of_run) {
        let consultations: Vec<Uuid> = records
            .iter()
            .filter(|it| it.kind == TimelineKind::Consultation && it.is_of(run))
            .map(|it| it.id)
            .collect();
        records.retain(|it| match it.kind {
            TimelineKind::Event => events.contains(&EventId(it.id)),
            TimelineKind::Task => it.is_about(&consultations),
            _ => it.is_of(run),
        });
    }
    records.sort_unstable_by_key(|it| std::cmp::Reverse((it.on, it.id)));
    let shown: Vec<EventId> = records
        .iter()
        .filter(|it| it.kind == TimelineKind::Event)
        .map(|it| EventId(it.id))
        .chain(of_run.into_iter().flatten())
        .collect();
    let events = events(tx, id, shown)?;
    let attachments = attachments(tx, &records)?;
    Ok(AuditPack {
        made_at: tx.now,
        made_by: tx.actor.reference(),
        carrier,
        subject,
        params,
        register,
        records,
        events,
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

fn history(tx: &mut Reading, id: Uuid) -> Result<Vec<HistoryEntry>> {
    every(|paging| audit::history(tx.conn, id, paging))
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
        "history": history(tx, id.0)?,
    }))
}

fn events_of_run(tx: &mut Reading, run: AccompanimentId) -> Result<Vec<EventId>> {
    let scope = tx.scope();
    let filter = EventFilter { accompaniment_id: Some(run), ..EventFilter::default() };
    let found = every(|paging| event::list(tx.conn, &tx.names, &scope, &filter, paging))?;
    Ok(found.into_iter().map(|event| event.id).collect())
}

/// The events with who of the organisation took part.
fn events(
    tx: &mut Reading,
    organisation: OrganisationId,
    mut ids: Vec<EventId>,
) -> Result<Vec<PackedEvent>> {
    let scope = tx.scope();
    ids.sort_unstable();
    ids.dedup();
    let mut packed = Vec::new();
    for id in ids {
        let event = event::find(tx.conn, &tx.names, &scope, id)?;
        let found =
            participation::of_organisation(tx.conn, &tx.names, &scope, organisation, &[id])?;
        let participations = found.into_iter().map(|(_, it)| it).collect();
        packed.push(PackedEvent { event, participations });
    }
    packed.sort_by_key(|it| std::cmp::Reverse((it.event.starts_on, it.event.id)));
    Ok(packed)
}

fn attachments(tx: &mut Reading, records: &[PackedRecord]) -> Result<Vec<Attachment>> {
    let mut found = Vec::new();
    for to in records.iter().filter_map(PackedRecord::attached) {
        found.extend(every(|paging| {
            attachment::list(tx.conn, &tx.names, to, &AttachmentFilter::default(), paging)
        })?);
    }
    Ok(found)
}
