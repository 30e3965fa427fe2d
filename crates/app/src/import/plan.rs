//! What comes of rows, many at once. Each is done by the use case of a request, as a part of its own: a row that
//! is refused leaves nothing behind and does not spoil the others. Who looks first has the same done and taken back.

use std::collections::HashMap;

use lotse_domain::id::OrganisationId;
use lotse_domain::import::file::Row;
use lotse_domain::import::key::{
    Decision, MatchKey, check_is_the_same, check_is_the_same_person, decide, keys, of_organisation,
    refusal,
};
use lotse_domain::import::layout::Layout;
use lotse_domain::import::named::Named;
use lotse_domain::import::{Import, ImportOutcome, ImportTarget, PlannedRow, RowError};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::patch::shaped;
use lotse_domain::{Error, Result};
use lotse_persistence::import::known;
use lotse_persistence::{company, consultation, contact, event};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::target::{self, check_may};
use crate::Writing;
use crate::consultation::none_if_missing;

/// Rows in one transaction. On SQLite others wait to write meanwhile.
pub(super) const BATCH: usize = 200;

type Values = Map<String, Value>;

/// How the rows of a file are read and matched.
pub(super) struct Plan<'a> {
    import: &'a Import,
    layout: Layout<'a>,
    named: Named,
}

/// What came of a row.
pub(super) struct Came {
    pub outcome: ImportOutcome,
    pub record_id: Option<Uuid>,
    /// The version that came of it, where something did.
    pub version: Option<i64>,
    /// The command of a record as it was before it was updated.
    pub old: Option<Value>,
    pub errors: Vec<RowError>,
}

impl Came {
    fn of(outcome: ImportOutcome, record_id: Option<Uuid>) -> Self {
        Self { outcome, record_id, version: None, old: None, errors: Vec::new() }
    }

    fn refused(errors: Vec<RowError>) -> Self {
        Self { errors, ..Self::of(ImportOutcome::Refused, None) }
    }
}

/// Organisations by what rows say of them, as they are after the rows up to now.
type Known = HashMap<MatchKey, Vec<OrganisationId>>;

impl<'a> Plan<'a> {
    pub fn new(tx: &mut Writing, import: &'a Import, header: &[String]) -> Result<Self> {
        check_may(&tx.actor, import.target)?;
        let layout = Layout::new(import.target, &import.settings, header)?;
        let scope = tx.scope();
        Ok(Self { import, layout, named: known::named(tx.conn, &scope)? })
    }

    /// What comes of each row.
    pub fn carry_out(&self, tx: &mut Writing, rows: &[Row]) -> Result<Vec<Came>> {
        let read: Vec<_> = rows.iter().map(|row| self.layout.read(row, &self.named)).collect();
        let mut known = self.known(tx, read.iter().flatten())?;
        let mut all = Vec::with_capacity(rows.len());
        for values in read {
            let came = match values {
                Ok(values) => self.row(tx, &mut known, values),
                Err(errors) => Ok(Came::refused(errors)),
            };
            all.push(match came {
                // Somebody changed the record between two statements: the rows are tried again.
                Err(error @ Error::Stale { .. }) => return Err(Error::Busy(error.into())),
                Err(error) => Came::refused(refusal(&self.import.settings, error)?),
                Ok(came) => came,
            });
        }
        Ok(all)
    }

    /// What would come of each row. Nothing is left of it.
    pub fn rehearse(&self, tx: &mut Writing, rows: &[Row]) -> Result<Vec<PlannedRow>> {
        let came = tx.part(|tx| self.carry_out(tx, rows), |_| false)?;
        Ok(came.into_iter().zip(rows).map(|(came, row)| told(came, row)).collect())
    }

    fn known<'v>(&self, tx: &mut Writing, read: impl Iterator<Item = &'v Values>) -> Result<Known> {
        let kind = match self.import.target {
            ImportTarget::Companies => Some(OrganisationKind::Company),
            ImportTarget::Actors => Some(OrganisationKind::Actor),
            // They belong to either.
            ImportTarget::Contacts | ImportTarget::Consultations => None,
            ImportTarget::Events => return Ok(Known::new()),
        };
        let of = |values: &Values| match kind {
            Some(_) => self.keys(values),
            None => of_organisation(values),
        };
        let told: Vec<MatchKey> = read.flat_map(of).collect();
        known::organisations(tx.conn, kind, &told)
    }

    fn keys(&self, values: &Values) -> Vec<MatchKey> {
        keys(values, &self.import.settings.match_by)
    }

    fn row(&self, tx: &mut Writing, known: &mut Known, mut values: Values) -> Result<Came> {
        let target = self.import.target;
        let organisation = organisation(known, &values)?;
        let keys = self.keys(&values);
        let found = self.found(tx, known, organisation, &keys)?;
        let decision = decide(&self.import.settings, &found)?;
        match (target, decision) {
            (ImportTarget::Companies, Decision::Update(id)) => {
                check_is_the_same(&company::find(tx.conn, id.into())?, &values)?;
            }
            (ImportTarget::Contacts, Decision::Update(id)) => {
                let scope = tx.scope();
                let old = contact::find(tx.conn, &scope, id.into())?;
                check_is_the_same_person(&old, &values)?;
            }
            _ => {}
        }
        values.remove("organisation");
        // Of another installation, or of a record that is not there any more: ids are given here.
        values.remove("id");
        if let (ImportTarget::Consultations, Some(organisation)) = (target, organisation) {
            values.insert("organisation_id".to_owned(), json!(organisation));
        }
        let values = Value::Object(values);
        let came = match decision {
            Decision::Skip(id) => return Ok(Came::of(ImportOutcome::Skipped, id)),
            Decision::Create => {
                let create = |tx: &mut Writing| target::create(tx, target, organisation, values);
                let (id, version) = tx.part(create, |_| true)?;
                let came = Came::of(ImportOutcome::Created, Some(id));
                Came { version: Some(version), ..came }
            }
            Decision::Update(id) => {
                let patch = shaped(values)?;
                // A record that says all of it already gets no other version.
                let revise = |tx: &mut Writing| target::revise(tx, target, id, None, &patch);
                let revised = tx.part(revise, |revised| !revised.same)?;
                if revised.same {
                    Came::of(ImportOutcome::Unchanged, Some(id))
                } else {
                    let (version, old) = (Some(revised.version), Some(revised.old));
                    Came { version, old, ..Came::of(ImportOutcome::Updated, Some(id)) }
                }
            }
        };
        if let (ImportTarget::Companies | ImportTarget::Actors, Some(id)) = (target, came.record_id)
        {
            for key in keys {
                let ids = known.entry(key).or_default();
                if !ids.contains(&OrganisationId(id)) {
                    ids.push(OrganisationId(id));
                }
            }
        }
        Ok(came)
    }

    /// The records that a row may mean, by the first rule that finds any.
    fn found(
        &self,
        tx: &mut Writing,
        known: &Known,
        organisation: Option<OrganisationId>,
        keys: &[MatchKey],
    ) -> Result<Vec<Uuid>> {
        for key in keys {
            let found = match self.import.target {
                ImportTarget::Companies | ImportTarget::Actors => {
                    known.get(key).into_iter().flatten().map(|id| id.0).collect()
                }
                target => found_beside(tx, target, organisation, key)?,
            };
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

/// The organisation that a row names for its record; none where it names none.
fn organisation(known: &Known, values: &Values) -> Result<Option<OrganisationId>> {
    let told = of_organisation(values);
    let refused = |code, message: &str| Err(Error::invalid("/organisation_id", code, message));
    match told.iter().find_map(|key| known.get(key)).map(Vec::as_slice) {
        Some([one]) => Ok(Some(*one)),
        Some([_, _, ..]) => refused("ambiguous", "may be any of several; name its town or its id"),
        _ if !values.contains_key("organisation") => Ok(None),
        _ => refused("unknown", "must be a company or actor of the register"),
    }
}

/// As [`Plan::found`], of records of the own carrier.
fn found_beside(
    tx: &mut Writing,
    target: ImportTarget,
    organisation: Option<OrganisationId>,
    key: &MatchKey,
) -> Result<Vec<Uuid>> {
    let scope = tx.scope();
    match (target, key) {
        (ImportTarget::Contacts, MatchKey::Id(id)) => {
            let Some(found) = none_if_missing(contact::find(tx.conn, &scope, (*id).into()))? else {
                return Ok(Vec::new());
            };
            if organisation.is_some_and(|told| told != found.organisation.id) {
                let detail = "The contact belongs to another company or actor than the row names.";
                return Err(Error::conflict("another_organisation", detail));
            }
            Ok(vec![*id])
        }
        (ImportTarget::Consultations, MatchKey::Id(id)) => {
            let found = consultation::find(tx.conn, &tx.names, &scope, (*id).into());
            Ok(none_if_missing(found)?.map(|found| found.id.0).into_iter().collect())
        }
        (ImportTarget::Events, MatchKey::Id(id)) => {
            let found = event::find(tx.conn, &tx.names, &scope, (*id).into());
            Ok(none_if_missing(found)?.map(|found| found.id.0).into_iter().collect())
        }
        (ImportTarget::Contacts, key) => match organisation {
            Some(organisation) => known::contacts(tx.conn, &scope, organisation, key),
            None => Ok(Vec::new()),
        },
        (ImportTarget::Consultations, MatchKey::AdviserAndDay { adviser, day }) => {
            match organisation {
                Some(told) => known::consultations(tx.conn, &scope, told, *adviser, *day),
                None => Ok(Vec::new()),
            }
        }
        (ImportTarget::Events, MatchKey::TitleAndDay { title, day }) => {
            known::events(tx.conn, &scope, title, *day)
        }
        _ => Ok(Vec::new()),
    }
}

/// What came of a row, for who looks before anything is done.
fn told(came: Came, row: &Row) -> PlannedRow {
    // What would be created has no id yet.
    let record_id = came.record_id.filter(|_| came.outcome != ImportOutcome::Created);
    let cells = row.cells.iter().map(|cell| cell.text.clone()).collect();
    PlannedRow { number: row.number, outcome: came.outcome, record_id, cells, errors: came.errors }
}

/// Rows by the batch, the last one with what is left.
pub(super) fn batches(
    mut rows: impl Iterator<Item = Result<Row>>,
    size: usize,
) -> impl Iterator<Item = Result<Vec<Row>>> {
    std::iter::from_fn(move || {
        let batch: Result<Vec<Row>> = rows.by_ref().take(size).collect();
        match batch {
            Ok(batch) if batch.is_empty() => None,
            other => Some(other),
        }
    })
}
