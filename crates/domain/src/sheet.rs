//! Figures as sheets: what a spreadsheet, a CSV file and a printed page have in common.

use crate::code::codes;

codes! {
    #[derive(Default)]
    "language" Language {
        #[default]
        De,
        En,
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(i64),
    Decimal(f64),
    Empty,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Empty, Self::Decimal)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// Entries with their values, as the first sheet has them.
    #[must_use]
    pub fn of_entries(title: &str, entries: Vec<(&str, Cell)>, language: Language) -> Self {
        Self {
            title: title.to_owned(),
            header: vec![
                language.of("Angabe", "Entry").to_owned(),
                language.of("Wert", "Value").to_owned(),
            ],
            rows: entries.into_iter().map(|(label, value)| vec![label.into(), value]).collect(),
        }
    }
}

impl Language {
    /// The one of two texts.
    #[must_use]
    pub fn of<'a>(self, de: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::De => de,
            Self::En => en,
        }
    }

    /// The label of a code.
    #[must_use]
    pub fn label(self, set: &str, code: &str) -> String {
        let label = match self {
            Self::De => crate::code_list::label_de(set, code),
            Self::En => crate::code_list::label_en(set, code),
        };
        label.to_owned()
    }

    /// A day as people write it.
    #[must_use]
    pub fn day(self, day: chrono::NaiveDate) -> String {
        let format = self.of("%d.%m.%Y", "%-d %B %Y");
        day.format(format).to_string()
    }
}
