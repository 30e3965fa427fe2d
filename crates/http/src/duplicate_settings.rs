//! `/duplicate-settings`: from which scores on the check for duplicates asks and shows.

use actix_web::web::Data;
use actix_web::{get, patch};
use lotse_app::duplicate_settings;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::duplicate_settings::{DuplicateSettings, DuplicateSettingsInput};
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{Change, ListQuery, LoggedIn};
use crate::openapi::{IfMatchHeader, IfNoneMatchHeader, NoFilter};
use crate::respond::{Answer, Found, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(get).service(change).service(history);
}

/// From which scores on it is asked about others that may be the same, and pairs are shown.
#[utoipa::path(
    tag = "Register", operation_id = "get_duplicate_settings", params(IfNoneMatchHeader),
    responses((status = 200, description = "The settings", body = DuplicateSettings))
)]
#[get("/duplicate-settings")]
async fn get(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<Found<DuplicateSettings>> {
    let found = state.run(move |app| duplicate_settings::get(app, &caller)).await?;
    Ok(Found(found))
}

/// Changes them (JSON Merge Patch), for all carriers and at once.
#[utoipa::path(
    tag = "Register", operation_id = "change_duplicate_settings", params(IfMatchHeader),
    request_body(content = DuplicateSettingsInput, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The settings as they are now", body = DuplicateSettings))
)]
#[patch("/duplicate-settings")]
async fn change(state: Data<State>, request: Change) -> Answer<Found<DuplicateSettings>> {
    let changed = state
        .run(move |app| {
            duplicate_settings::change(app, &request.caller, request.seen, &request.patch)
        })
        .await?;
    Ok(Found(changed))
}

/// Who changed them, when, from what to what.
#[utoipa::path(
    tag = "Register", operation_id = "list_duplicate_settings_history", params(PageParams),
    responses((status = 200, description = "One page, the latest first", body = Page<HistoryEntry>))
)]
#[get("/duplicate-settings/history")]
async fn history(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<NoFilter>,
) -> Answer<Listed<HistoryEntry>> {
    state
        .list(query, move |app, query| duplicate_settings::history(app, &caller, &query.paging))
        .await
}
