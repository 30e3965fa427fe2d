-- Reports (Berichte): figures that are frozen when they are submitted, with all that they were counted from.
CREATE TABLE reports (
    id BLOB NOT NULL PRIMARY KEY,
    -- Null: the whole network.
    carrier_id BLOB REFERENCES carriers (id),
    funding_period_id BLOB NOT NULL REFERENCES funding_periods (id),
    from_on TEXT NOT NULL,
    to_on TEXT NOT NULL,
    title TEXT NOT NULL,
    note TEXT,
    status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'accepted', 'superseded')),
    predecessor_id BLOB REFERENCES reports (id),
    submitted_at TEXT,
    submitted_by BLOB REFERENCES users (id),
    submission_note TEXT,
    accepted_at TEXT,
    accepted_by BLOB REFERENCES users (id),
    acceptance_note TEXT,
    sha256 TEXT CHECK (length(sha256) = 64),
    records INTEGER CHECK (records >= 0),
    archived_at TEXT,
    archive_reason TEXT,
    recorded_by BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT reports_window CHECK (to_on >= from_on),
    CONSTRAINT reports_submitted CHECK (
        (status = 'draft') = (submitted_at IS NULL) AND
        (submitted_at IS NULL) = (submitted_by IS NULL) AND
        (submitted_at IS NULL) = (sha256 IS NULL) AND
        (submitted_at IS NULL) = (records IS NULL) AND
        (submission_note IS NULL OR submitted_at IS NOT NULL)
    ),
    CONSTRAINT reports_accepted CHECK (
        (accepted_at IS NULL) = (accepted_by IS NULL) AND
        (status <> 'accepted' OR accepted_at IS NOT NULL) AND
        (accepted_at IS NULL OR submitted_at IS NOT NULL) AND
        (acceptance_note IS NULL OR accepted_at IS NOT NULL)
    ),
    CONSTRAINT reports_archived CHECK (
        (archived_at IS NULL) = (archive_reason IS NULL) AND
        (archived_at IS NULL OR status = 'draft')
    )
) STRICT;
CREATE INDEX reports_carrier ON reports (carrier_id, id);
CREATE INDEX reports_period ON reports (funding_period_id, status);
-- One correction takes the place of a report.
CREATE UNIQUE INDEX reports_one_correction ON reports (predecessor_id)
    WHERE predecessor_id IS NOT NULL AND status <> 'draft';

-- What was frozen. Nobody changes it, and nothing is deleted.
CREATE TABLE report_contents (
    report_id BLOB NOT NULL PRIMARY KEY REFERENCES reports (id),
    basis TEXT NOT NULL,
    -- The canonical form, whose SHA-256 stands in the report.
    content TEXT NOT NULL
) STRICT;

CREATE TABLE report_facts (
    report_id BLOB NOT NULL REFERENCES reports (id),
    kind TEXT NOT NULL CHECK (kind IN ('consultation', 'event')),
    -- The order that they were counted in.
    position INTEGER NOT NULL CHECK (position >= 0),
    -- No reference: what was reported stays when a record is erased.
    record_id BLOB NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (report_id, kind, position),
    CONSTRAINT report_facts_once UNIQUE (report_id, kind, record_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER report_contents_frozen_on_update BEFORE UPDATE ON report_contents
BEGIN
    SELECT RAISE(ABORT, 'reports_are_frozen');
END;

CREATE TRIGGER report_contents_frozen_on_delete BEFORE DELETE ON report_contents
BEGIN
    SELECT RAISE(ABORT, 'reports_are_frozen');
END;

CREATE TRIGGER report_facts_frozen_on_update BEFORE UPDATE ON report_facts
BEGIN
    SELECT RAISE(ABORT, 'reports_are_frozen');
END;

CREATE TRIGGER report_facts_frozen_on_delete BEFORE DELETE ON report_facts
BEGIN
    SELECT RAISE(ABORT, 'reports_are_frozen');
END;
