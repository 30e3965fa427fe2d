//! Random graphs of references: a merge loses no row, whatever names an organisation, and undoing it gives back
//! what there was, row by row.

use std::collections::BTreeMap;

use lotse_persistence::Conn;
use lotse_persistence::merge::{PLACES, Treatment};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Backend, Session, TestApp, both, district, lines, send};
use crate::merge::{id, merge, now, undo};
use crate::merge_places::foreign_keys;
use crate::tag::tag;

const REFERENCES: usize = 60;
const ROUNDS: usize = 6;
/// Records that come while two are one.
const LATER: usize = 8;

/// One record that names organisations, by its kind, whose it is and which of them.
#[derive(Clone, Debug)]
struct Draft {
    kind: u32,
    session: usize,
    organisations: [usize; 2],
    number: u32,
}

fn draft() -> impl Strategy<Value = Draft> {
    (0..14_u32, 0..2_usize, [0..6_usize, 0..6_usize], 0..1000_u32).prop_map(
        |(kind, session, organisations, number)| Draft { kind, session, organisations, number },
    )
}

/// Merges among those of a kind, by their place among those that are left.
fn pairs() -> impl Strategy<Value = Vec<(bool, usize, usize, bool)>> {
    proptest::collection::vec((any::<bool>(), 0..6_usize, 0..6_usize, any::<bool>()), 4..9)
}

struct World {
    sessions: [Session; 2],
    manager: Session,
    /// Three companies, then three actors.
    organisations: Vec<Value>,
    tags: [Vec<Value>; 2],
}

/// Where the organisation at a place is in the API.
fn list(of: usize) -> &'static str {
    if of < 3 { "companies" } else { "actors" }
}

impl World {
    async fn new(app: &TestApp, round: usize, runner: &mut TestRunner) -> Self {
        let sessions = [app.log_in("adviser").await, app.log_in("other").await];
        let mut organisations = Vec::new();
        for number in 0..3 {
            let chance = any::<[bool; 5]>().new_tree(runner).unwrap().current();
            let mut more = json!({});
            for (field, value, given) in [
                ("website", json!(format!("w{number}.example")), chance[0]),
                ("district_id", json!(district("06412")), chance[1]),
                ("size", json!({"staff": 5 + 100 * number, "turnover_eur": 1}), chance[2]),
                ("industry", json!({"classification": "wz2008", "code": "25"}), chance[3]),
                ("address", json!({"city": format!("Ort {number}")}), chance[4]),
            ] {
                if given {
                    more[field] = value;
                }
            }
            let name = format!("Unternehmen {round} {number}");
            organisations.push(sessions[number % 2].company(&name, &more).await);
        }
        for number in 0..3 {
            let name = format!("Akteur {round} {number}");
            organisations.push(sessions[number % 2].actor(&name, "other").await);
        }
        let mut tags = [Vec::new(), Vec::new()];
        for (of, tags) in tags.iter_mut().enumerate() {
            for name in ["Messe", "Pflege", "Handwerk"] {
                tags.push(tag(&sessions[of], &format!("{name} {round}")).await);
            }
        }
        let manager = app.log_in("manager").await;
        Self { sessions, manager, organisations, tags }
    }

    /// Makes the record; what does not fit together is refused, which is as good.
    async fn make(&self, app: &TestApp, draft: &Draft) -> bool {
        let session = &self.sessions[draft.session];
        let [one, two] = draft.organisations;
        let (of, also) = (&self.organisations[one], &self.organisations[two]);
        let company = &self.organisations[one % 3];
        let day = format!("2025-{:02}-{:02}", 1 + draft.number % 12, 1 + draft.number % 28);
        let post = async |path: &str, input: &Value| {
            let answer = session.post(path, input).await;
            assert!(matches!(answer.status, 201 | 409 | 422), "{path}: {}", answer.text);
            (answer.status == 201).then_some(answer.body)
        };
        let under = |what: &str| format!("/{}/{}/{what}", list(one), id(of));
        let made = match draft.kind {
            0 => {
                post(&under("contacts"), &json!({"name": format!("Person {}", draft.number)})).await
            }
            1 => {
                let path = format!("/companies/{}/establishments", id(company));
                let place = json!({"name": format!("Werk {}", draft.number),
                    "district_id": draft.number.is_multiple_of(2).then(|| district("06611"))});
                post(&path, &place).await
            }
            2..=4 => {
                let contact = json!({"name": format!("Gespräch {}", draft.number)});
                let contact = post(&under("contacts"), &contact).await;
                let more = json!({"organisation_id": of["id"], "held_on": day,
                    "contact_ids": contact.iter().map(|it| &it["id"]).collect::<Vec<_>>(),
                    "status": if draft.number.is_multiple_of(5) { "cancelled" } else { "held" }});
                let input = app.consultation(session, &more).await;
                let made = post("/consultations", &input).await;
                if let Some(made) = &made {
                    let task = json!({"title": "Rückruf", "due_on": "2026-04-01",
                        "consultation_id": made["id"]});
                    post("/tasks", &task).await;
                }
                made
            }
            5 => {
                let task = json!({"title": "Fragen", "due_on": "2026-04-01",
                    "organisation_id": of["id"]});
                post("/tasks", &task).await
            }
            6 | 7 => {
                let actor = &self.organisations[3 + two % 3];
                let referral = json!({"organisation_id": of["id"], "actor_id": actor["id"],
                    "reason": "Anerkennung"});
                post("/referrals", &referral).await
            }
            8 => {
                let lists = json!({
                    "organiser_ids": if one == two { json!([of["id"]]) } else { json!([of["id"], also["id"]]) },
                    "speakers": [
                        {"organisation_id": also["id"], "name": "Cora Probstadt"},
                        {"organisation_id": of["id"], "role": "Moderation"},
                        {"name": "Ohne Organisation"}
                    ],
                });
                let input = app.event(session, &lists).await;
                let made = post("/events", &input).await;
                if let Some(made) = &made {
                    let path = format!("/events/{}/participations", id(made));
                    for (of, role) in [(of, "participant"), (also, "participant"), (also, "staff")]
                    {
                        let guests = json!({"organisation_id": of["id"], "role": role,
                            "headcount": 1 + draft.number % 7});
                        post(&path, &guests).await;
                    }
                    let contact = json!({"name": format!("Gast {}", draft.number)});
                    if let Some(contact) = post(&under("contacts"), &contact).await {
                        let guest =
                            json!({"organisation_id": of["id"], "contact_id": contact["id"]});
                        post(&path, &guest).await;
                    }
                }
                made
            }
            9 => {
                let tags = self.tags[draft.session].iter().enumerate();
                let chosen = tags.filter(|(index, _)| draft.number >> index & 1 == 1);
                let ids: Vec<&Value> = chosen.map(|(_, tag)| &tag["id"]).collect();
                let request = session.request(Method::PUT, &under("tags"));
                Some(send(request.json(&json!({"tag_ids": ids}))).await.expect(200).body)
            }
            10 => {
                let view = json!({"name": format!("Ansicht {} {one}", draft.number),
                    "list": "consultations", "filter": {"organisation_id": of["id"]}});
                post("/saved-views", &view).await
            }
            11 => {
                let me = session.get("/me").await.expect(200).body;
                let run = json!({"company_id": company["id"], "site_id": me["site"]["id"]});
                let made = post("/accompaniments", &run).await;
                // Most are over, so that they are not in the way.
                if let Some(made) = made.iter().find(|_| !draft.number.is_multiple_of(4)) {
                    let reason = json!({"reason": "Kein Bedarf"});
                    crate::accompaniment::act(session, made, "reject", &reason).await.expect(200);
                }
                made
            }
            12 => {
                // Of a period that is closed.
                let of_it = json!({"organisation_id": of["id"]});
                Some(crate::correction::record(app, session, &of_it).await)
            }
            _ => {
                let case = json!({"company_id": company["id"]});
                let input = crate::recruitment_case::input(session, &case).await;
                post("/recruitment-cases", &input).await
            }
        };
        made.is_some()
    }
}

/// Every row of every table but for what tells of changes: versions, when a record was changed, the audit log,
/// and the merges themselves.
fn rows(app: &TestApp, conn: &mut Conn) -> BTreeMap<String, Vec<String>> {
    const LEFT_OUT: [&str; 5] = [
        "audit_log",
        "organisation_merges",
        "organisation_merge_rows",
        "sessions",
        "refresh_tokens",
    ];
    let is_postgres = app.backend == Backend::Postgres;
    let tables = if is_postgres {
        "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'"
    } else {
        "SELECT name AS line FROM pragma_table_list \
         WHERE type = 'table' AND schema = 'main' AND name NOT LIKE 'sqlite_%'"
    };
    let tables = lines(conn, tables);
    let mut found = BTreeMap::new();
    for table in tables.into_iter().filter(|table| !LEFT_OUT.contains(&table.as_str())) {
        let columns = if is_postgres {
            format!(
                "SELECT column_name::text AS line FROM information_schema.columns \
                 WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name AS line FROM pragma_table_info('{table}')")
        };
        let columns = lines(conn, &columns);
        let shown: Vec<String> = columns
            .into_iter()
            .filter(|column| !matches!(column.as_str(), "version" | "updated_at"))
            .map(|column| {
                if is_postgres {
                    format!("coalesce(\"{column}\"::text, '-')")
                } else {
                    format!("quote(\"{column}\")")
                }
            })
            .collect();
        let mut rows =
            lines(conn, &format!("SELECT {} AS line FROM {table}", shown.join(" || '|' || ")));
        rows.sort();
        found.insert(table, rows);
    }
    found
}

fn literal(app: &TestApp, id: &str) -> String {
    match app.backend {
        Backend::Postgres => format!("'{id}'"),
        Backend::Sqlite => format!("x'{}'", id.replace('-', "")),
    }
}

fn number(conn: &mut Conn, query: &str) -> i64 {
    lines(conn, query).pop().unwrap().parse().unwrap()
}

/// How many rows of a foreign key name an organisation.
fn naming(app: &TestApp, conn: &mut Conn, key: &str, id: &str) -> i64 {
    let (table, column) = key.split_once('.').unwrap();
    let id = literal(app, id);
    number(
        conn,
        &format!("SELECT CAST(count(*) AS text) AS line FROM {table} WHERE {column} = {id}"),
    )
}

/// How many rows the ledger of a merge holds of a place, and how many of them it alone has.
fn in_ledger(app: &TestApp, conn: &mut Conn, key: &str, merge: &str) -> (i64, i64) {
    let (table, column) = key.split_once('.').unwrap();
    let of_it = format!(
        "SELECT CAST(count(*) AS text) AS line FROM organisation_merge_rows \
         WHERE merge_id = {} AND table_name = '{table}' AND column_name = '{column}'",
        literal(app, merge)
    );
    let alone = matches!(table, "organisation_tags" | "event_organisers");
    let kept = if alone { number(conn, &format!("{of_it} AND kept IS NOT NULL")) } else { 0 };
    (number(conn, &of_it), kept)
}

/// Merges and counts over every foreign key that there is.
async fn merged_without_loss(
    app: &TestApp,
    world: &World,
    survivor: &Value,
    other: &Value,
    choices: &Value,
) -> Option<Value> {
    let (survivor, other) = (now(&world.manager, survivor).await, now(&world.manager, other).await);
    let mut conn = app.connect();
    let keys = foreign_keys(app, &mut conn);
    let counted = |conn: &mut Conn| -> BTreeMap<String, (i64, i64)> {
        let of = |conn: &mut Conn, key: &str| {
            (naming(app, conn, key, id(&survivor)), naming(app, conn, key, id(&other)))
        };
        keys.iter().map(|key| (key.clone(), of(conn, key))).collect()
    };
    let before = counted(&mut conn);
    let done = merge(&world.manager, &survivor, &other, choices).await;
    if done.status == 409 {
        done.problem(409, "open_accompaniments");
        return None;
    }
    let done = done.expect(201).body;
    let after = counted(&mut conn);
    for (key, (had, other_had)) in &before {
        let (has, other_has) = after[key];
        let place = PLACES.iter().find(|it| format!("{}.{}", it.table, it.column) == *key);
        match place.map(|place| place.treatment) {
            Some(Treatment::Moves(_)) => {
                let (noted, alone) = in_ledger(app, &mut conn, key, id(&done));
                assert_eq!(had + other_had, has + other_has + alone, "{key}: a row is lost");
                assert_eq!(other_had - other_has, noted, "{key}: what moved is in the ledger");
                let stays = if key.starts_with("referrals") { other_has } else { 0 };
                assert_eq!(other_has, stays, "{key}: names the merged one");
            }
            Some(Treatment::Derived) => assert_eq!(other_has, 0, "{key}"),
            Some(Treatment::OwnPart | Treatment::History) => {
                assert!(has >= *had && other_has >= *other_had, "{key}");
            }
            None => panic!("{key} is not known to the merge"),
        }
    }
    Some(done)
}

#[test]
fn a_merge_loses_nothing_and_undoing_it_gives_everything_back() {
    both(async |app| {
        let mut runner = TestRunner::deterministic();
        let mut merges = 0;
        let mut collapsed = 0;
        let mut later = 0;
        for round in 0..ROUNDS {
            let has_later = round % 2 == 1;
            let world = World::new(&app, round, &mut runner).await;
            let mut made = 0;
            for _ in 0..REFERENCES {
                let draft = draft().new_tree(&mut runner).unwrap().current();
                made += usize::from(world.make(&app, &draft).await);
            }
            assert!(made > REFERENCES / 2, "only {made} were made");

            let mut left: [Vec<usize>; 2] = [vec![0, 1, 2], vec![3, 4, 5]];
            let mut done: Vec<(Value, BTreeMap<String, Vec<String>>)> = Vec::new();
            for (of_actors, one, two, takes) in pairs().new_tree(&mut runner).unwrap().current() {
                let among = &mut left[usize::from(of_actors)];
                let (one, two) = (one % among.len(), two % among.len());
                if one == two {
                    continue;
                }
                let choices = if takes {
                    json!({"choices": [{"field": "name", "from": "other"},
                        {"field": "website", "from": "other"}]})
                } else {
                    json!({})
                };
                let before = rows(&app, &mut app.connect());
                let (survivor, other) =
                    (&world.organisations[among[one]], &world.organisations[among[two]]);
                let Some(merge) =
                    merged_without_loss(&app, &world, survivor, other, &choices).await
                else {
                    continue;
                };
                merges += 1;
                let counts = merge["moved"].as_array().unwrap().iter();
                collapsed += counts.map(|it| it["collapses"].as_i64().unwrap()).sum::<i64>();
                done.push((merge, before));
                among.remove(two);
                for _ in 0..if has_later { LATER } else { 0 } {
                    let draft = draft().new_tree(&mut runner).unwrap().current();
                    // Tags are set as a whole, and who logs in a closed period names who is there.
                    if !matches!(draft.kind, 9 | 12) {
                        later += usize::from(world.make(&app, &draft).await);
                    }
                }
            }
            while let Some((merge, before)) = done.pop() {
                let undone = undo(&world.manager, &merge).await.expect(200).body;
                assert_eq!(undone["undone"]["remainders"], json!([]));
                let after = rows(&app, &mut app.connect());
                for (table, rows) in &before {
                    if !has_later {
                        assert_eq!(&after[table], rows, "{table}");
                    } else if table != "last_contacts" {
                        // What came later stays, and what there was is what it was.
                        let lost: Vec<_> =
                            rows.iter().filter(|row| !after[table].contains(row)).collect();
                        assert!(lost.is_empty(), "{table}: {lost:?}");
                    }
                }
            }
        }
        assert!(
            merges >= 8 && collapsed >= 5 && later >= 10,
            "{merges} merges, {collapsed} collapsed, {later} later"
        );
    });
}
