use lotse_domain::Result;
use lotse_domain::entity::Reference;
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::page::Paging;
use lotse_domain::policy::{Action, Scope};
use lotse_domain::programme_statistics::{
    CountedCase, CountedRun, Explained, ProgrammeExplanation, ProgrammeExplanationParams,
    ProgrammeExplanationQuery, ProgrammeFigures, ProgrammeRecords, ProgrammeStatistics,
    ProgrammeStatisticsParams, ProgrammeStatisticsQuery, additive, explained, figures, groups,
    matching,
};
use lotse_domain::statistics::{RULES_VERSION, Window};
use lotse_persistence::names::Names;
use lotse_persistence::{Conn, funding_period, programme_statistics};

use crate::statistics::{left_out_counts, named_scope};
use crate::{App, Caller, Reading};

/// The figures of accompaniments and recruitment cases in a funding period, in the caller's scope.
///
/// # Errors
/// `NotFound` when there is no such period; `Malformed` or `Invalid` for the question.
pub fn get(
    app: &App,
    caller: &Caller,
    params: &ProgrammeStatisticsParams,
) -> Result<ProgrammeStatistics> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period, tx.today())?;
        let scope = tx.scope();
        let (runs, cases) = counted(tx.conn, &tx.names, &scope, &query)?;
        Ok(ProgrammeStatistics {
            period: Reference::new(period.id, &period.name),
            window: query.window,
            on: query.on,
            rules_version: RULES_VERSION.to_owned(),
            scope: named_scope(&tx.actor)?,
            totals: totals(&runs, &cases, &query),
            groups: groups(&runs, &cases, query.on, &query.group_by),
            additive: additive(&query.group_by),
            explanation: String::new(),
            group_by: query.group_by,
            filter: query.conditions,
        })
    })
}

/// The records behind a figure, what was left out, and the rule. Who reads figures and no records gets the
/// counts alone.
///
/// # Errors
/// As [`get`].
pub fn explain(
    app: &App,
    caller: &Caller,
    params: &ProgrammeExplanationParams,
    paging: &Paging,
) -> Result<ProgrammeExplanation> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period, tx.today())?;
        let scope = tx.scope();
        let Explained { value, records, left_out, mut items } =
            explained(&query, &records(tx, &period, &query)?);
        let records_withheld = tx.actor.may(Action::ReadAccompaniments).is_err();
        if records_withheld {
            items.clear();
        }
        if let Some(after) = &paging.after {
            let after = (after.parse()?, after.id);
            items.retain(|item| (item.on, item.id) > after);
        }
        items.truncate(usize::try_from(paging.fetch()).unwrap_or(usize::MAX));
        let page = paging.page(items, None, |item| (item.on.to_string(), item.id))?;
        Ok(ProgrammeExplanation {
            figure: query.figure,
            of: params.of.clone(),
            rule: query.figure.rule(),
            period: Reference::new(period.id, &period.name),
            window: query.asked.window,
            on: query.asked.on,
            scope: named_scope(&tx.actor)?,
            value: paging.total.then_some(value),
            records: paging.total.then_some(records),
            left_out: paging.total.then(|| left_out_counts(left_out, &scope)),
            records_withheld,
            items: page.items,
            next_cursor: page.next_cursor,
        })
    })
}

/// All of the period and the scope that the figure could be of.
fn records(
    tx: &mut Reading,
    period: &FundingPeriod,
    query: &ProgrammeExplanationQuery,
) -> Result<ProgrammeRecords> {
    let scope = tx.scope();
    let window = Window::whole(period);
    let whole = ProgrammeStatisticsQuery { window, ..query.asked.clone() };
    if query.is_of_cases() {
        let cases = programme_statistics::cases(tx.conn, &tx.names, &scope, &whole)?;
        return Ok(ProgrammeRecords { cases, ..ProgrammeRecords::default() });
    }
    Ok(ProgrammeRecords {
        runs: programme_statistics::runs(tx.conn, &tx.names, &scope, &whole)?,
        not_begun: programme_statistics::not_begun(tx.conn, &tx.names, &scope, window)?,
        cases: Vec::new(),
    })
}

/// The accompaniments and cases that a question is about.
pub(crate) fn counted(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &ProgrammeStatisticsQuery,
) -> Result<(Vec<CountedRun>, Vec<CountedCase>)> {
    let runs = programme_statistics::runs(conn, names, scope, query)?;
    let cases = programme_statistics::cases(conn, names, scope, query)?;
    Ok(matching(query, runs, cases))
}

pub(crate) fn totals(
    runs: &[CountedRun],
    cases: &[CountedCase],
    query: &ProgrammeStatisticsQuery,
) -> ProgrammeFigures {
    let runs: Vec<&CountedRun> = runs.iter().collect();
    let cases: Vec<&CountedCase> = cases.iter().collect();
    figures(&runs, &cases, query.on)
}
