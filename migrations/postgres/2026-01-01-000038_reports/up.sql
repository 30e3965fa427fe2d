-- Reports (Berichte): figures that are frozen when they are submitted, with all that they were counted from.
CREATE TABLE reports (
    id UUID NOT NULL PRIMARY KEY,
    -- Null: the whole network.
    carrier_id UUID REFERENCES carriers (id),
    funding_period_id UUID NOT NULL REFERENCES funding_periods (id),
    from_on DATE NOT NULL,
    to_on DATE NOT NULL,
    title TEXT NOT NULL,
    note TEXT,
    status TEXT NOT NULL CHECK (status IN ('draft', 'submitted', 'accepted', 'superseded')),
    predecessor_id UUID REFERENCES reports (id),
    submitted_at TIMESTAMPTZ,
    submitted_by UUID REFERENCES users (id),
    submission_note TEXT,
    accepted_at TIMESTAMPTZ,
    accepted_by UUID REFERENCES users (id),
    acceptance_note TEXT,
    sha256 TEXT CHECK (length(sha256) = 64),
    records BIGINT CHECK (records >= 0),
    archived_at TIMESTAMPTZ,
    archive_reason TEXT,
    recorded_by UUID NOT NULL REFERENCES users (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
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
);
CREATE INDEX reports_carrier ON reports (carrier_id, id);
CREATE INDEX reports_period ON reports (funding_period_id, status);
-- One correction takes the place of a report.
CREATE UNIQUE INDEX reports_one_correction ON reports (predecessor_id)
    WHERE predecessor_id IS NOT NULL AND status <> 'draft';

-- What was frozen. Nobody changes it, and nothing is deleted.
CREATE TABLE report_contents (
    report_id UUID NOT NULL PRIMARY KEY REFERENCES reports (id),
    basis JSONB NOT NULL,
    -- The canonical form, whose SHA-256 stands in the report.
    content TEXT NOT NULL
);

CREATE TABLE report_facts (
    report_id UUID NOT NULL REFERENCES reports (id),
    kind TEXT NOT NULL CHECK (kind IN ('consultation', 'event')),
    -- The order that they were counted in.
    position BIGINT NOT NULL CHECK (position >= 0),
    -- No reference: what was reported stays when a record is erased.
    record_id UUID NOT NULL,
    facts JSONB NOT NULL,
    PRIMARY KEY (report_id, kind, position),
    CONSTRAINT report_facts_once UNIQUE (report_id, kind, record_id)
);

CREATE FUNCTION reports_are_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'reports_are_frozen';
END
$$;

CREATE TRIGGER report_contents_frozen BEFORE UPDATE OR DELETE ON report_contents
FOR EACH ROW EXECUTE FUNCTION reports_are_frozen();

CREATE TRIGGER report_facts_frozen BEFORE UPDATE OR DELETE ON report_facts
FOR EACH ROW EXECUTE FUNCTION reports_are_frozen();
