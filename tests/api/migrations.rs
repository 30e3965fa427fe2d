//! The same steps under the same names on both databases, each with a working down.

use diesel::Connection;
use diesel::connection::SimpleConnection;
use lotse_persistence::migrations;
use serde_json::json;

use crate::harness::{POSTGRES, both, lines};

#[test]
fn both_folders_hold_the_same_steps() {
    let names = |folder: &str| {
        let path = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> =
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn every_step_goes_down_and_up_again() {
    both(async |app| {
        let mut conn = app.connect();
        let steps = migrations::status(&mut conn).unwrap();
        assert!(!steps.is_empty() && steps.iter().all(|step| step.applied), "{steps:?}");
        assert!(migrations::is_current(&mut conn).unwrap());

        migrations::redo(&mut conn).unwrap();
        assert!(migrations::is_current(&mut conn).unwrap());

        migrations::revert_all(&mut conn).unwrap();
        let steps = migrations::status(&mut conn).unwrap();
        assert!(steps.iter().all(|step| !step.applied), "{steps:?}");
        assert_eq!(migrations::run(&mut conn).unwrap().len(), steps.len());
        assert!(migrations::run(&mut conn).unwrap().is_empty(), "a second run has nothing to do");
    });
}

#[test]
fn a_server_without_its_migrations_is_not_ready() {
    both(async |app| {
        let ready = async || {
            let url = format!("{}/health/ready", app.base);
            app.client().get(url).send().await.unwrap().status().as_u16()
        };
        assert_eq!(ready().await, 200);
        migrations::revert_all(&mut app.connect()).unwrap();
        assert_eq!(ready().await, 503);
        let live = app.client().get(format!("{}/health/live", app.base)).send().await.unwrap();
        assert_eq!(live.status(), 200);
    });
}

#[test]
fn series_of_events_keep_their_events_while_their_names_are_freed() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let series = json!({"name": "Fachtag"});
            let series = adviser.post("/event-series", &series).await.expect(201).id();
            let event = app.event(&adviser, &json!({"series_id": series})).await;
            let event = adviser.post("/events", &event).await.expect(201).body;
            seen.push(format!("/events/{}", event["id"].as_str().unwrap()));
            let archive = format!("/event-series/{series}/archive");
            let reason = json!({"reason": "Ersetzt"});
            adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        }
        let folder = if app.backend == POSTGRES { "postgres" } else { "sqlite" };
        let mut conn = app.connect();
        if app.backend != POSTGRES {
            conn.batch_execute("PRAGMA foreign_keys = ON").unwrap();
        }
        for step in ["down", "up"] {
            let path = format!(
                "{}/../migrations/{folder}/2026-01-01-000024_event_series_names/{step}.sql",
                env!("CARGO_MANIFEST_DIR")
            );
            let sql = std::fs::read_to_string(path).unwrap();
            conn.transaction(|conn| conn.batch_execute(&sql)).unwrap();
            for path in &seen {
                assert_eq!(adviser.get(path).await.expect(200).body["series"]["name"], "Fachtag");
            }
        }
    });
}

const LAST_CONTACTS: &str = "SELECT CAST(held_on AS TEXT) || ' ' || l.name || ' ' || u.name AS line \
     FROM (SELECT c.*, o.name FROM last_contacts c JOIN organisations o ON o.id = c.organisation_id) l \
     JOIN users u ON u.id = l.adviser_id ORDER BY 1";
const ABOUT: &str = "SELECT o.name AS line FROM tasks t \
     LEFT JOIN organisations o ON o.id = t.about_organisation_id ORDER BY t.title";

#[test]
fn what_is_kept_beside_the_records_is_put_right_by_an_upgrade() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        for name in ["A GmbH", "B GmbH"] {
            let company = adviser.company(name, &json!({})).await;
            let held = app.consultation(&adviser, &json!({"organisation_id": company["id"]})).await;
            let held = adviser.post("/consultations", &held).await.expect(201).id();
            crate::task::create(&adviser, &json!({"consultation_id": held, "title": name})).await;
        }
        crate::task::create(&adviser, &json!({"title": "C"})).await;
        let mut conn = app.connect();
        let (contacts, about) = (lines(&mut conn, LAST_CONTACTS), lines(&mut conn, ABOUT));
        assert_eq!((contacts.len(), about.len()), (2, 2));
        let steps = migrations::status(&mut conn).unwrap();
        migrations::revert_after(&mut conn, &steps[steps.len() - 2].name).unwrap();
        // What a server of an older version writes or leaves out.
        for left in [
            "DELETE FROM last_contacts; UPDATE tasks SET about_organisation_id = NULL",
            "UPDATE last_contacts SET held_on = '2020-01-01'; UPDATE tasks SET about_organisation_id = \
             (SELECT organisation_id FROM last_contacts ORDER BY organisation_id LIMIT 1)",
            "UPDATE consultations SET status = 'no_show'",
        ] {
            conn.batch_execute(left).unwrap();
            assert_eq!(migrations::run(&mut conn).unwrap().len(), 1);
            let kept = lines(&mut conn, LAST_CONTACTS);
            if left.starts_with("UPDATE consultations") {
                assert_eq!(kept, Vec::<String>::new(), "nobody was there");
            } else {
                assert_eq!(kept, contacts, "{left}");
            }
            assert_eq!(lines(&mut conn, ABOUT), about, "{left}");
            migrations::revert_after(&mut conn, &steps[steps.len() - 2].name).unwrap();
        }
    });
}

/// Consultations as the version of step 21 had them, brought up again.
#[test]
fn an_upgrade_keeps_what_is_read_of_the_records() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let tag = adviser.post("/tags", &json!({"name": "Messe"})).await.expect(201).id();
        for (session, name) in [(&adviser, "A GmbH"), (&adviser, "B GmbH"), (&other, "A GmbH")] {
            let company = session.company(name, &json!({})).await;
            for (day, status, code) in [
                ("2026-01-12", "held", "26302"),
                ("2026-02-12", "held", "263"),
                ("2026-03-12", "cancelled", "81"),
            ] {
                let more = json!({"organisation_id": company["id"], "held_on": day, "status": status,
                    "countries": ["MA", "XK"], "occupations": [{"code": code}, {"code": "26"}]});
                let input = app.consultation(session, &more).await;
                let logged = session.post("/consultations", &input).await.expect(201).id();
                if name == "B GmbH" {
                    let tags = json!({"tag_ids": [tag]});
                    let path = format!("/consultations/{logged}/tags");
                    let put = session.request(reqwest::Method::PUT, &path).json(&tags);
                    crate::harness::send(put).await.expect(200);
                }
            }
        }
        let kept = [
            LAST_CONTACTS,
            "SELECT CAST(c.held_on AS TEXT) || ' ' || n.code AS line FROM consultation_countries n \
             JOIN consultations c ON c.id = n.consultation_id ORDER BY 1",
            "SELECT CAST(c.held_on AS TEXT) || ' ' || n.code AS line FROM consultation_occupations n \
             JOIN consultations c ON c.id = n.consultation_id ORDER BY 1",
            "SELECT CAST(c.held_on AS TEXT) || ' ' || t.name || ' ' || r.code AS line \
             FROM consultation_tags n JOIN consultations c ON c.id = n.consultation_id \
             JOIN tags t ON t.id = n.tag_id JOIN carriers r ON r.id = n.carrier_id ORDER BY 1",
        ];
        let mut conn = app.connect();
        let before = kept.map(|query| lines(&mut conn, query));
        assert_eq!(before.each_ref().map(Vec::len), [3, 18, 36, 3]);
        migrations::revert_after(&mut conn, "2026-01-01-000021_consultation_details").unwrap();
        let steps = migrations::status(&mut conn).unwrap();
        assert_eq!(steps.iter().filter(|step| step.applied).count(), 21);
        migrations::run(&mut conn).unwrap();
        assert_eq!(kept.map(|query| lines(&mut conn, query)), before);
    });
}
