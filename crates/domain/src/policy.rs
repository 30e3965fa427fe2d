//! Who may do what: the one table of role × action, and the scope that goes with a role.

use crate::code::{Code, codes};
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::id::{CarrierId, SessionId, UserId};

codes! {
    /// What a user is in the network.
    "role" Role {
        /// Logs and edits consultations, companies and contacts of the own carrier (Berater:in).
        Adviser,
        /// Everything of the own carrier (Projektleitung).
        Manager,
        /// Figures over all carriers, no records (Koordination).
        Coordinator,
        /// Organisation, users, settings; does not read what was said.
        Admin,
        /// Audit log, access and erasure (Datenschutz).
        DataProtection,
        /// Another system with an API key: what the key names, for its carrier.
        Integration,
    }
}

impl Role {
    /// Whether users of this role work for one carrier.
    #[must_use]
    pub fn has_carrier(self) -> bool {
        matches!(self, Self::Adviser | Self::Manager)
    }

    /// Whether people can have it. The others are of API keys.
    #[must_use]
    pub fn is_of_people(self) -> bool {
        self != Self::Integration
    }

    /// Whether users of this role can be named as advisers of a consultation. Project managers of
    /// the centres advise too.
    #[must_use]
    pub fn advises(self) -> bool {
        matches!(self, Self::Adviser | Self::Manager)
    }
}

codes! {
    /// What the use cases ask permission for.
    "action" Action {
        ReadOwnAccount,
        /// Password, second factor, sessions.
        ManageOwnAccount,
        ReadNetwork,
        ChangeNetwork,
        ChangeUsers,
        ReadRegister,
        ChangeRegister,
        /// Makes two organisations one, also where other carriers have records of them, and undoes it; says that two
        /// which look alike are not one.
        MergeOrganisations,
        /// Imports of files, and the jobs that run them.
        ReadImports,
        ChangeImports,
        /// One change of many records, each by its own rules.
        ReadBulkChanges,
        ChangeBulkChanges,
        ReadContacts,
        ChangeContacts,
        ReadConsultations,
        LogConsultation,
        ChangeConsultation,
        ReadEvents,
        /// Events and series of events.
        ChangeEvents,
        ReadParticipations,
        /// Registers, and records attendance.
        ChangeParticipations,
        ReadTasks,
        ChangeTasks,
        /// All that somebody has to do, to somebody else.
        ReassignTasks,
        ReadReferrals,
        ChangeReferrals,
        ReadAttachments,
        ChangeAttachments,
        ReadTags,
        ChangeTags,
        ReadSavedViews,
        ChangeSavedViews,
        ReadProgrammeTemplates,
        ChangeProgrammeTemplates,
        /// Accompaniments and recruitment cases.
        ReadAccompaniments,
        ChangeAccompaniments,
        /// All of an organisation, as far as each kind of record may be read.
        ReadTimeline,
        /// All that is on record of an organisation or an accompaniment, with the files.
        ExportAuditPack,
        /// What waits, as far as each kind of record may be read.
        ReadWorklist,
        ReadStatistics,
        /// Counts what a version of an indicator would say, and what is missing before a period is closed: for
        /// administrators over all carriers, without records.
        ReadTrials,
        /// Definitions of indicators.
        ReadIndicators,
        ChangeIndicators,
        ReadTargets,
        ChangeTargets,
        ReadReports,
        /// Drafts, submits and has accepted.
        ChangeReports,
        ReadAuditLog,
        ManageApiKeys,
    }
}

/// The table. A test prints it to `crates/domain/src/policy.txt`, which is reviewed.
#[must_use]
pub fn allows(role: Role, action: Action) -> bool {
    use Role::{Admin, Adviser, Coordinator, DataProtection, Integration, Manager};
    match action {
        Action::ReadOwnAccount
        | Action::ReadNetwork
        | Action::ReadProgrammeTemplates
        | Action::ReadIndicators => true,
        Action::ManageOwnAccount => role != Integration,
        Action::ChangeNetwork
        | Action::ChangeUsers
        | Action::ChangeProgrammeTemplates
        | Action::ChangeIndicators => role == Admin,
        Action::ReadRegister
        | Action::ChangeRegister
        | Action::ReadContacts
        | Action::ChangeContacts
        | Action::ReadConsultations
        | Action::LogConsultation
        | Action::ChangeConsultation
        | Action::ReadEvents
        | Action::ChangeEvents
        | Action::ReadParticipations
        | Action::ChangeParticipations
        | Action::ReadTasks
        | Action::ChangeTasks
        | Action::ReadReferrals
        | Action::ChangeReferrals
        | Action::ReadAttachments
        | Action::ChangeAttachments
        | Action::ReadTags
        | Action::ChangeTags
        | Action::ReadSavedViews
        | Action::ChangeSavedViews
        | Action::ReadAccompaniments
        | Action::ChangeAccompaniments
        | Action::ReadTimeline
        | Action::ReadWorklist => matches!(role, Adviser | Manager | Integration),
        // Advisers would do it for all carriers, and administrators do not read the register (`merge`).
        Action::MergeOrganisations
        | Action::ReassignTasks
        | Action::ChangeTargets
        | Action::ExportAuditPack => role == Manager,
        // Somebody answers for what a file brings or many records become: a person.
        Action::ReadImports
        | Action::ChangeImports
        | Action::ReadBulkChanges
        | Action::ChangeBulkChanges => matches!(role, Adviser | Manager),
        Action::ChangeReports => matches!(role, Manager | Coordinator),
        Action::ReadStatistics | Action::ReadTargets | Action::ReadReports => {
            matches!(role, Adviser | Manager | Coordinator | Integration)
        }
        Action::ReadTrials => {
            matches!(role, Adviser | Manager | Coordinator | Admin | Integration)
        }
        Action::ReadAuditLog => matches!(role, Admin | DataProtection),
        Action::ManageApiKeys => matches!(role, Admin | Manager),
    }
}

impl Action {
    /// Whether it shows personal data, so that who does it stands in the audit log: names and
    /// addresses of contacts, what was said to whom, who spoke and took part, files, what others did.
    #[must_use]
    pub fn shows_personal_data(self) -> bool {
        matches!(
            self,
            Self::ReadContacts
                | Self::ReadConsultations
                | Self::ReadEvents
                | Self::ReadParticipations
                | Self::ReadTasks
                | Self::ReadReferrals
                | Self::ReadAttachments
                | Self::ReadAccompaniments
                | Self::ReadImports
                | Self::ReadBulkChanges
                | Self::ReadTimeline
                | Self::ExportAuditPack
                | Self::ReadWorklist
                | Self::ReadAuditLog
        )
    }
}

/// Whose records and figures a query may see. It goes into the query, never into a filter after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The records of one carrier.
    Carrier(CarrierId),
    /// All carriers of the network: figures only.
    Network,
    /// No record that belongs to a carrier.
    Nothing,
}

/// What a caller showed, as the database knows it.
#[derive(Clone, Debug)]
pub enum Login {
    Session {
        id: SessionId,
        email: String,
        /// The role must have a second factor and the session was opened without. It is good for
        /// setting one up.
        restricted: bool,
    },
    /// The prefix of the secret, and what the key was given of what integrations may do.
    ApiKey { prefix: String, scopes: Vec<Action> },
    /// A job that the server runs for the person who asked for it.
    Job,
}

/// Somebody whose log-in was checked against the database in the same transaction as the work.
#[derive(Clone, Debug)]
pub struct Actor {
    pub login: Login,
    /// Of a key, its own id.
    pub user_id: UserId,
    pub name: String,
    pub role: Role,
    pub carrier: Option<CarrierRef>,
    pub site: Option<Reference>,
}

/// A carrier with its typed id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierRef {
    pub id: CarrierId,
    pub name: String,
}

impl Actor {
    /// # Errors
    /// `Forbidden` when the table does not allow it; `SecondFactorMissing`.
    pub fn may(&self, action: Action) -> Result<()> {
        if !allows(self.role, action) {
            let (role, action) = (self.role.code(), action.code());
            return Err(Error::Forbidden(format!("The role {role} may not do this ({action}).")));
        }
        match &self.login {
            // What a key is, it may always find out.
            Login::ApiKey { scopes, .. }
                if action != Action::ReadOwnAccount && !scopes.contains(&action) =>
            {
                Err(Error::Forbidden(format!("The key has no scope {}.", action.code())))
            }
            Login::Session { restricted: true, .. }
                if !matches!(action, Action::ReadOwnAccount | Action::ManageOwnAccount) =>
            {
                Err(Error::SecondFactorMissing)
            }
            _ => Ok(()),
        }
    }

    /// Everything that the actor may do.
    #[must_use]
    pub fn permissions(&self) -> Vec<Action> {
        Action::all().into_iter().filter(|action| self.may(*action).is_ok()).collect()
    }

    /// Whether the actor may do all of it with what belongs to the carrier.
    #[must_use]
    pub fn holds_for(&self, carrier: CarrierId, actions: &[Action]) -> bool {
        self.scope() == Scope::Carrier(carrier)
            && actions.iter().all(|action| self.may(*action).is_ok())
    }

    /// The session and the log-in name of a person.
    ///
    /// # Errors
    /// `Forbidden` for a key, which has neither.
    pub fn session(&self) -> Result<(SessionId, &str)> {
        match &self.login {
            Login::Session { id, email, .. } => Ok((*id, email)),
            Login::ApiKey { .. } => Err(Error::Forbidden("An API key has no session.".to_owned())),
            Login::Job => Err(Error::Forbidden("A job has no session.".to_owned())),
        }
    }

    #[must_use]
    pub fn scope(&self) -> Scope {
        match (&self.carrier, self.role) {
            (_, Role::Coordinator) => Scope::Network,
            (Some(carrier), _) => Scope::Carrier(carrier.id),
            (None, _) => Scope::Nothing,
        }
    }

    /// What is counted for the caller where no records are shown: administrators, who activate indicators and
    /// close periods, see the counts of all carriers.
    #[must_use]
    pub fn counted_scope(&self) -> Scope {
        if self.role == Role::Admin { Scope::Network } else { self.scope() }
    }

    /// The carrier that new records belong to.
    ///
    /// # Errors
    /// `Forbidden` for a user without one.
    pub fn own_carrier(&self) -> Result<&CarrierRef> {
        self.carrier
            .as_ref()
            .ok_or_else(|| Error::Forbidden("You do not work for a carrier.".to_owned()))
    }

    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference::new(self.user_id, &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as a text file, so that a change of permission shows in a review. Run with
    /// `UPDATE_POLICY=1` to write it anew.
    #[test]
    fn the_reviewed_table_is_the_table() {
        use std::fmt::Write;

        let mut table = format!("{:<26}", "");
        for role in Role::all() {
            write!(table, " {:<15}", role.code()).unwrap();
        }
        for action in Action::all() {
            table = format!("{}\n{:<26}", table.trim_end(), action.code());
            for role in Role::all() {
                write!(table, " {:<15}", if allows(role, action) { "yes" } else { "-" }).unwrap();
            }
        }
        table = format!("{}\n", table.trim_end());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/policy.txt");
        if std::env::var_os("UPDATE_POLICY").is_some() {
            std::fs::write(path, &table).unwrap();
        }
        assert_eq!(table, include_str!("policy.txt"));
    }
}
