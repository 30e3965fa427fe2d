//! The search over organisations and contacts, and what is asked when an organisation is entered. Both
//! databases must give the same answers, so what is expected stands here once.

use lotse_persistence::migrations;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::api_key::key;
use crate::harness::{Answer, Session, TestApp, both, send};
use crate::tag::tag;

async fn search(session: &Session, typed: &str, more: &[(&str, &str)]) -> Answer {
    let params = [("q", typed)];
    let url = Url::parse_with_params("http://lotse.test", params.iter().chain(more)).unwrap();
    session.get(&format!("/search?{}", url.query().unwrap())).await
}

async fn hits(session: &Session, typed: &str) -> Vec<Value> {
    search(session, typed, &[]).await.expect(200).items().clone()
}

fn names(hits: &[Value]) -> Vec<&str> {
    hits.iter().map(|hit| hit["name"].as_str().unwrap()).collect()
}

async fn set_tag(session: &Session, company: &Value, tag: &Value) {
    let path = format!("/companies/{}/tags", company["id"].as_str().unwrap());
    let tags = json!({"tag_ids": [tag["id"]]});
    send(session.request(Method::PUT, &path).json(&tags)).await.expect(200);
}

async fn contact(session: &Session, company: &Value, input: &Value) -> Value {
    let path = format!("/companies/{}/contacts", company["id"].as_str().unwrap());
    session.post(&path, input).await.expect(201).body
}

/// A register with contacts and tags of two carriers; the company that is looked for most comes back.
async fn register(app: &TestApp) -> (Session, Session, Value) {
    let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
    let metal = json!({
        "register_number": "HRB 12345 Hanau", "vat_id": "DE123456788",
        "website": "https://www.mueller-metallbau.example",
        "address": {"postcode": "63450", "city": "Hanau"},
    });
    let metal = adviser.company("Müller Metallbau GmbH", &metal).await;
    let baker = json!({"address": {"postcode": "35390", "city": "Gießen"}});
    let baker = adviser.company("Mueller Bäckerei", &baker).await;
    adviser.company("Muller Logistik", &json!({})).await;
    let example = json!({"address": {"postcode": "63450", "city": "Hanau"}});
    adviser.company("Metallbau Beispiel AG", &example).await;
    other.company("Leichtmetall Muster", &json!({})).await;
    adviser.actor("Kreishandwerkerschaft Hanau", "chamber_crafts").await;
    let cora = json!({
        "name": "Cora Metallinger", "email": "cora@probe.example", "phone": "+49 6181 12345-0",
        "mobile": "0170 7654321"
    });
    contact(&adviser, &metal, &cora).await;
    let carla = json!({
        "name": "Carla Heimlich", "email": "carla@heimlich.example", "phone": "0561 998877"
    });
    contact(&other, &metal, &carla).await;
    set_tag(&adviser, &baker, &tag(&adviser, "Fachkräfte").await).await;
    set_tag(&other, &metal, &tag(&other, "Geheimkunde").await).await;
    (adviser, other, metal)
}

#[test]
fn all_ways_to_write_a_name_find_it_and_what_begins_with_it_comes_first() {
    both(async |app| {
        let (adviser, _, _) = register(&app).await;
        for typed in ["Müller", "mueller", "MULLER", "Müll"] {
            let hits = hits(&adviser, typed).await;
            let all = ["Mueller Bäckerei", "Muller Logistik", "Müller Metallbau GmbH"];
            assert_eq!(names(&hits), all, "{typed}");
        }
        let metal = hits(&adviser, "metall").await;
        let expected = [
            "Metallbau Beispiel AG",
            "Cora Metallinger",
            "Müller Metallbau GmbH",
            "Leichtmetall Muster",
        ];
        assert_eq!(names(&metal), expected);
        let scores: Vec<f64> = metal.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        // Exactly what was typed.
        let exact = hits(&adviser, "metallbau beispiel ag").await;
        assert_eq!((&exact[0]["score"], exact.len()), (&json!(1.0), 1));
        for typed in ["m", "ag", "hanau metall"] {
            assert!(!hits(&adviser, typed).await.is_empty(), "{typed}");
        }
    });
}

#[test]
fn typing_errors_are_forgiven() {
    both(async |app| {
        let (adviser, _, _) = register(&app).await;
        let both_of_them = ["Metallbau Beispiel AG", "Müller Metallbau GmbH"];
        for (typed, found) in [
            ("Metalbau", &both_of_them[..]),
            ("Mettalbau", &both_of_them[..]),
            ("Metallabu", &both_of_them[..]),
            ("Müler Hanau", &["Müller Metallbau GmbH"][..]),
            ("Logisitk", &["Muller Logistik"][..]),
            ("Bäkerei", &["Mueller Bäckerei"][..]),
            ("Cora Metalinger", &["Cora Metallinger"][..]),
            ("Xylophon", &[][..]),
            // An identifier with another digit is another one.
            ("HRB 12346", &[][..]),
            ("DE123456780", &[][..]),
        ] {
            assert_eq!(names(&hits(&adviser, typed).await), found, "{typed}");
        }
    });
}

#[test]
fn each_field_finds_and_is_told() {
    both(async |app| {
        let (adviser, _, company) = register(&app).await;
        for (typed, name, matched) in [
            ("63450 müller", "Müller Metallbau GmbH", json!(["name", "town"])),
            ("Giessen", "Mueller Bäckerei", json!(["town"])),
            ("HRB 12345", "Müller Metallbau GmbH", json!(["register_number"])),
            ("hrb12345", "Müller Metallbau GmbH", json!(["register_number"])),
            ("de 123 456 788", "Müller Metallbau GmbH", json!(["vat_id"])),
            ("mueller-metallbau.example", "Müller Metallbau GmbH", json!(["domain"])),
            (
                "https://www.mueller-metallbau.example/start",
                "Müller Metallbau GmbH",
                json!(["domain"]),
            ),
            ("cora@probe.example", "Cora Metallinger", json!(["email"])),
            ("06181 123450", "Cora Metallinger", json!(["phone"])),
            ("+49 6181 12345", "Cora Metallinger", json!(["phone"])),
            ("0049 (0)6181/12345-0", "Cora Metallinger", json!(["phone"])),
            ("0170 7654", "Cora Metallinger", json!(["phone"])),
            ("fachkrafte", "Mueller Bäckerei", json!(["tag"])),
            ("Gießen Fachkräfte", "Mueller Bäckerei", json!(["town", "tag"])),
        ] {
            let hits = hits(&adviser, typed).await;
            assert_eq!((names(&hits), &hits[0]["matched"]), (vec![name], &matched), "{typed}");
        }
        let cora = hits(&adviser, "cora").await.remove(0);
        assert_eq!(cora["kind"], "contact");
        assert_eq!(cora["city"], "Hanau");
        assert_eq!(cora["organisation"]["id"], company["id"]);
        let hanau = hits(&adviser, "hanau").await;
        let expected =
            ["Kreishandwerkerschaft Hanau", "Metallbau Beispiel AG", "Müller Metallbau GmbH"];
        assert_eq!(names(&hanau), expected);
    });
}

#[test]
fn contacts_and_tags_of_another_carrier_are_never_found() {
    both(async |app| {
        let (adviser, other, _) = register(&app).await;
        for typed in ["Cora", "Metalinger", "cora@probe.example", "06181 123450", "Fachkräfte"] {
            assert!(!hits(&adviser, typed).await.is_empty(), "{typed}");
            assert!(hits(&other, typed).await.is_empty(), "{typed}");
        }
        for typed in ["Carla", "Heimlisch", "carla@heimlich.example", "0561 998877", "Geheimkunde"]
        {
            assert!(hits(&adviser, typed).await.is_empty(), "{typed}");
        }
        // Of the same carrier, and companies of whoever entered them.
        let colleague = app.log_in("colleague").await;
        assert_eq!(names(&hits(&colleague, "cora").await), ["Cora Metallinger"]);
        assert_eq!(names(&hits(&adviser, "leichtmetall").await), ["Leichtmetall Muster"]);

        // A key finds what it may read.
        let manager = app.log_in("manager").await;
        let (_, register) = key(&app, &manager, &["read_register"]).await;
        assert_eq!(names(&hits(&register, "müller hanau").await), ["Müller Metallbau GmbH"]);
        assert!(hits(&register, "cora").await.is_empty());
        assert!(hits(&register, "fachkräfte").await.is_empty());
        search(&register, "cora", &[("kind", "contact")]).await.problem(403, "forbidden");
        let (_, contacts) = key(&app, &manager, &["read_register", "read_contacts"]).await;
        assert_eq!(names(&hits(&contacts, "cora").await), ["Cora Metallinger"]);
    });
}

#[test]
fn a_search_that_shows_contacts_stands_in_the_audit_log() {
    both(async |app| {
        let (adviser, _, _) = register(&app).await;
        let officer = app.log_in("data.protection").await;
        let reads = async || {
            app.app.flush_access_log();
            let log = officer.get("/audit-log?action=read&limit=200").await.expect(200);
            log.items().iter().filter(|entry| entry["detail"] == "read_contacts").count()
        };
        hits(&adviser, "hanau").await;
        assert_eq!(reads().await, 0);
        hits(&adviser, "cora").await;
        assert_eq!(reads().await, 1);
    });
}

#[test]
fn what_is_searched_can_be_narrowed_and_archived_records_are_left_out() {
    both(async |app| {
        let (adviser, _, company) = register(&app).await;
        let found = async |typed: &str, more: &[(&str, &str)]| {
            let answer = search(&adviser, typed, more).await.expect(200);
            names(answer.items()).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        assert_eq!(found("metall", &[("kind", "contact")]).await, ["Cora Metallinger"]);
        assert_eq!(found("hanau", &[("kind", "actor")]).await, ["Kreishandwerkerschaft Hanau"]);
        assert_eq!(found("metall", &[("limit", "1")]).await, ["Metallbau Beispiel AG"]);

        let path = format!("/companies/{}", company["id"].as_str().unwrap());
        let renamed = json!({"name": "Sonnenwerk GmbH", "vat_id": "DE987654328"});
        adviser.patch(&path, 1, &renamed).await.expect(200);
        assert_eq!(found("sonnenwerk", &[]).await, ["Sonnenwerk GmbH"]);
        assert_eq!(found("DE987654328", &[]).await, ["Sonnenwerk GmbH"]);
        assert_eq!(found("DE123456788", &[]).await, none);
        let archive = format!("{path}/archive");
        let reason = json!({"reason": "Closed"});
        adviser.post_with(&archive, &[("If-Match", "\"2\"")], &reason).await.expect(200);
        assert_eq!(found("sonnenwerk", &[]).await, none);
        assert_eq!(found("sonenwerk", &[]).await, none);
        assert_eq!(found("sonenwerk", &[("archived", "true")]).await, ["Sonnenwerk GmbH"]);
    });
}

#[test]
fn what_is_not_meant_well_is_refused_or_finds_nothing() {
    both(async |app| {
        let (adviser, _, _) = register(&app).await;
        let long = format!("q={}", "x".repeat(101));
        for query in [
            "",
            "q=",
            "q=%20%20",
            "q=a%00b",
            "q=a%0Ab",
            "q=a&q=b",
            "q=a&limit=0",
            "q=a&limit=101",
            "q=a&kind=user",
            "q=a&colour=red",
            "q=a&archived=perhaps",
            long.as_str(),
        ] {
            let answer = adviser.get(&format!("/search?{query}")).await;
            answer.problem(400, "malformed_query");
        }
        for typed in ["?!", "%", "_", "\"", "' OR 1=1 --", "NEAR(", "content:x", "😀", "٣٣٣٣", "ｘ"]
        {
            assert!(hits(&adviser, typed).await.is_empty(), "{typed}");
        }
        let many = "ab ".repeat(33);
        assert!(hits(&adviser, &many).await.is_empty());
        assert!(hits(&adviser, &"abcd ".repeat(20)).await.is_empty());
    });
}

#[test]
fn an_upgrade_makes_what_there_is_found() {
    both(async |app| {
        let (adviser, other, _) = register(&app).await;
        let mut conn = app.connect();
        migrations::revert_after(&mut conn, "2026-01-01-000048_figures_index").unwrap();
        migrations::run(&mut conn).unwrap();
        assert_eq!(names(&hits(&adviser, "HRB 12345").await), ["Müller Metallbau GmbH"]);
        assert_eq!(names(&hits(&adviser, "Metalinger").await), ["Cora Metallinger"]);
        assert!(hits(&other, "Metalinger").await.is_empty());
    });
}

#[test]
fn whoever_may_be_there_is_asked_about_before_another_is_entered() {
    both(async |app| {
        let (adviser, other, company) = register(&app).await;
        for (input, reasons) in [
            (json!({"name": "MÜLLER-METALLBAU"}), json!(["same_name"])),
            (json!({"name": "Müler Metallbau GmbH"}), json!(["similar_name"])),
            (
                json!({"name": "Anders", "register_number": "Amtsgericht Hanau HRB 12345"}),
                json!(["same_register_number"]),
            ),
            (json!({"name": "Anders", "vat_id": "de 123456788"}), json!(["same_vat_id"])),
            (
                json!({"name": "Anders", "website": "mueller-metallbau.example/jobs"}),
                json!(["same_domain"]),
            ),
            (
                json!({"name": "Müller Metallbau AG", "vat_id": "DE123456788"}),
                json!(["same_vat_id", "same_name"]),
            ),
        ] {
            let refused = other.post("/companies", &input).await.problem(409, "possible_duplicate");
            let candidates = refused.body["candidates"].as_array().unwrap();
            assert_eq!(candidates.len(), 1, "{input}: {candidates:?}");
            assert_eq!(candidates[0]["organisation"]["id"], company["id"], "{input}");
            assert_eq!(candidates[0]["reasons"], reasons, "{input}");
            assert!(candidates[0]["score"].as_f64().unwrap() >= 0.6, "{input}");
        }
        // The same number at another court is another company.
        let elsewhere = json!({"name": "Anders", "register_number": "HRB 12345 Kassel"});
        other.post("/companies", &elsewhere).await.expect(201);
        // An actor may be the company that was meant, and the other way round.
        let actor = json!({"name": "Müller Metallbau", "actor_type": "other"});
        other.post("/actors", &actor).await.problem(409, "possible_duplicate");
        other.post("/actors?create_anyway=true", &actor).await.expect(201);
        let same = json!({"name": "Müller Metallbau GmbH"});
        let refused = other.post("/companies", &same).await.problem(409, "possible_duplicate");
        assert_eq!(refused.body["candidates"].as_array().unwrap().len(), 2);
        other.post("/companies?create_anyway=false", &same).await.expect(409);
        other.post("/companies?create_anyway=true", &same).await.expect(201);
        other.post("/companies?create_anyway=maybe", &same).await.problem(400, "malformed_query");
        // What is archived is not asked about.
        let gone = adviser.company("Verschwunden GmbH", &json!({})).await;
        let archive = format!("/companies/{}/archive", gone["id"].as_str().unwrap());
        let reason = json!({"reason": "Closed"});
        adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        other.post("/companies", &json!({"name": "Verschwunden GmbH"})).await.expect(201);

        // The answer tells who is there, so a key that may not read the register has to insist.
        let manager = app.log_in("manager").await;
        let (_, writes) = key(&app, &manager, &["change_register"]).await;
        let new = json!({"name": "Website GmbH"});
        writes.post("/companies", &new).await.problem(403, "forbidden");
        writes.post("/companies?create_anyway=true", &new).await.expect(201);
    });
}

#[test]
fn of_two_who_enter_the_same_at_once_one_is_asked() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let vat_ids = ["DE100000008", "DE100000016", "DE100000024", "DE100000032", "DE100000049"];
        for (round, vat_id) in vat_ids.into_iter().enumerate() {
            for (one, two) in [
                (json!({"name": format!("Runde {round}0{round}")}), None),
                (
                    json!({"name": format!("Alpha{round}{round}"), "vat_id": vat_id}),
                    Some(json!({"name": format!("Zoll{round}{round}"), "vat_id": vat_id})),
                ),
            ] {
                let two = two.unwrap_or_else(|| one.clone());
                let (one, two) = tokio::join!(
                    adviser.post("/companies?create_anyway=false", &one),
                    colleague.post("/companies", &two)
                );
                let (won, lost) = if one.status == 201 { (one, two) } else { (two, one) };
                won.expect(201);
                lost.problem(409, "possible_duplicate");
            }
        }
    });
}
