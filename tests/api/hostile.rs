//! What somebody with a log-in tries: a token that is over, fields that are not theirs to set, finding
//! out what there is.

use std::fmt::Write;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api_key::key;
use crate::attachment::pdf;
use crate::harness::{
    Answer, FRANKFURT, KASSEL, PASSWORD, PERIOD_2026, Session, TestApp, VSB, both, send,
};
use crate::matrix::step_code;
use crate::tag::tag;

pub const NOWHERE: &str = "01890000-0000-7000-8000-0000000fffff";

/// Method, path below `/api/v1`, description.
pub fn operations() -> Vec<(Method, &'static str, &'static Value)> {
    let mut operations = Vec::new();
    for (path, item) in lotse_http::document()["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/api/v1") else { continue };
        for (method, operation) in item.as_object().unwrap() {
            operations.push((method.to_uppercase().parse().unwrap(), path, operation));
        }
    }
    operations
}

/// Name and example of the body that an operation takes.
fn example(operation: &Value) -> Option<(&'static str, &'static Value)> {
    let schemas = lotse_http::document()["components"]["schemas"].as_object().unwrap();
    let content = operation.pointer("/requestBody/content")?.as_object()?.values().next()?;
    let name = content["schema"]["$ref"].as_str()?.rsplit('/').next()?;
    let name = name.strip_suffix("Patch").unwrap_or(name);
    let (name, schema) = schemas.get_key_value(name)?;
    Some((name, schema.get("example").or_else(|| schema["examples"].get(0))?))
}

/// How many changes there have been. Each leaves an entry, so the same number before and after says
/// that nothing was changed.
pub async fn changes(app: &TestApp) -> Value {
    let officer = app.log_in("data.protection").await;
    officer.get("/audit-log?total=true&limit=1&changed=true").await.expect(200).body["total"]
        .clone()
}

async fn try_everything(app: &TestApp, gone: &Session) {
    let before = changes(app).await;
    let mut verbs = Vec::new();
    for (method, path, operation) in operations() {
        if operation["security"] == json!([{}]) || path == "/openapi.json" {
            continue;
        }
        let mut target = path.replace("{id}", FRANKFURT).replace("{code}", step_code(path));
        let of_figures = ["values", "trial", "explain"];
        if path.starts_with("/statistics")
            || path.starts_with("/indicators") && of_figures.iter().any(|it| path.ends_with(it))
        {
            write!(target, "?funding_period_id={PERIOD_2026}").unwrap();
        }
        let figure = match path {
            "/districts/candidates" => "?postcode=60311",
            "/statistics/explain" => "&figure=consultations",
            "/statistics/pivot" => "&rows=site&columns=year&figure=minutes",
            "/statistics/events/explain" => "&figure=events",
            "/statistics/programmes/explain" => "&figure=started",
            "/statistics/referrals/explain" => "&figure=made",
            "/search" => "?q=muster",
            _ => "",
        };
        target.push_str(figure);
        let mut request = gone.request(method.clone(), &target).header("If-Match", "\"1\"");
        if let Some((_, example)) = example(operation) {
            request = request.json(example);
        }
        let answer = send(request).await;
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text);
        answer.problem(401, "unauthenticated");
        verbs.push(method);
    }
    for verb in [Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
        assert!(verbs.contains(&verb), "{verb} was not tried");
    }
    assert_eq!(changes(app).await, before);
}

#[test]
fn a_token_that_is_over_opens_nothing() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        admin.post("/auth/logout", &json!({})).await.expect(204);
        try_everything(&app, &admin).await;

        let (admin, other) = (app.log_in("admin").await, app.log_in("admin.2").await);
        let suspend = json!({"status": "suspended"});
        other.patch(&format!("/users/{}", admin.id().await), 1, &suspend).await.expect(200);
        try_everything(&app, &admin).await;
    });
}

#[test]
fn of_many_refreshes_at_once_at_most_one_wins_and_the_session_ends() {
    both(async |app| {
        for _ in 0..5 {
            let credentials = json!({"email": "adviser@test.example", "password": PASSWORD});
            let log_in = app.anonymous().post("/auth/login", &credentials).await.expect(200).body;
            let mut waiting = Vec::new();
            for _ in 0..6 {
                let (nobody, token) = (app.anonymous(), log_in["refresh_token"].clone());
                waiting.push(tokio::spawn(async move {
                    nobody.post("/auth/refresh", &json!({"refresh_token": token})).await
                }));
            }
            let mut winners = Vec::new();
            for answer in waiting {
                let answer = answer.await.unwrap();
                match answer.status {
                    200 => winners.push(answer.body),
                    _ => drop(answer.problem(401, "unauthenticated")),
                }
            }
            assert!(winners.len() <= 1, "{} of six got tokens", winners.len());
            // Two clients have the one token, and nobody knows which is the thief: both are out.
            for tokens in winners.iter().chain([&log_in]) {
                let session = app.with_token(tokens["access_token"].as_str().unwrap());
                session.get("/me").await.problem(401, "unauthenticated");
                let refresh = json!({"refresh_token": tokens["refresh_token"]});
                app.anonymous()
                    .post("/auth/refresh", &refresh)
                    .await
                    .problem(401, "unauthenticated");
            }
        }
    });
}

/// A body with a field more in each of its objects, one at a time: pointer to the field and body.
fn with_foreign_field(body: &Value, name: &str, value: &Value) -> Vec<(String, Value)> {
    fn objects(value: &Value, pointer: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.push(pointer.to_owned());
                for (name, value) in fields {
                    objects(value, &format!("{pointer}/{name}"), found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    objects(item, &format!("{pointer}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    objects(body, "", &mut found);
    let mut bodies = Vec::new();
    for pointer in found {
        let mut body = body.clone();
        body.pointer_mut(&pointer).unwrap()[name] = value.clone();
        bodies.push((format!("{pointer}/{name}"), body));
    }
    bodies
}

/// A record of each resource that has a version, below its path.
pub async fn records(app: &TestApp, adviser: &Session) -> Vec<(&'static str, String)> {
    let company = adviser.company("Fremdfeld GmbH", &json!({})).await;
    let company = company["id"].as_str().unwrap().to_owned();
    let actor = adviser.actor("Fremdkammer", "other").await["id"].as_str().unwrap().to_owned();
    let under = format!("/companies/{company}");
    let contact = json!({"name": "Cora Probstadt"});
    let contact = adviser.post(&format!("{under}/contacts"), &contact).await.expect(201).id();
    let works = json!({"name": "Werk"});
    let works = adviser.post(&format!("{under}/establishments"), &works).await.expect(201).id();
    let input = app.consultation(adviser, &json!({"organisation_id": company})).await;
    let consultation = adviser.post("/consultations", &input).await.expect(201).id();
    let task = crate::task::create(adviser, &json!({})).await["id"].as_str().unwrap().to_owned();
    let referral = json!({"organisation_id": company, "actor_id": actor});
    let referral = crate::referral::create(adviser, &referral).await;
    let referral = referral["id"].as_str().unwrap().to_owned();
    let series = json!({"name": "Fremdfeldreihe"});
    let series = adviser.post("/event-series", &series).await.expect(201).id();
    let input = app.event(adviser, &json!({"series_id": series})).await;
    let event = adviser.post("/events", &input).await.expect(201).id();
    let guests = format!("/events/{event}/participations");
    let guests = adviser.post(&guests, &json!({"headcount": 4})).await.expect(201).id();
    let (key, _) = key(app, &app.log_in("manager").await, &["read_network"]).await;
    let view = json!({"name": "Fremdfeld", "list": "companies"});
    let record = format!("/consultations/{consultation}");
    let attachment = pdf(adviser, &record).await.expect(201).id();
    let missing = crate::correction::missing(app, adviser, &json!({})).await;
    let correction = crate::correction::add(adviser, &missing).await.expect(201).id();
    let case = crate::recruitment_case::open(adviser, &json!({})).await;
    let run = crate::accompaniment::request(adviser, "Fremdfeldlauf GmbH", &json!({})).await;
    let admin = app.log_in("admin").await;
    let template = crate::programme_template::draft(&admin, "fremdfeld").await;
    let indicator = crate::indicator::draft(&admin, "fremdfeld").await;
    let manager = app.log_in("manager").await;
    let target = crate::target::create(&manager, &json!({})).await;
    let report = crate::report::draft(&manager, &json!({})).await;
    let (one, two) = (
        adviser.company("Fremdfeld Eins GmbH", &json!({})).await,
        adviser.company("Fremdfeld Zwei GmbH", &json!({})).await,
    );
    let pair = crate::duplicate_pair::found(app, adviser, "Fremdfeldpaar").await;
    let merge = crate::merge::merged(&manager, &one, &two, &json!({})).await;
    let profile = crate::import::profile("Fremdfeld");
    let profile = adviser.post("/import-profiles", &profile).await.expect(201).id();
    let file = b"Firma;Ort\nFremdimport GmbH;Hanau\n";
    let import = crate::import::upload(adviser, file).await.expect(201).id();
    let (_, job) = crate::import::started(adviser, file).await;
    let change = json!({"kind": "update", "patch": {"status": "dormant"}});
    let ids = [&json!(company)];
    let bulk = crate::bulk::draft(adviser, "companies", &ids, &change).await;
    let first = async |list: &str| {
        let list = adviser.get(&format!("{list}?limit=1")).await.expect(200);
        list.items()[0]["id"].as_str().unwrap().to_owned()
    };
    vec![
        ("/companies", company),
        ("/actors", actor),
        ("/contacts", contact),
        ("/establishments", works),
        ("/consultations", consultation),
        ("/tasks", task),
        ("/referrals", referral),
        ("/event-series", series),
        ("/events", event),
        ("/participations", guests),
        ("/users", app.log_in("manager").await.id().await),
        ("/api-keys", key["id"].as_str().unwrap().to_owned()),
        ("/carriers", VSB.to_owned()),
        ("/sites", KASSEL.to_owned()),
        ("/funding-periods", PERIOD_2026.to_owned()),
        ("/districts", first("/districts").await),
        ("/coverages", first("/coverages").await),
        ("/topics", first("/topics").await),
        ("/tags", tag(adviser, "Pflege und mehr").await["id"].as_str().unwrap().to_owned()),
        ("/saved-views", adviser.post("/saved-views", &view).await.expect(201).id()),
        ("/attachments", attachment),
        ("/corrections", correction),
        ("/recruitment-cases", case["id"].as_str().unwrap().to_owned()),
        ("/accompaniments", run["id"].as_str().unwrap().to_owned()),
        ("/programme-templates", template["id"].as_str().unwrap().to_owned()),
        ("/indicators", indicator["id"].as_str().unwrap().to_owned()),
        ("/targets", target["id"].as_str().unwrap().to_owned()),
        ("/reports", report["id"].as_str().unwrap().to_owned()),
        ("/organisations", one["id"].as_str().unwrap().to_owned()),
        ("/duplicates", pair["id"].as_str().unwrap().to_owned()),
        ("/merges", merge["id"].as_str().unwrap().to_owned()),
        ("/import-profiles", profile),
        ("/imports", import),
        ("/bulk-changes", bulk["id"].as_str().unwrap().to_owned()),
        ("/jobs", job["id"].as_str().unwrap().to_owned()),
    ]
}

#[test]
fn no_body_sets_what_is_not_the_callers_to_set() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let manager = app.log_in("manager").await;
        let records = records(&app, &adviser).await;
        let closed = crate::correction::record(&app, &adviser, &json!({})).await["id"].clone();
        let before = changes(&app).await;
        let mut tried = 0;
        for (method, path, operation) in operations() {
            let Some((schema, example)) = example(operation) else { continue };
            let resource = records.iter().find(|(resource, _)| path.starts_with(resource));
            let session = match resource {
                Some((
                    "/companies" | "/actors" | "/contacts" | "/establishments" | "/consultations"
                    | "/event-series" | "/events" | "/participations" | "/tasks" | "/referrals"
                    | "/tags" | "/saved-views" | "/attachments" | "/corrections"
                    | "/accompaniments" | "/recruitment-cases" | "/imports" | "/import-profiles"
                    | "/jobs" | "/bulk-changes",
                    _,
                )) => &adviser,
                None if path == "/quick-log" => &adviser,
                Some(("/targets" | "/reports", _)) => &manager,
                _ => &admin,
            };
            let target = match resource {
                Some((_, id)) => path.replace("{id}", id).replace("{code}", step_code(path)),
                None => path.to_owned(),
            };
            assert!(!target.contains('{'), "{path}: add a record of its resource");
            // A change is merged into the record, so there the field stands alone.
            let mut body = if method == Method::PATCH { json!({}) } else { example.clone() };
            // Changes are merged into a record, so there must be one.
            if path == "/corrections" {
                body["consultation_id"] = closed.clone();
            }
            let schemas = &lotse_http::document()["components"]["schemas"];
            for (name, value) in [
                ("id", json!(NOWHERE)),
                ("version", json!(99)),
                ("role", json!("admin")),
                ("status", json!("active")),
                ("carrier", json!({"id": VSB, "name": "VSB"})),
                ("carrier_id", json!(VSB)),
                ("site", json!({"id": KASSEL, "name": "Kassel"})),
                ("recorded_by", json!({"id": NOWHERE, "name": "Somebody"})),
                ("created_at", json!("2020-01-01T00:00:00Z")),
                ("updated_at", json!("2020-01-01T00:00:00Z")),
                ("kind", json!("first")),
                ("origin", json!("import")),
                ("archived", json!(null)),
                ("voided", json!({"at": "2020-01-01T00:00:00Z", "reason": "x"})),
                ("password_hash", json!("x")),
                ("__proto__", json!({"role": "admin"})),
            ] {
                for (pointer, body) in with_foreign_field(&body, name, &value) {
                    let (parent, _) = pointer.rsplit_once('/').unwrap();
                    let own = &schemas[schema]["properties"][name];
                    if parent.is_empty() && !own.is_null()
                        || matches!(name, "role" | "carrier_id") && parent == "/assignment"
                        || name == "role" && parent == "/speakers/0"
                        || name == "status" && parent == "/changes"
                        || matches!(name, "role" | "status")
                            && parent.starts_with("/participations/")
                        // A quick log names what there is by its id, or adds it.
                        || name == "id" && parent.starts_with("/contacts/")
                        || matches!(name, "id" | "kind") && parent == "/organisation"
                        // What a list takes.
                        || matches!(name, "status" | "archived") && parent == "/filter"
                        // What a company has, and the kind of a bulk change.
                        || name == "status" && parent == "/change/patch"
                        || name == "kind" && parent == "/change"
                    {
                        continue;
                    }
                    let request =
                        session.request(method.clone(), &target).header("If-Match", "\"1\"");
                    let answer = send(request.json(&body)).await;
                    assert_eq!(answer.status, 422, "{method} {path} {pointer}: {}", answer.text);
                    // What a rule has depends on its subject, so it is refused as a whole.
                    if parent.starts_with("/rule") {
                        answer.problem(422, "invalid");
                    } else {
                        answer.violates(&pointer, "unknown_field");
                    }
                    tried += 1;
                }
            }
        }
        assert!(tried > 500, "only {tried} were tried");
        let consultation = format!("/consultations/{}", records[4].1);
        let voided = json!({"status": "voided"});
        adviser.patch(&consultation, 1, &voided).await.violates("/status", "not_settable");
        assert_eq!(changes(&app).await, before, "nothing was changed");
    });
}

/// All that an answer tells, but for what differs between any two.
fn told(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    let mut body = answer.body.clone();
    body["request_id"] = json!(null);
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        // `Connection` tells whether the body had arrived when the answer was ready.
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id" | "connection"))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status, body, headers)
}

#[test]
fn what_belongs_to_another_carrier_answers_as_if_it_did_not_exist() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let records = records(&app, &adviser).await;
        let before = changes(&app).await;
        for user in ["other", "other.manager"] {
            let other = app.log_in(user).await;
            for (method, path, operation) in operations() {
                let Some((_, id)) = records.iter().find(|(resource, _)| {
                    matches!(
                        *resource,
                        "/contacts"
                            | "/consultations"
                            | "/event-series"
                            | "/events"
                            | "/participations"
                            | "/tasks"
                            | "/referrals"
                            | "/tags"
                            | "/saved-views"
                            | "/attachments"
                            | "/corrections"
                            | "/accompaniments"
                            | "/recruitment-cases"
                            | "/bulk-changes"
                    ) && path.starts_with(resource)
                }) else {
                    continue;
                };
                if !path.contains("{id}") {
                    continue;
                }
                // In order, out of order, of an old version: none of it is looked at before.
                let bodies = match example(operation) {
                    Some((_, example)) => {
                        vec![Some(example.clone()), Some(json!({})), Some(json!({"id": 1}))]
                    }
                    None => vec![None],
                };
                for (version, body) in
                    ["\"1\"", "\"7\""].into_iter().flat_map(|v| bodies.iter().map(move |b| (v, b)))
                {
                    let ask = async |id: &str| {
                        let request = other
                            .request(
                                method.clone(),
                                &path.replace("{id}", id).replace("{code}", step_code(path)),
                            )
                            .header("If-Match", version)
                            .header("If-None-Match", "\"1\"");
                        send(match body {
                            Some(body) => request.json(body),
                            None => request,
                        })
                        .await
                    };
                    let (theirs, none) = (ask(id).await, ask(NOWHERE).await);
                    assert_eq!(told(&theirs), told(&none), "{user}: {method} {path}");
                    // What an adviser may do with no record at all tells nothing of this one.
                    let is_for_managers = user == "other" && path.ends_with("/audit-pack");
                    let expected: &[u16] = if is_for_managers { &[403] } else { &[404, 422] };
                    assert!(expected.contains(&theirs.status), "{method} {path}: {}", theirs.text);
                }
            }
        }
        assert_eq!(changes(&app).await, before, "nothing was changed");
    });
}

#[test]
fn a_refused_log_in_does_not_tell_who_has_an_account() {
    both(async |app| {
        let attempt = async |email: &str| {
            let credentials = json!({"email": email, "password": "wrong horse battery staple"});
            let started = Instant::now();
            let answer = app.anonymous().post("/auth/login", &credentials).await;
            (started.elapsed(), answer.problem(401, "unauthenticated"))
        };
        let (known, unknown) = ("adviser@test.example", "nobody@test.example");
        let mut times: [Vec<Duration>; 2] = Default::default();
        for _ in 0..15 {
            let (time, answer) = attempt(known).await;
            times[0].push(time);
            let (time, other) = attempt(unknown).await;
            times[1].push(time);
            assert_eq!(told(&answer), told(&other));
            // Past the time that an account is held.
            app.advance(TimeDelta::hours(1));
        }
        let [known, unknown] = times.map(|mut times| {
            times.sort();
            times[times.len() / 2].as_secs_f64()
        });
        // Other tests run beside this one, so the bound is wide. It guards against the hash being
        // skipped for one of the two, which makes that answer many times as fast.
        let ratio = known.max(unknown) / known.min(unknown);
        assert!(ratio < 2.5, "known {known:.4} s, unknown {unknown:.4} s");
    });
}
