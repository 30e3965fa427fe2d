-- Bulk changes (Sammeländerungen): one change of many records, each by its own rules.
CREATE TABLE bulk_changes (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    recorded_by BLOB NOT NULL REFERENCES users (id),
    target TEXT NOT NULL CHECK (
        target IN ('companies', 'actors', 'contacts', 'consultations', 'tasks', 'referrals')
    ),
    -- By which the records were selected; null when they were named by their ids.
    filter TEXT,
    change TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'started', 'done')),
    job_id BLOB REFERENCES jobs (id),
    selected INTEGER NOT NULL CHECK (selected >= 0),
    changed INTEGER NOT NULL CHECK (changed >= 0),
    unchanged INTEGER NOT NULL CHECK (unchanged >= 0),
    changed_since INTEGER NOT NULL CHECK (changed_since >= 0),
    refused INTEGER NOT NULL CHECK (refused >= 0),
    not_found INTEGER NOT NULL CHECK (not_found >= 0),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT bulk_changes_run CHECK ((status = 'draft') = (job_id IS NULL))
) STRICT;
CREATE INDEX bulk_changes_carrier ON bulk_changes (carrier_id, id);

-- The records, as they were selected, and what came of each, written in the transaction that changed it.
CREATE TABLE bulk_change_rows (
    bulk_change_id BLOB NOT NULL REFERENCES bulk_changes (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    -- Which kind of record follows from the target.
    record_id BLOB NOT NULL,
    -- Null where there was no such record.
    record_version INTEGER,
    outcome TEXT CHECK (outcome IN ('changed', 'unchanged', 'changed_since', 'refused', 'not_found')),
    errors TEXT NOT NULL,
    PRIMARY KEY (bulk_change_id, number),
    CONSTRAINT bulk_change_rows_once UNIQUE (bulk_change_id, record_id)
) STRICT;
CREATE INDEX bulk_change_rows_outcome ON bulk_change_rows (bulk_change_id, outcome, number);
