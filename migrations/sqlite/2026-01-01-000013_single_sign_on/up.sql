-- Log-ins that have begun and go on at the provider of single sign-on. Each works once.
CREATE TABLE sso_flows (
    -- SHA-256 of the state, which names the log-in to the provider.
    state_hash BLOB NOT NULL PRIMARY KEY,
    -- SHA-256 of the secret that the browser keeps.
    flow_hash BLOB NOT NULL,
    -- Of the code challenge (PKCE). Nothing without the code, which goes by the browser.
    verifier TEXT NOT NULL,
    -- Comes back in the ID token.
    nonce TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX sso_flows_expires_at ON sso_flows (expires_at);

-- Who users are at the provider.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    created_at TEXT NOT NULL,
    CONSTRAINT identities_key PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_user ON identities (user_id);
