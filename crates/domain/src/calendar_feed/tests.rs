//! Calendars read back with another parser than ours.

use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Kind, ICalendarProperty as Property,
    ICalendarValue as Value,
};
use calcard::{Entry, Parser};
use chrono::{Days, Offset, TimeZone, Weekday};
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::*;
use crate::entity::Reference;
use crate::id::TaskId;
use crate::task::{TaskPriority, TaskStatus};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn task(title: &str, due_on: NaiveDate) -> Task {
    let somebody = Reference::new(Uuid::from_u128(1), "Ada Musterlotsin");
    let at = Utc.with_ymd_and_hms(2026, 3, 16, 9, 0, 0).unwrap();
    Task {
        id: TaskId(Uuid::from_u128(7)),
        carrier: Reference::new(Uuid::from_u128(2), "Träger"),
        title: title.to_owned(),
        notes: Some("Vertraulich".to_owned()),
        due_on,
        owner: somebody.clone(),
        deputy: None,
        priority: TaskPriority::High,
        consultation: None,
        organisation: None,
        event: None,
        status: TaskStatus::Open,
        done: None,
        cancelled: None,
        recorded_by: somebody,
        version: 3,
        created_at: at,
        updated_at: at,
    }
}

fn event(starts: &str, ends: &str) -> CalendarEvent {
    let (starts_on, starts_at) = starts.split_once(' ').unwrap_or((starts, ""));
    let (ends_on, ends_at) = ends.split_once(' ').unwrap_or((ends, ""));
    CalendarEvent {
        id: Uuid::from_u128(9),
        title: "Runder Tisch".to_owned(),
        place: None,
        online_url: None,
        starts_on: date(starts_on),
        ends_on: date(ends_on),
        times: starts_at.parse().ok().zip(ends_at.parse().ok()),
        cancelled: false,
        version: 1,
        updated_at: Utc.with_ymd_and_hms(2026, 3, 16, 9, 0, 0).unwrap(),
    }
}

fn of(tasks: Vec<Task>, events: Vec<CalendarEvent>) -> String {
    let user = UserId(Uuid::from_u128(1));
    let (accompaniments, recruitment_cases, referrals) = (Vec::new(), Vec::new(), Vec::new());
    let from = date("2026-01-01");
    render(&Agenda { user, from, tasks, accompaniments, recruitment_cases, referrals, events })
}

/// The one calendar in the text, whose lines are as the standard wants them.
fn read(text: &str) -> ICalendar {
    assert!(text.ends_with("\r\n"));
    for line in text.trim_end_matches("\r\n").split("\r\n") {
        assert!(line.len() <= 75, "{} octets: {line}", line.len());
        assert!(!line.contains(['\r', '\n']), "{line:?}");
    }
    let mut parser = Parser::new(text);
    let Entry::ICalendar(calendar) = parser.entry() else { panic!("no calendar: {text}") };
    assert_eq!(parser.entry(), Entry::Eof);
    // It passes over what it does not understand, so nothing may be missing.
    let unfolded = text.replace("\r\n ", "");
    let frame = |line: &&str| line.starts_with("BEGIN:") || line.starts_with("END:");
    let lines = unfolded.lines().filter(|line| !frame(line)).count();
    let understood: usize = calendar.components.iter().map(|c| c.entries.len()).sum();
    assert_eq!(understood, lines, "{unfolded}");
    calendar
}

fn components<'a>(calendar: &'a ICalendar, kind: &Kind) -> Vec<&'a ICalendarComponent> {
    calendar.components.iter().filter(|c| c.component_type == *kind).collect()
}

fn values<'a>(component: &'a ICalendarComponent, property: &Property) -> &'a [Value] {
    component.property(property).map_or(&[], |entry| entry.values.as_slice())
}

fn text<'a>(component: &'a ICalendarComponent, property: &Property) -> &'a str {
    match values(component, property) {
        [value] => value.as_text().unwrap(),
        other => panic!("{property:?}: {other:?}"),
    }
}

/// Start and end in Berlin, as the parser understands them.
fn times(calendar: &ICalendar) -> Vec<(String, String)> {
    let expanded = calendar.expand_dates(Berlin, 10);
    assert!(expanded.errors.is_empty(), "{:?}", expanded.errors);
    let local = |at: i64| {
        let at = Berlin.timestamp_opt(at, 0).unwrap();
        at.format("%Y-%m-%d %H:%M %z").to_string()
    };
    let events = expanded
        .events
        .iter()
        .filter(|found| calendar.components[found.comp_id as usize].component_type == Kind::VEvent);
    events.map(|event| (local(event.timestamps().0), local(event.timestamps().1))).collect()
}

#[test]
fn a_task_is_an_all_day_event_that_reminds_in_the_morning() {
    let mut due = task("Rückruf", date("2026-03-29"));
    due.organisation = Some(crate::organisation::OrganisationReference {
        id: crate::id::OrganisationId(Uuid::from_u128(3)),
        name: "Müller, Meier; Co".to_owned(),
        kind: crate::organisation::OrganisationKind::Company,
    });
    let written = of(vec![due], Vec::new());
    assert!(!written.contains("Vertraulich"), "notes stay in the program");
    let calendar = read(&written);
    let events = components(&calendar, &Kind::VEvent);
    let [event] = events[..] else { panic!("{events:?}") };
    assert_eq!(event.uid(), Some("00000000-0000-0000-0000-000000000007@lotse"));
    assert_eq!(text(event, &Property::Summary), "Rückruf");
    assert_eq!(text(event, &Property::Description), "Müller, Meier; Co");
    assert_eq!(values(event, &Property::Sequence), [Value::Integer(3)]);
    assert_eq!(values(event, &Property::Priority), [Value::Integer(1)]);
    assert!(written.contains("\r\nDTSTAMP:20260316T090000Z\r\nLAST-MODIFIED:20260316T090000Z\r\n"));
    assert!(written.contains(
        "\r\nDTSTART;VALUE=DATE:20260329\r\nDTEND;VALUE=DATE:20260330\r\nTRANSP:TRANSPARENT\r\n"
    ));
    let alarms = components(&calendar, &Kind::VAlarm);
    let [alarm] = alarms[..] else { panic!("{alarms:?}") };
    assert_eq!(text(alarm, &Property::Description), "Rückruf");
    let [Value::Duration(trigger)] = values(alarm, &Property::Trigger) else { panic!("{alarm:?}") };
    assert_eq!(trigger.as_seconds(), 8 * 3600);
    assert_eq!(alarm.entries.len(), 3, "no UID and no DTSTAMP, which an alarm does not have");
}

#[test]
fn who_stands_in_is_told_for_whom() {
    let mut due = task("Rückruf", date("2026-03-20"));
    due.owner = Reference::new(Uuid::from_u128(4), "Bela Ratmuster");
    let calendar = read(&of(vec![due], Vec::new()));
    let events = components(&calendar, &Kind::VEvent);
    assert_eq!(text(events[0], &Property::Description), "In Vertretung für Bela Ratmuster");
}

#[test]
fn whole_days_end_on_the_day_after() {
    for (first, last, end) in [
        ("2026-03-29", "2026-03-29", "20260330"),
        ("2026-10-25", "2026-10-25", "20261026"),
        ("2028-02-28", "2028-02-28", "20280229"),
        ("2028-02-29", "2028-02-29", "20280301"),
        ("2026-02-28", "2026-02-28", "20260301"),
        ("2026-12-31", "2026-12-31", "20270101"),
        ("2026-12-30", "2027-01-02", "20270103"),
    ] {
        let written = of(Vec::new(), vec![event(first, last)]);
        let start = first.replace('-', "");
        let expected = format!("\r\nDTSTART;VALUE=DATE:{start}\r\nDTEND;VALUE=DATE:{end}\r\n");
        assert!(written.contains(&expected), "{first}: {written}");
        let midnights = times(&read(&written));
        let end = date(last).succ_opt().unwrap();
        assert!(midnights[0].0.starts_with(&format!("{first} 00:00")), "{midnights:?}");
        assert!(midnights[0].1.starts_with(&format!("{end} 00:00")), "{midnights:?}");
    }
    // There is no day after the last one.
    let calendar = read(&of(vec![task("x", date("9999-12-31"))], Vec::new()));
    let events = components(&calendar, &Kind::VEvent);
    assert!(
        events[0].has_property(&Property::Dtstart) && !events[0].has_property(&Property::Dtend)
    );
}

#[test]
fn times_are_those_of_the_wall_clock_on_either_side_of_a_change() {
    for (starts, ends, from, to) in [
        ("2026-03-28 18:00:00", "2026-03-28 20:00:00", "+0100", "+0100"),
        // From half past one to half past three is one hour in that night.
        ("2026-03-29 01:30:00", "2026-03-29 03:30:00", "+0100", "+0200"),
        ("2026-03-30 09:00:00", "2026-03-31 17:00:00", "+0200", "+0200"),
        ("2026-10-24 09:00:00", "2026-10-25 17:00:00", "+0200", "+0100"),
        ("2026-10-26 09:00:00", "2026-10-26 17:00:00", "+0100", "+0100"),
        ("2026-12-31 22:00:00", "2027-01-01 01:00:00", "+0100", "+0100"),
        ("2028-02-29 09:00:00", "2028-02-29 10:30:00", "+0100", "+0100"),
    ] {
        let read = read(&of(Vec::new(), vec![event(starts, ends)]));
        let expected = (format!("{} {from}", &starts[..16]), format!("{} {to}", &ends[..16]));
        assert_eq!(times(&read), [expected]);
    }
}

#[test]
fn an_event_that_ends_when_it_begins_has_no_end() {
    for end in ["2026-05-05 10:00:00", "2026-05-05 09:00:00"] {
        let calendar = read(&of(Vec::new(), vec![event("2026-05-05 10:00:00", end)]));
        let events = components(&calendar, &Kind::VEvent);
        assert!(!events[0].has_property(&Property::Dtend), "{end}");
    }
}

#[test]
fn an_event_says_where_it_is_and_whether_it_takes_place() {
    let mut online = event("2026-05-05", "2026-05-05");
    online.online_url = Some("https://meet.example/a;b,c?d=e".to_owned());
    let mut off = event("2026-05-06", "2026-05-06");
    off.cancelled = true;
    off.place = Some("Rathaus, Saal 2\nEingang hinten".to_owned());
    // No web address, so none is given out as one.
    off.online_url = Some("siehe Einladung".to_owned());
    let calendar = read(&of(Vec::new(), vec![online, off]));
    let events = components(&calendar, &Kind::VEvent);
    let [online, off] = events[..] else { panic!("{events:?}") };
    assert_eq!(text(online, &Property::Location), "Online");
    assert_eq!(text(online, &Property::Url), "https://meet.example/a;b,c?d=e");
    assert_eq!(text(online, &Property::Description), "https://meet.example/a;b,c?d=e");
    assert_eq!(text(online, &Property::Status), "CONFIRMED");
    assert_eq!(text(off, &Property::Location), "Rathaus, Saal 2\nEingang hinten");
    assert_eq!(text(off, &Property::Status), "CANCELLED");
    assert!(!off.has_property(&Property::Url));
}

/// The rules of the zone in the calendar, worked out by hand, against the database of zones.
#[test]
fn the_zone_changes_its_clocks_when_berlin_does() {
    let calendar = read(&of(Vec::new(), Vec::new()));
    assert_eq!(components(&calendar, &Kind::VTimezone).len(), 1);
    for (kind, month, before, after) in [(Kind::Daylight, 3, 1, 2), (Kind::Standard, 10, 2, 1)] {
        let rules = components(&calendar, &kind);
        let [rule] = rules[..] else { panic!("{rules:?}") };
        let [Value::RecurrenceRule(recurs)] = values(rule, &Property::Rrule) else {
            panic!("{rule:?}")
        };
        assert_eq!(
            recurs
                .bymonth
                .iter()
                .map(calcard::icalendar::ICalendarMonth::month)
                .collect::<Vec<_>>(),
            [month]
        );
        assert_eq!(recurs.byday[0].ordwk, Some(-1), "the last Sunday");
        let [Value::PartialDateTime(start)] = values(rule, &Property::Dtstart) else {
            panic!("{rule:?}")
        };
        for year in 2019..=2037 {
            let last = NaiveDate::from_ymd_opt(year, u32::from(month) + 1, 1).unwrap();
            let sunday = (1..=7)
                .map(|days| last - Days::new(days))
                .find(|day| day.weekday() == Weekday::Sun)
                .unwrap();
            let hour = u32::from(start.hour.unwrap());
            let change = sunday.and_hms_opt(hour, 0, 0).unwrap().and_utc()
                - chrono::TimeDelta::hours(before);
            let offset = |at: DateTime<Utc>| {
                i64::from(at.with_timezone(&Berlin).offset().fix().local_minus_utc()) / 3600
            };
            assert_eq!(offset(change - chrono::TimeDelta::seconds(1)), before, "{year}");
            assert_eq!(offset(change), after, "{year}");
        }
    }
}

proptest! {
    /// Whatever is typed comes out again: commas, semicolons, backslashes, line ends, emojis.
    #[test]
    fn texts_survive(
        title in "[\\PC,;:\\\\\"\n\t=ß😀]{1,250}",
        place in "(\\PC|[,;\\\\\n\u{1F468}\u{200D}]){1,400}",
        day in 0_u64..3000,
    ) {
        let (title, place) = (title.trim(), place.trim());
        prop_assume!(!title.is_empty() && !place.is_empty());
        let due_on = date("2024-01-01") + Days::new(day);
        let mut there = event("2026-05-05", "2026-05-05");
        there.place = Some(place.to_owned());
        let calendar = read(&of(vec![task(title, due_on)], vec![there]));
        let events = components(&calendar, &Kind::VEvent);
        prop_assert_eq!(text(events[0], &Property::Summary), title);
        prop_assert_eq!(text(events[1], &Property::Location), place);
        let start = due_on.format("%Y-%m-%d 00:00").to_string();
        prop_assert!(times(&calendar)[0].0.starts_with(&start));
    }

    /// Any two moments: the parser finds those that the wall clock shows, where it shows them.
    #[test]
    fn moments_survive(from in 1_700_000_000_i64..1_900_000_000, minutes in 1_i64..5000) {
        let from = Berlin.timestamp_opt(from - from % 60, 0).unwrap();
        let to = from + chrono::TimeDelta::minutes(minutes);
        // An hour that comes twice is the first one to a calendar, and one that is left out is none.
        let unique = |at: &DateTime<chrono_tz::Tz>| {
            Berlin.from_local_datetime(&at.naive_local()).single().is_some()
        };
        prop_assume!(unique(&from) && unique(&to) && to.naive_local() > from.naive_local());
        let mut moments = event("2026-01-01", "2026-01-01");
        moments.starts_on = from.date_naive();
        moments.ends_on = to.date_naive();
        moments.times = Some((from.time(), to.time()));
        let shown = |at: DateTime<chrono_tz::Tz>| at.format("%Y-%m-%d %H:%M %z").to_string();
        let calendar = read(&of(Vec::new(), vec![moments]));
        prop_assert_eq!(times(&calendar), [(shown(from), shown(to))]);
    }
}
