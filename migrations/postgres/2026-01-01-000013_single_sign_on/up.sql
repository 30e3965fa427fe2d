-- Log-ins that have begun and go on at the provider of single sign-on. Each works once.
CREATE TABLE sso_flows (
    -- SHA-256 of the state, which names the log-in to the provider.
    state_hash BYTEA NOT NULL PRIMARY KEY,
    -- SHA-256 of the secret that the browser keeps.
    flow_hash BYTEA NOT NULL,
    -- Of the code challenge (PKCE). Nothing without the code, which goes by the browser.
    verifier TEXT NOT NULL,
    -- Comes back in the ID token.
    nonce TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sso_flows_expires_at ON sso_flows (expires_at);

-- Who users are at the provider.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT identities_key PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);
