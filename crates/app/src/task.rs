use lotse_domain::audit::{HistoryEntry, Subject};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::TaskId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::task::{
    Context, ReassignInput, Reassigned, Task, TaskCompleteInput, TaskFilter, TaskInput,
};
use lotse_domain::{Error, Result};
use lotse_persistence::{audit, consultation, event, merge, organisation, referral, task, user};

use crate::consultation::none_if_missing;
use crate::{App, Caller, Writing};

/// How many records are read at a time while all that somebody has to do goes to somebody else.
const AT_ONCE: i64 = 200;

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &TaskFilter,
    paging: &Paging,
) -> Result<Page<Task>> {
    app.read(caller, Action::ReadTasks, |tx| {
        let (scope, user, today) = (tx.scope(), tx.actor.user_id, tx.today());
        task::list(tx.conn, &tx.names, &scope, filter, user, today, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: TaskId) -> Result<Task> {
    app.read(caller, Action::ReadTasks, |tx| {
        let scope = tx.scope();
        let found = task::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: TaskId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadTasks, |tx| {
        let scope = tx.scope();
        let found = task::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid` with everything that is wrong.
pub fn create(app: &App, caller: &Caller, input: &TaskInput) -> Result<Task> {
    app.write(caller, Action::ChangeTasks, |tx| add(tx, input))
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues whose task it
/// is not; `Conflict` when it is not open.
pub fn change(
    app: &App,
    caller: &Caller,
    id: TaskId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Task> {
    app.write(caller, Action::ChangeTasks, |tx| Ok(change_in(tx, id, seen, patch)?.1))
}

/// Answers the task before and after.
///
/// # Errors
/// As [`change`].
pub(crate) fn change_in(
    tx: &mut Writing,
    id: TaskId,
    seen: i64,
    patch: &MergePatch,
) -> Result<(Task, Task)> {
    let old = as_seen(tx, id, seen)?;
    old.check_may_change(&tx.actor)?;
    let input: TaskInput = patch.apply(&TaskInput::from(&old))?;
    let context = context(tx, &input)?;
    let new = old.changed(tx.now, &tx.actor, &input, &context)?;
    let new = keep(tx, &old, new)?;
    Ok((old, new))
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is not open.
pub fn complete(
    app: &App,
    caller: &Caller,
    id: TaskId,
    seen: i64,
    input: &TaskCompleteInput,
) -> Result<Task> {
    app.write(caller, Action::ChangeTasks, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.completed(tx.now, &tx.actor, input.checked()?)?;
        keep(tx, &old, new)
    })
}

/// # Errors
/// As [`change`].
pub fn cancel(
    app: &App,
    caller: &Caller,
    id: TaskId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Task> {
    app.write(caller, Action::ChangeTasks, |tx| {
        let old = as_seen(tx, id, seen)?;
        old.check_may_change(&tx.actor)?;
        let new = old.cancelled(tx.now, &tx.actor, input.checked()?)?;
        keep(tx, &old, new)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`; `Forbidden` for colleagues whose task it is not and
/// who did not complete it; `Conflict` when it is open.
pub fn reopen(app: &App, caller: &Caller, id: TaskId, seen: i64) -> Result<Task> {
    app.write(caller, Action::ChangeTasks, |tx| {
        let old = as_seen(tx, id, seen)?;
        old.check_may_reopen(&tx.actor)?;
        let new = old.reopened(tx.now)?;
        keep(tx, &old, new)
    })
}

/// Gives the open tasks and referrals of somebody who leaves to somebody else, all or none.
///
/// # Errors
/// `Invalid`; `Busy` when somebody kept changing one of them meanwhile.
pub fn reassign(app: &App, caller: &Caller, input: &ReassignInput) -> Result<Reassigned> {
    app.write(caller, Action::ReassignTasks, |tx| {
        let (carrier, today) = (tx.actor.own_carrier()?.id, tx.today());
        let from = user::ever_of(tx.conn, input.from_user_id, carrier)?;
        let to = user::available_on(tx.conn, &[input.to_user_id], carrier, today)?.pop();
        let to = input.checked(from.as_ref(), to)?;
        let organisation_id = merge::current(tx.conn, input.organisation_id)?;
        let input = &ReassignInput { organisation_id, ..input.clone() };
        let scope = tx.scope();
        let mut done = Reassigned::default();

        let mut after = None;
        loop {
            let old = task::next_open_of(tx.conn, &tx.names, &scope, input, after, AT_ONCE)?;
            let Some(last) = old.last() else { break };
            after = Some(last.id);
            let handed_over = |old: &Task| old.handed_over(tx.now, input.from_user_id, &to);
            let new: Vec<_> = old.iter().map(handed_over).collect();
            task::update_people(tx.conn, &new).map_err(again)?;
            for (old, new) in old.iter().zip(&new) {
                tx.changed(old, new)?;
                done.reassigned += 1;
                if new.owner == old.owner {
                    done.stand_ins += 1;
                } else {
                    done.tasks += 1;
                }
            }
        }

        let mut after = None;
        loop {
            let old = referral::next_open_of(tx.conn, &tx.names, &scope, input, after, AT_ONCE)?;
            let Some(last) = old.last() else { break };
            after = Some(last.id);
            let new: Vec<_> = old.iter().map(|old| old.handed_over(tx.now, &to)).collect();
            referral::update_owners(tx.conn, &new).map_err(again)?;
            for (old, new) in old.iter().zip(&new) {
                tx.changed(old, new)?;
                done.reassigned += 1;
                done.referrals += 1;
            }
        }
        Ok(done)
    })
}

/// Nobody saw a version of these: when one changed since it was read, the whole is done again.
fn again(error: Error) -> Error {
    match error {
        Error::Stale { .. } => Error::Busy("a record was changed meanwhile".into()),
        other => other,
    }
}

/// Writes a new task, in the transaction of whatever it comes from: a consultation that was just logged
/// is found too.
///
/// # Errors
/// As [`create`].
pub(crate) fn add(tx: &mut Writing, input: &TaskInput) -> Result<Task> {
    let context = context(tx, input)?;
    let new = Task::new(tx.new_id(), tx.now, &tx.actor, input, &context)?;
    task::insert(tx.conn, &new)?;
    tx.created(&new)?;
    Ok(new)
}

fn keep(tx: &mut Writing, old: &Task, new: Task) -> Result<Task> {
    task::update(tx.conn, &new)?;
    tx.changed(old, &new)?;
    Ok(new)
}

/// A task is kept with the organisation that its consultation is of, so the consultation is held first: who
/// changes that one tells its tasks, and would tell this one too early.
fn as_seen(tx: &mut Writing, id: TaskId, seen: i64) -> Result<Task> {
    let scope = tx.scope();
    let mut old = task::find(tx.conn, &tx.names, &scope, id)?;
    if let Some(of) = &old.consultation {
        consultation::hold_shared(tx.conn, &tx.names, &scope, of.id)?;
        old = task::find(tx.conn, &tx.names, &scope, id)?;
    }
    check_version(&old, seen)?;
    Ok(old)
}

/// What an input names, as far as it exists in the caller's scope.
fn context(tx: &mut Writing, input: &TaskInput) -> Result<Context> {
    let (scope, carrier, today) = (tx.scope(), tx.actor.own_carrier()?.id, tx.today());
    let owner = input.owner_id.unwrap_or(tx.actor.user_id);
    let named: Vec<_> = [Some(owner), input.deputy_id].into_iter().flatten().collect();
    let consultation = match input.consultation_id {
        Some(id) => none_if_missing(consultation::hold_shared(tx.conn, &tx.names, &scope, id))?,
        None => None,
    };
    let organisation = match input.organisation_id {
        Some(id) => organisation::facts_to_name(tx.conn, id)?,
        None => None,
    };
    let event = match input.event_id {
        Some(id) => event::named(tx.conn, &scope, id)?,
        None => None,
    };
    let people = user::available_on(tx.conn, &named, carrier, today)?;
    Ok(Context { people, consultation, organisation, event })
}
