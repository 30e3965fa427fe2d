-- The name of an archived series is free again. SQLite drops no constraint of a table that is there, so it is
-- made anew, under its name: what refers to it is looked at when the step is committed.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE event_series_old AS SELECT * FROM event_series;
DROP TABLE event_series;
CREATE TABLE event_series (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT,
    archived_at TEXT,
    archive_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT event_series_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) STRICT;
INSERT INTO event_series SELECT * FROM event_series_old;
DROP TABLE event_series_old;
CREATE INDEX event_series_carrier_name ON event_series (carrier_id, name_key, id, archived_at);
CREATE UNIQUE INDEX event_series_name ON event_series (carrier_id, name_key)
    WHERE archived_at IS NULL;
