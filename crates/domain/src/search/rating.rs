//! How well a record fits what was typed.

use std::collections::HashSet;

use super::{Found, LEAST_DIGITS, LEAST_INSIDE, Query, SearchHit, SearchMatch, words};
use crate::name::{distance, fold_loosely, forgiven};

/// A word as it stands, the beginning of one, a part of one, and with one or two typing errors.
const WORD: f64 = 0.9;
const BEGINNING: f64 = 0.85;
const INSIDE: f64 = 0.6;
const ONE_ERROR: f64 = 0.45;
const TWO_ERRORS: f64 = 0.35;

/// What the words give of the whole; the rest is for names that begin with all that was typed, and for
/// what was typed exactly.
const WORDS: f64 = 0.9;
const BEGINS: f64 = 0.1;

/// The share of common trigrams from which on a word is looked at for typing errors. Both databases bring
/// whatever has it.
const SIMILAR: f64 = 0.32;

/// What fits comes first. Every word must occur somewhere: as it stands, as the beginning or the middle of
/// another, or with a typing error.
#[must_use]
pub fn rated(query: &Query, found: &[Found]) -> Vec<SearchHit> {
    let mut hits: Vec<(String, SearchHit)> = found
        .iter()
        .filter_map(|found| {
            let (score, matched) = rating(query, found)?;
            let hit = SearchHit {
                kind: found.kind,
                id: found.id,
                name: found.name.clone(),
                city: found.city.clone(),
                organisation: found.organisation.clone(),
                archived: found.archived,
                matched,
                score: (score * 100.0).round() / 100.0,
            };
            Some((found.name_key(), hit))
        })
        .collect();
    hits.sort_by(|(a_key, a), (b_key, b)| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a_key.cmp(b_key))
            .then_with(|| a.name.cmp(&b.name))
            .then_with(|| a.id.cmp(&b.id))
    });
    hits.into_iter().map(|(_, hit)| hit).collect()
}

/// By the way to read the query that fits best.
fn rating(query: &Query, found: &Found) -> Option<(f64, Vec<SearchMatch>)> {
    let mut texts = found.texts();
    texts.extend(found.tags.iter().map(|tag| (SearchMatch::Tag, fold_loosely(tag))));
    let by_words = by_words(query, &texts);
    let whole = [
        (&query.phone, &[SearchMatch::Phone][..]),
        (&query.identifier, &[SearchMatch::RegisterNumber, SearchMatch::VatId][..]),
        (&query.domain, &[SearchMatch::Domain][..]),
    ];
    let by_whole = whole.into_iter().filter_map(|(typed, fields)| {
        let typed = typed.as_deref()?;
        let among = texts.iter().filter(|(field, _)| fields.contains(field));
        among
            .filter_map(|(field, text)| Some((as_a_whole(typed, text)?, vec![*field])))
            .max_by(best)
    });
    by_words.into_iter().chain(by_whole).max_by(best)
}

fn best(a: &(f64, Vec<SearchMatch>), b: &(f64, Vec<SearchMatch>)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0)
}

fn as_a_whole(typed: &str, text: &str) -> Option<f64> {
    if text == typed {
        Some(1.0)
    } else if text.starts_with(typed) {
        Some(BEGINNING)
    } else {
        text.contains(typed).then_some(INSIDE)
    }
}

fn by_words(query: &Query, texts: &[(SearchMatch, String)]) -> Option<(f64, Vec<SearchMatch>)> {
    let (mut sum, mut count, mut matched) = (0.0, 0.0, Vec::new());
    for word in &query.words {
        let fitting = texts.iter().filter_map(|(field, text)| {
            Some((fit(word, *field, text)? * weight(word, *field), *field))
        });
        // Of several that fit as well, the first one: the name before the rest.
        let (fits, field) =
            fitting.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        sum += fits;
        count += 1.0;
        if !matched.contains(&field) {
            matched.push(field);
        }
    }
    if matched.is_empty() {
        return None;
    }
    matched.sort_unstable();
    let key = query.key();
    let names_it = |field| !matches!(field, SearchMatch::Town | SearchMatch::Tag);
    let exactly = texts.iter().find(|(field, text)| names_it(*field) && *text == key);
    if let Some((field, _)) = exactly {
        return Some((1.0, vec![*field]));
    }
    let begins =
        texts.iter().any(|(field, text)| *field == SearchMatch::Name && text.starts_with(&key));
    Some((sum / count * WORDS + if begins { BEGINS } else { 0.0 }, matched))
}

fn weight(word: &str, field: SearchMatch) -> f64 {
    match field {
        // The court of a register number is a town as well, and rather that.
        SearchMatch::RegisterNumber if !word.contains(|c: char| c.is_ascii_digit()) => 0.6,
        SearchMatch::Town => 0.7,
        SearchMatch::Tag => 0.8,
        _ => 1.0,
    }
}

/// Whether a word of a search occurs in a text as it stands.
pub(super) fn is_in(word: &str, text: &str) -> bool {
    exact_fit(word, text).is_some()
}

fn exact_fit(word: &str, text: &str) -> Option<f64> {
    let mut fits = None;
    for other in words(text) {
        if other == word {
            return Some(WORD);
        }
        if other.starts_with(word) {
            fits = Some(BEGINNING);
        } else if fits.is_none() && word.chars().count() >= LEAST_INSIDE && other.contains(word) {
            fits = Some(INSIDE);
        }
    }
    fits
}

fn fit(word: &str, field: SearchMatch, text: &str) -> Option<f64> {
    let exact = exact_fit(word, text);
    match field {
        SearchMatch::Phone => exact.filter(|_| word.len() >= LEAST_DIGITS),
        // An identifier with another digit is another one, and so is an address.
        SearchMatch::Name | SearchMatch::Town if exact.is_none() => {
            let errors = words(text).filter_map(|other| typing_errors(word, other)).min()?;
            Some(if errors <= 1 { ONE_ERROR } else { TWO_ERRORS })
        }
        _ => exact,
    }
}

/// Whether a typing error is forgiven in a word: short ones and numbers are not guessed at.
pub(super) fn may_be_misspelt(word: &str) -> bool {
    has_letters_enough(&word.chars().collect::<Vec<_>>())
}

fn has_letters_enough(word: &[char]) -> bool {
    forgiven(word.len()) > 0 && word.iter().all(|letter| letter.is_alphabetic())
}

/// How many typing errors make one word of the other, or of its beginning, if that is few for its length.
fn typing_errors(word: &str, other: &str) -> Option<usize> {
    let word: Vec<char> = word.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let allowed = forgiven(word.len());
    if !has_letters_enough(&word) {
        return None;
    }
    let whole = [other.len()].into_iter();
    // Of a short word nearly everything is the beginning, but for an error.
    let beginnings = (word.len() > 4).then(|| word.len() - allowed..=word.len() + allowed);
    let lengths =
        whole.chain(beginnings.into_iter().flatten().filter(|length| *length < other.len()));
    lengths
        .filter(|length| length.abs_diff(word.len()) <= allowed)
        .filter_map(|length| {
            let errors = distance(&word, &other[..length]);
            let is_whole = length == other.len();
            (errors <= allowed && similarity(&word, &other[..length], is_whole) >= SIMILAR)
                .then_some(errors)
        })
        .min()
}

/// The share of common trigrams as `pg_trgm` counts them for a word and a part of a text.
fn similarity(word: &[char], other: &[char], is_whole: bool) -> f64 {
    let trigrams = |letters: &[char], is_whole: bool| -> HashSet<[char; 3]> {
        let padded: Vec<char> =
            [' ', ' '].iter().chain(letters).copied().chain(is_whole.then_some(' ')).collect();
        padded.windows(3).filter_map(|three| three.try_into().ok()).collect()
    };
    let (word, other) = (trigrams(word, true), trigrams(other, is_whole));
    let common = word.intersection(&other).count();
    let all = word.len() + other.len() - common;
    // Words have some dozens of trigrams.
    f64::from(u32::try_from(common).unwrap_or(u32::MAX))
        / f64::from(u32::try_from(all.max(1)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company(name: &str) -> Found {
        Found {
            city: Some("Hanau".to_owned()),
            postcode: Some("63450".to_owned()),
            register_number: Some("HRB 12345 Hanau".to_owned()),
            vat_id: Some("DE123456789".to_owned()),
            website: Some("https://www.firma.example".to_owned()),
            tags: vec!["Großbetrieb".to_owned()],
            ..Found::named(name)
        }
    }

    fn score(typed: &str, name: &str) -> Option<f64> {
        rated(&Query::new(typed), &[company(name)]).first().map(|hit| hit.score)
    }

    #[test]
    fn each_field_is_found_and_told() {
        use SearchMatch::{Domain, Name, RegisterNumber, Tag, Town, VatId};
        for (typed, matched) in [
            ("muller", vec![Name]),
            ("Mueller Hanau", vec![Name, Town]),
            ("6345", vec![Town]),
            ("HRB12345", vec![RegisterNumber]),
            ("HRB 12345", vec![RegisterNumber]),
            ("de 123 456 789", vec![VatId]),
            ("www.firma.example", vec![Domain]),
            ("grossbetrieb", vec![Tag]),
            ("müler grossbetrieb", vec![Name, Tag]),
        ] {
            let hits = rated(&Query::new(typed), &[company("Müller GmbH")]);
            assert_eq!(hits.len(), 1, "{typed}");
            assert_eq!(hits[0].matched, matched, "{typed}");
        }
        for typed in ["HRB 12346", "de123456780", "Müller Kassel", "firma.invalid"] {
            assert_eq!(score(typed, "Müller GmbH"), None, "{typed}");
        }
    }

    #[test]
    fn what_begins_with_it_comes_first() {
        let scores = ["Bau", "Bauer GmbH", "Muster Bau GmbH", "Muster Bauwerk", "Hochbau Muster"]
            .map(|name| score("Bau", name).unwrap());
        assert!((scores[0] - 1.0).abs() < f64::EPSILON);
        assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
    }

    #[test]
    fn typing_errors_are_forgiven_where_a_word_is_long_enough() {
        for (typed, name) in [
            ("Siemnes", "Siemens AG"),
            ("Metalbau", "Metallbau Muster"),
            ("Metalb", "Metallbau Muster"),
            ("Elektotecnik", "Elektrotechnik Muster"),
            ("Meyer", "Mayer GmbH"),
        ] {
            let found = score(typed, name);
            assert!(found.is_some_and(|score| score < 0.6), "{typed}: {found:?}");
        }
        for (typed, name) in [("Bau", "Bad GmbH"), ("Huber", "Weber"), ("Metzger", "Bäcker")] {
            assert_eq!(score(typed, name), None, "{typed}");
        }
    }
}
