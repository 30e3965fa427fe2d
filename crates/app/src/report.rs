use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::code::Code;
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{CarrierId, ReportId};
use lotse_domain::indicator::IndicatorRule;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::{Action, Actor, Scope};
use lotse_domain::programme_statistics::ProgrammeStatisticsQuery;
use lotse_domain::report::{
    Basis, BasisIndicator, BasisTarget, Context, DifferenceKind, EventFact, Fact, FigureDifference,
    Making, Report, ReportAcceptInput, ReportContent, ReportDifference, ReportDifferences,
    ReportFigures, ReportFilter, ReportInput, ReportPeriod, ReportSubmitInput, ReportVerification,
    canonical, changed, hash, questions,
};
use lotse_domain::statistics::{Figure, Figures, RULES_VERSION, Window};
use lotse_domain::target::Target;
use lotse_domain::{Error, Result};
use lotse_persistence::report::Frozen;
use lotse_persistence::{Conn, audit, funding_period, indicator, organisation, report, target};
use uuid::Uuid;

use crate::consultation::none_if_missing;
use crate::indicator::{View, also, evaluate};
use crate::programme_statistics;
use crate::statistics::named_scope;
use crate::{App, Caller, Writing};

/// How many facts are written at a time.
const BATCH: usize = 500;

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ReportFilter,
    paging: &Paging,
) -> Result<Page<Report>> {
    app.read(caller, Action::ReadReports, |tx| {
        let scope = tx.scope();
        report::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: ReportId) -> Result<Report> {
    app.read(caller, Action::ReadReports, |tx| {
        let scope = tx.scope();
        report::find(tx.conn, &tx.names, &scope, id)
    })
}

/// # Errors
/// As [`get`].
pub fn history(
    app: &App,
    caller: &Caller,
    id: ReportId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadReports, |tx| {
        let scope = tx.scope();
        report::find(tx.conn, &tx.names, &scope, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid` with everything that is wrong.
pub fn create(app: &App, caller: &Caller, input: &ReportInput) -> Result<Report> {
    app.write(caller, Action::ChangeReports, |tx| {
        let context = context(tx, input)?;
        let new = Report::new(tx.new_id(), tx.now, &tx.actor, input, &context)?;
        report::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is no draft.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ReportId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Report> {
    app.write(caller, Action::ChangeReports, |tx| {
        let old = as_seen(tx, id, seen)?;
        let input: ReportInput = patch.apply(&ReportInput::from(&old))?;
        let context = context(tx, &input)?;
        let new = old.changed(tx.now, &tx.actor, &input, &context)?;
        keep(tx, &old, new)
    })
}

/// Gives a draft up.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is no draft.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: ReportId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Report> {
    app.write(caller, Action::ChangeReports, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.archived(tx.now, input.checked()?)?;
        report::update(tx.conn, &new)?;
        tx.audit(AuditAction::Archived, Some(&old), &new)?;
        Ok(new)
    })
}

/// What the report says: of a draft as of now, else as it was frozen.
///
/// # Errors
/// As [`get`].
pub fn figures(app: &App, caller: &Caller, id: ReportId) -> Result<ReportFigures> {
    app.figures(caller, Action::ReadReports, |tx| {
        let scope = tx.scope();
        let found = report::find(tx.conn, &tx.names, &scope, id)?;
        let content = if found.is_frozen() {
            let frozen = report::frozen(tx.conn, id)?;
            serde_json::from_str(&frozen.content).map_err(|error| Error::Internal(error.into()))?
        } else {
            let actor = tx.actor.clone();
            let period = funding_period::find(tx.conn, found.funding_period.id.into())?;
            let basis = basis(&mut View::of(tx), &actor, &period, found.window)?;
            let events = report::events(tx.conn, &scope, &period, found.window)?;
            content_of(&basis, &events, |making| {
                report::each_fact(tx.conn, &scope, &period, found.window.to, |_, fact| {
                    making.add(&fact);
                    Ok(())
                })
            })?
        };
        let sha256 = match &found.sha256 {
            Some(sha256) => sha256.clone(),
            None => hash(&canonical(&content)?),
        };
        Ok(ReportFigures { report: found, sha256, content })
    })
}

fn content_of(
    basis: &Basis,
    events: &[EventFact],
    count: impl FnOnce(&mut Making) -> Result<()>,
) -> Result<ReportContent> {
    let questions = questions(basis);
    let mut making = Making::new(basis, &questions);
    count(&mut making)?;
    making.content(events)
}

/// Freezes what was seen. The period is held meanwhile, so nothing is entered in it; a report that this one
/// corrects is superseded.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is no draft, or the figures are others by now.
pub fn submit(
    app: &App,
    caller: &Caller,
    id: ReportId,
    seen: i64,
    input: &ReportSubmitInput,
) -> Result<Report> {
    app.write(caller, Action::ChangeReports, |tx| {
        let old = as_seen(tx, id, seen)?;
        let period = funding_period::hold(tx.conn, old.funding_period.id.into())?;
        let (scope, actor) = (tx.scope(), tx.actor.clone());
        let today = tx.today();
        let mut view = View { conn: tx.conn, names: &tx.names, today };
        let basis = basis(&mut view, &actor, &period, old.window)?;
        let events = report::events(tx.conn, &scope, &period, old.window)?;
        let (mut batch, mut position) = (Vec::with_capacity(BATCH), 0_i64);
        let content = content_of(&basis, &events, |making| {
            report::each_fact(tx.conn, &scope, &period, old.window.to, |conn, fact| {
                making.add(&fact);
                batch.push(fact);
                if batch.len() == BATCH {
                    position += put(conn, id, position, &mut batch)?;
                }
                Ok(())
            })
        })?;
        position += put(tx.conn, id, position, &mut batch)?;
        let content = canonical(&content)?;
        let records = position + i64::try_from(events.len()).unwrap_or(i64::MAX);
        let new = old.submitted(tx.now, &tx.actor, input, hash(&content), records)?;
        report::freeze(tx.conn, id, &Frozen { basis, content }, &events)?;
        if let Some(before) = &old.predecessor {
            let before = report::find(tx.conn, &tx.names, &scope, before.id.into())?;
            let superseded = before.superseded(tx.now)?;
            keep(tx, &before, superseded)?;
        }
        keep(tx, &old, new)
    })
}

fn put(conn: &mut Conn, id: ReportId, position: i64, batch: &mut Vec<Fact>) -> Result<i64> {
    report::put_facts(conn, id, position, batch)?;
    let put = i64::try_from(batch.len()).unwrap_or(i64::MAX);
    batch.clear();
    Ok(put)
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is not submitted.
pub fn accept(
    app: &App,
    caller: &Caller,
    id: ReportId,
    seen: i64,
    input: &ReportAcceptInput,
) -> Result<Report> {
    app.write(caller, Action::ChangeReports, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.accepted(tx.now, &tx.actor, input)?;
        keep(tx, &old, new)
    })
}

/// Counts the frozen facts anew.
///
/// # Errors
/// As [`get`]; `Conflict` for a draft.
pub fn verify(app: &App, caller: &Caller, id: ReportId) -> Result<ReportVerification> {
    app.figures(caller, Action::ReadReports, |tx| {
        let scope = tx.scope();
        let found = report::find(tx.conn, &tx.names, &scope, id)?;
        let sha256 = frozen_hash(&found)?;
        let frozen = report::frozen(tx.conn, id)?;
        let events = report::frozen_events(tx.conn, id)?;
        let content = content_of(&frozen.basis, &events, |making| {
            report::each_frozen(tx.conn, id, |fact| {
                making.add(&fact);
                Ok(())
            })
        })?;
        let stored_sha256 = hash(&frozen.content);
        let recomputed_sha256 = hash(&canonical(&content)?);
        let intact = stored_sha256 == sha256 && recomputed_sha256 == sha256;
        Ok(ReportVerification { sha256, stored_sha256, recomputed_sha256, intact })
    })
}

fn frozen_hash(found: &Report) -> Result<String> {
    found.sha256.clone().ok_or_else(|| {
        Error::conflict("wrong_state", "The report is a draft: nothing is frozen yet.")
    })
}

/// What the report would say otherwise today, and which later entries are the reason.
///
/// # Errors
/// As [`get`]; `Conflict` for a draft.
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
        let reported: ReportContent =
            serde_json::from_str(&frozen.content).map_err(|error| Error::Internal(error.into()))?;

        // Of each record its facts as a number, however many there are.
        let mut before: HashMap<Uuid, u64> = HashMap::new();
        report::each_frozen(tx.conn, id, |fact| {
            before.insert(fact.id, fingerprint(&fact)?);
            Ok(())
        })?;
        let mut differing: Vec<(Uuid, DifferenceKind)> = Vec::new();
        let today = content_of(&frozen.basis, &[], |making| {
            report::each_fact(tx.conn, &scope, &period, found.window.to, |_, fact| {
                making.add(&fact);
                match before.remove(&fact.id) {
                    None => differing.push((fact.id, DifferenceKind::Added)),
                    Some(seen) if seen != fingerprint(&fact)? => {
                        differing.push((fact.id, DifferenceKind::Changed));
                    }
                    Some(_) => {}
                }
                Ok(())
            })
        })?;
        differing.extend(before.into_keys().map(|id| (id, DifferenceKind::Removed)));
        differing.sort_unstable_by_key(|(id, _)| *id);
        let records = i64::try_from(differing.len()).unwrap_or(i64::MAX);
        if tx.actor.may(Action::ReadConsultations).is_err() {
            // Who sees figures and no records sees how many there are.
            differing.clear();
        }
        let after = paging.after.as_ref().map(|after| after.id);
        let most = usize::try_from(paging.fetch()).unwrap_or(usize::MAX);
        let shown: Vec<(Uuid, DifferenceKind)> = differing
            .into_iter()
            .filter(|(id, _)| after.is_none_or(|after| *id > after))
            .take(most)
            .collect();
        let page = paging.page(shown, None, |(id, _)| (String::new(), *id))?;

        let ids: Vec<Uuid> = page.items.iter().map(|(id, _)| *id).collect();
        let before = report::frozen_among(tx.conn, id, &ids)?;
        let now = report::facts_of(tx.conn, &scope, &period, &ids)?;
        let since = found.submitted.as_ref().map_or(found.updated_at, |event| event.at);
        let mut entries = audit::history_after(tx.conn, &ids, since)?;
        // What was said makes no difference to a figure, and reading it is noted elsewhere.
        for entry in entries.values_mut().flatten() {
            entry.changes.retain(|change| change.field != "notes");
        }
        let mut items = Vec::new();
        for (record, kind) in page.items {
            let (was, is) = (before.get(&record), now.get(&record));
            let Some(fact) = is.or(was) else { continue };
            items.push(ReportDifference {
                id: record,
                kind,
                held_on: fact.held_on,
                organisation: named(tx.conn, fact)?,
                fields: was.zip(is).map(|(was, is)| changed(was, is)).unwrap_or_default(),
                entries: entries.remove(&record).unwrap_or_default(),
            });
        }
        Ok(ReportDifferences {
            figures: differing_figures(&reported, &today),
            records,
            items,
            next_cursor: page.next_cursor,
        })
    })
}

fn named(conn: &mut Conn, fact: &Fact) -> Result<Option<OrganisationReference>> {
    let Some(id) = fact.organisation else { return Ok(None) };
    Ok(organisation::facts(conn, id.into())?.map(|facts| facts.reference))
}

/// The version alone makes no difference.
fn fingerprint(fact: &Fact) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    canonical(&Fact { version: 0, ..fact.clone() })?.hash(&mut hasher);
    Ok(hasher.finish())
}

fn differing_figures(reported: &ReportContent, today: &ReportContent) -> Vec<FigureDifference> {
    let totals = |content: &ReportContent| -> Figures {
        let rows = content.consultations.first().map(|table| &table.rows);
        rows.and_then(|rows| rows.first()).map(|row| row.figures).unwrap_or_default()
    };
    let (reported, today) = (totals(reported), totals(today));
    Figure::all()
        .into_iter()
        .map(|figure| FigureDifference {
            figure,
            reported: figure.of(&reported),
            today: figure.of(&today),
        })
        .filter(|it| it.reported != it.today)
        .collect()
}

fn as_seen(tx: &mut Writing, id: ReportId, seen: i64) -> Result<Report> {
    let scope = tx.scope();
    let old = report::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

fn keep(tx: &mut Writing, old: &Report, new: Report) -> Result<Report> {
    report::update(tx.conn, &new)?;
    tx.changed(old, &new)?;
    Ok(new)
}

fn context(tx: &mut Writing, input: &ReportInput) -> Result<Context> {
    let scope = tx.scope();
    let predecessor = match input.predecessor_id {
        Some(id) => none_if_missing(report::find(tx.conn, &tx.names, &scope, id))?,
        None => None,
    };
    let period = none_if_missing(funding_period::find(tx.conn, input.funding_period_id))?;
    Ok(Context { period, predecessor })
}

/// What a report rests on beside the facts, as of now.
fn basis(view: &mut View, actor: &Actor, period: &FundingPeriod, window: Window) -> Result<Basis> {
    let scope = actor.scope();
    let targets = target::of_period(view.conn, view.names, &scope, period.id)?;
    let mut indicators = Vec::new();
    for active in indicator::all_active(view.conn, view.names)? {
        let also = match &active.rule {
            IndicatorRule::Consultations { settings, .. } => also(view.conn, settings)?,
            _ => Vec::new(),
        };
        let mut of_indicator = Vec::new();
        // Targets are of carriers, so a report of the network has none.
        let own = matches!(scope, Scope::Carrier(_));
        for target in targets.iter().filter(|it| own && it.indicator_code == active.code) {
            of_indicator.push(basis_target(view, &active.rule, period, window, target)?);
        }
        indicators.push(BasisIndicator {
            indicator: active.reference(),
            unit: active.unit,
            text_de: active.text_de,
            text_en: active.text_en,
            source: active.source,
            rule: active.rule,
            also,
            targets: of_indicator.into_iter().flatten().collect(),
        });
    }
    let query = ProgrammeStatisticsQuery {
        funding_period_id: period.id,
        window,
        on: view.today.clamp(window.from, window.to),
        group_by: Vec::new(),
        conditions: Vec::new(),
    };
    let (runs, cases) = programme_statistics::counted(view.conn, view.names, &scope, &query)?;
    Ok(Basis {
        rules_version: RULES_VERSION.to_owned(),
        period: ReportPeriod {
            id: period.id.0,
            name: period.name.clone(),
            service_name: period.service_name.clone(),
            minimum_minutes: period.minimum_minutes,
        },
        window,
        scope: named_scope(actor)?,
        indicators,
        programmes: programme_statistics::totals(&runs, &cases, &query),
        labels: report::labels(view.conn)?,
    })
}

/// A target whose window lies in that of the report; others are not its business.
fn basis_target(
    view: &mut View,
    rule: &IndicatorRule,
    period: &FundingPeriod,
    window: Window,
    target: &Target,
) -> Result<Option<BasisTarget>> {
    let Some(of_target) = target.window(period) else { return Ok(None) };
    if of_target.from < window.from || of_target.to > window.to {
        return Ok(None);
    }
    let site = target.site.as_ref().map(|site| site.id);
    let actual = match rule {
        IndicatorRule::Programmes { .. } => {
            let scope = Scope::Carrier(CarrierId(target.carrier.id));
            let site = site.map(Into::into);
            Some(evaluate(view, &scope, rule, period, of_target, site)?)
        }
        _ => None,
    };
    Ok(Some(BasisTarget {
        id: target.id,
        site,
        year: target.year,
        quarter: target.quarter,
        window: of_target,
        value: target.value,
        actual,
    }))
}
