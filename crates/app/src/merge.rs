use lotse_domain::audit::{AuditAction, FieldChange, HistoryEntry, Subject, changes};
use lotse_domain::code::Code;
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::{MergeId, OrganisationId};
use lotse_domain::merge::{
    Merge, MergeFilter, MergeInput, MergePreview, MergeReference, MergeRemainder,
    MergeRemainderReason, Merging, Registered, changed_back, checked_reason,
};
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Action;
use lotse_domain::{Error, Result};
use lotse_persistence::merge::{Between, Touched};
use lotse_persistence::names::Names;
use lotse_persistence::{Conn, audit, merge, referral};
use serde_json::{Value, json};

use crate::consultation::none_if_missing;
use crate::district_gap;
use crate::{App, Caller, Reading, Writing};

/// All of the network, the latest first.
///
/// # Errors
/// What the policy says.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &MergeFilter,
    paging: &Paging,
) -> Result<Page<Merge>> {
    app.read(caller, Action::ReadRegister, |tx| {
        let scope = tx.scope();
        let page = merge::list(tx.conn, &tx.names, None, filter, paging)?;
        Ok(page.map(|merge| merge.seen_by(&scope)))
    })
}

/// Those that an organisation survived, and those that it was merged in.
///
/// # Errors
/// `NotFound` when there is no such company or actor.
pub fn list_of(
    app: &App,
    caller: &Caller,
    of: OrganisationId,
    filter: &MergeFilter,
    paging: &Paging,
) -> Result<Page<Merge>> {
    app.read(caller, Action::ReadRegister, |tx| {
        merge::registered(tx.conn, of)?;
        let scope = tx.scope();
        let page = merge::list(tx.conn, &tx.names, Some(of), filter, paging)?;
        Ok(page.map(|merge| merge.seen_by(&scope)))
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: MergeId) -> Result<Merge> {
    app.read(caller, Action::ReadRegister, |tx| {
        let found = merge::find(tx.conn, &tx.names, id)?;
        for organisation in [&found.survivor, &found.merged] {
            if referral::is_a_person(tx.conn, organisation.id)? {
                tx.about_a_person(subject_of(organisation));
            }
        }
        Ok(found.seen_by(&tx.scope()))
    })
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: MergeId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadRegister, |tx| {
        merge::find(tx.conn, &tx.names, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// What merging would do: nothing is written.
///
/// # Errors
/// `NotFound`, `Stale`; `Invalid` when the two cannot be one; `Merged` or `Conflict` when one of them was
/// merged.
pub fn preview(
    app: &App,
    caller: &Caller,
    survivor: OrganisationId,
    seen: i64,
    input: &MergeInput,
) -> Result<MergePreview> {
    app.read_whole(caller, Action::MergeOrganisations, |tx| {
        let names = tx.names.clone();
        let merging = merging(tx.conn, &names, survivor, seen, input)?;
        note_persons(tx, &merging);
        merging.preview(&input.choices)
    })
}

fn note_persons(tx: &mut Reading, merging: &Merging) {
    for it in [&merging.other, &merging.survivor] {
        if it.is_a_person() {
            tx.about_a_person(subject_of(&it.reference()));
        }
    }
}

/// The two with what the rules need to know of them.
fn merging(
    conn: &mut Conn,
    names: &Names,
    survivor: OrganisationId,
    seen: i64,
    input: &MergeInput,
) -> Result<Merging> {
    let survivor = unmerged(conn, survivor)?;
    check_version_of(&survivor, seen)?;
    let other = none_if_missing(merge::registered(conn, input.other_id))?
        .ok_or_else(|| Error::invalid("/other_id", "unknown", "must be a company or an actor"))?;
    Merging::check_pair(&survivor, &other)?;
    if let Some(into) = merge::leads_to(conn, input.other_id)? {
        return Err(lotse_domain::merge::refusal(&into));
    }
    let references = merge::counts(conn, names, survivor.id(), other.id())?;
    let accompanied = merge::accompanied(conn, [survivor.id(), other.id()])?;
    Ok(Merging { survivor, other, references, accompanied })
}

fn unmerged(conn: &mut Conn, id: OrganisationId) -> Result<Registered> {
    let found = merge::registered(conn, id)?;
    match merge::leads_to(conn, id)? {
        Some(into) => Err(lotse_domain::merge::refusal(&into)),
        None => Ok(found),
    }
}

fn check_version_of(organisation: &Registered, seen: i64) -> Result<()> {
    match organisation {
        Registered::Company(it) => check_version(&**it, seen),
        Registered::Actor(it) => check_version(&**it, seen),
    }
}

/// Does what the preview showed, with the values that are chosen.
///
/// # Errors
/// As [`preview`]; `Invalid` without a token; `Conflict` when something is in the way or the token is that of
/// another preview.
pub fn merge(
    app: &App,
    caller: &Caller,
    survivor: OrganisationId,
    seen: i64,
    input: &MergeInput,
) -> Result<Merge> {
    app.write(caller, Action::MergeOrganisations, |tx| {
        merge::hold(tx.conn, [survivor, input.other_id])?;
        let names = tx.names.clone();
        let merging = merging(tx.conn, &names, survivor, seen, input)?;
        let reason = checked_reason(input.reason.as_deref())?;
        let fields = merging.as_seen(&input.choices, input.token.as_deref())?;
        let Merging { survivor: old, other, references, .. } = merging;
        let new = old.merged_with(tx.now, &other, &fields)?;
        let left = other.left_behind(tx.now, &new.reference().name)?;
        let merge = Merge {
            id: tx.new_id(),
            survivor: new.reference(),
            merged: left.reference(),
            reason,
            fields,
            moved: references,
            merged_by: tx.actor.reference(),
            undone: None,
            version: 1,
            created_at: tx.now,
            updated_at: tx.now,
        };
        merge::insert(tx.conn, &merge)?;
        let between = between(tx, &merge);
        let gaps = merge::gaps(tx.conn, &between)?;
        let touched = merge::move_rows(tx.conn, &between)?;
        note_touched(tx, AuditAction::Merged, &touched, &merge.merged, &merge.survivor);

        merge::update_registered(tx.conn, &new)?;
        merge::update_registered(tx.conn, &left)?;
        let (of_old, of_new) = (&merge.merged, &merge.survivor);
        note_registered(
            tx,
            AuditAction::Merged,
            &old,
            &new,
            "merged",
            (Value::Null, json!(of_old)),
        )?;
        let into = (Value::Null, json!(of_new));
        note_registered(tx, AuditAction::Merged, &other, &left, "merged_into", into)?;

        // What one of the two knows is known of the consultations of both.
        merge::fill_classes(tx.conn, &between)?;
        if let Some(district) = new.district() {
            district_gap::close(tx, new.id(), Some(district))?;
        }
        merge::note_filled(tx.conn, &between, &gaps)?;
        tx.created(&merge)?;
        Ok(merge)
    })
}

/// Has both be as they were, as far as they can be told apart.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it was undone, or a later merge has to be undone first.
pub fn undo(
    app: &App,
    caller: &Caller,
    id: MergeId,
    seen: i64,
    input: &ReasonInput,
) -> Result<Merge> {
    app.write(caller, Action::MergeOrganisations, |tx| {
        let found = merge::find(tx.conn, &tx.names, id)?;
        merge::hold(tx.conn, [found.survivor.id, found.merged.id])?;
        // As it is now that both are held.
        let old = merge::find(tx.conn, &tx.names, id)?;
        check_version(&old, seen)?;
        let later = merge::latest_since(tx.conn, &tx.names, &old)?;
        old.check_may_be_undone(later.as_ref())?;
        let reason = input.checked()?;
        let between = between(tx, &old);

        let survivor = merge::registered(tx.conn, old.survivor.id)?;
        let other = merge::registered(tx.conn, old.merged.id)?;
        let (given_back, newer) = changed_back(&survivor, tx.now, &old.fields)?;
        let back = other.brought_back(tx.now);
        merge::update_registered(tx.conn, &given_back)?;
        merge::update_registered(tx.conn, &back)?;
        let was = (json!(old.merged), Value::Null);
        note_registered(tx, AuditAction::Unmerged, &survivor, &given_back, "merged", was)?;
        let was = (json!(old.survivor), Value::Null);
        note_registered(tx, AuditAction::Unmerged, &other, &back, "merged_into", was)?;

        let names = tx.names.clone();
        let done = merge::separate(tx.conn, &names, &between)?;
        note_touched(tx, AuditAction::Unmerged, &done.touched, &old.survivor, &old.merged);
        let newer = newer.into_iter().map(|field| MergeRemainder {
            reference: MergeReference::Field,
            reason: MergeRemainderReason::ChangedSince,
            record_id: Some(old.survivor.id.0),
            carrier: None,
            field: Some(field.code().to_owned()),
        });
        let remainders = newer.chain(done.remainders).collect();
        let new = old.undone(tx.now, tx.actor.reference(), reason, remainders);
        merge::update(tx.conn, &new)?;
        tx.audit(AuditAction::Unmerged, Some(&old), &new)?;
        Ok(new.seen_by(&tx.scope()))
    })
}

fn between(tx: &Writing, merge: &Merge) -> Between {
    Between {
        merge: merge.id,
        survivor: merge.survivor.id,
        other: merge.merged.id,
        now: tx.now,
        by: tx.actor.user_id,
    }
}

fn subject_of(organisation: &OrganisationReference) -> Subject {
    Subject { kind: organisation.kind.into(), id: organisation.id.0, carrier: None }
}

/// The history of one of the two, and of its place on a timeline: what changed of it, and the other one.
fn note_registered(
    tx: &mut Writing,
    action: AuditAction,
    old: &Registered,
    new: &Registered,
    field: &str,
    (was, is): (Value, Value),
) -> Result<()> {
    let mut changes = changes(&old.shown()?, &new.shown()?);
    changes.push(FieldChange { field: field.to_owned(), old: was, new: is });
    tx.note_changes(action, subject_of(&new.reference()), Some(new.version()), changes);
    Ok(())
}

/// The histories of records that name another organisation now. A report finds the merge there when it looks
/// for what makes a difference.
fn note_touched(
    tx: &mut Writing,
    action: AuditAction,
    touched: &[Touched],
    from: &OrganisationReference,
    to: &OrganisationReference,
) {
    for it in touched {
        let subject = Subject { kind: it.kind, id: it.id, carrier: it.carrier };
        let (old, new) = match &it.known {
            Some(known) => (json!(known), Value::Null),
            None => (json!(from), json!(to)),
        };
        let change = FieldChange { field: it.field.to_owned(), old, new };
        tx.note_changes(action, subject, Some(it.version), vec![change]);
    }
}
