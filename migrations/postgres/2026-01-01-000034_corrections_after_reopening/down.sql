ALTER TABLE corrections DROP COLUMN record_version;
