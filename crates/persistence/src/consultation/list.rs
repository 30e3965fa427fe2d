//! The list of consultations: what it can be filtered by, and its orders.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::consultation::{Consultation, ConsultationFilter, ConsultationSort};
use lotse_domain::id::OrganisationId;
use lotse_domain::name::fold;
use lotse_domain::page::{After, Page, Paging};
use lotse_domain::policy::Scope;

use super::{Seen, entities};
use crate::connection::Conn;
use crate::convert::{carrier_of, contains};
use crate::error::DbResult;
use crate::merge;
use crate::names::Names;
use crate::page::first;
use crate::schema::{
    consultation_advisers, consultation_countries, consultation_occupations, consultation_rows,
    consultation_tags, consultation_topics, topics,
};
use crate::sql_types::{At, Id, Key};

type Rows<'a> = consultation_rows::BoxedQuery<'a, <Conn as diesel::Connection>::Backend>;

/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &ConsultationFilter,
    paging: &Paging,
) -> Result<Page<Consultation>> {
    let sort = filter.sort.unwrap_or_default();
    let key = |consultation: &Consultation| (sort.key(consultation), consultation.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let few = few_match(conn, carrier, filter)?;
    let organisation = merge::current(conn, filter.organisation_id)?;
    let matching = || matching(carrier, organisation, filter, few);
    let page = place(matching(), sort, paging.after.as_ref())?;
    let rows: Vec<Seen> = first(paging, page.select(Seen::as_select())).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    paging.page(entities(conn, rows, names)?, total, key)
}

/// Whether so few consultations have a country, an occupation, a tag or an adviser that SQLite does better to
/// look up each of them. It would go through all of the carrier's in their order, which finds a page of what is
/// frequent at once, and reads them to the end for what is rare. PostgreSQL knows what is rare.
fn few_match(conn: &mut Conn, carrier: Key, filter: &ConsultationFilter) -> Result<bool> {
    const FEW: i64 = 1000;
    let Conn::Sqlite(conn) = conn else { return Ok(false) };
    // Whether there is one more than few, each by the end of an index.
    let mut more: Vec<Option<Key>> = Vec::new();
    if let Some(occupation) = &filter.occupation {
        let sought = consultation_occupations::table
            .filter(consultation_occupations::code.eq(occupation))
            .select(consultation_occupations::consultation_id);
        more.push(sought.offset(FEW).first(conn).optional().db()?);
    }
    if let Some(country) = &filter.country {
        let from_there = consultation_countries::table
            .filter(consultation_countries::code.eq(country))
            .select(consultation_countries::consultation_id);
        more.push(from_there.offset(FEW).first(conn).optional().db()?);
    }
    if let Some(tag) = filter.tag_id {
        let tagged = consultation_tags::table
            .filter(consultation_tags::carrier_id.eq(carrier))
            .filter(consultation_tags::tag_id.eq(Key(tag.0)))
            .select(consultation_tags::consultation_id);
        more.push(tagged.offset(FEW).first(conn).optional().db()?);
    }
    if let Some(adviser) = filter.adviser_id {
        let advised = consultation_advisers::table
            .filter(consultation_advisers::user_id.eq(Key(adviser.0)))
            .select(consultation_advisers::consultation_id);
        more.push(advised.offset(FEW).first(conn).optional().db()?);
    }
    Ok(more.iter().any(Option::is_none))
}

/// `few` keeps SQLite from taking an index of the carrier, the site or the period: a unary plus says that there
/// is none.
fn matching(
    carrier: Key,
    organisation: Option<OrganisationId>,
    filter: &ConsultationFilter,
    few: bool,
) -> Rows<'_> {
    let by_no_index = |column: &str, id: Key| {
        sql::<Bool>(&format!("+consultation_rows.{column} = ")).bind::<Id, _>(id)
    };
    let mut query = consultation_rows::table.into_boxed();
    query = if few {
        query.filter(by_no_index("carrier_id", carrier))
    } else {
        query.filter(consultation_rows::carrier_id.eq(carrier))
    };
    if let Some(organisation) = organisation {
        query = query.filter(consultation_rows::organisation_id.eq(Some(Key(organisation.0))));
    }
    if let Some(site) = filter.site_id {
        query = if few {
            query.filter(by_no_index("site_id", Key(site.0)))
        } else {
            query.filter(consultation_rows::site_id.eq(Key(site.0)))
        };
    }
    if let Some(adviser) = filter.adviser_id {
        let advised = consultation_advisers::table
            .filter(consultation_advisers::user_id.eq(Key(adviser.0)))
            .select(consultation_advisers::consultation_id);
        query = query.filter(consultation_rows::id.eq_any(advised));
    }
    if let Some(district) = filter.district_id {
        query = query.filter(consultation_rows::district_id.eq(Some(Key(district.0))));
    }
    if let Some(topic) = &filter.topic {
        let about = consultation_topics::table
            .inner_join(topics::table)
            .filter(topics::code.eq(topic))
            .select(consultation_topics::consultation_id);
        query = query.filter(consultation_rows::id.eq_any(about));
    }
    if let Some(channel) = filter.channel {
        query = query.filter(consultation_rows::channel.eq(channel.code()));
    }
    if let Some(status) = filter.status {
        query = query.filter(consultation_rows::status.eq(status.code()));
    }
    if let Some(occupation) = &filter.occupation {
        let sought = consultation_occupations::table
            .filter(consultation_occupations::code.eq(occupation))
            .select(consultation_occupations::consultation_id);
        query = query.filter(consultation_rows::id.eq_any(sought));
    }
    if let Some(country) = &filter.country {
        let from_there = consultation_countries::table
            .filter(consultation_countries::code.eq(country))
            .select(consultation_countries::consultation_id);
        query = query.filter(consultation_rows::id.eq_any(from_there));
    }
    match filter.note_warnings {
        Some(true) => query = query.filter(consultation_rows::note_warnings.is_not_null()),
        Some(false) => query = query.filter(consultation_rows::note_warnings.is_null()),
        None => {}
    }
    if let Some(event) = filter.event_id {
        query = query.filter(consultation_rows::event_id.eq(Some(Key(event.0))));
    }
    if let Some(run) = filter.accompaniment_id {
        query = query.filter(consultation_rows::accompaniment_id.eq(Some(Key(run.0))));
    }
    if let Some(case) = filter.recruitment_case_id {
        query = query.filter(consultation_rows::recruitment_case_id.eq(Some(Key(case.0))));
    }
    if let Some(tag) = filter.tag_id {
        let tagged = consultation_tags::table
            .filter(consultation_tags::carrier_id.eq(carrier))
            .filter(consultation_tags::tag_id.eq(Key(tag.0)))
            .select(consultation_tags::consultation_id);
        query = query.filter(consultation_rows::id.eq_any(tagged));
    }
    if let Some(period) = filter.funding_period_id {
        query = if few {
            query.filter(by_no_index("funding_period_id", Key(period.0)))
        } else {
            query.filter(consultation_rows::funding_period_id.eq(Key(period.0)))
        };
    }
    if let Some(from) = filter.from {
        query = query.filter(consultation_rows::held_on.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(consultation_rows::held_on.le(to));
    }
    if let Some(typed) = &filter.q {
        for word in fold(typed).split(' ') {
            query = query.filter(consultation_rows::search_text.like(contains(word)));
        }
    }
    query
}

/// In an order, from a place in it on.
fn place<'a>(
    mut page: Rows<'a>,
    sort: ConsultationSort,
    after: Option<&After>,
) -> Result<Rows<'a>> {
    if let Some(after) = after {
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        match sort {
            ConsultationSort::HeldOn => {
                let held_on: NaiveDate = after.parse()?;
                page = page.filter(consultation_rows::held_on.ge(held_on)).filter(
                    consultation_rows::held_on
                        .gt(held_on)
                        .or(consultation_rows::id.gt(Key(after.id))),
                );
            }
            ConsultationSort::HeldOnDescending => {
                let held_on: NaiveDate = after.parse()?;
                page = page.filter(consultation_rows::held_on.le(held_on)).filter(
                    consultation_rows::held_on
                        .lt(held_on)
                        .or(consultation_rows::id.lt(Key(after.id))),
                );
            }
            ConsultationSort::CreatedAt => {
                let at: DateTime<Utc> = after.parse()?;
                page = page.filter(consultation_rows::created_at.ge(At(at))).filter(
                    consultation_rows::created_at
                        .gt(At(at))
                        .or(consultation_rows::id.gt(Key(after.id))),
                );
            }
            ConsultationSort::CreatedAtDescending => {
                let at: DateTime<Utc> = after.parse()?;
                page = page.filter(consultation_rows::created_at.le(At(at))).filter(
                    consultation_rows::created_at
                        .lt(At(at))
                        .or(consultation_rows::id.lt(Key(after.id))),
                );
            }
        }
    }
    Ok(match sort {
        ConsultationSort::HeldOn => page.order((consultation_rows::held_on, consultation_rows::id)),
        ConsultationSort::HeldOnDescending => {
            page.order((consultation_rows::held_on.desc(), consultation_rows::id.desc()))
        }
        ConsultationSort::CreatedAt => {
            page.order((consultation_rows::created_at, consultation_rows::id))
        }
        ConsultationSort::CreatedAtDescending => {
            page.order((consultation_rows::created_at.desc(), consultation_rows::id.desc()))
        }
    })
}
