//! Who advises, manages and looks after the demonstration.

use chrono::Days;
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::id::{AssignmentId, CarrierId, SessionId};
use lotse_domain::policy::{Actor, CarrierRef, Login, Role};
use lotse_domain::site::Site;
use lotse_domain::user::{Assignment, AssignmentInput, User, UserInput, UserStatus};
use lotse_domain::{Error, Result};

use super::{Maker, at, date};

/// E-mail, name, role, site.
const STAFF: [(&str, &str, Role, Option<&str>); 14] = [
    ("adviser", "Ada Musterlotsin", Role::Adviser, Some("Frankfurt am Main")),
    ("manager", "Manu Leitmuster", Role::Manager, Some("Frankfurt am Main")),
    ("coordinator", "Kim Netzmuster", Role::Coordinator, None),
    ("admin", "Alex Technikmuster", Role::Admin, None),
    ("frankfurt.2", "Bela Ratmuster", Role::Adviser, Some("Frankfurt am Main")),
    ("frankfurt.3", "Chris Wegmuster", Role::Adviser, Some("Frankfurt am Main")),
    ("frankfurt.4", "Dani Zielmuster", Role::Adviser, Some("Frankfurt am Main")),
    ("wetzlar.1", "Eike Lahnmuster", Role::Adviser, Some("Wetzlar")),
    ("wetzlar.2", "Flo Dillmuster", Role::Adviser, Some("Wetzlar")),
    ("wetzlar.3", "Gene Domprobe", Role::Adviser, Some("Wetzlar")),
    ("kassel.1", "Heli Nordmuster", Role::Adviser, Some("Kassel")),
    ("kassel.2", "Ike Fuldaprobe", Role::Adviser, Some("Kassel")),
    ("kassel.3", "Jo Bergmuster", Role::Adviser, Some("Kassel")),
    ("kassel.manager", "Kai Leitprobe", Role::Manager, Some("Kassel")),
];

pub struct Staff {
    pub users: Vec<User>,
    pub assignments: Vec<Assignment>,
}

impl Staff {
    /// Advisers at a site, as the users that log their consultations.
    pub fn at_site(&self, site: &Site) -> Vec<Actor> {
        self.assignments
            .iter()
            .filter(|assignment| assignment.role == Role::Adviser)
            .filter(|assignment| assignment.site.as_ref().is_some_and(|at| at.id == site.id.0))
            .filter_map(|assignment| self.actor(assignment))
            .collect()
    }

    /// The user of this log-in, as he or she acts.
    pub fn who(&self, login: &str) -> Result<Actor> {
        let email = format!("{login}@demo.example");
        let user = self.users.iter().find(|user| user.email == email);
        let assignment =
            user.and_then(|user| self.assignments.iter().find(|of| of.user_id == user.id));
        assignment
            .and_then(|assignment| self.actor(assignment))
            .ok_or_else(|| Error::internal(format!("nobody is {email}")))
    }

    fn actor(&self, assignment: &Assignment) -> Option<Actor> {
        let user = self.users.iter().find(|user| user.id == assignment.user_id)?;
        let carrier = assignment.carrier.as_ref();
        Some(Actor {
            login: Login::Session {
                id: SessionId(user.id.0),
                email: user.email.clone(),
                restricted: false,
            },
            user_id: user.id,
            name: user.name.clone(),
            role: assignment.role,
            carrier: carrier.map(|it| CarrierRef { id: CarrierId(it.id), name: it.name.clone() }),
            site: assignment.site.clone(),
        })
    }
}

pub fn make(maker: &mut Maker) -> Result<Staff> {
    let start = date("2019-01-02")?;
    let now = at(start, 8, 0);
    let mut staff = Staff { users: Vec::new(), assignments: Vec::new() };
    for (login, name, role, site) in STAFF {
        let input = UserInput {
            email: format!("{login}@demo.example"),
            name: name.to_owned(),
            status: UserStatus::Active,
        };
        let user = User::new(maker.id(now), now, &input)?;
        let site = site
            .map(|name| {
                maker
                    .network
                    .sites
                    .iter()
                    .find(|site| site.name == name)
                    .ok_or_else(|| Error::internal(format!("no site {name} for a {}", role.code())))
            })
            .transpose()?;
        let input = AssignmentInput {
            role,
            carrier_id: site.map(|site| CarrierId(site.carrier.id)),
            site_id: site.map(|site| site.id),
            valid_from: start.checked_sub_days(Days::new(1)).unwrap_or(start),
            valid_to: None,
        };
        let assignment = Assignment::new(
            maker.id::<AssignmentId>(now),
            user.id,
            now,
            &input,
            site.map(|site| site.carrier.clone()),
            site.map(|site| (Reference::new(site.id, &site.name), CarrierId(site.carrier.id))),
        )?;
        staff.assignments.push(assignment);
        staff.users.push(user);
    }
    Ok(staff)
}
