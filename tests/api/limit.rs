//! What takes too long ends, and what nobody waits for.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{RunQueryDsl, sql_query};
use lotse_domain::Error;
use lotse_domain::policy::Scope;
use lotse_domain::statistics::{Dimension, StatisticsQuery, TopicsAs, Window};
use lotse_persistence::{
    Backend, Conn, Database, Options, Request, funding_period, report, statistics,
};
use serde_json::json;

use crate::harness::{BWHW, PERIOD_2026, Raw, SQLITE, TestApp, both, both_with, lines, run_on};

/// Far longer than anything here takes, far shorter than the statements below.
const SOON: Duration = Duration::from_secs(20);

fn database(app: &TestApp, most: Duration) -> Database {
    let url = app.database_url.clone();
    let wait = Duration::from_secs(10);
    Database::open(&Options { url, replica_url: None, pool_size: 2, wait, most }).unwrap()
}

/// Reads for minutes.
fn endless(database: &Database) -> lotse_domain::Result<()> {
    let statement = match database.backend() {
        Backend::Postgres => "SELECT pg_sleep(600)",
        Backend::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000000000) \
             SELECT count(*) FROM n WHERE random() & 1023 <> 0 OR lotse_still_wanted(i)"
        }
    };
    database.snapshot(|conn| {
        sql_query(statement).execute(conn).map_err(|error| Error::Internal(error.into()))?;
        Ok(())
    })
}

fn answers(database: &Database) {
    database
        .read(|conn| {
            sql_query("SELECT 1").execute(conn).map_err(|error| Error::Internal(error.into()))
        })
        .unwrap();
}

#[test]
fn a_statement_ends_when_its_time_is_over() {
    both(async |app| {
        let database = database(&app, Duration::from_millis(300));
        let began = Instant::now();
        let ended = endless(&database);
        assert!(matches!(ended, Err(Error::TimedOut)), "{ended:?}");
        assert!(began.elapsed() < SOON);
        // The connection is none the worse for it.
        answers(&database);
    });
}

#[test]
fn a_statement_ends_when_nobody_waits_for_it() {
    both(async |app| {
        let database = database(&app, Duration::from_mins(10));
        let request = Request::default();
        let (waiting, reading) = (request.while_waiting(), database.for_request(request.clone()));
        let began = Instant::now();
        let reader = std::thread::spawn(move || endless(&reading));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!reader.is_finished());
        drop(waiting);
        let ended = reader.join().unwrap();
        assert!(matches!(ended, Err(Error::TimedOut)), "{ended:?}");
        assert!(began.elapsed() < SOON);
        answers(&database);
        // Nothing more is begun for it, and other requests are not meant.
        let late = endless(&database.for_request(request));
        assert!(matches!(late, Err(Error::TimedOut)), "{late:?}");
        answers(&database.for_request(Request::default()));
    });
}

/// On SQLite only: PostgreSQL ends every statement by itself.
#[test]
fn what_goes_through_many_consultations_asks_whether_to_go_on() {
    run_on(SQLITE, async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Viel GmbH", &json!({})).await;
        let input = app.consultation(&adviser, &json!({"organisation_id": company["id"]})).await;
        adviser.post("/consultations", &input).await.expect(201);
        let mut conn = app.connect();
        let columns = lines(
            &mut conn,
            "SELECT name AS line FROM pragma_table_info('consultations') WHERE name <> 'id'",
        );
        let columns = columns.join(", ");
        // 2 to the 14th: of so many one in a thousand is asked about for certain.
        for _ in 0..14 {
            let twice = format!(
                "INSERT INTO consultations (id, {columns}) \
                 SELECT randomblob(16), {columns} FROM consultations"
            );
            conn.batch_execute(&twice).unwrap();
        }
        let scope = Scope::Carrier(BWHW.parse::<uuid::Uuid>().unwrap().into());
        let counted = |database: &Database, group_by: Vec<Dimension>| {
            database.snapshot(|conn| {
                let id: uuid::Uuid = PERIOD_2026.parse().unwrap();
                let period = funding_period::find(conn, id.into())?;
                let window = Window::whole(&period);
                let query = StatisticsQuery {
                    funding_period_id: period.id,
                    window,
                    group_by,
                    conditions: Vec::new(),
                    also: Vec::new(),
                    topics: TopicsAs::Recorded,
                };
                Ok(statistics::totals_and_groups(conn, &scope, &query)?.0)
            })
        };
        let explained = |database: &Database| {
            database.snapshot(|conn| {
                let id: uuid::Uuid = PERIOD_2026.parse().unwrap();
                let period = funding_period::find(conn, id.into())?;
                let mut facts = 0;
                report::each_fact(conn, &scope, &period, period.ends_on, |_, _| {
                    facts += 1;
                    Ok(())
                })?;
                Ok(facts)
            })
        };
        let patient = database(&app, SOON);
        for group_by in [vec![], vec![Dimension::Topic, Dimension::Quarter]] {
            assert_eq!(counted(&patient, group_by).unwrap().consultations, 16_384);
        }
        assert_eq!(explained(&patient).unwrap(), 16_384);
        let hasty = database(&app, Duration::ZERO);
        for group_by in [vec![], vec![Dimension::Topic, Dimension::Quarter]] {
            let ended = counted(&hasty, group_by);
            assert!(matches!(ended, Err(Error::TimedOut)), "{ended:?}");
        }
        let ended = explained(&hasty);
        assert!(matches!(ended, Err(Error::TimedOut)), "{ended:?}");
    });
}

/// Statements of the server that wait for a lock.
fn waiting(conn: &mut Conn) -> usize {
    // Nothing but rows counts: the statement updates none.
    let counted = sql_query(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
         AND datname = current_database()",
    );
    counted.execute(conn).unwrap()
}

fn becomes(conn: &mut Conn, number: usize) -> bool {
    let began = Instant::now();
    while waiting(conn) != number {
        if began.elapsed() > SOON {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// On PostgreSQL only: there a lock makes a request wait for as long as a test wants.
#[test]
fn who_goes_away_leaves_no_statement_behind() {
    both(async |app| {
        if app.backend == SQLITE {
            return;
        }
        let adviser = app.log_in("adviser").await;
        let (mut locker, mut watcher) = (app.connect(), app.connect());
        locker.batch_execute("BEGIN; LOCK TABLE consultations IN ACCESS EXCLUSIVE MODE").unwrap();
        let mut client = Raw::connect(&app.base);
        let request = format!(
            "GET /api/v1/statistics?funding_period_id={PERIOD_2026} HTTP/1.1\r\nHost: lotse.test\r\n\
             Authorization: Bearer {}\r\n\r\n",
            adviser.token.as_deref().unwrap()
        );
        assert!(client.send(request.as_bytes()));
        assert!(becomes(&mut watcher, 1), "the request waits for the lock");
        drop(client);
        assert!(becomes(&mut watcher, 0), "its statement was ended");
        locker.batch_execute("COMMIT").unwrap();
        let path = format!("/statistics?funding_period_id={PERIOD_2026}");
        adviser.get(&path).await.expect(200);
    });
}

/// On PostgreSQL only, for the same reason.
#[test]
fn what_takes_too_long_is_a_clear_answer() {
    both_with(
        |config| config.statement_seconds = 1,
        async |app| {
            if app.backend == SQLITE {
                return;
            }
            let adviser = app.log_in("adviser").await;
            let mut locker = app.connect();
            locker
                .batch_execute("BEGIN; LOCK TABLE consultations IN ACCESS EXCLUSIVE MODE")
                .unwrap();
            let path = format!("/statistics?funding_period_id={PERIOD_2026}");
            adviser.get(&path).await.problem(503, "took_too_long");
            locker.batch_execute("COMMIT").unwrap();
            adviser.get(&path).await.expect(200);
        },
    );
}
