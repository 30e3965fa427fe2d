use diesel::prelude::*;
use lotse_domain::entity::Reference;
use lotse_domain::establishment::Establishment;
use lotse_domain::id::{CompanyId, EstablishmentId};
use lotse_domain::name::fold;
use lotse_domain::organisation::Address;
use lotse_domain::page::{Page, Paging};
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::{archived, reference};
use crate::error::{DbResult, one_row};
use crate::schema::{districts, establishments, organisations};
use crate::sql_types::{At, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = establishments, treat_none_as_null = true)]
struct Row {
    id: Key,
    company_id: Key,
    name: String,
    name_key: String,
    street: Option<String>,
    postcode: Option<String>,
    city: Option<String>,
    country: String,
    district_id: Option<Key>,
    archived_at: Option<At>,
    archive_reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Establishment> for Row {
    fn from(establishment: &Establishment) -> Self {
        let address = &establishment.address;
        Self {
            id: Key(establishment.id.0),
            company_id: Key(establishment.company.id),
            name: establishment.name.clone(),
            name_key: fold(&establishment.name),
            street: address.street.clone(),
            postcode: address.postcode.clone(),
            city: address.city.clone(),
            country: address.country.clone().unwrap_or_else(|| "DE".to_owned()),
            district_id: establishment.district.as_ref().map(|district| Key(district.id)),
            archived_at: establishment.archived.as_ref().map(|archived| At(archived.at)),
            archive_reason: establishment.archived.as_ref().map(|archived| archived.reason.clone()),
            version: establishment.version,
            created_at: At(establishment.created_at),
            updated_at: At(establishment.updated_at),
        }
    }
}

fn entity((row, company_name, district_name): (Row, String, Option<String>)) -> Establishment {
    Establishment {
        id: EstablishmentId(row.id.0),
        company: Reference { id: row.company_id.0, name: company_name },
        name: row.name,
        address: Address {
            street: row.street,
            postcode: row.postcode,
            city: row.city,
            country: Some(row.country),
        },
        district: reference(row.district_id, district_name),
        archived: archived(row.archived_at, row.archive_reason),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    }
}

/// # Errors
/// `NotFound` when there is no such establishment.
pub fn find(conn: &mut Conn, id: EstablishmentId) -> Result<Establishment> {
    let found = establishments::table
        .inner_join(organisations::table)
        .left_join(districts::table)
        .filter(establishments::id.eq(Key(id.0)))
        .select((establishments::all_columns, organisations::name, districts::name.nullable()))
        .first(conn)
        .optional()
        .db()?;
    found.map(entity).ok_or(Error::NotFound("establishment"))
}

/// Those of a company, by name. Archived ones are part of the list and say so.
///
/// # Errors
/// When the database cannot be read.
pub fn list(conn: &mut Conn, company: CompanyId, paging: &Paging) -> Result<Page<Establishment>> {
    let mut query = establishments::table
        .inner_join(organisations::table)
        .left_join(districts::table)
        .filter(establishments::company_id.eq(Key(company.0)))
        .into_boxed();
    if let Some(after) = &paging.after {
        query =
            query.filter(establishments::name_key.gt(&after.key).or(
                establishments::name_key.eq(&after.key).and(establishments::id.gt(Key(after.id))),
            ));
    }
    let found = query
        .order((establishments::name_key, establishments::id))
        .limit(paging.fetch())
        .select((establishments::all_columns, organisations::name, districts::name.nullable()))
        .load(conn)
        .db()?;
    let total = if paging.total {
        let all = establishments::table.filter(establishments::company_id.eq(Key(company.0)));
        Some(all.count().get_result(conn).db()?)
    } else {
        None
    };
    let establishments = found.into_iter().map(entity).collect();
    paging.page(establishments, total, |e: &Establishment| (fold(&e.name), e.id.0))
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, establishment: &Establishment) -> Result<()> {
    diesel::insert_into(establishments::table)
        .values(Row::from(establishment))
        .execute(conn)
        .db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, establishment: &Establishment) -> Result<()> {
    let changed = diesel::update(establishments::table.find(Key(establishment.id.0)))
        .filter(establishments::version.eq(establishment.version - 1))
        .set(Row::from(establishment))
        .execute(conn)
        .db()?;
    one_row(changed, establishment.version)
}
