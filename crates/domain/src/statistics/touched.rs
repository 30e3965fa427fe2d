//! What a write into a closing period does to figures that somebody is making up, and may have handed in.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Dimension, Figures, Window};
use crate::consultation::Consultation;
use crate::entity::Reference;
use crate::id::{ConsultationId, OrganisationId};
use crate::indicator::IndicatorReference;

/// The records that a write can count otherwise: itself, and those of its organisations, of which another
/// may become the first.
#[derive(Clone, Debug)]
pub struct Only {
    pub consultation: ConsultationId,
    pub organisations: Vec<OrganisationId>,
}

/// By how much the figures of a closing period have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TouchedFigures {
    pub funding_period: Reference,
    /// The figures of the carrier that changed, each with the difference.
    #[schema(example = json!({"consultations": 1, "follow_up_consultations": 1, "minutes": 45}))]
    pub figures: BTreeMap<String, i64>,
    /// What the record is grouped by otherwise than before; empty for a new one.
    pub dimensions: Vec<Dimension>,
    /// The active indicators that changed.
    pub indicators: Vec<TouchedIndicator>,
    /// The submitted and accepted reports that differ from the records by it. They stay as they are.
    pub reports: Vec<Reference>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TouchedIndicator {
    pub indicator: IndicatorReference,
    pub difference: i64,
}

impl TouchedFigures {
    /// Whether the write changed nothing that is counted.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.figures.is_empty() && self.dimensions.is_empty() && self.indicators.is_empty()
    }
}

/// The columns that differ.
#[must_use]
pub fn differences(before: &Figures, after: &Figures) -> BTreeMap<String, i64> {
    let columns = before.columns().into_iter().zip(after.columns());
    columns
        .filter(|((_, was), (_, is))| was != is)
        .map(|((name, was), (_, is))| (name.to_owned(), is - was))
        .collect()
}

/// What a change has the record grouped by otherwise, beside what follows from its organisation.
#[must_use]
pub fn regrouped(old: &Consultation, new: &Consultation) -> Vec<Dimension> {
    let codes = |of: &Consultation| -> Vec<String> {
        of.topics.iter().map(|topic| topic.code.clone()).collect()
    };
    let month = |of: &Consultation| of.held_on.format("%Y-%m").to_string();
    [
        (Dimension::Site, old.site.id != new.site.id),
        (Dimension::District, id(old.district.as_ref()) != id(new.district.as_ref())),
        (Dimension::Month, month(old) != month(new)),
        (Dimension::Channel, old.channel != new.channel),
        (Dimension::Topic, codes(old) != codes(new)),
        (Dimension::Country, old.countries != new.countries),
        (Dimension::Occupation, old.occupations != new.occupations),
    ]
    .into_iter()
    .filter_map(|(dimension, moved)| moved.then_some(dimension))
    .collect()
}

fn id(reference: Option<&Reference>) -> Option<uuid::Uuid> {
    reference.map(|it| it.id)
}

/// Whether one of the days lies in the window.
#[must_use]
pub fn reaches(window: Window, days: &[NaiveDate]) -> bool {
    days.iter().any(|day| window.contains(*day))
}
