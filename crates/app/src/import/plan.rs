//! What is to be done for rows of a file, many at once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lotse_domain::company::Company;
use lotse_domain::id::CompanyId;
use lotse_domain::import::company::{MatchKey, Step, keys, keys_of, step};
use lotse_domain::import::field::Named;
use lotse_domain::import::file::Row;
use lotse_domain::import::layout::Layout;
use lotse_domain::import::{Import, ImportSettings, PlannedRow};
use lotse_domain::{Error, Result};
use lotse_persistence::import::company::matching;
use lotse_persistence::{Conn, company, district};
use serde_json::{Map, Value};

/// Rows in one transaction. On SQLite others wait to write meanwhile.
pub(super) const BATCH: usize = 200;

/// How the rows of a file are read and matched.
pub(super) struct Plan<'a> {
    settings: &'a ImportSettings,
    layout: Layout<'a>,
    named: Named,
}

impl<'a> Plan<'a> {
    pub fn new(conn: &mut Conn, import: &'a Import, header: &[String]) -> Result<Self> {
        let layout = Layout::new(import.target, &import.settings, header)?;
        let named = Named::new(&district::all(conn)?);
        Ok(Self { settings: &import.settings, layout, named })
    }

    /// One step for each row. A row means a company that a row before it makes, too.
    pub fn rows(
        &self,
        conn: &mut Conn,
        now: DateTime<Utc>,
        rows: &[Row],
        new_id: &mut dyn FnMut() -> CompanyId,
    ) -> Result<Vec<Step>> {
        let read: Vec<_> = rows.iter().map(|row| self.layout.read(row, &self.named)).collect();
        let keyed = |values: &Map<String, Value>| keys(values, &self.settings.match_by);
        let all: Vec<MatchKey> = read.iter().flatten().flat_map(keyed).collect();
        let mut known = Known { by_key: matching(conn, &all)?, by_id: HashMap::new() };
        let mut steps = Vec::with_capacity(rows.len());
        for values in read {
            let values = match values {
                Ok(values) => values,
                Err(errors) => {
                    steps.push(Step::Refuse(errors));
                    continue;
                }
            };
            let meant = known.meant_by(&keyed(&values));
            for id in &meant {
                known.load(conn, *id)?;
            }
            let found: Vec<&Company> = meant.iter().filter_map(|id| known.by_id.get(id)).collect();
            let step = step(self.settings, &self.named, values, &found, new_id(), now)?;
            if let Step::Create(new) | Step::Update { new, .. } = &step {
                known.add(new);
            }
            steps.push(step);
        }
        Ok(steps)
    }
}

/// Companies as they are after the rows up to now.
struct Known {
    by_key: HashMap<MatchKey, Vec<CompanyId>>,
    by_id: HashMap<CompanyId, Company>,
}

impl Known {
    /// By the first rule that finds any.
    fn meant_by(&self, keys: &[MatchKey]) -> Vec<CompanyId> {
        keys.iter().find_map(|key| self.by_key.get(key)).cloned().unwrap_or_default()
    }

    fn load(&mut self, conn: &mut Conn, id: CompanyId) -> Result<()> {
        if self.by_id.contains_key(&id) {
            return Ok(());
        }
        match company::find(conn, id) {
            Ok(found) => {
                self.by_id.insert(id, found);
                Ok(())
            }
            // It went meanwhile.
            Err(Error::NotFound(_) | Error::Merged { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn add(&mut self, company: &Company) {
        for key in keys_of(company) {
            let ids = self.by_key.entry(key).or_default();
            if !ids.contains(&company.id) {
                ids.push(company.id);
            }
        }
        self.by_id.insert(company.id, company.clone());
    }
}

/// A step, for who looks before anything is done.
pub(super) fn told(step: Step, row: &Row) -> PlannedRow {
    let outcome = step.outcome();
    let (record_id, errors) = match step {
        Step::Create(_) => (None, Vec::new()),
        Step::Update { old, .. } => (Some(old.id.0), Vec::new()),
        Step::Unchanged(id) => (Some(id.0), Vec::new()),
        Step::Skip(id) => (id.map(|id| id.0), Vec::new()),
        Step::Refuse(errors) => (None, errors),
    };
    let cells = row.cells.iter().map(|cell| cell.text.clone()).collect();
    PlannedRow { number: row.number, outcome, record_id, cells, errors }
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
