CREATE TABLE sessions_new (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    end_reason TEXT CONSTRAINT sessions_end_reason_check CHECK (end_reason IN (
        'logged_out', 'token_reused', 'suspended', 'password_changed'
    )),
    CONSTRAINT sessions_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO sessions_new
SELECT id, user_id, created_at, expires_at, ended_at, CASE WHEN end_reason IN ('ended_elsewhere', 'ended_by_admin') THEN 'logged_out' ELSE end_reason END FROM sessions;

CREATE TABLE refresh_tokens_new (
    -- SHA-256 of the token: what is stored cannot be used.
    token_hash BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions_new (id) ON DELETE CASCADE,
    issued_at TEXT NOT NULL,
    used_at TEXT
) STRICT;
INSERT INTO refresh_tokens_new SELECT token_hash, session_id, issued_at, used_at FROM refresh_tokens;

-- Tokens first: dropping the sessions would delete them with it. Renaming takes the reference along.
DROP TABLE refresh_tokens;
DROP TABLE sessions;
ALTER TABLE sessions_new RENAME TO sessions;
ALTER TABLE refresh_tokens_new RENAME TO refresh_tokens;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
