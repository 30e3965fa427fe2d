//! The same steps under the same names on both databases, each with a working down.

use lotse_persistence::migrations;

use crate::harness::both;

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
