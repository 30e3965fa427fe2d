use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::duplicate_settings::{DuplicateSettings, ID};

use crate::connection::Conn;
use crate::error::{DbResult, one_row};
use crate::schema::duplicate_settings;
use crate::sql_types::{At, Key};

/// # Errors
/// When the database cannot be read.
pub fn find(conn: &mut Conn) -> Result<DuplicateSettings> {
    let (ask_from, queue_from, version, updated_at): (i32, i32, i64, At) =
        duplicate_settings::table
            .find(Key(ID))
            .select((
                duplicate_settings::ask_from,
                duplicate_settings::queue_from,
                duplicate_settings::version,
                duplicate_settings::updated_at,
            ))
            .first(conn)
            .db()?;
    Ok(DuplicateSettings {
        ask_from: score(ask_from),
        queue_from: score(queue_from),
        version,
        updated_at: updated_at.0,
    })
}

/// # Errors
/// `Stale` when somebody else changed them first.
pub fn update(conn: &mut Conn, new: &DuplicateSettings) -> Result<()> {
    let changed = diesel::update(duplicate_settings::table.find(Key(ID)))
        .filter(duplicate_settings::version.eq(new.version - 1))
        .set((
            duplicate_settings::ask_from.eq(hundredths(new.ask_from)),
            duplicate_settings::queue_from.eq(hundredths(new.queue_from)),
            duplicate_settings::version.eq(new.version),
            duplicate_settings::updated_at.eq(At(new.updated_at)),
        ))
        .execute(conn)
        .db()?;
    one_row(changed, new.version)
}

/// A score as it is stored, so that both databases sort and compare it alike.
#[expect(clippy::cast_possible_truncation, reason = "a score is between 0 and 1")]
pub(crate) fn hundredths(score: f64) -> i32 {
    (score * 100.0).round() as i32
}

pub(crate) fn score(hundredths: i32) -> f64 {
    f64::from(hundredths) / 100.0
}
