//! What a write into a closing period does to its figures.

use std::collections::BTreeSet;

use lotse_domain::Result;
use lotse_domain::consultation::Consultation;
use lotse_domain::funding_period::{FundingPeriod, FundingPeriodStatus};
use lotse_domain::id::CarrierId;
use lotse_domain::indicator::IndicatorRule;
use lotse_domain::policy::Scope;
use lotse_domain::report::{AskedIndicator, Closing, Fact, Question, TouchedFigures};
use lotse_domain::statistics::Window;
use lotse_persistence::{indicator, report};
use uuid::Uuid;

use crate::Writing;
use crate::indicator::also;

/// The facts of closing periods as they are before a write.
pub(crate) struct Before {
    consultation: Uuid,
    /// The organisation of the record before and after.
    organisations: BTreeSet<Uuid>,
    scope: Scope,
    periods: Vec<(Closing, Vec<Fact>)>,
}

impl Before {
    /// # Errors
    /// When the database cannot be read.
    pub fn of<const N: usize>(
        tx: &mut Writing,
        old: Option<&Consultation>,
        new: &Consultation,
        periods: [Option<FundingPeriod>; N],
    ) -> Result<Self> {
        let both = old.into_iter().chain([new]);
        let organisations = both.filter_map(|it| it.organisation.as_ref()).map(|it| it.id.0);
        let carrier = CarrierId(new.carrier.id);
        let mut before = Self {
            consultation: new.id.0,
            organisations: organisations.collect(),
            scope: Scope::Carrier(carrier),
            periods: Vec::new(),
        };
        let mut closing: Vec<FundingPeriod> = periods
            .into_iter()
            .flatten()
            .filter(|period| period.status == FundingPeriodStatus::Closing)
            .collect();
        closing.dedup_by_key(|period| period.id);
        for period in closing {
            let facts = before.facts(tx, &period)?;
            let reports = report::standing(tx.conn, &tx.names, carrier, period.id)?;
            let indicators = indicators(tx, &period)?;
            before.periods.push((Closing { period, indicators, reports }, facts));
        }
        Ok(before)
    }

    /// What the write has changed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn touched(&self, tx: &mut Writing) -> Result<Vec<TouchedFigures>> {
        let mut touched = Vec::new();
        for (closing, before) in &self.periods {
            let after = self.facts(tx, &closing.period)?;
            touched.extend(closing.touched(before, &after));
        }
        Ok(touched)
    }

    fn facts(&self, tx: &mut Writing, period: &FundingPeriod) -> Result<Vec<Fact>> {
        let (id, organisations) = (self.consultation, &self.organisations);
        report::facts_around(tx.conn, &self.scope, period, id, organisations)
    }
}

/// The active indicators of consultations.
fn indicators(tx: &mut Writing, period: &FundingPeriod) -> Result<Vec<AskedIndicator>> {
    let mut asked = Vec::new();
    for active in indicator::all_active(tx.conn, &tx.names)? {
        let indicator = active.reference();
        let IndicatorRule::Consultations { figure, conditions, settings } = active.rule else {
            continue;
        };
        let window = Window::whole(period);
        let also = also(tx.conn, &settings)?;
        let question = Question { window, group_by: Vec::new(), conditions, also };
        asked.push(AskedIndicator { indicator, figure, question });
    }
    Ok(asked)
}
