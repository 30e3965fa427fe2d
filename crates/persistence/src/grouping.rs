//! What figures are grouped by: codes and labels of up to three dimensions, which stand first in a row of figures
//! of any kind.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text};
use lotse_domain::statistics::GroupValue;

/// The first columns of a row.
#[derive(QueryableByName)]
pub(crate) struct Codes {
    #[diesel(sql_type = Nullable<Text>)]
    code_1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code_2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code_3: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_3: Option<String>,
}

impl Codes {
    /// `value` makes the value of a dimension of code and label.
    pub fn key<D: Copy + Ord>(
        self,
        group_by: &[D],
        value: impl Fn(D, Option<String>, Option<String>) -> GroupValue,
    ) -> BTreeMap<D, GroupValue> {
        let values =
            [(self.code_1, self.label_1), (self.code_2, self.label_2), (self.code_3, self.label_3)];
        let values = group_by.iter().zip(values);
        values
            .map(|(dimension, (code, label))| (*dimension, value(*dimension, code, label)))
            .collect()
    }
}

/// Where the code and the label of a dimension come from, and the join that brings them.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    pub code: &'static str,
    pub label: &'static str,
    pub join: &'static str,
}

/// The pieces of a statement that groups.
pub(crate) struct Grouping {
    /// [`Codes`].
    pub columns: String,
    pub joins: String,
    /// Empty for the totals.
    pub group_by: &'static str,
    /// By the labels; what has no value comes last.
    pub order_by: &'static str,
}

impl Grouping {
    pub fn of(sources: impl IntoIterator<Item = Source>) -> Self {
        let sources: Vec<Source> = sources.into_iter().collect();
        let none = "CAST(NULL AS TEXT)";
        let column = |at: usize| {
            let (code, label) = sources.get(at).map_or((none, none), |it| (it.code, it.label));
            format!("{code} AS code_{number}, {label} AS label_{number}", number = at + 1)
        };
        Self {
            columns: [column(0), column(1), column(2)].join(", "),
            joins: sources.iter().map(|source| source.join).collect::<Vec<_>>().join("\n"),
            group_by: if sources.is_empty() { "" } else { "GROUP BY 1, 2, 3, 4, 5, 6" },
            order_by: "ORDER BY 2 NULLS LAST, 1, 4 NULLS LAST, 3, 6 NULLS LAST, 5",
        }
    }
}
