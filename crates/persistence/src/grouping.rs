//! What figures are grouped by: codes and labels of up to three dimensions, which stand first in a row of figures
//! of any kind.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text};
use lotse_domain::statistics::GroupValue;
use uuid::Uuid;

/// The first columns of a row.
#[derive(QueryableByName)]
pub(crate) struct Codes {
    #[diesel(sql_type = Nullable<Text>)]
    code_1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_de_1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code_2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_de_2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code_3: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_3: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    label_de_3: Option<String>,
}

impl Codes {
    /// `value` makes the value of a dimension of code and label.
    pub fn key<D: Copy + Ord>(
        self,
        group_by: &[D],
        value: impl Fn(D, String, Labels) -> GroupValue,
    ) -> BTreeMap<D, GroupValue> {
        let values = [
            (self.code_1, Labels { de: self.label_de_1, en: self.label_1 }),
            (self.code_2, Labels { de: self.label_de_2, en: self.label_2 }),
            (self.code_3, Labels { de: self.label_de_3, en: self.label_3 }),
        ];
        let values = group_by.iter().zip(values);
        values
            .map(|(dimension, (code, labels))| {
                let value = match code {
                    Some(code) => value(*dimension, code, labels),
                    None => GroupValue::none(),
                };
                (*dimension, value)
            })
            .collect()
    }
}

/// The labels of a code, as far as the database has them.
#[derive(Default)]
pub(crate) struct Labels {
    /// Where it is another than `en`.
    pub de: Option<String>,
    pub en: Option<String>,
}

impl Labels {
    /// The value of a code that has them; the code itself is its name where there are none.
    pub fn of(self, code: String) -> GroupValue {
        let label = self.en.unwrap_or_else(|| code.clone());
        GroupValue::new(code, self.de.unwrap_or_else(|| label.clone()), label)
    }
}

/// An id as the API writes it; the databases write it in forms of their own.
pub(crate) fn id_as_text(code: String) -> String {
    Uuid::parse_str(&code).map_or(code, |id| id.to_string())
}

/// Where the code and the label of a dimension come from, and the join that brings them.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    pub code: &'static str,
    pub label: &'static str,
    /// Where it is another than `label`.
    pub label_de: Option<&'static str>,
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
            let number = at + 1;
            let (code, label, label_de) = match sources.get(at) {
                // One row for a code, also when it was renamed within the window.
                Some(it) => {
                    let most = |label| format!("max({label})");
                    (it.code, most(it.label), it.label_de.map_or(none.to_owned(), most))
                }
                None => (none, none.to_owned(), none.to_owned()),
            };
            format!(
                "{code} AS code_{number}, {label} AS label_{number}, {label_de} AS label_de_{number}"
            )
        };
        Self {
            columns: [column(0), column(1), column(2)].join(", "),
            joins: sources.iter().map(|source| source.join).collect::<Vec<_>>().join("\n"),
            group_by: if sources.is_empty() { "" } else { "GROUP BY 1, 4, 7" },
            order_by: "ORDER BY 2 NULLS LAST, 1, 5 NULLS LAST, 4, 8 NULLS LAST, 7",
        }
    }
}
