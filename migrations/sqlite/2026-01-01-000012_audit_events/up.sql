-- The audit log takes what changes nothing too: log-ins, refusals, reading of personal data. SQLite
-- changes no constraint of a table that is there, so it is made anew.
CREATE TABLE audit_log_new (
    id BLOB NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    -- Null for the operator of the installation at its console, and where nobody is known.
    user_id BLOB REFERENCES users (id),
    session_id BLOB,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_kind TEXT,
    entity_id BLOB,
    -- Null where no version came of it.
    entity_version INTEGER,
    carrier_id BLOB REFERENCES carriers (id),
    changes TEXT NOT NULL,
    api_key TEXT,
    -- What was refused or read, or why a log-in was refused: a code.
    detail TEXT,
    CONSTRAINT audit_log_entity_check CHECK (
        (entity_kind IS NULL) = (entity_id IS NULL)
        AND (entity_version IS NULL OR entity_id IS NOT NULL)
    )
) STRICT;
INSERT INTO audit_log_new
SELECT id, at, user_id, session_id, request_id, action, entity_kind, entity_id, entity_version,
    carrier_id, changes, api_key, NULL
FROM audit_log;

DROP TABLE audit_log;
ALTER TABLE audit_log_new RENAME TO audit_log;
CREATE INDEX audit_log_entity ON audit_log (entity_id, id);
CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_user ON audit_log (user_id, at, id);
CREATE INDEX audit_log_request ON audit_log (request_id);
CREATE INDEX audit_log_action ON audit_log (action, at, id);

CREATE TRIGGER audit_log_append_only_on_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log_is_append_only');
END;

CREATE TRIGGER audit_log_append_only_on_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log_is_append_only');
END;
