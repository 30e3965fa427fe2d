//! Pauses, goals and steps: rows of their own, read with a query each for all runs that are wanted, and
//! written anew with every change.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use lotse_domain::accompaniment::{Accompaniment, Goal, GoalResult, Pause, Resumed};
use lotse_domain::code::Code;
use lotse_domain::id::{AccompanimentId, ProgrammeTemplateId};
use lotse_domain::programme_template::ProgrammeTemplate;
use lotse_domain::{Error, Result};

use super::{Seen, entity};
use crate::among::among;
use crate::connection::Conn;
use crate::convert::optional_code;
use crate::error::DbResult;
use crate::names::Names;
use crate::programme_template;
use crate::schema::{accompaniment_goals, accompaniment_pauses, accompaniment_steps};
use crate::sql_types::{At, Key};

step_row!(StepRow, accompaniment_steps, accompaniment_id);

#[derive(Queryable, Insertable)]
#[diesel(table_name = accompaniment_pauses, treat_none_as_default_value = false)]
struct PauseRow {
    accompaniment_id: Key,
    position: i32,
    from_on: NaiveDate,
    until_on: NaiveDate,
    reason: String,
    paused_by: Key,
    paused_at: At,
    resumed_on: Option<NaiveDate>,
    planned_until: Option<NaiveDate>,
    resumed_by: Option<Key>,
    resumed_at: Option<At>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = accompaniment_goals, treat_none_as_default_value = false)]
struct GoalRow {
    accompaniment_id: Key,
    number: i32,
    title: String,
    measure: Option<String>,
    achievement: Option<String>,
    result_note: Option<String>,
    measured_by: Option<Key>,
    measured_at: Option<At>,
}

fn pause_row(run: Key, position: i32, pause: &Pause) -> PauseRow {
    let resumed = pause.resumed.as_ref();
    PauseRow {
        accompaniment_id: run,
        position,
        from_on: pause.from,
        until_on: pause.until,
        reason: pause.reason.clone(),
        paused_by: Key(pause.by.id),
        paused_at: At(pause.at),
        resumed_on: resumed.map(|it| it.on),
        planned_until: resumed.map(|it| it.planned_until),
        resumed_by: resumed.map(|it| Key(it.by.id)),
        resumed_at: resumed.map(|it| At(it.at)),
    }
}

fn pause(row: PauseRow, names: &Names) -> Result<Pause> {
    let resumed = match (row.resumed_on, row.planned_until, row.resumed_by, row.resumed_at) {
        (Some(on), Some(planned_until), Some(by), Some(at)) => {
            Some(Resumed { on, planned_until, by: names.reference(by)?, at: at.0 })
        }
        _ => None,
    };
    Ok(Pause {
        from: row.from_on,
        until: row.until_on,
        reason: row.reason,
        by: names.reference(row.paused_by)?,
        at: row.paused_at.0,
        resumed,
    })
}

fn goal_row(run: Key, goal: &Goal) -> Result<GoalRow> {
    let result = goal.result.as_ref();
    Ok(GoalRow {
        accompaniment_id: run,
        number: i32::try_from(goal.number).map_err(|error| Error::Internal(error.into()))?,
        title: goal.title.clone(),
        measure: goal.measure.clone(),
        achievement: result.map(|it| it.achievement.code().to_owned()),
        result_note: result.and_then(|it| it.note.clone()),
        measured_by: result.map(|it| Key(it.by.id)),
        measured_at: result.map(|it| At(it.at)),
    })
}

fn goal(row: GoalRow, names: &Names) -> Result<Goal> {
    let achievement = optional_code(row.achievement.as_deref())?;
    let result = match (achievement, row.measured_by, row.measured_at) {
        (Some(achievement), Some(by), Some(at)) => {
            let (note, by) = (row.result_note, names.reference(by)?);
            Some(GoalResult { achievement, note, by, at: at.0 })
        }
        _ => None,
    };
    let number = u32::try_from(row.number).map_err(|error| Error::Internal(error.into()))?;
    Ok(Goal { number, title: row.title, measure: row.measure, result })
}

type Templates = HashMap<Key, ProgrammeTemplate>;

/// The runs behind rows, whole and in the order of the rows.
pub(super) fn entities(
    conn: &mut Conn,
    names: &Names,
    rows: Vec<Seen>,
) -> Result<Vec<Accompaniment>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let templates = templates(conn, names, &rows)?;
    by(conn, names, &templates, rows)
}

/// As [`entities`], one after the other: with all that belongs to them, thousands of runs would be much to
/// hold at once, and fresh memory costs more than a few more statements.
pub(super) fn each(
    conn: &mut Conn,
    names: &Names,
    rows: Vec<Seen>,
    mut each: impl FnMut(&Accompaniment),
) -> Result<()> {
    const AT_ONCE: usize = 200;
    let templates = templates(conn, names, &rows)?;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some = rows.by_ref().take(AT_ONCE).collect();
        by(conn, names, &templates, some)?.iter().for_each(&mut each);
    }
    Ok(())
}

fn by(
    conn: &mut Conn,
    names: &Names,
    templates: &Templates,
    rows: Vec<Seen>,
) -> Result<Vec<Accompaniment>> {
    let places: HashMap<Key, usize> = rows.iter().map(|(row, _)| row.id).zip(0..).collect();
    let ids: Vec<Key> = rows.iter().map(|(row, _)| row.id).collect();
    let mut runs: Vec<Accompaniment> = rows
        .into_iter()
        .map(|seen| {
            let template = templates
                .get(&seen.0.template_id)
                .ok_or_else(|| Error::internal("the template of an accompaniment is missing"))?;
            entity(seen, template, names)
        })
        .collect::<Result<_>>()?;
    let steps: Vec<StepRow> = on_backend!(conn, c => accompaniment_steps::table
        .filter(among(accompaniment_steps::accompaniment_id, &ids))
        .load(c))
    .db()?;
    for row in steps {
        let run = &mut runs[places[&row.accompaniment_id]];
        row.put(&mut run.steps, names)?;
    }
    let pauses: Vec<PauseRow> = on_backend!(conn, c => accompaniment_pauses::table
        .filter(among(accompaniment_pauses::accompaniment_id, &ids))
        .order((accompaniment_pauses::accompaniment_id, accompaniment_pauses::position))
        .load(c))
    .db()?;
    for row in pauses {
        let run = &mut runs[places[&row.accompaniment_id]];
        run.pauses.push(pause(row, names)?);
    }
    let goals: Vec<GoalRow> = on_backend!(conn, c => accompaniment_goals::table
        .filter(among(accompaniment_goals::accompaniment_id, &ids))
        .order((accompaniment_goals::accompaniment_id, accompaniment_goals::number))
        .load(c))
    .db()?;
    for row in goals {
        let run = &mut runs[places[&row.accompaniment_id]];
        run.goals.push(goal(row, names)?);
    }
    Ok(runs)
}

fn templates(conn: &mut Conn, names: &Names, rows: &[Seen]) -> Result<Templates> {
    let mut ids: Vec<_> =
        rows.iter().map(|(row, _)| ProgrammeTemplateId(row.template_id.0)).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = programme_template::with_ids(conn, names, &ids)?;
    Ok(found.into_iter().map(|template| (Key(template.id.0), template)).collect())
}

pub(super) fn insert(conn: &mut Conn, run: &Accompaniment) -> Result<()> {
    let id = Key(run.id.0);
    // Before the start nothing is recorded of them, and the template may change.
    let begun = if run.started_on.is_some() { run.steps.as_slice() } else { &[] };
    let steps = StepRow::of(id, begun, &run.awaited_on());
    let pauses: Vec<PauseRow> =
        (0..).zip(&run.pauses).map(|(position, pause)| pause_row(id, position, pause)).collect();
    let goals: Vec<GoalRow> =
        run.goals.iter().map(|goal| goal_row(id, goal)).collect::<Result<_>>()?;
    on_backend!(conn, c => {
        diesel::insert_into(accompaniment_steps::table).values(&steps).execute(c).db()?;
        diesel::insert_into(accompaniment_pauses::table).values(&pauses).execute(c).db()?;
        diesel::insert_into(accompaniment_goals::table).values(&goals).execute(c).db()?;
    });
    Ok(())
}

pub(super) fn remove(conn: &mut Conn, id: AccompanimentId) -> Result<()> {
    let id = Key(id.0);
    diesel::delete(accompaniment_steps::table)
        .filter(accompaniment_steps::accompaniment_id.eq(id))
        .execute(conn)
        .db()?;
    diesel::delete(accompaniment_pauses::table)
        .filter(accompaniment_pauses::accompaniment_id.eq(id))
        .execute(conn)
        .db()?;
    diesel::delete(accompaniment_goals::table)
        .filter(accompaniment_goals::accompaniment_id.eq(id))
        .execute(conn)
        .db()?;
    Ok(())
}
