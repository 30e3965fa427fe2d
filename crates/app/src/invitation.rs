use chrono::{DateTime, TimeDelta, Utc};
use lotse_domain::audit::AuditAction;
use lotse_domain::id::UserId;
use lotse_domain::invitation::{INVITATION_HOURS, InvitationInput};
use lotse_domain::policy::Action;
use lotse_domain::session::check_password;
use lotse_domain::time::local_date;
use lotse_domain::user::UserStatus;
use lotse_domain::{Error, Result};
use lotse_persistence::session::EndReason;
use lotse_persistence::{audit, invitation, session, user};

use crate::session::{hash_of, new_token};
use crate::transaction::{entry, retrying};
use crate::{App, Caller};

const REFUSED: Error = Error::Unauthenticated("The invitation does not hold. Ask for another one.");

/// Makes a user an invitation; the one before no longer holds. The password, if there is one, stays
/// until the invitation is taken.
///
/// # Errors
/// `NotFound`; `Conflict` for a suspended user.
pub fn invite(app: &App, caller: &Caller, id: UserId) -> Result<(String, DateTime<Utc>)> {
    let token = new_token();
    let expires_at = app.write(caller, Action::ChangeUsers, |tx| {
        let today = tx.today();
        let user = user::find(tx.conn, id, today)?;
        if user.status == UserStatus::Suspended {
            return Err(Error::conflict("suspended", "The user is suspended."));
        }
        let expires_at = tx.now + TimeDelta::hours(INVITATION_HOURS);
        let by = tx.actor.user_id;
        invitation::insert(tx.conn, &hash_of(&token), id, by, tx.now, expires_at)?;
        tx.audit(AuditAction::Invited, Some(&user), &user)?;
        Ok(expires_at)
    })?;
    Ok((token, expires_at))
}

/// Sets the password of the invited user, whose sessions are over then. It works once.
///
/// # Errors
/// `Unauthenticated` when the invitation does not hold; `Invalid` for a weak password, with which it
/// is not used up.
pub fn take(app: &App, request_id: &str, input: &InvitationInput) -> Result<()> {
    let token = hash_of(&input.token);
    let invited = retrying(|| {
        app.database.read(|conn| {
            let now = app.now();
            let id = invitation::invited(conn, &token, now)?.ok_or(REFUSED)?;
            let invited = user::find(conn, id, local_date(now))?;
            if invited.status == UserStatus::Suspended { Err(REFUSED) } else { Ok(invited) }
        })
    })?;
    check_password("/password", &input.password, &[&invited.name, &invited.email])?;
    let hash = app.hasher.hash(&input.password)?;
    retrying(|| {
        app.database.write(|conn| {
            let now = app.now();
            // Both may have changed while the password was hashed.
            let user = user::find(conn, invited.id, local_date(now))?;
            if user.status == UserStatus::Suspended || !invitation::use_up(conn, &token)? {
                return Err(REFUSED);
            }
            user::set_password(conn, user.id, &hash)?;
            session::end_all(conn, user.id, now, EndReason::PasswordChanged)?;
            session::clear_attempts(conn, &hash_of(&user.email))?;
            let set = AuditAction::PasswordSet;
            let entry = entry(app, now, request_id, set, Some(&user), &user)?;
            audit::insert(conn, &audit::Entry { user: Some(user.id), ..entry })
        })
    })
}
