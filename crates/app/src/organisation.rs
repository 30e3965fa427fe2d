use lotse_domain::Result;
use lotse_domain::organisation::{OrganisationFilter, OrganisationHit};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Action;
use lotse_persistence::organisation;

use crate::{App, Caller};

/// Companies and actors by name.
///
/// # Errors
/// What the policy says.
pub fn search(
    app: &App,
    caller: &Caller,
    filter: &OrganisationFilter,
    paging: &Paging,
) -> Result<Page<OrganisationHit>> {
    app.read(caller, Action::ReadRegister, |tx| {
        let scope = tx.scope();
        organisation::list(tx.conn, &scope, filter, paging)
    })
}
