//! The OpenAPI document: collected from the routes, completed with what all operations share, served
//! with a viewer. `openapi/openapi.json` is the committed copy; a test compares them.

use std::sync::LazyLock;

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, get};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, OpenApi};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::export::{ExportFormat, ExportParams};
use crate::problem::ProblemBody;

/// The id in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the derive only; `PathId` extracts it")]
pub struct IdPath {
    #[param(format = Uuid)]
    id: String,
}

/// The code of a step in the path, beside the id.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the derive only; `PathCode` extracts it")]
pub struct StepPath {
    #[param(example = "midterm_review")]
    code: String,
}

/// The version that the client saw.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the derive only; `Change` and `VersionedCommand` extract it")]
pub struct IfMatchHeader {
    /// `ETag` of the record as the client saw it.
    #[param(rename = "If-Match", example = "\"3\"")]
    if_match: String,
}

/// The version that the client has.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the derive only; `Found` looks at it")]
pub struct IfNoneMatchHeader {
    /// `ETag` of the record that the client has; answered with 304 while it is current.
    #[param(rename = "If-None-Match", example = "\"3\"")]
    if_none_match: Option<String>,
}

/// The key that makes a repeated request safe.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the derive only; `Command` extracts it")]
pub struct IdempotencyHeader {
    /// 1 to 255 printable characters, made by the client, new for each thing to do. The same key with
    /// the same request is answered as the first time, for 24 hours.
    #[param(rename = "Idempotency-Key", example = "7f9c1f0e-3c56-4c0e-9b6a-2f1f3f0b6a11")]
    idempotency_key: Option<String>,
}

/// A list without filters of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// An action that needs no more than its name: `{}`.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct Nothing {}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lotse",
        description = "The system of record for publicly funded employer consultation on \
            skilled-worker immigration.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "Session", description = "Log-in, tokens, the own account"),
        (name = "Network", description = "Carriers, sites, districts, funding periods, topics, users"),
        (name = "Register", description = "Companies, actors and their contacts"),
        (name = "Imports", description = "Files that become records, the jobs behind them, and how they are taken back"),
        (name = "Bulk changes", description = "One change of many records, each by its own rules"),
        (name = "Consultations", description = "What was said to whom"),
        (name = "Corrections", description = "What records of closed funding periods should have said"),
        (name = "Events", description = "Round tables, conferences and the rest, and who took part"),
        (name = "Programme templates", description = "What accompaniments and recruitment cases are planned by"),
        (name = "Accompaniments", description = "Companies accompanied for 100 days, step by step"),
        (name = "Recruitment cases", description = "Checklists by which vacancies are filled from abroad"),
        (name = "Tasks", description = "What is to be done, by whom, by when"),
        (name = "Referrals", description = "Who was sent on to which network actor, and what came of it"),
        (name = "Calendar", description = "The own tasks, referrals and events in a calendar program"),
        (name = "Tags and views", description = "How a carrier sorts its records, and what is looked at often"),
        (name = "Attachments", description = "Files of consultations, events and accompaniments"),
        (name = "Audit packs", description = "All that is on record, for the check on site"),
        (name = "Figures", description = "The figures of a funding period"),
        (name = "API keys", description = "How other systems work with the API"),
        (name = "Audit", description = "Who changed what"),
        (name = "Health", description = "For orchestrators")
    ),
    components(schemas(ProblemBody))
)]
struct Base;

/// The document as it is served and committed.
#[must_use]
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let (_, collected) = App::new()
            .into_utoipa_app()
            .openapi(Base::openapi())
            .service(utoipa_actix_web::scope("/api/v1").configure(crate::routes))
            .configure(crate::health::routes)
            .split_for_parts();
        let mut document = serde_json::to_value(collected).unwrap_or_default();
        complete(&mut document);
        document
    });
    &DOCUMENT
}

/// Adds what all operations share: security, the errors that their shape implies, and the schemas of
/// merge patches.
fn complete(document: &mut Value) {
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "The access token of a session (JWT), or the secret of an API key"
        },
        "cookie": {
            "type": "apiKey", "in": "cookie", "name": "__Host-lotse_access",
            "description": "The access token of a session that was asked for in cookies; what \
                changes something needs the `Origin` of the installation besides"
        }
    });
    document["security"] = json!([{"bearer": []}, {"cookie": []}]);
    document["components"]["responses"] = responses();
    document["components"]["parameters"] = export_parameters();

    let mut patched = Vec::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths.iter_mut() {
            let of_organisation = ["/api/v1/companies/{id}", "/api/v1/actors/{id}"]
                .iter()
                .any(|it| path.starts_with(it));
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if method == "get" && of_organisation && !path.ends_with("/history") {
                    operation["responses"]["308"] =
                        json!({"$ref": "#/components/responses/Merged"});
                }
                if matches!(method.as_str(), "get" | "post" | "put" | "patch" | "delete") {
                    complete_operation(operation, &mut patched);
                }
            }
        }
    }
    patched.sort();
    patched.dedup();
    for name in patched {
        let schema = merge_patch_schema(&document["components"]["schemas"][&name]);
        document["components"]["schemas"][format!("{name}Patch")] = schema;
    }
}

/// The parameters by which every list is a file too, by name.
fn export_parameters() -> Value {
    let parameters = ExportParams::into_params(|| Some(ParameterIn::Query));
    let named = parameters.into_iter().filter_map(|one| {
        let name = one.name.clone();
        Some((name, serde_json::to_value(one).ok()?))
    });
    Value::Object(named.collect())
}

fn add_export(operation: &mut Value) {
    if let Some(known) = operation["parameters"].as_array_mut() {
        let names = export_parameters();
        let names = names.as_object().into_iter().flat_map(Map::keys);
        known.extend(names.map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
    }
    let content = &mut operation["responses"]["200"]["content"];
    for format in ExportFormat::all() {
        content[format.media_type()] = json!({"schema": {"type": "string", "format": "binary"}});
    }
}

fn complete_operation(operation: &mut Value, patched: &mut Vec<String>) {
    let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
    let public = operation["security"] == json!([{}]);
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let takes = |place: &str| parameters.iter().any(|parameter| parameter["in"] == place);
    let takes_named = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
    let has_pages = takes_named("cursor");
    let has_body = operation.get("requestBody").is_some();

    let mut add = |status: &str, name: &str| {
        if operation["responses"].get(status).is_none() {
            operation["responses"][status] =
                json!({"$ref": format!("#/components/responses/{name}")});
        }
    };
    if tag == "Health" {
        return;
    }
    add("500", "Internal");
    add("503", "Busy");
    add("401", "Unauthenticated");
    // Log-in and refresh are refused to pages of other sites.
    if !public || tag == "Session" {
        add("403", "Forbidden");
    }
    add("429", "TooManyRequests");
    if takes("query") || takes("path") || takes("header") || has_body {
        add("400", "Malformed");
    }
    if takes("path") || tag == "Figures" {
        add("404", "NotFound");
    }
    if tag == "Figures" {
        add("422", "Invalid");
    }
    if takes_named("If-None-Match") {
        add("304", "NotModified");
    }
    if takes_named("If-Match") {
        add("412", "Stale");
        add("428", "PreconditionRequired");
    }
    if has_body {
        add("408", "Timeout");
        add("413", "TooLarge");
        add("415", "UnsupportedMediaType");
        add("422", "Invalid");
        if !public {
            add("409", "Conflict");
        }
    }

    let of_page = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    let is_page = |of: &str| of.starts_with("#/components/schemas/Page_");
    if has_pages && of_page.as_str().is_some_and(is_page) {
        add_export(operation);
    }

    let patch =
        operation.pointer_mut("/requestBody/content/application~1merge-patch+json/schema/$ref");
    if let Some(Value::String(reference)) = patch {
        if let Some(name) = reference.strip_prefix("#/components/schemas/") {
            patched.push(name.to_owned());
        }
        reference.push_str("Patch");
    }
}

/// The command with nothing required: what is absent stays.
fn merge_patch_schema(command: &Value) -> Value {
    let mut schema = command.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
        schema.remove("example");
        schema.insert(
            "description".to_owned(),
            json!("JSON Merge Patch (RFC 7396): an absent field stays, null clears."),
        );
    }
    schema
}

fn responses() -> Value {
    let problem = |description: &str| {
        json!({
            "description": description,
            "content": {"application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"}
            }}
        })
    };
    let with_header = |description: &str, name: &str, explanation: &str| {
        let mut response = problem(description);
        response["headers"] =
            json!({name: {"description": explanation, "schema": {"type": "string"}}});
        response
    };
    let mut responses = Map::new();
    for (name, response) in [
        ("NotModified", json!({"description": "The client's version is current"})),
        (
            "Merged",
            with_header(
                "It was merged into another organisation",
                "Location",
                "The same of the survivor",
            ),
        ),
        ("Malformed", problem("The request cannot be understood")),
        (
            "Unauthenticated",
            with_header("Not logged in, or no longer", "WWW-Authenticate", "`Bearer` (RFC 6750)"),
        ),
        ("Forbidden", problem("The role does not allow it")),
        ("NotFound", problem("It does not exist, or not for the caller")),
        ("Conflict", problem("It does not fit what is stored")),
        ("Stale", problem("The record was changed in the meantime")),
        ("Timeout", problem("The body took too long to arrive")),
        ("TooLarge", problem("The body is larger than 1 MiB, or a file than an attachment may be")),
        ("UnsupportedMediaType", problem("The body has another content type")),
        ("Invalid", problem("The input breaks a rule; `errors` names each")),
        ("PreconditionRequired", problem("`If-Match` is missing")),
        (
            "TooManyRequests",
            with_header(
                "Too many requests, or too many failed attempts to log in",
                "Retry-After",
                "Seconds to wait",
            ),
        ),
        ("Internal", problem("Something went wrong; the request id finds it in the log")),
        (
            "Busy",
            with_header(
                "The database is busy, or the answer took too long",
                "Retry-After",
                "Seconds to wait; not for what took too long",
            ),
        ),
    ] {
        responses.insert(name.to_owned(), response);
    }
    Value::Object(responses)
}

/// The methods that a path of the document answers to.
pub fn methods_of(path: &str) -> Vec<String> {
    let Some(paths) = document()["paths"].as_object() else { return Vec::new() };
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == segments.len()
            && parts.iter().zip(&segments).all(|(part, segment)| {
                part == segment || (part.starts_with('{') && !segment.is_empty())
            })
    };
    // `/tasks/reassign` is a path of its own and none of a task.
    let own = paths.contains_key(path);
    paths
        .iter()
        .filter(|(template, _)| if own { *template == path } else { fits(template) })
        .flat_map(|(_, item)| item.as_object().into_iter().flatten())
        .map(|(method, _)| method.to_uppercase())
        .filter(|method| matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE"))
        .collect()
}

pub fn routes(config: &mut ServiceConfig) {
    config.map(|config| config.service(serve));
}

/// This document.
#[get("/openapi.json")]
async fn serve() -> HttpResponse {
    static BYTES: LazyLock<Bytes> =
        LazyLock::new(|| Bytes::from(serde_json::to_vec(document()).unwrap_or_default()));
    HttpResponse::Ok().content_type("application/json").body(BYTES.clone())
}

/// The bundled viewer at `/docs`.
pub fn viewer(config: &mut web::ServiceConfig) {
    let settings = utoipa_swagger_ui::Config::from("/api/v1/openapi.json");
    config
        .route(
            "/docs",
            web::get().to(async || {
                HttpResponse::PermanentRedirect().insert_header(("Location", "/docs/")).finish()
            }),
        )
        .service(utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").config(settings));
}
