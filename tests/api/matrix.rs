//! Who may do what, as the API answers: every operation of the OpenAPI document × every role × records
//! of the own carrier, of another one, and such as there are not, in a reviewed text file. An operation
//! without a row, or with another answer, fails; so does a refusal that leaves a trace in the database.

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use lotse_domain::code::Code;
use lotse_domain::policy::{Action, Role, allows};
use lotse_persistence::Conn;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::api_key::{key, wish};
use crate::attachment::{PDF, pdf};
use crate::harness::{
    BWHW, FRANKFURT, KASSEL, PERIOD_2019, PERIOD_2026, Session, TestApp, VSB, body, both, send,
    traces, watch,
};

const ROLES: [(&str, Option<&str>); 7] = [
    ("nobody", None),
    ("adviser", Some("adviser")),
    ("manager", Some("manager")),
    ("coordinator", Some("coordinator")),
    ("admin", Some("admin")),
    ("data_protection", Some("data.protection")),
    // With every scope that a key can have, of the same carrier as adviser and manager.
    ("integration", Some("integration")),
];

/// Whose record is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    /// The carrier of adviser, manager and integration.
    Own,
    Other,
    /// Nobody's: the network shares it.
    Shared,
    /// There is no such record.
    Missing,
    /// The operation is about none in particular.
    None,
}

impl Of {
    fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Other => "other",
            Self::Shared => "shared",
            Self::Missing => "missing",
            Self::None => "-",
        }
    }
}

/// Those who make the records that are asked for. None of them is one of those who ask.
struct Makers {
    own: Session,
    own_manager: Session,
    other: Session,
    other_manager: Session,
    admin: Session,
    /// A short one: what runs by it is made quickly.
    template: String,
}

impl Makers {
    async fn new(app: &TestApp) -> Self {
        let admin = app.log_in("admin.2").await;
        let second = json!({
            "email": "manager.2@test.example", "name": "Test manager 2",
            "password": crate::harness::PASSWORD,
            "assignment": {"role": "manager", "carrier_id": BWHW, "valid_from": "2026-01-01"},
        });
        admin.post("/users", &second).await.expect(201);
        let template = crate::programme_template::published(&admin, "matrix").await;
        Self {
            own: app.log_in("colleague").await,
            own_manager: app.log_in("manager.2").await,
            other: app.log_in("other").await,
            other_manager: app.log_in("other.manager").await,
            admin,
            template: template["id"].as_str().unwrap().to_owned(),
        }
    }

    /// A new record of the kind that the operation is about.
    async fn make(&self, app: &TestApp, path: &str, of: Of) -> String {
        const MISSING: &str = "01890000-0000-7000-8000-0000000fffff";
        let (adviser, manager, carrier) = match of {
            Of::Missing | Of::None => return MISSING.to_owned(),
            Of::Other => (&self.other, &self.other_manager, VSB),
            Of::Own | Of::Shared => (&self.own, &self.own_manager, BWHW),
        };
        let first = async |list: &str| {
            let list = self.admin.get(&format!("{list}?limit=1")).await.expect(200);
            list.items()[0]["id"].as_str().unwrap().to_owned()
        };
        match path.split('/').nth(1).unwrap() {
            "actors" => {
                let made = adviser.actor("Musterkammer", "other").await;
                made["id"].as_str().unwrap().to_owned()
            }
            "companies" | "organisations" => {
                let made = adviser.company("Muster GmbH", &json!({})).await;
                made["id"].as_str().unwrap().to_owned()
            }
            "merges" => {
                let one = adviser.company("Muster GmbH", &json!({})).await;
                let two = adviser.company("Muster", &json!({})).await;
                let made = crate::merge::merged(manager, &one, &two, &json!({})).await;
                made["id"].as_str().unwrap().to_owned()
            }
            "duplicates" => {
                let pair = crate::duplicate_pair::found(app, adviser, &new_name()).await;
                if path.ends_with("/restore") {
                    crate::duplicate_pair::act(manager, &pair, "dismiss").await.expect(200);
                }
                pair["id"].as_str().unwrap().to_owned()
            }
            "establishments" => {
                let company = adviser.company("Muster GmbH", &json!({})).await;
                let under = format!("/companies/{}", company["id"].as_str().unwrap());
                let works = json!({"name": "Werk"});
                adviser.post(&format!("{under}/establishments"), &works).await.expect(201).id()
            }
            "contacts" => {
                let company = adviser.company("Muster GmbH", &json!({})).await;
                let under = format!("/companies/{}", company["id"].as_str().unwrap());
                let contact = json!({"name": "Cora Probstadt"});
                adviser.post(&format!("{under}/contacts"), &contact).await.expect(201).id()
            }
            "consultations" => {
                let input = app.consultation(adviser, &json!({})).await;
                adviser.post("/consultations", &input).await.expect(201).id()
            }
            "recruitment-cases" => {
                let made = recruitment_case(adviser, path).await;
                made["id"].as_str().unwrap().to_owned()
            }
            "accompaniments" => {
                let made = accompaniment(adviser, manager, &self.template, path).await;
                made["id"].as_str().unwrap().to_owned()
            }
            "programme-templates" => {
                let made = match path.rsplit('/').next() {
                    Some("retire") => {
                        crate::programme_template::published(&self.admin, &new_code()).await
                    }
                    _ => crate::programme_template::draft(&self.admin, &new_code()).await,
                };
                made["id"].as_str().unwrap().to_owned()
            }
            "indicators" => {
                let made = crate::indicator::draft(&self.admin, &new_code()).await;
                let made = if path.ends_with("/retire") {
                    crate::indicator::act(&self.admin, &made, "activate").await.expect(200).body
                } else {
                    made
                };
                made["id"].as_str().unwrap().to_owned()
            }
            "targets" => {
                static MADE: AtomicUsize = AtomicUsize::new(0);
                // One for each indicator, time and place.
                let code = new_code();
                let made = crate::indicator::draft(&self.admin, &code).await;
                crate::indicator::act(&self.admin, &made, "activate").await.expect(200);
                let more =
                    json!({"indicator": code, "value": 1 + MADE.fetch_add(1, Ordering::Relaxed)});
                let made = crate::target::create(manager, &more).await;
                made["id"].as_str().unwrap().to_owned()
            }
            "reports" => {
                let made = if path.ends_with("/accept")
                    || path.ends_with("/verification")
                    || path.ends_with("/differences")
                {
                    // Of a day without records, which is frozen quickly.
                    let day = json!({"funding_period_id": PERIOD_2019, "to": "2019-01-01"});
                    crate::report::submitted(manager, &day).await
                } else {
                    crate::report::draft(manager, &json!({})).await
                };
                made["id"].as_str().unwrap().to_owned()
            }
            "tasks" => {
                let made = crate::task::create(adviser, &json!({})).await;
                let id = made["id"].as_str().unwrap().to_owned();
                if path.ends_with("/reopen") {
                    let complete = format!("/tasks/{id}/complete");
                    let first = [("If-Match", "\"1\"")];
                    adviser.post_with(&complete, &first, &json!({})).await.expect(200);
                }
                id
            }
            "corrections" => {
                let missing = crate::correction::missing(app, adviser, &json!({})).await;
                crate::correction::add(adviser, &missing).await.expect(201).id()
            }
            "referrals" => {
                let names = referred(adviser).await;
                let made = crate::referral::create(adviser, &names).await;
                made["id"].as_str().unwrap().to_owned()
            }
            "event-series" => {
                static MADE: AtomicUsize = AtomicUsize::new(0);
                let name = format!("Reihe {}", MADE.fetch_add(1, Ordering::Relaxed));
                adviser.post("/event-series", &json!({"name": name})).await.expect(201).id()
            }
            "events" | "participations" => {
                let input = app.event(manager, &json!({"staff_ids": [adviser.id().await]})).await;
                let event = adviser.post("/events", &input).await.expect(201).id();
                if path.starts_with("/events") {
                    return event;
                }
                let under = format!("/events/{event}/participations");
                adviser.post(&under, &json!({"headcount": 2})).await.expect(201).id()
            }
            "api-keys" => {
                let wish = body(&wish(&["read_register"]), &json!({"carrier_id": carrier}));
                // What waits can be approved.
                let maker = if path.ends_with("/approve") { &self.admin } else { manager };
                maker.post("/api-keys", &wish).await.expect(201).id()
            }
            "tags" => adviser.post("/tags", &json!({"name": new_name()})).await.expect(201).id(),
            "saved-views" => {
                let view = json!({"name": new_name(), "list": "companies", "shared": true});
                adviser.post("/saved-views", &view).await.expect(201).id()
            }
            "bulk-changes" => {
                let company = adviser.company("Muster GmbH", &json!({})).await;
                let change = json!({"kind": "update", "patch": {"status": "dormant"}});
                let ids = [&company["id"]];
                let made = crate::bulk::draft(adviser, "companies", &ids, &change).await;
                made["id"].as_str().unwrap().to_owned()
            }
            "import-profiles" => {
                let profile = crate::import::profile(&new_name());
                adviser.post("/import-profiles", &profile).await.expect(201).id()
            }
            "imports" => match path.rsplit_once("{id}/").map(|(_, last)| last) {
                Some("run") => crate::import::confirmed(adviser, &a_file()).await,
                Some("undo") => {
                    let (import, _) = crate::import::started(adviser, &a_file()).await;
                    crate::import::work(app);
                    import
                }
                _ => crate::import::upload(adviser, &a_file()).await.expect(201).id(),
            },
            "jobs" => {
                let (_, job) = crate::import::started(adviser, &a_file()).await;
                let id = job["id"].as_str().unwrap().to_owned();
                if path.ends_with("/retry") {
                    let cancel = format!("/jobs/{id}/cancel");
                    crate::import::act(adviser, &cancel, &job["version"]).await.expect(200);
                }
                id
            }
            "attachments" => {
                let input = app.consultation(adviser, &json!({})).await;
                let record = adviser.post("/consultations", &input).await.expect(201).id();
                let record = format!("/consultations/{record}");
                pdf(adviser, &record).await.expect(201).id()
            }
            "users" => {
                static MADE: AtomicUsize = AtomicUsize::new(0);
                let new = json!({
                    "email": format!("new.{}@test.example", MADE.fetch_add(1, Ordering::Relaxed)),
                    "name": "Test new",
                    "assignment": {
                        "role": "adviser", "carrier_id": carrier, "valid_from": "2025-01-01"
                    },
                });
                self.admin.post("/users", &new).await.expect(201).id()
            }
            "me" => {
                // A session of somebody else.
                let sessions = adviser.get("/me/sessions").await.expect(200);
                sessions.items()[0]["id"].as_str().unwrap().to_owned()
            }
            "carriers" => carrier.to_owned(),
            "sites" => if of == Of::Other { KASSEL } else { FRANKFURT }.to_owned(),
            "funding-periods" => PERIOD_2026.to_owned(),
            "districts" => first("/districts").await,
            "coverages" => first("/coverages").await,
            "topics" => first("/topics").await,
            resource => panic!("say how to make one of {resource}"),
        }
    }
}

/// A run in a state in which the operation is possible.
async fn accompaniment(adviser: &Session, manager: &Session, template: &str, path: &str) -> Value {
    use crate::accompaniment::{act, begun};
    let last = path.split('/').skip(3).collect::<Vec<_>>().join("/");
    let (name, short) = (new_name(), json!({"template_id": template}));
    let done = async |run: Value, what: &str, input: Value| {
        act(adviser, &run, what, &input).await.expect(200).body
    };
    match last.as_str() {
        "start" => {
            let run = crate::accompaniment::request(adviser, &name, &short).await;
            done(run, "agree", json!({})).await
        }
        // A pause begins after the first day.
        "pause" => begun(adviser, &name, Some("2026-03-15"), &short).await,
        "resume" => {
            let run = begun(adviser, &name, Some("2026-03-15"), &short).await;
            done(run, "pause", a_pause()).await
        }
        "complete" => {
            let run = begun(adviser, &name, None, &short).await;
            done(run, "milestones/kick_off/waive", json!({"reason": "By phone"})).await
        }
        "goals/measure" => {
            let run = begun(adviser, &name, None, &short).await;
            done(run, "goals", json!({"goals": [{"title": "One vacancy filled"}]})).await
        }
        "milestones/{code}/reopen" => {
            let run = begun(adviser, &name, None, &short).await;
            done(run, "milestones/kick_off/complete", json!({})).await
        }
        "milestones/{code}/clear-override" => {
            let run = begun(adviser, &name, None, &short).await;
            let away = json!({"on": "2026-04-20", "reason": "Away"});
            done(run, "milestones/kick_off/override", away).await
        }
        "" | "agree" | "reject" | "history" | "attachments" | "hand-over" => {
            crate::accompaniment::request(adviser, &name, &short).await
        }
        "hand-over/accept" | "hand-over/decline" => {
            let run = crate::accompaniment::request(adviser, &name, &short).await;
            let to = json!({"to_id": manager.id().await});
            done(run, "hand-over", to).await
        }
        _ => begun(adviser, &name, None, &short).await,
    }
}

/// One that the short programme allows on its second day, today.
fn a_pause() -> Value {
    json!({"until": "2026-03-17", "reason": "Works holidays"})
}

/// A case in a state in which the operation is possible.
async fn recruitment_case(adviser: &Session, path: &str) -> Value {
    use crate::recruitment_case::{act, open};
    let case = open(adviser, &json!({})).await;
    let step = format!("steps/{}", step_code(path));
    let (before, input) = match path.rsplit_once("{id}/").map(|(_, last)| last) {
        Some("reopen") => ("close".to_owned(), json!({"outcome": "other"})),
        Some("steps/{code}/reopen") => (format!("{step}/complete"), json!({})),
        Some("steps/{code}/clear-override") => {
            (format!("{step}/override"), json!({"on": "2026-04-20", "reason": "Away"}))
        }
        _ => return case,
    };
    act(adviser, &case, &before, &input).await.expect(200).body
}

/// A step that there is.
pub fn step_code(path: &str) -> &'static str {
    if path.starts_with("/recruitment-cases") { "power_of_attorney" } else { "kick_off" }
}

/// A code that no template has yet.
fn new_code() -> String {
    new_name().to_lowercase().replace(' ', "_")
}

/// An organisation and an actor, as a referral names them.
async fn referred(adviser: &Session) -> Value {
    let company = adviser.company("Muster GmbH", &json!({})).await;
    let actor = adviser.actor("Musterkammer", "other").await;
    json!({"organisation_id": company["id"], "actor_id": actor["id"]})
}

/// A file that was not imported yet, with a company of another name.
fn a_file() -> Vec<u8> {
    format!("Firma;Ort\n{} GmbH;Hanau\n", new_name()).into_bytes()
}

/// A name that no record has yet.
fn new_name() -> String {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    format!("Neu {}", MADE.fetch_add(1, Ordering::Relaxed))
}

/// Whose records an operation is tried with.
fn places(id: &str, path: &str) -> Vec<Of> {
    match path.split('/').nth(1).unwrap() {
        _ if matches!(
            id,
            "log_consultation"
                | "enter_correction"
                | "create_event"
                | "request_accompaniment"
                | "open_recruitment_case"
                | "create_api_key"
                | "create_target"
                | "reassign_tasks"
        ) =>
        {
            vec![Of::Own, Of::Other]
        }
        _ if !path.contains("{id}") => vec![Of::None],
        "consultations" | "contacts" | "event-series" | "events" | "participations" | "tasks"
        | "referrals" | "corrections" | "accompaniments" | "recruitment-cases" | "tags"
        | "saved-views" | "attachments" | "api-keys" | "users" | "sites" | "carriers"
        | "bulk-changes" | "imports" | "import-profiles" | "jobs" => {
            vec![Of::Own, Of::Other, Of::Missing]
        }
        "targets" | "reports" => vec![Of::Own, Of::Other, Of::Missing],
        "me" => vec![Of::Other, Of::Missing],
        _ => vec![Of::Shared, Of::Missing],
    }
}

/// A body of the right shape, so that an answer tells of permission and not of JSON: the example of
/// the document, or one that names what there is.
async fn input(app: &TestApp, makers: &Makers, operation: &Value, of: Of) -> Option<Value> {
    let content = operation.pointer("/requestBody/content")?.as_object()?;
    let (maker, carrier) = if of == Of::Other { (&makers.other, VSB) } else { (&makers.own, BWHW) };
    match operation["operationId"].as_str().unwrap() {
        "log_consultation" => return Some(app.consultation(maker, &json!({})).await),
        "enter_correction" => {
            let record = crate::correction::record(app, maker, &json!({})).await;
            let void = json!({"kind": "void", "consultation_id": record["id"]});
            return Some(body(&void, &json!({"reason": "Twice"})));
        }
        // A key has no site and does not advise, so it says who does and where.
        "quick_log" => {
            return Some(json!({
                "minutes": 20, "channel": "phone", "topics": ["fast_track"],
                "site_id": FRANKFURT, "adviser_ids": [makers.own.id().await]
            }));
        }
        // A key does no work itself, so it says who does.
        "create_task" => {
            let owner = maker.id().await;
            return Some(json!({"title": "Ask", "due_on": "2026-04-01", "owner_id": owner}));
        }
        "create_referral" => {
            let referral = json!({"reason": "Recognition", "owner_id": maker.id().await});
            return Some(body(&referral, &referred(maker).await));
        }
        // Who has nothing to do, of the own carrier or another.
        "reassign_tasks" => {
            let from = if of == Of::Other { &makers.other_manager } else { &makers.own_manager };
            return Some(json!({
                "from_user_id": from.id().await, "to_user_id": makers.own.id().await
            }));
        }
        "create_event" => return Some(app.event(maker, &json!({})).await),
        // A key leads nothing itself, so it says who does.
        "request_accompaniment" => {
            let lead = json!({"lead_id": maker.id().await, "template_id": makers.template});
            return Some(crate::accompaniment::input(maker, "Muster GmbH", &lead).await);
        }
        "open_recruitment_case" => {
            let lead = json!({"lead_id": maker.id().await});
            return Some(crate::recruitment_case::input(maker, &lead).await);
        }
        "create_indicator" => return Some(crate::indicator::input(&new_code())),
        // Each time and place has one.
        "create_target" => {
            let (code, site) = (new_code(), if of == Of::Other { KASSEL } else { FRANKFURT });
            let made = crate::indicator::draft(&makers.admin, &code).await;
            crate::indicator::act(&makers.admin, &made, "activate").await.expect(200);
            return Some(crate::target::input(&json!({"indicator": code, "site_id": site})));
        }
        "draft_report" => return Some(crate::report::input(&json!({}))),
        "create_programme_template" => {
            return Some(crate::programme_template::short(&new_code()));
        }
        "hand_accompaniment_over" => {
            let to = if of == Of::Other { &makers.other_manager } else { &makers.own_manager };
            return Some(json!({"to_id": to.id().await}));
        }
        "agree_accompaniment"
        | "start_accompaniment"
        | "resume_accompaniment"
        | "complete_milestone" => return Some(json!({})),
        "pause_accompaniment" => return Some(a_pause()),
        "measure_accompaniment_goals" => {
            return Some(json!({"results": [{"number": 1, "achievement": "partly"}]}));
        }
        // What re-planning would do is another question.
        "set_accompaniment_goals" => return Some(json!({"goals": []})),
        "override_milestone" | "override_recruitment_case_step" => {
            return Some(json!({"on": "2026-04-20", "reason": "Away"}));
        }
        "close_recruitment_case" => return Some(json!({"outcome": "other"})),
        // The examples name records that are not there.
        "register_participation" => return Some(json!({"headcount": 3})),
        "record_attendance" => return Some(json!({"participations": [], "others": "no_show"})),
        "create_import_profile" => return Some(crate::import::profile(&new_name())),
        "create_tag" => return Some(json!({"name": new_name()})),
        // Which tags there are is another question.
        "set_company_tags" | "set_actor_tags" | "set_consultation_tags" => {
            return Some(json!({"tag_ids": []}));
        }
        "create_api_key" => {
            return Some(body(&wish(&["read_register"]), &json!({"carrier_id": carrier})));
        }
        _ => (),
    }
    let (_, media) = content.iter().next()?;
    let name = media["schema"]["$ref"].as_str()?.rsplit('/').next()?;
    if name.ends_with("Patch") {
        return Some(json!({}));
    }
    let schema = &lotse_http::document()["components"]["schemas"][name];
    schema.get("example").or_else(|| schema["examples"].get(0)).cloned()
}

/// Another one with the token of a preview.
async fn merge_input(makers: &Makers, id: &str, of: Of) -> Value {
    let other = makers.own.company("Muster", &json!({})).await;
    let input = json!({"other_id": other["id"]});
    if of == Of::Missing {
        return body(&input, &json!({"token": "none"}));
    }
    let path = format!("/organisations/{id}/merges?preview=true");
    let seen = [("If-Match", "\"1\"")];
    let preview = makers.own_manager.post_with(&path, &seen, &input).await.expect(200);
    body(&input, &json!({"token": preview.body["token"]}))
}

/// The version of a record, read by somebody who may; 1 where there is none.
async fn version(makers: &Makers, path: &str, id: &str, of: Of) -> i64 {
    let resource = path.split('/').nth(1).unwrap();
    let reader = match (resource, of) {
        (
            "users"
            | "carriers"
            | "sites"
            | "districts"
            | "coverages"
            | "topics"
            | "funding-periods"
            | "api-keys"
            | "programme-templates"
            | "indicators",
            _,
        ) => &makers.admin,
        (_, Of::Other) => &makers.other,
        _ => &makers.own,
    };
    reader.get(&format!("/{resource}/{id}")).await.body["version"].as_i64().unwrap_or(1)
}

async fn integration(app: &TestApp) -> Session {
    let scopes: Vec<&str> = Action::all()
        .into_iter()
        .filter(|action| *action != Action::ReadOwnAccount && allows(Role::Integration, *action))
        .map(Code::code)
        .collect();
    let session = key(app, &app.log_in("manager").await, &scopes).await.1;
    // The first use is noted.
    session.get("/me").await.expect(200);
    session
}

/// One request as each of the roles, each with a record of its own.
struct Row<'a> {
    method: Method,
    path: &'a str,
    operation: &'a Value,
    of: Of,
}

async fn ask(app: &TestApp, conn: &mut Conn, makers: &Makers, who: &Session, row: &Row<'_>) -> u16 {
    let id = makers.make(app, row.path, row.of).await;
    let version = version(makers, row.path, &id, row.of).await;
    let target = match row.operation["operationId"].as_str().unwrap() {
        "get_statistics"
        | "get_event_statistics"
        | "get_programme_statistics"
        | "get_referral_statistics"
        | "get_indicator_values"
        | "get_publication_figures" => {
            format!("{}?funding_period_id={PERIOD_2019}", row.path)
        }
        "explain_figure" => {
            format!("{}?funding_period_id={PERIOD_2019}&figure=consultations", row.path)
        }
        "list_district_candidates" => format!("{}?postcode=60311", row.path),
        // Each role enters the same one.
        "create_company" | "create_actor" => format!("{}?create_anyway=true", row.path),
        "search" => format!("{}?q=muster", row.path),
        "get_pivot" => format!(
            "{}?funding_period_id={PERIOD_2019}&rows=site&columns=year&figure=minutes",
            row.path
        ),
        "explain_event_figure" => {
            format!("{}?funding_period_id={PERIOD_2019}&figure=events", row.path)
        }
        "explain_programme_figure" => {
            format!("{}?funding_period_id={PERIOD_2019}&figure=started", row.path)
        }
        "explain_referral_figure" => {
            format!("{}?funding_period_id={PERIOD_2019}&figure=made", row.path)
        }
        "try_indicator" | "explain_indicator" => {
            format!("{}?funding_period_id={PERIOD_2019}", row.path.replace("{id}", &id))
        }
        "attach_to_consultation" | "attach_to_event" | "attach_to_accompaniment" => {
            format!("{}?name=a.pdf", row.path.replace("{id}", &id))
        }
        "upload_import" => format!("{}?target=companies&name=a.csv", row.path),
        _ => row.path.replace("{id}", &id).replace("{code}", step_code(row.path)),
    };
    let mut request =
        who.request(row.method.clone(), &target).header("If-Match", format!("\"{version}\""));
    if target.ends_with("?name=a.pdf") {
        request = request.header(CONTENT_TYPE, "application/pdf").body(PDF);
    } else if row.operation["operationId"] == "merge_organisations" {
        request = request.json(&merge_input(makers, &id, row.of).await);
    } else if target.ends_with("&name=a.csv") {
        request = request.header(CONTENT_TYPE, "text/csv").body(a_file());
    } else if let Some(body) = input(app, makers, row.operation, row.of).await {
        request = request.json(&body);
    }
    traces(conn);
    let status = send(request).await.status;
    let left = traces(conn);
    match status {
        401 | 403 | 404 => {
            assert!(left.is_empty(), "{} {target}: {status}, and {left:?}", row.method);
        }
        // Else nothing would be seen of the others either.
        201 => assert!(!left.is_empty(), "{} {target}: {status} without a trace", row.method),
        _ => (),
    }
    status
}

async fn table(app: TestApp) -> String {
    let mut table = format!("{:<45} {:<8}", "", "record");
    for (role, _) in ROLES {
        write!(table, " {role:<15}").unwrap();
    }
    let makers = Makers::new(&app).await;
    let mut sessions = Vec::new();
    for (_, user) in ROLES {
        sessions.push(match user {
            Some("integration") => integration(&app).await,
            Some(user) => app.log_in(user).await,
            None => app.anonymous(),
        });
    }
    let mut conn = app.connect();
    watch(&app, &mut conn);
    for (path, item) in lotse_http::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // The log-in itself is for everybody, and log-out would end the sessions used here.
            let id = operation["operationId"].as_str().unwrap();
            let Some(path) = path.strip_prefix("/api/v1") else { continue };
            if matches!(id, "log_in" | "refresh_session" | "log_out") {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            for of in places(id, path) {
                let row = Row { method: method.clone(), path, operation, of };
                let operation = format!("{method} {path}");
                table = format!("{}\n{operation:<45} {:<8}", table.trim_end(), of.name());
                for session in &sessions {
                    let status = ask(&app, &mut conn, &makers, session, &row).await;
                    write!(table, " {status:<15}").unwrap();
                }
            }
        }
    }
    format!("{}\n", table.trim_end())
}

#[test]
fn the_reviewed_matrix_is_what_the_api_answers() {
    both(async |app| {
        let table = table(app).await;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/api/matrix.txt");
        if std::env::var_os("UPDATE_MATRIX").is_some() {
            std::fs::write(path, &table).unwrap();
        }
        let reviewed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            reviewed == table,
            "the answers changed; review and write it anew with UPDATE_MATRIX=1:\n{table}"
        );
    });
}
