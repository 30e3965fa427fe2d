//! Every figure against a brute-force count, over random records, groupings, windows and scopes.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveTime};
use lotse_domain::code::Code;
use lotse_domain::consultation::{
    Channel, Consultation, ConsultationStatus, TopicReference, Voided,
};
use lotse_domain::country;
use lotse_domain::entity::Reference;
use lotse_domain::id::{ConsultationId, OrganisationId};
use lotse_domain::occupation::{Occupation, OccupationInput};
use lotse_domain::organisation::{OrganisationKind, OrganisationReference};
use lotse_domain::statistics::{Dimension, Figure};
use lotse_persistence::consultation;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{
    BWHW, FRANKFURT, KASSEL, PERIOD_2023, Session, TestApp, VSB, WETZLAR, backends, both, district,
    run_on,
};
use crate::report::says_what_the_figures_say;

mod oracle;
pub use oracle::Figures;
use oracle::Oracle;

/// An organisation of the test, with what it is grouped by.
#[derive(Clone, Debug)]
struct Organisation {
    id: Uuid,
    kind: OrganisationKind,
    actor_type: Option<&'static str>,
    size_class: Option<&'static str>,
    section: Option<&'static str>,
}

/// A record as chance made it.
#[derive(Clone, Debug)]
struct Draft {
    organisation: Option<usize>,
    site: usize,
    day: u64,
    hour: Option<u32>,
    minutes: i32,
    preparation: Option<i32>,
    channel: usize,
    status: usize,
    topics: Vec<usize>,
    district: Option<usize>,
    countries: Vec<usize>,
    occupations: Vec<usize>,
}

const SITES: [(&str, &str); 3] = [(FRANKFURT, BWHW), (WETZLAR, BWHW), (KASSEL, VSB)];
const TOPICS: [&str; 4] = ["blue_card", "fast_track", "language", "other"];
const DISTRICTS: [&str; 3] = ["06412", "06440", "06611"];
const COUNTRIES: [&str; 3] = ["MA", "XK", "IN"];
/// Two of one main group, so that a record counts once in its row.
const OCCUPATIONS: [&str; 3] = ["26302", "26303", "81"];
const FIRST_DAY: &str = "2023-01-01";
const DAYS: u64 = 1096;

fn draft() -> impl Strategy<Value = Draft> {
    (
        proptest::option::weighted(0.85, 0..7_usize),
        0..3_usize,
        // Few days, so that dates tie; the ends of the period among them.
        prop_oneof![Just(0), Just(DAYS - 1), Just(89), Just(90), 0..DAYS],
        proptest::option::of(8..11_u32),
        (prop_oneof![Just(14), Just(15), 1..120_i32], proptest::option::of(0..90_i32)),
        0..6_usize,
        prop_oneof![8 => Just(0_usize), 1 => 1..4_usize],
        proptest::sample::subsequence(vec![0, 1, 2, 3], 1..=3),
        proptest::option::of(0..3_usize),
        (
            proptest::sample::subsequence(vec![0, 1, 2], 0..=2),
            proptest::sample::subsequence(vec![0, 1, 2], 0..=3),
        ),
    )
        .prop_map(
            |(
                organisation,
                site,
                day,
                hour,
                (minutes, preparation),
                channel,
                status,
                topics,
                district,
                (countries, occupations),
            )| Draft {
                organisation,
                site,
                day,
                hour,
                minutes,
                preparation,
                channel,
                status,
                topics,
                district,
                countries,
                occupations,
            },
        )
}

fn date_of(draft: &Draft) -> NaiveDate {
    FIRST_DAY.parse::<NaiveDate>().unwrap() + Days::new(draft.day)
}

const STATUSES: [ConsultationStatus; 4] = [
    ConsultationStatus::Held,
    ConsultationStatus::Cancelled,
    ConsultationStatus::NoShow,
    ConsultationStatus::Voided,
];

async fn organisations(session: &Session) -> Vec<Organisation> {
    let company = |size: Value, industry: Value| json!({"size": size, "industry": industry});
    let wz = |edition: &str, code: &str| json!({"classification": edition, "code": code});
    let mut made = Vec::new();
    for (name, more, size_class, section) in [
        ("A", company(json!({"staff": 5}), wz("wz2008", "64")), "micro", Some("wz2008:K")),
        ("B", company(json!({"staff": 20}), wz("wz2025", "62")), "small", Some("wz2025:K")),
        ("C", company(json!({"staff": 20}), json!(null)), "small", None),
        ("D", company(json!({"staff": 900}), wz("wz2008", "25")), "large", Some("wz2008:C")),
        ("E", company(json!(null), wz("wz2008", "25")), "unknown", Some("wz2008:C")),
    ] {
        let new = session.company(name, &more).await;
        made.push(Organisation {
            id: new["id"].as_str().unwrap().parse().unwrap(),
            kind: OrganisationKind::Company,
            actor_type: None,
            size_class: Some(size_class),
            section,
        });
    }
    for (name, actor_type) in [("F", "job_centre"), ("G", "university")] {
        let new = session.actor(name, actor_type).await;
        made.push(Organisation {
            id: new["id"].as_str().unwrap().parse().unwrap(),
            kind: OrganisationKind::Actor,
            actor_type: Some(actor_type),
            size_class: None,
            section: None,
        });
    }
    made
}

/// Writes the records past the API: the rules of entry are not what is tested here.
fn write(app: &TestApp, user: Uuid, organisations: &[Organisation], drafts: &[Draft]) -> Vec<Uuid> {
    let mut conn = app.connect();
    let now = app.clock.now();
    let reference = |id: &str| Reference { id: id.parse().unwrap(), name: String::new() };
    drafts
        .iter()
        .map(|draft| {
            let (site, carrier) = SITES[draft.site];
            let status = STATUSES[draft.status];
            let by = Reference { id: user, name: String::new() };
            let new = Consultation {
                id: app.app.new_id::<ConsultationId>(),
                organisation: draft.organisation.map(|index| OrganisationReference {
                    id: OrganisationId(organisations[index].id),
                    name: String::new(),
                    kind: organisations[index].kind,
                }),
                establishment: None,
                carrier: reference(carrier),
                site: reference(site),
                funding_period: reference(PERIOD_2023),
                district: draft.district.map(|index| reference(&district(DISTRICTS[index]))),
                held_on: date_of(draft),
                starts_at: draft.hour.and_then(|hour| NaiveTime::from_hms_opt(hour, 0, 0)),
                minutes: draft.minutes,
                preparation_minutes: draft.preparation,
                channel: Channel::all()[draft.channel],
                status,
                kind: None,
                advisers: vec![by.clone()],
                topics: draft
                    .topics
                    .iter()
                    .map(|topic| TopicReference {
                        code: TOPICS[*topic].to_owned(),
                        label_de: String::new(),
                        label_en: String::new(),
                    })
                    .collect(),
                contacts: Vec::new(),
                occupations: draft
                    .occupations
                    .iter()
                    .map(|index| {
                        let code = OCCUPATIONS[*index].to_owned();
                        let input = OccupationInput { code, skill_level: None, workers: Some(1) };
                        Occupation::new(&input).unwrap()
                    })
                    .collect(),
                apprentices: None,
                countries: draft
                    .countries
                    .iter()
                    .map(|index| country::find(COUNTRIES[*index]).unwrap().clone())
                    .collect(),
                notes: None,
                note_warnings: Vec::new(),
                outcome: None,
                anonymous: None,
                event: None,
                accompaniment: None,
                recruitment_case: None,
                voided: (status == ConsultationStatus::Voided).then(|| Voided {
                    at: now,
                    by: by.clone(),
                    reason: "x".to_owned(),
                }),
                touches: Vec::new(),
                recorded_by: by,
                version: 1,
                created_at: now,
                updated_at: now,
            };
            consultation::insert(&mut conn, &new).unwrap();
            new.id.0
        })
        .collect()
}

fn clear(app: &TestApp) {
    use diesel::connection::SimpleConnection;
    app.connect()
        .batch_execute(
            "DELETE FROM last_contacts; DELETE FROM consultation_advisers; \
             DELETE FROM consultation_topics; DELETE FROM consultations",
        )
        .unwrap();
}

/// The count of an explanation equals the figure, and what was left out is the rest.
async fn compare_explanations(session: &Session, oracle: &Oracle<'_>, dimensions: &[Dimension]) {
    let (from, to) = ("2023-02-01", "2025-11-30");
    let window: (NaiveDate, NaiveDate) = (from.parse().unwrap(), to.parse().unwrap());
    let group_by = dimensions.iter().map(|d| d.code()).collect::<Vec<_>>().join(",");
    let path = format!(
        "/statistics?funding_period_id={PERIOD_2023}&group_by={group_by}&from={from}&to={to}"
    );
    let answer = session.get(&path).await.expect(200).body;
    let explained = async |link: &Value, figure: Figure| {
        let link = link.as_str().unwrap().trim_start_matches("/api/v1");
        let link =
            link.replace("{&figure}", &format!("&figure={}&total=true&limit=200", figure.code()));
        session.get(&link).await.expect(200).body
    };
    for figure in Figure::all() {
        let whole = explained(&answer["explanation"], figure).await;
        assert_eq!(whole["value"], answer["totals"][figure.code()], "{figure:?}");
        let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
        for (id, draft) in oracle.records.iter().chain(&oracle.others) {
            let in_window = (window.0..=window.1).contains(&date_of(draft));
            if let Some(reason) = oracle.reason(*id, draft, figure, in_window) {
                *expected.entry(reason).or_default() += 1;
            }
        }
        let left_out: BTreeMap<&str, i64> = whole["left_out"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|reason| reason["reason"] != "other_carriers")
            .map(|reason| (reason["reason"].as_str().unwrap(), reason["count"].as_i64().unwrap()))
            .collect();
        assert_eq!(left_out, expected, "{figure:?}");

        for group in answer["groups"].as_array().unwrap().iter().take(3) {
            let explained = explained(&group["explanation"], figure).await;
            assert_eq!(explained["value"], group[figure.code()], "{figure:?} of {group}");
            let items = explained["items"].as_array().unwrap();
            if explained["records_withheld"] == false {
                let sum: i64 = items.iter().map(|item| item["value"].as_i64().unwrap()).sum();
                assert_eq!(json!(sum), group[figure.code()], "{figure:?} of {group}");
                assert_eq!(json!(items.len()), explained["records"]);
            } else {
                assert!(items.is_empty());
            }
        }
    }
    // A group is what a filter by its values leaves.
    for group in answer["groups"].as_array().unwrap().iter().take(3) {
        let words = dimensions.iter().map(|dimension| {
            let code = &group["key"][dimension.code()]["code"];
            format!("{}:{}", dimension.code(), code.as_str().unwrap_or("none"))
        });
        let filter = words.collect::<Vec<_>>().join(",");
        let path = format!(
            "/statistics?funding_period_id={PERIOD_2023}&from={from}&to={to}&filter={filter}"
        );
        let filtered = session.get(&path).await.expect(200).body;
        for figure in Figure::all() {
            assert_eq!(filtered["totals"][figure.code()], group[figure.code()], "{path}");
        }
    }
}

/// The cells and totals of a pivot are the groups of both dimensions and of each.
async fn compare_pivot(session: &Session, dimensions: &[Dimension]) {
    let [rows, columns] = [dimensions[0].code(), dimensions[1].code()];
    let asked = format!("funding_period_id={PERIOD_2023}&from=2023-02-01&to=2025-11-30");
    let groups = async |by: &str| {
        let path = format!("/statistics?{asked}&group_by={by}");
        session.get(&path).await.expect(200).body
    };
    let both = groups(&format!("{rows},{columns}")).await;
    let (by_row, by_column) = (groups(rows).await, groups(columns).await);
    for figure in Figure::all() {
        let figure = figure.code();
        let path =
            format!("/statistics/pivot?{asked}&rows={rows}&columns={columns}&figure={figure}");
        let pivot = session.get(&path).await.expect(200).body;
        assert_eq!(pivot["total"], both["totals"][figure], "{path}");
        for (of, dimension, lines) in [(&by_row, rows, "rows"), (&by_column, columns, "columns")] {
            let expected: Vec<_> = of["groups"].as_array().unwrap().iter().collect();
            let found = pivot[lines].as_array().unwrap();
            assert_eq!(found.len(), expected.len(), "{path}");
            for (found, group) in found.iter().zip(expected) {
                assert_eq!(found["value"], group["key"][dimension], "{path}");
                assert_eq!(found["total"], group[figure], "{path}");
            }
            assert_eq!(pivot[format!("{lines}_add_up")], of["additive"][figure], "{path}");
        }
        let mut cells = BTreeMap::new();
        for group in both["groups"].as_array().unwrap() {
            let code = |dimension: &str| group["key"][dimension]["code"].to_string();
            cells.insert((code(rows), code(columns)), group[figure].clone());
        }
        for row in pivot["rows"].as_array().unwrap() {
            let of_row = row["cells"].as_array().unwrap();
            for (cell, column) in of_row.iter().zip(pivot["columns"].as_array().unwrap()) {
                let place = (row["value"]["code"].to_string(), column["value"]["code"].to_string());
                assert_eq!(cell, cells.get(&place).unwrap_or(&json!(0)), "{path}: {place:?}");
            }
        }
    }
}

/// The indicators of consultations that ship with the program.
async fn compare_indicators(
    session: &Session,
    oracle: &Oracle<'_>,
    (from, to): (NaiveDate, NaiveDate),
) {
    let path = format!("/indicators/values?funding_period_id={PERIOD_2023}&from={from}&to={to}");
    let answer = session.get(&path).await.expect(200).body;
    let records = oracle.in_window(from, to);
    let whole = oracle.figures(&records);
    // Each with what it was at its first.
    let advised: BTreeMap<usize, &Organisation> = records
        .iter()
        .filter(|(_, draft)| !Oracle::is_short(draft))
        .filter_map(|(_, draft)| Some((oracle.who_of(draft)?, oracle.at_first(draft)?)))
        .collect();
    let count = |wanted: &dyn Fn(&Organisation) -> bool| {
        i64::try_from(advised.values().filter(|it| wanted(it)).count()).unwrap()
    };
    let of_class =
        |classes: &[&str]| count(&|it| it.size_class.is_some_and(|it| classes.contains(&it)));
    for (code, expected) in [
        ("consultations", whole["consultations"]),
        ("organisations_advised", whole["organisations"]),
        ("companies_advised", whole["companies"]),
        ("eeco18", count(&|it| it.actor_type == Some("job_centre"))),
        ("eeco19", of_class(&["micro", "small", "medium"])),
        ("large_companies", of_class(&["large"])),
        ("companies_without_class", of_class(&["unknown"])),
    ] {
        let values = answer["values"].as_array().unwrap();
        let value = values.iter().find(|value| value["indicator"]["code"] == code);
        assert_eq!(value.unwrap()["value"], expected, "{code}");
    }
}

pub fn figures_of(value: &Value, names: &Figures) -> Figures {
    names.keys().map(|name| (*name, value[name].as_i64().unwrap())).collect()
}

/// The groups of an answer are those that were counted, each once, and what is said to add up does.
pub fn answers_groups(
    answer: &Value,
    group_by: &[&str],
    totals: &Figures,
    expected: &BTreeMap<Vec<Option<String>>, Figures>,
    path: &str,
) {
    let mut found = BTreeMap::new();
    for group in answer["groups"].as_array().unwrap() {
        let key: Vec<Option<String>> = group_by
            .iter()
            .map(|dimension| group["key"][dimension]["code"].as_str().map(str::to_owned))
            .collect();
        assert!(found.insert(key, figures_of(group, totals)).is_none(), "a group twice: {path}");
    }
    assert_eq!(&found, expected, "groups of {path}");
    for (column, additive) in answer["additive"].as_object().unwrap() {
        if additive == &json!(true) {
            let sum: i64 = found.values().map(|figures| figures[column.as_str()]).sum();
            assert_eq!(sum, totals[column.as_str()], "{column} of {path}");
        }
    }
}

async fn compare(
    session: &Session,
    oracle: &Oracle<'_>,
    dimensions: &[Dimension],
    window: Option<(NaiveDate, NaiveDate)>,
) {
    let (from, to) =
        window.unwrap_or_else(|| (FIRST_DAY.parse().unwrap(), "2025-12-31".parse().unwrap()));
    let codes: Vec<&str> = dimensions.iter().map(|d| d.code()).collect();
    let group_by = codes.join(",");
    let mut path = format!("/statistics?funding_period_id={PERIOD_2023}&group_by={group_by}");
    if window.is_some() {
        path = format!("{path}&from={from}&to={to}");
    }
    let answer = session.get(&path).await.expect(200).body;
    let totals = oracle.figures(&oracle.in_window(from, to));
    assert_eq!(figures_of(&answer["totals"], &totals), totals, "totals of {path}");
    if dimensions.is_empty() {
        assert_eq!(answer["groups"], json!([]));
        return;
    }
    let expected = oracle.groups(dimensions, from, to);
    answers_groups(&answer, &codes, &totals, &expected, &path);
}

async fn merge(session: &Session, survivor: &Organisation, other: &Organisation) -> Value {
    let record = async |of: &Organisation| {
        let list = if of.kind == OrganisationKind::Company { "companies" } else { "actors" };
        session.get(&format!("/{list}/{}", of.id)).await.expect(200).body
    };
    let (survivor, other) = (record(survivor).await, record(other).await);
    crate::merge::merged(session, &survivor, &other, &json!({})).await
}

#[test]
fn every_figure_equals_a_brute_force_count() {
    for backend in backends() {
        run_on(backend, async |app| {
            let adviser = app.log_in("adviser").await;
            let user: Uuid = adviser.id().await.parse().unwrap();
            let sessions = [
                (app.log_in("manager").await, Some(BWHW)),
                (app.log_in("other.manager").await, Some(VSB)),
                (app.log_in("coordinator").await, None),
            ];
            let organisations = organisations(&adviser).await;
            let mut runner = TestRunner::new(Config { cases: 12, ..Config::default() });
            let strategy = (
                // Companies whose classes are known, so that a merge fills none in, and two actors.
                proptest::sample::subsequence(vec![(3, 0), (6, 5)], 0..=2),
                proptest::collection::vec(draft(), 0..50),
                proptest::sample::subsequence(Dimension::all(), 2),
                proptest::sample::subsequence(Dimension::all(), 3),
                (0..DAYS, 0..DAYS),
            );
            // Cases are drawn one by one: the runner's own loop is not asynchronous.
            for _ in 0..12 {
                let (merging, drafts, pair, three, (a, b)) =
                    strategy.new_tree(&mut runner).unwrap().current();
                clear(&app);
                let ids = write(&app, user, &organisations, &drafts);
                let merged: BTreeMap<usize, usize> = merging.into_iter().collect();
                let mut merges = Vec::new();
                for (other, survivor) in &merged {
                    let (other, survivor) = (&organisations[*other], &organisations[*survivor]);
                    merges.push(merge(&sessions[0].0, survivor, other).await);
                }
                let start: NaiveDate = FIRST_DAY.parse().unwrap();
                let window = (start + Days::new(a.min(b)), start + Days::new(a.max(b)));
                for (session, carrier) in &sessions {
                    let (records, others) = ids
                        .iter()
                        .copied()
                        .zip(&drafts)
                        .filter(|(_, draft)| carrier.is_none_or(|c| SITES[draft.site].1 == c))
                        .partition(|(_, draft)| draft.status == 0);
                    let organisations = &organisations;
                    let oracle = Oracle { organisations, merged: &merged, others, records };
                    compare(session, &oracle, &[], Some(window)).await;
                    compare(session, &oracle, &pair, Some(window)).await;
                    let reversed: Vec<_> = pair.iter().rev().copied().collect();
                    compare(session, &oracle, &reversed, None).await;
                    compare(session, &oracle, &three, Some(window)).await;
                    compare_explanations(session, &oracle, &pair).await;
                    compare_pivot(session, &pair).await;
                    compare_indicators(session, &oracle, window).await;
                    let (from, to) = (window.0.to_string(), window.1.to_string());
                    says_what_the_figures_say(session, PERIOD_2023, &from, &to).await;
                    for dimension in Dimension::all() {
                        compare(session, &oracle, &[dimension], None).await;
                    }
                }
                for merge in &merges {
                    crate::merge::undo(&sessions[0].0, merge).await.expect(200);
                }
            }
        });
    }
}

#[test]
fn the_same_figures_as_csv() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let organisations = organisations(&adviser).await;
        let drafts = [Draft {
            organisation: Some(0),
            site: 0,
            day: 40,
            hour: None,
            minutes: 30,
            preparation: Some(20),
            channel: 2,
            status: 0,
            topics: vec![0],
            district: None,
            countries: vec![0],
            occupations: vec![0, 1],
        }];
        write(&app, adviser.id().await.parse().unwrap(), &organisations, &drafts);
        let csv = async |group_by: &str| {
            let path = format!("/statistics?funding_period_id={PERIOD_2023}&group_by={group_by}");
            let request = adviser.request(reqwest::Method::GET, &path).header("Accept", "text/csv");
            let response = request.send().await.unwrap();
            assert_eq!(
                response.headers()["content-type"],
                "text/csv; charset=utf-8; header=present"
            );
            response.text().await.unwrap()
        };
        insta::assert_snapshot!("csv_grouped", csv("district,site").await);
        insta::assert_snapshot!("csv_totals", csv("").await);
        let pivot = format!(
            "/statistics/pivot?funding_period_id={PERIOD_2023}&rows=site&columns=year&figure=minutes"
        );
        let request =
            adviser.request(reqwest::Method::GET, &format!("{pivot}&format=csv&form=german"));
        let text = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(
            text,
            format!(
                "site;site_label;2023;total\r\n{FRANKFURT};Frankfurt am Main;30;30\r\n;gesamt;30;30\r\n"
            )
        );
        let page = adviser.request(reqwest::Method::GET, &format!("{pivot}&format=html"));
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("<th>Standort</th><th>2023</th><th>gesamt</th>"), "{page}");
        let twice = pivot.replace("columns=year", "columns=site");
        adviser.get(&twice).await.problem(400, "malformed_query");
    });
}
