//! What the server does by itself now and then.

use chrono::TimeDelta;
use lotse_domain::Result;
use lotse_domain::import::FILE_KEPT;
use lotse_persistence::{housekeeping, import};

use crate::App;
use crate::idempotency::KEPT;

/// Deletes what is over: idempotency keys, sessions with their tokens, failed log-ins, invitations, log-ins
/// that went to the provider of single sign-on and did not come back, and files that were imported. Answers how
/// many rows and files went.
///
/// # Errors
/// When the database cannot be written.
pub fn run(app: &App) -> Result<usize> {
    let now = app.now();
    app.database.write(|conn| {
        // Sessions stay a week longer, so that the reuse of an old token is still seen.
        let gone = housekeeping::delete_expired(conn, now, now - KEPT, now - TimeDelta::days(7))?;
        Ok(gone + import::remove_files(conn, now, now - FILE_KEPT)?)
    })
}

/// Whether the database answers and has every migration.
///
/// # Errors
/// When it cannot be reached.
pub fn is_ready(app: &App) -> Result<bool> {
    app.database.read(lotse_persistence::migrations::is_current)
}
