//! Who can be referred to whom.

use chrono::NaiveDate;

use super::{Referral, ReferralInput};
use crate::check::Checks;
use crate::consultation::{Consultation, OrganisationFacts};
use crate::entity::Reference;
use crate::organisation::{OrganisationKind, OrganisationReference};
use crate::task;

/// What an input names, as far as it exists and the caller may know of it.
#[derive(Debug)]
pub struct Context {
    pub today: NaiveDate,
    /// How long an actor has to answer, unless told.
    pub answer_days: u32,
    /// Those of the users who can be given work of the carrier today.
    pub people: Vec<Reference>,
    pub consultation: Option<Consultation>,
    /// The one that is named, else that of the consultation.
    pub organisation: Option<OrganisationFacts>,
    /// Whether it is a person, so that what is passed on is personal data.
    pub is_a_person: bool,
    pub actor: Option<OrganisationFacts>,
}

pub fn not_in_the_future(checks: &mut Checks, pointer: &str, on: NaiveDate, today: NaiveDate) {
    checks.require(
        on <= today,
        pointer,
        "in_the_future",
        &format!("must not be after today, {today}"),
    );
}

/// Who is referred: the organisation of the consultation, where there is one.
pub fn referred(
    checks: &mut Checks,
    input: &ReferralInput,
    context: &Context,
    before: Option<&Referral>,
) -> Option<OrganisationReference> {
    const POINTER: &str = "/organisation_id";
    let kept = before.map(|referral| &referral.organisation);
    let consultation_stays = before.is_some_and(|referral| {
        referral.consultation.as_ref().map(|consultation| consultation.id) == input.consultation_id
    });
    let of_consultation = context.consultation.as_ref().map(|c| c.organisation.as_ref());
    match (input.organisation_id, of_consultation) {
        (Some(named), Some(of_consultation)) => {
            // The consultation's may have been corrected since.
            let as_before = consultation_stays && kept.is_some_and(|kept| kept.id == named);
            checks.require(
                as_before || of_consultation.is_some_and(|of| of.id == named),
                POINTER,
                "not_of_the_consultation",
                "must be the organisation of the consultation",
            );
        }
        (None, None | Some(None)) => {
            checks.fail(POINTER, "missing", "is required without a consultation that has one");
            return None;
        }
        _ => {}
    }
    match (kept, &context.organisation) {
        (Some(kept), Some(found)) if kept.id == found.reference.id => Some(kept.clone()),
        (_, found) => task::organisation(checks, POINTER, found.as_ref()),
    }
}

/// To whom: an actor of the register, and somebody else.
pub fn receiver(
    checks: &mut Checks,
    input: &ReferralInput,
    context: &Context,
    before: Option<&Referral>,
) -> Option<Reference> {
    const POINTER: &str = "/actor_id";
    let itself =
        context.organisation.as_ref().is_some_and(|o| o.reference.id.0 == input.actor_id.0);
    checks.require(!itself, POINTER, "same_organisation", "must be another organisation");
    let kept = before.map(|referral| &referral.actor).filter(|kept| kept.id == input.actor_id.0);
    if let Some(kept) = kept {
        return Some(kept.clone());
    }
    let found = context.actor.as_ref();
    let Some(found) = found.filter(|found| found.reference.kind == OrganisationKind::Actor) else {
        checks.fail(POINTER, "unknown", "must be a network actor");
        return None;
    };
    checks.require(!found.archived, POINTER, "archived", "must not be archived");
    Some(Reference::new(found.reference.id, &found.reference.name))
}
