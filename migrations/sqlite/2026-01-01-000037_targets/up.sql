-- Targets (Soll) of carriers for indicators.
CREATE TABLE targets (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    funding_period_id BLOB NOT NULL REFERENCES funding_periods (id),
    -- Code: what is to be reached stays when its rule gets another version.
    indicator TEXT NOT NULL,
    -- Null: the whole period.
    year INTEGER,
    quarter INTEGER CHECK (quarter BETWEEN 1 AND 4),
    -- Null: the whole carrier.
    site_id BLOB REFERENCES sites (id),
    value INTEGER NOT NULL CHECK (value >= 1),
    note TEXT,
    archived_at TEXT,
    archive_reason TEXT,
    recorded_by BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT targets_quarter CHECK (quarter IS NULL OR year IS NOT NULL),
    CONSTRAINT targets_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) STRICT;
-- One for each indicator, time and place.
CREATE UNIQUE INDEX targets_once ON targets (
    carrier_id, funding_period_id, indicator, coalesce(year, 0), coalesce(quarter, 0),
    coalesce(site_id, x'')
) WHERE archived_at IS NULL;
CREATE INDEX targets_period ON targets (funding_period_id, carrier_id);
