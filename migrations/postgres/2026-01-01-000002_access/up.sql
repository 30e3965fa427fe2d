-- Who works here, their log-ins, and what they did.

-- Equality of ids in an exclusion constraint. A trusted extension: the owner of the database may
-- create it.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    -- Lower case; the domain sees to it.
    email TEXT NOT NULL COLLATE "C" CONSTRAINT users_email_key UNIQUE,
    name TEXT NOT NULL,
    -- The name folded, which lists are sorted by.
    name_key TEXT NOT NULL COLLATE "C",
    -- Argon2id in PHC string format.
    password_hash TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX users_name_key ON users (name_key, id);

CREATE TABLE user_assignments (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN (
        'adviser', 'manager', 'coordinator', 'admin', 'data_protection'
    )),
    carrier_id UUID REFERENCES carriers (id),
    site_id UUID REFERENCES sites (id),
    valid_from DATE NOT NULL,
    valid_to DATE,
    version BIGINT NOT NULL CHECK (version >= 1),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT user_assignments_validity CHECK (valid_to >= valid_from),
    CONSTRAINT user_assignments_carrier
        CHECK ((carrier_id IS NOT NULL) = (role IN ('adviser', 'manager'))),
    CONSTRAINT user_assignments_no_overlap
        EXCLUDE USING gist (user_id WITH =, daterange(valid_from, valid_to, '[]') WITH &&)
);
CREATE INDEX user_assignments_user ON user_assignments (user_id, valid_from);
CREATE INDEX user_assignments_carrier_id ON user_assignments (carrier_id, user_id);

CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    end_reason TEXT CHECK (end_reason IN ('logged_out', 'token_reused', 'suspended', 'password_changed')),
    CONSTRAINT sessions_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token: what is stored cannot be used.
    token_hash BYTEA NOT NULL PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Failed log-ins by SHA-256 of the e-mail address, whether or not there is such a user.
CREATE TABLE login_attempts (
    account_hash BYTEA NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    blocked_until TIMESTAMPTZ,
    updated_at TIMESTAMPTZ NOT NULL
);

-- The first answer to each POST with an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotency_keys (
    caller_id UUID NOT NULL REFERENCES users (id),
    "key" TEXT NOT NULL CHECK (length("key") BETWEEN 1 AND 255),
    -- SHA-256 of method, path and body.
    fingerprint BYTEA NOT NULL,
    answer JSONB,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (caller_id, "key")
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Every change of a record. Append-only.
CREATE TABLE audit_log (
    id UUID NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    -- Null for the operator of the installation at its console.
    user_id UUID REFERENCES users (id),
    session_id UUID,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_kind TEXT NOT NULL,
    entity_id UUID NOT NULL,
    entity_version BIGINT NOT NULL,
    carrier_id UUID REFERENCES carriers (id),
    changes JSONB NOT NULL
);
CREATE INDEX audit_log_entity ON audit_log (entity_id, id);

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log_is_append_only';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
