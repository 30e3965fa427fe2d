//! Attendance of an event, recorded at once: who of those registered came, who came besides, and what
//! becomes of the rest.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Context, Participation, ParticipationRole, ParticipationStatus, check_headcount, contact,
    organisation,
};
use crate::check::Checks;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::{ContactId, OrganisationId, ParticipationId};
use crate::organisation::OrganisationReference;
use crate::policy::Actor;

/// How many entries one request has at most.
pub const MAX_ENTRIES: usize = 500;

/// Either a participation that is on the list, with what became of it, or an organisation, perhaps with
/// a contact, that was there. The latter is a walk-in unless it is on the list already.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendanceEntry {
    pub participation_id: Option<ParticipationId>,
    /// `attended`, `no_show` or `withdrawn`; goes with `participation_id`.
    pub status: Option<ParticipationStatus>,
    pub organisation_id: Option<OrganisationId>,
    pub contact_id: Option<ContactId>,
    /// Stays as it is unless told; 1 for a walk-in.
    #[schema(minimum = 1, maximum = 10_000)]
    pub headcount: Option<i32>,
    /// `participant` unless told; goes with `organisation_id`. A contact that is on the list has its role there.
    pub role: Option<ParticipationRole>,
    /// Stays as it is unless told.
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "participations": [
        {"participation_id": "01890000-0000-7000-8000-0000000e0001", "status": "attended"},
        {"organisation_id": "01890000-0000-7000-8000-0000000a0001", "headcount": 2}
    ],
    "others": "no_show"
}))]
pub struct AttendanceInput {
    /// Up to 500; each participation once.
    #[schema(max_items = 500)]
    pub participations: Vec<AttendanceEntry>,
    /// What becomes of those who are still registered then: `no_show`, or null to leave them.
    pub others: Option<ParticipationStatus>,
}

/// What recording attendance changed and added.
#[derive(Debug, Default)]
pub struct Recorded {
    /// As it was and as it is.
    pub changed: Vec<(Participation, Participation)>,
    pub new: Vec<Participation>,
}

/// `listed` are the participations of the event that are not voided. What says nothing new changes
/// nothing, so that the same list can be sent again.
///
/// # Errors
/// `Conflict` when the event is voided, cancelled or to come; `Invalid` with everything that is wrong.
pub fn record(
    now: DateTime<Utc>,
    actor: &Actor,
    input: &AttendanceInput,
    event: &Event,
    listed: &[Participation],
    context: &Context,
    mut new_id: impl FnMut() -> ParticipationId,
) -> Result<Recorded> {
    event.check_takes_place()?;
    if event.starts_on > context.today {
        return Err(Error::conflict(
            "event_in_the_future",
            format!("The event begins on {}; today is {}.", event.starts_on, context.today),
        ));
    }
    let mut checks = Checks::new();
    checks.require(
        input.participations.len() <= MAX_ENTRIES,
        "/participations",
        "too_many",
        "must have at most 500",
    );
    checks.require(
        input.others.is_none_or(|status| status == ParticipationStatus::NoShow),
        "/others",
        "not_settable",
        "must be no_show or null",
    );
    // Faults of thousands of entries would tell nothing more.
    if input.participations.len() > MAX_ENTRIES {
        checks.finish()?;
        return Ok(Recorded::default());
    }
    let list = List::of(listed);
    let mut recorded = Recorded::default();
    let mut named = HashSet::new();
    for (index, entry) in input.participations.iter().enumerate() {
        let pointer = format!("/participations/{index}");
        let outcome = match (entry.participation_id, entry.organisation_id) {
            (Some(id), None) => list.outcome(&mut checks, &pointer, entry, id),
            (None, Some(id)) => Some(list.presence(&mut checks, &pointer, entry, id, context)),
            _ => {
                checks.fail(
                    &pointer,
                    "not_one_of_two",
                    "must have either a participation_id or an organisation_id",
                );
                None
            }
        };
        let Some(outcome) = outcome else { continue };
        checks.require(named.insert(outcome.whose), &pointer, "repeated", "must be named once");
        match outcome.old {
            Some(old) => {
                let new = Participation {
                    status: outcome.status,
                    headcount: outcome.headcount,
                    note: outcome.note,
                    ..old.clone()
                };
                if new != *old {
                    recorded.changed.push((old.clone(), one_version_on(new, now)));
                }
            }
            None => recorded.new.push(Participation {
                id: new_id(),
                event: event.reference(),
                carrier: event.carrier.clone(),
                organisation: outcome.organisation,
                contact: outcome.contact,
                headcount: outcome.headcount,
                role: outcome.role,
                status: outcome.status,
                note: outcome.note,
                voided: None,
                recorded_by: actor.reference(),
                version: 1,
                created_at: now,
                updated_at: now,
            }),
        }
    }
    checks.finish()?;
    if let Some(status) = input.others {
        let untold = |participation: &&Participation| {
            participation.status == ParticipationStatus::Registered
                && !named.contains(&Whose::Listed(participation.id))
        };
        for old in listed.iter().filter(untold) {
            let new = Participation { status, ..old.clone() };
            recorded.changed.push((old.clone(), one_version_on(new, now)));
        }
    }
    Ok(recorded)
}

fn one_version_on(participation: Participation, now: DateTime<Utc>) -> Participation {
    Participation { version: participation.version + 1, updated_at: now, ..participation }
}

/// Whom an entry is about; none is named twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Listed(ParticipationId),
    Contact(ContactId),
    Heads(OrganisationId, ParticipationRole),
}

/// What an entry says of a participation that is on the list, or of a new one.
struct Outcome<'a> {
    whose: Whose,
    old: Option<&'a Participation>,
    organisation: Option<OrganisationReference>,
    contact: Option<Reference>,
    headcount: i32,
    role: ParticipationRole,
    status: ParticipationStatus,
    note: Option<String>,
}

/// The participations on the list, by whom they are of.
struct List<'a> {
    by_id: HashMap<ParticipationId, &'a Participation>,
    by_contact: HashMap<ContactId, &'a Participation>,
    by_heads: HashMap<(OrganisationId, ParticipationRole), &'a Participation>,
}

impl<'a> List<'a> {
    fn of(listed: &'a [Participation]) -> Self {
        let mut list =
            Self { by_id: HashMap::new(), by_contact: HashMap::new(), by_heads: HashMap::new() };
        for participation in listed {
            list.by_id.insert(participation.id, participation);
            match (&participation.contact, &participation.organisation) {
                (Some(contact), _) => {
                    list.by_contact.insert(ContactId(contact.id), participation);
                }
                (None, Some(organisation)) => {
                    list.by_heads.insert((organisation.id, participation.role), participation);
                }
                (None, None) => (),
            }
        }
        list
    }

    /// What became of a participation that is on the list.
    fn outcome(
        &self,
        checks: &mut Checks,
        pointer: &str,
        entry: &AttendanceEntry,
        id: ParticipationId,
    ) -> Option<Outcome<'a>> {
        let of_walk_ins = "goes with organisation_id";
        checks.require(
            entry.contact_id.is_none(),
            &format!("{pointer}/contact_id"),
            "not_settable",
            of_walk_ins,
        );
        checks.require(
            entry.role.is_none(),
            &format!("{pointer}/role"),
            "not_settable",
            of_walk_ins,
        );
        let status = entry.status.filter(|status| {
            matches!(
                status,
                ParticipationStatus::Attended
                    | ParticipationStatus::NoShow
                    | ParticipationStatus::Withdrawn
            )
        });
        checks.require(
            status.is_some(),
            &format!("{pointer}/status"),
            if entry.status.is_none() { "missing" } else { "not_settable" },
            "must be attended, no_show or withdrawn",
        );
        let found = self.by_id.get(&id).copied();
        checks.require(
            found.is_some(),
            &format!("{pointer}/participation_id"),
            "unknown",
            "must be a participation of the event",
        );
        Some(told(checks, pointer, entry, found?, status?))
    }

    /// That somebody was there.
    fn presence(
        &self,
        checks: &mut Checks,
        pointer: &str,
        entry: &AttendanceEntry,
        id: OrganisationId,
        context: &Context,
    ) -> Outcome<'a> {
        checks.require(
            entry.status.is_none(),
            &format!("{pointer}/status"),
            "not_settable",
            "goes with participation_id",
        );
        let role = entry.role.unwrap_or(ParticipationRole::Participant);
        let old = match entry.contact_id {
            Some(contact) => self.by_contact.get(&contact).copied(),
            None => self.by_heads.get(&(id, role)).copied(),
        };
        let named = old.and_then(|old| old.organisation.as_ref()).map(|known| known.id);
        let at = format!("{pointer}/organisation_id");
        let organisation = organisation(checks, &at, id, context, named);
        let contact = entry.contact_id.map(|contact_id| {
            let at = format!("{pointer}/contact_id");
            contact(checks, &at, contact_id, Some(id), context)
        });
        if let Some(old) = old {
            // Heads are found by their role, a contact is not; who is no participant does not count.
            checks.require(
                entry.role.is_none_or(|role| role == old.role),
                &format!("{pointer}/role"),
                "differs",
                "must be the role on the list; to change it, change the participation",
            );
            return told(checks, pointer, entry, old, ParticipationStatus::Attended);
        }
        let headcount = entry.headcount.unwrap_or(1);
        let of_contact = entry.contact_id.is_some();
        check_headcount(checks, &format!("{pointer}/headcount"), headcount, of_contact);
        Outcome {
            whose: entry.contact_id.map_or(Whose::Heads(id, role), Whose::Contact),
            old: None,
            organisation,
            contact: contact.flatten(),
            headcount,
            role,
            status: ParticipationStatus::WalkIn,
            note: checks.optional_prose(&format!("{pointer}/note"), entry.note.as_deref(), 500),
        }
    }
}

fn told<'a>(
    checks: &mut Checks,
    pointer: &str,
    entry: &AttendanceEntry,
    old: &'a Participation,
    status: ParticipationStatus,
) -> Outcome<'a> {
    let headcount = entry.headcount.unwrap_or(old.headcount);
    check_headcount(checks, &format!("{pointer}/headcount"), headcount, old.contact.is_some());
    let note = checks.optional_prose(&format!("{pointer}/note"), entry.note.as_deref(), 500);
    Outcome {
        whose: Whose::Listed(old.id),
        old: Some(old),
        organisation: old.organisation.clone(),
        contact: old.contact.clone(),
        headcount,
        role: old.role,
        // Who walked in was there and goes on having walked in.
        status: if status == ParticipationStatus::Attended && old.status.was_there() {
            old.status
        } else {
            status
        },
        note: note.or_else(|| old.note.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::consultation::OrganisationFacts;
    use crate::event::tests::{actor, event, now};
    use crate::organisation::OrganisationKind;
    use crate::participation::ContactFacts;

    const ORGANISATIONS: u128 = 4;

    fn organisation(number: u128) -> OrganisationReference {
        OrganisationReference {
            id: OrganisationId(Uuid::from_u128(100 + number)),
            name: format!("Werk {number}"),
            kind: OrganisationKind::Company,
        }
    }

    /// Each organisation has one contact.
    fn contact(number: u128) -> Reference {
        Reference::new(Uuid::from_u128(200 + number), "Cora Probstadt")
    }

    fn context() -> Context {
        Context {
            today: now().date_naive(),
            organisations: (0..ORGANISATIONS)
                .map(|number| OrganisationFacts {
                    reference: organisation(number),
                    district_id: None,
                    archived: false,
                })
                .collect(),
            contacts: (0..ORGANISATIONS)
                .map(|number| ContactFacts {
                    reference: contact(number),
                    organisation_id: organisation(number).id,
                })
                .collect(),
        }
    }

    fn listed(number: u128, of_contact: bool, status: ParticipationStatus) -> Participation {
        Participation {
            id: ParticipationId(Uuid::from_u128(300 + number + if of_contact { 50 } else { 0 })),
            event: event().reference(),
            carrier: event().carrier,
            organisation: Some(organisation(number)),
            contact: of_contact.then(|| contact(number)),
            headcount: if of_contact { 1 } else { 5 },
            role: ParticipationRole::Participant,
            status,
            note: None,
            voided: None,
            recorded_by: actor().reference(),
            version: 1,
            created_at: now(),
            updated_at: now(),
        }
    }

    fn status() -> impl Strategy<Value = ParticipationStatus> {
        use ParticipationStatus::{Attended, NoShow, Registered, WalkIn, Withdrawn};
        proptest::sample::select(vec![Registered, Registered, Withdrawn, Attended, NoShow, WalkIn])
    }

    type Who = BTreeMap<(u128, bool), ParticipationStatus>;

    fn who() -> impl Strategy<Value = Who> {
        proptest::collection::btree_map((0..ORGANISATIONS, any::<bool>()), status(), 0..8)
    }

    fn applied(list: &[Participation], recorded: &Recorded) -> Vec<Participation> {
        let mut list = list.to_vec();
        for (old, new) in &recorded.changed {
            let place = list.iter_mut().find(|participation| *participation == old).unwrap();
            *place = new.clone();
        }
        list.extend(recorded.new.iter().cloned());
        list
    }

    proptest! {
        /// Who is said to have been there was there, each once, those unsaid follow `others`, and the same
        /// list a second time changes nothing.
        #[test]
        fn a_list_says_who_was_there(
            (on_list, there, others, by_id) in (who(), who(), any::<bool>(), any::<bool>())
        ) {
            let list: Vec<_> =
                on_list.iter().map(|((number, c), status)| listed(*number, *c, *status)).collect();
            let entries = there
                .keys()
                .map(|(number, of_contact)| {
                    let known = on_list.get(&(*number, *of_contact)).filter(|_| by_id);
                    match known {
                        Some(status) => AttendanceEntry {
                            participation_id: Some(listed(*number, *of_contact, *status).id),
                            status: Some(ParticipationStatus::Attended),
                            ..AttendanceEntry::default()
                        },
                        None => AttendanceEntry {
                            organisation_id: Some(organisation(*number).id),
                            contact_id: of_contact.then(|| contact(*number).id.into()),
                            ..AttendanceEntry::default()
                        },
                    }
                })
                .collect();
            let input = AttendanceInput {
                participations: entries,
                others: others.then_some(ParticipationStatus::NoShow),
            };
            let mut ids = 1000..;
            let mut go = |list: &[Participation]| {
                let new_id = || ParticipationId(Uuid::from_u128(ids.next().unwrap()));
                record(now(), &actor(), &input, &event(), list, &context(), new_id).unwrap()
            };
            let first = go(&list);
            let after = applied(&list, &first);
            for number in 0..ORGANISATIONS {
                for of_contact in [false, true] {
                    let of_them: Vec<_> = after
                        .iter()
                        .filter(|p| p.organisation == Some(organisation(number)))
                        .filter(|p| p.contact.is_some() == of_contact)
                        .collect();
                    let before = on_list.get(&(number, of_contact)).copied();
                    let expected = match (there.contains_key(&(number, of_contact)), before) {
                        (true, None | Some(ParticipationStatus::WalkIn)) => {
                            Some(ParticipationStatus::WalkIn)
                        }
                        (true, Some(_)) => Some(ParticipationStatus::Attended),
                        (false, Some(ParticipationStatus::Registered)) if others => {
                            Some(ParticipationStatus::NoShow)
                        }
                        (false, before) => before,
                    };
                    let found: Vec<_> = of_them.iter().map(|p| p.status).collect();
                    prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
                }
            }
            let second = go(&after);
            prop_assert!(second.changed.is_empty() && second.new.is_empty());
        }
    }
}
