//! Instants are UTC; service dates are plain dates in the network's time zone.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Berlin;

/// The date on the network's wall calendar at an instant.
#[must_use]
pub fn local_date(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&Berlin).date_naive()
}

/// Whether a validity covers a date. Both ends are included.
#[must_use]
pub fn covers(from: NaiveDate, to: Option<NaiveDate>, date: NaiveDate) -> bool {
    from <= date && to.is_none_or(|to| date <= to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn midnight_in_berlin_is_the_evening_before_in_utc() {
        let summer = Utc.with_ymd_and_hms(2022, 6, 30, 22, 0, 0).unwrap();
        let winter = Utc.with_ymd_and_hms(2022, 12, 31, 22, 59, 59).unwrap();
        assert_eq!(local_date(summer).to_string(), "2022-07-01");
        assert_eq!(local_date(winter).to_string(), "2022-12-31");
    }
}
