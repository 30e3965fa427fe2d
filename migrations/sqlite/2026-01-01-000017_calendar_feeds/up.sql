-- Secret addresses at which calendar programs read what a user has to do.
CREATE TABLE calendar_feeds (
    -- One each; a new one takes the place of the one before.
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    -- SHA-256 of the secret: what is stored cannot be used.
    secret_hash BLOB NOT NULL CONSTRAINT calendar_feeds_secret_hash_key UNIQUE,
    created_at TEXT NOT NULL,
    last_used_at TEXT
) STRICT;
