//! The common part of companies and actors: their row, and the selection behind their lists.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use lotse_domain::code::Code;
use lotse_domain::consultation::OrganisationFacts;
use lotse_domain::id::{DistrictId, OrganisationId, TagId};
use lotse_domain::name::{fold, search_text};
use lotse_domain::organisation::{
    Address, OrganisationFilter, OrganisationHit, OrganisationKind, OrganisationReference,
    OrganisationSort, Origin,
};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::among::among;
use crate::connection::{Backend, Conn};
use crate::convert::{carrier_of, code, contains, reference};
use crate::error::{DbResult, one_row};
use crate::merge;
use crate::schema::{company_profiles, districts, organisation_tags, organisations};
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = organisations, treat_none_as_null = true)]
pub(crate) struct Row {
    pub id: Key,
    kind: String,
    pub name: String,
    name_key: String,
    search_text: String,
    pub actor_type: Option<String>,
    pub website: Option<String>,
    street: Option<String>,
    postcode: Option<String>,
    city: Option<String>,
    country: String,
    pub district_id: Option<Key>,
    pub origin: String,
    pub archived_at: Option<At>,
    pub archive_reason: Option<String>,
    pub version: i64,
    pub created_at: At,
    pub updated_at: At,
}

/// What companies and actors have in common, on its way into a row.
pub(crate) struct Common<'a> {
    pub id: Uuid,
    pub kind: OrganisationKind,
    pub name: &'a str,
    pub actor_type: Option<&'static str>,
    pub website: Option<&'a String>,
    pub address: &'a Address,
    pub district: Option<&'a lotse_domain::entity::Reference>,
    pub origin: Origin,
    pub archived: Option<&'a lotse_domain::entity::Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<Common<'_>> for Row {
    fn from(common: Common) -> Self {
        Self {
            id: Key(common.id),
            kind: common.kind.code().to_owned(),
            name: common.name.to_owned(),
            name_key: fold(common.name),
            search_text: search_text(common.name),
            actor_type: common.actor_type.map(str::to_owned),
            website: common.website.cloned(),
            street: common.address.street.clone(),
            postcode: common.address.postcode.clone(),
            city: common.address.city.clone(),
            country: common.address.country.clone().unwrap_or_else(|| "DE".to_owned()),
            district_id: common.district.map(|district| Key(district.id)),
            origin: common.origin.code().to_owned(),
            archived_at: common.archived.map(|archived| At(archived.at)),
            archive_reason: common.archived.map(|archived| archived.reason.clone()),
            version: common.version,
            created_at: At(common.created_at),
            updated_at: At(common.updated_at),
        }
    }
}

impl Row {
    pub fn address(&self) -> Address {
        Address {
            street: self.street.clone(),
            postcode: self.postcode.clone(),
            city: self.city.clone(),
            country: Some(self.country.clone()),
        }
    }
}

pub(crate) fn insert(conn: &mut Conn, row: &Row) -> Result<()> {
    diesel::insert_into(organisations::table).values(row).execute(conn).db()?;
    Ok(())
}

pub(crate) fn update(conn: &mut Conn, row: &Row) -> Result<()> {
    let changed = diesel::update(organisations::table.find(row.id))
        .filter(organisations::version.eq(row.version - 1))
        .set(row)
        .execute(conn)
        .db()?;
    one_row(changed, row.version)
}

/// What a list of organisations selects by, over both kinds.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    pub q: Option<&'a str>,
    pub kind: Option<OrganisationKind>,
    pub actor_type: Option<&'static str>,
    pub district: Option<DistrictId>,
    pub company_status: Option<&'static str>,
    pub size_class: Option<&'static str>,
    pub classification: Option<&'static str>,
    pub section: Option<&'a str>,
    /// A tag of the scope's carrier.
    pub tag: Option<TagId>,
    pub archived: bool,
    pub sort: OrganisationSort,
}

/// The ids of one page and how many match in all when that was asked for.
pub(crate) fn select(
    conn: &mut Conn,
    scope: &Scope,
    selection: &Selection,
    paging: &Paging,
) -> Result<(Vec<Key>, Option<i64>)> {
    let backend = conn.backend();
    let matching = || {
        let mut query = organisations::table.left_join(company_profiles::table).into_boxed();
        if !selection.archived {
            query = query.filter(organisations::archived_at.is_null());
        }
        if let Some(kind) = selection.kind {
            query = query.filter(organisations::kind.eq(kind.code()));
        }
        if let Some(actor_type) = selection.actor_type {
            query = query.filter(organisations::actor_type.eq(actor_type));
        }
        if let Some(district) = selection.district {
            query = query.filter(organisations::district_id.eq(Some(Key(district.0))));
        }
        if let Some(status) = selection.company_status {
            query = query.filter(company_profiles::status.eq(status));
        }
        if let Some(class) = selection.size_class {
            query = query.filter(company_profiles::size_class.eq(class));
        }
        if let Some(classification) = selection.classification {
            query = query.filter(company_profiles::classification.eq(classification));
        }
        if let Some(section) = selection.section {
            query = query.filter(company_profiles::section.eq(section));
        }
        if let Some(tag) = selection.tag {
            let tagged = organisation_tags::table
                .filter(organisation_tags::carrier_id.nullable().eq(carrier_of(scope)))
                .filter(organisation_tags::tag_id.eq(Key(tag.0)))
                .select(organisation_tags::organisation_id);
            query = query.filter(organisations::id.eq_any(tagged));
        }
        match selection.q.map(search) {
            None => {}
            Some(Search::Nothing) => query = query.filter(sql::<Bool>("1 = 0")),
            Some(Search::Words { long, all }) => {
                if let (Backend::Sqlite, Some(phrase)) = (backend, long) {
                    query = query.filter(
                        sql::<Bool>(
                            "organisations.search_id IN (SELECT rowid FROM organisation_search \
                             WHERE organisation_search MATCH ",
                        )
                        .bind::<Text, _>(phrase)
                        .sql(")"),
                    );
                }
                for word in all {
                    query = query.filter(organisations::search_text.like(contains(&word)));
                }
            }
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        page = match selection.sort {
            OrganisationSort::Name => {
                page.filter(organisations::name_key.ge(after.key.clone())).filter(
                    organisations::name_key
                        .gt(after.key.clone())
                        .or(organisations::id.gt(Key(after.id))),
                )
            }
            OrganisationSort::NameDescending => {
                page.filter(organisations::name_key.le(after.key.clone())).filter(
                    organisations::name_key
                        .lt(after.key.clone())
                        .or(organisations::id.lt(Key(after.id))),
                )
            }
            OrganisationSort::UpdatedAtDescending => {
                let at: DateTime<Utc> = after.parse()?;
                page.filter(organisations::updated_at.le(At(at))).filter(
                    organisations::updated_at.lt(At(at)).or(organisations::id.lt(Key(after.id))),
                )
            }
        };
    }
    page = match selection.sort {
        OrganisationSort::Name => page.order((organisations::name_key, organisations::id)),
        OrganisationSort::NameDescending => {
            page.order((organisations::name_key.desc(), organisations::id.desc()))
        }
        OrganisationSort::UpdatedAtDescending => {
            page.order((organisations::updated_at.desc(), organisations::id.desc()))
        }
    };
    let ids = page.limit(paging.fetch()).select(organisations::id).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    Ok((ids, total))
}

enum Search {
    /// Only punctuation was typed.
    Nothing,
    /// Every word must occur. `long` is a full-text query of those with three letters or more: a
    /// trigram index knows no shorter ones.
    Words { long: Option<String>, all: Vec<String> },
}

fn search(typed: &str) -> Search {
    let folded = fold(typed);
    if folded.is_empty() {
        return Search::Nothing;
    }
    let all: Vec<String> = folded.split(' ').map(str::to_owned).collect();
    // The words hold letters and digits only, so quoting them is enough.
    let long: Vec<String> = all
        .iter()
        .filter(|word| word.chars().count() >= 3)
        .map(|word| format!("\"{word}\""))
        .collect();
    Search::Words { long: (!long.is_empty()).then(|| long.join(" AND ")), all }
}

/// The items of a page in the order of its ids.
pub(crate) fn in_order<T>(ids: &[Key], mut items: HashMap<Key, T>) -> Vec<T> {
    ids.iter().filter_map(|id| items.remove(id)).collect()
}

/// Companies and actors by name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    scope: &Scope,
    filter: &OrganisationFilter,
    paging: &Paging,
) -> Result<Page<OrganisationHit>> {
    let selection = Selection {
        q: filter.q.as_deref(),
        kind: filter.kind,
        district: filter.district_id,
        tag: filter.tag_id,
        archived: filter.archived.unwrap_or(false),
        ..Selection::default()
    };
    let (ids, total) = select(conn, scope, &selection, paging)?;
    let rows: Vec<(Row, Option<String>)> = on_backend!(conn, c => organisations::table
        .left_join(districts::table)
        .filter(among(organisations::id, &ids))
        .select((organisations::all_columns, districts::name.nullable()))
        .load(c))
    .db()?;
    let hits = rows
        .into_iter()
        .map(|(row, district_name)| {
            Ok((
                row.id,
                OrganisationHit {
                    id: OrganisationId(row.id.0),
                    kind: code(&row.kind)?,
                    name: row.name,
                    city: row.city,
                    district: reference(row.district_id, district_name),
                    archived: row.archived_at.is_some(),
                    updated_at: row.updated_at.0,
                },
            ))
        })
        .collect::<Result<_>>()?;
    paging.page(in_order(&ids, hits), total, |hit| (fold(&hit.name), hit.id.0))
}

/// What the rules of a consultation need to know.
///
/// # Errors
/// When the database cannot be read.
pub fn facts(conn: &mut Conn, id: OrganisationId) -> Result<Option<OrganisationFacts>> {
    Ok(facts_among(conn, &[id])?.pop())
}

/// As [`facts`], of those of the ids that exist.
///
/// # Errors
/// When the database cannot be read.
pub fn facts_among(conn: &mut Conn, ids: &[OrganisationId]) -> Result<Vec<OrganisationFacts>> {
    type Row = (Key, String, String, Option<Key>, Option<At>);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let found: Vec<Row> = on_backend!(conn, c => organisations::table
            .filter(among(organisations::id, &ids))
            .select((
                organisations::id,
                organisations::name,
                organisations::kind,
                organisations::district_id,
                organisations::archived_at,
            ))
            .load(c))
    .db()?;
    found
        .into_iter()
        .map(|(id, name, kind, district_id, archived_at)| {
            Ok(OrganisationFacts {
                reference: OrganisationReference {
                    id: OrganisationId(id.0),
                    name,
                    kind: code(&kind)?,
                },
                district_id: district_id.map(|id| DistrictId(id.0)),
                archived: archived_at.is_some(),
            })
        })
        .collect()
}

/// As [`facts`], of one that a record is about to name: it is not merged before the transaction ends.
///
/// # Errors
/// `Merged` when it was.
pub fn facts_to_name(conn: &mut Conn, id: OrganisationId) -> Result<Option<OrganisationFacts>> {
    Ok(facts_to_name_among(conn, &[id])?.pop())
}

/// The same of several.
///
/// # Errors
/// `Merged` when one of them was.
pub fn facts_to_name_among(
    conn: &mut Conn,
    ids: &[OrganisationId],
) -> Result<Vec<OrganisationFacts>> {
    hold_to_name(conn, ids)?;
    let found = facts_among(conn, ids)?;
    for facts in &found {
        merge::check_is_not_merged(conn, facts.reference.id, facts.archived)?;
    }
    Ok(found)
}

/// Holds them as a foreign key does, but before it is looked whether they can be named: who merges one waits,
/// and who comes after a merge sees it. The only writer to SQLite holds everything.
///
/// # Errors
/// When the database cannot be read.
pub fn hold_to_name(conn: &mut Conn, ids: &[OrganisationId]) -> Result<()> {
    if let Conn::Postgres(conn) = conn
        && !ids.is_empty()
    {
        let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
        let held = organisations::table
            .filter(among(organisations::id, &ids))
            .order(organisations::id)
            .select(organisations::id);
        let _: Vec<Key> = held.for_key_share().load(conn).db()?;
    }
    Ok(())
}

/// # Errors
/// `NotFound` when there is no such organisation of the kind; `Merged` when it was.
pub fn reference_of(
    conn: &mut Conn,
    id: OrganisationId,
    kind: OrganisationKind,
) -> Result<OrganisationReference> {
    let found = facts(conn, id)?.filter(|facts| facts.reference.kind == kind);
    let found = found.ok_or(Error::NotFound(kind.code()))?;
    merge::check_is_not_merged(conn, id, found.archived)?;
    Ok(found.reference)
}
