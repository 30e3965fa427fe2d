//! Log-in, refresh, log-out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use lotse_domain::entity::Reference;
use lotse_domain::id::{SessionId, UserId};
use lotse_domain::policy::Action;
use lotse_domain::session::{LoginInput, Me, RefreshInput, SESSION_HOURS, back_off_seconds};
use lotse_domain::time::local_date;
use lotse_domain::{Error, Result};
use lotse_persistence::session::{self, EndReason};
use lotse_persistence::{Conn, installation, user};
use sha2::{Digest, Sha256};

use crate::transaction::retrying;
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
/// `Unauthenticated` when the log-in is refused; `TooManyAttempts` while the account is held.
pub fn log_in(app: &App, input: &LoginInput) -> Result<Opened> {
    let email = input.email.trim().to_lowercase();
    let account = Sha256::digest(email.as_bytes()).to_vec();
    // The attempt counts before it is checked, so that many at once are not free.
    retrying(|| app.database.write(|conn| count_attempt(conn, &account, app.now())))?;

    let credentials = retrying(|| app.database.read(|conn| user::credentials(conn, &email)))?;
    let hash = credentials.as_ref().map(|(_, hash, _)| hash.as_str());
    let right = app.hasher.verify(&input.password, hash)?;
    let Some((user, ..)) = credentials.filter(|(_, _, active)| right && *active) else {
        return Err(REFUSED);
    };

    let session: SessionId = app.new_id();
    let token = new_refresh_token();
    retrying(|| {
        app.database.write(|conn| {
            let now = app.now();
            session::clear_attempts(conn, &account)?;
            session::insert(conn, session, user, now, now + TimeDelta::hours(SESSION_HOURS))?;
            session::insert_token(conn, &hash_of(&token), session, now)?;
            // Without an assignment today the user is nobody in the network.
            session::holder(conn, session, now, local_date(now))?.ok_or(REFUSED)?;
            Ok(())
        })
    })?;
    Ok(Opened { session, user, refresh_token: token })
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
pub fn refresh(app: &App, input: &RefreshInput) -> Result<Opened> {
    const REFUSED: Error = Error::Unauthenticated("The refresh token does not hold. Log in again.");
    let hash = hash_of(&input.refresh_token);
    let token = new_refresh_token();
    // None: refused, and what the refusal changed is to be committed.
    let opened = retrying(|| {
        app.database.write(|conn| {
            let now = app.now();
            let Some(session) = session::of_token(conn, &hash)? else { return Ok(None) };
            if !session::use_token(conn, &hash, now)? {
                session::end(conn, session, now, EndReason::TokenReused)?;
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
    app.write(caller, Action::ReadOwnAccount, |tx| {
        session::end(tx.conn, tx.actor.session_id, tx.now, EndReason::LoggedOut)
    })
}

/// # Errors
/// `Unauthenticated` when the session is over.
pub fn me(app: &App, caller: &Caller) -> Result<Me> {
    app.read(caller, Action::ReadOwnAccount, |tx| {
        Ok(Me {
            id: tx.actor.user_id,
            name: tx.actor.name.clone(),
            email: tx.actor.email.clone(),
            role: tx.actor.role,
            carrier: tx.actor.carrier.as_ref().map(|c| Reference::new(c.id, &c.name)),
            site: tx.actor.site.clone(),
            synthetic_data: installation::synthetic_data(tx.conn)?,
        })
    })
}

/// 256 random bits.
fn new_refresh_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
