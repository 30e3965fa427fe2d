//! What is missing or contradictory in a period, by site and adviser.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use lotse_domain::Result;
use lotse_domain::funding_period::FundingPeriod;
use lotse_domain::policy::Scope;
use lotse_domain::readiness::{ReadinessCount, ReadinessGap};

use crate::connection::Conn;
use crate::names::Names;
use crate::sql_types::{Id, Key};
use crate::statement::Statement;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Id)]
    site_id: Key,
    #[diesel(sql_type = Id)]
    user_id: Key,
    #[diesel(sql_type = BigInt)]
    records: i64,
}

/// # Errors
/// When the database cannot be read.
pub fn counts(
    conn: &mut Conn,
    names: &Names,
    scope: &Scope,
    period: &FundingPeriod,
    gap: ReadinessGap,
    today: NaiveDate,
) -> Result<Vec<ReadinessCount>> {
    let mut statement = Statement::new(conn.backend());
    let of_period = statement.id(Key(period.id.0));
    let carrier = match scope {
        Scope::Nothing => return Ok(Vec::new()),
        Scope::Network => String::new(),
        Scope::Carrier(carrier) => {
            format!("AND r.carrier_id = {}", statement.id(Key(carrier.0)))
        }
    };
    let held = |missing: &str| {
        format!(
            "SELECT r.site_id, a.user_id
            FROM consultation_facts r
            JOIN consultation_advisers a ON a.consultation_id = r.id AND a.position = 0
            WHERE r.funding_period_id = {of_period} AND r.status = 'held' AND {missing} {carrier}"
        )
    };
    let records = match gap {
        ReadinessGap::WithoutSizeClass => held(
            "r.organisation_kind = 'company' AND coalesce(r.size_class, 'unknown') = 'unknown'",
        ),
        ReadinessGap::WithoutIndustry => {
            held("r.organisation_kind = 'company' AND r.section IS NULL")
        }
        ReadinessGap::WithoutDistrict => {
            held("r.organisation_id IS NOT NULL AND r.district_id IS NULL")
        }
        ReadinessGap::AdviserWithoutSite => {
            let on = statement.date(today);
            held(&format!(
                "NOT EXISTS (
                    SELECT 1 FROM user_assignments u
                    WHERE u.user_id = a.user_id AND u.site_id IS NOT NULL
                        AND u.valid_from <= {on} AND (u.valid_to IS NULL OR u.valid_to >= {on})
                )"
            ))
        }
        ReadinessGap::EventStillPlanned => {
            let on = statement.date(today);
            format!(
                "SELECT h.site_id, r.recorded_by AS user_id
                FROM events r JOIN event_sites h ON h.event_id = r.id AND h.position = 0
                WHERE r.funding_period_id = {of_period} AND r.status = 'planned'
                    AND r.ends_on < {on} {carrier}"
            )
        }
        ReadinessGap::EventWithoutAttendance => format!(
            "SELECT h.site_id, r.recorded_by AS user_id
            FROM events r JOIN event_sites h ON h.event_id = r.id AND h.position = 0
            WHERE r.funding_period_id = {of_period} AND r.status = 'held' {carrier}
                AND NOT EXISTS (
                    SELECT 1 FROM event_participations p
                    WHERE p.event_id = r.id AND p.role = 'participant'
                        AND p.status IN ('attended', 'walk_in')
                )"
        ),
        ReadinessGap::AccompanimentWithoutEnd => format!(
            "SELECT r.site_id, r.lead_id AS user_id
            FROM accompaniments r
            WHERE r.funding_period_id = {of_period}
                AND r.completed_on IS NULL AND r.ended_on IS NULL {carrier}"
        ),
        ReadinessGap::FollowUpOpen => format!(
            "SELECT c.site_id, r.owner_id AS user_id
            FROM tasks r JOIN consultations c ON c.id = r.consultation_id
            WHERE c.funding_period_id = {of_period} AND r.status = 'open' {carrier}"
        ),
    };
    let sql = format!(
        "SELECT site_id, user_id, count(*) AS records
        FROM ({records}) g
        GROUP BY site_id, user_id"
    );
    let rows: Vec<Row> = statement.load(conn, sql)?;
    let mut counts = rows
        .into_iter()
        .map(|row| {
            Ok(ReadinessCount {
                site: names.reference(row.site_id)?,
                adviser: names.reference(row.user_id)?,
                count: row.records,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    counts.sort_by(|a, b| {
        (&a.site.name, &a.adviser.name, a.adviser.id).cmp(&(
            &b.site.name,
            &b.adviser.name,
            b.adviser.id,
        ))
    });
    Ok(counts)
}
