//! Follow-ups and tasks: recording, finding, ticking off, handing over.

use std::fmt::Write;

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use lotse_persistence::Conn;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, BWHW, PERIOD_2026, POSTGRES, SQLITE, Session, TestApp, VSB, body, both, lines,
    redacted, send,
};
use crate::hostile::NOWHERE;

/// A task that is in order, with whatever else is given.
pub async fn create(session: &Session, more: &Value) -> Value {
    let task = body(&json!({"title": "Rückruf", "due_on": "2026-04-01"}), more);
    session.post("/tasks", &task).await.expect(201).body
}

pub fn path(task: &Value) -> String {
    format!("/tasks/{}", task["id"].as_str().unwrap())
}

async fn act(session: &Session, task: &Value, what: &str, body: &Value) -> Answer {
    let version = format!("\"{}\"", task["version"]);
    let path = format!("{}/{what}", path(task));
    session.post_with(&path, &[("If-Match", &version)], body).await
}

/// An event behind the server's back. `{…}` around a value marks a date, `[…]` an instant.
pub fn event(app: &TestApp, carrier: &str, id: &str, columns: &str, values: &str, staff: &[&str]) {
    let sqlite = matches!(app.connect(), Conn::Sqlite(_));
    let uuid = |id: &str| {
        if sqlite { format!("unhex('{}')", id.replace('-', "")) } else { format!("'{id}'") }
    };
    let yes = if sqlite { "1" } else { "true" };
    let sql = format!(
        "INSERT INTO events (id, carrier_id, funding_period_id, kind, title, search_text, is_online, \
         recorded_by, version, created_at, updated_at, {columns}) \
         SELECT {}, {}, {}, 'round_table', 'Runder Tisch, Pflege', 'runder tisch pflege', {yes}, id, 2, \
         [2026-03-01T08:00:00], [2026-03-01T08:00:00], {values} \
         FROM users WHERE email = 'manager@test.example';",
        uuid(id),
        uuid(carrier),
        uuid(PERIOD_2026),
    );
    let (date, instant, end) =
        if sqlite { ("'", "'", ".000000Z'") } else { ("DATE '", "TIMESTAMPTZ '", "Z'") };
    let mut sql = sql.replace('{', date).replace('}', "'").replace('[', instant).replace(']', end);
    for (position, user) in staff.iter().enumerate() {
        let (event, user) = (uuid(id), uuid(user));
        write!(
            sql,
            "INSERT INTO event_staff (event_id, position, user_id) \
             VALUES ({event}, {position}, {user});"
        )
        .unwrap();
    }
    match app.connect() {
        Conn::Sqlite(mut conn) => conn.batch_execute(&sql),
        Conn::Postgres(mut conn) => conn.batch_execute(&sql),
    }
    .unwrap();
}

#[test]
fn a_follow_up_goes_from_a_consultation_to_its_end() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let company = adviser.company("Folge GmbH", &json!({})).await;
        let input = app.consultation(&adviser, &json!({"organisation_id": company["id"]})).await;
        let held = adviser.post("/consultations", &input).await.expect(201);
        let new = adviser
            .post(
                "/tasks",
                &json!({
                    "title": "Nachfragen, ob die Behörde geantwortet hat",
                    "notes": "Frau Probstadt\nanrufen",
                    "due_on": "2026-04-01",
                    "deputy_id": colleague.id().await,
                    "priority": "high",
                    "consultation_id": held.id(),
                }),
            )
            .await
            .expect(201);
        insta::assert_snapshot!("task", redacted(&new.body));
        assert_eq!(new.header("location"), format!("/api/v1{}", path(&new.body)));
        assert_eq!(new.body["organisation"]["id"], company["id"], "that of the consultation");
        let read = adviser.get(&path(&new.body)).await.expect(200);
        assert_eq!(read.body, new.body, "what is answered is what is stored");

        let moved = adviser
            .patch(&path(&new.body), 1, &json!({"due_on": "2026-04-08", "deputy_id": null}))
            .await
            .expect(200);
        assert_eq!(moved.body["consultation"], new.body["consultation"]);
        let done = act(&colleague, &moved.body, "complete", &json!({"result": "Alles da"})).await;
        let done = done.expect(200).body;
        assert_eq!(
            (&done["status"], &done["done"]["result"]),
            (&json!("done"), &json!("Alles da"))
        );
        assert_eq!(done["done"]["by"]["id"], json!(colleague.id().await));
        act(&adviser, &done, "complete", &json!({})).await.problem(409, "not_open");
        act(&adviser, &done, "cancel", &json!({"reason": "x"})).await.problem(409, "not_open");
        adviser.patch(&path(&done), 3, &json!({"title": "x"})).await.problem(409, "not_open");

        let again = act(&adviser, &done, "reopen", &json!({})).await.expect(200).body;
        assert_eq!((&again["status"], &again["done"]), (&json!("open"), &json!(null)));
        act(&adviser, &again, "reopen", &json!({})).await.problem(409, "already_open");
        let off = act(&adviser, &again, "cancel", &json!({"reason": "Betrieb geschlossen"})).await;
        assert_eq!(off.expect(200).body["cancelled"]["reason"], "Betrieb geschlossen");
        let history = adviser.get(&format!("{}/history", path(&new.body))).await.expect(200);
        insta::assert_snapshot!("task_history", redacted(&history.body));
    });
}

#[test]
fn each_rule_of_a_task_by_itself() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let (me, other) = (adviser.id().await, app.log_in("other").await);
        let theirs = app.consultation(&other, &json!({})).await;
        let theirs = other.post("/consultations", &theirs).await.expect(201).id();
        let input = app.consultation(&adviser, &json!({})).await;
        let voided = adviser.post("/consultations", &input).await.expect(201).id();
        let void = format!("/consultations/{voided}/void");
        let reason = json!({"reason": "Twice"});
        adviser.post_with(&void, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let gone = adviser.company("Weg GmbH", &json!({})).await;
        let archive = format!("/companies/{}/archive", gone["id"].as_str().unwrap());
        adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let (their_event, voided_event) =
            ("01890000-0000-7000-8000-00000e000001", "01890000-0000-7000-8000-00000e000002");
        let columns = "starts_on, ends_on, status";
        event(&app, VSB, their_event, columns, "{2026-04-01}, {2026-04-01}, 'planned'", &[]);
        let columns = "starts_on, ends_on, status, voided_at, voided_by, void_reason";
        let values = "{2026-04-01}, {2026-04-01}, 'voided', [2026-03-01T08:00:00], id, 'x'";
        event(&app, BWHW, voided_event, columns, values, &[]);
        let task = create(&adviser, &json!({})).await;
        for (more, pointer, code) in [
            (json!({"title": " "}), "/title", "empty"),
            (json!({"title": "x".repeat(201)}), "/title", "too_long"),
            (json!({"title": "a\nb"}), "/title", "control_character"),
            (json!({"notes": "x".repeat(5001)}), "/notes", "too_long"),
            (json!({"due_on": "10000-01-01"}), "/due_on", "wrong_type"),
            (json!({"priority": "urgent"}), "/priority", "wrong_type"),
            (json!({"owner_id": other.id().await}), "/owner_id", "not_an_adviser"),
            (json!({"owner_id": NOWHERE}), "/owner_id", "not_an_adviser"),
            (
                json!({"owner_id": app.log_in("admin").await.id().await}),
                "/owner_id",
                "not_an_adviser",
            ),
            (json!({"deputy_id": other.id().await}), "/deputy_id", "not_an_adviser"),
            (json!({"deputy_id": me}), "/deputy_id", "same_user"),
            (json!({"consultation_id": theirs}), "/consultation_id", "unknown"),
            (json!({"consultation_id": NOWHERE}), "/consultation_id", "unknown"),
            (json!({"consultation_id": voided}), "/consultation_id", "voided"),
            (json!({"organisation_id": NOWHERE}), "/organisation_id", "unknown"),
            (json!({"organisation_id": gone["id"]}), "/organisation_id", "archived"),
            (json!({"event_id": their_event}), "/event_id", "unknown"),
            (json!({"event_id": NOWHERE}), "/event_id", "unknown"),
            (json!({"event_id": voided_event}), "/event_id", "voided"),
            (
                json!({"organisation_id": gone["id"], "event_id": voided_event}),
                "/event_id",
                "several_subjects",
            ),
        ] {
            let new = body(&json!({"title": "Rückruf", "due_on": "2026-04-01"}), &more);
            adviser.post("/tasks", &new).await.violates(pointer, code);
            adviser.patch(&path(&task), 1, &more).await.violates(pointer, code);
        }
        let long = json!({"result": "x".repeat(2001)});
        act(&adviser, &task, "complete", &long).await.violates("/result", "too_long");
        act(&adviser, &task, "cancel", &json!({"reason": " "})).await.violates("/reason", "empty");
        let all = adviser.get("/tasks?total=true").await.expect(200);
        assert_eq!(all.body["total"], 1);
        assert_eq!(all.items()[0], task, "nothing was changed");
    });
}

#[test]
fn what_a_task_names_may_go_on_its_way() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let colleague = app.log_in("colleague").await.id().await;
        let input = app.consultation(&adviser, &json!({})).await;
        let held = adviser.post("/consultations", &input).await.expect(201).id();
        let about = json!({"consultation_id": held, "owner_id": colleague});
        let task = create(&adviser, &about).await;
        let void = format!("/consultations/{held}/void");
        let reason = json!({"reason": "Twice"});
        adviser.post_with(&void, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let suspend = json!({"status": "suspended"});
        let admin = app.log_in("admin").await;
        admin.patch(&format!("/users/{colleague}"), 1, &suspend).await.expect(200);
        let later = adviser.patch(&path(&task), 1, &json!({"due_on": "2026-05-01"})).await;
        assert_eq!(later.expect(200).body["owner"]["id"], json!(colleague));
        // But nobody gets it into his hands anew.
        let new = json!({"title": "x", "due_on": "2026-05-01", "owner_id": colleague});
        manager.post("/tasks", &new).await.violates("/owner_id", "not_an_adviser");
    });
}

#[test]
fn colleagues_tick_off_and_others_see_nothing() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, theirs) = (app.log_in("manager").await, app.log_in("other.manager").await);
        let task = create(&adviser, &json!({"notes": "Vertraulich"})).await;
        let one = path(&task);
        colleague.get(&one).await.expect(200);
        colleague.patch(&one, 1, &json!({"title": "x"})).await.problem(403, "forbidden");
        act(&colleague, &task, "cancel", &json!({"reason": "x"})).await.problem(403, "forbidden");
        theirs.get(&one).await.problem(404, "not_found");
        theirs.get(&format!("{one}/history")).await.problem(404, "not_found");
        theirs.patch(&one, 1, &json!({"title": "x"})).await.problem(404, "not_found");
        for what in ["complete", "reopen"] {
            act(&theirs, &task, what, &json!({})).await.problem(404, "not_found");
        }
        for filter in ["", "&q=vertraulich", "&mine=true", "&status=open"] {
            let seen = theirs.get(&format!("/tasks?total=true{filter}")).await.expect(200);
            assert_eq!(seen.body["total"], 0, "{filter}");
        }
        for user in ["coordinator", "admin", "data.protection"] {
            app.log_in(user).await.get(&one).await.problem(403, "forbidden");
        }
        // Who ticked it off takes that back; somebody else does not.
        let done = act(&colleague, &task, "complete", &json!({})).await.expect(200).body;
        let back = act(&colleague, &done, "reopen", &json!({})).await.expect(200).body;
        let done = act(&manager, &back, "complete", &json!({})).await.expect(200).body;
        act(&colleague, &done, "reopen", &json!({})).await.problem(403, "forbidden");
        let back = act(&adviser, &done, "reopen", &json!({})).await.expect(200).body;
        manager.patch(&one, 5, &json!({"deputy_id": colleague.id().await})).await.expect(200);
        colleague.patch(&one, 6, &json!({"title": "Als Vertretung"})).await.expect(200);
        assert_eq!(back["version"], 5);
    });
}

#[test]
fn lists_of_tasks_filter_by_everything() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (me, them) = (adviser.id().await, colleague.id().await);
        let company = adviser.company("Filter GmbH", &json!({})).await["id"].clone();
        let id = company.as_str().unwrap();
        let held = app.consultation(&adviser, &json!({"organisation_id": company})).await;
        let held = adviser.post("/consultations", &held).await.expect(201).id();
        let meeting = "01890000-0000-7000-8000-00000e000001";
        let day = "{2026-04-01}, {2026-04-01}, 'planned'";
        event(&app, BWHW, meeting, "starts_on, ends_on, status", day, &[]);
        for task in [
            json!({"title": "a", "due_on": "2026-03-15", "organisation_id": id}),
            json!({"title": "b", "due_on": "2026-03-16", "consultation_id": held, "priority": "high"}),
            json!({"title": "c", "due_on": "2026-03-17", "owner_id": them, "event_id": meeting}),
            json!({"title": "d", "due_on": "2026-03-18", "owner_id": them, "deputy_id": me,
                "notes": "Größe klären"}),
        ] {
            adviser.post("/tasks", &task).await.expect(201);
        }
        let done = create(&adviser, &json!({"title": "e", "due_on": "2026-03-01"})).await;
        act(&adviser, &done, "complete", &json!({})).await.expect(200);
        for (filter, titles) in [
            (String::new(), "eabcd"),
            ("sort=-due_on".to_owned(), "dcbae"),
            ("sort=created_at".to_owned(), "abcde"),
            ("sort=-created_at&limit=2".to_owned(), "ed"),
            (format!("owner_id={them}"), "cd"),
            ("mine=true".to_owned(), "eabd"),
            ("mine=false".to_owned(), "eabcd"),
            ("status=open".to_owned(), "abcd"),
            ("status=done".to_owned(), "e"),
            ("status=cancelled".to_owned(), ""),
            ("priority=high".to_owned(), "b"),
            (format!("consultation_id={held}"), "b"),
            (format!("organisation_id={id}"), "ab"),
            (format!("organisation_id={id}&sort=-due_on&limit=1"), "b"),
            (format!("organisation_id={id}&priority=high&mine=true"), "b"),
            (format!("event_id={meeting}"), "c"),
            ("due_from=2026-03-16&due_to=2026-03-17".to_owned(), "bc"),
            ("overdue=true".to_owned(), "a"),
            ("q=grosse+klaren".to_owned(), ""),
            ("q=GROESSE".to_owned(), "d"),
        ] {
            let listed = adviser.get(&format!("/tasks?{filter}")).await.expect(200);
            let found: String =
                listed.items().iter().map(|task| task["title"].as_str().unwrap()).collect();
            assert_eq!(found, titles, "{filter}");
        }
        // What another carrier has to do about the organisation is theirs.
        let other = app.log_in("other").await;
        let theirs = json!({"title": "x", "due_on": "2026-03-15", "organisation_id": id});
        other.post("/tasks", &theirs).await.expect(201);
        for (session, total) in [(&adviser, 2), (&other, 1)] {
            let about_it = format!("/tasks?organisation_id={id}&total=true");
            assert_eq!(session.get(&about_it).await.expect(200).body["total"], total);
        }
        // Page by page in each order: all of them, once.
        for (sort, titles) in [
            ("due_on", "eabcd"),
            ("-due_on", "dcbae"),
            ("created_at", "abcde"),
            ("-created_at", "edcba"),
        ] {
            let mut found = String::new();
            let mut next = format!("/tasks?sort={sort}&limit=2");
            loop {
                let page = adviser.get(&next).await.expect(200);
                found.extend(page.items().iter().map(|task| task["title"].as_str().unwrap()));
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                next = format!("/tasks?sort={sort}&limit=2&cursor={cursor}");
            }
            assert_eq!(found, titles, "{sort}");
        }
        // Due today is not overdue; a day later it is, on the network's calendar.
        app.advance(TimeDelta::hours(14));
        let adviser = app.log_in("adviser").await;
        let late = adviser.get("/tasks?overdue=true").await.expect(200);
        assert_eq!(late.items().len(), 2);
        for wrong in ["sort=title", "owner_id=7", "due_from=2026-02-30", "status=late"] {
            adviser.get(&format!("/tasks?{wrong}")).await.problem(400, "malformed_query");
        }
    });
}

#[test]
fn everything_of_who_leaves_goes_to_somebody_else() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, other) = (app.log_in("manager").await, app.log_in("other").await);
        let (me, them) = (adviser.id().await, colleague.id().await);
        let company = adviser.company("Übergabe GmbH", &json!({})).await["id"].clone();
        let actor = adviser.actor("Kammer", "other").await["id"].clone();
        let owned = create(&adviser, &json!({"deputy_id": them})).await;
        let far = create(&adviser, &json!({"due_on": "2027-01-01"})).await;
        let about = create(&adviser, &json!({"organisation_id": company})).await;
        let stands_in =
            create(&adviser, &json!({"owner_id": manager.id().await, "deputy_id": me})).await;
        let for_them = create(&adviser, &json!({"owner_id": them, "deputy_id": me})).await;
        let done = create(&adviser, &json!({})).await;
        act(&adviser, &done, "complete", &json!({})).await.expect(200);
        let referral = json!({"organisation_id": company, "actor_id": actor});
        let referral = crate::referral::create(&adviser, &referral).await;
        let foreign = create(&other, &json!({})).await;

        let wish = |more: &Value| body(&json!({"from_user_id": me, "to_user_id": them}), more);
        let to = "/tasks/reassign";
        for session in [&adviser, &app.log_in("admin").await] {
            session.post(to, &wish(&json!({}))).await.problem(403, "forbidden");
        }
        let stranger = other.id().await;
        for (more, pointer, code) in [
            (json!({"from_user_id": stranger}), "/from_user_id", "unknown"),
            (json!({"from_user_id": NOWHERE}), "/from_user_id", "unknown"),
            (json!({"to_user_id": stranger}), "/to_user_id", "not_an_adviser"),
            (json!({"to_user_id": me}), "/to_user_id", "same_user"),
            (json!({"due_from": "2026-05-01", "due_to": "2026-04-01"}), "/due_to", "before_start"),
        ] {
            manager.post(to, &wish(&more)).await.violates(pointer, code);
        }

        // The adviser is gone, and what is due this year goes first.
        let suspend = json!({"status": "suspended"});
        let admin = app.log_in("admin").await;
        admin.patch(&format!("/users/{me}"), 1, &suspend).await.expect(200);
        let some = wish(&json!({"organisation_id": company}));
        let some = manager.post(to, &some).await.expect(200).body;
        assert_eq!(some, json!({"reassigned": 2, "tasks": 1, "stand_ins": 0, "referrals": 1}));
        let this_year = wish(&json!({"due_to": "2026-12-31"}));
        let key = [("Idempotency-Key", "twice")];
        for _ in 0..2 {
            let answer = manager.post_with(to, &key, &this_year).await.expect(200).body;
            assert_eq!(
                answer,
                json!({"reassigned": 3, "tasks": 1, "stand_ins": 2, "referrals": 0})
            );
        }
        let read = async |task: &Value| manager.get(&path(task)).await.expect(200).body;
        let people = async |task: &Value| {
            let task = read(task).await;
            (task["owner"]["id"].clone(), task["deputy"]["id"].clone(), task["version"].clone())
        };
        let boss = manager.id().await;
        assert_eq!(people(&owned).await, (json!(them), json!(null), json!(2)), "not for himself");
        assert_eq!(people(&stands_in).await, (json!(boss), json!(them), json!(2)));
        assert_eq!(people(&for_them).await, (json!(them), json!(null), json!(2)));
        assert_eq!(people(&about).await, (json!(them), json!(null), json!(2)));
        assert_eq!(people(&far).await, (json!(me), json!(null), json!(1)));
        assert_eq!(people(&done).await, (json!(me), json!(null), json!(2)), "that was his");
        assert_eq!(other.get(&path(&foreign)).await.expect(200).body, foreign);
        let referral = format!("/referrals/{}", referral["id"].as_str().unwrap());
        assert_eq!(manager.get(&referral).await.expect(200).body["owner"]["id"], json!(them));

        let history = manager.get(&format!("{}/history", path(&owned))).await.expect(200);
        let latest = &history.items()[0];
        assert_eq!((&latest["by"]["id"], &latest["action"]), (&json!(boss), &json!("changed")));
        let fields: Vec<_> =
            latest["changes"].as_array().unwrap().iter().map(|c| c["field"].clone()).collect();
        assert_eq!(fields, ["deputy", "owner"]);
        let rest = manager.post(to, &wish(&json!({}))).await.expect(200).body;
        assert_eq!(rest["reassigned"], 1);
        assert_eq!(manager.post(to, &wish(&json!({}))).await.expect(200).body["reassigned"], 0);
    });
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

#[test]
fn more_tasks_than_are_read_at_once_are_handed_over() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let task = create(&adviser, &json!({})).await;
        let them = app.log_in("colleague").await.id().await;
        // Copies behind the server's back: a thousand requests would take a while.
        let (id, numbers) = match app.backend {
            SQLITE => (
                "randomblob(16)",
                "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) \
                 SELECT i FROM n)",
            ),
            POSTGRES => ("gen_random_uuid()", "(SELECT generate_series(1, 1100) AS i)"),
        };
        let columns = "carrier_id, title, search_text, due_on, owner_id, priority, status, \
                       recorded_by, created_at, updated_at";
        let sql = format!(
            "INSERT INTO tasks (id, version, {columns}) \
             SELECT {id}, 1 + i % 3, {columns} FROM tasks, {numbers} AS copies"
        );
        // SQLite tells of rows only.
        let counting = "CREATE SEQUENCE statements;
            CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM nextval('statements'); RETURN NULL; END $$;
            CREATE TRIGGER statements AFTER UPDATE ON tasks
                FOR EACH STATEMENT EXECUTE FUNCTION count_statement();";
        match app.connect() {
            Conn::Sqlite(mut conn) => conn.batch_execute(&sql),
            Conn::Postgres(mut conn) => conn.batch_execute(&format!("{sql}; {counting}")),
        }
        .unwrap();
        let wish = json!({"from_user_id": adviser.id().await, "to_user_id": them});
        // Two at once: each is handed over once.
        let (one, two) = tokio::join!(
            manager.post("/tasks/reassign", &wish),
            manager.post("/tasks/reassign", &wish)
        );
        let count = |answer: Answer| answer.expect(200).body["reassigned"].as_i64().unwrap();
        assert_eq!(count(one) + count(two), 1101);
        // More entries of the audit log than go into one statement.
        let noted = "SELECT 'changed' AS line FROM audit_log \
            WHERE entity_kind = 'task' AND action = 'changed'";
        assert_eq!(lines(&mut app.connect(), noted).len(), 1101);
        if app.backend == POSTGRES {
            let counted = diesel::sql_query("SELECT last_value AS number FROM statements");
            let counted: Number = counted.get_result(&mut app.connect()).unwrap();
            // Three versions in each 200 tasks, and some more where the two met.
            assert!(counted.number < 200, "{} statements", counted.number);
        }
        let left = format!("/tasks?total=true&owner_id={}", adviser.id().await);
        assert_eq!(manager.get(&left).await.expect(200).body["total"], 0);
        let history = format!("{}/history?total=true", path(&task));
        assert_eq!(manager.get(&history).await.expect(200).body["total"], 2);
    });
}

#[test]
fn a_double_click_records_one_task_and_of_two_changes_one_wins() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let task = json!({"title": "Einmal", "due_on": "2026-04-01"});
        let key = [("Idempotency-Key", "double-click")];
        let (one, two) = tokio::join!(
            adviser.post_with("/tasks", &key, &task),
            adviser.post_with("/tasks", &key, &task)
        );
        let (one, two) = (one.expect(201).body, two.expect(201).body);
        assert_eq!(one, two);
        let (nothing, reason) = (json!({}), json!({"reason": "x"}));
        let (first, second) = tokio::join!(
            act(&adviser, &one, "complete", &nothing),
            act(&adviser, &one, "cancel", &reason)
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        let none = send(adviser.request(Method::DELETE, &path(&one))).await;
        none.problem(405, "method_not_allowed");
    });
}
