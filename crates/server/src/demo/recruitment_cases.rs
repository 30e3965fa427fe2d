//! Recruitment cases (Rekrutierungsfälle): half of them in the course of an accompaniment. Those of 2023–2025
//! are closed, some of 2026 are open.

use chrono::NaiveDate;
use lotse_domain::Result;
use lotse_domain::occupation::OccupationInput;
use lotse_domain::organisation::OrganisationKind;
use lotse_domain::plan::StepDoneInput;
use lotse_domain::policy::Actor;
use lotse_domain::programme_template::ProgrammeTemplate;
use lotse_domain::recruitment_case::{
    Context, RecruitmentCase, RecruitmentCaseInput, RecruitmentCloseInput, RecruitmentOutcome,
};

use super::consultations::{COUNTRIES, OCCUPATIONS};
use super::events::period;
use super::people::Staff;
use super::programmes::{LAST_DAY, Run, facts, later, people, template, working_day};
use super::register::Register;
use super::words::VACANCIES;
use super::{Maker, at, date};

const CASES: u32 = 40;

/// Purposes that both checklists are open to.
const PURPOSES: [(&str, u32); 6] = [
    ("skilled_vocational", 8),
    ("skilled_academic", 3),
    ("blue_card", 4),
    ("recognition_partnership", 4),
    ("adaptation_measure", 3),
    ("vocational_training", 4),
];

pub fn make(
    maker: &mut Maker,
    staff: &Staff,
    register: &Register,
    runs: &[Run],
) -> Result<Vec<RecruitmentCase>> {
    let templates = [template("fast_track")?, template("regular_visa")?];
    let mut cases = Vec::new();
    let companies: Vec<usize> = (0..register.clients.len())
        .filter(|at| register.clients[*at].organisation.kind == OrganisationKind::Company)
        .collect();
    let begun: Vec<&Run> = runs.iter().filter(|run| run.begun.is_some()).collect();
    for number in 1..=CASES {
        let template = if maker.chance(0.6) { &templates[0] } else { &templates[1] };
        // The last ones begin late enough to be open.
        let recent = number > CASES - 12;
        let run = if number % 2 == 0 {
            let of = if recent { &begun[begun.len() - 10..] } else { &begun[..begun.len() - 10] };
            Some(*maker.pick(of)?)
        } else {
            None
        };
        let client = match run {
            Some(run) => run.client,
            None => *maker.pick(&companies)?,
        };
        let started_on = run.and_then(|run| run.begun.as_ref()?.started_on);
        let opened_on = match started_on {
            Some(start) => later(start, maker.between(5, 12)),
            None if recent => later(date("2026-03-02")?, maker.between(0, 200)),
            None => later(date("2023-03-01")?, maker.between(0, 800)),
        };
        let opened_on = working_day(opened_on);
        let opening = Opening { number, client, run, opened_on, template };
        cases.push(case(maker, staff, register, &opening)?);
    }
    Ok(cases)
}

struct Opening<'a> {
    number: u32,
    client: usize,
    run: Option<&'a Run>,
    opened_on: NaiveDate,
    template: &'a ProgrammeTemplate,
}

fn case(
    maker: &mut Maker,
    staff: &Staff,
    register: &Register,
    opening: &Opening,
) -> Result<RecruitmentCase> {
    let client = &register.clients[opening.client];
    let advisers = people(maker, staff, client);
    let site = maker.network.sites[client.site].clone();
    let lead = match opening
        .run
        .and_then(|run| advisers.iter().find(|adviser| adviser.user_id.0 == run.run.lead.id))
    {
        Some(lead) => lead.clone(),
        None => maker.pick(&advisers)?.clone(),
    };
    let opened_on = opening.opened_on;
    let input = RecruitmentCaseInput {
        company_id: client.organisation.id.0.into(),
        establishment_id: None,
        accompaniment_id: opening.run.map(|run| run.run.id),
        site_id: site.id,
        template_id: opening.template.id,
        vacancy: (*maker.pick(&VACANCIES)?).to_owned(),
        occupation: OccupationInput {
            code: maker.weighted(&OCCUPATIONS)?.to_owned(),
            skill_level: None,
            workers: None,
        },
        candidate_reference: format!("K-{}-{:03}", opened_on.format("%Y"), opening.number),
        country: Some(maker.weighted(&COUNTRIES)?.to_owned()),
        purpose: maker.weighted(&PURPOSES)?.to_owned(),
        opened_on: Some(opened_on),
        target_on: maker.chance(0.4).then(|| later(opened_on, maker.between(200, 360))),
        lead_id: None,
        deputy_id: None,
        notes: None,
    };
    let context = Context {
        today: opened_on,
        company: Some(facts(client)),
        establishment: None,
        accompaniment: opening.run.and_then(|run| run.begun.clone()),
        site: Some(site),
        people: advisers.iter().map(Actor::reference).collect(),
        template: Some(opening.template.clone()),
        period: Some(period(maker, opened_on)?),
        old_period: None,
    };
    let now = at(opened_on, 13, 0);
    let new = RecruitmentCase::new(maker.id(now), now, &lead, &input, &context)?;
    lived(maker, new, &lead)
}

/// Step by step up to work, or to where it ends otherwise, or as far as it is on the last day.
fn lived(maker: &mut Maker, mut case: RecruitmentCase, lead: &Actor) -> Result<RecruitmentCase> {
    let until = date(LAST_DAY)?;
    let outcome = maker.weighted(&[
        (RecruitmentOutcome::WorkStarted, 11),
        (RecruitmentOutcome::Refused, 2),
        (RecruitmentOutcome::CandidateWithdrew, 4),
        (RecruitmentOutcome::CompanyWithdrew, 2),
        (RecruitmentOutcome::FilledOtherwise, 2),
    ])?;
    let well = outcome == RecruitmentOutcome::WorkStarted;
    let most = if well { usize::MAX } else { usize::try_from(maker.between(2, 9)).unwrap_or(2) };
    let mut day = case.opened_on;
    for taken in 0.. {
        let next = case.state_on(day).plan.next_step;
        // What has no date may never happen.
        let next = next.and_then(|next| Some((next.step.code, next.due_on?)));
        let Some((code, due)) = next.filter(|_| taken < most) else { break };
        let days = maker.weighted(&[(-5, 3), (-2, 4), (0, 5), (4, 2), (15, 1)])?;
        let on = working_day(later(due, days).max(day));
        if on > until {
            return Ok(case);
        }
        day = on;
        case = case.with_step_done(&code, at(day, 14, 0), day, lead, &StepDoneInput::default())?;
    }
    let on = working_day(later(day, maker.between(1, 10)));
    if on > until {
        return Ok(case);
    }
    let close = RecruitmentCloseInput { closed_on: None, outcome, note: None };
    case.closed(at(on, 16, 0), on, lead, &close)
}
