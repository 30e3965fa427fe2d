DROP VIEW consultation_rows;
DROP INDEX consultations_recruitment_case;
ALTER TABLE consultations DROP COLUMN recruitment_case_id;

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
    c.accompaniment_id,
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
    v.title AS event_title,
    coalesce(a.started_on, a.requested_on) AS accompaniment_on
FROM consultations c
CROSS JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN establishments e ON e.id = c.establishment_id
LEFT JOIN events v ON v.id = c.event_id
LEFT JOIN accompaniments a ON a.id = c.accompaniment_id;
