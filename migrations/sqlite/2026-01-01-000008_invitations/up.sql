-- One-time tokens with which users set their first password, or a new one for a lost one.
CREATE TABLE invitations (
    -- SHA-256 of the token: what is stored cannot be used.
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    invited_by BLOB NOT NULL REFERENCES users (id),
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX invitations_user ON invitations (user_id);
CREATE INDEX invitations_expires_at ON invitations (expires_at);
