use lotse_domain::Result;
use lotse_domain::entity::Reference;
use lotse_domain::policy::Action;
use lotse_domain::programme_statistics::{
    CountedCase, CountedRun, ProgrammeStatistics, ProgrammeStatisticsParams, additive, figures,
    groups,
};
use lotse_domain::statistics::RULES_VERSION;
use lotse_persistence::{funding_period, programme_statistics};

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
        let runs = programme_statistics::runs(tx.conn, &tx.names, &scope, &query)?;
        let cases = programme_statistics::cases(tx.conn, &tx.names, &scope, &query)?;
        let (all_runs, all_cases): (Vec<&CountedRun>, Vec<&CountedCase>) =
            (runs.iter().collect(), cases.iter().collect());
        Ok(ProgrammeStatistics {
            period: Reference::new(period.id, &period.name),
            window: query.window,
            on: query.on,
            rules_version: RULES_VERSION.to_owned(),
            scope: named_scope(&tx.actor)?,
            totals: figures(&all_runs, &all_cases, query.on),
            groups: groups(&runs, &cases, query.on, &query.group_by),
            additive: additive(&query.group_by),
            group_by: query.group_by,
        })
    })
}
