//! The worked examples of `docs/counting.md`, recomputed: the tables on the page are entered and asked for.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::harness::{
    FRANKFURT, KASSEL, PERIOD_2023, PERIOD_2026, Session, TestApp, WETZLAR, both, district,
};

const PAGE: &str = include_str!("../../docs/counting.md");

/// The rows of the first table below a sentence, their cells by the name of the column. The first column may
/// have none.
fn table(below: &str) -> Vec<HashMap<String, String>> {
    let (_, page) = PAGE.split_once(below).unwrap_or_else(|| panic!("no {below:?} on the page"));
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_start_matches('|').trim_end_matches('|');
        line.split('|').map(|cell| cell.trim().trim_matches('*').to_owned()).collect()
    };
    let mut lines = page.lines().skip_while(|line| !line.starts_with('|'));
    let header = cells(lines.next().unwrap());
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| header.iter().cloned().zip(cells(line)).collect())
        .collect()
}

/// `22 Jan 2024` as `2024-01-22`.
fn date(text: &str) -> String {
    chrono::NaiveDate::parse_from_str(text, "%d %b %Y").unwrap().to_string()
}

fn topic(name: &str) -> String {
    let code = name.to_lowercase().replace(' ', "_");
    match code.as_str() {
        // A group of topics.
        "recognition" => "non_regulated".to_owned(),
        _ => code,
    }
}

/// Who is in the records, by the name on the page.
async fn organisations(adviser: &Session) -> HashMap<&'static str, Value> {
    HashMap::from([
        ("Bakery", adviser.company("Bäckerei Muster", &json!({})).await["id"].clone()),
        ("Hospital", adviser.company("Klinikum Muster", &json!({})).await["id"].clone()),
        ("Chamber (actor)", adviser.actor("Musterkammer", "chamber_industry").await["id"].clone()),
        ("nobody named", Value::Null),
    ])
}

/// Enters the records of the page, and the kind that each has in its carrier.
async fn enter(app: &TestApp, adviser: &Session, other: &Session) {
    let ids = organisations(adviser).await;
    for row in table("## A worked example") {
        let (session, site) = match row["site"].as_str() {
            "Frankfurt" => (adviser, FRANKFURT),
            "Wetzlar" => (adviser, WETZLAR),
            _ => (other, KASSEL),
        };
        let input = app
            .consultation(
                session,
                &json!({
                    "held_on": date(&row["date"]),
                    "site_id": site,
                    "organisation_id": ids[row["organisation"].as_str()],
                    "minutes": row["minutes"].parse::<i32>().unwrap(),
                    "status": row["status"],
                    "topics": row["topics"].split(", ").map(topic).collect::<Vec<_>>(),
                }),
            )
            .await;
        session.post("/consultations", &input).await.expect(201);
    }
    let listed = adviser.get("/consultations?sort=held_on").await.expect(200);
    let kinds: Vec<&str> =
        listed.items().iter().map(|it| it["kind"].as_str().unwrap_or("–")).collect();
    let of_page = table("## A worked example");
    let of_page: Vec<String> = of_page
        .iter()
        .map(|row| row["kind for A"].replace([' ', '-'], "_"))
        .filter(|kind| kind != "not_in_scope")
        .collect();
    assert_eq!(kinds, of_page);
}

/// Of each row of a table, the figures that its columns name.
fn assert_row(row: &HashMap<String, String>, figures: &Value, columns: &[(&str, &str)]) {
    for (column, figure) in columns {
        let expected: i64 = row[*column].parse().unwrap();
        assert_eq!(figures[figure], expected, "{column} of {:?}", row[""]);
    }
}

#[test]
fn the_worked_example_is_what_the_program_counts() {
    const COLUMNS: [(&str, &str); 10] = [
        ("consultations", "consultations"),
        ("first", "first_consultations"),
        ("follow-up", "follow_up_consultations"),
        ("short", "short_information"),
        ("anonymous", "anonymous_consultations"),
        ("organisations", "organisations"),
        ("companies", "companies"),
        ("actors", "actors"),
        ("new", "new_organisations"),
        ("minutes", "minutes"),
    ];
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let coordinator = app.log_in("coordinator").await;
        enter(&app, &adviser, &other).await;
        let ask = async |session: &Session, more: &str| {
            let path = format!("/statistics?funding_period_id={PERIOD_2023}{more}");
            session.get(&path).await.expect(200).body
        };
        let rows = table("What the manager of carrier A reads");
        assert_eq!(rows.len(), 7);
        for row in rows {
            let group = async |by: &str, code: &str| {
                let answer = ask(&adviser, &format!("&group_by={by}")).await;
                let groups = answer["groups"].as_array().unwrap();
                groups.iter().find(|it| it["key"][by]["code"] == code).unwrap().clone()
            };
            let figures = match row[""].as_str() {
                "A, whole period" => ask(&adviser, "").await["totals"].clone(),
                "A, Frankfurt" => group("site", FRANKFURT).await,
                "A, Wetzlar" => group("site", WETZLAR).await,
                "A, from 1 Apr to 30 Jun 2024" => {
                    ask(&adviser, "&from=2024-04-01&to=2024-06-30").await["totals"].clone()
                }
                "network, whole period" => ask(&coordinator, "").await["totals"].clone(),
                quarter => group("quarter", quarter.strip_prefix("A, ").unwrap()).await,
            };
            assert_row(&row, &figures, &COLUMNS);
        }
        // What the page says below.
        let by_topic = ask(&adviser, "&group_by=topic").await;
        let of = |topic: &str| {
            let groups = by_topic["groups"].as_array().unwrap();
            let found = groups.iter().find(|it| it["key"]["topic"]["code"] == topic);
            found.unwrap()["consultations"].as_i64().unwrap()
        };
        assert!(
            PAGE.contains("A has 2 consultations about the Blue Card and 2 about the fast track")
        );
        assert_eq!((of("blue_card"), of("fast_track")), (2, 2));
        let groups = by_topic["groups"].as_array().unwrap();
        let sum: i64 = groups.iter().map(|it| it["consultations"].as_i64().unwrap()).sum();
        assert!(PAGE.contains("The rows add up to 7, the total is 6."));
        assert_eq!((sum, &by_topic["totals"]["consultations"]), (7, &json!(6)));
        let new = ask(&other, "").await["totals"]["new_organisations"].clone();
        assert!(PAGE.contains("A counts 3 new organisations, B counts 1, the network 3."));
        assert_eq!(new, 1);
    });
}

#[test]
fn the_example_of_events_is_what_the_program_counts() {
    const COLUMNS: [(&str, &str); 6] = [
        ("events", "events"),
        ("participations", "participations"),
        ("of companies", "of_companies"),
        ("of actors", "of_actors"),
        ("unnamed", "unnamed"),
        ("organisations", "organisations"),
    ];
    both(async |app| {
        // After both.
        app.advance(chrono::TimeDelta::days(300));
        let adviser = app.log_in("adviser").await;
        let ids = organisations(&adviser).await;
        let under = format!("/companies/{}/contacts", ids["Hospital"].as_str().unwrap());
        let mut contacts = Vec::new();
        for name in ["Cora Probstadt", "Dirk Probstadt"] {
            contacts.push(adviser.post(&under, &json!({"name": name})).await.expect(201).id());
        }
        let actor = adviser.actor("Musteramt", "job_centre").await["id"].clone();
        let event = async |kind: &str, on: &str, districts: &[String], who: &[Value]| {
            let more = json!({"kind": kind, "starts_on": on, "ends_on": on, "status": "held",
                "district_ids": districts});
            let event = app.event(&adviser, &more).await;
            let event = adviser.post("/events", &event).await.expect(201).id();
            for participation in who {
                let under = format!("/events/{event}/participations");
                adviser.post(&under, participation).await.expect(201);
            }
        };
        let (hospital, bakery) = (&ids["Hospital"], &ids["Bakery"]);
        event(
            "round_table",
            "2026-03-03",
            &[district("06532"), district("06531")],
            &[
                json!({"organisation_id": hospital, "contact_id": contacts[0], "status": "attended"}),
                json!({"organisation_id": hospital, "contact_id": contacts[1], "status": "attended"}),
                json!({"organisation_id": bakery, "headcount": 3, "status": "attended"}),
                json!({"headcount": 12, "status": "walk_in"}),
                json!({"organisation_id": ids["Chamber (actor)"], "headcount": 1,
                    "role": "speaker", "status": "attended"}),
            ],
        )
        .await;
        event(
            "conference",
            "2026-10-09",
            &[],
            &[
                json!({"organisation_id": hospital, "contact_id": contacts[0], "status": "attended"}),
                json!({"organisation_id": actor, "headcount": 20, "status": "attended"}),
            ],
        )
        .await;
        let ask = async |by: &str| {
            let path = format!("/statistics/events?funding_period_id={PERIOD_2026}&group_by={by}");
            adviser.get(&path).await.expect(200).body
        };
        let by_kind = ask("kind").await;
        for row in table("For example, a round table of the Lahn-Dill-Kreis and Gießen") {
            let figures = match row[""].as_str() {
                "whole year" => &by_kind["totals"],
                kind => {
                    let code = kind.replace(' ', "_");
                    let groups = by_kind["groups"].as_array().unwrap();
                    groups.iter().find(|it| it["key"]["kind"]["code"] == *code).unwrap()
                }
            };
            assert_row(&row, figures, &COLUMNS);
        }
        let by_district = ask("district").await;
        let groups = by_district["groups"].as_array().unwrap();
        let sum: i64 = groups.iter().map(|it| it["events"].as_i64().unwrap()).sum();
        assert!(PAGE.contains("3 events by rows, 2 in total"));
        assert_eq!((sum, &by_district["totals"]["events"]), (3, &json!(2)));
    });
}
