-- API keys. What a key records, it records as a user of its own, under the same id.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'person'
    CONSTRAINT users_kind_check CHECK (kind IN ('person', 'api_key'));

CREATE TABLE api_keys (
    id BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    -- Names of actions.
    scopes TEXT NOT NULL,
    -- Last day.
    expires_on TEXT NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    approved_by BLOB REFERENCES users (id),
    approved_at TEXT,
    revoked_at TEXT,
    revoke_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT api_keys_approved CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CONSTRAINT api_keys_revoked CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
) STRICT;
CREATE INDEX api_keys_carrier ON api_keys (carrier_id, id);

CREATE TABLE api_key_secrets (
    -- SHA-256 of the secret: what is stored cannot be used.
    secret_hash BLOB NOT NULL PRIMARY KEY,
    key_id BLOB NOT NULL REFERENCES api_keys (id),
    prefix TEXT NOT NULL CONSTRAINT api_key_secrets_prefix_key UNIQUE,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    last_used_at TEXT
) STRICT;
CREATE INDEX api_key_secrets_key ON api_key_secrets (key_id, created_at);

ALTER TABLE audit_log ADD COLUMN api_key TEXT;
