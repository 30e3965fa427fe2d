//! `/audit-log`: who changed what, over all records.

use actix_web::get;
use actix_web::web::Data;
use lotse_app::audit;
use lotse_domain::audit::{AuditEntry, AuditFilter};
use lotse_domain::page::{Page, PageParams};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::extract::{ListQuery, LoggedIn};
use crate::respond::{Answer, Listed};
use crate::state::State;

pub fn routes(config: &mut ServiceConfig) {
    config.service(list);
}

/// Every change of a record, the latest first. Administrators see that a carrier's record was changed,
/// not what it says.
#[utoipa::path(
    tag = "Audit", operation_id = "list_audit_log", params(PageParams, AuditFilter),
    responses((status = 200, description = "One page", body = Page<AuditEntry>))
)]
#[get("/audit-log")]
async fn list(
    state: Data<State>,
    LoggedIn(caller): LoggedIn,
    query: ListQuery<AuditFilter>,
) -> Answer<Listed<AuditEntry>> {
    state
        .list(query, move |app, query| audit::list(app, &caller, &query.filter, &query.paging))
        .await
}
