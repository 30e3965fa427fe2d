//! What the operator of the installation does at its console, without a log-in: the first users,
//! lost passwords. It stands in the audit log as nobody's.

use chrono::NaiveDate;
use lotse_domain::audit::AuditAction;
use lotse_domain::entity::Entity;
use lotse_domain::id::{CarrierId, SiteId};
use lotse_domain::page::{PageParams, Paging};
use lotse_domain::policy::Role;
use lotse_domain::session::check_password;
use lotse_domain::site::SiteFilter;
use lotse_domain::time::local_date;
use lotse_domain::user::{Assignment, AssignmentInput, User, UserFilter, UserInput, UserStatus};
use lotse_domain::{Error, Result};
use lotse_persistence::session::EndReason;
use lotse_persistence::{Conn, audit, carrier, invitation, second_factor, session, site, user};

use crate::App;
use crate::transaction::entry;
use crate::user::assignment;

const REQUEST: &str = "console";

/// A user to add.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub password: String,
    pub role: Role,
    /// Code of the carrier.
    pub carrier: Option<String>,
    /// Name of the site.
    pub site: Option<String>,
    /// First day of the role; today unless told.
    pub valid_from: Option<NaiveDate>,
}

/// # Errors
/// `Invalid`; `Conflict` when the e-mail address is taken; `NotFound` for carrier and site.
pub fn add_user(app: &App, new: &NewUser) -> Result<User> {
    check_password("/password", &new.password, &[&new.name, &new.email])?;
    let hash = app.hasher.hash(&new.password)?;
    app.database.write(|conn| {
        let now = app.now();
        let today = local_date(now);
        let carrier_id = new.carrier.as_deref().map(|code| carrier_of(conn, code)).transpose()?;
        let site_id = new.site.as_deref().map(|name| site_of(conn, name)).transpose()?;
        let profile = UserInput {
            email: new.email.clone(),
            name: new.name.clone(),
            status: UserStatus::Active,
        };
        let added = User::new(app.new_id(), now, &profile)?;
        user::insert(conn, &added, Some(&hash))?;
        record(app, conn, AuditAction::Created, None, &added)?;
        let input = AssignmentInput {
            role: new.role,
            carrier_id,
            site_id,
            valid_from: new.valid_from.unwrap_or(today),
            valid_to: None,
        };
        let assigned = assignment(conn, app.new_id(), added.id, now, "", &input)?;
        user::insert_assignment(conn, &assigned)?;
        record::<Assignment>(app, conn, AuditAction::Created, None, &assigned)?;
        user::find(conn, added.id, today)
    })
}

/// Sets a password and ends the user's sessions.
///
/// # Errors
/// `Invalid`; `NotFound`.
pub fn set_password(app: &App, email: &str, password: &str) -> Result<User> {
    check_password("/password", password, &[email])?;
    let hash = app.hasher.hash(password)?;
    app.database.write(|conn| {
        let found = by_email(app, conn, email)?;
        user::set_password(conn, found.id, &hash)?;
        session::end_all(conn, found.id, app.now(), EndReason::PasswordChanged)?;
        invitation::withdraw(conn, found.id)?;
        record(app, conn, AuditAction::PasswordSet, Some(&found), &found)?;
        Ok(found)
    })
}

/// Removes the second factor of a user who lost it, and ends the user's sessions.
///
/// # Errors
/// `NotFound`.
pub fn remove_second_factor(app: &App, email: &str) -> Result<User> {
    app.database.write(|conn| {
        let found = by_email(app, conn, email)?;
        second_factor::remove(conn, found.id)?;
        session::end_all(conn, found.id, app.now(), EndReason::EndedByAdmin)?;
        record(app, conn, AuditAction::SecondFactorRemoved, Some(&found), &found)?;
        Ok(found)
    })
}

/// Suspends a user or lets one in again.
///
/// # Errors
/// `NotFound`.
pub fn set_status(app: &App, email: &str, status: UserStatus) -> Result<User> {
    app.database.write(|conn| {
        let old = by_email(app, conn, email)?;
        let new = old.changed(app.now(), &UserInput { status, ..UserInput::from(&old) })?;
        user::update(conn, &new)?;
        if status == UserStatus::Suspended {
            session::end_all(conn, new.id, app.now(), EndReason::Suspended)?;
            invitation::withdraw(conn, new.id)?;
        }
        record(app, conn, AuditAction::Changed, Some(&old), &new)?;
        Ok(new)
    })
}

/// Everybody, by name.
///
/// # Errors
/// When the database cannot be read.
pub fn users(app: &App) -> Result<Vec<User>> {
    app.database.read(|conn| {
        let today = local_date(app.now());
        let mut users = Vec::new();
        let mut params = PageParams { limit: Some(200), ..PageParams::default() };
        loop {
            let page =
                user::list(conn, &UserFilter::default(), today, &Paging::new(&params, &())?)?;
            users.extend(page.items);
            match page.next_cursor {
                None => return Ok(users),
                cursor => params.cursor = cursor,
            }
        }
    })
}

/// Whether there is any user yet.
///
/// # Errors
/// When the database cannot be read.
pub fn has_users(app: &App) -> Result<bool> {
    app.database.read(user::any)
}

fn by_email(app: &App, conn: &mut Conn, email: &str) -> Result<User> {
    user::find_by_email(conn, &email.trim().to_lowercase(), local_date(app.now()))?
        .ok_or(Error::NotFound("user"))
}

pub(crate) fn carrier_of(conn: &mut Conn, code: &str) -> Result<CarrierId> {
    let all = carrier::list(conn, &first_page()?)?;
    let found = all.items.iter().find(|carrier| carrier.code.eq_ignore_ascii_case(code));
    found.map(|carrier| carrier.id).ok_or(Error::NotFound("carrier"))
}

fn site_of(conn: &mut Conn, name: &str) -> Result<SiteId> {
    let all = site::list(conn, &SiteFilter::default(), &first_page()?)?;
    let found = all.items.iter().find(|site| site.name.eq_ignore_ascii_case(name));
    found.map(|site| site.id).ok_or(Error::NotFound("site"))
}

fn first_page() -> Result<Paging> {
    Paging::new(&PageParams { limit: Some(200), ..PageParams::default() }, &())
}

fn record<E: Entity>(
    app: &App,
    conn: &mut Conn,
    action: AuditAction,
    old: Option<&E>,
    new: &E,
) -> Result<()> {
    audit::insert(conn, &entry(app, app.now(), REQUEST, action, old, new)?)
}
