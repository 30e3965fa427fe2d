DROP VIEW consultation_facts;

CREATE VIEW consultation_facts AS
SELECT
    c.id,
    c.organisation_id,
    c.carrier_id,
    c.site_id,
    c.district_id,
    c.funding_period_id,
    c.held_on,
    coalesce(c.starts_at, '24:00') AS starts_at,
    c.minutes,
    coalesce(c.preparation_minutes, 0) AS preparation_minutes,
    c.channel,
    (c.minutes < f.minimum_minutes) AS short,
    substr(c.held_on, 1, 7) AS month,
    substr(c.held_on, 1, 4) || '-Q' || ((CAST(substr(c.held_on, 6, 2) AS INTEGER) + 2) / 3) AS quarter,
    substr(c.held_on, 1, 4) AS year,
    o.kind AS organisation_kind,
    o.actor_type,
    coalesce(p.size_class, c.anonymous_size_class) AS size_class,
    coalesce(
        p.classification || ':' || p.section,
        c.anonymous_classification || ':' || c.anonymous_section
    ) AS section
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id
LEFT JOIN company_profiles p ON p.organisation_id = c.organisation_id
WHERE c.status = 'held';

DROP TRIGGER consultation_classes_filled;
DROP TRIGGER consultation_classes_on_update;
DROP TRIGGER consultation_classes_on_insert;
ALTER TABLE consultations DROP COLUMN actor_type;
ALTER TABLE consultations DROP COLUMN section;
ALTER TABLE consultations DROP COLUMN size_class;
