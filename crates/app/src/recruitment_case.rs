use lotse_domain::Result;
use lotse_domain::audit::{HistoryEntry, Subject};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::RecruitmentCaseId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::plan::{Step, StepDoneInput, StepOverrideInput};
use lotse_domain::policy::Action;
use lotse_domain::recruitment_case::{
    Context, RecruitmentCase, RecruitmentCaseFilter, RecruitmentCaseInput, RecruitmentCloseInput,
};
use lotse_persistence::{
    accompaniment, audit, establishment, funding_period, organisation, programme_template,
    recruitment_case, site, user,
};

use crate::consultation::none_if_missing;
use crate::{App, Caller, Reading, Writing};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &RecruitmentCaseFilter,
    paging: &Paging,
) -> Result<Page<RecruitmentCase>> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        let (scope, user, today) = (tx.scope(), tx.actor.user_id, tx.today());
        let found = recruitment_case::list(tx.conn, &tx.names, &scope, filter, user, paging)?;
        Ok(found.map(|case| case.shown(today)))
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: RecruitmentCaseId) -> Result<RecruitmentCase> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        let found = find(tx, id)?;
        Ok(found.shown(tx.today()))
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn steps(app: &App, caller: &Caller, id: RecruitmentCaseId) -> Result<Vec<Step>> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        let found = find(tx, id)?;
        Ok(found.shown(tx.today()).steps)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        find(tx, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

fn find(tx: &mut Reading, id: RecruitmentCaseId) -> Result<RecruitmentCase> {
    let scope = tx.scope();
    let found = recruitment_case::find(tx.conn, &tx.names, &scope, id)?;
    tx.about(Subject::of(&found));
    Ok(found)
}

/// # Errors
/// `Invalid` with everything that is wrong; `Conflict` when the funding period takes no entries.
pub fn open(app: &App, caller: &Caller, input: &RecruitmentCaseInput) -> Result<RecruitmentCase> {
    app.write(caller, Action::ChangeAccompaniments, |tx| {
        let context = context(tx, input, None)?;
        let new = RecruitmentCase::new(tx.new_id(), tx.now, &tx.actor, input, &context)?;
        recruitment_case::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new.shown(tx.today()))
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues whose case it is
/// not; `Conflict` when it is closed, or the day of opening changes and a funding period takes no entries.
pub fn change(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    seen: i64,
    patch: &MergePatch,
) -> Result<RecruitmentCase> {
    changed_by(app, caller, id, seen, |tx, old| {
        let input: RecruitmentCaseInput = patch.apply(&RecruitmentCaseInput::from(old))?;
        let context = context(tx, &input, Some(old))?;
        old.changed(tx.now, &tx.actor, &input, &context)
    })
}

/// # Errors
/// As [`change`]; `Conflict` when it is to end well and a mandatory step is open.
pub fn close(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    seen: i64,
    input: &RecruitmentCloseInput,
) -> Result<RecruitmentCase> {
    changed_by(app, caller, id, seen, |tx, old| old.closed(tx.now, tx.today(), &tx.actor, input))
}

/// # Errors
/// As [`change`]; `Conflict` when it is open.
pub fn reopen(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    seen: i64,
) -> Result<RecruitmentCase> {
    changed_by(app, caller, id, seen, |tx, old| old.reopened(tx.now))
}

/// # Errors
/// As [`change`]; `NotFound` when there is no such step; `Conflict` when another one comes first.
pub fn complete_step(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    code: &str,
    seen: i64,
    input: &StepDoneInput,
) -> Result<RecruitmentCase> {
    changed_by(app, caller, id, seen, |tx, old| {
        old.with_step_done(code, tx.now, tx.today(), &tx.actor, input)
    })
}

/// # Errors
/// As [`change`]; `NotFound` when there is no such step.
pub fn waive_step(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    code: &str,
    seen: i64,
    input: &ReasonInput,
) -> Result<RecruitmentCase> {
    changed_by(app, caller, id, seen, |tx, old| {
        old.with_step_waived(code, tx.now, &tx.actor, &input.checked()?)
    })
}

/// # Errors
/// As [`change`]; `NotFound` when there is no such step; `Conflict` when a later one was done.
pub fn reopen_step(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    code: &str,
    seen: i64,
) -> Result<RecruitmentCase> {
    changed_by(app, caller, id, seen, |tx, old| old.with_step_reopened(code, tx.now))
}

/// # Errors
/// As [`change`]; `NotFound` when there is no such step.
pub fn override_step(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    code: &str,
    seen: i64,
    input: &StepOverrideInput,
) -> Result<RecruitmentCase> {
    changed_by(app, caller, id, seen, |tx, old| {
        old.with_step_overridden(code, tx.now, &tx.actor, input)
    })
}

/// # Errors
/// As [`change`]; `NotFound` when there is no such step; `Conflict` when it has no override.
pub fn clear_override(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    code: &str,
    seen: i64,
) -> Result<RecruitmentCase> {
    changed_by(app, caller, id, seen, |tx, old| old.without_step_override(code, tx.now))
}

/// A change by those who may change the case, of the version that was seen.
fn changed_by(
    app: &App,
    caller: &Caller,
    id: RecruitmentCaseId,
    seen: i64,
    mut work: impl FnMut(&mut Writing, &RecruitmentCase) -> Result<RecruitmentCase>,
) -> Result<RecruitmentCase> {
    app.write(caller, Action::ChangeAccompaniments, |tx| {
        let scope = tx.scope();
        let old = recruitment_case::find(tx.conn, &tx.names, &scope, id)?;
        check_version(&old, seen)?;
        old.check_may_change(&tx.actor)?;
        let new = work(tx, &old)?;
        recruitment_case::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new.shown(tx.today()))
    })
}

/// What an input names, as far as it exists in the caller's scope. `before` is the case as it is, when it is
/// changed.
fn context(
    tx: &mut Writing,
    input: &RecruitmentCaseInput,
    before: Option<&RecruitmentCase>,
) -> Result<Context> {
    let (scope, carrier, today) = (tx.scope(), tx.actor.own_carrier()?.id, tx.today());
    let lead = input.lead_id.unwrap_or(tx.actor.user_id);
    let named: Vec<_> = [Some(lead), input.deputy_id].into_iter().flatten().collect();
    let establishment = match input.establishment_id {
        Some(id) => none_if_missing(establishment::find(tx.conn, id))?,
        None => None,
    };
    let accompaniment = match input.accompaniment_id {
        Some(id) => none_if_missing(accompaniment::find(tx.conn, &tx.names, &scope, id))?,
        None => None,
    };
    let template = programme_template::find(tx.conn, &tx.names, input.template_id);
    let was_on = before.map(|before| before.opened_on);
    let opened_on = input.opened_on.or(was_on).unwrap_or(today);
    let old_period = match was_on.filter(|was_on| *was_on != opened_on) {
        Some(was_on) => funding_period::hold_for_entry(tx.conn, was_on)?,
        None => None,
    };
    Ok(Context {
        today,
        company: organisation::facts_to_name(tx.conn, input.company_id.into())?,
        establishment,
        accompaniment,
        site: none_if_missing(site::find(tx.conn, input.site_id))?,
        people: user::available_on(tx.conn, &named, carrier, today)?,
        template: none_if_missing(template)?,
        period: funding_period::hold_for_entry(tx.conn, opened_on)?,
        old_period,
    })
}
