//! One box over the register: what a search is made of, what a record is found by, and the one rule by which
//! hits are rated. A database only brings candidates, so whichever it is, the answer is the same.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::actor::Actor;
use crate::code::codes;
use crate::company::Company;
use crate::contact::Contact;
use crate::duplicate::register_number;
use crate::error::{Error, Result};
use crate::name::fold_loosely;
use crate::organisation::OrganisationReference;

mod rating;

pub use rating::rated;

/// Characters of a search; a name may have more, and nobody types it to the end.
const MAX_QUERY: usize = 100;

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

/// Where fewer than this are found as typed, others that are written similarly are looked for.
pub const FEW: usize = 5;

/// Fewer digits than this are in too many phone numbers to tell anything.
const LEAST_DIGITS: usize = 4;

/// Words of fewer letters are looked for at the beginning of words only.
pub const LEAST_INSIDE: usize = 3;

codes! {
    /// What is searched.
    "search_kind" SearchKind { Company, Actor, Contact }
}

codes! {
    /// What a record was found by.
    "search_match" SearchMatch {
        Name,
        /// Town or postcode.
        Town,
        RegisterNumber,
        VatId,
        Domain,
        Phone,
        Email,
        /// Of the own carrier.
        Tag,
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SearchParams {
    /// What was typed, 1 to 100 characters: words of the name, town, postcode, register number, VAT id, web
    /// domain, e-mail address, phone number, tag, or several of them.
    #[param(example = "muller hanau", min_length = 1, max_length = 100)]
    pub q: String,
    /// Only these.
    pub kind: Option<SearchKind>,
    /// How many hits to answer at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u32>,
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
}

impl SearchParams {
    /// # Errors
    /// `Malformed` when nothing or too much was typed.
    pub fn query(&self) -> Result<Query> {
        let typed = self.q.trim();
        if typed.is_empty() {
            return Err(Error::malformed_query("q", "empty", "must not be empty"));
        }
        if typed.chars().count() > MAX_QUERY {
            return Err(Error::malformed_query(
                "q",
                "too_long",
                "must have at most 100 characters",
            ));
        }
        Ok(Query::new(typed))
    }

    /// # Errors
    /// `Malformed` when it is out of bounds.
    pub fn most(&self) -> Result<usize> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::malformed_query(
                "limit",
                "out_of_range",
                "must be between 1 and 100",
            ));
        }
        Ok(limit as usize)
    }
}

/// What was typed, folded, and what else than words it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub words: Vec<String>,
    /// A phone number.
    phone: Option<String>,
    /// An identifier that was typed in groups: `DE 123 456 789`.
    identifier: Option<String>,
    /// The words of a web domain.
    domain: Option<String>,
}

impl Query {
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let folded = fold_loosely(typed);
        let words: Vec<String> = words(&folded).map(str::to_owned).collect();
        let is_phone = typed.chars().all(|c| c.is_ascii_digit() || "+-/(). ".contains(c));
        let phone =
            Some(phone_key(typed)).filter(|digits| is_phone && digits.len() >= LEAST_DIGITS);
        let joined = words.concat();
        let has_digits = joined.contains(|c: char| c.is_ascii_digit());
        let identifier =
            Some(joined).filter(|joined| words.len() > 1 && has_digits && joined.len() > 3);
        let is_domain =
            typed.contains('.') && !typed.contains(|c: char| c == '@' || c.is_whitespace());
        let domain =
            Some(domain_key(typed)).filter(|key| is_domain && !key.is_empty() && *key != folded);
        Self { words, phone, identifier, domain }
    }

    /// Each way to read it, as texts that all occur in what a candidate is found by: a word, or with a space
    /// before it the beginning of one.
    #[must_use]
    pub fn readings(&self) -> Vec<Vec<String>> {
        let mut readings = Vec::new();
        if !self.words.is_empty() {
            readings.push(self.words.iter().map(|word| part(word)).collect());
        }
        for one in [&self.phone, &self.identifier].into_iter().flatten() {
            readings.push(vec![one.clone()]);
        }
        if let Some(domain) = &self.domain {
            readings.push(words(domain).map(part).collect());
        }
        readings.dedup();
        readings
    }

    /// Whether a typing error is forgiven in any word: short ones and numbers are not guessed at.
    #[must_use]
    pub fn may_be_misspelt(&self) -> bool {
        self.words.iter().any(|word| rating::may_be_misspelt(word))
    }

    /// The words, folded, as one text.
    #[must_use]
    pub fn key(&self) -> String {
        self.words.join(" ")
    }

    /// Which of the tags each word may mean, and the words that mean none: a record found by tags is found
    /// by these besides.
    #[must_use]
    pub fn tagged<I: Copy>(&self, tags: &[(I, String)]) -> (Vec<I>, Vec<String>) {
        let (mut meant, mut rest) = (Vec::new(), Vec::new());
        for word in &self.words {
            let fitting = tags.iter().filter(|tag| rating::is_in(word, &fold_loosely(&tag.1)));
            let found: Vec<I> = fitting.map(|tag| tag.0).collect();
            if found.is_empty() {
                rest.push(part(word));
            }
            meant.extend(found);
        }
        (meant, rest)
    }
}

/// A word as a part of what a candidate is found by: a short one is the beginning of a word.
#[must_use]
pub fn part(word: &str) -> String {
    if word.chars().count() < LEAST_INSIDE { format!(" {word}") } else { word.to_owned() }
}

fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(' ').filter(|word| !word.is_empty())
}

/// An organisation or a contact with all that it is found by.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub id: Uuid,
    pub kind: SearchKind,
    pub name: String,
    /// Of a contact, where its organisation is; it is not found by that.
    pub city: Option<String>,
    pub postcode: Option<String>,
    /// Of a contact.
    pub organisation: Option<OrganisationReference>,
    pub register_number: Option<String>,
    pub vat_id: Option<String>,
    pub website: Option<String>,
    pub email: Option<String>,
    pub phones: Vec<String>,
    /// Names of the own carrier's tags. They are not part of the content, which all carriers share.
    pub tags: Vec<String>,
    pub archived: bool,
}

impl Found {
    /// A company of which nothing but the name is known.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            id: Uuid::nil(),
            kind: SearchKind::Company,
            name: name.to_owned(),
            city: None,
            postcode: None,
            organisation: None,
            register_number: None,
            vat_id: None,
            website: None,
            email: None,
            phones: Vec::new(),
            tags: Vec::new(),
            archived: false,
        }
    }

    /// All texts that it is found by, folded, but for tags.
    fn texts(&self) -> Vec<(SearchMatch, String)> {
        let mut texts = vec![(SearchMatch::Name, fold_loosely(&self.name))];
        let mut add = |field, text: Option<String>| {
            texts.extend(text.filter(|text| !text.is_empty()).map(|text| (field, text)));
        };
        if self.kind != SearchKind::Contact {
            add(SearchMatch::Town, self.city.as_deref().map(fold_loosely));
            add(SearchMatch::Town, self.postcode.as_deref().map(fold_loosely));
        }
        if let Some(number) = self.register_number.as_deref().map(fold_loosely) {
            add(SearchMatch::RegisterNumber, Some(number.replace(' ', "")));
            add(SearchMatch::RegisterNumber, Some(number));
            add(SearchMatch::RegisterNumber, register_number(self));
        }
        add(SearchMatch::VatId, self.vat_id.as_deref().map(fold_loosely));
        add(SearchMatch::Domain, self.website.as_deref().map(domain_key));
        add(SearchMatch::Email, self.email.as_deref().map(fold_loosely));
        for phone in &self.phones {
            add(SearchMatch::Phone, Some(phone_key(phone)));
        }
        texts
    }

    /// What a database looks for candidates in: all words, with a space before and after each.
    #[must_use]
    pub fn content(&self) -> String {
        let texts: Vec<String> = self.texts().into_iter().map(|(_, text)| text).collect();
        format!(" {} ", texts.join(" "))
    }

    /// What the name is sorted by among hits.
    #[must_use]
    pub fn name_key(&self) -> String {
        fold_loosely(&self.name)
    }
}

impl From<&Company> for Found {
    fn from(company: &Company) -> Self {
        Self {
            id: company.id.0,
            kind: SearchKind::Company,
            name: company.name.clone(),
            city: company.address.city.clone(),
            postcode: company.address.postcode.clone(),
            organisation: None,
            register_number: company.register_number.clone(),
            vat_id: company.vat_id.clone(),
            website: company.website.clone(),
            email: None,
            phones: Vec::new(),
            tags: Vec::new(),
            archived: company.archived.is_some(),
        }
    }
}

impl From<&Actor> for Found {
    fn from(actor: &Actor) -> Self {
        Self {
            id: actor.id.0,
            kind: SearchKind::Actor,
            name: actor.name.clone(),
            city: actor.address.city.clone(),
            postcode: actor.address.postcode.clone(),
            organisation: None,
            register_number: None,
            vat_id: None,
            website: actor.website.clone(),
            email: None,
            phones: Vec::new(),
            tags: Vec::new(),
            archived: actor.archived.is_some(),
        }
    }
}

impl From<&Contact> for Found {
    fn from(contact: &Contact) -> Self {
        Self {
            id: contact.id.0,
            kind: SearchKind::Contact,
            name: contact.name.clone(),
            city: None,
            postcode: None,
            organisation: Some(contact.organisation.clone()),
            register_number: None,
            vat_id: None,
            website: None,
            email: contact.email.clone(),
            phones: contact.phone.iter().chain(&contact.mobile).cloned().collect(),
            tags: Vec::new(),
            archived: contact.archived.is_some(),
        }
    }
}

/// A hit of the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "kind": "company", "id": "01890000-0000-7000-8000-0000000a0001",
    "name": "Müller Metallbau GmbH", "city": "Hanau", "organisation": null, "archived": false,
    "matched": ["name", "town"], "score": 0.78
}))]
pub struct SearchHit {
    pub kind: SearchKind,
    pub id: Uuid,
    pub name: String,
    /// Of a contact, where its organisation is.
    #[schema(required)]
    pub city: Option<String>,
    /// Whose contact it is.
    #[schema(required)]
    pub organisation: Option<OrganisationReference>,
    pub archived: bool,
    /// What it was found by.
    pub matched: Vec<SearchMatch>,
    /// How well it fits: 1 is exactly what was typed.
    #[schema(minimum = 0, maximum = 1)]
    pub score: f64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchHits {
    /// What fits best comes first, of the same score by name.
    pub items: Vec<SearchHit>,
}

/// The digits of a phone number as dialled within Germany, without the leading zero: `+49 69 1234`,
/// `0049 (0)69 1234` and `069 1234` are `691234`. A number abroad keeps the code of its country.
#[must_use]
pub fn phone_key(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let international = if phone.trim_start().starts_with('+') {
        Some(&*digits)
    } else {
        digits.strip_prefix("00")
    };
    let national = match international {
        None => digits.strip_prefix('0').unwrap_or(&digits),
        Some(number) => match number.strip_prefix("49") {
            Some(german) => german.strip_prefix('0').unwrap_or(german),
            None => number,
        },
    };
    national.to_owned()
}

/// The words of the domain of a web address, without `www`: `https://www.firma.example/kontakt` is
/// `firma example`.
#[must_use]
pub fn domain_key(website: &str) -> String {
    let rest = website.split_once("://").map_or(website, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let folded = fold_loosely(host);
    folded.strip_prefix("www ").unwrap_or(&folded).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_the_same_however_they_are_dialled() {
        for phone in ["+49 69 1234-5", "0049 69 12345", "069/12345", "+49 (0)69 12345", "69 12345"]
        {
            assert_eq!(phone_key(phone), "6912345", "{phone}");
        }
        assert_eq!(phone_key("0043 1 2345"), phone_key("+43 1 2345"));
        assert_ne!(phone_key("+43 69 12345"), phone_key("069 12345"));
    }

    #[test]
    fn a_domain_is_what_stands_between_scheme_and_path() {
        for website in ["https://www.Firma.example/kontakt", "firma.example", "www.firma.example"] {
            assert_eq!(domain_key(website), "firma example", "{website}");
        }
    }

    #[test]
    fn short_words_and_numbers_are_not_guessed_at() {
        let guessed = |typed: &str| Query::new(typed).may_be_misspelt();
        assert!(guessed("Metalbau") && guessed("HRB Hanau"));
        assert!(!guessed("HRB 41234") && !guessed("DE123456788") && !guessed("?!"));
    }

    #[test]
    fn what_was_typed_is_read_in_each_way_that_it_may_mean() {
        let readings = |typed: &str| Query::new(typed).readings();
        assert_eq!(readings("Müller AG"), [vec!["muller", " ag"]]);
        assert_eq!(readings("?!"), [[""; 0]; 0]);
        assert_eq!(readings("069 1234"), [vec!["069", "1234"], vec!["691234"], vec!["0691234"]]);
        assert_eq!(
            readings("DE 123 456"),
            [vec![" de", "123", "456"], vec!["de123456"]],
            "typed in groups"
        );
        assert_eq!(
            readings("https://www.firma.example/x"),
            [vec!["https", "www", "firma", "example", " x"], vec!["firma", "example"]]
        );
    }

    #[test]
    fn words_that_mean_a_tag_are_told_from_the_others() {
        let tags = [(1, "Pflege".to_owned()), (2, "Altenpflege".to_owned())];
        let (meant, rest) = Query::new("pfleg Hanau").tagged(&tags);
        assert_eq!((meant, rest), (vec![1, 2], vec!["hanau".to_owned()]));
    }
}
