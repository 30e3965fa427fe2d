//! Which column of a file fills which field, and a row read by it.

use serde_json::{Map, Value};

use super::field::{Field, Forms, field, put};
use super::file::{Cell, Row};
use super::named::Named;
use super::{ImportSettings, ImportTarget, RowError};
use crate::error::{Error, Result};

/// The columns that are imported, by their place.
pub struct Layout<'a> {
    columns: Vec<(usize, &'a str, &'static Field)>,
    /// Values of fields that no column fills.
    fixed: Vec<(Cell, &'static Field)>,
    forms: Forms,
}

impl<'a> Layout<'a> {
    /// # Errors
    /// `Invalid` when the file has no such column, or there is no such field.
    pub fn new(
        target: ImportTarget,
        settings: &'a ImportSettings,
        header: &[String],
    ) -> Result<Self> {
        let place = |name: &str| header.iter().position(|known| known == name);
        let columns = settings.columns.iter().map(|column| {
            let at = place(&column.header).ok_or_else(|| {
                Error::invalid("/columns", "unknown", "must be headers of the file")
            })?;
            let field = field(target, &column.field)
                .ok_or_else(|| Error::invalid("/columns", "unknown", "must be known fields"))?;
            Ok((at, column.header.as_str(), field))
        });
        let fixed = settings.fixed.iter().map(|fixed| {
            let field = field(target, &fixed.field)
                .ok_or_else(|| Error::invalid("/fixed", "unknown", "must be known fields"))?;
            Ok((Cell { text: fixed.value.clone(), typed: false }, field))
        });
        let fixed = fixed.collect::<Result<_>>()?;
        let forms = Forms { date: settings.form.date_form, number: settings.form.number_form };
        Ok(Self { columns: columns.collect::<Result<_>>()?, fixed, forms })
    }

    /// What the row says, as a part of the command; empty cells say nothing.
    ///
    /// # Errors
    /// All cells that are not of the kind of their field.
    pub fn read(&self, row: &Row, named: &Named) -> Result<Map<String, Value>, Vec<RowError>> {
        let mut values = Map::new();
        let mut errors = Vec::new();
        let empty = Cell::default();
        for (at, header, field) in &self.columns {
            match field.value(row.cells.get(*at).unwrap_or(&empty), self.forms, named) {
                Ok(None) => {}
                Ok(Some(value)) => put(&mut values, &field.path, value),
                Err((code, message)) => errors.push(RowError {
                    column: Some((*header).to_owned()),
                    code: code.to_owned(),
                    message,
                }),
            }
        }
        for (cell, field) in &self.fixed {
            // A part is told of what is there: no classification without a code.
            if let Some((whole, _)) = field.path.split_once('.')
                && !values.contains_key(whole)
            {
                continue;
            }
            match field.value(cell, self.forms, named) {
                Ok(None) => {}
                Ok(Some(value)) => put(&mut values, &field.path, value),
                Err((code, message)) => errors.push(RowError {
                    column: None,
                    code: code.to_owned(),
                    message: format!("{}: {message}", field.path),
                }),
            }
        }
        if errors.is_empty() { Ok(values) } else { Err(errors) }
    }
}
