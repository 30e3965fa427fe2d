//! Consultations without a district, of an organisation that is given one.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use lotse_domain::code::Code;
use lotse_domain::funding_period::FundingPeriodStatus;
use lotse_domain::id::{CarrierId, ConsultationId, DistrictId, OrganisationId};
use lotse_domain::{Error, Result};

use crate::among::among;
use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::{consultations, establishments, funding_periods};
use crate::sql_types::{At, Key};

/// What there is to know of one.
#[derive(Clone, Copy, Debug)]
pub struct WithoutDistrict {
    pub id: ConsultationId,
    pub carrier: CarrierId,
    pub held_on: NaiveDate,
    pub version: i64,
    /// That of the establishment that it was about.
    pub of_establishment: Option<DistrictId>,
}

/// Those of all carriers in periods that are not closed, held with the periods until the transaction ends.
///
/// # Errors
/// When the database cannot be read.
pub fn consultations(
    conn: &mut Conn,
    organisation: OrganisationId,
) -> Result<Vec<WithoutDistrict>> {
    let open = funding_periods::table
        .filter(funding_periods::status.ne(FundingPeriodStatus::Closed.code()))
        .order(funding_periods::id)
        .select(funding_periods::id);
    let periods: Vec<Key> = match conn {
        Conn::Postgres(conn) => open.for_share().load(conn).db()?,
        // The only writer holds everything.
        Conn::Sqlite(conn) => open.load(conn).db()?,
    };
    let of_establishment = establishments::table
        .filter(establishments::id.nullable().eq(consultations::establishment_id))
        .select(establishments::district_id)
        .single_value();
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
            of_establishment,
        ));
    let rows: Vec<(Key, Key, NaiveDate, i64, Option<Key>)> = match conn {
        Conn::Postgres(conn) => without.for_no_key_update().load(conn).db()?,
        Conn::Sqlite(conn) => without.load(conn).db()?,
    };
    Ok(rows
        .into_iter()
        .map(|(id, carrier, held_on, version, of_establishment)| WithoutDistrict {
            id: ConsultationId(id.0),
            carrier: CarrierId(carrier.0),
            held_on,
            version,
            of_establishment: of_establishment.map(|id| DistrictId(id.0)),
        })
        .collect())
}

/// Gives a district to consultations that are held, each a version further.
///
/// # Errors
/// When the database cannot be written.
pub fn fill(
    conn: &mut Conn,
    ids: &[ConsultationId],
    district: DistrictId,
    now: DateTime<Utc>,
) -> Result<()> {
    let keys: Vec<Key> = ids.iter().map(|id| Key(id.0)).collect();
    let filled = on_backend!(conn, c => diesel::update(consultations::table)
        .filter(among(consultations::id, &keys))
        .set((
            consultations::district_id.eq(Some(Key(district.0))),
            consultations::version.eq(consultations::version + 1),
            consultations::updated_at.eq(At(now)),
        ))
        .execute(c))
    .db()?;
    if filled == ids.len() {
        Ok(())
    } else {
        Err(Error::internal("a consultation that was held is gone"))
    }
}
