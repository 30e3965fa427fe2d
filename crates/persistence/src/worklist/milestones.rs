use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::id::{OrganisationId, ProgrammeTemplateId};
use lotse_domain::organisation::{OrganisationKind, OrganisationReference};
use lotse_domain::policy::Scope;
use lotse_domain::programme_template::TemplateStep;
use lotse_domain::worklist::{Awaited, Milestone, Whose, WorklistKind, WorklistQuery};
use lotse_domain::{Error, Result};
use uuid::Uuid;

use crate::connection::Conn;
use crate::convert::{carrier_of, code};
use crate::error::DbResult;
use crate::names::Names;
use crate::programme_template;
use crate::schema::awaited_steps;
use crate::sql_types::Key;

#[derive(Queryable, Selectable)]
#[diesel(table_name = awaited_steps)]
struct Seen {
    record_id: Key,
    record_kind: String,
    position: i32,
    code: String,
    awaited_on: NaiveDate,
    lead_id: Key,
    template_id: Key,
    candidate_reference: Option<String>,
    company_id: Key,
    company_name: String,
}

/// Those that were to be done before today, or are today or in the days ahead.
fn awaited(
    carrier: Key,
    query: &WorklistQuery,
    kind: WorklistKind,
) -> awaited_steps::BoxedQuery<'static, <Conn as diesel::Connection>::Backend> {
    let awaited = awaited_steps::table.filter(awaited_steps::carrier_id.eq(carrier)).into_boxed();
    let awaited = if kind == WorklistKind::OverdueMilestone {
        awaited.filter(awaited_steps::awaited_on.lt(query.today))
    } else {
        awaited.filter(awaited_steps::awaited_on.between(query.today, query.ahead))
    };
    match query.whose {
        Whose::Everybody => awaited,
        Whose::User(user) => awaited.filter(
            awaited_steps::lead_id
                .eq(Key(user.0))
                .or(awaited_steps::deputy_id.assume_not_null().eq(Key(user.0))),
        ),
    }
}

/// # Errors
/// When the database cannot be read.
pub fn count_milestones(
    conn: &mut Conn,
    scope: &Scope,
    query: &WorklistQuery,
    kind: WorklistKind,
) -> Result<i64> {
    let Some(carrier) = carrier_of(scope) else { return Ok(0) };
    awaited(carrier, query, kind).count().get_result(conn).db()
}

/// Those awaited first come first, after one of them.
///
/// # Errors
/// When the database cannot be read.
pub fn milestones(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    query: &WorklistQuery,
    kind: WorklistKind,
    after: Option<(NaiveDate, Uuid, i32)>,
    most: i64,
) -> Result<Vec<Awaited>> {
    let Some(carrier) = carrier_of(scope) else { return Ok(Vec::new()) };
    let mut page = awaited(carrier, query, kind);
    if let Some((on, record, position)) = after {
        let record = Key(record);
        let later_of_it =
            awaited_steps::record_id.eq(record).and(awaited_steps::position.gt(position));
        page = page.filter(awaited_steps::awaited_on.ge(on)).filter(
            awaited_steps::awaited_on
                .gt(on)
                .or(awaited_steps::record_id.gt(record))
                .or(later_of_it),
        );
    }
    let rows: Vec<Seen> = page
        .order((awaited_steps::awaited_on, awaited_steps::record_id, awaited_steps::position))
        .limit(most)
        .select(Seen::as_select())
        .load(conn)
        .db()?;
    let steps = steps(conn, names, &rows)?;
    rows.into_iter()
        .map(|row| {
            let step = steps
                .get(&(row.template_id, row.code))
                .ok_or_else(|| Error::internal("a step that is awaited is in no template"))?;
            Ok(Awaited {
                on: row.awaited_on,
                record: row.record_id.0,
                milestone: Milestone {
                    of: code(&row.record_kind)?,
                    candidate_reference: row.candidate_reference,
                    code: step.code.clone(),
                    title_de: step.title_de.clone(),
                    title_en: step.title_en.clone(),
                    owner: step.owner,
                    mandatory: step.mandatory,
                    position: row.position,
                },
                company: OrganisationReference {
                    id: OrganisationId(row.company_id.0),
                    name: row.company_name,
                    kind: OrganisationKind::Company,
                },
                lead: names.reference(row.lead_id)?,
            })
        })
        .collect()
}

/// What the templates say of steps, by template and code.
fn steps(
    conn: &mut Conn,
    names: &Names,
    rows: &[Seen],
) -> Result<HashMap<(Key, String), Arc<TemplateStep>>> {
    let mut ids: Vec<_> = rows.iter().map(|row| ProgrammeTemplateId(row.template_id.0)).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut steps = HashMap::new();
    for template in programme_template::with_ids(conn, names, &ids)? {
        let of_template = template.phases.into_iter().flat_map(|phase| phase.steps);
        steps.extend(of_template.map(|step| ((Key(template.id.0), step.code.clone()), step)));
    }
    Ok(steps)
}
