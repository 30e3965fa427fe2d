use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::id::FundingPeriodId;
use lotse_domain::policy::Action;
use lotse_domain::readiness::{Readiness, ReadinessGap, ReadinessItem};
use lotse_persistence::{funding_period, readiness};

use crate::statistics::named_scope;
use crate::{App, Caller};

/// Whether a period can be closed, as far as the caller's scope goes.
///
/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: FundingPeriodId) -> Result<Readiness> {
    app.figures(caller, Action::ReadTrials, |tx| {
        let period = funding_period::find(tx.conn, id)?;
        let (scope, today) = (tx.actor.counted_scope(), tx.today());
        let mut items = Vec::new();
        for gap in ReadinessGap::all() {
            let counts = readiness::counts(tx.conn, &tx.names, &scope, &period, gap, today)?;
            items.push(ReadinessItem::new(gap, counts));
        }
        Ok(Readiness {
            period: Reference::new(period.id, &period.name),
            status: period.status,
            scope: named_scope(&tx.actor)?,
            ready: items.iter().all(|item| item.count == 0 || item.changes.is_empty()),
            items,
        })
    })
}
