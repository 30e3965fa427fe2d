use lotse_domain::duplicate::Candidate;
use lotse_domain::entity::Reference;
use lotse_domain::id::{ConsultationId, ContactId, OrganisationId};
use lotse_domain::organisation::{OrganisationKind, OrganisationReference};
use lotse_domain::policy::Action;
use lotse_domain::quick_log::{
    QuickContact, QuickLogInput, QuickLogged, QuickOrganisation, id_taken, in_own_fields,
};
use lotse_domain::referral::ReferralInput;
use lotse_domain::task::TaskInput;
use lotse_domain::{Error, Result};
use lotse_persistence::{consultation, contact, duplicate, duplicate_settings, organisation};

use crate::{App, Caller, Writing};

/// Logs a consultation with whatever it needs in one transaction: all of it is there afterwards, or
/// nothing.
///
/// # Errors
/// `Invalid` with what is wrong, in the fields of the quick log; `PossibleDuplicate` when the name may
/// be another organisation's; `Forbidden` for a key that may log and neither read nor add what is named;
/// `Conflict` when the funding period takes no entries or the id is another record's.
pub fn log(app: &App, caller: &Caller, input: &QuickLogInput) -> Result<QuickLogged> {
    app.write(caller, Action::LogConsultation, |tx| {
        input.check()?;
        if let Some(logged) = logged_before(tx, input.id)? {
            return Ok(logged);
        }
        let found = match &input.organisation {
            Some(named) => Some(organisation_of(tx, named)?),
            None => None,
        };
        let (mut contacts, mut places) = (Vec::new(), Vec::new());
        for (index, named) in input.contacts.iter().enumerate() {
            // Without an organisation there are none.
            let Some((organisation, _)) = &found else { break };
            let pointer = format!("/contacts/{index}");
            let id = contact_of(tx, organisation, named).map_err(|error| error.below(&pointer))?;
            // Named by id and by name, perhaps.
            if !contacts.contains(&id) {
                contacts.push(id);
                places.push(index);
            }
        }
        let (organisation, created) = found.unzip();
        let id = organisation.map(|organisation| organisation.id);
        let today = tx.today();
        let details = input.consultation(&tx.actor, today, id, contacts)?;
        let new_id = input.id.unwrap_or_else(|| tx.new_id());
        let consultation = crate::consultation::add(tx, new_id, &details)
            .map_err(|error| in_own_fields(error, &places))?;
        let mut follow_ups = Vec::new();
        for (index, task) in input.follow_ups.iter().enumerate() {
            tx.actor.may(Action::ChangeTasks)?;
            let about_it = TaskInput { consultation_id: Some(consultation.id), ..task.clone() };
            let below = |error: Error| error.below(&format!("/follow_ups/{index}"));
            follow_ups.push(crate::task::add(tx, &about_it).map_err(below)?);
        }
        let mut referrals = Vec::new();
        for (index, referral) in input.referrals.iter().enumerate() {
            tx.actor.may(Action::ChangeReferrals)?;
            let about_it =
                ReferralInput { consultation_id: Some(consultation.id), ..referral.clone() };
            let below = |error: Error| error.below(&format!("/referrals/{index}"));
            referrals.push(crate::referral::add(tx, &about_it).map_err(below)?);
        }
        Ok(QuickLogged {
            consultation,
            follow_ups,
            referrals,
            organisation_created: created.unwrap_or(false),
            repeated: false,
        })
    })
}

/// What the caller has logged under the id, if that is what happened.
fn logged_before(tx: &mut Writing, id: Option<ConsultationId>) -> Result<Option<QuickLogged>> {
    let Some(id) = id else { return Ok(None) };
    // First whether there is one, then whose: the other way round, one that is logged in between would be
    // taken for somebody else's.
    if !consultation::exists(tx.conn, id)? {
        return Ok(None);
    }
    let scope = tx.scope();
    match consultation::find(tx.conn, &tx.names, &scope, id) {
        Ok(found) if found.recorded_by.id == tx.actor.user_id.0 => Ok(Some(QuickLogged {
            consultation: found,
            follow_ups: Vec::new(),
            referrals: Vec::new(),
            organisation_created: false,
            repeated: true,
        })),
        Ok(_) | Err(Error::NotFound(_)) => Err(id_taken(id.0)),
        Err(error) => Err(error),
    }
}

/// The organisation that is meant, and whether it was added just now.
fn organisation_of(
    tx: &mut Writing,
    named: &QuickOrganisation,
) -> Result<(OrganisationReference, bool)> {
    let unknown = || Error::invalid("/organisation/id", "unknown", "must be a company or an actor");
    let (None, Some(name)) = (named.id, &named.name) else {
        let id = named.id.ok_or_else(unknown)?;
        let facts = organisation::facts_to_name(tx.conn, id)?.ok_or_else(unknown)?;
        return Ok((facts.reference, false));
    };
    if !named.create {
        // What comes of it tells who is there.
        tx.actor.may(Action::ReadRegister)?;
        duplicate::hold(tx.conn, name)?;
        let mut namesakes = duplicate::of_name(tx.conn, name)?;
        if let [only] = namesakes.as_slice()
            && !named.contradicts(only)
        {
            return Ok((only.organisation.clone(), false));
        }
        let ask_from = duplicate_settings::find(tx.conn)?.ask_from;
        let mut candidates = duplicate::similar(tx.conn, name)?;
        candidates.retain(|candidate| candidate.score >= ask_from);
        // A search for what is similar need not come up with what is the same.
        namesakes.retain(|namesake| {
            !candidates.iter().any(|similar| similar.organisation.id == namesake.organisation.id)
        });
        candidates.splice(..0, namesakes.into_iter().map(Candidate::from));
        if !candidates.is_empty() {
            return Err(Error::PossibleDuplicate {
                detail:
                    "There are organisations of this name or a similar one. Name one of them by its \
                         id, or add another one with \"create\": true."
                        .to_owned(),
                candidates,
            });
        }
    }
    tx.actor.may(Action::ChangeRegister)?;
    let below = |error: Error| error.below("/organisation");
    // An actor has a type, and nothing else has one.
    let (id, name, kind) = if let Some(actor_type) = named.actor_type {
        let new = crate::actor::add(tx, &named.actor(name, actor_type)).map_err(below)?;
        (new.id.0, new.name, OrganisationKind::Actor)
    } else {
        let new = crate::company::add(tx, &named.company(name)).map_err(below)?;
        (new.id.0, new.name, OrganisationKind::Company)
    };
    Ok((OrganisationReference { id: OrganisationId(id), name, kind }, true))
}

/// The contact that is meant, added where there is none of the name.
fn contact_of(
    tx: &mut Writing,
    organisation: &OrganisationReference,
    named: &QuickContact,
) -> Result<ContactId> {
    let scope = tx.scope();
    if let Some(id) = named.id {
        let known: Vec<Reference> =
            contact::of_organisation(tx.conn, &scope, organisation.id, &[id])?;
        if known.is_empty() {
            return Err(Error::invalid("/id", "unknown", "must be a contact of the organisation"));
        }
        return Ok(id);
    }
    let name = named.name.as_deref().unwrap_or_default();
    tx.actor.may(Action::ReadContacts)?;
    if let Some(id) = contact::of_name(tx.conn, &scope, organisation.id, name)? {
        return Ok(id);
    }
    tx.actor.may(Action::ChangeContacts)?;
    Ok(crate::contact::add(tx, organisation.clone(), &named.contact(name))?.id)
}
