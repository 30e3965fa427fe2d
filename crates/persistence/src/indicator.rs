use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::id::IndicatorId;
use lotse_domain::indicator::{
    Context, Indicator, IndicatorEvent, IndicatorFilter, IndicatorRule, IndicatorStatus, shipped,
};
use lotse_domain::page::{Page, Paging};
use lotse_domain::{Error, Result};

use crate::connection::Conn;
use crate::convert::code;
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::indicators;
use crate::sql_types::{At, Document, Key};

/// When those came that ship with the program, as for everything else that the migrations bring.
const SHIPPED_AT: DateTime<Utc> = DateTime::from_timestamp(1_546_300_800, 0).unwrap();

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = indicators, treat_none_as_null = true)]
struct Row {
    id: Key,
    code: String,
    version_number: i32,
    status: String,
    label_de: String,
    label_en: String,
    text_de: String,
    text_en: String,
    source: Option<String>,
    rule: Document,
    activated_at: Option<At>,
    activated_by: Option<Key>,
    retired_at: Option<At>,
    retired_by: Option<Key>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl Row {
    fn new(indicator: &Indicator) -> Result<Self> {
        let by = |event: &Option<IndicatorEvent>| event.as_ref()?.by.as_ref().map(|by| Key(by.id));
        Ok(Self {
            id: Key(indicator.id.0),
            code: indicator.code.clone(),
            version_number: indicator.version_number,
            status: indicator.status.code().to_owned(),
            label_de: indicator.label_de.clone(),
            label_en: indicator.label_en.clone(),
            text_de: indicator.text_de.clone(),
            text_en: indicator.text_en.clone(),
            source: indicator.source.clone(),
            rule: Document(
                serde_json::to_value(&indicator.rule)
                    .map_err(|error| Error::Internal(error.into()))?,
            ),
            activated_at: indicator.activated.as_ref().map(|event| At(event.at)),
            activated_by: by(&indicator.activated),
            retired_at: indicator.retired.as_ref().map(|event| At(event.at)),
            retired_by: by(&indicator.retired),
            version: indicator.version,
            created_at: At(indicator.created_at),
            updated_at: At(indicator.updated_at),
        })
    }
}

fn entity(row: Row, names: &Names) -> Result<Indicator> {
    let event = |at: Option<At>, by: Option<Key>| -> Result<Option<IndicatorEvent>> {
        let Some(at) = at else { return Ok(None) };
        Ok(Some(IndicatorEvent { at: at.0, by: by.map(|id| names.reference(id)).transpose()? }))
    };
    let rule: IndicatorRule =
        serde_json::from_value(row.rule.0).map_err(|error| Error::Internal(error.into()))?;
    Ok(Indicator {
        id: IndicatorId(row.id.0),
        code: row.code,
        version_number: row.version_number,
        status: code(&row.status)?,
        label_de: row.label_de,
        label_en: row.label_en,
        text_de: row.text_de,
        text_en: row.text_en,
        source: row.source,
        unit: rule.unit(),
        distinct_key: rule.distinct_key().to_owned(),
        date_field: rule.date_field().to_owned(),
        additive: rule.is_additive(),
        rule,
        activated: event(row.activated_at, row.activated_by)?,
        retired: event(row.retired_at, row.retired_by)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such indicator.
pub fn find(conn: &mut Conn, names: &Names, id: IndicatorId) -> Result<Indicator> {
    let row: Option<Row> = indicators::table.find(Key(id.0)).first(conn).optional().db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(Error::NotFound("indicator"))
}

/// The version of a code that figures are made by, if there is one.
///
/// # Errors
/// When the database cannot be read.
pub fn active(conn: &mut Conn, names: &Names, code: &str) -> Result<Option<Indicator>> {
    let row: Option<Row> = indicators::table
        .filter(indicators::code.eq(code))
        .filter(indicators::status.eq(IndicatorStatus::Active.code()))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()
}

/// All that are active, by code.
///
/// # Errors
/// When the database cannot be read.
pub fn all_active(conn: &mut Conn, names: &Names) -> Result<Vec<Indicator>> {
    let rows: Vec<Row> = indicators::table
        .filter(indicators::status.eq(IndicatorStatus::Active.code()))
        .order(indicators::code)
        .load(conn)
        .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// What there is of a code.
///
/// # Errors
/// When the database cannot be read.
pub fn context(conn: &mut Conn, code: &str) -> Result<Context> {
    let versions: Vec<(i32, String)> = indicators::table
        .filter(indicators::code.eq(code))
        .order(indicators::version_number)
        .select((indicators::version_number, indicators::status))
        .load(conn)
        .db()?;
    let draft = versions.iter().find(|(_, status)| status == IndicatorStatus::Draft.code());
    Ok(Context {
        latest: versions.last().map_or(0, |(latest, _)| *latest),
        draft: draft.map(|(number, _)| *number),
    })
}

/// By code, the latest version of each first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    filter: &IndicatorFilter,
    paging: &Paging,
) -> Result<Page<Indicator>> {
    let matching = || {
        let mut query = indicators::table.into_boxed();
        if let Some(code) = &filter.code {
            query = query.filter(indicators::code.eq(code));
        }
        if let Some(status) = filter.status {
            query = query.filter(indicators::status.eq(status.code()));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        page = page.filter(
            indicators::code
                .gt(&after.key)
                .or(indicators::code.eq(&after.key).and(indicators::id.lt(Key(after.id)))),
        );
    }
    // Ids ascend with time, and so do version numbers.
    let page = page.order((indicators::code, indicators::id.desc()));
    let rows: Vec<Row> = first(paging, page.select(indicators::all_columns)).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let found = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(found, total, |indicator| (indicator.code.clone(), indicator.id.0))
}

/// # Errors
/// `Conflict` when somebody else created the same version first.
pub fn insert(conn: &mut Conn, indicator: &Indicator) -> Result<()> {
    diesel::insert_into(indicators::table).values(Row::new(indicator)?).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, indicator: &Indicator) -> Result<()> {
    let changed = diesel::update(indicators::table.find(Key(indicator.id.0)))
        .filter(indicators::version.eq(indicator.version - 1))
        .set(Row::new(indicator)?)
        .execute(conn)
        .db()?;
    one_row(changed, indicator.version)
}

/// Adds those that ship with the program and are not there yet. What became of the others stays.
pub(crate) fn ship(conn: &mut Conn) -> Result<()> {
    for indicator in shipped() {
        let row = Row::new(&indicator.active(SHIPPED_AT)?)?;
        on_backend!(conn, c => diesel::insert_into(indicators::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))
        .db()?;
    }
    Ok(())
}
