-- Attachments (Anhänge) of consultations and events. The bytes are in the store under the id.

CREATE TABLE attachments (
    id BLOB NOT NULL PRIMARY KEY,
    consultation_id BLOB REFERENCES consultations (id),
    event_id BLOB REFERENCES events (id),
    carrier_id BLOB NOT NULL REFERENCES carriers (id),
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    recorded_by BLOB NOT NULL REFERENCES users (id),
    -- From then on there is no object in the store.
    voided_at TEXT,
    voided_by BLOB REFERENCES users (id),
    void_reason TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT attachments_of_one_record CHECK (
        (consultation_id IS NULL) <> (event_id IS NULL)
    ),
    CONSTRAINT attachments_voided CHECK (
        (voided_at IS NULL) = (voided_by IS NULL) AND
        (voided_at IS NULL) = (void_reason IS NULL)
    )
) STRICT;
CREATE INDEX attachments_consultation ON attachments (consultation_id, id)
    WHERE consultation_id IS NOT NULL;
CREATE INDEX attachments_event ON attachments (event_id, id) WHERE event_id IS NOT NULL;
