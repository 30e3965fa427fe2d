//! That the pairs that are found step by step are those that a look at every two organisations finds, also when
//! several servers look and the register changes meanwhile.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use lotse_app::duplicate_pair::{compare_all, compare_next};
use lotse_domain::company::{Company, CompanyInput};
use lotse_domain::duplicate::likeness;
use lotse_domain::entity::Archived;
use lotse_domain::id::CompanyId;
use lotse_domain::search::Found;
use lotse_persistence::company;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{SQLITE, TestApp, both, lines};
use crate::made_up::{MadeUp, Register};

const COMPANIES: u128 = 100;
const ROUNDS: usize = 6;

fn record(id: u128, made_up: &MadeUp) -> Company {
    let now = "2026-03-16T09:00:00Z".parse().unwrap();
    Company::new(CompanyId(Uuid::from_u128(id)), now, &made_up.input(), None).unwrap()
}

/// Names of few words, so that there are many pairs.
fn made_up(register: &mut Register) -> MadeUp {
    let mut new = register.company();
    let surname = register.random.pick(&["Meier", "Maier", "Meyer", "Kirchmeier", "Huber"]);
    let trade = register.random.pick(&["Metallbau", "Metalbau", "Bau", "Pflege", "& Söhne Bau"]);
    new.words = if register.random.in_hundred(50) {
        format!("{surname} {trade}")
    } else {
        format!("{trade} {surname}")
    };
    if register.random.in_hundred(70) {
        (new.vat_id, new.website, new.register_number) = (None, None, None);
    }
    new
}

/// Score in hundredths and reasons by the two ids, of all pairs that are alike.
fn every_two(all: &BTreeMap<u128, Company>) -> Vec<String> {
    let mut pairs = Vec::new();
    for (one, a) in all {
        for (other, b) in all.range(one + 1..) {
            if a.archived.is_none()
                && b.archived.is_none()
                && let Some(likeness) = likeness(&Found::from(a), &Found::from(b))
            {
                let score = (likeness.score * 100.0).round();
                pairs.push(format!("{one} {other} {score} {}", json!(likeness.reasons)));
            }
        }
    }
    pairs.sort();
    pairs
}

/// The same, as the server has them.
async fn listed(app: &TestApp) -> Vec<String> {
    let manager = app.log_in("manager").await;
    let answer = manager.get("/duplicates?format=jsonl").await.expect(200);
    let id = |text: &serde_json::Value| text.as_str().unwrap().parse::<Uuid>().unwrap().as_u128();
    let pairs = answer.text.lines().map(|line| {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        let (one, other) = (id(&pair["first"]["id"]), id(&pair["second"]["id"]));
        let score = (pair["score"].as_f64().unwrap() * 100.0).round();
        format!("{one} {other} {score} {}", pair["reasons"])
    });
    let mut pairs: Vec<String> = pairs.collect();
    pairs.sort();
    pairs
}

/// Some are added, renamed, given what another one has, archived or brought back.
fn change(app: &TestApp, register: &mut Register, all: &mut BTreeMap<u128, Company>, ids: &[u128]) {
    let mut conn = app.connect();
    // Who reads first and then writes cannot wait on SQLite.
    let begin = if app.backend == SQLITE { "BEGIN IMMEDIATE" } else { "BEGIN" };
    conn.batch_execute(begin).unwrap();
    for id in ids {
        let Some(old) = all.get(id).cloned() else {
            let new = record(*id, &made_up(register));
            company::insert(&mut conn, &new).unwrap();
            all.insert(*id, new);
            continue;
        };
        let other = &all[&(1 + register.random.below(all.len()) as u128)];
        let input = CompanyInput::from(&old);
        let new = match register.random.below(4) {
            0 => record(*id, &made_up(register)),
            1 => Company { vat_id: other.vat_id.clone(), ..old.clone() },
            2 => Company { website: other.website.clone(), name: input.name, ..old.clone() },
            _ if old.archived.is_none() => {
                let archived = Archived { at: old.created_at, reason: "x".to_owned() };
                Company { archived: Some(archived), ..old.clone() }
            }
            _ => Company { archived: None, ..old.clone() },
        };
        let new = Company { version: old.version + 1, ..new };
        company::update(&mut conn, &new).unwrap();
        all.insert(*id, new);
    }
    conn.batch_execute("COMMIT").unwrap();
}

#[test]
fn the_pairs_are_those_of_a_look_at_every_two() {
    both(async |app| {
        let (mut register, mut all) = (Register::new(11), BTreeMap::new());
        change(&app, &mut register, &mut all, &(1..=COMPANIES).collect::<Vec<_>>());
        compare_all(&app.app).unwrap();
        let expected = every_two(&all);
        assert!(expected.len() > 100, "{} pairs tell little", expected.len());
        assert_eq!(listed(&app).await, expected);
        for round in 0..ROUNDS {
            let ids: Vec<u128> =
                (0..20).map(|_| 1 + register.random.below(COMPANIES as usize) as u128).collect();
            change(&app, &mut register, &mut all, &ids);
            let mut changed = ids;
            changed.sort_unstable();
            changed.dedup();
            assert_eq!(compare_all(&app.app).unwrap(), changed.len());
            assert_eq!(listed(&app).await, every_two(&all), "round {round}");
        }
    });
}

#[test]
fn several_servers_that_look_at_once_come_to_the_same() {
    both(async |app| {
        let (mut register, mut all) = (Register::new(12), BTreeMap::new());
        change(&app, &mut register, &mut all, &(1..=COMPANIES).collect::<Vec<_>>());
        for _ in 0..3 {
            std::thread::scope(|scope| {
                let looking: Vec<_> =
                    (0..3).map(|_| scope.spawn(|| compare_all(&app.app).unwrap())).collect();
                let ids: Vec<u128> = (0..30)
                    .map(|_| 1 + register.random.below(COMPANIES as usize) as u128)
                    .collect();
                for some in ids.chunks(3) {
                    change(&app, &mut register, &mut all, some);
                }
                for one in looking {
                    one.join().unwrap();
                }
            });
        }
        // What was changed while it was looked at is due. One look finds all of it.
        compare_all(&app.app).unwrap();
        assert!(compare_next(&app.app, None).unwrap().is_none());
        assert_eq!(listed(&app).await, every_two(&all));
        let twice = "SELECT CAST(count(*) AS TEXT) AS line FROM duplicate_pairs \
            GROUP BY first_organisation_id, second_organisation_id HAVING count(*) > 1";
        assert!(lines(&mut app.connect(), twice).is_empty());
    });
}
