-- One-time tokens with which users set their first password, or a new one for a lost one.
CREATE TABLE invitations (
    -- SHA-256 of the token: what is stored cannot be used.
    token_hash BYTEA NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    invited_by UUID NOT NULL REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX invitations_user ON invitations (user_id);
CREATE INDEX invitations_expires_at ON invitations (expires_at);
