use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::entity::Reference;
use lotse_domain::id::{AssignmentId, CarrierId, UserId};
use lotse_domain::name::fold;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Role;
use lotse_domain::user::{Assignment, User, UserFilter, UserStatus};
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{code, reference};
use crate::error::{DbResult, one_row};
use crate::schema::{carriers, sites, user_assignments, users};
use crate::sql_types::{At, Key};

/// In place of a hash: no password is the right one.
pub(crate) const NO_PASSWORD: &str = "!";
/// What API keys, which have a row here too, are not.
const PERSON: &str = "person";

/// Without the password hash, which no list or entity needs.
#[derive(Queryable, AsChangeset, Insertable)]
#[diesel(table_name = users)]
struct Row {
    id: Key,
    email: String,
    name: String,
    name_key: String,
    status: String,
    version: i64,
    created_at: At,
    updated_at: At,
}

type RowColumns = (
    users::id,
    users::email,
    users::name,
    users::name_key,
    users::status,
    users::version,
    users::created_at,
    users::updated_at,
);
const ROW: RowColumns = (
    users::id,
    users::email,
    users::name,
    users::name_key,
    users::status,
    users::version,
    users::created_at,
    users::updated_at,
);

impl From<&User> for Row {
    fn from(user: &User) -> Self {
        Self {
            id: Key(user.id.0),
            email: user.email.clone(),
            name: user.name.clone(),
            name_key: fold(&user.name),
            status: user.status.code().to_owned(),
            version: user.version,
            created_at: At(user.created_at),
            updated_at: At(user.updated_at),
        }
    }
}

fn entity(row: Row, assignment: Option<Assignment>) -> Result<User> {
    Ok(User {
        id: UserId(row.id.0),
        email: row.email,
        name: row.name,
        status: code(&row.status)?,
        assignment,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = user_assignments, treat_none_as_null = true)]
struct AssignmentRow {
    id: Key,
    user_id: Key,
    role: String,
    carrier_id: Option<Key>,
    site_id: Option<Key>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl From<&Assignment> for AssignmentRow {
    fn from(assignment: &Assignment) -> Self {
        Self {
            id: Key(assignment.id.0),
            user_id: Key(assignment.user_id.0),
            role: assignment.role.code().to_owned(),
            carrier_id: assignment.carrier.as_ref().map(|carrier| Key(carrier.id)),
            site_id: assignment.site.as_ref().map(|site| Key(site.id)),
            valid_from: assignment.valid_from,
            valid_to: assignment.valid_to,
            version: assignment.version,
            created_at: At(assignment.created_at),
            updated_at: At(assignment.updated_at),
        }
    }
}

fn assignment_entity(
    (row, carrier_name, site_name): (AssignmentRow, Option<String>, Option<String>),
) -> Result<Assignment> {
    Ok(Assignment {
        id: AssignmentId(row.id.0),
        user_id: UserId(row.user_id.0),
        role: code(&row.role)?,
        carrier: reference(row.carrier_id, carrier_name),
        site: reference(row.site_id, site_name),
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such user.
pub fn find(conn: &mut Conn, id: UserId, today: NaiveDate) -> Result<User> {
    let row: Option<Row> = users::table
        .find(Key(id.0))
        .filter(users::kind.eq(PERSON))
        .select(ROW)
        .first(conn)
        .optional()
        .db()?;
    let row = row.ok_or(Error::NotFound("user"))?;
    let assignment = assignments_on(conn, &[Key(id.0)], today)?.remove(&Key(id.0));
    entity(row, assignment)
}

/// # Errors
/// When the database cannot be read.
pub fn find_by_email(conn: &mut Conn, email: &str, today: NaiveDate) -> Result<Option<User>> {
    let row: Option<Row> = users::table
        .filter(users::email.eq(email))
        .filter(users::kind.eq(PERSON))
        .select(ROW)
        .first(conn)
        .optional()
        .db()?;
    let Some(row) = row else { return Ok(None) };
    let assignment = assignments_on(conn, &[row.id], today)?.remove(&row.id);
    entity(row, assignment).map(Some)
}

/// The id, password hash (none before an invitation was taken) and whether the user may log in, by
/// e-mail address.
///
/// # Errors
/// When the database cannot be read.
pub fn credentials(conn: &mut Conn, email: &str) -> Result<Option<(UserId, Option<String>, bool)>> {
    let found: Option<(Key, String, String)> = users::table
        .filter(users::email.eq(email))
        .filter(users::kind.eq(PERSON))
        .select((users::id, users::password_hash, users::status))
        .first(conn)
        .optional()
        .db()?;
    Ok(found.map(|(id, hash, status)| {
        (UserId(id.0), (hash != NO_PASSWORD).then_some(hash), status == "active")
    }))
}

/// By name. Role and carrier are those of `today`.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    filter: &UserFilter,
    today: NaiveDate,
    paging: &Paging,
) -> Result<Page<User>> {
    let matching = || {
        let mut query = users::table.filter(users::kind.eq(PERSON)).into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(users::status.eq(status.code()));
        }
        // A user has one assignment at a time, so both conditions speak of the same one.
        let current = || {
            user_assignments::table.filter(user_assignments::valid_from.le(today)).filter(
                user_assignments::valid_to.is_null().or(user_assignments::valid_to.ge(today)),
            )
        };
        if let Some(role) = filter.role {
            let with_role = current().filter(user_assignments::role.eq(role.code()));
            query = query.filter(users::id.eq_any(with_role.select(user_assignments::user_id)));
        }
        if let Some(carrier) = filter.carrier_id {
            let of_carrier =
                current().filter(user_assignments::carrier_id.eq(Some(Key(carrier.0))));
            query = query.filter(users::id.eq_any(of_carrier.select(user_assignments::user_id)));
        }
        query
    };
    let mut query = matching();
    if let Some(after) = &paging.after {
        query = query.filter(
            users::name_key
                .gt(&after.key)
                .or(users::name_key.eq(&after.key).and(users::id.gt(Key(after.id)))),
        );
    }
    let rows: Vec<Row> = query
        .select(ROW)
        .order((users::name_key, users::id))
        .limit(paging.fetch())
        .load(conn)
        .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut assignments = assignments_on(conn, &ids, today)?;
    let users = rows
        .into_iter()
        .map(|row| {
            let assignment = assignments.remove(&row.id);
            entity(row, assignment)
        })
        .collect::<Result<_>>()?;
    paging.page(users, total, |user: &User| (fold(&user.name), user.id.0))
}

/// Whether there is any user yet.
///
/// # Errors
/// When the database cannot be read.
pub fn any(conn: &mut Conn) -> Result<bool> {
    let people = users::table.filter(users::kind.eq(PERSON));
    let first: Option<Key> = people.select(users::id).first(conn).optional().db()?;
    Ok(first.is_some())
}

/// # Errors
/// `Conflict` when the e-mail address is taken.
pub fn insert(conn: &mut Conn, user: &User, password_hash: Option<&str>) -> Result<()> {
    diesel::insert_into(users::table)
        .values((Row::from(user), users::password_hash.eq(password_hash.unwrap_or(NO_PASSWORD))))
        .execute(conn)
        .db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first; `Conflict` when the e-mail address is taken.
pub fn update(conn: &mut Conn, user: &User) -> Result<()> {
    let changed = diesel::update(users::table.find(Key(user.id.0)))
        .filter(users::version.eq(user.version - 1))
        .set(Row::from(user))
        .execute(conn)
        .db()?;
    one_row(changed, user.version)
}

/// # Errors
/// When the database cannot be written.
pub fn set_password(conn: &mut Conn, id: UserId, password_hash: &str) -> Result<()> {
    diesel::update(users::table.find(Key(id.0)))
        .set(users::password_hash.eq(password_hash))
        .execute(conn)
        .db()?;
    Ok(())
}

/// The active admins of a date, held on PostgreSQL until the transaction ends so that two of them do
/// not suspend each other.
///
/// # Errors
/// When the database cannot be read.
pub fn hold_admins(conn: &mut Conn, date: NaiveDate) -> Result<Vec<UserId>> {
    let assigned = user_assignments::table
        .filter(user_assignments::role.eq(Role::Admin.code()))
        .filter(user_assignments::valid_from.le(date))
        .filter(user_assignments::valid_to.is_null().or(user_assignments::valid_to.ge(date)))
        .select(user_assignments::user_id);
    let admins = users::table
        .filter(users::status.eq(UserStatus::Active.code()))
        .filter(users::id.eq_any(assigned))
        .order(users::id)
        .select(users::id);
    if let Conn::Postgres(conn) = conn {
        // Whoever was waited for may have changed a role, which only the next statement sees.
        admins.for_update().load::<Key>(conn).db()?;
    }
    let admins: Vec<Key> = admins.load(conn).db()?;
    Ok(admins.into_iter().map(|id| UserId(id.0)).collect())
}

/// Those of the users who advise for a carrier on a date.
///
/// # Errors
/// When the database cannot be read.
pub fn advisers_on(
    conn: &mut Conn,
    ids: &[UserId],
    carrier: CarrierId,
    date: NaiveDate,
) -> Result<Vec<Reference>> {
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let rows: Vec<(Key, String)> = on_backend!(conn, c => user_assignments::table
        .inner_join(users::table)
        .filter(among(user_assignments::user_id, &ids))
        .filter(user_assignments::carrier_id.eq(Some(Key(carrier.0))))
        .filter(user_assignments::valid_from.le(date))
        .filter(user_assignments::valid_to.is_null().or(user_assignments::valid_to.ge(date)))
        .select((users::id, users::name))
        .load(c))
    .db()?;
    Ok(rows.into_iter().map(|(id, name)| Reference { id: id.0, name }).collect())
}

/// Those of the users who can be given work of a carrier: who advise for it on a date and can log in.
///
/// # Errors
/// When the database cannot be read.
pub fn available_on(
    conn: &mut Conn,
    ids: &[UserId],
    carrier: CarrierId,
    date: NaiveDate,
) -> Result<Vec<Reference>> {
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let rows: Vec<(Key, String)> = on_backend!(conn, c => user_assignments::table
        .inner_join(users::table)
        .filter(among(user_assignments::user_id, &ids))
        .filter(users::status.eq(UserStatus::Active.code()))
        .filter(user_assignments::carrier_id.eq(Some(Key(carrier.0))))
        .filter(user_assignments::valid_from.le(date))
        .filter(user_assignments::valid_to.is_null().or(user_assignments::valid_to.ge(date)))
        .select((users::id, users::name))
        .load(c))
    .db()?;
    Ok(rows.into_iter().map(|(id, name)| Reference { id: id.0, name }).collect())
}

/// A user who works, worked or will work for a carrier.
///
/// # Errors
/// When the database cannot be read.
pub fn ever_of(conn: &mut Conn, id: UserId, carrier: CarrierId) -> Result<Option<Reference>> {
    let found: Option<String> = user_assignments::table
        .inner_join(users::table)
        .filter(user_assignments::user_id.eq(Key(id.0)))
        .filter(user_assignments::carrier_id.eq(Some(Key(carrier.0))))
        .select(users::name)
        .first(conn)
        .optional()
        .db()?;
    Ok(found.map(|name| Reference { id: id.0, name }))
}

/// What users are on a date, by user.
fn assignments_on(
    conn: &mut Conn,
    users: &[Key],
    date: NaiveDate,
) -> Result<HashMap<Key, Assignment>> {
    let rows = on_backend!(conn, c => user_assignments::table
        .left_join(carriers::table)
        .left_join(sites::table)
        .filter(among(user_assignments::user_id, users))
        .filter(user_assignments::valid_from.le(date))
        .filter(user_assignments::valid_to.is_null().or(user_assignments::valid_to.ge(date)))
        .select((user_assignments::all_columns, carriers::name.nullable(), sites::name.nullable()))
        .load(c))
    .db()?;
    rows.into_iter().map(|row| assignment_entity(row).map(|a| (Key(a.user_id.0), a))).collect()
}

/// Assignments of a user, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn assignments(conn: &mut Conn, user: UserId, paging: &Paging) -> Result<Page<Assignment>> {
    let mut query = user_assignments::table
        .left_join(carriers::table)
        .left_join(sites::table)
        .filter(user_assignments::user_id.eq(Key(user.0)))
        .into_boxed();
    if let Some(after) = &paging.after {
        query = query.filter(user_assignments::valid_from.lt(after.parse::<NaiveDate>()?));
    }
    let rows = query
        .order(user_assignments::valid_from.desc())
        .limit(paging.fetch())
        .select((user_assignments::all_columns, carriers::name.nullable(), sites::name.nullable()))
        .load(conn)
        .db()?;
    let total = if paging.total {
        let all = user_assignments::table.filter(user_assignments::user_id.eq(Key(user.0)));
        Some(all.count().get_result(conn).db()?)
    } else {
        None
    };
    let assignments = rows.into_iter().map(assignment_entity).collect::<Result<_>>()?;
    paging.page(assignments, total, |a: &Assignment| (a.valid_from.to_string(), a.id.0))
}

/// All assignments of a user.
///
/// # Errors
/// When the database cannot be read.
pub fn all_assignments(conn: &mut Conn, user: UserId) -> Result<Vec<Assignment>> {
    let rows = user_assignments::table
        .left_join(carriers::table)
        .left_join(sites::table)
        .filter(user_assignments::user_id.eq(Key(user.0)))
        .select((user_assignments::all_columns, carriers::name.nullable(), sites::name.nullable()))
        .load(conn)
        .db()?;
    rows.into_iter().map(assignment_entity).collect()
}

/// # Errors
/// When the database cannot be written.
pub fn insert_assignment(conn: &mut Conn, assignment: &Assignment) -> Result<()> {
    diesel::insert_into(user_assignments::table)
        .values(AssignmentRow::from(assignment))
        .execute(conn)
        .db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update_assignment(conn: &mut Conn, assignment: &Assignment) -> Result<()> {
    let changed = diesel::update(user_assignments::table.find(Key(assignment.id.0)))
        .filter(user_assignments::version.eq(assignment.version - 1))
        .set(AssignmentRow::from(assignment))
        .execute(conn)
        .db()?;
    one_row(changed, assignment.version)
}
