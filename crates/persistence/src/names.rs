//! Names of the records that a network has few of and shows with everything: sites, advisers, topics …
//! They stay in memory as long as the database says that none was added or changed, which the check of
//! the log-in reads along with every request. So a page of consultations joins no small tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use lotse_domain::consultation::TopicReference;
use lotse_domain::entity::Reference;
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::{carriers, districts, funding_periods, sites, topics, users};
use crate::sql_types::Key;

/// The state of the tables with few rows; another number means other names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(pub(crate) i64);

#[derive(Debug)]
pub struct Names {
    generation: Generation,
    names: HashMap<Key, String>,
    topics: HashMap<Key, TopicReference>,
}

impl Names {
    /// Those of now, for one use.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of_now(conn: &mut Conn) -> Result<Self> {
        Self::load(conn, Generation(0))
    }

    fn load(conn: &mut Conn, generation: Generation) -> Result<Self> {
        let mut names: HashMap<Key, String> = HashMap::new();
        let carriers: Vec<(Key, String)> =
            carriers::table.select((carriers::id, carriers::name)).load(conn).db()?;
        names.extend(carriers);
        let sites: Vec<(Key, String)> =
            sites::table.select((sites::id, sites::name)).load(conn).db()?;
        names.extend(sites);
        let periods: Vec<(Key, String)> = funding_periods::table
            .select((funding_periods::id, funding_periods::name))
            .load(conn)
            .db()?;
        names.extend(periods);
        let districts: Vec<(Key, String)> =
            districts::table.select((districts::id, districts::name)).load(conn).db()?;
        names.extend(districts);
        let users: Vec<(Key, String)> =
            users::table.select((users::id, users::name)).load(conn).db()?;
        names.extend(users);
        let topics: Vec<(Key, String, String, String)> = topics::table
            .select((topics::id, topics::code, topics::label_de, topics::label_en))
            .load(conn)
            .db()?;
        let topics = topics
            .into_iter()
            .map(|(id, code, label_de, label_en)| (id, TopicReference { code, label_de, label_en }))
            .collect();
        Ok(Self { generation, names, topics })
    }

    pub(crate) fn reference(&self, id: Key) -> Result<Reference> {
        let name = self.names.get(&id).ok_or_else(outdated)?;
        Ok(Reference { id: id.0, name: name.clone() })
    }

    pub(crate) fn topic(&self, id: Key) -> Result<TopicReference> {
        self.topics.get(&id).cloned().ok_or_else(outdated)
    }
}

/// A record can refer to one that was added after the generation was read. `Busy`, so that the work
/// begins again, with the names of now.
fn outdated() -> Error {
    Error::Busy("a name was added in between".into())
}

/// The names last loaded, for all requests.
#[derive(Clone, Debug, Default)]
pub struct NamesInMemory(Arc<Mutex<Option<Arc<Names>>>>);

impl NamesInMemory {
    /// Those of the generation, loaded if others are in memory.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of(&self, generation: Generation, conn: &mut Conn) -> Result<Arc<Names>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(names) if names.generation == generation => Ok(names),
            _ => {
                let names = Arc::new(Names::load(conn, generation)?);
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&names));
                Ok(names)
            }
        }
    }
}
