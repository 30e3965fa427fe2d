//! `/code-lists`: the closed sets of codes with their labels.

use actix_web::get;
use actix_web::web::{Data, Json};
use lotse_app::session;
use lotse_domain::code_list::{self, CodeList};
use lotse_domain::page::Page;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::LoggedIn;
use crate::respond::Answer;
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list);
}

/// Every set of codes that forms and reports show, with German and English labels; all of them in
/// one page.
#[utoipa::path(
    tag = "Network", operation_id = "list_code_lists",
    responses((status = 200, description = "All sets", body = Page<CodeList>))
)]
#[get("/code-lists")]
async fn list(state: Data<State>, LoggedIn(caller): LoggedIn) -> Answer<Json<Page<CodeList>>> {
    // Not secret, but like everything else for those who are logged in.
    state.run(move |app| session::me(app, &caller)).await?;
    Ok(Json(Page { items: code_list::all(), next_cursor: None, total: None }))
}
