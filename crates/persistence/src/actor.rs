use diesel::prelude::*;
use lotse_domain::actor::{Actor, ActorFilter};
use lotse_domain::code::Code;
use lotse_domain::id::ActorId;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{archived, code, reference};
use crate::error::DbResult;
use crate::merge;
use crate::organisation::{self, Common, Selection, in_order};
use crate::schema::{districts, organisations};
use crate::search;
use crate::sql_types::Key;

fn row(actor: &Actor) -> organisation::Row {
    let common = Common {
        id: actor.id.0,
        kind: OrganisationKind::Actor,
        name: &actor.name,
        actor_type: Some(actor.actor_type.code()),
        website: actor.website.as_ref(),
        address: &actor.address,
        district: actor.district.as_ref(),
        origin: actor.origin,
        archived: actor.archived.as_ref(),
        version: actor.version,
        created_at: actor.created_at,
        updated_at: actor.updated_at,
    };
    common.into()
}

fn entity((row, district_name): (organisation::Row, Option<String>)) -> Result<Actor> {
    let address = row.address();
    Ok(Actor {
        id: ActorId(row.id.0),
        name: row.name,
        actor_type: code(row.actor_type.as_deref().unwrap_or_default())?,
        website: row.website,
        address,
        district: reference(row.district_id, district_name),
        origin: code(&row.origin)?,
        archived: archived(row.archived_at, row.archive_reason),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such actor; `Merged` when it was.
pub fn find(conn: &mut Conn, id: ActorId) -> Result<Actor> {
    let found = find_even_merged(conn, id)?;
    merge::check_is_not_merged(conn, id.into(), found.archived.is_some())?;
    Ok(found)
}

/// # Errors
/// `NotFound` when there is no such actor.
pub fn find_even_merged(conn: &mut Conn, id: ActorId) -> Result<Actor> {
    let found = organisations::table
        .left_join(districts::table)
        .filter(organisations::id.eq(Key(id.0)))
        .filter(organisations::kind.eq(OrganisationKind::Actor.code()))
        .select((organisations::all_columns, districts::name.nullable()))
        .first(conn)
        .optional()
        .db()?;
    found.map(entity).transpose()?.ok_or(Error::NotFound("actor"))
}

/// By name unless sorted otherwise.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    scope: &Scope,
    filter: &ActorFilter,
    paging: &Paging,
) -> Result<Page<Actor>> {
    let sort = filter.sort.unwrap_or_default();
    let selection = Selection {
        q: filter.q.as_deref(),
        kind: Some(OrganisationKind::Actor),
        actor_type: filter.actor_type.map(Code::code),
        district: filter.district_id,
        tag: filter.tag_id,
        archived: filter.archived.unwrap_or(false),
        sort,
        ..Selection::default()
    };
    let (ids, total) = organisation::select(conn, scope, &selection, paging)?;
    let found: Vec<(organisation::Row, Option<String>)> =
        on_backend!(conn, c => organisations::table
            .left_join(districts::table)
            .filter(among(organisations::id, &ids))
            .select((organisations::all_columns, districts::name.nullable()))
            .load(c))
        .db()?;
    let actors =
        found.into_iter().map(|found| Ok((found.0.id, entity(found)?))).collect::<Result<_>>()?;
    paging.page(in_order(&ids, actors), total, |actor| {
        (sort.key(&actor.name, actor.updated_at), actor.id.0)
    })
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, actor: &Actor) -> Result<()> {
    organisation::insert(conn, &row(actor))?;
    search::enter(conn, &actor.into(), None)
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, actor: &Actor) -> Result<()> {
    organisation::update(conn, &row(actor))?;
    search::keep(conn, &actor.into(), None)
}
