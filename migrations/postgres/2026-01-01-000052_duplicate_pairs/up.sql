-- Pairs of organisations of one kind that look alike. The server finds them by itself and compares them anew when
-- one of both changes. None is deleted: that somebody said they are two is remembered.
CREATE TABLE duplicate_pairs (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'actor')),
    first_organisation_id UUID NOT NULL REFERENCES organisations (id),
    second_organisation_id UUID NOT NULL REFERENCES organisations (id),
    -- In hundredths; 0 when they do not look alike any more.
    score INTEGER NOT NULL CHECK (score BETWEEN 0 AND 100),
    reasons JSONB NOT NULL,
    dismissed_at TIMESTAMPTZ,
    dismissed_by UUID REFERENCES users (id),
    dismiss_reason TEXT,
    -- What spoke for the pair when it was dismissed.
    dismissed_reasons JSONB,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT duplicate_pairs_of_two CHECK (first_organisation_id < second_organisation_id),
    CONSTRAINT duplicate_pairs_once UNIQUE (first_organisation_id, second_organisation_id),
    CONSTRAINT duplicate_pairs_dismissed CHECK (
        (dismissed_at IS NULL) = (dismissed_by IS NULL) AND
        (dismissed_at IS NULL) = (dismiss_reason IS NULL) AND
        (dismissed_at IS NULL) = (dismissed_reasons IS NULL)
    )
);
CREATE INDEX duplicate_pairs_score ON duplicate_pairs (score DESC, id);
CREATE INDEX duplicate_pairs_second ON duplicate_pairs (second_organisation_id);

-- A pair is of no interest while one of both is archived; one that was merged is.
CREATE VIEW duplicate_pair_rows AS
SELECT
    p.id,
    p.kind,
    p.first_organisation_id,
    p.second_organisation_id,
    p.score,
    p.reasons,
    p.dismissed_at,
    p.dismissed_by,
    p.dismiss_reason,
    p.dismissed_reasons,
    p.version,
    p.created_at,
    p.updated_at,
    f.archived_at IS NOT NULL OR s.archived_at IS NOT NULL AS archived
FROM duplicate_pairs p
JOIN organisations f ON f.id = p.first_organisation_id
JOIN organisations s ON s.id = p.second_organisation_id;

-- Which version of an organisation was compared with the others, by which version of the rule.
CREATE TABLE duplicate_checks (
    organisation_id UUID NOT NULL PRIMARY KEY REFERENCES organisations (id),
    version BIGINT NOT NULL,
    rule INTEGER NOT NULL
);

-- From which scores it is asked and shown, in hundredths.
CREATE TABLE duplicate_settings (
    id UUID NOT NULL PRIMARY KEY,
    ask_from INTEGER NOT NULL CHECK (ask_from BETWEEN 60 AND 100),
    queue_from INTEGER NOT NULL CHECK (queue_from BETWEEN 60 AND 100),
    version BIGINT NOT NULL CHECK (version >= 1),
    updated_at TIMESTAMPTZ NOT NULL,
    -- There is one row.
    CONSTRAINT duplicate_settings_once CHECK (id = '01890000-0000-7000-8000-00000000dd01')
);
INSERT INTO duplicate_settings (id, ask_from, queue_from, version, updated_at)
VALUES ('01890000-0000-7000-8000-00000000dd01', 60, 60, 1, '2026-01-01T00:00:00.000000Z');
