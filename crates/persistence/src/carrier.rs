use diesel::prelude::*;
use lotse_domain::carrier::Carrier;
use lotse_domain::id::CarrierId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::carriers;
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = carriers)]
struct Row {
    id: Key,
    code: String,
    name: String,
    chambers_are_public: bool,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Carrier> for Row {
    fn from(carrier: &Carrier) -> Self {
        Self {
            id: Key(carrier.id.0),
            code: carrier.code.clone(),
            name: carrier.name.clone(),
            chambers_are_public: carrier.chambers_are_public,
            version: carrier.version,
            created_at: At(carrier.created_at),
            updated_at: At(carrier.updated_at),
        }
    }
}

impl From<Row> for Carrier {
    fn from(row: Row) -> Self {
        Self {
            id: CarrierId(row.id.0),
            code: row.code,
            name: row.name,
            chambers_are_public: row.chambers_are_public,
            version: row.version,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

/// # Errors
/// `NotFound` when there is no such carrier.
pub fn find(conn: &mut Conn, id: CarrierId) -> Result<Carrier> {
    let row: Option<Row> = carriers::table.find(Key(id.0)).first(conn).optional().db()?;
    row.map(Into::into).ok_or(Error::NotFound("carrier"))
}

/// Those for which chambers are public administration.
///
/// # Errors
/// When the database cannot be read.
pub fn with_public_chambers(conn: &mut Conn) -> Result<Vec<CarrierId>> {
    let ids: Vec<Key> = carriers::table
        .filter(carriers::chambers_are_public.eq(true))
        .order(carriers::id)
        .select(carriers::id)
        .load(conn)
        .db()?;
    Ok(ids.into_iter().map(|id| CarrierId(id.0)).collect())
}

/// By code.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn, paging: &Paging) -> Result<Page<Carrier>> {
    let mut query = carriers::table.into_boxed();
    if let Some(after) = &paging.after {
        query = query.filter(carriers::code.gt(&after.key));
    }
    let rows: Vec<Row> = query.order(carriers::code).limit(paging.fetch()).load(conn).db()?;
    let total =
        if paging.total { Some(carriers::table.count().get_result(conn).db()?) } else { None };
    let carriers = rows.into_iter().map(Into::into).collect();
    paging.page(carriers, total, |carrier: &Carrier| (carrier.code.clone(), carrier.id.0))
}

/// # Errors
/// `Conflict` when the code is taken.
pub fn insert(conn: &mut Conn, carrier: &Carrier) -> Result<()> {
    diesel::insert_into(carriers::table).values(Row::from(carrier)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the code is taken.
pub fn update(conn: &mut Conn, carrier: &Carrier) -> Result<()> {
    let seen = carrier.version - 1;
    let changed = diesel::update(carriers::table.find(Key(carrier.id.0)))
        .filter(carriers::version.eq(seen))
        .set(Row::from(carrier))
        .execute(conn)
        .db()?;
    crate::error::one_row(changed, carrier.version)
}
