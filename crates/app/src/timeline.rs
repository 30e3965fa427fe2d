use lotse_domain::Result;
use lotse_domain::audit::Subject;
use lotse_domain::code::Code;
use lotse_domain::consultation::ConsultationFilter;
use lotse_domain::id::{ActorId, CompanyId, OrganisationId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::{Action, Actor};
use lotse_domain::recruitment_case::RecruitmentCaseFilter;
use lotse_domain::referral::{ReferralFilter, ReferralSort};
use lotse_domain::task::{TaskFilter, TaskSort};
use lotse_domain::timeline::{TimelineEntry, TimelineFilter, TimelineKind};
use lotse_persistence::{
    accompaniment, consultation, organisation, recruitment_case, referral, task, timeline,
};

use crate::{App, Caller, Reading};

/// All that the caller may see of a company or an actor, by day, the latest first.
///
/// # Errors
/// `NotFound` when there is no such company or actor; `Forbidden` for a kind of entry that the caller asks
/// for by name and may not see.
pub fn of(
    app: &App,
    caller: &Caller,
    kind: OrganisationKind,
    id: OrganisationId,
    filter: &TimelineFilter,
    paging: &Paging,
) -> Result<Page<TimelineEntry>> {
    app.read_whole(caller, Action::ReadTimeline, |tx| {
        organisation::reference_of(tx.conn, id, kind)?;
        tx.about(Subject { kind: kind.into(), id: id.0, carrier: None });
        let mut entries = Vec::new();
        let mut total = 0;
        for part in kinds(&tx.actor, filter)? {
            let page = entries_of(tx, part, kind, id, filter, &paging.of_part())?;
            entries.extend(page.items);
            total += page.total.unwrap_or(0);
        }
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.position()));
        let total = paging.total.then_some(total);
        paging.page(entries, total, |entry| (entry.on.to_string(), entry.id))
    })
}

/// What an actor may see of what was asked for.
fn kinds(actor: &Actor, filter: &TimelineFilter) -> Result<Vec<TimelineKind>> {
    match filter.kinds()? {
        Some(named) => {
            named.iter().try_for_each(|kind| actor.may(kind.permission()))?;
            Ok(TimelineKind::all().into_iter().filter(|kind| named.contains(kind)).collect())
        }
        None => Ok(TimelineKind::all()
            .into_iter()
            .filter(|kind| actor.may(kind.permission()).is_ok())
            .collect()),
    }
}

/// Entries of one kind.
pub(crate) fn entries_of(
    tx: &mut Reading,
    part: TimelineKind,
    kind: OrganisationKind,
    id: OrganisationId,
    filter: &TimelineFilter,
    paging: &Paging,
) -> Result<Page<TimelineEntry>> {
    let (scope, user, today) = (tx.scope(), tx.actor.user_id, tx.today());
    let (from, to) = (filter.from, filter.to);
    match part {
        TimelineKind::Consultation => {
            let of_it = ConsultationFilter {
                organisation_id: Some(id),
                from,
                to,
                ..ConsultationFilter::default()
            };
            let page = consultation::list(tx.conn, &tx.names, &scope, &of_it, paging)?;
            Ok(page.map(TimelineEntry::consultation))
        }
        TimelineKind::Event => {
            let page = timeline::events(tx.conn, &tx.names, &scope, id, filter, paging)?;
            Ok(page.map(TimelineEntry::event))
        }
        TimelineKind::Referral => {
            let sort = Some(ReferralSort::ReferredOnDescending);
            let all = ReferralFilter { from, to, sort, ..ReferralFilter::default() };
            // A company is referred; an actor is referred to as well.
            let of_it = ReferralFilter { organisation_id: Some(id), ..all.clone() };
            let mut page = referral::list(tx.conn, &tx.names, &scope, &of_it, paging)?;
            if kind == OrganisationKind::Actor {
                let to_it = ReferralFilter { actor_id: Some(ActorId(id.0)), ..all };
                let to_it = referral::list(tx.conn, &tx.names, &scope, &to_it, paging)?;
                page.items.extend(to_it.items);
                page.total = page.total.zip(to_it.total).map(|(of_it, to_it)| of_it + to_it);
            }
            Ok(page.map(TimelineEntry::referral))
        }
        TimelineKind::Task => {
            let of_it = TaskFilter {
                organisation_id: Some(id),
                due_from: from,
                due_to: to,
                sort: Some(TaskSort::DueOnDescending),
                ..TaskFilter::default()
            };
            let page = task::list(tx.conn, &tx.names, &scope, &of_it, user, today, paging)?;
            Ok(page.map(TimelineEntry::task))
        }
        TimelineKind::Accompaniment => {
            let (conn, names) = (&mut *tx.conn, &tx.names);
            let page = accompaniment::of_organisation(conn, names, &scope, id, filter, paging)?;
            Ok(page.map(|run| TimelineEntry::accompaniment(run.shown(today))))
        }
        TimelineKind::RecruitmentCase => {
            let of_it = RecruitmentCaseFilter {
                company_id: Some(CompanyId(id.0)),
                from,
                to,
                ..RecruitmentCaseFilter::default()
            };
            let page = recruitment_case::list(tx.conn, &tx.names, &scope, &of_it, user, paging)?;
            Ok(page.map(|case| TimelineEntry::recruitment_case(case.shown(today))))
        }
        TimelineKind::Change => {
            Ok(timeline::changes(tx.conn, id, filter, paging)?.map(TimelineEntry::change))
        }
    }
}
