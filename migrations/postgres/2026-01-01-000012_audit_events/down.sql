DROP INDEX audit_log_action;
ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only;
DELETE FROM audit_log WHERE entity_version IS NULL;
ALTER TABLE audit_log ENABLE TRIGGER audit_log_append_only;
ALTER TABLE audit_log DROP CONSTRAINT audit_log_entity_check;
ALTER TABLE audit_log DROP COLUMN detail;
ALTER TABLE audit_log ALTER COLUMN entity_version SET NOT NULL;
ALTER TABLE audit_log ALTER COLUMN entity_id SET NOT NULL;
ALTER TABLE audit_log ALTER COLUMN entity_kind SET NOT NULL;
