UPDATE sessions SET end_reason = 'logged_out' WHERE end_reason IN ('ended_elsewhere', 'ended_by_admin');
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_check CHECK (end_reason IN (
    'logged_out', 'token_reused', 'suspended', 'password_changed'
));
ALTER TABLE sessions DROP COLUMN client;
