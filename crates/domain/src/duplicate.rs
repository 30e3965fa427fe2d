//! Same organisation? Names compared without legal form, case, umlauts and punctuation.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::DistrictId;
use crate::name::fold;
use crate::organisation::OrganisationReference;

/// From which similarity on a name is shown as perhaps the same.
const SIMILAR: f64 = 0.6;

/// How many are shown.
pub const MAX_CANDIDATES: usize = 10;

/// Words of legal forms, folded. They say nothing about whether two names mean the same.
const LEGAL_FORMS: [&str; 22] = [
    "gmbh",
    "ggmbh",
    "mbh",
    "co",
    "kg",
    "kgaa",
    "ag",
    "se",
    "ug",
    "haftungsbeschraenkt",
    "ohg",
    "gbr",
    "ek",
    "eg",
    "ev",
    "partg",
    "stiftung",
    "gesellschaft",
    "mit",
    "beschraenkter",
    "haftung",
    "inc",
];

/// An organisation that an entry may mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    pub organisation: OrganisationReference,
    #[schema(required)]
    pub city: Option<String>,
    /// How alike the names are: 1 is the same but for legal form and spelling.
    #[schema(minimum = 0, maximum = 1, example = 0.83)]
    pub similarity: f64,
}

/// An organisation of exactly the name that was typed, with what tells it from others of the name.
#[derive(Clone, Debug)]
pub struct Namesake {
    pub organisation: OrganisationReference,
    pub city: Option<String>,
    pub district_id: Option<DistrictId>,
}

impl From<Namesake> for Candidate {
    fn from(namesake: Namesake) -> Self {
        Self { organisation: namesake.organisation, city: namesake.city, similarity: 1.0 }
    }
}

/// The words of a name that tell it from others. A name of nothing but a legal form keeps it.
#[must_use]
pub fn match_key(name: &str) -> String {
    let folded = fold(name).replace(" e k ", " ek ").replace(" e v ", " ev ");
    let folded = match folded.rsplit_once(' ') {
        Some((rest, last @ ("k" | "v" | "g"))) if rest.ends_with(" e") => {
            format!("{} e{last}", rest.trim_end_matches(" e"))
        }
        _ => folded,
    };
    let words: Vec<&str> = folded.split(' ').filter(|word| !LEGAL_FORMS.contains(word)).collect();
    if words.is_empty() { folded } else { words.join(" ") }
}

/// The share of common trigrams, each word padded as `pg_trgm` does: 0 to 1.
#[must_use]
pub fn similarity(a: &str, b: &str) -> f64 {
    let (a, b) = (trigrams(a), trigrams(b));
    let common = a.intersection(&b).count();
    let all = a.len() + b.len() - common;
    if all == 0 {
        return 0.0;
    }
    // Names have some dozens of trigrams.
    f64::from(u32::try_from(common).unwrap_or(u32::MAX))
        / f64::from(u32::try_from(all).unwrap_or(u32::MAX))
}

fn trigrams(text: &str) -> HashSet<[char; 3]> {
    let mut all = HashSet::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let padded: Vec<char> = "  ".chars().chain(word.chars()).chain([' ']).collect();
        all.extend(padded.windows(3).filter_map(|three| <[char; 3]>::try_from(three).ok()));
    }
    all
}

/// Those that the name may mean, the likeliest first. `found` has whatever a search came up with.
#[must_use]
pub fn candidates(
    name: &str,
    found: Vec<(OrganisationReference, Option<String>)>,
) -> Vec<Candidate> {
    let key = match_key(name);
    let mut candidates: Vec<Candidate> = found
        .into_iter()
        .map(|(organisation, city)| {
            let exact = similarity(&key, &match_key(&organisation.name));
            let similarity = (exact * 100.0).round() / 100.0;
            Candidate { organisation, city, similarity }
        })
        .filter(|candidate| candidate.similarity >= SIMILAR)
        .collect();
    candidates.sort_by(|a, b| {
        b.similarity
            .total_cmp(&a.similarity)
            .then_with(|| a.organisation.name.cmp(&b.organisation.name))
            .then_with(|| a.organisation.id.0.cmp(&b.organisation.id.0))
    });
    candidates.truncate(MAX_CANDIDATES);
    candidates
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn legal_forms_and_spelling_do_not_tell_names_apart() {
        for (a, b) in [
            ("Müller Bau GmbH", "Mueller-Bau GmbH & Co. KG"),
            ("Musterwerk UG (haftungsbeschränkt)", "MUSTERWERK"),
            ("Blumen Muster e.K.", "Blumen Muster"),
            ("Pflege Muster e. V.", "Pflege Muster eV"),
            ("Bau Gesellschaft mit beschränkter Haftung", "Bau GmbH"),
        ] {
            assert_eq!(match_key(a), match_key(b), "{a} / {b}");
        }
        assert_eq!(match_key("AG"), "ag");
        assert_ne!(match_key("Müller Bau"), match_key("Müller Bäder"));
    }

    #[test]
    fn a_typing_error_is_similar_and_another_name_is_not() {
        let alike = |a: &str, b: &str| similarity(&match_key(a), &match_key(b)) >= SIMILAR;
        assert!(alike("Musterwerk Metallbau GmbH", "Musterwerk Metalbau GmbH"));
        assert!(alike("Klinikum Musterstadt", "Klinikum Muster-Stadt"));
        assert!(!alike("Klinikum Musterstadt", "Klinikum Beispielhausen"));
        assert!(!alike("Bäckerei Huber", "Metzgerei Huber"));
    }

    proptest! {
        #[test]
        fn similarity_is_symmetric_and_between_none_and_all(a in "[a-d ]{0,20}", b in "[a-d ]{0,20}") {
            let ab = similarity(&a, &b);
            prop_assert!((0.0..=1.0).contains(&ab));
            prop_assert!((ab - similarity(&b, &a)).abs() < f64::EPSILON);
            if !a.trim().is_empty() {
                prop_assert!((similarity(&a, &a) - 1.0).abs() < f64::EPSILON);
            }
        }
    }
}
