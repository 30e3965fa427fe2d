DROP VIEW organisation_events;
DROP VIEW organisations_with_open_tasks;
DROP INDEX tasks_open;
DROP INDEX company_profiles_reported;
DROP INDEX organisations_reported;
DROP VIEW advised_organisations;
DROP TABLE last_contacts;
