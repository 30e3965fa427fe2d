//! A merge taken back: what came after stays, what was edited goes back as it is, what cannot is told.

use serde_json::{Value, json};

use crate::harness::{Session, both, district};
use crate::merge::{consultation, contact, id, merge, merged, now, preview, set_tags, undo};
use crate::tag::tag;

async fn organisation_of(session: &Session, list: &str, record: &Value) -> Value {
    let found = session.get(&format!("/{list}/{}", id(record))).await.expect(200).body;
    let of =
        if found["organisation"].is_null() { &found["company"] } else { &found["organisation"] };
    of["id"].clone()
}

/// Reference, reason and whether the record is named, of what could not be separated.
fn remainders(undone: &Value) -> Vec<(&str, &str, bool)> {
    let all = undone["undone"]["remainders"].as_array().unwrap().iter();
    let mut all: Vec<_> = all
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap();
            (text("reference"), text("reason"), it["record_id"].is_string())
        })
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn what_came_after_stays_and_what_was_edited_goes_back() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let manager = app.log_in("manager").await;
        let survivor = adviser.company("A GmbH", &json!({})).await;
        let more = json!({"website": "a.example", "size": {"staff": 12}, "vat_id": "DE100000008"});
        let double = adviser.company("A", &more).await;
        let third = adviser.company("B GmbH", &json!({})).await;
        let edited = consultation(&app, &adviser, &double, &json!({})).await;
        let reassigned = consultation(&app, &other, &double, &json!({})).await;
        let person = contact(&adviser, &double, "Cora Probstadt").await;
        let task = json!({"consultation_id": edited["id"]});
        let task = crate::task::create(&adviser, &task).await;
        let fair = tag(&adviser, "Messe").await;
        set_tags(&adviser, &double, &[&fair]).await;

        let done = merged(&manager, &survivor, &double, &json!({})).await;
        let change = async |session: &Session, record: &Value, changes: &Value| {
            let path = format!("/consultations/{}", id(record));
            session.patch(&path, 2, changes).await.expect(200);
        };
        change(&adviser, &edited, &json!({"minutes": 90})).await;
        change(&other, &reassigned, &json!({"organisation_id": third["id"]})).await;
        set_tags(&adviser, &survivor, &[]).await;
        let new = consultation(&app, &adviser, &survivor, &json!({})).await;
        let naming = json!({"contact_ids": [person["id"]]});
        let naming = consultation(&app, &adviser, &survivor, &naming).await;
        let website = json!({"website": "neu.example"});
        adviser.patch(&format!("/companies/{}", id(&survivor)), 2, &website).await.expect(200);

        let undone = undo(&manager, &done).await.expect(200).body;
        assert_eq!(
            remainders(&undone),
            [
                // Of another carrier.
                ("consultation", "belongs_elsewhere", false),
                ("consultation", "names_the_other", true),
                ("field", "changed_since", true),
                ("tag", "gone", true),
            ]
        );
        let double_id = &double["id"];
        assert_eq!(organisation_of(&adviser, "consultations", &edited).await, *double_id);
        let minutes = adviser.get(&format!("/consultations/{}", id(&edited))).await.body;
        assert_eq!(minutes["minutes"], 90, "edited it stays");
        assert_eq!(organisation_of(&other, "consultations", &reassigned).await, third["id"]);
        assert_eq!(organisation_of(&adviser, "contacts", &person).await, *double_id);
        assert_eq!(organisation_of(&adviser, "tasks", &task).await, *double_id);
        for later in [&new, &naming] {
            assert_eq!(organisation_of(&adviser, "consultations", later).await, survivor["id"]);
        }
        let kept = now(&adviser, &survivor).await;
        assert_eq!(kept["website"], "https://neu.example");
        assert_eq!((&kept["size"], &kept["vat_id"]), (&Value::Null, &Value::Null));
        let back = now(&adviser, &double).await;
        assert_eq!((&back["archived"], &back["version"]), (&Value::Null, &json!(3)));
        assert_eq!(back["website"], "https://a.example");

        // Who undid it, and once is enough.
        let history = format!("/companies/{}/history", id(&double));
        assert_eq!(adviser.get(&history).await.items()[0]["action"], "unmerged");
        let theirs = other.get(&format!("/merges/{}", id(&done))).await.expect(200).body;
        let named = theirs["undone"]["remainders"].as_array().unwrap().iter();
        let named = named.filter(|it| it["record_id"].is_string() && !it["carrier"].is_null());
        assert_eq!(named.count(), 1, "the other carrier sees its own");
        undo(&manager, &undone).await.problem(409, "undone");
        undo(&manager, &done).await.problem(412, "stale");
        let refused = undo(&adviser, &undone).await;
        refused.problem(403, "forbidden");

        // It can be done again.
        let survivor = now(&adviser, &survivor).await;
        merged(&manager, &survivor, &now(&adviser, &double).await, &json!({})).await;
    });
}

#[test]
fn the_last_merge_is_undone_first() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let other_manager = app.log_in("other.manager").await;
        let [a, b, c] = [
            adviser.company("A GmbH", &json!({})).await,
            adviser.company("B GmbH", &json!({})).await,
            adviser.company("C GmbH", &json!({})).await,
        ];
        let logged = consultation(&app, &adviser, &b, &json!({})).await;
        let first = merged(&manager, &a, &b, &json!({})).await;
        let a = now(&adviser, &a).await;
        let second = merged(&other_manager, &c, &a, &json!({})).await;
        let refused = undo(&manager, &first).await.problem(409, "merged_since");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(id(&second)) && detail.contains("C GmbH"), "{detail}");
        assert_eq!(organisation_of(&adviser, "consultations", &logged).await, c["id"]);
        // Any manager undoes it, whoever merged.
        undo(&manager, &second).await.expect(200);
        assert_eq!(organisation_of(&adviser, "consultations", &logged).await, a["id"]);

        // Also of two that the same survivor took in.
        let a = now(&adviser, &a).await;
        let d = adviser.company("D GmbH", &json!({})).await;
        let third = merged(&manager, &a, &d, &json!({})).await;
        undo(&manager, &first).await.problem(409, "merged_since");
        undo(&manager, &third).await.expect(200);
        undo(&manager, &first).await.expect(200);
        assert_eq!(organisation_of(&adviser, "consultations", &logged).await, b["id"]);
    });
}

#[test]
fn what_was_filled_in_is_not_known_again() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let survivor = adviser.company("A GmbH", &json!({})).await;
        let known = json!({"district_id": district("06412"), "size": {"staff": 300},
            "industry": {"classification": "wz2008", "code": "25"}});
        let double = adviser.company("A", &known).await;
        let of_survivor = consultation(&app, &adviser, &survivor, &json!({})).await;
        let of_double = consultation(&app, &adviser, &double, &json!({})).await;
        let by_class = async || {
            let path = format!(
                "/statistics?funding_period_id={}&group_by=size_class,district",
                crate::harness::PERIOD_2026
            );
            adviser.get(&path).await.expect(200).body["groups"].clone()
        };
        let path = |record: &Value| format!("/consultations/{}", id(record));
        let before =
            (by_class().await, adviser.get(&path(&of_survivor)).await.body["district"].clone());
        assert_eq!(before.1, Value::Null);
        let done = merged(&manager, &survivor, &double, &json!({})).await;
        let filled = adviser.get(&path(&of_survivor)).await.expect(200).body;
        assert_eq!(filled["district"]["id"], district("06412"));
        assert_eq!(by_class().await.as_array().unwrap().len(), 1, "one class, one district");
        let undone = undo(&manager, &done).await.expect(200).body;
        assert_eq!(remainders(&undone), []);
        let after =
            (by_class().await, adviser.get(&path(&of_survivor)).await.body["district"].clone());
        assert_eq!(after, before);
        let history = adviser.get(&format!("{}/history", path(&of_survivor))).await.expect(200);
        assert_eq!(history.items()[0]["action"], "unmerged");
        assert_eq!(history.items()[0]["changes"][0]["field"], "district");
        let kept = adviser.get(&path(&of_double)).await.expect(200).body;
        assert_eq!(kept["district"]["id"], district("06412"));
    });
}

#[test]
fn an_archived_survivor_gives_back_what_it_took() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let survivor = adviser.company("A GmbH", &json!({})).await;
        let double = adviser.company("A", &json!({"website": "a.example"})).await;
        let logged = consultation(&app, &adviser, &double, &json!({})).await;
        let done = merged(&manager, &survivor, &double, &json!({})).await;
        let path = format!("/companies/{}/archive", id(&survivor));
        let reason = json!({"reason": "Geschlossen"});
        adviser.post_with(&path, &[("If-Match", "\"2\"")], &reason).await.expect(200);
        undo(&manager, &done).await.expect(200);
        assert_eq!(organisation_of(&adviser, "consultations", &logged).await, double["id"]);
        let kept = now(&adviser, &survivor).await;
        assert_eq!(kept["archived"]["reason"], "Geschlossen");
        assert_eq!(kept["website"], Value::Null);
        // Nothing is merged into what is archived.
        let back = now(&adviser, &double).await;
        preview(&manager, &kept, &back, &json!({})).await.expect(200);
        merge(&manager, &kept, &back, &json!({})).await.problem(409, "archived");
    });
}
