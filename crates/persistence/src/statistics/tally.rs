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

/// A record of the organisation whose records are coming.
struct Kept {
    record: Record,
    /// Of each dimension, where its codes are in [`Tally::numbers`]. A record may have several.
    numbers: [Range<usize>; 3],
}

pub(super) struct Tally<'a> {
    window: Window,
    late: Vec<Condition<Dimension>>,
    also: &'a [AlsoAt],
    actors: HashSet<Uuid>,
    codes: Vec<Codes>,
    totals: Counted,
    groupings: Vec<Grouping>,
    kept: Vec<Kept>,
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
        let same = |it: &Kept| organisation.is_some() && it.record.organisation_id == organisation;
        if !self.kept.last().is_some_and(same) {
            self.organisation_is_complete()?;
        }
        let mut numbers = [const { 0..0 }; 3];
        let cells = [&record.cell_1, &record.cell_2, &record.cell_3];
        for ((codes, cell), numbers) in self.codes.iter_mut().zip(cells).zip(&mut numbers) {
            let from = self.numbers.len();
            codes.number_all(record.held_on.0, cell.as_ref(), &mut self.numbers)?;
            *numbers = from..self.numbers.len();
        }
        self.kept.push(Kept { record, numbers });
        Ok(())
    }

    /// Counts the records of the organisation whose records have all come.
    fn organisation_is_complete(&mut self) -> Result<()> {
        let mut kept = std::mem::take(&mut self.kept);
        self.organisations += 1;
        let (first, first_short) = (first(&kept, false), first(&kept, true));
        for (at, it) in kept.iter().enumerate() {
            let record = &it.record;
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
            let first = first.map_or(it, |at| &kept[at]);
            if self.late.iter().all(|it| self.meets(it, kind, record, &first.record)) {
                self.count(it, kind, first)?;
            }
        }
        kept.clear();
        self.kept = kept;
        self.numbers.clear();
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
        let also = self.also.iter().filter(|also| also.dimension == condition.dimension);
        let carrier = record.carrier_id.map(|id| id.0);
        condition.holds(code)
            || also.into_iter().any(|also| {
                also.codes.iter().any(|it| Some(it.as_str()) == code)
                    && also.carriers.iter().any(|it| Some(it.0) == carrier)
            })
    }

    fn count(&mut self, kept: &Kept, kind: ConsultationKind, first: &Kept) -> Result<()> {
        let organisation =
            kept.record.organisation_id.map(|id| match self.actors.contains(&id.0) {
                true => OrganisationKind::Actor,
                false => OrganisationKind::Company,
            });
        let mut told = [NONE; 3];
        for (codes, number) in self.codes.iter_mut().zip(&mut told) {
            let code = match codes.dimension {
                Dimension::Kind => Some(kind.code()),
                Dimension::OrganisationKind => organisation.map(Code::code),
                _ => continue,
            };
            *number = code.map_or(Ok(NONE), |code| codes.number(code.as_bytes()))?;
        }
        let numbers = |place: usize| match self.codes[place].dimension {
            Dimension::Kind | Dimension::OrganisationKind => &told[place..=place],
            Dimension::FirstSizeClass | Dimension::FirstActorType => {
                &self.numbers[first.numbers[place].clone()]
            }
            _ => &self.numbers[kept.numbers[place].clone()],
        };
        self.totals.count(&kept.record, kind, organisation, self.organisations);
        for grouping in &mut self.groupings {
            let of = |at: usize| grouping.by.get(at).map_or(&[NONE][..], |place| numbers(*place));
            for one in of(0) {
                for two in of(1) {
                    for three in of(2) {
                        let group = grouping.groups.entry([*one, *two, *three]).or_default();
                        group.count(&kept.record, kind, organisation, self.organisations);
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
fn first(kept: &[Kept], short: bool) -> Option<usize> {
    kept.iter()
        .enumerate()
        .filter(|(_, it)| it.record.short == short)
        .min_by_key(|(_, it)| (it.record.held_on.0, &it.record.starts_at, it.record.id))
        .map(|(at, _)| at)
}

fn text(cell: Option<&Cell>) -> Option<&str> {
    cell.and_then(|cell| std::str::from_utf8(&cell.0).ok())
}
