use lotse_domain::entity::Reference;
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::{Action, Actor, Scope};
use lotse_domain::statistics::{
    CountedForPivot, Dimension, Explanation, ExplanationParams, ExplanationQuery, FigureScope,
    FigureScopeKind, Figures, Group, GroupValue, LeftOut, LeftOutCount, Pivot, PivotParams,
    PreviousFigures, Publication, PublicationParams, RULES_VERSION, SMALLEST_SHOWN, Statistics,
    StatisticsParams, StatisticsQuery, TopicsAs, Window, additive, published, with_zeros,
};
use lotse_domain::{Error, Result};
use lotse_persistence::{funding_period, statistics};

use crate::{App, Caller, Reading, target};

/// The figures of a funding period in the caller's scope.
///
/// # Errors
/// `NotFound` when there is no such period; `Malformed` or `Invalid` for the question.
pub fn get(app: &App, caller: &Caller, params: &StatisticsParams) -> Result<Statistics> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period)?;
        let previous = if params.previous { previous(tx, &period, &query)? } else { None };
        let scope = named_scope(&tx.actor)?;
        let targets = if params.targets {
            Some(target::beside(tx, &period, scope.kind, &query)?)
        } else {
            None
        };
        let (totals, groups) = figures(tx, &query, params.zeros)?;
        Ok(Statistics {
            period: Reference::new(period.id, &period.name),
            window: query.window,
            rules_version: RULES_VERSION.to_owned(),
            scope,
            totals,
            groups,
            explanation: String::new(),
            additive: additive(&query.group_by),
            group_by: query.group_by,
            filter: query.conditions,
            previous,
            targets,
        })
    })
}

/// The totals and the groups.
fn figures(
    tx: &mut Reading,
    query: &StatisticsQuery,
    zeros: bool,
) -> Result<(Figures, Vec<Group>)> {
    let scope = tx.scope();
    let (totals, groups) = statistics::totals_and_groups(tx.conn, &scope, query)?;
    if !zeros || query.group_by.is_empty() {
        return Ok((totals, groups));
    }
    let mut values = Vec::new();
    for dimension in &query.group_by {
        let known = statistics::values(tx.conn, &scope, *dimension, query.window)?;
        let wanted = query.conditions.iter().find(|wanted| wanted.dimension == *dimension);
        let mut values_of = known.unwrap_or_else(|| values_in(&groups, *dimension));
        // A filter leaves one of several topics in its record, so the others have a row too.
        if !dimension.is_multiple_answer() {
            values_of.retain(|value| wanted.is_none_or(|it| it.holds(value.code.as_deref())));
        }
        values.push(values_of);
    }
    Ok((totals, with_zeros(groups, &query.group_by, &values)?))
}

/// Of what has too many values to show them all, those that there are.
fn values_in(groups: &[Group], dimension: Dimension) -> Vec<GroupValue> {
    let mut values: Vec<GroupValue> = Vec::new();
    for value in groups.iter().filter_map(|group| group.key.get(&dimension)) {
        if value.code.is_some() && !values.contains(value) {
            values.push(value.clone());
        }
    }
    values
}

/// The figures of the window before: of a whole period the period before, since firsts are derived per
/// period and a figure never spans two.
fn previous(
    tx: &mut Reading,
    period: &FundingPeriod,
    query: &StatisticsQuery,
) -> Result<Option<PreviousFigures>> {
    let whole = Window::whole(period);
    let (period, window) = if query.window == whole {
        let Some(before) = period.starts_on.pred_opt() else { return Ok(None) };
        let Some(before) = funding_period::on_date(tx.conn, before)? else { return Ok(None) };
        let window = Window::whole(&before);
        (before, window)
    } else {
        let Some(window) = query.window.before(period.starts_on) else { return Ok(None) };
        (period.clone(), window)
    };
    let query = StatisticsQuery { funding_period_id: period.id, window, ..query.clone() };
    let (totals, groups) = figures(tx, &query, false)?;
    let period = Reference::new(period.id, &period.name);
    Ok(Some(PreviousFigures { period, window, totals, groups }))
}

/// The records behind a figure, what was left out, and the rule. Who reads figures and no records gets the
/// counts alone.
///
/// # Errors
/// As [`get`].
pub fn explain(
    app: &App,
    caller: &Caller,
    params: &ExplanationParams,
    paging: &Paging,
) -> Result<Explanation> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period)?;
        explained(tx, &period, &query, paging)
    })
}

pub(crate) fn explained(
    tx: &mut Reading,
    period: &FundingPeriod,
    query: &ExplanationQuery,
    paging: &Paging,
) -> Result<Explanation> {
    let scope = tx.scope();
    let records_withheld = tx.actor.may(Action::ReadConsultations).is_err();
    let page = if records_withheld {
        Page { items: Vec::new(), next_cursor: None, total: None }
    } else {
        statistics::counted(tx.conn, &tx.names, &scope, query, paging)?
    };
    let (mut sums, mut left_out) = (None, None);
    if paging.total {
        sums = Some(statistics::summed(tx.conn, &scope, query)?);
        let counts = statistics::left_out(tx.conn, &scope, query)?;
        left_out = Some(left_out_counts(counts, &scope));
    }
    Ok(Explanation {
        figure: query.figure,
        indicator: None,
        unit: query.figure.unit(),
        rule: query.figure.rule(),
        period: Reference::new(period.id, &period.name),
        window: query.window,
        scope: named_scope(&tx.actor)?,
        value: sums.map(|(_, value)| value),
        records: sums.map(|(records, _)| records),
        left_out,
        records_withheld,
        items: page.items,
        next_cursor: page.next_cursor,
    })
}

/// How many records were left out, by reason. What other carriers have is not told to a carrier.
pub(crate) fn left_out_counts(
    counts: impl IntoIterator<Item = (LeftOut, i64)>,
    scope: &Scope,
) -> Vec<LeftOutCount> {
    let counts = counts.into_iter();
    let mut told: Vec<LeftOutCount> =
        counts.map(|(reason, count)| LeftOutCount::new(reason, Some(count))).collect();
    if matches!(scope, Scope::Carrier(_)) {
        told.push(LeftOutCount::new(LeftOut::OtherCarriers, None));
    }
    told
}

/// One figure by two dimensions. Every total is counted by itself.
///
/// # Errors
/// As [`get`].
pub fn pivot(app: &App, caller: &Caller, params: &PivotParams) -> Result<Pivot> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period)?;
        let scope = tx.scope();
        let each_way: [&[Dimension]; 3] = [&[params.rows], &[params.columns], &query.group_by];
        let (all, groups) = statistics::by(tx.conn, &scope, &query, &each_way)?;
        let [by_row, by_column, both] = groups.as_slice() else {
            return Err(Error::internal("three groupings are not three"));
        };
        let counted = CountedForPivot { both, by_row, by_column, all: &all };
        let (period, scope) = (Reference::new(period.id, &period.name), named_scope(&tx.actor)?);
        Ok(Pivot::new(params, query, period, scope, &counted))
    })
}

/// Figures that may be published.
///
/// # Errors
/// As [`get`].
pub fn publication(app: &App, caller: &Caller, params: &PublicationParams) -> Result<Publication> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = StatisticsQuery {
            funding_period_id: period.id,
            window: Window::of(&period, params.from, params.to)?,
            group_by: params.group_by.into_iter().collect(),
            conditions: Vec::new(),
            also: Vec::new(),
            topics: TopicsAs::Recorded,
        };
        let scope = tx.scope();
        let (totals, groups) = statistics::totals_and_groups(tx.conn, &scope, &query)?;
        let (rows, suppressed) = published(&totals, &groups, params.group_by);
        Ok(Publication {
            period: Reference::new(period.id, &period.name),
            window: query.window,
            scope: named_scope(&tx.actor)?,
            rules_version: RULES_VERSION.to_owned(),
            group_by: params.group_by,
            smallest_shown: SMALLEST_SHOWN,
            suppressed,
            rows,
        })
    })
}

/// The scope of figures as an answer names it.
///
/// # Errors
/// `Forbidden` when there is none.
pub(crate) fn named_scope(actor: &Actor) -> Result<FigureScope> {
    match (actor.counted_scope(), &actor.carrier) {
        (Scope::Network, _) => Ok(FigureScope { kind: FigureScopeKind::Network, carrier: None }),
        (Scope::Carrier(_), Some(carrier)) => Ok(FigureScope {
            kind: FigureScopeKind::Carrier,
            carrier: Some(Reference::new(carrier.id, &carrier.name)),
        }),
        _ => Err(Error::Forbidden("You do not work for a carrier.".to_owned())),
    }
}
