-- Figures by country and occupation read them where they read the rest of a record, as topics are read: to look
-- them up record by record takes longer than all else. Of occupations it is the first two digits that are counted,
-- each once. Null where there are none.
DROP VIEW consultation_facts;
DROP INDEX consultations_figures;
ALTER TABLE consultations ADD COLUMN country_codes TEXT;
ALTER TABLE consultations ADD COLUMN occupation_groups TEXT;
UPDATE consultations
SET country_codes = (
        SELECT group_concat(cc.code, ',') FROM consultation_countries cc
        WHERE cc.consultation_id = consultations.id
    ),
    occupation_groups = (
        SELECT group_concat(co.code, ',') FROM consultation_occupations co
        WHERE co.consultation_id = consultations.id AND length(co.code) = 2
    )
WHERE countries IS NOT NULL OR occupations IS NOT NULL;

CREATE INDEX consultations_figures ON consultations (
    funding_period_id, organisation_id, held_on, starts_at, id, carrier_id, minutes, preparation_minutes,
    site_id, district_id, channel, size_class, section, actor_type,
    anonymous_size_class, anonymous_classification, anonymous_section, topic_codes,
    country_codes, occupation_groups
) WHERE status = 'held';

-- Those of migration 27, which put them on the record too.
DROP TRIGGER consultation_codes_on_update;
DROP TRIGGER consultation_codes_on_insert;

CREATE TRIGGER consultation_codes_on_insert AFTER INSERT ON consultations
WHEN NEW.countries IS NOT NULL OR NEW.occupations IS NOT NULL
BEGIN
    INSERT INTO consultation_countries (consultation_id, code)
    SELECT DISTINCT NEW.id, n.value
    FROM json_each(NEW.countries) n;
    INSERT INTO consultation_occupations (consultation_id, code)
    SELECT DISTINCT NEW.id, substr(o.value ->> '$.code', 1, n.value)
    FROM json_each(NEW.occupations) o, json_each('[1, 2, 3, 4, 5]') n
    WHERE n.value <= length(o.value ->> '$.code');
    UPDATE consultations
    SET country_codes = (
            SELECT group_concat(cc.code, ',') FROM consultation_countries cc WHERE cc.consultation_id = NEW.id
        ),
        occupation_groups = (
            SELECT group_concat(co.code, ',') FROM consultation_occupations co
            WHERE co.consultation_id = NEW.id AND length(co.code) = 2
        )
    WHERE id = NEW.id;
END;

CREATE TRIGGER consultation_codes_on_update AFTER UPDATE OF countries, occupations ON consultations
WHEN OLD.countries IS NOT NEW.countries OR OLD.occupations IS NOT NEW.occupations
BEGIN
    DELETE FROM consultation_countries WHERE consultation_id = NEW.id;
    DELETE FROM consultation_occupations WHERE consultation_id = NEW.id;
    INSERT INTO consultation_countries (consultation_id, code)
    SELECT DISTINCT NEW.id, n.value
    FROM json_each(NEW.countries) n;
    INSERT INTO consultation_occupations (consultation_id, code)
    SELECT DISTINCT NEW.id, substr(o.value ->> '$.code', 1, n.value)
    FROM json_each(NEW.occupations) o, json_each('[1, 2, 3, 4, 5]') n
    WHERE n.value <= length(o.value ->> '$.code');
    UPDATE consultations
    SET country_codes = (
            SELECT group_concat(cc.code, ',') FROM consultation_countries cc WHERE cc.consultation_id = NEW.id
        ),
        occupation_groups = (
            SELECT group_concat(co.code, ',') FROM consultation_occupations co
            WHERE co.consultation_id = NEW.id AND length(co.code) = 2
        )
    WHERE id = NEW.id;
END;

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
    coalesce(c.starts_at, '24:00') AS starts_at,
    c.minutes,
    f.minimum_minutes,
    coalesce(c.preparation_minutes, 0) AS preparation_minutes,
    c.channel,
    c.topic_codes,
    c.country_codes,
    c.occupation_groups,
    (c.minutes < f.minimum_minutes) AS short,
    substr(c.held_on, 1, 7) AS month,
    substr(c.held_on, 1, 4) || '-Q' || ((CAST(substr(c.held_on, 6, 2) AS INTEGER) + 2) / 3) AS quarter,
    substr(c.held_on, 1, 4) AS year,
    o.kind AS organisation_kind,
    c.actor_type,
    coalesce(c.size_class, c.anonymous_size_class) AS size_class,
    coalesce(c.section, c.anonymous_classification || ':' || c.anonymous_section) AS section
FROM consultations c
JOIN funding_periods f ON f.id = c.funding_period_id
LEFT JOIN organisations o ON o.id = c.organisation_id;
