//! What was agreed with the funder for the running period, and what was reported of the one that is closed.

use chrono::Datelike;
use lotse_app::demo::HandedIn;
use lotse_domain::funding_period::{FundingPeriod, FundingPeriodStatus};
use lotse_domain::id::SiteId;
use lotse_domain::policy::Actor;
use lotse_domain::report::{Report, ReportInput};
use lotse_domain::target::{self, Target, TargetInput};
use lotse_domain::{Error, Result};

use super::people::Staff;
use super::{Maker, at, date};

/// Indicator, each year of the period, and whether each quarter has its part of it.
const OF_A_CARRIER: [(&str, i64, bool); 5] = [
    ("consultations", 160, true),
    ("organisations_advised", 90, false),
    ("eeco19", 60, false),
    ("round_tables", 4, false),
    ("accompaniments_completed", 8, false),
];
/// Consultations that each site is to hold a year.
const OF_A_SITE: i64 = 60;

pub fn make(maker: &mut Maker, staff: &Staff) -> Result<(Vec<Target>, Vec<HandedIn>)> {
    let mut targets = Vec::new();
    for login in ["manager", "kassel.manager"] {
        targets.extend(targets_of(maker, &staff.who(login)?)?);
    }
    let mut reports = Vec::new();
    for (login, title, submitted, accepted) in [
        ("manager", "Sachbericht 2019–2022", "2023-02-27", Some("2023-05-15")),
        ("kassel.manager", "Sachbericht 2019–2022", "2023-02-28", Some("2023-05-22")),
        ("coordinator", "Netzwerkbericht 2019–2022", "2023-03-31", None),
    ] {
        reports.push(report(maker, staff.who(login)?, title, submitted, accepted)?);
    }
    Ok((targets, reports))
}

fn targets_of(maker: &mut Maker, manager: &Actor) -> Result<Vec<Target>> {
    let periods = maker.network.periods.iter();
    let open = periods.filter(|period| period.status == FundingPeriodStatus::Open);
    let period = open.max_by_key(|period| period.starts_on).cloned();
    let period = period.ok_or_else(|| Error::internal("no funding period is open"))?;
    let year = period.starts_on.year();
    let mut targets = Vec::new();
    for (code, value, by_quarter) in OF_A_CARRIER {
        targets.push(target(maker, manager, &period, (code, value), (Some(year), None), None)?);
        for quarter in (1..=4).filter(|_| by_quarter) {
            let of = (Some(year), Some(quarter));
            targets.push(target(maker, manager, &period, (code, value / 4), of, None)?);
        }
    }
    let carrier = manager.own_carrier()?.id;
    let sites = maker.network.sites.iter().filter(|site| site.carrier.id == carrier.0);
    for site in sites.map(|site| site.id).collect::<Vec<_>>() {
        let of = ("consultations", OF_A_SITE);
        targets.push(target(maker, manager, &period, of, (Some(year), None), Some(site))?);
    }
    Ok(targets)
}

fn target(
    maker: &mut Maker,
    manager: &Actor,
    period: &FundingPeriod,
    (code, value): (&str, i64),
    (year, quarter): (Option<i32>, Option<i32>),
    site: Option<SiteId>,
) -> Result<Target> {
    let now = at(period.starts_on, 9, 0);
    let input = TargetInput {
        funding_period_id: period.id,
        indicator: code.to_owned(),
        year,
        quarter,
        site_id: site,
        value,
        note: Some("Zielvereinbarung mit der Bewilligungsstelle".to_owned()),
    };
    let context = target::Context {
        period: Some(period.clone()),
        indicator: maker.network.indicators.iter().find(|it| it.code == code).cloned(),
        site: maker.network.sites.iter().find(|it| Some(it.id) == site).cloned(),
    };
    Target::new(maker.id(now), now, manager, &input, &context)
}

/// Of the whole of the period that ended in 2022.
fn report(
    maker: &mut Maker,
    by: Actor,
    title: &str,
    submitted: &str,
    accepted: Option<&str>,
) -> Result<HandedIn> {
    let day = date("2022-12-31")?;
    let period = maker.network.periods.iter().find(|period| period.contains(day)).cloned();
    let period = period.ok_or_else(|| Error::internal(format!("no funding period on {day}")))?;
    let submitted_at = at(date(submitted)?, 14, 0);
    let accepted_at = accepted.map(date).transpose()?.map(|day| at(day, 10, 0));
    let drafted_at = at(date("2023-01-16")?, 9, 0);
    let input = ReportInput {
        funding_period_id: period.id,
        from: None,
        to: None,
        title: title.to_owned(),
        note: None,
        predecessor_id: None,
    };
    let context = lotse_domain::report::Context { period: Some(period.clone()), predecessor: None };
    let draft = Report::new(maker.id(drafted_at), drafted_at, &by, &input, &context)?;
    Ok(HandedIn { draft, by, period, submitted_at, accepted_at })
}
