//! Programme templates: versions that are drafts, published, retired; what ships with the program.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::harness::{Answer, Session, both, redacted};

/// The 100 days, as they ship.
pub const HUNDRED_DAYS: &str = "01890000-0000-7000-8000-000000000601";

/// A template of three days in one phase.
pub fn short(code: &str) -> Value {
    json!({
        "use": "accompaniment", "code": code,
        "label_de": "Kurzbegleitung", "label_en": "Short programme",
        "duration_days": 3, "max_pause_days": 2,
        "phases": [{
            "code": "all", "label_de": "Alles", "label_en": "All", "from_day": 1, "to_day": 3,
            "steps": [{
                "code": "kick_off", "title_de": "Auftakt", "title_en": "Kick-off",
                "owner": "lead_adviser", "mandatory": true, "limit": "own",
                "due": {"anchor": "start", "offset": 0, "unit": "calendar_days"}
            }]
        }]
    })
}

fn path(template: &Value) -> String {
    format!("/programme-templates/{}", template["id"].as_str().unwrap())
}

async fn act(session: &Session, template: &Value, what: &str) -> Answer {
    let version = format!("\"{}\"", template["version"]);
    let path = format!("{}/{what}", path(template));
    session.post_with(&path, &[("If-Match", &version)], &json!({})).await
}

/// A draft of the short programme.
pub async fn draft(admin: &Session, code: &str) -> Value {
    admin.post("/programme-templates", &short(code)).await.expect(201).body
}

/// It published.
pub async fn published(admin: &Session, code: &str) -> Value {
    act(admin, &draft(admin, code).await, "publish").await.expect(200).body
}

fn states(list: &Answer) -> Vec<(i64, String)> {
    let state = |version: &Value| {
        let status = version["status"].as_str().unwrap().to_owned();
        (version["version_number"].as_i64().unwrap(), status)
    };
    list.items().iter().map(state).collect()
}

#[test]
fn templates_ship_with_the_program() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let all = adviser.get("/programme-templates?total=true").await.expect(200);
        let codes: Vec<_> = all.items().iter().map(|it| it["code"].as_str().unwrap()).collect();
        assert_eq!(
            codes,
            ["fast_track", "fast_track", "hundred_days", "regular_visa", "regular_visa"]
        );
        assert_eq!(all.body["total"], 5);
        let published = adviser.get("/programme-templates?status=published").await.expect(200);
        assert_eq!(published.items().len(), 3, "one of each code");
        let found = adviser.get(&format!("/programme-templates/{HUNDRED_DAYS}")).await.expect(200);
        assert_eq!(found.body["status"], "published");
        assert_eq!(found.body["published"]["by"], json!(null), "it was there before anybody");
        assert_eq!(
            (&found.body["duration_days"], &found.body["max_pause_days"]),
            (&json!(100), &json!(60))
        );
        let cases = adviser.get("/programme-templates?use=recruitment_case").await.expect(200);
        assert_eq!(cases.items().len(), 4);
        let fast = adviser.get("/programme-templates?code=fast_track").await.expect(200);
        assert_eq!(states(&fast), [(1, "retired".to_owned()), (2, "published".to_owned())]);
        assert_eq!(fast.items()[0]["retired"]["by"], json!(null), "the program replaced it");
        // A second start adds nothing, also where a version was retired since.
        let admin = app.log_in("admin").await;
        act(&admin, &found.body, "retire").await.expect(200);
        lotse_persistence::migrations::run(&mut app.connect()).unwrap();
        let all = adviser.get("/programme-templates?code=hundred_days").await.expect(200);
        assert_eq!(states(&all), [(1, "retired".to_owned())]);
    });
}

#[test]
fn an_installation_gets_the_versions_that_it_lacks() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        // As it was before the second version shipped.
        let as_before = "DELETE FROM programme_templates WHERE code = 'fast_track' AND version_number > 1;
            UPDATE programme_templates SET status = 'published', retired_at = NULL, retired_by = NULL
            WHERE code = 'fast_track'";
        let list = async || {
            let found = admin.get("/programme-templates?code=fast_track").await.expect(200);
            let mut found = states(&found);
            found.sort_unstable();
            found
        };
        let states = |states: &[&str]| -> Vec<(i64, String)> {
            (1..).zip(states.iter().map(|state| (*state).to_owned())).collect()
        };
        app.connect().batch_execute(as_before).unwrap();
        assert_eq!(list().await, states(&["published"]));
        lotse_persistence::migrations::run(&mut app.connect()).unwrap();
        assert_eq!(list().await, states(&["retired", "published"]));

        // Somebody's own version goes on being the one that is used.
        app.connect().batch_execute(as_before).unwrap();
        let found = admin.get("/programme-templates?code=fast_track").await.expect(200);
        let mut own = found.items()[0].clone();
        for added in [
            "id",
            "version_number",
            "status",
            "published",
            "retired",
            "version",
            "created_at",
            "updated_at",
        ] {
            own.as_object_mut().unwrap().remove(added);
        }
        let own = admin.post("/programme-templates", &own).await.expect(201).body;
        act(&admin, &own, "publish").await.expect(200);
        lotse_persistence::migrations::run(&mut app.connect()).unwrap();
        assert_eq!(list().await, states(&["retired", "published", "retired"]));
    });
}

#[test]
fn a_version_is_drafted_published_and_replaced() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let draft = admin.post("/programme-templates", &short("short")).await.expect(201);
        insta::assert_snapshot!("programme_template", redacted(&draft.body));
        assert_eq!(draft.header("location"), format!("/api/v1{}", path(&draft.body)));
        let read = admin.get(&path(&draft.body)).await.expect(200);
        assert_eq!(read.body, draft.body, "what is answered is what is stored");
        admin.post("/programme-templates", &short("short")).await.problem(409, "draft_exists");

        let label = json!({"label_de": "Drei Tage"});
        let changed = admin.patch(&path(&draft.body), 1, &label).await.expect(200).body;
        let code = json!({"code": "other"});
        admin.patch(&path(&draft.body), 2, &code).await.violates("/code", "immutable");
        act(&admin, &draft.body, "publish").await.problem(412, "stale");
        act(&admin, &changed, "retire").await.problem(409, "wrong_state");
        let first = act(&admin, &changed, "publish").await.expect(200).body;
        assert_eq!(first["published"]["by"]["name"], "Test admin");
        admin.patch(&path(&first), 3, &label).await.problem(409, "wrong_state");

        // What is exported is imported as it is, but for what the program adds.
        let mut next = admin.get(&path(&first)).await.expect(200).body;
        for added in [
            "id",
            "version_number",
            "status",
            "published",
            "retired",
            "version",
            "created_at",
            "updated_at",
        ] {
            next.as_object_mut().unwrap().remove(added);
        }
        let second = admin.post("/programme-templates", &next).await.expect(201).body;
        assert_eq!(second["version_number"], 2);
        let other_use = json!({"use": "recruitment_case"});
        let refused = admin.patch(&path(&second), 1, &other_use).await;
        refused.violates("/use", "immutable");
        act(&admin, &second, "publish").await.expect(200);
        let versions = admin.get("/programme-templates?code=short").await.expect(200);
        assert_eq!(states(&versions), [(1, "retired".to_owned()), (2, "published".to_owned())]);
        let history = admin.get(&format!("{}/history", path(&first))).await.expect(200);
        let actions: Vec<_> = history.items().iter().map(|entry| &entry["version"]).collect();
        assert_eq!(actions, [4, 3, 2, 1], "retired along with the publication of the next");
    });
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let step = |code: &str, after: &str| {
            json!({
                "code": code, "title_de": "Schritt", "title_en": "Step", "owner": "company",
                "mandatory": true, "limit": "own", "after": [after],
                "due": {"anchor": "step", "step": after, "offset": 1, "unit": "working_days"}
            })
        };
        let mut circle = short("circle");
        circle["phases"][0]["steps"] = json!([step("first", "second"), step("second", "first")]);
        let refused = admin.post("/programme-templates", &circle).await.problem(422, "invalid");
        let faults = refused.body["errors"].as_array().unwrap();
        assert!(faults.iter().any(|fault| fault["code"] == "cycle"), "{}", refused.text);
        let mut missing = short("missing");
        missing["phases"][0]["steps"][0]["after"] = json!(["nothing"]);
        admin
            .post("/programme-templates", &missing)
            .await
            .violates("/phases/0/steps/0/after/0", "unknown");
        let mut late = short("late");
        late["phases"][0]["steps"][0]["due"]["offset"] = json!(9);
        admin.post("/programme-templates", &late).await.problem(422, "invalid");
        let all = admin.get("/programme-templates?total=true").await.expect(200);
        assert_eq!(all.body["total"], 5, "nothing was written");
    });
}

#[test]
fn a_list_of_templates_pages_in_every_order() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        for code in ["aa", "zz", "mm"] {
            published(&admin, code).await;
            admin.post("/programme-templates", &short(code)).await.expect(201);
        }
        for sort in ["code", "-code", "created_at", "-created_at"] {
            let list = format!("/programme-templates?sort={sort}");
            let whole = admin.get(&list).await.expect(200);
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = admin.get(&format!("{list}&limit=2{cursor}")).await.expect(200);
                found.extend(page.items().clone());
                match page.body["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(found.len(), 11, "{sort}");
            assert_eq!(&found, whole.items(), "{sort}");
        }
        let drafts = admin.get("/programme-templates?status=draft&use=accompaniment").await;
        assert_eq!(drafts.expect(200).items().len(), 3);
    });
}

#[test]
fn of_drafts_and_publications_at_once_one_wins() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let mut waiting = Vec::new();
        for _ in 0..6 {
            let (admin, draft) = (admin.clone(), short("race"));
            waiting.push(tokio::spawn(
                async move { admin.post("/programme-templates", &draft).await },
            ));
        }
        let mut made = Vec::new();
        for answer in waiting {
            let answer = answer.await.unwrap();
            match answer.status {
                201 => made.push(answer.body),
                _ => drop(answer.problem(409, "draft_exists")),
            }
        }
        assert_eq!(made.len(), 1);
        let mut waiting = Vec::new();
        for _ in 0..6 {
            let (admin, draft) = (admin.clone(), made[0].clone());
            waiting.push(tokio::spawn(async move { act(&admin, &draft, "publish").await }));
        }
        let mut won = 0;
        for answer in waiting {
            let answer = answer.await.unwrap();
            match answer.status {
                200 => won += 1,
                _ => drop(answer.problem(412, "stale")),
            }
        }
        assert_eq!(won, 1);
    });
}
