//! Multiplies the demonstration data of a database until it holds a million consultations, or as many as
//! told, with a hundred thousand organisations:
//!
//! ```text
//! cargo run --release -p lotse-tests --example million -- sqlite://data/lotse.db [consultations]
//! ```
//!
//! For measuring only: the copies do not pass the rules one by one, and the server must not run.

mod multiplier;
use multiplier::Multiplier;

const ORGANISATIONS: i64 = 100_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("name the database: sqlite://path or postgres://…");
    let wanted: i64 = arguments.next().map_or(1_000_000, |n| n.parse().expect("a number"));
    let mut m = Multiplier::open(&url);
    let organisations = m.number("SELECT count(*) AS number FROM organisations");
    let consultations = m.number("SELECT count(*) AS number FROM consultations");
    let organisation_copies = (ORGANISATIONS / organisations - 1).max(1);
    let copies = (wanted / consultations - 1).max(1);
    m.run("begin", "BEGIN");
    m.new_ids("organisations", organisation_copies);
    let named = [
        ("name", "t.name || ' ' || m.k"),
        ("name_key", "t.name_key || ' ' || m.k"),
        ("search_text", "t.search_text || ' ' || m.k"),
    ];
    m.copy("organisations", "organisations", "id", &named);
    m.copy("company_profiles", "organisations", "organisation_id", &[]);

    // Within the period and before today, so that every copy could have been held.
    let held_on = if m.sqlite() {
        "min(date(t.held_on, '+' || (m.k * 11 % 90) || ' days'), \
         (SELECT p.ends_on FROM funding_periods p WHERE p.id = t.funding_period_id), date('now'))"
    } else {
        "LEAST(t.held_on + (m.k * 11 % 90)::int, \
         (SELECT p.ends_on FROM funding_periods p WHERE p.id = t.funding_period_id), current_date)"
    };
    let copy_of = |column: &str| {
        format!(
            "(SELECT c.new FROM organisations_copies c WHERE c.old = t.{column} \
             AND c.k = (m.k - 1) % {organisation_copies} + 1)"
        )
    };
    let same_consultation = "(SELECT c.new FROM consultations_copies c \
         WHERE c.old = t.consultation_id AND c.k = m.k)";
    let organisation = copy_of("organisation_id");
    m.new_ids("consultations", copies);
    let other = [
        ("organisation_id", organisation.as_str()),
        ("establishment_id", "NULL"),
        ("event_id", "NULL"),
        ("held_on", held_on),
    ];
    m.copy("consultations", "consultations", "id", &other);
    m.copy("consultation_advisers", "consultations", "consultation_id", &[]);
    m.copy("consultation_topics", "consultations", "consultation_id", &[]);
    for table in ["tasks", "referrals"] {
        m.new_ids(table, copies);
        let other =
            [("organisation_id", organisation.as_str()), ("consultation_id", same_consultation)];
        m.copy(table, table, "id", &other);
    }
    m.run(
        "last contacts",
        "DELETE FROM last_contacts; \
         INSERT INTO last_contacts (carrier_id, organisation_id, held_on, consultation_id, adviser_id) \
         SELECT r.carrier_id, r.organisation_id, r.held_on, r.id, a.user_id FROM ( \
             SELECT c.carrier_id, c.organisation_id, c.held_on, c.id, row_number() OVER ( \
                 PARTITION BY c.carrier_id, c.organisation_id ORDER BY c.held_on DESC, c.id DESC \
             ) AS place FROM consultations c WHERE c.organisation_id IS NOT NULL AND c.status = 'held' \
         ) r JOIN consultation_advisers a ON a.consultation_id = r.id AND a.position = 0 \
         WHERE r.place = 1",
    );
    m.run("commit", "COMMIT");
    m.run("analyse", if m.sqlite() { "ANALYZE" } else { "VACUUM ANALYZE" });
    for table in ["organisations", "consultations", "tasks", "referrals"] {
        let rows = m.number(&format!("SELECT count(*) AS number FROM {table}"));
        eprintln!("{table}: {rows}");
    }
}
