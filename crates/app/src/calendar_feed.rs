use chrono::{DateTime, Days, NaiveDate, Utc};
use lotse_domain::audit::AuditAction;
use lotse_domain::calendar_feed::{
    Agenda, CalendarFeed, DAYS_AHEAD, DAYS_BACK, MAX_ENTRIES, render,
};
use lotse_domain::policy::{Action, Actor, allows};
use lotse_domain::time::local_date;
use lotse_domain::{Error, Result};
use lotse_persistence::calendar_feed::{self, Holder};
use lotse_persistence::names::Names;
use lotse_persistence::{Conn, accompaniment, recruitment_case, referral, task, user};

use crate::session::{hash_of, new_token};
use crate::transaction::retrying;
use crate::{App, Caller, Writing};

const NOT_FOUND: Error = Error::NotFound("calendar feed");

/// # Errors
/// `NotFound` when the caller has none.
pub fn get(app: &App, caller: &Caller) -> Result<CalendarFeed> {
    app.read(caller, Action::ManageOwnAccount, |tx| {
        calendar_feed::find(tx.conn, tx.actor.user_id)?.ok_or(NOT_FOUND)
    })
}

/// Makes the caller's secret, which calendar programs read with. The one before is over.
///
/// # Errors
/// `SecondFactorMissing` after a log-in without the second factor that the role must have.
pub fn renew(app: &App, caller: &Caller) -> Result<(String, DateTime<Utc>)> {
    let secret = new_token();
    let created_at = app.write(caller, Action::ManageOwnAccount, |tx| {
        check_logged_in_fully(&tx.actor)?;
        calendar_feed::set(tx.conn, tx.actor.user_id, &hash_of(&secret), tx.now)?;
        note(tx, AuditAction::CalendarFeedSet)?;
        Ok(tx.now)
    })?;
    Ok((secret, created_at))
}

/// # Errors
/// When the database cannot be written.
pub fn remove(app: &App, caller: &Caller) -> Result<()> {
    app.write(caller, Action::ManageOwnAccount, |tx| {
        if calendar_feed::remove(tx.conn, tx.actor.user_id)? {
            note(tx, AuditAction::CalendarFeedRemoved)?;
        }
        Ok(())
    })
}

/// The calendar that a secret opens. There is no caller: calendar programs cannot log in. They ask every few
/// minutes, so the audit log says once an hour that it is read.
///
/// # Errors
/// `NotFound` when it opens none, or none any more.
pub fn read(app: &App, secret: &str, request_id: &str) -> Result<String> {
    let hash = hash_of(secret);
    let now = app.now();
    let (calendar, holder) = retrying(|| {
        app.database.read(|conn| {
            let today = local_date(now);
            let holder = calendar_feed::holder(conn, &hash, today)?.ok_or(NOT_FOUND)?;
            let names = app.names_of(holder.generation, conn)?;
            Ok((render(&agenda(conn, &names, &holder, today)?), holder))
        })
    })?;
    if holder.use_is_due(now) {
        app.note_calendar_read(holder.user, request_id);
        // When that fails, the next request does it.
        let noted = app.database.write(|conn| calendar_feed::note_use(conn, &hash, now));
        if let Err(error) = noted {
            tracing::warn!(%error, "the use of a calendar feed was not noted");
        }
    }
    Ok(calendar)
}

/// What the holder may see in the program too, as far as a calendar shows it. What was said in
/// consultations stays out: calendars are copied to servers of others.
fn agenda(conn: &mut Conn, names: &Names, holder: &Holder, today: NaiveDate) -> Result<Agenda> {
    let (scope, user) = (holder.scope(), holder.user);
    let from = today.checked_sub_days(Days::new(DAYS_BACK)).unwrap_or(today);
    let to = today.checked_add_days(Days::new(DAYS_AHEAD)).unwrap_or(today);
    let tasks = if allows(holder.role, Action::ReadTasks) {
        task::to_do(conn, names, &scope, user, from, MAX_ENTRIES)?
    } else {
        Vec::new()
    };
    let referrals = if allows(holder.role, Action::ReadReferrals) {
        referral::waiting(conn, names, &scope, user, from, MAX_ENTRIES)?
    } else {
        Vec::new()
    };
    let (accompaniments, recruitment_cases) = if allows(holder.role, Action::ReadAccompaniments) {
        let runs = accompaniment::of_user(conn, names, &scope, user)?;
        (runs, recruitment_case::of_user(conn, names, &scope, user)?)
    } else {
        (Vec::new(), Vec::new())
    };
    let events = if allows(holder.role, Action::ReadEvents) {
        calendar_feed::events(conn, &scope, user, from, to, MAX_ENTRIES)?
    } else {
        Vec::new()
    };
    Ok(Agenda { user, from, tasks, accompaniments, recruitment_cases, referrals, events })
}

/// An address reads without a second factor, so who has yet to show one gets none. Everybody else may
/// read the network.
fn check_logged_in_fully(actor: &Actor) -> Result<()> {
    actor.may(Action::ReadNetwork)
}

fn note(tx: &mut Writing, action: AuditAction) -> Result<()> {
    let (id, today) = (tx.actor.user_id, tx.today());
    let user = user::find(tx.conn, id, today)?;
    tx.audit(action, Some(&user), &user)
}
