use lotse_domain::Result;
use lotse_domain::entity::Reference;
use lotse_domain::policy::Action;
use lotse_domain::policy::Scope;
use lotse_domain::programme_statistics::{
    CountedCase, CountedRun, ProgrammeFigures, ProgrammeStatistics, ProgrammeStatisticsParams,
    ProgrammeStatisticsQuery, additive, figures, groups, matching,
};
use lotse_domain::statistics::RULES_VERSION;
use lotse_persistence::names::Names;
use lotse_persistence::{Conn, funding_period, programme_statistics};

use crate::statistics::named_scope;
use crate::{App, Caller};

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
            group_by: query.group_by,
            filter: query.conditions,
        })
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
