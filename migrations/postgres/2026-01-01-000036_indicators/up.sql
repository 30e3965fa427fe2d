-- Indicators (Indikatoren): named figures by rules that have versions.
CREATE TABLE indicators (
    id UUID NOT NULL PRIMARY KEY,
    code TEXT NOT NULL COLLATE "C",
    version_number INTEGER NOT NULL CHECK (version_number >= 1),
    status TEXT NOT NULL CHECK (status IN ('draft', 'active', 'retired')),
    label_de TEXT NOT NULL,
    label_en TEXT NOT NULL,
    text_de TEXT NOT NULL,
    text_en TEXT NOT NULL,
    source TEXT,
    -- Read and written as a whole, and frozen with the version.
    rule JSONB NOT NULL,
    activated_at TIMESTAMPTZ,
    -- Null for what ships with the program.
    activated_by UUID REFERENCES users (id),
    retired_at TIMESTAMPTZ,
    retired_by UUID REFERENCES users (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT indicators_version UNIQUE (code, version_number),
    CONSTRAINT indicators_activated CHECK (
        (status = 'draft') = (activated_at IS NULL) AND
        (activated_by IS NULL OR activated_at IS NOT NULL)
    ),
    CONSTRAINT indicators_retired CHECK (
        (status = 'retired') = (retired_at IS NOT NULL) AND
        (retired_by IS NULL OR retired_at IS NOT NULL)
    )
);
CREATE UNIQUE INDEX indicators_one_active ON indicators (code) WHERE status = 'active';
CREATE UNIQUE INDEX indicators_one_draft ON indicators (code) WHERE status = 'draft';

-- What a carrier has agreed with its funder.
ALTER TABLE carriers ADD COLUMN chambers_are_public BOOLEAN NOT NULL DEFAULT FALSE;
