//! The values that a dimension has, whether or not there are records of them.

use std::collections::HashSet;

use chrono::{Datelike, Months, NaiveDate};
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::actor::ActorType;
use lotse_domain::code::Code;
use lotse_domain::consultation::{Channel, ConsultationKind};
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::policy::Scope;
use lotse_domain::size_class::SizeClass;
use lotse_domain::statistics::{Dimension, GroupValue, Window};

use super::dimension::value;
use crate::connection::Conn;
use crate::error::DbResult;
use crate::grouping::Labels;
use crate::schema::{carriers, districts, sites, topics};
use crate::sql_types::Key;

/// In the order that people read them in; none where they are not known beforehand.
///
/// # Errors
/// When the database cannot be read.
pub fn values(
    conn: &mut Conn,
    scope: &Scope,
    dimension: Dimension,
    window: Window,
) -> Result<Option<Vec<GroupValue>>> {
    let codes = |codes: Vec<&'static str>| {
        codes.into_iter().map(|code| value(dimension, code.to_owned(), Labels::default())).collect()
    };
    let carrier = match scope {
        Scope::Nothing => return Ok(None),
        Scope::Network => None,
        Scope::Carrier(carrier) => Some(Key(carrier.0)),
    };
    let values = match dimension {
        Dimension::Site => {
            let mut query = sites::table.into_boxed();
            if let Some(carrier) = carrier {
                query = query.filter(sites::carrier_id.eq(carrier));
            }
            let found: Vec<(Key, String)> =
                query.order(sites::name).select((sites::id, sites::name)).load(conn).db()?;
            of_ids(found)
        }
        Dimension::Carrier => {
            let mut query = carriers::table.into_boxed();
            if let Some(carrier) = carrier {
                query = query.filter(carriers::id.eq(carrier));
            }
            let found: Vec<(Key, String)> = query
                .order(carriers::name)
                .select((carriers::id, carriers::name))
                .load(conn)
                .db()?;
            of_ids(found)
        }
        Dimension::District => {
            let found: Vec<(String, String, String)> = districts::table
                .filter(districts::valid_from.le(window.to))
                .filter(
                    districts::valid_to
                        .is_null()
                        .or(districts::valid_to.assume_not_null().ge(window.from)),
                )
                .order((districts::name, districts::key))
                .select((districts::key, districts::name, districts::name))
                .load(conn)
                .db()?;
            of_codes(found)
        }
        Dimension::Topic => {
            let found: Vec<(String, String, String)> = topics::table
                .filter(topics::valid_from.le(window.to))
                .filter(
                    topics::valid_to
                        .is_null()
                        .or(topics::valid_to.assume_not_null().ge(window.from)),
                )
                .order((topics::label_en, topics::code))
                .select((topics::code, topics::label_de, topics::label_en))
                .load(conn)
                .db()?;
            of_codes(found)
        }
        Dimension::Month => times(window, |on| on.format("%Y-%m").to_string()),
        Dimension::Quarter => times(window, |on| format!("{}-Q{}", on.year(), on.quarter())),
        Dimension::Year => times(window, |on| on.year().to_string()),
        Dimension::Kind => codes(all::<ConsultationKind>()),
        Dimension::Channel => codes(all::<Channel>()),
        Dimension::SizeClass | Dimension::FirstSizeClass => codes(all::<SizeClass>()),
        Dimension::OrganisationKind => codes(all::<OrganisationKind>()),
        Dimension::ActorType | Dimension::FirstActorType => codes(all::<ActorType>()),
        Dimension::Section | Dimension::Country | Dimension::Occupation => return Ok(None),
    };
    Ok(Some(values))
}

fn all<C: Code>() -> Vec<&'static str> {
    C::all().into_iter().map(Code::code).collect()
}

fn of_ids(found: Vec<(Key, String)>) -> Vec<GroupValue> {
    found.into_iter().map(|(id, name)| GroupValue::named(id.0.to_string(), name)).collect()
}

/// A code that was valid twice in the window has one row.
fn of_codes(found: Vec<(String, String, String)>) -> Vec<GroupValue> {
    let mut seen = HashSet::new();
    found
        .into_iter()
        .filter(|(code, ..)| seen.insert(code.clone()))
        .map(|(code, label_de, label)| GroupValue::new(code, label_de, label))
        .collect()
}

/// The months of a window as something else, each once.
fn times(window: Window, name: impl Fn(NaiveDate) -> String) -> Vec<GroupValue> {
    let mut names: Vec<String> = Vec::new();
    let mut on = window.from.with_day(1).unwrap_or(window.from);
    while on <= window.to {
        let found = name(on);
        if names.last() != Some(&found) {
            names.push(found);
        }
        let Some(next) = on.checked_add_months(Months::new(1)) else { break };
        on = next;
    }
    names.into_iter().map(|name| GroupValue::named(name.clone(), name)).collect()
}
