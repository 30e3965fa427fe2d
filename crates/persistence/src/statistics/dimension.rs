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
use crate::grouping::{Labels, Source, id_as_text};
use crate::sql_types::Key;
use crate::statement::Statement;

/// What the organisation was at its first support in the period; a caller who stays anonymous is what is
/// known of him or her.
const FIRST_SIZE_CLASS: &str = "CASE WHEN organisation_id IS NULL THEN size_class ELSE \
     first_value(size_class) OVER (PARTITION BY organisation_id, short ORDER BY held_on, starts_at, id) \
     END AS first_size_class";
const FIRST_ACTOR_TYPE: &str = "first_value(actor_type) OVER \
     (PARTITION BY organisation_id, short ORDER BY held_on, starts_at, id) AS first_actor_type";

/// Where a dimension comes from, and the column of the view that this needs.
pub(super) struct Needed {
    pub column: Option<&'static str>,
    pub of: Source,
}

pub(super) fn source(dimension: Dimension, topics: TopicsAs, backend: Backend) -> Needed {
    let plain = |column, code| Needed {
        column: Some(column),
        of: Source { code, label: code, label_de: None, join: "" },
    };
    // Ids in the form that the API gives them.
    let id = |postgres, sqlite| if backend == Backend::Postgres { postgres } else { sqlite };
    match dimension {
        Dimension::Site => Needed {
            column: Some("site_id"),
            of: Source {
                code: id("CAST(f.site_id AS text)", "lower(hex(f.site_id))"),
                label: "s.name",
                label_de: None,
                join: "JOIN sites s ON s.id = f.site_id",
            },
        },
        Dimension::Carrier => Needed {
            column: Some("carrier_id"),
            of: Source {
                code: id("CAST(f.carrier_id AS text)", "lower(hex(f.carrier_id))"),
                label: "k.name",
                label_de: None,
                join: "JOIN carriers k ON k.id = f.carrier_id",
            },
        },
        Dimension::District => Needed {
            column: Some("district_id"),
            of: Source {
                code: "d.\"key\"",
                label: "d.name",
                label_de: None,
                join: "LEFT JOIN districts d ON d.id = f.district_id",
            },
        },
        Dimension::Topic => Needed {
            column: None,
            of: Source {
                code: "t.code",
                label: "t.label_en",
                label_de: Some("t.label_de"),
                join: match topics {
                    TopicsAs::Recorded => {
                        "JOIN consultation_topics ct ON ct.consultation_id = f.id \
                     JOIN topics t ON t.id = ct.topic_id"
                    }
                    // Once, also where a topic and what replaced it are both recorded: one that was replaced
                    // is left out when the record has the one of today, or another before it that became it.
                    TopicsAs::Current => {
                        "JOIN consultation_topics ct ON ct.consultation_id = f.id \
                     JOIN topics_today n ON n.topic_id = ct.topic_id AND ( \
                         n.current_id = ct.topic_id OR NOT EXISTS ( \
                             SELECT 1 \
                             FROM consultation_topics e \
                             JOIN topics_today en ON en.topic_id = e.topic_id \
                             WHERE e.consultation_id = ct.consultation_id \
                                 AND en.current_id = n.current_id \
                                 AND (e.topic_id = n.current_id OR e.position < ct.position) \
                         ) \
                     ) \
                     JOIN topics t ON t.id = n.current_id"
                    }
                },
            },
        },
        Dimension::Country => Needed {
            column: None,
            of: Source {
                code: "cc.code",
                label: "cc.code",
                label_de: None,
                join: "LEFT JOIN consultation_countries cc ON cc.consultation_id = f.id",
            },
        },
        // The table has each beginning of a code once, also where several occupations have it.
        Dimension::Occupation => Needed {
            column: None,
            of: Source {
                code: "co.code",
                label: "co.code",
                label_de: None,
                join: "LEFT JOIN consultation_occupations co \
                       ON co.consultation_id = f.id AND length(co.code) = 2",
            },
        },
        Dimension::Month => plain("month", "f.month"),
        Dimension::Quarter => plain("quarter", "f.quarter"),
        Dimension::Year => plain("year", "f.year"),
        // Both are there for the figures anyway.
        Dimension::Kind => Needed { column: None, ..plain("kind", "f.kind") },
        Dimension::Channel => plain("channel", "f.channel"),
        Dimension::SizeClass => plain("size_class", "f.size_class"),
        Dimension::Section => plain("section", "f.section"),
        Dimension::OrganisationKind => {
            Needed { column: None, ..plain("organisation_kind", "f.organisation_kind") }
        }
        Dimension::ActorType => plain("actor_type", "f.actor_type"),
        Dimension::FirstSizeClass => plain(FIRST_SIZE_CLASS, "f.first_size_class"),
        Dimension::FirstActorType => plain(FIRST_ACTOR_TYPE, "f.first_actor_type"),
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
        Dimension::Topic => {
            let wanted = among(statement, "t.code", &codes);
            let topic = match topics {
                TopicsAs::Recorded => "ct.topic_id",
                TopicsAs::Current => {
                    "(SELECT n.current_id FROM current_topics n WHERE n.topic_id = ct.topic_id)"
                }
            };
            format!(
                "EXISTS (SELECT 1 FROM consultation_topics ct JOIN topics t ON t.id = {topic} \
                 WHERE ct.consultation_id = f.id AND {wanted})"
            )
        }
        Dimension::Country => of_several(statement, "consultation_countries", "", &codes, or_none),
        Dimension::Occupation => {
            let groups = " AND length(x.code) = 2";
            of_several(statement, "consultation_occupations", groups, &codes, or_none)
        }
        dimension => {
            // Of these the code is a column of `f`.
            let column = source(dimension, topics, statement.backend()).of.code;
            let wanted = among(statement, column, &codes);
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

/// A record may have several codes in another table, or none.
fn of_several(
    statement: &mut Statement,
    table: &str,
    of_these: &str,
    codes: &[&str],
    or_none: bool,
) -> String {
    let wanted = among(statement, "x.code", codes);
    let any = format!("SELECT 1 FROM {table} x WHERE x.consultation_id = f.id{of_these}");
    let none = if or_none { format!("NOT EXISTS ({any}) OR ") } else { String::new() };
    format!("({none}EXISTS ({any} AND {wanted}))")
}
