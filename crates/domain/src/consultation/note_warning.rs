//! Notes are about the company. What looks like personal data of a candidate (passport, date of
//! birth, health) is warned of and not refused: only a person can tell.

use std::sync::LazyLock;

use regex::Regex;

use crate::code::codes;
use crate::name::fold;

codes! {
    "note_warning" NoteWarning {
        PassportNumber,
        DateOfBirth,
        /// Special categories of Art. 9 (1) GDPR.
        Health,
    }
}

/// The words are data, one a line, folded; a trailing `*` takes what goes on after it.
const HEALTH_WORDS: &str = include_str!("../../data/health_words.txt");

struct Patterns {
    /// After a word for a passport or residence title, within the sentence.
    named_document: Regex,
    /// Standing alone: letters and digits in the order that passports of many countries have.
    bare_document: Regex,
    /// After a word for birth.
    named_birth: Regex,
    health: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let pattern =
        |text: &str| Regex::new(text).expect("the patterns are constant; a test compiles them");
    let words: Vec<String> = HEALTH_WORDS
        .lines()
        .map(|word| match word.strip_suffix('*') {
            Some(stem) => format!("{}[a-z0-9]*", regex::escape(stem)),
            None => regex::escape(word),
        })
        .collect();
    Patterns {
        named_document: pattern(
            r"(?i)\b(?:reise)?(?:pass|passport|ausweis|aufenthaltstitel|visum|visa)[^\n.;]{0,30}?\b[A-Z]{0,3}\d[A-Z0-9]{5,9}\b",
        ),
        bare_document: pattern(
            r"\b[A-Z]{1,2}\d{7,8}\b|\b[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{3}\d[CFGHJKLMNPRTVWXYZ0-9]{4}\d?\b",
        ),
        named_birth: pattern(
            r"(?i)(?:\bgeb\.|\bgeboren|\bgeburtsdatum|\bgeburtstag|\bborn\b|\bdate of birth|\bdob\b|\*)[^\n;]{0,20}?(?:\d{1,2}[./-]\s?\d{1,2}[./-]\s?(?:19|20)?\d{2}|(?:19|20)\d{2}-\d{2}-\d{2}|\b19\d{2}\b)",
        ),
        health: pattern(&format!(r"\b(?:{})\b", words.join("|"))),
    }
});

/// What in the notes looks as if it should not be there.
#[must_use]
pub fn note_warnings(notes: &str) -> Vec<NoteWarning> {
    let patterns = &*PATTERNS;
    let mut found = Vec::new();
    if patterns.named_document.is_match(notes) || patterns.bare_document.is_match(notes) {
        found.push(NoteWarning::PassportNumber);
    }
    if patterns.named_birth.is_match(notes) {
        found.push(NoteWarning::DateOfBirth);
    }
    if patterns.health.is_match(&fold(notes)) {
        found.push(NoteWarning::Health);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_of_what_looks_like_a_candidates_data() {
        use NoteWarning::{DateOfBirth, Health, PassportNumber};
        for (notes, expected) in [
            ("Reisepass Nr. AB1234567 liegt vor", vec![PassportNumber]),
            ("passport no: X12345678, valid", vec![PassportNumber]),
            ("Pass C01X00T47 kopiert", vec![PassportNumber]),
            ("Dokument P1234567 fehlt", vec![PassportNumber]),
            ("Kandidat geb. 12.03.1991", vec![DateOfBirth]),
            ("geboren am 3. 4. 1988 in Rabat", vec![DateOfBirth]),
            ("date of birth 1990-05-01", vec![DateOfBirth]),
            ("Bewerberin ist schwanger", vec![Health]),
            ("Diagnose: Depression", vec![Health]),
            ("candidate is pregnant, born 1990", vec![DateOfBirth, Health]),
        ] {
            assert_eq!(note_warnings(notes), expected, "{notes}");
        }
    }

    #[test]
    fn ordinary_notes_pass() {
        for notes in [
            "",
            "Two vacancies for electronics technicians; fast track explained.",
            "Krankenhaus sucht Pflegefachkräfte, Krankenversicherung erklärt.",
            "Termin am 12.03.2026, Fast Track § 81a, Gebühr 411 €, Telefon +49 69 1234567",
            "Blaue Karte ab 50.700 EUR, Az. 33-81A-2026; Visum beantragt, Termin 14.05.2026",
            "Geburtshilfe-Station mit 12 Stellen",
            "HRB 123456, USt-IdNr. DE123456789, IBAN DE02120300000000202051",
            "Werk 2 (* neu), Anerkennung läuft seit 2024",
        ] {
            assert_eq!(note_warnings(notes), [], "{notes}");
        }
    }
}
