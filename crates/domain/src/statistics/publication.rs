//! Figures for publication: small cells are suppressed, and others with them, so that none can be computed back
//! (rule 16).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use chrono::NaiveDate;

use super::{Dimension, Figure, FigureScope, Figures, Group, GroupValue, Window, additive};
use crate::code::Code;
use crate::entity::Reference;
use crate::id::FundingPeriodId;

mod suppression;
#[cfg(test)]
mod tests;
use suppression::suppressed;

/// Cells below it, zero left aside, tell of somebody.
pub const SMALLEST_SHOWN: i64 = 3;

/// The columns that are published. Minutes are left out: they would tell how many there were.
const PUBLISHED: [Figure; 9] = [
    Figure::Consultations,
    Figure::FirstConsultations,
    Figure::FollowUpConsultations,
    Figure::AnonymousConsultations,
    Figure::ShortInformation,
    Figure::Organisations,
    Figure::Companies,
    Figure::Actors,
    Figure::NewOrganisations,
];

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PublicationParams {
    pub funding_period_id: FundingPeriodId,
    /// First service date; the period's first day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last service date; the period's last day unless told.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// One dimension: the cells of several tables over each other could be computed back.
    #[param(inline)]
    pub group_by: Option<Dimension>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicationRow {
    /// Null for the totals.
    #[schema(required)]
    pub value: Option<GroupValue>,
    /// By column; null where the cell is suppressed.
    #[schema(example = json!({"consultations": 41, "organisations": null}))]
    pub figures: BTreeMap<Figure, Option<i64>>,
}

/// Figures that may be published. One table of one window: of two windows, one within the other, the
/// difference can be computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Publication {
    pub period: Reference,
    pub window: Window,
    pub scope: FigureScope,
    #[schema(example = "2026.4")]
    pub rules_version: String,
    #[schema(required)]
    pub group_by: Option<Dimension>,
    /// Cells from 1 to one less than this are suppressed, and as many others as it takes.
    pub smallest_shown: i64,
    pub suppressed: i64,
    /// The totals first.
    pub rows: Vec<PublicationRow>,
}

/// The rows that may be shown, the totals first, and how many cells are not.
#[must_use]
pub fn published(
    totals: &Figures,
    groups: &[Group],
    group_by: Option<Dimension>,
) -> (Vec<PublicationRow>, i64) {
    let rows: Vec<Vec<i64>> = std::iter::once(totals)
        .chain(groups.iter().map(|group| &group.figures))
        .map(|figures| PUBLISHED.iter().map(|figure| figure.of(figures)).collect())
        .collect();
    let adds_up = group_by.map(|dimension| additive(&[dimension]));
    let columns: Vec<usize> = (0..PUBLISHED.len())
        .filter(|column| adds_up.as_ref().is_some_and(|adds_up| adds_up[PUBLISHED[*column].code()]))
        .collect();
    let hidden = suppressed(&rows, &columns);
    let shown = |(at, row): (usize, &Vec<i64>)| {
        let figures = (0..PUBLISHED.len())
            .map(|column| {
                let cell = at * PUBLISHED.len() + column;
                (PUBLISHED[column], (!hidden[cell]).then_some(row[column]))
            })
            .collect();
        let value = at
            .checked_sub(1)
            .and_then(|at| group_by.and_then(|dimension| groups[at].key.get(&dimension).cloned()));
        PublicationRow { value, figures }
    };
    let count = hidden.iter().filter(|hidden| **hidden).count();
    (rows.iter().enumerate().map(shown).collect(), i64::try_from(count).unwrap_or(i64::MAX))
}
