use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::id::ProgrammeTemplateId;
use lotse_domain::page::{Page, Paging};
use lotse_domain::programme_template::{
    Context, KnownVersion, ProgrammeTemplate, ProgrammeTemplateFilter, ProgrammeTemplateSort,
    Shipped, TemplateEvent, TemplateStatus, shipped,
};
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::{Conn, Mode, transaction};
use crate::convert::{code, document, of_document, optional_code};
use crate::error::{DbResult, one_row};
use crate::names::Names;
use crate::page::first;
use crate::schema::programme_templates;
use crate::sql_types::{At, Document, Key};

/// When those came that ship with the program: the beginning of what it was made for, as for everything
/// else that the migrations bring.
const SHIPPED_AT: DateTime<Utc> = DateTime::from_timestamp(1_546_300_800, 0).unwrap();

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = programme_templates, treat_none_as_null = true)]
struct Row {
    id: Key,
    used_for: String,
    code: String,
    version_number: i32,
    status: String,
    label_de: String,
    label_en: String,
    duration_days: Option<i32>,
    max_pause_days: Option<i32>,
    procedure: Option<String>,
    purposes: Document,
    phases: Document,
    published_at: Option<At>,
    published_by: Option<Key>,
    retired_at: Option<At>,
    retired_by: Option<Key>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl Row {
    fn new(template: &ProgrammeTemplate) -> Result<Self> {
        let by = |event: &Option<TemplateEvent>| event.as_ref()?.by.as_ref().map(|by| Key(by.id));
        Ok(Self {
            id: Key(template.id.0),
            used_for: template.used_for.code().to_owned(),
            code: template.code.clone(),
            version_number: template.version_number,
            status: template.status.code().to_owned(),
            label_de: template.label_de.clone(),
            label_en: template.label_en.clone(),
            duration_days: template.duration_days.map(days).transpose()?,
            max_pause_days: template.max_pause_days.map(days).transpose()?,
            procedure: template.procedure.map(|procedure| procedure.code().to_owned()),
            purposes: document(&template.purposes)?,
            phases: document(&template.phases)?,
            published_at: template.published.as_ref().map(|published| At(published.at)),
            published_by: by(&template.published),
            retired_at: template.retired.as_ref().map(|retired| At(retired.at)),
            retired_by: by(&template.retired),
            version: template.version,
            created_at: At(template.created_at),
            updated_at: At(template.updated_at),
        })
    }
}

fn entity(row: Row, names: &Names) -> Result<ProgrammeTemplate> {
    Ok(ProgrammeTemplate {
        id: ProgrammeTemplateId(row.id.0),
        used_for: code(&row.used_for)?,
        code: row.code,
        version_number: row.version_number,
        status: code(&row.status)?,
        label_de: row.label_de,
        label_en: row.label_en,
        duration_days: row.duration_days.map(u32::try_from).transpose().map_err(internal)?,
        max_pause_days: row.max_pause_days.map(u32::try_from).transpose().map_err(internal)?,
        procedure: optional_code(row.procedure.as_deref())?,
        purposes: of_document(row.purposes)?,
        phases: of_document(row.phases)?,
        published: event(row.published_at, row.published_by, names)?,
        retired: event(row.retired_at, row.retired_by, names)?,
        version: row.version,
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    })
}

fn event(at: Option<At>, by: Option<Key>, names: &Names) -> Result<Option<TemplateEvent>> {
    let Some(at) = at else { return Ok(None) };
    Ok(Some(TemplateEvent { at: at.0, by: by.map(|id| names.reference(id)).transpose()? }))
}

fn days(days: u32) -> Result<i32> {
    i32::try_from(days).map_err(internal)
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Internal(error.into())
}

/// # Errors
/// `NotFound` when there is no such template.
pub fn find(conn: &mut Conn, names: &Names, id: ProgrammeTemplateId) -> Result<ProgrammeTemplate> {
    let row: Option<Row> =
        programme_templates::table.find(Key(id.0)).first(conn).optional().db()?;
    row.map(|row| entity(row, names)).transpose()?.ok_or(Error::NotFound("programme template"))
}

/// Those of the ids that exist.
///
/// # Errors
/// When the database cannot be read.
pub fn with_ids(
    conn: &mut Conn,
    names: &Names,
    ids: &[ProgrammeTemplateId],
) -> Result<Vec<ProgrammeTemplate>> {
    let ids: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let rows: Vec<Row> = on_backend!(conn, c => programme_templates::table
        .filter(among(programme_templates::id, &ids))
        .load(c))
    .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// The version of a code that runs begin by, if there is one.
///
/// # Errors
/// When the database cannot be read.
pub fn published(conn: &mut Conn, names: &Names, code: &str) -> Result<Option<ProgrammeTemplate>> {
    let row: Option<Row> = programme_templates::table
        .filter(programme_templates::code.eq(code))
        .filter(programme_templates::status.eq(TemplateStatus::Published.code()))
        .first(conn)
        .optional()
        .db()?;
    row.map(|row| entity(row, names)).transpose()
}

/// What there is of a code.
///
/// # Errors
/// When the database cannot be read.
pub fn context(conn: &mut Conn, names: &Names, code: &str) -> Result<Context> {
    let versions: Vec<Row> = programme_templates::table
        .filter(programme_templates::code.eq(code))
        .order(programme_templates::version_number)
        .load(conn)
        .db()?;
    let versions: Vec<ProgrammeTemplate> =
        versions.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    let draft = versions.iter().find(|version| version.status == TemplateStatus::Draft);
    Ok(Context {
        latest: versions.last().map_or(0, |latest| latest.version_number),
        used_for: versions.last().map(|latest| latest.used_for),
        draft: draft.map(ProgrammeTemplate::reference),
    })
}

/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    filter: &ProgrammeTemplateFilter,
    paging: &Paging,
) -> Result<Page<ProgrammeTemplate>> {
    let sort = filter.sort.unwrap_or_default();
    let matching = || {
        let mut query = programme_templates::table.into_boxed();
        if let Some(used_for) = filter.used_for {
            query = query.filter(programme_templates::used_for.eq(used_for.code()));
        }
        if let Some(code) = &filter.code {
            query = query.filter(programme_templates::code.eq(code));
        }
        if let Some(status) = filter.status {
            query = query.filter(programme_templates::status.eq(status.code()));
        }
        if let Some(procedure) = filter.procedure {
            query = query.filter(programme_templates::procedure.eq(procedure.code()));
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        let id = Key(after.id);
        page = match sort {
            ProgrammeTemplateSort::Code => {
                page.filter(programme_templates::code.gt(&after.key).or(
                    programme_templates::code.eq(&after.key).and(programme_templates::id.gt(id)),
                ))
            }
            ProgrammeTemplateSort::CodeDescending => {
                page.filter(programme_templates::code.lt(&after.key).or(
                    programme_templates::code.eq(&after.key).and(programme_templates::id.lt(id)),
                ))
            }
            ProgrammeTemplateSort::CreatedAt => {
                let at = At(after.parse()?);
                page.filter(programme_templates::created_at.ge(at)).filter(
                    programme_templates::created_at.gt(at).or(programme_templates::id.gt(id)),
                )
            }
            ProgrammeTemplateSort::CreatedAtDescending => {
                let at = At(after.parse()?);
                page.filter(programme_templates::created_at.le(at)).filter(
                    programme_templates::created_at.lt(at).or(programme_templates::id.lt(id)),
                )
            }
        };
    }
    page = match sort {
        ProgrammeTemplateSort::Code => {
            page.order((programme_templates::code, programme_templates::id))
        }
        ProgrammeTemplateSort::CodeDescending => {
            page.order((programme_templates::code.desc(), programme_templates::id.desc()))
        }
        ProgrammeTemplateSort::CreatedAt => {
            page.order((programme_templates::created_at, programme_templates::id))
        }
        ProgrammeTemplateSort::CreatedAtDescending => {
            page.order((programme_templates::created_at.desc(), programme_templates::id.desc()))
        }
    };
    let rows: Vec<Row> =
        first(paging, page.select(programme_templates::all_columns)).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let templates = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(templates, total, |template| (sort.key(template), template.id.0))
}

/// # Errors
/// `Conflict` when somebody else created the same version first.
pub fn insert(conn: &mut Conn, template: &ProgrammeTemplate) -> Result<()> {
    diesel::insert_into(programme_templates::table)
        .values(Row::new(template)?)
        .execute(conn)
        .db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, template: &ProgrammeTemplate) -> Result<()> {
    let changed = diesel::update(programme_templates::table.find(Key(template.id.0)))
        .filter(programme_templates::version.eq(template.version - 1))
        .set(Row::new(template)?)
        .execute(conn)
        .db()?;
    one_row(changed, template.version)
}

/// Adds those that ship with the program and are not there yet, and retires those that they replace. What
/// became of the others stays.
pub(crate) fn ship(conn: &mut Conn) -> Result<()> {
    for template in shipped() {
        // A code whose old version was retired and whose new one is missing would look as if somebody wanted
        // it so.
        transaction(conn, Mode::Write, |conn| add(conn, template))?;
    }
    Ok(())
}

fn add(conn: &mut Conn, template: &Shipped) -> Result<()> {
    let there: Vec<(Key, i32, String)> = programme_templates::table
        .filter(programme_templates::code.eq(&template.input.code))
        .select((
            programme_templates::id,
            programme_templates::version_number,
            programme_templates::status,
        ))
        .load(conn)
        .db()?;
    let there: Vec<KnownVersion> = there
        .into_iter()
        .map(|(id, version_number, status)| {
            let id = ProgrammeTemplateId(id.0);
            Ok(KnownVersion { id, version_number, status: code(&status)? })
        })
        .collect::<Result<_>>()?;
    let Some(addition) = template.addition(&there, SHIPPED_AT)? else { return Ok(()) };
    if let Some(replaced) = addition.replaces {
        diesel::update(programme_templates::table.find(Key(replaced.0)))
            .set((
                programme_templates::status.eq(TemplateStatus::Retired.code()),
                programme_templates::retired_at.eq(Some(At(SHIPPED_AT))),
                programme_templates::version.eq(programme_templates::version + 1),
            ))
            .execute(conn)
            .db()?;
    }
    insert(conn, &addition.template)
}
