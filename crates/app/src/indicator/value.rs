//! What indicators say of a window.

use std::collections::HashMap;

use chrono::NaiveDate;
use lotse_domain::Result;
use lotse_domain::entity::Reference;
use lotse_domain::event_statistics::EventDimension;
use lotse_domain::event_statistics::EventStatisticsQuery;
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{IndicatorId, SiteId};
use lotse_domain::indicator::{
    CarrierSetting, Indicator, IndicatorRule, IndicatorSetting, IndicatorTrial,
    IndicatorTrialParams, IndicatorValue, IndicatorValues, IndicatorValuesParams, MAX_SHOWN,
    TrialRecord,
};
use lotse_domain::page::Paging;
use lotse_domain::policy::{Action, Scope};
use lotse_domain::programme_statistics::{
    ProgrammeDimension, ProgrammeFigures, ProgrammeStatisticsQuery,
};
use lotse_domain::statistics::{
    AlsoAt, Condition, Dimension, Explanation, ExplanationQuery, Figures, RULES_VERSION,
    StatisticsQuery, TopicsAs, Window,
};
use lotse_persistence::names::Names;
use lotse_persistence::{Conn, carrier, event_statistics, funding_period, indicator, statistics};
use uuid::Uuid;

use crate::programme_statistics;
use crate::statistics::{explained, named_scope};
use crate::{App, Caller, Reading};

/// The values of all active indicators.
///
/// # Errors
/// `NotFound` when there is no such period; `Invalid` for the window.
pub fn values(
    app: &App,
    caller: &Caller,
    params: &IndicatorValuesParams,
) -> Result<IndicatorValues> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let window = Window::of(&period, params.from, params.to)?;
        let mut values = Vec::new();
        let scope = tx.scope();
        let mut counts = Counts::default();
        let asked = Asked { scope: &scope, period: &period, window, site: params.site_id };
        for indicator in indicator::all_active(tx.conn, &tx.names)? {
            let value = counts.value(&mut View::of(tx), &indicator.rule, asked)?;
            values.push(IndicatorValue::new(&indicator, params, value));
        }
        Ok(IndicatorValues {
            period: Reference::new(period.id, &period.name),
            window,
            scope: named_scope(&tx.actor)?,
            rules_version: RULES_VERSION.to_owned(),
            values,
        })
    })
}

/// What figures are read from, in a transaction that reads or one that writes.
pub(crate) struct View<'a> {
    pub conn: &'a mut Conn,
    pub names: &'a Names,
    pub today: NaiveDate,
}

impl<'a> View<'a> {
    pub fn of(tx: &'a mut Reading) -> Self {
        let today = tx.today();
        Self { conn: tx.conn, names: &tx.names, today }
    }
}

/// What a rule is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub scope: &'a Scope,
    pub period: &'a FundingPeriod,
    pub window: Window,
    pub site: Option<SiteId>,
}

/// The values of rules. What several of them share is counted once.
#[derive(Default)]
pub(crate) struct Counts {
    figures: HashMap<String, Figures>,
    programmes: HashMap<String, ProgrammeFigures>,
}

impl Counts {
    /// # Errors
    /// When the database cannot be read.
    pub fn value(&mut self, view: &mut View, rule: &IndicatorRule, asked: Asked) -> Result<i64> {
        let Asked { scope, period, window, site } = asked;
        match rule {
            IndicatorRule::Consultations { figure, conditions, settings } => {
                let also = also(view.conn, settings)?;
                let query = StatisticsQuery {
                    funding_period_id: period.id,
                    window,
                    group_by: Vec::new(),
                    conditions: at_site(conditions, Dimension::Site, site),
                    also,
                    topics: TopicsAs::Recorded,
                };
                let key = format!("{scope:?} {query:?}");
                if let Some(known) = self.figures.get(&key) {
                    return Ok(figure.of(known));
                }
                let found = statistics::totals(view.conn, scope, &query)?;
                self.figures.insert(key, found);
                Ok(figure.of(&found))
            }
            IndicatorRule::Events { figure, conditions } => {
                let query = EventStatisticsQuery {
                    funding_period_id: period.id,
                    window,
                    group_by: Vec::new(),
                    conditions: at_site(conditions, EventDimension::Site, site),
                    topics: TopicsAs::Recorded,
                };
                Ok(figure.of(&event_statistics::totals(view.conn, scope, &query)?))
            }
            IndicatorRule::Programmes { figure } => {
                let on = view.today.clamp(window.from, window.to);
                let query = ProgrammeStatisticsQuery {
                    funding_period_id: period.id,
                    window,
                    on,
                    group_by: Vec::new(),
                    conditions: at_site(&[], ProgrammeDimension::Site, site),
                };
                let key = format!("{scope:?} {query:?}");
                if let Some(known) = self.programmes.get(&key) {
                    return Ok(figure.of(known));
                }
                let (runs, cases) =
                    programme_statistics::counted(view.conn, view.names, scope, &query)?;
                let found = programme_statistics::totals(&runs, &cases, &query);
                let value = figure.of(&found);
                self.programmes.insert(key, found);
                Ok(value)
            }
        }
    }
}

fn at_site<D: Copy + PartialEq>(
    conditions: &[Condition<D>],
    dimension: D,
    site: Option<SiteId>,
) -> Vec<Condition<D>>
where
    Condition<D>: Clone,
{
    let mut all = conditions.to_vec();
    all.extend(site.map(|site| Condition { dimension, codes: vec![Some(site.0.to_string())] }));
    all
}

/// What settings of carriers add to a rule.
pub(crate) fn also(conn: &mut Conn, settings: &[IndicatorSetting]) -> Result<Vec<AlsoAt>> {
    let mut also = Vec::new();
    for setting in settings {
        let carriers = match setting.setting {
            CarrierSetting::ChambersArePublic => carrier::with_public_chambers(conn)?,
        };
        let (dimension, codes) = (setting.dimension, setting.codes.clone());
        also.push(AlsoAt { dimension, codes, carriers });
    }
    Ok(also)
}

/// The records behind the value of an indicator of consultations.
///
/// # Errors
/// `NotFound`; `Invalid` for the window, and for an indicator of events, accompaniments or cases.
pub fn explain(
    app: &App,
    caller: &Caller,
    id: IndicatorId,
    params: &IndicatorValuesParams,
    paging: &Paging,
) -> Result<Explanation> {
    app.figures(caller, Action::ReadStatistics, |tx| {
        let found = indicator::find(tx.conn, &tx.names, id)?;
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let window = Window::of(&period, params.from, params.to)?;
        let Some(mut query) = question(tx, &found.rule, &period, window)? else {
            return Err(lotse_domain::Error::invalid(
                "/id",
                "not_explained",
                "must be an indicator of consultations; each value names where it is explained",
            ));
        };
        query.conditions = at_site(&query.conditions, Dimension::Site, params.site_id);
        let mut explanation = explained(tx, &period, &query, paging)?;
        explanation.indicator = Some(found.reference());
        explanation.rule.text_de = found.text_de;
        explanation.rule.text_en = found.text_en;
        Ok(explanation)
    })
}

/// The records that a rule of consultations counts; none for other rules.
fn question(
    tx: &mut Reading,
    rule: &IndicatorRule,
    period: &FundingPeriod,
    window: Window,
) -> Result<Option<ExplanationQuery>> {
    let IndicatorRule::Consultations { figure, conditions, settings } = rule else {
        return Ok(None);
    };
    Ok(Some(ExplanationQuery {
        funding_period_id: period.id,
        window,
        conditions: conditions.clone(),
        also: also(tx.conn, settings)?,
        topics: TopicsAs::Recorded,
        figure: *figure,
        left_out: None,
    }))
}

/// What the figures of a period would be by this version, beside the active one. Nothing is written.
///
/// # Errors
/// `NotFound`; `Invalid` for the window.
pub fn trial(
    app: &App,
    caller: &Caller,
    id: IndicatorId,
    params: &IndicatorTrialParams,
) -> Result<IndicatorTrial> {
    app.figures(caller, Action::ReadTrials, |tx| {
        let tried = indicator::find(tx.conn, &tx.names, id)?;
        let period = funding_period::find(tx.conn, params.funding_period_id)?;
        let window = Window::of(&period, params.from, params.to)?;
        let scope = tx.actor.counted_scope();
        let mut counts = Counts::default();
        let asked = Asked { scope: &scope, period: &period, window, site: None };
        let value = counts.value(&mut View::of(tx), &tried.rule, asked)?;
        let active = indicator::active(tx.conn, &tx.names, &tried.code)?;
        let mut trial = IndicatorTrial {
            period: Reference::new(period.id, &period.name),
            window,
            scope: named_scope(&tx.actor)?,
            tried: tried.reference(),
            value,
            active: active.as_ref().map(Indicator::reference),
            active_value: None,
            difference: None,
            gained: None,
            lost: None,
            gained_records: Vec::new(),
            lost_records: Vec::new(),
        };
        let Some(active) = active else { return Ok(trial) };
        let active_value = counts.value(&mut View::of(tx), &active.rule, asked)?;
        trial.active_value = Some(active_value);
        trial.difference = Some(value - active_value);
        let new = question(tx, &tried.rule, &period, window)?;
        let old = question(tx, &active.rule, &period, window)?;
        if let (Some(new), Some(old)) = (new, old)
            && tried.unit == active.unit
            && tx.actor.may(Action::ReadConsultations).is_ok()
        {
            let new = statistics::records_of(tx.conn, &scope, &new)?;
            let old = statistics::records_of(tx.conn, &scope, &old)?;
            (trial.gained, trial.gained_records) = only_in(&new, &old);
            (trial.lost, trial.lost_records) = only_in(&old, &new);
        }
        Ok(trial)
    })
}

fn only_in(
    these: &HashMap<Uuid, Option<String>>,
    others: &HashMap<Uuid, Option<String>>,
) -> (Option<i64>, Vec<TrialRecord>) {
    let mut records: Vec<TrialRecord> = these
        .iter()
        .filter(|(id, _)| !others.contains_key(id))
        .map(|(id, name)| TrialRecord { id: *id, name: name.clone() })
        .collect();
    records.sort_unstable_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    let count = i64::try_from(records.len()).ok();
    records.truncate(MAX_SHOWN);
    (count, records)
}
