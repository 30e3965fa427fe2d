DROP VIEW consultation_facts;
DROP INDEX consultations_figures;
ALTER TABLE consultations DROP COLUMN occupation_groups, DROP COLUMN country_codes;
DROP FUNCTION groups_of_occupations(JSONB);
DROP FUNCTION codes_of_countries(JSONB);

CREATE INDEX consultations_figures ON consultations (
    funding_period_id, organisation_id, held_on, starts_at, id
) INCLUDE (
    carrier_id, minutes, preparation_minutes, site_id, district_id, channel, size_class, section, actor_type,
    anonymous_size_class, anonymous_classification, anonymous_section, topic_codes
) WHERE status = 'held';

CREATE VIEW consultation_facts AS
SELECT
    c.id,
    c.organisation_id,
    c.carrier_id,
    c.site_id,
    c.district_id,
    c.funding_period_id,
    c.status,
    c.held_on,
    coalesce(c.starts_at, TIME '24:00') AS starts_at,
    c.minutes,
    f.minimum_minutes,
    coalesce(c.preparation_minutes, 0) AS preparation_minutes,
    c.channel,
    c.topic_codes,
    (c.minutes < f.minimum_minutes) AS short,
    to_char(c.held_on, 'YYYY-MM') AS month,
    to_char(c.held_on, 'YYYY-"Q"Q') AS quarter,
    to_char(c.held_on, 'YYYY') AS year,
    o.kind AS organisation_kind,
    c.actor_type,
    coalesce(c.size_class, c.anonymous_size_class) AS size_class,
    coalesce(c.section, c.anonymous_classification || ':' || c.anonymous_section) AS section
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id;
