use lotse_domain::entity::Reference;
use lotse_domain::policy::{Action, Scope};
use lotse_domain::statistics::{
    FigureScope, FigureScopeKind, RULES_VERSION, Statistics, StatisticsParams, additive,
};
use lotse_domain::{Error, Result};
use lotse_persistence::{funding_period, statistics};

use crate::{App, Caller, Reading};

/// The figures of a funding period in the caller's scope.
///
/// # Errors
/// `NotFound` when there is no such period; `Malformed` or `Invalid` for the question.
pub fn get(app: &App, caller: &Caller, params: &StatisticsParams) -> Result<Statistics> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period)?;
        let scope = tx.scope();
        Ok(Statistics {
            period: Reference::new(period.id, &period.name),
            window: query.window,
            rules_version: RULES_VERSION.to_owned(),
            scope: named_scope(tx)?,
            totals: statistics::totals(tx.conn, &scope, &query)?,
            groups: statistics::groups(tx.conn, &scope, &query)?,
            additive: additive(&query.group_by),
            group_by: query.group_by,
        })
    })
}

/// The scope of figures as an answer names it.
///
/// # Errors
/// `Forbidden` when there is none.
pub(crate) fn named_scope(tx: &Reading) -> Result<FigureScope> {
    match (tx.scope(), &tx.actor.carrier) {
        (Scope::Network, _) => Ok(FigureScope { kind: FigureScopeKind::Network, carrier: None }),
        (Scope::Carrier(_), Some(carrier)) => Ok(FigureScope {
            kind: FigureScopeKind::Carrier,
            carrier: Some(Reference::new(carrier.id, &carrier.name)),
        }),
        _ => Err(Error::Forbidden("You do not work for a carrier.".to_owned())),
    }
}
