//! Who may do what, as the API answers: every operation of the OpenAPI document × every role, in a
//! reviewed text file. An operation without a row, or with another answer, fails.

use std::fmt::Write;

use lotse_domain::code::Code;
use lotse_domain::policy::{Action, Role, allows};
use serde_json::{Value, json};

use crate::api_key::key;
use crate::harness::{Session, TestApp, both};

const ROLES: [(&str, Option<&str>); 7] = [
    ("nobody", None),
    ("adviser", Some("adviser")),
    ("manager", Some("manager")),
    ("coordinator", Some("coordinator")),
    ("admin", Some("admin")),
    ("data_protection", Some("data.protection")),
    // With every scope that a key can have.
    ("integration", Some("integration")),
];

/// The body that the document gives as an example: of the right shape, so that an answer tells of
/// permission and not of JSON. The ids in it may not exist.
fn example(operation: &Value) -> Option<Value> {
    let content = operation.pointer("/requestBody/content")?.as_object()?;
    let (_, media) = content.iter().next()?;
    let name = media["schema"]["$ref"].as_str()?.rsplit('/').next()?;
    if name.ends_with("Patch") {
        return Some(json!({}));
    }
    let schema = &lotse_http::document()["components"]["schemas"][name];
    schema.get("example").or_else(|| schema["examples"].get(0)).cloned()
}

async fn table(app: TestApp) -> String {
    let mut table = format!("{:<60}", "");
    for (role, _) in ROLES {
        write!(table, " {role:<15}").unwrap();
    }
    let mut sessions = Vec::new();
    for (_, user) in ROLES {
        sessions.push(match user {
            Some("integration") => integration(&app).await,
            Some(user) => app.log_in(user).await,
            None => app.anonymous(),
        });
    }
    for (path, item) in lotse_http::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // The log-in itself is for everybody, and log-out would end the sessions used here.
            let id = operation["operationId"].as_str().unwrap();
            let Some(route) = path.strip_prefix("/api/v1") else { continue };
            if matches!(id, "log_in" | "refresh_session" | "log_out") {
                continue;
            }
            let method = method.to_uppercase();
            table = format!("{}\n{:<60}", table.trim_end(), format!("{method} {route}"));
            for session in &sessions {
                let target = route.replace("{id}", "01890000-0000-7000-8000-0000000fffff");
                let target = match id {
                    "get_statistics" => {
                        format!("{target}?funding_period_id={}", crate::harness::PERIOD_2019)
                    }
                    _ => target,
                };
                let mut request =
                    session.request(method.parse().unwrap(), &target).header("If-Match", "\"1\"");
                if let Some(body) = example(operation) {
                    request = request.json(&body);
                }
                let status = request.send().await.unwrap().status().as_u16();
                write!(table, " {status:<15}").unwrap();
            }
        }
    }
    format!("{}\n", table.trim_end())
}

async fn integration(app: &TestApp) -> Session {
    let scopes: Vec<&str> = Action::all()
        .into_iter()
        .filter(|action| *action != Action::ReadOwnAccount && allows(Role::Integration, *action))
        .map(Code::code)
        .collect();
    key(app, &app.log_in("manager").await, &scopes).await.1
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

#[test]
fn a_refused_change_leaves_nothing_behind() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let before = admin.get("/carriers?total=true").await.expect(200).body;
        for user in ["adviser", "manager", "coordinator", "data.protection"] {
            let session = app.log_in(user).await;
            let carrier = json!({"code": "X", "name": "Somebody"});
            session.post("/carriers", &carrier).await.problem(403, "forbidden");
        }
        assert_eq!(admin.get("/carriers?total=true").await.expect(200).body, before);
    });
}
