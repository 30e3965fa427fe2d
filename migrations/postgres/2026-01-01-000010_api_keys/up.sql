-- API keys. What a key records, it records as a user of its own, under the same id.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'person'
    CONSTRAINT users_kind_check CHECK (kind IN ('person', 'api_key'));

CREATE TABLE api_keys (
    id UUID NOT NULL PRIMARY KEY REFERENCES users (id),
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    -- Names of actions.
    scopes JSONB NOT NULL,
    -- Last day.
    expires_on DATE NOT NULL,
    created_by UUID NOT NULL REFERENCES users (id),
    approved_by UUID REFERENCES users (id),
    approved_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    revoke_reason TEXT,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT api_keys_approved CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CONSTRAINT api_keys_revoked CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
);
CREATE INDEX api_keys_carrier ON api_keys (carrier_id, id);

CREATE TABLE api_key_secrets (
    -- SHA-256 of the secret: what is stored cannot be used.
    secret_hash BYTEA NOT NULL PRIMARY KEY,
    key_id UUID NOT NULL REFERENCES api_keys (id),
    prefix TEXT NOT NULL CONSTRAINT api_key_secrets_prefix_key UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ
);
CREATE INDEX api_key_secrets_key ON api_key_secrets (key_id, created_at);

ALTER TABLE audit_log ADD COLUMN api_key TEXT;
