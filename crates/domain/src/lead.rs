//! Lead and stand-in (Leitung, Vertretung): who looks after an accompaniment or a recruitment case.

use crate::check::Checks;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::id::UserId;
use crate::policy::{Actor, Role};
use crate::task;

/// Those who look after a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leads<'a> {
    pub lead: &'a Reference,
    pub deputy: Option<&'a Reference>,
    pub recorded_by: &'a Reference,
}

impl Leads<'_> {
    /// Lead and stand-in, who recorded it, and managers change a record; others of the carrier read it. `what`
    /// names it.
    ///
    /// # Errors
    /// `Forbidden` for others.
    pub fn check_may_change(self, actor: &Actor, what: &str) -> Result<()> {
        let mut people = [self.lead, self.recorded_by].into_iter().chain(self.deputy);
        if actor.role == Role::Manager || people.any(|person| person.id == actor.user_id.0) {
            Ok(())
        } else {
            Err(Error::Forbidden(format!(
                "Only lead and stand-in of {what}, who recorded it, and managers change it."
            )))
        }
    }
}

/// Who is to look after a record: those of the users who can be given work of the carrier today, and those who
/// do so already. The lead is the caller unless told.
pub(crate) fn checked(
    checks: &mut Checks,
    actor: &Actor,
    (lead_id, deputy_id): (Option<UserId>, Option<UserId>),
    people: &[Reference],
    before: Option<Leads>,
) -> (Option<Reference>, Option<Reference>) {
    let lead_id = lead_id.unwrap_or(before.map_or(actor.user_id, |before| before.lead.id.into()));
    let lead = task::person(checks, "/lead_id", lead_id, people, before.map(|before| before.lead));
    let kept = before.and_then(|before| before.deputy);
    let deputy = deputy_id.and_then(|id| task::person(checks, "/deputy_id", id, people, kept));
    checks.require(
        deputy_id != Some(lead_id),
        "/deputy_id",
        "same_user",
        "must be somebody else than the lead",
    );
    (lead, deputy)
}
