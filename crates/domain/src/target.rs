//! Target (Soll): what a carrier is to reach of an indicator in a funding period, a year or a quarter, in all
//! or at a site; and how far it is.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::funding_period::{FundingPeriod, FundingPeriodStatus};
use crate::id::{CarrierId, FundingPeriodId, SiteId, TargetId};
use crate::indicator::IndicatorReference;
use crate::policy::Actor;
use crate::site::Site;
use crate::statistics::{Dimension, FigureScopeKind, Window};

mod progress;
pub use progress::{Outlook, TargetProgress, passed, progress};

const MAX_VALUE: i64 = 1_000_000_000;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "funding_period_id": "01890000-0000-7000-8000-000000000303",
    "indicator": "organisations_advised", "year": 2026, "value": 400
}))]
pub struct TargetInput {
    /// It cannot change.
    pub funding_period_id: FundingPeriodId,
    /// Code of an active indicator. It cannot change.
    #[schema(example = "eeco19")]
    pub indicator: String,
    /// A calendar year of the period; the whole period unless told. It cannot change.
    pub year: Option<i32>,
    /// 1 to 4, of the year. It cannot change.
    #[schema(minimum = 1, maximum = 4)]
    pub quarter: Option<i32>,
    /// A site of the own carrier; the whole carrier unless told. It cannot change.
    pub site_id: Option<SiteId>,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub value: i64,
    /// Where it was agreed.
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    pub id: TargetId,
    pub carrier: Reference,
    pub funding_period: Reference,
    /// The version that is active now; null when none is any more.
    #[schema(required)]
    pub indicator: Option<IndicatorReference>,
    #[schema(example = "eeco19")]
    pub indicator_code: String,
    #[schema(required)]
    pub year: Option<i32>,
    #[schema(required)]
    pub quarter: Option<i32>,
    #[schema(required)]
    pub site: Option<Reference>,
    pub value: i64,
    #[schema(required)]
    pub note: Option<String>,
    #[schema(required)]
    pub archived: Option<Archived>,
    /// Derived. It is in every answer and in no record; null when no version of the indicator is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required, value_type = Option<TargetProgress>)]
    pub progress: Option<TargetProgress>,
    pub recorded_by: Reference,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TargetFilter {
    pub funding_period_id: Option<FundingPeriodId>,
    /// Code of the indicator.
    pub indicator: Option<String>,
    pub year: Option<i32>,
    pub site_id: Option<SiteId>,
    /// Also archived ones.
    pub archived: Option<bool>,
}

/// What a target names.
#[derive(Clone, Debug)]
pub struct Context {
    pub period: Option<FundingPeriod>,
    pub indicator: Option<IndicatorReference>,
    /// The site that it names, if that belongs to the own carrier.
    pub site: Option<Site>,
}

impl Target {
    /// # Errors
    /// `Invalid` with everything that is wrong; `Conflict` when the period is closed.
    pub fn new(
        id: TargetId,
        now: DateTime<Utc>,
        actor: &Actor,
        input: &TargetInput,
        context: &Context,
    ) -> Result<Self> {
        let carrier = actor.own_carrier()?;
        let mut checks = Checks::new();
        let unknown = "must be one that there is";
        checks.require(context.period.is_some(), "/funding_period_id", "unknown", unknown);
        checks.require(
            context.indicator.is_some(),
            "/indicator",
            "unknown",
            "must be the code of an active indicator",
        );
        checks.require(
            input.site_id.is_none() || context.site.is_some(),
            "/site_id",
            "unknown",
            "must be a site of the own carrier",
        );
        checks.require(
            input.quarter.is_none_or(|quarter| (1..=4).contains(&quarter)),
            "/quarter",
            "out_of_range",
            "must be 1 to 4",
        );
        checks.require(
            input.quarter.is_none() || input.year.is_some(),
            "/quarter",
            "without_year",
            "must be absent without a year",
        );
        if let Some(period) = &context.period {
            checks.require(
                window(period, input.year, input.quarter).is_some(),
                "/year",
                "outside_period",
                &format!("must lie in the period, {} to {}", period.starts_on, period.ends_on),
            );
        }
        check_value(&mut checks, input.value);
        let note = checks.optional_line("/note", input.note.as_deref(), 500);
        checks.finish()?;
        let period = context.period.as_ref().ok_or_else(|| Error::internal("checked above"))?;
        check_open(period)?;
        Ok(Self {
            id,
            carrier: Reference::new(carrier.id, &carrier.name),
            funding_period: Reference::new(period.id, &period.name),
            indicator: context.indicator.clone(),
            indicator_code: input.indicator.clone(),
            year: input.year,
            quarter: input.quarter,
            site: context.site.as_ref().map(|site| Reference::new(site.id, &site.name)),
            value: input.value,
            note,
            archived: None,
            progress: None,
            recorded_by: actor.reference(),
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// Changes value and note.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when the period is closed or the target is archived.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        input: &TargetInput,
        period: &FundingPeriod,
    ) -> Result<Self> {
        self.check_not_archived()?;
        check_open(period)?;
        let mut checks = Checks::new();
        let old = TargetInput::from(self);
        for (same, pointer) in [
            (input.funding_period_id == old.funding_period_id, "/funding_period_id"),
            (input.indicator == old.indicator, "/indicator"),
            (input.year == old.year, "/year"),
            (input.quarter == old.quarter, "/quarter"),
            (input.site_id == old.site_id, "/site_id"),
        ] {
            checks.require(same, pointer, "immutable", "cannot change; set another target");
        }
        check_value(&mut checks, input.value);
        let note = checks.optional_line("/note", input.note.as_deref(), 500);
        checks.finish()?;
        Ok(Self { value: input.value, note, ..self.next(now) })
    }

    /// # Errors
    /// `Conflict` when it is archived or the period is closed.
    pub fn archived(
        &self,
        now: DateTime<Utc>,
        reason: String,
        period: &FundingPeriod,
    ) -> Result<Self> {
        self.check_not_archived()?;
        check_open(period)?;
        Ok(Self { archived: Some(Archived { at: now, reason }), ..self.next(now) })
    }

    /// The days that count for it.
    #[must_use]
    pub fn window(&self, period: &FundingPeriod) -> Option<Window> {
        window(period, self.year, self.quarter)
    }

    /// Whether it is set for the totals of figures, or for a row of them.
    #[must_use]
    pub fn is_beside(
        &self,
        group_by: &[Dimension],
        asked: Window,
        whose: FigureScopeKind,
        period: &FundingPeriod,
    ) -> bool {
        let Some(window) = self.window(period) else { return false };
        let by = |dimension| group_by.contains(&dimension);
        let one_carrier = whose == FigureScopeKind::Carrier;
        if self.site.is_none() && window == asked && one_carrier {
            return true;
        }
        let others = |it: &Dimension| {
            !matches!(
                it,
                Dimension::Site | Dimension::Carrier | Dimension::Year | Dimension::Quarter
            )
        };
        if group_by.iter().any(others) || self.site.is_some() != by(Dimension::Site) {
            return false;
        }
        let told_apart = one_carrier || by(Dimension::Carrier) || by(Dimension::Site);
        let within = asked.contains(window.from) && asked.contains(window.to);
        let of_time = if by(Dimension::Quarter) {
            self.quarter.is_some()
        } else if by(Dimension::Year) {
            self.year.is_some() && self.quarter.is_none()
        } else {
            window == asked
        };
        told_apart && within && of_time
    }

    /// As it is recorded: without what is derived.
    #[must_use]
    pub fn as_recorded(&self) -> Self {
        Self { progress: None, indicator: None, ..self.clone() }
    }

    fn check_not_archived(&self) -> Result<()> {
        match self.archived {
            None => Ok(()),
            Some(_) => Err(Error::conflict("archived", "The target is archived.")),
        }
    }

    fn next(&self, now: DateTime<Utc>) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }
}

fn check_value(checks: &mut Checks, value: i64) {
    checks.require(
        (1..=MAX_VALUE).contains(&value),
        "/value",
        "out_of_range",
        "must be 1 to 1000000000",
    );
}

/// Whether a target of a year or a quarter has a day in the period.
#[must_use]
pub fn lies_in(period: &FundingPeriod, year: Option<i32>, quarter: Option<i32>) -> bool {
    window(period, year, quarter).is_some()
}

/// What was to be reached is agreed before it is reported.
fn check_open(period: &FundingPeriod) -> Result<()> {
    if period.status == FundingPeriodStatus::Closed {
        return Err(Error::conflict(
            "funding_period_closed",
            format!("The funding period {} is closed; its targets stay.", period.name),
        ));
    }
    Ok(())
}

/// The part of the period that a year or a quarter is, if they meet.
fn window(period: &FundingPeriod, year: Option<i32>, quarter: Option<i32>) -> Option<Window> {
    let whole = Window::whole(period);
    let Some(year) = year else { return quarter.is_none().then_some(whole) };
    let (first_month, months) = match quarter {
        Some(quarter) => (u32::try_from(quarter).ok()?.checked_mul(3)?.checked_sub(2)?, 3),
        None => (1, 12),
    };
    let from = NaiveDate::from_ymd_opt(year, first_month, 1)?;
    let to = from.checked_add_months(chrono::Months::new(months))?.pred_opt()?;
    let window = Window { from: from.max(whole.from), to: to.min(whole.to) };
    (window.from <= window.to && from.year() == year).then_some(window)
}

impl From<&Target> for TargetInput {
    fn from(target: &Target) -> Self {
        Self {
            funding_period_id: target.funding_period.id.into(),
            indicator: target.indicator_code.clone(),
            year: target.year,
            quarter: target.quarter,
            site_id: target.site.as_ref().map(|site| site.id.into()),
            value: target.value,
            note: target.note.clone(),
        }
    }
}

impl Entity for Target {
    const KIND: EntityKind = EntityKind::Target;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn carrier(&self) -> Option<CarrierId> {
        Some(CarrierId(self.carrier.id))
    }
}
