//! `/me/calendar-feed`: a secret address that calendar programs subscribe to, and what they read there.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::web::{Data, Json, Path};
use actix_web::{CustomizeResponder, HttpRequest, HttpResponse, delete, get, put};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lotse_app::calendar_feed;
use lotse_domain::calendar_feed::{CalendarFeed, CalendarFeedAddress};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::edge::request_id;
use crate::extract::LoggedIn;
use crate::openapi::IfNoneMatchHeader;
use crate::respond::{Answer, is_known, not_stored};
use crate::state::State;

/// The secret in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the derive only")]
struct SecretPath {
    secret: String,
}

pub fn routes(config: &mut ServiceConfig) {
    config.service(get).service(renew).service(remove).service(read);
}

/// The own calendar feed, without its secret.
#[utoipa::path(
    tag = "Calendar", operation_id = "get_calendar_feed",
    responses(
        (status = 200, description = "The feed", body = CalendarFeed),
        (status = 404, description = "There is none", body = crate::problem::ProblemBody,
            content_type = "application/problem+json")
    )
)]
#[get("/me/calendar-feed")]
async fn get(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<Json<CalendarFeed>> {
    let found = state.run(move |app| calendar_feed::get(app, &caller)).await?;
    Ok(Json(found))
}

/// Makes a secret address of the own calendar. The one before stops at once.
#[utoipa::path(
    tag = "Calendar", operation_id = "renew_calendar_feed",
    responses((status = 200, description = "Shown once", body = CalendarFeedAddress))
)]
#[put("/me/calendar-feed")]
async fn renew(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
) -> Answer<CustomizeResponder<Json<CalendarFeedAddress>>> {
    let (secret, created_at) = state.run(move |app| calendar_feed::renew(app, &caller)).await?;
    let url = format!("{}/api/v1/calendar-feeds/{secret}.ics", state.public_url);
    Ok(not_stored(Json(CalendarFeedAddress { url, created_at })))
}

/// Ends the own calendar feed at once.
#[utoipa::path(
    tag = "Calendar", operation_id = "remove_calendar_feed",
    responses((status = 204, description = "Ended, or there was none"))
)]
#[delete("/me/calendar-feed")]
async fn remove(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<HttpResponse> {
    state.run(move |app| calendar_feed::remove(app, &caller)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A calendar by its secret (iCalendar, RFC 5545): open tasks and referrals, due from 90 days ago on, and
/// events from then to 400 days ahead. The secret is the log-in, because calendar programs have no other.
#[utoipa::path(
    tag = "Calendar", operation_id = "read_calendar", security(()),
    params(SecretPath, IfNoneMatchHeader),
    responses((status = 200, description = "The calendar", body = String, content_type = "text/calendar"))
)]
#[get("/calendar-feeds/{secret}.ics")]
async fn read(
    state: Data<State>,
    request: HttpRequest,
    secret: Path<String>,
) -> Answer<HttpResponse> {
    let id = request_id(&request);
    let calendar = state.run(move |app| calendar_feed::read(app, &secret, &id)).await?;
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&calendar)));
    let known = is_known(&request, &etag);
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // A program that asks more often is spared the way.
    answer.insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, "private, max-age=900"));
    if known {
        return Ok(answer.finish());
    }
    Ok(answer.content_type("text/calendar; charset=utf-8").body(calendar))
}
