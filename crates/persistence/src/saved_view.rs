use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::id::{SavedViewId, UserId};
use lotse_domain::name::fold;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::saved_view::{SavedView, SavedViewFilter, query};
use lotse_domain::{Error, Result};
use serde_json::Value;

use crate::connection::Conn;
use crate::convert::{archived, carrier_of, code};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::saved_views;
use crate::sql_types::{At, Document, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = saved_views, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    owner_id: Key,
    name: String,
    name_key: String,
    list: String,
    filter: Document,
    sort: Option<String>,
    shared: bool,
    archived_at: Option<At>,
    archive_reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&SavedView> for Row {
    fn from(view: &SavedView) -> Self {
        Self {
            id: Key(view.id.0),
            carrier_id: Key(view.carrier.id),
            owner_id: Key(view.owner.id),
            name: view.name.clone(),
            name_key: fold(&view.name),
            list: view.list.code().to_owned(),
            filter: Document(Value::Object(view.filter.clone())),
            sort: view.sort.clone(),
            shared: view.shared,
            archived_at: view.archived.as_ref().map(|archived| At(archived.at)),
            archive_reason: view.archived.as_ref().map(|archived| archived.reason.clone()),
            version: view.version,
            created_at: At(view.created_at),
            updated_at: At(view.updated_at),
        }
    }
}

fn entity(row: Row, names: &Names) -> Result<SavedView> {
    let Value::Object(filter) = row.filter.0 else {
        return Err(Error::internal("the filter of a saved view is no object"));
    };
    Ok(SavedView {
        id: SavedViewId(row.id.0),
        carrier: names.reference(row.carrier_id)?,
        owner: names.reference(row.owner_id)?,
        name: row.name,
        list: code(&row.list)?,
        query: query(&filter, row.sort.as_deref())?,
        filter,
        sort: row.sort,
        shared: row.shared,
        archived: archived(row.archived_at, row.archive_reason),
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such view in the scope that the user owns or that is shared.
pub fn find(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    user: UserId,
    id: SavedViewId,
) -> Result<SavedView> {
    let not_found = Error::NotFound("saved view");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let row: Option<Row> = saved_views::table
        .find(Key(id.0))
        .filter(saved_views::carrier_id.eq(carrier))
        .filter(saved_views::owner_id.eq(Key(user.0)).or(saved_views::shared))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(not_found)
}

/// Those of the user and those shared in the scope, by name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    user: UserId,
    filter: &SavedViewFilter,
    paging: &Paging,
) -> Result<Page<SavedView>> {
    let key = |view: &SavedView| (fold(&view.name), view.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let matching = || {
        let mut query = saved_views::table
            .filter(saved_views::carrier_id.eq(carrier))
            .filter(saved_views::owner_id.eq(Key(user.0)).or(saved_views::shared))
            .into_boxed();
        if let Some(list) = filter.list {
            query = query.filter(saved_views::list.eq(list.code()));
        }
        if !filter.archived.unwrap_or(false) {
            query = query.filter(saved_views::archived_at.is_null());
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page
            .filter(saved_views::name_key.ge(&after.key))
            .filter(saved_views::name_key.gt(&after.key).or(saved_views::id.gt(Key(after.id))));
    }
    let page = page.order((saved_views::name_key, saved_views::id));
    let rows: Vec<Row> = first(paging, page.select(saved_views::all_columns)).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let views = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(views, total, key)
}

/// # Errors
/// `Conflict` when the owner has another of this name.
pub fn insert(conn: &mut Conn, view: &SavedView) -> Result<()> {
    diesel::insert_into(saved_views::table).values(Row::from(view)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the owner has another of this name.
pub fn update(conn: &mut Conn, view: &SavedView) -> Result<()> {
    let changed = diesel::update(saved_views::table.find(Key(view.id.0)))
        .filter(saved_views::version.eq(view.version - 1))
        .set(Row::from(view))
        .execute(conn)
        .db()?;
    one_row(changed, view.version)
}
