//! What a report would say otherwise today.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::NaiveDate;
use lotse_domain::Result;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::ReportId;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::Paging;
use lotse_domain::policy::Action;
use lotse_domain::report::{
    ChangedField, Compared, DifferenceKind, EventFact, Fact, Report, ReportContent,
    ReportDifference, ReportDifferences, ReportRecord, also_answerable, canonical, changed,
};
use lotse_persistence::{Conn, audit, funding_period, organisation, participation, report};
use serde::Serialize;
use uuid::Uuid;

use super::{content_of, frozen_hash, parsed};
use crate::{App, Caller, Reading};

/// A record that makes a difference.
type Differing = (Uuid, ReportRecord, DifferenceKind);

/// What the report would say otherwise today, and which later entries are the reason.
///
/// # Errors
/// As [`super::get`]; `Conflict` for a draft.
pub fn differences(
    app: &App,
    caller: &Caller,
    id: ReportId,
    paging: &Paging,
) -> Result<ReportDifferences> {
    app.figures(caller, Action::ReadReports, |tx| {
        let scope = tx.scope();
        let found = report::find(tx.conn, &tx.names, &scope, id)?;
        frozen_hash(&found)?;
        let period = funding_period::find(tx.conn, found.funding_period.id.into())?;
        let frozen = report::frozen(tx.conn, id)?;
        let reported: ReportContent = parsed(&frozen.content)?;

        // Of each record its facts as a number, however many there are.
        let mut before: HashMap<Uuid, u64> = HashMap::new();
        report::each_frozen(tx.conn, id, |fact| {
            before.insert(fact.id, fingerprint(&of_any_version(&fact))?);
            Ok(())
        })?;
        let events = Events {
            before: by_id(report::frozen_events(tx.conn, id)?),
            today: by_id(report::events(tx.conn, &scope, &period, found.window)?),
        };
        let mut differing: Vec<Differing> = events.differing();
        let today: Vec<EventFact> = events.today.values().cloned().collect();
        let today = content_of(&frozen.basis, &today, |making| {
            report::each_fact(tx.conn, &scope, &period, found.window.to, |_, fact| {
                making.add(&fact);
                let kind = match before.remove(&fact.id) {
                    None => DifferenceKind::Added,
                    Some(seen) if seen != fingerprint(&of_any_version(&fact))? => {
                        DifferenceKind::Changed
                    }
                    Some(_) => return Ok(()),
                };
                differing.push((fact.id, ReportRecord::Consultation, kind));
                Ok(())
            })
        })?;
        let gone = before.into_keys();
        differing.extend(gone.map(|id| (id, ReportRecord::Consultation, DifferenceKind::Removed)));
        differing.sort_unstable_by_key(|(id, ..)| *id);
        let records = i64::try_from(differing.len()).unwrap_or(i64::MAX);
        if tx.actor.may(Action::ReadConsultations).is_err() {
            // Who sees figures and no records sees how many there are.
            differing.clear();
        }
        let after = paging.after.as_ref().map(|after| after.id);
        let most = usize::try_from(paging.fetch()).unwrap_or(usize::MAX);
        let shown: Vec<Differing> = differing
            .into_iter()
            .filter(|(id, ..)| after.is_none_or(|after| *id > after))
            .take(most)
            .collect();
        let page = paging.page(shown, None, |(id, ..)| (String::new(), *id))?;
        let compared = Compared { reported: &reported, today: &today };
        Ok(ReportDifferences {
            figures: compared.figures(),
            event_figures: compared.event_figures(),
            indicators: compared.indicators(),
            records,
            items: explained(tx, &found, &period, &events, &page.items)?,
            next_cursor: page.next_cursor,
        })
    })
}

/// Events by id, as they were frozen and as they are.
struct Events {
    before: HashMap<Uuid, EventFact>,
    today: HashMap<Uuid, EventFact>,
}

impl Events {
    fn differing(&self) -> Vec<Differing> {
        let with = |id: &Uuid, kind| (*id, ReportRecord::Event, kind);
        let gone = self.before.keys().filter(|id| !self.today.contains_key(*id));
        let mut differing: Vec<Differing> =
            gone.map(|id| with(id, DifferenceKind::Removed)).collect();
        for (id, is) in &self.today {
            match self.before.get(id) {
                None => differing.push(with(id, DifferenceKind::Added)),
                Some(was) if !changed(was, is).is_empty() => {
                    differing.push(with(id, DifferenceKind::Changed));
                }
                Some(_) => {}
            }
        }
        differing
    }
}

/// What a difference says of a record beside its history.
struct Item {
    held_on: NaiveDate,
    organisation: Option<Uuid>,
    fields: Vec<ChangedField>,
    /// Whose history is the reason, the record itself first.
    answerable: Vec<Uuid>,
}

impl Item {
    fn of_fact(was: Option<&Fact>, is: Option<&Fact>, period: &FundingPeriod) -> Option<Self> {
        let fact = is.or(was)?;
        let fields = was.zip(is).map(|(was, is)| changed(was, is)).unwrap_or_default();
        let mut answerable = vec![fact.id];
        answerable.extend(also_answerable(&fields, fact, period.id));
        let (held_on, organisation) = (fact.held_on, fact.organisation);
        Some(Self { held_on, organisation, fields, answerable })
    }

    fn of_event(was: Option<&EventFact>, is: Option<&EventFact>) -> Option<Self> {
        let fact = is.or(was)?;
        let fields = was.zip(is).map(|(was, is)| changed(was, is)).unwrap_or_default();
        let held_on = fact.starts_on;
        Some(Self { held_on, organisation: None, fields, answerable: vec![fact.id] })
    }
}

/// The records of a page with what changed of them and why.
fn explained(
    tx: &mut Reading,
    found: &Report,
    period: &FundingPeriod,
    events: &Events,
    page: &[Differing],
) -> Result<Vec<ReportDifference>> {
    let scope = tx.scope();
    let of = |wanted: ReportRecord| -> Vec<Uuid> {
        page.iter().filter(|(_, record, _)| *record == wanted).map(|(id, ..)| *id).collect()
    };
    let (consultations, of_events) = (of(ReportRecord::Consultation), of(ReportRecord::Event));
    let before = report::frozen_among(tx.conn, found.id, &consultations)?;
    let now = report::facts_of(tx.conn, &scope, period, &consultations)?;
    let titles = report::titles_of(tx.conn, &scope, &of_events)?;
    let participations = participation::ids_of_events(tx.conn, &scope, &of_events)?;
    let mut items: Vec<(Differing, Item)> = Vec::new();
    for differing in page {
        let (id, record, _) = differing;
        let item = match record {
            ReportRecord::Consultation => Item::of_fact(before.get(id), now.get(id), period),
            ReportRecord::Event => Item::of_event(events.before.get(id), events.today.get(id)),
        };
        let Some(mut item) = item else { continue };
        let of_event = participations.iter().filter(|(event, _)| event == id);
        item.answerable.extend(of_event.map(|(_, participation)| *participation));
        items.push((*differing, item));
    }
    let answerable: Vec<Uuid> =
        items.iter().flat_map(|(_, item)| item.answerable.iter().copied()).collect();
    let since = found.submitted.as_ref().map_or(found.updated_at, |event| event.at);
    let entries = audit::history_after(tx.conn, &answerable, since)?;
    let organisations = named(tx.conn, items.iter().filter_map(|(_, item)| item.organisation))?;
    Ok(items
        .into_iter()
        .map(|((id, record, kind), item)| ReportDifference {
            record,
            id,
            kind,
            held_on: item.held_on,
            organisation: item.organisation.and_then(|id| organisations.get(&id).cloned()),
            title: titles.get(&id).cloned(),
            fields: item.fields,
            entries: history_of(&item.answerable, &entries),
        })
        .collect())
}

/// What became of some records, the latest first. What was said and who was met makes no difference to a
/// figure, and reading that is noted elsewhere.
fn history_of(records: &[Uuid], entries: &HashMap<Uuid, Vec<HistoryEntry>>) -> Vec<HistoryEntry> {
    const PERSONAL: [&str; 5] = ["notes", "note", "note_warnings", "contacts", "contact"];
    let found = records.iter().filter_map(|id| entries.get(id)).flatten();
    let mut found: Vec<HistoryEntry> = found
        .map(|entry| {
            let changes = entry.changes.iter();
            let changes = changes.filter(|change| !PERSONAL.contains(&change.field.as_str()));
            HistoryEntry { changes: changes.cloned().collect(), ..entry.clone() }
        })
        .collect();
    found.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
    found
}

fn named(
    conn: &mut Conn,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, OrganisationReference>> {
    let ids: Vec<_> = ids.map(Into::into).collect();
    let found = organisation::facts_among(conn, &ids)?;
    Ok(found.into_iter().map(|facts| (facts.reference.id.0, facts.reference)).collect())
}

fn by_id(facts: Vec<EventFact>) -> HashMap<Uuid, EventFact> {
    facts.into_iter().map(|fact| (fact.id, fact)).collect()
}

/// The version alone makes no difference.
fn of_any_version(fact: &Fact) -> Fact {
    Fact { version: 0, ..fact.clone() }
}

fn fingerprint(fact: &impl Serialize) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    canonical(fact)?.hash(&mut hasher);
    Ok(hasher.finish())
}
