//! `/search`: one box over organisations and contacts.

use actix_web::get;
use actix_web::web::{Data, Json};
use lotse_app::search;
use lotse_domain::search::{SearchHits, SearchParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{LoggedIn, Parameters};
use crate::respond::Answer;
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(find);
}

/// Companies, actors and the own carrier's contacts by whatever is known of them, what fits best first.
///
/// Every word of `q` must fit: case, umlauts, accents and punctuation do not matter, a word may be the beginning
/// or a part of another, and where little is found, a typing error is forgiven. `Müller`, `Mueller` and `Muller`
/// are the same. Tags are those of the own carrier. An API key finds contacts with `read_contacts` and by tags
/// with `read_tags`.
#[utoipa::path(
    tag = "Register", operation_id = "search", params(SearchParams),
    responses((status = 200, description = "What was found, the best first", body = SearchHits))
)]
#[get("/search")]
async fn find(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    Parameters(params): Parameters<SearchParams>,
) -> Answer<Json<SearchHits>> {
    let hits = state.run(move |app| search::search(app, &caller, &params)).await?;
    Ok(Json(hits))
}
