//! Database errors as domain errors, in one place.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use lotse_domain::{Error, Result};

/// Constraints that a user can run into: how PostgreSQL names it, how SQLite does, the code and the
/// message. What is not listed was checked before, so breaking it is an internal error.
const CONSTRAINTS: &[(&str, &str, &str, &str)] = &[
    ("carriers_code_key", "carriers.code", "carrier_code_taken", "Another carrier has this code."),
    ("sites_name_key", "sites.name", "site_name_taken", "Another site has this name."),
    (
        "districts_key_valid_from_key",
        "districts.key, districts.valid_from",
        "district_key_taken",
        "Another district has this key from this date on.",
    ),
    (
        "district_coverages_key",
        "district_coverages.district_id",
        "coverage_exists",
        "The site covers this district from this date on already.",
    ),
    (
        "event_series_name",
        "event_series.carrier_id, event_series.name_key",
        "event_series_name_taken",
        "Another series has this name.",
    ),
    (
        "event_participations_contact_once",
        "event_participations.event_id, event_participations.contact_id",
        "contact_takes_part",
        "This contact is on the list of the event already.",
    ),
    (
        "event_participations_headcount_once",
        "event_participations.event_id, event_participations.organisation_id",
        "organisation_takes_part",
        "The organisation has a headcount in this role already; change that one.",
    ),
    (
        "funding_periods_name_key",
        "funding_periods.name",
        "funding_period_name_taken",
        "Another funding period has this name.",
    ),
    (
        "funding_periods_no_overlap",
        "funding_periods_no_overlap",
        "funding_periods_overlap",
        "The dates overlap with another funding period.",
    ),
    (
        "jobs_one_of_a_subject",
        "jobs.subject_id",
        "job_under_way",
        "Another job works on the record; wait for it, or cancel it.",
    ),
    (
        "import_profiles_name",
        "import_profiles.carrier_id, import_profiles.target, import_profiles.name_key",
        "import_profile_name_taken",
        "Another profile has this name, apart from case, umlauts and punctuation.",
    ),
    (
        "imports_once",
        "imports.carrier_id, imports.fingerprint",
        "import_done_before",
        "The same file was imported with the same settings.",
    ),
    ("topics_code_key", "topics.code", "topic_code_taken", "Another topic has this code."),
    (
        "tags_name",
        "tags.carrier_id, tags.name_key",
        "tag_name_taken",
        "Another tag has this name, apart from case, umlauts and punctuation.",
    ),
    (
        "programme_templates_version",
        "programme_templates.code, programme_templates.version_number",
        "draft_exists",
        "A draft of this code was created meanwhile; change or publish that one.",
    ),
    (
        "indicators_version",
        "indicators.code, indicators.version_number",
        "draft_exists",
        "A draft of this code was created meanwhile; change or activate that one.",
    ),
    (
        "reports_one_correction",
        "reports.predecessor_id",
        "report_corrected",
        "Another correction of the report was submitted; correct that one.",
    ),
    (
        "targets_once",
        "targets_once",
        "target_exists",
        "There is a target of this indicator for this time and place; change that one.",
    ),
    (
        "accompaniments_one_open_per_company",
        "accompaniments.company_id",
        "open_accompaniment",
        "The company is being accompanied: one at a time.",
    ),
    (
        "saved_views_name",
        "saved_views.owner_id, saved_views.list, saved_views.name_key",
        "saved_view_name_taken",
        "Another view of this list has this name, apart from case, umlauts and punctuation.",
    ),
    ("users_email_key", "users.email", "email_taken", "Another user has this e-mail address."),
];

/// Keys that a client can make. A second record of the same key was committed meanwhile: the work finds
/// it when it runs again.
const CLIENT_KEYS: [&str; 1] = ["consultations_pkey"];

/// Turns what diesel answers into what the use cases answer.
pub trait DbResult<T> {
    /// # Errors
    /// The domain error for what went wrong in the database.
    fn db(self) -> Result<T>;
}

impl<T> DbResult<T> for diesel::QueryResult<T> {
    fn db(self) -> Result<T> {
        self.map_err(into_domain)
    }
}

fn into_domain(error: DieselError) -> Error {
    let DieselError::DatabaseError(kind, information) = &error else {
        return match error {
            // `BEGIN` on a connection that was lost in the middle of a transaction.
            DieselError::BrokenTransactionManager => Error::Busy(error.into()),
            _ => Error::Internal(error.into()),
        };
    };
    let message = information.message();
    if matches!(kind, DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection)
        || message.contains("deadlock detected")
        || message.contains("database is locked")
        || information.constraint_name().is_some_and(|name| CLIENT_KEYS.contains(&name))
    {
        return Error::Busy(error.into());
    }
    // A read that is ended on other words is known by the time that it took (`Database::read`).
    if message.contains("due to statement timeout") {
        return Error::TimedOut;
    }
    let named = CONSTRAINTS.iter().find(|(postgres, sqlite, ..)| {
        information.constraint_name() == Some(postgres) || message.contains(sqlite)
    });
    match named {
        Some((_, _, code, detail)) => Error::conflict(code, *detail),
        None => Error::Internal(error.into()),
    }
}

/// An update names the version that it was made from; when no row has it any more, somebody else
/// was faster.
///
/// # Errors
/// `Stale` when no row was changed.
pub(crate) fn one_row(changed: usize, written_version: i64) -> Result<()> {
    all_rows(changed, 1, written_version)
}

/// The same of an update of several.
///
/// # Errors
/// `Stale` when fewer rows were changed.
pub(crate) fn all_rows(changed: usize, meant: usize, written_version: i64) -> Result<()> {
    // The winner wrote at least the version that we meant to write.
    if changed == meant { Ok(()) } else { Err(Error::Stale { current: written_version }) }
}
