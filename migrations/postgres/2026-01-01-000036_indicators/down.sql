ALTER TABLE carriers DROP COLUMN chambers_are_public;
DROP TABLE indicators;
