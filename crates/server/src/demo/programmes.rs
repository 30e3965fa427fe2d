//! Accompaniments (Begleitungen): those of 2023–2025 are over, of 2026 some are under way, on track, late or
//! paused. Each goes through its days as an adviser would have it: asked for, agreed, begun, one step after the
//! other, and its records bear the dates of then.

use std::collections::HashSet;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use lotse_domain::accompaniment::{
    Accompaniment, AccompanimentInput, AccompanimentOutcome, AgreeInput, CompleteInput, Context,
    EarlyEnd, EndInput, GoalAchievement, GoalInput, GoalMeasureInput, MeasureGoalsInput,
    PauseInput, RejectInput, StartContext, StartInput,
};
use lotse_domain::consultation::OrganisationFacts;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::plan::{ReplanInput, Step, StepDoneInput};
use lotse_domain::policy::Actor;
use lotse_domain::programme_template::{
    DEFAULT_ACCOMPANIMENT, ProgrammeTemplate, TemplateStatus, newest,
};
use lotse_domain::{Error, Result};

use super::events::period;
use super::people::Staff;
use super::register::{Client, Register};
use super::words::{GOALS, PAUSE_REASONS, REJECT_REASONS};
use super::{Maker, at, date};

/// What becomes of a request.
#[derive(Clone, Copy)]
enum Fate {
    Requested,
    Rejected,
    Agreed,
    /// It goes on until the end, or as far as it is on the last day of the demonstration.
    Lives,
    /// As [`Fate::Lives`], but nothing was recorded for some weeks: it is late.
    Rests,
    Ends(EarlyEnd),
}

/// Requests of 2023–2025 with their fates.
const PAST: [(Fate, usize); 9] = [
    (Fate::Lives, 41),
    (Fate::Rejected, 7),
    (Fate::Ends(EarlyEnd::VacancyFilled), 3),
    (Fate::Ends(EarlyEnd::NoCapacity), 3),
    (Fate::Ends(EarlyEnd::Unreachable), 2),
    (Fate::Ends(EarlyEnd::Insolvency), 1),
    (Fate::Ends(EarlyEnd::NotEligible), 1),
    (Fate::Ends(EarlyEnd::Withdrew), 2),
    (Fate::Ends(EarlyEnd::ProjectEnd), 1),
];

/// Fate, day of start, and a pause from a day on for some days.
type Recent = (Fate, &'static str, Option<(&'static str, u64)>);
const PRESENT: [Recent; 12] = [
    (Fate::Lives, "2026-01-19", None),
    (Fate::Lives, "2026-02-02", None),
    (Fate::Lives, "2026-02-09", Some(("2026-03-09", 21))),
    (Fate::Lives, "2026-05-04", None),
    (Fate::Lives, "2026-07-20", Some(("2026-08-03", 19))),
    (Fate::Rests, "2026-08-10", None),
    (Fate::Rests, "2026-08-31", None),
    (Fate::Lives, "2026-09-14", Some(("2026-10-19", 33))),
    (Fate::Lives, "2026-09-28", None),
    (Fate::Lives, "2026-10-12", None),
    (Fate::Agreed, "2026-11-02", None),
    (Fate::Requested, "2026-11-09", None),
];

/// The last day that anything is known of.
pub const LAST_DAY: &str = "2026-10-30";

/// A run as it began, and what became of it.
pub struct Run {
    pub client: usize,
    pub begun: Option<Accompaniment>,
    pub run: Accompaniment,
}

/// What the runs are made from.
struct Scene<'a> {
    staff: &'a Staff,
    register: &'a Register,
    template: ProgrammeTemplate,
    /// Companies that have a run: none has two.
    taken: HashSet<usize>,
}

struct Draft {
    fate: Fate,
    starts_on: NaiveDate,
    /// First day, and how many more.
    pause: Option<(NaiveDate, u64)>,
}

pub fn make(maker: &mut Maker, staff: &Staff, register: &Register) -> Result<Vec<Run>> {
    let mut scene = Scene {
        staff,
        register,
        template: template(DEFAULT_ACCOMPANIMENT)?,
        taken: HashSet::new(),
    };
    let mut runs = Vec::new();
    let (first, last) = (date("2023-02-01")?, date("2025-09-15")?);
    let days = i32::try_from((last - first).num_days()).unwrap_or_default();
    for fate in PAST.into_iter().flat_map(|(fate, count)| std::iter::repeat_n(fate, count)) {
        let starts_on = working_day(later(first, maker.between(0, days)));
        let pause = maker.chance(0.3).then(|| {
            (later(starts_on, maker.between(8, 70)), u64::from(maker.between(7, 28).unsigned_abs()))
        });
        runs.push(run(maker, &mut scene, &Draft { fate, starts_on, pause })?);
    }
    for (fate, starts_on, pause) in PRESENT {
        let pause = match pause {
            Some((from, days)) => Some((date(from)?, days)),
            None => None,
        };
        let draft = Draft { fate, starts_on: date(starts_on)?, pause };
        runs.push(run(maker, &mut scene, &draft)?);
    }
    Ok(runs)
}

/// One that ships with the program, as an installation has it.
pub fn template(code: &str) -> Result<ProgrammeTemplate> {
    let shipped = newest(code).ok_or_else(|| Error::internal("no such template"))?;
    shipped.published(super::at(date("2019-01-01")?, 0, 0))
}

/// Those who advise at the site of a client, the lead first.
pub fn people(maker: &mut Maker, staff: &Staff, client: &Client) -> Vec<Actor> {
    let mut people = staff.at_site(&maker.network.sites[client.site]);
    let lead = usize::try_from(maker.between(0, 99)).unwrap_or_default() % people.len().max(1);
    people.rotate_left(lead);
    people
}

pub fn facts(client: &Client) -> OrganisationFacts {
    OrganisationFacts {
        reference: client.organisation.clone(),
        district_id: client.district,
        archived: false,
    }
}

pub fn later(day: NaiveDate, days: i32) -> NaiveDate {
    let moved = day.checked_add_signed(chrono::TimeDelta::days(days.into()));
    moved.unwrap_or(day)
}

pub fn working_day(day: NaiveDate) -> NaiveDate {
    let weekend = |day: &NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    day.iter_days().find(|day| !weekend(day)).unwrap_or(day)
}

fn run(maker: &mut Maker, scene: &mut Scene, draft: &Draft) -> Result<Run> {
    let Draft { fate, starts_on, pause } = *draft;
    let client = company(maker, scene);
    let (run, lead) = request(maker, scene, client, starts_on)?;
    let answered_on = working_day(later(run.requested_on, maker.between(2, 9)));
    let now = at(answered_on, 10, 0);
    let only = |run| Ok(Run { client, begun: None, run });
    match fate {
        Fate::Requested => return only(run),
        Fate::Rejected => {
            let reason = (*maker.pick(&REJECT_REASONS)?).to_owned();
            let reject = RejectInput { rejected_on: None, reason };
            return only(run.rejected(now, answered_on, &lead, &reject)?);
        }
        Fate::Agreed | Fate::Lives | Fate::Rests | Fate::Ends(_) => (),
    }
    let mut goals = GOALS.to_vec();
    goals.truncate(usize::try_from(maker.between(1, 3)).unwrap_or(1));
    let goals = goals.into_iter().map(|(title, measure)| GoalInput {
        title: title.to_owned(),
        measure: Some(measure.to_owned()),
    });
    let agree = AgreeInput { agreed_on: None, goals: goals.collect() };
    let run = run.agreed(now, answered_on, &lead, &agree)?;
    if matches!(fate, Fate::Agreed) {
        return only(run);
    }
    // Each of a company of its own, by what was published then.
    let context = StartContext {
        today: starts_on,
        period: Some(period(maker, starts_on)?),
        template: TemplateStatus::Published,
        before: None,
    };
    let start = StartInput { started_on: None };
    let begun = run.started(at(starts_on, 11, 0), &lead, &start, &context)?;
    let until = match fate {
        Fate::Ends(_) => working_day(later(starts_on, maker.between(6, 80))),
        Fate::Rests => later(date(LAST_DAY)?, -28),
        _ => date(LAST_DAY)?,
    };
    let (run, day) = lived(maker, begun.clone(), &lead, pause, until)?;
    let run = match fate {
        Fate::Ends(reason) => {
            let end = EndInput { ended_on: None, reason, note: None };
            run.ended(at(until, 16, 0), until, &lead, &end)?
        }
        _ => completed(maker, run, &lead, day, until)?,
    };
    Ok(Run { client, begun: Some(begun), run })
}

fn company(maker: &mut Maker, scene: &mut Scene) -> usize {
    let clients = &scene.register.clients;
    let most = i32::try_from(clients.len()).unwrap_or(i32::MAX) - 1;
    loop {
        let number = usize::try_from(maker.between(0, most)).unwrap_or_default();
        let company = clients[number].organisation.kind == OrganisationKind::Company;
        if company && scene.taken.insert(number) {
            return number;
        }
    }
}

/// What a client asks for some weeks before the start, and who leads it.
fn request(
    maker: &mut Maker,
    scene: &Scene,
    client: usize,
    starts_on: NaiveDate,
) -> Result<(Accompaniment, Actor)> {
    let client = &scene.register.clients[client];
    let people = people(maker, scene.staff, client);
    let lead = people.first().ok_or_else(|| Error::internal("a site without advisers"))?.clone();
    let site = maker.network.sites[client.site].clone();
    let requested_on = working_day(later(starts_on, -maker.between(12, 30)));
    let input = AccompanimentInput {
        company_id: client.organisation.id.0.into(),
        site_id: site.id,
        template_id: None,
        requested_on: Some(requested_on),
        lead_id: None,
        deputy_id: people.get(1).filter(|_| maker.chance(0.6)).map(|deputy| deputy.user_id),
        notes: None,
    };
    let context = Context {
        today: requested_on,
        company: Some(facts(client)),
        site: Some(site),
        people: people.iter().map(Actor::reference).collect(),
        template: Some(scene.template.clone()),
        has_open_run: false,
    };
    let now = at(requested_on, 9, 0);
    Ok((Accompaniment::new(maker.id(now), now, &lead, &input, &context)?, lead))
}

/// The run after one step after the other up to a day, and the day that the last was done on.
fn lived(
    maker: &mut Maker,
    mut run: Accompaniment,
    lead: &Actor,
    mut pause: Option<(NaiveDate, u64)>,
    until: NaiveDate,
) -> Result<(Accompaniment, NaiveDate)> {
    let start = run.started_on.unwrap_or(run.requested_on);
    let mut day = start;
    loop {
        let next = run.state_on(day).plan.and_then(|plan| plan.next_step);
        let Some((code, due)) = next.and_then(|next| Some((next.step.code, next.due_on?))) else {
            return Ok((run, day));
        };
        let step = run.steps.iter().find(|step| step.definition.code == code);
        let Some(step) = step.filter(|step| !step.definition.after_end) else {
            return Ok((run, day));
        };
        let mandatory = step.definition.mandatory;
        let days = maker.weighted(&[(-4, 2), (-2, 3), (-1, 3), (0, 6), (3, 2), (9, 1)])?;
        // The kick-off is day 1, but for some it is held some days later after all.
        let days = if code == "kick_off" { days.max(0) } else { days };
        let on = working_day(later(due, days).max(day));
        let paused = pause.take_if(|(from, _)| *from <= on && *from < until);
        if let Some((from, days)) = paused {
            let from = from.max(later(day, 1));
            let end = run.plan().and_then(|plan| plan.planned_end());
            // Somebody who is behind by then has no time for a pause.
            if from < until && end.is_some_and(|end| from <= end) {
                let last = from.checked_add_days(Days::new(days)).unwrap_or(from);
                let reason = (*maker.pick(&PAUSE_REASONS)?).to_owned();
                let pause = PauseInput { from: None, until: last, reason };
                run = run.paused(at(from, 9, 0), from, lead, &pause)?;
                day = working_day(later(last, 1));
                continue;
            }
        }
        if on > until {
            return Ok((run, day));
        }
        day = on;
        let now = at(day, 15, 0);
        run = if maker.chance(if mandatory { 0.03 } else { 0.3 }) && code != "kick_off" {
            run.with_step_waived(&code, now, day, lead, "Für diesen Betrieb nicht nötig")?
        } else {
            run.with_step_done(&code, now, day, lead, &StepDoneInput::default())?
        };
        // Some look at the plan when something came later than planned.
        let preview = run.replan_preview(day)?;
        if !preview.differences.is_empty() && maker.chance(0.7) {
            let seen = ReplanInput { token: preview.token };
            run = run.replanned(at(day, 16, 0), day, &seen)?;
        }
    }
}

/// Completed when everything was done, and followed up half a year after the start.
fn completed(
    maker: &mut Maker,
    run: Accompaniment,
    lead: &Actor,
    day: NaiveDate,
    until: NaiveDate,
) -> Result<Accompaniment> {
    let open = run.plan().is_some_and(|plan| !plan.holding_up().is_empty());
    let on = working_day(later(day, maker.between(1, 6)));
    if open || on > until {
        return Ok(run);
    }
    let outcome = maker.weighted(&[
        (AccompanimentOutcome::Achieved, 6),
        (AccompanimentOutcome::Partly, 3),
        (AccompanimentOutcome::NotAchieved, 1),
    ])?;
    let mut results = Vec::new();
    for goal in &run.goals {
        let achievement = maker.weighted(&[
            (GoalAchievement::Achieved, 6),
            (GoalAchievement::Partly, 3),
            (GoalAchievement::NotAchieved, 1),
        ])?;
        results.push(GoalMeasureInput { number: goal.number, achievement, note: None });
    }
    let measured = MeasureGoalsInput { results };
    let run = run.with_goals_measured(at(on, 9, 0), on, lead, &measured)?;
    let complete = CompleteInput { completed_on: None, outcome, note: None };
    let run = run.completed(at(on, 10, 0), on, lead, &complete)?;
    let code = "follow_up";
    let due = run.steps.iter().find(|step| step.definition.code == code);
    let Some(due) = due.filter(|step| step.is_open()).and_then(Step::due_on) else {
        return Ok(run);
    };
    let on = working_day(later(due, maker.between(0, 14)));
    if on > until || !maker.chance(0.8) {
        return Ok(run);
    }
    run.with_step_done(code, at(on, 11, 0), on, lead, &StepDoneInput::default())
}
