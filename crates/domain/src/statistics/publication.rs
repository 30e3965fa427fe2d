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

/// What is always true of the cells: sums of them, with signs, that are zero.
fn relations(rows: usize, columns: &[usize]) -> Vec<Vec<(usize, i64)>> {
    let width = PUBLISHED.len();
    let at = |row: usize, figure: Figure| {
        let column = PUBLISHED.iter().position(|it| *it == figure).unwrap_or_default();
        row * width + column
    };
    let mut relations = Vec::new();
    for row in 0..rows {
        relations.push(vec![
            (at(row, Figure::Consultations), 1),
            (at(row, Figure::FirstConsultations), -1),
            (at(row, Figure::FollowUpConsultations), -1),
            (at(row, Figure::AnonymousConsultations), -1),
        ]);
        relations.push(vec![
            (at(row, Figure::Organisations), 1),
            (at(row, Figure::Companies), -1),
            (at(row, Figure::Actors), -1),
        ]);
        relations.push(vec![
            (at(row, Figure::NewOrganisations), 1),
            (at(row, Figure::FirstConsultations), -1),
        ]);
    }
    if rows > 1 {
        for column in columns {
            let mut sum = vec![(*column, 1)];
            sum.extend((1..rows).map(|row| (row * width + column, -1)));
            relations.push(sum);
        }
    }
    relations
}

/// Which cells are hidden. A small cell is; and while one that is hidden follows from those that are shown,
/// the smallest that is shown beside it in a relation is hidden too.
fn suppressed(rows: &[Vec<i64>], columns: &[usize]) -> Vec<bool> {
    let cells: Vec<i64> = rows.iter().flatten().copied().collect();
    let mut hidden: Vec<bool> =
        cells.iter().map(|cell| (1..SMALLEST_SHOWN).contains(cell)).collect();
    let relations = relations(rows.len(), columns);
    while let Some(found) = exposed(&relations, &cells, &hidden) {
        // One that tells something comes before a zero, which hides little.
        let next = relations
            .iter()
            .filter(|relation| relation.iter().any(|(cell, _)| *cell == found))
            .flatten()
            .map(|(cell, _)| *cell)
            .filter(|cell| !hidden[*cell])
            .min_by_key(|cell| (cells[*cell] == 0, cells[*cell], *cell));
        let Some(next) = next.or_else(|| hidden.iter().position(|hidden| !hidden)) else { break };
        hidden[next] = true;
    }
    hidden
}

/// A hidden cell that can be computed: by the relations alone, or because all cells are zero or more.
fn exposed(relations: &[Vec<(usize, i64)>], cells: &[i64], hidden: &[bool]) -> Option<usize> {
    let (mut low, mut high): (Vec<i64>, Vec<i64>) = cells
        .iter()
        .zip(hidden)
        .map(|(cell, hidden)| if *hidden { (0, i64::MAX / 4) } else { (*cell, *cell) })
        .unzip();
    // What is narrowed again and again ends after as many rounds as there are cells, or soon after.
    for _ in 0..=cells.len() {
        let mut narrowed = false;
        for relation in relations {
            for (cell, sign) in relation {
                // sign × cell = − the rest, which lies between two bounds.
                let (mut least, mut most) = (0_i64, 0_i64);
                for (other, other_sign) in relation.iter().filter(|(other, _)| other != cell) {
                    let (a, b) =
                        (-other_sign * sign * low[*other], -other_sign * sign * high[*other]);
                    least = least.saturating_add(a.min(b));
                    most = most.saturating_add(a.max(b));
                }
                if least > low[*cell] {
                    low[*cell] = least;
                    narrowed = true;
                }
                if most < high[*cell] {
                    high[*cell] = most;
                    narrowed = true;
                }
            }
        }
        if !narrowed {
            break;
        }
    }
    let by_bounds = (0..cells.len()).find(|cell| hidden[*cell] && low[*cell] == high[*cell]);
    by_bounds.or_else(|| determined(relations, hidden))
}

/// A hidden cell whose value the relations give although no single one does: by elimination.
fn determined(relations: &[Vec<(usize, i64)>], hidden: &[bool]) -> Option<usize> {
    let unknown: Vec<usize> = (0..hidden.len()).filter(|cell| hidden[*cell]).collect();
    let place: BTreeMap<usize, usize> =
        unknown.iter().enumerate().map(|(place, cell)| (*cell, place)).collect();
    let mut rows: Vec<Vec<i128>> = relations
        .iter()
        .map(|relation| {
            let mut row = vec![0_i128; unknown.len()];
            for (cell, sign) in relation {
                if let Some(place) = place.get(cell) {
                    row[*place] += i128::from(*sign);
                }
            }
            row
        })
        .filter(|row| row.iter().any(|it| *it != 0))
        .collect();
    let mut rank = 0;
    for column in 0..unknown.len() {
        let Some(pivot) = (rank..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
        rows.swap(rank, pivot);
        let of_pivot = rows[rank].clone();
        for (at, row) in rows.iter_mut().enumerate() {
            let factor = row[column];
            if at == rank || factor == 0 {
                continue;
            }
            for (it, pivot) in row.iter_mut().zip(&of_pivot) {
                *it = *it * of_pivot[column] - pivot * factor;
            }
            // Whole numbers stay small when what they share is divided out.
            let shared = row.iter().fold(0, |shared, it| divisor(shared, it.abs()));
            if shared > 1 {
                for it in row.iter_mut() {
                    *it /= shared;
                }
            }
        }
        rank += 1;
    }
    let alone = rows.iter().find(|row| row.iter().filter(|it| **it != 0).count() == 1)?;
    alone.iter().position(|it| *it != 0).map(|place| unknown[place])
}

fn divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn figures() -> impl Strategy<Value = Figures> {
        (0..6_i64, 0..6_i64, 0..4_i64, 0..4_i64, 0..5_i64, 0..5_i64).prop_map(
            |(first, follow_up, anonymous, short, companies, actors)| Figures {
                consultations: first + follow_up + anonymous,
                first_consultations: first,
                follow_up_consultations: follow_up,
                anonymous_consultations: anonymous,
                short_information: short,
                organisations: companies + actors,
                companies,
                actors,
                new_organisations: first,
                ..Figures::default()
            },
        )
    }

    fn sum(rows: &[Figures]) -> Figures {
        rows.iter().fold(Figures::default(), |sum, row| Figures {
            consultations: sum.consultations + row.consultations,
            first_consultations: sum.first_consultations + row.first_consultations,
            follow_up_consultations: sum.follow_up_consultations + row.follow_up_consultations,
            anonymous_consultations: sum.anonymous_consultations + row.anonymous_consultations,
            short_information: sum.short_information + row.short_information,
            organisations: sum.organisations + row.organisations,
            companies: sum.companies + row.companies,
            actors: sum.actors + row.actors,
            new_organisations: sum.new_organisations + row.new_organisations,
            ..sum
        })
    }

    fn groups(rows: &[Figures], dimension: Dimension) -> Vec<Group> {
        rows.iter()
            .enumerate()
            .map(|(at, figures)| {
                let value = GroupValue { code: Some(at.to_string()), label: at.to_string() };
                let key = BTreeMap::from([(dimension, value)]);
                Group { key, figures: *figures, explanation: String::new() }
            })
            .collect()
    }

    /// Depth first over changes of one and two, a small table's worth.
    fn search(
        relations: &[Vec<(usize, i64)>],
        hidden: &[bool],
        cells: &[i64],
        change: &mut [Option<i64>],
        budget: &mut u32,
    ) -> bool {
        if *budget == 0 {
            return false;
        }
        *budget -= 1;
        let broken = relations.iter().any(|relation| {
            relation.iter().all(|(cell, _)| change[*cell].is_some())
                && relation.iter().map(|(c, sign)| sign * change[*c].unwrap_or(0)).sum::<i64>() != 0
        });
        if broken {
            return false;
        }
        let open = relations.iter().find(|relation| {
            relation.iter().any(|(cell, _)| change[*cell].is_none())
                && relation.iter().any(|(cell, _)| change[*cell].is_some_and(|it| it != 0))
        });
        let Some(open) = open else { return true };
        let free = open.iter().find(|(cell, _)| change[*cell].is_none()).map(|(cell, _)| *cell);
        let Some(free) = free else { return false };
        let tried: &[i64] = if hidden[free] { &[0, 1, -1, 2, -2] } else { &[0] };
        for by in tried {
            if cells[free] + by < 0 {
                continue;
            }
            change[free] = Some(*by);
            if search(relations, hidden, cells, change, budget) {
                return true;
            }
            change[free] = None;
        }
        false
    }

    /// Tries to compute hidden cells back: looks for another table of whole numbers from zero on that shows
    /// the same, by moving one from a hidden cell to others along the relations, for every hidden cell.
    fn another_table(
        rows: &[PublicationRow],
        truth: &[Vec<i64>],
        columns: &[usize],
        cell: usize,
    ) -> bool {
        let hidden: Vec<bool> = rows
            .iter()
            .flat_map(|row| PUBLISHED.iter().map(|it| row.figures[it].is_none()))
            .collect();
        let cells: Vec<i64> = truth.iter().flatten().copied().collect();
        let relations = relations(truth.len(), columns);
        [1_i64, -1].into_iter().any(|by| {
            let mut change = vec![None; cells.len()];
            change[cell] = Some(by);
            cells[cell] + by >= 0 && search(&relations, &hidden, &cells, &mut change, &mut 200_000)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
        #[test]
        fn no_hidden_cell_can_be_computed_back(
            rows in proptest::collection::vec(figures(), 1..5), partition in any::<bool>(),
        ) {
            // By sites consultations add up and organisations do not; by kind of organisation all do.
            let dimension =
                if partition { Dimension::OrganisationKind } else { Dimension::Site };
            let mut totals = sum(&rows);
            if !partition {
                totals.companies -= totals.companies.min(2);
                totals.organisations = totals.companies + totals.actors;
            }
            let of_groups = groups(&rows, dimension);
            let (shown, count) = published(&totals, &of_groups, Some(dimension));
            let truth: Vec<Vec<i64>> = std::iter::once(&totals)
                .chain(&rows)
                .map(|figures| PUBLISHED.iter().map(|figure| figure.of(figures)).collect())
                .collect();
            let adds_up = additive(&[dimension]);
            let columns: Vec<usize> = (0..PUBLISHED.len())
                .filter(|column| adds_up[PUBLISHED[*column].code()])
                .collect();
            let mut hidden = 0;
            for (at, (row, truth_of_row)) in shown.iter().zip(&truth).enumerate() {
                for (column, figure) in PUBLISHED.iter().enumerate() {
                    if let Some(value) = row.figures[figure] {
                        prop_assert_eq!(value, truth_of_row[column]);
                        prop_assert!(!(1..SMALLEST_SHOWN).contains(&value));
                    } else {
                        hidden += 1;
                        let cell = at * PUBLISHED.len() + column;
                        prop_assert!(
                            another_table(&shown, &truth, &columns, cell),
                            "{figure:?} of row {at} can be computed: {shown:?}"
                        );
                    }
                }
            }
            prop_assert_eq!(count, hidden);
        }
    }

    #[test]
    fn what_is_large_is_shown_whole() {
        let row = Figures {
            consultations: 20,
            first_consultations: 5,
            follow_up_consultations: 12,
            anonymous_consultations: 3,
            short_information: 0,
            organisations: 8,
            companies: 5,
            actors: 3,
            new_organisations: 5,
            ..Figures::default()
        };
        let of_groups = groups(&[row, row], Dimension::Site);
        let (shown, count) = published(&sum(&[row, row]), &of_groups, Some(Dimension::Site));
        assert_eq!(count, 0);
        assert_eq!(shown[1].figures[&Figure::Companies], Some(5));
        assert_eq!(shown[0].value, None);
    }
}
