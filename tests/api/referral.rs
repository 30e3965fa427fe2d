//! Referrals: to whom, why, with whose consent, what was answered, what came of it.

use serde_json::{Value, json};

use crate::harness::{Answer, Session, body, both, both_with, redacted};
use crate::hostile::NOWHERE;

/// A referral of the organisation to the actor that are named, with whatever else is given.
pub async fn create(session: &Session, more: &Value) -> Value {
    let referral = body(&json!({"reason": "Anerkennung einer Pflegequalifikation"}), more);
    session.post("/referrals", &referral).await.expect(201).body
}

fn path(referral: &Value) -> String {
    format!("/referrals/{}", referral["id"].as_str().unwrap())
}

async fn act(session: &Session, referral: &Value, what: &str, body: &Value) -> Answer {
    let version = format!("\"{}\"", referral["version"]);
    let path = format!("{}/{what}", path(referral));
    session.post_with(&path, &[("If-Match", &version)], body).await
}

#[test]
fn a_referral_goes_from_a_consultation_to_what_came_of_it() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let company = adviser.company("Verweis GmbH", &json!({})).await;
        let actor = adviser.actor("Anerkennungsstelle", "recognition_body").await;
        let input = app.consultation(&adviser, &json!({"organisation_id": company["id"]})).await;
        let held = adviser.post("/consultations", &input).await.expect(201);
        let new = adviser
            .post(
                "/referrals",
                &json!({
                    "consultation_id": held.id(),
                    "actor_id": actor["id"],
                    "reason": "Anerkennung einer Pflegequalifikation",
                    "consent_on": "2026-03-02",
                    "note": "Zwei Personen,\nUnterlagen vollständig.",
                    "referred_on": "2026-03-03",
                }),
            )
            .await
            .expect(201);
        insta::assert_snapshot!("referral", redacted(&new.body));
        assert_eq!(new.header("location"), format!("/api/v1{}", path(&new.body)));
        assert_eq!(new.body["organisation"]["id"], company["id"], "that of the consultation");
        assert_eq!(new.body["answer_due_on"], "2026-03-17");
        let read = adviser.get(&path(&new.body)).await.expect(200);
        assert_eq!(read.body, new.body, "what is answered is what is stored");

        let later = json!({"answer_due_on": "2026-03-20", "owner_id": colleague.id().await});
        let later = adviser.patch(&path(&new.body), 1, &later).await.expect(200).body;
        let answer = json!({"answer": "accepted", "answered_on": "2026-03-10", "note": "Termin"});
        let accepted = act(&adviser, &later, "answer", &answer).await.expect(200).body;
        assert_eq!(accepted["status"], "accepted");
        act(&adviser, &accepted, "answer", &answer).await.problem(409, "wrong_state");
        let change = json!({"reason": "x"});
        adviser.patch(&path(&new.body), 3, &change).await.problem(409, "wrong_state");
        let early = json!({"result": "x", "closed_on": "2026-03-09"});
        act(&adviser, &accepted, "close", &early).await.violates("/closed_on", "before_start");
        let result = json!({"result": "Volle Anerkennung"});
        let closed = act(&adviser, &accepted, "close", &result).await.expect(200).body;
        assert_eq!(
            (&closed["status"], &closed["closed"]["on"]),
            (&json!("closed"), &json!("2026-03-16"))
        );
        let refused = act(&adviser, &closed, "withdraw", &json!({"reason": "x"})).await;
        let refused = refused.problem(409, "wrong_state");
        assert_eq!(refused.body["detail"], "The referral is closed.");
        act(&adviser, &closed, "close", &result).await.problem(409, "wrong_state");
        let history = adviser.get(&format!("{}/history", path(&new.body))).await.expect(200);
        insta::assert_snapshot!("referral_history", redacted(&history.body));
    });
}

#[test]
fn an_answer_may_be_no_or_never_come() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Absage GmbH", &json!({})).await["id"].clone();
        let actor = adviser.actor("Kammer", "chamber_industry").await["id"].clone();
        let names = json!({"organisation_id": company, "actor_id": actor});
        let declined = create(&adviser, &names).await;
        let no = json!({"answer": "declined"});
        let declined = act(&adviser, &declined, "answer", &no).await.expect(200).body;
        assert_eq!(
            (&declined["status"], &declined["answered"]["on"]),
            (&json!("declined"), &json!("2026-03-16"))
        );
        let silent = create(&adviser, &names).await;
        let closed = act(&adviser, &silent, "close", &json!({"result": "Keine Antwort"})).await;
        assert_eq!(closed.expect(200).body["answered"], json!(null));
        let wrong = create(&adviser, &names).await;
        let reason = json!({"reason": "Falsche Stelle"});
        let withdrawn = act(&adviser, &wrong, "withdraw", &reason).await.expect(200).body;
        assert_eq!(
            (&withdrawn["status"], &withdrawn["withdrawn"]["reason"]),
            (&json!("withdrawn"), &json!("Falsche Stelle"))
        );
        for what in ["answer", "close", "withdraw"] {
            let body = match what {
                "answer" => &no,
                "close" => &json!({"result": "x"}),
                _ => &reason,
            };
            act(&adviser, &withdrawn, what, body).await.problem(409, "wrong_state");
        }
    });
}

#[test]
fn each_rule_of_a_referral_by_itself() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let other = app.log_in("other").await;
        let id = |record: Value| record["id"].clone();
        let company = id(adviser.company("Regel GmbH", &json!({})).await);
        let another = id(adviser.company("Andere GmbH", &json!({})).await);
        let person = json!({"legal_form": "freelance"});
        let person = id(adviser.company("Praxis Probstadt", &person).await);
        let actor = id(adviser.actor("Kammer", "chamber_industry").await);
        let gone = id(adviser.actor("Alte Kammer", "chamber_industry").await);
        let archive = format!("/actors/{}/archive", gone.as_str().unwrap());
        let reason = json!({"reason": "x"});
        adviser.post_with(&archive, &[("If-Match", "\"1\"")], &reason).await.expect(200);
        let log = async |session: &Session, more: Value| {
            let input = app.consultation(session, &more).await;
            session.post("/consultations", &input).await.expect(201).id()
        };
        let held = log(&adviser, json!({"organisation_id": company})).await;
        let anonymous = log(&adviser, json!({})).await;
        let theirs = log(&other, json!({"organisation_id": company})).await;

        let good = json!({"organisation_id": company, "actor_id": actor, "reason": "Anerkennung"});
        for (more, pointer, code) in [
            (json!({"reason": ""}), "/reason", "empty"),
            (json!({"reason": "x".repeat(501)}), "/reason", "too_long"),
            (json!({"note": "x".repeat(5001)}), "/note", "too_long"),
            (json!({"referred_on": "2026-03-17"}), "/referred_on", "in_the_future"),
            (json!({"consent_on": "2026-03-17"}), "/consent_on", "in_the_future"),
            (json!({"answer_due_on": "2026-03-15"}), "/answer_due_on", "before_start"),
            (json!({"referred_on": "-2026-03-15"}), "/referred_on", "wrong_type"),
            (json!({"owner_id": other.id().await}), "/owner_id", "not_an_adviser"),
            (json!({"owner_id": NOWHERE}), "/owner_id", "not_an_adviser"),
            (json!({"consultation_id": theirs}), "/consultation_id", "unknown"),
            (json!({"consultation_id": NOWHERE}), "/consultation_id", "unknown"),
            (json!({"organisation_id": NOWHERE}), "/organisation_id", "unknown"),
            (json!({"organisation_id": null}), "/organisation_id", "missing"),
            (
                json!({"organisation_id": null, "consultation_id": anonymous}),
                "/organisation_id",
                "missing",
            ),
            (json!({"consultation_id": anonymous}), "/organisation_id", "not_of_the_consultation"),
            (
                json!({"consultation_id": held, "organisation_id": another}),
                "/organisation_id",
                "not_of_the_consultation",
            ),
            (json!({"actor_id": NOWHERE}), "/actor_id", "unknown"),
            (json!({"actor_id": another}), "/actor_id", "unknown"),
            (json!({"actor_id": gone}), "/actor_id", "archived"),
            (
                json!({"actor_id": actor, "organisation_id": actor}),
                "/actor_id",
                "same_organisation",
            ),
            (
                json!({"organisation_id": person, "note": "Unterlagen liegen bei"}),
                "/consent_on",
                "consent_needed",
            ),
        ] {
            adviser.post("/referrals", &body(&good, &more)).await.violates(pointer, code);
        }
        let all = adviser.get("/referrals?total=true").await.expect(200);
        assert_eq!(all.body["total"], 0);
        // Without a note nothing personal is passed on; with consent it may be.
        for more in [
            json!({"organisation_id": person}),
            json!({"organisation_id": person, "note": "x", "consent_on": "2026-03-16"}),
            json!({"note": "x"}),
        ] {
            create(&adviser, &body(&good, &more)).await;
        }

        let new = create(&adviser, &good).await;
        for (more, pointer, code) in [
            (json!({"actor_id": another}), "/actor_id", "unknown"),
            (json!({"consultation_id": theirs}), "/consultation_id", "unknown"),
            (
                json!({"consultation_id": held, "organisation_id": another}),
                "/organisation_id",
                "not_of_the_consultation",
            ),
            (json!({"organisation_id": null}), "/organisation_id", "missing"),
            (json!({"organisation_id": person, "note": "x"}), "/consent_on", "consent_needed"),
        ] {
            adviser.patch(&path(&new), 1, &more).await.violates(pointer, code);
        }
        for (what, input, pointer, code) in [
            ("answer", json!({"answer": "perhaps"}), "/answer", "wrong_type"),
            (
                "answer",
                json!({"answer": "accepted", "answered_on": "2026-03-17"}),
                "/answered_on",
                "in_the_future",
            ),
            (
                "answer",
                json!({"answer": "accepted", "answered_on": "2026-03-15"}),
                "/answered_on",
                "before_start",
            ),
            (
                "answer",
                json!({"answer": "accepted", "note": "x".repeat(2001)}),
                "/note",
                "too_long",
            ),
            ("close", json!({"result": " "}), "/result", "empty"),
            ("close", json!({"result": "x".repeat(2001)}), "/result", "too_long"),
            (
                "close",
                json!({"result": "x", "closed_on": "2026-03-17"}),
                "/closed_on",
                "in_the_future",
            ),
            ("withdraw", json!({"reason": " "}), "/reason", "empty"),
        ] {
            act(&adviser, &new, what, &input).await.violates(pointer, code);
        }
        assert_eq!(adviser.get(&path(&new)).await.expect(200).body, new, "nothing was changed");
        // The organisation of the consultation is corrected; the referral stays what it was.
        let with = json!({"consultation_id": held});
        adviser.patch(&path(&new), 1, &with).await.expect(200);
        let corrected = json!({"organisation_id": another});
        adviser.patch(&format!("/consultations/{held}"), 1, &corrected).await.expect(200);
        let noted = adviser.patch(&path(&new), 2, &json!({"note": "x"})).await.expect(200).body;
        assert_eq!(noted["organisation"]["id"], company);
        assert_eq!(noted["consultation"]["organisation"]["id"], another);
    });
}

#[test]
fn colleagues_record_answers_and_others_see_no_referral() {
    both(async |app| {
        let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
        let (manager, theirs) = (app.log_in("manager").await, app.log_in("other.manager").await);
        let company = adviser.company("Geheim GmbH", &json!({})).await["id"].clone();
        let actor = adviser.actor("Kammer", "other").await["id"].clone();
        let new = create(&adviser, &json!({"organisation_id": company, "actor_id": actor})).await;
        let one = path(&new);
        colleague.get(&one).await.expect(200);
        colleague.patch(&one, 1, &json!({"reason": "x"})).await.problem(403, "forbidden");
        let reason = json!({"reason": "x"});
        act(&colleague, &new, "withdraw", &reason).await.problem(403, "forbidden");
        theirs.get(&one).await.problem(404, "not_found");
        theirs.get(&format!("{one}/history")).await.problem(404, "not_found");
        theirs.patch(&one, 1, &json!({"reason": "x"})).await.problem(404, "not_found");
        act(&theirs, &new, "withdraw", &reason).await.problem(404, "not_found");
        let filter = format!("/referrals?total=true&organisation_id={}", company.as_str().unwrap());
        assert_eq!(theirs.get(&filter).await.expect(200).body["total"], 0);
        for user in ["coordinator", "admin", "data.protection"] {
            app.log_in(user).await.get(&one).await.problem(403, "forbidden");
        }
        let yes = json!({"answer": "accepted"});
        let answered = act(&colleague, &new, "answer", &yes).await.expect(200).body;
        assert_eq!(answered["answered"]["by"]["id"], json!(colleague.id().await));
        act(&manager, &answered, "withdraw", &reason).await.expect(200);
    });
}

#[test]
fn lists_of_referrals_filter_by_everything() {
    both_with(
        |config| config.referral_answer_days = 7,
        async |app| {
            let (adviser, colleague) = (app.log_in("adviser").await, app.log_in("colleague").await);
            let them = colleague.id().await;
            let id = |record: Value| record["id"].as_str().unwrap().to_owned();
            let company = id(adviser.company("Filter GmbH", &json!({})).await);
            let another = id(adviser.company("Andere GmbH", &json!({})).await);
            let actor = id(adviser.actor("Kammer", "other").await);
            let second = id(adviser.actor("Behörde", "other").await);
            let held = app.consultation(&adviser, &json!({"organisation_id": company})).await;
            let held = adviser.post("/consultations", &held).await.expect(201).id();
            let named = |reason: &str, referred_on: &str, more: &Value| {
                let referral = json!({"reason": reason, "referred_on": referred_on,
                    "organisation_id": another, "actor_id": actor});
                body(&referral, more)
            };
            create(&adviser, &named("a", "2026-03-01", &json!({}))).await;
            let of_held = json!({"organisation_id": company, "consultation_id": held});
            let b = create(&adviser, &named("b", "2026-03-02", &of_held)).await;
            let c = create(&adviser, &named("c", "2026-03-03", &json!({"actor_id": second}))).await;
            let d = create(&adviser, &named("d", "2026-03-04", &json!({"owner_id": them}))).await;
            let e = create(&adviser, &named("e", "2026-03-05", &json!({}))).await;
            let late = json!({"answer_due_on": "2026-04-30"});
            create(&adviser, &named("f", "2026-03-06", &late)).await;
            act(&adviser, &b, "answer", &json!({"answer": "accepted"})).await.expect(200);
            act(&adviser, &c, "answer", &json!({"answer": "declined"})).await.expect(200);
            let d = act(&adviser, &d, "answer", &json!({"answer": "accepted"})).await;
            act(&adviser, &d.expect(200).body, "close", &json!({"result": "x"})).await.expect(200);
            act(&adviser, &e, "withdraw", &json!({"reason": "x"})).await.expect(200);
            for (filter, reasons) in [
                (String::new(), "fedcba"),
                ("sort=referred_on".to_owned(), "abcdef"),
                ("sort=answer_due_on".to_owned(), "abcdef"),
                ("status=open".to_owned(), "fa"),
                ("status=accepted".to_owned(), "b"),
                ("status=declined".to_owned(), "c"),
                ("status=closed".to_owned(), "d"),
                ("status=withdrawn".to_owned(), "e"),
                (format!("consultation_id={held}"), "b"),
                (format!("organisation_id={company}"), "b"),
                (format!("actor_id={second}"), "c"),
                (format!("owner_id={them}"), "d"),
                ("unanswered_on=2026-03-07".to_owned(), ""),
                ("unanswered_on=2026-03-08".to_owned(), "a"),
                ("unanswered_on=2026-04-30&sort=answer_due_on".to_owned(), "af"),
                ("from=2026-03-02&to=2026-03-03".to_owned(), "cb"),
            ] {
                let listed = adviser.get(&format!("/referrals?{filter}")).await.expect(200);
                let found: String =
                    listed.items().iter().map(|r| r["reason"].as_str().unwrap()).collect();
                assert_eq!(found, reasons, "{filter}");
            }
            for (sort, reasons) in
                [("referred_on", "abcdef"), ("-referred_on", "fedcba"), ("answer_due_on", "abcdef")]
            {
                let mut found = String::new();
                let mut next = format!("/referrals?sort={sort}&limit=2");
                loop {
                    let page = adviser.get(&next).await.expect(200);
                    found.extend(page.items().iter().map(|r| r["reason"].as_str().unwrap()));
                    let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                    next = format!("/referrals?sort={sort}&limit=2&cursor={cursor}");
                }
                assert_eq!(found, reasons, "{sort}");
            }
        },
    );
}

#[test]
fn of_two_answers_one_is_recorded() {
    both(async |app| {
        let adviser = app.log_in("adviser").await;
        let company = adviser.company("Zwei GmbH", &json!({})).await["id"].clone();
        let actor = adviser.actor("Kammer", "other").await["id"].clone();
        let names = json!({"organisation_id": company, "actor_id": actor, "reason": "x"});
        let key = [("Idempotency-Key", "double-click")];
        let (one, two) = tokio::join!(
            adviser.post_with("/referrals", &key, &names),
            adviser.post_with("/referrals", &key, &names)
        );
        let (one, two) = (one.expect(201).body, two.expect(201).body);
        assert_eq!(one, two);
        let (yes, no) = (json!({"answer": "accepted"}), json!({"answer": "declined"}));
        let (first, second) =
            tokio::join!(act(&adviser, &one, "answer", &yes), act(&adviser, &one, "answer", &no));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    });
}
