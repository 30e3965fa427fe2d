//! One figure by two dimensions, as rows and columns.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    About, Condition, Dimension, Figure, FigureScope, Figures, Group, GroupValue, StatisticsQuery,
    TopicsAs, Window, additive, conditions, filter_words, groups_sheet, rules,
};
use crate::code::Code;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::funding_period::FundingPeriod;
use crate::id::FundingPeriodId;
use crate::sheet::{Cell, Language, Sheet};

#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PivotParams {
    pub funding_period_id: FundingPeriodId,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// As of the figures.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// What each value has a row for.
    #[param(inline)]
    pub rows: Dimension,
    /// What each value has a column for; another dimension than that of the rows.
    #[param(inline)]
    pub columns: Dimension,
    /// What is shown.
    #[param(inline)]
    pub figure: Figure,
    /// As of the figures.
    #[param(example = "size_class:micro,size_class:small,topic:blue_card")]
    pub filter: Option<String>,
    /// As of the figures.
    #[param(inline)]
    #[serde(default)]
    pub topics: TopicsAs,
}

impl PivotParams {
    /// # Errors
    /// `Malformed` when rows and columns are the same dimension and for what is no condition; `Invalid` when
    /// the window is upside down or leaves the period.
    pub fn query(&self, period: &FundingPeriod) -> Result<StatisticsQuery> {
        if self.rows == self.columns {
            let message = "must be another dimension than rows";
            return Err(Error::malformed_query("columns", "repeated", message));
        }
        Ok(StatisticsQuery {
            funding_period_id: period.id,
            window: Window::of(period, self.from, self.to)?,
            group_by: vec![self.rows, self.columns],
            conditions: conditions("filter", self.filter.as_deref())?,
            also: Vec::new(),
            topics: self.topics,
        })
    }
}

/// A row or a column: a value and the figure of all its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PivotColumn {
    pub value: GroupValue,
    /// Counted by itself, and not the sum of the cells.
    pub total: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PivotRow {
    pub value: GroupValue,
    /// In the order of the columns; 0 where there is no record.
    pub cells: Vec<i64>,
    /// Counted by itself, and not the sum of the cells.
    pub total: i64,
}

/// One figure by two dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pivot {
    pub period: Reference,
    pub window: Window,
    #[schema(example = "2026.4")]
    pub rules_version: String,
    pub scope: FigureScope,
    /// What the records were filtered by.
    pub filter: Vec<Condition<Dimension>>,
    pub figure: Figure,
    pub rows_by: Dimension,
    pub columns_by: Dimension,
    pub columns: Vec<PivotColumn>,
    pub rows: Vec<PivotRow>,
    pub total: i64,
    /// Whether the totals of the rows may be summed to the total.
    pub rows_add_up: bool,
    /// Whether the totals of the columns may be summed to the total.
    pub columns_add_up: bool,
}

/// What a pivot is put together from: the figures by both dimensions, by each alone, and of all.
pub struct Counted<'a> {
    pub both: &'a [Group],
    pub by_row: &'a [Group],
    pub by_column: &'a [Group],
    pub all: &'a Figures,
}

impl Pivot {
    #[must_use]
    pub fn new(
        params: &PivotParams,
        query: StatisticsQuery,
        period: Reference,
        scope: FigureScope,
        counted: &Counted<'_>,
    ) -> Self {
        let (figure, rows_by, columns_by) = (params.figure, params.rows, params.columns);
        let mut cells: HashMap<(Option<&str>, Option<&str>), i64> = HashMap::new();
        for group in counted.both {
            let code = |dimension: Dimension| group.key[&dimension].code.as_deref();
            cells.insert((code(rows_by), code(columns_by)), figure.of(&group.figures));
        }
        let columns: Vec<PivotColumn> = counted
            .by_column
            .iter()
            .map(|group| PivotColumn {
                value: group.key[&columns_by].clone(),
                total: figure.of(&group.figures),
            })
            .collect();
        let row = |group: &Group| {
            let value = &group.key[&rows_by];
            let cell = |column: &PivotColumn| {
                let place = (value.code.as_deref(), column.value.code.as_deref());
                cells.get(&place).copied().unwrap_or_default()
            };
            PivotRow {
                value: value.clone(),
                cells: columns.iter().map(cell).collect(),
                total: figure.of(&group.figures),
            }
        };
        let adds_up = |by: Dimension| additive(&[by])[figure.code()];
        Self {
            period,
            window: query.window,
            rules_version: super::RULES_VERSION.to_owned(),
            scope,
            filter: query.conditions,
            figure,
            rows_by,
            columns_by,
            rows: counted.by_row.iter().map(row).collect(),
            columns,
            total: figure.of(counted.all),
            rows_add_up: adds_up(rows_by),
            columns_add_up: adds_up(columns_by),
        }
    }

    /// The rules and the scope first.
    #[must_use]
    pub fn sheets(&self, language: Language) -> Vec<Sheet> {
        let about = About {
            period: &self.period,
            window: self.window,
            scope: &self.scope,
            rules_version: &self.rules_version,
            filter: filter_words(&self.filter),
        };
        let figure = language.label(Figure::SET, self.figure.code());
        let columns_by = language.label(Dimension::SET, self.columns_by.code());
        let more = vec![
            (language.of("Zahl", "Figure"), figure.as_str().into()),
            (language.of("Spalten", "Columns"), columns_by.into()),
        ];
        let cells = |cells: Vec<i64>, total: i64| -> Vec<Cell> {
            cells.into_iter().chain([total]).map(Cell::from).collect()
        };
        let rows = self.rows.iter();
        let rows = rows.map(|row| (vec![Some(&row.value)], cells(row.cells.clone(), row.total)));
        let mut names: Vec<String> =
            self.columns.iter().map(|column| column.value.label_in(language).to_owned()).collect();
        names.push(language.of("gesamt", "in total").to_owned());
        let totals = self.columns.iter().map(|column| column.total).collect();
        let table = groups_sheet(
            &figure,
            vec![language.label(Dimension::SET, self.rows_by.code())],
            names,
            rows.collect(),
            cells(totals, self.total),
            language,
        );
        vec![about.sheet(more, language), rules(language), table]
    }
}
