-- Jobs (Aufträge): work that takes longer than a request. A server that runs one holds it by a lease; when the
-- server goes, the lease runs out and another one takes over.
CREATE TABLE jobs (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('import', 'import_undo', 'bulk')),
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    -- On whose behalf it runs: what this person may not do, the job may not.
    requested_by BLOB NOT NULL REFERENCES users (id),
    -- The record that it works on; which kind of record follows from the kind of job.
    subject_id BLOB NOT NULL,
    done INTEGER NOT NULL CHECK (done >= 0),
    total INTEGER CHECK (total >= 0),
    cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    problem TEXT,
    lease BLOB,
    leased_until TEXT,
    -- Not before then, after it failed for a reason that passes.
    due_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT jobs_leased CHECK (
        (status = 'running') = (lease IS NOT NULL) AND (lease IS NULL) = (leased_until IS NULL)
    ),
    CONSTRAINT jobs_ended CHECK ((status IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
) STRICT;
CREATE INDEX jobs_waiting ON jobs (due_at, id) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_carrier ON jobs (carrier_id, id);
-- One at a time works on a record.
CREATE UNIQUE INDEX jobs_one_of_a_subject ON jobs (subject_id) WHERE status IN ('queued', 'running');

-- Imports: a file, what it means, and what came of it.
CREATE TABLE imports (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    recorded_by BLOB NOT NULL REFERENCES users (id),
    target TEXT NOT NULL CHECK (
        target IN ('companies', 'actors', 'contacts', 'consultations', 'events')
    ),
    name TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('csv', 'xlsx')),
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    detected TEXT NOT NULL,
    -- Proposed, until somebody confirmed them.
    settings TEXT NOT NULL,
    confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    status TEXT NOT NULL CHECK (status IN ('draft', 'started', 'done', 'undo_started', 'undone')),
    -- SHA-256 of content and settings, while what it did holds.
    fingerprint BLOB CHECK (length(fingerprint) = 32),
    run_job_id BLOB REFERENCES jobs (id),
    undo_job_id BLOB REFERENCES jobs (id),
    -- The file and what stands in its cells is not kept for ever.
    file_removed_at TEXT,
    created INTEGER NOT NULL CHECK (created >= 0),
    updated INTEGER NOT NULL CHECK (updated >= 0),
    unchanged INTEGER NOT NULL CHECK (unchanged >= 0),
    skipped INTEGER NOT NULL CHECK (skipped >= 0),
    refused INTEGER NOT NULL CHECK (refused >= 0),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT imports_confirmed CHECK (status = 'draft' OR confirmed <> 0),
    CONSTRAINT imports_run CHECK ((status = 'draft') = (run_job_id IS NULL))
) STRICT;
CREATE INDEX imports_carrier ON imports (carrier_id, id);
-- The same file with the same settings works once.
CREATE UNIQUE INDEX imports_once ON imports (carrier_id, fingerprint) WHERE fingerprint IS NOT NULL;

-- Settings under a name, for files that come again and again.
CREATE TABLE import_profiles (
    id BLOB NOT NULL PRIMARY KEY,
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    recorded_by BLOB NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    -- The name folded, which lists are sorted by.
    name_key TEXT NOT NULL,
    target TEXT NOT NULL CHECK (
        target IN ('companies', 'actors', 'contacts', 'consultations', 'events')
    ),
    settings TEXT NOT NULL,
    archived_at TEXT,
    archive_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT import_profiles_archived CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) STRICT;
CREATE INDEX import_profiles_carrier_name ON import_profiles (carrier_id, name_key, id);
-- The name of an archived profile is free again.
CREATE UNIQUE INDEX import_profiles_name ON import_profiles (carrier_id, target, name_key)
    WHERE archived_at IS NULL;

-- The file. It is committed with its import, and every server of the installation reads it.
CREATE TABLE import_chunks (
    import_id BLOB NOT NULL REFERENCES imports (id),
    number INTEGER NOT NULL CHECK (number >= 0),
    content BLOB NOT NULL,
    PRIMARY KEY (import_id, number)
) STRICT;

-- What came of each row, written in the transaction that did it.
CREATE TABLE import_rows (
    import_id BLOB NOT NULL REFERENCES imports (id),
    -- The line of the table, the header being the first.
    number INTEGER NOT NULL CHECK (number >= 1),
    outcome TEXT NOT NULL CHECK (outcome IN ('created', 'updated', 'unchanged', 'skipped', 'refused')),
    record_id BLOB,
    -- The version that came of it. Undoing takes back this one and no later one.
    record_version INTEGER,
    -- The command form of the record as it was before it was updated.
    old TEXT,
    -- Of a row that was refused.
    cells TEXT,
    errors TEXT NOT NULL,
    undone TEXT CHECK (undone IN ('taken_back', 'changed_since', 'in_use', 'refused')),
    PRIMARY KEY (import_id, number),
    CONSTRAINT import_rows_record CHECK (
        (outcome NOT IN ('created', 'updated')) OR (record_id IS NOT NULL AND record_version IS NOT NULL)
    ),
    CONSTRAINT import_rows_old CHECK ((outcome = 'updated') = (old IS NOT NULL)),
    CONSTRAINT import_rows_cells CHECK (outcome = 'refused' OR cells IS NULL)
) STRICT;
-- Taking back looks for earlier rows of the same record.
CREATE INDEX import_rows_record ON import_rows (import_id, record_id);
CREATE INDEX import_rows_outcome ON import_rows (import_id, outcome, number);
CREATE INDEX import_rows_to_undo ON import_rows (import_id, number)
    WHERE outcome IN ('created', 'updated') AND undone IS NULL;

-- Rows of a file are matched by it.
CREATE INDEX company_profiles_register_number ON company_profiles (register_number)
    WHERE register_number IS NOT NULL;
