//! Every figure of accompaniments and recruitment cases against a count from what the API lists, over the
//! demonstration data, groupings, windows, days and scopes.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use diesel::connection::SimpleConnection;
use lotse_domain::statistics::RULES_VERSION;
use serde_json::{Map, Value, json};

use crate::accompaniment::{act, begun};
use crate::event_statistics::{brings, explained, left_out};
use crate::harness::{
    FRANKFURT, PASSWORD, PERIOD_2023, PERIOD_2026, Session, TestApp, WETZLAR, both, send,
};
use crate::programme_template::short;

fn day(value: &Value) -> Option<NaiveDate> {
    value.as_str()?.parse().ok()
}

/// Accompaniments and cases of the demonstration and what they refer to, without the thousands of the rest.
fn fill(app: &TestApp) {
    app.connect().batch_execute("DELETE FROM user_assignments; DELETE FROM users").unwrap();
    let network = lotse_app::demo::network(&app.app).unwrap();
    let data = lotse_server::demo::make(&network).unwrap();
    let of_programmes = lotse_app::demo::Data {
        users: data.users,
        assignments: data.assignments,
        companies: data.companies,
        accompaniments: data.accompaniments,
        recruitment_cases: data.recruitment_cases,
        ..lotse_app::demo::Data::default()
    };
    lotse_app::demo::fill(&app.app, &of_programmes, PASSWORD, &|_| ()).unwrap();
}

async fn log_in(app: &TestApp, user: &str) -> Session {
    let log_in = json!({"email": format!("{user}@demo.example"), "password": PASSWORD});
    let answer = app.anonymous().post("/auth/login", &log_in).await.expect(200).body;
    app.with_token(answer["access_token"].as_str().unwrap())
}

async fn listed(session: &Session, resource: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = session.get(&format!("/{resource}?limit=200{after}")).await.expect(200).body;
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => after = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// What a manager can list, with the companies by id.
#[derive(Default)]
struct Records {
    runs: Vec<Value>,
    cases: Vec<Value>,
    companies: BTreeMap<String, Value>,
}

async fn records(session: &Session) -> Records {
    let companies = listed(session, "companies").await.into_iter();
    Records {
        runs: listed(session, "accompaniments").await,
        cases: listed(session, "recruitment-cases").await,
        companies: companies.map(|it| (it["id"].as_str().unwrap().to_owned(), it)).collect(),
    }
}

impl Records {
    fn code(&self, record: &Value, on: NaiveDate, dimension: &str) -> Value {
        let company = &self.companies[record["company"]["id"].as_str().unwrap()];
        match dimension {
            "site" | "carrier" => record[dimension]["id"].clone(),
            "template" => {
                let template = &record["template"];
                let code = template["code"].as_str().unwrap();
                json!(format!("{code}:{}", template["version_number"]))
            }
            "size_class" if company["size"].is_null() => json!("unknown"),
            "size_class" => company["size"]["class"].clone(),
            "section" => {
                match (&company["industry"]["classification"], &company["industry"]["section"]) {
                    (Value::String(edition), Value::String(letter)) => {
                        json!(format!("{edition}:{letter}"))
                    }
                    _ => Value::Null,
                }
            }
            "quarter" => json!(format!("{}-Q{}", on.year(), on.month().div_ceil(3))),
            _ => json!(on.year().to_string()),
        }
    }

    /// Whether it meets all conditions of a filter.
    fn meets(&self, record: &Value, on: NaiveDate, filter: &str) -> bool {
        let mut asked: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for word in filter.split(',').filter(|word| !word.is_empty()) {
            let (dimension, code) = word.split_once(':').unwrap();
            let code = if code == "none" { Value::Null } else { json!(code) };
            asked.entry(dimension).or_default().push(code);
        }
        asked.iter().all(|(it, codes)| codes.contains(&self.code(record, on, it)))
    }
}

fn over(run: &Value) -> Option<NaiveDate> {
    day(&run["completed"]["on"]).or_else(|| day(&run["ended"]["on"]))
}

/// Day N of the programme, counted one by one.
fn programme_day(run: &Value, on: NaiveDate) -> usize {
    let paused = |date: &NaiveDate| {
        run["pauses"].as_array().unwrap().iter().any(|pause| {
            day(&pause["from"]).unwrap() <= *date && *date <= day(&pause["until"]).unwrap()
        })
    };
    let start = day(&run["started_on"]).unwrap();
    start.iter_days().take_while(|date| *date <= on).filter(|date| !paused(date)).count()
}

fn mandatory(run: &Value) -> Vec<&Value> {
    let steps = run["steps"].as_array().unwrap().iter();
    steps.filter(|step| step["mandatory"] == true && step["after_end"] != true).collect()
}

fn step<'a>(run: &'a Value, code: &Value) -> &'a Value {
    run["steps"].as_array().unwrap().iter().find(|step| step["code"] == *code).unwrap()
}

/// Whether what the date of a step runs from has happened.
fn happened(run: &Value, of: &Value) -> bool {
    if of["due"]["anchor"] != "step" {
        return true;
    }
    let from = step(run, &of["due"]["step"]);
    !from["done"].is_null() || (!from["waived"].is_null() && happened(run, from))
}

/// Whether its date is no more than a forecast.
fn is_forecast(run: &Value, of: &Value) -> bool {
    if !of["override"].is_null() || happened(run, of) {
        return false;
    }
    let from = step(run, &of["due"]["step"]);
    let goes_along = of["due"]["offset"] == 0
        && from["waived"].is_null()
        && !of["after"].as_array().unwrap().contains(&from["code"]);
    !goes_along || is_forecast(run, from)
}

/// The rules of docs/counting.md on what the API lists.
fn figures(all: &Records, runs: &[&Value], cases: &[&Value], on: NaiveDate) -> Value {
    let count = |of: &dyn Fn(&&&Value) -> bool| runs.iter().filter(of).count();
    let by = |values: &[&str], of: &dyn Fn(&Value) -> Vec<Value>| {
        let found: Vec<Value> = runs.iter().flat_map(|run| of(run)).collect();
        let count = |value: &&str| found.iter().filter(|it| *it == value).count();
        Value::Object(values.iter().map(|it| ((*it).to_owned(), json!(count(it)))).collect())
    };
    let due = |run: &&&Value| -> Vec<(NaiveDate, Option<NaiveDate>)> {
        let dates = mandatory(run).into_iter().filter(|step| step["waived"].is_null());
        let dates = dates.filter(|step| !is_forecast(run, step)).map(|step| {
            let due = day(&step["override"]["on"]).or_else(|| day(&step["planned_on"])).unwrap();
            (due, day(&step["done"]["on"]))
        });
        let asked = |(due, done): &(NaiveDate, Option<NaiveDate>)| {
            *due <= on && (done.is_some() || over(run).is_none_or(|over| *due <= over))
        };
        dates.filter(asked).collect()
    };
    let due: Vec<_> = runs.iter().flat_map(|run| due(&run)).collect();
    let kept = due.iter().filter(|(due, done)| done.is_some_and(|done| done <= *due)).count();
    let percent = (!due.is_empty()).then(|| {
        let share = 100.0 * f64::from(u32::try_from(kept).unwrap());
        let share = share / f64::from(u32::try_from(due.len()).unwrap());
        (share * 10.0).round() / 10.0
    });
    let achievements = ["achieved", "partly", "not_achieved"];
    let goals = by(&achievements, &|run| {
        let goals = run["goals"].as_array().unwrap().iter();
        goals.map(|goal| goal["result"]["achievement"].clone()).collect()
    });
    let hired = |case: &&Value| {
        case["closed"]["outcome"] == "work_started"
            && runs.iter().any(|run| run["id"] == case["accompaniment"]["id"])
    };
    let outcomes = [
        "work_started",
        "refused",
        "candidate_withdrew",
        "company_withdrew",
        "filled_otherwise",
        "other",
    ];
    let mut by_procedure = Map::new();
    for procedure in ["fast_track", "regular"] {
        let of: Vec<_> = cases.iter().filter(|case| case["procedure"] == procedure).collect();
        let mut closed = Map::new();
        for outcome in outcomes {
            let with = of.iter().filter(|case| case["closed"]["outcome"] == outcome).count();
            closed.insert(outcome.to_owned(), json!(with));
        }
        let closed_at_all = of.iter().filter(|case| !case["closed"].is_null()).count();
        by_procedure.insert(
            procedure.to_owned(),
            json!({
                "opened": of.len(), "closed": closed_at_all, "closed_by_outcome": closed
            }),
        );
    }
    let measured: u64 = goals.as_object().unwrap().values().map(|it| it.as_u64().unwrap()).sum();
    json!({
        "started": runs.len(),
        "active": count(&|run| {
            day(&run["started_on"]).unwrap() <= on && over(run).is_none_or(|over| over >= on)
        }),
        "completed": count(&|run| !run["completed"].is_null()),
        "completed_by_outcome": by(&achievements, &|run| vec![run["completed"]["outcome"].clone()]),
        "completed_on_time": count(&|run| {
            // Day 100 or before: the last day is the hundredth that counts.
            day(&run["completed"]["on"]).is_some_and(|on| {
                let days = usize::try_from(run["duration_days"].as_u64().unwrap()).unwrap();
                programme_day(run, on) <= days && day(&run["state"]["planned_end_on"]) >= Some(on)
            })
        }),
        "ended_early": count(&|run| !run["ended"].is_null()),
        "ended_by_reason": by(
            &["vacancy_filled", "no_capacity", "unreachable", "insolvency", "not_eligible",
                "withdrew", "project_end"],
            &|run| vec![run["ended"]["reason"].clone()],
        ),
        "steps_due": due.len(),
        "steps_on_time": kept,
        "on_time_percent": percent,
        "goals_measured": measured,
        "goals_by_achievement": goals,
        "hires": all.cases.iter().filter(hired).count(),
        "phases": phases(runs),
        "cases": by_procedure,
    })
}

/// The phases that any run is through with, by template.
fn phases(runs: &[&Value]) -> Vec<Value> {
    let mut of_template: BTreeMap<(String, i64), Vec<&Value>> = BTreeMap::new();
    for run in runs {
        let code = run["template"]["code"].as_str().unwrap().to_owned();
        let version = run["template"]["version_number"].as_i64().unwrap();
        of_template.entry((code, version)).or_default().push(run);
    }
    of_template.values().flat_map(|runs| phases_of_template(runs)).collect()
}

/// With the middle one of the days that they took.
fn phases_of_template(runs: &[&Value]) -> Vec<Value> {
    let first = runs[0];
    let mut found = Vec::new();
    for (at, phase) in first["phases"].as_array().unwrap().iter().enumerate() {
        let mut days: Vec<usize> = Vec::new();
        for run in runs {
            let of = |number: usize| {
                let code = run["phases"][number]["code"].clone();
                mandatory(run).into_iter().filter(move |step| step["phase"] == code)
            };
            let through = |step: &Value| !step["done"].is_null() || !step["waived"].is_null();
            if !(0..=at).all(|number| of(number).all(through)) {
                continue;
            }
            let last = |number: usize| of(number).filter_map(|step| day(&step["done"]["on"])).max();
            let Some(ended_on) = last(at) else { continue };
            let before = (0..at).filter_map(last).max();
            let reached = before.map_or(0, |on| programme_day(run, on));
            days.push(programme_day(run, ended_on).saturating_sub(reached));
        }
        days.sort_unstable();
        let Some(most) = days.len().checked_sub(1) else { continue };
        let twice = days[most / 2] + days[most.div_ceil(2)];
        found.push(json!({
            "template": first["template"], "code": phase["code"], "label_de": phase["label_de"], "label_en": phase["label_en"],
            "accompaniments": days.len(), "median_days": f64::from(u32::try_from(twice).unwrap()) / 2.0,
        }));
    }
    found
}

/// The same number, however JSON has it.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Number(number) => json!(format!("{:.1}", number.as_f64().unwrap())),
        other => other.clone(),
    }
}

async fn compare(
    session: &Session,
    all: &Records,
    period: &str,
    window: [&str; 2],
    on: &str,
    by: &str,
    filter: &str,
) {
    let [from, to] = window;
    let path = format!(
        "/statistics/programmes?funding_period_id={period}&from={from}&to={to}&on={on}&group_by={by}&filter={filter}"
    );
    let answer = session.get(&path).await.expect(200).body;
    let (from, to): (NaiveDate, NaiveDate) = (from.parse().unwrap(), to.parse().unwrap());
    let on = on.parse().unwrap();
    let inside = |date: Option<NaiveDate>| date.is_some_and(|date| from <= date && date <= to);
    let of_period = |run: &&Value| run["funding_period"]["id"] == period;
    let wanted = |record: &Value, day: Option<NaiveDate>| {
        inside(day) && all.meets(record, day.unwrap(), filter)
    };
    let runs: Vec<&Value> = all.runs.iter().filter(of_period).collect();
    let runs: Vec<&Value> =
        runs.into_iter().filter(|run| wanted(run, day(&run["started_on"]))).collect();
    let cases: Vec<&Value> =
        all.cases.iter().filter(|case| wanted(case, day(&case["opened_on"]))).collect();
    let expected = figures(all, &runs, &cases, on);
    assert_eq!(plain(&answer["totals"]), plain(&expected), "{path}");

    let dimensions: Vec<&str> = by.split(',').filter(|it| !it.is_empty()).collect();
    let mut members: BTreeMap<String, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    let key = |record: &Value, on: Option<NaiveDate>| {
        let codes = dimensions.iter().map(|it| all.code(record, on.unwrap(), it));
        codes.map(|code| code.to_string()).collect::<Vec<_>>().join(" ")
    };
    if !dimensions.is_empty() {
        for run in &runs {
            members.entry(key(run, day(&run["started_on"]))).or_default().0.push(run);
        }
        for case in &cases {
            members.entry(key(case, day(&case["opened_on"]))).or_default().1.push(case);
        }
    }
    let groups = answer["groups"].as_array().unwrap();
    assert_eq!(groups.len(), members.len(), "{path}");
    for group in groups {
        let codes = dimensions.iter().map(|it| group["key"][*it]["code"].to_string());
        let (runs, cases) = &members[&codes.collect::<Vec<_>>().join(" ")];
        let mut found = group.clone();
        found.as_object_mut().unwrap().retain(|name, _| name != "key" && name != "explanation");
        assert_eq!(
            plain(&found),
            plain(&figures(all, runs, cases, on)),
            "{path}: {}",
            group["key"]
        );
    }
}

/// What explains each figure of a group or of all, with the parts that it has, and the figure.
fn explained_figures(of: &Value) -> Vec<(String, Value)> {
    let mut figures: Vec<(String, Value)> = [
        "started",
        "active",
        "completed",
        "completed_on_time",
        "ended_early",
        "steps_due",
        "steps_on_time",
        "goals_measured",
        "hires",
    ]
    .into_iter()
    .map(|figure| (figure.to_owned(), of[figure].clone()))
    .collect();
    for (figure, parts) in [
        ("completed", "completed_by_outcome"),
        ("ended_early", "ended_by_reason"),
        ("goals_measured", "goals_by_achievement"),
    ] {
        for (part, count) in of[parts].as_object().unwrap() {
            figures.push((format!("{figure}&of={part}"), count.clone()));
        }
    }
    for phase in of["phases"].as_array().unwrap() {
        let (code, version) = (&phase["template"]["code"], &phase["template"]["version_number"]);
        let of =
            format!("{}:{version}:{}", code.as_str().unwrap(), phase["code"].as_str().unwrap());
        figures.push((format!("phases&of={of}"), phase["accompaniments"].clone()));
    }
    let (mut opened, mut closed) = (0, 0);
    for (procedure, cases) in of["cases"].as_object().unwrap() {
        opened += cases["opened"].as_i64().unwrap();
        closed += cases["closed"].as_i64().unwrap();
        figures.push((format!("cases_opened&of={procedure}"), cases["opened"].clone()));
        figures.push((format!("cases_closed&of={procedure}"), cases["closed"].clone()));
        for (outcome, count) in cases["closed_by_outcome"].as_object().unwrap() {
            figures.push((format!("cases_closed&of={procedure}:{outcome}"), count.clone()));
        }
    }
    figures.push(("cases_opened".to_owned(), json!(opened)));
    figures.push(("cases_closed".to_owned(), json!(closed)));
    figures
}

/// The records behind each figure bring it, and with those left out they are all of the period.
async fn compare_explanations(session: &Session, all: &Records, question: &str, groups: usize) {
    let path = format!("/statistics/programmes?funding_period_id={PERIOD_2023}{question}");
    let answer = session.get(&path).await.expect(200).body;
    let day_of = |run: &Value| day(&run["started_on"]).or_else(|| day(&run["requested_on"]));
    let of_period = |day: Option<NaiveDate>| {
        let day = day.unwrap().to_string();
        ("2023-01-01".."2026-01-01").contains(&day.as_str())
    };
    let runs = all.runs.iter().filter(|run| of_period(day_of(run))).count();
    let cases = all.cases.iter().filter(|case| of_period(day(&case["opened_on"]))).count();
    for (figure, value) in explained_figures(&answer["totals"]) {
        let (page, items) = explained(session, &answer["explanation"], &figure).await;
        let what = format!("{figure} of {path}");
        brings(&page, &items, &value, &what);
        let there = if figure.starts_with("cases") { cases } else { runs };
        let left_out: i64 = left_out(&page).values().sum();
        let counted = page["records"].as_i64().unwrap();
        assert_eq!(counted + left_out, i64::try_from(there).unwrap(), "{what}");
        if figure.starts_with("steps") && page["records_withheld"] == false {
            let steps: usize = items.iter().map(|it| it["steps"].as_array().unwrap().len()).sum();
            assert_eq!(json!(steps), value, "{what}");
        }
    }
    for group in answer["groups"].as_array().unwrap().iter().take(groups) {
        for (figure, value) in explained_figures(group) {
            let (page, items) = explained(session, &group["explanation"], &figure).await;
            brings(&page, &items, &value, &format!("{figure} of {}", group["key"]));
        }
    }
}

#[test]
fn every_figure_is_explained_by_its_records() {
    both(async |app| {
        fill(&app);
        let manager = log_in(&app, "manager").await;
        let own = records(&manager).await;
        let theirs = records(&log_in(&app, "kassel.manager").await).await;
        let network = Records {
            runs: own.runs.iter().chain(&theirs.runs).cloned().collect(),
            cases: own.cases.iter().chain(&theirs.cases).cloned().collect(),
            companies: own.companies.clone(),
        };
        let coordinator = log_in(&app, "coordinator").await;
        let part = "&from=2024-02-29&to=2024-10-03&on=2024-06-30";
        for by in ["site,year", "template,quarter", "size_class", "section", "carrier"] {
            compare_explanations(&manager, &own, &format!("{part}&group_by={by}"), 2).await;
        }
        compare_explanations(&manager, &own, "&on=2024-11-15&group_by=year", 3).await;
        compare_explanations(&coordinator, &network, &format!("{part}&group_by=site"), 2).await;

        // What was left out can be listed.
        let path = format!("/statistics/programmes/explain?funding_period_id={PERIOD_2023}{part}");
        let outside = format!("{path}&figure=started&left_out=outside_window&total=true&limit=200");
        let page = manager.get(&outside).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        assert_eq!(json!(items.len()), json!(left_out(&page)["outside_window"]));
        let of_days = format!("{path}&figure=phases&of=hundred_days:1:plan&limit=200");
        let page = manager.get(&of_days).await.expect(200).body;
        let mut days: Vec<f64> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["days"].as_f64().unwrap())
            .collect();
        days.sort_by(f64::total_cmp);
        let middle = f64::midpoint(days[(days.len() - 1) / 2], days[days.len() / 2]);
        let figures = format!("/statistics/programmes?funding_period_id={PERIOD_2023}{part}");
        let figures = manager.get(&figures).await.expect(200).body;
        let phases = figures["totals"]["phases"].as_array().unwrap();
        let plan = phases.iter().find(|phase| phase["code"] == "plan").unwrap();
        assert_eq!(plan["median_days"], json!(middle));
        for wrong in ["on_time_percent", "phases", "started&of=achieved", "completed&of=x"] {
            let path = format!("{path}&figure={wrong}");
            manager.get(&path).await.problem(400, "malformed_query");
        }
    });
}

#[test]
fn every_figure_is_what_the_records_say() {
    both(async |app| {
        fill(&app);
        let manager = log_in(&app, "manager").await;
        let own = records(&manager).await;
        let theirs = records(&log_in(&app, "kassel.manager").await).await;
        assert!(own.runs.len() > 30 && !theirs.runs.is_empty());
        let network = Records {
            runs: own.runs.iter().chain(&theirs.runs).cloned().collect(),
            cases: own.cases.iter().chain(&theirs.cases).cloned().collect(),
            companies: own.companies.clone(),
        };
        let coordinator = log_in(&app, "coordinator").await;
        for (session, all) in [(&manager, &own), (&coordinator, &network)] {
            for by in [
                "",
                "site",
                "carrier",
                "template",
                "size_class",
                "section",
                "quarter",
                "year",
                "site,year",
                "section,size_class",
                "template,quarter",
            ] {
                let whole = ["2023-01-01", "2025-12-31"];
                compare(session, all, PERIOD_2023, whole, "2024-11-15", by, "").await;
                let part = ["2024-02-29", "2024-10-03"];
                compare(session, all, PERIOD_2023, part, "2024-06-30", by, "").await;
                let present = ["2026-01-01", "2028-12-31"];
                compare(session, all, PERIOD_2026, present, "2026-10-30", by, "").await;
            }
            let site = format!("site:{FRANKFURT},site:{WETZLAR},size_class:medium");
            for filter in [
                site.as_str(),
                "size_class:micro,size_class:small,year:2024",
                "section:none,quarter:2024-Q2,quarter:2024-Q3",
                "template:hundred_days:1",
                "template:fast_track:2",
                "template:nowhere:1",
                "year:none",
            ] {
                let whole = ["2023-01-01", "2025-12-31"];
                compare(session, all, PERIOD_2023, whole, "2024-11-15", "year,site", filter).await;
            }
        }
        // A carrier sees its own.
        let path = format!("/statistics/programmes?funding_period_id={PERIOD_2023}");
        let answer = manager.get(&path).await.expect(200).body;
        assert_eq!(answer["scope"]["kind"], "carrier");
        assert_eq!(answer["on"], "2025-12-31", "the last day of a window that is over");
        let of_network = coordinator.get(&path).await.expect(200).body;
        assert_eq!(of_network["scope"], json!({"kind": "network", "carrier": null}));
        assert!(of_network["totals"]["started"].as_i64() > answer["totals"]["started"].as_i64());
    });
}

#[test]
fn the_figures_come_as_a_table_and_say_what_adds_up() {
    both(async |app| {
        fill(&app);
        let manager = log_in(&app, "manager").await;
        let path = format!("/statistics/programmes?funding_period_id={PERIOD_2023}&group_by=year");
        let answer = manager.get(&path).await.expect(200).body;
        assert_eq!(answer["additive"]["started"], true);
        assert_eq!(answer["additive"]["phases"], false);
        assert_eq!(answer["rules_version"], RULES_VERSION);
        let request = manager.request(reqwest::Method::GET, &path).header("Accept", "text/csv");
        let csv = send(request).await.expect(200);
        insta::assert_snapshot!("programme_csv", csv.text.replace('\r', ""));

        let day_before = format!("{path}&on=2022-12-31");
        manager.get(&day_before).await.violates("on", "before_start");
        let unknown = path.replace("group_by=year", "group_by=topic");
        manager.get(&unknown).await.problem(400, "malformed_query");
        for wrong in ["topic:language", "site", "site:here", "template:"] {
            manager.get(&format!("{path}&filter={wrong}")).await.problem(400, "malformed_query");
        }
    });
}

#[test]
fn templates_stand_apart_and_a_forecast_is_not_due() {
    both(async |app| {
        let (admin, adviser) = (app.log_in("admin").await, app.log_in("adviser").await);
        let mut two_steps = short("short_programme");
        // As the 100 days call one of theirs.
        two_steps["phases"][0]["code"] = json!("needs_analysis");
        let mut second = two_steps["phases"][0]["steps"][0].clone();
        second["code"] = json!("second");
        let one_day_later = json!({
            "anchor": "step", "step": "kick_off", "offset": 1, "unit": "calendar_days"
        });
        second["due"] = one_day_later;
        two_steps["phases"][0]["steps"].as_array_mut().unwrap().push(second);
        let draft = admin.post("/programme-templates", &two_steps).await.expect(201).body;
        publish(&admin, &draft).await;
        let by_it = json!({"template_id": draft["id"]});
        let run = begun(&adviser, "Kurz GmbH", Some("2026-03-02"), &by_it).await;
        begun(&adviser, "Lang GmbH", Some("2026-03-02"), &json!({})).await;

        let path = format!("/statistics/programmes?funding_period_id={PERIOD_2026}&on=2026-03-13");
        let of_short = async || {
            let filter = format!("{path}&filter=template:short_programme:1");
            adviser.get(&filter).await.expect(200).body
        };
        let figures = of_short().await;
        assert_eq!(figures["totals"]["started"], 1);
        assert_eq!(
            figures["filter"],
            json!([{"dimension": "template", "codes": ["short_programme:1"]}])
        );
        assert_eq!(figures["totals"]["steps_due"], 1, "the second step waits for the first");
        let late = json!({"done_on": "2026-03-04"});
        let run = act(&adviser, &run, "milestones/kick_off/complete", &late).await.expect(200).body;
        assert_eq!(of_short().await["totals"]["steps_due"], 2);
        let done = json!({"done_on": "2026-03-05"});
        act(&adviser, &run, "milestones/second/complete", &done).await.expect(200);

        let by = adviser.get(&format!("{path}&group_by=template")).await.expect(200).body;
        let groups = by["groups"].as_array().unwrap().iter();
        let labels: Vec<_> = groups.map(|group| group["key"]["template"].clone()).collect();
        assert_eq!(labels[0]["code"], "hundred_days:1");
        assert_eq!(
            labels[1],
            json!({
                "code": "short_programme:1", "label": "Short programme, version 1",
                "label_de": "Kurzbegleitung, Version 1"
            })
        );
        let phases = by["totals"]["phases"].as_array().unwrap();
        assert_eq!(phases.len(), 1, "the 100 days are in their first phase: {phases:?}");
        assert_eq!(phases[0]["template"]["code"], "short_programme");
        assert_eq!(phases[0]["median_days"], 4.0);
    });
}

async fn publish(admin: &Session, draft: &Value) {
    let path = format!("/programme-templates/{}/publish", draft["id"].as_str().unwrap());
    admin.post_with(&path, &[("If-Match", "\"1\"")], &json!({})).await.expect(200);
}

/// The first two rows of each sheet, by its name.
fn sheets(xlsx: Vec<u8>) -> Vec<(String, Vec<Vec<calamine::Data>>)> {
    use calamine::{Reader, Xlsx};

    let mut workbook: Xlsx<_> = Xlsx::new(std::io::Cursor::new(xlsx)).unwrap();
    let rows = |name: &String, workbook: &mut Xlsx<_>| {
        let range = workbook.worksheet_range(name).unwrap();
        range.rows().map(<[calamine::Data]>::to_vec).collect()
    };
    let names = workbook.sheet_names();
    names.into_iter().map(|name| (name.clone(), rows(&name, &mut workbook))).collect()
}

#[test]
fn figures_of_programmes_and_events_come_as_files() {
    both(async |app| {
        fill(&app);
        let manager = log_in(&app, "manager").await;
        let file = async |of: &str, query: &str| {
            let path = format!("/statistics/{of}?funding_period_id={PERIOD_2023}&{query}");
            let answer = manager.request(reqwest::Method::GET, &path).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            answer.bytes().await.unwrap().to_vec()
        };
        for (of, sheet) in [("programmes", "3 Begleitungen"), ("events", "3 Veranstaltungen")] {
            let question = "group_by=year&filter=year:2024";
            let xlsx = sheets(file(of, &format!("{question}&format=xlsx")).await);
            let names: Vec<_> = xlsx.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["1 Angaben", "2 Regeln", sheet]);
            let about: Vec<_> = xlsx[0].1.iter().map(|row| row[0].to_string()).collect();
            assert_eq!(
                about[..6],
                [
                    "Angabe",
                    "Förderzeitraum",
                    "Zeitfenster",
                    "Geltungsbereich",
                    "Zählregeln",
                    "Filter"
                ]
            );
            assert_eq!(xlsx[0].1[5][1].to_string(), "year:2024");
            assert_eq!(xlsx[2].1[0][0].to_string(), "Jahr");
            assert!(
                matches!(xlsx[2].1.last().unwrap()[1], calamine::Data::Float(_)),
                "typed: {:?}",
                xlsx[2].1
            );
            let page = file(of, &format!("{question}&format=html&language=en")).await;
            let page = String::from_utf8(page).unwrap();
            assert!(page.contains("<td>1 January 2023 – 31 December 2025</td>"), "{page}");
            let csv = file(of, &format!("{question}&format=csv&form=german&bom=true")).await;
            let csv = String::from_utf8(csv).unwrap();
            assert!(csv.starts_with("\u{feff}year;year_label;"), "{csv}");
        }
        let german = file("programmes", "group_by=year&format=csv&form=german").await;
        let german = String::from_utf8(german).unwrap();
        assert!(german.contains(";71,7;"), "{german}");
        let path = format!("/statistics/events?funding_period_id={PERIOD_2023}");
        let answer = manager.get(&path).await.expect(200);
        let tag = answer.header("etag").to_owned();
        let again = manager.request(reqwest::Method::GET, &path).header("If-None-Match", tag);
        assert_eq!(again.send().await.unwrap().status(), 304);
    });
}
