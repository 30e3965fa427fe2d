use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::consultation::{Consultation, ConsultationReference};
use lotse_domain::id::{ConsultationId, OrganisationId, TaskId, UserId};
use lotse_domain::name::fold;
use lotse_domain::organisation::OrganisationReference;
use lotse_domain::page::{Page, Paging};
use lotse_domain::policy::Scope;
use lotse_domain::task::{
    ReassignInput, Task, TaskCancelled, TaskDone, TaskFilter, TaskPriority, TaskSort, TaskStatus,
};
use lotse_domain::worklist::{Section, Whose, WorklistKind, WorklistQuery};
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::among::among;
use crate::connection::Conn;
use crate::convert::{carrier_of, code, contains, reference};
use crate::error::{DbResult, all_rows, one_row};
use crate::merge;
use crate::names::Names;
use crate::page::first;
use crate::schema::{organisation_tasks, task_rows, tasks};
use crate::sql_types::{At, Key};

/// As it is written.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = tasks, treat_none_as_null = true)]
struct Row {
    id: Key,
    carrier_id: Key,
    title: String,
    notes: Option<String>,
    search_text: String,
    due_on: NaiveDate,
    owner_id: Key,
    deputy_id: Option<Key>,
    priority: &'static str,
    consultation_id: Option<Key>,
    organisation_id: Option<Key>,
    /// Also through the consultation.
    about_organisation_id: Option<Key>,
    event_id: Option<Key>,
    status: &'static str,
    closed_at: Option<At>,
    closed_by: Option<Key>,
    closing_note: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
}

/// As it is read: with what it shows of what it is about.
#[derive(Queryable, Selectable)]
#[diesel(table_name = task_rows)]
struct Seen {
    id: Key,
    carrier_id: Key,
    title: String,
    notes: Option<String>,
    due_on: NaiveDate,
    owner_id: Key,
    deputy_id: Option<Key>,
    priority: String,
    consultation_id: Option<Key>,
    event_id: Option<Key>,
    status: String,
    closed_at: Option<At>,
    closed_by: Option<Key>,
    closing_note: Option<String>,
    recorded_by: Key,
    version: i64,
    created_at: At,
    updated_at: At,
    consultation_held_on: Option<NaiveDate>,
    shown_organisation_id: Option<Key>,
    organisation_name: Option<String>,
    organisation_kind: Option<String>,
    event_title: Option<String>,
}

impl From<&Task> for Row {
    fn from(task: &Task) -> Self {
        // That of a consultation is looked up there.
        let organisation = task.organisation.as_ref().filter(|_| task.consultation.is_none());
        let (closed, closing_note) = match (&task.done, &task.cancelled) {
            (Some(done), _) => (Some((done.at, done.by.id)), done.result.clone()),
            (None, Some(c)) => (Some((c.at, c.by.id)), Some(c.reason.clone())),
            (None, None) => (None, None),
        };
        let searched = [Some(task.title.as_str()), task.notes.as_deref()];
        let searched: Vec<&str> = searched.into_iter().flatten().collect();
        Self {
            id: Key(task.id.0),
            carrier_id: Key(task.carrier.id),
            title: task.title.clone(),
            notes: task.notes.clone(),
            search_text: fold(&searched.join(" ")),
            due_on: task.due_on,
            owner_id: Key(task.owner.id),
            deputy_id: task.deputy.as_ref().map(|deputy| Key(deputy.id)),
            priority: task.priority.code(),
            consultation_id: task.consultation.as_ref().map(|consultation| Key(consultation.id.0)),
            organisation_id: organisation.map(|organisation| Key(organisation.id.0)),
            about_organisation_id: task.organisation.as_ref().map(|about| Key(about.id.0)),
            event_id: task.event.as_ref().map(|event| Key(event.id)),
            status: task.status.code(),
            closed_at: closed.map(|(at, _)| At(at)),
            closed_by: closed.map(|(_, by)| Key(by)),
            closing_note,
            recorded_by: Key(task.recorded_by.id),
            version: task.version,
            created_at: At(task.created_at),
            updated_at: At(task.updated_at),
        }
    }
}

fn entity(seen: Seen, names: &Names) -> Result<Task> {
    let organisation = match (seen.shown_organisation_id, seen.organisation_name) {
        (Some(id), Some(name)) => Some(OrganisationReference {
            id: OrganisationId(id.0),
            name,
            kind: code(seen.organisation_kind.as_deref().unwrap_or_default())?,
        }),
        _ => None,
    };
    let consultation = match (seen.consultation_id, seen.consultation_held_on) {
        (Some(id), Some(held_on)) => Some(ConsultationReference {
            id: ConsultationId(id.0),
            held_on,
            organisation: organisation.clone(),
        }),
        _ => None,
    };
    let status = code(&seen.status)?;
    let closed = match (seen.closed_at, seen.closed_by) {
        (Some(at), Some(by)) => Some((at.0, names.reference(by)?)),
        _ => None,
    };
    let (done, cancelled) = match (status, closed) {
        (TaskStatus::Done, Some((at, by))) => {
            (Some(TaskDone { at, by, result: seen.closing_note }), None)
        }
        (TaskStatus::Cancelled, Some((at, by))) => {
            let reason = seen.closing_note.unwrap_or_default();
            (None, Some(TaskCancelled { at, by, reason }))
        }
        _ => (None, None),
    };
    Ok(Task {
        id: TaskId(seen.id.0),
        carrier: names.reference(seen.carrier_id)?,
        title: seen.title,
        notes: seen.notes,
        due_on: seen.due_on,
        owner: names.reference(seen.owner_id)?,
        deputy: seen.deputy_id.map(|id| names.reference(id)).transpose()?,
        priority: code(&seen.priority)?,
        consultation,
        organisation,
        event: reference(seen.event_id, seen.event_title),
        status,
        done,
        cancelled,
        recorded_by: names.reference(seen.recorded_by)?,
        version: seen.version,
        created_at: seen.created_at.0,
        updated_at: seen.updated_at.0,
    })
}

/// # Errors
/// `NotFound` when there is no such task in the scope.
pub fn find(conn: &mut Conn, names: &Names, scope: &Scope, id: TaskId) -> Result<Task> {
    let carrier = carrier_of(scope).ok_or(Error::NotFound("task"))?;
    let found: Option<Seen> = task_rows::table
        .filter(task_rows::id.eq(Key(id.0)))
        .filter(task_rows::carrier_id.eq(carrier))
        .select(Seen::as_select())
        .first(conn)
        .optional()
        .db()?;
    entity(found.ok_or(Error::NotFound("task"))?, names)
}

/// `user` is the caller, and `today` the day, that a filter may speak of.
///
/// # Errors
/// When the database cannot be read.
pub fn list(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    filter: &TaskFilter,
    user: UserId,
    today: NaiveDate,
    paging: &Paging,
) -> Result<Page<Task>> {
    let sort = filter.sort.unwrap_or_default();
    let key = |task: &Task| (sort.key(task), task.id.0);
    let Some(carrier) = carrier_of(scope) else { return paging.page(Vec::new(), None, key) };
    let organisation = merge::current(conn, filter.organisation_id)?;
    let matching = || {
        let mut query = of(carrier, organisation);
        if let Some(owner) = filter.owner_id {
            query = query.filter(task_rows::owner_id.eq(Key(owner.0)));
        }
        if filter.mine == Some(true) {
            query = query.filter(has_to_do(Key(user.0)));
        }
        if let Some(status) = filter.status {
            query = query.filter(task_rows::status.eq(status.code()));
        }
        if let Some(priority) = filter.priority {
            query = query.filter(task_rows::priority.eq(priority.code()));
        }
        if let Some(consultation) = filter.consultation_id {
            query = query.filter(task_rows::consultation_id.eq(Some(Key(consultation.0))));
        }
        if let Some(event) = filter.event_id {
            query = query.filter(task_rows::event_id.eq(Some(Key(event.0))));
        }
        if let Some(from) = filter.due_from {
            query = query.filter(task_rows::due_on.ge(from));
        }
        if let Some(to) = filter.due_to {
            query = query.filter(task_rows::due_on.le(to));
        }
        if filter.overdue == Some(true) {
            query = query
                .filter(task_rows::status.eq(TaskStatus::Open.code()))
                .filter(task_rows::due_on.lt(today));
        }
        if let Some(typed) = &filter.q {
            for word in fold(typed).split(' ') {
                query = query.filter(task_rows::search_text.like(contains(word)));
            }
        }
        query
    };
    let mut page = matching();
    if let Some(after) = &paging.after {
        // `sort value ≥ key` lets the index find the place; the second part settles ties.
        match sort {
            TaskSort::DueOn => {
                let due_on: NaiveDate = after.parse()?;
                page = page
                    .filter(task_rows::due_on.ge(due_on))
                    .filter(task_rows::due_on.gt(due_on).or(task_rows::id.gt(Key(after.id))));
            }
            TaskSort::DueOnDescending => {
                let due_on: NaiveDate = after.parse()?;
                page = page
                    .filter(task_rows::due_on.le(due_on))
                    .filter(task_rows::due_on.lt(due_on).or(task_rows::id.lt(Key(after.id))));
            }
            TaskSort::CreatedAt => {
                let at: DateTime<Utc> = after.parse()?;
                page = page
                    .filter(task_rows::created_at.ge(At(at)))
                    .filter(task_rows::created_at.gt(At(at)).or(task_rows::id.gt(Key(after.id))));
            }
            TaskSort::CreatedAtDescending => {
                let at: DateTime<Utc> = after.parse()?;
                page = page
                    .filter(task_rows::created_at.le(At(at)))
                    .filter(task_rows::created_at.lt(At(at)).or(task_rows::id.lt(Key(after.id))));
            }
        }
    }
    page = match sort {
        TaskSort::DueOn => page.order((task_rows::due_on, task_rows::id)),
        TaskSort::DueOnDescending => page.order((task_rows::due_on.desc(), task_rows::id.desc())),
        TaskSort::CreatedAt => page.order((task_rows::created_at, task_rows::id)),
        TaskSort::CreatedAtDescending => {
            page.order((task_rows::created_at.desc(), task_rows::id.desc()))
        }
    };
    let rows: Vec<Seen> = first(paging, page.select(Seen::as_select())).load(conn).db()?;
    let total = if paging.total { Some(matching().count().get_result(conn).db()?) } else { None };
    let tasks = rows.into_iter().map(|row| entity(row, names)).collect::<Result<_>>()?;
    paging.page(tasks, total, key)
}

/// Open ones that a user owns or stands in for, due from a date on, the first ones first.
///
/// # Errors
/// When the database cannot be read.
pub fn to_do(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    user: UserId,
    from: NaiveDate,
    most: i64,
) -> Result<Vec<Task>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let rows: Vec<Seen> = task_rows::table
        .filter(task_rows::carrier_id.eq(carrier))
        .filter(task_rows::status.eq(TaskStatus::Open.code()))
        .filter(has_to_do(Key(user.0)))
        .filter(task_rows::due_on.ge(from))
        .order((task_rows::due_on, task_rows::id))
        .limit(most)
        .select(Seen::as_select())
        .load(conn)
        .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// Open ones in a section of the worklist, the first ones first, after one of them.
///
/// # Errors
/// When the database cannot be read.
pub fn on_worklist(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &WorklistQuery,
    section: Section,
    after: Option<(NaiveDate, Uuid)>,
    most: i64,
) -> Result<Vec<Task>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let mut tasks = waiting(carrier, query, section.kind());
    let high = TaskPriority::High.code();
    tasks = match section {
        Section::OverdueHigh | Section::DueHigh => tasks.filter(task_rows::priority.eq(high)),
        _ => tasks.filter(task_rows::priority.ne(high)),
    };
    if let Some((on, id)) = after {
        tasks = tasks
            .filter(task_rows::due_on.ge(on))
            .filter(task_rows::due_on.gt(on).or(task_rows::id.gt(Key(id))));
    }
    let rows: Vec<Seen> = tasks
        .order((task_rows::due_on, task_rows::id))
        .limit(most)
        .select(Seen::as_select())
        .load(conn)
        .db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// # Errors
/// When the database cannot be read.
pub fn count_on_worklist(
    conn: &mut Conn,
    scope: &Scope,
    query: &WorklistQuery,
    kind: WorklistKind,
) -> Result<i64> {
    let Some(carrier) = carrier_of(scope) else { return Ok(0) };
    waiting(carrier, query, kind).count().get_result(conn).db()
}

/// Open ones that are overdue, or due in the days ahead.
fn waiting(carrier: Key, query: &WorklistQuery, kind: WorklistKind) -> Tasks {
    let mut tasks = of(carrier, None).filter(task_rows::status.eq(TaskStatus::Open.code()));
    if let Whose::User(user) = query.whose {
        tasks = tasks.filter(has_to_do(Key(user.0)));
    }
    if kind == WorklistKind::OverdueTask {
        tasks.filter(task_rows::due_on.lt(query.today))
    } else {
        tasks.filter(task_rows::due_on.ge(query.today)).filter(task_rows::due_on.le(query.ahead))
    }
}

/// The next open ones of a user that an input speaks of, in the order of their ids, after one of them.
///
/// # Errors
/// When the database cannot be read.
pub fn next_open_of(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    input: &ReassignInput,
    after: Option<TaskId>,
    most: i64,
) -> Result<Vec<Task>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let mut query = of(carrier, input.organisation_id)
        .filter(task_rows::status.eq(TaskStatus::Open.code()))
        .filter(has_to_do(Key(input.from_user_id.0)));
    if let Some(from) = input.due_from {
        query = query.filter(task_rows::due_on.ge(from));
    }
    if let Some(to) = input.due_to {
        query = query.filter(task_rows::due_on.le(to));
    }
    if let Some(after) = after {
        query = query.filter(task_rows::id.gt(Key(after.0)));
    }
    let rows: Vec<Seen> =
        query.order(task_rows::id).limit(most).select(Seen::as_select()).load(conn).db()?;
    rows.into_iter().map(|row| entity(row, names)).collect()
}

/// Those that a user owns or stands in for.
#[diesel::dsl::auto_type(no_type_alias)]
fn has_to_do(user: Key) -> _ {
    task_rows::owner_id.eq(user).or(task_rows::deputy_id.assume_not_null().eq(user))
}

type Tasks = task_rows::BoxedQuery<'static, <Conn as diesel::Connection>::Backend>;

/// Those of a carrier; about an organisation, also through a consultation, where one is named. Then the
/// carrier is asked for along with it and not once more: SQLite would go through all of the carrier's.
fn of(carrier: Key, organisation: Option<OrganisationId>) -> Tasks {
    let all = task_rows::table.into_boxed();
    let Some(organisation) = organisation else {
        return all.filter(task_rows::carrier_id.eq(carrier));
    };
    let about_it = organisation_tasks::table
        .filter(organisation_tasks::organisation_id.eq(Key(organisation.0)))
        .filter(organisation_tasks::carrier_id.eq(carrier))
        .select(organisation_tasks::task_id);
    all.filter(task_rows::id.eq_any(about_it))
}

/// Tells the tasks about a consultation that it is another organisation's.
pub(crate) fn follow_organisation(conn: &mut Conn, consultation: &Consultation) -> Result<()> {
    let organisation =
        consultation.organisation.as_ref().map(|organisation| Key(organisation.id.0));
    diesel::update(tasks::table)
        .filter(tasks::consultation_id.eq(Some(Key(consultation.id.0))))
        .set(tasks::about_organisation_id.eq(organisation))
        .execute(conn)
        .db()?;
    Ok(())
}

/// Derives anew which organisation each is about, and answers how many were wrong.
pub(crate) fn derive_organisations(conn: &mut Conn) -> Result<usize> {
    const ABOUT: &str = "coalesce(organisation_id, \
        (SELECT c.organisation_id FROM consultations c WHERE c.id = tasks.consultation_id))";
    diesel::sql_query(format!(
        "UPDATE tasks SET about_organisation_id = {ABOUT} \
         WHERE about_organisation_id IS DISTINCT FROM {ABOUT}"
    ))
    .execute(conn)
    .db()
}

/// # Errors
/// When the database cannot be written.
pub fn insert(conn: &mut Conn, task: &Task) -> Result<()> {
    diesel::insert_into(tasks::table).values(Row::from(task)).execute(conn).db()?;
    Ok(())
}

/// # Errors
/// `Stale` when somebody else changed it first.
pub fn update(conn: &mut Conn, task: &Task) -> Result<()> {
    let changed = diesel::update(tasks::table.find(Key(task.id.0)))
        .filter(tasks::version.eq(task.version - 1))
        .set(Row::from(task))
        .execute(conn)
        .db()?;
    one_row(changed, task.version)
}

/// Writes owner and stand-in of several, in a statement for all that are alike.
///
/// # Errors
/// `Stale` when somebody else changed one of them first.
pub fn update_people(conn: &mut Conn, tasks: &[Task]) -> Result<()> {
    let mut alike: BTreeMap<_, Vec<Key>> = BTreeMap::new();
    for task in tasks {
        let deputy = task.deputy.as_ref().map(|deputy| deputy.id);
        let people = (task.owner.id, deputy, task.version, task.updated_at);
        alike.entry(people).or_default().push(Key(task.id.0));
    }
    for ((owner, deputy, version, updated_at), ids) in alike {
        let changed = on_backend!(conn, c => diesel::update(tasks::table)
            .filter(among(tasks::id, &ids))
            .filter(tasks::version.eq(version - 1))
            .set((
                tasks::owner_id.eq(Key(owner)),
                tasks::deputy_id.eq(deputy.map(Key)),
                tasks::version.eq(version),
                tasks::updated_at.eq(At(updated_at)),
            ))
            .execute(c))
        .db()?;
        all_rows(changed, ids.len(), version)?;
    }
    Ok(())
}
