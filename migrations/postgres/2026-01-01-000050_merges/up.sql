-- Merges of organisations, each with a ledger of what it moved, so that it can be taken back.

CREATE TABLE organisation_merges (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'actor')),
    survivor_id UUID NOT NULL REFERENCES organisations (id),
    -- It stays as an archived record that leads to the survivor.
    merged_id UUID NOT NULL REFERENCES organisations (id),
    reason TEXT,
    -- Fields in which the two differed: both values, and whose was kept.
    fields JSONB NOT NULL,
    -- How many rows moved, by reference and carrier.
    moved JSONB NOT NULL,
    merged_by UUID NOT NULL REFERENCES users (id),
    undone_at TIMESTAMPTZ,
    undone_by UUID REFERENCES users (id),
    undo_reason TEXT,
    -- What could not be separated.
    remainders JSONB,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT organisation_merges_of_two CHECK (survivor_id <> merged_id),
    CONSTRAINT organisation_merges_undone CHECK (
        (undone_at IS NULL) = (undone_by IS NULL) AND
        (undone_at IS NULL) = (undo_reason IS NULL) AND
        (undone_at IS NULL) = (remainders IS NULL)
    )
);
-- Nothing is merged into two.
CREATE UNIQUE INDEX organisation_merges_once ON organisation_merges (merged_id)
    WHERE undone_at IS NULL;
CREATE INDEX organisation_merges_survivor ON organisation_merges (survivor_id, id);
CREATE INDEX organisation_merges_merged ON organisation_merges (merged_id, id);

-- The ledger: one entry for each row and column that a merge changed.
CREATE TABLE organisation_merge_rows (
    merge_id UUID NOT NULL REFERENCES organisation_merges (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    reference TEXT NOT NULL,
    table_name TEXT NOT NULL,
    -- The record; of a list, the record that has it.
    row_id UUID NOT NULL,
    -- The place in the list.
    row_position INTEGER,
    carrier_id UUID REFERENCES carriers (id),
    column_name TEXT NOT NULL,
    old_value JSONB,
    new_value JSONB,
    -- What stood in a row that could not go to the survivor beside one that is there.
    kept JSONB,
    PRIMARY KEY (merge_id, position)
);
CREATE INDEX organisation_merge_rows_row ON organisation_merge_rows (merge_id, reference, row_id);

-- What an organisation was when it was advised stays on record when it is merged into another one, and when
-- that is taken back.
CREATE OR REPLACE FUNCTION consultation_classes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF EXISTS (
            SELECT 1 FROM organisation_merges m
            WHERE m.undone_at IS NULL AND (
                m.merged_id = OLD.organisation_id AND m.survivor_id = NEW.organisation_id OR
                m.survivor_id = OLD.organisation_id AND m.merged_id = NEW.organisation_id
            )
        ) THEN
            RETURN NEW;
        END IF;
    END IF;
    NEW.size_class = NULL;
    NEW.section = NULL;
    NEW.actor_type = NULL;
    SELECT p.size_class, p.classification || ':' || p.section, o.actor_type
    INTO NEW.size_class, NEW.section, NEW.actor_type
    FROM organisations o
    LEFT JOIN company_profiles p ON p.organisation_id = o.id
    WHERE o.id = NEW.organisation_id;
    RETURN NEW;
END
$$;
