use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;
use lotse_domain::api_key::{ApiKey, ApiKeyFilter, ApiKeySecret, ApiKeyStatus, Approval};
use lotse_domain::entity::Reference;
use lotse_domain::id::{ApiKeyId, CarrierId, UserId};
use lotse_domain::name::fold;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::{Action, Actor, CarrierRef, Login, Role};
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::archived;
use crate::error::{DbResult, one_row};
use crate::names::{Generation, Names};
use crate::schema::{api_key_secrets, api_keys, installation, users};
use crate::sql_types::{At, Document, Key};
use crate::user::NO_PASSWORD;

/// Writing down every use would make every reading request write.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = api_keys, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    scopes: Document,
    expires_on: NaiveDate,
    created_by: Key,
    approved_by: Option<Key>,
    approved_at: Option<At>,
    revoked_at: Option<At>,
    revoke_reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl TryFrom<&ApiKey> for Row {
    type Error = Error;

    fn try_from(key: &ApiKey) -> Result<Self> {
        let scopes =
            serde_json::to_value(&key.scopes).map_err(|error| Error::Internal(error.into()))?;
        Ok(Self {
            id: Key(key.id.0),
            carrier_id: Key(key.carrier.id),
            scopes: Document(scopes),
            expires_on: key.expires_on,
            created_by: Key(key.created_by.id),
            approved_by: key.approved.as_ref().map(|approval| Key(approval.by.id)),
            approved_at: key.approved.as_ref().map(|approval| At(approval.at)),
            revoked_at: key.revoked.as_ref().map(|revoked| At(revoked.at)),
            revoke_reason: key.revoked.as_ref().map(|revoked| revoked.reason.clone()),
            version: key.version,
            created_at: At(key.created_at),
            updated_at: At(key.updated_at),
        })
    }
}

fn entity(
    row: Row,
    name: String,
    secrets: Vec<ApiKeySecret>,
    names: &Names,
    today: NaiveDate,
) -> Result<ApiKey> {
    let approved = match (row.approved_by, row.approved_at) {
        (Some(by), Some(at)) => Some(Approval { by: names.reference(by)?, at: at.0 }),
        _ => None,
    };
    let key = ApiKey {
        id: ApiKeyId(row.id.0),
        name,
        carrier: names.reference(row.carrier_id)?,
        scopes: scopes(row.scopes)?,
        expires_on: row.expires_on,
        // Derived below.
        status: ApiKeyStatus::Waiting,
        created_by: names.reference(row.created_by)?,
        approved,
        revoked: archived(row.revoked_at, row.revoke_reason),
        secrets,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    };
    Ok(ApiKey { status: key.status_on(today), ..key })
}

fn scopes(stored: Document) -> Result<Vec<Action>> {
    serde_json::from_value(stored.0).map_err(|error| Error::Internal(error.into()))
}

/// The key behind a secret that holds, and how it may be used.
#[derive(Queryable)]
pub struct Holder {
    key_id: Key,
    name: String,
    prefix: String,
    carrier_id: Key,
    scopes: Document,
    last_used_at: Option<At>,
    names_generation: i64,
}

impl Holder {
    #[must_use]
    pub fn generation(&self) -> Generation {
        Generation(self.names_generation)
    }

    /// Whether it is time to note that the secret is in use.
    #[must_use]
    pub fn use_is_due(&self, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_none_or(|at| at.0 + USE_NOTED_EVERY <= now)
    }

    /// # Errors
    /// `Busy` when the names are older than the key.
    pub fn actor(self, names: &Names) -> Result<Actor> {
        let Reference { id, name } = names.reference(self.carrier_id)?;
        Ok(Actor {
            login: Login::ApiKey { prefix: self.prefix, scopes: scopes(self.scopes)? },
            user_id: UserId(self.key_id.0),
            name: self.name,
            role: Role::Integration,
            carrier: Some(CarrierRef { id: CarrierId(id), name }),
            site: None,
        })
    }
}

/// The key that a secret opens, unless one of the two is over. One indexed query: every request of an
/// integration makes it.
///
/// # Errors
/// When the database cannot be read.
pub fn holder(
    conn: &mut Conn,
    secret_hash: &[u8],
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<Option<Holder>> {
    api_key_secrets::table
        .inner_join(api_keys::table.inner_join(users::table))
        // It has one row.
        .inner_join(installation::table.on(installation::only_row.eq(1)))
        .filter(api_key_secrets::secret_hash.eq(secret_hash))
        .filter(api_key_secrets::expires_at.is_null().or(api_key_secrets::expires_at.gt(At(now))))
        .filter(api_keys::approved_at.is_not_null())
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_on.ge(today))
        .select((
            api_keys::id,
            users::name,
            api_key_secrets::prefix,
            api_keys::carrier_id,
            api_keys::scopes,
            api_key_secrets::last_used_at,
            installation::names_generation,
        ))
        .first(conn)
        .optional()
        .db()
}

/// Notes that a secret is in use.
///
/// # Errors
/// When the database cannot be written.
pub fn note_use(conn: &mut Conn, secret_hash: &[u8], now: DateTime<Utc>) -> Result<()> {
    diesel::update(api_key_secrets::table.find(secret_hash))
        .set(api_key_secrets::last_used_at.eq(Some(At(now))))
        .execute(conn)
        .db()?;
    Ok(())
}

/// One key, of the carrier where one is given.
///
/// # Errors
/// `NotFound`, also for another carrier's.
pub fn find(
    conn: &mut Conn,
    names: &Names,
    of: Option<CarrierId>,
    id: ApiKeyId,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<ApiKey> {
    let mut query =
        api_keys::table.inner_join(users::table).filter(api_keys::id.eq(Key(id.0))).into_boxed();
    if let Some(carrier) = of {
        query = query.filter(api_keys::carrier_id.eq(Key(carrier.0)));
    }
    let found: Option<(Row, String)> =
        query.select((api_keys::all_columns, users::name)).first(conn).optional().db()?;
    let (row, name) = found.ok_or(Error::NotFound("API key"))?;
    let secrets = secrets(conn, &[row.id], now)?.remove(&row.id).unwrap_or_default();
    entity(row, name, secrets, names, today)
}

/// The latest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    of: Option<CarrierId>,
    filter: &ApiKeyFilter,
    now: DateTime<Utc>,
    today: NaiveDate,
    paging: &Paging,
) -> Result<Page<ApiKey>> {
    let matching = || {
        let mut query = api_keys::table.inner_join(users::table).into_boxed();
        for carrier in [of, filter.carrier_id].into_iter().flatten() {
            query = query.filter(api_keys::carrier_id.eq(Key(carrier.0)));
        }
        query
    };
    let mut query = matching();
    if let Some(after) = &paging.after {
        query = query.filter(api_keys::id.lt(Key(after.id)));
    }
    let rows: Vec<(Row, String)> = query
        .order(api_keys::id.desc())
        .limit(paging.fetch())
        .select((api_keys::all_columns, users::name))
        .load(conn)
        .db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let ids: Vec<Key> = rows.iter().map(|(row, _)| row.id).collect();
    let mut secrets = secrets(conn, &ids, now)?;
    let keys = rows
        .into_iter()
        .map(|(row, name)| {
            let of_key = secrets.remove(&row.id).unwrap_or_default();
            entity(row, name, of_key, names, today)
        })
        .collect::<Result<_>>()?;
    paging.page(keys, total, |key: &ApiKey| (String::new(), key.id.0))
}

/// The secrets of keys that are not over, the latest first.
fn secrets(
    conn: &mut Conn,
    keys: &[Key],
    now: DateTime<Utc>,
) -> Result<HashMap<Key, Vec<ApiKeySecret>>> {
    type Found = (Key, String, At, Option<At>, Option<At>);
    let found: Vec<Found> = on_backend!(conn, c => api_key_secrets::table
        .filter(among(api_key_secrets::key_id, keys))
        .filter(api_key_secrets::expires_at.is_null().or(api_key_secrets::expires_at.gt(At(now))))
        .order((api_key_secrets::created_at.desc(), api_key_secrets::prefix))
        .select((
            api_key_secrets::key_id,
            api_key_secrets::prefix,
            api_key_secrets::created_at,
            api_key_secrets::expires_at,
            api_key_secrets::last_used_at,
        ))
        .load(c))
    .db()?;
    let mut secrets: HashMap<Key, Vec<ApiKeySecret>> = HashMap::new();
    for (key, prefix, created_at, expires_at, last_used_at) in found {
        secrets.entry(key).or_default().push(ApiKeySecret {
            prefix,
            created_at: created_at.0,
            expires_at: expires_at.map(|at| at.0),
            last_used_at: last_used_at.map(|at| at.0),
        });
    }
    Ok(secrets)
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, key: &ApiKey) -> Result<()> {
    diesel::insert_into(users::table)
        .values((
            users::id.eq(Key(key.id.0)),
            // Nobody logs in with it: the name is needed once, as `.invalid` is (RFC 6761).
            users::email.eq(format!("{}@api-key.invalid", key.id)),
            users::name.eq(&key.name),
            users::name_key.eq(fold(&key.name)),
            users::password_hash.eq(NO_PASSWORD),
            users::status.eq("active"),
            users::version.eq(1),
            users::created_at.eq(At(key.created_at)),
            users::updated_at.eq(At(key.updated_at)),
            users::kind.eq("api_key"),
        ))
        .execute(conn)
        .db()?;
    diesel::insert_into(api_keys::table).values(Row::try_from(key)?).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, key: &ApiKey) -> Result<()> {
    let changed = diesel::update(api_keys::table.find(Key(key.id.0)))
        .filter(api_keys::version.eq(key.version - 1))
        .set(Row::try_from(key)?)
        .execute(conn)
        .db()?;
    one_row(changed, key.version)?;
    diesel::update(users::table.find(Key(key.id.0)))
        .filter(users::name.ne(&key.name))
        .set((users::name.eq(&key.name), users::name_key.eq(fold(&key.name))))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Gives a key another secret; those that it has end at `others_end` at the latest.
///
/// # Errors
/// When the database cannot be written.
pub fn add_secret(
    conn: &mut Conn,
    key: ApiKeyId,
    secret_hash: &[u8],
    prefix: &str,
    now: DateTime<Utc>,
    others_end: DateTime<Utc>,
) -> Result<()> {
    let others = api_key_secrets::table.filter(api_key_secrets::key_id.eq(Key(key.0))).filter(
        api_key_secrets::expires_at.is_null().or(api_key_secrets::expires_at.gt(At(others_end))),
    );
    diesel::update(others)
        .set(api_key_secrets::expires_at.eq(Some(At(others_end))))
        .execute(conn)
        .db()?;
    diesel::insert_into(api_key_secrets::table)
        .values((
            api_key_secrets::secret_hash.eq(secret_hash),
            api_key_secrets::key_id.eq(Key(key.0)),
            api_key_secrets::prefix.eq(prefix),
            api_key_secrets::created_at.eq(At(now)),
        ))
        .execute(conn)
        .db()?;
    Ok(())
}
