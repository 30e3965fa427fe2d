ALTER TABLE audit_log DROP COLUMN api_key;
DROP TABLE api_key_secrets;
DROP TABLE api_keys;
-- Records and the audit log may name them, so they stay, with nothing to log in with.
UPDATE users SET status = 'suspended' WHERE kind = 'api_key';
ALTER TABLE users DROP COLUMN kind;
