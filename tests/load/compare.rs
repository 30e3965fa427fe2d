//! Compares all organisations of a database that were not compared yet, and says how long it took:
//!
//! ```text
//! cargo run --release -p lotse-tests --example compare -- sqlite://data/lotse.db
//! ```
//!
//! The database must have its migrations, and the server must not run.

use std::time::{Duration, Instant};

use lotse_app::duplicate_pair::compare_next;
use lotse_app::{App, Clock};
use lotse_persistence::{Database, Options};

fn main() {
    let url = std::env::args().nth(1).expect("name the database: sqlite://path or postgres://…");
    let (wait, most) = (Duration::from_secs(10), Duration::from_mins(1));
    let options = Options { url, replica_url: None, pool_size: 4, wait, most };
    let app = App::new(Database::open(&options).unwrap(), Clock::System);
    let (begun, mut times, mut after, mut count) = (Instant::now(), Vec::new(), None, 0);
    loop {
        let batch = Instant::now();
        let Some(compared) = compare_next(&app, after).unwrap() else { break };
        times.push(batch.elapsed());
        count += compared.organisations;
        after = Some(compared.last);
        if times.len().is_multiple_of(100) {
            println!("{count} in {:.1} s", begun.elapsed().as_secs_f64());
        }
    }
    let all = begun.elapsed();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let longest = times.last().copied().unwrap_or_default();
    println!("{count} in {:.1} s; a batch {median:?}, {longest:?} at most", all.as_secs_f64());
    let begun = Instant::now();
    assert!(compare_next(&app, None).unwrap().is_none());
    println!("nothing to do: {:?}", begun.elapsed());
}
