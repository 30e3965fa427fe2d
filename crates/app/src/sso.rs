//! Single sign-on: who the provider vouches for gets an ordinary session. Talking to the provider is
//! the business of `lotse-http`; no transaction waits for it.

use chrono::{DateTime, TimeDelta, Utc};
use lotse_domain::audit::{AuditAction, FieldChange};
use lotse_domain::entity::Entity;
use lotse_domain::id::{CarrierId, SessionId, SiteId, UserId};
use lotse_domain::policy::Role;
use lotse_domain::session::SESSION_HOURS;
use lotse_domain::sso::{FLOW_MINUTES, GroupRole, GroupRoles, Identity, REFUSED, SsoCallbackInput};
use lotse_domain::time::local_date;
use lotse_domain::user::{Assignment, AssignmentInput, User, UserInput, UserStatus};
use lotse_domain::{Error, Result};
use lotse_persistence::session::EndReason;
use lotse_persistence::{Conn, audit, session, sso, user};
use serde_json::{Value, json};

use crate::App;
use crate::operator::carrier_of;
use crate::session::{Opened, hash_of, new_token};
use crate::transaction::{entry, note, retrying, subject_of};
use crate::user::{admin_is_left, assignment};

/// What a log-in at the provider begins with. Only `flow` is for the client's keeping.
pub struct Begun {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    pub flow: String,
}

/// What is compared with the provider's answer.
pub struct Taken {
    pub verifier: String,
    pub nonce: String,
}

/// # Errors
/// When the database cannot be written.
pub fn begin(app: &App) -> Result<Begun> {
    let begun =
        Begun { state: new_token(), nonce: new_token(), verifier: new_token(), flow: new_token() };
    let (state, flow) = (hash_of(&begun.state), hash_of(&begun.flow));
    retrying(|| {
        app.database.write(|conn| {
            let end = app.now() + TimeDelta::minutes(FLOW_MINUTES);
            sso::insert_flow(conn, &state, &flow, &begun.verifier, &begun.nonce, end)
        })
    })?;
    Ok(begun)
}

/// Uses up the log-in that the browser comes back to.
///
/// # Errors
/// `Unauthenticated` when this browser began none, or its time is over.
pub fn take(app: &App, request_id: &str, input: &SsoCallbackInput) -> Result<Taken> {
    let (state, flow) = (hash_of(&input.state), hash_of(&input.flow));
    let taken =
        retrying(|| app.database.write(|conn| sso::take_flow(conn, &state, &flow, app.now())))?;
    // Not begun, not by this browser, or over.
    let (verifier, nonce) = taken.ok_or_else(|| refused(app, request_id, None, "no_such_flow"))?;
    Ok(Taken { verifier, nonce })
}

/// What the provider answered does not hold.
///
/// # Errors
/// `Unauthenticated`.
pub fn refuse<T>(app: &App, request_id: &str) -> Result<T> {
    Err(refused(app, request_id, None, "not_vouched_for"))
}

/// Opens a session for whom the provider vouches. Who is known by neither subject nor verified e-mail
/// address becomes a user if a group says as what; where groups say it, the role follows them.
///
/// # Errors
/// `Unauthenticated` when the user may not log in; `Conflict` when the last admin would become
/// something else.
pub fn log_in(
    app: &App,
    request_id: &str,
    identity: &Identity,
    roles: &GroupRoles,
    client: Option<&str>,
) -> Result<Opened> {
    let session: SessionId = app.new_id();
    let token = new_token();
    // An inner error: refused, and what the refusal changed is to be committed.
    let user = retrying(|| {
        app.database.write(|conn| {
            let now = app.now();
            let mut log_in = LogIn { app, conn, request_id, now };
            let known = log_in.known(identity)?;
            let wanted = roles.of(&identity.groups);
            if wanted.is_none() && !roles.is_empty() {
                if let Some(user) = &known {
                    log_in.end_sessions(user)?;
                }
                return Ok(Err(known.map(|user| user.id)));
            }
            let user = match known {
                Some(user) => user,
                None => log_in.introduce(identity, wanted.is_some())?,
            };
            if user.status == UserStatus::Suspended {
                return Err(refused(app, request_id, Some(user.id), "suspended"));
            }
            if let Some(wanted) = wanted {
                log_in.follow(&user, wanted)?;
            }
            let end = now + TimeDelta::hours(SESSION_HOURS);
            // How strong the log-in is, is up to the provider.
            session::insert(conn, session, user.id, now, end, client, true)?;
            session::insert_token(conn, &hash_of(&token), session, now)?;
            session::holder(conn, session, now, local_date(now))?
                .ok_or_else(|| refused(app, request_id, Some(user.id), "no_role"))?;
            let entry = note(app, now, request_id, AuditAction::LoggedIn, subject_of(user.id));
            let (by, session) = (Some(user.id), Some(session));
            let detail = Some("single_sign_on");
            audit::insert(conn, &audit::Entry { user: by, session, detail, ..entry })?;
            Ok(Ok(user.id))
        })
    })?;
    let user = user.map_err(|known| refused(app, request_id, known, "no_group"))?;
    Ok(Opened { session, user, refresh_token: token })
}

/// One answer for all; the audit log tells why.
fn refused(app: &App, request_id: &str, user: Option<UserId>, reason: &'static str) -> Error {
    app.note_refused_log_in(user, request_id, reason);
    Error::Unauthenticated(REFUSED)
}

struct LogIn<'a> {
    app: &'a App,
    conn: &'a mut Conn,
    request_id: &'a str,
    now: DateTime<Utc>,
}

impl LogIn<'_> {
    fn known(&mut self, identity: &Identity) -> Result<Option<User>> {
        let Some(id) = sso::user_of(self.conn, &identity.issuer, &identity.subject)? else {
            return Ok(None);
        };
        sso::hold_user(self.conn, id)?;
        user::find(self.conn, id, local_date(self.now)).map(Some)
    }

    /// The user of the verified e-mail address, or a new one; known by the subject from now on.
    fn introduce(&mut self, identity: &Identity, may_be_new: bool) -> Result<User> {
        // Also for a new user: an address that is only claimed would be linked to its owner later.
        let email = identity
            .verified_email
            .as_deref()
            .ok_or_else(|| refused(self.app, self.request_id, None, "address_not_verified"))?;
        let today = local_date(self.now);
        let user = match user::find_by_email(self.conn, email, today)? {
            Some(found) => {
                sso::hold_user(self.conn, found.id)?;
                user::find(self.conn, found.id, today)?
            }
            None if may_be_new => self.create(identity, email)?,
            None => return Err(refused(self.app, self.request_id, None, "unknown_user")),
        };
        let (issuer, subject) = (&identity.issuer, &identity.subject);
        if !sso::link(self.conn, issuer, subject, user.id, self.now)? {
            return Err(Error::Busy("the identity was linked in between".into()));
        }
        let linked = json!({"issuer": issuer, "subject": subject});
        let change = FieldChange { field: "identity".to_owned(), old: Value::Null, new: linked };
        let action = AuditAction::IdentityLinked;
        let entry = entry(self.app, self.now, self.request_id, action, Some(&user), &user)?;
        audit::insert(self.conn, &audit::Entry { changes: vec![change], ..entry })?;
        Ok(user)
    }

    fn create(&mut self, identity: &Identity, email: &str) -> Result<User> {
        let profile = UserInput {
            email: email.to_owned(),
            name: identity.name.clone().unwrap_or_else(|| email.chars().take(200).collect()),
            status: UserStatus::Active,
        };
        let new = User::new(self.app.new_id(), self.now, &profile)?;
        user::insert(self.conn, &new, None).map_err(|error| match error {
            // Another log-in of the same person was faster; its user is found next time.
            Error::Conflict { .. } => Error::Busy("the user was added in between".into()),
            error => error,
        })?;
        self.record(AuditAction::Created, None, &new)?;
        Ok(new)
    }

    /// Makes the role of today the one that the groups say. What was, stays; what began today is
    /// replaced, and what is planned for later is left to begin.
    fn follow(&mut self, user: &User, wanted: &GroupRole) -> Result<()> {
        let today = local_date(self.now);
        let carrier_id = match &wanted.carrier {
            Some(code) => Some(self.carrier(code)?),
            None => None,
        };
        let current = user.assignment.as_ref();
        let same_carrier = current.filter(|current| {
            current.carrier.as_ref().map(|carrier| CarrierId(carrier.id)) == carrier_id
        });
        if same_carrier.is_some_and(|current| current.role == wanted.role) {
            return Ok(());
        }
        if current.is_some_and(|current| current.role == Role::Admin) {
            admin_is_left(self.conn, user.id, today)?;
        }
        let existing = user::all_assignments(self.conn, user.id)?;
        let input = AssignmentInput {
            role: wanted.role,
            carrier_id,
            site_id: same_carrier
                .and_then(|current| current.site.as_ref())
                .map(|site| SiteId(site.id)),
            valid_from: today,
            valid_to: Assignment::last_day_before_next(&existing, today),
        };
        let new = assignment(self.conn, self.app.new_id(), user.id, self.now, "", &input)?;
        if let Some(old) = existing.iter().find(|old| old.valid_from == today) {
            let new = old.replaced_by(new);
            user::update_assignment(self.conn, &new)?;
            return self.record(AuditAction::Changed, Some(old), &new);
        }
        for ended in Assignment::ended_by(&existing, &new, self.now)? {
            user::update_assignment(self.conn, &ended)?;
            let old = existing.iter().find(|old| old.id == ended.id);
            self.record(AuditAction::Changed, old, &ended)?;
        }
        user::insert_assignment(self.conn, &new)?;
        self.record(AuditAction::Created, None, &new)
    }

    fn carrier(&mut self, code: &str) -> Result<CarrierId> {
        carrier_of(self.conn, code).map_err(|error| match error {
            Error::NotFound(_) => {
                Error::internal(format!("oidc_roles names the carrier {code}, which is unknown"))
            }
            error => error,
        })
    }

    /// The provider has taken the user's groups away.
    fn end_sessions(&mut self, user: &User) -> Result<()> {
        let (id, now) = (user.id, self.now);
        if session::end_all(self.conn, id, now, EndReason::EndedByAdmin)? == 0 {
            return Ok(());
        }
        self.record(AuditAction::SessionsEnded, Some(user), user)
    }

    /// As nobody's: the provider says so.
    fn record<E: Entity>(&mut self, action: AuditAction, old: Option<&E>, new: &E) -> Result<()> {
        let entry = entry(self.app, self.now, self.request_id, action, old, new)?;
        audit::insert(self.conn, &entry)
    }
}
