//! A row of a file as a company: which one it means, and what would become of that one. The rules are those of
//! companies that are entered one by one.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::field::Named;
use super::{ImportOutcome, ImportSettings, MatchRule, OnMatch, OnNew, RowError};
use crate::check::shape_violation;
use crate::company::{Company, CompanyInput};
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::id::{CompanyId, DistrictId};
use crate::name::fold;
use crate::patch::MergePatch;

/// What a row says of the company that it means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MatchKey {
    Id(Uuid),
    RegisterNumber(String),
    VatId(String),
    /// Both folded.
    NameAndTown {
        name: String,
        town: String,
    },
}

/// In the order of the rules; a rule that the row says nothing for is left out.
#[must_use]
pub fn keys(values: &Map<String, Value>, rules: &[MatchRule]) -> Vec<MatchKey> {
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    let key = |rule: &MatchRule| match rule {
        MatchRule::Id => text("id")?.parse().ok().map(MatchKey::Id),
        MatchRule::RegisterNumber => {
            text("register_number").map(|number| MatchKey::RegisterNumber(number.to_owned()))
        }
        MatchRule::VatId => text("vat_id").map(|vat_id| MatchKey::VatId(compact(vat_id))),
        MatchRule::NameAndTown => {
            let town = values.get("address")?.get("city")?.as_str()?;
            Some(MatchKey::NameAndTown { name: fold(text("name")?), town: fold(town) })
        }
    };
    rules.iter().filter_map(key).collect()
}

/// What later rows of the same file mean this company by.
#[must_use]
pub fn keys_of(company: &Company) -> Vec<MatchKey> {
    let register_number = company.register_number.clone().map(MatchKey::RegisterNumber);
    let vat_id = company.vat_id.clone().map(MatchKey::VatId);
    let name_and_town = company
        .address
        .city
        .as_ref()
        .map(|town| MatchKey::NameAndTown { name: fold(&company.name), town: fold(town) });
    let id = Some(MatchKey::Id(company.id.0));
    [id, register_number, vat_id, name_and_town].into_iter().flatten().collect()
}

/// As companies keep it.
fn compact(vat_id: &str) -> String {
    vat_id.split_whitespace().collect::<String>().to_uppercase()
}

/// What is to be done for a row.
#[derive(Clone, Debug)]
pub enum Step {
    Create(Box<Company>),
    Update { old: Box<Company>, new: Box<Company> },
    Unchanged(CompanyId),
    Skip(Option<CompanyId>),
    Refuse(Vec<RowError>),
}

impl Step {
    #[must_use]
    pub fn outcome(&self) -> ImportOutcome {
        match self {
            Self::Create(_) => ImportOutcome::Created,
            Self::Update { .. } => ImportOutcome::Updated,
            Self::Unchanged(_) => ImportOutcome::Unchanged,
            Self::Skip(_) => ImportOutcome::Skipped,
            Self::Refuse(_) => ImportOutcome::Refused,
        }
    }
}

/// `found` are the companies that the row may mean, by the first rule that finds any.
///
/// # Errors
/// What is no fault of the row.
pub fn step(
    settings: &ImportSettings,
    named: &Named,
    values: Map<String, Value>,
    found: &[&Company],
    id: CompanyId,
    now: DateTime<Utc>,
) -> Result<Step> {
    let planned = match (found, settings.on_match, settings.on_new) {
        ([], _, OnNew::Skip) => return Ok(Step::Skip(None)),
        ([], _, OnNew::Create) | ([_, ..], OnMatch::Create, _) => {
            created(id, now, values, named).map(|new| Step::Create(Box::new(new)))
        }
        ([first, ..], OnMatch::Skip, _) => return Ok(Step::Skip(Some(first.id))),
        ([one], OnMatch::Update, _) => updated(one, now, values, named),
        ([_, _, ..], OnMatch::Update, _) => Err(Error::conflict(
            "ambiguous",
            format!("The row may mean any of {} companies.", found.len()),
        )),
    };
    match planned {
        Err(Error::Invalid(violations)) => Ok(Step::Refuse(settings.row_errors(violations))),
        Err(Error::Conflict { code, detail }) => Ok(Step::Refuse(vec![RowError {
            column: None,
            code: code.to_owned(),
            message: detail,
        }])),
        other => other,
    }
}

fn created(
    id: CompanyId,
    now: DateTime<Utc>,
    mut values: Map<String, Value>,
    named: &Named,
) -> Result<Company> {
    // Of another installation, or of a record that is not there any more: ids are given here.
    values.remove("id");
    let input: CompanyInput = serde_path_to_error::deserialize(Value::Object(values))
        .map_err(|error| Error::Invalid(vec![shape_violation(error.path(), error.inner())]))?;
    Company::new(id, now, &input, district(named, input.district_id)?)
}

fn updated(
    old: &Company,
    now: DateTime<Utc>,
    mut values: Map<String, Value>,
    named: &Named,
) -> Result<Step> {
    check_is_the_same(old, &values)?;
    values.remove("id");
    let patch: MergePatch = serde_json::from_value(Value::Object(values))
        .map_err(|error| Error::Internal(error.into()))?;
    let input: CompanyInput = patch.apply(&CompanyInput::from(old))?;
    let new = old.changed(now, &input, district(named, input.district_id)?)?;
    let (version, updated_at) = (old.version, old.updated_at);
    if (Company { version, updated_at, ..new.clone() }) == *old {
        return Ok(Step::Unchanged(old.id));
    }
    Ok(Step::Update { old: Box::new(old.clone()), new: Box::new(new) })
}

/// Two companies of one name in one town have different numbers; a number that is changed is told by the id.
fn check_is_the_same(old: &Company, values: &Map<String, Value>) -> Result<()> {
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    if text("id") == Some(old.id.to_string().as_str()) {
        return Ok(());
    }
    let differ = |there: Option<&String>, told: Option<&str>| {
        there.zip(told).is_some_and(|(there, told)| fold(there) != fold(told))
    };
    let vat_id = text("vat_id").map(compact);
    if differ(old.register_number.as_ref(), text("register_number"))
        || differ(old.vat_id.as_ref(), vat_id.as_deref())
    {
        return Err(Error::conflict(
            "another_company",
            "The company that the row seems to mean has another register number or VAT id; name the \
             id of the company, or have it matched by less.",
        ));
    }
    Ok(())
}

fn district(named: &Named, id: Option<DistrictId>) -> Result<Option<Reference>> {
    let Some(id) = id else { return Ok(None) };
    named
        .district(id)
        .map(Some)
        .ok_or_else(|| Error::invalid("/district_id", "unknown", "must be the id of a district"))
}
