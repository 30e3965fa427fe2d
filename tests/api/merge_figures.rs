//! Figures, reports and corrections after a merge.

use serde_json::{Value, json};

use crate::harness::{PERIOD_2019, PERIOD_2026, both};
use crate::merge::{consultation, id, merged, undo};

#[test]
fn figures_count_the_survivor_once_and_frozen_reports_stay() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let survivor = adviser.company("A GmbH", &json!({"size": {"staff": 300}})).await;
        let double = adviser.company("A", &json!({"size": {"staff": 8, "turnover_eur": 9}})).await;
        let first =
            consultation(&app, &adviser, &survivor, &json!({"held_on": "2026-02-01"})).await;
        let moved = consultation(&app, &adviser, &double, &json!({"held_on": "2026-01-15"})).await;
        let closed = json!({"organisation_id": double["id"]});
        let closed = crate::correction::record(&app, &adviser, &closed).await;
        let report = crate::report::submitted(&manager, &json!({})).await;
        let old_report = json!({"funding_period_id": PERIOD_2019});
        let old_report = crate::report::submitted(&manager, &old_report).await;
        let figure = async |period: &str, name: &str| {
            let path = format!("/statistics?funding_period_id={period}&group_by=size_class");
            let figures = adviser.get(&path).await.expect(200).body;
            (figures["totals"][name].as_i64().unwrap(), figures["groups"].clone())
        };
        let (organisations, by_class) = figure(PERIOD_2026, "organisations").await;
        assert_eq!(organisations, 2);
        let (_, closed_by_class) = figure(PERIOD_2019, "organisations").await;
        app.advance(chrono::TimeDelta::minutes(1));

        merged(&manager, &survivor, &double, &json!({})).await;
        let (organisations, after) = figure(PERIOD_2026, "organisations").await;
        assert_eq!(organisations, 1, "open periods are restated");
        let consultations = |groups: &Value| {
            let groups = groups.as_array().unwrap().iter();
            groups
                .map(|group| (group["key"].clone(), group["consultations"].clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            consultations(&after),
            consultations(&by_class),
            "what it was when it was advised"
        );
        let (organisations, closed_after) = figure(PERIOD_2019, "organisations").await;
        assert_eq!(organisations, 1);
        assert_eq!(closed_after, closed_by_class);
        let kind = async |record: &Value| {
            let path = format!("/consultations/{}", id(record));
            let found = adviser.get(&path).await.expect(200).body;
            (found["organisation"]["id"].clone(), found["kind"].clone())
        };
        assert_eq!(kind(&moved).await, (survivor["id"].clone(), json!("first")));
        assert_eq!(kind(&first).await, (survivor["id"].clone(), json!("follow_up")));
        assert_eq!(kind(&closed).await.0, survivor["id"], "of a closed period as well");

        // Frozen is frozen, and the merge is named as what makes the difference.
        for (report, records) in [(&report, 1), (&old_report, 1)] {
            let path = format!("/reports/{}", id(report));
            let verified = manager.get(&format!("{path}/verification")).await.expect(200).body;
            assert_eq!(verified["intact"], true, "{verified}");
            let today = manager.get(&format!("{path}/differences")).await.expect(200).body;
            assert_eq!(today["records"], records);
            let item = &today["items"][0];
            assert_eq!(item["fields"][0]["field"], "organisation");
            assert_eq!(item["entries"][0]["action"], "merged");
        }
    });
}

#[test]
fn corrections_hold_for_the_survivor() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let survivor = adviser.company("A GmbH", &json!({})).await;
        let double = adviser.company("A", &json!({})).await;
        let wrong = adviser.company("Falsch GmbH", &json!({})).await;
        let record = json!({"organisation_id": wrong["id"]});
        let record = crate::correction::record(&app, &adviser, &record).await;
        let correction = json!({
            "kind": "change", "consultation_id": record["id"], "reason": "Verwechselt",
            "changes": {"organisation_id": double["id"]},
        });
        let correction = adviser.post("/corrections", &correction).await.expect(201).body;
        let path = format!("/corrections/{}", id(&correction));
        let now = async || {
            let found = adviser.get(&path).await.expect(200).body;
            assert_eq!(found["overtaken"], json!([]));
            (
                found["corrected"]["organisation"]["id"].clone(),
                found["differences"][0]["old"]["id"].clone(),
            )
        };
        let first = merged(&manager, &survivor, &double, &json!({})).await;
        assert_eq!(now().await, (survivor["id"].clone(), wrong["id"].clone()));
        // The one that the record itself names.
        let right = adviser.company("Richtig GmbH", &json!({})).await;
        let second = merged(&manager, &right, &wrong, &json!({})).await;
        assert_eq!(now().await, (survivor["id"].clone(), right["id"].clone()));
        undo(&manager, &first).await.expect(200);
        undo(&manager, &second).await.expect(200);
        assert_eq!(now().await, (double["id"].clone(), wrong["id"].clone()));
    });
}
