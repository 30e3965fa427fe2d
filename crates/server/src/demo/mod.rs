//! Demonstration data: made up, always the same, shaped like what the centres reported for 2019–2022.
//! Every record passes the rules of the domain. Nobody in it exists; every organisation is marked
//! `synthetic`, and so is the installation.

mod consultations;
mod events;
mod figures;
mod follow_ups;
mod people;
mod programmes;
mod recruitment_cases;
mod register;
mod tags;
mod words;

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use lotse_app::App;
use lotse_app::demo::{Data, Network};
use lotse_domain::{Error, Result};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

/// The log-ins that a demonstration prints.
pub const LOG_INS: [&str; 4] = [
    "adviser@demo.example",
    "manager@demo.example",
    "coordinator@demo.example",
    "admin@demo.example",
];

/// Fills the database on the first start; on a later one the data is found.
///
/// # Errors
/// When the database holds real data, or cannot be written.
pub fn fill_if_empty(app: &App) -> Result<()> {
    if lotse_app::demo::is_filled(app)? {
        return Ok(());
    }
    let data = make(&lotse_app::demo::network(app)?)?;
    let bar = ProgressBar::new(data.records() as u64).with_style(
        ProgressStyle::with_template("Demonstration data {bar:40} {pos}/{len} records")
            .map_err(|error| Error::Internal(error.into()))?,
    );
    bar.enable_steady_tick(Duration::from_millis(200));
    // Nobody knows this one; the log-ins get theirs at every start.
    lotse_app::demo::fill(app, &data, &random_password(), &|done| bar.set_position(done as u64))?;
    bar.finish();
    Ok(())
}

/// Three groups of five letters and digits without those that look alike: some 74 bits.
#[must_use]
pub fn random_password() -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut rng = rand::rng();
    let mut group = || -> String {
        (0..5).map(|_| char::from(*ALPHABET.choose(&mut rng).unwrap_or(&b'x'))).collect()
    };
    format!("{}-{}-{}", group(), group(), group())
}

/// All of it, from a fixed seed.
///
/// # Errors
/// When a record breaks a rule of the domain: a fault in here.
pub fn make(network: &Network) -> Result<Data> {
    let mut maker = Maker { rng: ChaCha8Rng::seed_from_u64(2019), network };
    let staff = people::make(&mut maker)?;
    let register = register::make(&mut maker, &staff)?;
    let consultations = consultations::make(&mut maker, &staff, &register)?;
    let events = events::make(&mut maker, &staff, &register)?;
    let (tasks, referrals) = follow_ups::make(&mut maker, &staff, &register, &consultations)?;
    // After what was there before, which stays as it is.
    let sorted = tags::make(&mut maker, &staff, &register, &consultations)?;
    let runs = programmes::make(&mut maker, &staff, &register)?;
    let recruitment_cases = recruitment_cases::make(&mut maker, &staff, &register, &runs)?;
    let (targets, reports) = figures::make(&mut maker, &staff)?;
    Ok(Data {
        users: staff.users,
        assignments: staff.assignments,
        companies: register.companies,
        establishments: register.establishments,
        actors: register.actors,
        contacts: register.contacts,
        consultations,
        event_series: events.series,
        events: events.events,
        participations: events.participations,
        tasks,
        referrals,
        tags: sorted.tags,
        tagged: sorted.tagged,
        tagged_consultations: sorted.tagged_consultations,
        saved_views: sorted.saved_views,
        accompaniments: runs.into_iter().map(|run| run.run).collect(),
        recruitment_cases,
        targets,
        reports,
    })
}

/// The source of chance and the network that the data refers to.
struct Maker<'a> {
    rng: ChaCha8Rng,
    network: &'a Network,
}

impl Maker<'_> {
    /// A `UUIDv7` of that time with random bits from the seed.
    fn id<I: From<Uuid>>(&mut self, at: DateTime<Utc>) -> I {
        let mut random = [0; 10];
        self.rng.fill_bytes(&mut random);
        let milliseconds = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid().into()
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// Known with the first probability, and then yes with the second.
    fn maybe(&mut self, known: f64, yes: f64) -> Option<bool> {
        self.chance(known).then(|| self.chance(yes))
    }

    fn pick<'b, T>(&mut self, items: &'b [T]) -> Result<&'b T> {
        items.choose(&mut self.rng).ok_or_else(|| Error::internal("nothing to pick from"))
    }

    /// One of several with weights.
    fn weighted<T: Copy>(&mut self, items: &[(T, u32)]) -> Result<T> {
        items
            .choose_weighted(&mut self.rng, |(_, weight)| *weight)
            .map(|(item, _)| *item)
            .map_err(|error| Error::Internal(error.into()))
    }

    fn between(&mut self, least: i32, most: i32) -> i32 {
        self.rng.random_range(least..=most)
    }
}

/// A date at an hour, as an instant.
fn at(date: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    date.and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()).and_utc()
}

fn date(text: &str) -> Result<NaiveDate> {
    text.parse().map_err(|_| Error::internal(format!("{text} is no date")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_passwords_are_long_and_differ() {
        let (one, two) = (random_password(), random_password());
        assert_eq!(one.len(), 17);
        assert_ne!(one, two);
    }
}
