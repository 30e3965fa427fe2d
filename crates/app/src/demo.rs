//! Fills an empty installation with made-up data.

use chrono::{DateTime, Utc};
use lotse_domain::accompaniment::Accompaniment;
use lotse_domain::actor::Actor;
use lotse_domain::company::Company;
use lotse_domain::consultation::Consultation;
use lotse_domain::contact::Contact;
use lotse_domain::district::{Coverage, CoverageFilter, District};
use lotse_domain::establishment::Establishment;
use lotse_domain::event::Event;
use lotse_domain::event_series::EventSeries;
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::id::{CarrierId, ConsultationId, OrganisationId};
use lotse_domain::indicator::{Indicator, IndicatorReference};
use lotse_domain::page::{PageParams, Paging};
use lotse_domain::participation::Participation;
use lotse_domain::policy::{self, Scope};
use lotse_domain::recruitment_case::RecruitmentCase;
use lotse_domain::referral::Referral;
use lotse_domain::report::{Report, ReportAcceptInput, ReportSubmitInput};
use lotse_domain::saved_view::SavedView;
use lotse_domain::site::{Site, SiteFilter};
use lotse_domain::tag::{Tag, TagReference};
use lotse_domain::target::Target;
use lotse_domain::task::Task;
use lotse_domain::time::local_date;
use lotse_domain::topic::{Topic, TopicFilter};
use lotse_domain::user::{Assignment, User};
use lotse_domain::{Error, Result};
use lotse_persistence::names::Names;
use lotse_persistence::{
    accompaniment, actor, company, consultation, contact, district, establishment, event,
    event_series, funding_period, indicator, installation, participation, recruitment_case,
    referral, report, saved_view, site, tag, target, task, topic, user,
};

use crate::App;
use crate::indicator::View;
use crate::report::freeze;

/// Everything to fill in, in an order that references allow.
#[derive(Debug, Default)]
pub struct Data {
    pub users: Vec<User>,
    pub assignments: Vec<Assignment>,
    pub companies: Vec<Company>,
    pub establishments: Vec<Establishment>,
    pub actors: Vec<Actor>,
    pub contacts: Vec<Contact>,
    pub consultations: Vec<Consultation>,
    pub event_series: Vec<EventSeries>,
    pub events: Vec<Event>,
    pub participations: Vec<Participation>,
    pub tasks: Vec<Task>,
    pub referrals: Vec<Referral>,
    pub tags: Vec<Tag>,
    pub tagged: Vec<Tagged<OrganisationId>>,
    pub tagged_consultations: Vec<Tagged<ConsultationId>>,
    pub saved_views: Vec<SavedView>,
    pub accompaniments: Vec<Accompaniment>,
    pub recruitment_cases: Vec<RecruitmentCase>,
    pub targets: Vec<Target>,
    pub reports: Vec<HandedIn>,
}

/// A report that is submitted once the records are there, and accepted if there is a day for that.
#[derive(Clone, Debug)]
pub struct HandedIn {
    pub draft: Report,
    pub by: policy::Actor,
    pub period: FundingPeriod,
    pub submitted_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
}

/// A carrier's tags of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged<I> {
    pub carrier: CarrierId,
    pub record: I,
    pub tags: Vec<TagReference>,
}

impl Data {
    #[must_use]
    pub fn records(&self) -> usize {
        self.users.len()
            + self.assignments.len()
            + self.companies.len()
            + self.establishments.len()
            + self.actors.len()
            + self.contacts.len()
            + self.consultations.len()
            + self.event_series.len()
            + self.events.len()
            + self.participations.len()
            + self.tasks.len()
            + self.referrals.len()
            + self.tags.len()
            + self.tagged.len()
            + self.tagged_consultations.len()
            + self.saved_views.len()
            + self.accompaniments.len()
            + self.recruitment_cases.len()
            + self.targets.len()
            + self.reports.len()
    }
}

/// Whether the installation was filled to the end.
///
/// # Errors
/// When the database cannot be read.
pub fn is_filled(app: &App) -> Result<bool> {
    app.database.read(installation::synthetic_data)
}

/// Fills everything in one transaction, so that an interrupted start leaves nothing behind, and
/// marks the installation. `progress` hears how many records are done.
///
/// # Errors
/// `Conflict` when there are users already: real data is not mixed with made-up data.
pub fn fill(app: &App, data: &Data, password: &str, progress: &dyn Fn(usize)) -> Result<()> {
    let hash = app.hasher.hash(password)?;
    app.database.write(|conn| {
        if user::any(conn)? {
            return Err(Error::conflict(
                "not_empty",
                "The database has users already; demonstration data goes into an empty one.",
            ));
        }
        let mut done = 0;
        let mut step = || {
            done += 1;
            progress(done);
        };
        for new in &data.users {
            user::insert(conn, new, Some(&hash))?;
            step();
        }
        for new in &data.assignments {
            user::insert_assignment(conn, new)?;
            step();
        }
        for new in &data.companies {
            company::insert(conn, new)?;
            step();
        }
        for new in &data.establishments {
            establishment::insert(conn, new)?;
            step();
        }
        for new in &data.actors {
            actor::insert(conn, new)?;
            step();
        }
        for new in &data.contacts {
            contact::insert(conn, new)?;
            step();
        }
        for new in &data.consultations {
            consultation::insert(conn, new)?;
            step();
        }
        for new in &data.event_series {
            event_series::insert(conn, new)?;
            step();
        }
        for new in &data.events {
            event::insert(conn, new)?;
            step();
        }
        for batch in data.participations.chunks(200) {
            participation::insert_all(conn, batch)?;
            for _ in batch {
                step();
            }
        }
        for new in &data.tasks {
            task::insert(conn, new)?;
            step();
        }
        for new in &data.referrals {
            referral::insert(conn, new)?;
            step();
        }
        for new in &data.tags {
            tag::insert(conn, new)?;
            step();
        }
        for new in &data.tagged {
            let scope = Scope::Carrier(new.carrier);
            tag::set_of_organisation(conn, &scope, new.record, &new.tags)?;
            step();
        }
        for new in &data.tagged_consultations {
            let scope = Scope::Carrier(new.carrier);
            tag::set_of_consultation(conn, &scope, new.record, &new.tags)?;
            step();
        }
        for new in &data.saved_views {
            saved_view::insert(conn, new)?;
            step();
        }
        for new in &data.accompaniments {
            accompaniment::insert(conn, new)?;
            step();
        }
        for new in &data.recruitment_cases {
            recruitment_case::insert(conn, new)?;
            step();
        }
        for new in &data.targets {
            target::insert(conn, new)?;
            step();
        }
        let names = Names::of_now(conn)?;
        for new in &data.reports {
            let today = local_date(new.submitted_at);
            hand_in(&mut View { conn: &mut *conn, names: &names, today }, new)?;
            step();
        }
        installation::mark_synthetic(conn)
    })
}

/// A report of the demonstration: submitted as what it says, and accepted where there is a day for that.
fn hand_in(view: &mut View, handed_in: &HandedIn) -> Result<()> {
    let HandedIn { draft, by, period, submitted_at, accepted_at } = handed_in;
    report::insert(view.conn, draft)?;
    let (sha256, records) = freeze(view, by, period, draft)?;
    let input = ReportSubmitInput { sha256: sha256.clone(), note: None };
    let submitted = draft.submitted(*submitted_at, by, &input, sha256, records)?;
    report::update(view.conn, &submitted)?;
    if let Some(at) = accepted_at {
        let accepted = submitted.accepted(*at, by, &ReportAcceptInput::default())?;
        report::update(view.conn, &accepted)?;
    }
    Ok(())
}

/// Gives the users with these e-mail addresses a new password.
///
/// # Errors
/// When the database cannot be written.
pub fn set_passwords(app: &App, emails: &[&str], password: &str) -> Result<()> {
    for email in emails {
        crate::operator::set_password(app, email, password)?;
    }
    Ok(())
}

/// What the migrations brought, for the data to refer to.
#[derive(Debug)]
pub struct Network {
    pub sites: Vec<Site>,
    pub districts: Vec<District>,
    pub coverages: Vec<Coverage>,
    pub periods: Vec<FundingPeriod>,
    pub topics: Vec<Topic>,
    pub indicators: Vec<IndicatorReference>,
}

/// # Errors
/// When the database cannot be read.
pub fn network(app: &App) -> Result<Network> {
    let everything = Paging::new(&PageParams { limit: Some(200), ..PageParams::default() }, &())?;
    app.database.read(|conn| {
        Ok(Network {
            sites: site::list(conn, &SiteFilter::default(), &everything)?.items,
            districts: district::all(conn)?,
            coverages: district::list_coverages(conn, &CoverageFilter::default(), &everything)?
                .items,
            periods: funding_period::list(conn, &everything)?.items,
            topics: topic::list(conn, &TopicFilter::default(), &everything)?.items,
            indicators: {
                let names = Names::of_now(conn)?;
                let active = indicator::all_active(conn, &names)?;
                active.iter().map(Indicator::reference).collect()
            },
        })
    })
}
