use chrono::NaiveDate;
use lotse_domain::audit::{AuditAction, HistoryEntry};
use lotse_domain::entity::check_version;
use lotse_domain::id::UserId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::session::check_password;
use lotse_domain::user::{
    Assignment, AssignmentInput, NewUserInput, User, UserFilter, UserInput, UserStatus,
};
use lotse_domain::{Error, Result};
use lotse_persistence::session::EndReason;
use lotse_persistence::{Conn, audit, invitation, session, user};

use crate::site::{named_carrier, named_site};
use crate::{App, Caller, Writing};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &UserFilter,
    paging: &Paging,
) -> Result<Page<User>> {
    app.read(caller, Action::ReadNetwork, |tx| {
        let today = tx.today();
        user::list(tx.conn, filter, today, paging)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: UserId) -> Result<User> {
    app.read(caller, Action::ReadNetwork, |tx| {
        let today = tx.today();
        user::find(tx.conn, id, today)
    })
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: UserId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ChangeUsers, |tx| {
        let today = tx.today();
        user::find(tx.conn, id, today)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid`; `Conflict` when the e-mail address is taken.
pub fn create(app: &App, caller: &Caller, input: &NewUserInput) -> Result<User> {
    // Only who may create users makes us hash: it is work.
    app.read(caller, Action::ChangeUsers, |_| Ok(()))?;
    let hash = match &input.password {
        Some(password) => {
            check_password("/password", password, &[&input.name, &input.email])?;
            Some(app.hasher.hash(password)?)
        }
        None => None,
    };
    app.write(caller, Action::ChangeUsers, |tx| {
        let today = tx.today();
        let profile = UserInput {
            email: input.email.clone(),
            name: input.name.clone(),
            status: UserStatus::Active,
        };
        let new = User::new(tx.new_id(), tx.now, &profile)?;
        user::insert(tx.conn, &new, hash.as_deref())?;
        tx.created(&new)?;
        assign_to(tx, new.id, "/assignment", &input.assignment)?;
        user::find(tx.conn, new.id, today)
    })
}

/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when the e-mail address is taken, or when the caller
/// would lock himself out.
pub fn change(
    app: &App,
    caller: &Caller,
    id: UserId,
    seen: i64,
    patch: &MergePatch,
) -> Result<User> {
    app.write(caller, Action::ChangeUsers, |tx| {
        let today = tx.today();
        let old = user::find(tx.conn, id, today)?;
        check_version(&old, seen)?;
        let new = old.changed(tx.now, &patch.apply(&UserInput::from(&old))?)?;
        if new.status == UserStatus::Suspended {
            if id == tx.actor.user_id {
                return Err(Error::conflict("own_account", "Nobody suspends the own account."));
            }
            keep_an_admin(tx, id)?;
            session::end_all(tx.conn, id, tx.now, EndReason::Suspended)?;
            invitation::withdraw(tx.conn, id)?;
        }
        user::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`.
pub fn assignments(
    app: &App,
    caller: &Caller,
    id: UserId,
    paging: &Paging,
) -> Result<Page<Assignment>> {
    app.read(caller, Action::ReadNetwork, |tx| {
        let today = tx.today();
        user::find(tx.conn, id, today)?;
        user::assignments(tx.conn, id, paging)
    })
}

/// Gives a user another role, carrier or site from a date on. What was before, stays.
///
/// # Errors
/// `NotFound`, `Invalid`; `Conflict` when it would begin before an existing assignment.
pub fn assign(
    app: &App,
    caller: &Caller,
    id: UserId,
    input: &AssignmentInput,
) -> Result<Assignment> {
    app.write(caller, Action::ChangeUsers, |tx| {
        let today = tx.today();
        user::find(tx.conn, id, today)?;
        if id == tx.actor.user_id {
            return Err(Error::conflict("own_account", "Nobody changes the own role."));
        }
        keep_an_admin(tx, id)?;
        assign_to(tx, id, "", input)
    })
}

/// Ends all sessions of a user, who can log in again.
///
/// # Errors
/// `NotFound`.
pub fn end_sessions(app: &App, caller: &Caller, id: UserId) -> Result<()> {
    app.write(caller, Action::ChangeUsers, |tx| {
        let today = tx.today();
        let user = user::find(tx.conn, id, today)?;
        session::end_all(tx.conn, id, tx.now, EndReason::EndedByAdmin)?;
        tx.audit(AuditAction::SessionsEnded, Some(&user), &user)
    })
}

/// Somebody must be left to administer. The caller is an admin, but another one may be taking that
/// away at the same moment.
fn keep_an_admin(tx: &mut Writing, without: UserId) -> Result<()> {
    let today = tx.today();
    admin_is_left(tx.conn, without, today)
}

pub(crate) fn admin_is_left(conn: &mut Conn, without: UserId, today: NaiveDate) -> Result<()> {
    let admins = user::hold_admins(conn, today)?;
    if admins.contains(&without) && admins.len() == 1 {
        return Err(Error::conflict("last_admin", "This is the last user who administers."));
    }
    Ok(())
}

fn assign_to(
    tx: &mut Writing,
    id: UserId,
    pointer: &str,
    input: &AssignmentInput,
) -> Result<Assignment> {
    let new = assignment(tx.conn, tx.new_id(), id, tx.now, pointer, input)?;
    let existing = user::all_assignments(tx.conn, id)?;
    for ended in Assignment::ended_by(&existing, &new, tx.now)? {
        user::update_assignment(tx.conn, &ended)?;
        if let Some(old) = existing.iter().find(|old| old.id == ended.id) {
            tx.changed(old, &ended)?;
        }
    }
    user::insert_assignment(tx.conn, &new)?;
    tx.created(&new)?;
    Ok(new)
}

/// The assignment that an input asks for, with the carrier and site that it names.
pub(crate) fn assignment(
    conn: &mut Conn,
    id: lotse_domain::id::AssignmentId,
    user: UserId,
    now: chrono::DateTime<chrono::Utc>,
    pointer: &str,
    input: &AssignmentInput,
) -> Result<Assignment> {
    let carrier = input
        .carrier_id
        .map(|carrier| named_carrier(conn, &format!("{pointer}/carrier_id"), carrier))
        .transpose()?;
    let site = input
        .site_id
        .map(|site| named_site(conn, &format!("{pointer}/site_id"), site))
        .transpose()?
        .map(|site| {
            let reference = lotse_domain::entity::Reference::new(site.id, &site.name);
            (reference, lotse_domain::id::CarrierId(site.carrier.id))
        });
    Assignment::new(id, user, now, input, carrier, site).map_err(|error| error.below(pointer))
}
