DELETE FROM attachments WHERE accompaniment_id IS NOT NULL;
DROP INDEX attachments_accompaniment;
ALTER TABLE attachments DROP CONSTRAINT attachments_of_one_record;
ALTER TABLE attachments DROP COLUMN accompaniment_id;
ALTER TABLE attachments ADD CONSTRAINT attachments_of_one_record CHECK (
    (consultation_id IS NULL) <> (event_id IS NULL)
);

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

DROP VIEW awaited_steps;
DROP TABLE accompaniment_steps;
DROP TABLE accompaniment_goals;
DROP TABLE accompaniment_pauses;
DROP TABLE accompaniments;
DROP TABLE programme_templates;
ALTER TABLE sites DROP COLUMN federal_state;
