//! Counts the figures of a report from its facts, one record at a time. It is another program than the
//! statements of `GET /statistics`, and a test compares both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fact::{EventFact, Fact, Standing};
use crate::consultation::ConsultationKind;
use crate::event_statistics::{EventDimension, EventFigures};
use crate::id::CarrierId;
use crate::organisation::OrganisationKind;
use crate::statistics::{AlsoAt, Condition, Dimension, Figures, Window};

/// One table to count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question<D> {
    pub window: Window,
    pub group_by: Vec<D>,
    pub conditions: Vec<Condition<D>>,
    pub also: Vec<AlsoAt>,
}

impl<D> Question<D> {
    #[must_use]
    pub fn of(window: Window, group_by: Vec<D>) -> Self {
        Self { window, group_by, conditions: Vec::new(), also: Vec::new() }
    }
}

/// The figures of each group, by the codes of its dimensions.
pub type Groups<F> = BTreeMap<Vec<Option<String>>, F>;

/// A group, and which organisation it counted last: facts come sorted by it, so a distinct one is another.
#[derive(Clone, Debug, Default)]
struct Group {
    figures: Figures,
    last: Option<Uuid>,
    last_new: Option<Uuid>,
}

/// Takes facts sorted by organisation (none first), day, start (none last) and id.
#[derive(Debug)]
pub struct Counter<'a> {
    questions: &'a [Question<Dimension>],
    groups: Vec<BTreeMap<Vec<Option<String>>, Group>>,
    firsts: Firsts,
}

/// The first records of the organisation that is gone through.
#[derive(Debug, Default)]
pub(super) struct Firsts {
    organisation: Option<Uuid>,
    long: Option<Fact>,
    short: Option<Fact>,
}

impl Firsts {
    /// What the next fact is among those before it.
    pub fn standing(&mut self, fact: &Fact) -> Standing<'_> {
        if fact.organisation.is_none() || fact.organisation != self.organisation {
            *self = Self { organisation: fact.organisation, long: None, short: None };
        }
        let of_its_length = if fact.short { &mut self.short } else { &mut self.long };
        let is_first = of_its_length.is_none();
        let first: &Fact = of_its_length.get_or_insert_with(|| fact.clone());
        let kind = if fact.short {
            ConsultationKind::ShortInformation
        } else if fact.organisation.is_none() {
            ConsultationKind::Anonymous
        } else if is_first {
            ConsultationKind::First
        } else {
            ConsultationKind::FollowUp
        };
        Standing { kind, first }
    }
}

impl<'a> Counter<'a> {
    #[must_use]
    pub fn new(questions: &'a [Question<Dimension>]) -> Self {
        Self {
            questions,
            groups: vec![BTreeMap::new(); questions.len()],
            firsts: Firsts::default(),
        }
    }

    pub fn add(&mut self, fact: &Fact) {
        let standing = self.firsts.standing(fact);
        for (question, groups) in self.questions.iter().zip(&mut self.groups) {
            if (question.window.from..=question.window.to).contains(&fact.held_on)
                && question.conditions.iter().all(|it| question.meets(fact, standing, it))
            {
                let codes = |dimension: &Dimension| fact.codes(*dimension, standing);
                for key in keys(question.group_by.iter().map(codes)) {
                    groups.entry(key).or_default().add(fact, standing.kind);
                }
            }
        }
    }

    /// The figures of each group of each question.
    #[must_use]
    pub fn groups(self) -> Vec<Groups<Figures>> {
        let figures =
            |(key, group): (Vec<Option<String>>, Group)| -> (Vec<Option<String>>, Figures) {
                (key, group.figures)
            };
        self.groups.into_iter().map(|groups| groups.into_iter().map(figures).collect()).collect()
    }
}

impl Question<Dimension> {
    fn meets(&self, fact: &Fact, standing: Standing, condition: &Condition<Dimension>) -> bool {
        let codes = fact.codes(condition.dimension, standing);
        let also = self.also.iter().filter(|it| it.dimension == condition.dimension);
        codes.iter().any(|code| condition.holds(code.as_deref()))
            || also.into_iter().any(|it| {
                it.carriers.contains(&CarrierId(fact.carrier))
                    && codes.iter().flatten().any(|code| it.codes.contains(code))
            })
    }
}

/// One of each dimension.
fn keys(codes: impl Iterator<Item = Vec<Option<String>>>) -> Vec<Vec<Option<String>>> {
    codes.fold(vec![Vec::new()], |keys, codes| {
        keys.into_iter()
            .flat_map(|key| {
                codes.iter().map(move |code| {
                    let mut key = key.clone();
                    key.push(code.clone());
                    key
                })
            })
            .collect()
    })
}

impl Group {
    fn add(&mut self, fact: &Fact, kind: ConsultationKind) {
        let figures = &mut self.figures;
        match kind {
            ConsultationKind::ShortInformation => {
                figures.short_information += 1;
                return;
            }
            ConsultationKind::Anonymous => figures.anonymous_consultations += 1,
            ConsultationKind::First => figures.first_consultations += 1,
            ConsultationKind::FollowUp => figures.follow_up_consultations += 1,
        }
        figures.consultations += 1;
        figures.minutes += fact.minutes;
        figures.preparation_minutes += fact.preparation_minutes;
        if fact.organisation.is_none() {
            return;
        }
        if self.last != fact.organisation {
            self.last = fact.organisation;
            figures.organisations += 1;
            match fact.organisation_kind {
                Some(OrganisationKind::Company) => figures.companies += 1,
                Some(OrganisationKind::Actor) => figures.actors += 1,
                None => {}
            }
        }
        if kind == ConsultationKind::First && self.last_new != fact.organisation {
            self.last_new = fact.organisation;
            figures.new_organisations += 1;
        }
    }
}

/// The figures of events, of each group.
#[must_use]
pub fn count_events(
    question: &Question<EventDimension>,
    facts: &[EventFact],
) -> Groups<EventFigures> {
    let mut members: BTreeMap<Vec<Option<String>>, Vec<&EventFact>> = BTreeMap::new();
    let counted = facts.iter().filter(|fact| {
        (question.window.from..=question.window.to).contains(&fact.starts_on)
            && question.conditions.iter().all(|condition| {
                let codes = fact.codes(condition.dimension);
                codes.iter().any(|code| condition.holds(code.as_deref()))
            })
    });
    for fact in counted {
        for key in keys(question.group_by.iter().map(|dimension| fact.codes(*dimension))) {
            members.entry(key).or_default().push(fact);
        }
    }
    members.into_iter().map(|(key, events)| (key, figures_of_events(&events))).collect()
}

fn figures_of_events(events: &[&EventFact]) -> EventFigures {
    let heads: Vec<_> = events.iter().flat_map(|event| &event.heads).collect();
    let sum = |kind: Option<OrganisationKind>| -> i64 {
        heads.iter().filter(|it| it.organisation_kind == kind).map(|it| it.heads).sum()
    };
    let distinct = |kind: OrganisationKind| -> i64 {
        let mut ids: Vec<Uuid> = heads
            .iter()
            .filter(|it| it.organisation_kind == Some(kind))
            .filter_map(|it| it.organisation)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        i64::try_from(ids.len()).unwrap_or(i64::MAX)
    };
    let (companies, actors) =
        (distinct(OrganisationKind::Company), distinct(OrganisationKind::Actor));
    EventFigures {
        events: i64::try_from(events.len()).unwrap_or(i64::MAX),
        participations: heads.iter().map(|it| it.heads).sum(),
        of_companies: sum(Some(OrganisationKind::Company)),
        of_actors: sum(Some(OrganisationKind::Actor)),
        unnamed: sum(None),
        organisations: companies + actors,
        companies,
        actors,
    }
}
