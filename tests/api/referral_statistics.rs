//! Every figure of referrals against a count from what the API lists, over random referrals, groupings, windows
//! and scopes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};
use lotse_domain::code::Code;
use lotse_domain::referral_statistics::{ReferralDimension, ReferralFigure};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::event_statistics::{brings, explained, left_out};
use crate::harness::{
    FRANKFURT, PERIOD_2023, PERIOD_2026, Session, TestApp, WETZLAR, backends, both, run_on,
};
use crate::referral::create;

const FIRST_DAY: &str = "2023-01-01";
const DAYS: u64 = 1096;

/// A referral as chance made it.
#[derive(Clone, Debug)]
struct Draft {
    theirs: bool,
    /// Of a consultation, else of an organisation.
    consultation: Option<usize>,
    organisation: usize,
    actor: usize,
    day: u64,
    answer: Option<bool>,
    /// Left as it is, closed, withdrawn.
    fate: usize,
}

fn draft() -> impl Strategy<Value = Draft> {
    (
        proptest::bool::weighted(0.3),
        proptest::option::weighted(0.6, 0..4_usize),
        0..4_usize,
        0..3_usize,
        // Few days, the ends of the period and of a quarter among them.
        prop_oneof![Just(0), Just(DAYS - 1), Just(89), Just(90), 0..DAYS],
        proptest::option::of(any::<bool>()),
        prop_oneof![3 => Just(0_usize), 2 => Just(1_usize), 1 => Just(2_usize)],
    )
        .prop_map(|(theirs, consultation, organisation, actor, day, answer, fate)| Draft {
            theirs,
            consultation: consultation.filter(|_| !theirs),
            organisation,
            actor,
            day,
            answer,
            fate,
        })
}

/// What is referred, and to whom.
struct Register {
    /// Companies, and an actor last.
    organisations: Vec<Value>,
    actors: Vec<Value>,
    /// Id and site of consultations with the organisations.
    consultations: Vec<(String, &'static str)>,
}

async fn register(app: &TestApp, adviser: &Session) -> Register {
    let mut organisations = Vec::new();
    for name in ["A GmbH", "B GmbH", "C GmbH"] {
        organisations.push(adviser.company(name, &json!({})).await);
    }
    organisations.push(adviser.actor("D", "chamber_crafts").await);
    let mut actors = Vec::new();
    for (name, kind) in [("X", "job_centre"), ("Y", "job_centre"), ("Z", "recognition_body")] {
        actors.push(adviser.actor(name, kind).await);
    }
    let mut consultations = Vec::new();
    for (organisation, site) in organisations.iter().zip([FRANKFURT, WETZLAR, WETZLAR, FRANKFURT]) {
        let more = json!({
            "organisation_id": organisation["id"], "held_on": "2023-01-01", "site_id": site
        });
        let input = app.consultation(adviser, &more).await;
        consultations.push((adviser.post("/consultations", &input).await.expect(201).id(), site));
    }
    Register { organisations, actors, consultations }
}

async fn record(session: &Session, register: &Register, draft: &Draft) {
    let day = FIRST_DAY.parse::<NaiveDate>().unwrap() + Days::new(draft.day);
    let about = match draft.consultation {
        Some(index) => ("consultation_id", json!(register.consultations[index].0)),
        None => ("organisation_id", register.organisations[draft.organisation]["id"].clone()),
    };
    let mut input = json!({
        "actor_id": register.actors[draft.actor]["id"], "referred_on": day, "consent_on": day
    });
    input[about.0] = about.1;
    let mut referral = create(session, &input).await;
    let act = async |referral: &Value, what: &str, body: &Value| {
        let version = format!("\"{}\"", referral["version"]);
        let path = format!("/referrals/{}/{what}", referral["id"].as_str().unwrap());
        session.post_with(&path, &[("If-Match", &version)], body).await.expect(200).body
    };
    if let Some(accepted) = draft.answer {
        let answer = if accepted { "accepted" } else { "declined" };
        referral = act(&referral, "answer", &json!({"answer": answer})).await;
    }
    match draft.fate {
        1 => drop(act(&referral, "close", &json!({"result": "Termin vermittelt"})).await),
        2 => drop(act(&referral, "withdraw", &json!({"reason": "Doppelt"})).await),
        _ => {}
    }
}

async fn listed(session: &Session) -> Vec<Value> {
    session.get("/referrals?limit=200").await.expect(200).items().clone()
}

fn day_of(referral: &Value) -> NaiveDate {
    referral["referred_on"].as_str().unwrap().parse().unwrap()
}

fn answer(referral: &Value) -> &str {
    match (referral["answered"]["answer"].as_str(), referral["closed"].is_null()) {
        (Some(answer), _) => answer,
        (None, false) => "closed_unanswered",
        (None, true) => "open",
    }
}

fn code(register: &Register, dimension: ReferralDimension, referral: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let day = day_of(referral);
    match dimension {
        ReferralDimension::Site => {
            let id = referral["consultation"]["id"].as_str()?;
            let of = register.consultations.iter().find(|(known, _)| known == id);
            Some(of.unwrap().1.to_owned())
        }
        ReferralDimension::Carrier => text(&referral["carrier"]["id"]),
        ReferralDimension::Actor => text(&referral["actor"]["id"]),
        ReferralDimension::ActorType => {
            let actor = register.actors.iter().find(|it| it["id"] == referral["actor"]["id"]);
            text(&actor.unwrap()["actor_type"])
        }
        ReferralDimension::OrganisationKind => text(&referral["organisation"]["kind"]),
        ReferralDimension::Answer => Some(answer(referral).to_owned()),
        ReferralDimension::Month => Some(format!("{}-{:02}", day.year(), day.month())),
        ReferralDimension::Quarter => Some(format!("{}-Q{}", day.year(), day.quarter())),
        ReferralDimension::Year => Some(day.year().to_string()),
    }
}

type Figures = BTreeMap<&'static str, i64>;

/// The rules of docs/counting.md on what the API lists.
fn figures(referrals: &[&Value]) -> Figures {
    let count = |of: &dyn Fn(&Value) -> bool| {
        i64::try_from(referrals.iter().filter(|it| of(it)).count()).unwrap()
    };
    let distinct = |kind: Option<&str>| {
        let of = referrals.iter().map(|it| &it["organisation"]);
        let of = of.filter(|it| kind.is_none_or(|kind| it["kind"] == kind));
        let ids: BTreeSet<_> = of.map(|it| it["id"].as_str().unwrap()).collect();
        i64::try_from(ids.len()).unwrap()
    };
    BTreeMap::from([
        ("made", count(&|_| true)),
        ("open", count(&|it| answer(it) == "open")),
        ("accepted", count(&|it| answer(it) == "accepted")),
        ("declined", count(&|it| answer(it) == "declined")),
        ("closed_unanswered", count(&|it| answer(it) == "closed_unanswered")),
        ("closed", count(&|it| !it["closed"].is_null())),
        ("organisations", distinct(None)),
        ("companies", distinct(Some("company"))),
        ("actors", distinct(Some("actor"))),
    ])
}

fn of_json(value: &Value) -> Figures {
    let name = |figure: ReferralFigure| (figure.code(), value[figure.code()].as_i64().unwrap());
    ReferralFigure::all().into_iter().map(name).collect()
}

async fn compare(
    session: &Session,
    register: &Register,
    all: &[Value],
    dimensions: &[ReferralDimension],
    (from, to): (NaiveDate, NaiveDate),
) {
    let group_by = dimensions.iter().map(|d| d.code()).collect::<Vec<_>>().join(",");
    let path = format!(
        "/statistics/referrals?funding_period_id={PERIOD_2023}&group_by={group_by}&from={from}&to={to}"
    );
    let answer = session.get(&path).await.expect(200).body;
    let counted: Vec<&Value> = all
        .iter()
        .filter(|it| it["withdrawn"].is_null() && (from..=to).contains(&day_of(it)))
        .collect();
    let totals = figures(&counted);
    assert_eq!(of_json(&answer["totals"]), totals, "totals of {path}");
    let mut members: BTreeMap<Vec<Option<String>>, Vec<&Value>> = BTreeMap::new();
    for referral in &counted {
        let key = dimensions.iter().map(|it| code(register, *it, referral)).collect();
        members.entry(key).or_default().push(referral);
    }
    if dimensions.is_empty() {
        members.clear();
    }
    let expected: BTreeMap<_, _> =
        members.into_iter().map(|(key, referrals)| (key, figures(&referrals))).collect();
    let groups = answer["groups"].as_array().unwrap();
    let key = |group: &Value| -> Vec<Option<String>> {
        let codes = dimensions.iter().map(|d| group["key"][d.code()]["code"].as_str());
        codes.map(|code| code.map(str::to_owned)).collect()
    };
    let found: BTreeMap<_, _> = groups.iter().map(|it| (key(it), of_json(it))).collect();
    assert_eq!(found, expected, "groups of {path}");
    assert_eq!(found.len(), groups.len(), "a group twice: {path}");
    if !dimensions.is_empty() {
        for (column, additive) in answer["additive"].as_object().unwrap() {
            if additive == &json!(true) {
                let sum: i64 = found.values().map(|figures| figures[column.as_str()]).sum();
                assert_eq!(sum, totals[column.as_str()], "{column} over {group_by}");
            }
        }
    }
    // The records behind each figure bring it, and with those left out they are all.
    for figure in ReferralFigure::all() {
        let distinct = figure.is_distinct();
        let figure = figure.code();
        let (page, items) = explained(session, &answer["explanation"], figure).await;
        brings(&page, &items, &answer["totals"][figure], &format!("{figure} of {path}"));
        let left_out = left_out(&page);
        if !distinct {
            let there = left_out.values().sum::<i64>() + totals[figure];
            assert_eq!(there, i64::try_from(all.len()).unwrap(), "{figure} of {path}");
        }
        let withdrawn = all.iter().filter(|it| !it["withdrawn"].is_null()).count();
        let told = left_out.get("withdrawn").copied().unwrap_or_default();
        assert_eq!(told, i64::try_from(withdrawn).unwrap());
        for group in groups.iter().take(2) {
            let (page, items) = explained(session, &group["explanation"], figure).await;
            brings(&page, &items, &group[figure], &format!("{figure} of {group}"));
        }
    }
    for group in groups.iter().take(2) {
        let words = dimensions.iter().map(|dimension| {
            let code = &group["key"][dimension.code()]["code"];
            format!("{}:{}", dimension.code(), code.as_str().unwrap_or("none"))
        });
        let filter = words.collect::<Vec<_>>().join(",");
        let filtered = session.get(&format!("{path}&filter={filter}")).await.expect(200).body;
        assert_eq!(of_json(&filtered["totals"]), of_json(group), "{path}&filter={filter}");
    }
}

#[test]
fn every_figure_equals_a_count_of_what_is_listed() {
    for backend in backends() {
        run_on(backend, async |app| {
            let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
            let coordinator = app.log_in("coordinator").await;
            let register = register(&app, &adviser).await;
            let mut runner = TestRunner::new(Config::default());
            let strategy = (
                proptest::collection::vec(draft(), 12..20),
                proptest::sample::subsequence(ReferralDimension::all(), 2),
                (0..DAYS, 0..DAYS),
            );
            for _ in 0..2 {
                let (drafts, pair, (a, b)) = strategy.new_tree(&mut runner).unwrap().current();
                for draft in &drafts {
                    let session = if draft.theirs { &other } else { &adviser };
                    record(session, &register, draft).await;
                }
                let (ours, theirs) = (listed(&adviser).await, listed(&other).await);
                let network: Vec<_> = ours.iter().chain(&theirs).cloned().collect();
                let start: NaiveDate = FIRST_DAY.parse().unwrap();
                let whole = (start, start + Days::new(DAYS - 1));
                let window = (start + Days::new(a.min(b)), start + Days::new(a.max(b)));
                for (session, all) in
                    [(&adviser, &ours), (&other, &theirs), (&coordinator, &network)]
                {
                    compare(session, &register, all, &[], window).await;
                    compare(session, &register, all, &pair, window).await;
                    for dimension in ReferralDimension::all() {
                        compare(session, &register, all, &[dimension], whole).await;
                    }
                }
            }
        });
    }
}

#[test]
fn figures_of_referrals_come_as_tables_and_refuse_what_makes_no_sense() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let register = register(&app, &adviser).await;
        let draft = Draft {
            theirs: false,
            consultation: Some(1),
            organisation: 0,
            actor: 0,
            day: 40,
            answer: Some(true),
            fate: 0,
        };
        record(&adviser, &register, &draft).await;
        let path = format!("/statistics/referrals?funding_period_id={PERIOD_2023}");
        let csv = adviser
            .request(reqwest::Method::GET, &format!("{path}&group_by=actor_type&format=csv"))
            .send()
            .await
            .unwrap();
        assert_eq!(
            csv.text().await.unwrap(),
            "actor_type,actor_type_label,made,open,accepted,declined,closed_unanswered,closed,\
             organisations,companies,actors\r\n\
             job_centre,Jobcenter,1,0,1,0,0,0,1,1,0\r\n"
        );
        let page = adviser
            .request(reqwest::Method::GET, &format!("{path}&format=html&language=de"))
            .send()
            .await
            .unwrap();
        assert!(page.text().await.unwrap().contains("<h2>Verweisungen</h2>"));
        admin.get(&path).await.problem(403, "forbidden");
        for wrong in ["group_by=topic", "filter=site:here", "filter=made:1", "colour=red"] {
            adviser.get(&format!("{path}&{wrong}")).await.problem(400, "malformed_query");
        }
        adviser.get(&format!("{path}&from=2022-12-31")).await.violates("from", "outside_period");
        let later = path.replace(PERIOD_2023, PERIOD_2026);
        assert_eq!(adviser.get(&later).await.expect(200).body["totals"]["made"], 0);
    });
}
