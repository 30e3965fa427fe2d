//! Industry: the German classification of economic activities (Klassifikation der
//! Wirtschaftszweige, WZ) in the editions 2008 (NACE Rev. 2) and 2025 (NACE Rev. 2.1).
//!
//! The same section letter means different things in the two (K: finance in 2008, telecommunications
//! and IT in 2025), so a code never goes without its edition.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::check::Checks;
use crate::code::{Code, codes};

codes! {
    "classification" Classification { Wz2008, Wz2025 }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"classification": "wz2008", "code": "25.61"}))]
pub struct IndustryInput {
    pub classification: Classification,
    /// Division (two digits) or finer: `25`, `25.6`, `25.61`, `25.61.0`.
    #[schema(pattern = r"^[0-9]{2}(\.[0-9]{1,2}(\.[0-9])?)?$")]
    pub code: String,
}

/// An industry with its place in the classification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Industry {
    pub classification: Classification,
    #[schema(example = "25.61")]
    pub code: String,
    #[schema(example = "25")]
    pub division: String,
    pub division_label_de: String,
    pub division_label_en: String,
    #[schema(example = "C")]
    pub section: String,
    pub section_label_de: String,
    pub section_label_en: String,
}

#[derive(Debug, Deserialize)]
struct Division {
    division: String,
    section: String,
    title_de: String,
    title_en: String,
}

/// A section: the one-letter top level.
#[derive(Clone, Debug, Deserialize)]
pub struct Section {
    pub section: String,
    pub title_de: String,
    pub title_en: String,
}

fn read<T: serde::de::DeserializeOwned>(data: &str) -> Vec<T> {
    csv::Reader::from_reader(data.as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .expect("the classification shipped with the program is well-formed; a test reads it")
}

static DIVISIONS: LazyLock<[Vec<Division>; 2]> = LazyLock::new(|| {
    [read(include_str!("../data/wz2008.csv")), read(include_str!("../data/wz2025.csv"))]
});
static SECTIONS: LazyLock<[Vec<Section>; 2]> = LazyLock::new(|| {
    [
        read(include_str!("../data/wz2008_sections.csv")),
        read(include_str!("../data/wz2025_sections.csv")),
    ]
});

#[must_use]
pub fn sections(classification: Classification) -> &'static [Section] {
    &SECTIONS[classification as usize]
}

#[must_use]
pub fn section(classification: Classification, letter: &str) -> Option<&'static Section> {
    sections(classification).iter().find(|section| section.section == letter)
}

impl IndustryInput {
    pub fn checked(&self, checks: &mut Checks) -> Option<Industry> {
        let industry = Industry::lookup(self.classification, &self.code);
        if industry.is_none() {
            checks.fail(
                "/industry/code",
                "not_an_industry",
                "must be a code of the named classification, beginning with one of its two-digit \
                 divisions, such as 25 or 25.61",
            );
        }
        industry
    }
}

impl Industry {
    /// None when the code is not shaped like one or its division does not exist.
    #[must_use]
    pub fn lookup(classification: Classification, code: &str) -> Option<Self> {
        let shape: String =
            code.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        if !matches!(shape.as_str(), "99" | "99.9" | "99.99" | "99.99.9") {
            return None;
        }
        let division = DIVISIONS[classification as usize]
            .iter()
            .find(|division| division.division == code[..2])?;
        let section = section(classification, &division.section)?;
        Some(Self {
            classification,
            code: code.to_owned(),
            division: division.division.clone(),
            division_label_de: division.title_de.clone(),
            division_label_en: division.title_en.clone(),
            section: division.section.clone(),
            section_label_de: section.title_de.clone(),
            section_label_en: section.title_en.clone(),
        })
    }
}

impl From<&Industry> for IndustryInput {
    fn from(industry: &Industry) -> Self {
        Self { classification: industry.classification, code: industry.code.clone() }
    }
}

/// The section that a code with its edition names, such as `wz2008:C`.
#[must_use]
pub fn section_of(code: &str) -> Option<&'static Section> {
    let (classification, letter) = code.split_once(':')?;
    section(Classification::from_code(classification)?, letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_classifications_are_whole() {
        for (classification, divisions, last) in
            [(Classification::Wz2008, 88, "U"), (Classification::Wz2025, 87, "V")]
        {
            let all = &DIVISIONS[classification as usize];
            assert_eq!(all.len(), divisions);
            assert_eq!(sections(classification).last().unwrap().section, last);
            for division in all {
                assert!(Industry::lookup(classification, &division.division).is_some());
            }
        }
    }

    #[test]
    fn the_same_letter_means_different_things() {
        let finance = Industry::lookup(Classification::Wz2008, "64.19").unwrap();
        let software = Industry::lookup(Classification::Wz2025, "62").unwrap();
        assert_eq!((finance.section.as_str(), software.section.as_str()), ("K", "K"));
        assert_ne!(finance.section_label_en, software.section_label_en);
    }

    #[test]
    fn refuses_what_is_no_code() {
        for code in ["", "4", "04", "34", "99.999", "25.", "25.61.00", "ab", "２５"] {
            assert!(Industry::lookup(Classification::Wz2008, code).is_none(), "{code}");
        }
        assert!(Industry::lookup(Classification::Wz2025, "45").is_none(), "45 ended with 2008");
    }
}
