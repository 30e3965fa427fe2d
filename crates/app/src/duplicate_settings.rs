use lotse_domain::Result;
use lotse_domain::audit::HistoryEntry;
use lotse_domain::duplicate_settings::{DuplicateSettings, DuplicateSettingsInput, ID};
use lotse_domain::entity::check_version;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_persistence::{audit, duplicate_settings};

use crate::{App, Caller};

/// # Errors
/// What the policy says.
pub fn get(app: &App, caller: &Caller) -> Result<DuplicateSettings> {
    app.read(caller, Action::ReadNetwork, |tx| duplicate_settings::find(tx.conn))
}

/// They hold for the next entry and for the next look at the list of pairs.
///
/// # Errors
/// `Stale`, `Invalid`.
pub fn change(
    app: &App,
    caller: &Caller,
    seen: i64,
    patch: &MergePatch,
) -> Result<DuplicateSettings> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let old = duplicate_settings::find(tx.conn)?;
        check_version(&old, seen)?;
        let input: DuplicateSettingsInput = patch.apply(&DuplicateSettingsInput::from(&old))?;
        let new = old.changed(tx.now, &input)?;
        duplicate_settings::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// # Errors
/// What the policy says.
pub fn history(app: &App, caller: &Caller, paging: &Paging) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadNetwork, |tx| audit::history(tx.conn, ID, paging))
}
