-- Targets (Soll) of carriers for indicators.
CREATE TABLE targets (
    id UUID NOT NULL PRIMARY KEY,
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    funding_period_id UUID NOT NULL REFERENCES funding_periods (id),
    -- Code: what is to be reached stays when its rule gets another version.
    indicator TEXT NOT NULL,
    -- Null: the whole period.
    year INTEGER,
    quarter INTEGER CHECK (quarter BETWEEN 1 AND 4),
    -- Null: the whole carrier.
    site_id UUID REFERENCES sites (id),
    value BIGINT NOT NULL CHECK (value >= 1),
    note TEXT,
    archived_at TIMESTAMPTZ,
    archive_reason TEXT,
    recorded_by UUID NOT NULL REFERENCES users (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT targets_quarter CHECK (quarter IS NULL OR year IS NOT NULL),
    CONSTRAINT targets_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
);
-- One for each indicator, time and place.
CREATE UNIQUE INDEX targets_once ON targets (
    carrier_id, funding_period_id, indicator, coalesce(year, 0), coalesce(quarter, 0),
    coalesce(site_id, '00000000-0000-0000-0000-000000000000'::uuid)
) WHERE archived_at IS NULL;
CREATE INDEX targets_period ON targets (funding_period_id, carrier_id);
