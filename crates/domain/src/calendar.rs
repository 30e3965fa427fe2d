//! Working days: weekdays that are no public holiday (gesetzlicher Feiertag) of a federal state, and the
//! days on which work rests.
//!
//! Holidays are rules in `data/holidays.csv`: a day of the year, or a distance from Easter Sunday. A state
//! is added together with its holidays. Left out are those where some go by municipality (Bavaria,
//! Saxony, Thuringia), and those that nobody needed yet.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::check::Checks;
use crate::code::codes;

codes! {
    /// Federal state (Bundesland) whose public holidays hold.
    "federal_state" FederalState {
        BadenWuerttemberg, Hesse, LowerSaxony, NorthRhineWestphalia, RhinelandPalatinate,
    }
}

/// Years that dates of plans lie in. The holidays are right from 2018 on.
pub const YEARS: std::ops::RangeInclusive<i32> = 2019..=2099;

/// A date that something is planned from lies in [`YEARS`].
pub fn check_year(checks: &mut Checks, pointer: &str, date: NaiveDate) {
    checks.require(
        YEARS.contains(&date.year()),
        pointer,
        "out_of_range",
        &format!("must lie in the years {} to {}", YEARS.start(), YEARS.end()),
    );
}

/// A day that something happened on: today unless told, and neither to come nor before `earliest`.
pub fn happened_on(
    checks: &mut Checks,
    pointer: &str,
    told: Option<NaiveDate>,
    today: NaiveDate,
    earliest: Option<NaiveDate>,
) -> NaiveDate {
    let on = told.unwrap_or(today);
    check_year(checks, pointer, on);
    checks.require(
        on <= today,
        pointer,
        "in_the_future",
        &format!("must not be after today, {today}"),
    );
    if let Some(earliest) = earliest {
        checks.require(
            on >= earliest,
            pointer,
            "before_start",
            &format!("must not be before {earliest}"),
        );
    }
    on
}

/// What a public holiday is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HolidayName {
    #[schema(example = "Christi Himmelfahrt")]
    pub name_de: String,
    #[schema(example = "Ascension Day")]
    pub name_en: String,
}

/// A public holiday in a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holiday {
    pub on: NaiveDate,
    #[serde(flatten)]
    pub name: HolidayName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    OnDay { month: u32, day: u32 },
    FromEaster(i64),
}

#[derive(Debug)]
struct Observance {
    rule: Rule,
    name: HolidayName,
    from_year: Option<i32>,
    to_year: Option<i32>,
}

impl Observance {
    fn is_observed_in(&self, year: i32) -> bool {
        self.from_year.is_none_or(|from| from <= year) && self.to_year.is_none_or(|to| year <= to)
    }

    fn on(&self, year: i32) -> Option<NaiveDate> {
        if !self.is_observed_in(year) {
            return None;
        }
        match self.rule {
            Rule::OnDay { month, day } => NaiveDate::from_ymd_opt(year, month, day),
            Rule::FromEaster(days) => {
                easter_sunday(year)?.checked_add_signed(chrono::TimeDelta::days(days))
            }
        }
    }

    /// `from_easter` is the distance of the date from Easter Sunday of its year.
    fn falls_on(&self, date: NaiveDate, from_easter: Option<i64>) -> bool {
        let fits = match self.rule {
            Rule::OnDay { month, day } => (date.month(), date.day()) == (month, day),
            Rule::FromEaster(days) => from_easter == Some(days),
        };
        fits && self.is_observed_in(date.year())
    }
}

#[derive(Deserialize)]
struct Row {
    state: FederalState,
    rule: String,
    name_de: String,
    name_en: String,
    from_year: Option<i32>,
    to_year: Option<i32>,
}

static OBSERVANCES: LazyLock<HashMap<FederalState, Vec<Observance>>> = LazyLock::new(|| {
    let mut states: HashMap<_, Vec<_>> = HashMap::new();
    for row in
        csv::Reader::from_reader(include_str!("../data/holidays.csv").as_bytes()).into_deserialize()
    {
        let row: Row =
            row.expect("the holidays shipped with the program are well-formed; a test reads them");
        let rule = parse(&row.rule)
            .expect("the rules shipped with the program are well-formed; a test reads them");
        states.entry(row.state).or_default().push(Observance {
            rule,
            name: HolidayName { name_de: row.name_de, name_en: row.name_en },
            from_year: row.from_year,
            to_year: row.to_year,
        });
    }
    states
});

/// `MM-DD`, `easter+N` or `easter-N`.
fn parse(rule: &str) -> Option<Rule> {
    if let Some(days) = rule.strip_prefix("easter") {
        return days.parse().ok().map(Rule::FromEaster);
    }
    let (month, day) = rule.split_once('-')?;
    Some(Rule::OnDay { month: month.parse().ok()?, day: day.parse().ok()? })
}

fn observances(state: FederalState) -> &'static [Observance] {
    OBSERVANCES.get(&state).map_or(&[], Vec::as_slice)
}

/// The public holidays of a state in a year, by date.
#[must_use]
pub fn holidays(state: FederalState, year: i32) -> Vec<Holiday> {
    let mut holidays: Vec<Holiday> = observances(state)
        .iter()
        .filter_map(|observance| {
            Some(Holiday { on: observance.on(year)?, name: observance.name.clone() })
        })
        .collect();
    holidays.sort_by_key(|holiday| holiday.on);
    holidays
}

/// What holiday a date is in a state.
#[must_use]
pub fn holiday_on(state: FederalState, date: NaiveDate) -> Option<&'static HolidayName> {
    let from_easter = easter_sunday(date.year()).map(|easter| (date - easter).num_days());
    let found = observances(state).iter().find(|it| it.falls_on(date, from_easter));
    found.map(|observance| &observance.name)
}

/// A Werktag: Monday to Saturday, and no public holiday.
#[must_use]
pub fn is_weekday(state: FederalState, date: NaiveDate) -> bool {
    date.weekday() != Weekday::Sun && holiday_on(state, date).is_none()
}

/// Monday to Friday, and no public holiday.
#[must_use]
pub fn is_working_day(state: FederalState, date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && holiday_on(state, date).is_none()
}

/// Easter Sunday in the Gregorian calendar (the rule of Meeus, Jones and Butcher).
#[must_use]
pub fn easter_sunday(year: i32) -> Option<NaiveDate> {
    let golden = year.rem_euclid(19);
    let (century, of_century) = (year.div_euclid(100), year.rem_euclid(100));
    let moon = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15)
        .rem_euclid(30);
    let weekday =
        (32 + 2 * (century % 4) + 2 * (of_century / 4) - moon - of_century % 4).rem_euclid(7);
    let late = (golden + 11 * moon + 22 * weekday) / 451;
    let days = u64::try_from(moon + weekday - 7 * late).ok()?;
    NaiveDate::from_ymd_opt(year, 3, 22)?.checked_add_days(Days::new(days))
}

/// Days of one plan: the holidays of a state, and the pauses in which nothing is counted.
#[derive(Clone, Debug)]
pub struct Calendar {
    state: FederalState,
    /// First and last days, in order, none touching another.
    pauses: Vec<(NaiveDate, NaiveDate)>,
}

impl Calendar {
    /// `pauses` are first and last days. They may overlap: a day is paused once. One whose last day is
    /// before its first covers nothing.
    #[must_use]
    pub fn new(
        state: FederalState,
        pauses: impl IntoIterator<Item = (NaiveDate, NaiveDate)>,
    ) -> Self {
        let mut given: Vec<_> = pauses.into_iter().filter(|(from, until)| from <= until).collect();
        given.sort_unstable();
        let mut pauses: Vec<(NaiveDate, NaiveDate)> = Vec::new();
        for (from, until) in given {
            match pauses.last_mut() {
                Some(last) if from <= last.1.succ_opt().unwrap_or(last.1) => {
                    last.1 = last.1.max(until);
                }
                _ => pauses.push((from, until)),
            }
        }
        Self { state, pauses }
    }

    /// The same holidays, and no pause.
    #[must_use]
    pub fn without_pauses(&self) -> Self {
        Self::new(self.state, [])
    }

    #[must_use]
    pub fn state(&self) -> FederalState {
        self.state
    }

    #[must_use]
    pub fn is_paused(&self, date: NaiveDate) -> bool {
        self.pause_over(date).is_some()
    }

    /// The last day of the pause that covers a date.
    #[must_use]
    pub fn pause_over(&self, date: NaiveDate) -> Option<NaiveDate> {
        let covering = self.pauses.iter().find(|(from, until)| (*from..=*until).contains(&date));
        covering.map(|(_, until)| *until)
    }

    /// Whether a pause begins after a date.
    #[must_use]
    pub fn is_pause_after(&self, date: NaiveDate) -> bool {
        self.pauses.iter().any(|(from, _)| *from > date)
    }

    /// A day of work: neither weekend nor holiday nor paused.
    #[must_use]
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        !self.is_paused(date) && is_working_day(self.state, date)
    }

    /// Paused days from `first` to `last`, both included.
    #[must_use]
    pub fn paused_days(&self, first: NaiveDate, last: NaiveDate) -> i64 {
        self.pauses
            .iter()
            .map(|(from, until)| {
                let (from, until) = ((*from).max(first), (*until).min(last));
                (until - from).num_days().saturating_add(1).max(0)
            })
            .sum()
    }

    /// All paused days.
    #[must_use]
    pub fn all_paused_days(&self) -> i64 {
        self.paused_days(NaiveDate::MIN, NaiveDate::MAX)
    }

    /// Days that count from `first` to `last`, both included.
    #[must_use]
    pub fn counted_days(&self, first: NaiveDate, last: NaiveDate) -> i64 {
        if last < first {
            return 0;
        }
        (last - first).num_days() + 1 - self.paused_days(first, last)
    }

    /// The `n`th day after `from` that is not paused; for 0 the first such day from `from` on.
    #[must_use]
    pub fn day_after(&self, from: NaiveDate, n: u32) -> NaiveDate {
        if self.pauses.last().is_none_or(|(_, until)| *until < from) {
            // Most plans have no pause, and all their days count.
            return from.checked_add_days(Days::new(n.into())).unwrap_or(from);
        }
        nth(from, n, |date| !self.is_paused(date))
    }

    /// The `n`th weekday (Werktag) after `from`; for 0 the first one from `from` on.
    #[must_use]
    pub fn weekday_after(&self, from: NaiveDate, n: u32) -> NaiveDate {
        nth(from, n, |date| !self.is_paused(date) && is_weekday(self.state, date))
    }

    /// The `n`th working day after `from`; for 0 the first one from `from` on.
    #[must_use]
    pub fn working_day_after(&self, from: NaiveDate, n: u32) -> NaiveDate {
        nth(from, n, |date| self.is_working_day(date))
    }
}

/// Days after `from` are numbered from 1 on, so `from` itself is skipped unless `n` is 0.
fn nth(from: NaiveDate, n: u32, counts: impl Fn(NaiveDate) -> bool) -> NaiveDate {
    let skipped = usize::from(n > 0);
    let before = n.saturating_sub(1) as usize;
    // Plans lie in `YEARS`, far from the end of chrono's calendar.
    from.iter_days().skip(skipped).filter(|date| counts(*date)).nth(before).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Easter by its definition: the Sunday after the ecclesiastical full moon, which is found from the
    /// epact (the moon's age at the beginning of the year) by the tables of Clavius.
    fn easter_by_the_moon(year: i32) -> NaiveDate {
        let century = year / 100 + 1;
        let solar = 3 * century / 4 - 12;
        let lunar = (8 * century + 5) / 25 - 5;
        let golden = year % 19 + 1;
        let mut epact = (11 * golden + 20 + lunar - solar).rem_euclid(30);
        if epact == 24 || (epact == 25 && golden > 11) {
            epact += 1;
        }
        let march = |day: i32| {
            let first = NaiveDate::from_ymd_opt(year, 3, 1).unwrap();
            first + Days::new(u64::try_from(day - 1).unwrap())
        };
        let mut full_moon = 44 - epact;
        if full_moon < 21 {
            full_moon += 30;
        }
        let after = march(full_moon).iter_days().skip(1);
        after.into_iter().find(|date| date.weekday() == Weekday::Sun).unwrap()
    }

    #[test]
    fn easter_is_where_the_moon_says() {
        for year in 1583..=4000 {
            assert_eq!(easter_sunday(year), Some(easter_by_the_moon(year)), "{year}");
        }
        // The ends of its range, and those of the years that have been funded and soon will be.
        for date in [
            "1818-03-22",
            "2285-03-22",
            "1943-04-25",
            "2038-04-25",
            "2019-04-21",
            "2024-03-31",
            "2027-03-28",
            "2030-04-21",
            "2032-03-28",
        ] {
            assert_eq!(easter_sunday(day(date).year()), Some(day(date)));
        }
    }

    #[test]
    fn every_state_has_its_holidays() {
        assert_eq!(OBSERVANCES.len(), FederalState::all().len());
        let count = |state, year| holidays(state, year).len();
        assert_eq!(count(FederalState::BadenWuerttemberg, 2026), 12);
        assert_eq!(count(FederalState::Hesse, 2026), 10);
        assert_eq!(count(FederalState::LowerSaxony, 2017), 9);
        assert_eq!(count(FederalState::LowerSaxony, 2018), 10);
        assert_eq!(count(FederalState::NorthRhineWestphalia, 2026), 11);
        assert_eq!(count(FederalState::RhinelandPalatinate, 2026), 11);
    }

    #[test]
    fn the_ten_holidays_of_hesse() {
        let found: Vec<String> = holidays(FederalState::Hesse, 2026)
            .into_iter()
            .map(|holiday| format!("{} {}", holiday.on, holiday.name.name_de))
            .collect();
        assert_eq!(
            found,
            [
                "2026-01-01 Neujahr",
                "2026-04-03 Karfreitag",
                "2026-04-06 Ostermontag",
                "2026-05-01 Tag der Arbeit",
                "2026-05-14 Christi Himmelfahrt",
                "2026-05-25 Pfingstmontag",
                "2026-06-04 Fronleichnam",
                "2026-10-03 Tag der Deutschen Einheit",
                "2026-12-25 Erster Weihnachtstag",
                "2026-12-26 Zweiter Weihnachtstag",
            ]
        );
        let easter = holiday_on(FederalState::Hesse, day("2027-03-29"));
        assert_eq!(easter.map(|name| name.name_en.as_str()), Some("Easter Monday"));
        assert_eq!(holiday_on(FederalState::Hesse, day("2027-03-30")), None);
    }

    proptest! {
        #[test]
        fn a_day_is_paused_once_however_many_pauses_cover_it(
            pauses in proptest::collection::vec((0..60_u64, -3..20_i64), 0..6),
            first in 0..80_u64, length in -2..40_i64,
        ) {
            let origin = day("2024-02-20");
            let ranges: Vec<_> = pauses.iter().map(|(from, length)| {
                let from = origin + Days::new(*from);
                (from, from + chrono::TimeDelta::days(*length))
            }).collect();
            let calendar = Calendar::new(FederalState::Hesse, ranges.clone());
            let covered = |date: NaiveDate| ranges.iter().any(|(from, to)| *from <= date && date <= *to);
            for date in origin.iter_days().take(120) {
                prop_assert_eq!(calendar.is_paused(date), covered(date), "{}", date);
                if let Some(last) = calendar.pause_over(date) {
                    prop_assert!(covered(last) && !covered(last + Days::new(1)));
                }
            }
            let first = origin + Days::new(first);
            let last = first + chrono::TimeDelta::days(length);
            let dates: Vec<_> = first.iter_days().take_while(|date| *date <= last).collect();
            let paused = dates.iter().filter(|date| covered(**date)).count();
            prop_assert_eq!(calendar.paused_days(first, last), i64::try_from(paused).unwrap());
            prop_assert_eq!(
                calendar.counted_days(first, last), i64::try_from(dates.len() - paused).unwrap()
            );
        }
    }
}
