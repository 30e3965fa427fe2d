//! Every figure of events against a count from what the API lists, over random events, participations,
//! groupings, windows and scopes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};
use lotse_domain::code::Code;
use lotse_domain::event_statistics::EventDimension;
use lotse_domain::indicator::EventFigure;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::{
    BWHW, FRANKFURT, KASSEL, PERIOD_2023, PERIOD_2026, Session, TestApp, VSB, WETZLAR, backends,
    both, district, run_on,
};
use crate::statistics_random::{answers_groups, figures_of};

const FIRST_DAY: &str = "2023-01-01";
const DAYS: u64 = 1096;
const TOPICS: [&str; 3] = ["blue_card", "fast_track", "language"];
const DISTRICTS: [&str; 3] = ["06412", "06440", "06611"];
const KINDS: [&str; 3] = ["round_table", "conference", "training"];
const ROLES: [&str; 3] = ["participant", "speaker", "staff"];
const STATUSES: [&str; 5] = ["registered", "withdrawn", "attended", "no_show", "walk_in"];

/// An event as chance made it.
#[derive(Clone, Debug)]
struct Draft {
    theirs: bool,
    sites: Vec<&'static str>,
    kind: usize,
    day: u64,
    /// Held, planned, cancelled, or held and taken back.
    fate: usize,
    in_series: bool,
    topics: Vec<&'static str>,
    districts: Vec<&'static str>,
    guests: Vec<Guests>,
}

#[derive(Clone, Debug)]
struct Guests {
    organisation: Option<usize>,
    headcount: i32,
    role: usize,
    status: usize,
    voided: bool,
}

fn guests() -> impl Strategy<Value = Guests> {
    (
        proptest::option::weighted(0.8, 0..6_usize),
        1..6_i32,
        prop_oneof![6 => Just(0_usize), 1 => 1..3_usize],
        prop_oneof![3 => Just(2_usize), 2 => Just(4_usize), 2 => 0..5_usize],
        proptest::bool::weighted(0.15),
    )
        .prop_map(|(organisation, headcount, role, status, voided)| Guests {
            organisation,
            headcount,
            role,
            status,
            voided,
        })
}

fn draft() -> impl Strategy<Value = Draft> {
    (
        proptest::bool::weighted(0.3),
        proptest::sample::subsequence(vec![FRANKFURT, WETZLAR], 1..=2).prop_shuffle(),
        0..3_usize,
        // Few days, the ends of the period and of a quarter among them.
        prop_oneof![Just(0), Just(DAYS - 1), Just(89), Just(90), 0..DAYS],
        prop_oneof![5 => Just(0_usize), 1 => 1..4_usize],
        any::<bool>(),
        proptest::sample::subsequence(TOPICS.to_vec(), 0..=3),
        proptest::sample::subsequence(DISTRICTS.to_vec(), 0..=2),
        proptest::collection::vec(guests(), 0..7),
    )
        .prop_map(|(theirs, sites, kind, day, fate, in_series, topics, districts, guests)| {
            Draft {
                theirs,
                sites: if theirs { vec![KASSEL] } else { sites },
                kind,
                day,
                fate,
                in_series,
                topics,
                districts,
                guests,
            }
        })
}

/// Those who record, with a series each.
struct Recorders {
    ours: (Session, String),
    theirs: (Session, String),
}

async fn record(app: &TestApp, who: &Recorders, organisations: &[String], draft: &Draft) {
    let (session, series) = if draft.theirs { &who.theirs } else { &who.ours };
    let day = FIRST_DAY.parse::<NaiveDate>().unwrap() + Days::new(draft.day);
    let districts: Vec<_> = draft.districts.iter().map(|key| district(key)).collect();
    let input = app
        .event(
            session,
            &json!({
                "kind": KINDS[draft.kind], "starts_on": day, "status": "held",
                "site_ids": draft.sites, "topics": draft.topics, "district_ids": districts,
                "series_id": draft.in_series.then_some(series)
            }),
        )
        .await;
    let event = session.post("/events", &input).await.expect(201).id();
    let event = format!("/events/{event}");
    let mut seen = BTreeSet::new();
    for guests in &draft.guests {
        if guests.organisation.is_some() && !seen.insert((guests.organisation, guests.role)) {
            continue;
        }
        let input = json!({
            "organisation_id": guests.organisation.map(|index| &organisations[index]),
            "headcount": guests.headcount, "role": ROLES[guests.role],
            "status": STATUSES[guests.status]
        });
        let new = session.post(&format!("{event}/participations"), &input).await.expect(201);
        if guests.voided {
            void(session, &format!("/participations/{}/void", new.id())).await;
        }
    }
    match draft.fate {
        1 => drop(session.patch(&event, 1, &json!({"status": "planned"})).await.expect(200)),
        2 => {
            // Refused where attendance was recorded, and then it stays held.
            let answer = session.patch(&event, 1, &json!({"status": "cancelled"})).await;
            assert!(matches!(answer.status, 200 | 409), "{}", answer.text);
        }
        3 => void(session, &format!("{event}/void")).await,
        _ => (),
    }
}

async fn void(session: &Session, path: &str) {
    let reason = json!({"reason": "Doppelt"});
    session.post_with(path, &[("If-Match", "\"1\"")], &reason).await.expect(200);
}

/// An event and its participations, as they are listed.
type Listed = (Value, Vec<Value>);

/// Everything that the carrier lists: each event with its participations.
async fn listed(session: &Session) -> Vec<Listed> {
    let events = session.get("/events?limit=200").await.expect(200);
    let mut all = Vec::new();
    for event in events.items() {
        let path = format!("/events/{}/participations?limit=200", event["id"].as_str().unwrap());
        all.push((event.clone(), session.get(&path).await.expect(200).items().clone()));
    }
    all
}

type Figures = BTreeMap<&'static str, i64>;

/// The rules of docs/counting.md on what the API lists.
fn figures(events: &[&Listed]) -> Figures {
    let mut figures: Figures = BTreeMap::from(
        ["events", "participations", "of_companies", "of_actors", "unnamed"].map(|name| (name, 0)),
    );
    let mut organisations: BTreeMap<String, &str> = BTreeMap::new();
    for (_, participations) in events {
        *figures.get_mut("events").unwrap() += 1;
        for one in participations {
            let there = one["status"] == "attended" || one["status"] == "walk_in";
            if !there || one["role"] != "participant" {
                continue;
            }
            let heads = one["headcount"].as_i64().unwrap();
            let column = match one["organisation"]["kind"].as_str() {
                Some("company") => "of_companies",
                Some(_) => "of_actors",
                None => "unnamed",
            };
            *figures.get_mut("participations").unwrap() += heads;
            *figures.get_mut(column).unwrap() += heads;
            if let Some(id) = one["organisation"]["id"].as_str() {
                organisations.insert(id.to_owned(), column);
            }
        }
    }
    let of = |column: &str| {
        i64::try_from(organisations.values().filter(|known| **known == column).count()).unwrap()
    };
    figures.insert("organisations", i64::try_from(organisations.len()).unwrap());
    figures.insert("companies", of("of_companies"));
    figures.insert("actors", of("of_actors"));
    figures
}

fn day_of(event: &Value) -> NaiveDate {
    event["starts_on"].as_str().unwrap().parse().unwrap()
}

/// The groups that an event stands in.
fn codes(dimension: EventDimension, event: &Value) -> Vec<Option<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let day = day_of(event);
    let keys: BTreeMap<String, &str> = DISTRICTS.map(|key| (district(key), key)).into();
    let codes: Vec<Option<String>> = match dimension {
        EventDimension::Kind => vec![text(&event["kind"])],
        EventDimension::Series => vec![text(&event["series"]["id"])],
        EventDimension::Site => vec![text(&event["sites"][0]["id"])],
        EventDimension::Carrier => vec![text(&event["carrier"]["id"])],
        EventDimension::Month => vec![Some(format!("{}-{:02}", day.year(), day.month()))],
        EventDimension::Quarter => vec![Some(format!("{}-Q{}", day.year(), day.quarter()))],
        EventDimension::Year => vec![Some(day.year().to_string())],
        EventDimension::Topic => {
            event["topics"].as_array().unwrap().iter().map(|topic| text(&topic["code"])).collect()
        }
        EventDimension::District => event["districts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| Some(keys[one["id"].as_str().unwrap()].to_owned()))
            .collect(),
    };
    if codes.is_empty() { vec![None] } else { codes }
}

async fn compare(
    session: &Session,
    records: &[Listed],
    dimensions: &[EventDimension],
    window: Option<(NaiveDate, NaiveDate)>,
) {
    let by: Vec<&str> = dimensions.iter().map(|d| d.code()).collect();
    let group_by = by.join(",");
    let mut path =
        format!("/statistics/events?funding_period_id={PERIOD_2023}&group_by={group_by}");
    if let Some((from, to)) = window {
        path = format!("{path}&from={from}&to={to}");
    }
    let answer = session.get(&path).await.expect(200).body;
    let counted: Vec<_> = records
        .iter()
        .filter(|(event, _)| event["status"] == "held")
        .filter(|(event, _)| window.is_none_or(|(a, b)| (a..=b).contains(&day_of(event))))
        .collect();
    let totals = figures(&counted);
    assert_eq!(figures_of(&answer["totals"], &totals), totals, "totals of {path}");
    if dimensions.is_empty() {
        assert_eq!(answer["groups"], json!([]));
        return;
    }
    let mut members: BTreeMap<Vec<Option<String>>, Vec<&Listed>> = BTreeMap::new();
    for record in counted {
        let mut keys = vec![Vec::new()];
        for dimension in dimensions {
            let mut longer = Vec::new();
            for key in keys {
                for code in codes(*dimension, &record.0) {
                    let mut key: Vec<Option<String>> = key.clone();
                    key.push(code);
                    longer.push(key);
                }
            }
            keys = longer;
        }
        for key in keys {
            members.entry(key).or_default().push(record);
        }
    }
    let expected: BTreeMap<_, _> =
        members.into_iter().map(|(key, records)| (key, figures(&records))).collect();
    answers_groups(&answer, &by, &totals, &expected, &path);
}

/// All pages of an explanation: the last one, with the items of all.
pub async fn explained(session: &Session, link: &Value, figure: &str) -> (Value, Vec<Value>) {
    let link = link.as_str().unwrap().trim_start_matches("/api/v1");
    let (link, _) = link.split_once('{').unwrap();
    let asked = format!("{link}&figure={figure}&total=true&limit=7");
    let (mut items, mut page) = (Vec::new(), session.get(&asked).await.expect(200).body);
    loop {
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return (page, items) };
        page = session.get(&format!("{asked}&cursor={next}")).await.expect(200).body;
    }
}

/// The values of the records are the figure.
pub fn brings(page: &Value, items: &[Value], figure: &Value, what: &str) {
    assert_eq!(&page["value"], figure, "{what}");
    if page["records_withheld"] == true {
        assert!(items.is_empty(), "{what}");
        return;
    }
    let sum: i64 = items.iter().map(|item| item["value"].as_i64().unwrap()).sum();
    assert_eq!(&json!(sum), figure, "{what}");
    assert_eq!(page["records"], json!(items.len()), "{what}");
    let ids: BTreeSet<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), items.len(), "a record twice: {what}");
}

pub fn left_out(page: &Value) -> BTreeMap<String, i64> {
    let reasons = page["left_out"].as_array().unwrap().iter();
    reasons
        .filter_map(|it| Some((it["reason"].as_str()?.to_owned(), it["count"].as_i64()?)))
        .collect()
}

/// Why an event is in no figure.
fn of_event(event: &Value, (from, to): (NaiveDate, NaiveDate)) -> Option<&str> {
    match event["status"].as_str().unwrap() {
        "held" if (from..=to).contains(&day_of(event)) => None,
        "held" => Some("outside_window"),
        other => Some(other),
    }
}

fn of_participation<'a>(one: &'a Value, figure: &str) -> Option<&'a str> {
    let kind = one["organisation"]["kind"].as_str();
    match (one["status"].as_str().unwrap(), one["role"].as_str().unwrap()) {
        ("voided", _) => return Some("participation_voided"),
        ("attended" | "walk_in", "participant") => {}
        ("attended" | "walk_in", _) => return Some("not_participant"),
        _ => return Some("not_there"),
    }
    match (figure, kind) {
        ("unnamed", Some(_)) => Some("named"),
        ("organisations" | "of_companies" | "companies" | "of_actors" | "actors", None) => {
            Some("anonymous")
        }
        ("of_companies" | "companies", Some("actor"))
        | ("of_actors" | "actors", Some("company")) => Some("other_kind"),
        _ => None,
    }
}

/// The count of an explanation equals the figure, and what was left out is the rest.
async fn compare_explanations(
    session: &Session,
    records: &[Listed],
    dimensions: &[EventDimension],
    window: (NaiveDate, NaiveDate),
) {
    let group_by = dimensions.iter().map(|d| d.code()).collect::<Vec<_>>().join(",");
    let path = format!(
        "/statistics/events?funding_period_id={PERIOD_2023}&group_by={group_by}&from={}&to={}",
        window.0, window.1
    );
    let answer = session.get(&path).await.expect(200).body;
    for figure in EventFigure::all() {
        let figure = figure.code();
        let (page, items) = explained(session, &answer["explanation"], figure).await;
        brings(&page, &items, &answer["totals"][figure], &format!("{figure} of {path}"));
        let mut expected: BTreeMap<String, i64> = BTreeMap::new();
        for (event, participations) in records {
            let of_event = of_event(event, window);
            let reasons: Vec<_> = if figure == "events" {
                vec![of_event]
            } else {
                let one = |it| of_event.or_else(|| of_participation(it, figure));
                participations.iter().map(one).collect()
            };
            for reason in reasons.into_iter().flatten() {
                *expected.entry(reason.to_owned()).or_default() += 1;
            }
        }
        assert_eq!(left_out(&page), expected, "{figure} of {path}");
        for group in answer["groups"].as_array().unwrap().iter().take(3) {
            let (page, items) = explained(session, &group["explanation"], figure).await;
            brings(&page, &items, &group[figure], &format!("{figure} of {group}"));
        }
    }
}

async fn recorders(app: &TestApp) -> Recorders {
    let with_series = async |user: &str| {
        let session = app.log_in(user).await;
        let series = session.post("/event-series", &json!({"name": "Reihe"})).await.expect(201);
        (session, series.id())
    };
    Recorders { ours: with_series("adviser").await, theirs: with_series("other").await }
}

async fn organisations(session: &Session) -> Vec<String> {
    let mut ids = Vec::new();
    for name in ["A", "B", "C", "D"] {
        let new = session.company(name, &json!({})).await;
        ids.push(new["id"].as_str().unwrap().to_owned());
    }
    for name in ["E", "F"] {
        let new = session.actor(name, "job_centre").await;
        ids.push(new["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[test]
fn every_figure_equals_a_count_of_what_is_listed() {
    for backend in backends() {
        run_on(backend, async |app| {
            let who = recorders(&app).await;
            let organisations = organisations(&who.ours.0).await;
            // What was consulted is another matter.
            let more = json!({"organisation_id": organisations[0], "held_on": "2024-05-06"});
            let consultation = app.consultation(&who.ours.0, &more).await;
            who.ours.0.post("/consultations", &consultation).await.expect(201);
            let consultations = format!("/statistics?funding_period_id={PERIOD_2023}");
            let before = who.ours.0.get(&consultations).await.expect(200).body;

            let (manager, coordinator) =
                (app.log_in("manager").await, app.log_in("coordinator").await);
            let mut runner = TestRunner::new(Config::default());
            let strategy = (
                proptest::collection::vec(draft(), 8..12),
                proptest::sample::subsequence(EventDimension::all(), 2),
                (0..DAYS, 0..DAYS),
            );
            // Cases are drawn one by one, each on top of those before: the runner's own loop is not
            // asynchronous.
            for _ in 0..3 {
                let (drafts, pair, (a, b)) = strategy.new_tree(&mut runner).unwrap().current();
                for draft in &drafts {
                    record(&app, &who, &organisations, draft).await;
                }
                let (ours, theirs) = (listed(&manager).await, listed(&who.theirs.0).await);
                let network: Vec<_> = ours.iter().chain(&theirs).cloned().collect();
                let start: NaiveDate = FIRST_DAY.parse().unwrap();
                let window = (start + Days::new(a.min(b)), start + Days::new(a.max(b)));
                for (session, records) in [
                    (&manager, &ours),
                    (&who.ours.0, &ours),
                    (&who.theirs.0, &theirs),
                    (&coordinator, &network),
                ] {
                    compare(session, records, &[], Some(window)).await;
                    compare(session, records, &pair, Some(window)).await;
                    let reversed: Vec<_> = pair.iter().rev().copied().collect();
                    compare(session, records, &reversed, None).await;
                    compare_explanations(session, records, &pair, window).await;
                    for dimension in EventDimension::all() {
                        compare(session, records, &[dimension], None).await;
                    }
                }
            }
            let after = who.ours.0.get(&consultations).await.expect(200).body;
            assert_eq!(after, before, "attendance is no consultation");
        });
    }
}

#[test]
fn figures_name_their_rules_window_and_scope_and_come_as_csv() {
    both(async |app| {
        let who = recorders(&app).await;
        let organisations = organisations(&who.ours.0).await;
        for theirs in [false, true] {
            let guests =
                Guests { organisation: Some(4), headcount: 3, role: 0, status: 2, voided: false };
            let unknown = Guests { organisation: None, headcount: 20, ..guests.clone() };
            let draft = Draft {
                theirs,
                sites: if theirs { vec![KASSEL] } else { vec![WETZLAR, FRANKFURT] },
                kind: 0,
                day: 40,
                fate: 0,
                in_series: false,
                topics: vec!["blue_card"],
                districts: vec!["06440"],
                guests: vec![guests, unknown],
            };
            record(&app, &who, &organisations, &draft).await;
        }
        let manager = app.log_in("manager").await;
        let path = format!(
            "/statistics/events?funding_period_id={PERIOD_2023}&group_by=site,kind&from=2023-01-02"
        );
        let answer = manager.get(&path).await.expect(200);
        insta::assert_snapshot!("event_statistics", crate::harness::redacted(&answer.body));
        let network = app.log_in("coordinator").await.get(&path).await.expect(200);
        assert_eq!(network.body["scope"], json!({"kind": "network", "carrier": null}));
        assert_eq!(network.body["totals"]["events"], 2);
        assert_eq!(network.body["totals"]["organisations"], 1, "one for both carriers");
        for carrier in [BWHW, VSB] {
            let by_carrier = path.replace("site,kind", "carrier");
            let groups = app.log_in("coordinator").await.get(&by_carrier).await.expect(200);
            let found = groups.body["groups"].as_array().unwrap();
            assert!(found.iter().any(|group| group["key"]["carrier"]["code"] == carrier));
        }
        for user in ["admin", "data.protection"] {
            app.log_in(user).await.get(&path).await.problem(403, "forbidden");
        }
        let csv = async |group_by: &str| {
            let path = path.replace("site,kind", group_by);
            let request = manager.request(reqwest::Method::GET, &path).header("Accept", "text/csv");
            let response = request.send().await.unwrap();
            assert_eq!(
                response.headers()["content-type"],
                "text/csv; charset=utf-8; header=present"
            );
            response.text().await.unwrap()
        };
        insta::assert_snapshot!("event_csv_grouped", csv("district,series").await);
        insta::assert_snapshot!("event_csv_totals", csv("").await);
    });
}

#[test]
fn figures_of_events_follow_a_topic_that_was_replaced_when_asked() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        for topics in [json!(["language"]), json!(["language", "onboarding"]), json!([])] {
            let more = json!({"topics": topics, "status": "held"});
            let event = app.event(&adviser, &more).await;
            let event = adviser.post("/events", &event).await.expect(201).id();
            let there = json!({"headcount": 5, "status": "walk_in"});
            adviser.post(&format!("/events/{event}/participations"), &there).await.expect(201);
        }
        let topics = admin.get("/topics?limit=200").await.expect(200);
        let id = |code: &str| {
            let topic = topics.items().iter().find(|topic| topic["code"] == code).unwrap();
            topic["id"].as_str().unwrap().to_owned()
        };
        let replaced = json!({"replaced_by_id": id("onboarding"), "valid_to": "2026-03-15"});
        let language = format!("/topics/{}", id("language"));
        admin.patch(&language, 1, &replaced).await.expect(200);

        let path = format!("/statistics/events?funding_period_id={PERIOD_2026}&group_by=topic");
        let counted = async |topics: &str| {
            let answer = adviser.get(&format!("{path}{topics}")).await.expect(200).body;
            assert_eq!(answer["totals"]["events"], 3, "each event once");
            let count = |group: &Value| {
                let code = group["key"]["topic"]["code"].as_str().unwrap_or("-").to_owned();
                (code, (group["events"].as_i64(), group["participations"].as_i64()))
            };
            answer["groups"].as_array().unwrap().iter().map(count).collect::<BTreeMap<_, _>>()
        };
        let expected = |groups: &[(&str, i64)]| -> BTreeMap<String, _> {
            let row = |(code, n): &(&str, i64)| ((*code).to_owned(), (Some(*n), Some(5 * n)));
            groups.iter().map(row).collect()
        };
        let recorded = expected(&[("language", 2), ("onboarding", 1), ("-", 1)]);
        assert_eq!(counted("").await, recorded);
        assert_eq!(counted("&topics=recorded").await, recorded);
        assert_eq!(counted("&topics=current").await, expected(&[("onboarding", 2), ("-", 1)]));
        adviser.get(&format!("{path}&topics=new")).await.problem(400, "malformed_query");
    });
}

#[test]
fn a_question_that_makes_no_sense_is_refused() {
    both(async |app| {
        let manager = app.log_in("manager").await;
        let ask = async |more: &str| {
            let path = format!("/statistics/events?funding_period_id={PERIOD_2023}{more}");
            manager.get(&path).await
        };
        for more in [
            "&group_by=site,year,topic,kind",
            "&filter=kind",
            "&group_by=channel",
            "&group_by=site,site",
            "&colour=red",
            "&from=soon",
        ] {
            ask(more).await.problem(400, "malformed_query");
        }
        ask("&from=2022-12-31").await.violates("from", "outside_period");
        ask("&from=2024-02-01&to=2024-01-01").await.violates("to", "before_start");
        manager.get("/statistics/events").await.problem(400, "malformed_query");
        let unknown = format!("/statistics/events?funding_period_id={FRANKFURT}");
        manager.get(&unknown).await.problem(404, "not_found");
    });
}
