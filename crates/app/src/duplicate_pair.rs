use std::collections::{HashMap, HashSet};

use lotse_domain::audit::{AuditAction, HistoryEntry, Subject};
use lotse_domain::duplicate::{Likeness, likeness};
use lotse_domain::duplicate_pair::{DuplicateFilter, DuplicatePair, PairRecord, in_order};
use lotse_domain::entity::{ReasonInput, check_version};
use lotse_domain::id::{DuplicatePairId, OrganisationId};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Action;
use lotse_domain::search::{Found, SearchKind};
use lotse_domain::{Error, Result};
use lotse_persistence::{Conn, audit, duplicate_pair, referral};

use crate::transaction::{entry, retrying};
use crate::{App, Caller};

/// How many organisations are compared at once. On SQLite a read of them has to end in time, and on both the write
/// after it should be short.
const BATCH: i64 = 50;

/// What the audit log names in place of a request.
const BY_ITSELF: &str = "housekeeping";

/// # Errors
/// `Malformed`.
pub fn list(
    app: &App,
    caller: &Caller,
    filter: &DuplicateFilter,
    paging: &Paging,
) -> Result<Page<DuplicatePair>> {
    app.read(caller, Action::ReadRegister, |tx| {
        filter.check()?;
        duplicate_pair::list(tx.conn, &tx.names, filter, paging)
    })
}

/// # Errors
/// `NotFound`.
pub fn get(app: &App, caller: &Caller, id: DuplicatePairId) -> Result<DuplicatePair> {
    app.read_whole(caller, Action::ReadRegister, |tx| {
        let found = duplicate_pair::find(tx.conn, id)?;
        for organisation in [found.first_id, found.second_id] {
            if referral::is_a_person(tx.conn, organisation)? {
                tx.about_a_person(Subject {
                    kind: found.kind.into(),
                    id: organisation.0,
                    carrier: None,
                });
            }
        }
        duplicate_pair::with_sides(tx.conn, &tx.names, found)
    })
}

/// # Errors
/// `NotFound`.
pub fn history(
    app: &App,
    caller: &Caller,
    id: DuplicatePairId,
    paging: &Paging,
) -> Result<Page<HistoryEntry>> {
    app.read(caller, Action::ReadRegister, |tx| {
        duplicate_pair::find(tx.conn, id)?;
        audit::history(tx.conn, id.0, paging)
    })
}

/// Says that the two are not the same.
///
/// # Errors
/// `NotFound`, `Stale`, `Invalid`; `Conflict` when it is not open.
pub fn dismiss(
    app: &App,
    caller: &Caller,
    id: DuplicatePairId,
    seen: i64,
    input: &ReasonInput,
) -> Result<DuplicatePair> {
    app.write(caller, Action::MergeOrganisations, |tx| {
        let old = duplicate_pair::find(tx.conn, id)?;
        check_version(&old, seen)?;
        let names = tx.names.clone();
        duplicate_pair::with_sides(tx.conn, &names, old.clone())?.check_may_be_dismissed()?;
        let new = old.dismissed(tx.now, tx.actor.user_id, input.checked()?);
        duplicate_pair::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        duplicate_pair::with_sides(tx.conn, &names, new)
    })
}

/// Takes back that they are not.
///
/// # Errors
/// `NotFound`, `Stale`; `Conflict` when it is not dismissed.
pub fn restore(
    app: &App,
    caller: &Caller,
    id: DuplicatePairId,
    seen: i64,
) -> Result<DuplicatePair> {
    app.write(caller, Action::MergeOrganisations, |tx| {
        let old = duplicate_pair::find(tx.conn, id)?;
        check_version(&old, seen)?;
        let new = old.restored(tx.now)?;
        duplicate_pair::update(tx.conn, &new)?;
        tx.changed(&old, &new)?;
        let names = tx.names.clone();
        duplicate_pair::with_sides(tx.conn, &names, new)
    })
}

/// Compares all organisations that were added or changed since they were compared last, and answers how many.
///
/// # Errors
/// When the database cannot be read or written.
pub fn compare_all(app: &App) -> Result<usize> {
    let (mut after, mut count) = (None, 0);
    while let Some(Compared { last, organisations }) = compare_next(app, after)? {
        (after, count) = (Some(last), count + organisations);
    }
    Ok(count)
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    pub last: OrganisationId,
    pub organisations: usize,
}

/// The next of them, by id; none when there are no more. What one server is looking at, another one may look at too:
/// what is kept is the same.
///
/// # Errors
/// As [`compare_all`].
pub fn compare_next(app: &App, after: Option<OrganisationId>) -> Result<Option<Compared>> {
    let error = match compare_some(app, after, BATCH) {
        Err(error @ Error::Internal(_)) => error,
        other => return other,
    };
    // One that cannot be compared must not keep those behind it from it.
    tracing::warn!(%error, "organisations are compared one by one");
    match compare_some(app, after, 1) {
        Err(error @ Error::Internal(_)) => {
            let due = app.database.read(|conn| duplicate_pair::due(conn, after, 1))?;
            let Some((last, _)) = due.first().copied() else { return Ok(None) };
            tracing::warn!(%error, organisation = %last, "an organisation cannot be compared");
            Ok(Some(Compared { last, organisations: 0 }))
        }
        other => other,
    }
}

fn compare_some(app: &App, after: Option<OrganisationId>, most: i64) -> Result<Option<Compared>> {
    let looked = app.database.read_whole(|conn| look(conn, after, most))?;
    let Some(last) = looked.last().map(|look| look.id) else { return Ok(None) };
    retrying(|| app.database.write(|conn| keep(app, conn, &looked)))?;
    Ok(Some(Compared { last, organisations: looked.len() }))
}

/// An organisation as it was seen.
struct Look {
    id: OrganisationId,
    version: i64,
    kind: OrganisationKind,
    /// With those that it is alike, and those that it is in a pair with. None when it is archived.
    others: Option<Vec<Other>>,
}

struct Other {
    id: OrganisationId,
    version: i64,
    likeness: Option<Likeness>,
}

/// All of it is of one state: what was changed since has another version then, and is due itself.
fn look(conn: &mut Conn, after: Option<OrganisationId>, most: i64) -> Result<Vec<Look>> {
    let due = duplicate_pair::due(conn, after, most)?;
    let ids: Vec<OrganisationId> = due.iter().map(|(id, _)| *id).collect();
    let known = duplicate_pair::of_organisations(conn, &ids)?;
    let mut found: HashMap<_, _> = by_id(duplicate_pair::organisations(conn, &ids)?);
    let mut looks = Vec::new();
    for (id, version) in due {
        let one = found.remove(&id).ok_or_else(|| Error::internal("an organisation is gone"))?;
        let kind = match one.kind {
            SearchKind::Actor => OrganisationKind::Actor,
            SearchKind::Company | SearchKind::Contact => OrganisationKind::Company,
        };
        let others = if one.archived { None } else { Some(others(conn, id, &one, &known)?) };
        looks.push(Look { id, version, kind, others });
    }
    Ok(looks)
}

fn others(
    conn: &mut Conn,
    id: OrganisationId,
    one: &Found,
    known: &[PairRecord],
) -> Result<Vec<Other>> {
    let pairs = known.iter().filter(|pair| pair.first_id == id || pair.second_id == id);
    let paired: HashSet<OrganisationId> = pairs.map(|pair| pair.other_than(id)).collect();
    let mut ids = duplicate_pair::candidates(conn, one)?;
    ids.extend(&paired);
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|other| *other != id);
    let compared = duplicate_pair::organisations(conn, &ids)?.into_iter();
    let compared: Vec<(OrganisationId, Option<Likeness>)> = compared
        .filter(|other| other.kind == one.kind)
        .map(|other| (OrganisationId(other.id), likeness(one, &other)))
        .filter(|(other, likeness)| likeness.is_some() || paired.contains(other))
        .collect();
    let ids: Vec<OrganisationId> = compared.iter().map(|(id, _)| *id).collect();
    let versions = duplicate_pair::versions(conn, &ids)?;
    let other = |(id, likeness)| {
        let version = versions.get(&id).copied();
        let version = version.ok_or_else(|| Error::internal("an organisation is gone"))?;
        Ok(Other { id, version, likeness })
    };
    compared.into_iter().map(other).collect()
}

fn by_id(found: Vec<Found>) -> HashMap<OrganisationId, Found> {
    found.into_iter().map(|one| (OrganisationId(one.id), one)).collect()
}

/// Writes what is different from what is on record, and notes what was compared. What was changed since it was seen
/// is left: it is due, or was compared by another server that saw what this one did.
fn keep(app: &App, conn: &mut Conn, looks: &[Look]) -> Result<()> {
    let now = app.now();
    let ids: Vec<OrganisationId> = looks.iter().map(|look| look.id).collect();
    let others = looks.iter().flat_map(|look| look.others.iter().flatten().map(|other| other.id));
    let mut all: Vec<OrganisationId> = ids.iter().copied().chain(others).collect();
    all.sort_unstable();
    all.dedup();
    duplicate_pair::hold(conn, &all)?;
    let versions = duplicate_pair::versions(conn, &all)?;
    let is_as_seen = |id, version| versions.get(&id) == Some(&version);
    let mut pairs: HashMap<(OrganisationId, OrganisationId), PairRecord> =
        duplicate_pair::of_organisations(conn, &ids)?
            .into_iter()
            .map(|pair| ((pair.first_id, pair.second_id), pair))
            .collect();
    let (mut compared, mut found, mut entries) = (Vec::new(), HashMap::new(), Vec::new());
    for look in looks.iter().filter(|look| is_as_seen(look.id, look.version)) {
        let Some(others) = &look.others else {
            compared.push((look.id, look.version));
            continue;
        };
        let seen: HashSet<OrganisationId> = others.iter().map(|other| other.id).collect();
        let is_of_another = |pair: &PairRecord| {
            (pair.first_id == look.id || pair.second_id == look.id)
                && !seen.contains(&pair.other_than(look.id))
        };
        // Another server found a pair meanwhile, which this one did not compare.
        if pairs.values().any(is_of_another) {
            continue;
        }
        for other in others.iter().filter(|other| is_as_seen(other.id, other.version)) {
            let both = in_order(look.id, other.id);
            let likeness = other.likeness.as_ref();
            if let Some(old) = pairs.get(&both) {
                if let Some(new) = old.compared(now, likeness) {
                    duplicate_pair::update(conn, &new)?;
                    // That a pair was found is nobody's doing and says what the pair says itself.
                    entries.push(entry(
                        app,
                        now,
                        BY_ITSELF,
                        AuditAction::Changed,
                        Some(old),
                        &new,
                    )?);
                    pairs.insert(both, new);
                }
            } else if let Some(likeness) = likeness {
                // Of one state, so the other one of the two says the same.
                found.entry(both).or_insert_with(|| {
                    PairRecord::found(app.new_id(), now, look.kind, both, likeness)
                });
            }
        }
        compared.push((look.id, look.version));
    }
    let found: Vec<PairRecord> = found.into_values().collect();
    // PostgreSQL binds 65,535 values in one statement.
    for found in found.chunks(1000) {
        duplicate_pair::insert_all(conn, found)?;
    }
    for entries in entries.chunks(1000) {
        audit::insert_all(conn, entries)?;
    }
    duplicate_pair::note_compared(conn, &compared)
}
