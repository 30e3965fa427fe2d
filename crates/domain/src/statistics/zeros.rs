//! Groups that have no record, shown as zero.

use std::collections::{BTreeMap, HashMap};

use super::{Dimension, Figures, Group, GroupValue};
use crate::error::{Error, Result};

/// More are a question for a machine, which adds the zeros itself.
pub const MAX_GROUPS: usize = 10_000;

/// All groups of the values that the dimensions have, in the order of these values; what was counted of
/// them, else zero. Groups with a value that is not among them come last, in the order given.
///
/// # Errors
/// `Invalid` when there would be too many.
pub fn with_zeros(
    groups: Vec<Group>,
    group_by: &[Dimension],
    values: &[Vec<GroupValue>],
) -> Result<Vec<Group>> {
    let all = values.iter().map(Vec::len).try_fold(1, usize::checked_mul);
    if all.is_none_or(|all| all > MAX_GROUPS) {
        let message = format!("must leave at most {MAX_GROUPS} groups; ask for fewer dimensions");
        return Err(Error::invalid("zeros", "too_many_groups", &message));
    }
    let codes = |group: &Group| -> Vec<Option<String>> {
        group_by.iter().map(|dimension| group.key[dimension].code.clone()).collect()
    };
    let order: Vec<Vec<Option<String>>> = groups.iter().map(codes).collect();
    let mut counted: HashMap<Vec<Option<String>>, Group> =
        order.iter().cloned().zip(groups).collect();
    let mut keys: Vec<Vec<GroupValue>> = vec![Vec::new()];
    for of_dimension in values {
        keys = keys
            .into_iter()
            .flat_map(|key| {
                of_dimension.iter().map(move |value| {
                    let mut key = key.clone();
                    key.push(value.clone());
                    key
                })
            })
            .collect();
    }
    let mut shown: Vec<Group> = Vec::with_capacity(keys.len());
    for key in keys {
        let codes: Vec<Option<String>> = key.iter().map(|value| value.code.clone()).collect();
        let key: BTreeMap<_, _> = group_by.iter().copied().zip(key).collect();
        let empty = || Group { key, figures: Figures::default(), explanation: String::new() };
        shown.push(counted.remove(&codes).unwrap_or_else(empty));
    }
    shown.extend(order.iter().filter_map(|codes| counted.remove(codes)));
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(code: &str) -> GroupValue {
        GroupValue::named(code.to_owned(), code.to_owned())
    }

    fn group(site: GroupValue, year: &str, consultations: i64) -> Group {
        let key = BTreeMap::from([(Dimension::Site, site), (Dimension::Year, value(year))]);
        let figures = Figures { consultations, ..Figures::default() };
        Group { key, figures, explanation: String::new() }
    }

    #[test]
    fn what_was_counted_stays_and_the_rest_is_zero() {
        let nowhere = GroupValue::none();
        let counted = vec![group(value("b"), "2024", 3), group(nowhere.clone(), "2023", 1)];
        let by = [Dimension::Site, Dimension::Year];
        let values = [vec![value("a"), value("b")], vec![value("2023"), value("2024")]];
        let shown = with_zeros(counted, &by, &values).unwrap();
        let expected = vec![
            group(value("a"), "2023", 0),
            group(value("a"), "2024", 0),
            group(value("b"), "2023", 0),
            group(value("b"), "2024", 3),
            group(nowhere, "2023", 1),
        ];
        assert_eq!(shown, expected);
        let many = vec![value("x"); 101];
        assert!(with_zeros(Vec::new(), &by, &[many.clone(), many]).is_err());
    }
}
