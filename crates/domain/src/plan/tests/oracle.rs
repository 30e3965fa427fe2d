//! Dates found another way than the engine finds them: by looking at one day after the other, on a
//! calendar of its own (years, months and days; no chrono), with Easter from a printed table.

use std::collections::BTreeSet;

/// Year, month, day.
pub type Day = (i32, u32, u32);

/// Easter Sundays as printed in calendars.
const EASTER: [Day; 22] = [
    (2019, 4, 21),
    (2020, 4, 12),
    (2021, 4, 4),
    (2022, 4, 17),
    (2023, 4, 9),
    (2024, 3, 31),
    (2025, 4, 20),
    (2026, 4, 5),
    (2027, 3, 28),
    (2028, 4, 16),
    (2029, 4, 1),
    (2030, 4, 21),
    (2031, 4, 13),
    (2032, 3, 28),
    (2033, 4, 17),
    (2034, 4, 9),
    (2035, 3, 25),
    (2036, 4, 13),
    (2037, 4, 5),
    (2038, 4, 25),
    (2039, 4, 10),
    (2040, 4, 1),
];

fn month_length(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

pub fn tomorrow((year, month, day): Day) -> Day {
    if day < month_length(year, month) {
        (year, month, day + 1)
    } else if month < 12 {
        (year, month + 1, 1)
    } else {
        (year + 1, 1, 1)
    }
}

fn yesterday((year, month, day): Day) -> Day {
    if day > 1 {
        (year, month, day - 1)
    } else if month > 1 {
        (year, month - 1, month_length(year, month - 1))
    } else {
        (year - 1, 12, 31)
    }
}

pub fn later(day: Day, days: u32) -> Day {
    (0..days).fold(day, |day, _| tomorrow(day))
}

fn is_weekend(day: Day) -> bool {
    weekday(day) < 2
}

/// By the congruence of Zeller: 0 is Saturday, 1 Sunday.
fn weekday((year, month, day): Day) -> u32 {
    let (year, month) = if month < 3 { (year - 1, month + 12) } else { (year, month) };
    let year = u32::try_from(year).unwrap();
    let (of_century, century) = (year % 100, year / 100);
    (day + 13 * (month + 1) / 5 + of_century + of_century / 4 + century / 4 + 5 * century) % 7
}

fn is_holiday_in_hesse(day: Day) -> bool {
    let (year, month, of_month) = day;
    if [(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)].contains(&(month, of_month)) {
        return true;
    }
    let easter = *EASTER.iter().find(|easter| easter.0 == year).expect("a year in the table");
    let good_friday = yesterday(yesterday(easter));
    // Easter Monday, Ascension, Whit Monday, Corpus Christi.
    day == good_friday || [1, 39, 50, 60].iter().any(|days| day == later(easter, *days))
}

/// What an amount of a unit is.
#[derive(Clone, Copy, Debug)]
pub enum Period {
    Days(u32),
    Weekdays(u32),
    WorkingDays(u32),
    Weeks(u32),
    Months(u32),
}

/// The days of a run: those that are paused, one by one.
#[derive(Debug, Default)]
pub struct Days {
    pub paused: BTreeSet<Day>,
}

impl Days {
    pub fn is_working(&self, day: Day) -> bool {
        !is_weekend(day) && !is_holiday_in_hesse(day) && !self.paused.contains(&day)
    }

    /// Day N of a programme that starts on a day.
    pub fn day_number(&self, start: Day, n: u32) -> Day {
        let mut number = 0;
        let mut day = start;
        loop {
            if !self.paused.contains(&day) {
                number += 1;
            }
            if number == n {
                return day;
            }
            day = tomorrow(day);
        }
    }

    pub fn due(&self, anchor: Day, period: Period, roll: bool) -> Day {
        let counts = |day: Day| match period {
            Period::Weekdays(_) => {
                weekday(day) != 1 && !is_holiday_in_hesse(day) && !self.paused.contains(&day)
            }
            Period::WorkingDays(_) => self.is_working(day),
            _ => !self.paused.contains(&day),
        };
        let amount = match period {
            Period::Days(n) | Period::Weekdays(n) | Period::WorkingDays(n) => n,
            Period::Weeks(n) => (0..n).map(|_| 7).sum(),
            Period::Months(n) => days_of_months(anchor, n),
        };
        let mut day = anchor;
        if amount == 0 {
            while !counts(day) {
                day = tomorrow(day);
            }
        }
        let mut counted = 0;
        while counted < amount {
            day = tomorrow(day);
            counted += u32::from(counts(day));
        }
        while roll && !self.is_working(day) {
            day = tomorrow(day);
        }
        day
    }
}

/// Days until the same day of the month, or the last one where it has none, `n` months later.
fn days_of_months(from: Day, n: u32) -> u32 {
    let (mut year, mut month) = (from.0, from.1);
    for _ in 0..n {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    let end = (year, month, from.2.min(month_length(year, month)));
    let mut days = 0;
    let mut day = from;
    while day != end {
        day = tomorrow(day);
        days += 1;
    }
    days
}
