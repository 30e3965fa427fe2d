//! Labels of the values in a report, frozen with it: names change.

use std::collections::BTreeMap;

use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::actor::ActorType;
use lotse_domain::code::Code;
use lotse_domain::code_list::{label_de, label_en};
use lotse_domain::consultation::{Channel, ConsultationKind};
use lotse_domain::event::EventKind;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::report::{Labels, ReportLabel};
use lotse_domain::size_class::SizeClass;
use lotse_domain::statistics::Dimension;

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::{carriers, districts, sites, topics};
use crate::sql_types::Key;

/// Those of everything whose values are not codes of the law or of a classification.
///
/// # Errors
/// When the database cannot be read.
pub fn labels(conn: &mut Conn) -> Result<Labels> {
    let of_sites: Vec<(Key, String)> =
        sites::table.select((sites::id, sites::name)).load(conn).db()?;
    let of_carriers: Vec<(Key, String)> =
        carriers::table.select((carriers::id, carriers::name)).load(conn).db()?;
    let of_districts: Vec<(String, String)> =
        districts::table.select((districts::key, districts::name)).load(conn).db()?;
    let of_topics: Vec<(String, String, String)> =
        topics::table.select((topics::code, topics::label_de, topics::label_en)).load(conn).db()?;
    let same = |name: String| ReportLabel { de: name.clone(), en: name };
    let ids = |found: Vec<(Key, String)>| -> BTreeMap<String, ReportLabel> {
        found.into_iter().map(|(id, name)| (id.0.to_string(), same(name))).collect()
    };
    let topics =
        of_topics.into_iter().map(|(code, de, en)| (code, ReportLabel { de, en })).collect();
    let districts = of_districts.into_iter().map(|(key, name)| (key, same(name))).collect();
    let dimension = |dimension: Dimension| dimension.code().to_owned();
    Ok(BTreeMap::from([
        (dimension(Dimension::Site), ids(of_sites)),
        (dimension(Dimension::Carrier), ids(of_carriers)),
        (dimension(Dimension::District), districts),
        (dimension(Dimension::Topic), topics),
        (dimension(Dimension::Channel), codes::<Channel>()),
        (dimension(Dimension::Kind), codes::<ConsultationKind>()),
        (dimension(Dimension::OrganisationKind), codes::<OrganisationKind>()),
        (dimension(Dimension::ActorType), codes::<ActorType>()),
        (dimension(Dimension::FirstActorType), codes::<ActorType>()),
        (dimension(Dimension::SizeClass), codes::<SizeClass>()),
        (dimension(Dimension::FirstSizeClass), codes::<SizeClass>()),
        ("event_kind".to_owned(), codes::<EventKind>()),
    ]))
}

fn codes<C: Code>() -> BTreeMap<String, ReportLabel> {
    C::all()
        .into_iter()
        .map(|code| {
            let code = code.code();
            let label = ReportLabel {
                de: label_de(C::SET, code).to_owned(),
                en: label_en(C::SET, code).to_owned(),
            };
            (code.to_owned(), label)
        })
        .collect()
}
