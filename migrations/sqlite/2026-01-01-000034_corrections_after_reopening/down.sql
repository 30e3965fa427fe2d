DROP INDEX corrections_moved_to;
ALTER TABLE corrections DROP COLUMN moved_to_id;
ALTER TABLE corrections DROP COLUMN record_version;
