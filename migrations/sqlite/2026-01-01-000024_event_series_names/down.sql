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
    CONSTRAINT event_series_name UNIQUE (carrier_id, name_key),
    CONSTRAINT event_series_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) STRICT;
-- Names are taken for ever again, so of those that have the same one all but the latest are told apart.
INSERT INTO event_series
SELECT id, carrier_id, name,
    CASE WHEN EXISTS (
        SELECT 1 FROM event_series_old o
        WHERE o.carrier_id = s.carrier_id AND o.name_key = s.name_key AND o.id > s.id
    ) THEN name_key || ' ' || lower(hex(id)) ELSE name_key END,
    description, archived_at, archive_reason, version, created_at, updated_at
FROM event_series_old s;
DROP TABLE event_series_old;
