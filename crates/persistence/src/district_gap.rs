//! Consultations without a district, of an organisation that is given one.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::funding_period::FundingPeriodStatus;
use lotse_domain::id::{CarrierId, ConsultationId, DistrictId, OrganisationId};

use crate::among::among;
use crate::connection::Conn;
use crate::error::{DbResult, one_row};
use crate::schema::{consultations, funding_periods};
use crate::sql_types::{At, Key};

/// What there is to know of one.
#[derive(Clone, Copy, Debug)]
pub struct WithoutDistrict {
    pub id: ConsultationId,
    pub carrier: CarrierId,
    pub held_on: NaiveDate,
    pub version: i64,
}

/// Those of all carriers in periods of these statuses, held with the periods until the transaction ends.
///
/// # Errors
/// When the database cannot be read.
pub fn consultations(
    conn: &mut Conn,
    organisation: OrganisationId,
    statuses: &[FundingPeriodStatus],
) -> Result<Vec<WithoutDistrict>> {
    let statuses: Vec<&str> = statuses.iter().map(|status| status.code()).collect();
    let open = funding_periods::table
        .filter(funding_periods::status.eq_any(&statuses))
        .order(funding_periods::id)
        .select(funding_periods::id);
    let periods: Vec<Key> = match conn {
        Conn::Postgres(conn) => open.for_share().load(conn).db()?,
        // The only writer holds everything.
        Conn::Sqlite(conn) => open.load(conn).db()?,
    };
    let without = consultations::table
        .filter(consultations::organisation_id.eq(Some(Key(organisation.0))))
        .filter(consultations::district_id.is_null())
        .filter(among(consultations::funding_period_id, &periods))
        .order(consultations::id)
        .select((
            consultations::id,
            consultations::carrier_id,
            consultations::held_on,
            consultations::version,
        ));
    let rows: Vec<(Key, Key, NaiveDate, i64)> = match conn {
        Conn::Postgres(conn) => without.for_no_key_update().load(conn).db()?,
        Conn::Sqlite(conn) => without.load(conn).db()?,
    };
    Ok(rows
        .into_iter()
        .map(|(id, carrier, held_on, version)| WithoutDistrict {
            id: ConsultationId(id.0),
            carrier: CarrierId(carrier.0),
            held_on,
            version,
        })
        .collect())
}

/// # Errors
/// When the database cannot be written.
pub fn fill(
    conn: &mut Conn,
    id: ConsultationId,
    district: DistrictId,
    version: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let filled = diesel::update(consultations::table.find(Key(id.0)))
        .filter(consultations::version.eq(version - 1))
        .set((
            consultations::district_id.eq(Some(Key(district.0))),
            consultations::version.eq(version),
            consultations::updated_at.eq(At(now)),
        ))
        .execute(conn)
        .db()?;
    one_row(filled, version)
}
