//! Multiplies the accompaniments of the demonstration data that are under way until 2,000 more are, each of a
//! company of its own:
//!
//! ```text
//! cargo run --release -p lotse-tests --example programmes -- sqlite://data/lotse.db
//! ```
//!
//! For measuring only: the copies do not pass the rules one by one, and the server must not run.

mod multiplier;
use multiplier::Multiplier;

const ACCOMPANIMENTS: i64 = 2_000;

fn main() {
    let url = std::env::args().nth(1).expect("name the database: sqlite://path or postgres://…");
    let mut m = Multiplier::open(&url);
    let companies = m.number("SELECT count(*) AS number FROM organisations WHERE kind = 'company'");
    m.run("begin", "BEGIN");
    m.new_ids("organisations", ACCOMPANIMENTS / companies + 1);
    let named = [
        ("name", "t.name || ' ' || m.k"),
        ("name_key", "t.name_key || ' ' || m.k"),
        ("search_text", "t.search_text || ' ' || m.k"),
    ];
    m.copy("organisations", "organisations", "id", &named);
    m.copy("company_profiles", "organisations", "organisation_id", &[]);

    // Those of the carrier with the most of them, in turns.
    let id = if m.sqlite() { "randomblob(16)" } else { "gen_random_uuid()" };
    let under_way = "a.started_on IS NOT NULL AND a.completed_on IS NULL AND a.ended_on IS NULL";
    let copies = format!(
        "CREATE TEMP TABLE accompaniments_copies AS \
         WITH carrier AS ( \
             SELECT a.carrier_id FROM accompaniments a WHERE {under_way} \
             GROUP BY a.carrier_id ORDER BY count(*) DESC LIMIT 1 \
         ), source AS ( \
             SELECT a.id, row_number() OVER (ORDER BY a.id) AS n \
             FROM accompaniments a JOIN carrier c ON c.carrier_id = a.carrier_id WHERE {under_way} \
         ), company AS ( \
             SELECT o.id, row_number() OVER (ORDER BY o.id) AS n \
             FROM organisations_copies c JOIN organisations o ON o.id = c.new \
             WHERE o.kind = 'company' LIMIT {ACCOMPANIMENTS} \
         ) \
         SELECT s.id AS old, c.n AS k, {id} AS new, c.id AS company \
         FROM company c JOIN source s ON s.n = (c.n - 1) % (SELECT count(*) FROM source) + 1"
    );
    m.run("ids of accompaniments", &copies);
    m.copy("accompaniments", "accompaniments", "id", &[("company_id", "m.company")]);
    for part in ["accompaniment_steps", "accompaniment_pauses", "accompaniment_goals"] {
        m.copy(part, "accompaniments", "accompaniment_id", &[]);
    }
    m.run("commit", "COMMIT");
    m.run("analyse", if m.sqlite() { "ANALYZE" } else { "VACUUM ANALYZE" });
    let sql = format!("SELECT count(*) AS number FROM accompaniments a WHERE {under_way}");
    eprintln!("under way: {}", m.number(&sql));
}
