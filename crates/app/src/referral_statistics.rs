use lotse_domain::Result;
use lotse_domain::entity::Reference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Action;
use lotse_domain::referral_statistics::{
    ReferralExplanation, ReferralExplanationParams, ReferralStatistics, ReferralStatisticsParams,
    additive,
};
use lotse_domain::statistics::RULES_VERSION;
use lotse_persistence::{funding_period, referral_statistics};

use crate::statistics::{left_out_counts, named_scope};
use crate::{App, Caller};

/// The figures of referrals in a funding period, in the caller's scope.
///
/// # Errors
/// `NotFound` when there is no such period; `Malformed` or `Invalid` for the question.
pub fn get(
    app: &App,
    caller: &Caller,
    params: &ReferralStatisticsParams,
) -> Result<ReferralStatistics> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period)?;
        let scope = tx.scope();
        Ok(ReferralStatistics {
            period: Reference::new(period.id, &period.name),
            window: query.window,
            rules_version: RULES_VERSION.to_owned(),
            scope: named_scope(&tx.actor)?,
            totals: referral_statistics::totals(tx.conn, &scope, &query)?,
            groups: referral_statistics::groups(tx.conn, &scope, &query)?,
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
    params: &ReferralExplanationParams,
    paging: &Paging,
) -> Result<ReferralExplanation> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let query = params.query(&period)?;
        let scope = tx.scope();
        let records_withheld = tx.actor.may(Action::ReadReferrals).is_err();
        let page = if records_withheld {
            Page { items: Vec::new(), next_cursor: None, total: None }
        } else {
            referral_statistics::counted(tx.conn, &scope, &query, paging)?
        };
        let (mut sum, mut left_out) = (None, None);
        if paging.total {
            sum = Some(referral_statistics::summed(tx.conn, &scope, &query)?);
            let counts = referral_statistics::left_out(tx.conn, &scope, &query)?;
            left_out = Some(left_out_counts(counts, &scope));
        }
        Ok(ReferralExplanation {
            figure: query.figure,
            rule: query.figure.rule(),
            period: Reference::new(period.id, &period.name),
            window: query.asked.window,
            scope: named_scope(&tx.actor)?,
            value: sum,
            records: sum,
            left_out,
            records_withheld,
            items: page.items,
            next_cursor: page.next_cursor,
        })
    })
}
