use lotse_domain::audit::HistoryEntry;
use lotse_domain::entity::check_version;
use lotse_domain::funding_period::{FundingPeriod, FundingPeriodInput};
use lotse_domain::id::FundingPeriodId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::target::lies_in;
use lotse_domain::{Error, Result};
use lotse_persistence::{accompaniment, audit, event, funding_period, recruitment_case, target};

use crate::{App, Caller};

/// # Errors
/// What the policy says.
pub fn list(app: &App, caller: &Caller, paging: &Paging) -> Result<Page<FundingPeriod>> {
    app.read(caller, Action::ReadNetwork, |tx| funding_period::list(tx.conn, paging))
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: FundingPeriodId) -> Result<FundingPeriod> {
    app.read(caller, Action::ReadNetwork, |tx| funding_period::find(tx.conn, id))
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: FundingPeriodId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadNetwork, |tx| {
        funding_period::find(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the name is taken or the dates overlap.
pub fn create(app: &App, caller: &Caller, input: &FundingPeriodInput) -> Result<FundingPeriod> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let new = FundingPeriod::new(tx.new_id(), tx.now, input)?;
        funding_period::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when the name is taken or the dates overlap.
pub fn change(
    app: &App,
    caller: &Caller,
    id: FundingPeriodId,
    seen: i64,
    patch: &MergePatch,
) -> Result<FundingPeriod> {
    app.write(caller, Action::ChangeNetwork, |tx| {
        let old = funding_period::hold(tx.conn, id)?;
        check_version(&old, seen)?;
        let new = old.changed(tx.now, &patch.apply(&FundingPeriodInput::from(&old))?)?;
        if funding_period::has_consultations_outside(tx.conn, &new)? {
            return Err(Error::conflict(
                "consultations_outside",
                "Consultations of the period would lie outside its dates.",
            ));
        }
        if event::any_outside(tx.conn, &new)? {
            return Err(Error::conflict(
                "events_outside",
                "Events of the period would lie outside its dates.",
            ));
        }
        if accompaniment::any_outside(tx.conn, &new)? {
            return Err(Error::conflict(
                "accompaniments_outside",
                "Accompaniments of the period would have started outside its dates.",
            ));
        }
        if recruitment_case::any_outside(tx.conn, &old, &new)? {
            return Err(Error::conflict(
                "recruitment_cases_outside",
                "Recruitment cases of the period would have been opened outside its dates.",
            ));
        }
        let targets = target::times_of_period(tx.conn, id)?;
        if targets.into_iter().any(|(year, quarter)| !lies_in(&new, year, quarter)) {
            return Err(Error::conflict(
                "targets_outside",
                "Targets of the period would lie outside its dates.",
            ));
        }
        funding_period::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}
