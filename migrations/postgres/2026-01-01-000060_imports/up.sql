-- Jobs (Aufträge): work that takes longer than a request. A server that runs one holds it by a lease; when the
-- server goes, the lease runs out and another one takes over.
CREATE TABLE jobs (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('import', 'import_undo', 'bulk')),
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    -- On whose behalf it runs: what this person may not do, the job may not.
    requested_by UUID NOT NULL REFERENCES users (id),
    -- The record that it works on; which kind of record follows from the kind of job.
    subject_id UUID NOT NULL,
    done BIGINT NOT NULL CHECK (done >= 0),
    total BIGINT CHECK (total >= 0),
    cancel_requested BOOLEAN NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    problem TEXT,
    lease UUID,
    leased_until TIMESTAMPTZ,
    -- Not before then, after it failed for a reason that passes.
    due_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT jobs_leased CHECK (
        (status = 'running') = (lease IS NOT NULL) AND (lease IS NULL) = (leased_until IS NULL)
    ),
    CONSTRAINT jobs_ended CHECK ((status IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX jobs_waiting ON jobs (due_at, id) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_carrier ON jobs (carrier_id, id);
-- One at a time works on a record.
CREATE UNIQUE INDEX jobs_one_of_a_subject ON jobs (subject_id) WHERE status IN ('queued', 'running');

-- Imports: a file, what it means, and what came of it.
CREATE TABLE imports (
    id UUID NOT NULL PRIMARY KEY,
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    recorded_by UUID NOT NULL REFERENCES users (id),
    target TEXT NOT NULL CHECK (
        target IN ('companies', 'actors', 'contacts', 'consultations', 'events')
    ),
    name TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('csv', 'xlsx')),
    bytes BIGINT NOT NULL CHECK (bytes > 0),
    sha256 BYTEA NOT NULL CHECK (length(sha256) = 32),
    detected JSONB NOT NULL,
    -- Proposed, until somebody confirmed them.
    settings JSONB NOT NULL,
    confirmed BOOLEAN NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'started', 'done', 'undo_started', 'undone')),
    -- SHA-256 of content and settings, while what it did holds.
    fingerprint BYTEA CHECK (length(fingerprint) = 32),
    run_job_id UUID REFERENCES jobs (id),
    undo_job_id UUID REFERENCES jobs (id),
    -- The file and what stands in its cells is not kept for ever.
    file_removed_at TIMESTAMPTZ,
    created BIGINT NOT NULL CHECK (created >= 0),
    updated BIGINT NOT NULL CHECK (updated >= 0),
    unchanged BIGINT NOT NULL CHECK (unchanged >= 0),
    skipped BIGINT NOT NULL CHECK (skipped >= 0),
    refused BIGINT NOT NULL CHECK (refused >= 0),
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT imports_confirmed CHECK (status = 'draft' OR confirmed),
    CONSTRAINT imports_run CHECK ((status = 'draft') = (run_job_id IS NULL))
);
CREATE INDEX imports_carrier ON imports (carrier_id, id);
-- The same file with the same settings works once.
CREATE UNIQUE INDEX imports_once ON imports (carrier_id, fingerprint) WHERE fingerprint IS NOT NULL;

-- Settings under a name, for files that come again and again.
CREATE TABLE import_profiles (
    id UUID NOT NULL PRIMARY KEY,
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    recorded_by UUID NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    -- The name folded, which lists are sorted by.
    name_key TEXT NOT NULL COLLATE "C",
    target TEXT NOT NULL CHECK (
        target IN ('companies', 'actors', 'contacts', 'consultations', 'events')
    ),
    settings JSONB NOT NULL,
    archived_at TIMESTAMPTZ,
    archive_reason TEXT,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT import_profiles_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
);
CREATE INDEX import_profiles_carrier_name ON import_profiles (carrier_id, name_key, id);
-- The name of an archived profile is free again.
CREATE UNIQUE INDEX import_profiles_name ON import_profiles (carrier_id, target, name_key)
    WHERE archived_at IS NULL;

-- The file. It is committed with its import, and every server of the installation reads it.
CREATE TABLE import_chunks (
    import_id UUID NOT NULL REFERENCES imports (id),
    number BIGINT NOT NULL CHECK (number >= 0),
    content BYTEA NOT NULL,
    PRIMARY KEY (import_id, number)
);

-- What came of each row, written in the transaction that did it.
CREATE TABLE import_rows (
    import_id UUID NOT NULL REFERENCES imports (id),
    -- The line of the table, the header being the first.
    number BIGINT NOT NULL CHECK (number >= 1),
    outcome TEXT NOT NULL CHECK (outcome IN ('created', 'updated', 'unchanged', 'skipped', 'refused')),
    record_id UUID,
    -- The version that came of it. Undoing takes back this one and no later one.
    record_version BIGINT,
    -- The command form of the record as it was before it was updated.
    old JSONB,
    -- Of a row that was refused.
    cells JSONB,
    errors JSONB NOT NULL,
    undone TEXT CHECK (undone IN ('taken_back', 'changed_since', 'in_use', 'refused')),
    PRIMARY KEY (import_id, number),
    CONSTRAINT import_rows_record CHECK (
        (outcome NOT IN ('created', 'updated')) OR (record_id IS NOT NULL AND record_version IS NOT NULL)
    ),
    CONSTRAINT import_rows_old CHECK ((outcome = 'updated') = (old IS NOT NULL)),
    CONSTRAINT import_rows_cells CHECK (outcome = 'refused' OR cells IS NULL)
);
-- Taking back looks for earlier rows of the same record.
CREATE INDEX import_rows_record ON import_rows (import_id, record_id);
CREATE INDEX import_rows_outcome ON import_rows (import_id, outcome, number);
CREATE INDEX import_rows_to_undo ON import_rows (import_id, number)
    WHERE outcome IN ('created', 'updated') AND undone IS NULL;

-- Rows of a file are matched by it.
CREATE INDEX company_profiles_register_number ON company_profiles (register_number)
    WHERE register_number IS NOT NULL;
