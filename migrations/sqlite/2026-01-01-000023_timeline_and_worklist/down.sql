DROP VIEW organisation_events;
DROP VIEW organisations_with_open_tasks;
DROP INDEX tasks_open;
DROP VIEW organisation_gaps;
DROP INDEX organisations_without_district;
DROP INDEX company_profiles_gaps;
DROP VIEW advised_organisations;
DROP TABLE last_contacts;
