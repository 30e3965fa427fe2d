use lotse_domain::Result;
use lotse_domain::accompaniment::{
    Accompaniment, AccompanimentFilter, AccompanimentInput, AgreeInput, CompleteInput, Context,
    EndInput, GoalsInput, MeasureGoalsInput, PauseInput, PausePreview, RejectInput, ResumeInput,
    StartContext, StartInput,
};
use lotse_domain::audit::{HistoryEntry, Subject};
use lotse_domain::entity::check_version;
use lotse_domain::id::{AccompanimentId, CompanyId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::plan::{ReplanInput, ReplanPreview};
use lotse_domain::policy::Action;
use lotse_domain::programme_template::DEFAULT_ACCOMPANIMENT;
use lotse_persistence::{
    accompaniment, audit, funding_period, organisation, programme_template, site, user,
};

use crate::consultation::none_if_missing;
use crate::{App, Caller, Reading, Writing};

mod board;
mod hand_over;
mod step;
pub(crate) use board::Places;
pub use board::board;
pub use hand_over::{accept_hand_over, decline_hand_over, hand_over};
pub use step::{clear_override, complete_step, override_step, reopen_step, steps, waive_step};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &AccompanimentFilter,
    paging: &Paging,
) -> Result<Page<Accompaniment>> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        let (scope, user, today) = (tx.scope(), tx.actor.user_id, tx.today());
        let page = accompaniment::list(tx.conn, &tx.names, &scope, filter, user, today, paging)?;
        Ok(page.map(|run| run.shown(today)))
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: AccompanimentId) -> Result<Accompaniment> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        let (scope, today) = (tx.scope(), tx.today());
        let found = accompaniment::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found.shown(today))
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        let scope = tx.scope();
        let found = accompaniment::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// Records a request.
///
/// # Errors
/// `Invalid` with everything that is wrong; `Conflict` when the company is being accompanied.
pub fn create(app: &App, caller: &Caller, input: &AccompanimentInput) -> Result<Accompaniment> {
    app.write(caller, Action::ChangeAccompaniments, |tx| {
        let context = context(tx, input)?;
        let new = Accompaniment::new(tx.new_id(), tx.now, &tx.actor, input, &context)?;
        accompaniment::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new.shown(tx.today()))
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues who do not look
/// after it; `Conflict` when it is over.
pub fn change(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| {
        let input: AccompanimentInput = patch.apply(&AccompanimentInput::from(old))?;
        let context = context(tx, &input)?;
        old.changed(tx.now, &tx.actor, &input, &context)
    })
}

/// # Errors
/// As [`change`]; `Conflict` when it is not requested.
pub fn agree(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &AgreeInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.agreed(tx.now, tx.today(), &tx.actor, input))
}

/// # Errors
/// As [`change`]; `Conflict` when it is not requested.
pub fn reject(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &RejectInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.rejected(tx.now, tx.today(), &tx.actor, input))
}

/// Day 1: the steps get their dates.
///
/// # Errors
/// As [`change`]; `Conflict` when it is not agreed, or the funding period takes no entries.
pub fn start(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &StartInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| {
        let today = tx.today();
        let first_day = input.started_on.unwrap_or(today);
        let period = funding_period::hold_for_entry(tx.conn, first_day)?;
        let template = programme_template::find(tx.conn, &tx.names, old.template.id)?.status;
        let before = accompaniment::last_end(tx.conn, CompanyId(old.company.id))?;
        old.started(tx.now, &tx.actor, input, &StartContext { today, period, template, before })
    })
}

/// # Errors
/// As [`change`]; `Conflict` when it is not under way.
pub fn pause(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &PauseInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.paused(tx.now, tx.today(), &tx.actor, input))
}

/// # Errors
/// As [`change`]; `Conflict` when there is no pause.
pub fn resume(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &ResumeInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.resumed(tx.now, tx.today(), &tx.actor, input))
}

/// What re-planning would do. Nothing is written.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`; `Conflict` when it is not under way.
pub fn replan_preview(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
) -> Result<ReplanPreview> {
    preview(app, caller, id, seen, |tx, found| found.replan_preview(tx.today()))
}

/// What [`pause`] would do. Nothing is written.
///
/// # Errors
/// As [`replan_preview`]; `Invalid`.
pub fn pause_preview(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &PauseInput,
) -> Result<PausePreview> {
    preview(app, caller, id, seen, |tx, found| {
        Ok(found.preview_of(&found.paused(tx.now, tx.today(), &tx.actor, input)?))
    })
}

/// What [`resume`] would do. Nothing is written.
///
/// # Errors
/// As [`pause_preview`].
pub fn resume_preview(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &ResumeInput,
) -> Result<PausePreview> {
    preview(app, caller, id, seen, |tx, found| {
        Ok(found.preview_of(&found.resumed(tx.now, tx.today(), &tx.actor, input)?))
    })
}

fn preview<T>(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    of: impl Fn(&Reading, &Accompaniment) -> Result<T>,
) -> Result<T> {
    app.read_whole(caller, Action::ReadAccompaniments, |tx| {
        let scope = tx.scope();
        let found = accompaniment::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        check_version(&found, seen)?;
        of(tx, &found)
    })
}

/// Does what the preview showed.
///
/// # Errors
/// As [`change`]; `Conflict` when it is not under way, the token is that of another preview, or nothing
/// would change.
pub fn replan(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &ReplanInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.replanned(tx.now, tx.today(), input))
}

/// # Errors
/// As [`change`]; `Conflict` when it is not agreed or is over.
pub fn set_goals(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &GoalsInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.with_goals(tx.now, tx.today(), input))
}

/// # Errors
/// As [`change`]; `Conflict` when it is not under way, or no goals were agreed.
pub fn measure_goals(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &MeasureGoalsInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| {
        old.with_goals_measured(tx.now, tx.today(), &tx.actor, input)
    })
}

/// # Errors
/// As [`change`]; `Conflict` when it is not active, a mandatory step is open or a goal was not measured.
pub fn complete(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &CompleteInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.completed(tx.now, tx.today(), &tx.actor, input))
}

/// Ends it before its time.
///
/// # Errors
/// As [`change`]; `Conflict` when it was not agreed or is over.
pub fn end(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    input: &EndInput,
) -> Result<Accompaniment> {
    changed_by(app, caller, id, seen, |tx, old| old.ended(tx.now, tx.today(), &tx.actor, input))
}

/// One transaction in which those who look after a run make something else of it, as they saw it.
fn changed_by(
    app: &App,
    caller: &Caller,
    id: AccompanimentId,
    seen: i64,
    mut work: impl FnMut(&mut Writing, &Accompaniment) -> Result<Accompaniment>,
) -> Result<Accompaniment> {
    app.write(caller, Action::ChangeAccompaniments, |tx| {
        let old = as_seen(tx, id, seen)?;
        old.check_may_change(&tx.actor)?;
        let new = work(tx, &old)?;
        keep(tx, &old, &new)
    })
}

fn as_seen(tx: &mut Writing, id: AccompanimentId, seen: i64) -> Result<Accompaniment> {
    let scope = tx.scope();
    let old = accompaniment::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

fn keep(tx: &mut Writing, old: &Accompaniment, new: &Accompaniment) -> Result<Accompaniment> {
    accompaniment::update(tx.conn, new)?;
    tx.changed(old, new)?;
    Ok(new.shown(tx.today()))
}

/// What an input names, as far as it exists.
fn context(tx: &mut Writing, input: &AccompanimentInput) -> Result<Context> {
    let (carrier, today) = (tx.actor.own_carrier()?.id, tx.today());
    let lead = input.lead_id.unwrap_or(tx.actor.user_id);
    let people: Vec<_> = [Some(lead), input.deputy_id].into_iter().flatten().collect();
    let template = match input.template_id {
        Some(id) => none_if_missing(programme_template::find(tx.conn, &tx.names, id))?,
        None => programme_template::published(tx.conn, &tx.names, DEFAULT_ACCOMPANIMENT)?,
    };
    Ok(Context {
        today,
        company: organisation::facts_to_name(tx.conn, input.company_id.into())?,
        site: none_if_missing(site::find(tx.conn, input.site_id))?,
        people: user::available_on(tx.conn, &people, carrier, today)?,
        template,
        has_open_run: accompaniment::has_open(tx.conn, input.company_id)?,
    })
}
