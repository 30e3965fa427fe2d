-- Merges of organisations, each with a ledger of what it moved, so that it can be taken back.

CREATE TABLE organisation_merges (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('company', 'actor')),
    survivor_id BLOB NOT NULL REFERENCES organisations (id),
    -- It stays as an archived record that leads to the survivor.
    merged_id BLOB NOT NULL REFERENCES organisations (id),
    reason TEXT,
    -- Fields in which the two differed: both values, and whose was kept.
    fields TEXT NOT NULL,
    -- How many rows moved, by reference and carrier.
    moved TEXT NOT NULL,
    merged_by BLOB NOT NULL REFERENCES users (id),
    undone_at TEXT,
    undone_by BLOB REFERENCES users (id),
    undo_reason TEXT,
    -- What could not be separated.
    remainders TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT organisation_merges_of_two CHECK (survivor_id <> merged_id),
    CONSTRAINT organisation_merges_undone CHECK (
        (undone_at IS NULL) = (undone_by IS NULL) AND
        (undone_at IS NULL) = (undo_reason IS NULL) AND
        (undone_at IS NULL) = (remainders IS NULL)
    )
) STRICT;
-- Nothing is merged into two.
CREATE UNIQUE INDEX organisation_merges_once ON organisation_merges (merged_id)
    WHERE undone_at IS NULL;
CREATE INDEX organisation_merges_survivor ON organisation_merges (survivor_id, id);
CREATE INDEX organisation_merges_merged ON organisation_merges (merged_id, id);

-- The ledger: one entry for each row and column that a merge changed.
CREATE TABLE organisation_merge_rows (
    merge_id BLOB NOT NULL REFERENCES organisation_merges (id),
    position INTEGER NOT NULL CHECK (position >= 0),
    reference TEXT NOT NULL,
    table_name TEXT NOT NULL,
    -- The record; of a list, the record that has it.
    row_id BLOB NOT NULL,
    -- The place in the list.
    row_position INTEGER,
    carrier_id BLOB REFERENCES carriers (id),
    column_name TEXT NOT NULL,
    old_value TEXT,
    new_value TEXT,
    -- What stood in a row that could not go to the survivor beside one that is there.
    kept TEXT,
    PRIMARY KEY (merge_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX organisation_merge_rows_row ON organisation_merge_rows (merge_id, reference, row_id);

-- What an organisation was when it was advised stays on record when it is merged into another one, and when
-- that is taken back.
DROP TRIGGER consultation_classes_on_update;
CREATE TRIGGER consultation_classes_on_update AFTER UPDATE OF organisation_id ON consultations
WHEN OLD.organisation_id IS NOT NEW.organisation_id AND NOT EXISTS (
    SELECT 1 FROM organisation_merges m
    WHERE m.undone_at IS NULL AND (
        m.merged_id = OLD.organisation_id AND m.survivor_id = NEW.organisation_id OR
        m.survivor_id = OLD.organisation_id AND m.merged_id = NEW.organisation_id
    )
)
BEGIN
    UPDATE consultations
    SET
        size_class = (
            SELECT p.size_class FROM company_profiles p WHERE p.organisation_id = NEW.organisation_id
        ),
        section = (
            SELECT p.classification || ':' || p.section
            FROM company_profiles p
            WHERE p.organisation_id = NEW.organisation_id
        ),
        actor_type = (SELECT o.actor_type FROM organisations o WHERE o.id = NEW.organisation_id)
    WHERE id = NEW.id;
END;
