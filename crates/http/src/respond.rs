//! What handlers answer with.

use std::marker::PhantomData;

use actix_web::body::BoxBody;
use actix_web::http::header::{
    CACHE_CONTROL, ContentType, ETAG, HeaderValue, IF_NONE_MATCH, LOCATION,
};
use actix_web::{CustomizeResponder, HttpRequest, HttpResponse, Responder};
use lotse_domain::entity::Entity;

use crate::problem::Problem;

pub type Answer<T> = std::result::Result<T, Problem>;

/// 200 with the record and its version as `ETag`; 304 when the client has that version.
pub struct Found<T>(pub T);

impl<T: Entity> Responder for Found<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let etag = etag(&self.0);
        // RFC 9110: the condition is for reading; what changed something answers in full.
        if is_known(request, &etag) && request.method() == actix_web::http::Method::GET {
            return HttpResponse::NotModified().insert_header((ETAG, etag)).finish();
        }
        HttpResponse::Ok().insert_header((ETAG, etag)).json(self.0)
    }
}

/// 200 with a record that shows more than its own fields: how many take part in an event, the name of a
/// company, what somebody is today. That changes without its version, so the client's version is not taken
/// for the answer.
pub struct Fresh<T>(pub T);

impl<T: Entity> Responder for Fresh<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().insert_header((ETAG, etag(&self.0))).json(self.0)
    }
}

/// Whether the client has what it asks for already (RFC 9110, section 13.1.2).
pub fn is_known(request: &HttpRequest, etag: &str) -> bool {
    request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(
        |value| {
            value
                .split(',')
                .map(str::trim)
                .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
        },
    )
}

/// 201 with the new record, where it is, and its version.
pub struct Created<T>(pub T);

impl<T: Entity> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Created()
            .insert_header((LOCATION, format!("/api/v1/{}/{}", T::KIND.collection(), self.0.id())))
            .insert_header((ETAG, etag(&self.0)))
            .json(self.0)
    }
}

/// 200 with a page of records, or with all of them as a file.
pub enum Listed<T> {
    Page { json: Vec<u8>, items: PhantomData<T> },
    File(HttpResponse),
}

impl<T> Listed<T> {
    /// A page that was written as JSON.
    pub fn page(json: Vec<u8>) -> Self {
        Self::Page { json, items: PhantomData }
    }
}

impl<T> Responder for Listed<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        match self {
            Self::Page { json, .. } => {
                HttpResponse::Ok().content_type(ContentType::json()).body(json)
            }
            Self::File(answer) => answer,
        }
    }
}

/// An answer with a secret, which no cache keeps.
pub fn not_stored<R: Responder>(answer: R) -> CustomizeResponder<R> {
    answer.customize().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

fn etag(entity: &impl Entity) -> String {
    format!("\"{}\"", entity.version())
}
