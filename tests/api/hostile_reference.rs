//! Ids of another carrier or another organisation, in bodies and in filters.

use reqwest::Method;
use serde_json::{Value, json};

use crate::correction;
use crate::harness::{BWHW, FRANKFURT, KASSEL, PERIOD_2026, VSB, body, both, send};
use crate::hostile::{NOWHERE, changes};

#[test]
fn a_consultation_names_nothing_of_others() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let other = app.log_in("other").await;
        let other_manager = app.log_in("other.manager").await.id().await;
        let ours = adviser.company("Unsere GmbH", &json!({})).await["id"].clone();
        let another = adviser.company("Andere GmbH", &json!({})).await["id"].clone();
        let at = |company: &Value, what: &str| {
            format!("/companies/{}/{what}", company.as_str().unwrap())
        };
        let contact = json!({"name": "Cora Probstadt"});
        let of_another = adviser.post(&at(&another, "contacts"), &contact).await.expect(201).id();
        let of_their_carrier = other.post(&at(&ours, "contacts"), &contact).await.expect(201).id();
        let works = json!({"name": "Werk"});
        let works = adviser.post(&at(&another, "establishments"), &works).await.expect(201).id();

        let input = app.consultation(&adviser, &json!({"organisation_id": ours})).await;
        let logged = adviser.post("/consultations", &input).await.expect(201);
        let path = format!("/consultations/{}", logged.id());
        let before = changes(&app).await;
        for (more, pointer, code) in [
            (json!({"site_id": KASSEL}), "/site_id", "site_of_another_carrier"),
            (json!({"adviser_ids": [other.id().await]}), "/adviser_ids/0", "not_an_adviser"),
            (
                json!({"adviser_ids": [adviser.id().await, other_manager]}),
                "/adviser_ids/1",
                "not_an_adviser",
            ),
            (json!({"contact_ids": [of_another]}), "/contact_ids/0", "unknown"),
            (json!({"contact_ids": [of_their_carrier]}), "/contact_ids/0", "unknown"),
            (json!({"contact_ids": [NOWHERE]}), "/contact_ids/0", "unknown"),
            (json!({"establishment_id": works}), "/establishment_id", "unknown"),
            (json!({"organisation_id": logged.id()}), "/organisation_id", "unknown"),
        ] {
            let new = body(&input, &more);
            adviser.post("/consultations", &new).await.violates(pointer, code);
            adviser.patch(&path, 1, &more).await.violates(pointer, code);
        }
        // Nor do the names of another site and its people make it another carrier's.
        let theirs = json!({"site_id": KASSEL, "adviser_ids": [other.id().await]});
        adviser.patch(&path, 1, &theirs).await.violates("/site_id", "site_of_another_carrier");
        // What is gone with the organisation does not stay behind.
        adviser
            .patch(&path, 1, &json!({"contact_ids": [], "organisation_id": null}))
            .await
            .expect(200);
        let with_contact = json!({"contact_ids": [of_another]});
        adviser.patch(&path, 2, &with_contact).await.violates("/contact_ids/0", "unknown");
        let one_more = before.as_i64().unwrap() + 1;
        assert_eq!(changes(&app).await, one_more, "nothing else was changed");
    });
}

#[test]
fn a_correction_names_nothing_of_others() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let ours = correction::record(&app, &adviser, &json!({})).await["id"].clone();
        let theirs = correction::record(&app, &other, &json!({})).await["id"].clone();
        let missing = correction::missing(&app, &adviser, &json!({})).await;
        let event = app.event(&other, &json!({})).await;
        let event = other.post("/events", &event).await.expect(201).id();
        let before = changes(&app).await;
        for kind in [
            json!({"kind": "change", "changes": {"minutes": 60}, "reason": "x"}),
            json!({"kind": "void", "reason": "x"}),
        ] {
            for id in [&theirs, &json!(NOWHERE), &json!(FRANKFURT)] {
                let of = body(&kind, &json!({"consultation_id": id}));
                let refused = adviser.post("/corrections", &of).await;
                refused.violates("/consultation_id", "unknown");
            }
        }
        for (more, pointer, code) in [
            (json!({"site_id": KASSEL}), "/site_id", "site_of_another_carrier"),
            (json!({"adviser_ids": [other.id().await]}), "/adviser_ids/0", "not_an_adviser"),
            (json!({"event_id": event}), "/event_id", "unknown"),
            (json!({"organisation_id": ours}), "/organisation_id", "unknown"),
        ] {
            let change = json!({"kind": "change", "consultation_id": ours, "changes": more,
                "reason": "x"});
            let refused = adviser.post("/corrections", &change).await;
            refused.violates(&format!("/changes{pointer}"), code);
            let add = json!({"kind": "add", "consultation": body(&missing, &more), "reason": "x"});
            let refused = adviser.post("/corrections", &add).await;
            refused.violates(&format!("/consultation{pointer}"), code);
        }
        assert_eq!(changes(&app).await, before, "nothing was changed");
    });
}

#[test]
fn a_recruitment_case_names_nothing_of_others() {
    both(async |app| {
        let (adviser, other) = (app.log_in("adviser").await, app.log_in("other").await);
        let another = adviser.company("Andere GmbH", &json!({})).await["id"].clone();
        let works = format!("/companies/{}/establishments", another.as_str().unwrap());
        let works = adviser.post(&works, &json!({"name": "Werk"})).await.expect(201).id();
        let input = crate::recruitment_case::input(&adviser, &json!({})).await;
        let ours = adviser.post("/recruitment-cases", &input).await.expect(201);
        let path = format!("/recruitment-cases/{}", ours.id());
        // A run of the same company that another carrier has.
        let run = json!({"company_id": input["company_id"], "site_id": KASSEL});
        let theirs = other.post("/accompaniments", &run).await.expect(201).id();
        let before = changes(&app).await;
        for (more, pointer, code) in [
            (json!({"site_id": KASSEL}), "/site_id", "site_of_another_carrier"),
            (json!({"lead_id": other.id().await}), "/lead_id", "not_an_adviser"),
            (json!({"deputy_id": other.id().await}), "/deputy_id", "not_an_adviser"),
            (json!({"establishment_id": works}), "/establishment_id", "unknown"),
            (json!({"accompaniment_id": theirs}), "/accompaniment_id", "unknown"),
            (json!({"accompaniment_id": NOWHERE}), "/accompaniment_id", "unknown"),
        ] {
            let new = body(&input, &more);
            adviser.post("/recruitment-cases", &new).await.violates(pointer, code);
            adviser.patch(&path, 1, &more).await.violates(pointer, code);
        }
        let new = body(&input, &json!({"company_id": NOWHERE}));
        adviser.post("/recruitment-cases", &new).await.violates("/company_id", "unknown");
        assert_eq!(changes(&app).await, before, "nothing was changed");
        for field in ["accompaniment_id", "lead_id", "company_id", "site_id"] {
            let found = other.get(&format!("/recruitment-cases?{field}={}", ours.id())).await;
            assert_eq!(found.expect(200).items(), &Vec::<Value>::new());
        }
    });
}

#[test]
fn references_in_the_network_fit_each_other() {
    both(async |app| {
        let admin = app.log_in("admin").await;
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Keine Dienststelle GmbH", &json!({})).await["id"].clone();
        let user = adviser.id().await;
        let before = changes(&app).await;
        let assignments = format!("/users/{user}/assignments");
        for (more, pointer, code) in [
            (json!({"site_id": KASSEL}), "/site_id", "site_of_another_carrier"),
            (json!({"site_id": company}), "/site_id", "unknown"),
            (json!({"carrier_id": company}), "/carrier_id", "unknown"),
            (json!({"carrier_id": FRANKFURT}), "/carrier_id", "unknown"),
            (json!({"carrier_id": null, "site_id": KASSEL}), "/carrier_id", "carrier_and_role"),
            (json!({"role": "admin"}), "/carrier_id", "carrier_and_role"),
        ] {
            let assignment = json!({"role": "adviser", "carrier_id": BWHW, "site_id": FRANKFURT,
                "valid_from": "2026-03-16"});
            let assignment = body(&assignment, &more);
            admin.post(&assignments, &assignment).await.violates(pointer, code);
            let new = json!({"email": "new@test.example", "name": "Nora Neumuster",
                "password": "sieben Lotsen auf dem Main", "assignment": assignment});
            admin.post("/users", &new).await.violates(&format!("/assignment{pointer}"), code);
        }
        for (path, new, pointer) in [
            (
                "/sites",
                json!({"carrier_id": user, "name": "X", "valid_from": "2026-01-01"}),
                "/carrier_id",
            ),
            (
                "/coverages",
                json!({"district_id": KASSEL, "site_id": KASSEL, "valid_from": "2026-01-01"}),
                "/district_id",
            ),
            (
                "/coverages",
                json!({"district_id": crate::harness::district("06412"), "site_id": VSB,
                    "valid_from": "2026-01-01"}),
                "/site_id",
            ),
            (
                "/districts",
                json!({"key": "06999", "kind": "county", "name": "X", "region": "Kassel",
                    "valid_from": "2026-01-01", "split_from_id": KASSEL}),
                "/split_from_id",
            ),
            (
                "/topics",
                json!({"code": "new_topic", "group": "other", "label_de": "x", "label_en": "x",
                    "valid_from": "2026-01-01", "replaced_by_id": KASSEL}),
                "/replaced_by_id",
            ),
        ] {
            admin.post(path, &new).await.violates(pointer, "unknown");
        }
        let topics = admin.get("/topics?limit=1").await.expect(200);
        let topic = format!("/topics/{}", topics.items()[0]["id"].as_str().unwrap());
        let replaced = json!({"replaced_by_id": KASSEL});
        admin.patch(&topic, 1, &replaced).await.violates("/replaced_by_id", "unknown");
        // A record of one kind is none of another.
        let company = company.as_str().unwrap();
        for path in ["consultations", "contacts", "actors", "establishments", "users", "sites"] {
            let answer = adviser.get(&format!("/{path}/{company}")).await;
            answer.problem(404, "not_found");
        }
        let session = adviser.get("/me/sessions").await.expect(200).items()[0]["id"].clone();
        let end = format!("/me/sessions/{}", session.as_str().unwrap());
        send(admin.request(Method::DELETE, &end)).await.problem(404, "not_found");
        adviser.get("/me").await.expect(200);
        assert_eq!(changes(&app).await, before, "nothing was changed");
    });
}

#[test]
fn filters_reveal_nothing_of_another_carrier() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let other = app.log_in("other").await;
        let company = adviser.company("Geteilte GmbH", &json!({})).await["id"].clone();
        let company = company.as_str().unwrap();
        let statistics = format!("/statistics?funding_period_id={PERIOD_2026}&group_by=site");
        let figures = adviser.get(&statistics).await.expect(200).body;
        let contact = json!({"name": "Cora Probstadt"});
        let contacts = format!("/companies/{company}/contacts");
        let contact = other.post(&contacts, &contact).await.expect(201).id();
        let more = json!({"organisation_id": company, "contact_ids": [contact],
            "notes": "Nur für uns", "topics": ["language"], "channel": "video"});
        let input = app.consultation(&other, &more).await;
        for _ in 0..3 {
            other.post("/consultations", &input).await.expect(201);
        }
        let adviser_id = other.id().await;
        let all = "/consultations?total=true";
        assert_eq!(other.get(all).await.expect(200).body["total"], 3);
        for filter in [
            String::new(),
            format!("&organisation_id={company}"),
            format!("&site_id={KASSEL}"),
            format!("&adviser_id={adviser_id}"),
            format!("&funding_period_id={PERIOD_2026}"),
            "&topic=language&channel=video&status=held".to_owned(),
            "&from=2026-03-02&to=2026-03-02".to_owned(),
            "&q=nur".to_owned(),
        ] {
            for path in [all.to_owned(), format!("/companies/{company}{all}")] {
                let seen = adviser.get(&format!("{path}{filter}")).await.expect(200);
                assert_eq!(seen.body["total"], 0, "{path}{filter}");
                assert!(seen.items().is_empty(), "{path}{filter}");
            }
        }
        for archived in ["true", "false"] {
            let path = format!("{contacts}?total=true&archived={archived}");
            let seen = adviser.get(&path).await.expect(200);
            assert_eq!((seen.items().len(), &seen.body["total"]), (0, &json!(0)));
        }
        let event =
            json!({"organiser_ids": [company], "topics": ["language"], "staff_ids": [adviser_id]});
        let event = other.post("/events", &app.event(&other, &event).await).await.expect(201).id();
        let guests = format!("/events/{event}/participations");
        let guest = json!({"organisation_id": company, "contact_id": contact});
        other.post(&guests, &guest).await.expect(201);
        for filter in [
            String::new(),
            format!("&organisation_id={company}"),
            format!("&site_id={KASSEL}"),
            format!("&staff_id={adviser_id}"),
            "&topic=language&kind=round_table&q=runder".to_owned(),
        ] {
            let path = format!("/events?total=true{filter}");
            assert_eq!(other.get(&path).await.expect(200).body["total"], 1, "{filter}");
            assert_eq!(adviser.get(&path).await.expect(200).body["total"], 0, "{filter}");
        }
        let run = crate::accompaniment::begun(&other, "Ihre GmbH", None, &json!({})).await;
        let (run, of_run) = (run["id"].as_str().unwrap(), run["company"]["id"].as_str().unwrap());
        let named = json!({"organisation_id": of_run, "accompaniment_id": run});
        let named = app.consultation(&other, &named).await;
        other.post("/consultations", &named).await.expect(201);
        let named = app.event(&other, &json!({"accompaniment_id": run})).await;
        other.post("/events", &named).await.expect(201);
        for path in [
            format!("/consultations?total=true&accompaniment_id={run}"),
            format!("/events?total=true&accompaniment_id={run}"),
            format!("/accompaniments?total=true&company_id={of_run}"),
            format!("/accompaniments?total=true&lead_id={adviser_id}&status=active"),
            format!("/accompaniments?total=true&site_id={KASSEL}"),
        ] {
            assert_eq!(other.get(&path).await.expect(200).body["total"], 1, "{path}");
            assert_eq!(adviser.get(&path).await.expect(200).body["total"], 0, "{path}");
        }
        let board = format!("/accompaniments/board?lead_id={adviser_id}&site_id={KASSEL}");
        assert_eq!(adviser.get(&board).await.expect(200).body["phases"], json!([]));
        // Their cursor is a place in the list, no key to it.
        let page = other.get("/consultations?limit=1").await.expect(200);
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let next = adviser.get(&format!("/consultations?limit=1&cursor={cursor}")).await;
        assert!(next.expect(200).items().is_empty());
        assert_eq!(adviser.get(&statistics).await.expect(200).body, figures);
        // Nor does the shared record tell: it does not count what others did with it.
        let record = format!("/companies/{company}");
        for path in [record.clone(), format!("{record}/history")] {
            let (ours, theirs) = (adviser.get(&path).await, other.get(&path).await);
            assert_eq!(ours.expect(200).body, theirs.expect(200).body);
        }
    });
}
