//! A list as a workbook. Its rows go to a file of the system until all are there.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use chrono::{DateTime, NaiveDate, Utc};
use lotse_domain::time::local;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};
use serde_json::Value;

use super::column::{Column, exact, shown};

/// The rows of a sheet, its header among them.
const MOST_ROWS: u32 = 1_048_576;
/// The characters of a cell.
const MOST_CHARACTERS: usize = 32_767;
const CUT: &str = " … (cut: a cell holds no more)";

type Written<T> = std::result::Result<T, XlsxError>;

pub(super) struct Book {
    workbook: Workbook,
    header: Vec<String>,
    sheets: usize,
    row: u32,
    bold: Format,
    date: Format,
    instant: Format,
}

impl Book {
    pub fn new(columns: &[Column]) -> Written<Self> {
        let mut book = Self {
            workbook: Workbook::new(),
            header: columns.iter().map(|column| column.name.clone()).collect(),
            sheets: 0,
            row: 0,
            bold: Format::new().set_bold(),
            date: Format::new().set_num_format("yyyy-mm-dd"),
            instant: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        };
        book.begin_sheet()?;
        Ok(book)
    }

    fn begin_sheet(&mut self) -> Written<()> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name((self.sheets + 1).to_string())?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, name) in (0_u16..).zip(&self.header) {
            sheet.set_column_width(column, 16)?;
            sheet.write_string_with_format(0, column, name, &self.bold)?;
        }
        self.sheets += 1;
        self.row = 1;
        Ok(())
    }

    pub fn add(&mut self, columns: &[Column], item: &Value, lossless: bool) -> Written<()> {
        if self.row == MOST_ROWS {
            self.begin_sheet()?;
        }
        let sheet = self.workbook.worksheet_from_index(self.sheets - 1)?;
        for (at, column) in (0_u16..).zip(columns) {
            let value = column.value(item);
            // A spreadsheet has no dates before 1900: those stay text, as all are in a lossless file.
            let date = column.date(value).and_then(excel_date).filter(|_| !lossless);
            if let Some(date) = date {
                sheet.write_date_with_format(self.row, at, &date, &self.date)?;
                continue;
            }
            let instant = column.instant(value).and_then(excel_instant).filter(|_| !lossless);
            if let Some(instant) = instant {
                sheet.write_datetime_with_format(self.row, at, &instant, &self.instant)?;
                continue;
            }
            match value {
                Value::Null => continue,
                Value::Bool(truth) => sheet.write_boolean(self.row, at, *truth)?,
                Value::Number(number) => {
                    sheet.write_number(self.row, at, number.as_f64().unwrap_or_default())?
                }
                other if lossless => sheet.write_string(self.row, at, fitting(exact(other)))?,
                other => sheet.write_string(self.row, at, fitting(shown(other).into_owned()))?,
            };
        }
        self.row += 1;
        Ok(())
    }

    /// The finished file, from its beginning.
    pub fn saved(mut self) -> Written<File> {
        let mut file = tempfile::tempfile()?;
        self.workbook.save_to_writer(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

fn excel_date(date: NaiveDate) -> Option<ExcelDateTime> {
    ExcelDateTime::parse_from_str(&date.format("%Y-%m-%d").to_string()).ok()
}

/// In the network's zone: a spreadsheet knows none.
fn excel_instant(instant: DateTime<Utc>) -> Option<ExcelDateTime> {
    ExcelDateTime::parse_from_str(&local(instant).format("%Y-%m-%dT%H:%M:%S").to_string()).ok()
}

fn fitting(text: String) -> String {
    // Characters of a spreadsheet are those of UTF-16.
    if text.encode_utf16().count() <= MOST_CHARACTERS {
        return text;
    }
    let mut room = MOST_CHARACTERS - CUT.encode_utf16().count();
    let kept = text.chars().take_while(|character| {
        let fits = character.len_utf16() <= room;
        room = room.saturating_sub(character.len_utf16());
        fits
    });
    kept.chain(CUT.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_a_spreadsheet_has_not_is_none_there() {
        let date = |text: &str| excel_date(text.parse().unwrap());
        assert!(date("2026-12-31").is_some() && date("1900-01-01").is_some());
        assert!(date("0024-05-01").is_none() && date("1899-12-30").is_none());
        let instant = |text: &str| excel_instant(text.parse().unwrap());
        assert!(instant("2026-12-31T12:00:00Z").is_some());
        assert!(instant("0024-05-01T12:00:00Z").is_none());
    }

    #[test]
    fn what_is_too_long_for_a_cell_is_cut_and_says_so() {
        assert_eq!(fitting("kurz".to_owned()), "kurz");
        let exact = "ä".repeat(MOST_CHARACTERS);
        assert_eq!(fitting(exact.clone()), exact);
        let cut = fitting("😀".repeat(20_000));
        assert!(cut.ends_with(CUT));
        assert!(cut.encode_utf16().count() <= MOST_CHARACTERS);
    }
}
