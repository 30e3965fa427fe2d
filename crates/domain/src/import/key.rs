//! By what a row means a record that is there, and by what it names an organisation.

use chrono::NaiveDate;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{ImportSettings, MatchRule, OnMatch, OnNew, RowError};
use crate::company::Company;
use crate::contact::Contact;
use crate::duplicate::{may_be_one_register, names_one};
use crate::error::{Error, Result};
use crate::id::UserId;
use crate::name::fold;

/// What a row says of the record that it means. Names are folded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MatchKey {
    Id(Uuid),
    RegisterNumber(String),
    VatId(String),
    NameAndTown { name: String, town: String },
    Name(String),
    Email(String),
    TitleAndDay { title: String, day: NaiveDate },
    AdviserAndDay { adviser: UserId, day: NaiveDate },
}

type Values = Map<String, Value>;

fn text<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
    values.get(name).and_then(Value::as_str)
}

fn day(values: &Values, name: &str) -> Option<NaiveDate> {
    text(values, name)?.parse().ok()
}

/// In the order of the rules; a rule that the row says nothing for is left out.
#[must_use]
pub fn keys(values: &Values, rules: &[MatchRule]) -> Vec<MatchKey> {
    let key = |rule: &MatchRule| match rule {
        MatchRule::Id => text(values, "id")?.parse().ok().map(MatchKey::Id),
        MatchRule::RegisterNumber => register_number(values),
        MatchRule::VatId => text(values, "vat_id").map(|id| MatchKey::VatId(compact(id))),
        MatchRule::NameAndTown => {
            let town = values.get("address")?.get("city")?.as_str()?;
            let name = fold(text(values, "name")?);
            Some(MatchKey::NameAndTown { name, town: fold(town) })
        }
        MatchRule::Name => text(values, "name").map(|name| MatchKey::Name(fold(name))),
        MatchRule::Email => {
            text(values, "email").map(|email| MatchKey::Email(email.to_lowercase()))
        }
        MatchRule::TitleAndDay => {
            let title = fold(text(values, "title")?);
            Some(MatchKey::TitleAndDay { title, day: day(values, "starts_on")? })
        }
        MatchRule::AdviserAndDay => {
            let first = values.get("adviser_ids")?.get(0)?.as_str()?;
            let adviser = UserId(first.parse().ok()?);
            Some(MatchKey::AdviserAndDay { adviser, day: day(values, "held_on")? })
        }
    };
    rules.iter().filter_map(key).collect()
}

/// What a row says of the organisation that its record belongs to, the surest first. A name alone will do where
/// no town is told.
#[must_use]
pub fn of_organisation(values: &Values) -> Vec<MatchKey> {
    let Some(Value::Object(told)) = values.get("organisation") else { return Vec::new() };
    let name = text(told, "name").map(fold);
    let by_name = match (name, text(told, "city")) {
        (Some(name), Some(town)) => Some(MatchKey::NameAndTown { name, town: fold(town) }),
        (Some(name), None) => Some(MatchKey::Name(name)),
        (None, _) => None,
    };
    [
        text(told, "id").and_then(|id| id.parse().ok()).map(MatchKey::Id),
        register_number(told),
        text(told, "vat_id").map(|id| MatchKey::VatId(compact(id))),
        by_name,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Without its court it names nobody.
fn register_number(values: &Values) -> Option<MatchKey> {
    let number = text(values, "register_number")?;
    names_one(number).then(|| MatchKey::RegisterNumber(number.to_owned()))
}

/// As companies keep it.
fn compact(vat_id: &str) -> String {
    vat_id.split_whitespace().collect::<String>().to_uppercase()
}

/// What is to be done for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Create,
    Update(Uuid),
    Skip(Option<Uuid>),
}

/// `found` are the records that the row may mean, by the first rule that finds any.
///
/// # Errors
/// `Conflict` when one of several is to be updated.
pub fn decide(settings: &ImportSettings, found: &[Uuid]) -> Result<Decision> {
    match (found, settings.on_match, settings.on_new) {
        ([], _, OnNew::Skip) => Ok(Decision::Skip(None)),
        ([], _, OnNew::Create) | ([_, ..], OnMatch::Create, _) => Ok(Decision::Create),
        ([first, ..], OnMatch::Skip, _) => Ok(Decision::Skip(Some(*first))),
        ([one], OnMatch::Update, _) => Ok(Decision::Update(*one)),
        ([_, _, ..], OnMatch::Update, _) => Err(Error::conflict(
            "ambiguous",
            format!("The row may mean any of {} records.", found.len()),
        )),
    }
}

/// Two companies of one name in one town have different numbers; a number that is changed is told by the id.
///
/// # Errors
/// `Conflict` when the row means another company.
pub fn check_is_the_same(old: &Company, values: &Values) -> Result<()> {
    if text(values, "id") == Some(old.id.to_string().as_str()) {
        return Ok(());
    }
    let registers = old.register_number.as_deref().zip(text(values, "register_number"));
    let vat_ids = old.vat_id.clone().zip(text(values, "vat_id").map(compact));
    if registers.is_some_and(|(there, told)| !may_be_one_register(there, told))
        || vat_ids.is_some_and(|(there, told)| there != told)
    {
        return Err(Error::conflict(
            "another_company",
            "The company that the row seems to mean has another register number or VAT id; name the \
             id of the company, or have it matched by less.",
        ));
    }
    Ok(())
}

/// Several people have one mailbox: by its address alone nobody becomes somebody else.
///
/// # Errors
/// `Conflict` when the row means another person.
pub fn check_is_the_same_person(old: &Contact, values: &Values) -> Result<()> {
    let is_named = text(values, "id") == Some(old.id.to_string().as_str());
    let name = text(values, "name");
    if is_named || name.is_none_or(|name| fold(name) == fold(&old.name)) {
        return Ok(());
    }
    Err(Error::conflict(
        "another_person",
        "A contact of the organisation has this e-mail address under another name; name the id of the \
         contact if it is the same person, or have it matched by the name.",
    ))
}

/// What a rule that refuses a row says of it.
///
/// # Errors
/// What is no fault of the row.
pub fn refusal(settings: &ImportSettings, error: Error) -> Result<Vec<RowError>> {
    let of_row = |code: &str, message: String| {
        vec![RowError { column: None, code: code.to_owned(), message }]
    };
    match error {
        Error::Invalid(violations) => Ok(settings.row_errors(violations)),
        Error::Conflict { code, detail } => Ok(of_row(code, detail)),
        Error::Forbidden(detail) => Ok(of_row("forbidden", detail)),
        Error::NotFound(_) => Ok(of_row("not_found", error.to_string())),
        Error::Merged { .. } => Ok(of_row("merged", error.to_string())),
        error => Err(error),
    }
}
