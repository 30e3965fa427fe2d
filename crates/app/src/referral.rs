use lotse_domain::Result;
use lotse_domain::audit::{HistoryEntry, Subject};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::ReferralId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::patch::MergePatch;
use lotse_domain::policy::Action;
use lotse_domain::referral::{
    Context, Referral, ReferralAnswerInput, ReferralCloseInput, ReferralFilter, ReferralInput,
};
use lotse_persistence::{audit, consultation, organisation, referral, user};

use crate::consultation::none_if_missing;
use crate::{App, Caller, Writing};

/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &ReferralFilter,
    paging: &Paging,
) -> Result<Page<Referral>> {
    app.read(caller, Action::ReadReferrals, |tx| {
        let scope = tx.scope();
        referral::list(tx.conn, &tx.names, &scope, filter, paging)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn get(app: &App, caller: &Caller, id: ReferralId) -> Result<Referral> {
    app.read(caller, Action::ReadReferrals, |tx| {
        let scope = tx.scope();
        let found = referral::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        Ok(found)
    })
}

/// # Errors
/// `NotFound`, also for another carrier's.
pub fn history(
    app: &App,
    caller: &Caller,
    id: ReferralId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadReferrals, |tx| {
        let scope = tx.scope();
        let found = referral::find(tx.conn, &tx.names, &scope, id)?;
        tx.about(Subject::of(&found));
        audit::history(tx.conn, id.0, paging)
    })
}

/// # Errors
/// `Invalid` with everything that is wrong.
pub fn create(app: &App, caller: &Caller, input: &ReferralInput) -> Result<Referral> {
    app.write(caller, Action::ChangeReferrals, |tx| add(tx, input))
}

/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Forbidden` for colleagues who do not look
/// after it; `Conflict` when it is not open.
pub fn change(
    app: &App,
    caller: &Caller,
    id: ReferralId,
    seen: i64,
    patch: &MergePatch,
) -> Result<Referral> {
    app.write(caller, Action::ChangeReferrals, |tx| Ok(change_in(tx, id, seen, patch)?.1))
}

/// Answers the referral before and after.
///
/// # Errors
/// As [`change`].
pub(crate) fn change_in(
    tx: &mut Writing,
    id: ReferralId,
    seen: i64,
    patch: &MergePatch,
) -> Result<(Referral, Referral)> {
    let old = as_seen(tx, id, seen)?;
    old.check_may_change(&tx.actor)?;
    let input: ReferralInput = patch.apply(&ReferralInput::from(&old))?;
    let context = context(tx, &input)?;
    let new = old.changed(tx.now, &tx.actor, &input, &context)?;
    let new = keep(tx, &old, new)?;
    Ok((old, new))
}

/// What the actor answered.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is not open.
pub fn answer(
    app: &App,
    caller: &Caller,
    id: ReferralId,
    seen: i64,
    input: &ReferralAnswerInput,
) -> Result<Referral> {
    app.write(caller, Action::ChangeReferrals, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.answered(tx.now, tx.today(), &tx.actor, input)?;
        keep(tx, &old, new)
    })
}

/// What came of it.
///
/// # Errors
/// `NotFound`, also for another carrier's; `Stale`, `Invalid`; `Conflict` when it is closed or withdrawn.
pub fn close(
    app: &App,
    caller: &Caller,
    id: ReferralId,
    seen: i64,
    input: &ReferralCloseInput,
) -> Result<Referral> {
    app.write(caller, Action::ChangeReferrals, |tx| {
        let old = as_seen(tx, id, seen)?;
        let new = old.closed(tx.now, tx.today(), &tx.actor, input)?;
        keep(tx, &old, new)
    })
}

/// # Errors
/// As [`change`]; `Conflict` when it is closed or withdrawn.
pub fn withdraw(
    app: &App,
    caller: &Caller,
    id: ReferralId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Referral> {
    app.write(caller, Action::ChangeReferrals, |tx| {
        let old = as_seen(tx, id, seen)?;
        old.check_may_change(&tx.actor)?;
        let new = old.withdrawn(tx.now, &tx.actor, input.checked()?)?;
        keep(tx, &old, new)
    })
}

/// Writes a new referral, in the transaction of whatever it comes from: a consultation that was just
/// logged is found too.
///
/// # Errors
/// As [`create`].
pub(crate) fn add(tx: &mut Writing, input: &ReferralInput) -> Result<Referral> {
    let context = context(tx, input)?;
    let new = Referral::new(tx.new_id(), tx.now, &tx.actor, input, &context)?;
    referral::insert(tx.conn, &new)?;
    tx.created(&new)?;
    Ok(new)
}

fn keep(tx: &mut Writing, old: &Referral, new: Referral) -> Result<Referral> {
    referral::update(tx.conn, &new)?;
    tx.changed(old, &new)?;
    Ok(new)
}

fn as_seen(tx: &mut Writing, id: ReferralId, seen: i64) -> Result<Referral> {
    let scope = tx.scope();
    let old = referral::find(tx.conn, &tx.names, &scope, id)?;
    check_version(&old, seen)?;
    Ok(old)
}

/// What an input names, as far as it exists in the caller's scope.
fn context(tx: &mut Writing, input: &ReferralInput) -> Result<Context> {
    let (scope, carrier, today) = (tx.scope(), tx.actor.own_carrier()?.id, tx.today());
    let owner = input.owner_id.unwrap_or(tx.actor.user_id);
    let consultation = match input.consultation_id {
        Some(id) => none_if_missing(consultation::find(tx.conn, &tx.names, &scope, id))?,
        None => None,
    };
    let of_consultation = consultation.as_ref().and_then(|c| c.organisation.as_ref());
    let organisation_id = input.organisation_id.or(of_consultation.map(|of| of.id));
    let (organisation, is_a_person) = match organisation_id {
        Some(id) => {
            (organisation::facts_to_name(tx.conn, id)?, referral::is_a_person(tx.conn, id)?)
        }
        None => (None, false),
    };
    Ok(Context {
        today,
        answer_days: tx.referral_answer_days(),
        people: user::available_on(tx.conn, &[owner], carrier, today)?,
        consultation,
        organisation,
        is_a_person,
        actor: organisation::facts_to_name(tx.conn, input.actor_id.into())?,
    })
}
