-- Bulk changes (Sammeländerungen): one change of many records, each by its own rules.
CREATE TABLE bulk_changes (
    id UUID NOT NULL PRIMARY KEY,
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    recorded_by UUID NOT NULL REFERENCES users (id),
    target TEXT NOT NULL CHECK (
        target IN ('companies', 'actors', 'contacts', 'consultations', 'tasks', 'referrals')
    ),
    -- By which the records were selected; null when they were named by their ids.
    filter JSONB,
    change JSONB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'started', 'done')),
    job_id UUID REFERENCES jobs (id),
    selected BIGINT NOT NULL CHECK (selected >= 0),
    changed BIGINT NOT NULL CHECK (changed >= 0),
    unchanged BIGINT NOT NULL CHECK (unchanged >= 0),
    changed_since BIGINT NOT NULL CHECK (changed_since >= 0),
    refused BIGINT NOT NULL CHECK (refused >= 0),
    not_found BIGINT NOT NULL CHECK (not_found >= 0),
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT bulk_changes_run CHECK ((status = 'draft') = (job_id IS NULL))
);
CREATE INDEX bulk_changes_carrier ON bulk_changes (carrier_id, id);

-- The records, as they were selected, and what came of each, written in the transaction that changed it.
CREATE TABLE bulk_change_rows (
    bulk_change_id UUID NOT NULL REFERENCES bulk_changes (id),
    number BIGINT NOT NULL CHECK (number >= 1),
    -- Which kind of record follows from the target.
    record_id UUID NOT NULL,
    -- Null where there was no such record.
    record_version BIGINT,
    outcome TEXT CHECK (outcome IN ('changed', 'unchanged', 'changed_since', 'refused', 'not_found')),
    errors JSONB NOT NULL,
    PRIMARY KEY (bulk_change_id, number),
    CONSTRAINT bulk_change_rows_once UNIQUE (bulk_change_id, record_id)
);
CREATE INDEX bulk_change_rows_outcome ON bulk_change_rows (bulk_change_id, outcome, number);
