-- Corrections (Korrektureinträge): what the records of a closed funding period should have said. They
-- stand beside the records, and no figure is read from them.

CREATE TABLE corrections (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    -- That of the record, or of the date of the one that is missing.
    funding_period_id BLOB NOT NULL REFERENCES funding_periods (id),
    kind TEXT NOT NULL CHECK (kind IN ('change', 'void', 'add')),
    -- Null: a record is missing.
    consultation_id BLOB REFERENCES consultations (id),
    -- Among those of the record, in the order of entry.
    position INTEGER CHECK (position >= 0),
    -- Field, old and new.
    differences TEXT NOT NULL,
    -- The whole record as it should read.
    corrected TEXT,
    reason TEXT NOT NULL,
    withdrawn_at TEXT,
    withdrawn_by BLOB REFERENCES users (id),
    withdraw_reason TEXT,
    recorded_by BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT corrections_in_order UNIQUE (consultation_id, position),
    CONSTRAINT corrections_kind CHECK (
        (kind = 'add') = (consultation_id IS NULL) AND
        (kind = 'add') = (position IS NULL) AND
        (kind = 'void') = (corrected IS NULL)
    ),
    CONSTRAINT corrections_withdrawn CHECK (
        (withdrawn_at IS NULL) = (withdrawn_by IS NULL) AND
        (withdrawn_at IS NULL) = (withdraw_reason IS NULL)
    )
) STRICT;
CREATE INDEX corrections_carrier_created_at ON corrections (carrier_id, created_at, id);
CREATE INDEX corrections_period_created_at ON corrections (funding_period_id, created_at, id);
-- Nothing is voided twice.
CREATE UNIQUE INDEX corrections_one_void ON corrections (consultation_id)
    WHERE kind = 'void' AND withdrawn_at IS NULL;
