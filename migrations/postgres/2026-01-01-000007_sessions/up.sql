-- Sessions that their user can tell apart, and two more ways for one to end.
ALTER TABLE sessions ADD COLUMN client TEXT;
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_check CHECK (end_reason IN (
    'logged_out', 'token_reused', 'suspended', 'password_changed', 'ended_elsewhere', 'ended_by_admin'
));
