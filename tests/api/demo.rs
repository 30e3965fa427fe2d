//! The demonstration data is what the documentation says of it.

use lotse_domain::organisation::Origin;

use crate::harness::both;

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
        assert!(data.tagged.len() > 100);
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
        let districts: std::collections::HashSet<_> =
            data.consultations.iter().filter_map(|c| Some(c.district.as_ref()?.id)).collect();
        assert_eq!(districts.len(), 26, "every district of the time");
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
