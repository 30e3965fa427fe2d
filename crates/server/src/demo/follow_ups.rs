//! What came of consultations: follow-ups and referrals. What is long past is done and closed; of the
//! current funding period some are open, some overdue.

use chrono::{Datelike, Days, NaiveDate};
use lotse_domain::Result;
use lotse_domain::consultation::{Consultation, ConsultationStatus, OrganisationFacts, Outcome};
use lotse_domain::entity::Reference;
use lotse_domain::organisation::{OrganisationKind, OrganisationReference};
use lotse_domain::policy::Actor;
use lotse_domain::referral::{
    self, Referral, ReferralAnswer, ReferralAnswerInput, ReferralCloseInput, ReferralInput,
};
use lotse_domain::task::{self, Task, TaskInput, TaskPriority};

use super::people::Staff;
use super::register::Register;
use super::words::{NEXT_STEPS, REFERRAL_REASONS, REFERRAL_RESULTS, TASK_RESULTS, TASKS};
use super::{Maker, at};

/// From this year on there is something left to do.
const CURRENT: i32 = 2026;
const ANSWER_DAYS: u32 = 14;

pub fn make(
    maker: &mut Maker,
    staff: &Staff,
    register: &Register,
    consultations: &[Consultation],
) -> Result<(Vec<Task>, Vec<Referral>)> {
    let (mut tasks, mut referrals) = (Vec::new(), Vec::new());
    // The day up to which things are known.
    let Some(today) = consultations.iter().map(|consultation| consultation.held_on).max() else {
        return Ok((tasks, referrals));
    };
    for consultation in consultations {
        if consultation.status != ConsultationStatus::Held || consultation.organisation.is_none() {
            continue;
        }
        let Some(people) = people(maker, staff, consultation) else { continue };
        let current = consultation.held_on.year() >= CURRENT;
        match consultation.outcome {
            Some(Outcome::FollowUpAgreed) if maker.chance(if current { 0.5 } else { 0.08 }) => {
                tasks.push(follow_up(maker, &people, consultation, today)?);
            }
            Some(Outcome::Referred) if maker.chance(if current { 0.8 } else { 0.15 }) => {
                referrals.push(referred(maker, &people, register, consultation, today)?);
            }
            _ => {}
        }
    }
    Ok((tasks, referrals))
}

/// Who led the consultation, and a colleague.
struct People {
    lead: Actor,
    colleague: Option<Reference>,
    all: Vec<Reference>,
}

fn people(maker: &Maker, staff: &Staff, consultation: &Consultation) -> Option<People> {
    let site = maker.network.sites.iter().find(|site| site.id.0 == consultation.site.id)?;
    let of_site = staff.at_site(site);
    let lead = consultation.advisers.first()?;
    let lead = of_site.iter().find(|actor| actor.user_id.0 == lead.id)?.clone();
    let all: Vec<Reference> = of_site.iter().map(Actor::reference).collect();
    let colleague = all.iter().find(|person| person.id != lead.user_id.0).cloned();
    Some(People { lead, colleague, all })
}

fn later(day: NaiveDate, days: i32) -> NaiveDate {
    day.checked_add_days(Days::new(u64::try_from(days).unwrap_or_default())).unwrap_or(day)
}

fn follow_up(
    maker: &mut Maker,
    people: &People,
    consultation: &Consultation,
    today: NaiveDate,
) -> Result<Task> {
    let due_on = later(consultation.held_on, maker.between(5, 60));
    let with_deputy = maker.chance(0.3);
    let input = TaskInput {
        title: (*maker.pick(&TASKS)?).to_owned(),
        notes: maker.chance(0.3).then_some((*maker.pick(&NEXT_STEPS)?).to_owned()),
        due_on,
        owner_id: None,
        deputy_id: people.colleague.as_ref().filter(|_| with_deputy).map(|person| person.id.into()),
        priority: maker.weighted(&[
            (TaskPriority::Normal, 7),
            (TaskPriority::High, 2),
            (TaskPriority::Low, 1),
        ])?,
        consultation_id: Some(consultation.id),
        organisation_id: None,
        event_id: None,
    };
    let context = task::Context {
        people: people.all.clone(),
        consultation: Some(consultation.clone()),
        ..task::Context::default()
    };
    let recorded = consultation.created_at;
    let new = Task::new(maker.id(recorded), recorded, &people.lead, &input, &context)?;
    let past = due_on.year() < CURRENT;
    let done = past || (due_on < today && maker.chance(0.7));
    if !done {
        return Ok(new);
    }
    let finished = at(due_on, 14, 0).max(recorded);
    if maker.chance(0.05) {
        return new.cancelled(finished, &people.lead, "Betrieb meldet sich selbst".to_owned());
    }
    let result = maker.chance(0.6).then_some((*maker.pick(&TASK_RESULTS)?).to_owned());
    new.completed(finished, &people.lead, result)
}

fn referred(
    maker: &mut Maker,
    people: &People,
    register: &Register,
    consultation: &Consultation,
    today: NaiveDate,
) -> Result<Referral> {
    let receiver = loop {
        let actor = maker.pick(&register.actors)?;
        if consultation.organisation.as_ref().is_none_or(|o| o.id.0 != actor.id.0) {
            break actor;
        }
    };
    let facts = |reference| OrganisationFacts { reference, district_id: None, archived: false };
    let with_note = maker.chance(0.5);
    let input = ReferralInput {
        consultation_id: Some(consultation.id),
        organisation_id: None,
        actor_id: receiver.id,
        reason: (*maker.pick(&REFERRAL_REASONS)?).to_owned(),
        consent_on: Some(consultation.held_on),
        note: with_note.then_some((*maker.pick(&NEXT_STEPS)?).to_owned()),
        referred_on: Some(consultation.held_on),
        owner_id: None,
        answer_due_on: None,
    };
    let context = referral::Context {
        today,
        answer_days: ANSWER_DAYS,
        people: people.all.clone(),
        consultation: Some(consultation.clone()),
        organisation: consultation.organisation.clone().map(facts),
        is_a_person: false,
        actor: Some(facts(OrganisationReference {
            id: receiver.id.into(),
            name: receiver.name.clone(),
            kind: OrganisationKind::Actor,
        })),
    };
    let recorded = consultation.created_at;
    let new = Referral::new(maker.id(recorded), recorded, &people.lead, &input, &context)?;
    let answered_on = later(consultation.held_on, maker.between(2, 25));
    let past = consultation.held_on.year() < CURRENT;
    if answered_on > today || (!past && maker.chance(0.3)) {
        return Ok(new);
    }
    let accepted = maker.chance(0.8);
    let answer = ReferralAnswerInput {
        answer: if accepted { ReferralAnswer::Accepted } else { ReferralAnswer::Declined },
        answered_on: Some(answered_on),
        note: None,
    };
    let now = at(answered_on, 11, 0).max(recorded);
    let answered = new.answered(now, today, &people.lead, &answer)?;
    let closed_on = later(answered_on, maker.between(10, 90));
    if closed_on > today || !accepted || (!past && maker.chance(0.4)) {
        return Ok(answered);
    }
    let result = (*maker.pick(&REFERRAL_RESULTS)?).to_owned();
    let close = ReferralCloseInput { result, closed_on: Some(closed_on) };
    answered.closed(at(closed_on, 15, 0).max(now), today, &people.lead, &close)
}
