//! A client with a log-in.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{FRANKFURT, TestApp};

#[derive(Clone)]
pub struct Session {
    client: reqwest::Client,
    base: String,
    pub token: Option<String>,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Session {
    pub fn new(client: reqwest::Client, base: String, token: Option<String>) -> Self {
        Self { client, base, token }
    }

    /// A request to a path under `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/api/v1{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// A POST with headers besides.
    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut request = self.request(Method::POST, path).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request).await
    }

    /// A merge patch on the version seen.
    pub async fn patch(&self, path: &str, version: i64, body: &Value) -> Answer {
        let request = self
            .request(Method::PATCH, path)
            .header("If-Match", format!("\"{version}\""))
            .header(CONTENT_TYPE, "application/merge-patch+json")
            .body(body.to_string());
        send(request).await
    }

    pub async fn id(&self) -> String {
        self.get("/me").await.expect(200).id()
    }

    /// A company with this name and whatever else is given, whatever there is already.
    pub async fn company(&self, name: &str, more: &Value) -> Value {
        let mut body = json!({"name": name});
        merge(&mut body, more);
        self.post("/companies?create_anyway=true", &body).await.expect(201).body
    }

    pub async fn actor(&self, name: &str, actor_type: &str) -> Value {
        let body = json!({"name": name, "actor_type": actor_type});
        self.post("/actors?create_anyway=true", &body).await.expect(201).body
    }
}

impl TestApp {
    /// The body of a consultation that is in order, for the caller at its own site.
    pub async fn consultation(&self, session: &Session, more: &Value) -> Value {
        let me = session.get("/me").await.expect(200).body;
        let mut body = json!({
            "site_id": me["site"]["id"].as_str().unwrap_or(FRANKFURT),
            "held_on": "2026-03-02",
            "minutes": 45,
            "channel": "phone",
            "adviser_ids": [me["id"]],
            "topics": ["blue_card"],
        });
        merge(&mut body, more);
        body
    }

    /// The body of an event that is in order, for the caller at its own site: a round table two weeks
    /// ago.
    pub async fn event(&self, session: &Session, more: &Value) -> Value {
        let me = session.get("/me").await.expect(200).body;
        let mut body = json!({
            "kind": "round_table",
            "title": "Runder Tisch",
            "site_ids": [me["site"]["id"].as_str().unwrap_or(FRANKFURT)],
            "starts_on": "2026-03-02",
        });
        merge(&mut body, more);
        body
    }
}

/// The fields of `more` laid over those of `body`.
pub fn body(body: &Value, more: &Value) -> Value {
    let mut merged = body.clone();
    merge(&mut merged, more);
    merged
}

fn merge(body: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, headers, body, text }
}

impl Answer {
    /// Fails with the whole answer when the status is another. Every error must be a problem document.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        if status >= 400 {
            assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
            assert_eq!(self.body["status"], status);
            for field in ["type", "title", "detail", "code", "request_id"] {
                assert!(self.body[field].is_string(), "{field}: {}", self.text);
            }
            assert_eq!(self.body["request_id"], self.header("x-request-id"));
        }
        self
    }

    /// The problem with this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.body["code"], code, "{}", answer.text);
        answer
    }

    /// 422 with a violation at the pointer.
    #[track_caller]
    pub fn violates(self, pointer: &str, code: &str) -> Self {
        let answer = self.problem(422, "invalid");
        let named = answer.body["errors"].as_array().is_some_and(|errors| {
            errors.iter().any(|e| e["pointer"] == pointer && e["code"] == code)
        });
        assert!(named, "no {code} at {pointer}: {}", answer.text);
        answer
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    pub fn items(&self) -> &Vec<Value> {
        self.body["items"].as_array().unwrap()
    }
}

/// A body as text to snapshot: what differs from run to run is blotted out, reference data is not.
pub fn redacted(value: &Value) -> String {
    let mut value = value.clone();
    blot(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

fn blot(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(blot),
        Value::Array(items) => items.iter_mut().for_each(blot),
        Value::String(text)
            if uuid::Uuid::parse_str(text).is_ok() && !text.starts_with("01890000") =>
        {
            "[id]".clone_into(text);
        }
        _ => {}
    }
}
