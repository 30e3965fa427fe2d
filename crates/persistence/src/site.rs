use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::id::{CarrierId, SiteId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::site::{Site, SiteFilter};
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::code;
use crate::error::{DbResult, one_row};
use crate::schema::{carriers, sites};
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = sites, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    name: String,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    version: i64,
    created_at: At,
    updated_at: At,
    federal_state: String,
}

impl From<&Site> for Row {
    fn from(site: &Site) -> Self {
        Self {
            id: Key(site.id.0),
            carrier_id: Key(site.carrier.id),
            name: site.name.clone(),
            valid_from: site.valid_from,
            valid_to: site.valid_to,
            version: site.version,
            created_at: At(site.created_at),
            updated_at: At(site.updated_at),
            federal_state: site.federal_state.code().to_owned(),
        }
    }
}

fn entity((row, carrier_name): (Row, String)) -> Result<Site> {
    Ok(Site {
        id: SiteId(row.id.0),
        carrier: Reference { id: row.carrier_id.0, name: carrier_name },
        name: row.name,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        federal_state: code(&row.federal_state)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such site.
pub fn find(conn: &mut Conn, id: SiteId) -> Result<Site> {
    let row = sites::table
        .inner_join(carriers::table)
        .filter(sites::id.eq(Key(id.0)))
        .select((sites::all_columns, carriers::name))
        .first(conn)
        .optional()
        .db()?;
    row.map(entity).transpose()?.ok_or(Error::NotFound("site"))
}

/// The one of a carrier that was opened first.
///
/// # Errors
/// When the database cannot be read.
pub fn first_of(conn: &mut Conn, carrier: CarrierId) -> Result<Option<Site>> {
    let row = sites::table
        .inner_join(carriers::table)
        .filter(sites::carrier_id.eq(Key(carrier.0)))
        .order((sites::valid_from, sites::id))
        .select((sites::all_columns, carriers::name))
        .first(conn)
        .optional()
        .db()?;
    row.map(entity).transpose()
}

/// Those of the ids that exist.
///
/// # Errors
/// When the database cannot be read.
pub fn with_ids(conn: &mut Conn, ids: &[SiteId]) -> Result<Vec<Site>> {
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let rows: Vec<(Row, String)> = on_backend!(conn, c => sites::table
        .inner_join(carriers::table)
        .filter(among(sites::id, &ids))
        .select((sites::all_columns, carriers::name))
        .load(c))
    .db()?;
    rows.into_iter().map(entity).collect()
}

/// By name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn, filter: &SiteFilter, paging: &Paging) -> Result<Page<Site>> {
    let matching = || {
        let mut query = sites::table.inner_join(carriers::table).into_boxed();
        if let Some(carrier) = filter.carrier_id {
            query = query.filter(sites::carrier_id.eq(Key(carrier.0)));
        }
        if let Some(on) = filter.on {
            query = query
                .filter(sites::valid_from.le(on))
                .filter(sites::valid_to.is_null().or(sites::valid_to.ge(on)));
        }
        query
    };
    let mut query = matching();
    if let Some(after) = &paging.after {
        query = query.filter(sites::name.gt(&after.key));
    }
    let rows = query
        .select((sites::all_columns, carriers::name))
        .order(sites::name)
        .limit(paging.fetch())
        .load(conn)
        .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let sites = rows.into_iter().map(entity).collect::<Result<_>>()?;
    paging.page(sites, total, |site: &Site| (site.name.clone(), site.id.0))
}

/// # Errors
/// `Conflict` when the name is taken.
pub fn insert(conn: &mut Conn, site: &Site) -> Result<()> {
    diesel::insert_into(sites::table).values(Row::from(site)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the name is taken.
pub fn update(conn: &mut Conn, site: &Site) -> Result<()> {
    let changed = diesel::update(sites::table.find(Key(site.id.0)))
        .filter(sites::version.eq(site.version - 1))
        .set(Row::from(site))
        .execute(conn)
        .db()?;
    one_row(changed, site.version)
}
