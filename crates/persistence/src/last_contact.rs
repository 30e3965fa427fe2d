//! When a carrier last advised each organisation, kept with the consultations.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::upsert::excluded;
use lotse_domain::Result;
use lotse_domain::code::Code;
use lotse_domain::consultation::{Consultation, ConsultationStatus};

use crate::connection::Conn;
use crate::error::DbResult;
use crate::schema::{consultation_advisers, consultations, last_contacts};
use crate::sql_types::Key;

#[derive(Queryable, Insertable)]
#[diesel(table_name = last_contacts)]
struct Row {
    carrier_id: Key,
    organisation_id: Key,
    held_on: NaiveDate,
    consultation_id: Key,
    adviser_id: Key,
}

/// Takes a new consultation into account.
pub(crate) fn added(conn: &mut Conn, consultation: &Consultation) -> Result<()> {
    if consultation.status != ConsultationStatus::Held {
        return Ok(());
    }
    let (Some(organisation), Some(lead)) =
        (&consultation.organisation, consultation.advisers.first())
    else {
        return Ok(());
    };
    keep_if_later(
        conn,
        &Row {
            carrier_id: Key(consultation.carrier.id),
            organisation_id: Key(organisation.id.0),
            held_on: consultation.held_on,
            consultation_id: Key(consultation.id.0),
            adviser_id: Key(lead.id),
        },
    )
}

/// Takes a changed consultation into account: the one before may have been the latest.
pub(crate) fn changed(conn: &mut Conn, old: &Consultation, new: &Consultation) -> Result<()> {
    let matters = |c: &Consultation| {
        let organisation = c.organisation.as_ref().map(|organisation| organisation.id);
        (organisation, c.status, c.held_on, c.advisers.first().map(|lead| lead.id))
    };
    if matters(old) == matters(new) {
        return Ok(());
    }
    let carrier = Key(new.carrier.id);
    let organisations = [&old.organisation, &new.organisation];
    let mut ids: Vec<Key> =
        organisations.into_iter().flatten().map(|organisation| Key(organisation.id.0)).collect();
    // Ascending, so that two who do this at once do not wait for each other.
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().try_for_each(|organisation| find_anew(conn, carrier, organisation))
}

/// One statement, so that nobody gets in between, and not as text: what diesel does not put together itself
/// is parsed and planned anew by PostgreSQL with every consultation.
fn keep_if_later(conn: &mut Conn, row: &Row) -> Result<()> {
    // That of the prelude is for what is selected.
    use diesel::query_dsl::methods::FilterDsl;
    let (held_on, id) = (last_contacts::held_on, last_contacts::consultation_id);
    on_backend!(conn, c => diesel::insert_into(last_contacts::table)
        .values(row)
        .on_conflict((last_contacts::carrier_id, last_contacts::organisation_id))
        .do_update()
        .set((
            held_on.eq(excluded(held_on)),
            id.eq(excluded(id)),
            last_contacts::adviser_id.eq(excluded(last_contacts::adviser_id)),
        ))
        .filter(
            held_on
                .lt(excluded(held_on))
                .or(held_on.eq(excluded(held_on)).and(id.lt(excluded(id)))),
        )
        .execute(c))
    .db()?;
    Ok(())
}

/// The latest consultation of the organisation with the carrier, as it is now.
pub(crate) fn find_anew(conn: &mut Conn, carrier: Key, organisation: Key) -> Result<()> {
    let known = last_contacts::table.find((carrier, organisation));
    // Held before the consultations are looked at: what is logged meanwhile waits and is compared with what
    // is found here. The row is changed and not replaced, so that who waits for it gets the one that is left.
    // The only writer to SQLite holds everything.
    let id = known.select(last_contacts::consultation_id);
    let held: Option<Key> = match conn {
        Conn::Postgres(conn) => id.for_update().first(conn).optional().db()?,
        Conn::Sqlite(conn) => id.first(conn).optional().db()?,
    };
    let latest: Option<Row> = consultations::table
        .inner_join(consultation_advisers::table)
        .filter(consultations::organisation_id.eq(Some(organisation)))
        .filter(consultations::carrier_id.eq(carrier))
        .filter(consultations::status.eq(ConsultationStatus::Held.code()))
        .filter(consultation_advisers::position.eq(0))
        .order((consultations::held_on.desc(), consultations::id.desc()))
        .select((
            consultations::carrier_id,
            consultations::organisation_id.assume_not_null(),
            consultations::held_on,
            consultations::id,
            consultation_advisers::user_id,
        ))
        .first(conn)
        .optional()
        .db()?;
    match (held, latest) {
        (Some(_), Some(row)) => {
            diesel::update(known)
                .set((
                    last_contacts::held_on.eq(row.held_on),
                    last_contacts::consultation_id.eq(row.consultation_id),
                    last_contacts::adviser_id.eq(row.adviser_id),
                ))
                .execute(conn)
                .db()?;
            Ok(())
        }
        (Some(_), None) => {
            diesel::delete(known).execute(conn).db()?;
            Ok(())
        }
        (None, Some(row)) => keep_if_later(conn, &row),
        (None, None) => Ok(()),
    }
}

/// Derives all of them anew and answers how many were wrong.
pub(crate) fn derive(conn: &mut Conn) -> Result<usize> {
    const LATEST: &str = "SELECT r.carrier_id, r.organisation_id, r.held_on, r.id, a.user_id FROM ( \
            SELECT c.carrier_id, c.organisation_id, c.held_on, c.id, row_number() OVER ( \
                PARTITION BY c.carrier_id, c.organisation_id ORDER BY c.held_on DESC, c.id DESC \
            ) AS place \
            FROM consultations c WHERE c.organisation_id IS NOT NULL AND c.status = 'held' \
        ) r \
        JOIN consultation_advisers a ON a.consultation_id = r.id AND a.position = 0 \
        WHERE r.place = 1";
    const OF_NONE: &str = "DELETE FROM last_contacts WHERE NOT EXISTS ( \
            SELECT 1 FROM consultations c \
            WHERE c.organisation_id = last_contacts.organisation_id \
                AND c.carrier_id = last_contacts.carrier_id AND c.status = 'held' \
        )";
    let put_right = format!(
        "INSERT INTO last_contacts \
            (carrier_id, organisation_id, held_on, consultation_id, adviser_id) {LATEST} \
        ON CONFLICT (carrier_id, organisation_id) DO UPDATE SET held_on = excluded.held_on, \
            consultation_id = excluded.consultation_id, adviser_id = excluded.adviser_id \
        WHERE (last_contacts.held_on, last_contacts.consultation_id, last_contacts.adviser_id) \
            <> (excluded.held_on, excluded.consultation_id, excluded.adviser_id)"
    );
    let wrong = diesel::sql_query(put_right).execute(conn).db()?;
    Ok(wrong + diesel::sql_query(OF_NONE).execute(conn).db()?)
}
