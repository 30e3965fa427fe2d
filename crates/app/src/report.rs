use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{CarrierId, ReportId};
use lotse_domain::indicator::IndicatorRule;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::{Action, Actor, Scope};
use lotse_domain::programme_statistics::ProgrammeStatisticsQuery;
use lotse_domain::report::{
    Basis, BasisIndicator, BasisTarget, Context, EventFact, Fact, Making, Report,
    ReportAcceptInput, ReportContent, ReportFigures, ReportFilter, ReportInput, ReportPeriod,
    ReportSubmitInput, ReportVerification, as_far_as, canonical, hash, questions,
};
use lotse_domain::statistics::{RULES_VERSION, Window};
use lotse_domain::target::Target;
use lotse_domain::{Error, Result};
use lotse_persistence::report::Frozen;
use lotse_persistence::{Conn, audit, funding_period, indicator, report, target};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::consultation::none_if_missing;
use crate::indicator::{Asked, Counts, View, also};
use crate::programme_statistics;
use crate::statistics::named_scope;
use crate::{App, Caller, Writing};

mod difference;
pub use difference::differences;

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
            parsed(&report::frozen(tx.conn, id)?.content)?
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

fn parsed<T: DeserializeOwned>(content: &str) -> Result<T> {
    serde_json::from_str(content).map_err(|error| Error::Internal(error.into()))
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
        let waiting = as_seen(tx, id, seen)?;
        let period = funding_period::hold(tx.conn, waiting.funding_period.id.into())?;
        // Somebody may have submitted it meanwhile.
        let old = as_seen(tx, id, seen)?;
        let scope = tx.scope();
        let today = tx.today();
        let mut view = View { conn: tx.conn, names: &tx.names, today };
        let (sha256, records) = freeze(&mut view, &tx.actor, &period, &old)?;
        let new = old.submitted(tx.now, &tx.actor, input, sha256, records)?;
        if let Some(before) = &old.predecessor {
            let before = report::find(tx.conn, &tx.names, &scope, before.id.into())?;
            let superseded = before.superseded(tx.now)?;
            keep(tx, &before, superseded)?;
        }
        keep(tx, &old, new)
    })
}

/// Keeps beside a report what it says and what that was counted from, and answers the hash and the number of
/// records. The caller holds the period, and takes it all back when it is not what was seen.
pub(crate) fn freeze(
    view: &mut View,
    actor: &Actor,
    period: &FundingPeriod,
    of: &Report,
) -> Result<(String, i64)> {
    let (id, window, scope) = (of.id, of.window, actor.scope());
    let basis = basis(view, actor, period, window)?;
    let events = report::events(view.conn, &scope, period, window)?;
    let (mut batch, mut position) = (Vec::with_capacity(BATCH), 0_i64);
    let content = content_of(&basis, &events, |making| {
        report::each_fact(view.conn, &scope, period, window.to, |conn, fact| {
            making.add(&fact);
            batch.push(fact);
            if batch.len() == BATCH {
                position += put(conn, id, position, &mut batch)?;
            }
            Ok(())
        })
    })?;
    position += put(view.conn, id, position, &mut batch)?;
    let content = canonical(&content)?;
    let records = position + i64::try_from(events.len()).unwrap_or(i64::MAX);
    let sha256 = hash(&content);
    report::freeze(view.conn, id, &Frozen { basis, content }, &events)?;
    Ok((sha256, records))
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
        let stored: Value = parsed(&frozen.content)?;
        let recounted =
            serde_json::to_value(content).map_err(|error| Error::Internal(error.into()))?;
        let recounted = canonical(&as_far_as(&recounted, &stored))?;
        // What was frozen may have been written in another form of the same values.
        let recomputed_sha256 =
            if recounted == canonical(&stored)? { stored_sha256.clone() } else { hash(&recounted) };
        let intact = stored_sha256 == sha256 && recomputed_sha256 == sha256;
        Ok(ReportVerification { sha256, stored_sha256, recomputed_sha256, intact })
    })
}

fn frozen_hash(found: &Report) -> Result<String> {
    found.sha256.clone().ok_or_else(|| {
        Error::conflict("wrong_state", "The report is a draft: nothing is frozen yet.")
    })
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
    let (mut indicators, mut counts) = (Vec::new(), Counts::default());
    for active in indicator::all_active(view.conn, view.names)? {
        let also = match &active.rule {
            IndicatorRule::Consultations { settings, .. } => also(view.conn, settings)?,
            _ => Vec::new(),
        };
        let mut of_indicator = Vec::new();
        // Targets are of carriers, so a report of the network has none.
        let own = matches!(scope, Scope::Carrier(_));
        for target in targets.iter().filter(|it| own && it.indicator_code == active.code) {
            of_indicator.push(basis_target(
                view,
                &mut counts,
                &active.rule,
                period,
                window,
                target,
            )?);
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
    counts: &mut Counts,
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
            let asked = Asked { scope: &scope, period, window: of_target, site };
            Some(counts.value(view, rule, asked)?)
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
