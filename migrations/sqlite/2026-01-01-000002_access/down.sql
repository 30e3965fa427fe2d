DROP TABLE audit_log;
DROP TABLE idempotency_keys;
DROP TABLE login_attempts;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE user_assignments;
DROP TABLE users;
