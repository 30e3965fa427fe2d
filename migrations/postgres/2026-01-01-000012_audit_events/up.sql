-- The audit log takes what changes nothing too: log-ins, refusals, reading of personal data.
ALTER TABLE audit_log ALTER COLUMN entity_kind DROP NOT NULL;
ALTER TABLE audit_log ALTER COLUMN entity_id DROP NOT NULL;
-- Null where no version came of it.
ALTER TABLE audit_log ALTER COLUMN entity_version DROP NOT NULL;
-- What was refused or read, or why a log-in was refused: a code.
ALTER TABLE audit_log ADD COLUMN detail TEXT;
ALTER TABLE audit_log ADD CONSTRAINT audit_log_entity_check
    CHECK ((entity_kind IS NULL) = (entity_id IS NULL) AND (entity_version IS NULL OR entity_id IS NOT NULL));
CREATE INDEX audit_log_action ON audit_log (action, at, id);
