//! A server of its own for each test: `both(async |app| …)` runs a test on SQLite and on PostgreSQL.

mod app;
mod client;
mod postgres;
mod provider;
mod raw;
mod snapshot;
mod trace;

use std::future::Future;

pub use app::{PASSWORD, TestApp, config};
use lotse_server::config::Config;

pub use client::{Answer, Session, body, redacted, send};
pub use provider::{Mood, SigningKey, TestProvider};
pub use raw::Raw;
pub use snapshot::{lines, snapshot};
pub use trace::{traces, watch};

/// The databases that tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

pub const SQLITE: Backend = Backend::Sqlite;
pub const POSTGRES: Backend = Backend::Postgres;

/// The first funding period of the reference data: 2019–2022, closed.
pub const PERIOD_2019: &str = "01890000-0000-7000-8000-000000000301";
/// 2023–2025, open.
pub const PERIOD_2023: &str = "01890000-0000-7000-8000-000000000302";
/// 2026–2028, open; the mock clock starts in it.
pub const PERIOD_2026: &str = "01890000-0000-7000-8000-000000000303";
pub const BWHW: &str = "01890000-0000-7000-8000-000000000101";
pub const VSB: &str = "01890000-0000-7000-8000-000000000102";
pub const FRANKFURT: &str = "01890000-0000-7000-8000-000000000201";
pub const WETZLAR: &str = "01890000-0000-7000-8000-000000000202";
pub const KASSEL: &str = "01890000-0000-7000-8000-000000000203";

/// The id of a district by its key.
pub fn district(key: &str) -> String {
    format!("01890000-0000-7000-8000-0000{key}000")
}

/// Runs a test on each database that there is. Without PostgreSQL it says so; with `CI=true` that is
/// a failure.
pub fn both<F: Future<Output = ()>>(test: impl Fn(TestApp) -> F) {
    both_with(|_| (), test);
}

/// The same with other settings than the defaults of the harness.
pub fn both_with<F: Future<Output = ()>>(
    change: impl Fn(&mut Config),
    test: impl Fn(TestApp) -> F,
) {
    for backend in backends() {
        eprintln!("--- {backend:?}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { test(TestApp::start_with(backend, &change)).await });
    }
}

/// Runs a test on one database; the caller says why not on the other.
pub fn run_on<F: Future<Output = ()>>(backend: Backend, test: impl Fn(TestApp) -> F) {
    // Shown with the failure: which database it was.
    eprintln!("--- {backend:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { test(TestApp::start(backend)).await });
}

pub fn backends() -> Vec<Backend> {
    if postgres::cluster().is_some() { vec![SQLITE, POSTGRES] } else { vec![SQLITE] }
}
