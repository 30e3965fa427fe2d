use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::calendar::FederalState;
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{CarrierId, TargetId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::{Action, Scope};
use lotse_domain::statistics::{FigureScopeKind, StatisticsQuery, Window};
use lotse_domain::target::{Context, Target, TargetFilter, TargetInput, passed, progress};
use lotse_domain::{Error, Result};
use lotse_persistence::{audit, funding_period, indicator, site, target};

use crate::consultation::none_if_missing;
use crate::indicator::{Asked, Counts, View};
use crate::{App, Caller, Reading, Writing};

/// Targets with how far they are.
///
/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &TargetFilter,
    paging: &Paging,
) -> Result<Page<Target>> {
    app.figures(caller, Action::ReadTargets, |tx| {
        let scope = tx.scope();
        let page = target::list(tx.conn, &tx.names, &scope, filter, paging)?;
        let mut counts = Counts::default();
        let items = page.items.into_iter().map(|found| with_progress(tx, &mut counts, found));
        Ok(Page { items: items.collect::<Result<_>>()?, ..page })
    })
}

/// How many targets figures have beside them at most.
const MAX_BESIDE: usize = 100;

/// Those that are set for the totals of figures or for a row of them, with how far they are.
///
/// # Errors
/// `Forbidden` for who reads figures and no targets; `Malformed` when there are too many.
pub(crate) fn beside(
    tx: &mut Reading,
    period: &FundingPeriod,
    whose: FigureScopeKind,
    query: &StatisticsQuery,
) -> Result<Vec<Target>> {
    tx.actor.may(Action::ReadTargets)?;
    let scope = tx.scope();
    let mut counts = Counts::default();
    let mut found = target::of_period(tx.conn, &tx.names, &scope, period.id)?;
    found.retain(|it| it.is_beside(&query.group_by, query.window, whose, period));
    // Each is counted by itself.
    if found.len() > MAX_BESIDE {
        let message = format!("would be {} here, of at most {MAX_BESIDE}", found.len());
        return Err(Error::malformed_query("targets", "too_many", message));
    }
    found.into_iter().map(|found| in_period(tx, &mut counts, period, found)).collect()
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: TargetId) -> Result<Target> {
    app.figures(caller, Action::ReadTargets, |tx| {
        let scope = tx.scope();
        let found = target::find(tx.conn, &tx.names, &scope, id)?;
        with_progress(tx, &mut Counts::default(), found)
    })
}

/// # Errors
/// As [`get`].
pub fn history(
    app: &App,
    caller: &Caller,
    id: TargetId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadTargets, |tx| {
        let scope = tx.scope();
        target::find(tx.conn, &tx.names, &scope, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid` with everything that is wrong; `Conflict` when there is one of the same indicator, time and
/// place, or the period is closed.
pub fn create(app: &App, caller: &Caller, input: &TargetInput) -> Result<Target> {
    app.write(caller, Action::ChangeTargets, |tx| {
        let context = context(tx, input)?;
        let new = Target::new(tx.new_id(), tx.now, &tx.actor, input, &context)?;
        target::insert(tx.conn, &new)?;
        tx.created(&new.as_recorded())?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is archived or the period is closed.
pub fn change(
    app: &App,
    caller: &Caller,
    id: TargetId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Target> {
    app.write(caller, Action::ChangeTargets, |tx| {
        let old = as_seen(tx, id, seen)?;
        let period = funding_period::hold(tx.conn, old.funding_period.id.into())?;
        let new = old.changed(tx.now, &patch.apply(&TargetInput::from(&old))?, &period)?;
        target::update(tx.conn, &new)?;
        tx.changed(&old.as_recorded(), &new.as_recorded())?;
        named(tx, new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is archived or the period is closed.
pub fn archive(
    app: &App,
    caller: &Caller,
    id: TargetId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Target> {
    app.write(caller, Action::ChangeTargets, |tx| {
        let old = as_seen(tx, id, seen)?;
        let period = funding_period::hold(tx.conn, old.funding_period.id.into())?;
        let new = old.archived(tx.now, input.checked()?, &period)?;
        target::update(tx.conn, &new)?;
        tx.audit(AuditAction::Archived, Some(&old.as_recorded()), &new.as_recorded())?;
        named(tx, new)
    })
}

fn as_seen(tx: &mut Writing, id: TargetId, seen: i64) -> Result<Target> {
    let scope = tx.scope();
    let old = target::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

fn named(tx: &mut Writing, target: Target) -> Result<Target> {
    let active = indicator::active(tx.conn, &tx.names, &target.indicator_code)?;
    Ok(Target { indicator: active.map(|found| found.reference()), ..target })
}

fn context(tx: &mut Writing, input: &TargetInput) -> Result<Context> {
    let carrier = tx.actor.own_carrier()?.id;
    let found = match input.site_id {
        Some(id) => none_if_missing(site::find(tx.conn, id))?,
        None => None,
    };
    let indicator = indicator::active(tx.conn, &tx.names, &input.indicator)?;
    Ok(Context {
        period: none_if_missing(funding_period::hold(tx.conn, input.funding_period_id))?,
        indicator: indicator.map(|found| found.reference()),
        site: found.filter(|site| site.carrier.id == carrier.0),
    })
}

/// The target with how far it is today: the records of its carrier count, whoever asks.
fn with_progress(tx: &mut Reading, counts: &mut Counts, target: Target) -> Result<Target> {
    let period = funding_period::find(tx.conn, target.funding_period.id.into())?;
    in_period(tx, counts, &period, target)
}

/// The same where the period is known.
fn in_period(
    tx: &mut Reading,
    counts: &mut Counts,
    period: &FundingPeriod,
    target: Target,
) -> Result<Target> {
    let Some(active) = indicator::active(tx.conn, &tx.names, &target.indicator_code)? else {
        return Ok(target);
    };
    // One that was given up may lie outside the period by now.
    let Some(window) = target.window(period) else { return Ok(target) };
    let site = target.site.as_ref().map(|site| site.id.into());
    let carrier = CarrierId(target.carrier.id);
    let place = match site {
        Some(site) => Some(site::find(tx.conn, site)?),
        // One that works in several states has the holidays of its first site.
        None => site::first_of(tx.conn, carrier)?,
    };
    let state = place.map_or(FederalState::Hesse, |place| place.federal_state);
    let carrier = Scope::Carrier(carrier);
    let (scope, today) = (&carrier, tx.today());
    let mut count = |window: Window| {
        counts.value(&mut View::of(tx), &active.rule, Asked { scope, period, window, site })
    };
    let actual = count(window)?;
    let until_yesterday = match passed(window, today) {
        Some(days) if days == window => actual,
        Some(days) => count(days)?,
        None => 0,
    };
    let progress = progress(target.value, actual, until_yesterday, window, today, state);
    Ok(Target { indicator: Some(active.reference()), progress: Some(progress), ..target })
}
