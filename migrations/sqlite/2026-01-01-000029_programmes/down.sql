CREATE TABLE attachments_old (
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
INSERT INTO attachments_old
SELECT id, consultation_id, event_id, carrier_id, name, media_type, bytes, sha256, recorded_by,
    voided_at, voided_by, void_reason, version, created_at, updated_at
FROM attachments
WHERE accompaniment_id IS NULL;

DROP TABLE attachments;
ALTER TABLE attachments_old RENAME TO attachments;
CREATE INDEX attachments_consultation ON attachments (consultation_id, id)
    WHERE consultation_id IS NOT NULL;
CREATE INDEX attachments_event ON attachments (event_id, id) WHERE event_id IS NOT NULL;

DROP VIEW consultation_rows;
DROP INDEX consultations_accompaniment;
ALTER TABLE consultations DROP COLUMN accompaniment_id;
DROP INDEX events_accompaniment;
ALTER TABLE events DROP COLUMN accompaniment_id;

CREATE VIEW consultation_rows AS
SELECT
    c.id,
    c.organisation_id,
    c.establishment_id,
    c.carrier_id,
    c.site_id,
    c.funding_period_id,
    c.district_id,
    c.held_on,
    c.starts_at,
    c.minutes,
    c.preparation_minutes,
    c.channel,
    c.status,
    c.apprentices,
    c.countries,
    c.occupations,
    c.event_id,
    c.outcome,
    c.notes,
    c.note_warnings,
    c.search_text,
    c.is_anonymous_profile,
    c.anonymous_classification,
    c.anonymous_section,
    c.anonymous_size_class,
    c.voided_at,
    c.voided_by,
    c.void_reason,
    c.recorded_by,
    c.version,
    c.created_at,
    c.updated_at,
    CASE
        WHEN c.status <> 'held' THEN NULL
        WHEN c.minutes < f.minimum_minutes THEN 'short_information'
        WHEN c.organisation_id IS NULL THEN 'anonymous'
        WHEN EXISTS (
            SELECT 1
            FROM consultations e
            WHERE e.organisation_id = c.organisation_id
                AND e.held_on <= c.held_on
                AND e.funding_period_id = c.funding_period_id
                AND e.carrier_id = c.carrier_id
                AND e.status = 'held'
                AND e.minutes >= f.minimum_minutes
                AND (e.held_on, coalesce(e.starts_at, '24:00'), e.id)
                    < (c.held_on, coalesce(c.starts_at, '24:00'), c.id)
        ) THEN 'follow_up'
        ELSE 'first'
    END AS kind,
    o.name AS organisation_name,
    o.kind AS organisation_kind,
    e.name AS establishment_name,
    v.title AS event_title
FROM consultations c
CROSS JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN establishments e ON e.id = c.establishment_id
LEFT JOIN events v ON v.id = c.event_id;

DROP VIEW awaited_steps;
DROP TABLE accompaniment_steps;
DROP TABLE accompaniment_goals;
DROP TABLE accompaniment_pauses;
DROP TABLE accompaniments;
DROP TABLE programme_templates;
ALTER TABLE sites DROP COLUMN federal_state;
