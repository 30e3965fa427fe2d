//! Accompaniments: from the request to the end, with goals, pauses, milestones and hand-over.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::attachment::pdf;
use crate::harness::{
    Answer, FRANKFURT, KASSEL, PERIOD_2026, Session, WETZLAR, body, both, redacted,
};
use crate::hostile::NOWHERE;
use crate::programme_template::{HUNDRED_DAYS, published};

/// The body of a request that is in order, for a new company.
pub async fn input(session: &Session, name: &str, more: &Value) -> Value {
    let me = session.get("/me").await.expect(200).body;
    let company = session.company(name, &json!({})).await;
    let input = json!({
        "company_id": company["id"], "site_id": me["site"]["id"].as_str().unwrap_or(FRANKFURT),
    });
    body(&input, more)
}

/// A request of a new company.
pub async fn request(session: &Session, name: &str, more: &Value) -> Value {
    let input = input(session, name, more).await;
    session.post("/accompaniments", &input).await.expect(201).body
}

pub async fn act(session: &Session, run: &Value, what: &str, body: &Value) -> Answer {
    let version = format!("\"{}\"", run["version"]);
    session.post_with(&format!("{}/{what}", path(run)), &[("If-Match", &version)], body).await
}

/// One that began on a day, today unless told.
pub async fn begun(session: &Session, name: &str, on: Option<&str>, more: &Value) -> Value {
    let requested = match on {
        Some(day) => body(&json!({"requested_on": day}), more),
        None => more.clone(),
    };
    let run = request(session, name, &requested).await;
    let run = act(session, &run, "agree", &json!({"agreed_on": on})).await.expect(200).body;
    act(session, &run, "start", &json!({"started_on": on})).await.expect(200).body
}

pub fn path(run: &Value) -> String {
    format!("/accompaniments/{}", run["id"].as_str().unwrap())
}

pub fn step<'a>(run: &'a Value, code: &str) -> &'a Value {
    let steps = run["steps"].as_array().unwrap();
    steps.iter().find(|step| step["code"] == code).unwrap()
}

async fn done(session: &Session, run: &Value, code: &str, input: &Value) -> Answer {
    act(session, run, &format!("milestones/{code}/complete"), input).await
}

/// A line for each step: code, where it was planned first, where it is now, what became of it.
fn plan(run: &Value) -> String {
    let line = |step: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        format!(
            "{:<31} {} {} {}\n",
            text(&step["code"]),
            text(&step["baseline_on"]),
            text(&step["planned_on"]),
            text(&step["state"]["status"])
        )
    };
    run["steps"].as_array().unwrap().iter().map(line).collect()
}

/// The mandatory steps in an order in which they can be done.
async fn all_done(session: &Session, run: Value) -> Value {
    let mut run = run;
    let codes: Vec<String> = run["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["mandatory"] == true)
        .map(|step| step["code"].as_str().unwrap().to_owned())
        .collect();
    for code in codes {
        run = done(session, &run, &code, &json!({})).await.expect(200).body;
    }
    run
}

#[test]
fn a_company_is_accompanied_from_the_request_to_the_outcome() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let input = input(&adviser, "Weg GmbH", &json!({"notes": "Sucht zwei."})).await;
        let new = adviser.post("/accompaniments", &input).await.expect(201);
        assert_eq!(new.header("location"), format!("/api/v1{}", path(&new.body)));
        let mut shown = new.body.clone();
        shown["steps"] = json!(shown["steps"].as_array().unwrap().len());
        insta::assert_snapshot!("accompaniment", redacted(&shown));
        let read = adviser.get(&path(&new.body)).await.expect(200);
        assert_eq!(read.body, new.body, "what is answered is what is stored");

        let goals = json!({"goals": [
            {"title": "Zwei Stellen besetzt", "measure": "Verträge"}, {"title": "Mentor benannt"}
        ]});
        let run = act(&adviser, &new.body, "agree", &goals).await.expect(200).body;
        assert_eq!(run["state"]["status"], "agreed");
        let run = act(&adviser, &run, "start", &json!({})).await.expect(200).body;
        assert_eq!(run["funding_period"]["id"], PERIOD_2026);
        assert_eq!(
            (&run["state"]["day"], &run["state"]["planned_end_on"]),
            (&json!(1), &json!("2026-06-23"))
        );
        insta::assert_snapshot!("accompaniment_plan", plan(&run));

        app.advance(TimeDelta::days(50));
        let adviser = app.log_in("adviser").await;
        let run = adviser.get(&path(&run)).await.expect(200).body;
        assert_eq!(run["state"]["day"], 51);
        let outcome = json!({"outcome": "partly", "note": "Eine Stelle"});
        act(&adviser, &run, "complete", &outcome).await.problem(409, "steps_open");
        let run = all_done(&adviser, run).await;
        act(&adviser, &run, "complete", &outcome).await.problem(409, "goals_not_measured");
        let results = json!({"results": [
            {"number": 1, "achievement": "partly", "note": "Eine von zwei"},
            {"number": 2, "achievement": "achieved"}
        ]});
        let run = act(&adviser, &run, "goals/measure", &results).await.expect(200).body;
        let run = act(&adviser, &run, "complete", &outcome).await.expect(200).body;
        assert_eq!(run["state"]["status"], "completed");
        assert_eq!(run["completed"]["on"], "2026-05-05");
        // What lies after the end goes on, the rest does not.
        act(&adviser, &run, "milestones/adverts/reopen", &json!({}))
            .await
            .problem(409, "step_closed");
        let run = done(&adviser, &run, "follow_up", &json!({})).await.expect(200).body;
        assert_eq!(step(&run, "follow_up")["done"]["on"], "2026-05-05");
        let read = adviser.get(&path(&run)).await.expect(200).body;
        assert_eq!(read, run, "what is answered is what is stored");
        let history = adviser.get(&format!("{}/history?limit=2", path(&run))).await.expect(200);
        insta::assert_snapshot!("accompaniment_history", redacted(&history.body["items"]));
        // The company may ask again.
        let again = json!({"company_id": run["company"]["id"], "site_id": FRANKFURT});
        adviser.post("/accompaniments", &again).await.expect(201);
    });
}

#[test]
fn what_is_not_allowed_now_is_refused_and_told() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let reason = json!({"reason": "Grund"});
        let operations = [
            ("agree", "agree", json!({})),
            ("reject", "reject", reason.clone()),
            ("start", "start", json!({})),
            ("set_goals", "goals", json!({"goals": []})),
            ("measure_goals", "goals/measure", json!({"results": []})),
            ("pause", "pause", json!({"until": "2026-03-20", "reason": "Grund"})),
            ("resume", "resume", json!({})),
            ("replan", "replan", json!({"token": "x"})),
            ("do_step", "milestones/kick_off/complete", json!({})),
            ("waive_step", "milestones/kick_off/waive", reason.clone()),
            ("reopen_step", "milestones/kick_off/reopen", json!({})),
            (
                "override_step",
                "milestones/kick_off/override",
                json!({"on": "2026-03-20", "reason": "Grund"}),
            ),
            ("clear_override", "milestones/kick_off/clear-override", json!({})),
            ("hand_over", "hand-over", json!({"to_id": NOWHERE})),
            ("accept_hand_over", "hand-over/accept", json!({})),
            ("decline_hand_over", "hand-over/decline", json!({})),
            ("complete", "complete", json!({"outcome": "achieved"})),
            ("end", "end", json!({"reason": "withdrew"})),
        ];
        let refused = async |run: &Value| {
            let allowed = run["state"]["allowed"].as_array().unwrap();
            for (operation, what, body) in &operations {
                if allowed.contains(&json!(operation)) {
                    continue;
                }
                let answer = act(&adviser, run, what, body).await.problem(409, "wrong_state");
                let detail = answer.body["detail"].as_str().unwrap();
                for possible in allowed {
                    assert!(detail.contains(possible.as_str().unwrap()), "{detail}");
                }
            }
            if !allowed.contains(&json!("change")) {
                let change = json!({"notes": "x"});
                let version = run["version"].as_i64().unwrap();
                adviser.patch(&path(run), version, &change).await.problem(409, "wrong_state");
            }
        };
        let requested = request(&adviser, "Zustand GmbH", &json!({})).await;
        refused(&requested).await;
        let rejected = request(&adviser, "Abgelehnt GmbH", &json!({})).await;
        let rejected = act(&adviser, &rejected, "reject", &reason).await.expect(200).body;
        assert_eq!(rejected["state"]["allowed"], json!([]));
        refused(&rejected).await;
        let agreed = act(&adviser, &requested, "agree", &json!({})).await.expect(200).body;
        refused(&agreed).await;
        let active = begun(&adviser, "Aktiv GmbH", Some("2026-03-02"), &json!({})).await;
        refused(&active).await;
        let pause = json!({"until": "2026-03-20", "reason": "Betriebsferien"});
        let paused = act(&adviser, &active, "pause", &pause).await.expect(200).body;
        assert_eq!(paused["state"]["status"], "paused");
        refused(&paused).await;
        let ended = json!({"reason": "vacancy_filled", "note": "Schon besetzt"});
        let ended = act(&adviser, &paused, "end", &ended).await.expect(200).body;
        assert_eq!(ended["state"]["status"], "ended_early");
        assert_eq!(ended["state"]["allowed"], json!([]));
        refused(&ended).await;
        let through = begun(&adviser, "Fertig GmbH", Some("2026-03-02"), &json!({})).await;
        let through = all_done(&adviser, through).await;
        let outcome = json!({"outcome": "achieved"});
        let completed = act(&adviser, &through, "complete", &outcome).await.expect(200).body;
        assert_eq!(completed["state"]["status"], "completed");
        refused(&completed).await;
    });
}

#[test]
fn each_rule_of_a_request_by_itself() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (colleague, other) = (app.log_in("colleague").await, app.log_in("other").await);
        let valid = input(&adviser, "Regel GmbH", &json!({})).await;
        let chamber = adviser.actor("Kammer", "chamber_industry").await["id"].clone();
        let gone = adviser.company("Fort GmbH", &json!({})).await;
        let archive = format!("/companies/{}/archive", gone["id"].as_str().unwrap());
        let reason = json!({"reason": "Aufgelöst"});
        adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let admin = app.log_in("admin").await;
        let draft = published(&admin, "kurz").await;
        let mut next = valid.clone();
        next["template_id"] = draft["id"].clone();
        let cases = admin.get("/programme-templates?use=recruitment_case").await.expect(200);
        let of_cases = cases.items()[0]["id"].clone();
        for (more, pointer, code) in [
            (json!({"company_id": NOWHERE}), "/company_id", "unknown"),
            (json!({"company_id": chamber}), "/company_id", "unknown"),
            (json!({"company_id": gone["id"]}), "/company_id", "archived"),
            (json!({"site_id": KASSEL}), "/site_id", "site_of_another_carrier"),
            (json!({"site_id": NOWHERE}), "/site_id", "unknown"),
            (json!({"lead_id": other.id().await}), "/lead_id", "not_an_adviser"),
            (json!({"deputy_id": other.id().await}), "/deputy_id", "not_an_adviser"),
            (json!({"deputy_id": adviser.id().await}), "/deputy_id", "same_user"),
            (json!({"requested_on": "2026-03-17"}), "/requested_on", "in_the_future"),
            (json!({"template_id": NOWHERE}), "/template_id", "unknown"),
            (json!({"template_id": of_cases}), "/template_id", "unknown"),
        ] {
            let refused = adviser.post("/accompaniments", &body(&valid, &more)).await;
            refused.violates(pointer, code);
        }
        let deputy = body(&next, &json!({"deputy_id": colleague.id().await}));
        let run = adviser.post("/accompaniments", &deputy).await.expect(201).body;
        assert_eq!((&run["template"]["code"], &run["duration_days"]), (&json!("kurz"), &json!(3)));
        // Before the start the template may change, and with it the steps.
        let change = json!({"template_id": HUNDRED_DAYS, "site_id": WETZLAR});
        let run = adviser.patch(&path(&run), 1, &change).await.expect(200).body;
        assert_eq!(run["steps"].as_array().unwrap().len(), 18);
        assert_eq!(run["site"]["name"], "Wetzlar");
        for (more, pointer, code) in [
            (json!({"company_id": NOWHERE}), "/company_id", "immutable"),
            (json!({"lead_id": colleague.id().await}), "/lead_id", "immutable"),
        ] {
            adviser.patch(&path(&run), 2, &more).await.violates(pointer, code);
        }
        adviser.patch(&path(&run), 1, &change).await.problem(412, "stale");
        // After the start it stays, also where null would mean the published default.
        let short =
            begun(&adviser, "Kurz GmbH", None, &json!({"template_id": next["template_id"]})).await;
        for template in [json!(null), json!(HUNDRED_DAYS)] {
            let change = json!({"template_id": template});
            let refused = adviser.patch(&path(&short), 3, &change).await;
            refused.violates("/template_id", "immutable");
        }
    });
}

#[test]
fn a_company_is_accompanied_once_at_a_time_by_whomever() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let ours = input(&adviser, "Begehrt GmbH", &json!({})).await;
        let theirs = body(&ours, &json!({"site_id": KASSEL}));
        let mut waiting = Vec::new();
        for number in 0..8 {
            let (session, input) = if number % 2 == 0 {
                (adviser.clone(), ours.clone())
            } else {
                (other.clone(), theirs.clone())
            };
            waiting
                .push(tokio::spawn(async move { session.post("/accompaniments", &input).await }));
        }
        let mut made = Vec::new();
        for answer in waiting {
            let answer = answer.await.unwrap();
            if answer.status == 201 {
                made.push(answer.body);
            } else {
                let refused = answer.problem(409, "open_accompaniment");
                let told = refused.body["detail"].as_str().unwrap();
                assert_eq!(told, "The company is being accompanied: one at a time.");
            }
        }
        assert_eq!(made.len(), 1, "{made:?}");
        let (owner, loser, again) = match made[0]["site"]["id"].as_str() {
            Some(KASSEL) => (&other, &adviser, &ours),
            _ => (&adviser, &other, &theirs),
        };
        loser.post("/accompaniments", again).await.problem(409, "open_accompaniment");
        loser.get(&path(&made[0])).await.problem(404, "not_found");
        let reason = json!({"reason": "Passt nicht"});
        act(owner, &made[0], "reject", &reason).await.expect(200);
        loser.post("/accompaniments", again).await.expect(201);
    });
}

#[test]
fn what_was_previewed_is_what_happens() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let run = begun(&adviser, "Umplan GmbH", Some("2026-03-02"), &json!({})).await;
        assert_eq!(step(&run, "vacancy_profile")["planned_on"], "2026-03-09");
        let nothing = act(&adviser, &run, "replan?preview=true", &json!({})).await.expect(200);
        assert_eq!(nothing.body["differences"], json!([]));
        act(&adviser, &run, "replan", &json!({"token": nothing.body["token"]}))
            .await
            .problem(409, "nothing_to_replan");

        let late = json!({"done_on": "2026-03-05"});
        let run = done(&adviser, &run, "kick_off", &late).await.expect(200).body;
        assert_eq!(run["state"]["plan"]["steps_to_replan"], 1);
        let preview = act(&adviser, &run, "replan?preview=true", &json!({})).await.expect(200);
        insta::assert_snapshot!("accompaniment_replan", redacted(&preview.body["differences"]));
        let unchanged = adviser.get(&path(&run)).await.expect(200).body;
        assert_eq!(unchanged, run, "a preview writes nothing");
        let token = json!({"token": preview.body["token"]});

        // Something else happens in between: what was shown is not what would happen.
        let over = json!({"on": "2026-03-20", "reason": "Urlaub"});
        let over = act(&adviser, &run, "milestones/vacancy_profile/override", &over).await;
        let over = over.expect(200).body;
        act(&adviser, &run, "replan", &token).await.problem(412, "stale");
        act(&adviser, &over, "replan", &token).await.problem(409, "another_preview");
        act(&adviser, &over, "replan", &json!({})).await.violates("/token", "missing");
        // Without it the step has the date that its rule gives by now, and nothing is left to re-plan.
        let clear = "milestones/vacancy_profile/clear-override";
        let back = act(&adviser, &over, clear, &json!({})).await.expect(200).body;
        assert_eq!(step(&back, "vacancy_profile")["planned_on"], "2026-03-12");
        assert_eq!(back["state"]["plan"]["steps_to_replan"], 0);
        let reopen = "milestones/kick_off/reopen";
        let back = act(&adviser, &back, reopen, &json!({})).await.expect(200).body;
        let back = done(&adviser, &back, "kick_off", &json!({"done_on": "2026-03-06"})).await;
        let back = back.expect(200).body;
        let preview = act(&adviser, &back, "replan?preview=true", &json!({})).await.expect(200);
        let token = json!({"token": preview.body["token"]});
        let planned = act(&adviser, &back, "replan", &token).await.expect(200).body;
        let moved = step(&planned, "vacancy_profile");
        assert_eq!(
            (&moved["baseline_on"], &moved["planned_on"]),
            (&json!("2026-03-09"), &json!("2026-03-13"))
        );
        assert_eq!(planned["state"]["plan"]["steps_to_replan"], 0);
    });
}

/// A preview is what then happened.
fn assert_shows(preview: &Value, before: &Value, after: &Value) {
    let steps = |run: &Value| run["steps"].as_array().unwrap().clone();
    let moved: Vec<Value> = steps(before)
        .into_iter()
        .zip(steps(after))
        .filter(|(from, to)| from["planned_on"] != to["planned_on"])
        .map(|(from, to)| json!([from["code"], from["planned_on"], to["planned_on"]]))
        .collect();
    assert!(!moved.is_empty());
    let shown: Vec<Value> = preview["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| json!([difference["step"]["code"], difference["from"], difference["to"]]))
        .collect();
    assert_eq!(shown, moved);
    assert_eq!(preview["version"], before["version"]);
    assert_eq!(preview["planned_end_from"], before["state"]["planned_end_on"]);
    assert_eq!(preview["planned_end_to"], after["state"]["planned_end_on"]);
    assert_eq!(preview["paused_days"], after["state"]["paused_days"]);
}

#[test]
fn a_pause_over_easter_moves_what_is_open_and_back() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let run = begun(&adviser, "Ostern GmbH", Some("2026-03-09"), &json!({})).await;
        let on_time = json!({"done_on": "2026-03-09"});
        let run = done(&adviser, &run, "kick_off", &on_time).await.expect(200).body;
        let before = plan(&run);
        for (more, pointer, code) in [
            (json!({"from": "2026-03-09"}), "/from", "before_start"),
            (json!({"from": "2026-06-30", "until": "2026-07-01"}), "/from", "after_end"),
            (json!({"until": "2026-03-15"}), "/until", "before_start"),
            (json!({"until": "2026-05-15"}), "/until", "pauses_too_long"),
            (json!({"reason": " "}), "/reason", "empty"),
        ] {
            let pause = json!({"until": "2026-04-10", "reason": "Betriebsferien"});
            let refused = act(&adviser, &run, "pause", &body(&pause, &more)).await;
            refused.violates(pointer, code);
        }
        let pause =
            json!({"from": "2026-03-30", "until": "2026-04-10", "reason": "Betriebsferien"});
        let preview = act(&adviser, &run, "pause?preview=true", &pause).await.expect(200).body;
        assert_eq!(adviser.get(&path(&run)).await.expect(200).body, run, "nothing is written");
        let paused = act(&adviser, &run, "pause", &pause).await.expect(200).body;
        assert_shows(&preview, &run, &paused);
        assert_eq!(paused["state"]["status"], "active", "it is to come");
        assert_eq!(
            (&paused["state"]["planned_end_on"], &paused["state"]["paused_days"]),
            (&json!("2026-06-28"), &json!(12))
        );
        insta::assert_snapshot!("accompaniment_paused_plan", plan(&paused));

        app.advance(TimeDelta::days(16));
        let adviser = app.log_in("adviser").await;
        let now = adviser.get(&path(&run)).await.expect(200).body;
        assert_eq!(
            (&now["state"]["status"], &now["state"]["day"], &now["state"]["paused_until"]),
            (&json!("paused"), &json!(21), &json!("2026-04-10"))
        );
        act(&adviser, &now, "complete", &json!({"outcome": "achieved"}))
            .await
            .problem(409, "wrong_state");
        let of_status = async |status: &str| {
            let list = adviser.get(&format!("/accompaniments?status={status}")).await;
            list.expect(200).items().len()
        };
        assert_eq!((of_status("paused").await, of_status("active").await), (1, 0));
        let early = json!({"resumed_on": "2026-03-30"});
        let preview = act(&adviser, &now, "resume?preview=true", &early).await.expect(200).body;
        assert_eq!(adviser.get(&path(&run)).await.expect(200).body, now, "nothing is written");
        let resumed = act(&adviser, &now, "resume", &early).await.expect(200).body;
        assert_shows(&preview, &now, &resumed);
        act(&adviser, &run, "pause?preview=true", &pause).await.problem(412, "stale");
        act(&adviser, &resumed, "resume?preview=true", &early).await.problem(409, "wrong_state");
        assert_eq!((of_status("paused").await, of_status("active").await), (0, 1));
        assert_eq!(plan(&resumed), before, "all of it is taken back");
        assert_eq!(resumed["pauses"][0]["resumed"]["planned_until"], "2026-04-10");
        let read = adviser.get(&path(&run)).await.expect(200).body;
        assert_eq!(read, resumed, "what is answered is what is stored");
    });
}

#[test]
fn milestones_come_in_their_order_and_have_their_gates() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let run = begun(&adviser, "Schritt GmbH", Some("2026-03-02"), &json!({})).await;
        done(&adviser, &run, "roadmap", &json!({})).await.problem(409, "step_waits");
        done(&adviser, &run, "adverts", &json!({})).await.problem(409, "step_waits");
        done(&adviser, &run, "nothing", &json!({})).await.problem(404, "not_found");
        let too_early = json!({"done_on": "2026-03-01"});
        done(&adviser, &run, "kick_off", &too_early).await.violates("/done_on", "before_start");
        let ahead = json!({"done_on": "2026-03-17"});
        done(&adviser, &run, "kick_off", &ahead).await.violates("/done_on", "in_the_future");
        let note = json!({"done_on": "2026-03-02", "note": "Protokoll unterschrieben"});
        let run = done(&adviser, &run, "kick_off", &note).await.expect(200).body;
        done(&adviser, &run, "kick_off", &note).await.problem(409, "step_not_open");
        let reason = json!({"reason": "Liegt schon vor"});
        let run = act(&adviser, &run, "milestones/vacancy_profile/waive", &reason).await;
        let run = run.expect(200).body;
        let run = done(&adviser, &run, "readiness_check", &json!({})).await.expect(200).body;
        let run = done(&adviser, &run, "roadmap", &json!({})).await.expect(200).body;
        act(&adviser, &run, "milestones/readiness_check/reopen", &json!({}))
            .await
            .problem(409, "later_step_done");
        let run = act(&adviser, &run, "milestones/roadmap/reopen", &json!({})).await;
        let run = run.expect(200).body;
        let early = json!({"on": "2026-03-01", "reason": "x"});
        act(&adviser, &run, "milestones/roadmap/override", &early)
            .await
            .violates("/on", "before_start");
        act(&adviser, &run, "milestones/roadmap/clear-override", &json!({}))
            .await
            .problem(409, "not_overridden");
        let list = adviser.get(&format!("{}/milestones", path(&run))).await.expect(200);
        assert_eq!(list.body["items"], run["steps"]);
        insta::assert_snapshot!("milestones", plan(&run));
        assert_eq!(
            run["state"]["plan"]["progress"],
            json!({"done": 2, "waived": 1, "of": 14, "percent": 21})
        );
    });
}

#[test]
fn the_lead_passes_to_who_accepts() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, other) = (app.log_in("manager").await, app.log_in("other").await);
        let run = request(&adviser, "Übergabe GmbH", &json!({})).await;
        let change = json!({"notes": "Neu"});
        adviser.patch(&path(&run), 1, &change).await.expect(200);
        let refused = colleague.patch(&path(&run), 2, &change).await;
        refused.problem(403, "forbidden");
        let run = adviser.get(&path(&run)).await.expect(200).body;
        let to = async |session: &Session| json!({"to_id": session.id().await, "note": "Urlaub"});
        act(&adviser, &run, "hand-over", &to(&other).await)
            .await
            .violates("/to_id", "not_an_adviser");
        act(&adviser, &run, "hand-over", &to(&adviser).await).await.violates("/to_id", "same_user");
        act(&adviser, &run, "hand-over/accept", &json!({})).await.problem(409, "no_hand_over");
        let offered = act(&adviser, &run, "hand-over", &to(&colleague).await).await;
        let offered = offered.expect(200).body;
        act(&manager, &offered, "hand-over/accept", &json!({})).await.problem(403, "forbidden");
        let declined = act(&colleague, &offered, "hand-over/decline", &json!({})).await;
        let declined = declined.expect(200).body;
        assert_eq!(declined["hand_over"], json!(null));
        let offered = act(&manager, &declined, "hand-over", &to(&colleague).await).await;
        let offered = offered.expect(200).body;
        let taken = act(&colleague, &offered, "hand-over/accept", &json!({})).await;
        let taken = taken.expect(200).body;
        assert_eq!(taken["lead"]["name"], "Test colleague");
        // Who recorded it does not take it back by himself.
        act(&adviser, &taken, "hand-over", &to(&adviser).await)
            .await
            .violates("/to_id", "own_proposal");
        let read = adviser.get(&path(&run)).await.expect(200).body;
        assert_eq!(read, taken, "what is answered is what is stored");
        act(&colleague, &taken, "agree", &json!({})).await.expect(200);
    });
}

#[test]
fn a_company_is_accompanied_once_at_a_time_in_the_past_too() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let first = begun(&adviser, "Zweimal GmbH", Some("2026-01-12"), &json!({})).await;
        let ended = json!({"reason": "no_capacity", "ended_on": "2026-02-20"});
        act(&adviser, &first, "end", &ended).await.expect(200);
        let again = json!({
            "company_id": first["company"]["id"], "site_id": KASSEL, "requested_on": "2026-02-02"
        });
        let second = other.post("/accompaniments", &again).await.expect(201).body;
        let agreed = act(&other, &second, "agree", &json!({"agreed_on": "2026-02-02"})).await;
        let agreed = agreed.expect(200).body;
        for day in ["2026-02-02", "2026-02-20"] {
            act(&other, &agreed, "start", &json!({"started_on": day}))
                .await
                .violates("/started_on", "accompanied_then");
        }
        act(&other, &agreed, "start", &json!({"started_on": "2026-02-21"})).await.expect(200);
    });
}

#[test]
fn goals_are_set_and_measured() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let run = begun(&adviser, "Ziel GmbH", None, &json!({})).await;
        let result =
            |number: u32| json!({"results": [{"number": number, "achievement": "partly"}]});
        act(&adviser, &run, "goals/measure", &result(1)).await.problem(409, "no_goals");
        let goal = |title: &str| json!({"title": title});
        let goals = json!({"goals": [goal("Eins"), goal("Zwei")]});
        let run = act(&adviser, &run, "goals", &goals).await.expect(200).body;
        act(&adviser, &run, "goals/measure", &result(3))
            .await
            .violates("/results/0/number", "unknown");
        let run = act(&adviser, &run, "goals/measure", &result(2)).await.expect(200).body;
        let others = json!({"goals": [goal("Zwei"), goal("Drei")]});
        let run = act(&adviser, &run, "goals", &others).await.expect(200).body;
        assert_eq!(run["goals"][0]["result"]["achievement"], "partly", "it stays as it is");
        assert_eq!(run["goals"][1]["result"], json!(null));
        let read = adviser.get(&path(&run)).await.expect(200).body;
        assert_eq!(read, run, "what is answered is what is stored");
    });
}

#[test]
fn a_start_lies_in_a_period_that_takes_entries() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let day = "2025-12-01";
        let run = request(&adviser, "Frist GmbH", &json!({"requested_on": day})).await;
        let run = act(&adviser, &run, "agree", &json!({"agreed_on": day})).await.expect(200).body;
        let before = json!({"started_on": "2025-11-30"});
        act(&adviser, &run, "start", &before).await.violates("/started_on", "before_start");
        let closed = json!({"status": "closed"});
        let period = format!("/funding-periods/{}", crate::harness::PERIOD_2023);
        admin.patch(&period, 1, &closed).await.expect(200);
        let start = json!({"started_on": day});
        act(&adviser, &run, "start", &start).await.problem(409, "funding_period_not_open");
        let run = act(&adviser, &run, "start", &json!({})).await.expect(200).body;
        assert_eq!(run["funding_period"]["id"], PERIOD_2026);
        // A period does not lose what began in it.
        let later = json!({"starts_on": "2026-03-17"});
        admin
            .patch(&format!("/funding-periods/{PERIOD_2026}"), 1, &later)
            .await
            .problem(409, "accompaniments_outside");
        // The same key does it once.
        let again = request(&adviser, "Zweimal GmbH", &json!({})).await;
        let headers = [("If-Match", "\"1\""), ("Idempotency-Key", "agree-once")];
        let agree = format!("{}/agree", path(&again));
        let first = adviser.post_with(&agree, &headers, &json!({})).await.expect(200);
        let second = adviser.post_with(&agree, &headers, &json!({})).await.expect(200);
        assert_eq!(first.body, second.body);
    });
}

#[test]
fn a_list_of_accompaniments_is_filtered_and_paged() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let deputy = json!({"deputy_id": colleague.id().await});
        let old = begun(&adviser, "Alt GmbH", Some("2026-01-12"), &deputy).await;
        let ended = json!({"reason": "no_capacity", "ended_on": "2026-02-02"});
        act(&adviser, &old, "end", &ended).await.expect(200);
        let new = begun(&adviser, "Neu GmbH", Some("2026-03-02"), &json!({})).await;
        request(&colleague, "Wartend GmbH", &json!({})).await;
        let names = async |query: &str| {
            let list = adviser.get(&format!("/accompaniments?{query}")).await.expect(200);
            let name = |run: &Value| run["company"]["name"].as_str().unwrap().to_owned();
            list.items().iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names("").await, ["Wartend GmbH", "Neu GmbH", "Alt GmbH"]);
        assert_eq!(names("sort=created_at").await, ["Alt GmbH", "Neu GmbH", "Wartend GmbH"]);
        assert_eq!(names("status=ended_early").await, ["Alt GmbH"]);
        assert_eq!(names("status=requested").await, ["Wartend GmbH"]);
        assert_eq!(names("status=active&template=hundred_days").await, ["Neu GmbH"]);
        assert_eq!(names("active_on=2026-02-02").await, ["Alt GmbH"]);
        assert_eq!(names("active_on=2026-03-02").await, ["Neu GmbH"]);
        assert_eq!(names("started_from=2026-03-01").await, ["Neu GmbH"]);
        assert_eq!(names("started_to=2026-03-01").await, ["Alt GmbH"]);
        let company = new["company"]["id"].as_str().unwrap();
        assert_eq!(names(&format!("company_id={company}")).await, ["Neu GmbH"]);
        assert_eq!(names("mine=true").await, ["Neu GmbH", "Alt GmbH"]);
        assert_eq!(names(&format!("funding_period_id={PERIOD_2026}")).await.len(), 2);
        assert_eq!(names("template=kurz").await, [""; 0]);
        let mine = colleague.get("/accompaniments?mine=true").await.expect(200);
        assert_eq!(mine.items().len(), 2, "also those stood in for");
        for sort in ["requested_on", "-requested_on", "created_at", "-created_at"] {
            let whole = names(&format!("sort={sort}")).await;
            let (mut found, mut cursor) = (Vec::new(), String::new());
            for _ in 0..3 {
                let page = format!("/accompaniments?sort={sort}&limit=1{cursor}");
                let page = adviser.get(&page).await.expect(200);
                found.push(page.items()[0]["company"]["name"].as_str().unwrap().to_owned());
                cursor = format!("&cursor={}", page.body["next_cursor"].as_str().unwrap_or(""));
            }
            assert_eq!(found, whole, "{sort}");
        }
        let other = app.log_in("other").await;
        assert_eq!(other.get("/accompaniments?total=true").await.expect(200).body["total"], 0);
    });
}

#[test]
fn consultations_events_and_files_belong_to_an_accompaniment() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let run = begun(&adviser, "Bündel GmbH", None, &json!({})).await;
        let theirs = begun(&other, "Fremd GmbH", None, &json!({})).await;
        let id = run["id"].as_str().unwrap();
        let of_run =
            json!({"organisation_id": run["company"]["id"], "accompaniment_id": run["id"]});
        let input = app.consultation(&adviser, &of_run).await;
        let held = adviser.post("/consultations", &input).await.expect(201).body;
        let reference = json!({"id": run["id"], "name": "Bündel GmbH, 2026-03-16"});
        assert_eq!(held["accompaniment"], reference);
        let list = format!("/consultations?accompaniment_id={id}");
        let listed = adviser.get(&list).await.expect(200);
        assert_eq!(listed.items(), &vec![held.clone()]);
        let another = adviser.company("Andere GmbH", &json!({})).await["id"].clone();
        for more in [
            json!({"organisation_id": another}),
            json!({"organisation_id": null}),
            json!({"accompaniment_id": theirs["id"]}),
            json!({"accompaniment_id": NOWHERE}),
        ] {
            let refused = adviser.post("/consultations", &body(&input, &more)).await;
            refused.violates("/accompaniment_id", "unknown");
            let held = format!("/consultations/{}", held["id"].as_str().unwrap());
            adviser.patch(&held, 1, &more).await.violates("/accompaniment_id", "unknown");
        }
        let event = app.event(&adviser, &json!({"accompaniment_id": run["id"]})).await;
        let event = adviser.post("/events", &event).await.expect(201).body;
        assert_eq!(event["accompaniment"], reference);
        let listed = adviser.get(&format!("/events?accompaniment_id={id}")).await.expect(200);
        assert_eq!(listed.items(), &vec![event.clone()]);
        let event = format!("/events/{}", event["id"].as_str().unwrap());
        let foreign = json!({"accompaniment_id": theirs["id"]});
        adviser.patch(&event, 1, &foreign).await.violates("/accompaniment_id", "unknown");
        adviser.patch(&event, 1, &json!({"accompaniment_id": null})).await.expect(200);

        let colleague = app.log_in("colleague").await;
        let attached = pdf(&adviser, &path(&run)).await.expect(201).body;
        assert_eq!(attached["record"], json!({"kind": "accompaniment", "id": run["id"]}));
        pdf(&colleague, &path(&run)).await.problem(403, "forbidden");
        pdf(&other, &path(&run)).await.problem(404, "not_found");
        let list = format!("{}/attachments", path(&run));
        assert_eq!(colleague.get(&list).await.expect(200).items(), &vec![attached]);
        other.get(&list).await.problem(404, "not_found");
    });
}

#[test]
fn milestones_are_where_work_is_looked_for() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let deputy = json!({"deputy_id": colleague.id().await});
        let run = begun(&adviser, "Arbeit GmbH", Some("2026-03-02"), &deputy).await;
        let run = done(&adviser, &run, "kick_off", &json!({"done_on": "2026-03-02"})).await;
        let run = run.expect(200).body;
        let list = async |session: &Session, query: &str| {
            let list = session.get(&format!("/worklist{query}")).await.expect(200);
            let entry = |entry: &Value| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                (text(&entry["kind"]), text(&entry["on"]), text(&entry["milestone"]["code"]))
            };
            list.items().iter().map(entry).collect::<Vec<_>>()
        };
        let expected = [
            ("overdue_milestone", "2026-03-09", "vacancy_profile"),
            ("overdue_milestone", "2026-03-11", "readiness_check"),
            ("due_milestone", "2026-03-19", "pathway_options"),
            ("due_milestone", "2026-03-23", "roadmap"),
        ]
        .map(|(kind, on, code)| (kind.to_owned(), on.to_owned(), code.to_owned()));
        assert_eq!(list(&adviser, "").await, expected);
        assert_eq!(list(&colleague, "").await, expected, "who stands in sees them too");
        let other = app.log_in("other").await;
        assert_eq!(list(&other, "").await, []);
        // What the list says is late is what the record says is late.
        let late = run["steps"].as_array().unwrap().iter();
        let late: Vec<_> = late.filter(|step| !step["state"]["lateness"].is_null()).collect();
        assert_eq!(late.len(), 2);
        let page = adviser.get("/worklist?kind=overdue_milestone&limit=1").await.expect(200);
        assert_eq!(page.body["counts"][0], json!({"kind": "overdue_milestone", "count": 2}));
        insta::assert_snapshot!("worklist_milestone", redacted(&page.body["items"]));

        // Two steps of one run on one day are two entries, also over pages.
        let same_day = json!({"on": "2026-03-11", "reason": "Termin"});
        let run = act(&adviser, &run, "milestones/vacancy_profile/override", &same_day).await;
        let run = run.expect(200).body;
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = adviser.get(&format!("/worklist?limit=1{cursor}")).await.expect(200);
            found.push(page.items()[0]["milestone"]["code"].as_str().unwrap().to_owned());
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, ["vacancy_profile", "readiness_check", "pathway_options", "roadmap"]);

        let timeline = format!(
            "/companies/{}/timeline?kinds=accompaniment&total=true",
            run["company"]["id"].as_str().unwrap()
        );
        let seen = adviser.get(&timeline).await.expect(200);
        assert_eq!(seen.body["total"], 1);
        let entry = &seen.items()[0];
        assert_eq!((&entry["on"], &entry["accompaniment"]), (&json!("2026-03-02"), &run));
        assert_eq!(other.get(&timeline).await.expect(200).body["total"], 0);

        let ended = json!({"reason": "withdrew"});
        act(&adviser, &run, "end", &ended).await.expect(200);
        assert_eq!(list(&adviser, "?days_ahead=300").await, [], "nobody waits for them any more");
    });
}

#[test]
fn who_is_left_is_who_may() {
    both(async |app| {
        let run = begun(&app.log_in("adviser").await, "Rechte GmbH", None, &json!({})).await;
        for user in ["other", "coordinator", "admin", "data.protection"] {
            let session = app.log_in(user).await;
            let answer = session.get(&path(&run)).await;
            assert!(matches!(answer.status, 403 | 404), "{user}: {}", answer.text);
        }
    });
}
