//! `/worklist`: what waits for somebody (Arbeitsliste).

use actix_web::get;
use actix_web::web::{Data, Json};
use lotse_app::worklist;
use lotse_domain::page::PageParams;
use lotse_domain::worklist::{Worklist, WorklistFilter};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{LoggedIn, PageQuery};
use crate::respond::Answer;
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(get);
}

/// What waits for the caller, for somebody else or for everybody of the carrier: milestones of accompaniments
/// and recruitment cases, follow-ups, referrals without an answer, organisations with gaps that a report would
/// show, and organisations that nobody has spoken to for long. What matters most is on top.
///
/// `counts` tells how much there is of each kind in all, on the first page only: with a cursor it is null.
/// `total` would say nothing more and is not answered.
#[utoipa::path(
    tag = "Worklist", operation_id = "get_worklist", params(PageParams, WorklistFilter),
    responses((status = 200, description = "One page", body = Worklist))
)]
#[get("/worklist")]
async fn get(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: PageQuery<WorklistFilter>,
) -> Answer<Json<Worklist>> {
    let list =
        state.run(move |app| worklist::get(app, &caller, &query.filter, &query.paging)).await?;
    Ok(Json(list))
}
