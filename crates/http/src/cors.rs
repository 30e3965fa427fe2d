//! Cross-origin requests (CORS): which other pages may call the API from a browser.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
};
use actix_web::middleware::Condition;

/// Seconds that a browser remembers the answer to its preflight.
const REMEMBERED: usize = 3600;

/// For pages of these origins; without any, no page of another origin gets an answer.
pub fn of(origins: &[String]) -> Condition<Cors> {
    let own = |name| HeaderName::from_static(name);
    let mut cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            own("idempotency-key"),
            own("x-request-id"),
        ])
        .expose_headers([
            ETAG,
            LOCATION,
            RETRY_AFTER,
            own("ratelimit"),
            own("ratelimit-policy"),
            own("x-request-id"),
        ])
        .supports_credentials()
        .max_age(REMEMBERED);
    for origin in origins {
        cors = cors.allowed_origin(origin);
    }
    Condition::new(!origins.is_empty(), cors)
}
