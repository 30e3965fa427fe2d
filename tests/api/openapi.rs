//! The committed document is the one that the routes make, and it is complete.

use std::collections::HashSet;

use serde_json::Value;

use crate::harness::both;

fn operations() -> Vec<(String, String, &'static Value)> {
    let document = lotse_http::document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    operations
}

#[test]
fn the_committed_document_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");
    let current = serde_json::to_string_pretty(lotse_http::document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == current,
        "openapi/openapi.json is not what the routes make; write it anew with UPDATE_OPENAPI=1"
    );
}

#[test]
fn every_operation_is_described() {
    let mut ids = HashSet::new();
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id.to_owned()), "{name}: operationId {id:?}");
        assert!(operation["summary"].is_string(), "{name} has no summary");
        assert!(operation["tags"][0].is_string(), "{name} has no tag");
        let responses = operation["responses"].as_object().unwrap();
        if path.starts_with("/api/v1") {
            assert!(responses.contains_key("500"), "{name} does not name its errors");
            if operation["security"].is_null() {
                assert!(responses.contains_key("401"), "{name} does not say 401");
            }
        }
        if method == "PATCH" {
            for status in ["400", "404", "409", "412", "413", "415", "422", "428"] {
                // Settings are always there.
                let is_said =
                    responses.contains_key(status) || status == "404" && !path.contains('{');
                assert!(is_said, "{name} does not say {status}");
            }
        }
        if method == "POST" && operation["security"].is_null() && path != "/api/v1/auth/logout" {
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(
                parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key"),
                "{name} takes no Idempotency-Key"
            );
        }
    }
    assert!(ids.contains("log_consultation") && ids.contains("get_statistics"));
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("$ref", Value::String(reference)) => found.push(reference),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = lotse_http::document();
    let mut found = Vec::new();
    references(document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_body_has_an_example() {
    let schemas = &lotse_http::document()["components"]["schemas"];
    for (method, path, operation) in operations() {
        let Some(content) = operation.pointer("/requestBody/content").and_then(Value::as_object)
        else {
            continue;
        };
        for (_, media) in content {
            let reference = media["schema"]["$ref"].as_str().unwrap_or_default();
            let name = reference.rsplit('/').next().unwrap_or_default();
            let name = name.strip_suffix("Patch").unwrap_or(name);
            let schema = &schemas[name];
            assert!(
                schema["example"].is_object() || schema["examples"].is_array(),
                "{method} {path}: {name} has no example"
            );
        }
    }
}

#[test]
fn document_and_viewer_are_served() {
    both(async |app| {
        let served = app.anonymous().get("/openapi.json").await.expect(200);
        assert_eq!(&served.body, lotse_http::document());
        for path in ["/docs", "/docs/", "/docs/swagger-ui-bundle.js"] {
            let answer = app.client().get(format!("{}{path}", app.base)).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
        }
        let viewer = app.client().get(format!("{}/docs/", app.base)).send().await.unwrap();
        let policy = viewer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'self'"), "no other host is asked: {policy}");
        assert!(!viewer.text().await.unwrap().contains("https://"), "nothing comes from a CDN");
    });
}
