use lotse_domain::Result;
use lotse_domain::audit::{AuditEntry, AuditFilter};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Action;
use lotse_persistence::audit;

use crate::{App, Caller};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &AuditFilter,
    paging: &Paging,
) -> Result<Page<AuditEntry>> {
    // What was read and refused before is in it.
    app.flush_access_log();
    app.read(caller, Action::ReadAuditLog, |tx| {
        let page = audit::list(tx.conn, &tx.names, filter, paging)?;
        let items = page.items.into_iter().map(|entry| entry.seen_by(tx.actor.role)).collect();
        Ok(Page { items, ..page })
    })
}
