//! What is true of the installation as a whole.

use diesel::prelude::*;
use lotse_domain::Result;

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::installation;

/// # Errors
/// When the database cannot be read.
pub fn synthetic_data(conn: &mut Conn) -> Result<bool> {
    installation::table.select(installation::synthetic_data).first(conn).db()
}

/// # Errors
/// When the database cannot be written.
pub fn mark_synthetic(conn: &mut Conn) -> Result<()> {
    diesel::update(installation::table)
        .set(installation::synthetic_data.eq(true))
        .execute(conn)
        .db()?;
    Ok(())
}
