//! Counts records that come by organisation.
//!
//! Which one is first is known when the last record of an organisation has come, so those of one organisation are
//! kept. Distinct organisations need no set: a group remembers which one it counted last.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::consultation::ConsultationKind;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::statistics::{
    AlsoAt, Condition, Dimension, Figures, Group, StatisticsQuery, Window,
};
use uuid::Uuid;

use super::codes::{Codes, NONE};
use super::records::{Record, by_the_others};
use crate::sql_types::Cell;

/// Of up to three dimensions; those that are not grouped by are zero.
type Numbers = [u32; 3];

/// The groups by some of the dimensions.
struct Grouping {
    /// Places in [`Tally::codes`].
    by: Vec<usize>,
    groups: HashMap<Numbers, Counted>,
}

#[derive(Default)]
struct Counted {
    figures: Figures,
    /// The organisation that was counted last, by its place in the order in which they came.
    organisation: u64,
}

pub(super) struct Tally<'a> {
    window: Window,
    late: Vec<Condition<Dimension>>,
    also: &'a [AlsoAt],
    actors: HashSet<Uuid>,
    codes: Vec<Codes>,
    totals: Counted,
    groupings: Vec<Grouping>,
    /// The records of the organisation whose records are coming.
    kept: Vec<Record>,
    /// The codes of the record that is counted.
    numbers: Vec<u32>,
    /// How many organisations have come.
    organisations: u64,
}

impl<'a> Tally<'a> {
    /// `codes` are those of the dimensions of the question, in its order; `actors` are the organisations that are no
    /// companies.
    pub fn new(
        query: &'a StatisticsQuery,
        codes: Vec<Codes>,
        groupings: &[&[Dimension]],
        actors: HashSet<Uuid>,
    ) -> Self {
        let place = |dimension: &Dimension| codes.iter().position(|it| it.dimension == *dimension);
        let groupings = groupings
            .iter()
            .map(|by| Grouping {
                by: by.iter().filter_map(place).collect(),
                groups: HashMap::new(),
            })
            .collect();
        let late = query.conditions.iter().filter(|it| by_the_others(it.dimension));
        Self {
            window: query.window,
            late: late.cloned().collect(),
            also: &query.also,
            actors,
            codes,
            totals: Counted::default(),
            groupings,
            kept: Vec::new(),
            numbers: Vec::new(),
            organisations: 0,
        }
    }

    /// # Errors
    /// When a record has what cannot be.
    pub fn add(&mut self, record: Record) -> Result<()> {
        let organisation = record.organisation_id;
        // Whoever is anonymous is nobody's first or follow-up.
        let same = |it: &Record| organisation.is_some() && it.organisation_id == organisation;
        if !self.kept.last().is_some_and(same) {
            self.organisation_is_complete()?;
        }
        self.kept.push(record);
        Ok(())
    }

    /// Counts the records of the organisation whose records have all come.
    fn organisation_is_complete(&mut self) -> Result<()> {
        let mut kept = std::mem::take(&mut self.kept);
        self.organisations += 1;
        let (first, first_short) = (first(&kept, false), first(&kept, true));
        for (at, record) in kept.iter().enumerate() {
            if !record.wanted || !self.window.contains(record.held_on.0) {
                continue;
            }
            let kind = match (record.short, record.organisation_id) {
                (true, _) => ConsultationKind::ShortInformation,
                (false, None) => ConsultationKind::Anonymous,
                (false, Some(_)) if first == Some(at) => ConsultationKind::First,
                (false, Some(_)) => ConsultationKind::FollowUp,
            };
            let first = if record.short { first_short } else { first };
            let first = first.map_or(record, |at| &kept[at]);
            if self.late.iter().all(|it| self.meets(it, kind, record, first)) {
                self.count(record, kind, first)?;
            }
        }
        kept.clear();
        self.kept = kept;
        Ok(())
    }

    fn meets(
        &self,
        condition: &Condition<Dimension>,
        kind: ConsultationKind,
        record: &Record,
        first: &Record,
    ) -> bool {
        let code = match condition.dimension {
            Dimension::FirstSizeClass => text(first.size_class.as_ref()),
            Dimension::FirstActorType => text(first.actor_type.as_ref()),
            _ => Some(kind.code()),
        };
        let mut also = self.also.iter().filter(|also| also.dimension == condition.dimension);
        let carrier = record.carrier_id.map(|id| id.0);
        condition.holds(code)
            || also.any(|also| {
                also.codes.iter().any(|it| Some(it.as_str()) == code)
                    && also.carriers.iter().any(|it| Some(it.0) == carrier)
            })
    }

    fn count(&mut self, record: &Record, kind: ConsultationKind, first: &Record) -> Result<()> {
        let organisation = record.organisation_id.map(|id| {
            if self.actors.contains(&id.0) {
                OrganisationKind::Actor
            } else {
                OrganisationKind::Company
            }
        });
        let all = &mut self.numbers;
        all.clear();
        // A record may have several codes of a dimension.
        let mut numbers: [Range<usize>; 3] = Default::default();
        for ((place, codes), numbers) in self.codes.iter_mut().enumerate().zip(&mut numbers) {
            let from = all.len();
            match codes.dimension {
                Dimension::Kind => all.push(codes.number(kind.code().as_bytes())?),
                Dimension::OrganisationKind => all.push(match organisation {
                    Some(kind) => codes.number(kind.code().as_bytes())?,
                    None => NONE,
                }),
                Dimension::FirstSizeClass | Dimension::FirstActorType => {
                    codes.number_all(first, place, all)?;
                }
                _ => codes.number_all(record, place, all)?,
            }
            *numbers = from..all.len();
        }
        let numbers = |place: usize| &self.numbers[numbers[place].clone()];
        self.totals.count(record, kind, organisation, self.organisations);
        for grouping in &mut self.groupings {
            let of = |at: usize| grouping.by.get(at).map_or(&[NONE][..], |place| numbers(*place));
            for one in of(0) {
                for two in of(1) {
                    for three in of(2) {
                        let group = grouping.groups.entry([*one, *two, *three]).or_default();
                        group.count(record, kind, organisation, self.organisations);
                    }
                }
            }
        }
        Ok(())
    }

    /// The totals, and the groups of each grouping by their labels.
    ///
    /// # Errors
    /// When a record has what cannot be.
    pub fn counted(mut self) -> Result<(Figures, Vec<Vec<Group>>)> {
        self.organisation_is_complete()?;
        let groups = self.groupings.into_iter().map(|it| it.groups_by_label(&self.codes)).collect();
        Ok((self.totals.figures, groups))
    }
}

impl Grouping {
    fn groups_by_label(self, codes: &[Codes]) -> Vec<Group> {
        let of = |numbers: &Numbers| {
            self.by.iter().zip(*numbers).map(|(place, number)| (&codes[*place], number))
        };
        let mut groups: Vec<(Numbers, Counted)> = self.groups.into_iter().collect();
        groups.sort_by(|(one, _), (other, _)| {
            let labels = |numbers| of(numbers).map(|(codes, number)| codes.label(number));
            labels(one).cmp(labels(other))
        });
        groups
            .iter()
            .map(|(numbers, counted)| Group {
                key: of(numbers).map(|(it, number)| (it.dimension, it.value(number))).collect(),
                figures: counted.figures,
                explanation: String::new(),
            })
            .collect()
    }
}

impl Counted {
    fn count(
        &mut self,
        record: &Record,
        kind: ConsultationKind,
        organisation: Option<OrganisationKind>,
        place: u64,
    ) {
        let figures = &mut self.figures;
        match kind {
            ConsultationKind::ShortInformation => {
                figures.short_information += 1;
                return;
            }
            ConsultationKind::Anonymous => figures.anonymous_consultations += 1,
            ConsultationKind::First => {
                figures.first_consultations += 1;
                figures.new_organisations += 1;
            }
            ConsultationKind::FollowUp => figures.follow_up_consultations += 1,
        }
        figures.consultations += 1;
        figures.minutes += i64::from(record.minutes);
        figures.preparation_minutes += i64::from(record.preparation_minutes);
        let Some(organisation) = organisation else { return };
        if self.organisation == place {
            return;
        }
        self.organisation = place;
        figures.organisations += 1;
        match organisation {
            OrganisationKind::Company => figures.companies += 1,
            OrganisationKind::Actor => figures.actors += 1,
        }
    }
}

/// The earliest of those that are short, or of those that are not.
fn first(kept: &[Record], short: bool) -> Option<usize> {
    kept.iter()
        .enumerate()
        .filter(|(_, it)| it.short == short)
        .min_by_key(|(_, it)| (it.held_on.0, &it.starts_at, it.id))
        .map(|(at, _)| at)
}

fn text(cell: Option<&Cell>) -> Option<&str> {
    cell.and_then(|cell| std::str::from_utf8(&cell.0).ok())
}
