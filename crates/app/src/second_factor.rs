use chrono::{DateTime, Utc};
use lotse_domain::audit::AuditAction;
use lotse_domain::id::UserId;
use lotse_domain::policy::Action;
use lotse_domain::second_factor::{
    CodeInput, OwnPasswordInput, RECOVERY_CODE_BYTES, RECOVERY_CODES, RecoveryCodes, SECRET_BYTES,
    SecondFactor, SecondFactorSecret, for_app, recovery_code, step_of, typed_recovery_code,
};
use lotse_domain::{Error, Result};
use lotse_persistence::session::EndReason;
use lotse_persistence::{Conn, second_factor, session, user};

use crate::session::{check_own_password, hash_of};
use crate::{App, Caller, Writing};

/// # Errors
/// `Unauthenticated` when the session is over.
pub fn get(app: &App, caller: &Caller) -> Result<SecondFactor> {
    app.read(caller, Action::ManageOwnAccount, |tx| {
        let user = tx.actor.user_id;
        let since = second_factor::find(tx.conn, user)?.and_then(|stored| stored.confirmed_at);
        Ok(SecondFactor {
            enabled: since.is_some(),
            required: app.requires_second_factor(tx.actor.role),
            since,
            recovery_codes_left: second_factor::codes_left(tx.conn, user)?,
        })
    })
}

/// Makes a secret for the caller's authenticator app. Log-in asks for codes once the caller has shown
/// one.
///
/// # Errors
/// `Invalid` when the password is wrong; `TooManyAttempts`; `Conflict` when it is enabled already.
pub fn start(app: &App, caller: &Caller, input: &OwnPasswordInput) -> Result<SecondFactorSecret> {
    check_own_password(app, caller, "/password", &input.password)?;
    let secret: [u8; SECRET_BYTES] = rand::random();
    let email = app.write(caller, Action::ManageOwnAccount, |tx| {
        let stored = second_factor::find(tx.conn, tx.actor.user_id)?;
        if stored.is_some_and(|stored| stored.confirmed_at.is_some()) {
            let detail = "The second factor is enabled. Remove it first.";
            return Err(Error::conflict("second_factor_enabled", detail));
        }
        second_factor::start(tx.conn, tx.actor.user_id, &secret, tx.now)?;
        Ok(tx.actor.session()?.1.to_owned())
    })?;
    for_app(&secret, &email)
}

/// Enables the second factor with a first code, and makes recovery codes.
///
/// # Errors
/// `Invalid` when the code is wrong; `Conflict` when nothing was started or it is enabled already.
pub fn confirm(app: &App, caller: &Caller, input: &CodeInput) -> Result<RecoveryCodes> {
    let codes = new_codes();
    app.write(caller, Action::ManageOwnAccount, |tx| {
        let stored = second_factor::find(tx.conn, tx.actor.user_id)?;
        let Some(stored) = stored.filter(|stored| stored.confirmed_at.is_none()) else {
            let detail = "There is no second factor that waits for a first code.";
            return Err(Error::conflict("second_factor_not_started", detail));
        };
        check_code(tx, &stored.secret, &input.code)?;
        let (session, user) = (tx.actor.session()?.0, tx.actor.user_id);
        second_factor::confirm(tx.conn, user, tx.now)?;
        second_factor::set_codes(tx.conn, user, &hashes(&codes))?;
        // Whoever logged in with the password alone has to show a code now.
        session::end_others(tx.conn, user, session, tx.now, EndReason::EndedElsewhere)?;
        session::strengthen(tx.conn, session)?;
        note(tx, AuditAction::SecondFactorSet, user)
    })?;
    Ok(RecoveryCodes { codes })
}

/// Makes recovery codes in place of those before.
///
/// # Errors
/// `Invalid` when the password is wrong; `TooManyAttempts`; `Conflict` when it is not enabled.
pub fn renew_codes(app: &App, caller: &Caller, input: &OwnPasswordInput) -> Result<RecoveryCodes> {
    check_own_password(app, caller, "/password", &input.password)?;
    let codes = new_codes();
    app.write(caller, Action::ManageOwnAccount, |tx| {
        let user = tx.actor.user_id;
        let stored = second_factor::find(tx.conn, user)?;
        if stored.is_none_or(|stored| stored.confirmed_at.is_none()) {
            return Err(not_enabled());
        }
        second_factor::set_codes(tx.conn, user, &hashes(&codes))?;
        note(tx, AuditAction::RecoveryCodesSet, user)
    })?;
    Ok(RecoveryCodes { codes })
}

/// Removes the caller's second factor.
///
/// # Errors
/// `Invalid` when the password is wrong; `TooManyAttempts`; `Conflict` when the role must have it, or
/// it is not enabled.
pub fn remove(app: &App, caller: &Caller, input: &OwnPasswordInput) -> Result<()> {
    check_own_password(app, caller, "/password", &input.password)?;
    app.write(caller, Action::ManageOwnAccount, |tx| {
        if app.requires_second_factor(tx.actor.role) {
            let detail = "Your role must have a second factor.";
            return Err(Error::conflict("second_factor_required", detail));
        }
        let user = tx.actor.user_id;
        if second_factor::find(tx.conn, user)?.is_none() {
            return Err(not_enabled());
        }
        second_factor::remove(tx.conn, user)?;
        note(tx, AuditAction::SecondFactorRemoved, user)
    })
}

/// Removes the second factor of a user who lost it, and ends the user's sessions.
///
/// # Errors
/// `NotFound`.
pub fn reset(app: &App, caller: &Caller, id: UserId) -> Result<()> {
    app.write(caller, Action::ChangeUsers, |tx| {
        let today = tx.today();
        user::find(tx.conn, id, today)?;
        if second_factor::find(tx.conn, id)?.is_none() {
            return Ok(());
        }
        second_factor::remove(tx.conn, id)?;
        session::end_all(tx.conn, id, tx.now, EndReason::EndedByAdmin)?;
        note(tx, AuditAction::SecondFactorRemoved, id)
    })
}

/// Whether the log-in of a user is more than a password: with what was sent besides.
///
/// # Errors
/// `SecondFactor` when a code is needed and is not there, or not right.
pub(crate) fn pass(
    conn: &mut Conn,
    user: UserId,
    code: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let stored = second_factor::find(conn, user)?;
    let Some(stored) = stored.filter(|stored| stored.confirmed_at.is_some()) else {
        return Ok(false);
    };
    let code = code.ok_or(Error::SecondFactor(
        "Send the code of your authenticator app, or a recovery code, as `code` besides.",
    ))?;
    let passed = match step_of(&stored.secret, code, now)? {
        Some(step) => second_factor::use_step(conn, user, step)?,
        None => second_factor::use_code(conn, user, &hash_of(&typed_recovery_code(code)), now)?,
    };
    if passed { Ok(true) } else { Err(Error::SecondFactor("The code does not hold.")) }
}

fn check_code(tx: &mut Writing, secret: &[u8], code: &str) -> Result<()> {
    let right = match step_of(secret, code, tx.now)? {
        Some(step) => second_factor::use_step(tx.conn, tx.actor.user_id, step)?,
        None => false,
    };
    if right {
        Ok(())
    } else {
        Err(Error::invalid("/code", "wrong_code", "is not the code of now, or was used before"))
    }
}

fn note(tx: &mut Writing, action: AuditAction, user: UserId) -> Result<()> {
    let today = tx.today();
    let user = user::find(tx.conn, user, today)?;
    tx.audit(action, Some(&user), &user)
}

fn not_enabled() -> Error {
    Error::conflict("no_second_factor", "There is no second factor.")
}

fn new_codes() -> Vec<String> {
    let code = || recovery_code(rand::random::<[u8; RECOVERY_CODE_BYTES]>());
    std::iter::repeat_with(code).take(RECOVERY_CODES).collect()
}

fn hashes(codes: &[String]) -> Vec<Vec<u8>> {
    codes.iter().map(|code| hash_of(code)).collect()
}
