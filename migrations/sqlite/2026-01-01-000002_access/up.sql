-- Who works here, their log-ins, and what they did.

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    -- Lower case; the domain sees to it.
    email TEXT NOT NULL CONSTRAINT users_email_key UNIQUE,
    name TEXT NOT NULL,
    -- The name folded, which lists are sorted by.
    name_key TEXT NOT NULL,
    -- Argon2id in PHC string format.
    password_hash TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX users_name_key ON users (name_key, id);

CREATE TABLE user_assignments (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN (
        'adviser', 'manager', 'coordinator', 'admin', 'data_protection'
    )),
    carrier_id BLOB REFERENCES carriers (id),
    site_id BLOB REFERENCES sites (id),
    valid_from TEXT NOT NULL,
    valid_to TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT user_assignments_validity CHECK (valid_to >= valid_from),
    CONSTRAINT user_assignments_carrier
        CHECK ((carrier_id IS NOT NULL) = (role IN ('adviser', 'manager')))
) STRICT;
CREATE INDEX user_assignments_user ON user_assignments (user_id, valid_from);
CREATE INDEX user_assignments_carrier_id ON user_assignments (carrier_id, user_id);

CREATE TRIGGER user_assignments_no_overlap_on_insert BEFORE INSERT ON user_assignments
WHEN EXISTS (
    SELECT 1 FROM user_assignments other
    WHERE other.user_id = NEW.user_id AND other.id <> NEW.id
        AND other.valid_from <= coalesce(NEW.valid_to, '9999-12-31')
        AND coalesce(other.valid_to, '9999-12-31') >= NEW.valid_from
)
BEGIN
    SELECT RAISE(ABORT, 'user_assignments_no_overlap');
END;

CREATE TRIGGER user_assignments_no_overlap_on_update BEFORE UPDATE ON user_assignments
WHEN EXISTS (
    SELECT 1 FROM user_assignments other
    WHERE other.user_id = NEW.user_id AND other.id <> NEW.id
        AND other.valid_from <= coalesce(NEW.valid_to, '9999-12-31')
        AND coalesce(other.valid_to, '9999-12-31') >= NEW.valid_from
)
BEGIN
    SELECT RAISE(ABORT, 'user_assignments_no_overlap');
END;

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    end_reason TEXT CHECK (end_reason IN ('logged_out', 'token_reused', 'suspended', 'password_changed')),
    CONSTRAINT sessions_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token: what is stored cannot be used.
    token_hash BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at TEXT NOT NULL,
    used_at TEXT
) STRICT;
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- Failed log-ins by SHA-256 of the e-mail address, whether or not there is such a user.
CREATE TABLE login_attempts (
    account_hash BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    blocked_until TEXT,
    updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The first answer to each POST with an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotency_keys (
    caller_id BLOB NOT NULL REFERENCES users (id),
    "key" TEXT NOT NULL CHECK (length("key") BETWEEN 1 AND 255),
    -- SHA-256 of method, path and body.
    fingerprint BLOB NOT NULL,
    answer TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (caller_id, "key")
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Every change of a record. Append-only.
CREATE TABLE audit_log (
    id BLOB NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    -- Null for the operator of the installation at its console.
    user_id BLOB REFERENCES users (id),
    session_id BLOB,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_kind TEXT NOT NULL,
    entity_id BLOB NOT NULL,
    entity_version INTEGER NOT NULL,
    carrier_id BLOB REFERENCES carriers (id),
    changes TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_entity ON audit_log (entity_id, id);

CREATE TRIGGER audit_log_append_only_on_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log_is_append_only');
END;

CREATE TRIGGER audit_log_append_only_on_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log_is_append_only');
END;
