use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::page::Paging;
use lotse_domain::policy::Action;
use lotse_domain::worklist::{
    Place, Section, Worklist, WorklistCount, WorklistEntry, WorklistFilter, WorklistKind,
    WorklistQuery,
};
use lotse_persistence::{funding_period, referral, task, worklist};
use uuid::Uuid;

use crate::{App, Caller, Reading};

/// What waits for the caller, for somebody else or for everybody of the carrier, with what matters most on
/// top.
///
/// # Errors
/// `Invalid` for days out of range; `Forbidden` for a kind that the caller asks for and may not see.
pub fn get(
    app: &App,
    caller: &Caller,
    filter: &WorklistFilter,
    paging: &Paging,
) -> Result<Worklist> {
    app.read_whole(caller, Action::ReadWorklist, |tx| {
        let open_from = funding_period::not_closed_from(tx.conn)?;
        let query = filter.query(&tx.actor, tx.today(), app.quiet_days(), open_from)?;
        if let Some(kind) = filter.kind {
            tx.actor.may(kind.permission())?;
        }
        let seen: Vec<WorklistKind> = WorklistKind::all()
            .into_iter()
            .filter(|kind| tx.actor.may(kind.permission()).is_ok())
            .collect();
        let after: Option<(Place, Uuid)> = match &paging.after {
            Some(after) => Some((after.parse()?, after.id)),
            None => None,
        };
        // Over all there is, which costs more than a page.
        let counts = if after.is_none() { Some(counts(tx, &query, &seen)?) } else { None };
        let mut entries: Vec<WorklistEntry> = Vec::new();
        for section in Section::ALL {
            let asked = filter.kind.is_none_or(|kind| kind == section.kind());
            let passed = after.is_some_and(|(place, _)| section < place.section);
            let left = paging.fetch() - i64::try_from(entries.len()).unwrap_or(i64::MAX);
            if !asked || passed || left <= 0 || !seen.contains(&section.kind()) {
                continue;
            }
            let after = after.filter(|(place, _)| place.section == section);
            entries.extend(section_of(tx, &query, section, after, left)?);
        }
        let page = paging.page(entries, None, |entry| (entry.place().to_string(), entry.id))?;
        Ok(Worklist { counts, items: page.items, next_cursor: page.next_cursor })
    })
}

fn counts(
    tx: &mut Reading,
    query: &WorklistQuery,
    kinds: &[WorklistKind],
) -> Result<Vec<WorklistCount>> {
    let scope = tx.scope();
    let of_organisations =
        |kind: &WorklistKind| matches!(kind, WorklistKind::Gap | WorklistKind::QuietOrganisation);
    let organisations = if kinds.iter().any(of_organisations) {
        worklist::counts(tx.conn, &scope, query)?
    } else {
        worklist::Counts::default()
    };
    let mut counts = Vec::new();
    for kind in kinds.iter().copied() {
        let count = match kind {
            WorklistKind::OverdueMilestone | WorklistKind::DueMilestone => {
                worklist::count_milestones(tx.conn, &scope, query, kind)?
            }
            WorklistKind::OverdueTask | WorklistKind::DueTask => {
                task::count_on_worklist(tx.conn, &scope, query, kind)?
            }
            WorklistKind::UnansweredReferral => {
                referral::count_on_worklist(tx.conn, &scope, query)?
            }
            WorklistKind::Gap => organisations.gaps,
            WorklistKind::QuietOrganisation => organisations.quiet,
        };
        counts.push(WorklistCount { kind, count });
    }
    Ok(counts)
}

/// Some entries of a section, after one of them.
fn section_of(
    tx: &mut Reading,
    query: &WorklistQuery,
    section: Section,
    after: Option<(Place, Uuid)>,
    most: i64,
) -> Result<Vec<WorklistEntry>> {
    let (scope, kind, today) = (tx.scope(), section.kind(), query.today);
    let position = after.map(|(place, id)| (place.on, id, place.position));
    let after = after.map(|(place, id)| (place.on, id));
    match section {
        Section::OverdueMilestones | Section::DueMilestones => {
            let (conn, names) = (&mut *tx.conn, &tx.names);
            let awaited = worklist::milestones(conn, names, &scope, query, kind, position, most)?;
            Ok(awaited.into_iter().map(|it| WorklistEntry::milestone(kind, today, it)).collect())
        }
        Section::OverdueHigh | Section::Overdue | Section::DueHigh | Section::Due => {
            let tasks = task::on_worklist(tx.conn, &tx.names, &scope, query, section, after, most)?;
            Ok(tasks.into_iter().map(|task| WorklistEntry::task(kind, today, task)).collect())
        }
        Section::Unanswered => {
            let referrals = referral::on_worklist(tx.conn, &tx.names, &scope, query, after, most)?;
            Ok(referrals.into_iter().map(|it| WorklistEntry::referral(today, it)).collect())
        }
        Section::Gaps => {
            let advised = worklist::gaps(tx.conn, &tx.names, &scope, query, after, most)?;
            Ok(advised.into_iter().map(|it| WorklistEntry::organisation(kind, today, it)).collect())
        }
        Section::Quiet => {
            let advised = worklist::quiet(tx.conn, &tx.names, &scope, query, after, most)?;
            Ok(advised.into_iter().map(|it| WorklistEntry::organisation(kind, today, it)).collect())
        }
    }
}
