//! How far a target is, by the working days of its window (rule 15).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calendar::{FederalState, is_working_day};
use crate::code::codes;
use crate::statistics::Window;

/// Before so many working days have passed, a forecast says more about chance than about the year.
const FORECAST_FROM: i64 = 20;

codes! {
    /// Whether a target will be reached, as far as working days tell.
    "outlook" Outlook {
        /// Its window has not begun.
        NotBegun,
        /// Fewer than 20 working days have passed: too early for a forecast.
        TooEarly,
        /// The forecast is at least the target.
        OnTrack,
        /// It is at least 90 per cent of the target.
        AtRisk,
        /// It is less.
        OffTrack,
        Reached,
        /// The window is over and it was not reached.
        Missed,
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TargetProgress {
    pub window: Window,
    /// What the indicator says of the window, by records to date.
    pub actual: i64,
    /// Of the target, to one decimal.
    pub percent: f64,
    /// Working days of the window: Monday to Friday without public holidays.
    pub working_days: i64,
    /// Of these, before today.
    pub working_days_passed: i64,
    /// The part of the target that the days passed would bring, rounded down.
    pub expected: i64,
    /// What the whole window would bring at the pace so far, rounded down; null before 20 working days.
    /// Distinct organisations come slower as a window grows, so theirs is an upper bound.
    #[schema(required)]
    pub forecast: Option<i64>,
    /// What each five working days left must bring, to one decimal; null when it is reached or the window
    /// is over.
    #[schema(required)]
    pub needed_per_week: Option<f64>,
    pub outlook: Outlook,
}

/// The days of a window before today.
#[must_use]
pub fn passed(window: Window, today: NaiveDate) -> Option<Window> {
    let yesterday = today.pred_opt()?;
    (yesterday >= window.from).then(|| Window { from: window.from, to: window.to.min(yesterday) })
}

/// How far `actual` is of a target on a day. `until_yesterday` is the part of it that the days brought which have
/// passed: the pace is that of whole days.
#[must_use]
pub fn progress(
    target: i64,
    actual: i64,
    until_yesterday: i64,
    window: Window,
    today: NaiveDate,
    state: FederalState,
) -> TargetProgress {
    let working_days = |from: NaiveDate, to: NaiveDate| -> i64 {
        let days = from.iter_days().take_while(|day| *day <= to);
        let count = days.filter(|day| is_working_day(state, *day)).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    let all = working_days(window.from, window.to);
    let passed = passed(window, today).map_or(0, |days| working_days(days.from, days.to));
    let over = today > window.to;
    let share = |value: i64| i128::from(value) * i128::from(all);
    let forecast = if over {
        Some(actual)
    } else if passed < FORECAST_FROM {
        None
    } else {
        let at_this_pace = i64::try_from(share(until_yesterday) / i128::from(passed)).ok();
        at_this_pace.map(|forecast| forecast.max(actual))
    };
    let left = all - passed;
    let needed_per_week = (!over && actual < target && left > 0)
        .then(|| tenths(i128::from(target - actual) * 5, i128::from(left)));
    let outlook = if actual >= target {
        Outlook::Reached
    } else if over {
        Outlook::Missed
    } else if today < window.from {
        Outlook::NotBegun
    } else {
        match forecast {
            None => Outlook::TooEarly,
            Some(forecast) if forecast >= target => Outlook::OnTrack,
            Some(forecast) if i128::from(forecast) * 10 >= i128::from(target) * 9 => {
                Outlook::AtRisk
            }
            Some(_) => Outlook::OffTrack,
        }
    };
    let expected = if all == 0 {
        0
    } else {
        i64::try_from(i128::from(target) * i128::from(passed) / i128::from(all)).unwrap_or(target)
    };
    TargetProgress {
        window,
        actual,
        percent: tenths(i128::from(actual) * 100, i128::from(target)),
        working_days: all,
        working_days_passed: passed,
        expected,
        forecast,
        needed_per_week,
        outlook,
    }
}

/// A quotient to one decimal, half up.
fn tenths(dividend: i128, divisor: i128) -> f64 {
    let tenths = (dividend * 20 + divisor) / (divisor * 2);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let tenths = tenths as f64;
    tenths / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str) -> Window {
        Window { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn on(day: &str, actual: i64) -> TargetProgress {
        let year = window("2026-01-01", "2026-12-31");
        progress(400, actual, actual, year, day.parse().unwrap(), FederalState::Hesse)
    }

    /// 2026 has 261 Mondays to Fridays; nine of Hesse's ten holidays fall on one of them: 3 October and
    /// 26 December are Saturdays, so eight do.
    #[test]
    fn a_year_by_its_working_days() {
        let july = on("2026-07-01", 180);
        assert_eq!(july.working_days, 253);
        // 129 Mondays to Fridays until 30 June, less New Year, Good Friday, Easter Monday, 1 May,
        // Ascension, Whit Monday and Corpus Christi.
        assert_eq!(july.working_days_passed, 122);
        assert_eq!((july.percent, july.expected), (45.0, 192));
        // 180 × 253 / 122 = 373.2; 220 × 5 / 131 = 8.4.
        assert_eq!((july.forecast, july.needed_per_week), (Some(373), Some(8.4)));
        assert_eq!(july.outlook, Outlook::AtRisk);
        assert_eq!(on("2026-07-01", 193).outlook, Outlook::OnTrack);
        assert_eq!(on("2026-07-01", 173).outlook, Outlook::OffTrack);
        // What today has brought so far is no day's pace.
        let year = window("2026-01-01", "2026-12-31");
        let day = "2026-07-01".parse().unwrap();
        let today = progress(400, 190, 180, year, day, FederalState::Hesse);
        assert_eq!((today.actual, today.forecast), (190, Some(373)));
        let reached = on("2026-07-01", 400);
        assert_eq!((reached.outlook, reached.needed_per_week), (Outlook::Reached, None));
    }

    #[test]
    fn before_early_and_after() {
        let before = on("2025-12-30", 0);
        assert_eq!((before.outlook, before.forecast), (Outlook::NotBegun, None));
        assert_eq!(on("2026-01-01", 1).working_days_passed, 0, "today is not over");
        assert_eq!(on("2026-01-20", 30).outlook, Outlook::TooEarly);
        let after = on("2027-01-01", 399);
        assert_eq!((after.outlook, after.forecast), (Outlook::Missed, Some(399)));
        assert_eq!(after.needed_per_week, None);
        assert_eq!((after.percent, after.expected), (99.8, 400));
    }
}
