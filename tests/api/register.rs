//! Companies, establishments, actors, contacts, search.

use serde_json::json;

use crate::harness::{both, district, redacted};

#[test]
fn a_company_with_everything() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser
            .post(
                "/companies",
                &json!({
                    "name": "  Müßigbräu Metallbau GmbH ",
                    "legal_form": "gmbh",
                    "register_number": "HRB 00000 Frankfurt am Main",
                    "vat_id": "de 123456788",
                    "website": "muessigbraeu.example/start",
                    "address": {"street": "Musterweg 1", "postcode": "60311", "city": "Frankfurt am Main"},
                    "district_id": district("06412"),
                    "industry": {"classification": "wz2008", "code": "25.61"},
                    "size": {"staff": 42, "turnover_eur": 8_000_000, "reference_year": 2024, "basis": "verified"},
                    "foreign_staff_experience": false,
                    "collective_agreement": true,
                    "heard_of_us": "chamber"
                }),
            )
            .await
            .expect(201);
        insta::assert_snapshot!("company", redacted(&company.body));
        let path = format!("/companies/{}", company.id());
        let read = adviser.get(&path).await.expect(200);
        assert_eq!(read.body, company.body, "what is answered is what is stored");

        // Null clears, absent stays; the class is derived anew.
        let patch = json!({"size": {"staff": 300}, "vat_id": null, "address": {"street": null}});
        let changed = adviser.patch(&path, 1, &patch).await.expect(200);
        assert_eq!(changed.body["size"]["class"], "large");
        assert_eq!(changed.body["size"]["turnover_eur"], 8_000_000, "merged into the figures");
        assert_eq!(changed.body["vat_id"], json!(null));
        assert_eq!(changed.body["address"]["street"], json!(null));
        assert_eq!(changed.body["address"]["city"], "Frankfurt am Main");
        assert_eq!(changed.body["industry"], company.body["industry"]);
        assert_eq!(adviser.get(&path).await.expect(200).body, changed.body);
    });
}

#[test]
fn the_register_is_shared_and_contacts_are_not() {
    both(async |app| {
        let (ours, theirs) = (app.log_in("adviser").await, app.log_in("other").await);
        let company = ours.company("Gemeinsam GmbH", &json!({})).await;
        let path = format!("/companies/{}", company["id"].as_str().unwrap());
        theirs.get(&path).await.expect(200);
        let contact = json!({
            "name": "Cora Probstadt", "function": "Personalleitung", "email": "Cora@Example.test",
            "language": "de",
            "purposes": [{"purpose": "consultation", "legal_basis": "public_task"}]
        });
        let new = ours.post(&format!("{path}/contacts"), &contact).await.expect(201);
        insta::assert_snapshot!("contact", redacted(&new.body));
        let one = format!("/contacts/{}", new.id());
        ours.get(&one).await.expect(200);

        // Another carrier: neither read nor listed nor changed nor archived.
        theirs.get(&one).await.problem(404, "not_found");
        theirs.get(&format!("{one}/history")).await.problem(404, "not_found");
        theirs.patch(&one, 1, &json!({"name": "Mine now"})).await.problem(404, "not_found");
        theirs
            .post_with(&format!("{one}/archive"), &[("If-Match", "\"1\"")], &json!({"reason": "x"}))
            .await
            .problem(404, "not_found");
        let listed = theirs.get(&format!("{path}/contacts?total=true")).await.expect(200);
        assert_eq!((listed.items().len(), &listed.body["total"]), (0, &json!(0)));
        assert_eq!(ours.get(&one).await.expect(200).body, new.body, "unchanged");

        let gone = ours
            .post_with(
                &format!("{one}/archive"),
                &[("If-Match", "\"1\"")],
                &json!({"reason": "Left"}),
            )
            .await
            .expect(200);
        assert_eq!(gone.body["archived"]["reason"], "Left");
        let contacts = format!("{path}/contacts");
        assert!(ours.get(&contacts).await.expect(200).items().is_empty());
        let all = ours.get(&format!("{contacts}?archived=true")).await.expect(200);
        assert_eq!(all.items().len(), 1);
    });
}

#[test]
fn search_folds_case_umlauts_accents_and_punctuation() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        for name in
            ["Müller & Söhne GmbH", "Mueller Bau KG", "Café Größenwahn", "AB Technik", "Zeta"]
        {
            adviser.company(name, &json!({})).await;
        }
        adviser.actor("Handwerkskammer Müllerstadt", "chamber_crafts").await;
        let found = async |path: &str, typed: &str| -> Vec<String> {
            let url = format!("{path}?q={}", typed.replace(' ', "%20").replace('&', "%26"));
            let answer = adviser.get(&url).await.expect(200);
            answer.items().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        let mueller = ["Handwerkskammer Müllerstadt", "Mueller Bau KG", "Müller & Söhne GmbH"];
        for typed in ["müller", "MUELLER", "uelle"] {
            assert_eq!(found("/organisations", typed).await, mueller, "{typed}");
        }
        // Without the dots it finds who is written with them.
        for typed in ["muller", "ULLER"] {
            assert_eq!(found("/companies", typed).await, ["Müller & Söhne GmbH"], "{typed}");
        }
        assert_eq!(found("/organisations", "söhne müller").await, ["Müller & Söhne GmbH"]);
        assert_eq!(found("/organisations", "cafe gross").await, ["Café Größenwahn"]);
        // One and two letters work too, and so does a word of each.
        assert_eq!(found("/companies", "ab").await, ["AB Technik"]);
        assert_eq!(found("/companies", "z").await, ["Zeta"]);
        assert_eq!(found("/companies", "ab tech").await, ["AB Technik"]);
        for nothing in ["xyz", "&%", "müller xyz", "\"", "zeta OR mueller"] {
            let typed = nothing.replace('%', "%25").replace('"', "%22");
            assert!(found("/organisations", &typed).await.is_empty(), "{nothing}");
        }
        // Renaming and archiving move with the search.
        let zeta = adviser.get("/companies?q=zeta").await.expect(200).items()[0].clone();
        let path = format!("/companies/{}", zeta["id"].as_str().unwrap());
        adviser.patch(&path, 1, &json!({"name": "Omega"})).await.expect(200);
        assert!(found("/companies", "zeta").await.is_empty());
        assert_eq!(found("/companies", "omega").await, ["Omega"]);
        adviser
            .post_with(
                &format!("{path}/archive"),
                &[("If-Match", "\"2\"")],
                &json!({"reason": "Closed"}),
            )
            .await
            .expect(200);
        assert!(found("/companies", "omega").await.is_empty());
        let archived = adviser.get("/companies?q=omega&archived=true").await.expect(200);
        assert_eq!(archived.items()[0]["archived"]["reason"], "Closed");
        adviser.patch(&path, 3, &json!({"name": "Back"})).await.problem(409, "archived");
    });
}

#[test]
fn establishments_belong_to_their_company() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Zentrale AG", &json!({})).await;
        let path = format!("/companies/{}/establishments", company["id"].as_str().unwrap());
        let works = json!({
            "name": "Werk Gießen",
            "address": {"postcode": "35390", "city": "Gießen"},
            "district_id": district("06531")
        });
        let new = adviser.post(&path, &works).await.expect(201);
        insta::assert_snapshot!("establishment", redacted(&new.body));
        assert_eq!(adviser.get(&path).await.expect(200).items()[0], new.body);
        let one = format!("/establishments/{}", new.id());
        adviser.patch(&one, 1, &json!({"district_id": null})).await.expect(200);
        adviser
            .patch(&one, 2, &json!({"company": "other"}))
            .await
            .violates("/company", "unknown_field");
        // An actor has none.
        let actor = adviser.actor("IHK Muster", "chamber_industry").await;
        let of_actor = format!("/companies/{}/establishments", actor["id"].as_str().unwrap());
        adviser.post(&of_actor, &works).await.problem(404, "not_found");
        adviser.get(&of_actor).await.problem(404, "not_found");
    });
}

#[test]
fn a_company_is_no_actor() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Firma", &json!({})).await;
        let actor = adviser.actor("Behörde", "immigration_authority").await;
        let (company, actor) = (company["id"].as_str().unwrap(), actor["id"].as_str().unwrap());
        adviser.get(&format!("/actors/{company}")).await.problem(404, "not_found");
        adviser.get(&format!("/companies/{actor}")).await.problem(404, "not_found");
        adviser.get(&format!("/companies/{actor}/contacts")).await.problem(404, "not_found");
        adviser.get(&format!("/actors/{actor}/contacts")).await.expect(200);
        adviser.get(&format!("/actors/{company}/consultations")).await.problem(404, "not_found");
    });
}

#[test]
fn lists_filter_and_page() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        for number in 0..7 {
            let size = json!({"size": {"staff": if number % 2 == 0 { 5 } else { 60 }}});
            adviser.company(&format!("Firma {number}"), &size).await;
        }
        let mut path = "/companies?limit=3&total=true".to_owned();
        let mut names = Vec::new();
        loop {
            let page = adviser.get(&path).await.expect(200);
            assert!(page.items().len() <= 3);
            assert_eq!(page.body["total"], 7);
            names.extend(page.items().iter().map(|c| c["name"].as_str().unwrap().to_owned()));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/companies?limit=3&total=true&cursor={cursor}");
        }
        assert_eq!(names, (0..7).map(|n| format!("Firma {n}")).collect::<Vec<_>>());
        let micro = adviser.get("/companies?size_class=micro&total=true").await.expect(200);
        assert_eq!(micro.body["total"], 4);
        let page = adviser.get("/companies?size_class=micro&limit=1").await.expect(200);
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let other = adviser.get(&format!("/companies?size_class=small&cursor={cursor}")).await;
        let other = other.problem(400, "malformed_query");
        assert_eq!(other.body["errors"][0]["code"], "cursor_of_another_query");
        adviser.get(&format!("/actors?cursor={cursor}")).await.problem(400, "malformed_query");
    });
}

#[test]
fn a_postcode_tells_the_district_by_what_is_on_record() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let district = async |key: &str| {
            let found = adviser.get(&format!("/districts?key={key}")).await.expect(200);
            found.items()[0]["id"].as_str().unwrap().to_owned()
        };
        let (frankfurt, offenbach) = (district("06412").await, district("06413").await);
        let place = |postcode: &str, district: &str| json!({"address": {"postcode": postcode}, "district_id": district});
        for (name, postcode, district) in [
            ("Eins GmbH", "61999", &frankfurt),
            ("Zwei GmbH", "61999", &frankfurt),
            ("Drei GmbH", "61999", &offenbach),
            ("Vier GmbH", "61998", &offenbach),
        ] {
            adviser.company(name, &place(postcode, district)).await;
        }
        let abroad = json!({"address": {"postcode": "61999", "country": "AT"}});
        adviser.company("Fern GmbH", &abroad).await;
        let archived = adviser.company("Alt GmbH", &place("61999", &offenbach)).await;
        let path = format!("/companies/{}/archive", archived["id"].as_str().unwrap());
        let reason = json!({"reason": "Geschlossen"});
        adviser.post_with(&path, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let one = adviser.company("Mit Werk GmbH", &json!({})).await;
        let works = format!("/companies/{}/establishments", one["id"].as_str().unwrap());
        let mut body = place("61999", &frankfurt);
        body["name"] = json!("Werk");
        adviser.post(&works, &body).await.expect(201);

        let found = async |postcode: &str| {
            let path = format!("/districts/candidates?postcode={postcode}");
            let body = adviser.get(&path).await.expect(200).body;
            let candidates = body["candidates"].as_array().unwrap().iter();
            let listed: Vec<_> = candidates
                .map(|it| {
                    let key = it["key"].as_str().unwrap().to_owned();
                    (key, it["addresses"].as_i64().unwrap(), it["share"].as_f64().unwrap())
                })
                .collect();
            (body["digits"].as_i64().unwrap(), listed)
        };
        let listed = |rows: &[(&str, i64, f64)]| {
            rows.iter().map(|(key, n, share)| ((*key).to_owned(), *n, *share)).collect::<Vec<_>>()
        };
        let exact = listed(&[("06412", 3, 0.75), ("06413", 1, 0.25)]);
        assert_eq!(found("61999").await, (5, exact));
        assert_eq!(found("61998").await, (5, listed(&[("06413", 1, 1.0)])));
        let near = listed(&[("06412", 3, 0.6), ("06413", 2, 0.4)]);
        assert_eq!(found("61997").await, (3, near));
        assert_eq!(found("99999").await, (3, vec![]));
        for wrong in ["6199", "6199x", ""] {
            let path = format!("/districts/candidates?postcode={wrong}");
            adviser.get(&path).await.problem(400, "malformed_query");
        }
        adviser.get("/districts/candidates").await.problem(400, "malformed_query");
    });
}
