//! The topics, countries and occupations that figures are counted from are kept on the record by the database.

use diesel::connection::SimpleConnection;
use lotse_persistence::{Backend, migrations};
use serde_json::json;

use crate::harness::{TestApp, both, lines};

/// The topics on the records, sorted; and those that differ from the list of the record.
fn on_records(app: &TestApp) -> (Vec<String>, Vec<String>) {
    let mut conn = app.connect();
    let list = match conn.backend() {
        Backend::Sqlite => "group_concat(t.code, ',')",
        Backend::Postgres => "string_agg(t.code, ',' ORDER BY ct.position)",
    };
    let kept = lines(&mut conn, "SELECT topic_codes AS line FROM consultations ORDER BY 1");
    let wrong = format!(
        "SELECT c.topic_codes AS line FROM consultations c WHERE c.topic_codes <> coalesce(( \
             SELECT {list} FROM consultation_topics ct JOIN topics t ON t.id = ct.topic_id \
             WHERE ct.consultation_id = c.id \
         ), '')"
    );
    (kept, lines(&mut conn, &wrong))
}

#[test]
fn the_topics_on_a_record_are_those_of_its_list() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let kept = |expected: &[&str]| {
            let (kept, wrong) = on_records(&app);
            assert_eq!(
                (kept, wrong),
                (expected.iter().map(|it| (*it).to_owned()).collect(), vec![])
            );
        };
        let one = app.consultation(&adviser, &json!({"topics": ["fast_track", "blue_card"]})).await;
        let one = adviser.post("/consultations", &one).await.expect(201).body;
        let two = app.consultation(&adviser, &json!({"topics": ["blue_card"]})).await;
        adviser.post("/consultations", &two).await.expect(201);
        kept(&["blue_card", "fast_track,blue_card"]);

        let path = format!("/consultations/{}", one["id"].as_str().unwrap());
        let change = json!({"topics": ["language", "fast_track", "blue_card"]});
        adviser.patch(&path, 1, &change).await.expect(200);
        kept(&["blue_card", "language,fast_track,blue_card"]);
        adviser.patch(&path, 2, &json!({"topics": ["language"], "minutes": 50})).await.expect(200);
        kept(&["blue_card", "language"]);

        // Whatever writes to the tables.
        let sql = |sql: &str| app.connect().batch_execute(sql).unwrap();
        let of_two = "(SELECT consultation_id FROM consultation_topics ct \
            JOIN topics t ON t.id = ct.topic_id WHERE t.code = 'blue_card')";
        sql(&format!(
            "INSERT INTO consultation_topics (consultation_id, position, topic_id) \
             SELECT {of_two}, 1, id FROM topics WHERE code = 'fast_track'"
        ));
        kept(&["blue_card,fast_track", "language"]);
        sql(
            "UPDATE consultation_topics SET topic_id = (SELECT id FROM topics WHERE code = 'regulated') \
             WHERE topic_id = (SELECT id FROM topics WHERE code = 'language')",
        );
        kept(&["blue_card,fast_track", "regulated"]);
        sql("UPDATE topics SET code = 'blue_card_2' WHERE code = 'blue_card'");
        kept(&["blue_card_2,fast_track", "regulated"]);
        sql("DELETE FROM consultation_topics WHERE position = 1");
        kept(&["blue_card_2", "regulated"]);
        sql("DELETE FROM consultation_topics");
        kept(&["", ""]);
    });
}

/// What stands on the records of countries and occupations, sorted.
fn kept_beside(app: &TestApp) -> Vec<String> {
    let sql = "SELECT coalesce(country_codes, '-') || ' ' || coalesce(occupation_groups, '-') AS line \
        FROM consultations";
    let mut kept = lines(&mut app.connect(), sql);
    kept.sort();
    kept
}

#[test]
fn countries_and_groups_of_occupations_stand_on_the_record_once_each() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let occupations = json!([{"code": "26302"}, {"code": "43414"}, {"code": "26312"}]);
        let more = json!({"countries": ["VN", "IN"], "occupations": occupations});
        let one = app.consultation(&adviser, &more).await;
        let one = adviser.post("/consultations", &one).await.expect(201).body;
        let two = app.consultation(&adviser, &json!({})).await;
        adviser.post("/consultations", &two).await.expect(201);
        assert_eq!(kept_beside(&app), ["- -", "IN,VN 26,43"]);

        let path = format!("/consultations/{}", one["id"].as_str().unwrap());
        adviser.patch(&path, 1, &json!({"countries": ["IN"]})).await.expect(200);
        assert_eq!(kept_beside(&app), ["- -", "IN 26,43"]);
        let change = json!({"countries": [], "occupations": [{"code": "81302"}]});
        adviser.patch(&path, 2, &change).await.expect(200);
        assert_eq!(kept_beside(&app), ["- -", "- 81"]);

        // A database from before the step says the same after it.
        let mut conn = app.connect();
        migrations::revert_after(&mut conn, "2026-01-01-000061_bulk_changes").unwrap();
        migrations::run(&mut conn).unwrap();
        assert_eq!(kept_beside(&app), ["- -", "- 81"]);
        adviser.patch(&path, 3, &json!({"countries": ["PH"]})).await.expect(200);
        assert_eq!(kept_beside(&app), ["- -", "PH 81"]);
    });
}

#[test]
fn records_from_before_get_theirs_with_the_step() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let one = app.consultation(&adviser, &json!({"topics": ["fast_track", "blue_card"]})).await;
        adviser.post("/consultations", &one).await.expect(201);
        let mut conn = app.connect();
        migrations::revert_after(&mut conn, "2026-01-01-000051_postcodes").unwrap();
        migrations::run(&mut conn).unwrap();
        let (kept, wrong) = on_records(&app);
        assert_eq!((kept, wrong), (vec!["fast_track,blue_card".to_owned()], vec![]));
    });
}
