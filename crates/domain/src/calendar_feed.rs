//! What a user has to do, as a calendar that Outlook, Google, Apple and others subscribe to (iCalendar,
//! RFC 5545).
//!
//! It is written here and not with a crate: `icalendar` gives time zones and alarms a random `UID` and the
//! time of writing, which the standard does not allow there, and which would make every answer another
//! one. `calcard` reads it back in the tests.

use std::fmt::Display;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accompaniment::Accompaniment;
use crate::entity::Reference;
use crate::id::UserId;
use crate::plan::Step;
use crate::recruitment_case::RecruitmentCase;
use crate::referral::Referral;
use crate::task::{Task, TaskPriority};

/// How far back a calendar reaches.
pub const DAYS_BACK: u64 = 90;
/// How far ahead it shows events.
pub const DAYS_AHEAD: u64 = 400;
/// Of each kind; who has more to do does not look for it in a calendar.
pub const MAX_ENTRIES: i64 = 2000;

/// The own calendar feed, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CalendarFeed {
    pub created_at: DateTime<Utc>,
    /// When a calendar program last read it, to the hour.
    #[schema(required)]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The secret address of a calendar feed. Shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CalendarFeedAddress {
    /// Goes into the calendar program as it is. Whoever knows it reads the calendar.
    #[schema(
        example = "https://lotse.example/api/v1/calendar-feeds/Tm90IGEgcmVhbCBzZWNyZXQsIGp1c3QgYW4gZXhhbXBsZQ.ics"
    )]
    pub url: String,
    pub created_at: DateTime<Utc>,
}

/// An event as a calendar shows it.
#[derive(Clone, Debug)]
pub struct CalendarEvent {
    pub id: Uuid,
    pub title: String,
    pub place: Option<String>,
    pub online_url: Option<String>,
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// Start and end in the network's zone; none: all day.
    pub times: Option<(NaiveTime, NaiveTime)>,
    pub cancelled: bool,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

/// All that a calendar shows.
#[derive(Clone, Debug)]
pub struct Agenda {
    pub user: UserId,
    /// How far it reaches back.
    pub from: NaiveDate,
    /// Open ones that the user owns or stands in for.
    pub tasks: Vec<Task>,
    /// Accompaniments that the user leads or stands in for.
    pub accompaniments: Vec<Accompaniment>,
    /// Open ones that the user leads or stands in for.
    pub recruitment_cases: Vec<RecruitmentCase>,
    /// Open ones that the user looks after.
    pub referrals: Vec<Referral>,
    /// Those that the user is responsible for.
    pub events: Vec<CalendarEvent>,
}

/// Clocks there go forward on the last Sunday of March and back on that of October, as they have since
/// 1996 and as `chrono-tz` has it too; a test compares.
const HEAD: [&str; 27] = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Lotse//Lotse//DE",
    "CALSCALE:GREGORIAN",
    "NAME:Lotse",
    "X-WR-CALNAME:Lotse",
    "X-WR-TIMEZONE:Europe/Berlin",
    "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    "X-PUBLISHED-TTL:PT1H",
    "BEGIN:VTIMEZONE",
    "TZID:Europe/Berlin",
    "X-LIC-LOCATION:Europe/Berlin",
    "BEGIN:DAYLIGHT",
    "DTSTART:19810329T020000",
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
    "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0200",
    "TZNAME:CEST",
    "END:DAYLIGHT",
    "BEGIN:STANDARD",
    "DTSTART:19961027T030000",
    "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
    "TZOFFSETFROM:+0200",
    "TZOFFSETTO:+0100",
    "TZNAME:CET",
    "END:STANDARD",
    "END:VTIMEZONE",
];

/// The calendar as text. The same agenda gives the same text.
#[must_use]
pub fn render(agenda: &Agenda) -> String {
    let mut calendar = Calendar(String::with_capacity(4096));
    for content in HEAD {
        calendar.line(content);
    }
    for task in &agenda.tasks {
        calendar.task(task, agenda.user);
    }
    for run in &agenda.accompaniments {
        let milestones = Milestones {
            record: run.id.0,
            version: run.version,
            updated_at: run.updated_at,
            name: run.company.name.clone(),
            about: format!("Begleitung von {}", run.company.name),
            lead: &run.lead,
        };
        let awaited = run.steps.iter().filter(|step| run.awaits(step));
        calendar.milestones(&milestones, awaited, agenda);
    }
    for case in &agenda.recruitment_cases {
        let milestones = Milestones {
            record: case.id.0,
            version: case.version,
            updated_at: case.updated_at,
            name: format!("{} ({})", case.company.name, case.candidate_reference),
            about: format!("Rekrutierungsfall {}: {}", case.candidate_reference, case.vacancy),
            lead: &case.lead,
        };
        let awaited = case.steps.iter().filter(|step| step.is_open());
        calendar.milestones(&milestones, awaited, agenda);
    }
    for referral in &agenda.referrals {
        calendar.referral(referral);
    }
    for event in &agenda.events {
        calendar.event(event);
    }
    calendar.line("END:VCALENDAR");
    calendar.0
}

/// What the milestones of an accompaniment or a recruitment case have in common.
struct Milestones<'a> {
    record: Uuid,
    version: i64,
    updated_at: DateTime<Utc>,
    name: String,
    about: String,
    lead: &'a Reference,
}

struct Calendar(String);

impl Calendar {
    /// An all-day event: Google and Outlook show no VTODO of a calendar that they subscribe to.
    fn task(&mut self, task: &Task, user: UserId) {
        let mut about = Vec::new();
        if let Some(organisation) = &task.organisation {
            about.push(organisation.name.clone());
        }
        if let Some(consultation) = &task.consultation {
            about.push(format!("Beratung vom {}", consultation.held_on.format("%d.%m.%Y")));
        }
        if let Some(event) = &task.event {
            about.push(event.name.clone());
        }
        if task.owner.id != user.0 {
            about.push(format!("In Vertretung für {}", task.owner.name));
        }
        let priority = match task.priority {
            TaskPriority::High => 1,
            TaskPriority::Normal => 5,
            TaskPriority::Low => 9,
        };
        self.begin(task.id.0, task.version, task.updated_at);
        self.text("SUMMARY", &task.title);
        self.line(&format!("PRIORITY:{priority}"));
        self.due(task.due_on, &task.title, &about);
    }

    /// The steps that somebody is still to do, at the days that they are planned for.
    fn milestones<'a>(
        &mut self,
        of: &Milestones,
        awaited: impl Iterator<Item = &'a Step>,
        agenda: &Agenda,
    ) {
        for step in awaited {
            let Some(on) = step.due_on().filter(|on| *on >= agenda.from) else { continue };
            let mut about = vec![of.about.clone()];
            if of.lead.id != agenda.user.0 {
                about.push(format!("In Vertretung für {}", of.lead.name));
            }
            let title = format!("{}: {}", of.name, step.definition.title_de);
            let id = format!("{}.{}", of.record, step.definition.code);
            self.begin(id, of.version, of.updated_at);
            self.text("SUMMARY", &title);
            self.due(on, &title, &about);
        }
    }

    fn referral(&mut self, referral: &Referral) {
        let title = format!("Antwort fällig: {}", referral.actor.name);
        let about = [format!("Verweisung von {}", referral.organisation.name)];
        self.begin(referral.id.0, referral.version, referral.updated_at);
        self.text("SUMMARY", &title);
        self.due(referral.answer_due_on, &title, &about);
    }

    fn event(&mut self, event: &CalendarEvent) {
        self.begin(event.id, event.version, event.updated_at);
        self.text("SUMMARY", &event.title);
        match event.times {
            Some((from, to)) => {
                let (from, to) = (event.starts_on.and_time(from), event.ends_on.and_time(to));
                self.line(&format!("DTSTART;TZID=Europe/Berlin:{}", from.format("%Y%m%dT%H%M%S")));
                // An end must come after the start; without one it is the moment of the start.
                if to > from {
                    self.line(&format!("DTEND;TZID=Europe/Berlin:{}", to.format("%Y%m%dT%H%M%S")));
                }
            }
            None => self.days(event.starts_on, event.ends_on),
        }
        if let Some(place) = &event.place {
            self.text("LOCATION", place);
        } else if event.online_url.is_some() {
            self.line("LOCATION:Online");
        }
        if let Some(url) = &event.online_url {
            // Not all programs show the address by itself.
            self.text("DESCRIPTION", url);
            if url.bytes().all(|byte| byte.is_ascii_graphic()) {
                self.line(&format!("URL:{url}"));
            }
        }
        self.line(if event.cancelled { "STATUS:CANCELLED" } else { "STATUS:CONFIRMED" });
        self.line("END:VEVENT");
    }

    fn begin(&mut self, id: impl Display, version: i64, updated_at: DateTime<Utc>) {
        let at = updated_at.format("%Y%m%dT%H%M%SZ");
        self.line("BEGIN:VEVENT");
        self.line(&format!("UID:{id}@lotse"));
        self.line(&format!("SEQUENCE:{version}"));
        // When it changed, not when it is written: that would make every answer another one.
        self.line(&format!("DTSTAMP:{at}"));
        self.line(&format!("LAST-MODIFIED:{at}"));
    }

    /// The rest of what is to be done on a day: it takes no time, and reminds in the morning.
    fn due(&mut self, on: NaiveDate, title: &str, about: &[String]) {
        self.days(on, on);
        self.line("TRANSP:TRANSPARENT");
        if !about.is_empty() {
            self.text("DESCRIPTION", &about.join("\n"));
        }
        self.line("BEGIN:VALARM");
        self.line("ACTION:DISPLAY");
        self.text("DESCRIPTION", title);
        self.line("TRIGGER:PT8H");
        self.line("END:VALARM");
        self.line("END:VEVENT");
    }

    /// Whole days. The end is the day after the last.
    fn days(&mut self, first: NaiveDate, last: NaiveDate) {
        let end = last.succ_opt().filter(|end| end.year() <= 9999);
        self.line(&format!("DTSTART;VALUE=DATE:{}", first.format("%Y%m%d")));
        // Without an end it is one day, which is right for the last one that there is.
        if let Some(end) = end {
            self.line(&format!("DTEND;VALUE=DATE:{}", end.format("%Y%m%d")));
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        let mut content = format!("{name}:");
        for c in text.chars() {
            match c {
                '\\' | ';' | ',' => content.extend(['\\', c]),
                '\n' => content.push_str("\\n"),
                c if c.is_control() && c != '\t' => {}
                c => content.push(c),
            }
        }
        self.line(&content);
    }

    /// One line of content, folded so that none has more than 75 octets.
    fn line(&mut self, content: &str) {
        const MOST: usize = 75;
        let mut octets = 0;
        for c in content.chars() {
            if octets + c.len_utf8() > MOST {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(c);
            octets += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests;
