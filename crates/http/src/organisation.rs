//! `/organisations`: search over companies and actors.

use actix_web::get;
use actix_web::web::Data;
use lotse_app::organisation;
use lotse_domain::organisation::{OrganisationFilter, OrganisationHit};
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{ListQuery, LoggedIn};
use crate::respond::{Answer, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(search);
}

/// Companies and actors by name: every word of `q` must occur in it, whatever its case, umlauts,
/// accents and punctuation.
#[utoipa::path(
    tag = "Register", operation_id = "search_organisations",
    params(PageParams, OrganisationFilter),
    responses((status = 200, description = "One page, by name", body = Page<OrganisationHit>))
)]
#[get("/organisations")]
async fn search(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<OrganisationFilter>,
) -> Answer<Listed<OrganisationHit>> {
    state
        .list(query, move |app, query| {
            organisation::search(app, &caller, &query.filter, &query.paging)
        })
        .await
}
