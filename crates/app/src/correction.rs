use std::collections::BTreeSet;

use lotse_domain::audit::{HistoryEntry, Subject};
use lotse_domain::consultation::ConsultationInput;
use lotse_domain::correction::{
    Asked, Correction, CorrectionFilter, CorrectionInput, Recorded, overtaken,
};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::{ConsultationId, CorrectionId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::{audit, consultation, correction, funding_period};

use crate::consultation::{context, none_if_missing};
use crate::{App, Caller, Reading, Writing};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &CorrectionFilter,
    paging: &Paging,
) -> Result<Page<Correction>> {
    app.read(caller, Action::ReadConsultations, |tx| {
        let scope = tx.scope();
        let mut page = correction::list(tx.conn, &tx.names, &scope, filter, paging)?;
        tell_overtaken(tx, &mut page.items)?;
        Ok(page)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: CorrectionId) -> Result<Correction> {
    app.read(caller, Action::ReadConsultations, |tx| {
        let scope = tx.scope();
        let mut found = correction::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        tell_overtaken(tx, std::slice::from_mut(&mut found))?;
        Ok(found)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: CorrectionId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadConsultations, |tx| {
        let scope = tx.scope();
        let found = correction::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// Says what the records of a closed funding period should have said. They stay as they are.
///
/// # Errors
/// `Invalid` with everything that is wrong; `Forbidden` for colleagues who were not part of the record;
/// `Conflict` when its funding period is not closed, or it is voided or should be.
pub fn enter(app: &App, caller: &Caller, input: &CorrectionInput) -> Result<Correction> {
    app.write(caller, input.kind.action(), |tx| {
        let (asked, reason) = input.asked()?;
        let new = match asked {
            Asked::Change(of, changes) => {
                let recorded = correctable(tx, of)?;
                let before = recorded.corrected()?;
                let input: ConsultationInput = changes
                    .apply(&ConsultationInput::from(&before))
                    .map_err(|error| error.below("/changes"))?;
                let context = context(tx, &input)?.keeping(&before);
                let (id, now) = (tx.new_id(), tx.now);
                Correction::change(id, now, &tx.actor, reason, &recorded, &input, &context)?
            }
            Asked::Void(of) => {
                let recorded = correctable(tx, of)?;
                Correction::void(tx.new_id(), tx.now, &tx.actor, reason, &recorded)?
            }
            Asked::Add(input) => {
                let context = context(tx, input)?;
                Correction::add(tx.new_id(), tx.now, &tx.actor, reason, input, &context)?
            }
        };
        correction::insert(tx.conn, &new)?;
        tx.created(&new)?;
        Ok(new)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for all but who recorded it and
/// managers; `Conflict` when it is withdrawn, or a later one builds on it.
pub fn withdraw(
    app: &App,
    caller: &Caller,
    id: CorrectionId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Correction> {
    app.write(caller, Action::ChangeConsultation, |tx| {
        let scope = tx.scope();
        let of = correction::find(tx.conn, &tx.names, &scope, id)?.consultation;
        let effective = match &of {
            Some(of) => {
                consultation::hold(tx.conn, &tx.names, &scope, of.id)?;
                correction::effective(tx.conn, &tx.names, &scope, of.id)?
            }
            None => Vec::new(),
        };
        // As it is now that its record is held.
        let old = correction::find(tx.conn, &tx.names, &scope, id)?;
        check_version(&old, seen)?;
        let new = old.withdrawn(tx.now, &tx.actor, input.checked()?, &effective)?;
        correction::withdraw(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        Ok(new)
    })
}

/// A record that the caller may correct, held with its funding period until the transaction ends: nobody
/// corrects it meanwhile, nor opens the period.
fn correctable(tx: &mut Writing, id: ConsultationId) -> Result<Recorded> {
    let scope = tx.scope();
    let consultation = none_if_missing(consultation::hold(tx.conn, &tx.names, &scope, id))?
        .ok_or_else(|| Error::invalid("/consultation_id", "unknown", "must be a consultation"))?;
    let period = funding_period::hold_for_entry(tx.conn, consultation.held_on)?
        .ok_or_else(|| Error::internal("a consultation lies in no funding period"))?;
    let corrections = correction::effective(tx.conn, &tx.names, &scope, id)?;
    let recorded = Recorded { consultation, period, corrections };
    recorded.check_may_correct(&tx.actor)?;
    Ok(recorded)
}

/// Says in which fields corrections no longer hold. Only a record that has another version than when it was
/// corrected is looked at, which is one whose period was opened again.
fn tell_overtaken(tx: &mut Reading, corrections: &mut [Correction]) -> Result<()> {
    let scope = tx.scope();
    let of = |correction: &Correction| correction.consultation.as_ref().map(|of| of.id);
    let ids: BTreeSet<ConsultationId> = corrections.iter().filter_map(of).collect();
    let ids: Vec<ConsultationId> = ids.into_iter().collect();
    let versions = consultation::versions(tx.conn, &scope, &ids)?;
    let changed = |correction: &Correction| {
        let id = of(correction)?;
        let now = versions.get(&id).copied();
        (correction.withdrawn.is_none() && correction.record_version != now).then_some(id)
    };
    let changed_since: BTreeSet<ConsultationId> = corrections.iter().filter_map(changed).collect();
    for id in changed_since {
        let consultation = consultation::find(tx.conn, &tx.names, &scope, id)?;
        let effective = correction::effective(tx.conn, &tx.names, &scope, id)?;
        for correction in corrections.iter_mut().filter(|c| changed(c) == Some(id)) {
            correction.overtaken = overtaken(&consultation, &effective, correction.id)?;
        }
    }
    Ok(())
}
