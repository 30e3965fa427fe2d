//! Recruitment cases: opening, steps and their deadlines, closing, and who may.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Answer, FRANKFURT, KASSEL, PERIOD_2023, Session, VSB, body, both, redacted};
use crate::hostile::NOWHERE;

/// The checklists that ship with the program.
const FAST_TRACK: &str = "01890000-0000-7000-8000-000000000604";
const REGULAR: &str = "01890000-0000-7000-8000-000000000605";
const HUNDRED_DAYS: &str = "01890000-0000-7000-8000-000000000601";

/// An input that is in order, of a new company, with whatever else is given.
pub async fn input(session: &Session, more: &Value) -> Value {
    let company = session.company("Elektro Muster GmbH", &json!({})).await;
    let site =
        if session.get("/me").await.body["carrier"]["id"] == VSB { KASSEL } else { FRANKFURT };
    let input = json!({
        "company_id": company["id"],
        "site_id": site,
        "template_id": FAST_TRACK,
        "vacancy": "Elektroniker:in für Betriebstechnik",
        "occupation": {"code": "26302"},
        "candidate_reference": "K-2026-014",
        "country": "MA",
        "purpose": "skilled_vocational",
        "opened_on": "2026-03-02",
    });
    body(&input, more)
}

pub async fn open(session: &Session, more: &Value) -> Value {
    session.post("/recruitment-cases", &input(session, more).await).await.expect(201).body
}

pub fn path(case: &Value) -> String {
    format!("/recruitment-cases/{}", case["id"].as_str().unwrap())
}

pub async fn act(session: &Session, case: &Value, what: &str, body: &Value) -> Answer {
    let version = format!("\"{}\"", case["version"]);
    session.post_with(&format!("{}/{what}", path(case)), &[("If-Match", &version)], body).await
}

/// The case after a step was done.
async fn done(session: &Session, case: &Value, step: &str, on: &str) -> Value {
    let what = format!("steps/{step}/complete");
    act(session, case, &what, &json!({"done_on": on})).await.expect(200).body
}

fn step<'a>(case: &'a Value, code: &str) -> &'a Value {
    let steps = case["steps"].as_array().unwrap();
    steps.iter().find(|step| step["code"] == code).unwrap()
}

#[test]
fn a_case_goes_from_the_power_of_attorney_to_its_end() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let more = json!({"target_on": "2026-10-01", "notes": "Frau Probstadt, Pass C01X00T47"});
        let input = input(&adviser, &more).await;
        let new = adviser.post("/recruitment-cases", &input).await.expect(201);
        assert_eq!(new.header("location"), format!("/api/v1{}", path(&new.body)));
        insta::assert_snapshot!("recruitment_case", redacted(&new.body));
        assert_eq!(new.body["note_warnings"], json!(["passport_number"]));
        let read = adviser.get(&path(&new.body)).await.expect(200);
        assert_eq!(read.body, new.body, "what is answered is what is stored");

        // Two weeks from 2 March; what runs from it is a forecast until it is done.
        assert_eq!(step(&new.body, "power_of_attorney")["planned_on"], "2026-03-16");
        assert_eq!(step(&new.body, "agreement")["planned_on"], "2026-03-30");
        assert_eq!(step(&new.body, "agreement")["state"]["provisional"], true);
        let wait = act(&adviser, &new.body, "steps/agreement/complete", &json!({})).await;
        wait.problem(409, "step_waits");
        let case = done(&adviser, &new.body, "power_of_attorney", "2026-03-13").await;
        assert_eq!(step(&case, "agreement")["planned_on"], "2026-03-27");
        assert_eq!(step(&case, "agreement")["baseline_on"], "2026-03-30");
        assert_eq!(case["version"], 2);

        let away = json!({"on": "2026-04-20", "reason": "Die Behörde hat geschlossen."});
        let case = act(&adviser, &case, "steps/agreement/override", &away).await.expect(200).body;
        assert_eq!(step(&case, "recognition_filed")["planned_on"], "2026-04-27", "runs from it");
        // By the law the agreement is due on 27 March all the same.
        assert_eq!(step(&case, "agreement")["state"]["limit_on"], "2026-03-27");
        let case = act(&adviser, &case, "steps/agreement/clear-override", &json!({}))
            .await
            .expect(200)
            .body;
        assert_eq!(step(&case, "recognition_filed")["planned_on"], "2026-04-07", "after Easter");
        act(&adviser, &case, "steps/agreement/clear-override", &json!({}))
            .await
            .problem(409, "not_overridden");

        let case = act(&adviser, &case, "steps/power_of_attorney/reopen", &json!({})).await;
        let case = case.expect(200).body;
        assert_eq!(step(&case, "agreement")["planned_on"], "2026-03-30");
        let waive = json!({"reason": "Liegt vor"});
        let what = "steps/power_of_attorney/waive";
        let case = act(&adviser, &case, what, &waive).await.expect(200).body;
        assert_eq!(step(&case, "power_of_attorney")["waived"]["reason"], "Liegt vor");
        act(&adviser, &case, "steps/tea/complete", &json!({})).await.problem(404, "not_found");

        let well = json!({"outcome": "work_started"});
        act(&adviser, &case, "close", &well).await.problem(409, "steps_open");
        let out = json!({"outcome": "candidate_withdrew", "note": "Andere Stelle"});
        let closed = act(&adviser, &case, "close", &out).await.expect(200).body;
        assert_eq!(closed["state"]["status"], "closed");
        assert_eq!(closed["state"]["allowed"], json!(["reopen"]), "nobody works there");
        act(&adviser, &closed, "close", &out).await.problem(409, "wrong_state");
        act(&adviser, &closed, "steps/agreement/complete", &json!({}))
            .await
            .problem(409, "wrong_state");
        let vacancy = json!({"vacancy": "Mechatroniker:in"});
        adviser.patch(&path(&closed), 7, &vacancy).await.problem(409, "wrong_state");
        let again = act(&adviser, &closed, "reopen", &json!({})).await.expect(200).body;
        assert_eq!(again["closed"], json!(null));
        act(&adviser, &again, "reopen", &json!({})).await.problem(409, "wrong_state");
        let changed = adviser.patch(&path(&again), 8, &vacancy).await.expect(200).body;
        assert_eq!(changed["vacancy"], "Mechatroniker:in");
        let read = adviser.get(&path(&changed)).await.expect(200);
        assert_eq!(read.body, changed);

        let steps = adviser.get(&format!("{}/steps", path(&changed))).await.expect(200);
        assert_eq!(&json!(steps.items()), &changed["steps"]);
        let history = adviser.get(&format!("{}/history", path(&changed))).await.expect(200);
        assert_eq!(history.items().len(), 9);
        insta::assert_snapshot!("recruitment_case_done", redacted(&history.items()[7]));
    });
}

#[test]
fn a_deadline_that_passed_is_late_or_breached() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let case = open(&adviser, &json!({})).await;
        let case = done(&adviser, &case, "power_of_attorney", "2026-03-02").await;
        // The agreement was due yesterday, two weeks on; the program alone sees that a day has passed.
        assert_eq!(step(&case, "agreement")["planned_on"], "2026-03-16");
        assert_eq!(step(&case, "agreement")["state"]["lateness"], json!(null));
        app.advance(TimeDelta::days(1));
        let adviser = app.log_in("adviser").await;
        let late = adviser.get(&path(&case)).await.expect(200).body;
        assert_eq!(late["version"], case["version"]);
        assert_eq!(step(&late, "agreement")["state"]["lateness"], "late");
        assert_eq!(late["state"]["plan"]["track"], "at_risk");
        let case = done(&adviser, &late, "agreement", "2026-03-02").await;
        let case = done(&adviser, &case, "recognition_filed", "2026-03-02").await;
        assert_eq!(step(&case, "completeness_notice")["state"]["lateness"], "breached");
        assert_eq!(case["state"]["plan"]["track"], "off_track");
    });
}

#[test]
fn the_procedure_is_open_to_some_purposes_only() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let card = json!({"purpose": "opportunity_card"});
        let refused = input(&adviser, &card).await;
        let refused = adviser.post("/recruitment-cases", &refused).await;
        refused.violates("/purpose", "not_open_to_purpose");
        let regular = body(&card, &json!({"template_id": REGULAR}));
        let case = open(&adviser, &regular).await;
        assert_eq!(case["procedure"], "regular");
        for (more, pointer, code) in [
            (json!({"template_id": HUNDRED_DAYS}), "/template_id", "unknown"),
            (json!({"template_id": NOWHERE}), "/template_id", "unknown"),
            (json!({"candidate_reference": "Amina-1"}), "/candidate_reference", "not_a_pseudonym"),
            (json!({"occupation": {"code": "99"}}), "/occupation/code", "not_an_occupation"),
            (json!({"opened_on": "2026-03-17"}), "/opened_on", "in_the_future"),
            (json!({"site_id": KASSEL}), "/site_id", "site_of_another_carrier"),
        ] {
            let wrong = input(&adviser, &more).await;
            adviser.post("/recruitment-cases", &wrong).await.violates(pointer, code);
        }
        let template = json!({"template_id": FAST_TRACK});
        adviser.patch(&path(&case), 1, &template).await.violates("/template_id", "immutable");
    });
}

#[test]
fn a_case_is_opened_in_a_period_that_takes_entries() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let case = open(&adviser, &json!({"opened_on": "2025-12-01"})).await;
        let period = format!("/funding-periods/{PERIOD_2023}");
        // A period does not lose what was opened in it.
        let earlier = json!({"ends_on": "2025-11-30"});
        admin.patch(&period, 1, &earlier).await.problem(409, "recruitment_cases_outside");
        admin.patch(&period, 1, &json!({"status": "closed"})).await.expect(200);
        let closed = input(&adviser, &json!({"opened_on": "2025-12-01"})).await;
        let refused = adviser.post("/recruitment-cases", &closed).await;
        refused.problem(409, "funding_period_not_open");
        // Neither out of it nor into it.
        let out = json!({"opened_on": "2026-01-05"});
        adviser.patch(&path(&case), 1, &out).await.problem(409, "funding_period_not_open");
        let other = open(&adviser, &json!({})).await;
        let into = json!({"opened_on": "2025-12-31"});
        adviser.patch(&path(&other), 1, &into).await.problem(409, "funding_period_not_open");
        // What no figure leans on changes all the same.
        adviser.patch(&path(&case), 1, &json!({"vacancy": "Anderes"})).await.expect(200);
    });
}

#[test]
fn cases_are_the_carriers_and_changed_by_those_involved() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, other) = (app.log_in("manager").await, app.log_in("other").await);
        let case = open(&adviser, &json!({})).await;
        let (at, history) = (path(&case), format!("{}/history", path(&case)));
        for session in [&other] {
            session.get(&at).await.problem(404, "not_found");
            session.get(&history).await.problem(404, "not_found");
            session.get(&format!("{at}/steps")).await.problem(404, "not_found");
            session.patch(&at, 1, &json!({"notes": null})).await.problem(404, "not_found");
            act(session, &case, "close", &json!({"outcome": "other"}))
                .await
                .problem(404, "not_found");
            assert!(session.get("/recruitment-cases").await.expect(200).items().is_empty());
        }
        colleague.get(&at).await.expect(200);
        let complete = "steps/power_of_attorney/complete";
        act(&colleague, &case, complete, &json!({})).await.problem(403, "forbidden");
        act(&manager, &case, complete, &json!({})).await.expect(200);
        let deputy = json!({"deputy_id": colleague.id().await});
        let case = manager.patch(&at, 2, &deputy).await.expect(200).body;
        let what = "steps/agreement/complete";
        let case = act(&colleague, &case, what, &json!({})).await.expect(200).body;

        // What was seen is what is changed.
        let stale = json!({"version": 3, "id": case["id"]});
        act(&adviser, &stale, "close", &json!({"outcome": "other"})).await.problem(412, "stale");
        let without = format!("{at}/close");
        adviser
            .post(&without, &json!({"outcome": "other"}))
            .await
            .problem(428, "if_match_required");
        let key = [("If-Match", "\"4\""), ("Idempotency-Key", "close-1")];
        let close = json!({"outcome": "other"});
        let first = adviser.post_with(&without, &key, &close).await.expect(200);
        let again = adviser.post_with(&without, &key, &close).await.expect(200);
        assert_eq!(first.body, again.body);
    });
}

#[test]
fn a_case_belongs_to_a_run_of_its_company_and_carrier() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let company = adviser.company("Begleitete GmbH", &json!({})).await;
        let run = json!({"company_id": company["id"], "site_id": FRANKFURT});
        let run = adviser.post("/accompaniments", &run).await.expect(201);
        let belongs = json!({"company_id": company["id"], "accompaniment_id": run.id()});
        let case = open(&adviser, &belongs).await;
        assert_eq!(case["accompaniment"]["name"], "Begleitete GmbH, 2026-03-16");
        assert_eq!(case["accompaniment"]["id"], run.body["id"]);
        let found = format!("/recruitment-cases?accompaniment_id={}", run.id());
        assert_eq!(adviser.get(&found).await.expect(200).items()[0]["id"], case["id"]);

        // And a consultation to a case.
        let named = json!({"organisation_id": company["id"], "recruitment_case_id": case["id"]});
        let about = app.consultation(&adviser, &named).await;
        let held = adviser.post("/consultations", &about).await.expect(201).body;
        assert_eq!(held["recruitment_case"]["id"], case["id"]);
        let name = held["recruitment_case"]["name"].as_str().unwrap();
        assert!(name.starts_with(case["candidate_reference"].as_str().unwrap()), "{name}");
        let of_case =
            format!("/consultations?recruitment_case_id={}", case["id"].as_str().unwrap());
        assert_eq!(adviser.get(&of_case).await.expect(200).items(), &vec![held.clone()]);
        assert_eq!(other.get(&of_case).await.expect(200).items(), &Vec::<Value>::new());
        let held = format!("/consultations/{}", held["id"].as_str().unwrap());
        let another = adviser.company("Andere GmbH", &json!({})).await["id"].clone();
        let second = json!({"company_id": company["id"]});
        let theirs = open(&other, &second).await;
        for more in [
            json!({"organisation_id": another}),
            json!({"organisation_id": null}),
            json!({"recruitment_case_id": theirs["id"]}),
            json!({"recruitment_case_id": NOWHERE}),
        ] {
            let refused = adviser.post("/consultations", &body(&about, &more)).await;
            refused.violates("/recruitment_case_id", "unknown");
            adviser.patch(&held, 1, &more).await.violates("/recruitment_case_id", "unknown");
        }
        // The run that is named is the one that the case belongs to.
        let ended = json!({"reason": "Twice"});
        let reject = format!("/accompaniments/{}/reject", run.id());
        adviser.post_with(&reject, &[("If-Match", "\"1\"")], &ended).await.expect(200);
        let next = json!({"company_id": company["id"], "site_id": FRANKFURT});
        let next = adviser.post("/accompaniments", &next).await.expect(201).id();
        let wrong = json!({"accompaniment_id": next});
        let refused = adviser.patch(&held, 1, &wrong).await;
        refused.violates("/recruitment_case_id", "another_accompaniment");
        let right = json!({"accompaniment_id": run.id()});
        adviser.patch(&held, 1, &right).await.expect(200);
        let quick = json!({
            "organisation": {"id": company["id"]}, "minutes": 20, "channel": "phone",
            "topics": ["fast_track"], "recruitment_case_id": case["id"],
        });
        let logged = adviser.post("/quick-log", &quick).await.expect(201).body;
        assert_eq!(logged["consultation"]["recruitment_case"]["id"], case["id"]);

        // Of another company, of another carrier, of nobody.
        let elsewhere = json!({"accompaniment_id": run.id()});
        let wrong = input(&adviser, &elsewhere).await;
        let refused = adviser.post("/recruitment-cases", &wrong).await;
        refused.violates("/accompaniment_id", "unknown");
        let wrong = input(&other, &belongs).await;
        let refused = other.post("/recruitment-cases", &wrong).await;
        refused.violates("/accompaniment_id", "unknown");
        let wrong = input(&adviser, &json!({"accompaniment_id": NOWHERE})).await;
        let refused = adviser.post("/recruitment-cases", &wrong).await;
        refused.violates("/accompaniment_id", "unknown");
    });
}

#[test]
fn steps_of_cases_are_where_work_is_looked_for() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let deputy = json!({"deputy_id": colleague.id().await});
        let case = open(&adviser, &deputy).await;
        let company = case["company"]["id"].as_str().unwrap();
        let run = json!({"company_id": company, "site_id": FRANKFURT});
        let run = adviser.post("/accompaniments", &run).await.expect(201).body;
        let milestones = async |session: &Session, query: &str| -> Vec<Value> {
            let list = session.get(&format!("/worklist?{query}")).await.expect(200);
            list.items().iter().map(|entry| entry["milestone"].clone()).collect()
        };
        // The power of attorney is due today; all that runs from it is a forecast.
        let due = milestones(&adviser, "kind=due_milestone").await;
        assert_eq!(due.len(), 1, "{due:?}");
        assert_eq!(due[0]["of"], "recruitment_case");
        assert_eq!(due[0]["code"], "power_of_attorney");
        assert_eq!(due[0]["candidate_reference"], "K-2026-014");
        assert_eq!(milestones(&colleague, "kind=due_milestone").await, due);
        let manager = app.log_in("manager").await;
        assert!(milestones(&manager, "kind=due_milestone").await.is_empty());
        assert_eq!(milestones(&manager, "kind=due_milestone&everybody=true").await, due);
        let other = app.log_in("other").await;
        assert!(milestones(&other, "everybody=true&kind=due_milestone").await.is_empty());

        let path_of_timeline = format!("/companies/{company}/timeline?total=true");
        let timeline = adviser.get(&format!("{path_of_timeline}&limit=1")).await.expect(200);
        assert_eq!(timeline.body["total"], 3, "the case, the run and the entry in the register");
        let of_cases = format!("{path_of_timeline}&kinds=recruitment_case");
        let cases = adviser.get(&of_cases).await.expect(200);
        assert_eq!(cases.items()[0]["on"], "2026-03-02");
        assert_eq!(cases.items()[0]["recruitment_case"]["id"], case["id"]);
        assert_eq!(other.get(&of_cases).await.expect(200).body["total"], 0);

        app.advance(TimeDelta::days(1));
        let adviser = app.log_in("adviser").await;
        assert_eq!(milestones(&adviser, "kind=overdue_milestone").await, due);
        let begun = json!({"started_on": "2026-03-17"});
        let run = crate::accompaniment::act(
            &adviser,
            &run,
            "agree",
            &json!({"goals": [
                {"title": "Zwei Stellen besetzt"}
            ]}),
        )
        .await
        .expect(200)
        .body;
        crate::accompaniment::act(&adviser, &run, "start", &begun).await.expect(200);
        // A page ends and begins between entries of both kinds.
        let query = "kind=due_milestone&days_ahead=100";
        let case = done(&adviser, &case, "power_of_attorney", "2026-03-17").await;
        let whole = milestones(&adviser, query).await;
        let of = |kind: &str| whole.iter().filter(|milestone| milestone["of"] == kind).count();
        assert!(of("accompaniment") > 10 && of("recruitment_case") == 1, "{whole:?}");
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = adviser.get(&format!("/worklist?{query}&limit=3{cursor}")).await.expect(200);
            paged.extend(page.items().iter().map(|entry| entry["milestone"].clone()));
            let Some(next) = page.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, whole);
        act(&adviser, &case, "close", &json!({"outcome": "other"})).await.expect(200);
        let left = milestones(&adviser, query).await;
        assert!(left.iter().all(|milestone| milestone["of"] == "accompaniment"));
    });
}

#[test]
fn lists_filter_and_page() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let second = json!({"opened_on": "2026-03-09", "template_id": REGULAR, "purpose": "blue_card",
            "occupation": {"code": "43"}, "candidate_reference": "K-2",
            "lead_id": colleague.id().await});
        let (one, two) = (open(&adviser, &json!({})).await, open(&adviser, &second).await);
        let third = json!({"opened_on": "2026-03-10", "occupation": {"code": "262"}});
        let three = open(&adviser, &third).await;
        let three = act(&adviser, &three, "close", &json!({"outcome": "refused"})).await;
        let three = three.expect(200).body;
        let ids = async |query: &str| -> Vec<Value> {
            let found = adviser.get(&format!("/recruitment-cases?{query}")).await.expect(200);
            found.items().iter().map(|case| case["id"].clone()).collect()
        };
        let all = |cases: &[&Value]| -> Vec<Value> {
            cases.iter().map(|case| case["id"].clone()).collect()
        };
        assert_eq!(ids("").await, all(&[&three, &two, &one]));
        for sort in ["opened_on", "created_at"] {
            assert_eq!(ids(&format!("sort={sort}")).await, all(&[&one, &two, &three]));
            assert_eq!(ids(&format!("sort=-{sort}")).await, all(&[&three, &two, &one]));
            for sort in [sort.to_owned(), format!("-{sort}")] {
                let (mut paged, mut after) = (Vec::new(), String::new());
                loop {
                    let path = format!("/recruitment-cases?sort={sort}&limit=1&total=true{after}");
                    let page = adviser.get(&path).await.expect(200).body;
                    assert_eq!(page["total"], 3);
                    paged.push(page["items"][0]["id"].clone());
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    after = format!("&cursor={next}");
                }
                assert_eq!(paged, ids(&format!("sort={sort}")).await);
            }
        }
        assert_eq!(ids("status=closed").await, all(&[&three]));
        assert_eq!(ids("status=open&mine=true").await, all(&[&one]));
        assert_eq!(ids("outcome=refused").await, all(&[&three]));
        assert_eq!(ids("procedure=regular").await, all(&[&two]));
        assert_eq!(ids("purpose=blue_card").await, all(&[&two]));
        assert_eq!(ids("occupation=26").await, all(&[&three, &one]));
        assert_eq!(ids("occupation=26302").await, all(&[&one]));
        assert_eq!(ids("occupation=2%25").await, Vec::<Value>::new());
        assert_eq!(ids("candidate_reference=K-2").await, all(&[&two]));
        assert_eq!(ids("from=2026-03-09&to=2026-03-09").await, all(&[&two]));
        let company = one["company"]["id"].as_str().unwrap();
        assert_eq!(ids(&format!("company_id={company}")).await, all(&[&one]));
        let lead = colleague.id().await;
        assert_eq!(ids(&format!("lead_id={lead}&site_id={FRANKFURT}")).await, all(&[&two]));
    });
}
