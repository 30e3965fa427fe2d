DROP VIEW consultation_lists;
DROP VIEW consultation_rows;

-- What a consultation shows of other records, and its kind. A first is the earliest countable
-- consultation of the organisation in the period, by date, start and id; on a record it is derived
-- within its carrier, because what another carrier advised is not for its eyes.
CREATE VIEW consultation_details AS
SELECT
    c.id AS consultation_id,
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
                AND (e.held_on, coalesce(e.starts_at, '24:00'), e.id) < (c.held_on, coalesce(c.starts_at, '24:00'), c.id)
        ) THEN 'follow_up'
        ELSE 'first'
    END AS kind,
    o.name AS organisation_name,
    o.kind AS organisation_kind,
    e.name AS establishment_name,
    k.name AS carrier_name,
    s.name AS site_name,
    f.name AS funding_period_name,
    d.name AS district_name,
    r.name AS recorder_name,
    v.name AS voider_name
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id
JOIN carriers k ON k.id = c.carrier_id
JOIN sites s ON s.id = c.site_id
JOIN users r ON r.id = c.recorded_by
LEFT JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN establishments e ON e.id = c.establishment_id
LEFT JOIN districts d ON d.id = c.district_id
LEFT JOIN users v ON v.id = c.voided_by;
