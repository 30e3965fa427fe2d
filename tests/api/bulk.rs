//! Bulk changes: many records at once, each as if it were changed by itself.

use std::sync::atomic::AtomicBool;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use lotse_app::job::run_next;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{POSTGRES, Session, TestApp, body, both, send, snapshot};
use crate::hostile::NOWHERE;
use crate::import::{act, work};
use crate::tag::tag;

/// A draft of a change of some records.
pub async fn draft(session: &Session, target: &str, ids: &[&Value], change: &Value) -> Value {
    let input = json!({"target": target, "ids": ids, "change": change});
    session.post("/bulk-changes", &input).await.expect(201).body
}

fn path(bulk: &Value) -> String {
    format!("/bulk-changes/{}", bulk["id"].as_str().unwrap())
}

/// What would come of each record, and why; nothing is changed by asking.
async fn foretold(app: &TestApp, session: &Session, bulk: &Value) -> Vec<Value> {
    let before = snapshot(app, &mut app.connect());
    let preview = session.get(&format!("{}/preview?limit=200", path(bulk))).await.expect(200);
    let dry = session.get(&format!("{}/dry-run", path(bulk))).await.expect(200).body;
    assert_eq!(snapshot(app, &mut app.connect()), before, "looking first changes nothing");
    let rows = preview.items().clone();
    for outcome in ["changed", "unchanged", "changed_since", "refused", "not_found"] {
        let number = rows.iter().filter(|row| row["outcome"] == outcome).count();
        assert_eq!(dry["counts"][outcome], number, "{outcome}: {dry}");
    }
    rows
}

/// Looks first, runs it, and answers the rows: they say what was foretold.
async fn ran(app: &TestApp, session: &Session, bulk: &Value) -> Vec<Value> {
    let foretold = foretold(app, session, bulk).await;
    let run = format!("{}/run", path(bulk));
    act(session, &run, &bulk["version"]).await.expect(200);
    work(app);
    let rows = session.get(&format!("{}/rows?limit=200", path(bulk))).await.expect(200);
    assert_eq!(rows.items(), &foretold);
    let done = session.get(&path(bulk)).await.expect(200).body;
    assert_eq!(done["status"], "done", "{done}");
    let counts = done["counts"].as_object().unwrap().values().map(|count| count.as_i64().unwrap());
    assert_eq!(counts.sum::<i64>(), done["selected"]);
    rows.items().clone()
}

fn outcomes(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

/// The code by which a record was refused.
fn code(row: &Value) -> &str {
    row["errors"][0]["code"].as_str().unwrap()
}

async fn read(session: &Session, list: &str, record: &Value) -> Value {
    session.get(&format!("/{list}/{}", record["id"].as_str().unwrap())).await.expect(200).body
}

/// What can be compared of two records.
fn content(record: &Value) -> Value {
    let mut content = record.clone();
    for field in ["id", "created_at", "updated_at", "name"] {
        content[field] = Value::Null;
    }
    content
}

#[test]
fn what_a_filter_shows_is_changed_as_one_by_one() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let prospect = json!({"status": "prospect"});
        let mut companies = Vec::new();
        for name in ["Eins GmbH", "Zwei GmbH", "Drei GmbH"] {
            companies.push(adviser.company(name, &prospect).await);
        }
        let active = adviser.company("Vier GmbH", &json!({})).await;
        let patch =
            json!({"status": "dormant", "website": "muster.example", "address": {"city": "Hanau"}});
        let input = json!({
            "target": "companies", "filter": {"status": "prospect", "sort": "-name"},
            "change": {"kind": "update", "patch": patch}
        });
        let bulk = adviser.post("/bulk-changes", &input).await.expect(201);
        assert_eq!(bulk.header("location"), format!("/api/v1{}", path(&bulk.body)));
        let bulk = bulk.body;
        assert_eq!((&bulk["selected"], &bulk["status"]), (&json!(3), &json!("draft")));
        assert_eq!(bulk["change"], input["change"]);
        // Which records is fixed: one that comes now is not among them.
        adviser.company("Fünf GmbH", &prospect).await;

        let rows = ran(&app, &adviser, &bulk).await;
        assert_eq!(outcomes(&rows), ["changed"; 3]);
        let ids: Vec<_> = rows.iter().map(|row| row["record_id"].clone()).collect();
        // In the order of the list.
        assert_eq!(ids, [1, 0, 2].map(|n| companies[n]["id"].clone()));
        assert_eq!(read(&adviser, "companies", &active).await, active);

        let alone = adviser.company("Sechs GmbH", &prospect).await;
        let alone_path = format!("/companies/{}", alone["id"].as_str().unwrap());
        let alone = adviser.patch(&alone_path, 1, &patch).await.expect(200).body;
        for company in &companies {
            let now = read(&adviser, "companies", company).await;
            assert_eq!(content(&now), content(&alone));
            let history = format!("/companies/{}/history", company["id"].as_str().unwrap());
            let history = adviser.get(&history).await.expect(200);
            let alone = adviser.get(&format!("{alone_path}/history")).await.expect(200);
            let (entry, other) = (&history.items()[0], &alone.items()[0]);
            assert_eq!((&entry["by"], &entry["changes"]), (&other["by"], &other["changes"]));
        }
        act(&adviser, &format!("{}/run", path(&bulk)), &json!(3))
            .await
            .problem(409, "bulk_change_started");
        let file = format!("{}/rows?format=csv", path(&bulk));
        let file = send(adviser.request(Method::GET, &file)).await.expect(200);
        assert_eq!(file.text.lines().count(), 4, "{}", file.text);
        let file = send(adviser.request(Method::GET, "/bulk-changes?format=csv")).await.expect(200);
        assert!(file.text.lines().next().unwrap().contains("change.kind"), "{}", file.text);
        let done = adviser.get("/bulk-changes?target=companies&status=done&total=true").await;
        assert_eq!(done.expect(200).body["total"], 1);
        assert!(adviser.get("/bulk-changes?target=tasks").await.expect(200).items().is_empty());
    });
}

#[test]
fn one_that_is_refused_leaves_the_others() {
    both(async |app| {
        let (adviser, manager) = (app.log_in("adviser").await, app.log_in("manager").await);
        let mut made = Vec::new();
        for name in ["Gut GmbH", "Weg GmbH", "Bleibt GmbH", "Aufgegangen GmbH", "Neuer GmbH"] {
            made.push(adviser.company(name, &json!({})).await);
        }
        let so = adviser.company("So GmbH", &json!({"vat_id": "DE100000008"})).await;
        let actor = adviser.actor("Kammer", "other").await;
        let last = adviser.company("Letzte GmbH", &json!({})).await;
        let archive = format!("/companies/{}/archive", made[1]["id"].as_str().unwrap());
        act_with(&adviser, &archive, 1, &json!({"reason": "Geschlossen"})).await;
        crate::merge::merged(&manager, &made[2], &made[3], &json!({})).await;
        let missing = json!(NOWHERE);
        let ids = [
            &made[0]["id"],
            &made[1]["id"],
            &made[3]["id"],
            &made[4]["id"],
            &so["id"],
            &actor["id"],
            &missing,
            &last["id"],
        ];
        let change = json!({"kind": "update", "patch": {"vat_id": "de 100000008"}});
        let bulk = draft(&adviser, "companies", &ids, &change).await;
        let newer = format!("/companies/{}", made[4]["id"].as_str().unwrap());
        adviser.patch(&newer, 1, &json!({"status": "dormant"})).await.expect(200);

        let rows = ran(&app, &adviser, &bulk).await;
        assert_eq!(
            outcomes(&rows),
            [
                "changed",
                "refused",
                "refused",
                "changed_since",
                "unchanged",
                "not_found",
                "not_found",
                "changed",
            ]
        );
        assert_eq!((code(&rows[1]), code(&rows[2])), ("archived", "merged"));
        assert_eq!(rows[6]["record_version"], Value::Null);
        assert_eq!(read(&adviser, "companies", &made[0]).await["vat_id"], "DE100000008");
        assert_eq!(read(&adviser, "companies", &made[4]).await["vat_id"], Value::Null);
        assert_eq!(read(&adviser, "companies", &so).await, so, "no version without a change");
        let refused = adviser.get(&format!("{}/rows?outcome=refused", path(&bulk))).await;
        assert_eq!(refused.expect(200).items().len(), 2);

        // A rule that every record breaks is told once, with how often.
        let ids = [&made[0]["id"], &last["id"]];
        let change = json!({"kind": "update", "patch": {"website": "nowhere"}});
        let bulk = draft(&adviser, "companies", &ids, &change).await;
        let dry = adviser.get(&format!("{}/dry-run", path(&bulk))).await.expect(200).body;
        let error = &dry["errors"][0];
        assert_eq!((&error["rows"], &error["first_row"]), (&json!(2), &json!(1)), "{dry}");
        assert_eq!(error["error"]["pointer"], "/website");
        assert_eq!(outcomes(&ran(&app, &adviser, &bulk).await), ["refused"; 2]);
    });
}

async fn act_with(session: &Session, path: &str, version: i64, input: &Value) -> Value {
    let version = format!("\"{version}\"");
    session.post_with(path, &[("If-Match", version.as_str())], input).await.expect(200).body
}

#[test]
fn tags_come_and_go_beside_those_that_stay() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let mut tags = Vec::new();
        for n in 0..22 {
            tags.push(tag(&adviser, &format!("Schlagwort {n:02}")).await["id"].clone());
        }
        let put = async |list: &str, record: &Value, ids: &[Value]| {
            let path = format!("/{list}/{}/tags", record["id"].as_str().unwrap());
            let request = adviser.request(Method::PUT, &path);
            send(request.json(&json!({"tag_ids": ids}))).await.expect(200);
        };
        let tags_of = async |list: &str, record: &Value| -> Vec<Value> {
            let path = format!("/{list}/{}/tags", record["id"].as_str().unwrap());
            let found = adviser.get(&path).await.expect(200).body;
            found["tags"].as_array().unwrap().iter().map(|tag| tag["id"].clone()).collect()
        };
        let plain = adviser.company("Ohne GmbH", &json!({})).await;
        let tagged = adviser.company("Mit GmbH", &json!({})).await;
        let full = adviser.company("Voll GmbH", &json!({})).await;
        let so = adviser.company("So GmbH", &json!({})).await;
        let since = adviser.company("Seither GmbH", &json!({})).await;
        put("companies", &tagged, &[tags[1].clone(), tags[2].clone()]).await;
        put("companies", &full, &tags[2..22]).await;
        put("companies", &so, &tags[..1]).await;
        let change = json!({"kind": "tag", "add": [tags[0]], "remove": [tags[1]]});
        let ids = [&plain["id"], &tagged["id"], &full["id"], &so["id"], &since["id"]];
        let bulk = draft(&adviser, "companies", &ids, &change).await;
        let newer = format!("/companies/{}", since["id"].as_str().unwrap());
        adviser.patch(&newer, 1, &json!({"status": "dormant"})).await.expect(200);
        let rows = ran(&app, &adviser, &bulk).await;
        assert_eq!(
            outcomes(&rows),
            ["changed", "changed", "refused", "unchanged", "changed_since"]
        );
        assert_eq!(code(&rows[2]), "too_many");
        assert_eq!(tags_of("companies", &plain).await, [tags[0].clone()]);
        assert_eq!(tags_of("companies", &tagged).await, [tags[0].clone(), tags[2].clone()]);
        assert!(tags_of("companies", &since).await.is_empty());
        assert_eq!(read(&adviser, "companies", &plain).await, plain, "tags are no part of it");

        let actor = adviser.actor("Kammer", "other").await;
        let input = app.consultation(&adviser, &json!({})).await;
        let consultation = adviser.post("/consultations", &input).await.expect(201).body;
        let change = json!({"kind": "tag", "add": [tags[3]]});
        for (target, record) in [("actors", &actor), ("consultations", &consultation)] {
            let bulk = draft(&adviser, target, &[&record["id"]], &change).await;
            assert_eq!(outcomes(&ran(&app, &adviser, &bulk).await), ["changed"]);
            assert_eq!(tags_of(target, record).await, [tags[3].clone()]);
        }
        // One that is archived meanwhile is set on nothing more.
        let bulk = draft(&adviser, "companies", &[&plain["id"]], &change).await;
        let archive = format!("/tags/{}/archive", tags[3].as_str().unwrap());
        act_with(&adviser, &archive, 1, &json!({"reason": "Alt"})).await;
        let rows = ran(&app, &adviser, &bulk).await;
        assert_eq!((outcomes(&rows), code(&rows[0])), (vec!["refused"], "archived"));
        // Another carrier's is unknown.
        let theirs = tag(&app.log_in("other").await, "Fremd").await["id"].clone();
        let input = json!({"target": "companies", "filter": {},
            "change": {"kind": "tag", "add": [theirs]}});
        adviser.post("/bulk-changes", &input).await.violates("/change/add/0", "unknown");
    });
}

#[test]
fn archiving_keeps_to_the_own_carrier() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let company = adviser.company("Muster GmbH", &json!({})).await;
        let contacts = format!("/companies/{}/contacts", company["id"].as_str().unwrap());
        let contact = json!({"name": "Cora Probstadt"});
        let ours = adviser.post(&contacts, &contact).await.expect(201).body;
        let theirs = other.post(&contacts, &contact).await.expect(201).body;
        let change = json!({"kind": "archive", "reason": " Nicht mehr dort "});
        let bulk = draft(&adviser, "contacts", &[&ours["id"], &theirs["id"]], &change).await;
        assert_eq!(outcomes(&ran(&app, &adviser, &bulk).await), ["changed", "not_found"]);
        let archived = read(&adviser, "contacts", &ours).await;
        assert_eq!(archived["archived"]["reason"], "Nicht mehr dort");
        assert_eq!(read(&other, "contacts", &theirs).await, theirs);

        let actor = adviser.actor("Kammer", "other").await;
        for (target, record) in [("companies", &company), ("actors", &actor)] {
            let bulk = draft(&adviser, target, &[&record["id"]], &change).await;
            assert_eq!(outcomes(&ran(&app, &adviser, &bulk).await), ["changed"]);
            let again = draft(&adviser, target, &[&record["id"]], &change).await;
            let rows = ran(&app, &adviser, &again).await;
            assert_eq!((outcomes(&rows), code(&rows[0])), (vec!["refused"], "archived"));
        }
        // The bulk change itself is the carrier's, like its job.
        for what in ["", "/rows", "/preview", "/dry-run", "/history"] {
            other.get(&format!("{}{what}", path(&bulk))).await.problem(404, "not_found");
        }
        assert!(other.get("/bulk-changes").await.expect(200).items().is_empty());
    });
}

#[test]
fn tasks_and_referrals_go_to_somebody_else_by_whom_they_may() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let manager = app.log_in("manager").await;
        let to = colleague.id().await;
        let own = crate::task::create(&adviser, &json!({})).await;
        let with_deputy = crate::task::create(&adviser, &json!({"deputy_id": to})).await;
        let theirs = crate::task::create(&colleague, &json!({})).await;
        let managers = crate::task::create(&manager, &json!({})).await;
        let change = json!({"kind": "assign", "owner_id": to});
        let ids = [&own["id"], &with_deputy["id"], &theirs["id"], &managers["id"]];
        let bulk = draft(&adviser, "tasks", &ids, &change).await;
        let rows = ran(&app, &adviser, &bulk).await;
        assert_eq!(outcomes(&rows), ["changed", "refused", "refused", "refused"]);
        assert_eq!(code(&rows[1]), "same_user");
        assert_eq!((code(&rows[2]), code(&rows[3])), ("forbidden", "forbidden"));
        assert_eq!(read(&adviser, "tasks", &own).await["owner"]["id"], to.as_str());

        let filter = json!({"target": "tasks", "filter": {"status": "open"}, "change": change});
        let bulk = manager.post("/bulk-changes", &filter).await.expect(201).body;
        let mut found = outcomes(&ran(&app, &manager, &bulk).await).join(" ");
        assert_eq!(found.split(' ').count(), 4);
        found = found.replace("unchanged", "");
        assert_eq!(found.matches("changed").count(), 1);
        assert_eq!(read(&adviser, "tasks", &managers).await["owner"]["id"], to.as_str());

        let company = adviser.company("Muster GmbH", &json!({})).await;
        let actor = adviser.actor("Kammer", "other").await;
        let names = json!({"organisation_id": company["id"], "actor_id": actor["id"]});
        let referral = crate::referral::create(&adviser, &names).await;
        let bulk = draft(&adviser, "referrals", &[&referral["id"]], &change).await;
        assert_eq!(outcomes(&ran(&app, &adviser, &bulk).await), ["changed"]);
        assert_eq!(read(&adviser, "referrals", &referral).await["owner"]["id"], to.as_str());

        let nobody = json!({"kind": "assign", "owner_id": app.log_in("other").await.id().await});
        let input = json!({"target": "tasks", "ids": ids, "change": nobody});
        adviser.post("/bulk-changes", &input).await.violates("/change/owner_id", "not_an_adviser");
    });
}

#[test]
fn consultations_keep_their_rules() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let company = adviser.company("Muster GmbH", &json!({})).await;
        let of_it = json!({"organisation_id": company["id"]});
        let log = async |session: &Session, more: &Value| {
            let input = app.consultation(session, &body(&of_it, more)).await;
            session.post("/consultations", &input).await.expect(201).body
        };
        let own = log(&adviser, &json!({})).await;
        let theirs = log(&colleague, &json!({})).await;
        let later = log(&adviser, &json!({"held_on": "2026-03-09"})).await;
        let closed = crate::correction::record(&app, &adviser, &of_it).await;
        let patch = json!({"minutes": 60, "outcome": "clarified"});
        let input = json!({
            "target": "consultations",
            "filter": {"organisation_id": company["id"], "sort": "created_at"},
            "change": {"kind": "update", "patch": patch}
        });
        let bulk = adviser.post("/bulk-changes", &input).await.expect(201).body;
        let rows = ran(&app, &adviser, &bulk).await;
        let came: Vec<_> = [&own, &theirs, &later, &closed]
            .iter()
            .map(|record| {
                let row = rows.iter().find(|row| row["record_id"] == record["id"]).unwrap();
                row["outcome"].as_str().unwrap()
            })
            .collect();
        assert_eq!(came, ["changed", "refused", "changed", "refused"]);
        for record in [&own, &later] {
            let now = read(&adviser, "consultations", record).await;
            assert_eq!((&now["minutes"], &now["version"]), (&json!(60), &json!(2)));
        }
        let contacts = json!({"target": "consultations", "ids": [own["id"]],
            "change": {"kind": "archive", "reason": "x"}});
        adviser
            .post("/bulk-changes", &contacts)
            .await
            .violates("/change/kind", "not_of_this_target");
    });
}

/// Behind the server's back: from now on one company cannot be written.
fn break_one(app: &TestApp, id: &Value) {
    let id = id.as_str().unwrap();
    let sql = if app.backend == POSTGRES {
        format!(
            "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN RAISE EXCEPTION ''broken''; END'; \
             CREATE TRIGGER breaks BEFORE UPDATE ON organisations FOR EACH ROW \
             WHEN (OLD.id = '{id}') EXECUTE FUNCTION breaks()"
        )
    } else {
        let id = id.replace('-', "");
        format!(
            "CREATE TRIGGER breaks BEFORE UPDATE ON organisations WHEN OLD.id = unhex('{id}') \
             BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )
    };
    app.connect().batch_execute(&sql).unwrap();
}

fn mend(app: &TestApp) {
    let of = if app.backend == POSTGRES { " ON organisations" } else { "" };
    app.connect().batch_execute(&format!("DROP TRIGGER breaks{of}")).unwrap();
}

#[test]
fn a_job_that_broke_off_goes_on_behind_what_it_did() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let mut companies = Vec::new();
        for n in 0..130 {
            companies.push(adviser.company(&format!("Muster {n:03} GmbH"), &json!({})).await);
        }
        let input = json!({"target": "companies", "filter": {"q": "muster"},
            "change": {"kind": "update", "patch": {"status": "dormant"}}});
        let bulk = adviser.post("/bulk-changes", &input).await.expect(201).body;
        assert_eq!(bulk["selected"], 130);
        let run = format!("{}/run", path(&bulk));
        let job = act(&adviser, &run, &bulk["version"]).await.expect(200).body;
        let job_path = format!("/jobs/{}", job["id"].as_str().unwrap());
        assert_eq!((&job["kind"], &job["subject_id"]), (&json!("bulk"), &bulk["id"]));

        break_one(&app, &companies[120]["id"]);
        assert!(run_next(&app.app, &AtomicBool::new(false)).unwrap());
        let failed = adviser.get(&job_path).await.expect(200).body;
        assert_eq!((&failed["status"], &failed["done"]), (&json!("failed"), &json!(100)));
        let counts = adviser.get(&path(&bulk)).await.expect(200).body["counts"].clone();
        assert_eq!(counts["changed"], 100);
        assert_eq!(read(&adviser, "companies", &companies[119]).await["version"], 1);
        let dry = adviser.get(&format!("{}/dry-run", path(&bulk))).await;
        dry.problem(500, "internal");

        mend(&app);
        let dry = adviser.get(&format!("{}/dry-run", path(&bulk))).await.expect(200).body;
        assert_eq!(dry["counts"]["changed"], 30, "those that wait");
        act(&adviser, &format!("{job_path}/retry"), &failed["version"]).await.expect(200);
        app.advance(TimeDelta::seconds(1));
        work(&app);
        let done = adviser.get(&job_path).await.expect(200).body;
        assert_eq!((&done["status"], &done["done"]), (&json!("done"), &json!(130)));
        let all = adviser.get("/companies?status=dormant&limit=200").await.expect(200);
        assert_eq!(all.items().len(), 130);
        assert!(all.items().iter().all(|company| company["version"] == 2), "each once");
        let bulk = adviser.get(&path(&bulk)).await.expect(200).body;
        assert_eq!((&bulk["counts"]["changed"], &bulk["status"]), (&json!(130), &json!("done")));
    });
}

#[test]
fn a_job_can_be_cancelled_and_does_not_do_what_its_person_may_not() {
    both(async |app| {
        let (adviser, admin) = (app.log_in("adviser").await, app.log_in("admin").await);
        let company = adviser.company("Muster GmbH", &json!({})).await;
        let change = json!({"kind": "update", "patch": {"status": "dormant"}});
        let bulk = draft(&adviser, "companies", &[&company["id"]], &change).await;
        let run = format!("{}/run", path(&bulk));
        let job = act(&adviser, &run, &json!(1)).await.expect(200).body;
        let job_path = format!("/jobs/{}", job["id"].as_str().unwrap());
        // A server that stops gives it back.
        assert!(run_next(&app.app, &AtomicBool::new(true)).unwrap());
        let waiting = adviser.get(&job_path).await.expect(200).body;
        assert_eq!(waiting["status"], "queued");
        let cancel = format!("{job_path}/cancel");
        let cancelled = act(&adviser, &cancel, &waiting["version"]).await.expect(200).body;
        work(&app);
        assert_eq!(read(&adviser, "companies", &company).await, company);
        act(&adviser, &format!("{job_path}/retry"), &cancelled["version"]).await.expect(200);

        let user = format!("/users/{}", adviser.id().await);
        admin.patch(&user, 1, &json!({"status": "suspended"})).await.expect(200);
        app.advance(TimeDelta::seconds(1));
        work(&app);
        let colleague = app.log_in("colleague").await;
        let failed = colleague.get(&job_path).await.expect(200).body;
        assert_eq!(failed["status"], "failed", "{failed}");
        assert_eq!(read(&colleague, "companies", &company).await, company);
        // It goes on for the same person only, whoever asks.
        let rows = colleague.get(&format!("{}/rows", path(&bulk))).await.expect(200);
        assert_eq!(rows.items()[0]["outcome"], Value::Null);
    });
}

#[test]
fn bulk_changes_are_for_people_who_may_do_it_one_by_one() {
    both(async |app| {
        let input = json!({"target": "companies", "filter": {},
            "change": {"kind": "archive", "reason": "x"}});
        for user in ["coordinator", "admin", "data.protection"] {
            let session = app.log_in(user).await;
            session.post("/bulk-changes", &input).await.problem(403, "forbidden");
            session.get("/bulk-changes").await.problem(403, "forbidden");
        }
        let adviser = app.log_in("adviser").await;
        let key = [("Idempotency-Key", "a-key")];
        let first = adviser.post_with("/bulk-changes", &key, &input).await.expect(201);
        let again = adviser.post_with("/bulk-changes", &key, &input).await.expect(201);
        assert_eq!(first.body, again.body);
        assert_eq!(first.body["selected"], 0);
        assert!(ran(&app, &adviser, &first.body).await.is_empty());
        let refused = |more: &Value| {
            let input = body(&input, more);
            let adviser = adviser.clone();
            async move { adviser.post("/bulk-changes", &input).await }
        };
        refused(&json!({"filter": {"size_class": "huge"}}))
            .await
            .violates("/filter/size_class", "wrong_type");
        refused(&json!({"ids": [NOWHERE]})).await.violates("/filter", "ids_too");
        refused(&json!({"change": {"kind": "update", "patch": {"nmae": "x"}}}))
            .await
            .violates("/change/patch/nmae", "unknown_field");
        refused(&json!({"change": {"kind": "update", "patch": {}}}))
            .await
            .violates("/change/patch", "empty");
        refused(&json!({"change": {"kind": "paint"}})).await.violates("/change/kind", "wrong_type");
        let ids: Vec<_> = (0..20_000_u128).map(uuid::Uuid::from_u128).collect();
        let many = json!({"target": "companies", "ids": ids, "change": input["change"]});
        adviser.post("/bulk-changes", &many).await.violates("/ids", "too_many");
    });
}
