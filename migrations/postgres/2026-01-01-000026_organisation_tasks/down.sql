DROP VIEW organisation_tasks;
