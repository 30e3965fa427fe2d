//! Takes a merge back by its ledger: what is still as the merge left it goes back, what was changed since goes
//! back as it is, and what cannot go back is told.

use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use lotse_domain::code::Code;
use lotse_domain::entity::EntityKind;
use lotse_domain::id::CarrierId;
use lotse_domain::merge::{MergeReference, MergeRemainder, MergeRemainderReason};
use lotse_domain::{Error, Result};

use super::count::view_of;
use super::ledger::{Between, Touched, derive, show_consultations_of};
use super::place::{RECORDS, Records};
use crate::connection::Conn;
use crate::names::Names;
use crate::sql_types::{At, Document, Id, Json, Key};
use crate::statement::Statement;

/// What went back, and what did not.
#[derive(Debug, Default)]
pub struct Separated {
    pub touched: Vec<Touched>,
    pub remainders: Vec<MergeRemainder>,
}

impl Separated {
    fn left(
        &mut self,
        names: &Names,
        reference: MergeReference,
        reason: MergeRemainderReason,
        (id, carrier): (Key, Option<Key>),
        field: Option<&str>,
    ) -> Result<()> {
        self.remainders.push(MergeRemainder {
            reference,
            reason,
            record_id: Some(id.0),
            carrier: carrier.map(|id| names.reference(id)).transpose()?,
            field: field.map(str::to_owned),
        });
        Ok(())
    }
}

/// Has what the ledger names name the merged one again.
///
/// # Errors
/// When the database cannot be written.
pub fn separate(conn: &mut Conn, names: &Names, between: &Between) -> Result<Separated> {
    let mut done = Separated::default();
    for place in &RECORDS {
        records(conn, names, between, place, &mut done)?;
    }
    organisers(conn, names, between, &mut done)?;
    speakers(conn, names, between, &mut done)?;
    tags(conn, names, between, &mut done)?;
    views(conn, names, between, &mut done)?;
    filled(conn, names, between, &mut done)?;
    derive(conn, between)?;
    entangled(conn, names, between, &mut done)?;
    Ok(done)
}

/// An entry of the ledger with the row that it is about, as that is now.
#[derive(QueryableByName)]
struct Noted {
    #[diesel(sql_type = Id)]
    id: Key,
    #[diesel(sql_type = Nullable<Id>)]
    carrier_id: Option<Key>,
    /// Of the record; none when it is gone.
    #[diesel(sql_type = Nullable<BigInt>)]
    version: Option<i64>,
    /// Whether it names the survivor, as the merge left it.
    #[diesel(sql_type = Bool)]
    still: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    row_position: Option<i32>,
    #[diesel(sql_type = Nullable<Json>)]
    kept: Option<Document>,
}

impl Noted {
    fn record(&self) -> (Key, Option<Key>) {
        (self.id, self.carrier_id)
    }

    fn touched(&self, kind: EntityKind, field: &'static str) -> Touched {
        Touched {
            kind,
            id: self.id.0,
            carrier: self.carrier_id.map(|id| CarrierId(id.0)),
            version: self.version.unwrap_or_default() + 1,
            field,
            known: None,
        }
    }
}

/// The entries of a reference. `table` is joined as `t` by `on`, and `still` says that it is as it was left;
/// both may have `{survivor}`.
fn noted(
    conn: &mut Conn,
    between: &Between,
    reference: MergeReference,
    (table, on): (&str, &str),
    (version, still): (&str, &str),
) -> Result<Vec<Noted>> {
    let mut statement = Statement::new(conn.backend());
    let survivor = statement.id(Key(between.survivor.0));
    let (merge, code) = (statement.id(Key(between.merge.0)), statement.text(reference.code()));
    let still = still.replace("{survivor}", &survivor);
    let sql = format!(
        "SELECT l.row_id AS id, l.carrier_id, {version} AS version, \
            CASE WHEN {still} THEN TRUE ELSE FALSE END AS still, l.row_position, l.kept \
        FROM organisation_merge_rows l LEFT JOIN {table} t ON {on} \
        WHERE l.merge_id = {merge} AND l.reference = {code} ORDER BY l.position"
    );
    statement.load(conn, sql)
}

fn records(
    conn: &mut Conn,
    names: &Names,
    between: &Between,
    place: &Records,
    done: &mut Separated,
) -> Result<()> {
    let Records { table, column, reference, .. } = *place;
    let still = format!("t.{column} = {{survivor}}");
    let rows = noted(conn, between, reference, (table, "t.id = l.row_id"), ("t.version", &still))?;
    let mut marks = between.marks(conn, reference);
    let (survivor, other, noted) = (marks.survivor(), marks.other(), marks.noted());
    let now = marks.now();
    let sql = format!(
        "UPDATE {table} SET {column} = {other}, version = version + 1, updated_at = {now} \
        WHERE {column} = {survivor} AND id IN ({noted} AND kept IS NULL)"
    );
    marks.statement.execute(conn, sql)?;
    for row in rows {
        let reason = match row.version {
            None => Some(MergeRemainderReason::Gone),
            Some(_) if !row.still => Some(MergeRemainderReason::BelongsElsewhere),
            Some(_) => None,
        };
        if let Some(reason) = reason {
            done.left(names, reference, reason, row.record(), None)?;
            continue;
        }
        if let Some(Document(kept)) = &row.kept {
            // It was voided by the merge, and what is voided does not change.
            let mut marks = between.marks(conn, reference);
            let other = marks.other();
            let (now, id) = (marks.now(), marks.statement.id(row.id));
            let status = marks.statement.text(kept["status"].as_str().unwrap_or_default());
            let sql = format!(
                "UPDATE {table} SET {column} = {other}, status = {status}, voided_at = NULL, \
                    voided_by = NULL, void_reason = NULL, version = version + 1, updated_at = {now} \
                WHERE id = {id}"
            );
            marks.statement.execute(conn, sql)?;
        }
        done.touched.push(row.touched(place.kind, place.field));
    }
    Ok(())
}

fn organisers(
    conn: &mut Conn,
    names: &Names,
    between: &Between,
    done: &mut Separated,
) -> Result<()> {
    let reference = MergeReference::Organiser;
    let still = "EXISTS (SELECT 1 FROM event_organisers x \
        WHERE x.event_id = l.row_id AND x.organisation_id = {survivor})";
    let events = ("events", "t.id = l.row_id");
    let rows = noted(conn, between, reference, events, ("t.version", still))?;
    let mut marks = between.marks(conn, reference);
    let (survivor, other, noted) = (marks.survivor(), marks.other(), marks.noted());
    let sql = format!(
        "UPDATE event_organisers SET organisation_id = {other} \
        WHERE organisation_id = {survivor} AND event_id IN ({noted} AND kept IS NULL)"
    );
    marks.statement.execute(conn, sql)?;
    for row in rows {
        if row.kept.is_some() {
            add_organiser(conn, between, &row)?;
        } else if !row.still {
            done.left(names, reference, MergeRemainderReason::Gone, row.record(), None)?;
            continue;
        }
        touch_event(conn, between, row.id)?;
        done.touched.push(row.touched(EntityKind::Event, "organisers"));
    }
    Ok(())
}

/// At its place in the list, or at the end where that is taken.
fn add_organiser(conn: &mut Conn, between: &Between, row: &Noted) -> Result<()> {
    let place = row.row_position.unwrap_or_default();
    let mut statement = Statement::new(conn.backend());
    let (event, other) = (statement.id(row.id), statement.id(Key(between.other.0)));
    let sql = format!(
        "INSERT INTO event_organisers (event_id, position, organisation_id) SELECT \
            {event}, \
            CASE WHEN EXISTS (SELECT 1 FROM event_organisers x \
                    WHERE x.event_id = {event} AND x.position = {place}) \
                THEN (SELECT MAX(x.position) + 1 FROM event_organisers x WHERE x.event_id = {event}) \
                ELSE {place} END, \
            {other}"
    );
    statement.execute(conn, sql)?;
    Ok(())
}

fn touch_event(conn: &mut Conn, between: &Between, event: Key) -> Result<()> {
    let mut statement = Statement::new(conn.backend());
    let (now, id) = (statement.instant(At(between.now)), statement.id(event));
    let sql =
        format!("UPDATE events SET version = version + 1, updated_at = {now} WHERE id = {id}");
    statement.execute(conn, sql)?;
    Ok(())
}

fn speakers(conn: &mut Conn, names: &Names, between: &Between, done: &mut Separated) -> Result<()> {
    let reference = MergeReference::Speaker;
    let events = ("events", "t.id = l.row_id");
    let rows = noted(conn, between, reference, events, ("t.version", "1 = 1"))?;
    let mut last = None;
    for row in rows {
        let kept = row.kept.as_ref().and_then(|kept| kept.0["name"].as_str());
        let mut statement = Statement::new(conn.backend());
        let (survivor, other) =
            (statement.id(Key(between.survivor.0)), statement.id(Key(between.other.0)));
        let event = statement.id(row.id);
        let name = kept.map_or_else(
            || "name IS NULL".to_owned(),
            |name| format!("name = {}", statement.text(name)),
        );
        let position = row.row_position.unwrap_or_default();
        let sql = format!(
            "UPDATE event_speakers SET organisation_id = {other} WHERE event_id = {event} \
                AND position = {position} AND organisation_id = {survivor} AND {name}"
        );
        if statement.execute(conn, sql)? == 0 {
            done.left(names, reference, MergeRemainderReason::ChangedSince, row.record(), None)?;
        } else if last != Some(row.id) {
            last = Some(row.id);
            // Its organisers may have made a version of it just now.
            let version = done.touched.iter().filter(|it| it.id == row.id.0).map(|it| it.version);
            let version = version.max().or(row.version);
            touch_event(conn, between, row.id)?;
            done.touched.push(Noted { version, ..row }.touched(EntityKind::Event, "speakers"));
        }
    }
    Ok(())
}

fn tags(conn: &mut Conn, names: &Names, between: &Between, done: &mut Separated) -> Result<()> {
    let reference = MergeReference::Tag;
    let of_survivor = (
        "organisation_tags",
        "t.tag_id = l.row_id AND t.carrier_id = l.carrier_id \
        AND t.organisation_id = (SELECT m.survivor_id FROM organisation_merges m WHERE m.id = l.merge_id)",
    );
    let still = "t.organisation_id = {survivor}";
    let rows = noted(conn, between, reference, of_survivor, ("CAST(NULL AS bigint)", still))?;
    let mut marks = between.marks(conn, reference);
    let (survivor, other, noted) = (marks.survivor(), marks.other(), marks.noted());
    let sql = format!(
        "UPDATE organisation_tags SET organisation_id = {other} \
        WHERE organisation_id = {survivor} AND tag_id IN ({noted} AND kept IS NULL)"
    );
    marks.statement.execute(conn, sql)?;
    for row in rows {
        if row.kept.is_some() {
            let mut statement = Statement::new(conn.backend());
            let other = statement.id(Key(between.other.0));
            let carrier = row
                .carrier_id
                .ok_or_else(|| Error::internal("a tag in a ledger of merges has no carrier"))?;
            let carrier = statement.id(carrier);
            let tag = statement.id(row.id);
            let sql = format!(
                "INSERT INTO organisation_tags (carrier_id, organisation_id, tag_id) \
                VALUES ({carrier}, {other}, {tag})"
            );
            statement.execute(conn, sql)?;
        } else if !row.still {
            done.left(names, reference, MergeRemainderReason::Gone, row.record(), None)?;
        }
    }
    Ok(())
}

fn views(conn: &mut Conn, names: &Names, between: &Between, done: &mut Separated) -> Result<()> {
    let reference = MergeReference::SavedView;
    let still = view_of(conn.backend(), "{survivor}");
    let of_it = ("saved_views", "t.id = l.row_id");
    let rows = noted(conn, between, reference, of_it, ("t.version", &still))?;
    show_consultations_of(conn, between, between.other)?;
    for row in rows {
        if row.still {
            done.touched.push(row.touched(EntityKind::SavedView, "filter"));
        } else {
            let reason = MergeRemainderReason::BelongsElsewhere;
            done.left(names, reference, reason, row.record(), None)?;
        }
    }
    Ok(())
}

/// What was filled in when the two were one was not known before.
fn filled(conn: &mut Conn, names: &Names, between: &Between, done: &mut Separated) -> Result<()> {
    #[derive(QueryableByName)]
    struct Filled {
        #[diesel(sql_type = Id)]
        id: Key,
        #[diesel(sql_type = Nullable<Id>)]
        carrier_id: Option<Key>,
        #[diesel(sql_type = Text)]
        column_name: String,
        #[diesel(sql_type = Nullable<Json>)]
        old_value: Option<Document>,
        #[diesel(sql_type = Nullable<Json>)]
        new_value: Option<Document>,
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    let reference = MergeReference::Filled;
    let mut statement = Statement::new(conn.backend());
    let (merge, code) = (statement.id(Key(between.merge.0)), statement.text(reference.code()));
    let sql = format!(
        "SELECT l.row_id AS id, l.carrier_id, l.column_name, l.old_value, l.new_value, t.version \
        FROM organisation_merge_rows l JOIN consultations t ON t.id = l.row_id \
        WHERE l.merge_id = {merge} AND l.reference = {code} ORDER BY l.position"
    );
    let rows: Vec<Filled> = statement.load(conn, sql)?;
    for row in rows {
        let mut statement = Statement::new(conn.backend());
        let id = statement.id(row.id);
        let new = row.new_value.as_ref().and_then(|new| new.0.as_str()).unwrap_or_default();
        let old = row.old_value.as_ref().and_then(|old| old.0.as_str());
        let is_district = row.column_name == "district_id";
        let district = new.parse().map(Key).ok().filter(|_| is_district);
        let sql = if let Some(district) = district {
            // An id, and a field of the record itself, so that a version comes of it.
            let (now, new) = (statement.instant(At(between.now)), statement.id(district));
            format!(
                "UPDATE consultations SET district_id = NULL, version = version + 1, \
                    updated_at = {now} WHERE id = {id} AND district_id = {new}"
            )
        } else {
            let column = if row.column_name == "section" { "section" } else { "size_class" };
            let new = statement.text(new);
            let old = old.map_or_else(|| "NULL".to_owned(), |old| statement.text(old));
            format!(
                "UPDATE consultations SET {column} = {old} WHERE id = {id} AND {column} = {new}"
            )
        };
        let record = (row.id, row.carrier_id);
        if statement.execute(conn, sql)? == 0 {
            let reason = MergeRemainderReason::ChangedSince;
            done.left(names, reference, reason, record, Some(&row.column_name))?;
        } else if let Some(district) = district {
            done.touched.push(Touched {
                kind: EntityKind::Consultation,
                id: row.id.0,
                carrier: row.carrier_id.map(|id| CarrierId(id.0)),
                version: row.version + 1,
                field: "district",
                known: Some(names.reference(district)?),
            });
        }
    }
    Ok(())
}

/// Records of one that name a record of the other: what came while they were one, or was put together then.
/// What names what, and the organisation of each.
const ENTANGLED: [(MergeReference, &str, &str, &str); 7] = [
    (
        MergeReference::Consultation,
        "consultations t JOIN establishments s ON s.id = t.establishment_id",
        "t.organisation_id",
        "s.company_id",
    ),
    (
        MergeReference::Consultation,
        "consultations t JOIN consultation_contacts x ON x.consultation_id = t.id \
            JOIN contacts s ON s.id = x.contact_id",
        "t.organisation_id",
        "s.organisation_id",
    ),
    (
        MergeReference::Consultation,
        "consultations t JOIN accompaniments s ON s.id = t.accompaniment_id",
        "t.organisation_id",
        "s.company_id",
    ),
    (
        MergeReference::Consultation,
        "consultations t JOIN recruitment_cases s ON s.id = t.recruitment_case_id",
        "t.organisation_id",
        "s.company_id",
    ),
    (
        MergeReference::RecruitmentCase,
        "recruitment_cases t JOIN establishments s ON s.id = t.establishment_id",
        "t.company_id",
        "s.company_id",
    ),
    (
        MergeReference::RecruitmentCase,
        "recruitment_cases t JOIN accompaniments s ON s.id = t.accompaniment_id",
        "t.company_id",
        "s.company_id",
    ),
    (
        MergeReference::Participation,
        "event_participations t JOIN contacts s ON s.id = t.contact_id",
        "t.organisation_id",
        "s.organisation_id",
    ),
];

fn entangled(
    conn: &mut Conn,
    names: &Names,
    between: &Between,
    done: &mut Separated,
) -> Result<()> {
    #[derive(QueryableByName)]
    struct Naming {
        #[diesel(sql_type = Id)]
        id: Key,
        #[diesel(sql_type = Id)]
        carrier_id: Key,
    }
    for (reference, from, one, two) in ENTANGLED {
        let mut statement = Statement::new(conn.backend());
        let both = [between.survivor, between.other].map(|id| statement.id(Key(id.0))).join(", ");
        let sql = format!(
            "SELECT DISTINCT t.id, t.carrier_id FROM {from} \
            WHERE {one} IN ({both}) AND {two} IN ({both}) AND {one} <> {two} ORDER BY t.id"
        );
        let rows: Vec<Naming> = statement.load(conn, sql)?;
        for row in rows {
            let (reason, record) =
                (MergeRemainderReason::NamesTheOther, (row.id, Some(row.carrier_id)));
            let known = done.remainders.iter().any(|it| {
                it.reason == reason && it.reference == reference && it.record_id == Some(row.id.0)
            });
            if !known {
                done.left(names, reference, reason, record, None)?;
            }
        }
    }
    Ok(())
}
