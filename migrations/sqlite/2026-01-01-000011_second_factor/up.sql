-- The second factor of a log-in.
CREATE TABLE second_factors (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    -- As it is: codes are computed from it.
    secret BLOB NOT NULL,
    created_at TEXT NOT NULL,
    -- Null until the user showed a first code.
    confirmed_at TEXT,
    -- The time step of the code used last. A code is good once.
    last_step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id),
    -- SHA-256 of the code: what is stored cannot be used.
    code_hash BLOB NOT NULL,
    used_at TEXT,
    PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

-- Whether the log-in was more than a password.
ALTER TABLE sessions ADD COLUMN strong INTEGER NOT NULL DEFAULT FALSE CHECK (strong IN (0, 1));
