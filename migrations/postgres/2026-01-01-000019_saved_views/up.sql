-- Saved views (gespeicherte Ansichten): a list with a filter and an order under a name.

CREATE TABLE saved_views (
    id UUID NOT NULL PRIMARY KEY,
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    owner_id UUID NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    -- The name folded, which lists are sorted by.
    name_key TEXT NOT NULL COLLATE "C",
    list TEXT NOT NULL CHECK (list IN ('companies', 'actors', 'consultations')),
    filter JSONB NOT NULL,
    sort TEXT,
    -- For everybody of the carrier.
    shared BOOLEAN NOT NULL,
    archived_at TIMESTAMPTZ,
    archive_reason TEXT,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT saved_views_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
);
CREATE INDEX saved_views_carrier_name ON saved_views (carrier_id, name_key, id, owner_id, shared);
-- The name of an archived view is free again.
CREATE UNIQUE INDEX saved_views_name ON saved_views (owner_id, list, name_key)
    WHERE archived_at IS NULL;

-- Companies or actors by their last change.
CREATE INDEX organisations_kind_updated_at ON organisations (kind, updated_at, id, archived_at);
