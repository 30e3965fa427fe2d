-- The second factor of a log-in.
CREATE TABLE second_factors (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id),
    -- As it is: codes are computed from it.
    secret BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- Null until the user showed a first code.
    confirmed_at TIMESTAMPTZ,
    -- The time step of the code used last. A code is good once.
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    user_id UUID NOT NULL REFERENCES users (id),
    -- SHA-256 of the code: what is stored cannot be used.
    code_hash BYTEA NOT NULL,
    used_at TIMESTAMPTZ,
    PRIMARY KEY (user_id, code_hash)
);

-- Whether the log-in was more than a password.
ALTER TABLE sessions ADD COLUMN strong BOOLEAN NOT NULL DEFAULT FALSE;
