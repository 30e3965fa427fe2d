//! Due rules (Fristregeln): how far a date lies from what sets it off.
//!
//! Periods are counted by §§ 187 (1), 188 and 193 BGB: the day of the event is not counted, a period of
//! weeks ends on the same weekday and one of months on the same day of the month (its last day where it is
//! shorter), and what ends on a weekend or public holiday ends on the next working day. Calendar days,
//! weeks and months are first turned into a number of days; paused days are then left out of the count.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calendar::{Calendar, HolidayName, holiday_on};
use crate::check::Checks;
use crate::code::{Code, codes};

codes! {
    /// What a period runs from.
    "due_anchor" DueAnchor {
        /// The first day of the run, or the day on which a case was opened.
        Start,
        /// The first day of the phase that the step is in.
        PhaseStart,
        /// The day on which another step was done; until then, the day that it is planned for. When it was
        /// waived, what it was to run from itself.
        Step,
    }
}

codes! {
    "due_unit" DueUnit {
        CalendarDays,
        /// Werktage: Monday to Saturday without public holidays, which is what laws mean by it.
        Weekdays,
        /// Monday to Friday without public holidays.
        WorkingDays,
        Weeks, Months,
    }
}

impl DueUnit {
    /// The longest period of the unit, about three years.
    #[must_use]
    pub fn most(self) -> u32 {
        match self {
            Self::CalendarDays | Self::Weekdays | Self::WorkingDays => 1000,
            Self::Weeks => 150,
            Self::Months => 36,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "anchor": "step", "step": "application_filed", "offset": 2, "unit": "weeks", "roll": true
}))]
pub struct DueRule {
    pub anchor: DueAnchor,
    /// Code of the step that it runs from, with the anchor `step`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// How many units. 0 is the day of the anchor itself. Day N of a programme is N - 1 calendar days after
    /// its start.
    #[schema(minimum = 0, maximum = 1000)]
    pub offset: u32,
    pub unit: DueUnit,
    /// Whether a date on a weekend or public holiday moves to the next working day (§ 193 BGB).
    #[serde(default = "rolls")]
    pub roll: bool,
}

fn rolls() -> bool {
    true
}

/// A date, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub on: NaiveDate,
    /// The weekend day or holiday that it moved from.
    pub rolled_from: Option<NaiveDate>,
    pub holiday: Option<HolidayName>,
    /// Paused days that were left out between anchor and date.
    pub paused_days: i64,
}

impl DueRule {
    /// Finds the date. It is never before `anchor_on`, and never in a pause.
    #[must_use]
    pub fn due(&self, anchor_on: NaiveDate, calendar: &Calendar) -> Due {
        let ends_on = match self.unit {
            DueUnit::Weekdays => calendar.weekday_after(anchor_on, self.offset),
            DueUnit::WorkingDays => calendar.working_day_after(anchor_on, self.offset),
            _ => calendar.day_after(anchor_on, self.days_from(anchor_on)),
        };
        let on = if self.roll { calendar.working_day_after(ends_on, 0) } else { ends_on };
        let rolled_from = (on != ends_on).then_some(ends_on);
        Due {
            on,
            rolled_from,
            holiday: rolled_from.and_then(|date| holiday_on(calendar.state(), date)).cloned(),
            paused_days: calendar.paused_days(anchor_on, on),
        }
    }

    /// The length of the period in calendar days when it runs from a date. That of weekdays and working days
    /// is theirs at the least, when no holiday comes between.
    fn days_from(&self, anchor_on: NaiveDate) -> u32 {
        match self.unit {
            DueUnit::CalendarDays => self.offset,
            DueUnit::Weekdays => self.offset + self.offset.saturating_sub(1) / 6,
            DueUnit::WorkingDays => self.offset + 2 * (self.offset.saturating_sub(1) / 5),
            DueUnit::Weeks => self.offset * 7,
            DueUnit::Months => anchor_on
                .checked_add_months(Months::new(self.offset))
                .and_then(|end| u32::try_from((end - anchor_on).num_days()).ok())
                .unwrap_or_default(),
        }
    }

    /// The length of the period in calendar days at the least, whatever day it runs from.
    #[must_use]
    pub fn least_days(&self) -> u32 {
        // Months are shortest from the first day of one of them in years without a 29 February.
        let firsts = (1..=12).filter_map(|month| NaiveDate::from_ymd_opt(2025, month, 1));
        firsts.map(|first| self.days_from(first)).min().unwrap_or_default()
    }

    /// What is wrong with the rule by itself. `phases_have_days` tells whether a phase has a first day.
    pub fn check(&self, checks: &mut Checks, pointer: &str, phases_have_days: bool) {
        let most = self.unit.most();
        if self.offset > most {
            checks.fail(
                format!("{pointer}/offset"),
                "out_of_range",
                format!("must be between 0 and {most} {}", self.unit.code()),
            );
        }
        match (self.anchor, &self.step) {
            (DueAnchor::Step, None) => checks.fail(
                format!("{pointer}/step"),
                "missing",
                "must name the step that the period runs from",
            ),
            (DueAnchor::Start | DueAnchor::PhaseStart, Some(_)) => checks.fail(
                format!("{pointer}/step"),
                "not_anchored_on_a_step",
                "must be absent unless the anchor is step",
            ),
            _ => {}
        }
        if self.anchor == DueAnchor::PhaseStart && !phases_have_days {
            checks.fail(
                format!("{pointer}/anchor"),
                "phase_without_days",
                "must be start or step: phases of recruitment cases have no first day",
            );
        }
    }
}
