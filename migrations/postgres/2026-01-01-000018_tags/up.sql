-- Tags (Schlagwörter) of a carrier, on the companies and actors that it sorts and on its consultations.

CREATE TABLE tags (
    id UUID NOT NULL PRIMARY KEY,
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    name TEXT NOT NULL,
    -- The name folded, which lists are sorted by.
    name_key TEXT NOT NULL COLLATE "C",
    colour TEXT,
    archived_at TIMESTAMPTZ,
    archive_reason TEXT,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT tags_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL)),
    -- What the tags of organisations refer to, so that no carrier sets another one's.
    CONSTRAINT tags_of_carrier UNIQUE (carrier_id, id)
);
CREATE INDEX tags_carrier_name ON tags (carrier_id, name_key, id, archived_at);
-- The name of an archived tag is free again.
CREATE UNIQUE INDEX tags_name ON tags (carrier_id, name_key) WHERE archived_at IS NULL;

-- What a carrier says of an organisation, which itself the network shares.
CREATE TABLE organisation_tags (
    carrier_id UUID NOT NULL,
    organisation_id UUID NOT NULL REFERENCES organisations (id),
    tag_id UUID NOT NULL,
    PRIMARY KEY (carrier_id, organisation_id, tag_id),
    CONSTRAINT organisation_tags_tag FOREIGN KEY (carrier_id, tag_id)
        REFERENCES tags (carrier_id, id)
);
CREATE INDEX organisation_tags_tag ON organisation_tags (carrier_id, tag_id, organisation_id);
CREATE INDEX organisation_tags_organisation ON organisation_tags (organisation_id);

CREATE TABLE consultation_tags (
    consultation_id UUID NOT NULL REFERENCES consultations (id),
    tag_id UUID NOT NULL REFERENCES tags (id),
    PRIMARY KEY (consultation_id, tag_id)
);
CREATE INDEX consultation_tags_tag ON consultation_tags (tag_id, consultation_id);
