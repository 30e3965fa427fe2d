//! Fills an empty installation with made-up data.

use lotse_domain::actor::Actor;
use lotse_domain::company::Company;
use lotse_domain::consultation::Consultation;
use lotse_domain::contact::Contact;
use lotse_domain::establishment::Establishment;
use lotse_domain::user::{Assignment, User};
use lotse_domain::{Error, Result};
use lotse_persistence::{actor, company, consultation, contact, establishment, installation, user};

use crate::App;

/// Everything to fill in, in an order that references allow.
#[derive(Debug, Default)]
pub struct Data {
    pub users: Vec<User>,
    pub assignments: Vec<Assignment>,
    pub companies: Vec<Company>,
    pub establishments: Vec<Establishment>,
    pub actors: Vec<Actor>,
    pub contacts: Vec<Contact>,
    pub consultations: Vec<Consultation>,
}

impl Data {
    #[must_use]
    pub fn records(&self) -> usize {
        self.users.len()
            + self.assignments.len()
            + self.companies.len()
            + self.establishments.len()
            + self.actors.len()
            + self.contacts.len()
            + self.consultations.len()
    }
}

/// Whether the installation was filled to the end.
///
/// # Errors
/// When the database cannot be read.
pub fn is_filled(app: &App) -> Result<bool> {
    app.database.read(installation::synthetic_data)
}

/// Fills everything in one transaction, so that an interrupted start leaves nothing behind, and
/// marks the installation. `progress` hears how many records are done.
///
/// # Errors
/// `Conflict` when there are users already: real data is not mixed with made-up data.
pub fn fill(app: &App, data: &Data, password: &str, progress: &dyn Fn(usize)) -> Result<()> {
    let hash = app.hasher.hash(password)?;
    app.database.write(|conn| {
        if user::any(conn)? {
            return Err(Error::conflict(
                "not_empty",
                "The database has users already; demonstration data goes into an empty one.",
            ));
        }
        let mut done = 0;
        let mut step = || {
            done += 1;
            progress(done);
        };
        for new in &data.users {
            user::insert(conn, new, &hash)?;
            step();
        }
        for new in &data.assignments {
            user::insert_assignment(conn, new)?;
            step();
        }
        for new in &data.companies {
            company::insert(conn, new)?;
            step();
        }
        for new in &data.establishments {
            establishment::insert(conn, new)?;
            step();
        }
        for new in &data.actors {
            actor::insert(conn, new)?;
            step();
        }
        for new in &data.contacts {
            contact::insert(conn, new)?;
            step();
        }
        for new in &data.consultations {
            consultation::insert(conn, new)?;
            step();
        }
        installation::mark_synthetic(conn)
    })
}

/// Gives the users with these e-mail addresses a new password.
///
/// # Errors
/// When the database cannot be written.
pub fn set_passwords(app: &App, emails: &[&str], password: &str) -> Result<()> {
    for email in emails {
        crate::operator::set_password(app, email, password)?;
    }
    Ok(())
}
