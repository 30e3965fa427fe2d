//! Same organisation? Names compared without legal form, case, umlauts and punctuation.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::code::codes;
use crate::id::{DistrictId, OrganisationId};
use crate::name::{distance, fold, fold_loosely, forgiven};
use crate::organisation::{OrganisationKind, OrganisationReference};
use crate::search::{Found, SearchKind, domain_key};

/// From which similarity on a name may be the same. No score is lower.
pub const SIMILAR: f64 = 0.6;

/// Which version of the rule this is. Who changes what it answers counts it up: all organisations are compared
/// anew then.
pub const RULE: i32 = 1;

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

/// How sure it is by the web domain alone: the companies of a group may share one.
const SAME_DOMAIN: f64 = 0.9;

/// Hosts that many have their pages at, folded. The same one says nothing.
const SHARED_HOSTS: [&str; 6] = [
    "facebook com",
    "instagram com",
    "linkedin com",
    "xing com",
    "sites google com",
    "gelbeseiten de",
];

/// Sections of the commercial, co-operative, partnership, society and company registers (Handels-,
/// Genossenschafts-, Partnerschafts-, Vereins-, Gesellschaftsregister), folded.
const REGISTER_SECTIONS: [&str; 6] = ["hra", "hrb", "gnr", "pr", "vr", "gsr"];

/// Words beside the name of the court of a register, folded.
const COURT_WORDS: [&str; 5] = ["amtsgericht", "registergericht", "ag", "beim", "nr"];

codes! {
    /// Why an organisation may be the one that is entered.
    "duplicate_reason" DuplicateReason {
        /// Number and court.
        SameRegisterNumber,
        SameVatId,
        /// But for legal form and spelling.
        SameName,
        SameDomain,
        SimilarName,
    }
}

/// Whether to ask about organisations that may be the same.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CreateParams {
    /// Add it although others may be the same; without it the answer is 409 `possible_duplicate` then.
    #[param(default = false)]
    pub create_anyway: Option<bool>,
}

/// An organisation that an entry may mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    pub organisation: OrganisationReference,
    #[schema(required)]
    pub city: Option<String>,
    /// How alike the names are: 1 is the same but for legal form and spelling.
    #[schema(minimum = 0, maximum = 1, example = 0.83)]
    pub similarity: f64,
    /// How likely it is the same, by all that is known.
    #[schema(minimum = 0, maximum = 1, example = 1.0)]
    pub score: f64,
    /// What speaks for it, the strongest first.
    #[schema(example = json!(["same_register_number", "similar_name"]))]
    pub reasons: Vec<DuplicateReason>,
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
        Self {
            organisation: namesake.organisation,
            city: namesake.city,
            similarity: 1.0,
            score: 1.0,
            reasons: vec![DuplicateReason::SameName],
        }
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

/// How alike two organisations are.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    /// Of the names.
    pub similarity: f64,
    pub score: f64,
    /// The strongest first; there is one at least.
    pub reasons: Vec<DuplicateReason>,
}

/// None when nothing says that they may be the same. Which of both is which does not matter.
#[must_use]
pub fn likeness(a: &Found, b: &Found) -> Option<Likeness> {
    alike(&match_key(&a.name), a, b)
}

/// `key` is the one of the name that was entered.
fn alike(key: &str, entered: &Found, found: &Found) -> Option<Likeness> {
    let (similarity, by_name) = by_name(key, &found.name);
    let by_name = by_name.filter(|_| !has_another_vat_id(entered, found));
    let mut score = if by_name.is_some() { similarity } else { 0.0 };
    let mut reasons = Vec::from_iter(by_name);
    for (holds, reason, sure) in [
        (same_register_number(entered, found), DuplicateReason::SameRegisterNumber, 1.0),
        (same_vat_id(entered, found), DuplicateReason::SameVatId, 1.0),
        (same_domain(entered, found), DuplicateReason::SameDomain, SAME_DOMAIN),
    ] {
        if holds {
            reasons.push(reason);
            score = score.max(sure);
        }
    }
    reasons.sort_unstable();
    (!reasons.is_empty()).then_some(Likeness { similarity, score, reasons })
}

/// Those that the entry may be, by name and identifiers, the likeliest first.
#[must_use]
pub fn same_as(entered: &Found, found: Vec<Found>) -> Vec<Candidate> {
    let key = match_key(&entered.name);
    let candidates = found.into_iter().filter_map(|found| {
        let kind = match found.kind {
            SearchKind::Company => OrganisationKind::Company,
            SearchKind::Actor => OrganisationKind::Actor,
            SearchKind::Contact => return None,
        };
        let Likeness { similarity, score, reasons } = alike(&key, entered, &found)?;
        let organisation =
            OrganisationReference { id: OrganisationId(found.id), name: found.name, kind };
        Some(Candidate { organisation, city: found.city, similarity, score, reasons })
    });
    likeliest(candidates.collect())
}

fn by_name(key: &str, name: &str) -> (f64, Option<DuplicateReason>) {
    let other = match_key(name);
    let reason = if key == other {
        Some(DuplicateReason::SameName)
    } else {
        are_similar(key, &other).then_some(DuplicateReason::SimilarName)
    };
    (rounded_similarity(key, &other), reason)
}

fn rounded_similarity(a: &str, b: &str) -> f64 {
    (similarity(a, b) * 100.0).round() / 100.0
}

/// Whether the names with these keys may mean the same.
#[must_use]
pub fn are_similar(a: &str, b: &str) -> bool {
    rounded_similarity(a, b) >= SIMILAR && are_written_alike(a, b)
}

/// Whether one name has a word for each of the other's but for typing errors, or both are the same but for
/// where words end. Trigrams alone would take all that have a long word in common for the same.
fn are_written_alike(a: &str, b: &str) -> bool {
    let (mut fewer, mut more): (Vec<&str>, Vec<&str>) =
        (a.split(' ').collect(), b.split(' ').collect());
    // Of as many words, always the same one is looked through first.
    if (fewer.len(), &fewer) > (more.len(), &more) {
        std::mem::swap(&mut fewer, &mut more);
    }
    let each_has_one = fewer.iter().all(|word| {
        let same = more.iter().position(|other| is_written_like(word, other));
        same.map(|place| more.swap_remove(place)).is_some()
    });
    each_has_one || is_written_like(&a.replace(' ', ""), &b.replace(' ', ""))
}

fn is_written_like(a: &str, b: &str) -> bool {
    // Another number is another one.
    if a == b || a.contains(|c: char| c.is_numeric()) {
        return a == b;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let forgiven = forgiven(a.len().min(b.len()));
    a.len().abs_diff(b.len()) <= forgiven && distance(&a, &b) <= forgiven
}

fn likeliest(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| b.similarity.total_cmp(&a.similarity))
            .then_with(|| a.organisation.name.cmp(&b.organisation.name))
            .then_with(|| a.organisation.id.0.cmp(&b.organisation.id.0))
    });
    candidates.truncate(MAX_CANDIDATES);
    candidates
}

fn same_vat_id(a: &Found, b: &Found) -> bool {
    a.vat_id.is_some() && a.vat_id == b.vat_id
}

/// Of which no name makes them the same: an enterprise has one.
fn has_another_vat_id(a: &Found, b: &Found) -> bool {
    a.vat_id.is_some() && b.vat_id.is_some() && a.vat_id != b.vat_id
}

fn same_domain(a: &Found, b: &Found) -> bool {
    own_domain(a).is_some_and(|domain| own_domain(b) == Some(domain))
}

/// The domain that tells an organisation from others, folded.
#[must_use]
pub fn own_domain(found: &Found) -> Option<String> {
    let domain = found.website.as_deref().map(domain_key)?;
    (!domain.is_empty() && !SHARED_HOSTS.contains(&domain.as_str())).then_some(domain)
}

fn same_register_number(a: &Found, b: &Found) -> bool {
    let both = a.register_number.as_deref().zip(b.register_number.as_deref());
    both.is_some_and(|(one, other)| {
        names_one(one) && names_one(other) && may_be_one_register(one, other)
    })
}

/// Every court counts from one, so a number without its court names nobody.
#[must_use]
pub fn names_one(register_number: &str) -> bool {
    register_of(register_number).is_some_and(|(_, court)| !court.is_empty())
}

/// Whether two entries in a register may be the same, as far as they say.
#[must_use]
pub fn may_be_one_register(one: &str, other: &str) -> bool {
    match (register_of(one), register_of(other)) {
        // `Frankfurt` is what people write for the court of `Frankfurt am Main`.
        (Some((one, court)), Some((other, other_court))) => {
            one == other && (court.starts_with(&other_court) || other_court.starts_with(&court))
        }
        _ => fold_loosely(one) == fold_loosely(other),
    }
}

/// A number in a register as it is searched for, without its court.
#[must_use]
pub fn register_number(found: &Found) -> Option<String> {
    register_of(found.register_number.as_deref()?).map(|(number, _)| number)
}

/// Section and number, and the court: `Amtsgericht Hanau, HRB 123` is `hrb123` and `hanau`.
fn register_of(register_number: &str) -> Option<(String, String)> {
    let folded = fold_loosely(register_number);
    let words: Vec<&str> = folded.split(' ').collect();
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let mut numbered = None;
    let mut rest = Vec::new();
    let mut position = 0;
    while position < words.len() {
        let word = words[position];
        let section = REGISTER_SECTIONS.into_iter().find(|section| word.starts_with(section));
        let (number, length) = match section.map(|section| &word[section.len()..]) {
            Some("") => (words.get(position + 1).copied().unwrap_or_default(), 2),
            Some(number) => (number, 1),
            None => ("", 1),
        };
        match section {
            Some(section) if numbered.is_none() && is_number(number) => {
                numbered = Some(format!("{section}{number}"));
                position += length;
            }
            _ => {
                // Of one letter are what Berlin and others put behind the number.
                if word.len() > 1 && !COURT_WORDS.contains(&word) {
                    rest.push(word);
                }
                position += 1;
            }
        }
    }
    Some((numbered?, rest.join(" ")))
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
        let alike =
            |a: &str, b: &str| by_name(&match_key(a), b).1 == Some(DuplicateReason::SimilarName);
        assert!(alike("Musterwerk Metallbau GmbH", "Musterwerk Metalbau GmbH"));
        assert!(alike("Klinikum Musterstadt", "Klinikum Muster-Stadt"));
        assert!(!alike("Klinikum Musterstadt", "Klinikum Beispielhausen"));
        assert!(alike("Huber & Söhne Metallbau", "Metallbau Huber"));
        assert!(!alike("Bäckerei Huber", "Metzgerei Huber"));
        assert!(!alike("Kindertagesstätten Kaya", "Kindertagesstätten Huber"), "one long word");
        assert!(!alike("Baustelle Nord 1234", "Baustelle Nord 1235"), "another number");
    }

    #[test]
    fn a_register_number_is_one_with_its_court_only() {
        let same = |a: &str, b: &str| {
            let numbered =
                |text: &str| Found { register_number: Some(text.to_owned()), ..Found::named("A") };
            same_register_number(&numbered(a), &numbered(b))
        };
        for (a, b) in [
            ("HRB 123 Frankfurt am Main", "Amtsgericht Frankfurt, HRB 123"),
            ("HRB123 Gießen", "hrb 123 giessen"),
            ("VR 77 AG Kassel", "VR 77 Kassel"),
        ] {
            assert!(same(a, b), "{a} / {b}");
        }
        for (a, b) in [
            ("HRB 123 Frankfurt", "HRB 123 Kassel"),
            ("HRB 123 Frankfurt", "HRA 123 Frankfurt"),
            ("HRB 123 Frankfurt", "HRB 1234 Frankfurt"),
            ("HRB 123", "HRB 123"),
            ("Frankfurt", "Frankfurt"),
        ] {
            assert!(!same(a, b), "{a} / {b}");
        }
    }

    #[test]
    fn each_candidate_says_why_it_is_one() {
        use DuplicateReason::{SameDomain, SameName, SameVatId, SimilarName};
        let with = |name: &str, vat_id: Option<&str>, website: Option<&str>| Found {
            vat_id: vat_id.map(str::to_owned),
            website: website.map(str::to_owned),
            ..Found::named(name)
        };
        let entered =
            with("Musterwerk GmbH", Some("DE123456789"), Some("https://www.musterwerk.example"));
        for (found, reasons) in [
            (with("MUSTERWERK", None, None), vec![SameName]),
            (with("Musterwerke", None, None), vec![SimilarName]),
            (with("Beispiel AG", Some("DE123456789"), None), vec![SameVatId]),
            (with("Beispiel AG", None, Some("http://musterwerk.example/x")), vec![SameDomain]),
            (with("Beispiel AG", Some("DE999999999"), Some("https://beispiel.example")), vec![]),
            (with("Musterwerk AG", Some("DE999999999"), None), vec![]),
            (with("Musterwerk", Some("DE999999999"), Some("musterwerk.example")), vec![SameDomain]),
        ] {
            let candidates = same_as(&entered, vec![found.clone()]);
            let told = candidates.first().map(|one| one.reasons.clone()).unwrap_or_default();
            assert_eq!(told, reasons, "{found:?}");
        }
        let elsewhere = with("A", None, Some("https://facebook.com/a"));
        let other = with("B", None, Some("https://facebook.com/b"));
        assert!(same_as(&elsewhere, vec![other]).is_empty(), "a host of many");
    }

    proptest! {
        #[test]
        fn which_of_two_is_compared_with_which_does_not_matter(
            a in "(meier|maier|bau|bauer|hof|huf)( (meier|maier|bau|bauer|hof|huf)){0,3}",
            b in "(meier|maier|bau|bauer|hof|huf)( (meier|maier|bau|bauer|hof|huf)){0,3}",
        ) {
            let (a, b) = (Found::named(&a), Found::named(&b));
            prop_assert_eq!(likeness(&a, &b), likeness(&b, &a));
        }

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
