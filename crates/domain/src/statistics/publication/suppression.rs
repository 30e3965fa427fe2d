//! Which cells are hidden so that none can be computed back.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::{PUBLISHED, SMALLEST_SHOWN};
use crate::statistics::Figure;

/// A sum of cells with signs.
pub(super) type Sum = Vec<(usize, i64)>;

/// What whoever reads the table knows of it beside what it shows.
pub(super) struct Known {
    /// Sums that are zero.
    pub zero: Vec<Sum>,
    /// Sums that are zero or more.
    pub at_least_zero: Vec<Sum>,
}

/// What is true of the cells of every table of figures. `columns` are those that add up over the rows.
pub(super) fn known(rows: usize, columns: &[usize]) -> Known {
    let width = PUBLISHED.len();
    let at = |row: usize, figure: Figure| {
        let column = PUBLISHED.iter().position(|it| *it == figure).unwrap_or_default();
        row * width + column
    };
    let mut known = Known { zero: Vec::new(), at_least_zero: Vec::new() };
    for row in 0..rows {
        known.zero.push(vec![
            (at(row, Figure::Consultations), 1),
            (at(row, Figure::FirstConsultations), -1),
            (at(row, Figure::FollowUpConsultations), -1),
            (at(row, Figure::AnonymousConsultations), -1),
        ]);
        known.zero.push(vec![
            (at(row, Figure::Organisations), 1),
            (at(row, Figure::Companies), -1),
            (at(row, Figure::Actors), -1),
        ]);
        known.zero.push(vec![
            (at(row, Figure::NewOrganisations), 1),
            (at(row, Figure::FirstConsultations), -1),
        ]);
        // Who is new was advised, and who was advised had a first consultation or a later one.
        known.at_least_zero.push(vec![
            (at(row, Figure::Organisations), 1),
            (at(row, Figure::NewOrganisations), -1),
        ]);
        known.at_least_zero.push(vec![
            (at(row, Figure::FirstConsultations), 1),
            (at(row, Figure::FollowUpConsultations), 1),
            (at(row, Figure::Organisations), -1),
        ]);
        // It follows, but not by looking at one sum after the other.
        known.at_least_zero.push(vec![
            (at(row, Figure::Consultations), 1),
            (at(row, Figure::AnonymousConsultations), -1),
            (at(row, Figure::Organisations), -1),
        ]);
    }
    if rows > 1 {
        for column in 0..width {
            // All that is counted stands in some row, and no row has more than there is in all.
            let mut sum = vec![(column, -1)];
            sum.extend((1..rows).map(|row| (row * width + column, 1)));
            if columns.contains(&column) {
                known.zero.push(sum);
            } else {
                known.at_least_zero.push(sum);
            }
            let least = (1..rows).map(|row| vec![(column, 1), (row * width + column, -1)]);
            known.at_least_zero.extend(least);
        }
    }
    known
}

/// The same with what may be known of this very table: in a whole period, and where rows are of organisations,
/// all that were advised are new. Where it happens to be so, it counts as known.
fn known_of(rows: &[Vec<i64>], columns: &[usize]) -> Known {
    let mut known = known(rows.len(), columns);
    let place = |figure: Figure| PUBLISHED.iter().position(|it| *it == figure).unwrap_or_default();
    let (organisations, new) = (place(Figure::Organisations), place(Figure::NewOrganisations));
    for (at, row) in rows.iter().enumerate() {
        if row[organisations] == row[new] {
            let first = at * PUBLISHED.len();
            known.zero.push(vec![(first + organisations, 1), (first + new, -1)]);
        }
    }
    known
}

/// Which cells are hidden. A small cell is; and while one that is hidden could be no other number, the smallest
/// that is shown beside it is hidden too. Zeros hide nothing: often it is known that there can be none, as with
/// actors among companies.
pub(super) fn suppressed(rows: &[Vec<i64>], columns: &[usize]) -> Vec<bool> {
    let cells: Vec<i64> = rows.iter().flatten().copied().collect();
    let mut hidden: Vec<bool> =
        cells.iter().map(|cell| (1..SMALLEST_SHOWN).contains(cell)).collect();
    let puzzle = Puzzle::new(&cells, known_of(rows, columns));
    let mut to_check: VecDeque<usize> = (0..cells.len()).filter(|cell| hidden[*cell]).collect();
    // What can be another number still can when more is hidden. Each has its turn before one comes again: what is
    // hidden for the others may be enough.
    while let Some(cell) = to_check.pop_front() {
        if puzzle.can_be_another(&hidden, cell) {
            continue;
        }
        let can_hide = |cell: &usize| !hidden[*cell] && cells[*cell] != 0;
        // In the same row first, then where something is hidden already, totals last.
        let row_of = |cell: usize| cell / PUBLISHED.len();
        let is_whole = |row: usize| {
            let first = row * PUBLISHED.len();
            !hidden[first..first + PUBLISHED.len()].contains(&true)
        };
        let distance = |other: usize| match row_of(other) {
            row if row == row_of(cell) => 0,
            0 => 3,
            row if is_whole(row) => 2,
            _ => 1,
        };
        let beside = puzzle.beside(cell).filter(can_hide);
        let beside = beside.min_by_key(|other| (distance(*other), cells[*other], *other));
        let Some(next) = beside.or_else(|| (0..cells.len()).find(can_hide)) else { continue };
        hidden[next] = true;
        to_check.extend([cell, next]);
    }
    hidden
}

/// Numbers that are to be found for cells by what is known of them.
struct Puzzle<'a> {
    cells: &'a [i64],
    /// With whether it is zero, else zero or more.
    sums: Vec<(Sum, bool)>,
    /// The sums that each cell stands in, with its sign.
    sums_of: Vec<Vec<(usize, i64)>>,
    /// What the sums are with the numbers that are there.
    at_first: Vec<i64>,
}

/// Cells that are moved one after the other until all sums are right again. It finds another table in nearly all
/// cases, and looks at few cells of a large one.
struct Mending<'a> {
    puzzle: &'a Puzzle<'a>,
    hidden: &'a [bool],
    hidden_in_row: Vec<usize>,
    values: Vec<i64>,
    sums: Vec<i64>,
    moved: Vec<usize>,
    budget: usize,
}

impl Mending<'_> {
    /// Moves a cell, and for each sum that is not right a hidden one of its cells. Takes it back when that
    /// does not help.
    fn is_right_after(&mut self, cell: usize, by: i64) -> bool {
        /// No table needs more in practice.
        const MOST_MOVED: usize = 16;
        self.shift(cell, by);
        self.moved.push(cell);
        let puzzle = self.puzzle;
        let mut of_moved = self.moved.iter().flat_map(|cell| &puzzle.sums_of[*cell]);
        let wrong = of_moved.find(|(at, _)| puzzle.is_wrong(*at, self.sums[*at]));
        let Some((wrong, _)) = wrong else { return true };
        let value = self.sums[*wrong];
        if self.moved.len() < MOST_MOVED {
            let is_free = |cell: usize| self.hidden[cell] && !self.moved.contains(&cell);
            let sum = puzzle.sums[*wrong].0.iter();
            let mut beside: Vec<(usize, i64)> = sum.copied().filter(|it| is_free(it.0)).collect();
            // What mends other sums too comes first; then where more is hidden and can move.
            let worth = |(cell, sign): (usize, i64)| {
                let row = cell / PUBLISHED.len();
                (self.more_wrong(cell, -sign * value), Reverse(self.hidden_in_row[row]), cell)
            };
            beside.sort_by_cached_key(|it| worth(*it));
            for (other, sign) in beside {
                let Some(left) = self.budget.checked_sub(1) else { break };
                self.budget = left;
                let by = -sign * value;
                if self.values[other] + by >= 1 && self.is_right_after(other, by) {
                    return true;
                }
            }
        }
        self.moved.pop();
        self.shift(cell, -by);
        false
    }

    /// How many more sums would be wrong.
    fn more_wrong(&self, cell: usize, by: i64) -> isize {
        let is_wrong = |at, value| self.puzzle.is_wrong(at, value);
        let change = |(at, sign): &(usize, i64)| {
            let value = self.sums[*at];
            isize::from(is_wrong(*at, value + sign * by)) - isize::from(is_wrong(*at, value))
        };
        self.puzzle.sums_of[cell].iter().map(change).sum()
    }

    fn shift(&mut self, cell: usize, by: i64) {
        self.values[cell] += by;
        for (at, sign) in &self.puzzle.sums_of[cell] {
            self.sums[*at] += sign * by;
        }
    }
}

/// What each cell can be, from and to.
type Bounds = Vec<(i64, i64)>;

impl<'a> Puzzle<'a> {
    fn new(cells: &'a [i64], known: Known) -> Self {
        let zero = known.zero.into_iter().map(|sum| (sum, true));
        let sums: Vec<_> =
            zero.chain(known.at_least_zero.into_iter().map(|sum| (sum, false))).collect();
        let mut sums_of = vec![Vec::new(); cells.len()];
        for (at, (sum, _)) in sums.iter().enumerate() {
            for (cell, sign) in sum {
                sums_of[*cell].push((at, *sign));
            }
        }
        let value =
            |(sum, _): &(Sum, bool)| sum.iter().map(|(cell, sign)| sign * cells[*cell]).sum();
        let at_first = sums.iter().map(value).collect();
        Self { cells, sums, sums_of, at_first }
    }

    fn is_wrong(&self, sum: usize, value: i64) -> bool {
        value < 0 || (self.sums[sum].1 && value > 0)
    }

    /// The cells that stand in a sum with a cell.
    fn beside(&self, cell: usize) -> impl Iterator<Item = usize> {
        let sums = self.sums_of[cell].iter().flat_map(|(at, _)| &self.sums[*at].0);
        sums.map(|(other, _)| *other)
    }

    /// Whether another number can stand in a hidden cell, by another table that shows the same. Where none is
    /// found in good time there is none.
    fn can_be_another(&self, hidden: &[bool], cell: usize) -> bool {
        /// How far numbers are moved to find one.
        const NEAR: i64 = 6;
        const SMALL: usize = 200;
        // What is hidden is no zero, and whoever reads the table knows that.
        let bounds: Bounds = self
            .cells
            .iter()
            .zip(hidden)
            .map(|(it, hidden)| if *hidden { ((it - NEAR).max(1), it + NEAR) } else { (*it, *it) })
            .collect();
        let is = self.cells[cell];
        let mut mending = Mending {
            puzzle: self,
            hidden,
            hidden_in_row: hidden
                .chunks(PUBLISHED.len())
                .map(|row| row.iter().filter(|hidden| **hidden).count())
                .collect(),
            values: self.cells.to_vec(),
            sums: self.at_first.clone(),
            moved: Vec::new(),
            budget: 0,
        };
        let mut moved = |by: i64| {
            mending.budget = 400;
            is + by >= 1 && mending.is_right_after(cell, by)
        };
        if [1, -1, 2, -2].into_iter().any(&mut moved) {
            return true;
        }
        // Not by moving one after the other; in a small table perhaps by more.
        let mut budget = if self.cells.len() <= SMALL { 1000 } else { 0 };
        [(is + 1, is + NEAR), ((is - NEAR).max(1), is - 1)].into_iter().any(|other| {
            let mut bounds = bounds.clone();
            bounds[cell] = other;
            other.0 <= other.1
                && self.narrow(&mut bounds, &[cell])
                && self.is_possible(&bounds, &mut budget)
        })
    }

    /// Tries numbers, those that are there first, until all sums are right.
    fn is_possible(&self, bounds: &Bounds, budget: &mut usize) -> bool {
        let open = (0..bounds.len()).filter(|at| bounds[*at].0 < bounds[*at].1);
        let Some(next) = open.min_by_key(|at| bounds[*at].1 - bounds[*at].0) else { return true };
        let (low, high) = bounds[next];
        let mut values: Vec<i64> = (low..=high).collect();
        values.sort_by_key(|value| (value - self.cells[next]).abs());
        values.into_iter().any(|value| {
            let Some(left) = budget.checked_sub(1) else { return false };
            *budget = left;
            let mut bounds = bounds.clone();
            bounds[next] = (value, value);
            self.narrow(&mut bounds, &[next]) && self.is_possible(&bounds, budget)
        })
    }

    /// Narrows what cells can be, after some were. False when nothing is left of one.
    fn narrow(&self, bounds: &mut Bounds, changed: &[usize]) -> bool {
        let mut waiting: Vec<usize> =
            changed.iter().flat_map(|cell| &self.sums_of[*cell]).map(|(at, _)| *at).collect();
        while let Some(at) = waiting.pop() {
            let (sum, is_zero) = &self.sums[at];
            for cell in narrow(sum, *is_zero, bounds) {
                if bounds[cell].0 > bounds[cell].1 {
                    return false;
                }
                let sums = self.sums_of[cell].iter().map(|(other, _)| *other);
                waiting.extend(sums.filter(|other| *other != at));
            }
        }
        true
    }
}

fn signed((low, high): (i64, i64), sign: i64) -> (i64, i64) {
    if sign > 0 { (low * sign, high * sign) } else { (high * sign, low * sign) }
}

/// Narrows what the cells of a sum can be, which is zero, or zero or more; the cells that are narrower.
pub(super) fn narrow(sum: &Sum, is_zero: bool, bounds: &mut [(i64, i64)]) -> Vec<usize> {
    let mut all = (0_i64, 0_i64);
    for (cell, sign) in sum {
        let (least, most) = signed(bounds[*cell], *sign);
        all = (all.0 + least, all.1 + most);
    }
    let mut narrowed = Vec::new();
    for (cell, sign) in sum {
        let before = bounds[*cell];
        let (least, most) = signed(before, *sign);
        // sign × cell is no less than what the rest lacks at most, and no more than it lacks at least.
        let no_less = -(all.1 - most);
        let no_more = if is_zero { -(all.0 - least) } else { most };
        let (least_now, most_now) = (least.max(no_less), most.min(no_more));
        let now = if *sign > 0 { (least_now, most_now) } else { (-most_now, -least_now) };
        if now != before {
            bounds[*cell] = now;
            all = (all.0 - least + least_now, all.1 - most + most_now);
            narrowed.push(*cell);
            if now.0 > now.1 {
                break;
            }
        }
    }
    narrowed
}
