//! What a write into a closing period does to figures that somebody is making up, and may have handed in. They
//! are counted before and after it, from the facts of the record and of its organisations only: others do not
//! count otherwise by it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::content::TABLES;
use super::count::{Counter, Firsts, Groups};
use super::{Fact, Question, Report};
use crate::code::Code;
use crate::entity::Reference;
use crate::funding_period::FundingPeriod;
use crate::indicator::IndicatorReference;
use crate::statistics::{Dimension, Figure, Figures, Window};

/// By how much the figures of a closing period have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TouchedFigures {
    pub funding_period: Reference,
    /// The figures of the carrier that changed, each with the difference.
    #[schema(example = json!({"consultations": 1, "follow_up_consultations": 1, "minutes": 45}))]
    pub figures: BTreeMap<String, i64>,
    /// What records that counted before are grouped by otherwise: the changed one, or one that was the first of
    /// its organisation and is not any more.
    pub dimensions: Vec<Dimension>,
    /// The active indicators of consultations that changed.
    pub indicators: Vec<TouchedIndicator>,
    /// The submitted and accepted reports of the carrier that the records no longer give. They stay as they are.
    pub reports: Vec<Reference>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TouchedIndicator {
    pub indicator: IndicatorReference,
    pub difference: i64,
}

/// An indicator of consultations: what it counts of which records.
#[derive(Clone, Debug)]
pub struct AskedIndicator {
    pub indicator: IndicatorReference,
    pub figure: Figure,
    pub question: Question<Dimension>,
}

/// What to look at in a closing period.
#[derive(Clone, Debug)]
pub struct Closing {
    pub period: FundingPeriod,
    pub indicators: Vec<AskedIndicator>,
    /// Those that were handed in and not corrected.
    pub reports: Vec<Report>,
}

impl Closing {
    /// What is different after a write; none when it changed nothing that is counted.
    #[must_use]
    pub fn touched(&self, before: &[Fact], after: &[Fact]) -> Option<TouchedFigures> {
        let (before, after) = (sorted(before), sorted(after));
        let whole = [Question::of(Window::whole(&self.period), Vec::new())];
        let (was, is) = (total(&count(&whole, &before)[0]), total(&count(&whole, &after)[0]));
        let columns = was.columns().into_iter().zip(is.columns());
        let figures = columns
            .filter(|((_, was), (_, is))| was != is)
            .map(|((name, was), (_, is))| (name.to_owned(), is - was))
            .collect();
        let indicators = self.indicators.iter().filter_map(|asked| {
            let question = std::slice::from_ref(&asked.question);
            let value = |facts: &[Fact]| asked.figure.of(&total(&count(question, facts)[0]));
            let difference = value(&after) - value(&before);
            let indicator = asked.indicator.clone();
            (difference != 0).then_some(TouchedIndicator { indicator, difference })
        });
        let reports = self.reports.iter().filter(|report| {
            let tables: Vec<_> =
                TABLES.iter().map(|table| Question::of(report.window, table.to_vec())).collect();
            count(&tables, &before) != count(&tables, &after)
        });
        let touched = TouchedFigures {
            funding_period: Reference::new(self.period.id, &self.period.name),
            figures,
            dimensions: regrouped(&before, &after),
            indicators: indicators.collect(),
            reports: reports.map(|it| Reference::new(it.id, &it.title)).collect(),
        };
        let something = !touched.figures.is_empty()
            || !touched.dimensions.is_empty()
            || !touched.indicators.is_empty()
            || !touched.reports.is_empty();
        something.then_some(touched)
    }
}

/// As a counter takes them: by organisation (none first), day, start (none last) and id.
fn sorted(facts: &[Fact]) -> Vec<Fact> {
    let mut facts = facts.to_vec();
    facts.sort_by_key(|it| {
        (it.organisation, it.held_on, it.starts_at.is_none(), it.starts_at, it.id)
    });
    facts
}

fn count(questions: &[Question<Dimension>], facts: &[Fact]) -> Vec<Groups<Figures>> {
    let mut counter = Counter::new(questions);
    for fact in facts {
        counter.add(fact);
    }
    counter.groups()
}

fn total(groups: &Groups<Figures>) -> Figures {
    groups.values().next().copied().unwrap_or_default()
}

/// The dimensions by which a record that is in both stands in another group.
fn regrouped(before: &[Fact], after: &[Fact]) -> Vec<Dimension> {
    let (before, after) = (places(before), places(after));
    let moved = |at: usize| {
        before.iter().any(|(id, was)| after.get(id).is_some_and(|is| was[at] != is[at]))
    };
    let dimensions = Dimension::all().into_iter().enumerate();
    dimensions.filter_map(|(at, dimension)| moved(at).then_some(dimension)).collect()
}

/// Of each record its values of each dimension.
fn places(facts: &[Fact]) -> HashMap<Uuid, Vec<Vec<Option<String>>>> {
    let mut firsts = Firsts::default();
    facts
        .iter()
        .map(|fact| {
            let standing = firsts.standing(fact);
            let dimensions = Dimension::all().into_iter();
            (fact.id, dimensions.map(|it| fact.codes(it, standing)).collect())
        })
        .collect()
}
