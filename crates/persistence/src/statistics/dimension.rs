//! Dimensions in SQL: what a record is grouped and filtered by.

use lotse_domain::actor::ActorType;
use lotse_domain::code::Code;
use lotse_domain::consultation::{Channel, ConsultationKind};
use lotse_domain::error::Violation;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::size_class::SizeClass;
use lotse_domain::statistics::{AlsoAt, Condition, Dimension, GroupValue, TopicsAs};
use lotse_domain::{Error, Result, country, occupation};
use uuid::Uuid;

use crate::connection::Backend;
use crate::grouping::{Labels, id_as_text};
use crate::sql_types::Key;
use crate::statement::Statement;

/// What of a record, as SQL over `f`, its codes in a dimension come from: an id, a code, or several of them in a
/// row. None for what is told by the day or by the other records of the organisation.
pub(super) fn cell(dimension: Dimension) -> Option<&'static str> {
    match dimension {
        Dimension::Site => Some("f.site_id"),
        Dimension::Carrier => Some("f.carrier_id"),
        Dimension::District => Some("f.district_id"),
        Dimension::Topic => Some("f.topic_codes"),
        Dimension::Country => Some("f.country_codes"),
        Dimension::Occupation => Some("f.occupation_groups"),
        Dimension::Channel => Some("f.channel"),
        Dimension::SizeClass | Dimension::FirstSizeClass => Some("f.size_class"),
        Dimension::Section => Some("f.section"),
        Dimension::ActorType | Dimension::FirstActorType => Some("f.actor_type"),
        Dimension::Month
        | Dimension::Quarter
        | Dimension::Year
        | Dimension::Kind
        | Dimension::OrganisationKind => None,
    }
}

/// The value of a dimension with the labels that people read.
pub(super) fn value(dimension: Dimension, code: String, labels: Labels) -> GroupValue {
    match dimension {
        Dimension::Kind => GroupValue::of_set(ConsultationKind::SET, code),
        Dimension::Channel => GroupValue::of_set(Channel::SET, code),
        Dimension::SizeClass | Dimension::FirstSizeClass => {
            GroupValue::of_set(SizeClass::SET, code)
        }
        Dimension::OrganisationKind => GroupValue::of_set(OrganisationKind::SET, code),
        Dimension::ActorType | Dimension::FirstActorType => {
            GroupValue::of_set(ActorType::SET, code)
        }
        Dimension::Country => match country::find(&code) {
            Some(found) => GroupValue::new(code, found.label_de.clone(), found.label_en.clone()),
            None => labels.of(code),
        },
        Dimension::Occupation => match occupation::group(&code) {
            Some(group) => GroupValue::new(code, group.title_de.clone(), group.title_en.clone()),
            None => labels.of(code),
        },
        Dimension::Section => GroupValue::section(code),
        Dimension::Site | Dimension::Carrier => labels.of(id_as_text(code)),
        _ => labels.of(code),
    }
}

/// What a record must meet to be counted, as SQL over `f`.
///
/// # Errors
/// `Malformed` for a site or a carrier that is no id.
pub(super) fn conditions(
    statement: &mut Statement,
    conditions: &[Condition<Dimension>],
    also: &[AlsoAt],
    topics: TopicsAs,
) -> Result<Vec<String>> {
    let mut wanted = Vec::new();
    for asked in conditions {
        let mut sql = condition(statement, asked, topics)?;
        for also in also.iter().filter(|also| also.dimension == asked.dimension) {
            if also.carriers.is_empty() {
                continue;
            }
            let codes = also.codes.iter().cloned().map(Some).collect();
            let more = Condition { dimension: also.dimension, codes };
            let more = condition(statement, &more, topics)?;
            let carriers: Vec<String> =
                also.carriers.iter().map(|carrier| statement.id(Key(carrier.0))).collect();
            sql = format!("({sql} OR ({more} AND f.carrier_id IN ({})))", carriers.join(", "));
        }
        wanted.push(sql);
    }
    Ok(wanted)
}

fn condition(
    statement: &mut Statement,
    condition: &Condition<Dimension>,
    topics: TopicsAs,
) -> Result<String> {
    let codes: Vec<&str> = condition.codes.iter().flatten().map(String::as_str).collect();
    let or_none = condition.codes.contains(&None);
    let sql = match condition.dimension {
        Dimension::Site => among_ids(statement, "f.site_id", &codes)?,
        Dimension::Carrier => among_ids(statement, "f.carrier_id", &codes)?,
        Dimension::District => {
            let keys = among(statement, "d.\"key\"", &codes);
            let none = if or_none { "f.district_id IS NULL OR " } else { "" };
            format!("({none}f.district_id IN (SELECT d.id FROM districts d WHERE {keys}))")
        }
        Dimension::Topic => match topics {
            TopicsAs::Recorded => of_several(statement, "f.topic_codes", &codes, false),
            TopicsAs::Current => {
                let wanted = among(statement, "t.code", &codes);
                format!(
                    "EXISTS (SELECT 1 FROM consultation_topics ct \
                     JOIN current_topics n ON n.topic_id = ct.topic_id \
                     JOIN topics t ON t.id = n.current_id \
                     WHERE ct.consultation_id = f.id AND {wanted})"
                )
            }
        },
        Dimension::Country => of_several(statement, "f.country_codes", &codes, or_none),
        Dimension::Occupation => of_several(statement, "f.occupation_groups", &codes, or_none),
        dimension => {
            // Of these the code is a column of `f`.
            let column = format!("f.{}", dimension.code());
            let wanted = among(statement, &column, &codes);
            if or_none { format!("({column} IS NULL OR {wanted})") } else { wanted }
        }
    };
    Ok(sql)
}

pub(crate) fn among(statement: &mut Statement, what: &str, codes: &[&str]) -> String {
    if codes.is_empty() {
        return "(1 = 0)".to_owned();
    }
    let bound: Vec<String> = codes.iter().map(|code| statement.text(code)).collect();
    format!("{what} IN ({})", bound.join(", "))
}

pub(crate) fn among_ids(statement: &mut Statement, what: &str, codes: &[&str]) -> Result<String> {
    let mut bound = Vec::new();
    for code in codes {
        let id = Uuid::parse_str(code).map_err(|_| Error::Malformed {
            code: "malformed_query",
            detail: format!("{code:?} is not the id of a site or carrier."),
            errors: vec![Violation {
                pointer: "filter".to_owned(),
                code: "not_an_id".to_owned(),
                message: "must name sites and carriers by id".to_owned(),
            }],
        })?;
        bound.push(statement.id(Key(id)));
    }
    if bound.is_empty() {
        return Ok("(1 = 0)".to_owned());
    }
    Ok(format!("{what} IN ({})", bound.join(", ")))
}

/// A record may have several codes in a row, or none.
fn of_several(statement: &mut Statement, column: &str, codes: &[&str], or_none: bool) -> String {
    let place = match statement.backend() {
        Backend::Postgres => "strpos",
        Backend::Sqlite => "instr",
    };
    let mut any: Vec<String> = codes
        .iter()
        .map(|code| {
            let code = statement.text(&format!(",{code},"));
            format!("{place}(',' || coalesce({column}, '') || ',', {code}) > 0")
        })
        .collect();
    if or_none {
        any.push(format!("{column} IS NULL"));
    }
    if any.is_empty() {
        return "(1 = 0)".to_owned();
    }
    format!("({})", any.join(" OR "))
}
