use proptest::prelude::*;

use super::suppression::{Known, Sum, known, narrow};
use super::*;

/// A consultation as far as figures of it go: whose, whether a company's, where, whether in the window, short.
type Record = (Option<u8>, u8, bool, bool);

fn records() -> impl Strategy<Value = Vec<Record>> {
    let whose = prop_oneof![4 => (0..6_u8).prop_map(Some), 1 => Just(None)];
    let short = prop::bool::weighted(0.15);
    prop::collection::vec((whose, 0..3_u8, any::<bool>(), short), 1..24)
}

/// Organisations with an even number are companies.
fn is_company(organisation: u8) -> bool {
    organisation.is_multiple_of(2)
}

/// The totals and three rows, by site or by kind of organisation, as [`PUBLISHED`] has the columns; counted
/// record by record.
fn tables(records: &[Record], by_kind: bool, whole: bool) -> [[i64; 9]; 4] {
    let mut tables = [[0; 9]; 4];
    let mut seen = 0_u8;
    let mut here = [0_u8; 4];
    for (organisation, site, in_window, short) in records {
        let is_first = !short && organisation.is_some_and(|it| seen & (1 << it) == 0);
        if !short {
            seen |= organisation.map_or(0, |it| 1 << it);
        }
        if !whole && !in_window {
            continue;
        }
        let row = match organisation {
            _ if !by_kind => usize::from(*site) + 1,
            Some(it) if is_company(*it) => 1,
            Some(_) => 2,
            None => 3,
        };
        for row in [0, row] {
            let table = &mut tables[row];
            match organisation {
                _ if *short => table[4] += 1,
                None => table[3] += 1,
                Some(it) => {
                    here[row] |= 1 << it;
                    table[if is_first { 1 } else { 2 }] += 1;
                }
            }
            table[0] = table[1] + table[2] + table[3];
            table[8] = table[1];
        }
    }
    for (table, here) in tables.iter_mut().zip(here) {
        table[6] = i64::from((here & 0b0101_0101).count_ones());
        table[7] = i64::from((here & 0b1010_1010).count_ones());
        table[5] = table[6] + table[7];
    }
    tables
}

fn figures(row: &[i64; 9]) -> Figures {
    Figures {
        consultations: row[0],
        first_consultations: row[1],
        follow_up_consultations: row[2],
        anonymous_consultations: row[3],
        short_information: row[4],
        organisations: row[5],
        companies: row[6],
        actors: row[7],
        new_organisations: row[8],
        ..Figures::default()
    }
}

fn groups(rows: &[Figures], dimension: Dimension) -> Vec<Group> {
    rows.iter()
        .enumerate()
        .map(|(at, figures)| {
            let value = GroupValue::named(at.to_string(), at.to_string());
            let key = BTreeMap::from([(dimension, value)]);
            Group { key, figures: *figures, explanation: String::new() }
        })
        .collect()
}

fn is_true(known: &Known, cells: &[i64]) -> bool {
    let of = |sum: &Sum| sum.iter().map(|(cell, sign)| sign * cells[*cell]).sum::<i64>();
    known.zero.iter().all(|sum| of(sum) == 0) && known.at_least_zero.iter().all(|sum| of(sum) >= 0)
}

/// Whether there is a table within the bounds, nearest to `cells` first.
fn is_possible(
    known: &Known,
    cells: &[i64],
    mut bounds: Vec<(i64, i64)>,
    budget: &mut u32,
) -> bool {
    *budget = budget.saturating_sub(1);
    loop {
        let mut narrowed = false;
        for (sums, is_zero) in [(&known.zero, true), (&known.at_least_zero, false)] {
            for sum in sums {
                narrowed |= !narrow(sum, is_zero, &mut bounds).is_empty();
            }
        }
        if bounds.iter().any(|(low, high)| low > high) || *budget == 0 {
            return false;
        }
        if !narrowed {
            break;
        }
    }
    let open = (0..cells.len()).filter(|at| bounds[*at].0 < bounds[*at].1);
    let Some(next) = open.min_by_key(|at| bounds[*at].1 - bounds[*at].0) else {
        let found: Vec<i64> = bounds.iter().map(|(low, _)| *low).collect();
        return is_true(known, &found);
    };
    let mut values: Vec<i64> = (bounds[next].0..=bounds[next].1).collect();
    values.sort_by_key(|value| (value - cells[next]).abs());
    values.into_iter().any(|value| {
        let mut bounds = bounds.clone();
        bounds[next] = (value, value);
        is_possible(known, cells, bounds, budget)
    })
}

/// Whether another number can stand in a hidden cell. That it is no zero is known.
fn can_be_another(known: &Known, cells: &[i64], hidden: &[bool], cell: usize) -> bool {
    const MOST: i64 = 60;
    let bounds: Vec<(i64, i64)> = cells
        .iter()
        .zip(hidden)
        .map(|(cell, hidden)| if *hidden { (1, MOST) } else { (*cell, *cell) })
        .collect();
    [(cells[cell] + 1, MOST), (1, cells[cell] - 1)].into_iter().any(|other| {
        let mut bounds = bounds.clone();
        bounds[cell] = other;
        other.0 <= other.1 && is_possible(known, cells, bounds, &mut 20_000)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    /// For every hidden cell there is another table that shows the same and fits all that is known of
    /// tables; and what is known is true of tables that are counted record by record.
    #[test]
    fn no_hidden_cell_can_be_computed_back(
        records in records(), by_kind in any::<bool>(), whole in any::<bool>(),
    ) {
        // By sites consultations add up and organisations do not; by kind of organisation all do.
        let dimension = if by_kind { Dimension::OrganisationKind } else { Dimension::Site };
        let truth = tables(&records, by_kind, whole);
        let listed = |row: &[i64; 9]| row.iter().any(|cell| *cell > 0);
        let rows: Vec<Figures> =
            truth[1..].iter().filter(|row| listed(row)).map(figures).collect();
        let of_groups = groups(&rows, dimension);
        let (shown, count) = published(&figures(&truth[0]), &of_groups, Some(dimension));

        let truth: Vec<&[i64; 9]> = truth[..1]
            .iter()
            .chain(truth[1..].iter().filter(|row| listed(row)))
            .collect();
        let cells: Vec<i64> = truth.iter().copied().flatten().copied().collect();
        let adds_up = additive(&[dimension]);
        let columns: Vec<usize> =
            (0..9).filter(|column| adds_up[PUBLISHED[*column].code()]).collect();
        let mut known = known(truth.len(), &columns);
        if whole {
            // All that were advised are new, in all, and in the rows of kinds of organisation.
            let rows = if by_kind { truth.len() } else { 1 };
            known.zero.extend((0..rows).map(|row| vec![(row * 9 + 5, 1), (row * 9 + 8, -1)]));
        }
        prop_assert!(is_true(&known, &cells), "{truth:?}");
        let shown: Vec<Option<i64>> = shown
            .iter()
            .flat_map(|row| PUBLISHED.iter().map(|figure| row.figures[figure]))
            .collect();
        let hidden: Vec<bool> = shown.iter().map(Option::is_none).collect();
        prop_assert_eq!(
            usize::try_from(count).unwrap(),
            hidden.iter().filter(|hidden| **hidden).count()
        );
        for (cell, value) in shown.iter().enumerate() {
            match value {
                Some(value) => {
                    prop_assert_eq!(*value, cells[cell]);
                    prop_assert!(!(1..SMALLEST_SHOWN).contains(value));
                }
                None => prop_assert!(
                    can_be_another(&known, &cells, &hidden, cell),
                    "cell {cell} can be computed: {shown:?} of {truth:?}"
                ),
            }
        }
    }
}

/// In a whole period all that were advised are new, so first consultations are what organisations are.
#[test]
fn organisations_do_not_tell_of_firsts() {
    let totals = Figures {
        consultations: 10,
        first_consultations: 3,
        follow_up_consultations: 5,
        anonymous_consultations: 2,
        organisations: 3,
        companies: 3,
        new_organisations: 3,
        ..Figures::default()
    };
    let (shown, _) = published(&totals, &[], None);
    let shown = &shown[0].figures;
    assert_eq!(shown[&Figure::AnonymousConsultations], None);
    let firsts = [Figure::FirstConsultations, Figure::NewOrganisations, Figure::Organisations];
    let all_firsts_hidden =
        firsts.iter().chain(&[Figure::Companies]).all(|figure| shown[figure].is_none());
    let others = [Figure::Consultations, Figure::FollowUpConsultations];
    assert!(all_firsts_hidden || others.iter().any(|figure| shown[figure].is_none()), "{shown:?}");
}

/// As many rows as there are districts in some states, half of them small.
#[test]
fn a_large_table_is_done_with() {
    let records: Vec<Figures> = (0..300)
        .map(|row: i64| {
            let (first, later, nobodys) = (row * 7 % 31, row * 5 % 47, row * 3 % 23);
            let companies = first.min(row % 29);
            Figures {
                consultations: first + later + nobodys,
                first_consultations: first,
                follow_up_consultations: later,
                anonymous_consultations: nobodys,
                short_information: row % 19,
                organisations: first,
                companies,
                actors: first - companies,
                new_organisations: first,
                ..Figures::default()
            }
        })
        .collect();
    let sum = |figure: Figure| records.iter().map(|row| figure.of(row)).sum::<i64>();
    let totals = Figures {
        consultations: sum(Figure::Consultations),
        first_consultations: sum(Figure::FirstConsultations),
        follow_up_consultations: sum(Figure::FollowUpConsultations),
        anonymous_consultations: sum(Figure::AnonymousConsultations),
        short_information: sum(Figure::ShortInformation),
        organisations: sum(Figure::Organisations),
        companies: sum(Figure::Companies),
        actors: sum(Figure::Actors),
        new_organisations: sum(Figure::NewOrganisations),
        ..Figures::default()
    };
    let of_groups = groups(&records, Dimension::District);
    let (shown, count) = published(&totals, &of_groups, Some(Dimension::District));
    assert!(count < 900, "{count} of 2709");
    let small = |figure: Figure| (1..SMALLEST_SHOWN).contains(&figure.of(&records[9]));
    assert!(PUBLISHED.iter().any(|figure| small(*figure)));
    for figure in PUBLISHED.into_iter().filter(|figure| small(*figure)) {
        assert_eq!(shown[10].figures[&figure], None);
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
    let totals = Figures {
        consultations: 40,
        first_consultations: 10,
        follow_up_consultations: 24,
        anonymous_consultations: 6,
        organisations: 13,
        companies: 8,
        actors: 5,
        new_organisations: 10,
        ..row
    };
    let (shown, count) = published(&totals, &of_groups, Some(Dimension::Site));
    assert_eq!(count, 0);
    assert_eq!(shown[1].figures[&Figure::Companies], Some(5));
    assert_eq!(shown[0].value, None);
}
