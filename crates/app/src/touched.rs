//! What a write into a closing period does to its figures: they are counted before and after it, of the records
//! only that it can count otherwise.

use lotse_domain::Result;
use lotse_domain::consultation::Consultation;
use lotse_domain::entity::Reference;
use lotse_domain::funding_period::{FundingPeriod, FundingPeriodStatus};
use lotse_domain::id::CarrierId;
use lotse_domain::indicator::{Indicator, IndicatorRule};
use lotse_domain::policy::Scope;
use lotse_domain::report::Report;
use lotse_domain::statistics::{
    Figures, Only, StatisticsQuery, TopicsAs, TouchedFigures, TouchedIndicator, Window,
    differences, reaches, regrouped,
};
use lotse_persistence::{indicator, report, statistics};

use crate::Writing;
use crate::indicator::{Asked, Counts, View};

/// The figures of closing periods as they are before a write.
pub(crate) struct Before {
    carrier: CarrierId,
    only: Only,
    indicators: Vec<Indicator>,
    periods: Vec<Seen>,
}

struct Seen {
    period: FundingPeriod,
    figures: Figures,
    values: Vec<i64>,
    reports: Vec<(Report, Figures)>,
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
        let organisations = [old, Some(new)].into_iter().flatten();
        let organisations = organisations.filter_map(|it| Some(it.organisation.as_ref()?.id));
        let only = Only { consultation: new.id, organisations: organisations.collect() };
        let carrier = CarrierId(new.carrier.id);
        let mut closing: Vec<FundingPeriod> = periods
            .into_iter()
            .flatten()
            .filter(|period| period.status == FundingPeriodStatus::Closing)
            .collect();
        closing.dedup_by_key(|period| period.id);
        let mut before =
            Self { carrier, only, indicators: Vec::new(), periods: Vec::with_capacity(N) };
        if closing.is_empty() {
            return Ok(before);
        }
        before.indicators = indicator::all_active(tx.conn, &tx.names)?;
        before
            .indicators
            .retain(|indicator| matches!(indicator.rule, IndicatorRule::Consultations { .. }));
        for period in closing {
            let (figures, values) = before.count(tx, &period)?;
            let mut reports = Vec::new();
            for found in report::standing(tx.conn, &tx.names, carrier, period.id)? {
                let figures = before.figures(tx, &period, found.window)?;
                reports.push((found, figures));
            }
            before.periods.push(Seen { period, figures, values, reports });
        }
        Ok(before)
    }

    /// What the write has changed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn touched(
        &self,
        tx: &mut Writing,
        old: Option<&Consultation>,
        new: &Consultation,
    ) -> Result<Vec<TouchedFigures>> {
        let dimensions = old.map(|old| regrouped(old, new)).unwrap_or_default();
        let days: Vec<_> = old.map(|old| old.held_on).into_iter().chain([new.held_on]).collect();
        let mut touched = Vec::with_capacity(self.periods.len());
        for seen in &self.periods {
            let (figures, values) = self.count(tx, &seen.period)?;
            let values = seen.values.iter().zip(values);
            let changed = self.indicators.iter().zip(values).filter(|(_, (was, is))| *was != is);
            let mut reports = Vec::new();
            for (found, was) in &seen.reports {
                let is = self.figures(tx, &seen.period, found.window)?;
                if is != *was || !dimensions.is_empty() && reaches(found.window, &days) {
                    reports.push(Reference::new(found.id, &found.title));
                }
            }
            let this = TouchedFigures {
                funding_period: Reference::new(seen.period.id, &seen.period.name),
                figures: differences(&seen.figures, &figures),
                dimensions: dimensions.clone(),
                indicators: changed
                    .map(|(indicator, (was, is))| TouchedIndicator {
                        indicator: indicator.reference(),
                        difference: is - was,
                    })
                    .collect(),
                reports,
            };
            touched.extend((!this.is_nothing()).then_some(this));
        }
        Ok(touched)
    }

    fn count(&self, tx: &mut Writing, period: &FundingPeriod) -> Result<(Figures, Vec<i64>)> {
        let window = Window { from: period.starts_on, to: period.ends_on };
        let figures = self.figures(tx, period, window)?;
        let scope = Scope::Carrier(self.carrier);
        let asked = Asked { scope: &scope, period, window, site: None, only: Some(&self.only) };
        let mut counts = Counts::default();
        let today = tx.today();
        let mut view = View { conn: &mut *tx.conn, names: &tx.names, today };
        let values = self
            .indicators
            .iter()
            .map(|indicator| counts.value(&mut view, &indicator.rule, asked))
            .collect::<Result<_>>()?;
        Ok((figures, values))
    }

    fn figures(&self, tx: &mut Writing, period: &FundingPeriod, window: Window) -> Result<Figures> {
        let query = StatisticsQuery {
            funding_period_id: period.id,
            window,
            group_by: Vec::new(),
            conditions: Vec::new(),
            also: Vec::new(),
            topics: TopicsAs::Recorded,
            only: Some(self.only.clone()),
        };
        statistics::totals(tx.conn, &Scope::Carrier(self.carrier), &query)
    }
}
