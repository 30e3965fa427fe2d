//! The worklist: what waits, for whom, and in which order.

use serde_json::{Value, json};

use crate::api_key::key;
use crate::harness::{
    PERIOD_2019, PERIOD_2023, PERIOD_2026, Session, TestApp, both, both_with, district, redacted,
};

/// Kind and day of each entry.
fn places(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = list["items"].as_array().unwrap();
    items.iter().map(|entry| (text(&entry["kind"]), text(&entry["on"]))).collect()
}

async fn worklist(session: &Session, query: &str) -> Value {
    session.get(&format!("/worklist{query}")).await.expect(200).body
}

fn count(list: &Value, kind: &str) -> i64 {
    let counts = list["counts"].as_array().unwrap();
    counts.iter().find(|count| count["kind"] == kind).unwrap()["count"].as_i64().unwrap()
}

/// A company that a report can place.
async fn complete(session: &Session, name: &str) -> String {
    let complete = json!({
        "district_id": district("06412"), "industry": {"classification": "wz2008", "code": "25"},
        "size": {"staff": 20},
    });
    session.company(name, &complete).await["id"].as_str().unwrap().to_owned()
}

async fn log(app: &TestApp, session: &Session, company: &str, day: &str) -> Value {
    let more = json!({"organisation_id": company, "held_on": day});
    let input = app.consultation(session, &more).await;
    session.post("/consultations", &input).await.expect(201).body
}

/// What a report lacks of an organisation that is on the list.
async fn gap(session: &Session, id: &str) -> Value {
    let list = worklist(session, "?kind=gap").await;
    let items = list["items"].as_array().unwrap();
    items.iter().find(|entry| entry["id"] == id).unwrap()["gap"]["missing"].clone()
}

async fn patch(session: &Session, record: &Value, path: &str, change: &Value) -> Value {
    let path = format!("{path}/{}", record["id"].as_str().unwrap());
    session.patch(&path, record["version"].as_i64().unwrap(), change).await.expect(200).body
}

#[test]
fn what_matters_most_is_on_top() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = complete(&adviser, "Fertig GmbH").await;
        let office = adviser.actor("Behörde", "immigration_authority").await["id"].clone();
        for (due, priority) in [
            ("2026-03-20", "normal"),
            ("2026-03-16", "normal"),
            ("2026-03-22", "high"),
            ("2026-03-24", "high"),
            ("2026-03-13", "low"),
            ("2026-03-15", "high"),
            ("2026-02-02", "normal"),
        ] {
            crate::task::create(&adviser, &json!({"due_on": due, "priority": priority})).await;
        }
        for referred in ["2026-02-20", "2026-03-02", "2026-03-03"] {
            let referral =
                json!({"organisation_id": company, "actor_id": office, "referred_on": referred});
            crate::referral::create(&adviser, &referral).await;
        }
        for day in ["2025-08-01", "2025-09-16", "2025-09-17"] {
            log(&app, &adviser, &complete(&adviser, day).await, day).await;
        }
        let bare = adviser.company("Lücke GmbH", &json!({})).await;
        let bare_id = bare["id"].as_str().unwrap().to_owned();
        for day in ["2026-03-02", "2026-03-09"] {
            log(&app, &adviser, &bare_id, day).await;
        }
        let list = worklist(&adviser, "").await;
        let on = |kind: &str, days: &[&str]| -> Vec<(String, String)> {
            days.iter().map(|day| (kind.to_owned(), (*day).to_owned())).collect()
        };
        let expected = [
            on("overdue_task", &["2026-03-15", "2026-02-02", "2026-03-13"]),
            on("due_task", &["2026-03-22", "2026-03-16", "2026-03-20"]),
            on("unanswered_referral", &["2026-03-06", "2026-03-16"]),
            on("gap", &["2026-03-09"]),
            on("quiet_organisation", &["2025-08-01", "2025-09-16"]),
        ]
        .concat();
        assert_eq!(places(&list), expected);
        insta::assert_snapshot!("worklist_counts", redacted(&list["counts"]));
        assert_eq!(list["items"][0]["days"], 1);
        assert_eq!(list["items"][3]["days"], -6);
        insta::assert_snapshot!("worklist_gap", redacted(&list["items"][8]));
        insta::assert_snapshot!("worklist_quiet", redacted(&list["items"][9]));
        assert_eq!(list["items"][6]["referral"]["status"], "open");

        for limit in 1..=4 {
            let (mut all, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = worklist(&adviser, &format!("?limit={limit}{cursor}")).await;
                let first = cursor.is_empty();
                assert_eq!(
                    page["counts"],
                    if first { list["counts"].clone() } else { Value::Null }
                );
                all.extend(page["items"].as_array().unwrap().iter().cloned());
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(json!(all), list["items"], "pages of {limit}");
        }
        let one_kind = worklist(&adviser, "?kind=due_task&days_ahead=0").await;
        assert_eq!(places(&one_kind), on("due_task", &["2026-03-16"]));
        assert_eq!(count(&one_kind, "overdue_task"), 3, "also of what is left out");
        let quieter = worklist(&adviser, "?kind=quiet_organisation&quiet_days=7").await;
        assert_eq!(places(&quieter).len(), 3);
        for wrong in ["days_ahead=367", "quiet_days=0", "quiet_days=3661"] {
            let pointer = wrong.split('=').next().unwrap();
            let answer = adviser.get(&format!("/worklist?{wrong}")).await;
            answer.violates(pointer, "out_of_range");
        }
        adviser.get("/worklist?kind=milestones").await.problem(400, "malformed_query");
    });
}

#[test]
fn what_is_done_is_off_the_list() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let version = ["If-Match", "\"1\""];
        let header = [(version[0], version[1])];
        let task = crate::task::create(&adviser, &json!({"due_on": "2026-03-01"})).await;
        let company = adviser.company("Still GmbH", &json!({})).await;
        let id = company["id"].as_str().unwrap().to_owned();
        let office = adviser.actor("Behörde", "immigration_authority").await["id"].clone();
        let referral =
            json!({"organisation_id": id, "actor_id": office, "referred_on": "2026-02-02"});
        let referral = crate::referral::create(&adviser, &referral).await;
        let held = log(&app, &adviser, &id, "2025-06-02").await;
        let list = worklist(&adviser, "").await;
        let kinds = ["overdue_task", "unanswered_referral", "gap", "quiet_organisation"];
        assert_eq!(places(&list).len(), 4);
        for kind in kinds {
            assert_eq!(count(&list, kind), 1, "{kind}");
        }

        let done = format!("{}/complete", crate::task::path(&task));
        adviser.post_with(&done, &header, &json!({})).await.expect(200);
        let answer = format!("/referrals/{}/answer", referral["id"].as_str().unwrap());
        adviser.post_with(&answer, &header, &json!({"answer": "declined"})).await.expect(200);
        let list = worklist(&adviser, "").await;
        assert_eq!(count(&list, "overdue_task") + count(&list, "unanswered_referral"), 0);

        // Something planned about it ends the silence, and so does resting.
        let plan = json!({"consultation_id": held["id"], "due_on": "2026-05-01"});
        let plan = crate::task::create(&adviser, &plan).await;
        assert_eq!(count(&worklist(&adviser, "").await, "quiet_organisation"), 0);
        // The plan goes with its consultation.
        let elsewhere = json!({"organisation_id": complete(&adviser, "Anders GmbH").await});
        let moved = patch(&adviser, &held, "/consultations", &elsewhere).await;
        let before = app
            .consultation(&adviser, &json!({"organisation_id": id, "held_on": "2025-06-01"}))
            .await;
        adviser.post("/consultations", &before).await.expect(201);
        assert_eq!(count(&worklist(&adviser, "").await, "quiet_organisation"), 1);
        patch(&adviser, &moved, "/consultations", &json!({"organisation_id": id})).await;
        assert_eq!(count(&worklist(&adviser, "").await, "quiet_organisation"), 0);
        let cancel = format!("{}/cancel", crate::task::path(&plan));
        adviser.post_with(&cancel, &header, &json!({"reason": "Doppelt"})).await.expect(200);
        assert_eq!(count(&worklist(&adviser, "").await, "quiet_organisation"), 1);
        let resting = patch(&adviser, &company, "/companies", &json!({"status": "dormant"})).await;
        assert_eq!(count(&worklist(&adviser, "").await, "quiet_organisation"), 0);
        let awake = patch(&adviser, &resting, "/companies", &json!({"status": "active"})).await;
        log(&app, &adviser, &id, "2026-03-16").await;
        assert_eq!(count(&worklist(&adviser, "").await, "quiet_organisation"), 0);

        // Each gap by itself, and the district goes into the consultations that lack it.
        let missing = async || {
            let list = worklist(&adviser, "?kind=gap").await;
            list["items"][0]["gap"]["missing"].clone()
        };
        assert_eq!(missing().await, json!(["industry", "size_class", "district"]));
        let sized = patch(&adviser, &awake, "/companies", &json!({"size": {"staff": 3}})).await;
        assert_eq!(missing().await, json!(["industry", "district"]));
        let industry = json!({"industry": {"classification": "wz2025", "code": "25"}});
        let placed = patch(&adviser, &sized, "/companies", &industry).await;
        assert_eq!(missing().await, json!(["district"]));
        let district = json!({"district_id": district("06440")});
        patch(&adviser, &placed, "/companies", &district).await;
        assert_eq!(count(&worklist(&adviser, "").await, "gap"), 0);
    });
}

#[test]
fn a_district_reaches_the_consultations_that_have_none() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let admin = app.log_in("admin").await;
        let company = adviser.company("Heimatlos GmbH", &json!({})).await;
        let id = company["id"].as_str().unwrap().to_owned();
        let early = log(&app, &adviser, &id, "2025-12-01").await;
        let late = log(&app, &other, &id, "2026-02-02").await;
        let of_it = json!({"organisation_id": id});
        let closed = crate::correction::record(&app, &adviser, &of_it).await;
        let status = async |status: &str| {
            let period = format!("/funding-periods/{PERIOD_2023}");
            let seen = admin.get(&period).await.expect(200).body["version"].as_i64().unwrap();
            admin.patch(&period, seen, &json!({"status": status})).await.expect(200);
        };
        // Who may not change the records of a closing period fills them too.
        status("closing").await;
        assert_eq!(gap(&adviser, &id).await, json!(["industry", "size_class", "district"]));

        // Hanau is a district of its own from 2026 on.
        let hanau = json!({"district_id": district("06415")});
        let placed = patch(&adviser, &company, "/companies", &hanau).await;
        let read = async |session: &Session, record: &Value| {
            let path = format!("/consultations/{}", record["id"].as_str().unwrap());
            session.get(&path).await.expect(200).body
        };
        let filled = read(&other, &late).await;
        assert_eq!((&filled["district"]["name"], &filled["version"]), (&json!("Hanau"), &json!(2)));
        let filled = read(&adviser, &early).await;
        assert_eq!(filled["district"]["name"], "Main-Kinzig-Kreis", "as of its date");
        for (session, record, name) in
            [(&other, &late, "Hanau"), (&adviser, &early, "Main-Kinzig-Kreis")]
        {
            let history = format!("/consultations/{}/history", record["id"].as_str().unwrap());
            let history = session.get(&history).await.expect(200);
            let change = &history.items()[0]["changes"][0];
            assert_eq!(
                (&change["field"], &change["new"]["name"]),
                (&json!("district"), &json!(name))
            );
            assert_eq!(history.items()[0]["version"], 2);
        }
        assert_eq!(gap(&adviser, &id).await, json!(["industry", "size_class"]));
        // What lies in a closed period stays as it is; what has a district keeps it.
        assert_eq!(read(&adviser, &closed).await["district"], Value::Null);
        status("open").await;
        patch(&adviser, &placed, "/companies", &json!({"district_id": district("06440")})).await;
        assert_eq!(read(&other, &late).await["district"]["name"], "Hanau");
    });
}

/// A consultation without a district is a gap, whatever the register says of its organisation.
#[test]
fn an_establishment_gives_its_district_to_its_consultations() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Verstreut GmbH", &json!({})).await;
        let id = company["id"].as_str().unwrap().to_owned();
        let all = format!("/companies/{id}/establishments");
        let works = adviser.post(&all, &json!({"name": "Werk"})).await.expect(201).body;
        let at_works = json!({"organisation_id": id, "establishment_id": works["id"]});
        let at_works = app.consultation(&adviser, &at_works).await;
        let at_works = adviser.post("/consultations", &at_works).await.expect(201).body;
        let elsewhere = log(&app, &adviser, &id, "2026-03-02").await;
        let name = async |record: &Value| {
            let path = format!("/consultations/{}", record["id"].as_str().unwrap());
            adviser.get(&path).await.expect(200).body["district"]["name"].clone()
        };
        let in_frankfurt = json!({"district_id": district("06412")});
        patch(&adviser, &works, "/establishments", &in_frankfurt).await;
        assert_eq!(name(&at_works).await, "Frankfurt am Main");
        assert_eq!(name(&elsewhere).await, Value::Null, "not held there");
        assert_eq!(gap(&adviser, &id).await, json!(["industry", "size_class", "district"]));
        let void = format!("/consultations/{}/void", elsewhere["id"].as_str().unwrap());
        let (seen, reason) = ([("If-Match", "\"1\"")], json!({"reason": "Doppelt"}));
        adviser.post_with(&void, &seen, &reason).await.expect(200);
        assert_eq!(gap(&adviser, &id).await, json!(["industry", "size_class"]), "none lacks one");
    });
}

#[test]
fn the_latest_consultation_is_the_one_that_counts() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (one, two) =
            (complete(&adviser, "Eins GmbH").await, complete(&adviser, "Zwei GmbH").await);
        let quiet = async |session: &Session| {
            let list = worklist(session, "?kind=quiet_organisation&quiet_days=1").await;
            let items = list["items"].as_array().unwrap().clone();
            assert_eq!(count(&list, "quiet_organisation"), i64::try_from(items.len()).unwrap());
            items
                .iter()
                .map(|e| {
                    (e["id"].as_str().unwrap().to_owned(), e["on"].as_str().unwrap().to_owned())
                })
                .collect::<Vec<_>>()
        };
        let at = |company: &String, day: &str| (company.clone(), day.to_owned());
        let march = log(&app, &adviser, &one, "2026-03-02").await;
        log(&app, &adviser, &one, "2026-02-02").await;
        assert_eq!(
            quiet(&adviser).await,
            [at(&one, "2026-03-02")],
            "a backdated one changes nothing"
        );
        let theirs = log(&app, &colleague, &one, "2026-03-09").await;
        assert!(quiet(&adviser).await.is_empty(), "the colleague was there last");
        assert_eq!(quiet(&colleague).await, [at(&one, "2026-03-09")]);

        let void = format!("/consultations/{}/void", theirs["id"].as_str().unwrap());
        let reason = json!({"reason": "Doppelt"});
        colleague.post_with(&void, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        assert_eq!(quiet(&adviser).await, [at(&one, "2026-03-02")]);
        let moved =
            patch(&adviser, &march, "/consultations", &json!({"organisation_id": two})).await;
        assert_eq!(quiet(&adviser).await, [at(&one, "2026-02-02"), at(&two, "2026-03-02")]);
        let moved = patch(&adviser, &moved, "/consultations", &json!({"status": "no_show"})).await;
        assert_eq!(quiet(&adviser).await, [at(&one, "2026-02-02")]);
        let held = json!({"status": "held", "adviser_ids": [colleague.id().await]});
        patch(&adviser, &moved, "/consultations", &held).await;
        assert_eq!(quiet(&colleague).await, [at(&two, "2026-03-02")]);
    });
}

/// Logging, moving and voiding at once, then what is kept against what the consultations say.
#[test]
fn whatever_happens_at_once_the_latest_is_kept() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let companies = [complete(&adviser, "A GmbH").await, complete(&adviser, "B GmbH").await];
        for round in 0..12 {
            let mut records = Vec::new();
            for day in ["2026-03-09", "2026-03-10"] {
                records.push(log(&app, &adviser, &companies[0], day).await);
            }
            let mut waiting = Vec::new();
            for (index, record) in records.into_iter().enumerate() {
                let (session, target) = (adviser.clone(), companies[1].clone());
                let path = format!("/consultations/{}", record["id"].as_str().unwrap());
                waiting.push(tokio::spawn(async move {
                    if index == 0 {
                        let moved = json!({"organisation_id": target});
                        session.patch(&path, 1, &moved).await.expect(200);
                    } else {
                        let (path, reason) = (format!("{path}/void"), json!({"reason": "x"}));
                        session
                            .post_with(&path, &[("If-Match", "\"1\"")], &reason)
                            .await
                            .expect(200);
                    }
                }));
            }
            for company in &companies {
                let day = format!("2026-02-{:02}", round + 1);
                let more = json!({"organisation_id": company, "held_on": day});
                let input = app.consultation(&adviser, &more).await;
                let session = adviser.clone();
                waiting.push(tokio::spawn(async move {
                    session.post("/consultations", &input).await.expect(201);
                }));
            }
            for one in waiting {
                one.await.unwrap();
            }
            let list = worklist(&adviser, "?kind=quiet_organisation&quiet_days=1").await;
            for company in &companies {
                let all = format!("/companies/{company}/consultations?status=held&limit=1");
                let latest = adviser.get(&all).await.expect(200).items()[0]["held_on"].clone();
                let items = list["items"].as_array().unwrap();
                let entry = items.iter().find(|entry| entry["id"] == **company).unwrap();
                assert_eq!(entry["on"], latest, "round {round}");
            }
        }
    });
}

#[test]
fn everybody_has_a_list_and_managers_see_all() {
    both_with(
        |config| config.quiet_days = 10,
        async |app| {
            let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
            let (manager, other) = (app.log_in("manager").await, app.log_in("other").await);
            crate::task::create(&adviser, &json!({"due_on": "2026-03-01"})).await;
            let deputy = json!({"due_on": "2026-03-02", "deputy_id": colleague.id().await});
            crate::task::create(&adviser, &deputy).await;
            let company = complete(&adviser, "Gemeinsam GmbH").await;
            log(&app, &adviser, &company, "2026-03-02").await;
            let sizes = async |session: &Session, query: &str| {
                places(&worklist(session, query).await).len()
            };
            assert_eq!(sizes(&adviser, "").await, 3, "quiet after ten days, as it is set");
            assert_eq!(sizes(&colleague, "").await, 1, "stands in for one");
            assert_eq!(sizes(&colleague, "?everybody=true").await, 3);
            assert_eq!(sizes(&manager, "").await, 0);
            let of_adviser = format!("?user_id={}", adviser.id().await);
            assert_eq!(sizes(&manager, &of_adviser).await, 3);
            assert_eq!(sizes(&adviser, &of_adviser).await, 3);
            assert_eq!(sizes(&colleague, &of_adviser).await, 3, "part of everybody's");
            let both = format!("/worklist{of_adviser}&everybody=true");
            manager.get(&both).await.violates("everybody", "several_users");
            for query in ["", "?everybody=true"] {
                assert_eq!(sizes(&other, query).await, 0);
            }
            let theirs = app.log_in("other.manager").await;
            assert_eq!(sizes(&theirs, &of_adviser).await, 0);

            let (_, only) = key(&app, &manager, &["read_worklist", "read_tasks"]).await;
            let list = worklist(&only, "").await;
            assert_eq!(places(&list).len(), 2, "a key reads everybody's");
            assert_eq!(list["counts"].as_array().unwrap().len(), 2, "of what it may read");
            only.get("/worklist?kind=gap").await.problem(403, "forbidden");

            // Where everything is closed, nothing is left to do about organisations.
            let admin = app.log_in("admin").await;
            for id in [PERIOD_2023, PERIOD_2026] {
                let period = format!("/funding-periods/{id}");
                let seen = admin.get(&period).await.expect(200).body["version"].as_i64().unwrap();
                admin.patch(&period, seen, &json!({"status": "closed"})).await.expect(200);
            }
            assert_eq!(sizes(&adviser, "").await, 2);
        },
    );
}

#[test]
fn what_somebody_left_behind_is_on_the_managers_list() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, admin) = (app.log_in("manager").await, app.log_in("admin").await);
        for session in [&adviser, &colleague] {
            let company = session.company("Verwaist GmbH", &json!({})).await;
            log(&app, session, company["id"].as_str().unwrap(), "2025-06-02").await;
        }
        let (me, them) = (adviser.id().await, colleague.id().await);
        let whose = async |session: &Session, query: &str| {
            let list = worklist(session, query).await;
            let items = list["items"].as_array().unwrap();
            for kind in ["gap", "quiet_organisation"] {
                let listed = items.iter().filter(|entry| entry["kind"] == kind).count();
                assert_eq!(count(&list, kind), i64::try_from(listed).unwrap());
            }
            items.iter().map(|entry| entry["user"]["id"].clone()).collect::<Vec<_>>()
        };
        assert!(whose(&manager, "").await.is_empty());
        let suspend = json!({"status": "suspended"});
        admin.patch(&format!("/users/{me}"), 1, &suspend).await.expect(200);
        assert_eq!(whose(&manager, "").await, [json!(me), json!(me)], "a gap, and quiet");
        let moved = json!({"role": "adviser", "carrier_id": crate::harness::VSB, "valid_from": "2026-03-17"});
        admin.post(&format!("/users/{them}/assignments"), &moved).await.expect(201);
        assert_eq!(whose(&manager, "").await.len(), 2, "not yet");
        app.advance(chrono::TimeDelta::days(1));
        let (manager, colleague) = (app.log_in("manager").await, app.log_in("colleague").await);
        let theirs = app.log_in("other.manager").await;
        assert_eq!(whose(&manager, "").await.len(), 4);
        // Nobody else's list has them, and no other carrier's.
        assert_eq!(whose(&manager, &format!("?user_id={them}")).await.len(), 2);
        assert!(whose(&colleague, "").await.is_empty());
        assert!(whose(&theirs, "").await.is_empty());
    });
}

/// A period that is closed between open ones, as when the figures of an earlier one are put right.
#[test]
fn a_closed_period_between_open_ones_is_left_out() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let status = async |period: &str, status: &str| {
            let period = format!("/funding-periods/{period}");
            let seen = admin.get(&period).await.expect(200).body["version"].as_i64().unwrap();
            admin.patch(&period, seen, &json!({"status": status})).await.expect(200);
        };
        status(PERIOD_2019, "open").await;
        let mut ids = Vec::new();
        for days in [vec!["2021-05-05"], vec!["2024-05-06"], vec!["2021-05-05", "2024-05-06"]] {
            let company = adviser.company(days[0], &json!({})).await["id"].clone();
            for day in days {
                log(&app, &adviser, company.as_str().unwrap(), day).await;
            }
            ids.push(company);
        }
        for (period, shown) in
            [("", vec![0, 1, 2]), (PERIOD_2023, vec![0, 2]), (PERIOD_2019, vec![])]
        {
            if !period.is_empty() {
                status(period, "closed").await;
            }
            let shown: Vec<_> = shown.into_iter().map(|index: usize| ids[index].clone()).collect();
            for kind in ["gap", "quiet_organisation"] {
                let list = worklist(&adviser, &format!("?kind={kind}")).await;
                let items = list["items"].as_array().unwrap();
                let mut found: Vec<_> = items.iter().map(|entry| entry["id"].clone()).collect();
                found.sort_by_key(|id| ids.iter().position(|known| known == id));
                assert_eq!(found, shown, "{kind}");
                assert_eq!(count(&list, kind), i64::try_from(shown.len()).unwrap(), "{kind}");
                for entry in items.iter().filter(|_| kind == "gap") {
                    let both = entry["id"] == ids[2] && period.is_empty();
                    assert_eq!(entry["gap"]["consultations"], if both { 2 } else { 1 });
                }
            }
        }
    });
}
