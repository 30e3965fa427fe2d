//! The demonstration data is what the documentation says of it.

use lotse_domain::accompaniment::{Accompaniment, AccompanimentStatus};
use lotse_domain::code::Code;
use lotse_domain::organisation::Origin;
use lotse_domain::programme_template::RecruitmentProcedure;
use lotse_domain::recruitment_case::{
    RecruitmentCase, RecruitmentCaseStatus, RecruitmentClosed, RecruitmentOutcome,
};

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::harness::{PASSWORD, PERIOD_2019, PERIOD_2026, both};

#[test]
fn the_demonstration_data_looks_like_the_period_2019_to_2022() {
    both(async |app| {
        let network = lotse_app::demo::network(&app.app).unwrap();
        let data = lotse_server::demo::make(&network).unwrap();
        let again = lotse_server::demo::make(&network).unwrap();
        assert_eq!(data.consultations, again.consultations, "always the same");
        assert_eq!((&data.tags, &data.tagged), (&again.tags, &again.tagged));
        assert_eq!(data.saved_views, again.saved_views);
        assert_eq!(data.saved_views.iter().filter(|view| view.shared).count(), 1);
        assert_eq!(data.tagged_consultations, again.tagged_consultations);
        assert!(data.tagged.len() > 100 && data.tagged_consultations.len() > 100);
        assert!(data.consultations.len() > 3000);
        assert!(data.companies.iter().all(|company| company.origin == Origin::Synthetic));
        assert!(data.actors.iter().all(|actor| actor.origin == Origin::Synthetic));
        assert!(data.consultations.iter().any(|c| c.voided.is_some()));
        assert!(data.consultations.iter().any(|c| c.organisation.is_none()));
        assert!(data.consultations.iter().any(|c| c.advisers.len() > 1));
        let backdated = |c: &&lotse_domain::consultation::Consultation| {
            (c.created_at.date_naive() - c.held_on).num_days() > 14
        };
        assert!(data.consultations.iter().filter(backdated).count() > 50);
        assert_eq!((&data.tasks, &data.referrals), (&again.tasks, &again.referrals));
        assert!(data.tasks.len() > 50 && data.referrals.len() > 40);
        let left =
            |task: &&lotse_domain::task::Task| task.done.is_none() && task.cancelled.is_none();
        assert!(
            data.tasks.iter().filter(left).all(|task| task.due_on.to_string().as_str() >= "2026")
        );
        let waits = |referral: &&lotse_domain::referral::Referral| {
            referral.status == lotse_domain::referral::ReferralStatus::Open
        };
        assert!(data.tasks.iter().filter(left).count() > 5, "the worklist has something to show");
        assert!(data.referrals.iter().filter(waits).count() > 3);
        assert_eq!(data.accompaniments, again.accompaniments, "always the same");
        assert_eq!(data.recruitment_cases, again.recruitment_cases, "always the same");
        let districts: std::collections::HashSet<_> =
            data.consultations.iter().filter_map(|c| Some(c.district.as_ref()?.id)).collect();
        assert_eq!(districts.len(), 26, "every district of the time");
    });
}

#[test]
fn the_demonstration_shows_accompaniments_and_cases_in_every_state() {
    both(async |app| {
        let network = lotse_app::demo::network(&app.app).unwrap();
        let data = lotse_server::demo::make(&network).unwrap();
        let today = "2026-10-30".parse().unwrap();
        let runs = &data.accompaniments;
        let of_status = |status| runs.iter().filter(|run| run.status(today) == status).count();
        for status in AccompanimentStatus::all() {
            assert!(of_status(status) > 0, "none is {}", status.code());
        }
        let old = |run: &&Accompaniment| run.requested_on.to_string().as_str() < "2026";
        assert!((60..70).contains(&runs.iter().filter(old).count()));
        assert!(runs.iter().filter(old).all(|run| !run.is_open()), "what is past is over");
        assert!(of_status(AccompanimentStatus::Completed) > 35);
        let completed: Vec<bool> = runs.iter().filter_map(Accompaniment::was_on_time).collect();
        assert!(completed.contains(&true) && completed.contains(&false), "some were late");
        assert!(runs.iter().filter(|run| !run.pauses.is_empty()).count() > 10);
        // Another day than first planned, without a pause: somebody planned anew.
        let replanned = |run: &&Accompaniment| {
            run.pauses.is_empty()
                && run.steps.iter().any(|step| step.planned_on != step.baseline_on)
        };
        assert!(runs.iter().any(|run| replanned(&run)));
        let board: Vec<_> = runs.iter().filter_map(|run| run.board_row(today)).collect();
        let tracks: std::collections::HashSet<_> =
            board.iter().map(|row| row.track.code()).collect();
        assert!(board.len() > 4 && tracks.len() > 1, "the board has something to show");

        let cases = &data.recruitment_cases;
        assert_eq!(cases.len(), 40);
        for status in RecruitmentCaseStatus::all() {
            assert!(cases.iter().any(|case| case.status() == status), "none is {}", status.code());
        }
        for procedure in RecruitmentProcedure::all() {
            assert!(cases.iter().any(|case| case.procedure == procedure));
        }
        let hired = |case: &&RecruitmentCase| {
            let started =
                |closed: &RecruitmentClosed| closed.outcome == RecruitmentOutcome::WorkStarted;
            case.closed.as_ref().is_some_and(started)
        };
        assert!(cases.iter().filter(hired).any(|case| case.accompaniment.is_some()));
        for case in cases.iter().filter(|case| case.accompaniment.is_some()) {
            let run = case.accompaniment.as_ref().unwrap();
            let run = runs.iter().find(|found| found.reference() == *run).unwrap();
            assert_eq!((&run.company, &run.carrier), (&case.company, &case.carrier));
        }
    });
}

#[test]
fn real_data_is_not_mixed_with_made_up_data() {
    both(async |app| {
        // The test's users are there already.
        let refused = lotse_server::demo::fill_if_empty(&app.app).unwrap_err();
        assert!(refused.to_string().contains("has users already"), "{refused}");
    });
}

#[test]
fn the_demonstration_shows_the_events_that_were_reported() {
    both(async |app| {
        // Made-up data goes into an empty installation.
        app.connect().batch_execute("DELETE FROM user_assignments; DELETE FROM users").unwrap();
        let network = lotse_app::demo::network(&app.app).unwrap();
        let data = lotse_server::demo::make(&network).unwrap();
        let again = lotse_server::demo::make(&network).unwrap();
        assert_eq!(data.events, again.events, "always the same");
        assert_eq!(data.participations, again.participations, "always the same");
        // Consultations are most of it, and no event refers to one; tags, tasks and referrals do.
        let data = lotse_app::demo::Data {
            consultations: Vec::new(),
            tagged_consultations: Vec::new(),
            tasks: Vec::new(),
            referrals: Vec::new(),
            ..data
        };
        lotse_app::demo::fill(&app.app, &data, PASSWORD, &|_| ()).unwrap();
        let log_in = async |user: &str| {
            let log_in = json!({"email": format!("{user}@demo.example"), "password": PASSWORD});
            let answer = app.anonymous().post("/auth/login", &log_in).await.expect(200).body;
            app.with_token(answer["access_token"].as_str().unwrap())
        };
        let figures = async |user: &str, period: &str| {
            let path = format!("/statistics/events?funding_period_id={period}&group_by=kind");
            log_in(user).await.get(&path).await.expect(200).body
        };
        let events = |figures: &Value| {
            let groups = figures["groups"].as_array().unwrap();
            let of = |group: &Value| {
                let code = group["key"]["kind"]["code"].as_str().unwrap().to_owned();
                (code, group["events"].as_i64().unwrap())
            };
            groups.iter().map(of).collect::<Vec<_>>()
        };
        let reported = [("conference".to_owned(), 3), ("round_table".to_owned(), 35)];
        for user in ["manager", "adviser"] {
            let of_2019 = figures(user, PERIOD_2019).await;
            let mut found = events(&of_2019);
            found.sort();
            assert_eq!(found, reported, "{user}");
            assert_eq!(of_2019["totals"]["events"], 38);
            assert!(of_2019["totals"]["participations"].as_i64().unwrap() > 500);
            assert!(of_2019["totals"]["unnamed"].as_i64().unwrap() > 10);
        }
        let network = figures("coordinator", PERIOD_2019).await;
        assert!(network["totals"]["events"].as_i64().unwrap() > 38, "with those of Kassel");
        let lately = figures("manager", PERIOD_2026).await;
        assert_eq!(lately["totals"]["events"], 2, "what is planned was not held");
        let manager = log_in("manager").await;
        let planned = manager.get("/events?status=planned").await.expect(200);
        assert_eq!(planned.items().len(), 2);
        assert!(planned.items()[0]["participations"]["registered"].as_i64().unwrap() > 10);
    });
}
