-- What a consultation has besides: preparation, what workers are sought and from where, the event that it
-- was held at. Countries and occupations are JSON in the row: their codes are data of the program, so a
-- table of them would refer to nothing, and they are read with every consultation.
ALTER TABLE consultations ADD COLUMN preparation_minutes INTEGER
    CHECK (preparation_minutes BETWEEN 0 AND 1440);
ALTER TABLE consultations ADD COLUMN apprentices INTEGER CHECK (apprentices >= 1);
ALTER TABLE consultations ADD COLUMN countries JSONB;
ALTER TABLE consultations ADD COLUMN occupations JSONB;
-- What the notes looked like when they were written.
ALTER TABLE consultations ADD COLUMN note_warnings JSONB;
ALTER TABLE consultations ADD COLUMN event_id UUID REFERENCES events (id);
CREATE INDEX consultations_event ON consultations (event_id, held_on, id) WHERE event_id IS NOT NULL;
CREATE INDEX consultations_note_warnings ON consultations (carrier_id, held_on, id)
    WHERE note_warnings IS NOT NULL;

DROP VIEW consultation_rows;

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
                AND (e.held_on, coalesce(e.starts_at, TIME '24:00'), e.id)
                    < (c.held_on, coalesce(c.starts_at, TIME '24:00'), c.id)
        ) THEN 'follow_up'
        ELSE 'first'
    END AS kind,
    (SELECT o.name FROM organisations o WHERE o.id = c.organisation_id) AS organisation_name,
    (SELECT o.kind FROM organisations o WHERE o.id = c.organisation_id) AS organisation_kind,
    (SELECT e.name FROM establishments e WHERE e.id = c.establishment_id) AS establishment_name,
    (SELECT v.title FROM events v WHERE v.id = c.event_id) AS event_title
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id;

-- One row for each country of a consultation.
CREATE VIEW consultation_countries AS
SELECT c.id AS consultation_id, n.value AS code
FROM consultations c, jsonb_array_elements_text(c.countries) n;

-- One row for each occupation of a consultation; several can be of one main group.
CREATE VIEW consultation_occupations AS
SELECT c.id AS consultation_id, o.value ->> 'code' AS code, substr(o.value ->> 'code', 1, 2) AS main_group
FROM consultations c, jsonb_array_elements(c.occupations) o;

-- What a topic is today: itself, or the last of those that replaced it. Chains have no circles (checked when a topic is changed) and at most fifty steps.
CREATE VIEW current_topics AS
WITH RECURSIVE chain (topic_id, current_id, steps) AS (
    SELECT id, id, 0 FROM topics
    UNION ALL
    SELECT c.topic_id, t.replaced_by_id, c.steps + 1
    FROM chain c
    JOIN topics t ON t.id = c.current_id
    WHERE t.replaced_by_id IS NOT NULL AND c.steps < 50
)
SELECT c.topic_id, c.current_id
FROM chain c
WHERE c.steps = (SELECT max(l.steps) FROM chain l WHERE l.topic_id = c.topic_id);
