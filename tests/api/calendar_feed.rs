//! The calendar at a secret address, as calendar programs read it.

use calcard::icalendar::{
    ICalendar, ICalendarComponentType as Kind, ICalendarProperty as Property,
};
use calcard::{Entry, Parser};
use chrono::TimeDelta;
use reqwest::Method;
use reqwest::header::IF_NONE_MATCH;
use serde_json::{Value, json};

use crate::accompaniment::{act, begun};
use crate::api_key::key;
use crate::harness::{Answer, BWHW, Session, TestApp, VSB, both, both_with, send};
use crate::hostile::changes;
use crate::recruitment_case;

/// A new address, as a path of the test's server.
async fn address(session: &Session) -> String {
    let made = send(session.request(Method::PUT, "/me/calendar-feed")).await.expect(200);
    assert_eq!(made.header("cache-control"), "no-store");
    let url = made.body["url"].as_str().unwrap();
    let path = url.strip_prefix("http://lotse.test/api/v1").unwrap();
    let secret = path.strip_prefix("/calendar-feeds/").unwrap().strip_suffix(".ics").unwrap();
    assert_eq!(secret.len(), 43, "256 bits");
    path.to_owned()
}

async fn read(app: &TestApp, path: &str) -> Answer {
    app.anonymous().get(path).await.expect(200)
}

fn parsed(answer: &Answer) -> ICalendar {
    let mut parser = Parser::new(&answer.text);
    let Entry::ICalendar(calendar) = parser.entry() else { panic!("{}", answer.text) };
    assert_eq!(parser.entry(), Entry::Eof);
    calendar
}

/// Summaries in their order.
fn summaries(answer: &Answer) -> Vec<String> {
    let calendar = parsed(answer);
    let events = calendar.components.iter().filter(|c| c.component_type == Kind::VEvent);
    let summary = |event: &calcard::icalendar::ICalendarComponent| {
        let values = &event.property(&Property::Summary).unwrap().values;
        values[0].as_text().unwrap().to_owned()
    };
    events.map(summary).collect()
}

async fn task(session: &Session, title: &str, due_on: &str, more: Value) -> Value {
    let mut task = more;
    task["title"] = json!(title);
    task["due_on"] = json!(due_on);
    crate::task::create(session, &task).await
}

#[test]
fn a_calendar_shows_what_its_user_has_to_do() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (me, them) = (adviser.id().await, colleague.id().await);
        let company = adviser.company("Müller, Meier; Söhne GmbH", &json!({})).await["id"].clone();
        let actor = adviser.actor("Kammer, Nord", "other").await["id"].clone();
        let notes = json!({"organisation_id": company, "notes": "Streng vertraulich"});
        let held = app.consultation(&adviser, &notes).await;
        let held = adviser.post("/consultations", &held).await.expect(201).id();

        let own = json!({"consultation_id": held, "notes": "Auch vertraulich"});
        let own = task(&adviser, "Frist; prüfen, dann \\ melden 😀", "2026-03-29", own).await;
        task(
            &adviser,
            "Für die Kollegin",
            "2026-04-02",
            json!({"owner_id": them, "deputy_id": me}),
        )
        .await;
        task(&colleague, "Fremd", "2026-04-02", json!({})).await;
        task(&adviser, "Vor 90 Tagen", "2025-12-16", json!({})).await;
        task(&adviser, "Vor 91 Tagen", "2025-12-15", json!({})).await;
        let done = task(&adviser, "Erledigt", "2026-04-02", json!({})).await;
        let complete = format!("{}/complete", crate::task::path(&done));
        adviser.post_with(&complete, &[("If-Match", "\"1\"")], &json!({})).await.expect(200);
        let names = json!({"organisation_id": company, "actor_id": actor});
        crate::referral::create(&adviser, &names).await;
        let names = json!({"organisation_id": company, "actor_id": actor, "owner_id": them});
        crate::referral::create(&adviser, &names).await;
        let id = |n: u32| format!("01890000-0000-7000-8000-00000e00000{n}");
        let staff = [me.as_str()];
        let columns = "starts_on, ends_on, starts_at, ends_at, status, place, online_url";
        for (n, carrier, values) in [
            (
                1,
                BWHW,
                "{2026-10-24}, {2026-10-25}, '18:00:00', '09:00:00', 'planned', 'Rathaus, Saal 2', NULL",
            ),
            (
                2,
                BWHW,
                "{2026-12-31}, {2027-01-01}, NULL, NULL, 'cancelled', NULL, 'https://meet.example/a'",
            ),
            (3, VSB, "{2026-05-05}, {2026-05-05}, NULL, NULL, 'planned', NULL, NULL"),
            // 401 days ahead, and 91 days ago.
            (4, BWHW, "{2027-04-21}, {2027-04-21}, NULL, NULL, 'planned', NULL, NULL"),
            (5, BWHW, "{2025-12-14}, {2025-12-15}, NULL, NULL, 'held', NULL, NULL"),
        ] {
            // As the column wants it: SQLite keeps the text.
            crate::task::event(&app, carrier, &id(n), columns, values, &staff);
        }
        crate::task::event(
            &app,
            BWHW,
            &id(6),
            columns,
            "{2026-05-05}, {2026-05-05}, NULL, NULL, 'planned', NULL, NULL",
            &[&them],
        );

        let path = address(&adviser).await;
        let answer = read(&app, &path).await;
        assert_eq!(answer.header("content-type"), "text/calendar; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "private, max-age=900");
        assert_eq!(
            summaries(&answer),
            [
                "Vor 90 Tagen",
                "Frist; prüfen, dann \\ melden 😀",
                "Für die Kollegin",
                "Antwort fällig: Kammer, Nord",
                "Runder Tisch, Pflege",
                "Runder Tisch, Pflege",
            ]
        );
        assert!(!answer.text.contains("ertraulich"), "{}", answer.text);
        let unfolded = answer.text.replace("\r\n ", "");
        for line in [
            &format!("UID:{}@lotse", own["id"].as_str().unwrap()),
            "DTSTART;VALUE=DATE:20260329",
            "DTEND;VALUE=DATE:20260330",
            "DESCRIPTION:Müller\\, Meier\\; Söhne GmbH\\nBeratung vom 02.03.2026",
            "DESCRIPTION:In Vertretung für Test colleague",
            "DESCRIPTION:Verweisung von Müller\\, Meier\\; Söhne GmbH",
            "DTSTART;VALUE=DATE:20260330",
            "DTSTART;TZID=Europe/Berlin:20261024T180000",
            "DTEND;TZID=Europe/Berlin:20261025T090000",
            "LOCATION:Rathaus\\, Saal 2",
            "DTSTART;VALUE=DATE:20261231",
            "DTEND;VALUE=DATE:20270102",
            "STATUS:CANCELLED",
            "URL:https://meet.example/a",
            "LOCATION:Online",
            "SEQUENCE:2",
            "DTSTAMP:20260301T080000Z",
        ] {
            assert!(unfolded.contains(&format!("\r\n{line}\r\n")), "{line}: {unfolded}");
        }
        assert!(parsed(&answer).expand_dates(chrono_tz::Europe::Berlin, 50).errors.is_empty());

        // What changed is seen, under the same id and with a higher number.
        let change = json!({"title": "Geändert"});
        adviser.patch(&crate::task::path(&own), 1, &change).await.expect(200);
        let known = |etag: &str| {
            let request = app.anonymous().request(Method::GET, &path);
            send(request.header(IF_NONE_MATCH, etag))
        };
        let changed = known(answer.header("etag")).await.expect(200);
        assert!(
            changed
                .text
                .contains(&format!("UID:{}@lotse\r\nSEQUENCE:2\r\n", own["id"].as_str().unwrap()))
        );
        let same = known(changed.header("etag")).await;
        assert_eq!((same.status, same.text.as_str()), (304, ""));
        assert_eq!(same.header("etag"), changed.header("etag"));
    });
}

#[test]
fn an_address_is_good_until_it_is_taken_back() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let feed = "/me/calendar-feed";
        adviser.get(feed).await.problem(404, "not_found");
        let before = changes(&app).await;
        let first = address(&adviser).await;
        let made = adviser.get(feed).await.expect(200).body;
        assert_eq!(made, json!({"created_at": "2026-03-16T09:00:00Z", "last_used_at": null}));
        read(&app, &first).await;
        let used = async || adviser.get(feed).await.expect(200).body["last_used_at"].clone();
        assert_eq!(used().await, "2026-03-16T09:00:00Z");
        // Not with every request.
        app.advance(TimeDelta::minutes(5));
        read(&app, &first).await;
        assert_eq!(used().await, "2026-03-16T09:00:00Z");
        let again = app.log_in("adviser").await;
        app.advance(TimeDelta::minutes(55));
        read(&app, &first).await;
        let later = app.log_in("adviser").await.get(feed).await.expect(200);
        assert_eq!(later.body["last_used_at"], "2026-03-16T10:00:00Z");
        drop(again);

        let adviser = app.log_in("adviser").await;
        let second = address(&adviser).await;
        assert_ne!(first, second);
        let gone = async |path: &str| {
            app.anonymous().get(path).await.problem(404, "not_found");
        };
        gone(&first).await;
        read(&app, &second).await;
        send(adviser.request(Method::DELETE, feed)).await.expect(204);
        gone(&second).await;
        send(adviser.request(Method::DELETE, feed)).await.expect(204);
        adviser.get(feed).await.problem(404, "not_found");
        let made_and_removed = before.as_i64().unwrap() + 3;
        assert_eq!(changes(&app).await, made_and_removed, "the second time there was none");
        gone("/calendar-feeds/x.ics").await;
        gone("/calendar-feeds/%00.ics").await;
        gone(&format!("/calendar-feeds/{}.ics", "x".repeat(5000))).await;
    });
}

#[test]
fn who_reads_a_calendar_leaves_a_trace() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let me = adviser.id().await;
        let path = address(&adviser).await;
        let read_at = async || {
            let officer = app.log_in("data.protection").await;
            app.app.flush_access_log();
            let log = format!("/audit-log?action=read&entity_kind=user&entity_id={me}");
            let log = officer.get(&log).await.expect(200);
            for entry in log.items() {
                assert_eq!(entry["detail"], "calendar_feed");
                assert_eq!((&entry["by"]["id"], &entry["session_id"]), (&json!(me), &json!(null)));
                assert_ne!(entry["request_id"], "");
            }
            log.items().iter().map(|entry| entry["at"].clone()).collect::<Vec<_>>()
        };
        assert!(read_at().await.is_empty());
        read(&app, &path).await;
        app.advance(TimeDelta::minutes(30));
        read(&app, &path).await;
        assert_eq!(read_at().await, ["2026-03-16T09:00:00Z"], "not with every request");
        app.advance(TimeDelta::minutes(30));
        read(&app, &path).await;
        assert_eq!(read_at().await, ["2026-03-16T10:00:00Z", "2026-03-16T09:00:00Z"]);
        app.anonymous().get("/calendar-feeds/x.ics").await.problem(404, "not_found");
        assert_eq!(read_at().await.len(), 2);
    });
}

#[test]
fn who_may_no_longer_log_in_reads_no_calendar() {
    both(async |app| {
        let (admin, adviser) = (app.log_in("admin").await, app.log_in("adviser").await);
        let me = adviser.id().await;
        task(&adviser, "Rückruf", "2026-04-01", json!({})).await;
        let path = address(&adviser).await;
        assert_eq!(summaries(&read(&app, &path).await), ["Rückruf"]);
        let user = format!("/users/{me}");
        let suspend = json!({"status": "suspended"});
        admin.patch(&user, 1, &suspend).await.expect(200);
        app.anonymous().get(&path).await.problem(404, "not_found");
        admin.patch(&user, 2, &json!({"status": "active"})).await.expect(200);
        read(&app, &path).await;

        // With another carrier nothing of the one before is shown.
        let assignments = format!("{user}/assignments");
        let moved = json!({"role": "adviser", "carrier_id": VSB, "valid_from": "2026-03-17"});
        admin.post(&assignments, &moved).await.expect(201);
        app.advance(TimeDelta::days(1));
        assert!(summaries(&read(&app, &path).await).is_empty());
        let admin = app.log_in("admin").await;
        let ended = json!({"role": "adviser", "carrier_id": BWHW, "valid_from": "2026-03-18",
            "valid_to": "2026-03-18"});
        admin.post(&assignments, &ended).await.expect(201);
        app.advance(TimeDelta::days(1));
        assert_eq!(summaries(&read(&app, &path).await), ["Rückruf"]);
        app.advance(TimeDelta::days(1));
        app.anonymous().get(&path).await.problem(404, "not_found");
    });
}

#[test]
fn calendars_are_for_people() {
    both(async |app| {
        let (_, system) = key(&app, &app.log_in("manager").await, &["read_tasks"]).await;
        let feed = "/me/calendar-feed";
        send(system.request(Method::PUT, feed)).await.problem(403, "forbidden");
        // Also who has no tasks gets a calendar, an empty one.
        let path = address(&app.log_in("coordinator").await).await;
        let answer = read(&app, &path).await;
        assert!(summaries(&answer).is_empty());
        // A secret opens the calendar and nothing else.
        let secret = path.trim_start_matches("/calendar-feeds/").trim_end_matches(".ics");
        app.with_token(secret).get("/tasks").await.problem(401, "unauthenticated");
    });
}

/// An address reads without a second factor, so it takes one to get it.
#[test]
fn a_password_alone_makes_no_address_where_it_is_not_enough() {
    both_with(
        |config| config.second_factor_roles = "adviser".to_owned(),
        async |app| {
            let adviser = app.log_in("adviser").await;
            let made = send(adviser.request(Method::PUT, "/me/calendar-feed")).await;
            made.problem(403, "second_factor_missing");
        },
    );
}

#[test]
fn milestones_stand_at_the_days_that_they_are_planned_for() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let deputy = json!({"deputy_id": colleague.id().await});
        let run = begun(&adviser, "Kalender GmbH", Some("2026-03-02"), &deputy).await;
        let kick_off = "milestones/kick_off/complete";
        let run = act(&adviser, &run, kick_off, &json!({})).await.expect(200).body;
        begun(&app.log_in("manager").await, "Fremde GmbH", None, &json!({})).await;
        let calendar = read(&app, &address(&adviser).await).await;
        let titles = summaries(&calendar);
        assert_eq!(titles.len(), 17, "all but what was done: {titles:?}");
        assert_eq!(titles[0], "Kalender GmbH: Stellen- und Anforderungsprofil erstellen");
        let unfolded = calendar.text.replace("\r\n ", "");
        let uid = format!("UID:{}.vacancy_profile@lotse", run["id"].as_str().unwrap());
        assert!(unfolded.contains(&uid), "{unfolded}");
        let theirs = read(&app, &address(&colleague).await).await;
        assert!(theirs.text.contains("In Vertretung für Test adviser"));
        assert_eq!(summaries(&theirs), titles);
        act(&adviser, &run, "end", &json!({"reason": "withdrew"})).await.expect(200);
        let calendar = read(&app, &address(&adviser).await).await;
        assert_eq!(summaries(&calendar), [] as [&str; 0]);

        let case = recruitment_case::open(&colleague, &json!({"notes": "Vertraulich"})).await;
        let calendar = read(&app, &address(&colleague).await).await;
        let titles = summaries(&calendar);
        let dated = case["steps"].as_array().unwrap().iter();
        let dated = dated.filter(|step| !step["planned_on"].is_null()).count();
        assert_eq!(titles.len(), dated, "what may never happen has no day");
        assert_eq!(titles[0], "Elektro Muster GmbH (K-2026-014): Vollmacht der Fachkraft einholen");
        assert!(!calendar.text.contains("Vertraulich"));
        let closed = json!({"outcome": "other"});
        recruitment_case::act(&colleague, &case, "close", &closed).await.expect(200);
        let calendar = read(&app, &address(&colleague).await).await;
        assert_eq!(summaries(&calendar), [] as [&str; 0]);
    });
}
