-- Figures by topic read the topics of a record where they read the rest of it: to look them up record by record
-- takes longer than all else. Kept by triggers with consultation_topics, which says the same one by one; no
-- program writes it.
ALTER TABLE consultations ADD COLUMN topic_codes TEXT NOT NULL DEFAULT '';
DROP INDEX consultations_figures;
UPDATE consultations
SET topic_codes = (
    SELECT coalesce(group_concat(t.code, ','), '')
    FROM consultation_topics ct
    JOIN topics t ON t.id = ct.topic_id
    WHERE ct.consultation_id = consultations.id
);

CREATE INDEX consultations_figures ON consultations (
    funding_period_id, organisation_id, held_on, starts_at, id, carrier_id, minutes, preparation_minutes,
    site_id, district_id, channel, size_class, section, actor_type,
    anonymous_size_class, anonymous_classification, anonymous_section, topic_codes
) WHERE status = 'held';

CREATE TRIGGER consultation_topic_codes_on_insert AFTER INSERT ON consultation_topics
BEGIN
    UPDATE consultations
    SET topic_codes = CASE topic_codes WHEN '' THEN t.code ELSE topic_codes || ',' || t.code END
    FROM topics t
    WHERE consultations.id = NEW.consultation_id
        AND t.id = NEW.topic_id
        AND instr(',' || topic_codes || ',', ',' || t.code || ',') = 0;
END;

CREATE TRIGGER consultation_topic_codes_on_delete AFTER DELETE ON consultation_topics
BEGIN
    UPDATE consultations
    SET topic_codes = (
        SELECT coalesce(group_concat(t.code, ','), '')
        FROM consultation_topics ct
        JOIN topics t ON t.id = ct.topic_id
        WHERE ct.consultation_id = consultations.id
    )
    WHERE id = OLD.consultation_id;
END;

CREATE TRIGGER consultation_topic_codes_on_update AFTER UPDATE ON consultation_topics
BEGIN
    UPDATE consultations
    SET topic_codes = (
        SELECT coalesce(group_concat(t.code, ','), '')
        FROM consultation_topics ct
        JOIN topics t ON t.id = ct.topic_id
        WHERE ct.consultation_id = consultations.id
    )
    WHERE id IN (OLD.consultation_id, NEW.consultation_id);
END;

CREATE TRIGGER consultation_topic_codes_on_rename AFTER UPDATE OF code ON topics
WHEN OLD.code <> NEW.code
BEGIN
    UPDATE consultations
    SET topic_codes = (
        SELECT coalesce(group_concat(t.code, ','), '')
        FROM consultation_topics ct
        JOIN topics t ON t.id = ct.topic_id
        WHERE ct.consultation_id = consultations.id
    )
    WHERE id IN (SELECT ct.consultation_id FROM consultation_topics ct WHERE ct.topic_id = NEW.id);
END;

DROP VIEW consultation_facts;

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
