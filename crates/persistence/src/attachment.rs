use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Nullable;
use lotse_domain::attachment::{
    AttachedKind, AttachedRecord, AttachedTo, Attachment, AttachmentFilter, AttachmentVoided,
    ContentHash, MediaType,
};
use lotse_domain::code::Code;
use lotse_domain::id::{AttachmentId, UserId};
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::convert::carrier_of;
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::{
    accompaniments, attachments, consultation_advisers, consultations, event_staff, events,
};
use crate::sql_types::{At, Instant, Key};

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = attachments, treat_none_as_null = true)]
struct Row {
    id: Key,
    consultation_id: Option<Key>,
    event_id: Option<Key>,
    accompaniment_id: Option<Key>,
    carrier_id: Key,
    name: String,
    media_type: String,
    bytes: i64,
    sha256: Vec<u8>,
    recorded_by: Key,
    voided_at: Option<At>,
    voided_by: Option<Key>,
    void_reason: Option<String>,
    version: i64,
    created_at: At,
    updated_at: At,
}

fn row(attachment: &Attachment) -> Row {
    let record = attachment.record;
    let of = |kind| (record.kind == kind).then_some(Key(record.id));
    Row {
        id: Key(attachment.id.0),
        consultation_id: of(AttachedKind::Consultation),
        event_id: of(AttachedKind::Event),
        accompaniment_id: of(AttachedKind::Accompaniment),
        carrier_id: Key(attachment.carrier.id),
        name: attachment.name.clone(),
        media_type: attachment.media_type.name().to_owned(),
        bytes: attachment.bytes,
        sha256: attachment.sha256.0.to_vec(),
        recorded_by: Key(attachment.recorded_by.id),
        voided_at: attachment.voided.as_ref().map(|voided| At(voided.at)),
        voided_by: attachment.voided.as_ref().map(|voided| Key(voided.by.id)),
        void_reason: attachment.voided.as_ref().map(|voided| voided.reason.clone()),
        version: attachment.version,
        created_at: At(attachment.created_at),
        updated_at: At(attachment.updated_at),
    }
}

fn entity(row: Row, names: &Names) -> Result<Attachment> {
    let kinds = [
        (row.consultation_id, AttachedKind::Consultation),
        (row.event_id, AttachedKind::Event),
        (row.accompaniment_id, AttachedKind::Accompaniment),
    ];
    let record = kinds
        .into_iter()
        .find_map(|(id, kind)| id.map(|id| AttachedTo { kind, id: id.0 }))
        .ok_or_else(|| Error::internal("an attachment belongs to no record"))?;
    let media_type = MediaType::from_name(&row.media_type).ok_or_else(|| {
        Error::internal(format!("unknown media type in the database: {}", row.media_type))
    })?;
    let voided = match (row.voided_at, row.voided_by) {
        (Some(at), Some(by)) => Some(AttachmentVoided {
            at: at.0,
            by: names.reference(by)?,
            reason: row.void_reason.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(Attachment {
        id: AttachmentId(row.id.0),
        record,
        carrier: names.reference(row.carrier_id)?,
        name: row.name,
        media_type,
        bytes: row.bytes,
        sha256: hash(&row.sha256)?,
        recorded_by: names.reference(row.recorded_by)?,
        voided,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

fn hash(stored: &[u8]) -> Result<ContentHash> {
    let hash = stored.try_into().map_err(|_| Error::internal("a SHA-256 has not 32 bytes"))?;
    Ok(ContentHash(hash))
}

/// What the rules need to know of the record.
///
/// # Errors
/// `NotFound` when there is no such record in the scope.
pub fn record(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    to: AttachedTo,
) -> Result<AttachedRecord> {
    let not_found = Error::NotFound(to.kind.code());
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let id = Key(to.id);
    let found: Option<(Key, Key, Option<At>)> = match to.kind {
        AttachedKind::Consultation => consultations::table
            .find(id)
            .filter(consultations::carrier_id.eq(carrier))
            .select((
                consultations::carrier_id,
                consultations::recorded_by,
                consultations::voided_at,
            ))
            .first(conn),
        AttachedKind::Event => events::table
            .find(id)
            .filter(events::carrier_id.eq(carrier))
            .select((events::carrier_id, events::recorded_by, events::voided_at))
            .first(conn),
        AttachedKind::Accompaniment => accompaniments::table
            .find(id)
            .filter(accompaniments::carrier_id.eq(carrier))
            // It is ended, not voided.
            .select((
                accompaniments::carrier_id,
                accompaniments::recorded_by,
                None::<At>.into_sql::<Nullable<Instant>>(),
            ))
            .first(conn),
    }
    .optional()
    .db()?;
    let (carrier_id, recorded_by, voided_at) = found.ok_or(not_found)?;
    let involved: Vec<Key> = match to.kind {
        AttachedKind::Consultation => consultation_advisers::table
            .filter(consultation_advisers::consultation_id.eq(id))
            .select(consultation_advisers::user_id)
            .load(conn),
        AttachedKind::Event => event_staff::table
            .filter(event_staff::event_id.eq(id))
            .select(event_staff::user_id)
            .load(conn),
        AttachedKind::Accompaniment => accompaniments::table
            .find(id)
            .select((accompaniments::lead_id, accompaniments::deputy_id))
            .first(conn)
            .map(|(lead, deputy): (Key, Option<Key>)| {
                [Some(lead), deputy].into_iter().flatten().collect()
            }),
    }
    .db()?;
    let query = of_record(to).filter(attachments::voided_at.is_null());
    Ok(AttachedRecord {
        to,
        carrier: names.reference(carrier_id)?,
        recorded_by: UserId(recorded_by.0),
        involved: involved.into_iter().map(|id| UserId(id.0)).collect(),
        voided_at: voided_at.map(|at| at.0),
        attachments: query.count().get_result(conn).db()?,
    })
}

/// Has others who attach to the record, or change it, wait until this transaction ends, so that it does
/// not get more attachments than it can have.
///
/// # Errors
/// When the database cannot be read.
pub fn hold_record(conn: &mut Conn, to: AttachedTo) -> Result<()> {
    match conn {
        Conn::Postgres(conn) => {
            let id = Key(to.id);
            let held: Option<Key> = match to.kind {
                AttachedKind::Consultation => consultations::table
                    .find(id)
                    .select(consultations::id)
                    .for_no_key_update()
                    .first(conn),
                AttachedKind::Event => {
                    events::table.find(id).select(events::id).for_no_key_update().first(conn)
                }
                AttachedKind::Accompaniment => accompaniments::table
                    .find(id)
                    .select(accompaniments::id)
                    .for_no_key_update()
                    .first(conn),
            }
            .optional()
            .db()?;
            held.map(drop).ok_or(Error::NotFound(to.kind.code()))
        }
        // The only writer holds everything.
        Conn::Sqlite(_) => Ok(()),
    }
}

type OfRecord<'a> = attachments::BoxedQuery<'a, crate::connection::MultiBackend>;

fn of_record<'a>(to: AttachedTo) -> OfRecord<'a> {
    let query = attachments::table.into_boxed();
    let id = Some(Key(to.id));
    match to.kind {
        AttachedKind::Consultation => query.filter(attachments::consultation_id.eq(id)),
        AttachedKind::Event => query.filter(attachments::event_id.eq(id)),
        AttachedKind::Accompaniment => query.filter(attachments::accompaniment_id.eq(id)),
    }
}

/// # Errors
/// `NotFound` when there is no such attachment in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: AttachmentId) -> Result<Attachment> {
    let not_found = Error::NotFound("attachment");
    let Some(carrier) = carrier_of(scope) else { return Err(not_found) };
    let row: Option<Row> = attachments::table
        .find(Key(id.0))
        .filter(attachments::carrier_id.eq(carrier))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(not_found)
}

/// Those of a record, whose scope was checked, in the order in which they came.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    to: AttachedTo,
    filter: &AttachmentFilter,
    paging: &Paging,
) -> Result<Page<Attachment>> {
    let matching = || {
        let query = of_record(to);
        match filter.voided {
            Some(true) => query,
            _ => query.filter(attachments::voided_at.is_null()),
        }
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(attachments::id.gt(Key(after.id)));
    }
    let page = page.order(attachments::id).select(attachments::all_columns);
    let rows: Vec<Row> = first(paging, page).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, |attachment: &Attachment| (String::new(), attachment.id.0))
}

/// Those of several records, whose scope was checked, in the order in which they came; without those taken back.
///
/// # Errors
/// When the database cannot be read.
pub fn of_records(
    conn: &mut Conn,
    names: &Names,
    records: &[AttachedTo],
) -> Result<Vec<Attachment>> {
    let of = |kind: AttachedKind| -> Vec<Key> {
        records.iter().filter(|it| it.kind == kind).map(|it| Key(it.id)).collect()
    };
    let consultations = of(AttachedKind::Consultation);
    let (events, accompaniments) = (of(AttachedKind::Event), of(AttachedKind::Accompaniment));
    let rows: Vec<Row> = on_backend!(conn, c => attachments::table
        .filter(attachments::voided_at.is_null())
        .filter(
            among(attachments::consultation_id.assume_not_null(), &consultations)
                .or(among(attachments::event_id.assume_not_null(), &events))
                .or(among(attachments::accompaniment_id.assume_not_null(), &accompaniments)),
        )
        .order(attachments::id)
        .load(c))
    .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, attachment: &Attachment) -> Result<()> {
    diesel::insert_into(attachments::table).values(row(attachment)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, attachment: &Attachment) -> Result<()> {
    let changed = diesel::update(attachments::table.find(Key(attachment.id.0)))
        .filter(attachments::version.eq(attachment.version - 1))
        .set(row(attachment))
        .execute(conn)
        .db()?;
    one_row(changed, attachment.version)
}

/// What the store is to hold under an id.
#[derive(Clone, Debug)]
pub struct Expected {
    pub id: AttachmentId,
    pub bytes: i64,
    pub sha256: ContentHash,
    /// Then it is to hold nothing.
    pub voided: bool,
}

type ExpectedRow = (Key, i64, Vec<u8>, Option<At>);

fn expected((id, bytes, sha256, voided_at): ExpectedRow) -> Result<Expected> {
    let id = AttachmentId(id.0);
    Ok(Expected { id, bytes, sha256: hash(&sha256)?, voided: voided_at.is_some() })
}

/// Those of the ids that are attachments, of whichever carrier.
///
/// # Errors
/// When the database cannot be read.
pub fn expected_of(conn: &mut Conn, ids: &[AttachmentId]) -> Result<Vec<Expected>> {
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let rows: Vec<ExpectedRow> = on_backend!(conn, c => attachments::table
        .filter(among(attachments::id, &ids))
        .select((attachments::id, attachments::bytes, attachments::sha256, attachments::voided_at))
        .load(c))
    .db()?;
    rows.into_iter().map(expected).collect()
}

/// Those of all carriers that were voided since an instant.
///
/// # Errors
/// When the database cannot be read.
pub fn voided_since(conn: &mut Conn, since: DateTime<Utc>) -> Result<Vec<AttachmentId>> {
    let ids: Vec<Key> = attachments::table
        .filter(attachments::voided_at.ge(Some(At(since))))
        .order(attachments::id)
        .select(attachments::id)
        .load(conn)
        .db()?;
    Ok(ids.into_iter().map(|id| AttachmentId(id.0)).collect())
}

/// The next attachments after an id, of all carriers.
///
/// # Errors
/// When the database cannot be read.
pub fn expected_after(conn: &mut Conn, after: AttachmentId, most: i64) -> Result<Vec<Expected>> {
    let rows: Vec<ExpectedRow> = attachments::table
        .filter(attachments::id.gt(Key(after.0)))
        .order(attachments::id)
        .limit(most)
        .select((attachments::id, attachments::bytes, attachments::sha256, attachments::voided_at))
        .load(conn)
        .db()?;
    rows.into_iter().map(expected).collect()
}
