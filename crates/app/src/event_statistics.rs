use lotse_domain::Result;
use lotse_domain::entity::Reference;
use lotse_domain::event_statistics::{EventStatistics, EventStatisticsParams, additive};
use lotse_domain::policy::Action;
use lotse_domain::statistics::RULES_VERSION;
use lotse_persistence::{event_statistics, funding_period};

use crate::statistics::named_scope;
use crate::{App, Caller};

/// The figures of events in a funding period, in the caller's scope.
///
/// # Errors
/// `NotFound` when there is no such period; `Malformed` or `Invalid` for the question.
pub fn get(app: &App, caller: &Caller, params: &EventStatisticsParams) -> Result<EventStatistics> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period)?;
        let scope = tx.scope();
        Ok(EventStatistics {
            period: Reference::new(period.id, &period.name),
            window: query.window,
            rules_version: RULES_VERSION.to_owned(),
            scope: named_scope(&tx.actor)?,
            totals: event_statistics::totals(tx.conn, &scope, &query)?,
            groups: event_statistics::groups(tx.conn, &scope, &query)?,
            additive: additive(&query.group_by),
            group_by: query.group_by,
        })
    })
}
