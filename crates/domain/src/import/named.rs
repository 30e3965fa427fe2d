//! What cells name: districts, sites, colleagues and topics, by id, code or name.

use std::collections::HashMap;

use uuid::Uuid;

use crate::district::District;
use crate::name::fold;

/// As the database has it.
#[derive(Debug, Default)]
pub struct Named {
    districts: Places<Uuid>,
    sites: Places<Uuid>,
    users: Places<Uuid>,
    topics: Places<String>,
}

/// A name that several have is nobody's.
#[derive(Debug)]
struct Places<T>(HashMap<String, Option<T>>);

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone + PartialEq> Places<T> {
    fn add(&mut self, name: &str, what: &T) {
        let known = self.0.entry(key(name)).or_insert_with(|| Some(what.clone()));
        if known.as_ref() != Some(what) {
            *known = None;
        }
    }

    fn find(&self, name: &str) -> Option<T> {
        self.0.get(&key(name)).cloned().flatten()
    }
}

/// Ids and e-mail addresses as they are; names whatever their case, umlauts and punctuation.
fn key(name: &str) -> String {
    let name = name.trim();
    if name.contains('@') || name.parse::<Uuid>().is_ok() {
        name.to_lowercase()
    } else {
        fold(name)
    }
}

impl Named {
    pub fn add_districts(&mut self, districts: &[District]) {
        for district in districts {
            for name in [&district.id.0.to_string(), &district.key, &district.name] {
                self.districts.add(name, &district.id.0);
            }
        }
    }

    pub fn add_site(&mut self, id: Uuid, name: &str) {
        self.sites.add(&id.to_string(), &id);
        self.sites.add(name, &id);
    }

    pub fn add_user(&mut self, id: Uuid, name: &str, email: &str) {
        for known in [&id.to_string(), name, email] {
            self.users.add(known, &id);
        }
    }

    pub fn add_topic(&mut self, code: &str, labels: [&str; 2]) {
        let code = code.to_owned();
        for name in [code.as_str(), labels[0], labels[1]] {
            self.topics.add(name, &code);
        }
    }

    #[must_use]
    pub fn district(&self, name: &str) -> Option<Uuid> {
        self.districts.find(name)
    }

    #[must_use]
    pub fn site(&self, name: &str) -> Option<Uuid> {
        self.sites.find(name)
    }

    #[must_use]
    pub fn user(&self, name: &str) -> Option<Uuid> {
        self.users.find(name)
    }

    #[must_use]
    pub fn topic(&self, name: &str) -> Option<String> {
        self.topics.find(name)
    }
}
