CREATE TABLE audit_log_new (
    id BLOB NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    -- Null for the operator of the installation at its console.
    user_id BLOB REFERENCES users (id),
    session_id BLOB,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_kind TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    entity_version INTEGER NOT NULL,
    carrier_id BLOB REFERENCES carriers (id),
    changes TEXT NOT NULL,
    api_key TEXT
) STRICT;
INSERT INTO audit_log_new
SELECT id, at, user_id, session_id, request_id, action, entity_kind, entity_id, entity_version,
    carrier_id, changes, api_key
FROM audit_log WHERE entity_version IS NOT NULL;

DROP TABLE audit_log;
ALTER TABLE audit_log_new RENAME TO audit_log;
CREATE INDEX audit_log_entity ON audit_log (entity_id, id);
CREATE INDEX audit_log_at ON audit_log (at, id);
CREATE INDEX audit_log_user ON audit_log (user_id, at, id);
CREATE INDEX audit_log_request ON audit_log (request_id);

CREATE TRIGGER audit_log_append_only_on_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log_is_append_only');
END;

CREATE TRIGGER audit_log_append_only_on_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log_is_append_only');
END;
