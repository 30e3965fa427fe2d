//! Log-in, refresh, log-out; the own password and sessions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use lotse_domain::audit::AuditAction;
use lotse_domain::entity::Reference;
use lotse_domain::id::{SessionId, UserId};
use lotse_domain::page::Page;
use lotse_domain::policy::Action;
use lotse_domain::session::{
    LoginInput, Me, OpenSession, PasswordInput, SESSION_HOURS, back_off_seconds, check_password,
};
use lotse_domain::time::local_date;
use lotse_domain::{Error, Result};
use lotse_persistence::session::{self, EndReason};
use lotse_persistence::{Conn, audit, installation, invitation, user};
use sha2::{Digest, Sha256};

use crate::second_factor;
use crate::transaction::{note, retrying, subject_of};
use crate::{App, Caller};

/// One answer for an unknown user, a wrong password and a suspended user.
const REFUSED: Error = Error::Unauthenticated("E-mail address or password is wrong.");

/// A session to give tokens for.
#[derive(Clone, Debug)]
pub struct Opened {
    pub session: SessionId,
    pub user: UserId,
    pub refresh_token: String,
}

/// # Errors
/// `Unauthenticated` when the log-in is refused; `SecondFactor` when a code is needed; `TooManyAttempts`
/// while the account is held.
pub fn log_in(
    app: &App,
    input: &LoginInput,
    client: Option<&str>,
    request_id: &str,
) -> Result<Opened> {
    let email = input.email.trim().to_lowercase();
    let account = hash_of(&email);
    // The attempt counts before it is checked, so that many at once are not free.
    retrying(|| app.database.write(|conn| count_attempt(conn, &account, app.now())))?;

    let credentials = retrying(|| app.database.read(|conn| user::credentials(conn, &email)))?;
    let hash = credentials.as_ref().and_then(|(_, hash, _)| hash.as_deref());
    let right = app.hasher.verify(&input.password, hash)?;
    let user = match credentials {
        Some((user, _, true)) if right => user,
        known => {
            let reason = match known {
                None => "unknown_user",
                Some(_) if !right => "wrong_password",
                Some(_) => "suspended",
            };
            app.note_refused_log_in(known.map(|(user, ..)| user), request_id, reason);
            return Err(REFUSED);
        }
    };

    let session: SessionId = app.new_id();
    let token = new_token();
    let opened = retrying(|| {
        app.database.write(|conn| {
            let now = app.now();
            let strong = second_factor::pass(conn, user, input.code.as_deref(), now)?;
            session::clear_attempts(conn, &account)?;
            let end = now + TimeDelta::hours(SESSION_HOURS);
            session::insert(conn, session, user, now, end, client, strong)?;
            session::insert_token(conn, &hash_of(&token), session, now)?;
            // Without an assignment today the user is nobody in the network.
            session::holder(conn, session, now, local_date(now))?.ok_or(REFUSED)?;
            let entry = note(app, now, request_id, AuditAction::LoggedIn, subject_of(user));
            let session = Some(session);
            audit::insert(conn, &audit::Entry { user: Some(user), session, ..entry })
        })
    });
    match opened {
        Ok(()) => Ok(Opened { session, user, refresh_token: token }),
        Err(error) => {
            let reason = match error {
                Error::SecondFactor(_) if input.code.is_some() => Some("wrong_code"),
                Error::Unauthenticated(_) => Some("no_role"),
                // The first half of a log-in is none that was refused.
                _ => None,
            };
            if let Some(reason) = reason {
                app.note_refused_log_in(Some(user), request_id, reason);
            }
            Err(error)
        }
    }
}

fn count_attempt(conn: &mut Conn, account: &[u8], now: DateTime<Utc>) -> Result<()> {
    let (failures, blocked_until) = session::attempts(conn, account)?.unwrap_or_default();
    if let Some(until) = blocked_until.filter(|until| *until > now) {
        let left = (until - now).num_milliseconds();
        // Rounded up: who waits as long as told is let in.
        let retry_after_seconds = left.div_euclid(1000) + 1;
        return Err(Error::TooManyAttempts { retry_after_seconds });
    }
    let failures = failures.saturating_add(1);
    let hold = back_off_seconds(failures);
    let blocked_until = (hold > 0).then(|| now + TimeDelta::seconds(hold));
    session::set_attempts(conn, account, failures, blocked_until, now)
}

/// Exchanges a refresh token. Each works once; when one comes again, somebody else has it, and the
/// session ends for both.
///
/// # Errors
/// `Unauthenticated` when the token does not hold.
pub fn refresh(app: &App, refresh_token: &str, request_id: &str) -> Result<Opened> {
    const REFUSED: Error = Error::Unauthenticated("The refresh token does not hold. Log in again.");
    let hash = hash_of(refresh_token);
    let token = new_token();
    // None: refused, and what the refusal changed is to be committed.
    let opened = retrying(|| {
        app.database.write(|conn| {
            let now = app.now();
            let Some((session, user)) = session::of_token(conn, &hash)? else { return Ok(None) };
            if !session::use_token(conn, &hash, now)? {
                session::end(conn, session, now, EndReason::TokenReused)?;
                let reused = AuditAction::TokenReused;
                let entry = note(app, now, request_id, reused, subject_of(user));
                audit::insert(conn, &audit::Entry { session: Some(session), ..entry })?;
                return Ok(None);
            }
            let Some(holder) = session::holder(conn, session, now, local_date(now))? else {
                return Ok(None);
            };
            session::insert_token(conn, &hash_of(&token), session, now)?;
            Ok(Some(Opened { session, user: holder.user(), refresh_token: token.clone() }))
        })
    })?;
    opened.ok_or(REFUSED)
}

/// # Errors
/// `Unauthenticated` when the session is over already.
pub fn log_out(app: &App, caller: &Caller) -> Result<()> {
    app.write(caller, Action::ManageOwnAccount, |tx| {
        let (session, _) = tx.actor.session()?;
        session::end(tx.conn, session, tx.now, EndReason::LoggedOut)?;
        tx.note(AuditAction::LoggedOut, subject_of(tx.actor.user_id));
        Ok(())
    })
}

/// # Errors
/// `Unauthenticated` when the session is over.
pub fn me(app: &App, caller: &Caller) -> Result<Me> {
    app.read(caller, Action::ReadOwnAccount, |tx| {
        Ok(Me {
            id: tx.actor.user_id,
            name: tx.actor.name.clone(),
            email: tx.actor.session().ok().map(|(_, email)| email.to_owned()),
            role: tx.actor.role,
            permissions: tx.actor.permissions(),
            carrier: tx.actor.carrier.as_ref().map(|c| Reference::new(c.id, &c.name)),
            site: tx.actor.site.clone(),
            synthetic_data: installation::synthetic_data(tx.conn)?,
        })
    })
}

/// The caller's sessions that are not over, the latest first.
///
/// # Errors
/// `Unauthenticated` when the session is over.
pub fn own(app: &App, caller: &Caller) -> Result<Page<OpenSession>> {
    app.read(caller, Action::ManageOwnAccount, |tx| {
        let (session, _) = tx.actor.session()?;
        let items = session::open(tx.conn, tx.actor.user_id, session, tx.now)?;
        Ok(Page { items, next_cursor: None, total: None })
    })
}

/// Ends one of the caller's sessions.
///
/// # Errors
/// `NotFound` when the caller has no such session, or it is over.
pub fn end_own(app: &App, caller: &Caller, id: SessionId) -> Result<()> {
    app.write(caller, Action::ManageOwnAccount, |tx| {
        let (session, _) = tx.actor.session()?;
        let own = session::open(tx.conn, tx.actor.user_id, session, tx.now)?;
        let ended = own.iter().find(|own| own.id == id).ok_or(Error::NotFound("session"))?;
        let reason = if ended.current { EndReason::LoggedOut } else { EndReason::EndedElsewhere };
        session::end(tx.conn, id, tx.now, reason)?;
        tx.note(AuditAction::LoggedOut, subject_of(tx.actor.user_id));
        Ok(())
    })
}

/// Sets the caller's password and ends the other sessions: whoever knew the old one is out.
///
/// # Errors
/// `Invalid` when the current password is wrong or the new one is weak; `TooManyAttempts` while the
/// account is held.
pub fn change_password(app: &App, caller: &Caller, input: &PasswordInput) -> Result<()> {
    let actor = app.read(caller, Action::ManageOwnAccount, |tx| Ok(tx.actor.clone()))?;
    let (_, email) = actor.session()?;
    check_password("/new_password", &input.new_password, &[&actor.name, email])?;
    check_own_password(app, caller, "/current_password", &input.current_password)?;
    let hash = app.hasher.hash(&input.new_password)?;
    app.write(caller, Action::ManageOwnAccount, |tx| {
        let (session, _) = tx.actor.session()?;
        let (user, today) = (tx.actor.user_id, tx.today());
        user::set_password(tx.conn, user, &hash)?;
        session::end_others(tx.conn, user, session, tx.now, EndReason::PasswordChanged)?;
        // A link that somebody may still have would set another one.
        invitation::withdraw(tx.conn, user)?;
        let user = user::find(tx.conn, user, today)?;
        tx.audit(AuditAction::PasswordSet, Some(&user), &user)
    })
}

/// As at log-in: who has found an open session does not get to try passwords.
///
/// # Errors
/// `Invalid` when it is not the caller's password; `TooManyAttempts` while the account is held.
pub(crate) fn check_own_password(
    app: &App,
    caller: &Caller,
    pointer: &str,
    password: &str,
) -> Result<()> {
    let (email, hash) = app.read(caller, Action::ManageOwnAccount, |tx| {
        let (_, email) = tx.actor.session()?;
        let hash = user::credentials(tx.conn, email)?.and_then(|(_, hash, _)| hash);
        Ok((email.to_owned(), hash))
    })?;
    let account = hash_of(&email);
    retrying(|| app.database.write(|conn| count_attempt(conn, &account, app.now())))?;
    if app.hasher.verify(password, hash.as_deref())? {
        retrying(|| app.database.write(|conn| session::clear_attempts(conn, &account)))
    } else {
        Err(Error::invalid(pointer, "wrong_password", "is not the current password"))
    }
}

/// 256 random bits.
pub(crate) fn new_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

pub(crate) fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
