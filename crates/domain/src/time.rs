//! Instants are UTC; service dates are plain dates in the network's time zone.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use serde::{Deserialize, Deserializer, de};

/// The date on the network's wall calendar at an instant.
#[must_use]
pub fn local_date(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&Berlin).date_naive()
}

/// What the network's clocks show at an instant.
#[must_use]
pub fn local(now: DateTime<Utc>) -> NaiveDateTime {
    now.with_timezone(&Berlin).naive_local()
}

/// The instant at which a date begins on the network's wall calendar.
#[must_use]
pub fn start_of(date: NaiveDate) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    // Clocks change at two or three in the morning there, so every date has its midnight.
    Berlin
        .from_local_datetime(&midnight)
        .earliest()
        .map_or_else(|| midnight.and_utc(), |midnight| midnight.to_utc())
}

/// Whether a validity covers a date. Both ends are included.
#[must_use]
pub fn covers(from: NaiveDate, to: Option<NaiveDate>, date: NaiveDate) -> bool {
    from <= date && to.is_none_or(|to| date <= to)
}

/// Reads a date as RFC 3339 has it, with a year of four digits. Chrono reads more, with a sign: years
/// that PostgreSQL does not know and that sort wrongly as text.
///
/// # Errors
/// When it is no date, or one of another age.
pub fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let date = NaiveDate::deserialize(deserializer)?;
    if !(0..=9999).contains(&date.year()) {
        return Err(de::Error::custom("must have a year of four digits"));
    }
    Ok(date)
}

/// As [`date`], for one that may be absent.
///
/// # Errors
/// As [`date`].
pub fn optional_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NaiveDate>, D::Error> {
    #[derive(Deserialize)]
    struct Date(#[serde(deserialize_with = "date")] NaiveDate);
    Ok(Option::<Date>::deserialize(deserializer)?.map(|Date(date)| date))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_in_berlin_is_the_evening_before_in_utc() {
        let summer = Utc.with_ymd_and_hms(2022, 6, 30, 22, 0, 0).unwrap();
        let winter = Utc.with_ymd_and_hms(2022, 12, 31, 22, 59, 59).unwrap();
        assert_eq!(local_date(summer).to_string(), "2022-07-01");
        assert_eq!(local_date(winter).to_string(), "2022-12-31");
        assert_eq!(start_of(local_date(summer)), summer);
        let clocks_change = NaiveDate::from_ymd_opt(2022, 3, 27).unwrap();
        assert_eq!(start_of(clocks_change).to_rfc3339(), "2022-03-26T23:00:00+00:00");
    }
}
